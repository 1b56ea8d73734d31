//! Which texts of a script may be the paths of files.

use super::super::reference::Role;
use super::super::written::{extension, looks_hashed};

/// Most characters of a path that a script names.
pub(super) const MAX_PATH: usize = 500;

/// What an imported file is: those that no browser takes for a module are data, or source that never runs.
pub(super) fn module(written: &str) -> Role {
    match extension(written).as_deref() {
        Some("js" | "mjs" | "cjs") => Role::Module,
        Some("css") => Role::Style,
        // Names in an import map have none, or anything after a dot.
        _ if !written.starts_with(['.', '/']) => Role::Module,
        _ => Role::Other,
    }
}

/// What a file in a list of chunks is, if it is one.
pub(super) fn chunk_role(text: &str) -> Option<Role> {
    match extension(text).as_deref() {
        _ if !looks_like_path(text) => None,
        Some("js" | "mjs") => Some(Role::Module),
        Some("css") => Some(Role::Style),
        _ => None,
    }
}

/// Whether a text may be the path of a file: one word, with an extension of letters and digits.
pub(super) fn looks_like_path(text: &str) -> bool {
    let is_of_path =
        |letter: char| !letter.is_whitespace() && !letter.is_control() && !"<>\"'`{}|\\^*,;".contains(letter);
    text.len() <= MAX_PATH
        && extension(text).is_some_and(|extension| {
            (2..=11).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        && text.chars().all(is_of_path)
}

/// Whether a text says alone where it leads, as far as the host: `/assets/a.js`, `https://cdn.example.com/assets/a.js`.
pub(super) fn is_whole_address(text: &str) -> bool {
    text.starts_with('/') || text.starts_with("https://")
}

/// Whether a text may be the id of a chunk.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_@-".contains(&byte))
}

/// Whether a bundler may have named the file: with a digest, which may be of letters alone where large and small ones are in it.
pub(super) fn may_be_built(text: &str) -> bool {
    let is_digest = |part: &str| {
        let has = |class: fn(&u8) -> bool| part.bytes().any(|byte| class(&byte));
        part.len() >= 8 && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
    };
    let last = text.rsplit_once('.').and_then(|(stem, _)| Some(stem.rsplit_once(['-', '.'])?.1));
    looks_hashed(text) || last.is_some_and(is_digest)
}

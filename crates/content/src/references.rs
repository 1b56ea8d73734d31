//! What the files of a site refer to, as the files themselves write it: no disk, no network, no judgement about what is
//! missing (that is `closure`'s).
//!
//! Nothing in a file stops reading it: what cannot be understood is not a reference.

mod css;
mod found;
mod html;
mod qwik;
mod reference;
mod script;
mod web_manifest;
mod written;

use crate::path::SitePath;

use self::found::Found;

pub use self::reference::{ANY, Form, Manner, Reference, References, Role, SharedTexts};
pub(crate) use self::written::{looks_hashed, scheme};

/// What a file of the site refers to. Its name decides how it is read.
pub fn read(path: &SitePath, bytes: &[u8]) -> References {
    let mut found = Found::default();
    match kind(path) {
        Some(Format::Html) => html::read(bytes, &mut found),
        Some(Format::Css) => css::read(&String::from_utf8_lossy(bytes), css::CssContext::Sheet, 1, &mut found),
        Some(Format::Script) => script::read(bytes, 1, &mut found),
        Some(Format::WebManifest) => web_manifest::read(bytes, &mut found),
        Some(Format::Json) => script::read(bytes, 1, &mut found),
        Some(Format::QwikGraph) => qwik::read(bytes, &mut found),
        None => {}
    }
    found.finish()
}

/// The array in the window by which webpack's or Rspack's runtime, and the chunks that it loads, find each other
/// (`output.chunkLoadingGlobal`; before version 5 `output.jsonpFunction`), if a script is one of them.
pub fn chunk_array(path: &SitePath, bytes: &[u8]) -> Option<String> {
    const BEGINNINGS: [&[u8]; 3] = [b"webpackChunk", b"rspackChunk", b"webpackJsonp"];
    if !matches!(kind(path), Some(Format::Script)) {
        return None;
    }
    let start = BEGINNINGS.iter().filter_map(|beginning| memchr::memmem::find(bytes, beginning)).min()?;
    let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-');
    let length = bytes[start..].iter().take(MAX_ARRAY_NAME).take_while(is_of_name).count();
    Some(String::from_utf8_lossy(&bytes[start..start + length]).into_owned())
}

/// Most characters of the name of an array of chunks that are looked at.
const MAX_ARRAY_NAME: usize = 100;

/// Whether [`read`] looks into a file of that name.
pub fn is_read(path: &SitePath) -> bool {
    kind(path).is_some()
}

enum Format {
    Html,
    Css,
    Script,
    WebManifest,
    /// Lists of chunks that a runtime loads.
    Json,
    /// What Qwik's loader fetches ahead.
    QwikGraph,
}

fn kind(path: &SitePath) -> Option<Format> {
    match path.extension()?.as_str() {
        "html" | "htm" | "xhtml" | "svg" => Some(Format::Html),
        "css" => Some(Format::Css),
        "js" | "mjs" | "cjs" => Some(Format::Script),
        "webmanifest" => Some(Format::WebManifest),
        "json" if path.file_name() == "manifest.json" => Some(Format::WebManifest),
        "json" if path.file_name() == "chunk-map.json" => Some(Format::Json),
        "json" if path.file_name().contains("bundle-graph") => Some(Format::QwikGraph),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! Text of others in Markdown, as GitHub, GitLab and Buildkite render it: it shows what it says, and does nothing else.

use std::fmt::Write;

use crate::types::text::printable;

/// The most bytes of a sentence, escaped.
const LONGEST: usize = 4_000;

/// `text` as code. In it no markup, no mention and no address is recognised (CommonMark 0.31, 6.1): only its own fence ends it, and
/// that is longer than any run of backticks in it.
pub(super) fn code(text: &str) -> String {
    let text = printable(text);
    if text.is_empty() {
        return String::new();
    }
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A space at both ends is taken off again; without one, a backtick there would belong to the fence.
    let needs_room = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let room = if needs_room && !text.trim().is_empty() { " " } else { "" };
    format!("{fence}{room}{text}{room}{fence}")
}

/// `text` as a sentence, cut where it is very long. Punctuation is written as a reference, which is never markup (CommonMark 0.31,
/// 2.5). `@` and `#` stand in an element of their own: what follows is no name of a person and no number of an issue.
pub(super) fn prose(text: &str) -> String {
    let mut shown = String::new();
    for char in printable(text).trim().chars() {
        if shown.len() > LONGEST {
            shown.push('…');
            break;
        }
        // Writing to a text cannot fail.
        let _ = match char {
            '@' | '#' => write!(shown, "<code>&#{};</code>", u32::from(char)),
            ',' | '\'' => write!(shown, "{char}"),
            punctuation if punctuation.is_ascii_punctuation() => write!(shown, "&#{};", u32::from(punctuation)),
            other => write!(shown, "{other}"),
        };
    }
    shown
}

/// An `address` as where a link leads. Whatever could end it there, or begin markup, is percent-encoded.
pub(super) fn destination(address: &str) -> String {
    let mut encoded = String::new();
    for byte in address.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"/:.-_~%@=?+,".contains(&byte);
        let _ = match is_plain {
            true => write!(encoded, "{}", char::from(byte)),
            false => write!(encoded, "%{byte:02X}"),
        };
    }
    encoded
}

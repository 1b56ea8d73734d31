//! What the TOML reader says, in words for people.

use std::ops::Range;

use crate::report::error::{Code, Problem};

/// The reader's `error` about `text`, which was read from the file called `name`.
pub(super) fn problem(error: &toml::de::Error, text: &str, name: &str) -> Problem {
    let (message, hint) = sentence(error.message());
    match error.span() {
        Some(span) => at(span, text, name, &message).hint(hint),
        None => Problem::new(Code::Configuration, format!("{name}: {message}")).hint(hint),
    }
}

/// What `message` says of the part `span` of `text`.
pub(super) fn at(span: Range<usize>, text: &str, name: &str, message: &str) -> Problem {
    let (line, column) = line_and_column(text, span.start);
    Problem::new(Code::Configuration, format!("{name}, line {line}, column {column}: {message}"))
}

/// The known word that `unknown` most likely means.
pub(super) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |word: &str| strsim::jaro_winkler(&unknown.to_lowercase(), &word.to_lowercase());
    known
        .into_iter()
        .map(|word| (likeness(word), word))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, word)| word)
}

/// From 1, in characters.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Message and hint. serde's own sentences are fixed ("unknown field `a`, expected one of `b`, `c`"); whatever else
/// the reader says is passed on.
fn sentence(message: &str) -> (String, String) {
    let mut words = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let what = if message.starts_with("unknown field") { "key" } else { "value" };
        let unknown = words.next().unwrap_or_default();
        let known: Vec<&str> = words.collect();
        let hint = match nearest(unknown, known.iter().copied()) {
            Some(word) => format!("Did you mean `{word}`?"),
            None => format!("Known {what}s here: {}.", known.join(", ")),
        };
        return (format!("unknown {what} `{unknown}`"), hint);
    }
    if message.starts_with("missing field") {
        return (format!("the key `{}` is missing", words.next().unwrap_or_default()), String::new());
    }
    if message.contains("untagged enum") {
        return ("must be a string or a list of strings".to_owned(), String::new());
    }
    for wrong in ["invalid type: ", "invalid value: "] {
        if let Some((found, expected)) = message.strip_prefix(wrong).and_then(|rest| rest.split_once(", expected ")) {
            return (format!("must be {}, not {found}", expected_words(expected)), String::new());
        }
    }
    (message.lines().collect::<Vec<_>>().join(", "), String::new())
}

/// What serde calls a type, in the words of TOML's users.
fn expected_words(expected: &str) -> String {
    match expected {
        "a string" | "path string" => "a string in quotation marks".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        "u8" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        nonzero if nonzero.starts_with("a nonzero") => "a whole number, 1 or more".to_owned(),
        structure if structure.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

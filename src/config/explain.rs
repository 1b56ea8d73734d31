//! What the TOML reader says, in words for people.

use std::ops::Range;

use serde::de::DeserializeOwned;

use super::section::EnvironmentSection;
use super::{InvalidationSection, PublishSection, Retention};
use crate::report::error::{Code, Problem};

/// Where a publish.toml is read from: what a refusal names.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    /// Its text.
    pub(super) text: &'s str,
    /// Its name.
    pub(super) name: &'s str,
}

/// A value with variables, after they were expanded.
#[derive(Debug)]
pub(super) struct Expanded {
    /// Where it is written.
    pub(super) span: Range<usize>,
    /// The keys that lead to it, as `publish.index`; without the places in lists.
    pub(super) path: String,
    /// The expanded value.
    pub(super) text: String,
}

/// The reader's `error` about a file; where it is about a `value` that variables were put into, that is named too.
pub(super) fn problem(error: &toml::de::Error, Source { text, name }: Source<'_>, value: Option<&Expanded>) -> Problem {
    let (message, hint) = sentence(error.message());
    let message = match value {
        Some(Expanded { span, path, text: expanded }) => {
            let key = path.rsplit('.').next().unwrap_or_default();
            let written = text.get(span.clone()).unwrap_or_default();
            format!("`{key} = {written}` expands to \"{expanded}\": {message}")
        }
        None => message,
    };
    match error.span() {
        Some(span) => at(span, text, name, &message).hint(hint),
        None => Problem::new(Code::Configuration, format!("{name}: {message}")).hint(hint),
    }
}

/// `message` about the part `span` of `text`.
pub(super) fn at(span: Range<usize>, text: &str, name: &str, message: &str) -> Problem {
    let (line, column) = line_and_column(text, span.start);
    Problem::new(Code::Configuration, format!("{name}, line {line}, column {column}: {message}")).at(name, line)
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
            _ if what == "key" && !known.is_empty() && table_of(unknown).is_some() => {
                let (table, example) = table_of(unknown).unwrap_or_default();
                format!("It belongs {table}: write `{unknown}` {example}.")
            }
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

/// The table that a key belongs to, and where it is written there; `None`: no table has it.
fn table_of(key: &str) -> Option<(&'static str, &'static str)> {
    if ["site", "dir"].contains(&key) {
        return Some(("to the whole file", "above the first line with a `[`"));
    }
    let tables = [
        (has_key::<PublishSection>(key), ("to [publish]", "below a line `[publish]`")),
        (has_key::<Retention>(key), ("to [retention]", "below a line `[retention]`")),
        (has_key::<InvalidationSection>(key), ("to [invalidation]", "below a line `[invalidation]`")),
        (
            has_key::<EnvironmentSection>(key),
            ("to an environment", "below a line `[env.NAME]`, such as `[env.production]`"),
        ),
    ];
    tables.into_iter().find(|(has, _)| *has).map(|(_, table)| table)
}

/// Whether a table has a key of that name.
fn has_key<T: DeserializeOwned>(key: &str) -> bool {
    let read = toml::from_str::<T>(&format!("\"{key}\" = 0"));
    read.err()
        .is_none_or(|error| !error.message().starts_with("unknown field") && !error.message().contains("expected `"))
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

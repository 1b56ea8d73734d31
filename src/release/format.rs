//! Versions of what is stored: which program may read an object, and which may go on from it.
//!
//! Format 1 has exactly the fields of its first day. Whatever differs from it in any way is format 2, which says beside
//! its number the *minors* that it needs: one to read it and one to write it, or to act on it. A field that is new raises
//! one of them, or neither (docs/bucket-layout.md).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::content::path::SitePath;
use crate::types::digest::Digest;

/// The format of an object that needs nothing newer.
pub const FIRST_FORMAT: u32 = 1;

/// The format of everything else.
pub const FORMAT: u32 = 2;

/// What of format 2 this program knows: everything that came with minors up to this one.
pub const MINOR: u32 = 3;

/// Largest head and claim that are read and written, in bytes. A head of this program stays far below: it holds paths of
/// leftovers, pending refreshes and mutable names, never the site's listing.
pub const MAX_JSON_BYTES: u64 = 64 << 20;

/// The minors that an object of format 2 needs. What is of format 1 needs none: both are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minors {
    /// To read it: a program below would ignore something that it must not ignore.
    pub read: u32,
    /// To write it back, or to act on it: with a program below, something in it would become false.
    pub write: u32,
}

impl Minors {
    /// The higher one of each.
    #[must_use]
    pub fn max(self, other: Minors) -> Minors {
        Minors { read: self.read.max(other.read), write: self.write.max(other.write) }
    }

    /// Whether this program may do no more than show the object.
    pub fn are_only_to_read(self) -> bool {
        self.write > MINOR
    }
}

/// Why an object of the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Written by a newer (or no) version of this program.
    #[error("it has format {found}, and this program reads formats {FIRST_FORMAT} and {FORMAT}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// Written by a newer version of this program, with something that this one must not ignore.
    #[error("reading it needs minor {needed} of format {FORMAT}, and this program knows minor {MINOR}")]
    Unreadable {
        /// The minor that it needs.
        needed: u32,
    },
    /// Written by a newer version of this program, with something that this one cannot honour.
    #[error("acting on it needs minor {needed} of format {FORMAT}, and this program knows minor {MINOR}")]
    OnlyToShow {
        /// The minor that it needs.
        needed: u32,
    },
    /// Not what the format says.
    #[error("it is not in a format that this program can read: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Not gzip, or cut off.
    #[error("it cannot be decompressed")]
    Compression(#[from] std::io::Error),
    /// Larger than anything this program writes.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// Has more of something than this program writes or reads.
    #[error("it has more than {most} {what}")]
    TooMany {
        /// Of what, in plural.
        what: &'static str,
        /// The most that it may have.
        most: usize,
    },
    /// Names a header set that is not there, or one path twice.
    #[error("its entry for {0} is inconsistent")]
    Inconsistent(SitePath),
    /// Contains values that no real state has.
    #[error("it has {0}")]
    OutOfRange(&'static str),
    /// The digest that the object states is not that of its content.
    #[error("its content has the digest {actual}, and it states {stated}")]
    Digest {
        /// What it says.
        stated: Digest,
        /// What it is.
        actual: Digest,
    },
}

impl FormatError {
    /// Whether the object exceeds a limit of what this program writes or reads.
    pub fn is_beyond_a_limit(&self) -> bool {
        matches!(self, Self::TooLarge(_) | Self::TooMany { .. })
    }

    /// Whether a newer version of this program can use the object.
    pub fn asks_for_update(&self) -> bool {
        matches!(self, Self::Version { .. } | Self::Unreadable { .. } | Self::OnlyToShow { .. })
    }
}

/// What an object says of its own format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Exactly the fields of the first day.
    First,
    /// What came later too, also what this program does not know.
    Second(Minors),
}

impl Format {
    /// The format that `json` states. It is read before anything else.
    pub(crate) fn of(json: &[u8]) -> Result<Format, FormatError> {
        #[derive(Deserialize)]
        struct Number {
            format: u32,
        }
        // An object of a higher format may have any other shape.
        match serde_json::from_slice::<Number>(json)?.format {
            FIRST_FORMAT => Ok(Format::First),
            FORMAT => {
                #[derive(Deserialize)]
                struct Needs {
                    minor: Minors,
                }
                let Needs { minor } = serde_json::from_slice(json)?;
                match minor {
                    Minors { read, .. } if read > MINOR => Err(FormatError::Unreadable { needed: read }),
                    Minors { read, write } if write < read => {
                        Err(FormatError::OutOfRange("a minor to write it that is below the one to read it"))
                    }
                    minors => Ok(Format::Second(minors)),
                }
            }
            found => Err(FormatError::Version { found }),
        }
    }

    /// As [`Format::of`], of what a run is to act on.
    pub(crate) fn to_act_on(json: &[u8]) -> Result<Format, FormatError> {
        match Format::of(json)? {
            Format::Second(minors) if minors.are_only_to_read() => {
                Err(FormatError::OnlyToShow { needed: minors.write })
            }
            format => Ok(format),
        }
    }
}

/// An object as stored: its format, and what it says.
#[derive(Serialize)]
pub(crate) struct Document<T> {
    format: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    minor: Option<Minors>,
    #[serde(flatten)]
    body: T,
}

impl<T: Serialize> Document<T> {
    /// `body` as the lowest format that can say it: `needs` are the minors that it needs, if it says anything that
    /// format 1 cannot.
    pub(crate) fn of(body: T, needs: Option<Minors>) -> Document<T> {
        let format = if needs.is_some() { FORMAT } else { FIRST_FORMAT };
        Document { format, minor: needs, body }
    }
}

/// Refuses a head or a claim that is larger than any of this program.
pub(crate) fn check_size(json: &[u8]) -> Result<(), FormatError> {
    if json.len() as u64 > MAX_JSON_BYTES { Err(FormatError::TooLarge(MAX_JSON_BYTES)) } else { Ok(()) }
}

/// A field, or a value of it, that format 1 does not have, and the minor that a reader or writer needs for it.
pub(crate) struct Addition<T> {
    /// The minor that brought it, as far as it is needed for reading and for writing.
    pub(crate) needs: Minors,
    /// Whether an object says it.
    pub(crate) is_said: fn(&T) -> bool,
}

/// The minors that `object` needs; `None`: format 1 can say all of it.
pub(crate) fn needed<T>(object: &T, additions: &[Addition<T>]) -> Option<Minors> {
    additions.iter().filter(|addition| (addition.is_said)(object)).map(|addition| addition.needs).reduce(Minors::max)
}

/// Fields of an object, and of the objects in it, that this program does not know. They are kept for as long as the object
/// they belong to is, and are written back with it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Unknown(Map<String, Value>);

impl Unknown {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps `value`, found at `place` below the object.
    pub(crate) fn keep(&mut self, place: &[String], value: Value) {
        let Some((last, parents)) = place.split_last() else { return };
        let mut within = &mut self.0;
        for name in parents {
            let parent = within.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(parent) = parent else { return };
            within = parent;
        }
        within.insert(last.clone(), value);
    }

    /// Writes them beside what is known in `object`.
    pub(crate) fn write_into(&self, object: &mut Value) {
        merge(object, &self.0);
    }
}

impl fmt::Debug for Unknown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(&self.0).finish()
    }
}

/// Known fields are not overwritten.
fn merge(known: &mut Value, unknown: &Map<String, Value>) {
    let Value::Object(known) = known else { return };
    for (name, value) in unknown {
        match (known.get_mut(name), value) {
            (None, _) => drop(known.insert(name.clone(), value.clone())),
            (Some(within), Value::Object(value)) => merge(within, value),
            (Some(_), _) => {}
        }
    }
}

/// Whether a value is certain to be written back as it was read: of numbers, only integers are.
pub(crate) fn is_kept_exactly(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Array(values) => values.iter().all(is_kept_exactly),
        Value::Object(values) => values.values().all(is_kept_exactly),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_up_to_the_limit() {
        let limit = usize::try_from(MAX_JSON_BYTES).unwrap();
        assert!(check_size(&vec![0; limit]).is_ok());
        let refused = check_size(&vec![0; limit + 1]).unwrap_err();
        assert!(matches!(refused, FormatError::TooLarge(MAX_JSON_BYTES)));
    }

    /// What is read, what is acted on, and why not.
    #[test]
    fn an_object_is_read_and_acted_on_as_far_as_the_minors_that_it_needs_are_known() {
        let second = |read, write| format!("{{\"format\":2,\"minor\":{{\"read\":{read},\"write\":{write}}}}}");
        for (json, read, acted_on) in [
            ("{\"format\":1,\"minor\":9}".to_owned(), "First", "First"),
            (second(0, 0), "Second", "Second"),
            (second(MINOR, MINOR), "Second", "Second"),
            (second(MINOR, MINOR + 1), "Second", "OnlyToShow"),
            (second(0, MINOR + 9), "Second", "OnlyToShow"),
            (second(MINOR + 1, MINOR + 1), "Unreadable", "Unreadable"),
            (second(MINOR + 9, MINOR + 9), "Unreadable", "Unreadable"),
            (second(1, 0), "OutOfRange", "OutOfRange"),
            ("{\"format\":2}".to_owned(), "Syntax", "Syntax"),
            (format!("{{\"format\":{}}}", FORMAT + 1), "Version", "Version"),
        ] {
            let told = |format: Result<Format, FormatError>| match format {
                Ok(Format::First) => "First",
                Ok(Format::Second(minors)) => {
                    assert_eq!(json, second(minors.read, minors.write));
                    "Second"
                }
                Err(FormatError::Unreadable { needed }) if needed > MINOR => "Unreadable",
                Err(FormatError::OnlyToShow { needed }) if needed > MINOR => "OnlyToShow",
                Err(FormatError::OutOfRange(_)) => "OutOfRange",
                Err(FormatError::Syntax(_)) => "Syntax",
                Err(FormatError::Version { .. }) => "Version",
                Err(other) => panic!("{other}"),
            };
            assert_eq!(
                (told(Format::of(json.as_bytes())), told(Format::to_act_on(json.as_bytes()))),
                (read, acted_on),
                "{json}"
            );
        }
    }

    #[test]
    fn only_whole_numbers_are_surely_written_back_as_they_were_read() {
        for (json, expected) in [
            ("0", true),
            ("-1", true),
            ("18446744073709551615", true),
            ("1.5", false),
            ("1e3", false),
            ("18446744073709551616", false),
            ("[null,true,\"1.5\",{\"a\":[1]}]", true),
            ("[null,true,\"1.5\",{\"a\":[1.5]}]", false),
        ] {
            assert_eq!(is_kept_exactly(&serde_json::from_str(json).unwrap()), expected, "{json}");
        }
    }

    /// What a person is told to do about it.
    #[test]
    fn an_update_helps_where_a_newer_program_wrote_it_and_nowhere_else() {
        let path = SitePath::new("a.html").unwrap();
        let (stated, actual) = (Digest::of(b"a"), Digest::of(b"b"));
        for (error, is_newer, is_beyond) in [
            (FormatError::Version { found: FORMAT + 1 }, true, false),
            (FormatError::Unreadable { needed: MINOR + 1 }, true, false),
            (FormatError::OnlyToShow { needed: MINOR + 1 }, true, false),
            (FormatError::Syntax(serde_json::from_str::<u8>("{").unwrap_err()), false, false),
            (FormatError::Compression(std::io::ErrorKind::UnexpectedEof.into()), false, false),
            (FormatError::TooLarge(MAX_JSON_BYTES), false, true),
            (FormatError::TooMany { what: "files", most: 1 }, false, true),
            (FormatError::Inconsistent(path), false, false),
            (FormatError::OutOfRange("a size"), false, false),
            (FormatError::Digest { stated, actual }, false, false),
        ] {
            assert_eq!((error.asks_for_update(), error.is_beyond_a_limit()), (is_newer, is_beyond), "{error}");
        }
    }
}

//! The headers an object is stored with. Equal bytes with other headers are a change.

use std::collections::BTreeMap;

use percent_encoding::{CONTROLS, utf8_percent_encode};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Everything about an answer that S3 keeps beside the bytes. This program gives every file the first two; an object
/// that was there before it may lack them, and an empty text stands for a header that is not there.
///
/// Read from the state, every value is one that [`is_field_value`] takes and every name of metadata a token in lower
/// case: they become the headers of requests when a release is brought back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    /// `Cache-Control`, for browsers and the CDN.
    #[serde(deserialize_with = "value")]
    pub cache_control: String,
    /// `Content-Type`, with its charset where it is text.
    #[serde(deserialize_with = "value")]
    pub content_type: String,
    /// `Content-Encoding`, of a file that is already compressed.
    #[serde(default, deserialize_with = "optional_value", skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    #[serde(default, deserialize_with = "optional_value", skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    #[serde(default, deserialize_with = "optional_value", skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// User metadata, sent as `x-amz-meta-<name>`; names in lower case, without the prefix.
    #[serde(default, deserialize_with = "metadata", skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

#[cfg(test)]
impl Headers {
    /// Those of a page, where a test does not care.
    pub(crate) fn of_a_page() -> Headers {
        Headers {
            cache_control: "no-store".to_owned(),
            content_type: "text/html".to_owned(),
            content_encoding: None,
            content_disposition: None,
            content_language: None,
            metadata: BTreeMap::new(),
        }
    }
}

impl Headers {
    /// The bytes of all names and values.
    pub fn size_bytes(&self) -> usize {
        let optional = [&self.content_encoding, &self.content_disposition, &self.content_language];
        let values = optional.into_iter().flatten().chain([&self.cache_control, &self.content_type]);
        let metadata = self.metadata.iter().flat_map(|(name, value)| [name, value]);
        values.chain(metadata).map(String::len).sum()
    }

    /// What an answer says of it: the names of HTTP's headers, in lower case, and their values; without those that it lacks.
    fn sent(&self) -> BTreeMap<String, String> {
        let Headers { cache_control, content_type, content_encoding, content_disposition, content_language, metadata } =
            self;
        let named = [
            ("cache-control", Some(cache_control)),
            ("content-type", Some(content_type)),
            ("content-encoding", content_encoding.as_ref()),
            ("content-disposition", content_disposition.as_ref()),
            ("content-language", content_language.as_ref()),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
        let metadata = metadata.iter().map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone()));
        named.chain(metadata).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The headers of an answer that are others in `later`, and what they are there; `None`: it lacks them.
    pub fn changes_to(&self, later: &Headers) -> BTreeMap<String, Option<String>> {
        let (before, mut after) = (self.sent(), later.sent());
        let mut changes = BTreeMap::new();
        for (name, value) in before {
            let now = after.remove(&name);
            if now.as_ref() != Some(&value) {
                changes.insert(name, now);
            }
        }
        changes.extend(after.into_iter().map(|(name, value)| (name, Some(value))));
        changes
    }
}

/// The settings that files are stored with; `None`: the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetHeaders {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// User metadata, by names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// The prefix of our own metadata's names; no other metadata may use it.
pub const RESERVED_METADATA: &str = "publish-";

/// Most bytes of a file's metadata, names and values together. S3 takes 2 KiB (AWS.md 4.4); the rest is for our own.
pub const MAX_METADATA_BYTES: usize = 1_900;

/// Most bytes of any other configured value: with all five and the metadata, a request stays below the
/// 8 KiB of headers that S3 takes (AWS.md 4.4).
pub const MAX_VALUE_BYTES: usize = 1_024;

/// Whether a file may be stored with such metadata, or what is wrong with it, to follow the names of both.
///
/// # Errors
/// The name is no token in lower case, is ours, or has the prefix that S3 adds; the value is empty or no field value;
/// or both are longer than [`MAX_METADATA_BYTES`].
pub fn check_metadata(name: &str, value: &str) -> Result<(), &'static str> {
    if name.starts_with("x-amz-meta-") {
        Err("must be written without `x-amz-meta-`, which S3 adds")
    } else if !is_metadata_name(name) {
        Err("has a name that S3 would change: use lower-case letters, digits and `-`")
    } else if name.starts_with(RESERVED_METADATA) {
        Err("has a name reserved by publish: names that begin with `publish-`")
    } else if value.is_empty() || !is_field_value(value) {
        Err("must be one line of ASCII that is not empty and has no space at either end")
    } else if name.len() + value.len() > MAX_METADATA_BYTES {
        Err("is too long: S3 stores up to 2 KiB of metadata with a file")
    } else {
        Ok(())
    }
}

/// The tokens of RFC 9110 section 5.6.2, in lower case as S3 gives them.
fn is_metadata_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// Whether a text can be sent as the value of a header: printable ASCII, without a blank at either end (RFC 9110 section
/// 5.5). A line end in it would be another header. The empty text is one, of an object that lacks the header.
pub fn is_field_value(text: &str) -> bool {
    text.trim() == text && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// What S3 says of an object, as it can be recorded: what no header of ours could carry is percent-encoded.
pub(crate) fn recordable(text: String) -> String {
    if is_field_value(&text) { text } else { utf8_percent_encode(text.trim(), CONTROLS).to_string() }
}

fn checked<E: serde::de::Error>(text: String) -> Result<String, E> {
    if is_field_value(&text) { Ok(text) } else { Err(E::custom(format_args!("{text:?} is not a valid header value"))) }
}

fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(String::deserialize(deserializer)?)
}

fn optional_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(deserializer)?.map(checked).transpose()
}

fn metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let metadata = BTreeMap::<String, String>::deserialize(deserializer)?;
    for (name, value) in &metadata {
        if !is_metadata_name(name) || !is_field_value(value) {
            return Err(D::Error::custom(format_args!("{name:?} with the value {value:?} is not valid metadata")));
        }
    }
    Ok(metadata)
}

/// How long clients and caches may keep a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Its name changes whenever its bytes change: anyone may keep it for a year.
    Fingerprinted,
    /// Everything else.
    Mutable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_what_s3_keeps_and_publish_does_not() {
        for (name, value) in [("team", "docs"), ("x.y_z", "a, b"), ("published", "yes")] {
            assert_eq!(check_metadata(name, value), Ok(()), "{name}");
        }
        for (name, value, what) in [
            ("", "a", "a name"),
            ("Team", "a", "lower-case"),
            ("a b", "a", "a name"),
            ("ä", "a", "a name"),
            ("x-amz-meta-team", "a", "without"),
            ("publish-site", "other", "reserved by publish"),
            ("team", "", "not empty"),
            ("team", "a\nx: y", "one line"),
            ("team", "ä", "ASCII"),
            ("team", &"a".repeat(MAX_METADATA_BYTES - 3), "2 KiB"),
        ] {
            let refusal = check_metadata(name, value).unwrap_err();
            assert!(refusal.contains(what), "{name}: {refusal}");
        }
        assert_eq!(check_metadata("team", &"a".repeat(MAX_METADATA_BYTES - 4)), Ok(()), "as long as can be");
    }

    fn headers(cache: &str, encoding: Option<&str>, metadata: &[(&str, &str)]) -> Headers {
        Headers {
            cache_control: cache.to_owned(),
            content_type: "text/html".to_owned(),
            content_encoding: encoding.map(str::to_owned),
            content_disposition: None,
            content_language: None,
            metadata: metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    #[test]
    fn the_size_is_that_of_all_names_and_values() {
        let all = Headers {
            content_disposition: Some("inline".to_owned()),
            content_language: Some("de".to_owned()),
            ..headers("max-age=0", Some("gzip"), &[("team", "docs"), ("a", "b")])
        };
        let parts = ["max-age=0", "text/html", "gzip", "inline", "de", "team", "docs", "a", "b"];
        assert_eq!(all.size_bytes(), parts.concat().len());
    }

    #[test]
    fn metadata_of_the_state_is_read_only_where_it_can_be_sent() {
        let read = |name: &str, value: &str| {
            let metadata = serde_json::json!({ name: value });
            let stored = serde_json::json!({ "cache_control": "", "content_type": "", "metadata": metadata });
            serde_json::from_value::<Headers>(stored)
        };
        assert_eq!(read("team", "docs").unwrap().metadata["team"], "docs");
        for (name, value) in [("Team", "docs"), ("", "docs"), ("team", "a\r\nx: y"), ("a b", "\u{e4}")] {
            let refusal = read(name, value).unwrap_err().to_string();
            assert!(refusal.contains("not valid metadata"), "{name:?}: {refusal}");
        }
    }

    #[test]
    fn what_changes_is_what_an_answer_says_otherwise() {
        let before = headers("max-age=0", Some("gzip"), &[("team", "docs")]);
        assert_eq!(before.changes_to(&before), BTreeMap::new());
        let after = headers("", None, &[("team", "web"), ("one", "1")]);
        let changes = before.changes_to(&after);
        let changes: Vec<_> = changes.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let expected = [
            ("cache-control", None),
            ("content-encoding", None),
            ("x-amz-meta-one", Some("1")),
            ("x-amz-meta-team", Some("web")),
        ];
        assert_eq!(changes, expected);
    }

    #[test]
    fn a_value_is_a_line_of_printable_ascii() {
        for value in ["", "public, max-age=0", "attachment; filename=\"a b.txt\""] {
            assert!(is_field_value(value), "{value:?}");
            assert_eq!(recordable(value.to_owned()), value);
        }
        for value in [" a", "a ", "a\r\nx: y", "a\tb", "a\0", "\u{e4}", "\u{7f}", "\u{a0}"] {
            assert!(!is_field_value(value), "{value:?}");
            assert!(is_field_value(&recordable(value.to_owned())), "{value:?}");
        }
    }
}

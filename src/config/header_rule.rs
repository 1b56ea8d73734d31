//! `[[headers]]` of publish.toml: a rule that gives headers to the files that its globs match.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::report::error::{Code, Problem};
use crate::types::globs::PathGlobs;
use crate::types::headers::{MAX_VALUE_BYTES, check_metadata, is_field_value};

/// One `[[headers]]` entry of publish.toml. Later entries win, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HeaderRule {
    /// One glob or a list of globs over paths of the site, such as `**/*.pdf`.
    #[serde(rename = "for")]
    pub globs: OneOrMany,
    /// `Cache-Control`.
    #[serde(default)]
    pub cache_control: Option<String>,
    /// `Content-Type`, with its charset.
    #[serde(default)]
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    #[serde(default)]
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    #[serde(default)]
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    #[serde(default)]
    pub content_language: Option<String>,
    /// User metadata, by names in lower case and without `x-amz-meta-`; each name is a field of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Whether these files are fingerprinted: their names change whenever their bytes do; decides the default `Cache-Control`.
    #[serde(default)]
    pub immutable: Option<bool>,
}

/// A text or a list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "OneOrManyForm", into = "Vec<String>")]
pub struct OneOrMany(pub Vec<String>);

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum OneOrManyForm {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrManyForm> for OneOrMany {
    fn from(form: OneOrManyForm) -> OneOrMany {
        match form {
            OneOrManyForm::One(one) => OneOrMany(vec![one]),
            OneOrManyForm::Many(many) => OneOrMany(many),
        }
    }
}

impl From<OneOrMany> for Vec<String> {
    fn from(OneOrMany(many): OneOrMany) -> Vec<String> {
        many
    }
}

impl fmt::Display for OneOrMany {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: Vec<String> = self.0.iter().map(|glob| format!("`{glob}`")).collect();
        formatter.write_str(&quoted.join(", "))
    }
}

impl HeaderRule {
    /// The globs of the rule, if it can be used.
    ///
    /// # Errors
    /// [`Code::Configuration`] for a rule without globs, a text that is not a glob, and a value that no HTTP header
    /// can carry.
    pub(crate) fn checked(&self) -> Result<PathGlobs, Problem> {
        if self.globs.0.is_empty() {
            return Err(Problem::new(Code::Configuration, "a header rule has no glob in `for`")
                .hint("Write `for = \"**\"` to match every file."));
        }
        let globs = PathGlobs::new("headers.for", &self.globs.0)?;
        for (name, value) in self.values() {
            check_value(&self.globs, name, value)?;
        }
        for (name, value) in &self.metadata {
            check_metadata(name, value).map_err(|what| {
                let message = format!("the metadata {name:?} of the header rule for {} {what}", self.globs);
                Problem::new(Code::Configuration, message)
            })?;
        }
        Ok(globs)
    }

    /// The header values it sets, with their names in publish.toml.
    fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("cache_control", &self.cache_control),
            ("content_type", &self.content_type),
            ("content_encoding", &self.content_encoding),
            ("content_disposition", &self.content_disposition),
            ("content_language", &self.content_language),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// Refuses what is not a field value in ASCII (RFC 9110 section 5.5): a line end in it would be another header.
fn check_value(globs: &OneOrMany, name: &str, value: &str) -> Result<(), Problem> {
    let wrong = if value.is_empty() {
        "is empty"
    } else if value.trim() != value {
        "begins or ends with a space"
    } else if !is_field_value(value) {
        "has a character that is not allowed in a header (a line break, a control character or one outside ASCII)"
    } else if value.len() > MAX_VALUE_BYTES {
        "is too long for S3"
    } else if name == "content_type" && !value.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()) {
        "is not a type such as `text/html; charset=utf-8`"
    } else {
        return Ok(());
    };
    let message = format!("`{name}` of the header rule for {} {wrong}: {value:?}", globs);
    Err(Problem::new(Code::Configuration, message).hint("Remove the line to use the default."))
}

//! Which headers each file gets, and which files are fingerprinted.

use serde::{Deserialize, Serialize};

/// One `[[headers]]` entry of publish.toml. Later entries win, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HeaderRule {
    /// One glob or a list of globs over paths of the site, as `**/*.pdf`.
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
    /// Whether the names of these files vouch for their bytes; decides the default `Cache-Control`.
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

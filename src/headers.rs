//! The headers an object is stored with. Equal bytes with other headers are a change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything about an answer that S3 keeps beside the bytes. This program gives every file the first two; an object
/// that was there before it may lack them, and an empty text stands for a header that is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    /// `Cache-Control`, for browsers and the CDN.
    pub cache_control: String,
    /// `Content-Type`, with its charset where it is text.
    pub content_type: String,
    /// `Content-Encoding`, of a file that is already compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// User metadata, sent as `x-amz-meta-<name>`; names in lower case, without the prefix.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// How long a file may be kept by whoever fetched it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Its name changes whenever its bytes change: anyone may keep it for a year.
    Fingerprinted,
    /// Everything else.
    Mutable,
}

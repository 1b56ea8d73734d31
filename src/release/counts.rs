//! How the files of a release compare with what was live before.

use serde::{Deserialize, Serialize};

/// How the files of a release compare with what was live before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FileCounts {
    /// Files of the release.
    pub total: usize,
    /// Those of them that are fingerprinted.
    pub fingerprinted: usize,
    /// Not live before.
    pub added: usize,
    /// Live before with other bytes.
    pub replaced: usize,
    /// Live before with the same bytes and other headers.
    pub reheadered: usize,
    /// Part of what was live, and not of the release.
    pub removed: usize,
    /// Live before with the same bytes and headers.
    pub unchanged: usize,
}

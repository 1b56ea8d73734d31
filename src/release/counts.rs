//! How the files of a release compare with what was live before.

use std::fmt;

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

/// `3 added, 38 unchanged`; empty if there are no files.
impl fmt::Display for FileCounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.added, "added"),
            (self.replaced, "replaced"),
            (self.reheadered, "with new headers"),
            (self.removed, "removed"),
            (self.unchanged, "unchanged"),
        ];
        let said = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
        formatter.write_str(&said.collect::<Vec<_>>().join(", "))
    }
}

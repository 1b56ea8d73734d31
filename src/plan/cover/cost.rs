//! What a cover costs, and what it may consist of.

use std::ops::Add;

/// What a cover costs, the most important first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost {
    /// Bytes of unchanged objects that leave the CDN.
    pub(super) unchanged_bytes: u64,
    /// Bytes of new fingerprinted files, which visitors may have fetched since the switch.
    pub(super) new_bytes: u64,
    /// Paths and tags to pay for.
    pub(super) paths: usize,
}

impl Add for Cost {
    type Output = Cost;
    fn add(self, other: Cost) -> Cost {
        Cost {
            unchanged_bytes: self.unchanged_bytes.saturating_add(other.unchanged_bytes),
            new_bytes: self.new_bytes.saturating_add(other.new_bytes),
            paths: self.paths.saturating_add(other.paths),
        }
    }
}

/// What a cover may consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Most addresses, wildcards and tags together; at least one.
    pub(super) addresses: usize,
    /// Most wildcards; at least one.
    pub(super) wildcards: usize,
}

//! What a cover costs, and its limits.

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

/// The limits of a cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Most addresses, wildcards and tags together; at least one.
    pub(super) addresses: usize,
    /// Most wildcards; at least one.
    pub(super) wildcards: usize,
}

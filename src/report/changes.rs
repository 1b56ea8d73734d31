//! What changes for visitors, path by path: for summaries.

use crate::content::path::SitePath;

/// What changes for visitors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The paths that do not stay as they are, sorted.
    pub paths: Vec<ChangedPath>,
    /// The size of the site before, in bytes.
    pub bytes_before: u64,
    /// Its size afterwards.
    pub bytes_after: u64,
}

/// A path that does not stay as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPath {
    /// The path in the site.
    pub path: SitePath,
    /// What changes.
    pub what: Changed,
    /// The size of what was live there, in bytes; `None`: nothing was.
    pub bytes_before: Option<u64>,
    /// Its size afterwards, in bytes; `None`: it leaves the site.
    pub bytes_after: Option<u64>,
}

/// What changes at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// There was nothing.
    Added,
    /// It has other bytes.
    Replaced,
    /// It has other headers.
    Reheadered,
    /// It leaves the site.
    Removed,
}

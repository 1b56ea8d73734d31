//! What a run sends, copies and removes, counted where it happens.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::Uploaded;

/// Objects that were sent, copied and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// What was sent.
    pub uploaded: Uploaded,
    /// Server-side copies.
    pub copied: usize,
    /// Objects removed.
    pub deleted: usize,
}

/// What one run has sent, copied and removed so far. Every stage counts what S3 has done as soon as S3 says so, and
/// nothing is subtracted: so a report is right however often the run started over, and wherever it ended.
#[derive(Debug, Default)]
pub struct Tally {
    objects: AtomicUsize,
    bytes: AtomicU64,
    copied: AtomicUsize,
    deleted: AtomicUsize,
}

impl Tally {
    /// An object of so many bytes was sent and stored.
    pub fn sent(&self, bytes: u64) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// S3 has made a copy.
    pub fn copied(&self) {
        self.copied.fetch_add(1, Ordering::Relaxed);
    }

    /// So many objects were removed.
    pub fn deleted(&self, objects: usize) {
        self.deleted.fetch_add(objects, Ordering::Relaxed);
    }

    /// All of it so far.
    pub fn so_far(&self) -> Amounts {
        Amounts {
            uploaded: Uploaded {
                objects: self.objects.load(Ordering::Relaxed),
                bytes: self.bytes.load(Ordering::Relaxed),
            },
            copied: self.copied.load(Ordering::Relaxed),
            deleted: self.deleted.load(Ordering::Relaxed),
        }
    }
}

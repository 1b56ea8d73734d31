//! Whether the store was seen to enforce conditions, before this run writes anything to it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::bucket::aws::Store;
use crate::release::head::{Head, ProvenStore};
use crate::release::manifest::ReleaseNumber;
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;

/// What one run knows of its store. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// The store that must be tested; `None`: it needs no test.
    endpoint: Option<Digest>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// From the head, or from this run's own test.
    proven: Option<ProvenStore>,
    /// A release in the head that has a claim in the state.
    release: Option<ReleaseNumber>,
    /// The store's clock when the head was last read.
    read_at: Option<Timestamp>,
}

impl Proof {
    pub(super) fn of(store: &Store) -> Proof {
        Proof { endpoint: store.to_be_proven(), seen: Arc::default() }
    }

    /// Takes what a head records of the store; `read_at` is the store's clock when the head was read.
    pub(super) fn learn(&self, head: &Head, read_at: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let active = head.active.as_ref().map(|active| active.release);
        seen.read_at = Some(read_at);
        seen.release = head.activation.as_ref().map(|activation| activation.to).or(active);
        let recorded = head.proven_store.as_ref();
        let recorded = recorded.filter(|proven| self.endpoint == Some(proven.endpoint) && proven.holds_at(read_at));
        if let Some(proven) = recorded {
            seen.proven = Some(proven.clone());
        }
    }

    /// Whether the store has yet to be tested.
    pub(super) fn is_missing(&self) -> bool {
        self.endpoint.is_some() && self.proven().is_none()
    }

    /// What the next head must record of the store; `None`: nothing new.
    pub(super) fn proven(&self) -> Option<ProvenStore> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).proven.clone()
    }

    /// The release whose claim can be used for the test.
    pub(super) fn release(&self) -> Option<ReleaseNumber> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).release
    }

    /// The store passed the test. `now` is used if no head gives the time.
    pub(super) fn passed(&self, now: Option<Timestamp>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.proven = self.endpoint.zip(seen.read_at.or(now)).map(|(endpoint, now)| ProvenStore::new(endpoint, now));
    }
}

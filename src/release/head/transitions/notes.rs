//! Changes that need neither an activation nor a prune: what was learnt, a hold, an adoption.

use super::{Covers, Learnt, Lookout, Refusal};
use crate::release::format::Unknown;
use crate::release::head::{Active, Head, HeadFields, HistoryItem, Hold, MAX_HISTORY, ProvenStore, Suspects};
use crate::release::manifest::{Publisher, ReleaseNumber};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;

/// What was there before this program, and becomes a release.
#[derive(Clone, Copy, Debug)]
pub struct Adoption<'a> {
    /// The release that lists it.
    pub release: ReleaseNumber,
    /// The digest of its content.
    pub content: Digest,
    /// Which run, and when.
    pub by: Lookout<'a>,
    /// Who publishes.
    pub publisher: &'a Publisher,
}

impl Head {
    /// The head with what was read of distributions. One that may have cached what was never refreshed is owed everything.
    #[must_use]
    pub fn record_facts(&self, learnt: &[Learnt<'_>], by: Lookout<'_>) -> Head {
        let mut next = self.clone();
        let active = self.active.as_ref().map(|active| active.release);
        let release = active.unwrap_or(self.highest_activated);
        next.fields.learn(learnt, release, by);
        // So that nothing is written if nothing new was read.
        next.fields.simplify_a_single_distribution();
        next
    }

    /// The head with the store that passed its test, if this run has tested one.
    #[must_use]
    pub fn on_store(mut self, proven: Option<ProvenStore>) -> Head {
        self.fields.proven_store = proven.or(self.fields.proven_store.take());
        self
    }

    /// The head without the suspects that were due at `looked_at`, when they were looked at.
    #[must_use]
    pub fn clear_suspects(&self, looked_at: Option<Timestamp>) -> Head {
        let mut next = self.clone();
        next.fields.forget_due_suspects(looked_at);
        next
    }

    /// The head with more live paths that a later run must check.
    #[must_use]
    pub fn add_suspects(&self, suspects: Suspects) -> Head {
        let mut next = self.clone();
        next.fields.suspect(suspects);
        next
    }

    /// The head in which numbers up to `floor` are activated only on purpose; where no activation is in progress, which might
    /// be withdrawn.
    #[must_use]
    pub fn close_up_to(&self, floor: Option<ReleaseNumber>) -> Head {
        let mut next = self.clone();
        next.fields.raise_floor(floor);
        next
    }

    /// The head in which publishing is held.
    #[must_use]
    pub fn held(&self, hold: Hold) -> Head {
        let mut next = self.clone();
        next.fields.hold = Some(hold);
        next
    }

    /// The head without a hold; `None`: publishing is not held.
    #[must_use]
    pub fn resumed(&self) -> Option<Head> {
        let mut next = self.clone();
        next.fields.hold.take().map(|_| next)
    }

    /// The head in which what was there before is the active release.
    ///
    /// # Errors
    /// [`Refusal::NotEmpty`].
    pub fn adopt(&self, adoption: Adoption<'_>) -> Result<Head, Refusal> {
        let Adoption { release, content, by, publisher } = adoption;
        let at = by.now;
        if self.active.is_some() || self.activation.is_some() {
            return Err(Refusal::NotEmpty);
        }
        let mut next = self.clone();
        let (publisher, reason) = (publisher.clone(), Some("adopted".to_owned()));
        let unknown = Unknown::default();
        next.fields.active = Some(Active { release, content, since: at, previous: None, unknown: unknown.clone() });
        // What they have cached may be older than what was found there.
        next.fields.owe_all(&Covers::new(), release, by);
        next.fields.remember(HistoryItem { release, from: None, at, publisher, reason, files: None, unknown });
        Ok(next)
    }
}

impl HeadFields {
    pub(super) fn raise_floor(&mut self, floor: Option<ReleaseNumber>) {
        self.floor = self.floor.max(floor.unwrap_or(self.floor));
    }

    pub(super) fn forget_due_suspects(&mut self, looked_at: Option<Timestamp>) {
        self.suspects.retain(|suspects| looked_at.is_none_or(|looked_at| looked_at < suspects.until));
    }

    /// Records an activation, forgetting the oldest ones.
    pub(super) fn remember(&mut self, item: HistoryItem) {
        self.history.push(item);
        let excess = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..excess);
    }
}

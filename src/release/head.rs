//! The pointer to the active release, and everything that an unchanged publish needs: it reads nothing else.

mod caching;
#[cfg(test)]
mod model;
mod stored;
mod tagging;
#[cfg(test)]
mod tests;
mod transitions;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::time::Duration;

pub use self::caching::{Behavior, Caching, ERRORS_LAST_S};
pub use self::tagging::{TagUse, Tagging};
pub use self::transitions::{
    ActivationBegins, ActivationEnds, Adoption, Covers, Learnt, Lookout, PruneBegins, PruneEnds, Refusal,
    SIGNATURES_LAST,
};
pub use self::values::{
    Activation, Active, CdnView, Distribution, DistributionFacts, Distributions, HistoryItem, Hold, Items, Leftover,
    ProvenStore, Pruning, Reach, Refresh, Suspects, Withdrawn, below,
};
use crate::content::path::{SitePath, UrlPath};
use crate::release::format::{FormatError, Minors, Unknown};
use crate::release::manifest::{Files, Identity, ReleaseNumber, RunId};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;

/// How many of the last activations the head remembers.
pub const MAX_HISTORY: usize = 100;

/// Longest id of a refresh, in bytes, of a distribution, and of an invalidation.
pub(crate) const MAX_ID_BYTES: usize = 128;

/// Most paths and cache tags that all refreshes owed may have. Beyond it a new one covers all: each path costs money and time.
const MAX_OWED_PATHS: usize = 100_000;

/// Most releases that an activation may have besides its own and the active one: each costs requests.
const MAX_CANDIDATES: usize = 1_000;

/// Most cache behaviors of one distribution that are kept: CloudFront has 75 (AWS.md 2.6), and each costs time for each path.
const MAX_BEHAVIORS: usize = 1_000;

/// The head of an environment. Only ever replaced on the condition that no other run replaced it meanwhile; every
/// write raises `revision` and names its run, so that a lost answer is settled by reading back.
///
/// What it says is read through [`HeadFields`]. Nothing outside this module changes it: a head comes from a stored one
/// ([`Head::decode`]), or from another by one of the transitions, each of which keeps what must always hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    fields: HeadFields,
}

impl Deref for Head {
    type Target = HeadFields;
    fn deref(&self) -> &HeadFields {
        &self.fields
    }
}

/// What a head says. To hold one is not to hold a [`Head`]: nothing but a head replaces the one in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadFields {
    /// What the stored object says that a reader or writer needs.
    pub needs: Minors,
    /// Whose head this is.
    pub identity: Identity,
    /// Raised by one with every write.
    pub revision: u64,
    /// The run that wrote it last.
    pub run: RunId,
    /// The release visitors get.
    pub active: Option<Active>,
    /// Highest number that was ever activated.
    pub highest_activated: ReleaseNumber,
    /// Releases up to this number may only be activated on purpose.
    pub floor: ReleaseNumber,
    /// The activation in progress.
    pub activation: Option<Activation>,
    /// What is still to be refreshed at the CDN, and what was sent to it and is not completed.
    pub pending_refreshes: Vec<Refresh>,
    /// Live objects that should have gone and that the credentials could not remove: still part of live.
    pub leftovers: BTreeMap<SitePath, Leftover>,
    /// What a dead owner of the lease may still have had in flight.
    pub suspects: Vec<Suspects>,
    /// Raised by every prune.
    pub prune_epoch: u64,
    /// The prune in progress.
    pub pruning: Option<Pruning>,
    /// Releases that prunes have closed which did not come to their end: they may lack bytes, and never activate again.
    pub closed: BTreeSet<ReleaseNumber>,
    /// Paths known to be mutable whatever their names say.
    pub mutable_paths: BTreeSet<SitePath>,
    /// The distributions in front of the site, with what is known of them. Each has seen what is live, or is owed it.
    pub distributions: Distributions,
    /// Whether every mutable file of the active release is live with its cache tags, and whatever is written live by then.
    pub tagged: bool,
    /// Files that were taken out of every release. Manifests are never overwritten: readers leave these files out.
    pub withdrawn: BTreeMap<SitePath, Withdrawn>,
    /// The store that was seen to refuse what it must refuse, where it is not AWS's.
    pub proven_store: Option<ProvenStore>,
    /// When each retained release was superseded.
    pub superseded: BTreeMap<ReleaseNumber, Timestamp>,
    /// A person's instruction to publish nothing.
    pub hold: Option<Hold>,
    /// The last activations, oldest first, at most [`MAX_HISTORY`].
    pub history: Vec<HistoryItem>,
    /// What newer programs say, and this one does not know.
    pub unknown: Unknown,
}

impl Head {
    /// The head of a site that was never published.
    pub fn new(identity: Identity, run: RunId) -> Head {
        let fields = HeadFields {
            needs: Minors::default(),
            identity,
            revision: 0,
            run,
            active: None,
            highest_activated: ReleaseNumber::new(0),
            floor: ReleaseNumber::new(0),
            activation: None,
            pending_refreshes: Vec::new(),
            leftovers: BTreeMap::new(),
            suspects: Vec::new(),
            prune_epoch: 0,
            pruning: None,
            closed: BTreeSet::new(),
            mutable_paths: BTreeSet::new(),
            distributions: Distributions::new(),
            tagged: false,
            withdrawn: BTreeMap::new(),
            proven_store: None,
            superseded: BTreeMap::new(),
            hold: None,
            history: Vec::new(),
            unknown: Unknown::default(),
        };
        Head { fields }
    }

    /// Reads a stored head, trusting nothing in it.
    ///
    /// # Errors
    /// It is not valid in its format, or a newer program wrote something that this one must not ignore.
    pub fn decode(bytes: &[u8]) -> Result<Head, FormatError> {
        stored::decode(bytes)
    }

    /// Its fields.
    pub fn into_fields(self) -> HeadFields {
        self.fields
    }

    /// A head that says something else: for tests of what reads heads.
    #[cfg(test)]
    pub(crate) fn with(mut self, change: impl FnOnce(&mut HeadFields)) -> Head {
        change(&mut self.fields);
        self
    }
}

impl HeadFields {
    /// A head that says this, as stored. What no reader would take is not written.
    ///
    /// # Errors
    /// It contains something that no reader would accept.
    pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
        stored::encode(self)
    }

    /// Whether this program may show the head and not replace it: a newer one wrote something that this one would make
    /// false.
    pub fn is_only_to_read(&self) -> bool {
        self.needs.are_only_to_read()
    }

    /// The refreshes that are still to be sent. One with fields that this program does not know is for the program that
    /// wrote it.
    pub fn refreshes_to_send(&self) -> impl Iterator<Item = &Refresh> {
        self.pending_refreshes.iter().filter(|refresh| refresh.is_to_be_sent())
    }

    /// The refreshes that CloudFront has taken and, as far as is known, not completed.
    pub fn sent_refreshes(&self) -> impl Iterator<Item = &Refresh> {
        self.pending_refreshes.iter().filter(|refresh| refresh.is_understood() && refresh.is_sent())
    }

    /// All paths that are still to be refreshed at the CDN.
    fn owed_paths(&self) -> impl Iterator<Item = &UrlPath> {
        self.pending_refreshes.iter().flat_map(|refresh| &refresh.paths)
    }

    /// How many paths and cache tags that are.
    fn owed_items(&self) -> usize {
        self.pending_refreshes.iter().map(|refresh| refresh.items().len()).sum()
    }

    /// What is still to be refreshed at a distribution, and what was sent to it and is not completed.
    pub fn owed_to<'h>(&'h self, distribution: &'h str) -> impl Iterator<Item = &'h Refresh> {
        self.pending_refreshes.iter().filter(move |refresh| refresh.distribution == distribution)
    }

    /// Whether all that was begun is done, as far as this program can do it.
    pub fn is_settled(&self) -> bool {
        self.is_settled_for(None) && self.refreshes_to_send().next().is_none()
    }

    /// Whether all that was begun is done, as far as a run with these distributions answers for it: then an unchanged folder
    /// means that nothing is to do. What other distributions are owed is for others.
    pub fn is_settled_for<'d>(&self, distributions: impl IntoIterator<Item = &'d str>) -> bool {
        let has_seen = |id| !self.owed_to(id).any(Refresh::is_to_be_sent) && !self.is_unseen_by(id);
        self.activation.is_none() && self.pruning.is_none() && distributions.into_iter().all(has_seen)
    }

    /// Whether a distribution may have cached what was never refreshed: it is new, or was not refreshed for what is live.
    pub fn is_unseen_by(&self, distribution: &str) -> bool {
        let active = self.active.as_ref().map(|active| active.release);
        let known = self.distributions.get(distribution);
        known.is_none_or(|known| known.seen != active) && self.owed_to(distribution).next().is_none()
    }

    /// Whether a distribution that is new may keep anything: something is live, or may be.
    pub fn may_be_kept(&self) -> bool {
        self.active.is_some() || self.activation.is_some()
    }

    /// What a distribution has seen that is all there is, as far as format 1 can say it.
    fn seen_alone(&self, distribution: &str) -> Option<ReleaseNumber> {
        let active = self.active.as_ref().map(|active| active.release);
        active.filter(|_| self.owed_to(distribution).next().is_none())
    }

    /// All releases that a prune closed which is not finished: bytes of theirs may be gone, and they never activate again.
    pub fn closed_releases(&self) -> BTreeSet<ReleaseNumber> {
        self.pruning.iter().flat_map(|pruning| &pruning.closes).chain(&self.closed).copied().collect()
    }

    /// Whether a prune that is not finished closed `release`.
    pub fn is_closed(&self, release: ReleaseNumber) -> bool {
        self.closed.contains(&release) || self.pruning.as_ref().is_some_and(|pruning| pruning.closes.contains(&release))
    }

    /// Whether the activation in progress only puts the active release right: whatever it came to, visitors see that
    /// release or its damage.
    pub fn is_being_repaired(&self) -> bool {
        let active = self.active.as_ref().map(|active| active.release);
        self.activation.as_ref().is_some_and(|one| one.candidates.is_empty() && active == Some(one.to))
    }

    /// Live paths that must be looked at: no request signed before their time can still be valid at `now`, by S3's
    /// clock.
    pub fn due_suspects(&self, now: Option<Timestamp>) -> BTreeSet<SitePath> {
        let due = self.suspects.iter().filter(|suspects| now.is_some_and(|now| now >= suspects.until));
        due.flat_map(|suspects| &suspects.paths).cloned().collect()
    }

    /// Whether a file was taken out of every release.
    pub fn is_withdrawn(&self, path: &SitePath, digest: &Digest) -> bool {
        self.withdrawn.get(path).is_some_and(|withdrawn| withdrawn.sha256.contains(digest))
    }

    /// What a release holds, without what was taken out of every release since it was staged.
    pub fn without_withdrawn(&self, mut files: Files) -> Files {
        for (path, withdrawn) in &self.withdrawn {
            if files.get(path).is_some_and(|entry| withdrawn.sha256.contains(&entry.digest)) {
                files.remove(path);
            }
        }
        files
    }

    /// Whether `release` is newer than all that was ever activated, and no rollback closed its number.
    pub fn is_newest(&self, release: ReleaseNumber) -> bool {
        release > self.highest_activated && release > self.floor
    }

    /// Whether the active `release` was not made active as the newest one: it was rolled back to, or activated again.
    /// What was undone does not count: it was active all the time.
    pub fn is_back(&self, release: ReleaseNumber) -> bool {
        let made_active = |item: &&HistoryItem| item.release == release && item.from != Some(release);
        release < self.highest_activated || self.history.iter().filter(made_active).count() > 1
    }

    /// Whether `release` may become active: it is the newest, or it is active already, which undoes what another
    /// activation had begun, or it is meant to go back (`force`).
    pub fn may_activate(&self, release: ReleaseNumber, force: bool) -> bool {
        let active = self.active.as_ref().is_some_and(|active| active.release == release);
        force || active || self.is_newest(release)
    }

    /// Whether another run's lease lasted when the head, then written `age` ago, was read.
    pub fn is_leased_to_another(&self, run: &RunId, age: Duration) -> bool {
        let activating = self.activation.iter().filter(|one| one.owner != *run).map(Activation::lease);
        let pruning = self.pruning.iter().filter(|one| one.owner != *run).map(Pruning::lease);
        activating.chain(pruning).any(|lease| lease > age)
    }
}

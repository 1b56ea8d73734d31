//! The pointer, and everything a run must know before it may read nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::content::path::{SitePath, UrlPath};
use crate::release::counts::FileCounts;
use crate::release::manifest::{
    Entry, FORMAT, Files, FormatError, Identity, Kept, MAX_SITE_BYTES, Publisher, ReleaseNumber, RunId, check_format,
    check_size, checked_id,
};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;
use crate::types::headers::{Headers, Kind};

/// How many of the last activations the head remembers.
pub const MAX_HISTORY: usize = 100;

/// Most paths that all refreshes owed may have. Beyond it a new one covers all: each path costs money and time.
const MAX_OWED_PATHS: usize = 100_000;

/// Most releases that an activation may have besides its own and the active one: each costs requests.
const MAX_CANDIDATES: usize = 10_000;

/// Longest id of a refresh, in bytes, and of a distribution.
const MAX_ID_BYTES: usize = 128;

/// Longest lease that is believed, in seconds: the head may have been written by anybody who can write to the bucket.
const LONGEST_LEASE_S: u64 = 3_600;

/// The head of an environment. Only ever replaced on the condition that nobody else replaced it meanwhile; every
/// write raises `revision` and names its run, so that a lost answer is settled by reading back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// [`FORMAT`].
    pub format: u32,
    /// Whose head this is.
    pub identity: Identity,
    /// Raised by one with every write.
    pub revision: u64,
    /// The run that wrote it last.
    pub run: RunId,
    /// The release visitors get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Active>,
    /// Highest number that was ever activated.
    pub highest_activated: ReleaseNumber,
    /// Releases up to this number may only be activated on purpose.
    pub floor: ReleaseNumber,
    /// The activation in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// What the CDN still has to forget.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending_refreshes: Vec<Refresh>,
    /// Live objects that should have gone and that the credentials could not remove: still part of live.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leftovers: BTreeMap<SitePath, Leftover>,
    /// What a dead owner of the lease may still have had in flight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<Suspects>,
    /// Raised by every prune.
    pub prune_epoch: u64,
    /// The prune in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruning: Option<Pruning>,
    /// Paths known to be mutable whatever their names say.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub mutable_paths: BTreeSet<SitePath>,
    /// What was read from the distribution that decides headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<DistributionFacts>,
    /// Files that were taken out of every release. Manifests are never written over: whoever reads one leaves them out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub withdrawn: BTreeMap<SitePath, Withdrawn>,
    /// When each retained release was superseded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub superseded: BTreeMap<ReleaseNumber, Timestamp>,
    /// A person's order to publish nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The last activations, oldest first, at most [`MAX_HISTORY`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryItem>,
}

/// The release visitors get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Active {
    /// Its number.
    pub release: ReleaseNumber,
    /// The digest of its content, so that "nothing changed" needs no other object.
    pub content: Digest,
    /// Since when it is active.
    pub since: Timestamp,
    /// The release that was active before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<ReleaseNumber>,
}

/// An activation in progress: while it lasts, live objects may be those of any of its candidates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// The release that is to become active.
    pub to: ReleaseNumber,
    /// The releases whose objects may be live meanwhile, besides `to` and the active one: those of activations that
    /// were cut short and taken over.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub candidates: BTreeSet<ReleaseNumber>,
    /// The run that owns the lease.
    pub owner: RunId,
    /// Who runs it.
    pub publisher: Publisher,
    /// When it began.
    pub since: Timestamp,
    /// How long the lease lasts after the last write of the head, in seconds, by S3's clock.
    pub lease_s: u64,
}

impl Activation {
    /// How long the lease lasts after the last write of the head; at most an hour, whatever `lease_s` says.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s.min(LONGEST_LEASE_S))
    }
}

/// Paths that the CDN must forget. What CloudFront is asked with derives from `id` alone, so that asking twice is
/// asking once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// Unlike any other refresh of this head.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The distribution.
    #[serde(deserialize_with = "id")]
    pub distribution: String,
    /// The release whose activation owes it.
    pub release: ReleaseNumber,
    /// When it was first owed.
    pub since: Timestamp,
    /// The cover: wildcards and exact paths.
    pub paths: Vec<UrlPath>,
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked_id(String::deserialize(deserializer)?, MAX_ID_BYTES).map_err(D::Error::custom)
}

impl Refresh {
    /// Whether `paths` take out of the CDN all that this refresh would.
    pub fn is_covered_by(&self, paths: &[UrlPath]) -> bool {
        self.paths.iter().all(|owed| paths.iter().any(|path| path.covers(owed)))
    }
}

/// A file that was taken out of every release, as one that should never have been public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawn {
    /// The contents it had: with any other one, the path may be published again.
    pub sha256: BTreeSet<Digest>,
    /// When.
    pub since: Timestamp,
    /// By whom.
    pub publisher: Publisher,
}

/// A live object that should have gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leftover {
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Their number.
    pub size_bytes: u64,
    /// What it is stored with.
    pub headers: Headers,
    /// Whether its name vouches for its bytes.
    pub kind: Kind,
    /// Since when it should be gone.
    pub since: Timestamp,
}

impl Leftover {
    /// What `entry` leaves behind. Its bytes were preserved before it was to be removed.
    pub fn of(entry: &Entry, since: Timestamp) -> Leftover {
        Leftover {
            sha256: entry.digest,
            size_bytes: entry.size_bytes,
            headers: entry.headers.clone(),
            kind: entry.kind,
            since,
        }
    }

    /// The leftover as an entry of what is live.
    pub fn entry(&self) -> Entry {
        Entry {
            digest: self.sha256,
            size_bytes: self.size_bytes,
            headers: self.headers.clone(),
            kind: self.kind,
            kept: Kept::Blob,
            crc64: None,
            md5: None,
        }
    }
}

/// Live paths to check and repair once no request signed before `until` can still be valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspects {
    /// The run that may have had them in flight.
    pub run: RunId,
    /// By S3's clock.
    pub until: Timestamp,
    /// The paths.
    pub paths: BTreeSet<SitePath>,
}

/// A prune in progress: nothing activates meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pruning {
    /// The run that prunes.
    pub owner: RunId,
    /// When it began.
    pub since: Timestamp,
    /// How long its lease lasts after the last write of the head, in seconds.
    pub lease_s: u64,
    /// The releases it closes: they never activate again.
    pub closes: BTreeSet<ReleaseNumber>,
}

impl Pruning {
    /// How long its lease lasts after the last write of the head; at most an hour, whatever `lease_s` says.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s.min(LONGEST_LEASE_S))
    }
}

/// What a distribution does that decides headers and URLs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistributionFacts {
    /// The distribution.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Whether its configuration could be read; if not, the rest says nothing.
    pub readable: bool,
    /// The path that CloudFront puts before every key, as `/live`; empty for none.
    pub origin_path: String,
    /// What it serves for `/`, without a leading slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_root_object: Option<String>,
    /// URL paths that it serves as error pages: their copies lie under other URLs, which no targeted refresh reaches.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub error_pages: BTreeSet<UrlPath>,
    /// Whether a Lambda@Edge function answers or rewrites origin requests: then `/about` may be kept under its own
    /// name although `about/index.html` is the file.
    #[serde(default)]
    pub rewrites_at_origin: bool,
}

impl DistributionFacts {
    /// What `key` is called below the distribution's root, without a leading slash; `None` outside its origin path.
    pub fn below_root<'k>(&self, key: &'k str) -> Option<&'k str> {
        match self.origin_path.trim_matches('/') {
            "" => Some(key),
            origin_path => key.strip_prefix(origin_path)?.strip_prefix('/'),
        }
    }
}

/// What is known of the CDN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CdnView<'a> {
    /// There is none.
    None,
    /// There is one, whose configuration may not be read.
    Unreadable,
    /// There is one, and this is what it does.
    Known(&'a DistributionFacts),
}

impl<'a> CdnView<'a> {
    /// The view that recorded facts give of a distribution.
    pub fn of(facts: &'a DistributionFacts) -> CdnView<'a> {
        if facts.readable { CdnView::Known(facts) } else { CdnView::Unreadable }
    }
}

/// A person's order to publish nothing until it is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Who gave it.
    pub publisher: Publisher,
    /// When.
    pub since: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One activation that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryItem {
    /// What became active.
    pub release: ReleaseNumber,
    /// What was active before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ReleaseNumber>,
    /// When.
    pub at: Timestamp,
    /// Who did it, with what the release was built from.
    pub publisher: Publisher,
    /// Why, where a reason was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How its files compared with what was live before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FileCounts>,
}

impl Head {
    /// The head of a site that was never published.
    pub fn new(identity: Identity, run: RunId) -> Head {
        Head {
            format: FORMAT,
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
            mutable_paths: BTreeSet::new(),
            distribution: None,
            withdrawn: BTreeMap::new(),
            superseded: BTreeMap::new(),
            hold: None,
            history: Vec::new(),
        }
    }

    /// The head as stored. What no reader would take is not written.
    pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
        let bytes = serde_json::to_vec_pretty(self)?;
        Head::decode(&bytes)?;
        Ok(bytes)
    }

    /// Reads a stored head, trusting nothing in it.
    pub fn decode(bytes: &[u8]) -> Result<Head, FormatError> {
        check_size(bytes)?;
        check_format(bytes)?;
        let head: Head = serde_json::from_slice(bytes)?;
        let left = head.leftovers.values().fold(0_u64, |sum, leftover| sum.saturating_add(leftover.size_bytes));
        if left > MAX_SITE_BYTES {
            return Err(FormatError::Unbelievable("leftovers of more bytes than any bucket holds"));
        }
        if head.owed().count() > MAX_OWED_PATHS {
            return Err(FormatError::Unbelievable("more paths to refresh than are ever owed"));
        }
        if head.owed().any(|path| path.as_str().contains('~')) {
            return Err(FormatError::Unbelievable("a path to refresh that CloudFront does not take"));
        }
        if head.activation.as_ref().is_some_and(|activation| activation.candidates.len() > MAX_CANDIDATES) {
            return Err(FormatError::Unbelievable("more candidates than were ever cut short"));
        }
        Ok(head)
    }

    /// Records what the CDN has to forget. An earlier refresh that the new one covers need
    /// not be asked for twice: it is sent after everything is written. Where too much is owed already, the new one covers
    /// all.
    pub(crate) fn owe(&mut self, mut refresh: Refresh) {
        if self.owed().count() + refresh.paths.len() > MAX_OWED_PATHS {
            refresh.paths = vec![UrlPath::everything()];
        }
        let covered = |owed: &Refresh| owed.distribution == refresh.distribution && owed.is_covered_by(&refresh.paths);
        self.pending_refreshes.retain(|owed| !covered(owed));
        self.pending_refreshes.push(refresh);
    }

    /// All paths that the CDN still has to forget.
    fn owed(&self) -> impl Iterator<Item = &UrlPath> {
        self.pending_refreshes.iter().flat_map(|refresh| &refresh.paths)
    }

    /// Whether anything was begun that is not done: then an unchanged folder does not mean that nothing is to do.
    pub fn is_settled(&self) -> bool {
        self.activation.is_none() && self.pruning.is_none() && self.pending_refreshes.is_empty()
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

    /// Forgets the suspects that were due at `looked_at`, when they were looked at.
    pub fn forget_suspects(&mut self, looked_at: Option<Timestamp>) {
        self.suspects.retain(|suspects| looked_at.is_none_or(|looked_at| looked_at < suspects.until));
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

    /// Records an activation, forgetting the oldest ones.
    pub fn remember(&mut self, item: HistoryItem) {
        self.history.push(item);
        let excess = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..excess);
    }
}

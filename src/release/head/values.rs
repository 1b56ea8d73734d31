//! What a head says, part by part.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::Caching;
use crate::content::path::{SitePath, UrlPath};
use crate::release::cache_tags::CacheTag;
use crate::release::counts::FileCounts;
use crate::release::format::Unknown;
use crate::release::manifest::{Entry, Kept, Publisher, ReleaseNumber, RunId};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;
use crate::types::headers::{Headers, Kind};

/// Longest lease that is accepted, in seconds: anyone who can write to the bucket may have written the head.
const LONGEST_LEASE_S: u64 = 3_600;

/// How long the test of a store counts.
const PROOF_LASTS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How far ahead the clock of the machine that recorded it may be.
const CLOCKS_DIFFER: Duration = Duration::from_secs(24 * 60 * 60);

/// The release visitors get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// Its number.
    pub release: ReleaseNumber,
    /// The digest of its content, so that "nothing changed" needs no other object.
    pub content: Digest,
    /// Since when it is active.
    pub since: Timestamp,
    /// The release that was active before it.
    pub previous: Option<ReleaseNumber>,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

/// An activation in progress: while it lasts, live objects may be those of any of its candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The release that is to become active.
    pub to: ReleaseNumber,
    /// The releases whose objects may be live meanwhile, besides `to` and the active one: those of activations that
    /// were cut short and taken over.
    pub candidates: BTreeSet<ReleaseNumber>,
    /// The run that owns the lease.
    pub owner: RunId,
    /// Who runs it.
    pub publisher: Publisher,
    /// When it began.
    pub since: Timestamp,
    /// How long the lease lasts after the last write of the head, in seconds, by S3's clock.
    pub lease_s: u64,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

impl Activation {
    /// How long the lease lasts after the last write of the head; at most an hour, whatever `lease_s` says.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s.min(LONGEST_LEASE_S))
    }
}

/// Paths to refresh at the CDN. What CloudFront is asked with derives from `id` alone, so that asking twice is
/// asking once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Unlike any other refresh of this head.
    pub id: String,
    /// The distribution.
    pub distribution: String,
    /// The release whose activation owes it.
    pub release: ReleaseNumber,
    /// When it was first owed.
    pub since: Timestamp,
    /// The cover: wildcards and exact paths.
    pub paths: Vec<UrlPath>,
    /// The cache tags of the cover.
    pub tags: Vec<CacheTag>,
    /// CloudFront's ids of the invalidations that stand for all of it, once it is *sent*: what changed was seen at an
    /// edge, or was not waited for, and CloudFront has yet to complete them. Empty: it is still to be sent.
    pub invalidations: Vec<String>,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

impl Refresh {
    /// Whether this program knows all its fields. An unknown field may decide what is to be sent, and when it is
    /// done: such an entry is neither sent nor struck out, nor is it covered by another one.
    pub fn is_understood(&self) -> bool {
        self.unknown.is_empty()
    }

    /// Whether CloudFront has accepted all of it, so that it is not sent again.
    pub fn is_sent(&self) -> bool {
        !self.invalidations.is_empty()
    }

    /// Whether this program is to send it.
    pub fn is_to_be_sent(&self) -> bool {
        self.is_understood() && !self.is_sent()
    }

    /// Whether `items` evict from the CDN all that this refresh would.
    pub fn is_covered_by(&self, items: Items<'_>) -> bool {
        let everything = items.paths.contains(&UrlPath::everything());
        let paths = self.paths.iter().all(|owed| items.paths.iter().any(|path| path.covers(owed)));
        paths && (everything || self.tags.iter().all(|tag| items.tags.contains(tag)))
    }

    /// What CloudFront is asked to invalidate: tags, then paths.
    pub fn items(&self) -> Items<'_> {
        Items { paths: &self.paths, tags: &self.tags }
    }
}

/// What has to be refreshed at a distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Items<'a> {
    /// Wildcards and exact paths.
    pub paths: &'a [UrlPath],
    /// Cache tags.
    pub tags: &'a [CacheTag],
}

impl<'a> Items<'a> {
    /// How many there are: CloudFront charges for each.
    pub fn len(self) -> usize {
        self.paths.len() + self.tags.len()
    }

    /// Whether there is nothing to refresh.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// All of it in CloudFront's notation: `#tag`, then paths.
    pub fn texts(self) -> impl Iterator<Item = String> + use<'a> {
        self.tags.iter().map(ToString::to_string).chain(self.paths.iter().map(ToString::to_string))
    }
}

impl<'a> From<&'a [UrlPath]> for Items<'a> {
    fn from(paths: &'a [UrlPath]) -> Items<'a> {
        Items { paths, tags: &[] }
    }
}

/// A file that was removed from every release, because it should never have been public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The contents it had: with any other content, the path may be published again.
    pub sha256: BTreeSet<Digest>,
    /// When.
    pub since: Timestamp,
    /// By whom.
    pub publisher: Publisher,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

/// A live object that should have been removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Their number.
    pub size_bytes: u64,
    /// What it is stored with.
    pub headers: Headers,
    /// Whether it is fingerprinted: its name changes whenever its bytes do.
    pub kind: Kind,
    /// Since when it should be gone.
    pub since: Timestamp,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
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
            unknown: Unknown::default(),
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspects {
    /// The run that may have had them in flight.
    pub run: RunId,
    /// By S3's clock.
    pub until: Timestamp,
    /// The paths.
    pub paths: BTreeSet<SitePath>,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

impl Suspects {
    /// What `run` may have in flight at `paths` until that moment by S3's clock.
    pub fn new(run: RunId, until: Timestamp, paths: BTreeSet<SitePath>) -> Suspects {
        Suspects { run, until, paths, unknown: Unknown::default() }
    }
}

/// A prune in progress: nothing activates meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruning {
    /// The run that prunes.
    pub owner: RunId,
    /// When it began.
    pub since: Timestamp,
    /// How long its lease lasts after the last write of the head, in seconds.
    pub lease_s: u64,
    /// The releases it closes: they never activate again.
    pub closes: BTreeSet<ReleaseNumber>,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

impl Pruning {
    /// How long its lease lasts after the last write of the head; at most an hour, whatever `lease_s` says.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s.min(LONGEST_LEASE_S))
    }
}

/// The distributions in front of the site, by their ids.
pub type Distributions = BTreeMap<String, Distribution>;

/// A distribution in front of the site. Whatever changes what is live owes it a refresh, whichever environment that goes
/// through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// What it does that decides headers and URLs.
    pub facts: DistributionFacts,
    /// The ETag of the configuration that the facts were read from, where that is known.
    pub config_etag: Option<String>,
    /// The release up to which all changes are refreshed there; `None`: none, or not known.
    pub seen: Option<ReleaseNumber>,
    /// The ETag of the configuration under which cache tags count: since it was deployed, and while all objects carried their
    /// tags, the distribution was owed everything. Whatever else it keeps of mutable files is known by their tags.
    pub tagged_under: Option<String>,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

impl Distribution {
    /// What is known of it.
    pub fn view(&self) -> CdnView<'_> {
        if self.facts.readable { CdnView::Known(&self.facts) } else { CdnView::Unreadable }
    }
}

/// What a distribution does that decides headers and URLs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistributionFacts {
    /// Whether its configuration could be read; if not, the rest says nothing.
    pub readable: bool,
    /// The path that CloudFront puts before every key, such as `/live`; empty for none.
    pub origin_path: String,
    /// What it serves for `/`, without a leading slash.
    pub default_root_object: Option<String>,
    /// URL paths that it serves as error pages: their copies are cached under other URLs, which no targeted refresh reaches.
    pub error_pages: BTreeSet<UrlPath>,
    /// Whether something may answer for `/about` although `about/index.html` is the file, so that the answer is kept under
    /// that name: a Lambda@Edge function, before or after the cache, or a website endpoint.
    pub rewrites_at_origin: bool,
    /// How it keeps answers.
    pub caching: Caching,
}

/// What `key` is called below an origin path, without a leading slash; `None` outside it.
pub fn below<'k>(origin_path: &str, key: &'k str) -> Option<&'k str> {
    match origin_path.trim_matches('/') {
        "" => Some(key),
        origin_path => key.strip_prefix(origin_path)?.strip_prefix('/'),
    }
}

/// How much of what lies below a prefix is reached through an origin path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All: it is the prefix, or a folder above it.
    All,
    /// A folder of it.
    Some,
    /// Nothing.
    Nothing,
}

impl Reach {
    /// That of `origin_path`, as `/live`, below `prefix`, which is empty or ends with a slash.
    pub fn of(origin_path: &str, prefix: &str) -> Reach {
        let folder = format!("{}/", origin_path.trim_matches('/'));
        match below(origin_path, prefix) {
            Some(_) => Reach::All,
            None if folder.starts_with(prefix) => Reach::Some,
            None => Reach::Nothing,
        }
    }
}

impl DistributionFacts {
    /// What `key` is called below the distribution's root, without a leading slash; `None` outside its origin path.
    pub fn below_root<'k>(&self, key: &'k str) -> Option<&'k str> {
        below(&self.origin_path, key)
    }

    /// As [`DistributionFacts::below_root`], for each path that a behavior may put before keys: `None` stands for the
    /// distribution's own, which comes first. Whether such an address leads there, [`Caching::comes_from`] says.
    pub fn ways<'k>(&self, key: &'k str) -> Vec<(Option<&str>, &'k str)> {
        let own = self.below_root(key).map(|below| (None, below));
        let others = self.caching.other_origin_paths().into_iter();
        own.into_iter().chain(others.filter_map(|path| Some((Some(path), below(path, key)?)))).collect()
    }

    /// The addresses of `key`, without a leading slash, at which the distribution finds it.
    pub fn places<'k>(&self, key: &'k str) -> Vec<&'k str> {
        let leads_there =
            |(path, below): &(Option<&str>, &'k str)| self.caching.comes_from(&format!("/{below}"), *path);
        self.ways(key).into_iter().filter(leads_there).map(|(_, below)| below).collect()
    }

    /// Whether the file at an address, which begins with `/` and is not encoded, is one of its error pages.
    pub fn is_error_page(&self, address: &str) -> bool {
        self.error_pages.iter().any(|page| {
            let page = percent_decode_str(page.as_str()).decode_utf8_lossy();
            match page.strip_suffix('/') {
                // `/` as an error page is the default root object.
                Some("") => {
                    self.default_root_object.as_deref().is_some_and(|root| address.strip_prefix('/') == Some(root))
                }
                _ => address == page,
            }
        })
    }
}

/// A store other than AWS that was seen to refuse what it must refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenStore {
    /// The digest of its endpoint.
    pub endpoint: Digest,
    /// When it was tried.
    pub since: Timestamp,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

impl ProvenStore {
    /// The store at `endpoint`, tried at `since`.
    pub fn new(endpoint: Digest, since: Timestamp) -> ProvenStore {
        ProvenStore { endpoint, since, unknown: Unknown::default() }
    }

    /// Whether that still counts at `now`: a store may be replaced by another one, or by another version.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now.since(self.since) < PROOF_LASTS && self.since.since(now) < CLOCKS_DIFFER
    }
}

/// What is known of one distribution, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CdnView<'a> {
    /// There is none.
    None,
    /// There is one, whose configuration may not be read.
    Unreadable,
    /// There is one, and this is what it does.
    Known(&'a DistributionFacts),
}

/// A person's instruction to publish nothing until the hold is lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who gave it.
    pub publisher: Publisher,
    /// When.
    pub since: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

impl Hold {
    /// A hold that `publisher` sets.
    pub fn new(publisher: Publisher, since: Timestamp, reason: Option<String>) -> Hold {
        Hold { publisher, since, reason, unknown: Unknown::default() }
    }
}

/// One past activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryItem {
    /// What became active.
    pub release: ReleaseNumber,
    /// What was active before.
    pub from: Option<ReleaseNumber>,
    /// When.
    pub at: Timestamp,
    /// Who did it, with what the release was built from.
    pub publisher: Publisher,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// How its files compared with what was live before.
    pub files: Option<FileCounts>,
    /// Fields of newer programs that this one does not know.
    pub unknown: Unknown,
}

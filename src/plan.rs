//! The one planner: from what is live and what should be, everything that a publish or a rollback does.
//!
//! Pure and synchronous: no clock, no disk, no network. A dry run prints its value; a publish executes it.

mod asked;
mod cover;
pub mod diff;
pub mod sweep;
mod urls;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use crate::types::globs::PathGlobs;

use serde::{Deserialize, Serialize};

use crate::config::environment::UrlStyle;
use crate::content::path::{SitePath, UrlPath};
use crate::release::cache_tags::CacheTag;
use crate::release::counts::FileCounts;
use crate::release::head::{CdnView, Covers, Distribution, Distributions, Items, TagUse, Tagging};
use crate::release::layout::Layout;
use crate::release::manifest::{Entry, Files, Kept, ReleaseNumber, content_digest};
use crate::types::digest::Digest;
use crate::types::headers::Kind;

pub use asked::asked;
pub use cover::{Cover, Everything};
pub use view::{PathChange, PlanView, PlannedRefresh};

/// What visitors get now, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// The active release; `None` where nothing was ever activated.
    pub release: Option<ReleaseNumber>,
    /// What lies at the live keys: the files of the active release and the leftovers.
    pub files: Files,
    /// Paths at which the candidates of an unfinished activation disagree, with what may be there as far as that is
    /// known: any of it, or nothing.
    pub uncertain: BTreeMap<SitePath, Vec<Entry>>,
    /// Paths at whose keys something was found that this program did not put there, or nothing where a file should be.
    /// Where `files` has them all the same, only marker or headers are wrong.
    pub damaged: BTreeSet<SitePath>,
    /// The ETags of live objects that were looked at on the way: what is removed is removed only if it still has them.
    pub etags: BTreeMap<SitePath, String>,
    /// Fingerprinted files that were live before and are so again. Who asked for one meanwhile got an error, which the CDN
    /// may have kept under its address.
    pub returned: BTreeSet<SitePath>,
}

/// What an unfinished activation may have written. `None`: named by its claim, with bytes of which nothing is known.
pub type Candidate = BTreeMap<SitePath, Option<Entry>>;

/// What the candidates of an unfinished activation come to, taken one after the other: only what differs is held.
#[derive(Debug)]
pub struct Doubt {
    active: Files,
    /// Paths at which a candidate does not agree with the active release.
    disputed: BTreeSet<SitePath>,
    /// What may be at a path where a candidate is not exactly as the active release, each once, the last one named last.
    possible: BTreeMap<SitePath, Vec<Entry>>,
}

impl Doubt {
    /// No candidate yet beside the files of the active release.
    pub fn beside(active: Files) -> Doubt {
        Doubt { active, disputed: BTreeSet::new(), possible: BTreeMap::new() }
    }

    /// One candidate more.
    pub fn consider(&mut self, candidate: Candidate) {
        let paths = self.active.keys().chain(candidate.keys());
        let disputed = paths.filter(|path| !agree(self.active.get(*path), candidate.get(*path)));
        self.disputed.extend(disputed.cloned());
        for (path, entry) in candidate {
            let (Some(entry), active) = (entry, self.active.get(&path)) else { continue };
            if active != Some(&entry) || self.possible.contains_key(&path) {
                let possible = self.possible.entry(path).or_insert_with(|| active.cloned().into_iter().collect());
                possible.retain(|one| *one != entry);
                possible.push(entry);
            }
        }
    }

    /// What is live: only where all candidates agree is anything known.
    pub fn live(self, release: Option<ReleaseNumber>) -> Live {
        let Doubt { active, disputed, mut possible } = self;
        let known = |path: &SitePath| active.get(path).cloned().into_iter().collect();
        let uncertain = disputed.into_iter().map(|path| {
            let entries = possible.remove(&path).unwrap_or_else(|| known(&path));
            (path, entries)
        });
        Live { release, uncertain: uncertain.collect(), files: active, ..Live::default() }
    }
}

impl Live {
    /// Whether anything is known, or in doubt, about the live key of `path`.
    pub fn speaks_of(&self, path: &SitePath) -> bool {
        self.files.contains_key(path) || self.uncertain.contains_key(path) || self.damaged.contains(path)
    }
}

/// The two agree on a path if it looks the same in both. A fingerprinted file that the active release does not have was
/// staged before the switch: whether it is there is staging's business. What the candidate does not have may be gone.
fn agree(active: Option<&Entry>, candidate: Option<&Option<Entry>>) -> bool {
    match (active, candidate) {
        (Some(active), Some(Some(candidate))) => active.looks_like(candidate),
        (None, Some(Some(candidate))) => candidate.kind == Kind::Fingerprinted,
        (Some(_), None | Some(None)) | (None, Some(None)) => false,
        (None, None) => true,
    }
}

/// What the planner must know besides the two releases.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// Where everything lies.
    pub layout: &'a Layout,
    /// The distributions in front of the site, with what is known of them.
    pub distributions: &'a Distributions,
    /// The one of this environment, if it has one.
    pub own: Option<&'a str>,
    /// Whether that one may have cached what was never refreshed: then everything is refreshed there.
    pub is_unseen: bool,
    /// What is removed at once when it leaves the site, besides HTML documents.
    pub remove_now: &'a PathGlobs,
    /// Most addresses and wildcards to send to the CDN.
    pub max_paths: usize,
    /// Which addresses answer for a page besides its own, at every distribution; `None`: as far as each of them tells.
    pub urls: Option<UrlStyle>,
    /// How the activation goes about cache tags.
    pub tagging: &'a Tagging,
    /// Whether mutable files may go straight to their live keys where nothing is active yet.
    pub straight: bool,
}

impl<'a> Policy<'a> {
    /// What is known of this environment's distribution.
    fn cdn(&self) -> CdnView<'a> {
        let known = |own: &str| self.distributions.get(own).map_or(CdnView::Unreadable, Distribution::view);
        self.own.map_or(CdnView::None, known)
    }

    /// How this environment's distribution maps addresses.
    fn own_urls(&self, live: &Live) -> urls::Urls<'a> {
        urls::Urls::new(*self, self.cdn(), self.own.and_then(|own| self.use_of_tags(own)), live)
    }

    /// What cache tags are to a distribution.
    fn use_of_tags(&self, distribution: &str) -> Option<TagUse> {
        self.tagging.uses.get(distribution).copied()
    }
}

/// What happens to one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not live.
    Add,
    /// It has other bytes, or may have.
    Replace,
    /// It has the same bytes and other headers.
    Reheader,
    /// It leaves the site, and its object is removed at once.
    Remove,
    /// It leaves the site; its object stays for tabs that are open, until its retention ends.
    Retire,
}

/// Bytes that may have to be sent: an upper bound, since they may already be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The file.
    pub path: SitePath,
    /// Where its bytes go.
    pub to: Destination,
    /// Their number.
    pub size_bytes: u64,
}

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To the live key at once, while staging: nothing refers to a new fingerprinted file yet.
    LiveWhileStaging,
    /// To the blob store.
    Blob,
    /// To the live key, in the order of the activation: only where nothing is active yet.
    LiveWhileActivating,
}

/// One write or removal of a live object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Copy the blob to the live key. `absent`: nothing of this site is there now.
    Copy {
        /// The file.
        path: SitePath,
        /// Whether the live key must be free.
        absent: bool,
    },
    /// Copy the live object onto itself with other headers.
    Reheader {
        /// The file.
        path: SitePath,
    },
    /// Copy the live object onto itself with its cache tags, if it lacks them.
    Tag {
        /// The file.
        path: SitePath,
    },
    /// Send the file to the live key.
    Send {
        /// The file.
        path: SitePath,
        /// Whether the live key must be free.
        absent: bool,
    },
}

impl Action {
    /// The file it is about.
    pub fn path(&self) -> &SitePath {
        match self {
            Action::Copy { path, .. }
            | Action::Reheader { path }
            | Action::Tag { path }
            | Action::Send { path, .. } => path,
        }
    }
}

/// Live bytes to copy to the blob store before anything is written over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preserve {
    /// The file.
    pub path: SitePath,
    /// What it is.
    pub entry: Entry,
    /// Whether these bytes are live; otherwise they may be.
    pub certain: bool,
}

/// What a URL answers before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlChange {
    /// The file it shows.
    pub path: SitePath,
    /// The URL below the site's own address, which need not be the distribution's root.
    pub below_site: UrlPath,
    /// The size of what it answers afterwards, in bytes.
    pub size_bytes: u64,
    /// The digest of what it answered before, where that is known.
    pub before: Option<Digest>,
    /// The digest of what it answers afterwards; `None`: the file is gone.
    pub after: Option<Digest>,
    /// The headers that become others, with their names in lower case; `None`: it goes.
    pub headers: BTreeMap<String, Option<String>>,
    /// The cache tags that what answers has.
    pub tags: Vec<CacheTag>,
    /// Whether it is the file's own URL. An alias, as `/about/`, may answer with something else altogether.
    pub own: bool,
}

/// Everything that a publish or a rollback does. Made only by [`Plan::between`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The release it starts from.
    pub from: Option<ReleaseNumber>,
    /// The files of the release to be, each saying where its bytes are kept.
    pub files: Files,
    /// The digest of what visitors will get.
    pub content: Digest,
    /// How the two compare.
    pub counts: FileCounts,
    /// What happens to each path that does not stay as it is.
    pub changes: BTreeMap<SitePath, Change>,
    /// What may have to be sent.
    pub uploads: Vec<Upload>,
    /// Live bytes to copy to the blob store before anything is written over them, as they are live now.
    pub preserves: Vec<Preserve>,
    /// Writes of live objects; a wave begins when the one before it is done.
    pub waves: Vec<Vec<Action>>,
    /// Live objects removed after everything else.
    pub removals: Vec<SitePath>,
    /// What to refresh at the CDN: everything where it may have cached what was never refreshed, else nothing where nothing
    /// changes or there is no CDN.
    pub invalidation: Cover,
    /// What is to be refreshed at the distributions of other environments, by their ids.
    pub elsewhere: BTreeMap<String, Cover>,
    /// URLs whose answer changes.
    pub answers: BTreeMap<UrlPath, UrlChange>,
    /// Live mutable files, and how many of them leave the site.
    pub leaving: (usize, usize),
    /// Whether every live mutable object is written with its cache tags, or has them.
    pub tags: bool,
    /// The size of all that is live, in bytes.
    pub live_bytes: u64,
    /// The sizes of those live files that do not stay as they are, in bytes.
    pub sizes_before: BTreeMap<SitePath, u64>,
}

impl Plan {
    /// From `live` to `target`. `target` says of each file its digest, size, headers and kind; where its bytes are
    /// kept is decided here.
    pub fn between(live: &Live, target: Files, policy: Policy<'_>) -> Plan {
        let mut changes = changes(live, &target, policy.remove_now);
        if policy.tagging.writes {
            changes.extend(newly_mutable(live, &target, &changes));
        }
        let first = live.release.is_none() && policy.straight;
        let files = with_bytes_kept(live, target, &changes, first);
        let counts = count(&files, &changes);
        let urls = policy.own_urls(live);
        let answers = urls.answers(live, &files, &changes);
        let cover = |urls: &urls::Urls<'_>, tags: Option<TagUse>| {
            let kept = urls.kept(live, &files, &changes);
            let page = urls.lost_error_page(&changes).cloned().map(Everything::ErrorPage);
            let because = page.or((tags == Some(TagUse::Begins)).then_some(Everything::TagsBegin));
            if let Some(because) = because {
                return Cover::everything(because, &kept);
            }
            let tags = urls.tags(&changes);
            cover::cover(&urls.stale(live, &files, &changes), &kept, tags.as_ref(), policy.max_paths)
        };
        let own_tags = policy.own.and_then(|own| policy.use_of_tags(own));
        let invalidation = match policy.cdn() {
            CdnView::None => Cover::default(),
            _ if policy.is_unseen => Cover::everything(Everything::Unseen, &urls.kept(live, &files, &changes)),
            CdnView::Unreadable | CdnView::Known(_) => cover(&urls, own_tags),
        };
        let others = policy.distributions.iter().filter(|(id, _)| policy.own != Some(id.as_str()));
        let elsewhere = others.map(|(id, other)| {
            let tags = policy.use_of_tags(id);
            (id.clone(), cover(&urls::Urls::new(policy, other.view(), tags, live), tags))
        });
        let elsewhere = elsewhere.collect();
        Plan {
            from: live.release,
            content: content_digest(&files),
            counts,
            uploads: uploads(&files, &changes, live, first),
            preserves: preserves(live, &files, &changes),
            waves: to_tag(live, &files, &changes, policy.tagging)
                .into_iter()
                .chain(waves(&files, &changes, live, first, &urls))
                .collect(),
            removals: paths_with(&changes, Change::Remove),
            invalidation,
            elsewhere,
            answers,
            leaving: leaving(live, &changes),
            tags: policy.tagging.writes,
            live_bytes: size_of(&live.files),
            sizes_before: sizes_before(live, &changes),
            files,
            changes,
        }
    }

    /// What is to be refreshed at each distribution; `own` is that of the environment.
    pub fn covers<'p>(&'p self, own: Option<&'p str>) -> Covers<'p> {
        let others = self.elsewhere.iter().map(|(id, cover)| (id.as_str(), cover.items()));
        others.chain(own.map(|own| (own, self.invalidation.items()))).collect()
    }

    /// Whether visitors would notice nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Server-side copies: those that preserve and those that activate.
    pub fn copies(&self) -> usize {
        let activating = self.waves.iter().flatten().filter(|action| !matches!(action, Action::Send { .. })).count();
        self.preserves.len() + activating
    }

    /// The most bytes that may be sent.
    pub fn upload_bytes(&self) -> u64 {
        self.uploads.iter().map(|upload| upload.size_bytes).sum()
    }

    /// Live objects that will be written or removed.
    pub fn live_writes(&self) -> usize {
        self.waves.iter().map(Vec::len).sum::<usize>() + self.removals.len()
    }

    /// What the URLs of `files` that `items` cover must answer: for a refresh that an earlier run owes.
    pub fn answers_owed(files: &Files, items: Items<'_>, policy: Policy<'_>) -> BTreeMap<UrlPath, UrlChange> {
        let changes = files.keys().map(|path| (path.clone(), Change::Replace)).collect();
        let mut answers = policy.own_urls(&Live::default()).answers(&Live::default(), files, &changes);
        answers.retain(|url, answer| {
            let has_tag = items.tags.iter().any(|tag| answer.tags.contains(tag));
            has_tag || items.paths.iter().any(|path| path.covers(url))
        });
        answers
    }

    /// How much of the live mutable files leaves the site, in percent, rounded up.
    pub fn removed_percent(&self) -> usize {
        let (live, leaving) = self.leaving;
        (leaving * 100).div_ceil(live.max(1))
    }
}

fn changes(live: &Live, target: &Files, remove_now: &PathGlobs) -> BTreeMap<SitePath, Change> {
    let mut changes = BTreeMap::new();
    for (path, wanted) in target {
        let change = match live.files.get(path) {
            _ if live.uncertain.contains_key(path) => Some(Change::Replace),
            None if live.damaged.contains(path) => Some(Change::Replace),
            None => Some(Change::Add),
            Some(present) if present.looks_like(wanted) && live.damaged.contains(path) => Some(Change::Reheader),
            Some(present) => compare(present, wanted),
        };
        if let Some(change) = change {
            changes.insert(path.clone(), change);
        }
    }
    let gone = live.files.keys().chain(live.uncertain.keys()).filter(|path| !target.contains_key(*path));
    for path in gone {
        let at_once = path.is_page() || remove_now.matches(path);
        changes.insert(path.clone(), if at_once { Change::Remove } else { Change::Retire });
    }
    changes
}

/// Files that stay what they are and count as mutable from now on. Copies of them are kept without cache tags: they are written
/// again, and refreshed by their paths.
fn newly_mutable(live: &Live, target: &Files, changes: &BTreeMap<SitePath, Change>) -> Vec<(SitePath, Change)> {
    let was_not = |path: &SitePath| live.files.get(path).is_some_and(|present| present.kind == Kind::Fingerprinted);
    let stay = target.iter().filter(|(path, entry)| entry.kind == Kind::Mutable && !changes.contains_key(*path));
    stay.filter(|(path, _)| was_not(path)).map(|(path, _)| (path.clone(), Change::Reheader)).collect()
}

fn compare(present: &Entry, wanted: &Entry) -> Option<Change> {
    if !present.same_bytes(wanted) {
        Some(Change::Replace)
    } else if present.headers != wanted.headers {
        Some(Change::Reheader)
    } else {
        None
    }
}

/// Mutable bytes that are live and stay are kept where they are; new ones go to the blob store, or to their live keys
/// where nothing is active yet.
fn with_bytes_kept(live: &Live, mut target: Files, changes: &BTreeMap<SitePath, Change>, first: bool) -> Files {
    for (path, entry) in &mut target {
        let stays = matches!(changes.get(path), None | Some(Change::Reheader));
        entry.kept = match (entry.kind, live.files.get(path)) {
            (Kind::Fingerprinted, _) => Kept::Live,
            (Kind::Mutable, Some(present)) if stays => present.kept,
            (Kind::Mutable, _) if first => Kept::Live,
            (Kind::Mutable, _) => Kept::Blob,
        };
    }
    target
}

fn count(files: &Files, changes: &BTreeMap<SitePath, Change>) -> FileCounts {
    let with = |wanted: Change| changes.values().filter(|change| **change == wanted).count();
    let (added, replaced, reheadered) = (with(Change::Add), with(Change::Replace), with(Change::Reheader));
    FileCounts {
        total: files.len(),
        fingerprinted: files.values().filter(|entry| entry.kind == Kind::Fingerprinted).count(),
        added,
        replaced,
        reheadered,
        removed: with(Change::Remove) + with(Change::Retire),
        unchanged: files.len() - added - replaced - reheadered,
    }
}

/// Where nothing was ever activated, what a first publish left behind that was cut short is not a site.
fn leaving(live: &Live, changes: &BTreeMap<SitePath, Change>) -> (usize, usize) {
    if live.release.is_none() {
        return (0, 0);
    }
    let mutable = live.files.iter().filter(|(_, entry)| entry.kind == Kind::Mutable);
    let leaves = |path: &SitePath| matches!(changes.get(path), Some(Change::Remove | Change::Retire));
    (mutable.clone().count(), mutable.filter(|(path, _)| leaves(path)).count())
}

/// The size of all of them, in bytes.
fn size_of(files: &Files) -> u64 {
    files.values().map(|entry| entry.size_bytes).sum()
}

fn sizes_before(live: &Live, changes: &BTreeMap<SitePath, Change>) -> BTreeMap<SitePath, u64> {
    let present = |path: &SitePath| live.files.get(path).map(|entry| (path.clone(), entry.size_bytes));
    changes.keys().filter_map(present).collect()
}

fn paths_with(changes: &BTreeMap<SitePath, Change>, wanted: Change) -> Vec<SitePath> {
    changes.iter().filter(|(_, change)| **change == wanted).map(|(path, _)| path.clone()).collect()
}

/// Whether a fingerprinted file goes up while staging: its key is free, or was when it was last looked at.
fn staged_live(path: &SitePath, entry: &Entry, live: &Live) -> bool {
    let may_be_there = match live.files.get(path) {
        Some(present) => present.same_bytes(entry),
        None => !live.damaged.contains(path),
    };
    entry.kind == Kind::Fingerprinted && may_be_there
}

fn uploads(files: &Files, changes: &BTreeMap<SitePath, Change>, live: &Live, first: bool) -> Vec<Upload> {
    let mut blobs = BTreeSet::new();
    let changed = files.iter().filter(|(path, _)| matches!(changes.get(*path), Some(Change::Add | Change::Replace)));
    changed
        .filter_map(|(path, entry)| {
            let to = if staged_live(path, entry, live) {
                Destination::LiveWhileStaging
            } else if first {
                Destination::LiveWhileActivating
            } else {
                Destination::Blob
            };
            // Equal bytes at two paths are one blob.
            let needed = to != Destination::Blob || blobs.insert(entry.digest);
            needed.then(|| Upload { path: path.clone(), to, size_bytes: entry.size_bytes })
        })
        .collect()
}

/// Live bytes that leave their key, and are not in the blob store yet. Fingerprinted files that retire stay where they
/// are; those that are replaced had a reused name. Where candidates disagree, each of them may be what is live.
fn preserves(live: &Live, files: &Files, changes: &BTreeMap<SitePath, Change>) -> Vec<Preserve> {
    let at_risk = |path: &SitePath, entry: &Entry| match changes.get(path) {
        Some(Change::Replace) => files.get(path).is_none_or(|wanted| !staged_live(path, wanted, live)),
        Some(Change::Remove) => true,
        Some(Change::Retire) => entry.kind == Kind::Mutable,
        Some(Change::Add | Change::Reheader) | None => false,
    };
    let certain = live.files.iter().filter(|(path, _)| !live.uncertain.contains_key(*path));
    let certain = certain.map(|(path, entry)| (path, entry, true));
    let doubtful =
        live.uncertain.iter().flat_map(|(path, entries)| entries.iter().map(move |entry| (path, entry, false)));
    let mut found = Vec::<Preserve>::new();
    for (path, entry, certain) in certain.chain(doubtful) {
        let again = found.last().is_some_and(|last| last.path == *path && last.entry.same_bytes(entry));
        if entry.kept == Kept::Live && at_risk(path, entry) && !again {
            found.push(Preserve { path: path.clone(), entry: entry.clone(), certain });
        }
    }
    found
}

/// Before all else, since visitors get the same with them: the live objects to which cache tags are to be added. What changes gets them when it is written.
fn to_tag(live: &Live, files: &Files, changes: &BTreeMap<SitePath, Change>, tagging: &Tagging) -> Option<Vec<Action>> {
    let was_mutable = |path: &SitePath| live.files.get(path).is_some_and(|present| present.kind == Kind::Mutable);
    let may_lack_them = |path: &SitePath| tagging.writes && (tagging.begins || !was_mutable(path));
    let mutable = files.iter().filter(|(_, entry)| entry.kind == Kind::Mutable);
    let mutable = mutable.filter(|(path, _)| !changes.contains_key(*path) && may_lack_them(path));
    let wave: Vec<Action> = mutable.map(|(path, _)| Action::Tag { path: path.clone() }).collect();
    (!wave.is_empty()).then_some(wave)
}

/// The order of an activation: what pages refer to, new pages, replaced pages, the entry pages.
fn waves(
    files: &Files,
    changes: &BTreeMap<SitePath, Change>,
    live: &Live,
    first: bool,
    urls: &urls::Urls<'_>,
) -> Vec<Vec<Action>> {
    let mut waves: [Vec<Action>; 4] = Default::default();
    for (path, change) in changes {
        let Some(entry) = files.get(path) else { continue };
        let action = match change {
            Change::Remove | Change::Retire => continue,
            Change::Reheader => Action::Reheader { path: path.clone() },
            // Staging has put it there.
            Change::Add | Change::Replace if staged_live(path, entry, live) => continue,
            Change::Add | Change::Replace if first => {
                Action::Send { path: path.clone(), absent: *change == Change::Add }
            }
            Change::Add => Action::Copy { path: path.clone(), absent: true },
            Change::Replace => Action::Copy { path: path.clone(), absent: false },
        };
        let wave = match change {
            _ if !path.is_page() => 0,
            _ if urls.is_entry_page(path) => 3,
            Change::Add => 1,
            _ => 2,
        };
        waves[wave].push(action);
    }
    waves.into_iter().filter(|wave| !wave.is_empty()).collect()
}

#[cfg(test)]
mod tests;

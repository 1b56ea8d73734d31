//! Releases and past activations, as people and programs read them.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::content::path::SitePath;
use crate::release::counts::FileCounts;
use crate::release::head::{Head, HistoryItem};
use crate::release::manifest::{Claim, Entry, Files, Manifest, Publisher, ReleaseNumber, content_digest};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;
use crate::types::headers::Kind;

/// The state of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReleaseState {
    /// Visitors get it.
    Active,
    /// It is complete and was never active.
    Staged,
    /// It is complete, and was active until another release was.
    WasActive,
    /// Its number is claimed, but its manifest is not there: it is being staged, or was abandoned.
    Incomplete,
    /// Its manifest cannot be read, or is not there although it was active.
    Damaged,
    /// An unfinished prune is removing it: it never becomes active again, and files may be missing.
    Closed,
}

/// The first characters of a commit's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPrefix(String);

impl CommitPrefix {
    /// Fewer characters match too much.
    const LEAST: usize = 4;

    /// Whether `publisher` built from such a commit.
    pub fn is_of(&self, publisher: &Publisher) -> bool {
        publisher.commit.as_deref().is_some_and(|commit| commit.to_ascii_lowercase().starts_with(&self.0))
    }
}

impl FromStr for CommitPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<CommitPrefix, String> {
        if text.len() >= CommitPrefix::LEAST && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(CommitPrefix(text.to_ascii_lowercase()));
        }
        Err(format!("give a commit id, or at least its first {} characters", CommitPrefix::LEAST))
    }
}

impl fmt::Display for CommitPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Which releases, or which activations, are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseFilter {
    /// At most so many, the newest.
    pub limit: Option<NonZeroUsize>,
    /// Only what was begun, or made live, since then.
    pub since: Option<Timestamp>,
    /// Only by those whose names contain this, ignoring case.
    pub by: Option<String>,
    /// Only what was built from this commit.
    pub commit: Option<CommitPrefix>,
}

impl ReleaseFilter {
    /// Whether a release is listed. A damaged one does not match a filter on what is not known of it.
    pub fn takes(&self, release: &ReleaseView) -> bool {
        self.fits(release.created_at, release.publisher.as_ref())
    }

    /// Whether an activation is listed.
    pub fn takes_activation(&self, activation: &ActivationView) -> bool {
        self.fits(Some(activation.at), Some(&activation.publisher))
    }

    /// At most so many.
    pub fn at_most(&self) -> usize {
        self.limit.map_or(usize::MAX, NonZeroUsize::get)
    }

    fn fits(&self, at: Option<Timestamp>, publisher: Option<&Publisher>) -> bool {
        let parts = |publisher: &Publisher| [publisher.who.clone(), publisher.place.clone()];
        let who = publisher.map(parts).into_iter().flatten().flatten().collect::<Vec<_>>().join("\n").to_lowercase();
        self.since.is_none_or(|since| at.is_some_and(|at| at >= since))
            && self.by.as_deref().is_none_or(|by| who.contains(&by.to_lowercase()))
            && self.commit.as_ref().is_none_or(|commit| publisher.is_some_and(|publisher| commit.is_of(publisher)))
    }
}

/// One release. In JSON a line of its own with `"type":"release"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "release")]
pub struct ReleaseView {
    /// Its number.
    #[cfg_attr(test, schemars(with = "u64"))]
    pub release: ReleaseNumber,
    /// Its status.
    pub state: ReleaseState,
    /// Since when it is active; `null`: it is not.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub active_since: Option<Timestamp>,
    /// Until when it was active; `null`: it is, or never was.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub active_until: Option<Timestamp>,
    /// When the run that staged it began; `null`: it is damaged.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub created_at: Option<Timestamp>,
    /// Who staged it, and what it was built from; `null`: it is damaged.
    pub publisher: Option<Publisher>,
    /// What it consists of; `null`: it is incomplete or damaged.
    pub content: Option<ContentView>,
}

/// What a release consists of, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ContentView {
    /// The digest of what visitors get: equal for two releases that visitors cannot tell apart.
    #[cfg_attr(test, schemars(with = "String"))]
    pub digest: Digest,
    /// All files.
    pub total: FileTotals,
    /// Those that are fingerprinted.
    pub fingerprinted: FileTotals,
    /// All others.
    pub mutable: FileTotals,
}

/// How many files, and their size together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FileTotals {
    /// Their number.
    pub files: usize,
    /// Their total size.
    pub bytes: u64,
}

/// One file of a release. In JSON a line of its own with `"type":"file"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "file")]
pub struct FileView {
    /// The path in the site.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: SitePath,
    /// The number of its bytes.
    pub size_bytes: u64,
    /// Whether it is fingerprinted: its name changes whenever its bytes do.
    pub kind: Kind,
    /// Its `Cache-Control`.
    pub cache_control: String,
    /// Its `Content-Type`.
    pub content_type: String,
    /// SHA-256 of its bytes.
    #[cfg_attr(test, schemars(with = "String"))]
    pub sha256: Digest,
}

/// One past activation. In JSON a line of its own with `"type":"activation"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "activation")]
pub struct ActivationView {
    /// What became active.
    #[cfg_attr(test, schemars(with = "u64"))]
    pub release: ReleaseNumber,
    /// What was active before; `null`: nothing.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub from: Option<ReleaseNumber>,
    /// When.
    #[cfg_attr(test, schemars(with = "String"))]
    pub at: Timestamp,
    /// Who did it, with what the release was built from.
    pub publisher: Publisher,
    /// Why; `null`: no reason was given.
    pub reason: Option<String>,
    /// How its files compared with what was live before; `null`: not recorded.
    pub files: Option<FileCounts>,
}

impl ReleaseView {
    /// A release whose manifest is there.
    pub fn complete(manifest: &Manifest, head: &Head) -> ReleaseView {
        ReleaseView {
            created_at: Some(manifest.created_at),
            publisher: Some(manifest.publisher.clone()),
            content: Some(ContentView::of(&manifest.files)),
            ..ReleaseView::standing(manifest.release, head)
        }
    }

    /// A release of which there is only the claim.
    pub fn incomplete(claim: &Claim, head: &Head) -> ReleaseView {
        ReleaseView {
            created_at: Some(claim.since),
            publisher: Some(claim.publisher.clone()),
            ..ReleaseView::but_for_closed(claim.release, head, ReleaseState::Incomplete)
        }
    }

    /// A release of which only the head's record is known.
    pub fn damaged(release: ReleaseNumber, head: &Head) -> ReleaseView {
        ReleaseView::but_for_closed(release, head, ReleaseState::Damaged)
    }

    /// A release in `state`, unless a prune closed it.
    fn but_for_closed(release: ReleaseNumber, head: &Head, state: ReleaseState) -> ReleaseView {
        let standing = ReleaseView::standing(release, head);
        if standing.state == ReleaseState::Closed { standing } else { ReleaseView { state, ..standing } }
    }

    /// What the head says of a release that is complete.
    fn standing(release: ReleaseNumber, head: &Head) -> ReleaseView {
        let active = head.active.as_ref().filter(|active| active.release == release);
        let active_since = active.map(|active| active.since);
        let active_until = head.superseded.get(&release).copied().filter(|_| active.is_none());
        let state = match (active_since, active_until) {
            (Some(_), _) => ReleaseState::Active,
            (None, _) if head.is_closed(release) => ReleaseState::Closed,
            (None, Some(_)) => ReleaseState::WasActive,
            (None, None) => ReleaseState::Staged,
        };
        ReleaseView { release, state, active_since, active_until, created_at: None, publisher: None, content: None }
    }
}

impl ContentView {
    fn of(files: &Files) -> ContentView {
        let (mut fingerprinted, mut mutable) = (FileTotals::default(), FileTotals::default());
        for entry in files.values() {
            match entry.kind {
                Kind::Fingerprinted => fingerprinted.add(entry),
                Kind::Mutable => mutable.add(entry),
            }
        }
        let bytes = fingerprinted.bytes.saturating_add(mutable.bytes);
        let total = FileTotals { files: files.len(), bytes };
        ContentView { digest: content_digest(files), total, fingerprinted, mutable }
    }
}

impl FileTotals {
    /// Sizes come from a bucket: their sum may be more than any number.
    fn add(&mut self, entry: &Entry) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(entry.size_bytes);
    }
}

impl FileView {
    /// A file as its release lists it.
    pub fn of(path: &SitePath, entry: &Entry) -> FileView {
        FileView {
            path: path.clone(),
            size_bytes: entry.size_bytes,
            kind: entry.kind,
            cache_control: entry.headers.cache_control.clone(),
            content_type: entry.headers.content_type.clone(),
            sha256: entry.digest,
        }
    }
}

impl From<HistoryItem> for ActivationView {
    fn from(item: HistoryItem) -> ActivationView {
        let HistoryItem { release, from, at, publisher, reason, files, .. } = item;
        ActivationView { release, from, at, publisher, reason, files }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::format::Unknown;
    use crate::release::head::Active;
    use crate::release::manifest::{Identity, RunId};

    fn head(active: u64, superseded: &[u64]) -> Head {
        let identity = Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() };
        let (release, since) = (ReleaseNumber::new(active), Timestamp::from_unix_seconds(9));
        let superseded = superseded.iter().map(|number| {
            let until = Timestamp::from_unix_seconds(i64::try_from(*number).unwrap());
            (ReleaseNumber::new(*number), until)
        });
        Head::new(identity, RunId("run".to_owned())).with(|head| {
            let (content, unknown) = (content_digest(&Files::new()), Unknown::default());
            head.active = Some(Active { release, content, since, previous: None, unknown });
            head.superseded.extend(superseded);
        })
    }

    #[test]
    fn the_head_says_where_a_complete_release_stands() {
        let head = head(2, &[1, 2]);
        let standing = |number| {
            let view = ReleaseView::standing(ReleaseNumber::new(number), &head);
            let seconds = |at: Option<Timestamp>| at.map(Timestamp::unix_seconds);
            (view.state, seconds(view.active_since), seconds(view.active_until))
        };
        assert_eq!(standing(1), (ReleaseState::WasActive, None, Some(1)));
        assert_eq!(standing(2), (ReleaseState::Active, Some(9), None), "the active one is not what it once was");
        assert_eq!(standing(3), (ReleaseState::Staged, None, None));
        let closed = head.with(|head| head.closed = [1, 4].map(ReleaseNumber::new).into());
        let state = |number| ReleaseView::standing(ReleaseNumber::new(number), &closed).state;
        assert_eq!(
            [1, 2, 3, 4].map(state),
            [ReleaseState::Closed, ReleaseState::Active, ReleaseState::Staged, ReleaseState::Closed]
        );
        let damaged = ReleaseView::damaged(ReleaseNumber::new(4), &closed);
        assert_eq!(damaged.state, ReleaseState::Closed, "what is to be removed is not missed");
    }

    #[test]
    fn a_filter_takes_what_fits_all_that_it_asks_for() {
        let publisher = Publisher {
            who: Some("Octocat".to_owned()),
            commit: Some("C0FFEE00c0ffee00".to_owned()),
            ..Publisher::default()
        };
        let view = ReleaseView {
            created_at: Some(Timestamp::from_unix_seconds(9)),
            publisher: Some(publisher),
            ..ReleaseView::standing(ReleaseNumber::new(1), &head(1, &[]))
        };
        let (since, by, commit) = (9, "cat", "c0ffee");
        let filter = |since: i64, by: &str, commit: &str| ReleaseFilter {
            limit: None,
            since: Some(Timestamp::from_unix_seconds(since)),
            by: Some(by.to_owned()),
            commit: Some(commit.parse().unwrap()),
        };
        assert!(filter(since, by, commit).takes(&view));
        assert!(filter(since, "OCTO", "C0FFEE00C0FFEE00").takes(&view));
        for other in [filter(10, by, commit), filter(since, "dog", commit), filter(since, by, "ffee")] {
            assert!(!other.takes(&view), "{other:?}");
        }
        let damaged = ReleaseView::damaged(ReleaseNumber::new(1), &head(2, &[]));
        assert!(ReleaseFilter::default().takes(&damaged) && !filter(since, by, commit).takes(&damaged));
        for wrong in ["", "c0f", "main", "c0ffeeg"] {
            assert!(wrong.parse::<CommitPrefix>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_damaged_release_still_says_whether_it_is_active() {
        let view = ReleaseView::damaged(ReleaseNumber::new(2), &head(2, &[]));
        assert_eq!((view.state, view.active_since.is_some(), view.content), (ReleaseState::Damaged, true, None));
    }
}

//! The outcome of a run: the last line of `--output json`, and the source of the summary on a terminal.

pub mod changes;
pub mod error;
pub mod event;
pub mod markdown;
pub mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::release::counts::FileCounts;
use crate::release::manifest::ReleaseNumber;
use crate::report::changes::Changes;
use crate::report::error::{Failure, Location};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A new release is live.
    Published,
    /// A release is complete in the bucket and not live.
    Staged,
    /// A staged release is live.
    Activated,
    /// An earlier release is live again.
    RolledBack,
    /// Another environment's release is live here.
    Promoted,
    /// What is no longer needed was removed.
    Pruned,
    /// The site was compared, or the plan or status was shown.
    Verified,
    /// Something an earlier run left undone was done.
    Repaired,
    /// The paths that a person named were refreshed.
    Invalidated,
    /// There was nothing to do.
    Unchanged,
    /// Publishing is held.
    Held,
    /// Another publisher won.
    Superseded,
    /// It failed.
    Failed,
}

/// Objects and bytes sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Uploaded {
    /// Objects of the site that were sent and stored; the state's own objects are not counted.
    pub objects: usize,
    /// Their total size.
    pub bytes: u64,
}

/// What was refreshed at the CDN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InvalidationReport {
    /// CloudFront's ids.
    pub ids: Vec<String>,
    /// The paths, as sent, and before them cache tags as `#tag`.
    pub paths: Vec<String>,
    /// How many paths and tags CloudFront accepted, or would accept; repeated requests count again.
    pub paths_paid: usize,
    /// What those cost in US dollars, beyond the 1,000 paths of a month that are free for an account.
    pub price_usd: String,
    /// Its status.
    pub status: InvalidationStatus,
    /// Whether CloudFront says that it has completed all of it. `false` beside [`InvalidationStatus::Effective`]: it was seen
    /// at one edge, the head keeps it as sent, and `publish status` shows its progress.
    pub completed: bool,
    /// The edge location that was seen to answer with what was published, such as `FRA56-P4`; left out if no answer named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<String>,
    /// Unchanged files that a wildcard or a tag also evicts.
    pub evicted_unchanged: usize,
    /// Their total size, in bytes.
    pub evicted_bytes: u64,
    /// Why everything is refreshed although less has changed, as a clause; left out where that is not so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What CloudFront charges for `paths`, in US dollars, where the free ones of the month are used up: $0.005 each, also for a
/// wildcard (AWS.md 1.3).
pub fn price_usd(paths: usize) -> String {
    let thousandths = paths.saturating_mul(5);
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}

/// A refresh at a distribution in front of the same site other than the environment's first one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OtherDistribution {
    /// The distribution.
    pub distribution: String,
    /// The release whose activation owes it.
    #[cfg_attr(test, schemars(with = "u64"))]
    pub release: ReleaseNumber,
    /// `requested`, `completed` or `owed`.
    pub status: InvalidationStatus,
    /// CloudFront's ids; none if it is owed.
    pub ids: Vec<String>,
    /// The paths, and before them cache tags as `#tag`.
    pub paths: Vec<String>,
    /// How many paths and tags CloudFront took.
    #[serde(default)]
    pub paths_paid: usize,
    /// What those cost in US dollars, beyond the 1,000 paths of a month that are free for an account.
    #[serde(default)]
    pub price_usd: String,
    /// Unchanged files that a wildcard or a tag takes along, as far as this run planned it.
    #[serde(default)]
    pub evicted_unchanged: usize,
    /// Their size together, in bytes.
    #[serde(default)]
    pub evicted_bytes: u64,
    /// Why everything is refreshed although less has changed, as a clause; left out where that is not so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// The status of an invalidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum InvalidationStatus {
    /// Part of a plan.
    Planned,
    /// CloudFront accepted it, and the run did not wait.
    Requested,
    /// The site's URLs answer with what was published, at the edge that this machine reaches.
    Effective,
    /// CloudFront says it is completed.
    Completed,
    /// It is not done yet: recorded in the bucket, for the next run.
    Owed,
}

/// How to undo that another release became live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// To the release before, which needs no number.
    Back,
    /// To this release, which is the newer one.
    Forward(ReleaseNumber),
}

impl WayBack {
    /// The command.
    pub fn command(self) -> String {
        match self {
            WayBack::Back => "publish rollback".to_owned(),
            WayBack::Forward(release) => format!("publish rollback {release}"),
        }
    }
}

/// What went wrong, in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ErrorReport {
    /// A word that programs may compare.
    pub code: String,
    /// What failed, on which file or key.
    pub message: String,
    /// What visitors see now.
    pub visitors_see: String,
    /// What to do next.
    pub hint: String,
    /// Which line of which file it is about; left out where it is about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The underlying errors, outermost first.
    pub causes: Vec<String>,
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "report")]
pub struct Report {
    /// The command, as `publish` or `plan`.
    pub command: String,
    /// The environment's name.
    pub environment: String,
    /// The site's name; left out if the run ended before it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The publish.toml that was used; only if it is not the one in the current folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The process's exit code.
    pub exit_code: u8,
    /// The release this run is about: the one it made live, or the one that is live.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub release: Option<ReleaseNumber>,
    /// The release that was live before.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub previous_release: Option<ReleaseNumber>,
    /// How its files compare with what was live before.
    pub files: FileCounts,
    /// What was sent; in a plan, the most that may be sent.
    pub uploaded: Uploaded,
    /// Server-side copies.
    pub copied: usize,
    /// Objects removed.
    pub deleted: usize,
    /// HTTP requests by AWS operation, every attempt counted.
    pub requests: BTreeMap<String, u64>,
    /// What was refreshed at the CDN; `null` if there was nothing to refresh, or there is no CDN.
    pub invalidation: Option<InvalidationReport>,
    /// Refreshes at other distributions in front of the site; left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_distributions: Vec<OtherDistribution>,
    /// The site's address, if it is known.
    pub url: Option<String>,
    /// What a person should know, but what did not stop the run.
    pub warnings: Vec<String>,
    /// What changes for visitors, path by path. Programs get it from `publish plan` and `publish diff`.
    #[serde(skip)]
    pub changes: Arc<Changes>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Only on failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

impl Report {
    /// The report of a run that has done nothing yet.
    pub fn new(command: &str, environment: &str) -> Report {
        Report {
            command: command.to_owned(),
            environment: environment.to_owned(),
            site: None,
            config: None,
            outcome: Outcome::Unchanged,
            exit_code: 0,
            release: None,
            previous_release: None,
            files: FileCounts::default(),
            uploaded: Uploaded::default(),
            copied: 0,
            deleted: 0,
            requests: BTreeMap::new(),
            invalidation: None,
            other_distributions: Vec::new(),
            url: None,
            warnings: Vec::new(),
            changes: Arc::default(),
            duration_ms: 0,
            error: None,
        }
    }

    /// How to make the release live again that was live before this run; `None`: none was, or the run switched nothing.
    pub fn way_back(&self) -> Option<WayBack> {
        use Outcome::{Activated, Promoted, Published, RolledBack};
        let (release, previous) = (self.release?, self.previous_release?);
        match self.outcome {
            // Without a number, a rollback does not go forward again.
            RolledBack => Some(WayBack::Forward(previous)),
            Published | Activated | Promoted if release < previous => Some(WayBack::Forward(previous)),
            Published | Activated | Promoted => Some(WayBack::Back),
            _ => None,
        }
    }

    /// The same report, of a run that failed.
    #[must_use]
    pub fn failed(mut self, failure: &Failure) -> Report {
        self.outcome = match failure.code {
            crate::report::error::Code::Superseded => Outcome::Superseded,
            crate::report::error::Code::Held => Outcome::Held,
            _ => Outcome::Failed,
        };
        self.exit_code = failure.exit_code().number();
        self.error = Some(ErrorReport {
            code: failure.code.as_str(),
            message: failure.message.clone(),
            visitors_see: failure.visitors_see.to_string(),
            hint: failure.hint.clone(),
            location: failure.location.clone(),
            causes: failure.causes.clone(),
        });
        self
    }
}

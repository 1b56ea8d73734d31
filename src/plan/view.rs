//! A plan as JSON.

use serde::{Deserialize, Serialize};

use super::{Change, Cover, Plan, size_of};
use crate::content::path::SitePath;
use crate::release::counts::FileCounts;
use crate::release::manifest::ReleaseNumber;
use crate::report::changes::{Changed, ChangedPath, Changes};
use crate::report::{Uploaded, price_usd};
use crate::types::headers::Kind;

/// What a publish would do. In JSON a line of its own with `"type":"plan"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "plan")]
pub struct PlanView {
    /// The release it starts from; `null`: nothing was ever published.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub from: Option<ReleaseNumber>,
    /// How the two compare.
    pub files: FileCounts,
    /// What happens to each path that does not stay as it is, in the order of the paths.
    pub changes: Vec<PathChange>,
    /// The most that may be sent: bytes may already be stored.
    pub uploaded: Uploaded,
    /// Server-side copies.
    pub copied: usize,
    /// Objects removed.
    pub deleted: usize,
    /// What is to be refreshed at the CDN, as CloudFront is asked: cache tags as `#tag`, then paths.
    pub paths: Vec<String>,
    /// What those cost in US dollars, beyond the 1,000 paths of a month that are free for an account.
    pub price_usd: String,
    /// Unchanged files that a wildcard or a cache tag also evicts.
    pub evicted_unchanged: usize,
    /// Their total size, in bytes.
    pub evicted_bytes: u64,
    /// Why everything is to be refreshed although less has changed, as a clause; left out where that is not so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What is to be refreshed at other distributions in front of the site; left out where there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_distributions: Vec<PlannedRefresh>,
}

/// What is to be refreshed at another distribution than the first one of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PlannedRefresh {
    /// The distribution.
    pub distribution: String,
    /// As CloudFront is asked: cache tags as `#tag`, then paths.
    pub paths: Vec<String>,
    /// What those cost in US dollars, beyond the 1,000 paths of a month that are free for an account.
    pub price_usd: String,
    /// Unchanged files that a wildcard or a cache tag takes along.
    pub evicted_unchanged: usize,
    /// Their size together, in bytes.
    pub evicted_bytes: u64,
    /// Why everything is to be refreshed although less has changed, as a clause; left out where that is not so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl PlannedRefresh {
    fn of(distribution: &str, cover: &Cover) -> PlannedRefresh {
        PlannedRefresh {
            distribution: distribution.to_owned(),
            paths: cover.items().texts().collect(),
            price_usd: price_usd(cover.items().len()),
            evicted_unchanged: cover.evicted_unchanged,
            evicted_bytes: cover.evicted_bytes,
            because: cover.because.as_ref().map(ToString::to_string),
        }
    }
}

/// What happens to one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PathChange {
    /// The path in the site.
    pub path: String,
    /// What happens.
    pub change: Change,
    /// The size it will have; `null` where it leaves the site.
    pub size_bytes: Option<u64>,
    /// Whether it is fingerprinted: its name changes whenever its bytes do; `null` where it leaves the site.
    pub kind: Option<Kind>,
}

impl Plan {
    /// What is to be refreshed at other distributions than the environment's own, by their ids.
    pub fn refreshed_elsewhere(&self) -> impl Iterator<Item = (&str, &Cover)> {
        let others = self.elsewhere.iter().filter(|(_, cover)| !cover.items().is_empty());
        others.map(|(id, cover)| (id.as_str(), cover))
    }

    /// What changes for visitors, as a summary says it.
    pub fn changed(&self) -> Changes {
        let what = |change: Change| match change {
            Change::Add => Changed::Added,
            Change::Replace => Changed::Replaced,
            Change::Reheader => Changed::Reheadered,
            Change::Remove | Change::Retire => Changed::Removed,
        };
        let changed = |(path, change): (&SitePath, &Change)| ChangedPath {
            path: path.clone(),
            what: what(*change),
            bytes_before: self.sizes_before.get(path).copied(),
            bytes_after: self.files.get(path).map(|entry| entry.size_bytes),
        };
        let paths = self.changes.iter().map(changed).collect();
        Changes { paths, bytes_before: self.live_bytes, bytes_after: size_of(&self.files) }
    }

    /// The plan as programs read it.
    pub fn view(&self) -> PlanView {
        let changes = self.changes.iter().map(|(path, change)| {
            let entry = self.files.get(path);
            PathChange {
                path: path.to_string(),
                change: *change,
                size_bytes: entry.map(|entry| entry.size_bytes),
                kind: entry.map(|entry| entry.kind),
            }
        });
        PlanView {
            from: self.from,
            files: self.counts,
            changes: changes.collect(),
            uploaded: Uploaded { objects: self.uploads.len(), bytes: self.upload_bytes() },
            copied: self.copies(),
            deleted: self.removals.len(),
            paths: self.invalidation.items().texts().collect(),
            price_usd: price_usd(self.invalidation.items().len()),
            evicted_unchanged: self.invalidation.evicted_unchanged,
            evicted_bytes: self.invalidation.evicted_bytes,
            because: self.invalidation.because.as_ref().map(ToString::to_string),
            other_distributions: self.refreshed_elsewhere().map(|(id, cover)| PlannedRefresh::of(id, cover)).collect(),
        }
    }
}

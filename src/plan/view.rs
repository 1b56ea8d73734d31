//! A plan as programs read it.

use serde::{Deserialize, Serialize};

use super::{Change, Plan, size_of};
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
    /// Unchanged files that a wildcard or a cache tag takes along.
    pub evicted_unchanged: usize,
    /// Their size together, in bytes.
    pub evicted_bytes: u64,
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
        }
    }
}

//! What the head says, for people and programs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bucket::state::Pointer;
use crate::release::counts::FileCounts;
use crate::release::head::Refresh;
use crate::release::manifest::{Publisher, ReleaseNumber};
use crate::types::clock::Timestamp;

/// What is live, and anything unfinished, held, pending or owed. In JSON a line of its own with `"type":"status"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "status")]
pub struct Status {
    /// The environment's name; only where several are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The release visitors get.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub release: Option<ReleaseNumber>,
    /// Since when.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub since: Option<Timestamp>,
    /// Who activated it, with what it was built from.
    pub publisher: Option<Publisher>,
    /// How its files compared with what was live before; `null`: not known.
    pub files: Option<FileCounts>,
    /// The release before it.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub previous_release: Option<ReleaseNumber>,
    /// An activation that was begun and not finished.
    pub activation: Option<ActivationStatus>,
    /// The distributions in front of the site, in the order of their ids.
    #[serde(default)]
    pub distributions: Vec<DistributionStatus>,
    /// Paths that are still to be refreshed at the CDN.
    pub pending_refreshes: Vec<PendingRefresh>,
    /// Refreshes that CloudFront has accepted: what changed was seen at one edge, or was not waited for.
    #[serde(default)]
    pub sent_refreshes: Vec<SentRefresh>,
    /// Paths that left the site and are still reachable.
    pub leftovers: Vec<String>,
    /// Paths that a run which lost its lease may still write.
    pub suspects: Vec<String>,
    /// Whether publishing is held, and why.
    pub hold: Option<HoldStatus>,
    /// Whether a prune was begun and not finished.
    pub pruning: bool,
}

/// An activation that was begun and not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ActivationStatus {
    /// What is to become active.
    #[cfg_attr(test, schemars(with = "u64"))]
    pub to: ReleaseNumber,
    /// Who began it.
    pub publisher: Publisher,
    /// When.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// Seconds until its lease ends unless it is renewed; 0: it was interrupted, and the next publish finishes it.
    pub lease_remaining_s: u64,
}

/// A distribution in front of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DistributionStatus {
    /// Its id.
    pub distribution: String,
    /// The release up to which all changes are refreshed there; `null`: none, or not known.
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub seen: Option<ReleaseNumber>,
    /// The paths that are still to be refreshed there.
    pub owed: Vec<String>,
}

/// What is still to be refreshed at the CDN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PendingRefresh {
    /// The release whose activation owes it.
    #[cfg_attr(test, schemars(with = "u64"))]
    pub release: ReleaseNumber,
    /// The distribution.
    pub distribution: String,
    /// Since when it is owed.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// The paths.
    pub paths: Vec<String>,
}

/// A refresh that CloudFront has accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SentRefresh {
    /// The release whose activation requested it.
    #[cfg_attr(test, schemars(with = "u64"))]
    pub release: ReleaseNumber,
    /// The distribution.
    pub distribution: String,
    /// Since when it was owed.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// The paths.
    pub paths: Vec<String>,
    /// CloudFront's ids of its invalidations.
    pub ids: Vec<String>,
    /// Whether CloudFront has completed all of them; `null`: it could not be asked, or another environment must ask.
    pub completed: Option<bool>,
}

/// A person's instruction to publish nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HoldStatus {
    /// Who gave it.
    pub publisher: Publisher,
    /// When.
    #[cfg_attr(test, schemars(with = "String"))]
    pub since: Timestamp,
    /// Why.
    pub reason: Option<String>,
}

impl Status {
    /// The status that a head tells of. `completed` says, by their ids, which of the refreshes that are sent CloudFront has
    /// completed, as far as it was asked.
    pub fn of(pointer: &Pointer, completed: &BTreeMap<String, bool>) -> Status {
        let head = &pointer.head;
        let last = head.history.last();
        Status {
            environment: None,
            release: head.active.as_ref().map(|active| active.release),
            since: head.active.as_ref().map(|active| active.since),
            publisher: last.map(|item| item.publisher.clone()),
            files: last.and_then(|item| item.files),
            previous_release: head.active.as_ref().and_then(|active| active.previous),
            activation: head.activation.as_ref().map(|activation| ActivationStatus {
                to: activation.to,
                publisher: activation.publisher.clone(),
                since: activation.since,
                lease_remaining_s: activation.lease().saturating_sub(pointer.age).as_secs(),
            }),
            distributions: head
                .distributions
                .iter()
                .map(|(id, known)| DistributionStatus {
                    distribution: id.clone(),
                    seen: known.seen,
                    owed: head.owed_to(id).filter(|owed| !owed.is_sent()).flat_map(shown).collect(),
                })
                .collect(),
            pending_refreshes: head
                .pending_refreshes
                .iter()
                .filter(|refresh| !refresh.is_sent())
                .map(|refresh| PendingRefresh {
                    release: refresh.release,
                    distribution: refresh.distribution.clone(),
                    since: refresh.since,
                    paths: shown(refresh).collect(),
                })
                .collect(),
            sent_refreshes: head
                .pending_refreshes
                .iter()
                .filter(|refresh| refresh.is_sent())
                .map(|refresh| SentRefresh {
                    release: refresh.release,
                    distribution: refresh.distribution.clone(),
                    since: refresh.since,
                    paths: shown(refresh).collect(),
                    ids: refresh.invalidations.clone(),
                    completed: completed.get(&refresh.id).copied(),
                })
                .collect(),
            leftovers: head.leftovers.keys().map(ToString::to_string).collect(),
            suspects: head.suspects.iter().flat_map(|suspects| &suspects.paths).map(ToString::to_string).collect(),
            hold: head.hold.as_ref().map(|hold| HoldStatus {
                publisher: hold.publisher.clone(),
                since: hold.since,
                reason: hold.reason.clone(),
            }),
            pruning: head.pruning.is_some() || !head.closed.is_empty(),
        }
    }
}

/// The paths of a refresh, and its cache tags as `#tag`.
fn shown(refresh: &Refresh) -> impl Iterator<Item = String> {
    refresh.items().texts()
}

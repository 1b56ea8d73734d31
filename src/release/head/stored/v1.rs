//! Format 1 of a head: the fields of its first day. It never changes, and whatever has others is refused: a program of
//! that day would not write them back.

#![expect(dead_code, reason = "what is read is only whether these fields are there, and no others")]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::content::path::{SitePath, UrlPath};
use crate::release::format::FormatError;
use crate::release::manifest::stored::v1::{Identity, Publisher};
use crate::release::manifest::{ReleaseNumber, RunId};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;
use crate::types::headers::{Headers, Kind};

/// Refuses what is no head of format 1.
pub(super) fn check(bytes: &[u8]) -> Result<(), FormatError> {
    serde_json::from_slice::<Head>(bytes)?;
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: u32,
    identity: Identity,
    revision: u64,
    run: RunId,
    active: Option<Active>,
    highest_activated: ReleaseNumber,
    floor: ReleaseNumber,
    activation: Option<Activation>,
    #[serde(default)]
    pending_refreshes: Vec<Refresh>,
    #[serde(default)]
    leftovers: BTreeMap<SitePath, Leftover>,
    #[serde(default)]
    suspects: Vec<Suspects>,
    prune_epoch: u64,
    pruning: Option<Pruning>,
    #[serde(default)]
    mutable_paths: BTreeSet<SitePath>,
    distribution: Option<Distribution>,
    #[serde(default)]
    withdrawn: BTreeMap<SitePath, Withdrawn>,
    #[serde(default)]
    superseded: BTreeMap<ReleaseNumber, Timestamp>,
    hold: Option<Hold>,
    #[serde(default)]
    history: Vec<HistoryItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Active {
    release: ReleaseNumber,
    content: Digest,
    since: Timestamp,
    previous: Option<ReleaseNumber>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Activation {
    to: ReleaseNumber,
    #[serde(default)]
    candidates: BTreeSet<ReleaseNumber>,
    owner: RunId,
    publisher: Publisher,
    since: Timestamp,
    lease_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refresh {
    id: String,
    distribution: String,
    release: ReleaseNumber,
    since: Timestamp,
    paths: Vec<UrlPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leftover {
    sha256: Digest,
    size_bytes: u64,
    headers: Headers,
    kind: Kind,
    since: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suspects {
    run: RunId,
    until: Timestamp,
    paths: BTreeSet<SitePath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pruning {
    owner: RunId,
    since: Timestamp,
    lease_s: u64,
    closes: BTreeSet<ReleaseNumber>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Distribution {
    id: String,
    readable: bool,
    origin_path: String,
    default_root_object: Option<String>,
    #[serde(default)]
    error_pages: BTreeSet<UrlPath>,
    #[serde(default)]
    rewrites_at_origin: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawn {
    sha256: BTreeSet<Digest>,
    since: Timestamp,
    publisher: Publisher,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    publisher: Publisher,
    since: Timestamp,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryItem {
    release: ReleaseNumber,
    from: Option<ReleaseNumber>,
    at: Timestamp,
    publisher: Publisher,
    reason: Option<String>,
    files: Option<FileCounts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCounts {
    total: usize,
    fingerprinted: usize,
    added: usize,
    replaced: usize,
    reheadered: usize,
    removed: usize,
    unchanged: usize,
}

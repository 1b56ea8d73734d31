//! What the first program reads: a copy of its types and of its first question, which is never brought up to date. It asks for
//! the integer `format` before all else, and refuses every other than 1 as one of a newer program; then it refuses what
//! it does not know.

#![expect(dead_code, reason = "what counts is what it refuses")]

use std::collections::{BTreeMap, BTreeSet};

use publish::content::path::{SitePath, UrlPath};
use publish::release::manifest::{Kept, ReleaseNumber, RunId};
use publish::types::clock::Timestamp;
use publish::types::digest::{Crc64, Digest, Md5};
use publish::types::headers::{Headers, Kind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What it says to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// It reads it, and writes it back whole.
    Understood,
    /// "A newer version of publish wrote it: update this one."
    UpdatePublish,
    /// "Something else wrote to the state, or it was damaged."
    Damaged,
}

pub(crate) fn of_head(json: &[u8]) -> Says {
    read::<Head>(json)
}

pub(crate) fn of_claim(json: &[u8]) -> Says {
    read::<Claim>(json)
}

/// Of what is in the compressed object.
pub(crate) fn of_manifest(json: &[u8]) -> Says {
    read::<Manifest>(json)
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Says {
    match serde_json::from_slice::<Version>(json) {
        Err(_) => Says::Damaged,
        Ok(Version { format: 1 }) if serde_json::from_slice::<T>(json).is_ok() => Says::Understood,
        Ok(Version { format: 1 }) => Says::Damaged,
        Ok(_) => Says::UpdatePublish,
    }
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: u32,
    identity: Identity,
    revision: u64,
    run: RunId,
    #[serde(default)]
    active: Option<Active>,
    highest_activated: ReleaseNumber,
    floor: ReleaseNumber,
    #[serde(default)]
    activation: Option<Activation>,
    #[serde(default)]
    pending_refreshes: Vec<Refresh>,
    #[serde(default)]
    leftovers: BTreeMap<SitePath, Leftover>,
    #[serde(default)]
    suspects: Vec<Suspects>,
    prune_epoch: u64,
    #[serde(default)]
    pruning: Option<Pruning>,
    #[serde(default)]
    mutable_paths: BTreeSet<SitePath>,
    #[serde(default)]
    distribution: Option<DistributionFacts>,
    #[serde(default)]
    withdrawn: BTreeMap<SitePath, Withdrawn>,
    #[serde(default)]
    superseded: BTreeMap<ReleaseNumber, Timestamp>,
    #[serde(default)]
    hold: Option<Hold>,
    #[serde(default)]
    history: Vec<HistoryItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    site: String,
    bucket: String,
    prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publisher {
    #[serde(default)]
    who: Option<String>,
    #[serde(default)]
    place: Option<String>,
    #[serde(default)]
    commit: Option<String>,
    #[serde(default)]
    branch: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Active {
    release: ReleaseNumber,
    content: Digest,
    since: Timestamp,
    #[serde(default)]
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
struct DistributionFacts {
    id: String,
    readable: bool,
    origin_path: String,
    #[serde(default)]
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
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryItem {
    release: ReleaseNumber,
    #[serde(default)]
    from: Option<ReleaseNumber>,
    at: Timestamp,
    publisher: Publisher,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    format: u32,
    identity: Identity,
    release: ReleaseNumber,
    run: RunId,
    epoch: u64,
    since: Timestamp,
    publisher: Publisher,
    live: Vec<SitePath>,
    blobs: Vec<Digest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    identity: Identity,
    release: ReleaseNumber,
    epoch: u64,
    run: RunId,
    created_at: Timestamp,
    publisher: Publisher,
    content: Digest,
    headers: Vec<Headers>,
    files: Vec<StoredEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEntry {
    path: SitePath,
    sha256: Digest,
    size_bytes: u64,
    headers: usize,
    kind: Kind,
    kept: Kept,
    #[serde(default)]
    crc64: Option<Crc64>,
    #[serde(default)]
    md5: Option<Md5>,
}

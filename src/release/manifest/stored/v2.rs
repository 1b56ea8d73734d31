//! Format 2 of manifests and claims: every field that this program knows. Others are passed over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::content::path::SitePath;
use crate::release::manifest::{Claim, Identity, Kept, Manifest, Publisher, ReleaseNumber, RunId};
use crate::types::clock::Timestamp;
use crate::types::digest::{Crc64, Digest, Md5};
use crate::types::headers::{Headers, Kind};

/// Whose an object is.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Identity")]
pub(crate) struct IdentityFields {
    site: String,
    bucket: String,
    prefix: String,
}

/// Who published.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Publisher")]
pub(crate) struct PublisherFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    uncommitted_changes: bool,
    #[serde(skip)]
    committed_at: Option<Timestamp>,
}

/// A manifest: header sets once, files pointing at them.
#[derive(Serialize, Deserialize)]
pub(super) struct Listing {
    #[serde(with = "IdentityFields")]
    pub(super) identity: Identity,
    pub(super) release: ReleaseNumber,
    pub(super) epoch: u64,
    pub(super) run: RunId,
    pub(super) created_at: Timestamp,
    #[serde(with = "PublisherFields")]
    pub(super) publisher: Publisher,
    pub(super) content: Digest,
    pub(super) headers: Vec<Headers>,
    pub(super) files: Vec<File>,
}

/// One file of a manifest.
#[derive(Serialize, Deserialize)]
pub(super) struct File {
    pub(super) path: SitePath,
    pub(super) sha256: Digest,
    pub(super) size_bytes: u64,
    pub(super) headers: usize,
    pub(super) kind: Kind,
    pub(super) kept: Kept,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) crc64: Option<Crc64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) md5: Option<Md5>,
}

impl Listing {
    /// What is written of `manifest`.
    pub(super) fn of(manifest: &Manifest) -> Listing {
        let mut headers = Vec::new();
        let mut numbers = BTreeMap::new();
        let files = manifest
            .files
            .iter()
            .map(|(path, entry)| File {
                path: path.clone(),
                sha256: entry.digest,
                size_bytes: entry.size_bytes,
                headers: *numbers.entry(&entry.headers).or_insert_with(|| {
                    headers.push(entry.headers.clone());
                    headers.len() - 1
                }),
                kind: entry.kind,
                kept: entry.kept,
                crc64: entry.crc64.clone(),
                md5: entry.md5,
            })
            .collect();
        Listing {
            identity: manifest.identity.clone(),
            release: manifest.release,
            epoch: manifest.epoch,
            run: manifest.run.clone(),
            created_at: manifest.created_at,
            publisher: manifest.publisher.clone(),
            content: manifest.content(),
            headers,
            files,
        }
    }
}

/// What a claim says, as it is written.
pub(super) struct Body<'c>(pub(super) &'c Claim);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ClaimFields::serialize(self.0, serializer)
    }
}

/// A claim.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Claim")]
pub(super) struct ClaimFields {
    #[serde(with = "IdentityFields")]
    identity: Identity,
    release: ReleaseNumber,
    run: RunId,
    epoch: u64,
    since: Timestamp,
    #[serde(with = "PublisherFields")]
    publisher: Publisher,
    live: Vec<SitePath>,
    blobs: Vec<Digest>,
}

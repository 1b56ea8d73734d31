//! Format 1 of manifests and claims: the fields of their first day. It never changes, and whatever has others is refused.

#![expect(dead_code, reason = "of some fields, what is read is only whether they are there, and no others")]

use serde::Deserialize;

use super::v2;
use crate::content::path::SitePath;
use crate::release::format::FormatError;
use crate::release::manifest::{Kept, ReleaseNumber, RunId};
use crate::types::clock::Timestamp;
use crate::types::digest::{Crc64, Digest, Md5};
use crate::types::headers::{Headers, Kind};

/// Whose an object is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    site: String,
    bucket: String,
    prefix: String,
}

/// Who published.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publisher {
    who: Option<String>,
    place: Option<String>,
    commit: Option<String>,
    branch: Option<String>,
    message: Option<String>,
}

/// A manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    format: u32,
    identity: Identity,
    release: ReleaseNumber,
    epoch: u64,
    run: RunId,
    created_at: Timestamp,
    publisher: Publisher,
    content: Digest,
    headers: Vec<Headers>,
    files: Vec<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    path: SitePath,
    sha256: Digest,
    size_bytes: u64,
    headers: usize,
    kind: Kind,
    kept: Kept,
    crc64: Option<Crc64>,
    md5: Option<Md5>,
}

impl From<Listing> for v2::Listing {
    fn from(listing: Listing) -> v2::Listing {
        let Listing { identity, release, epoch, run, created_at, publisher, content, headers, files, .. } = listing;
        let (identity, publisher) = (identity.into(), publisher.into());
        let files = files.into_iter().map(v2::File::from).collect();
        v2::Listing { identity, release, epoch, run, created_at, publisher, content, headers, files }
    }
}

impl From<File> for v2::File {
    fn from(file: File) -> v2::File {
        let File { path, sha256, size_bytes, headers, kind, kept, crc64, md5 } = file;
        v2::File { path, sha256, size_bytes, headers, kind, kept, crc64, md5 }
    }
}

impl From<Identity> for crate::release::manifest::Identity {
    fn from(Identity { site, bucket, prefix }: Identity) -> Self {
        Self { site, bucket, prefix }
    }
}

impl From<Publisher> for crate::release::manifest::Publisher {
    fn from(Publisher { who, place, commit, branch, message }: Publisher) -> Self {
        Self { who, place, commit, branch, message, ..Self::default() }
    }
}

/// Refuses what is no claim of format 1.
pub(super) fn check_claim(bytes: &[u8]) -> Result<(), FormatError> {
    serde_json::from_slice::<Claim>(bytes)?;
    Ok(())
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

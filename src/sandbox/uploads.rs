//! Unfinished multipart uploads and their durable form.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checksum::{Algorithm, Checksum, ChecksumScope};
use super::clock::from_unix_seconds;
use super::content::Content;
use super::disk::{DataNames, Disk, KnownData};
use super::object::{Encryption, Headers};

/// A multipart upload that was neither completed nor aborted.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) headers: Headers,
    pub(super) encryption: Encryption,
    pub(super) algorithm: Algorithm,
    pub(super) kind: ChecksumScope,
    /// Also the finished object's `Last-Modified` (AWS.md 3.7, point 10).
    pub(super) initiated: Timestamp,
    pub(super) parts: BTreeMap<i32, StoredPart>,
}

#[derive(Clone, Debug)]
pub(super) struct StoredPart {
    pub(super) content: Content,
    pub(super) etag: String,
    pub(super) md5: String,
    pub(super) checksum: Checksum,
    pub(super) last_modified: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(super) struct UploadRecord {
    id: String,
    key: String,
    headers: Headers,
    encryption: Encryption,
    algorithm: Algorithm,
    kind: ChecksumScope,
    initiated: u64,
    parts: BTreeMap<i32, PartRecord>,
}

#[derive(Serialize, Deserialize)]
struct PartRecord {
    data: DataNames,
    etag: String,
    md5: String,
    checksum: Checksum,
    last_modified: u64,
}

impl UploadRecord {
    pub(super) fn new(upload: &Upload) -> UploadRecord {
        let part = |part: &StoredPart| PartRecord {
            data: Disk::names(&part.content),
            etag: part.etag.clone(),
            md5: part.md5.clone(),
            checksum: part.checksum.clone(),
            last_modified: seconds(part.last_modified),
        };
        UploadRecord {
            id: upload.id.clone(),
            key: upload.key.clone(),
            headers: upload.headers.clone(),
            encryption: upload.encryption.clone(),
            algorithm: upload.algorithm,
            kind: upload.kind,
            initiated: seconds(upload.initiated),
            parts: upload.parts.iter().map(|(number, kept)| (*number, part(kept))).collect(),
        }
    }

    pub(super) fn into_upload(self, disk: &Disk, known: &mut KnownData) -> Upload {
        let mut part = |record: PartRecord| StoredPart {
            content: known.content(disk, record.data),
            etag: record.etag,
            md5: record.md5,
            checksum: record.checksum,
            last_modified: from_unix_seconds(record.last_modified),
        };
        Upload {
            id: self.id,
            key: self.key,
            headers: self.headers,
            encryption: self.encryption,
            algorithm: self.algorithm,
            kind: self.kind,
            initiated: from_unix_seconds(self.initiated),
            parts: self.parts.into_iter().map(|(number, record)| (number, part(record))).collect(),
        }
    }
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or(0)
}

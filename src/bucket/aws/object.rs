//! What S3 stores with an object besides its bytes, and the marker that names its site.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{ServerSideEncryption, StorageClass};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::release::cache_tags::{self, CacheTag};
use crate::release::manifest::Identity;
use crate::types::clock::Timestamp;
use crate::types::digest::{Crc64, Digest};
use crate::types::headers::{Headers, recordable};

/// The user metadata that names an object's site: `x-amz-meta-publish-site`. Added when objects are described
/// (upload.rs), removed here.
pub(super) const MARKER: &str = "publish-site";

/// Characters that the marker must encode: metadata is ASCII.
const MARKER_UNSAFE: &AsciiSet = &CONTROLS.add(b'%');

/// The value of the marker on objects of `site`.
pub(super) fn marker_of(site: &str) -> String {
    utf8_percent_encode(site, MARKER_UNSAFE).to_string()
}

/// The site in a marker's value.
fn site_of(marker: &str) -> String {
    percent_decode_str(marker).decode_utf8_lossy().into_owned()
}

/// What S3 knows of an object besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The ETag for conditions on this object; opaque, with its quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// SHA-256 of all its bytes, if it was stored with it.
    pub digest: Option<Digest>,
    /// CRC-64/NVME of all its bytes, if it was stored with it.
    pub crc64: Option<Crc64>,
    /// The headers it is served with, without our marker and our cache tags. Headers that S3 does not have are empty.
    pub headers: Headers,
    /// Its cache tags, as far as this program sets them.
    pub tags: BTreeSet<CacheTag>,
    /// The site in our marker; `None` for objects that this program did not store.
    pub site: Option<String>,
    /// When it was written, by S3's clock.
    pub last_modified: Timestamp,
    /// Why a copy of it would differ, if so: one clause.
    pub not_copied: Option<&'static str>,
    /// How it is stored.
    pub at_rest: AtRest,
}

/// How S3 stores an object. A copy has the same only if its request says so again (S3 API Reference, CopyObject).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtRest {
    /// `None` is STANDARD.
    pub(super) storage_class: Option<StorageClass>,
    pub(super) encryption: Option<ServerSideEncryption>,
    pub(super) kms_key_id: Option<String>,
    pub(super) bucket_key: Option<bool>,
}

impl AtRest {
    /// The settings that a copy loses if its request does not repeat them, such as `STANDARD_IA, aws:kms`; `None`: none.
    pub fn lost_by_a_plain_copy(&self) -> Option<String> {
        let class = self.storage_class.as_ref().map(StorageClass::as_str).filter(|class| *class != "STANDARD");
        let encryption = self.encryption.as_ref().map(ServerSideEncryption::as_str);
        let encryption =
            encryption.filter(|encryption| *encryption != "AES256").map(|encryption| match &self.kms_key_id {
                Some(key) => format!("{encryption} with {key}"),
                None => encryption.to_owned(),
            });
        let lost: Vec<String> = class.map(str::to_owned).into_iter().chain(encryption).collect();
        (!lost.is_empty()).then(|| lost.join(", "))
    }
}

impl ObjectInfo {
    /// Whether it carries the marker of `site`.
    pub fn is_of(&self, site: &Identity) -> bool {
        self.site.as_ref() == Some(&site.site)
    }
}

/// Parses S3's answer to a HEAD for an object that may have the tags `ours` from this program.
pub(super) fn info(answer: HeadObjectOutput, ours: &[CacheTag]) -> ObjectInfo {
    let not_copied = lost_by_a_copy(&answer);
    let at_rest = AtRest {
        storage_class: answer.storage_class.clone(),
        encryption: answer.server_side_encryption.clone(),
        kms_key_id: answer.ssekms_key_id.clone(),
        bucket_key: answer.bucket_key_enabled,
    };
    let mut metadata: BTreeMap<String, String> = answer.metadata.unwrap_or_default().into_iter().collect();
    let site = metadata.remove(MARKER).map(|marker| site_of(&marker));
    let tags = cache_tags::take(&mut metadata, ours);
    metadata.values_mut().for_each(|value| *value = recordable(std::mem::take(value)));
    let some = |text: Option<String>| text.filter(|text| !text.is_empty()).map(recordable);
    ObjectInfo {
        etag: answer.e_tag.unwrap_or_default(),
        size_bytes: size(answer.content_length),
        digest: answer.checksum_sha256.as_deref().and_then(Digest::from_base64),
        crc64: answer.checksum_crc64_nvme.as_deref().map(Crc64::from_base64),
        headers: Headers {
            cache_control: some(answer.cache_control).unwrap_or_default(),
            content_type: some(answer.content_type).unwrap_or_default(),
            content_encoding: some(answer.content_encoding),
            content_disposition: some(answer.content_disposition),
            content_language: some(answer.content_language),
            metadata,
        },
        tags,
        site,
        last_modified: moment(answer.last_modified.as_ref()),
        not_copied,
        at_rest,
    }
}

pub(super) fn size(bytes: Option<i64>) -> u64 {
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0)
}

pub(super) fn moment(moment: Option<&DateTime>) -> Timestamp {
    Timestamp::from_unix_seconds(moment.map_or(0, DateTime::secs))
}

/// What an object would lose in a copy by this program, in words.
fn lost_by_a_copy(answer: &HeadObjectOutput) -> Option<&'static str> {
    let archived = matches!(answer.storage_class(), Some(StorageClass::Glacier | StorageClass::DeepArchive));
    if answer.expires_string().is_some() {
        Some("it has an Expires header, which publish does not preserve")
    } else if answer.website_redirect_location().is_some() {
        Some("it is a redirect for a website endpoint")
    } else if archived || answer.archive_status().is_some() {
        Some("it is archived: it can be neither read nor copied until it is restored")
    } else {
        None
    }
}

//! What the sandbox stores of an object, and its form in tests.

use std::collections::BTreeMap;
use std::io;

use hyper::body::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checksum::Checksum;
use super::content::Content;

/// The headers an object is served with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Headers {
    pub(super) content_type: String,
    pub(super) cache_control: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_language: Option<String>,
    /// An HTTP date.
    pub(super) expires: Option<String>,
    /// User metadata by name without `x-amz-meta-`.
    pub(super) metadata: BTreeMap<String, String>,
}

/// How an object is encrypted at rest, according to S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Encryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub(super) sse: String,
    pub(super) kms_key_id: Option<String>,
    pub(super) bucket_key: Option<bool>,
}

impl Default for Encryption {
    /// SSE-S3, S3's default.
    fn default() -> Encryption {
        Encryption { sse: "AES256".to_owned(), kms_key_id: None, bucket_key: None }
    }
}

impl Encryption {
    /// Only with SSE-S3 is a single-part object's ETag its MD5 (AWS.md 4.3).
    pub(super) fn etag_is_md5(&self) -> bool {
        self.sse == "AES256"
    }
}

/// One object as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) content: Content,
    pub(super) headers: Headers,
    pub(super) encryption: Encryption,
    /// Such as `GLACIER`; `None` is STANDARD, as in S3's answers.
    pub(super) storage_class: Option<String>,
    /// Without quotation marks.
    pub(super) etag: String,
    /// MD5 of all bytes in hex; unknown for multipart objects.
    pub(super) md5: Option<String>,
    pub(super) checksum: Checksum,
    pub(super) last_modified: Timestamp,
}

/// An object as the server stores it, for tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// The bytes.
    pub bytes: Bytes,
    /// `Content-Type`; S3 stores `binary/octet-stream` when none was sent.
    pub content_type: String,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Encoding`, never `aws-chunked`.
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`, an HTTP date.
    pub expires: Option<String>,
    /// User metadata by name, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The ETag without quotation marks.
    pub etag: String,
    /// The checksum by its lower-case algorithm (`sha256`, `crc64nvme`, …) in base64, composite ones with `-<parts>`.
    pub checksums: BTreeMap<String, String>,
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub sse: String,
    /// The KMS key, if one was named.
    pub kms_key_id: Option<String>,
    /// Such as `STANDARD_IA`; `None` is STANDARD.
    pub storage_class: Option<String>,
    /// In whole seconds of the sandbox's clock.
    pub last_modified: Timestamp,
}

impl Object {
    /// Whether its bytes are readable only after a restore, which the sandbox does not do.
    pub(super) fn is_archived(&self) -> bool {
        matches!(self.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"))
    }

    pub(super) fn to_stored(&self) -> io::Result<StoredObject> {
        let headers = self.headers.clone();
        Ok(StoredObject {
            bytes: self.content.read()?,
            content_type: headers.content_type,
            cache_control: headers.cache_control,
            content_encoding: headers.content_encoding,
            content_disposition: headers.content_disposition,
            content_language: headers.content_language,
            expires: headers.expires,
            metadata: headers.metadata,
            etag: self.etag.clone(),
            checksums: BTreeMap::from([(
                self.checksum.algorithm.name().to_ascii_lowercase(),
                self.checksum.value.clone(),
            )]),
            sse: self.encryption.sse.clone(),
            kms_key_id: self.encryption.kms_key_id.clone(),
            storage_class: self.storage_class.clone(),
            last_modified: self.last_modified,
        })
    }
}

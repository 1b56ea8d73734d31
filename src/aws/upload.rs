//! Objects written: bytes, files in one request or in parts, and copies inside S3.

use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, MetadataDirective, ServerSideEncryption,
};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::task::JoinSet;

use super::ATTEMPT_TIMEOUT;
use super::answer::{Answer, Class, StoreError};
use super::store::{MARKER, Store};
use crate::digest::{Crc64, Digest};
use crate::environment::Encryption;
use crate::headers::Headers;
use crate::layout::Address;
use crate::snapshot::{MULTIPART_BYTES, SourceFile};

/// The size of a part; S3 takes at most 10,000 parts, and no file is over 5 GiB (AWS.md 4.3, 4.4).
const PART_BYTES: u64 = 16 * 1024 * 1024;

/// Parts of one file under way at once.
const PARTS_AT_ONCE: usize = 4;

/// How much of a file is in memory at a time.
const READ_BUFFER_BYTES: usize = 256 * 1024;

/// The slowest connection that is still waited for: what an attempt takes longer for its size.
const SLOWEST_BYTES_PER_SECOND: u64 = 100 * 1024;

/// A copy's size is not known here; the largest that S3 makes in one request has 5 GB (AWS.md 4.4).
const COPY_TIMEOUT: Duration = Duration::from_secs(180);

/// How often a request is sent that meets another one on the same key (409), which the SDK does not retry (AWS.md 5.4).
const MAX_CONFLICTS: u32 = 5;

/// What a copy's source may carry as it is; everything else is percent-encoded.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// What the marker may not carry as it is: metadata is ASCII.
const MARKER_UNSAFE: &AsciiSet = &CONTROLS.add(b'%');

/// What must hold for a write to have an effect; S3 decides it at the moment of the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Nothing.
    None,
    /// There is no object yet.
    Absent,
    /// The object is still the one with this ETag.
    Matches(&'a str),
}

impl Condition<'_> {
    fn if_none_match(self) -> Option<String> {
        matches!(self, Condition::Absent).then(|| "*".to_owned())
    }

    fn if_match(self) -> Option<String> {
        match self {
            Condition::Matches(etag) => Some(etag.to_owned()),
            Condition::None | Condition::Absent => None,
        }
    }
}

/// What an object is stored with, said to each of the three operations that create one: their builders share these
/// methods and no type.
macro_rules! described {
    ($request:expr, $store:expr, $headers:expr) => {
        $request
            .cache_control(&$headers.cache_control)
            .content_type(&$headers.content_type)
            .set_content_encoding($headers.content_encoding.clone())
            .set_content_disposition($headers.content_disposition.clone())
            .set_content_language($headers.content_language.clone())
            .set_metadata(Some($store.metadata($headers).collect()))
            .set_server_side_encryption($store.encryption().0)
            .set_ssekms_key_id($store.encryption().1)
            .set_expected_bucket_owner($store.settings.owner.clone())
    };
}

impl Store {
    /// Stores `bytes`. S3 refuses them if other bytes arrive. Gives the new ETag.
    ///
    /// # Errors
    /// [`Class::Precondition`] if `condition` does not hold - after a lost answer also because of our own write.
    pub async fn put_bytes(
        &self,
        address: &Address,
        bytes: Vec<u8>,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let digest = Digest::of(&bytes);
        let size_bytes = bytes.len() as u64;
        let send = || self.put(address, ByteStream::from(bytes.clone()), size_bytes, &digest, headers, condition);
        again_on_conflict(send).await
    }

    /// Stores a file without reading it twice: S3 compares what arrives with the digest that it had when it was hashed.
    /// Gives the new ETag.
    ///
    /// # Errors
    /// [`Class::Checksum`] if its bytes are others by now, [`Class::LocalFile`] if it cannot be read or is shorter,
    /// [`Class::Precondition`] if `condition` does not hold - after a lost answer also because of our own write.
    pub async fn put_file(
        &self,
        address: &Address,
        file: &SourceFile,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let stored = match &file.crc64 {
            Some(crc64) if file.size_bytes >= MULTIPART_BYTES => {
                again_on_conflict(|| self.put_parts(address, file, crc64, headers, condition)).await
            }
            _ => again_on_conflict(|| self.put_whole(address, file, headers, condition)).await,
        };
        match stored {
            Ok(etag) => Ok(etag),
            Err(error) => Err(self.blame(error.of_file(&file.path), address, file).await),
        }
    }

    /// Copies an object inside S3 and gives the copy exactly `headers`. With `source_etag`, only if the source is still
    /// that one. Gives the copy's ETag.
    ///
    /// # Errors
    /// [`Class::Missing`] if there is no source; [`Class::Precondition`] if the source is another one or `condition`
    /// does not hold for `to`.
    pub async fn copy(
        &self,
        from: &Address,
        source_etag: Option<&str>,
        to: &Address,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let source = format!("{}/{}", from.bucket, utf8_percent_encode(&from.key, COPY_SOURCE));
        let send = async || {
            let _permit = self.permit().await;
            let request = self.client.copy_object().bucket(&to.bucket).key(&to.key);
            let request = described!(request, self, headers)
                .copy_source(&source)
                .set_copy_source_if_match(source_etag.map(str::to_owned))
                .set_expected_source_bucket_owner(self.settings.owner.clone())
                .metadata_directive(MetadataDirective::Replace)
                .set_if_none_match(condition.if_none_match())
                .set_if_match(condition.if_match());
            let answer = request.customize().config_override(patient(COPY_TIMEOUT)).send().await;
            let copied = answer.map_err(|error| self.failed("CopyObject", to, &error))?;
            Ok(etag(copied.copy_object_result().and_then(|result| result.e_tag())))
        };
        again_on_conflict(send).await
    }

    async fn put(
        &self,
        address: &Address,
        body: ByteStream,
        size_bytes: u64,
        digest: &Digest,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let _permit = self.permit().await;
        let request = self.client.put_object().bucket(&address.bucket).key(&address.key).body(body);
        let request = described!(request, self, headers)
            .checksum_sha256(digest.to_base64())
            .set_if_none_match(condition.if_none_match())
            .set_if_match(condition.if_match());
        let answer = request.customize().config_override(patient(time_for(size_bytes))).send().await;
        let stored = answer.map_err(|error| self.failed("PutObject", address, &error))?;
        Ok(etag(stored.e_tag()))
    }

    async fn put_whole(
        &self,
        address: &Address,
        file: &SourceFile,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let body = self.body("PutObject", address, &file.path, 0, file.size_bytes).await?;
        self.put(address, body, file.size_bytes, &file.digest, headers, condition).await
    }

    async fn put_parts(
        &self,
        address: &Address,
        file: &SourceFile,
        crc64: &Crc64,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let request = self.client.create_multipart_upload().bucket(&address.bucket).key(&address.key);
        let request = described!(request, self, headers)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject);
        let permit = self.permit().await;
        let created = request.send().await.map_err(|error| self.failed("CreateMultipartUpload", address, &error))?;
        drop(permit);
        let upload_id = created.upload_id().unwrap_or_default();
        let stored = match self.send_parts(address, file, upload_id).await {
            Ok(parts) => self.complete(address, upload_id, parts, crc64, condition).await,
            Err(error) => Err(error),
        };
        if stored.is_err() {
            self.abort(address, upload_id).await;
        }
        stored
    }

    async fn send_parts(
        &self,
        address: &Address,
        file: &SourceFile,
        upload_id: &str,
    ) -> Result<Vec<CompletedPart>, StoreError> {
        let mut under_way = JoinSet::new();
        let mut parts = Vec::new();
        let offsets = (0..file.size_bytes).step_by(PART_BYTES as usize);
        for (number, offset) in (1..).zip(offsets) {
            if under_way.len() >= PARTS_AT_ONCE {
                parts.extend(self.next_part(&mut under_way, address).await?);
            }
            let (store, address, path, upload_id) =
                (self.clone(), address.clone(), file.path.clone(), upload_id.to_owned());
            let size_bytes = PART_BYTES.min(file.size_bytes - offset);
            under_way.spawn(async move {
                let _permit = store.permit().await;
                let body = store.body("UploadPart", &address, &path, offset, size_bytes).await?;
                let request = store.client.upload_part().bucket(&address.bucket).key(&address.key);
                let request = request
                    .upload_id(upload_id)
                    .part_number(number)
                    .body(body)
                    .set_expected_bucket_owner(store.settings.owner.clone());
                let answer = request.customize().config_override(patient(time_for(size_bytes))).send().await;
                let sent = answer.map_err(|error| store.failed("UploadPart", &address, &error))?;
                Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
            });
        }
        while let Some(part) = self.next_part(&mut under_way, address).await? {
            parts.push(part);
        }
        parts.sort_by_key(CompletedPart::part_number);
        Ok(parts)
    }

    async fn next_part(
        &self,
        under_way: &mut JoinSet<Result<CompletedPart, StoreError>>,
        address: &Address,
    ) -> Result<Option<CompletedPart>, StoreError> {
        match under_way.join_next().await {
            None => Ok(None),
            Some(Ok(part)) => part.map(Some),
            Some(Err(error)) => {
                let answer = Answer::of_error(Class::Other, &error);
                Err(StoreError::new("UploadPart", address, &self.settings.service, answer))
            }
        }
    }

    async fn complete(
        &self,
        address: &Address,
        upload_id: &str,
        parts: Vec<CompletedPart>,
        crc64: &Crc64,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let permit = self.permit().await;
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(&address.bucket)
            .key(&address.key)
            .upload_id(upload_id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .checksum_crc64_nvme(crc64.as_base64())
            .checksum_type(ChecksumType::FullObject)
            .set_if_none_match(condition.if_none_match())
            .set_if_match(condition.if_match())
            .set_expected_bucket_owner(self.settings.owner.clone());
        let answer = request.customize().config_override(patient(COPY_TIMEOUT)).send().await;
        drop(permit);
        let error = match answer {
            Ok(completed) => return Ok(etag(completed.e_tag())),
            Err(error) => self.failed("CompleteMultipartUpload", address, &error),
        };
        if error.code.as_deref() != Some("NoSuchUpload") {
            return Err(error);
        }
        // An upload that is gone was completed by an attempt whose answer was lost: the object itself says so.
        match self.head(address).await? {
            Some(info) if info.crc64.as_ref() == Some(crc64) => Ok(info.etag),
            _ => Err(error),
        }
    }

    /// Gives the parts back. If that fails too, the bucket's lifecycle rule for unfinished uploads removes them.
    async fn abort(&self, address: &Address, upload_id: &str) {
        let _permit = self.permit().await;
        let request = self.client.abort_multipart_upload().bucket(&address.bucket).key(&address.key);
        let request = request.upload_id(upload_id).set_expected_bucket_owner(self.settings.owner.clone());
        if let Err(error) = request.send().await {
            let error = self.failed("AbortMultipartUpload", address, &error);
            tracing::debug!("Parts of {address} stay behind: {error}.");
        }
    }

    /// A part of a file as a body that can be read again by a retry.
    async fn body(
        &self,
        operation: &'static str,
        address: &Address,
        path: &Path,
        offset: u64,
        size_bytes: u64,
    ) -> Result<ByteStream, StoreError> {
        let body = ByteStream::read_from()
            .path(path)
            .buffer_size(READ_BUFFER_BYTES)
            .offset(offset)
            .length(Length::Exact(size_bytes));
        body.build().await.map_err(|error| {
            let answer = Answer::of_error(Class::LocalFile, &error);
            StoreError::new(operation, address, &self.settings.service, answer)
        })
    }

    /// A file that fails or shrinks while it is read breaks the connection, as a network would: only the file can tell.
    async fn blame(&self, error: StoreError, address: &Address, file: &SourceFile) -> StoreError {
        if error.class != Class::Unavailable || error.status.is_some() {
            return error;
        }
        match self.body(error.operation, address, &file.path, 0, file.size_bytes).await {
            Ok(_) => error,
            Err(blamed) => blamed.of_file(&file.path),
        }
    }

    /// User metadata with our marker.
    fn metadata(&self, headers: &Headers) -> impl Iterator<Item = (String, String)> {
        let site = utf8_percent_encode(&self.settings.site, MARKER_UNSAFE).to_string();
        let own = headers.metadata.clone().into_iter().filter(|(name, _)| name != MARKER);
        own.chain([(MARKER.to_owned(), site)])
    }

    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.settings.encryption {
            Encryption::BucketDefault => (None, None),
            Encryption::S3 => (Some(ServerSideEncryption::Aes256), None),
            Encryption::Kms { key_id } => (Some(ServerSideEncryption::AwsKms), key_id.clone()),
        }
    }
}

/// Sends again while another request on the same key is under way.
async fn again_on_conflict<F>(send: impl Fn() -> F) -> Result<String, StoreError>
where
    F: Future<Output = Result<String, StoreError>>,
{
    let mut conflicts = 0;
    loop {
        match send().await {
            Err(error) if error.class == Class::Conflict && conflicts + 1 < MAX_CONFLICTS => {
                tokio::time::sleep(Duration::from_millis(100 << conflicts)).await;
                conflicts += 1;
            }
            result => return result,
        }
    }
}

fn etag(etag: Option<&str>) -> String {
    etag.unwrap_or_default().to_owned()
}

fn time_for(size_bytes: u64) -> Duration {
    ATTEMPT_TIMEOUT + Duration::from_secs(size_bytes / SLOWEST_BYTES_PER_SECOND)
}

fn patient(attempt_timeout: Duration) -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(attempt_timeout).build();
    aws_sdk_s3::config::Builder::new().timeout_config(timeouts)
}

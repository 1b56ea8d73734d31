//! Writes objects: bytes, files in one request or in parts, and copies inside S3.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{AnnotationDirective, MetadataDirective, ServerSideEncryption, TaggingDirective};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;

use super::answer::{FailedRequest, StoreError};
use super::body::{body, is_as_hashed};
use super::object::{MARKER, marker_of};
use super::patience::{AnswerWithin, COMPLETION};
use super::refusals::Class;
use super::store::Store;
use crate::bucket::tries::Tries;
use crate::config::environment::Encryption;
use crate::release::layout::Address;
use crate::site::snapshot::{MULTIPART_BYTES, SeenFile, SourceFile};
use crate::types::digest::Digest;
use crate::types::headers::Headers;

/// How often to retry a request that conflicts with another one on the same key (409), which the SDK does not retry (AWS.md 5.4).
const MAX_CONFLICTS: u32 = 5;

/// How often to retry if S3 reports other bytes than those sent, although the file has not changed here.
const MAX_DAMAGED: u32 = 4;

/// Characters that a copy's source may contain as they are; everything else is percent-encoded.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The condition of a write; S3 checks it at the moment of the write.
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
    pub(super) fn if_none_match(self) -> Option<String> {
        matches!(self, Condition::Absent).then(|| "*".to_owned())
    }

    pub(super) fn if_match(self) -> Option<String> {
        match self {
            Condition::Matches(etag) => Some(etag.to_owned()),
            Condition::None | Condition::Absent => None,
        }
    }
}

/// What an object is stored with, set on each of the three operations that create one: their builders share these
/// methods and no type.
macro_rules! described {
    ($request:expr, $store:expr, $headers:expr) => {
        $request
            .set_cache_control(sent(&$headers.cache_control))
            .set_content_type(sent(&$headers.content_type))
            .set_content_encoding($headers.content_encoding.clone())
            .set_content_disposition($headers.content_disposition.clone())
            .set_content_language($headers.content_language.clone())
            .set_metadata(Some($store.metadata($headers).collect()))
            .set_server_side_encryption($store.encryption().0)
            .set_ssekms_key_id($store.encryption().1)
            .set_expected_bucket_owner($store.settings.service.owner.clone())
    };
}

pub(super) use described;

/// A header of the object. An object from before this program may lack any, and lacks it again
/// when it is restored.
pub(super) fn sent(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

impl Store {
    /// Stores `bytes` of the state, at once, whatever else is under way. S3 refuses them if other bytes arrive. Returns the
    /// new ETag.
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
        let send = async || {
            let (began, store) = (Instant::now(), self.clone());
            let (body, within) = (ByteStream::from(bytes.clone()), move || Some(store.state_answer()));
            let stored = self.put(address, body, within, &digest, headers, condition).await;
            self.uplink.state_answered(began.elapsed());
            stored
        };
        let mut tries = Tries::new(MAX_DAMAGED);
        loop {
            match again_on_conflict(&send).await {
                Err(error) if error.class == Class::Checksum && tries.again().await => {}
                stored => return stored,
            }
        }
    }

    /// Stores a file without hashing it again, in parts from [`MULTIPART_BYTES`] on. S3 compares what arrives with the
    /// digest from when the file was hashed. Returns the new ETag.
    ///
    /// # Errors
    /// [`Class::Checksum`] if its bytes have changed, or keep arriving as others; [`Class::LocalFile`] if it cannot be
    /// read or is shorter,
    /// [`Class::Precondition`] if `condition` does not hold - after a lost answer also because of our own write.
    pub async fn put_file(
        &self,
        address: &Address,
        file: &SourceFile,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let mut tries = Tries::new(MAX_DAMAGED);
        loop {
            let stored = match &file.crc64 {
                Some(crc64) if file.size_bytes >= MULTIPART_BYTES => {
                    again_on_conflict(|| self.put_parts(address, file, crc64, headers, condition)).await
                }
                _ => again_on_conflict(|| self.put_whole(address, file, headers, condition)).await,
            };
            let error = match stored {
                Ok(etag) => return Ok(etag),
                Err(error) => error,
            };
            if error.class != Class::Checksum {
                return Err(self.blame(error.of_file(&file.place.path()), address, file).await);
            }
            // Other bytes arrived than were sent, or the file has changed: only the file can tell.
            if !is_as_hashed(file).await {
                return Err(error.of_file(&file.place.path()));
            }
            if !tries.again().await {
                return Err(error);
            }
        }
    }

    /// Copies an object inside S3 and gives the copy exactly `headers`. With `source_etag`, only if the source still
    /// has that ETag. Returns the copy's ETag.
    ///
    /// # Errors
    /// [`Class::Missing`] if there is no source; [`Class::Precondition`] if the source was replaced or `condition`
    /// does not hold for `to`.
    pub async fn copy(
        &self,
        from: &Address,
        source_etag: Option<&str>,
        to: &Address,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        self.copy_from(self, from, source_etag, to, headers, condition).await
    }

    /// Whether S3 can copy objects of `other`, as far as addresses show: at another endpoint, the same
    /// name is another object. Whether the credentials allow both sides, only an attempt shows.
    pub fn is_beside(&self, other: &Store) -> bool {
        self.settings.service.endpoint == other.settings.service.endpoint
    }

    /// As [`Store::copy`], for an object in `other`: its bucket may belong to another account.
    pub async fn copy_from(
        &self,
        other: &Store,
        from: &Address,
        source_etag: Option<&str>,
        to: &Address,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let source = copy_source(from);
        let send = async || {
            let _permit = self.permit().await;
            let request = self.client.copy_object().bucket(&to.bucket).key(&to.key);
            let request = described!(request, self, headers)
                .copy_source(&source)
                .set_copy_source_if_match(source_etag.map(str::to_owned))
                .set_expected_source_bucket_owner(other.settings.service.owner.clone())
                .metadata_directive(MetadataDirective::Replace)
                // Tags and annotations of others on the source are not copied: that needs further permissions, and a
                // switch would stop at the first object that a scanner has tagged.
                .tagging_directive(TaggingDirective::Replace)
                .annotation_directive(AnnotationDirective::Exclude)
                .set_if_none_match(condition.if_none_match())
                .set_if_match(condition.if_match());
            let request = request.customize().mutate_request(|request| AnswerWithin::ask_of(request, Some(COMPLETION)));
            let answer = request.send().await;
            let copied = answer.map_err(|error| self.copy_failed(from, to, &error))?;
            Ok(etag(copied.copy_object_result().and_then(|result| result.e_tag())))
        };
        again_on_conflict(send).await
    }

    /// A missing object is the source; any other failure is about the destination.
    pub(super) fn copy_failed<E>(&self, from: &Address, to: &Address, error: &SdkError<E>) -> StoreError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let failed = self.failed("CopyObject", to, error);
        if failed.class == Class::Missing { self.failed("CopyObject", from, error) } else { failed }
    }

    pub(super) async fn put(
        &self,
        address: &Address,
        body: ByteStream,
        within: impl Fn() -> Option<AnswerWithin> + Send + Sync + 'static,
        digest: &Digest,
        headers: &Headers,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let request = self.client.put_object().bucket(&address.bucket).key(&address.key).body(body);
        let request = described!(request, self, headers)
            .checksum_sha256(digest.to_base64())
            .set_if_none_match(condition.if_none_match())
            .set_if_match(condition.if_match());
        let request = request.customize().mutate_request(move |request| AnswerWithin::ask_of(request, within()));
        let answer = request.send().await;
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
        let body = self.body("PutObject", address, &file.place, 0, file.size_bytes).await?;
        let (share, _permit) = self.upload_permit(file.size_bytes).await;
        let stored = self.put(address, body, || None, &file.digest, headers, condition).await?;
        share.arrived();
        Ok(stored)
    }

    /// A part of a file as a body that can be read again by a retry.
    pub(super) async fn body(
        &self,
        operation: &'static str,
        address: &Address,
        place: &SeenFile,
        offset: u64,
        size_bytes: u64,
    ) -> Result<ByteStream, StoreError> {
        body(place, offset, size_bytes).await.map_err(|error| {
            let answer = FailedRequest::of_error(Class::LocalFile, &error);
            StoreError::new(operation, address, &self.settings.service, answer)
        })
    }

    /// A file that fails or shrinks while it is read breaks the connection, as a network fault would: only the file can tell.
    async fn blame(&self, error: StoreError, address: &Address, file: &SourceFile) -> StoreError {
        if error.class != Class::Unavailable || error.status.is_some() {
            return error;
        }
        match self.body(error.operation, address, &file.place, 0, file.size_bytes).await {
            Ok(_) => error,
            Err(blamed) => blamed.of_file(&file.place.path()),
        }
    }

    /// User metadata with our marker.
    pub(super) fn metadata(&self, headers: &Headers) -> impl Iterator<Item = (String, String)> {
        let own = headers.metadata.clone().into_iter().filter(|(name, _)| name != MARKER);
        own.chain([(MARKER.to_owned(), marker_of(&self.settings.site.site))])
    }

    pub(super) fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.settings.encryption {
            Encryption::BucketDefault => (None, None),
            Encryption::S3 => (Some(ServerSideEncryption::Aes256), None),
            Encryption::Kms { key_id } => (Some(ServerSideEncryption::AwsKms), key_id.clone()),
        }
    }
}

/// An object as the value of the header `x-amz-copy-source`.
pub(super) fn copy_source(from: &Address) -> String {
    format!("{}/{}", from.bucket, utf8_percent_encode(&from.key, COPY_SOURCE))
}

/// Retries while another request on the same key is under way.
pub(super) async fn again_on_conflict<T, F>(send: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut tries = Tries::new(MAX_CONFLICTS);
    loop {
        match send().await {
            Err(error) if error.class == Class::Conflict && tries.again().await => {}
            result => return result,
        }
    }
}

pub(super) fn etag(etag: Option<&str>) -> String {
    etag.unwrap_or_default().to_owned()
}

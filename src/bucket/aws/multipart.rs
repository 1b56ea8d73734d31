//! Large files, uploaded in parts that S3 assembles.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use crc_fast::CrcAlgorithm;
use tokio::task::JoinSet;

use super::answer::{FailedRequest, StoreError};
use super::patience::{AnswerWithin, COMPLETION};
use super::refusals::Class;
use super::store::Store;
use super::upload::{Condition, described, etag, sent};
use crate::release::layout::Address;
use crate::site::snapshot::{SeenFile, SourceFile};
use crate::types::digest::Crc64;
use crate::types::headers::Headers;

/// The size of a part; S3 accepts at most 10,000 parts, and no file is over 5 GiB (AWS.md 4.3, 4.4).
const PART_BYTES: u64 = 16 * 1024 * 1024;

/// Parts of one file under way at once.
const PARTS_AT_ONCE: usize = 4;

impl Store {
    /// Stores a file in parts: all or nothing, as in one request. S3 checks the CRC-64 of the whole file.
    pub(super) async fn put_parts(
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
            let (store, address, place, upload_id) =
                (self.clone(), address.clone(), file.place.clone(), upload_id.to_owned());
            let size_bytes = PART_BYTES.min(file.size_bytes - offset);
            under_way.spawn(async move {
                // No more files are open than requests are allowed at once.
                let (share, _permit) = store.upload_permit(size_bytes).await;
                let crc64 = store.crc64_of_part(&address, &place, offset, size_bytes).await?;
                let body = store.body("UploadPart", &address, &place, offset, size_bytes).await?;
                let request = store.client.upload_part().bucket(&address.bucket).key(&address.key);
                let request = request
                    .upload_id(upload_id)
                    .part_number(number)
                    .body(body)
                    // In a bucket with default object lock, S3 requires one for each part.
                    .checksum_crc64_nvme(crc64.as_base64())
                    .set_expected_bucket_owner(store.settings.service.owner.clone());
                let sent = request.send().await.map_err(|error| store.failed("UploadPart", &address, &error))?;
                share.arrived();
                Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
            });
        }
        while let Some(part) = self.next_part(&mut under_way, address).await? {
            parts.push(part);
        }
        parts.sort_by_key(CompletedPart::part_number);
        Ok(parts)
    }

    /// The checksum of a part: the pass over the site computes only that of the whole file.
    async fn crc64_of_part(
        &self,
        address: &Address,
        place: &SeenFile,
        offset: u64,
        size_bytes: u64,
    ) -> Result<Crc64, StoreError> {
        let mut body = self.body("UploadPart", address, place, offset, size_bytes).await?;
        let mut crc64 = crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme);
        while let Some(piece) = body.next().await {
            let unread = |error| FailedRequest::of_error(Class::LocalFile, &error);
            let service = &self.settings.service;
            crc64.update(&piece.map_err(|error| StoreError::new("UploadPart", address, service, unread(error)))?);
        }
        Ok(Crc64::new(crc64.finalize()))
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
                let answer = FailedRequest::of_error(Class::Other, &error);
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
            .set_expected_bucket_owner(self.settings.service.owner.clone());
        let request = request.customize().mutate_request(|request| AnswerWithin::ask_of(request, Some(COMPLETION)));
        let answer = request.send().await;
        drop(permit);
        let error = match answer {
            Ok(completed) => return Ok(etag(completed.e_tag())),
            Err(error) => self.failed("CompleteMultipartUpload", address, &error),
        };
        if error.code.as_deref() != Some("NoSuchUpload") {
            return Err(error);
        }
        // A missing upload was completed by an attempt whose answer was lost: the object itself shows it.
        match self.head(address).await? {
            Some(info) if info.crc64.as_ref() == Some(crc64) => Ok(info.etag),
            _ => Err(error),
        }
    }

    /// Aborts the upload. If that fails too, the bucket's lifecycle rule for unfinished uploads removes the parts.
    async fn abort(&self, address: &Address, upload_id: &str) {
        let _permit = self.permit().await;
        let request = self.client.abort_multipart_upload().bucket(&address.bucket).key(&address.key);
        let request = request.upload_id(upload_id).set_expected_bucket_owner(self.settings.service.owner.clone());
        if let Err(error) = request.send().await {
            let error = self.failed("AbortMultipartUpload", address, &error);
            tracing::debug!("Parts of an unfinished upload of {address} could not be removed: {error}.");
        }
    }
}

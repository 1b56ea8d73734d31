//! Marks existing objects as this site's, in place.

use aws_sdk_s3::types::{AnnotationDirective, ChecksumAlgorithm, MetadataDirective, TaggingDirective};

use super::answer::StoreError;
use super::object::ObjectInfo;
use super::patience::{AnswerWithin, COMPLETION};
use super::store::Store;
use super::upload::{again_on_conflict, copy_source, described, sent};
use crate::release::layout::Address;
use crate::types::digest::Digest;

impl Store {
    /// Copies the object at `address`, described by `info`, onto itself: with the headers, the storage class and the
    /// encryption it has and our marker, if it is still that object. Meanwhile S3 computes the SHA-256 of its bytes and
    /// returns it, so that no download is needed (S3 API Reference, CopyObject, `x-amz-checksum-algorithm`). `None`: the store
    /// does not return it.
    ///
    /// # Errors
    /// [`Class::Missing`](super::Class::Missing) and [`Class::Precondition`](super::Class::Precondition) if the object is gone
    /// or was replaced - after a lost answer also because of our own copy.
    pub async fn adopt(&self, address: &Address, info: &ObjectInfo) -> Result<Option<Digest>, StoreError> {
        let source = copy_source(address);
        let send = async || {
            let _permit = self.permit().await;
            let request = self.client.copy_object().bucket(&address.bucket).key(&address.key);
            let request = described!(request, self, &info.headers)
                .set_storage_class(info.at_rest.storage_class.clone())
                .set_server_side_encryption(info.at_rest.encryption.clone())
                .set_ssekms_key_id(info.at_rest.kms_key_id.clone())
                .set_bucket_key_enabled(info.at_rest.bucket_key)
                .copy_source(&source)
                .copy_source_if_match(&info.etag)
                .set_expected_source_bucket_owner(self.settings.service.owner.clone())
                .metadata_directive(MetadataDirective::Replace)
                // The object keeps its owner's tags and annotations.
                .tagging_directive(TaggingDirective::Copy)
                .annotation_directive(AnnotationDirective::Copy)
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .if_match(&info.etag);
            let request = request.customize().mutate_request(|request| AnswerWithin::ask_of(request, Some(COMPLETION)));
            let answer = request.send().await;
            let copied = answer.map_err(|error| self.copy_failed(address, address, &error))?;
            let checksum = copied.copy_object_result().and_then(|result| result.checksum_sha256());
            Ok(checksum.and_then(Digest::from_base64))
        };
        again_on_conflict(send).await
    }
}

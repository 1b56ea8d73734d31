//! Server-side copies of objects and of parts.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::headers;
use super::intake::MAX_SINGLE_PUT;
use super::multipart;
use super::objects::{archived, modified, show_checksum, sse};
use crate::sandbox::checksum::{Algorithm, Checksum, ChecksumScope};
use crate::sandbox::conditions::{Conditions, ReadConditions, Verdict, precondition_failed};
use crate::sandbox::object::Object;
use crate::sandbox::plus;
use crate::sandbox::store::{Store, storage_failed};

/// `CopyObject`. `s3s` does not parse the conditions on the destination, so they are read from the headers.
pub(super) fn copy(store: &Store, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
    let input = request.input;
    let copied = as_s3_reads(&request.headers, input.copy_source)?;
    let source_conditions = ReadConditions {
        if_match: input.copy_source_if_match.clone(),
        if_none_match: input.copy_source_if_none_match.clone(),
        if_modified_since: input.copy_source_if_modified_since.clone(),
        if_unmodified_since: input.copy_source_if_unmodified_since.clone(),
    };
    let replace = match input.metadata_directive.as_ref().map(MetadataDirective::as_str) {
        None | Some("COPY") => false,
        Some("REPLACE") => true,
        Some(_) => return Err(s3_error!(InvalidArgument, "Unknown metadata directive.")),
    };
    let asked = headers::read(&request.headers, input.metadata.clone())?;
    let encryption = headers::encryption(&request.headers)?;
    let storage_class = headers::storage_class(&request.headers)?;
    let conditions = destination_conditions(&request.headers)?;
    let (bucket, key) = location(&copied)?;
    let source = source(store, bucket, key, &source_conditions)?;
    if source.content.len > MAX_SINGLE_PUT {
        return Err(s3_error!(
            InvalidRequest,
            "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_SINGLE_PUT}"
        ));
    }
    let unchanged = !replace
        && encryption == source.encryption
        && storage_class == source.storage_class
        && input.checksum_algorithm.is_none();
    if unchanged && bucket == input.bucket && key == input.key {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let (checksum, md5) = digests(&source, input.checksum_algorithm.as_ref())?;
    let object = Object {
        content: source.content.clone(),
        headers: if replace { asked } else { source.headers.clone() },
        etag: store.single_part_etag(&md5, &encryption),
        encryption,
        storage_class,
        md5: Some(md5),
        checksum,
        last_modified: store.clock.now(),
    };
    let object = store.put(&input.bucket, &input.key, &conditions, object)?;
    let mut result = CopyObjectResult {
        e_tag: Some(ETag::Strong(object.etag.clone())),
        last_modified: Some(modified(&object)),
        checksum_type: object.checksum.to_dto().checksum_type,
        ..CopyObjectResult::default()
    };
    show_checksum!(result, object.checksum);
    Ok(S3Response::new(CopyObjectOutput {
        copy_object_result: Some(result),
        server_side_encryption: Some(sse(&object)),
        ssekms_key_id: object.encryption.kms_key_id.clone(),
        bucket_key_enabled: object.encryption.bucket_key,
        ..CopyObjectOutput::default()
    }))
}

/// `UploadPartCopy`.
pub(super) fn copy_part(
    store: &Store,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = request.input;
    let copied = as_s3_reads(&request.headers, input.copy_source)?;
    let algorithm = multipart::algorithm(store, &input.bucket, &input.key, &input.upload_id)?;
    let (bucket, key) = location(&copied)?;
    let source = source(
        store,
        bucket,
        key,
        &ReadConditions {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        },
    )?;
    let len = source.content.len;
    let range = match input.copy_source_range.as_deref() {
        None => 0..len,
        Some(range) => part_range(range, len)?,
    };
    if range.end - range.start > MAX_SINGLE_PUT {
        return Err(s3_error!(
            InvalidRequest,
            "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_SINGLE_PUT}"
        ));
    }
    let mut reader = source.content.open(range).map_err(storage_failed)?;
    let mut spool = store.spool(algorithm).map_err(storage_failed)?;
    while let Some(chunk) = reader.next_chunk().map_err(storage_failed)? {
        spool.write(chunk).map_err(storage_failed)?;
    }
    let place = multipart::PartAddress {
        bucket: &input.bucket,
        key: &input.key,
        upload_id: &input.upload_id,
        number: input.part_number,
    };
    let part = multipart::keep_part(store, &place, spool.finish())?;
    let mut result = CopyPartResult {
        e_tag: Some(ETag::Strong(part.etag.clone())),
        last_modified: Some(Timestamp::from(std::time::SystemTime::from(part.last_modified))),
        ..CopyPartResult::default()
    };
    show_checksum!(result, part.checksum);
    Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() }))
}

/// A copy is a single-part object: it keeps its source's checksum, unless that is not of all bytes, or another is requested.
fn digests(source: &Object, asked: Option<&ChecksumAlgorithm>) -> S3Result<(Checksum, String)> {
    let algorithm = match asked {
        None => source.checksum.algorithm,
        Some(name) => Algorithm::from_name(name.as_str())
            .ok_or_else(|| s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported."))?,
    };
    let keep = source.checksum.algorithm == algorithm && source.checksum.kind == ChecksumScope::FullObject;
    match (&source.md5, keep) {
        (Some(md5), true) => Ok((source.checksum.clone(), md5.clone())),
        _ => source.content.hash(algorithm).map_err(storage_failed),
    }
}

fn destination_conditions(headers: &hyper::HeaderMap) -> S3Result<Conditions> {
    let condition = |name: &str| {
        headers
            .get(name)
            .map(|value| ETagCondition::parse_http_header(value.as_bytes()))
            .transpose()
            .map_err(|error| s3_error!(error, InvalidArgument, "invalid header: {name}"))
    };
    Conditions::new(condition("if-match")?, condition("if-none-match")?)
}

/// The intended source: `parsed` treats a bare `+` as a plus, and S3 does not.
fn as_s3_reads(headers: &hyper::HeaderMap, parsed: CopySource) -> S3Result<CopySource> {
    match plus::respelled_source(headers).as_ref().and_then(|source| source.to_str().ok()) {
        None => Ok(parsed),
        Some(source) => {
            CopySource::parse(source).map_err(|_| s3_error!(InvalidArgument, "The copy source cannot be understood."))
        }
    }
}

fn location(source: &CopySource) -> S3Result<(&str, &str)> {
    match source {
        CopySource::Bucket { version_id: Some(id), .. } if id.as_ref() != "null" => {
            Err(s3_error!(InvalidArgument, "Invalid version id specified"))
        }
        CopySource::Bucket { bucket, key, .. } => Ok((bucket, key)),
        _ => Err(s3_error!(NotImplemented, "Access points are not implemented")),
    }
}

fn source(store: &Store, bucket: &str, key: &str, conditions: &ReadConditions) -> S3Result<Arc<Object>> {
    let object = store.object(bucket, key)?;
    match conditions.judge(&object) {
        Verdict::Serve if object.is_archived() => Err(archived()),
        Verdict::Serve => Ok(object),
        // A copy has no 304: every failed condition is a 412.
        Verdict::NotModified | Verdict::Failed => Err(precondition_failed()),
    }
}

/// `bytes=first-last`, both given and both within the source.
fn part_range(text: &str, len: u64) -> S3Result<std::ops::Range<u64>> {
    let range = match s3s::dto::Range::parse(text) {
        Ok(s3s::dto::Range::Int { first, last: Some(last) }) if last < len => Some(first..last + 1),
        _ => None,
    };
    range.ok_or_else(|| {
        s3_error!(InvalidArgument, "The x-amz-copy-source-range value is not valid for a source of {len} bytes")
    })
}

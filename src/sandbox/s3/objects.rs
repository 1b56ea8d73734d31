//! Single objects: put, get, head, delete.

use std::ops::Range;

use hyper::HeaderMap;
use hyper::header::{ETAG, HeaderValue, LAST_MODIFIED};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::headers;
use super::intake::{Claims, receive};
use crate::sandbox::checksum::Algorithm;
use crate::sandbox::clock::http_date;
use crate::sandbox::conditions::{Conditions, ReadConditions, Verdict, precondition_failed};
use crate::sandbox::object::Object;
use crate::sandbox::store::{Store, storage_failed};

/// The most keys one `DeleteObjects` may name (AWS.md 4.4).
const MAX_DELETES: usize = 1_000;

/// Moves the five checksum fields of a request into one value.
macro_rules! sent_checksums {
    ($input:expr) => {
        s3s::dto::Checksum {
            checksum_crc32: $input.checksum_crc32.take(),
            checksum_crc32c: $input.checksum_crc32c.take(),
            checksum_crc64nvme: $input.checksum_crc64nvme.take(),
            checksum_sha1: $input.checksum_sha1.take(),
            checksum_sha256: $input.checksum_sha256.take(),
            ..s3s::dto::Checksum::default()
        }
    };
}

/// Sets the five checksum fields of an answer.
macro_rules! show_checksum {
    ($output:expr, $checksum:expr) => {{
        let checksum = $checksum.to_dto();
        $output.checksum_crc32 = checksum.checksum_crc32;
        $output.checksum_crc32c = checksum.checksum_crc32c;
        $output.checksum_crc64nvme = checksum.checksum_crc64nvme;
        $output.checksum_sha1 = checksum.checksum_sha1;
        $output.checksum_sha256 = checksum.checksum_sha256;
    }};
}
pub(super) use {sent_checksums, show_checksum};

pub(super) async fn put(store: &Store, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
    let mut input = request.input;
    let headers = headers::read(&request.headers, input.metadata.take())?;
    let encryption = headers::encryption(&request.headers)?;
    let storage_class = headers::storage_class(&request.headers)?;
    let conditions = Conditions::new(input.if_match.take(), input.if_none_match.take())?;
    let claims = Claims {
        headers: &request.headers,
        trailers: request.trailing_headers,
        checksums: sent_checksums!(input),
        content_md5: input.content_md5.take(),
        default_algorithm: Algorithm::Crc64Nvme,
    };
    let received = receive(store, input.body.take(), claims).await?;
    let object = Object {
        etag: store.single_part_etag(&received.md5, &encryption),
        content: received.content,
        headers,
        encryption,
        storage_class,
        md5: Some(received.md5),
        checksum: received.checksum,
        last_modified: store.clock.now(),
    };
    let object = store.put(&input.bucket, &input.key, &conditions, object)?;
    let mut output = PutObjectOutput {
        e_tag: Some(ETag::Strong(object.etag.clone())),
        checksum_type: object.checksum.to_dto().checksum_type,
        server_side_encryption: Some(sse(&object)),
        ssekms_key_id: object.encryption.kms_key_id.clone(),
        bucket_key_enabled: object.encryption.bucket_key,
        ..PutObjectOutput::default()
    };
    show_checksum!(output, object.checksum);
    Ok(S3Response::new(output))
}

pub(super) fn get(store: &Store, input: GetObjectInput) -> S3Result<S3Response<GetObjectOutput>> {
    refuse_versions(input.version_id.as_deref(), input.part_number)?;
    let object = store.object(&input.bucket, &input.key)?;
    judge(
        &object,
        &ReadConditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        },
    )?;
    if object.is_archived() {
        return Err(archived());
    }
    let (range, content_range) = slice(&object, input.range.as_ref())?;
    let body = object.content.open(range.clone()).map_err(storage_failed)?.into_body();
    let mut output = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        body: Some(StreamingBlob::from(body)),
        bucket_key_enabled: object.encryption.bucket_key,
        cache_control: input.response_cache_control.or_else(|| object.headers.cache_control.clone()),
        content_disposition: input.response_content_disposition.or_else(|| object.headers.content_disposition.clone()),
        content_encoding: input.response_content_encoding.or_else(|| object.headers.content_encoding.clone()),
        content_language: input.response_content_language.or_else(|| object.headers.content_language.clone()),
        content_length: Some(length(&range)?),
        content_range,
        content_type: input.response_content_type.or_else(|| Some(object.headers.content_type.clone())),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        expires: input.response_expires.or_else(|| headers::expires(&object.headers)),
        last_modified: Some(modified(&object)),
        metadata: headers::metadata(&object.headers),
        server_side_encryption: Some(sse(&object)),
        ssekms_key_id: object.encryption.kms_key_id.clone(),
        storage_class: object.storage_class.clone().map(StorageClass::from),
        ..GetObjectOutput::default()
    };
    if shows_checksum(input.checksum_mode.as_ref()) && output.content_range.is_none() {
        output.checksum_type = object.checksum.to_dto().checksum_type;
        show_checksum!(output, object.checksum);
    }
    Ok(S3Response::new(output))
}

pub(super) fn head(store: &Store, input: HeadObjectInput) -> S3Result<S3Response<HeadObjectOutput>> {
    refuse_versions(input.version_id.as_deref(), input.part_number)?;
    let object = store.object(&input.bucket, &input.key)?;
    judge(
        &object,
        &ReadConditions {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        },
    )?;
    let (range, content_range) = slice(&object, input.range.as_ref())?;
    let mut output = HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        bucket_key_enabled: object.encryption.bucket_key,
        cache_control: object.headers.cache_control.clone(),
        content_disposition: object.headers.content_disposition.clone(),
        content_encoding: object.headers.content_encoding.clone(),
        content_language: object.headers.content_language.clone(),
        content_length: Some(length(&range)?),
        content_range,
        content_type: Some(object.headers.content_type.clone()),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        expires: headers::expires(&object.headers),
        last_modified: Some(modified(&object)),
        metadata: headers::metadata(&object.headers),
        server_side_encryption: Some(sse(&object)),
        ssekms_key_id: object.encryption.kms_key_id.clone(),
        storage_class: object.storage_class.clone().map(StorageClass::from),
        ..HeadObjectOutput::default()
    };
    if shows_checksum(input.checksum_mode.as_ref()) && output.content_range.is_none() {
        output.checksum_type = object.checksum.to_dto().checksum_type;
        show_checksum!(output, object.checksum);
    }
    Ok(S3Response::new(output))
}

pub(super) fn delete(store: &Store, input: DeleteObjectInput) -> S3Result<S3Response<DeleteObjectOutput>> {
    refuse_versions(input.version_id.as_deref(), None)?;
    let conditions = Conditions::new(input.if_match, None)?;
    store.delete(&input.bucket, &input.key, &conditions)?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}

pub(super) fn delete_many(store: &Store, input: DeleteObjectsInput) -> S3Result<S3Response<DeleteObjectsOutput>> {
    store.require_bucket(&input.bucket)?;
    if input.delete.objects.is_empty() || input.delete.objects.len() > MAX_DELETES {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in input.delete.objects {
        let result = refuse_versions(object.version_id.as_deref(), None)
            .and_then(|()| Conditions::new(object.e_tag.map(ETagCondition::ETag), None))
            .and_then(|conditions| store.delete(&input.bucket, &object.key, &conditions));
        match result {
            Ok(()) if quiet => {}
            Ok(()) => deleted.push(DeletedObject { key: Some(object.key), ..DeletedObject::default() }),
            Err(error) => errors.push(Error {
                code: Some(error.code().as_str().to_owned()),
                key: Some(object.key),
                message: error.message().map(str::to_owned),
                version_id: None,
            }),
        }
    }
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: Some(deleted),
        errors: Some(errors),
        ..DeleteObjectsOutput::default()
    }))
}

/// Buckets are unversioned: only the version `null` exists. Reading single parts is not modelled.
fn refuse_versions(version: Option<&str>, part: Option<i32>) -> S3Result<()> {
    if version.is_some_and(|version| version != "null") {
        return Err(s3_error!(InvalidArgument, "Invalid version id specified"));
    }
    if part.is_some() {
        return Err(s3_error!(NotImplemented, "Reading a single part is not implemented"));
    }
    Ok(())
}

fn judge(object: &Object, conditions: &ReadConditions) -> S3Result<()> {
    match conditions.judge(object) {
        Verdict::Serve => Ok(()),
        Verdict::Failed => Err(precondition_failed()),
        Verdict::NotModified => {
            let mut headers = HeaderMap::new();
            let values = [(ETAG, format!("\"{}\"", object.etag)), (LAST_MODIFIED, http_date(object.last_modified))];
            for (name, value) in values {
                headers.insert(name, HeaderValue::try_from(value).map_err(S3Error::internal_error)?);
            }
            let mut error = S3Error::new(S3ErrorCode::NotModified);
            error.set_headers(headers);
            Err(error)
        }
    }
}

fn slice(object: &Object, range: Option<&s3s::dto::Range>) -> S3Result<(Range<u64>, Option<String>)> {
    let len = object.content.len;
    let Some(range) = range else {
        return Ok((0..len, None));
    };
    let range = range.check(len).map_err(|_| s3_error!(InvalidRange, "The requested range is not satisfiable"))?;
    let shown = format!("bytes {}-{}/{len}", range.start, range.end.saturating_sub(1));
    Ok((range, Some(shown)))
}

fn length(range: &Range<u64>) -> S3Result<i64> {
    i64::try_from(range.end - range.start).map_err(S3Error::internal_error)
}

/// An archived object cannot be read or copied before it is restored.
pub(super) fn archived() -> S3Error {
    s3_error!(InvalidObjectState, "The operation is not valid for the object's storage class")
}

fn shows_checksum(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

pub(super) fn sse(object: &Object) -> ServerSideEncryption {
    ServerSideEncryption::from(object.encryption.sse.clone())
}

pub(super) fn modified(object: &Object) -> Timestamp {
    Timestamp::from(std::time::SystemTime::from(object.last_modified))
}

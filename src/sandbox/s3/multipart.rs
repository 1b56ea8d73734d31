//! Multipart uploads.

use std::collections::BTreeMap;

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::headers;
use super::intake::{Claims, receive};
use super::objects::{sent_checksums, show_checksum, sse};
use super::payload::compare;
use crate::sandbox::checksum::{self, Algorithm, ChecksumScope, field};
use crate::sandbox::conditions::Conditions;
use crate::sandbox::content::{Content, Received};
use crate::sandbox::object::Object;
use crate::sandbox::store::{Bucket, Store, find, storage_failed};
use crate::sandbox::uploads::{StoredPart, Upload, UploadRecord};

/// Every part but the last has at least this many bytes (AWS.md 4.3).
const MIN_PART: u64 = 5 * 1024 * 1024;

/// Parts are numbered from 1 up to this (AWS.md 4.3).
const MAX_PARTS: i32 = 10_000;

/// The upload and number of a part.
pub(super) struct PartAddress<'a> {
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    pub(super) upload_id: &'a str,
    pub(super) number: i32,
}

pub(super) fn create(
    store: &Store,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let mut input = request.input;
    let (algorithm, kind) = chosen(input.checksum_algorithm.as_ref(), input.checksum_type.as_ref())?;
    if headers::storage_class(&request.headers)?.is_some() {
        return Err(headers::not_implemented());
    }
    let upload = Upload {
        id: store.unique(),
        key: input.key.clone(),
        headers: headers::read(&request.headers, input.metadata.take())?,
        encryption: headers::encryption(&request.headers)?,
        algorithm,
        kind,
        initiated: store.clock.now(),
        parts: BTreeMap::new(),
    };
    let output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key),
        upload_id: Some(upload.id.clone()),
        checksum_algorithm: Some(ChecksumAlgorithm::from(algorithm.name().to_owned())),
        checksum_type: Some(ChecksumType::from(kind.name().to_owned())),
        server_side_encryption: Some(ServerSideEncryption::from(upload.encryption.sse.clone())),
        ssekms_key_id: upload.encryption.kms_key_id.clone(),
        bucket_key_enabled: upload.encryption.bucket_key,
        ..CreateMultipartUploadOutput::default()
    };
    let mut buckets = store.lock();
    let state = find(&mut buckets, &input.bucket)?;
    save(store, &input.bucket, &upload)?;
    state.uploads.insert(upload.id.clone(), upload);
    Ok(S3Response::new(output))
}

pub(super) async fn upload_part(
    store: &Store,
    request: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let mut input = request.input;
    let algorithm = algorithm(store, &input.bucket, &input.key, &input.upload_id)?;
    let claims = Claims {
        headers: &request.headers,
        trailers: request.trailing_headers,
        checksums: sent_checksums!(input),
        content_md5: input.content_md5.take(),
        default_algorithm: algorithm,
    };
    let received = receive(store, input.body.take(), claims).await?;
    if received.checksum.algorithm != algorithm {
        return Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            algorithm.name().to_ascii_lowercase(),
            received.checksum.algorithm.name().to_ascii_lowercase()
        ));
    }
    let place =
        PartAddress { bucket: &input.bucket, key: &input.key, upload_id: &input.upload_id, number: input.part_number };
    let part = keep_part(store, &place, received)?;
    let mut output = UploadPartOutput { e_tag: Some(ETag::Strong(part.etag.clone())), ..UploadPartOutput::default() };
    show_checksum!(output, part.checksum);
    Ok(S3Response::new(output))
}

pub(super) fn complete(
    store: &Store,
    input: CompleteMultipartUploadInput,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let mut input = input;
    let conditions = Conditions::new(input.if_match.take(), input.if_none_match.take())?;
    let mut sent = sent_checksums!(input);
    let listed = input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();

    let mut buckets = store.lock();
    let state = find(&mut buckets, &input.bucket)?;
    let upload = upload(state, &input.key, &input.upload_id)?.clone();
    let parts = chosen_parts(&upload, listed)?;
    let object = assemble(&upload, &parts);
    if let Some(value) = field(&mut sent, upload.algorithm).take() {
        compare(&value, &object.checksum.value, upload.algorithm.name())?;
    }
    let declared = input.mpu_object_size.map(u64::try_from);
    if declared.is_some_and(|size| size != Ok(object.content.len)) {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header does not match what was computed."
        ));
    }
    let object = store.put_locked(state, &input.bucket, &input.key, &conditions, object)?;
    forget(store, state, &input.bucket, &input.upload_id)?;

    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        checksum_type: object.checksum.to_dto().checksum_type,
        server_side_encryption: Some(sse(&object)),
        ssekms_key_id: object.encryption.kms_key_id.clone(),
        bucket_key_enabled: object.encryption.bucket_key,
        ..CompleteMultipartUploadOutput::default()
    };
    show_checksum!(output, object.checksum);
    Ok(S3Response::new(output))
}

pub(super) fn abort(
    store: &Store,
    input: AbortMultipartUploadInput,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let mut buckets = store.lock();
    let state = find(&mut buckets, &input.bucket)?;
    upload(state, &input.key, &input.upload_id)?;
    forget(store, state, &input.bucket, &input.upload_id)?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

/// The checksum algorithm of an upload's parts.
pub(super) fn algorithm(store: &Store, bucket: &str, key: &str, upload_id: &str) -> S3Result<Algorithm> {
    let mut buckets = store.lock();
    let state = find(&mut buckets, bucket)?;
    Ok(upload(state, key, upload_id)?.algorithm)
}

/// Stores received bytes as a part, replacing an earlier one of that number.
pub(super) fn keep_part(store: &Store, place: &PartAddress<'_>, received: Received) -> S3Result<StoredPart> {
    if !(1..=MAX_PARTS).contains(&place.number) {
        return Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive"));
    }
    let mut buckets = store.lock();
    let state = find(&mut buckets, place.bucket)?;
    let mut changed = upload(state, place.key, place.upload_id)?.clone();
    let part = StoredPart {
        etag: store.single_part_etag(&received.md5, &changed.encryption),
        content: received.content,
        md5: received.md5,
        checksum: received.checksum,
        last_modified: store.clock.now(),
    };
    let replaced = changed.parts.insert(place.number, part.clone());
    save(store, place.bucket, &changed)?;
    part.content.retain();
    if let Some(replaced) = replaced {
        replaced.content.release();
    }
    state.uploads.insert(changed.id.clone(), changed);
    Ok(part)
}

/// The algorithm and kind of checksum for a new upload. CRC-64/NVME of all bytes is S3's default; of the others, the
/// CRCs may be of all bytes, the SHAs only composite (AWS.md 4.3).
fn chosen(algorithm: Option<&ChecksumAlgorithm>, kind: Option<&ChecksumType>) -> S3Result<(Algorithm, ChecksumScope)> {
    let algorithm = match algorithm {
        None => Algorithm::Crc64Nvme,
        Some(name) => Algorithm::from_name(name.as_str())
            .ok_or_else(|| s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported."))?,
    };
    let default = match algorithm {
        Algorithm::Crc64Nvme => ChecksumScope::FullObject,
        _ => ChecksumScope::Composite,
    };
    let kind = match kind.map(ChecksumType::as_str) {
        None => default,
        Some("FULL_OBJECT") if algorithm.combines() => ChecksumScope::FullObject,
        Some("COMPOSITE") if algorithm != Algorithm::Crc64Nvme => ChecksumScope::Composite,
        Some(other) => {
            return Err(s3_error!(
                InvalidRequest,
                "The {other} checksum type cannot be used with the {} checksum algorithm.",
                algorithm.name().to_ascii_lowercase()
            ));
        }
    };
    Ok((algorithm, kind))
}

/// The parts in a completion, in its order.
fn chosen_parts(upload: &Upload, listed: Vec<CompletedPart>) -> S3Result<Vec<StoredPart>> {
    if listed.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    let mut parts: Vec<StoredPart> = Vec::with_capacity(listed.len());
    let mut before = 0;
    for mut named in listed {
        let number = named.part_number.unwrap_or(0);
        if number <= before {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. The parts list must be specified in order by part number."
            ));
        }
        before = number;
        let part = upload.parts.get(&number).ok_or_else(invalid_part)?;
        let mut sent = sent_checksums!(named);
        let etag_fits = named.e_tag.is_some_and(|etag| etag.value() == part.etag);
        let checksum = field(&mut sent, upload.algorithm).take();
        if upload.kind == ChecksumScope::Composite && checksum.is_none() {
            return Err(s3_error!(
                InvalidRequest,
                "The upload was created using a {} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request.",
                upload.algorithm.name().to_ascii_lowercase()
            ));
        }
        if !etag_fits || checksum.is_some_and(|checksum| checksum != part.checksum.value) {
            return Err(invalid_part());
        }
        parts.push(part.clone());
    }
    let too_small = parts.iter().rev().skip(1).any(|part| part.content.len < MIN_PART);
    if too_small {
        return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
    }
    Ok(parts)
}

fn assemble(upload: &Upload, parts: &[StoredPart]) -> Object {
    let checksums: Vec<(&checksum::Checksum, u64)> =
        parts.iter().map(|part| (&part.checksum, part.content.len)).collect();
    let mut md5 = Md5::new();
    for part in parts {
        // The digests are the sandbox's own hex, which always decodes.
        md5.update(&hex::decode(&part.md5).unwrap_or_default());
    }
    Object {
        content: Content::join(parts.iter().map(|part| part.content.clone())),
        headers: upload.headers.clone(),
        encryption: upload.encryption.clone(),
        storage_class: None,
        etag: format!("{}-{}", hex::encode(md5.finalize()), parts.len()),
        md5: None,
        checksum: checksum::Checksum::of_parts(upload.algorithm, upload.kind, &checksums),
        last_modified: upload.initiated,
    }
}

/// The upload, or `NoSuchUpload`.
pub(super) fn upload<'a>(state: &'a Bucket, key: &str, id: &str) -> S3Result<&'a Upload> {
    state
        .uploads
        .get(id)
        .filter(|upload| upload.key == key)
        .ok_or_else(|| {
            S3Error::with_message(
                S3ErrorCode::NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
            )
        })
}

fn invalid_part() -> S3Error {
    s3_error!(
        InvalidPart,
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
    )
}

fn save(store: &Store, bucket: &str, upload: &Upload) -> S3Result<()> {
    let Some(disk) = store.disk() else {
        return Ok(());
    };
    disk.write(&disk.upload_record(bucket, &upload.id), &UploadRecord::new(upload)).map_err(storage_failed)
}

fn forget(store: &Store, state: &mut Bucket, bucket: &str, id: &str) -> S3Result<()> {
    if let Some(disk) = store.disk() {
        disk.remove(&disk.upload_record(bucket, id)).map_err(storage_failed)?;
    }
    if let Some(upload) = state.uploads.remove(id) {
        for part in upload.parts.values() {
            part.content.release();
        }
    }
    Ok(())
}

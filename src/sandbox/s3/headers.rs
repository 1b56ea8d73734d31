//! The headers that a write sets on an object, and those that the sandbox refuses because it does not model them.

use std::collections::BTreeMap;

use hyper::HeaderMap;
use s3s::dto::{Metadata, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::sandbox::clock::parse_http_date;
use crate::sandbox::object::{Encryption, Headers};

/// S3's default for a client that names no type (AWS.md 2.4).
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// The limit on user metadata in bytes, names and values together (AWS.md 4.4).
const MAX_METADATA: usize = 2 * 1024;

/// Headers for features that the sandbox does not have; ignoring them would give false results.
const UNSUPPORTED: [&str; 9] = [
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-write-acp",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
];

/// Storage classes besides STANDARD (S3 API Reference, PutObject).
const CLASSES: [&str; 7] =
    ["REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"];

/// Reads the headers of a PUT, of the start of a multipart upload, or of a copy that replaces them.
///
/// # Errors
/// `MetadataTooLarge`; `NotImplemented` for anything not modelled; `AccessControlListNotSupported` for an ACL, since
/// buckets are owner-enforced.
pub(super) fn read(headers: &HeaderMap, metadata: Option<Metadata>) -> S3Result<Headers> {
    refuse_unsupported(headers)?;
    let metadata: BTreeMap<String, String> = metadata.unwrap_or_default().into_iter().collect();
    let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_METADATA {
        return Err(s3_error!(MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size"));
    }
    Ok(Headers {
        content_type: text(headers, "content-type")
            .filter(|value| !value.is_empty())
            .unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned()),
        cache_control: text(headers, "cache-control"),
        content_encoding: text(headers, "content-encoding").and_then(|value| without_framing(&value)),
        content_disposition: text(headers, "content-disposition"),
        content_language: text(headers, "content-language"),
        expires: text(headers, "expires"),
        metadata,
    })
}

/// Reads the encryption that a write requests; SSE-S3 is S3's default.
///
/// # Errors
/// `InvalidArgument` for an unknown method, or a KMS key without KMS.
pub(super) fn encryption(headers: &HeaderMap) -> S3Result<Encryption> {
    let sse = text(headers, "x-amz-server-side-encryption").unwrap_or_else(|| "AES256".to_owned());
    let kms_key_id = text(headers, "x-amz-server-side-encryption-aws-kms-key-id");
    let known = matches!(sse.as_str(), "AES256" | "aws:kms" | "aws:kms:dsse");
    if !known || (sse == "AES256" && kms_key_id.is_some()) {
        return Err(s3_error!(InvalidArgument, "The encryption method specified is not supported"));
    }
    let bucket_key = text(headers, "x-amz-server-side-encryption-bucket-key-enabled");
    Ok(Encryption { sse, kms_key_id, bucket_key: bucket_key.map(|value| value.eq_ignore_ascii_case("true")) })
}

/// The stored `Expires` in the API's form; an invalid date is omitted.
pub(super) fn expires(headers: &Headers) -> Option<Timestamp> {
    let text = headers.expires.as_deref()?;
    parse_http_date(text)?;
    Timestamp::parse(TimestampFormat::HttpDate, text).ok()
}

/// The stored metadata in the API's form.
pub(super) fn metadata(headers: &Headers) -> Option<Metadata> {
    (!headers.metadata.is_empty()).then(|| headers.metadata.clone().into_iter().collect())
}

/// `aws-chunked` is about the transfer of the body, not the stored object.
fn without_framing(content_encoding: &str) -> Option<String> {
    let kept: Vec<&str> = content_encoding
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

fn refuse_unsupported(headers: &HeaderMap) -> S3Result<()> {
    if UNSUPPORTED.iter().any(|name| headers.contains_key(*name)) {
        return Err(not_implemented());
    }
    match text(headers, "x-amz-acl").as_deref() {
        None | Some("bucket-owner-full-control") => Ok(()),
        Some(_) => Err(s3_error!(AccessControlListNotSupported, "The bucket does not allow ACLs")),
    }
}

/// The storage class that a write requests; `None` is STANDARD, whatever the class of a copy's source.
///
/// # Errors
/// `InvalidStorageClass` for one that general purpose buckets do not have.
pub(super) fn storage_class(headers: &HeaderMap) -> S3Result<Option<String>> {
    match text(headers, "x-amz-storage-class").as_deref() {
        None | Some("STANDARD") => Ok(None),
        Some(class) if CLASSES.contains(&class) => Ok(Some(class.to_owned())),
        Some(_) => Err(s3_error!(InvalidStorageClass, "The storage class you specified is not valid")),
    }
}

pub(super) fn not_implemented() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::NotImplemented,
        "A header you provided implies functionality that is not implemented",
    )
}

pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.as_bytes();
    Some(String::from_utf8_lossy(value).into_owned())
}

//! A store that claims S3 compatibility but ignores some request headers: for tests.

use s3s::S3Request;
use s3s::dto::{CopyObjectInput, PutObjectInput};

/// A request header, in lower case, that the store ignores.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct PassedOver(pub(in crate::sandbox) String);

/// The request as a store reads it that ignores a header.
pub(super) fn put(mut request: S3Request<PutObjectInput>) -> S3Request<PutObjectInput> {
    match header(&request) {
        Some("if-match") => request.input.if_match = None,
        Some("if-none-match") => request.input.if_none_match = None,
        Some("x-amz-checksum-sha256") => request.input.checksum_sha256 = None,
        _ => {}
    }
    request
}

/// As [`put`].
pub(super) fn copy(mut request: S3Request<CopyObjectInput>) -> S3Request<CopyObjectInput> {
    match header(&request).map(str::to_owned).as_deref() {
        Some("x-amz-copy-source-if-match") => request.input.copy_source_if_match = None,
        Some(name) => drop(request.headers.remove(name)),
        None => {}
    }
    request
}

fn header<T>(request: &S3Request<T>) -> Option<&str> {
    request.extensions.get::<PassedOver>().map(|PassedOver(name)| name.as_str())
}

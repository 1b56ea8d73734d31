//! Checks on XML bodies that must happen before `s3s` parses them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum as _, Md5};
use s3s::{Body, HttpRequest, S3Error, S3ErrorCode, S3Result, s3_error};

use crate::sandbox::checksum::{Algorithm, Checksum};

/// The longest accepted XML body, in bytes: 1,000 keys of 1,024 bytes, escaped, fit.
const MAX_XML: usize = 20 * 1024 * 1024;

/// Verifies the checksum that `DeleteObjects` requires; other requests pass unchanged.
pub(super) async fn prepare(operation: &str, request: HttpRequest) -> S3Result<HttpRequest> {
    if operation != "DeleteObjects" {
        return Ok(request);
    }
    let (parts, mut body) = request.into_parts();
    let bytes = body
        .store_all_limited(MAX_XML)
        .await
        .map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let mut sent = false;
    if let Some(expected) = header("content-md5") {
        sent = true;
        compare(expected, &STANDARD.encode(Md5::checksum(&bytes)), "Content-MD5")?;
    }
    for algorithm in Algorithm::ALL {
        if let Some(expected) = header(&algorithm.header()) {
            sent = true;
            let mut hasher = algorithm.hasher();
            hasher.update(&bytes);
            compare(expected, &Checksum::from_hasher(algorithm, hasher).value, algorithm.name())?;
        }
    }
    if !sent {
        return Err(s3_error!(
            InvalidRequest,
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        ));
    }
    Ok(HttpRequest::from_parts(parts, Body::from(bytes)))
}

/// Compares a received checksum with the computed one.
pub(super) fn compare(sent: &str, found: &str, name: &str) -> S3Result<()> {
    if sent == found {
        return Ok(());
    }
    Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."))
}

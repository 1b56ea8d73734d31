//! Receives the body of an upload and verifies everything that the client announced about it.

use std::future::poll_fn;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Body as _;
use hyper::{HeaderMap, StatusCode};
use s3s::dto::{self, StreamingBlob};
use s3s::{Body, S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};

use super::payload::compare;
use crate::sandbox::checksum::{Algorithm, field};
use crate::sandbox::content::{Received, Spool};
use crate::sandbox::steady::TooSlow;
use crate::sandbox::store::{Store, storage_failed};

/// The largest body of one PUT or part: 5 GiB (AWS.md 4.3).
pub(super) const MAX_SINGLE_PUT: u64 = 5 * 1024 * 1024 * 1024;

/// What an upload request announces about its body.
pub(super) struct Claims<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) trailers: Option<TrailingHeaders>,
    pub(super) checksums: dto::Checksum,
    pub(super) content_md5: Option<String>,
    /// Used if the client sent no checksum.
    pub(super) default_algorithm: Algorithm,
}

/// The checksum a client announced.
struct Announced {
    algorithm: Algorithm,
    /// `None` if it comes in a trailer, after the body.
    value: Option<String>,
}

/// Receives a body completely; stores nothing yet.
///
/// # Errors
/// `BadDigest` for bytes that differ from the announced ones, `EntityTooLarge`, `IncompleteBody`, `InvalidRequest`,
/// `InvalidDigest`, `MissingContentLength`.
pub(super) async fn receive(store: &Store, body: Option<StreamingBlob>, mut claims: Claims<'_>) -> S3Result<Received> {
    let length = declared_length(claims.headers)?;
    let announced = announced(&mut claims)?;
    let algorithm = announced.as_ref().map_or(claims.default_algorithm, |announced| announced.algorithm);
    let mut spool = store.spool(algorithm).map_err(storage_failed)?;
    if let Some(body) = body {
        drain(body.into(), &mut spool).await?;
    }
    let received = spool.finish();
    if received.content.len != length {
        return Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        ));
    }
    if let Some(md5) = &claims.content_md5 {
        verify_md5(md5, &received.md5)?;
    }
    if let Some(announced) = announced {
        let sent = match announced.value {
            Some(value) => value,
            None => trailer(claims.trailers.as_ref(), algorithm)?,
        };
        compare(&sent, &received.checksum.value, algorithm.name())?;
    }
    Ok(received)
}

async fn drain(mut body: Body, spool: &mut Spool) -> S3Result<()> {
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(chunk) = frame.map_err(broken_body)?.into_data() {
            spool.write(chunk).map_err(storage_failed)?;
        }
    }
    Ok(())
}

/// A body that ended early, or whose signed hash does not match its bytes.
fn broken_body(error: StdError) -> S3Error {
    let text = error.to_string();
    let mut refusal = if text.contains("SignatureMismatch") {
        S3Error::with_message(S3ErrorCode::SignatureDoesNotMatch, text)
    } else if text.contains("Sha256Mismatch") {
        refusal("XAmzContentSHA256Mismatch", text)
    } else if text.contains(TooSlow::MESSAGE) {
        S3Error::with_message(S3ErrorCode::RequestTimeout, text)
    } else {
        S3Error::with_message(S3ErrorCode::IncompleteBody, text)
    };
    refusal.set_source(error);
    refusal
}

/// A 400 with a code that `s3s` does not have.
fn refusal(code: &'static str, message: String) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(StatusCode::BAD_REQUEST);
    error
}

fn declared_length(headers: &HeaderMap) -> S3Result<u64> {
    let number = |name: &str| -> Option<u64> { headers.get(name)?.to_str().ok()?.parse().ok() };
    let length = number("x-amz-decoded-content-length")
        .or_else(|| number("content-length"))
        .ok_or_else(|| s3_error!(MissingContentLength, "You must provide the Content-Length HTTP header."))?;
    if length > MAX_SINGLE_PUT {
        return Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size"));
    }
    Ok(length)
}

fn announced(claims: &mut Claims<'_>) -> S3Result<Option<Announced>> {
    let header = |name: &str| claims.headers.get(name).and_then(|value| value.to_str().ok());
    let mut found = Vec::new();
    for algorithm in Algorithm::ALL {
        if let Some(value) = field(&mut claims.checksums, algorithm).take() {
            found.push(Announced { algorithm, value: Some(value) });
        }
        if header("x-amz-trailer").is_some_and(|name| name.eq_ignore_ascii_case(&algorithm.header())) {
            found.push(Announced { algorithm, value: None });
        }
    }
    let named = header("x-amz-sdk-checksum-algorithm").and_then(Algorithm::from_name);
    match (found.len(), named) {
        (0, None) => Ok(None),
        (0, Some(_)) => Err(s3_error!(
            InvalidRequest,
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
        )),
        (1, Some(named)) if found[0].algorithm != named => {
            Err(s3_error!(InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid."))
        }
        (1, _) => Ok(found.pop()),
        _ => Err(s3_error!(
            InvalidRequest,
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )),
    }
}

fn trailer(trailers: Option<&TrailingHeaders>, algorithm: Algorithm) -> S3Result<String> {
    let name = algorithm.header();
    let read = |headers: &HeaderMap| headers.get(&name)?.to_str().ok().map(str::to_owned);
    trailers
        .and_then(|trailers| trailers.read(read))
        .flatten()
        .ok_or_else(|| refusal("MalformedTrailerError", format!("The trailer {name} is missing")))
}

fn verify_md5(sent: &str, found_hex: &str) -> S3Result<()> {
    let digest = STANDARD.decode(sent).ok().filter(|digest| digest.len() == 16);
    let Some(digest) = digest else {
        return Err(s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid."));
    };
    compare(&hex::encode(digest), found_hex, "Content-MD5")
}

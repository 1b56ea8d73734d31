//! The sandbox's own checks of Signature Version 4: the scope and age for S3 requests, everything for CloudFront's.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use hyper::HeaderMap;
use hyper::http::request::Parts;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::clock::Clock;
use super::keys::Keys;

/// Signatures are valid for a quarter of an hour either way.
pub(super) const VALID_FOR: SignedDuration = SignedDuration::from_mins(15);

/// The parts of an `Authorization` header.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    key_id: &'a str,
    date: &'a str,
    pub(super) region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Scope<'a> {
    /// `None` if the request is not signed by header, or not with SigV4.
    pub(super) fn of(headers: &'a HeaderMap) -> Option<Scope<'a>> {
        let value = headers.get("authorization")?.to_str().ok()?;
        let fields = value.strip_prefix("AWS4-HMAC-SHA256")?;
        let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
        let mut credential = field("Credential")?.split('/');
        let (key_id, date) = (credential.next()?, credential.next()?);
        let (region, service) = (credential.next()?, credential.next()?);
        (credential.next()? == "aws4_request").then_some(())?;
        Some(Scope {
            key_id,
            date,
            region,
            service,
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        })
    }
}

/// Why a CloudFront request is refused: HTTP status, code, message.
pub(super) type Refusal = (u16, &'static str, &'static str);

/// Whether a request was signed within the allowed time.
///
/// Clients know the sandbox's clock only from its answers, so any time between the machine's and the
/// sandbox's is accepted.
pub(super) fn is_timely(headers: &HeaderMap, clock: &Clock) -> bool {
    let Some(signed) = signing_time(headers) else {
        return false;
    };
    let now = clock.now().as_second();
    let ahead = i64::try_from(clock.ahead().as_secs()).unwrap_or(i64::MAX);
    let earliest = now.saturating_sub(ahead).saturating_sub(VALID_FOR.as_secs());
    (earliest..=now + VALID_FOR.as_secs()).contains(&signed.as_second())
}

fn signing_time(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get("x-amz-date")?.to_str().ok()?;
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Verifies a CloudFront request, which is always signed for us-east-1.
pub(super) fn verify_cloudfront(parts: &Parts, body: &[u8], keys: &Keys, clock: &Clock) -> Result<(), Refusal> {
    let scope = Scope::of(&parts.headers).ok_or((
        403,
        "MissingAuthenticationToken",
        "Request is missing Authentication Token",
    ))?;
    if scope.key_id != keys.access_key_id {
        return Err((403, "InvalidClientTokenId", "The security token included in the request is invalid."));
    }
    if scope.region != "us-east-1" || scope.service != "cloudfront" {
        return Err((403, "SignatureDoesNotMatch", "Credential should be scoped to us-east-1 and cloudfront."));
    }
    if !is_timely(&parts.headers, clock) {
        return Err((403, "SignatureDoesNotMatch", "Signature expired"));
    }
    let payload = hex::encode(Sha256::digest(body));
    let claimed = parts.headers.get("x-amz-content-sha256");
    let is_body_as_claimed = claimed.is_none_or(|claimed| claimed.as_bytes() == payload.as_bytes());
    if !is_body_as_claimed || expected_signature(parts, &scope, body, keys).as_deref() != Some(scope.signature) {
        return Err((
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        ));
    }
    Ok(())
}

/// The expected signature of the request: computed again for the same time, with the headers the client signed. The
/// host and the time are always included, so a client that left them out is refused. `None` if the request
/// cannot be signed.
fn expected_signature(parts: &Parts, scope: &Scope<'_>, body: &[u8], keys: &Keys) -> Option<String> {
    let time = signing_time(&parts.headers)?;
    (time.strftime("%Y%m%d").to_string() == scope.date).then_some(())?;
    let identity = Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "sandbox").into();
    let mut settings = SigningSettings::default();
    settings.excluded_headers = None;
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::from(time))
        .settings(settings);
    let mut headers = Vec::new();
    for name in scope.signed_headers.split(';') {
        for value in parts.headers.get_all(name) {
            headers.push((name, value.to_str().ok()?));
        }
    }
    let uri = parts.uri.to_string();
    let request =
        SignableRequest::new(parts.method.as_str(), uri, headers.into_iter(), SignableBody::Bytes(body)).ok()?;
    let signed = sign(request, &signing.build().ok()?.into()).ok()?;
    Some(signed.signature().to_owned())
}

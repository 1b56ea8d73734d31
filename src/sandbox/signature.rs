//! What the sandbox checks of Signature Version 4 itself: the scope and age of S3 requests, all of CloudFront's.

use hyper::http::request::Parts;
use hyper::{HeaderMap, Uri};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::clock::Clock;
use super::content::hex;
use super::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

/// Signatures are good for a quarter of an hour either way.
pub(super) const VALID_FOR: SignedDuration = SignedDuration::from_mins(15);

/// What SigV4 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

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
    /// `None` where the request is not signed by header, or not with SigV4.
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
/// Clients learn of the sandbox's clock only from its answers, so that any time between the machine's and the
/// sandbox's passes.
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
pub(super) fn verify_cloudfront(parts: &Parts, body: &[u8], clock: &Clock) -> Result<(), Refusal> {
    let scope = Scope::of(&parts.headers).ok_or((
        403,
        "MissingAuthenticationToken",
        "Request is missing Authentication Token",
    ))?;
    if scope.key_id != ACCESS_KEY_ID {
        return Err((403, "InvalidClientTokenId", "The security token included in the request is invalid."));
    }
    if scope.region != "us-east-1" || scope.service != "cloudfront" {
        return Err((403, "SignatureDoesNotMatch", "Credential should be scoped to us-east-1 and cloudfront."));
    }
    if !is_timely(&parts.headers, clock) {
        return Err((403, "SignatureDoesNotMatch", "Signature expired"));
    }
    let payload = hex(Sha256::digest(body));
    let claimed = parts.headers.get("x-amz-content-sha256");
    if claimed.is_some_and(|claimed| claimed.as_bytes() != payload.as_bytes()) || !signs(parts, &scope, &payload) {
        return Err((
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        ));
    }
    Ok(())
}

fn signs(parts: &Parts, scope: &Scope<'_>, payload: &str) -> bool {
    let time = parts.headers.get("x-amz-date").and_then(|value| value.to_str().ok());
    let Some(time) = time.filter(|time| time.starts_with(scope.date)) else {
        return false;
    };
    let names: Vec<&str> = scope.signed_headers.split(';').collect();
    if !names.contains(&"host") {
        return false;
    }
    let canonical_request = format!(
        "{}\n{}\n{}\n{}\n{}\n{payload}",
        parts.method,
        canonical_path(&parts.uri),
        canonical_query(&parts.uri),
        canonical_headers(&parts.headers, &names),
        scope.signed_headers,
    );
    let credential = format!("{}/{}/{}/aws4_request", scope.date, scope.region, scope.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{credential}\n{}", hex(Sha256::digest(canonical_request)));
    let mut key = hmac(format!("AWS4{SECRET_ACCESS_KEY}").as_bytes(), scope.date.as_bytes());
    for part in [scope.region, scope.service, "aws4_request", &to_sign] {
        key = hmac(&key, part.as_bytes());
    }
    hex(key) == scope.signature
}

/// Services other than S3 encode the already encoded path once more.
fn canonical_path(uri: &Uri) -> String {
    let segments: Vec<String> =
        uri.path().split('/').map(|segment| utf8_percent_encode(segment, UNRESERVED).to_string()).collect();
    segments.join("/")
}

fn canonical_query(uri: &Uri) -> String {
    let encode = |text: &str| {
        let plain = percent_decode_str(text).decode_utf8_lossy();
        utf8_percent_encode(&plain, UNRESERVED).to_string()
    };
    let query = uri.query().unwrap_or_default();
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            format!("{}={}", encode(name), encode(value))
        })
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn canonical_headers(headers: &HeaderMap, names: &[&str]) -> String {
    let line = |name: &&str| {
        let values: Vec<String> = headers
            .get_all(*name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        format!("{name}:{}\n", values.join(","))
    };
    names.iter().map(line).collect()
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut block = [0_u8; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message);
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner.finalize());
    outer.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::{hex, hmac};

    /// RFC 4231, test cases 2 and 6 (a key longer than a block).
    #[test]
    fn hmac_of_the_rfc() {
        assert_eq!(
            hex(hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}

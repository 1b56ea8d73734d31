//! How long an edge keeps an answer: CloudFront's rules (AWS.md 2.1 and 2.2), which are not those of RFC 9111
//! (docs/decisions/0033).

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{CACHE_CONTROL, EXPIRES};
use jiff::Timestamp;

use crate::sandbox::caching::Caching;
use crate::sandbox::clock::parse_http_date;
use crate::sandbox::distribution::CustomError;

/// Errors that are kept whatever the origin says. Others only if it says for how long: 400, 403, 405, 412, 415 (AWS.md 2.2).
const ALWAYS_KEPT: [u16; 7] = [404, 414, 500, 501, 502, 503, 504];

/// How long errors are kept for which nothing is configured.
const ERRORS: Duration = Duration::from_secs(10);

/// The least time for which an error of S3 is kept.
const SHORTEST_ERROR: Duration = Duration::from_secs(1);

/// What an origin's headers say about keeping.
#[derive(Debug, Default)]
struct Said {
    /// `no-store` or `private`.
    must_not_keep: bool,
    /// `no-cache`.
    must_ask: bool,
    /// `s-maxage`, else `max-age`, else what is left until `Expires`.
    time: Option<Duration>,
}

impl Said {
    fn by(headers: &HeaderMap, now: Timestamp) -> Said {
        let mut said = Said::default();
        let (mut own, mut shared) = (None, None);
        let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        for directive in values.flat_map(|value| value.split(',')) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let seconds = || value.trim().trim_matches('"').parse().ok().map(Duration::from_secs);
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "private" => said.must_not_keep = true,
                "no-cache" => said.must_ask = true,
                "max-age" => own = seconds(),
                "s-maxage" => shared = seconds(),
                _ => {}
            }
        }
        // A date that is none has passed (RFC 9111 5.3).
        let until = |text: &str| parse_http_date(text).map_or(Duration::ZERO, |date| left(date, now));
        let expires = || headers.get(EXPIRES).and_then(|value| value.to_str().ok()).map(until);
        said.time = shared.or(own).or_else(expires);
        said
    }
}

fn left(until: Timestamp, now: Timestamp) -> Duration {
    until.duration_since(now).try_into().unwrap_or(Duration::ZERO)
}

/// How long an object is kept; `None`: not at all. What is kept for no time is asked for again each time.
pub(super) fn of_object(caching: &Caching, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    if caching.max_ttl.is_zero() {
        return None;
    }
    let said = Said::by(headers, now);
    // A minimum above 0 holds against all that the origin says.
    let least = caching.min_ttl;
    if said.must_not_keep {
        (!least.is_zero()).then_some(least)
    } else if said.must_ask {
        Some(least)
    } else {
        Some(said.time.unwrap_or(caching.default_ttl).min(caching.max_ttl).max(least))
    }
}

/// How long an error is kept under the address that was asked for; `None`: not at all. `custom` is what is configured for
/// it, and `headers` are those of what answers it: the larger time counts.
pub(super) fn of_error(
    caching: &Caching,
    status: u16,
    custom: Option<&CustomError>,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<Duration> {
    if caching.max_ttl.is_zero() {
        return None;
    }
    let said = Said::by(headers, now);
    let own = said.time.filter(|_| !said.must_not_keep && !said.must_ask);
    let least = match custom {
        Some(custom) => Some(custom.error_caching_min_ttl.max(SHORTEST_ERROR)),
        None => ALWAYS_KEPT.contains(&status).then_some(ERRORS),
    };
    own.max(least)
}

//! How long an edge caches an answer: CloudFront's rules (AWS.md 2.1 and 2.2), which differ from RFC 9111
//! (docs/decisions/0033).

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{CACHE_CONTROL, EXPIRES};
use jiff::Timestamp;

use crate::sandbox::caching::Caching;
use crate::sandbox::clock::parse_http_date;
use crate::sandbox::distribution::CustomError;

/// Errors that are cached whatever the origin says. Others only if it gives a lifetime: 400, 403, 405, 412, 415 (AWS.md 2.2).
const ALWAYS_KEPT: [u16; 7] = [404, 414, 500, 501, 502, 503, 504];

/// How long errors without a configured time are cached.
const ERRORS: Duration = Duration::from_secs(10);

/// The minimum time for an error of S3.
const SHORTEST_ERROR: Duration = Duration::from_secs(1);

/// An origin's caching headers.
#[derive(Debug, Default)]
struct Said {
    /// `no-store` or `private`.
    must_not_keep: bool,
    /// `no-cache`.
    must_ask: bool,
    /// `s-maxage`, or else `max-age`, or else the time until `Expires`.
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
        // An invalid date counts as past (RFC 9111 5.3).
        let until = |text: &str| parse_http_date(text).map_or(Duration::ZERO, |date| left(date, now));
        let expires = || headers.get(EXPIRES).and_then(|value| value.to_str().ok()).map(until);
        said.time = shared.or(own).or_else(expires);
        said
    }
}

fn left(until: Timestamp, now: Timestamp) -> Duration {
    until.duration_since(now).try_into().unwrap_or(Duration::ZERO)
}

/// How long an object is cached; `None`: not at all. An object with a lifetime of zero is revalidated each time.
pub(super) fn of_object(caching: &Caching, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    if caching.max_ttl.is_zero() {
        return None;
    }
    let said = Said::by(headers, now);
    // A minimum above 0 overrides everything that the origin says.
    let least = caching.min_ttl;
    if said.must_not_keep {
        (!least.is_zero()).then_some(least)
    } else if said.must_ask {
        Some(least)
    } else {
        Some(said.time.unwrap_or(caching.default_ttl).min(caching.max_ttl).max(least))
    }
}

/// How long an error is cached under the requested address; `None`: not at all. `custom` is the configured time,
/// and `headers` are those of the page that answers it: the larger time counts.
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

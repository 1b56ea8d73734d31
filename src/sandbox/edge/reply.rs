//! One viewer's answer, made from the edge's: all of it, a part, or "not modified".

use std::ops::Range;
use std::time::Duration;

use hyper::header::{
    AGE, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED, RANGE,
};
use hyper::{HeaderMap, Response, StatusCode};
use s3s::Body;

use super::cache::Kept;
use crate::sandbox::answer::{self, Answer};
use crate::sandbox::clock::parse_http_date;

/// The source of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// The cache; with its age.
    Hit(Duration),
    /// The cache, after the origin confirmed it.
    Refreshed,
    /// The origin.
    Missed,
}

/// The answer of a location to a viewer's request with these headers.
pub(super) fn make(kept: &Kept, asked: &HeaderMap, how: How, location: &'static str) -> Answer {
    // Errors are sent whatever the conditions and ranges (RFC 9110 13.2.1 and 14.2).
    let mut answered = if kept.etag.is_some() { conditional(kept, asked) } else { whole(kept) };
    let headers = answered.headers_mut();
    let source = match how {
        _ if kept.etag.is_none() => "Error from cloudfront",
        How::Hit(_) => "Hit from cloudfront",
        How::Refreshed => "RefreshHit from cloudfront",
        How::Missed => "Miss from cloudfront",
    };
    headers.insert(HeaderName::from_static("x-cache"), HeaderValue::from_static(source));
    headers.insert(HeaderName::from_static("x-amz-cf-pop"), HeaderValue::from_static(location));
    if let How::Hit(age) = how {
        headers.insert(AGE, HeaderValue::from(age.as_secs()));
    }
    answered
}

fn conditional(kept: &Kept, asked: &HeaderMap) -> Answer {
    if is_not_modified(&kept.headers, asked) {
        let mut answered = Response::new(Body::empty());
        *answered.status_mut() = StatusCode::NOT_MODIFIED;
        *answered.headers_mut() = kept.headers.clone();
        return answered;
    }
    let ranges = text(asked, &RANGE).filter(|_| is_of_this(&kept.headers, asked));
    match ranges.map(s3s::dto::Range::parse) {
        Some(Ok(range)) => match range.check(kept.content.len) {
            Ok(range) => part(kept, range),
            Err(_) => answer::s3_error(416, "InvalidRange", "The requested range is not satisfiable", ""),
        },
        // An invalid range is ignored (RFC 9110 14.2).
        Some(Err(_)) | None => whole(kept),
    }
}

fn whole(kept: &Kept) -> Answer {
    send(kept, kept.status, 0..kept.content.len)
}

fn part(kept: &Kept, range: Range<u64>) -> Answer {
    let shown = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), kept.content.len);
    let mut answered = send(kept, StatusCode::PARTIAL_CONTENT, range);
    if let Ok(shown) = HeaderValue::try_from(shown) {
        answered.headers_mut().insert(CONTENT_RANGE, shown);
    }
    answered
}

fn send(kept: &Kept, status: StatusCode, range: Range<u64>) -> Answer {
    let length = range.end - range.start;
    let Ok(reader) = kept.content.open(range) else { return answer::internal_error() };
    let mut answered = Response::new(reader.into_body());
    *answered.status_mut() = status;
    *answered.headers_mut() = kept.headers.clone();
    answered.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    answered
}

/// ETags take precedence over dates, and are compared weakly (RFC 9110 13.1.2, 13.1.3).
fn is_not_modified(own: &HeaderMap, asked: &HeaderMap) -> bool {
    match (text(asked, &IF_NONE_MATCH), text(asked, &IF_MODIFIED_SINCE)) {
        (Some(etags), _) => {
            let own = text(own, &ETAG).map(opaque);
            etags.split(',').map(str::trim).any(|etag| etag == "*" || Some(opaque(etag)) == own)
        }
        (None, Some(since)) => {
            let modified = text(own, &LAST_MODIFIED).and_then(parse_http_date);
            modified.is_some_and(|modified| parse_http_date(since).is_some_and(|since| modified <= since))
        }
        (None, None) => false,
    }
}

/// Whether a range is requested of this very answer, if the viewer has a part of one: a weak ETag does not prove it (RFC 9110
/// 13.1.5).
fn is_of_this(own: &HeaderMap, asked: &HeaderMap) -> bool {
    let Some(wanted) = text(asked, &IF_RANGE) else { return true };
    let name = if wanted.ends_with('"') { &ETAG } else { &LAST_MODIFIED };
    !wanted.starts_with("W/") && text(own, name) == Some(wanted)
}

fn opaque(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

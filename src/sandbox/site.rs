//! The site as visitors get it from the first distribution.

use std::ops::Range;
use std::sync::Arc;

use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, RANGE,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use s3s::Body;

use super::answer::{self, Answer};
use super::clock::{http_date, parse_http_date};
use super::distribution::{Distribution, Distributions};
use super::edge::{Edge, Origin};
use super::object::Object;

/// The viewers' endpoint.
pub(super) struct SiteServer {
    distributions: Arc<Distributions>,
    edge: Edge,
}

impl SiteServer {
    pub(super) fn new(distributions: Arc<Distributions>, edge: Edge) -> SiteServer {
        SiteServer { distributions, edge }
    }

    pub(super) fn answer(&self, request: &Request<Body>) -> Answer {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return answer::s3_error(403, "AccessDenied", "This distribution allows GET and HEAD only.", "");
        }
        let Some(distribution) = self.distributions.first() else {
            return answer::s3_error(404, "NoSuchDistribution", "The sandbox has no distribution.", "");
        };
        let mut answered = match self.origin(&distribution, request.uri().path()) {
            Origin::Object(object) => serve(&object, request.headers(), StatusCode::OK),
            Origin::Error(status) => self.error(&distribution, status),
        };
        if request.method() == Method::HEAD {
            *answered.body_mut() = Body::empty();
        }
        answered
    }

    /// What the origin gives for a viewer's path. Files without an extension, as `CNAME`, are there under their own names
    /// where no folder has the name: a function in front of a real distribution has to let those through that a site has.
    fn origin(&self, distribution: &Distribution, path: &str) -> Origin {
        let rewritten = origin_path(distribution, path);
        match self.edge.fetch(distribution, &rewritten) {
            Origin::Error(status) if rewritten != path && path != "/" => match self.edge.fetch(distribution, path) {
                Origin::Error(_) => Origin::Error(status),
                object => object,
            },
            found => found,
        }
    }

    /// The custom error page for a status of the origin; where there is none, or it is missing, the origin's error.
    fn error(&self, distribution: &Distribution, status: u16) -> Answer {
        let custom = distribution.custom_errors.iter().find(|custom| custom.error_code == status);
        let page = custom.and_then(|custom| custom.response_page_path.as_deref());
        // No viewer-request function runs for an error page (AWS.md 2.2).
        if let Some(Origin::Object(object)) = page.map(|page| self.edge.fetch(distribution, page)) {
            let code = custom.and_then(|custom| custom.response_code).unwrap_or(status);
            let code = StatusCode::from_u16(code).unwrap_or(StatusCode::FORBIDDEN);
            return serve(&object, &HeaderMap::new(), code);
        }
        match status {
            404 => answer::s3_error(404, "NoSuchBucket", "The specified bucket does not exist", ""),
            _ => answer::s3_error(status, "AccessDenied", "Access Denied", ""),
        }
    }
}

/// What a viewer's path becomes before the origin sees it: the root object first, then the viewer-request function
/// (AWS.md 2.3).
fn origin_path(distribution: &Distribution, path: &str) -> String {
    let path = match &distribution.default_root_object {
        Some(root) if path == "/" => format!("/{root}"),
        _ => path.to_owned(),
    };
    if !distribution.index_pages {
        return path;
    }
    let last_segment = path.rsplit('/').next().unwrap_or_default();
    if last_segment.is_empty() {
        path + "index.html"
    } else if last_segment.contains('.') {
        path
    } else {
        path + "/index.html"
    }
}

fn serve(object: &Object, asked: &HeaderMap, status: StatusCode) -> Answer {
    let mut answered = Response::new(Body::empty());
    *answered.status_mut() = status;
    set_headers(answered.headers_mut(), object);
    if is_not_modified(object, asked) {
        *answered.status_mut() = StatusCode::NOT_MODIFIED;
        return answered;
    }
    let len = object.content.len;
    let range = match asked.get(RANGE).and_then(|value| value.to_str().ok()).map(s3s::dto::Range::parse) {
        Some(Ok(range)) => match range.check(len) {
            Ok(range) => {
                *answered.status_mut() = StatusCode::PARTIAL_CONTENT;
                let shown = format!("bytes {}-{}/{len}", range.start, range.end.saturating_sub(1));
                set(answered.headers_mut(), CONTENT_RANGE, &shown);
                range
            }
            Err(_) => {
                return answer::s3_error(416, "InvalidRange", "The requested range is not satisfiable", "");
            }
        },
        // What cannot be understood is ignored (RFC 9110 14.2).
        Some(Err(_)) | None => 0..len,
    };
    send(answered, object, range)
}

fn send(mut answered: Answer, object: &Object, range: Range<u64>) -> Answer {
    set(answered.headers_mut(), CONTENT_LENGTH, &(range.end - range.start).to_string());
    match object.content.open(range) {
        Ok(reader) => *answered.body_mut() = reader.into_body(),
        Err(_) => return answer::internal_error(),
    }
    answered
}

fn set_headers(headers: &mut HeaderMap, object: &Object) {
    let stored = &object.headers;
    let optional = [
        (CACHE_CONTROL, &stored.cache_control),
        (CONTENT_ENCODING, &stored.content_encoding),
        (CONTENT_DISPOSITION, &stored.content_disposition),
        (CONTENT_LANGUAGE, &stored.content_language),
        (EXPIRES, &stored.expires),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            set(headers, name, value);
        }
    }
    set(headers, CONTENT_TYPE, &stored.content_type);
    set(headers, ETAG, &format!("\"{}\"", object.etag));
    set(headers, LAST_MODIFIED, &http_date(object.last_modified));
    set(headers, ACCEPT_RANGES, "bytes");
    set(headers, HeaderName::from_static("x-cache"), "Miss from cloudfront");
    for (name, value) in &stored.metadata {
        if let Ok(name) = HeaderName::try_from(format!("x-amz-meta-{name}")) {
            set(headers, name, value);
        }
    }
}

/// Sets a header; a value that cannot be one is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

fn is_not_modified(object: &Object, asked: &HeaderMap) -> bool {
    let text = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    match (text(IF_NONE_MATCH), text(IF_MODIFIED_SINCE)) {
        (Some(etags), _) => etags.split(',').map(str::trim).any(|etag| {
            let etag = etag.strip_prefix("W/").unwrap_or(etag);
            etag == "*" || etag.trim_matches('"') == object.etag
        }),
        (None, Some(since)) => parse_http_date(since).is_some_and(|since| object.last_modified <= since),
        (None, None) => false,
    }
}

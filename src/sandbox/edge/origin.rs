//! The origin's answer, and how an edge transforms it.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_TYPE, ETAG, EXPIRES, HeaderName, HeaderValue, LAST_MODIFIED,
};
use hyper::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::address::Address;
use super::cache::Kept;
use super::compression::{self, Encodings};
use super::{Edge, lifetime};
use crate::sandbox::answer;
use crate::sandbox::caching::Caching;
use crate::sandbox::clock::http_date;
use crate::sandbox::content::Content;
use crate::sandbox::distribution::Distribution;
use crate::sandbox::object::Object;
use crate::sandbox::plus;

/// The status of an origin that does not answer.
const BAD_GATEWAY: u16 = 502;

/// The origin's answer for a path.
pub(super) enum Origin {
    Object(Arc<Object>),
    /// The status of an error: [`BAD_GATEWAY`], or 403 for a missing key, since CloudFront may not list the bucket (AWS.md 4.6).
    Error(u16),
}

impl Origin {
    /// Whether it would answer 304 to a client that has this already.
    pub(super) fn is_still(&self, kept: &Kept) -> bool {
        matches!(self, Origin::Object(object) if kept.etag.as_ref() == Some(&object.etag))
    }
}

/// An answer from the origin.
pub(super) struct Fetched {
    pub(super) kept: Kept,
    /// Whether the edge may cache it.
    pub(super) may_be_kept: bool,
}

impl Edge {
    /// Fetches a percent-encoded path, as it is after any function, from below `origin_path`.
    pub(super) fn fetch(&self, distribution: &Distribution, origin_path: &str, path: &str) -> Origin {
        let whole = format!("{origin_path}{path}");
        let key = plus::decode(whole.trim_start_matches('/'));
        match self.store.object(&distribution.bucket, &key) {
            Ok(object) => Origin::Object(object),
            Err(error) if *error.code() == s3s::S3ErrorCode::NoSuchBucket => Origin::Error(404),
            // A website endpoint may list the bucket.
            Err(_) if distribution.website_error.is_some() => Origin::Error(404),
            Err(_) => Origin::Error(403),
        }
    }

    /// The first existing candidate of an address, or else the error of the first.
    pub(super) fn first(&self, distribution: &Distribution, address: &Address<'_>) -> Origin {
        if !address.served.is_site {
            return Origin::Error(BAD_GATEWAY);
        }
        let origin_path = address.served.origin_path;
        let mut answers = address.candidates.iter().map(|path| self.fetch(distribution, origin_path, path));
        let first = answers.next().unwrap_or(Origin::Error(403));
        match first {
            Origin::Object(_) => first,
            Origin::Error(_) => answers.find(|answer| matches!(answer, Origin::Object(_))).unwrap_or(first),
        }
    }

    /// Fetches the answer for an address, and transforms it into the edge's answer.
    pub(super) fn fetch_anew(
        &self,
        distribution: &Distribution,
        address: &Address<'_>,
        encodings: Encodings,
        now: Timestamp,
    ) -> Fetched {
        let caching = address.served.caching;
        match self.first(distribution, address) {
            Origin::Object(object) => {
                let headers = headers(&object);
                let lifetime = lifetime::of_object(caching, &headers, now);
                let etag = Some(object.etag.clone());
                let tags = tags(distribution, &headers);
                let answered = Answered { status: 200, headers, content: object.content.clone(), etag, tags };
                answered.kept(caching, encodings, now, lifetime)
            }
            Origin::Error(status) => {
                let (answered, lifetime) = self.error(distribution, caching, status, now);
                answered.kept(caching, encodings, now, lifetime)
            }
        }
    }

    /// The custom error page for a status of the origin, and its lifetime. If none is configured, or the page is missing, it is
    /// the origin's error.
    fn error(
        &self,
        distribution: &Distribution,
        caching: &Caching,
        status: u16,
        now: Timestamp,
    ) -> (Answered, Option<Duration>) {
        let custom = distribution.custom_errors.iter().find(|custom| custom.error_code == status);
        // No viewer-request function runs for an error page (AWS.md 2.2).
        let page = custom.and_then(|custom| Some((custom, custom.response_page_path.as_deref()?)));
        let page = page.map(|(custom, path)| (custom, self.fetch(distribution, &distribution.origin_path, path)));
        let document = distribution.website_error.as_ref().filter(|_| page.is_none() && status == 404);
        let document = document.and_then(|key| self.store.object(&distribution.bucket, key).ok());
        let answered = match page {
            Some((custom, Origin::Object(object))) => Answered {
                status: custom.response_code.unwrap_or(status),
                headers: headers(&object),
                content: object.content.clone(),
                etag: None,
                // It is not documented whether an error has the tags of its page.
                tags: Vec::new(),
            },
            _ => match document {
                Some(object) => Answered {
                    status,
                    headers: headers(&object),
                    content: object.content.clone(),
                    etag: None,
                    tags: Vec::new(),
                },
                None => Answered::error(status),
            },
        };
        let lifetime = lifetime::of_error(caching, status, custom, &answered.headers, now);
        (answered, lifetime)
    }
}

/// The origin's answer.
struct Answered {
    status: u16,
    headers: HeaderMap,
    content: Content,
    etag: Option<String>,
    tags: Vec<String>,
}

impl Answered {
    fn error(status: u16) -> Answered {
        let text = match status {
            BAD_GATEWAY => answer::s3_error_text("BadGateway", "The sandbox has no origin besides its buckets.", ""),
            404 => answer::s3_error_text("NoSuchBucket", "The specified bucket does not exist", ""),
            _ => answer::s3_error_text("AccessDenied", "Access Denied", ""),
        };
        let content = Content::of(Bytes::from(text));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(content.len));
        Answered { status, headers, content, etag: None, tags: Vec::new() }
    }

    fn kept(mut self, caching: &Caching, encodings: Encodings, now: Timestamp, lifetime: Option<Duration>) -> Fetched {
        let compressed = compression::compress(caching, encodings, self.status, &mut self.headers, &self.content);
        // It compresses as far as it can (AWS.md 2.4): a later read error appears while it is being sent.
        let content = compressed.ok().flatten().unwrap_or(self.content);
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::FORBIDDEN);
        let kept = Kept {
            status,
            headers: self.headers,
            content,
            etag: self.etag,
            tags: self.tags,
            since: now,
            lifetime: lifetime.unwrap_or_default(),
        };
        Fetched { kept, may_be_kept: lifetime.is_some() }
    }
}

/// The cache tags of an answer, if the distribution has a header for them.
fn tags(distribution: &Distribution, headers: &HeaderMap) -> Vec<String> {
    let named = distribution.cache_tag_header.as_ref().and_then(|name| headers.get(name.as_str()));
    let all = named.and_then(|value| value.to_str().ok()).unwrap_or_default();
    all.split(',').map(|tag| tag.trim().to_ascii_lowercase()).filter(|tag| !tag.is_empty()).collect()
}

/// The headers that S3 sends with an object.
fn headers(object: &Object) -> HeaderMap {
    let mut headers = HeaderMap::new();
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
            set(&mut headers, name, value);
        }
    }
    set(&mut headers, CONTENT_TYPE, &stored.content_type);
    set(&mut headers, ETAG, &format!("\"{}\"", object.etag));
    set(&mut headers, LAST_MODIFIED, &http_date(object.last_modified));
    set(&mut headers, CONTENT_LENGTH, &object.content.len.to_string());
    set(&mut headers, ACCEPT_RANGES, "bytes");
    for (name, value) in &stored.metadata {
        if let Ok(name) = HeaderName::try_from(format!("x-amz-meta-{name}")) {
            set(&mut headers, name, value);
        }
    }
    headers
}

/// Sets a header; skips an invalid value.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

//! The page that shows people the content of all caches.

use hyper::Response;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use jiff::Timestamp;
use s3s::Body;

use super::EDGE_HEADER;
use super::cache::Cache;
use crate::sandbox::answer::{Answer, escape};

/// One location's part of the page.
pub(super) fn location(name: &str, cache: &Cache, now: Timestamp) -> String {
    let mut rows = String::new();
    for (distribution, key, encodings, kept) in cache.all() {
        let age = now.duration_since(kept.since).as_secs();
        let left = i64::try_from(kept.lifetime.as_secs()).unwrap_or(i64::MAX).saturating_sub(age);
        let left = if left > 0 { format!("{left} s") } else { "asks the origin".to_owned() };
        let etag = kept.etag.as_deref().unwrap_or("error");
        rows.push_str(&format!(
            "<tr><td>{}<td>{}<td>{encodings}<td>{}<td>{}<td>{age} s<td>{left}<td>{}\n",
            escape(distribution),
            escape(key),
            kept.status.as_u16(),
            kept.content.len,
            escape(etag),
        ));
    }
    if rows.is_empty() {
        rows.push_str("<tr><td colspan=8>Nothing.\n");
    }
    format!(
        "<h2>{}</h2>\n<table>\n<tr><th>Distribution<th>Address<th>Accept-Encoding<th>Status<th>Bytes<th>Age<th>Fresh for\
         <th>ETag of the origin\n{rows}</table>\n",
        escape(name)
    )
}

/// The page around all locations.
pub(super) fn whole(locations: &str) -> Answer {
    let text = format!(
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>What the sandbox's edge keeps</title>\n\
         <style>body{{font:16px/1.5 sans-serif;margin:2rem}}table{{border-collapse:collapse}}\
         th,td{{text-align:left;padding:.2rem .8rem;border-bottom:1px solid #ccc;white-space:nowrap}}\
         td:nth-child(2){{white-space:normal;overflow-wrap:anywhere}}</style>\n\
         <h1>What the sandbox's edge keeps</h1>\n\
         <p>Each location keeps answers of its own, as CloudFront does. A request chooses one with the header \
         <code>{EDGE_HEADER}</code>; without it, the first one answers.</p>\n{locations}</html>\n"
    );
    let mut answer = Response::new(Body::from(text));
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

//! Determines the operation of a request on arrival, before any other code reads it.

use std::collections::BTreeMap;

use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use super::log::{LoggedRequest, Service};
use super::plus;

/// The log entry of a request that has just arrived; the log sets its position in the order.
pub(super) fn describe(service: Service, parts: &Parts) -> LoggedRequest {
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let (operation, bucket, key) = match service {
        Service::S3 => {
            let (bucket, key) =
                path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
            let operation = s3(&parts.method, !bucket.is_empty(), !key.is_empty(), query, &parts.headers);
            (operation, decode(bucket), plus::decode(key))
        }
        Service::CloudFront => {
            let (operation, distribution) = cloudfront(&parts.method, path);
            (operation, String::new(), distribution.to_owned())
        }
        Service::Site => (parts.method.as_str(), String::new(), decode(path)),
    };
    LoggedRequest {
        service,
        operation: operation.to_owned(),
        bucket,
        key,
        method: parts.method.to_string(),
        query: query.to_owned(),
        headers: headers(&parts.headers),
        body_bytes: body_bytes(&parts.headers),
        status: None,
        began: 0,
        ended: None,
    }
}

fn s3(method: &Method, bucket: bool, key: bool, query: &str, headers: &HeaderMap) -> &'static str {
    let names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    let has = |name: &str| names.contains(&name);
    let copies = headers.contains_key("x-amz-copy-source");
    let subresource = [
        "acl",
        "tagging",
        "policy",
        "versioning",
        "versions",
        "cors",
        "website",
        "lifecycle",
        "attributes",
        "retention",
    ]
    .into_iter()
    .any(has);
    match (method.as_str(), bucket, key) {
        _ if subresource => "Other",
        ("GET", false, false) => "ListBuckets",
        ("PUT", true, false) => "CreateBucket",
        ("HEAD", true, false) => "HeadBucket",
        ("DELETE", true, false) => "DeleteBucket",
        ("POST", true, false) if has("delete") => "DeleteObjects",
        ("GET", true, false) if has("location") => "GetBucketLocation",
        ("GET", true, false) if has("uploads") => "ListMultipartUploads",
        ("GET", true, false) if has("list-type") => "ListObjectsV2",
        ("GET", true, false) => "ListObjects",
        ("HEAD", true, true) => "HeadObject",
        ("GET", true, true) if has("uploadId") => "ListParts",
        ("GET", true, true) => "GetObject",
        ("PUT", true, true) if has("uploadId") && copies => "UploadPartCopy",
        ("PUT", true, true) if has("uploadId") => "UploadPart",
        ("PUT", true, true) if copies => "CopyObject",
        ("PUT", true, true) => "PutObject",
        ("POST", true, true) if has("uploads") => "CreateMultipartUpload",
        ("POST", true, true) if has("uploadId") => "CompleteMultipartUpload",
        ("DELETE", true, true) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", true, true) => "DeleteObject",
        _ => "Other",
    }
}

/// The operation and the id of the distribution, of the tenant, or of the cache policy.
fn cloudfront<'a>(method: &Method, path: &'a str) -> (&'static str, &'a str) {
    if let (&Method::GET, Some(id)) = (method, path.strip_prefix("/2020-05-31/cache-policy/")) {
        return ("GetCachePolicy", id);
    }
    if let Some(rest) = path.strip_prefix("/2020-05-31/distribution-tenant/") {
        return tenant(method, rest);
    }
    let Some(rest) = path.strip_prefix("/2020-05-31/distribution/") else {
        return ("Other", "");
    };
    let segments: Vec<&str> = rest.split('/').collect();
    let operation = match (method.as_str(), segments.as_slice()) {
        ("GET", [_]) => "GetDistribution",
        ("GET", [_, "config"]) => "GetDistributionConfig",
        ("POST", [_, "invalidation"]) => "CreateInvalidation",
        ("GET", [_, "invalidation"]) => "ListInvalidations",
        ("GET", [_, "invalidation", _]) => "GetInvalidation",
        _ => "Other",
    };
    (operation, segments.first().copied().unwrap_or_default())
}

/// The operation on a tenant of a distribution, and the tenant's id.
fn tenant<'a>(method: &Method, rest: &'a str) -> (&'static str, &'a str) {
    let segments: Vec<&str> = rest.split('/').collect();
    let operation = match (method.as_str(), segments.as_slice()) {
        ("GET", [_]) => "GetDistributionTenant",
        ("POST", [_, "invalidation"]) => "CreateInvalidationForDistributionTenant",
        ("GET", [_, "invalidation", _]) => "GetInvalidationForDistributionTenant",
        _ => "Other",
    };
    (operation, segments.first().copied().unwrap_or_default())
}

fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        if name == hyper::header::AUTHORIZATION {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        all.entry(name.as_str().to_owned())
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(&value);
            })
            .or_insert_with(|| value.to_string());
    }
    all
}

fn body_bytes(headers: &HeaderMap) -> u64 {
    let number = |name: &str| -> Option<u64> { headers.get(name)?.to_str().ok()?.parse().ok() };
    number("x-amz-decoded-content-length").or_else(|| number("content-length")).unwrap_or(0)
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

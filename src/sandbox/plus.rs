//! For S3, a bare `+` in an address is a space, even behind CloudFront; only `%2B` is a plus (docs/decisions/0020).

use hyper::header::{HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;

/// The meaning of a percent-encoded path for S3.
pub(super) fn decode(path: &str) -> String {
    percent_decode_str(&spaced(path)).decode_utf8_lossy().into_owned()
}

/// `uri` with its path as S3 reads it. The query stays.
pub(super) fn respell(uri: &Uri) -> Uri {
    let path = spaced(uri.path());
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    // Replacing one sequence of allowed bytes with another keeps the path valid.
    if let Ok(path) = PathAndQuery::try_from(whole) {
        parts.path_and_query = Some(path);
    }
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// The source of a copy as S3 reads it, if that differs from the text.
pub(super) fn respelled_source(headers: &HeaderMap) -> Option<HeaderValue> {
    let source = headers.get(HeaderName::from_static("x-amz-copy-source"))?.to_str().ok()?;
    source.contains('+').then(|| HeaderValue::try_from(spaced(source)).ok()).flatten()
}

fn spaced(path: &str) -> String {
    path.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_encoded_plus_is_one() {
        assert_eq!(decode("/c++/a%2Bb%20c"), "/c  /a+b c");
        let uri: Uri = "http://localhost/a+b%2B?prefix=a+b".parse().unwrap();
        assert_eq!(respell(&uri), "http://localhost/a%20b%2B?prefix=a+b");
        assert_eq!(respell(&"/a".parse().unwrap()), "/a");
    }
}

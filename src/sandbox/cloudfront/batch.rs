//! Parses and validates an invalidation batch, by the rules of AWS.md 1.1.

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::ApiError;
use crate::sandbox::spelling::must_be_encoded;

/// The longest cache tag, in characters (AWS.md 1.6).
const MAX_TAG: usize = 256;

/// The longest path, in characters.
const MAX_PATH: usize = 4_000;

/// A valid invalidation batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) caller_reference: String,
    pub(super) paths: Vec<String>,
}

#[derive(Deserialize)]
struct InvalidationBatch {
    #[serde(rename = "Paths")]
    paths: Paths,
    #[serde(rename = "CallerReference")]
    caller_reference: String,
}

#[derive(Deserialize)]
struct Paths {
    #[serde(rename = "Quantity")]
    quantity: usize,
    #[serde(rename = "Items")]
    items: Option<Items>,
}

#[derive(Deserialize)]
struct Items {
    #[serde(rename = "Path", default)]
    path: Vec<String>,
}

/// # Errors
/// `MissingBody`, `MalformedXML`, `InconsistentQuantities`, `InvalidArgument`.
pub(super) fn parse(body: &[u8]) -> Result<Batch, ApiError> {
    let malformed = || ApiError::new(400, "MalformedXML", "The request body could not be parsed.");
    if body.is_empty() {
        return Err(ApiError::new(400, "MissingBody", "This operation requires a body."));
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let batch: InvalidationBatch = quick_xml::de::from_str(text).map_err(|_| malformed())?;
    let paths = batch.paths.items.map(|items| items.path).unwrap_or_default();
    if paths.len() != batch.paths.quantity {
        return Err(ApiError::new(
            400,
            "InconsistentQuantities",
            "The value of Quantity and the size of Items do not match.",
        ));
    }
    if paths.is_empty() || batch.caller_reference.is_empty() {
        return Err(ApiError::new(400, "InvalidArgument", "Paths and CallerReference must not be empty."));
    }
    if let Some(path) = paths.iter().find(|path| !is_valid(path)) {
        return Err(ApiError::new(
            400,
            "InvalidArgument",
            format!("Your request contains one or more invalid invalidation paths: {path}"),
        ));
    }
    Ok(Batch { caller_reference: batch.caller_reference, paths })
}

/// Whether CloudFront would match the intended objects: the path starts with `/`, everything that must be percent-encoded is,
/// nothing else is except `+`, which CloudFront and S3 distinguish from `%2B`, and there is no `~`. Or it is a cache tag
/// (`#`).
fn is_valid(path: &str) -> bool {
    if let Some(tag) = path.strip_prefix('#') {
        return (1..=MAX_TAG).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    }
    if !path.starts_with('/') || path.len() > MAX_PATH || !path.is_ascii() {
        return false;
    }
    let bytes = path.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let Some(escape) = path.get(at..at + 3) else {
                return false;
            };
            let decoded: Vec<u8> = percent_decode_str(escape).collect();
            match decoded.as_slice() {
                [b'~'] => return false,
                [decoded] if *decoded == b'+' || must_be_encoded(*decoded) => at += 3,
                _ => return false,
            }
        } else if must_be_encoded(*byte) {
            return false;
        } else {
            at += 1;
        }
    }
    true
}

/// Whether a path matches everything that begins with it; a `*` elsewhere is literal.
pub(super) fn is_wildcard(path: &str) -> bool {
    path.starts_with('/') && path.ends_with('*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_judged() {
        let valid = [
            "/",
            "/*",
            "/a*b",
            "/index.html",
            "/a%20b",
            "/%C3%A9t%C3%A9",
            "/a+b@c:d;e,f&g=h$i!'()",
            "/q?a=b",
            "/100%25",
            "/c%2B%2B",
            "#blog",
            "#product:tv",
        ];
        let invalid = [
            "index.html",
            "",
            "/a b",
            "/été",
            "/a~b",
            "/a%7Eb",
            "/%41",
            "/a%2Fb",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a[b]",
            "/a#b",
            "/%2A",
            "#",
            "#a,b",
            "#a b",
        ];
        for path in valid {
            assert!(is_valid(path), "{path}");
        }
        for path in invalid {
            assert!(!is_valid(path), "{path}");
        }
        assert!(is_valid(&format!("/{}", "a".repeat(3_999))));
        assert!(!is_valid(&format!("/{}", "a".repeat(4_000))));
    }

    #[test]
    fn quantity_must_fit() {
        let body = |quantity: usize| {
            format!(
                "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Paths><Quantity>{quantity}</Quantity>\
                 <Items><Path>/a</Path><Path>/b&amp;c</Path></Items></Paths><CallerReference>r</CallerReference></InvalidationBatch>"
            )
        };
        let batch = parse(body(2).as_bytes()).expect("a sound batch");
        assert_eq!(batch.paths, ["/a", "/b&c"]);
        assert_eq!(parse(body(3).as_bytes()).expect_err("too few").code, "InconsistentQuantities");
    }
}

//! The encodings that a viewer accepts, and the answers that an edge compresses (AWS.md 2.4).

use std::fmt;
use std::io::{self, Write};

use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, VARY};

use crate::sandbox::caching::Caching;
use crate::sandbox::content::Content;

/// The sizes of files that are compressed, in bytes.
const SIZES: std::ops::RangeInclusive<u64> = 1_000..=10_000_000;

/// Fast: a real edge compresses once and serves often, but here a developer is waiting.
const BROTLI_QUALITY: u32 = 5;

/// The content types of DG:ServingCompressedFiles.
const TYPES: [&str; 48] = [
    "application/dash+xml",
    "application/eot",
    "application/font",
    "application/font-sfnt",
    "application/javascript",
    "application/json",
    "application/opentype",
    "application/otf",
    "application/pdf",
    "application/pkcs7-mime",
    "application/protobuf",
    "application/rss+xml",
    "application/truetype",
    "application/ttf",
    "application/vnd.apple.mpegurl",
    "application/vnd.mapbox-vector-tile",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-font-opentype",
    "application/x-font-truetype",
    "application/x-font-ttf",
    "application/x-httpd-cgi",
    "application/x-javascript",
    "application/x-mpegurl",
    "application/x-opentype",
    "application/x-otf",
    "application/x-perl",
    "application/x-ttf",
    "application/xhtml+xml",
    "application/xml",
    "font/eot",
    "font/opentype",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/js",
    "text/plain",
    "text/richtext",
    "text/tab-separated-values",
    "text/x-component",
    "text/x-java-source",
    "text/x-script",
    "text/xml",
    "vnd.apple.mpegurl",
];

/// The encodings in the cache key: the normalized `Accept-Encoding` of a viewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Encodings {
    pub(super) brotli: bool,
    pub(super) gzip: bool,
}

impl fmt::Display for Encodings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match (self.brotli, self.gzip) {
            (true, true) => "br,gzip",
            (true, false) => "br",
            (false, true) => "gzip",
            (false, false) => "identity",
        })
    }
}

impl Encodings {
    /// A viewer's encodings that count at a distribution.
    pub(super) fn of(caching: &Caching, headers: &HeaderMap) -> Encodings {
        let (brotli, gzip) = match caching.policy {
            Some(_) => (caching.brotli, caching.gzip),
            None => (false, caching.compress),
        };
        let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let taken: Vec<String> = values.flat_map(|value| value.split(',')).filter_map(acceptable).collect();
        let takes = |name: &str| taken.iter().any(|taken| taken == name);
        Encodings { brotli: brotli && takes("br"), gzip: gzip && takes("gzip") }
    }

    /// The encoding that an edge chooses: Brotli if both are accepted.
    fn chosen(self) -> Option<Encoding> {
        let gzip = self.gzip.then_some(Encoding::Gzip);
        if self.brotli { Some(Encoding::Brotli) } else { gzip }
    }
}

/// The coding of one element of `Accept-Encoding`, in lower case; none if the viewer refuses it with `q=0`.
fn acceptable(element: &str) -> Option<String> {
    let (coding, parameters) = element.split_once(';').unwrap_or((element, ""));
    let weight = parameters.trim().strip_prefix("q=").map(|weight| weight.trim().parse::<f32>());
    (!matches!(weight, Some(Ok(0.0)))).then(|| coding.trim().to_ascii_lowercase())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Brotli,
    Gzip,
}

/// Compresses an answer of the origin, if CloudFront would, and sets its headers. `status` is what viewers get.
pub(super) fn compress(
    caching: &Caching,
    encodings: Encodings,
    status: u16,
    headers: &mut HeaderMap,
    content: &Content,
) -> io::Result<Option<Content>> {
    let Some(encoding) = encodings.chosen().filter(|_| caching.compress) else { return Ok(None) };
    let is_listed = matches!(status, 200 | 403 | 404) && SIZES.contains(&content.len) && is_compressible(headers);
    if !is_listed || headers.contains_key(CONTENT_ENCODING) {
        return Ok(None);
    }
    let (name, encoded) = match encoding {
        Encoding::Brotli => ("br", brotli(&content.read()?)?),
        Encoding::Gzip => ("gzip", gzip(&content.read()?)?),
    };
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(encoded.len()));
    let weak = headers.get(ETAG).and_then(|etag| HeaderValue::try_from([b"W/", etag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(ETAG, weak);
    }
    Ok(Some(Content::of(Bytes::from(encoded))))
}

fn is_compressible(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    TYPES.iter().any(|listed| listed.eq_ignore_ascii_case(essence))
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // A window as large as the body, within Brotli's limits: a larger one takes long to set up.
    let window = (usize::BITS - bytes.len().leading_zeros()).clamp(10, 22);
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 4_096, BROTLI_QUALITY, window);
    writer.write_all(bytes)?;
    // Its last block is written as it is taken apart.
    Ok(writer.into_inner())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes)?;
    writer.finish()
}

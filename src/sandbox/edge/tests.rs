//! The edge without HTTP: its answers, and the content of its caches. `src/sandbox/tests/site.rs` tests it over HTTP.

mod rules;
mod staleness;

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING};
use hyper::{HeaderMap, Request};
use s3s::Body;
use s3s::crypto::{Checksum as _, Md5};

use super::{EDGE_HEADER, Edge, LOCATIONS};
use crate::sandbox::caching::{Behavior, Caching};
use crate::sandbox::checksum::Algorithm;
use crate::sandbox::clock::Clock;
use crate::sandbox::conditions::Conditions;
use crate::sandbox::content::Content;
use crate::sandbox::distribution::{CustomError, Distribution, IndexPages};
use crate::sandbox::object::{Encryption, Headers, Object};
use crate::sandbox::store::Store;

/// A bucket, an edge that serves it, and one distribution.
struct Bench {
    clock: Clock,
    store: Arc<Store>,
    edge: Edge,
    distribution: Distribution,
}

/// A viewer's answer.
#[derive(Debug, PartialEq, Eq)]
struct Got {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Its source, without the constant part: `Hit`, `Miss`, `RefreshHit` or `Error`.
    fn source(&self) -> &str {
        self.header("x-cache").strip_suffix(" from cloudfront").unwrap()
    }
}

impl Bench {
    fn new(distribution: Distribution) -> Bench {
        let clock = Clock::default();
        let store = Arc::new(Store::open(None, clock.clone(), &["sandbox".to_owned()]).unwrap());
        let edge = Edge::new(Arc::clone(&store), clock.clone());
        Bench { clock, store, edge, distribution }
    }

    /// With a policy that caches answers without a lifetime for an hour, and none against the origin's will.
    fn exact() -> Bench {
        let caching =
            Caching { min_ttl: Duration::ZERO, default_ttl: Duration::from_secs(3_600), ..Caching::default() };
        Bench::new(Distribution { caching, ..Distribution::default() })
    }

    fn put(&self, key: &str, bytes: impl Into<Bytes>, content_type: &str, cache_control: &str) {
        let cache_control = (!cache_control.is_empty()).then(|| cache_control.to_owned());
        let headers = Headers { content_type: content_type.to_owned(), cache_control, ..Headers::default() };
        self.put_with(key, bytes.into(), headers);
    }

    fn put_with(&self, key: &str, bytes: Bytes, headers: Headers) {
        let content = Content::of(bytes.clone());
        let md5 = hex::encode(Md5::checksum(&bytes));
        let (checksum, _) = content.hash(Algorithm::Crc64Nvme).unwrap();
        let object = Object {
            content,
            headers,
            encryption: Encryption::default(),
            storage_class: None,
            etag: md5.clone(),
            md5: Some(md5),
            checksum,
            last_modified: self.clock.now(),
        };
        self.store.put("sandbox", key, &Conditions::default(), object).unwrap();
    }

    fn remove(&self, key: &str) {
        self.store.delete("sandbox", key, &Conditions::default()).unwrap();
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn forget(&self, paths: &[&str]) {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        self.edge.forget(&self.distribution.id, &paths, self.clock.now());
    }

    async fn get(&self, path: &str) -> Got {
        self.ask(path, &[]).await
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        let answer = self.edge.answer(&self.distribution, &request.body(Body::empty()).unwrap());
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Got { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// The sources of the answers to consecutive requests.
    async fn sources(&self, path: &str, requests: usize) -> Vec<String> {
        let mut sources = Vec::new();
        for _ in 0..requests {
            sources.push(self.get(path).await.source().to_owned());
        }
        sources
    }
}

/// The bytes of a body number.
fn decoded(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match headers.get(CONTENT_ENCODING).map(|encoding| encoding.to_str().unwrap()) {
        None => plain.extend_from_slice(body),
        Some("gzip") => drop(flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap()),
        Some("br") => brotli::BrotliDecompress(&mut &*body, &mut plain).unwrap(),
        Some(other) => panic!("an unknown encoding: {other}"),
    }
    plain
}

fn custom(error_code: u16, min_ttl: u64) -> CustomError {
    CustomError {
        error_code,
        response_page_path: Some("/404.html".to_owned()),
        response_code: Some(404),
        error_caching_min_ttl: Duration::from_secs(min_ttl),
    }
}

/// Text that is large enough to be compressed.
fn text(bytes: usize) -> Vec<u8> {
    b"The lamps of the harbour are lit at dusk. ".iter().copied().cycle().take(bytes).collect()
}

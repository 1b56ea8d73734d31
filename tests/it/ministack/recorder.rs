//! Stands between the program and ministack and writes down what goes by: what was asked is not the program's own word.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, EXPECT, HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;

type Answer = Response<BoxBody<Bytes, hyper::Error>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One request that came by.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The operation, in AWS's words.
    pub operation: &'static str,
    /// The key, or the whole path where there is none.
    pub key: String,
    /// What was sent.
    pub body: Bytes,
}

/// A proxy on a port of its own, for as long as the runtime lives that started it.
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Log {
    requests: Vec<Recorded>,
    /// How many of them were taken.
    taken: usize,
}

struct Shared {
    server: String,
    host: Option<HeaderValue>,
    client: Client<HttpConnector, Full<Bytes>>,
    log: Mutex<Log>,
    refused: Mutex<Option<&'static str>>,
}

impl Recorder {
    /// Passes everything on to the server at `endpoint`, for the virtual host `host` if one is given.
    pub async fn start(endpoint: &str, host: Option<&str>) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: endpoint.to_owned(),
            host: host.map(|host| host.parse().unwrap()),
            client: Client::builder(TokioExecutor::new()).build_http(),
            log: Mutex::default(),
            refused: Mutex::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Recorder { address, shared }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came by since the last call.
    pub fn take(&self) -> Vec<Recorded> {
        let mut log = self.shared.log.lock().unwrap();
        let (taken, all) = (log.taken, log.requests.len());
        log.taken = all;
        log.requests[taken..].to_vec()
    }

    /// All that ever came by.
    pub fn all(&self) -> Vec<Recorded> {
        self.shared.log.lock().unwrap().requests.clone()
    }

    /// From now on, answers requests for `operation` itself: access is denied. `None`: for none.
    pub fn refuse(&self, operation: Option<&'static str>) {
        *self.shared.refused.lock().unwrap() = operation;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| forward(&shared, request));
            // A client that hangs up is none of our business.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn forward(shared: &Shared, request: Request<Incoming>) -> Result<Answer, Failure> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let recorded = recorded(&parts, body.clone());
    let operation = recorded.operation;
    shared.log.lock().unwrap().requests.push(recorded);
    if *shared.refused.lock().unwrap() == Some(operation) {
        return Ok(denied());
    }
    // S3 reads a bare plus as a space, and the server behind this may not.
    let path = parts.uri.path().replace('+', "%20");
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    parts.uri = format!("{}{path}{query}", shared.server).parse()?;
    // The body is here already.
    parts.headers.remove(EXPECT);
    if let Some(host) = &shared.host {
        parts.headers.insert(HOST, host.clone());
    }
    let answer = shared.client.request(Request::from_parts(parts, Full::new(body))).await?;
    Ok(answer.map(BodyExt::boxed))
}

fn recorded(parts: &Parts, body: Bytes) -> Recorded {
    let chunked = parts.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "aws-chunked");
    assert!(!chunked, "a body in chunks cannot be compared with a file: {parts:?}");
    let path = percent_decode_str(&parts.uri.path().replace('+', "%20")).decode_utf8_lossy().into_owned();
    let query = parts.uri.query().unwrap_or_default();
    let copies = parts.headers.contains_key("x-amz-copy-source");
    if path.starts_with("/2020-05-31/") {
        return Recorded { operation: cloudfront_operation(&parts.method, &path), key: path, body };
    }
    let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key).to_owned();
    Recorded { operation: s3_operation(&parts.method, &key, query, copies), key, body }
}

fn cloudfront_operation(method: &Method, path: &str) -> &'static str {
    match (method.as_str(), path) {
        ("POST", path) if path.ends_with("/invalidation") => "CreateInvalidation",
        ("GET", path) if path.contains("/invalidation/") => "GetInvalidation",
        ("GET", path) if path.ends_with("/config") => "GetDistributionConfig",
        _ => "another operation of CloudFront",
    }
}

fn s3_operation(method: &Method, key: &str, query: &str, copies: bool) -> &'static str {
    match (method.as_str(), key) {
        ("GET", "") if query.contains("list-type=2") => "ListObjectsV2",
        ("POST", "") if query.contains("delete") => "DeleteObjects",
        ("GET", _) => "GetObject",
        ("HEAD", _) => "HeadObject",
        ("PUT", _) if copies => "CopyObject",
        ("PUT", _) => "PutObject",
        _ => "another operation of S3",
    }
}

fn denied() -> Answer {
    let text = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>refused by the test</Message>\
                </Error><RequestId>refused</RequestId></ErrorResponse>";
    let body = Full::new(Bytes::from_static(text.as_bytes())).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::FORBIDDEN;
    answer
}

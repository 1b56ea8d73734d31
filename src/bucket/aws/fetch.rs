//! Fetches the site as visitors get it: plain GETs over the same TLS stack that the SDK uses.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::io::{ErrorKind, Read};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use tokio::time::timeout;

use super::answer::{Cause, FailedRequest, chain};
use super::connection::{self, Persistent, plain_connector};
use super::object::MARKER;
use super::refusals::Class;
use super::roots::{Bundle, is_of_tls};
use crate::types::digest::Digest;

/// The longest silence: between connecting and the answer, and between two pieces of it.
const STALLED: Duration = Duration::from_secs(10);

/// The longest time for one answer: visitors do not wait for a page that arrives byte by byte.
const LONGEST: Duration = Duration::from_secs(60);

/// Attempts if there is no answer or it breaks off.
const MAX_ATTEMPTS: u32 = 3;

/// The buffer of the Brotli decoder, in bytes.
const BROTLI_BUFFER: usize = 4_096;

/// Fetches what visitors get. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Fetcher {
    // Created on first use: it reads the machine's root certificates.
    connector: Arc<OnceLock<SharedHttpConnector>>,
    bundle: Bundle,
}

/// Whether an answer may be compressed in transit. A CDN keeps a copy for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// With Brotli or gzip, as browsers request it.
    Compressed,
    /// Not compressed, as many programs request it.
    Identity,
}

impl Encoding {
    /// The value of `Accept-Encoding`.
    fn accepted(self) -> &'static str {
        match self {
            Encoding::Compressed => "br, gzip",
            Encoding::Identity => "identity",
        }
    }
}

/// The answer to a visitor, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteAnswer {
    /// The HTTP status. Redirects are not followed.
    pub status: u16,
    /// The headers, with names in lower case; repeated ones are joined with commas.
    pub headers: BTreeMap<String, String>,
    /// The body as received.
    pub body: Vec<u8>,
    /// The body without the compression in `Content-Encoding`; `None`: there is none, or it cannot be undone.
    decoded: Option<Vec<u8>>,
}

impl SiteAnswer {
    /// An answer, of whose body at most `max_bytes` are decompressed: a larger body is nothing that was published.
    pub(crate) fn new(status: u16, headers: BTreeMap<String, String>, body: Vec<u8>, max_bytes: u64) -> SiteAnswer {
        let decoded = headers.get("content-encoding").and_then(|encoding| decode(encoding, &body, max_bytes));
        SiteAnswer { status, headers, body, decoded }
    }

    /// The body that a browser shows, decompressed.
    pub fn content(&self) -> &[u8] {
        self.decoded.as_ref().unwrap_or(&self.body)
    }

    /// Whether the body is these bytes, compressed in transit or not. A file that is stored compressed keeps
    /// its compression.
    pub fn carries(&self, digest: Digest) -> bool {
        Digest::of(&self.body) == digest || self.decoded.as_ref().is_some_and(|decoded| Digest::of(decoded) == digest)
    }

    /// Whether the headers show a file that this program stored, of any site.
    pub fn is_of_publish(&self) -> bool {
        self.headers.contains_key(&format!("x-amz-meta-{MARKER}"))
    }

    /// Whether its content type is HTML.
    pub fn is_html(&self) -> bool {
        self.headers.get("content-type").is_some_and(|value| value.to_ascii_lowercase().contains("html"))
    }

    /// Whether any header shows that S3 or CloudFront took part in it.
    pub fn is_of_a_bucket(&self) -> bool {
        let says = |name: &str, word: &str| {
            self.headers.get(name).is_some_and(|value| value.to_ascii_lowercase().contains(word))
        };
        self.headers.keys().any(|name| name.starts_with("x-amz-"))
            || says("x-cache", "cloudfront")
            || says("via", "cloudfront")
            || says("server", "amazons3")
            || says("server", "cloudfront")
    }

    /// The CloudFront location that answered, such as `FRA56-P4` (the header `x-amz-cf-pop`): up to 32 letters,
    /// digits and hyphens.
    pub fn edge(&self) -> Option<&str> {
        let is_name = |text: &&str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        self.headers
            .get("x-amz-cf-pop")
            .map(String::as_str)
            .filter(is_name)
            .filter(|name| (1..=32).contains(&name.len()))
    }
}

fn decode(encoding: &str, body: &[u8], max_bytes: u64) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let read = match encoding.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => flate2::read::MultiGzDecoder::new(body).take(max_bytes + 1).read_to_end(&mut decoded),
        "br" => {
            brotli_decompressor::Decompressor::new(body, BROTLI_BUFFER).take(max_bytes + 1).read_to_end(&mut decoded)
        }
        _ => return None,
    };
    read.is_ok().then_some(decoded)
}

/// Why there was no complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The address is not a URL.
    NotAUrl,
    /// The name does not resolve.
    UnknownHost,
    /// The connection was refused.
    Refused,
    /// The server's certificate is not for this name or not trusted, or it does not speak TLS.
    Certificate,
    /// The connection failed in another way.
    Failed,
    /// No data came in time.
    Late,
    /// The answer broke off.
    BrokenOff,
    /// The answer did not end within the time that a visitor may wait.
    Endless,
    /// The body is larger than anything that was published.
    TooLong,
}

impl NoAnswer {
    /// The meaning of `error`, for a connection that failed or broke off.
    fn of(error: &(dyn StdError + 'static)) -> NoAnswer {
        let is_refused = |cause: &(dyn StdError + 'static)| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
        };
        // The client has no public type for it.
        if chain(error).any(|cause| cause.to_string() == "dns error") {
            NoAnswer::UnknownHost
        } else if chain(error).any(is_of_tls) {
            NoAnswer::Certificate
        } else if chain(error).any(is_refused) {
            NoAnswer::Refused
        } else {
            NoAnswer::Failed
        }
    }

    /// Whether another attempt at once may succeed.
    fn passes(self) -> bool {
        matches!(self, NoAnswer::Refused | NoAnswer::Failed | NoAnswer::Late | NoAnswer::BrokenOff)
    }

    /// What a URL does, without a full stop.
    pub fn sentence(self) -> &'static str {
        match self {
            NoAnswer::NotAUrl => "is not a URL",
            NoAnswer::UnknownHost => "does not answer: there is no server of that name (DNS)",
            NoAnswer::Refused => "does not answer: connection refused",
            NoAnswer::Certificate => {
                "does not answer: its certificate is not valid for that name, or not trusted (TLS)"
            }
            NoAnswer::Failed => "does not answer",
            NoAnswer::Late => "does not answer in time",
            NoAnswer::BrokenOff => "closes the connection before its answer is complete",
            NoAnswer::Endless => "does not finish its answer in time",
            NoAnswer::TooLong => "answers with more bytes than were published",
        }
    }
}

/// Why a URL gave no complete answer.
#[derive(Debug)]
pub struct FetchError {
    /// The URL.
    pub url: String,
    /// The kind of failure.
    pub why: NoAnswer,
    cause: Option<Box<Cause>>,
}

impl FetchError {
    pub(super) fn new(url: &str, why: NoAnswer) -> FetchError {
        FetchError { url: url.to_owned(), why, cause: None }
    }

    fn because(mut self, error: &(dyn StdError + 'static)) -> FetchError {
        self.cause = FailedRequest::of_error(Class::Unavailable, error).cause;
        self
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.url, self.why.sentence())
    }
}

impl StdError for FetchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &dyn StdError)
    }
}

impl Fetcher {
    /// For sites with certificates that this machine or `bundle` trusts.
    pub(super) fn new(bundle: Bundle) -> Fetcher {
        Fetcher { connector: Arc::default(), bundle }
    }

    fn connector(&self) -> &SharedHttpConnector {
        self.connector.get_or_init(|| SharedHttpConnector::new(Persistent::new(plain_connector(&self.bundle))))
    }

    /// Fetches `url` as a browser without a cache would. It does not bypass the CDN: the request is meant for the CDN's
    /// copy.
    ///
    /// # Errors
    /// If no data comes for ten seconds in each of three attempts, one answer takes more than a minute in all, or the body
    /// has more than `max_bytes`.
    pub async fn fetch(&self, url: &str, encoding: Encoding, max_bytes: u64) -> Result<SiteAnswer, FetchError> {
        let mut attempt = 1;
        loop {
            let got = timeout(LONGEST, self.fetch_once(url, encoding, max_bytes)).await;
            match got.unwrap_or_else(|_| Err(FetchError::new(url, NoAnswer::Endless))) {
                Err(error) if error.why.passes() && attempt < MAX_ATTEMPTS => attempt += 1,
                got => return got,
            }
        }
    }

    /// The host of `url`, if its name does not resolve now (DNS). Sends nothing there. Not looked up: IP addresses, and names
    /// that a proxy in the environment's variables would look up instead.
    pub async fn unknown_host(&self, url: &str) -> Option<String> {
        let url = url::Url::parse(url).ok()?;
        let Some(url::Host::Domain(host)) = url.host() else { return None };
        if connection::is_proxied(url.as_str()) {
            return None;
        }
        let port = url.port_or_known_default().unwrap_or(443);
        let found = timeout(STALLED, tokio::net::lookup_host((host, port))).await;
        matches!(found, Ok(Err(_))).then(|| host.to_owned())
    }

    async fn fetch_once(&self, url: &str, encoding: Encoding, max_bytes: u64) -> Result<SiteAnswer, FetchError> {
        let failed = |why| FetchError::new(url, why);
        let mut request = HttpRequest::get(url).map_err(|error| failed(NoAnswer::NotAUrl).because(&error))?;
        request.headers_mut().insert("accept", "*/*");
        request.headers_mut().insert("accept-encoding", encoding.accepted());
        request.headers_mut().insert("user-agent", concat!("publish/", env!("CARGO_PKG_VERSION")));
        exchange(self.connector(), request, url, max_bytes).await
    }
}

/// Sends `request` to `url` once, and reads the whole answer.
pub(super) async fn exchange(
    connector: &SharedHttpConnector,
    request: HttpRequest,
    url: &str,
    max_bytes: u64,
) -> Result<SiteAnswer, FetchError> {
    let failed = |why| FetchError::new(url, why);
    let answer = timeout(STALLED, connector.call(request)).await.map_err(|_| failed(NoAnswer::Late))?;
    let answer = answer.map_err(|error| failed(NoAnswer::of(&error)).because(&error))?;
    let status = answer.status().as_u16();
    let headers = headers(&answer);
    let mut stream = ByteStream::new(answer.into_body());
    let mut body = Vec::new();
    while let Some(chunk) = timeout(STALLED, stream.next()).await.map_err(|_| failed(NoAnswer::Late))? {
        let chunk = chunk.map_err(|error| failed(NoAnswer::BrokenOff).because(&error))?;
        if (body.len() + chunk.len()) as u64 > max_bytes {
            return Err(failed(NoAnswer::TooLong));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(SiteAnswer::new(status, headers, body, max_bytes))
}

fn headers(answer: &HttpResponse) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in answer.headers().iter() {
        let joined = headers.entry(name.to_ascii_lowercase()).or_default();
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(value);
    }
    headers
}

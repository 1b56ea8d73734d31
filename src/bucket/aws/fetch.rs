//! The site as its visitors get it: plain GETs over the same TLS stack that the SDK uses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::answer::{Cause, FailedRequest};
use super::connection::{Persistent, plain_connector};
use super::refusals::Class;
use super::roots::Bundle;
use crate::types::digest::Digest;

/// How long nothing may come: from connecting to the answer, and from one piece of it to the next.
const STALLED: Duration = Duration::from_secs(10);

/// How long one answer may take in all: what comes byte by byte is no page that a visitor waits for.
const LONGEST: Duration = Duration::from_secs(60);

/// Attempts where nobody answers or an answer breaks off.
const MAX_ATTEMPTS: u32 = 3;

/// Gets what visitors get. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Fetcher {
    // Made with the first use: it reads the machine's root certificates.
    connector: Arc<OnceLock<SharedHttpConnector>>,
    bundle: Bundle,
}

/// What a visitor got, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteAnswer {
    /// The HTTP status. Redirects are not followed.
    pub status: u16,
    /// SHA-256 of the body.
    pub digest: Digest,
    /// The number of its bytes.
    pub size_bytes: u64,
    /// The headers, their names in lower case; those that came more than once are joined with commas.
    pub headers: BTreeMap<String, String>,
}

/// Why a URL gave no whole answer.
#[derive(Debug)]
pub struct FetchError {
    /// The URL.
    pub url: String,
    /// Whether another attempt may go better.
    passing: bool,
    text: &'static str,
    cause: Option<Box<Cause>>,
}

impl fmt::Display for FetchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.url, self.text)
    }
}

impl std::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &dyn std::error::Error)
    }
}

/// What comes of a body.
enum BodyPart<'a> {
    /// It comes from its beginning: whatever came before was cut off.
    Begins,
    /// Some bytes more.
    Bytes(&'a [u8]),
}

impl Fetcher {
    /// For sites whose certificates this machine or `bundle` trusts.
    pub(super) fn new(bundle: Bundle) -> Fetcher {
        Fetcher { connector: Arc::default(), bundle }
    }

    fn connector(&self) -> &SharedHttpConnector {
        self.connector.get_or_init(|| SharedHttpConnector::new(Persistent::new(plain_connector(&self.bundle))))
    }

    /// Gets `url` as a browser without a cache would, in no encoding, so that its digest is that of the file. Nothing
    /// is done to pass by the CDN: what it holds is what is asked for.
    ///
    /// # Errors
    /// If nothing comes for ten seconds in each of three attempts, one answer takes more than a minute in all, or the body
    /// has more than `max_bytes`.
    pub async fn fetch(&self, url: &str, max_bytes: u64) -> Result<SiteAnswer, FetchError> {
        self.fetch_into(url, max_bytes, |_: BodyPart<'_>| {}).await
    }

    /// As [`Fetcher::fetch`], with the body's bytes.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`].
    pub async fn fetch_whole(&self, url: &str, max_bytes: u64) -> Result<(SiteAnswer, Vec<u8>), FetchError> {
        let mut body = Vec::new();
        let answer = self.fetch_into(url, max_bytes, |part| match part {
            BodyPart::Begins => body.clear(),
            BodyPart::Bytes(bytes) => body.extend_from_slice(bytes),
        });
        let answer = answer.await?;
        Ok((answer, body))
    }

    async fn fetch_into(
        &self,
        url: &str,
        max_bytes: u64,
        mut take: impl FnMut(BodyPart<'_>),
    ) -> Result<SiteAnswer, FetchError> {
        let mut attempt = 1;
        loop {
            take(BodyPart::Begins);
            let late = |_| Err(failed(url, false, "does not come to the end of its answer", None));
            match timeout(LONGEST, self.fetch_once(url, max_bytes, &mut take)).await.unwrap_or_else(late) {
                Err(error) if error.passing && attempt < MAX_ATTEMPTS => attempt += 1,
                got => return got,
            }
        }
    }

    async fn fetch_once(
        &self,
        url: &str,
        max_bytes: u64,
        take: &mut impl FnMut(BodyPart<'_>),
    ) -> Result<SiteAnswer, FetchError> {
        let mut request = HttpRequest::get(url).map_err(|error| failed(url, false, "is not a URL", Some(&error)))?;
        request.headers_mut().insert("accept", "*/*");
        request.headers_mut().insert("accept-encoding", "identity");
        request.headers_mut().insert("user-agent", concat!("publish/", env!("CARGO_PKG_VERSION")));
        let late = |_| failed(url, true, "does not answer in time", None);
        let answer = timeout(STALLED, self.connector().call(request)).await.map_err(late)?;
        let answer = answer.map_err(|error| failed(url, true, "does not answer", Some(&error)))?;
        let status = answer.status().as_u16();
        let headers = headers(&answer);
        let mut body = ByteStream::new(answer.into_body());
        let mut hash = Sha256::new();
        let mut size_bytes = 0;
        while let Some(chunk) = timeout(STALLED, body.next()).await.map_err(late)? {
            let chunk = chunk.map_err(|error| failed(url, true, "breaks off its answer", Some(&error)))?;
            size_bytes += chunk.len() as u64;
            if size_bytes > max_bytes {
                return Err(failed(url, false, "answers with more bytes than were published", None));
            }
            hash.update(&chunk);
            take(BodyPart::Bytes(&chunk));
        }
        Ok(SiteAnswer { status, digest: Digest::from_bytes(hash.finalize().into()), size_bytes, headers })
    }
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

fn failed(
    url: &str,
    passing: bool,
    text: &'static str,
    error: Option<&(dyn std::error::Error + 'static)>,
) -> FetchError {
    let cause = error.and_then(|error| FailedRequest::of_error(Class::Unavailable, error).cause);
    FetchError { url: url.to_owned(), passing, text, cause }
}

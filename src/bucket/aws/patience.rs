//! How long publish waits for one attempt of a request: as long as its bytes are being accepted, and then for its answer. The
//! speed does not matter.

use std::fmt;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_s3::error::{BoxError, ConnectorError};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::connection::Persistent;
use super::uplink::Uplink;
use crate::config::environment::LinkSettings;

/// How much is handed to the connection at once, in bytes: each acceptance counts as progress.
const PIECE: usize = 16 * 1024;

/// The shortest interval between two checks for progress.
const SOONEST: Duration = Duration::from_millis(10);

/// For operations inside S3, with objects of up to 5 GB (AWS.md 4.4).
pub(super) const COMPLETION: AnswerWithin = AnswerWithin(Duration::from_secs(180));

/// How long the answer to one request may take: an extension of the request, if it differs from [`LinkSettings::answer`].
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerWithin(pub(super) Duration);

impl AnswerWithin {
    /// Sets it on `request`, if given.
    pub(super) fn ask_of(request: &mut HttpRequest, within: Option<AnswerWithin>) {
        if let Some(within) = within {
            request.add_extension(within);
        }
    }
}

/// Sends requests over `client`, and gives up on an attempt that makes no more progress.
pub(super) fn patient(client: &SharedHttpClient, link: LinkSettings, uplink: &Uplink) -> Persistent<PatientClient> {
    Persistent::new(PatientClient { inner: client.clone(), patience: Patience { link, uplink: uplink.clone() } })
}

/// A client whose attempts end when they make no more progress. The SDK's time limits are in effect limits on speed.
#[derive(Clone, Debug)]
pub(super) struct PatientClient {
    inner: SharedHttpClient,
    patience: Patience,
}

#[derive(Clone, Debug)]
struct Patience {
    link: LinkSettings,
    uplink: Uplink,
}

impl HttpClient for PatientClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(PatientConnector { inner, patience: self.patience.clone() })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug)]
struct PatientConnector {
    inner: SharedHttpConnector,
    patience: Patience,
}

impl HttpConnector for PatientConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let answer = request.extension::<AnswerWithin>().map_or(self.patience.link.answer, |within| within.0);
        let progress = Progress::default();
        let began = Instant::now();
        let body = mem::replace(request.body_mut(), SdkBody::taken());
        *request.body_mut() = progress.of(body);
        let (answered, patience) = (self.inner.call(request), self.patience.clone());
        HttpConnectorFuture::new(async move {
            let mut answered = pin!(answered);
            loop {
                let seen = progress.seen();
                let ends = seen.at + patience.after(&seen, began, answer);
                // After the last byte, the time for an answer may be shorter than that for a byte in transit.
                let looks = ends.min(Instant::now() + answer.max(SOONEST));
                tokio::select! {
                    biased;
                    answer = answered.as_mut() => return answer,
                    () = sleep_until(looks) => {}
                }
                if looks == ends && progress.seen().at == seen.at {
                    let standstill = Standstill { whole: seen.whole, waited: ends.duration_since(seen.at) };
                    return Err(ConnectorError::timeout(BoxError::from(standstill)));
                }
            }
        })
    }
}

impl Patience {
    /// The longest time without progress after what was `seen`. The bytes that the system has accepted must leave it first: all
    /// of them before an answer can come, and some before more are accepted; for those, at most a quarter of a stall is added.
    fn after(&self, seen: &Seen, began: Instant, answer: Duration) -> Duration {
        let leaves = self.uplink.time_to_leave(seen.bytes, seen.at.duration_since(began));
        if seen.whole { answer + leaves } else { self.link.stalled + leaves.min(self.link.stalled / 4) }
    }
}

/// No more progress.
#[derive(Debug)]
struct Standstill {
    whole: bool,
    waited: Duration,
}

impl fmt::Display for Standstill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.whole { "no response arrived" } else { "no byte was accepted" };
        write!(formatter, "{what} for {} seconds", self.waited.as_secs())
    }
}

impl std::error::Error for Standstill {}

/// The progress of one attempt's body. Clones share it.
#[derive(Clone, Debug, Default)]
struct Progress(Arc<Mutex<Seen>>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Bytes that the connection has taken.
    bytes: u64,
    /// Whether these are all.
    whole: bool,
    /// When it took the last ones.
    at: Instant,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen { bytes: 0, whole: false, at: Instant::now() }
    }
}

impl Progress {
    fn seen(&self) -> Seen {
        *self.lock()
    }

    /// `body`, observed. An empty one is complete from the start: the sender never polls it.
    fn of(&self, body: SdkBody) -> SdkBody {
        if body.content_length() == Some(0) {
            self.lock().whole = true;
            return body;
        }
        let (length, left) = (body.size_hint(), body.content_length());
        SdkBody::from_body_1_x(Watched { body, length, left, rest: Bytes::new(), progress: self.clone() })
    }

    /// The connection took `bytes` more.
    fn taken(&self, bytes: usize, whole: bool) {
        let mut seen = self.lock();
        *seen = Seen { bytes: seen.bytes + bytes as u64, whole, at: Instant::now() };
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // The counts stay valid when a thread has panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that is sent in small pieces and reports each.
struct Watched {
    body: SdkBody,
    length: SizeHint,
    /// The bytes still to be handed on, if known: a sender that knows the number does not poll again.
    left: Option<u64>,
    /// What was read and not yet handed on.
    rest: Bytes,
    progress: Progress,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => self.rest = bytes,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                Poll::Ready(None) => {
                    self.progress.taken(0, true);
                    return Poll::Ready(None);
                }
                other => return other,
            }
        }
        let taken = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(taken);
        self.left = self.left.map(|left| left.saturating_sub(taken as u64));
        self.progress.taken(taken, self.is_end_stream());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && (self.left == Some(0) || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        // The client asks for it once, before anything is read.
        self.length
    }
}

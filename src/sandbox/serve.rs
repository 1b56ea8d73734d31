//! Listening, serving and stopping: the common part of the three servers.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, DATE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use super::SandboxError;
use super::answer::{self, Answer};
use super::clock::{Clock, http_date};
use super::cloudfront::CloudFrontServer;
use super::faults::Effect;
use super::guard;
use super::log::Service;
use super::operation::describe;
use super::s3::{PassedOver, S3Server};
use super::signature;
use super::site::SiteServer;
use super::steady::Steady;
use super::traffic::Traffic;

/// How long open requests may take once the sandbox is asked to stop.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The first and the longest pause after a connection that could not be accepted.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// One of the three servers.
pub(super) enum Server {
    S3(S3Server),
    CloudFront(CloudFrontServer),
    Site(SiteServer),
}

impl Server {
    fn service(&self) -> Service {
        match self {
            Server::S3(_) => Service::S3,
            Server::CloudFront(_) => Service::CloudFront,
            Server::Site(_) => Service::Site,
        }
    }

    async fn answer(&self, operation: &str, request: Request<Body>) -> Answer {
        match self {
            Server::S3(server) => server.answer(operation, request).await,
            Server::CloudFront(server) => server.answer(operation, request).await,
            Server::Site(server) => server.answer(&request),
        }
    }

    fn refusal(&self, status: u16, code: &str, message: &str) -> Answer {
        match self {
            Server::CloudFront(_) => answer::cloudfront_error(status, code, message),
            Server::S3(_) | Server::Site(_) => answer::s3_error(status, code, message, ""),
        }
    }
}

/// The state shared by all requests.
pub(super) struct Front {
    pub(super) server: Server,
    pub(super) traffic: Arc<Traffic>,
    pub(super) clock: Clock,
    pub(super) request_ids: Arc<AtomicU64>,
    /// Changes when held requests are released.
    pub(super) release: watch::Receiver<u64>,
    /// How long a client may delay a connection.
    pub(super) patience: Duration,
    /// Held by every request that may outlive its connection.
    pub(super) late: mpsc::Sender<Infallible>,
}

/// Means that the connection is to be closed without an answer.
#[derive(Debug)]
struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection is closed on purpose")
    }
}

impl std::error::Error for NoAnswer {}

/// Opens a port on the loopback interface; 0: any free one.
pub(super) async fn bind(port: u16) -> Result<(TcpListener, SocketAddr), SandboxError> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let bind = |source| SandboxError::Bind { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    Ok((listener, address))
}

/// Serves until `stop` changes or its sender is dropped, then lets open requests end. `late` receives from the front.
pub(super) async fn serve(
    listener: TcpListener,
    front: Front,
    mut late: mpsc::Receiver<Infallible>,
    mut stop: watch::Receiver<bool>,
) {
    let front = Arc::new(front);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, _) = accepted(|| listener.accept()) => {
                connections.spawn(connection(stream, Arc::clone(&front), stop.clone()));
            }
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Connections that are still open wait for a silent client, and are closed.
    let _ = timeout(STOP_WITHIN, all).await;
    connections.shutdown().await;
    drop(front);
    // Completes when no request holds a sender any more; nothing is ever sent.
    let _ = late.recv().await;
}

/// The next connection that can be accepted. If the system has no more file descriptors, the next attempt would fail at once
/// like the last one: so each pause is twice as long as the one before.
async fn accepted<T, Accept: Future<Output = io::Result<T>>>(mut accept: impl FnMut() -> Accept) -> T {
    let (mut pause, longest) = PAUSES;
    loop {
        match accept().await {
            Ok(connection) => return connection,
            Err(_) => sleep(pause).await,
        }
        pause = longest.min(pause * 2);
    }
}

async fn connection(stream: TcpStream, front: Arc<Front>, mut stop: watch::Receiver<bool>) {
    // Without it, small answers wait for the client's acknowledgement; a failure only makes them slower.
    let _ = stream.set_nodelay(true);
    let patience = front.patience;
    // Headers and bodies have their own limits: while a request is processed, nothing is read, and that may take long.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(patience));
    let stopping = stop.clone();
    let service = service_fn(move |request| {
        let (front, stop) = (Arc::clone(&front), stopping.clone());
        async move { front.handle(request, stop).await }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    tokio::pin!(serving);
    // An error is a connection that broke, or that a fault has closed: the client notices both.
    tokio::select! {
        _ = serving.as_mut() => {}
        _ = stop.changed() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}

impl Front {
    async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Answer, NoAnswer> {
        let (parts, body) = request.into_parts();
        if !guard::is_welcome(&parts) {
            return Ok(self.server.refusal(403, "AccessDenied", guard::REFUSAL));
        }
        // Taken before the request is logged: a test that sees it in the log and then releases it does release it.
        let mut release = self.release.clone();
        release.mark_unchanged();
        let entry = describe(self.server.service(), &parts);
        let operation = entry.operation.clone();
        let (ticket, effect) = self.traffic.arrive(entry);
        let is_head = parts.method == Method::HEAD;
        let request = Request::from_parts(parts, Body::http_body_unsync(Steady::new(body, self.patience)));
        let mut answered = match effect {
            None => self.server.answer(&operation, request).await,
            Some(Effect::Latency(time)) => {
                let wait = async move { sleep(time).await };
                self.answer_late(operation, request, stop, wait).await?
            }
            Some(Effect::Hold) => {
                let wait = async move {
                    // An error means that the sandbox is gone, which `stop` reports too.
                    let _ = release.changed().await;
                };
                self.answer_late(operation, request, stop, wait).await?
            }
            Some(Effect::Refuse { status, code, message }) => {
                discard(request.into_body()).await;
                self.server.refusal(status, &code, &message)
            }
            Some(Effect::PassOver(header)) => {
                let mut request = request;
                request.extensions_mut().insert(PassedOver(header));
                self.server.answer(&operation, request).await
            }
            Some(Effect::ResetBefore) => return Err(NoAnswer),
            Some(Effect::DropAnswer) => {
                self.server.answer(&operation, request).await;
                return Err(NoAnswer);
            }
            Some(Effect::Stall) => {
                // Both a change and a dropped sender mean that the sandbox stops.
                let _ = stop.changed().await;
                return Err(NoAnswer);
            }
        };
        self.stamp(&mut answered);
        let is_error_to_head = is_head && !answered.status().is_success();
        if is_error_to_head || answered.status() == StatusCode::NOT_MODIFIED {
            // These have no body, and thus no length.
            *answered.body_mut() = Body::empty();
            answered.headers_mut().remove(CONTENT_LENGTH);
        }
        self.traffic.answer(ticket, answered.status().as_u16());
        Ok(answered)
    }

    /// Receives the request, waits, and serves it even if its client is gone.
    async fn answer_late(
        self: &Arc<Self>,
        operation: String,
        request: Request<Body>,
        mut stop: watch::Receiver<bool>,
        wait: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Answer, NoAnswer> {
        let arrived = self.clock.now();
        let (parts, mut body) = request.into_parts();
        let body = body.store_all_limited(usize::MAX).await.map_err(|_| NoAnswer)?;
        let request = Request::from_parts(parts, Body::from(body));
        let front = Arc::clone(self);
        let late = self.late.clone();
        let serving = tokio::spawn(async move {
            let _late = late;
            tokio::select! {
                biased;
                _ = stop.changed() => return Err(NoAnswer),
                () = wait => {}
            }
            if front.clock.now().duration_since(arrived) > signature::VALID_FOR {
                let message = "The difference between the request time and the current time is too large.";
                return Ok(front.server.refusal(403, "RequestTimeTooSkewed", message));
            }
            Ok(front.server.answer(&operation, request).await)
        });
        // The task neither panics nor is cancelled; if it were, there would be no answer.
        serving.await.unwrap_or(Err(NoAnswer))
    }

    /// Adds the headers that every answer of AWS has.
    fn stamp(&self, answered: &mut Answer) {
        let number = self.request_ids.fetch_add(1, Ordering::SeqCst);
        let name = match self.server {
            Server::S3(_) => "x-amz-request-id",
            Server::CloudFront(_) => "x-amzn-requestid",
            Server::Site(_) => "x-amz-cf-id",
        };
        let headers = answered.headers_mut();
        if let Ok(date) = HeaderValue::try_from(http_date(self.clock.now())) {
            headers.insert(DATE, date);
        }
        if let Ok(id) = HeaderValue::try_from(format!("SANDBOX{number:09}")) {
            headers.insert(name, id);
        }
    }
}

/// Reads a body to its end, so that a client which is still sending can read the answer.
async fn discard(mut body: Body) {
    while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_accepted_is_not_tried_again_at_once() {
        let (mut attempts, mut pauses) = (0, Vec::new());
        let mut last = tokio::time::Instant::now();
        let connection = accepted(|| {
            attempts += 1;
            pauses.push(last.elapsed());
            last = tokio::time::Instant::now();
            let fails = attempts <= 4;
            async move { if fails { Err(io::Error::other("too many open files")) } else { Ok("a connection") } }
        });
        assert_eq!(connection.await, "a connection");
        for (attempt, least) in [(1, 10), (2, 20), (3, 40), (4, 80)] {
            assert!(pauses[attempt] >= Duration::from_millis(least), "{pauses:?}");
        }
    }
}

//! Requests that change something end with their lease: after it, the connector sends no more of their bytes, and
//! closes the connection of one that is under way. What the operating system has accepted by then cannot be recalled.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
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

use crate::types::clock::Deadline;

/// The time until which a run may change anything. Clones share it, so a renewal of the lease applies to requests under way.
#[derive(Clone, Debug)]
pub struct Term(Arc<Mutex<Deadline>>);

impl Term {
    /// Until `deadline`.
    pub fn until(deadline: Deadline) -> Term {
        Term(Arc::new(Mutex::new(deadline)))
    }

    /// Sets a new `deadline`.
    pub fn renew(&self, deadline: Deadline) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// The deadline as known now.
    pub fn deadline(&self) -> Deadline {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remaining(&self) -> Duration {
        self.deadline().remaining()
    }

    fn is_over(&self) -> bool {
        self.remaining().is_zero()
    }
}

/// A client whose requests that change something end with the term.
#[derive(Clone, Debug)]
pub(super) struct Bounded<I> {
    pub(super) inner: I,
    pub(super) term: Term,
}

impl HttpClient for Bounded<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Bounded { inner, term: self.term.clone() })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

impl HttpConnector for Bounded<SharedHttpConnector> {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        if matches!(request.method(), "GET" | "HEAD") {
            return self.inner.call(request);
        }
        if self.term.is_over() {
            return HttpConnectorFuture::ready(Err(over()));
        }
        let body = std::mem::replace(request.body_mut(), SdkBody::taken());
        *request.body_mut() = match body.content_length() {
            Some(0) => body,
            _ => SdkBody::from_body_1_x(BoundedBody { body, term: self.term.clone() }),
        };
        let (answered, term) = (self.inner.call(request), self.term.clone());
        HttpConnectorFuture::new(async move {
            let mut answered = pin!(answered);
            loop {
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(term.remaining()), if !term.is_over() => {}
                    answer = answered.as_mut(), if !term.is_over() => return answer,
                    else => return Err(over()),
                }
            }
        })
    }
}

/// A body that stops once the term has ended.
struct BoundedBody {
    body: SdkBody,
    term: Term,
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.term.is_over() {
            return Poll::Ready(Some(Err(OVER.into())));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

const OVER: &str = "the lease has ended";

/// It is not retried.
fn over() -> ConnectorError {
    ConnectorError::user(OVER.into())
}

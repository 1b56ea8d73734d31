//! Handles every single HTTP attempt, including retries: counts it, paces it, and gives up early if the server is silent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::Error;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata, OrchestratorError};

use super::answer::element;
use super::pace::Pace;
use super::refusals::{Class, class_of};

/// Attempts at an endpoint that has never answered. After a first answer, silence deserves more patience.
const ATTEMPTS_IN_SILENCE: usize = 3;

/// Throttling can last for minutes: the caller of the invalidation waits for it (cdn.rs).
const LASTS_FOR_MINUTES: &str = "TooManyInvalidationsInProgress";

/// Counts HTTP attempts by operation, including every retry: what AWS charges for. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct RequestCounter(Arc<Mutex<BTreeMap<String, u64>>>);

impl RequestCounter {
    /// HTTP attempts so far by AWS's name of the operation, such as `PutObject`.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, operation: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(operation) {
            Some(count) => *count += 1,
            None => drop(counts.insert(operation.to_owned(), 1)),
        }
    }
}

/// Watches the attempts of one client, as its interceptor and its final retry decision.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    counter: RequestCounter,
    pace: Pace,
    endpoint: Arc<Endpoint>,
}

#[derive(Debug, Default)]
struct Endpoint {
    answered: AtomicBool,
    unanswered: AtomicUsize,
    /// Attempts that ended with a server error.
    failed: AtomicUsize,
}

impl Watch {
    pub(super) fn new(counter: RequestCounter, pace: Pace) -> Watch {
        Watch { counter, pace, endpoint: Arc::default() }
    }

    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// How many attempts so far may have had their effect, or may still have it, although no answer confirms it.
    pub(super) fn in_doubt(&self) -> usize {
        self.endpoint.unanswered.load(Ordering::Relaxed) + self.endpoint.failed.load(Ordering::Relaxed)
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.counter.count(config.load::<Metadata>().map_or("Unknown", Metadata::name));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.response().map(|response| response.status().as_u16()) {
            Some(status) => {
                self.endpoint.answered.store(true, Ordering::Relaxed);
                let class = refused(context.response(), context.output_or_error()).map(|refused| refused.class);
                // 501 means that the server cannot do it at all.
                if class == Some(Class::Unavailable) || (status >= 500 && status != 501) {
                    self.endpoint.failed.fetch_add(1, Ordering::Relaxed);
                }
                let is_throttled = class == Some(Class::Throttled);
                if status == 503 || is_throttled { self.pace.slow_down() } else { self.pace.carry_on() }
            }
            None => {
                self.endpoint.unanswered.fetch_add(1, Ordering::Relaxed);
                if is_out_of_time(context) {
                    self.pace.slow_down();
                }
            }
        }
        Ok(())
    }
}

/// Whether an attempt ended because nothing moved any more: there is too much under way for this link, or for S3.
fn is_out_of_time(context: &FinalizerInterceptorContextRef<'_>) -> bool {
    let error = context.output_or_error().and_then(Result::err);
    error.and_then(|error| error.as_connector_error()).is_some_and(|error| error.is_timeout())
}

/// The meaning of an unsuccessful answer.
struct Refused {
    class: Class,
    code: Option<String>,
}

/// The refusal in the answer to an attempt, if any. An answer with status 200 may contain an error too: S3 starts to answer long
/// operations before it knows their end (S3 API Reference, CopyObject, CompleteMultipartUpload).
fn refused<T>(
    response: Option<&HttpResponse>,
    outcome: Option<Result<T, &OrchestratorError<Error>>>,
) -> Option<Refused> {
    let (response, error) = (response?, outcome?.err()?);
    let code = response.body().bytes().and_then(|body| element(&String::from_utf8_lossy(body), "Code"));
    let status = match response.status() {
        status if status.is_success() => {
            error.as_operation_error()?;
            code.as_ref()?;
            None
        }
        status => Some(status.as_u16()),
    };
    Some(Refused { class: class_of(status, code.as_deref(), None), code })
}

impl ClassifyRetry for Watch {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let silent = !self.endpoint.answered.load(Ordering::Relaxed);
        if silent && self.endpoint.unanswered.load(Ordering::Relaxed) >= ATTEMPTS_IN_SILENCE {
            return RetryAction::RetryForbidden;
        }
        // Our table decides as well as the SDK, which knows fewer codes and statuses.
        match refused(context.response(), context.output_or_error()) {
            Some(Refused { code: Some(code), .. }) if code == LASTS_FOR_MINUTES => RetryAction::NoActionIndicated,
            Some(Refused { class: Class::Throttled, .. }) => RetryAction::throttling_error(),
            Some(Refused { class: Class::Unavailable, .. }) => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "give up on an endpoint that never answers"
    }
}

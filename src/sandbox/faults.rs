//! Faults that a test can inject, and the rule that decides which request is affected.

use std::fmt;
use std::time::Duration;

use super::log::{LoggedRequest, Service};

/// An injected fault.
///
/// Of several armed faults that match a request, the first that is due takes effect; each counts only the requests
/// that reach it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The requests it applies to.
    pub matches: Match,
    /// How many matching requests are served normally first.
    pub skip: usize,
    /// How many requests it then affects; `usize::MAX`: without limit.
    pub times: usize,
    /// Its effect on them.
    pub effect: Effect,
}

/// The requests that a fault applies to. A field that is `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct Match {
    /// AWS's name of the operation, such as `PutObject`.
    pub operation: Option<String>,
    /// A part of the key (for CloudFront: of the distribution's id; for the site: of the path).
    pub key_contains: Option<String>,
    /// The server. `None` means S3 and CloudFront: the site must be named.
    pub service: Option<Service>,
}

/// The effect of a fault on a request.
#[derive(Clone, Debug)]
pub enum Effect {
    /// The request arrives now and is served normally after this time.
    ///
    /// This happens even if its client is gone by then, as with a request in flight when its sender dies.
    /// If the sandbox's clock was advanced by more than a quarter of an hour meanwhile, its signature has expired and
    /// it is refused. When the sandbox stops first, it has no effect and gets no answer.
    Latency(Duration),
    /// Like [`Effect::Latency`], until [`super::Sandbox::release_held`] is called.
    Hold,
    /// It is refused with AWS's XML error, and has no effect.
    Refuse {
        /// HTTP status, such as 503; an invalid status becomes 500.
        status: u16,
        /// AWS's error code, such as `SlowDown`.
        code: String,
        /// The message.
        message: String,
    },
    /// It is served by a store that ignores this header, in lower case: `if-match`, `if-none-match` or
    /// `x-amz-checksum-sha256` of PutObject, `if-match`, `if-none-match` or `x-amz-copy-source-if-match` of CopyObject.
    PassOver(String),
    /// The connection is closed; the request has no effect.
    ResetBefore,
    /// The request has its effect, then the connection is closed without an answer.
    DropAnswer,
    /// The request has no effect and no answer comes until the sandbox stops.
    Stall,
}

impl Match {
    fn covers(&self, request: &LoggedRequest) -> bool {
        let service = match self.service {
            Some(service) => service == request.service,
            None => request.service != Service::Site,
        };
        service
            && self.operation.as_ref().is_none_or(|name| *name == request.operation)
            && self.key_contains.as_ref().is_none_or(|part| request.key.contains(part))
    }
}

/// Decides the effect on each request that no armed fault affects.
pub(super) struct Choose(Box<dyn ChooseEffect>);

/// The deciding closure, which may have state.
trait ChooseEffect: FnMut(&LoggedRequest) -> Option<Effect> + Send {}

impl<F: FnMut(&LoggedRequest) -> Option<Effect> + Send> ChooseEffect for F {}

impl Choose {
    pub(super) fn new(choose: impl FnMut(&LoggedRequest) -> Option<Effect> + Send + 'static) -> Choose {
        Choose(Box::new(choose))
    }
}

impl fmt::Debug for Choose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Choose")
    }
}

/// The armed faults in the order in which they were injected.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Vec<Fault>,
    choose: Option<Choose>,
}

impl Faults {
    pub(super) fn arm(&mut self, fault: Fault) {
        self.armed.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.armed.clear();
        self.choose = None;
    }

    pub(super) fn choose(&mut self, choose: Choose) {
        self.choose = Some(choose);
    }

    /// Counts the request and returns the effect on it, if any.
    pub(super) fn meet(&mut self, request: &LoggedRequest) -> Option<Effect> {
        for fault in &mut self.armed {
            if fault.times == 0 || !fault.matches.covers(request) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.times != usize::MAX {
                fault.times -= 1;
            }
            return Some(fault.effect.clone());
        }
        self.choose.as_mut().and_then(|Choose(choose)| choose(request))
    }
}

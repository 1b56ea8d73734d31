//! The request log and the armed faults under one lock, so that the n-th logged request is the n-th counted one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::faults::{Effect, Fault, Faults};
use super::log::LoggedRequest;

#[derive(Debug, Default)]
pub(super) struct Traffic(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    log: Vec<LoggedRequest>,
    /// How many requests were cleared away before the first that is still in the log.
    cleared: usize,
    faults: Faults,
}

/// Names a logged request until its answer is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(usize);

impl Traffic {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds this lock, and the log is sound at every point.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a request that has just arrived and says which fault it meets.
    pub(super) fn arrive(&self, request: LoggedRequest) -> (Ticket, Option<Effect>) {
        let mut state = self.lock();
        let effect = state.faults.meet(&request);
        let ticket = Ticket(state.cleared + state.log.len());
        state.log.push(request);
        (ticket, effect)
    }

    /// Notes the status that is about to be sent.
    pub(super) fn answer(&self, Ticket(number): Ticket, status: u16) {
        let mut state = self.lock();
        let index = number.checked_sub(state.cleared);
        if let Some(entry) = index.and_then(|index| state.log.get_mut(index)) {
            entry.status = Some(status);
        }
    }

    pub(super) fn requests(&self) -> Vec<LoggedRequest> {
        self.lock().log.clone()
    }

    pub(super) fn clear_requests(&self) {
        let mut state = self.lock();
        state.cleared += state.log.len();
        state.log.clear();
    }

    pub(super) fn arm(&self, fault: Fault) {
        self.lock().faults.arm(fault);
    }

    pub(super) fn clear_faults(&self) {
        self.lock().faults.clear();
    }
}

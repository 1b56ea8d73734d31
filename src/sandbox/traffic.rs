//! The request log and the armed faults under one lock, so that the n-th logged request is the n-th counted one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::faults::{Choose, Effect, Fault, Faults};
use super::log::LoggedRequest;

#[derive(Debug, Default)]
pub(super) struct Traffic {
    state: Mutex<State>,
    /// Notified of every arrival and every answer.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    log: Vec<LoggedRequest>,
    /// How many requests were cleared before the first one that is still in the log.
    cleared: usize,
    /// How many requests arrived and were answered so far.
    moments: u64,
    faults: Faults,
}

/// Identifies a logged request until its answer is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(usize);

impl State {
    /// The next position in the order of arrivals and answers.
    fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }
}

impl Traffic {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds this lock, and the log is consistent at every point.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a request that has just arrived and returns the fault that affects it.
    pub(super) fn arrive(&self, mut request: LoggedRequest) -> (Ticket, Option<Effect>) {
        let mut state = self.lock();
        request.began = state.moment();
        let effect = state.faults.meet(&request);
        let ticket = Ticket(state.cleared + state.log.len());
        state.log.push(request);
        drop(state);
        self.changed.notify_waiters();
        (ticket, effect)
    }

    /// Records the status that is about to be sent.
    pub(super) fn answer(&self, Ticket(number): Ticket, status: u16) {
        let mut state = self.lock();
        let ended = state.moment();
        let index = number.checked_sub(state.cleared);
        if let Some(entry) = index.and_then(|index| state.log.get_mut(index)) {
            entry.status = Some(status);
            entry.ended = Some(ended);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until `found` returns true for the log.
    pub(super) async fn until(&self, found: impl Fn(&[LoggedRequest]) -> bool) {
        loop {
            // Created first, so that an arrival after the check of the log is not missed.
            let changed = self.changed.notified();
            if found(&self.lock().log) {
                return;
            }
            changed.await;
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

    pub(super) fn choose(&self, choose: Choose) {
        self.lock().faults.choose(choose);
    }

    pub(super) fn clear_faults(&self) {
        self.lock().faults.clear();
    }
}

//! How many requests are under way at once: fewer when S3 asks to slow down, slowly more again when it does not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::environment::LinkSettings;

/// Requests at once where S3 never complains.
pub const MOST_AT_ONCE: usize = LinkSettings::MOST_AT_ONCE;

/// A limit that follows what S3 answers. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    permits: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// Requests allowed at once where S3 never complains.
    most: usize,
    /// Requests allowed at once; never 0.
    limit: usize,
    /// Permits still held that the limit has no room for: each goes away when it is given back.
    excess: usize,
    /// Permits held.
    held: usize,
    /// Answers still to come from attempts that were under way when the limit was last halved: they say nothing about
    /// the new limit.
    stale: usize,
    /// Good answers since the limit last grew.
    good: usize,
}

/// The right to have one request under way; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    pace: Pace,
    permit: Option<OwnedSemaphorePermit>,
}

impl Pace {
    /// At most `most` requests at once.
    pub(super) fn new(most: usize) -> Pace {
        let most = most.max(1);
        let state = State { most, limit: most, excess: 0, held: 0, stale: 0, good: 0 };
        Pace { permits: Arc::new(Semaphore::new(most)), state: Arc::new(Mutex::new(state)) }
    }

    /// Waits for its turn, first come, first served.
    pub(super) async fn permit(&self) -> Permit {
        // The semaphore is never closed, so that this is always a permit.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        self.state().held += 1;
        Permit { pace: self.clone(), permit }
    }

    /// Requests allowed at once.
    pub(super) fn limit(&self) -> usize {
        self.state().limit
    }

    /// S3 asked to slow down, or does not keep up: half as many at once, once for all attempts that were under way together.
    pub(super) fn slow_down(&self) {
        let mut state = self.state();
        state.good = 0;
        if state.stale > 0 {
            state.stale -= 1;
            return;
        }
        let limit = (state.limit / 2).max(1);
        let surplus = state.limit - limit;
        state.limit = limit;
        state.stale = state.held.saturating_sub(1);
        state.excess += surplus - self.permits.forget_permits(surplus);
    }

    /// S3 answered as usual: one more at once after as many good answers as are allowed at once.
    pub(super) fn carry_on(&self) {
        let mut state = self.state();
        state.stale = state.stale.saturating_sub(1);
        if state.limit >= state.most {
            return;
        }
        state.good += 1;
        if state.good < state.limit {
            return;
        }
        state.good = 0;
        state.limit += 1;
        if state.excess > 0 {
            state.excess -= 1;
        } else {
            self.permits.add_permits(1);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers stay numbers when a thread panicked beside them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        state.held = state.held.saturating_sub(1);
        if state.excess > 0
            && let Some(permit) = self.permit.take()
        {
            state.excess -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_burst_of_refusals_halves_once() {
        let pace = Pace::new(MOST_AT_ONCE);
        let mut permits = Vec::new();
        for _ in 0..MOST_AT_ONCE {
            permits.push(pace.permit().await);
        }
        (0..MOST_AT_ONCE).for_each(|_| pace.slow_down());
        assert_eq!(pace.limit(), 16);
        pace.slow_down();
        assert_eq!(pace.limit(), 8);
        drop(permits);
        assert_eq!(pace.permits.available_permits(), 8);
    }

    #[tokio::test]
    async fn it_never_stops_and_grows_back_to_where_it_began() {
        let pace = Pace::new(MOST_AT_ONCE);
        (0..20).for_each(|_| pace.slow_down());
        assert_eq!(pace.limit(), 1);
        drop(pace.permit().await);
        (0..MOST_AT_ONCE * MOST_AT_ONCE).for_each(|_| pace.carry_on());
        assert_eq!(pace.limit(), MOST_AT_ONCE);
        assert_eq!(pace.permits.available_permits(), MOST_AT_ONCE);
    }

    #[tokio::test]
    async fn growing_while_too_many_are_held_forgives_one_of_them() {
        let pace = Pace::new(MOST_AT_ONCE);
        let held = [pace.permit().await, pace.permit().await];
        (0..20).for_each(|_| pace.slow_down());
        pace.carry_on();
        pace.carry_on();
        assert_eq!(pace.limit(), 2);
        drop(held);
        assert_eq!(pace.permits.available_permits(), 2);
    }

    #[tokio::test]
    async fn it_never_grows_beyond_what_was_asked_for() {
        let pace = Pace::new(3);
        (0..20).for_each(|_| pace.carry_on());
        assert_eq!((pace.limit(), pace.permits.available_permits()), (3, 3));
    }
}

//! How many requests are under way at once: more while that increases throughput, half as many when S3 asks to
//! slow down or does not keep up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::environment::LinkSettings;

/// Most requests at once.
pub const MOST_AT_ONCE: usize = LinkSettings::MOST_AT_ONCE;

/// Requests at once at the beginning.
const FIRST: usize = 32;

/// Doubling the limit must increase the rate of answers by this factor, or it is undone.
const WORTH_IT: f64 = 1.25;

/// How many rounds of answers to wait before a higher limit is tried again: the link, S3 or the files may have
/// changed.
const ROUNDS_BETWEEN: usize = 16;

/// A limit that adapts to S3's answers. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    permits: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    climb: Climb,
    /// Permits still held beyond the limit: each is discarded when it is returned.
    excess: usize,
    /// Permits held.
    held: usize,
    /// Outstanding answers of attempts that were under way when the limit was last halved: they say nothing about
    /// the new limit.
    stale: usize,
}

/// How many requests are allowed at once, and why.
#[derive(Debug)]
struct Climb {
    /// The absolute limit.
    most: usize,
    /// Never 0.
    limit: usize,
    /// The limit at which S3 last asked to slow down: from there on it grows in small steps.
    complained_at: usize,
    round: Round,
    trial: Trial,
}

/// As many good answers as are allowed at once.
#[derive(Debug)]
struct Round {
    began: Instant,
    answers: usize,
    /// Whether a request had to wait for a permit: otherwise a higher limit changes nothing.
    was_full: bool,
}

/// Whether a higher limit is being tried.
#[derive(Clone, Copy, Debug)]
enum Trial {
    /// Not for this many more rounds.
    Rests(usize),
    /// It was raised from a limit with this many answers a second.
    Raised { from: usize, rate: f64 },
}

/// The right to have one request under way; returned when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    pace: Pace,
    permit: Option<OwnedSemaphorePermit>,
}

impl Pace {
    /// At most `most` requests at once.
    pub(super) fn new(most: usize) -> Pace {
        let climb = Climb::to(most, Instant::now());
        let permits = Arc::new(Semaphore::new(climb.limit));
        Pace { permits, state: Arc::new(Mutex::new(State { climb, excess: 0, held: 0, stale: 0 })) }
    }

    /// Waits for a permit, first come, first served.
    pub(super) async fn permit(&self) -> Permit {
        if self.permits.available_permits() == 0 {
            self.state().climb.round.was_full = true;
        }
        // The semaphore is never closed, so this always returns a permit.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        self.state().held += 1;
        Permit { pace: self.clone(), permit }
    }

    /// Requests allowed at once.
    pub(super) fn limit(&self) -> usize {
        self.state().climb.limit
    }

    /// S3 asked to slow down, or does not keep up: halves the limit, once for all attempts that were under way together.
    pub(super) fn slow_down(&self) {
        let mut state = self.state();
        if state.stale > 0 {
            state.stale -= 1;
            return;
        }
        state.stale = state.held.saturating_sub(1);
        let before = state.climb.limit;
        state.climb.complaint(Instant::now());
        self.follow(&mut state, before);
    }

    /// S3 answered as usual.
    pub(super) fn carry_on(&self) {
        let mut state = self.state();
        state.stale = state.stale.saturating_sub(1);
        let before = state.climb.limit;
        state.climb.answer(Instant::now());
        self.follow(&mut state, before);
    }

    /// Adjusts the permits from the limit `before` to the present one.
    fn follow(&self, state: &mut State, before: usize) {
        let limit = state.climb.limit;
        let fewer = before.saturating_sub(limit);
        state.excess += fewer - self.permits.forget_permits(fewer);
        let more = limit.saturating_sub(before);
        let forgiven = more.min(state.excess);
        state.excess -= forgiven;
        self.permits.add_permits(more - forgiven);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The counts stay valid when a thread has panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Climb {
    fn to(most: usize, now: Instant) -> Climb {
        let most = most.max(1);
        Climb { most, limit: most.min(FIRST), complained_at: 0, round: Round::begins(now), trial: Trial::Rests(0) }
    }

    fn complaint(&mut self, now: Instant) {
        self.round = Round::begins(now);
        self.trial = Trial::Rests(ROUNDS_BETWEEN);
        self.complained_at = self.limit;
        self.limit = (self.limit / 2).max(1);
    }

    fn answer(&mut self, now: Instant) {
        self.round.answers += 1;
        if self.round.answers >= self.limit {
            let round = std::mem::replace(&mut self.round, Round::begins(now));
            self.limit = self.after(&round, now).min(self.most);
        }
    }

    /// The limit after a round without complaints from S3.
    fn after(&mut self, round: &Round, now: Instant) -> usize {
        if self.limit < self.complained_at {
            return (self.limit + self.limit.div_ceil(8)).min(self.complained_at);
        }
        let rate = round.rate(now);
        match self.trial {
            Trial::Raised { from, rate: before } if rate < before * WORTH_IT => {
                self.trial = Trial::Rests(ROUNDS_BETWEEN);
                from
            }
            Trial::Rests(rounds) if rounds > 0 => {
                self.trial = Trial::Rests(rounds - 1);
                self.limit
            }
            // The higher limit is worth it, or there is none to try: no later round is compared with it.
            _ if !round.was_full || self.limit == self.most => {
                self.trial = Trial::Rests(0);
                self.limit
            }
            _ => {
                self.trial = Trial::Raised { from: self.limit, rate };
                self.limit * 2
            }
        }
    }
}

impl Round {
    fn begins(now: Instant) -> Round {
        Round { began: now, answers: 0, was_full: false }
    }

    /// Good answers a second.
    fn rate(&self, now: Instant) -> f64 {
        self.answers as f64 / now.duration_since(self.began).as_secs_f64().max(f64::EPSILON)
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
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    use std::time::Duration;

    use super::*;

    /// A simulated service with its own clock, so that tests need not wait.
    struct Service {
        now: Instant,
        /// When it has time for the next request.
        free: Instant,
    }

    impl Service {
        fn new() -> Service {
            Service { now: Instant::now(), free: Instant::now() }
        }

        /// Answers `requests`, each after `latency`, and no more than `most` a second; returns how long that took.
        fn serve(&mut self, climb: &mut Climb, requests: usize, latency: Duration, most: Option<u32>) -> Duration {
            let (began, mut under_way) = (self.now, BinaryHeap::new());
            for left in (0..requests).rev() {
                climb.round.was_full |= left + 1 > climb.limit;
                while under_way.len() < climb.limit.min(left + 1) {
                    self.free =
                        self.free.max(self.now) + most.map_or(Duration::ZERO, |most| Duration::from_secs(1) / most);
                    under_way.push(Reverse(self.free.max(self.now + latency)));
                }
                let Some(Reverse(answered)) = under_way.pop() else { break };
                self.now = answered;
                climb.answer(self.now);
            }
            self.now.duration_since(began)
        }
    }

    const LATENCIES_MS: [u64; 4] = [20, 100, 200, 400];

    #[test]
    fn it_climbs_for_as_long_as_that_is_faster() {
        for latency in LATENCIES_MS.map(Duration::from_millis) {
            let mut service = Service::new();
            let mut climb = Climb::to(MOST_AT_ONCE, service.now);
            assert_eq!(climb.limit, FIRST);
            let took = service.serve(&mut climb, 10_000, latency, None);
            assert_eq!(climb.limit, MOST_AT_ONCE);
            let least = latency.mul_f64(10_000.0 / MOST_AT_ONCE as f64);
            assert!(took < least.mul_f64(1.2), "{took:?} for what takes {least:?}");
        }
    }

    #[test]
    fn it_stays_where_more_would_only_wait() {
        let mut service = Service::new();
        let mut climb = Climb::to(MOST_AT_ONCE, service.now);
        service.serve(&mut climb, 3 * FIRST, Duration::from_millis(20), Some(1_000));
        for _ in 0..100 {
            service.serve(&mut climb, ROUNDS_BETWEEN * FIRST, Duration::from_millis(20), Some(1_000));
            assert!(climb.limit <= 2 * FIRST, "tried, and given back");
        }
    }

    #[test]
    fn it_does_not_climb_where_nothing_waits() {
        let mut service = Service::new();
        let mut climb = Climb::to(MOST_AT_ONCE, service.now);
        for _ in 0..200 {
            service.serve(&mut climb, FIRST, Duration::from_millis(20), None);
        }
        assert_eq!(climb.limit, FIRST);
    }

    /// A pause between two steps of a run says nothing about the link.
    #[test]
    fn it_stays_at_the_most_after_a_pause() {
        let mut service = Service::new();
        let mut climb = Climb::to(MOST_AT_ONCE, service.now);
        service.serve(&mut climb, 10_000, Duration::from_millis(100), None);
        service.now += Duration::from_secs(30);
        service.serve(&mut climb, 300, Duration::from_millis(100), None);
        assert_eq!(climb.limit, MOST_AT_ONCE);
    }

    /// The obstacle is gone.
    #[test]
    fn it_tries_again_later_whether_more_is_faster() {
        let mut service = Service::new();
        let mut climb = Climb::to(MOST_AT_ONCE, service.now);
        service.serve(&mut climb, 2_000, Duration::from_millis(20), Some(1_000));
        service.serve(&mut climb, 10_000, Duration::from_millis(100), None);
        assert_eq!(climb.limit, MOST_AT_ONCE);
    }

    /// After a complaint at 1, there is no earlier limit to grow back to, so higher ones are tried as at the beginning.
    #[test]
    fn it_never_gives_up_throughput_for_good() {
        for latency in LATENCIES_MS.map(Duration::from_millis) {
            let mut service = Service::new();
            let mut climb = Climb::to(MOST_AT_ONCE, service.now);
            (0..20).for_each(|_| climb.complaint(service.now));
            assert_eq!(climb.limit, 1);
            service.serve(&mut climb, 2_000, latency, None);
            assert_eq!(climb.limit, MOST_AT_ONCE);
        }
    }

    #[test]
    fn it_never_grows_beyond_what_was_asked_for() {
        for most in [1, 3, 100] {
            let mut service = Service::new();
            let mut climb = Climb::to(most, service.now);
            service.serve(&mut climb, 5_000, Duration::from_millis(100), None);
            assert_eq!(climb.limit, most);
        }
    }

    #[tokio::test]
    async fn one_burst_of_refusals_halves_once() {
        let pace = Pace::new(MOST_AT_ONCE);
        let mut permits = Vec::new();
        for _ in 0..FIRST {
            permits.push(pace.permit().await);
        }
        (0..FIRST).for_each(|_| pace.slow_down());
        assert_eq!(pace.limit(), 16);
        pace.slow_down();
        assert_eq!(pace.limit(), 8);
        drop(permits);
        assert_eq!(pace.permits.available_permits(), 8);
    }

    #[tokio::test]
    async fn it_never_stops_and_grows_back_to_where_s3_complained() {
        let pace = Pace::new(MOST_AT_ONCE);
        pace.slow_down();
        assert_eq!(pace.limit(), 16);
        (0..16).for_each(|_| pace.carry_on());
        assert_eq!(pace.limit(), 18);
        (0..FIRST * 8).for_each(|_| pace.carry_on());
        assert_eq!(pace.limit(), FIRST);
        (0..20).for_each(|_| pace.slow_down());
        assert_eq!(pace.limit(), 1);
        drop(pace.permit().await);
        assert_eq!(pace.permits.available_permits(), 1);
    }

    #[tokio::test]
    async fn growing_while_too_many_are_held_forgives_one_of_them() {
        let pace = Pace::new(2);
        let held = [pace.permit().await, pace.permit().await];
        pace.slow_down();
        assert_eq!(pace.limit(), 1);
        pace.carry_on();
        assert_eq!(pace.limit(), 2);
        drop(held);
        assert_eq!(pace.permits.available_permits(), 2);
    }
}

//! How many bytes are uploaded at once: what the link was seen to carry in a few seconds, so that no upload
//! starves another, and a later request, such as a renewal of the lease, waits no longer than that. S3's time for
//! an answer does not count against the link: more may be under way as long as that slows nothing down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::thinking::Thinking;
use crate::config::environment::LinkSettings;

/// What is always allowed at once, however slow the link seems, in bytes.
const LEAST: u64 = 64 * 1024;

/// How much of the link's past counts.
const REMEMBERED: Duration = Duration::from_secs(10);

/// How many unsent bytes a system buffers for a program; Linux buffers up to this by default.
const SYSTEM_HOLDS: u64 = 4 * 1024 * 1024;

/// The uplink. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Uplink {
    settings: LinkSettings,
    /// Its holder is the next to send.
    queue: Arc<tokio::sync::Mutex<()>>,
    state: Arc<Mutex<State>>,
    /// Notifies the next sender that there is room.
    freed: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    /// Bytes of uploads without an answer so far.
    under_way: u64,
    /// The number of those uploads.
    uploads: usize,
    /// Bytes that arrived, and the time it took, both recent.
    arrived: f64,
    busy: f64,
    /// The time up to which that is counted.
    counted: Instant,
    thinking: Thinking,
    /// The time up to which `thinking` has measured.
    passed: Instant,
    /// How long the bytes under way may occupy the link: less after a request for the state had to wait for longer.
    ahead: Duration,
    /// The shortest time of a request for the state while nothing was uploaded: S3's time for one, and the round
    /// trip.
    quickest: Option<Duration>,
}

/// The right to have one upload under way; returned when dropped.
#[derive(Debug)]
pub(super) struct Share {
    uplink: Uplink,
    bytes: u64,
}

impl Uplink {
    pub(super) fn new(settings: LinkSettings) -> Uplink {
        let (counted, ahead) = (Instant::now(), settings.ahead);
        let (thinking, quickest) = (Thinking::default(), None);
        let (arrived, busy, passed) = (0.0, 0.0, counted);
        let state = State { under_way: 0, uploads: 0, arrived, busy, counted, thinking, passed, ahead, quickest };
        Uplink { settings, queue: Arc::default(), state: Arc::new(Mutex::new(state)), freed: Arc::default() }
    }

    /// Waits until `bytes` more may be uploaded, first come, first served. The last one may exceed the remaining room: while
    /// S3 prepares an answer, the link has something to carry.
    pub(super) async fn share(&self, bytes: u64) -> Share {
        let _first_in_line = self.queue.lock().await;
        loop {
            let freed = self.freed.notified();
            if self.takes(bytes) {
                return Share { uplink: self.clone(), bytes };
            }
            freed.await;
        }
    }

    fn takes(&self, bytes: u64) -> bool {
        let mut state = self.state();
        if state.uploads > 0 && state.under_way >= self.most(&state) {
            return false;
        }
        state.pass();
        if state.uploads == 0 {
            state.counted = state.passed;
        }
        state.uploads += 1;
        state.under_way += bytes;
        true
    }

    /// Most bytes at once. Until there is a measurement, few enough for the slowest link.
    fn most(&self, state: &State) -> u64 {
        let ahead = state.ahead.as_secs_f64();
        match state.rate() {
            Some(rate) => LEAST.max((rate * ahead).max(state.thinking.most(ahead)) as u64),
            None => (f64::from(self.settings.slowest) * ahead * 3.0) as u64,
        }
    }

    /// A request for the state, such as a renewal of the lease, `took` this long. If it waited behind uploads for longer than
    /// allowed, the limit is halved; it grows again in small steps once these requests are quick.
    pub(super) fn state_answered(&self, took: Duration) {
        let most = self.settings.ahead;
        let mut state = self.state();
        if state.uploads == 0 {
            state.quickest = Some(state.quickest.map_or(took, |quickest| quickest.min(took)));
        }
        let waited = took.saturating_sub(state.quickest.unwrap_or_default());
        if waited <= most / 2 {
            state.ahead = most.min(state.ahead + most / 8);
        } else if waited > most && state.uploads > 0 {
            state.ahead = (state.ahead / 2).max(most / 32);
        }
    }

    /// How long it may take until everything has left this machine that its system has accepted of one upload: `bytes` in the
    /// time `since` it began. At most a system's buffer of them waits there, and what the upload's share of the link
    /// has carried since no longer waits. Nor does it take longer than everything that is under way.
    pub(super) fn time_to_leave(&self, bytes: u64, since: Duration) -> Duration {
        let state = self.state();
        let slowest = f64::from(self.settings.slowest);
        let link = state.rate().unwrap_or(slowest).max(slowest / 4.0);
        let share = link / state.uploads.max(1) as f64;
        let has_left = bytes.saturating_sub(SYSTEM_HOLDS) as f64 / since.as_secs_f64().max(1.0);
        let rate = share.max(has_left);
        let waiting = (bytes as f64 - rate * since.as_secs_f64()).clamp(0.0, SYSTEM_HOLDS as f64);
        Duration::from_secs_f64((waiting / rate).min(state.under_way.max(bytes) as f64 / link))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The counts stay valid when a thread has panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Bytes a second.
    fn rate(&self) -> Option<f64> {
        (self.busy > 0.0).then(|| self.arrived / self.busy)
    }

    /// The present amount has been under way since the last call.
    fn pass(&mut self) {
        let now = Instant::now();
        self.thinking.pass(self.under_way, now.duration_since(self.passed).as_secs_f64());
        self.passed = now;
    }

    fn count(&mut self, bytes: u64) {
        self.pass();
        self.thinking.count(bytes);
        let now = self.passed;
        self.busy += now.duration_since(self.counted).as_secs_f64();
        self.arrived += bytes as f64;
        self.counted = now;
        // Old measurements fade; their rate does not change.
        if self.busy > REMEMBERED.as_secs_f64() {
            let faded = REMEMBERED.as_secs_f64() / 2.0 / self.busy;
            self.busy *= faded;
            self.arrived *= faded;
        }
    }
}

impl Share {
    /// All of it has arrived.
    pub(super) fn arrived(self) {
        self.uplink.state().count(self.bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = self.uplink.state();
        state.pass();
        state.uploads -= 1;
        state.under_way -= self.bytes;
        drop(state);
        self.uplink.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn uplink() -> Uplink {
        Uplink::new(LinkSettings::default())
    }

    fn measured(uplink: &Uplink, arrived: f64, busy: f64) {
        let mut state = uplink.state();
        (state.arrived, state.busy) = (arrived, busy);
    }

    #[tokio::test]
    async fn a_link_that_was_not_measured_gets_little_and_one_file_however_large() {
        let uplink = uplink();
        let large = uplink.share(1 << 30).await;
        assert!(uplink.share(1).now_or_never().is_none());
        drop(large);
        let small = [uplink.share(200_000).await, uplink.share(30_000).await, uplink.share(30_000).await];
        assert!(uplink.share(1).now_or_never().is_none());
        drop(small);
    }

    #[tokio::test]
    async fn a_link_gets_what_it_carries_in_five_seconds() {
        let uplink = uplink();
        measured(&uplink, 1e6, 1.0);
        let held = [uplink.share(3_000_000).await, uplink.share(2_000_000).await];
        let mut next = std::pin::pin!(uplink.share(1_000_000));
        assert!((&mut next).now_or_never().is_none());
        let mut last = std::pin::pin!(uplink.share(1));
        drop(held);
        assert!((&mut last).now_or_never().is_none(), "first come, first served");
        drop(next.await);
        drop(last.await);
        let state = uplink.state();
        assert_eq!((state.uploads, state.under_way), (0, 0));
    }

    #[tokio::test]
    async fn only_what_arrived_is_measured_and_the_past_fades() {
        let uplink = uplink();
        drop(uplink.share(1_000).await);
        assert_eq!(uplink.state().rate(), None);
        uplink.share(1_000).await.arrived();
        assert!(uplink.state().rate().is_some());
        measured(&uplink, 400_000.0, 100.0);
        uplink.share(0).await.arrived();
        let state = uplink.state();
        assert_eq!(state.busy.round() as u64, 5);
        assert_eq!(state.arrived.round() as u64, 20_000);
    }

    #[tokio::test]
    async fn a_request_for_the_state_that_had_to_wait_makes_uploads_fewer_for_a_while() {
        let uplink = uplink();
        measured(&uplink, 1e6, 1.0);
        let most = || {
            let state = uplink.state();
            uplink.most(&state)
        };
        uplink.state_answered(Duration::from_secs(20));
        assert_eq!(most(), 5_000_000, "there was nothing that it could have waited for");
        uplink.state_answered(Duration::ZERO);
        let held = uplink.share(1).await;
        uplink.state_answered(Duration::from_secs(5));
        assert_eq!(most(), 5_000_000);
        uplink.state_answered(Duration::from_secs(6));
        assert_eq!(most(), 2_500_000);
        uplink.state_answered(Duration::from_secs(3));
        assert_eq!(most(), 2_500_000, "neither slow nor quick");
        (0..100).for_each(|_| uplink.state_answered(Duration::from_secs(60)));
        assert_eq!(most(), 156_250, "never nothing");
        uplink.state_answered(Duration::from_secs(1));
        assert_eq!(most(), 781_250);
        (0..100).for_each(|_| uplink.state_answered(Duration::from_secs(1)));
        assert_eq!(most(), 5_000_000);
        drop(held);
    }

    #[tokio::test]
    async fn a_request_for_the_state_that_takes_as_long_as_alone_waited_for_no_upload() {
        let uplink = uplink();
        measured(&uplink, 1e6, 1.0);
        uplink.state_answered(Duration::from_secs(8));
        let _held = uplink.share(1).await;
        (0..3).for_each(|_| uplink.state_answered(Duration::from_secs(9)));
        assert_eq!(uplink.state().ahead, uplink.settings.ahead);
        uplink.state_answered(Duration::from_secs(14));
        assert_eq!(uplink.state().ahead, uplink.settings.ahead / 2);
    }

    #[test]
    fn what_the_system_holds_takes_its_time_to_leave() {
        let uplink = uplink();
        let seconds = |bytes, since| uplink.time_to_leave(bytes, Duration::from_secs(since)).as_secs();
        assert_eq!(seconds(160_000, 0), 10, "as on a link of 128 kbit/s");
        assert_eq!(seconds(160_000, 9), 1);
        assert_eq!(seconds(160_000, 20), 0);
        assert_eq!(seconds(1 << 30, 64), 0, "whatever was measured, nearly all of it has left in a minute");
        measured(&uplink, 0.0, 60.0);
        assert_eq!(seconds(4_000, 0), 1, "a link that stands still is not waited for for ever");
        measured(&uplink, 4e6, 1.0);
        assert_eq!(seconds(4_000_000, 0), 1);
    }

    #[tokio::test]
    async fn nothing_takes_longer_to_leave_than_all_that_is_under_way() {
        let uplink = uplink();
        let _held = [uplink.share(1_000).await, uplink.share(1_000).await, uplink.share(158_000).await];
        assert_eq!(uplink.time_to_leave(158_000, Duration::ZERO).as_secs(), 10, "not 29");
    }
}

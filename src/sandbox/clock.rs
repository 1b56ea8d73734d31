//! The sandbox's clock: the machine's, plus what tests have added.
#![expect(clippy::disallowed_methods, reason = "the sandbox has a clock of its own, which tests may put forward")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// S3's clock in the sandbox. Clones share one time.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    ahead_ms: Arc<AtomicU64>,
}

impl Clock {
    /// The present, in whole seconds, as in S3's time stamps of objects.
    pub(super) fn now(&self) -> Timestamp {
        let ahead = Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst));
        let seconds =
            (SystemTime::now() + ahead).duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        from_unix_seconds(seconds)
    }

    /// How far this clock is ahead of the machine's.
    pub(super) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst))
    }

    pub(super) fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

/// A time that is stored on disk as whole seconds.
pub(super) fn from_unix_seconds(seconds: u64) -> Timestamp {
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX)
}

/// `Sat, 21 Nov 2026 11:26:07 GMT`, the form of `Date` and `Last-Modified` (RFC 9110 5.6.7).
pub(super) fn http_date(time: Timestamp) -> String {
    // Cannot fail for the years 0 to 9999, which covers every `Timestamp` from 1970 on.
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap_or_default()
}

/// Parses an HTTP date; `None` if it is invalid.
pub(super) fn parse_http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

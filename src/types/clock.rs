//! The only reader of this machine's clock.
#![expect(clippy::disallowed_methods, reason = "this is the module whose job the clock is")]

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

/// A moment, to the second, in UTC; written as RFC 3339 (`2026-11-21T09:30:00Z`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// From seconds since 1970; out-of-range values become the nearest that can be written.
    pub fn from_unix_seconds(seconds: i64) -> Timestamp {
        let limits = jiff::Timestamp::MIN.as_second()..=jiff::Timestamp::MAX.as_second();
        let clamped = seconds.clamp(*limits.start(), *limits.end());
        Timestamp(jiff::Timestamp::from_second(clamped).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
    }

    /// Seconds since 1970.
    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// The moment `later` after this one.
    #[must_use]
    pub fn plus(self, later: Duration) -> Timestamp {
        let seconds = i64::try_from(later.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_unix_seconds(self.unix_seconds().saturating_add(seconds))
    }

    /// As people read it: `2026-11-21 14:03 UTC`.
    pub fn to_the_minute(self) -> String {
        let text = self.to_string();
        match text.split_once('T') {
            Some((date, time)) => format!("{date} {} UTC", time.get(..5).unwrap_or(time)),
            None => text,
        }
    }

    /// How long `self` lies after `earlier`; zero where it lies before.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_secs(u64::try_from(self.unix_seconds() - earlier.unix_seconds()).unwrap_or(0))
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;
    /// As RFC 3339 writes it, to the second; a day alone (`2026-11-21`) is its first second in UTC.
    fn from_str(text: &str) -> Result<Timestamp, jiff::Error> {
        let moment = text.parse().or_else(|error| format!("{text}T00:00:00Z").parse().map_err(|_| error));
        let moment: jiff::Timestamp = moment?;
        Ok(Timestamp::from_unix_seconds(moment.as_second()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// When a run began, and how long ago that is.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began_at: Timestamp,
    began: Instant,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Clock {
        let began_at = Timestamp::from_unix_seconds(jiff::Timestamp::now().as_second());
        Clock { began_at, began: Instant::now() }
    }

    /// How long ago the run began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The present moment by this machine's clock. Good for records that people read; leases are judged by S3's clock.
    pub fn now(&self) -> Timestamp {
        let seconds = i64::try_from(self.elapsed().as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_unix_seconds(self.began_at.unix_seconds().saturating_add(seconds))
    }
}

/// The end of a time span. A machine that slept may have stopped one of its clocks: whichever says that it is over
/// counts.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    began: Instant,
    began_at: SystemTime,
    lasts: Duration,
}

impl Deadline {
    /// The moment that lies `lasts` from now.
    pub fn after(lasts: Duration) -> Deadline {
        Deadline { began: Instant::now(), began_at: SystemTime::now(), lasts }
    }

    /// How much time is left; zero when it is over.
    pub fn remaining(&self) -> Duration {
        // A wall clock that was set back is ignored.
        let slept = SystemTime::now().duration_since(self.began_at).unwrap_or_default();
        self.lasts.saturating_sub(self.began.elapsed().max(slept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_is_when_a_run_began_and_how_long_ago_that_is() {
        let (ago, began_at) = (Duration::from_secs(2), Timestamp::from_unix_seconds(1_000));
        let clock = Clock { began_at, began: Instant::now().checked_sub(ago).unwrap() };
        assert!(clock.elapsed() >= ago);
        assert!(clock.now() >= began_at.plus(ago));
    }

    #[test]
    fn a_moment_is_told_to_the_minute() {
        assert_eq!(Timestamp::from_unix_seconds(1_795_269_823).to_the_minute(), "2026-11-21 14:03 UTC");
        assert!(Timestamp::from_unix_seconds(i64::MIN).to_the_minute().ends_with(" UTC"));
    }
}

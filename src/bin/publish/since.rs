//! `--since`: a day, a moment, or a time ago.

use std::str::FromStr;
use std::time::Duration;

use publish::types::clock::Timestamp;

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// From a moment on.
    At(Timestamp),
    /// For so long before now.
    Ago(Duration),
}

/// Units of time, and their seconds.
const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 7 * 86_400)];

impl Since {
    /// The moment, when it is `now`.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Since::At(moment) => moment,
            Since::Ago(ago) => {
                let seconds = i64::try_from(ago.as_secs()).unwrap_or(i64::MAX);
                Timestamp::from_unix_seconds(now.unix_seconds().saturating_sub(seconds))
            }
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Since, String> {
        if let Ok(moment) = text.parse() {
            return Ok(Since::At(moment));
        }
        let unit = UNITS.iter().find(|(unit, _)| text.ends_with(*unit));
        let ago = unit.and_then(|(unit, seconds)| text.strip_suffix(*unit)?.parse::<u64>().ok()?.checked_mul(*seconds));
        ago.map(|seconds| Since::Ago(Duration::from_secs(seconds))).ok_or_else(|| {
            "use a date (2026-11-21), a time (2026-11-21T14:00:00Z) or how long ago (30m, 12h, 7d, 2w)".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_moments_and_times_ago_are_understood() {
        let now: Timestamp = "2026-11-21T14:00:00Z".parse().unwrap();
        for (text, moment) in [
            ("2026-11-21", "2026-11-21T00:00:00Z"),
            ("2026-11-21T09:30:00Z", "2026-11-21T09:30:00Z"),
            ("2026-11-21T09:30:00+02:00", "2026-11-21T07:30:00Z"),
            ("30m", "2026-11-21T13:30:00Z"),
            ("2w", "2026-11-07T14:00:00Z"),
            ("0d", "2026-11-21T14:00:00Z"),
        ] {
            assert_eq!(text.parse::<Since>().unwrap().before(now).to_string(), moment, "{text}");
        }
        assert!("99999999999w".parse::<Since>().is_ok_and(|since| since.before(now) < now));
        for wrong in ["", "d", "-1d", "7", "yesterday", "21.11.2026", "7y", "1.5d", "99999999999999999999d"] {
            assert!(wrong.parse::<Since>().is_err(), "{wrong}");
        }
    }
}

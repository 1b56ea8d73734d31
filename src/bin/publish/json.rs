//! `--output json`: one object a line on stdout, events as they happen, the report last.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use publish::report::Report;
use publish::report::event::Event;
use publish::types::clock::Clock;
use publish::types::text::printable_json;
use serde::Serialize;

use crate::terminal::write_result;

/// At most one progress event of a kind in this time.
const EVERY: Duration = Duration::from_millis(250);

/// The events of a run.
pub(crate) struct EventLines {
    clock: Clock,
    is_quiet: bool,
    /// When each kind of progress was last written, since the clock began.
    told: Mutex<BTreeMap<&'static str, Duration>>,
}

impl EventLines {
    /// Of a run that began when `clock` did; none, if it is to be quiet.
    pub(crate) fn new(clock: Clock, is_quiet: bool) -> EventLines {
        EventLines { clock, is_quiet, told: Mutex::default() }
    }

    /// Writes an event, unless there was one of its kind just before.
    pub(crate) fn write(&self, event: &Event) {
        if !self.is_quiet && self.is_due(event, self.clock.elapsed()) {
            line(event);
        }
    }

    fn is_due(&self, event: &Event, now: Duration) -> bool {
        let Some(kind) = kind_of_progress(event) else { return true };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told.get(kind).is_none_or(|last| now.saturating_sub(*last) >= EVERY);
        if is_due {
            told.insert(kind, now);
        }
        is_due
    }
}

/// What kind of progress an event reports, if the next of its kind replaces it.
fn kind_of_progress(event: &Event) -> Option<&'static str> {
    match event {
        Event::HashingAdvanced { .. } => Some("hashing"),
        Event::StagingAdvanced { .. } => Some("staging"),
        Event::ActivationAdvanced { .. } => Some("activation"),
        Event::PruneAdvanced { .. } => Some("prune"),
        Event::RefreshWaiting { .. } => Some("refresh"),
        Event::Waiting { .. } => Some("waiting"),
        Event::CredentialsAwaited
        | Event::CredentialsSettled
        | Event::HashingStarted { .. }
        | Event::HashingFinished { .. }
        | Event::Planned { .. }
        | Event::StagingStarted { .. }
        | Event::Staged { .. }
        | Event::ActivationStarted { .. }
        | Event::Activated { .. }
        | Event::PrunePlanned { .. }
        | Event::PruneStarted { .. }
        | Event::Pruned { .. }
        | Event::RefreshPlanned { .. }
        | Event::RefreshRequested { .. }
        | Event::Refreshed
        | Event::RefreshSeen { .. }
        | Event::VerificationStarted { .. }
        | Event::Verified { .. }
        | Event::Warning { .. } => None,
    }
}

/// Writes the report: the last line.
pub(crate) fn report(report: &Report) {
    line(report);
}

/// Writes a result.
pub(crate) fn line(value: &impl Serialize) {
    // Events and reports contain texts, numbers, lists and maps with text keys: JSON can express all of it.
    if let Ok(text) = serde_json::to_string(value) {
        write_result(&format!("{}\n", printable_json(&text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_at_most_four_times_a_second_a_kind() {
        let lines = EventLines::new(Clock::start(), false);
        let due = |event: Event, millis| lines.is_due(&event, Duration::from_millis(millis));
        let (hashing, staging) =
            (Event::HashingAdvanced { files: 1, bytes: 1 }, Event::StagingAdvanced { objects: 1, bytes: 1 });
        assert!(due(hashing.clone(), 0) && due(staging, 1), "each kind by itself");
        assert!(!due(hashing.clone(), 249) && due(hashing.clone(), 250) && !due(hashing.clone(), 499));
        assert!(due(hashing, 500));
        let warning = Event::Warning { message: String::new() };
        assert!(due(warning.clone(), 0) && due(warning, 0), "what comes once is never left out");
    }
}

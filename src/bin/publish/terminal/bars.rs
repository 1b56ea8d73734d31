//! Progress on a terminal: one bar for the current phase, which is erased at the end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use publish::report::event::Event;

use publish::types::text::{asked, count, printable};

const BYTES: &str = "{spinner} {prefix:12} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}";
const OBJECTS: &str = "{spinner} {prefix:12} {wide_bar} {pos}/{len}";
const WAITING: &str = "{spinner} {prefix:12} {wide_msg}";

/// The bar. Hidden until it is revealed, so that a quick run draws nothing at all.
pub(super) struct Bars {
    screen: MultiProgress,
    bar: Mutex<Option<ProgressBar>>,
}

impl Bars {
    pub(super) fn hidden() -> Bars {
        Bars { screen: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()), bar: Mutex::new(None) }
    }

    /// From now on the bar is drawn, and at once, also before anything has begun: a first answer may take a while.
    pub(super) fn reveal(&self) {
        self.screen.set_draw_target(ProgressDrawTarget::stderr());
        if self.bar.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.idle();
        }
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            bar.tick();
        }
    }

    /// Between two phases: something is requested or checked.
    fn idle(&self) {
        self.begin("Working", WAITING, None);
    }

    /// Hides the bar while `write` writes.
    pub(super) fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        self.screen.suspend(write)
    }

    /// Removes the bar.
    pub(super) fn clear(&self) {
        self.replace(None);
    }

    pub(super) fn show(&self, event: &Event) {
        match event {
            Event::CredentialsAwaited => {
                self.begin("Waiting", WAITING, None);
                self.say("for AWS credentials".to_owned());
            }
            Event::HashingStarted { bytes, .. } => self.begin("Reading", BYTES, Some(*bytes)),
            Event::HashingAdvanced { bytes, .. } | Event::StagingAdvanced { bytes, .. } => self.advance(*bytes),
            Event::StagingStarted { bytes, .. } => self.begin("Sending", BYTES, Some(*bytes)),
            Event::ActivationStarted { objects, .. } => self.begin("Activating", OBJECTS, Some(*objects as u64)),
            Event::ActivationAdvanced { objects } => self.advance(*objects as u64),
            Event::PruneStarted { objects } => self.begin("Removing", OBJECTS, Some(*objects as u64)),
            Event::PruneAdvanced { objects } => self.advance(*objects as u64),
            Event::RefreshRequested { paths, .. } => {
                self.begin("CDN", WAITING, None);
                self.say(format!("refreshing {}", asked(paths)));
            }
            Event::RefreshWaiting { waited_s } => self.say(format!("refreshing, {waited_s} s so far")),
            Event::VerificationStarted { urls } => {
                self.begin("Checking", WAITING, None);
                self.say(format!("{} of the site", count(*urls, "address")));
            }
            Event::Waiting { for_whom, remaining_s } => {
                self.begin("Waiting", WAITING, None);
                self.say(format!("for {} ({remaining_s} s left)", printable(for_whom)));
            }
            Event::CredentialsSettled
            | Event::HashingFinished { .. }
            | Event::Staged { .. }
            | Event::Activated { .. }
            | Event::Pruned { .. }
            | Event::Refreshed
            | Event::RefreshSeen { .. }
            | Event::Verified { .. } => self.idle(),
            Event::Planned { .. }
            | Event::PrunePlanned { .. }
            | Event::RefreshPlanned { .. }
            | Event::Warning { .. } => {}
        }
    }

    fn begin(&self, name: &'static str, template: &str, length: Option<u64>) {
        let bar = self.screen.add(ProgressBar::no_length());
        // The templates are constants, and the tests draw each.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.set_prefix(name);
        if let Some(length) = length {
            bar.set_length(length);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        self.replace(Some(bar));
    }

    fn replace(&self, bar: Option<ProgressBar>) {
        let mut current = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = current.take() {
            done.finish_and_clear();
            self.screen.remove(&done);
        }
        *current = bar;
    }

    fn advance(&self, position: u64) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            bar.set_position(position);
        }
    }

    fn say(&self, message: String) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            bar.set_message(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_can_be_drawn() {
        for template in [BYTES, OBJECTS, WAITING] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    /// Something is on the screen also while nothing is known yet, and between two phases.
    #[test]
    fn there_is_always_something_to_see() {
        let bars = Bars::hidden();
        let seen = || bars.bar.lock().unwrap().as_ref().map(ProgressBar::prefix);
        assert_eq!(seen(), None, "a quick run draws nothing");
        bars.reveal();
        assert_eq!(seen().as_deref(), Some("Working"));
        bars.show(&Event::HashingStarted { files: 1, bytes: 5 });
        assert_eq!(seen().as_deref(), Some("Reading"));
        bars.show(&Event::HashingFinished { files: 1, bytes: 5 });
        assert_eq!(seen().as_deref(), Some("Working"));
        bars.clear();
        assert_eq!(seen(), None);
    }
}

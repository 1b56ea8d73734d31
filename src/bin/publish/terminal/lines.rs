//! Progress in a pipe or a log: a line for each phase, and its progress if nothing was written for a while.

use std::sync::{Mutex, PoisonError};

use indicatif::DecimalBytes;
use publish::report::event::Event;
use publish::report::price_usd;
use publish::types::text::{asked, count, printable};

use super::layout::labelled;
use super::style::Style;

/// The line of the phase that `event` begins, if it begins one that is worth a line.
pub(super) fn line(event: &Event) -> Option<String> {
    let line = match event {
        Event::CredentialsAwaited => CREDENTIALS.to_owned(),
        Event::HashingFinished { files, bytes } => {
            format!("Read {} ({})", count(*files, "file"), DecimalBytes(*bytes))
        }
        Event::StagingStarted { release, objects, bytes } if *objects > 0 => {
            format!("Sending release {release}: up to {} ({})", count(*objects, "object"), DecimalBytes(*bytes))
        }
        Event::Waiting { for_whom, remaining_s } => {
            format!("Waiting for {} ({remaining_s} s left)", printable(for_whom))
        }
        Event::ActivationStarted { release, objects } => {
            format!("Activating release {release}: {} to write or remove", count(*objects, "live object"))
        }
        Event::RefreshRequested { paths, .. } => format!("Refreshing the CDN: {}", asked(paths)),
        Event::VerificationStarted { urls } => format!("Checking {} of the site", count(*urls, "address")),
        Event::PruneStarted { objects } if *objects > 0 => format!("Removing {}", count(*objects, "object")),
        Event::CredentialsSettled
        | Event::HashingStarted { .. }
        | Event::HashingAdvanced { .. }
        | Event::Planned { .. }
        | Event::StagingStarted { .. }
        | Event::StagingAdvanced { .. }
        | Event::Staged { .. }
        | Event::ActivationAdvanced { .. }
        | Event::Activated { .. }
        | Event::PrunePlanned { .. }
        | Event::RefreshPlanned { .. }
        | Event::PruneStarted { .. }
        | Event::PruneAdvanced { .. }
        | Event::Pruned { .. }
        | Event::RefreshWaiting { .. }
        | Event::Refreshed
        | Event::RefreshSeen { .. }
        | Event::Verified { .. }
        | Event::Warning { .. } => return None,
    };
    Some(line)
}

const WAITING: &str = "Waiting";

const CREDENTIALS: &str = "Waiting for AWS credentials";

/// Progress for the log of a long run: pipelines kill what is silent.
#[derive(Default)]
pub(super) struct Reminder(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    /// The phase, and how much there is of it to do.
    phase: &'static str,
    total: u64,
    /// How far it is.
    so_far: String,
    /// Whether a line was written since the last reminder.
    is_said: bool,
}

impl Reminder {
    /// Takes an event of a run; returns the line of the phase that begins.
    pub(super) fn hear(&self, event: &Event) -> Option<String> {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Its countdown is for terminals.
        let is_told = matches!(event, Event::Waiting { .. }) && now.phase == WAITING;
        let line = line(event).filter(|_| !is_told);
        now.is_said |= line.is_some();
        let total = now.total;
        let of = |done: u64| format!(": {done} of {total}");
        let bytes = |done: u64| format!(": {} of {}", DecimalBytes(done), DecimalBytes(total));
        match event {
            Event::CredentialsAwaited => now.begin(CREDENTIALS, 0),
            Event::HashingStarted { bytes, .. } => now.begin("Reading", *bytes),
            Event::StagingStarted { bytes, .. } => now.begin("Sending", *bytes),
            Event::ActivationStarted { objects, .. } => now.begin("Activating", *objects as u64),
            Event::PruneStarted { objects } => now.begin("Removing", *objects as u64),
            Event::RefreshRequested { .. } => now.begin("Refreshing the CDN", 0),
            Event::VerificationStarted { .. } => now.begin("Checking the site", 0),
            Event::HashingAdvanced { bytes: done, .. } | Event::StagingAdvanced { bytes: done, .. } => {
                now.so_far = bytes(*done);
            }
            Event::ActivationAdvanced { objects } | Event::PruneAdvanced { objects } => {
                now.so_far = of(*objects as u64);
            }
            Event::RefreshWaiting { waited_s } => now.so_far = format!(": {waited_s} s so far"),
            Event::Waiting { for_whom, remaining_s } => {
                now.begin(WAITING, 0);
                now.so_far = format!(" for {} ({remaining_s} s left)", printable(for_whom));
            }
            Event::CredentialsSettled
            | Event::HashingFinished { .. }
            | Event::Staged { .. }
            | Event::Activated { .. }
            | Event::Pruned { .. }
            | Event::Refreshed
            | Event::RefreshSeen { .. }
            | Event::Verified { .. } => now.begin("Working", 0),
            Event::Planned { .. }
            | Event::PrunePlanned { .. }
            | Event::RefreshPlanned { .. }
            | Event::Warning { .. } => {}
        }
        line
    }

    /// How far the run is, unless a line was written since this was asked last.
    pub(super) fn remind(&self) -> Option<String> {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let phase = if now.phase.is_empty() { "Working" } else { now.phase };
        (!std::mem::take(&mut now.is_said)).then(|| format!("{phase}{}", now.so_far))
    }
}

impl Remembered {
    fn begin(&mut self, phase: &'static str, total: u64) {
        (self.phase, self.total, self.so_far) = (phase, total, String::new());
    }
}

/// What is about to be done, with what it costs: the first 1,000 paths of an account's month are free (AWS.md 1.3).
pub(crate) fn plan(event: &Event, style: Style) -> Option<String> {
    let line = |name: &str, value: &str| labelled(name, 8, value, style);
    if let Event::PrunePlanned { closes, objects, bytes, paths } = event {
        let numbers: Vec<String> = closes.iter().map(ToString::to_string).collect();
        let numbers = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
        let objects = count(*objects, "object");
        let paths = count(*paths, "path");
        let objects = format!("{objects} ({})", DecimalBytes(*bytes));
        return Some(line("releases", &numbers) + &line("objects", &objects) + &line("CDN", &paths));
    }
    if let Event::RefreshPlanned { paths, price_usd } = event {
        let paths = count(*paths, "path");
        return Some(format!("  CDN      {paths}, free within 1,000 a month, ${price_usd} beyond\n"));
    }
    let Event::Planned { files, copied, deleted, paths } = event else { return None };
    if files.added + files.replaced + files.reheadered + files.removed == 0 && (*copied, *deleted, *paths) == (0, 0, 0)
    {
        return None;
    }
    let changed = [
        (files.added, "added"),
        (files.replaced, "replaced"),
        (files.reheadered, "with new headers"),
        (files.removed, "removed"),
    ];
    let changed: Vec<String> =
        changed.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    let changed = if changed.is_empty() { "none".to_owned() } else { changed.join(", ") };
    let price = match paths {
        0 => String::new(),
        _ => format!(", free within the first 1,000 a month, then ${}", price_usd(*paths)),
    };
    let copies = match copied {
        1 => "1 copy".to_owned(),
        _ => format!("{copied} copies"),
    };
    let inside = format!("{copies} and {} inside the bucket", count(*deleted, "removal"));
    let refresh = format!("{}{price}", count(*paths, "path"));
    Some(line("files", &changed) + &line("S3", &inside) + &line("CDN", &refresh))
}

#[cfg(test)]
mod tests {
    use publish::release::counts::FileCounts;
    use publish::release::manifest::ReleaseNumber;

    use super::*;

    #[test]
    fn a_plan_says_what_it_costs() {
        let files = FileCounts { added: 1, replaced: 4, ..FileCounts::default() };
        let text = plan(&Event::Planned { files, copied: 5, deleted: 1, paths: 7 }, Style::plain()).unwrap();
        let expected = "  files    1 added, 4 replaced\n  S3       5 copies and 1 removal inside the bucket\n  \
            CDN      7 paths, free within the first 1,000 a month, then $0.035\n";
        assert_eq!(text, expected);
        let nothing = Event::Planned { files: FileCounts::default(), copied: 0, deleted: 0, paths: 0 };
        assert_eq!(plan(&nothing, Style::plain()), None);
    }

    #[test]
    fn phases_are_lines_and_their_progress_is_not() {
        let release = ReleaseNumber::new(8);
        let started = line(&Event::StagingStarted { release, objects: 12, bytes: 1_200_000 });
        assert_eq!(started.as_deref(), Some("Sending release 8: up to 12 objects (1.20 MB)"));
        let refresh = Event::RefreshRequested { ids: vec!["I1".to_owned()], paths: vec!["/".to_owned()] };
        assert_eq!(line(&refresh).as_deref(), Some("Refreshing the CDN: 1 path"));
        assert_eq!(line(&Event::StagingAdvanced { objects: 1, bytes: 2 }), None);
    }

    #[test]
    fn a_long_phase_says_how_far_it_is_where_nothing_else_was_said() {
        let reminder = Reminder::default();
        assert_eq!(reminder.remind().as_deref(), Some("Working"), "before anything has begun");
        let release = ReleaseNumber::new(8);
        assert!(reminder.hear(&Event::StagingStarted { release, objects: 2, bytes: 5_000_000 }).is_some());
        assert_eq!(reminder.remind(), None, "its line was just written");
        assert_eq!(reminder.remind().as_deref(), Some("Sending"));
        assert_eq!(reminder.hear(&Event::StagingAdvanced { objects: 1, bytes: 1_200_000 }), None);
        assert_eq!(reminder.remind().as_deref(), Some("Sending: 1.20 MB of 5.00 MB"));
        reminder.hear(&Event::ActivationStarted { release, objects: 7 });
        reminder.hear(&Event::ActivationAdvanced { objects: 3 });
        assert_eq!((reminder.remind(), reminder.remind().as_deref()), (None, Some("Activating: 3 of 7")));
        reminder.hear(&Event::Activated { release });
        assert_eq!(reminder.remind().as_deref(), Some("Working"));
        let waiting = |remaining_s| Event::Waiting { for_whom: "dev on vm".to_owned(), remaining_s };
        assert!(reminder.hear(&waiting(90)).is_some() && reminder.hear(&waiting(88)).is_none());
        assert_eq!(
            (reminder.remind(), reminder.remind().as_deref()),
            (None, Some("Waiting for dev on vm (88 s left)"))
        );
    }
}

//! The standing of a run: what its report says about the site if it ends at this point, by itself or because it was stopped.

use std::sync::{Arc, Mutex, PoisonError};

use crate::release::counts::FileCounts;
use crate::release::head::Head;
use crate::release::manifest::ReleaseNumber;
use crate::report::changes::Changes;
use crate::report::error::{Code, Problem, VisitorsSee};
use crate::report::event::Event;
use crate::report::{InvalidationReport, OtherDistribution};

/// The standing of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// What visitors see now.
    pub(super) visitors_see: VisitorsSee,
    /// The release that is live, or that this run has activated.
    pub(super) release: Option<ReleaseNumber>,
    /// The release before it.
    pub(super) previous_release: Option<ReleaseNumber>,
    /// How the files compare.
    pub(super) files: FileCounts,
    /// The changes, path by path. Shared, because a standing is copied with each event.
    pub(super) changes: Arc<Changes>,
    /// What was or will be refreshed at the CDN.
    pub(super) invalidation: Option<InvalidationReport>,
    /// Refreshes at distributions of other environments.
    pub(super) other_distributions: Vec<OtherDistribution>,
    /// What to do next if the run is stopped at this point.
    next: &'static str,
}

impl Standing {
    /// At the beginning of `command`.
    fn new(command: &str) -> Standing {
        Standing {
            visitors_see: VisitorsSee::Untouched,
            release: None,
            previous_release: None,
            files: FileCounts::default(),
            changes: Arc::default(),
            invalidation: None,
            other_distributions: Vec::new(),
            next: match command {
                "publish" | "promote" => "Run the same command again; it continues from there.",
                _ => "",
            },
        }
    }

    /// The same run after `event`.
    #[must_use]
    fn after(self, event: &Event) -> Standing {
        match event {
            Event::ActivationStarted { release, .. } => {
                let visitors_see = match self.visitors_see {
                    VisitorsSee::TheSame(before) => VisitorsSee::SomeOfBoth(before, *release),
                    _ => VisitorsSee::SomeOfSeveral(*release),
                };
                Standing { visitors_see, next: "Run the same command again to finish.", ..self }
            }
            Event::Activated { release } => Standing {
                visitors_see: VisitorsSee::TheNewOne(*release),
                release: Some(*release),
                next: "Run the same command again to refresh the CDN.",
                ..self
            },
            Event::PruneStarted { .. } => Standing {
                next: "Run `publish prune` again once its lease has ended; it continues from there.",
                ..self
            },
            Event::Pruned { .. } => Standing {
                next: "The objects are removed. The CDN refresh is recorded; the next publish or prune does it.",
                ..self
            },
            _ => self,
        }
    }
}

/// The current standing of a run.
pub(super) struct Course(Mutex<Recorded>);

struct Recorded {
    standing: Standing,
    /// Whether later events no longer change the run's result.
    settled: bool,
}

impl Course {
    pub(super) fn new(command: &str) -> Course {
        Course(Mutex::new(Recorded { standing: Standing::new(command), settled: false }))
    }

    /// The current standing.
    pub(super) fn standing(&self) -> Standing {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).standing.clone()
    }

    /// Takes an event of the stages.
    pub(super) fn hear(&self, event: &Event) {
        self.change(|standing| standing.after(event));
    }

    /// The run begins, perhaps again: the live state is unknown, and nothing is planned.
    pub(super) fn begins(&self) {
        self.change(|standing| Standing { visitors_see: VisitorsSee::Untouched, invalidation: None, ..standing });
    }

    /// `head` was read, and this run has changed nothing that visitors see. What an interrupted activation shows to visitors
    /// is unknown.
    pub(super) fn found(&self, head: &Head) {
        let active = head.active.as_ref().map(|active| active.release);
        self.about(active, active);
        self.visitors_see(match head.activation {
            Some(_) => VisitorsSee::Untouched,
            None => VisitorsSee::TheSame(active),
        });
    }

    /// The release that the report is about, and the one before it.
    pub(super) fn about(&self, release: Option<ReleaseNumber>, previous_release: Option<ReleaseNumber>) {
        self.change(|standing| Standing { release, previous_release, ..standing });
    }

    /// How the files compare.
    pub(super) fn compared(&self, files: FileCounts) {
        self.change(|standing| Standing { files, ..standing });
    }

    /// The changes, path by path.
    pub(super) fn changes(&self, changes: Changes) {
        let changes = Arc::new(changes);
        self.change(|standing| Standing { changes, ..standing });
    }

    /// What is to be, or was, invalidated at the CDN.
    pub(super) fn invalidates(&self, invalidation: Option<InvalidationReport>) {
        self.change(|standing| Standing { invalidation, ..standing });
    }

    /// Refreshes at distributions of other environments.
    pub(super) fn others_are_owed(&self, other_distributions: Vec<OtherDistribution>) {
        self.change(|standing| Standing { other_distributions, ..standing });
    }

    /// What visitors see now.
    pub(super) fn visitors_see(&self, visitors_see: VisitorsSee) {
        self.change(|standing| Standing { visitors_see, ..standing });
    }

    /// The run has reached its goal. Whatever it does besides, and however that ends, is reported in warnings.
    pub(super) fn settle(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).settled = true;
    }

    /// Why a run ends that was asked to stop, and what to do next.
    pub(super) fn stopped(&self) -> Problem {
        Problem::new(Code::Interrupted, "stopped on request").hint(self.standing().next)
    }

    fn change(&self, change: impl FnOnce(Standing) -> Standing) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !recorded.settled {
            recorded.standing = change(recorded.standing.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    fn release(number: u64) -> ReleaseNumber {
        ReleaseNumber::new(number)
    }

    /// The report of a publish that found release 7, and is stopped after these events.
    fn stopped_after(events: &[Event]) -> Report {
        let course = Course::new("publish");
        course.about(Some(release(7)), Some(release(7)));
        course.visitors_see(VisitorsSee::TheSame(Some(release(7))));
        events.iter().for_each(|event| course.hear(event));
        let failure = course.stopped().while_visitors_see(course.standing().visitors_see);
        Report::new("publish", "production").failed(&failure)
    }

    #[test]
    fn the_exit_code_says_how_far_a_run_got_that_is_stopped() {
        let release = release(8);
        let staging = Event::StagingStarted { release, objects: 1, bytes: 1 };
        let switching = Event::ActivationStarted { release, objects: 2 };
        let switched = Event::Activated { release };
        assert_eq!(stopped_after(&[]).exit_code, 130);
        assert_eq!(stopped_after(std::slice::from_ref(&staging)).exit_code, 130);
        assert_eq!(stopped_after(&[staging.clone(), switching.clone()]).exit_code, 5);
        let pruning = Event::PruneStarted { objects: 1 };
        assert_eq!(stopped_after(std::slice::from_ref(&pruning)).exit_code, 130);
        assert_eq!(stopped_after(&[pruning.clone(), Event::Pruned { objects: 1 }]).exit_code, 130);
        assert_eq!(stopped_after(&[switched.clone(), pruning]).exit_code, 3);
        assert_eq!(stopped_after(&[staging, switching, switched]).exit_code, 3);
    }

    #[test]
    fn what_visitors_see_is_said_and_what_to_do() {
        let said = |events: &[Event]| {
            let error = stopped_after(events).error.unwrap();
            assert_eq!(error.code, "interrupted");
            format!("{} {}", error.visitors_see, error.hint)
        };
        let release = release(8);
        assert_eq!(
            said(&[]),
            "Visitors see release 7, as before. Run the same command again; it continues from there."
        );
        let switching = Event::ActivationStarted { release, objects: 2 };
        assert_eq!(
            said(&[switching]),
            "Visitors see some pages of release 7 and some of release 8; each page is complete. Run the same command \
             again to finish."
        );
        assert_eq!(
            said(&[Event::Activated { release }]),
            "Release 8 is live; the CDN may still serve older pages for a while. Run the same command again to \
             refresh the CDN."
        );
    }

    #[test]
    fn what_is_settled_stays_as_it_is() {
        let course = Course::new("publish");
        course.hear(&Event::Activated { release: release(8) });
        course.settle();
        let settled = course.standing();
        course.about(None, None);
        course.visitors_see(VisitorsSee::TheSame(None));
        course.hear(&Event::PruneStarted { objects: 1 });
        assert_eq!(course.standing(), settled);
    }
}

//! Reports for runs that cannot report themselves: they did not begin, they panicked, or their report cannot be shown.

use std::any::Any;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::report::error::{Problem, VisitorsSee};
use crate::report::event::Event;
use crate::report::{Outcome, Report};

/// The report of a `command` that did not begin.
pub fn refused(command: &str, environment: &str, problem: Problem) -> Report {
    Report::new(command, environment).failed(&problem.while_visitors_see(VisitorsSee::Untouched))
}

/// The report of a run whose `report` could not be shown. An earlier failure takes precedence over that.
pub fn not_shown(report: Report, problem: Problem) -> Report {
    let visitors_see = match (report.outcome, report.release) {
        _ if report.error.is_some() => return report,
        (
            Outcome::Published
            | Outcome::Activated
            | Outcome::RolledBack
            | Outcome::Promoted
            | Outcome::Pruned
            | Outcome::Invalidated
            | Outcome::Repaired,
            Some(release),
        ) => VisitorsSee::TheNewOne(release),
        (_, release) => VisitorsSee::TheSame(release),
    };
    report.failed(&problem.while_visitors_see(visitors_see))
}

/// The progress of a run, for the report of a panic that nothing else caught.
pub struct Reached(Mutex<Place>);

struct Place {
    command: &'static str,
    visitors_see: VisitorsSee,
}

impl Default for Reached {
    /// At the beginning.
    fn default() -> Reached {
        Reached(Mutex::new(Place { command: "publish", visitors_see: VisitorsSee::Untouched }))
    }
}

impl Reached {
    /// The run is a run of `command`.
    pub fn begins(&self, command: &'static str) {
        self.lock().command = command;
    }

    /// Receives the run's events.
    pub fn hear(&self, event: &Event) {
        match event {
            Event::ActivationStarted { release, .. } => {
                self.lock().visitors_see = VisitorsSee::SomeOfBoth(None, *release);
            }
            Event::Activated { release } => self.lock().visitors_see = VisitorsSee::TheNewOne(*release),
            _ => {}
        }
    }

    /// The report of a run that ended here with a panic. `payload` is the panic's payload.
    pub fn panicked(&self, payload: &(dyn Any + Send)) -> Report {
        let Place { command, visitors_see } = *self.lock();
        Report::new(command, "").failed(&Problem::of_panic(payload).while_visitors_see(visitors_see))
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::manifest::ReleaseNumber;
    use crate::report::error::Code;

    /// The outcome of a run with `outcome` whose display panics.
    async fn panicking_after(outcome: Outcome) -> Report {
        let release = Some(ReleaseNumber::new(2));
        let report = Report { outcome, release, ..Report::new("publish", "live") };
        let showing = async { if outcome != Outcome::Failed { panic!("out of luck") } else { Ok(()) } };
        not_shown(report, Problem::unless_panic(showing).await.unwrap_err())
    }

    #[tokio::test]
    async fn a_panic_while_the_result_is_shown_tells_what_the_run_came_to() {
        for outcome in [Outcome::Published, Outcome::RolledBack, Outcome::Activated, Outcome::Promoted] {
            let report = panicking_after(outcome).await;
            let error = report.error.unwrap();
            assert_eq!((report.exit_code, error.code.as_str()), (3, "internal"), "{error:?}");
            assert!(error.visitors_see.contains("Release 2 is live"), "{error:?}");
        }
        for outcome in [Outcome::Unchanged, Outcome::Staged, Outcome::Verified] {
            assert_eq!(panicking_after(outcome).await.exit_code, 1, "{outcome:?}");
        }
        let failed = refused("publish", "live", Problem::new(Code::Held, "held"));
        assert_eq!(not_shown(failed.clone(), Problem::new(Code::Internal, "")).exit_code, failed.exit_code);
    }
}

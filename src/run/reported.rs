//! Runs a command from its beginning to its report.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::caller::Caller;
use super::rights;
use super::session::Session;
use super::standing::Course;
use crate::bucket::aws::Lookups;
use crate::config::environment::Environment;
use crate::report::error::{ExitCode, Problem, VisitorsSee};
use crate::report::event::{Event, Events};
use crate::report::tally::{Amounts, Tally};
use crate::report::{Outcome, Report};

/// The result of a run that did not fail.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) exit_code: ExitCode,
    /// What a plan would upload, copy and remove at most; `None`: what this run did.
    pub(super) planned: Option<Amounts>,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Ended {
        Ended { outcome, exit_code: ExitCode::Done, planned: None }
    }
}

/// Reports a slow lookup of credentials.
async fn say_what_is_awaited(lookups: &Lookups, events: Events<'_>) -> Infallible {
    loop {
        lookups.are_slow().await;
        events.send(Event::CredentialsAwaited);
        lookups.are_over().await;
        events.send(Event::CredentialsSettled);
    }
}

/// Opens a session and does `work` in it until it finishes or the run is asked to stop; reports the result, its cost
/// and the warnings.
pub(super) async fn reported(
    command: &str,
    environment: &Environment,
    caller: &Caller,
    events: Events<'_>,
    work: impl AsyncFnOnce(&mut Session<'_>) -> Result<Ended, Problem>,
) -> Report {
    let (course, tally, warnings) = (Course::new(command), Tally::default(), Mutex::new(Vec::new()));
    let listener = |event: Event| {
        if let Event::Warning { message } = &event {
            warnings.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        }
        course.hear(&event);
        events.send(event);
    };
    let events = Events::new(&listener);
    let mut report = Report::new(command, &environment.name);
    let doing = async {
        let stop = &caller.stop;
        // Boxed: otherwise every caller would move the whole future.
        let opening = Box::pin(Session::open(environment, caller, events, &course, &tally));
        let mut session = stop.unless_due(opening).await.unwrap_or_else(|| Err(course.stopped()))?;
        let lookups = session.aws.lookups.clone();
        let ended = tokio::select! {
            ended = stop.unless_due(Box::pin(work(&mut session))) => ended.unwrap_or_else(|| Err(course.stopped())),
            never = say_what_is_awaited(&lookups, events) => match never {},
        };
        report.requests = session.aws.requests.counts();
        ended.map_err(|problem| rights::named(problem, command, environment, session.aws.store.region()))
    };
    // A panic ends with a report, like every other failure. A panic within the switch is a failure of the switch, which
    // returns its lease (`Lease::during`).
    let ended = Problem::unless_panic(doing).await;
    let standing = course.standing();
    let done = ended.as_ref().ok().and_then(|ended| ended.planned).unwrap_or_else(|| tally.so_far());
    let report = Report {
        site: Some(environment.layout.identity().site.clone()),
        release: standing.release,
        previous_release: standing.previous_release,
        files: standing.files,
        changes: standing.changes,
        uploaded: done.uploaded,
        copied: done.copied,
        deleted: done.deleted,
        invalidation: standing.invalidation,
        other_distributions: standing.other_distributions,
        url: environment.url.clone(),
        warnings: warnings.into_inner().unwrap_or_else(PoisonError::into_inner),
        duration_ms: u64::try_from(caller.clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        ..report
    };
    match ended {
        Ok(Ended { outcome, exit_code, .. }) => Report { outcome, exit_code: exit_code.number(), ..report },
        Err(problem) => {
            report.failed(&with_the_way_back(problem, standing.visitors_see).while_visitors_see(standing.visitors_see))
        }
    }
}

/// `problem`, of an interrupted switch, with the command that undoes it: the build may be broken.
fn with_the_way_back(problem: Problem, visitors_see: VisitorsSee) -> Problem {
    match visitors_see {
        VisitorsSee::SomeOfBoth(Some(from), _) => {
            let hint = format!("{} Or `publish rollback {from}` brings all of release {from} back.", problem.hint);
            problem.hint(hint.trim_start())
        }
        _ => problem,
    }
}

//! Ctrl-C and SIGTERM: how far a run got when it was stopped, and what visitors see because of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use publish::release::manifest::ReleaseNumber;
use publish::report::Report;
use publish::report::error::{Code, Problem, VisitorsSee};
use publish::report::event::Event;
use tokio::sync::Notify;

/// How far a run got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reached {
    /// Nothing that visitors see was touched.
    #[default]
    BeforeTheSwitch,
    /// Live objects may be of this release or of the one before.
    Switching(ReleaseNumber),
    /// What nobody needs is being removed, under a lease.
    /// After a publish, that of the release which is live by then.
    Pruning(Option<ReleaseNumber>),
    /// It is removed; the CDN may not have heard of it.
    Pruned(Option<ReleaseNumber>),
    /// This release is live; the CDN may not have heard of it.
    Switched(ReleaseNumber),
}

impl Reached {
    /// The release that this run has made live.
    fn live(self) -> Option<ReleaseNumber> {
        match self {
            Reached::Switched(release) => Some(release),
            Reached::Pruning(release) | Reached::Pruned(release) => release,
            Reached::BeforeTheSwitch | Reached::Switching(_) => None,
        }
    }
}

/// Listens to the events of a run for how far it got.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Reached>);

impl Watch {
    /// Takes note of an event.
    pub(crate) fn note(&self, event: &Event) {
        let mut reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *reached = match event {
            Event::ActivationStarted { release, .. } => Reached::Switching(*release),
            Event::PruneStarted { .. } => Reached::Pruning(reached.live()),
            Event::Pruned { .. } => Reached::Pruned(reached.live()),
            Event::Activated { release } => Reached::Switched(*release),
            _ => return,
        };
    }

    /// The report of a run that was stopped now.
    pub(crate) fn report(&self, command: &str, environment: &str) -> Report {
        let reached = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = Problem::new(Code::Interrupted, "stopped on request");
        let report = Report::new(command, environment);
        match reached {
            Reached::BeforeTheSwitch => {
                let hint = if matches!(command, "publish" | "promote") {
                    "Run the same command again; it goes on from there."
                } else {
                    ""
                };
                report.failed(&problem.hint(hint).while_visitors_see(VisitorsSee::Untouched))
            }
            Reached::Pruning(None) => {
                let problem = problem.hint("Run `publish prune` again when its lease is over; it goes on from there.");
                report.failed(&problem.while_visitors_see(VisitorsSee::Untouched))
            }
            Reached::Pruned(None) => {
                let hint = "What was to go is gone; what the CDN has to forget is recorded: the next publish or prune asks for it.";
                report.failed(&problem.hint(hint).while_visitors_see(VisitorsSee::Untouched))
            }
            Reached::Switching(release) => {
                let problem = problem.hint("Run the same command again to finish.");
                let failure = problem.while_visitors_see(VisitorsSee::SomeOfBoth(None, release));
                let mut report = report.failed(&failure);
                report.release = Some(release);
                // The events do not tell which release was live before, or whether one was.
                if let Some(error) = &mut report.error {
                    error.visitors_see = format!(
                        "Visitors see pages of release {release} and of what was live before; each page is whole."
                    );
                }
                report
            }
            Reached::Switched(release) | Reached::Pruning(Some(release)) | Reached::Pruned(Some(release)) => {
                let problem = problem.hint("Run the same command again to refresh the CDN.");
                let mut report = report.failed(&problem.while_visitors_see(VisitorsSee::TheNewOne(release)));
                report.release = Some(release);
                report
            }
        }
    }
}

/// The signals that ask this process to stop.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    arrived: Arc<Notify>,
    /// While a question waits for its answer, the run cannot be told to stop: the process ends at once. Questions are
    /// asked before anything that visitors see is touched.
    asking: Arc<AtomicBool>,
}

impl Signals {
    /// Begins to listen, in a task of the current runtime.
    pub(crate) fn listen() -> Signals {
        let signals = Signals { arrived: Arc::new(Notify::new()), asking: Arc::default() };
        let Signals { arrived, asking } = signals.clone();
        tokio::spawn(async move {
            loop {
                next_signal().await;
                if asking.load(Ordering::SeqCst) {
                    crate::terminal::write_error("\nStopped; nothing that visitors see was changed.\n");
                    std::process::exit(i32::from(publish::report::error::ExitCode::Interrupted.number()));
                }
                arrived.notify_one();
            }
        });
        signals
    }

    /// Waits for the next signal.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Asks with `ask`, which blocks.
    pub(crate) fn while_asking<R>(&self, ask: impl FnOnce() -> R) -> R {
        self.asking.store(true, Ordering::SeqCst);
        let answer = ask();
        self.asking.store(false, Ordering::SeqCst);
        answer
    }
}

#[cfg(unix)]
async fn next_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without a listener the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn next_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped_after(events: &[Event]) -> Report {
        let watch = Watch::default();
        events.iter().for_each(|event| watch.note(event));
        watch.report("publish", "production")
    }

    #[test]
    fn the_exit_code_says_how_far_it_got() {
        let release = ReleaseNumber::new(8);
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
    fn what_visitors_see_is_said() {
        let report = stopped_after(&[Event::ActivationStarted { release: ReleaseNumber::new(8), objects: 2 }]);
        let error = report.error.unwrap();
        assert_eq!(error.code, "interrupted");
        assert!(error.visitors_see.contains("release 8"), "{}", error.visitors_see);
    }
}

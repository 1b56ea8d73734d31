//! How far a run has got, for the report of a panic that nothing else caught.

use std::sync::{Mutex, MutexGuard, PoisonError};

use publish::report::error::VisitorsSee;
use publish::report::event::Event;

/// How far a run has got.
pub(crate) struct Reached(Mutex<Place>);

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
    /// The run is one of `command`.
    pub(crate) fn begins(&self, command: &'static str) {
        self.lock().command = command;
    }

    /// Hears what happens.
    pub(crate) fn hear(&self, event: &Event) {
        match event {
            Event::ActivationStarted { release, .. } => {
                self.lock().visitors_see = VisitorsSee::SomeOfBoth(None, *release);
            }
            Event::Activated { release } => self.lock().visitors_see = VisitorsSee::TheNewOne(*release),
            _ => {}
        }
    }

    pub(crate) fn command(&self) -> &'static str {
        self.lock().command
    }

    pub(crate) fn visitors_see(&self) -> VisitorsSee {
        self.lock().visitors_see
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

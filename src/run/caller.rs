//! Who runs a command, and how it may be spoken to.

use crate::release::manifest::{Publisher, RunId};
use crate::types::clock::Clock;
use crate::types::stop::Stop;

/// Who runs a command, and how it may be spoken to.
#[derive(Clone, Debug)]
pub struct Caller {
    /// This run's id, unlike any other.
    pub run: RunId,
    /// Who runs it.
    pub publisher: Publisher,
    /// When it began.
    pub clock: Clock,
    /// Whether questions are answered with yes.
    pub yes: bool,
    /// How it is told to stop.
    pub stop: Stop,
}

/// What a person says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Go on.
    Yes,
    /// Stop.
    No,
    /// Nothing: a signal came first.
    Interrupted,
    /// There is nobody to ask.
    CannotAsk,
}

/// Asks a person.
pub type Ask<'a> = &'a (dyn Fn(&str) -> Reply + Sync);

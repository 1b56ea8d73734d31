//! Who runs a command, and how the command can ask questions.

use std::fmt;
use std::sync::Arc;

use crate::release::manifest::{Publisher, RunId};
use crate::types::clock::Clock;
use crate::types::stop::Stop;

/// Who runs a command, and how the command can ask questions.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The unique id of this run.
    pub run: RunId,
    /// The person or pipeline that runs it.
    pub publisher: Publisher,
    /// Compares commits.
    pub commits: Commits,
    /// When the run began.
    pub clock: Clock,
    /// Whether every question is answered with yes.
    pub yes: bool,
    /// The signal to stop.
    pub stop: Stop,
}

/// How the commit of the build relates to the live one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descent {
    /// The build's commit is a descendant of the live one.
    Newer,
    /// The build's commit is an ancestor of the live one.
    Older,
    /// The commits are on different branches: neither is an ancestor of the other.
    Beside,
    /// Unknown, for example in a shallow clone.
    Unknown,
}

type AskDescent = dyn Fn(&str, &str) -> Descent + Send + Sync;

/// Compares two commits: the live one and the one that was built. It may block.
#[derive(Clone)]
pub struct Commits(Arc<AskDescent>);

impl Commits {
    /// Calls `descent`.
    pub fn by(descent: impl Fn(&str, &str) -> Descent + Send + Sync + 'static) -> Commits {
        Commits(Arc::new(descent))
    }

    /// How `built` relates to `live`.
    pub(super) async fn descent(&self, live: &str, built: &str) -> Descent {
        let (ask, live, built) = (Arc::clone(&self.0), live.to_owned(), built.to_owned());
        tokio::task::spawn_blocking(move || ask(&live, &built)).await.unwrap_or(Descent::Unknown)
    }
}

impl Default for Commits {
    /// Always unknown.
    fn default() -> Commits {
        Commits::by(|_, _| Descent::Unknown)
    }
}

impl fmt::Debug for Commits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Commits")
    }
}

/// A person's answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Go on.
    Yes,
    /// Stop.
    No,
    /// No answer: a signal came first.
    Interrupted,
    /// There is no terminal to ask on.
    CannotAsk,
}

/// Asks a person.
pub type Ask<'a> = &'a (dyn Fn(&str) -> Reply + Sync);

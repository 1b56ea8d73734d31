//! Who runs a command, and how it can ask questions.

use std::fmt;
use std::sync::Arc;

use crate::release::manifest::{Publisher, RunId};
use crate::types::clock::Clock;
use crate::types::stop::Stop;

/// Who runs a command, and how it can ask questions.
#[derive(Clone, Debug)]
pub struct Caller {
    /// This run's id, unlike any other.
    pub run: RunId,
    /// Who runs it.
    pub publisher: Publisher,
    /// Who knows how commits lie to each other.
    pub commits: Commits,
    /// When it began.
    pub clock: Clock,
    /// Whether questions are answered with yes.
    pub yes: bool,
    /// How it is told to stop.
    pub stop: Stop,
}

/// How the commit that was built lies to the one that is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descent {
    /// It comes after it.
    Newer,
    /// It comes before it.
    Older,
    /// On another branch: neither comes after the other.
    Beside,
    /// It cannot be known, as in a shallow clone.
    Unknown,
}

type AskDescent = dyn Fn(&str, &str) -> Descent + Send + Sync;

/// Who knows how commits lie to each other: asked with the live one, and the one that was built. It may block.
#[derive(Clone)]
pub struct Commits(Arc<AskDescent>);

impl Commits {
    /// Asks `descent`.
    pub fn by(descent: impl Fn(&str, &str) -> Descent + Send + Sync + 'static) -> Commits {
        Commits(Arc::new(descent))
    }

    /// How `built` lies to `live`.
    pub(super) async fn descent(&self, live: &str, built: &str) -> Descent {
        let (ask, live, built) = (Arc::clone(&self.0), live.to_owned(), built.to_owned());
        tokio::task::spawn_blocking(move || ask(&live, &built)).await.unwrap_or(Descent::Unknown)
    }
}

impl Default for Commits {
    /// The order is never known.
    fn default() -> Commits {
        Commits::by(|_, _| Descent::Unknown)
    }
}

impl fmt::Debug for Commits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Commits")
    }
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
    /// There is no terminal to ask on.
    CannotAsk,
}

/// Asks a person.
pub type Ask<'a> = &'a (dyn Fn(&str) -> Reply + Sync);

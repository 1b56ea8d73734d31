//! Releases that an interrupted prune closed: they cannot become live again, and every run warns of them.

use super::session::Session;
use crate::release::head::Head;
use crate::release::manifest::ReleaseNumber;
use crate::report::error::{Code, Problem};
use crate::stages::activate::CLOSED;

/// A release that an unfinished prune closed may lack bytes: nothing may rely on it.
pub(super) fn check_open(head: &Head, release: ReleaseNumber) -> Result<(), Problem> {
    if !head.is_closed(release) {
        return Ok(());
    }
    let message = format!("release {release} cannot be activated: it was closed by a prune that did not finish");
    Err(Problem::new(Code::MissingBytes, message).hint(CLOSED))
}

impl Session<'_> {
    /// Warns once of an unfinished prune. Called when no other run is active.
    pub(super) fn say_what_is_closed(&mut self, head: &Head) {
        if let Some(sentence) = sentence(head)
            && !std::mem::replace(&mut self.told_of_a_prune, true)
        {
            self.events.warn(sentence);
        }
    }
}

fn sentence(head: &Head) -> Option<String> {
    let closed: Vec<String> = head.closed_releases().iter().map(ToString::to_string).collect();
    let closed = match &closed[..] {
        [] if head.pruning.is_none() => return None,
        [] => String::new(),
        [one] => format!(" Release {one} is closed: it cannot be activated, and some of its files may be missing."),
        [first @ .., last] => format!(
            " Releases {} and {last} are closed: they cannot be activated, and some of their files may be missing.",
            first.join(", ")
        ),
    };
    Some(format!("A prune was interrupted.{closed} `publish prune` finishes it."))
}

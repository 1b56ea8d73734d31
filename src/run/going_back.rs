//! The release that a rollback goes back to, and the question before it.

use super::order::Terms;
use crate::config::environment::Environment;
use crate::plan::Plan;
use crate::release::head::Head;
use crate::release::manifest::{Manifest, Publisher, ReleaseNumber};
use crate::report::error::{Code, Problem};
use crate::types::clock::Timestamp;

/// The release that a rollback without a number goes back to. First it undoes an interrupted publish. An interrupted
/// rollback, or one that has yet to refresh a distribution of the `environment`, is finished: the same command run again must
/// not undo it. If the active release was itself reached by a rollback, the user may want to go further back or forward
/// again: then a number is required.
///
/// # Errors
/// [`Code::Usage`] if nothing was active before, or if a number is needed.
pub(super) fn earlier(head: &Head, environment: &Environment, terms: &Terms) -> Result<ReleaseNumber, Problem> {
    // Only a rollback activates a release whose number is closed.
    let is_closed = |release: ReleaseNumber| release <= head.floor;
    let active = head.active.as_ref();
    let owed = |release: ReleaseNumber| {
        environment
            .distributions()
            .any(|own| head.owed_to(own).any(|refresh| refresh.release == release && !refresh.is_sent()))
    };
    let unrefreshed = active.map(|active| active.release).filter(|release| is_closed(*release) && owed(*release));
    let earlier = match &head.activation {
        Some(cut_short) if is_closed(cut_short.to) && head.superseded.contains_key(&cut_short.to) => Some(cut_short.to),
        Some(_) => active.map(|active| active.release),
        None => match (unrefreshed, active) {
            (Some(unrefreshed), _) => Some(unrefreshed),
            (None, Some(active)) if head.is_back(active.release) => return Err(went_back(head, active.release, terms)),
            (None, active) => active.and_then(|active| active.previous),
        },
    };
    earlier.ok_or_else(|| {
        Problem::new(Code::Usage, "there is no earlier release to go back to")
            .hint("`publish releases` lists the releases that you can go back to.")
    })
}

/// The site was already rolled back to `active`: names the command for each thing the user may want.
fn went_back(head: &Head, active: ReleaseNumber, terms: &Terms) -> Problem {
    let left = head.active.as_ref().and_then(|active| active.previous);
    let item = head.history.iter().rfind(|item| item.release == active && item.from != Some(active));
    let when = item.map(|item| format!(" by {} on {}", item.publisher.name(), item.at.to_the_minute()));
    let from = left.map(|left| format!(", from release {left}")).unwrap_or_default();
    let message = format!("release {active} was already made live again{}{from}", when.unwrap_or_default());
    let older = head.superseded.keys().rfind(|release| **release < active && !head.is_closed(**release));
    let hold = (terms.holds() && head.hold.is_none()).then(|| "hold publishing with `publish hold`".to_owned());
    let further = older.map(|older| format!("go further back with `publish rollback {older}`"));
    let again = left.filter(|left| Some(left) != older);
    let again = again.map(|left| format!("make release {left} live again with `publish rollback {left}`"));
    let ways: Vec<String> = hold.into_iter().chain(further).chain(again).collect();
    let ways = if ways.is_empty() { String::new() } else { format!("You can {}. ", ways.join(", or ")) };
    Problem::new(Code::Usage, message)
        .hint(format!("{ways}`publish releases` lists the releases that you can go back to."))
}

/// The question before a rollback to `to`: both releases, each with its time, author and commit, and whether the rollback
/// also holds publishing.
pub(super) fn question(head: &Head, plan: &Plan, to: &Manifest, terms: &Terms) -> String {
    let release = to.release;
    let about = described(to.created_at, &to.publisher);
    let replaces = match plan.from {
        Some(from) if from != release => {
            let item = head.history.iter().rfind(|item| item.release == from);
            let about = item.map(|item| described(item.at, &item.publisher)).unwrap_or_default();
            format!("would replace release {from}{about}")
        }
        _ => "will be repaired".to_owned(),
    };
    let holds = if terms.holds() { " Publishing will be held until `publish resume`." } else { "" };
    format!("Release {release}{about} {replaces}.{holds} Continue?")
}

/// ` (2026-11-21 14:03 UTC, octocat, c0ffee00c0 main: Raise the prices)`
fn described(at: Timestamp, publisher: &Publisher) -> String {
    let parts = [Some(at.to_the_minute()), Some(publisher.name()), publisher.build()];
    format!(" ({})", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

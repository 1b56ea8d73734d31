//! Reading what releases there are, one of them, and what was active when.

use std::error::Error;

use futures_util::{StreamExt, stream};

use super::caller::Caller;
use super::reported::reported;
use super::session::Session;
use crate::bucket::aws::MOST_AT_ONCE;
use crate::config::environment::Environment;
use crate::release::head::Head;
use crate::release::manifest::ReleaseNumber;
use crate::report::error::{Code, Problem};
use crate::report::event::Events;
use crate::report::{Outcome, Report};
use crate::views::releases::{ActivationView, FileView, ReleaseView};

/// Everything that showing a release starts from.
#[derive(Clone, Debug)]
pub struct ShowRequest {
    /// Where.
    pub environment: Environment,
    /// Who asks.
    pub caller: Caller,
    /// Which release; `None`: the active one.
    pub release: Option<ReleaseNumber>,
}

/// One release with its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseListing {
    /// The release.
    pub release: ReleaseView,
    /// Its files in the order of their paths; none of a release that is incomplete.
    pub files: Vec<FileView>,
}

/// Lists all releases, the newest first. Costs a request for the head, a listing, and a request for each release. One
/// that cannot be read is said to be damaged, with a warning.
pub async fn releases(environment: Environment, caller: Caller, events: Events<'_>) -> (Report, Vec<ReleaseView>) {
    let mut found = Vec::new();
    let report = reported("releases", &environment, &caller, events, async |session| {
        let pointer = session.read_head_to_show().await?;
        if !pointer.head.is_leased_to_another(&caller.run, pointer.age) {
            session.say_what_is_closed(&pointer.head);
        }
        let head = pointer.head;
        let mut complete = session.state.releases().await?.complete;
        if let Some(active) = &head.active {
            // Where not even its claim is left, it is missed all the more.
            complete.entry(active.release).or_default();
        }
        let (session, head) = (&*session, &head);
        found = stream::iter(complete.into_iter().rev())
            .map(|(release, complete)| describe(session, head, release, complete))
            .buffered(MOST_AT_ONCE)
            .filter_map(async |view| view)
            .collect()
            .await;
        Ok(Outcome::Verified.into())
    })
    .await;
    (report, found)
}

/// Lists the activations that the head remembers, the newest first: one request.
pub async fn history(environment: Environment, caller: Caller, events: Events<'_>) -> (Report, Vec<ActivationView>) {
    let mut found = Vec::new();
    let report = reported("releases", &environment, &caller, events, async |session| {
        let head = session.read_head_to_show().await?.head;
        found = head.into_fields().history.into_iter().rev().map(ActivationView::from).collect();
        Ok(Outcome::Verified.into())
    })
    .await;
    (report, found)
}

/// Reads one release: a request for the head and one for its manifest, or two where it is incomplete.
pub async fn show(request: ShowRequest, events: Events<'_>) -> (Report, Option<ReleaseListing>) {
    let ShowRequest { environment, caller, release } = &request;
    let mut found = None;
    let report = reported("show", environment, caller, events, async |session| {
        let head = session.read_head_to_show().await?.head;
        let release = release.map_or_else(|| active(&head), Ok)?;
        found = Some(listing(session, &head, release).await?);
        Ok(Outcome::Verified.into())
    })
    .await;
    (report, found)
}

/// The number of the active release.
pub(super) fn active(head: &Head) -> Result<ReleaseNumber, Problem> {
    head.active.as_ref().map(|active| active.release).ok_or_else(|| {
        Problem::new(Code::Usage, "nothing is active yet").hint("`publish releases` lists what there is.")
    })
}

/// There is no such release.
pub(super) fn unknown(release: ReleaseNumber) -> Problem {
    Problem::new(Code::Usage, format!("there is no release {release}"))
        .hint("`publish releases` lists those that there are.")
}

async fn listing(session: &Session<'_>, head: &Head, release: ReleaseNumber) -> Result<ReleaseListing, Problem> {
    if let Some(manifest) = session.state.show_manifest(release).await? {
        let files = manifest.files.iter().map(|(path, entry)| FileView::of(path, entry)).collect();
        return Ok(ReleaseListing { release: ReleaseView::complete(&manifest, head), files });
    }
    match session.state.show_claim(release).await? {
        Some(claim) => Ok(ReleaseListing { release: ReleaseView::incomplete(&claim, head), files: Vec::new() }),
        None => Err(unknown(release)),
    }
}

/// One release of the list; `None` where it was removed since the listing.
async fn describe(session: &Session<'_>, head: &Head, release: ReleaseNumber, complete: bool) -> Option<ReleaseView> {
    let is_closed = head.is_closed(release);
    let was_active = head.superseded.contains_key(&release);
    let is_active = head.active.as_ref().is_some_and(|active| active.release == release);
    let damaged = |why: &str| {
        if !is_closed {
            session.events.warn(format!("Release {release} cannot be shown: {why}."));
        }
        Some(ReleaseView::damaged(release, head))
    };
    let read = if complete {
        let manifest = session.state.show_manifest(release).await;
        manifest.map(|manifest| manifest.map(|manifest| ReleaseView::complete(&manifest, head)))
    } else if !is_closed && (is_active || was_active) {
        return damaged("it was complete, and its manifest is not in the bucket");
    } else {
        let claim = session.state.show_claim(release).await;
        claim.map(|claim| claim.map(|claim| ReleaseView::incomplete(&claim, head)))
    };
    read.unwrap_or_else(|problem| damaged(&because(&problem)))
}

/// What a problem says, with its cause.
fn because(problem: &Problem) -> String {
    match problem.source.as_deref().map(<dyn Error + Send + Sync>::to_string) {
        Some(cause) => format!("{}: {cause}", problem.message),
        None => problem.message.clone(),
    }
}

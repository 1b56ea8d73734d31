//! Lists releases and activations, and reads a single release.

use std::collections::BTreeSet;
use std::error::Error;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::caller::Caller;
use super::reported::reported;
use super::session::{Ahead, Session, active_release};
use crate::bucket::aws::MOST_AT_ONCE;
use crate::bucket::live;
use crate::bucket::state::State;
use crate::config::environment::Environment;
use crate::release::head::Head;
use crate::release::manifest::{Manifest, ReleaseNumber};
use crate::report::error::{Code, Problem};
use crate::report::event::Events;
use crate::report::{Outcome, Report};
use crate::views::releases::{ActivationView, CommitPrefix, FileView, ReleaseFilter, ReleaseView};

/// The inputs of showing a release.
#[derive(Clone, Debug)]
pub struct ShowRequest {
    /// The environment.
    pub environment: Environment,
    /// The caller.
    pub caller: Caller,
    /// The release's number; `None`: the active one.
    pub release: Option<ReleaseNumber>,
}

/// One release with its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseListing {
    /// The release.
    pub release: ReleaseView,
    /// Its files, sorted by path; empty for an incomplete release.
    pub files: Vec<FileView>,
}

/// Lists the releases that match `filter`, newest first. Costs a request for the head, a listing, and a request for each
/// release that it needs to read. A release that cannot be read is listed as damaged, with a warning.
pub async fn releases(
    environment: Environment,
    caller: Caller,
    filter: &ReleaseFilter,
    events: Events<'_>,
) -> (Report, Vec<ReleaseView>) {
    let mut found = Vec::new();
    let report = reported("releases", &environment, &caller, events, async |session| {
        let pointer = session.read_head_to_show().await?;
        if !pointer.head.is_leased_to_another(&caller.run, pointer.age) {
            session.say_what_is_closed(&pointer.head);
        }
        let head = pointer.head;
        let mut complete = session.state.releases().await?.complete;
        if let Some(active) = &head.active {
            // Also missing if not even its claim is left.
            complete.entry(active.release).or_default();
        }
        let (session, head) = (&*session, &head);
        found = stream::iter(complete.into_iter().rev())
            .map(|(release, complete)| describe(session, head, release, complete))
            .buffered(MOST_AT_ONCE.min(filter.at_most()))
            .filter_map(async |view| view.filter(|view| filter.takes(view)))
            .take(filter.at_most())
            .collect()
            .await;
        Ok(Outcome::Verified.into())
    })
    .await;
    (report, found)
}

/// Lists the activations in the head that match `filter`, newest first: one request.
pub async fn history(
    environment: Environment,
    caller: Caller,
    filter: &ReleaseFilter,
    events: Events<'_>,
) -> (Report, Vec<ActivationView>) {
    let mut found = Vec::new();
    let report = reported("releases", &environment, &caller, events, async |session| {
        let head = session.read_head_to_show().await?.head;
        let history = head.into_fields().history.into_iter().rev().map(ActivationView::from);
        found = history.filter(|activation| filter.takes_activation(activation)).take(filter.at_most()).collect();
        Ok(Outcome::Verified.into())
    })
    .await;
    (report, found)
}

impl Session<'_> {
    /// The release for a rollback to `commit`: the newest one that was live, or else the newest one. Costs a
    /// listing, and a request for each release. Warns of releases that cannot be read.
    pub(super) async fn built_from(&self, head: &Head, commit: &CommitPrefix) -> Result<ReleaseNumber, Problem> {
        let releases = self.state.releases().await?.complete;
        let complete = releases.into_iter().rev().filter(|(release, complete)| *complete && !head.is_closed(*release));
        let manifests: Vec<Manifest> = stream::iter(complete)
            .map(async |(release, _)| match self.state.show_manifest(release).await {
                Err(problem) if problem.code == Code::BadState => {
                    self.events.warn(format!("Release {release} cannot be read: {}.", because(&problem)));
                    Ok(None)
                }
                read => read,
            })
            .buffered(MOST_AT_ONCE)
            .try_filter_map(async |manifest| Ok(manifest.filter(|manifest| commit.is_of(&manifest.publisher))))
            .try_collect()
            .await?;
        newest_of_one_commit(&manifests, head, commit)
    }
}

/// The releases whose commits begin with `commit`, newest first.
fn newest_of_one_commit(built: &[Manifest], head: &Head, commit: &CommitPrefix) -> Result<ReleaseNumber, Problem> {
    let refused = |message: String, hint: &str| Err(Problem::new(Code::Usage, message).hint(hint));
    let commits: BTreeSet<String> =
        built.iter().filter_map(|manifest| manifest.publisher.commit.clone()).map(|id| id.to_lowercase()).collect();
    if commits.len() > 1 {
        let commits = Vec::from_iter(commits).join(", ");
        return refused(
            format!("several commits start with {commit}: {commits}"),
            "Give more characters of the commit id.",
        );
    }
    let was_live = |manifest: &&Manifest| {
        let is_active = head.active.as_ref().is_some_and(|active| active.release == manifest.release);
        is_active || head.superseded.contains_key(&manifest.release)
    };
    match built.iter().find(was_live).or(built.first()) {
        Some(manifest) => Ok(manifest.release),
        None => refused(
            format!("there is no release to go back to that was built from a commit starting with {commit}"),
            "`publish releases` lists the releases and their commits.",
        ),
    }
}

impl Session<'_> {
    /// As [`manifest_to_activate`]. At the same time it reads what the run needs next in any case: the distributions, and the
    /// manifest of the release that is live ([`Ahead`]). Not if something is in progress: the run may wait for it to end, and what it
    /// read before the wait would be out of date.
    pub(super) async fn read_to_activate(&mut self, head: &Head, release: ReleaseNumber) -> Result<Manifest, Problem> {
        if head.activation.is_some() || head.pruning.is_some() {
            return manifest_to_activate(&self.state, head, release).await;
        }
        let live = active_release(head).filter(|live| *live != release);
        let active = async {
            match live {
                // If this fails, it is read again where it is needed, and the error is reported there.
                Some(live) => self.state.read_manifest(live).await.ok().flatten(),
                None => None,
            }
        };
        let (manifest, configurations, active) = tokio::join!(
            Box::pin(manifest_to_activate(&self.state, head, release)),
            Box::pin(self.read_configurations(head)),
            Box::pin(active),
        );
        self.ahead = Ahead { configurations: Some(configurations), active };
        manifest
    }
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
        Problem::new(Code::Usage, "nothing is live yet").hint("`publish releases` lists the releases in the bucket.")
    })
}

/// The error for a release that does not exist; lists those that do.
pub(super) async fn unknown(state: &State, release: ReleaseNumber) -> Problem {
    let hint = match state.releases().await {
        Ok(releases) => {
            there_are(releases.complete.into_iter().filter(|(_, complete)| *complete).map(|(number, _)| number))
        }
        Err(_) => "`publish releases` lists the releases in the bucket.".to_owned(),
    };
    Problem::new(Code::Usage, format!("there is no release {release}")).hint(hint)
}

/// The manifest of a release that is to become live, in this environment or another.
///
/// # Errors
/// [`Code::Usage`] if the release does not exist or was never complete: then nothing was tried.
pub(super) async fn manifest_to_activate(
    state: &State,
    head: &Head,
    release: ReleaseNumber,
) -> Result<Manifest, Problem> {
    if let Some(manifest) = state.read_manifest(release).await? {
        return Ok(manifest);
    }
    let is_active = head.active.as_ref().is_some_and(|active| active.release == release);
    if is_active || head.superseded.contains_key(&release) {
        return live::complete(state, release).await;
    }
    match state.read_claim(release).await? {
        Some(_) => Err(Problem::new(Code::Usage, format!("release {release} is incomplete"))
            .hint("Only a release that is complete in the bucket can become live: publish its folder.")),
        None => Err(unknown(state, release).await),
    }
}

/// Most releases that a sentence lists.
const MOST_LISTED: usize = 10;

/// `There are releases 5, 2, 1; …`: the newest ones if there are many.
fn there_are(releases: impl DoubleEndedIterator<Item = ReleaseNumber>) -> String {
    let mut newest: Vec<String> = releases.rev().take(MOST_LISTED + 1).map(|release| release.to_string()).collect();
    let others = if newest.len() > MOST_LISTED { " and earlier ones" } else { "" };
    newest.truncate(MOST_LISTED);
    match newest.as_slice() {
        [] => "There are no releases yet.".to_owned(),
        [only] => format!("There is release {only}."),
        all => format!("There are releases {}{others}; `publish releases` lists them.", all.join(", ")),
    }
}

async fn listing(session: &Session<'_>, head: &Head, release: ReleaseNumber) -> Result<ReleaseListing, Problem> {
    if let Some(manifest) = session.state.show_manifest(release).await? {
        let files = manifest.files.iter().map(|(path, entry)| FileView::of(path, entry)).collect();
        return Ok(ReleaseListing { release: ReleaseView::complete(&manifest, head), files });
    }
    match session.state.show_claim(release).await? {
        Some(claim) => Ok(ReleaseListing { release: ReleaseView::incomplete(&claim, head), files: Vec::new() }),
        None => Err(unknown(&session.state, release).await),
    }
}

/// One release of the list; `None` if it was removed since the listing.
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
        return damaged("its manifest is missing from the bucket");
    } else {
        let claim = session.state.show_claim(release).await;
        claim.map(|claim| claim.map(|claim| ReleaseView::incomplete(&claim, head)))
    };
    read.unwrap_or_else(|problem| damaged(&because(&problem)))
}

/// The text of a problem, with its cause.
fn because(problem: &Problem) -> String {
    match problem.source.as_deref().map(<dyn Error + Send + Sync>::to_string) {
        Some(cause) => format!("{}: {cause}", problem.message),
        None => problem.message.clone(),
    }
}

//! Comparing a release with another one, or with a folder.

use std::path::PathBuf;

use super::caller::Caller;
use super::goal::Goal;
use super::reading;
use super::releases::{active, unknown};
use super::reported::reported;
use super::session::Session;
use crate::bucket::live::as_activated;
use crate::config::environment::Environment;
use crate::plan::diff::Diff;
use crate::release::head::Head;
use crate::release::manifest::{Files, ReleaseNumber};
use crate::report::error::{Code, Problem};
use crate::report::event::Events;
use crate::report::{Outcome, Report};

/// The inputs of a comparison.
#[derive(Clone, Debug)]
pub struct DiffRequest {
    /// The environment.
    pub environment: Environment,
    /// The caller.
    pub caller: Caller,
    /// The first release.
    pub from: ReleaseNumber,
    /// What it is compared with.
    pub to: Side,
}

/// What a release is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The active release.
    Active,
    /// A release.
    Release(ReleaseNumber),
    /// A built site, with the headers that a publish would set.
    Folder(PathBuf),
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The second side, if it is a release.
    pub to: Option<ReleaseNumber>,
    /// How the second side differs from the first.
    pub diff: Diff,
}

/// Compares a release with another one or with a folder. Costs a request for the head and one for each release. Both sides are
/// taken as they would be live now: a name that was reused since they were staged counts as mutable.
pub async fn diff(request: DiffRequest, events: Events<'_>) -> (Report, Option<Comparison>) {
    let DiffRequest { environment, caller, from, to } = &request;
    let mut comparison = None;
    let report = reported("diff", environment, caller, events, async |session| {
        let folder = match to {
            Side::Folder(folder) => Some(Goal::Folder(reading::read(folder, session).await?)),
            Side::Active | Side::Release(_) => None,
        };
        let head = session.read_head_to_show().await?.head;
        let number = match to {
            Side::Active => Some(active(&head)?),
            Side::Release(release) => Some(*release),
            Side::Folder(_) => None,
        };
        let first = session.files_of(*from, &head).await?;
        let second = match (folder, number) {
            (Some(folder), _) => session.files_to_be(&folder, &head).await,
            (None, Some(release)) => session.files_of(release, &head).await,
            (None, None) => Ok(Files::new()),
        };
        let diff = Diff::between(&first, &second?);
        session.course.compared(diff.counts);
        comparison = Some(Comparison { to: number, diff });
        Ok(Outcome::Verified.into())
    })
    .await;
    (report, comparison)
}

impl Session<'_> {
    /// The files of a release as they would be live now.
    async fn files_of(&self, release: ReleaseNumber, head: &Head) -> Result<Files, Problem> {
        if let Some(manifest) = self.state.show_manifest(release).await? {
            return Ok(as_activated(manifest.files, &self.environment.layout, head));
        }
        match self.state.show_claim(release).await? {
            Some(_) => Err(Problem::new(Code::Usage, format!("release {release} is incomplete"))
                .hint("Only releases that are complete in the bucket can be compared.")),
            None => Err(unknown(&self.state, release).await),
        }
    }

    /// The files of a folder as a publish would make them live. Does not read again what the head records of the distribution.
    async fn files_to_be(&mut self, folder: &Goal, head: &Head) -> Result<Files, Problem> {
        let is_known = self.environment.distributions().all(|id| head.distributions.contains_key(id));
        if is_known {
            self.know(head);
        } else {
            self.read_distributions(head).await?;
        }
        Ok(folder.content(&self.environment.layout, &head.mutable_paths, &self.distributions))
    }
}

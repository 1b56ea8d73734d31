//! Publishes another environment's release here, without the folder that it was built from.

use super::caller::{Ask, Caller};
use super::closed::check_open;
use super::goal::Goal;
use super::order::{Order, Terms};
use super::releases::manifest_to_activate;
use super::reported::reported;
use super::session::Session;
use crate::bucket::elsewhere::Elsewhere;
use crate::bucket::live;
use crate::bucket::state::State;
use crate::config::environment::Environment;
use crate::release::manifest::{Publisher, ReleaseNumber};
use crate::report::Report;
use crate::report::error::{Code, Problem};
use crate::report::event::Events;

/// The inputs of a promotion.
#[derive(Clone, Debug)]
pub struct PromoteRequest {
    /// The environment that gets the release.
    pub environment: Environment,
    /// The caller.
    pub caller: Caller,
    /// The environment that the release comes from; nothing is written there.
    pub from: Environment,
    /// Its number there; `None`: the active release.
    pub release: Option<ReleaseNumber>,
    /// Whether the objects that are here before the first publish become release 0.
    pub adopt: bool,
    /// Whether foreign objects at keys that the site needs are overwritten.
    pub overwrite: bool,
    /// Whether an older number may replace a newer one.
    pub force: bool,
    /// The reason, for the history; `None`: where the release comes from.
    pub reason: Option<String>,
}

/// Makes another environment's release the live site of this one, as a new release with the same content. Bytes are
/// copied inside S3 where one set of credentials reaches both, and go through this machine otherwise.
pub async fn promote(request: PromoteRequest, ask: Ask<'_>, events: Events<'_>) -> Report {
    let PromoteRequest { environment, caller, from, release, adopt, overwrite, force, reason } = &request;
    reported("promote", environment, caller, events, async |session| {
        check_pair(from, environment)?;
        let elsewhere = session.read_elsewhere(from, *release).await?;
        let origin = || format!("release {} of {}", elsewhere.release, elsewhere.name);
        let reason = Some(reason.clone().unwrap_or_else(origin));
        let terms = Terms { adopt: *adopt, overwrite: *overwrite, force: *force, reason, ..Terms::default() };
        let pointer = session.state.read_head().await?;
        let order = Order { goal: Goal::Elsewhere(elsewhere), terms };
        Ok(Box::pin(session.go_live(pointer, &order, ask)).await?.into())
    })
    .await
}

impl Session<'_> {
    /// Reads a release of another environment as it is or would be live there. Names that were reused for other bytes there are
    /// mutable here too.
    async fn read_elsewhere(
        &mut self,
        from: &Environment,
        release: Option<ReleaseNumber>,
    ) -> Result<Elsewhere, Problem> {
        let store = self.aws.connect_beside(from).await?.store;
        let state = State::new(store.clone(), from.layout.clone(), self.caller.run.clone());
        let head = state.read_head().await?.head;
        let active = head.active.as_ref().map(|active| active.release);
        let Some(release) = release.or(active) else {
            return Err(Problem::new(Code::Usage, format!("nothing is live in environment {}", from.name))
                .hint("Publish there first, or give the number of a release that was staged there."));
        };
        check_open(&head, release)?;
        let manifest = manifest_to_activate(&state, &head, release).await?;
        let files = live::as_activated(manifest.files, &from.layout, &head);
        self.mutable_paths.extend(head.into_fields().mutable_paths);
        if let Some(path) = files.keys().find(|path| !self.environment.layout.can_be_live(path)) {
            let message = format!(
                "release {release} of {} contains {path}, which cannot be published to {}",
                from.name, self.environment.name
            );
            return Err(Problem::new(Code::BadName, message).hint(
                "With that environment's prefix, the key would be too long or would be among publish's own files.",
            ));
        }
        let Publisher { who, place, .. } = self.caller.publisher.clone();
        let publisher = Publisher { who, place, ..manifest.publisher };
        Ok(Elsewhere::new(&from.name, release, files, publisher, store, from.layout.clone()))
    }
}

/// A promotion needs another place of the same site.
fn check_pair(from: &Environment, to: &Environment) -> Result<(), Problem> {
    let (there, here) = (from.layout.identity(), to.layout.identity());
    let same_endpoint = from.access.s3_endpoint == to.access.s3_endpoint;
    if from.name == to.name || (there == here && same_endpoint) {
        let message = format!("cannot promote environment {} to itself", from.name);
        return Err(
            Problem::new(Code::Usage, message).hint("To go back to an earlier release, use `publish rollback`.")
        );
    }
    if there.site != here.site {
        let message = format!("{there} and {here} are different sites");
        return Err(Problem::new(Code::WrongSite, message)
            .hint("Releases can only be promoted between environments of the same site."));
    }
    Ok(())
}

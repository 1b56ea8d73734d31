//! The commands. Only this room knows the order of the stages, and therefore what visitors see when one of them fails, or
//! when a run is told to stop: every run records how far it is.

mod activating;
mod address;
mod adopt;
mod caller;
mod closed;
mod diff;
mod distributions;
mod evidence;
mod explain;
mod forget;
mod go_live;
mod goal;
mod going_back;
mod intention;
mod invalidate;
mod near_misses;
mod older_commit;
mod order;
mod outside;
mod permission;
mod promote;
mod prune;
mod reading;
mod ready;
mod references;
mod refresh;
mod releases;
mod reported;
mod right_folder;
mod rights;
mod routes;
mod session;
mod standing;
mod status;
mod verify;

use std::path::PathBuf;

use crate::config::environment::Environment;
use crate::plan::Plan;
use crate::release::head::Head;
use crate::release::manifest::ReleaseNumber;
use crate::report::error::{Code, Problem};
use crate::report::event::Events;
use crate::report::{Outcome, Report};
use crate::site::response_policy::ResponsePolicy;
use crate::views::explanation::{self, Explanation};
use crate::views::releases::CommitPrefix;

use goal::{Folder, Goal};
use going_back::earlier;
use order::{Order, Rollback, Shown, Terms};
use releases::manifest_to_activate;
use reported::reported;
use right_folder::check_no_sources;
use session::active_release;

pub use address::address;
pub use caller::{Ask, Caller, Commits, Descent, Reply};
pub use diff::{Comparison, DiffRequest, Side, diff};
pub use forget::{ForgetRequest, forget_distribution};
pub use invalidate::{InvalidateRequest, invalidate};
pub use outside::{Reached, not_shown, refused};
pub use promote::{PromoteRequest, promote};
pub use prune::{PruneRequest, prune};
pub use releases::{ReleaseListing, ShowRequest, history, releases, show};
pub use status::status;
pub use verify::{VerifyRequest, verify};

/// Everything a publish, or the plan of one, starts from.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// Where the site goes.
    pub environment: Environment,
    /// Who publishes.
    pub caller: Caller,
    /// The built site.
    pub folder: PathBuf,
    /// Whether what lies there before the first publish becomes release 0.
    pub adopt: bool,
    /// Whether foreign objects that the site needs are written over.
    pub overwrite: bool,
    /// Whether an older number may replace a newer one.
    pub force: bool,
    /// Whether pages are published that refer to files which are not there and which they need.
    pub allow_broken: bool,
    /// Whether to stop when the release is complete in the bucket, before visitors see anything of it.
    pub stage_only: bool,
}

/// Everything that making a complete release live starts from.
#[derive(Clone, Debug)]
pub struct ActivateRequest {
    /// Where.
    pub environment: Environment,
    /// Who does it.
    pub caller: Caller,
    /// Which release.
    pub release: ReleaseNumber,
    /// Whether an older number may replace a newer one.
    pub force: bool,
    /// Why, for the history.
    pub reason: Option<String>,
}

/// Everything that going back starts from.
#[derive(Clone, Debug)]
pub struct RollbackRequest {
    /// Where.
    pub environment: Environment,
    /// Who does it.
    pub caller: Caller,
    /// To which release; `None`: to the one that was active before, or, where an activation was cut short, to the one
    /// that is active. Where the active one was rolled back to already, a number is needed.
    pub release: Option<ReleaseNumber>,
    /// To the release that was built from this commit, where no release is given: the newest one that was live, else the
    /// newest one. Costs a listing and a request for each release.
    pub commit: Option<CommitPrefix>,
    /// Whether nothing may be published from then on.
    pub hold: bool,
    /// Why, for the history.
    pub reason: Option<String>,
}

impl PublishRequest {
    /// The site in the folder as what is to become live, if all that its pages need is in it.
    fn order(&self, folder: Folder, events: Events<'_>) -> Result<Order, Problem> {
        let PublishRequest { adopt, overwrite, force, stage_only, allow_broken, .. } = *self;
        if !self.environment.publish.project_folder {
            check_no_sources(&folder)?;
        }
        let checked = folder.checked(allow_broken, self.environment.url.as_deref(), events);
        let folder = checked.map_err(|problem| problem.within(&self.folder))?;
        let terms = Terms { adopt, overwrite, force, allow_broken, stage_only, ..Terms::default() };
        Ok(Order { goal: Goal::Folder(folder), terms })
    }
}

/// Publishes a folder: stage, activate, refresh, verify. Never fails without a report.
pub async fn publish(request: PublishRequest, ask: Ask<'_>, events: Events<'_>) -> Report {
    let PublishRequest { environment, caller, folder, .. } = &request;
    reported("publish", environment, caller, events, async |session| {
        let order = request.order(reading::read(folder, session).await?, session.events)?;
        let pointer = session.state.read_head().await?;
        let outcome = Box::pin(session.go_live(pointer, &order, ask)).await?;
        if environment.retention.prune && outcome == Outcome::Published {
            session.prune_after_publish().await;
        }
        Ok(outcome.into())
    })
    .await
}

/// Makes the plan that [`publish`] would carry out, and changes nothing. Exit code 0: nothing to do, 10: changes.
pub async fn plan(request: PublishRequest, events: Events<'_>) -> (Report, Option<Plan>) {
    let (report, explained) = plan_explained(request, &[], events).await;
    (report, explained.plan)
}

/// A plan, and what else it rests on.
#[derive(Clone, Debug, Default)]
pub struct Explained {
    /// The plan; `None` where the head alone says that there is nothing to do.
    pub plan: Option<Plan>,
    /// What decided about the files that were asked for, in the order of their paths.
    pub explanations: Vec<Explanation>,
    /// What CloudFront is to add to answers because of the folder's `_headers` file. A publish does not touch it.
    pub response_policies: Vec<ResponsePolicy>,
}

/// As [`plan`], with what explains it. `asked` are paths and globs of files to explain, as [`explanation::asked`] takes
/// them; one that names no file is an error before any request is sent.
pub async fn plan_explained(request: PublishRequest, asked: &[String], events: Events<'_>) -> (Report, Explained) {
    let PublishRequest { environment, caller, folder, .. } = &request;
    let mut explained = Explained::default();
    let report = reported("plan", environment, caller, events, async |session| {
        if request.adopt {
            return Err(adopting_is_writing());
        }
        let folder = reading::read(folder, session).await?;
        let asked = explanation::asked(asked, &folder.snapshot, &environment.publish)?;
        let order = request.order(folder, session.events)?;
        let (ended, head, plan) = session.plan_only(&order).await?;
        if let Goal::Folder(folder) = &order.goal {
            explained.response_policies = folder.response_policies(environment);
            explained.explanations = session.explain(folder, asked, &head, plan.as_ref());
        }
        explained.plan = plan;
        Ok(ended)
    })
    .await;
    (report, explained)
}

/// Makes a release live that is complete in the bucket.
pub async fn activate(request: ActivateRequest, ask: Ask<'_>, events: Events<'_>) -> Report {
    let ActivateRequest { environment, caller, release, force, reason } = &request;
    let terms = Terms { force: *force, reason: reason.clone(), ..Terms::default() };
    reported("activate", environment, caller, events, async |session| {
        let pointer = session.state.read_head().await?;
        session.course.found(&pointer.head);
        let may_be_live = check_newest(&pointer.head, *release, &terms);
        // Nothing is read ahead for a run that ends here.
        let manifest = match may_be_live {
            Ok(()) => session.read_to_activate(&pointer.head, *release).await?,
            Err(_) => manifest_to_activate(&session.state, &pointer.head, *release).await?,
        };
        may_be_live?;
        session.course.begins();
        session.warn_of_withdrawn(&pointer.head, &manifest);
        let order = Order { goal: Goal::Release(manifest), terms };
        Ok(Box::pin(session.go_live(pointer, &order, ask)).await?.into())
    })
    .await
}

/// Goes back to an earlier release, and closes all numbers claimed so far: a pipeline in flight cannot undo it. Where that
/// release is live already, a rollback that holds publishing only does that ([`Outcome::Held`]).
pub async fn rollback(request: RollbackRequest, ask: Ask<'_>, events: Events<'_>) -> Report {
    let RollbackRequest { environment, caller, release, commit, hold, reason } = &request;
    let rollback = Some(Rollback { hold: *hold });
    let terms = Terms { force: true, rollback, reason: reason.clone(), ..Terms::default() };
    reported("rollback", environment, caller, events, async |session| {
        let pointer = session.state.read_head().await?;
        session.course.found(&pointer.head);
        let release = match (release, commit) {
            (Some(release), _) => *release,
            (None, Some(commit)) => session.built_from(&pointer.head, commit).await?,
            (None, None) => earlier(&pointer.head, environment, &terms)?,
        };
        // Without a question to answer, publishing is held before the run waits for anything, also for CloudFront.
        let holds_first = caller.yes && terms.holds();
        let manifest = match holds_first {
            true => manifest_to_activate(&session.state, &pointer.head, release).await?,
            false => session.read_to_activate(&pointer.head, release).await?,
        };
        session.warn_of_withdrawn(&pointer.head, &manifest);
        let shown = Shown::by(&pointer.head);
        let order = Order { goal: Goal::Release(manifest), terms };
        let holds = order.terms.holds() && session.held(&pointer.head, reason.as_deref()).is_some();
        if holds {
            session.say_what_hold_is_replaced(&pointer.head, reason.as_deref());
        }
        let pointer = if holds_first {
            session.update_head(pointer, |head| session.held(head, reason.as_deref())).await?
        } else {
            pointer
        };
        session.check_shown(shown, &pointer.head, &order)?;
        let outcome = Box::pin(session.go_live(pointer, &order, ask)).await?;
        Ok(if holds && outcome == Outcome::Unchanged { Outcome::Held } else { outcome }.into())
    })
    .await
}

/// Holds publishing, whatever is live. A hold that is there already gets a new `reason`, if there is one.
pub async fn hold(environment: Environment, caller: Caller, reason: Option<String>, events: Events<'_>) -> Report {
    reported("hold", &environment, &caller, events, async |session| {
        let pointer = session.state.read_head().await?;
        let active = active_release(&pointer.head);
        session.course.about(active, active);
        let held = |head: &Head| session.held(head, reason.as_deref());
        let is_new = held(&pointer.head).is_some();
        if is_new {
            session.say_what_hold_is_replaced(&pointer.head, reason.as_deref());
        } else {
            session.say_that_it_is_held(&pointer.head);
        }
        session.update_head(pointer, held).await?;
        Ok(if is_new { Outcome::Held } else { Outcome::Unchanged }.into())
    })
    .await
}

/// Ends a hold.
pub async fn resume(environment: Environment, caller: Caller, events: Events<'_>) -> Report {
    reported("resume", &environment, &caller, events, async |session| {
        let pointer = session.state.read_head().await?;
        let active = active_release(&pointer.head);
        session.course.about(active, active);
        let held = pointer.head.hold.is_some();
        session.update_head(pointer, Head::resumed).await?;
        Ok(if held { Outcome::Repaired } else { Outcome::Unchanged }.into())
    })
    .await
}

/// Going back must be meant: what is older than what was activated already is not activated by accident.
fn check_newest(head: &Head, release: ReleaseNumber, terms: &Terms) -> Result<(), Problem> {
    if head.may_activate(release, terms.force) {
        return Ok(());
    }
    let newest = head.highest_activated.max(head.floor);
    let message = format!("release {release} is older than what has been live (release {newest})");
    let hint = format!("To go back to it, run `publish rollback {release}`.");
    Err(Problem::new(Code::Superseded, message).hint(hint))
}

/// What the objects hold that would be adopted is only known when S3 has copied them.
fn adopting_is_writing() -> Problem {
    Problem::new(Code::Usage, "`publish plan` changes nothing, so it cannot adopt the existing objects").hint(
        "Adopt them with `publish --adopt --stage-only`, which visitors do not notice; then `publish plan` shows \
            the rest.",
    )
}

//! The only file that knows the order of the stages, and therefore the only one that knows what visitors see when one
//! of them fails.

mod adopt;
mod diff;
mod explain;
mod go_live;
mod goal;
mod intention;
mod permission;
mod promote;
mod prune;
mod reading;
mod references;
mod releases;
mod session;
mod verify;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::bucket::live;
use crate::config::environment::Environment;
use crate::content::path::SitePath;
use crate::plan::Plan;
use crate::release::head::Head;
use crate::release::manifest::{Publisher, ReleaseNumber, RunId};
use crate::report::error::{Code, Failure, Problem, VisitorsSee};
use crate::report::event::{Event, Events};
use crate::report::{Outcome, Report};
use crate::site::response_policy::ResponsePolicy;
use crate::stages::activate::Rollback;
use crate::types::clock::Clock;
use crate::types::stop::Stop;
use crate::views::explanation::{self, Explanation};
use crate::views::status::Status;

pub use prune::{PruneRequest, prune};
pub use verify::{VerifyRequest, verify};

use goal::Goal;
use session::Session;

pub use diff::{Comparison, DiffRequest, Side, diff};
pub use promote::{PromoteRequest, promote};
pub use releases::{ReleaseListing, ShowRequest, history, releases, show};

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
    /// that is active.
    pub release: Option<ReleaseNumber>,
    /// Whether nothing may be published from then on.
    pub hold: bool,
    /// Why, for the history.
    pub reason: Option<String>,
}

/// On what terms a release becomes live.
#[derive(Clone, Debug, Default)]
struct Terms {
    adopt: bool,
    overwrite: bool,
    force: bool,
    stage_only: bool,
    rollback: Option<Rollback>,
    /// Live paths of the active release that are to be looked at and put right. Nothing else is to become active.
    repair: Option<BTreeSet<SitePath>>,
    reason: Option<String>,
}

impl Terms {
    fn of(request: &PublishRequest) -> Terms {
        let PublishRequest { adopt, overwrite, force, stage_only, .. } = *request;
        Terms { adopt, overwrite, force, stage_only, ..Terms::default() }
    }
}

/// What a person says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Yes,
    /// Stop.
    No,
    /// There is nobody to ask.
    CannotAsk,
}

/// Asks a person.
pub type Ask<'a> = &'a (dyn Fn(&str) -> Answer + Sync);

/// Publishes a folder: stage, activate, refresh, verify. Never fails without a report.
pub async fn publish(request: PublishRequest, ask: Ask<'_>, events: Events<'_>) -> Report {
    let PublishRequest { environment, caller, folder, .. } = &request;
    let terms = Terms::of(&request);
    reported("publish", environment, caller, events, async |session, report| {
        let goal = Goal::Folder(
            reading::read(folder, session)
                .await
                .and_then(|folder| folder.checked(request.allow_broken, session))
                .map_err(untouched)?,
        );
        let pointer = session.state.read_head().await.map_err(untouched)?;
        session.go_live(pointer, &goal, &terms, ask, report).await?;
        if environment.retention.prune && report.outcome == Outcome::Published {
            session.prune_after_publish(report).await;
        }
        Ok(())
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
    let terms = Terms::of(&request);
    let mut explained = Explained::default();
    let report = reported("plan", environment, caller, events, async |session, report| {
        if terms.adopt {
            return Err(untouched(adopting_is_writing()));
        }
        let folder = reading::read(folder, session).await.map_err(untouched)?;
        let asked = explanation::asked(asked, &folder.snapshot, &environment.publish).map_err(untouched)?;
        let folder = folder.checked(request.allow_broken, session).map_err(untouched)?;
        explained.response_policies = folder.response_policies(environment);
        let goal = Goal::Folder(folder);
        let (head, plan) = session.plan_only(&goal, &terms, report).await.map_err(untouched)?;
        if let Goal::Folder(folder) = &goal {
            explained.explanations = session.explain(folder, asked, &head, plan.as_ref());
        }
        explained.plan = plan;
        Ok(())
    })
    .await;
    (report, explained)
}

/// Makes a release live that is complete in the bucket.
pub async fn activate(request: ActivateRequest, ask: Ask<'_>, events: Events<'_>) -> Report {
    let ActivateRequest { environment, caller, release, force, reason } = &request;
    let terms = Terms { force: *force, reason: reason.clone(), ..Terms::default() };
    reported("activate", environment, caller, events, async |session, report| {
        let pointer = session.state.read_head().await.map_err(untouched)?;
        check_newest(&pointer.head, *release, &terms)?;
        let manifest = live::complete(&session.state, *release).await.map_err(untouched)?;
        session.warn_of_withdrawn(&pointer.head, &manifest);
        session.go_live(pointer, &Goal::Release(manifest), &terms, ask, report).await
    })
    .await
}

/// Goes back to an earlier release, and closes all numbers claimed so far: a pipeline in flight cannot undo it.
pub async fn rollback(request: RollbackRequest, ask: Ask<'_>, events: Events<'_>) -> Report {
    let RollbackRequest { environment, caller, release, hold, reason } = &request;
    let rollback = Some(Rollback { hold: *hold });
    let terms = Terms { force: true, rollback, reason: reason.clone(), ..Terms::default() };
    reported("rollback", environment, caller, events, async |session, report| {
        let pointer = session.state.read_head().await.map_err(untouched)?;
        let release = match release {
            Some(release) => *release,
            None => earlier(&pointer.head).map_err(untouched)?,
        };
        let manifest = live::complete(&session.state, release).await.map_err(untouched)?;
        session.warn_of_withdrawn(&pointer.head, &manifest);
        session.go_live(pointer, &Goal::Release(manifest), &terms, ask, report).await
    })
    .await
}

/// Ends a hold.
pub async fn resume(environment: Environment, caller: Caller, events: Events<'_>) -> Report {
    reported("resume", &environment, &caller, events, async |session, report| {
        let pointer = session.state.read_head().await.map_err(untouched)?;
        (report.release, report.previous_release) = (active_release(&pointer.head), active_release(&pointer.head));
        let held = pointer.head.hold.is_some();
        let resumed = |head: &Head| head.hold.is_some().then(|| Head { hold: None, ..head.clone() });
        session.update_head(pointer, resumed).await.map_err(untouched)?;
        report.outcome = if held { Outcome::Repaired } else { Outcome::Unchanged };
        Ok(())
    })
    .await
}

/// Reads what is live, and anything unfinished or owed: one request.
pub async fn status(environment: Environment, caller: Caller, events: Events<'_>) -> (Report, Option<Status>) {
    let mut status = None;
    let report = reported("status", &environment, &caller, events, async |session, report| {
        let pointer = session.read_head_for(report).await.map_err(untouched)?;
        status = Some(Status::of(&pointer));
        Ok(())
    })
    .await;
    (report, status)
}

/// Opens a session, does `work` in it, and reports how it ended, what it cost and what was warned of.
async fn reported(
    command: &str,
    environment: &Environment,
    caller: &Caller,
    events: Events<'_>,
    work: impl AsyncFnOnce(&mut Session<'_>, &mut Report) -> Result<(), Failure>,
) -> Report {
    let mut report = Report::new(command, &environment.name);
    report.url.clone_from(&environment.url);
    let warnings = Mutex::new(Vec::new());
    let listener = |event| {
        if let (Event::Warning { message }, Ok(mut warnings)) = (&event, warnings.lock()) {
            warnings.push(message.clone());
        }
        events.send(event);
    };
    let events = Events::new(&listener);
    let outcome = match Session::open(environment, caller, events).await {
        Ok(mut session) => {
            // Boxed: what it holds would be moved through every caller.
            let outcome = Box::pin(work(&mut session, &mut report)).await;
            report.requests = session.aws.requests.counts();
            let done = session.tally.so_far();
            report.uploaded.objects += done.uploaded.objects;
            report.uploaded.bytes += done.uploaded.bytes;
            report.copied += done.copied;
            report.deleted += done.deleted;
            outcome
        }
        Err(problem) => Err(untouched(problem)),
    };
    let mut report = match outcome {
        Ok(()) => report,
        Err(failure) => report.failed(&failure),
    };
    if let Ok(mut warnings) = warnings.lock() {
        report.warnings = std::mem::take(&mut *warnings);
    }
    report.duration_ms = u64::try_from(caller.clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    report
}

/// Where a rollback goes that is not told. What a publish that was cut short had begun is undone first; a rollback that
/// was cut short, or that has yet to refresh the CDN, is finished: the same command run again must not undo it.
fn earlier(head: &Head) -> Result<ReleaseNumber, Problem> {
    // Only going back makes a release active whose number is closed.
    let gone_back_to = |release: ReleaseNumber| release <= head.floor;
    let active = head.active.as_ref();
    let owed = |release: ReleaseNumber| head.pending_refreshes.iter().any(|refresh| refresh.release == release);
    let unrefreshed = active.map(|active| active.release).filter(|release| gone_back_to(*release) && owed(*release));
    let earlier = match &head.activation {
        Some(cut_short) if gone_back_to(cut_short.to) && head.superseded.contains_key(&cut_short.to) => {
            Some(cut_short.to)
        }
        Some(_) => active.map(|active| active.release),
        None => unrefreshed.or_else(|| active.and_then(|active| active.previous)),
    };
    earlier.ok_or_else(|| {
        Problem::new(Code::Usage, "no release was active before this one")
            .hint("`publish releases` lists what one can go back to.")
    })
}

/// Whether a release may become active: no newer one was, and no rollback closed its number, unless forced.
fn may_activate(head: &Head, release: ReleaseNumber, terms: &Terms) -> bool {
    terms.force || (release > head.highest_activated && release > head.floor)
}

/// Going back must be meant: what is older than what was activated already is not activated by accident.
fn check_newest(head: &Head, release: ReleaseNumber, terms: &Terms) -> Result<(), Failure> {
    let active = active_release(head);
    // Activating what is active undoes what another activation had begun.
    if active == Some(release) || may_activate(head, release, terms) {
        return Ok(());
    }
    let newest = head.highest_activated.max(head.floor);
    let message =
        format!("release {release} was live before or was overtaken: only releases after {newest} can be activated");
    let hint = format!("`publish rollback {release}` goes back to it on purpose.");
    Err(Problem::new(Code::Superseded, message).hint(hint).while_visitors_see(VisitorsSee::TheSame(active)))
}

/// What the objects hold that would be adopted is only known when S3 has copied them.
fn adopting_is_writing() -> Problem {
    Problem::new(Code::Usage, "a plan writes nothing, so it cannot adopt what lies there")
        .hint("`publish --adopt --stage-only` adopts, and visitors notice nothing; then `publish plan` shows the rest.")
}

fn untouched(problem: Problem) -> Failure {
    problem.while_visitors_see(VisitorsSee::Untouched)
}

fn active_release(head: &Head) -> Option<ReleaseNumber> {
    head.active.as_ref().map(|active| active.release)
}

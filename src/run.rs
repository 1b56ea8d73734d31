//! The only file that knows the order of the stages, and therefore the only one that knows what visitors see when one
//! of them fails.

mod intention;
mod permission;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::activate::{Activated, Activating, NotActivated};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::environment::Environment;
use crate::error::{Code, ExitCode, Failure, Problem, VisitorsSee};
use crate::event::{Event, Events, FileCounts};
use crate::globs::PathGlobs;
use crate::head::{CdnView, DistributionFacts, Head};
use crate::layout::Address;
use crate::manifest::{Claim, FORMAT, Publisher, ReleaseNumber, RunId};
use crate::path::SitePath;
use crate::plan::{Destination, Plan};
use crate::refresh::{NotRefreshed, Refreshed, Refreshing};
use crate::report::{InvalidationReport, InvalidationStatus, Outcome, Report, Uploaded};
use crate::rules::Rules;
use crate::snapshot::Snapshot;
use crate::stage::{NotStaged, Staged, Staging};
use crate::state::{NotReplaced, Pointer, State};
use crate::status::Status;

use intention::Intention;

/// Everything a publish, or the plan of one, starts from. The only door from the outside.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// Where the site goes.
    pub environment: Environment,
    /// The built site.
    pub folder: PathBuf,
    /// This run's id, unlike any other.
    pub run: RunId,
    /// Who runs it.
    pub publisher: Publisher,
    /// When it began.
    pub clock: Clock,
    /// Whether questions are answered with yes.
    pub yes: bool,
    /// Whether foreign objects that the site needs are written over.
    pub overwrite: bool,
    /// Whether an older number may replace a newer one.
    pub force: bool,
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

/// Publishes a folder: stage, activate, refresh, verify. Never fails without a report.
pub async fn publish(request: PublishRequest, ask: &(dyn Fn(&str) -> Answer + Sync), events: Events<'_>) -> Report {
    let mut report = Report::new("publish", &request.environment.name);
    let warnings = Mutex::new(Vec::new());
    let listener = listening(events, &warnings);
    let events = Events::new(&listener);
    let outcome = async {
        let mut run = Run::start(&request, events).await.map_err(untouched)?;
        let outcome = run.publish(ask, &mut report).await;
        report.requests = run.aws.requests.counts();
        outcome
    }
    .await;
    finished(report, outcome, &warnings, request.clock)
}

/// Makes the plan that [`publish`] would carry out, and changes nothing. Exit code 0: nothing to do, 10: changes.
pub async fn plan(request: PublishRequest, events: Events<'_>) -> (Report, Option<Plan>) {
    let mut report = Report::new("plan", &request.environment.name);
    let warnings = Mutex::new(Vec::new());
    let listener = listening(events, &warnings);
    let events = Events::new(&listener);
    let mut planned = None;
    let outcome = async {
        let mut run = Run::start(&request, events).await.map_err(untouched)?;
        let outcome = run.plan_only(&mut report).await.map_err(untouched);
        report.requests = run.aws.requests.counts();
        planned = outcome?;
        Ok(())
    }
    .await;
    (finished(report, outcome, &warnings, request.clock), planned)
}

/// Reads what is live, and anything unfinished or owed: one request.
pub async fn status(
    environment: Environment,
    clock: Clock,
    run: RunId,
    events: Events<'_>,
) -> (Report, Option<Status>) {
    let mut report = Report::new("status", &environment.name);
    report.outcome = Outcome::Verified;
    report.url.clone_from(&environment.url);
    let warnings = Mutex::new(Vec::new());
    let listener = listening(events, &warnings);
    let _ = &listener;
    let mut status = None;
    let outcome = async {
        let aws = Aws::connect(&environment).await.map_err(untouched)?;
        let state = State::new(aws.store.clone(), environment.layout.clone(), run);
        let pointer = state.read_head().await.map_err(untouched);
        report.requests = aws.requests.counts();
        let pointer = pointer?;
        report.release = active_release(&pointer.head);
        report.previous_release = pointer.head.active.as_ref().and_then(|active| active.previous);
        status = Some(Status::of(&pointer));
        Ok(())
    }
    .await;
    (finished(report, outcome, &warnings, clock), status)
}

/// Passes events on and keeps the warnings for the report.
fn listening<'a>(events: Events<'a>, warnings: &'a Mutex<Vec<String>>) -> impl Fn(Event) + Sync + 'a {
    move |event| {
        if let (Event::Warning { message }, Ok(mut warnings)) = (&event, warnings.lock()) {
            warnings.push(message.clone());
        }
        events.send(event);
    }
}

fn finished(report: Report, outcome: Result<(), Failure>, warnings: &Mutex<Vec<String>>, clock: Clock) -> Report {
    let mut report = match outcome {
        Ok(()) => report,
        Err(failure) => report.failed(&failure),
    };
    if let Ok(mut warnings) = warnings.lock() {
        report.warnings = std::mem::take(&mut *warnings);
    }
    report.duration_ms = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    report
}

fn untouched(problem: Problem) -> Failure {
    problem.while_visitors_see(VisitorsSee::Untouched)
}

fn active_release(head: &Head) -> Option<ReleaseNumber> {
    head.active.as_ref().map(|active| active.release)
}

/// One publish under way: what does not change while it runs.
struct Run<'a> {
    request: &'a PublishRequest,
    environment: &'a Environment,
    events: Events<'a>,
    aws: Aws,
    state: State,
    snapshot: Snapshot,
    rules: Rules,
    remove_now: PathGlobs,
    /// Names that looked fingerprinted and turned out not to be.
    mutable_paths: BTreeSet<SitePath>,
    /// What was read of the distribution in this run.
    facts: Option<DistributionFacts>,
}

impl<'a> Run<'a> {
    /// Reads the folder. No request is sent before the folder is known to be fit to be published.
    async fn start(request: &'a PublishRequest, events: Events<'a>) -> Result<Run<'a>, Problem> {
        let environment = &request.environment;
        let rules = Rules::new(&environment.headers)?;
        let remove_now = PathGlobs::new("publish.remove_now", &environment.publish.remove_now)?;
        let snapshot = tokio::task::block_in_place(|| {
            Snapshot::take(&request.folder, &environment.publish, &environment.layout, events)
        })?;
        snapshot.warnings.iter().for_each(|warning| events.warn(warning));
        if let Some(sentence) = left_out(&snapshot.left_out) {
            events.warn(sentence);
        }
        let unused = rules.unused(snapshot.files.keys());
        unused.into_iter().for_each(|sentence| events.warn(sentence));
        let aws = Aws::connect(environment).await?;
        let state = State::new(aws.store.clone(), environment.layout.clone(), request.run.clone());
        let (mutable_paths, facts) = (BTreeSet::new(), None);
        Ok(Run { request, environment, events, aws, state, snapshot, rules, remove_now, mutable_paths, facts })
    }

    async fn publish(&mut self, ask: &(dyn Fn(&str) -> Answer + Sync), report: &mut Report) -> Result<(), Failure> {
        report.url.clone_from(&self.environment.url);
        let mut pointer = self.state.read_head().await.map_err(untouched)?;
        let mut claim: Option<Claim> = None;
        let mut staged: Option<Staged> = None;
        let mut stored = BTreeSet::new();
        loop {
            pointer = self.when_free(pointer).await.map_err(untouched)?;
            let before = active_release(&pointer.head);
            let as_before = |problem: Problem| problem.while_visitors_see(VisitorsSee::TheSame(before));
            (report.release, report.previous_release) = (before, before);
            if let Some(files) = self.unchanged(&pointer.head) {
                return self.nothing_to_do(&pointer.head, files, report);
            }
            let mut intention = self.intend(&pointer, staged.as_ref()).await.map_err(as_before)?;
            describe(report, &intention.plan, pointer.head.distribution.is_some() || self.aws.cdn.is_some());
            if is_live(&pointer.head, &intention.plan) {
                return self.repair(pointer, &intention, report).await;
            }
            if let Some(claim) =
                claim.as_ref().filter(|claim| !self.activating().may_activate(&pointer.head, claim.release))
            {
                return self.superseded(&pointer.head, claim.release, &intention.plan, report);
            }
            self.may_go_on(&pointer.head, &intention.plan, ask).map_err(as_before)?;
            self.check_state_is_hidden(&pointer.head).await.map_err(as_before)?;
            let (claimed, not_activated) =
                self.claimed(&pointer.head, &intention.plan, claim.take()).await.map_err(as_before)?;
            let release = claimed.release;
            claim = Some(claimed);
            let ready = match staged.take() {
                Some(staged) => staged,
                None => match self.stage(&intention.plan, claim.as_ref(), not_activated, &stored).await {
                    Ok(staged) => staged,
                    Err(NotStaged::Failed(problem)) => return Err(as_before(problem)),
                    Err(NotStaged::Lied { paths, stored: by_now }) => {
                        self.mutable_paths.extend(paths);
                        stored.extend(by_now);
                        continue;
                    }
                },
            };
            if !ready.other_headers.is_empty() {
                self.replan(&mut intention, &ready);
                describe(report, &intention.plan, self.aws.cdn.is_some());
            }
            report.uploaded.objects += ready.uploaded.objects;
            report.uploaded.bytes += ready.uploaded.bytes;
            match self.activating().activate(pointer, &intention.live, &intention.plan, &ready).await {
                Ok(activated) => return self.after_the_switch(activated, release, &intention, report).await,
                Err(NotActivated::Outdated(found)) => {
                    pointer = *found;
                    staged = ready.complete.then_some(ready);
                    report.uploaded = Uploaded::default();
                }
                Err(NotActivated::Superseded(found)) => {
                    return self.superseded(&found.head, release, &intention.plan, report);
                }
                Err(NotActivated::TakenOver(found)) => {
                    return Err(lost_to(&found.head, release).while_visitors_see(VisitorsSee::TakenOver(release)));
                }
                Err(NotActivated::BeforeTheSwitch(problem)) => return Err(as_before(problem)),
                Err(NotActivated::CutShort(problem)) => {
                    return Err(run_again(problem).while_visitors_see(VisitorsSee::SomeOfBoth(before, release)));
                }
            }
        }
    }

    async fn plan_only(&mut self, report: &mut Report) -> Result<Option<Plan>, Problem> {
        report.url.clone_from(&self.environment.url);
        let pointer = self.state.read_head().await?;
        (report.release, report.previous_release) = (active_release(&pointer.head), active_release(&pointer.head));
        if let Some(files) = self.unchanged(&pointer.head) {
            report.files = files;
            return Ok(None);
        }
        let intention = self.intend(&pointer, None).await?;
        describe(report, &intention.plan, self.aws.cdn.is_some());
        report.uploaded = Uploaded { objects: intention.plan.uploads.len(), bytes: intention.plan.upload_bytes() };
        report.copied = intention.plan.copies();
        report.deleted = intention.plan.removals.len();
        let nothing = is_live(&pointer.head, &intention.plan) && pointer.head.is_settled();
        if !nothing {
            report.outcome = Outcome::Verified;
            report.exit_code = ExitCode::Changes.number();
        }
        Ok(Some(intention.plan))
    }

    fn nothing_to_do(&self, head: &Head, files: FileCounts, report: &mut Report) -> Result<(), Failure> {
        report.outcome = Outcome::Unchanged;
        report.files = files;
        if !head.leftovers.is_empty() {
            self.events.warn(format!(
                "Objects that left the site and are still reachable, since the credentials that published may not delete them: {}.",
                head.leftovers.len()
            ));
        }
        Ok(())
    }

    /// The number of this run: claimed once, before anything else is written.
    async fn claimed(
        &self,
        head: &Head,
        plan: &Plan,
        earlier: Option<Claim>,
    ) -> Result<(Claim, Vec<ReleaseNumber>), Problem> {
        if let Some(claim) = earlier {
            return Ok((claim, Vec::new()));
        }
        let releases = self.state.releases().await?;
        let highest = releases.highest().into_iter().chain([head.highest_activated, head.floor]).max();
        let live = plan.uploads.iter().filter(|upload| upload.to != Destination::Blob);
        let claim = Claim {
            format: FORMAT,
            identity: self.environment.layout.identity().clone(),
            release: highest.unwrap_or(ReleaseNumber::new(0)).next(),
            run: self.request.run.clone(),
            epoch: head.prune_epoch,
            since: self.request.clock.now(),
            publisher: self.request.publisher.clone(),
            live: live.map(|upload| upload.path.clone()).collect(),
            // All of them: a fingerprinted name that lied becomes a blob.
            blobs: plan.uploads.iter().filter_map(|upload| Some(plan.files.get(&upload.path)?.digest)).collect(),
        };
        // What runs that were cut short have sent is there already, complete release or not. Releases up to the highest
        // activated one are history: what they left is found by 412.
        let not_activated = releases.above(head.highest_activated).collect();
        Ok((self.state.claim(claim).await?, not_activated))
    }

    async fn stage(
        &self,
        plan: &Plan,
        claim: Option<&Claim>,
        not_activated: Vec<ReleaseNumber>,
        stored: &BTreeSet<Address>,
    ) -> Result<Staged, NotStaged> {
        let Some(claim) = claim else {
            return Err(NotStaged::Failed(Problem::new(Code::Internal, "nothing was claimed before staging")));
        };
        let staging = Staging {
            store: &self.aws.store,
            state: &self.state,
            layout: &self.environment.layout,
            sources: &self.snapshot.files,
            foreign: self.foreign(),
            stored,
            events: self.events,
        };
        staging.stage(plan, claim, not_activated).await
    }

    fn activating(&self) -> Activating<'_> {
        Activating {
            store: &self.aws.store,
            state: &self.state,
            layout: &self.environment.layout,
            sources: &self.snapshot.files,
            run: &self.request.run,
            publisher: &self.request.publisher,
            clock: self.request.clock,
            distribution: self.environment.distribution.as_deref(),
            facts: self.facts.as_ref(),
            mutable_paths: &self.mutable_paths,
            force: self.request.force,
            events: self.events,
        }
    }

    fn refreshing(&self, release: Option<ReleaseNumber>) -> Refreshing<'_> {
        Refreshing {
            cdn: self.aws.cdn.as_ref(),
            fetcher: &self.aws.fetcher,
            state: &self.state,
            settings: &self.environment.invalidation,
            url: self.environment.url.as_deref(),
            release,
            clock: self.request.clock,
            events: self.events,
        }
    }

    /// Nothing differs, but an earlier run owes a refresh.
    async fn repair(&self, pointer: Pointer, intention: &Intention, report: &mut Report) -> Result<(), Failure> {
        let owed: Vec<_> = pointer.head.pending_refreshes.iter().flat_map(|refresh| refresh.paths.clone()).collect();
        let cdn = self.facts.as_ref().map_or(CdnView::None, CdnView::of);
        let answers = Plan::answers_owed(&intention.plan.files, &owed, self.policy(cdn));
        let release = active_release(&pointer.head);
        report.outcome = if owed.is_empty() { Outcome::Unchanged } else { Outcome::Repaired };
        if owed.is_empty() {
            let as_before = |problem: Problem| problem.while_visitors_see(VisitorsSee::TheSame(release));
            return self.remember_distribution(&pointer).await.map_err(as_before);
        }
        let refreshed = self.refreshing(release).refresh(pointer, &answers).await;
        settle_refresh(report, refreshed, 0, release)
    }

    /// Records what was read of the distribution, so that the next run need not look again. Whoever replaced the head
    /// meanwhile has looked too.
    async fn remember_distribution(&self, pointer: &Pointer) -> Result<(), Problem> {
        if pointer.head.distribution == self.facts {
            return Ok(());
        }
        let next = Head { distribution: self.facts.clone(), ..pointer.head.clone() };
        match self.state.replace_head(pointer, next).await {
            Ok(_) | Err(NotReplaced::Lost(_)) => Ok(()),
            Err(NotReplaced::Failed(problem)) => Err(problem),
        }
    }

    async fn after_the_switch(
        &self,
        activated: Activated,
        release: ReleaseNumber,
        intention: &Intention,
        report: &mut Report,
    ) -> Result<(), Failure> {
        report.outcome = Outcome::Published;
        report.release = Some(release);
        report.previous_release = intention.plan.from;
        report.copied = activated.copied;
        report.deleted = activated.deleted;
        if intention.plan.from.is_none() {
            let sent = intention.plan.uploads.iter().filter(|upload| upload.to == Destination::LiveWhileActivating);
            report.uploaded.objects += sent.clone().count();
            report.uploaded.bytes += sent.map(|upload| upload.size_bytes).sum::<u64>();
        }
        if !activated.left_over.is_empty() {
            self.events.warn(format!(
                "Objects that left the site and are still reachable, since these credentials may not delete them (s3:DeleteObject): {}.",
                activated.left_over.len()
            ));
        }
        let mut answers = intention.plan.answers.clone();
        answers.retain(|_, answer| !activated.left_over.contains(&answer.path));
        let refreshed = self.refreshing(Some(release)).refresh(activated.pointer, &answers).await;
        settle_refresh(report, refreshed, intention.plan.invalidation.evicted_unchanged, Some(release))
    }

    /// A newer release is active. That is no failure if it has the same content.
    fn superseded(&self, head: &Head, release: ReleaseNumber, plan: &Plan, report: &mut Report) -> Result<(), Failure> {
        report.release = active_release(head);
        if head.active.as_ref().is_some_and(|active| active.content == plan.content) {
            report.outcome = Outcome::Unchanged;
            return Ok(());
        }
        Err(lost_to(head, release).while_visitors_see(VisitorsSee::SomeoneElses))
    }
}

/// Whether what a plan leads to is live already. Without a visible change a release may still be another one: a file that
/// had retired, and whose object is still there, belongs to it again.
fn is_live(head: &Head, plan: &Plan) -> bool {
    let active = head.active.as_ref().is_some_and(|active| active.content == plan.content);
    active && plan.is_empty() && head.activation.is_none()
}

/// Which hidden files stayed out; the first few of many.
fn left_out(paths: &[String]) -> Option<String> {
    const NAMED: usize = 5;
    let named = paths.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match paths.len() {
        0 => None,
        1..=NAMED => Some(format!("Left out, since hidden: {named}.")),
        more => Some(format!("Left out, since hidden: {named} and {} more.", more - NAMED)),
    }
}

/// Fills in what a plan says about a release.
fn describe(report: &mut Report, plan: &Plan, has_cdn: bool) {
    report.files = plan.counts;
    report.invalidation = (has_cdn && !plan.invalidation.paths.is_empty()).then(|| InvalidationReport {
        ids: Vec::new(),
        paths: plan.invalidation.paths.iter().map(ToString::to_string).collect(),
        status: InvalidationStatus::Planned,
        evicted_unchanged: plan.invalidation.evicted_unchanged,
    });
}

/// Fills in how the refresh ended.
fn settle_refresh(
    report: &mut Report,
    refreshed: Result<Refreshed, NotRefreshed>,
    evicted_unchanged: usize,
    release: Option<ReleaseNumber>,
) -> Result<(), Failure> {
    let (refreshed, problem) = match refreshed {
        Ok(refreshed) => (refreshed, None),
        Err(NotRefreshed { problem, so_far }) => (so_far, Some(problem)),
    };
    report.invalidation = refreshed.status.map(|status| InvalidationReport {
        ids: refreshed.ids,
        paths: refreshed.paths.iter().map(ToString::to_string).collect(),
        status,
        evicted_unchanged,
    });
    match (problem, release) {
        (None, _) => Ok(()),
        (Some(problem), Some(release)) => {
            let problem = if problem.hint.is_empty() {
                problem.hint("The refresh is recorded in the bucket: run the same command again to do it.")
            } else {
                problem
            };
            Err(problem.while_visitors_see(VisitorsSee::TheNewOne(release)))
        }
        (Some(problem), None) => Err(untouched(problem)),
    }
}

fn lost_to(head: &Head, release: ReleaseNumber) -> Problem {
    let last = head.history.last();
    let who = last.and_then(|item| item.publisher.who.as_deref()).unwrap_or("another publisher");
    let message = match active_release(head) {
        Some(active) => format!("release {release} was overtaken: {who} activated release {active}"),
        None => format!("release {release} was overtaken by {who}"),
    };
    Problem::new(Code::Superseded, message)
        .hint("If your build is the newer one, publish again; an older one should not replace it.")
}

fn run_again(problem: Problem) -> Problem {
    let hint = "Run the same command again: it finishes what was begun.";
    let hint = if problem.hint.is_empty() { hint.to_owned() } else { format!("{} {hint}", problem.hint) };
    problem.hint(hint)
}

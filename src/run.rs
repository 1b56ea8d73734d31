//! The only file that knows the order of the stages, and therefore the only one that knows what visitors see when one
//! of them fails.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use crate::activate::{Activated, Activating, NotActivated};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::environment::Environment;
use crate::error::{Code, Failure, Problem, VisitorsSee};
use crate::event::{Event, Events};
use crate::globs::PathGlobs;
use crate::head::{CdnView, DistributionFacts, Head};
use crate::live::{self, Foreign};
use crate::manifest::{Claim, FORMAT, Files, Publisher, ReleaseNumber, RunId, content_digest};
use crate::path::SitePath;
use crate::plan::{Destination, Live, Plan, Policy};
use crate::refresh::{NotRefreshed, Refreshed, Refreshing};
use crate::report::{InvalidationReport, InvalidationStatus, Outcome, Report, Uploaded};
use crate::rules::{RuleContext, Rules};
use crate::snapshot::Snapshot;
use crate::stage::{NotStaged, Staged, Staging};
use crate::state::{Pointer, State};
use crate::status::Status;

/// How often the head is looked at while somebody else's activation is under way.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Added to a lease before it counts as over: S3 tells the time in whole seconds.
const LEASE_SLACK: Duration = Duration::from_secs(2);

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

/// What a run means to do, and from where.
struct Intention {
    live: Live,
    plan: Plan,
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
        loop {
            pointer = self.when_free(pointer).await.map_err(untouched)?;
            let before = active_release(&pointer.head);
            let as_before = |problem: Problem| problem.while_visitors_see(VisitorsSee::TheSame(before));
            (report.release, report.previous_release) = (before, before);
            if self.is_unchanged(&pointer.head) {
                return self.unchanged(&pointer.head, report);
            }
            let intention = self.intend(&pointer, staged.as_ref()).await.map_err(as_before)?;
            describe(report, &intention.plan, pointer.head.distribution.is_some() || self.aws.cdn.is_some());
            if intention.plan.is_empty() && pointer.head.activation.is_none() {
                return self.repair(pointer, &intention, report).await;
            }
            self.may_go_on(&pointer.head, &intention.plan, ask).map_err(as_before)?;
            self.check_state_is_hidden(&pointer.head).await.map_err(as_before)?;
            let (claimed, unfinished) =
                self.claimed(&pointer.head, &intention.plan, claim.take()).await.map_err(as_before)?;
            let release = claimed.release;
            claim = Some(claimed);
            let ready = match staged.take() {
                Some(staged) => staged,
                None => match self.stage(&intention.plan, claim.as_ref(), unfinished).await {
                    Ok(staged) => staged,
                    Err(NotStaged::Failed(problem)) => return Err(as_before(problem)),
                    Err(NotStaged::Lied(paths)) => {
                        self.mutable_paths.extend(paths);
                        continue;
                    }
                },
            };
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
                    return Err(lost_to(&found.head, release).while_visitors_see(VisitorsSee::SomeoneElses));
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
        if self.is_unchanged(&pointer.head) {
            report.files = self.counts_unchanged(&pointer.head);
            return Ok(None);
        }
        let intention = self.intend(&pointer, None).await?;
        describe(report, &intention.plan, self.aws.cdn.is_some());
        report.uploaded = Uploaded { objects: intention.plan.uploads.len(), bytes: intention.plan.upload_bytes() };
        report.copied = intention.plan.copies();
        report.deleted = intention.plan.removals.len();
        let nothing = intention.plan.is_empty() && pointer.head.is_settled();
        report.exit_code = if nothing { 0 } else { crate::error::ExitCode::Changes.number() };
        Ok(Some(intention.plan))
    }

    /// The content of the folder under what `head` knows: path, bytes and headers of every file.
    fn content(&self, head: &Head, cdn: CdnView<'_>) -> Files {
        let mutable_paths = head.mutable_paths.union(&self.mutable_paths).cloned().collect();
        let context = RuleContext { mutable_paths: &mutable_paths, cdn, layout: &self.environment.layout };
        self.rules.files(&self.snapshot.files, &context)
    }

    /// Whether the head alone says that there is nothing to do. Anything unfinished, and a distribution of which the
    /// head knows nothing yet, must be looked into.
    fn is_unchanged(&self, head: &Head) -> bool {
        let Some(active) = &head.active else { return false };
        let cdn = match (&self.environment.distribution, &head.distribution) {
            (None, _) => CdnView::None,
            (Some(configured), Some(facts)) if facts.id == *configured => CdnView::of(facts),
            (Some(_), _) => return false,
        };
        head.is_settled() && content_digest(&self.content(head, cdn)) == active.content
    }

    fn unchanged(&self, head: &Head, report: &mut Report) -> Result<(), Failure> {
        report.outcome = Outcome::Unchanged;
        report.files = self.counts_unchanged(head);
        if !head.leftovers.is_empty() {
            self.events.warn(format!(
                "{} objects that left the site are still reachable, since the credentials that published may not delete them.",
                head.leftovers.len()
            ));
        }
        Ok(())
    }

    fn counts_unchanged(&self, head: &Head) -> crate::event::FileCounts {
        let cdn = head.distribution.as_ref().map_or(CdnView::None, CdnView::of);
        let files = self.content(head, cdn);
        let fingerprinted = files.values().filter(|entry| entry.kind == crate::headers::Kind::Fingerprinted).count();
        let total = files.len();
        crate::event::FileCounts { total, fingerprinted, unchanged: total, ..Default::default() }
    }

    /// Waits while somebody else activates or prunes and their lease lasts, by S3's clock.
    async fn when_free(&self, mut pointer: Pointer) -> Result<Pointer, Problem> {
        while let Some((whom, lease)) = busy(&pointer.head, &self.request.run) {
            let Some(remaining) = (lease + LEASE_SLACK).checked_sub(pointer.age).filter(|left| !left.is_zero()) else {
                break;
            };
            self.events.send(Event::Waiting { for_whom: whom, remaining_s: remaining.as_secs() });
            tokio::time::sleep(LOOK_AGAIN.min(remaining)).await;
            pointer = self.state.read_head().await?;
        }
        Ok(pointer)
    }

    /// Finds out what is live and plans from there to the folder, or to what is staged already.
    async fn intend(&mut self, pointer: &Pointer, staged: Option<&Staged>) -> Result<Intention, Problem> {
        self.read_distribution().await?;
        let facts = self.facts.clone();
        let cdn = facts.as_ref().map_or(CdnView::None, CdnView::of);
        let layout = &self.environment.layout;
        let mut live = live::read(&self.state, &pointer.head).await?;
        let target = match staged {
            Some(staged) => staged.manifest.files.clone(),
            None => {
                let wanted = self.content(&pointer.head, cdn);
                let lied = names_that_lied(&live, &wanted);
                if lied.is_empty() {
                    wanted
                } else {
                    self.mutable_paths.extend(lied);
                    self.content(&pointer.head, cdn)
                }
            }
        };
        live = live::survey(&self.aws.store, &self.state, layout, live, &target, self.foreign()).await?;
        let plan = Plan::between(&live, target, self.policy(cdn));
        self.events.send(Event::Planned { files: plan.counts });
        Ok(Intention { live, plan })
    }

    fn policy<'p>(&'p self, cdn: CdnView<'p>) -> Policy<'p> {
        let max_paths = self.environment.invalidation.max_paths;
        Policy { layout: &self.environment.layout, cdn, remove_now: &self.remove_now, max_paths }
    }

    fn foreign(&self) -> Foreign {
        if self.request.overwrite { Foreign::Overwrite } else { Foreign::Refuse }
    }

    /// Reads once a run what the distribution does that decides headers and URLs.
    async fn read_distribution(&mut self) -> Result<(), Problem> {
        let (Some(cdn), None) = (&self.aws.cdn, &self.facts) else { return Ok(()) };
        let facts = match cdn.facts(&self.environment.layout.identity().bucket).await {
            Ok(facts) => facts,
            Err(error) if error.is_denied() => {
                self.events.warn(format!(
                    "The configuration of distribution {} may not be read (cloudfront:GetDistributionConfig), so the CDN \
                     is not allowed to keep pages.",
                    cdn.distribution()
                ));
                DistributionFacts { id: cdn.distribution().to_owned(), readable: false, ..Default::default() }
            }
            Err(error) => return Err(error.into()),
        };
        self.facts = Some(facts);
        Ok(())
    }

    /// Asks before much of the site goes, and obeys a hold.
    fn may_go_on(&self, head: &Head, plan: &Plan, ask: &(dyn Fn(&str) -> Answer + Sync)) -> Result<(), Problem> {
        if let Some(hold) = &head.hold {
            let who = hold.publisher.who.as_deref().unwrap_or("someone");
            let why = hold.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let message = format!("publishing is held by {who} since {}{why}", hold.since);
            return Err(Problem::new(Code::Held, message).hint("`publish resume` ends the hold."));
        }
        let (live, leaving) = plan.leaving;
        if self.request.yes || plan.removed_percent() <= usize::from(self.environment.publish.max_removed_percent) {
            return Ok(());
        }
        let question = format!("{leaving} of {live} live files would leave the site. Go on?");
        match ask(&question) {
            Answer::Yes => Ok(()),
            Answer::No => Err(Problem::new(Code::Declined, "declined")),
            Answer::CannotAsk => {
                let message = format!("{leaving} of {live} live files would leave the site");
                Err(Problem::new(Code::TooManyRemovals, message)
                    .hint("If that is meant, use --yes, or raise `max_removed_percent` under [publish]."))
            }
        }
    }

    /// State that visitors can read tells them what is staged and who publishes. Looked at where it could be: with an
    /// empty prefix, once there is a head.
    async fn check_state_is_hidden(&self, head: &Head) -> Result<(), Problem> {
        let layout = &self.environment.layout;
        if !layout.identity().prefix.is_empty() || self.environment.publish.public_state {
            return Ok(());
        }
        let policy = crate::policy::hide_state(layout);
        let Some(url) = self.environment.url.as_deref().filter(|_| head.active.is_some()) else {
            self.events.warn(format!("Keep visitors away from the state with this bucket policy statement: {policy}"));
            return Ok(());
        };
        let state = format!("{url}/{}", layout.head().key);
        let answer = self.aws.fetcher.fetch(&state, 64 << 20).await;
        if !answer.is_ok_and(|answer| answer.status == 200 && answer.is_of_site(&layout.identity().site)) {
            return Ok(());
        }
        Err(Problem::new(Code::Configuration, format!("visitors can read the state at {state}")).hint(format!(
            "Add this statement to the bucket's policy: {policy} Or choose a `prefix`, or set `public_state = true` under [publish]."
        )))
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
        Ok((self.state.claim(claim).await?, releases.unfinished().collect()))
    }

    async fn stage(
        &self,
        plan: &Plan,
        claim: Option<&Claim>,
        unfinished: Vec<ReleaseNumber>,
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
            events: self.events,
        };
        staging.stage(plan, claim, unfinished).await
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

    fn refreshing(&self) -> Refreshing<'_> {
        Refreshing {
            cdn: self.aws.cdn.as_ref(),
            fetcher: &self.aws.fetcher,
            state: &self.state,
            settings: &self.environment.invalidation,
            url: self.environment.url.as_deref(),
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
            return Ok(());
        }
        let refreshed = self.refreshing().refresh(pointer, &answers).await;
        settle_refresh(report, refreshed, 0, release)
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
        if activated.left_over > 0 {
            self.events.warn(format!(
                "{} objects left the site and are still reachable: these credentials may not delete them (s3:DeleteObject).",
                activated.left_over
            ));
        }
        let refreshed = self.refreshing().refresh(activated.pointer, &intention.plan.answers).await;
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

/// Fingerprinted names whose live bytes are others than those they are to have.
fn names_that_lied(live: &Live, wanted: &Files) -> BTreeSet<SitePath> {
    let lied = wanted.iter().filter(|(path, entry)| {
        entry.kind == crate::headers::Kind::Fingerprinted
            && live.files.get(*path).is_some_and(|present| !present.same_bytes(entry))
    });
    lied.map(|(path, _)| path.clone()).collect()
}

/// Who is activating or pruning just now, in words, and how long their lease lasts after the head's last write.
fn busy(head: &Head, run: &RunId) -> Option<(String, Duration)> {
    let by = |publisher: &Publisher, owner: &RunId| match (&publisher.who, &publisher.place) {
        (Some(who), Some(place)) => format!("{who} on {place}"),
        (Some(who), None) => who.clone(),
        _ => format!("run {owner}"),
    };
    let activation = head.activation.as_ref().filter(|activation| activation.owner != *run);
    let activating = activation.map(|activation| {
        let whom = by(&activation.publisher, &activation.owner);
        (format!("{whom}, who activates release {}", activation.to), Duration::from_secs(activation.lease_s))
    });
    let pruning = head.pruning.as_ref().filter(|pruning| pruning.owner != *run);
    let pruning = || {
        pruning.map(|pruning| (format!("run {}, which prunes", pruning.owner), Duration::from_secs(pruning.lease_s)))
    };
    activating.or_else(pruning)
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

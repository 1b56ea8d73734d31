//! From what is live to what shall be: staged, activated, refreshed, verified.

use std::collections::BTreeSet;

use super::goal::Goal;
use super::intention::Intention;
use super::session::Session;
use super::{Ask, Terms, active_release, may_activate, untouched};
use crate::activate::{Activated, NotActivated};
use crate::error::{Code, ExitCode, Failure, Problem, VisitorsSee};
use crate::event::FileCounts;
use crate::head::{Head, Hold};
use crate::layout::Address;
use crate::live;
use crate::manifest::{Claim, FORMAT, ReleaseNumber};
use crate::plan::{Destination, Plan};
use crate::refresh::{NotRefreshed, Refreshed};
use crate::report::{InvalidationReport, InvalidationStatus, Outcome, Report, Uploaded};
use crate::stage::{NotStaged, Source, Staged, Staging};
use crate::state::{Pointer, following};

/// What a run has done so far, and need not do again when somebody else was faster.
#[derive(Default)]
struct Progress {
    /// The number it claimed.
    claim: Option<Claim>,
    /// What it has staged.
    staged: Option<Staged>,
    /// What it has stored.
    stored: BTreeSet<Address>,
    /// The prune epoch in which it did so: a prune may have taken it out again.
    epoch: u64,
}

impl Session<'_> {
    /// Makes `goal` live, from what `pointer` tells.
    pub(super) async fn go_live(
        &mut self,
        mut pointer: Pointer,
        goal: &Goal,
        terms: &Terms,
        ask: Ask<'_>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut progress = Progress { epoch: pointer.head.prune_epoch, ..Progress::default() };
        loop {
            pointer = self.when_free(pointer).await.map_err(untouched)?;
            let before = active_release(&pointer.head);
            let as_before = |problem: Problem| problem.while_visitors_see(VisitorsSee::TheSame(before));
            (report.release, report.previous_release) = (before, before);
            if let Some(files) = goal.unchanged(self, &pointer) {
                return self.nothing_to_do(&pointer.head, files, report);
            }
            self.forget_what_was_pruned(&pointer.head, goal, &mut progress).await.map_err(as_before)?;
            let mut intention =
                self.intend(&pointer, goal, terms, progress.staged.as_ref()).await.map_err(as_before)?;
            self.describe(report, &intention.plan);
            if is_live(&pointer.head, goal, &intention.plan) {
                return self.repair(pointer, &intention, terms, report).await;
            }
            if let Some(claim) =
                progress.claim.as_ref().filter(|claim| !may_activate(&pointer.head, claim.release, terms))
            {
                return superseded(&pointer.head, claim.release, &intention.plan, report);
            }
            self.may_go_on(&pointer.head, goal, &intention.plan, terms, ask).map_err(as_before)?;
            self.check_state_is_hidden(&pointer.head).await.map_err(as_before)?;
            let ready = match self.ready(&pointer.head, goal, terms, &intention.plan, &mut progress).await {
                Ok(ready) => ready,
                Err(NotStaged::Failed(problem)) => return Err(as_before(problem)),
                Err(NotStaged::Lied { paths, stored }) => {
                    self.mutable_paths.extend(paths);
                    progress.stored.extend(stored);
                    continue;
                }
            };
            let release = ready.manifest.release;
            if !ready.other_headers.is_empty() {
                self.replan(&mut intention, &ready, goal.may_go_straight(terms));
                self.describe(report, &intention.plan);
            }
            report.uploaded.objects += ready.uploaded.objects;
            report.uploaded.bytes += ready.uploaded.bytes;
            if terms.stage_only {
                // A prune may have removed what this run was told is there: nothing else would notice.
                pointer = self.state.read_head().await.map_err(as_before)?;
                if pointer.head.prune_epoch != progress.epoch {
                    report.uploaded = Uploaded::default();
                    continue;
                }
                (report.outcome, report.release) = (Outcome::Staged, Some(release));
                return Ok(());
            }
            let activating = self.activating(goal.source(), &intention, terms);
            match activating.activate(pointer, &intention.live, &intention.plan, &ready).await {
                Ok(activated) => {
                    report.outcome = goal.reached(terms);
                    return self.after_the_switch(activated, release, &intention, report).await;
                }
                Err(NotActivated::Outdated(found)) => {
                    pointer = *found;
                    // What is complete already is proven anew: that costs little.
                    progress.staged = (ready.complete && progress.claim.is_some()).then_some(ready);
                    report.uploaded = Uploaded::default();
                }
                Err(NotActivated::Superseded(found)) => {
                    return superseded(&found.head, release, &intention.plan, report);
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

    /// What would happen, and nothing of it does.
    pub(super) async fn plan_only(
        &mut self,
        goal: &Goal,
        terms: &Terms,
        report: &mut Report,
    ) -> Result<Option<Plan>, Problem> {
        let pointer = self.state.read_head().await?;
        (report.release, report.previous_release) = (active_release(&pointer.head), active_release(&pointer.head));
        if let Some(files) = goal.unchanged(self, &pointer) {
            report.files = files;
            return Ok(None);
        }
        let intention = self.intend(&pointer, goal, terms, None).await?;
        self.describe(report, &intention.plan);
        report.uploaded = Uploaded { objects: intention.plan.uploads.len(), bytes: intention.plan.upload_bytes() };
        report.copied = intention.plan.copies();
        report.deleted = intention.plan.removals.len();
        let nothing = is_live(&pointer.head, goal, &intention.plan) && pointer.head.is_settled();
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

    /// A prune may have removed what this run was told is there, and closed its number.
    async fn forget_what_was_pruned(&self, head: &Head, goal: &Goal, progress: &mut Progress) -> Result<(), Problem> {
        if progress.epoch == head.prune_epoch {
            return Ok(());
        }
        progress.epoch = head.prune_epoch;
        progress.staged = None;
        progress.stored.clear();
        if let Some(claim) = progress.claim.take() {
            let found = self.state.read_claim(claim.release).await?;
            progress.claim = found.filter(|found| *found == claim);
        }
        if let Some(release) = goal.release() {
            live::complete(&self.state, release).await?;
        }
        Ok(())
    }

    /// The release with all its bytes in the bucket: staged now or before, or proven to be there.
    async fn ready(
        &self,
        head: &Head,
        goal: &Goal,
        terms: &Terms,
        plan: &Plan,
        progress: &mut Progress,
    ) -> Result<Staged, NotStaged> {
        let staging = Staging {
            store: &self.aws.store,
            state: &self.state,
            layout: &self.environment.layout,
            source: goal.source(),
            foreign: self.foreign(terms),
            stored: &progress.stored,
            events: self.events,
        };
        if let Goal::Release(manifest) = goal {
            return staging.prove(plan, manifest).await;
        }
        if let Some(staged) = progress.staged.take() {
            return Ok(staged);
        }
        let (claim, not_activated) = match progress.claim.take() {
            Some(claim) => (claim, Vec::new()),
            None => self.claim(head, plan).await.map_err(NotStaged::Failed)?,
        };
        let staged = staging.stage(plan, &claim, not_activated).await;
        progress.claim = Some(claim);
        staged
    }

    /// The number of this run: claimed once, before anything else is written. Also those that were claimed before it
    /// and never activated.
    async fn claim(&self, head: &Head, plan: &Plan) -> Result<(Claim, Vec<ReleaseNumber>), Problem> {
        let releases = self.state.releases().await?;
        let highest = releases.highest().into_iter().chain([head.highest_activated, head.floor]).max();
        let live = plan.uploads.iter().filter(|upload| upload.to != Destination::Blob);
        let claim = Claim {
            format: FORMAT,
            identity: self.environment.layout.identity().clone(),
            release: following(highest.unwrap_or(ReleaseNumber::new(0)))?,
            run: self.caller.run.clone(),
            epoch: head.prune_epoch,
            since: self.caller.clock.now(),
            publisher: self.caller.publisher.clone(),
            live: live.map(|upload| upload.path.clone()).collect(),
            // All of them: a fingerprinted name that lied becomes a blob.
            blobs: plan.uploads.iter().filter_map(|upload| Some(plan.files.get(&upload.path)?.digest)).collect(),
        };
        // What runs that were cut short have sent is there already, complete release or not. Releases up to the highest
        // activated one are history: what they left is found by 412.
        let not_activated = releases.above(head.highest_activated).collect();
        Ok((self.state.claim(claim).await?, not_activated))
    }

    /// Nothing differs, but an earlier run may owe a refresh or have left something to record.
    async fn repair(
        &self,
        pointer: Pointer,
        intention: &Intention,
        terms: &Terms,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let release = active_release(&pointer.head);
        let as_before = |problem: Problem| problem.while_visitors_see(VisitorsSee::TheSame(release));
        let owed: Vec<_> = pointer.head.pending_refreshes.iter().flat_map(|refresh| refresh.paths.clone()).collect();
        report.outcome = if owed.is_empty() { Outcome::Unchanged } else { Outcome::Repaired };
        self.activating(Source::Bucket, intention, terms).preserve(&intention.plan).await.map_err(as_before)?;
        let pointer = self.record(pointer, terms).await.map_err(as_before)?;
        if owed.is_empty() {
            return Ok(());
        }
        let answers = Plan::answers_owed(&intention.plan.files, &owed, self.policy(false));
        let refreshed = self.refreshing(release).refresh(pointer, &answers).await;
        settle_refresh(report, refreshed, 0, release)
    }

    /// Records what needs no activation: what was read of the distribution, that suspects were looked at, and the floor
    /// and the hold of a rollback to what is live already.
    async fn record(&self, pointer: Pointer, terms: &Terms) -> Result<Pointer, Problem> {
        let looked_at = pointer.read_at;
        let claimed = match terms.rollback {
            Some(_) => self.state.releases().await?.highest(),
            None => None,
        };
        let since = self.caller.clock.now();
        self.update_head(pointer, |before| {
            let mut head = before.clone();
            head.distribution.clone_from(&self.facts);
            head.forget_suspects(looked_at);
            // A prune that was cut short left alone whatever is live: the next one finds what it did not come to.
            head.pruning = None;
            head.floor = head.floor.max(claimed.unwrap_or(head.floor));
            if terms.rollback.is_some_and(|rollback| rollback.hold) && head.hold.is_none() {
                let (publisher, reason) = (self.caller.publisher.clone(), terms.reason.clone());
                head.hold = Some(Hold { publisher, since, reason });
            }
            (head != *before).then_some(head)
        })
        .await
    }

    async fn after_the_switch(
        &self,
        activated: Activated,
        release: ReleaseNumber,
        intention: &Intention,
        report: &mut Report,
    ) -> Result<(), Failure> {
        report.release = Some(release);
        report.previous_release = intention.plan.from;
        report.copied = activated.copied;
        report.deleted = activated.deleted;
        let sent = intention.plan.uploads.iter().filter(|upload| upload.to == Destination::LiveWhileActivating);
        report.uploaded.objects += sent.clone().count();
        report.uploaded.bytes += sent.map(|upload| upload.size_bytes).sum::<u64>();
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

    /// Fills in what a plan says about a release.
    fn describe(&self, report: &mut Report, plan: &Plan) {
        report.files = plan.counts;
        let has_cdn = self.aws.cdn.is_some();
        report.invalidation = (has_cdn && !plan.invalidation.paths.is_empty()).then(|| InvalidationReport {
            ids: Vec::new(),
            paths: plan.invalidation.paths.iter().map(ToString::to_string).collect(),
            status: InvalidationStatus::Planned,
            evicted_unchanged: plan.invalidation.evicted_unchanged,
        });
    }
}

/// Whether what a plan leads to is live already. Without a visible change a release may still be another one: a file that
/// had retired, and whose object is still there, belongs to it again.
fn is_live(head: &Head, goal: &Goal, plan: &Plan) -> bool {
    let meant = goal.release();
    let active = head
        .active
        .as_ref()
        .is_some_and(|active| active.content == plan.content && meant.is_none_or(|release| release == active.release));
    active && plan.is_empty() && head.activation.is_none()
}

/// A newer release is active. That is no failure if it has the same content.
fn superseded(head: &Head, release: ReleaseNumber, plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    report.release = active_release(head);
    if head.active.as_ref().is_some_and(|active| active.content == plan.content) {
        report.outcome = Outcome::Unchanged;
        return Ok(());
    }
    Err(lost_to(head, release).while_visitors_see(VisitorsSee::SomeoneElses))
}

/// Fills in how the refresh ended.
pub(super) fn settle_refresh(
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
    let who = last.map_or_else(|| "another publisher".to_owned(), |item| item.publisher.name());
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

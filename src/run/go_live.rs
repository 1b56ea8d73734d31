//! From what is live to what shall be: staged, activated, refreshed, verified.

use std::collections::{BTreeMap, BTreeSet};

use super::goal::Goal;
use super::intention::Intention;
use super::session::Session;
use super::{Ask, Terms, active_release, may_activate, untouched};
use crate::bucket::live;
use crate::bucket::state::{NotReplaced, Pointer, following};
use crate::plan::{Destination, Plan};
use crate::release::counts::FileCounts;
use crate::release::head::{Head, Hold};
use crate::release::layout::Address;
use crate::release::manifest::{Claim, FORMAT, Kept, Manifest, ReleaseNumber};
use crate::report::error::{Code, ExitCode, Failure, Problem, VisitorsSee};
use crate::report::{InvalidationReport, InvalidationStatus, Outcome, Report, Uploaded};
use crate::site::rules::Rules;
use crate::stages::activate::{Activated, NotActivated};
use crate::stages::refresh::{NotRefreshed, Refreshed};
use crate::stages::stage::{NotStaged, Staged, Staging};

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

impl Progress {
    /// What was staged is of no use where the release would be another one by now: a name has lied meanwhile.
    fn forget_what_is_other(&mut self, plan: &Plan) {
        if self.staged.as_ref().is_some_and(|staged| staged.manifest.content() != plan.content) {
            (self.staged, self.claim) = (None, None);
        }
    }
}

impl Session<'_> {
    /// Makes `goal` live, from what `pointer` tells. Its steps are boxed: what each of them holds would otherwise lie on
    /// the stack of all of them.
    pub(super) async fn go_live(
        &mut self,
        mut pointer: Pointer,
        goal: &Goal,
        terms: &Terms,
        ask: Ask<'_>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        if terms.adopt {
            pointer = self.adopt(pointer).await.map_err(untouched)?;
        }
        // What was read beside a prune that is under way may be of before it.
        let epoch = pointer.head.prune_epoch.saturating_sub(u64::from(pointer.head.pruning.is_some()));
        let mut progress = Progress { epoch, ..Progress::default() };
        loop {
            pointer = self.when_free(pointer).await.map_err(untouched)?;
            let before = active_release(&pointer.head);
            let seen = match pointer.head.activation {
                Some(_) => VisitorsSee::Untouched,
                None => VisitorsSee::TheSame(before),
            };
            let as_before = |problem: Problem| problem.while_visitors_see(seen);
            (report.release, report.previous_release) = (before, before);
            let under_way = pointer.head.activation.is_some() && !pointer.head.is_being_repaired();
            let elsewhere = |release: &ReleaseNumber| Some(*release) != before || under_way;
            if let Some(release) = goal.release().filter(elsewhere).filter(|_| terms.repair.is_some()) {
                return Err(lost_to(&pointer.head, release)
                    .hint("Verify again: another release is active, or is to be.")
                    .while_visitors_see(VisitorsSee::SomeoneElses));
            }
            if let Some(files) = goal.unchanged(self, &pointer) {
                return self.nothing_to_do(&pointer.head, files, report);
            }
            self.forget_what_was_pruned(&pointer.head, goal, &mut progress).await.map_err(as_before)?;
            let mut intention = Box::pin(self.intend(&pointer, goal, terms)).await.map_err(as_before)?;
            progress.forget_what_is_other(&intention.plan);
            self.describe(report, &intention.plan);
            if is_live(&pointer.head, goal, &intention.plan) {
                match Box::pin(self.repair(pointer, goal, &intention, terms, report)).await? {
                    Some(found) => pointer = found,
                    None => return Ok(()),
                }
                continue;
            }
            if let Some(claim) =
                progress.claim.as_ref().filter(|claim| !may_activate(&pointer.head, claim.release, terms))
            {
                return superseded(&pointer.head, claim.release, &intention.plan, report);
            }
            self.may_go_on(&pointer.head, goal, &intention.plan, terms, ask).map_err(as_before)?;
            self.check_state_is_hidden(&pointer.head).await.map_err(as_before)?;
            if let Some(manifest) = goal.manifest() {
                // What is live only is a release's too that has yet to be proven.
                progress.stored = self.blobs_there(&pointer.head, &intention, manifest).await.map_err(as_before)?;
                self.preserve(goal, &intention, terms, &progress.stored).await.map_err(as_before)?;
                self.mutable_paths.extend(Rules::distrusted(&manifest.files).cloned());
            }
            let ready = match Box::pin(self.ready(&pointer.head, goal, terms, &intention.plan, &mut progress)).await {
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
            if terms.stage_only {
                // A prune may have removed what this run was told is there: nothing else would notice.
                pointer = self.state.read_head().await.map_err(as_before)?;
                if pointer.head.prune_epoch != progress.epoch {
                    continue;
                }
                (report.outcome, report.release) = (Outcome::Staged, Some(release));
                return Ok(());
            }
            if goal.manifest().is_none() {
                let stored = BTreeSet::new();
                self.preserve(goal, &intention, terms, &stored).await.map_err(as_before)?;
            }
            let activating = self.activating(goal, &intention, terms);
            let unfinished = pointer.head.activation.is_some();
            match Box::pin(activating.activate(pointer, &intention.live, &intention.plan, &ready)).await {
                Ok(activated) => {
                    report.outcome = goal.reached(terms);
                    self.warn_of_lost(terms);
                    return Box::pin(self.after_the_switch(activated, release, &intention, report)).await;
                }
                Err(NotActivated::Outdated(found)) => {
                    pointer = *found;
                    progress.staged = (ready.complete && progress.claim.is_some()).then_some(ready);
                }
                Err(NotActivated::Superseded(found)) => {
                    return superseded(&found.head, release, &intention.plan, report);
                }
                Err(NotActivated::TakenOver(found)) => {
                    return Err(lost_to(&found.head, release).while_visitors_see(VisitorsSee::TakenOver(release)));
                }
                Err(NotActivated::BeforeTheSwitch(problem)) => return Err(as_before(problem)),
                Err(NotActivated::CutShort(problem)) => {
                    let seen = match (unfinished, before) {
                        (true, _) => VisitorsSee::SomeOfSeveral(release),
                        (false, before) => VisitorsSee::SomeOfBoth(before, release),
                    };
                    return Err(run_again(problem).while_visitors_see(seen));
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
    ) -> Result<(Head, Option<Plan>), Problem> {
        let pointer = self.state.read_head().await?;
        (report.release, report.previous_release) = (active_release(&pointer.head), active_release(&pointer.head));
        if let Some(files) = goal.unchanged(self, &pointer) {
            report.files = files;
            return Ok((pointer.head, None));
        }
        let intention = self.intend(&pointer, goal, terms).await?;
        self.describe(report, &intention.plan);
        report.uploaded = Uploaded { objects: intention.plan.uploads.len(), bytes: intention.plan.upload_bytes() };
        report.copied = intention.plan.copies();
        report.deleted = intention.plan.removals.len();
        let nothing = is_live(&pointer.head, goal, &intention.plan) && pointer.head.is_settled();
        if !nothing {
            report.outcome = Outcome::Verified;
            report.exit_code = ExitCode::Changes.number();
        }
        Ok((pointer.head, Some(intention.plan)))
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
        // All anew, also the number: what was written under it may name bytes that are gone.
        *progress = Progress { epoch: head.prune_epoch, ..Progress::default() };
        if let Some(release) = goal.release() {
            if head.pruning.as_ref().is_some_and(|pruning| pruning.closes.contains(&release)) {
                let message = format!("release {release} was closed by a prune, which was cut short");
                return Err(Problem::new(Code::MissingBytes, message)
                    .hint("Choose another one: `publish releases` lists them. `publish prune` finishes the prune."));
            }
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
            tally: &self.tally,
            events: self.events,
        };
        if let Some(manifest) = goal.manifest() {
            return staging.prove(plan, manifest).await;
        }
        if let Some(staged) = progress.staged.take() {
            // Another publisher may have removed since what was live when this was staged.
            return staging.prove(plan, &staged.manifest).await;
        }
        let (claim, not_activated) = match progress.claim.take() {
            Some(claim) => (claim, Vec::new()),
            None => self.claim(head, goal, plan).await.map_err(NotStaged::Failed)?,
        };
        let staged = staging.stage(plan, &claim, not_activated).await;
        progress.claim = Some(claim);
        staged
    }

    /// Keeps live bytes that the plan puts at risk.
    async fn preserve(
        &self,
        goal: &Goal,
        intention: &Intention,
        terms: &Terms,
        stored: &BTreeSet<Address>,
    ) -> Result<(), Problem> {
        self.activating(goal, intention, terms).preserve(&intention.plan, stored).await
    }

    /// The blobs that going back to a complete release needs or would write, as far as a listing shows that they are
    /// there; empty where asking after each costs less. Blobs are named by their bytes and never written over.
    async fn blobs_there(
        &self,
        head: &Head,
        intention: &Intention,
        manifest: &Manifest,
    ) -> Result<BTreeSet<Address>, Problem> {
        let layout = &self.environment.layout;
        let plan = &intention.plan;
        let to_blobs = plan.uploads.iter().filter(|upload| upload.to == Destination::Blob);
        let needed = to_blobs.filter_map(|upload| plan.files.get(&upload.path));
        let kept = plan.preserves.iter().map(|preserve| &preserve.entry);
        let sizes: BTreeMap<Address, u64> =
            needed.chain(kept).map(|entry| (layout.blob(&entry.digest), entry.size_bytes)).collect();
        let retained = head.superseded.len() + 1;
        let at_least = manifest.files.values().filter(|entry| entry.kept == Kept::Blob).count();
        if sizes.len() <= 2 + retained * at_least / 1_000 {
            return Ok(BTreeSet::new());
        }
        let listed = self.aws.store.list(&layout.blobs()).await?;
        let there = listed.into_iter().filter(|listed| sizes.get(&listed.address) == Some(&listed.size_bytes));
        Ok(there.map(|listed| listed.address).collect())
    }

    /// The number of this run: claimed once, before anything else is written. Also those that were claimed before it
    /// and never activated.
    async fn claim(&self, head: &Head, goal: &Goal, plan: &Plan) -> Result<(Claim, Vec<ReleaseNumber>), Problem> {
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
            publisher: goal.publisher(&self.caller.publisher).clone(),
            live: live.map(|upload| upload.path.clone()).collect(),
            // All of them: a fingerprinted name that lied becomes a blob.
            blobs: plan.uploads.iter().filter_map(|upload| Some(plan.files.get(&upload.path)?.digest)).collect(),
        };
        // What runs that were cut short have sent is there already, complete release or not. Releases up to the highest
        // activated one are history: what they left is found by 412.
        let not_activated = releases.above(head.highest_activated).collect();
        Ok((self.state.claim(claim).await?, not_activated))
    }

    /// Nothing differs, but an earlier run may owe a refresh or have left something to record. Gives the head that is
    /// there now if somebody else replaced it meanwhile: then something may differ.
    async fn repair(
        &self,
        pointer: Pointer,
        goal: &Goal,
        intention: &Intention,
        terms: &Terms,
        report: &mut Report,
    ) -> Result<Option<Pointer>, Failure> {
        let release = active_release(&pointer.head);
        let as_before = |problem: Problem| problem.while_visitors_see(VisitorsSee::TheSame(release));
        let owed: Vec<_> = pointer.head.pending_refreshes.iter().flat_map(|refresh| refresh.paths.clone()).collect();
        report.outcome = if owed.is_empty() { Outcome::Unchanged } else { Outcome::Repaired };
        let blobs = BTreeSet::new();
        self.preserve(goal, intention, terms, &blobs).await.map_err(as_before)?;
        let pointer = match self.record(&pointer, terms).await {
            Ok(pointer) => pointer,
            Err(NotReplaced::Lost(found)) => return Ok(Some(*found)),
            Err(NotReplaced::Failed(problem)) => return Err(as_before(problem)),
        };
        if owed.is_empty() {
            return Ok(None);
        }
        let answers = Plan::answers_owed(&intention.plan.files, &owed, self.policy(false));
        let refreshed = self.refreshing(release).refresh(pointer, &answers).await;
        settle_refresh(report, refreshed, 0, release).map(|()| None)
    }

    /// Records what needs no activation: what was read of the distribution, that suspects were looked at, and the floor
    /// and the hold of a rollback to what is live already.
    async fn record(&self, pointer: &Pointer, terms: &Terms) -> Result<Pointer, NotReplaced> {
        let claimed = match terms.rollback {
            Some(_) => self.state.releases().await.map_err(NotReplaced::Failed)?.highest(),
            None => None,
        };
        let mut head = pointer.head.clone();
        head.distribution.clone_from(&self.facts);
        head.forget_suspects(pointer.read_at);
        // A prune that was cut short left alone whatever is live: the next one finds what it did not come to.
        head.pruning = None;
        head.floor = head.floor.max(claimed.unwrap_or(head.floor));
        if terms.rollback.is_some_and(|rollback| rollback.hold) && head.hold.is_none() {
            let (publisher, since) = (self.caller.publisher.clone(), self.caller.clock.now());
            head.hold = Some(Hold { publisher, since, reason: terms.reason.clone() });
        }
        if head == pointer.head { Ok(pointer.clone()) } else { self.state.replace_head(pointer, head).await }
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
        if !activated.left_over.is_empty() {
            self.events.warn(format!(
                "Objects that left the site and are still reachable, since these credentials may not delete them (s3:DeleteObject): {}.",
                activated.left_over.len()
            ));
        }
        if self.caller.stop.is_requested() {
            let problem = Problem::new(Code::Interrupted, "stopped on request");
            let problem = problem.hint("Run the same command again to refresh the CDN.");
            return Err(problem.while_visitors_see(VisitorsSee::TheNewOne(release)));
        }
        let mut answers = intention.plan.answers.clone();
        answers.retain(|_, answer| !activated.left_over.contains(&answer.path));
        let refreshed = self.refreshing(Some(release)).refresh(activated.pointer, &answers).await;
        settle_refresh(report, refreshed, intention.plan.invalidation.evicted_unchanged, Some(release))
    }

    /// Who repairs says so itself, file by file.
    fn warn_of_lost(&self, terms: &Terms) {
        if let (Some(first), None) = (self.lost.first(), &terms.repair) {
            self.events.warn(format!(
                "The bytes of {} files of this release are nowhere any more, as of {first}: publish the folder that holds them.",
                self.lost.len()
            ));
        }
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

/// A newer release is active. That is no failure if it has the same content, and nothing else is to do.
fn superseded(head: &Head, release: ReleaseNumber, plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    report.release = active_release(head);
    if head.is_settled() && head.active.as_ref().is_some_and(|active| active.content == plan.content) {
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

//! Makes a goal live: stage, activate, refresh, verify.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::caller::Ask;
use super::intention::Intention;
use super::order::{Order, Shown, Terms};
use super::ready::Carried;
use super::reported::Ended;
use super::session::{MAX_ROUNDS, Session, active_release, never_settles};
use crate::bucket::state::{NotReplaced, Pointer};
use crate::content::path::SitePath;
use crate::plan::Plan;
use crate::release::counts::FileCounts;
use crate::release::head::{Head, Hold};
use crate::release::manifest::ReleaseNumber;
use crate::report::error::{Code, ExitCode, Problem, VisitorsSee};
use crate::report::tally::Amounts;
use crate::report::{InvalidationReport, InvalidationStatus, Outcome, Uploaded, price_usd};
use crate::stages::activate::{Activated, NotActivated};
use crate::stages::refresh::Refreshing;
use crate::stages::stage::{NotStaged, Staged};
use crate::stages::verify::Page;
use crate::types::text::first_few;

/// The result of one attempt to go live.
enum Next {
    /// Another run was faster, or the bucket is not as expected: start over from its present state.
    Again(Box<Carried>, Box<Pointer>),
    /// Finished.
    Done(Outcome),
}

impl Session<'_> {
    /// Makes the goal of `order` live, starting from `pointer`. Its steps are boxed: otherwise the futures of all of them
    /// would lie on the stack at once.
    pub(super) async fn go_live(&mut self, pointer: Pointer, order: &Order, ask: Ask<'_>) -> Result<Outcome, Problem> {
        let mut pointer = if order.terms.adopt { Box::pin(self.adopt(pointer)).await? } else { pointer };
        let mut carried = Carried::nothing(&pointer.head);
        let mut shown = Shown::by(&pointer.head);
        for _ in 0..MAX_ROUNDS {
            match Box::pin(self.attempt(carried, pointer, &mut shown, order, ask)).await? {
                Next::Again(so_far, found) => (carried, pointer) = (*so_far, *found),
                Next::Done(outcome) => return Ok(outcome),
            }
        }
        Err(never_settles())
    }

    /// Reads the live state and decides whether a switch is needed.
    async fn attempt(
        &mut self,
        carried: Carried,
        pointer: Pointer,
        shown: &mut Shown,
        order: &Order,
        ask: Ask<'_>,
    ) -> Result<Next, Problem> {
        self.course.begins();
        self.check_shown(*shown, &pointer.head, order)?;
        let pointer = self.when_free_to_write(pointer).await?;
        self.check_shown(*shown, &pointer.head, order)?;
        *shown = Shown::by(&pointer.head);
        self.course.found(&pointer.head);
        self.say_what_is_closed(&pointer.head);
        if let Some(release) = order.repair_is_pointless(&pointer.head) {
            self.course.visitors_see(VisitorsSee::SomeoneElses);
            return Err(
                lost_to(&pointer.head, release).hint("Run verify again: another release is active or being activated.")
            );
        }
        if let Some(files) = order.goal.unchanged(self.environment, &self.mutable_paths, &pointer) {
            return Ok(Next::Done(self.nothing_to_do(&pointer.head, files)));
        }
        let carried = self.after_a_prune(carried, &pointer.head, order).await?;
        let claims = carried.claimed().is_none() && order.goal.is_told_by_the_head(self.environment, &pointer);
        let (mut intention, unknown_host) = Box::pin(self.intend_and_look(&pointer, order, claims)).await?;
        self.plans(&intention.plan);
        if order.is_done(&pointer.head, &intention.plan) {
            return Box::pin(self.finish(carried, pointer, order, &intention)).await;
        }
        self.say_that_the_host_is_unknown(unknown_host);
        let carried = carried.unless_other(&intention.plan);
        // Being active does not make it the newest: an activation that another run has begun since is not undone.
        if let Some(claimed) =
            carried.claimed().filter(|claimed| !order.terms.force && !pointer.head.is_newest(*claimed))
        {
            return self.overtaken(&pointer.head, claimed, &intention.plan);
        }
        Box::pin(self.check_commit(&pointer.head, order)).await?;
        let was_asked = AtomicBool::new(false);
        let asking = |question: &str| {
            was_asked.store(true, Ordering::Relaxed);
            ask(question)
        };
        self.may_go_on(&pointer.head, order, &intention, &asking)?;
        if was_asked.into_inner() {
            intention.look_again_after_an_answer();
        }
        let pointer = match Box::pin(self.hold(&pointer, &order.terms)).await {
            Ok(pointer) => pointer,
            Err(NotReplaced::Lost(found)) => return Ok(again(carried, *found)),
            Err(NotReplaced::Failed(problem)) => return Err(problem),
        };
        self.check_state_is_hidden(&pointer.head).await?;
        Box::pin(self.stage_and_switch(carried, pointer, order, intention)).await
    }

    /// A run that is exempt from the order of numbers replaces only what it has shown to the user.
    pub(super) fn check_shown(&self, shown: Shown, head: &Head, order: &Order) -> Result<(), Problem> {
        if !order.is_overtaken(shown, head) {
            return Ok(());
        }
        self.course.visitors_see(VisitorsSee::SomeoneElses);
        let (who, what) = match (&head.activation, head.history.last()) {
            (Some(one), _) => (one.publisher.name(), format!("is activating release {}", one.to)),
            (None, Some(item)) => (item.publisher.name(), format!("activated release {}", item.release)),
            (None, None) => ("another publisher".to_owned(), "changed what is live".to_owned()),
        };
        let message = format!("{who} {what} after this run had looked at what was live");
        Err(Problem::new(Code::Superseded, message)
            .hint("Check `publish status`; if you still want this, run the same command again."))
    }

    /// Holds publishing before anything else is written, in a separate write: however a rollback ends, nothing is
    /// published after it. If another run replaced the head meanwhile, the plan is out of date.
    async fn hold(&self, pointer: &Pointer, terms: &Terms) -> Result<Pointer, NotReplaced> {
        match self.held(&pointer.head, terms.reason.as_deref()).filter(|_| terms.holds()) {
            Some(held) => self.state.replace_head(pointer, held).await,
            None => Ok(pointer.clone()),
        }
    }

    /// The head in which this run holds publishing; `None` if publishing is held already and this run gives no other reason.
    pub(super) fn held(&self, head: &Head, reason: Option<&str>) -> Option<Head> {
        let is_said = head.hold.as_ref().is_some_and(|hold| reason.is_none() || hold.reason.as_deref() == reason);
        let now = self.caller.clock.now();
        (!is_said).then(|| head.held(Hold::new(self.caller.publisher.clone(), now, reason.map(str::to_owned))))
    }

    /// Prepares the release and makes it live, unless only preparation was asked for.
    async fn stage_and_switch(
        &mut self,
        mut carried: Carried,
        pointer: Pointer,
        order: &Order,
        mut intention: Intention,
    ) -> Result<Next, Problem> {
        let staged = match Box::pin(self.ready(&mut carried, &pointer.head, order, &mut intention)).await {
            Ok(staged) => staged,
            Err(NotStaged::Failed(problem)) => return Err(problem),
            Err(NotStaged::Reused { paths, stored }) => {
                self.warn_of_kept(paths.iter().cloned());
                self.mutable_paths.extend(paths);
                carried.stored.extend(stored);
                return Ok(again(carried, pointer));
            }
        };
        if !staged.other_headers.is_empty() || !staged.returned.is_empty() {
            self.replan(&mut intention, &staged, order);
            self.plans(&intention.plan);
        }
        if order.terms.stage_only {
            return self.only_staged(carried, &staged).await;
        }
        self.switch(carried, pointer, order, &intention, staged).await
    }

    /// A release is complete in the bucket, and nothing else was asked for. A prune may have removed bytes that this run
    /// relied on: no later step would notice.
    async fn only_staged(&self, carried: Carried, staged: &Staged) -> Result<Next, Problem> {
        let pointer = self.state.read_head().await?;
        if pointer.head.prune_epoch != carried.epoch {
            return Ok(again(carried, pointer));
        }
        let before = self.course.standing().previous_release;
        self.course.about(Some(staged.manifest.release), before);
        Ok(Next::Done(Outcome::Staged))
    }

    /// Makes a prepared release live.
    async fn switch(
        &self,
        carried: Carried,
        pointer: Pointer,
        order: &Order,
        intention: &Intention,
        staged: Staged,
    ) -> Result<Next, Problem> {
        let release = staged.manifest.release;
        let activating = self.activating(order, intention);
        let before = self.course.standing().visitors_see;
        match Box::pin(activating.activate(pointer, &intention.live, &intention.plan, &staged)).await {
            Ok(activated) => {
                self.warn_of_lost(&order.terms);
                Box::pin(self.after_the_switch(activated, release, &intention.plan, &order.terms)).await?;
                Ok(Next::Done(order.outcome()))
            }
            Err(NotActivated::Outdated(found)) => Ok(again(carried.with(staged), *found)),
            Err(NotActivated::Superseded(found)) => self.overtaken(&found.head, release, &intention.plan),
            Err(NotActivated::TakenOver(found)) => {
                self.course.visitors_see(VisitorsSee::TakenOver(release));
                Err(lost_to(&found.head, release))
            }
            Err(NotActivated::BeforeTheSwitch(problem)) => Err(problem),
            Err(NotActivated::Withdrawn(problem)) => {
                self.course.visitors_see(before);
                Err(problem)
            }
            Err(NotActivated::CutShort(problem)) => Err(run_again(problem)),
        }
    }

    /// Refreshes the changed paths at the CDN.
    async fn after_the_switch(
        &self,
        activated: Activated,
        release: ReleaseNumber,
        plan: &Plan,
        terms: &Terms,
    ) -> Result<(), Problem> {
        self.course.about(Some(release), plan.from);
        if !activated.left_over.is_empty() {
            self.events.warn(left_over(activated.left_over.iter()));
        }
        if self.caller.stop.is_requested() {
            return Err(self.course.stopped());
        }
        let mut answers = plan.answers.clone();
        answers.retain(|_, answer| !activated.left_over.contains(&answer.path));
        let is_external = self.external()?;
        let page = Some(Page { files: &plan.files, is_external: &is_external });
        let refreshing = Refreshing { page, allow_broken: terms.allow_broken, ..self.refreshing(Some(release)) };
        Box::pin(self.refresh(refreshing, activated.pointer, &answers, Some(plan))).await
    }

    /// What a publish would do; does none of it. Without a plan if the head alone shows that there is nothing to do.
    pub(super) async fn plan_only(&mut self, order: &Order) -> Result<(Ended, Head, Option<Plan>), Problem> {
        let pointer = self.state.read_head().await?;
        let active = active_release(&pointer.head);
        self.course.about(active, active);
        if let Some(files) = order.goal.unchanged(self.environment, &self.mutable_paths, &pointer) {
            self.course.compared(files);
            return Ok((Outcome::Unchanged.into(), pointer.head, None));
        }
        let (intention, unknown_host) = Box::pin(self.intend_and_look(&pointer, order, false)).await?;
        self.say_that_it_is_held(&pointer.head);
        if let Some(missing) = self.no_home_page(order, &intention) {
            self.events.warn(format!("A publish stops here: {}", missing.into_problem().in_one_line()));
        }
        let plan = intention.plan;
        self.plans(&plan);
        let nothing =
            order.is_done(&pointer.head, &plan) && pointer.head.is_settled_for(self.environment.distributions());
        match active {
            None => self.warn_of_state_within_reach(),
            Some(_) if !nothing => self.check_state_is_hidden(&pointer.head).await?,
            Some(_) => {}
        }
        if !nothing {
            self.say_that_the_host_is_unknown(unknown_host);
            Box::pin(self.check_commit(&pointer.head, order)).await?;
        }
        let (outcome, exit_code) =
            if nothing { (Outcome::Unchanged, ExitCode::Done) } else { (Outcome::Verified, ExitCode::Changes) };
        let planned = Amounts {
            uploaded: Uploaded { objects: plan.uploads.len(), bytes: plan.upload_bytes() },
            copied: plan.copies(),
            deleted: plan.removals.len(),
        };
        Ok((Ended { outcome, exit_code, planned: Some(planned) }, pointer.head, Some(plan)))
    }

    fn nothing_to_do(&self, head: &Head, files: FileCounts) -> Outcome {
        self.course.compared(files);
        self.say_what_others_are_owed(head);
        if !head.leftovers.is_empty() {
            self.events.warn(left_over(head.leftovers.keys()));
        }
        self.say_that_it_is_held(head);
        Outcome::Unchanged
    }

    /// Nothing differs, but an earlier run may have left a pending refresh or something to record. If another run replaces
    /// the head meanwhile, something may differ.
    async fn finish(
        &self,
        carried: Carried,
        pointer: Pointer,
        order: &Order,
        intention: &Intention,
    ) -> Result<Next, Problem> {
        let release = active_release(&pointer.head);
        let pointer = match Box::pin(self.hold(&pointer, &order.terms)).await {
            Ok(pointer) => pointer,
            Err(NotReplaced::Lost(found)) => return Ok(again(carried, *found)),
            Err(NotReplaced::Failed(problem)) => return Err(problem),
        };
        self.preserve(order, intention, &BTreeSet::new()).await?;
        let pointer = match self.record(&pointer, &order.terms).await {
            Ok(pointer) => pointer,
            Err(NotReplaced::Lost(found)) => return Ok(again(carried, *found)),
            Err(NotReplaced::Failed(problem)) => return Err(problem),
        };
        let answers = self.answers_owed(&pointer.head, &intention.plan.files);
        let is_external = self.external()?;
        let page = Some(Page { files: &intention.plan.files, is_external: &is_external });
        let refreshing = Refreshing { page, allow_broken: order.terms.allow_broken, ..self.refreshing(release) };
        Box::pin(self.refresh_owed(refreshing, pointer, &answers)).await.map(Next::Done)
    }

    /// Records what needs no activation: what was read of the distribution, that suspects were checked, and the floor of a
    /// rollback to the release that is already live.
    async fn record(&self, pointer: &Pointer, terms: &Terms) -> Result<Pointer, NotReplaced> {
        let claimed = match terms.rollback {
            Some(_) => self.state.releases().await.map_err(NotReplaced::Failed)?.highest(),
            None => None,
        };
        let now = self.caller.clock.now();
        let by = pointer.seen_by(&self.caller.run, now);
        let mut head =
            pointer.head.record_facts(&self.learnt(), by).clear_suspects(pointer.read_at).close_up_to(claimed);
        // An interrupted prune has removed nothing that is live. The releases it closed stay closed until a prune finishes.
        let dead = pointer.head.pruning.as_ref();
        let at_risk = self.removable_by_dead_prune(&pointer.head).await.map_err(NotReplaced::Failed)?;
        if dead.is_some()
            && let Ok(without) = head.let_go_of_prune(dead, &BTreeSet::new(), &at_risk, by)
        {
            head = without;
        }
        if head == pointer.head { Ok(pointer.clone()) } else { self.state.replace_head(pointer, head).await }
    }

    /// A newer release is active. That is not a failure if it has the same content and nothing else is to be done.
    fn overtaken(&self, head: &Head, release: ReleaseNumber, plan: &Plan) -> Result<Next, Problem> {
        let before = self.course.standing().previous_release;
        self.course.about(active_release(head), before);
        if head.is_settled_for(self.environment.distributions())
            && head.active.as_ref().is_some_and(|active| active.content == plan.content)
        {
            return Ok(Next::Done(Outcome::Unchanged));
        }
        self.course.visitors_see(VisitorsSee::SomeoneElses);
        Err(lost_to(head, release))
    }

    /// A repair reports file by file, so it needs no plan here.
    fn warn_of_lost(&self, terms: &Terms) {
        if let (Some(first), None) = (self.lost.first(), &terms.repair) {
            self.events.warn(format!(
                "The bytes of {} files of this release are lost, such as {first}: publish a folder that contains them.",
                self.lost.len()
            ));
        }
    }

    /// Copies what a plan says about a release into the report.
    pub(super) fn plans(&self, plan: &Plan) {
        self.course.compared(plan.counts);
        self.course.changes(plan.changed());
        let has_cdn = self.aws.cdn.is_some();
        let items = plan.invalidation.items();
        self.course.invalidates((has_cdn && !items.is_empty()).then(|| InvalidationReport {
            ids: Vec::new(),
            paths: items.texts().collect(),
            paths_paid: items.len(),
            price_usd: price_usd(items.len()),
            status: InvalidationStatus::Planned,
            completed: false,
            edge: None,
            evicted_unchanged: plan.invalidation.evicted_unchanged,
            evicted_bytes: plan.invalidation.evicted_bytes,
            because: plan.invalidation.because.as_ref().map(ToString::to_string),
        }));
    }
}

/// The warning about objects that should have been removed.
fn left_over<'p>(paths: impl ExactSizeIterator<Item = &'p SitePath>) -> String {
    let number = match paths.len() {
        1 => "1 file left the site and is still reachable".to_owned(),
        many => format!("{many} files left the site and are still reachable"),
    };
    format!(
        "{number}: {}. The credentials may not remove such objects (s3:DeleteObject), or something else has changed them. \
         Run `publish prune` with credentials that may remove them.",
        first_few(paths)
    )
}

fn again(carried: Carried, pointer: Pointer) -> Next {
    Next::Again(Box::new(carried), Box::new(pointer))
}

/// Why a run ends whose release was superseded by the one in `head`.
pub(super) fn lost_to(head: &Head, release: ReleaseNumber) -> Problem {
    let last = head.history.last();
    let who = last.map_or_else(|| "another publisher".to_owned(), |item| item.publisher.name());
    let message = match (&head.activation, active_release(head)) {
        (Some(one), _) => {
            format!("release {release} was overtaken: {} is activating release {}", one.publisher.name(), one.to)
        }
        (None, Some(active)) => format!("release {release} was overtaken: {who} activated release {active}"),
        (None, None) => format!("release {release} was overtaken by {who}"),
    };
    Problem::new(Code::Superseded, message)
        .hint("If your build is the newer one, publish again; an older one should not replace it.")
}

/// Unfinished work is finished by the same command, run again as soon as possible.
fn run_again(problem: Problem) -> Problem {
    let hint = if problem.code.lasts_until_changed() {
        "The activation cannot finish before that; then run the same command again."
    } else {
        "Run the same command again to finish the activation."
    };
    let hint = if problem.hint.is_empty() { hint.to_owned() } else { format!("{} {hint}", problem.hint) };
    problem.hint(hint)
}

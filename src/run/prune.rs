//! Removes what is no longer needed, and on request files that should never have been public.

use std::collections::BTreeSet;

use super::caller::{Ask, Caller};
use super::reported::reported;
use super::session::{MAX_ROUNDS, Session, active_release, never_settles};
use crate::bucket::live::as_activated;
use crate::bucket::state::Pointer;
use crate::config::environment::{Environment, InvalidationSettings, Wait};
use crate::content::path::SitePath;
use crate::plan::sweep::{PruneView, Victim};
use crate::plan::{Live, Plan, Policy};
use crate::release::head::{Head, Tagging};
use crate::release::manifest::{Entry, Files, Kept, Manifest, ReleaseNumber, content_digest};
use crate::report::error::{Code, Problem, VisitorsSee};
use crate::report::event::{Event, Events};
use crate::report::{Outcome, Report};
use crate::stages::prune::{Found, NotRemoved, Prune, Removed};
use crate::stages::refresh::Refreshing;
use crate::types::digest::Digest;
use crate::types::globs::PathGlobs;
use crate::types::headers::Kind;

/// The inputs of a prune.
#[derive(Clone, Debug)]
pub struct PruneRequest {
    /// The environment.
    pub environment: Environment,
    /// The caller.
    pub caller: Caller,
    /// Files to take out of every release at once, even the active one. Empty: remove what has outlived its retention.
    pub now: BTreeSet<SitePath>,
}

/// Who confirms the removal.
#[derive(Clone, Copy)]
pub(super) enum Consent<'a> {
    /// A person.
    Ask(Ask<'a>),
    /// No confirmation needed: publish.toml lets a publish prune the releases that have outlived their retention.
    Configured,
}

/// The result of one attempt to prune.
enum Next {
    /// The head changed before anything was removed: try again from this one. The earlier confirmation still applies.
    Again(Box<Pointer>, PruneView),
    /// Everything was removed, or there was nothing to remove.
    Done(Outcome, Option<PruneView>),
}

/// Removes what no retained release needs, or takes files out of every release. The view shows what is or was removed.
pub async fn prune(request: PruneRequest, ask: Ask<'_>, events: Events<'_>) -> (Report, Option<PruneView>) {
    let PruneRequest { environment, caller, now } = &request;
    let mut view = None;
    let report = reported("prune", environment, caller, events, async |session| {
        let pointer = session.state.read_head().await?;
        let (outcome, what_went) = session.prune(pointer, now, Consent::Ask(ask)).await?;
        view = what_went;
        Ok(outcome.into())
    })
    .await;
    (report, view)
}

impl Session<'_> {
    /// Prunes at the end of a completed publish: whatever happens here, even a request to stop, the release is live, so every
    /// failure is only a warning.
    pub(super) async fn prune_after_publish(&mut self) {
        self.course.settle();
        let stop = &self.caller.stop;
        let pruning = async {
            let pointer = self.state.read_head().await?;
            self.prune(pointer, &BTreeSet::new(), Consent::Configured).await
        };
        let pruned = stop.unless_due(Box::pin(pruning)).await.unwrap_or_else(|| {
            Err(Problem::new(Code::Interrupted, "stopped on request").hint("`publish prune` continues from there."))
        });
        if let Err(problem) = pruned {
            let hint = if problem.hint.is_empty() { String::new() } else { format!(" {}", problem.hint) };
            self.events.warn(format!("The release is live, but pruning did not finish: {}.{hint}", problem.message));
        }
    }

    /// Warns, before a rollback, of files that the release no longer has.
    pub(super) fn warn_of_withdrawn(&self, head: &Head, manifest: &Manifest) {
        let withdrawn = manifest.files.iter().filter(|(path, entry)| head.is_withdrawn(path, &entry.digest));
        for (path, _) in withdrawn {
            self.events.warn(format!(
                "Release {} contained {path}, which was removed from every release and is not restored.",
                manifest.release
            ));
        }
    }

    /// Prunes; without `now`, what has outlived its retention. The view shows what was removed; `None`: nothing to remove.
    pub(super) async fn prune(
        &mut self,
        mut pointer: Pointer,
        now: &BTreeSet<SitePath>,
        consent: Consent<'_>,
    ) -> Result<(Outcome, Option<PruneView>), Problem> {
        let mut agreed = None;
        for _ in 0..MAX_ROUNDS {
            match Box::pin(self.prune_from(pointer, now, consent, agreed)).await? {
                Next::Again(found, view) => (pointer, agreed) = (*found, Some(view)),
                Next::Done(outcome, view) => return Ok((outcome, view)),
            }
        }
        Err(never_settles())
    }

    /// Finds what is to be removed and removes it. Does not ask again for what was `agreed` to before.
    async fn prune_from(
        &mut self,
        pointer: Pointer,
        now: &BTreeSet<SitePath>,
        consent: Consent<'_>,
        agreed: Option<PruneView>,
    ) -> Result<Next, Problem> {
        self.course.begins();
        let pointer = self.when_free_to_write(pointer).await?;
        self.course.found(&pointer.head);
        let found = self.find(&pointer, now, consent).await?;
        if found.sweep.is_empty() {
            let pointer = self.nothing_to_prune(pointer, &found, now).await?;
            let outcome = match consent {
                Consent::Ask(_) => Box::pin(self.refresh_what_is_owed(pointer, found.active, now)).await?,
                Consent::Configured => Outcome::Unchanged,
            };
            return Ok(Next::Done(outcome, None));
        }
        let plan = self.plan_without(&pointer.head, &found).await?;
        let view = found.sweep.view(&self.pruning().objects_of(&found.sweep), &plan.invalidation.paths);
        if agreed.as_ref() != Some(&view) {
            self.say_what_goes(&found, &view);
            self.may_prune(&view, now, consent)?;
        }
        let active = active_release(&pointer.head);
        let content = (!now.is_empty()).then(|| self.content_without(&pointer.head, &found.active));
        match Box::pin(self.pruning().remove(pointer, found, &plan.covers(self.own()), content)).await {
            Ok(removed) => {
                Box::pin(self.after_a_removal(removed, plan, active, now)).await?;
                Ok(Next::Done(Outcome::Pruned, Some(view)))
            }
            Err(NotRemoved::Outdated(found)) => Ok(Next::Again(found, view)),
            Err(NotRemoved::TakenOver(found)) => {
                if active != active_release(&found.head) || found.head.activation.is_some() {
                    self.course.visitors_see(VisitorsSee::SomeoneElses);
                }
                Err(Problem::new(Code::Superseded, "another run took over from this prune")
                    .hint("`publish status` shows what is live; if something still has to be removed, prune again."))
            }
            Err(NotRemoved::Failed(problem)) => {
                let hint = "Run `publish prune` again; it continues from there.";
                Err(if problem.hint.is_empty() { problem.hint(hint) } else { problem })
            }
        }
    }

    /// Refreshes the removed paths, and warns of objects that could not be removed.
    async fn after_a_removal(
        &self,
        removed: Removed,
        plan: Plan,
        active: Option<ReleaseNumber>,
        now: &BTreeSet<SitePath>,
    ) -> Result<(), Problem> {
        let settings = self.refresh_settings(now);
        let refreshing = Refreshing { settings: &settings, ..self.refreshing(active) };
        // Objects that may not be removed, or are needed by now, still answer.
        let mut answers = plan.answers.clone();
        answers.retain(|_, answer| removed.gone.contains(&answer.path));
        Box::pin(self.refresh(refreshing, removed.pointer, &answers, Some(&plan))).await?;
        if let Some((problem, number)) = removed.refused {
            return Err(with_others(problem, number));
        }
        if !now.is_empty() {
            self.events.warn(
                "If the bucket has versioning, it still keeps old versions of what was removed: delete those too.",
            );
        }
        Ok(())
    }

    async fn find(&self, pointer: &Pointer, now: &BTreeSet<SitePath>, consent: Consent<'_>) -> Result<Found, Problem> {
        let prune = self.pruning();
        if !now.is_empty() {
            return prune.find_files(&pointer.head, now).await;
        }
        // Without a head nothing was ever activated, and there is no clock to read.
        let Some(time) = pointer.read_at else { return Ok(Found::default()) };
        let only_if_closing = matches!(consent, Consent::Configured);
        prune.find(&pointer.head, self.environment.retention, time, only_if_closing).await
    }

    /// The rest of an interrupted prune that has nothing left to remove.
    async fn nothing_to_prune(
        &self,
        pointer: Pointer,
        found: &Found,
        now: &BTreeSet<SitePath>,
    ) -> Result<Pointer, Problem> {
        // Files that were taken out before are as they should be.
        let mut unknown = now.iter().filter(|path| !pointer.head.withdrawn.contains_key(*path));
        if let Some(path) = unknown.next() {
            let others = if unknown.next().is_some() { " or any of the other files" } else { "" };
            let message = format!("no release contains {path}{others}, and the bucket has no such file of this site");
            return Err(Problem::new(Code::Usage, message)
                .hint("Give paths relative to the site's root, such as `docs/plan.pdf`."));
        }
        let (dead, finished) = (pointer.head.pruning.clone(), &found.sweep.closes);
        let by = pointer.seen_by(&self.caller.run, self.caller.clock.now());
        let at_risk = self.removable_by_dead_prune(&pointer.head).await?;
        let let_go = |head: &Head| {
            let without = head.let_go_of_prune(dead.as_ref(), finished, &at_risk, by).ok();
            without.filter(|without| without != head)
        };
        self.update_head(pointer, let_go).await
    }

    /// Does the refresh that an interrupted prune left pending. A pending refresh of an unfinished activation is left to
    /// the run that finishes that activation.
    async fn refresh_what_is_owed(
        &mut self,
        pointer: Pointer,
        active: Files,
        now: &BTreeSet<SitePath>,
    ) -> Result<Outcome, Problem> {
        let head = &pointer.head;
        let release = active_release(head);
        if head.refreshes_to_send().next().is_none() || head.activation.is_some() {
            return Ok(Outcome::Unchanged);
        }
        self.read_distributions(head).await?;
        let files = as_activated(active, &self.environment.layout, head);
        let answers = self.answers_owed(head, &files);
        let settings = self.refresh_settings(now);
        let refreshing = Refreshing { settings: &settings, ..self.refreshing(release) };
        Box::pin(self.refresh_owed(refreshing, pointer, &answers)).await
    }

    fn say_what_goes(&self, found: &Found, view: &PruneView) {
        self.events.send(Event::PrunePlanned {
            closes: view.closes.clone(),
            objects: found.sweep.objects(),
            bytes: view.bytes,
            paths: view.paths.len(),
        });
        if !found.also_at.is_empty() {
            let paths: Vec<&str> = found.also_at.iter().map(SitePath::as_str).collect();
            self.events.warn(format!("The same bytes are also at {}: remove those files too.", paths.join(", ")));
        }
    }

    fn may_prune(&self, view: &PruneView, now: &BTreeSet<SitePath>, consent: Consent<'_>) -> Result<(), Problem> {
        let Consent::Ask(ask) = consent else { return Ok(()) };
        if self.caller.yes {
            return Ok(());
        }
        let closed = number(view.closes.len(), "release");
        let objects = number(view.objects.len(), "object");
        let message = match now.first() {
            None => format!("{closed} and {objects} would be permanently removed"),
            Some(path) if now.len() == 1 => format!("{path} would be permanently removed from every release"),
            Some(path) => {
                format!("{path} and {} more files would be permanently removed from every release", now.len() - 1)
            }
        };
        self.confirmed(&format!("{message}. Continue?"), ask, || {
            Problem::new(Code::Usage, format!("confirmation needed: {message}")).hint("Add --yes to confirm.")
        })
    }

    /// The plan from the live files to the same without the removed ones: the addresses that change.
    async fn plan_without(&mut self, head: &Head, found: &Found) -> Result<Plan, Problem> {
        let seen = found.sweep.live.iter().filter(|(_, victim)| victim.kind == Kind::Mutable);
        let mut live = Live { release: active_release(head), files: found.active.clone(), ..Live::default() };
        for (path, victim) in seen.clone() {
            match entry_of(victim) {
                Some(entry) => drop(live.files.insert(path.clone(), entry)),
                None => drop(live.uncertain.insert(path.clone(), Vec::new())),
            }
        }
        if seen.count() > 0 {
            self.read_distributions(head).await?;
        } else {
            self.know(head);
        }
        let everything = PathGlobs::new("prune", &["**".to_owned()])?;
        let mut target = found.active.clone();
        target.retain(|path, _| !found.sweep.live.contains_key(path));
        // Removed files are named by their paths, and nothing is written.
        let policy = Policy { remove_now: &everything, tagging: Tagging::NONE, ..self.policy(false) };
        Ok(Plan::between(&live, target, policy))
    }

    /// What visitors get of the active release after files were taken out of it.
    fn content_without(&self, head: &Head, active: &Files) -> Digest {
        content_digest(&as_activated(active.clone(), &self.environment.layout, head))
    }

    /// The run waits until a file that should never have been public is gone, whatever the configuration says.
    fn refresh_settings(&self, now: &BTreeSet<SitePath>) -> InvalidationSettings {
        let mut settings = self.environment.invalidation.clone();
        if !now.is_empty() && settings.wait == Wait::None {
            settings.wait = Wait::Completed;
        }
        settings
    }

    fn pruning(&self) -> Prune<'_> {
        Prune {
            store: &self.aws.store,
            state: &self.state,
            layout: &self.environment.layout,
            run: &self.caller.run,
            publisher: &self.caller.publisher,
            clock: self.caller.clock,
            learnt: self.learnt(),
            lease: self.environment.lease,
            stop: &self.caller.stop,
            tally: self.tally,
            events: self.events,
        }
    }
}

/// A live object as the planner sees it; `None`: its bytes are unknown.
fn entry_of(victim: &Victim) -> Option<Entry> {
    Some(Entry {
        digest: victim.digest?,
        size_bytes: victim.size_bytes,
        headers: victim.headers.clone(),
        kind: victim.kind,
        kept: Kept::Blob,
        crc64: None,
        md5: None,
    })
}

/// `1 object`, `2 objects`.
fn number(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Why the first object stays, and how many stay.
fn with_others(problem: Problem, number: usize) -> Problem {
    let message = match number {
        1 => problem.message.clone(),
        _ => format!("{}, and so do {} more objects", problem.message, number - 1),
    };
    Problem { message, ..problem }
}

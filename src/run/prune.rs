//! Taking away what nobody needs any more, and at once what should never have been public.

use std::collections::BTreeSet;

use super::go_live::settle_refresh;
use super::session::Session;
use super::{Ask, Caller, active_release, reported, untouched};
use crate::bucket::live::as_activated;
use crate::bucket::state::Pointer;
use crate::config::environment::{Environment, InvalidationSettings, Wait};
use crate::content::path::SitePath;
use crate::plan::sweep::{PruneView, Victim};
use crate::plan::{Live, Plan, Policy};
use crate::release::head::Head;
use crate::release::manifest::{Entry, Files, Kept, Manifest, content_digest};
use crate::report::error::{Code, Failure, Problem, VisitorsSee};
use crate::report::event::{Event, Events};
use crate::report::{Outcome, Report};
use crate::stages::prune::{Found, NotRemoved, Prune};
use crate::stages::refresh::Refreshing;
use crate::types::digest::Digest;
use crate::types::globs::PathGlobs;
use crate::types::headers::Kind;

/// Everything that a prune starts from.
#[derive(Clone, Debug)]
pub struct PruneRequest {
    /// Where.
    pub environment: Environment,
    /// Who does it.
    pub caller: Caller,
    /// Files to take out of every release at once, also out of the active one. None: what has outlived its retention.
    pub now: BTreeSet<SitePath>,
}

/// Who is asked before anything goes.
#[derive(Clone, Copy)]
pub(super) enum Consent<'a> {
    /// A person.
    Ask(Ask<'a>),
    /// Nobody: publish.toml says that a publish prunes, as far as releases have outlived their retention.
    Configured,
}

/// Removes what no retained release needs, or takes files out of every release. The view is that of what goes, or went.
pub async fn prune(request: PruneRequest, ask: Ask<'_>, events: Events<'_>) -> (Report, Option<PruneView>) {
    let PruneRequest { environment, caller, now } = &request;
    let mut view = None;
    let report = reported("prune", environment, caller, events, async |session, report| {
        let pointer = session.state.read_head().await.map_err(untouched)?;
        view = session.prune(pointer, now, Consent::Ask(ask), report).await?;
        Ok(())
    })
    .await;
    (report, view)
}

impl Session<'_> {
    /// Prunes at the end of a publish that is done: whatever happens here, the release is live, and all that goes wrong
    /// is worth a warning.
    pub(super) async fn prune_after_publish(&mut self, report: &mut Report) {
        let done = match self.state.read_head().await {
            Ok(pointer) => {
                let mut own = Report::new(&report.command, &report.environment);
                let pruned = self.prune(pointer, &BTreeSet::new(), Consent::Configured, &mut own).await;
                pruned.map(drop)
            }
            Err(problem) => Err(untouched(problem)),
        };
        if let Err(failure) = done {
            let hint = if failure.hint.is_empty() { String::new() } else { format!(" {}", failure.hint) };
            self.events.warn(format!("The release is live, and was not pruned after: {}.{hint}", failure.message));
        }
    }

    /// Whoever goes back to a release is told what is not in it any more.
    pub(super) fn warn_of_withdrawn(&self, head: &Head, manifest: &Manifest) {
        let withdrawn = manifest.files.iter().filter(|(path, entry)| head.is_withdrawn(path, &entry.digest));
        for (path, _) in withdrawn {
            self.events.warn(format!(
                "Release {} held {path}, which was taken out of every release and does not come back.",
                manifest.release
            ));
        }
    }

    /// Prunes; without `now`, what has outlived its retention.
    pub(super) async fn prune(
        &mut self,
        mut pointer: Pointer,
        now: &BTreeSet<SitePath>,
        consent: Consent<'_>,
        report: &mut Report,
    ) -> Result<Option<PruneView>, Failure> {
        let mut agreed = None;
        loop {
            pointer = self.when_free(pointer).await.map_err(untouched)?;
            let active = active_release(&pointer.head);
            let as_before = |problem: Problem| problem.while_visitors_see(VisitorsSee::TheSame(active));
            (report.release, report.previous_release) = (active, active);
            let found = self.find(&pointer, now, consent).await.map_err(as_before)?;
            if found.sweep.is_empty() {
                let pointer = self.nothing_to_prune(pointer, now).await.map_err(as_before)?;
                if matches!(consent, Consent::Ask(_)) {
                    self.refresh_what_is_owed(pointer, found.active, now, report).await?;
                }
                return Ok(None);
            }
            let plan = self.plan_without(&pointer.head, &found).await.map_err(as_before)?;
            let view = found.sweep.view(&self.environment.layout, &plan.invalidation.paths);
            if agreed.as_ref() != Some(&view) {
                self.say_what_goes(&found, &view);
                self.may_prune(&view, now, consent).map_err(as_before)?;
            }
            let content = (!now.is_empty()).then(|| self.content_without(&pointer.head, &found.active));
            let evicted = plan.invalidation.evicted_unchanged;
            match self.pruning().remove(pointer, found, &plan.invalidation.paths, content).await {
                Ok(removed) => {
                    report.outcome = Outcome::Pruned;
                    let settings = self.refresh_settings(now);
                    let refreshing = Refreshing { settings: &settings, ..self.refreshing(active) };
                    // What may not be removed, or is needed by now, still answers.
                    let mut answers = plan.answers;
                    answers.retain(|_, answer| removed.gone.contains(&answer.path));
                    let refreshed = refreshing.refresh(removed.pointer, &answers).await;
                    settle_refresh(report, refreshed, evicted, active)?;
                    return match removed.refused {
                        None => {
                            if !now.is_empty() {
                                self.events.warn(
                                    "A bucket with versioning keeps the old versions of what was removed: remove those too.",
                                );
                            }
                            Ok(Some(view))
                        }
                        Some((problem, number)) => Err(as_before(not_allowed(problem, number))),
                    };
                }
                Err(NotRemoved::Outdated(found)) => {
                    pointer = *found;
                    agreed = Some(view);
                }
                Err(NotRemoved::Failed(problem)) => {
                    let hint = "Run `publish prune` again: it goes on from there.";
                    let problem = if problem.hint.is_empty() { problem.hint(hint) } else { problem };
                    return Err(as_before(problem));
                }
            }
        }
    }

    async fn find(&self, pointer: &Pointer, now: &BTreeSet<SitePath>, consent: Consent<'_>) -> Result<Found, Problem> {
        let prune = self.pruning();
        if !now.is_empty() {
            return prune.find_files(&pointer.head, now).await;
        }
        // Without a head nothing was ever activated, and nothing tells the time.
        let Some(time) = pointer.read_at else { return Ok(Found::default()) };
        let only_if_closing = matches!(consent, Consent::Configured);
        prune.find(&pointer.head, self.environment.retention, time, only_if_closing).await
    }

    /// What is left of a prune that was cut short, where nothing is left to remove.
    async fn nothing_to_prune(&self, pointer: Pointer, now: &BTreeSet<SitePath>) -> Result<Pointer, Problem> {
        // What was taken out before is as it should be.
        let mut unknown = now.iter().filter(|path| !pointer.head.withdrawn.contains_key(*path));
        if let Some(path) = unknown.next() {
            let others = if unknown.next().is_some() { ", nor any of the other files" } else { "" };
            let message = format!("no release holds {path}{others}, and nothing of this site is there");
            return Err(Problem::new(Code::Usage, message).hint("Paths are those within the site, as `docs/plan.pdf`."));
        }
        let cleared = |head: &Head| head.pruning.is_some().then(|| Head { pruning: None, ..head.clone() });
        self.update_head(pointer, cleared).await
    }

    /// Does the refresh that a prune which was cut short still owes. What an activation owes that is not finished is for
    /// whoever finishes it.
    async fn refresh_what_is_owed(
        &mut self,
        pointer: Pointer,
        active: Files,
        now: &BTreeSet<SitePath>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let head = &pointer.head;
        let release = active_release(head);
        if head.pending_refreshes.is_empty() || head.activation.is_some() {
            return Ok(());
        }
        self.read_distribution(head)
            .await
            .map_err(|problem| problem.while_visitors_see(VisitorsSee::TheSame(release)))?;
        let owed: Vec<_> = head.pending_refreshes.iter().flat_map(|refresh| refresh.paths.clone()).collect();
        let files = as_activated(active, &self.environment.layout, head);
        let answers = Plan::answers_owed(&files, &owed, self.policy(false));
        let settings = self.refresh_settings(now);
        let refreshing = Refreshing { settings: &settings, ..self.refreshing(release) };
        report.outcome = Outcome::Repaired;
        settle_refresh(report, refreshing.refresh(pointer, &answers).await, 0, release)
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
            self.events.warn(format!("The same bytes are also at {}: take those files out too.", paths.join(", ")));
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
            None => format!("{closed} would be closed and {objects} removed"),
            Some(path) if now.len() == 1 => format!("{path} would be taken out of every release"),
            Some(path) => format!("{path} and {} more files would be taken out of every release", now.len() - 1),
        };
        self.confirmed(&format!("{message}, for good. Go on?"), ask, || {
            Problem::new(Code::Usage, message.clone()).hint("Where nobody can be asked, use --yes.")
        })
    }

    /// The plan from what is live to the same without what goes: which addresses change.
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
            self.read_distribution(head).await?;
        }
        let everything = PathGlobs::new("prune", &["**".to_owned()])?;
        let mut target = found.active.clone();
        target.retain(|path, _| !found.sweep.live.contains_key(path));
        Ok(Plan::between(&live, target, Policy { remove_now: &everything, ..self.policy(false) }))
    }

    /// What visitors get of the active release when files were taken out of it.
    fn content_without(&self, head: &Head, active: &Files) -> Digest {
        content_digest(&as_activated(active.clone(), &self.environment.layout, head))
    }

    /// What should never have been public is waited for, whatever the configuration says.
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
            distribution: self.environment.distribution.as_deref(),
            lease: self.environment.lease,
            stop: &self.caller.stop,
            tally: &self.tally,
            events: self.events,
        }
    }
}

/// A live object as the planner sees it; `None`: nothing is known of its bytes.
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

fn not_allowed(problem: Problem, number: usize) -> Problem {
    let message = match number {
        1 => problem.message.clone(),
        _ => format!("{}, and {} more objects may not be removed either", problem.message, number - 1),
    };
    Problem { message, ..problem }
}

//! Checks whether the bucket matches the active release, and repairs it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::caller::{Ask, Caller};
use super::goal::Goal;
use super::order::{Order, Terms};
use super::reported::{Ended, reported};
use super::session::{MAX_ROUNDS, Session, active_release, never_settles};
use crate::bucket::live;
use crate::bucket::state::Pointer;
use crate::config::environment::{Environment, Wait};
use crate::content::path::SitePath;
use crate::plan::Live;
use crate::release::counts::FileCounts;
use crate::release::head::{Head, Suspects};
use crate::release::manifest::{Manifest, ReleaseNumber};
use crate::report::error::{Code, ExitCode, Problem, VisitorsSee};
use crate::report::event::Events;
use crate::report::{Outcome, Report};
use crate::stages::audit::{Audit, Examination, Finding, FindingKind, Kept, Lost};
use crate::stages::verify::{Mismatch, Page, PageForScript, Visitor};
use crate::types::headers::Kind;

/// Manifests read at once: each may be large.
const MANIFESTS_AT_ONCE: usize = 4;

/// The inputs of a check.
#[derive(Clone, Debug)]
pub struct VerifyRequest {
    /// The environment.
    pub environment: Environment,
    /// The caller.
    pub caller: Caller,
    /// Whether to check the checksum, headers and marker of each object, and whether every release can be restored.
    pub deep: bool,
    /// Whether to repair differences, as far as the bucket has the bytes.
    pub repair: bool,
}

/// The findings, and what they mean for a repair.
struct Audited {
    live: Live,
    findings: Vec<Finding>,
    lost: Vec<Lost>,
}

/// Compares the bucket with the active release, and reports differences. Exit code 0: there are none, or all were repaired;
/// 6: there are some.
///
/// Costs a listing of the live prefix, and, if it holds objects that the active release does not name, as many requests as
/// there are other releases. If the site's address is known, it fetches the entry page, what that loads, and a script that no
/// release has. An object whose ETag does not prove that it is unchanged costs a HEAD. A deep check costs a
/// HEAD for each file, and a listing of the blobs.
pub async fn verify(request: VerifyRequest, ask: Ask<'_>, events: Events<'_>) -> (Report, Vec<Finding>) {
    let VerifyRequest { environment, caller, deep, repair } = &request;
    let mut findings = Vec::new();
    let report = reported("verify", environment, caller, events, async |session| {
        let (pointer, mut audited) = session.audit_undisturbed(*deep).await?;
        session.say_what_is_closed(&pointer.head);
        let outcome = if *repair && (pointer.head.activation.is_none() || pointer.head.is_being_repaired()) {
            Box::pin(session.put_right(&pointer, &mut audited, ask)).await?
        } else {
            Outcome::Verified
        };
        let answers = session.open_site(&audited, &pointer.head).await?;
        findings = std::mem::take(&mut audited.findings);
        findings.extend(answers);
        findings.extend(audited.lost.into_iter().map(|lost| lost.finding));
        findings.sort_by(|one, other| (one.what, &one.path).cmp(&(other.what, &other.path)));
        let differs = findings.iter().any(|finding| !finding.repaired);
        let exit_code = if differs { ExitCode::Differences } else { ExitCode::Done };
        Ok(Ended { exit_code, ..Ended::from(outcome) })
    })
    .await;
    (report, findings)
}

impl Session<'_> {
    /// Checks the bucket while no other run changes what visitors see: a difference caused by another run is not a
    /// finding.
    async fn audit_undisturbed(&self, deep: bool) -> Result<(Pointer, Audited), Problem> {
        let mut pointer = self.state.read_head().await?;
        for _ in 0..MAX_ROUNDS {
            pointer = self.when_free(pointer).await?;
            let active = active_release(&pointer.head);
            self.course.about(active, active);
            let audited = self.audit(&pointer.head, deep).await?;
            if !audited.findings.is_empty() || !audited.lost.is_empty() {
                let found = self.state.read_head().await?;
                if found.head.revision != pointer.head.revision {
                    pointer = found;
                    continue;
                }
            }
            self.course.compared(counts(&audited, &pointer.head));
            self.say_what_is_unfinished(&pointer.head);
            return Ok((pointer, audited));
        }
        Err(never_settles())
    }

    /// Opens the site's entry page as a browser would, if its address is known, visitors need no password
    /// ([`Wait::Effect`]), and no switch is in progress. Skips files that the bucket does not have: those findings are
    /// reported already.
    async fn open_site(&self, audited: &Audited, head: &Head) -> Result<Vec<Finding>, Problem> {
        let (Some(url), Some(release), None) = (&self.environment.url, active_release(head), &head.activation) else {
            return Ok(Vec::new());
        };
        if self.environment.invalidation.wait != Wait::Effect {
            return Ok(Vec::new());
        }
        let damage = audited.findings.iter().filter(|finding| finding.is_damage() && !finding.repaired);
        let damaged: BTreeSet<&str> = damage.map(|finding| finding.path.as_str()).collect();
        let is_external = self.external()?;
        let is_external = |path: &SitePath| damaged.contains(path.as_str()) || is_external(path);
        let query = format!("publish={}", self.caller.run);
        let visitor = Visitor { fetcher: &self.aws.fetcher, url, query };
        let page = Page { files: &audited.live.files, is_external: &is_external };
        let (blank, for_script) = tokio::join!(visitor.open_entry_page(page), visitor.page_for_a_missing_script(page));
        let wrong = blank.map(|blank| blank.wrong).unwrap_or_default();
        let told = |mismatch: Mismatch| match visitor.is_missing(&mismatch.url, &audited.live.files) {
            true => not_published(mismatch, release),
            false => answer(mismatch, release),
        };
        let mut findings: Vec<Finding> = wrong.into_iter().map(told).collect();
        match for_script {
            Some(found) if self.environment.publish.strict => findings.push(page_for_script(&found, release)),
            Some(found) => self.events.warn(found.problem().in_one_line()),
            None => {}
        }
        Ok(findings)
    }

    fn say_what_is_unfinished(&self, head: &Head) {
        if head.is_being_repaired() {
            self.events.warn("A repair was interrupted: `publish verify --repair` finishes it.");
        } else if let Some(activation) = &head.activation {
            self.events.warn(format!(
                "The activation of release {} was interrupted: only what it does not change was compared, and nothing is \
                 repaired. Publish again, or go back, and then verify.",
                activation.to
            ));
        } else if head.active.is_none() {
            self.events.warn("Nothing is published here yet: there is nothing to compare with.");
        }
    }

    async fn audit(&self, head: &Head, deep: bool) -> Result<Audited, Problem> {
        let (layout, store) = (&self.environment.layout, &self.aws.store);
        let live = live::read(&self.state, layout, head, None).await?;
        if head.active.is_none() {
            return Ok(Audited { live, findings: Vec::new(), lost: Vec::new() });
        }
        let examination = Examination { store, layout };
        let listed = examination.objects().list().await?;
        let mut audit = Audit::compare(layout, &live, head, &listed);
        let expected = Audit::expected(&live, head);
        let mut findings = if deep {
            examination.live_objects(&expected, live.release).await?
        } else {
            let undecided = expected.into_iter().filter(|(path, _)| audit.undecided.contains(*path)).collect();
            let mut findings = std::mem::take(&mut audit.findings);
            findings.extend(examination.live_objects(&undecided, live.release).await?);
            findings
        };
        let mut lost = Vec::new();
        if deep || !audit.unnamed.is_empty() {
            let mut kept = Kept::default();
            let mut unreadable = false;
            let releases = self.state.releases().await?.complete;
            let mut manifests =
                stream::iter(releases).map(|release| self.names_of(release)).buffered(MANIFESTS_AT_ONCE);
            while let Some((release, names)) = manifests.next().await {
                match names? {
                    Names::Complete(manifest) => {
                        audit.account_for(manifest.files.keys());
                        if deep && !head.is_closed(release) {
                            kept.add(release, head.without_withdrawn(manifest.files));
                        }
                    }
                    Names::Claimed(paths) => audit.account_for(paths.iter()),
                    Names::Unreadable(problem) => {
                        unreadable = true;
                        if !head.is_closed(release) {
                            findings.push(self.unreadable(release, &problem));
                        }
                    }
                }
            }
            if unreadable {
                self.leave_out_marked(&examination, &mut audit).await?;
            }
            findings.extend(audit.foreign());
            if deep {
                let blobs = store.list(&layout.blobs()).await.map_err(Problem::from)?;
                lost = kept.lost(&examination, &listed, &blobs).await?;
                leave_out_damaged(&mut lost, &findings, live.release);
            }
        }
        Ok(Audited { live, findings, lost })
    }

    /// The live paths that a release names. If it is not found, it was pruned meanwhile, which changes the head.
    async fn names_of(&self, (release, complete): (ReleaseNumber, bool)) -> (ReleaseNumber, Result<Names, Problem>) {
        let names = async {
            if !complete {
                let claim = self.state.show_claim(release).await?;
                return Ok::<_, Problem>(Names::Claimed(claim.map(|claim| claim.live).unwrap_or_default()));
            }
            let manifest = self.state.show_manifest(release).await?;
            Ok(manifest.map_or(Names::Claimed(Vec::new()), |manifest| Names::Complete(Box::new(manifest))))
        };
        let names = match names.await {
            Err(problem) if problem.code == Code::BadState => Ok(Names::Unreadable(problem)),
            names => names,
        };
        (release, names)
    }

    fn unreadable(&self, release: ReleaseNumber, problem: &Problem) -> Finding {
        Finding {
            path: self.environment.layout.manifest(release).key,
            what: FindingKind::Lost,
            expected: Some(format!("the listing of release {release}")),
            found: Some(problem.message.clone()),
            releases: vec![release],
            repaired: false,
        }
    }

    /// If some releases cannot be read, an object with our marker may belong to one of them.
    async fn leave_out_marked(&self, examination: &Examination<'_>, audit: &mut Audit) -> Result<(), Problem> {
        let paths: Vec<SitePath> = audit.unnamed.keys().filter_map(|name| SitePath::new(name.clone()).ok()).collect();
        for path in paths {
            let info = examination.objects().head(&path).await.map_err(Problem::from)?;
            if info.is_none_or(|info| examination.is_marked(&info)) {
                audit.account_for([&path].into_iter());
            }
        }
        Ok(())
    }

    /// Makes the active release live again if it is not, stores live bytes that are not stored yet, and marks what cannot be
    /// restored from the bucket, so that the next publish checks it.
    async fn put_right(&mut self, pointer: &Pointer, audited: &mut Audited, ask: Ask<'_>) -> Result<Outcome, Problem> {
        let Some(release) = active_release(&pointer.head) else { return Ok(Outcome::Verified) };
        self.course.found(&pointer.head);
        self.state.may_write(pointer)?;
        let damaged: BTreeSet<SitePath> = audited
            .findings
            .iter()
            .filter(|finding| finding.is_damage())
            .filter_map(|finding| SitePath::new(finding.path.clone()).ok())
            .collect();
        let kept = self.keep_what_is_live(audited, &damaged).await?;
        // An interrupted repair is finished even if nothing is damaged any more: a refresh may be pending.
        let mut finished = false;
        if !damaged.is_empty() || !pointer.head.is_settled() {
            let manifest = live::complete(&self.state, release).await?;
            let terms = Terms {
                force: true,
                repair: Some(damaged),
                reason: Some("repaired by verify".to_owned()),
                ..Terms::default()
            };
            let order = Order { goal: Goal::Release(manifest), terms };
            finished = Box::pin(self.go_live(pointer.clone(), &order, ask)).await? == Outcome::Repaired;
            self.course.visitors_see(VisitorsSee::TheSame(Some(release)));
            for finding in audited.findings.iter_mut().filter(|finding| finding.is_damage()) {
                finding.repaired = !self.lost.iter().any(|path| path.as_str() == finding.path);
            }
            self.let_publish_look(release).await?;
        }
        let any = audited.findings.iter().any(|finding| finding.repaired) || kept > 0;
        Ok(if any || finished { Outcome::Repaired } else { Outcome::Verified })
    }

    /// Stores bytes that a release names and only a live object has. Returns how many.
    async fn keep_what_is_live(&self, audited: &mut Audited, damaged: &BTreeSet<SitePath>) -> Result<usize, Problem> {
        let examination = Examination { store: &self.aws.store, layout: &self.environment.layout };
        let mut kept = 0;
        for Lost { finding, entry } in &mut audited.lost {
            let mut undamaged = audited.live.files.iter().filter(|(path, _)| !damaged.contains(*path));
            let Some((path, _)) = undamaged.find(|(_, present)| present.same_bytes(entry)) else { continue };
            self.state.prove().await?;
            finding.repaired = examination.keep(path, entry).await?;
            if finding.repaired {
                self.tally.copied();
                kept += 1;
            }
        }
        Ok(kept)
    }

    /// A publish of an unchanged folder reads only the head: there it learns that it has to upload something.
    async fn let_publish_look(&self, release: ReleaseNumber) -> Result<(), Problem> {
        if self.lost.is_empty() {
            return Ok(());
        }
        let pointer = self.state.read_head().await?;
        let until = pointer.read_at.unwrap_or_else(|| self.caller.clock.now());
        let suspects = Suspects::new(self.caller.run.clone(), until, self.lost.clone());
        let noted = |head: &Head| {
            let active = active_release(head) == Some(release);
            let known = head.suspects.iter().any(|known| known.run == suspects.run);
            (active && !known).then(|| head.add_suspects(suspects.clone()))
        };
        self.update_head(pointer, noted).await?;
        Ok(())
    }
}

/// What the entry page loads and the release does not have. A publish makes such a release only with `--allow-broken`.
fn not_published(mismatch: Mismatch, release: ReleaseNumber) -> Finding {
    Finding {
        path: mismatch.url,
        what: FindingKind::NotPublished,
        expected: Some("a script or style sheet that the entry page loads".to_owned()),
        found: None,
        releases: vec![release],
        repaired: false,
    }
}

/// What the site's address answers instead of a file of the release.
fn answer(mismatch: Mismatch, release: ReleaseNumber) -> Finding {
    let found = mismatch.instead.sentence("").trim_start().to_owned();
    Finding {
        found: Some(format!("{found}. {}", mismatch.instead.next_step())),
        path: mismatch.url,
        what: FindingKind::Answer,
        expected: Some(format!("the file of release {release}")),
        releases: vec![release],
        repaired: false,
    }
}

/// The finding that the site's address answers with a page for a script that does not exist.
fn page_for_script(found: &PageForScript, release: ReleaseNumber) -> Finding {
    Finding {
        path: found.url.clone(),
        what: FindingKind::Answer,
        expected: Some("403 or 404: no release has such a file".to_owned()),
        found: Some(found.problem().in_one_line()),
        releases: vec![release],
        repaired: false,
    }
}

/// What explains the presence of live objects.
enum Names {
    Complete(Box<Manifest>),
    Claimed(Vec<SitePath>),
    Unreadable(Problem),
}

fn counts(audited: &Audited, head: &Head) -> FileCounts {
    let expected: BTreeMap<_, _> = Audit::expected(&audited.live, head);
    let damaged = audited.findings.iter().filter(|finding| finding.is_damage()).count();
    FileCounts {
        total: expected.len(),
        fingerprinted: expected.values().filter(|entry| entry.kind == Kind::Fingerprinted).count(),
        unchanged: expected.len() - damaged,
        ..FileCounts::default()
    }
}

/// A missing or changed live object is reported once: for the active release as damage, for others as a loss.
fn leave_out_damaged(lost: &mut Vec<Lost>, findings: &[Finding], active: Option<ReleaseNumber>) {
    let damaged: BTreeSet<&str> =
        findings.iter().filter(|finding| finding.is_damage()).map(|finding| finding.path.as_str()).collect();
    for Lost { finding, .. } in lost.iter_mut().filter(|lost| damaged.contains(lost.finding.path.as_str())) {
        finding.releases.retain(|release| Some(*release) != active);
    }
    lost.retain(|lost| !lost.finding.releases.is_empty());
}

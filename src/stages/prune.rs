//! Pruning: finds what is no longer needed, and removes it under a lease.

mod find;

use std::collections::{BTreeMap, BTreeSet};

use crate::bucket::aws::{Class, Condition, MAX_DELETED_AT_ONCE, Store, StoreError};
use crate::bucket::lease::{Ended, Lease};
use crate::bucket::live::LiveObjects;
use crate::bucket::state::{NotReplaced, Pointer, Releases, State};
use crate::config::environment::LeaseSettings;
use crate::content::path::SitePath;
use crate::plan::sweep::{Needed, Sweep, Victim};
use crate::release::head::{Covers, Head, Learnt, PruneBegins, PruneEnds, Refusal, SIGNATURES_LAST, Suspects};
use crate::release::layout::{Address, Layout, SeenObject};
use crate::release::manifest::{Files, Publisher, RunId};
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::report::tally::Tally;
use crate::types::clock::Clock;
use crate::types::digest::Digest;
use crate::types::stop::Stop;
use find::Record;

/// The inputs of a prune.
pub struct Prune<'a> {
    /// Removes objects.
    pub store: &'a Store,
    /// Reads and writes the head.
    pub state: &'a State,
    /// The keys of all objects.
    pub layout: &'a Layout,
    /// The run that prunes.
    pub run: &'a RunId,
    /// The person or pipeline that runs it.
    pub publisher: &'a Publisher,
    /// The time for records that people read.
    pub clock: Clock,
    /// The settings that were read of the environment's distributions.
    pub learnt: Vec<Learnt<'a>>,
    /// How long this run holds the lease.
    pub lease: LeaseSettings,
    /// The signal to stop.
    pub stop: &'a Stop,
    /// Counts copies and removals.
    pub tally: &'a Tally,
    /// Receives events.
    pub events: Events<'a>,
}

/// What to remove, and the state it was found in.
#[derive(Debug, Default)]
pub struct Found {
    /// What to remove.
    pub sweep: Sweep,
    /// The files of the active release.
    pub active: Files,
    /// Another key with the same bytes as a file that is taken out, in a release.
    pub also_at: BTreeSet<SitePath>,
    /// The releases at that time, and which of them were complete.
    pub releases: Releases,
}

/// The result of a prune.
#[derive(Debug)]
pub struct Removed {
    /// The head that records it, with its pending refresh.
    pub pointer: Pointer,
    /// The files whose live objects were removed.
    pub gone: BTreeSet<SitePath>,
    /// What stays, and why: the first of them, and their number.
    pub refused: Option<(Problem, usize)>,
}

/// Why nothing, or only a part, was removed.
#[derive(Debug)]
pub enum NotRemoved {
    /// The head changed before anything was removed: plan again from this one.
    Outdated(Box<Pointer>),
    /// Another run has taken over.
    TakenOver(Box<Pointer>),
    /// It failed before or during the removal.
    Failed(Problem),
}

impl From<Ended> for NotRemoved {
    fn from(ended: Ended) -> NotRemoved {
        match ended {
            Ended::TakenOver(found) => NotRemoved::TakenOver(found),
            Ended::Failed(problem) => NotRemoved::Failed(problem),
        }
    }
}

impl Prune<'_> {
    /// Removes what `found` holds. `paths` are refreshed at the CDN; `content` is the new content of the active release if
    /// files are taken out of it.
    pub async fn remove(
        &self,
        pointer: Pointer,
        found: Found,
        covers: &Covers<'_>,
        content: Option<Digest>,
    ) -> Result<Removed, NotRemoved> {
        let Found { mut sweep, releases, .. } = found;
        let is_ours = |head: &Head| head.pruning.as_ref().is_some_and(|pruning| pruning.owner == *self.run);
        // From here on the run handles a request to stop itself: it returns its lease.
        let _winding_down = self.stop.wind_down().await;
        // Another run that is working is waited for.
        let Ok(next) = self.beginning(&pointer, &sweep, covers, content) else {
            return Err(NotRemoved::Outdated(Box::new(pointer)));
        };
        let mut lease = match Lease::begin(self.state, self.lease, &pointer, next, &is_ours).await {
            Ok(lease) => lease,
            Err(NotReplaced::Lost(found)) => return Err(NotRemoved::Outdated(found)),
            Err(NotReplaced::Failed(problem)) => return Err(NotRemoved::Failed(problem)),
        };
        let store = self.store.until(lease.term());
        let bounded = Prune { store: &store, learnt: self.learnt.clone(), ..*self };
        match Box::pin(bounded.remove_all(&mut lease, &mut sweep, &releases)).await {
            Ok(None) => {
                lease.release(|head| head.give_up_prune(self.run, None)).await?;
                Err(NotRemoved::Outdated(Box::new(lease.pointer)))
            }
            Ok(Some((deleted, gone, refused))) => {
                self.events.send(Event::Pruned { objects: deleted });
                Ok(Removed { pointer: lease.pointer, gone, refused })
            }
            Err(Ended::Failed(problem)) => {
                let given_back = match problem.code {
                    Code::LeaseLost => lease.look().await,
                    _ => {
                        let under_way = self.under_way(&lease, &sweep, &problem);
                        lease.release(|head| head.give_up_prune(self.run, under_way.as_ref())).await
                    }
                };
                // The prune has failed already; a second failure here does not change its report.
                match given_back {
                    Err(Ended::TakenOver(found)) => Err(NotRemoved::TakenOver(found)),
                    Ok(()) | Err(Ended::Failed(_)) => Err(NotRemoved::Failed(problem)),
                }
            }
            Err(ended) => Err(ended.into()),
        }
    }

    /// What may still be removed although this run gives up: removals without an answer, or whose answers were lost in a panic.
    fn under_way(&self, lease: &Lease<'_>, sweep: &Sweep, problem: &Problem) -> Option<Suspects> {
        if !matches!(problem.code, Code::Unreachable | Code::Internal) {
            return None;
        }
        let paths: BTreeSet<SitePath> = sweep.live.keys().chain(&sweep.gone).cloned().collect();
        // S3's clock was read after this run began: this time is not too early.
        let now = lease.pointer.read_at.map_or(self.clock.now(), |read_at| read_at.plus(self.clock.elapsed()));
        (!paths.is_empty()).then(|| Suspects::new(self.run.clone(), now.plus(SIGNATURES_LAST), paths))
    }

    /// Whether a release was staged or claimed after this prune determined which files are needed: a run that only stages
    /// need not write the head. From now on such a run sees this prune.
    async fn is_another_release_there(&self, lease: &mut Lease<'_>, before: &Releases) -> Result<bool, Ended> {
        let now = Box::pin(lease.during(self.state.releases())).await?;
        Ok(now.complete != before.complete)
    }

    /// Removes everything; `None` if there is another release by now that has to be read first.
    async fn remove_all(
        &self,
        lease: &mut Lease<'_>,
        sweep: &mut Sweep,
        before: &Releases,
    ) -> Result<Option<(usize, BTreeSet<SitePath>, Option<(Problem, usize)>)>, Ended> {
        if !sweep.withdraws.is_empty() && Box::pin(self.is_another_release_there(lease, before)).await? {
            return Ok(None);
        }
        let objects = sweep.objects();
        lease
            .during(async {
                self.events.send(Event::PruneStarted { objects });
                Ok(())
            })
            .await?;
        // A run that stages reads the head at its end. It sees this prune, or its claim was there by now.
        if sweep.withdraws.is_empty() {
            let head = lease.pointer.head.clone();
            let needed = Box::pin(lease.during(self.claimed_since(&head, before))).await?;
            sweep.spare(&needed);
        }
        Box::pin(lease.during(self.preserve(sweep))).await?;
        let objects = self.objects_of(sweep);
        let mut refused: BTreeMap<Address, Problem> = BTreeMap::new();
        let (mut deleted, mut records) = (0, 0);
        for batch in objects.chunks(MAX_DELETED_AT_ONCE) {
            let kept = Box::pin(lease.during(self.remove_objects(batch, &mut deleted))).await?;
            let none_may_go = kept.len() == batch.len() && !kept.iter().any(|(_, problem)| has_changed(problem));
            refused.extend(kept);
            if none_may_go {
                break;
            }
        }
        if refused.is_empty() {
            for batch in sweep.records.chunks(MAX_DELETED_AT_ONCE) {
                let kept = Box::pin(lease.during(self.remove_records(batch))).await?;
                records += batch.len() - kept.len();
                refused.extend(kept);
            }
        }
        let gone: BTreeSet<SitePath> = match refused.is_empty() {
            true => sweep.live.keys().chain(&sweep.gone).cloned().collect(),
            false => self.gone(sweep, deleted, &refused),
        };
        let none = BTreeSet::new();
        let (finished, incomplete) = match (refused.is_empty(), deleted + records) {
            (true, _) => (&sweep.closes, &none),
            // These objects are unchanged.
            (false, 0) => (&none, &none),
            (false, _) => (&none, &sweep.closes),
        };
        lease.replace(|head| head.end_prune(self.run, PruneEnds { gone: &gone, finished, incomplete })).await?;
        let number = refused.len();
        Ok(Some((deleted, gone, refused.into_values().next().map(|problem| (problem, number)))))
    }

    /// The objects to remove: live ones first, then blobs.
    pub fn objects_of(&self, sweep: &Sweep) -> Vec<SeenObject> {
        let objects = self.live_objects();
        let live = sweep.live.iter().map(|(path, victim)| SeenObject::new(objects.address(path), &victim.etag));
        let blobs = sweep.blobs.iter().map(|(digest, blob)| SeenObject::new(self.layout.blob(digest), &blob.etag));
        live.chain(blobs).collect()
    }

    fn live_objects(&self) -> LiveObjects<'_> {
        LiveObjects::new(self.store, self.layout)
    }

    /// The live objects that were removed; others may have been refused.
    fn gone(&self, sweep: &Sweep, deleted: usize, refused: &BTreeMap<Address, Problem>) -> BTreeSet<SitePath> {
        let tried = deleted + refused.len();
        let live =
            sweep.live.keys().take(tried).filter(|path| !refused.contains_key(&self.live_objects().address(path)));
        live.chain(&sweep.gone).cloned().collect()
    }

    /// Removes and counts live objects and blobs. Returns those that stay, and why.
    async fn remove_objects(
        &self,
        batch: &[SeenObject],
        deleted: &mut usize,
    ) -> Result<Vec<(Address, Problem)>, Problem> {
        let kept = self.remove_batch(batch).await?;
        self.tally.deleted(batch.len() - kept.len());
        *deleted += batch.len() - kept.len();
        self.events.send(Event::PruneAdvanced { objects: *deleted });
        that_stay(kept)
    }

    /// Removes records of the state, which no report counts. Returns those that stay, and why.
    async fn remove_records(&self, batch: &[SeenObject]) -> Result<Vec<(Address, Problem)>, Problem> {
        that_stay(self.remove_batch(batch).await?)
    }

    /// Removes as many as one request can, and returns what is still there. Checks for a request to stop before each.
    async fn remove_batch(&self, batch: &[SeenObject]) -> Result<Vec<(Address, StoreError)>, Problem> {
        if self.stop.is_requested() {
            return Err(Problem::new(Code::Interrupted, "stopped on request"));
        }
        self.store.delete(batch).await.map_err(Problem::from)
    }

    /// The bytes of releases that were claimed, or became complete, since this prune was planned.
    async fn claimed_since(&self, head: &Head, before: &Releases) -> Result<Needed, Problem> {
        let mut needed = Needed::default();
        for (release, complete) in self.state.releases().await?.complete {
            if before.complete.get(&release) == Some(&complete) {
                continue;
            }
            match self.record(release, complete).await? {
                Record::Release(manifest) => needed.by_release(&head.without_withdrawn(manifest.files)),
                Record::Claim(claim) => needed.by_claim(&claim),
                Record::Gone => {}
            }
        }
        Ok(needed)
    }

    /// Copies live bytes that are about to be removed, and that a retained release needs, to the blob store.
    async fn preserve(&self, sweep: &Sweep) -> Result<(), Problem> {
        for path in &sweep.preserves {
            let Some(Victim { digest: Some(digest), etag, .. }) = sweep.live.get(path) else { continue };
            match self.live_objects().keep(path, etag, digest, Condition::Absent).await {
                Ok(_) => self.tally.copied(),
                // It was read a moment ago: another run has put the same bytes there since.
                Err(error) if matches!(error.class, Class::Precondition | Class::Conflict) => {
                    if self.store.head(&self.layout.blob(digest)).await.map_err(Problem::from)?.is_none() {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The head that records "pruning", and already the paths to refresh at the CDN.
    fn beginning(
        &self,
        pointer: &Pointer,
        sweep: &Sweep,
        covers: &Covers<'_>,
        content: Option<Digest>,
    ) -> Result<Head, Refusal> {
        pointer.head.begin_prune(PruneBegins {
            by: pointer.seen_by(self.run, self.clock.now()),
            publisher: self.publisher,
            lease_s: self.lease.lasts.as_secs(),
            closes: &sweep.closes,
            at_risk: &sweep.live.keys().chain(&sweep.gone).cloned().collect(),
            withdraws: &sweep.withdraws,
            content,
            learnt: &self.learnt,
            covers,
        })
    }
}

/// Objects that may not be removed, and objects that were replaced. Any other object that is still there is a failure.
fn that_stay(mut kept: Vec<(Address, StoreError)>) -> Result<Vec<(Address, Problem)>, Problem> {
    let may_stay = |error: &StoreError| error.is_refused_for_good() || error.class == Class::Precondition;
    if let Some(other) = kept.iter().position(|(_, error)| !may_stay(error)) {
        return Err(kept.swap_remove(other).1.into());
    }
    Ok(kept.into_iter().map(|(address, error)| (address, why_it_stays(error))).collect())
}

fn why_it_stays(error: StoreError) -> Problem {
    if error.class != Class::Precondition {
        return error.into();
    }
    let message = format!("{} changed after this prune had checked it, and was kept", error.address);
    Problem::new(Code::FileChanged, message).hint("Run `publish prune` again to check it again.").source(error)
}

fn has_changed(problem: &Problem) -> bool {
    problem.code == Code::FileChanged
}

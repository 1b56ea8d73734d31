//! Activation: makes a staged release the one that visitors get, in an order that never breaks a page.

mod in_place;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::bucket::aws::{Class, Condition, MOST_AT_ONCE, Store};
use crate::bucket::lease::{Ended, Lease};
use crate::bucket::live::{LiveObjects, has_bytes};
use crate::bucket::state::{NotReplaced, Pointer, State};
use crate::config::environment::LeaseSettings;
use crate::content::path::SitePath;
use crate::plan::{Action, Live, Plan, Preserve};
use crate::release::head::{ActivationBegins, ActivationEnds, Head, Learnt, Refusal, SIGNATURES_LAST, Suspects};
use crate::release::layout::{Address, Layout};
use crate::release::manifest::{Publisher, ReleaseNumber, RunId};
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::report::tally::Tally;
use crate::stages::stage::{Source, Staged};
use crate::types::clock::{Clock, Timestamp};
use crate::types::stop::Stop;

use in_place::{InPlace, Left, is_refused};

/// How to treat a release whose number a prune closed.
pub(crate) const CLOSED: &str =
    "Choose another release: `publish releases` lists them. `publish prune` finishes the prune.";

/// The inputs of an activation.
pub struct Activating<'a> {
    /// Writes live objects.
    pub store: &'a Store,
    /// Reads and writes the head.
    pub state: &'a State,
    /// The keys of all objects.
    pub layout: &'a Layout,
    /// The files on disk, for a first publish.
    pub source: Source<'a>,
    /// The run that activates.
    pub run: &'a RunId,
    /// The person or pipeline that runs it.
    pub publisher: &'a Publisher,
    /// The time for records that people read.
    pub clock: Clock,
    /// The distribution of the environment.
    pub distribution: Option<&'a str>,
    /// The settings that were read of it and of the environment's other distributions.
    pub learnt: Vec<Learnt<'a>>,
    /// Paths that this run found to be mutable, although their names look fingerprinted.
    pub mutable_paths: &'a BTreeSet<SitePath>,
    /// Live paths that an interrupted activation may still write, if its lease has expired.
    pub suspects: &'a BTreeSet<SitePath>,
    /// Live paths that an interrupted prune may still remove, if its lease has expired.
    pub at_risk: &'a BTreeSet<SitePath>,
    /// How long this run holds the lease.
    pub lease: LeaseSettings,
    /// The signal to stop.
    pub stop: &'a Stop,
    /// Whether numbers may go backwards.
    pub force: bool,
    /// Whether to close all numbers that are claimed before the activation is done, as a rollback does.
    pub closes_all: bool,
    /// The highest number that was claimed before; such an activation closes it when it begins.
    pub claimed: Option<ReleaseNumber>,
    /// The reason, for the history.
    pub reason: Option<&'a str>,
    /// Counts what is written and removed.
    pub tally: &'a Tally,
    /// Receives events.
    pub events: Events<'a>,
}

/// A release that is live.
#[derive(Debug)]
pub struct Activated {
    /// The head that records it, with its pending refresh.
    pub pointer: Pointer,
    /// Files whose objects should have been removed and are still there.
    pub left_over: BTreeSet<SitePath>,
}

/// Why a release is not live.
#[derive(Debug)]
pub enum NotActivated {
    /// The head changed before anything was switched: plan again from this one.
    Outdated(Box<Pointer>),
    /// A newer release is active, or this release was closed.
    Superseded(Box<Pointer>),
    /// Another run took over during the switch and is now responsible for the site.
    TakenOver(Box<Pointer>),
    /// Something failed before anything was switched.
    BeforeTheSwitch(Problem),
    /// Nothing was switched: no request changed anything, and the head is back to its previous content.
    Withdrawn(Problem),
    /// Something failed while switching.
    CutShort(Problem),
}

impl Activating<'_> {
    /// Makes `staged` the active release, as `plan` says. `live` is the state that the plan started from; the bytes that the plan
    /// preserves are stored already ([`Activating::preserve`]).
    pub async fn activate(
        &self,
        pointer: Pointer,
        live: &Live,
        plan: &Plan,
        staged: &Staged,
    ) -> Result<Activated, NotActivated> {
        let release = staged.manifest.release;
        if !pointer.head.may_activate(release, self.force) {
            return Err(NotActivated::Superseded(Box::new(pointer)));
        }
        let is_ours = |head: &Head| {
            head.activation.as_ref().is_some_and(|activation| activation.owner == *self.run && activation.to == release)
        };
        let looked_at = pointer.read_at;
        let next = match self.beginning(&pointer, plan, release) {
            Ok(next) => next,
            Err(refusal) => return Err(NotActivated::refused(refusal, pointer)),
        };
        // From here on the run handles a request to stop itself: it returns its lease.
        let _winding_down = self.stop.wind_down().await;
        let mut lease = match Lease::begin(self.state, self.lease, &pointer, next, &is_ours).await {
            Ok(lease) => lease,
            Err(NotReplaced::Lost(found)) => return Err(NotActivated::Outdated(found)),
            Err(NotReplaced::Failed(problem)) => return Err(NotActivated::BeforeTheSwitch(problem)),
        };
        match Box::pin(self.switch(&mut lease, live, plan, staged, looked_at)).await {
            Ok(left_over) => {
                self.events.send(Event::Activated { release });
                Ok(Activated { pointer: lease.pointer, left_over })
            }
            Err(NotActivated::CutShort(problem)) => Box::pin(self.given_back(&mut lease, plan, release, problem)).await,
            Err(NotActivated::Withdrawn(problem)) => {
                match lease.replace(|head| head.withdraw_activation(self.run, &pointer.head, self.mutable_paths)).await
                {
                    Ok(()) => Err(NotActivated::Withdrawn(problem)),
                    Err(_) => Box::pin(self.given_back(&mut lease, plan, release, problem)).await,
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The result of an interrupted switch: it returns its lease, and reports nothing before it has read the head again,
    /// which another run may have written by now.
    async fn given_back(
        &self,
        lease: &mut Lease<'_>,
        plan: &Plan,
        release: ReleaseNumber,
        problem: Problem,
    ) -> Result<Activated, NotActivated> {
        let given_back = match problem.code {
            // Requests that were in flight when the lease ended may still arrive: the run that takes over must know of them.
            Code::LeaseLost => lease.look().await,
            _ => {
                let under_way = self.under_way(lease, plan, &problem);
                lease.release(|head| head.give_up_activation(self.run, under_way.as_ref())).await
            }
        };
        match given_back {
            // The last write had taken effect, and publish could not read the head until now.
            Err(Ended::TakenOver(found)) if is_done(&found.head, release) => {
                self.events.send(Event::Activated { release });
                let is_left = |path: &&SitePath| found.head.leftovers.contains_key(*path);
                let left_over = plan.removals.iter().filter(is_left).cloned().collect();
                Ok(Activated { pointer: *found, left_over })
            }
            Err(Ended::TakenOver(found)) => Err(NotActivated::TakenOver(found)),
            // The activation has failed already; a second failure here does not change its report.
            Ok(()) | Err(Ended::Failed(_)) => Err(NotActivated::CutShort(problem)),
        }
    }

    /// Writes and removes live objects and makes the release active. Returns what could not be removed.
    async fn switch(
        &self,
        lease: &mut Lease<'_>,
        live: &Live,
        plan: &Plan,
        staged: &Staged,
        looked_at: Option<Timestamp>,
    ) -> Result<BTreeSet<SitePath>, NotActivated> {
        let store = self.store.until(lease.term());
        let in_place = self.in_place(&store, plan.tags);
        let (release, objects) = (staged.manifest.release, plan.live_writes());
        // A rollback lists the claimed numbers again during the last step: the removals, or without any the last wave.
        let removes_nothing = plan.removals.is_empty();
        let (waves, last) = plan.waves.split_at(plan.waves.len().saturating_sub(usize::from(removes_nothing)));
        let writing = async {
            self.events.send(Event::ActivationStarted { release, objects });
            in_place.write(plan, waves).await?;
            let (written, claimed) = tokio::join!(in_place.write(plan, last), self.claimed_by_now(removes_nothing));
            written.and(claimed)
        };
        let written = Box::pin(lease.during(writing)).await;
        let claimed = match written {
            Err(Ended::Failed(problem)) if problem.code.lasts_until_changed() && in_place.changed_nothing() => {
                return Err(NotActivated::Withdrawn(problem));
            }
            written => written?,
        };
        if !staged.complete {
            Box::pin(lease.during(self.state.write_manifest(&staged.manifest))).await?;
        }
        let removing = async {
            let (left, claimed) =
                tokio::join!(in_place.remove(plan, &live.etags), self.claimed_by_now(!removes_nothing));
            Ok((left?, claimed?))
        };
        let (Left { ours: left, theirs }, claimed_later) = Box::pin(lease.during(removing)).await?;
        let floor = claimed.max(claimed_later);
        let tagged = plan.tags && in_place.are_all_tagged.load(Ordering::Relaxed);
        let switched = Switched { release, stager: &staged.manifest.publisher, looked_at, left, floor, tagged };
        match lease.replace(|head| self.ending(head, live, plan, &switched)).await {
            Ok(()) => {}
            Err(ended) => lease.pointer = self.settle_ending(switched.release, ended).await?,
        }
        Ok(switched.left.into_iter().chain(theirs).collect())
    }

    /// The only kind of switch.
    fn in_place<'s>(&'s self, store: &'s Store, with_tags: bool) -> InPlace<'s> {
        InPlace {
            objects: LiveObjects::new(store, self.layout).tagged(with_tags),
            site: self.layout.identity(),
            source: self.source,
            stop: self.stop,
            tally: self.tally,
            events: self.events,
            writes: AtomicUsize::new(0),
            in_doubt: store.attempts_in_doubt(),
            done: AtomicUsize::new(0),
            are_all_tagged: AtomicBool::new(true),
        }
    }

    fn objects(&self) -> LiveObjects<'_> {
        LiveObjects::new(self.store, self.layout)
    }

    /// What may still arrive although this run gives up: requests without an answer, or whose answers were lost in a panic.
    fn under_way(&self, lease: &Lease<'_>, plan: &Plan, problem: &Problem) -> Option<Suspects> {
        if !matches!(problem.code, Code::Unreachable | Code::Internal) {
            return None;
        }
        let paths = plan.waves.iter().flatten().map(Action::path).chain(&plan.removals).cloned().collect();
        // S3's clock was read after this run began: this time is not too early.
        let now = lease.pointer.read_at.map_or(self.clock.now(), |read_at| read_at.plus(self.clock.elapsed()));
        Some(Suspects::new(self.run.clone(), now.plus(SIGNATURES_LAST), paths))
    }

    /// The last write of the head may have taken effect although its answer was lost and others have written the head
    /// since. Then the release is active, and nothing is in progress.
    async fn settle_ending(&self, release: ReleaseNumber, ended: Ended) -> Result<Pointer, NotActivated> {
        let found = match &ended {
            Ended::TakenOver(found) => Some(Pointer::clone(found)),
            Ended::Failed(_) => self.state.read_head().await.ok(),
        };
        found.filter(|found| is_done(&found.head, release)).ok_or_else(|| ended.into())
    }

    /// The highest number claimed so far; a rollback closes it and all below it. `None`: this switch closes none, or this is not
    /// its last step.
    async fn claimed_by_now(&self, is_last: bool) -> Result<Option<ReleaseNumber>, Problem> {
        if self.closes_all && is_last { Ok(self.state.releases().await?.highest()) } else { Ok(None) }
    }

    /// Copies live bytes that the switch endangers to the blob store, except those that are known to be `stored` there. Bytes
    /// that something else removed or changed meanwhile cannot be preserved: the run reports that and goes on.
    /// Returns the ETags of the objects it has read.
    pub async fn preserve(
        &self,
        plan: &Plan,
        stored: &BTreeSet<Address>,
    ) -> Result<BTreeMap<SitePath, String>, Problem> {
        let needed = |preserve: &&Preserve| !stored.contains(&self.layout.blob(&preserve.entry.digest));
        stream::iter(plan.preserves.iter().filter(needed))
            .map(|preserve| self.preserve_one(preserve))
            .buffer_unordered(MOST_AT_ONCE)
            .try_filter_map(|seen| async { Ok(seen) })
            .try_collect()
            .await
    }

    /// `None`: there is another object, or none.
    async fn preserve_one(&self, preserve: &Preserve) -> Result<Option<(SitePath, String)>, Problem> {
        let Preserve { path, entry, certain } = preserve;
        let (objects, blob) = (self.objects(), self.layout.blob(&entry.digest));
        let is_stored = async || {
            let stored = self.store.head(&blob).await.map_err(Problem::from)?;
            Ok::<_, Problem>(stored.is_some_and(|info| has_bytes(&info, entry)))
        };
        let info = objects.head(path).await.map_err(Problem::from)?;
        if let Some(info) = info.filter(|info| has_bytes(info, entry)) {
            match objects.keep(path, &info.etag, &entry.digest, Condition::Absent).await {
                Ok(_) => {
                    self.tally.copied();
                    return Ok(Some((path.clone(), info.etag)));
                }
                Err(error) if is_refused(&error) => {
                    let seen = Some((path.clone(), info.etag));
                    return if is_stored().await? { Ok(seen) } else { Err(error.into()) };
                }
                // Another publisher has removed it since, and preserved it first.
                Err(error) if error.class == Class::Missing => {}
                Err(error) => return Err(error.into()),
            }
        }
        if *certain && !is_stored().await? {
            self.events.warn(format!(
                "{} was changed or removed by something other than publish; releases that contain {path} cannot be \
                 restored completely.",
                objects.address(path)
            ));
        }
        Ok(None)
    }

    /// The head that records "in progress", and already the paths to refresh at the CDN.
    fn beginning(&self, pointer: &Pointer, plan: &Plan, to: ReleaseNumber) -> Result<Head, Refusal> {
        let by = pointer.seen_by(self.run, self.clock.now());
        pointer.head.begin_activation(ActivationBegins {
            to,
            by,
            publisher: self.publisher,
            lease_s: self.lease.lasts.as_secs(),
            force: self.force,
            floor: self.claimed,
            suspects: self.suspects,
            at_risk: self.at_risk,
            mutable_paths: self.mutable_paths,
            learnt: &self.learnt,
            covers: &plan.covers(self.distribution),
            tags: plan.tags,
        })
    }

    /// The head that records "done".
    fn ending(&self, head: &Head, live: &Live, plan: &Plan, switched: &Switched<'_>) -> Result<Head, Refusal> {
        let Switched { release, stager, looked_at, left, floor, tagged } = switched;
        // If the object at a path is in doubt, the last entry seen there counts.
        let doubtful = |path: &SitePath| live.uncertain.get(path).and_then(|entries| entries.last());
        let present = |path: &SitePath| doubtful(path).or_else(|| live.files.get(path)).cloned();
        head.end_activation(ActivationEnds {
            release: *release,
            run: self.run,
            content: plan.content,
            now: self.clock.now(),
            looked_at: *looked_at,
            left: &left.iter().map(|path| (path.clone(), present(path))).collect(),
            floor: *floor,
            publisher: &self.publisher.of_build(stager),
            reason: self.reason,
            files: plan.counts,
            tagged: *tagged,
        })
    }
}

impl NotActivated {
    /// Why `pointer`'s head cannot be replaced by that of an activation.
    fn refused(refusal: Refusal, pointer: Pointer) -> NotActivated {
        match refusal {
            Refusal::Overtaken(_) => NotActivated::Superseded(Box::new(pointer)),
            Refusal::Closed(_) => {
                NotActivated::BeforeTheSwitch(Problem::new(Code::MissingBytes, refusal.to_string()).hint(CLOSED))
            }
            // The caller then waits, and plans again.
            Refusal::Busy | Refusal::TakenOver | Refusal::Empty | Refusal::NotEmpty => {
                NotActivated::Outdated(Box::new(pointer))
            }
        }
    }
}

/// Whether a release is active, and nothing is in progress.
fn is_done(head: &Head, release: ReleaseNumber) -> bool {
    head.activation.is_none() && head.active.as_ref().is_some_and(|active| active.release == release)
}

impl From<Ended> for NotActivated {
    fn from(ended: Ended) -> NotActivated {
        match ended {
            Ended::TakenOver(found) => NotActivated::TakenOver(found),
            Ended::Failed(problem) => NotActivated::CutShort(problem),
        }
    }
}

/// The facts that the end of a switch records.
struct Switched<'a> {
    release: ReleaseNumber,
    /// The run that staged the release.
    stager: &'a Publisher,
    /// S3's clock when the run read the live state.
    looked_at: Option<Timestamp>,
    /// Objects that could not be removed.
    left: BTreeSet<SitePath>,
    /// The numbers that a rollback closes.
    floor: Option<ReleaseNumber>,
    /// Whether every live mutable object has its cache tags.
    tagged: bool,
}

//! The switch of a site that is served in place: it writes and removes live objects one by one, in an order that never
//! breaks a page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};

use crate::bucket::aws::{Class, Condition, MAX_DELETED_AT_ONCE, MOST_AT_ONCE, StoreError};
use crate::bucket::live::{LiveObjects, foreign_object, has_bytes};
use crate::content::path::SitePath;
use crate::plan::{Action, Plan};
use crate::release::manifest::{Entry, Identity};
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::report::tally::Tally;
use crate::stages::stage::{Source, entry_of, not_sent};
use crate::types::stop::Stop;

/// The inputs of the switch.
pub(super) struct InPlace<'a> {
    /// Writes and removes objects.
    pub(super) objects: LiveObjects<'a>,
    /// The site whose marker is ours.
    pub(super) site: &'a Identity,
    /// The files on disk, for a first publish.
    pub(super) source: Source<'a>,
    /// The signal to stop.
    pub(super) stop: &'a Stop,
    /// Counts what is written and removed.
    pub(super) tally: &'a Tally,
    /// Receives events.
    pub(super) events: Events<'a>,
    /// How many writes were started, and may have changed something.
    pub(super) writes: AtomicUsize,
    /// How many of them are done.
    pub(super) done: AtomicUsize,
    /// How many attempts were in doubt when the switch began.
    pub(super) in_doubt: usize,
    /// Whether every object so far could be given its cache tags.
    pub(super) are_all_tagged: AtomicBool,
}

/// Objects that should have been removed and are still there.
#[derive(Default)]
pub(super) struct Left {
    /// Objects that the next run with permission must remove.
    pub(super) ours: BTreeSet<SitePath>,
    /// Objects that belong to another site or program by now.
    pub(super) theirs: BTreeSet<SitePath>,
}

impl InPlace<'_> {
    /// Writes live objects, one of the plan's `waves` after the other. After a failure it starts no more writes and waits for
    /// those under way: the next run finds nothing in flight.
    pub(super) async fn write(&self, plan: &Plan, waves: &[Vec<Action>]) -> Result<(), Problem> {
        let failed = AtomicBool::new(false);
        for wave in waves {
            let outcomes: Vec<Result<(), Problem>> = stream::iter(wave)
                .map(|action| self.write_unless_failed(plan, action, &failed))
                .buffer_unordered(MOST_AT_ONCE)
                .collect()
                .await;
            let mut problems: Vec<Problem> = outcomes.into_iter().filter_map(Result::err).collect();
            // A request without an answer may still arrive: the next run must know of it first.
            problems.sort_by_key(|problem| problem.code != Code::Unreachable);
            if let Some(problem) = problems.into_iter().next() {
                return Err(problem);
            }
        }
        Ok(())
    }

    async fn write_unless_failed(&self, plan: &Plan, action: &Action, failed: &AtomicBool) -> Result<(), Problem> {
        if failed.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.stop.is_requested() {
            failed.store(true, Ordering::Relaxed);
            return Err(Problem::new(Code::Interrupted, "stopped on request"));
        }
        let writing = async {
            self.writes.fetch_add(1, Ordering::Relaxed);
            let written = self.write_one(plan, action).await;
            let has_changed_nothing = match &written {
                Ok(is_sent) => !is_sent,
                Err(problem) => problem.code.lasts_until_changed(),
            };
            if has_changed_nothing {
                self.writes.fetch_sub(1, Ordering::Relaxed);
            }
            written?;
            let objects = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            self.events.send(Event::ActivationAdvanced { objects });
            Ok(())
        };
        // A panic is a failure like any other: it does not cut off the other writes.
        let written = Box::pin(Problem::unless_panic(writing)).await;
        written.inspect_err(|_| failed.store(true, Ordering::Relaxed))
    }

    /// Whether visitors see the same as before [`InPlace::write`], and no write under way can change that.
    pub(super) fn changed_nothing(&self) -> bool {
        self.writes.load(Ordering::Relaxed) == 0 && self.objects.attempts_in_doubt() == self.in_doubt
    }

    /// Returns whether there was something to write.
    async fn write_one(&self, plan: &Plan, action: &Action) -> Result<bool, Problem> {
        let path = action.path();
        let entry = entry_of(plan, path)?;
        let if_absent = |absent: bool| if absent { Condition::Absent } else { Condition::None };
        let written = match action {
            Action::Copy { absent, .. } => self.objects.copy_blob(path, entry, if_absent(*absent)).await,
            Action::Reheader { .. } => self.objects.reheader(path, entry, None).await,
            Action::Tag { .. } => return self.tag(path, entry).await,
            Action::Send { absent, .. } => {
                let source = self.source.file(path)?;
                self.objects.send(path, source, entry, if_absent(*absent)).await
            }
        };
        match written {
            Ok(_) => {}
            Err(error) if is_refused(&error) => self.settle(path, entry, error).await?,
            Err(error) => return Err(not_sent(path, error)),
        }
        match action {
            Action::Send { .. } => self.tally.sent(entry.size_bytes),
            Action::Copy { .. } | Action::Reheader { .. } | Action::Tag { .. } => self.tally.copied(),
        }
        Ok(true)
    }

    /// Gives an unchanged live object its cache tags. If the object is missing or differs, it is left alone: this run does not
    /// check it. Returns whether there was something to write.
    async fn tag(&self, path: &SitePath, entry: &Entry) -> Result<bool, Problem> {
        let info = self.objects.head(path).await.map_err(Problem::from)?;
        match info.filter(|info| info.is_of(self.site) && has_bytes(info, entry)) {
            Some(info) if !self.objects.lacks_tags(path, entry.kind, &info) => return Ok(false),
            Some(info) => match self.objects.reheader(path, entry, Some(&info.etag)).await {
                Ok(_) => {
                    self.tally.copied();
                    return Ok(true);
                }
                Err(error) if is_refused(&error) || error.class == Class::Missing => {}
                Err(error) => return Err(not_sent(path, error)),
            },
            None => {}
        }
        if self.are_all_tagged.swap(false, Ordering::Relaxed) {
            self.events.warn(format!(
                "{} is missing, or was changed by something other than publish: cache tags are not used. There may be more such \
                 files: `publish verify` lists them.",
                self.objects.address(path)
            ));
        }
        Ok(false)
    }

    /// A key that should have been free is taken: by this request, whose answer was lost, or by something else.
    async fn settle(&self, path: &SitePath, entry: &Entry, error: StoreError) -> Result<(), Problem> {
        let Some(info) = self.objects.head(path).await.map_err(Problem::from)? else { return Err(error.into()) };
        let is_tagged = !self.objects.lacks_tags(path, entry.kind, &info);
        if info.is_of(self.site) && has_bytes(&info, entry) && info.headers == entry.headers && is_tagged {
            return Ok(());
        }
        Err(foreign_object(&self.objects.address(path)).source(error))
    }

    /// Removes objects that leave at once - those that were `seen`, only if they still have that ETag. Returns what remains.
    pub(super) async fn remove(&self, plan: &Plan, seen: &BTreeMap<SitePath, String>) -> Result<Left, Problem> {
        let mut left = Left::default();
        for batch in plan.removals.chunks(MAX_DELETED_AT_ONCE) {
            let kept = self.objects.remove(batch, seen).await.map_err(Problem::from)?;
            self.tally.deleted(batch.len() - kept.len());
            for (path, error) in kept {
                match error.class {
                    Class::Precondition => self.another_is_there(path, &mut left).await?,
                    _ if error.is_refused_for_good() => {
                        if left.ours.is_empty() && !error.is_denied() {
                            self.events.warn(Problem::from(error).in_one_line());
                        }
                        left.ours.insert(path);
                    }
                    _ => return Err(error.into()),
                }
            }
        }
        Ok(left)
    }

    /// An object to be removed was written again since it was read: by something else, or by a run of this site that had
    /// lost its lease.
    async fn another_is_there(&self, path: SitePath, left: &mut Left) -> Result<(), Problem> {
        let Some(info) = self.objects.head(&path).await.map_err(Problem::from)? else { return Ok(()) };
        self.events.warn(format!(
            "{} was not removed, because it was written again after this run had checked it. It is still publicly \
             reachable.",
            self.objects.address(&path)
        ));
        if info.is_of(self.site) {
            left.ours.insert(path)
        } else {
            left.theirs.insert(path)
        };
        Ok(())
    }
}

/// Whether a conditional write was refused.
pub(super) fn is_refused(error: &StoreError) -> bool {
    matches!(error.class, Class::Precondition | Class::Conflict)
}

//! What every command on an environment needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::caller::Caller;
use super::standing::Course;
use crate::bucket::aws::{Aws, Configuration};
use crate::bucket::state::{NotReplaced, Pointer, State};
use crate::config::environment::Environment;
use crate::content::path::SitePath;
use crate::plan::Policy;
use crate::release::head::{Distributions, Head, Tagging};
use crate::release::manifest::{Manifest, ReleaseNumber, RunId};
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::report::tally::Tally;
use crate::types::globs::PathGlobs;

/// How often the head is read while another run's activation is in progress.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Added to a lease before it counts as expired: S3 gives the time in whole seconds.
const LEASE_SLACK: Duration = Duration::from_secs(2);

/// How often a run starts over because the state it had read has changed.
pub(super) const MAX_ROUNDS: usize = 100;

/// What was read together with the release to be activated, so that the next step need not read it.
#[derive(Default)]
pub(super) struct Ahead {
    /// What was read of the environment's distributions, or the error; `None`: not tried.
    pub(super) configurations: Option<Result<BTreeMap<String, Configuration>, Problem>>,
    /// The release that was live.
    pub(super) active: Option<Manifest>,
}

/// One running command: the part that does not depend on which command it is.
pub(super) struct Session<'a> {
    pub(super) environment: &'a Environment,
    pub(super) caller: &'a Caller,
    pub(super) events: Events<'a>,
    /// The standing of the run.
    pub(super) course: &'a Course,
    /// What was uploaded, copied and removed so far.
    pub(super) tally: &'a Tally,
    pub(super) aws: Aws,
    pub(super) state: State,
    pub(super) remove_now: PathGlobs,
    /// Names that look fingerprinted and were found not to be.
    pub(super) mutable_paths: BTreeSet<SitePath>,
    /// Files of the new release whose bytes are lost, and which it does without.
    pub(super) lost: BTreeSet<SitePath>,
    /// What this run has read of the environment's distributions, by their ids.
    pub(super) configurations: BTreeMap<String, Configuration>,
    /// What was read ahead.
    pub(super) ahead: Ahead,
    /// The settings of all distributions in the head, and those that were read since.
    pub(super) distributions: Distributions,
    /// Whether the environment's distribution may have cached something that was never refreshed.
    pub(super) is_unseen: bool,
    /// How an activation handles cache tags.
    pub(super) tagging: Tagging,
    /// Whether the warning about an unfinished prune was given.
    pub(super) told_of_a_prune: bool,
    /// Whether the warning that the site's host name does not resolve was given.
    pub(super) told_of_the_host: bool,
    /// Whether the warning that an older build replaces a newer one was given.
    pub(super) told_of_an_older_commit: bool,
}

impl<'a> Session<'a> {
    /// Prepares access. No request is sent.
    pub(super) async fn open(
        environment: &'a Environment,
        caller: &'a Caller,
        events: Events<'a>,
        course: &'a Course,
        tally: &'a Tally,
    ) -> Result<Session<'a>, Problem> {
        let remove_now = PathGlobs::new("publish.remove_now", &environment.publish.remove_now)?;
        let aws = Aws::connect(environment).await?;
        let state = State::new(aws.store.clone(), environment.layout.clone(), caller.run.clone());
        let (mutable_paths, lost) = (BTreeSet::new(), BTreeSet::new());
        Ok(Session {
            environment,
            caller,
            events,
            course,
            tally,
            aws,
            state,
            remove_now,
            mutable_paths,
            lost,
            configurations: BTreeMap::new(),
            ahead: Ahead::default(),
            distributions: Distributions::new(),
            is_unseen: false,
            tagging: Tagging::default(),
            told_of_a_prune: false,
            told_of_the_host: false,
            told_of_an_older_commit: false,
        })
    }

    /// Waits while another run activates or prunes and its lease lasts, by S3's clock; but never longer than the lease's
    /// length while the head stays the same.
    pub(super) async fn when_free(&self, mut pointer: Pointer) -> Result<Pointer, Problem> {
        let mut since = self.caller.clock.elapsed();
        while let Some((whom, lease)) = busy(&pointer.head, &self.caller.run) {
            let Some(remaining) =
                lease.saturating_add(LEASE_SLACK).checked_sub(pointer.age).filter(|left| !left.is_zero())
            else {
                break;
            };
            self.events.send(Event::Waiting { for_whom: whom, remaining_s: remaining.as_secs() });
            tokio::time::sleep(LOOK_AGAIN.min(remaining)).await;
            let (revision, asked) = (pointer.head.revision, self.caller.clock.elapsed());
            pointer = self.state.read_head().await?;
            if pointer.head.revision != revision {
                since = asked;
            }
            // Works even if the storage's clock stands still.
            pointer.age = pointer.age.max(asked.saturating_sub(since));
        }
        Ok(pointer)
    }

    /// As [`Session::when_free`], for a run that is going to write: if it may not, it stops before it writes anything.
    pub(super) async fn when_free_to_write(&self, pointer: Pointer) -> Result<Pointer, Problem> {
        let pointer = self.when_free(pointer).await?;
        self.state.may_write(&pointer)?;
        Ok(pointer)
    }

    /// Reads the head for a command that only shows something: its report is about the live release.
    pub(super) async fn read_head_to_show(&self) -> Result<Pointer, Problem> {
        let pointer = self.state.read_head().await?;
        let active = pointer.head.active.as_ref();
        self.course.about(active.map(|active| active.release), active.and_then(|active| active.previous));
        Ok(pointer)
    }

    /// The environment's distribution, if it has one.
    pub(super) fn own(&self) -> Option<&str> {
        self.environment.distribution.as_deref()
    }

    pub(super) fn policy(&self, straight: bool) -> Policy<'_> {
        Policy {
            layout: &self.environment.layout,
            distributions: &self.distributions,
            own: self.own(),
            is_unseen: self.is_unseen,
            remove_now: &self.remove_now,
            max_paths: self.environment.invalidation.max_paths,
            urls: self.environment.invalidation.urls,
            tagging: &self.tagging,
            straight,
        }
    }

    /// Replaces the head with the result of `change`, however often another run replaces it meanwhile. `None`: the
    /// head is as it should be.
    pub(super) async fn update_head(
        &self,
        mut pointer: Pointer,
        change: impl Fn(&Head) -> Option<Head>,
    ) -> Result<Pointer, Problem> {
        while let Some(next) = change(&pointer.head) {
            match self.state.replace_head(&pointer, next).await {
                Ok(replaced) => return Ok(replaced),
                Err(NotReplaced::Lost(found)) => pointer = *found,
                Err(NotReplaced::Failed(problem)) => return Err(problem),
            }
        }
        Ok(pointer)
    }
}

/// The error of a run that started over so often that it gives up.
pub(super) fn never_settles() -> Problem {
    let message = format!("the bucket kept changing: this run has started over {MAX_ROUNDS} times");
    Problem::new(Code::Aws, message).hint("Find out what else writes to the bucket, then run the same command again.")
}

/// The number of the release that is active.
pub(super) fn active_release(head: &Head) -> Option<ReleaseNumber> {
    head.active.as_ref().map(|active| active.release)
}

/// Who is activating or pruning at the moment, in words, and how long their lease lasts after the last write of the head.
fn busy(head: &Head, run: &RunId) -> Option<(String, Duration)> {
    let activation = head.activation.as_ref().filter(|activation| activation.owner != *run);
    let activating = activation.map(|activation| {
        let whom = activation.publisher.name();
        (format!("{whom}, who is activating release {}", activation.to), activation.lease())
    });
    let pruning = head.pruning.as_ref().filter(|pruning| pruning.owner != *run);
    let pruning = pruning.map(|pruning| (format!("run {}, which is pruning", pruning.owner), pruning.lease()));
    // An interrupted activation must not hide a prune that is in progress. A run that returned its lease sends nothing
    // any more: there is no need to wait for it.
    let lasts = |(_, lease): &(String, Duration)| !lease.is_zero();
    activating.into_iter().chain(pruning).filter(lasts).max_by_key(|(_, lease)| *lease)
}

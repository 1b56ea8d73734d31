//! What every command that works on an environment needs.

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

/// How often the head is read while another run's activation is under way.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Added to a lease before it counts as over: S3 tells the time in whole seconds.
const LEASE_SLACK: Duration = Duration::from_secs(2);

/// How often a run begins again because what it had looked at is another by now.
pub(super) const MAX_ROUNDS: usize = 100;

/// What was read together with the release that is to become live, so that the next step need not read it.
#[derive(Default)]
pub(super) struct Ahead {
    /// What was read of the environment's distributions, or why that failed; `None`: it was not tried.
    pub(super) configurations: Option<Result<BTreeMap<String, Configuration>, Problem>>,
    /// The release that was live.
    pub(super) active: Option<Manifest>,
}

/// One command under way: what does not depend on what it does.
pub(super) struct Session<'a> {
    pub(super) environment: &'a Environment,
    pub(super) caller: &'a Caller,
    pub(super) events: Events<'a>,
    /// Where the run stands.
    pub(super) course: &'a Course,
    /// What was sent, copied and removed so far.
    pub(super) tally: &'a Tally,
    pub(super) aws: Aws,
    pub(super) state: State,
    pub(super) remove_now: PathGlobs,
    /// Names that looked fingerprinted and turned out not to be.
    pub(super) mutable_paths: BTreeSet<SitePath>,
    /// Files of the release to come whose bytes are nowhere any more, and which it comes without.
    pub(super) lost: BTreeSet<SitePath>,
    /// What was read of the environment's distributions in this run, by their ids.
    pub(super) configurations: BTreeMap<String, Configuration>,
    /// What was read ahead.
    pub(super) ahead: Ahead,
    /// What the head knows of all distributions, and what was read since.
    pub(super) distributions: Distributions,
    /// Whether the environment's distribution may have cached what was never refreshed.
    pub(super) is_unseen: bool,
    /// How an activation goes about cache tags.
    pub(super) tagging: Tagging,
    /// Whether it was said that a prune is not finished.
    pub(super) told_of_a_prune: bool,
    /// Whether it was said that the host of the site's address is not found.
    pub(super) told_of_the_host: bool,
    /// Whether it was said that an older build replaces a newer one.
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

    /// Waits while another run activates or prunes and its lease lasts, by S3's clock, and never longer than a head
    /// stays as it is for as long as its lease lasts.
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
            // Also where the storage's clock stands still.
            pointer.age = pointer.age.max(asked.saturating_sub(since));
        }
        Ok(pointer)
    }

    /// As [`Session::when_free`], for a run that is to write: one that may not stops before it writes anything.
    pub(super) async fn when_free_to_write(&self, pointer: Pointer) -> Result<Pointer, Problem> {
        let pointer = self.when_free(pointer).await?;
        self.state.may_write(&pointer)?;
        Ok(pointer)
    }

    /// Reads the head for a command that only shows something: its report is about what is live.
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

    /// Replaces the head by what `change` makes of it, however often another run replaces it meanwhile. `None`: the
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

/// A run has begun again so often that it gives up.
pub(super) fn never_settles() -> Problem {
    let message = format!("the bucket kept changing: this run has started over {MAX_ROUNDS} times");
    Problem::new(Code::Aws, message).hint("Find out what else writes to the bucket, then run the same command again.")
}

/// The number of the release that is active.
pub(super) fn active_release(head: &Head) -> Option<ReleaseNumber> {
    head.active.as_ref().map(|active| active.release)
}

/// Who is activating or pruning just now, in words, and how long their lease lasts after the head's last write.
fn busy(head: &Head, run: &RunId) -> Option<(String, Duration)> {
    let activation = head.activation.as_ref().filter(|activation| activation.owner != *run);
    let activating = activation.map(|activation| {
        let whom = activation.publisher.name();
        (format!("{whom}, who is activating release {}", activation.to), activation.lease())
    });
    let pruning = head.pruning.as_ref().filter(|pruning| pruning.owner != *run);
    let pruning = pruning.map(|pruning| (format!("run {}, which is pruning", pruning.owner), pruning.lease()));
    // An activation that was cut short is no reason to pass over a prune that is under way. A run that gave its lease
    // back sends nothing any more: there is no need to wait for it.
    let lasts = |(_, lease): &(String, Duration)| !lease.is_zero();
    activating.into_iter().chain(pruning).filter(lasts).max_by_key(|(_, lease)| *lease)
}

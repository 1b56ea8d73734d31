//! What a head becomes: pure functions from a head, and what a run knows, to the next head or to why there is none.
//!
//! Whatever writes a head calls one of them: no field of a head is assigned anywhere else.

mod activation;
mod distributions;
mod notes;
mod prune;
mod refresh;

use std::collections::BTreeSet;
use std::time::Duration;

pub use self::activation::{ActivationBegins, ActivationEnds};
pub use self::distributions::{Covers, Learnt};
pub use self::notes::Adoption;
pub use self::prune::{PruneBegins, PruneEnds};
use super::{Head, HeadFields, Suspects};
use crate::content::path::SitePath;
use crate::release::manifest::{ReleaseNumber, RunId};
use crate::types::clock::Timestamp;

/// How long a request that was signed may still be taken (AWS.md 4.8), and a little more.
pub const SIGNATURES_LAST: Duration = Duration::from_secs(16 * 60);

/// Why a transition is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A newer release was active, or a rollback closed the number.
    #[error("release {0} was overtaken")]
    Overtaken(ReleaseNumber),
    /// A prune that is not finished closes the number.
    #[error("release {0} was closed by a prune, which was cut short")]
    Closed(ReleaseNumber),
    /// Another run's lease lasts.
    #[error("another run is working")]
    Busy,
    /// What this run would continue or end belongs to another run by now, or to none.
    #[error("another run took over from this one")]
    TakenOver,
    /// Nothing is active.
    #[error("nothing is active")]
    Empty,
    /// Something is active already, or is about to be.
    #[error("a release is already active")]
    NotEmpty,
}

/// Who writes, and when it looked.
#[derive(Clone, Copy, Debug)]
pub struct Lookout<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The time by the clock of its machine, for records that people read.
    pub now: Timestamp,
    /// S3's clock when the head was read; `None`: there was none.
    pub read_at: Option<Timestamp>,
    /// How long before that the head had been written.
    pub age: Duration,
}

impl Lookout<'_> {
    /// When nothing that was signed before the head was read can still be taken.
    pub(super) fn signatures_end(&self) -> Timestamp {
        self.read_at.unwrap_or(self.now).plus(SIGNATURES_LAST)
    }
}

impl Head {
    /// This head as `run` writes it after `before`.
    #[must_use]
    pub fn written_after(self, before: &Head, run: &RunId) -> Head {
        let revision = before.revision.saturating_add(1);
        let mut fields = HeadFields { revision, run: run.clone(), ..self.fields };
        fields.simplify_a_single_distribution();
        Head { fields }
    }

    /// The head of an activation, or a prune, whose lease lasts for `lease_s` seconds after this write.
    ///
    /// # Errors
    /// [`Refusal::TakenOver`] if neither is of `run`.
    pub fn renew_lease(&self, run: &RunId, lease_s: u64) -> Result<Head, Refusal> {
        let mut next = self.clone();
        let HeadFields { activation, pruning, .. } = &mut next.fields;
        let activating = activation.iter_mut().filter(|one| one.owner == *run).map(|one| &mut one.lease_s);
        let mut own = activating.chain(pruning.iter_mut().filter(|one| one.owner == *run).map(|one| &mut one.lease_s));
        *own.next().ok_or(Refusal::TakenOver)? = lease_s;
        Ok(next)
    }
}

impl HeadFields {
    /// Whatever a dead run had under way when its lease ended may still arrive. Who gave its lease back (`lease_s` is 0)
    /// has recorded what may still arrive.
    fn suspect_of_dead(&mut self, dead: &RunId, lease_s: u64, paths: &BTreeSet<SitePath>, by: &Lookout<'_>) {
        if lease_s > 0 && dead != by.run {
            self.suspect(Suspects::new(dead.clone(), by.signatures_end(), paths.clone()));
        }
    }

    fn suspect(&mut self, suspects: Suspects) {
        if !suspects.paths.is_empty() {
            self.suspects.push(suspects);
        }
    }
}

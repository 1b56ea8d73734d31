//! A prune: it begins or takes over, ends, is given up, or is cleared.

use std::collections::{BTreeMap, BTreeSet};

use super::{Covers, Learnt, Lookout, Refusal};
use crate::content::path::SitePath;
use crate::release::format::Unknown;
use crate::release::head::{Head, HeadFields, Pruning, Suspects, Withdrawn};
use crate::release::manifest::{Publisher, ReleaseNumber, RunId};
use crate::types::digest::Digest;

/// What a run knows when it begins to prune.
#[derive(Clone, Copy, Debug)]
pub struct PruneBegins<'a> {
    /// Who, and when it looked.
    pub by: Lookout<'a>,
    /// Who publishes.
    pub publisher: &'a Publisher,
    /// How long the lease lasts, in seconds.
    pub lease_s: u64,
    /// The numbers that never activate again.
    pub closes: &'a BTreeSet<ReleaseNumber>,
    /// Live paths that are to go: another prune, whose lease ran out, may still remove them.
    pub at_risk: &'a BTreeSet<SitePath>,
    /// Files that are removed from every release, with the contents they had.
    pub withdraws: &'a BTreeMap<SitePath, BTreeSet<Digest>>,
    /// The content of the active release without the removed files.
    pub content: Option<Digest>,
    /// What was read of the distribution, if it was.
    pub learnt: &'a [Learnt<'a>],
    /// What is to be refreshed at each distribution.
    pub covers: &'a Covers<'a>,
}

/// What a run knows when it has removed what it may.
#[derive(Clone, Copy, Debug)]
pub struct PruneEnds<'a> {
    /// The files whose live objects were removed.
    pub gone: &'a BTreeSet<SitePath>,
    /// The releases of which nothing is left.
    pub finished: &'a BTreeSet<ReleaseNumber>,
    /// The releases of which something was removed, and something else may not be removed.
    pub incomplete: &'a BTreeSet<ReleaseNumber>,
}

impl Head {
    /// The head that records that a prune is in progress, and what the CDN will have to refresh. An interrupted prune is
    /// taken over.
    ///
    /// # Errors
    /// [`Refusal::Busy`].
    pub fn begin_prune(&self, begins: PruneBegins<'_>) -> Result<Head, Refusal> {
        let PruneBegins { by, .. } = begins;
        if self.is_leased_to_another(by.run, by.age) {
            return Err(Refusal::Busy);
        }
        let mut next = self.clone();
        let head = &mut next.fields;
        if let Some(dead) = head.pruning.take() {
            head.closed.extend(dead.closes);
            head.suspect_of_dead(&dead.owner, dead.lease_s, begins.at_risk, &by);
        }
        let (owner, since, closes) = (by.run.clone(), by.now, begins.closes.clone());
        let (lease_s, unknown) = (begins.lease_s, Unknown::default());
        head.pruning = Some(Pruning { owner, since, lease_s, closes, unknown });
        head.prune_epoch = head.prune_epoch.saturating_add(1);
        for (path, digests) in begins.withdraws {
            let publisher = begins.publisher.clone();
            let new = || Withdrawn { sha256: BTreeSet::new(), since, publisher, unknown: Unknown::default() };
            head.withdrawn.entry(path.clone()).or_insert_with(new).sha256.extend(digests);
        }
        if let (Some(active), Some(content)) = (&mut head.active, begins.content) {
            active.content = content;
        }
        let release = self.active.as_ref().map_or(self.highest_activated, |active| active.release);
        head.learn(begins.learnt, release, by);
        head.owe_all(begins.covers, release, by);
        Ok(next)
    }

    /// The head that records that no prune is under way.
    ///
    /// # Errors
    /// [`Refusal::TakenOver`].
    pub fn end_prune(&self, run: &RunId, ends: PruneEnds<'_>) -> Result<Head, Refusal> {
        let mut next = self.clone();
        let head = &mut next.fields;
        head.pruning.take().filter(|pruning| pruning.owner == *run).ok_or(Refusal::TakenOver)?;
        head.leftovers.retain(|path, _| !ends.gone.contains(path));
        head.closed.extend(ends.incomplete);
        head.forget_closed(ends.finished);
        Ok(next)
    }

    /// The head of a prune whose owner stopped: the next run need not wait. What is `under_way` may still arrive.
    ///
    /// # Errors
    /// [`Refusal::TakenOver`].
    pub fn give_up_prune(&self, run: &RunId, under_way: Option<&Suspects>) -> Result<Head, Refusal> {
        let mut next = self.clone();
        let pruning = next.fields.pruning.as_mut().filter(|pruning| pruning.owner == *run);
        pruning.ok_or(Refusal::TakenOver)?.lease_s = 0;
        under_way.into_iter().for_each(|suspects| next.fields.suspect(suspects.clone()));
        Ok(next)
    }

    /// The head without the prune `dead` that was cut short, if there was one. What it closed stays closed, but for the
    /// releases that are `finished`: nothing is left of those. The live paths `at_risk` it may still remove, if its owner's
    /// lease ran out.
    ///
    /// # Errors
    /// [`Refusal::TakenOver`] if it is not the one in the head, and [`Refusal::Busy`] if its owner may be at work.
    pub fn let_go_of_prune(
        &self,
        dead: Option<&Pruning>,
        finished: &BTreeSet<ReleaseNumber>,
        at_risk: &BTreeSet<SitePath>,
        by: Lookout<'_>,
    ) -> Result<Head, Refusal> {
        if self.is_leased_to_another(by.run, by.age) {
            return Err(Refusal::Busy);
        }
        if self.pruning.as_ref() != dead {
            return Err(Refusal::TakenOver);
        }
        let mut next = self.clone();
        let head = &mut next.fields;
        if let Some(dead) = head.pruning.take() {
            head.closed.extend(dead.closes);
            head.suspect_of_dead(&dead.owner, dead.lease_s, at_risk, &by);
        }
        head.forget_closed(finished);
        Ok(next)
    }
}

impl HeadFields {
    /// Nothing is left of these releases, so that they need not be recorded any longer.
    fn forget_closed(&mut self, finished: &BTreeSet<ReleaseNumber>) {
        self.closed.retain(|release| !finished.contains(release));
        self.superseded.retain(|release, _| !finished.contains(release));
    }
}

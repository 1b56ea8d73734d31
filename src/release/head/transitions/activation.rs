//! An activation: it begins or takes over, lasts, ends, or is given up.

use std::collections::{BTreeMap, BTreeSet};

use super::distributions::everything;
use super::{Covers, Learnt, Lookout, Refusal};
use crate::content::path::SitePath;
use crate::release::counts::FileCounts;
use crate::release::format::Unknown;
use crate::release::head::{Activation, Active, Head, HeadFields, HistoryItem, Leftover, Suspects, TagUse, Tagging};
use crate::release::manifest::{Entry, Publisher, ReleaseNumber, RunId};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;

/// What a run knows when it begins to activate.
#[derive(Clone, Copy, Debug)]
pub struct ActivationBegins<'a> {
    /// Which release.
    pub to: ReleaseNumber,
    /// Who, and when it looked.
    pub by: Lookout<'a>,
    /// Who publishes.
    pub publisher: &'a Publisher,
    /// How long the lease lasts, in seconds.
    pub lease_s: u64,
    /// Whether numbers may go backwards.
    pub force: bool,
    /// The numbers that a rollback closes.
    pub floor: Option<ReleaseNumber>,
    /// Live paths that an activation which was cut short may still write, if its owner's lease ran out.
    pub suspects: &'a BTreeSet<SitePath>,
    /// Live paths that a prune which was cut short may still remove, if its owner's lease ran out.
    pub at_risk: &'a BTreeSet<SitePath>,
    /// Paths that turned out to be mutable whatever their names say.
    pub mutable_paths: &'a BTreeSet<SitePath>,
    /// What was read of distributions.
    pub learnt: &'a [Learnt<'a>],
    /// What is to be refreshed at each distribution.
    pub covers: &'a Covers<'a>,
    /// Whether every live mutable object that it writes gets its cache tags, and so does every other one that may lack them.
    pub tags: bool,
}

/// What a run knows when all is written and removed.
#[derive(Clone, Copy, Debug)]
pub struct ActivationEnds<'a> {
    /// The release.
    pub release: ReleaseNumber,
    /// The run that activated it.
    pub run: &'a RunId,
    /// The digest of what visitors get.
    pub content: Digest,
    /// When.
    pub now: Timestamp,
    /// S3's clock when the run looked at what is live.
    pub looked_at: Option<Timestamp>,
    /// Files that should have been removed but could not be, with what is there as far as that is known.
    pub left: &'a BTreeMap<SitePath, Option<Entry>>,
    /// The numbers that a rollback closes.
    pub floor: Option<ReleaseNumber>,
    /// Who did it, with what the release was built from.
    pub publisher: &'a Publisher,
    /// Why.
    pub reason: Option<&'a str>,
    /// How its files compare with what was live before.
    pub files: FileCounts,
    /// Whether every live mutable object has its cache tags.
    pub tagged: bool,
}

impl Head {
    /// The head that records that `begins.to` is about to become active, and what the CDN will have to refresh. An
    /// activation or a prune that was cut short is taken over.
    ///
    /// # Errors
    /// [`Refusal::Busy`], [`Refusal::Closed`] and [`Refusal::Overtaken`]; [`Refusal::TakenOver`] if it writes tags, and this is
    /// not the head by which that was decided.
    pub fn begin_activation(&self, begins: ActivationBegins<'_>) -> Result<Head, Refusal> {
        let ActivationBegins { to, by, .. } = begins;
        if !self.may_activate(to, begins.force) {
            return Err(Refusal::Overtaken(to));
        }
        if self.is_leased_to_another(by.run, by.age) {
            return Err(Refusal::Busy);
        }
        if self.is_closed(to) {
            return Err(Refusal::Closed(to));
        }
        let tagging = if begins.tags { self.tagging(begins.learnt) } else { Tagging::default() };
        if begins.tags && !tagging.writes {
            return Err(Refusal::TakenOver);
        }
        let mut next = self.clone();
        let head = &mut next.fields;
        head.learn(begins.learnt, to, by);
        head.go_about_tags(&tagging, begins.learnt);
        let candidates = head.take_over(begins);
        head.raise_floor(begins.floor);
        head.activation = Some(Activation {
            to,
            candidates,
            owner: by.run.clone(),
            publisher: begins.publisher.clone(),
            since: by.now,
            lease_s: begins.lease_s,
            unknown: Unknown::default(),
        });
        head.mutable_paths.extend(begins.mutable_paths.iter().cloned());
        let everything = everything();
        let mut covers = begins.covers.clone();
        let begun = tagging.uses.iter().filter(|(_, used)| **used == TagUse::Begins);
        covers.extend(begun.map(|(id, _)| (id.as_str(), everything[..].into())));
        head.owe_all(&covers, to, by);
        Ok(next)
    }

    /// The head that records that the activation is done.
    ///
    /// # Errors
    /// [`Refusal::TakenOver`].
    pub fn end_activation(&self, ends: ActivationEnds<'_>) -> Result<Head, Refusal> {
        let ActivationEnds { release, run, content, now, .. } = ends;
        let mut next = self.clone();
        let head = &mut next.fields;
        let ended = head.activation.take().filter(|activation| activation.owner == *run && activation.to == release);
        let partly = ended.ok_or(Refusal::TakenOver)?.candidates;
        head.forget_due_suspects(ends.looked_at);
        head.raise_floor(ends.floor);
        head.tagged = ends.tagged;
        if !head.tagged {
            head.count_no_tags();
        }
        // Visitors may have got pages of what was cut short: it is superseded only now.
        head.superseded.extend(partly.into_iter().map(|release| (release, now)));
        let before = head.active.take();
        let from = before.as_ref().map(|active| active.release);
        head.active = Some(match before {
            // What another activation had begun is undone: this release was active all the time.
            Some(active) if active.release == release => Active { content, ..active },
            _ => Active { release, content, since: now, previous: from, unknown: Unknown::default() },
        });
        head.highest_activated = head.highest_activated.max(release);
        head.superseded.extend(from.map(|from| (from, now)));
        head.superseded.remove(&release);
        head.is_seen_where_nothing_is_owed(release);
        let earlier = std::mem::take(&mut head.leftovers);
        for (path, present) in ends.left {
            let known = earlier.get(path).cloned();
            let leftover = known.or_else(|| present.as_ref().map(|entry| Leftover::of(entry, now)));
            head.leftovers.extend(leftover.map(|leftover| (path.clone(), leftover)));
        }
        let (publisher, reason) = (ends.publisher.clone(), ends.reason.map(str::to_owned));
        let (files, unknown) = (Some(ends.files), Unknown::default());
        head.remember(HistoryItem { release, from, at: now, publisher, reason, files, unknown });
        Ok(next)
    }

    /// The head of an activation whose owner failed: the next run need not wait. What is `under_way` may still arrive.
    ///
    /// # Errors
    /// [`Refusal::TakenOver`].
    pub fn give_up_activation(&self, run: &RunId, under_way: Option<&Suspects>) -> Result<Head, Refusal> {
        let mut next = self.clone();
        let activation = next.fields.activation.as_mut().filter(|activation| activation.owner == *run);
        activation.ok_or(Refusal::TakenOver)?.lease_s = 0;
        under_way.into_iter().for_each(|suspects| next.fields.suspect(suspects.clone()));
        Ok(next)
    }

    /// The head of an activation that changed nothing that visitors see, and of which nothing can still arrive. `before` is
    /// the head that it began from: an activation that was cut short then still is. The `mutable_paths` that it found are live
    /// as they were, and the numbers that it closed are not closed: nothing else closes any while an activation is in progress.
    ///
    /// # Errors
    /// [`Refusal::TakenOver`].
    pub fn withdraw_activation(
        &self,
        run: &RunId,
        before: &Head,
        mutable_paths: &BTreeSet<SitePath>,
    ) -> Result<Head, Refusal> {
        let mut next = self.give_up_activation(run, None)?;
        next.fields.floor = before.floor;
        if let Some(begun) = next.fields.activation.take_if(|_| before.activation.is_none()) {
            next.fields.owe_no_more(&begun, before);
            next.fields
                .mutable_paths
                .retain(|path| before.mutable_paths.contains(path) || !mutable_paths.contains(path));
        }
        Ok(next)
    }
}

impl HeadFields {
    /// Ends an interrupted activation without finishing it; returns the releases whose objects may be live because of it.
    fn take_over(&mut self, begins: ActivationBegins<'_>) -> BTreeSet<ReleaseNumber> {
        let mut candidates = BTreeSet::new();
        if let Some(dead) = self.activation.take() {
            candidates = dead.candidates;
            candidates.insert(dead.to);
            candidates.remove(&begins.to);
            self.suspect_of_dead(&dead.owner, dead.lease_s, begins.suspects, &begins.by);
        }
        if let Some(dead) = self.pruning.take() {
            self.closed.extend(dead.closes);
            self.suspect_of_dead(&dead.owner, dead.lease_s, begins.at_risk, &begins.by);
        }
        candidates
    }
}

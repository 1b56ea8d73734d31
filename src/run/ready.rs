//! Prepares a release: puts all its bytes into the bucket, whatever is done with it next.

use std::collections::{BTreeMap, BTreeSet};

use super::closed::check_open;
use super::evidence::Evidence;
use super::intention::Intention;
use super::order::Order;
use super::session::Session;
use crate::bucket::aws::ObjectInfo;
use crate::bucket::live;
use crate::bucket::state::{Releases, following, unwritable};
use crate::content::path::SitePath;
use crate::plan::{Destination, Plan};
use crate::release::head::Head;
use crate::release::layout::Address;
use crate::release::manifest::{Claim, Manifest, ReleaseNumber};
use crate::report::error::Problem;
use crate::report::event::Event;
use crate::site::rules::Rules;
use crate::stages::stage::{NotStaged, Staged, Staging, manifest};

const NOTHING_SEEN: &BTreeMap<Address, Option<ObjectInfo>> = &BTreeMap::new();

/// The work of earlier attempts that a run need not repeat.
#[derive(Default)]
pub(super) struct Carried {
    /// The number it claimed.
    claim: Option<Claim>,
    /// What it has staged.
    staged: Option<Staged>,
    /// What it has stored.
    pub(super) stored: BTreeSet<Address>,
    /// The prune epoch of that work: a later prune may have removed it again.
    pub(super) epoch: u64,
}

impl Carried {
    /// A run that has done nothing yet, and has read `head`. What it read while a prune was under way may describe the state
    /// before that prune.
    pub(super) fn nothing(head: &Head) -> Carried {
        let epoch = head.prune_epoch.saturating_sub(u64::from(head.pruning.is_some()));
        Carried { epoch, ..Carried::default() }
    }

    /// The number it claimed.
    pub(super) fn claimed(&self) -> Option<ReleaseNumber> {
        self.claim.as_ref().map(|claim| claim.release)
    }

    /// Staged work is discarded if the release would be a different one by now: a name was reused meanwhile.
    pub(super) fn unless_other(self, plan: &Plan) -> Carried {
        let is_other = self.staged.as_ref().is_some_and(|staged| staged.manifest.content() != plan.content);
        if is_other { Carried { staged: None, claim: None, ..self } } else { self }
    }

    /// Includes what was staged under the number it claimed. Anything else that is complete in the bucket is proven again.
    pub(super) fn with(self, staged: Staged) -> Carried {
        let staged = (staged.complete && self.claim.is_some()).then_some(staged);
        Carried { staged, ..self }
    }
}

impl Session<'_> {
    /// A prune may have removed bytes that this run relied on, and closed its number.
    pub(super) async fn after_a_prune(&self, carried: Carried, head: &Head, order: &Order) -> Result<Carried, Problem> {
        order.goal.release().map_or(Ok(()), |release| check_open(head, release))?;
        if carried.epoch == head.prune_epoch {
            return Ok(carried);
        }
        if let Some(release) = order.goal.release() {
            live::complete(&self.state, release).await?;
        }
        // Start again with a new number: manifests under the old one may name bytes that are gone.
        Ok(Carried { epoch: head.prune_epoch, ..Carried::default() })
    }

    /// The release with all its bytes in the bucket: staged now or before, or proven to be there. Bytes that the switch will
    /// replace or remove are preserved.
    pub(super) async fn ready(
        &mut self,
        carried: &mut Carried,
        head: &Head,
        order: &Order,
        intention: &mut Intention,
    ) -> Result<Staged, NotStaged> {
        match order.goal.manifest() {
            Some(manifest) => self.proven(carried, head, order, intention, manifest).await,
            None => self.staged(carried, head, order, intention).await,
        }
    }

    /// A release that is complete, with all its bytes where they are needed.
    async fn proven(
        &mut self,
        carried: &mut Carried,
        head: &Head,
        order: &Order,
        intention: &mut Intention,
        manifest: &Manifest,
    ) -> Result<Staged, NotStaged> {
        let now = self.caller.clock.now();
        self.state.prove_for(manifest.release, now).await.map_err(NotStaged::Failed)?;
        let evidence = match intention.evidence.take() {
            Some(evidence) => evidence,
            None => self.evidence(head, order, &intention.plan, manifest).await,
        };
        let Evidence { stored, seen: looked_at, claimed } = evidence.map_err(NotStaged::Failed)?;
        (carried.stored, intention.claimed) = (stored, claimed);
        // Live files also belong to a release that has yet to be proven.
        let seen = self.preserve(order, intention, &carried.stored).await.map_err(NotStaged::Failed)?;
        intention.live.etags.extend(seen);
        self.mutable_paths.extend(Rules::distrusted(&manifest.files).cloned());
        let staging = Staging { seen: &looked_at, ..self.staging(order, &carried.stored) };
        staging.prove(&intention.plan, manifest).await
    }

    /// Stages a new release. The claim is the first write of a run. Then two things happen at once: new bytes are uploaded, and
    /// bytes that the switch will replace or remove are preserved. Neither changes what visitors see, and both must be done
    /// before the switch.
    async fn staged(
        &self,
        carried: &mut Carried,
        head: &Head,
        order: &Order,
        intention: &mut Intention,
    ) -> Result<Staged, NotStaged> {
        let before = carried.staged.take();
        let is_new = before.is_none();
        let (claim, not_activated) = match carried.claim.take() {
            Some(claim) => (claim, Vec::new()),
            None => self.claimed(head, order, intention).await.map_err(NotStaged::Failed)?,
        };
        let staging = self.staging(order, &carried.stored);
        let (staged, kept) = {
            let plan = &intention.plan;
            let staging = async {
                match before {
                    // Another publisher may have removed files since that were live when this was staged.
                    Some(before) => staging.prove(plan, &before.manifest).await,
                    None => staging.stage(plan, &claim, not_activated).await,
                }
            };
            tokio::join!(Box::pin(staging), Box::pin(self.kept(order, intention)))
        };
        carried.claim = Some(claim);
        // If both fail, the error of staging is reported.
        let staged = staged?;
        if is_new && staged.complete {
            self.events.send(Event::Staged { release: staged.manifest.release });
        }
        intention.live.etags.extend(kept.map_err(NotStaged::Failed)?);
        Ok(staged)
    }

    /// Preserves the bytes that the switch will replace or remove, except those that staging puts into the blob store anyway.
    /// Without a switch, nothing is at risk.
    async fn kept(&self, order: &Order, intention: &Intention) -> Result<BTreeMap<SitePath, String>, Problem> {
        if order.terms.stage_only {
            return Ok(BTreeMap::new());
        }
        let plan = &intention.plan;
        let to_blobs = plan.uploads.iter().filter(|upload| upload.to == Destination::Blob);
        let sent = to_blobs.filter_map(|upload| plan.files.get(&upload.path));
        let sent = sent.map(|entry| self.environment.layout.blob(&entry.digest)).collect();
        self.preserve(order, intention, &sent).await
    }

    pub(super) fn staging<'s>(&'s self, order: &'s Order, stored: &'s BTreeSet<Address>) -> Staging<'s> {
        Staging {
            store: &self.aws.store,
            state: &self.state,
            layout: &self.environment.layout,
            source: order.goal.source(),
            foreign: order.foreign(),
            stored,
            seen: NOTHING_SEEN,
            tally: self.tally,
            events: self.events,
        }
    }

    /// Claims a number ([`Session::claim`]), and checks the keys of new files at the same time, unless that was done before
    /// ([`Session::intend`]). The result can only reduce what the run writes, so the claim names at least all of that.
    /// A foreign object stops the run, which then has written nothing but its claim.
    async fn claimed(
        &self,
        head: &Head,
        order: &Order,
        intention: &mut Intention,
    ) -> Result<(Claim, Vec<ReleaseNumber>), Problem> {
        let releases = match intention.releases.take() {
            Some(releases) => releases?,
            None => self.state.releases().await?,
        };
        if intention.is_surveyed {
            let claimed = self.claim(head, order, &intention.plan, &releases).await?;
            if head.active.is_none() {
                // The claim is the first object of this run that visitors might read.
                self.check_claim_is_hidden(&claimed.0).await?;
            }
            return Ok(claimed);
        }
        let Intention { live, plan, .. } = intention;
        let (learnt, claimed) = tokio::join!(
            Box::pin(self.look_at_keys(order, live, &plan.files)),
            Box::pin(self.claim(head, order, plan, &releases)),
        );
        let learnt = learnt?;
        self.surveyed(order, intention, learnt);
        if learnt {
            self.plans(&intention.plan);
            self.say_plan(&intention.plan);
        }
        claimed
    }

    /// The number of this run: claimed once, before anything else is written. Also returns the numbers that were claimed
    /// before it and never activated.
    async fn claim(
        &self,
        head: &Head,
        order: &Order,
        plan: &Plan,
        releases: &Releases,
    ) -> Result<(Claim, Vec<ReleaseNumber>), Problem> {
        let highest = releases.highest().into_iter().chain([head.highest_activated, head.floor]).max();
        let live = plan.uploads.iter().filter(|upload| upload.to != Destination::Blob);
        let claim = Claim {
            identity: self.environment.layout.identity().clone(),
            release: following(highest.unwrap_or(ReleaseNumber::new(0)))?,
            run: self.caller.run.clone(),
            epoch: head.prune_epoch,
            since: self.caller.clock.now(),
            publisher: order.goal.publisher(&self.caller.publisher).clone(),
            live: live.map(|upload| upload.path.clone()).collect(),
            // Names every file: a fingerprinted name that was reused becomes a blob.
            blobs: plan.uploads.iter().filter_map(|upload| Some(plan.files.get(&upload.path)?.digest)).collect(),
        };
        let listing = manifest(plan, &claim).check_size();
        listing.map_err(|error| unwritable(&self.environment.layout.manifest(claim.release), error))?;
        // Uploads of interrupted runs are there already, complete release or not. Releases up to the highest activated one
        // are history: a 412 detects what they left.
        let not_activated = releases.above(head.highest_activated).collect();
        Ok((self.state.claim(claim).await?, not_activated))
    }
}

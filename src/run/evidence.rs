//! Evidence that a complete release can be made live: its bytes are in the bucket. For a rollback also the claimed numbers,
//! because a rollback closes them.

use std::collections::{BTreeMap, BTreeSet};

use super::order::Order;
use super::session::Session;
use crate::bucket::aws::ObjectInfo;
use crate::plan::{Change, Destination, Plan, Upload};
use crate::release::head::Head;
use crate::release::layout::Address;
use crate::release::manifest::{Kept, Manifest, ReleaseNumber};
use crate::report::error::Problem;

/// What the bucket is known to hold of a complete release.
#[derive(Default)]
pub(super) struct Evidence {
    /// The blobs that a listing has shown.
    pub(super) stored: BTreeSet<Address>,
    /// The objects at the places of its other bytes.
    pub(super) seen: BTreeMap<Address, Option<ObjectInfo>>,
    /// The highest claimed number, if the run closes all claimed numbers.
    pub(super) claimed: Option<ReleaseNumber>,
}

impl Session<'_> {
    /// Whether a run makes a complete release live without asking first. Then the evidence may be collected at once.
    /// After a question, the evidence must be newer than the answer: a rollback closes the numbers that are claimed by then. And
    /// a rollback that the user cancels should cost nothing.
    pub(super) fn is_sure_to_prove(&self, head: &Head, order: &Order) -> bool {
        let terms = &order.terms;
        let is_held = head.hold.is_some() && terms.rollback.is_none() && terms.repair.is_none();
        order.goal.manifest().is_some() && !is_held && (terms.rollback.is_none() || self.caller.yes)
    }

    /// Collects all evidence for `plan` at once. Costs a listing of the blobs or a HEAD for each, whichever is less; a HEAD for
    /// each fingerprinted file that the plan adds; and for a rollback a listing of the numbers.
    pub(super) async fn evidence(
        &self,
        head: &Head,
        order: &Order,
        plan: &Plan,
        manifest: &Manifest,
    ) -> Result<Evidence, Problem> {
        let blobs = self.blobs_to_list(head, plan, manifest);
        // Bytes that are only at live keys are first copied to the blob store, and then looked for there.
        let kept = plan.preserves.iter().map(|preserve| self.environment.layout.blob(&preserve.entry.digest));
        // A file other than a page may still be at its live key after it left the site. Then its blob is not needed.
        let may_be_live = |upload: &&Upload| {
            upload.to == Destination::Blob
                && !upload.path.is_page()
                && plan.changes.get(&upload.path) == Some(&Change::Add)
        };
        let may_be_live = plan.uploads.iter().filter(may_be_live).filter_map(|upload| plan.files.get(&upload.path));
        let may_be_live = may_be_live.map(|entry| self.environment.layout.blob(&entry.digest));
        let not_yet: BTreeSet<Address> = kept.chain(may_be_live).chain(blobs.keys().cloned()).collect();
        let nothing = BTreeSet::new();
        let staging = self.staging(order, &nothing);
        let claimed = async {
            match order.terms.rollback {
                Some(_) => self.state.releases().await.map(|releases| releases.highest()),
                None => Ok(None),
            }
        };
        let (stored, seen, claimed) =
            tokio::join!(self.listed(&blobs), Box::pin(staging.look(plan, &not_yet)), Box::pin(claimed));
        Ok(Evidence { stored: stored?, seen: seen?, claimed: claimed? })
    }

    /// The blobs that a rollback to a complete release needs or would write, with their sizes; empty if a HEAD for each
    /// costs less than a listing.
    fn blobs_to_list(&self, head: &Head, plan: &Plan, manifest: &Manifest) -> BTreeMap<Address, u64> {
        let to_blobs = plan.uploads.iter().filter(|upload| upload.to == Destination::Blob);
        let needed = to_blobs.filter_map(|upload| plan.files.get(&upload.path));
        let kept = plan.preserves.iter().map(|preserve| &preserve.entry);
        let address = |digest| self.environment.layout.blob(digest);
        let blobs: BTreeMap<Address, u64> =
            needed.chain(kept).map(|entry| (address(&entry.digest), entry.size_bytes)).collect();
        let retained = head.superseded.len() + 1;
        let at_least = manifest.files.values().filter(|entry| entry.kept == Kept::Blob).count();
        if blobs.len() <= 2 + retained * at_least / 1_000 { BTreeMap::new() } else { blobs }
    }

    /// Those of `blobs` that a listing shows. A blob is named by its bytes and is never overwritten.
    async fn listed(&self, blobs: &BTreeMap<Address, u64>) -> Result<BTreeSet<Address>, Problem> {
        if blobs.is_empty() {
            return Ok(BTreeSet::new());
        }
        let listed = self.aws.store.list(&self.environment.layout.blobs()).await?;
        let there = listed.into_iter().filter(|listed| blobs.get(&listed.address) == Some(&listed.size_bytes));
        Ok(there.map(|listed| listed.address).collect())
    }
}

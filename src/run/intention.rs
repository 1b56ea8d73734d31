//! The intention of a run: the live files, the files that should be live, and the plan between them.

use std::collections::BTreeSet;

use super::evidence::Evidence;
use super::goal::{Folder, Goal};
use super::order::Order;
use super::session::{Ahead, Session};
use crate::bucket::live::{self, LiveObjects};
use crate::bucket::state::{Pointer, Releases};
use crate::content::path::SitePath;
use crate::plan::{Live, Plan, Preserve};
use crate::release::head::{Distributions, Head};
use crate::release::manifest::{Entry, Files, Kept, ReleaseNumber};
use crate::report::error::{Code, Problem};
use crate::report::event::Event;
use crate::site::fingerprint;
use crate::site::rules::Rules;
use crate::stages::stage::Staged;
use crate::types::headers::Kind;

/// What a run is going to do, and the state it starts from.
pub(super) struct Intention {
    pub(super) live: Live,
    pub(super) plan: Plan,
    /// Live paths that were checked again, because a late request of an earlier run may have changed them, or because they
    /// are to be repaired.
    due: BTreeSet<SitePath>,
    /// Whether the run has checked the keys that no manifest describes. If not, it does so during the claim.
    pub(super) is_surveyed: bool,
    /// Live paths that an interrupted activation may still write.
    pub(super) suspects: BTreeSet<SitePath>,
    /// Live paths that an interrupted prune may still remove.
    pub(super) at_risk: BTreeSet<SitePath>,
    /// Evidence that a complete release can be made live; `None`: not collected yet.
    pub(super) evidence: Option<Result<Evidence, Problem>>,
    /// The highest number that was claimed before the switch, if the run closes all claimed numbers.
    pub(super) claimed: Option<ReleaseNumber>,
    /// The existing releases; `None`: not listed yet.
    pub(super) releases: Option<Result<Releases, Problem>>,
}

impl Intention {
    /// While a person answers a question, bytes may be removed, and numbers may be claimed and pruned, so that a
    /// number would be used twice. Both are read again.
    pub(super) fn look_again_after_an_answer(&mut self) {
        (self.evidence, self.releases) = (None, None);
    }

    /// Whether the run claims a number and no other number was claimed since the last activation.
    fn is_first_to_claim(&self, head: &Head) -> bool {
        let Some(Ok(releases)) = &self.releases else { return false };
        releases.above(head.highest_activated).next().is_none()
    }
}

impl Session<'_> {
    /// Reads the live state and plans from there to the goal. `claims`: the run is sure to claim a number.
    pub(super) async fn intend(
        &mut self,
        pointer: &Pointer,
        order: &Order,
        claims: bool,
    ) -> Result<Intention, Problem> {
        let Order { goal, terms } = order;
        let (mut live, releases) = self.read_what_is_live(pointer, order, claims).await?;
        let (layout, store) = (&self.environment.layout, self.aws.store.clone());
        let store = &store;
        let suspects: BTreeSet<SitePath> = live.uncertain.keys().cloned().collect();
        let wanted = self.content(goal, &pointer.head, &self.distributions)?;
        self.warn_of_kept(with_other_bytes(&live, &wanted, |present, _, _| Rules::is_kept_by_browsers(present)));
        self.mutable_paths.extend(names_with_other_bytes(&live, &wanted));
        let target = self.content(goal, &pointer.head, &self.distributions)?;
        let mut due = pointer.head.due_suspects(pointer.read_at);
        due.extend(terms.repair.iter().flatten().cloned());
        let known = |path: &SitePath| Some((path.clone(), live.files.get(path)?.clone()));
        let before: Files = due.iter().filter_map(known).collect();
        let objects = LiveObjects::new(store, layout).tagged(self.tagging.writes);
        live = live::look_again(objects, &self.state, layout, live, &target, due.clone()).await?;
        if let Goal::Release(_) = goal {
            self.lost = live::keep_what_is_lost(store, layout, &mut live, &target, &before).await?;
            self.tag_nothing_where_something_is_lost();
        }
        let withdrawn = pointer.head.withdrawn.keys().filter(|path| target.contains_key(*path));
        live.returned.extend(withdrawn.cloned());
        let is_known = live.release.is_some() && live.uncertain.is_empty();
        let plan = self.planned(&live, target, order, &due);
        let (at_risk, evidence, claimed) = (BTreeSet::new(), None, None);
        let mut intention =
            Intention { live, plan, due, is_surveyed: false, suspects, at_risk, evidence, claimed, releases };
        // A run that is about to claim a number checks the keys of new files during the claim: everything else that may stop it
        // is known before. But it claims nothing while the live state is in doubt, nor if an earlier claim was never activated:
        // a run that is repeated, and refused each time because of the objects at those keys, claims one number only. Nor if many
        // files would leave the site: of files that return, some may still be there, and count as live.
        let leaves_most = self.removes_too_much(&intention.plan);
        if !is_known || leaves_most || !intention.is_first_to_claim(&pointer.head) {
            self.survey(&pointer.head, order, &mut intention).await?;
        }
        intention.at_risk = self.at_risk(&pointer.head, &intention.plan.files).await?;
        self.say_plan(&intention.plan);
        Ok(intention)
    }

    /// Reads the live state and the settings of the distributions at once. If the run `claims` a number, it also lists the
    /// claimed numbers. More may be claimed meanwhile; the claim then takes the next free one.
    async fn read_what_is_live(
        &mut self,
        pointer: &Pointer,
        order: &Order,
        claims: bool,
    ) -> Result<(Live, Option<Result<Releases, Problem>>), Problem> {
        let head = &pointer.head;
        let is_first_look = self.configurations.is_empty();
        let Ahead { configurations, active } = std::mem::take(&mut self.ahead);
        let configurations = async {
            match configurations {
                Some(read) => read,
                None => self.read_configurations(head).await,
            }
        };
        let live = live::read(&self.state, &self.environment.layout, head, active);
        let releases = async { if claims { Some(self.state.releases().await) } else { None } };
        let (configurations, live, releases) =
            tokio::join!(Box::pin(configurations), Box::pin(live), Box::pin(releases));
        self.learn(configurations?, head);
        if let (Goal::Folder(Folder { routes: Some(routes), .. }), true) = (&order.goal, is_first_look) {
            self.warn_of_routes(routes);
        }
        Ok((live?, releases))
    }

    /// Checks the keys that no manifest describes, and plans again if any of them has an object. At the same time it collects
    /// the evidence that a complete release needs, as far as the first plan shows. Anything else that the second plan needs is
    /// looked up when the release is proven.
    async fn survey(&self, head: &Head, order: &Order, intention: &mut Intention) -> Result<(), Problem> {
        let Intention { live, plan, .. } = intention;
        let evidence = async {
            match order.goal.manifest() {
                Some(manifest) if self.is_sure_to_prove(head, order) && !order.is_done(head, plan) => {
                    Some(self.evidence(head, order, plan, manifest).await)
                }
                _ => None,
            }
        };
        let (learnt, evidence) =
            tokio::join!(Box::pin(self.look_at_keys(order, live, &plan.files)), Box::pin(evidence));
        intention.evidence = evidence;
        self.surveyed(order, intention, learnt?);
        Ok(())
    }

    /// Adds to `live` the objects at keys that no manifest describes. Returns whether there are any.
    pub(super) async fn look_at_keys(&self, order: &Order, live: &mut Live, files: &Files) -> Result<bool, Problem> {
        let layout = &self.environment.layout;
        let objects = LiveObjects::new(&self.aws.store, layout).tagged(self.tagging.writes);
        live::survey(objects, &self.state, layout, live, files, order.foreign()).await
    }

    /// Records that the keys were checked. Plans again if any of them has an object.
    pub(super) fn surveyed(&self, order: &Order, intention: &mut Intention, learnt: bool) {
        intention.is_surveyed = true;
        if learnt {
            let files = std::mem::take(&mut intention.plan.files);
            intention.plan = self.planned(&intention.live, files, order, &intention.due);
        }
    }

    /// Reports what the run is about to do.
    pub(super) fn say_plan(&self, plan: &Plan) {
        self.events.send(Event::Planned {
            files: plan.counts,
            copied: plan.copies(),
            deleted: plan.removals.len(),
            paths: plan.invalidation.items().len(),
        });
    }

    /// The plan from `live` to `target`. The blobs of paths that are `due` for another check may be gone.
    fn planned(&self, live: &Live, target: Files, order: &Order, due: &BTreeSet<SitePath>) -> Plan {
        let mut plan = Plan::between(live, target, self.policy(order.may_go_straight()));
        plan.preserves.extend(blobs_in_doubt(live, due));
        plan
    }

    /// Warns once a run of files that get other bytes although browsers were told to keep them for a year. This cannot be
    /// fixed later: a browser that has such a file does not ask again.
    pub(super) fn warn_of_kept(&self, paths: impl IntoIterator<Item = SitePath>) {
        let new: Vec<String> = paths
            .into_iter()
            .filter(|path| !self.mutable_paths.contains(path))
            .map(|path| format!("`{path}`"))
            .collect();
        let (others, names) = match new.as_slice() {
            [] => return,
            [only] => ("a file that browsers may cache for a year has new content", only.clone()),
            all => ("files that browsers may cache for a year have new content", all.join(", ")),
        };
        self.events.warn(format!(
            "Under the same name, {others}: {names}. Returning visitors keep the old content, whatever is published \
             under that name. Only a new name reaches them: rename the source, or remove the build step that changes \
             the file after it was named, and publish again."
        ));
    }

    /// The files of the goal, without those that were taken out of every release. A folder that still contains such a file
    /// is refused: publishing it again would be a mistake.
    fn content(&self, goal: &Goal, head: &Head, distributions: &Distributions) -> Result<Files, Problem> {
        let mutable_paths = head.mutable_paths.union(&self.mutable_paths).cloned().collect();
        let files = goal.content(&self.environment.layout, &mutable_paths, distributions);
        if goal.release().is_none()
            && let Some((path, _)) = files.iter().find(|(path, entry)| head.is_withdrawn(path, &entry.digest))
        {
            let message = format!("{path} was removed from every release with `publish prune --now`");
            return Err(Problem::new(Code::Private, message).hint(format!(
                "Remove it from the folder; with different content, it can be published. If this run has already \
                 uploaded it, run `publish prune --now {path}` again."
            )));
        }
        Ok(head.without_withdrawn(files))
    }

    /// Files of `target` that an interrupted prune may still remove.
    async fn at_risk(&self, head: &Head, target: &Files) -> Result<BTreeSet<SitePath>, Problem> {
        let mut at_risk = self.removable_by_dead_prune(head).await?;
        at_risk.retain(|path| target.contains_key(path));
        Ok(at_risk)
    }

    /// Files that may still be removed by a prune that was interrupted before it returned its lease: a request that was under
    /// way when the lease ended may arrive until its signature expires. Costs a request for each release the prune closed.
    pub(super) async fn removable_by_dead_prune(&self, head: &Head) -> Result<BTreeSet<SitePath>, Problem> {
        let Some(pruning) = head.pruning.as_ref().filter(|pruning| pruning.lease_s > 0) else {
            return Ok(BTreeSet::new());
        };
        let mut removable: BTreeSet<SitePath> = head.withdrawn.keys().chain(head.leftovers.keys()).cloned().collect();
        for release in &pruning.closes {
            if let Some(manifest) = self.state.read_manifest(*release).await? {
                removable.extend(manifest.files.into_keys());
            } else if let Some(claim) = self.state.show_claim(*release).await? {
                removable.extend(claim.live);
            }
        }
        Ok(removable)
    }

    /// Plans again if staging found fingerprinted files with other headers at their keys - they are live, so they must be
    /// corrected and invalidated at the CDN - or restored missing ones.
    pub(super) fn replan(&self, intention: &mut Intention, staged: &Staged, order: &Order) {
        for (path, headers) in &staged.other_headers {
            if let Some(entry) = staged.manifest.files.get(path) {
                let present = Entry { headers: headers.clone(), ..entry.clone() };
                intention.live.uncertain.remove(path);
                intention.live.files.insert(path.clone(), present);
            }
        }
        intention.live.returned.extend(staged.returned.iter().cloned());
        let policy = self.policy(order.may_go_straight());
        intention.plan = Plan::between(&intention.live, staged.manifest.files.clone(), policy);
    }
}

/// Blobs that a late request may have removed although the live object is as it should be.
fn blobs_in_doubt<'l>(live: &'l Live, paths: &'l BTreeSet<SitePath>) -> impl Iterator<Item = Preserve> + 'l {
    paths.iter().filter_map(|path| {
        let entry = live.files.get(path).filter(|entry| entry.kept == Kept::Blob)?.clone();
        Some(Preserve { path: path.clone(), entry, certain: false })
    })
}

/// Names whose live bytes differ from the wanted ones although they are fingerprinted, or may be in another build:
/// one such name makes the history necessary.
fn names_with_other_bytes(live: &Live, wanted: &Files) -> BTreeSet<SitePath> {
    with_other_bytes(live, wanted, |_, path, entry| {
        entry.kind == Kind::Fingerprinted || fingerprint::may_be_fingerprinted(path)
    })
}

/// Files whose live bytes differ from the wanted ones, of those that `is_meant` selects by the live file, the path and the
/// wanted file.
fn with_other_bytes(
    live: &Live,
    wanted: &Files,
    is_meant: impl Fn(&Entry, &SitePath, &Entry) -> bool,
) -> BTreeSet<SitePath> {
    let other = wanted.iter().filter(|(path, entry)| {
        live.files.get(*path).is_some_and(|present| !present.same_bytes(entry) && is_meant(present, path, entry))
    });
    other.map(|(path, _)| path.clone()).collect()
}

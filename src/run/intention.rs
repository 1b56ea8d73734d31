//! What a run intends: what is live, what should be live, and the plan between them.

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

/// What a run means to do, and from where.
pub(super) struct Intention {
    pub(super) live: Live,
    pub(super) plan: Plan,
    /// Live paths that were looked at again, because an earlier run may have changed them late, or because they are to be
    /// repaired.
    due: BTreeSet<SitePath>,
    /// Whether the run has looked at the keys that the manifests do not describe. If not, it does so during the claim.
    pub(super) is_surveyed: bool,
    /// Live paths that an activation which was cut short may still write.
    pub(super) suspects: BTreeSet<SitePath>,
    /// Live paths that a prune which was cut short may still remove.
    pub(super) at_risk: BTreeSet<SitePath>,
    /// What shows that a complete release can be made live; `None`: not collected yet.
    pub(super) evidence: Option<Result<Evidence, Problem>>,
    /// The highest number that was claimed before the switch, where the run closes all of them.
    pub(super) claimed: Option<ReleaseNumber>,
    /// What releases there are; `None`: not listed yet.
    pub(super) releases: Option<Result<Releases, Problem>>,
}

impl Intention {
    /// What people take their time over may change meanwhile: bytes may go, and numbers may be claimed and pruned, so that a
    /// number would be used twice. Both are asked for again.
    pub(super) fn look_again_after_an_answer(&mut self) {
        (self.evidence, self.releases) = (None, None);
    }

    /// Whether the run claims a number, and no other one was claimed since the last activation.
    fn is_first_to_claim(&self, head: &Head) -> bool {
        let Some(Ok(releases)) = &self.releases else { return false };
        releases.above(head.highest_activated).next().is_none()
    }
}

impl Session<'_> {
    /// Finds out what is live and plans from there to the goal. `claims`: the run is sure to claim a number.
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
        // A run that is about to claim a number looks at the keys of new files during the claim: all else that may stop it is
        // known before that. But it claims nothing before it is certain what is live, nor where an earlier claim came to
        // nothing: a run that is started again and again, and refused because of what lies at those keys, claims one number. Nor
        // where much would leave the site: of files that come back, some may be there still, and count as live.
        let leaves_most = self.removes_too_much(&intention.plan);
        if !is_known || leaves_most || !intention.is_first_to_claim(&pointer.head) {
            self.survey(&pointer.head, order, &mut intention).await?;
        }
        intention.at_risk = self.at_risk(&pointer.head, &intention.plan.files).await?;
        self.say_plan(&intention.plan);
        Ok(intention)
    }

    /// Reads at once what is live by the state, and what the distributions do. If the run `claims` a number, it also lists the
    /// numbers that are taken. More may be taken by the time of the claim, which then takes the next one.
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

    /// Looks at the keys that the manifests do not describe, and plans again if something is there. At the same time it collects
    /// the evidence that a complete release needs, as far as the first plan tells. What the second plan needs besides is looked
    /// for when the release is proven.
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

    /// Completes `live` by what lies at the keys that the manifests do not describe. Says whether anything is there.
    pub(super) async fn look_at_keys(&self, order: &Order, live: &mut Live, files: &Files) -> Result<bool, Problem> {
        let layout = &self.environment.layout;
        let objects = LiveObjects::new(&self.aws.store, layout).tagged(self.tagging.writes);
        live::survey(objects, &self.state, layout, live, files, order.foreign()).await
    }

    /// Records that the keys were looked at. Plans again if anything is there.
    pub(super) fn surveyed(&self, order: &Order, intention: &mut Intention, learnt: bool) {
        intention.is_surveyed = true;
        if learnt {
            let files = std::mem::take(&mut intention.plan.files);
            intention.plan = self.planned(&intention.live, files, order, &intention.due);
        }
    }

    /// Says what is about to be done.
    pub(super) fn say_plan(&self, plan: &Plan) {
        self.events.send(Event::Planned {
            files: plan.counts,
            copied: plan.copies(),
            deleted: plan.removals.len(),
            paths: plan.invalidation.items().len(),
        });
    }

    /// The plan from `live` to `target`. Blobs of paths that are `due` to be looked at again may be gone.
    fn planned(&self, live: &Live, target: Files, order: &Order, due: &BTreeSet<SitePath>) -> Plan {
        let mut plan = Plan::between(live, target, self.policy(order.may_go_straight()));
        plan.preserves.extend(blobs_in_doubt(live, due));
        plan
    }

    /// Says which files will have other bytes although browsers were told to keep them for a year, once in a run. Later this
    /// cannot be fixed: a browser that has such a file does not ask again.
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

    /// What the goal comes to, without what was taken out of every release. A folder that still contains such a file
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

    /// Files of `target` that a prune which was cut short may still take away.
    async fn at_risk(&self, head: &Head, target: &Files) -> Result<BTreeSet<SitePath>, Problem> {
        let mut at_risk = self.removable_by_dead_prune(head).await?;
        at_risk.retain(|path| target.contains_key(path));
        Ok(at_risk)
    }

    /// Files that a prune which was cut short, and did not give its lease back, may still take away: what was on its
    /// way when the lease ended may arrive until its signature has expired. Costs a request for each release it closed.
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

    /// Plans anew when staging found fingerprinted files with other headers at their keys - they are live, so that they
    /// are to be put right and forgotten by the CDN - or brought some back that were gone.
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

/// Blobs that may have been taken away by a request that came late, although the live object is as it should be.
fn blobs_in_doubt<'l>(live: &'l Live, paths: &'l BTreeSet<SitePath>) -> impl Iterator<Item = Preserve> + 'l {
    paths.iter().filter_map(|path| {
        let entry = live.files.get(path).filter(|entry| entry.kept == Kept::Blob)?.clone();
        Some(Preserve { path: path.clone(), entry, certain: false })
    })
}

/// Names whose live bytes are others than those they are to have, although they are fingerprinted, or may in another build:
/// once there is evidence for such a name, the history must be known.
fn names_with_other_bytes(live: &Live, wanted: &Files) -> BTreeSet<SitePath> {
    with_other_bytes(live, wanted, |_, path, entry| {
        entry.kind == Kind::Fingerprinted || fingerprint::may_be_fingerprinted(path)
    })
}

/// Files that are live with other bytes than those they are to have, of those that `is_meant` picks by what is live, the
/// path, and what is wanted.
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

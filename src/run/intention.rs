//! What a run intends: what is live, what should be live, and the plan between them.

use std::collections::BTreeSet;

use super::goal::{Folder, Goal};
use super::order::Order;
use super::session::Session;
use crate::bucket::live::{self, LiveObjects};
use crate::bucket::state::{Pointer, Releases};
use crate::content::path::SitePath;
use crate::plan::{Live, Plan, Preserve};
use crate::release::head::{Distributions, Head};
use crate::release::manifest::{Entry, Files, Kept};
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
    /// Live paths that an activation which was cut short may still write.
    pub(super) suspects: BTreeSet<SitePath>,
    /// Live paths that a prune which was cut short may still remove.
    pub(super) at_risk: BTreeSet<SitePath>,
    /// What releases there are, asked for beside the rest; `None`: it was not.
    pub(super) releases: Option<Result<Releases, Problem>>,
}

impl Session<'_> {
    /// Finds out what is live and plans from there to the goal. Asks meanwhile which numbers are taken, where the run is sure
    /// to claim one: that its listing is older than the claim does no harm, since nobody gets a number that is taken.
    pub(super) async fn intend(
        &mut self,
        pointer: &Pointer,
        order: &Order,
        claims: bool,
    ) -> Result<Intention, Problem> {
        let Order { goal, terms } = order;
        let is_first_look = self.configurations.is_empty();
        let releases = async { if claims { Some(self.state.releases().await) } else { None } };
        let (configurations, live, releases) = tokio::join!(
            Box::pin(self.read_configurations(&pointer.head)),
            Box::pin(live::read(&self.state, &self.environment.layout, &pointer.head)),
            Box::pin(releases),
        );
        self.learn(configurations?, &pointer.head);
        if let (Goal::Folder(Folder { routes: Some(routes), .. }), true) = (goal, is_first_look) {
            self.warn_of_routes(routes);
        }
        let (layout, store) = (&self.environment.layout, self.aws.store.clone());
        let store = &store;
        let mut live = live?;
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
        let objects = LiveObjects::new(store, layout).tagged(self.tagging.writes);
        live = live::survey(objects, &self.state, layout, live, &target, order.foreign()).await?;
        let withdrawn = pointer.head.withdrawn.keys().filter(|path| target.contains_key(*path));
        live.returned.extend(withdrawn.cloned());
        let at_risk = self.at_risk(&pointer.head, &target).await?;
        let mut plan = Plan::between(&live, target, self.policy(order.may_go_straight()));
        plan.preserves.extend(blobs_in_doubt(&live, due));
        self.events.send(Event::Planned {
            files: plan.counts,
            copied: plan.copies(),
            deleted: plan.removals.len(),
            paths: plan.invalidation.items().len(),
        });
        Ok(Intention { live, plan, suspects, at_risk, releases })
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
fn blobs_in_doubt(live: &Live, paths: BTreeSet<SitePath>) -> impl Iterator<Item = Preserve> + '_ {
    paths.into_iter().filter_map(|path| {
        let entry = live.files.get(&path).filter(|entry| entry.kept == Kept::Blob)?.clone();
        Some(Preserve { path, entry, certain: false })
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

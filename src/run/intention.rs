//! What a run means to do, and from where: what is live, what it is to come to, and the plan between them.

use std::collections::BTreeSet;

use super::Terms;
use super::goal::Goal;
use super::session::Session;
use crate::error::Problem;
use crate::event::Event;
use crate::head::{CdnView, Head};
use crate::headers::Kind;
use crate::live;
use crate::manifest::{Entry, Files};
use crate::path::SitePath;
use crate::plan::{Live, Plan};
use crate::stage::Staged;
use crate::state::Pointer;

/// What a run means to do, and from where.
pub(super) struct Intention {
    pub(super) live: Live,
    pub(super) plan: Plan,
    /// Live paths that an activation which was cut short may still write.
    pub(super) suspects: BTreeSet<SitePath>,
}

impl Session<'_> {
    /// Finds out what is live and plans from there to the goal.
    pub(super) async fn intend(&mut self, pointer: &Pointer, goal: &Goal, terms: &Terms) -> Result<Intention, Problem> {
        self.read_distribution(&pointer.head).await?;
        let (layout, store) = (&self.environment.layout, &self.aws.store);
        let mut live = live::read(&self.state, layout, &pointer.head).await?;
        let suspects: BTreeSet<SitePath> = live.uncertain.keys().cloned().collect();
        let lied = names_that_lied(&live, &self.content(goal, &pointer.head, self.cdn()));
        self.mutable_paths.extend(lied);
        let target = self.content(goal, &pointer.head, self.cdn());
        let due = pointer.head.due_suspects(pointer.read_at);
        live = live::look_again(store, &self.state, layout, live, &target, due).await?;
        live = live::survey(store, &self.state, layout, live, &target, self.foreign(terms)).await?;
        let plan = Plan::between(&live, target, self.policy(goal.may_go_straight(terms)));
        self.events.send(Event::Planned {
            files: plan.counts,
            copied: plan.copies(),
            deleted: plan.removals.len(),
            paths: plan.invalidation.paths.len(),
        });
        Ok(Intention { live, plan, suspects })
    }

    fn content(&self, goal: &Goal, head: &Head, cdn: CdnView<'_>) -> Files {
        let mutable_paths = head.mutable_paths.union(&self.mutable_paths).cloned().collect();
        goal.content(&self.environment.layout, &mutable_paths, cdn)
    }

    /// Plans anew when staging found fingerprinted files with other headers at their keys: they are live, so that they
    /// are to be put right and forgotten by the CDN.
    pub(super) fn replan(&self, intention: &mut Intention, staged: &Staged, straight: bool) {
        for (path, headers) in &staged.other_headers {
            if let Some(entry) = staged.manifest.files.get(path) {
                let present = Entry { headers: headers.clone(), ..entry.clone() };
                intention.live.uncertain.remove(path);
                intention.live.files.insert(path.clone(), present);
            }
        }
        let policy = self.policy(straight);
        intention.plan = Plan::between(&intention.live, staged.manifest.files.clone(), policy);
    }
}

/// Fingerprinted names whose live bytes are others than those they are to have.
fn names_that_lied(live: &Live, wanted: &Files) -> BTreeSet<SitePath> {
    let lied = wanted.iter().filter(|(path, entry)| {
        entry.kind == Kind::Fingerprinted && live.files.get(*path).is_some_and(|present| !present.same_bytes(entry))
    });
    lied.map(|(path, _)| path.clone()).collect()
}

//! The goal of a run, and the conditions under which it becomes live.

use std::collections::BTreeSet;

use super::goal::Goal;
use crate::bucket::live::Foreign;
use crate::content::path::SitePath;
use crate::plan::Plan;
use crate::release::head::Head;
use crate::release::manifest::ReleaseNumber;
use crate::report::Outcome;

/// The goal of a run, and the conditions under which it becomes live.
pub(super) struct Order {
    pub(super) goal: Goal,
    pub(super) terms: Terms,
}

/// A deliberate rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rollback {
    /// Whether publishing is held from now on.
    pub(super) hold: bool,
}

/// The conditions under which a release becomes live.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    /// Whether the objects that are there before the first publish become release 0.
    pub(super) adopt: bool,
    /// Whether foreign objects at keys that the site needs are overwritten.
    pub(super) overwrite: bool,
    /// Whether an older number may replace a newer one.
    pub(super) force: bool,
    /// Whether pages may lack files that they need.
    pub(super) allow_broken: bool,
    /// Whether to stop before anything is visible to visitors.
    pub(super) stage_only: bool,
    /// Whether this is a rollback.
    pub(super) rollback: Option<Rollback>,
    /// Live paths of the active release to check and repair. Then no other release is activated.
    pub(super) repair: Option<BTreeSet<SitePath>>,
    /// The reason, for the history.
    pub(super) reason: Option<String>,
}

impl Terms {
    /// Whether publishing is held afterwards.
    pub(super) fn holds(&self) -> bool {
        self.rollback.is_some_and(|rollback| rollback.hold)
    }
}

/// What was live, or about to be, when a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    active: Option<ReleaseNumber>,
    activating: Option<ReleaseNumber>,
}

impl Shown {
    /// The state that `head` shows.
    pub(super) fn by(head: &Head) -> Shown {
        let active = head.active.as_ref().map(|active| active.release);
        Shown { active, activating: head.activation.as_ref().map(|activation| activation.to) }
    }

    /// Whether only `release` is live or about to be.
    pub(super) fn is_only(self, release: ReleaseNumber) -> bool {
        self.active == Some(release) && self.activating.is_none_or(|to| to == release)
    }

    /// Whether the user has seen what is live in `later`, and what is about to be.
    fn includes(self, later: Shown) -> bool {
        let knows = |release: Option<ReleaseNumber>| release == self.active || release == self.activating;
        knows(later.active) && (later.activating.is_none() || knows(later.activating))
    }
}

impl Order {
    /// Whether a run that is exempt from the order of numbers would replace a release that the user has not seen: another one
    /// is active by now, or about to be. It does no harm if that is the release that was asked for.
    pub(super) fn is_overtaken(&self, shown: Shown, head: &Head) -> bool {
        let unordered = self.terms.force || self.goal.release().is_some();
        let now = Shown::by(head);
        let is_done = now.activating.is_none() && now.active.is_some() && now.active == self.goal.release();
        unordered && !is_done && !shown.includes(now)
    }

    /// Whether the result of `plan` is live already. A plan without visible changes may still lead to another release: a file
    /// that had retired, and whose object is still there, belongs to it again.
    pub(super) fn is_done(&self, head: &Head, plan: &Plan) -> bool {
        let meant = self.goal.release();
        let active = head.active.as_ref().is_some_and(|active| {
            active.content == plan.content && meant.is_none_or(|release| release == active.release)
        });
        active && plan.is_empty() && head.activation.is_none()
    }

    /// The name of the operation.
    pub(super) fn outcome(&self) -> Outcome {
        match self.goal {
            Goal::Folder(_) => Outcome::Published,
            Goal::Elsewhere(_) => Outcome::Promoted,
            Goal::Release(_) if self.terms.repair.is_some() => Outcome::Repaired,
            Goal::Release(_) if self.terms.rollback.is_some() => Outcome::RolledBack,
            Goal::Release(_) => Outcome::Activated,
        }
    }

    /// Whether mutable files may go straight to their live keys if nothing is active yet.
    pub(super) fn may_go_straight(&self) -> bool {
        matches!(self.goal, Goal::Folder(_)) && !self.terms.stage_only
    }

    /// How to treat foreign objects at keys that the site needs.
    pub(super) fn foreign(&self) -> Foreign {
        if self.terms.overwrite { Foreign::Overwrite } else { Foreign::Refuse }
    }

    /// The release to be repaired, if another one is active or about to be.
    pub(super) fn repair_is_pointless(&self, head: &Head) -> Option<ReleaseNumber> {
        self.terms.repair.as_ref()?;
        let active = head.active.as_ref().map(|active| active.release);
        let under_way = head.activation.is_some() && !head.is_being_repaired();
        self.goal.release().filter(|release| Some(*release) != active || under_way)
    }
}

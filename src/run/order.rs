//! What is to become live, and on what terms.

use std::collections::BTreeSet;

use super::goal::Goal;
use crate::bucket::live::Foreign;
use crate::content::path::SitePath;
use crate::plan::Plan;
use crate::release::head::Head;
use crate::release::manifest::ReleaseNumber;
use crate::report::Outcome;

/// What is to become live, and on what terms.
pub(super) struct Order {
    pub(super) goal: Goal,
    pub(super) terms: Terms,
}

/// Going back on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rollback {
    /// Whether nothing may be published from now on.
    pub(super) hold: bool,
}

/// On what terms a release becomes live.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    /// Whether what lies there before the first publish becomes release 0.
    pub(super) adopt: bool,
    /// Whether foreign objects that the site needs are written over.
    pub(super) overwrite: bool,
    /// Whether an older number may replace a newer one.
    pub(super) force: bool,
    /// Whether pages may lack what they need.
    pub(super) allow_broken: bool,
    /// Whether to stop before visitors see anything of it.
    pub(super) stage_only: bool,
    /// Whether it is gone back to.
    pub(super) rollback: Option<Rollback>,
    /// Live paths of the active release that are to be looked at and put right. Nothing else is to become active.
    pub(super) repair: Option<BTreeSet<SitePath>>,
    /// Why, for the history.
    pub(super) reason: Option<String>,
}

impl Terms {
    /// Whether nothing may be published from then on.
    pub(super) fn holds(&self) -> bool {
        self.rollback.is_some_and(|rollback| rollback.hold)
    }
}

/// What a run found live when it began, or about to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    active: Option<ReleaseNumber>,
    activating: Option<ReleaseNumber>,
}

impl Shown {
    /// What `head` shows.
    pub(super) fn by(head: &Head) -> Shown {
        let active = head.active.as_ref().map(|active| active.release);
        Shown { active, activating: head.activation.as_ref().map(|activation| activation.to) }
    }

    /// Whether nothing but `release` is live or about to be.
    pub(super) fn is_only(self, release: ReleaseNumber) -> bool {
        self.active == Some(release) && self.activating.is_none_or(|to| to == release)
    }

    /// Whether what is live by `later`, and what is about to be, was shown.
    fn includes(self, later: Shown) -> bool {
        let knows = |release: Option<ReleaseNumber>| release == self.active || release == self.activating;
        knows(later.active) && (later.activating.is_none() || knows(later.activating))
    }
}

impl Order {
    /// Whether a run that the order of numbers does not stop would replace what it has not shown: another release is
    /// active by now, or about to be. That it is the very one that was asked for is no harm.
    pub(super) fn is_overtaken(&self, shown: Shown, head: &Head) -> bool {
        let unordered = self.terms.force || self.goal.release().is_some();
        let now = Shown::by(head);
        let is_done = now.activating.is_none() && now.active.is_some() && now.active == self.goal.release();
        unordered && !is_done && !shown.includes(now)
    }

    /// Whether what `plan` leads to is live already. Without a visible change a release may still be another one: a file that
    /// had retired, and whose object is still there, belongs to it again.
    pub(super) fn is_done(&self, head: &Head, plan: &Plan) -> bool {
        let meant = self.goal.release();
        let active = head.active.as_ref().is_some_and(|active| {
            active.content == plan.content && meant.is_none_or(|release| release == active.release)
        });
        active && plan.is_empty() && head.activation.is_none()
    }

    /// What it is called when it is carried out.
    pub(super) fn outcome(&self) -> Outcome {
        match self.goal {
            Goal::Folder(_) => Outcome::Published,
            Goal::Elsewhere(_) => Outcome::Promoted,
            Goal::Release(_) if self.terms.repair.is_some() => Outcome::Repaired,
            Goal::Release(_) if self.terms.rollback.is_some() => Outcome::RolledBack,
            Goal::Release(_) => Outcome::Activated,
        }
    }

    /// Whether mutable files may go straight to their live keys where nothing is active yet.
    pub(super) fn may_go_straight(&self) -> bool {
        matches!(self.goal, Goal::Folder(_)) && !self.terms.stage_only
    }

    /// What is done about foreign objects at keys that the site needs.
    pub(super) fn foreign(&self) -> Foreign {
        if self.terms.overwrite { Foreign::Overwrite } else { Foreign::Refuse }
    }

    /// The release to be repaired, where another one is active or is about to be.
    pub(super) fn repair_is_pointless(&self, head: &Head) -> Option<ReleaseNumber> {
        self.terms.repair.as_ref()?;
        let active = head.active.as_ref().map(|active| active.release);
        let under_way = head.activation.is_some() && !head.is_being_repaired();
        self.goal.release().filter(|release| Some(*release) != active || under_way)
    }
}

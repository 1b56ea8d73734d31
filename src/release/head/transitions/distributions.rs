//! The distributions in front of the site: what is known of them, and that each has seen what is live or is owed what it has
//! not seen.

use std::collections::BTreeMap;

use super::Lookout;
use crate::content::path::UrlPath;
use crate::release::head::{DistributionFacts, Head, HeadFields, Items, TagUse, Tagging};
use crate::release::manifest::ReleaseNumber;

/// What has to be refreshed at each distribution, by id: nothing if nothing changes. At a known one that is not named here,
/// everything has to be refreshed.
pub type Covers<'a> = BTreeMap<&'a str, Items<'a>>;

/// What a run read of a distribution.
#[derive(Clone, Copy, Debug)]
pub struct Learnt<'a> {
    /// Its id.
    pub distribution: &'a str,
    /// What it does.
    pub facts: &'a DistributionFacts,
    /// The ETag of the configuration that says so, where that is known.
    pub config_etag: Option<&'a str>,
    /// Whether this run has read it; else it is what an earlier one had read.
    pub is_new: bool,
    /// Whether that configuration is deployed everywhere, where the run asked for that.
    pub is_deployed: bool,
}

/// Everything that can be cached.
pub(super) fn everything() -> [UrlPath; 1] {
    [UrlPath::everything()]
}

impl Head {
    /// The head without a distribution, so that nothing is owed to it; `None`: it was not there.
    #[must_use]
    pub fn forget_distribution(&self, id: &str) -> Option<Head> {
        let mut next = self.clone();
        next.fields.distributions.remove(id)?;
        next.fields.pending_refreshes.retain(|refresh| refresh.distribution != id);
        Some(next)
    }
}

impl HeadFields {
    /// Records what was read of distributions. Fields of newer programs stay. One that may have cached what
    /// was never refreshed is owed everything, unless nothing could be cached yet.
    pub(super) fn learn(&mut self, learnt: &[Learnt<'_>], release: ReleaseNumber, by: Lookout<'_>) {
        learnt.iter().for_each(|one| self.learn_of(*one, release, by));
    }

    fn learn_of(&mut self, learnt: Learnt<'_>, release: ReleaseNumber, by: Lookout<'_>) {
        let Learnt { distribution, facts, config_etag, is_new, .. } = learnt;
        let is_owed_all = self.may_be_kept() && self.is_unseen_by(distribution);
        let known = self.distributions.entry(distribution.to_owned()).or_default();
        known.facts = facts.clone();
        known.config_etag = config_etag.map(str::to_owned);
        if is_new {
            known.counts_no_tags_unless_under(config_etag.filter(|_| facts.caching.has_tags));
            if known.tagged_under.is_none() {
                self.owe_everything_for_tags(distribution, by);
            }
        }
        if is_owed_all {
            self.owe(distribution, everything()[..].into(), release, by);
        }
    }

    /// Records what is to be refreshed at every distribution.
    pub(super) fn owe_all(&mut self, covers: &Covers<'_>, release: ReleaseNumber, by: Lookout<'_>) {
        let everything = everything();
        let ids: Vec<String> = self.distributions.keys().cloned().collect();
        for id in ids {
            let cover = covers.get(id.as_str()).copied();
            let items = cover.filter(|_| !self.is_unseen_by(&id)).unwrap_or(everything[..].into());
            if !items.is_empty() {
                self.owe(&id, items, release, by);
            }
        }
    }

    /// Records how an activation goes about cache tags. Where live objects are written without, tags count nowhere any more;
    /// where they begin to count, a distribution has to forget everything.
    pub(super) fn go_about_tags(&mut self, tagging: &Tagging, learnt: &[Learnt<'_>]) {
        self.tagged &= tagging.writes;
        if !tagging.writes || tagging.begins {
            self.count_no_tags();
        }
        for one in learnt.iter().filter(|one| tagging.uses.get(one.distribution) == Some(&TagUse::Begins)) {
            if let Some(known) = self.distributions.get_mut(one.distribution) {
                known.tagged_under = one.config_etag.map(str::to_owned);
            }
        }
    }

    /// Tags count at no distribution.
    pub(super) fn count_no_tags(&mut self) {
        self.distributions.values_mut().for_each(|known| known.tagged_under = None);
    }

    /// `release` is live: distributions without an owed refresh are up to date, since nothing changed for them.
    pub(super) fn is_seen_where_nothing_is_owed(&mut self, release: ReleaseNumber) {
        let owed: Vec<&String> = self.pending_refreshes.iter().map(|refresh| &refresh.distribution).collect();
        let others = self.distributions.iter_mut().filter(|(id, _)| !owed.contains(id));
        others.for_each(|(_, known)| known.seen = Some(release));
    }

    /// Of a distribution that is all there is, only that is kept which format 1 says of it: so old programs and new ones go
    /// on together until there is a second one.
    pub(super) fn simplify_a_single_distribution(&mut self) {
        let [id] = &self.distributions.keys().cloned().collect::<Vec<_>>()[..] else { return };
        let seen = self.seen_alone(id);
        if !self.is_unseen_by(id)
            && let Some(only) = self.distributions.get_mut(id)
        {
            (only.config_etag, only.seen) = (None, seen);
        }
    }
}

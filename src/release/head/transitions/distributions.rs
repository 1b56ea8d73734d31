//! The distributions in front of the site: what is known of them, and that each has seen what is live or is owed it.

use std::collections::BTreeMap;

use super::Lookout;
use crate::content::path::UrlPath;
use crate::release::head::{DistributionFacts, Head, HeadFields};
use crate::release::manifest::ReleaseNumber;

/// What distributions will have to forget, by their ids: wildcards and exact paths, none where nothing changes. One that
/// is known and not named here will have to forget everything.
pub type Covers<'a> = BTreeMap<&'a str, &'a [UrlPath]>;

/// What a run read of a distribution.
#[derive(Clone, Copy, Debug)]
pub struct Learnt<'a> {
    /// Its id.
    pub distribution: &'a str,
    /// What it does.
    pub facts: &'a DistributionFacts,
    /// The ETag of the configuration that says so, where that is known.
    pub config_etag: Option<&'a str>,
}

impl Head {
    /// The head that knows nothing of a distribution, so that nothing is owed to it; `None`: it did not.
    #[must_use]
    pub fn forget_distribution(&self, id: &str) -> Option<Head> {
        let mut next = self.clone();
        next.fields.distributions.remove(id)?;
        next.fields.pending_refreshes.retain(|refresh| refresh.distribution != id);
        Some(next)
    }
}

impl HeadFields {
    /// Records what was read of distributions. What newer programs say of them stays. One that may keep what nobody
    /// refreshed is owed everything, unless nothing could yet be kept.
    pub(super) fn learn(&mut self, learnt: &[Learnt<'_>], release: ReleaseNumber, by: Lookout<'_>) {
        learnt.iter().for_each(|one| self.learn_of(*one, release, by));
    }

    fn learn_of(&mut self, learnt: Learnt<'_>, release: ReleaseNumber, by: Lookout<'_>) {
        let Learnt { distribution, facts, config_etag } = learnt;
        let is_owed_all = self.may_be_kept() && self.is_unseen_by(distribution);
        let known = self.distributions.entry(distribution.to_owned()).or_default();
        known.facts = facts.clone();
        known.config_etag = config_etag.map(str::to_owned);
        if is_owed_all {
            self.owe(distribution, &[UrlPath::everything()], release, by);
        }
    }

    /// Records what is to be refreshed at every distribution.
    pub(super) fn owe_all(&mut self, covers: &Covers<'_>, release: ReleaseNumber, by: Lookout<'_>) {
        let everything = [UrlPath::everything()];
        let ids: Vec<String> = self.distributions.keys().cloned().collect();
        for id in ids {
            let cover = covers.get(id.as_str()).copied();
            let paths = cover.filter(|_| !self.is_unseen_by(&id)).unwrap_or(&everything);
            if !paths.is_empty() {
                self.owe(&id, paths, release, by);
            }
        }
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

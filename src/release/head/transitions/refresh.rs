//! Refreshes of the CDN: owed, asked for again under another id, sent, and settled.

use std::collections::BTreeSet;

use super::distributions::everything;
use super::{Covers, Lookout, Refusal};
use crate::release::format::Unknown;
use crate::release::head::{Activation, Head, HeadFields, Items, MAX_OWED_PATHS, Refresh};
use crate::release::manifest::{ReleaseNumber, RunId};

impl Head {
    /// The head in which refreshes that are asked for anew have other ids, and are to be sent: pairs of the id they have and
    /// the new one. Tags that did not do are not asked for again: everything is, and they do not count any more.
    #[must_use]
    pub fn rename_refreshes(&self, ids: &[(String, String)]) -> Head {
        let mut next = self.clone();
        let mut unreliable = BTreeSet::new();
        for refresh in next.fields.pending_refreshes.iter_mut().filter(|refresh| refresh.is_understood()) {
            if let Some((_, new)) = ids.iter().find(|(old, _)| *old == refresh.id) {
                refresh.id.clone_from(new);
                refresh.invalidations.clear();
                if !refresh.tags.is_empty() {
                    (refresh.paths, refresh.tags) = (everything().to_vec(), Vec::new());
                    unreliable.insert(refresh.distribution.clone());
                }
            }
        }
        for id in unreliable {
            next.fields.distributions.entry(id).and_modify(|known| known.tagged_under = None);
        }
        next
    }

    /// The head in which refreshes are sent: pairs of their ids and those of the invalidations that stand for all of their
    /// paths. They stay until they are settled. What an activation or a prune owes that is in progress stays to be sent: after
    /// these invalidations, more may be written.
    #[must_use]
    pub fn note_sent(&self, sent: &[(String, Vec<String>)]) -> Head {
        let in_progress = self.release_in_progress();
        let mut next = self.clone();
        let pending = next.fields.pending_refreshes.iter_mut();
        for refresh in pending.filter(|it| it.is_understood() && Some(it.release) != in_progress) {
            if let Some((_, invalidations)) = sent.iter().find(|(id, _)| *id == refresh.id) {
                refresh.invalidations.clone_from(invalidations);
            }
        }
        next
    }

    /// The head in which the refreshes with these ids are not owed any more; a distribution that is owed nothing else has
    /// seen what is live, and one that is owed only what came later has seen the release of the last one that is done. What
    /// an activation or a prune owes stays for as long as that is in progress.
    #[must_use]
    pub fn settle_refreshes(&self, done: &[String]) -> Head {
        let in_progress = self.release_in_progress();
        let is_done = |refresh: &Refresh| {
            refresh.is_understood() && done.contains(&refresh.id) && Some(refresh.release) != in_progress
        };
        let active = self.active.as_ref().map(|active| active.release);
        let mut next = self.clone();
        for (id, known) in &mut next.fields.distributions {
            // They stand in the order in which they were recorded.
            if let Some(last) = self.owed_to(id).take_while(|refresh| is_done(refresh)).last() {
                known.seen = if self.owed_to(id).all(is_done) { active } else { Some(last.release) };
            }
        }
        next.fields.pending_refreshes.retain(|refresh| !is_done(refresh));
        next
    }
}

impl Head {
    /// The head in which paths that a person named are to be refreshed at distributions. What is in progress
    /// owes refreshes of its own, which no earlier one stands for. The same request, still to be sent for an earlier run, stays as
    /// it is: asked for again, it costs nothing.
    ///
    /// # Errors
    /// [`Refusal::Empty`] and, where an activation or a prune is not finished, [`Refusal::Busy`].
    pub fn owe_asked(&self, covers: &Covers<'_>, by: Lookout<'_>) -> Result<Head, Refusal> {
        let release = self.active.as_ref().ok_or(Refusal::Empty)?.release;
        if self.activation.is_some() || self.pruning.is_some() {
            return Err(Refusal::Busy);
        }
        let is_owed = |id: &str, items: Items<'_>| {
            let mut owed = self.owed_to(id).filter(|owed| owed.is_to_be_sent());
            owed.any(|owed| owed.release == release && owed.items() == items)
        };
        let mut next = self.clone();
        for (id, items) in covers
            .iter()
            .filter(|(id, items)| self.distributions.contains_key(**id) && !items.is_empty() && !is_owed(id, **items))
        {
            next.fields.owe(id, *items, release, by);
        }
        Ok(next)
    }
}

impl HeadFields {
    /// Records what is to be refreshed at a distribution, under an id that no other run, no other revision and no other refresh
    /// gives. An earlier refresh that the new one covers need not be asked for twice: it is sent after everything is
    /// written. Where too much is owed already, the new one covers all.
    pub(super) fn owe(&mut self, distribution: &str, items: Items<'_>, release: ReleaseNumber, by: Lookout<'_>) {
        let own = self.owed_to(distribution).map(|refresh| refresh.items().len()).sum::<usize>();
        let share = MAX_OWED_PATHS / self.distributions.len().max(1);
        let is_too_much = own + items.len() > share || self.owed_items() + items.len() > MAX_OWED_PATHS;
        let everything = everything();
        let items = if is_too_much { everything[..].into() } else { items };
        let is_covered =
            |owed: &Refresh| owed.distribution == distribution && owed.is_understood() && owed.is_covered_by(items);
        self.pending_refreshes.retain(|owed| !is_covered(owed));
        self.pending_refreshes.push(Refresh {
            id: self.new_id(by),
            distribution: distribution.to_owned(),
            release,
            since: by.now,
            paths: items.paths.to_vec(),
            tags: items.tags.to_vec(),
            invalidations: Vec::new(),
            unknown: Unknown::default(),
        });
    }

    /// A distribution that knows its copies by other tags now, or by none, forgets everything in place of the tags that are still
    /// to be sent.
    pub(super) fn owe_everything_for_tags(&mut self, distribution: &str, by: Lookout<'_>) {
        for index in 0..self.pending_refreshes.len() {
            let id = self.new_id(by);
            let owed = &mut self.pending_refreshes[index];
            if owed.distribution == distribution && owed.is_to_be_sent() && !owed.tags.is_empty() {
                (owed.id, owed.paths, owed.tags) = (id, everything().to_vec(), Vec::new());
            }
        }
    }

    /// What `withdrawn`, which began from `before`, would have changed is not refreshed, because it did not change. A refresh that
    /// stands for others too, or for a distribution that has not seen what is live, is owed because of what is live.
    pub(super) fn owe_no_more(&mut self, withdrawn: &Activation, before: &Head) {
        let active = self.active.as_ref().map(|active| active.release);
        let begun = id_of_write(&withdrawn.owner, before.revision);
        let is_its_own = |refresh: &Refresh| refresh.id == begun || refresh.id.starts_with(&format!("{begun}-"));
        let is_here = |owed: &Refresh| self.pending_refreshes.iter().any(|refresh| refresh.id == owed.id);
        // What a distribution had to forget before stands there on its own.
        let needs_no_more = |id: &str| !before.is_unseen_by(id) && before.owed_to(id).all(is_here);
        let gone = |refresh: &&Refresh| is_its_own(refresh) && needs_no_more(&refresh.distribution);
        let gone: BTreeSet<String> =
            self.pending_refreshes.iter().filter(gone).map(|refresh| refresh.distribution.clone()).collect();
        self.pending_refreshes.retain(|refresh| !gone.contains(&refresh.distribution) || !is_its_own(refresh));
        for (id, known) in &mut self.distributions {
            if gone.contains(id) && before.owed_to(id).next().is_none() {
                known.seen = active;
            }
            // Tags that were to count from this activation on do not.
            let counted = before.distributions.get(id).and_then(|was| was.tagged_under.as_deref());
            known.tagged_under = known.tagged_under.take().filter(|etag| counted == Some(etag));
        }
        for refresh in self.pending_refreshes.iter_mut().filter(|refresh| refresh.release == withdrawn.to) {
            refresh.release = active.unwrap_or(withdrawn.to);
        }
    }

    /// The id of the next refresh that is recorded in this write: of those of one write, each has another.
    fn new_id(&self, by: Lookout<'_>) -> String {
        let write = id_of_write(by.run, self.revision);
        let is_free = |id: &String| self.pending_refreshes.iter().all(|refresh| refresh.id != *id);
        let others = (2_u32..).map(|number| format!("{write}-{number}"));
        std::iter::once(write.clone()).chain(others).find(is_free).unwrap_or(write)
    }

    /// The release that an activation or a prune in progress is about.
    pub(super) fn release_in_progress(&self) -> Option<ReleaseNumber> {
        let active = || self.active.as_ref().map(|active| active.release);
        let activating = self.activation.as_ref().map(|activation| activation.to);
        activating.or_else(|| self.pruning.as_ref().and_then(|_| active()))
    }
}

/// The id of the first refresh that `run` records in the write after `revision`; those of others begin with it.
fn id_of_write(run: &RunId, revision: u64) -> String {
    format!("{run}-{}", revision.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;

    use super::*;
    use crate::content::path::UrlPath;
    use crate::release::head::{
        ActivationBegins, Caching, Covers, Distribution, DistributionFacts, Learnt, PruneBegins,
    };
    use crate::release::manifest::{Identity, Publisher};
    use crate::types::clock::Timestamp;

    /// What a run reads of the distribution `E1`.
    fn learnt() -> Learnt<'static> {
        const FACTS: &DistributionFacts = &DistributionFacts {
            readable: false,
            origin_path: String::new(),
            default_root_object: None,
            error_pages: BTreeSet::new(),
            rewrites_at_origin: false,
            caching: Caching::USUAL,
        };
        Learnt { distribution: "E1", facts: FACTS, config_etag: None, is_new: true, is_deployed: false }
    }

    fn by(run: &RunId) -> Lookout<'_> {
        Lookout { run, now: Timestamp::from_unix_seconds(0), read_at: None, age: std::time::Duration::ZERO }
    }

    fn head() -> Head {
        let identity = Identity { site: "shop".to_owned(), bucket: "b".to_owned(), prefix: String::new() };
        Head::new(identity, RunId("before".to_owned()))
    }

    fn activated(head: &Head, paths: &[UrlPath]) -> Head {
        let run = RunId("activates".to_owned());
        head.begin_activation(ActivationBegins {
            to: ReleaseNumber::new(1),
            by: by(&run),
            publisher: &Publisher::default(),
            lease_s: 90,
            force: false,
            floor: None,
            suspects: &BTreeSet::new(),
            at_risk: &BTreeSet::new(),
            mutable_paths: &BTreeSet::new(),
            learnt: &[learnt()],
            covers: &Covers::from([("E1", paths.into())]),
            tags: false,
        })
        .unwrap()
    }

    fn pruned(head: &Head, paths: &[UrlPath]) -> Head {
        let run = RunId("prunes".to_owned());
        head.begin_prune(PruneBegins {
            by: by(&run),
            publisher: &Publisher::default(),
            lease_s: 90,
            closes: &BTreeSet::new(),
            at_risk: &BTreeSet::new(),
            withdraws: &BTreeMap::new(),
            content: None,
            learnt: &[learnt()],
            covers: &Covers::from([("E1", paths.into())]),
        })
        .unwrap()
    }

    fn many(count: usize) -> Vec<UrlPath> {
        (0..count).map(|number| UrlPath::encode(&format!("/{number}.html"))).collect()
    }

    /// A head that owed more could not be read, and asking for so much costs more than asking for everything.
    #[test]
    fn what_is_owed_beyond_the_most_is_everything() {
        for owing in [activated, pruned] {
            let most = owing(&head(), &many(MAX_OWED_PATHS));
            assert_eq!(most.pending_refreshes[0].paths.len(), MAX_OWED_PATHS);
            let beyond = owing(&head(), &many(MAX_OWED_PATHS + 1));
            assert_eq!(beyond.pending_refreshes[0].paths, [UrlPath::everything()]);
            let other = head().with(|head| {
                let (paths, since) = (many(MAX_OWED_PATHS), Timestamp::from_unix_seconds(0));
                let (id, distribution, release) = ("first".to_owned(), "E0".to_owned(), ReleaseNumber::new(1));
                let (invalidations, unknown) = (Vec::new(), Unknown::default());
                head.pending_refreshes =
                    vec![Refresh { id, distribution, release, since, paths, tags: Vec::new(), invalidations, unknown }];
            });
            let beyond = owing(&other, &many(1));
            assert_eq!(beyond.pending_refreshes[1].paths, [UrlPath::everything()]);
        }
    }

    /// Each of several distributions may be owed its share of the most, whatever the others are owed.
    #[test]
    fn what_is_owed_to_one_of_several_beyond_its_share_is_everything() {
        let run = RunId("owes".to_owned());
        let two = head().with(|head| {
            head.distributions = ["E1", "E2"].map(|id| (id.to_owned(), Distribution::default())).into();
        });
        let owing = |head: &Head, distribution: &str, paths: Vec<UrlPath>| {
            head.clone().with(|head| head.owe(distribution, paths[..].into(), ReleaseNumber::new(1), by(&run)))
        };
        let owed = |head: &Head| head.pending_refreshes.iter().map(|owed| owed.paths.len()).collect::<Vec<_>>();
        let everything = [UrlPath::everything()];
        let share = MAX_OWED_PATHS / 2;
        let one_has_its_share = owing(&two, "E1", many(share));
        assert_eq!(owed(&one_has_its_share), [share]);
        let both_have = owing(&one_has_its_share, "E2", many(share));
        assert_eq!(owed(&both_have), [share, share]);
        assert_eq!(owing(&two, "E1", many(share + 1)).pending_refreshes[0].paths, everything);
        let of_two_parts = owing(&two, "E1", many(share - 1));
        let second = |count: usize| vec![UrlPath::encode("/other"); count];
        assert_eq!(owed(&owing(&of_two_parts, "E1", second(1))), [share - 1, 1]);
        assert_eq!(owing(&of_two_parts, "E1", second(2)).pending_refreshes[0].paths, everything);
        let of_two_parts = owing(&two, "E1", many(share / 2));
        assert_eq!(owed(&owing(&of_two_parts, "E1", second(share / 2))), [share / 2, share / 2]);
    }

    #[test]
    fn what_a_new_refresh_covers_is_not_owed_twice_unless_a_newer_program_said_more_of_it() {
        let owed = activated(&head(), &many(2));
        assert_eq!(pruned_after(&owed, &[UrlPath::everything()]), ["prunes-1"]);
        assert_eq!(pruned_after(&owed, &many(1)), ["activates-1", "prunes-1"]);
        let newer = owed.with(|head| head.pending_refreshes[0].unknown.keep(&["until".to_owned()], json!(1)));
        assert_eq!(pruned_after(&newer, &[UrlPath::everything()]), ["activates-1", "prunes-1"]);
        let ids = [("activates-1".to_owned(), "renamed".to_owned())];
        assert_eq!(newer.rename_refreshes(&ids), newer);
        assert_eq!(newer.settle_refreshes(&["activates-1".to_owned()]), newer);
        assert!(newer.refreshes_to_send().next().is_none());
    }

    /// The ids of what is owed when a prune owes more, after the activation was given up.
    fn pruned_after(head: &Head, paths: &[UrlPath]) -> Vec<String> {
        let free = head.give_up_activation(&RunId("activates".to_owned()), None).unwrap();
        let refreshes = pruned(&free, paths).into_fields().pending_refreshes;
        refreshes.into_iter().map(|refresh| refresh.id).collect()
    }
}

//! What the CDN has to forget: it is owed, asked for anew under another id, and settled.

use super::Lookout;
use crate::content::path::UrlPath;
use crate::release::format::Unknown;
use crate::release::head::{Head, HeadFields, MAX_OWED_PATHS, Refresh};
use crate::release::manifest::ReleaseNumber;

/// What a run will owe.
#[derive(Clone, Copy, Debug)]
pub struct RefreshOwed<'a> {
    /// The distribution that must forget.
    pub distribution: &'a str,
    /// What: wildcards and exact paths, at least one.
    pub paths: &'a [UrlPath],
}

impl Head {
    /// The head in which refreshes that are asked for anew have other ids: pairs of the one they have and the new one.
    #[must_use]
    pub fn rename_refreshes(&self, ids: &[(String, String)]) -> Head {
        let mut next = self.clone();
        for refresh in next.fields.pending_refreshes.iter_mut().filter(|refresh| refresh.is_understood()) {
            if let Some((_, new)) = ids.iter().find(|(old, _)| *old == refresh.id) {
                refresh.id.clone_from(new);
            }
        }
        next
    }

    /// The head in which the refreshes with these ids are not owed any more.
    #[must_use]
    pub fn settle_refreshes(&self, done: &[String]) -> Head {
        let mut next = self.clone();
        next.fields.pending_refreshes.retain(|refresh| !refresh.is_understood() || !done.contains(&refresh.id));
        next
    }
}

impl HeadFields {
    /// Records what the CDN has to forget, under an id that no other run and no other revision gives. An earlier refresh
    /// that the new one covers need not be asked for twice: it is sent after everything is written. Where too much is
    /// owed already, the new one covers all.
    pub(super) fn owe(&mut self, owed: RefreshOwed<'_>, release: ReleaseNumber, by: Lookout<'_>) {
        let mut paths = owed.paths.to_vec();
        if self.owed().count() + paths.len() > MAX_OWED_PATHS {
            paths = vec![UrlPath::everything()];
        }
        let id = format!("{}-{}", by.run, self.revision.saturating_add(1));
        let (distribution, unknown) = (owed.distribution.to_owned(), Unknown::default());
        let refresh = Refresh { id, distribution, release, since: by.now, paths, unknown };
        let covered = |owed: &Refresh| {
            owed.distribution == refresh.distribution && owed.is_understood() && owed.is_covered_by(&refresh.paths)
        };
        self.pending_refreshes.retain(|owed| !covered(owed));
        self.pending_refreshes.push(refresh);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;

    use super::*;
    use crate::release::head::{ActivationBegins, PruneBegins};
    use crate::release::manifest::{Identity, Publisher, RunId};
    use crate::types::clock::Timestamp;

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
            hold: None,
            suspects: &BTreeSet::new(),
            at_risk: &BTreeSet::new(),
            mutable_paths: &BTreeSet::new(),
            facts: None,
            refresh: Some(RefreshOwed { distribution: "E1", paths }),
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
            refresh: Some(RefreshOwed { distribution: "E1", paths }),
        })
        .unwrap()
    }

    fn many(count: usize) -> Vec<UrlPath> {
        (0..count).map(|number| UrlPath::encode(&format!("/{number}.html"))).collect()
    }

    /// A head that owed more would be read by nobody, and asking for so much costs more than asking for everything.
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
                head.pending_refreshes =
                    vec![Refresh { id, distribution, release, since, paths, unknown: Unknown::default() }];
            });
            let beyond = owing(&other, &many(1));
            assert_eq!(beyond.pending_refreshes[1].paths, [UrlPath::everything()]);
        }
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
        assert!(newer.understood_refreshes().next().is_none());
    }

    /// The ids of what is owed when a prune owes more, after the activation was given up.
    fn pruned_after(head: &Head, paths: &[UrlPath]) -> Vec<String> {
        let free = head.give_up_activation(&RunId("activates".to_owned()), None).unwrap();
        let refreshes = pruned(&free, paths).into_fields().pending_refreshes;
        refreshes.into_iter().map(|refresh| refresh.id).collect()
    }
}

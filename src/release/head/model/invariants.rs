//! What must hold after every write of a head.

use std::collections::BTreeSet;

use crate::content::path::{SitePath, UrlPath};
use crate::release::head::{Activation, Head, MAX_HISTORY};
use crate::release::manifest::{ReleaseNumber, RunId};
use crate::types::clock::Timestamp;

/// What a run means by a write.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Means {
    Nothing,
    Begins {
        to: ReleaseNumber,
        forced: bool,
        cover: Vec<UrlPath>,
        suspects: BTreeSet<SitePath>,
        at_risk: BTreeSet<SitePath>,
    },
    Ends {
        left: BTreeSet<SitePath>,
        looked_at: Option<Timestamp>,
    },
    GivesUp,
    BeginsPrune {
        cover: Vec<UrlPath>,
        at_risk: BTreeSet<SitePath>,
    },
    EndsPrune {
        gone: BTreeSet<SitePath>,
        finished: BTreeSet<ReleaseNumber>,
        incomplete: BTreeSet<ReleaseNumber>,
    },
    LetsGo {
        finished: BTreeSet<ReleaseNumber>,
    },
    Settles(Vec<String>),
    Renames(Vec<(String, String)>),
    Resumes,
    Looked(Option<Timestamp>),
    Adopts,
}

/// What the model knows of the past, apart from the head.
#[derive(Default)]
pub(super) struct Ledger {
    /// All heads that were ever stored.
    written: Vec<Head>,
    /// What was ever owed and not settled: the ids by which it can be settled, and what the CDN must forget.
    owed: Vec<(String, Vec<UrlPath>)>,
    /// All ids that were ever given.
    ids: BTreeSet<String>,
}

impl Ledger {
    pub(super) fn took_effect(&self, head: &Head) -> bool {
        self.written.contains(head)
    }

    /// `idle_s` is how long before this write, by S3's clock, the last one was; `None`: this is the first.
    pub(super) fn check(&mut self, before: &Head, after: &Head, means: &Means, by: &RunId, idle_s: Option<i64>) {
        assert_eq!((after.revision, &after.run), (before.revision + 1, by), "every write is numbered and signed");
        never_falls(before, after);
        activations(before, after, means, by, idle_s);
        prunes(before, after, means, by, idle_s);
        superseded(before, after, means);
        suspects(before, after, means, by);
        leftovers(before, after, means);
        holds(before, after, means);
        history(before, after, means);
        self.refreshes(before, after, means);
        self.written.push(after.clone());
    }

    fn refreshes(&mut self, before: &Head, after: &Head, means: &Means) {
        let ids: Vec<&String> = after.pending_refreshes.iter().map(|refresh| &refresh.id).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "no two refreshes have one id");
        for refresh in &after.pending_refreshes {
            let is_new = before.pending_refreshes.iter().all(|known| known.id != refresh.id);
            assert!(!is_new || self.ids.insert(refresh.id.clone()), "{} was given before", refresh.id);
        }
        match means {
            Means::Begins { cover, .. } | Means::BeginsPrune { cover, .. } => {
                let added = after.pending_refreshes.last().unwrap();
                assert!(added.is_covered_by(&added.paths) && cover.iter().all(|path| covers(&added.paths, path)));
                // What it covers goes with it.
                for (id, paths) in &mut self.owed {
                    if ids.iter().all(|known| *known != id) {
                        assert!(paths.iter().all(|path| covers(&added.paths, path)), "what {id} owed is lost");
                        id.clone_from(&added.id);
                    }
                }
                self.owed.push((added.id.clone(), cover.clone()));
            }
            Means::Settles(done) => self.owed.retain(|(id, _)| !done.contains(id)),
            Means::Renames(renamed) => {
                for (id, _) in &mut self.owed {
                    if let Some((_, new)) = renamed.iter().find(|(old, _)| old == id) {
                        id.clone_from(new);
                    }
                }
            }
            _ => {}
        }
        for (id, paths) in &self.owed {
            let refresh = after.pending_refreshes.iter().find(|refresh| refresh.id == *id);
            let refresh = refresh.unwrap_or_else(|| panic!("{id} is owed and not recorded after {means:?}"));
            assert!(paths.iter().all(|path| covers(&refresh.paths, path)), "{id} covers what it owes");
        }
    }
}

fn covers(cover: &[UrlPath], path: &UrlPath) -> bool {
    cover.iter().any(|covering| covering.covers(path))
}

fn never_falls(before: &Head, after: &Head) {
    assert!(after.floor >= before.floor, "the floor never falls");
    assert!(after.highest_activated >= before.highest_activated, "nor does the highest number");
    assert!(after.prune_epoch >= before.prune_epoch, "nor the prune epoch");
    assert!(after.mutable_paths.is_superset(&before.mutable_paths), "what has lied is mutable for good");
    for (path, withdrawn) in &before.withdrawn {
        assert!(after.withdrawn[path].sha256.is_superset(&withdrawn.sha256), "what was taken out stays out");
    }
    assert_eq!(after.identity, before.identity);
    let active = after.active.as_ref().map(|active| active.release);
    assert!(active.is_none_or(|active| active <= after.highest_activated), "the highest number was active");
}

/// By S3's clock, and by what was in the head, no other run's lease lasts.
fn nobody_is_at_work(before: &Head, by: &RunId, idle_s: Option<i64>) {
    let leases = before.activation.iter().map(|one| (&one.owner, one.lease_s));
    for (owner, lease_s) in leases.chain(before.pruning.iter().map(|one| (&one.owner, one.lease_s))) {
        let is_over = idle_s.is_some_and(|idle_s| idle_s.unsigned_abs() >= lease_s);
        assert!(owner == by || is_over, "the lease of {owner} lasts");
    }
}

fn activations(before: &Head, after: &Head, means: &Means, by: &RunId, idle_s: Option<i64>) {
    if let Means::Begins { to, forced, .. } = means {
        nobody_is_at_work(before, by, idle_s);
        let active = before.active.as_ref().is_some_and(|active| active.release == *to);
        let newest = *to > before.highest_activated && *to > before.floor;
        assert!(*forced || active || newest, "an older release is activated by accident");
        assert!(!before.is_closed(*to), "a number that a prune closes never activates");
        let begun = after.activation.as_ref().unwrap();
        assert_eq!((&begun.owner, begun.to), (by, *to));
        let mut expected: BTreeSet<ReleaseNumber> = before.activation.iter().flat_map(live_besides).collect();
        expected.remove(to);
        assert_eq!(begun.candidates, expected, "whatever may be live is named");
        assert_eq!(after.active, before.active, "visitors still get what they got");
    } else if let Means::Ends { .. } = means {
        let ended = before.activation.as_ref().unwrap();
        assert_eq!(ended.owner, *by, "only its owner ends an activation");
        let active = after.active.as_ref().unwrap();
        assert_eq!((active.release, &after.activation), (ended.to, &None));
        let was = before.active.as_ref();
        match was.filter(|was| was.release == ended.to) {
            Some(was) => assert_eq!((active.since, active.previous), (was.since, was.previous)),
            None => assert_eq!(active.previous, was.map(|was| was.release)),
        }
    } else if *means == Means::GivesUp {
        let owned = |activation: &Option<Activation>| activation.clone().map(|one| Activation { lease_s: 0, ..one });
        assert_eq!(owned(&after.activation), owned(&before.activation), "it ends without being finished");
    } else {
        assert_eq!(after.activation, before.activation, "an activation in progress stays for whoever finishes it");
        let may_adopt = *means == Means::Adopts && before.active.is_none() && before.activation.is_none();
        assert!(may_adopt || after.active == before.active);
    }
}

/// What an activation that is cut short may have put live.
fn live_besides(activation: &Activation) -> impl Iterator<Item = ReleaseNumber> {
    activation.candidates.iter().copied().chain([activation.to]).collect::<Vec<_>>().into_iter()
}

fn prunes(before: &Head, after: &Head, means: &Means, by: &RunId, idle_s: Option<i64>) {
    match means {
        Means::BeginsPrune { .. } => {
            nobody_is_at_work(before, by, idle_s);
            assert_eq!(after.prune_epoch, before.prune_epoch + 1, "every prune raises the epoch");
            assert_eq!(after.pruning.as_ref().map(|pruning| &pruning.owner), Some(by));
        }
        Means::EndsPrune { .. } => {
            assert_eq!(before.pruning.as_ref().map(|pruning| &pruning.owner), Some(by), "only its owner ends a prune");
            assert_eq!(after.pruning, None);
        }
        Means::Begins { .. } => assert_eq!(after.pruning, None, "nothing prunes while a release is activated"),
        Means::LetsGo { .. } => {
            nobody_is_at_work(before, by, idle_s);
            assert_eq!(after.pruning, None);
        }
        Means::GivesUp => {
            let closes = |head: &Head| head.pruning.clone().map(|pruning| pruning.closes);
            assert_eq!(closes(after), closes(before));
        }
        _ => assert_eq!(after.pruning, before.pruning),
    }
    let mut closed = before.closed_releases();
    match means {
        Means::EndsPrune { finished, incomplete, .. } => {
            closed = before.closed.union(incomplete).copied().filter(|release| !finished.contains(release)).collect();
        }
        Means::LetsGo { finished } => closed.retain(|release| !finished.contains(release)),
        _ => {}
    }
    let now = after.closed_releases();
    assert!(now.is_superset(&closed), "what a prune closed stays closed until one is finished");
}

fn superseded(before: &Head, after: &Head, means: &Means) {
    let live = after.active.as_ref().map(|active| active.release);
    let ended: BTreeSet<ReleaseNumber> = match means {
        Means::Ends { .. } => {
            let from = before.active.iter().map(|active| active.release);
            before.activation.iter().flat_map(|one| one.candidates.clone()).chain(from).collect()
        }
        _ => BTreeSet::new(),
    };
    for release in ended.iter().filter(|release| Some(**release) != live) {
        assert!(after.superseded.contains_key(release), "what visitors may have got counts from now");
    }
    for (release, since) in &before.superseded {
        let closed = matches!(
            means, Means::EndsPrune { finished, .. } | Means::LetsGo { finished } if finished.contains(release));
        let expected = (!closed && Some(*release) != live).then_some(since);
        let kept = after.superseded.get(release);
        assert!(kept == expected || ended.contains(release) || Some(*release) == live, "{release}: {kept:?}");
    }
    assert!(live.is_none_or(|live| !after.superseded.contains_key(&live) || before.superseded.contains_key(&live)));
    if matches!(means, Means::Ends { .. }) {
        assert!(live.is_none_or(|live| !after.superseded.contains_key(&live)), "what is live is not superseded");
    }
}

fn suspects(before: &Head, after: &Head, means: &Means, by: &RunId) {
    let looked_at = match means {
        Means::Ends { looked_at, .. } | Means::Looked(looked_at) => *looked_at,
        _ => None,
    };
    let is_due = |until: Timestamp| looked_at.is_some_and(|looked_at| looked_at >= until);
    for suspects in &before.suspects {
        let kept = after.suspects.contains(suspects);
        assert_eq!(kept, !is_due(suspects.until), "suspects stay until they are due and were looked at");
    }
    let (activating, pruning) = match means {
        Means::Begins { suspects, at_risk, .. } => (Some(suspects), Some(at_risk)),
        Means::BeginsPrune { at_risk, .. } => (None, Some(at_risk)),
        _ => (None, None),
    };
    let dead = before.activation.iter().map(|one| (&one.owner, one.lease_s, activating));
    let dead = dead.chain(before.pruning.iter().map(|one| (&one.owner, one.lease_s, pruning)));
    for (owner, lease_s, paths) in dead {
        let Some(paths) = paths.filter(|paths| lease_s > 0 && owner != by && !paths.is_empty()) else { continue };
        let known = after.suspects.iter().any(|suspects| suspects.run == *owner && suspects.paths == *paths);
        assert!(known, "what {owner} had under way may still arrive");
    }
}

fn leftovers(before: &Head, after: &Head, means: &Means) {
    for (path, leftover) in &before.leftovers {
        let stays = match means {
            Means::Ends { left, .. } => left.contains(path),
            Means::EndsPrune { gone, .. } => !gone.contains(path),
            _ => true,
        };
        assert_eq!(after.leftovers.get(path), stays.then_some(leftover), "{path}");
    }
    if let Means::Ends { left, .. } = means {
        assert_eq!(after.leftovers.keys().cloned().collect::<BTreeSet<_>>(), *left, "what is left is recorded");
    }
}

fn holds(before: &Head, after: &Head, means: &Means) {
    let ended = before.hold.is_some() && after.hold.is_none();
    assert_eq!(ended, *means == Means::Resumes, "only who resumes ends a hold");
}

fn history(before: &Head, after: &Head, means: &Means) {
    let added = usize::from(matches!(means, Means::Ends { .. } | Means::Adopts));
    let kept = (before.history.len() + added).min(MAX_HISTORY);
    assert_eq!(after.history.len(), kept, "the last activations, and no more");
    let earlier = &before.history[before.history.len() + added - kept..];
    assert_eq!(after.history[..kept - added], *earlier, "in their order");
    let last = after.history.last().map(|item| item.release);
    assert!(added == 0 || last == after.active.as_ref().map(|active| active.release));
}

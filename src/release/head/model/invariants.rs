//! What must hold after every write of a head.

use std::collections::{BTreeMap, BTreeSet};

use crate::content::path::{SitePath, UrlPath};
use crate::release::head::{Activation, Distribution, Head, MAX_HISTORY, Pruning, Refresh};
use crate::release::manifest::{ReleaseNumber, RunId};
use crate::types::clock::Timestamp;

/// What a run means by a write.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Means {
    Nothing,
    Begins {
        to: ReleaseNumber,
        forced: bool,
        learnt: Option<&'static str>,
        covers: BTreeMap<String, Vec<UrlPath>>,
        suspects: BTreeSet<SitePath>,
        at_risk: BTreeSet<SitePath>,
        tags: bool,
    },
    Ends {
        left: BTreeSet<SitePath>,
        looked_at: Option<Timestamp>,
    },
    Renews {
        lease_s: u64,
    },
    GivesUp,
    Withdraws {
        before: Box<Head>,
    },
    BeginsPrune {
        closes: BTreeSet<ReleaseNumber>,
        learnt: Option<&'static str>,
        covers: BTreeMap<String, Vec<UrlPath>>,
        at_risk: BTreeSet<SitePath>,
    },
    EndsPrune {
        gone: BTreeSet<SitePath>,
        finished: BTreeSet<ReleaseNumber>,
        incomplete: BTreeSet<ReleaseNumber>,
    },
    LetsGo {
        finished: BTreeSet<ReleaseNumber>,
        at_risk: BTreeSet<SitePath>,
    },
    Sends(Vec<String>),
    Settles(Vec<String>),
    Renames(Vec<(String, String)>),
    Asks {
        covers: BTreeMap<String, Vec<UrlPath>>,
    },
    Resumes,
    Records {
        learnt: Option<&'static str>,
    },
    Forgets(&'static str),
    Looked(Option<Timestamp>),
    Adopts,
}

impl Means {
    /// The seconds that the writer's own lease lasts from then on, where that is what the write is about.
    fn new_lease(&self) -> Option<u64> {
        match self {
            Means::GivesUp => Some(0),
            Means::Renews { lease_s } => Some(*lease_s),
            _ => None,
        }
    }
}

/// What the model knows of the past, apart from the head.
#[derive(Default)]
pub(super) struct Ledger {
    /// All heads that were ever stored.
    written: Vec<Head>,
    /// What was ever owed and not settled.
    owed: Vec<Owed>,
    /// All ids that were ever given.
    ids: BTreeSet<String>,
    /// The runs that write live objects with their cache tags, and all others that may lack them.
    writing_tags: BTreeSet<RunId>,
    /// Whether every live mutable object has its tags, whatever a head says.
    all_tagged: bool,
}

/// What a distribution must forget.
struct Owed {
    /// The id by which it can be settled.
    id: String,
    distribution: String,
    paths: Vec<UrlPath>,
    /// The write that recorded it.
    revision: u64,
}

impl Ledger {
    /// The head from which the activation began that is in progress in `head` and belongs to `run`.
    pub(super) fn before_activation_of(&self, head: &Head, run: &RunId) -> Option<Head> {
        let owner = |head: &Head| head.activation.as_ref().map(|one| (one.owner.clone(), one.to));
        let begun = owner(head).filter(|(owner, _)| owner == run)?;
        let earlier = self.written.iter().take_while(|written| written.revision < head.revision);
        let before = earlier.filter(|written| owner(written).as_ref() != Some(&begun)).last();
        Some(before.cloned().unwrap_or_else(|| Head::new(head.identity.clone(), RunId("nobody".to_owned()))))
    }

    pub(super) fn took_effect(&self, head: &Head) -> bool {
        self.written.contains(head)
    }

    /// `idle_s` is how long before this write, by S3's clock, the last one was; `None`: this is the first.
    pub(super) fn check(&mut self, before: &Head, after: &Head, means: &Means, by: &RunId, idle_s: Option<i64>) {
        assert_eq!((after.revision, &after.run), (before.revision + 1, by), "every write is numbered and signed");
        never_falls(before, after, means);
        activations(before, after, means, by, idle_s);
        prunes(before, after, means, by, idle_s);
        superseded(before, after, means);
        suspects(before, after, means, by);
        leftovers(before, after, means);
        holds(before, after, means);
        history(before, after, means);
        self.refreshes(before, after, means);
        sent(before, after, means);
        distributions(before, after, means);
        self.tags(before, after, means, by);
        self.written.push(after.clone());
    }

    pub(super) fn writes_tags(&self, run: &RunId) -> bool {
        self.writing_tags.contains(run)
    }

    /// A head says that all objects have their tags only where they do; and tags count for a distribution only from when on
    /// it was owed everything.
    fn tags(&mut self, before: &Head, after: &Head, means: &Means, by: &RunId) {
        match means {
            Means::Begins { tags: true, .. } => drop(self.writing_tags.insert(by.clone())),
            Means::Begins { tags: false, .. } => {
                self.writing_tags.remove(by);
                self.all_tagged = false;
            }
            Means::Ends { .. } => self.all_tagged = self.writes_tags(by),
            _ => {}
        }
        assert!(self.all_tagged || !after.tagged, "an object may lack its tags after {means:?}");
        let counts = |known: &Distribution| known.tagged_under.is_some();
        let may_count = after.tagged || after.activation.is_some();
        assert!(may_count || !after.distributions.values().any(counts), "tags count nowhere after {means:?}");
        for (id, known) in &after.distributions {
            let earlier = before.distributions.get(id).and_then(|known| known.tagged_under.as_ref());
            if known.tagged_under.is_some() && known.tagged_under.as_ref() != earlier {
                let is_new = |refresh: &&Refresh| before.pending_refreshes.iter().all(|known| known.id != refresh.id);
                let owed = after.owed_to(id).filter(is_new).any(|owed| owed.paths == [UrlPath::everything()]);
                assert!(owed && matches!(means, Means::Begins { tags: true, .. }), "{id} after {means:?}");
            }
        }
    }

    fn refreshes(&mut self, before: &Head, after: &Head, means: &Means) {
        let ids: Vec<&String> = after.pending_refreshes.iter().map(|refresh| &refresh.id).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "no two refreshes have one id");
        for refresh in &after.pending_refreshes {
            let is_new = before.pending_refreshes.iter().all(|known| known.id != refresh.id);
            assert!(!is_new || self.ids.insert(refresh.id.clone()), "{} was given before", refresh.id);
        }
        self.covered(before, after);
        for (distribution, paths) in must_forget(before, after, means) {
            let is_new = |id: &String| before.pending_refreshes.iter().all(|known| known.id != *id);
            // A request for what is owed already, in the same way and for the active release, changes nothing.
            let active = before.active.as_ref().map(|active| active.release);
            let is_owed = |refresh: &Refresh| {
                matches!(means, Means::Asks { .. }) && refresh.paths == paths && Some(refresh.release) == active
            };
            let added = after.owed_to(&distribution).filter(|refresh| is_new(&refresh.id) || is_owed(refresh));
            let added = added.filter(|refresh| paths.iter().all(|path| covers(&refresh.paths, path))).last();
            let added = added.unwrap_or_else(|| panic!("{distribution} is not owed what changes by {means:?}"));
            self.owed.push(Owed { id: added.id.clone(), distribution, paths, revision: after.revision });
        }
        match means {
            // What an activation or a prune owes that is in progress stays.
            Means::Settles(done) => {
                self.owed.retain(|Owed { id, .. }| !done.contains(id) || ids.contains(&id));
            }
            // What did not change is not owed; what was owed before the activation began still is.
            Means::Withdraws { before } if before.activation.is_none() => {
                self.owed.retain(|Owed { id, revision, .. }| *revision != before.revision + 1 || ids.contains(&id));
            }
            Means::Forgets(forgotten) => self.owed.retain(|owed| owed.distribution != *forgotten),
            Means::Renames(renamed) => {
                for Owed { id, .. } in &mut self.owed {
                    if let Some((_, new)) = renamed.iter().find(|(old, _)| old == id) {
                        id.clone_from(new);
                    }
                }
            }
            _ => {}
        }
        for Owed { id, distribution, paths, .. } in &self.owed {
            let refresh = after.owed_to(distribution).find(|refresh| refresh.id == *id);
            let refresh = refresh.unwrap_or_else(|| panic!("{id} is owed and not recorded after {means:?}"));
            assert!(paths.iter().all(|path| covers(&refresh.paths, path)), "{id} covers what it owes");
        }
    }

    /// What a new refresh of the same distribution covers goes with it.
    fn covered(&mut self, before: &Head, after: &Head) {
        let recorded = |head: &Head, id: &String| head.pending_refreshes.iter().any(|known| known.id == *id);
        let added: Vec<_> = after.pending_refreshes.iter().filter(|refresh| !recorded(before, &refresh.id)).collect();
        for Owed { id, distribution, paths, .. } in &mut self.owed {
            let covering = added.iter().find(|refresh| {
                refresh.distribution == *distribution && paths.iter().all(|path| covers(&refresh.paths, path))
            });
            if let (false, Some(covering)) = (recorded(after, id), covering) {
                id.clone_from(&covering.id);
            }
        }
    }
}

/// What is sent stays so until it is settled, asked for anew, or covered; nothing else becomes so by itself, and nothing for which
/// more may still be written.
fn sent(before: &Head, after: &Head, means: &Means) {
    let about = before.activation.as_ref().map(|activation| activation.to);
    let about = about.or(before.pruning.as_ref().and(before.active.as_ref().map(|active| active.release)));
    for refresh in &after.pending_refreshes {
        let known = before.pending_refreshes.iter().find(|known| known.id == refresh.id);
        let was_sent = known.is_some_and(Refresh::is_sent);
        let is_noted = matches!(means, Means::Sends(ids) if ids.contains(&refresh.id));
        let may_change = about != Some(refresh.release);
        assert_eq!(refresh.is_sent(), was_sent || (is_noted && may_change), "{} after {means:?}", refresh.id);
    }
    let is_owed = after.refreshes_to_send().any(|refresh| refresh.distribution == super::DISTRIBUTIONS[0]);
    let is_known = after.distributions.contains_key(super::DISTRIBUTIONS[0]);
    if is_known && !is_owed && after.activation.is_none() && after.pruning.is_none() {
        assert!(after.is_settled_for([super::DISTRIBUTIONS[0]]), "what is sent is nothing to do");
    }
}

/// What each distribution must forget because of a write, where that is anything: what changes for it, and everything where
/// it may have cached what was never refreshed there.
fn must_forget(before: &Head, after: &Head, means: &Means) -> Vec<(String, Vec<UrlPath>)> {
    let active = |head: &Head| head.active.as_ref().map(|active| active.release);
    let is_live = before.active.is_some() || before.activation.is_some();
    let is_unseen = |id: &str| {
        let has_seen = before.distributions.get(id).is_some_and(|known| known.seen == active(before));
        !has_seen && before.owed_to(id).next().is_none()
    };
    let (learnt, changes) = match means {
        Means::Begins { learnt, covers, .. } | Means::BeginsPrune { learnt, covers, .. } => (learnt, Some(covers)),
        Means::Records { learnt } => (learnt, None),
        Means::Asks { covers } => {
            assert!(
                before.activation.is_none() && before.pruning.is_none(),
                "what is in progress owes its own refresh"
            );
            let known = |id: &String| after.distributions.contains_key(id);
            let asked = covers.iter().filter(|(id, paths)| known(id) && !paths.is_empty());
            return asked.map(|(id, paths)| (id.clone(), paths.clone())).collect();
        }
        _ => return Vec::new(),
    };
    let all = after.distributions.keys().map(|id| {
        let is_new = *learnt == Some(id.as_str()) && is_live && is_unseen(id);
        let everything = || vec![UrlPath::everything()];
        let paths = match changes {
            _ if is_new => everything(),
            None => Vec::new(),
            Some(covers) => covers.get(id).cloned().unwrap_or_else(everything),
        };
        (id.clone(), paths)
    });
    all.filter(|(_, paths)| !paths.is_empty()).collect()
}

/// Each distribution has seen what is live, or is owed it; only a person gives one up.
fn distributions(before: &Head, after: &Head, means: &Means) {
    let active = after.active.as_ref().map(|active| active.release);
    for (id, known) in &after.distributions {
        let is_owed = after.owed_to(id).next().is_some();
        assert!(is_owed || known.seen == active, "{id} has seen {:?}, and {active:?} is live", known.seen);
        assert!(
            after.is_settled_for([id.as_str()]) || is_owed || after.activation.is_some() || after.pruning.is_some()
        );
    }
    for refresh in &after.pending_refreshes {
        assert!(
            after.distributions.contains_key(&refresh.distribution),
            "a distribution that is owed something is known"
        );
    }
    let about = before.activation.as_ref().map(|activation| activation.to);
    let about = about.or(before.pruning.as_ref().and(active));
    let is_about = |refresh: &&Refresh| about == Some(refresh.release);
    for refresh in before.pending_refreshes.iter().filter(is_about) {
        let stays = after.pending_refreshes.iter().any(|known| known.id == refresh.id);
        assert!(stays || !matches!(means, Means::Settles(_)), "a refresh of what is not done yet comes too early");
    }
    for id in before.distributions.keys() {
        assert_eq!(after.distributions.contains_key(id), *means != Means::Forgets(id_of(id)), "{id}");
    }
}

/// One of the few ids that there are.
fn id_of(id: &str) -> &'static str {
    super::DISTRIBUTIONS.into_iter().find(|known| *known == id).unwrap()
}

fn covers(cover: &[UrlPath], path: &UrlPath) -> bool {
    cover.iter().any(|covering| covering.covers(path))
}

fn never_falls(before: &Head, after: &Head, means: &Means) {
    match means {
        Means::Withdraws { before: begun_from } => {
            assert_eq!(after.floor, begun_from.floor, "who withdraws an activation closes nothing by it");
        }
        _ => assert!(after.floor >= before.floor, "the floor falls in no other way"),
    }
    assert!(after.highest_activated >= before.highest_activated, "nor does the highest number");
    assert!(after.prune_epoch >= before.prune_epoch, "nor the prune epoch");
    assert!(after.mutable_paths.is_superset(&before.mutable_paths), "what was reused is mutable for good");
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
    } else if let Some(lease_s) = means.new_lease() {
        let changed = before.activation.clone().map(|one| match one.owner == *by {
            true => Activation { lease_s, ..one },
            false => one,
        });
        assert_eq!(
            after.activation, changed,
            "its owner gives it up, or goes on with it, and it is the same otherwise"
        );
    } else if let Means::Withdraws { before: begun_from } = means {
        let withdrawn = before.activation.as_ref().unwrap();
        assert_eq!(withdrawn.owner, *by, "only its owner withdraws an activation");
        let stays = begun_from.activation.as_ref().map(|_| Activation { lease_s: 0, ..withdrawn.clone() });
        assert_eq!(after.activation, stays, "what was cut short before still is");
        assert_eq!(after.active, before.active);
        let more: Vec<_> = after.pending_refreshes.iter().map(|refresh| refresh.release).collect();
        let live = after.active.as_ref().map(|active| active.release);
        assert!(
            stays.is_some()
                || live.is_none()
                || more.iter().all(|release| *release != withdrawn.to || live == Some(*release)),
            "nothing is owed because of it"
        );
    } else {
        assert_eq!(after.activation, before.activation, "an activation in progress stays for the run that finishes it");
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
        Means::GivesUp | Means::Renews { .. } => {
            let was = before.pruning.clone();
            let changed = was.filter(|one| one.owner == *by).zip(means.new_lease());
            let changed = changed.map(|(one, lease_s)| Pruning { lease_s, ..one });
            let is_changed = changed.is_some() && after.pruning == changed;
            let activates = before.activation.as_ref().is_some_and(|one| one.owner == *by);
            assert!(is_changed || activates && after.pruning == before.pruning, "by its owner");
        }
        _ => assert_eq!(after.pruning, before.pruning),
    }
    let mut closed = before.closed_releases();
    match means {
        Means::BeginsPrune { closes, .. } => closed.extend(closes),
        Means::EndsPrune { finished, incomplete, .. } => {
            closed = before.closed.union(incomplete).copied().filter(|release| !finished.contains(release)).collect();
        }
        Means::LetsGo { finished, .. } => closed.retain(|release| !finished.contains(release)),
        _ => {}
    }
    assert_eq!(
        after.closed_releases(),
        closed,
        "what a prune closed stays closed until one is finished, and no longer"
    );
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
            means, Means::EndsPrune { finished, .. } | Means::LetsGo { finished, .. } if finished.contains(release));
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
        Means::BeginsPrune { at_risk, .. } | Means::LetsGo { at_risk, .. } => (None, Some(at_risk)),
        _ => (None, None),
    };
    if activating.is_none() && pruning.is_none() {
        return;
    }
    let dead = before.activation.iter().map(|one| (&one.owner, one.lease_s, activating));
    let dead = dead.chain(before.pruning.iter().map(|one| (&one.owner, one.lease_s, pruning)));
    let expected: Vec<_> = dead
        .filter(|(owner, lease_s, _)| *lease_s > 0 && *owner != by)
        .filter_map(|(owner, _, paths)| Some((owner, paths.filter(|paths| !paths.is_empty())?)))
        .collect();
    let added = after.suspects[before.suspects.len()..].iter().map(|suspects| (&suspects.run, &suspects.paths));
    assert_eq!(added.collect::<Vec<_>>(), expected, "what a dead run had under way may still arrive, and nothing else");
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

//! Cases that random steps reach too rarely, step by step. The invariants are checked after every write here too.

use super::*;

/// Two processes that do one thing after the other.
struct Scene(Model);

impl Scene {
    /// Releases 1 to `releases` were activated, one after the other.
    fn after(releases: u8) -> Scene {
        let mut scene = Scene(Model::new());
        for release in 1..=releases {
            assert!(scene.writes(0, begins(release)));
            assert!(scene.writes(0, ends()));
        }
        scene
    }

    /// Whether a run that looks first writes: it is told at once that it did.
    fn writes(&mut self, run: usize, what: What) -> bool {
        let before = self.0.etag;
        self.0.take(&Step::Looks { run });
        self.0.take(&Step::Writes { run, what, fate: Fate::Answered });
        self.0.etag != before
    }

    fn pass(&mut self, seconds: i64) {
        self.0.take(&Step::Passes { seconds });
    }

    fn head(&self) -> &Head {
        self.0.stored.as_ref().unwrap()
    }
}

fn begins(to: u8) -> What {
    What::BeginsActivation {
        to,
        newest: false,
        force: false,
        closes_all: false,
        learns: 1,
        paths: 0,
        files: 1,
        tags: false,
    }
}

fn ends() -> What {
    What::EndsActivation { left: 0, looked: true }
}

/// The releases whose bits are set are closed, and the first file is to go.
fn prunes(closes: u8) -> What {
    What::BeginsPrune { closes, files: 1, withdraws: 0, learns: 0, paths: 0 }
}

fn numbers_of(releases: impl IntoIterator<Item = u64>) -> BTreeSet<ReleaseNumber> {
    releases.into_iter().map(ReleaseNumber::new).collect()
}

#[test]
fn what_is_activated_again_was_active_all_the_time() {
    let mut scene = Scene::after(2);
    scene.pass(1_000);
    assert!(scene.writes(1, begins(2)) && scene.writes(1, ends()));
    let active = scene.head().active.clone().unwrap();
    assert_eq!((active.previous, active.since), (Some(ReleaseNumber::new(1)), scene.head().history[1].at));
    assert!(!scene.head().superseded.contains_key(&ReleaseNumber::new(2)));
}

#[test]
fn who_withdraws_an_activation_leaves_the_head_as_it_was() {
    let is_owed = |scene: &Scene| (scene.head().pending_refreshes.clone(), scene.head().distributions.clone());
    for first in [What::Settles { which: 255 }, What::Sends { which: 255 }, What::ClearsSuspects] {
        let mut scene = Scene::after(1);
        scene.writes(0, first.clone());
        let (before, absorbs) = (is_owed(&scene), !matches!(first, What::Settles { .. }));
        assert_eq!(before.0.is_empty(), !absorbs);
        assert!(scene.writes(0, begins(2)));
        assert!(!scene.writes(1, What::Withdraws), "it belongs to another run");
        assert!(scene.writes(0, What::Withdraws));
        assert_eq!(
            (&scene.head().activation, scene.head().active.as_ref().map(|active| active.release)),
            (&None, Some(ReleaseNumber::new(1)))
        );
        if absorbs {
            let [owed] = &scene.head().pending_refreshes[..] else { panic!("{:?}", scene.head().pending_refreshes) };
            assert_eq!(
                owed.release,
                ReleaseNumber::new(1),
                "what stands for an earlier one is owed because of what is live"
            );
        } else {
            assert_eq!(is_owed(&scene), before);
        }
    }
}

/// A rollback closes all numbers that are claimed, unless it changes nothing.
#[test]
fn who_withdraws_a_rollback_closes_no_numbers() {
    let closes = |closes_all| What::BeginsActivation {
        to: 1,
        newest: false,
        force: true,
        closes_all,
        learns: 0,
        paths: 0,
        files: 9,
        tags: false,
    };
    let mut scene = Scene::after(2);
    assert!(scene.writes(0, closes(true)));
    assert_eq!(scene.head().floor, ReleaseNumber::new(9));
    assert!(scene.writes(0, What::Withdraws));
    assert_eq!(scene.head().floor, ReleaseNumber::new(0));
    // It took over a publish that was cut short, and had closed none.
    assert!(scene.writes(0, begins(3)) && scene.writes(0, What::GivesUp { under_way: 0 }));
    assert!(scene.writes(1, closes(true)) && scene.writes(1, What::Withdraws));
    assert_eq!(scene.head().floor, ReleaseNumber::new(0));
    // One that was cut short still closes them.
    assert!(scene.writes(0, closes(true)) && scene.writes(0, What::GivesUp { under_way: 0 }));
    assert!(scene.writes(1, closes(false)) && scene.writes(1, What::Withdraws));
    assert_eq!(scene.head().floor, ReleaseNumber::new(9));
}

/// Whoever waits for a run waits as long as that run said last.
#[test]
fn a_lease_that_was_made_longer_is_waited_for() {
    for begin in [begins(2), prunes(0)] {
        let mut scene = Scene::after(1);
        assert!(scene.writes(0, begin.clone()));
        assert!(!scene.writes(1, What::Renews { longer: true }), "it is another one's");
        assert!(scene.writes(0, What::Renews { longer: true }));
        scene.pass(LEASE_S as i64 + 1);
        assert!(!scene.writes(1, begins(3)), "it lasts");
        scene.pass(LEASE_S as i64);
        assert!(scene.writes(1, begins(3)));
    }
}

/// Who gave its lease back, or takes over from itself, has nothing under way that it did not tell of.
#[test]
fn only_of_another_run_whose_lease_ran_out_anything_is_suspected() {
    for (gives_up, next, suspected) in [(false, 1, true), (true, 1, false), (false, 0, false), (true, 0, false)] {
        for begin in [begins(2), prunes(0)] {
            let mut scene = Scene::after(1);
            assert!(scene.writes(0, begin));
            assert!(!gives_up || scene.writes(0, What::GivesUp { under_way: 0 }));
            scene.pass(LEASE_S as i64 + 1);
            let what = What::BeginsActivation {
                to: 3,
                newest: false,
                force: false,
                closes_all: false,
                learns: 0,
                paths: 0,
                files: 0x11,
                tags: false,
            };
            assert!(scene.writes(next, what));
            assert_eq!(!scene.head().suspects.is_empty(), suspected, "gave up: {gives_up}, taken over by {next}");
        }
    }
}

#[test]
fn suspects_are_forgotten_by_who_looks_when_they_are_due() {
    let mut scene = Scene::after(1);
    assert!(scene.writes(0, What::Suspects { files: 1 }));
    scene.pass(SIGNATURES_LAST.as_secs() as i64 - 1);
    assert!(scene.writes(0, What::ClearsSuspects));
    assert_eq!(scene.head().suspects.len(), 1, "a second too early");
    scene.pass(1);
    assert!(scene.writes(0, What::ClearsSuspects));
    assert!(scene.head().suspects.is_empty());
}

#[test]
fn only_the_owner_of_a_prune_gives_it_up_and_then_nobody_waits() {
    let mut scene = Scene::after(1);
    assert!(scene.writes(0, prunes(0)));
    assert!(!scene.writes(1, What::GivesUp { under_way: 0 }));
    assert!(!scene.writes(1, prunes(0)), "its lease lasts");
    assert!(scene.writes(0, What::GivesUp { under_way: 0 }));
    assert!(scene.writes(1, prunes(0)));
}

#[test]
fn of_a_prune_that_is_finished_nothing_is_remembered() {
    let mut scene = Scene::after(4);
    assert!(scene.writes(0, prunes(0b11)));
    assert!(scene.writes(0, What::EndsPrune { gone: 0, refused: true }));
    assert_eq!(scene.head().closed, numbers_of([1, 2]), "nothing could be removed");
    assert!(scene.writes(0, prunes(0b1)));
    assert!(scene.writes(0, What::EndsPrune { gone: 1, refused: false }));
    assert_eq!(scene.head().closed, numbers_of([2]));
    assert_eq!(scene.head().superseded.keys().copied().collect::<BTreeSet<_>>(), numbers_of([2, 3]));
}

#[test]
fn a_run_that_clears_an_interrupted_prune_is_told_so() {
    for (finished, closed) in [(false, numbers_of([1])), (true, BTreeSet::new())] {
        let mut scene = Scene::after(2);
        assert!(scene.writes(0, prunes(0b1)));
        let lets_go = What::LetsGo { finished, files: 1 };
        assert!(!scene.writes(1, lets_go.clone()), "its lease lasts");
        scene.pass(LEASE_S as i64 + 1);

        let (run, nothing) = (RunId("other".to_owned()), BTreeSet::new());
        let by = Lookout { run: &run, now: at(0), read_at: None, age: Duration::from_secs(LEASE_S + 1) };
        let found = scene.head().pruning.clone();
        let another = found.clone().map(|pruning| Pruning { since: at(-1), ..pruning });
        for dead in [None, another.as_ref()] {
            let refusal = scene.head().let_go_of_prune(dead, &nothing, &files(1), by);
            assert_eq!(refusal, Err(Refusal::TakenOver), "it is not the one that was found");
        }

        assert!(scene.writes(1, lets_go));
        assert_eq!(scene.head().closed, closed);
        assert_eq!(scene.head().superseded.is_empty(), finished);
        assert_eq!(scene.head().suspects.len(), 1, "it may still remove what was at risk");
    }
}

#[test]
fn what_is_known_of_a_distribution_is_forgotten_with_what_it_is_owed() {
    let mut scene = Scene::after(1);
    assert!(scene.head().owed_to("E1").next().is_some() && scene.head().distributions.contains_key("E1"));
    assert!(!scene.writes(0, What::Forgets { which: 16 }), "E2 is not known");
    assert!(scene.writes(0, What::Forgets { which: 0 }));
    assert!(scene.head().owed_to("E1").next().is_none() && scene.head().distributions.is_empty());
}

//! Prunes that were cut short: what they may still remove is known to the next run, which finishes them.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use publish::report::Outcome;
use publish::report::event::{Event, Events};
use publish::run::{self, Reply};
use publish::sandbox::{Effect, Fault, LoggedRequest, Match};
use publish::types::digest::Digest;
use publish::types::stop::Stop;

use crate::prune::{CHUNKS, build, five_releases, pruned, releases};
use crate::world::{self, BUCKET, World};

/// A prune that died after its first write of the head, and gave nothing back.
pub(crate) async fn dead_prune(world: &World) {
    world.refuse("DeleteObjects", "", 400, "Stopped");
    world.refuse_after(1, "PutObject", "head.json", 400, "Stopped");
    let report = world.prune(&[]).await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    world.sandbox.clear_faults();
    assert!(world.status().await.pruning);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_after_a_dead_prune_waits_and_checks_again_what_it_may_still_remove() {
    let world = five_releases().await;
    dead_prune(&world).await;
    // The new build names again what the prune had begun to remove.
    build(&world, 1);
    let waited = Mutex::new(false);
    let listener = |event| {
        if let Event::Waiting { for_whom, .. } = event {
            assert!(for_whom.contains("is pruning"), "{for_whom}");
            *waited.lock().unwrap() = true;
            world.let_leases_end();
        }
    };
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    assert!(waited.into_inner().unwrap());
    let head = world.head();
    assert!(head.pruning.is_none());
    let suspects: BTreeSet<&str> = head.suspects.iter().flat_map(|one| &one.paths).map(|path| path.as_str()).collect();
    assert_eq!(suspects, ["index.html", CHUNKS[0], "data-1.json"].into());

    // A request that was on its way all the time arrives.
    let data = Digest::of(b"{\"number\": 1}");
    world.sandbox.remove_object(BUCKET, &format!("live/{}", CHUNKS[0]));
    world.sandbox.remove_object(BUCKET, &world.environment.layout.blob(&data).key);
    world.sandbox.advance_clock(Duration::from_secs(17 * 60));
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Published);
    assert!(world.head().suspects.is_empty());
    world.assert_settled();
    world.assert_all_releases_are_whole();
    pruned(&world).await;
    world.assert_all_releases_are_whole();
}

/// As the one above, but what comes next is another prune. What the dead one was about to remove is published again, and
/// then its request arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_prune_after_a_dead_one_records_what_that_may_still_remove() {
    let world = five_releases().await;
    let removes = |request: &LoggedRequest| request.operation == "DeleteObjects";
    world.sandbox.inject_by(move |request| removes(request).then_some(Effect::Hold));
    let mut dead = Box::pin(world.prune(&[]));
    tokio::select! {
        report = &mut dead => panic!("{report:#?}"),
        () = world.sandbox.until(|requests| requests.iter().any(removes)) => {}
    }
    // From here on nobody polls it: its process is stopped, and never comes back.
    world.sandbox.clear_faults();
    world.let_leases_end();
    pruned(&world).await;
    let suspects = world.head().suspects;
    let [suspects] = &suspects[..] else { panic!("{suspects:#?}") };
    let paths: BTreeSet<&str> = suspects.paths.iter().map(|path| path.as_str()).collect();
    let removed = CHUNKS[..3].iter().copied().chain(["data-1.json", "data-2.json", "data-3.json"]);
    assert_eq!(paths, removed.collect());

    build(&world, 1);
    world.published().await;
    world.sandbox.release_held();
    let arrived =
        |requests: &[LoggedRequest]| requests.iter().filter(|one| removes(one)).all(|one| one.status.is_some());
    world.sandbox.until(arrived).await;
    assert!(!world.live().contains_key(CHUNKS[0]), "it was removed");
    assert_eq!(world.published().await.outcome, Outcome::Unchanged, "nothing is looked at before signatures expire");
    world.sandbox.advance_clock(Duration::from_secs(17 * 60));
    world.published().await;
    assert!(world.head().suspects.is_empty());
    world.assert_settled();
}

/// A run that gave its lease back has waited for what was under way: nothing of it can arrive any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_prune_after_one_that_gave_its_lease_back_suspects_nothing() {
    let world = five_releases().await;
    world.refuse("DeleteObjects", "", 400, "Stopped");
    assert_eq!(world.prune(&[]).await.exit_code, 1);
    world.sandbox.clear_faults();
    pruned(&world).await;
    assert!(world.head().suspects.is_empty());
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_publish_after_a_dead_prune_clears_it() {
    let world = five_releases().await;
    dead_prune(&world).await;
    world.let_leases_end();
    build(&world, 5);
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Repaired, "it owed a refresh");
    assert!(world.head().is_settled());
    world.sandbox.clear_requests();
    world.published().await;
    assert_eq!(world.sandbox.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_that_was_cut_short_is_finished_by_the_next_one() {
    let world = five_releases().await;
    for requests in 0..20 {
        world.sandbox.clear_faults();
        world.let_leases_end();
        world.stop_after(requests);
        let report = world.prune(&[]).await;
        world.sandbox.clear_faults();
        [4, 5].into_iter().for_each(|release| world.assert_is_whole(&world.manifest(release)));
        if report.exit_code == 0 {
            break;
        }
    }
    world.let_leases_end();
    let report = world.prune(&[]).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert_eq!(releases(&world), [4, 5]);
    assert_eq!(world.live().len(), 5);
    build(&world, 5);
    assert_eq!(world.published().await.exit_code, 0);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_that_is_asked_to_stop_frees_its_lease() {
    let world = five_releases().await;
    let stop = Stop::default();
    let listener = |event| {
        if matches!(event, Event::PruneStarted { .. }) {
            stop.request();
        }
    };
    let caller = run::Caller { yes: true, stop: stop.clone(), ..world::caller() };
    let request = run::PruneRequest { environment: world.environment.clone(), caller, now: [].into() };
    let (report, _) = run::prune(request, &|_| Reply::CannotAsk, Events::new(&listener)).await;
    assert_eq!(report.exit_code, 130, "{report:#?}");
    assert_eq!(world.head().pruning.unwrap().lease_s, 0);
    pruned(&world).await;
}

/// Removals that nobody answered may still be under way when the lease is given back.
#[tokio::test(flavor = "multi_thread")]
async fn a_prune_that_is_not_answered_says_what_may_still_go() {
    let world = five_releases().await;
    let matches = Match { operation: Some("DeleteObjects".to_owned()), ..Match::default() };
    world.sandbox.inject(Fault { matches, skip: 0, times: usize::MAX, effect: Effect::DropAnswer });
    let caller = run::Caller { yes: true, ..world::caller() };
    let request = run::PruneRequest { environment: world.environment.clone(), caller, now: [].into() };
    let (report, _) = run::prune(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
    assert_eq!(report.error.as_ref().unwrap().code, "unreachable", "{report:#?}");
    let head = world.head();
    assert_eq!(head.pruning.as_ref().unwrap().lease_s, 0);
    assert!(head.suspects.iter().any(|suspects| !suspects.paths.is_empty()), "{head:#?}");
}

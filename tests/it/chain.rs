//! The longest chain of round trips of a run: how often it waits for the way to AWS and back, which is what it takes where
//! AWS is far away. What does not depend on each other is asked for at once, and is one link together.
//!
//! Polling (`GetInvalidation`) and checks at the site's address are not counted.

use std::time::Duration;

use publish::sandbox::{Effect, Fault, Match, Service, longest_chain};

use crate::world::World;

/// What is added to each answer, so that requests which are sent together overlap. On a busy machine the shorter times may
/// not be enough for that, and a chain then looks longer than it is; never shorter.
const LATENCIES: [u64; 3] = [20, 100, 400];

/// Which run is looked at: a publish of the fixture's second build over its first, or going back from it.
#[derive(Clone, Copy)]
enum Run {
    Edited,
    Rollback,
}

/// A world in front of which no distribution stands, or whose distribution serves the site.
async fn world(distribution: bool) -> World {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    if !distribution {
        world.environment.distribution = None;
        world.environment.url = None;
    }
    world
}

/// The longest chain of a run, each request as `operation key`.
async fn chain(run: Run, distribution: bool, latency: u64) -> Vec<String> {
    let world = world(distribution).await;
    world.published().await;
    world.use_fixture("v2");
    if matches!(run, Run::Rollback) {
        world.published().await;
    }
    world.sandbox.clear_requests();
    let effect = Effect::Latency(Duration::from_millis(latency));
    world.sandbox.inject(Fault { matches: Match::default(), skip: 0, times: usize::MAX, effect });
    let report = match run {
        Run::Edited => world.publish().await,
        Run::Rollback => world.rollback(None).await,
    };
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let requests = world.sandbox.requests();
    let counted = requests.iter().filter(|one| one.service != Service::Site && one.operation != "GetInvalidation");
    longest_chain(counted).into_iter().map(|request| format!("{} {}", request.operation, request.key)).collect()
}

/// The chain has as many links as this. One that has fewer is good news, and the number here goes down.
async fn assert_chain(run: Run, distribution: bool, links: usize) {
    let mut found = Vec::new();
    for latency in LATENCIES {
        found = chain(run, distribution, latency).await;
        if found.len() <= links {
            break;
        }
    }
    assert_eq!(found.len(), links, "{found:#?}");
}

/// The waves of both runs, removals included: what pages refer to, new pages, replaced pages, the entry page, and what leaves.
const WAVES: usize = 5;

/// 1. the head is read, 2. the manifest of the release that is live, and the claimed numbers, 3. the next number is claimed, and
/// the keys are looked at that new files will have, 4. bytes and 5. the manifest are stored, while the objects are looked at that
/// will be replaced or removed, and kept in the blob store, 6. the head says that the activation begins, the waves, 7. the head
/// says that it is done.
#[tokio::test(flavor = "multi_thread")]
async fn an_edited_site_without_a_distribution() {
    assert_chain(Run::Edited, false, 7 + WAVES).await;
}

/// As without a distribution; its configuration is read along with the manifest, and after the last write the refresh is asked
/// for and the head says that nothing is owed any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_edited_site_behind_a_distribution() {
    assert_chain(Run::Edited, true, 9 + WAVES).await;
}

/// 1. the head is read, 2. the manifests of the release to go back to and of the one that is live, 3. the keys are looked at that
/// pages come back to, and the fingerprinted files that must be there, and the blobs and the claimed numbers are listed, 4. the
/// head says that the activation begins, the waves, with the last of which the claimed numbers are listed again, 5. the head
/// says that it is done.
#[tokio::test(flavor = "multi_thread")]
async fn going_back_without_a_distribution() {
    assert_chain(Run::Rollback, false, 5 + WAVES).await;
}

/// As without a distribution; its configuration is read along with the manifests, and after the last write the refresh is
/// asked for and the head says that nothing is owed any more.
#[tokio::test(flavor = "multi_thread")]
async fn going_back_behind_a_distribution() {
    assert_chain(Run::Rollback, true, 7 + WAVES).await;
}

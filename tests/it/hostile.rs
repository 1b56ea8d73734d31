//! Numbers in the state that this program never writes, but that anybody who can write to the bucket could: no run
//! panics, waits for ever or makes it worse.

use std::sync::Mutex;

use publish::error::Code;
use publish::event::Event;
use publish::head::{Activation, Head, Pruning};
use publish::manifest::{Publisher, ReleaseNumber, RunId};
use publish::report::{Outcome, Report};

use crate::world::{self, BUCKET, World};

const HEAD: &str = "_publish/live/head.json";

/// The longest lease that is believed and what is added to it, in seconds.
const LONGEST_WAIT_S: u64 = 3_602;

/// The highest number that a release can have.
const HIGHEST: u64 = 1 << 52;

/// v1 is live and v2 is to be published.
async fn about_to_publish_v2() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    world
}

fn put_head(world: &World, head: &Head) {
    world.sandbox.put_foreign(BUCKET, HEAD, head.encode().unwrap(), "application/json");
}

/// Puts a head with a number that no [`Head`] can be made with.
fn put_head_with(world: &World, field: &str, number: u64) {
    let mut head: serde_json::Value = serde_json::from_slice(&world.objects()[HEAD].bytes).unwrap();
    *head.pointer_mut(field).unwrap() = number.into();
    world.sandbox.put_foreign(BUCKET, HEAD, serde_json::to_vec(&head).unwrap(), "application/json");
}

/// The report of a publish that finds the state unusable, says so and writes nothing.
async fn refused(world: &World) -> Report {
    let before = world.objects();
    let report = world.publish().await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    let error = report.error.as_ref().unwrap();
    assert_eq!(error.code, Code::BadState.as_str(), "{error:#?}");
    assert!(error.hint.contains("docs/bucket-layout.md"), "{error:#?}");
    assert_eq!(world.objects(), before);
    report
}

/// Publishes, and as soon as the run waits, lets `end` end what it waits for. Says how long it meant to wait.
async fn waited(world: &World, end: impl Fn(&mut Head) + Sync) -> u64 {
    let longest = Mutex::new(0);
    let listener = |event| {
        if let Event::Waiting { remaining_s, .. } = event {
            let mut longest = longest.lock().unwrap();
            *longest = remaining_s.max(*longest);
            let mut head = world.head();
            end(&mut head);
            put_head(world, &head);
        }
    };
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    world.assert_settled();
    longest.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_without_end_is_waited_for_like_an_hours() {
    let world = about_to_publish_v2().await;
    let mut head = world.head();
    let active = head.active.clone().unwrap();
    head.activation = Some(Activation {
        to: active.release,
        candidates: [active.release].into(),
        owner: RunId("another".to_owned()),
        publisher: Publisher::default(),
        since: active.since,
        lease_s: u64::MAX,
    });
    put_head(&world, &head);
    let shown = world.status().await.activation.unwrap().lease_remaining_s;
    assert!(shown <= LONGEST_WAIT_S, "{shown}");
    let longest = waited(&world, |head| head.activation.as_mut().unwrap().lease_s = 0).await;
    assert!((1..=LONGEST_WAIT_S).contains(&longest), "{longest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_without_end_is_waited_for_like_an_hours() {
    let world = about_to_publish_v2().await;
    let mut head = world.head();
    let since = head.active.as_ref().unwrap().since;
    head.pruning = Some(Pruning { owner: RunId("another".to_owned()), since, lease_s: u64::MAX, closes: [].into() });
    put_head(&world, &head);
    let longest = waited(&world, |head| head.pruning = None).await;
    assert!((1..=LONGEST_WAIT_S).contains(&longest), "{longest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_cannot_be_raised_does_not_stop_publishing() {
    let world = about_to_publish_v2().await;
    let head = Head { revision: u64::MAX, prune_epoch: u64::MAX, ..world.head() };
    put_head(&world, &head);
    assert_eq!(world.published().await.outcome, Outcome::Published);
    world.assert_settled();
    assert_eq!(world.head().revision, u64::MAX);
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_with_a_number_that_no_release_has_is_not_used() {
    for field in ["/highest_activated", "/floor", "/active/release"] {
        for number in [HIGHEST + 1, u64::MAX] {
            let world = about_to_publish_v2().await;
            put_head_with(&world, field, number);
            let error = refused(&world).await.error.unwrap();
            assert!(error.causes.iter().any(|cause| cause.contains(&number.to_string())), "{error:#?}");
        }
    }
}

/// Otherwise its head would have a number that no run reads: nobody could publish again.
#[tokio::test(flavor = "multi_thread")]
async fn no_run_claims_a_number_beyond_the_highest() {
    let world = about_to_publish_v2().await;
    for field in ["/highest_activated", "/floor"] {
        put_head_with(&world, field, HIGHEST);
        refused(&world).await;
        put_head_with(&world, field, 1);
    }
    let claim = world.environment.layout.claim(ReleaseNumber::new(HIGHEST)).key;
    world.sandbox.put_foreign(BUCKET, &claim, "{}", "application/json");
    refused(&world).await;
    world.sandbox.remove_object(BUCKET, &claim);

    put_head_with(&world, "/highest_activated", HIGHEST - 1);
    let report = world.published().await;
    assert_eq!(report.release, Some(ReleaseNumber::new(HIGHEST)), "the last one of all");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_on_a_number_that_no_release_has_is_nobodys_business() {
    let world = about_to_publish_v2().await;
    for number in [u64::MAX, HIGHEST + 1] {
        for name in ["claim.json", "manifest.json.gz"] {
            let key = format!("_publish/live/releases/{number}/{name}");
            world.sandbox.put_foreign(BUCKET, &key, "{}", "application/json");
        }
    }
    let report = world.published().await;
    assert_eq!(report.release, Some(ReleaseNumber::new(2)));
    world.assert_settled();
}

//! Two publishers: one waits for the other, finishes what it left behind, or is told that it came too late.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use publish::report::event::{Event, Events};
use publish::report::{Outcome, Report};
use publish::run::{self, ActivateRequest, PublishRequest, Reply};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::world::{self, World};

/// v1 is live, and a publish of v2 was cut short after its first live copies: the head says so.
async fn cut_short() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("CopyObject", "live/index.html", 400, "Stopped");
    // It begins the activation and never writes the head again: not even to let the next one begin.
    world.refuse_after(1, "PutObject", "head.json", 400, "Stopped");
    let report = world.publish().await;
    assert_eq!(report.exit_code, 5, "{report:#?}");
    let error = report.error.unwrap();
    assert_eq!(
        error.visitors_see,
        "Visitors see some pages of release 1 and some of release 2; each page is complete."
    );
    assert!(error.hint.contains("run the same command again"), "{error:#?}");
    world.sandbox.clear_faults();
    let status = world.status().await;
    let activation = status.activation.unwrap();
    assert_eq!(activation.to.to_string(), "2");
    assert!(activation.lease_remaining_s > 0);
    assert_eq!(status.release.unwrap().to_string(), "1");
    world.sandbox.clear_requests();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_fails_within_the_switch_lets_the_next_one_begin_at_once() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("CopyObject", "live/index.html", 400, "Stopped");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    assert_eq!(world.status().await.activation.unwrap().lease_remaining_s, 0);
    assert_eq!(world.published().await.outcome, Outcome::Published);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_publisher_waits_while_the_lease_lasts_and_then_finishes() {
    let world = cut_short().await;
    let writes_while_waiting = Mutex::new(Vec::new());
    let waited = AtomicBool::new(false);
    let listener = |event| {
        if let Event::Waiting { for_whom, remaining_s } = event {
            assert!(for_whom.contains("tester") && for_whom.contains("release 2"), "{for_whom}");
            if !waited.swap(true, Ordering::Relaxed) {
                assert!(remaining_s > 60, "{remaining_s}");
                writes_while_waiting.lock().unwrap().extend(world.s3_writes());
                world.let_leases_end();
            }
        }
    };
    let before = world.invalidations().len();
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert!(waited.into_inner(), "it did not wait");
    assert!(writes_while_waiting.into_inner().unwrap().is_empty());
    world.assert_settled();
    assert_eq!(world.visible()["index.html"], expected_index().await);
    let made = world.invalidations().split_off(before);
    assert_eq!(made.len(), 1, "the new refresh covers the one that was owed: {made:#?}");
    assert!(made[0].paths.contains(&"/contact.html".to_owned()), "{made:#?}");
}

async fn expected_index() -> String {
    let world = World::with_fixture("v2").await;
    world.published().await;
    world.visible()["index.html"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_takes_over_with_the_union_refreshed() {
    let world = cut_short().await;
    // What v2 has changed already, and what v1 had, is not what shall be.
    world.use_fixture("v1");
    world.write("robots.txt", "changed");
    world.let_leases_end();
    let before = world.invalidations().len();
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Published);
    world.assert_settled();
    let made = world.invalidations().split_off(before);
    let paths: BTreeSet<&str> = made.iter().flat_map(|one| &one.paths).map(String::as_str).collect();
    for path in ["/index.html", "/", "/about/", "/news/", "/news/index.html", "/config.json", "/robots.txt"] {
        assert!(paths.contains(path), "{path} is not among {paths:?}");
    }
    let taken_over = made.last().unwrap();
    for path in ["/index.html", "/about/", "/config.json", "/robots.txt"] {
        assert!(
            taken_over.paths.iter().any(|found| found == path),
            "what is uncertain is refreshed anew: {taken_over:?}"
        );
    }
    let live = world.live();
    assert!(!live.contains_key("news/index.html"), "v2's page may have been there");
    assert_eq!(&live["robots.txt"].bytes[..], b"changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_after_a_publish_that_was_cut_short_leaves_what_was_there() {
    let world = cut_short().await;
    let untouched = World::with_fixture("v1").await;
    untouched.published().await;
    world.use_fixture("v1");
    world.let_leases_end();
    world.published().await;
    world.assert_settled();
    let visible = world.visible();
    for (path, object) in untouched.visible() {
        assert_eq!(visible.get(&path), Some(&object), "{path}");
    }
    assert!(visible.keys().all(|path| path.starts_with("assets/") || untouched.visible().contains_key(path)));
}

/// Publishes `early`, and when it is staged lets `late` happen from beginning to end.
async fn overtaken(early: PublishRequest, late: impl AsyncFn() + Sync) -> Report {
    let listener = |event| {
        if matches!(event, Event::Staged { .. }) {
            block_in_place(|| Handle::current().block_on(late()));
        }
    };
    world::publish_heard(early, listener).await
}

/// A world in which v1 is live, and v2 is about to be.
async fn two_releases() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_release_never_replaces_a_newer_one() {
    let world = two_releases().await;
    let late = async || {
        world.write("robots.txt", "newer");
        world.published().await;
    };
    let report = overtaken(world.request(), late).await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    assert_eq!(report.release.unwrap().to_string(), "3");
    let error = report.error.unwrap();
    assert!(error.message.contains("release 2 was overtaken") && error.message.contains("release 3"), "{error:#?}");
    assert!(error.visitors_see.contains("the other publisher's release") && !error.hint.is_empty(), "{error:#?}");
    assert_eq!(world.head().active.unwrap().release.to_string(), "3");
    assert_eq!(&world.live()["robots.txt"].bytes[..], b"newer");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_overtaken_by_the_same_content_is_done() {
    let world = two_releases().await;
    let late = async || {
        world.published().await;
    };
    let report = overtaken(world.request(), late).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Unchanged), "{report:#?}");
    assert_eq!(report.release.unwrap().to_string(), "3");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_force_an_older_release() {
    let world = two_releases().await;
    let original = std::fs::read(world.folder.join("robots.txt")).unwrap();
    let staged = world::publish(PublishRequest { stage_only: true, ..world.request() }).await;
    assert_eq!(staged.outcome, Outcome::Staged, "{staged:#?}");
    world.write("robots.txt", "newer");
    world.published().await;
    let request = ActivateRequest {
        environment: world.environment.clone(),
        caller: world::caller(),
        release: publish::release::manifest::ReleaseNumber::new(2),
        force: true,
        reason: None,
    };
    let report = run::activate(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Activated), "{report:#?}");
    assert_eq!(world.head().active.unwrap().release.to_string(), "2");
    assert_eq!(world.head().highest_activated.to_string(), "3");
    assert_eq!(&world.live()["robots.txt"].bytes[..], &original[..]);
    assert!(world.last_invalidated().contains(&"/robots.txt".to_owned()));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_closes_the_numbers_below_it() {
    let world = two_releases().await;
    let late = async || {
        let mut head = world.head();
        head.floor = publish::release::manifest::ReleaseNumber::new(2);
        head.revision += 1;
        world.sandbox.put_foreign(world::BUCKET, "_publish/live/head.json", head.encode().unwrap(), "application/json");
    };
    let report = overtaken(world.request(), late).await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    assert_eq!(world.head().active.unwrap().release.to_string(), "1");
    let report = world.published().await;
    assert_eq!(report.release.unwrap().to_string(), "3", "a publish that begins later goes ahead");
}

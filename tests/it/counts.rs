//! What a report counts is what its run has sent, copied and removed, in all its attempts and however it ended: as many
//! objects, bytes and copies as S3's log has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Once;
use std::time::Duration;

use publish::release::head::Activation;
use publish::release::manifest::{Publisher, ReleaseNumber};
use publish::release::retention::RetentionSettings;
use publish::report::event::Event;
use publish::report::{Outcome, Report, Uploaded};
use publish::run::PublishRequest;
use publish::sandbox::LoggedRequest;

use crate::world::{self, BUCKET, World, is_record};

/// v1, then v2 were published, and the site is v1 with five more pages and another script under its old name.
async fn with_a_name_that_is_about_to_lie() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    world.use_fixture("v1");
    for page in 0..5 {
        world.write(&format!("more/{page}.html"), format!("page {page}"));
    }
    world.append(script_of(&world).as_str(), "//");
    world.sandbox.clear_requests();
    world
}

/// A script of the site whose name is fingerprinted.
fn script_of(world: &World) -> String {
    let files = world::files_of(&world.folder).into_keys();
    files.into_iter().find(|path| path.starts_with("assets/index-") && path.ends_with(".js")).unwrap()
}

/// v1 is live, and the site is v2.
pub(crate) async fn about_to_publish() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    world
}

fn done<'a>(requests: &'a [LoggedRequest], operation: &'a str) -> impl Iterator<Item = &'a LoggedRequest> {
    requests.iter().filter(move |request| {
        request.operation == operation && request.status == Some(200) && !is_record(&request.key)
    })
}

/// The report counts what S3 has done since the log was cleared.
pub(crate) fn assert_counts_are_those_of_the_log(world: &World, report: &Report) {
    let requests = world.s3_requests();
    let sent: Vec<_> = done(&requests, "PutObject").collect();
    let uploaded = Uploaded { objects: sent.len(), bytes: sent.iter().map(|request| request.body_bytes).sum() };
    assert_eq!((report.uploaded, report.copied), (uploaded, done(&requests, "CopyObject").count()), "{report:#?}");
}

/// Publishes; at the first event of which `when` is true, `then` happens.
async fn disturbed(
    request: PublishRequest,
    when: impl Fn(&Event) -> bool + Sync,
    then: impl Fn() + Sync,
) -> (Report, bool) {
    let once = Once::new();
    let listener = |event| {
        if when(&event) {
            once.call_once(&then);
        }
    };
    (world::publish_heard(request, listener).await, once.is_completed())
}

fn is_staged(event: &Event) -> bool {
    matches!(event, Event::Staged { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_a_name_turned_out_to_lie_is_counted() {
    let world = with_a_name_that_is_about_to_lie().await;
    let report = world.published().await;
    assert_eq!(report.uploaded.objects, 6, "five pages and the script: {report:#?}");
    assert_counts_are_those_of_the_log(&world, &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_a_race_was_lost_is_counted() {
    for world in [with_a_name_that_is_about_to_lie().await, about_to_publish().await] {
        let rewrite = || world.rewrite_head(|head| head.pending_refreshes.clear());
        let (report, lost) = disturbed(world.request(), is_staged, rewrite).await;
        assert_eq!((report.exit_code, report.outcome, lost), (0, Outcome::Published, true), "{report:#?}");
        assert!(report.uploaded.objects > 0);
        assert_counts_are_those_of_the_log(&world, &report);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_prune_made_this_run_send_twice_is_counted_twice() {
    for stage_only in [false, true] {
        let world = about_to_publish().await;
        let before = world.objects();
        let prune = || {
            for key in world.objects().into_keys().filter(|key| !before.contains_key(key)) {
                world.sandbox.remove_object(BUCKET, &key);
            }
            world.rewrite_head(|head| head.prune_epoch += 1);
        };
        let request = PublishRequest { stage_only, ..world.request() };
        let (report, pruned) = disturbed(request, is_staged, prune).await;
        assert_eq!((report.exit_code, pruned), (0, true), "{report:#?}");
        assert_counts_are_those_of_the_log(&world, &report);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_another_run_was_waited_for_is_counted() {
    let world = about_to_publish().await;
    let begin = || {
        world.rewrite_head(|head| {
            head.activation = Some(Activation {
                to: ReleaseNumber::new(1),
                candidates: [].into(),
                owner: world::run_id(),
                publisher: Publisher::default(),
                since: head.active.as_ref().unwrap().since,
                lease_s: 90,
                unknown: publish::release::format::Unknown::default(),
            });
        });
    };
    let begun = Once::new();
    let listener = |event| match event {
        Event::Staged { .. } => begun.call_once(begin),
        Event::Waiting { .. } => world.let_leases_end(),
        _ => {}
    };
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!((report.exit_code, begun.is_completed()), (0, true), "{report:#?}");
    assert_counts_are_those_of_the_log(&world, &report);
    let requests = world.s3_requests();
    let files = requests.iter().filter(|one| one.operation == "PutObject" && !is_record(&one.key));
    let mut sent = BTreeSet::new();
    for request in files.filter(|request| request.body_bytes > 0) {
        assert!(sent.insert(&request.key), "{} is sent twice", request.key);
    }
    assert!(!sent.is_empty());
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_and_one_that_only_stages_count_what_they_send() {
    let world = World::with_fixture("v1").await;
    assert_counts_are_those_of_the_log(&world, &world.published().await);
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    let report = world::publish(PublishRequest { stage_only: true, ..world.request() }).await;
    assert_eq!((report.outcome, report.copied), (Outcome::Staged, 0), "{report:#?}");
    assert_counts_are_those_of_the_log(&world, &report);
    world.sandbox.clear_requests();
    let report = world.activate(2).await;
    assert_eq!((report.outcome, report.uploaded.objects), (Outcome::Activated, 0), "{report:#?}");
    assert!(report.copied > 0);
    assert_counts_are_those_of_the_log(&world, &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_counts_what_it_keeps_and_what_it_brings_back() {
    let mut world = World::with_fixture("v1").await;
    // Fingerprinted files go too, so that going back copies them from where they are kept.
    world.environment.publish.remove_now = vec!["**".to_owned()];
    world.published().await;
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert!(report.copied > 0 && report.deleted > 0, "{report:#?}");
    assert_counts_are_those_of_the_log(&world, &report);
    world.sandbox.clear_requests();
    let before = live_keys(&world);
    let report = world.rollback(Some(1)).await;
    assert_eq!((report.exit_code, report.uploaded.objects), (0, 0), "{report:#?}");
    assert_counts_are_those_of_the_log(&world, &report);
    let gone = before.keys().filter(|key| !live_keys(&world).contains_key(*key)).count();
    assert_eq!(report.deleted, gone);
}

fn live_keys(world: &World) -> BTreeMap<String, ()> {
    world.live().into_keys().map(|key| (key, ())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn adopting_counts_its_copies_and_what_it_sends_to_the_blobs() {
    let world = World::with_fixture("v1").await;
    for path in ["index.html", "about.html", "robots.txt"] {
        world.sandbox.put_foreign(BUCKET, &format!("live/{path}"), "theirs", "text/html");
    }
    let adopt = |stage_only| PublishRequest { adopt: true, stage_only, ..world.request() };
    // Another run writes to the head between the adoption and the switch: what was adopted is not forgotten.
    let rewrite = || world.rewrite_head(|head| head.pending_refreshes.clear());
    let (report, lost) = disturbed(
        adopt(false),
        |event| matches!(event, Event::Staged { release } if *release != ReleaseNumber::ADOPTED),
        rewrite,
    )
    .await;
    assert_eq!((report.exit_code, lost), (0, true), "{report:#?}");
    assert!(report.copied >= 3, "{report:#?}");
    assert_counts_are_those_of_the_log(&world, &report);
}

/// The switch waits for what is under way when something fails: all of it is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_says_what_it_had_done_by_then() {
    for (operation, key, exit_code) in [
        ("PutObject", "releases/2/manifest", 1),
        ("PutObject", "head.json", 1),
        ("CopyObject", "live/index.html", 5),
        ("DeleteObjects", "", 5),
        ("CreateInvalidation", "", 3),
    ] {
        let world = about_to_publish().await;
        world.refuse(operation, key, 400, "Stopped");
        let report = world.publish().await;
        assert_eq!(report.exit_code, exit_code, "{operation} {key}: {report:#?}");
        assert!(report.uploaded.objects > 0, "{operation} {key}: {report:#?}");
        // What is to be replaced is kept while the manifest is written.
        assert!(report.copied > 0, "{operation} {key}: {report:#?}");
        assert_counts_are_those_of_the_log(&world, &report);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_counts_what_it_keeps_and_removes_also_one_that_fails() {
    for fails in [false, true] {
        let mut world = World::with_fixture("v1").await;
        world.environment.retention = RetentionSettings { releases: 1, days: 0, ..world.environment.retention };
        world.published().await;
        world.use_fixture("v2");
        for text in ["one", "two", "three"] {
            world.write("robots.txt", text);
            world.published().await;
        }
        world.sandbox.advance_clock(Duration::from_secs(30 * 24 * 60 * 60));
        if fails {
            // The objects go, and their records do not.
            let records = |request: &LoggedRequest| request.operation == "DeleteObjects";
            let mut seen = 0;
            world.sandbox.inject_by(move |request| {
                seen += usize::from(records(request));
                let effect = publish::sandbox::Effect::Refuse {
                    status: 400,
                    code: "Stopped".to_owned(),
                    message: "refused by the test".to_owned(),
                };
                (records(request) && seen > 1).then_some(effect)
            });
        }
        let objects = |world: &World| world.objects().into_keys().filter(|key| !is_record(key)).count();
        let before = objects(&world);
        world.sandbox.clear_requests();
        let report = world.prune(&[]).await;
        assert_eq!(report.exit_code, u8::from(fails), "{report:#?}");
        let copied = done(&world.s3_requests(), "CopyObject").count();
        assert_eq!((report.deleted, report.copied), (before + copied - objects(&world), copied), "{report:#?}");
        assert!(report.deleted > 0, "{report:#?}");
    }
}

//! A run that is told to stop says what visitors see, what to do next, and what it had done by then.

use std::time::Duration;

use publish::release::manifest::ReleaseNumber;
use publish::release::retention::RetentionSettings;
use publish::report::event::Event;
use publish::report::{InvalidationStatus, Outcome, Report};
use publish::run::{PublishRequest, Reply};
use publish::sandbox::{Effect, LoggedRequest};

use crate::counts::{about_to_publish, assert_counts_are_those_of_the_log};
use crate::world::{self, World};

/// Publishes, and is told to stop when `when` is true.
async fn stopped(world: &World, when: impl Fn(&Event) -> bool + Sync) -> Report {
    let request = world.request();
    let stop = request.caller.stop.clone();
    let listener = |event| {
        if when(&event) {
            stop.request();
        }
    };
    world::publish_heard(request, listener).await
}

fn told(report: &Report) -> (u8, &str, &str) {
    let error = report.error.as_ref().unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!((error.code.as_str(), error.message.as_str()), ("interrupted", "stopped on request"), "{report:#?}");
    (report.exit_code, &error.visitors_see, &error.hint)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_how_far_it_got_and_counts_what_it_did() {
    let seen = [
        (130, "Visitors see release 1, as before.", "Run the same command again; it continues from there."),
        (
            5,
            "Visitors see some pages of release 1 and some of release 2; each page is complete.",
            "Run the same command again to finish the activation. Or `publish rollback 1` brings all of release 1 back.",
        ),
        (
            3,
            "Release 2 is live; the CDN may still serve older pages for a while.",
            "Run the same command again to refresh the CDN.",
        ),
    ];
    for (number, expected) in seen.into_iter().enumerate() {
        let world = about_to_publish().await;
        // When the release is staged, what is to be replaced is kept too: nothing is under way that might not be counted.
        let when = |event: &Event| match number {
            0 => matches!(event, Event::Staged { .. }),
            1 => matches!(event, Event::ActivationAdvanced { objects: 1 }),
            _ => matches!(event, Event::Activated { .. }),
        };
        let report = stopped(&world, when).await;
        assert_eq!(told(&report), expected);
        let release = ReleaseNumber::new(if number == 2 { 2 } else { 1 });
        assert_eq!((report.release, report.previous_release), (Some(release), Some(ReleaseNumber::new(1))));
        assert_eq!(report.files.replaced, 3, "{report:#?}");
        assert!(report.uploaded.objects > 0 && !report.requests.is_empty(), "{report:#?}");
        assert_counts_are_those_of_the_log(&world, &report);
        assert_eq!(world.published().await.exit_code, 0);
        world.assert_settled();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_twice_does_not_wait_for_what_is_under_way() {
    let is_live_copy = |request: &LoggedRequest| request.operation == "CopyObject" && request.key.starts_with("live/");
    let world = about_to_publish().await;
    world.sandbox.inject_by(move |request| is_live_copy(request).then_some(Effect::Hold));
    let request = world.request();
    let stop = request.caller.stop.clone();
    let told_twice = async {
        world.sandbox.until(|requests| requests.iter().any(is_live_copy)).await;
        assert!(stop.request(), "it waits for what is under way");
        assert!(!stop.request());
    };
    let (report, ()) = tokio::join!(world::publish(request), told_twice);
    let seen = "Visitors see some pages of release 1 and some of release 2; each page is complete.";
    let next = "Run the same command again to finish. Or `publish rollback 1` brings all of release 1 back.";
    assert_eq!(told(&report), (5, seen, next));
    assert!(world.head().activation.unwrap().lease_s > 0, "what was under way may still arrive");
}

/// The publish is done, whatever becomes of the prune.
#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_is_stopped_while_it_prunes_is_a_publish() {
    for is_removing in [false, true] {
        let mut world = World::with_fixture("v1").await;
        world.sandbox.complete_invalidations_after(0);
        for text in ["one", "two", "three"] {
            world.write("robots.txt", text);
            world.published().await;
        }
        world.environment.retention = RetentionSettings { releases: 0, days: 0, prune: true };
        world.write("robots.txt", "four");
        world.sandbox.advance_clock(Duration::from_secs(2 * 24 * 60 * 60));
        let when = |event: &Event| match event {
            Event::PruneStarted { .. } => is_removing,
            Event::Refreshed => !is_removing,
            _ => false,
        };
        let report = stopped(&world, when).await;
        assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
        let [warning] = &report.warnings[..] else { panic!("{report:#?}") };
        assert!(warning.contains("pruning did not finish: stopped on request. "), "{warning}");
        let releases = [report.release, report.previous_release];
        assert_eq!(releases, [4, 3].map(|number| Some(ReleaseNumber::new(number))));
        assert_eq!(report.invalidation.unwrap().status, InvalidationStatus::Effective);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_to_stop_while_asked_changes_nothing() {
    let world = about_to_publish().await;
    world.remove("404.html");
    let mut request = world.request();
    request.environment.publish.max_removed_percent = 0;
    let (head, visible) = (world.head(), world.visible());
    let report = world::publish_answering(request, Reply::Interrupted).await;
    let seen = "Visitors see release 1, as before.";
    assert_eq!(told(&report), (130, seen, "Run the same command again; it continues from there."));
    assert_eq!((world.head(), world.visible()), (head, visible));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_before_it_begins_sends_nothing() {
    let world = about_to_publish().await;
    let caller = world::caller();
    caller.stop.request();
    let report = world::publish(PublishRequest { caller, ..world.request() }).await;
    let seen = "Visitors see what they saw before.";
    assert_eq!(told(&report), (130, seen, "Run the same command again; it continues from there."));
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(world.sandbox.requests().len(), 0);
}

//! Going back, and staging without activating: what a release manager does with the site on fire.

use publish::release::manifest::ReleaseNumber;
use publish::report::Outcome;
use publish::report::event::Events;
use publish::run::{self, Caller, Reply, RollbackRequest};
use publish::sandbox::{Effect, Fault, Match};

use crate::world::{self, World, loads};

/// Releases 1, 2 and 1 again with other words, of which the last is live.
pub async fn three_releases() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    world.use_fixture("v1");
    world.write("robots.txt", "third");
    world.published().await;
    world
}

/// The live objects are exactly what the manifest of `release` says: bytes and headers, and nothing that a visitor
/// reaches beside it but what waits for its retention to end.
pub fn assert_is_live(world: &World, release: u64) {
    world.assert_settled();
    let head = world.head();
    assert_eq!(head.active.as_ref().unwrap().release, ReleaseNumber::new(release));
    let files = world.manifest(release).files;
    for path in world.live().keys().filter(|path| path.ends_with(".html")) {
        assert!(files.keys().any(|named| named.as_str() == path), "{path} is not of release {release}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_retained_release_comes_back_exactly_and_without_site_bytes() {
    let world = three_releases().await;
    let pages = |world: &World| {
        let mut visible = world.visible();
        visible.retain(|path, _| path.ends_with(".html") || path.ends_with(".txt"));
        visible
    };
    let third = pages(&world);
    for release in [1, 2, 3, 1, 3, 2, 3] {
        world.sandbox.clear_requests();
        let report = world.rollback(Some(release)).await;
        assert_eq!((report.exit_code, report.release), (0, Some(ReleaseNumber::new(release))), "{report:#?}");
        assert_eq!((world.site_bytes_sent(), report.uploaded.bytes), (0, 0));
        assert_is_live(&world, release);
    }
    assert_eq!(pages(&world), third);
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_number_it_goes_to_the_release_before() {
    let world = three_releases().await;
    let report = world.rollback(None).await;
    assert_eq!((report.outcome, report.release), (Outcome::RolledBack, Some(ReleaseNumber::new(2))), "{report:#?}");
    assert_eq!(report.previous_release, Some(ReleaseNumber::new(3)));
    assert_is_live(&world, 2);
    let item = world.head().history.pop().unwrap();
    assert_eq!((item.release, item.from), (ReleaseNumber::new(2), Some(ReleaseNumber::new(3))));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_was_before_there_is_nothing_to_go_back_to() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    for (release, code) in [(None, 2), (Some(7), 2)] {
        let report = world.rollback(release).await;
        assert_eq!(report.exit_code, code, "{report:#?}");
    }
    assert_is_live(&world, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_release_that_is_left_stay_for_open_tabs() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    world.rollback(None).await;
    let live = world.live();
    for (path, entry) in world.manifest(2).files {
        if entry.kind == publish::types::headers::Kind::Fingerprinted {
            assert!(live.contains_key(path.as_str()), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_in_flight_cannot_undo_a_rollback() {
    let world = three_releases().await;
    world.write("robots.txt", "in flight");
    let listener = |event| {
        if matches!(event, publish::report::event::Event::Staged { .. }) {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(world.rollback(Some(1))));
        }
    };
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    assert_is_live(&world, 1);
    assert_eq!(world.published().await.release, Some(ReleaseNumber::new(5)), "one that begins later goes ahead");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_asks_first() {
    let world = three_releases().await;
    for (answer, code) in [(Reply::No, 130), (Reply::CannotAsk, 2), (Reply::Yes, 0)] {
        let request = RollbackRequest {
            commit: None,
            environment: world.environment.clone(),
            caller: world::caller(),
            release: None,
            hold: false,
            reason: None,
        };
        world.sandbox.clear_requests();
        let report = run::rollback(request, &|_| answer, Events::new(&|_| {})).await;
        assert_eq!(report.exit_code, code, "{report:#?}");
        assert_eq!(world.s3_writes().is_empty(), answer != Reply::Yes);
    }
    assert_is_live(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_staged_unseen_and_activated_later() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    let before = world.visible();
    let mut request = world.request();
    request.stage_only = true;
    let report = world::publish(request).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Staged), "{report:#?}");
    for (path, object) in &before {
        assert_eq!(world.visible().get(path), Some(object), "{path}");
    }
    assert!(!world.visible().contains_key("news/index.html"));
    world.sandbox.clear_requests();
    let report = world.activate(2).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Activated), "{report:#?}");
    assert_eq!(world.site_bytes_sent(), 0);
    assert_is_live(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_release_can_be_staged_too() {
    let world = World::with_fixture("v1").await;
    let mut request = world.request();
    request.stage_only = true;
    assert_eq!(world::publish(request).await.outcome, Outcome::Staged);
    assert!(world.live().keys().all(|path| path.starts_with("assets/")), "{:?}", world.live().keys());
    assert_eq!(world.activate(1).await.exit_code, 0);
    assert_is_live(&world, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_release_is_not_activated_by_accident() {
    let world = three_releases().await;
    let report = world.activate(2).await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    assert!(report.error.unwrap().hint.contains("publish rollback 2"));
    assert_is_live(&world, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_whose_bytes_are_gone_is_refused_before_the_switch() {
    let world = three_releases().await;
    let files = world.manifest(2).files;
    let (path, _) = files
        .iter()
        .find(|(path, entry)| {
            entry.kind == publish::types::headers::Kind::Fingerprinted && !world.manifest(3).files.contains_key(*path)
        })
        .unwrap();
    world.sandbox.remove_object(world::BUCKET, &format!("live/{path}"));
    let (before, head) = (world.visible(), world.head());
    let report = world.rollback(Some(2)).await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    let error = report.error.unwrap();
    assert!(error.code == "missing_bytes" && error.message.contains(path.as_str()), "{error:#?}");
    assert_eq!((world.visible(), world.head()), (before, head));
    assert_is_live(&world, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_undoes_an_activation_that_was_cut_short() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("CopyObject", "live/index.html", 400, "Stopped");
    let report = world.publish().await;
    assert_eq!(report.exit_code, 5);
    let hint = report.error.unwrap().hint;
    assert!(hint.contains("run the same command again") && hint.contains("`publish rollback 1`"), "{hint}");
    world.sandbox.clear_faults();
    let report = world.rollback(None).await;
    assert_eq!((report.exit_code, report.release), (0, Some(ReleaseNumber::new(1))), "{report:#?}");
    assert_is_live(&world, 1);
    let superseded = world.head().superseded;
    assert!(superseded.contains_key(&ReleaseNumber::new(2)), "tabs of it are open: its retention begins now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_reused_comes_back_as_mutable() {
    let world = World::new().await;
    let (page, chunk) = ("index.html", "assets/app-D4wrgT9a.js");
    world.write(page, loads(chunk));
    world.write(chunk, "one");
    world.published().await;
    world.assert_fingerprinted(1, chunk);
    world.write(chunk, "two");
    world.published().await;
    let report = world.rollback(Some(1)).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let object = &world.live()[chunk];
    assert_eq!(&object.bytes[..], b"one");
    assert!(!object.cache_control.as_deref().unwrap().contains("immutable"), "{object:?}");
    assert!(world.last_invalidated().contains(&format!("/{chunk}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_a_publish_leaves_the_release_before_the_active_one_within_reach() {
    let world = three_releases().await;
    world.write("robots.txt", "fourth");
    world.cut_short_at("CopyObject", "live/robots.txt");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    assert_eq!(world.rollback(None).await.release, Some(ReleaseNumber::new(3)));
    assert_eq!(world.head().active.unwrap().previous, Some(ReleaseNumber::new(2)));
    assert_eq!(world.rollback(None).await.release, Some(ReleaseNumber::new(2)));
    assert_is_live(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_were_half_changed_go_back_with_bytes_that_are_only_live() {
    let mut world = World::with_fixture("v1").await;
    world.published().await;
    let before = world.visible();
    world.environment.headers = vec![publish::config::header_rule::HeaderRule {
        globs: publish::config::header_rule::OneOrMany(vec!["**/*.html".to_owned(), "robots.txt".to_owned()]),
        cache_control: Some("no-cache".to_owned()),
        ..Default::default()
    }];
    world.refuse("CopyObject", "live/index.html", 400, "Stopped");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    let report = world.rollback(None).await;
    assert_eq!((report.exit_code, report.release), (0, Some(ReleaseNumber::new(1))), "{report:#?}");
    assert_is_live(&world, 1);
    assert_eq!(world.visible(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn activating_what_is_active_undoes_what_was_cut_short() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("CopyObject", "live/index.html", 400, "Stopped");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    assert_eq!(world.activate(1).await.exit_code, 0);
    assert_is_live(&world, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_to_what_is_live_notices_who_publishes_meanwhile() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    let listener = |event| {
        // The rollback has found that nothing differs, and is about to record the floor.
        if matches!(event, publish::report::event::Event::Planned { files, .. } if files.replaced == 0)
            && world.head().active.unwrap().release == ReleaseNumber::new(1)
        {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(world.published()));
        }
    };
    let request = RollbackRequest {
        commit: None,
        environment: world.environment.clone(),
        caller: Caller { yes: true, ..world::caller() },
        release: Some(ReleaseNumber::new(1)),
        hold: false,
        reason: None,
    };
    let report = run::rollback(request, &|_| Reply::CannotAsk, Events::new(&listener)).await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    assert_is_live(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staged_release_brings_again_what_another_one_removed() {
    let mut world = World::new().await;
    let chunk = "assets/app-D4wrgT9a.js";
    world.environment.publish.remove_now = vec!["assets/**".to_owned()];
    world.write("index.html", loads(chunk) + "one");
    world.write(chunk, "chunk");
    world.published().await;
    world.assert_fingerprinted(1, chunk);
    let late = world.request();
    world.write("index.html", loads(chunk));
    let listener = |event| {
        if matches!(event, publish::report::event::Event::Planned { .. })
            && world.head().active.unwrap().release.to_string() == "1"
        {
            // Another publisher, without the chunk, begins earlier and ends first.
            let other = tempfile::tempdir().unwrap();
            std::fs::write(other.path().join("index.html"), "two").unwrap();
            let mut request = world.request();
            request.folder = other.path().to_owned();
            request.caller.yes = true;
            let report =
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(world::publish(request)));
            assert_eq!(report.exit_code, 0, "{report:#?}");
        }
    };
    let report = world::publish_heard(late, listener).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    world.assert_settled();
    assert_eq!(&world.live()[chunk].bytes[..], b"chunk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_reused_while_only_staging_stays_mutable() {
    let world = World::new().await;
    let chunk = "assets/app-D4wrgT9a.js";
    world.write("index.html", loads(chunk));
    world.write(chunk, "one");
    world.published().await;
    world.assert_fingerprinted(1, chunk);
    world.write(chunk, "two");
    let mut request = world.request();
    request.stage_only = true;
    assert_eq!(world::publish(request).await.outcome, Outcome::Staged);
    assert_eq!(world.activate(2).await.exit_code, 0);
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert!(!world.live()[chunk].cache_control.as_deref().unwrap().contains("immutable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprinted_file_that_was_removed_at_once_comes_back() {
    let mut world = World::new().await;
    let chunk = "assets/app-D4wrgT9a.js";
    world.environment.publish.remove_now = vec!["assets/**".to_owned()];
    world.write("index.html", loads(chunk));
    world.write(chunk, "one");
    world.write("robots.txt", "stays");
    world.published().await;
    world.write("index.html", "no script");
    world.remove(chunk);
    world.published().await;
    assert!(!world.live().contains_key(chunk));
    // Whatever is to be removed at once by now.
    world.environment.publish.remove_now = Vec::new();
    assert_eq!(world.rollback(None).await.exit_code, 0);
    assert_is_live(&world, 1);
    assert!(world.live()[chunk].cache_control.as_deref().unwrap().contains("immutable"));
    let refreshed = world.last_invalidated();
    assert!(refreshed.contains(&format!("/{chunk}")), "an error may be kept there: {refreshed:?}");
}

/// The build is published again that holds it.
#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprinted_file_that_comes_back_is_refreshed_and_a_new_one_is_not() {
    let mut world = World::new().await;
    let (chunk, new) = ("assets/app-D4wrgT9a.js", "other/app-B4kX9_fQ.js");
    world.environment.publish.remove_now = vec!["assets/**".to_owned()];
    world.write("index.html", loads(chunk));
    world.write(chunk, "one");
    world.published().await;
    assert!(!world.last_invalidated().iter().any(|path| path.contains("assets")), "nobody could ask for it before");
    world.write("index.html", "no script");
    world.remove(chunk);
    world.published().await;
    world.write("index.html", loads(chunk) + &loads(new));
    world.write(chunk, "one");
    world.write(new, "two");
    world.published().await;
    world.assert_fingerprinted(3, new);
    assert_eq!(world.last_invalidated(), ["/", "/assets/app-D4wrgT9a.js", "/index.html"]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprinted_file_whose_name_was_taken_out_of_every_release_is_refreshed_when_it_is_published_again() {
    let world = World::new().await;
    let chunk = "assets/app-D4wrgT9a.js";
    world.write("index.html", loads(chunk));
    world.write(chunk, "a secret");
    world.published().await;
    assert_eq!(world.prune(&[chunk]).await.exit_code, 0);
    world.write(chunk, "for everybody");
    world.append("index.html", "<!-- changed -->");
    world.published().await;
    let refreshed = world.last_invalidated();
    assert!(refreshed.contains(&format!("/{chunk}")), "{refreshed:?}");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_of_a_run_that_was_cut_short_is_what_is_there() {
    let world = World::new().await;
    for (path, text) in [("index.html", "one"), ("p.html", "A"), ("z.html", "z")] {
        world.write(path, text);
    }
    world.published().await;
    world.write("p.html", "B");
    world.write("z.html", "zz");
    world.refuse("CopyObject", "live/z.html", 400, "Stopped");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    world.remove("p.html");
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    world.published().await;
    world.sandbox.clear_faults();
    world.write("p.html", "A");
    world.published().await;
    assert_eq!(&world.live()["p.html"].bytes[..], b"A");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_finishes_its_switch_but_loses_the_answer_is_done() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    // The last write of the head takes effect, and neither its answer nor the first reading back arrives.
    let matches = |operation: &str| Match {
        operation: Some(operation.to_owned()),
        key_contains: Some("head.json".to_owned()),
        service: None,
    };
    let switched = std::sync::atomic::AtomicBool::new(false);
    let listener = |event| {
        if matches!(event, publish::report::event::Event::ActivationStarted { .. })
            && !switched.swap(true, std::sync::atomic::Ordering::Relaxed)
        {
            let refused = Effect::Refuse { status: 400, code: "Stopped".to_owned(), message: String::new() };
            for (operation, effect) in [("PutObject", Effect::DropAnswer), ("GetObject", refused)] {
                world.sandbox.inject(Fault { matches: matches(operation), skip: 0, times: 1, effect });
            }
        }
    };
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    assert_is_live(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_finishes_a_rollback_whose_refresh_failed() {
    let world = three_releases().await;
    world.refuse("CreateInvalidation", "", 403, "AccessDenied");
    assert_eq!(world.rollback(None).await.exit_code, 3);
    world.sandbox.clear_faults();
    let report = world.rollback(None).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Repaired), "{report:#?}");
    assert_is_live(&world, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_finishes_a_rollback_that_was_cut_short() {
    let world = three_releases().await;
    world.refuse("CopyObject", "live/index.html", 400, "Stopped");
    assert_eq!(world.rollback(None).await.exit_code, 5);
    world.sandbox.clear_faults();
    world.let_leases_end();
    let report = world.rollback(None).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::RolledBack), "{report:#?}");
    assert_is_live(&world, 2);
}

/// The release that was left is not wanted back, also when a person repeats the command to be safe.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_rollback_without_a_number_does_not_bring_back_what_was_left() {
    let world = three_releases().await;
    assert_eq!(world.rollback(None).await.release, Some(ReleaseNumber::new(2)));
    for hold in [false, true] {
        let request = RollbackRequest {
            commit: None,
            environment: world.environment.clone(),
            caller: Caller { yes: true, ..world::caller() },
            release: None,
            hold,
            reason: None,
        };
        let (before, head) = (world.visible(), world.head());
        let report = run::rollback(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
        assert_eq!((report.exit_code, report.release), (2, Some(ReleaseNumber::new(2))), "{report:#?}");
        let error = report.error.unwrap();
        assert!(error.message.contains("by tester") && error.message.contains("from release 3"), "{error:#?}");
        assert!(error.visitors_see.contains("release 2"), "{error:#?}");
        assert!(
            ["`publish rollback 1`", "`publish rollback 3`"].iter().all(|way| error.hint.contains(way)),
            "{error:#?}"
        );
        assert_eq!(error.hint.contains("`publish hold`"), hold, "{error:#?}");
        assert_eq!((world.visible(), world.head()), (before, head));
    }
    // Forward again and back again takes a number too, until something new is published.
    assert_eq!(world.rollback(Some(3)).await.exit_code, 0);
    assert_eq!(world.rollback(None).await.exit_code, 2);
    assert_is_live(&world, 3);
    world.append("robots.txt", "fourth");
    world.published().await;
    assert_eq!(world.rollback(None).await.release, Some(ReleaseNumber::new(3)));
}

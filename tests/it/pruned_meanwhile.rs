//! A prune between staging and activating: what it took is stored again, and what it closed does not come back.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use publish::release::manifest::ReleaseNumber;
use publish::release::retention::RetentionSettings;
use publish::report::Outcome;
use publish::report::event::Event;
use publish::run::PublishRequest;
use publish::sandbox::{Effect, Fault, Match, StoredObject};

use crate::visitor::Visitor;
use crate::world::{self, BUCKET, World, files_of, fixture};

/// A prune takes what was stored since `before`, and leaves the records only if it was not to take them too.
fn take_what_is_new(world: &World, before: &BTreeMap<String, StoredObject>, with_records: bool) {
    let new = world.objects().into_keys().filter(|key| !before.contains_key(key));
    for key in new.filter(|key| with_records || !world::is_record(key)) {
        world.sandbox.remove_object(BUCKET, &key);
    }
    world.rewrite_head(|head| head.prune_epoch += 1);
}

/// v1 is live. When v2 is staged, a prune takes all of it that is not live; with its claim it also closes its number.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_prune_took_after_it_was_staged_is_stored_again() {
    for with_claim in [false, true] {
        let world = World::with_fixture("v1").await;
        world.published().await;
        let before = world.objects();
        world.use_fixture("v2");
        let pruned = std::sync::Once::new();
        let listener = |event| {
            if matches!(event, Event::Staged { .. }) {
                pruned.call_once(|| take_what_is_new(&world, &before, with_claim));
            }
        };
        let report = world::publish_heard(world.request(), listener).await;
        assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
        assert!(pruned.is_completed());
        world.assert_settled();
        let sites = ["v1", "v2"].map(|build| files_of(&fixture(build)));
        assert_eq!(Visitor::new(&world, &sites).read_all().await, Ok(()));
    }
}

/// Another run's claim refuses ours, and is pruned before we look at it.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_whose_claim_was_there_a_moment_ago_is_used_up() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("PutObject", "releases/2/claim", 412, "PreconditionFailed");
    let report = world.publish().await;
    assert_eq!((report.exit_code, report.release), (0, Some(ReleaseNumber::new(3))), "{report:#?}");
    world.assert_settled();
}

/// Another run's blob refuses ours, and is pruned before we look at it.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_were_there_a_moment_ago_are_sent_again() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    let matches =
        Match { operation: Some("PutObject".to_owned()), key_contains: Some("/blobs/".to_owned()), service: None };
    let refused = Effect::Refuse { status: 412, code: "PreconditionFailed".to_owned(), message: String::new() };
    world.sandbox.inject(Fault { matches, skip: 0, times: 3, effect: refused });
    world.published().await;
    world.assert_settled();
    world.assert_all_releases_are_whole();
}

/// A storage that takes no claim at all is not asked for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_refuses_every_claim_ends_the_run() {
    let world = World::with_fixture("v1").await;
    world.refuse("PutObject", "/claim", 412, "PreconditionFailed");
    let report = world.publish().await;
    // Nobody else has won: the storage is what fails.
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (1, "aws"));
    assert!(world.s3_writes().len() < 20, "{:#?}", world.s3_writes());
}

/// Release 1 is closed while somebody who goes back to it waits. All its bytes are there: release 3 has the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_while_somebody_waits_to_go_back_to_it_stays_closed() {
    let mut world = World::new().await;
    for build in ["v1", "v2", "v1", "v2"] {
        world.use_fixture(build);
        world.published().await;
    }
    world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
    world.sandbox.advance_clock(Duration::from_secs(24 * 3_600));
    world.sandbox.clear_requests();
    let matches = Match { operation: Some("DeleteObjects".to_owned()), ..Match::default() };
    let effect = Effect::Latency(Duration::from_secs(1));
    world.sandbox.inject(Fault { matches, skip: 0, times: 1, effect });
    let back = async {
        world.sandbox.until(|requests| requests.iter().any(|one| one.operation == "DeleteObjects")).await;
        world.rollback(Some(1)).await
    };
    let (pruned, back) = tokio::join!(Box::pin(world.prune(&[])), Box::pin(back));
    assert_eq!((pruned.exit_code, pruned.outcome), (0, Outcome::Pruned), "{pruned:#?}");
    assert_eq!((back.exit_code, back.error.as_ref().unwrap().code.as_str()), (1, "bad_state"), "{back:#?}");
    assert_eq!(world.head().active.unwrap().release, ReleaseNumber::new(4));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_adoption_that_was_given_up_has_marked_is_not_pruned() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.put_foreign(BUCKET, "live/theirs.html", "theirs", "text/html");
    let mut adopting = world.request();
    adopting.adopt = true;
    world.refuse("PutObject", "releases/0/manifest", 400, "Stopped");
    assert_ne!(world::publish(adopting).await.exit_code, 0);
    world.sandbox.clear_faults();
    let mut overwriting = world.request();
    overwriting.overwrite = true;
    assert_eq!(world::publish(overwriting).await.exit_code, 0);
    world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
    world.sandbox.advance_clock(Duration::from_secs(25 * 3_600));
    world.prune(&[]).await;
    assert_eq!(&world.live()["theirs.html"].bytes[..], b"theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_that_a_prune_removed_before_it_was_cut_short_comes_back() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    world.published().await;
    world.sandbox.clear_faults();
    assert!(world.head().leftovers.keys().any(|path| path.as_str() == "contact.html"));
    // It begins, removes, and cannot say that it is done.
    world.refuse_after(1, "PutObject", "head.json", 400, "Stopped");
    assert_ne!(world.prune(&[]).await.exit_code, 0);
    world.sandbox.clear_faults();
    assert!(!world.live().contains_key("contact.html"));
    world.let_leases_end();
    assert_eq!(world.rollback(Some(1)).await.exit_code, 0);
    assert!(world.live().contains_key("contact.html"));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_another_site_are_not_adopted() {
    let world = World::with_fixture("v1").await;
    let mut other = world.request();
    other.environment.layout = publish::release::layout::Layout::new("docs", BUCKET, "live/docs", None, None);
    (other.environment.distribution, other.environment.url) = (None, None);
    assert_eq!(world::publish(other.clone()).await.exit_code, 0);
    let before = world.live();
    let mut adopting = world.request();
    adopting.adopt = true;
    let report = world::publish(adopting).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    for (path, object) in before {
        assert_eq!(world.live().get(&path).map(|found| &found.bytes), Some(&object.bytes), "{path}");
    }
    world.use_fixture("v2");
    other.caller = world::caller();
    assert_eq!(world::publish(other).await.exit_code, 0, "it is the other site's still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_is_staged_while_a_person_is_asked_loses_the_leaked_file_too() {
    let world = World::with_fixture("v1").await;
    world.write("leak.txt", "first");
    world.published().await;
    world.write("leak.txt", "second");
    let staged = std::sync::Once::new();
    let ask = |_: &str| {
        staged.call_once(|| {
            let mut staging = world.request();
            staging.stage_only = true;
            let report =
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(world::publish(staging)));
            assert_eq!(report.outcome, Outcome::Staged, "{report:#?}");
        });
        publish::run::Reply::Yes
    };
    let (report, _) = world.prune_as(world::caller(), &["leak.txt"], &ask).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert!(staged.is_completed());
    assert_eq!(world.activate(2).await.exit_code, 0);
    assert!(!world.live().contains_key("leak.txt"));
}

/// A release that is only staged is looked at by nobody until it is activated: what a prune took of it meanwhile is
/// stored again at once, under a number that is not closed.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_prune_took_while_it_was_staged_only_is_stored_again() {
    for with_claim in [false, true] {
        let world = World::with_fixture("v1").await;
        world.published().await;
        let before = world.objects();
        world.use_fixture("v2");
        let staged = Mutex::new(0);
        let listener = |event| {
            if matches!(event, Event::Staged { .. }) {
                *staged.lock().unwrap() += 1;
                if *staged.lock().unwrap() == 1 {
                    take_what_is_new(&world, &before, with_claim);
                }
            }
        };
        let report = world::publish_heard(PublishRequest { stage_only: true, ..world.request() }, listener).await;
        assert_eq!((report.exit_code, report.outcome), (0, Outcome::Staged), "{report:#?}");
        assert_eq!(staged.into_inner().unwrap(), 2, "it was staged anew");
        let release = report.release.unwrap().into();
        world.assert_is_whole(&world.manifest(release));
        assert_eq!(world.manifest(release).epoch, world.head().prune_epoch);
        assert_eq!(world.activate(release).await.exit_code, 0);
        world.assert_settled();
    }
}

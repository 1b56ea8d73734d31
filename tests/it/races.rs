//! Publishers at the same time: what another one writes meanwhile neither stops a run nor is undone by it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use publish::release::head::HeadFields;
use publish::release::manifest::Publisher;
use publish::report::event::Event;
use publish::report::{Outcome, Report};
use publish::run::{Caller, PublishRequest};
use publish::sandbox::{Effect, Fault, Match};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::world::{self, World, files_of, fixture};

/// Release 2 is live and its publisher has yet to refresh `/robots.txt`; the site has another change.
async fn while_another_refreshes() -> World {
    let world = World::with_fixture("v1").await;
    world.published_and_completed().await;
    world.write("robots.txt", "second");
    world.refuse("CreateInvalidation", "", 403, "AccessDenied");
    assert_eq!(world.publish().await.exit_code, 3);
    world.sandbox.clear_faults();
    assert_eq!(world.head().pending_refreshes.len(), 1);
    world.write("config.json", "{}");
    world
}

/// Publishes; when the switch begins, another run replaces the head.
async fn rewritten_within_the_switch(world: &World, change: impl Fn(&mut HeadFields) + Sync) -> Report {
    let listener = |event| {
        if matches!(event, Event::ActivationStarted { .. }) {
            world.rewrite_head(&change);
        }
    };
    world::publish_heard(world.request(), listener).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_settles_its_refresh_does_not_stop_another_ones_switch() {
    let world = while_another_refreshes().await;
    let before = world.invalidations().len();
    let report = rewritten_within_the_switch(&world, |head| {
        assert!(head.activation.is_some());
        head.pending_refreshes.retain(|refresh| refresh.release.to_string() != "2");
        assert_eq!(head.pending_refreshes.len(), 1, "its own, and not the other's");
    })
    .await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    assert_eq!(report.warnings, [""; 0]);
    assert_eq!(world.head().active.unwrap().release.to_string(), "3");
    let made = world.invalidations().split_off(before);
    assert_eq!(made.len(), 1, "what the other has done is not done again: {made:#?}");
    assert_eq!(made[0].paths, ["/config.json"]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_taken_over_within_the_switch_leaves_it_to_the_other() {
    let world = while_another_refreshes().await;
    let report = rewritten_within_the_switch(&world, |head| {
        let activation = head.activation.as_mut().unwrap();
        activation.owner = world::run_id();
        activation.publisher = Publisher { who: Some("someone else".to_owned()), ..Publisher::default() };
    })
    .await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    let error = report.error.unwrap();
    assert!(error.visitors_see.contains("the other publisher's release, or will"), "{error:#?}");
    assert!(error.message.contains("release 3") && !error.hint.is_empty(), "{error:#?}");
    let head = world.head();
    assert_eq!(head.active.unwrap().release.to_string(), "2");
    let activation = head.activation.expect("the activation is the other's, and goes on");
    assert_eq!(activation.publisher.who.as_deref(), Some("someone else"));
    assert!(activation.lease_s > 0);
}

/// v1 is live; a publish of another robots.txt is overtaken, while it looks at the site, by a whole publish of a third.
async fn overtaken_while_verifying(polls_until_completed: u32) {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.write("robots.txt", "second");
    world.sandbox.complete_invalidations_after(polls_until_completed);
    let overtake = Once::new();
    let listener = |event| {
        if matches!(event, Event::VerificationStarted { .. }) {
            overtake.call_once(|| {
                world.write("robots.txt", "third");
                block_in_place(|| Handle::current().block_on(world.published()));
                assert_eq!(world.head().active.unwrap().release.to_string(), "3");
            });
        }
    };
    let mut request = world.request();
    request.environment.invalidation.timeout = Duration::from_secs(10);
    let before = world.invalidations().len();
    let report = world::publish_heard(request, listener).await;
    assert!(overtake.is_completed());
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    assert_eq!(report.release.unwrap().to_string(), "2");
    let [warning] = &report.warnings[..] else { panic!("{:#?}", report.warnings) };
    assert!(warning.contains("Another release was activated"), "{warning}");
    let head = world.head();
    assert_eq!(head.active.unwrap().release.to_string(), "3");
    assert_eq!(&world.live()["robots.txt"].bytes[..], b"third");
    assert_eq!(world.invalidations().len(), before + 2, "nothing is asked for anew: one for each");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_overtaken_while_verifying_is_done_and_says_so() {
    overtaken_while_verifying(1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_overtaken_while_verifying_asks_for_nothing_anew() {
    overtaken_while_verifying(0).await;
}

/// A request to publish `folder`, by somebody with a name.
fn request_by(world: &World, who: &str, folder: PathBuf) -> PublishRequest {
    let publisher = Publisher { who: Some(who.to_owned()), ..Publisher::default() };
    PublishRequest { folder, caller: Caller { publisher, yes: true, ..world::caller() }, ..world.request() }
}

/// Publishes two sites at once. The one with the higher number is live in the end, whole and alone; the other was live
/// before it, or never and was told so.
async fn race(world: &World, sites: [PathBuf; 2]) {
    let claimed = world.claims().len();
    let [first, second] = ["first", "second"].map(str::to_owned);
    let (first, second) = tokio::join!(
        world::publish(request_by(world, &first, sites[0].clone())),
        world::publish(request_by(world, &second, sites[1].clone())),
    );
    world.assert_settled();
    let claims = world.claims();
    assert_eq!(claims.len(), claimed + 2, "{first:#?} {second:#?}");
    let highest = claims.last().unwrap();
    let winner = usize::from(highest.publisher.who.as_deref() == Some("second"));
    let reports = [first, second];
    let head = world.head();
    assert_eq!(head.active.unwrap().release, highest.release, "an older one never replaces a newer one: {reports:#?}");
    assert_eq!((reports[winner].exit_code, reports[winner].outcome), (0, Outcome::Published), "{reports:#?}");
    assert_eq!(reports[winner].release, Some(highest.release));
    let loser = &reports[1 - winner];
    match loser.exit_code {
        0 => assert_eq!(loser.outcome, Outcome::Published, "{loser:#?}"),
        _ => {
            assert_eq!((loser.exit_code, loser.outcome), (4, Outcome::Superseded), "{loser:#?}");
            let error = loser.error.as_ref().unwrap();
            assert!(error.visitors_see.contains("the other publisher's release"), "{error:#?}");
        }
    }
    assert_is_live(world, &sites[winner]);
}

/// All files of `site` are live, and no page besides.
fn assert_is_live(world: &World, site: &Path) {
    let (live, files) = (world.live(), files_of(site));
    for (path, bytes) in &files {
        assert_eq!(&live[path].bytes[..], &bytes[..], "{path}");
    }
    let pages = |paths: BTreeSet<String>| paths.into_iter().filter(|path| path.ends_with(".html")).collect::<Vec<_>>();
    assert_eq!(pages(live.into_keys().collect()), pages(files.into_keys().collect()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_first_publishers_at_once_one_is_live_whole() {
    stream::iter(0..8)
        .for_each_concurrent(4, |round| async move {
            let mut sites = ["v1", "v2"].map(fixture);
            sites.rotate_left(round % 2);
            race(&World::new().await, sites).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_later_publishers_at_once_one_is_live_whole() {
    stream::iter(0..8)
        .for_each_concurrent(4, |round| async move {
            let world = World::with_fixture("v1").await;
            world.published().await;
            world.write("robots.txt", format!("{round}"));
            world.write("contact.html", "elsewhere");
            world.write("new.html", "new");
            let mut sites = [world.folder.clone(), fixture("v2")];
            sites.rotate_left(round % 2);
            race(&world, sites).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_another_publisher_removes_while_it_is_being_kept_stops_nobody() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.remove("contact.html");
    let matches =
        Match { operation: Some("CopyObject".to_owned()), key_contains: Some("/blobs/".to_owned()), service: None };
    world.sandbox.inject(Fault { matches, skip: 0, times: 1, effect: Effect::Hold });
    let other = async {
        while !world.s3_operations().contains_key("CopyObject") {
            tokio::task::yield_now().await;
        }
        let report = world::publish(request_by(&world, "other", fixture("v2"))).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
        world.sandbox.release_held();
    };
    let (report, ()) = tokio::join!(world.publish(), other);
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    assert_eq!(report.warnings, [""; 0], "the other has kept it");
    assert_is_live(&world, &fixture("v2"));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_overtaken_by_the_same_content_does_the_refresh_that_is_owed() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    let listener = |event| {
        if matches!(event, Event::Staged { .. }) {
            world.refuse("CreateInvalidation", "", 403, "AccessDenied");
            let report = block_in_place(|| Handle::current().block_on(world.publish()));
            assert_eq!(report.exit_code, 3, "{report:#?}");
            world.sandbox.clear_faults();
        }
    };
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Repaired), "{report:#?}");
    assert_eq!(report.release.unwrap().to_string(), "3");
    assert!(world.last_invalidated().contains(&"/news/".to_owned()));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_first_publishers_of_the_same_site_are_both_done() {
    stream::iter(0..8)
        .for_each_concurrent(4, |_| async {
            let world = World::with_fixture("v1").await;
            let reports: [Report; 2] = tokio::join!(world.published(), world.published()).into();
            let published = reports.iter().filter(|report| report.outcome == Outcome::Published).count();
            assert_eq!(published, 1, "{reports:#?}");
            let done = [Outcome::Published, Outcome::Unchanged, Outcome::Repaired];
            assert!(reports.iter().all(|report| done.contains(&report.outcome)), "{reports:#?}");
            assert_eq!(world.invalidations().len(), 1, "a run that does what another owes sends the same request");
            assert_is_live(&world, &world.folder);
            world.assert_settled();
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publisher_that_another_overtakes_changes_nothing() {
    let world = World::new().await;
    let listener = |event| {
        if matches!(event, Event::StagingStarted { .. }) {
            let other = world::publish(request_by(&world, "other", fixture("v2")));
            let report = block_in_place(|| Handle::current().block_on(other));
            assert_eq!(report.exit_code, 0, "{report:#?}");
        }
    };
    let report = world::publish_heard(request_by(&world, "early", fixture("v1")), listener).await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    assert!(report.error.unwrap().message.contains("other activated release 2"));
    assert_is_live(&world, &fixture("v2"));
    world.assert_settled();
}

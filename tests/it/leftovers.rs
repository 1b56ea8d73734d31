//! Credentials that may not delete: what should have gone stays known, and goes with a run that may.

use publish::bucket::aws::{Aws, Condition};
use publish::content::path::SitePath;
use publish::release::layout::Address;
use publish::report::event::Event;
use publish::report::{Outcome, Report};
use publish::sandbox::{Effect, LoggedRequest};
use publish::types::digest::Digest;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::world::{self, BUCKET, World};

/// v2 is live, published by credentials that may not delete: the page that left the site is still there.
async fn left_over() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    let report = world.published().await;
    assert_eq!((report.outcome, report.deleted), (Outcome::Published, 0));
    let named = |warning: &String| warning.contains("s3:DeleteObject") && warning.contains("`contact.html`");
    assert!(report.warnings.iter().any(named), "{report:#?}");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_removed_is_remembered_and_kept_whole() {
    let world = left_over().await;
    assert_eq!(world.status().await.leftovers, ["contact.html"]);
    let page = world.live().remove("contact.html").unwrap();
    let kept = world.environment.layout.blob(&Digest::of(&page.bytes)).key;
    assert!(world.objects().contains_key(&kept), "release 1 cannot be brought back without it");
    world.assert_settled();

    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1);
    let named = |warning: &String| warning.contains("still reachable: `contact.html`. ");
    assert!(report.warnings.iter().any(named), "{report:#?}");
}

/// A lock on the objects, or a store that removes only one at a time: no run ever succeeds, so none is cut short by it.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_remove_is_left_over_too_and_it_is_said_why() {
    for (status, code) in [(400, "ObjectLocked"), (405, "MethodNotAllowed"), (501, "NotImplemented")] {
        let world = World::with_fixture("v1").await;
        world.published().await;
        world.use_fixture("v2");
        world.refuse("DeleteObjects", "", status, code);
        let report = world.published().await;
        assert!(report.warnings.iter().any(|warning| warning.contains(code)), "{report:#?}");
        assert_eq!(world.status().await.leftovers, ["contact.html"]);
        world.assert_settled();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_publish_that_may_removes_and_refreshes_it() {
    let world = left_over().await;
    world.write("robots.txt", "changed");
    let report = world.published().await;
    assert_eq!(report.deleted, 0);
    assert_eq!(world.status().await.leftovers, ["contact.html"], "still not allowed");

    world.sandbox.clear_faults();
    world.write("robots.txt", "changed again");
    let report = world.published().await;
    assert_eq!(report.deleted, 1);
    assert!(!world.live().contains_key("contact.html"));
    assert_eq!(world.last_invalidated(), ["/contact.html", "/robots.txt"]);
    assert_eq!(world.status().await.leftovers, [""; 0]);
    assert_eq!(report.warnings, [""; 0]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_is_left_over_no_more() {
    let world = left_over().await;
    world.use_fixture("v1");
    world.published().await;
    assert!(world.live().contains_key("contact.html"));
    assert_eq!(world.status().await.leftovers, ["news/index.html"]);
    world.assert_settled();
}

/// v1 is live, and v2 is published. Once the switch begins, somebody puts another object at the key of the page that leaves.
async fn published_while_a_page_changes(world: &World, put: impl Fn() + Sync) -> Report {
    world.published().await;
    world.use_fixture("v2");
    let listener = |event| {
        if matches!(event, Event::ActivationStarted { .. }) {
            put();
        }
    };
    world::publish_heard(world.request(), listener).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_somebody_writes_again_before_it_goes_stays_and_is_told() {
    let world = World::with_fixture("v1").await;
    let put = || world.sandbox.put_foreign(BUCKET, "live/contact.html", "somebody else's", "text/html");
    let report = published_while_a_page_changes(&world, put).await;
    assert_eq!((report.exit_code, report.outcome, report.deleted), (0, Outcome::Published, 0), "{report:#?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("live/contact.html")), "{report:#?}");
    assert_eq!(&world.live()["contact.html"].bytes[..], b"somebody else's");
    assert_eq!(world.status().await.leftovers, [""; 0], "it is not ours to remove");
    world.write("robots.txt", "changed");
    world.published().await;
    assert_eq!(&world.live()["contact.html"].bytes[..], b"somebody else's");
    world.assert_settled();
}

/// The removal is on its way by then: what it carries itself, the ETag that it was decided on, keeps the page.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_somebody_writes_again_while_its_removal_is_on_its_way_stays_and_is_told() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    let is_removal = |request: &LoggedRequest| request.operation == "DeleteObjects";
    world.sandbox.inject_by(move |request| is_removal(request).then_some(Effect::Hold));
    let publish = world.publish();
    let write = async {
        world.sandbox.until(|requests| requests.iter().any(is_removal)).await;
        world.sandbox.put_foreign(BUCKET, "live/contact.html", "somebody else's", "text/html");
        world.sandbox.clear_faults();
        world.sandbox.release_held();
    };
    let (report, ()) = tokio::join!(publish, write);
    assert_eq!((report.exit_code, report.outcome, report.deleted), (0, Outcome::Published, 0), "{report:#?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("live/contact.html")), "{report:#?}");
    assert_eq!(&world.live()["contact.html"].bytes[..], b"somebody else's");
    world.assert_settled();
}

/// As one that another run of this site writes again, which had lost its lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_this_site_that_is_written_again_before_it_goes_is_left_over() {
    let world = World::with_fixture("v1").await;
    let aws = Aws::connect(&world.environment).await.unwrap();
    let live = world.environment.layout.live_prefix();
    let page = Address { key: format!("{}contact.html", live.key), ..live };
    let put = || {
        let headers = world.manifest(1).files[&SitePath::new("contact.html").unwrap()].headers.clone();
        let put = aws.store.put_bytes(&page, b"late".to_vec(), &headers, Condition::None);
        block_in_place(|| Handle::current().block_on(put)).unwrap();
    };
    let report = published_while_a_page_changes(&world, put).await;
    assert_eq!((report.exit_code, report.deleted), (0, 0), "{report:#?}");
    assert_eq!(&world.live()["contact.html"].bytes[..], b"late");
    assert_eq!(world.status().await.leftovers, ["contact.html"]);
    world.write("robots.txt", "changed");
    assert_eq!(world.published().await.deleted, 1);
    world.assert_settled();
}

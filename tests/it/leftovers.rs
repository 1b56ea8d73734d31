//! Credentials that may not delete: what should have gone stays known, and goes with a run that may.

use publish::report::Outcome;
use publish::types::digest::Digest;

use crate::world::World;

/// v2 is live, published by credentials that may not delete: the page that left the site is still there.
async fn left_over() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    let report = world.published().await;
    assert_eq!((report.outcome, report.deleted), (Outcome::Published, 0));
    assert!(report.warnings.iter().any(|warning| warning.contains("s3:DeleteObject")), "{report:#?}");
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
    assert!(report.warnings.iter().any(|warning| warning.contains("still reachable")), "{report:#?}");
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

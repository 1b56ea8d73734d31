//! What nobody knows for sure after a run was cut short, or after somebody else wrote: it is looked at, kept and put
//! right, and never guessed.

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::content::path::SitePath;
use publish::release::manifest::Kept;
use publish::report::event::Event;
use publish::report::{Outcome, Report};
use publish::types::digest::Digest;

use crate::world::{self, BUCKET, World, fixture, is_record};

/// Publishes, and is cut short before the head says that it is done; nobody waits for it any more.
async fn cut_short_at_the_end(world: &World) {
    world.refuse_after(1, "PutObject", "head.json", 400, "Stopped");
    let report = world.publish().await;
    assert_eq!(report.exit_code, 5, "{report:#?}");
    world.sandbox.clear_faults();
    world.let_leases_end();
}

fn assert_is_kept(world: &World, bytes: &str) {
    let key = world.environment.layout.blob(&Digest::of(bytes.as_bytes())).key;
    let blob = world.objects().remove(&key);
    assert_eq!(blob.map(|blob| blob.bytes.to_vec()), Some(bytes.as_bytes().to_vec()), "{bytes:?} is kept nowhere");
}

/// Release 1 has a page whose bytes are only live.
async fn live_with_a_page(page: &str) -> World {
    let world = World::new().await;
    world.write("index.html", "index");
    world.write("page.html", page);
    world.published().await;
    assert_eq!(world.manifest(1).files[&SitePath::new("page.html").unwrap()].kept, Kept::Live);
    world
}

async fn a_page_is_kept_from(cut_short: impl AsyncFn(&World)) {
    let mut world = live_with_a_page("first").await;
    let globs = OneOrMany(vec!["page.html".to_owned()]);
    let cache_control = Some("public, max-age=60".to_owned());
    world.environment.headers.push(HeaderRule { globs, cache_control, ..HeaderRule::default() });
    cut_short(&world).await;
    assert!(world.head().activation.is_some());

    world.write("page.html", "third");
    world.published().await;
    assert_is_kept(&world, "first");
    assert_eq!(&world.live()["page.html"].bytes[..], b"third");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_a_change_of_headers_left_only_live_are_kept_when_it_was_cut_short_after_it() {
    a_page_is_kept_from(async |world| cut_short_at_the_end(world).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_a_change_of_headers_left_only_live_are_kept_when_it_was_cut_short_before_it() {
    a_page_is_kept_from(async |world| {
        world.cut_short_at("CopyObject", "live/page.html");
        assert_eq!(world.publish().await.exit_code, 5);
        world.sandbox.clear_faults();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_only_a_first_release_knows_that_was_cut_short_are_kept() {
    let world = World::new().await;
    world.write("index.html", "index");
    world.write("page.html", "first");
    world.write("gone.html", "gone");
    cut_short_at_the_end(&world).await;
    assert_eq!(world.head().active, None);
    let files = world.manifest(1).files;
    assert!(files.values().all(|entry| entry.kept == Kept::Live), "{files:#?}");

    world.write("page.html", "second");
    world.remove("gone.html");
    world.published().await;
    assert_is_kept(&world, "first");
    assert_is_kept(&world, "gone");
    assert!(!world.live().contains_key("gone.html"));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_put_where_a_run_that_was_cut_short_had_removed_a_page_stays() {
    let world = live_with_a_page("page").await;
    world.remove("page.html");
    cut_short_at_the_end(&world).await;
    assert!(!world.live().contains_key("page.html"));
    world.sandbox.put_foreign(BUCKET, "live/page.html", "theirs", "text/html");

    world.published().await;
    assert_eq!(&world.live()["page.html"].bytes[..], b"theirs");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_that_a_run_removed_before_it_was_cut_short_comes_back() {
    // It names nothing that would have to come back with it.
    let page = "<!doctype html><title>Contact</title>";
    let world = World::with_fixture("v1").await;
    world.write("contact.html", page);
    world.published().await;
    world.use_fixture("v2");
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    world.published().await;
    world.sandbox.clear_faults();
    assert_eq!(world.status().await.leftovers, ["contact.html"]);

    world.write("robots.txt", "changed");
    cut_short_at_the_end(&world).await;
    assert!(!world.live().contains_key("contact.html"));
    assert_eq!(world.status().await.leftovers, ["contact.html"], "nobody could say that it is gone");

    world.write("contact.html", page);
    world.published().await;
    assert_eq!(&world.live()["contact.html"].bytes[..], page.as_bytes());
    assert_eq!(world.status().await.leftovers, [""; 0]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprinted_file_that_a_run_removed_before_it_was_cut_short_comes_back() {
    const SCRIPT: &str = "assets/contact-DZVxBAit.js";
    let mut world = World::with_fixture("v1").await;
    world.environment.publish.remove_now = vec!["assets/**".to_owned()];
    world.published().await;
    world.assert_fingerprinted(1, SCRIPT);
    world.use_fixture("v2");
    cut_short_at_the_end(&world).await;
    assert!(!world.live().contains_key(SCRIPT));

    world.use_fixture("v1");
    world.published().await;
    let bytes = std::fs::read(fixture("v1").join(SCRIPT)).unwrap();
    assert_eq!(&world.live()[SCRIPT].bytes[..], &bytes[..]);
    world.assert_settled();
}

/// Publishes while somebody else puts an object at the key of `new.html`, after it was seen to be free.
async fn somebody_is_faster(world: &World) -> Report {
    let listener = |event| {
        if matches!(event, Event::StagingStarted { .. }) {
            world.sandbox.put_foreign(BUCKET, "live/new.html", "theirs", "text/html");
        }
    };
    world::publish_heard(world.request(), listener).await
}

async fn foreign_object_is_left_alone(world: World) {
    world.write("new.html", "ours");
    let theirs = |world: &World| world.live()["new.html"].bytes.to_vec() == b"theirs";
    let report = somebody_is_faster(&world).await;
    assert_eq!(report.exit_code, 5, "{report:#?}");
    assert_eq!(report.error.unwrap().code, "foreign_objects");
    assert!(theirs(&world));

    let report = world.publish().await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
    let error = report.error.unwrap();
    assert_eq!(error.code, "foreign_objects");
    assert!(error.message.contains("live/new.html") && error.hint.contains("--overwrite"), "{error:#?}");
    assert!(theirs(&world));

    world.remove("new.html");
    world.published().await;
    assert!(theirs(&world), "a claim that names it does not make it ours");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_somebody_put_at_a_new_files_key_meanwhile_is_left_alone() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    foreign_object_is_left_alone(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_somebody_put_under_a_first_publish_meanwhile_is_left_alone() {
    foreign_object_is_left_alone(World::with_fixture("v1").await).await;
}

/// The keys of the site's files that were sent since the log was cleared.
fn sent(world: &World) -> Vec<String> {
    let puts = world.s3_requests().into_iter().filter(|request| request.operation == "PutObject");
    puts.map(|request| request.key).filter(|key| !is_record(key)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_that_was_cut_short_at_its_last_file_sends_only_that_one() {
    let world = World::with_fixture("v1").await;
    world.refuse("PutObject", "live/index.html", 400, "Stopped");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    world.sandbox.clear_requests();
    world.published().await;
    assert_eq!(sent(&world), ["live/index.html"]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_that_was_cut_short_at_the_end_sends_nothing_again() {
    let world = World::with_fixture("v1").await;
    cut_short_at_the_end(&world).await;
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Published);
    assert_eq!(sent(&world), [""; 0]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_publish_that_was_cut_short_at_the_end_sends_nothing_again() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    cut_short_at_the_end(&world).await;
    world.sandbox.clear_requests();
    world.published().await;
    assert_eq!(sent(&world), [""; 0]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_file_that_comes_back_as_it_was_is_not_sent_again_and_belongs_to_the_release() {
    const DOCUMENT: &str = "x.pdf";
    let world = World::with_fixture("v1").await;
    world.write(DOCUMENT, "document");
    world.published().await;
    world.remove(DOCUMENT);
    world.published().await;
    let retired = world.live()[DOCUMENT].clone();

    world.write(DOCUMENT, "document");
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((report.outcome, report.uploaded.bytes, report.copied), (Outcome::Published, 0, 0), "{report:#?}");
    assert_eq!(world.site_bytes_sent(), 0);
    assert_eq!(world.live()[DOCUMENT], retired);
    assert!(world.manifest(3).files.contains_key(&SitePath::new(DOCUMENT).unwrap()));
    assert_eq!(world.head().active.unwrap().release.to_string(), "3");
    world.assert_settled();

    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1);
}

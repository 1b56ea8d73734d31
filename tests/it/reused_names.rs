//! A fingerprinted name whose bytes change was reused: it is mutable for good, and its old bytes stay to be had.

use std::sync::Mutex;

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::content::path::SitePath;
use publish::report::Outcome;
use publish::report::event::Event;
use publish::types::digest::Digest;
use publish::types::headers::Kind;

use crate::world::{World, loads, publish_heard};

const LIAR: &str = "assets/app-BxYz12Ab.js";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE_AT_CDN: &str = "public, max-age=0, s-maxage=86400, must-revalidate";

async fn live_with(bytes: &str) -> World {
    let world = World::new().await;
    world.write("index.html", loads(LIAR));
    world.write("other.html", "stays");
    world.write(LIAR, bytes);
    world.published().await;
    world.assert_fingerprinted(1, LIAR);
    assert_eq!(world.live()[LIAR].cache_control.as_deref(), Some(IMMUTABLE));
    world
}

fn assert_has_lied(world: &World, now: &str, before: &str, release: u64) {
    let path = SitePath::new(LIAR).unwrap();
    let live = &world.live()[LIAR];
    assert_eq!(&live.bytes[..], now.as_bytes());
    assert_eq!(live.cache_control.as_deref(), Some(REVALIDATE_AT_CDN));
    assert!(world.head().mutable_paths.contains(&path));
    assert_eq!(world.manifest(release).files[&path].kind, Kind::Mutable);
    let kept = world.environment.layout.blob(&Digest::of(before.as_bytes())).key;
    assert_eq!(&world.objects()[&kept].bytes[..], before.as_bytes(), "the earlier release cannot be brought back");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_name_that_lies_is_mutable_for_good() {
    let mut world = live_with("one").await;
    world.write(LIAR, "two");
    let report = world.published().await;
    assert_eq!(report.files.replaced, 1);
    assert_eq!(world.last_invalidated(), [format!("/{LIAR}")]);
    assert_has_lied(&world, "two", "one", 2);

    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1);

    // No rule makes it immutable again.
    let globs = OneOrMany(vec![LIAR.to_owned()]);
    world.environment.headers.push(HeaderRule { globs, immutable: Some(true), ..HeaderRule::default() });
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    world.write(LIAR, "three");
    world.published().await;
    assert_has_lied(&world, "three", "two", 3);
}

/// The one moment at which a person can still give the file another name.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_browsers_keep_and_that_has_other_bytes_is_named_before_the_switch() {
    let world = live_with("one").await;
    let told = |warnings: &[String]| warnings.iter().filter(|warning| warning.contains(LIAR)).count();
    world.write("other.html", "changes");
    assert_eq!(told(&world.published().await.warnings), 0, "its bytes are the same");
    world.write(LIAR, "two");
    let planned = world.plan().await.0;
    assert_eq!((planned.exit_code, told(&planned.warnings)), (10, 1), "{:?}", planned.warnings);

    let events = Mutex::new(Vec::new());
    let report = publish_heard(world.request(), |event| events.lock().unwrap().push(event)).await;
    assert_eq!(told(&report.warnings), 1, "{:?}", report.warnings);
    let events = events.into_inner().unwrap();
    let at = |is_it: fn(&Event) -> bool| events.iter().position(is_it).unwrap();
    let warned = at(|event| matches!(event, Event::Warning { message } if message.contains(LIAR)));
    assert!(warned < at(|event| matches!(event, Event::ActivationStarted { .. })), "{events:#?}");

    world.write(LIAR, "three");
    assert_eq!(told(&world.published().await.warnings), 0, "no browser keeps it any more");
}

/// A rule may promise as much of any file.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_rule_has_browsers_keep_is_named_too() {
    let mut world = World::new().await;
    let globs = OneOrMany(vec!["site.css".to_owned()]);
    let cache_control = Some(IMMUTABLE.to_owned());
    world.environment.headers.push(HeaderRule { globs, cache_control, ..HeaderRule::default() });
    world.write("index.html", "page");
    world.write("site.css", "one");
    world.published().await;
    world.write("site.css", "two");
    let warnings = world.published().await.warnings;
    assert!(warnings.iter().any(|warning| warning.contains("`site.css`")), "{warnings:?}");
}

/// What left the site is still what browsers were told to keep.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_browsers_keep_from_an_earlier_release_is_named_too() {
    let world = live_with("one").await;
    world.remove(LIAR);
    world.write("index.html", "without it");
    world.published().await;
    world.write(LIAR, "two");
    world.write("index.html", loads(LIAR) + "with it again");
    let warnings = world.published().await.warnings;
    assert!(warnings.iter().any(|warning| warning.contains(LIAR)), "{warnings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_comes_back_with_other_bytes_has_lied_too() {
    let world = live_with("one").await;
    world.remove(LIAR);
    world.write("index.html", "without it");
    world.published().await;
    assert_eq!(&world.live()[LIAR].bytes[..], b"one", "open tabs may still load it");
    world.write(LIAR, "two");
    world.write("index.html", loads(LIAR) + "with it again");
    world.published().await;
    assert_has_lied(&world, "two", "one", 3);
    assert!(world.last_invalidated().contains(&format!("/{LIAR}")), "{:?}", world.last_invalidated());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_comes_back_with_its_own_bytes_is_recognised() {
    let world = live_with("one").await;
    world.remove(LIAR);
    world.published_broken().await;
    world.write(LIAR, "one");
    let report = world.published().await;
    assert_eq!(report.uploaded.objects, 0);
    assert_eq!(world.live()[LIAR].cache_control.as_deref(), Some(IMMUTABLE));
    assert!(world.head().mutable_paths.is_empty());
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_comes_back_under_another_rule_gets_its_headers() {
    let mut world = live_with("one").await;
    world.remove(LIAR);
    world.published_broken().await;
    let globs = OneOrMany(vec!["assets/**".to_owned()]);
    let cache_control = Some("public, max-age=600".to_owned());
    world.environment.headers.push(HeaderRule { globs, cache_control, ..HeaderRule::default() });
    world.write(LIAR, "one");
    let report = world.published().await;
    assert_eq!((report.uploaded.objects, report.copied), (0, 1), "{report:#?}");
    assert_eq!(world.live()[LIAR].cache_control.as_deref(), Some("public, max-age=600"));
    assert!(world.head().mutable_paths.is_empty());
    world.assert_settled();
}

/// While nothing refers to it, nothing speaks for a name but what was said about it before.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_lies_while_no_page_refers_to_it_has_lied_too() {
    let world = live_with("one").await;
    world.write("index.html", "without it");
    world.published().await;
    assert_eq!(world.manifest(2).files[&SitePath::new(LIAR).unwrap()].kind, Kind::Mutable);
    assert!(world.head().mutable_paths.is_empty(), "its bytes are the same");
    world.write(LIAR, "two");
    world.published().await;
    assert_has_lied(&world, "two", "one", 3);
    assert_eq!(world.rollback(Some(1)).await.exit_code, 0);
    assert_eq!(&world.live()[LIAR].bytes[..], b"one");
    assert_eq!(world.live()[LIAR].cache_control.as_deref(), Some(REVALIDATE_AT_CDN));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_had_other_bytes_before_any_page_referred_to_it_is_not_recognised() {
    let world = World::new().await;
    world.write("index.html", "without it");
    world.write(LIAR, "one");
    world.published().await;
    assert_eq!(world.manifest(1).files[&SitePath::new(LIAR).unwrap()].kind, Kind::Mutable);
    world.write("index.html", loads(LIAR));
    world.write(LIAR, "two");
    world.published().await;
    assert_has_lied(&world, "two", "one", 2);
    assert_eq!(world.rollback(Some(1)).await.exit_code, 0);
    assert_eq!(&world.live()[LIAR].bytes[..], b"one");
    world.assert_settled();
}

/// Its bytes stay what they are; only what browsers are told about them changes, and with it where they are kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_pages_come_to_refer_to_and_leave_again_can_always_be_brought_back() {
    let world = World::new().await;
    world.write(LIAR, "one");
    for page in ["without it".to_owned(), loads(LIAR), "without it again".to_owned()] {
        world.write("index.html", page);
        world.published().await;
        world.assert_settled();
    }
    world.assert_fingerprinted(2, LIAR);
    assert!(world.head().mutable_paths.is_empty());
    world.remove(LIAR);
    world.published().await;
    world.assert_all_releases_are_whole();
    for (release, cache_control) in [(2, IMMUTABLE), (3, REVALIDATE_AT_CDN), (1, REVALIDATE_AT_CDN)] {
        assert_eq!(world.rollback(Some(release)).await.exit_code, 0);
        assert_eq!(&world.live()[LIAR].bytes[..], b"one");
        assert_eq!(world.live()[LIAR].cache_control.as_deref(), Some(cache_control), "release {release}");
        world.assert_settled();
    }
}

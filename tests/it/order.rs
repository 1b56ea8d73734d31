//! The order of requests, and what it is for: wherever a publish stops, every page finds what it names.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use publish::headers::Kind;
use publish::sandbox::{LoggedRequest, Service};

use crate::world::{World, files_of, fixture};

const HEAD: &str = "_publish/live/head.json";

/// Worlds at once.
const AT_ONCE: usize = 4;

/// What a request does, in the words of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Claim,
    Stage,
    Preserve,
    Begin,
    Assets,
    NewPages,
    Pages,
    EntryPage,
    Manifest,
    Remove,
    End,
    Refresh,
    Settle,
}

/// The steps of a publish, in the order of its log. `staged_first`: its manifest is complete before it activates.
fn steps(requests: &[LoggedRequest], fingerprinted: &BTreeSet<String>, before: &BTreeSet<String>) -> Vec<Step> {
    let mut heads = [Step::Begin, Step::End, Step::Settle].into_iter();
    let changing = |request: &&LoggedRequest| {
        request.service != Service::Site && !matches!(request.method.as_str(), "GET" | "HEAD")
    };
    let step = |request: &LoggedRequest| {
        let key = request.key.as_str();
        match request.operation.as_str() {
            "CreateInvalidation" => Step::Refresh,
            "DeleteObjects" => Step::Remove,
            _ if key == HEAD => heads.next().unwrap(),
            _ if key.ends_with("claim.json") => Step::Claim,
            _ if key.ends_with("manifest.json.gz") => Step::Manifest,
            "PutObject" if key.contains("/blobs/") || fingerprinted.contains(key) => Step::Stage,
            "CopyObject" if key.contains("/blobs/") => Step::Preserve,
            _ if key == "live/index.html" => Step::EntryPage,
            _ if key.ends_with(".html") && !before.contains(key) => Step::NewPages,
            _ if key.ends_with(".html") => Step::Pages,
            _ => Step::Assets,
        }
    };
    requests.iter().filter(changing).map(step).collect()
}

fn fingerprinted(world: &World, release: u64) -> BTreeSet<String> {
    let files = world.manifest(release).files;
    let fingerprinted = files.iter().filter(|(_, entry)| entry.kind == Kind::Fingerprinted);
    fingerprinted.map(|(path, _)| format!("live/{path}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_goes_up_in_order() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let mut steps = steps(&world.sandbox.requests(), &fingerprinted(&world, 1), &BTreeSet::new());
    steps.dedup();
    use Step::*;
    assert_eq!(
        steps,
        [Claim, Stage, Begin, Assets, NewPages, EntryPage, Manifest, End, Refresh, Settle],
        "what is only live is there before the manifest says so"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_publish_stages_before_it_activates() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let before = world.objects().into_keys().collect();
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    world.published().await;
    let mut steps = steps(&world.sandbox.requests(), &fingerprinted(&world, 2), &before);
    steps.dedup();
    use Step::*;
    let expected =
        [Claim, Stage, Manifest, Preserve, Begin, Assets, NewPages, Pages, EntryPage, Remove, End, Refresh, Settle];
    assert_eq!(steps, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_is_conditional_checked_and_marked() {
    let world = World::with_fixture("v1").await;
    for build in ["v1", "v2"] {
        let first = build == "v1";
        world.use_fixture(build);
        world.sandbox.clear_requests();
        world.published().await;
        let mut heads = 0;
        for request in world.s3_writes() {
            let header = |name: &str| request.headers.get(name).map(String::as_str);
            let is_put = request.operation == "PutObject";
            if request.operation == "DeleteObjects" {
                continue;
            }
            assert_eq!(header("x-amz-meta-publish-site"), Some("shop"), "{request:#?}");
            assert_eq!(header("x-amz-checksum-sha256").is_some(), is_put, "{request:#?}");
            if request.key == HEAD {
                assert_eq!(header("if-none-match"), (first && heads == 0).then_some("*"), "{request:#?}");
                assert_eq!(header("if-match").is_some(), !(first && heads == 0), "{request:#?}");
                heads += 1;
            } else if is_put || request.key.contains("/blobs/") {
                assert_eq!(header("if-none-match"), Some("*"), "{request:#?}");
            }
            if !is_put {
                assert_eq!(header("x-amz-metadata-directive"), Some("REPLACE"), "{request:#?}");
                let preserves = request.key.contains("/blobs/");
                assert_eq!(header("x-amz-copy-source-if-match").is_some(), preserves, "{request:#?}");
            }
        }
        assert_eq!(heads, 3, "begun, done, refreshed");
    }
}

/// The pages that visitors can get find every fingerprinted file that they, or what they load, name.
fn assert_pages_are_whole(world: &World, names: &BTreeSet<String>, when: &str) {
    let live = world.live();
    let mut to_read: Vec<String> = live.keys().filter(|path| path.ends_with(".html")).cloned().collect();
    let mut read = BTreeSet::new();
    while let Some(path) = to_read.pop() {
        if !read.insert(path.clone()) {
            continue;
        }
        let object = live.get(&path).unwrap_or_else(|| panic!("{path} is named and not there {when}"));
        let text = String::from_utf8_lossy(&object.bytes);
        let named = names.iter().filter(|name| text.contains(name.as_str()));
        to_read.extend(named.map(|name| format!("assets/{name}")));
    }
}

fn asset_names() -> BTreeSet<String> {
    let files = ["v1", "v2"].into_iter().flat_map(|build| files_of(&fixture(build)));
    files.filter_map(|(path, _)| path.strip_prefix("assets/").map(str::to_owned)).collect()
}

async fn about_to_publish(build: &str) -> World {
    let world = World::with_fixture("v1").await;
    if build == "v2" {
        world.published().await;
        world.use_fixture("v2");
    }
    world.sandbox.clear_requests();
    world
}

/// Stops a publish at each of its requests, looks at the site as visitors do, and runs it again.
async fn every_stop_leaves_whole_pages(build: &str) {
    let undisturbed = about_to_publish(build).await;
    let invalidated_before = undisturbed.invalidations().len();
    undisturbed.published().await;
    let requests = undisturbed.sandbox.requests();
    let requests = requests.iter().filter(|request| request.service != Service::Site).count();
    let (expected, refreshed, names) = (undisturbed.visible(), undisturbed.last_invalidated(), asset_names());
    let (expected, refreshed, names) = (&expected, &refreshed, &names);
    stream::iter(0..requests)
        .for_each_concurrent(AT_ONCE, |stop| async move {
            let when = format!("when {build} stops after {stop} of {requests} requests");
            let world = about_to_publish(build).await;
            let before = world.visible();
            world.stop_after(stop);
            let report = world.publish().await;
            assert_ne!(report.exit_code, 0, "{when}");
            assert_pages_are_whole(&world, names, &when);
            let visible = world.visible();
            for path in before.keys().filter(|path| path.starts_with("assets/")) {
                assert!(visible.contains_key(path), "{path} is needed by open tabs {when}");
            }
            let changed = before.iter().any(|(path, object)| visible.get(path) != Some(object));
            assert!(!changed || matches!(report.exit_code, 3 | 5), "{when}: {report:#?}");

            world.sandbox.clear_faults();
            world.let_leases_end();
            let again = world.publish().await;
            assert_eq!(again.exit_code, 0, "{when}: {again:#?}");
            world.assert_settled();
            assert_eq!(world.visible(), *expected, "{when}");
            let invalidated: BTreeSet<String> =
                world.invalidations().into_iter().skip(invalidated_before).flat_map(|one| one.paths).collect();
            for path in refreshed {
                assert!(invalidated.contains(path), "{path} was never refreshed {when}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_first_publish_stops_pages_are_whole() {
    every_stop_leaves_whole_pages("v1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_later_publish_stops_pages_are_whole() {
    every_stop_leaves_whole_pages("v2").await;
}

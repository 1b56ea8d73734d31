//! The order of requests, and what makes each write safe to be repeated or refused.

use std::collections::BTreeSet;

use publish::sandbox::{LoggedRequest, Service};
use publish::types::headers::Kind;

use crate::world::World;

const HEAD: &str = "_publish/live/head.json";

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

/// The steps of a publish, in the order of its log.
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
    use Step::*;
    // What will be replaced is kept while the rest is staged: after the claim, and before the switch begins.
    let place = |wanted: Step| steps.iter().position(|step| *step == wanted).unwrap();
    let (claim, begin) = (place(Claim), place(Begin));
    assert!(steps.contains(&Preserve));
    assert!(steps.iter().enumerate().all(|(at, step)| *step != Preserve || claim < at && at < begin), "{steps:?}");
    steps.retain(|step| *step != Preserve);
    steps.dedup();
    let expected = [Claim, Stage, Manifest, Begin, Assets, NewPages, Pages, EntryPage, Remove, End, Refresh, Settle];
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

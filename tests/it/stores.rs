//! Stores other than AWS: before anything is written, they must show that they refuse what they must refuse.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use publish::release::head::ProvenStore;
use publish::release::manifest::ReleaseNumber;
use publish::sandbox::{Effect, Fault, LoggedRequest, Match, StoredObject};
use publish::types::digest::Digest;
use serde_json::Value;

use crate::world::{BUCKET, World};

const HEAD: &str = "_publish/live/head.json";
const FIRST_CLAIM: &str = "_publish/live/releases/1/claim.json";

/// What a store may not take, and the word that names it.
const DEMANDS: [(&str, &str); 5] = [
    ("PutObject", "if-none-match"),
    ("PutObject", "if-match"),
    ("CopyObject", "x-amz-copy-source-if-match"),
    ("CopyObject", "if-none-match"),
    ("PutObject", "x-amz-checksum-sha256"),
];

/// The program itself, for which the sandbox is a store like any other.
fn run(world: &World, arguments: &[&str]) -> (i32, Value) {
    let endpoint = world.sandbox.s3_endpoint().to_owned();
    run_at(world, &endpoint, arguments)
}

fn run_at(world: &World, endpoint: &str, arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_publish"))
        .args(arguments)
        .args(["--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--region", "us-east-1"])
        .args(["--endpoint-url", endpoint, "--output", "json", "--yes"])
        .current_dir(world.folder.parent().unwrap())
        .env_clear()
        .envs(crate::world::key_variables(&world.sandbox))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report = text.lines().last().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), serde_json::from_str(report).unwrap())
}

fn publish(world: &World) -> (i32, Value) {
    run(world, &[world.folder.to_str().unwrap()])
}

/// The store passes over this demand from now on.
fn pass_over(world: &World, operation: &str, header: &str) {
    let matches = Match { operation: Some(operation.to_owned()), ..Match::default() };
    let effect = Effect::PassOver(header.to_owned());
    world.sandbox.inject(Fault { matches, skip: 0, times: usize::MAX, effect });
}

/// What was asked of the store on a claim that it had to refuse, and did.
fn refused(world: &World) -> Vec<LoggedRequest> {
    let answered =
        |request: &LoggedRequest| request.key.ends_with("claim.json") && matches!(request.status, Some(400 | 412));
    world.sandbox.requests().into_iter().filter(answered).collect()
}

fn contents(objects: &BTreeMap<String, StoredObject>) -> BTreeMap<&str, &[u8]> {
    objects.iter().map(|(key, object)| (key.as_str(), &object.bytes[..])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_ignores_a_demand_is_named_before_anything_else_is_written() {
    for (operation, header) in DEMANDS {
        let world = World::with_fixture("v1").await;
        pass_over(&world, operation, header);
        let (exit_code, report) = publish(&world);
        let error = &report["error"];
        assert_eq!((exit_code, error["code"].as_str()), (2, Some("unfit_store")), "{header}: {report}");
        let message = error["message"].as_str().unwrap();
        assert!(message.to_lowercase().contains(header) && message.contains(operation), "{header}: {message}");
        assert_eq!(message.matches("succeeds even though").count(), 1, "{header}: {message}");
        assert!(error["hint"].as_str().unwrap().contains("docs/stores.md"), "{error}");
        assert_eq!(world.objects().keys().collect::<Vec<_>>(), [FIRST_CLAIM], "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_take_a_demand_is_named_too() {
    for (operation, skip, named) in
        [("CopyObject", 0, "CopyObject"), ("PutObject", 1, "PutObject"), ("PutObject", 0, "")]
    {
        let world = World::with_fixture("v1").await;
        world.refuse_after(skip, operation, "", 501, "NotImplemented");
        let (exit_code, report) = publish(&world);
        let error = &report["error"];
        assert_eq!((exit_code, error["code"].as_str()), (2, Some("unfit_store")), "{report}");
        assert!(error.to_string().contains("501 NotImplemented"), "{error}");
        assert!(error["message"].as_str().unwrap().contains(named), "{error}");
        assert!(!error.to_string().contains("Run the same command"), "{error}");
        let (written, claims) = (world.objects(), usize::from(!named.is_empty()));
        assert_eq!(written.len(), claims, "{:?}", written.keys());
    }
}

/// What goes wrong while a store is tried says nothing about it.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_try_is_told_what_to_allow() {
    let world = World::with_fixture("v1").await;
    world.refuse("CopyObject", "", 403, "AccessDenied");
    let (exit_code, report) = publish(&world);
    assert_eq!((exit_code, report["error"]["code"].as_str()), (1, Some("access_denied")), "{report}");
    assert_eq!(world.objects().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_passed_is_tried_once() {
    let world = World::with_fixture("v1").await;
    assert_eq!(publish(&world).0, 0);
    let tried = refused(&world);
    assert_eq!(tried.iter().map(|request| request.key.as_str()).collect::<Vec<_>>(), [FIRST_CLAIM; 5]);
    let head = world.head();
    assert!(head.proven_store.is_some() && head.needs == Default::default(), "{head:?}");
    let stored: Value = serde_json::from_slice(&world.objects()[HEAD].bytes).unwrap();
    assert_eq!(
        (&stored["format"], &stored["minor"]["read"], &stored["minor"]["write"]),
        (&2.into(), &0.into(), &0.into())
    );

    world.sandbox.clear_requests();
    assert_eq!(publish(&world).1["outcome"], "unchanged");
    assert_eq!(world.sandbox.requests().len(), 1);

    world.use_fixture("v2");
    assert_eq!(publish(&world).0, 0);
    assert_eq!(run(&world, &["rollback"]).0, 0);
    assert_eq!(refused(&world).len(), 0);
    assert_eq!(world.head().proven_store, head.proven_store);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_tried_again_at_another_address_and_after_a_month() {
    let world = World::with_fixture("v1").await;
    assert_eq!(publish(&world).0, 0);
    let folder = world.folder.to_str().unwrap();
    let other = world.sandbox.s3_endpoint().replace("127.0.0.1", "localhost");
    let publish_at = |endpoint: &str, build: &str| {
        world.use_fixture(build);
        world.sandbox.clear_requests();
        let (exit_code, report) = run_at(&world, endpoint, &[folder]);
        assert_eq!(exit_code, 0, "{report}");
        refused(&world).len()
    };
    assert_eq!(publish_at(&other, "v2"), 5);
    assert_eq!(publish_at(&format!("{other}/"), "v1"), 0, "the same address");
    // The head as it would be after a month, without waiting for it.
    let tried_earlier = |by: i64| {
        let before = world.head().proven_store.clone().unwrap();
        let since = publish::types::clock::Timestamp::from_unix_seconds(before.since.unix_seconds() - by);
        let proven_store = Some(ProvenStore { since, ..before });
        world.rewrite_head(|head| head.proven_store = proven_store.clone());
    };
    tried_earlier(29 * 86_400);
    assert_eq!(publish_at(&other, "v2"), 0);
    tried_earlier(2 * 86_400);
    assert_eq!(publish_at(&other, "v1"), 5);
    tried_earlier(-2 * 86_400);
    assert_eq!(publish_at(&other, "v2"), 5, "nobody can have tried it in the future");
}

/// A head from before stores were tried, or written through another endpoint.
async fn two_releases_of_an_unproven_store() -> World {
    let mut world = World::with_fixture("v1").await;
    world.environment.distribution = None;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    assert_eq!(world.head().proven_store, None);
    let stored: Value = serde_json::from_slice(&world.objects()[HEAD].bytes).unwrap();
    assert_eq!(stored["format"], 1, "what needs no proof needs no new format");
    world.sandbox.clear_requests();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_tries_nothing() {
    let world = two_releases_of_an_unproven_store().await;
    pass_over(&world, "PutObject", "if-match");
    let (exit_code, report) = publish(&world);
    assert_eq!((exit_code, report["outcome"].as_str()), (0, Some("unchanged")), "{report}");
    assert_eq!(world.sandbox.requests().len(), 1);
    for command in [&["status"][..], &["releases"], &["show"], &["verify"]] {
        assert_eq!(run(&world, command).0, 0, "{command:?}");
    }
    assert_eq!(world.s3_writes().len(), 0);
}

/// What a world needs before a command has something to write.
type Prepare<'a> = &'a dyn Fn(&World);

/// Every command that writes to a store which was never tried tries it first, on a claim, and writes nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_writes_tries_the_store_first() {
    let prepare_nothing = |_: &World| {};
    let hold = |world: &World| {
        world.rewrite_head(|head| {
            let since = publish::types::clock::Timestamp::from_unix_seconds(0);
            head.hold = Some(publish::release::head::Hold::new(Default::default(), since, None));
        })
    };
    let damage = |world: &World| {
        let key = "live/about/index.html";
        let mut object = world.objects()[key].clone();
        object.bytes = b"damaged".to_vec().into();
        world.sandbox.put_foreign(BUCKET, key, object.bytes.to_vec(), "text/html");
    };
    let a_third = |world: &World| world.write("third.html", "third");
    let commands: [(&[&str], Prepare<'_>); 8] = [
        (&["dist"], &a_third),
        (&["dist", "--stage-only"], &a_third),
        (&["rollback"], &prepare_nothing),
        (&["rollback", "1", "--hold"], &prepare_nothing),
        (&["activate", "1", "--force"], &prepare_nothing),
        (&["resume"], &hold),
        (&["prune", "--now", "robots.txt"], &prepare_nothing),
        (&["verify", "--repair"], &damage),
    ];
    for (command, prepare) in commands {
        let world = two_releases_of_an_unproven_store().await;
        prepare(&world);
        let before = world.objects();
        pass_over(&world, "PutObject", "if-match");
        let (exit_code, report) = run(&world, command);
        assert_eq!((exit_code, report["error"]["code"].as_str()), (2, Some("unfit_store")), "{command:?}: {report}");
        let mut after = world.objects();
        after.retain(|key, _| before.contains_key(key) || !key.ends_with("claim.json"));
        assert_eq!(contents(&after), contents(&before), "{command:?}");

        world.sandbox.clear_faults();
        world.sandbox.clear_requests();
        let (exit_code, report) = run(&world, command);
        assert!(matches!(exit_code, 0 | 6), "{command:?}: {report}");
        assert_eq!(refused(&world).len(), 5, "{command:?}");
        let staged_only = command.contains(&"--stage-only");
        assert_eq!(world.head().proven_store.is_some(), !staged_only, "{command:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_adopted_is_adopted_by_a_store_that_was_tried() {
    let world = World::with_fixture("v1").await;
    world.sandbox.put_foreign(BUCKET, "live/old.html", b"old".to_vec(), "text/html");
    pass_over(&world, "CopyObject", "if-none-match");
    let adopt = [world.folder.to_str().unwrap(), "--adopt"];
    let (exit_code, report) = run(&world, &adopt);
    assert_eq!((exit_code, report["error"]["code"].as_str()), (2, Some("unfit_store")), "{report}");
    assert_eq!(world.objects().keys().collect::<Vec<_>>(), ["_publish/live/releases/0/claim.json", "live/old.html"]);

    world.sandbox.clear_faults();
    assert_eq!(run(&world, &adopt).0, 0);
    assert!(world.head().proven_store.is_some());
}

/// Somebody removed the claim of what is live: only a publish has one of its own.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_claim_to_try_it_on_a_publish_tries_the_store() {
    let world = two_releases_of_an_unproven_store().await;
    world.sandbox.remove_object(BUCKET, "_publish/live/releases/2/claim.json");
    let (exit_code, report) = run(&world, &["rollback"]);
    assert_eq!((exit_code, report["error"]["code"].as_str()), (1, Some("bad_state")), "{report}");
    assert!(report["error"]["hint"].as_str().unwrap().contains("Publish the folder"), "{report}");
    world.write("third.html", "third");
    assert_eq!(publish(&world).0, 0);
    assert_eq!(run(&world, &["rollback"]).0, 0);
}

/// The stored form.
#[test]
fn a_head_with_a_proven_store_is_written_back_byte_for_byte() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/manifests/v2/head-proven-store.json");
    let bytes = std::fs::read(path).unwrap();
    let head = publish::release::head::Head::decode(&bytes).unwrap();
    let proven = head.proven_store.as_ref().unwrap();
    assert_eq!(proven.endpoint, Digest::of(b"https://s3.example.com/"));
    assert!(!head.is_only_to_read() && head.highest_activated == ReleaseNumber::new(0));
    let after =
        |seconds: i64| publish::types::clock::Timestamp::from_unix_seconds(proven.since.unix_seconds() + seconds);
    assert!(
        proven.holds_at(after(Duration::from_secs(29 * 86_400).as_secs() as i64))
            && !proven.holds_at(after(30 * 86_400))
    );
    assert_eq!(String::from_utf8(head.encode().unwrap()), String::from_utf8(bytes));
}

/// Staging writes no head: nothing says yet that the store was tried, or which release is live.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_head_names_no_release_the_store_is_tried_on_the_one_to_come() {
    let world = World::with_fixture("v1").await;
    let (exit_code, report) = run(&world, &["hold"]);
    assert_eq!(exit_code, 2, "{report}");
    assert!(world.objects().is_empty(), "there is nothing to try it on");
    let (exit_code, report) = run(&world, &[world.folder.to_str().unwrap(), "--stage-only"]);
    assert_eq!(exit_code, 0, "{report}");
    world.sandbox.clear_requests();
    let (exit_code, report) = run(&world, &["activate", "1"]);
    assert_eq!(exit_code, 0, "{report}");
    assert_eq!(refused(&world).len(), 5);
    assert!(world.head().proven_store.is_some());
}

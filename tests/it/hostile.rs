//! What this program never writes to its state, but what anybody could who can write to the bucket: no run panics, waits
//! for ever, acts on it, passes it on or makes it worse.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Mutex;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use publish::release::format::{FormatError, Unknown};
use publish::release::head::{Activation, HeadFields, MAX_HISTORY, Pruning};
use publish::release::layout::Layout;
use publish::release::manifest::{Manifest, Publisher, ReleaseNumber, RunId};
use publish::report::error::Code;
use publish::report::event::Event;
use publish::report::{Outcome, Report};
use publish::run::PublishRequest;
use publish::sandbox::StoredObject;
use serde_json::{Value, json};

use crate::world::{self, BUCKET, DISTRIBUTION, World};

const HEAD: &str = "_publish/live/head.json";

/// The longest lease that is accepted and what is added to it, in seconds.
const LONGEST_WAIT_S: u64 = 3_602;

/// The highest number that a release can have.
const HIGHEST: u64 = 1 << 52;

/// v1 is live and v2 is to be published.
async fn about_to_publish_v2() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    world
}

fn put_head(world: &World, head: &HeadFields) {
    world.sandbox.put_foreign(BUCKET, HEAD, head.encode().unwrap(), "application/json");
}

/// Puts a head with a number that no head can be made with.
fn put_head_with(world: &World, field: &str, number: u64) {
    let mut head: serde_json::Value = serde_json::from_slice(&world.objects()[HEAD].bytes).unwrap();
    *head.pointer_mut(field).unwrap() = number.into();
    world.sandbox.put_foreign(BUCKET, HEAD, serde_json::to_vec(&head).unwrap(), "application/json");
}

/// The report of a publish that finds the state unusable, says so and writes nothing.
async fn refused(world: &World) -> Report {
    let before = world.objects();
    let report = world.publish().await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    let error = report.error.as_ref().unwrap();
    assert_eq!(error.code, Code::BadState.as_str(), "{error:#?}");
    assert!(error.hint.contains("docs/bucket-layout.md"), "{error:#?}");
    assert_eq!(world.objects(), before);
    report
}

/// Publishes, and as soon as the run waits, lets `end` end what it waits for. Says how long it meant to wait.
async fn waited(world: &World, end: impl Fn(&mut HeadFields) + Sync) -> u64 {
    let longest = Mutex::new(0);
    let listener = |event| {
        if let Event::Waiting { remaining_s, .. } = event {
            let mut longest = longest.lock().unwrap();
            *longest = remaining_s.max(*longest);
            let mut head = world.head();
            end(&mut head);
            put_head(world, &head);
        }
    };
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    world.assert_settled();
    longest.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_without_end_is_waited_for_like_an_hours() {
    let world = about_to_publish_v2().await;
    let mut head = world.head();
    let active = head.active.clone().unwrap();
    head.activation = Some(Activation {
        to: active.release,
        candidates: [active.release].into(),
        owner: RunId("another".to_owned()),
        publisher: Publisher::default(),
        since: active.since,
        lease_s: u64::MAX,
        unknown: Unknown::default(),
    });
    put_head(&world, &head);
    let shown = world.status().await.activation.unwrap().lease_remaining_s;
    assert!(shown <= LONGEST_WAIT_S, "{shown}");
    let longest = waited(&world, |head| head.activation.as_mut().unwrap().lease_s = 0).await;
    assert!((1..=LONGEST_WAIT_S).contains(&longest), "{longest}");
}

/// As of a head that somebody blew up: 1,000 releases whose activation was cut short are as many as a run reads.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_with_more_unfinished_releases_than_a_run_reads_is_told_with_the_limit() {
    let world = about_to_publish_v2().await;
    let mut head = world.head();
    let since = head.active.as_ref().unwrap().since;
    head.activation = Some(Activation {
        to: ReleaseNumber::new(1),
        candidates: [ReleaseNumber::new(1)].into(),
        owner: RunId("another".to_owned()),
        publisher: Publisher::default(),
        since,
        lease_s: 0,
        unknown: Unknown::default(),
    });
    put_head(&world, &head);
    for candidates in [1_001_u64, 10_000] {
        edit(&world, HEAD, |head| head["activation"]["candidates"] = (1..=candidates).collect());
        let report = refused(&world).await;
        let error = report.error.unwrap();
        let said = format!("{}: {}", error.message, error.causes.join(": "));
        assert!(said.contains("head.json") && said.contains("more than 1000 releases whose activation"), "{error:#?}");
        assert!(error.hint.contains("publish activate"), "it says what to do: {error:#?}");
        for other in [world.rollback(Some(1)).await, world.prune(&[]).await] {
            assert_eq!(other.error.as_ref().unwrap().code, Code::BadState.as_str(), "{other:#?}");
        }
    }
    edit(&world, HEAD, |head| head["activation"]["candidates"] = (1..=1_000_u64).collect());
    assert_eq!(world.plan().await.0.exit_code, 10, "as many are read, and v2 may be published");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_without_end_is_waited_for_like_an_hours() {
    let world = about_to_publish_v2().await;
    let mut head = world.head();
    let since = head.active.as_ref().unwrap().since;
    let (owner, unknown) = (RunId("another".to_owned()), Unknown::default());
    head.pruning = Some(Pruning { owner, since, lease_s: u64::MAX, closes: [].into(), unknown });
    put_head(&world, &head);
    let longest = waited(&world, |head| head.pruning = None).await;
    assert!((1..=LONGEST_WAIT_S).contains(&longest), "{longest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_cannot_be_raised_does_not_stop_publishing() {
    let world = about_to_publish_v2().await;
    let head = HeadFields { revision: u64::MAX, prune_epoch: u64::MAX, ..world.head() };
    put_head(&world, &head);
    assert_eq!(world.published().await.outcome, Outcome::Published);
    world.assert_settled();
    assert_eq!(world.head().revision, u64::MAX);
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_with_a_number_that_no_release_has_is_not_used() {
    for field in ["/highest_activated", "/floor", "/active/release"] {
        for number in [HIGHEST + 1, u64::MAX] {
            let world = about_to_publish_v2().await;
            put_head_with(&world, field, number);
            let error = refused(&world).await.error.unwrap();
            assert!(error.causes.iter().any(|cause| cause.contains(&number.to_string())), "{error:#?}");
        }
    }
}

/// Otherwise its head would have a number that no run reads: nobody could publish again.
#[tokio::test(flavor = "multi_thread")]
async fn no_run_claims_a_number_beyond_the_highest() {
    let world = about_to_publish_v2().await;
    for field in ["/highest_activated", "/floor"] {
        put_head_with(&world, field, HIGHEST);
        refused(&world).await;
        put_head_with(&world, field, 1);
    }
    let claim = world.environment.layout.claim(ReleaseNumber::new(HIGHEST)).key;
    world.sandbox.put_foreign(BUCKET, &claim, "{}", "application/json");
    refused(&world).await;
    world.sandbox.remove_object(BUCKET, &claim);

    put_head_with(&world, "/highest_activated", HIGHEST - 1);
    let report = world.published().await;
    assert_eq!(report.release, Some(ReleaseNumber::new(HIGHEST)), "the last one of all");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_on_a_number_that_no_release_has_is_nobodys_business() {
    let world = about_to_publish_v2().await;
    for number in [u64::MAX, HIGHEST + 1] {
        for name in ["claim.json", "manifest.json.gz"] {
            let key = format!("_publish/live/releases/{number}/{name}");
            world.sandbox.put_foreign(BUCKET, &key, "{}", "application/json");
        }
    }
    let report = world.published().await;
    assert_eq!(report.release, Some(ReleaseNumber::new(2)));
    world.assert_settled();
}

/// Something that an enemy does to a stored object.
type Change = Box<dyn Fn(&mut Value)>;

/// What `change` makes of the JSON of a stored object, put in its place.
fn edit(world: &World, key: &str, change: impl FnOnce(&mut Value)) {
    let bytes = world.objects()[key].bytes.to_vec();
    let zipped = key.ends_with(".gz");
    let json = if zipped { decompressed(&bytes) } else { bytes };
    let mut value: Value = serde_json::from_slice(&json).unwrap();
    change(&mut value);
    let json = serde_json::to_vec(&value).unwrap();
    world.sandbox.put_foreign(BUCKET, key, if zipped { compressed(&json) } else { json }, "application/json");
}

/// As [`edit`] of the manifest of `release`, with its content digest put right: an enemy does that too.
pub(crate) fn edit_manifest(world: &World, release: u64, change: impl FnOnce(&mut Value)) {
    let key = world.environment.layout.manifest(ReleaseNumber::new(release)).key;
    edit(world, &key, change);
    if let Err(FormatError::Digest { actual, .. }) = Manifest::decode(&world.objects()[&key].bytes) {
        edit(world, &key, |manifest| manifest["content"] = json!(actual));
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn decompressed(bytes: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut found).unwrap();
    found
}

/// The report says that the state is unusable, and everything in the bucket is as it was.
fn assert_refused(world: &World, before: &BTreeMap<String, StoredObject>, report: &Report) {
    assert_eq!(report.exit_code, 1, "{report:#?}");
    let error = report.error.as_ref().unwrap();
    assert_eq!(error.code, Code::BadState.as_str(), "{error:#?}");
    assert_eq!(world.objects(), *before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_another_format_is_never_overwritten() {
    let world = about_to_publish_v2().await;
    edit(&world, HEAD, |head| head["format"] = json!(3));
    let before = world.objects();
    for report in [world.publish().await, world.rollback(Some(1)).await, world.activate(1).await, world.resume().await]
    {
        assert_refused(&world, &before, &report);
        assert!(report.error.unwrap().hint.contains("update"), "it says what to do");
    }
    let request = PublishRequest { overwrite: true, force: true, ..world.request() };
    assert_refused(&world, &before, &world::publish(request).await);
    assert!(world.s3_writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_another_format_is_neither_read_nor_replaced() {
    let world = about_to_publish_v2().await;
    world.published().await;
    edit_manifest(&world, 1, |manifest| manifest["format"] = json!(3));
    let before = world.objects();
    assert_refused(&world, &before, &world.rollback(Some(1)).await);
    assert_refused(&world, &before, &world.rollback(None).await);
    assert_eq!(world.published().await.outcome, Outcome::Unchanged, "it is not needed for this");
    edit_manifest(&world, 2, |manifest| manifest["format"] = json!(3));
    let before = world.objects();
    world.write("robots.txt", "other");
    assert_refused(&world, &before, &world.publish().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_another_format_is_neither_read_nor_replaced() {
    let world = about_to_publish_v2().await;
    let key = world.environment.layout.claim(ReleaseNumber::new(2)).key;
    let claim = json!({ "format": 3, "shape": "unknown" }).to_string();
    world.sandbox.put_foreign(BUCKET, &key, claim.clone(), "application/json");
    let live = world.live();
    let report = world.publish().await;
    assert_eq!((report.exit_code, report.error.unwrap().code), (1, Code::BadState.as_str().to_owned()));
    assert_eq!(world.objects()[&key].bytes, claim.into_bytes());
    assert_eq!(world.live(), live);
}

/// What a manifest says becomes keys and headers of requests when its release is brought back.
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_nobody_but_an_enemy_writes_is_refused_before_anything_is_written() {
    let world = about_to_publish_v2().await;
    world.published().await;
    let key = world.environment.layout.manifest(ReleaseNumber::new(1)).key;
    let honest = world.objects()[&key].bytes.to_vec();
    let path = |path: &'static str| move |manifest: &mut Value| manifest["files"][0]["path"] = json!(path);
    let header = |name: &'static str, value: &'static str| {
        move |manifest: &mut Value| manifest["headers"][0][name] = json!(value)
    };
    let changes: Vec<Change> = vec![
        Box::new(path("../_publish/live/head.json")),
        Box::new(path("/index.html")),
        Box::new(path("a/./b")),
        Box::new(path("a\u{0}b")),
        Box::new(header("cache_control", "no-store\r\nx-amz-acl: public-read-write")),
        Box::new(header("content_type", "text/html\n")),
        Box::new(header("content_disposition", "attachment; filename=\u{e4}.txt")),
        Box::new(|manifest| manifest["headers"][0]["metadata"] = json!({ "a\r\nb": "c" })),
        Box::new(|manifest| manifest["headers"][0]["metadata"] = json!({ "a": "b\r\nc: d" })),
        Box::new(|manifest| manifest["files"][0]["path"] = json!("a".repeat(1_020))),
        Box::new(|manifest| manifest["files"][0]["size_bytes"] = json!(u64::MAX)),
        Box::new(|manifest| manifest["run"] = json!("a\nb")),
        Box::new(|manifest| manifest["created_at"] = json!("-99999-01-01T00:00:00Z")),
        Box::new(|manifest| manifest["release"] = json!(2)),
    ];
    for (number, change) in changes.iter().enumerate() {
        world.sandbox.put_foreign(BUCKET, &key, honest.clone(), "application/gzip");
        edit_manifest(&world, 1, change);
        let before = world.objects();
        println!("change {number}");
        assert_refused(&world, &before, &world.rollback(Some(1)).await);
    }
    world.sandbox.put_foreign(BUCKET, &key, honest, "application/gzip");
    assert_eq!(world.rollback(Some(1)).await.exit_code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_names_the_state_is_refused() {
    let mut world = World::with_fixture("v1").await;
    world.environment.layout = Layout::new("shop", BUCKET, "", None, None);
    world.environment.distribution = None;
    world.environment.url = None;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    edit_manifest(&world, 1, |manifest| manifest["files"][0]["path"] = json!("_publish/head.json"));
    let before = world.objects();
    let report = world.rollback(Some(1)).await;
    assert_refused(&world, &before, &report);
    assert!(report.error.unwrap().message.contains("_publish/head.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_nobody_but_an_enemy_writes_is_not_used() {
    let world = about_to_publish_v2().await;
    let honest = world.objects()[HEAD].bytes.to_vec();
    let refresh = |id: &str, path: &str, count: usize| {
        let (id, paths) = (id.to_owned(), vec![path.to_owned(); count]);
        move |head: &mut Value| {
            head["pending_refreshes"] = json!([{
                "id": id, "distribution": DISTRIBUTION, "release": 1, "since": "2026-01-02T03:04:05Z", "paths": paths,
            }]);
        }
    };
    let leftover = |path: String, size_bytes: u64, content_type: &'static str| {
        move |head: &mut Value| {
            head["leftovers"] = json!({ path.clone(): {
                "sha256": "0".repeat(64), "size_bytes": size_bytes, "kind": "mutable", "since": "2026-01-02T03:04:05Z",
                "headers": { "cache_control": "no-store", "content_type": content_type },
            } });
        }
    };
    let changes: Vec<Change> = vec![
        Box::new(refresh("a b", "/a", 1)),
        Box::new(refresh(&"a".repeat(129), "/a", 1)),
        Box::new(refresh("a", "a", 1)),
        Box::new(refresh("a", "/a b", 1)),
        Box::new(refresh("a", "/~a", 1)),
        Box::new(refresh("a", "/a", 100_001)),
        Box::new(leftover("a.html".to_owned(), 1, "text/html\r\nx-amz-acl: public-read")),
        Box::new(leftover("a.html".to_owned(), u64::MAX, "text/html")),
        Box::new(leftover("a".repeat(1_020), 1, "text/html")),
        Box::new(leftover("../a.html".to_owned(), 1, "text/html")),
        Box::new(|head| head["run"] = json!("a".repeat(65))),
        Box::new(|head| head["mutable_paths"] = json!(["a//b"])),
        Box::new(|head| head["active"]["since"] = json!("9999999-01-01T00:00:00Z")),
        Box::new(|head| head["distribution"]["id"] = json!("E1\u{1b}[2J")),
    ];
    for (number, change) in changes.iter().enumerate() {
        world.sandbox.put_foreign(BUCKET, HEAD, honest.clone(), "application/json");
        edit(&world, HEAD, change);
        println!("change {number}");
        refused(&world).await;
    }
}

/// More than a head of this program ever says, and still within what is read: it costs no more than time.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_and_many_mutable_paths_do_not_stop_publishing() {
    let world = about_to_publish_v2().await;
    edit(&world, HEAD, |head| {
        head["mutable_paths"] = (0..20_000).map(|number| format!("assets/{number}.js")).collect();
        let item = head["history"][0].clone();
        head["history"] = vec![item; 5_000].into();
    });
    world.published().await;
    world.assert_settled();
    assert_eq!(world.head().history.len(), MAX_HISTORY, "the oldest are forgotten");
}

//! A write whose answer is lost ends well and once: its effect is found by looking, neither assumed nor repeated.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use publish::release::manifest::Manifest;
use publish::sandbox::{Effect, Fault, LoggedRequest, Match, Service};
use publish::types::digest::Digest;
use serde_json::Value;

use crate::world::World;

/// Worlds at once: most of their time goes by while an answer is waited for.
const AT_ONCE: usize = 8;

/// One write of a publish: the `number`-th one of its operation to its key.
#[derive(Clone, Debug)]
struct Write {
    operation: String,
    key: String,
    number: usize,
}

impl Write {
    fn fault(&self) -> Fault {
        let matches =
            Match { operation: Some(self.operation.clone()), key_contains: Some(self.key.clone()), ..Match::default() };
        Fault { matches, skip: self.number, times: 1, effect: Effect::DropAnswer }
    }
}

fn writes(requests: &[LoggedRequest]) -> Vec<Write> {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let changing = |request: &&LoggedRequest| {
        request.service != Service::Site && !matches!(request.method.as_str(), "GET" | "HEAD")
    };
    let writes = requests.iter().filter(changing).map(|request| {
        let (operation, key) = (request.operation.clone(), request.key.clone());
        let number = seen.entry((operation.clone(), key.clone())).or_default();
        *number += 1;
        Write { operation, key, number: *number - 1 }
    });
    writes.collect()
}

/// Everything in the bucket, but for the moments and the runs that its records name, and for what CloudFront calls invalidations.
fn essence(world: &World) -> BTreeMap<String, String> {
    let objects = world.objects().into_iter();
    let essence = objects.map(|(key, object)| {
        let content = if key.ends_with("/manifest.json.gz") {
            let manifest = Manifest::decode(&object.bytes).unwrap();
            format!("{} {} {:#?}", manifest.release, manifest.epoch, manifest.files)
        } else if key.starts_with("_publish/") && key.ends_with(".json") {
            let mut record = serde_json::from_slice(&object.bytes).unwrap();
            forget_moments(&mut record);
            format!("{record:#}")
        } else {
            Digest::of(&object.bytes).to_string()
        };
        let said = (object.content_type, object.cache_control, object.metadata);
        (key, format!("{content} {said:?}"))
    });
    essence.collect()
}

fn forget_moments(record: &mut Value) {
    match record {
        Value::Object(fields) => {
            for (name, value) in fields {
                if matches!(name.as_str(), "run" | "since" | "at" | "superseded" | "id" | "invalidations") {
                    *value = Value::Null;
                } else {
                    forget_moments(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(forget_moments),
        _ => {}
    }
}

/// Publishes `build` once for each write, with the answer of that write lost. `kinds` are parts of what the writes are
/// called, all of which must be among them.
async fn every_lost_answer_ends_well(build: &str, kinds: &[&str]) {
    let prepared = World::with_fixture("v1").await;
    if build != "v1" {
        prepared.published().await;
    }
    let prepared = &prepared;
    let about_to_publish = async || {
        let world = prepared.branch().await;
        world.use_fixture(build);
        world
    };
    let about_to_publish = &about_to_publish;
    let undisturbed = about_to_publish().await;
    undisturbed.published().await;
    let writes = writes(&undisturbed.sandbox.requests());
    for kind in kinds {
        let found = writes.iter().any(|write| format!("{} {}", write.operation, write.key).contains(kind));
        assert!(found, "no {kind} among {writes:#?}");
    }
    let (expected, invalidations) = (essence(&undisturbed), undisturbed.invalidations().len());
    let expected = &expected;
    stream::iter(writes)
        .for_each_concurrent(AT_ONCE, |write| async move {
            let world = about_to_publish().await;
            world.sandbox.inject(write.fault());
            let report = world.publish().await;
            assert_eq!(report.exit_code, 0, "{write:?} {report:#?}");
            let requests = world.sandbox.requests();
            let dropped = requests.iter().filter(|request| request.status.is_none()).count();
            assert_eq!(dropped, 1, "{write:?}");
            for (key, found) in &essence(&world) {
                assert_eq!(Some(found), expected.get(key), "{key} after {write:?}");
            }
            assert_eq!(world.objects().len(), expected.len(), "{write:?}");
            assert_eq!(world.invalidations().len(), invalidations, "{write:?}");
            world.assert_settled();
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_first_publish() {
    let kinds = ["claim.json", "manifest.json.gz", "head.json", "PutObject live/assets/", "PutObject live/index.html"];
    every_lost_answer_ends_well("v1", &[&kinds[..], &["CreateInvalidation"]].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_later_publish() {
    let kinds = [
        "claim.json",
        "manifest.json.gz",
        "head.json",
        "PutObject live/assets/",
        "PutObject _publish/live/blobs/",
        "CopyObject _publish/live/blobs/",
        "CopyObject live/index.html",
        "DeleteObjects",
        "CreateInvalidation",
    ];
    every_lost_answer_ends_well("v2", &kinds).await;
}

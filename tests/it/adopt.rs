//! What lay there before this program becomes release 0: nothing of it changes, and it comes back exactly.

use std::collections::BTreeMap;
use std::sync::Mutex;

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::primitives::ByteStream;
use futures_util::{StreamExt, stream};
use publish::config::environment::Encryption;
use publish::release::manifest::ReleaseNumber;
use publish::report::event::Event;
use publish::report::{Outcome, Report};
use publish::run::PublishRequest;
use publish::sandbox::{Service, StoredObject};

use crate::world::{self, BUCKET, World};

const ASSET: &str = "assets/app-BxYz12Ab.js";

/// What visitors get of an object: its bytes and all its headers, except the marker in its metadata.
type Shown = (Vec<u8>, String, [Option<String>; 5], BTreeMap<String, String>);

/// A world with somebody else's site, which has none of our headers, and a folder that is to follow it.
async fn someone_elses_site() -> World {
    let world = World::with_fixture("v1").await;
    for (path, bytes, content_type) in [
        ("index.html", "their page", "text/html"),
        ("about.html", "about them", "text/html"),
        ("robots.txt", "theirs", "text/plain"),
        ("notes/ä b.txt", "odd name", "text/plain; charset=latin1"),
        (ASSET, "theirs", "text/javascript"),
    ] {
        world.sandbox.put_foreign(BUCKET, &format!("live/{path}"), bytes, content_type);
    }
    put_with_headers(&world, "live/cached.css", None).await;
    world
}

/// Somebody else's program.
fn client(world: &World) -> aws_sdk_s3::Client {
    let keys = world.sandbox.keys();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(world.sandbox.s3_endpoint())
        .force_path_style(true)
        .credentials_provider(Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "test"))
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// Stores an object as somebody else would who knows all headers.
async fn put_with_headers(world: &World, key: &str, expires: Option<&str>) {
    let mut put = client(world)
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .body(ByteStream::from_static(b"* { color: red }"))
        .content_type("text/css")
        .cache_control("max-age=60")
        .content_disposition("inline")
        .content_language("de")
        .metadata("team", "web");
    if let Some(expires) = expires {
        let format = aws_sdk_s3::primitives::DateTimeFormat::HttpDate;
        put = put.expires(aws_sdk_s3::primitives::DateTime::from_str(expires, format).unwrap());
    }
    put.send().await.unwrap();
}

fn shown(object: StoredObject) -> Shown {
    let mut metadata = object.metadata;
    metadata.remove("publish-site");
    let headers = [
        object.cache_control,
        object.content_encoding,
        object.content_disposition,
        object.content_language,
        object.expires,
    ];
    (object.bytes.to_vec(), object.content_type, headers, metadata)
}

fn live(world: &World) -> BTreeMap<String, Shown> {
    world.live().into_iter().map(|(path, object)| (path, shown(object))).collect()
}

fn adopting(world: &World) -> PublishRequest {
    let mut request = world.request();
    request.adopt = true;
    request.caller.yes = true;
    request
}

async fn adopt(world: &World) -> Report {
    world::publish(adopting(world)).await
}

/// Goes back to release 0, after which visitors get exactly `before`; what else is there waits for its retention to end.
async fn assert_comes_back(world: &World, before: &BTreeMap<String, Shown>) {
    let report = world.rollback(Some(0)).await;
    assert_eq!((report.exit_code, report.release), (0, Some(ReleaseNumber::new(0))), "{report:#?}");
    world.assert_settled();
    let now = live(world);
    for (path, object) in before {
        assert_eq!(now.get(path), Some(object), "{path}");
    }
    for path in now.keys().filter(|path| path.ends_with(".html")) {
        assert!(before.contains_key(path), "{path} is no page of release 0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_before_the_first_publish_comes_back_byte_by_byte_and_header_by_header() {
    let world = someone_elses_site().await;
    let before = live(&world);
    let report = adopt(&world).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    assert_eq!((report.release, report.previous_release), (Some(ReleaseNumber::new(1)), Some(ReleaseNumber::new(0))));
    assert!(!world.live().contains_key("about.html"), "its page left the site");
    world.assert_settled();
    let first = live(&world);
    let pages = |objects: &BTreeMap<String, Shown>| {
        objects
            .iter()
            .filter(|(path, _)| path.ends_with(".html"))
            .map(|(path, shown)| (path.clone(), shown.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    assert_comes_back(&world, &before).await;

    assert_eq!(world.rollback(Some(1)).await.exit_code, 0);
    world.assert_settled();
    assert_eq!(pages(&live(&world)), pages(&first));
    world.use_fixture("v2");
    assert_eq!(world.published().await.outcome, Outcome::Published);
    assert_comes_back(&world, &before).await;
    assert_eq!(world.published().await.outcome, Outcome::Published);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn adopting_alone_changes_nothing_and_downloads_nothing() {
    let mut world = someone_elses_site().await;
    world.environment.publish.max_removed_percent = 100;
    let before = live(&world);
    world.sandbox.clear_requests();
    let mut request = adopting(&world);
    request.stage_only = true;
    let report = world::publish(request).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Staged), "{report:#?}");
    let now = live(&world);
    for (path, object) in &before {
        assert_eq!(now.get(path), Some(object), "{path}");
    }
    let read = world.s3_requests().into_iter().filter(|request| request.operation == "GetObject");
    assert!(read.into_iter().all(|request| request.key.starts_with("_publish/")), "{:#?}", world.s3_requests());
    let head = world.head();
    let active = head.active.clone().unwrap();
    assert_eq!((active.release, active.previous), (ReleaseNumber::ADOPTED, None));
    assert_eq!(head.history[0].reason.as_deref(), Some("adopted"));
    assert_eq!(world.manifest(0).files.len(), before.len());
    assert_eq!(world.manifest(0).content(), active.content);
    for object in world.live().values() {
        assert!(object.checksums.contains_key("sha256") && object.metadata["publish-site"] == "shop", "{object:?}");
    }
    assert_eq!(world.activate(1).await.exit_code, 0);
    assert_comes_back(&world, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_the_site_is_refused_and_it_is_named() {
    let world = someone_elses_site().await;
    let report = world.publish().await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
    assert!(report.error.unwrap().hint.starts_with("Use --adopt"));
    assert!(!world.objects().keys().any(|key| key.starts_with("_publish/")), "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_cannot_adopt() {
    let world = someone_elses_site().await;
    let report = publish::run::plan(adopting(&world), publish::report::event::Events::new(&|_| {})).await.0;
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (2, "usage"));
    assert!(!world.objects().keys().any(|key| key.starts_with("_publish/")), "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_in_the_way_it_is_an_ordinary_first_publish() {
    let world = World::with_fixture("v1").await;
    let report = adopt(&world).await;
    assert_eq!((report.exit_code, report.previous_release), (0, None), "{report:#?}");
    assert!(!world.objects().contains_key("_publish/live/releases/0/claim.json"));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_something_was_published_nothing_is_adopted() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.sandbox.put_foreign(BUCKET, "live/news/index.html", "theirs", "text/html");
    world.use_fixture("v2");
    let report = adopt(&world).await;
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (2, "foreign_objects"));
    assert!(report.warnings.iter().any(|warning| warning.contains("Nothing was adopted")), "{:?}", report.warnings);
    world.use_fixture("v1");
    world.sandbox.clear_requests();
    assert_eq!(adopt(&world).await.outcome, Outcome::Unchanged);
    assert_eq!(world.s3_requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_staged_release_has_put_there_is_not_adopted() {
    let world = World::with_fixture("v1").await;
    let mut request = world.request();
    request.stage_only = true;
    assert_eq!(world::publish(request).await.exit_code, 0);
    let staged = world.live();
    assert!(!staged.is_empty());
    world.sandbox.put_foreign(BUCKET, "live/theirs.html", "theirs", "text/html");
    assert_eq!(adopt(&world).await.exit_code, 0);
    let adopted: Vec<String> = world.manifest(0).files.into_keys().map(String::from).collect();
    assert_eq!(adopted, ["theirs.html"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_adopted_stays_as_it_is() {
    let world = someone_elses_site().await;
    let before = live(&world);
    world.sandbox.put_foreign(BUCKET, "live/folder/", "", "application/x-directory");
    put_with_headers(&world, "live/expiring.css", Some("Wed, 21 Oct 2015 07:28:00 GMT")).await;
    let others = |world: &World| {
        let objects = world.objects();
        ["live/folder/", "live/expiring.css"].map(|key| objects[key].clone())
    };
    let left = others(&world);
    let report = adopt(&world).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert!(
        report.warnings.iter().any(|warning| warning.contains("were not adopted and stay as they are: 2")),
        "{:?}",
        report.warnings
    );
    assert_comes_back(&world, &before).await;
    assert_eq!(others(&world), left);
}

/// The key of somebody else's objects.
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/theirs";

/// A world in which objects were stored in `classes`, each with `KEY` as well.
async fn stored_in(classes: &[&str]) -> World {
    let world = someone_elses_site().await;
    for class in classes {
        let key = format!("live/{class}.txt");
        let put = client(&world).put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"theirs"));
        let put = put.storage_class((*class).into()).server_side_encryption("aws:kms".into()).ssekms_key_id(KEY);
        put.send().await.unwrap();
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_keep_their_storage_class_and_their_key_and_it_is_said_what_copies_lose() {
    const CLASSES: [&str; 5] = ["REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"];
    let mut world = stored_in(&CLASSES).await;
    world.environment.access.encryption = Encryption::Kms { key_id: Some("ours".to_owned()) };
    world.environment.publish.max_removed_percent = 100;
    let before = live(&world);
    let (mut request, copies_before) = (adopting(&world), Mutex::new(None));
    request.stage_only = true;
    let listener = |event| {
        if let Event::Warning { message } = event
            && message.contains("storage class or encryption: 5")
        {
            let copies = world.s3_requests().iter().filter(|request| request.operation == "CopyObject").count();
            *copies_before.lock().unwrap() = Some((copies, message));
        }
    };
    let report = world::publish_heard(request, listener).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let (copies, said) = copies_before.into_inner().unwrap().expect("it was said");
    assert_eq!(copies, 0, "before anything was copied");
    assert!(said.contains(KEY) && said.contains("STANDARD"), "{said}");
    for class in CLASSES {
        let object = &world.live()[&format!("{class}.txt")];
        assert_eq!(object.metadata["publish-site"], "shop");
        let kept = (object.storage_class.as_deref(), object.sse.as_str(), object.kms_key_id.as_deref());
        assert_eq!(kept, (Some(class), "aws:kms", Some(KEY)));
    }
    assert_eq!(world.live()["index.html"].sse, "AES256", "not even one that the environment would have given it");
    assert_eq!(world.activate(1).await.exit_code, 0);
    assert_comes_back(&world, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_objects_and_those_with_a_key_that_s3_does_not_keep_are_named_and_stay() {
    let world = stored_in(&["GLACIER", "DEEP_ARCHIVE"]).await;
    world.sandbox.put_foreign(BUCKET, "live/locked.txt", "?", "text/plain");
    for operation in ["HeadObject", "GetObject"] {
        world.refuse(operation, "live/locked.txt", 400, "InvalidRequest");
    }
    let before =
        ["live/GLACIER.txt", "live/DEEP_ARCHIVE.txt", "live/locked.txt"].map(|key| world.objects()[key].clone());
    let report = adopt(&world).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let said = report
        .warnings
        .iter()
        .find(|warning| warning.contains("were not adopted and stay as they are: 3"))
        .expect("a warning");
    assert!(said.contains("2, such as") && said.contains("archived") && said.contains("SSE-C"), "{said}");
    let after =
        ["live/GLACIER.txt", "live/DEEP_ARCHIVE.txt", "live/locked.txt"].map(|key| world.objects()[key].clone());
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_adopted_release_0_is_empty() {
    let world = World::with_fixture("v1").await;
    world.sandbox.put_foreign(BUCKET, "live/folder/", "", "application/x-directory");
    assert_eq!(adopt(&world).await.exit_code, 0);
    assert!(world.manifest(0).files.is_empty());
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_or_goes_meanwhile_is_adopted_as_it_is_then() {
    let world = someone_elses_site().await;
    let listener = |event| {
        if let Event::StagingStarted { release: ReleaseNumber::ADOPTED, .. } = event {
            world.sandbox.put_foreign(BUCKET, "live/index.html", "their newer page", "text/html");
            world.sandbox.remove_object(BUCKET, "live/about.html");
        }
    };
    let report = world::publish_heard(adopting(&world), listener).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert!(!world.manifest(0).files.keys().any(|path| path.as_str() == "about.html"));
    assert_eq!(world.rollback(Some(0)).await.exit_code, 0);
    assert_eq!(&world.live()["index.html"].bytes[..], b"their newer page");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_whose_answer_was_lost_is_recognised() {
    let world = someone_elses_site().await;
    world.sandbox.inject(publish::sandbox::Fault {
        matches: publish::sandbox::Match {
            operation: Some("CopyObject".to_owned()),
            key_contains: Some("live/index.html".to_owned()),
            service: None,
        },
        skip: 0,
        times: 2,
        effect: publish::sandbox::Effect::DropAnswer,
    });
    let before = live(&world);
    assert_eq!(adopt(&world).await.exit_code, 0);
    assert_comes_back(&world, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_it_is_adopted_a_publish_needs_no_flag() {
    let world = someone_elses_site().await;
    let before = live(&world);
    world.refuse("PutObject", "releases/1/claim.json", 400, "Stopped");
    assert_ne!(adopt(&world).await.exit_code, 0);
    world.sandbox.clear_faults();
    assert_eq!(world.head().active.unwrap().release, ReleaseNumber::ADOPTED);
    let mut request = world.request();
    request.caller.yes = true;
    let report = world::publish(request).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    assert_comes_back(&world, &before).await;
}

/// Wherever an adoption stops, visitors notice nothing of it. The same command finishes it; one without the flag either
/// refuses or finds release 0.
#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_that_was_cut_short_is_finished_by_the_same_command() {
    async fn small_site() -> World {
        let world = World::new().await;
        world.write("index.html", world::loads(ASSET));
        world.write(ASSET, "ours");
        for path in ["index.html", ASSET] {
            world.sandbox.put_foreign(BUCKET, &format!("live/{path}"), "theirs", "text/html");
        }
        world.sandbox.put_foreign(BUCKET, "live/about.html", "about them", "text/html");
        world
    }
    let world = small_site().await;
    world.sandbox.clear_requests();
    assert_eq!(adopt(&world).await.exit_code, 0);
    let requests = world.sandbox.requests();
    let requests = requests.iter().filter(|request| request.service != Service::Site).count();
    stream::iter((0..requests).flat_map(|stop| [(stop, true), (stop, false)]))
        .for_each_concurrent(4, |(stop, flagged)| async move {
            let world = small_site().await;
            let before = live(&world);
            world.stop_after(stop);
            let report = adopt(&world).await;
            assert_ne!(report.exit_code, 0, "{stop}");
            if report.exit_code != 5 && report.exit_code != 3 {
                let now = live(&world);
                assert!(before.iter().all(|(path, object)| now.get(path) == Some(object)), "{stop}");
            }
            world.sandbox.clear_faults();
            world.let_leases_end();
            let mut request = adopting(&world);
            request.adopt = flagged;
            let report = world::publish(request).await;
            if flagged || report.exit_code == 0 {
                assert_eq!(report.exit_code, 0, "{stop} {report:#?}");
                assert_comes_back(&world, &before).await;
            } else {
                assert_eq!(report.error.unwrap().code, "foreign_objects", "{stop}");
                assert_eq!(live(&world), before, "{stop}");
            }
        })
        .await;
}

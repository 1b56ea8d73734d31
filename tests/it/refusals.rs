//! What stops a publish before visitors see anything of it, and what is said then.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use publish::config::environment::Environment;
use publish::release::head::Hold;
use publish::release::layout::Layout;
use publish::release::manifest::{Publisher, ReleaseNumber};
use publish::report::error::Code;
use publish::report::{ErrorReport, Outcome, Report};
use publish::run::{PublishRequest, Reply};
use publish::sandbox::{Effect, Fault, Match, StoredObject};

use crate::world::{self, BUCKET, World};

const HEAD: &str = "_publish/live/head.json";

/// The report of a publish that must have written nothing, and its error.
async fn refused(world: &World, environment: Environment, exit_code: u8, code: Code) -> (Report, ErrorReport) {
    world.sandbox.clear_requests();
    let before = world.objects();
    let mut request = world.request();
    request.environment = environment;
    let report = world::publish(request).await;
    assert_eq!(world.objects(), before, "{report:#?}");
    assert_no_s3_write(world);
    assert_eq!(report.exit_code, exit_code, "{report:#?}");
    let error = report.error.clone().unwrap();
    assert_eq!(error.code, code.as_str(), "{error:#?}");
    assert!(!error.message.is_empty() && !error.message.ends_with('.'), "{error:#?}");
    assert!(error.visitors_see.ends_with('.'), "{error:#?}");
    assert!(!error.hint.is_empty(), "{error:#?}");
    let said = format!("{error:?}");
    assert!(!said.contains(&world.sandbox.keys().secret_access_key), "{said}");
    (report, error)
}

fn assert_no_s3_write(world: &World) {
    assert!(world.s3_writes().is_empty(), "{:#?}", world.s3_writes());
}

fn live_bytes(objects: &BTreeMap<String, StoredObject>) -> BTreeMap<&str, &[u8]> {
    objects
        .iter()
        .filter(|(key, _)| key.starts_with("live/"))
        .map(|(key, object)| (&key[..], &object.bytes[..]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_site_is_refused_where_there_is_one() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let layout = Layout::new("docs", BUCKET, "live", None, None);
    let second = Environment { layout, ..world.environment.clone() };
    let (_, error) = refused(&world, second, 2, Code::WrongSite).await;
    assert!(error.message.contains("\"shop\"") && error.message.contains("\"docs\""), "{error:#?}");
    assert_eq!(error.visitors_see, "Visitors see what they saw before.");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_does_not_mix_with_foreign_objects() {
    let world = World::with_fixture("v1").await;
    world.sandbox.put_foreign(BUCKET, "live/index.html", "theirs", "text/html");
    world.sandbox.put_foreign(BUCKET, "live/their/own.txt", "theirs", "text/plain");
    let (_, error) = refused(&world, world.environment.clone(), 2, Code::ForeignObjects).await;
    assert!(error.message.contains("2 objects"), "{error:#?}");
    assert!(error.hint.contains("--overwrite"), "{error:#?}");

    let mut request = world.request();
    request.overwrite = true;
    let report = world::publish(request).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    world.assert_settled();
    let objects = world.objects();
    assert_eq!(&objects["live/their/own.txt"].bytes[..], b"theirs");
    assert!(objects["live/their/own.txt"].metadata.is_empty());
    assert_ne!(&objects["live/index.html"].bytes[..], b"theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_the_prefix_is_nobodys_business() {
    let world = World::with_fixture("v1").await;
    world.sandbox.put_foreign(BUCKET, "other/index.html", "theirs", "text/html");
    world.sandbox.put_foreign(BUCKET, "live.html", "theirs", "text/html");
    world.published().await;
    world.assert_settled();
    assert_eq!(&world.objects()["other/index.html"].bytes[..], b"theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_object_at_a_key_that_is_added_later_stays() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.sandbox.put_foreign(BUCKET, "live/news/index.html", "theirs", "text/html");
    world.use_fixture("v2");
    let before = world.objects();
    world.sandbox.clear_requests();
    let report = world.publish().await;
    let error = report.error.unwrap();
    assert_eq!((report.exit_code, &error.code), (2, &Code::ForeignObjects.as_str()), "{error:#?}");
    assert!(error.message.contains("live/news/index.html"), "{error:#?}");
    // The key is looked at while the number is claimed: nothing else is written.
    let claim = world.environment.layout.claim(ReleaseNumber::new(2)).key;
    let written: Vec<_> = world.s3_writes().into_iter().map(|write| write.key).collect();
    assert_eq!(written, [&claim[..]]);
    let mut after = world.objects();
    assert!(after.remove(&claim).is_some());
    assert_eq!(after, before);
    assert_eq!(error.visitors_see, "Visitors see release 1, as before.");
    // However often it is tried again, no more numbers are used up.
    world.sandbox.clear_requests();
    assert_eq!(world.publish().await.error.unwrap().code, Code::ForeignObjects.as_str());
    assert_no_s3_write(&world);
    world.use_fixture("v1");
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_object_at_a_new_fingerprinted_name_stays_too() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let key = "live/assets/index-FDJGFNiQ.js";
    world.sandbox.put_foreign(BUCKET, key, "theirs", "text/javascript");
    let before = world.objects();
    world.use_fixture("v2");
    let report = world.publish().await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
    let error = report.error.unwrap();
    assert_eq!(error.code, "foreign_objects");
    assert!(error.message.contains(key), "{error:#?}");
    let after = world.objects();
    for (key, bytes) in live_bytes(&before) {
        assert_eq!(&after[key].bytes[..], bytes, "{key}");
    }
    assert_eq!(after[HEAD], before[HEAD]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_may_not_be_read_is_never_taken_for_none() {
    let world = World::with_fixture("v1").await;
    for again in [false, true] {
        if again {
            world.sandbox.clear_faults();
            world.published().await;
        }
        world.refuse("GetObject", "head.json", 403, "AccessDenied");
        let (report, error) = refused(&world, world.environment.clone(), 1, Code::AccessDenied).await;
        assert_eq!(report.outcome, Outcome::Failed);
        assert!(error.message.contains("s3://sandbox/_publish/live/head.json"), "{error:#?}");
        assert!(error.hint.contains("s3:GetObject") && error.hint.contains("s3:ListBucket"), "{error:#?}");
    }
}

/// All permissions are named at once, so that they can be granted before the next run fails.
#[tokio::test(flavor = "multi_thread")]
async fn whichever_right_is_missing_all_of_them_are_named_with_the_policy() {
    let world = World::with_fixture("v1").await;
    for (operation, key, exit_code) in
        [("GetObject", "head.json", 1), ("PutObject", "live/", 1), ("CreateInvalidation", "", 3)]
    {
        world.refuse(operation, key, 403, "AccessDenied");
        let report = world.publish().await;
        world.sandbox.clear_faults();
        world.write("robots.txt", operation);
        let error = report.error.unwrap();
        assert_eq!((report.exit_code, error.code.as_str()), (exit_code, "access_denied"), "{error:#?}");
        for part in [
            "s3:GetObject, s3:PutObject, s3:AbortMultipartUpload on arn:aws:s3:::sandbox/live/*",
            "on arn:aws:s3:::sandbox/_publish/live/*",
            "s3:ListBucket on arn:aws:s3:::sandbox (prefix live/*)",
            "cloudfront:CreateInvalidation, cloudfront:GetInvalidation, cloudfront:GetDistribution, \
             cloudfront:GetDistributionConfig",
            "config/iam/publisher.json",
        ] {
            assert!(error.hint.contains(part), "{part}: {error:#?}");
        }
    }
    // What tells of the same policy before anything is written.
    world.refuse("GetDistributionConfig", "", 403, "AccessDenied");
    let report = world.published().await;
    assert!(report.warnings.iter().any(|said| said.contains("cloudfront:CreateInvalidation")), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_cannot_be_understood_is_left_alone() {
    let world = World::with_fixture("v1").await;
    world.published_and_completed().await;
    let head = String::from_utf8(world.objects()[HEAD].bytes.to_vec()).unwrap();
    let newer = head.replacen("\"format\": 1", "\"format\": 3", 1);
    let unknown = head.replacen("\"format\": 1,", "\"format\": 1, \"more\": 1,", 1);
    assert!(newer != head && unknown != head);
    for damaged in ["", "{}", "{\"format\": 1}", &head[..head.len() / 2], &unknown] {
        world.sandbox.put_foreign(BUCKET, HEAD, damaged.to_owned(), "application/json");
        refused(&world, world.environment.clone(), 1, Code::BadState).await;
    }
    world.sandbox.put_foreign(BUCKET, HEAD, newer, "application/json");
    let (_, error) = refused(&world, world.environment.clone(), 1, Code::BadState).await;
    assert!(error.hint.contains("newer version"), "{error:#?}");
    assert!(error.causes.iter().any(|cause| cause.contains("format 3")), "{error:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_site_is_not_published() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let mut head = world.head();
    let publisher = Publisher { who: Some("tester".to_owned()), ..Publisher::default() };
    let since = head.active.as_ref().unwrap().since;
    head.hold = Some(Hold::new(publisher, since, Some("the shop is closed".to_owned())));
    world.sandbox.put_foreign(BUCKET, HEAD, head.encode().unwrap(), "application/json");
    world.use_fixture("v2");
    let (report, error) = refused(&world, world.environment.clone(), 4, Code::Held).await;
    assert_eq!(report.outcome, Outcome::Held);
    assert!(error.message.contains("tester") && error.message.contains("the shop is closed"), "{error:#?}");
    assert!(error.hint.contains("publish resume"), "{error:#?}");
    assert_eq!(world.status().await.hold.unwrap().reason.as_deref(), Some("the shop is closed"));
}

/// A site of ten pages of which six leave: more than half.
async fn shrunk() -> World {
    let world = World::new().await;
    for number in 0..10 {
        world.write(&format!("{number}.html"), format!("page {number}"));
    }
    world.published().await;
    for number in 0..6 {
        world.remove(&format!("{number}.html"));
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_much_of_the_site_needs_a_yes() {
    let world = shrunk().await;
    let (_, error) = refused(&world, world.environment.clone(), 2, Code::TooManyRemovals).await;
    assert!(error.message.contains("6 of 10"), "{error:#?}");
    assert!(error.hint.contains("--yes") && error.hint.contains("max_removed_percent"), "{error:#?}");

    world.sandbox.clear_requests();
    let report = world::publish_answering(world.request(), Reply::No).await;
    assert_eq!(report.exit_code, 130, "{report:#?}");
    assert_eq!(report.error.unwrap().visitors_see, "Visitors see release 1, as before.");
    assert_no_s3_write(&world);

    let report = world::publish_answering(world.request(), Reply::Yes).await;
    assert_eq!((report.exit_code, report.deleted), (0, 6), "{report:#?}");
    assert_eq!(world.live().len(), 4);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_yes_may_be_given_beforehand_or_once_and_for_all() {
    let world = shrunk().await;
    let mut request = world.request();
    request.caller.yes = true;
    assert_eq!(world::publish(request).await.deleted, 6);

    let mut world = shrunk().await;
    world.environment.publish.max_removed_percent = 60;
    assert_eq!(world.published().await.deleted, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_another_account_is_refused() {
    let world = World::with_fixture("v1").await;
    let mut environment = world.environment.clone();
    environment.access.expected_bucket_owner = Some("111111111111".to_owned());
    refused(&world, environment.clone(), 1, Code::AccessDenied).await;
    environment.access.expected_bucket_owner = Some("000000000000".to_owned());
    let mut request = world.request();
    request.environment = environment;
    assert_eq!(world::publish(request).await.exit_code, 0);
    for request in world.s3_writes() {
        assert_eq!(request.headers.get("x-amz-expected-bucket-owner").map(String::as_str), Some("000000000000"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_place_is_named() {
    let world = World::with_fixture("v1").await;
    let layout = Layout::new("shop", "no-such-bucket", "live", None, None);
    let nowhere = Environment { layout, ..world.environment.clone() };
    let (_, error) = refused(&world, nowhere, 1, Code::NoSuchBucket).await;
    assert!(error.message.contains("no-such-bucket"), "{error:#?}");

    let mut elsewhere = world.environment.clone();
    elsewhere.access.region = Some("eu-west-1".to_owned());
    let (_, error) = refused(&world, elsewhere, 1, Code::WrongRegion).await;
    assert!(error.message.contains("eu-west-1") && error.hint.contains("us-east-1"), "{error:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_not_good_are_named() {
    let world = World::with_fixture("v1").await;
    let mut stranger = world.environment.clone();
    stranger.access.static_keys = Some(("STRANGER".to_owned(), "no secret".to_owned()));
    let (_, error) = refused(&world, stranger, 1, Code::AccessDenied).await;
    assert!(error.hint.contains("does not recognise these keys"), "{error:#?}");

    world.refuse("GetObject", "head.json", 400, "ExpiredToken");
    refused(&world, world.environment.clone(), 1, Code::ExpiredCredentials).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_does_not_answer_is_given_up_quickly() {
    let world = World::with_fixture("v1").await;
    let mut environment = world.environment.clone();
    // Port 9 of the loopback interface: nobody listens there, and no unprivileged process can.
    environment.access.s3_endpoint = Some("http://127.0.0.1:9".to_owned());
    let began = Instant::now();
    let (_, error) = refused(&world, environment, 1, Code::Unreachable).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(error.message.contains("127.0.0.1:9"), "{error:#?}");
    assert_eq!(error.visitors_see, "Visitors see what they saw before.");
}

/// What is refused for good, and its exit code before the switch.
const FOR_GOOD: [(u16, &str, Code, u8); 8] = [
    (403, "AccessDenied", Code::AccessDenied, 1),
    (403, "AccountProblem", Code::Refused, 1),
    (400, "KMS.DisabledException", Code::Refused, 1),
    (400, "InvalidRequest", Code::Refused, 1),
    (400, "XAmzContentSHA256Mismatch", Code::Refused, 1),
    (409, "InvalidBucketState", Code::Refused, 1),
    (405, "MethodNotAllowed", Code::Refused, 1),
    (501, "NotImplemented", Code::UnfitStore, 2),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_says_so_before_the_switch() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    for (status, refusal, code, exit_code) in FOR_GOOD {
        world.refuse("PutObject", "blobs/", status, refusal);
        let report = world.publish().await;
        world.sandbox.clear_faults();
        let error = report.error.unwrap();
        assert_eq!((report.exit_code, &error.code), (exit_code, &code.as_str()), "{refusal}: {error:#?}");
        assert!(!error.hint.is_empty() && !error.hint.contains("Run the same command"), "{refusal}: {error:#?}");
        assert!(error.causes.iter().any(|cause| cause.contains(refusal)), "{refusal}: {error:#?}");
    }
}

/// Visitors see a mixture, and only a change ends that: the same command alone does not.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_within_the_switch_says_what_to_change_first() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    for (status, refusal, code, _) in FOR_GOOD {
        world.refuse("CopyObject", "about/index.html", status, refusal);
        let report = world.publish().await;
        world.sandbox.clear_faults();
        let error = report.error.unwrap();
        assert_eq!((report.exit_code, &error.code), (5, &code.as_str()), "{refusal}: {error:#?}");
        assert!(!error.hint.starts_with("Run the same command"), "{refusal}: {error:#?}");
        assert!(error.hint.contains("before that; then run the same command again."), "{refusal}: {error:#?}");
        assert!(error.causes.iter().any(|cause| cause.contains(refusal)), "{refusal}: {error:#?}");
    }
    world.published().await;
    world.assert_settled();
}

/// Where every write of a switch is refused, nothing has changed: visitors see what they saw, the head says so, and nothing is
/// owed to the CDN.
#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_writes_nothing_leaves_everything_as_it_was() {
    let world = World::new().await;
    world.write("index.html", "<p>one");
    world.published_and_completed().await;
    let before = world.head();
    world.write("index.html", "<p>two");
    for (status, refusal, code, exit_code) in FOR_GOOD {
        world.refuse("CopyObject", "live/index.html", status, refusal);
        let report = world.publish().await;
        world.sandbox.clear_faults();
        let error = report.error.unwrap();
        assert_eq!((report.exit_code, &error.code), (exit_code, &code.as_str()), "{refusal}: {error:#?}");
        assert_eq!(error.visitors_see, "Visitors see release 1, as before.", "{refusal}: {error:#?}");
        assert!(!error.hint.contains("un the same command again"), "{refusal}: {error:#?}");
        let head = world.head();
        assert_eq!((&head.active, &head.activation), (&before.active, &None), "{refusal}");
        assert_eq!(head.pending_refreshes, before.pending_refreshes, "{refusal}");
    }
    world.published().await;
    world.assert_settled();
}

/// A rollback closes the numbers that were claimed by then, unless it changes nothing: whoever has one of them may go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_writes_nothing_closes_no_numbers() {
    let world = World::new().await;
    for text in ["<p>one", "<p>two"] {
        world.write("index.html", text);
        world.published().await;
    }
    world.write("index.html", "<p>three");
    let staged = world::publish(PublishRequest { stage_only: true, ..world.request() }).await;
    assert_eq!(staged.exit_code, 0, "{staged:#?}");
    world.refuse("CopyObject", "live/index.html", 403, "AccessDenied");
    let report = world.rollback(Some(1)).await;
    world.sandbox.clear_faults();
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (1, "access_denied"));
    assert_eq!((world.head().floor, world.head().activation), (ReleaseNumber::new(0), None));
    assert_eq!(world.activate(3).await.exit_code, 0);
    world.assert_settled();
}

/// What is refused when it is asked for once more may have been done at first: that is no proof that nothing has changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_first_answer_was_lost_may_have_changed_something() {
    let world = World::new().await;
    world.write("index.html", "<p>one");
    world.published().await;
    world.write("index.html", "<p>two");
    let matches = Match {
        operation: Some("CopyObject".to_owned()),
        key_contains: Some("live/index.html".to_owned()),
        service: None,
    };
    world.sandbox.inject(Fault { matches, skip: 0, times: 1, effect: Effect::DropAnswer });
    world.refuse("CopyObject", "live/index.html", 403, "AccessDenied");
    let report = world.publish().await;
    world.sandbox.clear_faults();
    assert_eq!(world.objects()["live/index.html"].bytes, "<p>two");
    assert_eq!(report.exit_code, 5, "{report:#?}");
    assert!(world.head().activation.is_some());
    world.published().await;
    world.assert_settled();
}

/// An error of S3's own says nothing of what was done, also where it comes in an answer that begins as a good one.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_s3_failed_at_first_may_have_changed_something() {
    for (status, code) in [(500, "InternalError"), (200, "InternalError"), (400, "RequestTimeout")] {
        let world = World::new().await;
        world.write("index.html", "<p>one");
        world.published().await;
        world.write("index.html", "<p>two");
        let effect = Effect::Refuse { status, code: code.to_owned(), message: "failed by the test".to_owned() };
        let matches = Match {
            operation: Some("CopyObject".to_owned()),
            key_contains: Some("live/index.html".to_owned()),
            service: None,
        };
        world.sandbox.inject(Fault { matches, skip: 0, times: 1, effect });
        world.refuse("CopyObject", "live/index.html", 403, "AccessDenied");
        let report = world.publish().await;
        assert_eq!(report.exit_code, 5, "{status} {code}: {report:#?}");
        assert!(world.head().activation.is_some(), "{status} {code}");
    }
}

/// The same where nothing is live yet, and the files are sent to where visitors look for them: once one of them is there, they
/// may see some of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_switch_that_writes_nothing_leaves_nothing() {
    let world = World::new().await;
    world.write("index.html", "<p>one");
    world.write("about/index.html", "<p>one");
    let both = &["live/index.html", "live/about/index.html"][..];
    for (refused, exit_code) in [(both, 1), (&both[..1], 5), (both, 1)] {
        refused.iter().for_each(|key| world.refuse("PutObject", key, 403, "AccessDenied"));
        let report = world.publish().await;
        world.sandbox.clear_faults();
        assert_eq!(report.exit_code, exit_code, "{report:#?}");
        let is_cut_short = world.objects().contains_key("live/about/index.html");
        let head = world.head();
        assert_eq!(head.activation.is_some(), is_cut_short, "what was cut short before still is");
        assert_eq!(head.active, None);
    }
    world.published().await;
    world.assert_settled();
}

/// Without a first answer nothing is claimed: what the first request tells is told before anything is written.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_answer_tells_costs_no_number() {
    let world = World::with_fixture("v1").await;
    for (status, refusal, code, exit_code) in FOR_GOOD {
        world.refuse("GetObject", "head.json", status, refusal);
        refused(&world, world.environment.clone(), exit_code, code).await;
        world.sandbox.clear_faults();
    }
    assert_eq!(world.claims().len(), 0);
}

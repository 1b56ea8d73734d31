//! The CDN forgets what changed: at once, or with the next run, and never twice for nothing.

use publish::config::environment::{UrlStyle, Wait};
use publish::release::head::Head;
use publish::report::{InvalidationStatus, Outcome};
use publish::sandbox::{Effect, Fault, Match};
use serde_json::{Value, json};

use crate::world::{BUCKET, DISTRIBUTION, World};

const V2_PATHS: [&str; 8] =
    ["/", "/about/", "/about/index.html", "/config.json", "/contact.html", "/index.html", "/news/", "/news/index.html"];

async fn live_v1() -> World {
    let world = World::with_fixture("v1").await;
    world.published_and_completed().await;
    world.sandbox.clear_requests();
    world
}

async fn a_lost_refresh_is_done_by_the_next_run(status: u16, code: &str) {
    let world = live_v1().await;
    let before = world.invalidations().len();
    world.use_fixture("v2");
    world.refuse("CreateInvalidation", "", status, code);
    let report = world.publish().await;
    assert_eq!((report.exit_code, report.outcome), (3, Outcome::Failed), "{report:#?}");
    let invalidation = report.invalidation.unwrap();
    assert_eq!(invalidation.status, InvalidationStatus::Owed);
    assert_eq!(invalidation.paths, V2_PATHS);
    let error = report.error.unwrap();
    assert_eq!(error.visitors_see, "Release 2 is live; the CDN may still serve older pages for a while.");
    assert!(!error.hint.is_empty());
    assert_eq!(world.invalidations().len(), before);

    let head = world.head();
    assert_eq!(head.active.unwrap().release.to_string(), "2");
    assert!(head.activation.is_none());
    let [owed] = &head.pending_refreshes[..] else { panic!("{:#?}", head.pending_refreshes) };
    assert_eq!(owed.paths.iter().map(ToString::to_string).collect::<Vec<_>>(), V2_PATHS);
    let status = world.status().await;
    assert_eq!(status.pending_refreshes.len(), 1);
    assert_eq!(status.pending_refreshes[0].paths, V2_PATHS);

    world.sandbox.clear_faults();
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Repaired);
    assert_eq!(report.invalidation.unwrap().status, InvalidationStatus::Effective);
    let made = world.invalidations();
    assert_eq!(made.len(), before + 1);
    let last = made.last().unwrap();
    assert_eq!(last.paths, V2_PATHS);
    assert!(last.caller_reference.starts_with(&format!("publish-{}-", owed.id)), "{}", last.caller_reference);
    let written: Vec<String> = world.s3_writes().into_iter().map(|request| request.key).collect();
    assert_eq!(written, ["_publish/live/head.json"], "only what is owed is done");
    world.assert_settled();

    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1);
    assert_eq!(world.status().await.pending_refreshes, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_may_not_be_asked_for_is_done_by_the_next_run() {
    a_lost_refresh_is_done_by_the_next_run(403, "AccessDenied").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_cloudfront_could_not_take_is_done_by_the_next_run() {
    a_lost_refresh_is_done_by_the_next_run(503, "ServiceUnavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_was_taken_and_never_noted_is_not_made_twice() {
    let world = live_v1().await;
    let before = world.invalidations().len();
    world.use_fixture("v2");
    world.refuse("GetInvalidation", "", 403, "AccessDenied");
    // Waiting for CloudFront is what fails: the refresh itself was made.
    let mut request = world.request();
    request.environment.invalidation.wait = Wait::Completed;
    let report = crate::world::publish(request).await;
    assert_eq!(report.exit_code, 3, "{report:#?}");
    assert_eq!(world.invalidations().len(), before + 1);
    world.sandbox.clear_faults();
    assert_eq!(world.published().await.outcome, Outcome::Repaired);
    assert_eq!(world.invalidations().len(), before + 1);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_invalidations_in_progress_are_waited_for() {
    let world = live_v1().await;
    world.use_fixture("v2");
    let effect = Effect::Refuse {
        status: 400,
        code: "TooManyInvalidationsInProgress".to_owned(),
        message: "too many".to_owned(),
    };
    let matches = Match { operation: Some("CreateInvalidation".to_owned()), ..Match::default() };
    world.sandbox.inject(Fault { matches, skip: 0, times: 1, effect });
    world.published().await;
    assert_eq!(world.last_invalidated(), V2_PATHS);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_that_is_not_there_stops_the_run_before_anything_is_written() {
    let mut world = live_v1().await;
    let before = world.objects();
    world.use_fixture("v2");
    world.environment.distribution = Some("ENOTHERE".to_owned());
    let report = world.publish().await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    let error = report.error.unwrap();
    assert_eq!(error.code, "no_such_distribution");
    assert!(error.message.contains("ENOTHERE") && !error.hint.is_empty(), "{error:#?}");
    assert_eq!(error.visitors_see, "Visitors see release 1, as before.");
    assert_eq!(world.objects(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_waited_for_is_configured() {
    for (wait, status) in
        [(Wait::Completed, InvalidationStatus::Completed), (Wait::None, InvalidationStatus::Requested)]
    {
        let mut world = live_v1().await;
        world.use_fixture("v2");
        world.environment.invalidation.wait = wait;
        let report = world.published().await;
        assert_eq!(report.invalidation.unwrap().status, status);
        let polls = world.sandbox.requests().iter().filter(|request| request.operation == "GetInvalidation").count();
        assert_eq!(polls > 0, wait == Wait::Completed, "{polls}");
        assert_eq!(world.invalidations().last().unwrap().status == "Completed", wait == Wait::Completed);
        assert_eq!(world.last_invalidated(), V2_PATHS);
        world.assert_settled();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_limit_folders_become_wildcards() {
    let mut world = World::new().await;
    let write = |world: &World, text: &str| {
        for number in 0..8 {
            world.write(&format!("blog/{number}.html"), format!("{text} {number}"));
        }
        world.write("robots.txt", text);
    };
    write(&world, "one");
    world.write("blog/same.html", "same");
    world.write("docs/same.html", "same");
    world.published().await;
    write(&world, "two");
    world.environment.invalidation.max_paths = 5;
    let report = world.published().await;
    let [.., exact, wide] = &world.invalidations()[..] else { panic!() };
    assert_eq!((exact.paths.concat(), wide.paths.concat()), ("/robots.txt".to_owned(), "/blog/*".to_owned()));
    let invalidation = report.invalidation.unwrap();
    let evicted = (invalidation.evicted_unchanged, invalidation.evicted_bytes);
    assert_eq!(evicted, (1, 4), "blog/same.html goes with the wildcard");
    assert_eq!((invalidation.paths_paid, invalidation.price_usd.as_str()), (2, "0.010"));
    world.assert_settled();
}

/// Pages whose addresses browsers leave as they are written: CloudFront may refuse those spellings, and with them whatever is
/// in the same invalidation.
#[tokio::test(flavor = "multi_thread")]
async fn spellings_that_cloudfront_refuses_stop_no_refresh() {
    let world = World::new().await;
    world.write("[slug]/index.html", "old");
    world.write("robots.txt", "one");
    world.published().await;
    world.write("[slug]/index.html", "new");
    let report = world.published().await;
    let encoded = ["/%5Bslug%5D/", "/%5Bslug%5D/index.html"];
    assert_eq!(world.last_invalidated(), encoded);
    let told: Vec<_> = report.warnings.iter().filter(|warning| warning.contains("/[slug]/")).collect();
    assert_eq!(told.len(), 1, "{:#?}", report.warnings);
    let invalidation = report.invalidation.unwrap();
    let raw = ["/[slug]/", "/[slug]/index.html"];
    assert_eq!(invalidation.paths, [encoded, raw].concat());
    assert_eq!((invalidation.paths_paid, invalidation.status), (2, InvalidationStatus::Effective));
    world.assert_settled();
    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn which_aliases_are_refreshed_is_configured() {
    let every = ["/about", "/about/", "/about/index.html"];
    for (urls, expected) in [(UrlStyle::Plain, &every[2..]), (UrlStyle::Index, &every[1..]), (UrlStyle::Clean, &every)]
    {
        let mut world = live_v1().await;
        world.environment.invalidation.urls = Some(urls);
        world.write("about/index.html", "new");
        world.published().await;
        assert_eq!(world.last_invalidated(), expected, "{urls:?}");
        world.assert_settled();
    }
}

/// Refuses the next invalidation that is asked for.
fn refuse_once(world: &World, status: u16, code: &str) {
    let effect = Effect::Refuse { status, code: code.to_owned(), message: "refused by the test".to_owned() };
    let matches = Match { operation: Some("CreateInvalidation".to_owned()), ..Match::default() };
    world.sandbox.inject(Fault { matches, skip: 0, times: 1, effect });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cloudfront_never_takes_ends_in_everything_and_is_not_owed_for_ever() {
    for (status, code) in [(400, "InvalidArgument"), (413, "BatchTooLarge")] {
        let world = live_v1().await;
        let before = world.invalidations().len();
        world.use_fixture("v2");
        refuse_once(&world, status, code);
        let report = world.published().await;
        assert_eq!(world.invalidations().len(), before + 1, "{code}");
        assert_eq!(world.last_invalidated(), ["/*"], "{code}");
        assert!(report.warnings.iter().any(|warning| warning.contains("`/*`") && warning.contains(DISTRIBUTION)));
        let invalidation = report.invalidation.unwrap();
        assert_eq!((invalidation.status, invalidation.paths_paid), (InvalidationStatus::Effective, 1), "{code}");
        world.assert_settled();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_was_used_for_other_paths_is_not_used_again() {
    let world = live_v1().await;
    world.use_fixture("v2");
    refuse_once(&world, 400, "InvalidationBatchAlreadyExists");
    world.published().await;
    assert_eq!(world.last_invalidated(), V2_PATHS);
    assert!(world.invalidations().last().unwrap().caller_reference.ends_with("-2"));
    world.assert_settled();
}

/// However many of its references are used; there is an end to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_reference_that_was_used_as_well_is_not_used_again_either() {
    for (used, expected) in [(3, Some("-4")), (9, None)] {
        let world = live_v1().await;
        world.use_fixture("v2");
        for _ in 0..used {
            refuse_once(&world, 400, "InvalidationBatchAlreadyExists");
        }
        let report = world.publish().await;
        let last = world.invalidations().pop().unwrap().caller_reference;
        match expected {
            Some(end) => assert!(report.exit_code == 0 && last.ends_with(end), "{last}: {report:#?}"),
            None => {
                assert_eq!(report.exit_code, 3, "{report:#?}");
                assert_eq!(world.publish().await.exit_code, 0, "it stays recorded, and is sent by the next run");
            }
        }
        world.assert_settled();
    }
}

/// The head as if other runs owed these refreshes of the distribution.
fn owe(world: &World, refreshes: &[Vec<String>]) {
    let key = world.environment.layout.head().key;
    let mut head: Value = serde_json::from_slice(&world.objects()[&key].bytes).unwrap();
    let owed = refreshes.iter().enumerate().map(|(number, paths)| {
        let id = format!("of-another-run-{number}");
        json!({
            "id": id, "distribution": DISTRIBUTION, "release": 1, "since": "2026-11-21T09:30:00Z", "paths": paths,
        })
    });
    head["pending_refreshes"] = owed.collect();
    let bytes = serde_json::to_vec(&head).unwrap();
    assert_eq!(Head::decode(&bytes).unwrap().pending_refreshes.len(), refreshes.len());
    world.sandbox.put_foreign(BUCKET, &key, bytes, "application/json");
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("/{number}")).collect()
}

/// What was taken before a crash is found again, however often that happens.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_in_several_batches_is_paid_once_wherever_it_is_cut_short() {
    let mut world = live_v1().await;
    world.environment.invalidation.wait = Wait::None;
    owe(&world, &[[numbered(120), vec!["/news/*".to_owned()]].concat()]);
    let before = world.invalidations().len();
    for taken in [1, 2] {
        world.refuse_after(taken, "CreateInvalidation", "", 403, "AccessDenied");
        let report = world.publish().await;
        assert_eq!(report.exit_code, 3, "{report:#?}");
        assert_eq!(report.invalidation.unwrap().ids.len(), taken);
        assert_eq!(world.invalidations().len(), before + taken);
        assert_eq!(world.head().pending_refreshes.len(), 1);
        world.sandbox.clear_faults();
    }
    assert_eq!(world.published().await.outcome, Outcome::Repaired);
    let made = world.invalidations().split_off(before);
    let sizes: Vec<usize> = made.iter().map(|one| one.paths.len()).collect();
    assert_eq!(sizes, [100, 20, 1]);
    assert_eq!(made[2].paths, ["/news/*"]);
    let mut asked: Vec<String> = made.into_iter().flat_map(|one| one.paths).collect();
    let mut owed = [numbered(120), vec!["/news/*".to_owned()]].concat();
    asked.sort();
    owed.sort();
    assert_eq!(asked, owed);
    world.assert_settled();
}

/// Neither becomes a refresh of everything: what is not allowed, or not there, does not become so by asking for more.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_asked_for_stays_owed_and_is_told_once() {
    for (status, code) in [(403, "AccessDenied"), (404, "NoSuchDistribution")] {
        let world = live_v1().await;
        let before = world.invalidations().len();
        let owed = [numbered(2), vec!["/news/*".to_owned()]];
        owe(&world, &owed);
        world.refuse("CreateInvalidation", "", status, code);
        world.sandbox.clear_requests();
        let report = world.publish().await;
        assert_eq!((report.exit_code, report.requests["CreateInvalidation"]), (3, 1), "{code} {report:#?}");
        assert_eq!(world.invalidations().len(), before, "{code}");
        let paths = world.head().pending_refreshes.into_iter().flat_map(|refresh| refresh.paths);
        assert_eq!(paths.map(|path| path.to_string()).collect::<Vec<_>>(), owed.concat(), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_too_much_is_owed_already_all_is_refreshed() {
    for command in ["publish", "prune"] {
        let mut world = live_v1().await;
        world.environment.invalidation.wait = Wait::Completed;
        // As after thousands of refreshes that CloudFront did not take.
        owe(&world, &[numbered(100_000)]);
        let before = world.invalidations().len();
        let report = if command == "publish" {
            world.use_fixture("v2");
            world.publish().await
        } else {
            world.prune(&["robots.txt"]).await
        };
        assert_eq!(report.exit_code, 0, "{command} {report:#?}");
        let made = world.invalidations().split_off(before);
        let paths: Vec<&str> = made.iter().flat_map(|one| &one.paths).map(String::as_str).collect();
        assert_eq!(paths, ["/*"], "{command}");
        world.assert_settled();
    }
}

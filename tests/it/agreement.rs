//! What a plan says and what a publish then does are the same.

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::plan::Plan;
use publish::report::Report;

use crate::world::World;

/// Plans, which must write nothing, publishes, and compares the two.
async fn plan_and_publish(world: &World) -> (Report, Plan, Report) {
    world.sandbox.clear_requests();
    let before = world.objects();
    let (planned, plan) = world.plan().await;
    assert!(planned.error.is_none(), "{planned:#?}");
    assert_eq!(world.objects(), before);
    assert!(world.s3_writes().is_empty(), "{:#?}", world.s3_writes());
    assert_eq!(planned.exit_code, 10);
    let plan = plan.unwrap();

    world.sandbox.clear_requests();
    let invalidations = world.invalidations().len();
    let done = world.published().await;
    assert_eq!(planned.files, done.files);
    assert_eq!(planned.copied, done.copied);
    assert_eq!(planned.deleted, done.deleted);
    assert_eq!(planned.warnings, done.warnings);
    let paths = |report: &Report| report.invalidation.as_ref().map(|invalidation| invalidation.paths.clone());
    assert_eq!(paths(&planned), paths(&done));
    let costs = |report: &Report| {
        let invalidation = report.invalidation.as_ref()?;
        let evicted = (invalidation.evicted_unchanged, invalidation.evicted_bytes);
        Some((evicted, invalidation.paths_paid, invalidation.price_usd.clone()))
    };
    assert_eq!(costs(&planned), costs(&done));
    assert!(done.uploaded.bytes <= planned.uploaded.bytes, "{done:#?}");
    assert!(done.uploaded.objects <= planned.uploaded.objects, "{done:#?}");

    // And neither is only words.
    let operations = world.s3_operations();
    assert_eq!(operations.get("CopyObject").copied().unwrap_or(0), done.copied);
    assert_eq!(operations.get("DeleteObjects").copied().unwrap_or(0), usize::from(done.deleted > 0));
    let sent = world.invalidations().split_off(invalidations).into_iter().flat_map(|one| one.paths);
    assert_eq!(sent.collect::<Vec<_>>(), paths(&done).unwrap_or_default());
    let gone = before.keys().filter(|key| !world.objects().contains_key(*key)).count();
    assert_eq!(gone, done.deleted);
    assert_eq!(plan.content, world.head().active.unwrap().content);
    let (after, nothing) = world.plan().await;
    assert_eq!((after.exit_code, nothing), (0, None));
    assert_eq!(after.files.unchanged, after.files.total);
    (planned, plan, done)
}

#[tokio::test(flavor = "multi_thread")]
async fn from_nothing_to_v1_to_v2_and_back() {
    let mut world = World::with_fixture("v1").await;
    let (planned, _, done) = plan_and_publish(&world).await;
    assert_eq!(planned.uploaded, done.uploaded, "nothing is stored yet");

    world.use_fixture("v2");
    let (planned, _, done) = plan_and_publish(&world).await;
    assert_eq!(planned.uploaded, done.uploaded);
    assert_eq!(done.deleted, 1);

    world.use_fixture("v1");
    let (planned, _, done) = plan_and_publish(&world).await;
    assert_eq!(done.uploaded.bytes, 0, "all of it is stored: {planned:#?}");
    assert!(planned.uploaded.bytes > 0);

    let globs = OneOrMany(vec!["**/*.txt".to_owned()]);
    let cache_control = Some("public, max-age=60".to_owned());
    world.environment.headers.push(HeaderRule { globs, cache_control, ..HeaderRule::default() });
    let (planned, plan, _) = plan_and_publish(&world).await;
    assert_eq!(planned.uploaded.bytes, 0);
    assert_eq!(plan.counts.reheadered, planned.copied);
    assert!(planned.copied >= 3);

    world.use_fixture("v2");
    plan_and_publish(&world).await;
    world.use_fixture("v1");
    plan_and_publish(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_wildcard() {
    let mut world = World::with_fixture("v1").await;
    plan_and_publish(&world).await;
    world.use_fixture("v2");
    world.environment.invalidation.max_paths = 2;
    plan_and_publish(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_what_is_refused_is_refused() {
    let world = World::with_fixture("v1").await;
    world.sandbox.put_foreign(crate::world::BUCKET, "live/index.html", "theirs", "text/html");
    let (report, plan) = world.plan().await;
    assert_eq!((report.exit_code, plan), (2, None));
    assert_eq!(report.error.unwrap().code, "foreign_objects");
}

/// A file that is no page stays at its live key when it leaves the site. A publish that brings it back sees that only while it
/// claims its number, and then does what `publish plan` says.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_file_that_left_and_comes_back() {
    let world = World::new().await;
    world.write("index.html", "one");
    world.write("data.json", "{}");
    plan_and_publish(&world).await;
    world.write("index.html", "two");
    world.remove("data.json");
    plan_and_publish(&world).await;
    assert!(world.live().contains_key("data.json"));
    world.write("index.html", "three");
    world.write("data.json", "{}");
    let (planned, _, done) = plan_and_publish(&world).await;
    assert_eq!((done.files.added, done.files.replaced), (0, 1), "{done:#?}");
    assert_eq!((planned.uploaded.objects, done.uploaded.objects), (1, 1), "{done:#?}");
}

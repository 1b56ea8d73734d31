//! What a person asks the CDN to forget: recorded like any other refresh, and asked of every distribution.

use publish::config::environment::Wait;
use publish::content::path::AskedPath;
use publish::report::event::{Event, Events};
use publish::report::{InvalidationStatus, Outcome, Report};
use publish::run::{self, InvalidateRequest};
use publish::sandbox::Distribution;

use crate::world::{BUCKET, DISTRIBUTION, World, caller, distribution, key_variables};

async fn invalidate_heard(world: &World, paths: &[&str], listener: impl Fn(Event) + Sync) -> Report {
    let paths: Vec<AskedPath> = paths.iter().map(|path| path.parse().unwrap()).collect();
    let request = InvalidateRequest { environment: world.environment.clone(), caller: caller(), paths };
    run::invalidate(request, Events::new(&listener)).await
}

pub(crate) async fn invalidate(world: &World, paths: &[&str]) -> Report {
    invalidate_heard(world, paths, |_| {}).await
}

async fn live_v1() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.sandbox.clear_requests();
    world
}

fn asked_of(world: &World, distribution: &str) -> Vec<Vec<String>> {
    world.sandbox.invalidations(distribution).into_iter().map(|invalidation| invalidation.paths).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_distribution_forgets_what_is_asked_under_its_own_names() {
    let mut world = live_v1().await;
    let www = Distribution { id: "EWWW".to_owned(), origin_path: String::new(), ..distribution() };
    world.sandbox.set_distribution(www);
    world.environment.distribution = Some("EWWW".to_owned());
    world.published().await;
    world.environment.distribution = Some(DISTRIBUTION.to_owned());
    let before = [DISTRIBUTION, "EWWW"].map(|id| asked_of(&world, id).len());
    let (objects, planned) = (world.objects().len(), std::sync::Mutex::new(Vec::new()));
    let report = invalidate_heard(&world, &["/news/*", "/über uns", "/news/index.html"], |event| {
        if let Event::RefreshPlanned { paths, price_usd } = event {
            planned.lock().unwrap().push((paths, price_usd));
        }
    })
    .await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Invalidated), "{report:#?}");
    // A space has two spellings (docs/decisions/0020).
    let asked = |id, before: usize| asked_of(&world, id)[before..].concat();
    assert_eq!(asked(DISTRIBUTION, before[0]), ["/%C3%BCber%20uns", "/%C3%BCber+uns", "/news/*"]);
    assert_eq!(asked("EWWW", before[1]), ["/live/%C3%BCber%20uns", "/live/%C3%BCber+uns", "/live/news/*"]);
    assert_eq!(planned.into_inner().unwrap(), [(6, "0.030".to_owned())]);
    let invalidation = report.invalidation.unwrap();
    assert_eq!((invalidation.status, invalidation.paths_paid), (InvalidationStatus::Completed, 3));
    assert_eq!(report.other_distributions[0].status, InvalidationStatus::Requested);
    assert_eq!(world.objects().len(), objects);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_recorded_before_and_done_by_the_next_publish() {
    let world = World::with_fixture("v1").await;
    world.published_and_completed().await;
    let before = world.invalidations().len();
    world.refuse("CreateInvalidation", "", 403, "AccessDenied");
    let report = invalidate(&world, &["/contact.html"]).await;
    assert_eq!(report.exit_code, 3, "{report:#?}");
    assert_eq!(world.head().pending_refreshes[0].paths[0].as_str(), "/contact.html");
    let owed = world.head().pending_refreshes;
    assert_eq!(invalidate(&world, &["/contact.html"]).await.exit_code, 3);
    assert_eq!(world.head().pending_refreshes, owed, "under the same id, so that nothing is paid twice");
    world.sandbox.clear_faults();
    assert_eq!(world.published().await.outcome, Outcome::Repaired);
    assert_eq!(world.invalidations().len(), before + 1);
    assert_eq!(world.last_invalidated(), ["/contact.html"]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_waited_for_is_configured() {
    let mut world = live_v1().await;
    world.environment.invalidation.wait = Wait::None;
    let report = invalidate(&world, &["/*"]).await;
    assert_eq!(report.invalidation.unwrap().status, InvalidationStatus::Requested);
    assert!(!report.requests.contains_key("GetInvalidation"));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_where_nothing_is_live_or_there_is_no_cdn_or_something_is_unfinished() {
    let mut world = World::with_fixture("v1").await;
    let refused = async |world: &World, word: &str| {
        let report = invalidate(world, &["/*"]).await;
        let error = report.error.unwrap();
        assert_eq!((report.exit_code, error.code.as_str()), (2, "usage"), "{error:#?}");
        assert!(error.message.contains(word) && !error.hint.is_empty(), "{error:#?}");
        assert!(!report.requests.contains_key("CreateInvalidation"));
    };
    refused(&world, "nothing is live").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("CopyObject", "live/index.html", 403, "AccessDenied");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    let owed = world.head().pending_refreshes;
    refused(&world, "interrupted").await;
    assert_eq!(world.head().pending_refreshes, owed);
    world.environment.distribution = None;
    refused(&world, "no CDN").await;
}

/// The program itself: nobody is asked, and what it costs is said.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_it_costs() {
    let world = live_v1().await;
    let home = world.folder.parent().unwrap();
    let program = tokio::process::Command::new(env!("CARGO_BIN_EXE_publish"))
        .args(["invalidate", "/news/*", "/", "--site", "shop", "--bucket", BUCKET, "--prefix", "live"])
        .args(["--distribution", DISTRIBUTION, "--region", "us-east-1", "--endpoint-url", world.sandbox.s3_endpoint()])
        .env_clear()
        .envs(key_variables(&world.sandbox))
        .env("AWS_ENDPOINT_URL_CLOUDFRONT", world.sandbox.cloudfront_endpoint())
        .env("HOME", home)
        .current_dir(home)
        .output();
    let output = program.await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("$0.010") && said.contains("2 paths refreshed"), "{said}");
    world.assert_settled();
}

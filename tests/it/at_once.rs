//! Requests that are sent at once: none is sent too early for what depends on it, and no answer is older than it may be.

use publish::content::path::SitePath;
use publish::release::format::Unknown;
use publish::release::head::Activation;
use publish::release::manifest::{Publisher, ReleaseNumber, RunId};
use publish::report::event::{Event, Events};
use publish::report::{Outcome, Report};
use publish::run::{self, ActivateRequest, Caller, PublishRequest, Reply, RollbackRequest};

use crate::world::{self, BUCKET, World};

/// Release 2 is live, and one can go back to release 1.
async fn two_releases() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    world.sandbox.clear_requests();
    world
}

async fn rolled_back(world: &World, hold: bool, listener: impl Fn(Event) + Sync) -> Report {
    let request = RollbackRequest {
        commit: None,
        environment: world.environment.clone(),
        caller: Caller { yes: true, ..world::caller() },
        release: Some(ReleaseNumber::new(1)),
        hold,
        reason: None,
    };
    run::rollback(request, &|_| Reply::CannotAsk, Events::new(&listener)).await
}

/// How many requests of this operation there were.
fn count(world: &World, operation: &str) -> usize {
    world.sandbox.requests().iter().filter(|request| request.operation == operation).count()
}

/// Pipelines go on publishing until then, and CloudFront may take its time.
#[tokio::test(flavor = "multi_thread")]
async fn publishing_is_held_before_cloudfront_is_asked() {
    let world = two_releases().await;
    assert_eq!(rolled_back(&world, true, |_| {}).await.outcome, Outcome::RolledBack);
    let requests = world.sandbox.requests();
    let first = |operation: &str, key: &str| {
        requests.iter().position(|request| request.operation == operation && request.key.contains(key)).unwrap()
    };
    assert!(first("PutObject", "head.json") < first("GetDistributionConfig", ""));
}

/// A run may wait for hours, and the distribution be changed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn the_distribution_is_read_after_a_wait() {
    let world = two_releases().await;
    world.rewrite_head(|head| {
        let active = head.active.clone().unwrap();
        head.activation = Some(Activation {
            to: active.release,
            candidates: [].into(),
            owner: RunId("another".to_owned()),
            publisher: Publisher::default(),
            since: active.since,
            lease_s: 90,
            unknown: Unknown::default(),
        });
    });
    let listener = |event| {
        if matches!(event, Event::Waiting { .. }) {
            assert_eq!(count(&world, "GetDistributionConfig"), 0, "it is read too early");
            world.let_leases_end();
        }
    };
    let report = rolled_back(&world, false, listener).await;
    assert_eq!(report.outcome, Outcome::RolledBack, "{report:#?}");
    assert_eq!(count(&world, "GetDistributionConfig"), 1);
}

/// People take their time, and bytes may go meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn whether_a_release_is_whole_is_looked_at_after_the_answer() {
    let mut world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    let staged = world::publish(PublishRequest { stage_only: true, ..world.request() }).await;
    assert_eq!(staged.outcome, Outcome::Staged, "{staged:#?}");
    world.environment.publish.max_removed_percent = 0;
    let index = world.manifest(2).files[&SitePath::new("index.html").unwrap()].clone();
    let blob = world.environment.layout.blob(&index.digest).key;
    let before = world.live();
    let request = ActivateRequest {
        environment: world.environment.clone(),
        caller: world::caller(),
        release: ReleaseNumber::new(2),
        force: false,
        reason: None,
    };
    let ask = |_: &str| {
        world.sandbox.remove_object(BUCKET, &blob);
        Reply::Yes
    };
    let report = run::activate(request, &ask, Events::new(&|_| {})).await;
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (1, "missing_bytes"));
    assert_eq!((world.live(), world.head().activation), (before, None), "nothing was begun");
}

//! Refreshes seen at one edge that CloudFront has not completed: they are reported, kept as sent, checked by the next run that
//! changes something, and never sent again.

use publish::config::environment::Wait;
use publish::release::head::Refresh;
use publish::report::{InvalidationStatus, Outcome, Report};
use publish::sandbox::{Distribution, Effect, LoggedRequest};

use crate::front::Front;
use crate::world::{DISTRIBUTION, World, distribution};

/// A site whose second build was published through an edge with a name, and CloudFront completes nothing of it.
async fn seen_and_not_completed() -> (World, Report) {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.published().await;
    world.sandbox.complete_invalidations_after(u32::MAX);
    world.use_fixture("v2");
    let front = Front::of(world.sandbox.site_url(), |_, answer| answer.with("x-amz-cf-pop", "FRA56-P4"));
    let site = world.environment.url.replace(front.url);
    let report = world.published().await;
    world.environment.url = site;
    world.sandbox.clear_requests();
    (world, report)
}

fn asked(world: &World, operation: &str) -> usize {
    world.sandbox.requests().iter().filter(|request| request.operation == operation).count()
}

fn the_only_one(world: &World) -> Refresh {
    let [refresh] = &world.head().pending_refreshes[..] else { panic!("{:#?}", world.head().pending_refreshes) };
    refresh.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_in_the_head_until_a_run_that_changes_something_sees_it_completed() {
    let (world, report) = seen_and_not_completed().await;
    let invalidation = report.invalidation.unwrap();
    assert_eq!((invalidation.status, invalidation.completed), (InvalidationStatus::Effective, false));
    assert_eq!(invalidation.edge.as_deref(), Some("FRA56-P4"));
    let sent = the_only_one(&world);
    assert_eq!((&sent.invalidations, sent.release.into()), (&invalidation.ids, 2_u64));
    assert_eq!(sent.paths.len(), invalidation.paths.len());
    world.assert_settled();

    // Nothing of it is to do: neither looked at nor sent again.
    let made = world.invalidations();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1);

    // Not completed yet: a run that changes something asks once, and goes on.
    world.write("robots.txt", "first");
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert!(!report.invalidation.unwrap().completed);
    assert_eq!(report.warnings, [""; 0]);
    let of = |world: &World| world.head().pending_refreshes.iter().map(|it| u64::from(it.release)).collect::<Vec<_>>();
    assert_eq!(of(&world), [2, 3]);
    assert_eq!(asked(&world, "GetInvalidation"), 2, "of its own once, and of the earlier one once");
    let writes = |request: &&LoggedRequest| request.operation == "PutObject" && request.key.ends_with("head.json");
    assert_eq!(world.s3_writes().iter().filter(writes).count(), 3, "begun, ended, and what came of the refresh");

    world.sandbox.complete_invalidations_after(0);
    world.write("robots.txt", "second");
    assert!(world.published().await.invalidation.unwrap().completed);
    assert_eq!(world.head().pending_refreshes, []);
    assert_eq!(world.invalidations().len(), made.len() + 2, "one for each change");
    let seen = world.head().distributions[DISTRIBUTION].seen;
    assert_eq!(seen.map(u64::from), Some(4), "it has seen what is live");
}

/// A run that has to send nothing settles what is completed all the same.
#[tokio::test(flavor = "multi_thread")]
async fn status_says_how_it_stands_and_writes_nothing() {
    let (world, _) = seen_and_not_completed().await;
    let before = world.objects();
    for completed in [false, true] {
        if completed {
            world.sandbox.complete_invalidations_after(0);
        }
        world.sandbox.clear_requests();
        let status = world.status().await;
        assert_eq!((status.pending_refreshes, status.distributions[0].owed.len()), (Vec::new(), 0));
        let [sent] = &status.sent_refreshes[..] else { panic!("{:#?}", status.sent_refreshes) };
        assert_eq!((sent.completed, sent.release.into(), sent.ids.len()), (Some(completed), 2_u64, 1));
        assert_eq!(world.sandbox.requests().len(), 2, "the head, and the invalidation");
        assert_eq!(world.objects(), before);
    }
    world.refuse("GetInvalidation", "", 403, "AccessDenied");
    assert_eq!(world.status().await.sent_refreshes[0].completed, None);
    world.sandbox.clear_faults();
}

/// For how long CloudFront knows an invalidation is nowhere said.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_cloudfront_does_not_know_any_more_is_completed() {
    let (world, _) = seen_and_not_completed().await;
    world.rewrite_head(|head| head.pending_refreshes[0].invalidations = vec!["IGONE".to_owned()]);
    assert_eq!(world.status().await.sent_refreshes[0].completed, Some(true));
    world.sandbox.complete_invalidations_after(0);
    world.write("robots.txt", "first");
    assert_eq!(world.published().await.warnings, [""; 0]);
    assert_eq!(world.head().pending_refreshes, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_nothing_asks_for_nothing_and_keeps_nothing() {
    let (mut world, _) = seen_and_not_completed().await;
    world.environment.invalidation.wait = Wait::None;
    world.refuse("GetInvalidation", "", 403, "AccessDenied");
    world.write("robots.txt", "first");
    let report = world.published().await;
    assert_eq!(report.invalidation.unwrap().status, InvalidationStatus::Requested);
    assert_eq!((report.warnings, asked(&world, "GetInvalidation")), (Vec::new(), 0));
    assert_eq!(world.head().pending_refreshes, [], "what was sent before was taken as well");
}

/// `further` distributions beside the environment's own one may be refreshed and not asked about. Two refreshes are sent to one.
#[tokio::test(flavor = "multi_thread")]
async fn those_that_may_not_be_asked_about_stay_and_are_told_once_for_each_distribution() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(Distribution { id: "E2".to_owned(), ..distribution() });
    world.environment.further_distributions = vec!["E2".to_owned()];
    world.published().await;
    let sent = |id: &str, path: &str| {
        let first = world.head().pending_refreshes.first().cloned();
        let refresh = first.unwrap_or_else(|| panic!("{:#?}", world.head()));
        let paths = vec![path.to_owned().try_into().unwrap()];
        Refresh { id: id.to_owned(), distribution: "E2".to_owned(), paths, ..refresh }
    };
    let two = [sent("a", "/a"), sent("b", "/b")];
    world.rewrite_head(|head| head.pending_refreshes = two.to_vec());
    world.sandbox.inject_by(|request| {
        let denied = Effect::Refuse { status: 403, code: "AccessDenied".to_owned(), message: String::new() };
        (request.operation == "GetInvalidation" && request.key.contains("E2")).then_some(denied)
    });
    world.write("robots.txt", "first");
    let report = world.published().await;
    let told = report.warnings.iter().filter(|warning| warning.contains("could not be asked whether")).count();
    assert_eq!(told, 1, "{:#?}", report.warnings);
    let kept = world.head().pending_refreshes;
    assert!(two.iter().all(|refresh| kept.contains(refresh)), "{kept:#?}");
}

/// The rollback is done, also where CloudFront is not: a second one without a number would go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_whose_refresh_is_sent_is_done() {
    let (world, _) = seen_and_not_completed().await;
    assert_eq!(world.rollback(None).await.exit_code, 0);
    let sent = the_only_one(&world);
    assert_eq!((sent.is_sent(), sent.release.into()), (true, 1_u64), "it covers the one of release 2");
    let report = world.rollback(None).await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
}

/// A new request for a path means what is there now.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_asks_for_is_sent_although_the_same_is_sent() {
    let (mut world, _) = seen_and_not_completed().await;
    let before = world.invalidations().len();
    world.rewrite_head(|head| head.pending_refreshes[0].paths = vec!["/robots.txt".to_owned().try_into().unwrap()]);
    world.environment.invalidation.wait = Wait::None;
    assert_eq!(crate::invalidate::invalidate(&world, &["/robots.txt"]).await.exit_code, 0);
    assert_eq!(world.invalidations().len(), before + 1);
    assert_eq!(world.head().pending_refreshes, [], "the new one stands for it");
}

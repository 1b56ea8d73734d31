//! Releases that a prune closed which was cut short: they stay closed, whatever other runs do, until a prune is finished.

use std::time::Duration;

use publish::release::manifest::ReleaseNumber;
use publish::report::Outcome;
use publish::report::event::Events;
use publish::run::{self, VerifyRequest};
use publish::views::releases::ReleaseFilter;
use publish::views::releases::ReleaseState;

use crate::prune::{build, five_releases, releases};
use crate::prune_cut_short::dead_prune;
use crate::world::{self, World};

const FINISHES: &str = "`publish prune` finishes it.";

fn closed(world: &World) -> Vec<u64> {
    world.head().closed.iter().map(|release| u64::from(*release)).collect()
}

async fn states(world: &World) -> Vec<(u64, ReleaseState)> {
    let (report, found) =
        run::releases(world.environment.clone(), world::caller(), &ReleaseFilter::default(), Events::new(&|_| {}))
            .await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    found.iter().map(|view| (u64::from(view.release), view.state)).collect()
}

/// What a prune that stopped half way has removed, and a publish of the same folder that found nothing to do.
async fn cut_short_and_passed_by() -> World {
    let world = five_releases().await;
    // The live objects and blobs go; the manifests stay.
    world.refuse_after(1, "DeleteObjects", "", 400, "Stopped");
    world.refuse_after(1, "PutObject", "head.json", 400, "Stopped");
    assert_eq!(world.prune(&[]).await.exit_code, 1);
    world.sandbox.clear_faults();
    world.let_leases_end();
    build(&world, 5);
    let report = world.published().await;
    assert!(report.warnings.iter().any(|warning| warning.contains(FINISHES)), "{report:#?}");
    assert!(world.head().pruning.is_none(), "other runs need not wait for it");
    assert_eq!(closed(&world), [1, 2, 3]);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_prune_closed_stays_closed_until_one_is_finished() {
    let world = cut_short_and_passed_by().await;
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((report.outcome, world.sandbox.requests().len()), (Outcome::Unchanged, 1));
    assert!(report.warnings.iter().any(|warning| warning.contains("Releases 1, 2 and 3 are closed")), "{report:#?}");
    assert!(world.status().await.pruning, "it is not finished");

    for release in 1..=3 {
        let report = world.rollback(Some(release)).await;
        let error = report.error.unwrap();
        assert_eq!((report.exit_code, error.code.as_str()), (1, "missing_bytes"), "{error:#?}");
        assert!(error.message.contains("closed by a prune"), "{error:#?}");
        assert_eq!(world.activate(release).await.exit_code, 4, "nor by that way");
    }
    let expected = [
        (5, ReleaseState::Active),
        (4, ReleaseState::WasActive),
        (3, ReleaseState::Closed),
        (2, ReleaseState::Closed),
        (1, ReleaseState::Closed),
    ];
    assert_eq!(states(&world).await, expected);
    let request =
        VerifyRequest { environment: world.environment.clone(), caller: world::caller(), deep: true, repair: false };
    let (report, findings) = run::verify(request, &|_| run::Reply::CannotAsk, Events::new(&|_| {})).await;
    assert_eq!((report.exit_code, findings), (0, Vec::new()), "what is closed is not missed");
    assert!(report.warnings.iter().any(|warning| warning.contains(FINISHES)), "{report:#?}");

    let report = world.prune(&[]).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Pruned), "{report:#?}");
    assert_eq!((closed(&world), releases(&world)), (Vec::new(), vec![4, 5]));
    assert!(!world.status().await.pruning);
    assert_eq!(world.published().await.warnings, [""; 0]);
    world.assert_all_releases_are_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_goes_although_more_is_to_be_retained_by_now() {
    let mut world = cut_short_and_passed_by().await;
    world.environment.retention.releases = 10;
    world.environment.retention.days = 365;
    build(&world, 1);
    world.published().await;
    assert_eq!(closed(&world), [1, 2, 3], "an activation forgets it no more than a run that finds nothing to do");
    let report = world.prune(&[]).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Pruned), "{report:#?}");
    assert_eq!((closed(&world), releases(&world)), (Vec::new(), vec![4, 5, 6]));
    world.assert_settled();
    world.assert_all_releases_are_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_of_one_file_leaves_what_is_closed_to_a_prune_of_all() {
    let world = cut_short_and_passed_by().await;
    assert_eq!(world.prune(&["data-5.json"]).await.exit_code, 0);
    assert_eq!(closed(&world), [1, 2, 3]);
    assert_eq!(world.prune(&["data-5.json"]).await.exit_code, 0, "also where nothing is left to remove");
    assert_eq!(closed(&world), [1, 2, 3]);
    assert_eq!(world.prune(&[]).await.exit_code, 0);
    assert_eq!(closed(&world), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_prune_finishes_it() {
    let mut world = cut_short_and_passed_by().await;
    world.environment.retention.prune = true;
    world.write("robots.txt", "changed");
    assert_eq!(world.published().await.outcome, Outcome::Published);
    assert_eq!((closed(&world), releases(&world)), (Vec::new(), vec![5, 6]));
}

/// A prune that took over another one closes what that one had closed, and so does one that may not remove all.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_over_or_may_not_remove_everything_forgets_nothing() {
    let mut world = five_releases().await;
    dead_prune(&world).await;
    world.let_leases_end();
    world.environment.retention.releases = 10;
    world.environment.retention.days = 365;
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    assert_eq!(world.prune(&[]).await.exit_code, 1);
    assert!(world.head().pruning.is_none());
    assert_eq!(closed(&world), [1, 2, 3], "the first one may have removed something");
    world.sandbox.clear_faults();
    world.sandbox.advance_clock(Duration::from_secs(60));
    assert_eq!(world.prune(&[]).await.exit_code, 0);
    assert_eq!((closed(&world), releases(&world)), (Vec::new(), vec![4, 5]));

    let world = five_releases().await;
    // What a release names goes; its records may not.
    world.refuse_after(1, "DeleteObjects", "", 403, "AccessDenied");
    assert_eq!(world.prune(&[]).await.exit_code, 1);
    assert_eq!(closed(&world), [1, 2, 3]);
    assert_eq!(world.rollback(Some(2)).await.exit_code, 1);
    world.sandbox.clear_faults();
    assert_eq!(world.prune(&[]).await.exit_code, 0);
    assert_eq!((closed(&world), releases(&world)), (Vec::new(), vec![4, 5]));
    assert!(!world.head().superseded.contains_key(&ReleaseNumber::new(1)));
}

//! Owners of a lease that die, or stall past its end and come back: they do nothing more, and what was under way is found
//! and put right.

use std::pin::pin;
use std::time::Duration;

use publish::config::environment::LeaseSettings;
use publish::report::Outcome;
use publish::sandbox::{Effect, LoggedRequest};

use crate::world::World;

/// So long no request that was signed can be taken any more, and a little longer.
const UNTIL_SIGNATURES_EXPIRE: Duration = Duration::from_secs(17 * 60);

fn write_release(world: &World, number: usize) {
    std::fs::remove_dir_all(&world.folder).unwrap();
    world.write("index.html", format!("index {number}"));
    world.write("shared.html", "shared");
    world.write(&format!("only-{number}.html"), "only here");
    world.write("robots.txt", format!("robots {number}"));
}

fn pages(world: &World) -> Vec<String> {
    world.live().into_keys().filter(|path| path.ends_with(".html")).collect()
}

fn assert_is_live(world: &World, number: usize) {
    world.assert_settled();
    assert_eq!(pages(world), ["index.html".to_owned(), format!("only-{number}.html"), "shared.html".to_owned()]);
    assert_eq!(&world.live()["robots.txt"].bytes[..], format!("robots {number}").as_bytes());
}

/// Release 1 is live. The publisher of release 2 stalls while the request `stalls` is under way; another one takes over and
/// publishes the files of release `third`; then the request arrives, and the first one comes back. `damage` sees what that did.
async fn comes_back(stalls: fn(&LoggedRequest) -> bool, third: usize, damage: impl AsyncFn(&World)) {
    let mut world = World::new().await;
    world.sandbox.complete_invalidations_after(0);
    world.environment.publish.max_removed_percent = 100;
    let [lasts, renew_every, margin] = [3_000, 1_000, 500].map(Duration::from_millis);
    world.environment.lease = LeaseSettings { lasts, renew_every, margin };
    write_release(&world, 1);
    world.published().await;
    write_release(&world, 2);
    world.sandbox.inject_by(move |request| stalls(request).then_some(Effect::Hold));
    let mut zombie = pin!(world.publish());
    let held = |requests: &[LoggedRequest]| requests.iter().any(stalls);
    tokio::select! {
        report = &mut zombie => panic!("{report:#?}"),
        () = world.sandbox.until(held) => {}
    }

    // From here on nobody polls it: its process is stopped.
    world.sandbox.clear_faults();
    write_release(&world, third);
    world.published().await;
    assert_is_live(&world, third);
    let suspects = world.head().suspects;
    let [suspects] = &suspects[..] else { panic!("{suspects:#?}") };
    for path in ["index.html", "robots.txt", "only-1.html", "only-2.html"] {
        assert!(suspects.paths.iter().any(|suspect| suspect.as_str() == path), "{path} is not in {suspects:#?}");
    }
    assert!(!suspects.paths.iter().any(|suspect| suspect.as_str() == "shared.html"), "{suspects:#?}");

    let before = world.sandbox.requests().len();
    world.sandbox.release_held();
    let arrived =
        |requests: &[LoggedRequest]| requests.iter().filter(|one| stalls(one)).all(|one| one.status.is_some());
    world.sandbox.until(arrived).await;
    damage(&world).await;
    let report = zombie.await;
    let error = report.error.unwrap();
    assert_eq!((report.exit_code, error.code.as_str()), (4, "superseded"), "{error:#?}");
    assert!(error.visitors_see.starts_with("Visitors see the other publisher's release"), "{error:#?}");
    let after = world.sandbox.requests().split_off(before);
    let [looks] = &after[..] else { panic!("it sent more than a look at the head: {after:#?}") };
    assert_eq!((looks.operation.as_str(), looks.key.as_str()), ("GetObject", "_publish/live/head.json"));

    assert_eq!(world.published().await.outcome, Outcome::Unchanged, "nothing is looked at before signatures expire");
    world.sandbox.advance_clock(UNTIL_SIGNATURES_EXPIRE);
    world.published().await;
    assert_is_live(&world, third);
    assert!(world.head().suspects.is_empty());
    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1, "all is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_arrives_when_its_sender_was_replaced_is_put_right() {
    let copies = |request: &LoggedRequest| request.operation == "CopyObject" && request.key == "live/robots.txt";
    comes_back(copies, 3, async |world| {
        assert_eq!(&world.live()["robots.txt"].bytes[..], b"robots 2");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_page_that_arrives_when_its_sender_was_replaced_is_removed() {
    let copies = |request: &LoggedRequest| request.operation == "CopyObject" && request.key == "live/only-2.html";
    comes_back(copies, 3, async |world| assert!(world.live().contains_key("only-2.html"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_removed_when_the_sender_was_replaced_comes_back() {
    let removes = |request: &LoggedRequest| request.operation == "DeleteObjects";
    comes_back(removes, 1, async |world| assert!(!world.live().contains_key("only-1.html"))).await;
}

/// How the owner of a lease dies: it began the switch and never writes the head again; it got so far.
async fn dies(world: &World, number: usize, before: &str) {
    write_release(world, number);
    world.let_leases_end();
    world.refuse("CopyObject", &format!("live/{before}"), 400, "Stopped");
    world.refuse_after(1, "PutObject", "head.json", 400, "Stopped");
    let report = world.publish().await;
    assert_eq!(report.exit_code, 5, "{report:#?}");
    world.sandbox.clear_faults();
}

#[derive(Clone, Copy, Debug)]
enum End {
    Publish,
    Rollback,
}

async fn chain(first: &str, second: &str, end: End) {
    let told = format!("{first} {second} {end:?}");
    let mut world = World::new().await;
    world.sandbox.complete_invalidations_after(0);
    world.environment.publish.max_removed_percent = 100;
    write_release(&world, 1);
    world.published().await;
    dies(&world, 2, first).await;
    dies(&world, 3, second).await;
    let activation = world.head().activation.unwrap();
    assert_eq!((activation.to.into(), activation.candidates.len()), (3_u64, 1), "{told}");
    let before = world.invalidations().len();
    world.let_leases_end();
    let live = match end {
        End::Publish => {
            write_release(&world, 4);
            world.published().await;
            4
        }
        End::Rollback => {
            let report = world.rollback(Some(1)).await;
            assert_eq!((report.exit_code, report.outcome), (0, Outcome::RolledBack), "{told} {report:#?}");
            1
        }
    };
    assert_is_live(&world, live);
    let made = world.invalidations().split_off(before);
    for url in ["/", "/index.html", "/robots.txt", "/only-2.html", "/only-3.html"] {
        assert!(made.iter().any(|one| one.paths.iter().any(|path| path == url)), "{url} {told} {made:#?}");
    }
    assert!(!made.iter().any(|one| one.paths.iter().any(|path| path == "/shared.html")), "{told} {made:#?}");
    // Every release is whole, and comes back.
    for release in [2, 3, 1] {
        let report = world.rollback(Some(release)).await;
        assert_eq!(report.exit_code, 0, "{told} {report:#?}");
        assert_is_live(&world, usize::try_from(release).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_after_two_dead_ones_ends_right_and_refreshes_what_any_of_them_wrote() {
    for first in ["robots.txt", "index.html"] {
        for second in ["robots.txt", "index.html"] {
            for end in [End::Publish, End::Rollback] {
                chain(first, second, end).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_that_gave_up_had_under_way_is_looked_at_when_signatures_have_expired() {
    let mut world = World::new().await;
    world.environment.publish.max_removed_percent = 100;
    write_release(&world, 1);
    world.published().await;
    write_release(&world, 2);
    world.sandbox.inject_by(|request| {
        let copies = request.operation == "CopyObject" && request.key == "live/robots.txt";
        copies.then_some(Effect::ResetBefore)
    });
    let report = world.publish().await;
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (5, "unreachable"));
    let head = world.head();
    assert_eq!(head.activation.unwrap().lease_s, 0, "nobody need wait for it");
    let [suspects] = &head.suspects[..] else { panic!("{:#?}", head.suspects) };
    assert!(suspects.paths.iter().any(|path| path.as_str() == "robots.txt"), "{suspects:#?}");
    world.sandbox.clear_faults();
    world.let_leases_end();
    world.published().await;
    assert_is_live(&world, 2);
    assert_eq!(world.head().suspects.len(), 1, "it may arrive yet");
    world.sandbox.advance_clock(UNTIL_SIGNATURES_EXPIRE);
    world.published().await;
    assert!(world.head().suspects.is_empty());
    assert_is_live(&world, 2);
}

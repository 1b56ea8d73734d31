//! Runs that another run overtook: a run that loses its lease reads the head before it reports anything, and a run that may
//! ignore the order of numbers replaces only what was shown.

use std::pin::pin;
use std::time::Duration;

use publish::config::environment::LeaseSettings;
use publish::release::head::HeadFields;
use publish::release::manifest::ReleaseNumber;
use publish::release::retention::RetentionSettings;
use publish::report::event::{Event, Events};
use publish::report::{Outcome, Report};
use publish::run::{self, ActivateRequest, Caller, PublishRequest, Reply, RollbackRequest};
use publish::sandbox::{Effect, LoggedRequest};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::link::{Link, Shape};
use crate::world::{self, World};

const COMMANDS: [&str; 4] = ["publish", "rollback", "activate", "prune"];

/// Releases 1 to 3, of which the last is live and the first has outlived its retention, release 4 staged, and a fifth one
/// on the disk. Leases are short.
async fn prepared() -> World {
    let mut world = World::new().await;
    world.sandbox.complete_invalidations_after(0);
    for number in 1..=4 {
        world.write("index.html", format!("index {number}"));
        world.write("robots.txt", format!("robots {number}"));
        let report = world::publish(PublishRequest { stage_only: number == 4, ..world.request() }).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
    }
    world.write("index.html", "index 5");
    world.write("robots.txt", "robots 5");
    world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
    let [lasts, renew_every, margin] = [3_000, 1_000, 500].map(Duration::from_millis);
    world.environment.lease = LeaseSettings { lasts, renew_every, margin };
    world
}

async fn run(world: &World, command: &str) -> Report {
    match command {
        "publish" => world.publish().await,
        "rollback" => world.rollback(Some(2)).await,
        "activate" => world.activate(4).await,
        _ => {
            // Release 4 is younger than a day: only the first three may go.
            world.sandbox.advance_clock(Duration::from_secs(24 * 3_600));
            world.prune(&[]).await
        }
    }
}

/// Runs `command`, whose process is stopped within the switch until its lease is over; `meanwhile` happens before it comes
/// back.
async fn stopped(world: &World, command: &str, meanwhile: impl AsyncFnOnce()) -> Report {
    let stalls = |request: &LoggedRequest| {
        request.operation == "DeleteObjects"
            || (request.operation == "CopyObject" && request.key.starts_with("live/robots.txt"))
    };
    world.sandbox.clear_requests();
    world.sandbox.inject_by(move |request| stalls(request).then_some(Effect::Hold));
    let mut zombie = pin!(run(world, command));
    let held = |requests: &[LoggedRequest]| requests.iter().any(stalls);
    tokio::select! {
        report = &mut zombie => panic!("{report:#?}"),
        () = world.sandbox.until(held) => {}
    }
    // From here on nobody polls it.
    world.sandbox.clear_faults();
    meanwhile().await;
    world.sandbox.release_held();
    zombie.await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_stopped_and_is_overtaken_ends_with_4() {
    for command in COMMANDS {
        let world = prepared().await;
        let report = stopped(&world, command, async || {
            world.write("robots.txt", "the newest");
            world.published().await;
        })
        .await;
        let error = report.error.as_ref().unwrap_or_else(|| panic!("{command} {report:#?}"));
        assert_eq!((report.exit_code, error.code.as_str()), (4, "superseded"), "{command} {report:#?}");
        assert!(error.visitors_see.starts_with("Visitors see the other publisher's release"), "{command} {error:#?}");
        assert!(!error.hint.contains("Run the same command again"), "{command} {error:#?}");
    }
}

/// The connections of a run that was stopped may be dead, and nobody has told it: over one of them it would wait for two minutes.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_stopped_reads_the_head_over_a_new_connection() {
    let mut world = prepared().await;
    let direct = world.environment.clone();
    let link = Link::to(world.sandbox.s3_endpoint(), Shape::of(10_000_000)).await;
    world.environment.access.s3_endpoint = Some(link.endpoint.clone());
    let report = stopped(&world, "publish", async || {
        world.write("robots.txt", "the newest");
        let report = world::publish(PublishRequest { environment: direct, ..world.request() }).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
        link.swallow();
    });
    let report = tokio::time::timeout(Duration::from_secs(30), report).await.expect("it waits for a dead connection");
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (4, "superseded"));
}

/// A copy hangs, S3 takes no renewal, and nobody comes: the lease ends, and is still this run's.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_finds_its_own_name_in_the_head_or_cannot_read_it_ends_with_5() {
    for readable in [true, false] {
        let mut world = prepared().await;
        let [lasts, renew_every, margin] = [3_000, 50, 2_500].map(Duration::from_millis);
        world.environment.lease = LeaseSettings { lasts, renew_every, margin };
        let mut begun = false;
        world.sandbox.inject_by(move |request| {
            let denied = || Effect::Refuse { status: 403, code: "AccessDenied".to_owned(), message: String::new() };
            match (request.operation.as_str(), request.key.ends_with("head.json")) {
                ("CopyObject", _) if request.key.starts_with("live/") => Some(Effect::Hold),
                ("PutObject", true) => std::mem::replace(&mut begun, true).then(denied),
                ("GetObject", true) => (begun && !readable).then(denied),
                _ => None,
            }
        });
        let report = world.publish().await;
        let error = report.error.as_ref().unwrap();
        assert_eq!((report.exit_code, error.code.as_str()), (5, "lease_lost"), "{report:#?}");
        assert!(error.hint.contains("Run the same command again"), "{error:#?}");
    }
}

/// A refresh that fails when another release is live is no reason to run the same command again.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_overtaken_after_the_switch_and_fails_ends_with_4() {
    for overtaken in [true, false] {
        let world = prepared().await;
        world.refuse("CreateInvalidation", "", 403, "AccessDenied");
        let activated = |event: Event| {
            if overtaken && matches!(event, Event::Activated { .. }) {
                world.rewrite_head(|head| head.active.as_mut().unwrap().release = ReleaseNumber::new(9));
            }
        };
        let report = world::publish_heard(world.request(), activated).await;
        let error = report.error.unwrap();
        let expected = if overtaken { (4, "superseded") } else { (3, "access_denied") };
        assert_eq!((report.exit_code, error.code.as_str()), expected, "{error:#?}");
    }
}

/// A lease that cannot be given back was perhaps taken over: that is looked at too.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_and_may_no_longer_write_the_head_checks_who_owns_it() {
    let world = prepared().await;
    world.sandbox.inject_by(|request| {
        let refuse = |code: &str| Effect::Refuse { status: 400, code: code.to_owned(), message: String::new() };
        (request.operation == "CopyObject" && request.key == "live/robots.txt").then(|| refuse("Stopped"))
    });
    world.refuse_after(1, "PutObject", "head.json", 403, "AccessDenied");
    let taken_over = |head: &mut HeadFields| {
        let activation = head.activation.as_mut().unwrap();
        (activation.to, activation.owner) = (ReleaseNumber::new(9), world::run_id());
    };
    let done = |event: Event| {
        if matches!(event, Event::ActivationStarted { .. }) {
            world.rewrite_head(taken_over);
        }
    };
    let report = world::publish_heard(world.request(), done).await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    assert!(report.error.unwrap().message.contains("is activating release 9"));
}

/// Runs `command` with `force`, and lets `meanwhile` happen when the plan was shown.
async fn shown_before(world: &World, command: &str, meanwhile: impl AsyncFn() + Sync) -> Report {
    let done = std::sync::atomic::AtomicBool::new(false);
    let listener = |event| {
        if matches!(event, Event::Planned { .. }) && !done.swap(true, std::sync::atomic::Ordering::Relaxed) {
            block_in_place(|| Handle::current().block_on(meanwhile()));
        }
    };
    let events = Events::new(&listener);
    let caller = Caller { yes: true, ..world::caller() };
    let environment = world.environment.clone();
    match command {
        "publish --force" => {
            run::publish(PublishRequest { caller, force: true, ..world.request() }, &|_| Reply::CannotAsk, events).await
        }
        "rollback" | "rollback --hold" => {
            let (release, hold) = (Some(ReleaseNumber::new(2)), command.ends_with("--hold"));
            let request = RollbackRequest { environment, caller, release, commit: None, hold, reason: None };
            run::rollback(request, &|_| Reply::CannotAsk, events).await
        }
        _ => {
            let (release, force) = (ReleaseNumber::new(4), command.ends_with("--force"));
            let request = ActivateRequest { environment, caller, release, force, reason: None };
            run::activate(request, &|_| Reply::CannotAsk, events).await
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_order_of_numbers_does_not_stop_replaces_only_what_was_shown() {
    for command in ["publish --force", "rollback", "activate", "activate --force"] {
        let world = prepared().await;
        let other = PublishRequest { folder: elsewhere(&world), ..world.request() };
        let report = shown_before(&world, command, async || {
            assert_eq!(world::publish(other.clone()).await.exit_code, 0);
        })
        .await;
        assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{command} {report:#?}");
        assert_eq!(&world.live()["index.html"].bytes[..], b"elsewhere", "{command}");
        world.assert_settled();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_another_release_is_being_activated_is_noticed_too() {
    for command in ["publish --force", "rollback", "activate --force"] {
        let world = prepared().await;
        let begins = |head: &mut HeadFields| {
            head.activation = Some(publish::release::head::Activation {
                to: ReleaseNumber::new(9),
                candidates: Default::default(),
                owner: world::run_id(),
                publisher: world::caller().publisher,
                since: publish::types::clock::Timestamp::from_unix_seconds(0),
                lease_s: 90,
                unknown: Default::default(),
            });
        };
        let report = shown_before(&world, command, async || world.rewrite_head(begins)).await;
        assert_eq!(report.exit_code, 4, "{command} {report:#?}");
        assert_eq!(world.head().activation.unwrap().to, ReleaseNumber::new(9), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_live_what_was_shown_stops_nobody() {
    let world = prepared().await;
    // Only its revision is another one.
    let report = shown_before(&world, "rollback", async || world.rewrite_head(|_| {})).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::RolledBack), "{report:#?}");
}

/// The site in another folder, with other words.
fn elsewhere(world: &World) -> std::path::PathBuf {
    let folder = world.folder.with_file_name("elsewhere");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("index.html"), "elsewhere").unwrap();
    std::fs::write(folder.join("robots.txt"), "elsewhere").unwrap();
    folder
}

/// The hold is a write of its own, before anything else of the rollback, and stands whatever becomes of that.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_holds_does_so_first() {
    let world = prepared().await;
    world.sandbox.clear_requests();
    let published = std::sync::Mutex::new(None);
    let report = shown_before(&world, "rollback --hold", async || {
        let (head, writes) = (world.head(), world.s3_writes());
        assert!(head.hold.is_some() && head.activation.is_none(), "{head:#?}");
        assert_eq!(writes.len(), 1, "{writes:#?}");
        *published.lock().unwrap() = Some(world.publish().await);
    })
    .await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::RolledBack), "{report:#?}");
    let published = published.into_inner().unwrap().unwrap();
    assert_eq!((published.exit_code, published.outcome), (4, Outcome::Held), "{published:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_stands_although_its_rollback_fails_or_is_overtaken() {
    let world = prepared().await;
    world.cut_short_at("CopyObject", "live/");
    let report = shown_before(&world, "rollback --hold", async || {}).await;
    assert_eq!(report.exit_code, 5, "{report:#?}");
    assert!(world.head().hold.is_some());
    let world = prepared().await;
    let report = shown_before(&world, "rollback --hold", async || {
        world.rewrite_head(|head| head.active.as_mut().unwrap().release = ReleaseNumber::new(9));
    })
    .await;
    assert_eq!(report.exit_code, 4, "{report:#?}");
    assert!(world.head().hold.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_asks_holds_nothing_before_the_answer() {
    let world = prepared().await;
    for (reply, holds) in [(Reply::No, false), (Reply::Yes, true)] {
        let request = RollbackRequest {
            commit: None,
            environment: world.environment.clone(),
            caller: world::caller(),
            release: Some(ReleaseNumber::new(2)),
            hold: true,
            reason: None,
        };
        let ask = |_: &str| {
            assert!(world.head().hold.is_none());
            reply
        };
        run::rollback(request, &ask, Events::new(&|_| {})).await;
        assert_eq!(world.head().hold.is_some(), holds);
    }
}

/// Between its first look and its hold, which goes on from whatever head is there by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_holds_goes_on_from_what_it_began_with() {
    let world = prepared().await;
    // The manifest was read before, too.
    world.sandbox.clear_requests();
    let is_its_manifest =
        |request: &LoggedRequest| request.operation == "GetObject" && request.key.contains("/releases/2/manifest");
    world.sandbox.inject_by(move |request| is_its_manifest(request).then_some(Effect::Hold));
    let overtaken = async {
        world.sandbox.until(|requests| requests.iter().any(is_its_manifest)).await;
        world.rewrite_head(|head| head.active.as_mut().unwrap().release = ReleaseNumber::new(9));
        world.sandbox.clear_faults();
        world.sandbox.release_held();
    };
    let request = RollbackRequest {
        environment: world.environment.clone(),
        caller: Caller { yes: true, ..world::caller() },
        release: Some(ReleaseNumber::new(2)),
        commit: None,
        hold: true,
        reason: None,
    };
    let (report, ()) = tokio::join!(run::rollback(request, &|_| Reply::CannotAsk, Events::new(&|_| {})), overtaken);
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    assert_eq!(world.head().active.unwrap().release, ReleaseNumber::new(9));
    assert!(world.head().hold.is_some(), "it holds all the same");
}

//! Holding: publishing is refused until somebody lets it go on.

use publish::release::manifest::ReleaseNumber;
use publish::report::event::Events;
use publish::report::{Outcome, Report};
use publish::run::{self, Caller, Reply, RollbackRequest};

use crate::rollback::{assert_is_live, three_releases};
use crate::world::{self, World};

async fn hold(world: &World, reason: &str) -> Report {
    let request = RollbackRequest {
        commit: None,
        environment: world.environment.clone(),
        caller: Caller { yes: true, ..world::caller() },
        release: Some(ReleaseNumber::new(1)),
        hold: true,
        reason: Some(reason.to_owned()),
    };
    run::rollback(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_refuses_every_publish_until_it_is_ended() {
    let world = three_releases().await;
    assert_eq!(hold(&world, "prices are wrong").await.exit_code, 0);
    let report = world.publish().await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Held), "{report:#?}");
    let error = report.error.unwrap();
    assert!(error.message.contains("tester") && error.message.contains("prices are wrong"), "{error:#?}");
    assert!(error.message.contains(" UTC"), "{error:#?}");
    assert!(error.hint.contains("`publish resume`") && error.hint.contains("`publish`"), "{error:#?}");
    assert_eq!(world.head().history.pop().unwrap().reason.as_deref(), Some("prices are wrong"));
    assert_eq!(world.rollback(Some(2)).await.exit_code, 0, "going back is deliberate");
    assert!(world.head().hold.is_some());
    assert_eq!(world.resume().await.outcome, Outcome::Repaired);
    assert_eq!(world.resume().await.outcome, Outcome::Unchanged);
    assert_eq!(world.published().await.outcome, Outcome::Published);
}

/// A run that a hold does not stop is told of it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_told_by_a_plan_an_unchanged_publish_and_another_hold() {
    let world = three_releases().await;
    let hold = async |reason: Option<&str>| {
        let (environment, reason) = (world.environment.clone(), reason.map(str::to_owned));
        run::hold(environment, world::caller(), reason, Events::new(&|_| {})).await
    };
    assert_eq!(hold(Some("prices are wrong")).await.outcome, Outcome::Held);
    let unchanged = world.published().await;
    let again = hold(None).await;
    assert_eq!((unchanged.outcome, again.outcome), (Outcome::Unchanged, Outcome::Unchanged));
    world.append("robots.txt", "changed");
    let (plan, _) = world.plan().await;
    for report in [unchanged, again, plan] {
        let said = report.warnings.join(" ");
        for part in ["held by tester since ", "prices are wrong", "`publish resume`"] {
            assert!(said.contains(part), "{part}: {report:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_live_can_be_held() {
    let world = three_releases().await;
    world.rollback(Some(1)).await;
    let report = hold(&world, "freeze").await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Held), "{report:#?}");
    assert_is_live(&world, 1);
    assert_eq!(hold(&world, "freeze").await.outcome, Outcome::Unchanged, "it is held already");
    assert_eq!(world.head().hold.unwrap().reason.as_deref(), Some("freeze"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_names_both_releases_and_whether_publishing_will_be_held() {
    let world = World::new().await;
    for (text, commit) in [("one", "aaaaaaaaaaaaaaa"), ("two", "bbbbbbbbbbbbbbb")] {
        world.write("index.html", text);
        let mut request = world.request();
        request.caller.publisher.commit = Some(commit.to_owned());
        assert_eq!(world::publish(request).await.exit_code, 0);
    }
    for hold in [false, true] {
        let request = RollbackRequest {
            commit: None,
            environment: world.environment.clone(),
            caller: world::caller(),
            release: None,
            hold,
            reason: None,
        };
        let asked = std::sync::Mutex::new(String::new());
        let ask = |question: &str| {
            question.clone_into(&mut asked.lock().unwrap());
            Reply::No
        };
        assert_eq!(run::rollback(request, &ask, Events::new(&|_| {})).await.exit_code, 130);
        let asked = asked.into_inner().unwrap();
        let (to, from) = asked.split_once("would replace").unwrap();
        for (text, release, commit) in [(to, "Release 1 (2", "aaaaaaaaaa"), (from, "release 2 (2", "bbbbbbbbbb")] {
            assert!(text.contains(release) && text.contains(commit), "{asked}");
            assert!(text.contains(" UTC, tester"), "{asked}");
        }
        assert_eq!(asked.contains("Publishing will be held"), hold, "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_replaces_a_hold_is_told_who_set_it_and_why() {
    let world = three_releases().await;
    let hold = async |reason: &str| {
        run::hold(world.environment.clone(), world::caller(), Some(reason.to_owned()), Events::new(&|_| {})).await
    };
    assert_eq!(hold("prices are wrong").await.warnings, [""; 0]);
    let second = hold("the fair").await;
    assert_eq!((second.outcome, second.warnings.len()), (Outcome::Held, 1), "{second:#?}");
    let said = &second.warnings[0];
    let begins = "This replaces an earlier hold: publishing is held by tester since ";
    assert!(said.starts_with(begins) && said.ends_with(": prices are wrong."), "{said}");
    assert_eq!(world.head().hold.unwrap().reason.as_deref(), Some("the fair"));
    let third = self::hold(&world, "bad build").await;
    assert!(third.warnings.iter().any(|said| said.ends_with(": the fair.")), "{third:#?}");
    assert_eq!(world.head().hold.unwrap().reason.as_deref(), Some("bad build"));
}

//! A prune between staging and activating: what it took is stored again, and what it closed does not come back.

use std::time::Duration;

use publish::environment::RetentionSettings;
use publish::event::Event;
use publish::manifest::ReleaseNumber;
use publish::report::Outcome;
use publish::sandbox::{Effect, Fault, Match};

use crate::visitor::Visitor;
use crate::world::{self, BUCKET, World, files_of, fixture};

/// v1 is live. When v2 is staged, a prune takes all of it that is not live; with its claim it also closes its number.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_prune_took_after_it_was_staged_is_stored_again() {
    for with_claim in [false, true] {
        let world = World::with_fixture("v1").await;
        world.published().await;
        let before = world.objects();
        world.use_fixture("v2");
        let pruned = std::sync::Once::new();
        let listener = |event| {
            if matches!(event, Event::Staged { .. }) {
                pruned.call_once(|| {
                    let staged = world.objects().into_keys().filter(|key| !before.contains_key(key));
                    for key in staged.filter(|key| with_claim || !world::is_record(key)) {
                        world.sandbox.remove_object(BUCKET, &key);
                    }
                    world.rewrite_head(|head| head.prune_epoch += 1);
                });
            }
        };
        let report = world::publish_heard(world.request(), listener).await;
        assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
        assert!(pruned.is_completed());
        world.assert_settled();
        let sites = ["v1", "v2"].map(|build| files_of(&fixture(build)));
        assert_eq!(Visitor::new(&world, &sites).read_all().await, Ok(()));
    }
}

/// Release 1 is closed while somebody who goes back to it waits. All its bytes are there: release 3 has the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_while_somebody_waits_to_go_back_to_it_stays_closed() {
    let mut world = World::new().await;
    for build in ["v1", "v2", "v1", "v2"] {
        world.use_fixture(build);
        world.published().await;
    }
    world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
    world.sandbox.advance_clock(Duration::from_secs(24 * 3_600));
    world.sandbox.clear_requests();
    let matches = Match { operation: Some("DeleteObjects".to_owned()), ..Match::default() };
    let effect = Effect::Latency(Duration::from_secs(1));
    world.sandbox.inject(Fault { matches, skip: 0, times: 1, effect });
    let back = async {
        world.sandbox.until(|requests| requests.iter().any(|one| one.operation == "DeleteObjects")).await;
        world.rollback(Some(1)).await
    };
    let (pruned, back) = tokio::join!(Box::pin(world.prune(&[])), Box::pin(back));
    assert_eq!((pruned.exit_code, pruned.outcome), (0, Outcome::Pruned), "{pruned:#?}");
    assert_eq!((back.exit_code, back.error.as_ref().unwrap().code.as_str()), (1, "bad_state"), "{back:#?}");
    assert_eq!(world.head().active.unwrap().release, ReleaseNumber::new(4));
    world.assert_settled();
}

//! A prune between staging and activating: what it took is stored again.

use publish::event::Event;
use publish::report::Outcome;

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

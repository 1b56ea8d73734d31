//! What going back costs: it follows what differs, not the size of the site. `examples/rollback_time.rs` measures the time.

use std::collections::BTreeMap;

use publish::release::manifest::ReleaseNumber;

use crate::world::World;

/// More than a listing gives in one answer: a run that looked at the whole site would need more requests than a run that does not.
const FILES: usize = 1_500;

/// How many files differ between the two releases.
const DIFFERENT: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn going_back_costs_what_differs() {
    let world = World::new().await;
    for number in 0..FILES {
        world.write(&format!("section-{}/page-{number}.html", number % 100), format!("<p>{number}"));
    }
    world.published().await;
    for words in ["second", "third"] {
        for number in 0..DIFFERENT {
            world.write(&format!("section-{}/page-{number}.html", number % 100), format!("<p>{words} {number}"));
        }
        world.published().await;
    }
    let invalidations = world.invalidations().len();

    // Back and forward again; also to the first release and from it, whose bytes lay at the live keys alone until they were
    // replaced, as its manifest says for ever.
    for release in [2, 3, 1, 2] {
        world.sandbox.clear_requests();
        let report = world.rollback(Some(release)).await;
        assert_eq!((report.exit_code, report.release), (0, Some(ReleaseNumber::new(release))), "{report:#?}");
        assert_eq!(world.site_bytes_sent(), 0);
        let expected = [
            // The head, and the manifests of the release that is live and of the one that is to be.
            ("GetObject", 3),
            // The blobs that are there; and which numbers are claimed by now, at the beginning and at the end of the switch.
            ("ListObjectsV2", 3),
            ("CopyObject", DIFFERENT),
            // The head: begun, done, refreshed.
            ("PutObject", 3),
        ];
        let expected: BTreeMap<String, usize> = expected.map(|(name, count)| (name.to_owned(), count)).into();
        assert_eq!(world.s3_operations(), expected);
        assert!(expected.values().sum::<usize>() <= 20);
    }
    assert_eq!(world.invalidations().len() - invalidations, 4, "one each");
    world.assert_settled();
}

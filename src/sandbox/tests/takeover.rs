//! A sandbox that continues from the state of another one.

use std::time::Duration;

use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};

use super::{BUCKET, cloudfront, put, s3, start};
use crate::sandbox::{Effect, Fault, Match};

const ID: &str = "E1SANDBOX";

#[tokio::test]
async fn objects_invalidations_and_time_come_along_and_nothing_else() {
    let (first, second) = (start().await, start().await);
    first.advance_clock(Duration::from_secs(3_600));
    put(&s3(&first), "a", b"one").await;
    put(&s3(&second), "b", b"gone").await;
    first.complete_invalidations_after(0);
    let paths = Paths::builder().quantity(1).items("/a").build().expect("paths");
    let batch = InvalidationBatch::builder().paths(paths).caller_reference("r1").build().expect("a batch");
    let created = cloudfront(&first).create_invalidation().distribution_id(ID).invalidation_batch(batch).send().await;
    let id = created.expect("created").invalidation.expect("an invalidation").id;
    first.inject(Fault { matches: Match::default(), skip: 0, times: usize::MAX, effect: Effect::ResetBefore });

    second.take_over(&first);
    assert_eq!(second.objects(BUCKET), first.objects(BUCKET));
    assert_eq!(second.objects(BUCKET).into_keys().collect::<Vec<_>>(), ["a"]);
    put(&s3(&second), "c", b"two").await;
    let objects = second.objects(BUCKET);
    assert!(objects["c"].last_modified >= objects["a"].last_modified, "its clock continues from that of the first");
    assert!(!first.objects(BUCKET).contains_key("c"), "each goes its own way");
    let polled = cloudfront(&second).get_invalidation().distribution_id(ID).id(&id).send().await.expect("polled");
    assert_eq!(
        polled.invalidation.expect("an invalidation").status,
        "Completed",
        "without a poll in progress, as there"
    );
    first.stop().await;
    second.stop().await;
}

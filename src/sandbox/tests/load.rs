//! Nothing is lost or counted twice when thousands of requests arrive at once.

use aws_sdk_s3::primitives::ByteStream;

use super::{BUCKET, s3, start};
use crate::sandbox::{Effect, Fault, Match};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_logged_and_counted_once() {
    const WRITERS: usize = 16;
    const EACH: usize = 100;
    const REFUSED: usize = 300;
    let sandbox = start().await;
    sandbox.inject(Fault {
        matches: Match::default(),
        skip: 500,
        times: REFUSED,
        effect: Effect::Refuse {
            status: 503,
            code: "SlowDown".to_owned(),
            message: "Please reduce your request rate.".to_owned(),
        },
    });
    let client = s3(&sandbox);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let client = client.clone();
        writers.spawn(async move {
            let mut stored = 0;
            for number in 0..EACH {
                let request = client.put_object().bucket(BUCKET).key(format!("{writer}/{number}"));
                stored += usize::from(request.body(ByteStream::from_static(b"x")).send().await.is_ok());
            }
            stored
        });
    }
    let stored: usize = writers.join_all().await.into_iter().sum();
    assert_eq!(stored, WRITERS * EACH - REFUSED);
    let objects = sandbox.objects(BUCKET);
    assert_eq!(objects.len(), stored);
    let log = sandbox.requests();
    assert_eq!(log.len(), WRITERS * EACH);
    // The fault hit the requests that are logged from the 501st on, and no others.
    for (index, entry) in log.iter().enumerate() {
        let refused = (500..500 + REFUSED).contains(&index);
        assert_eq!(entry.status, Some(if refused { 503 } else { 200 }), "request {index}");
        assert_eq!(objects.contains_key(&entry.key), !refused);
    }
    sandbox.stop().await;
}

//! The sandbox must not be what makes tests slow.

use std::time::Instant;

use aws_sdk_s3::primitives::ByteStream;

use super::{BUCKET, s3, start};

/// Prints the rate rather than judging it: how fast the machine is, is not what is tested.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_puts_arrive() {
    const WRITERS: usize = 16;
    const EACH: usize = 100;
    let sandbox = start().await;
    let client = s3(&sandbox);
    let started = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let client = client.clone();
        writers.spawn(async move {
            for number in 0..EACH {
                let request = client
                    .put_object()
                    .bucket(BUCKET)
                    .key(format!("{writer}/{number}"));
                request
                    .body(ByteStream::from_static(b"x"))
                    .send()
                    .await
                    .expect("put");
            }
        });
    }
    writers.join_all().await;
    let rate = (WRITERS * EACH) as f64 / started.elapsed().as_secs_f64();
    println!("{rate:.0} puts a second, client included");
    assert_eq!(sandbox.objects(BUCKET).len(), WRITERS * EACH);
    assert_eq!(sandbox.requests().len(), WRITERS * EACH);
    sandbox.stop().await;
}

//! A storage, or a gateway before it, that refuses for ever what nothing is in the way of: every run ends, after few
//! requests, and says what it was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use publish::bucket::aws::Aws;
use publish::bucket::state::State;
use publish::report::Report;
use publish::run::PublishRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::{self, World, run_id};

/// More than any of these runs sends, and far less than a loop does.
const FEW: usize = 100;

fn assert_told(world: &World, report: &Report, exit_code: u8, status: u16) {
    let error = report.error.as_ref().unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!((report.exit_code, error.code.as_str()), (exit_code, "aws"), "{report:#?}");
    assert!(error.message.contains(&format!("keeps returning {status}")), "{error:#?}");
    assert!(!error.hint.is_empty());
    let requests = world.s3_requests().len();
    assert!(requests < FEW, "{requests} requests");
}

/// Two releases, of which the second is live, a third that is staged, and a fourth one on the disk.
async fn prepared() -> World {
    let world = World::new().await;
    world.sandbox.complete_invalidations_after(0);
    for number in 1..=3 {
        world.write("index.html", format!("index {number}"));
        let report = world::publish(PublishRequest { stage_only: number == 3, ..world.request() }).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
    }
    world.write("index.html", "index 4");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_never_replaced_ends_every_command() {
    let prepared = prepared().await;
    // Another request on the same key (409) is waited for in each single try as well.
    let all = &["publish", "activate", "rollback", "prune"][..];
    for (status, code, commands) in [(412, "PreconditionFailed", all), (409, "ConditionalRequestConflict", &all[..1])] {
        for command in commands {
            let world = prepared.branch().await;
            world.write("index.html", "index 4");
            world.sandbox.clear_requests();
            world.refuse("PutObject", "head.json", status, code);
            let visible = world.visible();
            let report = match *command {
                "publish" => world.publish().await,
                "activate" => world.activate(3).await,
                "rollback" => world.rollback(Some(1)).await,
                _ => world.prune(&["index.html"]).await,
            };
            assert_told(&world, &report, 1, status);
            assert_eq!(world.visible(), visible, "{command}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_head_that_is_never_taken_ends_a_first_publish_and_an_adoption() {
    for adopt in [false, true] {
        let world = World::new().await;
        world.write("index.html", "index");
        if adopt {
            world.sandbox.put_foreign(world::BUCKET, "live/old.html", "theirs", "text/html");
        }
        world.refuse("PutObject", "head.json", 412, "PreconditionFailed");
        let report = world::publish(PublishRequest { adopt, ..world.request() }).await;
        assert_told(&world, &report, 1, 412);
    }
}

/// Once the switch has begun, what is refused is its end; the refresh is not struck out, and a hold is not ended.
#[tokio::test(flavor = "multi_thread")]
async fn later_writes_of_the_head_end_too() {
    for (writes, exit_code) in [(1, 5), (2, 3)] {
        let world = prepared().await;
        world.sandbox.clear_requests();
        world.refuse_after(writes, "PutObject", "head.json", 412, "PreconditionFailed");
        let report = world.publish().await;
        assert_told(&world, &report, exit_code, 412);
    }
    let world = prepared().await;
    world.rewrite_head(|head| {
        let since = publish::types::clock::Timestamp::from_unix_seconds(0);
        head.hold = Some(publish::release::head::Hold::new(world::caller().publisher, since, None));
    });
    world.sandbox.clear_requests();
    world.refuse("PutObject", "head.json", 412, "PreconditionFailed");
    assert_told(&world, &world.resume().await, 1, 412);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_never_taken_and_never_there_ends_a_publish() {
    let world = prepared().await;
    world.sandbox.clear_requests();
    world.refuse("PutObject", "claim.json", 412, "PreconditionFailed");
    assert_told(&world, &world.publish().await, 1, 412);
    let numbers = world.s3_writes().into_iter().filter(|request| request.key.ends_with("/claim.json"));
    assert!(numbers.count() < 20);
}

/// How a server that answers listings lies about what comes next.
#[derive(Clone, Copy, Debug)]
enum Listing {
    /// The token is the one it was given.
    SameToken,
    /// Each token is new, and each page the same.
    SamePage,
    /// Each token is new, and no page has a key.
    Empty,
}

/// Answers every request with a page of a listing, for as long as the runtime lives; counts them.
async fn lying_server(listing: Listing) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let pages = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&pages);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut asked = vec![0; 64 * 1024];
            let _ = connection.read(&mut asked).await;
            let page = counted.fetch_add(1, Ordering::SeqCst);
            let token = if matches!(listing, Listing::SameToken) { 0 } else { page };
            let contents = match listing {
                Listing::Empty => String::new(),
                _ => "<Contents><Key>_publish/live/releases/1/claim.json</Key><Size>1</Size></Contents>".to_owned(),
            };
            let body = format!(
                "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>true</IsTruncated>{contents}\
                 <NextContinuationToken>t{token}</NextContinuationToken></ListBucketResult>"
            );
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (endpoint, pages)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_comes_to_no_end_is_an_error() {
    let world = World::new().await;
    for listing in [Listing::SameToken, Listing::SamePage, Listing::Empty] {
        let (endpoint, pages) = lying_server(listing).await;
        let mut environment = world.environment.clone();
        environment.access.s3_endpoint = Some(endpoint);
        let store = Aws::connect(&environment).await.unwrap().store;
        let problem = State::new(store, environment.layout.clone(), run_id()).releases().await.unwrap_err();
        assert_eq!(problem.code.as_str(), "aws", "{listing:?} {problem:?}");
        let failure = problem.while_visitors_see(publish::report::error::VisitorsSee::Untouched);
        assert!(failure.causes.iter().any(|cause| cause.contains("repeat and never end")), "{failure:#?}");
        assert!(pages.load(Ordering::SeqCst) < 20, "{listing:?}");
    }
}

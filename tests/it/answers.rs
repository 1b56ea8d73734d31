//! What visitors get where they do not get what was published: each has its own sentence, and what no waiting changes is not
//! waited for.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use publish::report::{Outcome, Report};

use crate::world::World;

/// A server that gives every request the same answer, and how many it has given.
fn front(answer: &str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let given = Arc::new(AtomicUsize::new(0));
    let (answer, count) = (answer.replace('\n', "\r\n"), Arc::clone(&given));
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let (mut connection, answer, count) = (connection, answer.clone(), Arc::clone(&count));
            std::thread::spawn(move || {
                let mut request = [0; 8_192];
                if connection.read(&mut request).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                    let _ = connection.write_all(answer.as_bytes());
                }
            });
        }
    });
    (address, given)
}

async fn live_v1() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world
}

/// What a publish of the second build says where the site's address is `url`.
async fn published_at(world: &mut World, url: &str) -> Report {
    let right = world.environment.url.replace(url.to_owned());
    let report = world.publish().await;
    world.environment.url = right;
    report
}

/// The release is live, one refresh was asked for and stays recorded, and the report says this.
fn assert_said(report: &Report, message: &str, hint: &str) {
    assert_eq!((report.exit_code, report.outcome), (3, Outcome::Failed), "{report:#?}");
    let error = report.error.as_ref().unwrap();
    assert_eq!(error.code, "verification_failed");
    assert!(error.message.contains(message), "{message} is not in: {}", error.message);
    assert!(error.hint.contains(hint), "{hint} is not in: {}", error.hint);
    assert_eq!(
        error.visitors_see,
        "Release 2 is live in the bucket, and nothing is lost, but the site's address does not answer with it."
    );
    assert_eq!(report.invalidation.as_ref().unwrap().paths_paid, 8, "asked for once");
}

/// With two minutes of patience: the test would not end in time if it were made use of.
#[tokio::test(flavor = "multi_thread")]
async fn what_no_waiting_changes_is_told_at_once() {
    let empty = "content-length: 0\nconnection: close\n\n";
    for (answer, message, hint) in [
        (
            "301 Moved\nlocation: https://shop.example/a\n",
            "redirects (301) to https://shop.example/a",
            "as https://shop.example",
        ),
        ("302 Found\nlocation: /login?next=/\n", "asks visitors to sign in", "wait = \"completed\""),
        ("401 Unauthorized\nwww-authenticate: Basic\n", "asks visitors to sign in: 401", "wait = \"completed\""),
        ("202 Accepted\nx-amzn-waf-action: challenge\n", "a challenge of AWS WAF (202)", "Let this machine pass"),
        ("403 Forbidden\n", "answers with 403", "origin path"),
        ("404 Not Found\n", "answers with 404", "origin path"),
        ("200 OK\nserver: nginx\n", "is answered by another server, which calls itself `nginx`", "Set `url`"),
    ] {
        let mut world = live_v1().await;
        let before = world.invalidations().len();
        let (address, given) = front(&format!("HTTP/1.1 {answer}{empty}"));
        let report = published_at(&mut world, &format!("http://{address}")).await;
        assert_said(&report, message, hint);
        assert!(given.load(Ordering::Relaxed) > 0, "{answer}");
        assert_eq!(world.invalidations().len(), before + 1, "{answer}");
        assert_eq!(world.published().await.outcome, Outcome::Repaired, "{answer}");
        world.assert_settled();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_a_name_and_one_without_a_certificate_are_told_at_once() {
    let (address, _) = front("HTTP/1.1 200 OK\n\n");
    for (url, message, hint) in [
        ("http://no-such-host.invalid".to_owned(), "no server of that name (DNS)", "DNS record"),
        (format!("https://{address}"), "its certificate is not valid", "certificate for this name"),
    ] {
        let mut world = live_v1().await;
        let report = published_at(&mut world, &url).await;
        assert_said(&report, message, hint);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_waited_for() {
    let mut world = live_v1().await;
    world.environment.invalidation.timeout = Duration::from_millis(600);
    let (address, given) = front("HTTP/1.1 503 Service Unavailable\ncontent-length: 0\nconnection: close\n\n");
    let report = published_at(&mut world, &format!("http://{address}")).await;
    assert_said(&report, "answers with 503", "functions");
    let given = given.load(Ordering::Relaxed);
    assert!(given > 8, "eight URLs, looked at again: {given}");
}

//! The site as visitors get it, fetched with bare HTTP/1.1.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{cloudfront, start};
use crate::sandbox::{CustomError, Distribution, EDGE_HEADER, IndexPages, LOCATIONS, Sandbox, Service};
use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};

struct Page {
    status: u16,
    head: String,
    body: String,
}

impl Page {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

async fn fetch(sandbox: &Sandbox, method: &str, path: &str, headers: &str) -> Page {
    let address = sandbox.site_url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    Page { status: head[9..12].parse().expect("a status"), head: head.to_owned(), body: body.to_owned() }
}

fn site() -> Distribution {
    Distribution { origin_path: "/live".to_owned(), ..Distribution::default() }
}

#[tokio::test]
async fn pages_are_found_as_the_cdn_finds_them() {
    let sandbox = start().await;
    sandbox.set_distribution(site());
    for (key, body) in [
        ("live/index.html", "home"),
        ("live/a/index.html", "a"),
        ("live/ä b.txt", "odd"),
        ("live/CNAME", "name"),
        ("outside", "no"),
    ] {
        sandbox.put_foreign("sandbox", key, body, "text/html");
    }
    for (path, body) in [
        ("/", "home"),
        ("/a", "a"),
        ("/a/", "a"),
        ("/a/index.html", "a"),
        ("/%C3%A4%20b.txt", "odd"),
        ("/CNAME", "name"),
    ] {
        let page = fetch(&sandbox, "GET", path, "").await;
        assert_eq!((page.status, page.body.as_str()), (200, body), "{path}");
        assert_eq!(page.header("content-type"), Some("text/html"));
    }
    let missing = fetch(&sandbox, "GET", "/outside.txt", "").await;
    assert_eq!(missing.status, 403);
    assert!(missing.body.contains("<Code>AccessDenied</Code>"));
    sandbox.set_distribution(Distribution { index_pages: IndexPages::None, ..site() });
    assert_eq!(fetch(&sandbox, "GET", "/a/", "").await.status, 403);
    assert_eq!(fetch(&sandbox, "GET", "/", "").await.body, "home");
    assert_eq!(fetch(&sandbox, "POST", "/", "").await.status, 403);
    let log = sandbox.requests();
    assert_eq!((log[4].service, log[4].key.as_str()), (Service::Site, "/ä b.txt"));
    sandbox.stop().await;
}

#[tokio::test]
async fn custom_errors_replace_page_and_status() {
    let sandbox = start().await;
    let custom = |code| CustomError {
        error_code: 403,
        response_page_path: Some("/404.html".to_owned()),
        response_code: code,
        error_caching_min_ttl: Duration::from_secs(10),
    };
    sandbox.set_distribution(Distribution { custom_errors: vec![custom(Some(404))], ..site() });
    assert_eq!(fetch(&sandbox, "GET", "/none", "").await.status, 403, "the page itself is missing");
    sandbox.put_foreign("sandbox", "live/404.html", "not here", "text/html");
    sandbox.advance_clock(Duration::from_secs(11));
    let page = fetch(&sandbox, "GET", "/none", "").await;
    assert_eq!((page.status, page.body.as_str()), (404, "not here"));
    sandbox.set_distribution(Distribution { custom_errors: vec![custom(None)], ..site() });
    sandbox.advance_clock(Duration::from_secs(11));
    assert_eq!(fetch(&sandbox, "GET", "/none", "").await.status, 403);
    sandbox.stop().await;
}

#[tokio::test]
async fn conditional_and_partial_requests_are_answered() {
    let sandbox = start().await;
    sandbox.put_foreign("sandbox", "index.html", "0123456789", "text/html");
    let page = fetch(&sandbox, "GET", "/", "").await;
    let etag = page.header("etag").expect("an ETag").to_owned();
    let same = fetch(&sandbox, "GET", "/", &format!("if-none-match: W/{etag}\r\n")).await;
    assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", Some(etag.as_str())));
    let since = page.header("last-modified").expect("a date");
    assert_eq!(fetch(&sandbox, "GET", "/", &format!("if-modified-since: {since}\r\n")).await.status, 304);
    let part = fetch(&sandbox, "GET", "/", "range: bytes=2-4\r\n").await;
    assert_eq!((part.status, part.body.as_str(), part.header("content-range")), (206, "234", Some("bytes 2-4/10")));
    assert_eq!(fetch(&sandbox, "GET", "/", "range: bytes=10-\r\n").await.status, 416);
    let head = fetch(&sandbox, "HEAD", "/", "").await;
    assert_eq!((head.status, head.body.as_str(), head.header("content-length")), (200, "", Some("10")));
    sandbox.stop().await;
}

/// As in S3, even behind CloudFront: a bare plus is a space.
#[tokio::test]
async fn only_an_encoded_plus_is_one() {
    let sandbox = start().await;
    sandbox.set_distribution(site());
    sandbox.put_foreign("sandbox", "live/c++/index.html", "plus", "text/html");
    sandbox.put_foreign("sandbox", "live/a b.txt", "space", "text/plain");
    for (path, status, body) in [
        ("/c%2B%2B/", 200, "plus"),
        ("/c%2b%2b", 200, "plus"),
        ("/c%2B%2B/index.html?q=a+b", 200, "plus"),
        ("/a+b.txt", 200, "space"),
        ("/a%20b.txt", 200, "space"),
    ] {
        let page = fetch(&sandbox, "GET", path, "").await;
        assert_eq!((page.status, page.body.as_str()), (status, body), "{path}");
    }
    for path in ["/c++/", "/c+%2B/", "/c++/index.html", "/a%2Bb.txt"] {
        assert_eq!(fetch(&sandbox, "GET", path, "").await.status, 403, "{path}");
    }
    sandbox.stop().await;
}

/// A cached answer is evicted only by an invalidation, at each location after its own delay; and the invalidation is completed
/// when it has taken effect everywhere.
#[tokio::test]
async fn an_invalidation_is_completed_when_all_locations_have_forgotten() {
    let sandbox = start().await;
    sandbox.delay_invalidations(LOCATIONS[2], Duration::from_secs(30));
    sandbox.put_foreign("sandbox", "a.txt", "old", "text/plain");
    let at = async |location: &str| fetch(&sandbox, "GET", "/a.txt", &format!("{EDGE_HEADER}: {location}\r\n")).await;
    for location in LOCATIONS {
        assert_eq!(at(location).await.header("x-cache"), Some("Miss from cloudfront"));
    }
    sandbox.put_foreign("sandbox", "a.txt", "new", "text/plain");
    let hit = at(LOCATIONS[0]).await;
    assert_eq!((hit.header("x-cache"), hit.body.as_str()), (Some("Hit from cloudfront"), "old"));
    let client = cloudfront(&sandbox);
    let create = async || {
        let paths = Paths::builder().quantity(1).items("/a.txt").build().unwrap();
        let batch = InvalidationBatch::builder().paths(paths).caller_reference("once").build().unwrap();
        let create = client.create_invalidation().distribution_id("E1SANDBOX").invalidation_batch(batch);
        create.send().await.expect("an invalidation").invalidation.expect("an invalidation").id
    };
    let id = create().await;
    assert_eq!((at(LOCATIONS[1]).await.body, at(LOCATIONS[2]).await.body), ("new".to_owned(), "old".to_owned()));
    let status = async || {
        let poll = client.get_invalidation().distribution_id("E1SANDBOX").id(&id).send().await.expect("a status");
        poll.invalidation.expect("an invalidation").status
    };
    for _ in 0..3 {
        assert_eq!(status().await, "InProgress");
    }
    sandbox.advance_clock(Duration::from_secs(31));
    assert_eq!(status().await, "Completed");
    assert_eq!(at(LOCATIONS[2]).await.body, "new");
    assert_eq!(create().await, id, "the same request is the same invalidation");
    assert_eq!(at(LOCATIONS[2]).await.header("x-cache"), Some("Hit from cloudfront"), "which has been done");
    sandbox.stop().await;
}

/// No path of a site has an empty segment, so the page hides none.
#[tokio::test]
async fn the_edges_page_is_no_path_of_a_site() {
    let sandbox = start().await;
    sandbox.put_foreign("sandbox", "_sandbox/index.html", "a site's own", "text/html");
    let page = fetch(&sandbox, "GET", "/_sandbox//", "").await;
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    assert!(page.body.contains("Nothing."), "{}", page.body);
    assert_eq!(fetch(&sandbox, "GET", "/_sandbox/", "").await.body, "a site's own");
    let page = fetch(&sandbox, "GET", "/_sandbox//", "").await;
    assert!(page.body.contains("/_sandbox/index.html"), "{}", page.body);
    assert_eq!(fetch(&sandbox, "HEAD", "/_sandbox//", "").await.body, "");
    let foreign = fetch(&sandbox, "GET", "/_sandbox//", "origin: http://evil.example\r\n").await;
    assert_eq!(foreign.status, 403);
    sandbox.stop().await;
}

/// Simultaneous requests for one answer reach the origin once.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_together_are_collapsed() {
    let sandbox = start().await;
    sandbox.put_foreign("sandbox", "a.html", "x".repeat(200_000), "text/html");
    let asked = (0..30).map(|_| fetch(&sandbox, "GET", "/a.html", ""));
    let answers = futures_util::future::join_all(asked).await;
    let missed = answers.iter().filter(|page| page.header("x-cache") == Some("Miss from cloudfront")).count();
    let hit = answers.iter().filter(|page| page.header("x-cache") == Some("Hit from cloudfront")).count();
    assert_eq!((missed, hit), (1, 29));
    assert!(answers.iter().all(|page| page.body.len() == 200_000));
    sandbox.stop().await;
}

//! The edge in front of a site: what a publish lets it forget, and what it leaves there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use publish::content::path::UrlPath;
use publish::report::InvalidationStatus;
use publish::sandbox::{EDGE_HEADER, LOCATIONS};

use crate::world::{World, files_of, fixture};

/// What browsers and programs send, of which an edge keeps answers apart.
const ENCODINGS: [&str; 3] = ["gzip, deflate, br, zstd", "gzip", "identity"];

/// Asks a site's edge, at each location and in each encoding.
struct Viewers<'a> {
    world: &'a World,
    client: Client<HttpConnector, Empty<Bytes>>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn is_hit(&self) -> bool {
        self.headers["x-cache"] == "Hit from cloudfront"
    }
}

impl<'a> Viewers<'a> {
    fn of(world: &'a World) -> Viewers<'a> {
        Viewers { world, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// All answers of a file's own address.
    async fn get(&self, file: &str) -> Vec<Answer> {
        let url = format!("{}{}", self.world.sandbox.site_url(), UrlPath::encode(file));
        let mut answers = Vec::new();
        for location in LOCATIONS {
            for encoding in ENCODINGS {
                let request = Request::get(&url).header(EDGE_HEADER, location).header("accept-encoding", encoding);
                let answer = self.client.request(request.body(Empty::new()).unwrap()).await.unwrap();
                let (parts, body) = answer.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                answers.push(Answer { status: parts.status.as_u16(), headers: parts.headers, body });
            }
        }
        answers
    }
}

fn site(build: &str) -> BTreeMap<String, Vec<u8>> {
    files_of(&fixture(build))
}

#[tokio::test(flavor = "multi_thread")]
async fn from_v1_to_v2_all_is_new_that_changed_and_nothing_else_is_forgotten() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let viewers = Viewers::of(&world);
    let (v1, v2) = (site("v1"), site("v2"));
    for _ in 0..2 {
        for file in v1.keys() {
            viewers.get(file).await;
        }
    }
    world.use_fixture("v2");
    let report = world.published().await;
    assert_eq!(report.invalidation.unwrap().evicted_unchanged, 0);

    let removed: BTreeSet<&str> = BTreeSet::from(["contact.html"]);
    let mut kept = 0;
    for (file, bytes) in &v1 {
        let answers = viewers.get(file).await;
        if removed.contains(file.as_str()) {
            assert!(answers.iter().all(|answer| answer.status == 403), "{file} is gone");
        } else if v2.get(file).is_none_or(|new| new == bytes) {
            // What only left the site stays for open tabs.
            assert!(answers.iter().all(Answer::is_hit), "{file} did not change");
            kept += 1;
        } else {
            assert!(answers.iter().all(|answer| answer.status == 200), "{file} changed");
        }
    }
    assert_eq!(kept, 18 + 8, "unchanged files, and those of v1 that open tabs may still ask for");
    for (file, bytes) in &v2 {
        for answer in viewers.get(file).await {
            let is_plain = !answer.headers.contains_key("content-encoding");
            assert!(answer.status == 200 && (!is_plain || answer.body == bytes[..]), "{file} is not that of v2");
        }
    }
    world.assert_settled();
}

/// What is seen at the edge that this machine reaches says nothing of the others, and nothing is said of them.
#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_comes_later_is_waited_for_where_it_is_seen_and_elsewhere_it_is_only_sent() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let viewers = Viewers::of(&world);
    viewers.get("index.html").await;
    let (near, far) = (Duration::from_secs(1), Duration::from_secs(50));
    let [first, others @ ..] = LOCATIONS;
    world.sandbox.delay_invalidations(first, near);
    others.iter().for_each(|other| world.sandbox.delay_invalidations(other, far));
    world.use_fixture("v2");
    let report = world.published().await;
    let invalidation = report.invalidation.unwrap();
    assert_eq!((invalidation.status, invalidation.completed), (InvalidationStatus::Effective, false));
    assert_eq!(invalidation.edge.as_deref(), Some(first));
    let (old, new) = (&site("v1")["index.html"], &site("v2")["index.html"]);
    let seen = async || {
        let answers = viewers.get("index.html").await.into_iter();
        answers
            .filter(|answer| !answer.headers.contains_key("content-encoding"))
            .map(|answer| answer.body)
            .collect::<Vec<_>>()
    };
    let is_near = |place: usize, all: usize| place < all / LOCATIONS.len();
    let bodies = seen().await;
    for (place, body) in bodies.iter().enumerate() {
        assert_eq!(body, if is_near(place, bodies.len()) { new } else { old }, "answer {place} of {}", bodies.len());
    }
    assert!(world.head().pending_refreshes.iter().all(|refresh| refresh.is_sent()));
    world.sandbox.advance_clock(far);
    assert!(seen().await.iter().all(|body| body == new));
}

//! Links that are slow, far or bad: what is published arrives, and is sent once.

use std::collections::BTreeMap;
use std::time::Duration;

use publish::config::environment::{LeaseSettings, LinkSettings};
use publish::sandbox::{Effect, Fault, Match};

use crate::link::{Link, Shape};
use crate::world::World;

/// 128 kbit/s, when all times are 20 times shorter.
const SLOW: u32 = 320_000;

/// A world at the other end of a link. Time-outs are shorter than real ones; what they have to do with the link is as there.
async fn far_away(shape: Shape) -> (World, Link) {
    let mut world = World::new().await;
    let link = Link::to(world.sandbox.s3_endpoint(), shape).await;
    world.environment.access.s3_endpoint = Some(link.endpoint.clone());
    world.environment.access.link = LinkSettings {
        stalled: Duration::from_secs(1),
        answer: Duration::from_secs(4),
        ahead: Duration::from_millis(250),
        slowest: SLOW,
        ..LinkSettings::default()
    };
    (world, link)
}

/// Pages of as many bytes each, which say which build they are of.
fn build(world: &World, pages: usize, bytes: usize, word: &str) -> u64 {
    for number in 0..pages {
        let mut page = format!("<p>{word} {number}");
        page.extend(std::iter::repeat_n('.', bytes - page.len()));
        world.write(&format!("page-{number}.html"), page);
    }
    (pages * bytes) as u64
}

/// What arrived of each key that is no record of the state: the bytes of each of its requests' bodies.
fn sent(world: &World) -> BTreeMap<String, Vec<u64>> {
    let mut sent = BTreeMap::<String, Vec<u64>>::new();
    let requests = world.sandbox.requests().into_iter();
    let puts = requests.filter(|request| request.operation == "PutObject" && !request.key.ends_with(".json"));
    for put in puts.filter(|put| !put.key.ends_with(".gz")) {
        sent.entry(put.key).or_default().push(put.body_bytes);
    }
    sent
}

/// Each file went up in one request, and nothing else did but records of the state and what every request says of itself.
#[track_caller]
fn assert_sent_once(world: &World, link: &Link, before: u64, bytes: u64) {
    let sent = sent(world);
    let again: Vec<_> = sent.iter().filter(|(_, requests)| requests.len() > 1).collect();
    assert!(again.is_empty(), "sent again: {again:?}");
    assert_eq!(sent.values().flatten().sum::<u64>(), bytes);
    let requests = world.sandbox.requests();
    let bodies: u64 = requests.iter().map(|request| request.body_bytes).sum();
    let (carried, headers) = (link.sent() - before, 2_000 * requests.len() as u64);
    assert!(carried <= bodies + headers, "{carried} bytes went up, of them {bodies} in {} requests", requests.len());
}

/// The whole site takes longer than an answer may, and waits in a queue that would keep a renewal for longer than the
/// lease lasts: the lease is renewed in time all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_carries_a_first_and_a_later_publish_and_every_byte_once() {
    let (mut world, link) = far_away(Shape { queue: 4 << 20, ..Shape::of(SLOW) }).await;
    world.environment.lease = LeaseSettings {
        lasts: Duration::from_secs(2),
        renew_every: Duration::from_millis(400),
        margin: Duration::from_millis(200),
    };
    let bytes = build(&world, 16, 60_000, "first");
    world.published().await;
    assert_sent_once(&world, &link, 0, bytes);

    let before = link.sent();
    world.sandbox.clear_requests();
    let bytes = build(&world, 6, 60_000, "second");
    world.published().await;
    assert_sent_once(&world, &link, before, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_link_is_no_slow_one() {
    let (world, link) = far_away(Shape { latency: Duration::from_millis(400), ..Shape::of(10_000_000) }).await;
    let bytes = build(&world, 40, 20_000, "first");
    world.published().await;
    assert_sent_once(&world, &link, 0, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_stalls_costs_one_file_and_not_the_publish() {
    let (world, link) = far_away(Shape { stalls_at: Some(200_000), ..Shape::of(10_000_000) }).await;
    let bytes = build(&world, 20, 20_000, "first");
    world.published().await;
    assert_eq!(link.stalled(), 1);
    assert!(link.sent() < bytes + bytes / 10 + 2 * 20_000, "{} bytes went up", link.sent());
    assert_eq!(world.live().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_late_is_waited_for() {
    let (world, _link) = far_away(Shape::of(10_000_000)).await;
    let matches =
        Match { operation: Some("PutObject".to_owned()), key_contains: Some("page-1".to_owned()), service: None };
    let effect = Effect::Latency(Duration::from_secs(3));
    world.sandbox.inject(Fault { matches, skip: 0, times: 2, effect });
    build(&world, 20, 2_000, "first");
    world.published().await;
    assert_eq!(sent(&world).len(), 20);
    assert!(sent(&world).values().all(|requests| requests.len() == 1), "{:?}", sent(&world));
}

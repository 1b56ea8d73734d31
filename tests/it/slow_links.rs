//! Links that are slow, far or bad: what is published arrives, and is sent once.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::sleep;

use publish::config::environment::{LeaseSettings, LinkSettings};
use publish::sandbox::{Effect, Fault, Match};

use crate::link::{self, Break, Link, Shape};
use crate::random::Random;
use crate::world::{self, World};

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
    let breaks = BTreeMap::from([(200_000, Break::Stalls)]);
    let (world, link) = far_away(Shape { breaks, ..Shape::of(10_000_000) }).await;
    let bytes = build(&world, 20, 20_000, "first");
    world.published().await;
    assert_eq!(link.broken(), 1);
    assert!(link.sent() < bytes + bytes / 10 + 2 * 20_000, "{} bytes went up", link.sent());
    assert_eq!(world.live().len(), 20);
}

/// A link that loses much: some connections break off, and some stall, at any byte of what goes up.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_connections_break_all_of_it_arrives() {
    const BREAKS: u64 = 8;
    const BYTES: u64 = 480_000;
    for seed in 1..=4 {
        let mut random = Random::new(seed);
        // One in each part of the whole, so that no two meet in one piece.
        let mut breaks = |number: u64| {
            let at = number * BYTES / BREAKS + random.below(50_000) as u64;
            (at, if random.below(2) == 0 { Break::Stalls } else { Break::Resets })
        };
        let breaks: BTreeMap<u64, Break> = (0..BREAKS).map(&mut breaks).collect();
        let (mut world, link) = far_away(Shape { breaks: breaks.clone(), ..Shape::of(10_000_000) }).await;
        (world.environment.access.link.stalled, world.environment.access.link.answer) =
            (Duration::from_millis(500), Duration::from_millis(500));
        assert_eq!(build(&world, 24, 20_000, "first"), BYTES);
        let report = world.publish().await;
        assert_eq!(report.exit_code, 0, "{seed} {breaks:?}: {report:#?}");
        assert_eq!(link.broken(), breaks.len(), "{seed} {breaks:?}");
        let live = world.live();
        for (path, bytes) in world::files_of(&world.folder) {
            assert_eq!(live[&path].bytes, bytes, "{seed} {breaks:?}: {path}");
        }
        assert_eq!(live.len(), 24);
        world.assert_settled();
    }
}

/// 8 Mbit/s and files of 1 MB and of 3 MB, when all times are 5 times shorter and the link is half as fast, at a router that
/// queues much: while a lease is held, so little goes up at once that a renewal takes under 10 s.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_does_not_wait_for_long_behind_uploads() {
    tokio::join!(renewals_behind(24, 100_000), renewals_behind(16, 300_000));
}

async fn renewals_behind(files: usize, bytes: usize) {
    let (late, noted) = (Duration::from_millis(20), Some("PUT /sandbox/_publish/live/head.json"));
    let (mut world, link) = far_away(Shape { queue: 4 << 20, late, noted, ..Shape::of(500_000) }).await;
    let [stalled, answer, ahead] = [4, 24, 1].map(Duration::from_secs);
    world.environment.access.link = LinkSettings { stalled, answer, ahead, ..LinkSettings::default() };
    let [lasts, renew_every, margin] = [18_000, 200, 1_000].map(Duration::from_millis);
    world.environment.lease = LeaseSettings { lasts, renew_every, margin };
    build(&world, files, bytes, "first");
    world.published().await;
    let waits = link.waits();
    assert!(waits.len() > 6, "it was renewed now and then: {waits:?}");
    assert!(waits.iter().all(|waits| *waits < Duration::from_secs(2)), "{waits:?}");
}

/// Nobody can see a connection that is refused, so that it is a time that is waited for here.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_where_nobody_listens_yet_is_waited_for() {
    let (mut world, _link) = far_away(Shape::of(10_000_000)).await;
    let (this_end, endpoint) = link::this_end();
    world.environment.access.s3_endpoint = Some(endpoint);
    build(&world, 2, 2_000, "first");
    let listens = async {
        sleep(Duration::from_millis(500)).await;
        Link::from(this_end, world.sandbox.s3_endpoint(), Shape::of(10_000_000))
    };
    let (report, link) = tokio::join!(world.publish(), listens);
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert!(link.sent() > 4_000);
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

//! How a lease ends: a margin before its end by S3's clock its owner begins nothing any more, whether it was renewed or
//! not, and whatever it was about to do.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use publish::config::environment::LeaseSettings;
use publish::release::retention::RetentionSettings;
use publish::report::Report;
use publish::sandbox::{Effect, Fault, LoggedRequest, Match};

use crate::world::World;

const ALL: Duration = Duration::from_secs(90);

/// Three releases, of which the first has outlived its retention, and a fourth one on the disk.
async fn three_releases() -> World {
    let mut world = World::new().await;
    for number in 1..=3 {
        world.write("index.html", format!("index {number}"));
        world.published().await;
    }
    world.write("index.html", "index 4");
    world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
    world.sandbox.advance_clock(Duration::from_secs(24 * 3_600));
    world.sandbox.clear_requests();
    world
}

/// What must hold when a lease was over before anything could be done under it: after the write of the head that began it,
/// S3 was asked for nothing but so many renewals, and whose the head is.
fn assert_nothing_was_begun(world: &World, report: &Report, renewals: usize) {
    let error = report.error.as_ref().unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!(error.code, "lease_lost", "{report:#?}");
    let requests = world.s3_requests();
    let begun = requests.iter().position(|one| one.operation == "PutObject" && one.key.ends_with("head.json")).unwrap();
    let of_the_head = |one: &LoggedRequest| one.key == "_publish/live/head.json";
    let Some((looks, before)) = requests[begun + 1..].split_last() else { panic!("{requests:#?}") };
    assert!(looks.operation == "GetObject" && of_the_head(looks), "{looks:#?}");
    assert!(before.iter().all(|one| one.operation == "PutObject" && of_the_head(one)), "{before:#?}");
    assert_eq!(before.len(), renewals);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_begun_within_the_margin_of_a_lease() {
    for command in ["publish", "rollback", "prune"] {
        let mut world = three_releases().await;
        world.environment.lease = LeaseSettings { lasts: ALL, margin: ALL, ..LeaseSettings::default() };
        world.refuse_after(1, "PutObject", "head.json", 403, "AccessDenied");
        let visible = world.visible();
        let report = match command {
            "publish" => world.publish().await,
            "rollback" => world.rollback(None).await,
            _ => world.prune(&[]).await,
        };
        assert_nothing_was_begun(&world, &report, 1);
        assert_eq!(world.visible(), visible, "{command}");
    }
}

/// S3 counts from when it wrote the head, and the run from before it asked: an answer that takes long uses the lease up, and
/// nothing is begun where no other write makes it longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_whose_first_answer_comes_late_is_over_by_then() {
    let mut world = three_releases().await;
    let [lasts, margin, late] = [10_000, 9_800, 400].map(Duration::from_millis);
    world.environment.lease = LeaseSettings { lasts, margin, renew_every: lasts };
    let matches =
        Match { operation: Some("PutObject".to_owned()), key_contains: Some("head.json".to_owned()), service: None };
    world.sandbox.inject(Fault { matches, skip: 0, times: 1, effect: Effect::Latency(late) });
    world.refuse("PutObject", "head.json", 403, "AccessDenied");
    let report = world.publish().await;
    assert_nothing_was_begun(&world, &report, 1);
}

/// A store that answers each write of the head after 36 to 60 s, where a lease lasts 90 s; here all times are 90 times shorter.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_long_enough_for_a_store_that_answers_within_a_minute() {
    let mut world = three_releases().await;
    let [lasts, renew_every, margin] = [1_000, 333, 55].map(Duration::from_millis);
    world.environment.lease = LeaseSettings { lasts, renew_every, margin };
    let (switched, mut seen) = tokio::sync::watch::channel(None);
    let (mut writes, mut begun) = (0, None);
    world.sandbox.inject_by(move |request| match request.operation.as_str() {
        "CopyObject" if request.key.starts_with("live/") => {
            begun = Some(writes);
            Some(Effect::Hold)
        }
        "PutObject" if request.key.ends_with("head.json") => {
            writes += 1;
            switched.send_replace(begun.map(|begun| writes - begun));
            Some(Effect::Latency(Duration::from_millis(if writes % 2 == 0 { 667 } else { 400 })))
        }
        _ => None,
    });
    // By then the lease was renewed twice, and the switch has taken longer than it lasts at first.
    let mut publishing = pin!(world.publish());
    tokio::select! {
        report = &mut publishing => panic!("{report:#?}"),
        renewed = seen.wait_for(|renewals| renewals.is_some_and(|renewals| renewals > 2)) => assert!(renewed.is_ok()),
    }
    world.sandbox.release_held();
    let report = publishing.await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert_eq!(&world.live()["index.html"].bytes[..], b"index 4");
}

/// A copy hangs, and S3 takes no renewal: the run ends by itself, and writes nothing when the margin has begun.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_renew_its_lease_ends_before_the_margin() {
    let mut world = three_releases().await;
    let [lasts, margin, renew_every] = [20_000, 19_500, 50].map(Duration::from_millis);
    world.environment.lease = LeaseSettings { lasts, margin, renew_every };
    let begun: Arc<Mutex<Option<Instant>>> = Arc::default();
    let latest: Arc<Mutex<Option<Instant>>> = Arc::default();
    let (first, last) = (Arc::clone(&begun), Arc::clone(&latest));
    world.sandbox.inject_by(move |request| {
        // Whose the head is may be asked when the lease is over.
        if (request.operation.as_str(), request.key.as_str()) != ("GetObject", "_publish/live/head.json") {
            *last.lock().unwrap() = Some(Instant::now());
        }
        match request.operation.as_str() {
            "CopyObject" if request.key.starts_with("live/") => Some(Effect::Hold),
            "PutObject" if request.key.ends_with("head.json") => {
                let mut first = first.lock().unwrap();
                let renews = first.is_some();
                first.get_or_insert_with(Instant::now);
                let (status, code, message) = (403, "AccessDenied".to_owned(), String::new());
                renews.then_some(Effect::Refuse { status, code, message })
            }
            _ => None,
        }
    });
    let report = world.publish().await;
    assert_eq!((report.exit_code, report.error.as_ref().unwrap().code.as_str()), (5, "lease_lost"), "{report:#?}");
    let renewals = world.s3_writes().into_iter().filter(|one| one.key.ends_with("head.json")).count() - 1;
    assert!(renewals > 0, "it tried");
    let (begun, latest) = (begun.lock().unwrap().unwrap(), latest.lock().unwrap().unwrap());
    // Half of the margin is for a request that was sent just before it began.
    let elapsed = latest.duration_since(begun);
    assert!(elapsed < lasts - margin / 2, "something arrived {elapsed:?} after the lease had begun");
    assert!(world.head().activation.unwrap().lease_s > 0, "others wait: what hangs may still arrive");
}

/// A renewal is counted from when the head was last sent, not from when that was answered: slow answers do not use the lease up.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_in_time_however_late_the_head_is_answered() {
    let mut world = three_releases().await;
    let [lasts, margin, renew_every, late] = [20_000, 500, 1_000, 1_000].map(Duration::from_millis);
    world.environment.lease = LeaseSettings { lasts, margin, renew_every };
    let (sent, mut seen) = tokio::sync::watch::channel(Vec::new());
    world.sandbox.inject_by(move |request| match request.operation.as_str() {
        "CopyObject" if request.key.starts_with("live/") => Some(Effect::Hold),
        "PutObject" if request.key.ends_with("head.json") => {
            sent.send_modify(|sent| sent.push(Instant::now()));
            Some(Effect::Latency(late))
        }
        _ => None,
    });
    let renewed = async {
        let sent = seen.wait_for(|sent| sent.len() == 3).await.unwrap().clone();
        world.sandbox.release_held();
        sent
    };
    let (report, sent) = tokio::join!(world.publish(), renewed);
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let between = sent[2].duration_since(sent[1]);
    assert!(between < (renew_every + late) * 4 / 5, "{between:?} between two renewals");
}

/// The connection swallows the write that ends a switch: it is sent again while the lease lasts, and nobody takes over.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_write_of_a_switch_is_sent_again_while_the_lease_lasts() {
    let mut world = three_releases().await;
    let [lasts, margin, renew_every] = [6_000, 500, 5_000].map(Duration::from_millis);
    world.environment.lease = LeaseSettings { lasts, margin, renew_every };
    let sent = Arc::new(Mutex::new(Vec::new()));
    let writes = Arc::clone(&sent);
    world.sandbox.inject_by(move |request| {
        if request.operation != "PutObject" || !request.key.ends_with("head.json") {
            return None;
        }
        let mut writes = writes.lock().unwrap();
        writes.push(Instant::now());
        (writes.len() == 2).then_some(Effect::Hold)
    });
    let report = world.publish().await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert!(world.head().activation.is_none());
    let sent = sent.lock().unwrap().clone();
    let after = sent[2].duration_since(sent[1]);
    assert!(after < lasts - margin, "{after:?} later");
    world.sandbox.release_held();
}

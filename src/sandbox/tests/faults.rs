//! Injected faults, the log of affected requests, and the clock.

use std::time::{Duration, Instant};

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;

use super::{BUCKET, cloudfront, put, refusal, s3, start};
use crate::sandbox::{Effect, Fault, Match, Sandbox, Service};

fn fault(operation: &str, skip: usize, times: usize, effect: Effect) -> Fault {
    Fault { matches: Match { operation: Some(operation.to_owned()), ..Match::default() }, skip, times, effect }
}

fn slow_down() -> Effect {
    Effect::Refuse { status: 503, code: "SlowDown".to_owned(), message: "Please reduce your request rate.".to_owned() }
}

fn statuses(sandbox: &Sandbox) -> Vec<Option<u16>> {
    sandbox.requests().iter().map(|entry| entry.status).collect()
}

#[tokio::test]
async fn the_nth_request_is_refused() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    sandbox.inject(fault("PutObject", 1, 1, slow_down()));
    let put = |key: &str| {
        let request = client.put_object().bucket(BUCKET).key(key);
        request.body(ByteStream::from(vec![1; 2_000_000])).send()
    };
    put("a").await.expect("let through");
    assert_eq!(refusal(put("b").await), (503, "SlowDown".into()));
    put("c").await.expect("over");
    assert_eq!(statuses(&sandbox), [Some(200), Some(503), Some(200)]);
    assert_eq!(sandbox.objects(BUCKET).into_keys().collect::<Vec<_>>(), ["a", "c"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_reset_has_no_effect_and_a_dropped_answer_has_one() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let put = |key: &str| client.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"x")).send();
    sandbox.inject(fault("PutObject", 0, 1, Effect::ResetBefore));
    assert!(matches!(put("a").await, Err(SdkError::DispatchFailure(_))));
    assert!(sandbox.objects(BUCKET).is_empty());
    sandbox.inject(fault("PutObject", 0, 1, Effect::DropAnswer));
    assert!(matches!(put("b").await, Err(SdkError::DispatchFailure(_))));
    assert!(sandbox.objects(BUCKET).contains_key("b"));
    put("c").await.expect("no more faults");
    assert_eq!(statuses(&sandbox), [None, None, Some(200)]);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_sdk_retries_and_each_attempt_is_logged() {
    let sandbox = start().await;
    let retries = aws_sdk_s3::config::retry::RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let client = aws_sdk_s3::Client::from_conf(super::s3_config(&sandbox).retry_config(retries).build());
    sandbox.inject(fault("PutObject", 0, 1, Effect::ResetBefore));
    sandbox.inject(fault("PutObject", 0, 1, slow_down()));
    put(&client, "k", b"x").await;
    assert_eq!(statuses(&sandbox), [None, Some(503), Some(200)]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_stalled_request_ends_when_the_sandbox_stops() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    sandbox.inject(fault("GetObject", 0, usize::MAX, Effect::Stall));
    let get = tokio::spawn(client.get_object().bucket(BUCKET).key("k").send());
    while sandbox.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    sandbox.stop().await;
    assert!(matches!(get.await.expect("the task"), Err(SdkError::DispatchFailure(_))));
}

#[tokio::test]
async fn latency_delays_and_services_are_told_apart() {
    let sandbox = start().await;
    let slow = Duration::from_millis(60);
    sandbox.inject(Fault {
        matches: Match { service: Some(Service::CloudFront), ..Match::default() },
        skip: 0,
        times: 1,
        effect: Effect::Latency(slow),
    });
    sandbox.inject(Fault {
        matches: Match { key_contains: Some("secret".to_owned()), ..Match::default() },
        skip: 0,
        times: usize::MAX,
        effect: slow_down(),
    });
    let client = s3(&sandbox);
    put(&client, "open", b"x").await;
    assert_eq!(refusal(client.get_object().bucket(BUCKET).key("a/secret/b").send().await).0, 503);
    let started = Instant::now();
    cloudfront(&sandbox).get_distribution().id("E1SANDBOX").send().await.expect("served");
    assert!(started.elapsed() >= slow);
    sandbox.clear_faults();
    assert_eq!(refusal(client.get_object().bucket(BUCKET).key("a/secret/b").send().await).0, 404);
    sandbox.clear_requests();
    assert!(sandbox.requests().is_empty());
    put(&client, "open", b"y").await;
    assert_eq!(statuses(&sandbox), [Some(200)]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_held_request_takes_effect_after_its_client_is_gone() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    sandbox.inject(fault("PutObject", 0, 1, Effect::Hold));
    let request = client.put_object().bucket(BUCKET).key("late");
    let late = tokio::spawn(request.body(ByteStream::from_static(b"x")).send());
    while sandbox.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    // Its small body was sent together with its head.
    late.abort();
    assert!(late.await.is_err());
    put(&client, "other", b"x").await;
    assert!(!sandbox.objects(BUCKET).contains_key("late"));
    sandbox.release_held();
    while !sandbox.objects(BUCKET).contains_key("late") {
        tokio::task::yield_now().await;
    }
    assert_eq!(statuses(&sandbox), [None, Some(200)]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_request_held_for_too_long_has_expired() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let mut hold = fault("PutObject", 0, 2, Effect::Hold);
    hold.matches.key_contains = Some("held".to_owned());
    sandbox.inject(hold);
    for (minutes, expired) in [(14, false), (16, true)] {
        sandbox.clear_requests();
        let request = client.put_object().bucket(BUCKET).key(format!("held {minutes}"));
        let held = tokio::spawn(request.body(ByteStream::from_static(b"x")).send());
        while sandbox.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        // Answered after the body of the held request was read, so it arrived before the clock moves.
        put(&client, "other", b"x").await;
        sandbox.advance_clock(Duration::from_secs(minutes * 60));
        sandbox.release_held();
        let result = held.await.expect("the task");
        if expired {
            assert_eq!(refusal(result), (403, "RequestTimeTooSkewed".into()));
        } else {
            result.expect("served");
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn held_and_slow_requests_have_no_effect_once_the_sandbox_stops() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    sandbox.inject(fault("PutObject", 0, 1, Effect::Hold));
    sandbox.inject(fault("PutObject", 0, 1, Effect::Latency(Duration::from_secs(3_600))));
    let put = |key: &str| {
        let put = client.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"x"));
        tokio::spawn(put.send())
    };
    let (held, slow) = (put("held"), put("slow"));
    while sandbox.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    let store = sandbox.store.clone();
    sandbox.stop().await;
    assert!(held.await.expect("the task").is_err());
    assert!(slow.await.expect("the task").is_err());
    assert!(store.objects(BUCKET).is_empty());
}

#[tokio::test]
async fn the_clock_moves_dates_and_clients_follow() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    put(&client, "before", b"x").await;
    sandbox.advance_clock(Duration::from_secs(86_400));
    put(&client, "after", b"x").await;
    put(&client, "after", b"x").await;
    let objects = sandbox.objects(BUCKET);
    let seconds = objects["after"].last_modified.as_second() - objects["before"].last_modified.as_second();
    assert!((86_400..86_460).contains(&seconds), "{seconds}");
    let head = client.head_object().bucket(BUCKET).key("after").send().await.expect("head");
    assert_eq!(head.last_modified().map(|date| date.secs()), Some(objects["after"].last_modified.as_second()));
    sandbox.stop().await;
}

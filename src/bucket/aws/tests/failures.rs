//! Failures, and their messages.

use super::super::refusals::{REFUSALS, Refusal, class_of};
use super::*;
use crate::report::error::VisitorsSee;

fn said(error: StoreError) -> (Code, String, String, Vec<String>) {
    let failure = Problem::from(error).while_visitors_see(VisitorsSee::Untouched);
    (failure.code, failure.message, failure.hint, failure.causes)
}

#[tokio::test]
async fn a_slow_down_halves_what_is_under_way_and_every_retry_is_counted() {
    let sandbox = sandbox().await;
    let aws = connect(&sandbox).await;
    assert_eq!(aws.store.concurrency(), 32);
    sandbox.inject(fault("PutObject", 2, refusal(503, "SlowDown")));
    aws.store.put_bytes(&at("a"), vec![1], &html(), Condition::Absent).await.unwrap();
    assert_eq!(aws.store.concurrency(), 8);
    assert_eq!(aws.requests.counts(), BTreeMap::from([("PutObject".to_owned(), 3)]));
    for _ in 0..9 {
        aws.store.get(&at("a"), 9).await.unwrap();
    }
    assert_eq!(aws.store.concurrency(), 9);
}

#[tokio::test]
async fn many_refusals_at_once_leave_every_request_its_retries() {
    let sandbox = sandbox().await;
    let aws = connect(&sandbox).await;
    sandbox.inject(fault("PutObject", 100, refusal(503, "SlowDown")));
    let mut puts = tokio::task::JoinSet::new();
    for number in 0..200 {
        let store = aws.store.clone();
        puts.spawn(async move {
            store.put_bytes(&at(&number.to_string()), vec![1], &html(), Condition::Absent).await.map(drop)
        });
    }
    for put in puts.join_all().await {
        put.unwrap();
    }
    assert_eq!(aws.requests.counts()["PutObject"], 300);
    assert_eq!(sandbox.objects(BUCKET).len(), 200);
}

#[tokio::test]
async fn a_lost_answer_comes_back_as_a_precondition() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    sandbox.inject(fault("PutObject", 1, Effect::DropAnswer));
    let lost = store.put_bytes(&at("claim.json"), vec![1], &html(), Condition::Absent).await.unwrap_err();
    assert_eq!(
        (lost.class, lost.code.as_deref(), lost.status),
        (Class::Precondition, Some("PreconditionFailed"), Some(412))
    );
    assert_eq!(store.get(&at("claim.json"), 9).await.unwrap().unwrap().bytes, [1]);
}

#[tokio::test]
async fn a_conflict_is_tried_again() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    sandbox.inject(fault("PutObject", 2, refusal(409, "ConditionalRequestConflict")));
    store.put_bytes(&at("a"), vec![1], &html(), Condition::Absent).await.unwrap();
    assert_eq!(sent(&sandbox, "PutObject").len(), 3);
}

#[tokio::test]
async fn a_refusal_names_the_action_and_the_resource_and_the_request() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    for operation in ["PutObject", "GetObject", "HeadObject", "CopyObject", "ListObjectsV2"] {
        sandbox.inject(fault(operation, 1, refusal(403, "AccessDenied")));
    }
    let page = at("index.html");
    let (code, message, hint, causes) =
        said(store.put_bytes(&page, vec![1], &html(), Condition::None).await.unwrap_err());
    assert_eq!(
        (code, message.as_str()),
        (Code::AccessDenied, "The credentials are not allowed to store s3://sandbox/index.html")
    );
    assert_eq!(hint, "Allow s3:PutObject on arn:aws:s3:::sandbox/index.html.");
    assert!(causes[0].ends_with("answered 403 AccessDenied: said so"), "{causes:?}");
    assert!(causes[1].starts_with("request id "), "{causes:?}");

    let get = store.get(&page, 9).await.unwrap_err();
    assert!(get.is_denied());
    assert!(said(get).2.contains("s3:ListBucket on arn:aws:s3:::sandbox"));
    assert_eq!(store.head(&page).await.unwrap_err().class, Class::Denied);
    let copy = store.copy(&page, None, &page, &html(), Condition::None).await.unwrap_err();
    assert!(said(copy).2.contains("s3:GetObject on the object that is copied"));
    assert_eq!(said(store.list(&at("")).await.unwrap_err()).2, "Allow s3:ListBucket on arn:aws:s3:::sandbox.");
}

#[tokio::test]
async fn the_wrong_region_names_the_right_one() {
    let sandbox = Sandbox::start(Options { region: "eu-west-1".to_owned(), ..Options::default() }).await.unwrap();
    let store = connect(&sandbox).await.store;
    let (code, message, hint, _) = said(store.get(&at("a"), 9).await.unwrap_err());
    assert_eq!((code, message.as_str()), (Code::WrongRegion, "The bucket sandbox is in eu-west-1, not in us-east-1"));
    assert!(hint.contains("--region eu-west-1"));
}

#[tokio::test]
async fn a_missing_bucket_and_unknown_keys_are_told_apart() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let elsewhere = Address { bucket: "elsewhere".to_owned(), key: "a".to_owned() };
    let (code, message, ..) = said(store.get(&elsewhere, 9).await.unwrap_err());
    assert_eq!((code, message.as_str()), (Code::NoSuchBucket, "The bucket elsewhere does not exist"));

    let mut environment = environment(&sandbox);
    let secret = "not-the-secret-of-anything";
    environment.access.static_keys = Some((sandbox.keys().access_key_id.clone(), secret.to_owned()));
    let store = Aws::connect(&environment).await.unwrap().store;
    let (code, message, hint, causes) = said(store.get(&at("a"), 9).await.unwrap_err());
    assert_eq!(code, Code::AccessDenied);
    assert!(hint.contains("secret key"), "{hint}");
    assert!(![message, hint].iter().chain(&causes).any(|text| text.contains(secret)));
}

#[tokio::test]
async fn nobody_there_is_said_after_three_attempts() {
    let sandbox = sandbox().await;
    let mut environment = environment(&sandbox);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    environment.access.s3_endpoint = Some(endpoint.clone());
    let aws = Aws::connect(&environment).await.unwrap();
    let error = aws.store.get(&at("a"), 9).await.unwrap_err();
    assert_eq!((error.class, error.status), (Class::Unavailable, None));
    assert_eq!(aws.requests.counts()["GetObject"], 3);
    let (code, message, _, causes) = said(error);
    assert_eq!((code, message), (Code::Unreachable, format!("S3 at {endpoint} does not respond")));
    assert!(causes.iter().any(|cause| cause.contains("refused")), "{causes:?}");
    assert!(!causes.iter().any(|cause| cause.contains('{')), "{causes:?}");
}

#[tokio::test]
async fn a_profile_that_nobody_has_is_named() {
    let sandbox = sandbox().await;
    let mut environment = environment(&sandbox);
    environment.access.static_keys = None;
    environment.access.profile = Some("a-profile-that-nobody-has".to_owned());
    let store = Aws::connect(&environment).await.unwrap().store;
    let error = store.get(&at("a"), 9).await.unwrap_err();
    let (code, message, hint, causes) = said(error);
    // If the machine has AWS files, they do not contain the profile.
    assert!([Code::Configuration, Code::NoCredentials].contains(&code), "{causes:?}");
    assert!(message.contains("profile `a-profile-that-nobody-has`"), "{message}");
    assert!(hint.contains("--profile"));
    assert!(!causes.iter().any(|cause| cause.contains('{')), "{causes:?}");
}

#[tokio::test]
async fn expired_credentials_are_said_to_be_expired() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    sandbox.inject(fault("GetObject", 1, refusal(400, "ExpiredToken")));
    assert_eq!(said(store.get(&at("a"), 9).await.unwrap_err()).0, Code::ExpiredCredentials);
}

#[tokio::test]
async fn what_stays_broken_is_an_unknown_effect() {
    let sandbox = sandbox().await;
    let aws = connect(&sandbox).await;
    sandbox.inject(fault("PutObject", usize::MAX, refusal(500, "InternalError")));
    let error = aws.store.put_bytes(&at("a"), vec![1], &html(), Condition::None).await.unwrap_err();
    assert_eq!((error.class, error.status), (Class::Unavailable, Some(500)));
    assert_eq!(aws.requests.counts()["PutObject"], 8);
}

#[tokio::test]
async fn an_endpoint_that_is_no_url_is_a_mistake_in_the_configuration() {
    let sandbox = sandbox().await;
    for endpoint in ["localhost:9000", "http://", "not a url", "ftp://host"] {
        let mut environment = environment(&sandbox);
        environment.access.s3_endpoint = Some(endpoint.to_owned());
        let problem = Aws::connect(&environment).await.unwrap_err();
        assert_eq!(problem.code, Code::Configuration, "{endpoint}");
        assert!(problem.message.contains(endpoint), "{problem}");
    }
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_were_asked_for() {
    let sandbox = sandbox().await;
    let mut environment = environment(&sandbox);
    environment.access.link.concurrency = 2;
    let store = Aws::connect(&environment).await.unwrap().store;
    assert_eq!(store.concurrency(), 2);
    for _ in 0..40 {
        store.head(&at("a")).await.unwrap();
    }
    assert_eq!(store.concurrency(), 2);
}

/// The system buffers some of the data for a server that never reads, and then no more.
#[tokio::test]
async fn a_standstill_ends_an_attempt_and_those_that_stood_together_slow_down_once() {
    let sandbox = sandbox().await;
    let mut environment = environment(&sandbox);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    environment.access.s3_endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    environment.access.link.stalled = std::time::Duration::from_millis(100);
    environment.access.link.slowest = u32::MAX;
    let aws = Aws::connect(&environment).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    #[expect(clippy::disallowed_methods, reason = "a test makes the file that it sends")]
    std::fs::write(&path, vec![7; 20 << 20]).unwrap();
    let digest = crate::types::digest::Digest::of(b"");
    let file = crate::site::snapshot::SourceFile {
        place: crate::site::snapshot::SeenFile::of(&path).unwrap(),
        size_bytes: 20 << 20,
        digest,
        crc64: None,
        md5: None,
        traces: Default::default(),
    };
    let error = aws.store.put_file(&at("a"), &file, &html(), Condition::Absent).await.unwrap_err();
    assert_eq!((error.class, error.status), (Class::Unavailable, None));
    assert_eq!(aws.requests.counts()["PutObject"], 3, "there was never an answer");
    assert_eq!(aws.store.concurrency(), 4, "one attempt after the other");
    let (code, _, _, causes) = said(error);
    assert_eq!(code, Code::Unreachable);
    assert!(causes.iter().any(|cause| cause.starts_with("no byte was accepted for")), "{causes:?}");
}

/// A server at this address starts after a while, as when a network comes back.
#[tokio::test]
async fn who_is_not_there_yet_is_tried_again_for_a_few_seconds() {
    let sandbox = sandbox().await;
    let there: std::net::SocketAddr = sandbox.s3_endpoint().trim_start_matches("http://").parse().unwrap();
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut environment = environment(&sandbox);
    environment.access.s3_endpoint = Some(format!("http://{address}"));
    let aws = Aws::connect(&environment).await.unwrap();
    let late = async {
        // Longer than the SDK's own attempts take.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = tokio::net::TcpStream::connect(there).await.unwrap();
        tokio::io::copy_bidirectional(&mut client, &mut server).await
    };
    let address_of_object = at("none");
    let got = aws.store.head(&address_of_object);
    tokio::select! {
        got = got => assert_eq!(got.unwrap(), None),
        ended = late => panic!("{ended:?}"),
    }
    assert_eq!(aws.requests.counts()["HeadObject"], 1, "what never left this machine is no request");
}

/// Each row of the table over HTTP: a permanent failure is requested once, repeats S3's message and
/// what to change, and does not suggest the same command again.
#[tokio::test]
async fn what_is_refused_for_good_is_asked_for_once_and_says_what_to_change() {
    let sandbox = sandbox().await;
    let rows = REFUSALS.iter().filter(|refusal| refusal.class.lasts());
    for (refusal_row, code) in rows.flat_map(|row| row.codes.iter().map(move |code| (row, *code))) {
        let aws = connect(&sandbox).await;
        let status = if refusal_row.class == Class::Unsupported { 501 } else { 400 };
        sandbox.inject(fault("PutObject", 1, refusal(status, code)));
        let error = aws.store.put_bytes(&at("a"), vec![1], &html(), Condition::Absent).await.unwrap_err();
        assert_eq!(error.class, refusal_row.class, "{code}");
        assert_eq!(aws.requests.counts()["PutObject"], 1, "{code}");
        let (said_as, message, hint, causes) = said(error);
        assert!(said_as.lasts_until_changed(), "{code}: {said_as:?}");
        assert!(!hint.is_empty() && !hint.starts_with("Run the same command"), "{code}: {hint}");
        assert!(refusal_row.change.is_none_or(|change| hint.starts_with(change)), "{code}: {hint}");
        assert!(causes[0].ends_with(&format!("answered {status} {code}: said so")), "{message}: {causes:?}");
    }
    assert_eq!(sandbox.objects(BUCKET), Default::default());
}

/// The meaning of a status alone, if the code is unknown.
#[tokio::test]
async fn a_refusal_that_nobody_knows_lasts_as_well() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    for (status, expected) in [(400, Code::Refused), (405, Code::Refused), (501, Code::UnfitStore)] {
        sandbox.inject(fault("PutObject", 1, refusal(status, "SomethingNew")));
        let error = store.put_bytes(&at("a"), vec![1], &html(), Condition::Absent).await.unwrap_err();
        let (code, _, hint, _) = said(error);
        assert_eq!(code, expected, "{status}");
        assert!(!hint.is_empty() && !hint.contains("again"), "{status}: {hint}");
    }
}

/// S3 begins its answer before it knows the end of a long operation.
#[tokio::test]
async fn an_error_in_a_200_is_an_error_and_is_tried_again() {
    for code in ["ServiceUnavailable", "InternalError", "SlowDown"] {
        let sandbox = sandbox().await;
        let aws = connect(&sandbox).await;
        let etag = aws.store.put_bytes(&at("a"), vec![1], &html(), Condition::None).await.unwrap();
        let seen = [crate::release::layout::SeenObject::new(at("b"), &etag)];
        for operation in ["CopyObject", "DeleteObjects"] {
            sandbox.inject(fault(operation, 2, refusal(200, code)));
        }
        aws.store.copy(&at("a"), None, &at("b"), &html(), Condition::Absent).await.unwrap();
        assert!(aws.store.delete(&seen).await.unwrap().is_empty(), "{code}");
        assert_eq!(sandbox.objects(BUCKET).into_keys().collect::<Vec<_>>(), ["a"], "{code}");
        let counts = aws.requests.counts();
        assert_eq!((counts["CopyObject"], counts["DeleteObjects"]), (3, 3), "{code}");
    }
}

#[tokio::test]
async fn a_200_that_stays_an_error_is_said_to_be_one() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    for operation in ["CopyObject", "DeleteObjects"] {
        sandbox.inject(fault(operation, usize::MAX, refusal(200, "ServiceUnavailable")));
    }
    let (page, copy, headers) = (at("a"), at("b"), html());
    let seen = [crate::release::layout::SeenObject::new(at("b"), "")];
    let (copied, deleted) =
        tokio::join!(store.copy(&page, None, &copy, &headers, Condition::Absent), store.delete(&seen));
    for error in [copied.unwrap_err(), deleted.unwrap_err()] {
        assert_eq!((error.class, error.status), (Class::Unavailable, Some(200)));
        let (code, message, hint, _) = said(error);
        assert_eq!((code, hint.as_str()), (Code::Aws, "Run the same command again."));
        assert!(message.ends_with("keeps ending its responses with an error"), "{message}");
    }
}

/// A HEAD has no body to say so in.
#[tokio::test]
async fn a_look_with_an_expired_token_says_that_it_has_expired() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    for operations in [&["HeadObject", "GetObject"][..], &["HeadObject"][..]] {
        sandbox.clear_faults();
        operations.iter().for_each(|operation| sandbox.inject(fault(operation, 1, refusal(400, "ExpiredToken"))));
        let (code, message, hint, _) = said(store.head(&at("a")).await.unwrap_err());
        assert_eq!((code, message.as_str()), (Code::ExpiredCredentials, "The AWS credentials have expired"));
        assert!(hint.contains("Sign in again"), "{hint}");
    }
    // An object that needs its owner's key is no sign of that.
    sandbox.inject(fault("HeadObject", 1, refusal(400, "InvalidRequest")));
    sandbox.inject(fault("GetObject", 1, refusal(400, "InvalidRequest")));
    let locked = store.head(&at("a")).await.unwrap_err();
    assert_eq!((locked.class, locked.code.as_deref()), (Class::Refused, Some("InvalidRequest")));
}

#[tokio::test]
async fn what_is_archived_is_said_to_be() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let (page, copy, headers) = (at("a"), at("b"), html());
    for operation in ["GetObject", "CopyObject"] {
        sandbox.inject(fault(operation, 1, refusal(403, "InvalidObjectState")));
    }
    let got = store.get(&page, 9).await.unwrap_err();
    let copied = store.copy(&page, None, &copy, &headers, Condition::None).await.unwrap_err();
    for error in [got, copied] {
        assert!(!error.is_denied());
        let (code, message, hint, _) = said(error);
        assert_eq!(code, Code::Refused);
        assert!(message.contains("archived") && hint.contains("restore-object"), "{message}. {hint}");
    }
}

/// A temporary failure is retried, by its code or by its status, and a permanent one is not.
#[tokio::test]
async fn whatever_passes_is_asked_for_again() {
    let passes = |refusal: &&Refusal| matches!(refusal.class, Class::Throttled | Class::Unavailable);
    let codes = REFUSALS.iter().filter(passes).flat_map(|refusal| refusal.codes);
    let codes = codes.filter(|code| **code != "TooManyInvalidationsInProgress").map(|code| (400, *code));
    let statuses = [408, 425, 429, 500, 502, 503, 504, 509, 520, 521, 522, 523, 524, 529, 598];
    let sandbox = sandbox().await;
    let (sandbox, all) = (&sandbox, codes.chain(statuses.map(|status| (status, ""))).enumerate());
    let asked = all.map(|(number, (status, code))| async move {
        let (aws, key) = (connect(sandbox).await, format!("key-{number}-"));
        let matches = Match { key_contains: Some(key.clone()), ..Match::default() };
        sandbox.inject(Fault { matches: matches.clone(), skip: 0, times: 1, effect: refusal(status, code) });
        sandbox.inject(Fault { matches, skip: 1, times: 1, effect: refusal(status, code) });
        aws.store.put_bytes(&at(&key), vec![1], &html(), Condition::Absent).await.unwrap();
        aws.store.get(&at(&key), 9).await.unwrap().unwrap();
        let counts = aws.requests.counts();
        assert_eq!((counts["PutObject"], counts["GetObject"]), (2, 2), "{status} {code}");
        let is_throttled = class_of(Some(status), Some(code), None) == Class::Throttled || status == 503;
        assert_eq!(aws.store.concurrency() < 32, is_throttled, "{status} {code}");
    });
    futures_util::future::join_all(asked).await;
    for status in [400, 501, 507] {
        let aws = connect(sandbox).await;
        sandbox.inject(fault("PutObject", 1, refusal(status, "")));
        aws.store.put_bytes(&at("last"), vec![1], &html(), Condition::Absent).await.unwrap_err();
        assert_eq!(aws.requests.counts()["PutObject"], 1, "{status}");
    }
}

//! Reading, describing, copying, listing, removing.

use super::*;
use crate::release::layout::SeenObject;
use crate::types::digest::Digest;

/// Objects whose ETags are unknown.
fn unseen(addresses: &[Address]) -> Vec<SeenObject> {
    addresses.iter().map(|address| SeenObject::new(address.clone(), "")).collect()
}

const ODD_KEYS: [&str; 6] = ["a b.html", "ä/ö.html", "a+b&c=d.html", "100%25.html", "~me/x.html", "q?#[x].html"];

#[tokio::test]
async fn what_was_put_is_got_and_described() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let etag = store.put_bytes(&at("index.html"), b"hello".to_vec(), &rich(), Condition::None).await.unwrap();

    let got = store.get(&at("index.html"), 5).await.unwrap().unwrap();
    assert_eq!((got.bytes.as_slice(), &got.etag), (b"hello".as_slice(), &etag));
    assert!(got.served_at >= got.last_modified && got.last_modified.unix_seconds() > 0);

    let info = store.head(&at("index.html")).await.unwrap().unwrap();
    assert_eq!(info.headers, rich());
    assert_eq!(info.site.as_deref(), Some("shop"));
    assert_eq!((info.etag, info.size_bytes, info.digest), (etag, 5, Some(Digest::of(b"hello"))));
    let stored = &sandbox.objects(BUCKET)["index.html"];
    assert_eq!(stored.metadata.get("publish-site").map(String::as_str), Some("shop"));
}

#[test]
fn nobody_else_may_name_metadata_as_the_marker_is_named() {
    assert!(crate::bucket::aws::object::MARKER.starts_with(crate::types::headers::RESERVED_METADATA));
    // The longest name of a site, and two cache tags with the comma between them.
    let tags = crate::release::cache_tags::METADATA.len() + 2 * "publish-0123456789abcdef".len() + 1;
    let marker = crate::bucket::aws::object::MARKER.len() + 64;
    let most = marker + tags + crate::types::headers::MAX_METADATA_BYTES;
    assert!(most <= 2 << 10, "what S3 keeps (AWS.md 4.4), with the longest name of a site");
}

#[tokio::test]
async fn what_is_not_there_is_none_and_what_is_too_large_is_refused() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    assert_eq!(store.get(&at("none"), 10).await.unwrap(), None);
    assert_eq!(store.head(&at("none")).await.unwrap(), None);
    sandbox.put_foreign(BUCKET, "large", vec![0; 11], "text/plain");
    assert_eq!(store.get(&at("large"), 10).await.unwrap_err().class, Class::Other);
    let foreign = store.head(&at("large")).await.unwrap().unwrap();
    assert_eq!((foreign.site, foreign.digest, foreign.headers.cache_control.as_str()), (None, None, ""));
}

#[tokio::test]
async fn an_object_without_a_checksum_is_hashed_in_pieces() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    sandbox.put_foreign(BUCKET, "large", bytes.clone(), "text/plain");
    assert_eq!(store.hash(&at("large")).await.unwrap(), Some(Digest::of(&bytes)));
    assert_eq!(store.hash(&at("none")).await.unwrap(), None);
}

#[tokio::test]
async fn the_time_is_that_of_s3() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    store.put_bytes(&at("head"), vec![1], &html(), Condition::None).await.unwrap();
    sandbox.advance_clock(Duration::from_secs(3_600));
    let got = store.get(&at("head"), 10).await.unwrap().unwrap();
    assert!(got.served_at.since(got.last_modified) >= Duration::from_secs(3_600));
}

#[tokio::test]
async fn conditions_hold_or_refuse() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let head = at("head.json");
    let put = async |bytes: &[u8], condition: Condition<'_>| {
        store.put_bytes(&head, bytes.to_vec(), &html(), condition).await.map_err(|error| error.class)
    };
    assert_eq!(put(b"0", Condition::Matches("\"0\"")).await, Err(Class::Missing));
    let first = put(b"1", Condition::Absent).await.unwrap();
    assert_eq!(put(b"2", Condition::Absent).await, Err(Class::Precondition));
    let second = put(b"2", Condition::Matches(&first)).await.unwrap();
    assert_eq!(put(b"3", Condition::Matches(&first)).await, Err(Class::Precondition));
    assert_eq!(store.get(&head, 9).await.unwrap().unwrap().etag, second);
}

#[tokio::test]
async fn copies_carry_the_new_headers_and_keep_their_conditions() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let blob = at("_publish/blobs/1");
    let etag = store.put_bytes(&blob, b"page".to_vec(), &rich(), Condition::None).await.unwrap();

    store.copy(&blob, Some(&etag), &at("index.html"), &html(), Condition::Absent).await.unwrap();
    let info = store.head(&at("index.html")).await.unwrap().unwrap();
    assert_eq!((info.headers, info.site.as_deref()), (html(), Some("shop")));
    assert_eq!(info.digest, Some(Digest::of(b"page")));

    let copy = async |source_etag, to: &str, condition: Condition<'_>| {
        store.copy(&blob, source_etag, &at(to), &html(), condition).await.map_err(|error| error.class)
    };
    assert_eq!(copy(Some("\"0\""), "other.html", Condition::None).await, Err(Class::Precondition));
    assert_eq!(copy(None, "index.html", Condition::Absent).await, Err(Class::Precondition));
    assert_eq!(copy(None, "index.html", Condition::Matches("\"0\"")).await, Err(Class::Precondition));
    let missing = store.copy(&at("none"), None, &at("x"), &html(), Condition::None).await.unwrap_err();
    assert_eq!(missing.class, Class::Missing);
}

#[tokio::test]
async fn odd_keys_survive_every_operation() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    for key in ODD_KEYS {
        let (source, copy) = (at(key), at(&format!("copies/{key}")));
        let etag = store.put_bytes(&source, key.as_bytes().to_vec(), &html(), Condition::Absent).await.unwrap();
        store.copy(&source, Some(&etag), &copy, &html(), Condition::Absent).await.unwrap();
        assert_eq!(store.get(&copy, 99).await.unwrap().unwrap().bytes, key.as_bytes());
        assert_eq!(store.list(&copy).await.unwrap().iter().map(|listed| &listed.address).collect::<Vec<_>>(), [&copy]);
    }
    let listed: Vec<Address> = store.list(&at("")).await.unwrap().into_iter().map(|listed| listed.address).collect();
    assert_eq!(listed.len(), 2 * ODD_KEYS.len());
    assert!(store.delete(&unseen(&listed)).await.unwrap().is_empty());
    assert!(sandbox.objects(BUCKET).is_empty());
}

#[tokio::test]
async fn more_than_a_page_is_listed_and_removed() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    for number in 0..2_100 {
        sandbox.put_foreign(BUCKET, &format!("many/{number:04}"), vec![0; 3], "text/plain");
    }
    sandbox.put_foreign(BUCKET, "other", vec![0], "text/plain");
    let listed = store.list(&at("many/")).await.unwrap();
    assert_eq!(listed.len(), 2_100);
    assert!(listed.is_sorted_by_key(|listed| listed.address.key.clone()));
    assert_eq!((listed[7].size_bytes, listed[7].address.key.as_str()), (3, "many/0007"));
    let addresses: Vec<Address> = listed.into_iter().map(|listed| listed.address).collect();
    assert!(store.delete(&unseen(&addresses)).await.unwrap().is_empty());
    assert_eq!(sent(&sandbox, "ListObjectsV2").len(), 3);
    assert_eq!(sent(&sandbox, "DeleteObjects").len(), 3);
    assert_eq!(sandbox.objects(BUCKET).into_keys().collect::<Vec<_>>(), ["other"]);
}

/// Stores older than the other checksums refuse a multi-object removal without it.
#[tokio::test]
async fn a_removal_says_the_md5_of_what_it_asks_for() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    assert_eq!(store.delete(&unseen(&[at("a"), at("b")])).await.unwrap().len(), 0);
    let asked = sent(&sandbox, "DeleteObjects").pop().unwrap();
    let body = r#"<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a</Key></Object><Object><Key>b</Key></Object><Quiet>true</Quiet></Delete>"#;
    assert_eq!(asked.body_bytes, body.len() as u64);
    assert_eq!(asked.headers["content-md5"], crate::types::digest::Md5::of(body.as_bytes()).to_base64());
}

#[tokio::test]
async fn a_listing_that_would_not_end_ends_with_a_sentence() {
    let sandbox = sandbox().await;
    let mut store = connect(&sandbox).await.store;
    for number in 0..1_500 {
        sandbox.put_foreign(BUCKET, &format!("many/{number:04}"), "", "text/plain");
    }
    std::sync::Arc::get_mut(&mut store.settings).unwrap().max_listed = 1_499;
    let error = store.list(&at("many/")).await.unwrap_err();
    assert_eq!(error.class, Class::TooMany);
    let problem = Problem::from(error);
    assert_eq!(problem.code, Code::TooLarge);
    assert!(problem.message.contains("s3://sandbox/many/ contains more than 2000000 objects"), "{problem}");
    std::sync::Arc::get_mut(&mut store.settings).unwrap().max_listed = 1_500;
    assert_eq!(store.list(&at("many/")).await.unwrap().len(), 1_500);
}

#[tokio::test]
async fn credentials_that_may_not_delete_are_no_error() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    sandbox.put_foreign(BUCKET, "a", vec![0], "text/plain");
    sandbox.inject(fault("DeleteObjects", usize::MAX, refusal(403, "AccessDenied")));
    let kept = store.delete(&unseen(&[at("a"), at("b")])).await.unwrap();
    assert_eq!(
        kept.iter().map(|(address, error)| (address.key.as_str(), error.class)).collect::<Vec<_>>(),
        [("a", Class::Denied), ("b", Class::Denied)]
    );
}

#[tokio::test]
async fn every_request_says_who_must_own_the_bucket() {
    let sandbox = sandbox().await;
    let mut environment = environment(&sandbox);
    environment.access.expected_bucket_owner = Some("000000000000".to_owned());
    let store = Aws::connect(&environment).await.unwrap().store;
    let (page, copy) = (at("a"), at("b"));
    store.put_bytes(&page, vec![1], &html(), Condition::None).await.unwrap();
    store.copy(&page, None, &copy, &html(), Condition::None).await.unwrap();
    store.get(&page, 9).await.unwrap();
    store.head(&page).await.unwrap();
    store.list(&at("")).await.unwrap();
    store.delete(&unseen(&[page, copy])).await.unwrap();
    let requests = sandbox.requests();
    assert_eq!(requests.len(), 6);
    assert!(requests.iter().all(|request| request.headers["x-amz-expected-bucket-owner"] == "000000000000"));
    assert!(requests.iter().any(|request| request.headers.contains_key("x-amz-source-expected-bucket-owner")));

    environment.access.expected_bucket_owner = Some("111111111111".to_owned());
    let store = Aws::connect(&environment).await.unwrap().store;
    let refused = store.get(&at("a"), 9).await.unwrap_err();
    assert_eq!(refused.class, Class::Denied);
    assert!(Problem::from(refused).hint.contains("does not belong to account 111111111111"));
}

#[tokio::test]
async fn a_404_that_is_not_of_s3_is_no_missing_object() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    sandbox.inject(fault("GetObject", 1, refusal(404, "PageNotFound")));
    assert_eq!(store.get(&at("head.json"), 9).await.unwrap_err().class, Class::Other);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    sandbox.put_foreign(BUCKET, "a", vec![1; 9], "text/plain");
    sandbox.inject(fault("GetObject", 2, Effect::DropAnswer));
    assert_eq!(store.get(&at("a"), 9).await.unwrap().unwrap().bytes.len(), 9);
}

#[tokio::test]
async fn keys_that_could_not_be_removed_just_now_are_asked_for_again() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    sandbox.put_foreign(BUCKET, "a", vec![1], "text/plain");
    sandbox.inject(fault("DeleteObjects", 2, refusal(503, "SlowDown")));
    assert!(store.delete(&unseen(&[at("a"), at("a"), at("none")])).await.unwrap().is_empty());
    assert!(sandbox.objects(BUCKET).is_empty());
}

#[tokio::test]
async fn what_changed_since_it_was_looked_at_stays_and_what_is_gone_is_gone() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let put = |key: &str, byte: u8| sandbox.put_foreign(BUCKET, key, vec![byte], "text/plain");
    for key in ["same", "changed", "gone"] {
        put(key, 1);
    }
    let etag = store.head(&at("same")).await.unwrap().unwrap().etag;
    put("changed", 2);
    sandbox.remove_object(BUCKET, "gone");
    let seen: Vec<SeenObject> =
        ["same", "changed", "gone"].map(|key| SeenObject::new(at(key), &etag)).into_iter().collect();
    let kept = store.delete(&seen).await.unwrap();
    assert_eq!(
        kept.iter().map(|(address, error)| (address.key.as_str(), error.class)).collect::<Vec<_>>(),
        [("changed", Class::Precondition)]
    );
    assert_eq!(sandbox.objects(BUCKET).into_keys().collect::<Vec<_>>(), ["changed"]);
}

/// The answer to a removal is lost: the SDK retries, and learns that there is no such object.
#[tokio::test]
async fn a_removal_whose_answer_was_lost_is_a_removal() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    sandbox.put_foreign(BUCKET, "a", vec![1], "text/plain");
    let etag = store.head(&at("a")).await.unwrap().unwrap().etag;
    sandbox.inject(fault("DeleteObjects", 1, Effect::DropAnswer));
    assert!(store.delete(&[SeenObject::new(at("a"), &etag)]).await.unwrap().is_empty());
    assert!(sandbox.objects(BUCKET).is_empty());
}

#[tokio::test]
async fn a_store_that_refuses_the_condition_is_asked_without_it() {
    for (status, code) in [(501, "NotImplemented"), (400, "MalformedXML")] {
        let sandbox = sandbox().await;
        let store = connect(&sandbox).await.store;
        sandbox.put_foreign(BUCKET, "a", vec![1], "text/plain");
        let etag = store.head(&at("a")).await.unwrap().unwrap().etag;
        sandbox.inject(fault("DeleteObjects", 1, refusal(status, code)));
        assert!(store.delete(&[SeenObject::new(at("a"), &etag)]).await.unwrap().is_empty(), "{code}");
        assert!(sandbox.objects(BUCKET).is_empty());
    }
}

/// What it says is there is what was decided on.
#[tokio::test]
async fn a_gateway_that_takes_other_etags_than_it_gives_out_is_asked_without_them() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut environment = environment(&sandbox().await);
    environment.access.s3_endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    let store = Aws::connect(&environment).await.unwrap().store;
    let gateway = std::thread::spawn(move || {
        let refused = "<DeleteResult><Error><Key>a</Key><Code>PreconditionFailed</Code></Error></DeleteResult>";
        [refused, "", "<DeleteResult/>"].map(|body| answer_one(&listener, "ETag: \"outside\"\r\n", body))
    });
    assert!(store.delete(&[SeenObject::new(at("a"), "\"outside\"")]).await.unwrap().is_empty());
    let asked = gateway.join().unwrap();
    assert_eq!(asked.map(|request| request.contains("<ETag>")), [true, false, false]);
}

/// Answers the next request and returns it.
fn answer_one(listener: &std::net::TcpListener, headers: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let (mut client, _) = listener.accept().unwrap();
    let mut request = String::new();
    let mut bytes = [0; 4_096];
    while !(request.starts_with("HEAD") && request.ends_with("\r\n\r\n") || request.ends_with("</Delete>")) {
        let read = client.read(&mut bytes).unwrap();
        request.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
    client.write_all((head + body).as_bytes()).unwrap();
    request
}

/// Every call may be made from its own task.
#[tokio::test]
async fn every_call_can_move_between_threads() {
    fn can_move<T: Send>(_: T) {}
    let sandbox = sandbox().await;
    let environment = environment(&sandbox);
    can_move(Aws::connect(&environment));
    let aws = connect(&sandbox).await;
    let (store, page, headers) = (&aws.store, at("a"), html());
    can_move(store.get(&page, 9));
    can_move(store.head(&page));
    can_move(store.list(&page));
    can_move(store.delete(&[]));
    can_move(store.put_bytes(&page, Vec::new(), &headers, Condition::None));
    can_move(store.copy(&page, None, &page, &headers, Condition::Matches("")));
    can_move(aws.fetcher.fetch("", Encoding::Identity, 9));
}

#[tokio::test]
async fn any_name_of_a_site_comes_back_from_its_marker() {
    let sandbox = sandbox().await;
    let mut environment = environment(&sandbox);
    environment.layout = Layout::new("Läden & 100% mehr", BUCKET, "", None, None);
    let store = Aws::connect(&environment).await.unwrap().store;
    store.put_bytes(&at("a"), vec![1], &html(), Condition::None).await.unwrap();
    let info = store.head(&at("a")).await.unwrap().unwrap();
    assert_eq!(info.site.as_deref(), Some("Läden & 100% mehr"));
    assert!(info.headers.metadata.is_empty());
}

/// A copy keeps both if its request does not mention them, and needs permissions that a publisher lacks.
#[tokio::test]
async fn copies_leave_tags_and_annotations_behind_and_adopting_keeps_them() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    sandbox.put_foreign(BUCKET, "a", vec![1], "text/plain");
    let said = |place: usize| {
        let copy = &sent(&sandbox, "CopyObject")[place];
        let directive = |name: &str| copy.headers[name].clone();
        (directive("x-amz-tagging-directive"), directive("x-amz-object-annotation-directive"))
    };
    store.copy(&at("a"), None, &at("b"), &html(), Condition::None).await.unwrap();
    assert_eq!(said(0), ("REPLACE".to_owned(), "EXCLUDE".to_owned()));
    store.copy(&at("b"), None, &at("b"), &rich(), Condition::None).await.unwrap();
    assert_eq!(said(1), ("REPLACE".to_owned(), "EXCLUDE".to_owned()));
    let info = store.head(&at("a")).await.unwrap().unwrap();
    store.adopt(&at("a"), &info).await.unwrap();
    assert_eq!(said(2), ("COPY".to_owned(), "COPY".to_owned()));
}

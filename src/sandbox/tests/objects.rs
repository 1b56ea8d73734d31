//! Puts, gets, heads and deletes, with their conditions.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;

use super::{BUCKET, metadata, put, refusal, s3, start};

#[tokio::test]
async fn an_object_comes_back_with_its_headers() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let key = "dir/ä b+c%20&.html";
    let request = client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .content_type("text/html; charset=utf-8")
        .cache_control("no-cache")
        .content_encoding("gzip")
        .content_language("de")
        .content_disposition("inline")
        .metadata("owner", "me");
    let answer = request.body(ByteStream::from_static(b"hello")).send().await.expect("put");
    assert_eq!(answer.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));

    let got = client.get_object().bucket(BUCKET).key(key).send().await.expect("get");
    assert_eq!(got.content_type(), Some("text/html; charset=utf-8"));
    assert_eq!(got.cache_control(), Some("no-cache"));
    assert_eq!(got.content_encoding(), Some("gzip"));
    assert_eq!(got.server_side_encryption().map(|sse| sse.as_str()), Some("AES256"));
    assert_eq!(got.metadata().and_then(|all| all.get("owner")).map(String::as_str), Some("me"));
    assert_eq!(got.body.collect().await.expect("body").into_bytes(), "hello");

    let stored = &sandbox.objects(BUCKET)[key];
    assert_eq!(stored.bytes, "hello");
    assert_eq!(stored.metadata, metadata(&[("owner", "me")]));
    assert_eq!(stored.content_language.as_deref(), Some("de"));
    assert_eq!(stored.content_disposition.as_deref(), Some("inline"));

    let log = sandbox.requests();
    let operations: Vec<_> =
        log.iter().map(|entry| (entry.operation.as_str(), entry.key.as_str(), entry.status)).collect();
    assert_eq!(operations, [("PutObject", key, Some(200)), ("GetObject", key, Some(200))]);
    assert_eq!(log[0].body_bytes, 5);
    assert!(!log[0].headers.contains_key("authorization"));
    sandbox.stop().await;
}

#[tokio::test]
async fn streamed_bodies_lose_their_framing() {
    let sandbox = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, vec![7; 300_000]).expect("a file");
    let body = ByteStream::from_path(&path).await.expect("a stream");
    s3(&sandbox).put_object().bucket(BUCKET).key("k").body(body).send().await.expect("put");
    let log = sandbox.requests();
    assert_eq!(log[0].headers["content-encoding"], "aws-chunked");
    assert_eq!(log[0].body_bytes, 300_000);
    let stored = &sandbox.objects(BUCKET)["k"];
    assert_eq!(stored.content_encoding, None);
    assert_eq!(stored.bytes.len(), 300_000);
    assert!(stored.checksums.contains_key("crc32"));
    sandbox.stop().await;
}

#[tokio::test]
async fn writes_keep_their_conditions() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let request = || client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"new"));
    assert_eq!(refusal(request().if_match("\"x\"").send().await), (404, "NoSuchKey".into()));
    let etag = put(&client, "k", b"old").await;
    let failed = (412, "PreconditionFailed".to_owned());
    assert_eq!(refusal(request().if_none_match("*").send().await), failed);
    assert_eq!(refusal(request().if_match("\"x\"").send().await), failed);
    assert_eq!(refusal(request().if_none_match(&etag).send().await), (501, "NotImplemented".into()));
    assert_eq!(sandbox.objects(BUCKET)["k"].bytes, "old");
    request().if_match(&etag).send().await.expect("the ETag fits");

    let delete = || client.delete_object().bucket(BUCKET).key("k");
    assert_eq!(refusal(delete().if_match(&etag).send().await), failed);
    delete().if_match("*").send().await.expect("it exists");
    assert_eq!(refusal(delete().if_match("*").send().await), (404, "NoSuchKey".into()));
    delete().send().await.expect("nothing to delete is no error");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_one_wins() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    for round in 0..5 {
        let key = format!("k{round}");
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..20 {
            let request = client.put_object().bucket(BUCKET).key(&key).if_none_match("*");
            writers.spawn(request.body(ByteStream::from(format!("{writer}").into_bytes())).send());
        }
        let results = writers.join_all().await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        for result in results.into_iter().filter(Result::is_err) {
            assert_eq!(refusal(result), (412, "PreconditionFailed".into()));
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn reads_keep_their_conditions_and_ranges() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let etag = put(&client, "k", b"0123456789").await;
    let get = || client.get_object().bucket(BUCKET).key("k");
    assert_eq!(refusal(get().if_none_match(&etag).send().await).0, 304);
    assert_eq!(refusal(get().if_match("\"x\"").send().await), (412, "PreconditionFailed".into()));
    let head = client.head_object().bucket(BUCKET).key("k").send().await.expect("head");
    let since = *head.last_modified().expect("a date");
    assert_eq!(refusal(get().if_modified_since(since).send().await).0, 304);

    let part = get().range("bytes=2-4").send().await.expect("a range");
    assert_eq!(part.content_range(), Some("bytes 2-4/10"));
    assert_eq!(part.body.collect().await.expect("body").into_bytes(), "234");
    let tail = get().range("bytes=-3").send().await.expect("a range");
    assert_eq!(tail.body.collect().await.expect("body").into_bytes(), "789");
    assert_eq!(refusal(get().range("bytes=10-").send().await), (416, "InvalidRange".into()));
    assert_eq!(refusal(get().key("none").send().await), (404, "NoSuchKey".into()));
    let missing = client.head_object().bucket(BUCKET).key("none").send().await;
    assert_eq!(refusal(missing).0, 404);
    assert_eq!(refusal(get().bucket("other").send().await), (404, "NoSuchBucket".into()));
    sandbox.stop().await;
}

#[tokio::test]
async fn head_shows_checksums_on_request_only() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let sha256 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let request = client.put_object().bucket(BUCKET).key("k").checksum_sha256(sha256);
    request.body(ByteStream::from_static(b"hello")).send().await.expect("put");
    let head = || client.head_object().bucket(BUCKET).key("k");
    assert_eq!(head().send().await.expect("head").checksum_sha256(), None);
    let shown = head().checksum_mode(ChecksumMode::Enabled).send().await.expect("head");
    assert_eq!(shown.checksum_sha256(), Some(sha256));
    assert_eq!(shown.checksum_type().map(|kind| kind.as_str()), Some("FULL_OBJECT"));
    sandbox.stop().await;
}

#[tokio::test]
async fn kms_etags_are_no_md5() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let request = client.put_object().bucket(BUCKET).key("k").server_side_encryption("aws:kms".into());
    let answer = request.ssekms_key_id("key").body(ByteStream::from_static(b"hello")).send().await.expect("put");
    assert_ne!(answer.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    let stored = &sandbox.objects(BUCKET)["k"];
    assert_eq!((stored.sse.as_str(), stored.kms_key_id.as_deref()), ("aws:kms", Some("key")));
    sandbox.stop().await;
}

//! Listings and deletions of many.

use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};

use super::{BUCKET, put, refusal, s3, start};

#[tokio::test]
async fn pages_come_in_byte_order() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let mut keys: Vec<String> = (0..2_500).map(|number| format!("many/{number:05}")).collect();
    keys.extend(["A", "a", "a b+c", "ä", "z/1", "z/2", "\u{10000}", "\u{FFFD}"].map(str::to_owned));
    for key in &keys {
        sandbox.put_foreign(BUCKET, key, "x", "text/plain");
    }
    keys.sort();
    let mut pages = client.list_objects_v2().bucket(BUCKET).into_paginator().send();
    let (mut listed, mut sizes) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        sizes.push(page.contents().len());
        let entry = &page.contents()[0];
        assert_eq!(entry.checksum_algorithm(), [aws_sdk_s3::types::ChecksumAlgorithm::Crc64Nvme]);
        assert_eq!(entry.checksum_type().map(|kind| kind.as_str()), Some("FULL_OBJECT"));
        listed.extend(page.contents().iter().filter_map(|entry| entry.key().map(str::to_owned)));
    }
    assert_eq!((listed, sizes), (keys, vec![1_000, 1_000, 508]));
    sandbox.stop().await;
}

#[tokio::test]
async fn delimiters_fold_and_pages_go_on_after_them() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    for key in ["a/1", "a/2", "b", "c/1", "c/d/2", "e"] {
        put(&client, key, b"x").await;
    }
    let (mut token, mut seen) = (None, Vec::new());
    loop {
        let request = client.list_objects_v2().bucket(BUCKET).delimiter("/").max_keys(1);
        let page = request.set_continuation_token(token).send().await.expect("a page");
        assert_eq!(page.key_count(), Some(1));
        seen.extend(page.contents().iter().filter_map(|entry| entry.key().map(str::to_owned)));
        seen.extend(page.common_prefixes().iter().filter_map(|prefix| prefix.prefix().map(str::to_owned)));
        token = page.next_continuation_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a/", "b", "c/", "e"]);

    let list = || client.list_objects_v2().bucket(BUCKET);
    let within = list().prefix("c/").delimiter("/").send().await.expect("a page");
    assert_eq!(within.contents()[0].key(), Some("c/1"));
    assert_eq!(within.common_prefixes()[0].prefix(), Some("c/d/"));
    let after = list().start_after("c/1").send().await.expect("a page");
    assert_eq!(after.contents().iter().filter_map(|entry| entry.key()).collect::<Vec<_>>(), ["c/d/2", "e"]);
    let wrong = list().continuation_token("nonsense").send().await;
    assert_eq!(refusal(wrong), (400, "InvalidArgument".into()));
    let none = list().prefix("nothing").send().await.expect("a page");
    assert_eq!((none.key_count(), none.is_truncated()), (Some(0), Some(false)));
    sandbox.stop().await;
}

#[tokio::test]
async fn names_are_encoded_when_asked() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    put(&client, "a b/ä+\u{1}", b"x").await;
    let page = client.list_objects_v2().bucket(BUCKET).encoding_type(EncodingType::Url).send().await;
    assert_eq!(page.expect("a page").contents()[0].key(), Some("a+b/%C3%A4%2B%01"));
    sandbox.stop().await;
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let etag = put(&client, "a", b"1").await;
    put(&client, "b", b"2").await;
    let name = |key: &str, etag: Option<&str>| {
        let name = ObjectIdentifier::builder().key(key).set_e_tag(etag.map(str::to_owned));
        name.build().expect("a name")
    };
    let delete = |names: Vec<ObjectIdentifier>| {
        let delete = Delete::builder().set_objects(Some(names)).build().expect("names");
        client.delete_objects().bucket(BUCKET).delete(delete).send()
    };
    let names = vec![name("a", Some(&etag)), name("b", Some("\"x\"")), name("gone", None), name("gone", Some("\"x\""))];
    let answer = delete(names).await.expect("an answer");
    assert_eq!(answer.deleted().iter().filter_map(|one| one.key()).collect::<Vec<_>>(), ["a", "gone"]);
    let errors: Vec<_> = answer.errors().iter().map(|error| (error.key(), error.code())).collect();
    assert_eq!(errors, [(Some("b"), Some("PreconditionFailed")), (Some("gone"), Some("NoSuchKey"))]);
    let too_many = (0..1_001).map(|number| name(&format!("{number}"), None)).collect();
    assert_eq!(refusal(delete(too_many).await), (400, "MalformedXML".into()));
    assert_eq!(sandbox.objects(BUCKET).into_keys().collect::<Vec<_>>(), ["b"]);
    sandbox.stop().await;
}

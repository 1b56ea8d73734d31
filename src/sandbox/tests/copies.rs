//! Server-side copies.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, MetadataDirective};

use super::{BUCKET, metadata, put, refusal, s3, start};
use crate::sandbox::Sandbox;

async fn with_source(sandbox: &Sandbox) -> aws_sdk_s3::Client {
    let client = s3(sandbox);
    let request = client
        .put_object()
        .bucket(BUCKET)
        .key("source ä+.txt")
        .content_type("text/plain")
        .content_encoding("gzip")
        .cache_control("no-cache")
        .metadata("a", "1")
        .checksum_sha256("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    request.body(ByteStream::from_static(b"hello")).send().await.expect("put");
    client
}

fn copy(client: &aws_sdk_s3::Client) -> aws_sdk_s3::operation::copy_object::builders::CopyObjectFluentBuilder {
    let source = format!("{BUCKET}/source%20%C3%A4%2B.txt");
    client.copy_object().bucket(BUCKET).key("copy").copy_source(source)
}

#[tokio::test]
async fn a_copy_keeps_or_replaces_all_headers() {
    let sandbox = start().await;
    let client = with_source(&sandbox).await;
    let request = copy(&client).cache_control("ignored").content_type("ignored/ignored");
    request.send().await.expect("a copy");
    let objects = sandbox.objects(BUCKET);
    let (source, kept) = (&objects["source ä+.txt"], &objects["copy"]);
    assert_eq!((kept.content_type.as_str(), kept.content_encoding.as_deref()), ("text/plain", Some("gzip")));
    assert_eq!((kept.cache_control.as_deref(), &kept.metadata), (Some("no-cache"), &metadata(&[("a", "1")])));
    assert_eq!((&kept.etag, &kept.checksums, &kept.bytes), (&source.etag, &source.checksums, &source.bytes));

    let replace = copy(&client).metadata_directive(MetadataDirective::Replace);
    replace.cache_control("public").metadata("b", "2").send().await.expect("a copy");
    let replaced = &sandbox.objects(BUCKET)["copy"];
    assert_eq!(replaced.content_type, "binary/octet-stream");
    assert_eq!(replaced.content_encoding, None);
    assert_eq!((replaced.cache_control.as_deref(), &replaced.metadata), (Some("public"), &metadata(&[("b", "2")])));
    assert_eq!(replaced.checksums, source.checksums);
    let log = sandbox.requests();
    assert_eq!((log[1].operation.as_str(), log[1].key.as_str()), ("CopyObject", "copy"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_copy_keeps_its_conditions() {
    let sandbox = start().await;
    let client = with_source(&sandbox).await;
    let failed = (412, "PreconditionFailed".to_owned());
    assert_eq!(refusal(copy(&client).copy_source_if_match("\"x\"").send().await), failed);
    assert_eq!(refusal(copy(&client).if_match("\"x\"").send().await), (404, "NoSuchKey".into()));
    copy(&client).if_none_match("*").send().await.expect("nothing is there");
    assert_eq!(refusal(copy(&client).if_none_match("*").send().await), failed);
    assert_eq!(refusal(copy(&client).if_match("\"x\"").send().await), failed);
    let etag = format!("\"{}\"", sandbox.objects(BUCKET)["copy"].etag);
    assert_eq!(refusal(copy(&client).copy_source_if_none_match(&etag).send().await), failed);
    copy(&client).if_match(&etag).copy_source_if_match(&etag).send().await.expect("both fit");
    assert_eq!(refusal(copy(&client).copy_source("sandbox/none").send().await), (404, "NoSuchKey".into()));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_copy_onto_itself_must_change_something() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    put(&client, "k", b"hello").await;
    let copy = || client.copy_object().bucket(BUCKET).key("k").copy_source("sandbox/k");
    assert_eq!(refusal(copy().send().await), (400, "InvalidRequest".into()));
    let changed = copy().metadata_directive(MetadataDirective::Replace).content_type("text/html");
    let changed = changed.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.expect("a copy");
    let result = changed.copy_object_result.expect("a result");
    assert_eq!(result.checksum_sha256(), Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="));
    assert_eq!(sandbox.objects(BUCKET)["k"].content_type, "text/html");
    sandbox.stop().await;
}

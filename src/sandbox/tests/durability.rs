//! The storage folder across restarts.

use std::path::Path;

use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;

use super::{BUCKET, cloudfront, put, refusal, s3};
use crate::sandbox::{Options, Sandbox, SandboxError};

async fn start_in(root: &Path) -> Sandbox {
    let options = Options { root: Some(root.to_owned()), ..Options::default() };
    Sandbox::start(options).await.expect("the sandbox starts")
}

fn data_files(root: &Path) -> usize {
    std::fs::read_dir(root.join("data")).expect("the data folder").count()
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = start_in(folder.path()).await;
    let client = s3(&sandbox);
    let long = "k/".repeat(512);
    for key in ["a", "../b", &long, "copied from"] {
        put(&client, key, b"hello").await;
    }
    let copy = client.copy_object().bucket(BUCKET).key("copy").copy_source("sandbox/copied from");
    copy.send().await.expect("a copy");
    client.delete_object().bucket(BUCKET).key("copied from").send().await.expect("deleted");
    client.create_bucket().bucket("second").send().await.expect("a bucket");
    let upload =
        client.create_multipart_upload().bucket(BUCKET).key("m").checksum_algorithm(ChecksumAlgorithm::Crc64Nvme);
    let id = upload.send().await.expect("an upload").upload_id.expect("an id");
    let part = client.upload_part().bucket(BUCKET).key("m").upload_id(&id).part_number(1);
    let part = part.body(ByteStream::from_static(b"part")).checksum_algorithm(ChecksumAlgorithm::Crc64Nvme);
    part.send().await.expect("a part");
    let batch = InvalidationBatch::builder().caller_reference("r");
    let paths = Paths::builder().quantity(1).items("/*").build().expect("paths");
    let batch = batch.paths(paths).build().expect("a batch");
    let create = cloudfront(&sandbox).create_invalidation().distribution_id("E1SANDBOX").invalidation_batch(batch);
    create.send().await.expect("an invalidation");
    let (objects, invalidations) = (sandbox.objects(BUCKET), sandbox.invalidations("E1SANDBOX"));
    sandbox.stop().await;

    let sandbox = start_in(folder.path()).await;
    assert_eq!(sandbox.objects(BUCKET), objects);
    assert_eq!(objects.len(), 4);
    assert_eq!(sandbox.invalidations("E1SANDBOX"), invalidations);
    let client = s3(&sandbox);
    client.head_bucket().bucket("second").send().await.expect("the bucket");
    let parts = client.list_parts().bucket(BUCKET).key("m").upload_id(&id).send().await.expect("parts");
    assert_eq!(parts.parts().len(), 1);
    assert_eq!(data_files(folder.path()), 5, "three objects, one shared with a copy, one part");
    client.abort_multipart_upload().bucket(BUCKET).key("m").upload_id(&id).send().await.expect("aborted");
    client.delete_object().bucket(BUCKET).key("copy").send().await.expect("deleted");
    assert_eq!(data_files(folder.path()), 3);
    sandbox.stop().await;
}

#[tokio::test]
async fn what_was_refused_or_cut_off_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = start_in(folder.path()).await;
    let client = s3(&sandbox);
    put(&client, "k", b"kept").await;
    let request = || client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"new"));
    assert_eq!(refusal(request().if_none_match("*").send().await).0, 412);
    assert_eq!(refusal(request().checksum_crc32("AAAAAA==").send().await).0, 400);
    assert_eq!(data_files(folder.path()), 1);
    sandbox.stop().await;

    // What a process that was killed in the middle of a PUT leaves behind.
    std::fs::write(folder.path().join("data").join("000009-000000000"), "half").expect("a file");
    std::fs::write(folder.path().join("temporary").join("x"), "{\"key\":").expect("a file");
    let sandbox = start_in(folder.path()).await;
    assert_eq!(data_files(folder.path()), 1);
    assert_eq!(sandbox.objects(BUCKET)["k"].bytes, "kept");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_folder_has_one_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = start_in(folder.path()).await;
    let second = Sandbox::start(Options { root: Some(folder.path().to_owned()), ..Options::default() });
    let Err(SandboxError::InUse { endpoints, .. }) = second.await else {
        panic!("two sandboxes use one folder");
    };
    assert_eq!(endpoints.expect("the endpoints").s3, sandbox.s3_endpoint());
    sandbox.stop().await;
    start_in(folder.path()).await.stop().await;
}

//! Multipart uploads.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{BUCKET, put, refusal, s3, start};

const MIB: usize = 1024 * 1024;

fn crc64(bytes: &[u8]) -> String {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes);
    STANDARD.encode(crc.to_be_bytes())
}

async fn begin(client: &Client, algorithm: ChecksumAlgorithm) -> String {
    let request = client.create_multipart_upload().bucket(BUCKET).key("k").content_type("text/plain");
    let answer = request.checksum_algorithm(algorithm).send().await.expect("an upload");
    answer.upload_id.expect("an id")
}

async fn part(client: &Client, id: &str, number: i32, bytes: Vec<u8>, algorithm: ChecksumAlgorithm) -> CompletedPart {
    let request = client.upload_part().bucket(BUCKET).key("k").upload_id(id).part_number(number);
    let answer = request.checksum_algorithm(algorithm).body(ByteStream::from(bytes)).send().await.expect("a part");
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(answer.e_tag)
        .set_checksum_sha256(answer.checksum_sha256)
        .set_checksum_crc64_nvme(answer.checksum_crc64_nvme)
        .build()
}

fn listed(parts: &[CompletedPart]) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build()
}

#[tokio::test]
async fn parts_become_one_object_with_a_checksum_of_all_bytes() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let id = begin(&client, ChecksumAlgorithm::Crc64Nvme).await;
    let (first, second) = (vec![1; 5 * MIB], b"tail".to_vec());
    let whole = [first.as_slice(), &second].concat();
    let parts = [
        part(&client, &id, 1, first, ChecksumAlgorithm::Crc64Nvme).await,
        part(&client, &id, 2, second, ChecksumAlgorithm::Crc64Nvme).await,
    ];
    let uploads = client.list_multipart_uploads().bucket(BUCKET).send().await.expect("uploads");
    assert_eq!(uploads.uploads()[0].upload_id(), Some(id.as_str()));
    let shown = client.list_parts().bucket(BUCKET).key("k").upload_id(&id).send().await.expect("parts");
    assert_eq!(shown.parts().iter().filter_map(|part| part.size()).collect::<Vec<_>>(), [5 * MIB as i64, 4]);

    let complete = || client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(&id);
    let reversed = [parts[1].clone(), parts[0].clone()];
    let wrong_order = complete().multipart_upload(listed(&reversed)).send().await;
    assert_eq!(refusal(wrong_order), (400, "InvalidPartOrder".into()));
    let bad_sum = complete().multipart_upload(listed(&parts)).checksum_crc64_nvme(crc64(b"other")).send().await;
    assert_eq!(refusal(bad_sum), (400, "BadDigest".into()));
    put(&client, "k", b"in the way").await;
    let taken = complete().multipart_upload(listed(&parts)).if_none_match("*").send().await;
    assert_eq!(refusal(taken), (412, "PreconditionFailed".into()));
    sandbox.advance_clock(Duration::from_secs(3_600));
    let done = complete().multipart_upload(listed(&parts)).checksum_crc64_nvme(crc64(&whole)).send().await;
    let etag = done.expect("completed").e_tag.expect("an ETag");
    assert!(etag.ends_with("-2\""), "{etag}");
    let again = complete().multipart_upload(listed(&parts)).send().await;
    assert_eq!(refusal(again), (404, "NoSuchUpload".into()));

    let got =
        client.get_object().bucket(BUCKET).key("k").checksum_mode(ChecksumMode::Enabled).send().await.expect("get");
    assert_eq!(got.checksum_crc64_nvme(), Some(crc64(&whole).as_str()));
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(got.body.collect().await.expect("body").into_bytes(), whole);
    let across = client.get_object().bucket(BUCKET).key("k").range(format!("bytes={}-{}", 5 * MIB - 2, 5 * MIB + 1));
    let across = across.send().await.expect("a range").body.collect().await.expect("body").into_bytes();
    assert_eq!(across.as_ref(), [1, 1, b't', b'a']);

    let copy = client.copy_object().bucket(BUCKET).key("copy").copy_source("sandbox/k").send().await.expect("a copy");
    let copied = copy.copy_object_result.expect("a result").e_tag.expect("an ETag");
    assert!(!copied.contains('-'), "a copy is a single part: {copied}");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_sha256_of_parts_is_composite_only() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let request =
        client.create_multipart_upload().bucket(BUCKET).key("k").checksum_algorithm(ChecksumAlgorithm::Sha256);
    let full = request.checksum_type(ChecksumType::FullObject).send().await;
    assert_eq!(refusal(full), (400, "InvalidRequest".into()));

    let id = begin(&client, ChecksumAlgorithm::Sha256).await;
    let request = client.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(1);
    let other = request.checksum_crc64_nvme(crc64(b"x")).body(ByteStream::from_static(b"x")).send().await;
    assert_eq!(refusal(other), (400, "InvalidRequest".into()));
    let parts = [
        part(&client, &id, 1, vec![1; 5 * MIB], ChecksumAlgorithm::Sha256).await,
        part(&client, &id, 3, vec![2; 3], ChecksumAlgorithm::Sha256).await,
    ];
    let complete = |parts: &[CompletedPart]| {
        let request = client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(&id);
        request.multipart_upload(listed(parts)).send()
    };
    let mut bare = parts.clone();
    bare[1].checksum_sha256 = None;
    assert_eq!(refusal(complete(&bare).await), (400, "InvalidRequest".into()));
    let done = complete(&parts).await.expect("completed");
    assert_eq!(done.checksum_type().map(|kind| kind.as_str()), Some("COMPOSITE"));
    assert!(done.checksum_sha256().is_some_and(|sum| sum.ends_with("-2")));
    sandbox.stop().await;
}

#[tokio::test]
async fn small_parts_and_unknown_parts_are_refused() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let id = begin(&client, ChecksumAlgorithm::Crc64Nvme).await;
    let parts = [
        part(&client, &id, 1, vec![1; 10], ChecksumAlgorithm::Crc64Nvme).await,
        part(&client, &id, 2, vec![2; 10], ChecksumAlgorithm::Crc64Nvme).await,
    ];
    let complete = |parts: &[CompletedPart]| {
        let request = client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(&id);
        request.multipart_upload(listed(parts)).send()
    };
    assert_eq!(refusal(complete(&parts).await), (400, "EntityTooSmall".into()));
    let mut unknown = parts[0].clone();
    unknown.part_number = Some(9);
    assert_eq!(refusal(complete(&[unknown]).await), (400, "InvalidPart".into()));
    assert_eq!(refusal(complete(&[]).await), (400, "MalformedXML".into()));
    let abort = || client.abort_multipart_upload().bucket(BUCKET).key("k").upload_id(&id).send();
    abort().await.expect("aborted");
    assert_eq!(refusal(abort().await), (404, "NoSuchUpload".into()));
    sandbox.stop().await;
}

#[tokio::test]
async fn parts_are_copied_server_side() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    put(&client, "source", b"0123456789").await;
    let id = begin(&client, ChecksumAlgorithm::Crc64Nvme).await;
    let copy = || {
        let request = client.upload_part_copy().bucket(BUCKET).key("k").upload_id(&id).part_number(1);
        request.copy_source("sandbox/source")
    };
    assert_eq!(refusal(copy().copy_source_range("bytes=5-10").send().await), (400, "InvalidArgument".into()));
    assert_eq!(refusal(copy().copy_source_if_match("\"x\"").send().await), (412, "PreconditionFailed".into()));
    let copied = copy().copy_source_range("bytes=2-4").send().await.expect("copied");
    let part = CompletedPart::builder().part_number(1).set_e_tag(copied.copy_part_result.and_then(|part| part.e_tag));
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(&id);
    complete.multipart_upload(listed(&[part.build()])).send().await.expect("completed");
    assert_eq!(sandbox.objects(BUCKET)["k"].bytes, "234");
    sandbox.stop().await;
}

//! Large files, encrypted buckets, and equal bytes at many paths.

use publish::config::environment::Encryption;
use publish::content::path::SitePath;
use publish::report::Outcome;
use publish::site::snapshot::MULTIPART_BYTES;
use publish::types::digest::{Crc64, Digest};

use crate::world::World;

async fn assert_next_publish_costs_one_request(world: &World) {
    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1, "{:#?}", world.sandbox.requests());
}

/// Bytes that differ everywhere, so that parts in the wrong order do not go unnoticed.
fn large_bytes(seed: u64) -> Vec<u8> {
    (0..MULTIPART_BYTES / 8).flat_map(|number| (number ^ seed).to_le_bytes()).chain([7]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_up_in_parts_and_is_known_again() {
    let world = World::new().await;
    world.write("index.html", "page");
    world.published().await;
    let bytes = large_bytes(1);
    let path = SitePath::new("films/large.mp4").unwrap();
    world.write(path.as_str(), &bytes);
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!(report.uploaded.bytes, bytes.len() as u64);
    let operations = world.s3_operations();
    let count = |operation: &str| operations.get(operation).copied().unwrap_or(0);
    assert_eq!((count("CreateMultipartUpload"), count("UploadPart"), count("CompleteMultipartUpload")), (1, 5, 1));
    assert_eq!(world.site_bytes_sent(), bytes.len() as u64);

    let object = &world.live()[path.as_str()];
    assert_eq!(object.content_type, "video/mp4");
    assert!(object.bytes == bytes, "other bytes are live");
    let entry = &world.manifest(2).files[&path];
    assert_eq!(entry.digest, Digest::of(&bytes));
    let blob = &world.objects()[&world.environment.layout.blob(&entry.digest).key];
    assert_eq!(entry.crc64.as_ref().map(Crc64::as_base64), blob.checksums.get("crc64nvme").map(String::as_str));
    assert_next_publish_costs_one_request(&world).await;

    // A small change elsewhere leaves it alone; away and back, it is not sent again.
    world.write("index.html", "another page");
    assert_eq!(world.published().await.uploaded.bytes, 12);
    world.remove(path.as_str());
    world.published().await;
    world.write(path.as_str(), &bytes);
    world.sandbox.clear_requests();
    assert_eq!(world.published().await.uploaded.bytes, 0);
    assert_eq!(world.site_bytes_sent(), 0);
    assert_next_publish_costs_one_request(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_of_a_first_publish_is_preserved_when_it_is_replaced() {
    let world = World::new().await;
    let (old, new) = (large_bytes(1), large_bytes(2));
    world.write("large.bin", &old);
    world.published().await;
    assert_next_publish_costs_one_request(&world).await;
    world.write("large.bin", &new);
    world.published().await;
    assert!(world.live()["large.bin"].bytes == new);
    let kept = world.environment.layout.blob(&Digest::of(&old)).key;
    assert!(world.objects()[&kept].bytes == old, "release 1 cannot be brought back");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_is_encrypted_as_configured() {
    let mut world = World::with_fixture("v1").await;
    world.environment.access.encryption = Encryption::Kms { key_id: Some("key-1".to_owned()) };
    world.published().await;
    assert_next_publish_costs_one_request(&world).await;
    world.use_fixture("v2");
    world.published().await;
    for (key, object) in world.objects() {
        assert_eq!((object.sse.as_str(), object.kms_key_id.as_deref()), ("aws:kms", Some("key-1")), "{key}");
    }
    for request in world.s3_writes().iter().filter(|request| request.operation != "DeleteObjects") {
        assert_eq!(request.headers.get("x-amz-server-side-encryption").map(String::as_str), Some("aws:kms"));
    }
    assert_next_publish_costs_one_request(&world).await;
    world.use_fixture("v1");
    assert_eq!(world.published().await.uploaded.bytes, 0, "ETags that are no MD5 change nothing");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_bytes_at_many_paths_are_sent_once() {
    let world = World::new().await;
    world.write("index.html", "page");
    world.published().await;
    for number in 0..20 {
        world.write(&format!("copies/{number}.txt"), "the same bytes everywhere");
    }
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((report.uploaded.objects, report.uploaded.bytes), (1, 25));
    assert_eq!(world.site_bytes_sent(), 25);
    let blobs = world.objects().into_keys().filter(|key| key.contains("/blobs/")).count();
    assert_eq!(blobs, 1);
    world.assert_settled();
}

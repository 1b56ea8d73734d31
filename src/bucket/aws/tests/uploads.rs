//! Files and their stored headers.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::config::environment::Encryption;
use crate::site::snapshot::{MULTIPART_BYTES, SeenFile, SourceFile};
use crate::types::digest::{Crc64, Digest};

pub(super) fn source(path: &Path, bytes: &[u8]) -> SourceFile {
    #[expect(clippy::disallowed_methods, reason = "a test makes the file that it sends")]
    std::fs::write(path, bytes).unwrap();
    let crc64 = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes);
    SourceFile {
        place: SeenFile::of(path).unwrap(),
        size_bytes: bytes.len() as u64,
        digest: Digest::of(bytes),
        crc64: Some(Crc64::new(crc64)),
        md5: None,
        traces: Default::default(),
    }
}

#[tokio::test]
async fn a_file_is_sent_as_it_is_with_the_digest_it_was_hashed_to() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let folder = tempfile::tempdir().unwrap();
    let file = source(&folder.path().join("a.js"), &[7; 300_000]);
    store.put_file(&at("a.js"), &file, &html(), Condition::Absent).await.unwrap();
    let request = &sent(&sandbox, "PutObject")[0];
    assert_eq!(request.headers["x-amz-checksum-sha256"], file.digest.to_base64());
    assert_eq!(request.headers["content-length"], "300000");
    assert!(!request.headers.contains_key("content-encoding"));
    assert!(!request.headers.keys().any(|name| name.contains("crc")));
    assert_eq!(store.head(&at("a.js")).await.unwrap().unwrap().digest, Some(file.digest));
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let folder = tempfile::tempdir().unwrap();
    let file = source(&folder.path().join("empty"), b"");
    store.put_file(&at("empty"), &file, &html(), Condition::Absent).await.unwrap();
    store.put_bytes(&at("none"), Vec::new(), &html(), Condition::Absent).await.unwrap();
    assert_eq!(store.head(&at("empty")).await.unwrap().unwrap().size_bytes, 0);
    assert_eq!(store.get(&at("none"), 0).await.unwrap().unwrap().bytes, b"");
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_hashed_is_refused() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.js");
    let file = source(&path, b"one");
    source(&path, b"two");
    let changed = store.put_file(&at("a.js"), &file, &html(), Condition::None).await.unwrap_err();
    assert_eq!(changed.class, Class::Checksum);
    source(&path, b"1");
    let shorter = store.put_file(&at("a.js"), &file, &html(), Condition::None).await.unwrap_err();
    assert_eq!(shorter.class, Class::LocalFile);
    let problem = Problem::from(changed);
    assert_eq!(problem.code, Code::FileChanged);
    assert!(problem.message.contains("a.js"), "{problem}");
    std::fs::remove_file(&path).unwrap();
    let gone = store.put_file(&at("a.js"), &file, &html(), Condition::None).await.unwrap_err();
    assert_eq!((gone.class, Problem::from(gone).code), (Class::LocalFile, Code::FileChanged));
    assert!(sandbox.objects(BUCKET).is_empty());
}

/// A damaged upload is repeated, unless the file has changed.
#[tokio::test]
async fn bytes_that_arrive_damaged_are_sent_again() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let file = source(&folder.path().join("a.js"), b"one");
    for code in ["BadDigest", "IncompleteBody", "XAmzContentChecksumMismatch"] {
        let aws = connect(&sandbox).await;
        sandbox.inject(fault("PutObject", 1, refusal(400, code)));
        aws.store.put_file(&at("a.js"), &file, &html(), Condition::None).await.unwrap();
        sandbox.inject(fault("PutObject", 1, refusal(400, code)));
        aws.store.put_bytes(&at("head"), vec![1], &html(), Condition::None).await.unwrap();
        assert_eq!(aws.requests.counts()["PutObject"], 4, "{code}");
    }
    let aws = connect(&sandbox).await;
    sandbox.inject(fault("PutObject", usize::MAX, refusal(400, "BadDigest")));
    let error = aws.store.put_file(&at("a.js"), &file, &html(), Condition::None).await.unwrap_err();
    assert_eq!(aws.requests.counts()["PutObject"], 4);
    let problem = Problem::from(error);
    assert_eq!(problem.code, Code::Aws, "the file has not changed: {problem}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_lies_in_the_place_of_a_file_is_not_sent() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    for size_bytes in [3, MULTIPART_BYTES] {
        let path = folder.path().join("a.js");
        let mut file = source(&path, b"one");
        std::fs::File::options().write(true).open(&path).unwrap().set_len(size_bytes).unwrap();
        file.size_bytes = size_bytes;
        std::fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        let link = store.put_file(&at("a.js"), &file, &html(), Condition::None).await.unwrap_err();
        assert_eq!(link.class, Class::LocalFile);
        std::fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let pipe = store.put_file(&at("a.js"), &file, &html(), Condition::None).await.unwrap_err();
        assert_eq!(pipe.class, Class::LocalFile);
        std::fs::remove_file(&path).unwrap();
    }
    assert!(sent(&sandbox, "PutObject").is_empty() && sent(&sandbox, "UploadPart").is_empty());
    assert!(sandbox.objects(BUCKET).is_empty());
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_is_checked_as_a_whole() {
    let sandbox = sandbox().await;
    let aws = connect(&sandbox).await;
    let store = aws.store;
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..MULTIPART_BYTES as usize + 1_000).map(|index| (index / 1_000) as u8).collect();
    let file = source(&folder.path().join("film.mp4"), &bytes);
    sandbox.inject(fault("UploadPart", 1, Effect::ResetBefore));
    store.put_file(&at("film.mp4"), &file, &rich(), Condition::Absent).await.unwrap();
    let info = store.head(&at("film.mp4")).await.unwrap().unwrap();
    assert_eq!((info.crc64.as_ref(), info.digest), (file.crc64.as_ref(), None));
    assert_eq!((info.size_bytes, info.headers, info.site.as_deref()), (file.size_bytes, rich(), Some("shop")));
    assert_eq!(aws.requests.counts()["UploadPart"], 6);
    let parts = sent(&sandbox, "UploadPart");
    let said: BTreeSet<&str> = parts.iter().map(|part| &*part.headers["x-amz-checksum-crc64nvme"]).collect();
    let of_part = |part: &[u8]| Crc64::new(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, part));
    let expected: Vec<Crc64> = bytes.chunks(16 << 20).map(of_part).collect();
    assert_eq!(
        said,
        expected.iter().map(Crc64::as_base64).collect(),
        "a bucket with Object Lock takes no part without"
    );

    sandbox.inject(fault("CompleteMultipartUpload", 1, Effect::DropAnswer));
    let etag = store.put_file(&at("lost.mp4"), &file, &rich(), Condition::None).await.unwrap();
    assert_eq!(store.head(&at("lost.mp4")).await.unwrap().unwrap().etag, etag);

    let second = store.put_file(&at("film.mp4"), &file, &rich(), Condition::Absent).await.unwrap_err();
    assert_eq!(second.class, Class::Precondition);
    let lie = SourceFile { crc64: Some(Crc64::new(1)), ..file };
    let changed = store.put_file(&at("other.mp4"), &lie, &rich(), Condition::Absent).await.unwrap_err();
    assert_eq!(changed.class, Class::Checksum);
    assert_eq!(sent(&sandbox, "AbortMultipartUpload").len(), 2);
    assert_eq!(sandbox.objects(BUCKET).len(), 2);
}

#[tokio::test]
async fn every_write_says_how_to_encrypt() {
    let sandbox = sandbox().await;
    let mut environment = environment(&sandbox);
    let key = "arn:aws:kms:us-east-1:000000000000:key/1";
    environment.access.encryption = Encryption::Kms { key_id: Some(key.to_owned()) };
    let store = Aws::connect(&environment).await.unwrap().store;
    let folder = tempfile::tempdir().unwrap();
    let file = source(&folder.path().join("a.js"), b"js");
    store.put_file(&at("a.js"), &file, &html(), Condition::None).await.unwrap();
    store.put_bytes(&at("b"), vec![1], &html(), Condition::None).await.unwrap();
    store.copy(&at("b"), None, &at("c"), &html(), Condition::None).await.unwrap();
    let writes = sandbox.requests();
    assert_eq!(writes.len(), 3);
    for write in writes {
        assert_eq!(write.headers["x-amz-server-side-encryption"], "aws:kms");
        assert_eq!(write.headers["x-amz-server-side-encryption-aws-kms-key-id"], key);
    }
    environment.access.encryption = Encryption::S3;
    let store = Aws::connect(&environment).await.unwrap().store;
    store.put_bytes(&at("b"), vec![1], &html(), Condition::None).await.unwrap();
    let write = sandbox.requests().pop().unwrap();
    assert_eq!(write.headers["x-amz-server-side-encryption"], "AES256");
}

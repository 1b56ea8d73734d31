//! The storage folder across restarts.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

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
async fn a_port_that_is_taken_leaves_the_storage_to_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let site_port = taken.local_addr().expect("its number").port();
    let options = Options { root: Some(folder.path().to_owned()), site_port, ..Options::default() };
    assert!(matches!(Sandbox::start(options).await, Err(SandboxError::Bind { .. })));
    start_in(folder.path()).await.stop().await;
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

    // The remains of a process that was killed in the middle of a PUT.
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

/// A folder outside of the storage, with a file in it that must not change.
#[cfg(unix)]
struct Elsewhere(tempfile::TempDir);

#[cfg(unix)]
impl Elsewhere {
    fn new() -> Elsewhere {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("precious"), "mine").expect("a file");
        Elsewhere(folder)
    }

    fn assert_untouched(&self, what: &str) {
        let found: Vec<_> = std::fs::read_dir(self.0.path()).expect("the folder").collect();
        assert_eq!(found.len(), 1, "{what}: {found:?}");
        assert_eq!(std::fs::read(self.0.path().join("precious")).expect("the file"), b"mine", "{what}");
    }
}

#[cfg(unix)]
async fn refusal_of(root: &Path) -> String {
    let options = Options { root: Some(root.to_owned()), ..Options::default() };
    let error = Sandbox::start(options).await.expect_err("it does not start");
    std::error::Error::source(&error).expect("a cause").to_string()
}

#[cfg(unix)]
#[tokio::test]
async fn no_link_in_the_storage_is_followed() {
    let bucket = format!("buckets/{BUCKET}");
    let (objects, uploads) = (format!("{bucket}/objects"), format!("{bucket}/uploads"));
    for folder in ["data", "temporary", "buckets", "invalidations", "buckets/other", &bucket, &objects, &uploads] {
        let (root, elsewhere) = (tempfile::tempdir().expect("a folder"), Elsewhere::new());
        let link = root.path().join(folder);
        std::fs::create_dir_all(link.parent().expect("a folder")).expect("made");
        std::os::unix::fs::symlink(elsewhere.0.path(), &link).expect("a link");
        let cause = refusal_of(root.path()).await;
        assert!(cause.contains("is a link"), "{folder}: {cause}");
        elsewhere.assert_untouched(folder);
    }
    let (root, elsewhere) = (tempfile::tempdir().expect("a folder"), Elsewhere::new());
    let link = root.path().join("storage");
    std::os::unix::fs::symlink(elsewhere.0.path(), &link).expect("a link");
    assert!(refusal_of(&link).await.contains("is a link"));
    elsewhere.assert_untouched("the storage itself");
}

#[cfg(unix)]
#[tokio::test]
async fn no_file_of_the_storage_is_written_through_a_link() {
    for name in ["lock", "session", "endpoints.json", "temporary/session", "temporary/000001-000000000", "data/x"] {
        let (root, elsewhere) = (tempfile::tempdir().expect("a folder"), Elsewhere::new());
        let link = root.path().join(name);
        std::fs::create_dir_all(link.parent().expect("a folder")).expect("made");
        std::os::unix::fs::symlink(elsewhere.0.path().join("precious"), &link).expect("a link");
        let options = Options { root: Some(root.path().to_owned()), ..Options::default() };
        if let Ok(sandbox) = Sandbox::start(options).await {
            put(&s3(&sandbox), "k", b"bytes").await;
            sandbox.stop().await;
        }
        elsewhere.assert_untouched(name);
    }
}

/// Nothing in a record is used as a path: neither the names of its bytes nor ids.
#[cfg(unix)]
#[tokio::test]
async fn no_record_leads_out_of_the_storage() {
    let (root, elsewhere) = (tempfile::tempdir().expect("a folder"), Elsewhere::new());
    let sandbox = start_in(root.path()).await;
    put(&s3(&sandbox), "k", b"bytes").await;
    sandbox.stop().await;
    let objects = root.path().join("buckets").join(BUCKET).join("objects");
    let record = std::fs::read_dir(&objects).expect("records").next().expect("one").expect("one").path();
    let sound = std::fs::read_to_string(&record).expect("a record");
    let precious = elsewhere.0.path().join("precious").to_str().expect("a path").to_owned();
    let above = format!("../../..{precious}");
    for path in [&precious, &above] {
        let mut planted: serde_json::Value = serde_json::from_str(&sound).expect("a record");
        planted["data"] = serde_json::json!([[path, 4]]);
        std::fs::write(&record, planted.to_string()).expect("planted");
        let options = Options { root: Some(root.path().to_owned()), ..Options::default() };
        assert!(matches!(Sandbox::start(options).await, Err(SandboxError::Record { .. })), "{path}");
    }
    std::fs::write(&record, sound).expect("as it was");

    // An id that is a path is a name like any other.
    let id = precious.clone();
    let planted = serde_json::json!({
        "number": 0, "distribution": "E1SANDBOX", "id": id, "caller_reference": "r", "paths": ["/*"],
        "created": 4_000_000_000_u64, "polls": 0,
    });
    std::fs::write(root.path().join("invalidations").join("planted.json"), planted.to_string()).expect("planted");
    let sandbox = start_in(root.path()).await;
    let poll = cloudfront(&sandbox).get_invalidation().distribution_id("E1SANDBOX").id(&id).send().await;
    // The router decides whether an id with slashes reaches it at all.
    drop(poll);
    sandbox.stop().await;
    elsewhere.assert_untouched("an id");
    assert!(!elsewhere.0.path().join("precious.json").exists());
}

/// Names the folder of the process to be killed.
const VICTIM_ROOT: &str = "SANDBOX_VICTIM_ROOT";

/// Not a test by itself: the process that the next test kills.
#[tokio::test]
async fn victim() {
    let Ok(root) = std::env::var(VICTIM_ROOT) else {
        return;
    };
    let sandbox = start_in(Path::new(&root)).await;
    let keys = serde_json::to_string(sandbox.keys()).expect("keys");
    println!("\nlistening {} {keys}", sandbox.s3_endpoint());
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_whole_objects_and_all_it_acknowledged() {
    const KEYS: usize = 4;
    const ACKNOWLEDGED: usize = 40;
    let folder = tempfile::tempdir().expect("a folder");
    let mut victim = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "sandbox::tests::durability::victim", "--nocapture"])
        .env(VICTIM_ROOT, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the victim starts");
    let stdout = victim.stdout.take().expect("its output");
    let endpoint = BufReader::new(stdout)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("listening ").map(str::to_owned))
        .expect("it listens");
    let (endpoint, keys) = endpoint.split_once(' ').expect("its keys");
    let keys: crate::sandbox::Keys = serde_json::from_str(keys).expect("its keys");

    let (acknowledge, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let mut writers = tokio::task::JoinSet::new();
    for key in 0..KEYS {
        let config = super::s3_config_at(endpoint, &keys).build();
        let (client, acknowledge) = (aws_sdk_s3::Client::from_conf(config), acknowledge.clone());
        writers.spawn(async move {
            for round in 0_u8.. {
                let body = ByteStream::from(vec![round; 200_000]);
                let put = client.put_object().bucket(BUCKET).key(format!("{key}")).body(body);
                if put.send().await.is_err() {
                    break;
                }
                // The reader ends once it has read enough.
                let _ = acknowledge.send((format!("{key}"), round));
            }
        });
    }
    let mut last = std::collections::BTreeMap::new();
    for _ in 0..ACKNOWLEDGED {
        let (key, round) = acknowledged.recv().await.expect("a write");
        last.insert(key, round);
    }
    victim.kill().expect("killed");
    victim.wait().expect("it is dead");
    writers.join_all().await;

    let sandbox = start_in(folder.path()).await;
    let objects = sandbox.objects(BUCKET);
    for (key, round) in last {
        let bytes = &objects[&key].bytes;
        assert_eq!(bytes.len(), 200_000, "{key}");
        assert!(bytes.iter().all(|byte| *byte == bytes[0]), "{key} is torn");
        assert!(bytes[0] >= round, "{key}: {round} was acknowledged, {} is stored", bytes[0]);
    }
    assert_eq!(data_files(folder.path()), objects.len());
    sandbox.stop().await;
}

//! The store that `bench/run.py` measures against: the sandbox in memory, in a process of its own, with the same time added to
//! each answer. It says where it listens, and then answers lines of its input, each with one line of JSON.
//!
//! | line | what it does |
//! |---|---|
//! | `latency MS` | adds this time to each later request of S3 and CloudFront |
//! | `log` | tells what was asked for since the last `log`, and forgets it |
//! | `objects` | tells the SHA-256 of each object |
//!
//! It ends with its input.
#![expect(clippy::print_stdout, reason = "it speaks")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::BufRead;
use std::time::Duration;

use publish::sandbox::{Distribution, Effect, Fault, LoggedRequest, Match, Options, Sandbox, Service, longest_chain};
use publish::types::digest::Digest;
use serde_json::{Value, json};

const BUCKET: &str = "sandbox";
const DISTRIBUTION: &str = "E1SANDBOX";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let distribution = Distribution { origin_path: "/live".to_owned(), ..Distribution::default() };
    let sandbox = Sandbox::start(Options { distributions: vec![distribution], ..Options::default() }).await?;
    sandbox.complete_invalidations_after(0);
    let keys = sandbox.keys();
    println!(
        "{}",
        json!({
            "s3": sandbox.s3_endpoint(),
            "cloudfront": sandbox.cloudfront_endpoint(),
            "site": sandbox.site_url(),
            "bucket": BUCKET,
            "distribution": DISTRIBUTION,
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
        })
    );
    let (lines, mut read) = tokio::sync::mpsc::channel(1);
    // Its input is read on a thread of its own: waiting for it must not keep a worker from answering requests.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = read.recv().await {
        println!("{}", answer(&sandbox, &line)?);
    }
    Ok(())
}

fn answer(sandbox: &Sandbox, line: &str) -> Result<Value, Box<dyn Error>> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("latency", milliseconds) => {
            let latency = Duration::from_millis(milliseconds.parse()?);
            sandbox.clear_faults();
            if !latency.is_zero() {
                let effect = Effect::Latency(latency);
                sandbox.inject(Fault { matches: Match::default(), skip: 0, times: usize::MAX, effect });
            }
            Ok(json!({}))
        }
        ("log", "") => {
            let requests = sandbox.requests();
            sandbox.clear_requests();
            Ok(log(&requests))
        }
        ("objects", "") => {
            let objects = sandbox.objects(BUCKET).into_iter();
            let digests = objects.map(|(key, object)| (key, Digest::of(&object.bytes).to_string()));
            Ok(json!(digests.collect::<BTreeMap<_, _>>()))
        }
        _ => Err(format!("{line:?} is no line that this store knows").into()),
    }
}

fn log(requests: &[LoggedRequest]) -> Value {
    let mut operations = BTreeMap::<&str, usize>::new();
    let (mut refused, mut put) = (0, Vec::new());
    let of_aws = || requests.iter().filter(|request| request.service != Service::Site);
    for request in of_aws() {
        *operations.entry(&request.operation).or_default() += 1;
        refused += usize::from(request.status.is_none_or(|status| status >= 500));
        if matches!(request.operation.as_str(), "PutObject" | "UploadPart" | "CopyObject") {
            put.push(json!([request.operation, request.key, request.body_bytes]));
        }
    }
    let chain = longest_chain(of_aws().filter(|request| request.operation != "GetInvalidation"));
    json!({
        "operations": operations,
        "bytes": of_aws().map(|request| request.body_bytes).sum::<u64>(),
        "refused": refused,
        "chain": chain.iter().map(|request| format!("{} {}", request.operation, request.key)).collect::<Vec<_>>(),
        "put": put,
        "visited": requests.len() - of_aws().count(),
    })
}

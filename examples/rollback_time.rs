//! How long it takes to go back among 10,000 files, of which five differ, when each request takes 20 ms longer. The CDN is
//! asked to forget and not waited for. Prints the median of five; CONTRIBUTING.md says what it should be.
//!
//! ```sh
//! cargo run --example rollback_time
//! ```
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it writes a site, measures and speaks")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use publish::config::environment::{Access, Environment, InvalidationSettings, LeaseSettings, PublishSettings, Wait};
use publish::release::layout::Layout;
use publish::release::manifest::{Publisher, ReleaseNumber, RunId};
use publish::report::Report;
use publish::report::event::Events;
use publish::run::{self, Caller, PublishRequest, Reply, RollbackRequest};
use publish::sandbox::{Effect, Fault, Match, Options, Sandbox};
use publish::types::clock::Clock;
use publish::types::stop::Stop;

const FILES: usize = 10_000;
const DIFFERENT: usize = 5;
const LATENCY: Duration = Duration::from_millis(20);
const ROUNDS: u64 = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start(Options::default()).await?;
    let environment = environment(&sandbox);
    let folder = tempfile::tempdir()?;
    for (release, files) in [("first", FILES), ("second", DIFFERENT), ("third", DIFFERENT)] {
        write_pages(folder.path(), files, release)?;
        publish(&environment, folder.path(), release).await?;
    }

    let effect = Effect::Latency(LATENCY);
    sandbox.inject(Fault { matches: Match::default(), skip: 0, times: usize::MAX, effect });
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        sandbox.clear_requests();
        let began = Instant::now();
        succeeded(roll_back(&environment, 2 + round % 2, format!("back-{round}")).await)?;
        times.push(began.elapsed());
        println!("{} requests in {} ms", sandbox.requests().len(), began.elapsed().as_millis());
    }
    times.sort();
    println!("median: {} ms", times[times.len() / 2].as_millis());
    Ok(())
}

fn environment(sandbox: &Sandbox) -> Environment {
    let keys = sandbox.keys();
    Environment {
        name: "measured".to_owned(),
        layout: Layout::new("measured", "sandbox", "live", None, None),
        access: Access {
            region: Some("us-east-1".to_owned()),
            s3_endpoint: Some(sandbox.s3_endpoint().to_owned()),
            cloudfront_endpoint: Some(sandbox.cloudfront_endpoint().to_owned()),
            static_keys: Some((keys.access_key_id.clone(), keys.secret_access_key.clone())),
            ..Access::default()
        },
        distribution: Some("E1SANDBOX".to_owned()),
        further_distributions: Vec::new(),
        url: None,
        headers: Vec::new(),
        publish: PublishSettings::default(),
        invalidation: InvalidationSettings { wait: Wait::None, ..InvalidationSettings::default() },
        lease: LeaseSettings::default(),
        retention: publish::release::retention::RetentionSettings::default(),
    }
}

fn write_pages(folder: &Path, count: usize, words: &str) -> std::io::Result<()> {
    for number in 0..count {
        let section = folder.join(format!("section-{}", number % 100));
        fs::create_dir_all(&section)?;
        fs::write(section.join(format!("page-{number}.html")), format!("<p>{words} {number}"))?;
    }
    Ok(())
}

fn caller(name: String) -> Caller {
    Caller {
        run: RunId(name),
        publisher: Publisher::default(),
        commits: Default::default(),
        clock: Clock::start(),
        yes: true,
        stop: Stop::default(),
    }
}

async fn publish(environment: &Environment, folder: &Path, run: &str) -> Result<(), Box<dyn Error>> {
    let request = PublishRequest {
        environment: environment.clone(),
        caller: caller(run.to_owned()),
        folder: folder.to_path_buf(),
        overwrite: false,
        force: false,
        allow_broken: false,
        stage_only: false,
        adopt: false,
    };
    succeeded(run::publish(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await)
}

async fn roll_back(environment: &Environment, release: u64, run: String) -> Report {
    let request = RollbackRequest {
        commit: None,
        environment: environment.clone(),
        caller: caller(run),
        release: Some(ReleaseNumber::new(release)),
        hold: false,
        reason: None,
    };
    run::rollback(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
}

fn succeeded(report: Report) -> Result<(), Box<dyn Error>> {
    match report.error {
        None => Ok(()),
        Some(error) => Err(error.message.into()),
    }
}

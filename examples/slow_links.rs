//! How long a publish takes over slow links, beside what the link needs for the bytes alone. It runs the `publish` that was
//! built with it, or the one that is named, against the sandbox at the other end of a link of its own making
//! (tests/it/link.rs). docs/performance.md holds what it printed.
//!
//! ```sh
//! cargo build && cargo run --example slow_links [PUBLISH [LINK]]
//! ```
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    reason = "it writes a site, measures and speaks, and has nobody to tell when it cannot; the tests use more of a link"
)]

#[path = "../tests/it/link.rs"]
mod link;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use publish::sandbox::{Keys, Options, Sandbox};

use link::{Link, Shape};

/// A site, and the link that it is published over.
struct Case {
    name: &'static str,
    files: usize,
    file_bytes: usize,
    shape: Shape,
}

fn cases() -> Vec<Case> {
    let case = |name, files, file_bytes, shape| Case { name, files, file_bytes, shape };
    // A home router's queue: a quarter of a second, or what is usual at least.
    let kbit = |kbit: u32| Shape { queue: 64 * 1024, latency: Duration::from_millis(40), ..Shape::of(kbit * 125) };
    vec![
        case("8 Mbit/s", 40, 3_000_000, Shape { queue: 256 * 1024, ..kbit(8_000) }),
        case("2 Mbit/s", 20, 1_000_000, kbit(2_000)),
        case("128 kbit/s", 20, 50_000, kbit(128)),
        case("50 Mbit/s, 400 ms away", 200, 100_000, Shape { latency: Duration::from_millis(400), ..kbit(50_000) }),
    ]
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args_os().skip(1);
    let built = || std::env::current_exe().ok()?.parent()?.parent().map(|folder| folder.join("publish"));
    let program = words.next().map(PathBuf::from).or_else(built).ok_or("where is `publish`?")?.canonicalize()?;
    let only = words.next().map(|word| word.to_string_lossy().into_owned());
    println!("| link | site | publish | bytes alone take | it took | sent, of the site's bytes | exit code |");
    println!("|---|---|---|---|---|---|---|");
    for case in cases().into_iter().filter(|case| only.as_deref().is_none_or(|only| case.name.starts_with(only))) {
        measure(&program, &case).await?;
    }
    Ok(())
}

async fn measure(program: &Path, case: &Case) -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start(Options::default()).await?;
    let link = Link::to(sandbox.s3_endpoint(), case.shape.clone()).await;
    let project = tempfile::tempdir()?;
    let bytes = (case.files * case.file_bytes) as u64;
    for publish in ["first", "later"] {
        write_site(&project.path().join("dist"), case, publish)?;
        let (before, began) = (link.sent(), Instant::now());
        let exit_code = run(program, project.path(), &link.endpoint, sandbox.keys()).await?;
        println!(
            "| {} | {} files of {} kB | {publish} | {} s | {} s | {} % | {exit_code} |",
            case.name,
            case.files,
            case.file_bytes / 1_000,
            bytes / u64::from(case.shape.up),
            began.elapsed().as_secs(),
            (link.sent() - before) * 100 / bytes,
        );
    }
    sandbox.stop().await;
    Ok(())
}

/// Pictures that have other bytes in each build, and a page.
fn write_site(folder: &Path, case: &Case, build: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("index.html"), format!("<!doctype html><title>{build}</title>"))?;
    for number in 0..case.files {
        let mut bytes = vec![number as u8; case.file_bytes];
        bytes[..build.len()].copy_from_slice(build.as_bytes());
        std::fs::write(folder.join(format!("picture-{number}.jpg")), bytes)?;
    }
    Ok(())
}

async fn run(program: &Path, project: &Path, endpoint: &str, keys: &Keys) -> std::io::Result<i32> {
    let mut command = tokio::process::Command::new(program);
    command.current_dir(project).args(["--bucket", "sandbox", "--site", "measured", "--prefix", "live", "--quiet"]);
    command.args(["--region", "us-east-1", "--endpoint-url", endpoint]);
    command.env("AWS_ACCESS_KEY_ID", &keys.access_key_id).env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key);
    Ok(command.status().await?.code().unwrap_or(-1))
}

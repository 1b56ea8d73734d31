//! Which names of a folder are proven by their bytes, one a line, and at last how many and how long hashing took; without
//! a folder, what looking for proofs costs: the time to hash 200 MB whose names have tokens to that of the same bytes
//! whose names have none.
//!
//! ```sh
//! cargo run --example proofs -- dist
//! ```
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it writes files, measures and speaks")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use publish::config::environment::PublishSettings;
use publish::release::layout::Layout;
use publish::report::event::Events;
use publish::site::snapshot::Snapshot;

const FILES: usize = 200;
const FILE_BYTES: usize = 1 << 20;
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        Some(folder) => list(Path::new(&folder)),
        None => measure(),
    }
}

fn take(folder: &Path) -> Result<(Snapshot, Duration), Box<dyn Error>> {
    let layout = Layout::new("measured", "sandbox", "live", None, None);
    let settings = PublishSettings { allow_private: vec!["**".to_owned()], ..PublishSettings::default() };
    let start = Instant::now();
    let snapshot =
        Snapshot::take(folder, &settings, &layout, &publish::types::stop::Stop::default(), Events::new(&|_| {}))
            .map_err(|problem| problem.message)?;
    Ok((snapshot, start.elapsed()))
}

fn list(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (snapshot, time) = take(folder)?;
    for (path, file) in &snapshot.files {
        match &file.traces.proof {
            Some(proof) => println!("proven   {path}: {proof}"),
            None => println!("unproven {path}"),
        }
    }
    let proven = snapshot.files.values().filter(|file| file.traces.proof.is_some()).count();
    println!("{proven} of {} files are proven; {} ms", snapshot.files.len(), time.as_millis());
    Ok(())
}

fn measure() -> Result<(), Box<dyn Error>> {
    let base = times("page", "bin")?;
    for (what, token, extension) in [
        ("8 characters of base64", "CmAoX1r2", "js"),
        ("8 hexadecimal digits", "3f2a1b9c", "png"),
        ("8 hexadecimal digits of a script", "3f2a1b9c", "js"),
        ("40 hexadecimal digits", "a9993e364706816aba3e25717850c26c9cd0d89d", "png"),
    ] {
        let ratio = times(token, extension)?.as_secs_f64() / base.as_secs_f64();
        println!("{what}: {ratio:.2} times the {} ms without", base.as_millis());
    }
    Ok(())
}

/// The shortest of some rounds.
fn times(token: &str, extension: &str) -> Result<Duration, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for number in 0..FILES {
        let bytes: Vec<u8> = (0..FILE_BYTES).map(|at| (at * at + number) as u8).collect();
        fs::write(folder.path().join(format!("{number}-{token}.{extension}")), bytes)?;
    }
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.push(take(folder.path())?.1);
    }
    Ok(times.into_iter().min().unwrap_or_default())
}

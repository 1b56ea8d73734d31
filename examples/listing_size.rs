//! How long a manifest of N files takes to be written and read, how large it is, and how much memory that takes:
//! `cargo run --example listing_size -- 100000`.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures, and prints what it finds")]

use std::error::Error;
use std::time::Instant;

use publish::content::path::SitePath;
use publish::release::manifest::{Entry, Files, Identity, Kept, Manifest, Publisher, ReleaseNumber, RunId};
use publish::types::clock::Timestamp;
use publish::types::digest::Digest;
use publish::types::headers::{Headers, Kind};

fn main() -> Result<(), Box<dyn Error>> {
    let number: usize = std::env::args().nth(1).as_deref().unwrap_or("100000").parse()?;
    let manifest = manifest(number)?;
    let began = Instant::now();
    let bytes = manifest.encode()?;
    let (written, began) = (began.elapsed(), Instant::now());
    let read = Manifest::decode(&bytes)?;
    println!(
        "{} files: {} kB stored, written (and read back as a check) in {} ms, read in {} ms, at most {} MB of memory.",
        read.files.len(),
        bytes.len() / 1_000,
        written.as_millis(),
        began.elapsed().as_millis(),
        peak_memory_mb()
    );
    Ok(())
}

/// A manifest of files with names as sites have them.
fn manifest(number: usize) -> Result<Manifest, Box<dyn Error>> {
    let headers = Headers {
        cache_control: "public, max-age=0, must-revalidate".to_owned(),
        content_type: "text/html; charset=utf-8".to_owned(),
        content_encoding: None,
        content_disposition: None,
        content_language: None,
        metadata: Default::default(),
    };
    let mut files = Files::new();
    for index in 0..number {
        let path = format!("articles/{:03}/a-title-of-usual-length-{index}/index.html", index % 1_000);
        let (digest, headers) = (Digest::of(path.as_bytes()), headers.clone());
        let entry = Entry {
            digest,
            size_bytes: 20_000,
            headers,
            kind: Kind::Mutable,
            kept: Kept::Blob,
            crc64: None,
            md5: None,
        };
        files.insert(SitePath::new(path)?, entry);
    }
    Ok(Manifest {
        identity: Identity { site: "shop".to_owned(), bucket: "example-site".to_owned(), prefix: "live/".to_owned() },
        release: ReleaseNumber::new(1),
        epoch: 0,
        run: RunId("run".to_owned()),
        created_at: Timestamp::from_unix_seconds(0),
        publisher: Publisher::default(),
        files,
    })
}

/// The most memory of this process so far, in MB, as Linux counts it; 0 elsewhere.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse::<u64>().ok());
    kb.unwrap_or(0) / 1_000
}

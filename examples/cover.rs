//! How long the processor takes to plan a refresh, and how much memory: 100,000 live addresses, of which 20,000 change.
//! Prints a row for each shape of a site, and ends with status 1 where one takes more than [`MOST`] or [`MOST_KB`]. Linux only.
//! docs/performance.md says what it should be.
//!
//! ```sh
//! cargo run --release --example cover
//! ```
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures and speaks")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::time::Duration;

use publish::config::environment::UrlStyle;
use publish::content::path::{InvalidPath, SitePath};
use publish::plan::{Live, Plan, Policy};
use publish::release::head::{Caching, Distribution, DistributionFacts, Distributions, TagUse, Tagging};
use publish::release::layout::Layout;
use publish::release::manifest::{Entry, Files, Kept, ReleaseNumber};
use publish::types::digest::Digest;
use publish::types::globs::PathGlobs;
use publish::types::headers::{Headers, Kind};

/// Each page has two addresses: its own, and its folder's.
const PAGES: u64 = 50_000;
const CHANGED: u64 = 10_000;

/// What a plan should take, of the processor.
const TARGET: Duration = Duration::from_secs(1);

/// The most it may take, also on a slow and busy machine: four times the target.
const MOST: Duration = Duration::from_secs(4);

/// The most memory all of it may take, in kB.
const MOST_KB: u64 = 200_000;

/// Where the nth page lies.
type Name = fn(u64) -> String;

fn main() -> Result<(), Box<dyn Error>> {
    let in_order: Name = |page| format!("blog/{}/{page:05}", page / 500);
    let at_random: Name = |page| format!("blog/{:016x}", scattered(page));
    let one_folder: Name = |page| format!("{page:05}");
    let top_folders: Name = |page| format!("{:02}/{page:05}", page / 500);
    let chain: Name = |page| format!("{}{page:05}", "a/".repeat(usize::try_from(page % 250).unwrap_or(0) + 1));
    println!(
        "| names | cache tags | changed | `max_paths` | paths and tags | evicted | took | of the target | most memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut slowest = Duration::ZERO;
    for (names, name, has_tags) in [
        ("100 folders", in_order, false),
        ("digests", at_random, false),
        ("one folder", one_folder, false),
        ("100 top folders", top_folders, true),
        ("a chain", chain, false),
    ] {
        for (which, changed) in [("one in five", every_fifth as fn(u64) -> bool), ("at random", any_fifth)] {
            for max_paths in [100, 3_000] {
                let (row, took) = measured(name, has_tags, changed, max_paths)?;
                let tags = if has_tags { "yes" } else { "no" };
                println!("| {names} | {tags} | {which} | {max_paths} | {row} |");
                slowest = slowest.max(took);
            }
        }
    }
    if slowest > MOST || most_memory()? > MOST_KB {
        return Err(format!("more than {} s or {} MB", MOST.as_secs(), MOST_KB / 1_000).into());
    }
    Ok(())
}

fn every_fifth(page: u64) -> bool {
    page.is_multiple_of(PAGES / CHANGED)
}

fn any_fifth(page: u64) -> bool {
    scattered(page ^ 0x5eed).is_multiple_of(PAGES / CHANGED)
}

/// SplitMix64's last step: numbers without a pattern, the same ones each time.
fn scattered(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A row, and how long the plan took.
fn measured(
    name: Name,
    has_tags: bool,
    changed: fn(u64) -> bool,
    max_paths: usize,
) -> Result<(String, Duration), Box<dyn Error>> {
    let before = site(name, |_| "before")?;
    let after = site(name, |page| if changed(page) { "after" } else { "before" })?;
    let live = Live { release: Some(ReleaseNumber::new(1)), files: before, ..Live::default() };
    let layout = Layout::new("measured", "bucket", "live", None, None);
    let caching = Caching { has_tags, ..Caching::USUAL };
    let origin_path = "/live".to_owned();
    let facts = DistributionFacts { readable: true, origin_path, caching, ..DistributionFacts::default() };
    let uses = has_tags.then(|| ("E1".to_owned(), TagUse::Counts)).into_iter().collect();
    let tagging = Tagging { writes: has_tags, begins: false, uses };
    let remove_now = PathGlobs::new("remove_now", &[])?;
    let urls = Some(UrlStyle::Index);
    let distributions = Distributions::from([("E1".to_owned(), Distribution { facts, ..Distribution::default() })]);
    let policy = Policy {
        layout: &layout,
        distributions: &distributions,
        own: Some("E1"),
        is_unseen: false,
        remove_now: &remove_now,
        max_paths,
        urls,
        tagging: &tagging,
        straight: false,
    };
    let began = processor_time()?;
    let plan = Plan::between(&live, after, policy);
    let took = processor_time()?.saturating_sub(began);
    let cover = &plan.invalidation;
    let row = format!(
        "{} | {} files, {} kB | {} ms | {:.2} | {} MB",
        cover.items().len(),
        cover.evicted_unchanged,
        cover.evicted_bytes / 1_000,
        took.as_millis(),
        took.as_secs_f64() / TARGET.as_secs_f64(),
        most_memory()? / 1_000
    );
    Ok((row, took))
}

/// Pages of 1 to 64 kB, without a pattern.
fn site(name: Name, bytes: impl Fn(u64) -> &'static str) -> Result<Files, InvalidPath> {
    (0..PAGES)
        .map(|page| {
            let headers = Headers {
                cache_control: "public, max-age=0".to_owned(),
                content_type: "text/html; charset=utf-8".to_owned(),
                content_encoding: None,
                content_disposition: None,
                content_language: None,
                metadata: BTreeMap::new(),
            };
            let entry = Entry {
                digest: Digest::of(bytes(page).as_bytes()),
                size_bytes: 1_000 + scattered(page) % 63_000,
                headers,
                kind: Kind::Mutable,
                kept: Kept::Blob,
                crc64: None,
                md5: None,
            };
            Ok((SitePath::new(format!("{}/index.html", name(page)))?, entry))
        })
        .collect()
}

/// How long this process, which has one thread, has run: other programs do not count.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let times = fs::read_to_string("/proc/self/schedstat")?;
    let running = times.split_whitespace().next().ok_or("Linux does not say")?;
    Ok(Duration::from_nanos(running.parse()?))
}

/// The most memory this process has had at once, in kB, as Linux counts it: both releases and the plan, of every row so far.
fn most_memory() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("Linux does not say")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

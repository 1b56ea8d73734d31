//! The program itself, killed and interrupted: at any moment visitors get whole pages, and the next run finishes.
#![cfg(unix)]

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use publish::sandbox::{Effect, Fault, LoggedRequest, Match, Service};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::random::Random;
use crate::visitor::Visitor;
use crate::world::{BUCKET, DISTRIBUTION, World, files_of, fixture};

/// v1 is live, and the site is v2.
async fn about_to_publish() -> World {
    let world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.published().await;
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    world
}

/// The program, publishing the world's site, and writing for programs.
fn start(world: &World) -> Child {
    start_writing(world, "json")
}

fn start_writing(world: &World, output: &str) -> Child {
    let sandbox = &world.sandbox;
    Command::new(env!("CARGO_BIN_EXE_publish"))
        .arg(&world.folder)
        .args(["--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--distribution", DISTRIBUTION])
        .args(["--region", "us-east-1", "--endpoint-url", sandbox.s3_endpoint(), "--output", output, "--yes"])
        .current_dir(world.folder.parent().unwrap())
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", &sandbox.keys().access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &sandbox.keys().secret_access_key)
        .env("AWS_ENDPOINT_URL_CLOUDFRONT", sandbox.cloudfront_endpoint())
        .env("HOME", world.folder.parent().unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// How the program ended, and its report.
async fn end(child: &mut Child) -> (ExitStatus, Value) {
    let mut written = String::new();
    child.stdout.take().unwrap().read_to_string(&mut written).await.unwrap();
    let report = written.lines().last().map_or(Value::Null, |line| serde_json::from_str(line).unwrap());
    (child.wait().await.unwrap(), report)
}

fn send(signal: &str, child: &Child) {
    let kill = format!("kill -{signal} {}", child.id().unwrap());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Holds every request to an operation whose key holds `key`.
fn hold(world: &World, operation: &str, key: &str) {
    let matches = Match { operation: Some(operation.to_owned()), key_contains: Some(key.to_owned()), service: None };
    world.sandbox.inject(Fault { matches, skip: 0, times: usize::MAX, effect: Effect::Hold });
}

fn count(requests: &[LoggedRequest], operation: &str, key: &str) -> usize {
    requests.iter().filter(|request| request.operation == operation && request.key.contains(key)).count()
}

async fn held(world: &World, operation: &str, key: &str) {
    world.sandbox.until(|requests| count(requests, operation, key) > 0).await;
}

async fn visitors_get_whole_pages(world: &World) {
    let sites = ["v1", "v2"].map(|build| files_of(&fixture(build)));
    assert_eq!(Visitor::new(world, &sites).read_all().await, Ok(()));
}

/// The same command again does what is left to do.
async fn is_finished_by_the_next_run(world: &World) {
    visitors_get_whole_pages(world).await;
    world.sandbox.clear_faults();
    world.let_leases_end();
    let (status, report) = end(&mut start(world)).await;
    assert_eq!(status.code(), Some(0), "{report:#}");
    world.assert_settled();
    let live = world.live();
    for (path, bytes) in files_of(&world.folder) {
        assert_eq!(&live[&path].bytes[..], &bytes[..], "{path}");
    }
    assert!(!live.contains_key("contact.html"));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_request_it_is_finished_by_the_next_run() {
    let undisturbed = about_to_publish().await;
    assert_eq!(end(&mut start(&undisturbed)).await.0.code(), Some(0));
    let of_aws = |requests: &[LoggedRequest]| requests.iter().filter(|one| one.service != Service::Site).count();
    let requests = of_aws(&undisturbed.sandbox.requests());
    stream::iter(0..24)
        .for_each_concurrent(4, |seed| async move {
            let mut random = Random::new(seed);
            let (at, arrives) = (random.below(requests), random.below(2) == 0);
            let world = about_to_publish().await;
            let matches = Match::default();
            world.sandbox.inject(Fault { matches, skip: at, times: usize::MAX, effect: Effect::Hold });
            let mut child = start(&world);
            world.sandbox.until(|requests| of_aws(requests) > at).await;
            child.kill().await.unwrap();
            if arrives {
                // What was on its way when the process died has its effect.
                world.sandbox.release_held();
            }
            is_finished_by_the_next_run(&world).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_before_the_switch_changes_nothing() {
    for signal in ["INT", "TERM"] {
        let world = about_to_publish().await;
        let (visible, head) = (world.visible(), world.head());
        hold(&world, "PutObject", "/blobs/");
        let mut child = start(&world);
        held(&world, "PutObject", "/blobs/").await;
        send(signal, &child);
        let (status, report) = end(&mut child).await;
        assert_eq!(status.code(), Some(130), "{report:#}");
        assert_eq!(report["error"]["code"], "interrupted");
        assert_eq!(world.head(), head);
        let now = world.visible();
        assert!(visible.iter().all(|(path, object)| now.get(path) == Some(object)));
        is_finished_by_the_next_run(&world).await;
    }
}

/// The folder holds more than is read in a second, but takes no room on the disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_files_are_read_ends_the_run() {
    for signal in ["INT", "TERM"] {
        let world = about_to_publish().await;
        for film in ["film.mp4", "other.mp4"] {
            world.write(film, "");
            let file = std::fs::File::options().write(true).open(world.folder.join(film)).unwrap();
            file.set_len(5 << 30).unwrap();
        }
        let mut child = start(&world);
        let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
        while !events.next_line().await.unwrap().unwrap().contains("hashing_started") {}
        send(signal, &child);
        let mut last = String::new();
        while let Some(line) = events.next_line().await.unwrap() {
            assert!(!line.contains("hashing_finished"), "{line}");
            last = line;
        }
        let report: Value = serde_json::from_str(&last).unwrap();
        assert_eq!(report["error"]["code"], "interrupted", "{report:#}");
        assert_eq!(child.wait().await.unwrap().code(), Some(130));
        assert!(world.sandbox.requests().is_empty(), "nothing was asked yet");
    }
}

/// Six folders with twelve links each to the next: more names than a run takes, so that the walk lasts for seconds.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_folders_are_walked_ends_the_run() {
    use std::os::unix::fs::symlink;
    for signal in ["INT", "TERM"] {
        let world = World::new().await;
        world.write("6/page.html", "");
        for folder in 0..6 {
            world.write(&format!("{folder}/page.html"), "");
            for link in 0..12 {
                let next = format!("../{}", folder + 1);
                symlink(next, world.folder.join(format!("{folder}/{link}"))).unwrap();
            }
        }
        let site = world.folder.canonicalize().unwrap();
        let mut child = start(&world);
        // For as long as it is walked, its root is open.
        let descriptors = format!("/proc/{}/fd", child.id().unwrap());
        let is_walking = || {
            let open =
                std::fs::read_dir(&descriptors).unwrap().filter_map(|entry| entry.unwrap().path().read_link().ok());
            open.into_iter().any(|path| path == site)
        };
        while !is_walking() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was asked to");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        send(signal, &child);
        let (status, report) = end(&mut child).await;
        assert_eq!((status.code(), &report["error"]["code"]), (Some(130), &Value::from("interrupted")), "{report:#}");
        assert!(world.sandbox.requests().is_empty(), "nothing was asked yet");
    }
}

/// The program in the middle of the switch, with its first live copies held, when it has heard of a signal; and what it
/// writes for people.
async fn signalled_within_the_switch(world: &World, signal: &str) -> (Child, Lines<BufReader<ChildStderr>>) {
    world.sandbox.inject_by(|request| is_live_copy(request).then_some(Effect::Hold));
    let mut child = start_writing(world, "human");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    world.sandbox.until(|requests| requests.iter().any(is_live_copy)).await;
    send(signal, &child);
    while !lines.next_line().await.unwrap().unwrap().contains("press Ctrl-C again to stop at once") {}
    (child, lines)
}

fn is_live_copy(request: &LoggedRequest) -> bool {
    request.operation == "CopyObject" && request.key.starts_with("live/")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_within_the_switch_waits_for_what_is_under_way_and_gives_the_lease_back() {
    for signal in ["INT", "TERM"] {
        let world = about_to_publish().await;
        let (mut child, mut lines) = signalled_within_the_switch(&world, signal).await;
        world.sandbox.release_held();
        let mut said = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            said += &line;
        }
        assert_eq!(child.wait().await.unwrap().code(), Some(5), "{said}");
        assert!(said.contains("of release 1 and some of release 2; each page is complete"), "{said}");
        assert!(said.contains("Run the same command again"), "{said}");
        assert_eq!(world.head().activation.unwrap().lease_s, 0, "nobody need wait for it");
        let copies = world.sandbox.requests().into_iter().filter(is_live_copy);
        assert!(copies.clone().all(|copy| copy.status == Some(200)), "{:#?}", copies.collect::<Vec<_>>());
        assert!(!copies.clone().any(|copy| copy.key == "live/index.html"), "nothing more is begun");
        is_finished_by_the_next_run(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_within_the_switch_ends_it_at_once() {
    let world = about_to_publish().await;
    let (mut child, _lines) = signalled_within_the_switch(&world, "INT").await;
    send("INT", &child);
    assert_eq!(child.wait().await.unwrap().code(), Some(5));
    assert!(world.head().activation.unwrap().lease_s > 0, "what was under way may still arrive");
    is_finished_by_the_next_run(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_after_the_switch_leaves_the_refresh_to_the_next_run() {
    for signal in ["INT", "TERM"] {
        let world = about_to_publish().await;
        hold(&world, "CreateInvalidation", "");
        let mut child = start(&world);
        held(&world, "CreateInvalidation", "").await;
        send(signal, &child);
        let (status, report) = end(&mut child).await;
        assert_eq!(status.code(), Some(3), "{report:#}");
        assert_eq!(world.head().active.unwrap().release.to_string(), "2");
        assert_eq!(world.head().pending_refreshes.len(), 1);
        is_finished_by_the_next_run(&world).await;
    }
}

/// Its process is frozen, and its lease ends by the store's clock, so that another run takes over. Its own clock says nothing
/// of that, which is worse than what a frozen machine sees.
#[tokio::test(flavor = "multi_thread")]
async fn frozen_within_the_switch_and_overtaken_it_ends_with_4_and_changes_nothing() {
    let world = about_to_publish().await;
    world.sandbox.inject_by(|request| is_live_copy(request).then_some(Effect::Hold));
    let mut child = start(&world);
    world.sandbox.until(|requests| requests.iter().any(is_live_copy)).await;
    send("STOP", &child);

    // What was on its way has its effect.
    world.sandbox.clear_faults();
    world.sandbox.release_held();
    world
        .sandbox
        .until(|requests| requests.iter().filter(|one| is_live_copy(one)).all(|one| one.status.is_some()))
        .await;
    world.let_leases_end();
    world.write("robots.txt", "of the newest release");
    world.published().await;
    let (head, live) = (world.head(), world.visible());
    assert_eq!(head.active.as_ref().unwrap().release.to_string(), "3");

    send("CONT", &child);
    let (status, report) = end(&mut child).await;
    let error = &report["error"];
    assert_eq!((status.code(), &error["code"]), (Some(4), &Value::from("superseded")), "{report:#}");
    assert!(
        error["visitors_see"].as_str().unwrap().starts_with("Visitors see the other publisher's release"),
        "{error:#}"
    );
    assert!(!error["hint"].as_str().unwrap().contains("Run the same command again"), "{error:#}");
    assert_eq!((world.head(), world.visible()), (head, live));
}

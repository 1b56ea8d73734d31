//! The program on a terminal.
#![cfg(unix)]

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::Duration;

use publish::sandbox::{Effect, Fault, Match};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::process::Command;

use crate::world::{BUCKET, World};

/// A terminal: the side that a person looks at, and the side that programs write to.
fn terminal() -> (File, File) {
    let person: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
    let program = OpenOptions::new().read(true).write(true).open(name).unwrap();
    (File::from(person), program)
}

/// Reads what is shown until `text` is.
fn seen(mut screen: File, text: &'static str) -> tokio::task::JoinHandle<String> {
    tokio::task::spawn_blocking(move || {
        let (mut shown, mut buffer) = (String::new(), [0; 4_096]);
        while !shown.contains(text) {
            let length = screen.read(&mut buffer).unwrap();
            shown.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        shown
    })
}

/// However far the store is: its first answer never comes here.
#[tokio::test]
async fn something_is_on_the_terminal_before_the_store_has_answered_anything() {
    let world = World::with_fixture("v1").await;
    let matches = Match { operation: None, key_contains: None, service: None };
    world.sandbox.inject(Fault { matches, skip: 0, times: usize::MAX, effect: Effect::Hold });
    let sandbox = &world.sandbox;
    for command in ["publish", "status", "releases"] {
        let (screen, program) = terminal();
        let mut child = Command::new(env!("CARGO_BIN_EXE_publish"))
            .arg(if command == "publish" { world.folder.to_str().unwrap() } else { command })
            .args(["--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--region", "us-east-1"])
            .args(["--endpoint-url", sandbox.s3_endpoint()])
            .current_dir(world.folder.parent().unwrap())
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", &sandbox.keys().access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &sandbox.keys().secret_access_key)
            .env("HOME", world.folder.parent().unwrap())
            .env("TERM", "xterm-256color")
            .stdin(program.try_clone().unwrap())
            .stdout(program.try_clone().unwrap())
            .stderr(program)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let shown = tokio::time::timeout(Duration::from_secs(60), seen(screen, "Working")).await;
        assert!(shown.is_ok(), "{command}: nothing is shown");
        assert!(child.try_wait().unwrap().is_none(), "{command} waits for the store");
        child.kill().await.unwrap();
    }
}

//! Something else writes to the folder between the walk and the reading.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::super::place::{FileType, Root};
use super::*;

/// The message about `a/file.txt` after `swap`, which happens when the walk has seen it.
fn swapped(swap: impl Fn(&Path) + Sync) -> (Code, String) {
    let folder = site(&["index.html", "a/file.txt"]);
    let listener = |event| {
        if matches!(event, Event::HashingStarted { .. }) {
            swap(folder.path());
        }
    };
    let settings = PublishSettings::default();
    let taken = Snapshot::take(folder.path(), &settings, &layout(), &Stop::default(), Events::new(&listener));
    let problem = taken.expect_err("what was swapped is not published");
    (problem.code, problem.message)
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn replaced() -> (Code, String) {
    (Code::FileChanged, "`a/file.txt` was replaced while it was being read".to_owned())
}

#[test]
fn a_file_that_becomes_something_else_is_not_read() {
    let elsewhere = site(&["a/file.txt"]);
    let by = |put: &(dyn Fn(&Path) + Sync)| {
        swapped(|root| {
            fs::remove_file(root.join("a/file.txt")).unwrap();
            put(&root.join("a/file.txt"));
        })
    };
    // With the same number of bytes, so that only its place distinguishes it from the file.
    assert_eq!(by(&|path| symlink(elsewhere.path().join("a/file.txt"), path).unwrap()), replaced());
    assert_eq!(by(&|path| symlink("../index.html", path).unwrap()), replaced());
    assert_eq!(by(&|path| symlink("nowhere", path).unwrap()), replaced());
    assert_eq!(by(&|path| symlink("/dev/zero", path).unwrap()), replaced());
    assert_eq!(by(&|path| fs::create_dir(path).unwrap()), replaced());
    assert_eq!(by(&pipe), replaced());
    assert_eq!(by(&|path| drop(UnixListener::bind(path).unwrap())), replaced());
}

#[test]
fn another_file_of_the_same_length_is_not_read() {
    let swap = |root: &Path| {
        fs::write(root.join("other.txt"), "a/file.tx_").unwrap();
        fs::rename(root.join("other.txt"), root.join("a/file.txt")).unwrap();
    };
    assert_eq!(swapped(swap), replaced());
}

#[test]
fn a_folder_that_becomes_a_link_is_not_entered() {
    let elsewhere = site(&["a/file.txt"]);
    let by = |target: &Path| {
        swapped(|root| {
            fs::create_dir(root.join(".b")).unwrap();
            fs::write(root.join(".b/file.txt"), "a/file.txt").unwrap();
            fs::rename(root.join("a"), root.join(".a")).unwrap();
            symlink(target, root.join("a")).unwrap();
        })
    };
    assert_eq!(by(&elsewhere.path().join("a")), replaced());
    assert_eq!(by(Path::new(".b")), replaced());
}

#[test]
fn the_walk_itself_enters_only_what_it_saw() {
    let elsewhere = site(&["secret.txt"]);
    let folder = site(&["index.html", "a/file.txt", "b/file.txt"]);
    let root = Root::open(folder.path().canonicalize().unwrap()).unwrap();
    let FileType::Folder(seen) = root.look(Path::new("a")).unwrap() else { panic!("it is a folder") };
    assert_eq!(root.list(Path::new("a"), seen, usize::MAX, &Stop::default()).unwrap().len(), 1);
    assert!(root.list(Path::new("b"), seen, usize::MAX, &Stop::default()).is_err(), "another folder");
    fs::rename(folder.path().join("a"), folder.path().join("c")).unwrap();
    symlink(elsewhere.path(), folder.path().join("a")).unwrap();
    assert!(root.list(Path::new("a"), seen, usize::MAX, &Stop::default()).is_err(), "a link");
    assert!(root.look(Path::new("a/secret.txt")).is_err(), "a way out");
}

#[test]
fn files_for_the_host_are_opened_as_they_were_seen() {
    let folder = site(&["index.html", "_headers"]);
    let place = SeenFile::of(&folder.path().join("_headers")).unwrap();
    fs::remove_file(folder.path().join("_headers")).unwrap();
    pipe(&folder.path().join("_headers"));
    assert!(place.open().is_err());
    refused(folder.path(), Code::NotAFile, &["`_headers` is not a file"]);
}

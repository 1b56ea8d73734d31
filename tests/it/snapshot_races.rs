//! A file that changes between being read and being sent: S3 refuses bytes that nobody hashed.

use publish::report::Report;
use publish::report::event::Event;

use crate::world::{self, World};

/// Publishes, and does `change` to the folder when it has been read.
async fn publish_while(world: &World, change: impl Fn() + Sync) -> Report {
    let listener = |event| {
        if matches!(event, Event::HashingFinished { .. }) {
            change();
        }
    };
    world::publish_heard(world.request(), listener).await
}

fn assert_blames(report: &Report, path: &str) {
    let error = report.error.as_ref().unwrap();
    assert_eq!(error.code, "file_changed", "{error:#?}");
    assert!(error.message.contains(path), "{error:#?}");
    assert!(!error.hint.is_empty(), "{error:#?}");
}

/// A site that is live, and a change to it that is about to be published.
async fn changed_site() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world
}

/// `path` becomes other than it was read, in a publish over an earlier release.
async fn nothing_visible_changes(path: &str, change: impl Fn(&World, &str) + Sync) {
    let world = changed_site().await;
    let before = world.visible();
    let head = world.head();
    let report = publish_while(&world, || change(&world, path)).await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    assert_blames(&report, path);
    assert_eq!(report.error.unwrap().visitors_see, "Visitors see release 1, as before.");
    let visible = world.visible();
    for (path, object) in &before {
        assert_eq!(visible.get(path), Some(object), "{path}");
    }
    for path in visible.keys().filter(|path| !before.contains_key(*path)) {
        assert!(path.starts_with("assets/"), "{path} is visible");
    }
    assert_eq!(world.head(), head);

    world.use_fixture("v2");
    world.published().await;
    world.assert_settled();
}

/// The same number of other bytes.
fn overwrite(world: &World, path: &str) {
    let length = std::fs::metadata(world.folder.join(path)).unwrap().len();
    world.write(path, vec![b'!'; usize::try_from(length).unwrap()]);
}

fn cut_off(world: &World, path: &str) {
    world.write(path, "!");
}

fn remove(world: &World, path: &str) {
    world.remove(path);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_changes_is_refused() {
    nothing_visible_changes("about/index.html", overwrite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_shrinks_is_refused() {
    nothing_visible_changes("about/index.html", cut_off).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_vanishes_is_missed() {
    nothing_visible_changes("about/index.html", remove).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprinted_file_that_changes_is_refused() {
    nothing_visible_changes("assets/index-FDJGFNiQ.js", overwrite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprinted_file_that_vanishes_is_missed() {
    nothing_visible_changes("assets/index-FDJGFNiQ.js", remove).await;
}

/// Something that is no file, or another file, lies where one was read.
#[cfg(unix)]
mod swapped {
    use std::os::unix::fs::symlink;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_pipe_does_not_hang() {
        nothing_visible_changes("about/index.html", |world, path| {
            world.remove(path);
            assert!(std::process::Command::new("mkfifo").arg(world.folder.join(path)).status().unwrap().success());
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_link_to_the_same_bytes_is_not_followed() {
        nothing_visible_changes("assets/index-FDJGFNiQ.js", |world, path| {
            let elsewhere = world.folder.with_extension("elsewhere");
            std::fs::rename(world.folder.join(path), &elsewhere).unwrap();
            symlink(&elsewhere, world.folder.join(path)).unwrap();
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_folder_that_is_a_link_by_now_is_not_entered() {
        nothing_visible_changes("about/index.html", |world, path| {
            let folder = world.folder.join(path).parent().unwrap().to_owned();
            let elsewhere = world.folder.with_extension("elsewhere");
            std::fs::create_dir(&elsewhere).unwrap();
            std::fs::copy(world.folder.join(path), elsewhere.join("index.html")).unwrap();
            std::fs::rename(&folder, world.folder.with_extension("old")).unwrap();
            symlink(&elsewhere, &folder).unwrap();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_is_not_sent() {
    let world = changed_site().await;
    let path = "about/index.html";
    let read = std::fs::read(world.folder.join(path)).unwrap();
    let grown = [&read[..], b"more"].concat();
    let report = publish_while(&world, || world.write(path, &grown)).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert_eq!(&world.live()[path].bytes[..], &read[..]);
    world.assert_settled();
}

/// A first publish writes pages straight to their live keys: some of them may be there.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_is_cut_short_and_finished_by_the_next() {
    for change in [overwrite, remove] {
        let world = World::with_fixture("v1").await;
        let report = publish_while(&world, || change(&world, "about/index.html")).await;
        assert_eq!(report.exit_code, 5, "{report:#?}");
        assert_blames(&report, "about/index.html");
        let seen = report.error.unwrap().visitors_see;
        assert_eq!(seen, "Visitors see the part of release 1 that is already live; each page is complete.");
        assert!(!world.live().contains_key("about/index.html"));
        assert!(!world.live().contains_key("index.html"), "the entry page goes last");

        world.use_fixture("v1");
        world.let_leases_end();
        world.published().await;
        world.assert_settled();
        assert!(world.live().contains_key("index.html"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_that_loses_a_fingerprinted_file_shows_nothing() {
    let world = World::with_fixture("v1").await;
    let report = publish_while(&world, || overwrite(&world, "assets/index-Db898uvC.js")).await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    assert_blames(&report, "assets/index-Db898uvC.js");
    assert_eq!(report.error.unwrap().visitors_see, "Nothing is published here yet; visitors see no change.");
    assert!(world.live().keys().all(|path| path.starts_with("assets/")), "{:?}", world.live().keys());
}

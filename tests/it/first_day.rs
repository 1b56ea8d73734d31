//! What "done" means for a publish, shown by what the stand-in saw and holds, not by the program's own word.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use publish::report::{InvalidationStatus, Outcome};

use crate::world::{World, files_of, fixture};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "public, max-age=0, s-maxage=86400, must-revalidate";

#[tokio::test(flavor = "multi_thread")]
async fn every_file_is_live_with_its_bytes_and_headers() {
    for build in ["v1", "v2"] {
        is_live_with_its_bytes_and_headers(build).await;
    }
}

async fn is_live_with_its_bytes_and_headers(build: &str) {
    let world = World::with_fixture(build).await;
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Published);
    world.assert_settled();
    let live = world.live();
    let expected = files_of(&fixture(build));
    assert_eq!(live.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (path, bytes) in &expected {
        let object = &live[path];
        assert_eq!(&object.bytes[..], &bytes[..], "{path}");
        // Pictures and fonts are proven by their bytes, scripts and styles by who refers to them.
        let cache_control = if path.starts_with("assets/") { IMMUTABLE } else { REVALIDATE };
        assert_eq!(object.cache_control.as_deref(), Some(cache_control), "{path}");
        let content_type = match path.rsplit('.').next().unwrap() {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml; charset=utf-8",
            "png" => "image/png",
            "woff2" => "font/woff2",
            "json" => "application/json",
            "webmanifest" => "application/manifest+json",
            "txt" => "text/plain; charset=utf-8",
            other => panic!("no expectation for .{other}"),
        };
        assert_eq!(object.content_type, content_type, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_site_costs_one_request_whatever_its_mtimes() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    for touch in [false, true] {
        if touch {
            for entry in walkdir::WalkDir::new(&world.folder).into_iter().map(Result::unwrap) {
                let file = std::fs::File::open(entry.path()).unwrap();
                file.set_modified(SystemTime::now() + Duration::from_secs(86_400)).unwrap();
            }
        }
        world.sandbox.clear_requests();
        let report = world.published().await;
        assert_eq!(report.outcome, Outcome::Unchanged);
        let requests = world.sandbox.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        assert_eq!(requests[0].operation, "GetObject");
        assert_eq!(report.requests, BTreeMap::from([("GetObject".to_owned(), 1)]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_site_sends_only_what_changed_and_refreshes_just_that() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let before = world.live();
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    let report = world.published().await;
    world.assert_settled();

    let (old, new) = (files_of(&fixture("v1")), files_of(&fixture("v2")));
    let changed: BTreeSet<&String> = new.keys().filter(|path| old.get(*path) != new.get(*path)).collect();
    let sent = world.site_bytes_sent();
    assert_eq!(sent, changed.iter().map(|path| new[*path].len() as u64).sum::<u64>());
    assert_eq!(report.uploaded.bytes, sent);

    let live = world.live();
    assert!(!live.contains_key("contact.html"), "the removed page is still there");
    for (path, object) in &before {
        if path.starts_with("assets/") {
            assert_eq!(live.get(path).map(|found| &found.bytes), Some(&object.bytes), "{path} is needed by open tabs");
        }
    }
    let invalidations = world.sandbox.invalidations(crate::world::DISTRIBUTION);
    let paths: Vec<&str> = invalidations.last().unwrap().paths.iter().map(String::as_str).collect();
    let expected = [
        "/",
        "/about/",
        "/about/index.html",
        "/config.json",
        "/contact.html",
        "/index.html",
        "/news/",
        "/news/index.html",
    ];
    assert_eq!(paths, expected);
    let invalidation = report.invalidation.unwrap();
    assert_eq!(invalidation.paths, expected);
    assert_eq!(invalidation.status, InvalidationStatus::Effective);
    assert_eq!(invalidation.evicted_unchanged, 0);
}

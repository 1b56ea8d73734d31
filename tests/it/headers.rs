//! What objects are stored with: rules, and what the distribution does that decides `Cache-Control`.

use std::collections::BTreeMap;
use std::time::Duration;

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::report::Outcome;
use publish::sandbox::{CustomError, Distribution};
use publish::types::headers::Kind;

use crate::world::{DISTRIBUTION, World, distribution};

const REVALIDATE: &str = "public, max-age=0, must-revalidate";
const REVALIDATE_AT_CDN: &str = "public, max-age=0, s-maxage=86400, must-revalidate";

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_rule_costs_copies_and_refreshes_just_its_files() {
    let mut world = World::with_fixture("v1").await;
    world.published().await;
    let before = world.live();
    world.environment.headers.push(HeaderRule {
        globs: OneOrMany(vec!["robots.txt".to_owned()]),
        cache_control: Some("public, max-age=60".to_owned()),
        ..HeaderRule::default()
    });
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Published);
    world.assert_settled();

    assert_eq!(world.site_bytes_sent(), 0);
    let copies: Vec<String> = copied_keys(&world);
    assert_eq!(copies, ["live/robots.txt"]);
    assert_eq!(world.last_invalidated(), ["/robots.txt"]);
    assert_eq!(report.files.reheadered, 1);
    assert_eq!((report.uploaded.objects, report.uploaded.bytes, report.copied), (0, 0, 1));
    for (path, object) in world.live() {
        let expected =
            if path == "robots.txt" { Some("public, max-age=60") } else { before[&path].cache_control.as_deref() };
        assert_eq!(object.cache_control.as_deref(), expected, "{path}");
        assert_eq!(object.bytes, before[&path].bytes, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_rule_for_fingerprinted_files_copies_them_onto_themselves() {
    let mut world = World::with_fixture("v1").await;
    let first = world.published().await;
    let files = world.manifest(1).files;
    let meant = || files.iter().filter(|(path, _)| path.as_str().starts_with("assets/"));
    assert!(meant().any(|(_, entry)| entry.kind == Kind::Fingerprinted));
    world.environment.headers.push(HeaderRule {
        globs: OneOrMany(vec!["assets/**".to_owned()]),
        metadata: BTreeMap::from([("team".to_owned(), "web".to_owned())]),
        ..HeaderRule::default()
    });
    world.sandbox.clear_requests();
    let report = world.published().await;
    world.assert_settled();
    assert_eq!((world.site_bytes_sent(), report.uploaded.objects), (0, 0));
    let keys: Vec<String> = meant().map(|(path, _)| format!("live/{path}")).collect();
    let mut copies = copied_keys(&world);
    copies.sort();
    assert_eq!(copies, keys);
    assert_eq!(report.files.reheadered, keys.len());
    assert_eq!(report.files.fingerprinted, first.files.fingerprinted, "they stay what they are");
    let forgotten = world.last_invalidated();
    assert!(meant().all(|(path, _)| forgotten.contains(&format!("/{path}"))), "{forgotten:?}");
    for (path, object) in world.live() {
        assert_eq!(object.metadata.get("team").map(String::as_str), path.starts_with("assets/").then_some("web"));
        assert_eq!(object.metadata["publish-site"], "shop", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_are_stored_as_what_they_are_twins_of_and_downloads_as_downloads() {
    let world = World::new().await;
    for path in
        ["index.html", "app.js", "app.js.br", "app.js.gz", "app.js.zst", "data.csv", "data.csv.gz", "src.tar.gz"]
    {
        world.write(path, path);
    }
    world.published().await;
    let live = world.live();
    let stored = |path: &str| (live[path].content_type.as_str(), live[path].content_encoding.as_deref());
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    assert_eq!(stored("app.js"), (SCRIPT, None));
    assert_eq!(stored("app.js.br"), (SCRIPT, Some("br")));
    assert_eq!(stored("app.js.gz"), (SCRIPT, Some("gzip")));
    assert_eq!(stored("app.js.zst"), (SCRIPT, Some("zstd")));
    assert_eq!(stored("data.csv.gz"), ("application/gzip", None));
    assert_eq!(stored("src.tar.gz"), ("application/gzip", None));
    // Without the file that it is a twin of, the same object is a download: its headers alone change.
    world.remove("app.js");
    world.sandbox.clear_requests();
    world.published().await;
    assert_eq!(world.site_bytes_sent(), 0);
    let live = world.live();
    assert_eq!(live["app.js.gz"].content_type, "application/gzip");
    assert_eq!(live["app.js.gz"].content_encoding, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_answers_for_urls_nobody_can_list_is_not_kept_by_the_cdn() {
    let world = World::with_fixture("v1").await;
    let fallback = CustomError {
        error_code: 404,
        response_page_path: Some("/index.html".to_owned()),
        response_code: Some(200),
        error_caching_min_ttl: Duration::from_secs(10),
    };
    world.sandbox.set_distribution(Distribution { custom_errors: vec![fallback], ..distribution() });
    world.published().await;
    assert_eq!(cache_control(&world, "index.html"), REVALIDATE);
    assert_eq!(cache_control(&world, "about/index.html"), REVALIDATE_AT_CDN);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_look_at_the_distribution_the_cdn_keeps_no_page() {
    let world = World::with_fixture("v1").await;
    world.refuse("GetDistributionConfig", "", 403, "AccessDenied");
    let report = world.published().await;
    assert!(report.warnings.iter().any(|warning| warning.contains("cloudfront:GetDistributionConfig")), "{report:#?}");
    assert_no_page_is_kept(&world);
    assert_next_publish_costs_one_request(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_distribution_nothing_is_refreshed() {
    let mut world = World::with_fixture("v1").await;
    world.environment.distribution = None;
    let report = world.published().await;
    assert_eq!(report.invalidation, None);
    assert_eq!(world.invalidations(), []);
    assert_no_page_is_kept(&world);
    assert_next_publish_costs_one_request(&world).await;
    world.use_fixture("v2");
    assert_eq!(world.published().await.invalidation, None);
    assert_eq!(world.invalidations(), []);
    assert_no_page_is_kept(&world);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_that_is_added_later_may_keep_pages_from_then_on() {
    let mut world = World::with_fixture("v1").await;
    world.environment.distribution = None;
    world.published().await;
    world.environment.distribution = Some(DISTRIBUTION.to_owned());
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Published);
    assert_eq!(world.site_bytes_sent(), 0);
    assert_eq!(cache_control(&world, "index.html"), REVALIDATE_AT_CDN);
    world.assert_settled();
    assert_next_publish_costs_one_request(&world).await;
}

/// Its configuration decides nothing then, so that no header differs: that it was looked at must be remembered all the
/// same, and what it kept before is forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_that_is_added_later_and_cannot_be_read_is_looked_at_once() {
    let mut world = World::with_fixture("v1").await;
    world.environment.distribution = None;
    world.published().await;
    world.environment.distribution = Some(DISTRIBUTION.to_owned());
    world.refuse("GetDistributionConfig", "", 403, "AccessDenied");
    assert_eq!(world.published().await.outcome, Outcome::Repaired);
    assert_eq!(world.last_invalidated(), ["/*"]);
    assert_no_page_is_kept(&world);
    assert_next_publish_costs_one_request(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_has_cache_control_type_and_marker() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    for (key, object) in world.objects() {
        assert!(object.cache_control.is_some(), "{key}");
        assert_ne!(object.content_type, "binary/octet-stream", "{key}");
        assert_eq!(object.metadata, BTreeMap::from([("publish-site".to_owned(), "shop".to_owned())]), "{key}");
    }
}

fn copied_keys(world: &World) -> Vec<String> {
    let copies = world.s3_requests().into_iter().filter(|request| request.operation == "CopyObject");
    copies.map(|request| request.key).collect()
}

fn cache_control(world: &World, path: &str) -> String {
    world.live()[path].cache_control.clone().unwrap()
}

fn assert_no_page_is_kept(world: &World) {
    for (path, object) in world.live() {
        assert!(!object.cache_control.unwrap().contains("s-maxage"), "{path}");
    }
}

async fn assert_next_publish_costs_one_request(world: &World) {
    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1, "{:#?}", world.sandbox.requests());
}

//! `_headers` and `_redirects` in the site's folder: what is stored, what is said, what is left to CloudFront.

use std::process::Command;

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::report::Outcome;
use publish::report::event::Events;
use publish::run;
use publish::site::response_policy::ResponsePolicy;

use crate::world::{BUCKET, World};

const HEADERS: &str = "\
/*
  X-Frame-Options: DENY
/assets/*
  Cache-Control: public, max-age=600
  Access-Control-Allow-Origin: *
/about/
  Cache-Control: no-store
  Content-Language: en
  X-Amz-Meta-Team: docs
";

/// The paths of a site that lie in assets/.
fn assets(world: &World) -> Vec<String> {
    world.live().into_keys().filter(|path| path.starts_with("assets/")).collect()
}

fn copied(world: &World) -> Vec<String> {
    let requests = world.s3_requests().into_iter();
    let mut copied: Vec<String> = requests
        .filter(|request| request.operation == "CopyObject")
        .filter_map(|request| Some(request.key.strip_prefix("live/")?.to_owned()))
        .collect();
    copied.sort();
    copied
}

#[tokio::test(flavor = "multi_thread")]
async fn what_s3_stores_is_stored_and_the_file_itself_is_not() {
    let world = World::with_fixture("v1").await;
    world.write("_headers", HEADERS);
    world.write("_redirects", "/old /new\n");
    let report = world.published().await;
    world.assert_settled();
    let live = world.live();
    assert!(!live.contains_key("_headers") && !live.contains_key("_redirects"));
    let page = &live["about/index.html"];
    assert_eq!(page.cache_control.as_deref(), Some("no-store"));
    assert_eq!(page.content_language.as_deref(), Some("en"));
    assert_eq!(page.metadata["team"], "docs");
    for path in assets(&world) {
        assert_eq!(live[&path].cache_control.as_deref(), Some("public, max-age=600"), "{path}");
    }
    assert!(live["index.html"].cache_control.as_deref().unwrap().contains("s-maxage"));
    let said = |part: &str| report.warnings.iter().filter(|warning| warning.contains(part)).count();
    assert_eq!(said("S3 cannot store Access-Control-Allow-Origin, X-Frame-Options"), 1, "{:#?}", report.warnings);
    assert_eq!(said("_redirects is not published; it has 1 redirect"), 1, "{:#?}", report.warnings);
    assert_eq!(report.warnings.len(), 2, "{:#?}", report.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_file_alone_costs_copies_and_refreshes_just_what_it_means() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let before = world.live();
    let mut meant = assets(&world);
    meant.push("about/index.html".to_owned());
    meant.sort();
    world.write("_headers", HEADERS);
    world.sandbox.clear_requests();
    let report = world.published().await;
    world.assert_settled();
    assert_eq!((world.site_bytes_sent(), report.uploaded.objects), (0, 0));
    assert_eq!(copied(&world), meant);
    assert_eq!(report.files.reheadered, meant.len());
    let forgotten = world.last_invalidated();
    assert!(meant.iter().all(|path| forgotten.contains(&format!("/{path}"))), "{forgotten:?}");
    assert!(!forgotten.contains(&"/index.html".to_owned()), "{forgotten:?}");

    // The same again is no change, and without the file all is as before.
    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1);
    world.remove("_headers");
    let report = world.published().await;
    assert_eq!((report.uploaded.objects, report.files.reheadered), (0, meant.len()));
    for (path, object) in world.live() {
        assert_eq!(object.cache_control, before[&path].cache_control, "{path}");
        assert_eq!((object.content_language, object.metadata), (None, before[&path].metadata.clone()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_toml_wins_and_rules_that_match_nothing_are_told() {
    let mut world = World::with_fixture("v1").await;
    world.write("_headers", "/*\n  Cache-Control: no-store\n/nowhere/*\n  Cache-Control: no-cache\n");
    let rule = |glob: &str| HeaderRule {
        globs: OneOrMany(vec![glob.to_owned()]),
        cache_control: Some("public, max-age=60".to_owned()),
        ..HeaderRule::default()
    };
    world.environment.headers.extend([rule("robots.txt"), rule("none/*")]);
    let report = world.published().await;
    let expected = ["no file matches the header rule for `none/*`", "no file matches `/nowhere/*` (_headers, line 3)"];
    assert_eq!(report.warnings, expected);
    for (path, object) in world.live() {
        let expected = if path == "robots.txt" { "public, max-age=60" } else { "no-store" };
        assert_eq!(object.cache_control.as_deref(), Some(expected), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_cannot_be_read_stops_before_anything_is_asked() {
    let world = World::with_fixture("v1").await;
    for (text, part) in [
        ("/*\n  X-Frame-Options DENY\n", "_headers, line 2 is neither"),
        ("/*\n  Basic-Auth: someone:hunter2\n", "_headers, line 2: `Basic-Auth`"),
    ] {
        world.write("_headers", text);
        let report = world.publish().await;
        let error = report.error.unwrap();
        assert_eq!(report.exit_code, 2);
        assert!(error.message.contains(part) && !error.hint.is_empty(), "{error:#?}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    assert_eq!(world.sandbox.requests().len(), 0);
    assert!(world.live().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_files_out_hears_nothing_of_them() {
    let mut world = World::with_fixture("v1").await;
    world.write("_headers", "no rule\n");
    world.write("_redirects", "/a /b\n");
    world.environment.publish.exclude = vec!["_headers".to_owned(), "_redirects".to_owned()];
    assert_eq!(world.published().await.warnings, [""; 0]);
    assert!(!world.live().contains_key("_headers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_explains_what_cloudfront_is_to_add_also_where_nothing_changes() {
    let world = World::with_fixture("v1").await;
    world.write("_headers", HEADERS);
    for expected_exit_code in [10, 0] {
        let (report, explained) = run::plan_explained(world.request(), &[], Events::new(&|_| {})).await;
        assert_eq!(report.exit_code, expected_exit_code);
        let patterns: Vec<&str> =
            explained.response_policies.iter().map(|policy| policy.path_pattern.as_str()).collect();
        assert_eq!(patterns, ["/assets/*", "*"]);
        let [assets, all] = &explained.response_policies[..] else { panic!("{explained:?}") };
        assert_eq!(assets.headers, ["Access-Control-Allow-Origin: *", "X-Frame-Options: DENY"]);
        assert_eq!((all.name.as_str(), all.headers.len()), ("shop-test-default", 1));
        world.published().await;
    }
}

/// What `publish plan --explain-headers` writes, and its exit code.
fn explain(world: &World, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_publish"))
        .args(["plan", "--explain-headers", "--site", "shop", "--bucket", BUCKET, "--prefix", "live"])
        .args(["--region", "us-east-1", "--endpoint-url", world.sandbox.s3_endpoint()])
        .args(arguments)
        .arg(&world.folder)
        .current_dir(world.folder.parent().unwrap())
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", &world.sandbox.keys().access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &world.sandbox.keys().secret_access_key)
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_policies_for_people_and_programs() {
    let world = World::with_fixture("v1").await;
    world.write("_headers", HEADERS);
    let (code, text) = explain(&world, &[]);
    assert_eq!(code, 10, "{text}");
    assert!(text.starts_with("A publish to s3://sandbox/live/ would\n"), "{text}");
    let json = text.split_once("default.json:\n").unwrap().1.split_once("\n}\n").unwrap().0;
    let config: serde_json::Value = serde_json::from_str(&format!("{json}\n}}")).unwrap();
    assert_eq!(config["SecurityHeadersConfig"]["FrameOptions"]["FrameOption"], "DENY");
    assert!(text.contains("aws cloudfront create-response-headers-policy --response-headers-policy-config file://"));

    let (code, text) = explain(&world, &["--output", "json"]);
    assert_eq!(code, 10, "{text}");
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut policies: Vec<serde_json::Value> = lines.filter(|line| line["type"] == "response_policy").collect();
    assert_eq!(policies.len(), 2, "{text}");
    let mut last = policies.pop().unwrap();
    last.as_object_mut().unwrap().remove("type");
    let last: ResponsePolicy = serde_json::from_value(last).unwrap();
    assert_eq!(
        (last.path_pattern.as_str(), last.config.unwrap()["SecurityHeadersConfig"].clone()),
        ("*", config["SecurityHeadersConfig"].clone())
    );

    world.remove("_headers");
    let (_, text) = explain(&world, &[]);
    assert!(text.contains("No header needs a CloudFront response headers policy."), "{text}");
}

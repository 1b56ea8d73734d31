//! What `verify` finds, what it does not cry wolf over, and what `--repair` brings back.

use std::process::Command;

use publish::bucket::aws::{Aws, Condition};
use publish::config::environment::{Encryption, Wait};
use publish::content::path::SitePath;
use publish::report::event::{Event, Events};
use publish::report::{Outcome, Report};
use publish::run::{self, Caller, Reply, RollbackRequest, VerifyRequest};
use publish::site::snapshot::MULTIPART_BYTES;
use publish::stages::audit::{Finding, FindingKind};
use publish::types::headers::Kind;

use crate::front::{Answer, Front};
use crate::world::{self, BUCKET, World};

const LOOK: (bool, bool) = (false, false);
const DEEP: (bool, bool) = (true, false);
const REPAIR: (bool, bool) = (false, true);
const DEEP_REPAIR: (bool, bool) = (true, true);

async fn verify_heard(
    world: &World,
    (deep, repair): (bool, bool),
    listener: impl Fn(Event) + Sync,
) -> (Report, Vec<Finding>) {
    let environment = world.environment.clone();
    let request = VerifyRequest { environment, caller: world::caller(), deep, repair };
    run::verify(request, &|_| Reply::CannotAsk, Events::new(&listener)).await
}

pub(crate) async fn verify(world: &World, how: (bool, bool)) -> (Report, Vec<Finding>) {
    verify_heard(world, how, |_| {}).await
}

/// Nothing differs, however closely one looks.
async fn assert_whole(world: &World) {
    for how in [LOOK, DEEP] {
        let (report, findings) = verify(world, how).await;
        assert_eq!((report.exit_code, &findings[..]), (0, &[][..]), "{report:#?}");
        assert_eq!(report.outcome, Outcome::Verified);
    }
}

fn found(findings: &[Finding]) -> Vec<(FindingKind, &str)> {
    findings.iter().map(|finding| (finding.what, finding.path.as_str())).collect()
}

fn live(path: &str) -> String {
    format!("live/{path}")
}

fn overwrite(world: &World, path: &str, bytes: &[u8]) {
    world.sandbox.put_foreign(BUCKET, &live(path), bytes.to_vec(), "text/plain");
}

/// Other bytes of the same size.
fn overwrite_with_as_many(world: &World, path: &str) {
    let bytes: Vec<u8> = world.live()[path].bytes.iter().map(|byte| !byte).collect();
    overwrite(world, path, &bytes);
}

fn remove(world: &World, path: &str) {
    world.sandbox.remove_object(BUCKET, &live(path));
}

/// Gives a live object another Cache-Control, as a tool that keeps our marker.
async fn change_headers(world: &World, path: &str) {
    let store = Aws::connect(&world.environment).await.unwrap().store;
    let address = world.environment.layout.live(&SitePath::new(path).unwrap());
    let mut headers = store.head(&address).await.unwrap().unwrap().headers;
    headers.cache_control = "no-store".to_owned();
    store.copy(&address, None, &address, &headers, Condition::None).await.unwrap();
}

fn remove_blob(world: &World, release: u64, path: &str) {
    let digest = world.manifest(release).files[&SitePath::new(path).unwrap()].digest;
    world.sandbox.remove_object(BUCKET, &world.environment.layout.blob(&digest).key);
}

/// Releases 1 and 2, of which the second is live: its pages are in blobs.
async fn two_releases() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    world.sandbox.clear_requests();
    world
}

/// A fingerprinted file of a release.
fn fingerprinted(world: &World, release: u64) -> String {
    let files = world.manifest(release).files;
    let first = files.into_iter().find(|(_, entry)| entry.kind == Kind::Fingerprinted);
    first.unwrap().0.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_site_costs_a_listing() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.sandbox.clear_requests();
    let (report, findings) = verify(&world, LOOK).await;
    assert_eq!((report.exit_code, findings.len()), (0, 0), "{report:#?}");
    assert_eq!(report.files.unchanged, report.files.total);
    let operations = world.s3_operations();
    assert_eq!((operations["GetObject"], operations["ListObjectsV2"], operations.len()), (2, 1, 2), "{operations:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_of_many_files_costs_a_request_for_each_thousand() {
    let world = World::new().await;
    for number in 0..1_100 {
        world.write(&format!("pages/{number}.html"), format!("<p>{number}"));
    }
    world.published().await;
    world.sandbox.clear_requests();
    assert_eq!(verify(&world, LOOK).await.0.exit_code, 0);
    let operations = world.s3_operations();
    assert_eq!((operations["GetObject"], operations["ListObjectsV2"], operations.len()), (2, 2, 2), "{operations:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_published_there_is_nothing_to_compare() {
    let world = World::new().await;
    overwrite(&world, "index.html", b"somebody's");
    let (report, findings) = verify(&world, DEEP_REPAIR).await;
    assert_eq!((report.exit_code, findings.len(), report.warnings.len()), (0, 0, 1), "{report:#?}");
}

/// One difference of each kind.
async fn tampered() -> World {
    let world = two_releases().await;
    remove(&world, "about/index.html");
    overwrite_with_as_many(&world, "index.html");
    overwrite(&world, "config.json", b"{}");
    change_headers(&world, "news/index.html").await;
    overwrite(&world, "stranger.txt", b"not of the site");
    overwrite(&world, "folder/", b"");
    remove_blob(&world, 1, "index.html");
    world.sandbox.clear_requests();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_difference_is_found() {
    let world = tampered().await;
    let by_listing = [
        (FindingKind::Missing, "about/index.html"),
        (FindingKind::Changed, "config.json"),
        (FindingKind::Changed, "index.html"),
        (FindingKind::Foreign, "folder/"),
        (FindingKind::Foreign, "stranger.txt"),
    ];
    let (report, findings) = verify(&world, LOOK).await;
    assert_eq!((report.exit_code, report.outcome), (6, Outcome::Verified), "{report:#?}");
    assert_eq!((report.error, report.warnings), (None, Vec::<String>::new()));
    assert_eq!(found(&findings), by_listing);

    let (report, findings) = verify(&world, DEEP).await;
    assert_eq!(report.exit_code, 6, "{report:#?}");
    let mut deep = by_listing.to_vec();
    deep.insert(3, (FindingKind::Headers, "news/index.html"));
    deep.push((FindingKind::Lost, "index.html"));
    assert_eq!(found(&findings), deep);
    let lost = findings.last().unwrap();
    assert_eq!(lost.releases.iter().map(ToString::to_string).collect::<Vec<_>>(), ["1"]);
    let headers = &findings[3];
    assert_eq!(headers.found.as_deref(), Some("cache-control: no-store"));
    assert!(headers.expected.as_deref().unwrap().contains("s-maxage"), "{headers:?}");
    assert!(world.s3_writes().is_empty(), "looking changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bucket_has_is_brought_back_and_the_cdn_refreshed() {
    let world = tampered().await;
    let (report, findings) = verify(&world, DEEP_REPAIR).await;
    assert_eq!((report.exit_code, report.outcome), (6, Outcome::Repaired), "{report:#?}");
    for finding in &findings {
        assert_eq!(finding.repaired, finding.is_damage(), "{finding:?}");
    }
    world.assert_settled();
    assert_eq!(world.site_bytes_sent(), 0);
    for url in ["/about/index.html", "/index.html", "/", "/config.json", "/news/index.html"] {
        assert!(world.last_invalidated().contains(&url.to_owned()), "{url}: {:?}", world.last_invalidated());
    }
    assert_eq!(&world.live()["stranger.txt"].bytes[..], b"not of the site");
    let head = world.head();
    let last = head.history.last().unwrap();
    assert_eq!(last.reason.as_deref(), Some("repaired by verify"));
    let active = head.active.unwrap();
    assert_eq!((u64::from(active.release), active.previous.map(u64::from)), (2, Some(1)));
    assert!(head.suspects.is_empty(), "nothing is left for a publish to look at");

    let (_, findings) = verify(&world, DEEP).await;
    let left =
        [(FindingKind::Foreign, "folder/"), (FindingKind::Foreign, "stranger.txt"), (FindingKind::Lost, "index.html")];
    assert_eq!(found(&findings), left);
    remove(&world, "stranger.txt");
    remove(&world, "folder/");
    assert_eq!(verify(&world, LOOK).await.0.exit_code, 0);
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_something_else_wrote_with_the_same_bytes_is_told_from_ours() {
    let world = two_releases().await;
    let bytes = world.live()["config.json"].bytes.clone();
    overwrite(&world, "config.json", &bytes);
    assert_eq!(verify(&world, LOOK).await.1, [], "a listing shows neither headers nor marker");
    let (_, findings) = verify(&world, DEEP).await;
    assert_eq!(found(&findings), [(FindingKind::Headers, "config.json")]);
    let (report, _) = verify(&world, DEEP_REPAIR).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Repaired), "{report:#?}");
    assert_whole(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_folder_has_comes_back_with_the_next_publish() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let asset = fingerprinted(&world, 1);
    let assets: Vec<String> = world.live().into_keys().filter(|path| path.starts_with("assets/")).collect();
    let other = assets.iter().find(|path| **path != asset && path.ends_with(".js")).unwrap();
    remove(&world, &asset);
    overwrite(&world, other, b"tampered");
    overwrite_with_as_many(&world, "index.html");
    remove(&world, "about/index.html");
    let (report, findings) = verify(&world, REPAIR).await;
    assert_eq!((report.exit_code, report.outcome), (6, Outcome::Verified), "{report:#?}");
    assert_eq!(findings.len(), 4);
    assert!(findings.iter().all(|finding| !finding.repaired), "{findings:#?}");
    assert_eq!(verify(&world, REPAIR).await.0.exit_code, 6);

    let report = world.published().await;
    assert_eq!((report.outcome, report.uploaded.objects), (Outcome::Published, 4), "{report:#?}");
    world.assert_settled();
    assert_whole(&world).await;
    assert!(world.head().suspects.is_empty());
    assert!(world.head().mutable_paths.is_empty(), "no name was reused");
    for path in ["/index.html", "/about/index.html", &format!("/{asset}"), &format!("/{other}")] {
        assert!(world.last_invalidated().contains(&path.to_owned()), "{path}: {:?}", world.last_invalidated());
    }
    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.s3_requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_not_kept_up_by_what_is_lost_in_both_releases() {
    let world = two_releases().await;
    let (first, second) = (world.manifest(1).files, world.manifest(2).files);
    let shared = first.keys().find(|path| path.as_str().starts_with("assets/") && second.contains_key(*path)).unwrap();
    remove(&world, shared.as_str());
    assert_eq!(verify(&world, REPAIR).await.0.exit_code, 6);
    let report = world.rollback(None).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::RolledBack), "{report:#?}");
    assert!(report.warnings.iter().any(|warning| warning.contains(shared.as_str())), "{:?}", report.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_gone_is_made_again_from_what_is_live() {
    let world = two_releases().await;
    remove_blob(&world, 2, "index.html");
    assert_eq!(verify(&world, LOOK).await.0.exit_code, 0, "visitors miss nothing");
    let (report, findings) = verify(&world, DEEP).await;
    assert_eq!((report.exit_code, found(&findings)), (6, vec![(FindingKind::Lost, "index.html")]));
    let (report, findings) = verify(&world, DEEP_REPAIR).await;
    assert_eq!((report.exit_code, report.outcome, report.copied), (0, Outcome::Repaired, 1), "{report:#?}");
    assert!(findings[0].repaired);
    assert_whole(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retired_waits_or_was_staged_is_no_stranger() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    assert_eq!(world.publish().await.exit_code, 0);
    assert!(!world.head().leftovers.is_empty());
    assert_whole(&world).await;
    world.sandbox.clear_faults();

    // A release that waits, and the remains of one that was never complete.
    world.write("extra.html", world::loads("assets/extra-D4wrgT9a.js"));
    world.write("assets/extra-D4wrgT9a.js", "extra");
    let mut request = world.request();
    request.stage_only = true;
    assert_eq!(world::publish(request).await.outcome, Outcome::Staged);
    world.assert_fingerprinted(3, "assets/extra-D4wrgT9a.js");
    assert_whole(&world).await;
    world.write("more.html", world::loads("assets/more-BcR93fKd.js"));
    world.write("assets/more-BcR93fKd.js", "more");
    world.refuse("PutObject", "manifest.json.gz", 400, "Stopped");
    assert_eq!(world.publish().await.exit_code, 1);
    world.sandbox.clear_faults();
    assert!(world.live().contains_key("assets/more-BcR93fKd.js"));
    assert_whole(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn etags_that_are_no_md5_raise_no_alarm() {
    let mut world = World::with_fixture("v1").await;
    let key_id = Some("alias/site".to_owned());
    world.environment.access.encryption = Encryption::Kms { key_id };
    world.write("film.mp4", vec![7; usize::try_from(MULTIPART_BYTES).unwrap()]);
    world.published().await;
    assert_whole(&world).await;
    overwrite_with_as_many(&world, "film.mp4");
    overwrite_with_as_many(&world, "index.html");
    let (_, findings) = verify(&world, LOOK).await;
    assert_eq!(found(&findings), [(FindingKind::Changed, "film.mp4"), (FindingKind::Changed, "index.html")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_damaged_listing_is_told_where_it_accounts_for_objects() {
    let world = two_releases().await;
    let key = world.environment.layout.manifest(publish::release::manifest::ReleaseNumber::new(1)).key;
    world.sandbox.put_foreign(BUCKET, &key, b"damaged".to_vec(), "application/gzip");
    overwrite(&world, "stranger.txt", b"not of the site");
    let (report, findings) = verify(&world, LOOK).await;
    assert_eq!(report.exit_code, 6, "{report:#?}");
    assert_eq!(found(&findings), [(FindingKind::Foreign, "stranger.txt"), (FindingKind::Lost, key.as_str())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_an_activation_is_unfinished_only_what_is_certain_is_compared() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("CopyObject", "live/index.html", 400, "Stopped");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    let (report, findings) = verify(&world, DEEP).await;
    assert_eq!((report.exit_code, &findings[..]), (0, &[][..]), "{report:#?}");
    assert!(report.warnings[0].contains("release 2 was interrupted"), "{:?}", report.warnings);
    overwrite(&world, "404.html", b"tampered");
    world.sandbox.clear_requests();
    let (report, findings) = verify(&world, REPAIR).await;
    assert_eq!((report.exit_code, found(&findings)), (6, vec![(FindingKind::Changed, "404.html")]));
    assert!(world.s3_writes().is_empty(), "what is unfinished is finished first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_does_not_undo_what_another_publisher_made_live_meanwhile() {
    let world = two_releases().await;
    overwrite(&world, "config.json", b"{}");
    let listener = |event| {
        if matches!(event, Event::Planned { .. }) {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(world.rollback(Some(1))));
        }
    };
    let (report, _) = verify_heard(&world, REPAIR, listener).await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Superseded), "{report:#?}");
    world.assert_settled();
    assert_eq!(u64::from(world.head().active.unwrap().release), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_live_is_repaired_while_publishing_is_held() {
    let world = two_releases().await;
    let request = RollbackRequest {
        commit: None,
        environment: world.environment.clone(),
        caller: Caller { yes: true, ..world::caller() },
        release: Some(publish::release::manifest::ReleaseNumber::new(2)),
        hold: true,
        reason: None,
    };
    run::rollback(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
    overwrite(&world, "config.json", b"{}");
    let (report, _) = verify(&world, REPAIR).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Repaired), "{report:#?}");
    assert!(world.head().hold.is_some());
    world.assert_settled();
}

/// The binary's exit code and what it writes.
fn run_binary(world: &World, arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_publish"))
        .args(["verify", "--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--region", "us-east-1"])
        .args(["--endpoint-url", world.sandbox.s3_endpoint()])
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", &world.sandbox.keys().access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &world.sandbox.keys().secret_access_key)
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_tells_people_and_programs() {
    let world = two_releases().await;
    let (code, text) = run_binary(&world, &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("No differences: "), "{text}");

    overwrite(&world, "config.json", b"{}");
    let (code, text) = run_binary(&world, &[]);
    assert_eq!(code, 6, "{text}");
    assert!(
        text.contains("different bytes\n  config.json: ")
            && text.contains("`publish verify --repair --site shop --bucket "),
        "{text}"
    );
    let (code, text) = run_binary(&world, &["--output", "json"]);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [finding, report] = &lines[..] else { panic!("{text}") };
    assert_eq!((code, &report["exit_code"], &report["outcome"]), (6, &6.into(), &"verified".into()));
    assert_eq!((&finding["type"], &finding["path"]), (&"finding".into(), &"config.json".into()));

    let (code, text) = run_binary(&world, &["--repair"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("(repaired)"), "{text}");
    let (code, _) = run_binary(&world, &["--deep", "--quiet"]);
    assert_eq!(code, 0);
}

/// The bucket is right, and visitors get something else: verify says what.
#[tokio::test(flavor = "multi_thread")]
async fn what_visitors_get_instead_is_a_difference() {
    let mut world = two_releases().await;
    let site = world.sandbox.site_url().to_owned();
    let script = fingerprinted(&world, 2);
    let gone = Front::of(&site, |asked, answer| match asked.path.ends_with(".js") {
        true => Answer::new("404 Not Found", ""),
        false => answer,
    });
    let moved = Front::of(&site, |_, _| Answer::new("301 Moved", "location: https://shop.example/"));
    for (url, path, said) in [
        (&gone.url, "/assets/", "answers with 404: the file is not found. Is `url` the address"),
        (&moved.url, "/index.html", "redirects (301) to https://shop.example/. Set `url` to where"),
    ] {
        world.environment.url = Some(url.clone());
        world.sandbox.clear_requests();
        let (report, findings) = verify(&world, LOOK).await;
        assert_eq!((report.exit_code, report.outcome), (6, Outcome::Verified), "{report:#?}");
        assert!(
            !findings.is_empty() && findings.iter().all(|finding| finding.what == FindingKind::Answer),
            "{findings:#?}"
        );
        assert!(findings[0].path.starts_with(&format!("{url}{path}")), "{findings:#?}");
        assert!(findings[0].found.as_ref().unwrap().starts_with(said), "{findings:#?}");
        assert!(world.s3_writes().is_empty());
    }
    // Where visitors need a password, nobody looks.
    world.environment.invalidation.wait = Wait::Completed;
    let (report, findings) = verify(&world, LOOK).await;
    assert!(report.exit_code == 0 && findings.is_empty(), "{findings:#?}");
    world.environment.invalidation.wait = Wait::Effect;
    // What the bucket does not have is told once.
    remove(&world, &script);
    world.environment.url = Some(site);
    let (_, findings) = verify(&world, LOOK).await;
    assert_eq!(found(&findings), [(FindingKind::Missing, script.as_str())]);
}

/// Nothing is wrong with the bucket: the release is without it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_without_a_script_is_told_as_that() {
    let world = World::new().await;
    world.write("index.html", "<script src=\"/js/app.js\"></script><script src=\"/js/there.js\"></script>");
    world.write("js/there.js", "1");
    world.published_broken().await;
    let (report, findings) = verify(&world, (false, false)).await;
    assert_eq!(report.exit_code, 6, "{findings:#?}");
    let told: Vec<_> = findings.iter().map(|finding| (finding.what, finding.path.as_str())).collect();
    let url = format!("{}/js/app.js", world.sandbox.site_url());
    assert_eq!(told, [(FindingKind::NotPublished, url.as_str())]);
}

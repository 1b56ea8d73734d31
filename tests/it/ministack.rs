//! The same promises against an implementation of S3 and CloudFront that we did not write, judged by a client that we
//! did not write: ministack and boto3, in a virtual environment of their own. What was asked is what a proxy in
//! between saw; what is there is what boto3 finds.
//!
//! ministack gives copies the old Content-Encoding, ignores conditions on what a copy replaces, says no checksum of a
//! copy, and completes invalidations at once: what depends on those is tested against the sandbox alone.

mod hosting;
mod recorder;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime};

use publish::config::environment::Environment;
use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::release::layout::Layout;
use publish::release::manifest::ReleaseNumber;
use publish::release::retention::RetentionSettings;
use publish::report::event::Events;
use publish::report::{InvalidationStatus, Outcome, Report};
use publish::run::{
    self, ActivateRequest, Caller, DiffRequest, PromoteRequest, PublishRequest, Reply, RollbackRequest, ShowRequest,
    Side, VerifyRequest,
};
use publish::types::digest::Digest;
use publish::views::releases::ReleaseFilter;
use publish::views::releases::ReleaseState;

use self::hosting::{Hosting, Inspection, request};
use self::recorder::Recorded;
use crate::world::{self, fixture};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const KEPT_BY_THE_CDN: &str = "public, max-age=0, s-maxage=86400, must-revalidate";
const REVALIDATE: &str = "public, max-age=0, must-revalidate";

/// What v2 of the fixture changes: every URL whose answer differs, and no other.
const CHANGED_URLS: [&str; 8] =
    ["/", "/about/", "/about/index.html", "/config.json", "/contact.html", "/index.html", "/news/", "/news/index.html"];

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_client_finds_what_the_folder_and_the_manifest_say() {
    let hosting = Hosting::new().await;
    let report = hosting.published(&fixture("v1")).await;
    assert_eq!(report.outcome, Outcome::Published);
    let found = hosting.inspect();
    assert_live_is(&found, &fixture("v1"));
    assert_eq!(found.differences, [""; 0]);
    assert_manifest_lists(&found, "1", &fixture("v1"));
    assert_eq!(found.head.unwrap()["active"]["release"], 1);
    // Every byte went over the wire once, and nothing else did.
    assert_eq!(sent(&hosting.recorder.take()), contents(&fixture("v1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_of_the_distribution_get_what_was_published() {
    let hosting = Hosting::new().await;
    hosting.published(&fixture("v1")).await;
    let files = files_of(&fixture("v1"));
    let urls: Vec<String> = files.keys().map(|path| format!("/{path}")).collect();
    let pages = hosting.browse(&urls.iter().map(String::as_str).chain(["/", "/no-such-page"]).collect::<Vec<_>>());
    for (path, bytes) in &files {
        let page = &pages[&format!("/{path}")];
        assert_eq!((page.status, &page.sha256), (200, &sha256(bytes)), "{path}");
        assert_eq!(page.content_type.as_deref(), Some(content_type(path)), "{path}");
        assert_eq!(page.cache_control.as_deref(), Some(cache_control(path)), "{path}");
    }
    assert_eq!((pages["/"].status, &pages["/"].sha256), (200, &sha256(&files["index.html"])));
    let page = &pages["/no-such-page"];
    assert_eq!((page.status, &page.sha256), (404, &sha256(&files["404.html"])));
}

/// Everything that a `_headers` file can ask for: what S3 stores is stored, and CloudFront's own client takes the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_headers_file_comes_to_objects_and_to_policies_that_cloudfront_takes() {
    const HEADERS: &str = "/*\n  X-Frame-Options: SAMEORIGIN\n  X-Content-Type-Options: nosniff\n  \
        Referrer-Policy: strict-origin\n  X-XSS-Protection: 1; mode=block\n  Content-Security-Policy: default-src 'self'\n  \
        Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\n  Permissions-Policy: camera=()\n\
        /assets/*\n  Access-Control-Allow-Origin: https://a.example\n  Access-Control-Allow-Methods: GET\n  \
        Access-Control-Allow-Headers: X-A\n  Access-Control-Expose-Headers: ETag\n  Access-Control-Max-Age: 600\n  \
        Cache-Control: public, max-age=600\n  X-Amz-Meta-Team: web\n";
    let hosting = Hosting::new().await;
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in [("index.html", "a"), ("assets/a.css", "b"), ("_headers", HEADERS)] {
        std::fs::create_dir_all(folder.path().join("assets")).unwrap();
        std::fs::write(folder.path().join(path), bytes).unwrap();
    }
    hosting.published(folder.path()).await;
    let found = hosting.inspect();
    assert_eq!(found.differences, [""; 0]);
    let style = found.live()["assets/a.css"];
    assert_eq!(style.headers["cache_control"], "public, max-age=600");
    assert_eq!(found.live().len(), 2);

    let request = request(hosting.environment.clone(), folder.path());
    let (_, explained) = run::plan_explained(request, &[], Events::new(&|_| {})).await;
    assert_eq!(explained.response_policies.len(), 2);
    for policy in explained.response_policies {
        let mut config = policy.config.unwrap();
        // A name is unique in an account, which here all tests share.
        config["Name"] = format!("{}-{}", hosting.environment.layout.identity().bucket, policy.name).into();
        let made = hosting.policy(&config);
        for (member, value) in config.as_object().unwrap() {
            assert_eq!(&made[member], value, "{member}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_judge_sees_tampering() {
    let hosting = Hosting::new().await;
    hosting.published(&fixture("v1")).await;
    hosting.put("live/config.json", "{}");
    let found = hosting.inspect();
    assert!(found.differences.iter().any(|text| text.starts_with("config.json: SHA-256")), "{:?}", found.differences);
    assert!(found.differences.iter().any(|text| text.starts_with("config.json: headers")), "{:?}", found.differences);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_site_costs_one_request_whatever_its_mtimes() {
    let hosting = Hosting::new().await;
    hosting.published(&fixture("v1")).await;
    let before = hosting.inspect();
    let touched = tempfile::tempdir().unwrap();
    copy_with_other_mtimes(&fixture("v1"), touched.path());
    for folder in [fixture("v1").as_path(), touched.path()] {
        let report = hosting.published(folder).await;
        assert_eq!(report.outcome, Outcome::Unchanged);
        let asked = hosting.recorder.take();
        assert_eq!(operations(&asked), BTreeMap::from([("GetObject", 1)]));
        assert_eq!(asked[0].key, "_publish/live/head.json");
        assert_eq!(report.requests, BTreeMap::from([("GetObject".to_owned(), 1)]));
    }
    assert_eq!(hosting.inspect().objects, before.objects);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_site_sends_only_what_changed_and_refreshes_just_that() {
    let hosting = Hosting::new().await;
    hosting.published(&fixture("v1")).await;
    let before = hosting.inspect();
    let report = hosting.published(&fixture("v2")).await;
    let found = hosting.inspect();

    let old = contents(&fixture("v1"));
    let changed: BTreeSet<String> = contents(&fixture("v2")).difference(&old).cloned().collect();
    let asked = hosting.recorder.take();
    assert_eq!(sent(&asked), changed);
    assert_counted_what_was_seen(&report, &asked);

    assert_live_is(&found, &fixture("v2"));
    assert_eq!(found.differences, [""; 0]);
    assert_manifest_lists(&found, "1", &fixture("v1"));
    assert_manifest_lists(&found, "2", &fixture("v2"));
    let (live, lived) = (found.live(), before.live());
    assert!(!live.contains_key("contact.html"), "the removed page is still there");
    for (path, object) in lived.iter().filter(|(path, _)| path.starts_with("assets/")) {
        assert_eq!(live.get(path), Some(object), "{path} is needed by open tabs");
    }

    let [.., last] = &found.invalidations[..] else { panic!("nothing was invalidated") };
    assert_eq!(sorted(&last.paths), CHANGED_URLS);
    assert_eq!(last.status, "Completed");
    let invalidation = report.invalidation.unwrap();
    assert_eq!(invalidation.ids, [last.id.as_str()]);
    assert_eq!(invalidation.status, InvalidationStatus::Effective);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_header_rule_costs_copies_only() {
    let mut hosting = Hosting::new().await;
    hosting.published(&fixture("v1")).await;
    let before = hosting.inspect();
    hosting.environment.headers = vec![HeaderRule {
        globs: OneOrMany(vec!["downloads/**".to_owned(), "config.json".to_owned()]),
        cache_control: Some("public, max-age=60".to_owned()),
        content_language: Some("de".to_owned()),
        ..HeaderRule::default()
    }];
    let report = hosting.published(&fixture("v1")).await;
    let asked = hosting.recorder.take();
    assert_eq!(sent(&asked), BTreeSet::new());
    let copied: BTreeSet<&str> =
        asked.iter().filter(|request| request.operation == "CopyObject").map(|request| request.key.as_str()).collect();
    assert_eq!(copied, BTreeSet::from(["live/config.json", "live/downloads/price list ä.txt"]));
    assert_eq!(report.files.reheadered, 2);
    assert_counted_what_was_seen(&report, &asked);

    let found = hosting.inspect();
    assert_eq!(found.differences, [""; 0]);
    for (path, object) in before.live() {
        let mut expected = object.clone();
        if copied.contains(format!("live/{path}").as_str()) {
            expected.headers.insert("cache_control".to_owned(), "public, max-age=60".to_owned());
            expected.headers.insert("content_language".to_owned(), "de".to_owned());
        }
        assert_eq!(found.live()[path], &expected, "{path}");
    }
    let paths = &found.invalidations.last().unwrap().paths;
    assert_eq!(
        sorted(paths),
        ["/config.json", "/downloads/price%20list%20%C3%A4.txt", "/downloads/price+list+%C3%A4.txt"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_outlived_its_retention_goes_and_a_leaked_file_at_once() {
    let mut hosting = Hosting::new().await;
    hosting.published(&fixture("v1")).await;
    hosting.published(&fixture("v2")).await;
    let rule = HeaderRule {
        globs: OneOrMany(vec!["robots.txt".to_owned()]),
        cache_control: Some("public, max-age=60".to_owned()),
        ..HeaderRule::default()
    };
    hosting.environment.headers.push(rule);
    hosting.published(&fixture("v2")).await;
    hosting.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
    // Release 1 was superseded within the second that the clock shows, until it shows the next one.
    let report = loop {
        let report = hosting.prune(&[]).await;
        if report.outcome != Outcome::Unchanged {
            break report;
        }
    };
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Pruned), "{report:#?}");
    let found = hosting.inspect();
    assert_eq!(found.releases.keys().collect::<Vec<_>>(), ["2", "3"]);
    let expected = world::files_of(&fixture("v2"));
    assert_eq!(found.live().into_keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert_eq!(found.differences, [""; 0]);

    let report = hosting.prune(&["config.json"]).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Pruned), "{report:#?}");
    let found = hosting.inspect();
    let leaked = Digest::of(&expected["config.json"]).to_string();
    assert!(!found.live().contains_key("config.json"));
    assert!(found.objects.values().all(|object| object.sha256 != leaked));
    assert_eq!(found.invalidations.last().unwrap().paths, ["/config.json"]);
    assert_eq!(hosting.publish(&fixture("v2")).await.exit_code, 2, "the folder still holds it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_refresh_is_done_by_the_next_run() {
    let hosting = Hosting::new().await;
    hosting.published(&fixture("v1")).await;
    let before = hosting.inspect().invalidations.len();
    hosting.recorder.refuse(Some("CreateInvalidation"));
    let report = hosting.publish(&fixture("v2")).await;
    assert_eq!(report.exit_code, 3, "{report:#?}");
    assert_eq!(hosting.inspect().invalidations.len(), before);
    let owed = hosting.status().await.pending_refreshes;
    assert_eq!(owed.iter().map(|refresh| sorted(&refresh.paths)).collect::<Vec<_>>(), [CHANGED_URLS]);

    hosting.recorder.refuse(None);
    let report = hosting.published(&fixture("v2")).await;
    assert_eq!(report.outcome, Outcome::Repaired);
    assert_eq!(sent(&hosting.recorder.take()), BTreeSet::new());
    let found = hosting.inspect();
    assert_eq!(found.invalidations.len(), before + 1);
    assert_eq!(sorted(&found.invalidations[before].paths), CHANGED_URLS);
    assert_eq!(hosting.published(&fixture("v2")).await.outcome, Outcome::Unchanged);
    assert_eq!(operations(&hosting.recorder.take()), BTreeMap::from([("GetObject", 1)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn tampering_is_found_and_repaired() {
    let hosting = Hosting::new().await;
    hosting.published(&fixture("v1")).await;
    hosting.published(&fixture("v2")).await;
    let verify = async |deep, repair| {
        let (environment, caller) = (hosting.environment.clone(), world::caller());
        let request = VerifyRequest { environment, caller, deep, repair };
        run::verify(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
    };
    let (report, findings) = verify(true, false).await;
    assert_eq!((report.exit_code, findings), (0, Vec::new()), "{report:#?}");
    hosting.put("live/config.json", "{}");
    hosting.recorder.take();
    let (report, findings) = verify(false, false).await;
    assert_eq!((report.exit_code, findings.len(), findings[0].path.as_str()), (6, 1, "config.json"), "{report:#?}");
    assert_counted_what_was_seen(&report, &hosting.recorder.take());
    let (report, _) = verify(false, true).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Repaired), "{report:#?}");
    let found = hosting.inspect();
    assert_eq!(found.differences, [""; 0]);
    assert_eq!(found.invalidations.last().unwrap().paths, ["/config.json"]);
    assert_live_is(&found, &fixture("v2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_site_is_refused() {
    let hosting = Hosting::new().await;
    hosting.published(&fixture("v1")).await;
    let before = hosting.inspect();
    hosting.recorder.take();
    let report = world::publish(request(hosting.environment_of_site("blog"), &fixture("v2"))).await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
    assert_only_read(&hosting.recorder.take());
    assert_eq!(hosting.inspect().objects, before.objects);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_something_else_put_there_is_refused() {
    let hosting = Hosting::new().await;
    hosting.put("live/index.html", "somebody else's page");
    let report = hosting.publish(&fixture("v1")).await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
    assert_only_read(&hosting.recorder.take());
    assert_eq!(hosting.inspect().objects.keys().collect::<Vec<_>>(), ["live/index.html"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_and_status_agree_with_what_happens() {
    let hosting = Hosting::new().await;
    let nothing = hosting.status().await;
    assert_eq!(nothing.release, None);
    for (build, release, previous) in [("v1", 1, None), ("v2", 2, Some(1))] {
        hosting.recorder.take();
        let planned = hosting.plan(&fixture(build)).await;
        assert_eq!(planned.exit_code, 10, "{planned:#?}");
        assert_only_read(&hosting.recorder.take());
        let report = hosting.published(&fixture(build)).await;
        assert_eq!(planned.files, report.files);
        assert_eq!(planned.deleted, report.deleted);
        assert_eq!(planned.copied, report.copied);
        assert!(planned.uploaded.bytes >= report.uploaded.bytes);
        let paths = |report: &Report| report.invalidation.as_ref().map(|invalidation| invalidation.paths.clone());
        assert_eq!(paths(&planned), paths(&report));
        assert_counted_what_was_seen(&report, &hosting.recorder.take());

        let status = hosting.status().await;
        assert_eq!(operations(&hosting.recorder.take()), BTreeMap::from([("GetObject", 1)]));
        assert_eq!(status.release, Some(ReleaseNumber::new(release)));
        assert_eq!(status.previous_release, previous.map(ReleaseNumber::new));
        assert_eq!((status.activation, status.pending_refreshes), (None, Vec::new()));
        assert_eq!(hosting.plan(&fixture(build)).await.exit_code, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_are_listed_shown_and_compared() {
    let hosting = Hosting::new().await;
    for build in ["v1", "v2"] {
        hosting.published(&fixture(build)).await;
    }
    let found = hosting.inspect();
    hosting.recorder.take();
    let (environment, events) = (|| hosting.environment.clone(), Events::new(&|_| {}));
    let (_, releases) = run::releases(environment(), world::caller(), &ReleaseFilter::default(), events).await;
    let states: Vec<(u64, ReleaseState)> = releases.iter().map(|view| (view.release.into(), view.state)).collect();
    assert_eq!(states, [(2, ReleaseState::Active), (1, ReleaseState::WasActive)]);
    let (_, history) = run::history(environment(), world::caller(), &ReleaseFilter::default(), events).await;
    assert_eq!(history.iter().map(|item| item.release.into()).collect::<Vec<u64>>(), [2, 1]);
    let show = ShowRequest { environment: environment(), caller: world::caller(), release: None };
    let listing = run::show(show, events).await.1.unwrap();
    let shown: BTreeMap<String, String> =
        listing.files.iter().map(|file| (file.path.to_string(), file.sha256.to_string())).collect();
    let listed = found.releases["2"].files.iter().map(|file| (file.path.clone(), file.sha256.clone()));
    assert_eq!(shown, listed.collect());
    let from = ReleaseNumber::new(1);
    let diff = DiffRequest { environment: environment(), caller: world::caller(), from, to: Side::Active };
    let diff = run::diff(diff, events).await.1.unwrap().diff;
    let of = |build: &str| files_of(&fixture(build));
    let differs = of("v2").into_iter().filter(|(path, bytes)| of("v1").get(path) != Some(bytes)).count();
    assert_eq!(diff.counts.added + diff.counts.replaced, differs);
    assert_only_read(&hosting.recorder.take());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_staged_activated_gone_back_from_and_held() {
    let hosting = Hosting::new().await;
    let environment = || hosting.environment.clone();
    let (nobody, silent) = (&|_: &str| Reply::CannotAsk, &|_| {});
    assert_eq!(hosting.publish(&fixture("v1")).await.exit_code, 0);
    let staging = PublishRequest { stage_only: true, ..request(environment(), &fixture("v2")) };
    assert_eq!(run::publish(staging, nobody, Events::new(silent)).await.outcome, Outcome::Staged);
    assert_live_is(&hosting.inspect(), &fixture("v1"));
    hosting.recorder.take();
    let (release, force, reason) = (ReleaseNumber::new(2), false, None);
    let activation = ActivateRequest { environment: environment(), caller: world::caller(), release, force, reason };
    assert_eq!(run::activate(activation, nobody, Events::new(silent)).await.outcome, Outcome::Activated);
    assert_live_is(&hosting.inspect(), &fixture("v2"));
    let rollback = RollbackRequest {
        commit: None,
        environment: environment(),
        caller: Caller { yes: true, ..world::caller() },
        release: None,
        hold: true,
        reason: Some("prices are wrong".to_owned()),
    };
    let report = run::rollback(rollback, nobody, Events::new(silent)).await;
    assert_eq!((report.outcome, report.release), (Outcome::RolledBack, Some(ReleaseNumber::new(1))), "{report:#?}");
    assert_eq!(sent(&hosting.recorder.take()), BTreeSet::new(), "neither sends bytes of the site");
    let found = hosting.inspect();
    assert_live_is(&found, &fixture("v1"));
    assert_eq!(found.head.unwrap()["hold"]["reason"], "prices are wrong");
    assert_eq!(hosting.publish(&fixture("v2")).await.outcome, Outcome::Held);
    let report = run::resume(environment(), world::caller(), Events::new(silent)).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert_eq!(hosting.publish(&fixture("v2")).await.outcome, Outcome::Published);
    assert_live_is(&hosting.inspect(), &fixture("v2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_promoted_from_another_prefix_without_its_folder() {
    let hosting = Hosting::new().await;
    let bucket = &hosting.environment.layout.identity().bucket;
    let layout = Layout::new("shop", bucket, "staging", None, None);
    let staging = Environment {
        name: "staging".to_owned(),
        layout,
        distribution: None,
        url: None,
        ..hosting.environment.clone()
    };
    let report = world::publish(request(staging.clone(), &fixture("v1"))).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    hosting.recorder.take();
    let promotion = PromoteRequest {
        environment: hosting.environment.clone(),
        caller: world::caller(),
        from: staging,
        release: None,
        adopt: false,
        overwrite: false,
        force: false,
        reason: None,
    };
    let report = run::promote(promotion, &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Promoted), "{report:#?}");
    let asked = hosting.recorder.take();
    assert_eq!(sent(&asked), BTreeSet::new());
    assert_counted_what_was_seen(&report, &asked);
    let found = hosting.inspect();
    assert_eq!(found.differences, [""; 0]);
    assert_manifest_lists(&found, "1", &fixture("v1"));
    assert_eq!(found.head.unwrap()["active"]["release"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_was_there_before_is_adopted_and_comes_back() {
    let hosting = Hosting::new().await;
    hosting.put("live/index.html", "their page");
    hosting.put("live/about/them.html", "about them");
    let before = hosting.inspect().objects;
    let mut publication = request(hosting.environment.clone(), &fixture("v1"));
    publication.adopt = true;
    publication.caller.yes = true;
    let report = world::publish(publication).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    let found = hosting.inspect();
    assert_live_is(&found, &fixture("v1"));
    assert_eq!(found.differences, [""; 0]);
    // It does not say the SHA-256 of a copy: the bytes are fetched, and go to the blob store.
    let asked = hosting.recorder.take();
    for key in before.keys() {
        assert!(asked.iter().any(|request| request.operation == "GetObject" && request.key == *key), "{key}");
    }
    let request = RollbackRequest {
        commit: None,
        environment: hosting.environment.clone(),
        caller: Caller { yes: true, ..world::caller() },
        release: None,
        hold: false,
        reason: None,
    };
    let report = run::rollback(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
    assert_eq!((report.exit_code, report.release), (0, Some(ReleaseNumber::ADOPTED)), "{report:#?}");
    let found = hosting.inspect();
    for (key, object) in before {
        assert_eq!(found.objects.get(&key), Some(&object), "{key}");
    }
}

/// The live objects are exactly `folder`'s files, besides fingerprinted ones of earlier releases, each with its bytes
/// and the headers that visitors and caches need.
fn assert_live_is(found: &Inspection, folder: &Path) {
    let live = found.live();
    let files = files_of(folder);
    for (path, bytes) in &files {
        let object = live.get(path.as_str()).unwrap_or_else(|| panic!("{path} is not live"));
        assert_eq!(object.sha256, sha256(bytes), "{path}");
        assert_eq!(object.size_bytes, bytes.len() as u64, "{path}");
        let expected = [("cache_control", cache_control(path)), ("content_type", content_type(path))];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(object.headers, BTreeMap::from(expected), "{path}");
    }
    let superfluous = live.keys().filter(|path| !files.contains_key(**path) && cache_control(path) != IMMUTABLE);
    assert_eq!(superfluous.collect::<Vec<_>>(), Vec::<&&str>::new());
}

fn assert_manifest_lists(found: &Inspection, release: &str, folder: &Path) {
    let listed = found.releases[release].files.iter().map(|file| (file.path.clone(), file.sha256.clone()));
    let expected = files_of(folder).into_iter().map(|(path, bytes)| (path, sha256(&bytes)));
    assert_eq!(listed.collect::<BTreeMap<_, _>>(), expected.collect::<BTreeMap<_, _>>());
}

/// The program's own counters say what the proxy saw.
fn assert_counted_what_was_seen(report: &Report, asked: &[Recorded]) {
    let counted: BTreeMap<&str, u64> = report.requests.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(counted, operations(asked));
    let bytes: u64 = asked.iter().filter(|request| is_of_the_site(request)).map(|put| put.body.len() as u64).sum();
    assert_eq!(report.uploaded.bytes, bytes);
}

fn assert_only_read(asked: &[Recorded]) {
    let reads = ["GetObject", "HeadObject", "ListObjectsV2", "GetDistributionConfig", "GetInvalidation"];
    assert!(operations(asked).keys().all(|operation| reads.contains(operation)), "{:?}", operations(asked));
}

/// How often each operation was asked for.
fn operations(asked: &[Recorded]) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for request in asked {
        *counts.entry(request.operation).or_default() += 1;
    }
    counts
}

/// The hashes of the bytes of the site that were sent; none may be sent twice.
fn sent(asked: &[Recorded]) -> BTreeSet<String> {
    let puts: Vec<&Recorded> = asked.iter().filter(|request| is_of_the_site(request)).collect();
    let hashes: BTreeSet<String> = puts.iter().map(|put| sha256(&put.body)).collect();
    assert_eq!(hashes.len(), puts.len(), "bytes were sent twice");
    hashes
}

/// Whether a request carries bytes of the site, and not a record of the state.
fn is_of_the_site(request: &Recorded) -> bool {
    let record = request.key.starts_with("_publish/") && !request.key.contains("/blobs/");
    request.operation == "PutObject" && !record
}

/// The hashes of all files of a folder. No two files of the fixture have the same bytes.
fn contents(folder: &Path) -> BTreeSet<String> {
    files_of(folder).values().map(|bytes| sha256(bytes)).collect()
}

/// The files of a folder, by their paths.
fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file()).map(|entry| {
        let path = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        (path, std::fs::read(entry.path()).unwrap())
    });
    files.collect()
}

fn copy_with_other_mtimes(from: &Path, to: &Path) {
    for (path, bytes) in files_of(from) {
        let path = to.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).unwrap();
    }
}

fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

fn sorted(paths: &[String]) -> Vec<&str> {
    paths.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What the defaults (docs/configuration.md, "Headers") give a path of the fixture.
fn cache_control(path: &str) -> &'static str {
    match path {
        // The distribution shows it under URLs that nobody can list.
        "404.html" => REVALIDATE,
        _ if path.starts_with("assets/") => IMMUTABLE,
        _ => KEPT_BY_THE_CDN,
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap() {
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
    }
}

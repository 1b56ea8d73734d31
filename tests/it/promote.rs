//! Another environment's release comes here without its folder, and is the same for visitors.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use publish::config::environment::Environment;
use publish::content::path::SitePath;
use publish::release::cache_tags::{self, CacheTag};
use publish::release::head::HeadFields;
use publish::release::layout::Layout;
use publish::release::manifest::{Manifest, Publisher, ReleaseNumber};
use publish::report::event::{Event, Events};
use publish::report::{Outcome, Report};
use publish::run::{self, Caller, PromoteRequest, PublishRequest, Reply};
use publish::sandbox::{Distribution, StoredObject};
use publish::site::snapshot::MULTIPART_BYTES;
use publish::types::digest::Digest;
use publish::types::headers::Kind;

use crate::world::{self, BUCKET, World};

/// Two places of one site: what is published to `staging` is promoted to the world's own environment.
struct Pair {
    world: World,
    staging: Environment,
}

impl Pair {
    async fn new() -> Pair {
        Pair::with(Layout::new("shop", BUCKET, "staging", None, None)).await
    }

    async fn with(layout: Layout) -> Pair {
        Pair::of(World::with_fixture("v1").await, layout)
    }

    fn of(world: World, layout: Layout) -> Pair {
        let staging = Environment {
            name: "staging".to_owned(),
            layout,
            distribution: None,
            url: None,
            ..world.environment.clone()
        };
        Pair { world, staging }
    }

    /// Publishes the site to staging, as a pipeline that knows what it has built.
    async fn stage(&self) -> Report {
        let publisher = Publisher {
            who: Some("pipeline".to_owned()),
            place: Some("https://ci.example.com/1".to_owned()),
            commit: Some("c0ffee".to_owned()),
            branch: Some("main".to_owned()),
            ..Publisher::default()
        };
        let caller = Caller { publisher, ..world::caller() };
        let request = PublishRequest { environment: self.staging.clone(), caller, ..self.world.request() };
        let report = world::publish(request).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
        report
    }

    fn request(&self, release: Option<u64>) -> PromoteRequest {
        PromoteRequest {
            environment: self.world.environment.clone(),
            caller: world::caller(),
            from: self.staging.clone(),
            release: release.map(ReleaseNumber::new),
            adopt: false,
            overwrite: false,
            force: false,
            reason: None,
        }
    }

    async fn promote(&self, release: Option<u64>) -> Report {
        promote(self.request(release)).await
    }

    /// Promotes, which must succeed and change nothing in staging.
    async fn promoted(&self, release: Option<u64>) -> Report {
        let before = self.staged_objects();
        let report = self.promote(release).await;
        assert_eq!((report.exit_code, report.outcome), (0, Outcome::Promoted), "{report:#?}");
        assert_eq!(self.staged_objects(), before, "staging is only read");
        self.world.assert_settled();
        report
    }

    /// All objects of staging, live and state.
    fn staged_objects(&self) -> BTreeMap<String, StoredObject> {
        let mut objects = self.world.sandbox.objects(&self.staging.layout.live_prefix().bucket);
        let (live, state) = (self.staging.layout.live_prefix().key, self.staging.layout.state_prefix().key);
        objects.retain(|key, _| key.starts_with(&live) || key.starts_with(&state));
        objects
    }

    fn staged_manifest(&self, release: u64) -> Manifest {
        let key = self.staging.layout.manifest(ReleaseNumber::new(release)).key;
        Manifest::decode(&self.staged_objects()[&key].bytes).unwrap()
    }

    /// What visitors get is what release `release` of staging says, to the digest.
    fn assert_live_is(&self, release: u64) {
        let active = self.world.head().active.unwrap();
        assert_eq!(active.content, self.staged_manifest(release).content());
        assert_eq!(self.world.manifest(active.release.into()).content(), active.content);
    }
}

async fn promote(request: PromoteRequest) -> Report {
    run::promote(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
}

async fn promote_heard(request: PromoteRequest, listener: impl Fn(Event) + Sync) -> Report {
    run::promote(request, &|_| Reply::CannotAsk, Events::new(&listener)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_active_there_becomes_active_here_with_the_same_digest_and_without_a_byte_sent() {
    let pair = Pair::new().await;
    pair.stage().await;
    pair.world.remove("index.html");
    pair.world.use_fixture("v2");
    pair.stage().await;
    // The folder is not needed any more.
    std::fs::remove_dir_all(&pair.world.folder).unwrap();
    pair.world.sandbox.clear_requests();
    let report = pair.promoted(None).await;
    pair.assert_live_is(2);
    assert_eq!((report.release, report.previous_release), (Some(ReleaseNumber::new(1)), None));
    assert_eq!((pair.world.site_bytes_sent(), report.uploaded.objects, report.uploaded.bytes), (0, 0, 0));
    assert_eq!(report.copied, pair.world.s3_operations()["CopyObject"], "{report:#?}");
    assert_eq!(report.files.added, pair.staged_manifest(2).files.len());
    assert_eq!(report.warnings, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_release_says_what_it_was_built_from_and_who_brought_it() {
    let pair = Pair::new().await;
    pair.stage().await;
    pair.promoted(None).await;
    let item = pair.world.head().history.pop().unwrap();
    for publisher in [pair.world.manifest(1).publisher, pair.world.claims().remove(0).publisher, item.publisher] {
        assert_eq!((publisher.commit.as_deref(), publisher.branch.as_deref()), (Some("c0ffee"), Some("main")));
        assert_eq!((publisher.who.as_deref(), publisher.place), (Some("tester"), None));
    }
    assert_eq!(item.reason.as_deref(), Some("release 1 of staging"));
}

#[tokio::test(flavor = "multi_thread")]
async fn promoting_twice_changes_nothing_the_second_time() {
    let pair = Pair::new().await;
    pair.stage().await;
    pair.promoted(None).await;
    pair.world.sandbox.clear_requests();
    let report = pair.promote(None).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Unchanged), "{report:#?}");
    assert!(pair.world.s3_writes().is_empty());
    assert!(pair.world.s3_requests().len() <= 3, "{:?}", pair.world.s3_operations());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_here_already_is_not_copied_again() {
    let pair = Pair::new().await;
    pair.stage().await;
    pair.promoted(None).await;
    pair.world.write("robots.txt", "other");
    pair.stage().await;
    pair.world.sandbox.clear_requests();
    let report = pair.promoted(None).await;
    pair.assert_live_is(2);
    // To the blob store, the one that is replaced beside it, and live.
    assert_eq!((report.files.replaced + report.files.added, report.copied <= 3), (1, true), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_release_comes_wherever_its_bytes_are_kept() {
    let pair = Pair::new().await;
    pair.stage().await;
    pair.world.use_fixture("v2");
    pair.stage().await;
    pair.world.use_fixture("v1");
    pair.world.append("about/index.html", "third");
    pair.stage().await;
    // Their first files were only live, and lie in blobs since they were replaced.
    for release in [1, 3, 2, 1] {
        pair.world.sandbox.clear_requests();
        pair.promoted(Some(release)).await;
        pair.assert_live_is(release);
        assert_eq!(pair.world.site_bytes_sent(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_may_differ() {
    let pair = Pair::with(Layout::new("shop", "other", "", None, None)).await;
    pair.stage().await;
    pair.world.sandbox.clear_requests();
    pair.promoted(None).await;
    pair.assert_live_is(1);
    assert_eq!(pair.world.site_bytes_sent(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_copies_are_refused_the_files_go_through_this_machine() {
    let pair = Pair::new().await;
    let large = vec![7; usize::try_from(MULTIPART_BYTES).unwrap()];
    pair.world.write("large.bin", &large);
    pair.stage().await;
    let files = pair.staged_manifest(1).files;
    pair.world.refuse("CopyObject", "_publish/live/blobs/", 403, "AccessDenied");
    for path in files.iter().filter(|(_, entry)| entry.kind == Kind::Fingerprinted).map(|(path, _)| path) {
        pair.world.refuse("CopyObject", &format!("live/{path}"), 403, "AccessDenied");
    }
    pair.world.sandbox.clear_requests();
    let report = pair.promoted(None).await;
    pair.assert_live_is(1);
    assert_eq!(&pair.world.live()["large.bin"].bytes[..], &large[..]);
    let contents: BTreeMap<Digest, u64> = files.values().map(|entry| (entry.digest, entry.size_bytes)).collect();
    assert_eq!(report.uploaded.bytes, contents.values().sum::<u64>(), "{report:#?}");
    assert_eq!(report.uploaded.bytes, pair.world.site_bytes_sent());
    let [warning] = &report.warnings[..] else { panic!("{report:#?}") };
    assert!(warning.contains("staging") && warning.contains("AccessDenied"), "{warning}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_endpoint_reaches_is_never_asked_to_be_copied() {
    let mut pair = Pair::new().await;
    pair.stage().await;
    let endpoint = pair.staging.access.s3_endpoint.clone().unwrap();
    pair.staging.access.s3_endpoint = Some(endpoint.replace("127.0.0.1", "localhost"));
    pair.world.sandbox.clear_requests();
    let report = pair.promoted(None).await;
    pair.assert_live_is(1);
    assert_eq!(report.warnings.len(), 1, "{report:#?}");
    let copies = pair.world.s3_requests().into_iter().filter(|request| request.operation == "CopyObject");
    for copy in copies {
        assert!(!copy.headers["x-amz-copy-source"].contains("staging"), "{copy:#?}");
    }
}

/// A small file has its SHA-256 beside it; a large one only a CRC, and is hashed on its way through this machine.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_what_the_release_says_are_not_taken() {
    for (file, code) in [("index.html", "missing_bytes"), ("large.bin", "bad_state")] {
        let mut pair = Pair::new().await;
        if file == "large.bin" {
            pair.world.write(file, vec![7; usize::try_from(MULTIPART_BYTES).unwrap()]);
            let endpoint = pair.staging.access.s3_endpoint.clone().unwrap();
            pair.staging.access.s3_endpoint = Some(endpoint.replace("127.0.0.1", "localhost"));
        }
        pair.stage().await;
        let mut manifest = pair.staged_manifest(1);
        manifest.files.get_mut(&SitePath::new(file).unwrap()).unwrap().digest = Digest::of(b"other bytes");
        let key = pair.staging.layout.manifest(ReleaseNumber::new(1)).key;
        pair.world.sandbox.put_foreign(BUCKET, &key, manifest.encode().unwrap(), "application/gzip");
        let report = pair.promote(None).await;
        assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (1, code));
        assert!(pair.world.live().keys().all(|path| path.starts_with("assets/")), "visitors notice nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_there_meanwhile_does_no_harm() {
    let pair = Pair::new().await;
    pair.stage().await;
    pair.world.use_fixture("v2");
    let listener = |event| {
        if matches!(event, Event::StagingStarted { .. }) {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(pair.stage()));
        }
    };
    let report = promote_heard(pair.request(None), listener).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Promoted), "{report:#?}");
    pair.assert_live_is(1);
    pair.world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_reused_for_other_bytes_there_are_mutable_here() {
    let pair = Pair::new().await;
    let liar = SitePath::new("assets/app-BxYz12Ab.js").unwrap();
    pair.world.write("liar.html", world::loads(liar.as_str()));
    pair.world.write(liar.as_str(), "one");
    pair.stage().await;
    assert_eq!(pair.staged_manifest(1).files[&liar].kind, Kind::Fingerprinted);
    pair.world.write(liar.as_str(), "two");
    pair.stage().await;
    pair.promoted(None).await;
    pair.assert_live_is(2);
    assert!(pair.world.head().mutable_paths.contains(&liar));
    assert_eq!(pair.world.manifest(1).files[&liar].kind, Kind::Mutable);

    // In the release from before its name was reused the file is mutable too.
    pair.promoted(Some(1)).await;
    let object = &pair.world.live()[liar.as_str()];
    assert_eq!(&object.bytes[..], b"one");
    assert!(!object.cache_control.as_deref().unwrap().contains("immutable"), "{object:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_lies_here_is_found_out() {
    let pair = Pair::new().await;
    let liar = "assets/app-BxYz12Ab.js";
    pair.world.write("liar.html", world::loads(liar));
    pair.world.write(liar, "one");
    pair.world.published().await;
    pair.world.assert_fingerprinted(1, liar);
    pair.world.write(liar, "two");
    pair.stage().await;
    pair.promoted(None).await;
    let object = &pair.world.live()[liar];
    assert_eq!(&object.bytes[..], b"two");
    assert!(!object.cache_control.as_deref().unwrap().contains("immutable"), "{object:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promoted_can_be_taken_back() {
    let pair = Pair::new().await;
    pair.world.published().await;
    let before = pair.world.visible();
    pair.world.use_fixture("v2");
    pair.stage().await;
    pair.promoted(None).await;
    let report = pair.world.rollback(None).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::RolledBack), "{report:#?}");
    for (path, object) in before {
        assert_eq!(pair.world.visible()[&path], object, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_another_place_of_the_same_site_will_do() {
    let pair = Pair::new().await;
    pair.stage().await;
    let here = PromoteRequest { from: pair.world.environment.clone(), ..pair.request(None) };
    let same_place = Environment { layout: pair.world.environment.layout.clone(), ..pair.staging.clone() };
    let same_place = PromoteRequest { from: same_place, ..pair.request(None) };
    let layout = Layout::new("blog", BUCKET, "staging", None, None);
    let other_site = PromoteRequest { from: Environment { layout, ..pair.staging.clone() }, ..pair.request(None) };
    for (request, code) in [(here, "usage"), (same_place, "usage"), (other_site, "wrong_site")] {
        pair.world.sandbox.clear_requests();
        let report = promote(request).await;
        assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (2, code));
        assert!(pair.world.s3_requests().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_cannot_be_promoted() {
    let pair = Pair::new().await;
    let report = pair.promote(None).await;
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (2, "usage"));
    pair.stage().await;
    let report = pair.promote(Some(7)).await;
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (2, "usage"));

    pair.world.sandbox.remove_object(BUCKET, "staging/index.html");
    let report = pair.promote(None).await;
    let error = report.error.unwrap();
    assert_eq!((report.exit_code, error.code.as_str()), (1, "missing_bytes"));
    assert!(error.message.contains("index.html") && error.message.contains("staging"), "{error:#?}");
    assert!(!pair.world.live().contains_key("index.html"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_obeyed() {
    let pair = Pair::new().await;
    pair.world.published().await;
    pair.world.rewrite_head(|head: &mut HeadFields| {
        let since = head.active.as_ref().unwrap().since;
        head.hold = Some(publish::release::head::Hold::new(Publisher::default(), since, None));
    });
    pair.world.use_fixture("v2");
    pair.stage().await;
    let report = pair.promote(None).await;
    assert_eq!((report.exit_code, report.outcome), (4, Outcome::Held), "{report:#?}");
}

/// Runs the program in a folder whose publish.toml has both places.
async fn run_program(pair: &Pair, arguments: &[&str]) -> (i32, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = pair.world.sandbox.s3_endpoint();
    let section = |name: &str, prefix: &str| {
        format!(
            "[env.{name}]\nbucket = \"{BUCKET}\"\nprefix = \"{prefix}\"\nregion = \"us-east-1\"\nendpoint_url = \"{endpoint}\"\n"
        )
    };
    let text = format!("site = \"shop\"\n{}{}", section("staging", "staging"), section("production", "live"));
    std::fs::write(folder.path().join("publish.toml"), text).unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_publish"))
        .args(arguments)
        .args(["--output", "json"])
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path())
        .env("CI", "true")
        .env("AWS_ACCESS_KEY_ID", &pair.world.sandbox.keys().access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &pair.world.sandbox.keys().secret_access_key)
        .output()
        .await
        .unwrap();
    let last = String::from_utf8(output.stdout).unwrap().lines().last().unwrap_or_default().to_owned();
    (output.status.code().unwrap(), serde_json::from_str(&last).unwrap_or_else(|error| panic!("{error}: {last}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn both_places_come_from_the_configuration() {
    let pair = Pair::new().await;
    pair.stage().await;
    for arguments in [
        &["promote", "--from", "production", "--env", "production"][..],
        &["promote", "--from", "nowhere", "--env", "production"],
        &["promote", "--from", "sandbox", "--env", "production"],
        &["promote", "--env", "production"],
        &["promote", "--from", "staging", "--env", "production", "--site", "blog"],
    ] {
        let (code, report) = run_program(&pair, arguments).await;
        assert_eq!(code, 2, "{report:#}");
    }
    assert!(pair.world.live().is_empty());
    let (code, report) = run_program(&pair, &["promote", "1", "--from", "staging", "--env", "production"]).await;
    assert_eq!((code, report["outcome"].as_str()), (0, Some("promoted")), "{report:#}");
    assert_eq!((report["command"].as_str(), report["environment"].as_str()), (Some("promote"), Some("production")));
    pair.assert_live_is(1);
}

/// Wherever a promotion stops, the same command finishes it, and staging never notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_that_was_cut_short_is_finished_by_the_same_command() {
    async fn begin() -> Pair {
        let world = World::new().await;
        let (old, new) = ("assets/app-BxYz12Ab.js", "assets/app-CdEf34Gh.js");
        for (path, text) in [("index.html", world::loads(old).as_str()), ("gone.html", "one"), (old, "one")] {
            world.write(path, text);
        }
        let pair = Pair::of(world, Layout::new("shop", BUCKET, "staging", None, None));
        pair.world.published().await;
        pair.world.remove("gone.html");
        let both = world::loads(old) + &world::loads(new);
        for (path, text) in [("index.html", both.as_str()), ("new.html", "two"), (new, "two")] {
            pair.world.write(path, text);
        }
        pair.stage().await;
        for chunk in [old, new] {
            let kind = pair.staged_manifest(1).files[&SitePath::new(chunk).unwrap()].kind;
            assert_eq!(kind, Kind::Fingerprinted, "{chunk}");
        }
        pair.world.sandbox.clear_requests();
        pair
    }
    let pair = begin().await;
    pair.promoted(None).await;
    let requests = pair.world.sandbox.requests();
    let requests = requests.iter().filter(|request| request.service != publish::sandbox::Service::Site).count();
    stream::iter(0..requests)
        .for_each_concurrent(4, |stop| async move {
            let pair = begin().await;
            pair.world.stop_after(stop);
            let report = pair.promote(None).await;
            assert_ne!(report.exit_code, 0, "{stop}");
            pair.world.sandbox.clear_faults();
            pair.world.let_leases_end();
            let report = pair.promote(None).await;
            assert_eq!(report.exit_code, 0, "{stop} {report:#?}");
            pair.assert_live_is(1);
            pair.world.assert_settled();
        })
        .await;
}

/// What would be in the way of every later run there is refused before anything is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_the_other_place_has_no_room_for_is_refused() {
    let record = "_publish/notes.html";
    let long = format!("{}/page.html", ["a"; 5].map(|letter| letter.repeat(200)).join("/"));
    let (nowhere, deep) = ("", "a/prefix/that/is/longer");
    for (prefix, path) in [(nowhere, record), (deep, long.as_str())] {
        let mut pair = Pair::new().await;
        pair.world.write(path, "page");
        pair.stage().await;
        pair.world.environment.layout = Layout::new("shop", BUCKET, prefix, None, Some("records"));
        pair.world.environment.distribution = None;
        pair.world.environment.url = None;
        pair.world.sandbox.clear_requests();
        let report = run::promote(pair.request(None), &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
        assert_eq!(report.exit_code, 2, "{report:#?}");
        assert!(report.error.unwrap().message.contains(path));
        assert!(pair.world.s3_writes().is_empty());
    }
}

/// Tags belong to where an object lies: what comes here has those of here, and both environments have the same release.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_promoted_has_the_cache_tags_of_where_it_comes_to() {
    let pair = Pair::new().await;
    let cache_tag_header = Some(cache_tags::HEADER.to_owned());
    pair.world.sandbox.complete_invalidations_after(0);
    pair.world.sandbox.set_distribution(Distribution { cache_tag_header, ..world::distribution() });
    for (text, expected) in [("one", "/*"), ("two", "#")] {
        for page in ["index.html", "about/index.html", "contact.html"] {
            pair.world.append(page, &format!("<!-- {text} -->"));
        }
        pair.stage().await;
        let report = pair.promoted(None).await;
        let paths = report.invalidation.unwrap().paths;
        assert!(paths.iter().any(|path| path.starts_with(expected)), "{paths:?}");
        let manifest = pair.world.manifest(report.release.unwrap().into());
        let live = pair.world.live();
        for (path, entry) in manifest.files.iter().filter(|(_, entry)| entry.kind == Kind::Mutable) {
            let tags = CacheTag::all_of(pair.world.environment.layout.identity(), path);
            let stored = &live[path.as_str()].metadata[cache_tags::METADATA];
            assert!(tags.iter().all(|tag| stored.split(',').any(|stored| stored == tag.as_str())), "{path}: {stored}");
            assert!(entry.headers.metadata.is_empty(), "no release knows of tags");
        }
        let staged = pair.staged_objects();
        assert!(staged.values().all(|object| !object.metadata.contains_key(cache_tags::METADATA)));
    }
}

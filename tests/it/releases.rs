//! Reading what there is: the list of releases, one of them, how two differ, and what was active when.

use std::path::Path;
use std::process::{Command, Output};

use publish::content::path::SitePath;
use publish::release::manifest::{Publisher, ReleaseNumber};
use publish::report::event::Events;
use publish::report::{Outcome, Report};
use publish::run::{
    self, ActivateRequest, Caller, Comparison, DiffRequest, PublishRequest, ReleaseListing, Reply, RollbackRequest,
    ShowRequest, Side,
};
use publish::types::headers::Kind;
use publish::views::releases::ReleaseFilter;
use publish::views::releases::{ActivationView, FileView, ReleaseState, ReleaseView};
use serde_json::Value;

use crate::world::{self, BUCKET, World};

fn release(number: u64) -> ReleaseNumber {
    ReleaseNumber::new(number)
}

async fn list(world: &World) -> (Report, Vec<ReleaseView>) {
    let (report, releases) =
        run::releases(world.environment.clone(), world::caller(), &ReleaseFilter::default(), Events::new(&|_| {}))
            .await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Verified), "{report:#?}");
    (report, releases)
}

async fn history(world: &World) -> Vec<ActivationView> {
    let (report, history) =
        run::history(world.environment.clone(), world::caller(), &ReleaseFilter::default(), Events::new(&|_| {})).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Verified), "{report:#?}");
    history
}

async fn show(world: &World, release: Option<ReleaseNumber>) -> (Report, Option<ReleaseListing>) {
    let request = ShowRequest { environment: world.environment.clone(), caller: world::caller(), release };
    run::show(request, Events::new(&|_| {})).await
}

async fn diff(world: &World, from: u64, to: Side) -> (Report, Option<Comparison>) {
    let (environment, caller) = (world.environment.clone(), world::caller());
    let request = DiffRequest { environment, caller, from: release(from), to };
    run::diff(request, Events::new(&|_| {})).await
}

async fn compared(world: &World, from: u64, to: Side) -> Comparison {
    let (report, comparison) = diff(world, from, to).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Verified), "{report:#?}");
    let comparison = comparison.unwrap();
    assert_eq!(report.files, comparison.diff.counts);
    comparison
}

async fn stage(world: &World, publisher: Publisher) -> Report {
    let caller = Caller { publisher, ..world::caller() };
    world::publish(PublishRequest { caller, stage_only: true, ..world.request() }).await
}

fn builder(commit: &str) -> Publisher {
    Publisher {
        who: Some("builder".to_owned()),
        commit: Some(commit.to_owned()),
        branch: Some("main".to_owned()),
        message: Some("Raise the prices".to_owned()),
        ..Publisher::default()
    }
}

/// Release 1 was active, 2 is, 3 is staged, and 4 was given up.
async fn four_releases() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    world.write("robots.txt", "third");
    assert_eq!(stage(&world, builder("c0ffee3")).await.outcome, Outcome::Staged);
    world.write("robots.txt", "fourth");
    world.refuse("PutObject", "releases/4/manifest", 403, "AccessDenied");
    assert_eq!(world.publish().await.exit_code, 1);
    world.sandbox.clear_faults();
    world.sandbox.clear_requests();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn all_releases_are_listed_newest_first_with_what_became_of_them() {
    let world = four_releases().await;
    let (report, releases) = list(&world).await;
    assert_eq!(report.warnings, [""; 0]);
    let states: Vec<(ReleaseNumber, ReleaseState)> = releases.iter().map(|view| (view.release, view.state)).collect();
    let expected = [
        (release(4), ReleaseState::Incomplete),
        (release(3), ReleaseState::Staged),
        (release(2), ReleaseState::Active),
        (release(1), ReleaseState::WasActive),
    ];
    assert_eq!(states, expected);
    let head = world.head();
    assert_eq!(releases[2].active_since, Some(head.active.unwrap().since));
    assert_eq!(releases[3].active_until, Some(head.superseded[&release(1)]));
    assert_eq!(releases[1].publisher, Some(builder("c0ffee3")));
    assert_eq!(releases[0].publisher.as_ref().unwrap().who.as_deref(), Some("tester"), "its claim tells");
    assert_eq!(releases[0].content, None);
    for view in &releases[1..] {
        let files = world.manifest(view.release.into()).files;
        let content = view.content.as_ref().unwrap();
        let bytes: u64 = files.values().map(|entry| entry.size_bytes).sum();
        assert_eq!((content.total.files, content.total.bytes), (files.len(), bytes));
        let fingerprinted = files.values().filter(|entry| entry.kind == Kind::Fingerprinted).count();
        assert_eq!((content.fingerprinted.files, content.mutable.files), (fingerprinted, files.len() - fingerprinted));
    }
    assert_eq!(world.s3_operations(), [("GetObject".to_owned(), 5), ("ListObjectsV2".to_owned(), 1)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_was_published_the_lists_are_empty() {
    let world = World::new().await;
    assert_eq!(list(&world).await.1, []);
    assert_eq!(history(&world).await, []);
    let (report, listing) = show(&world, None).await;
    assert_eq!((report.exit_code, listing), (2, None), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_cannot_be_read_is_shown_as_damaged_beside_the_others() {
    let world = four_releases().await;
    let key = |number| world.environment.layout.manifest(release(number)).key;
    world.sandbox.put_foreign(BUCKET, &key(1), b"not a manifest".to_vec(), "text/plain");
    world.refuse("GetObject", &key(2), 403, "AccessDenied");
    world.refuse("GetObject", "releases/4/claim", 403, "AccessDenied");
    let (report, releases) = list(&world).await;
    let damaged = ReleaseState::Damaged;
    let states: Vec<ReleaseState> = releases.iter().map(|view| view.state).collect();
    assert_eq!(states, [damaged, ReleaseState::Staged, damaged, damaged]);
    assert!(releases[2].active_since.is_some(), "the head still says that it is active");
    let warnings = &report.warnings;
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings.iter().any(|text| text.starts_with("Release 1 cannot be shown: s3://sandbox/")), "{warnings:?}");
    assert_eq!(show(&world, Some(release(1))).await.0.error.unwrap().code, "bad_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_release_is_listed_also_without_its_manifest() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.rewrite_head(|head| head.active.as_mut().unwrap().release = release(9));
    let (report, releases) = list(&world).await;
    let states: Vec<(ReleaseNumber, ReleaseState)> = releases.iter().map(|view| (view.release, view.state)).collect();
    assert_eq!(states, [(release(9), ReleaseState::Damaged), (release(1), ReleaseState::Staged)]);
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_tells_who_activated_what_was_built_by_someone_else_and_why() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    stage(&world, builder("c0ffee2")).await;
    let (environment, caller) = (world.environment.clone(), world::caller());
    let request =
        ActivateRequest { environment, caller, release: release(2), force: false, reason: Some("go".to_owned()) };
    let activated = run::activate(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
    assert_eq!(activated.exit_code, 0, "{activated:#?}");
    let elsewhere = Publisher { who: Some("manager".to_owned()), ..builder("0ther") };
    let request = RollbackRequest {
        commit: None,
        environment: world.environment.clone(),
        caller: Caller { yes: true, publisher: elsewhere, ..world::caller() },
        release: None,
        hold: false,
        reason: Some("prices".to_owned()),
    };
    let back = run::rollback(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
    assert_eq!(back.exit_code, 0, "{back:#?}");

    world.sandbox.clear_requests();
    let history = history(&world).await;
    assert_eq!(world.s3_operations(), [("GetObject".to_owned(), 1)].into());
    let told: Vec<_> = history.iter().map(|item| (item.release, item.from, item.reason.as_deref())).collect();
    let expected = [
        (release(1), Some(release(2)), Some("prices")),
        (release(2), Some(release(1)), Some("go")),
        (release(1), None, None),
    ];
    assert_eq!(told, expected);
    let tester = world::caller().publisher;
    assert_eq!(history[1].publisher, Publisher { who: tester.who.clone(), ..builder("c0ffee2") });
    let manager = Publisher { who: Some("manager".to_owned()), ..Publisher::default() };
    assert_eq!(history[0].publisher, manager, "release 1 was not built from what the manager has checked out");
    assert_eq!(history[1].files, Some(activated.files));
    assert_eq!(history[0].files, Some(back.files));

    world.sandbox.clear_requests();
    let status = world.status().await;
    assert_eq!((status.publisher, status.files), (Some(manager), Some(back.files)));
    assert_eq!(world.s3_operations(), [("GetObject".to_owned(), 1)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_shown_with_all_its_files() {
    let world = four_releases().await;
    for number in [None, Some(2), Some(1)] {
        let (report, listing) = show(&world, number.map(release)).await;
        assert_eq!((report.exit_code, report.outcome, report.release), (0, Outcome::Verified, Some(release(2))));
        let listing = listing.unwrap();
        let manifest = world.manifest(number.unwrap_or(2));
        assert_eq!(listing.release.release, manifest.release);
        assert_eq!(listing.release.content.unwrap().digest, manifest.content());
        let files: Vec<FileView> = manifest.files.iter().map(|(path, entry)| FileView::of(path, entry)).collect();
        assert_eq!(listing.files, files);
    }
    let (_, incomplete) = show(&world, Some(release(4))).await;
    let incomplete = incomplete.unwrap();
    assert_eq!((incomplete.release.state, incomplete.files), (ReleaseState::Incomplete, Vec::new()));
    let (report, _) = show(&world, Some(release(7))).await;
    assert_eq!((report.exit_code, report.error.unwrap().message), (2, "there is no release 7".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_differs_from_the_active_release_just_as_a_plan_says() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let folder = || Side::Folder(world.folder.clone());
    assert_eq!(compared(&world, 1, folder()).await.diff.differences, []);
    world.use_fixture("v2");
    let (planned, _) = world.plan().await;
    world.sandbox.clear_requests();
    let comparison = compared(&world, 1, folder()).await;
    assert_eq!((comparison.to, comparison.diff.counts), (None, planned.files));
    assert_eq!(world.sandbox.requests().len(), 2, "the head and the manifest; CloudFront is not asked");
    world.published().await;
    for to in [Side::Active, Side::Release(release(2))] {
        let two = compared(&world, 1, to).await;
        assert_eq!((two.to, two.diff), (Some(release(2)), comparison.diff.clone()));
    }
    assert_eq!(compared(&world, 2, Side::Active).await.diff.differences, []);
    assert_eq!(compared(&world, 2, folder()).await.diff.differences, []);
    assert_eq!(
        compared(&world, 2, Side::Release(release(1))).await.diff.growth_bytes(),
        -comparison.diff.growth_bytes()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_head_knows_of_reused_names_is_no_difference() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let fingerprinted = |path: &SitePath| world.manifest(1).files[path].kind == Kind::Fingerprinted;
    let path = world.manifest(1).files.into_keys().find(|path| fingerprinted(path)).unwrap();
    world.rewrite_head(|head| head.mutable_paths.extend([path.clone()]));
    assert_eq!(compared(&world, 1, Side::Folder(world.folder.clone())).await.diff.differences, []);
    assert_eq!(compared(&world, 1, Side::Active).await.diff.differences, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_not_complete_cannot_be_compared() {
    let world = four_releases().await;
    for (from, to, message) in [
        (7, Side::Active, "there is no release 7"),
        (1, Side::Release(release(7)), "there is no release 7"),
        (1, Side::Release(release(4)), "release 4 is incomplete"),
    ] {
        let (report, comparison) = diff(&world, from, to).await;
        assert_eq!((report.exit_code, comparison), (2, None));
        assert_eq!(report.error.unwrap().message, message);
    }
    let (report, _) = diff(&world, 1, Side::Folder("no-such-folder".into())).await;
    assert_eq!(report.error.unwrap().code, "no_site");
}

/// The program in a git repository of its own, which the world's site is not part of.
struct Program<'w> {
    world: &'w World,
    repository: tempfile::TempDir,
}

impl Program<'_> {
    fn new(world: &World) -> Program<'_> {
        let repository = tempfile::tempdir().unwrap();
        for arguments in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["commit", "--quiet", "--allow-empty", "--message", "Raise the prices\n\nThey were too low."],
        ] {
            let mut git = Command::new("git");
            for role in ["AUTHOR", "COMMITTER"] {
                git.env(format!("GIT_{role}_NAME"), "dev").env(format!("GIT_{role}_EMAIL"), "dev@example.com");
            }
            let status = git.current_dir(repository.path()).args(arguments).status().unwrap();
            assert!(status.success());
        }
        Program { world, repository }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let access = &self.world.environment.access;
        let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
        program.current_dir(self.repository.path()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        let keys = self.world.sandbox.keys();
        program.env("AWS_ACCESS_KEY_ID", &keys.access_key_id).env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key);
        program.env("USER", "dev").env("HOSTNAME", "laptop");
        program.args(arguments).args(["--site", "shop", "--bucket", BUCKET, "--prefix", "live"]);
        program.args(["--region", "us-east-1", "--endpoint-url", access.s3_endpoint.as_deref().unwrap()]);
        let output = program.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        output
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).unwrap()
    }
}

fn types(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["type"].as_str().unwrap()).collect()
}

fn folder(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_records_what_git_says_and_tells_it_again() {
    let world = World::with_fixture("v1").await;
    let program = Program::new(&world);
    let dir = folder(&world.folder);
    tokio::task::block_in_place(|| {
        program.run(&[&dir]);
        let lines = program.json(&["releases"]);
        assert_eq!(types(&lines), ["release", "report"]);
        let publisher = &lines[0]["publisher"];
        assert_eq!((publisher["who"].as_str(), publisher["place"].as_str()), (Some("dev"), Some("laptop")));
        assert_eq!(
            (publisher["branch"].as_str(), publisher["message"].as_str()),
            (Some("main"), Some("Raise the prices"))
        );
        assert_eq!(publisher["commit"].as_str().unwrap().len(), 40);
        assert_eq!(lines[1]["outcome"], "verified");
        let lines = program.json(&["releases", "--history"]);
        assert_eq!(types(&lines), ["activation", "report"]);
        let lines = program.json(&["show", "1", "--files"]);
        assert_eq!(types(&lines).iter().filter(|name| **name == "file").count(), world.manifest(1).files.len());
        assert_eq!((types(&lines)[0], types(&lines).last()), ("release", Some(&"report")));
        assert_eq!(types(&program.json(&["show"])), ["release", "report"]);

        world.write("robots.txt", "other");
        let lines = program.json(&["diff", "1", &dir]);
        let differences: Vec<&Value> = lines.iter().filter(|line| line["type"] == "difference").collect();
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert_eq!((&differences[0]["path"], &differences[0]["change"]), (&"robots.txt".into(), &"replaced".into()));

        let text = program.text(&["releases"]);
        assert!(text.contains("\n         laptop\n") && text.contains("main: Raise the prices"), "{text}");
        assert!(!text.contains('\u{1b}'), "no colours where there is no terminal: {text}");
        assert!(program.text(&["status"]).contains(" main: Raise the prices\n"));
        assert!(program.text(&["diff", "1"]).ends_with("From release 1 to release 1: no differences\n"));
    });
}

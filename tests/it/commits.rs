//! What a build was made from: a pipeline that is run again for an older commit, and changes that are in no commit.

use std::path::Path;
use std::process::Command;

use publish::config::environment::OlderCommit;
use publish::release::manifest::{Publisher, ReleaseNumber};
use publish::report::Report;
use publish::report::event::Events;
use publish::run::{self, ActivateRequest, Caller, Commits, Descent, PublishRequest, Reply};
use publish::types::clock::Timestamp;
use serde_json::Value;
use tokio::task::block_in_place;

use crate::world::{self, BUCKET, DISTRIBUTION, World};

/// Publishes the world's site as built from `commit`, made at `at`, which lies to the live one in the way of `descent`.
async fn publish_commit(world: &World, commit: &str, at: Option<i64>, descent: Descent) -> Report {
    let publisher = Publisher {
        commit: Some(commit.to_owned()),
        committed_at: at.map(Timestamp::from_unix_seconds),
        ..world::caller().publisher
    };
    let commits = Commits::by(move |_, _| descent);
    world::publish(PublishRequest { caller: Caller { publisher, commits, ..world::caller() }, ..world.request() }).await
}

/// `aaaa` is live, made in the second 100, and the site has other words.
async fn live(setting: OlderCommit) -> World {
    let mut world = World::new().await;
    world.environment.publish.older_commit = setting;
    world.write("index.html", "live");
    let report = publish_commit(&world, "aaaaaaaaaaaaaaaa", Some(100), Descent::Unknown).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    world.write("index.html", "another");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_commit_is_warned_of_refused_or_allowed() {
    use Descent::{Beside, Newer, Older, Unknown};
    use OlderCommit::{Allow, Refuse, Warn};
    let (goes, warns, stops) = ((0, false), (0, true), (4, false));
    for (setting, descent, at, expected) in [
        (Warn, Older, Some(200), warns),
        (Warn, Newer, Some(50), goes),
        (Warn, Beside, Some(50), goes),
        (Warn, Unknown, Some(50), warns),
        (Warn, Unknown, Some(200), goes),
        (Warn, Unknown, None, goes),
        (Refuse, Older, Some(200), stops),
        (Refuse, Newer, Some(50), goes),
        (Refuse, Beside, Some(50), goes),
        (Refuse, Unknown, Some(50), stops),
        (Refuse, Unknown, Some(200), stops),
        (Refuse, Unknown, None, stops),
        (Allow, Older, Some(50), goes),
        (Allow, Unknown, Some(50), goes),
    ] {
        let world = live(setting).await;
        world.sandbox.clear_requests();
        let report = publish_commit(&world, "bbbbbbbbbbbbbbbb", at, descent).await;
        let told = format!("{setting:?} {descent:?} {at:?} {report:#?}");
        let warned =
            report.warnings.iter().any(|warning| warning.contains("bbbbbbbbbb") && warning.contains("release 1"));
        assert_eq!((report.exit_code, warned), expected, "{told}");
        if expected == stops {
            let error = report.error.unwrap();
            assert_eq!((error.code.as_str(), world.s3_writes().len()), ("superseded", 0), "{told}");
            assert_eq!(error.hint.contains("fetch-depth: 0"), descent == Unknown, "{told}");
            assert!(error.hint.contains("--older-commit allow"), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_commit_and_an_unchanged_site_are_no_older_ones() {
    let mut world = live(OlderCommit::Refuse).await;
    assert_eq!(publish_commit(&world, "aaaaaaaaaa", Some(1), Descent::Unknown).await.exit_code, 0);
    let unchanged = publish_commit(&world, "bbbbbbbbbb", Some(1), Descent::Older).await;
    assert_eq!(unchanged.exit_code, 0, "{unchanged:#?}");
    world.environment.publish.older_commit = OlderCommit::Warn;
    world.write("index.html", "a third");
    world.published().await;
    world.environment.publish.older_commit = OlderCommit::Refuse;
    world.write("index.html", "a fourth");
    let over_unknown = publish_commit(&world, "bbbbbbbbbb", Some(1), Descent::Older).await;
    assert_eq!(over_unknown.exit_code, 0, "nothing is known of the live one: {over_unknown:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_of_no_known_commit_may_be_an_older_one() {
    for (setting, exit_code) in [(OlderCommit::Refuse, 4), (OlderCommit::Warn, 0), (OlderCommit::Allow, 0)] {
        let world = live(setting).await;
        let report = world.publish().await;
        assert_eq!(report.exit_code, exit_code, "{setting:?} {report:#?}");
    }
}

/// A pipeline that stages and activates is run again for an older commit.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_staged_of_an_older_commit_is_refused_when_it_is_activated() {
    let mut world = live(OlderCommit::Refuse).await;
    let publisher = Publisher { commit: Some("bbbbbbbbbbbbbbbb".to_owned()), ..world::caller().publisher };
    let caller = || {
        let commits = Commits::by(|_, _| Descent::Older);
        Caller { publisher: publisher.clone(), commits, ..world::caller() }
    };
    let request = PublishRequest { caller: caller(), stage_only: true, ..world.request() };
    assert_eq!(world::publish(request).await.exit_code, 0, "nobody sees it yet");
    let activate = async |world: &World, force: bool| {
        let request = ActivateRequest {
            environment: world.environment.clone(),
            // The person who activates may have checked out something else.
            caller: Caller { publisher: world::caller().publisher, ..caller() },
            release: ReleaseNumber::new(2),
            force,
            reason: None,
        };
        run::activate(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
    };
    let refused = activate(&world, false).await;
    assert_eq!(refused.exit_code, 4, "{refused:#?}");
    assert!(refused.error.unwrap().hint.contains("--older-commit allow"));
    world.environment.publish.older_commit = OlderCommit::Warn;
    let warned = activate(&world, false).await;
    assert_eq!(warned.exit_code, 0, "{warned:#?}");
    assert!(warned.warnings.iter().any(|warning| warning.contains("bbbbbbbbbb")), "{warned:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_warns_and_refuses_as_a_publish_does() {
    for (setting, exit_code) in [(OlderCommit::Warn, 10), (OlderCommit::Refuse, 4)] {
        let world = live(setting).await;
        let publisher = Publisher { commit: Some("bbbbbbbb".to_owned()), ..world::caller().publisher };
        let commits = Commits::by(|_, _| Descent::Older);
        let caller = Caller { publisher, commits, ..world::caller() };
        let request = PublishRequest { caller, ..world.request() };
        let (report, _) = publish::run::plan(request.clone(), publish::report::event::Events::new(&|_| {})).await;
        assert_eq!(report.exit_code, exit_code, "{report:#?}");
        let warns = report.warnings.iter().any(|warning| warning.contains("release 1"));
        assert_eq!(warns, setting == OlderCommit::Warn, "{report:#?}");
        let staged = world::publish(PublishRequest { stage_only: true, ..request }).await;
        assert_eq!(staged.exit_code, 0, "{staged:#?}");
        assert_eq!(staged.warnings, [""; 0]);
    }
}

/// A repository with a site in it, which nobody's settings reach.
struct Repository(tempfile::TempDir);

impl Repository {
    fn path(&self) -> &Path {
        self.0.path()
    }

    /// git without anything of the user who runs the tests: no settings of theirs, and no repository that a hook runs in.
    fn command(&self) -> Command {
        let mut git = Command::new("git");
        git.current_dir(self.path()).env_clear().env("PATH", env!("PATH")).env("HOME", self.path());
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), "dev").env(format!("GIT_{role}_EMAIL"), "dev@example.com");
        }
        git
    }

    fn git(&self, arguments: &[&str]) -> String {
        let done = self.command().args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// A commit of that day, whose site says which.
    fn commit(&self, day: u8) {
        std::fs::write(self.path().join("page.md"), format!("{day}")).unwrap();
        self.git(&["add", "page.md"]);
        let date = format!("2026-01-0{day}T00:00:00Z");
        let mut git = self.command();
        git.args(["commit", "--quiet", "--message", "change"]).env("GIT_COMMITTER_DATE", &date);
        assert!(git.status().unwrap().success());
    }

    fn build(&self, text: &str) {
        std::fs::create_dir_all(self.path().join("dist")).unwrap();
        std::fs::write(self.path().join("dist/index.html"), text).unwrap();
    }

    /// Runs the program in it; its last line, and all that it wrote.
    fn publish(&self, world: &World, arguments: &[&str]) -> (Value, String) {
        let target = ["--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--distribution", DISTRIBUTION];
        let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
        program.args(arguments).args(target).args(["--region", "us-east-1", "--yes"]);
        program.args(["--endpoint-url", world.sandbox.s3_endpoint()]).current_dir(self.path()).env_clear();
        program.envs(world::key_variables(&world.sandbox)).env("HOME", self.path()).env("PATH", env!("PATH"));
        program.env("AWS_ENDPOINT_URL_CLOUDFRONT", world.sandbox.cloudfront_endpoint());
        let done = block_in_place(|| program.output()).unwrap();
        let written = String::from_utf8(done.stdout).unwrap();
        let last = written.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or(Value::Null);
        (last, written + &String::from_utf8_lossy(&done.stderr))
    }
}

async fn empty() -> World {
    let world = World::new().await;
    world.sandbox.complete_invalidations_after(0);
    world
}

fn repository() -> Repository {
    let repository = Repository(tempfile::tempdir().unwrap());
    repository.git(&["init", "--quiet", "--initial-branch=main"]);
    repository
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_that_is_run_again_for_an_older_commit_says_so() {
    let (world, repository) = (empty().await, repository());
    repository.commit(1);
    repository.commit(2);
    repository.build("of the second");
    let publish = |repository: &Repository, more: &[&str]| {
        repository.publish(&world, &[&["dist", "--output", "json"][..], more].concat())
    };
    assert_eq!(publish(&repository, &[]).0["exit_code"], 0);
    repository.git(&["checkout", "--quiet", "HEAD~1"]);
    repository.build("of the first");
    let (report, told) = publish(&repository, &["--older-commit", "refuse"]);
    assert_eq!((&report["exit_code"], &report["error"]["code"]), (&4.into(), &"superseded".into()), "{told}");
    assert!(!told.contains("fetch-depth"), "{told}");
    // A clone without history does not know, but for the date.
    let shallow = Repository(tempfile::tempdir().unwrap());
    shallow.git(&["init", "--quiet"]);
    let from = format!("file://{}", repository.path().display());
    shallow.git(&["fetch", "--quiet", "--depth=1", &from, &repository.git(&["rev-parse", "HEAD"])]);
    shallow.git(&["checkout", "--quiet", "FETCH_HEAD"]);
    shallow.build("of the first, shallow");
    let (report, told) = publish(&shallow, &["--older-commit", "refuse"]);
    assert!(report["exit_code"] == 4 && report["error"]["hint"].to_string().contains("fetch-depth: 0"), "{told}");
    let (report, told) = publish(&shallow, &[]);
    assert!(report["exit_code"] == 0 && report["warnings"].to_string().contains("fetch-depth: 0"), "{told}");
    // The older one is live by now: the newer one is no older one.
    repository.git(&["checkout", "--quiet", "main"]);
    repository.build("of the second again");
    let (report, told) = publish(&repository, &["--older-commit", "refuse"]);
    assert_eq!((&report["exit_code"], &report["warnings"]), (&0.into(), &Value::Array(Vec::new())), "{told}");
    repository.git(&["checkout", "--quiet", "HEAD~1"]);
    repository.build("of the first again");
    let (report, told) = publish(&repository, &["--older-commit"]);
    assert_eq!((&report["exit_code"], &report["warnings"]), (&0.into(), &Value::Array(Vec::new())), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_built_with_uncommitted_changes_is_shown_wherever_its_commit_is() {
    let (world, repository) = (empty().await, repository());
    repository.commit(1);
    repository.build("clean");
    assert_eq!(repository.publish(&world, &["dist", "--output", "json"]).0["exit_code"], 0);
    let all = |says: bool| {
        for command in [&["status"][..], &["releases"], &["releases", "--history"], &["show"]] {
            let json = repository.publish(&world, &[command, &["--output", "json"]].concat()).1;
            assert_eq!(json.contains("\"uncommitted_changes\":true"), says, "{command:?} {json}");
            let people = repository.publish(&world, command).1;
            assert_eq!(people.contains("with uncommitted changes"), says, "{command:?} {people}");
        }
    };
    all(false);
    std::fs::write(repository.path().join("page.md"), "not committed").unwrap();
    repository.build("with changes");
    let (report, told) = repository.publish(&world, &["dist", "--output", "json"]);
    assert_eq!(report["exit_code"], 0, "{told}");
    all(true);
    let head = world.head();
    assert_eq!(head.history.iter().map(|item| item.publisher.uncommitted_changes).collect::<Vec<_>>(), [false, true]);
    assert!(world.manifest(2).publisher.uncommitted_changes && world.claims()[1].publisher.uncommitted_changes);
}

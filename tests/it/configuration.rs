//! Which publish.toml the program goes by, from which folder, and what it says of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::world::{BUCKET, World, key_variables};

/// A project in a home folder, whose publish.toml names an environment that is a stand-in for AWS.
struct Project {
    world: World,
    home: PathBuf,
}

impl Project {
    async fn new() -> Project {
        let world = World::with_fixture("v1").await;
        let home = world.folder.parent().unwrap().to_owned();
        std::fs::create_dir_all(home.join("apps/web/src")).unwrap();
        let project = Project { world, home };
        project.configure("dir = \"dist\"\n");
        project
    }

    /// Writes publish.toml, with more of its head.
    fn configure(&self, head: &str) {
        let target = format!(
            "[env.live]\nbucket = \"{BUCKET}\"\nprefix = \"live\"\nregion = \"us-east-1\"\nendpoint_url = \"{}\"\n",
            self.world.sandbox.s3_endpoint()
        );
        std::fs::write(self.file(), format!("site = \"shop\"\n{head}{target}")).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.home.join("publish.toml")
    }

    fn program(&self, folder: &str, arguments: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
        program.args(arguments).current_dir(self.home.join(folder)).env_clear();
        program.envs(key_variables(&self.world.sandbox)).env("HOME", &self.home);
        program.env("XDG_STATE_HOME", self.home.join("../state"));
        program
    }

    fn run(&self, folder: &str, arguments: &[&str]) -> Output {
        self.program(folder, arguments).output().unwrap()
    }

    /// The report of a run.
    fn report(&self, folder: &str, arguments: &[&str]) -> Value {
        let output = self.run(folder, &[arguments, &["--output", "json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn same(value: &Value, path: &Path) -> bool {
    value.as_str().is_some_and(|value| Path::new(value).canonicalize().unwrap() == path.canonicalize().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_shows_takes_the_file_above_and_says_so() {
    let project = Project::new().await;
    tokio::task::block_in_place(|| {
        assert_eq!(project.report("", &[])["exit_code"], 0);
        for arguments in
            [&["status"][..], &["releases"], &["show"], &["verify"], &["diff", "1"], &["plan"], &["plan", "../../dist"]]
        {
            let report = project.report("apps/web", arguments);
            assert_eq!(report["exit_code"], 0, "{report:#}");
            assert_eq!((&report["environment"], &report["release"]), (&"live".into(), &1.into()), "{report:#}");
            assert!(same(&report["config"], &project.file()), "{report:#}");
            let said = text(&project.run("apps/web", arguments).stderr);
            assert!(said.contains("Configuration: ") && said.contains("publish.toml\n"), "{said}");
        }
        let here = project.report("", &["status"]);
        assert_eq!(here["config"], Value::Null, "{here:#}");
        assert_eq!(text(&project.run("", &["status"]).stderr), "");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_of_what_the_file_is_about_asks_nothing() {
    let project = Project::new().await;
    tokio::task::block_in_place(|| {
        assert_eq!(project.report("dist", &[])["outcome"], "published");
        assert_eq!(project.report("dist", &["."])["outcome"], "unchanged");
        assert_eq!(project.report("dist/assets", &[])["outcome"], "unchanged");
        std::fs::create_dir(project.home.join("apps/web/dist")).unwrap();
        std::fs::write(project.home.join("apps/web/dist/index.html"), "<p>").unwrap();
        project.configure("dir = \"apps/web/dist\"\n");
        for folder in ["apps", "apps/web"] {
            let report = project.report(folder, &["--yes"]);
            assert_eq!(report["exit_code"], 0, "{report:#}");
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_not_certain_which_site_is_meant_nothing_is_changed() {
    let project = Project::new().await;
    tokio::task::block_in_place(|| {
        assert_eq!(project.report("", &[])["exit_code"], 0);
        project.world.sandbox.clear_requests();
        for arguments in [
            &[][..],
            &["../../dist"],
            &["--yes"],
            &["--env", "live"],
            &["rollback", "--yes"],
            &["activate", "1"],
            &["resume"],
            &["prune"],
            &["verify", "--repair"],
            &["promote", "--from", "live", "--env", "live"],
        ] {
            let report = project.report("apps/web", arguments);
            assert_eq!((&report["exit_code"], &report["error"]["code"]), (&2.into(), &"usage".into()), "{report:#}");
            let error = &report["error"];
            let message = error["message"].as_str().unwrap();
            assert!(
                message.contains("the site `shop` of /") && message.contains("live, s3://sandbox/live/"),
                "{message}"
            );
            assert!(error["hint"].as_str().unwrap().contains("--config /"), "{error:#}");
            assert!(same(&report["config"], &project.file()), "{report:#}");
        }
        assert!(project.world.s3_requests().is_empty());
        let report = project.report("apps/web", &["rollback", "1", "--yes", "--config", "../../publish.toml"]);
        assert_eq!((&report["exit_code"], &report["config"]), (&0.into(), &"../../publish.toml".into()), "{report:#}");
        assert_eq!(project.report("apps/web", &["--config", "../../publish.toml"])["exit_code"], 0);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_ones_own_is_named_and_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new().await;
    std::fs::set_permissions(project.file(), std::fs::Permissions::from_mode(0o666)).unwrap();
    tokio::task::block_in_place(|| {
        for arguments in [&["status"][..], &["../../dist"]] {
            let report = project.report("apps/web", arguments);
            assert_eq!(report["exit_code"], 2, "{report:#}");
            let message = report["error"]["message"].as_str().unwrap();
            assert!(message.contains("publish.toml is writable by other users"), "{message}");
        }
        assert_eq!(project.report("apps/web", &["status", "--config", "../../publish.toml"])["exit_code"], 0);
        assert!(project.world.s3_writes().is_empty());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_say_the_whole_target_look_for_no_file_above() {
    let project = Project::new().await;
    let place = ["--site", "docs", "--bucket", BUCKET, "--prefix", "docs", "--region", "us-east-1"];
    let endpoint = ["--endpoint-url", project.world.sandbox.s3_endpoint()];
    tokio::task::block_in_place(|| {
        let report = project.report("apps/web", &[&["../../dist"], &place[..], &endpoint].concat());
        assert_eq!((&report["exit_code"], &report["config"]), (&0.into(), &Value::Null), "{report:#}");
        assert_eq!(report["environment"], BUCKET);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_publish_falls_back_to_the_sandbox_and_says_so() {
    let project = Project::new().await;
    std::fs::remove_file(project.file()).unwrap();
    tokio::task::block_in_place(|| {
        for arguments in [
            &["status"][..],
            &["releases"],
            &["show"],
            &["diff", "1"],
            &["plan", "../../dist"],
            &["verify"],
            &["rollback", "--yes"],
            &["activate", "1"],
            &["resume"],
            &["prune"],
        ] {
            let report = project.report("apps/web", arguments);
            assert_eq!((&report["exit_code"], &report["error"]["code"]), (&2.into(), &"usage".into()), "{report:#}");
            assert!(
                report["error"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("no publish.toml was found here or in a folder above")
            );
            assert!(report["error"]["hint"].as_str().unwrap().contains("--env sandbox"), "{report:#}");
        }
        let report = project.report("apps/web", &["../../dist"]);
        assert_eq!((&report["exit_code"], &report["environment"]), (&0.into(), &"sandbox".into()), "{report:#}");
        assert!(report["warnings"][0].as_str().unwrap().contains("to the sandbox on this machine"), "{report:#}");
        let quiet = text(&project.run("apps/web", &["../../dist", "--quiet"]).stderr);
        assert!(quiet.contains("warning: No publish.toml was found here"), "{quiet}");
        let report = project.report("apps/web", &["status", "--env", "sandbox"]);
        assert_eq!((&report["exit_code"], &report["release"]), (&0.into(), &1.into()), "{report:#}");
        let mut pipeline = project.program("apps/web", &["../../dist"]);
        assert_eq!(pipeline.env("CI", "true").output().unwrap().status.code(), Some(2));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_has_one_sandbox_from_all_its_folders() {
    let project = Project::new().await;
    tokio::task::block_in_place(|| {
        let published = project.report("", &["--env", "sandbox"]);
        assert_eq!(published["outcome"], "published", "{published:#}");
        let report = project.report("apps/web", &["status", "--env", "sandbox"]);
        assert_eq!((&report["exit_code"], &report["release"]), (&0.into(), &1.into()), "{report:#}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_from_variables_and_from_the_defaults() {
    let project = Project::new().await;
    let defaults = format!(
        "[defaults]\nbucket = \"${{SITE_BUCKET:-{BUCKET}}}\"\nregion = \"us-east-1\"\nendpoint_url = \"${{S3}}\"\n\
         prefix = \"live\"\n[env.live]\n[env.next]\nprefix = \"${{STAGE}}/site\"\n"
    );
    std::fs::write(project.file(), format!("site = \"shop\"\ndir = \"dist\"\n{defaults}")).unwrap();
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut program = project.program("", &[arguments, &["--output", "json"]].concat());
        program.env("S3", project.world.sandbox.s3_endpoint()).envs(variables.iter().copied());
        let text = text(&program.output().unwrap().stdout);
        serde_json::from_str::<Value>(text.lines().last().unwrap()).unwrap()
    };
    tokio::task::block_in_place(|| {
        assert_eq!(run(&[("STAGE", "next")], &["--env", "next"])["outcome"], "published");
        assert!(project.world.objects().contains_key("next/site/index.html"));
        assert_eq!(run(&[("STAGE", "x")], &["--env", "live"])["outcome"], "published");
        assert!(project.world.objects().contains_key("live/index.html"));
        let unset = run(&[("STAGE", "")], &["status", "--env", "next"]);
        assert_eq!((&unset["exit_code"], &unset["error"]["code"]), (&2.into(), &"configuration".into()), "{unset:#}");
        let message = unset["error"]["message"].as_str().unwrap();
        assert!(message.contains("line 10, column 10") && message.contains("STAGE is not set"), "{message}");
        let project_text = std::fs::read_to_string(project.file()).unwrap();
        std::fs::write(project.file(), project_text.replace("${STAGE}", "${AWS_SECRET_ACCESS_KEY}")).unwrap();
        let refused = run(&[], &["status", "--env", "next"]);
        assert_eq!(refused["exit_code"], 2, "{refused:#}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains("AWS_SECRET_ACCESS_KEY") && message.contains("may contain a secret"), "{message}");
    });
}

//! Where the program keeps its sandbox: in its user's state folder, whatever the project came with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A project with a built site, as it may have been cloned, and the state folder of who cloned it.
struct Clone {
    root: tempfile::TempDir,
}

impl Clone {
    fn new() -> Clone {
        let clone = Clone { root: tempfile::tempdir().unwrap() };
        let dist = clone.project().join("dist");
        std::fs::create_dir_all(&dist).unwrap();
        std::fs::write(dist.join("index.html"), "<h1>Hello</h1>").unwrap();
        clone
    }

    fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// The program in the project. In a pipeline it leaves no sandbox behind that goes on running.
    fn program(&self, arguments: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
        program.args(arguments).current_dir(self.project()).env_clear().env("CI", "true");
        program.env("XDG_STATE_HOME", self.state());
        program
    }

    fn publish(&self) -> Output {
        let output = self.program(&["--env", "sandbox"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// The outcome of a publish.
    fn outcome(&self) -> String {
        let output = self.program(&["--env", "sandbox", "--output", "json"]).output().unwrap();
        report(&output)["outcome"].as_str().unwrap().to_owned()
    }

    /// The folders of the sandboxes that there are.
    fn sandboxes(&self) -> Vec<PathBuf> {
        let all = std::fs::read_dir(self.state().join("publish").join("sandbox")).unwrap();
        all.map(|entry| entry.unwrap().path()).collect()
    }
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

fn names(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn nothing_of_the_sandbox_lies_in_the_project() {
    let clone = Clone::new();
    assert_eq!(clone.outcome(), "published");
    assert_eq!(clone.outcome(), "unchanged");
    assert_eq!(names(&clone.project()), BTreeSet::from(["dist".to_owned()]));
    assert_eq!(clone.sandboxes().len(), 1);
}

#[cfg(unix)]
#[test]
fn its_user_alone_may_look_into_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let clone = Clone::new();
    clone.publish();
    for folder in [clone.state(), clone.sandboxes().remove(0), clone.sandboxes().remove(0).join("storage")] {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{folder:?}");
    }
}

/// What a repository may hold to have its reader's files emptied, removed or published.
#[cfg(unix)]
#[test]
fn links_and_records_that_came_with_a_project_do_nothing() {
    use std::os::unix::fs::symlink;

    let clone = Clone::new();
    let home = clone.root.path().join("home");
    std::fs::create_dir(&home).unwrap();
    for name in ["photo", "secret", "lock", "running"] {
        std::fs::write(home.join(name), "precious").unwrap();
    }
    let planted = clone.project().join(".publish").join("sandbox");
    let objects = planted.join("storage").join("buckets").join("sandbox").join("objects");
    std::fs::create_dir_all(&objects).unwrap();
    symlink(&home, planted.join("storage").join("data")).unwrap();
    symlink(home.join("lock"), planted.join("storage").join("lock")).unwrap();
    symlink(home.join("lock"), planted.join("lock")).unwrap();
    symlink(home.join("running"), planted.join("running.json.new")).unwrap();
    let record = serde_json::json!({
        "key": "live/index.html",
        "data": [[home.join("secret"), 8]],
        "headers": {"content_type": "text/html", "metadata": {}},
        "encryption": {"sse": "AES256"},
        "etag": "00",
        "checksum": {"algorithm": "Sha256", "kind": "FullObject", "value": ""},
        "last_modified": 1,
    });
    std::fs::write(objects.join("00.json"), record.to_string()).unwrap();

    let first = String::from_utf8(clone.publish().stderr).unwrap();
    assert_eq!(first.matches("you can delete .publish/sandbox").count(), 1, "{first}");
    let second = String::from_utf8(clone.publish().stderr).unwrap();
    assert!(!second.contains(".publish"), "{second}");
    for name in ["photo", "secret", "lock", "running"] {
        assert_eq!(std::fs::read_to_string(home.join(name)).unwrap(), "precious", "{name}");
    }
    assert_eq!(names(&home).len(), 4);
    assert!(objects.join("00.json").exists(), "what lay there is left alone");
}

#[test]
fn each_project_has_a_sandbox_of_its_own_and_a_moved_one_begins_anew() {
    let clone = Clone::new();
    clone.publish();
    let moved = clone.root.path().join("moved");
    std::fs::rename(clone.project(), &moved).unwrap();
    let output = clone.program(&["--env", "sandbox", "--output", "json"]).current_dir(&moved).output().unwrap();
    assert_eq!(report(&output)["release"], 1);
    assert_eq!(report(&output)["outcome"], "published");
    assert_eq!(clone.sandboxes().len(), 2);
}

#[test]
fn a_reset_begins_anew() {
    let clone = Clone::new();
    let reset = || clone.program(&["sandbox", "--reset"]).output().unwrap();
    assert!(reset().status.success(), "where there is none");
    assert!(!clone.state().exists());
    assert_eq!(clone.outcome(), "published");
    assert_eq!(clone.outcome(), "unchanged");
    let output = reset();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "The sandbox is empty.\n");
    assert_eq!(clone.outcome(), "published");
}

/// Runs the program, which must say that it has no place for a sandbox, and what to do.
fn refused(program: &mut Command, said: &str) {
    let output = program.args(["--output", "json"]).output().unwrap();
    let report = report(&output);
    assert_eq!((output.status.code(), &report["error"]["code"]), (Some(1), &Value::from("sandbox")), "{report:#}");
    let message = report["error"]["message"].as_str().unwrap();
    assert!(message.contains(said), "{message}");
    assert!(report["error"]["hint"].as_str().unwrap().contains("XDG_STATE_HOME"), "{report:#}");
}

#[test]
fn where_there_is_no_place_for_it_that_is_said() {
    let clone = Clone::new();
    let publish = || clone.program(&["--env", "sandbox"]);
    // A folder that cannot be made; root may write to any that is there.
    std::fs::write(clone.state(), "a file").unwrap();
    refused(&mut publish(), "the sandbox cannot use");
    // A home within the project, as some pipelines have it: what lies there came with the project.
    let in_pipeline = |home| {
        let mut publish = publish();
        publish.env_remove("XDG_STATE_HOME").env("HOME", home).env("CI", "true");
        publish
    };
    refused(&mut in_pipeline(clone.project()), "inside the project");
    refused(publish().env("XDG_STATE_HOME", clone.project().join("state")), "inside the project");
    refused(publish().env_remove("XDG_STATE_HOME").env("HOME", "relative"), "no home folder");
    assert_eq!(names(&clone.project()), BTreeSet::from(["dist".to_owned()]));
}

/// A project that was tried in the sandbox before it had a publish.toml.
#[test]
fn a_sandbox_of_another_name_of_the_site_says_how_to_go_on() {
    let clone = Clone::new();
    clone.publish();
    std::fs::write(clone.project().join("publish.toml"), "site = \"shop\"\n[env.live]\nbucket = \"one-bucket\"\n")
        .unwrap();
    let output = clone.program(&["--env", "sandbox", "--output", "json"]).output().unwrap();
    let report = report(&output);
    assert_eq!((&report["exit_code"], &report["error"]["code"]), (&2.into(), &"wrong_site".into()), "{report:#}");
    assert!(report["error"]["hint"].as_str().unwrap().contains("`publish sandbox --reset`"), "{report:#}");
    assert!(clone.program(&["sandbox", "--reset"]).output().unwrap().status.success());
    assert_eq!(clone.outcome(), "published");
}

//! What a pipeline gets to know of a run: pages, values, annotations, and on GitHub a comment and a deployment.

mod github;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::world::{BUCKET, DISTRIBUTION, World, key_variables};

/// The program beside the site's folder, in a pipeline without variables of its own.
fn program(world: &World, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
    let folder = world.folder.parent().unwrap();
    let text = format!(
        "site = \"shop\"\n[publish]\nindex = false\n[env.live]\nbucket = \"{BUCKET}\"\nprefix = \"live\"\nregion = \"us-east-1\"\n\
         distribution = \"{DISTRIBUTION}\"\nurl = \"{}\"\nendpoint_url = \"{}\"\n",
        world.sandbox.site_url(),
        world.sandbox.s3_endpoint()
    );
    std::fs::write(folder.join("publish.toml"), text).unwrap();
    program.args(arguments).current_dir(folder).env_clear().envs(key_variables(&world.sandbox)).env("CI", "true");
    program.env("AWS_ENDPOINT_URL_CLOUDFRONT", world.sandbox.cloudfront_endpoint());
    program.env("HOME", folder).env("XDG_STATE_HOME", folder.join("state"));
    program
}

/// Exit code, what is on stdout and what on stderr.
fn told(program: &mut Command) -> (i32, String, String) {
    let output = tokio::task::block_in_place(|| program.output().unwrap());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The report of a run with JSON output, which has nothing but JSON on stdout.
fn report(program: &mut Command) -> Value {
    let (code, written, errors) = told(program.args(["--output", "json"]));
    let mut lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let report = lines.pop().unwrap_or_else(|| panic!("{errors}"));
    assert_eq!(report["exit_code"], code);
    report
}

fn beside(world: &World, name: &str) -> PathBuf {
    world.folder.parent().unwrap().join(name)
}

fn read(world: &World, name: &str) -> String {
    std::fs::read_to_string(beside(world, name)).unwrap_or_default()
}

/// The program as a step of a workflow at GitHub.
fn step(world: &World, arguments: &[&str]) -> Command {
    let mut program = program(world, arguments);
    program.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", world.folder.parent().unwrap());
    program.env("GITHUB_STEP_SUMMARY", beside(world, "summary.md")).env("GITHUB_OUTPUT", beside(world, "output"));
    program
}

/// What the runner reads of the file of outputs, and empties it.
fn outputs(world: &World) -> BTreeMap<String, String> {
    let text = read(world, "output");
    std::fs::write(beside(world, "output"), "").unwrap();
    let (mut read, mut lines) = (BTreeMap::new(), text.lines());
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").unwrap();
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        read.insert(name.to_owned(), value.join("\n"));
    }
    read
}

/// The lines that GitHub's runner takes for commands.
fn commands(text: &str) -> Vec<&str> {
    assert!(!text.contains("##["), "{text}");
    text.lines().filter(|line| line.trim_start().starts_with("::")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn github_shows_what_was_published() {
    let world = World::with_fixture("v1").await;
    assert_eq!(report(&mut step(&world, &["dist"]))["outcome"], "published");
    let first = outputs(&world);
    assert_eq!((&*first["outcome"], &*first["release"], &*first["previous-release"]), ("published", "1", ""));
    world.use_fixture("v2");
    let (code, said, errors) = told(&mut step(&world, &["dist"]));
    assert_eq!((code, commands(&said), commands(&errors)), (0, vec![], vec![]), "{said}{errors}");
    let second = outputs(&world);
    let url = world.sandbox.site_url();
    assert_eq!((&*second["release"], &*second["previous-release"], &*second["url"]), ("2", "1", url));
    assert_eq!((second.len(), &*second["exit-code"]), (6, "0"));
    let told: Value = serde_json::from_str(&second["report"]).unwrap();
    assert_eq!((&told["release"], &told["site"]), (&2.into(), &"shop".into()));
    let summary = read(&world, "summary.md");
    let pages: Vec<&str> = summary.split("### ").collect();
    assert_eq!(pages.len(), 3, "one after the other: {summary}");
    assert!(pages[1].starts_with("Release 1 is live in `live`\n"), "{summary}");
    let page = pages[2];
    assert!(page.starts_with("Release 2 is live in `live`\n") && page.contains("- **Before:** release 1\n"), "{page}");
    assert!(page.contains(&format!("- changed [`index.html`]({url}/index.html) (")), "{page}");
    assert!(page.contains("- **Size:** ") && page.contains("- **Go back:** `publish rollback`\n"), "{page}");
    assert!(page.contains("CDN paths</summary>\n\n- `/"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn github_shows_what_a_pull_request_would_change() {
    let world = World::with_fixture("v1").await;
    assert_eq!(told(&mut step(&world, &["plan", "dist"])).0, 10);
    let planned = outputs(&world);
    assert_eq!((&*planned["outcome"], &*planned["exit-code"], &*planned["release"]), ("verified", "10", ""));
    let page = read(&world, "summary.md");
    assert!(page.starts_with("### A publish would change the site in `live`\n") && page.contains("up to "), "{page}");
    assert_eq!(told(&mut step(&world, &["status"])).0, 0);
    assert_eq!(read(&world, "summary.md"), page, "what only shows has no page");
    assert_eq!(outputs(&world)["outcome"], "verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_where_nobody_asked() {
    let world = World::with_fixture("v1").await;
    world.write("about.html", "<script src=/gone.js></script>");
    let (_, said, errors) = told(&mut program(&world, &["dist"]));
    assert_eq!((commands(&said), commands(&errors)), (vec![], vec![]), "{errors}");
    for (arguments, variable) in [(&["dist", "--no-ci-output"][..], "0"), (&["dist"], "1"), (&["--nonsense"], "yes")] {
        let (code, said, errors) = told(step(&world, arguments).env("PUBLISH_NO_CI_OUTPUT", variable));
        assert_eq!((code, commands(&said), commands(&errors)), (2, vec![], vec![]), "{errors}");
        assert_eq!((read(&world, "summary.md"), read(&world, "output")), (String::new(), String::new()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_shown_at_its_line() {
    let world = World::with_fixture("v1").await;
    world.write("about.html", "<p>\n<script src=/gone.js></script>");
    let (code, said, errors) = told(&mut step(&world, &["dist"]));
    let errors = [commands(&said), commands(&errors)].concat();
    assert_eq!((code, errors.len()), (2, 1), "{errors:?}");
    assert!(
        errors[0].starts_with("::error file=dist/about.html,line=2::") && errors[0].contains("gone.js"),
        "{errors:?}"
    );
    assert!(read(&world, "summary.md").starts_with("### `publish` to `live` ended with exit code 2\n"));
    let report = report(&mut step(&world, &["dist"]));
    assert!(report["error"]["location"]["file"].as_str().unwrap().ends_with("dist/about.html"), "{report}");
    assert_eq!(report["error"]["location"]["line"], 2);
    // A mistake in publish.toml and one on the command line.
    std::fs::write(beside(&world, "other.toml"), "site = \"shop\"\nsiet = 1\n").unwrap();
    let (code, _, errors) = told(&mut step(&world, &["dist", "--config", "other.toml"]));
    assert!(code == 2 && commands(&errors)[0].starts_with("::error file=other.toml,line=2::"), "{errors}");
    let (code, _, errors) = told(&mut step(&world, &["--nonsense"]));
    assert!(code == 2 && commands(&errors)[0].starts_with("::error::unexpected argument"), "{errors}");
    world.remove("about.html");
    world.write("_headers", "/*\n  X-A: b\nnonsense\n");
    let (code, _, errors) = told(&mut step(&world, &["dist"]));
    assert!(code == 2 && commands(&errors)[0].starts_with("::error file=dist/_headers,line=3::"), "{errors}");
}

/// What a build is made of cannot speak to the runner, add markup or set an output.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_gives_no_commands() {
    let world = World::with_fixture("v1").await;
    let evil = "::error file=x::y##[add-mask]z%0A::set-output name=outcome::`</code><b>@octocat.html";
    world.write(evil, "<p>");
    world.write("::warning::a.txt", "a");
    for arguments in
        [&["plan", "dist"][..], &["plan", "dist", "--explain", "**"], &["dist", "-v"], &["show", "--files"]]
    {
        let (_, said, errors) = told(&mut step(&world, arguments));
        assert_eq!(commands(&said), [""; 0], "{arguments:?}");
        let is_ours =
            |line: &&str| line.starts_with("::warning::CloudFront does not accept paths with unencoded brackets");
        assert!(commands(&errors).iter().all(is_ours), "{arguments:?}: {errors}");
        outputs(&world);
    }
    let page = read(&world, "summary.md");
    assert!(commands(&page).is_empty() && page.contains("``\\u{3a}:error file=x"), "{page}");
    // Also as what a page refers to, in an error and a warning.
    world.write(
        "bad.html",
        "<script src='/%0A::error::x/##[group]&#10;::warning::y.js'></script><a href='/::notice::z%0A'>",
    );
    let (code, said, errors) = told(&mut step(&world, &["dist"]));
    let found = [commands(&said), commands(&errors)].concat();
    assert_eq!((code, found.len()), (2, 2), "{found:#?}");
    assert!(
        found[0].starts_with("::error file=dist/bad.html,line=1::") && found[1].starts_with("::warning::"),
        "{found:#?}"
    );
    let set = outputs(&world);
    assert_eq!((set.len(), &*set["outcome"]), (6, "failed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_a_warning() {
    let world = World::with_fixture("v1").await;
    let mut program = program(&world, &["dist", "--dotenv", "dist"]);
    program.env("GITHUB_STEP_SUMMARY", beside(&world, "none/summary.md"));
    let report = report(&mut program);
    assert_eq!((&report["outcome"], &report["exit_code"]), (&"published".into(), &0.into()));
    let warnings: Vec<&str> =
        report["warnings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("Could not write the values (--dotenv) to dist: "), "{warnings:?}");
    assert!(warnings[1].starts_with("Could not write GITHUB_STEP_SUMMARY to "), "{warnings:?}");
}

/// A page has what is left of GitHub's limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_has_room_for_so_many_pages() {
    let world = World::with_fixture("v1").await;
    std::fs::write(beside(&world, "summary.md"), "x".repeat((1 << 20) - 70_000)).unwrap();
    for number in 0..2_000 {
        world.write(&format!("pages/{number:0>100}.html"), "<p>");
    }
    assert_eq!(told(&mut step(&world, &["plan", "dist"])).0, 10);
    let page = read(&world, "summary.md");
    assert!(page.len() <= 1 << 20 && page.len() > (1 << 20) - 3_000 && page.contains(" more\n"), "{}", page.len());
    let report = report(&mut step(&world, &["plan", "dist"]));
    assert!(
        report["warnings"][0].as_str().unwrap().starts_with("Earlier summaries of this step leave no room"),
        "{report}"
    );
    assert_eq!(read(&world, "summary.md"), page);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_pipelines_read_values_from_files() {
    let world = World::with_fixture("v1").await;
    let mut program = program(&world, &["dist", "--dotenv", "publish.env", "--summary", "summary.md"]);
    program.env("CIRCLECI", "true").env("BASH_ENV", beside(&world, "bash_env"));
    program.env("BITBUCKET_PIPELINES_VARIABLES_PATH", beside(&world, "variables"));
    assert_eq!(told(&mut program).0, 0);
    let url = world.sandbox.site_url();
    let expected =
        format!("PUBLISHED_OUTCOME=published\nPUBLISHED_RELEASE=1\nPUBLISHED_URL={url}\nPUBLISHED_EXIT_CODE=0\n");
    assert_eq!((read(&world, "publish.env"), read(&world, "variables")), (expected.clone(), expected));
    assert!(read(&world, "summary.md").starts_with("### Release 1 is live"));
    let script = format!("{}echo $PUBLISHED_URL $PUBLISHED_RELEASE", read(&world, "bash_env"));
    let (_, said, _) = told(Command::new("sh").args(["-c", &script]));
    assert_eq!(said, format!("{url} 1\n"));
}

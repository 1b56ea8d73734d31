//! The comment and the deployment, against a server that speaks GitHub's API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::{beside, report, step, told};
use crate::world::World;

const TOKEN: &str = "ghs_0123456789abcdefghijklmnopqrstuvwxyz";

/// What the server was asked, and what it has.
#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    comments: Vec<Value>,
    pulls: Vec<Value>,
    /// Whom the token stands for; `None`: it may not ask.
    user: Option<&'static str>,
    /// How every request is refused: status, and a header.
    refusal: Option<(u16, String)>,
}

struct Asked {
    line: String,
    token: Option<String>,
    body: Value,
}

/// A stand-in for GitHub's API, with one repository, `octo/site`.
struct GitHub {
    address: String,
    state: Arc<Mutex<State>>,
}

impl GitHub {
    fn start() -> GitHub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &mut shared.lock().unwrap());
            }
        });
        GitHub { address, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How often something was asked.
    fn count(&self, line: &str) -> usize {
        self.state().asked.iter().filter(|asked| asked.line.starts_with(line)).count()
    }
}

fn serve(stream: TcpStream, state: &mut State) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (mut token, mut length) = (None, 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => token = Some(value.to_owned()),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let line = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
    let (status, header, answer) = match &state.refusal {
        Some((status, header)) => (*status, header.clone(), json!({ "message": "no" })),
        None => {
            let (status, answer) = answer(state, &line, &body);
            (status, String::new(), answer)
        }
    };
    state.asked.push(Asked { line, token, body });
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 {status} x\r\n{header}content-length: {}\r\nconnection: close\r\n\r\n", answer.len());
    reader.into_inner().write_all(format!("{head}{answer}").as_bytes()).unwrap();
}

fn answer(state: &mut State, line: &str, body: &Value) -> (u16, Value) {
    let (method, rest) = line.split_once(' ').unwrap();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    match (method, path.strip_prefix("/repos/octo/site").unwrap_or(path)) {
        ("GET", "/user") => state.user.map_or((403, Value::Null), |login| (200, json!({ "login": login }))),
        ("GET", "/issues/7/comments") => {
            let page: usize = query.split("&page=").nth(1).unwrap().parse().unwrap();
            assert!(query.starts_with("per_page=100&"));
            (200, state.comments.iter().skip((page - 1) * 100).take(100).cloned().collect())
        }
        ("POST", "/issues/7/comments") => {
            let id = state.comments.len() + 1;
            state.comments.push(comment(id, body["body"].as_str().unwrap(), "github-actions[bot]", "Bot"));
            (201, state.comments[id - 1].clone())
        }
        ("PATCH", path) => {
            let id: usize = path.strip_prefix("/issues/comments/").unwrap().parse().unwrap();
            state.comments[id - 1]["body"] = body["body"].clone();
            (200, state.comments[id - 1].clone())
        }
        ("GET", "/pulls") => (200, state.pulls.clone().into()),
        ("POST", "/deployments") => (201, json!({ "id": 5 })),
        ("POST", "/deployments/5/statuses") => (201, json!({})),
        _ => panic!("{line}"),
    }
}

fn comment(id: usize, body: &str, login: &str, kind: &str) -> Value {
    json!({ "id": id, "body": body, "user": { "login": login, "type": kind } })
}

/// A step of a workflow that a pull request's event began, unless another one is given.
fn with_api(world: &World, github: &GitHub, arguments: &[&str], event: Option<Value>) -> Command {
    let head = json!({ "sha": "c0ffee0123", "ref": "feature" });
    let event = event.unwrap_or_else(|| json!({ "pull_request": { "number": 7, "head": head } }));
    std::fs::write(beside(world, "event.json"), event.to_string()).unwrap();
    let mut step = step(world, arguments);
    step.env("GITHUB_EVENT_PATH", beside(world, "event.json")).env("GITHUB_API_URL", &github.address);
    step.env("GITHUB_REPOSITORY", "octo/site").env("GITHUB_SHA", "fade01").env("GITHUB_TOKEN", TOKEN);
    step.env("GITHUB_SERVER_URL", "https://github.com").env("GITHUB_RUN_ID", "42");
    step
}

#[tokio::test(flavor = "multi_thread")]
async fn one_comment_is_kept_up_to_date() {
    let (world, github) = (World::with_fixture("v1").await, GitHub::start());
    let marker = "<!-- sitepublish shop live -->";
    github.state().comments = (1..=150).map(|id| comment(id, "hello", "octocat", "User")).collect();
    github.state().comments[3]["body"] = format!("{marker}\nby a stranger").into();
    assert_eq!(told(&mut with_api(&world, &github, &["plan", "dist", "--comment"], None)).0, 10);
    let planned = github.state().comments[150]["body"].as_str().unwrap().to_owned();
    assert!(planned.starts_with(&format!("{marker}\n### A publish would change the site")), "{planned}");
    assert!(
        planned.ends_with("\nFor commit c0ffee0123 ([run](https://github.com/octo/site/actions/runs/42))"),
        "{planned}"
    );
    assert_eq!(told(&mut with_api(&world, &github, &["dist", "--comment"], None)).0, 0);
    let state = github.state();
    assert_eq!(state.comments.len(), 151, "the same one");
    assert!(state.comments[150]["body"].as_str().unwrap().contains("### Release 1 is live in `live`"));
    assert_eq!(state.comments[3]["body"], format!("{marker}\nby a stranger"));
    let bearer = format!("Bearer {TOKEN}");
    assert!(state.asked.iter().all(|asked| asked.token.as_ref() == Some(&bearer)));
}

/// A person's token edits that person's comment, and no bot's.
#[tokio::test(flavor = "multi_thread")]
async fn a_comment_is_its_authors() {
    let (world, github) = (World::with_fixture("v1").await, GitHub::start());
    let text = "<!-- sitepublish shop live -->\nold";
    github.state().comments = vec![comment(1, text, "other[bot]", "Bot"), comment(2, text, "ann", "User")];
    github.state().user = Some("ann");
    assert_eq!(told(&mut with_api(&world, &github, &["plan", "dist", "--comment"], None)).0, 10);
    let state = github.state();
    assert_eq!((state.comments.len(), state.comments[0]["body"].as_str()), (2, Some(text)));
    assert!(state.comments[1]["body"].as_str().unwrap().contains("### A publish would"));
}

/// A run that follows a stranger's finds the pull request by what GitHub says of that run.
#[tokio::test(flavor = "multi_thread")]
async fn a_forks_pull_request_is_found_by_its_commit() {
    let (world, github) = (World::with_fixture("v1").await, GitHub::start());
    let pull = |number: u64, sha: &str| json!({ "number": number, "head": { "sha": sha } });
    github.state().pulls = vec![pull(6, "beef"), pull(7, "c0ffee")];
    let of = |sha: &str| {
        json!({ "workflow_run": {
            "head_sha": sha, "head_branch": "a&b/c", "head_repository": { "owner": { "login": "stranger" } },
            "pull_requests": [{ "number": 99 }],
        }})
    };
    let mut found = with_api(&world, &github, &["plan", "dist", "--comment"], Some(of("c0ffee")));
    assert_eq!(told(&mut found).0, 10);
    assert_eq!(github.state().comments.len(), 1);
    let asked = github.state().asked[0].line.clone();
    assert!(asked.ends_with("/pulls?state=open&per_page=100&head=stranger:a%26b%2Fc"), "{asked}");
    let (code, _, errors) = told(&mut with_api(&world, &github, &["plan", "dist", "--comment"], Some(of("other"))));
    assert!(code == 10 && errors.contains("belongs to no pull request"), "{errors}");
    let push = json!({ "head_commit": {} });
    let (code, _, errors) = told(&mut with_api(&world, &github, &["plan", "dist", "--comment"], Some(push)));
    assert!(code == 10 && errors.contains("belongs to no pull request") && !errors.contains("warning"), "{errors}");
    assert_eq!(github.state().comments.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_is_a_deployment() {
    let (world, github) = (World::with_fixture("v1").await, GitHub::start());
    assert_eq!(told(&mut with_api(&world, &github, &["dist", "--deployment"], None)).0, 0);
    let state = github.state();
    let (made, status) = (&state.asked[0].body, &state.asked[1].body);
    assert_eq!((&made["ref"], &made["environment"]), (&"c0ffee0123".into(), &"live".into()));
    assert_eq!((&status["state"], &status["environment_url"]), (&"success".into(), &world.sandbox.site_url().into()));
    assert_eq!(status["log_url"], "https://github.com/octo/site/actions/runs/42");
    drop(state);
    world.write("broken.html", "<script src=/gone.js></script>");
    assert_eq!(told(&mut with_api(&world, &github, &["dist", "--deployment"], None)).0, 2);
    assert_eq!(github.state().asked[3].body["state"], "failure");
}

/// Whatever GitHub says, the publish is what it is; the token is sent to nobody else and shown nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn what_github_refuses_is_one_warning() {
    let (world, elsewhere) = (World::with_fixture("v1").await, GitHub::start());
    let redirect = format!("location: {}/x\r\n", elsewhere.address);
    for (status, header, expected) in [
        (401, String::new(), "the token is not valid (401)"),
        (403, String::new(), "the token has no permission for it (403)"),
        (403, "x-ratelimit-remaining: 0\r\n".to_owned(), "its rate limit is reached"),
        (429, "retry-after: 60\r\n".to_owned(), "its rate limit is reached"),
        (307, redirect, "it redirects elsewhere (307)"),
        (500, String::new(), "it answered with 500"),
    ] {
        let github = GitHub::start();
        github.state().refusal = Some((status, header));
        let report = report(&mut with_api(&world, &github, &["dist", "--comment"], None));
        assert_eq!(report["exit_code"], 0, "{report}");
        let warnings = report["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].as_str().unwrap().contains(expected), "{warnings:?}");
        assert!(!report.to_string().contains(&TOKEN[4..]));
        assert_eq!(github.count("GET /repos"), 1, "nothing is tried again");
    }
    assert_eq!(elsewhere.state().asked.len(), 0);
    let github = GitHub::start();
    for token in ["", "a\nb"] {
        let mut step = with_api(&world, &github, &["dist", "--comment", "--deployment"], None);
        let (code, said, errors) = told(step.env("GITHUB_TOKEN", token));
        assert_eq!(code, 0, "{said}{errors}");
        let expected = if token.is_empty() { "GITHUB_TOKEN is not set" } else { "no request can carry" };
        assert!(errors.matches("warning: ").count() == 1 && errors.contains(expected), "{errors}");
    }
    let mut nobody = with_api(&world, &github, &["dist", "--comment"], None);
    let (code, _, errors) = told(nobody.env("GITHUB_API_URL", "http://127.0.0.1:1"));
    assert!(code == 0 && errors.contains("connection refused") && !errors.contains(TOKEN), "{errors}");
    assert_eq!(github.state().asked.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_publish_and_its_plan_are_told_on_github() {
    let world = World::with_fixture("v1").await;
    for (arguments, expected) in [
        (&["status", "--comment"][..], "--comment goes with `publish` and `publish plan` only"),
        (&["rollback", "--deployment"], "--deployment goes with `publish` only"),
        (&["plan", "--deployment"], "--deployment goes with `publish` only"),
    ] {
        let (code, _, errors) = told(&mut step(&world, arguments));
        assert!(code == 2 && errors.contains(expected), "{errors}");
    }
    let (code, _, errors) = told(step(&world, &["status"]).env("PUBLISH_COMMENT", "1"));
    assert_eq!(code, 0, "a variable may be set for all steps: {errors}");
}

//! The comment on the pull request and the deployment, through GitHub's API (docs.github.com/rest, version 2022-11-28).
//!
//! A token may write comments of others. So only a comment is edited that begins with the marker and whose author is the
//! token's own: anybody can write a marker.

use std::fmt::Write;

use publish::bucket::aws::{Api, SiteAnswer};
use publish::report::Report;
use publish::report::markdown;
use serde_json::{Value, json};

/// GitHub takes 65,536 characters for a comment; what stands around the summary has less than what is left.
const LARGEST_SUMMARY: usize = 64_000;

const HEADERS: &[(&str, &str)] = &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")];

/// As many as GitHub gives at once.
const PER_PAGE: usize = 100;

/// A repository at GitHub, and the run of a workflow of it.
pub(super) struct GitHub {
    api: Api,
    /// `/repos/octocat/hello`.
    repository: String,
    /// What happened, as GitHub tells its workflows.
    event: Value,
    /// The commit that the run is for.
    sha: String,
    /// The address of the run; empty where it is not known.
    run: String,
}

impl GitHub {
    /// As the variables of a workflow say it.
    pub(super) fn from(variable: &dyn Fn(&str) -> Option<String>) -> Result<GitHub, String> {
        let needed = |name: &str| variable(name).ok_or_else(|| format!("{name} is not set"));
        let token = needed("GITHUB_TOKEN")?;
        let repository = needed("GITHUB_REPOSITORY")?;
        let is_part = |part: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !part.is_empty() && !part.starts_with("..") && part != "." && part.bytes().all(is_plain)
        };
        if !repository.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name)) {
            return Err("GITHUB_REPOSITORY is not OWNER/NAME".to_owned());
        }
        let text = variable("GITHUB_EVENT_PATH").and_then(|path| std::fs::read_to_string(path).ok());
        let event: Value = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        // The commit of a pull request's run is a merge that nobody sees.
        let head = event["pull_request"]["head"]["sha"].as_str().or(event["workflow_run"]["head_sha"].as_str());
        let sha = head.map(str::to_owned).or_else(|| variable("GITHUB_SHA")).unwrap_or_default();
        let run = match (variable("GITHUB_SERVER_URL"), variable("GITHUB_RUN_ID")) {
            (Some(server), Some(run)) => format!("{server}/{repository}/actions/runs/{run}"),
            _ => String::new(),
        };
        let address = variable("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
        let api = Api::new(&address, &token, HEADERS).ok_or("no request can carry what is in GITHUB_TOKEN")?;
        Ok(GitHub { api, repository: format!("/repos/{repository}"), event, sha, run })
    }

    /// Puts the summary of `report` on the pull request: into the comment that is there, else into a new one. Whether there
    /// is a pull request.
    pub(super) async fn comment(&self, report: &Report, worded: &dyn Fn(&str) -> String) -> Result<bool, String> {
        let Some(number) = self.pull_request().await? else { return Ok(false) };
        let marker = marker(report);
        let body = json!({ "body": self.body(report, &marker, worded) });
        let comments = format!("{}/issues/{number}/comments", self.repository);
        if let Some(id) = self.own_comment(&comments, &marker).await? {
            let path = format!("{}/issues/comments/{id}", self.repository);
            match self.call("PATCH", &path, Some(&body), "edit the comment").await {
                // It was deleted a moment ago.
                Err(Refused { status: 404, .. }) => {}
                edited => return edited.map(|_| true).map_err(|refused| refused.sentence),
            }
        }
        let written = self.call("POST", &comments, Some(&body), "write the comment").await;
        written.map(|_| true).map_err(|refused| refused.sentence)
    }

    /// Records that the environment has what was published, or that this failed.
    pub(super) async fn deployment(&self, report: &Report) -> Result<(), String> {
        let path = format!("{}/deployments", self.repository);
        let description = report.release.map_or_else(String::new, |release| format!("Release {release}"));
        let made = json!({
            "ref": self.sha,
            "environment": report.environment,
            "description": description,
            "auto_merge": false,
            "required_contexts": [],
        });
        let made = self.call("POST", &path, Some(&made), "record the deployment").await;
        let made = made.map_err(|refused| refused.sentence)?;
        let id = made["id"].as_u64().ok_or("GitHub's answer to the new deployment names no id")?;
        let state = if report.error.is_none() { "success" } else { "failure" };
        let url = report.url.as_deref().unwrap_or_default();
        let status = json!({ "state": state, "environment_url": url, "log_url": self.run, "description": description });
        let set =
            self.call("POST", &format!("{path}/{id}/statuses"), Some(&status), "set the deployment's state").await;
        set.map(|_| ()).map_err(|refused| refused.sentence)
    }

    /// The number of the pull request that the run is about. That of a run that follows another one (`workflow_run`) is found
    /// by what GitHub says of that run, never by what that run made: it may be a stranger's.
    async fn pull_request(&self) -> Result<Option<u64>, String> {
        if let Some(number) = self.event["pull_request"]["number"].as_u64() {
            return Ok(Some(number));
        }
        let run = &self.event["workflow_run"];
        let text = |value: &Value| value.as_str().map(encoded);
        let (Some(owner), Some(branch)) = (text(&run["head_repository"]["owner"]["login"]), text(&run["head_branch"]))
        else {
            return Ok(None);
        };
        let path = format!("{}/pulls?state=open&per_page={PER_PAGE}&head={owner}:{branch}", self.repository);
        let open = self.call("GET", &path, None, "find the pull request").await.map_err(|refused| refused.sentence)?;
        let is_it = |pull: &&Value| pull["head"]["sha"].as_str().is_some_and(|sha| sha == self.sha);
        Ok(open.as_array().and_then(|open| open.iter().find(is_it)).and_then(|pull| pull["number"].as_u64()))
    }

    /// The id of the first comment that begins with `marker` and is by whom the token stands for.
    async fn own_comment(&self, comments: &str, marker: &str) -> Result<Option<u64>, String> {
        let mut owner = None;
        for page in 1_usize.. {
            let path = format!("{comments}?per_page={PER_PAGE}&page={page}");
            let listed =
                self.call("GET", &path, None, "read the comments").await.map_err(|refused| refused.sentence)?;
            let listed = listed.as_array().map(Vec::as_slice).unwrap_or_default();
            let is_marked = |comment: &&Value| comment["body"].as_str().is_some_and(|body| body.starts_with(marker));
            for comment in listed.iter().filter(is_marked) {
                if owner.is_none() {
                    owner = Some(self.token_owner().await?);
                }
                if owner.as_ref().is_some_and(|owner| owner.wrote(comment)) {
                    return Ok(comment["id"].as_u64());
                }
            }
            if listed.len() < PER_PAGE {
                break;
            }
        }
        Ok(None)
    }

    /// Whom the token stands for. A workflow's own token may not ask, and stands for a bot.
    async fn token_owner(&self) -> Result<Owner, String> {
        match self.call("GET", "/user", None, "see whose token it is").await {
            Ok(user) => Ok(Owner::User(user["login"].as_str().unwrap_or_default().to_owned())),
            Err(Refused { status: 401 | 403 | 404, is_limited: false, .. }) => Ok(Owner::Bot),
            Err(refused) => Err(refused.sentence),
        }
    }

    fn body(&self, report: &Report, marker: &str, worded: &dyn Fn(&str) -> String) -> String {
        let mut body = format!("{marker}\n{}", markdown::summary(report, worded, LARGEST_SUMMARY));
        let is_hex =
            !self.sha.is_empty() && self.sha.len() <= 64 && self.sha.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Writing to a text cannot fail.
        if is_hex {
            let _ = write!(body, "\nFor commit {}", self.sha);
        }
        if is_hex && !self.run.is_empty() && self.run.len() < 1_000 {
            let _ = write!(body, " ([run]({}))", self.run);
        }
        body
    }

    /// The answer of GitHub to a request, `what` in words for people.
    async fn call(&self, method: &str, path: &str, body: Option<&Value>, what: &str) -> Result<Value, Refused> {
        let answer = self.api.call(method, path, body).await.map_err(|error| Refused {
            status: 0,
            is_limited: false,
            sentence: format!("could not {what}: GitHub {}", error.why.sentence()),
        })?;
        if (200..300).contains(&answer.status) {
            return Ok(serde_json::from_slice(&answer.body).unwrap_or_default());
        }
        let is_limited = is_limited(&answer);
        let why = match answer.status {
            _ if is_limited => "its rate limit is reached".to_owned(),
            401 => "the token is not valid (401)".to_owned(),
            403 | 404 => format!("the token has no permission for it ({})", answer.status),
            300..=399 => format!("it redirects elsewhere ({}), where the token is not sent", answer.status),
            other => format!("it answered with {other}"),
        };
        Err(Refused { status: answer.status, is_limited, sentence: format!("GitHub did not {what}: {why}") })
    }
}

/// Why there is no answer to a request.
struct Refused {
    /// The HTTP status; 0: nobody answered.
    status: u16,
    is_limited: bool,
    /// Without a final stop, and with nothing that GitHub or anybody else wrote.
    sentence: String,
}

/// Whom a token stands for.
enum Owner {
    User(String),
    Bot,
}

impl Owner {
    fn wrote(&self, comment: &Value) -> bool {
        match self {
            Owner::User(login) => !login.is_empty() && comment["user"]["login"].as_str() == Some(login),
            Owner::Bot => comment["user"]["type"].as_str() == Some("Bot"),
        }
    }
}

/// Whether an answer says that too much was asked (docs.github.com/rest: rate limits).
fn is_limited(answer: &SiteAnswer) -> bool {
    let has_none_left = answer.headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0");
    answer.status == 429 || answer.status == 403 && (has_none_left || answer.headers.contains_key("retry-after"))
}

/// What tells the comment of a site and its environment from all others. Nobody sees it.
fn marker(report: &Report) -> String {
    let site = report.site.as_deref().unwrap_or_default();
    format!("<!-- sitepublish {} {} -->", encoded(site), encoded(&report.environment))
}

/// `text` in letters that end neither a comment nor a part of an address.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

//! What a pipeline gets to know of a run: a page, values for later steps, and annotations, wherever its variables or a flag
//! say that it can show them. Nothing here decides anything about a run, and nothing that fails here fails it.

mod annotations;
mod github;
mod values;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use publish::report::{Outcome, Report, markdown};
use tokio::time::timeout;

use crate::args::{Command, PipelineArgs};
use crate::terminal::here::Here;
use crate::{random, terminal};

use github::GitHub;

/// The most bytes that GitHub shows of all pages of a step (GitHub, "Workflow commands for GitHub Actions": step isolation
/// and limits).
const MAX_PAGE: usize = 1 << 20;

/// The fewest bytes that a page is written in.
const SMALLEST_PAGE: usize = 64_000;

/// How long GitHub may take for all that is asked of it.
const GITHUB_WITHIN: Duration = Duration::from_secs(30);

/// What a person should know of what was told to a pipeline.
pub(crate) enum Said {
    /// It is as it should be.
    Note(String),
    /// Something could not be told.
    Warning(String),
}

/// The pipeline around this process, if there is one.
pub(crate) struct Pipeline<'p> {
    settings: &'p PipelineArgs,
    lookup: &'p dyn Fn(&str) -> Option<String>,
    here: Here,
}

impl<'p> Pipeline<'p> {
    /// As the flags and the environment (`lookup`) say; commands are named for `here`.
    pub(crate) fn new(
        settings: &'p PipelineArgs,
        lookup: &'p dyn Fn(&str) -> Option<String>,
        here: Here,
    ) -> Pipeline<'p> {
        Pipeline { settings, lookup, here }
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    fn is_set(&self, name: &str) -> bool {
        self.variable(name).is_some_and(|value| value == "true")
    }

    /// Tells what a run came to; a page shows it if it `deserves_a_page`. What cannot be written is given back, as
    /// sentences to warn with.
    pub(crate) fn tell(&self, report: &Report, deserves_a_page: bool) -> Vec<String> {
        let mut untold = Vec::new();
        let mut try_to = |done: Result<(), String>| untold.extend(done.err());
        let worded = |text: &str| self.here.in_text(text).into_owned();
        if let Some(path) = self.settings.dotenv.as_deref() {
            try_to(write(path, &values::dotenv(report), "the values (--dotenv)", false));
        }
        if let Some(path) = self.settings.summary.as_deref().filter(|_| deserves_a_page) {
            let page = markdown::summary(report, &worded, MAX_PAGE);
            try_to(write(path, &page, "the summary (--summary)", false));
        }
        if self.settings.no_ci_output {
            return untold;
        }
        if let Some(path) = self.variable("GITHUB_STEP_SUMMARY").filter(|_| deserves_a_page) {
            try_to(add_page(Path::new(&path), report, &worded));
        }
        if let Some(path) = self.variable("GITHUB_OUTPUT") {
            match random::run_id() {
                Ok(id) => {
                    let (values, too_large) = values::github(report, &id.0);
                    try_to(append(&path, &values, "GITHUB_OUTPUT"));
                    try_to(too_large.map_or(Ok(()), Err));
                }
                Err(problem) => try_to(Err(problem.message)),
            }
        }
        if let Some(path) = self.variable("BITBUCKET_PIPELINES_VARIABLES_PATH") {
            try_to(append(&path, &values::dotenv(report), "BITBUCKET_PIPELINES_VARIABLES_PATH"));
        }
        if let Some(path) = self.variable("BASH_ENV").filter(|_| self.is_set("CIRCLECI")) {
            try_to(append(&path, &values::shell(report), "BASH_ENV"));
        }
        if self.is_set("GITHUB_ACTIONS") {
            let workspace = self.variable("GITHUB_WORKSPACE");
            terminal::write_commands(&annotations::of(report, workspace.as_deref().map(Path::new), &worded));
        }
        untold
    }
}

impl Pipeline<'_> {
    /// Whether `command` is to be told on GitHub: as a comment, as a deployment.
    fn wanted_of_github(&self, report: &Report, command: Option<&Command>) -> (bool, bool) {
        let comments = self.settings.comment && matches!(command, None | Some(Command::Plan(_)));
        let deploys = self.settings.deployment && command.is_none() && report.outcome != Outcome::Staged;
        (comments, deploys)
    }

    /// Writes the comment and the deployment that were asked for. Ends early when `stopped` does.
    pub(crate) async fn tell_github(
        &self,
        report: &Report,
        command: Option<&Command>,
        stopped: impl Future<Output = ()>,
    ) -> Vec<Said> {
        let (comments, deploys) = self.wanted_of_github(report, command);
        if !comments && !deploys {
            return Vec::new();
        }
        if report.site.is_none() {
            let why = "The run ended before its site was known, so GitHub was told nothing beside the summary.";
            return vec![Said::Note(why.to_owned())];
        }
        let github = match GitHub::from(&|name| self.variable(name)) {
            Ok(github) => github,
            Err(why) => return vec![Said::Warning(format!("Nothing was written to GitHub: {why}."))],
        };
        let worded = |text: &str| self.here.in_text(text).into_owned();
        let told = async {
            let mut said = Vec::new();
            if comments {
                said.extend(match github.comment(report, &worded).await {
                    Ok(true) => None,
                    Ok(false) => {
                        Some(Said::Note("This run belongs to no pull request, so there is no comment.".to_owned()))
                    }
                    Err(why) => Some(Said::Warning(format!("There is no new comment on the pull request: {why}."))),
                });
            }
            if deploys && let Err(why) = github.deployment(report).await {
                said.push(Said::Warning(format!("The deployment is not recorded on GitHub: {why}.")));
            }
            said
        };
        let ended = tokio::select! {
            biased;
            () = stopped => Err("the run was stopped"),
            told = timeout(GITHUB_WITHIN, told) => told.map_err(|_| "GitHub does not answer in time"),
        };
        ended.unwrap_or_else(|why| vec![Said::Warning(format!("Not everything was written to GitHub: {why}."))])
    }
}

/// Adds a page to those of the step.
fn add_page(path: &Path, report: &Report, worded: &dyn Fn(&str) -> String) -> Result<(), String> {
    let used = path.metadata().map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX));
    let room = MAX_PAGE.saturating_sub(used);
    if room < SMALLEST_PAGE {
        return Err("Earlier summaries of this step leave no room for another in GITHUB_STEP_SUMMARY.".to_owned());
    }
    append(&path.to_string_lossy(), &markdown::summary(report, worded, room), "GITHUB_STEP_SUMMARY")
}

fn append(path: &str, text: &str, what: &str) -> Result<(), String> {
    write(Path::new(path), text, what, true)
}

fn write(path: &Path, text: &str, what: &str, appends: bool) -> Result<(), String> {
    let mut options = OpenOptions::new();
    options.create(true).append(appends).write(true).truncate(!appends);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("Could not write {what} to {}: {error}.", path.display()))
}

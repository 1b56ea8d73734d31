//! `publish status`: what is live, in one environment or in all of them.

use futures_util::{StreamExt, stream};
use publish::config::environment::Environment;
use publish::config::{self, Config, Overrides};
use publish::report::error::{Code, Problem};
use publish::report::event::Events;
use publish::report::{Outcome, Report};
use publish::run::{self, Caller};
use publish::views::status::Status;

use super::{Manner, Session, Shown, Target, refused};
use crate::summary::environments::{Row, render_environments};
use crate::{json, summary, variables};

/// Environments that are read at once.
const AT_ONCE: usize = 8;

impl Session<'_> {
    pub(super) async fn status(&self) -> Report {
        let work = async |target: Target<'_>| run::status(target.environment, target.caller, target.events).await;
        let show = |shown: Shown<'_>, status: Option<Status>| {
            let Some(status) = status else { return };
            if self.terminal.is_for_people() {
                let style = self.terminal.results();
                self.terminal.result(&summary::render_status(&status, shown.report, shown.environment, style));
            } else {
                json::line(&status);
            }
        };
        self.on_target("status", Manner::Shows, work, show).await
    }

    /// All environments of publish.toml in one table. If one cannot be read, its row says so, and the run fails.
    pub(super) async fn status_of_all(&self) -> Report {
        let opened = match self.environments() {
            Ok(environments) => self.caller().await.map(|caller| (environments, caller)),
            Err(problem) => Err(problem),
        };
        let (environments, caller) = match opened {
            Ok(opened) => opened,
            Err(problem) => return self.refused("status", problem),
        };
        let stop = caller.stop.clone();
        let read = self.attended(Box::pin(self.read_all(environments, &caller)), &stop).await;
        let rows: Vec<Row> = read.iter().map(|(report, status)| row(report, status.as_ref())).collect();
        if self.terminal.is_for_people() {
            self.terminal.result(&render_environments(&rows, self.terminal.results()));
        } else {
            rows.iter().filter_map(|row| row.status.as_ref()).for_each(json::line);
        }
        of_all(read.into_iter().map(|(report, _)| report), &caller)
    }

    async fn read_all(&self, environments: Environments, caller: &Caller) -> Vec<(Report, Option<Status>)> {
        let listener = self.listener(Manner::Shows);
        let reading = environments.into_iter().map(|(name, environment)| {
            let events = Events::new(&listener);
            // Boxed: otherwise its content would be moved through every caller.
            Box::pin(async move {
                match environment {
                    Ok(environment) => run::status(environment, caller.clone(), events).await,
                    Err(problem) => (refused("status", &name, problem), None),
                }
            })
        });
        stream::iter(reading).buffered(AT_ONCE).collect().await
    }

    fn environments(&self) -> Result<Environments, Problem> {
        let Some(configuration) = self.configuration()? else {
            return Err(Problem::new(Code::Usage, "no publish.toml was found here or in a folder above")
                .hint("--all shows the environments in publish.toml; give its path with --config."));
        };
        variables::check(std::env::vars_os())?;
        let concurrency = self.global.target.concurrency;
        let overrides = Overrides { concurrency, ..Overrides::default() };
        all_of(&configuration.config, &overrides)
    }
}

/// The environments by their names, with why one cannot be used.
type Environments = Vec<(String, Result<Environment, Problem>)>;

fn all_of(config: &Config, overrides: &Overrides) -> Result<Environments, Problem> {
    let mut environments = Vec::new();
    for name in config.environments.keys() {
        match config::resolve(Some(config), Some(name.as_str()), overrides, false) {
            Ok(config::Target::Environment(environment)) => environments.push((name.to_string(), Ok(*environment))),
            Ok(config::Target::Sandbox(_)) => {}
            Err(problem) => environments.push((name.to_string(), Err(problem))),
        }
    }
    if environments.is_empty() {
        return Err(Problem::new(Code::Configuration, "publish.toml has no environments")
            .hint("Add one, such as [env.production]."));
    }
    Ok(environments)
}

fn row(report: &Report, status: Option<&Status>) -> Row {
    let environment = Some(report.environment.clone());
    Row {
        environment: report.environment.clone(),
        status: status.map(|status| Status { environment, ..status.clone() }),
        failure: report.error.as_ref().map(|error| error.message.clone()).unwrap_or_default(),
    }
}

/// One report of many: what they cost together, and the first failure.
fn of_all(reports: impl Iterator<Item = Report>, caller: &Caller) -> Report {
    let mut all = Report { outcome: Outcome::Verified, ..Report::new("status", "") };
    for report in reports {
        let name = &report.environment;
        for (operation, number) in report.requests {
            *all.requests.entry(operation).or_default() += number;
        }
        all.warnings.extend(report.warnings.iter().map(|warning| format!("{name}: {warning}")));
        if let (Some(mut error), None) = (report.error, &all.error) {
            error.message = format!("environment {name}: {}", error.message);
            (all.outcome, all.exit_code, all.error) = (report.outcome, report.exit_code, Some(error));
        }
    }
    Report { duration_ms: u64::try_from(caller.clock.elapsed().as_millis()).unwrap_or(u64::MAX), ..all }
}

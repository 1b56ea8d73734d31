//! What each command does: the one place that calls the library's runs.

use std::path::{Path, PathBuf};

use publish::clock::Clock;
use publish::config::{self, Config, Target};
use publish::environment::Environment;
use publish::error::{Code, ExitCode, Problem, VisitorsSee};
use publish::event::{Event, Events};
#[cfg(feature = "sandbox")]
use publish::report::Outcome;
use publish::report::Report;
use publish::run::{self, Answer, PublishRequest};

use crate::args::{self, Command, GlobalArgs, Output, SandboxArgs, SiteArgs};
use crate::interrupt::{Signals, Watch};
use crate::publisher::{machine_name, publisher};
#[cfg(feature = "sandbox")]
use crate::sandbox::{self, Opened};
use crate::terminal::{FIRST_DRAWING, Terminal};
use crate::{json, random, summary};

/// What every command has at hand.
pub(crate) struct Session<'a> {
    pub(crate) global: &'a GlobalArgs,
    pub(crate) terminal: &'a Terminal,
    pub(crate) signals: Signals,
    pub(crate) lookup: &'a (dyn Fn(&str) -> Option<String> + Sync),
    pub(crate) clock: Clock,
}

/// A target that is open for a run.
struct Open {
    environment: Environment,
    config: Option<Config>,
    #[cfg(feature = "sandbox")]
    sandbox: Option<Opened>,
}

impl Session<'_> {
    /// Runs `command` to its report. Results for people are written on the way; the report is for the caller to write.
    pub(crate) async fn run(&self, command: Option<&Command>, site: &SiteArgs) -> Report {
        match command {
            Some(Command::Sandbox(args)) => self.sandbox(args).await,
            Some(Command::Status) => self.status().await,
            Some(Command::Plan(site)) => self.plan(site).await,
            // `completions` needs no session and is answered before one begins.
            None | Some(Command::Completions { .. }) => self.publish(site).await,
        }
    }

    async fn publish(&self, site: &SiteArgs) -> Report {
        let open = match self.open().await {
            Ok(open) => open,
            Err(problem) => return self.refused("publish", problem),
        };
        let watch = Watch::default();
        let listener = self.listener(&watch);
        let ask = |question: &str| self.ask(question);
        let environment = open.environment.clone();
        let running = run::publish(self.request(&open, site), &ask, Events::new(&listener));
        let mut report = match self.unless_stopped(running).await {
            Some(report) => report,
            None => watch.report("publish", &environment.name),
        };
        if let (Some(error), Some(command)) = (&mut report.error, site.dir.as_deref().and_then(args::meant_command))
            && error.code == Code::NoSite.as_str()
        {
            error.hint = format!("Did you mean the command `publish {command}`?");
        }
        if report.error.is_none() && self.terminal.is_for_people() && !self.global.quiet {
            let style = self.terminal.results();
            self.terminal.result(&summary::render_publish(&report, &environment, self.global.verbose, style));
        }
        self.close(open, report.error.is_none()).await;
        report
    }

    async fn plan(&self, site: &SiteArgs) -> Report {
        let open = match self.open().await {
            Ok(open) => open,
            Err(problem) => return self.refused("plan", problem),
        };
        let watch = Watch::default();
        let listener = self.listener(&watch);
        let planning = run::plan(self.request(&open, site), Events::new(&listener));
        let (report, plan) = match self.unless_stopped(planning).await {
            Some(planned) => planned,
            None => (watch.report("plan", &open.environment.name), None),
        };
        let plan = plan.map(|plan| plan.view());
        match &plan {
            _ if report.error.is_some() => {}
            plan if self.terminal.is_for_people() => {
                let style = self.terminal.results();
                self.terminal.result(&summary::render_plan(&report, plan.as_ref(), &open.environment, style));
            }
            Some(plan) => json::plan(plan),
            None => {}
        }
        self.close(open, false).await;
        report
    }

    async fn status(&self) -> Report {
        let open = match self.open().await {
            Ok(open) => open,
            Err(problem) => return self.refused("status", problem),
        };
        let watch = Watch::default();
        let listener = self.listener(&watch);
        let asking = run::status(open.environment.clone(), self.clock, random::run_id(), Events::new(&listener));
        let (report, status) = match self.unless_stopped(asking).await {
            Some(answer) => answer,
            None => (watch.report("status", &open.environment.name), None),
        };
        match &status {
            Some(status) if report.error.is_none() && self.terminal.is_for_people() => {
                let style = self.terminal.results();
                self.terminal.result(&summary::render_status(status, &report, &open.environment, style));
            }
            Some(status) if report.error.is_none() => json::status(status),
            _ => {}
        }
        self.close(open, false).await;
        report
    }

    #[cfg(feature = "sandbox")]
    async fn sandbox(&self, args: &SandboxArgs) -> Report {
        let folder = Path::new(".");
        let done = if args.stop {
            sandbox::serve::stop(folder, self.terminal).await
        } else {
            sandbox::serve::serve(folder, args.background, self.terminal, &self.signals).await
        };
        match done {
            Ok(()) => Report { outcome: Outcome::Verified, ..Report::new("sandbox", config::SANDBOX) },
            Err(problem) => self.refused("sandbox", problem),
        }
    }

    #[cfg(not(feature = "sandbox"))]
    async fn sandbox(&self, _args: &SandboxArgs) -> Report {
        self.refused("sandbox", without_sandbox())
    }

    /// Decides the target and, if it is the sandbox, opens it.
    async fn open(&self) -> Result<Open, Problem> {
        let path = match &self.global.config {
            Some(path) => Some(path.clone()),
            None => config::find(Path::new(""))?,
        };
        let config = path.as_deref().map(Config::read).transpose()?;
        let overrides = self.global.target.clone().overrides();
        match config::resolve(config.as_ref(), self.global.env.as_deref(), &overrides, self.is_ci())? {
            #[cfg(feature = "sandbox")]
            Target::Sandbox(target) => {
                let say = |line: &str| self.terminal.say(line);
                let opening = sandbox::open_for_a_run(Path::new("."), &say);
                let Some(opened) = self.unless_stopped(opening).await.transpose()? else {
                    return Err(Problem::new(Code::Interrupted, "stopped on request"));
                };
                let environment = sandbox::environment(target, opened.running());
                Ok(Open { environment, config, sandbox: Some(opened) })
            }
            #[cfg(not(feature = "sandbox"))]
            Target::Sandbox(_) => Err(without_sandbox()),
            Target::Environment(environment) => Ok(Open {
                environment: *environment,
                config,
                #[cfg(feature = "sandbox")]
                sandbox: None,
            }),
        }
    }

    /// Closes the sandbox, if it is this process's. The site stays open in the browser if someone may want to look
    /// at it: then another process goes on serving it.
    #[cfg(feature = "sandbox")]
    async fn close(&self, open: Open, may_look: bool) {
        let looks = may_look && self.terminal.is_for_people() && !self.global.quiet;
        match open.sandbox {
            Some(Opened::Elsewhere(running)) if looks => self.terminal.result(&sandbox::serve::invitation(&running)),
            None | Some(Opened::Elsewhere(_)) => {}
            Some(Opened::Here(embedded)) => {
                embedded.close().await;
                if looks && self.is_ci() {
                    self.terminal.result("`publish sandbox` serves the site.\n");
                } else if looks {
                    match sandbox::serve::leave_running(Path::new(".")).await {
                        Ok(running) => self.terminal.result(&sandbox::serve::invitation(&running)),
                        Err(problem) => {
                            let message = format!("{}; {}", problem.message, problem.hint);
                            self.terminal.show(&Event::Warning { message });
                        }
                    }
                }
            }
        }
    }

    #[cfg(not(feature = "sandbox"))]
    async fn close(&self, _open: Open, _may_look: bool) {}

    fn request(&self, open: &Open, site: &SiteArgs) -> PublishRequest {
        let SiteArgs { dir, overwrite, force } = site;
        let folder: PathBuf = config::site_folder(dir.as_deref(), open.config.as_ref());
        PublishRequest {
            environment: open.environment.clone(),
            folder,
            run: random::run_id(),
            publisher: publisher(self.lookup, machine_name),
            clock: self.clock,
            yes: self.global.yes,
            overwrite: *overwrite,
            force: *force,
        }
    }

    fn listener<'a>(&'a self, watch: &'a Watch) -> impl Fn(Event) + Sync + 'a {
        move |event| {
            watch.note(&event);
            match self.global.output {
                Output::Json => json::event(&event),
                Output::Human => self.terminal.show(&event),
            }
        }
    }

    fn ask(&self, question: &str) -> Answer {
        if !self.terminal.can_ask() || self.is_ci() {
            return Answer::CannotAsk;
        }
        let yes = self.signals.while_asking(|| self.terminal.ask(question));
        if yes { Answer::Yes } else { Answer::No }
    }

    /// The value of `work`, or `None` if a signal came first; `work` is then dropped where it stands.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let first_drawing = async {
            tokio::time::sleep(FIRST_DRAWING).await;
            self.terminal.reveal();
            std::future::pending::<()>().await;
        };
        let value = tokio::select! {
            biased;
            value = work => Some(value),
            () = self.signals.arrived() => None,
            () = first_drawing => None,
        };
        self.terminal.clear();
        value
    }

    /// The report of a command that did not begin.
    fn refused(&self, command: &str, problem: Problem) -> Report {
        let environment = self.global.env.as_deref().unwrap_or_default();
        Report::new(command, environment).failed(&problem.while_visitors_see(VisitorsSee::Untouched))
    }

    /// Whether this is a pipeline: most of them set `CI` to `true` or `1`.
    fn is_ci(&self) -> bool {
        (self.lookup)("CI").is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
    }
}

#[cfg(not(feature = "sandbox"))]
fn without_sandbox() -> Problem {
    Problem::new(Code::Sandbox, "this build of publish has no sandbox")
        .hint("Build it with the feature `sandbox`, or give --bucket and --site.")
}

/// The report of a command line that cannot be understood.
pub(crate) fn misunderstood(message: &str) -> Report {
    let mut lines = message.trim().lines();
    let first = lines.next().unwrap_or_default();
    let problem = Problem::new(Code::Usage, first.strip_prefix("error: ").unwrap_or(first))
        .hint("`publish --help` lists commands and flags.");
    let report = Report::new("publish", "").failed(&problem.while_visitors_see(VisitorsSee::Untouched));
    debug_assert_eq!(report.exit_code, ExitCode::Usage.number());
    report
}

//! What each command does: the one place that calls the library's runs.

mod configuration;
mod diff;
mod explain_headers;
mod forget;
mod here;
mod hold;
mod invalidate;
mod open;
mod plan;
mod promote;
mod prune;
mod releases;
mod show;
mod status;
mod verify;

use std::path::Path;
use std::sync::OnceLock;

use publish::config::environment::{Environment, OlderCommit};
use publish::config::{self, Config};
use publish::report::Report;
use publish::report::error::{Code, Problem};
use publish::report::event::{Event, Events};
use publish::run::{
    self, ActivateRequest, Caller, Commits, PublishRequest, Reached, Reply, RollbackRequest, not_shown, refused,
};
use publish::types::clock::Clock;
use publish::types::stop::Stop;
use tokio::task::spawn_blocking;

use configuration::Configuration;
#[cfg(feature = "sandbox")]
use configuration::sandbox_folder;
#[cfg(feature = "sandbox")]
use publish::report::Outcome;

use crate::args::{ActivateArgs, Command, GlobalArgs, Output, RollbackArgs, SandboxArgs, SiteArgs, definition};
use crate::interrupt::Signals;
use crate::json::EventLines;
use crate::mistakes::mistyped;
use crate::publisher::git::{self, Tree};
use crate::publisher::{machine_name, publisher};
#[cfg(feature = "sandbox")]
use crate::sandbox::{self, Opened};
use crate::terminal::{FIRST_DRAWING, REMINDER, Terminal};
use crate::{random, summary, variables};

/// What every command can use.
pub(crate) struct Session<'a> {
    /// What to do; without one, publish.
    pub(crate) command: Option<&'a Command>,
    pub(crate) global: &'a GlobalArgs,
    pub(crate) terminal: &'a Terminal,
    pub(crate) signals: Signals,
    pub(crate) lookup: &'static (dyn Fn(&str) -> Option<String> + Sync),
    pub(crate) clock: Clock,
    /// How events are written for programs.
    pub(crate) lines: EventLines,
    /// The publish.toml of the run, if it is not the one in the current folder.
    pub(crate) config_file: OnceLock<String>,
    /// How far the run has got.
    pub(crate) reached: &'a Reached,
}

/// A target that is open for a run.
struct Open {
    environment: Environment,
    config: Option<Config>,
    /// What a person should know before the run begins.
    warning: Option<String>,
    #[cfg(feature = "sandbox")]
    sandbox: Option<InSandbox>,
}

/// A sandbox that is open, and the folder that it belongs to.
#[cfg(feature = "sandbox")]
struct InSandbox {
    opened: Opened,
    project: std::path::PathBuf,
}

impl Open {
    #[cfg(feature = "sandbox")]
    fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    #[cfg(not(feature = "sandbox"))]
    fn is_sandbox(&self) -> bool {
        false
    }
}

/// What a command starts from.
struct Target<'t> {
    environment: Environment,
    config: Option<&'t Config>,
    caller: Caller,
    events: Events<'t>,
}

/// What a result is shown with.
struct Shown<'s> {
    report: &'s Report,
    environment: &'s Environment,
}

/// What a command shows to a person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It changes what is live: afterwards there is a summary, and the site to look at.
    GoesLive,
    /// As [`Manner::GoesLive`]; and what it is about to do is said first.
    GoesBack,
    /// It shows a result of its own; and what it is about to do is said first.
    Prunes,
    /// It shows a result of its own.
    Shows,
    /// As [`Manner::Shows`]; and afterwards the site is there to look at.
    Opens,
}

impl Session<'_> {
    /// Runs `command` to its report. Results for people are written on the way; the report is for the caller to write.
    pub(crate) async fn run(&self, site: &SiteArgs) -> Report {
        let mut report = self.dispatch(site).await;
        report.config = self.config_file.get().cloned();
        report
    }

    async fn dispatch(&self, site: &SiteArgs) -> Report {
        match self.command {
            Some(Command::Sandbox(args)) => self.sandbox(args).await,
            Some(Command::Status(args)) if args.all => self.status_of_all().await,
            Some(Command::Status(_)) => self.status().await,
            Some(Command::Open) => self.open_site().await,
            Some(Command::Releases(args)) => self.releases(args).await,
            Some(Command::Show(args)) => self.show(args).await,
            Some(Command::Diff(args)) => self.diff(args).await,
            Some(Command::Rollback(args)) => self.rollback(args).await,
            Some(Command::Activate(args)) => self.activate(args).await,
            Some(Command::Promote(args)) => self.promote(args).await,
            Some(Command::Prune(args)) => self.prune(args).await,
            Some(Command::Hold(args)) => self.hold(args).await,
            Some(Command::Resume) => self.resume().await,
            Some(Command::ForgetDistribution(args)) => self.forget_distribution(args).await,
            Some(Command::Invalidate(args)) => self.invalidate(args).await,
            Some(Command::Verify(args)) => self.verify(args).await,
            Some(Command::Plan(args)) => self.plan(args).await,
            // What publish says of itself needs no session and is answered before one begins.
            None | Some(Command::Completions { .. } | Command::Man { .. }) => self.publish(site).await,
        }
    }

    async fn publish(&self, site: &SiteArgs) -> Report {
        let ask = |question: &str| self.ask(question);
        let work = async |target: Target<'_>| {
            let request = match publish_request(&target, site) {
                Ok(request) => request,
                Err(problem) => return (refused("publish", &target.environment.name, problem), ()),
            };
            let (request, unknown) = Box::pin(with_what_was_built(request)).await;
            unknown.iter().for_each(|message| target.events.warn(*message));
            let mut report = run::publish(request, &ask, target.events).await;
            report.warnings.splice(0..0, unknown.map(str::to_owned));
            (report, ())
        };
        let mistyped = site.dir.as_deref().and_then(|folder| mistyped(folder, &definition()));
        if let Some(problem) = mistyped {
            return self.refused("publish", problem);
        }
        self.on_target("publish", Manner::GoesLive, work, |_, ()| {}).await
    }

    async fn rollback(&self, args: &RollbackArgs) -> Report {
        let ask = |question: &str| self.ask(question);
        let work = async |target: Target<'_>| {
            let RollbackArgs { release, commit, hold, reason } = args.clone();
            let Target { environment, caller, events, .. } = target;
            let request = RollbackRequest { environment, caller, release, commit, hold, reason };
            (run::rollback(request, &ask, events).await, ())
        };
        let show = |_: Shown<'_>, ()| {
            if args.hold && !self.global.quiet {
                self.say_held();
            }
        };
        self.on_target("rollback", Manner::GoesBack, work, show).await
    }

    async fn activate(&self, args: &ActivateArgs) -> Report {
        let ask = |question: &str| self.ask(question);
        let work = async |target: Target<'_>| {
            let ActivateArgs { release, force, reason, older_commit } = args.clone();
            let Target { mut environment, caller, events, .. } = target;
            environment.publish.older_commit = older_commit.map_or(environment.publish.older_commit, OlderCommit::from);
            let request = ActivateRequest { environment, caller, release, force, reason };
            (run::activate(request, &ask, events).await, ())
        };
        self.on_target("activate", Manner::GoesBack, work, |_, ()| {}).await
    }

    /// Opens the target, does `work` until it is done or stopped, and lets `show` write its result for people or
    /// programs if it succeeded.
    async fn on_target<T>(
        &self,
        command: &str,
        manner: Manner,
        work: impl AsyncFnOnce(Target<'_>) -> (Report, T),
        show: impl FnOnce(Shown<'_>, T),
    ) -> Report {
        let caller = match self.caller().await {
            Ok(caller) => caller,
            Err(problem) => return self.refused(command, problem),
        };
        let open = match self.open().await {
            Ok(open) => open,
            Err(problem) => return self.refused(command, problem),
        };
        let listener = self.listener(manner);
        open.warning.iter().for_each(|message| listener(Event::Warning { message: message.clone() }));
        let stop = caller.stop.clone();
        let target = Target {
            environment: open.environment.clone(),
            config: open.config.as_ref(),
            caller,
            events: Events::new(&listener),
        };
        let (mut report, result) = self.attended(Box::pin(work(target)), &stop).await;
        report.warnings.splice(0..0, open.warning.clone());
        if open.is_sandbox() {
            holds_another_site(&mut report);
        }
        let goes_live = matches!(manner, Manner::GoesLive | Manner::GoesBack);
        let is_done = report.error.is_none();
        let showing = async {
            let environment = open.environment.clone();
            let mut open = Some(open);
            // An address is useful only if something keeps serving it.
            if manner == Manner::Opens {
                self.close(open.take(), is_done).await;
            }
            if is_done {
                let shown = Shown { report: &report, environment: &environment };
                if goes_live && self.terminal.is_for_people() && !self.global.quiet {
                    let style = self.terminal.results();
                    self.terminal.result(&summary::render(shown.report, shown.environment, self.global.verbose, style));
                }
                show(shown, result);
            }
            self.close(open, is_done && goes_live).await;
            Ok(())
        };
        match Problem::unless_panic(showing).await {
            Ok(()) => report,
            Err(problem) => not_shown(report, problem),
        }
    }

    #[cfg(feature = "sandbox")]
    async fn sandbox(&self, args: &SandboxArgs) -> Report {
        match self.serve(args).await {
            Ok(()) => Report { outcome: Outcome::Verified, ..Report::new("sandbox", config::SANDBOX) },
            Err(problem) => self.refused("sandbox", problem),
        }
    }

    #[cfg(feature = "sandbox")]
    async fn serve(&self, args: &SandboxArgs) -> Result<(), Problem> {
        let folder = sandbox_folder()?;
        if args.stop {
            sandbox::serve::stop(&folder, self.lookup, self.terminal).await
        } else if args.reset {
            sandbox::serve::reset(&folder, self.lookup, self.terminal)
        } else {
            sandbox::serve::serve(&folder, self.lookup, args.background, self.terminal, &self.signals).await
        }
    }

    #[cfg(not(feature = "sandbox"))]
    async fn sandbox(&self, _args: &SandboxArgs) -> Report {
        self.refused("sandbox", without_sandbox())
    }

    /// Who runs the command. Git may be slow: a signal ends that wait, too.
    async fn caller(&self) -> Result<Caller, Problem> {
        let (lookup, stop) = (self.lookup, Stop::default());
        let is_recorded =
            self.command.is_none_or(|command| !command.only_shows() || matches!(command, Command::Plan(_)));
        let git = move |commit: Option<&str>| is_recorded.then(|| git::commit(Path::new("."), commit)).flatten();
        let asking = spawn_blocking(move || publisher(lookup, machine_name, git));
        let asked = self.attended(stop.unless_due(asking), &stop).await;
        let Some(publisher) = asked else { return Err(stopped()) };
        Ok(Caller {
            run: random::run_id()?,
            publisher: publisher.map_err(|error| Problem::of_panic(&*error.into_panic()))?,
            commits: Commits::by(|live, built| git::descent(Path::new("."), live, built)),
            clock: self.clock,
            yes: self.global.yes,
            stop: Stop::default(),
        })
    }

    /// Decides the target and, if it is the sandbox, opens it.
    async fn open(&self) -> Result<Open, Problem> {
        let mut open = self.open_target().await?;
        open.environment.publish.home = std::env::home_dir();
        Ok(open)
    }

    async fn open_target(&self) -> Result<Open, Problem> {
        let configuration = self.configuration()?;
        let config = configuration.as_ref().map(|configuration| &configuration.config);
        let overrides = self.global.target.clone().overrides();
        let may_fall_back = self.command.is_none() && !self.is_ci();
        let target = config::resolve(config, self.global.env.as_deref(), &overrides, may_fall_back)?;
        self.terminal.name_commands_for(here::of(&target, config, self.global, self.lookup));
        if let Some(configuration) = &configuration {
            self.confirm_site(configuration, &place(&target))?;
        }
        match target {
            config::Target::Sandbox(target) => self.open_sandbox(configuration, *target).await,
            config::Target::Environment(environment) => {
                variables::check(std::env::vars_os())?;
                Ok(Open {
                    environment: *environment,
                    config: configuration.map(|configuration| configuration.config),
                    warning: None,
                    #[cfg(feature = "sandbox")]
                    sandbox: None,
                })
            }
        }
    }

    #[cfg(feature = "sandbox")]
    async fn open_sandbox(
        &self,
        configuration: Option<Configuration>,
        target: config::SandboxTarget,
    ) -> Result<Open, Problem> {
        let is_asked_for = configuration.is_some() || self.global.env.is_some();
        let warning = (!is_asked_for).then(|| FELL_BACK.to_owned());
        let project = sandbox_folder()?;
        let say = |line: &str| self.terminal.say(line);
        let stop = Stop::default();
        let opening = stop.unless_due(sandbox::open_for_a_run(&project, self.lookup, &say));
        let Some(opened) = self.attended(opening, &stop).await.transpose()? else {
            return Err(stopped());
        };
        let environment = sandbox::environment(target, opened.running());
        let config = configuration.map(|configuration| configuration.config);
        Ok(Open { environment, config, warning, sandbox: Some(InSandbox { opened, project }) })
    }

    #[cfg(not(feature = "sandbox"))]
    async fn open_sandbox(
        &self,
        _configuration: Option<Configuration>,
        _target: config::SandboxTarget,
    ) -> Result<Open, Problem> {
        Err(without_sandbox())
    }

    /// Closes the sandbox, if it is this process's. The site stays open in the browser if someone may want to look
    /// at it: then another process goes on serving it.
    #[cfg(feature = "sandbox")]
    async fn close(&self, open: Option<Open>, may_look: bool) {
        let looks = may_look && self.terminal.is_for_people() && !self.global.quiet;
        let Some(InSandbox { opened, project }) = open.and_then(|open| open.sandbox) else { return };
        match opened {
            Opened::Elsewhere(running) if looks => self.terminal.tell(&sandbox::serve::invitation(&running)),
            Opened::Elsewhere(_) => {}
            Opened::Here(embedded) => {
                embedded.close().await;
                if looks && self.is_ci() {
                    self.terminal.result("`publish sandbox` serves the site.\n");
                } else if looks {
                    match sandbox::serve::leave_running(&project, self.lookup).await {
                        Ok(running) => self.terminal.tell(&sandbox::serve::invitation(&running)),
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
    async fn close(&self, _open: Option<Open>, _may_look: bool) {}

    fn listener(&self, manner: Manner) -> impl Fn(Event) + Sync + '_ {
        move |event| {
            self.reached.hear(&event);
            match self.global.output {
                Output::Json => self.lines.write(&event),
                Output::Human => {
                    if matches!(manner, Manner::GoesBack | Manner::Prunes) {
                        self.terminal.say_plan(&event);
                    }
                    self.terminal.show(&event);
                }
            }
        }
    }

    fn ask(&self, question: &str) -> Reply {
        if !self.terminal.can_ask() || self.is_ci() {
            return Reply::CannotAsk;
        }
        match self.terminal.ask(question, self.signals.arrived(1)) {
            Some(true) => Reply::Yes,
            Some(false) => Reply::No,
            None => Reply::Interrupted,
        }
    }

    /// The value of `work`, which ends early when a signal makes it `stop`.
    async fn attended<T>(&self, work: impl Future<Output = T>, stop: &Stop) -> T {
        let mut work = std::pin::pin!(work);
        let mut first_drawing = std::pin::pin!(tokio::time::sleep(FIRST_DRAWING));
        let mut reminders = tokio::time::interval(REMINDER);
        reminders.reset();
        let (mut drawn, mut signals) = (false, 0);
        let value = loop {
            tokio::select! {
                biased;
                value = &mut work => break value,
                () = self.signals.arrived(signals + 1) => {
                    signals += 1;
                    if stop.request() {
                        self.terminal.say("Stopping after the current requests; press Ctrl-C again to stop at once.");
                    }
                }
                () = &mut first_drawing, if !drawn => {
                    drawn = true;
                    self.terminal.reveal();
                }
                _ = reminders.tick() => self.terminal.remind(),
            }
        };
        self.terminal.clear();
        value
    }

    /// The report of a command that did not begin.
    fn refused(&self, command: &str, problem: Problem) -> Report {
        refused(command, self.global.env.as_deref().unwrap_or_default(), problem)
    }

    /// Whether this is a pipeline: most of them set `CI` to `true` or `1`.
    fn is_ci(&self) -> bool {
        (self.lookup)("CI").is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
    }
}

/// The message about a publish without a target.
#[cfg(feature = "sandbox")]
const FELL_BACK: &str = "No publish.toml was found here or in a folder above, so this publishes only to the sandbox on \
    this machine. With other commands, choose it with `--env sandbox`.";

/// What a target is, for a question.
fn place(target: &config::Target) -> String {
    match target {
        config::Target::Sandbox(_) => "the sandbox on this machine".to_owned(),
        config::Target::Environment(environment) => {
            format!("{}, {}", environment.name, environment.layout.live_prefix())
        }
    }
}

/// Says what to do where the sandbox contains a site of another name: its prefix and bucket cannot be changed.
fn holds_another_site(report: &mut Report) {
    let error = report.error.as_mut().filter(|error| error.code == Code::WrongSite.as_str());
    if let Some(error) = error {
        "The sandbox of this project holds a site of another name. If that one is meant, give its name with --site (or \
         PUBLISH_SITE). Otherwise `publish sandbox --reset` deletes everything in the sandbox; then publish again."
            .clone_into(&mut error.hint);
    }
}

#[cfg(not(feature = "sandbox"))]
fn without_sandbox() -> Problem {
    Problem::new(Code::Sandbox, "this build of publish does not include the sandbox")
        .hint("Build publish with the feature `sandbox`, or give --bucket and --site.")
}

fn publish_request(target: &Target<'_>, site: &SiteArgs) -> Result<PublishRequest, Problem> {
    let SiteArgs { dir, adopt, overwrite, force, allow_broken, project_folder, no_index, stage_only, older_commit } =
        site;
    let mut environment = target.environment.clone();
    environment.publish.project_folder |= project_folder;
    environment.publish.index &= !no_index;
    environment.publish.older_commit = older_commit.map_or(environment.publish.older_commit, OlderCommit::from);
    let home = target.environment.publish.home.as_deref();
    let folder = config::site_folder(dir.as_deref(), target.config, home)?;
    config::check_private(&environment.publish.allow_private, target.config, home)?;
    Ok(PublishRequest {
        environment,
        caller: target.caller.clone(),
        folder,
        adopt: *adopt,
        overwrite: *overwrite,
        force: *force,
        allow_broken: *allow_broken,
        stage_only: *stage_only,
    })
}

/// The request of who publishes, who is recorded with whether what is checked out is what was committed; and what to warn of
/// where that is not known.
async fn with_what_was_built(mut request: PublishRequest) -> (PublishRequest, Option<&'static str>) {
    let Some(commit) = request.caller.publisher.commit.clone() else { return (request, None) };
    let folder = request.folder.clone();
    let looking = spawn_blocking(move || git::changes(Path::new("."), &commit, &folder));
    let looked = request.caller.stop.clone().unless_due(looking).await;
    let tree = looked.and_then(Result::ok);
    request.caller.publisher.uncommitted_changes = tree == Some(Tree::Changed);
    let is_unknown = tree == Some(Tree::Unknown);
    (
        request,
        is_unknown
            .then_some("Git did not say whether there are uncommitted changes; the release records only the commit."),
    )
}

/// Told to stop before anything began.
fn stopped() -> Problem {
    Problem::new(Code::Interrupted, "stopped on request")
}

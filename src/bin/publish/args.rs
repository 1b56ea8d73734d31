//! The command line: the arguments as a person types them. What they mean is decided elsewhere.

mod global;
mod values;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::{ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use publish::config::environment::OlderCommit;
use publish::content::path::{AskedPath, SitePath};
use publish::release::manifest::ReleaseNumber;
use publish::run::Side;
use publish::types::clock::Timestamp;
use publish::types::text::printable;
use publish::views::releases::{CommitPrefix, ReleaseFilter};

use crate::called;
use crate::mistakes::{explained, no_dry_run};
use crate::since::Since;

use values::{side, site_path};

pub(crate) use global::{Color, GlobalArgs, Output, PipelineArgs, TargetArgs};

const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  failed; visitors see what they saw before
    2  usage or configuration error
    3  the new release is live, but the CDN refresh or the verification failed
    4  another publisher won, a newer release is live, or publishing is held
    5  the switch was interrupted; run again to finish it
    6  verify: differences found
   10  plan: there are changes
  130  interrupted or cancelled; nothing changed";

/// Publishes a built site to S3 behind CloudFront: uploads only what changed, breaks no page, rolls back in seconds.
///
/// Without publish.toml or --bucket, it publishes to the sandbox on this machine.
#[derive(Clone, Debug, Parser)]
#[command(name = "publish", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Show what would be published and change nothing, like `publish plan`
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// What to do; without one, publish.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Show what `publish` would do; exit code 0 if there are no changes, 10 if there are
    Plan(PlanArgs),
    /// Go back to the previous release, or to another one; uploads nothing
    Rollback(RollbackArgs),
    /// Make a release live that was uploaded with --stage-only
    Activate(ActivateArgs),
    /// Make a release of another environment live in this one, without its build folder
    Promote(PromoteArgs),
    /// Remove what no retained release needs, or remove a leaked file from every release
    Prune(PruneArgs),
    /// Block publishing until `publish resume`; the live site does not change
    Hold(HoldArgs),
    /// Lift a hold set by `publish hold` or `rollback --hold`
    Resume,
    /// Refresh paths at the CDN: `/about/`, all below a folder: '/blog/*', or everything: '/*'
    Invalidate(InvalidateArgs),
    /// Forget a distribution that no longer serves the site, and its pending refreshes
    ForgetDistribution(ForgetArgs),
    /// Show the live release and anything unfinished, held or not refreshed yet
    Status(StatusArgs),
    /// Print the site's URL; on a terminal, also open it in a browser
    Open,
    /// Compare the bucket with the live release; exit code 6 if anything differs
    Verify(VerifyArgs),
    /// List the releases, newest first
    Releases(ReleasesArgs),
    /// Show one release
    Show(ShowArgs),
    /// Compare a release with another release or a folder; the exit code is 0 even if they differ
    Diff(DiffArgs),
    /// Run a local stand-in for S3 and CloudFront, and serve the site as the CDN would
    Sandbox(SandboxArgs),
    /// Print a shell completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page of publish or of one command, for `man`
    Man {
        /// The command; without one, publish itself
        #[arg(value_name = "COMMAND")]
        of: Option<String>,
    },
}

impl Command {
    /// The command's name in reports.
    pub(crate) fn name(command: Option<&Command>) -> &'static str {
        match command {
            None => "publish",
            Some(Command::Plan(_)) => "plan",
            Some(Command::Rollback(_)) => "rollback",
            Some(Command::Activate(_)) => "activate",
            Some(Command::Promote(_)) => "promote",
            Some(Command::Prune(_)) => "prune",
            Some(Command::Hold(_)) => "hold",
            Some(Command::Resume) => "resume",
            Some(Command::Invalidate(_)) => "invalidate",
            Some(Command::ForgetDistribution(_)) => "forget-distribution",
            Some(Command::Status(_)) => "status",
            Some(Command::Open) => "open",
            Some(Command::Verify(_)) => "verify",
            Some(Command::Releases(_)) => "releases",
            Some(Command::Show(_)) => "show",
            Some(Command::Diff(_)) => "diff",
            Some(Command::Sandbox(_)) => "sandbox",
            Some(Command::Completions { .. }) => "completions",
            Some(Command::Man { .. }) => "man",
        }
    }
}

impl Command {
    /// Whether it changes nothing in any bucket.
    pub(crate) fn only_shows(&self) -> bool {
        match self {
            Command::Verify(verify) => !verify.repair,
            Command::Plan(_)
            | Command::Status(_)
            | Command::Open
            | Command::Releases(_)
            | Command::Show(_)
            | Command::Diff(_)
            | Command::Sandbox(_)
            | Command::Completions { .. }
            | Command::Man { .. } => true,
            Command::Rollback(_)
            | Command::Activate(_)
            | Command::Promote(_)
            | Command::Prune(_)
            | Command::Hold(_)
            | Command::Resume
            | Command::Invalidate(_)
            | Command::ForgetDistribution(_) => false,
        }
    }
}

/// What to publish, and which guards to override.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct SiteArgs {
    /// The built site [default: `dir` of publish.toml, else dist]
    pub(crate) dir: Option<PathBuf>,
    /// On a first publish, keep the objects already there as release 0, so that you can roll back to them
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Publish even if the target holds foreign objects; those with the same key as a file are replaced
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Publish even if a newer release has been live since
    #[arg(long)]
    pub(crate) force: bool,
    /// Publish even if pages refer to scripts, style sheets or fonts that are missing
    #[arg(long)]
    pub(crate) allow_broken: bool,
    /// Publish a folder although it looks like a project, not like the site built from it; node_modules, package.json and lock
    /// files stay out
    #[arg(long)]
    pub(crate) project_folder: bool,
    /// Publish a site without a home page (index.html)
    #[arg(long)]
    pub(crate) no_index: bool,
    /// Upload the release without making it live; `publish activate` makes it live
    #[arg(long)]
    pub(crate) stage_only: bool,
    /// What to do in this run if the build is of an older commit than the live one; without a value: allow
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, default_missing_value = "allow")]
    pub(crate) older_commit: Option<OlderCommitArg>,
}

/// What to do about a build of an older commit, like `older_commit` under [publish].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OlderCommitArg {
    /// Publish it, with a warning.
    Warn,
    /// Do not publish it; exit code 4.
    Refuse,
    /// Publish it.
    Allow,
}

impl From<OlderCommitArg> for OlderCommit {
    fn from(given: OlderCommitArg) -> OlderCommit {
        match given {
            OlderCommitArg::Warn => OlderCommit::Warn,
            OlderCommitArg::Refuse => OlderCommit::Refuse,
            OlderCommitArg::Allow => OlderCommit::Allow,
        }
    }
}

/// What is planned, and how much of it is explained.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Explain files (a path or glob) instead of listing changes: their headers, and why they are cached long or not
    #[arg(long, value_name = "PATH")]
    pub(crate) explain: Vec<String>,
    /// Also print CloudFront response headers policies for the headers in `_headers` that S3 cannot store
    #[arg(long)]
    pub(crate) explain_headers: bool,
    /// A plan is always a dry run
    #[arg(long, short = 'n', hide = true)]
    pub(crate) dry_run: bool,
}

/// To which release to go back, and why.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct RollbackArgs {
    /// The release to go back to [default: the previous one]
    pub(crate) release: Option<ReleaseNumber>,
    /// Go back to this commit's newest release that was live, else to its newest; an abbreviated id is enough
    #[arg(long, value_name = "SHA", conflicts_with = "release")]
    pub(crate) commit: Option<CommitPrefix>,
    /// Also block publishing until `publish resume`
    #[arg(long)]
    pub(crate) hold: bool,
    /// The reason, recorded in the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Why publishing is held.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct HoldArgs {
    /// The reason, shown to everyone whose publish is refused
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// What to show the status of.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct StatusArgs {
    /// Show every environment of publish.toml in one table
    #[arg(long)]
    pub(crate) all: bool,
}

/// Which release to make live, and why.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct ActivateArgs {
    /// The release
    pub(crate) release: ReleaseNumber,
    /// Activate it even if a newer release has been live since
    #[arg(long)]
    pub(crate) force: bool,
    /// The reason, recorded in the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// What to do if the release is of an older commit than the live one; without a value: allow
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, default_missing_value = "allow")]
    pub(crate) older_commit: Option<OlderCommitArg>,
}

/// How thoroughly to check, and whether to repair.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Also check every object's checksum and headers, and that every release can be restored completely
    #[arg(long)]
    pub(crate) deep: bool,
    /// Restore what is missing or was changed, as far as the bucket still has the bytes
    #[arg(long)]
    pub(crate) repair: bool,
}

/// What is listed.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct ReleasesArgs {
    /// Instead of the releases, list what was made live, when, by whom and why
    #[arg(long)]
    pub(crate) history: bool,
    /// Show only the newest N
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
    /// Show only those since this time: 2026-11-21, 2026-11-21T14:00:00Z, or how long ago (30m, 12h, 7d, 2w)
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Since>,
    /// Show only those by people or pipelines whose name contains this text, ignoring case
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
    /// Show only what was built from this commit; an abbreviated id is enough
    #[arg(long, value_name = "SHA")]
    pub(crate) commit: Option<CommitPrefix>,
}

impl ReleasesArgs {
    /// What is listed, when it is `now`.
    pub(crate) fn filter(&self, now: Timestamp) -> ReleaseFilter {
        ReleaseFilter {
            limit: self.limit,
            since: self.since.map(|since| since.before(now)),
            by: self.by.clone(),
            commit: self.commit.clone(),
        }
    }
}

/// Which release to show, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct ShowArgs {
    /// The release [default: the active one]
    pub(crate) release: Option<ReleaseNumber>,
    /// List all its files
    #[arg(long)]
    pub(crate) files: bool,
}

/// What to compare.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct DiffArgs {
    /// A release
    #[arg(value_name = "RELEASE")]
    pub(crate) from: ReleaseNumber,
    /// Another release, or a folder (`./7` if its name is a number) [default: the active release]
    #[arg(value_name = "RELEASE|DIR", value_parser = side)]
    pub(crate) to: Option<Side>,
}

/// Which release to bring here, from where and why.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct PromoteArgs {
    /// The environment in publish.toml to take the release from
    #[arg(long, value_name = "ENV")]
    pub(crate) from: String,
    /// The release's number there [default: the live one]
    pub(crate) release: Option<ReleaseNumber>,
    /// On a first publish, keep the objects already there as release 0, so that you can roll back to them
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Publish even if the target holds foreign objects; those with the same key as a file are replaced
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Publish even if a newer release has been live since
    #[arg(long)]
    pub(crate) force: bool,
    /// The reason, recorded in the history [default: where the release comes from]
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// What to remove.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct PruneArgs {
    /// Remove these files from every release, including the live one, and from the CDN
    #[arg(long, value_name = "PATH", num_args = 1.., value_parser = site_path)]
    pub(crate) now: Vec<SitePath>,
}

/// What to refresh at the CDN.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct InvalidateArgs {
    /// Addresses below the site's own, each beginning with `/`; a final `*` matches every address with that prefix (quote it for
    /// the shell)
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<AskedPath>,
}

/// Which distribution to forget.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct ForgetArgs {
    /// The distribution's id; `publish status` lists the known ones
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// How the sandbox runs.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct SandboxArgs {
    /// Stop the sandbox that runs in the background
    #[arg(long, conflicts_with = "background")]
    pub(crate) stop: bool,
    /// Delete everything that was published to it
    #[arg(long, conflicts_with_all = ["stop", "background"])]
    pub(crate) reset: bool,
    /// Print nothing, and stop after 30 minutes without a request
    #[arg(long, hide = true)]
    pub(crate) background: bool,
}

impl Args {
    /// Parses the words of a command line, the program's name first. An error about it is written as if the words had been
    /// typed in the form in which they can be shown: an error contains words, and parts of them, with and without quotes.
    pub(crate) fn read(words: &[OsString]) -> Result<Args, clap::Error> {
        Args::understood(words).map_err(|error| {
            let shown: Vec<OsString> = words.iter().map(|word| printable(&word.to_string_lossy()).into()).collect();
            let kind = error.kind();
            let told = if shown == words { Some(error) } else { Args::understood(&shown).err() };
            let message =
                "an argument or environment variable contains characters that cannot be displayed, and is not valid";
            told.filter(can_be_shown).unwrap_or_else(|| definition().error(kind, message))
        })
    }

    fn understood(words: &[OsString]) -> Result<Args, clap::Error> {
        let matches =
            definition().try_get_matches_from(words).map_err(|error| explained(error, words, &definition()))?;
        let mut args = Args::from_arg_matches(&matches)?;
        if let Some(Command::Plan(plan)) = &mut args.command {
            plan.dry_run |= std::mem::take(&mut args.dry_run);
        }
        if args.dry_run
            && let Some(command) = &args.command
        {
            return Err(definition().error(ErrorKind::ArgumentConflict, no_dry_run(Command::name(Some(command)))));
        }
        if args.command.is_some() && args.site != SiteArgs::default() {
            let message =
                format!("put the folder and its flags after `{}`, not before it", Command::name(args.command.as_ref()));
            return Err(definition().error(ErrorKind::ArgumentConflict, message));
        }
        if matches!(&args.command, Some(Command::Invalidate(InvalidateArgs { paths })) if paths.is_empty()) {
            let message = "give at least one path to refresh: `/about/`, '/blog/*', or everything: '/*'";
            return Err(definition().error(ErrorKind::MissingRequiredArgument, message));
        }
        args.check_global(&matches)?;
        if args.dry_run {
            let (site, explain, explain_headers) = (std::mem::take(&mut args.site), Vec::new(), false);
            args.command = Some(Command::Plan(PlanArgs { site, explain, explain_headers, dry_run: true }));
        }
        Ok(args)
    }

    /// Refuses flags that contradict each other. A flag overrides the variable of a flag that it contradicts.
    fn check_global(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let is_flag = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let shows_all = matches!(&self.command, Some(Command::Status(StatusArgs { all: true })));
        let flags = ["env", "site", "bucket", "prefix", "distribution", "url", "region", "endpoint_url", "profile"];
        if shows_all && flags.iter().any(|flag| is_flag(flag)) {
            let message = "--all shows every environment in publish.toml and cannot be combined with target flags";
            return Err(definition().error(ErrorKind::ArgumentConflict, message));
        }
        if let Some(message) = PipelineArgs::misplaced(self.command.as_ref(), is_flag) {
            return Err(definition().error(ErrorKind::ArgumentConflict, message));
        }
        if self.global.quiet && self.global.verbose {
            let (quiet, verbose) = (is_flag("quiet"), is_flag("verbose"));
            if quiet == verbose {
                let message = "--quiet and --verbose (or PUBLISH_QUIET and PUBLISH_VERBOSE) cannot be used together";
                return Err(definition().error(ErrorKind::ArgumentConflict, message));
            }
            (self.global.quiet, self.global.verbose) = (quiet, verbose);
        }
        Ok(())
    }
}

/// The definition of the arguments, with the name by which the program was started.
pub(crate) fn definition() -> clap::Command {
    called::defined(Args::command(), called::name())
}

/// Whether an error contains nothing from elsewhere, such as a variable, that cannot be shown.
fn can_be_shown(error: &clap::Error) -> bool {
    let hides = |value: &ContextValue| matches!(value, ContextValue::String(text) if printable(text) != *text);
    !error.context().any(|(_, value)| hides(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Args, clap::Error> {
        Args::read(&line.split(' ').map(Into::into).collect::<Vec<_>>())
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_number_of_requests_is_between_one_and_the_most() {
        assert_eq!(read("publish plan --concurrency 4").unwrap().global.target.concurrency, Some(4));
        for wrong in ["0", "257", "-1", "many"] {
            assert!(read(&format!("publish plan --concurrency={wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_that_may_hold_a_password_is_not_shown() {
        let values = "http://user:pa55(word@h:1 user:pa55@h http:/u:pa55@h https://h/?password=pa55 http://u:pa\"55@h";
        for value in values.split(' ') {
            for flag in ["--url", "--endpoint-url"] {
                let error = read(&format!("publish status {flag} {value}")).unwrap_err().to_string();
                assert!(!error.contains("pa55") && !error.contains("55@") && error.contains(flag), "{error}");
            }
        }
        assert!(read("publish status --url exmaple.com").unwrap_err().to_string().contains("exmaple.com"));
    }

    #[test]
    fn a_folder_alone_is_a_publish() {
        let args = read("publish ./dist --env production --overwrite").unwrap();
        assert_eq!(args.command, None);
        assert_eq!(args.site.dir.as_deref(), Some("./dist".as_ref()));
        assert!(args.site.overwrite && !args.site.force);
        assert_eq!(args.global.env.as_deref(), Some("production"));
    }

    #[test]
    fn an_older_commit_is_allowed_by_the_flag_alone_or_as_it_says() {
        let given = |line: &str| read(line).unwrap().site.older_commit;
        assert_eq!(given("publish dist"), None);
        assert_eq!(given("publish dist --older-commit"), Some(OlderCommitArg::Allow));
        assert_eq!(given("publish --older-commit refuse dist"), Some(OlderCommitArg::Refuse));
        assert!(read("publish --older-commit dist").is_err(), "a folder goes before it");
    }

    #[test]
    fn global_flags_go_before_and_after_the_command() {
        for line in ["publish --output json plan site", "publish plan site --output json"] {
            let args = read(line).unwrap();
            assert_eq!(args.global.output, Output::Json);
            assert!(
                matches!(args.command, Some(Command::Plan(PlanArgs { site: SiteArgs { dir: Some(_), .. }, .. }))),
                "{line}"
            );
        }
    }

    #[test]
    fn a_folder_before_a_command_is_refused() {
        assert!(read("publish dist plan").is_err());
        assert!(read("publish --overwrite plan").is_err());
    }

    #[test]
    fn target_flags_are_checked_where_they_are_read() {
        assert!(read("publish --bucket example-site --site shop").is_ok());
        let refusal = read("publish --bucket my--use1-az4--x-s3 --site shop").unwrap_err().to_string();
        assert!(refusal.contains("directory bucket"), "{refusal}");
        assert_eq!(read("publish --bucket UPPER").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn what_is_compared_is_a_release_if_it_is_a_number_and_else_a_folder() {
        let to = |line: &str| match read(line).unwrap().command {
            Some(Command::Diff(DiffArgs { to, .. })) => to,
            other => panic!("{other:?}"),
        };
        assert_eq!(to("publish diff 6"), None);
        assert_eq!(to("publish diff 6 7"), Some(Side::Release(ReleaseNumber::new(7))));
        assert_eq!(to("publish diff 6 ./7"), Some(Side::Folder("./7".into())));
        assert_eq!(to("publish diff 6 dist"), Some(Side::Folder("dist".into())));
        assert!(read("publish diff 6 99999999999999999999").is_err());
        let refusal = read("publish diff dist 6").unwrap_err().to_string();
        assert!(refusal.contains("dist is not a release number"), "{refusal}");
    }

    #[test]
    fn what_the_cdn_is_to_forget_is_said() {
        let refusal = |line: &str| read(line).unwrap_err();
        let nothing = refusal("publish invalidate --env live");
        assert!(nothing.exit_code() == 2 && nothing.to_string().contains("'/*'"), "{nothing}");
        let relative = refusal("publish invalidate blog/*");
        assert!(relative.exit_code() == 2 && relative.to_string().contains("begin with `/`"), "{relative}");
        let Some(Command::Invalidate(args)) = read("publish invalidate / /blog/* --output json").unwrap().command
        else {
            panic!("another command was read");
        };
        assert_eq!(args.paths.len(), 2);
    }

    #[test]
    fn a_promotion_says_from_where_and_may_say_what() {
        let Some(Command::Promote(args)) = read("publish promote --from staging 3 --env production").unwrap().command
        else {
            panic!("another command was read");
        };
        assert_eq!((args.from.as_str(), args.release), ("staging", Some(ReleaseNumber::new(3))));
        assert!(read("publish promote").is_err());
    }
}

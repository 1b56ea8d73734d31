//! The command line: what a person may type, close to the letter. What it comes down to is decided elsewhere.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use publish::config::Overrides;
use publish::config::environment::LinkSettings;
use publish::config::values::{BucketName, DistributionId, Prefix, SiteName, Url, Word};
use publish::content::path::{InvalidPath, SitePath};
use publish::release::manifest::{InvalidRelease, ReleaseNumber};
use publish::run::Side;
use publish::types::text::printable;

const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  failed; visitors see what they saw before
    2  usage or configuration
    3  the new release is live, but the CDN refresh or the verification failed
    4  another publisher won, a newer release is active, or publishing is held
    5  an activation was cut short; run again to finish
    6  verify: something differs
   10  plan: there are changes
  130  interrupted or declined; nothing changed";

/// Puts a built site on S3 behind CloudFront: only what changed, nothing broken, any earlier release back in seconds.
///
/// Without publish.toml and --bucket it publishes to the sandbox on this machine.
#[derive(Clone, Debug, Parser)]
#[command(name = "publish", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// What to do; without one, publish.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Show what a publish would do; exit code 0 if nothing, 10 if something
    Plan(PlanArgs),
    /// Go back to the release that was active before, or to another one; nothing is uploaded
    Rollback(RollbackArgs),
    /// Make a release live that was published with --stage-only
    Activate(ActivateArgs),
    /// Make another environment's release live here, without its folder
    Promote(PromoteArgs),
    /// Remove what no retained release needs, or take a leaked file out of every release at once
    Prune(PruneArgs),
    /// End a hold that `rollback --hold` began
    Resume,
    /// Forget a distribution that is not in front of the site any more, with what it is owed
    ForgetDistribution(ForgetArgs),
    /// Show the live release and anything unfinished, held, pending or owed
    Status,
    /// Compare what lies in the bucket with the live release; exit code 6 if something differs
    Verify(VerifyArgs),
    /// List the releases, newest first
    Releases(ReleasesArgs),
    /// Show one release
    Show(ShowArgs),
    /// Show how a release differs from another one or from a folder; exit code 0 also where it does
    Diff(DiffArgs),
    /// Run the local stand-in for S3 and CloudFront and serve the site as the CDN would
    Sandbox(SandboxArgs),
    /// Print a script that completes commands and flags in a shell
    Completions {
        /// The shell
        shell: Shell,
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
            Some(Command::Resume) => "resume",
            Some(Command::ForgetDistribution(_)) => "forget-distribution",
            Some(Command::Status) => "status",
            Some(Command::Verify(_)) => "verify",
            Some(Command::Releases(_)) => "releases",
            Some(Command::Show(_)) => "show",
            Some(Command::Diff(_)) => "diff",
            Some(Command::Sandbox(_)) => "sandbox",
            Some(Command::Completions { .. }) => "completions",
        }
    }
}

/// What is published, and past which warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct SiteArgs {
    /// The built site [default: `dir` of publish.toml, else dist]
    pub(crate) dir: Option<PathBuf>,
    /// On a first publish, make what lies where the site goes release 0, to go back to
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Publish although other objects lie where the site goes; those with a file's name are replaced
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Publish although a newer release was active meanwhile
    #[arg(long)]
    pub(crate) force: bool,
    /// Publish although pages refer to scripts, style sheets or fonts that are not there
    #[arg(long)]
    pub(crate) allow_broken: bool,
    /// Put the release in the bucket and let visitors see nothing of it; `publish activate` goes on
    #[arg(long)]
    pub(crate) stage_only: bool,
}

/// What is planned, and how much of it is explained.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    /// Explain these files instead of listing all changes: is it kept for a year, why, and with which headers. A path or a glob
    #[arg(long, value_name = "PATH")]
    pub(crate) explain: Vec<String>,
    /// Also print the CloudFront response headers policies for what `_headers` asks and S3 cannot store
    #[arg(long)]
    pub(crate) explain_headers: bool,
}

/// To which release to go back, and why.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct RollbackArgs {
    /// The release [default: the one that was active before this one]
    pub(crate) release: Option<ReleaseNumber>,
    /// Refuse every publish until `publish resume`
    #[arg(long)]
    pub(crate) hold: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Which release to make live, and why.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct ActivateArgs {
    /// The release
    pub(crate) release: ReleaseNumber,
    /// Activate it although a newer release was active meanwhile
    #[arg(long)]
    pub(crate) force: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// How closely to look, and whether to put things right.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Ask each object for its checksum and headers, and see whether every release can come back whole
    #[arg(long)]
    pub(crate) deep: bool,
    /// Bring back what is missing or was changed, as far as the bucket has the bytes
    #[arg(long)]
    pub(crate) repair: bool,
}

/// What is listed.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct ReleasesArgs {
    /// List what was made live, when, by whom and why, instead of the releases
    #[arg(long)]
    pub(crate) history: bool,
}

/// Which release to show, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct ShowArgs {
    /// The release [default: the active one]
    pub(crate) release: Option<ReleaseNumber>,
    /// List every file of it
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

/// A number is a release, all else a folder.
fn side(word: &str) -> Result<Side, InvalidRelease> {
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        word.parse().map(Side::Release)
    } else {
        Ok(Side::Folder(word.into()))
    }
}

/// Which release to bring here, from where and why.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct PromoteArgs {
    /// The environment of publish.toml that has the release
    #[arg(long, value_name = "ENV")]
    pub(crate) from: String,
    /// The release's number there [default: the one that is live there]
    pub(crate) release: Option<ReleaseNumber>,
    /// On a first publish, make what lies where the site goes release 0, to go back to
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Publish although other objects lie where the site goes; those with a file's name are replaced
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Publish although a newer release was active meanwhile
    #[arg(long)]
    pub(crate) force: bool,
    /// Why, for the history [default: where the release comes from]
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// What to remove.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct PruneArgs {
    /// Take these files out of every release at once, also out of the live one, and out of the CDN
    #[arg(long, value_name = "PATH", num_args = 1.., value_parser = site_path)]
    pub(crate) now: Vec<SitePath>,
}

/// The path of a file in the site, also as a URL writes it (`/a.pdf`) or a shell (`./a.pdf`).
fn site_path(text: &str) -> Result<SitePath, InvalidPath> {
    let path = text.strip_prefix("./").or(text.strip_prefix('/')).unwrap_or(text);
    SitePath::new(path)
}

/// Which distribution to forget.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct ForgetArgs {
    /// The distribution's id; `publish status` lists those that are known
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// How the sandbox runs.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct SandboxArgs {
    /// Stop the one that runs in the background
    #[arg(long, conflicts_with = "background")]
    pub(crate) stop: bool,
    /// Remove all that was published to it
    #[arg(long, conflicts_with_all = ["stop", "background"])]
    pub(crate) reset: bool,
    /// Say nothing, and stop after 30 minutes without a request
    #[arg(long, hide = true)]
    pub(crate) background: bool,
}

/// Flags that every command takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GlobalArgs {
    /// The environment of publish.toml, or `sandbox`
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// The configuration [default: publish.toml in the current folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How results are written: for people, or one JSON object a line
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Output,
    /// No progress and no summary; warnings and errors only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Also show the CDN's paths and the requests that were made
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Whether to colour what is written for people
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Answer every question with yes
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// Flags that say where the site goes; each wins over publish.toml.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// The site's name, which guards against publishing over another site
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) site: Option<SiteName>,
    /// The bucket; with --site, no publish.toml is needed
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) bucket: Option<BucketName>,
    /// The prefix of the site's objects
    #[arg(long, global = true)]
    pub(crate) prefix: Option<Prefix>,
    /// The CloudFront distribution
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) distribution: Option<DistributionId>,
    /// The address where visitors see the site
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<Url>,
    /// The bucket's region
    #[arg(long, global = true)]
    pub(crate) region: Option<Word>,
    /// An S3 endpoint that is not AWS's; means path-style addressing
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<Url>,
    /// The profile of AWS's configuration files
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<Word>,
    /// Most requests to S3 at once, 1 to 32; it never takes more of a slow link than it needs
    #[arg(long, global = true, value_name = "N", env = "PUBLISH_CONCURRENCY", value_parser = at_once)]
    pub(crate) concurrency: Option<u8>,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line; the last is the report.
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Args {
    /// Reads the words of a command line, the program's name first. What cannot be understood is told as if it had been
    /// written as it can be shown: an error holds words, and parts of them, with and without quotes.
    pub(crate) fn read(words: &[OsString]) -> Result<Args, clap::Error> {
        Args::understood(words).map_err(|error| {
            let shown: Vec<OsString> = words.iter().map(|word| printable(&word.to_string_lossy()).into()).collect();
            let kind = error.kind();
            let told = if shown == words { Some(error) } else { Args::understood(&shown).err() };
            let message =
                "a word of the command line, or a variable, holds what cannot be shown, and is not understood";
            told.filter(can_be_shown).unwrap_or_else(|| Args::command().error(kind, message))
        })
    }

    fn understood(words: &[OsString]) -> Result<Args, clap::Error> {
        let args = Args::try_parse_from(words)?;
        if args.command.is_some() && args.site != SiteArgs::default() {
            let message = format!(
                "the folder and flags of a publish do not go before `{}`; write them after it",
                Command::name(args.command.as_ref())
            );
            return Err(Args::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(args)
    }
}

/// Whether an error holds nothing from elsewhere, as from a variable, that cannot be shown.
fn can_be_shown(error: &clap::Error) -> bool {
    let hides = |value: &ContextValue| matches!(value, ContextValue::String(text) if printable(text) != *text);
    !error.context().any(|(_, value)| hides(value))
}

/// A number of requests. An empty variable is one that is not set.
fn at_once(text: &str) -> Result<u8, String> {
    let most = u8::try_from(LinkSettings::MOST_AT_ONCE).unwrap_or(u8::MAX);
    match text.parse() {
        _ if text.is_empty() => Ok(most),
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("a whole number from 1 to {most} is needed")),
    }
}

impl GlobalArgs {
    /// Whether the flags say where the site goes and which one it is, without publish.toml.
    pub(crate) fn says_the_target(&self) -> bool {
        self.env.is_none() && self.target.bucket.is_some() && self.target.site.is_some()
    }
}

impl TargetArgs {
    /// The flags as the library takes them.
    pub(crate) fn overrides(self) -> Overrides {
        let TargetArgs { site, bucket, prefix, distribution, url, region, endpoint_url, profile, concurrency } = self;
        Overrides { bucket, prefix, distribution, url, region, endpoint_url, profile, site, concurrency }
    }
}

/// The command that was probably meant by a `folder` that is not there: any word that is no command is taken for a
/// folder.
pub(crate) fn meant_command(folder: &Path) -> Option<String> {
    let word = folder.to_str()?;
    let likeness = |command: &clap::Command| strsim::jaro_winkler(word, command.get_name());
    let definition = Args::command();
    let nearest = definition.get_subcommands().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(nearest) > 0.8).then(|| nearest.get_name().to_owned())
}

/// Whether a command line that could not be understood asked for JSON all the same.
pub(crate) fn wants_json(words: &[OsString]) -> bool {
    words.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || words.iter().any(|word| word == "--output=json")
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
    fn a_number_of_requests_is_between_one_and_what_is_usual() {
        assert_eq!(read("publish plan --concurrency 4").unwrap().global.target.concurrency, Some(4));
        for wrong in ["0", "33", "-1", "many"] {
            assert!(read(&format!("publish plan --concurrency={wrong}")).is_err(), "{wrong}");
        }
        assert_eq!(at_once(""), Ok(32), "an empty variable is one that is not set");
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
        assert!(refusal.contains("dist is not the number of a release"), "{refusal}");
    }

    #[test]
    fn a_folder_that_is_nearly_a_command_is_recognised() {
        assert_eq!(meant_command("statsu".as_ref()).as_deref(), Some("status"));
        assert_eq!(meant_command("sandbx".as_ref()).as_deref(), Some("sandbox"));
        assert_eq!(meant_command("./dist".as_ref()), None);
        assert_eq!(meant_command("build".as_ref()), None);
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

    #[test]
    fn json_is_recognised_in_a_line_that_cannot_be_understood() {
        let words = |line: &str| line.split(' ').map(Into::into).collect::<Vec<std::ffi::OsString>>();
        assert!(wants_json(&words("publish --nonsense --output json")));
        assert!(wants_json(&words("publish --output=json --nonsense")));
        assert!(!wants_json(&words("publish --output human json")));
    }
}

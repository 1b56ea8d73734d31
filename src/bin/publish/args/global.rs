//! Flags that every command takes. Each flag for target or output has a variable; flags that answer a question for a person
//! have none, so that no answer is left over in an environment.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use publish::config::Overrides;
use publish::config::environment::LinkSettings;
use publish::config::values::{BucketName, DistributionId, Prefix, SiteName, Url, Word};

use super::Command;

/// Flags that every command takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GlobalArgs {
    /// The environment in publish.toml, or `sandbox`
    #[arg(long, global = true, value_name = "NAME", env = "PUBLISH_ENV", hide_env_values = true)]
    pub(crate) env: Option<String>,
    /// The configuration file [default: publish.toml in the current folder or the nearest folder above]
    #[arg(long, global = true, value_name = "FILE", env = "PUBLISH_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// The output format: text for people, or one JSON object per line
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        env = "PUBLISH_OUTPUT",
        hide_env_values = true
    )]
    pub(crate) output: Output,
    /// No progress and no summary; commands that show something still print it. With `--output json`: no events
    #[arg(long, short, global = true, env = "PUBLISH_QUIET", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub(crate) quiet: bool,
    /// Also show the CDN paths and the number of requests
    #[arg(long, short, global = true, env = "PUBLISH_VERBOSE", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub(crate) verbose: bool,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        env = "PUBLISH_COLOR",
        hide_env_values = true
    )]
    pub(crate) color: Color,
    /// Answer yes to every question about the site
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) pipeline: PipelineArgs,
}

/// Flags that say where the site goes; each overrides publish.toml.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// The site's name; protects against publishing over another site
    #[arg(long, global = true, value_name = "NAME", env = "PUBLISH_SITE", hide_env_values = true)]
    pub(crate) site: Option<SiteName>,
    /// The bucket; with --site, no publish.toml is needed
    #[arg(long, global = true, value_name = "NAME", env = "PUBLISH_BUCKET", hide_env_values = true)]
    pub(crate) bucket: Option<BucketName>,
    /// The key prefix of the site's objects
    #[arg(long, global = true, env = "PUBLISH_PREFIX", hide_env_values = true)]
    pub(crate) prefix: Option<Prefix>,
    /// The CloudFront distribution
    #[arg(long, global = true, value_name = "ID", env = "PUBLISH_DISTRIBUTION", hide_env_values = true)]
    pub(crate) distribution: Option<DistributionId>,
    /// The site's public URL
    #[arg(long, global = true, value_name = "URL", env = "PUBLISH_URL", hide_env_values = true)]
    pub(crate) url: Option<Url>,
    /// The bucket's region
    #[arg(long, global = true, env = "PUBLISH_REGION", hide_env_values = true)]
    pub(crate) region: Option<Word>,
    /// The endpoint of an S3-compatible store; implies path-style addressing
    #[arg(long, global = true, value_name = "URL", env = "PUBLISH_ENDPOINT_URL", hide_env_values = true)]
    pub(crate) endpoint_url: Option<Url>,
    /// The profile in the AWS configuration files
    #[arg(long, global = true, value_name = "NAME", env = "PUBLISH_PROFILE", hide_env_values = true)]
    pub(crate) profile: Option<Word>,
    /// The most requests to S3 at once, 1 to 256; publish finds out how many are fastest
    #[arg(long, global = true, value_name = "N", value_parser = at_once, env = "PUBLISH_CONCURRENCY", hide_env_values = true)]
    pub(crate) concurrency: Option<u16>,
}

/// Flags that say what a pipeline gets to know of a run.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Pipeline")]
pub(crate) struct PipelineArgs {
    /// Write the summary, as Markdown, to this file
    #[arg(long, global = true, value_name = "FILE", env = "PUBLISH_SUMMARY", hide_env_values = true)]
    pub(crate) summary: Option<PathBuf>,
    /// Write outcome, release and URL to this file, as PUBLISHED_URL=… and so on
    #[arg(long, global = true, value_name = "FILE", env = "PUBLISH_DOTENV", hide_env_values = true)]
    pub(crate) dotenv: Option<PathBuf>,
    /// Put the summary of `publish` or `publish plan` on the pull request, as one comment that is kept up to date. Needs GITHUB_TOKEN
    #[arg(long, global = true, env = "PUBLISH_COMMENT", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub(crate) comment: bool,
    /// Record the publish as a deployment on GitHub, with the site's URL. Needs GITHUB_TOKEN
    #[arg(long, global = true, env = "PUBLISH_DEPLOYMENT", hide_env_values = true, value_parser = BoolishValueParser::new())]
    pub(crate) deployment: bool,
    /// Write no summary, outputs or annotations just because the pipeline's variables ask for them
    #[arg(
        long,
        global = true,
        env = "PUBLISH_NO_CI_OUTPUT",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) no_ci_output: bool,
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

/// A number of requests. An empty variable counts as unset.
fn at_once(text: &str) -> Result<u16, String> {
    let most = u16::try_from(LinkSettings::MOST_AT_ONCE).unwrap_or(u16::MAX);
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

impl PipelineArgs {
    /// What is wrong with a flag that only a publish or its plan understands, and that was typed (`is_typed`) for `command`.
    pub(crate) fn misplaced(command: Option<&Command>, is_typed: impl Fn(&str) -> bool) -> Option<&'static str> {
        match command {
            None => None,
            Some(Command::Plan(_)) => is_typed("deployment").then_some("--deployment goes with `publish` only"),
            Some(_) if is_typed("comment") => Some("--comment goes with `publish` and `publish plan` only"),
            Some(_) => is_typed("deployment").then_some("--deployment goes with `publish` only"),
        }
    }
}

impl TargetArgs {
    /// The flags as the library takes them.
    pub(crate) fn overrides(self) -> Overrides {
        let TargetArgs { site, bucket, prefix, distribution, url, region, endpoint_url, profile, concurrency } = self;
        Overrides { bucket, prefix, distribution, url, region, endpoint_url, profile, site, concurrency }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_number_of_requests_is_one_that_is_not_set() {
        assert_eq!(at_once(""), Ok(256));
    }
}

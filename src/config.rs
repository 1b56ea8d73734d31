//! publish.toml: what it may say, and what it comes down to for one run. Every key is checked where it is read, so
//! that a mistake is named with its line before anything is sent.
#![expect(clippy::disallowed_methods, reason = "this is the module that reads publish.toml")]

pub mod environment;
mod explain;
mod folder;
pub mod header_rule;
mod target;
pub mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::config::environment::{InvalidationSettings, PublishSettings, SourceMaps, Wait};
use crate::config::header_rule::HeaderRule;
use crate::release::retention::RetentionSettings;
use crate::report::error::{Code, Problem};
use values::{
    AccountId, BucketName, DistributionId, EnvironmentName, Glob, InvalidValue, Percent, Prefix, SiteName, Url, Word,
};

pub use folder::site_folder;
pub use target::{Overrides, SANDBOX, SandboxTarget, Target, resolve};

/// Most bytes of a publish.toml.
const MAX_BYTES: u64 = 1 << 20;

/// The file's name.
pub const FILE_NAME: &str = "publish.toml";

/// The folder that is published when nothing else is said.
pub const DEFAULT_FOLDER: &str = "dist";

/// What publish.toml says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "publish.toml"))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The site's name: guards against publishing over another site.
    pub site: SiteName,
    /// The built site, relative to publish.toml; `dist` when not given.
    pub dir: Option<PathBuf>,
    /// The targets, by name.
    #[serde(default, rename = "env")]
    pub environments: BTreeMap<EnvironmentName, EnvironmentSection>,
    /// The header rules; later ones win, field by field.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<HeaderRule>"))]
    pub headers: Vec<CheckedHeaderRule>,
    /// What of the folder is published, and how carefully.
    #[serde(default)]
    pub publish: PublishSection,
    /// How long superseded releases stay.
    #[serde(default)]
    pub retention: Retention,
    /// How the CDN is refreshed.
    #[serde(default)]
    pub invalidation: InvalidationSection,
    /// The folder that publish.toml lies in; empty for the current one.
    #[serde(skip)]
    folder: PathBuf,
}

/// One target: `[env.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSection {
    /// The bucket.
    pub bucket: BucketName,
    /// The prefix of the live objects; the whole bucket when not given.
    pub prefix: Option<Prefix>,
    /// The bucket's region; otherwise AWS's own settings say it.
    pub region: Option<Word>,
    /// The CloudFront distribution in front of the bucket; no CDN without it.
    pub distribution: Option<DistributionId>,
    /// Where visitors see the site.
    pub url: Option<Url>,
    /// The prefix of the state; `_publish/<prefix>/` when not given.
    pub state: Option<Prefix>,
    /// The bucket of the state; the live bucket when not given.
    pub state_bucket: Option<BucketName>,
    /// How objects are encrypted; as the bucket says when not given.
    pub sse: Option<ServerSideEncryption>,
    /// The KMS key's id or ARN; only with `sse = "aws:kms"`.
    pub kms_key_id: Option<Word>,
    /// The account that must own the buckets.
    pub expected_bucket_owner: Option<AccountId>,
    /// The profile of AWS's configuration files.
    pub profile: Option<Word>,
    /// A role to assume.
    pub role_arn: Option<Word>,
    /// An S3 endpoint that is not AWS's; means path-style addressing.
    pub endpoint_url: Option<Url>,
}

/// How S3 encrypts objects at rest, as its header says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ServerSideEncryption {
    /// With KMS.
    #[serde(rename = "aws:kms")]
    Kms,
    /// With keys that S3 manages.
    #[serde(rename = "AES256")]
    S3,
}

/// `[publish]`: what of the folder is published, and how carefully.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PublishSection {
    /// Globs of paths that stay out.
    pub exclude: Vec<Glob>,
    /// Globs of hidden paths, and of what editors and systems leave behind, that are published all the same;
    /// `.well-known/` always is.
    pub include_hidden: Vec<Glob>,
    /// Globs of paths that are published although they look private.
    pub allow_private: Vec<Glob>,
    /// What becomes of the source maps of scripts and styles; they are published when not given.
    pub source_maps: SourceMaps,
    /// Globs of paths that are removed at once when they leave the site, besides HTML documents.
    pub remove_now: Vec<Glob>,
    /// Globs of paths at the site's address that something else serves, so that they need not be in the folder.
    pub external: Vec<Glob>,
    /// How much of the live files may leave without a yes, in percent; 50 when not given.
    pub max_removed_percent: Option<Percent>,
    /// Whether visitors may read what publish keeps beside a site that fills the whole bucket.
    pub public_state: bool,
}

/// `[retention]`: a superseded release stays while either holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// It is one of that many releases that were superseded last.
    pub releases: NonZeroU32,
    /// It was superseded at most that many days ago.
    pub days: u32,
    /// Whether a publish prunes at its end.
    pub prune: bool,
}

impl Default for Retention {
    fn default() -> Retention {
        const TEN: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
        Retention { releases: TEN, days: 30, prune: false }
    }
}

/// `[invalidation]`: how the CDN is refreshed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct InvalidationSection {
    /// What a publish waits for; `effect` when not given.
    pub wait: Wait,
    /// How long it waits, in seconds; 120 when not given.
    pub timeout_s: Option<NonZeroU64>,
    /// Most paths it sends; beyond it, folders become wildcards. 100 when not given.
    pub max_paths: Option<NonZeroUsize>,
}

/// A header rule whose globs and values are usable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "HeaderRule")]
pub struct CheckedHeaderRule(HeaderRule);

impl TryFrom<HeaderRule> for CheckedHeaderRule {
    type Error = InvalidValue;
    fn try_from(rule: HeaderRule) -> Result<CheckedHeaderRule, InvalidValue> {
        values::check_header_rule(&rule).map(|()| CheckedHeaderRule(rule))
    }
}

impl Config {
    /// Reads the text of a publish.toml.
    ///
    /// # Errors
    /// [`Code::Configuration`], naming line and column, and the nearest known key for one that is unknown.
    pub fn parse(text: &str) -> Result<Config, Problem> {
        Config::parse_named(text, FILE_NAME)
    }

    /// Reads the publish.toml at `path`, whatever its name.
    ///
    /// # Errors
    /// As [`Config::parse`], and when the file cannot be read.
    pub fn read(path: &Path) -> Result<Config, Problem> {
        let name = path.display().to_string();
        let text = read_text(path).map_err(|error| {
            let problem = Problem::new(Code::Configuration, format!("{name} cannot be read"));
            match error.kind() {
                ErrorKind::NotFound => problem.hint("Give the path of a publish.toml with --config.").source(error),
                ErrorKind::InvalidData => problem.hint("Save it as UTF-8.").source(error),
                ErrorKind::InvalidInput => problem.hint("It is to be a file of at most 1 MiB.").source(error),
                _ => problem.source(error),
            }
        })?;
        let mut config = Config::parse_named(&text, &name)?;
        config.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(config)
    }

    fn parse_named(text: &str, name: &str) -> Result<Config, Problem> {
        let config: Config = toml::from_str(text).map_err(|error| explain::problem(&error, text, name))?;
        for (environment, section) in &config.environments {
            if section.kms_key_id.is_some() && section.sse != Some(ServerSideEncryption::Kms) {
                let message = format!("{name}, [env.{environment}]: `kms_key_id` needs `sse = \"aws:kms\"`");
                return Err(Problem::new(Code::Configuration, message));
            }
        }
        Ok(config)
    }

    /// The header rules, in order.
    pub fn header_rules(&self) -> Vec<HeaderRule> {
        self.headers.iter().map(|CheckedHeaderRule(rule)| rule.clone()).collect()
    }
}

/// The publish.toml of `folder`, if it has one. Folders above are not searched: what a command does should not
/// depend on files one does not see.
///
/// # Errors
/// [`Code::Configuration`] when the file system does not tell whether it is there.
pub fn find(folder: &Path) -> Result<Option<PathBuf>, Problem> {
    let path = folder.join(FILE_NAME);
    match std::fs::metadata(&path) {
        Ok(_) => Ok(Some(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Problem::new(Code::Configuration, format!("{} cannot be read", path.display())).source(error))
        }
    }
}

impl PublishSection {
    /// The settings, with defaults where nothing was said.
    pub fn settings(&self) -> PublishSettings {
        let texts = |globs: &[Glob]| globs.iter().map(Glob::to_string).collect();
        let default = PublishSettings::default();
        PublishSettings {
            exclude: texts(&self.exclude),
            include_hidden: texts(&self.include_hidden),
            allow_private: texts(&self.allow_private),
            source_maps: self.source_maps,
            remove_now: texts(&self.remove_now),
            external: texts(&self.external),
            max_removed_percent: self.max_removed_percent.map_or(default.max_removed_percent, Percent::number),
            public_state: self.public_state,
            home: None,
        }
    }
}

impl Retention {
    /// The settings.
    pub fn settings(&self) -> RetentionSettings {
        let releases = usize::try_from(self.releases.get()).unwrap_or(usize::MAX);
        RetentionSettings { releases, days: self.days, prune: self.prune }
    }
}

impl InvalidationSection {
    /// The settings, with defaults where nothing was said.
    pub fn settings(&self) -> InvalidationSettings {
        let default = InvalidationSettings::default();
        InvalidationSettings {
            wait: self.wait,
            timeout: self.timeout_s.map_or(default.timeout, |seconds| Duration::from_secs(seconds.get())),
            max_paths: self.max_paths.map_or(default.max_paths, NonZeroUsize::get),
        }
    }
}

/// The text of a file of settings. It may have come with a repository: what is no file never ends, and nobody writes as
/// much by hand.
fn read_text(path: &Path) -> std::io::Result<String> {
    let refused = |what: &str| Err(std::io::Error::new(ErrorKind::InvalidInput, what));
    if !std::fs::metadata(path)?.is_file() {
        return refused("it is no file");
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES { refused("it is too large") } else { Ok(text) }
}

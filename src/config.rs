//! publish.toml: what it may contain, and the settings for one run that result from it. Every key is checked where it is read, so
//! that a mistake is named with its line before anything is sent.
#![expect(clippy::disallowed_methods, reason = "this is the module that reads publish.toml")]

pub mod environment;
mod explain;
mod folder;
mod found;
pub mod header_rule;
mod section;
mod target;
pub mod values;
mod variables;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::environment::{InvalidationSettings, OlderCommit, PublishSettings, SourceMaps, UrlStyle, Wait};
use crate::config::header_rule::HeaderRule;
use crate::release::retention::RetentionSettings;
use crate::report::error::{Code, Problem};
use explain::{Expanded, Source};
use values::{EnvironmentName, Glob, InvalidValue, Percent, SiteName};
use variables::Unexpanded;

pub use folder::{check_private, is_about, project_root, site_folder};
pub use found::{Found, find};
pub use section::{EnvironmentSection, ServerSideEncryption};
pub use target::{Overrides, SANDBOX, SandboxTarget, Target, resolve};
pub use variables::Variables;

/// Most bytes of a publish.toml.
const MAX_BYTES: u64 = 1 << 20;

/// The file's name.
pub const FILE_NAME: &str = "publish.toml";

/// The folder that is published when nothing else is said.
pub const DEFAULT_FOLDER: &str = "dist";

/// The contents of publish.toml.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "publish.toml"))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The site's name: guards against publishing over another site.
    pub site: SiteName,
    /// The built site, relative to publish.toml; `dist` when not given.
    pub dir: Option<PathBuf>,
    /// The defaults of every environment.
    #[serde(default)]
    pub defaults: EnvironmentSection,
    /// The targets by name, with what they take from the defaults.
    #[serde(default, rename = "env")]
    pub environments: BTreeMap<EnvironmentName, EnvironmentSection>,
    /// The header rules; later ones win, field by field.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<HeaderRule>"))]
    pub headers: Vec<CheckedHeaderRule>,
    /// What of the folder is published, and how carefully.
    #[serde(default)]
    pub publish: PublishSection,
    /// How long superseded releases are kept.
    #[serde(default)]
    pub retention: Retention,
    /// How the CDN is refreshed.
    #[serde(default)]
    pub invalidation: InvalidationSection,
    /// The folder that publish.toml lies in; empty for the current one.
    #[serde(skip)]
    folder: PathBuf,
    /// The others can be used.
    #[serde(skip)]
    unexpanded: Unusable,
}

/// Environments that cannot be used, since a variable in them is not set, with message and hint.
type Unusable = BTreeMap<String, (String, String)>;

/// Expands the variables in all values, and gives these values and the environments that this fails in, which are empty
/// afterwards.
fn expand(
    tree: &mut Spanned<DeTable<'_>>,
    variables: Variables<'_>,
    source: Source<'_>,
) -> Result<(Vec<Expanded>, Unusable), Problem> {
    let (mut found, mut unexpanded) = (Vec::new(), BTreeMap::new());
    for (key, value) in tree.get_mut().iter_mut() {
        match value.get_mut() {
            DeValue::Table(environments) if key.get_ref() == "env" => {
                for (name, section) in environments.iter_mut() {
                    match variables::expand("env", section, variables, source, &mut found) {
                        Ok(()) => {}
                        Err(Unexpanded { problem, is_unset: true }) => {
                            unexpanded.insert(name.get_ref().to_string(), (problem.message, problem.hint));
                            *section.get_mut() = DeValue::Table(DeTable::new());
                        }
                        Err(refused) => return Err(refused.problem),
                    }
                }
            }
            _ => {
                let expanded = variables::expand(key.get_ref(), value, variables, source, &mut found);
                expanded.map_err(|refused| refused.problem)?;
            }
        }
    }
    Ok((found, unexpanded))
}

/// Reads a `tree` whose variables came to the values `expanded`. These are texts; where a key takes a number or a boolean,
/// such a text is read as one.
fn read<'e>(mut tree: Spanned<DeTable<'e>>, expanded: &'e [Expanded], source: Source<'_>) -> Result<Config, Problem> {
    loop {
        let error = match Config::deserialize(toml::Deserializer::from(tree.clone())) {
            Ok(config) => return Ok(config),
            Err(error) => error,
        };
        let value = error.span().and_then(|span| expanded.iter().find(|value| value.span == span));
        let is_text = error.message().starts_with("invalid type: string");
        // All that the same keys lead to at once: a file may have thousands of header rules.
        let is_retyped = value.filter(|_| is_text).is_some_and(|value| {
            let of_path = expanded.iter().filter(|other| other.path == value.path);
            let texts = of_path.map(|other| (other.span.start, other.text.as_str())).collect();
            tree.get_mut().iter_mut().fold(false, |any, (_, part)| variables::retype(part, &texts) | any)
        });
        if !is_retyped {
            return Err(explain::problem(&error, source, value));
        }
    }
}

/// `[publish]`: what of the folder is published, and how carefully.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PublishSection {
    /// Globs of paths that are not published.
    pub exclude: Vec<Glob>,
    /// Globs of hidden paths, and of what editors and systems leave behind, that are published all the same;
    /// `.well-known/` always is.
    pub include_hidden: Vec<Glob>,
    /// Globs of paths that are published although they look private.
    pub allow_private: Vec<Glob>,
    /// What to do with the source maps of scripts and styles; they are published when not given.
    pub source_maps: SourceMaps,
    /// Globs of paths that are removed at once when they leave the site, besides HTML documents.
    pub remove_now: Vec<Glob>,
    /// Globs of paths at the site's address that something else serves, so that they need not be in the folder.
    pub external: Vec<Glob>,
    /// How much of the live files may leave without confirmation, in percent; 50 when not given.
    pub max_removed_percent: Option<Percent>,
    /// What is done about a build of an older commit than that of the live release; `warn` when not given.
    pub older_commit: OlderCommit,
    /// Whether visitors may read what publish keeps beside a site that fills the whole bucket.
    pub public_state: bool,
    /// Whether the folder is the site although it looks like the project of one. Then `node_modules`, package.json and lock files
    /// stay out.
    pub project_folder: bool,
    /// Whether the site has a home page, without which it is not published; true when not given.
    pub index: Option<bool>,
    /// Whether a publish fails (exit code 3) where the site's address answers with a page for a script that is not there. That is a
    /// warning when not given.
    pub strict: bool,
}

/// `[retention]`: a superseded release is kept while either holds.
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
    /// Most addresses it sends; beyond that, wildcards that evict the fewest unchanged bytes stand for several of them. 100
    /// when not given.
    pub max_paths: Option<NonZeroUsize>,
    /// Which addresses answer for a page besides its own; when not given, as far as the distribution tells.
    pub urls: Option<UrlStyle>,
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
    /// Reads the text of a publish.toml where no environment variable is set.
    ///
    /// # Errors
    /// [`Code::Configuration`], naming line and column, and the nearest known key for one that is unknown.
    pub fn parse(text: &str) -> Result<Config, Problem> {
        Config::parse_named(text, FILE_NAME, &|_| None)
    }

    /// Reads the publish.toml at `path`, whatever its name, with the values of `variables` where it names them.
    ///
    /// # Errors
    /// As [`Config::parse`], when the file cannot be read, and for variables that are not set or may be secrets.
    pub fn read(path: &Path, variables: Variables<'_>) -> Result<Config, Problem> {
        Config::read_if(path, variables, |_| Ok(()))
    }

    /// As [`Config::read`], if the open file passes `check`.
    fn read_if(
        path: &Path,
        variables: Variables<'_>,
        check: impl FnOnce(&Metadata) -> Result<(), Problem>,
    ) -> Result<Config, Problem> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| {
            let problem = Problem::new(Code::Configuration, format!("{name} cannot be read"));
            match error.kind() {
                ErrorKind::NotFound => problem.hint("Give the path of publish.toml with --config.").source(error),
                ErrorKind::InvalidData => problem.hint("Save it as UTF-8.").source(error),
                ErrorKind::InvalidInput => problem.hint("It must be a file of at most 1 MiB.").source(error),
                _ => problem.source(error),
            }
        };
        let file = open(path).map_err(unreadable)?;
        check(&file.metadata().map_err(unreadable)?)?;
        let text = read_text(file).map_err(unreadable)?;
        let mut config = Config::parse_named(&text, &name, variables)?;
        config.folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(config)
    }

    fn parse_named(text: &str, name: &str, variables: Variables<'_>) -> Result<Config, Problem> {
        let source = Source { text, name };
        let mut tree = DeTable::parse(text).map_err(|error| explain::problem(&error, source, None))?;
        let (expanded, unexpanded) = expand(&mut tree, variables, source)?;
        let mut config = read(tree, &expanded, source)?;
        config.unexpanded = unexpanded;
        if !config.defaults.unset.is_empty() {
            let message = format!("{name}, [defaults]: `unset` belongs to an environment");
            let hint = "Write it below the line `[env.NAME]` of the environment that does without these keys.";
            return Err(Problem::new(Code::Configuration, message).hint(hint));
        }
        let usable = config.environments.iter_mut().filter(|(name, _)| !config.unexpanded.contains_key(name.as_str()));
        for (environment, section) in usable {
            *section = section.clone().or(&config.defaults);
            section.check().map_err(|(message, hint)| {
                Problem::new(Code::Configuration, format!("{name}, [env.{environment}]: {message}")).hint(hint)
            })?;
        }
        Ok(config)
    }

    /// The folder that publish.toml lies in; empty for the current one.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The header rules, in order.
    pub fn header_rules(&self) -> Vec<HeaderRule> {
        self.headers.iter().map(|CheckedHeaderRule(rule)| rule.clone()).collect()
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
            older_commit: self.older_commit,
            public_state: self.public_state,
            project_folder: self.project_folder,
            index: self.index.unwrap_or(default.index),
            strict: self.strict,
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
            urls: self.urls,
        }
    }
}

/// Opens a file of settings. It may have come with a repository: what is no file never ends.
fn open(path: &Path) -> std::io::Result<File> {
    if std::fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(std::io::Error::new(ErrorKind::InvalidInput, "it is not a file"))
    }
}

/// The text of a settings file; more than [`MAX_BYTES`] are not written by hand.
fn read_text(file: File) -> std::io::Result<String> {
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "it is too large"));
    }
    Ok(text)
}

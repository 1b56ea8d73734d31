//! A target with all its settings, resolved from configuration and command line.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::header_rule::HeaderRule;
use crate::release::layout::Layout;
use crate::release::retention::RetentionSettings;

/// One target: where the site goes and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name, as `production`.
    pub name: String,
    /// Where everything lies.
    pub layout: Layout,
    /// How AWS is reached.
    pub access: Access,
    /// The CloudFront distribution in front of the bucket, if any: the one at `url`, where there are several.
    pub distribution: Option<String>,
    /// Further ones, where there is one.
    pub further_distributions: Vec<String>,
    /// Where visitors see the site, without a final slash, as `https://www.example.com`.
    pub url: Option<String>,
    /// The header rules, in order.
    pub headers: Vec<HeaderRule>,
    /// What of the folder is published, and how carefully.
    pub publish: PublishSettings,
    /// How the CDN is refreshed.
    pub invalidation: InvalidationSettings,
    /// How long superseded releases are kept.
    pub retention: RetentionSettings,
    /// How long an activation belongs to the run that began it.
    pub lease: LeaseSettings,
}

impl Environment {
    /// All distributions that it names, the one at `url` first.
    pub fn distributions(&self) -> impl Iterator<Item = &str> {
        self.distribution.iter().chain(&self.further_distributions).map(String::as_str)
    }
}

/// How AWS is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The bucket's region; otherwise AWS's own environment variables and files say it.
    pub region: Option<String>,
    /// An S3 endpoint other than AWS's; implies path-style addressing.
    pub s3_endpoint: Option<String>,
    /// A CloudFront endpoint that is not AWS's.
    pub cloudfront_endpoint: Option<String>,
    /// The profile of AWS's configuration files.
    pub profile: Option<String>,
    /// A role to assume.
    pub role_arn: Option<String>,
    /// Access key and secret, for the sandbox alone.
    pub static_keys: Option<(String, String)>,
    /// The account that must own the buckets; sent with every S3 request.
    pub expected_bucket_owner: Option<String>,
    /// How objects are encrypted.
    pub encryption: Encryption,
    /// What is required of the link to S3.
    pub link: LinkSettings,
}

/// What is required of the link to S3. An attempt must make progress, at any speed: a slow link is not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// Most requests at once, besides those for the state.
    pub concurrency: usize,
    /// How long an attempt may go on without a byte of it being accepted.
    pub stalled: Duration,
    /// How long an answer may take after the last byte.
    pub answer: Duration,
    /// How long the uploads under way may keep the link busy: no other request waits much longer.
    pub ahead: Duration,
    /// The assumed speed of a link until it is measured, in bytes a second.
    pub slowest: u32,
}

impl LinkSettings {
    /// Most requests that can be asked for at once.
    pub const MOST_AT_ONCE: usize = 256;
}

impl Default for LinkSettings {
    /// Good for a link of 128 kbit/s.
    fn default() -> LinkSettings {
        LinkSettings {
            concurrency: LinkSettings::MOST_AT_ONCE,
            stalled: Duration::from_secs(20),
            answer: Duration::from_secs(120),
            ahead: Duration::from_secs(5),
            slowest: 16_000,
        }
    }
}

/// How objects are encrypted at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// As the bucket says.
    #[default]
    BucketDefault,
    /// With keys that S3 manages (`AES256`).
    S3,
    /// With KMS (`aws:kms`), by the given key or the account's default one.
    Kms {
        /// The key's id or ARN.
        key_id: Option<String>,
    },
}

/// What of the folder is published, and how carefully.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishSettings {
    /// Globs of paths that are not published.
    pub exclude: Vec<String>,
    /// Globs of hidden paths, and of what editors and systems leave behind, that are published all the same;
    /// `.well-known/` always is.
    pub include_hidden: Vec<String>,
    /// Globs of paths that are published although they look private.
    pub allow_private: Vec<String>,
    /// What to do with source maps.
    pub source_maps: SourceMaps,
    /// Globs of paths that are removed at once when they leave the site, besides HTML documents.
    pub remove_now: Vec<String>,
    /// Globs of paths at the site's address that something else serves: references to them need no file of the site.
    pub external: Vec<String>,
    /// How much of the live files may leave without confirmation, in percent.
    pub max_removed_percent: u8,
    /// What to do about a build of an older commit than the live release's.
    pub older_commit: OlderCommit,
    /// Whether visitors may read the state.
    pub public_state: bool,
    /// Whether the folder is the site although it looks like the project of one: then what package managers need stays out.
    pub project_folder: bool,
    /// Whether the site has a home page, without which it is not published.
    pub index: bool,
    /// Whether a page in place of a script that is not there is a failure, and not a warning.
    pub strict: bool,
    /// The home folder of the person who publishes: keys and credentials of it stay private whatever is allowed.
    pub home: Option<PathBuf>,
}

/// What to do with the source maps of scripts and styles. Scripts keep their references to them either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SourceMaps {
    /// They are published like all other files.
    #[default]
    Publish,
    /// They are not published.
    Skip,
    /// They stop a publish, unless `allow_private` names them.
    Refuse,
}

/// What is done about a build of an older commit than that of the live release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OlderCommit {
    /// It is published, with a warning.
    #[default]
    Warn,
    /// It is not published, nor is one that may be older.
    Refuse,
    /// It is published like any other.
    Allow,
}

impl Default for PublishSettings {
    fn default() -> PublishSettings {
        PublishSettings {
            exclude: Vec::new(),
            include_hidden: Vec::new(),
            allow_private: Vec::new(),
            source_maps: SourceMaps::Publish,
            remove_now: Vec::new(),
            external: Vec::new(),
            max_removed_percent: 50,
            older_commit: OlderCommit::Warn,
            public_state: false,
            project_folder: false,
            index: true,
            strict: false,
            home: None,
        }
    }
}

/// How the CDN is refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidationSettings {
    /// What "refreshed" means.
    pub wait: Wait,
    /// How long to wait for it.
    pub timeout: Duration,
    /// Most addresses and wildcards sent.
    pub max_paths: usize,
    /// Which addresses answer for a page besides its own; `None`: as far as the distribution tells.
    pub urls: Option<UrlStyle>,
}

impl Default for InvalidationSettings {
    fn default() -> InvalidationSettings {
        InvalidationSettings { wait: Wait::Effect, timeout: Duration::from_secs(120), max_paths: 100, urls: None }
    }
}

/// What a refresh waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// The site's URLs answer with what was published; without a known URL, as `Completed`.
    #[default]
    Effect,
    /// CloudFront says it is completed.
    Completed,
    /// CloudFront accepted it.
    None,
}

/// Which addresses answer for a page besides its own. The bare address of the site is always one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UrlStyle {
    /// None: `about/index.html` and `page.html` have only these addresses.
    Plain,
    /// `/about/` for `about/index.html`.
    Index,
    /// `/about/` and `/about` for `about/index.html`, and `/page` for `page.html`.
    Clean,
}

/// How long an activation, or a prune, belongs to the run that began it. The same for every run against an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseSettings {
    /// How long after the last write of the head, by S3's clock.
    pub lasts: Duration,
    /// How often it is renewed.
    pub renew_every: Duration,
    /// How long before its end nothing new is started: what was sent may take that long to arrive.
    pub margin: Duration,
}

impl Default for LeaseSettings {
    /// 90 s, renewed every 30 s, so that two renewals may fail on a slow link, and a dead run blocks others for at most
    /// a minute and a half.
    fn default() -> LeaseSettings {
        LeaseSettings {
            lasts: Duration::from_secs(90),
            renew_every: Duration::from_secs(30),
            margin: Duration::from_secs(5),
        }
    }
}

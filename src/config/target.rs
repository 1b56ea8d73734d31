//! Which target a run is for: resolved from publish.toml, `--env` and the other flags.

use crate::config::environment::{
    Access, Encryption, Environment, InvalidationSettings, LeaseSettings, LinkSettings, PublishSettings,
};
use crate::config::header_rule::HeaderRule;
use crate::config::values::{
    BucketName, DistributionId, DistributionIds, EnvironmentName, Prefix, SiteName, Url, Word,
};
use crate::config::{Config, EnvironmentSection, FILE_NAME, ServerSideEncryption, explain};
use crate::release::layout::Layout;
use crate::release::retention::RetentionSettings;
use crate::report::error::{Code, Problem};

/// The name of the built-in environment.
pub const SANDBOX: &str = "sandbox";

/// The alias of the key by which S3 encrypts where none is named.
const AWS_MANAGED_KEY: &str = "alias/aws/s3";

/// What the command line says about the target; each flag overrides publish.toml.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--bucket`.
    pub bucket: Option<BucketName>,
    /// `--prefix`.
    pub prefix: Option<Prefix>,
    /// `--distribution`.
    pub distribution: Option<DistributionId>,
    /// `--url`.
    pub url: Option<Url>,
    /// `--region`.
    pub region: Option<Word>,
    /// `--endpoint-url`, for S3.
    pub endpoint_url: Option<Url>,
    /// `--profile`.
    pub profile: Option<Word>,
    /// `--site`.
    pub site: Option<SiteName>,
    /// `--concurrency`.
    pub concurrency: Option<u16>,
}

impl Overrides {
    fn link(&self) -> LinkSettings {
        let concurrency = self.concurrency.map_or(LinkSettings::MOST_AT_ONCE, usize::from);
        LinkSettings { concurrency, ..LinkSettings::default() }
    }
}

/// Where a run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To the stand-in on this machine, whose addresses are known once it runs.
    Sandbox(Box<SandboxTarget>),
    /// To AWS, or to what an endpoint says.
    Environment(Box<Environment>),
}

/// What is known of the sandbox's environment before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxTarget {
    /// The site's name.
    pub site: String,
    /// The header rules, in order.
    pub headers: Vec<HeaderRule>,
    /// What of the folder is published, and how carefully.
    pub publish: PublishSettings,
    /// How the CDN is refreshed.
    pub invalidation: InvalidationSettings,
    /// As in an environment.
    pub retention: RetentionSettings,
    /// As in an environment.
    pub link: LinkSettings,
}

/// The target of a run.
///
/// - `--env NAME` names it. Without it, the only environment of publish.toml is meant; of several, none is.
/// - `--bucket` without `--env` is a target of its own: it takes the site's name, header rules and settings from
///   publish.toml, but no other environment's distribution or state. Without publish.toml it needs `--site`.
/// - With neither publish.toml nor `--bucket`, the sandbox is meant where the run `may_fall_back` to it. Other commands
///   would report on the wrong site; and a pipeline must not succeed by publishing nowhere. `--site` alone is no target.
///
/// # Errors
/// [`Code::Usage`] or [`Code::Configuration`], saying what to write instead.
pub fn resolve(
    config: Option<&Config>,
    env: Option<&str>,
    overrides: &Overrides,
    may_fall_back: bool,
) -> Result<Target, Problem> {
    let is_nowhere = env.is_none() && overrides.bucket.is_none() && config.is_none();
    if is_nowhere && may_fall_back && overrides.site.is_some() {
        let message = format!("{} names a site, but no place to publish it to", or_its_variable("--site"));
        return Err(Problem::new(Code::Usage, message).hint(
            "Give --bucket too; or, to publish to the sandbox on this machine under that name, `--env sandbox`.",
        ));
    }
    if env == Some(SANDBOX) || (is_nowhere && may_fall_back) {
        return sandbox(config, overrides).map(|target| Target::Sandbox(Box::new(target)));
    }
    let (name, section) = match (env, config) {
        (None, _) if overrides.bucket.is_some() => own_target(config, overrides)?,
        (Some(name), Some(config)) => named(config, name)?,
        (None, Some(config)) => only(config)?,
        (Some(name), None) => {
            let message =
                format!("there is no environment `{name}`: no {FILE_NAME} was found here or in a folder above");
            return Err(Problem::new(Code::Configuration, message)
                .hint(format!("Define it in {FILE_NAME}, or give the path of that file with --config.")));
        }
        (None, None) => {
            let message = format!("no target is set: no {FILE_NAME} was found here or in a folder above");
            return Err(Problem::new(Code::Usage, message).hint(
                "Run the command in the project's folder, give its publish.toml with --config, or give --bucket and \
                 --site. For the sandbox on this machine, use `--env sandbox`.",
            ));
        }
    };
    environment(name, section, config, overrides).map(|environment| Target::Environment(Box::new(environment)))
}

fn sandbox(config: Option<&Config>, overrides: &Overrides) -> Result<SandboxTarget, Problem> {
    let Overrides { bucket, prefix, distribution, url, region, endpoint_url, profile, site, concurrency: _ } =
        overrides;
    let refused = [
        ("--bucket", bucket.is_some()),
        ("--prefix", prefix.is_some()),
        ("--distribution", distribution.is_some()),
        ("--url", url.is_some()),
        ("--region", region.is_some()),
        ("--endpoint-url", endpoint_url.is_some()),
        ("--profile", profile.is_some()),
    ];
    if let Some((flag, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(Problem::new(Code::Usage, format!("{} cannot be used with the sandbox", or_its_variable(flag)))
            .hint("To publish elsewhere, give --bucket and --site, or choose an environment with --env."));
    }
    let named = site.as_ref().or(config.map(|config| &config.site));
    Ok(SandboxTarget {
        site: named.map_or_else(|| SANDBOX.to_owned(), SiteName::to_string),
        headers: config.map(Config::header_rules).unwrap_or_default(),
        publish: config.map(|config| config.publish.settings()).unwrap_or_default(),
        invalidation: config.map(|config| config.invalidation.settings()).unwrap_or_default(),
        retention: config.map(|config| config.retention.settings()).unwrap_or_default(),
        link: overrides.link(),
    })
}

fn own_target(config: Option<&Config>, overrides: &Overrides) -> Result<(String, EnvironmentSection), Problem> {
    let Some(bucket) = &overrides.bucket else {
        return Err(Problem::new(Code::Internal, "a target without a bucket was asked for"));
    };
    if config.is_none() && overrides.site.is_none() {
        return Err(Problem::new(Code::Usage, "--bucket needs --site, the site's name")
            .hint("The name protects against publishing one site over another; choose one and keep it."));
    }
    Ok((bucket.to_string(), EnvironmentSection { bucket: Some(bucket.clone()), ..EnvironmentSection::default() }))
}

fn named(config: &Config, name: &str) -> Result<(String, EnvironmentSection), Problem> {
    let found = config.environments.iter().find(|(known, _)| known.as_str() == name);
    if let Some((name, section)) = found {
        return usable(config, name, section);
    }
    let known: Vec<&str> = config.environments.keys().map(|name| name.as_str()).chain([SANDBOX]).collect();
    let hint = match explain::nearest(name, known.iter().copied()) {
        Some(nearest) => format!("Did you mean `{nearest}`?"),
        None => format!("Environments: {}.", known.join(", ")),
    };
    Err(Problem::new(Code::Configuration, format!("there is no environment `{name}` in {FILE_NAME}")).hint(hint))
}

/// # Errors
/// [`Code::Configuration`] where a variable in the environment is not set.
fn usable(
    config: &Config,
    name: &EnvironmentName,
    section: &EnvironmentSection,
) -> Result<(String, EnvironmentSection), Problem> {
    match config.unexpanded.get(name.as_str()) {
        Some((message, hint)) => Err(Problem::new(Code::Configuration, message).hint(hint)),
        None => Ok((name.to_string(), section.clone())),
    }
}

fn only(config: &Config) -> Result<(String, EnvironmentSection), Problem> {
    let mut environments = config.environments.iter();
    match (environments.next(), environments.next()) {
        (Some((name, section)), None) => usable(config, name, section),
        (None, _) => Err(Problem::new(Code::Configuration, format!("{FILE_NAME} has no environments"))
            .hint("Add one, such as [env.production], or use --env sandbox to publish on this machine.")),
        (Some(_), Some(_)) => {
            let names: Vec<&str> = config.environments.keys().map(|name| name.as_str()).collect();
            let message = format!("{FILE_NAME} has several environments: {}", names.join(", "));
            Err(Problem::new(Code::Usage, message).hint("Choose one with --env NAME."))
        }
    }
}

fn environment(
    name: String,
    section: EnvironmentSection,
    config: Option<&Config>,
    overrides: &Overrides,
) -> Result<Environment, Problem> {
    let text = |value: Option<&Word>| value.map(Word::to_string);
    let Some(site) = overrides.site.as_ref().or(config.map(|config| &config.site)) else {
        return Err(Problem::new(Code::Usage, "the site's name is missing").hint("Give it with --site."));
    };
    check_url_is_of(&name, &section, overrides)?;
    let layout = layout(&name, site, &section, overrides)?;
    let access = Access {
        region: text(overrides.region.as_ref().or(section.region.as_ref())),
        s3_endpoint: overrides.endpoint_url.as_ref().or(section.endpoint_url.as_ref()).map(endpoint),
        cloudfront_endpoint: None,
        profile: text(overrides.profile.as_ref().or(section.profile.as_ref())),
        role_arn: text(section.role_arn.as_ref()),
        static_keys: None,
        expected_bucket_owner: section.expected_bucket_owner.as_ref().map(ToString::to_string),
        encryption: match section.sse {
            None => Encryption::BucketDefault,
            Some(ServerSideEncryption::S3) => Encryption::S3,
            Some(ServerSideEncryption::Kms) => Encryption::Kms { key_id: text(section.kms_key_id.as_ref()) },
        },
        link: overrides.link(),
    };
    let said = section.distribution.as_ref().map_or(&[][..], DistributionIds::all);
    let mut distributions =
        overrides.distribution.as_ref().map_or(said, std::slice::from_ref).iter().map(ToString::to_string);
    let distribution = distributions.next();
    if distribution.is_some() {
        check_cdn_can_decrypt(&name, &access.encryption)?;
    }
    Ok(Environment {
        name,
        layout,
        access,
        distribution,
        further_distributions: distributions.collect(),
        url: overrides.url.as_ref().or(section.url.as_ref()).map(endpoint),
        headers: config.map(Config::header_rules).unwrap_or_default(),
        publish: config.map(|config| config.publish.settings()).unwrap_or_default(),
        invalidation: config.map(|config| config.invalidation.settings()).unwrap_or_default(),
        retention: config.map(|config| config.retention.settings()).unwrap_or_default(),
        lease: LeaseSettings::default(),
    })
}

/// CloudFront reads what KMS encrypts only by a key whose policy lets it. The policy of the account's default key,
/// which AWS manages, cannot be changed: visitors would get 403 for every page.
fn check_cdn_can_decrypt(name: &str, encryption: &Encryption) -> Result<(), Problem> {
    let Encryption::Kms { key_id } = encryption else { return Ok(()) };
    let message = match key_id {
        None => {
            format!("`sse = \"aws:kms\"` in [env.{name}] has no key, and CloudFront cannot use the AWS managed key")
        }
        Some(key_id) if key_id == AWS_MANAGED_KEY || key_id.ends_with(&format!(":{AWS_MANAGED_KEY}")) => {
            format!("the key {key_id} of [env.{name}] is the AWS managed key, which CloudFront cannot use")
        }
        Some(_) => return Ok(()),
    };
    Err(Problem::new(Code::Configuration, message).hint(
        "Set `kms_key_id` to your own key with a policy that allows kms:Decrypt for the distribution, or remove `sse`, \
         or set it to \"AES256\".",
    ))
}

/// An environment's `url` belongs to the environment's own place. With a flag for another place, the address must be given
/// too: otherwise another site would be checked, and reported as correct.
fn check_url_is_of(name: &str, section: &EnvironmentSection, overrides: &Overrides) -> Result<(), Problem> {
    fn differs<T: PartialEq>(given: Option<&T>, said: Option<&T>) -> bool {
        given.is_some_and(|given| Some(given) != said)
    }
    let prefix = |prefix: Option<&Prefix>| prefix.map_or("", Prefix::as_str).trim_matches('/').to_owned();
    let moved = [
        ("--bucket", differs(overrides.bucket.as_ref(), section.bucket.as_ref())),
        (
            "--prefix",
            overrides.prefix.is_some() && prefix(overrides.prefix.as_ref()) != prefix(section.prefix.as_ref()),
        ),
        ("--endpoint-url", differs(overrides.endpoint_url.as_ref(), section.endpoint_url.as_ref())),
        (
            "--distribution",
            overrides
                .distribution
                .as_ref()
                .is_some_and(|given| !section.distribution.as_ref().is_some_and(|said| said.all().contains(given))),
        ),
    ];
    let flag = moved.iter().find(|(_, moved)| *moved).map(|(flag, _)| *flag);
    let (Some(flag), Some(url), None) = (flag, &section.url, &overrides.url) else { return Ok(()) };
    let flag = or_its_variable(flag);
    let message = format!("{flag} changes the target of [env.{name}], so its `url` ({url}) may belong to another site");
    Err(Problem::new(Code::Usage, message).hint(format!(
        "Give the URL of that target with --url; or leave out --env and give --bucket, which uses no `url` from \
         {FILE_NAME}."
    )))
}

/// `--bucket (or PUBLISH_BUCKET)`: who gave the one may not know of the other.
fn or_its_variable(flag: &str) -> String {
    format!("{flag} (or {})", flag.replace("--", "PUBLISH_").replace('-', "_").to_uppercase())
}

/// Live objects must not be inside the state: they could not be told apart.
fn layout(name: &str, site: &SiteName, section: &EnvironmentSection, overrides: &Overrides) -> Result<Layout, Problem> {
    let Some(bucket) = overrides.bucket.as_ref().or(section.bucket.as_ref()) else {
        return Err(Problem::new(Code::Internal, format!("the environment `{name}` has no bucket")));
    };
    let prefix = overrides.prefix.as_ref().or(section.prefix.as_ref()).map_or("", Prefix::as_str);
    let layout = Layout::new(
        site.as_str(),
        bucket.as_str(),
        prefix,
        section.state_bucket.as_ref().map(BucketName::as_str),
        section.state.as_ref().map(Prefix::as_str),
    );
    let (live, state) = (layout.live_prefix(), layout.state_prefix());
    if live.bucket == state.bucket && live.key.starts_with(&state.key) {
        let message = format!("the site's objects ({live}) of `{name}` would be inside its state ({state})");
        return Err(Problem::new(Code::Configuration, message)
            .hint("Give `state` its own prefix, or remove it to use `_publish/<prefix>/`."));
    }
    Ok(layout)
}

fn endpoint(url: &Url) -> String {
    url.without_final_slash().to_owned()
}

//! Which flags a command needs to reach the target of this run.

use publish::config::{Config, Target};
use publish::types::text::printable;

use crate::args::{GlobalArgs, TargetArgs};
use crate::terminal::here::{Here, quoted};

/// The flags that a command needs to reach `target`: those of this run that publish.toml and the variables (`lookup`) do
/// not replace.
pub(super) fn of(
    target: &Target,
    config: Option<&Config>,
    global: &GlobalArgs,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Here {
    let mut flags = String::new();
    let mut add = |flag: &str, value: Option<String>| {
        let variable = format!("PUBLISH_{}", flag.replace('-', "_").to_uppercase());
        if let Some(value) = value.filter(|value| lookup(&variable).as_ref() != Some(value)) {
            flags.push_str(&format!(" --{flag} {}", quoted(&value)));
        }
    };
    add("config", global.config.as_ref().map(|path| path.display().to_string()));
    let is_chosen = config.is_some_and(|config| config.environments.len() > 1);
    add("env", global.env.clone().filter(|_| is_chosen || matches!(target, Target::Sandbox(_))));
    let TargetArgs { site, bucket, prefix, distribution, url, region, endpoint_url, profile, concurrency: _ } =
        &global.target;
    add("site", site.as_ref().map(ToString::to_string));
    add("bucket", bucket.as_ref().map(ToString::to_string));
    add("prefix", prefix.as_ref().map(|prefix| prefix.as_str().to_owned()));
    add("distribution", distribution.as_ref().map(ToString::to_string));
    add("url", url.as_ref().map(|url| url.without_final_slash().to_owned()));
    add("region", region.as_ref().map(ToString::to_string));
    add("endpoint-url", endpoint_url.as_ref().map(|url| url.without_final_slash().to_owned()));
    add("profile", profile.as_ref().map(ToString::to_string));
    // An address may hold a password, which is shown nowhere.
    let flags = printable(&flags);
    match target {
        Target::Sandbox(_) if global.env.is_none() => Here::with_for_others(format!(" --env sandbox{flags}")),
        _ => Here::with(flags),
    }
}

//! Where visitors see a site.

use super::caller::Caller;
use super::reported::reported;
use crate::config::environment::Environment;
use crate::content::path::UrlPath;
use crate::report::error::{Code, Problem};
use crate::report::event::Events;
use crate::report::{Outcome, Report};

/// The address of the site: the environment's `url`, else, for one request, what the distribution answers to.
pub async fn address(environment: Environment, caller: Caller, events: Events<'_>) -> (Report, Option<String>) {
    let mut found = environment.url.clone();
    let report = reported("open", &environment, &caller, events, async |session| {
        if found.is_none() {
            let Some(cdn) = &session.aws.cdn else { return Err(nowhere(&environment)) };
            let (host, facts) = cdn.host(&environment.layout.identity().bucket).await?;
            let prefix = environment.layout.live_prefix().key;
            let Some(below) = facts.below_root(&prefix) else { return Err(nowhere(&environment)) };
            let path = UrlPath::encode(below);
            found = Some(format!("https://{host}/{}", path.as_str().trim_matches('/')));
        }
        Ok(Outcome::Verified.into())
    })
    .await;
    let found = found.map(|url| format!("{}/", url.trim_end_matches('/')));
    (Report { url: found.clone(), ..report }, found)
}

fn nowhere(environment: &Environment) -> Problem {
    let message = format!("no URL is set for environment {}", environment.name);
    Problem::new(Code::Configuration, message).hint("Set `url` in publish.toml, or give --url.")
}

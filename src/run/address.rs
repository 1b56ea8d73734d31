//! The address of a site, and whether its host name resolves.

use super::caller::Caller;
use super::intention::Intention;
use super::order::Order;
use super::reported::reported;
use super::session::Session;
use crate::bucket::state::Pointer;
use crate::config::environment::{Environment, Wait};
use crate::content::path::UrlPath;
use crate::report::error::{Code, Problem};
use crate::report::event::Events;
use crate::report::{Outcome, Report};

/// The address of the site: the environment's `url`; without one, the distribution's alias or domain name (one request).
pub async fn address(environment: Environment, caller: Caller, events: Events<'_>) -> (Report, Option<String>) {
    let mut found = environment.url.clone();
    let report = reported("open", &environment, &caller, events, async |session| {
        if found.is_none() {
            let Some(cdn) = &session.aws.cdn else { return Err(nowhere(&environment)) };
            let (host, facts) = cdn.host(&environment.layout.live_prefix()).await?;
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

impl Session<'_> {
    /// As [`Session::intend`]. At the same time it resolves the host of the site's address, once a run, because the check at
    /// the end of the run needs it. Returns the host name if it does not resolve.
    pub(super) async fn intend_and_look(
        &mut self,
        pointer: &Pointer,
        order: &Order,
        claims: bool,
    ) -> Result<(Intention, Option<String>), Problem> {
        let environment = self.environment;
        let is_checked = environment.invalidation.wait == Wait::Effect && !self.told_of_the_host;
        let url = environment.url.as_ref().filter(|_| is_checked);
        let fetcher = self.aws.fetcher.clone();
        let looking = async {
            match url {
                Some(url) => fetcher.unknown_host(url).await,
                None => None,
            }
        };
        let (intention, unknown) = tokio::join!(self.intend(pointer, order, claims), looking);
        Ok((intention?, unknown))
    }

    /// Warns before anything is written. This stops nothing: the name may resolve by the time of the check.
    pub(super) fn say_that_the_host_is_unknown(&mut self, host: Option<String>) {
        if let Some(host) = host {
            self.told_of_the_host = true;
            self.events.warn(format!(
                "The host {host} in `url` cannot be resolved at the moment (DNS). If that does not change, publish cannot check the \
                 site there, and ends with exit code 3: correct `url` in publish.toml, or create the host's DNS record."
            ));
        }
    }
}

fn nowhere(environment: &Environment) -> Problem {
    let message = format!("no URL is set for environment {}", environment.name);
    Problem::new(Code::Configuration, message).hint("Set `url` in publish.toml, or give --url.")
}

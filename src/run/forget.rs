//! Forgets a distribution that no longer serves the site.

use super::caller::{Ask, Caller};
use super::reported::reported;
use super::session::Session;
use crate::config::environment::Environment;
use crate::release::head::Head;
use crate::report::error::{Code, Problem};
use crate::report::event::Events;
use crate::report::{Outcome, Report};

/// The inputs of forgetting a distribution.
#[derive(Clone, Debug)]
pub struct ForgetRequest {
    /// The environment.
    pub environment: Environment,
    /// The caller.
    pub caller: Caller,
    /// The distribution's id.
    pub distribution: String,
}

/// Removes a distribution and its pending refreshes from the head. Changes nothing else and sends no request to CloudFront.
pub async fn forget_distribution(request: ForgetRequest, ask: Ask<'_>, events: Events<'_>) -> Report {
    let ForgetRequest { environment, caller, distribution } = &request;
    reported("forget-distribution", environment, caller, events, async |session| {
        session.check_not_own(distribution)?;
        let pointer = session.read_head_to_show().await?;
        session.state.may_write(&pointer)?;
        check_known(&pointer.head, distribution)?;
        session.may_forget(&pointer.head, distribution, ask)?;
        session.update_head(pointer, |head| head.forget_distribution(distribution)).await?;
        Ok(Outcome::Repaired.into())
    })
    .await
}

impl Session<'_> {
    /// The next publish would add the environment's own distribution again.
    fn check_not_own(&self, distribution: &str) -> Result<(), Problem> {
        if self.environment.distributions().all(|own| own != distribution) {
            return Ok(());
        }
        let message = format!("distribution {distribution} belongs to environment {}", self.environment.name);
        Err(Problem::new(Code::Usage, message)
            .hint("Remove it from `distribution` in publish.toml first, or choose another environment with --env."))
    }

    fn may_forget(&self, head: &Head, distribution: &str, ask: Ask<'_>) -> Result<(), Problem> {
        if self.caller.yes {
            return Ok(());
        }
        let items = head.owed_to(distribution).filter(|owed| !owed.is_sent()).map(|owed| owed.items().len());
        let owed = match items.sum() {
            0 => String::new(),
            1 => "; 1 path or cache tag has not been refreshed there yet".to_owned(),
            items => format!("; {items} paths and cache tags have not been refreshed there yet"),
        };
        let message = format!("distribution {distribution} would no longer be refreshed{owed}");
        self.confirmed(&format!("D{}. Continue?", &message[1..]), ask, || {
            Problem::new(Code::Usage, format!("confirmation needed: {message}")).hint("Add --yes to confirm.")
        })
    }
}

fn check_known(head: &Head, distribution: &str) -> Result<(), Problem> {
    if head.distributions.contains_key(distribution) {
        return Ok(());
    }
    let known: Vec<&str> = head.distributions.keys().map(String::as_str).collect();
    let hint = match known[..] {
        [] => "No distributions are known.".to_owned(),
        _ => format!("Known distributions: {}.", known.join(", ")),
    };
    Err(Problem::new(Code::Usage, format!("distribution {distribution} is not known for this site")).hint(hint))
}

//! Refreshes paths that a person names.

use super::caller::Caller;
use super::reported::reported;
use super::session::{Session, active_release};
use crate::bucket::state::{NotReplaced, Pointer};
use crate::config::environment::{Environment, InvalidationSettings, Wait};
use crate::content::path::AskedPath;
use crate::plan;
use crate::release::head::{Covers, Refusal};
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::report::{Outcome, Report, price_usd};
use crate::stages::refresh::Refreshing;

/// The inputs of a manual refresh.
#[derive(Clone, Debug)]
pub struct InvalidateRequest {
    /// The environment.
    pub environment: Environment,
    /// The caller.
    pub caller: Caller,
    /// The paths to invalidate, relative to the site's address.
    pub paths: Vec<AskedPath>,
}

/// Refreshes paths at every distribution of the site. The head records them first, like the refresh of an
/// activation.
pub async fn invalidate(request: InvalidateRequest, events: Events<'_>) -> Report {
    let InvalidateRequest { environment, caller, paths } = &request;
    reported("invalidate", environment, caller, events, async |session| {
        let pointer = session.state.read_head().await?;
        session.course.found(&pointer.head);
        session.check_has_distribution()?;
        if paths.iter().any(AskedPath::is_widened) {
            session.events.warn(
                "CloudFront cannot refresh a path with `~`: everything that begins with the same characters up to the `~` is refreshed.",
            );
        }
        let pointer = session.owe_asked(pointer, paths).await?;
        let settings = waits_for_cloudfront(&environment.invalidation);
        let refreshing = Refreshing { settings: &settings, ..session.refreshing(active_release(&pointer.head)) };
        // No plan says what these paths must answer.
        Box::pin(session.refresh(refreshing, pointer, &Default::default(), None)).await?;
        Ok(Outcome::Invalidated.into())
    })
    .await
}

impl Session<'_> {
    fn check_has_distribution(&self) -> Result<(), Problem> {
        if self.own().is_some() {
            return Ok(());
        }
        let message = format!("environment {} has no CDN to refresh", self.environment.name);
        Err(Problem::new(Code::Usage, message).hint("Set `distribution` in publish.toml, or give --distribution."))
    }

    /// The head with `paths` pending for every distribution.
    async fn owe_asked(&mut self, mut pointer: Pointer, paths: &[AskedPath]) -> Result<Pointer, Problem> {
        let mut told = None;
        loop {
            pointer = self.when_free_to_write(pointer).await?;
            self.course.found(&pointer.head);
            Box::pin(self.read_distributions(&pointer.head)).await?;
            let by = pointer.seen_by(&self.caller.run, self.caller.clock.now());
            let learnt = pointer.head.record_facts(&self.learnt(), by);
            let asked = plan::asked(paths, self.policy(false)).map_err(|error| {
                Problem::new(Code::Usage, error.to_string()).hint("CloudFront takes 4,000 characters.")
            })?;
            let covers: Covers<'_> = asked.iter().map(|(id, paths)| (id.as_str(), paths.as_slice().into())).collect();
            let number = covers.values().map(|items| items.len()).sum();
            if told.replace(number) != Some(number) {
                self.events.send(Event::RefreshPlanned { paths: number, price_usd: price_usd(number) });
            }
            let next = learnt.owe_asked(&covers, by).map_err(not_now)?;
            match self.state.replace_head(&pointer, next).await {
                Ok(replaced) => return Ok(replaced),
                Err(NotReplaced::Lost(found)) => pointer = *found,
                Err(NotReplaced::Failed(problem)) => return Err(problem),
            }
        }
    }
}

/// An unfinished change will have to be invalidated too.
fn not_now(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Empty => Problem::new(Code::Usage, "nothing is live here, so there is nothing to refresh")
            .hint("`publish status` shows what is live; is this the right environment?"),
        _ => Problem::new(Code::Usage, "an activation or a prune was interrupted, and its own refresh comes first")
            .hint("Finish it first: publish, go back or prune again. `publish status` says which."),
    }
}

/// Answers prove nothing about paths that a person named, so the run waits for CloudFront to report completion.
fn waits_for_cloudfront(settings: &InvalidationSettings) -> InvalidationSettings {
    let wait = if settings.wait == Wait::Effect { Wait::Completed } else { settings.wait };
    InvalidationSettings { wait, ..settings.clone() }
}

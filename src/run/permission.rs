//! What must be allowed before anything is written.

use super::{Answer, Run};
use crate::error::{Code, Problem};
use crate::head::Head;
use crate::plan::Plan;
use crate::policy;

/// Largest answer looked at to see whether the state is public, in bytes.
const MAX_HEAD_BYTES: u64 = 64 << 20;

impl Run<'_> {
    /// Asks before much of the site goes, and obeys a hold.
    pub(super) fn may_go_on(
        &self,
        head: &Head,
        plan: &Plan,
        ask: &(dyn Fn(&str) -> Answer + Sync),
    ) -> Result<(), Problem> {
        if let Some(hold) = &head.hold {
            let who = hold.publisher.who.as_deref().unwrap_or("someone");
            let why = hold.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let message = format!("publishing is held by {who} since {}{why}", hold.since);
            return Err(Problem::new(Code::Held, message).hint("`publish resume` ends the hold."));
        }
        let (live, leaving) = plan.leaving;
        if self.request.yes || plan.removed_percent() <= usize::from(self.environment.publish.max_removed_percent) {
            return Ok(());
        }
        let question = format!("{leaving} of {live} live files would leave the site. Go on?");
        match ask(&question) {
            Answer::Yes => Ok(()),
            Answer::No => Err(Problem::new(Code::Declined, "declined")),
            Answer::CannotAsk => {
                let message = format!("{leaving} of {live} live files would leave the site");
                Err(Problem::new(Code::TooManyRemovals, message)
                    .hint("If that is meant, use --yes, or raise `max_removed_percent` under [publish]."))
            }
        }
    }

    /// State that visitors can read tells them what is staged and who publishes. Looked at where it could be: with an
    /// empty prefix, once there is a head.
    pub(super) async fn check_state_is_hidden(&self, head: &Head) -> Result<(), Problem> {
        let layout = &self.environment.layout;
        if !layout.identity().prefix.is_empty() || self.environment.publish.public_state {
            return Ok(());
        }
        let policy = policy::hide_state(layout);
        let Some(url) = self.environment.url.as_deref().filter(|_| head.active.is_some()) else {
            self.events.warn(format!("Keep visitors away from the state with this bucket policy statement: {policy}"));
            return Ok(());
        };
        let state = format!("{url}/{}", layout.head().key);
        let answer = self.aws.fetcher.fetch(&state, MAX_HEAD_BYTES).await;
        if !answer.is_ok_and(|answer| answer.status == 200 && answer.is_of_site(&layout.identity().site)) {
            return Ok(());
        }
        Err(Problem::new(Code::Configuration, format!("visitors can read the state at {state}")).hint(format!(
            "Add this statement to the bucket's policy: {policy} Or choose a `prefix`, or set `public_state = true` under [publish]."
        )))
    }
}

//! `publish status`: shows what is live.

use std::collections::BTreeMap;

use super::caller::Caller;
use super::reported::reported;
use super::session::Session;
use crate::config::environment::Environment;
use crate::release::head::{Head, Refresh};
use crate::report::event::Events;
use crate::report::{Outcome, Report};
use crate::stages::refresh::is_completed;
use crate::views::status::Status;

/// Reads the live release, and everything unfinished or pending: one request, and one for each invalidation that was sent to
/// the environment's distributions and not yet seen completed. Writes nothing, so read permission is enough.
pub async fn status(environment: Environment, caller: Caller, events: Events<'_>) -> (Report, Option<Status>) {
    let mut status = None;
    let report = reported("status", &environment, &caller, events, async |session| {
        let pointer = session.read_head_to_show().await?;
        let completed = session.ask_what_is_completed(&pointer.head).await;
        status = Some(Status::of(&pointer, &completed));
        Ok(Outcome::Verified.into())
    })
    .await;
    (report, status)
}

impl Session<'_> {
    /// Whether CloudFront has completed the invalidations that were sent, by the refreshes' ids. Leaves out those that could not
    /// be read: they are shown as unknown.
    async fn ask_what_is_completed(&self, head: &Head) -> BTreeMap<String, bool> {
        let Some(cdn) = &self.aws.cdn else { return BTreeMap::new() };
        let is_own = |refresh: &&Refresh| self.environment.distributions().any(|own| own == refresh.distribution);
        let mut completed = BTreeMap::new();
        for refresh in head.sent_refreshes().filter(is_own) {
            if let Ok(answer) = is_completed(cdn, refresh).await {
                completed.insert(refresh.id.clone(), answer);
            }
        }
        completed
    }
}

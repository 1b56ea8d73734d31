//! Refreshing the CDN, and what the report says of it.

use std::collections::BTreeMap;

use super::session::Session;
use crate::bucket::state::Pointer;
use crate::content::path::UrlPath;
use crate::plan::UrlChange;
use crate::release::manifest::ReleaseNumber;
use crate::report::InvalidationReport;
use crate::report::error::{Problem, VisitorsSee};
use crate::stages::refresh::{NotRefreshed, Refreshed, Refreshing};

impl Session<'_> {
    /// What refreshing works with.
    pub(super) fn refreshing(&self, release: Option<ReleaseNumber>) -> Refreshing<'_> {
        Refreshing {
            cdn: self.aws.cdn.as_ref(),
            fetcher: &self.aws.fetcher,
            state: &self.state,
            settings: &self.environment.invalidation,
            url: self.environment.url.as_deref(),
            release,
            clock: self.caller.clock,
            events: self.events,
        }
    }

    /// Does all refreshes that `pointer` owes. Where that fails, the release is live, and the CDN may not have heard of it.
    pub(super) async fn refresh(
        &self,
        refreshing: Refreshing<'_>,
        pointer: Pointer,
        answers: &BTreeMap<UrlPath, UrlChange>,
        evicted_unchanged: usize,
    ) -> Result<(), Problem> {
        let (refreshed, problem) = match refreshing.refresh(pointer, answers).await {
            Ok(refreshed) => (refreshed, None),
            Err(NotRefreshed { problem, so_far }) => (so_far, Some(problem)),
        };
        self.course.invalidates(reported(refreshed, evicted_unchanged));
        let Some(problem) = problem else { return Ok(()) };
        let Some(release) = refreshing.release else {
            self.course.visitors_see(VisitorsSee::Untouched);
            return Err(problem);
        };
        self.course.visitors_see(VisitorsSee::TheNewOne(release));
        Err(if problem.hint.is_empty() {
            problem.hint("The refresh is recorded in the bucket: run the same command again to do it.")
        } else {
            problem
        })
    }
}

/// What the report says of it; `None`: nothing was owed.
fn reported(refreshed: Refreshed, evicted_unchanged: usize) -> Option<InvalidationReport> {
    Some(InvalidationReport {
        status: refreshed.status?,
        ids: refreshed.ids,
        paths: refreshed.paths.iter().map(ToString::to_string).collect(),
        evicted_unchanged,
    })
}

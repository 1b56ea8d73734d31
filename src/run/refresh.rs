//! Refreshes the CDN, and reports the result.

use std::collections::{BTreeMap, BTreeSet};

use super::go_live::lost_to;
use super::order::Shown;
use super::session::Session;
use crate::bucket::state::Pointer;
use crate::content::path::{SitePath, UrlPath};
use crate::plan::{Cover, Plan, UrlChange};
use crate::release::cache_tags::CacheTag;
use crate::release::head::{Head, Items, Refresh};
use crate::release::manifest::{Files, ReleaseNumber};
use crate::report::error::{Problem, VisitorsSee};
use crate::report::{InvalidationReport, InvalidationStatus, OtherDistribution, Outcome, price_usd};
use crate::stages::refresh::{Elsewhere, NotRefreshed, Refreshed, Refreshing, stays_owed};
use crate::types::globs::PathGlobs;

impl Session<'_> {
    /// The inputs of a refresh.
    pub(super) fn refreshing(&self, release: Option<ReleaseNumber>) -> Refreshing<'_> {
        Refreshing {
            cdn: self.aws.cdn.as_ref(),
            further: &self.environment.further_distributions,
            fetcher: &self.aws.fetcher,
            state: &self.state,
            settings: &self.environment.invalidation,
            url: self.environment.url.as_deref(),
            release,
            page: None,
            allow_broken: false,
            strict: self.environment.publish.strict,
            clock: self.caller.clock,
            events: self.events,
        }
    }

    /// Whether this program does not manage a file of the site: something else serves it, or it is known to be lost.
    pub(super) fn external(&self) -> Result<impl Fn(&SitePath) -> bool + Sync + use<'_>, Problem> {
        let external = PathGlobs::new("publish.external", &self.environment.publish.external)?;
        Ok(move |path: &SitePath| external.cover(path) || self.lost.contains(path))
    }

    /// What the URLs of `files` must answer once the environment's distribution has completed its pending refreshes.
    pub(super) fn answers_owed(&self, head: &Head, files: &Files) -> BTreeMap<UrlPath, UrlChange> {
        let own = self.own();
        let owed = || head.refreshes_to_send().filter(|refresh| own == Some(refresh.distribution.as_str()));
        let paths: Vec<UrlPath> = owed().flat_map(|refresh| refresh.paths.clone()).collect();
        let tags: Vec<CacheTag> = owed().flat_map(|refresh| refresh.tags.clone()).collect();
        Plan::answers_owed(files, Items { paths: &paths, tags: &tags }, self.policy(false))
    }

    /// Reports the pending refreshes of other environments' distributions, if nothing else is to be done.
    pub(super) fn say_what_others_are_owed(&self, head: &Head) {
        let own = self.own();
        let others = head.refreshes_to_send().filter(|refresh| own != Some(refresh.distribution.as_str()));
        let others: Vec<&Refresh> = others.collect();
        let distributions: BTreeSet<&str> = others.iter().map(|refresh| refresh.distribution.as_str()).collect();
        distributions.into_iter().for_each(|id| self.events.warn(stays_owed(id, None)));
        self.course.others_are_owed(others.into_iter().map(stays).collect());
    }

    /// Does the pending refreshes of earlier runs, if nothing else is to be done. Returns whether there were any.
    pub(super) async fn refresh_owed(
        &self,
        refreshing: Refreshing<'_>,
        pointer: Pointer,
        answers: &BTreeMap<UrlPath, UrlChange>,
    ) -> Result<Outcome, Problem> {
        if pointer.head.refreshes_to_send().next().is_none() {
            return Ok(Outcome::Unchanged);
        }
        Box::pin(self.refresh(refreshing, pointer, answers, None)).await?;
        let standing = self.course.standing();
        let is_done = |other: &OtherDistribution| other.status != InvalidationStatus::Owed;
        let any = standing.invalidation.is_some() || standing.other_distributions.iter().any(is_done);
        Ok(if any { Outcome::Repaired } else { Outcome::Unchanged })
    }

    /// Does all pending refreshes of `pointer`; `plan` is the one that this run adds. If that fails, the release is live, and
    /// the CDN may not have received the request.
    pub(super) async fn refresh(
        &self,
        refreshing: Refreshing<'_>,
        pointer: Pointer,
        answers: &BTreeMap<UrlPath, UrlChange>,
        plan: Option<&Plan>,
    ) -> Result<(), Problem> {
        let (refreshed, problem) = match Box::pin(refreshing.refresh(pointer, answers)).await {
            Ok(refreshed) => (refreshed, None),
            Err(NotRefreshed { problem, so_far }) => (so_far, Some(problem)),
        };
        let covers = plan.map(|plan| &plan.elsewhere);
        let cover = |id: &str| covers.and_then(|covers| covers.get(id)).cloned().unwrap_or_default();
        let other = |elsewhere: &Elsewhere| other(elsewhere, &cover(&elsewhere.refresh.distribution));
        self.course.others_are_owed(refreshed.elsewhere.iter().map(other).collect());
        let answers_otherwise = refreshed.answers_otherwise;
        self.course.invalidates(reported(refreshed, plan.map_or(&Cover::default(), |plan| &plan.invalidation)));
        let Some(problem) = problem else { return Ok(()) };
        let Some(release) = refreshing.release else {
            self.course.visitors_see(VisitorsSee::Untouched);
            return Err(problem);
        };
        // A retry would overwrite the other build with this one.
        if let Ok(found) = Box::pin(self.state.afresh().read_head()).await
            && !Shown::by(&found.head).is_only(release)
        {
            self.course.visitors_see(VisitorsSee::TakenOver(release));
            return Err(lost_to(&found.head, release).source(problem));
        }
        self.course.visitors_see(if answers_otherwise {
            VisitorsSee::SomethingElse(release)
        } else {
            VisitorsSee::TheNewOne(release)
        });
        Err(if problem.hint.is_empty() {
            problem.hint("The refresh is recorded in the bucket; run the same command again to retry it.")
        } else {
            problem
        })
    }
}

/// The report's entry for a refresh at another distribution that stays pending.
fn stays(refresh: &Refresh) -> OtherDistribution {
    OtherDistribution {
        distribution: refresh.distribution.clone(),
        release: refresh.release,
        status: InvalidationStatus::Owed,
        ids: Vec::new(),
        paths: refresh.items().texts().collect(),
        paths_paid: 0,
        price_usd: price_usd(0),
        evicted_unchanged: 0,
        evicted_bytes: 0,
        because: None,
    }
}

/// The report's entry for a refresh at another distribution, for which this run has planned `cover`.
fn other(elsewhere: &Elsewhere, cover: &Cover) -> OtherDistribution {
    let Elsewhere { refresh, ids, paid, is_completed } = elsewhere;
    let status = match (ids, is_completed) {
        (None, _) => InvalidationStatus::Owed,
        (Some(_), false) => InvalidationStatus::Requested,
        (Some(_), true) => InvalidationStatus::Completed,
    };
    let is_planned = cover.items() == refresh.items();
    let of_cover = |number: usize| if is_planned { number } else { 0 };
    OtherDistribution {
        status,
        ids: ids.clone().unwrap_or_default(),
        paths_paid: *paid,
        price_usd: price_usd(*paid),
        evicted_unchanged: of_cover(cover.evicted_unchanged),
        evicted_bytes: if is_planned { cover.evicted_bytes } else { 0 },
        because: cover.because.as_ref().filter(|_| is_planned).map(ToString::to_string),
        ..stays(refresh)
    }
}

/// The report's entry for it; `None`: nothing was pending.
fn reported(refreshed: Refreshed, cover: &Cover) -> Option<InvalidationReport> {
    let paths = refreshed.items().texts().collect();
    Some(InvalidationReport {
        status: refreshed.status?,
        completed: refreshed.is_completed,
        edge: refreshed.edge,
        ids: refreshed.ids,
        paths,
        paths_paid: refreshed.paid,
        price_usd: price_usd(refreshed.paid),
        evicted_unchanged: cover.evicted_unchanged,
        evicted_bytes: cover.evicted_bytes,
        because: cover.because.as_ref().map(ToString::to_string),
    })
}

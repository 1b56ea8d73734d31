//! What CloudFront reports about the invalidations it has accepted, in the run that requested them and in later ones.

use std::collections::BTreeSet;

use super::{Elsewhere, Pace, Refreshed, Refreshing};
use crate::bucket::aws::{Cdn, CdnError};
use crate::bucket::state::Pointer;
use crate::release::head::{Head, Refresh};
use crate::report::error::{Code, Problem};

/// The id of a refresh, and the ids of its invalidations.
pub(super) type Invalidations = (String, Vec<String>);

/// A refresh in progress.
pub(super) struct UnderWay {
    /// The head that records it as pending.
    pub(super) pointer: Pointer,
    /// The pending refreshes of the environment's distribution.
    pub(super) owed: Vec<Refresh>,
    /// What CloudFront accepted of them.
    pub(super) taken: Vec<Invalidations>,
}

impl UnderWay {
    /// CloudFront's invalidation ids.
    pub(super) fn ids(&self) -> Vec<String> {
        self.taken.iter().flat_map(|(_, ids)| ids.iter().cloned()).collect()
    }
}

/// Whether CloudFront has completed a refresh that is sent. Costs a request for each of its invalidations, up to the first
/// that is not completed. Needs `cloudfront:GetInvalidation`.
///
/// An invalidation that CloudFront no longer knows counts as completed. No document says how long it keeps them; it carries
/// out whatever it has accepted, and that cannot be cancelled (AWS.md 1.1).
pub async fn is_completed(cdn: &Cdn, refresh: &Refresh) -> Result<bool, CdnError> {
    let cdn = cdn.other(&refresh.distribution);
    for id in &refresh.invalidations {
        match cdn.is_completed(id).await {
            Ok(true) => {}
            Err(error) if error.code.as_deref() == Some("NoSuchInvalidation") => {}
            other => return other,
        }
    }
    Ok(true)
}

/// The ids of the refreshes that were sent to a distribution.
pub(super) fn ids_sent_to(head: &Head, distribution: &str) -> Vec<String> {
    let sent = head.sent_refreshes().filter(|refresh| refresh.distribution == distribution);
    sent.map(|refresh| refresh.id.clone()).collect()
}

impl Refreshing<'_> {
    /// What was sent to the environment's distributions and was not completed.
    pub(super) fn sent(&self, head: &Head) -> Vec<Refresh> {
        let own = self.cdn.map(Cdn::distribution);
        let is_own = |id: &String| own == Some(id.as_str()) || self.further.contains(id);
        head.sent_refreshes().filter(|refresh| is_own(&refresh.distribution)).cloned().collect()
    }

    /// The ids of those that CloudFront has completed by now. Does not wait; those that cannot be read stay as
    /// they are, which does no harm.
    pub(super) async fn completed(&self, sent: Vec<Refresh>) -> Vec<String> {
        let Some(cdn) = self.cdn else { return Vec::new() };
        let mut completed = Vec::new();
        // If one request for a distribution fails, all others for it are skipped.
        let mut failed = BTreeSet::new();
        for refresh in sent {
            if failed.contains(&refresh.distribution) {
                continue;
            }
            match is_completed(cdn, &refresh).await {
                Ok(true) => completed.push(refresh.id),
                Ok(false) => {}
                Err(error) => {
                    self.events.warn(format!(
                        "CloudFront could not be asked whether it has completed the refresh of release {} at distribution {}: {}. \
                         The next publish that changes something asks again.",
                        refresh.release,
                        refresh.distribution,
                        Problem::from(error).message
                    ));
                    failed.insert(refresh.distribution);
                }
            }
        }
        completed
    }

    /// Waits until CloudFront reports that all of `ids` of the environment's first distribution are completed.
    pub(super) async fn until_own_completed(&self, ids: &[String], refreshed: &mut Refreshed) -> Result<(), Problem> {
        if let Some(cdn) = self.cdn {
            self.until_completed(cdn, ids, &mut Pace::start(self)).await?;
        }
        refreshed.is_completed = true;
        Ok(())
    }

    /// The same for the environment's further distributions; records for each whether it is completed.
    pub(super) async fn until_further_ones_completed(&self, refreshed: &mut Refreshed) -> Result<(), Problem> {
        let Some(cdn) = self.cdn else { return Ok(()) };
        let mut pace = Pace::start(self);
        let further = |one: &&mut Elsewhere| self.further.contains(&one.refresh.distribution);
        for elsewhere in refreshed.elsewhere.iter_mut().filter(further) {
            let Some(ids) = &elsewhere.ids else { continue };
            self.until_completed(&cdn.other(&elsewhere.refresh.distribution), ids, &mut pace).await?;
            elsewhere.is_completed = true;
        }
        Ok(())
    }

    async fn until_completed(&self, cdn: &Cdn, ids: &[String], pace: &mut Pace<'_>) -> Result<(), Problem> {
        for id in ids {
            while !cdn.is_completed(id).await.map_err(Problem::from)? {
                if !pace.pause().await {
                    let (waited, distribution) = (self.settings.timeout.as_secs(), cdn.distribution());
                    let message = format!(
                        "CloudFront did not complete invalidation {id} of distribution {distribution} within {waited} s"
                    );
                    return Err(Problem::new(Code::RefreshFailed, message).hint(
                        "CloudFront is still working on it. Run the same command again to check, or raise `timeout_s` under \
                         [invalidation].",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether CloudFront reports that all of `ids` are completed; without a distribution there is nothing to invalidate.
    pub(super) async fn has_forgotten(&self, ids: &[String]) -> Result<bool, Problem> {
        let Some(cdn) = self.cdn else { return Ok(true) };
        for id in ids {
            if !cdn.is_completed(id).await.map_err(Problem::from)? {
                return Ok(false);
            }
        }
        Ok(!ids.is_empty())
    }
}

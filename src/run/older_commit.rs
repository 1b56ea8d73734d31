//! A pipeline that is run again for an older commit gets a higher number all the same: only what it was built from tells.

use super::caller::Descent;
use super::goal::Goal;
use super::order::Order;
use super::session::{Session, active_release};
use crate::config::environment::OlderCommit;
use crate::release::head::Head;
use crate::release::manifest::ReleaseNumber;
use crate::report::error::{Code, Problem};

/// Characters of a commit's id that people are shown.
const SHORT: usize = 10;

impl Session<'_> {
    /// Warns once, or refuses, where a folder was built from an older commit than what `head` says is live. Costs a request
    /// (HEAD on the manifest) where nobody knows how the two lie to each other.
    pub(super) async fn check_commit(&mut self, head: &Head, order: &Order) -> Result<(), Problem> {
        let setting = self.environment.publish.older_commit;
        if setting == OlderCommit::Allow || order.terms.stage_only || !matches!(order.goal, Goal::Folder(_)) {
            return Ok(());
        }
        let (Some((release, live)), Some(built)) = (live_commit(head), self.caller.publisher.commit.as_deref()) else {
            return Ok(());
        };
        if live.starts_with(built) || built.starts_with(live) {
            return Ok(());
        }
        let [built_id, live_id] = [built, live].map(|id| id.chars().take(SHORT).collect::<String>());
        let message = match self.caller.commits.descent(live, built).await {
            Descent::Newer | Descent::Beside => return Ok(()),
            Descent::Older => format!("commit {built_id} is older than {live_id}, which is live as release {release}"),
            Descent::Unknown if setting == OlderCommit::Refuse => {
                let message = format!(
                    "git cannot tell here whether commit {built_id} is older than {live_id}, which is live as release \
                     {release}"
                );
                return Err(Problem::new(Code::Superseded, message).hint(
                    "Have the pipeline fetch all commits (`fetch-depth: 0` for actions/checkout), or publish once with \
                     `--older-commit allow`.",
                ));
            }
            Descent::Unknown if self.is_dated_before(release).await => format!(
                "commit {built_id} was made before {live_id}, which is live as release {release}, and git cannot tell \
                 here whether it is an older version (`fetch-depth: 0` helps)"
            ),
            Descent::Unknown => return Ok(()),
        };
        if setting == OlderCommit::Refuse {
            return Err(Problem::new(Code::Superseded, message).hint(
                "Publish the newest commit. To go back on purpose, use `publish rollback`, which needs no build; to \
                 publish this commit anyway, add `--older-commit allow`.",
            ));
        }
        if !std::mem::replace(&mut self.told_of_an_older_commit, true) {
            self.events.warn(format!("This older build replaces a newer one: {message}."));
        }
        Ok(())
    }

    /// Whether the commit that was built is dated before that of a release. Where either date is not known, it is not.
    async fn is_dated_before(&self, release: ReleaseNumber) -> bool {
        let Some(built) = self.caller.publisher.committed_at else { return false };
        // Where it cannot be read, nothing is known.
        self.state.committed_at(release).await.ok().flatten().is_some_and(|live| built < live)
    }
}

/// The release that is live, and the commit it was built from.
fn live_commit(head: &Head) -> Option<(ReleaseNumber, &str)> {
    let active = active_release(head)?;
    let item = head.history.iter().rev().find(|item| item.release == active)?;
    Some((active, item.publisher.commit.as_deref()?))
}

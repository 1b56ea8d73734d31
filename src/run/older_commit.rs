//! Detects an older build. A pipeline that runs again for an older commit gets a higher number too: only the commit shows it.

use super::caller::Descent;
use super::goal::Goal;
use super::order::{Order, Terms};
use super::session::{Session, active_release};
use crate::config::environment::OlderCommit;
use crate::release::head::Head;
use crate::release::manifest::ReleaseNumber;
use crate::report::error::{Code, Problem};
use crate::types::clock::Timestamp;

/// Characters of a commit id in messages.
const SHORT: usize = 10;

impl Session<'_> {
    /// Warns once, or refuses, if a release that becomes live for the first time was built from an older commit than the live
    /// one in `head`. Costs a request (HEAD on the manifest) if the order of the two is unknown.
    pub(super) async fn check_commit(&mut self, head: &Head, order: &Order) -> Result<(), Problem> {
        let setting = self.environment.publish.older_commit;
        let publisher = match &order.goal {
            Goal::Folder(_) => &self.caller.publisher,
            Goal::Release(manifest) => &manifest.publisher,
            Goal::Elsewhere(_) => return Ok(()),
        };
        // A rollback, a repair and a forced older number are deliberate.
        let Terms { stage_only, force, rollback, repair, .. } = &order.terms;
        let is_meant = rollback.is_some() || repair.is_some() || (*force && order.goal.release().is_some());
        if setting == OlderCommit::Allow || *stage_only || is_meant {
            return Ok(());
        }
        let (is_strict, of_commit) = (setting == OlderCommit::Refuse, publisher.committed_at);
        let Some((release, live)) = live_commit(head) else { return Ok(()) };
        let Some(built) = publisher.commit.as_deref() else {
            let message =
                format!("the commit of this build is not known, and release {release}, which is live, records one");
            let hint = "Publish from the checkout, or let the pipeline name the commit in its usual variable (GITHUB_SHA, \
                        CI_COMMIT_SHA); or publish once with `--older-commit allow`.";
            return if is_strict { Err(Problem::new(Code::Superseded, message).hint(hint)) } else { Ok(()) };
        };
        if live.starts_with(built) || built.starts_with(live) {
            return Ok(());
        }
        let [built_id, live_id] = [built, live].map(|id| id.chars().take(SHORT).collect::<String>());
        let warning = match self.caller.commits.descent(live, built).await {
            Descent::Newer | Descent::Beside => return Ok(()),
            Descent::Older => {
                let message = format!("commit {built_id} is older than {live_id}, which is live as release {release}");
                if is_strict {
                    return Err(Problem::new(Code::Superseded, message).hint(
                        "Publish the newest commit. To go back on purpose, use `publish rollback`, which needs no build; to \
                         publish this commit anyway, add `--older-commit allow`.",
                    ));
                }
                format!("This older build replaces a newer one: {message}.")
            }
            Descent::Unknown if is_strict => {
                return Err(not_known(format!(
                    "git cannot tell here whether commit {built_id} is older than {live_id}, which is live as release \
                     {release}"
                )));
            }
            Descent::Unknown if self.is_dated_before(of_commit, release).await => format!(
                "This build may be older than what it replaces: commit {built_id} was made before {live_id}, which is live \
                 as release {release}; git cannot tell more here (`fetch-depth: 0` helps)."
            ),
            Descent::Unknown => return Ok(()),
        };
        if !std::mem::replace(&mut self.told_of_an_older_commit, true) {
            self.events.warn(warning);
        }
        Ok(())
    }

    /// Whether the built commit is dated before that of a release. `false` if either date is unknown.
    async fn is_dated_before(&self, built: Option<Timestamp>, release: ReleaseNumber) -> bool {
        let Some(built) = built else { return false };
        // An unreadable manifest gives no date.
        self.state.committed_at(release).await.ok().flatten().is_some_and(|live| built < live)
    }
}

/// The refusal of a build that may be an older one.
fn not_known(message: String) -> Problem {
    Problem::new(Code::Superseded, message).hint(
        "Have the pipeline fetch all commits (`fetch-depth: 0` for actions/checkout), or publish once with \
         `--older-commit allow`.",
    )
}

/// The live release, and the commit it was built from.
fn live_commit(head: &Head) -> Option<(ReleaseNumber, &str)> {
    let active = active_release(head)?;
    let item = head.history.iter().rev().find(|item| item.release == active)?;
    Some((active, item.publisher.commit.as_deref()?))
}

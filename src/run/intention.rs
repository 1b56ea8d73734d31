//! What a run means to do, and from where: what is live, what the folder comes to, and the plan between them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Run;
use crate::error::{Code, Problem};
use crate::event::{Event, FileCounts};
use crate::head::{CdnView, DistributionFacts, Head};
use crate::headers::Kind;
use crate::live::{self, Foreign};
use crate::manifest::{Entry, Files, Publisher, RunId, content_digest};
use crate::path::SitePath;
use crate::plan::{Live, Plan, Policy};
use crate::rules::RuleContext;
use crate::stage::Staged;
use crate::state::Pointer;

/// How often the head is looked at while somebody else's activation is under way.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Added to a lease before it counts as over: S3 tells the time in whole seconds.
const LEASE_SLACK: Duration = Duration::from_secs(2);

/// What a run means to do, and from where.
pub(super) struct Intention {
    pub(super) live: Live,
    pub(super) plan: Plan,
}

impl Run<'_> {
    /// The content of the folder under what `head` knows: path, bytes and headers of every file.
    fn content(&self, head: &Head, cdn: CdnView<'_>) -> Files {
        let mutable_paths = head.mutable_paths.union(&self.mutable_paths).cloned().collect();
        let context = RuleContext { mutable_paths: &mutable_paths, cdn, layout: &self.environment.layout };
        self.rules.files(&self.snapshot.files, &context)
    }

    /// How the files compare with what is live, if the head alone says that there is nothing to do. Anything
    /// unfinished, and a distribution of which the head knows nothing yet, must be looked into.
    pub(super) fn unchanged(&self, head: &Head) -> Option<FileCounts> {
        let active = head.active.as_ref().filter(|_| head.is_settled())?;
        let cdn = match (&self.environment.distribution, &head.distribution) {
            (None, _) => CdnView::None,
            (Some(configured), Some(facts)) if facts.id == *configured => CdnView::of(facts),
            (Some(_), _) => return None,
        };
        let files = self.content(head, cdn);
        let fingerprinted = files.values().filter(|entry| entry.kind == Kind::Fingerprinted).count();
        let total = files.len();
        (content_digest(&files) == active.content).then(|| FileCounts {
            total,
            fingerprinted,
            unchanged: total,
            ..FileCounts::default()
        })
    }

    /// Waits while somebody else activates or prunes and their lease lasts, by S3's clock.
    pub(super) async fn when_free(&self, mut pointer: Pointer) -> Result<Pointer, Problem> {
        while let Some((whom, lease)) = busy(&pointer.head, &self.request.run) {
            let Some(remaining) =
                lease.saturating_add(LEASE_SLACK).checked_sub(pointer.age).filter(|left| !left.is_zero())
            else {
                break;
            };
            self.events.send(Event::Waiting { for_whom: whom, remaining_s: remaining.as_secs() });
            tokio::time::sleep(LOOK_AGAIN.min(remaining)).await;
            pointer = self.state.read_head().await?;
        }
        Ok(pointer)
    }

    /// Finds out what is live and plans from there to the folder, or to what is staged already.
    pub(super) async fn intend(&mut self, pointer: &Pointer, staged: Option<&Staged>) -> Result<Intention, Problem> {
        self.read_distribution(&pointer.head).await?;
        let facts = self.facts.clone();
        let cdn = facts.as_ref().map_or(CdnView::None, CdnView::of);
        let layout = &self.environment.layout;
        let mut live = live::read(&self.state, &pointer.head).await?;
        let target = match staged {
            Some(staged) => staged.manifest.files.clone(),
            None => {
                let wanted = self.content(&pointer.head, cdn);
                let lied = names_that_lied(&live, &wanted);
                if lied.is_empty() {
                    wanted
                } else {
                    self.mutable_paths.extend(lied);
                    self.content(&pointer.head, cdn)
                }
            }
        };
        live = live::survey(&self.aws.store, &self.state, layout, live, &target, self.foreign()).await?;
        let plan = Plan::between(&live, target, self.policy(cdn));
        self.events.send(Event::Planned { files: plan.counts });
        Ok(Intention { live, plan })
    }

    /// Plans anew when staging found fingerprinted files with other headers at their keys: they are live, so that they
    /// are to be put right and forgotten by the CDN.
    pub(super) fn replan(&self, intention: &mut Intention, staged: &Staged) {
        for (path, headers) in &staged.other_headers {
            if let Some(entry) = staged.manifest.files.get(path) {
                let present = Entry { headers: headers.clone(), ..entry.clone() };
                intention.live.uncertain.remove(path);
                intention.live.files.insert(path.clone(), present);
            }
        }
        let cdn = self.facts.as_ref().map_or(CdnView::None, CdnView::of);
        intention.plan = Plan::between(&intention.live, staged.manifest.files.clone(), self.policy(cdn));
    }

    pub(super) fn policy<'p>(&'p self, cdn: CdnView<'p>) -> Policy<'p> {
        let max_paths = self.environment.invalidation.max_paths;
        Policy { layout: &self.environment.layout, cdn, remove_now: &self.remove_now, max_paths }
    }

    pub(super) fn foreign(&self) -> Foreign {
        if self.request.overwrite { Foreign::Overwrite } else { Foreign::Refuse }
    }

    /// Reads once a run what the distribution does that decides headers and URLs.
    async fn read_distribution(&mut self, head: &Head) -> Result<(), Problem> {
        let (Some(cdn), None) = (&self.aws.cdn, &self.facts) else { return Ok(()) };
        let facts = match cdn.facts(&self.environment.layout.identity().bucket).await {
            Ok(facts) => facts,
            Err(error) if error.is_denied() => {
                self.events.warn(format!(
                    "The configuration of distribution {} may not be read (cloudfront:GetDistributionConfig).",
                    cdn.distribution()
                ));
                known_before(head, cdn.distribution())
            }
            Err(error) => return Err(error.into()),
        };
        let prefix = self.environment.layout.live_prefix();
        if facts.readable && facts.below_root(&format!("{}x", prefix.key)).is_none() {
            let message =
                format!("distribution {} serves what lies below {:?}, and not {prefix}", facts.id, facts.origin_path);
            return Err(Problem::new(Code::Configuration, message)
                .hint("Set `prefix` to the distribution's origin path, or `distribution` to the one that serves it."));
        }
        self.facts = Some(facts);
        Ok(())
    }
}

/// What another run, whose credentials could, read of the distribution: so that who publishes does not decide what is
/// published. Where nobody ever could, nothing is known.
fn known_before(head: &Head, distribution: &str) -> DistributionFacts {
    let before = head.distribution.clone().filter(|facts| facts.id == distribution);
    before.unwrap_or_else(|| DistributionFacts { id: distribution.to_owned(), ..DistributionFacts::default() })
}

/// Fingerprinted names whose live bytes are others than those they are to have.
fn names_that_lied(live: &Live, wanted: &Files) -> BTreeSet<SitePath> {
    let lied = wanted.iter().filter(|(path, entry)| {
        entry.kind == Kind::Fingerprinted && live.files.get(*path).is_some_and(|present| !present.same_bytes(entry))
    });
    lied.map(|(path, _)| path.clone()).collect()
}

/// Who is activating or pruning just now, in words, and how long their lease lasts after the head's last write.
fn busy(head: &Head, run: &RunId) -> Option<(String, Duration)> {
    let by = |publisher: &Publisher, owner: &RunId| match (&publisher.who, &publisher.place) {
        (Some(who), Some(place)) => format!("{who} on {place}"),
        (Some(who), None) => who.clone(),
        _ => format!("run {owner}"),
    };
    let activation = head.activation.as_ref().filter(|activation| activation.owner != *run);
    let activating = activation.map(|activation| {
        let whom = by(&activation.publisher, &activation.owner);
        (format!("{whom}, who activates release {}", activation.to), activation.lease())
    });
    let pruning = head.pruning.as_ref().filter(|pruning| pruning.owner != *run);
    let pruning = || pruning.map(|pruning| (format!("run {}, which prunes", pruning.owner), pruning.lease()));
    activating.or_else(pruning)
}

//! Checks and questions before anything is written.

use super::caller::{Ask, Reply};
use super::going_back::question;
use super::intention::Intention;
use super::order::Order;
use super::session::{Session, active_release};
use crate::bucket::aws::Encoding;
use crate::content::path::UrlPath;
use crate::plan::Plan;
use crate::release::head::{Head, Hold};
use crate::release::layout::Address;
use crate::release::manifest::Claim;
use crate::report::error::{Code, Problem};
use crate::stages::policy;

/// Largest answer that is read to see whether the state is public, in bytes.
const MAX_STATE_BYTES: u64 = 64 << 20;

impl Session<'_> {
    /// Stops at a hold, and asks for confirmation of anything that could be a mistake.
    pub(super) fn may_go_on(
        &self,
        head: &Head,
        order: &Order,
        intention: &Intention,
        ask: Ask<'_>,
    ) -> Result<(), Problem> {
        let (Order { goal, terms }, plan) = (order, &intention.plan);
        // A hold does not stop rollbacks and repairs: they are deliberate.
        if let Some(hold) = head.hold.as_ref().filter(|_| terms.rollback.is_none() && terms.repair.is_none()) {
            return Err(Problem::new(Code::Held, held(hold)).hint(
                "Ask the person who set it; `publish resume` ends the hold, and then `publish` publishes again.",
            ));
        }
        self.check_home_page(order, intention, ask)?;
        if self.caller.yes {
            return Ok(());
        }
        if let (Some(_), Some(manifest)) = (terms.rollback, goal.manifest()) {
            return self.confirmed(&question(head, plan, manifest, terms), ask, || {
                let live =
                    active_release(head).map(|live| format!(" would replace release {live}")).unwrap_or_default();
                let message = format!("confirmation needed: release {}{live}", manifest.release);
                Problem::new(Code::Usage, message).hint("Add --yes to confirm.")
            });
        }
        if !self.removes_too_much(plan) {
            return Ok(());
        }
        let (live, leaving) = plan.leaving;
        let message = format!("{leaving} of {live} live files would leave the site");
        self.confirmed(&format!("{message}. Continue?"), ask, || {
            Problem::new(Code::TooManyRemovals, message.clone())
                .hint("If that is intended, use --yes, or raise `max_removed_percent` under [publish].")
        })
    }

    /// Whether more live files would leave the site than are allowed without a question.
    pub(super) fn removes_too_much(&self, plan: &Plan) -> bool {
        plan.removed_percent() > usize::from(self.environment.publish.max_removed_percent)
    }

    /// Says that publishing is held, if the hold does not stop this run.
    pub(super) fn say_that_it_is_held(&self, head: &Head) {
        if let Some(hold) = &head.hold {
            let held = held(hold);
            self.events.warn(format!("P{}. A publish with changes is refused until `publish resume`.", &held[1..]));
        }
    }

    /// Says which hold is replaced, and its reason, if this run gives another one.
    pub(super) fn say_what_hold_is_replaced(&self, head: &Head, reason: Option<&str>) {
        if let Some(before) = head.hold.as_ref().filter(|_| self.held(head, reason).is_some()) {
            self.events.warn(format!("This replaces an earlier hold: {}.", held(before)));
        }
    }

    pub(super) fn confirmed(
        &self,
        question: &str,
        ask: Ask<'_>,
        unasked: impl FnOnce() -> Problem,
    ) -> Result<(), Problem> {
        match ask(question) {
            Reply::Yes => Ok(()),
            Reply::No => Err(Problem::new(Code::Declined, "cancelled")),
            Reply::Interrupted => Err(self.course.stopped()),
            Reply::CannotAsk => Err(unasked()),
        }
    }

    /// Visitors who can read the state learn what is staged and who publishes. Checked if the distribution, or the lack of
    /// a prefix, makes the state reachable. Before the first publish there is no state to fetch: then the run checks its
    /// claim, as soon as that is written ([`Session::check_claim_is_hidden`]).
    pub(super) async fn check_state_is_hidden(&self, head: &Head) -> Result<(), Problem> {
        if head.active.is_none() {
            return Ok(());
        }
        self.check_is_hidden(&self.environment.layout.head(), |body| self.state.is_head(body)).await
    }

    /// The same check in a first publish, which has written its `claim` and nothing else.
    pub(super) async fn check_claim_is_hidden(&self, claim: &Claim) -> Result<(), Problem> {
        let is_claim = |body: &[u8]| Claim::decode(body).is_ok_and(|found| found.run == claim.run);
        self.check_is_hidden(&self.environment.layout.claim(claim.release), is_claim).await
    }

    /// Says that a publish would check for the first time whether the state is hidden.
    pub(super) fn warn_of_state_within_reach(&self) {
        if !self.environment.publish.public_state && self.state_is_within_reach() {
            let policy = self.hiding_policy();
            self.events.warn(format!(
                "publish's own files (releases, who published them) may be publicly readable. `publish` stops if they \
                 are. Hide them with this bucket policy statement, or set `public_state = true` under [publish]: \
                 {policy}"
            ));
        }
    }

    async fn check_is_hidden(&self, object: &Address, is_ours: impl Fn(&[u8]) -> bool) -> Result<(), Problem> {
        let layout = &self.environment.layout;
        if self.environment.publish.public_state || !self.state_is_within_reach() {
            return Ok(());
        }
        let policy = self.hiding_policy();
        let site = self.environment.url.as_deref().and_then(|url| root_of(url, &layout.identity().prefix));
        let Some(root) = site else {
            self.events
                .warn(format!("Hide publish's own files from visitors with this bucket policy statement: {policy}"));
            return Ok(());
        };
        let state = format!("{root}{}", UrlPath::encode(self.below_origin_path(&object.key).unwrap_or_default()));
        match self.aws.fetcher.fetch(&state, Encoding::Identity, MAX_STATE_BYTES).await {
            Ok(answer) if is_ours(&answer.body) => {}
            Ok(_) => return Ok(()),
            Err(error) => {
                self.events.warn(format!(
                    "Cannot tell whether publish's own files are publicly readable: {error}. This bucket policy \
                     statement hides them: {policy}"
                ));
                return Ok(());
            }
        }
        let message = format!("publish's own files are publicly readable at {state}");
        Err(Problem::new(Code::Configuration, message).hint(format!(
            "Add this statement to the bucket policy: {policy} Or, if they may be public, set `public_state = true` \
             under [publish]."
        )))
    }

    fn hiding_policy(&self) -> String {
        policy::hide_state(&self.environment.layout, self.aws.store.region())
    }

    /// Whether the CDN serves the state's keys: not if they lie outside its origin path or in another bucket. If the origin
    /// path is unknown, the site's address shows that there is none if it contains the whole live prefix, or if that prefix
    /// is empty.
    fn state_is_within_reach(&self) -> bool {
        let layout = &self.environment.layout;
        let state = layout.head();
        let known = self.own_configuration().is_some_and(|read| read.facts.readable);
        let prefix = &layout.identity().prefix;
        let has_no_origin_path =
            || prefix.is_empty() || self.environment.url.as_deref().is_some_and(|url| has_all_of(url, prefix));
        let by_origin_path = if known { self.below_origin_path(&state.key).is_some() } else { has_no_origin_path() };
        state.bucket == layout.identity().bucket && by_origin_path
    }

    /// The path of a key at the distribution, as far as its configuration is known; `None` if no behavior leads to it.
    fn below_origin_path<'k>(&self, key: &'k str) -> Option<&'k str> {
        match self.own_configuration() {
            Some(read) if read.facts.readable => read.facts.places(key).first().copied(),
            _ => Some(key),
        }
    }
}

/// Who holds publishing, since when, and why.
fn held(hold: &Hold) -> String {
    let why = hold.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("publishing is held by {} since {}{why}", hold.publisher.name(), hold.since.to_the_minute())
}

/// Whether a site's address contains the whole live prefix.
fn has_all_of(url: &str, prefix: &str) -> bool {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest).split_once('/').map_or("", |(_, path)| path);
    path.trim_matches('/') == prefix.trim_matches('/')
}

/// The root address of the distribution, if the site's address is below it by its live prefix or a part of that.
fn root_of(url: &str, prefix: &str) -> Option<String> {
    let prefix = prefix.trim_matches('/');
    let host = url.find("://").map_or(0, |at| at + 3);
    match url[host..].split_once('/') {
        None => Some(url.to_owned()),
        Some((authority, path)) => {
            prefix.ends_with(path.trim_matches('/')).then(|| format!("{}{authority}", &url[..host]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{has_all_of, root_of};

    #[test]
    fn an_address_with_all_of_the_prefix_hides_nothing() {
        assert!(has_all_of("https://example.com/nine/", "nine"));
        assert!(has_all_of("https://example.com/a/nine", "a/nine/"));
        for url in ["https://example.com", "https://example.com/live", "https://example.com/a/nine"] {
            assert!(!has_all_of(url, "nine"), "{url}");
        }
    }

    #[test]
    fn the_root_is_found_where_the_site_lies_below_it_by_its_prefix() {
        assert_eq!(root_of("https://example.com", "live/").as_deref(), Some("https://example.com"));
        assert_eq!(root_of("https://example.com/docs", "docs/").as_deref(), Some("https://example.com"));
        assert_eq!(root_of("https://example.com/docs", "live/docs/").as_deref(), Some("https://example.com"));
        assert_eq!(root_of("https://example.com/elsewhere", "docs/"), None);
    }
}

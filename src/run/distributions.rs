//! Reads the configuration of the environment's distributions, and warns of settings that matter to the user.

use std::collections::BTreeMap;

use super::session::Session;
use crate::bucket::aws::{Cdn, Configuration};
use crate::release::head::{Caching, Head, Learnt, Reach, Tagging};
use crate::report::error::{Code, Problem};

impl Session<'_> {
    /// What this run has read of the environment's distributions.
    pub(super) fn learnt(&self) -> Vec<Learnt<'_>> {
        let read = self.configurations.iter();
        read.map(|(id, read)| Learnt {
            distribution: id,
            facts: &read.facts,
            config_etag: read.etag.as_deref(),
            is_new: read.is_new,
            is_deployed: read.is_deployed,
        })
        .collect()
    }

    /// What this run has read of the first one.
    pub(super) fn own_configuration(&self) -> Option<&Configuration> {
        self.configurations.get(self.own()?)
    }

    /// Reads, once a run, the settings of the environment's distributions that decide headers and URLs. The settings of all
    /// distributions are these and those recorded in `head`.
    pub(super) async fn read_distributions(&mut self, head: &Head) -> Result<(), Problem> {
        let read = self.read_configurations(head).await?;
        self.learn(read, head);
        Ok(())
    }

    /// The settings of the environment's distributions, by their ids; empty if this run has them already.
    pub(super) async fn read_configurations(&self, head: &Head) -> Result<BTreeMap<String, Configuration>, Problem> {
        let mut configurations = BTreeMap::new();
        let Some(cdn) = self.aws.cdn.as_ref().filter(|_| self.configurations.is_empty()) else {
            return Ok(configurations);
        };
        for id in self.environment.distributions() {
            let cdn = cdn.other(id);
            let mut read = self.configuration_of(&cdn, head).await?;
            read.is_deployed = self.may_begin_with_tags(&cdn, head, &read).await?;
            configurations.insert(id.to_owned(), read);
        }
        Ok(configurations)
    }

    /// Stores what was `read` of the environment's distributions for the rest of the run, and warns of settings that matter.
    pub(super) fn learn(&mut self, read: BTreeMap<String, Configuration>, head: &Head) {
        if !read.is_empty() {
            self.configurations = read;
            for (id, read) in &self.configurations {
                self.say_how_it_keeps(id, head, &read.facts.caching);
            }
        }
        self.know(head);
    }

    /// The settings that `head` records of all distributions, with what was read of the environment's own.
    pub(super) fn know(&mut self, head: &Head) {
        self.distributions.clone_from(&head.distributions);
        for (id, read) in &self.configurations {
            self.distributions.entry(id.clone()).or_default().facts = read.facts.clone();
        }
        let is_read = self.own().is_some_and(|own| self.configurations.contains_key(own));
        let is_unseen = self.own().is_some_and(|own| head.may_be_kept() && head.is_unseen_by(own));
        self.is_unseen = is_read && is_unseen;
        self.tagging = head.tagging(&self.learnt());
    }

    /// If files of a release are lost, their keys may hold other objects without cache tags.
    pub(super) fn tag_nothing_where_something_is_lost(&mut self) {
        if !self.lost.is_empty() {
            self.tagging = Tagging::default();
        }
    }

    /// Whether a distribution reads cache tags as configured, at every edge. Asked only if tags are not in use yet and could be.
    /// Costs a request.
    async fn may_begin_with_tags(&self, cdn: &Cdn, head: &Head, read: &Configuration) -> Result<bool, Problem> {
        let (id, etag) = (cdn.distribution(), read.etag.as_deref());
        let could = read.is_new && read.facts.caching.has_tags && etag.is_some() && head.may_begin_to_count();
        if !could || head.count_under(id, etag) {
            return Ok(false);
        }
        match cdn.is_deployed(etag).await {
            Err(error) if error.is_denied() => {
                self.events.warn(format!(
                    "The credentials are not allowed to check whether distribution {id} is deployed (cloudfront:GetDistribution). \
                     Without this permission, publish refreshes paths instead of cache tags."
                ));
                Ok(false)
            }
            asked => Ok(asked?),
        }
    }

    async fn configuration_of(&self, cdn: &Cdn, head: &Head) -> Result<Configuration, Problem> {
        let id = cdn.distribution();
        let read = match cdn.configuration(&self.environment.layout.live_prefix()).await {
            Ok(read) => read,
            Err(error) if error.is_denied() => {
                self.events.warn(format!(
                    "The credentials are not allowed to read the configuration of distribution {id} \
                     (cloudfront:GetDistributionConfig). publish also needs cloudfront:CreateInvalidation and \
                     cloudfront:GetInvalidation on it, but cannot test them before it switches the site: \
                     config/iam/publisher.json in publish's repository grants all three."
                ));
                known_before(head, id)
            }
            Err(error) => return Err(error.into()),
        };
        let (facts, prefix) = (&read.facts, self.environment.layout.live_prefix());
        let was_readable = head.distributions.get(id).is_none_or(|known| known.facts.readable);
        if let Some(parameter) = read.unresolved.as_ref().filter(|_| was_readable) {
            self.events.warn(format!(
                "An origin of {id} contains {parameter}, which has neither a value of the tenant nor a default. So publish \
                 cannot tell which addresses the site has there: it refreshes all that it may have, and the CDN keeps no page."
            ));
        }
        // `url` covers all of the site. Another distribution may serve a folder of it.
        let is_reached = match Reach::of(&facts.origin_path, &prefix.key) {
            Reach::All => true,
            Reach::Some => self.own() != Some(id),
            Reach::Nothing => false,
        };
        if facts.readable && !is_reached {
            let message = format!("distribution {id} serves {:?}, not {prefix}", facts.origin_path);
            return Err(Problem::new(Code::Configuration, message)
                .hint("Set `prefix` to the distribution's origin path, or `distribution` to the one that serves it."));
        }
        Ok(read)
    }

    /// Warns of how a distribution caches answers, unless the head records that the warning was given.
    fn say_how_it_keeps(&self, id: &str, head: &Head, now: &Caching) {
        let before = head.distributions.get(id).map(|known| known.facts.caching.clone()).unwrap_or_default();
        if now.least_s > 0 && now.least_s != before.least_s {
            self.events.warn(format!(
                "Distribution {id} caches responses for {} s whatever their headers say (Minimum TTL): `no-store`, \
                 `private` and `max-age=0` have no effect there until that time is over or the path is refreshed.",
                now.least_s
            ));
        }
        if now.is_guessed && !before.is_guessed {
            self.events.warn(format!(
                "The credentials are not allowed to read a cache policy of distribution {id} (cloudfront:GetCachePolicy). \
                 It may cache query strings separately, so a refresh also removes every URL from the CDN that begins \
                 with a changed one."
            ));
        }
        let names_staging = self.configurations.values().any(|read| read.is_staging);
        if now.has_staging && !before.has_staging && !names_staging {
            self.events.warn(format!(
                "Distribution {id} has a continuous deployment policy: its staging distribution has its own cache, which \
                 publish does not refresh unless `distribution` names it too."
            ));
        }
    }
}

/// What an earlier run with the permission read of the distribution, so that the result of a publish does not depend on
/// its credentials. Unknown if no run ever had the permission.
fn known_before(head: &Head, distribution: &str) -> Configuration {
    let before = head.distributions.get(distribution).cloned().unwrap_or_default();
    let (facts, etag, may_answer_missing) = (before.facts, before.config_etag, true);
    Configuration { facts, etag, may_answer_missing, ..Configuration::default() }
}

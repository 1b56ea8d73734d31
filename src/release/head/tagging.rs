//! Whether an activation writes cache tags, and for which distributions they may replace paths.

use std::collections::BTreeMap;

use super::{Distribution, HeadFields, Learnt};

/// How a distribution uses cache tags in an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagUse {
    /// From now on they may replace paths: all objects carry theirs, and everything is refreshed once.
    Begins,
    /// All that it keeps of mutable files is known by its tags.
    Counts,
}

/// How an activation goes about cache tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tagging {
    /// Whether live mutable objects are written with their tags.
    pub writes: bool,
    /// Whether not all of them are known to carry theirs, so that all are to be written.
    pub begins: bool,
    /// How each distribution uses them; one that is not named gets paths only.
    pub uses: BTreeMap<String, TagUse>,
}

impl Tagging {
    /// None at all.
    pub const NONE: &'static Tagging = &Tagging { writes: false, begins: false, uses: BTreeMap::new() };
}

impl HeadFields {
    /// How an activation that begins from this head, and has `learnt` so much of distributions, goes about cache tags.
    ///
    /// They begin only where nothing unfinished may still write, or leave, an object without them.
    pub fn tagging(&self, learnt: &[Learnt<'_>]) -> Tagging {
        let is_clean = self.activation.is_none() && self.suspects.is_empty() && self.leftovers.is_empty();
        let others = self.distributions.iter().filter(|(id, _)| learnt.iter().all(|one| one.distribution != *id));
        let is_wanted = others.map(|(_, known)| &known.facts).chain(learnt.iter().map(|one| one.facts));
        let writes = is_wanted.into_iter().any(|facts| facts.caching.has_tags) && (self.tagged || is_clean);
        let read = learnt.iter().filter(|one| writes && is_clean && one.facts.caching.has_tags);
        let uses = read.filter_map(|one| {
            let counts = self.tagged && one.is_new && self.count_under(one.distribution, one.config_etag);
            let begins = one.is_deployed && self.may_begin_to_count();
            let used = if counts { Some(TagUse::Counts) } else { begins.then_some(TagUse::Begins) };
            used.filter(|_| one.config_etag.is_some()).map(|used| (one.distribution.to_owned(), used))
        });
        Tagging { writes, begins: writes && !self.tagged, uses: uses.collect() }
    }

    /// Whether a distribution that forgets everything knows by tags what it keeps from then on: all objects carry theirs
    /// already, or nothing is live yet.
    pub fn may_begin_to_count(&self) -> bool {
        self.tagged || !self.may_be_kept()
    }

    /// Whether tags count for a distribution whose configuration has this ETag.
    pub fn count_under(&self, distribution: &str, config_etag: Option<&str>) -> bool {
        let known = self.distributions.get(distribution).and_then(|known| known.tagged_under.as_deref());
        self.tagged && known.is_some() && known == config_etag
    }
}

impl Distribution {
    /// Under another configuration, the copies may have other tags, or none.
    pub(super) fn counts_no_tags_unless_under(&mut self, config_etag: Option<&str>) {
        self.tagged_under = self.tagged_under.take().filter(|etag| Some(etag.as_str()) == config_etag);
    }
}

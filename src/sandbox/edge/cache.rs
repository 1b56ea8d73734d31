//! The cache of one location, and its pending invalidations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::compression::Encodings;
use crate::sandbox::content::Content;
use crate::sandbox::spelling::canonical;

/// A cached answer at a location. Each viewer's answer is made from it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
    /// The ETag of the origin's object, without quotation marks, for revalidation; `None` for
    /// the answer to an error, which is fetched again.
    pub(super) etag: Option<String>,
    /// Its cache tags, in lower case.
    pub(super) tags: Vec<String>,
    /// The time when the origin last confirmed it.
    pub(super) since: Timestamp,
    /// How long it may be served without asking the origin.
    pub(super) lifetime: Duration,
}

impl Kept {
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now.duration_since(self.since)
            < jiff::SignedDuration::try_from(self.lifetime).unwrap_or(jiff::SignedDuration::MAX)
    }
}

/// What to evict, and from when on.
#[derive(Clone, Debug)]
struct Due {
    at: Timestamp,
    distribution: String,
    paths: Vec<String>,
}

/// The variant of an address's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variant {
    /// The behavior that it was requested through: if a function maps two addresses to one, they may have two behaviors.
    pub(super) behavior: usize,
    pub(super) encodings: Encodings,
}

/// The variants of each answer, by distribution and key.
type Answers = BTreeMap<(String, String), BTreeMap<Variant, Arc<Kept>>>;

/// The cache of one location.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    /// How long after its creation an invalidation takes effect here.
    pub(super) delay: Duration,
    answers: Answers,
    due: Vec<Due>,
}

impl Cache {
    pub(super) fn get(&self, distribution: &str, key: &str, variant: Variant) -> Option<&Arc<Kept>> {
        self.answers.get(&(distribution.to_owned(), key.to_owned()))?.get(&variant)
    }

    pub(super) fn put(&mut self, distribution: &str, key: &str, variant: Variant, kept: Arc<Kept>) {
        self.answers.entry((distribution.to_owned(), key.to_owned())).or_default().insert(variant, kept);
    }

    pub(super) fn remove(&mut self, distribution: &str, key: &str, variant: Variant) {
        if let Some(variants) = self.answers.get_mut(&(distribution.to_owned(), key.to_owned())) {
            variants.remove(&variant);
        }
    }

    pub(super) fn clear(&mut self) {
        self.answers.clear();
        self.due.clear();
    }

    /// All answers, by distribution, key and variant.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str, Encodings, &Kept)> {
        self.answers.iter().flat_map(|((distribution, key), variants)| {
            let shown = move |(variant, kept)| (distribution.as_str(), key.as_str(), variant, kept);
            variants.iter().map(|(variant, kept)| (variant.encodings, kept.as_ref())).map(shown)
        })
    }

    /// Forgets `paths` as soon as this location's delay has passed.
    pub(super) fn forget_later(&mut self, distribution: &str, paths: &[String], now: Timestamp) {
        let at = now.saturating_add(self.delay).unwrap_or(Timestamp::MAX);
        self.due.push(Due { at, distribution: distribution.to_owned(), paths: paths.to_vec() });
        // Anything cached from now on is newer than the invalidation.
        self.forget_what_is_due(now);
    }

    pub(super) fn forget_what_is_due(&mut self, now: Timestamp) {
        for due in self.due.extract_if(.., |due| due.at <= now) {
            for path in &due.paths {
                forget(&mut self.answers, &due.distribution, path);
            }
        }
    }
}

/// All variants of an address are evicted together; a `*` is a wildcard only as the last character (AWS.md 1.1). A tag evicts
/// every answer that has it, at any address (AWS.md 1.6).
fn forget(answers: &mut Answers, distribution: &str, path: &str) {
    if let Some(tag) = path.strip_prefix('#') {
        let tag = tag.to_ascii_lowercase();
        for (_, variants) in answers.iter_mut().filter(|((of, _), _)| of == distribution) {
            variants.retain(|_, kept| !kept.tags.contains(&tag));
        }
        return;
    }
    match path.strip_suffix('*') {
        None => {
            answers.remove(&(distribution.to_owned(), canonical(path)));
        }
        Some(start) => {
            let start = canonical(start);
            answers.retain(|(of, key), _| of != distribution || !key.starts_with(&start));
        }
    }
}

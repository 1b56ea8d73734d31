//! What the sandbox knows of a CloudFront distribution.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use super::caching::{CachePolicy, Caching};

/// A distribution with one S3 origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Its id, such as `E1SANDBOX`.
    pub id: String,
    /// The origin bucket.
    pub bucket: String,
    /// What is put before every path to make a key: `/live`, or empty.
    pub origin_path: String,
    /// Served for `/` and for nothing else (AWS.md 2.3).
    pub default_root_object: Option<String>,
    /// Custom error pages (AWS.md 2.2).
    pub custom_errors: Vec<CustomError>,
    /// Whether a viewer-request function turns `/dir/`, and `/dir` where the last segment has no dot, into
    /// `/dir/index.html`.
    pub index_pages: bool,
}

/// How one error status of the origin is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomError {
    /// The origin's status, such as 403.
    pub error_code: u16,
    /// The page sent instead, such as `/404.html`.
    pub response_page_path: Option<String>,
    /// The status sent instead.
    pub response_code: Option<u16>,
    /// How long edges may keep the error.
    pub error_caching_min_ttl: Duration,
}

/// All distributions, which tests may change while the sandbox runs.
#[derive(Debug)]
pub(super) struct Distributions {
    all: RwLock<Vec<Distribution>>,
    caching: RwLock<BTreeMap<String, Caching>>,
}

impl Distributions {
    pub(super) fn new(distributions: Vec<Distribution>) -> Distributions {
        Distributions { all: RwLock::new(distributions), caching: RwLock::default() }
    }

    pub(super) fn get(&self, id: &str) -> Option<Distribution> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|distribution| distribution.id == id).cloned()
    }

    /// The one the site is served from.
    pub(super) fn first(&self) -> Option<Distribution> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }

    /// Replaces the distribution of the same id, or adds it.
    pub(super) fn set(&self, changed: Distribution) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|distribution| distribution.id == changed.id) {
            Some(distribution) => *distribution = changed,
            None => all.push(changed),
        }
    }

    /// How a distribution says that it keeps answers.
    pub(super) fn caching(&self, id: &str) -> Caching {
        self.caching.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned().unwrap_or_default()
    }

    /// A cache policy that a distribution has.
    pub(super) fn policy(&self, id: &str) -> Option<CachePolicy> {
        let caching = self.caching.read().unwrap_or_else(PoisonError::into_inner);
        caching.values().filter_map(|caching| caching.policy.as_ref()).find(|policy| policy.id == id).cloned()
    }

    pub(super) fn set_caching(&self, id: &str, caching: Caching) {
        self.caching.write().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), caching);
    }
}

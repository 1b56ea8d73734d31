//! What the sandbox knows of a CloudFront distribution.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

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
    /// Whether a function turns `/dir/`, and `/dir` where the last segment has no dot, into `/dir/index.html`.
    pub index_pages: bool,
    /// Whether that function stands at the origin and not at the viewer: then edges keep answers under the addresses that
    /// viewers ask for, `/page` may also be `/page.html`, and a bare plus is a plus.
    pub rewrites_at_origin: bool,
    /// What edges keep, under which keys, and for how long.
    pub caching: Caching,
}

impl Default for Distribution {
    /// `E1SANDBOX` in front of the bucket `sandbox`, without an origin path or custom errors.
    fn default() -> Distribution {
        Distribution {
            id: "E1SANDBOX".to_owned(),
            bucket: "sandbox".to_owned(),
            origin_path: String::new(),
            default_root_object: Some("index.html".to_owned()),
            custom_errors: Vec::new(),
            index_pages: true,
            rewrites_at_origin: false,
            caching: Caching::default(),
        }
    }
}

/// The default behaviour's cache policy, or the settings that older distributions have in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caching {
    /// The cache policy's id; `None`: the older form, with `ForwardedValues` and TTLs in the behaviour itself.
    pub policy: Option<String>,
    /// The least time that an answer is kept, whatever the origin says. In whole seconds, as all three.
    pub min_ttl: Duration,
    /// How long an answer is kept of which the origin says nothing.
    pub default_ttl: Duration,
    /// The longest time that an answer is kept; 0: nothing is.
    pub max_ttl: Duration,
    /// Whether answers are kept apart by the query string.
    pub query_strings: bool,
    /// Whether answers are kept apart for viewers that take gzip. A policy says so; the older form follows `compress`.
    pub gzip: bool,
    /// The same for brotli, which the older form does not know.
    pub brotli: bool,
    /// Whether edges compress.
    pub compress: bool,
}

impl Default for Caching {
    /// The managed policy CachingOptimized (AWS.md 2.5), with compression.
    fn default() -> Caching {
        Caching {
            policy: Some("658327ea-f89d-4fab-a63d-7e88639e58f6".to_owned()),
            min_ttl: Duration::from_secs(1),
            default_ttl: Duration::from_secs(86_400),
            max_ttl: Duration::from_secs(31_536_000),
            query_strings: false,
            gzip: true,
            brotli: true,
            compress: true,
        }
    }
}

impl Caching {
    /// The managed policy CachingDisabled (AWS.md 2.5).
    #[must_use]
    pub fn disabled() -> Caching {
        Caching {
            policy: Some("4135ea2d-6df8-44a3-9df3-4b5a84be39ad".to_owned()),
            min_ttl: Duration::ZERO,
            default_ttl: Duration::ZERO,
            max_ttl: Duration::ZERO,
            query_strings: false,
            gzip: false,
            brotli: false,
            compress: true,
        }
    }
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
pub(super) struct Distributions(RwLock<Vec<Distribution>>);

impl Distributions {
    pub(super) fn new(distributions: Vec<Distribution>) -> Distributions {
        Distributions(RwLock::new(distributions))
    }

    pub(super) fn get(&self, id: &str) -> Option<Distribution> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|distribution| distribution.id == id).cloned()
    }

    /// The one the site is served from.
    pub(super) fn first(&self) -> Option<Distribution> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }

    /// Replaces the distribution of the same id, or adds it.
    pub(super) fn set(&self, changed: Distribution) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|distribution| distribution.id == changed.id) {
            Some(distribution) => *distribution = changed,
            None => all.push(changed),
        }
    }
}

//! The settings of a CloudFront distribution in the sandbox.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::caching::{Behavior, Caching};

/// A distribution in front of an S3 bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Its id, such as `E1SANDBOX`.
    pub id: String,
    /// The origin bucket.
    pub bucket: String,
    /// The prefix that turns every path into a key: `/live`, or empty.
    pub origin_path: String,
    /// Served for `/` and for nothing else (AWS.md 2.3).
    pub default_root_object: Option<String>,
    /// Custom error pages (AWS.md 2.2).
    pub custom_errors: Vec<CustomError>,
    /// If the origin is a website endpoint, the key of the bucket's error document: a missing object is a 404 with it. Affects
    /// only the API's domain name and errors; index pages ignore it.
    pub website_error: Option<String>,
    /// How index pages in folders are found. Applies to the default behavior.
    pub index_pages: IndexPages,
    /// How the default behavior caches answers.
    pub caching: Caching,
    /// Further behaviors, in the order in which they are tried.
    pub behaviors: Vec<Behavior>,
    /// The id of a continuous deployment policy. The API reports it, but no request is routed to a staging distribution.
    pub continuous_deployment: Option<String>,
    /// Whether it is the staging distribution of another one. The API reports it.
    pub staging: bool,
    /// The header with an answer's cache tags (`CacheTagConfig`).
    pub cache_tag_header: Option<String>,
    /// The entity tag of its configuration.
    pub config_etag: String,
    /// For a tenant, the id of its multi-tenant distribution, and the tenant's parameters. A tenant has its own cache,
    /// and the API knows it only as a tenant.
    pub tenant_of: Option<(String, Vec<(String, String)>)>,
    /// For a multi-tenant distribution, the parameters that tenants may set, with their defaults.
    pub parameters: Vec<(String, Option<String>)>,
    /// Whether the API reports that its configuration is deployed everywhere; the edge follows it at once.
    pub deployed: bool,
}

/// The rewriting of `/dir/`, and of `/dir` if the last segment has no dot, to `/dir/index.html`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexPages {
    /// None: only the default root object is found.
    None,
    /// A viewer-request CloudFront Function: edges cache answers under the rewritten path (AWS.md 3.1).
    Function,
    /// A viewer-request Lambda@Edge function, which does the same.
    LambdaAtViewer,
    /// An origin-request Lambda@Edge function: edges cache answers under the addresses that viewers request. It
    /// also finds `/page.html` for `/page`, and treats a bare plus as a plus.
    LambdaAtOrigin,
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
            website_error: None,
            index_pages: IndexPages::Function,
            caching: Caching::default(),
            behaviors: Vec::new(),
            continuous_deployment: None,
            staging: false,
            cache_tag_header: None,
            config_etag: "E2SANDBOXCONFIG".to_owned(),
            tenant_of: None,
            parameters: Vec::new(),
            deployed: true,
        }
    }
}

/// What a behavior does with its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Served<'d> {
    /// Its position in the order of behaviors.
    pub(super) behavior: usize,
    pub(super) is_site: bool,
    pub(super) origin_path: &'d str,
    pub(super) index_pages: IndexPages,
    pub(super) caching: &'d Caching,
}

impl Distribution {
    /// The behavior for a percent-encoded path, as a viewer requests it: the first one that matches, or else the default one.
    pub(super) fn served(&self, path: &str) -> Served<'_> {
        let path = percent_decode_str(path).decode_utf8_lossy();
        match self.behaviors.iter().enumerate().find(|(_, behavior)| behavior.serves(&path)) {
            Some((number, Behavior { is_site, origin_path, caching, .. })) => Served {
                behavior: number,
                is_site: *is_site,
                origin_path: origin_path.as_ref().unwrap_or(&self.origin_path),
                index_pages: IndexPages::None,
                caching,
            },
            None => Served {
                behavior: self.behaviors.len(),
                is_site: true,
                origin_path: &self.origin_path,
                index_pages: self.index_pages,
                caching: &self.caching,
            },
        }
    }

    /// How all its behaviors cache answers.
    fn all_caching(&self) -> impl Iterator<Item = &Caching> {
        self.behaviors.iter().map(|behavior| &behavior.caching).chain([&self.caching])
    }
}

/// The answer to one error status of the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomError {
    /// The origin's status, such as 403.
    pub error_code: u16,
    /// The page sent instead, such as `/404.html`.
    pub response_page_path: Option<String>,
    /// The status sent instead.
    pub response_code: Option<u16>,
    /// How long edges may cache the error.
    pub error_caching_min_ttl: Duration,
}

/// All distributions; tests may change them while the sandbox runs.
#[derive(Debug)]
pub(super) struct Distributions {
    all: RwLock<Vec<Distribution>>,
}

impl Distributions {
    pub(super) fn new(distributions: Vec<Distribution>) -> Distributions {
        Distributions { all: RwLock::new(distributions) }
    }

    pub(super) fn get(&self, id: &str) -> Option<Distribution> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|distribution| distribution.id == id).cloned()
    }

    /// The one that serves the site.
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

    /// The caching of a cache policy, by the policy's id.
    pub(super) fn policy(&self, id: &str) -> Option<Caching> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().flat_map(Distribution::all_caching).find(|caching| caching.policy.as_deref() == Some(id)).cloned()
    }
}

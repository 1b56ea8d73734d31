//! What the sandbox knows of a CloudFront distribution.

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
    /// What is put before every path to make a key: `/live`, or empty.
    pub origin_path: String,
    /// Served for `/` and for nothing else (AWS.md 2.3).
    pub default_root_object: Option<String>,
    /// Custom error pages (AWS.md 2.2).
    pub custom_errors: Vec<CustomError>,
    /// Where the origin is a website endpoint, the key of the bucket's error document: what is missing is a 404 with it. Only
    /// the API's domain name and errors follow it; index pages do not.
    pub website_error: Option<String>,
    /// What finds index pages in folders. It belongs to the default behavior.
    pub index_pages: IndexPages,
    /// How the default behavior keeps answers.
    pub caching: Caching,
    /// Further behaviors, in the order in which they are tried.
    pub behaviors: Vec<Behavior>,
    /// The id of a continuous deployment policy. The API reports it, but no request is routed to a staging distribution.
    pub continuous_deployment: Option<String>,
    /// Whether it is the staging distribution of another one. The API tells it.
    pub staging: bool,
    /// The header in which it finds an answer's cache tags (`CacheTagConfig`).
    pub cache_tag_header: Option<String>,
    /// The entity tag of its configuration.
    pub config_etag: String,
    /// Of a tenant, the id of its multi-tenant distribution, and the parameters that the tenant gives it. A tenant has a cache of its
    /// own, and the API knows it as a tenant only.
    pub tenant_of: Option<(String, Vec<(String, String)>)>,
    /// Of a multi-tenant distribution, the parameters that tenants may give, with their defaults.
    pub parameters: Vec<(String, Option<String>)>,
    /// Whether the API says that its configuration is deployed everywhere; the edge follows it at once.
    pub deployed: bool,
}

/// What turns `/dir/`, and `/dir` where the last segment has no dot, into `/dir/index.html`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexPages {
    /// Nothing: only the default root object is found.
    None,
    /// A CloudFront Function at the viewer's request: edges keep answers under what it makes of a path (AWS.md 3.1).
    Function,
    /// A Lambda@Edge function there, which does the same.
    LambdaAtViewer,
    /// A Lambda@Edge function at the origin's request: edges keep answers under the addresses that viewers ask for. It
    /// also finds `/page.html` for `/page`, and takes a bare plus for a plus.
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

/// What a behavior does with the addresses that it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Served<'d> {
    /// Its place in the order in which behaviors are tried.
    pub(super) behavior: usize,
    pub(super) is_site: bool,
    pub(super) origin_path: &'d str,
    pub(super) index_pages: IndexPages,
    pub(super) caching: &'d Caching,
}

impl Distribution {
    /// By what a percent-encoded path, as a viewer asks for it, is served: the first behavior that fits, else the default one.
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

    /// How all its behaviors keep answers.
    fn all_caching(&self) -> impl Iterator<Item = &Caching> {
        self.behaviors.iter().map(|behavior| &behavior.caching).chain([&self.caching])
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

    /// What has a cache policy, by the policy's id.
    pub(super) fn policy(&self, id: &str) -> Option<Caching> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().flat_map(Distribution::all_caching).find(|caching| caching.policy.as_deref() == Some(id)).cloned()
    }
}

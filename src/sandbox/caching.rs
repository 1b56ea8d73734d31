//! How the sandbox's distributions say that they keep answers: what the API tells of cache policies and behaviors.

/// What a distribution's configuration says beyond what every one of the sandbox has. The site is served as before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caching {
    /// The cache policy of the default behavior; `None`: CachingOptimized.
    pub policy: Option<CachePolicy>,
    /// Further behaviors, in their order: a path pattern, whether its origin is the site's bucket, and its policy's id.
    pub behaviors: Vec<(String, bool, String)>,
    /// The event at which a Lambda@Edge function of the default behavior runs, such as `viewer-request`.
    pub lambda: Option<String>,
    /// The id of a continuous deployment policy.
    pub continuous_deployment: Option<String>,
    /// Whether it is the staging distribution of another one.
    pub staging: bool,
}

/// A cache policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// Its id.
    pub id: String,
    /// Minimum TTL, in seconds.
    pub min_ttl: u64,
    /// Maximum TTL, in seconds.
    pub max_ttl: u64,
    /// Whether query strings are part of the cache key.
    pub queries: bool,
}

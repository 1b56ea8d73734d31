//! How a distribution caches answers: its cache policies and behaviors. The API returns them, and the edge follows them.

use std::time::Duration;

/// How one cache behavior caches answers: its cache policy, or the legacy settings of older distributions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caching {
    /// The cache policy's id; `None`: the legacy form, with `ForwardedValues` and TTLs in the behavior itself. Two with the same
    /// id must be equal.
    pub policy: Option<String>,
    /// The minimum time that an answer is cached, whatever the origin says. In whole seconds, as all three.
    pub min_ttl: Duration,
    /// The time for an answer without a lifetime from the origin.
    pub default_ttl: Duration,
    /// The maximum time; 0: nothing is cached.
    pub max_ttl: Duration,
    /// Whether query strings are part of the cache key.
    pub query_strings: bool,
    /// Whether gzip support is part of the cache key. A policy sets this; the legacy form follows `compress`.
    pub gzip: bool,
    /// The same for Brotli, which the legacy form does not have.
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

/// A cache behavior besides the default one. No function runs in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behavior {
    /// The addresses that it serves: `*` matches any characters, `?` matches one; a leading slash may be omitted (AWS.md 2.7).
    pub pattern: String,
    /// Whether its origin is the site's bucket. If not, it is a server that never answers.
    pub is_site: bool,
    /// The prefix that turns paths into keys, if it differs from the distribution's.
    pub origin_path: Option<String>,
    /// How it caches answers.
    pub caching: Caching,
}

impl Behavior {
    /// Whether it serves a path, which is not encoded.
    pub(super) fn serves(&self, path: &str) -> bool {
        let pattern = self.pattern.strip_prefix('/').unwrap_or(&self.pattern);
        fits(pattern.as_bytes(), path.strip_prefix('/').unwrap_or(path).as_bytes())
    }
}

fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((b'*', others)), _) => (0..=text.len()).any(|taken| fits(others, &text[taken..])),
        (Some((wanted, others)), Some((byte, rest))) => (*wanted == b'?' || wanted == byte) && fits(others, rest),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_of_whole_paths() {
        for (pattern, path, expected) in [
            ("*", "/", true),
            ("/blog/*", "/blog/", true),
            ("/blog/*", "/blog", false),
            ("blog/*.html", "/blog/a/b.html", true),
            ("blog/?.html", "/blog/1.html", true),
            ("blog/?.html", "/blog/12.html", false),
            ("*.txt", "/a.txt.html", false),
            ("/Blog/*", "/blog/1", false),
        ] {
            let behavior =
                Behavior { pattern: pattern.to_owned(), is_site: true, origin_path: None, caching: Caching::default() };
            assert_eq!(behavior.serves(path), expected, "{pattern} {path}");
        }
    }
}

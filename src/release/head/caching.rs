//! How a distribution caches answers, as far as that decides what has to be refreshed there.

use std::collections::BTreeSet;

/// How long CloudFront keeps an error where nothing else is said, in seconds (AWS.md 2.2).
pub const ERRORS_LAST_S: u64 = 10;

/// What a distribution's configuration and its cache policies say about caching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caching {
    /// How long at most an error is kept under the address that failed, in seconds; never less than [`ERRORS_LAST_S`].
    pub errors_s: u64,
    /// The longest Minimum TTL of the behaviors that serve the site, in seconds, if it is more than the one second of CloudFront's own
    /// policies, otherwise 0: answers are kept that long whatever their headers say.
    pub least_s: u64,
    /// Which addresses are kept, and how: the cache behaviors in their order, the default one last. None where all are
    /// kept, without query strings.
    pub behaviors: Vec<Behavior>,
    /// Whether a cache policy could not be read: then anything is taken to be kept, with query strings.
    pub is_guessed: bool,
    /// Whether a part of the visitors may be sent to a staging distribution, which has a cache of its own.
    pub has_staging: bool,
    /// Whether it reads cache tags where this program writes them.
    pub has_tags: bool,
}

/// One cache behavior.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behavior {
    /// The addresses that it is for: `*` is any characters, `?` is one; a leading slash may be left out.
    pub pattern: String,
    /// Whether it keeps anything of this site.
    pub keeps: bool,
    /// Whether query strings are part of what an answer is kept under.
    pub queries: bool,
    /// The path that CloudFront puts before keys there, where that is another one than the distribution's.
    pub origin_path: Option<String>,
}

impl Caching {
    /// What most distributions do, and what is assumed of one about which nothing else is recorded.
    pub const USUAL: Caching = Caching {
        errors_s: ERRORS_LAST_S,
        least_s: 0,
        behaviors: Vec::new(),
        is_guessed: false,
        has_staging: false,
        has_tags: false,
    };

    /// Whether it is the same as [`Caching::USUAL`].
    pub fn is_usual(&self) -> bool {
        *self == Caching::USUAL
    }

    /// Whether answers for an address, which begins with `/` and is not encoded, may be kept.
    pub fn keeps(&self, address: &str) -> bool {
        self.of(address).is_none_or(|behavior| behavior.keeps)
    }

    /// Whether they are kept for each query string apart.
    pub fn tells_queries_apart(&self, address: &str) -> bool {
        self.of(address).is_some_and(|behavior| behavior.queries)
    }

    /// Whether an answer for an address may come from below `origin_path`, where `None` is the distribution's own. Of several
    /// behaviors with one pattern each may be the one: functions decide.
    pub fn comes_from(&self, address: &str, origin_path: Option<&str>) -> bool {
        let Some(first) = self.of(address) else { return origin_path.is_none() };
        let same = self.behaviors.iter().filter(|behavior| behavior.pattern == first.pattern);
        same.into_iter().any(|behavior| behavior.origin_path.as_deref() == origin_path)
    }

    /// The paths that CloudFront puts before keys, where they are others than the distribution's own.
    pub fn other_origin_paths(&self) -> BTreeSet<&str> {
        self.behaviors.iter().filter_map(|behavior| behavior.origin_path.as_deref()).collect()
    }

    /// The first behavior that an address fits.
    fn of(&self, address: &str) -> Option<&Behavior> {
        self.behaviors.iter().find(|behavior| {
            let pattern = behavior.pattern.strip_prefix('/').unwrap_or(&behavior.pattern);
            fits(pattern.as_bytes(), address.strip_prefix('/').unwrap_or(address).as_bytes())
        })
    }
}

impl Default for Caching {
    fn default() -> Caching {
        Caching::USUAL
    }
}

/// Whether `pattern` matches `text`: in at most as many steps as the product of their lengths.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut in_pattern, mut in_text) = (0, 0);
    // Where the last star stands, and from where on its characters may still be one more.
    let mut star = None;
    while in_text < text.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                star = Some((in_pattern, in_text));
                in_pattern += 1;
            }
            Some(expected) if *expected == b'?' || *expected == text[in_text] => {
                in_pattern += 1;
                in_text += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                (in_pattern, in_text) = (at, taken + 1);
            }
        }
    }
    pattern[in_pattern..].iter().all(|left| *left == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_cloudfronts() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "a/b", true),
            ("images/*.jpg", "images/a/b.jpg", true),
            ("images/*.jpg", "images/a.jpeg", false),
            ("a??.gif", "abc.gif", true),
            ("a??.gif", "ab.gif", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "ab/abc", false),
            ("api/*", "api", false),
            ("api*", "api", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_first_behavior_that_fits_decides() {
        let behavior =
            |pattern: &str, keeps, queries| Behavior { pattern: pattern.to_owned(), keeps, queries, origin_path: None };
        let behaviors =
            vec![behavior("/api/*", false, false), behavior("*.html", true, true), behavior("*", true, false)];
        let caching = Caching { behaviors, ..Caching::USUAL };
        let of = |address: &str| (caching.keeps(address), caching.tells_queries_apart(address));
        assert_eq!(of("/api/a.html"), (false, false));
        assert_eq!(of("/a/b.html"), (true, true));
        assert_eq!(of("/a/b.js"), (true, false));
        let usual = Caching::USUAL;
        assert!(usual.keeps("/") && !usual.tells_queries_apart("/"));
    }
}

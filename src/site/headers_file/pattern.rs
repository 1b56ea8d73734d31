//! The addresses that a rule of a `_headers` file applies to.

use percent_encoding::percent_decode_str;

use crate::content::path::SitePath;

/// Stands in a [`UrlPattern::sample`] for any text that `*` matches. No path has control characters.
pub(super) const ANY: char = '\u{1}';

/// Stands in a [`UrlPattern::sample`] for any text that a placeholder matches.
const SEGMENT: char = '\u{2}';

/// A path of the site's addresses with `*` for any text, including slashes or nothing, and `:name` at the
/// beginning of a segment for at least one character up to the next slash. Case matters, as for S3 and
/// CloudFront.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlPattern {
    text: String,
    parts: Vec<Piece>,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece {
    /// Literal text.
    Literal(String),
    /// `*`
    Splat,
    /// `:name`
    Placeholder(String),
}

/// The addresses at which visitors reach a file, not encoded: its own, and those of a page without `index.html` or
/// `.html`. So `/about` and `/about/` both mean `about/index.html`, and `/about` means `about.html` too.
pub(super) struct Addresses {
    own: String,
    /// The lengths of the others: each is a prefix of the file's own.
    others: Vec<usize>,
}

impl Addresses {
    pub(super) fn of(path: &SitePath) -> Addresses {
        let own = format!("/{path}");
        let others = match (own.strip_suffix("index.html"), own.strip_suffix(".html")) {
            (Some(folder), _) if folder.ends_with('/') => vec![folder.len(), folder.len() - 1],
            (_, Some(page)) if !page.ends_with('/') => vec![page.len()],
            _ => Vec::new(),
        };
        Addresses { own, others }
    }

    /// The longest of them.
    pub(super) fn own(&self) -> &str {
        &self.own
    }

    /// Whether one of them has this length.
    pub(super) fn has_end(&self, at: usize) -> bool {
        at == self.own.len() || self.others.contains(&at)
    }

    #[cfg(test)]
    fn all(&self) -> impl Iterator<Item = &str> {
        [self.own.as_str()].into_iter().chain(self.others.iter().map(|length| &self.own[..*length]))
    }
}

impl UrlPattern {
    /// Parses the path of a rule, which begins with `/` and may be percent-encoded. A query or a fragment is not part of
    /// a path and is skipped.
    pub(super) fn new(text: &str) -> UrlPattern {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = path;
        while let Some(char) = rest.chars().next() {
            rest = &rest[char.len_utf8()..];
            let name = placeholder(rest).filter(|_| char == ':' && literal.ends_with('/'));
            let part = match (char, name) {
                ('*', _) => Piece::Splat,
                (_, Some(name)) => {
                    rest = &rest[name.len()..];
                    Piece::Placeholder(name.to_owned())
                }
                _ => {
                    literal.push(char);
                    continue;
                }
            };
            if !literal.is_empty() {
                parts.push(Piece::Literal(decoded(&std::mem::take(&mut literal))));
            }
            parts.push(part);
        }
        if !literal.is_empty() {
            parts.push(Piece::Literal(decoded(&literal)));
        }
        UrlPattern { text: path.to_owned(), parts }
    }

    /// As it was written, without a query.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches every address of the site.
    pub fn is_everything(&self) -> bool {
        matches!(self.parts.as_slice(), [Piece::Literal(slash), Piece::Splat] if slash == "/")
    }

    /// Its parts.
    pub(super) fn parts(&self) -> &[Piece] {
        &self.parts
    }

    /// Whether it matches one of the addresses of a file: the reference for tests of the index.
    #[cfg(test)]
    pub(super) fn matches_any(&self, addresses: &Addresses) -> bool {
        addresses.all().any(|address| self.matches(address))
    }

    /// Whether it matches every address that `other` matches; `false` if that cannot be shown. The reference for tests of the
    /// index.
    #[cfg(test)]
    pub(super) fn covers(&self, other: &UrlPattern) -> bool {
        self.matches(&other.sample())
    }

    /// Whether a value contains a placeholder or `:splat`, which Cloudflare fills in from the address.
    pub(super) fn is_named_in(&self, value: &str) -> bool {
        self.parts.iter().any(|part| match part {
            Piece::Literal(_) => false,
            Piece::Splat => value.contains(":splat"),
            Piece::Placeholder(name) => value.contains(&format!(":{name}")),
        })
    }

    /// The same pattern for CloudFront, whose only wildcard for more than one character is `*`, and whether it matches more.
    pub fn path_pattern(&self) -> (String, bool) {
        if self.is_everything() {
            return ("*".to_owned(), false);
        }
        let mut pattern = String::new();
        let mut is_wider = false;
        for part in &self.parts {
            let Piece::Literal(literal) = part else {
                is_wider |= matches!(part, Piece::Placeholder(_));
                pattern.push('*');
                continue;
            };
            for char in literal.chars() {
                // The characters that a path pattern may contain (AWS.md 2.7).
                let allowed = char.is_ascii_alphanumeric() || "_-.$/~\"'@:+&".contains(char);
                is_wider |= !allowed;
                pattern.push(if allowed { char } else { '*' });
            }
        }
        while pattern.contains("**") {
            pattern = pattern.replace("**", "*");
        }
        (pattern, is_wider)
    }

    /// An address that represents all that it matches: a pattern that matches it covers this one.
    pub(super) fn sample(&self) -> String {
        let part = |part: &Piece| match part {
            Piece::Literal(literal) => literal.clone(),
            Piece::Splat => ANY.to_string(),
            Piece::Placeholder(_) => SEGMENT.to_string(),
        };
        self.parts.iter().map(part).collect()
    }

    /// Follows all possible matches at once, so that no pattern takes long: the positions in `url` that the parts so
    /// far may reach.
    #[cfg(test)]
    fn matches(&self, url: &str) -> bool {
        let (first, rest) = match self.parts.as_slice() {
            [Piece::Literal(first), rest @ ..] => (first.as_str(), rest),
            all => ("", all),
        };
        let Some(url) = url.strip_prefix(first) else { return false };
        if rest == [Piece::Splat] {
            return true;
        }
        let mut places = vec![0];
        for part in rest {
            let mut next: Vec<usize> = Vec::new();
            for place in places {
                // Sorted and without duplicates.
                let from = next.last().map_or(0, |last| last + 1);
                let left = &url[place..];
                match part {
                    Piece::Literal(literal) if left.starts_with(literal.as_str()) => next.push(place + literal.len()),
                    Piece::Literal(_) => {}
                    Piece::Splat => next.extend((place.max(from)..=url.len()).filter(|at| url.is_char_boundary(*at))),
                    Piece::Placeholder(_) => {
                        let end = place + left.find(['/', ANY]).unwrap_or(left.len());
                        next.extend(((place + 1).max(from)..=end).filter(|at| url.is_char_boundary(*at)));
                    }
                }
            }
            places = next;
        }
        places.last() == Some(&url.len())
    }
}

/// The name at the start of a text, such as a placeholder's after its colon.
fn placeholder(text: &str) -> Option<&str> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let end = text.find(|char| !is_part(char)).unwrap_or(text.len());
    text.starts_with(|char: char| char.is_ascii_alphabetic()).then(|| &text[..end])
}

/// Decoded, unless the percent-encoded bytes are not UTF-8.
fn decoded(literal: &str) -> String {
    percent_decode_str(literal).decode_utf8().map_or_else(|_| literal.to_owned(), |text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        UrlPattern::new(pattern).matches_any(&Addresses::of(&SitePath::new(path).unwrap()))
    }

    #[test]
    fn a_rule_means_the_file_behind_an_address() {
        for (pattern, path) in [
            ("/", "index.html"),
            ("/index.html", "index.html"),
            ("/about", "about/index.html"),
            ("/about/", "about/index.html"),
            ("/about/index.html", "about/index.html"),
            ("/about", "about.html"),
            ("/about.html", "about.html"),
            ("/robots.txt", "robots.txt"),
            ("/*", "index.html"),
            ("/*", "a/b/c.js"),
            ("/*.js", "a/b/c.js"),
            ("/a/*", "a/index.html"),
            ("/a/*", "a/b/c.js"),
            ("/a/*/c.js", "a/b/b/c.js"),
            ("/a/*c.js", "a/c.js"),
            ("/movies/:title", "movies/dune.html"),
            ("/movies/:title", "movies/dune/index.html"),
            ("/movies/:title/poster.jpg", "movies/dune/poster.jpg"),
            ("/movies/:title.jpg", "movies/dune.jpg"),
            ("/caf%C3%A9.html", "café.html"),
            ("/café.html", "café.html"),
            ("/a:b.txt", "a:b.txt"),
            ("/robots.txt?x=1", "robots.txt"),
            ("/*/*/*.js", "a/b/c.js"),
            ("/myindex", "myindex.html"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/", "about/index.html"),
            ("/about/", "about.html"),
            ("/About", "about.html"),
            ("/a", "a/b.js"),
            ("/a/*", "a.html"),
            ("/*.js", "a.js.map"),
            ("/movies/:title", "movies/dune/poster.jpg"),
            ("/movies/:title", "movies.html"),
            ("/index", "index.html/a"),
            ("/x.html", "x/.html"),
            ("/x/", "x/.html"),
            ("/my", "myindex.html"),
            ("/", "myindex.html"),
            ("/*/*/*.js", "a/c.js"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn many_splats_do_not_take_long() {
        let pattern = format!("/{}b", "*a".repeat(200));
        assert!(!matches(&pattern, &"a".repeat(1_000)));
        assert!(matches(&pattern, &format!("{}b", "a".repeat(900))));
    }

    #[test]
    fn covering_is_told_from_the_patterns() {
        let covers = |wide: &str, narrow: &str| UrlPattern::new(wide).covers(&UrlPattern::new(narrow));
        for (wide, narrow) in [
            ("/*", "/"),
            ("/*", "/a/*"),
            ("/a/*", "/a/b/*"),
            ("/a/*", "/a/:b"),
            ("/:a/b", "/:c/b"),
            ("/a/:b", "/a/c"),
            ("/*.js", "/assets/*.js"),
        ] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [("/a/*", "/*"), ("/a/:b", "/a/*"), ("/a/*", "/*.js"), ("/a", "/a/"), ("/a/b", "/a/:b")] {
            assert!(!covers(wide, narrow), "{wide} {narrow}");
        }
    }

    #[test]
    fn cloudfront_knows_only_stars() {
        for (pattern, expected, is_wider) in [
            ("/*", "*", false),
            ("/", "/", false),
            ("/a/*", "/a/*", false),
            ("/a/:b/c", "/a/*/c", true),
            ("/café/x y", "/caf*/x*y", true),
            ("/:a*", "/*", true),
        ] {
            assert_eq!(UrlPattern::new(pattern).path_pattern(), (expected.to_owned(), is_wider), "{pattern}");
        }
    }

    proptest! {
        /// A pattern that covers another one matches everything that the other matches.
        #[test]
        fn covering_holds_for_every_address(wide in "/[ab/*]{0,5}", narrow in "/[ab/*]{0,5}", url in "/[ab/]{0,6}") {
            let (wide, narrow) = (UrlPattern::new(&wide), UrlPattern::new(&narrow));
            let covered = wide.covers(&narrow) && narrow.matches(&url);
            prop_assert!(!covered || wide.matches(&url));
        }

        /// A pattern without wildcards is the address itself, and any address can be read as a pattern.
        #[test]
        fn literal_patterns_match_themselves(path in "[^*:?#%/\\\\\\p{C}]{1,12}") {
            prop_assume!(SitePath::new(path.as_str()).is_ok());
            let matched = matches(&format!("/{}", path), &path);
            prop_assert!(matched);
        }
    }
}

//! The two namespaces a file has outside the disk: its path in the site, and its path in a URL.

mod asked;

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};

pub use asked::{AskedPath, InvalidAskedPath};

/// Longest object key that S3 accepts, in bytes of UTF-8 (AWS.md 4.4).
pub const MAX_KEY_BYTES: usize = 1_024;

/// The path of a file in a site, such as `about/index.html`.
///
/// Always holds: UTF-8, relative, segments joined by `/`, no empty, `.` or `..` segment, no control character, no
/// backslash, at most [`MAX_KEY_BYTES`] bytes. Whatever comes from a disk, a bucket or a person becomes a `SitePath`
/// here or nowhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SitePath(String);

/// Why a text is not a [`SitePath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// Nothing between two slashes, at the start or at the end.
    #[error("the path {0:?} has an empty segment")]
    EmptySegment(String),
    /// `.` or `..` as a segment.
    #[error("the path {0:?} has a `.` or `..` segment")]
    DotSegment(String),
    /// A control character, which neither S3 listings (XML) nor URLs carry faithfully.
    #[error("the path {0:?} has a control character")]
    ControlCharacter(String),
    /// A backslash, which browsers turn into a slash.
    #[error("the path {0:?} has a backslash")]
    Backslash(String),
    /// Longer than a key may be.
    #[error("the path {path:?} makes a key of {bytes} bytes; S3 takes {MAX_KEY_BYTES}")]
    TooLong {
        /// The path.
        path: String,
        /// Its length in bytes.
        bytes: usize,
    },
}

impl SitePath {
    /// Checks `path` against the invariants of the type.
    pub fn new(path: impl Into<String>) -> Result<SitePath, InvalidPath> {
        let path = path.into();
        if path.len() > MAX_KEY_BYTES {
            let bytes = path.len();
            return Err(InvalidPath::TooLong { path, bytes });
        }
        if path.chars().any(char::is_control) {
            return Err(InvalidPath::ControlCharacter(path));
        }
        if path.contains('\\') {
            return Err(InvalidPath::Backslash(path));
        }
        for segment in path.split('/') {
            match segment {
                "" => return Err(InvalidPath::EmptySegment(path)),
                "." | ".." => return Err(InvalidPath::DotSegment(path)),
                _ => {}
            }
        }
        Ok(SitePath(path))
    }

    /// The path as text, with `/` between segments.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// What follows the last dot of the file name, in lower case; `None` for `LICENSE` and `.htaccess`.
    pub fn extension(&self) -> Option<String> {
        let (stem, extension) = self.file_name().rsplit_once('.')?;
        (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_ascii_lowercase())
    }

    /// Whether the file is an HTML document, judged by its name.
    pub fn is_page(&self) -> bool {
        matches!(self.extension().as_deref(), Some("html" | "htm" | "xhtml"))
    }
}

impl fmt::Display for SitePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for SitePath {
    type Error = InvalidPath;
    fn try_from(path: String) -> Result<SitePath, InvalidPath> {
        SitePath::new(path)
    }
}

impl From<SitePath> for String {
    fn from(path: SitePath) -> String {
        path.0
    }
}

/// What CloudFront wants percent-encoded in an invalidation path: everything that is not ASCII, and the characters
/// RFC 1738 calls unsafe. Anything else must stay as it is, "or CloudFront doesn't invalidate the old version"
/// (AWS.md 1.1). `%` is among the unsafe ones: a literal percent sign in a key is `%25` in the URL.
/// `?` and `#` would end the path and are encoded for that reason; `*` is literal in a URL but a wildcard in an
/// invalidation when it comes last. `+` is encoded because S3 reads a bare one as a space: only `%2B` reaches the file.
/// [`UrlPath::spellings`] lists the other spellings that CloudFront may cache.
const CLOUDFRONT_UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'+')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A path as viewers ask for it and as CloudFront keeps it: starts with `/`, percent-encoded for CloudFront.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlPath(String);

impl UrlPath {
    /// Encodes an unencoded path such as `/price list.txt`; a leading slash is added where it is missing.
    pub fn encode(path: &str) -> UrlPath {
        let path = path.strip_prefix('/').unwrap_or(path);
        UrlPath(format!("/{}", utf8_percent_encode(path, CLOUDFRONT_UNSAFE)))
    }

    /// The encoded path, starting with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path in all spellings that visitors ask for, this one first. CloudFront keeps an answer under the spelling that
    /// was asked for, and whether it tells them apart is not known.
    ///
    /// - A link that is written without escapes: browsers leave `[`, `]`, `^` and `|` as they are (the path percent-encode
    ///   set of <https://url.spec.whatwg.org>; `^` is not in its older editions).
    /// - A bare `+`, as most people write it. S3 takes it for a space, but CloudFront may keep an answer for it, and a
    ///   function in front of S3 may know better. Both kinds may come together.
    pub fn spellings(&self) -> Vec<UrlPath> {
        let mut spellings = vec![self.clone()];
        if !self.0.contains('%') {
            return spellings;
        }
        let mut also = |respell: fn(&str) -> String| {
            let others = spellings.iter().map(|path| UrlPath(respell(&path.0)));
            let new: Vec<UrlPath> = others.filter(|other| !spellings.contains(other)).collect();
            spellings.extend(new);
        };
        also(|path| path.replace("%2B", "+"));
        also(|path| path.replace("%20", "+"));
        also(|path| path.replace("%5B", "[").replace("%5D", "]").replace("%5E", "^").replace("%7C", "|"));
        spellings
    }

    /// Whether it contains characters that CloudFront's documents want encoded: it may refuse such a path, and with it all
    /// others of the same invalidation.
    pub fn is_raw(&self) -> bool {
        self.0.contains(['[', ']', '^', '|'])
    }

    /// Whether CloudFront can invalidate exactly this path: not with `~` in it, and a final `*` would be a wildcard
    /// (AWS.md 1.1).
    pub fn can_be_invalidated(&self) -> bool {
        !self.0.contains('~') && !self.0.ends_with('*') && self.0.len() <= MAX_INVALIDATION_PATH
    }

    /// The wildcard for the whole distribution.
    pub fn everything() -> UrlPath {
        UrlPath::wildcard("/")
    }

    /// The wildcard for all that begins with `start`, which is not encoded: `/a b/` gives `/a%20b/*`.
    pub fn wildcard(start: &str) -> UrlPath {
        UrlPath(format!("{}*", UrlPath::encode(start).0))
    }

    /// Whether this is a wildcard, which CloudFront counts and limits apart.
    pub fn is_wildcard(&self) -> bool {
        self.0.ends_with('*')
    }

    /// Whether an invalidation of `self` evicts everything that one of `other` evicts.
    pub fn covers(&self, other: &UrlPath) -> bool {
        match self.0.strip_suffix('*') {
            Some(start) => other.0.strip_suffix('*').unwrap_or(&other.0).starts_with(start),
            None => self == other,
        }
    }
}

/// Longest invalidation path, in characters (AWS.md 1.1).
pub const MAX_INVALIDATION_PATH: usize = 4_000;

impl fmt::Display for UrlPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for UrlPath {
    type Error = InvalidUrlPath;
    fn try_from(path: String) -> Result<UrlPath, InvalidUrlPath> {
        let fits = path.starts_with('/')
            && path.len() <= MAX_INVALIDATION_PATH
            && path.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(UrlPath(path)) } else { Err(InvalidUrlPath(path)) }
    }
}

impl From<UrlPath> for String {
    fn from(path: UrlPath) -> String {
        path.0
    }
}

/// A text that is not an encoded URL path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an encoded URL path that starts with `/`")]
pub struct InvalidUrlPath(String);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_bad_path_is_refused_for_its_own_reason() {
        use InvalidPath::*;
        let refused = |path: &str| SitePath::new(path).unwrap_err();
        assert!(matches!(refused(""), EmptySegment(_)));
        assert!(matches!(refused("/a"), EmptySegment(_)));
        assert!(matches!(refused("a//b"), EmptySegment(_)));
        assert!(matches!(refused("a/"), EmptySegment(_)));
        assert!(matches!(refused("../a"), DotSegment(_)));
        assert!(matches!(refused("a/./b"), DotSegment(_)));
        assert!(matches!(refused("a\nb"), ControlCharacter(_)));
        assert!(matches!(refused("a\\b"), Backslash(_)));
        assert!(matches!(refused(&"a".repeat(1_025)), TooLong { bytes: 1_025, .. }));
        assert!(SitePath::new("a".repeat(1_024)).is_ok());
    }

    #[test]
    fn paths_are_stored_as_texts_and_checked_when_they_are_read() {
        let json = |text: &str| serde_json::to_string(text).unwrap();
        let path = SitePath::new("a/ä.html").unwrap();
        assert_eq!(serde_json::to_string(&path).unwrap(), json("a/ä.html"));
        assert_eq!(serde_json::from_str::<SitePath>(&json("a/ä.html")).unwrap(), path);
        assert!(serde_json::from_str::<SitePath>(&json("../a")).is_err());
        let url = UrlPath::encode("a/ä.html");
        assert_eq!(serde_json::to_string(&url).unwrap(), json("/a/%C3%A4.html"));
        let longest = format!("/{}", "a".repeat(MAX_INVALIDATION_PATH - 1));
        for (text, fits) in [
            ("/a/%C3%A4.html", true),
            ("/", true),
            (longest.as_str(), true),
            (&format!("{longest}a"), false),
            ("a.html", false),
            ("/ä.html", false),
            ("/a b.html", false),
            ("", false),
        ] {
            assert_eq!(serde_json::from_str::<UrlPath>(&json(text)).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn a_wildcard_covers_all_that_begins_with_it() {
        let path = |text: &str| UrlPath::try_from(text.to_owned()).unwrap();
        for (one, other, covers) in [
            ("/a", "/a", true),
            ("/a", "/a/b", false),
            ("/a*", "/a/b", true),
            ("/a/*", "/a/", true),
            ("/a/*", "/a", false),
            ("/a/*", "/a/b*", true),
            ("/a/b*", "/a/*", false),
            ("/a", "/a*", false),
            ("/*", "/", true),
        ] {
            assert_eq!(path(one).covers(&path(other)), covers, "{one} {other}");
        }
        assert!(UrlPath::everything().is_wildcard() && UrlPath::wildcard("/a/").is_wildcard());
        assert!(!UrlPath::encode("a/b.html").is_wildcard());
    }

    #[test]
    fn extensions_are_of_the_file_name_alone() {
        let extension = |path: &str| SitePath::new(path).unwrap().extension();
        assert_eq!(extension("a.b/LICENSE"), None);
        assert_eq!(extension(".htaccess"), None);
        assert_eq!(extension("a/B.HTML").as_deref(), Some("html"));
    }

    #[test]
    fn url_paths_encode_what_cloudfront_wants_encoded_and_nothing_else() {
        let encoded = |path: &str| UrlPath::encode(path).to_string();
        assert_eq!(encoded("price list ä.txt"), "/price%20list%20%C3%A4.txt");
        assert_eq!(encoded("a@c(d)$e,f;g:h=i&j!k'l.txt"), "/a@c(d)$e,f;g:h=i&j!k'l.txt");
        assert_eq!(encoded("[slug]/100%.html"), "/%5Bslug%5D/100%25.html");
        assert_eq!(encoded("what?#now"), "/what%3F%23now");
        assert!(!UrlPath::encode("~me").can_be_invalidated());
        assert!(!UrlPath::encode("a*").can_be_invalidated());
        assert!(UrlPath::encode("a*b").can_be_invalidated());
    }

    fn spelled(path: &str) -> Vec<String> {
        UrlPath::encode(path).spellings().iter().map(UrlPath::to_string).collect()
    }

    #[test]
    fn a_plus_has_two_spellings_and_reaches_its_file_by_one() {
        assert_eq!(spelled("c++.html"), ["/c%2B%2B.html", "/c++.html"]);
        // This name holds a percent sign.
        assert_eq!(spelled("100%2B.html"), ["/100%252B.html"]);
    }

    #[test]
    fn a_space_is_also_asked_for_as_a_bare_plus() {
        assert_eq!(spelled("a b c.html"), ["/a%20b%20c.html", "/a+b+c.html"]);
        // S3 reads `/c++/a%20b.html` as `c  /a b.html`, but a function in front of it may not.
        assert_eq!(
            spelled("c++/a b.html"),
            ["/c%2B%2B/a%20b.html", "/c++/a%20b.html", "/c%2B%2B/a+b.html", "/c++/a+b.html"]
        );
        assert_eq!(spelled("[a] b"), ["/%5Ba%5D%20b", "/%5Ba%5D+b", "/[a]%20b", "/[a]+b"]);
        assert_eq!(spelled("100%20.html"), ["/100%2520.html"]);
    }

    #[test]
    fn what_browsers_do_not_encode_has_their_spelling_too() {
        assert_eq!(spelled("[slug]/a|b^c.html"), ["/%5Bslug%5D/a%7Cb%5Ec.html", "/[slug]/a|b^c.html"]);
        assert_eq!(spelled("[c+]"), ["/%5Bc%2B%5D", "/%5Bc+%5D", "/[c%2B]", "/[c+]"]);
        // Those a browser encodes by itself, as this program does.
        assert_eq!(spelled("{a}`b\"<c>"), ["/%7Ba%7D%60b%22%3Cc%3E"]);
        assert_eq!(spelled("%5Ba%5D"), ["/%255Ba%255D"]);
        assert!(UrlPath::encode("[a]").spellings()[1].is_raw() && !UrlPath::encode("[a]+").is_raw());
        assert!(!UrlPath::encode("a+").spellings()[1].is_raw());
    }

    proptest! {
        #[test]
        fn encoding_is_reversible_and_ascii(path in "[^\\p{Cc}\\\\]{1,40}") {
            let path = path.trim_start_matches('/');
            let encoded = UrlPath::encode(path);
            let decoded = percent_encoding::percent_decode_str(&encoded.as_str()[1..]).decode_utf8().unwrap();
            prop_assert_eq!(decoded.as_ref(), path);
            prop_assert!(UrlPath::try_from(encoded.to_string()).is_ok());
        }
    }
}

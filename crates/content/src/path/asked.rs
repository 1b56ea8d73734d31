//! Addresses and wildcards as people write them.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::{InvalidUrlPath, UrlPath};

/// What a person asks the CDN to forget: `/about/`, `/price list.pdf` as a file is named or `/price%20list.pdf` as a browser
/// shows it, `/search?q=a`, or all that begins alike: `/blog/*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskedPath {
    /// Its beginning, not encoded and without the leading slash.
    start: String,
    /// The query, with its `?`, as it was written.
    query: String,
    is_wildcard: bool,
}

/// Why a text is not an [`AskedPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAskedPath {
    /// It is relative to nothing, or a whole address.
    #[error("paths begin with `/`, as seen from the site's address: `/about/`, '/blog/*', or '/*' for everything")]
    NoSlash,
    /// It cannot be part of an address.
    #[error("it has a character that no address can have, or one in its query that is not encoded")]
    Unsendable,
}

impl AskedPath {
    /// Whether CloudFront does not accept such a path, so that a wildcard replaces it (`~`; AWS.md 1.1).
    pub fn is_widened(&self) -> bool {
        self.start.contains('~')
    }

    /// What it stands for where the site lies at `root`, which is not encoded and ends with a slash if it is not empty:
    /// all spellings, or the narrowest wildcard where CloudFront takes no such path (`~`; AWS.md 1.1).
    ///
    /// # Errors
    /// The path would be longer than CloudFront accepts.
    pub fn below(&self, root: &str) -> Result<Vec<UrlPath>, InvalidUrlPath> {
        let whole = format!("/{root}{}", self.start);
        let start = whole.split_once('~').map(|(start, _)| start);
        let paths = match start {
            Some(start) => UrlPath::wildcard(start.trim_end_matches('*')).spellings(),
            None if self.is_wildcard => UrlPath::wildcard(&whole).spellings(),
            None => {
                let spellings = UrlPath::encode(&whole).spellings().into_iter();
                spellings.map(|path| UrlPath(format!("{path}{}", self.query))).collect()
            }
        };
        paths.into_iter().map(|path| UrlPath::try_from(path.0)).collect()
    }
}

impl FromStr for AskedPath {
    type Err = InvalidAskedPath;
    fn from_str(text: &str) -> Result<AskedPath, InvalidAskedPath> {
        let text = text.strip_prefix('/').ok_or(InvalidAskedPath::NoSlash)?;
        let (path, query) = text.find('?').map_or((text, ""), |at| text.split_at(at));
        let is_wildcard = text.ends_with('*');
        let path = if query.is_empty() { path.strip_suffix('*').unwrap_or(path) } else { path };
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| InvalidAskedPath::Unsendable)?;
        if decoded.chars().any(char::is_control) || !query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'~') {
            return Err(InvalidAskedPath::Unsendable);
        }
        // A wildcard after a query is part of it: `/search?q=*`.
        Ok(AskedPath {
            start: decoded.into_owned(),
            query: query.to_owned(),
            is_wildcard: is_wildcard && query.is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(root: &str, text: &str) -> Vec<String> {
        text.parse::<AskedPath>().unwrap().below(root).unwrap().iter().map(UrlPath::to_string).collect()
    }

    #[test]
    fn paths_are_taken_as_people_write_them() {
        for (text, paths) in [
            ("/", &["/"][..]),
            ("/*", &["/*"]),
            ("/blog/*", &["/blog/*"]),
            ("/über uns/", &["/%C3%BCber%20uns/", "/%C3%BCber+uns/"]),
            ("/%C3%BCber%20uns/", &["/%C3%BCber%20uns/", "/%C3%BCber+uns/"]),
            ("/100%.html", &["/100%25.html"]),
            ("/a*b", &["/a*b"]),
            ("/c++/*", &["/c%2B%2B/*", "/c++/*"]),
            ("/[slug]", &["/%5Bslug%5D", "/[slug]"]),
            ("/search?q=a%20b", &["/search?q=a%20b"]),
            ("/search?q=*", &["/search?q=*"]),
            ("/~me/a.html", &["/*"]),
        ] {
            assert_eq!(below("", text), paths, "{text}");
        }
        assert_eq!(below("live/", "/blog/*"), ["/live/blog/*"]);
        assert_eq!(below("live/", "/"), ["/live/"]);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let refusal = |text: &str| text.parse::<AskedPath>().unwrap_err();
        for text in ["", "blog/*", "*", "https://www.example.com/"] {
            assert_eq!(refusal(text), InvalidAskedPath::NoSlash, "{text}");
        }
        for text in ["/a\n", "/%00", "/%FF", "/a?b c", "/a?ä"] {
            assert_eq!(refusal(text), InvalidAskedPath::Unsendable, "{text}");
        }
        assert!(format!("/{}", "a".repeat(4_000)).parse::<AskedPath>().unwrap().below("").is_err());
    }
}

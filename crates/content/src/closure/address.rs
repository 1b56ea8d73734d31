//! Addresses as browsers resolve them (<https://url.spec.whatwg.org/#url-parsing>), as far as files of a site have them.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::path::SitePath;
use crate::references::scheme;

/// Where a reference leads: path without leading slash, percent-decoded, without query and fragment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Address {
    /// To the host that the referring file is served by.
    Here(String),
    /// To a host that is named.
    At {
        /// In lower case, with the port where there is one.
        host: String,
        /// As in `Here`.
        path: String,
    },
}

/// The folder that addresses are relative to: its address with a final slash, or none at all at the top of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Folder {
    host: Option<String>,
    path: String,
}

impl Folder {
    /// The folder that a file lies in.
    pub(super) fn of(path: &SitePath) -> Folder {
        let path = path.as_str();
        Folder { host: None, path: path.rfind('/').map_or("", |end| &path[..=end]).to_owned() }
    }

    /// What the addresses in a page are relative to, with the `<base href>` that it may have.
    pub(super) fn of_page(path: &SitePath, base: Option<&str>) -> Folder {
        let folder = Folder::of(path);
        let Some(base) = base.and_then(|base| Address::parse(base, &folder)) else { return folder };
        let (host, path) = match base {
            Address::Here(path) => (None, path),
            Address::At { host, path } => (Some(host), path),
        };
        Folder { host, path: path[..path.rfind('/').map_or(0, |end| end + 1)].to_owned() }
    }

    /// Whether it is at the host that the file is served by.
    pub(super) fn is_here(&self) -> bool {
        self.host.is_none()
    }

    /// Its path in the site, and those of the folders around it, the innermost first; each ends in a slash or is empty.
    pub(super) fn and_above(&self) -> impl Iterator<Item = &str> {
        let ends = self.path.rmatch_indices('/').map(|(end, _)| end + 1).chain([0]);
        ends.map(|end| &self.path[..end])
    }
}

impl Address {
    /// Resolves what is written. `None`: it is no address of a file on a web server.
    pub(super) fn parse(written: &str, folder: &Folder) -> Option<Address> {
        let written = written.trim_matches(|letter: char| letter <= ' ');
        let slashes = if memchr::memchr(b'\\', written.as_bytes()).is_some() {
            Cow::Owned(written.replace('\\', "/"))
        } else {
            Cow::Borrowed(written)
        };
        let end = memchr::memchr2(b'?', b'#', slashes.as_bytes()).unwrap_or(slashes.len());
        let mut rest = &slashes[..end];
        if let Some(scheme) = scheme(rest) {
            if !(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")) {
                return None;
            }
            rest = &rest[scheme.len() + 1..];
            if !rest.starts_with("//") {
                return None;
            }
        }
        if let Some(after) = rest.strip_prefix("//") {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
            return (!host.is_empty()).then(|| Address::At { host, path: normal("", path) });
        }
        let path = match rest.strip_prefix('/') {
            Some(path) => normal("", path),
            // Only a query or a fragment: the page itself, which is there.
            None if rest.is_empty() => return None,
            None => normal(&folder.path, rest),
        };
        Some(match &folder.host {
            None => Address::Here(path),
            Some(host) => Address::At { host: host.clone(), path },
        })
    }
}

/// `path` behind `folder`, decoded, without `.` and `..`; not above the top.
fn normal(folder: &str, path: &str) -> String {
    let path = path.strip_prefix('/').filter(|_| folder.is_empty()).unwrap_or(path);
    let decoded = if memchr::memchr(b'%', path.as_bytes()).is_some() {
        percent_decode_str(path).decode_utf8().unwrap_or(Cow::Borrowed(path))
    } else {
        Cow::Borrowed(path)
    };
    let mut normal = folder.to_owned();
    let mut segments = decoded.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                let end = normal.trim_end_matches('/').rfind('/').map_or(0, |end| end + 1);
                normal.truncate(end);
            }
            _ => {
                normal.push_str(segment);
                if !is_last {
                    normal.push('/');
                }
            }
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn here(written: &str, page: &str) -> Option<String> {
        match Address::parse(written, &Folder::of(&SitePath::new(page).unwrap()))? {
            Address::Here(path) => Some(path),
            Address::At { host, path } => Some(format!("//{host}/{path}")),
        }
    }

    #[test]
    fn addresses_are_resolved_as_browsers_resolve_them() {
        let from = |written| here(written, "a/b/page.html");
        assert_eq!(from("x.js").as_deref(), Some("a/b/x.js"));
        assert_eq!(from("./x.js?v=1#y").as_deref(), Some("a/b/x.js"));
        assert_eq!(from("../x.js").as_deref(), Some("a/x.js"));
        assert_eq!(from("../../../../x.js").as_deref(), Some("x.js"));
        assert_eq!(from("..").as_deref(), Some("a/"));
        assert_eq!(from(".").as_deref(), Some("a/b/"));
        assert_eq!(from("/").as_deref(), Some(""));
        assert_eq!(from("/c/d/").as_deref(), Some("c/d/"));
        assert_eq!(from(r"\c\d.js").as_deref(), Some("c/d.js"));
        assert_eq!(from("/price%20list%20%C3%A4.txt").as_deref(), Some("price list ä.txt"));
        assert_eq!(from("/100%.txt").as_deref(), Some("100%.txt"));
        assert_eq!(from("https://WWW.example.com:8080/x/../y.js?z").as_deref(), Some("//www.example.com:8080/y.js"));
        assert_eq!(from("//cdn.example").as_deref(), Some("//cdn.example/"));
        for not in ["", "#top", "?page=2", "mailto:a@b.example", "data:text/css,x", "https:", "//"] {
            assert_eq!(from(not), None, "{not}");
        }
    }

    #[test]
    fn a_base_moves_what_is_relative() {
        let page = SitePath::new("a/index.html").unwrap();
        let address = |base, written| Address::parse(written, &Folder::of_page(&page, Some(base)));
        assert_eq!(address("/docs/", "x.js"), Some(Address::Here("docs/x.js".to_owned())));
        assert_eq!(address("../", "x.js"), Some(Address::Here("x.js".to_owned())));
        assert_eq!(address("/docs/page", "x.js"), Some(Address::Here("docs/x.js".to_owned())));
        let at = |path: &str| Some(Address::At { host: "a.example".to_owned(), path: path.to_owned() });
        assert_eq!(address("https://a.example/b/", "x.js"), at("b/x.js"));
        assert_eq!(address("https://a.example/b/", "/x.js"), at("x.js"));
    }

    proptest! {
        /// Whatever a file is called, its own encoded address leads to it.
        #[test]
        fn encoded_paths_come_back(path in "[^/\\\\\\x00-\\x1f\\x7f-\\x9f]{1,12}(/[^/\\\\\\x00-\\x1f\\x7f-\\x9f]{1,12}){0,3}") {
            let Ok(path) = SitePath::new(path) else { return Ok(()) };
            let url = percent_encoding::utf8_percent_encode(path.as_str(), percent_encoding::NON_ALPHANUMERIC).to_string();
            let url = format!("/{}", url.replace("%2F", "/"));
            prop_assert_eq!(here(&url, "x/y.html"), Some(path.to_string()));
        }

        #[test]
        fn no_text_is_too_odd(written in ".{0,40}", base in ".{0,20}") {
            let folder = Folder::of_page(&SitePath::new("a/b.html").unwrap(), Some(&base));
            let _ = Address::parse(&written, &folder);
            prop_assert!(folder.and_above().count() > 0);
        }
    }
}

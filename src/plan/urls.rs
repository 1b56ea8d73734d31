//! The URLs under which visitors reach a file.

use std::collections::{BTreeMap, BTreeSet};

use crate::head::CdnView;
use crate::headers::Kind;
use crate::manifest::Files;
use crate::path::{SitePath, UrlPath};

use super::{Answer, Change, Live, Policy};

/// From paths to URLs, as the distribution in front of the bucket maps them.
pub(super) struct Urls<'a> {
    policy: Policy<'a>,
}

impl<'a> Urls<'a> {
    pub(super) fn new(policy: Policy<'a>) -> Urls<'a> {
        Urls { policy }
    }

    /// The path of a file below the distribution's root, not encoded and without a leading slash; `None` where the
    /// distribution's origin path does not reach it. Where the distribution cannot be read, the live prefix is taken
    /// for its origin path.
    fn below_root(&self, path: &SitePath) -> Option<String> {
        let CdnView::Known(facts) = self.policy.cdn else { return Some(path.as_str().to_owned()) };
        let key = self.policy.layout.live(path).key;
        match facts.origin_path.trim_matches('/') {
            "" => Some(key),
            origin_path => Some(key.strip_prefix(origin_path)?.strip_prefix('/')?.to_owned()),
        }
    }

    /// The URLs of the files themselves, without aliases.
    pub(super) fn primary<'p>(&self, paths: impl Iterator<Item = &'p SitePath>) -> BTreeSet<UrlPath> {
        paths.filter_map(|path| Some(UrlPath::encode(&self.below_root(path)?))).collect()
    }

    /// All URLs of a file: its own; the folder's for an index page; and without `.html` or final slash where a function
    /// at the origin may answer for those, or nobody may look (AWS.md 1.1: CloudFront keeps URLs exactly).
    pub(super) fn all(&self, path: &SitePath) -> BTreeSet<UrlPath> {
        let Some(own) = self.below_root(path) else { return BTreeSet::new() };
        let mut urls = BTreeSet::from([UrlPath::encode(&own)]);
        let folder = own.strip_suffix("index.html").filter(|folder| folder.is_empty() || folder.ends_with('/'));
        if let Some(folder) = folder {
            urls.insert(UrlPath::encode(folder));
        }
        if self.default_root_object() == Some(own.as_str()) {
            urls.insert(UrlPath::encode(""));
        }
        if self.rewritten_at_origin() {
            let short = folder.map(|folder| folder.trim_end_matches('/')).or(own.strip_suffix(".html"));
            urls.extend(short.map(UrlPath::encode));
        }
        urls
    }

    fn default_root_object(&self) -> Option<&str> {
        match self.policy.cdn {
            CdnView::Known(facts) => facts.default_root_object.as_deref(),
            CdnView::None | CdnView::Unreadable => None,
        }
    }

    fn rewritten_at_origin(&self) -> bool {
        match self.policy.cdn {
            CdnView::None => false,
            CdnView::Unreadable => true,
            CdnView::Known(facts) => facts.rewrites_at_origin,
        }
    }

    /// Whether the page is what the site's bare address shows.
    pub(super) fn is_entry_page(&self, path: &SitePath) -> bool {
        path.as_str() == "index.html"
            || self.below_root(path).as_deref().is_some_and(|own| self.default_root_object() == Some(own))
    }

    /// The URLs whose answer changes. Not those of new fingerprinted files, which nobody could name before, and not
    /// those of retired files, which stay.
    pub(super) fn answers(
        &self,
        live: &Live,
        files: &Files,
        changes: &BTreeMap<SitePath, Change>,
    ) -> BTreeMap<UrlPath, Answer> {
        let mut answers = BTreeMap::new();
        for (path, change) in changes {
            let entry = files.get(path);
            let new_name = *change == Change::Add && entry.is_some_and(|entry| entry.kind == Kind::Fingerprinted);
            if new_name || *change == Change::Retire {
                continue;
            }
            let before = live.files.get(path).map(|entry| entry.digest);
            let after = entry.map(|entry| entry.digest);
            let own_url = self.below_root(path).map(|own| UrlPath::encode(&own));
            for url in self.all(path) {
                let own = Some(&url) == own_url.as_ref();
                answers.insert(url, Answer { before, after, own });
            }
        }
        answers
    }
}

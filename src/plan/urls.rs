//! The URLs under which visitors reach a file.

use std::collections::{BTreeMap, BTreeSet};

use crate::content::path::{SitePath, UrlPath};
use crate::release::head::CdnView;
use crate::release::manifest::Files;
use crate::types::headers::Kind;

use super::{Change, Live, Policy, UrlChange};

/// From paths to URLs, as one distribution in front of the bucket maps them.
pub(super) struct Urls<'a> {
    policy: Policy<'a>,
    cdn: CdnView<'a>,
}

impl<'a> Urls<'a> {
    pub(super) fn new(policy: Policy<'a>, cdn: CdnView<'a>) -> Urls<'a> {
        Urls { policy, cdn }
    }

    /// The paths of a file below the distribution's root, not encoded and without a leading slash; none where its
    /// origin path does not reach the file. Where the distribution cannot be read, its origin path may be the live
    /// prefix or empty.
    fn below_root(&self, path: &SitePath) -> Vec<String> {
        let key = self.policy.layout.served_key(path);
        match self.cdn {
            CdnView::None => vec![path.as_str().to_owned()],
            CdnView::Unreadable if key == path.as_str() => vec![key],
            CdnView::Unreadable => vec![path.as_str().to_owned(), key],
            CdnView::Known(facts) => facts.below_root(&key).map(str::to_owned).into_iter().collect(),
        }
    }

    /// The URLs of the files themselves, without aliases.
    pub(super) fn primary<'p>(&self, paths: impl Iterator<Item = &'p SitePath>) -> BTreeSet<UrlPath> {
        paths.flat_map(|path| self.below_root(path)).map(|own| UrlPath::encode(&own)).collect()
    }

    /// The aliases of a path, not encoded: the folder of an index page; and the path without `.html` or final slash
    /// where a function at the origin may answer for those, or nobody may look (AWS.md 1.1: CloudFront keeps URLs
    /// exactly).
    fn aliases(&self, own: &str) -> Vec<String> {
        let mut aliases = Vec::new();
        let folder = own.strip_suffix("index.html").filter(|folder| folder.is_empty() || folder.ends_with('/'));
        aliases.extend(folder.map(str::to_owned));
        if self.rewritten_at_origin() {
            let short = folder.map(|folder| folder.trim_end_matches('/')).or(own.strip_suffix(".html"));
            aliases.extend(short.map(str::to_owned));
        }
        aliases
    }

    fn default_root_object(&self) -> Option<&str> {
        match self.cdn {
            CdnView::Known(facts) => facts.default_root_object.as_deref(),
            CdnView::None | CdnView::Unreadable => None,
        }
    }

    fn rewritten_at_origin(&self) -> bool {
        match self.cdn {
            CdnView::None => false,
            CdnView::Unreadable => true,
            CdnView::Known(facts) => facts.rewrites_at_origin,
        }
    }

    /// Whether the page is what the site's bare address shows.
    pub(super) fn is_entry_page(&self, path: &SitePath) -> bool {
        path.as_str() == "index.html"
            || self.below_root(path).iter().any(|own| self.default_root_object() == Some(own.as_str()))
    }

    /// The URLs whose answer changes. Not those of new fingerprinted files, which nobody could name before - unless they
    /// came back, or may have, because they are removed at once when they leave - and not those of retired files, which
    /// stay.
    pub(super) fn answers(
        &self,
        live: &Live,
        files: &Files,
        changes: &BTreeMap<SitePath, Change>,
    ) -> BTreeMap<UrlPath, UrlChange> {
        let mut answers = BTreeMap::new();
        // Both spellings of a plus show one answer, and it is found by the one that reaches the file.
        let mut note = |url: UrlPath, answer: UrlChange| {
            answers.extend(url.with_bare_plus().map(|bare| (bare, answer.clone())));
            answers.insert(url, answer);
        };
        for (path, change) in changes {
            let entry = files.get(path);
            let may_come_back =
                live.returned.contains(path) || live.release.is_some() && self.policy.remove_now.matches(path);
            let new_name = *change == Change::Add
                && entry.is_some_and(|entry| entry.kind == Kind::Fingerprinted)
                && !may_come_back;
            if new_name || *change == Change::Retire {
                continue;
            }
            let answer = |below_site: &str, own: bool| UrlChange {
                path: path.clone(),
                below_site: UrlPath::encode(below_site),
                size_bytes: entry.map_or(0, |entry| entry.size_bytes),
                before: live.files.get(path).map(|entry| entry.digest),
                after: entry.map(|entry| entry.digest),
                own,
            };
            for below_root in self.below_root(path) {
                if self.default_root_object() == Some(below_root.as_str()) {
                    note(UrlPath::encode(""), answer("", false));
                }
                // A file and its aliases are named alike below the distribution's root and below the site's address.
                let aliases = self.aliases(&below_root).into_iter().zip(self.aliases(path.as_str()));
                aliases.for_each(|(alias, below_site)| note(UrlPath::encode(&alias), answer(&below_site, false)));
                note(UrlPath::encode(&below_root), answer(path.as_str(), true));
            }
        }
        answers
    }
}

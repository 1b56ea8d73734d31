//! The URLs at which visitors reach a file.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::environment::UrlStyle;
use crate::content::path::{SitePath, UrlPath};
use crate::release::cache_tags::{CacheTag, top_folder};
use crate::release::head::{CdnView, ERRORS_LAST_S, TagUse};
use crate::release::layout::Layout;
use crate::release::manifest::{Entry, Files};
use crate::types::headers::Kind;

use super::cover::{Kept, Stale, Tags};
use super::{Change, Live, Policy, UrlChange};

/// The page at the site's bare address, unless the distribution has another default root object.
const ENTRY_PAGE: &str = "index.html";

/// Maps paths to URLs, for one distribution of the bucket.
pub(super) struct Urls<'a> {
    policy: Policy<'a>,
    cdn: CdnView<'a>,
    /// Which aliases there are.
    style: UrlStyle,
    /// Whether errors are cached for longer than CloudFront's default.
    keeps_errors: bool,
    /// Whether cache tags may replace addresses.
    counts_tags: bool,
}

impl<'a> Urls<'a> {
    /// The aliases follow the configuration or, without a setting, what is known of the distribution.
    pub(super) fn new(policy: Policy<'a>, cdn: CdnView<'a>, tags: Option<TagUse>, live: &Live) -> Urls<'a> {
        let style = policy.urls.unwrap_or_else(|| detected(cdn));
        let counts_tags = tags == Some(TagUse::Counts);
        let urls = Urls { policy, cdn, style, keeps_errors: false, counts_tags };
        Urls { keeps_errors: urls.errors_last_s(live) > ERRORS_LAST_S, ..urls }
    }

    /// The addresses that may select the cache behavior of an address: for `/`, it is not documented whether that of the
    /// default root object comes first.
    fn chosen_by(&self, address: &str) -> Vec<String> {
        let root = self.default_root_object().filter(|_| address == "/");
        root.map(|root| format!("/{root}")).into_iter().chain([address.to_owned()]).collect()
    }

    /// Whether the distribution may cache an answer for an address.
    fn keeps(&self, address: &str) -> bool {
        let CdnView::Known(facts) = self.cdn else { return true };
        self.chosen_by(address).iter().any(|address| facts.caching.keeps(address))
    }

    /// Whether it caches one for each query string.
    fn tells_queries_apart(&self, address: &str) -> bool {
        let CdnView::Known(facts) = self.cdn else { return false };
        self.chosen_by(address).iter().any(|address| facts.caching.tells_queries_apart(address))
    }

    /// The paths of a file below the distribution's root, not encoded and without a leading slash; none if none of its origin
    /// paths reaches the file.
    fn below_root(&self, path: &SitePath) -> Vec<String> {
        self.below_root_of(path.as_str())
    }

    fn below_root_of(&self, path: &str) -> Vec<String> {
        places(self.policy.layout, self.cdn, path)
    }

    /// As [`Urls::below_root`], for each path that a behavior may put before keys, whether or not a behavior maps that
    /// very address to the file: the addresses of aliases may be mapped.
    fn ways(&self, path: &SitePath) -> Vec<(Option<&str>, String)> {
        let CdnView::Known(facts) = self.cdn else {
            return self.below_root(path).into_iter().map(|below_root| (None, below_root)).collect();
        };
        let key = format!("{}{path}", self.policy.layout.live_prefix().key);
        facts.ways(&key).into_iter().map(|(way, below_root)| (way, below_root.to_owned())).collect()
    }

    /// Whether an address, without its leading slash, may lead to the file of this path.
    fn leads(&self, way: Option<&str>, below_root: &str) -> bool {
        let CdnView::Known(facts) = self.cdn else { return true };
        self.chosen_by(&format!("/{below_root}")).iter().any(|address| facts.caching.comes_from(address, way))
    }

    /// The aliases of a path, not encoded, each a prefix of the path: the folder of an index page, and the
    /// path without `.html` or final slash (AWS.md 1.1: CloudFront keeps URLs exactly). The `entry` page has that of its
    /// folder with every style.
    fn aliases(&self, own: &str, entry: bool) -> Vec<String> {
        let mut aliases = Vec::new();
        let folder = own.strip_suffix("index.html").filter(|folder| folder.is_empty() || folder.ends_with('/'));
        aliases.extend(folder.filter(|_| entry || self.style != UrlStyle::Plain).map(str::to_owned));
        if self.style == UrlStyle::Clean {
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

    /// Whether the page is the one at the site's bare address.
    pub(super) fn is_entry_page(&self, path: &SitePath) -> bool {
        path.as_str() == ENTRY_PAGE
            || self.ways(path).iter().any(|(_, own)| self.default_root_object() == Some(own.as_str()))
    }

    /// All addresses of a file that their own behaviors map to the file.
    fn addresses(&self, path: &SitePath) -> Vec<Address> {
        let mut all = Vec::new();
        for (way, below_root) in self.ways(path) {
            let mut addresses = Vec::new();
            if self.default_root_object() == Some(below_root.as_str()) {
                addresses.push(Address { below_root: String::new(), below_site: String::new(), own: false });
            }
            // A file and its aliases have the same names below the distribution's root as below the site's address.
            let entry = path.as_str() == ENTRY_PAGE;
            let aliases = self.aliases(&below_root, entry).into_iter().zip(self.aliases(path.as_str(), entry));
            addresses.extend(aliases.map(|(below_root, below_site)| Address { below_root, below_site, own: false }));
            addresses.push(Address { below_root, below_site: path.as_str().to_owned(), own: true });
            all.extend(addresses.into_iter().filter(|address| self.leads(way, &address.below_root)));
        }
        all
    }

    /// The longest time that an error is cached under a failed address, in seconds: from the configuration or from
    /// the error page's own headers (AWS.md 2.2).
    fn errors_last_s(&self, live: &Live) -> u64 {
        let CdnView::Known(facts) = self.cdn else { return ERRORS_LAST_S };
        if facts.error_pages.is_empty() {
            return facts.caching.errors_s;
        }
        let pages = live.files.iter().filter(|(path, _)| self.is_error_page(path));
        let of_pages = pages.map(|(_, entry)| kept_s(&entry.headers.cache_control)).max().unwrap_or(0);
        of_pages.max(facts.caching.errors_s)
    }

    fn is_error_page(&self, path: &SitePath) -> bool {
        let CdnView::Known(facts) = self.cdn else { return false };
        self.below_root(path).iter().any(|own| facts.is_error_page(&format!("/{own}")))
    }

    /// The first error page that changes while copies of it, or of the error that a new one replaces, may be cached under
    /// addresses that cannot be listed.
    pub(super) fn lost_error_page<'c>(&self, changes: &'c BTreeMap<SitePath, Change>) -> Option<&'c SitePath> {
        let changed = changes.iter().filter(|(_, change)| **change != Change::Retire);
        let mut pages = changed.map(|(path, _)| path).filter(|path| self.is_error_page(path));
        pages.next().filter(|_| self.keeps_errors)
    }

    /// Whether visitors get another answer than before. Not for a new fingerprinted file, whose name was not
    /// requested before - unless it was restored, or may have been, because it is removed at once when it leaves, or because
    /// errors are cached for long - and not for a retired one, which stays.
    fn answers_otherwise(&self, live: &Live, path: &SitePath, change: Change, entry: Option<&Entry>) -> bool {
        let may_have_failed = live.release.is_some() && (self.policy.remove_now.matches(path) || self.keeps_errors);
        let may_come_back = live.returned.contains(path) || may_have_failed;
        let is_fingerprinted = entry.is_some_and(|entry| entry.kind == Kind::Fingerprinted);
        let new_name = change == Change::Add && is_fingerprinted && !may_come_back;
        !new_name && change != Change::Retire
    }

    /// The addresses to refresh at the CDN, not encoded: each begins with `/`.
    pub(super) fn stale(
        &self,
        live: &Live,
        files: &Files,
        changes: &BTreeMap<SitePath, Change>,
    ) -> BTreeMap<String, Stale> {
        let mut stale = BTreeMap::new();
        for (path, change) in changes {
            let entry = files.get(path);
            if !self.answers_otherwise(live, path, *change, entry) {
                continue;
            }
            let tagged = entry.is_some_and(|entry| self.is_tagged(live, path, entry));
            for address in self.addresses(path).into_iter().map(|address| format!("/{}", address.below_root)) {
                if self.keeps(&address) {
                    let with_queries = self.tells_queries_apart(&address);
                    // Two files may share one address.
                    stale.entry(address).or_insert(Stale { with_queries, tagged }).tagged &= tagged;
                }
            }
        }
        stale
    }

    /// Whether all cached copies of a file that changes to `entry` have its tags: it was live with them, and will be again.
    /// Not for new files: errors have no tags. Nor for files that are only presumed live, or possible error pages.
    fn is_tagged(&self, live: &Live, path: &SitePath, entry: &Entry) -> bool {
        let is_known = !live.uncertain.contains_key(path) && !live.damaged.contains(path);
        let was_mutable = live.files.get(path).is_some_and(|present| present.kind == Kind::Mutable);
        let is_mutable = was_mutable && entry.kind == Kind::Mutable;
        self.counts_tags && is_known && is_mutable && !self.is_error_page(path)
    }

    /// The tags that may cover what is `stale`.
    pub(super) fn tags(&self, changes: &BTreeMap<SitePath, Change>) -> Option<Tags> {
        let site = self.policy.layout.identity();
        let folders: BTreeSet<&str> = changes.keys().filter_map(|path| top_folder(path.as_str())).collect();
        let folders = folders.into_iter().filter(|folder| !folder.contains('~')).flat_map(|folder| {
            let below = self.below_root_of(&format!("{folder}/"));
            below.into_iter().map(|below| (format!("/{below}"), CacheTag::of_folder(site, folder)))
        });
        self.counts_tags.then(|| Tags { site: CacheTag::of_site(site), folders: folders.collect() })
    }

    /// The files that the CDN may keep serving: those that do not change, even if they leave the site, and new
    /// fingerprinted ones.
    pub(super) fn kept(&self, live: &Live, files: &Files, changes: &BTreeMap<SitePath, Change>) -> Vec<Kept> {
        let retired = changes.iter().filter(|(_, change)| **change == Change::Retire);
        let retired = retired.filter_map(|(path, _)| Some((path, live.files.get(path)?)));
        let kept = files.iter().chain(retired).filter_map(|(path, entry)| {
            let change = changes.get(path);
            let stays = change.is_none_or(|change| !self.answers_otherwise(live, path, *change, Some(entry)));
            let addresses = || self.below_root(path).iter().map(|own| format!("/{own}")).collect();
            let tagged = self.counts_tags && entry.kind == Kind::Mutable;
            let new = change == Some(&Change::Add);
            stays.then(|| Kept { addresses: addresses(), bytes: entry.size_bytes, new, tagged })
        });
        kept.collect()
    }

    /// Whether an address of a file is below the site's address: a distribution may have more paths to it.
    fn is_at_url(&self, path: &SitePath, below_root: &str) -> bool {
        let CdnView::Known(facts) = self.cdn else { return true };
        let key = self.policy.layout.served_key(path);
        facts.caching.behaviors.is_empty() || facts.below_root(&key).is_some_and(|own| own.starts_with(below_root))
    }

    /// The URLs whose answer changes.
    pub(super) fn answers(
        &self,
        live: &Live,
        files: &Files,
        changes: &BTreeMap<SitePath, Change>,
    ) -> BTreeMap<UrlPath, UrlChange> {
        let mut answers = BTreeMap::new();
        for (path, change) in changes {
            let entry = files.get(path);
            if !self.answers_otherwise(live, path, *change, entry) {
                continue;
            }
            let before = live.files.get(path);
            let headers = before.zip(entry).map(|(before, after)| before.headers.changes_to(&after.headers));
            let headers = headers.unwrap_or_default();
            let is_mutable = entry.is_some_and(|entry| entry.kind == Kind::Mutable);
            let tags = match self.policy.tagging.writes && is_mutable {
                true => CacheTag::all_of(self.policy.layout.identity(), path),
                false => Vec::new(),
            };
            for Address { below_root, below_site, own } in self.addresses(path) {
                if !self.is_at_url(path, &below_root) {
                    continue;
                }
                // All spellings have one answer, under the spelling that reaches the file.
                let answer = UrlChange {
                    path: path.clone(),
                    below_site: UrlPath::encode(&below_site),
                    size_bytes: entry.map_or(0, |entry| entry.size_bytes),
                    before: before.map(|entry| entry.digest),
                    after: entry.map(|entry| entry.digest),
                    headers: headers.clone(),
                    tags: tags.clone(),
                    own,
                };
                let spellings = UrlPath::encode(&below_root).spellings();
                answers.extend(spellings.into_iter().map(|url| (url, answer.clone())));
            }
        }
        answers
    }
}

/// The place of `path` below a distribution's root, not encoded and without a leading slash. If the distribution
/// cannot be read, its origin path may be the live prefix, or any folder above it.
pub(super) fn places(layout: &Layout, cdn: CdnView<'_>, path: &str) -> Vec<String> {
    let prefix = layout.live_prefix().key;
    let key = format!("{prefix}{path}");
    match cdn {
        CdnView::None => vec![path.to_owned()],
        CdnView::Unreadable => {
            let above = prefix.rmatch_indices('/').map(|(slash, _)| key[slash + 1..].to_owned());
            above.chain([key.clone()]).collect()
        }
        CdnView::Known(facts) => facts.places(&key).into_iter().map(str::to_owned).collect(),
    }
}

/// How long a shared cache keeps an answer with these headers, in seconds; a day, CloudFront's default, if they do
/// not say (AWS.md 2.1).
fn kept_s(cache_control: &str) -> u64 {
    let text = cache_control.to_ascii_lowercase();
    let directives: Vec<&str> = text.split(',').map(str::trim).collect();
    if directives.iter().any(|directive| ["no-store", "no-cache", "private"].contains(directive)) {
        return 0;
    }
    let value = |name: &str| {
        let value = directives.iter().find_map(|directive| directive.strip_prefix(name)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"').parse().unwrap_or(0))
    };
    value("s-maxage").or_else(|| value("max-age")).unwrap_or(86_400)
}

/// The aliases according to the distribution: something may answer at the short addresses, or its
/// configuration cannot be read.
fn detected(cdn: CdnView<'_>) -> UrlStyle {
    match cdn {
        CdnView::Known(facts) if facts.rewrites_at_origin => UrlStyle::Clean,
        CdnView::Unreadable => UrlStyle::Clean,
        CdnView::None | CdnView::Known(_) => UrlStyle::Index,
    }
}

/// An address at which visitors reach a file, not encoded and without a leading slash.
struct Address {
    below_root: String,
    below_site: String,
    own: bool,
}

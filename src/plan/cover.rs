//! What to invalidate at the CDN: exact paths while they fit, beyond that the wildcards that evict the least, and cache tags
//! if one can replace paths and evicts no more.

mod cost;
mod optimum;
mod prices;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::content::path::{SitePath, UrlPath};
use crate::release::cache_tags::CacheTag;
use crate::release::head::Items;

use cost::{Cost, Limits};
use optimum::{Chosen, Item, Tagged};

/// Most addresses, wildcards and tags in one cover, whatever the settings: the head may not record more. The sums of the search
/// stay far below overflow.
const MOST_PATHS: usize = 100_000;

/// Most wildcards in one cover: CloudFront's older limit on wildcards in progress (AWS.md 1.2).
const MAX_WILDCARDS: usize = 15;

/// More than the spellings of that many wildcards, and all tags.
const MOST_OTHER_PATHS: usize = 1 << 20;

/// The content of one invalidation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// Exact paths and wildcards, sorted, each in all its spellings. CloudFront charges for each.
    pub paths: Vec<UrlPath>,
    /// Cache tags, sorted. CloudFront charges for each as for a path.
    pub tags: Vec<CacheTag>,
    /// Unchanged files that a wildcard or a tag evicts too.
    pub evicted_unchanged: usize,
    /// Their total size, in bytes.
    pub evicted_bytes: u64,
    /// Why everything is invalidated although less has changed, if so.
    pub because: Option<Everything>,
}

/// Why a distribution must evict everything although less has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Everything {
    /// It may have cached something that was never refreshed.
    Unseen,
    /// Cache tags begin to replace paths.
    TagsBegin,
    /// This error page changes, and the addresses of its copies cannot be listed.
    ErrorPage(SitePath),
}

/// A clause: `404.html changed, and ...`
impl fmt::Display for Everything {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Everything::Unseen => {
                formatter.write_str("this distribution has not been refreshed for what was live before")
            }
            Everything::TagsBegin => formatter.write_str("cache tags stand in place of paths from now on"),
            Everything::ErrorPage(page) => {
                write!(formatter, "{page} changed, and copies of it are kept under every address that missed")
            }
        }
    }
}

impl Cover {
    /// Everything.
    pub(super) fn everything(because: Everything, kept: &[Kept]) -> Cover {
        let all = Cover::evicting(vec![UrlPath::everything()], Vec::new(), kept, |_| true);
        Cover { because: Some(because), ..all }
    }

    /// `paths` and `tags`, with the unchanged files of `kept` that are evicted according to `goes`.
    fn evicting(paths: Vec<UrlPath>, tags: Vec<CacheTag>, kept: &[Kept], goes: impl Fn(&Kept) -> bool) -> Cover {
        let unchanged = kept.iter().filter(|file| !file.new);
        let evicted: Vec<u64> = unchanged.filter(|file| goes(file)).map(|file| file.bytes).collect();
        Cover { paths, tags, evicted_unchanged: evicted.len(), evicted_bytes: evicted.iter().sum(), because: None }
    }

    /// What a distribution must evict.
    pub fn items(&self) -> Items<'_> {
        Items { paths: &self.paths, tags: &self.tags }
    }
}

/// How an address may be evicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stale {
    /// Whether the CDN caches it separately for each query string.
    pub(super) with_queries: bool,
    /// Whether all copies cached under it have the tags of its path.
    pub(super) tagged: bool,
}

/// A file that visitors may keep getting from the CDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Its address, not encoded: each begins with `/`. Aliases are not needed: each of them is a prefix of the file's own
    /// address, so a wildcard that covers one covers that too.
    pub(super) addresses: Vec<String>,
    /// Its size.
    pub(super) bytes: u64,
    /// Whether it is a new fingerprinted file. All others did not change.
    pub(super) new: bool,
    /// Whether it has the tags of its path.
    pub(super) tagged: bool,
}

/// The cache tags that may replace addresses: that of the site for all tagged ones, and those of top folders, each for
/// the addresses that begin with it: `/blog/`. No folder here has a name with `~`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) site: CacheTag,
    pub(super) folders: BTreeMap<String, CacheTag>,
}

/// Covers every address of `stale`, which begin with `/` and are not encoded, with at most `max_paths` addresses, wildcards
/// and tags, and evicts as few bytes of `kept` as that allows. Without `tags`, nothing counts as tagged.
pub(super) fn cover(stale: &BTreeMap<String, Stale>, kept: &[Kept], tags: Option<&Tags>, max_paths: usize) -> Cover {
    let limits = Limits { addresses: max_paths.clamp(1, MOST_PATHS), wildcards: MAX_WILDCARDS };
    let Chosen { prefixes, site, folders } = chosen(stale, kept, tags, limits);
    let is_wide = |address: &str| begins_with_one_of(&prefixes, address);
    let has_tag = |address: &str| site || begins_with_one_of(&folders, address);
    let is_covered = |address: &str, how: Stale| is_wide(address) || how.tagged && has_tag(address);
    let exact = stale.iter().filter(|(address, how)| !is_covered(address, **how));
    let exact = exact.map(|(address, _)| UrlPath::encode(address));
    let wide = prefixes.iter().map(|prefix| UrlPath::wildcard(prefix));
    let mut paths: Vec<UrlPath> = exact.chain(wide).flat_map(|path| path.spellings()).collect();
    paths.sort();
    paths.dedup();
    let of_site = tags.filter(|_| site).map(|tags| &tags.site);
    let of_folders = tags.into_iter().flat_map(|tags| folders.iter().filter_map(|folder| tags.folders.get(*folder)));
    let named: BTreeSet<CacheTag> = of_site.into_iter().chain(of_folders).cloned().collect();
    Cover::evicting(paths, named.into_iter().collect(), kept, |file| {
        let goes =
            |address: &String| is_wide(address) || stale.contains_key(address) || file.tagged && has_tag(address);
        file.addresses.iter().any(goes)
    })
}

/// The prefixes of the wildcards, none a prefix of another, and the tags. An exact path is certain to evict nothing else,
/// not even unknown objects, and CloudFront accepts 150 of them for each wildcard. So wildcards are only for addresses
/// without an exact path, until there are too many.
fn chosen<'a>(stale: &'a BTreeMap<String, Stale>, kept: &[Kept], tags: Option<&'a Tags>, limits: Limits) -> Chosen<'a> {
    let items = items(stale);
    let needed = without_covered(items.iter().filter(|item| item.paths.is_none()).map(|item| item.prefix).collect());
    let is_wide = |item: &&Item<'_>| begins_with_one_of(&needed, item.prefix);
    // If there are too many of them, it does not matter what else they cover.
    let fits = needed.len() <= limits.wildcards
        && needed.len() + items.iter().filter(|item| !is_wide(item)).count() <= limits.addresses;
    if fits && tags.is_none() {
        return Chosen { prefixes: needed, ..Chosen::default() };
    }
    let weights = Weights::of(kept);
    let tagged = tags.map(|tags| Tagged {
        site: weights.tagged("/"),
        folders: tags.folders.keys().map(|folder| (folder.as_str(), weights.tagged(folder))).collect(),
    });
    let most = weights.most(items.iter().map(|item| item.paths.unwrap_or(0)).sum());
    let mut chosen = if fits {
        let has_no_path = |prefix: &str, without_tagged: bool| {
            let found = items.binary_search_by(|item| item.prefix.cmp(prefix)).ok().map(|place| items[place]);
            found.is_some_and(|item| if without_tagged { item.untagged == Some(None) } else { item.paths.is_none() })
        };
        optimum::cheapest(&items, tagged.as_ref(), limits, most, |prefix, without_tagged| {
            let narrowest = weights.wide(prefix, without_tagged).into_iter().take(1);
            narrowest.filter(|_| has_no_path(prefix, without_tagged)).collect()
        })
    } else {
        optimum::cheapest(&items, tagged.as_ref(), limits, most, |prefix, without_tagged| {
            weights.wide(prefix, without_tagged)
        })
    };
    chosen.prefixes = without_covered(chosen.prefixes);
    chosen.folders.sort_unstable();
    chosen
}

/// The texts to cover, sorted; for an address that no path can name, the narrowest wildcard: its beginning up to the
/// first `~`, which no invalidation path may contain, or, if query strings are in the cache key, its own with a `*` (AWS.md 1.1).
fn items(stale: &BTreeMap<String, Stale>) -> Vec<Item<'_>> {
    let mut items: BTreeMap<&str, Item<'_>> = BTreeMap::new();
    for (address, how) in stale {
        let path = UrlPath::encode(address);
        let (prefix, paths) = if path.can_be_invalidated() && !how.with_queries {
            (address.as_str(), Some(path.spellings().len()))
        } else {
            let start = address.split_once('~').map_or(address.as_str(), |(start, _)| start);
            (may_end_wildcard(start), None)
        };
        let item = items.entry(prefix).or_insert(Item { prefix, paths, untagged: None });
        // An exact path may also be the prefix of a wildcard.
        item.paths = item.paths.and(paths);
        if !how.tagged {
            item.untagged = Some(item.untagged.map_or(paths, |other| other.and(paths)));
        }
    }
    items.into_values().collect()
}

/// The longest beginning of `prefix` that a wildcard may have: it is unknown whether a `*` before the final one is taken
/// literally.
fn may_end_wildcard(prefix: &str) -> &str {
    prefix.trim_end_matches('*')
}

/// Whether `text` begins with one of `prefixes`, which are sorted, and none of which is a prefix of another.
fn begins_with_one_of(prefixes: &[&str], text: &str) -> bool {
    let after = prefixes.partition_point(|prefix| *prefix <= text);
    after > 0 && text.starts_with(prefixes[after - 1])
}

/// The prefixes that do not begin with another one.
fn without_covered(mut prefixes: Vec<&str>) -> Vec<&str> {
    prefixes.sort_unstable();
    prefixes.dedup_by(|next, kept| next.starts_with(*kept));
    prefixes
}

/// The files below a prefix, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// Unchanged files without tags.
    untagged: u64,
    /// Unchanged files with tags.
    tagged: u64,
    new: u64,
}

/// The files below each prefix, as differences of running sums over all addresses.
struct Weights<'a> {
    addresses: Vec<&'a str>,
    /// One more than there are addresses.
    sums: Vec<Sums>,
}

impl<'a> Weights<'a> {
    fn of(kept: &'a [Kept]) -> Weights<'a> {
        let each = kept.iter().flat_map(|file| file.addresses.iter().map(move |address| (address.as_str(), file)));
        let mut sorted: Vec<(&str, &Kept)> = each.collect();
        sorted.sort_unstable_by_key(|(address, _)| *address);
        let mut sums = vec![Sums::default()];
        let mut sum = Sums::default();
        for (_, file) in &sorted {
            let bytes = match (file.new, file.tagged) {
                (true, _) => &mut sum.new,
                (false, true) => &mut sum.tagged,
                (false, false) => &mut sum.untagged,
            };
            *bytes += file.bytes;
            sums.push(sum);
        }
        Weights { addresses: sorted.into_iter().map(|(address, _)| address).collect(), sums }
    }

    /// The wildcards that may cover `prefix`: the narrowest one, and shorter ones with fewer spellings
    /// to pay for. Tagged files cost nothing if a tag evicts them already.
    fn wide<'p>(&self, prefix: &'p str, without_tagged: bool) -> Vec<(&'p str, Cost)> {
        let spelled = |prefix: &str| UrlPath::wildcard(prefix).spellings().len();
        let mut wide = Vec::new();
        let mut next = Some(may_end_wildcard(prefix));
        while let Some(prefix) = next {
            let paths = spelled(prefix);
            let Sums { untagged, tagged, new } = self.below(prefix);
            let unchanged_bytes = untagged + if without_tagged { 0 } else { tagged };
            wide.push((prefix, Cost { unchanged_bytes, new_bytes: new, paths }));
            let mut shorter = prefix.char_indices().rev().map(|(end, _)| may_end_wildcard(&prefix[..end]));
            next = if paths == 1 { None } else { shorter.find(|shorter| spelled(shorter) < paths) };
        }
        wide
    }

    /// An upper bound for the cost of a cover that has this many `paths` besides its wildcards and tags.
    fn most(&self, paths: usize) -> Cost {
        let Sums { untagged, tagged, new } = self.sums.last().copied().unwrap_or_default();
        Cost { unchanged_bytes: untagged + tagged, new_bytes: new, paths: paths + MOST_OTHER_PATHS }
    }

    /// The cost of a tag that all files below `prefix` have.
    fn tagged(&self, prefix: &str) -> Cost {
        Cost { unchanged_bytes: self.below(prefix).tagged, new_bytes: 0, paths: 1 }
    }

    /// What a wildcard evicts.
    fn below(&self, prefix: &str) -> Sums {
        let first = self.addresses.partition_point(|address| *address < prefix);
        let last = first + self.addresses[first..].partition_point(|address| address.starts_with(prefix));
        let (before, after) = (self.sums[first], self.sums[last]);
        Sums {
            untagged: after.untagged - before.untagged,
            tagged: after.tagged - before.tagged,
            new: after.new - before.new,
        }
    }
}

#[cfg(test)]
mod tests;

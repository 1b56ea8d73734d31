//! Which paths to send to the CDN: exact ones while they fit, and beyond that the wildcards that evict the least.

mod optimum;

use std::collections::BTreeMap;

use crate::content::path::UrlPath;

use optimum::{Cost, Item, Limits};

/// Most wildcards in one cover: CloudFront's older limit on wildcards in progress (AWS.md 1.2).
const MAX_WILDCARDS: usize = 15;

/// Paths for one invalidation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// Exact paths and wildcards, sorted, each in all its spellings. CloudFront charges for each of them.
    pub paths: Vec<UrlPath>,
    /// Files that did not change and that a wildcard takes along.
    pub evicted_unchanged: usize,
    /// Their size together, in bytes.
    pub evicted_bytes: u64,
}

impl Cover {
    /// All that there is.
    pub(super) fn everything(kept: &[Kept]) -> Cover {
        Cover::evicting(vec![UrlPath::everything()], kept, |_| true)
    }

    /// `paths`, which evict what has an address that `goes` along.
    fn evicting(paths: Vec<UrlPath>, kept: &[Kept], goes: impl Fn(&String) -> bool) -> Cover {
        let unchanged = kept.iter().filter(|file| !file.new);
        let evicted: Vec<u64> =
            unchanged.filter(|file| file.addresses.iter().any(&goes)).map(|file| file.bytes).collect();
        Cover { paths, evicted_unchanged: evicted.len(), evicted_bytes: evicted.iter().sum() }
    }
}

/// A file that visitors may go on getting from the CDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Where it lies, not encoded: each address begins with `/`. Aliases are not needed: each of them is the beginning
    /// of the file's own address, so that a wildcard which covers one covers that too.
    pub(super) addresses: Vec<String>,
    /// Its size.
    pub(super) bytes: u64,
    /// Whether it is a new fingerprinted file. All others did not change.
    pub(super) new: bool,
}

/// Covers every address of `stale`, which begin with `/` and are not encoded, each with whether it is kept for each query string
/// apart, with at most `max_paths` addresses and
/// wildcards, and evicts as few bytes of `kept` as that allows.
pub(super) fn cover(stale: &BTreeMap<String, bool>, kept: &[Kept], max_paths: usize) -> Cover {
    let limits = Limits { addresses: max_paths.max(1), wildcards: MAX_WILDCARDS };
    let prefixes = prefixes(stale, kept, limits);
    let is_wide = |address: &str| prefixes.iter().any(|prefix| address.starts_with(prefix));
    let exact = stale.keys().filter(|address| !is_wide(address)).map(|address| UrlPath::encode(address));
    let wide = prefixes.iter().map(|prefix| UrlPath::wildcard(prefix));
    let mut paths: Vec<UrlPath> = exact.chain(wide).flat_map(|path| path.spellings()).collect();
    paths.sort();
    paths.dedup();
    Cover::evicting(paths, kept, |address| is_wide(address) || stale.contains_key(address))
}

/// The prefixes of the wildcards, none of which begins with another. An exact path is sure to evict nothing else, also
/// nothing that is not known here, and CloudFront takes 150 of them for each wildcard. So wildcards are only for what has
/// no exact path, until that is too much.
fn prefixes<'a>(stale: &'a BTreeMap<String, bool>, kept: &[Kept], limits: Limits) -> Vec<&'a str> {
    let items = items(stale);
    let needed = without_covered(items.iter().filter(|item| item.paths.is_none()).map(|item| item.prefix).collect());
    let is_wide = |item: &&Item<'_>| needed.iter().any(|prefix| item.prefix.starts_with(prefix));
    // Where there are too many of them, nobody needs to know what else they cover.
    let fits = needed.len() <= limits.wildcards
        && needed.len() + items.iter().filter(|item| !is_wide(item)).count() <= limits.addresses;
    if fits {
        return needed;
    }
    let weights = Weights::of(kept);
    without_covered(optimum::wildcards(&items, limits, |prefix| weights.wide(prefix)))
}

/// What is to be covered, sorted; of what no path can name, the narrowest wildcard: all that begins as it does up to its
/// first `~`, which no invalidation path may hold, or, where query strings are told apart, with whatever follows (AWS.md 1.1).
fn items(stale: &BTreeMap<String, bool>) -> Vec<Item<'_>> {
    let mut items = BTreeMap::new();
    for (address, with_queries) in stale {
        let path = UrlPath::encode(address);
        if path.can_be_invalidated() && !with_queries {
            items.entry(address.as_str()).or_insert(Some(path.spellings().len()));
        } else {
            let start = address.split_once('~').map_or(address.as_str(), |(start, _)| start);
            items.insert(may_end_wildcard(start), None);
        }
    }
    items.into_iter().map(|(prefix, paths)| Item { prefix, paths }).collect()
}

/// The longest beginning of `prefix` that a wildcard may have: a `*` before the final one is not known to be taken
/// literally.
fn may_end_wildcard(prefix: &str) -> &str {
    prefix.trim_end_matches('*')
}

/// The prefixes that do not begin with another one.
fn without_covered(mut prefixes: Vec<&str>) -> Vec<&str> {
    prefixes.sort_unstable();
    prefixes.dedup_by(|next, kept| next.starts_with(*kept));
    prefixes
}

/// What lies below each prefix, by the sums of all addresses before the first and the last one.
struct Weights<'a> {
    addresses: Vec<&'a str>,
    /// One more than there are addresses.
    sums: Vec<Cost>,
}

impl<'a> Weights<'a> {
    fn of(kept: &'a [Kept]) -> Weights<'a> {
        let each = kept.iter().flat_map(|file| file.addresses.iter().map(move |address| (address.as_str(), file)));
        let mut sorted: Vec<(&str, &Kept)> = each.collect();
        sorted.sort_unstable_by_key(|(address, _)| *address);
        let mut sums = vec![Cost::default()];
        let mut sum = Cost::default();
        for (_, file) in &sorted {
            let bytes = if file.new { &mut sum.new_bytes } else { &mut sum.unchanged_bytes };
            *bytes += file.bytes;
            sums.push(sum);
        }
        Weights { addresses: sorted.into_iter().map(|(address, _)| address).collect(), sums }
    }

    /// The wildcards that may stand for `prefix`: the narrowest one, and those that begin earlier and have fewer spellings
    /// to pay for.
    fn wide<'p>(&self, prefix: &'p str) -> Vec<(&'p str, Cost)> {
        let spelled = |prefix: &str| UrlPath::wildcard(prefix).spellings().len();
        let mut wide = Vec::new();
        let mut next = Some(may_end_wildcard(prefix));
        while let Some(prefix) = next {
            let paths = spelled(prefix);
            wide.push((prefix, Cost { paths, ..self.below(prefix) }));
            let mut shorter = prefix.char_indices().rev().map(|(end, _)| may_end_wildcard(&prefix[..end]));
            next = if paths == 1 { None } else { shorter.find(|shorter| spelled(shorter) < paths) };
        }
        wide
    }

    /// What a wildcard takes along.
    fn below(&self, prefix: &str) -> Cost {
        let first = self.addresses.partition_point(|address| *address < prefix);
        let last = first + self.addresses[first..].partition_point(|address| address.starts_with(prefix));
        let (before, after) = (self.sums[first], self.sums[last]);
        Cost {
            unchanged_bytes: after.unchanged_bytes - before.unchanged_bytes,
            new_bytes: after.new_bytes - before.new_bytes,
            paths: 0,
        }
    }
}

#[cfg(test)]
mod tests;

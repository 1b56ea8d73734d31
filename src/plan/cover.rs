//! Which paths to send to the CDN: exact ones while they fit, wildcards that take along as little as possible beyond.

use std::collections::BTreeSet;

use crate::content::path::UrlPath;

/// Most wildcards in one invalidation: CloudFront's limit on wildcards in progress (AWS.md 1.2).
pub const MAX_WILDCARDS: usize = 15;

/// Paths for one invalidation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// Exact paths and wildcards, sorted.
    pub paths: Vec<UrlPath>,
    /// Files that did not change and that a wildcard takes along.
    pub evicted_unchanged: usize,
}

impl Cover {
    /// All that there is. `unchanged` are the URLs of the files that stay.
    pub(super) fn everything(unchanged: &BTreeSet<UrlPath>) -> Cover {
        Cover { paths: vec![UrlPath::everything()], evicted_unchanged: unchanged.len() }
    }
}

/// Covers every URL of `changed` with at most `max_paths` paths. `unchanged` are the URLs of the files that stay.
pub(super) fn cover(changed: BTreeSet<UrlPath>, unchanged: &BTreeSet<UrlPath>, max_paths: usize) -> Cover {
    let max_paths = max_paths.max(1);
    let unchanged: Vec<&str> = unchanged.iter().map(UrlPath::as_str).collect();
    let mut paths = BTreeSet::new();
    for url in changed {
        // CloudFront cannot name these exactly.
        let path = if url.can_be_invalidated() { url } else { wildcard_for(&url) };
        paths.insert(path);
    }
    drop_covered(&mut paths);
    while let Some(needed) = missing(&paths, max_paths) {
        let wildcard = cheapest(&paths, &unchanged, needed);
        absorb(&mut paths, &wildcard);
    }
    let evicted_unchanged = paths.iter().filter(|path| path.is_wildcard()).map(|path| below(path, &unchanged)).sum();
    Cover { paths: paths.into_iter().collect(), evicted_unchanged }
}

/// The narrowest wildcard that covers a path which cannot be sent as it is: all that begins as it does up to its first
/// `~`, which no invalidation path may hold. A path that ends with `*` is such a wildcard already.
fn wildcard_for(url: &UrlPath) -> UrlPath {
    match url.as_str().split_once('~') {
        Some((start, _)) => UrlPath::encoded_wildcard(start),
        None => url.clone(),
    }
}

/// Takes out what another wildcard covers. Of a sorted list of beginnings, none of which begins with another, the last one before
/// a path is the only one that it can begin with.
fn drop_covered(paths: &mut BTreeSet<UrlPath>) {
    let start = |path: &UrlPath| path.as_str().strip_suffix('*').unwrap_or(path.as_str()).to_owned();
    let mut starts: Vec<String> = paths.iter().filter(|path| path.is_wildcard()).map(start).collect();
    starts.sort();
    starts.dedup_by(|next, kept| next.starts_with(kept.as_str()));
    paths.retain(|path| {
        let text = start(path);
        let before = starts.partition_point(|start| *start <= text).checked_sub(1);
        match before.map(|before| &starts[before]).filter(|start| text.starts_with(start.as_str())) {
            Some(start) => path.is_wildcard() && text == *start,
            None => true,
        }
    });
}

/// Puts `wildcard` in and takes out all that it covers.
fn absorb(paths: &mut BTreeSet<UrlPath>, wildcard: &UrlPath) {
    paths.retain(|path| !wildcard.covers(path));
    paths.insert(wildcard.clone());
}

fn wildcards(paths: &BTreeSet<UrlPath>) -> usize {
    paths.iter().filter(|path| path.is_wildcard()).count()
}

/// What the next wildcard must save, so that few enough wildcards bring the paths within the limits: paths, or, where
/// there are too many of those, wildcards. `None`: they are within.
enum Needed {
    Paths(usize),
    Wildcards(usize),
}

fn missing(paths: &BTreeSet<UrlPath>, max_paths: usize) -> Option<Needed> {
    let wildcards = wildcards(paths);
    if wildcards > MAX_WILDCARDS {
        return Some(Needed::Wildcards(wildcards - MAX_WILDCARDS + 1));
    }
    let excess = paths.len().checked_sub(max_paths).filter(|excess| *excess > 0)?;
    Some(Needed::Paths(excess.div_ceil((MAX_WILDCARDS - wildcards).max(1))))
}

/// Of the folders that save enough, the one that takes along the fewest unchanged files for each path it saves.
fn cheapest(paths: &BTreeSet<UrlPath>, unchanged: &[&str], needed: Needed) -> UrlPath {
    let all: Vec<&str> = paths.iter().map(UrlPath::as_str).collect();
    let wide: Vec<&str> = paths.iter().filter(|path| path.is_wildcard()).map(UrlPath::as_str).collect();
    let folders: BTreeSet<UrlPath> = paths.iter().flat_map(ancestors).collect();
    let enough = |folder: &UrlPath, saved: usize| match needed {
        Needed::Paths(least) => saved >= least,
        Needed::Wildcards(least) => below(folder, &wide) >= least,
    };
    folders
        .into_iter()
        .filter_map(|folder| {
            let saved = below(&folder, &all).checked_sub(1).filter(|saved| *saved > 0)?;
            let evicted = below(&folder, unchanged);
            // Thousandths of a file for each path saved: exact enough to order by, and without floating point.
            enough(&folder, saved).then(|| (evicted * 1_000 / saved, evicted, folder))
        })
        .min()
        .map_or_else(UrlPath::everything, |(_, _, folder)| folder)
}

/// The wildcards of all folders that a path lies in, without the path itself.
fn ancestors(path: &UrlPath) -> Vec<UrlPath> {
    let mut found = Vec::new();
    // The folder of the wildcard `/a/*` is that of `/a`: going up must end.
    let mut rest = path.as_str().strip_suffix("/*").unwrap_or(path.as_str());
    while let Some((folder, _)) = rest.rsplit_once('/') {
        found.push(UrlPath::encoded_wildcard(&format!("{folder}/")));
        rest = folder;
    }
    found
}

/// How many of the sorted URLs a wildcard covers.
fn below(wildcard: &UrlPath, urls: &[&str]) -> usize {
    let start = wildcard.as_str().strip_suffix('*').unwrap_or(wildcard.as_str());
    let first = urls.partition_point(|url| *url < start);
    urls[first..].partition_point(|url| url.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    fn urls(paths: &[&str]) -> BTreeSet<UrlPath> {
        paths.iter().map(|path| UrlPath::encode(path)).collect()
    }

    fn covered(changed: &[&str], unchanged: &[&str], max: usize) -> (Vec<String>, usize) {
        let cover = cover(urls(changed), &urls(unchanged), max);
        (cover.paths.iter().map(UrlPath::to_string).collect(), cover.evicted_unchanged)
    }

    #[test]
    fn exact_while_it_fits() {
        let (paths, evicted) = covered(&["/", "/index.html", "/b/"], &["/a.html"], 3);
        assert_eq!(paths, ["/", "/b/", "/index.html"]);
        assert_eq!(evicted, 0);
    }

    #[test]
    fn beyond_it_the_folder_that_evicts_least_becomes_a_wildcard() {
        let changed = ["/blog/1", "/blog/2", "/blog/3", "/docs/1", "/docs/2", "/docs/3", "/index.html"];
        let (paths, evicted) = covered(&changed, &["/docs/4", "/docs/5", "/blog/4"], 5);
        assert_eq!(paths, ["/blog/*", "/docs/1", "/docs/2", "/docs/3", "/index.html"]);
        assert_eq!(evicted, 1);
    }

    #[test]
    fn a_name_that_cloudfront_cannot_invalidate_takes_its_folder() {
        let (paths, evicted) = covered(&["/a/~b/c.html", "/x~.html", "/a/d.html"], &["/a/e.html", "/z.html"], 100);
        assert_eq!(paths, ["/a/*", "/x*"]);
        assert_eq!(evicted, 1);
        let (paths, evicted) = covered(&["/~me/index.html", "/a/~/b"], &["/a/e.html", "/z.html"], 100);
        assert_eq!(paths, ["/*"]);
        assert_eq!(evicted, 2);
        let (paths, _) = covered(&["/a*", "/ab", "/b"], &[], 100);
        assert_eq!(paths, ["/a*", "/b"]);
    }

    #[test]
    fn ten_thousand_changed_pages_are_covered_by_a_handful_of_looks() {
        // Each look at all folders brings the paths at least a fifteenth of the way down: a bound that a quadratic
        // number of looks, as one for each folder saved, would miss by far.
        let changed: BTreeSet<UrlPath> = (0..10_000)
            .flat_map(|page| ["", "index.html"].map(|name| UrlPath::encode(&format!("blog/{page}/{name}"))))
            .chain([UrlPath::encode("index.html")])
            .collect();
        let cover = cover(changed, &urls(&["/about/index.html", "/blog/kept/index.html"]), 100);
        let paths: Vec<_> = cover.paths.iter().map(UrlPath::as_str).collect();
        assert_eq!(paths, ["/blog/*", "/index.html"]);
        assert_eq!(cover.evicted_unchanged, 1);
    }

    proptest! {
        #[test]
        fn what_a_wildcard_covers_is_dropped_and_nothing_else(paths in btree_set("/[ab/]{0,4}\\*?", 0..20)) {
            let paths: BTreeSet<UrlPath> = paths.iter().map(|path| UrlPath::encode(path)).collect();
            let wide: Vec<&UrlPath> = paths.iter().filter(|path| path.is_wildcard()).collect();
            let is_covered = |path: &UrlPath| wide.iter().any(|wildcard| *wildcard != path && wildcard.covers(path));
            let expected: BTreeSet<UrlPath> = paths.iter().filter(|path| !is_covered(path)).cloned().collect();
            let mut left = paths.clone();
            drop_covered(&mut left);
            prop_assert_eq!(left, expected);
        }

        #[test]
        fn whatever_changed_is_covered_within_the_limits(
            changed in btree_set("[abc~*]{1,2}(/[abc]{1,2}){0,3}", 0..60),
            unchanged in btree_set("[abd]{1,2}(/[abd]{1,2}){0,3}", 0..60),
            max in 1usize..40,
        ) {
            let changed: BTreeSet<UrlPath> = changed.iter().map(|path| UrlPath::encode(path)).collect();
            let unchanged: BTreeSet<UrlPath> =
                unchanged.iter().map(|path| UrlPath::encode(path)).filter(|url| !changed.contains(url)).collect();
            let cover = cover(changed.clone(), &unchanged, max);
            prop_assert!(cover.paths.len() <= max);
            prop_assert!(cover.paths.iter().filter(|path| path.is_wildcard()).count() <= MAX_WILDCARDS);
            for url in &changed {
                prop_assert!(cover.paths.iter().any(|path| path.covers(url)), "{} is not covered", url);
            }
            for path in &cover.paths {
                prop_assert!(!path.as_str().contains('~'));
                prop_assert!(changed.iter().any(|url| path.covers(url)), "{} covers nothing", path);
            }
            let evicted = unchanged.iter().filter(|url| cover.paths.iter().any(|path| path.covers(url))).count();
            prop_assert_eq!(evicted, cover.evicted_unchanged);
        }
    }
}

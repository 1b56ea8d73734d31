use super::*;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn addresses(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

/// Of addresses that are kept whatever their query strings are.
fn cover(stale: &BTreeSet<String>, kept: &[Kept], max_paths: usize) -> Cover {
    super::cover(&stale.iter().map(|address| (address.clone(), false)).collect(), kept, max_paths)
}

fn kept(address: &str, bytes: u64, new: bool) -> Kept {
    Kept { addresses: vec![address.to_owned()], bytes, new }
}

/// The paths, and how many files and bytes go with them.
fn covered(stale: &[&str], unchanged: &[(&str, u64)], max: usize) -> (Vec<String>, usize, u64) {
    let kept: Vec<Kept> = unchanged.iter().map(|(address, bytes)| kept(address, *bytes, false)).collect();
    let cover = cover(&addresses(stale), &kept, max);
    (cover.paths.iter().map(UrlPath::to_string).collect(), cover.evicted_unchanged, cover.evicted_bytes)
}

fn only(paths: &[&str], evicted: usize, bytes: u64) -> (Vec<String>, usize, u64) {
    (paths.iter().map(|path| (*path).to_owned()).collect(), evicted, bytes)
}

#[test]
fn exact_while_it_fits() {
    let found = covered(&["/", "/index.html", "/b/"], &[("/a.html", 1)], 3);
    assert_eq!(found, only(&["/", "/b/", "/index.html"], 0, 0));
}

#[test]
fn beyond_it_bytes_count_and_not_files() {
    let stale = ["/blog/1", "/blog/2", "/blog/3", "/docs/1", "/docs/2", "/docs/3", "/index.html"];
    let small = [("/blog/4", 10), ("/blog/5", 10), ("/docs/4", 21)];
    let paths = ["/blog/*", "/docs/1", "/docs/2", "/docs/3", "/index.html"];
    assert_eq!(covered(&stale, &small, 5), only(&paths, 2, 20));
    let large = [("/blog/4", 10), ("/blog/5", 12), ("/docs/4", 21)];
    let paths = ["/blog/1", "/blog/2", "/blog/3", "/docs/*", "/index.html"];
    assert_eq!(covered(&stale, &large, 5), only(&paths, 1, 21));
}

#[test]
fn a_wildcard_may_end_anywhere_in_a_name() {
    let stale = ["/blog/2024-01.html", "/blog/2024-02.html", "/blog/2024-11.html", "/index.html"];
    let kept = [("/blog/2023-12.html", 5), ("/blog/2025-01.html", 5)];
    assert_eq!(covered(&stale, &kept, 2), only(&["/blog/2024-*", "/index.html"], 0, 0));
    assert_eq!(covered(&stale, &kept, 3), only(&["/blog/2024-*", "/index.html"], 0, 0), "and the fewest paths");
    // Never within a character, nor within its escape.
    assert_eq!(covered(&["/ä", "/ö", "/b"], &[("/c", 1)], 1), only(&["/*"], 1, 1));
    assert_eq!(covered(&["/xä1", "/xä2", "/b"], &[("/xö", 1)], 2), only(&["/b", "/x%C3%A4*"], 0, 0));
}

#[test]
fn new_fingerprinted_files_are_spared_where_unchanged_ones_are_no_worse_off() {
    let stale = addresses(&["/a/1", "/a/2", "/b/1", "/b/2"]);
    let new = |address| kept(address, 1_000, true);
    let cover = |files: &[Kept]| cover(&stale, files, 3);
    let spared = cover(&[new("/a/x.js"), new("/b/y.js"), kept("/b/z", 1, false)]);
    assert_eq!(spared.paths, ["/a/*", "/b/1", "/b/2"].map(|path| UrlPath::try_from(path.to_owned()).unwrap()));
    assert_eq!((spared.evicted_unchanged, spared.evicted_bytes), (0, 0), "what is new did not stay unchanged");
}

#[test]
fn a_name_that_cloudfront_cannot_invalidate_takes_all_that_begins_likewise() {
    let found = covered(&["/a/~b/c.html", "/x~.html", "/a/d.html"], &[("/a/e.html", 7), ("/z.html", 1)], 100);
    assert_eq!(found, only(&["/a/*", "/x*"], 1, 7));
    let found = covered(&["/~me/index.html", "/a/~/b"], &[("/a/e.html", 1), ("/z.html", 1)], 100);
    assert_eq!(found, only(&["/*"], 2, 2));
    assert_eq!(covered(&["/a*", "/ab", "/b"], &[], 100).0, ["/a*", "/b"]);
    assert_eq!(covered(&["/a**", "/ab", "/b"], &[], 100).0, ["/a*", "/b"]);
}

#[test]
fn where_query_strings_are_told_apart_all_that_begins_likewise_goes() {
    let stale = BTreeMap::from([("/page".to_owned(), true), ("/about.html".to_owned(), false)]);
    let kept = [kept("/page2", 7, false), kept("/pa", 1, false)];
    let cover = super::cover(&stale, &kept, 100);
    assert_eq!(cover.paths.iter().map(UrlPath::as_str).collect::<Vec<_>>(), ["/about.html", "/page*"]);
    assert_eq!((cover.evicted_unchanged, cover.evicted_bytes), (1, 7));
}

#[test]
fn names_with_a_tilde_in_more_folders_than_wildcards_are_covered_within_the_limit() {
    let names: Vec<String> = (0..40).map(|folder| format!("/{folder:02}/~a")).collect();
    let stale: Vec<&str> = names.iter().map(String::as_str).collect();
    let kept = [("/00/a", 100), ("/39/a", 1), ("/40/a", 1)];
    let (paths, _, bytes) = covered(&stale, &kept, 100);
    assert_eq!(bytes, 101);
    assert_eq!(paths, ["/0*", "/1*", "/2*", "/3*"], "the folders themselves hold the unchanged files");
}

#[test]
fn every_spelling_is_named_and_paid_and_counts_once() {
    let stale = ["/[a]/1", "/[a]/2", "/[a]/3", "/c++"];
    let exact = ["/%5Ba%5D/1", "/%5Ba%5D/2", "/%5Ba%5D/3", "/[a]/1", "/[a]/2", "/[a]/3", "/c%2B%2B", "/c++"];
    let kept = [("/[a]/4", 9), ("/b", 1), ("/c", 1)];
    assert_eq!(covered(&stale, &kept, 4), only(&exact, 0, 0));
    assert_eq!(covered(&stale, &kept, 3), only(&["/%5Ba%5D/*", "/[a]/*", "/c%2B%2B", "/c++"], 1, 9));
    // Of two covers that evict nothing, the one with fewer paths to pay for.
    let stale = ["/[a]/1", "/[a]/2", "/b/1", "/b/2"];
    assert_eq!(covered(&stale, &[], 3), only(&["/*"], 0, 0));
    assert_eq!(covered(&stale, &[("/z", 1)], 3), only(&["/%5Ba%5D/*", "/[a]/*", "/b/*"], 0, 0));
}

/// The narrowest one, and those that begin earlier and have fewer spellings to pay for.
#[test]
fn the_wildcards_for_a_prefix_are_the_narrowest_and_what_is_cheaper_to_name() {
    let kept = [kept("/[a]/[b]c", 1, false), kept("/[a]/d", 2, false), kept("/e", 4, false)];
    let weights = Weights::of(&kept);
    let wide = |prefix: &'static str| {
        let wide = weights.wide(prefix).into_iter();
        wide.map(|(prefix, cost)| (prefix, cost.paths, cost.unchanged_bytes)).collect::<Vec<_>>()
    };
    assert_eq!(wide("/[a]/[b]"), [("/[a]/[b]", 2, 1), ("/", 1, 7)]);
    assert_eq!(wide("/[a]/d*"), [("/[a]/d", 2, 2), ("/", 1, 7)]);
    assert_eq!(wide("/e"), [("/e", 1, 4)]);
}

#[test]
fn a_file_that_may_lie_in_two_places_is_counted_once() {
    let file = Kept { addresses: vec!["/a/x".to_owned(), "/live/a/x".to_owned()], bytes: 5, new: false };
    let cover = cover(&addresses(&["/a/1", "/a/2", "/live/a/1", "/live/a/2"]), &[file], 2);
    assert_eq!((cover.evicted_unchanged, cover.evicted_bytes), (1, 5));
}

#[test]
fn of_ten_thousand_changed_pages_the_unchanged_one_among_them_is_spared() {
    let mut stale: BTreeSet<String> =
        (0..10_000).flat_map(|page| ["", "index.html"].map(|name| format!("/blog/{page}/{name}"))).collect();
    stale.insert("/index.html".to_owned());
    let cover = cover(&stale, &[kept("/about/index.html", 1, false), kept("/blog/kept/index.html", 1, false)], 100);
    let paths: Vec<_> = cover.paths.iter().map(UrlPath::as_str).collect();
    assert_eq!(paths[..3], ["/blog/0/*", "/blog/1*", "/blog/2*"]);
    assert_eq!((paths.len(), cover.evicted_bytes), (11, 0), "{paths:?}");
}

/// A blog with a page for each number, in folders of years: those whose numbers `changed` names, and the others.
fn blog(pages: u64, years: u64, changed: impl Fn(u64) -> bool) -> (BTreeSet<String>, Vec<Kept>) {
    let address = |page| format!("/blog/{}/{page:04}.html", 2000 + page % years);
    let stale = (0..pages).filter(|page| changed(*page)).map(address).collect();
    let others = (0..pages).filter(|page| !changed(*page));
    (stale, others.map(|page| kept(&address(page), 1 + page * 7 % 40, false)).collect())
}

#[test]
fn of_few_changed_pages_among_many_nothing_else_is_evicted() {
    let (stale, kept) = blog(10_000, 25, |page| page % 500 == 3);
    let cover = cover(&stale, &kept, 100);
    assert_eq!((cover.paths.len(), cover.evicted_unchanged, cover.evicted_bytes), (20, 0, 0));
}

#[test]
fn many_changed_pages_stay_within_the_limit_and_their_small_twin_is_as_good_as_can_be() {
    let often = |page| page % 10 < 3;
    let (stale, kept) = blog(10_000, 25, often);
    assert_eq!(stale.len(), 3_000);
    let cover = cover(&stale, &kept, 100);
    assert!(cover.paths.len() <= 100, "{:?}", cover.paths);
    for addresses in 1..7 {
        let (stale, kept) = blog(30, 3, often);
        let limits = Limits { addresses, wildcards: 3 };
        assert_eq!(optimal(&stale, &kept, limits), by_brute_force(&stale, &kept, limits), "{addresses}");
    }
}

/// All covers of a small site, one wildcard or exact path at a time: the least cost within the limits.
fn by_brute_force(stale: &BTreeSet<String>, kept: &[Kept], limits: Limits) -> Cost {
    let names: Vec<&str> = stale.iter().map(String::as_str).collect();
    let mut wide: BTreeSet<&str> = BTreeSet::new();
    for name in &names {
        let ends = name.char_indices().map(|(at, _)| at).skip(1).chain([name.len()]);
        wide.extend(ends.map(|end| &name[..end]).filter(|start| !start.contains('~') && !start.ends_with('*')));
    }
    let wide: Vec<&str> = wide.into_iter().collect();
    let mut best = None;
    try_rest(&names, &wide, kept, limits, &mut Vec::new(), &mut best);
    best.expect("everything is a cover")
}

/// Covers the first name that `chosen` does not cover in each way there is, and goes on with the next one. What only
/// lengthens a way that is worse than the best already is left out.
fn try_rest<'a>(
    names: &[&'a str],
    wide: &[&'a str],
    kept: &[Kept],
    limits: Limits,
    chosen: &mut Vec<(&'a str, bool)>,
    best: &mut Option<Cost>,
) {
    let covers = |(text, wide): &(&str, bool), name: &str| if *wide { name.starts_with(text) } else { *text == name };
    let wildcards = chosen.iter().filter(|(_, wide)| *wide).count();
    if chosen.len() > limits.addresses || wildcards > limits.wildcards {
        return;
    }
    let cost = cost_of(chosen, kept);
    if best.is_some_and(|best| cost >= best) {
        return;
    }
    let Some(name) = names.iter().find(|name| !chosen.iter().any(|one| covers(one, name))) else {
        *best = Some(cost);
        return;
    };
    let exact = UrlPath::encode(name).can_be_invalidated().then_some((*name, false));
    let starts = wide.iter().filter(|start| name.starts_with(**start)).map(|start| (*start, true));
    for choice in exact.into_iter().chain(starts) {
        chosen.push(choice);
        try_rest(names, wide, kept, limits, chosen, best);
        chosen.pop();
    }
}

/// Each object counts once, and each spelling is a path.
fn cost_of(chosen: &[(&str, bool)], kept: &[Kept]) -> Cost {
    let goes = |file: &&Kept| {
        let covered = |address: &String| chosen.iter().any(|(start, wide)| *wide && address.starts_with(start));
        file.addresses.iter().any(covered)
    };
    let bytes = |new| kept.iter().filter(|file| file.new == new).filter(goes).map(|file| file.bytes).sum();
    let spelled = |(text, wide): &(&str, bool)| match wide {
        true => UrlPath::wildcard(text).spellings(),
        false => UrlPath::encode(text).spellings(),
    };
    let paths: BTreeSet<UrlPath> = chosen.iter().flat_map(spelled).collect();
    Cost { unchanged_bytes: bytes(false), new_bytes: bytes(true), paths: paths.len() }
}

/// The cost that the optimum has, by the same account.
fn optimal(stale: &BTreeSet<String>, kept: &[Kept], limits: Limits) -> Cost {
    let weights = Weights::of(kept);
    let alike = stale.iter().map(|address| (address.clone(), false)).collect();
    let items = items(&alike);
    let chosen = without_covered(optimum::wildcards(&items, limits, |prefix| weights.wide(prefix)));
    let exact = stale.iter().filter(|name| !chosen.iter().any(|start| name.starts_with(start)));
    let all: Vec<(&str, bool)> =
        exact.map(|name| (name.as_str(), false)).chain(chosen.iter().map(|start| (*start, true))).collect();
    assert!(all.len() <= limits.addresses && chosen.len() <= limits.wildcards);
    cost_of(&all, kept)
}

fn some_kept(names: &'static str, most: usize) -> impl Strategy<Value = Vec<Kept>> {
    let files = btree_map(names, (0u64..40, proptest::bool::weighted(0.2)), 0..most);
    files.prop_map(|files| files.iter().map(|(address, (bytes, new))| kept(address, *bytes, *new)).collect())
}

fn without(kept: Vec<Kept>, stale: &BTreeSet<String>) -> Vec<Kept> {
    kept.into_iter().filter(|file| !stale.contains(&file.addresses[0])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn no_cover_is_cheaper(
        stale in btree_set("/[ab]{0,2}(/[ab+\\[~*ä]{0,2}){0,2}", 1..8),
        kept in some_kept("/[abc]{0,2}(/[ab+\\[~*ö]{1,2}){0,2}", 10),
        addresses in 1usize..6,
        wildcards in 1usize..4,
    ) {
        let kept = without(kept, &stale);
        let limits = Limits { addresses, wildcards };
        prop_assert_eq!(optimal(&stale, &kept, limits), by_brute_force(&stale, &kept, limits));
    }
}

proptest! {
    #[test]
    fn whatever_is_stale_is_covered_in_all_spellings_within_the_limits(
        stale in btree_set("/[abc~*+ \\[]{1,2}(/[abc]{1,2}){0,3}", 0..60),
        kept in some_kept("/[abd]{1,2}(/[abd]{1,2}){0,3}", 60),
        max in 1usize..40,
    ) {
        let kept = without(kept, &stale);
        let cover = cover(&stale, &kept, max);
        let unspelled: BTreeSet<String> =
            cover.paths.iter().map(|path| path.as_str().replace("%2B", "+").replace("%20", "+").replace("%5B", "[")).collect();
        prop_assert!(unspelled.len() <= max);
        prop_assert!(unspelled.iter().filter(|path| path.ends_with('*')).count() <= MAX_WILDCARDS);
        for url in stale.iter().flat_map(|address| UrlPath::encode(address).spellings()) {
            prop_assert!(cover.paths.iter().any(|path| path.covers(&url)), "{} is not covered", url);
        }
        for path in &cover.paths {
            prop_assert!(!path.as_str().contains('~'));
            let covers = |address: &String| UrlPath::encode(address).spellings().iter().any(|url| path.covers(url));
            prop_assert!(stale.iter().any(covers), "{} covers nothing", path);
            prop_assert!(path.is_wildcard() || !kept.iter().any(|file| covers(&file.addresses[0])), "{}", path);
        }
        let gone = kept.iter().filter(|file| !file.new);
        let gone = gone.filter(|file| cover.paths.iter().any(|path| path.covers(&UrlPath::encode(&file.addresses[0]))));
        let bytes: Vec<u64> = gone.map(|file| file.bytes).collect();
        prop_assert_eq!((bytes.len(), bytes.iter().sum::<u64>()), (cover.evicted_unchanged, cover.evicted_bytes));
    }

    #[test]
    fn who_allows_more_paths_evicts_no_more(
        stale in btree_set("/[ab]{1,2}(/[ab~]{1,2}){0,2}", 0..30),
        kept in some_kept("/[abc]{1,2}(/[ab]{1,2}){0,2}", 30),
    ) {
        let kept = without(kept, &stale);
        let bytes: Vec<u64> = (1..32).map(|max| cover(&stale, &kept, max).evicted_bytes).collect();
        prop_assert!(bytes.is_sorted_by(|one, more| one >= more), "{:?}", bytes);
    }

    #[test]
    fn of_prefixes_only_the_shortest_stay(prefixes in vec("[ab]{0,3}", 0..20)) {
        let all: Vec<&str> = prefixes.iter().map(String::as_str).collect();
        let left = without_covered(all.clone());
        for one in &all {
            prop_assert_eq!(left.iter().filter(|prefix| one.starts_with(**prefix)).count(), 1);
        }
    }
}

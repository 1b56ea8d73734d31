use super::*;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn addresses(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

/// For addresses that are cached regardless of their query strings.
fn cover(stale: &BTreeSet<String>, kept: &[Kept], max_paths: usize) -> Cover {
    super::cover(&stale.iter().map(|address| (address.clone(), Stale::default())).collect(), kept, None, max_paths)
}

fn kept(address: &str, bytes: u64, new: bool) -> Kept {
    Kept { addresses: vec![address.to_owned()], bytes, new, tagged: false }
}

/// The paths, and how many files and bytes they evict besides.
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
    // Never within a character or its escape.
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
    let stale = [("/page".to_owned(), true), ("/about.html".to_owned(), false)];
    let stale = stale.map(|(address, with_queries)| (address, Stale { with_queries, tagged: false })).into();
    let kept = [kept("/page2", 7, false), kept("/pa", 1, false)];
    let cover = super::cover(&stale, &kept, None, 100);
    assert_eq!(cover.paths.iter().map(UrlPath::as_str).collect::<Vec<_>>(), ["/about.html", "/page*"]);
    assert_eq!((cover.evicted_unchanged, cover.evicted_bytes), (1, 7));
}

/// No head may owe so many.
#[test]
fn a_limit_of_millions_of_paths_is_no_limit_of_the_search() {
    let stale = (0..40).map(|page| (format!("/{page:02}/a"), Stale { with_queries: true, tagged: false })).collect();
    let unchanged: Vec<Kept> = (0..40).map(|page| kept(&format!("/{page:02}/b"), 1_000 + page, false)).collect();
    for max_paths in [5_000_000, 6_000_000, usize::MAX] {
        let cover = super::cover(&stale, &unchanged, None, max_paths);
        let is_covered = |page: &String| cover.paths.iter().any(|path| path.covers(&UrlPath::wildcard(page)));
        assert!(stale.keys().all(is_covered), "{cover:?}");
    }
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

/// The narrowest one, and shorter ones with fewer spellings to pay for.
#[test]
fn the_wildcards_for_a_prefix_are_the_narrowest_and_what_is_cheaper_to_name() {
    let kept = [kept("/[a]/[b]c", 1, false), kept("/[a]/d", 2, false), kept("/e", 4, false)];
    let weights = Weights::of(&kept);
    let wide = |prefix: &'static str| {
        let wide = weights.wide(prefix, false).into_iter();
        wide.map(|(prefix, cost)| (prefix, cost.paths, cost.unchanged_bytes)).collect::<Vec<_>>()
    };
    assert_eq!(wide("/[a]/[b]"), [("/[a]/[b]", 2, 1), ("/", 1, 7)]);
    assert_eq!(wide("/[a]/d*"), [("/[a]/d", 2, 2), ("/", 1, 7)]);
    assert_eq!(wide("/e"), [("/e", 1, 4)]);
}

#[test]
fn a_file_that_may_lie_in_two_places_is_counted_once() {
    let file = Kept { addresses: vec!["/a/x".to_owned(), "/live/a/x".to_owned()], bytes: 5, new: false, tagged: false };
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

/// A blog with a page for each number, in folders by year: those in `changed`, and the others.
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
        let stale = stale.into_iter().map(|address| (address, false)).collect();
        assert_eq!(optimal(&stale, &kept, limits), by_brute_force(&stale, &kept, limits), "{addresses}");
    }
}

/// One part of a cover.
#[derive(Clone, Copy, PartialEq)]
enum Part<'a> {
    Exact(&'a str),
    Wildcard(&'a str),
    /// The tag of the folder of an address: `/` for the site.
    Tag(&'a str),
}

impl Part<'_> {
    fn covers(&self, name: &str, tagged: bool) -> bool {
        match self {
            Part::Exact(text) => *text == name,
            Part::Wildcard(start) => name.starts_with(start),
            Part::Tag(start) => tagged && name.starts_with(start),
        }
    }
}

/// The prefix of the addresses in a top folder, unless its tag is not used.
fn folder_of(name: &str) -> Option<&str> {
    let end = name.char_indices().skip(1).find(|(_, character)| *character == '/').map(|(at, _)| at + 1);
    end.map(|end| &name[..end]).filter(|folder| !folder.contains('~'))
}

/// All covers of a small site, one part at a time: the least cost within the limits.
fn by_brute_force(stale: &BTreeMap<String, bool>, kept: &[Kept], limits: Limits) -> Cost {
    let names: Vec<(&str, bool)> = stale.iter().map(|(name, tagged)| (name.as_str(), *tagged)).collect();
    let mut wide: BTreeSet<&str> = BTreeSet::new();
    for (name, _) in &names {
        let ends = name.char_indices().map(|(at, _)| at).skip(1).chain([name.len()]);
        wide.extend(ends.map(|end| &name[..end]).filter(|start| !start.contains('~') && !start.ends_with('*')));
    }
    let wide: Vec<&str> = wide.into_iter().collect();
    let mut best = None;
    try_rest(&names, &wide, kept, limits, &mut Vec::new(), &mut best);
    best.expect("everything is a cover")
}

/// Covers the first name that `chosen` does not cover in each possible way, and goes on with the next one. Skips ways that
/// only lengthen one that is already worse than the best.
fn try_rest<'a>(
    names: &[(&'a str, bool)],
    wide: &[&'a str],
    kept: &[Kept],
    limits: Limits,
    chosen: &mut Vec<Part<'a>>,
    best: &mut Option<Cost>,
) {
    let wildcards = chosen.iter().filter(|part| matches!(part, Part::Wildcard(_))).count();
    if chosen.len() > limits.addresses || wildcards > limits.wildcards {
        return;
    }
    let cost = cost_of(chosen, kept);
    if best.is_some_and(|best| cost >= best) {
        return;
    }
    let is_covered = |(name, tagged): &&(&'a str, bool)| chosen.iter().any(|part| part.covers(name, *tagged));
    let Some((name, tagged)) = names.iter().find(|name| !is_covered(name)).copied() else {
        *best = Some(cost);
        return;
    };
    let exact = UrlPath::encode(name).can_be_invalidated().then_some(Part::Exact(name));
    let starts = wide.iter().filter(|start| name.starts_with(**start)).map(|start| Part::Wildcard(start));
    let tags = [Some("/"), folder_of(name)].into_iter().flatten().filter(|_| tagged).map(Part::Tag);
    for choice in exact.into_iter().chain(starts).chain(tags) {
        chosen.push(choice);
        try_rest(names, wide, kept, limits, chosen, best);
        chosen.pop();
    }
}

/// Each object counts once, and each spelling is a path.
fn cost_of(chosen: &[Part<'_>], kept: &[Kept]) -> Cost {
    let goes = |file: &&Kept| {
        let covered = |address: &String| {
            chosen.iter().any(|part| !matches!(part, Part::Exact(_)) && part.covers(address, file.tagged && !file.new))
        };
        file.addresses.iter().any(covered)
    };
    let bytes = |new| kept.iter().filter(|file| file.new == new).filter(goes).map(|file| file.bytes).sum();
    let spelled = |part: &Part<'_>| match part {
        Part::Exact(text) => UrlPath::encode(text).spellings(),
        Part::Wildcard(start) => UrlPath::wildcard(start).spellings(),
        Part::Tag(_) => Vec::new(),
    };
    let paths: BTreeSet<UrlPath> = chosen.iter().flat_map(spelled).collect();
    let tags = chosen.iter().filter(|part| matches!(part, Part::Tag(_))).count();
    Cost { unchanged_bytes: bytes(false), new_bytes: bytes(true), paths: paths.len() + tags }
}

/// The cost of the optimum, counted in the same way.
fn optimal(stale: &BTreeMap<String, bool>, kept: &[Kept], limits: Limits) -> Cost {
    let weights = Weights::of(kept);
    let alike = stale.iter().map(|(address, tagged)| (address.clone(), Stale { with_queries: false, tagged: *tagged }));
    let alike: BTreeMap<String, Stale> = alike.collect();
    let items = items(&alike);
    let folders = stale.keys().filter_map(|name| folder_of(name));
    let tagged =
        Tagged { site: weights.tagged("/"), folders: folders.map(|folder| (folder, weights.tagged(folder))).collect() };
    let wide = |prefix, without_tagged| weights.wide(prefix, without_tagged);
    let Chosen { prefixes, site, folders } = optimum::cheapest(&items, Some(&tagged), limits, weights.most(100), wide);
    let wide = without_covered(prefixes).into_iter().map(Part::Wildcard);
    let tags = folders.into_iter().chain(site.then_some("/")).map(Part::Tag);
    let mut all: Vec<Part<'_>> = wide.chain(tags).collect();
    let is_covered = |name: &str, tagged: bool| all.iter().any(|part| part.covers(name, tagged));
    let exact = stale.iter().filter(|(name, tagged)| !is_covered(name, **tagged)).map(|(name, _)| Part::Exact(name));
    let exact: Vec<Part<'_>> = exact.collect();
    all.extend(exact);
    let wildcards = all.iter().filter(|part| matches!(part, Part::Wildcard(_))).count();
    assert!(all.len() <= limits.addresses && wildcards <= limits.wildcards);
    cost_of(&all, kept)
}

/// Tags by their folders; `/` for the site.
fn tags(folders: &[&str]) -> Tags {
    let site =
        crate::release::manifest::Identity { site: "s".to_owned(), bucket: "b".to_owned(), prefix: String::new() };
    let folders = folders.iter().map(|folder| ((*folder).to_owned(), CacheTag::of_folder(&site, folder)));
    Tags { site: CacheTag::of_site(&site), folders: folders.collect() }
}

/// The paths of a cover, with tags named by their folders, and the bytes it evicts besides. Stale addresses that begin with
/// `-` have no tag.
fn tagged_cover(stale: &[&str], unchanged: &[(&str, u64)], max_paths: usize) -> (Vec<String>, u64) {
    let known = tags(&["/blog/", "/docs/"]);
    let stale = stale.iter().map(|address| match address.strip_prefix('-') {
        Some(address) => (address.to_owned(), Stale::default()),
        None => ((*address).to_owned(), Stale { with_queries: address.ends_with('?'), tagged: true }),
    });
    let stale: BTreeMap<String, Stale> = stale.collect();
    let kept: Vec<Kept> =
        unchanged.iter().map(|(address, bytes)| Kept { tagged: true, ..kept(address, *bytes, false) }).collect();
    let cover = super::cover(&stale, &kept, Some(&known), max_paths);
    let name = |tag: &CacheTag| {
        let folder = known.folders.iter().find(|(_, known)| *known == tag).map_or("/", |(folder, _)| folder);
        format!("#{folder}")
    };
    let all = cover.tags.iter().map(name).chain(cover.paths.iter().map(ToString::to_string));
    (all.collect(), cover.evicted_bytes)
}

#[test]
fn a_tag_stands_for_all_that_has_it_where_it_evicts_nothing_else() {
    let told = |stale: &[&str], unchanged: &[(&str, u64)], max_paths| tagged_cover(stale, unchanged, max_paths).0;
    assert_eq!(told(&["/", "/index.html", "/blog/1", "/a.js"], &[], 100), ["#/"]);
    assert_eq!(told(&["/index.html"], &[], 100), ["/index.html"], "a path is as cheap, and says more");
    // A new or removed file, or a possible error page, has no tag that CloudFront knows.
    assert_eq!(told(&["/", "/index.html", "/blog/1", "-/blog/new"], &[], 100), ["#/", "/blog/new"]);
    // An unchanged page rules out the tags of its folder and of the site.
    let unchanged = [("/blog/3", 1)];
    assert_eq!(told(&["/docs/1", "/docs/2", "/blog/1", "/blog/2"], &unchanged, 100), ["#/docs/", "/blog/1", "/blog/2"]);
    // The address without a slash is outside the folder.
    assert_eq!(told(&["/docs", "/docs/", "/docs/index.html"], &[("/x", 1)], 100), ["#/docs/", "/docs"]);
    // If query strings are in the cache key, no wildcard covers other addresses.
    assert_eq!(tagged_cover(&["/docs/a?", "/docs/b?"], &[("/docs/a?x", 1), ("/y", 2)], 100).1, 1);
}

#[test]
fn beyond_the_limit_the_tag_counts_by_what_it_evicts() {
    let stale = ["/blog/a1", "/blog/a2", "/blog/b1", "/blog/b2", "/x"];
    assert_eq!(
        tagged_cover(&stale, &[("/blog/c", 5), ("/y", 9)], 3),
        (vec!["/blog/a*".to_owned(), "/blog/b*".to_owned(), "/x".to_owned()], 0)
    );
    assert_eq!(
        tagged_cover(&stale, &[("/blog/a3", 5), ("/blog/b3", 9), ("/y", 1)], 2),
        (vec!["#/blog/".to_owned(), "/x".to_owned()], 14)
    );
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
        let stale = stale.into_iter().map(|address| (address, false)).collect();
        prop_assert_eq!(optimal(&stale, &kept, limits), by_brute_force(&stale, &kept, limits));
    }

    #[test]
    fn no_cover_is_cheaper_where_there_are_tags(
        stale in btree_map("/[ab]{0,2}(/[ab+~*]{0,2}){0,2}", proptest::bool::weighted(0.8), 1..8),
        kept in some_kept("/[abc]{0,2}(/[ab+~*]{1,2}){0,2}", 10),
        tagged in vec(proptest::bool::weighted(0.6), 10),
        addresses in 1usize..6,
        wildcards in 1usize..4,
    ) {
        let kept = without(kept, &stale.keys().cloned().collect());
        let kept: Vec<Kept> = kept.into_iter().zip(tagged).map(|(file, tagged)| Kept { tagged, ..file }).collect();
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
    fn whatever_is_stale_is_covered_where_there_are_tags(
        stale in btree_map("/[ab]{1,2}(/[ab~]{1,2}){0,2}", any::<(bool, bool)>(), 0..30),
        kept in some_kept("/[abd]{1,2}(/[abd]{1,2}){0,3}", 30),
        max in 1usize..20,
    ) {
        let kept = without(kept, &stale.keys().cloned().collect());
        let kept: Vec<Kept> = kept.into_iter().map(|file| Kept { tagged: !file.new && file.bytes % 3 > 0, ..file }).collect();
        let stale: BTreeMap<String, Stale> =
            stale.into_iter().map(|(address, (with_queries, tagged))| (address, Stale { with_queries, tagged })).collect();
        let folders: Vec<&str> = stale.keys().filter_map(|name| folder_of(name)).collect();
        let known = tags(&folders);
        let cover = super::cover(&stale, &kept, Some(&known), max);
        prop_assert!(cover.items().len() <= max);
        let has_tag = |address: &str| {
            let of_folder = folder_of(address).and_then(|folder| known.folders.get(folder));
            [Some(&known.site), of_folder].into_iter().flatten().any(|tag| cover.tags.contains(tag))
        };
        for (address, how) in &stale {
            let queried = UrlPath::encode(&format!("{address}x"));
            let by_path = cover.paths.iter().any(|path| path.covers(&UrlPath::encode(address)) && (!how.with_queries || path.covers(&queried)));
            prop_assert!(by_path || (how.tagged && has_tag(address)), "{} is not covered by {:?}", address, cover);
        }
        let goes = |file: &&Kept| {
            let address = &file.addresses[0];
            cover.paths.iter().any(|path| path.covers(&UrlPath::encode(address))) || (file.tagged && has_tag(address))
        };
        let gone: Vec<u64> = kept.iter().filter(|file| !file.new).filter(goes).map(|file| file.bytes).collect();
        prop_assert_eq!((gone.len(), gone.iter().sum::<u64>()), (cover.evicted_unchanged, cover.evicted_bytes));
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

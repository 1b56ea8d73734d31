//! Random sites behind random distributions.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

/// Files that a site may have. Those in `assets/` are fingerprinted; `assets/gone-…` is removed at once when it leaves.
const NAMES: [&str; 17] = [
    "index.html",
    "home.html",
    "about/index.html",
    "contact.html",
    "404.html",
    "robots.txt",
    "c++/index.html",
    "a+b.txt",
    "price list.txt",
    "price+list.txt",
    "[slug]/index.html",
    "docs/~me/index.html",
    "star*.txt",
    "blog/ä/index.html",
    "blog/1.html",
    "assets/app-1a2b3c4d.js",
    "assets/gone-5e6f7a8b.js",
];

/// One file of a release: a number that makes its bytes, and its `Cache-Control` by number.
pub(super) type File = (u8, usize);
pub(super) type Site = BTreeMap<&'static str, File>;

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) distribution: Distribution,
    pub(super) releases: Vec<Site>,
    pub(super) max_paths: usize,
    /// How long each location takes to evict, in seconds.
    pub(super) delays: Vec<u64>,
}

fn site() -> impl Strategy<Value = Site> {
    let names = subsequence(NAMES.to_vec(), 3..NAMES.len());
    (names, vec((0..3_u8, 0..CACHE_CONTROLS.len()), NAMES.len())).prop_map(|(names, files)| {
        let files = names.into_iter().zip(files);
        // Fingerprinted names always stand for the same bytes, and for the same headers.
        files.map(|(name, file)| (name, if name.starts_with("assets/") { (0, 0) } else { file })).collect()
    })
}

/// Ways to cache answers: managed policies, custom policies, and the legacy form.
fn caching() -> impl Strategy<Value = Caching> {
    let own = Caching { policy: Some("own".to_owned()), min_ttl: Duration::ZERO, ..Caching::default() };
    let queries = Caching { policy: Some("queries".to_owned()), query_strings: true, ..own.clone() };
    let older = Caching { policy: None, ..own.clone() };
    let older_queries = Caching { policy: None, ..queries.clone() };
    select(vec![Caching::default(), own.clone(), own, older, queries, older_queries])
}

fn behaviors() -> impl Strategy<Value = Vec<Behavior>> {
    let queries = || Caching { policy: Some("txt".to_owned()), query_strings: true, ..Caching::default() };
    let behavior =
        |pattern: &str, is_site, caching| Behavior { pattern: pattern.to_owned(), is_site, origin_path: None, caching };
    select(vec![
        vec![],
        vec![],
        vec![],
        vec![behavior("/blog/*", true, Caching::disabled())],
        vec![behavior("*.txt", true, queries())],
        vec![behavior("c*", false, Caching::default()), behavior("/blog/?.html", true, Caching::disabled())],
    ])
}

fn distribution() -> impl Strategy<Value = Distribution> {
    let origin_path = select(vec!["/live", ""]);
    let root = select(vec![None, Some("index.html"), Some("home.html"), Some("live/index.html")]);
    let index_pages = select(vec![
        IndexPages::None,
        IndexPages::Function,
        IndexPages::LambdaAtViewer,
        IndexPages::LambdaAtOrigin,
        IndexPages::LambdaAtOrigin,
    ]);
    let errors_s = select(vec![None, Some(10), Some(300)]);
    let tags = select(vec![None, None, Some(cache_tags::HEADER)]);
    (origin_path, root, index_pages, caching(), behaviors(), errors_s, tags).prop_map(
        |(origin_path, root, index_pages, caching, behaviors, errors_s, tags)| {
            let page = if origin_path.is_empty() { "/live/404.html" } else { "/404.html" };
            let error = |seconds| CustomError { response_page_path: Some(page.to_owned()), ..custom(403, seconds) };
            Distribution {
                origin_path: origin_path.to_owned(),
                default_root_object: root.map(str::to_owned),
                index_pages,
                custom_errors: errors_s.map(error).into_iter().collect(),
                caching,
                behaviors,
                cache_tag_header: tags.map(str::to_owned),
                ..Distribution::default()
            }
        },
    )
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let max_paths = select(vec![100, 100, 4]);
    let delays = vec(select(vec![0_u64, 0, 40]), LOCATIONS.len());
    (distribution(), vec(site(), 3), max_paths, delays).prop_map(|(distribution, releases, max_paths, delays)| Case {
        distribution,
        releases,
        max_paths,
        delays,
    })
}

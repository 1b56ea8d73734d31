//! Whatever is published: once its refresh is done, no address answers with anything old, in any variant, at any location.
//! And each rule by which a refresh is planned is needed for that.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::content::path::{SitePath, UrlPath};
use crate::plan::{Change, Live, Plan, Policy};
use crate::release::head::{self, DistributionFacts, Distributions};
use crate::release::layout::Layout;
use crate::release::manifest::{Entry, Files, Kept, ReleaseNumber};
use crate::sandbox::edge::compression::Encodings;
use crate::types::digest::Digest;
use crate::types::globs::PathGlobs;
use crate::types::headers::Kind;

/// Files that a site may have. Those in `assets/` are fingerprinted; `assets/gone-…` is removed at once when it leaves.
const NAMES: [&str; 16] = [
    "index.html",
    "home.html",
    "about/index.html",
    "contact.html",
    "404.html",
    "robots.txt",
    "c++/index.html",
    "a+b.txt",
    "price list.txt",
    "[slug]/index.html",
    "docs/~me/index.html",
    "star*.txt",
    "blog/ä/index.html",
    "blog/1.html",
    "assets/app-1a2b3c4d.js",
    "assets/gone-5e6f7a8b.js",
];

/// What a mutable file may be stored with; the first is what the program gives by itself.
const CACHE_CONTROLS: [&str; 4] =
    ["public, max-age=0, s-maxage=86400, must-revalidate", "public, max-age=3600", "no-cache", ""];

/// Kept for no longer than an error, as the program does it: nobody can list under which addresses it is kept.
const ERROR_PAGE: &str = "public, max-age=0, must-revalidate";

/// How long errors are kept, in seconds.
const ERROR_TTL: u64 = 300;

const ENCODINGS: [Encodings; 2] = [Encodings { brotli: true, gzip: true }, Encodings { brotli: false, gzip: false }];

/// One file of a release: a number that makes its bytes, and its `Cache-Control` by number.
type File = (u8, usize);
type Site = BTreeMap<&'static str, File>;

#[derive(Clone, Debug)]
struct Case {
    distribution: Distribution,
    releases: Vec<Site>,
    max_paths: usize,
    /// How long each location takes to forget, in seconds.
    delays: Vec<u64>,
}

/// Why an address is in a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Replaced,
    Reheadered,
    Added,
    Removed,
    /// A fingerprinted file that may come back: its address may answer with an error.
    MayComeBack,
    /// The default root object at `/`.
    Root,
    /// `/about/` of `/about/index.html`.
    Folder,
    /// `/about` of `/about/index.html`.
    BareFolder,
    /// `/contact` of `/contact.html`.
    WithoutHtml,
    /// `/c++/` of `/c%2B%2B/`.
    BarePlus,
    /// The narrowest wildcard of what no exact path can name.
    Unnameable,
    /// A wildcard in place of more addresses than are allowed.
    Wide,
}

const RULES: [Rule; 12] = [
    Rule::Replaced,
    Rule::Reheadered,
    Rule::Added,
    Rule::Removed,
    Rule::MayComeBack,
    Rule::Root,
    Rule::Folder,
    Rule::BareFolder,
    Rule::WithoutHtml,
    Rule::BarePlus,
    Rule::Unnameable,
    Rule::Wide,
];

fn site() -> impl Strategy<Value = Site> {
    let names = subsequence(NAMES.to_vec(), 3..NAMES.len());
    (names, vec((0..3_u8, 0..CACHE_CONTROLS.len()), NAMES.len())).prop_map(|(names, files)| {
        let files = names.into_iter().zip(files);
        // Fingerprinted names always stand for the same bytes, and for the same headers.
        files.map(|(name, file)| (name, if name.starts_with("assets/") { (0, 0) } else { file })).collect()
    })
}

fn distribution() -> impl Strategy<Value = Distribution> {
    let origin_path = select(vec!["/live", ""]);
    let root = select(vec![None, Some("index.html"), Some("home.html"), Some("live/index.html")]);
    let functions = select(vec![(false, false), (true, false), (true, true)]);
    let policy = select(vec![Caching::default().policy, None]);
    let (min_ttl, has_error_page) = (select(vec![0, 1]), any::<bool>());
    (origin_path, root, functions, policy, min_ttl, has_error_page).prop_map(
        |(origin_path, root, (index_pages, rewrites_at_origin), policy, min_ttl, has_error_page)| {
            let page = if origin_path.is_empty() { "/live/404.html" } else { "/404.html" };
            let error = CustomError { response_page_path: Some(page.to_owned()), ..custom(403, ERROR_TTL) };
            Distribution {
                origin_path: origin_path.to_owned(),
                default_root_object: root.map(str::to_owned),
                index_pages,
                rewrites_at_origin,
                custom_errors: has_error_page.then_some(error).into_iter().collect(),
                caching: Caching { policy, min_ttl: Duration::from_secs(min_ttl), ..Caching::default() },
                ..Distribution::default()
            }
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let max_paths = select(vec![100, 100, 4]);
    let delays = vec(select(vec![0_u64, 0, 40]), LOCATIONS.len());
    (distribution(), vec(site(), 3), max_paths, delays).prop_map(|(distribution, releases, max_paths, delays)| Case {
        distribution,
        releases,
        max_paths,
        delays,
    })
}

/// Some bytes are worth compressing.
fn bytes(name: &str, number: u8) -> Bytes {
    let mut bytes = format!("{name} {number} ").into_bytes();
    if name == "contact.html" {
        bytes.extend(text(1_200));
    }
    bytes.into()
}

fn cache_control(name: &str, file: File) -> &'static str {
    match name {
        "404.html" => ERROR_PAGE,
        _ if name.starts_with("assets/") => "public, max-age=31536000, immutable",
        _ => CACHE_CONTROLS[file.1],
    }
}

fn entry(name: &str, file: File) -> Entry {
    let kind = if name.starts_with("assets/") { Kind::Fingerprinted } else { Kind::Mutable };
    let bytes = bytes(name, file.0);
    let headers = crate::types::headers::Headers {
        cache_control: cache_control(name, file).to_owned(),
        content_type: "text/html".to_owned(),
        content_encoding: None,
        content_disposition: None,
        content_language: None,
        metadata: BTreeMap::new(),
    };
    let (digest, size_bytes) = (Digest::of(&bytes), bytes.len() as u64);
    Entry { digest, size_bytes, headers, kind, kept: Kept::Live, crc64: None, md5: None }
}

/// A site in its bucket behind its distribution, as releases go live one after the other.
struct World {
    bench: Bench,
    case: Case,
    live: Live,
    ever: BTreeSet<&'static str>,
}

impl World {
    fn new(case: &Case) -> World {
        let bench = Bench::new(case.distribution.clone());
        for (location, delay) in bench.edge.locations.iter().zip(&case.delays) {
            location.lock().delay = Duration::from_secs(*delay);
        }
        World { bench, case: case.clone(), live: Live::default(), ever: BTreeSet::new() }
    }

    /// What a publish of `site` would do now.
    fn plan(&self, site: &Site) -> Plan {
        let layout = Layout::new("shop", "sandbox", "live", None, None);
        let remove_now = PathGlobs::new("remove_now", &["assets/gone-*".to_owned()]).unwrap();
        let distribution = &self.case.distribution;
        let error_pages = distribution.custom_errors.iter().filter_map(|error| error.response_page_path.as_ref());
        let facts = DistributionFacts {
            readable: true,
            origin_path: distribution.origin_path.clone(),
            default_root_object: distribution.default_root_object.clone(),
            error_pages: error_pages.map(|page| UrlPath::encode(page)).collect(),
            rewrites_at_origin: distribution.rewrites_at_origin && distribution.index_pages,
        };
        let distributions =
            Distributions::from([("E1".to_owned(), head::Distribution { facts, ..head::Distribution::default() })]);
        let policy = Policy {
            layout: &layout,
            distributions: &distributions,
            own: Some("E1"),
            is_unseen: false,
            remove_now: &remove_now,
            max_paths: self.case.max_paths,
            urls: None,
            straight: true,
        };
        let target: Files = site.iter().map(|(name, file)| (path(name), entry(name, *file))).collect();
        Plan::between(&self.live, target, policy)
    }

    /// Makes a plan live, without any refresh.
    fn switch(&mut self, site: &Site, plan: &Plan, number: u64) {
        for (changed, change) in &plan.changes {
            let (key, name) = (format!("live/{changed}"), changed.as_str());
            match (change, site.get_key_value(name)) {
                (Change::Remove, _) => self.bench.remove(&key),
                (Change::Retire, _) | (_, None) => {}
                (_, Some((name, file))) => {
                    self.bench.put(&key, bytes(name, file.0), "text/html", cache_control(name, *file));
                }
            }
        }
        let retired = plan.changes.iter().filter(|(_, change)| **change == Change::Retire);
        let retired: Vec<_> =
            retired.filter_map(|(path, _)| Some((path.clone(), self.live.files.get(path)?.clone()))).collect();
        self.live = Live { release: Some(ReleaseNumber::new(number)), files: plan.files.clone(), ..Live::default() };
        self.live.files.extend(retired);
        self.ever.extend(site.keys());
    }

    /// All addresses of what was ever published, and of what is about to be, unless nobody can know its name yet.
    fn addresses(&self, next: Option<&Site>) -> BTreeSet<String> {
        let known = next.into_iter().flat_map(Site::keys).filter(|name| !name.starts_with("assets/"));
        let names = self.ever.iter().chain(known);
        let below = if self.case.distribution.origin_path.is_empty() { "live/" } else { "" };
        let mut addresses = BTreeSet::from(["/".to_owned(), "/none".to_owned(), "/none.txt".to_owned()]);
        for name in names {
            let own = format!("{below}{name}");
            let folder = own.strip_suffix("index.html").map(str::to_owned);
            let short = folder.as_deref().map(|folder| folder.trim_end_matches('/')).or(own.strip_suffix(".html"));
            for address in [Some(own.as_str()), folder.as_deref(), short].into_iter().flatten() {
                addresses.extend(UrlPath::encode(address).spellings().into_iter().map(|url| url.to_string()));
            }
        }
        addresses
    }

    fn look(&self, edge: &Edge, location: usize, address: &str, encodings: Encodings) -> Arc<super::super::Kept> {
        let distribution = &self.case.distribution;
        // A viewer's query does not count here.
        let known = edge.address(distribution, address, Some("utm_source=test"));
        let encodings = match distribution.caching.policy {
            Some(_) => encodings,
            None => Encodings { brotli: false, ..encodings },
        };
        edge.look(&edge.locations[location], distribution, &known, encodings).0
    }

    /// Asks for every address in every variant at every location.
    fn warm(&self, addresses: &BTreeSet<String>) {
        for address in addresses {
            for location in 0..LOCATIONS.len() {
                for encodings in ENCODINGS {
                    self.look(&self.bench.edge, location, address, encodings);
                }
            }
        }
    }

    /// The edge as it is now, to go on with more than once.
    fn copy_of_edge(&self) -> Edge {
        let edge = Edge::new(Arc::clone(&self.bench.store), self.bench.clock.clone());
        for (copy, location) in edge.locations.iter().zip(&self.bench.edge.locations) {
            *copy.lock() = location.lock().clone();
        }
        edge
    }

    /// The first address that `edge` answers otherwise than one that keeps nothing.
    fn first_stale(&self, edge: &Edge, addresses: &BTreeSet<String>, pages: ErrorPages) -> Option<String> {
        let empty = Edge::new(Arc::clone(&self.bench.store), self.bench.clock.clone());
        for address in addresses {
            for encodings in ENCODINGS {
                let right = self.look(&empty, 0, address, encodings);
                for (location, name) in LOCATIONS.iter().enumerate() {
                    let kept = self.look(edge, location, address, encodings);
                    let may_be_old = pages == ErrorPages::MayBeOld && kept.etag.is_none() && right.etag.is_none();
                    let told = |kept: &super::super::Kept| {
                        (kept.status, kept.headers.get(CACHE_CONTROL).cloned(), decoded_content(kept))
                    };
                    if !may_be_old && told(&kept) != told(&right) {
                        return Some(format!("{address} at {name} for {encodings}"));
                    }
                }
            }
        }
        None
    }
}

fn decoded_content(kept: &super::super::Kept) -> Vec<u8> {
    decoded(&kept.headers, &kept.content.read().unwrap())
}

fn path(name: &str) -> SitePath {
    SitePath::new(name).unwrap()
}

/// The paths that CloudFront takes of a refresh: it may refuse raw spellings.
fn taken(plan: &Plan) -> Vec<String> {
    let paths = plan.invalidation.paths.iter().filter(|path| !path.is_raw());
    paths.map(|path| path.as_str().to_owned()).collect()
}

/// Why each path is in a refresh, found out anew from what changed.
fn reasons(world: &World, plan: &Plan) -> BTreeMap<String, BTreeSet<Rule>> {
    let distribution = &world.case.distribution;
    let below = if distribution.origin_path.is_empty() { "live/" } else { "" };
    let mut reasons: BTreeMap<String, BTreeSet<Rule>> = BTreeMap::new();
    let mut add = |address: &str, rule: Rule| {
        let spellings = UrlPath::encode(address).spellings();
        for (number, url) in spellings.iter().filter(|url| !url.is_raw()).enumerate() {
            let rule = if number == 0 { rule } else { Rule::BarePlus };
            reasons.entry(url.to_string()).or_default().insert(rule);
        }
    };
    for (changed, change) in &plan.changes {
        let own = format!("{below}{changed}");
        let is_asset = own.contains("assets/");
        add(
            &own,
            match change {
                Change::Add if is_asset => Rule::MayComeBack,
                Change::Add => Rule::Added,
                Change::Replace => Rule::Replaced,
                Change::Reheader => Rule::Reheadered,
                Change::Remove => Rule::Removed,
                Change::Retire => continue,
            },
        );
        if distribution.default_root_object.as_ref() == Some(&own) {
            add("", Rule::Root);
        }
        match own.strip_suffix("index.html") {
            Some(folder) => {
                add(folder, Rule::Folder);
                add(folder.trim_end_matches('/'), Rule::BareFolder);
            }
            None => own.strip_suffix(".html").into_iter().for_each(|short| add(short, Rule::WithoutHtml)),
        }
    }
    for path in plan.invalidation.paths.iter().filter(|path| path.is_wildcard()) {
        let within = plan.invalidation.paths.len() <= world.case.max_paths && world.case.max_paths == 100;
        reasons.insert(path.to_string(), BTreeSet::from([if within { Rule::Unnameable } else { Rule::Wide }]));
    }
    reasons
}

/// Whether an error page that changed may still answer where it answered errors: for as long as errors are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorPages {
    MayBeOld,
    AreNew,
}

/// After as many publishes that miss something without a rule, it is known to be needed.
const ENOUGH: usize = 10;

/// How often a rule was there, and how often something old was left without it.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    reached: usize,
    missed: usize,
}

fn publish_all(case: &Case, counts: &RefCell<BTreeMap<Rule, Count>>) -> Result<(), TestCaseError> {
    let mut world = World::new(case);
    for (number, site) in case.releases.iter().enumerate() {
        let plan = world.plan(site);
        world.warm(&world.addresses(Some(site)));
        world.switch(site, &plan, number as u64 + 1);
        let addresses = world.addresses(Some(site));
        let now: Timestamp = world.bench.clock.now();
        let paths = taken(&plan);
        let reasons = reasons(&world, &plan);
        let reached = |rule: &Rule| paths.iter().any(|path| reasons.get(path).is_some_and(|why| why.contains(rule)));
        let without: Vec<(Rule, Edge)> = RULES
            .into_iter()
            .filter(reached)
            .inspect(|rule| counts.borrow_mut().entry(*rule).or_default().reached += 1)
            .filter(|rule| counts.borrow()[rule].missed < ENOUGH)
            .map(|rule| {
                let only = |path: &&String| reasons.get(*path) == Some(&BTreeSet::from([rule]));
                let left: Vec<String> = paths.iter().filter(|path| !only(path)).cloned().collect();
                let edge = world.copy_of_edge();
                edge.forget(&case.distribution.id, &left, now);
                (rule, edge)
            })
            .collect();
        world.bench.edge.forget(&case.distribution.id, &paths, now);
        world.bench.later(u64::try_from(world.bench.edge.longest_delay()).unwrap());
        if let Some(stale) = world.first_stale(&world.bench.edge, &addresses, ErrorPages::MayBeOld) {
            let message = format!("release {}: {stale} is old; refreshed: {paths:?}", number + 1);
            return Err(TestCaseError::fail(message));
        }
        for (rule, edge) in without {
            let missed = world.first_stale(&edge, &addresses, ErrorPages::MayBeOld).is_some();
            counts.borrow_mut().entry(rule).or_default().missed += usize::from(missed);
        }
    }
    world.bench.later(ERROR_TTL);
    let addresses = world.addresses(None);
    match world.first_stale(&world.bench.edge, &addresses, ErrorPages::AreNew) {
        Some(stale) => Err(TestCaseError::fail(format!("{stale} is old for longer than errors are kept"))),
        None => Ok(()),
    }
}

#[test]
fn nothing_old_is_left_anywhere_and_each_rule_is_needed_for_that() {
    let counts = RefCell::new(BTreeMap::new());
    let config = Config { cases: 120, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&case(), |case| publish_all(&case, &counts));
    result.unwrap_or_else(|error| panic!("{error}"));
    let counts = counts.into_inner();
    for rule in RULES {
        let count = counts.get(&rule).copied().unwrap_or_default();
        println!("{rule:?}: in {} refreshes, {} shown to miss something without it", count.reached, count.missed);
        assert!(count.reached >= 10 && count.missed >= 3, "{rule:?}: {count:?}");
    }
}

/// A site of many pages, of which some change, warm at all locations: how many that did not change are kept, how many are
/// gone, and how many paths were asked for.
fn evicted(pages: usize, changed: usize, max_paths: usize) -> (usize, usize, usize) {
    let case = Case {
        distribution: Distribution { origin_path: "/live".to_owned(), ..Distribution::default() },
        releases: Vec::new(),
        max_paths,
        delays: vec![0; LOCATIONS.len()],
    };
    let mut world = World::new(&case);
    let names: Vec<&'static str> = (0..pages).map(|page| &*format!("blog/{}/{page}.html", page % 40).leak()).collect();
    let of = |number: u8, names: &[&'static str]| names.iter().map(|name| (*name, (number, 0))).collect::<Site>();
    let first = of(0, &names);
    let plan = world.plan(&first);
    world.switch(&first, &plan, 1);
    let at = |world: &World, name: &str| world.look(&world.bench.edge, 0, &format!("/{name}"), Encodings::default());
    let before: Vec<_> = names.iter().map(|name| at(&world, name)).collect();
    let (edited, unchanged) = names.split_at(changed);
    let second: Site = of(0, unchanged).into_iter().chain(of(1, edited)).collect();
    let plan = world.plan(&second);
    world.switch(&second, &plan, 2);
    let paths = taken(&plan);
    world.bench.edge.forget(&case.distribution.id, &paths, world.bench.clock.now());
    for name in edited {
        assert_eq!(decoded_content(&at(&world, name)), bytes(name, 1));
    }
    let kept = names.iter().zip(&before).skip(changed);
    let kept = kept.filter(|(name, before)| Arc::ptr_eq(&at(&world, name), before)).count();
    (kept, unchanged.len() - kept, paths.len())
}

#[test]
fn of_ten_thousand_pages_those_that_did_not_change_stay() {
    assert_eq!(evicted(10_000, 20, 1_000), (9_980, 0, 20));
}

#[test]
fn for_three_thousand_changed_pages_no_more_paths_are_asked_for_than_allowed() {
    let (_, _, paths) = evicted(3_200, 3_000, 100);
    assert!(paths <= 100, "{paths}");
}

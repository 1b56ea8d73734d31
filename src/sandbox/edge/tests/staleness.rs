//! Whatever is published: once its refresh is done, no address answers with anything old, in any variant, at any location.
//! And each rule by which a refresh is planned is needed for that.

mod cases;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use cases::{Case, File, Site, case};

use super::*;
use crate::bucket::aws::{Aws, Cdn};
use crate::config::environment::{Access, Environment, InvalidationSettings, LeaseSettings, PublishSettings};
use crate::content::path::{SitePath, UrlPath};
use crate::plan::{Change, Live, Plan, Policy};
use crate::release::cache_tags::{self, CacheTag};
use crate::release::head::{self, DistributionFacts, Distributions, TagUse, Tagging};
use crate::release::layout::Layout;
use crate::release::manifest::{Entry, Files, Kept, ReleaseNumber};
use crate::release::retention::RetentionSettings;
use crate::sandbox::edge::compression::Encodings;
use crate::sandbox::{Options, Sandbox};
use crate::types::digest::Digest;
use crate::types::globs::PathGlobs;
use crate::types::headers::Kind;

/// The headers of mutable files; the first is the program's default.
const CACHE_CONTROLS: [&str; 4] =
    ["public, max-age=0, s-maxage=86400, must-revalidate", "public, max-age=3600", "no-cache", ""];

/// The headers of the error page. With the first, the program's default, it is cached for no longer than an
/// error: the addresses under which it is cached cannot be listed.
const ERROR_PAGE: [&str; 2] = ["public, max-age=0, must-revalidate", "public, max-age=3600"];

/// How long an old error may be served, in seconds: it is not refreshed, and CloudFront caches it that long by default.
const OLD_ERRORS_LAST_S: u64 = 10;

const ENCODINGS: [Encodings; 2] = [Encodings { brotli: true, gzip: true }, Encodings { brotli: false, gzip: false }];

/// Why an address is in a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Replaced,
    Reheadered,
    Added,
    Removed,
    /// A restored fingerprinted file: its address may answer with an error.
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
    /// `/price+list.txt` of `/price%20list.txt`.
    BareSpace,
    /// The narrowest wildcard for copies that are cached per query string.
    Queries,
    /// Everything, because copies of an error page are cached for long.
    ErrorPage,
    /// The narrowest wildcard for an address that no exact path can name.
    Unnameable,
    /// A wildcard in place of more addresses than are allowed.
    Wide,
    /// A cache tag.
    Tag,
    /// Everything, because tags may replace paths from now on.
    TagsBegin,
}

const RULES: [Rule; 17] = [
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
    Rule::BareSpace,
    Rule::Queries,
    Rule::ErrorPage,
    Rule::Unnameable,
    Rule::Wide,
    Rule::Tag,
    Rule::TagsBegin,
];

/// Some bodies are large enough to be compressed.
fn bytes(name: &str, number: u8) -> Bytes {
    let mut bytes = format!("{name} {number} ").into_bytes();
    if name == "contact.html" {
        bytes.extend(text(1_200));
    }
    bytes.into()
}

fn cache_control(name: &str, file: File) -> &'static str {
    match name {
        "404.html" => ERROR_PAGE[usize::from(file.1 == 1)],
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

/// The CloudFront API, as `publish` reads it: the edge follows the configuration that it returns.
struct Api {
    runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
    cdn: Cdn,
}

impl Api {
    fn start() -> Api {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(Options::default())).unwrap();
        let keys = sandbox.keys();
        let environment = Environment {
            name: "test".to_owned(),
            layout: Layout::new("shop", "sandbox", "live", None, None),
            access: Access {
                region: Some("us-east-1".to_owned()),
                s3_endpoint: Some(sandbox.s3_endpoint().to_owned()),
                cloudfront_endpoint: Some(sandbox.cloudfront_endpoint().to_owned()),
                static_keys: Some((keys.access_key_id.clone(), keys.secret_access_key.clone())),
                ..Access::default()
            },
            distribution: Some(Distribution::default().id),
            further_distributions: Vec::new(),
            url: None,
            headers: Vec::new(),
            publish: PublishSettings::default(),
            invalidation: InvalidationSettings::default(),
            retention: RetentionSettings::default(),
            lease: LeaseSettings::default(),
        };
        let cdn = runtime.block_on(Aws::connect(&environment)).unwrap().cdn.unwrap();
        Api { runtime, sandbox, cdn }
    }

    fn facts(&self, distribution: &Distribution) -> DistributionFacts {
        self.sandbox.set_distribution(distribution.clone());
        self.runtime
            .block_on(self.cdn.configuration(&Layout::new("shop", "sandbox", "live", None, None).live_prefix()))
            .unwrap()
            .facts
    }
}

/// A site in its bucket, with its distribution, while releases go live one after the other.
struct World {
    bench: Bench,
    case: Case,
    distributions: Distributions,
    live: Live,
    ever: BTreeSet<&'static str>,
}

impl World {
    /// A distribution with these known `facts`.
    fn new(case: &Case, facts: DistributionFacts) -> World {
        let bench = Bench::new(case.distribution.clone());
        for (location, delay) in bench.edge.locations.iter().zip(&case.delays) {
            location.lock().delay = Duration::from_secs(*delay);
        }
        let known = head::Distribution { facts, ..head::Distribution::default() };
        let distributions = Distributions::from([("E1".to_owned(), known)]);
        World { bench, case: case.clone(), distributions, live: Live::default(), ever: BTreeSet::new() }
    }

    /// The plan of a publish of `site` now.
    fn plan(&self, site: &Site) -> Plan {
        let layout = Layout::new("shop", "sandbox", "live", None, None);
        let remove_now = PathGlobs::new("remove_now", &["assets/gone-*".to_owned()]).unwrap();
        let tagging = self.tagging();
        let policy = Policy {
            layout: &layout,
            distributions: &self.distributions,
            own: Some("E1"),
            is_unseen: false,
            remove_now: &remove_now,
            max_paths: self.case.max_paths,
            urls: None,
            tagging: &tagging,
            straight: true,
        };
        let target: Files = site.iter().map(|(name, file)| (path(name), entry(name, *file))).collect();
        Plan::between(&self.live, target, policy)
    }

    /// If the distribution uses tags, they begin with the first release, whose objects all have them.
    fn tagging(&self) -> Tagging {
        let writes = self.distributions["E1"].facts.caching.has_tags;
        let begins = self.live.release.is_none();
        let used = if begins { TagUse::Begins } else { TagUse::Counts };
        Tagging { writes, begins, uses: writes.then(|| ("E1".to_owned(), used)).into_iter().collect() }
    }

    /// Writes an object as an activation does.
    fn put(&self, name: &str, file: File) {
        let entry = entry(name, file);
        let mut metadata = entry.headers.metadata;
        if self.tagging().writes && entry.kind == Kind::Mutable {
            let layout = Layout::new("shop", "sandbox", "live", None, None);
            cache_tags::add(&mut metadata, &CacheTag::all_of(layout.identity(), &path(name)));
        }
        let cache_control = Some(entry.headers.cache_control).filter(|value| !value.is_empty());
        let content_type = entry.headers.content_type;
        let metadata = metadata.into_iter().collect();
        let headers = Headers { content_type, cache_control, metadata, ..Headers::default() };
        self.bench.put_with(&format!("live/{name}"), bytes(name, file.0), headers);
    }

    /// Whether errors are cached for longer than they may be old: by the distribution's setting or the error page's headers.
    fn keeps_errors(&self) -> bool {
        let page = self.live.files.get(&path("404.html"));
        let is_long = page.is_some_and(|page| page.headers.cache_control == ERROR_PAGE[1]);
        let errors = &self.case.distribution.custom_errors;
        errors.iter().any(|error| is_long || error.error_caching_min_ttl.as_secs() > OLD_ERRORS_LAST_S)
    }

    /// Activates a plan, without any refresh.
    fn switch(&mut self, site: &Site, plan: &Plan, number: u64) {
        for (changed, change) in &plan.changes {
            let (key, name) = (format!("live/{changed}"), changed.as_str());
            match (change, site.get_key_value(name)) {
                (Change::Remove, _) => self.bench.remove(&key),
                (Change::Retire, _) | (_, None) => {}
                (_, Some((name, file))) => self.put(name, *file),
            }
        }
        let retired = plan.changes.iter().filter(|(_, change)| **change == Change::Retire);
        let retired: Vec<_> =
            retired.filter_map(|(path, _)| Some((path.clone(), self.live.files.get(path)?.clone()))).collect();
        self.live = Live { release: Some(ReleaseNumber::new(number)), files: plan.files.clone(), ..Live::default() };
        self.live.files.extend(retired);
        self.ever.extend(site.keys());
    }

    /// The path of a file below the distribution's root.
    fn below_root(&self, name: impl std::fmt::Display) -> String {
        format!("{}{name}", if self.case.distribution.origin_path.is_empty() { "live/" } else { "" })
    }

    /// All addresses of everything that was or is about to be published, except those that are never requested before they exist;
    /// with a query too, if that is in the cache key.
    fn addresses(&self, next: Option<&Site>) -> BTreeSet<String> {
        // If errors are cached for no longer than CloudFront's default, a new name counts as never requested.
        let any_may_be_known = self.live.release.is_some() && self.keeps_errors();
        let known = next.into_iter().flat_map(Site::keys);
        let known = known.filter(|name| any_may_be_known || !name.starts_with("assets/"));
        let mut addresses = BTreeSet::from(["/".to_owned(), "/none".to_owned(), "/none.txt".to_owned()]);
        for name in self.ever.iter().chain(known) {
            let own = self.below_root(name);
            let folder = own.strip_suffix("index.html").map(str::to_owned);
            let short = folder.as_deref().map(|folder| folder.trim_end_matches('/')).or(own.strip_suffix(".html"));
            for address in [Some(own.as_str()), folder.as_deref(), short].into_iter().flatten() {
                let encoded = UrlPath::encode(address).to_string();
                // S3 reads a bare plus as a space, and people write it for a plus.
                addresses.extend([encoded.replace("%2B", "+"), encoded.replace("%20", "+")]);
                // As browsers spell it: it is unknown whether CloudFront refreshes that, so a refusal is no error.
                addresses.insert(encoded.replace("%5B", "[").replace("%5D", "]"));
                addresses.insert(encoded);
            }
        }
        let counts = |path: &String| self.case.distribution.served(path).caching.query_strings;
        let with_query: Vec<String> =
            addresses.iter().filter(|path| counts(path)).map(|path| format!("{path}?v=1")).collect();
        addresses.extend(with_query);
        addresses
    }

    fn look(&self, edge: &Edge, location: usize, address: &str, encodings: Encodings) -> Arc<super::super::Kept> {
        let distribution = &self.case.distribution;
        let (path, query) = address.split_once('?').map_or((address, None), |(path, query)| (path, Some(query)));
        let known = edge.address(distribution, path, query);
        let encodings = match known.served.caching.policy {
            Some(_) => encodings,
            None => Encodings { brotli: false, ..encodings },
        };
        edge.look(&edge.locations[location], distribution, &known, encodings).0
    }

    /// Requests every address in every variant at every location.
    fn warm(&self, addresses: &BTreeSet<String>) {
        for address in addresses {
            for location in 0..LOCATIONS.len() {
                for encodings in ENCODINGS {
                    self.look(&self.bench.edge, location, address, encodings);
                }
            }
        }
    }

    /// A copy of the present edge, to continue from more than once.
    fn copy_of_edge(&self) -> Edge {
        let edge = Edge::new(Arc::clone(&self.bench.store), self.bench.clock.clone());
        for (copy, location) in edge.locations.iter().zip(&self.bench.edge.locations) {
            *copy.lock() = location.lock().clone();
        }
        edge
    }

    /// The first address for which `edge` and an edge without a cache give different answers.
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

/// What CloudFront takes of a refresh: it may refuse raw spellings.
fn taken(plan: &Plan) -> Vec<String> {
    let paths = plan.invalidation.paths.iter().filter(|path| !path.is_raw());
    let tags = plan.invalidation.tags.iter().map(ToString::to_string);
    tags.chain(paths.map(|path| path.as_str().to_owned())).collect()
}

/// The reason for each path of a refresh, derived again from what changed.
fn reasons(world: &World, plan: &Plan) -> BTreeMap<String, BTreeSet<Rule>> {
    let mut reasons: BTreeMap<String, BTreeSet<Rule>> = BTreeMap::new();
    let mut wildcards: BTreeMap<String, Rule> = BTreeMap::new();
    let Distribution { caching, behaviors, .. } = &world.case.distribution;
    let has_queries = caching.query_strings || behaviors.iter().any(|behavior| behavior.caching.query_strings);
    let longer = if has_queries { Rule::Queries } else { Rule::Wide };
    let mut add = |address: &str, rule: Rule| {
        let spellings = UrlPath::encode(address).spellings();
        for (number, url) in spellings.iter().filter(|url| !url.is_raw()).enumerate() {
            let respelled = if address.contains(' ') { Rule::BareSpace } else { Rule::BarePlus };
            let rule = if number == 0 { rule } else { respelled };
            wildcards.insert(format!("{url}*"), longer);
            reasons.entry(url.to_string()).or_default().insert(rule);
        }
        if let Some((start, _)) = address.split_once('~') {
            wildcards.insert(UrlPath::wildcard(start).to_string(), Rule::Unnameable);
        }
    };
    for (changed, change) in &plan.changes {
        let own = world.below_root(changed);
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
        if world.case.distribution.default_root_object.as_ref() == Some(&own) {
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
    if world.keeps_errors() && plan.changes.contains_key(&path("404.html")) {
        wildcards.insert("/*".to_owned(), Rule::ErrorPage);
    }
    if world.tagging().uses.get("E1") == Some(&TagUse::Begins) {
        wildcards.insert("/*".to_owned(), Rule::TagsBegin);
    }
    reasons.extend(plan.invalidation.tags.iter().map(|tag| (tag.to_string(), BTreeSet::from([Rule::Tag]))));
    for path in plan.invalidation.paths.iter().filter(|path| path.is_wildcard()) {
        let rule = wildcards.get(path.as_str()).copied().unwrap_or(Rule::Wide);
        reasons.insert(path.to_string(), BTreeSet::from([rule]));
    }
    reasons
}

/// Whether an old answer is still allowed after an error: for as long as CloudFront caches one by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorPages {
    MayBeOld,
    AreNew,
}

/// A rule counts as needed after this many publishes that miss something without it.
const ENOUGH: usize = 10;

/// How often a rule applied, and how often something old was left without it.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    reached: usize,
    missed: usize,
}

fn publish_all(
    case: &Case,
    facts: DistributionFacts,
    counts: &RefCell<BTreeMap<Rule, Count>>,
) -> Result<(), TestCaseError> {
    let mut world = World::new(case, facts);
    for (number, site) in case.releases.iter().enumerate() {
        let plan = world.plan(site);
        let reasons = reasons(&world, &plan);
        let pages = if world.keeps_errors() { ErrorPages::AreNew } else { ErrorPages::MayBeOld };
        world.warm(&world.addresses(Some(site)));
        world.switch(site, &plan, number as u64 + 1);
        let addresses = world.addresses(Some(site));
        let now: Timestamp = world.bench.clock.now();
        let paths = taken(&plan);
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
        if let Some(stale) = world.first_stale(&world.bench.edge, &addresses, pages) {
            let message = format!("release {}: {stale} is old; refreshed: {paths:?}", number + 1);
            return Err(TestCaseError::fail(message));
        }
        for (rule, edge) in without {
            let missed = world.first_stale(&edge, &addresses, pages).is_some();
            counts.borrow_mut().entry(rule).or_default().missed += usize::from(missed);
        }
    }
    world.bench.later(OLD_ERRORS_LAST_S);
    let addresses = world.addresses(None);
    match world.first_stale(&world.bench.edge, &addresses, ErrorPages::AreNew) {
        Some(stale) => Err(TestCaseError::fail(format!("{stale} is old for longer than errors are kept"))),
        None => Ok(()),
    }
}

#[test]
fn nothing_old_is_left_anywhere_and_each_rule_is_needed_for_that() {
    let api = Api::start();
    let counts = RefCell::new(BTreeMap::new());
    let config = Config { cases: 120, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&case(), |case| publish_all(&case, api.facts(&case.distribution), &counts));
    result.unwrap_or_else(|error| panic!("{error}"));
    let counts = counts.into_inner();
    for rule in RULES {
        let count = counts.get(&rule).copied().unwrap_or_default();
        println!("{rule:?}: in {} refreshes, {} shown to miss something without it", count.reached, count.missed);
        assert!(count.reached >= 10 && count.missed >= 3, "{rule:?}: {count:?}");
    }
}

/// A site of many pages, some of which change, cached at all locations: how many unchanged ones stay cached, how many are
/// evicted, and how many paths were requested.
fn evicted(pages: usize, changed: usize, max_paths: usize, has_tags: bool) -> (usize, usize, usize) {
    let cache_tag_header = has_tags.then(|| cache_tags::HEADER.to_owned());
    let case = Case {
        distribution: Distribution { origin_path: "/live".to_owned(), cache_tag_header, ..Distribution::default() },
        releases: Vec::new(),
        max_paths,
        delays: vec![0; LOCATIONS.len()],
    };
    let caching = head::Caching { has_tags, ..head::Caching::USUAL };
    let facts =
        DistributionFacts { readable: true, origin_path: "/live".to_owned(), caching, ..DistributionFacts::default() };
    let mut world = World::new(&case, facts);
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
    assert_eq!(evicted(10_000, 20, 1_000, false), (9_980, 0, 20));
}

#[test]
fn for_three_thousand_changed_pages_no_more_paths_are_asked_for_than_allowed() {
    let (_, _, paths) = evicted(3_200, 3_000, 100, false);
    assert!(paths <= 100, "{paths}");
}

#[test]
fn with_cache_tags_one_stands_for_all_mutable_files_where_all_have_changed() {
    assert_eq!(evicted(3_000, 3_000, 100, true), (0, 0, 1));
    // One that did not change is worth more than 20 paths.
    assert_eq!(evicted(21, 20, 100, true), (1, 0, 20));
}

mod tags;

use super::*;
use crate::release::head::{Behavior, Caching, Distribution, DistributionFacts, Distributions, TagUse};
use crate::types::headers::Headers;
use proptest::collection::btree_map;
use proptest::prelude::*;

fn path(text: &str) -> SitePath {
    SitePath::new(text).unwrap()
}

fn entry(bytes: &str, kind: Kind, kept: Kept) -> Entry {
    let headers = Headers {
        cache_control: "public, max-age=0".to_owned(),
        content_type: "text/html; charset=utf-8".to_owned(),
        content_encoding: None,
        content_disposition: None,
        content_language: None,
        metadata: BTreeMap::new(),
    };
    let digest = Digest::of(bytes.as_bytes());
    Entry { digest, size_bytes: bytes.len() as u64, headers, kind, kept, crc64: None, md5: None }
}

fn mutable(bytes: &str) -> Entry {
    entry(bytes, Kind::Mutable, Kept::Live)
}

fn fingerprinted(bytes: &str) -> Entry {
    entry(bytes, Kind::Fingerprinted, Kept::Live)
}

fn files(entries: &[(&str, Entry)]) -> Files {
    entries.iter().map(|(name, entry)| (path(name), entry.clone())).collect()
}

/// The live state while an activation is unfinished.
fn among(active: Files, candidates: impl IntoIterator<Item = Candidate>) -> Live {
    let mut doubt = Doubt::beside(active);
    candidates.into_iter().for_each(|candidate| doubt.consider(candidate));
    doubt.live(Some(ReleaseNumber::new(1)))
}

fn live(entries: &[(&str, Entry)]) -> Live {
    Live { release: Some(ReleaseNumber::new(1)), files: files(entries), ..Live::default() }
}

fn plan(live: &Live, target: Files) -> Plan {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let remove_now = PathGlobs::new("remove_now", &["*.json".to_owned()]).unwrap();
    let facts = DistributionFacts { readable: true, origin_path: "/live".to_owned(), ..Default::default() };
    Plan::between(live, target, behind(&layout, &distribution(facts), &remove_now))
}

/// A distribution `E1` that does this.
fn distribution(facts: DistributionFacts) -> Distributions {
    Distributions::from([("E1".to_owned(), Distribution { facts, ..Default::default() })])
}

/// The policy of an environment whose distribution is `E1`.
fn behind<'a>(layout: &'a Layout, distributions: &'a Distributions, remove_now: &'a PathGlobs) -> Policy<'a> {
    let (own, is_unseen) = (Some("E1"), false);
    let tagging = Tagging::NONE;
    Policy { layout, distributions, own, is_unseen, remove_now, max_paths: 100, urls: None, tagging, straight: true }
}

fn invalidated(plan: &Plan) -> Vec<&str> {
    plan.invalidation.paths.iter().map(UrlPath::as_str).collect()
}

#[test]
fn the_first_publish_sends_mutable_files_straight_to_their_live_keys_pages_last() {
    let target = files(&[
        ("index.html", mutable("home")),
        ("about/index.html", mutable("about")),
        ("robots.txt", mutable("robots")),
        ("assets/app-1a2b3c4d.js", fingerprinted("app")),
    ]);
    let plan = plan(&Live::default(), target);
    let send = |name: &str| Action::Send { path: path(name), absent: true };
    assert_eq!(plan.waves, [vec![send("robots.txt")], vec![send("about/index.html")], vec![send("index.html")]]);
    assert_eq!(plan.copies(), 0);
    assert!(plan.uploads.iter().all(|upload| upload.to != Destination::Blob));
    assert!(plan.files.values().all(|entry| entry.kept == Kept::Live));
    assert_eq!(invalidated(&plan), ["/", "/about/", "/about/index.html", "/index.html", "/robots.txt"]);
}

#[test]
fn a_later_publish_preserves_first_and_copies_in_order() {
    let live = live(&[
        ("index.html", mutable("home")),
        ("old.html", mutable("old")),
        ("photo.jpg", mutable("photo")),
        ("data.json", mutable("data")),
        ("assets/app-1a2b3c4d.js", fingerprinted("app")),
    ]);
    let target = files(&[
        ("index.html", mutable("home 2")),
        ("new.html", mutable("new")),
        ("style.css", mutable("style")),
        ("assets/app-5e6f7a8b.js", fingerprinted("app 2")),
    ]);
    let plan = plan(&live, target);
    let copy = |name: &str, absent| Action::Copy { path: path(name), absent };
    assert_eq!(
        plan.waves,
        [vec![copy("style.css", true)], vec![copy("new.html", true)], vec![copy("index.html", false)]]
    );
    assert_eq!(plan.removals, [path("data.json"), path("old.html")]);
    assert_eq!(plan.changes[&path("photo.jpg")], Change::Retire);
    assert_eq!(plan.changes[&path("assets/app-1a2b3c4d.js")], Change::Retire);
    let preserved: Vec<_> = plan.preserves.iter().map(|preserve| preserve.path.as_str()).collect();
    assert_eq!(preserved, ["data.json", "index.html", "old.html", "photo.jpg"]);
    let expected = ["/", "/data.json", "/index.html", "/new.html", "/old.html", "/style.css"];
    assert_eq!(invalidated(&plan), expected);
    assert_eq!(plan.leaving, (4, 3));
    let counts =
        FileCounts { total: 4, fingerprinted: 1, added: 3, replaced: 1, reheadered: 0, removed: 4, unchanged: 0 };
    assert_eq!(plan.counts, counts);
}

/// New pages are written before those that may refer to them. Files that stay are stored at their live key, all others as blobs.
#[test]
fn a_plan_says_what_is_written_in_which_order_and_how_much_it_is() {
    let live = live(&[
        ("gone.html", mutable("gone")),
        ("other-headers.html", mutable("same")),
        ("replaced.html", mutable("old")),
        ("same.html", mutable("same")),
    ]);
    let mut target = files(&[
        ("added.html", mutable("1")),
        ("other-headers.html", mutable("same")),
        ("replaced.html", mutable("new")),
        ("same.html", mutable("same")),
    ]);
    target.get_mut(&path("other-headers.html")).unwrap().headers.cache_control = "no-store".to_owned();
    let plan = plan(&live, target);
    let copy = |name: &str, absent| Action::Copy { path: path(name), absent };
    let reheader = Action::Reheader { path: path("other-headers.html") };
    assert_eq!(plan.waves, [vec![copy("added.html", true)], vec![reheader, copy("replaced.html", false)]]);
    let kept: Vec<_> = plan.files.values().map(|entry| entry.kept).collect();
    assert_eq!(kept, [Kept::Blob, Kept::Live, Kept::Blob, Kept::Live]);
    let preserved: Vec<_> = plan.preserves.iter().map(|preserve| preserve.path.as_str()).collect();
    assert_eq!(preserved, ["gone.html", "replaced.html"]);
    assert!(!plan.is_empty());
    assert_eq!(plan.upload_bytes(), 4, "what is added and what replaces");
    assert_eq!(plan.copies(), 5, "two that preserve, and three that activate");
    assert_eq!(plan.live_writes(), 4, "three, and one removal");
    let each = FileCounts { added: 1, replaced: 1, reheadered: 1, removed: 1, unchanged: 1, ..FileCounts::default() };
    assert_eq!(plan.counts, FileCounts { total: 4, ..each });
    assert_eq!(plan.removed_percent(), 25);
}

#[test]
fn how_much_leaves_is_rounded_up() {
    let plan = plan(&live(&[]), Files::new());
    for (leaving, percent) in [((0, 0), 0), ((4, 1), 25), ((300, 1), 1), ((3, 2), 67), ((5, 5), 100)] {
        assert_eq!(Plan { leaving, ..plan.clone() }.removed_percent(), percent, "{leaving:?}");
    }
}

/// There is another object, or none where a file should be; or only the marker or the headers are wrong.
#[test]
fn what_is_damaged_is_written_again() {
    let known = [("headers.html", "a"), ("intact.html", "b"), ("other.html", "c")];
    let mut live = live(&known.map(|(name, bytes)| (name, mutable(bytes))));
    live.damaged = ["headers.html", "missing.html", "other.html"].map(path).into();
    let wanted = [("headers.html", "a"), ("intact.html", "b"), ("missing.html", "d"), ("new.html", "e")];
    let wanted = wanted.into_iter().chain([("other.html", "f")]).map(|(name, bytes)| (name, mutable(bytes)));
    let plan = plan(&live, files(&wanted.collect::<Vec<_>>()));
    let changes: Vec<_> = plan.changes.iter().map(|(path, change)| (path.as_str(), *change)).collect();
    let expected = [
        ("headers.html", Change::Reheader),
        ("missing.html", Change::Replace),
        ("new.html", Change::Add),
        ("other.html", Change::Replace),
    ];
    assert_eq!(changes, expected);
}

/// An error may be cached under the name of a restored file, or of one that is removed at once when it leaves.
#[test]
fn a_fingerprinted_name_that_may_have_failed_is_refreshed() {
    let names = ["back-1a2b3c4d.js", "new-1a2b3c4d.js", "removed-1a2b3c4d.json"];
    let target = files(&names.map(|name| (name, fingerprinted(name))));
    let mut live = live(&[]);
    live.returned = BTreeSet::from([path(names[0])]);
    assert_eq!(invalidated(&plan(&live, target.clone())), ["/back-1a2b3c4d.js", "/removed-1a2b3c4d.json"]);
    assert!(invalidated(&plan(&Live::default(), target)).is_empty(), "nothing was ever there");
}

#[test]
fn each_distribution_has_its_own_paths_to_forget() {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let facts = DistributionFacts { readable: true, origin_path: "/live".to_owned(), ..Default::default() };
    let mut distributions = distribution(facts.clone());
    let facts = DistributionFacts { origin_path: String::new(), ..facts };
    distributions.insert("E2".to_owned(), Distribution { facts, ..Default::default() });
    let nothing = PathGlobs::new("", &[]).unwrap();
    let policy = behind(&layout, &distributions, &nothing);
    let target = files(&[("a.html", mutable("new"))]);
    let plan = Plan::between(&live(&[("a.html", mutable("old"))]), target, policy);
    let covers = |own| {
        let covers = plan.covers(own).into_iter();
        covers.map(|(id, items)| (id, items.paths.iter().map(UrlPath::as_str).collect())).collect::<Vec<(_, Vec<_>)>>()
    };
    assert_eq!(covers(Some("E1")), [("E1", vec!["/a.html"]), ("E2", vec!["/live/a.html"])]);
    assert_eq!(covers(None), [("E2", vec!["/live/a.html"])]);
}

/// Whatever an earlier run changed: the addresses of its refresh answer with the files of the release.
#[test]
fn what_is_owed_covers_tells_which_addresses_are_to_be_fetched() {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let facts = DistributionFacts { readable: true, origin_path: "/live".to_owned(), ..Default::default() };
    let (distributions, nothing) = (distribution(facts), PathGlobs::new("", &[]).unwrap());
    let policy = behind(&layout, &distributions, &nothing);
    let files = files(&[("a.html", mutable("a")), ("b/index.html", mutable("b")), ("c.txt", mutable("c"))]);
    let owed = [UrlPath::wildcard("/b/"), UrlPath::encode("/c.txt")];
    let answers = Plan::answers_owed(&files, owed[..].into(), policy);
    let after: Vec<_> = answers.iter().map(|(url, answer)| (url.as_str(), answer.after)).collect();
    let [b, c] = [b"b", b"c"].map(|bytes| Some(Digest::of(bytes)));
    assert_eq!(after, [("/b/", b), ("/b/index.html", b), ("/c.txt", c)]);
}

#[test]
fn where_nobody_can_read_the_distribution_a_file_may_lie_in_two_places_if_there_is_a_prefix() {
    let layout = |prefix| Layout::new("shop", "bucket", prefix, None, None);
    assert_eq!(urls::places(&layout("live"), CdnView::Unreadable, "a.html"), ["a.html", "live/a.html"]);
    assert_eq!(urls::places(&layout(""), CdnView::Unreadable, "a.html"), ["a.html"]);
}

#[test]
fn both_spellings_of_a_plus_are_refreshed_and_one_is_fetched() {
    let live = live(&[("tags/c++/index.html", mutable("old")), ("a+b.txt", mutable("kept"))]);
    let target = files(&[("tags/c++/index.html", mutable("new")), ("a+b.txt", mutable("kept"))]);
    let plan = plan(&live, target);
    let expected = ["/tags/c%2B%2B/", "/tags/c%2B%2B/index.html", "/tags/c++/", "/tags/c++/index.html"];
    assert_eq!(invalidated(&plan), expected);
    let fetched: BTreeSet<&str> = plan.answers.values().map(|answer| answer.below_site.as_str()).collect();
    assert_eq!(fetched, BTreeSet::from(["/tags/c%2B%2B/", "/tags/c%2B%2B/index.html"]));
}

/// S3 shows `a b.txt` at `/a+b.txt` too, and `a+b.txt` at `/a%2Bb.txt` alone.
#[test]
fn a_name_with_a_space_is_refreshed_with_a_bare_plus_too() {
    let of = |text: &str| files(&[("a b.txt", mutable(text)), ("a+b.txt", mutable("kept"))]);
    let plan = plan(&live(&[("a b.txt", mutable("old")), ("a+b.txt", mutable("kept"))]), of("new"));
    assert_eq!(invalidated(&plan), ["/a%20b.txt", "/a+b.txt"]);
    let fetched: BTreeSet<&str> = plan.answers.values().map(|answer| answer.below_site.as_str()).collect();
    assert_eq!(fetched, BTreeSet::from(["/a%20b.txt"]));
}

/// The refreshed addresses of an index page, another page and a file that is not a page, by configuration and setting.
#[test]
fn aliases_are_refreshed_as_far_as_something_may_answer_for_them() {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let readable = |rewrites_at_origin| DistributionFacts {
        readable: true,
        origin_path: "/live".to_owned(),
        rewrites_at_origin,
        ..Default::default()
    };
    let (simple, rewriting) = (readable(false), readable(true));
    let plain = ["/", "/a.txt", "/b.html", "/d/index.html", "/index.html"];
    let index = ["/", "/a.txt", "/b.html", "/d/", "/d/index.html", "/index.html"];
    let clean = ["/", "/a.txt", "/b", "/b.html", "/d", "/d/", "/d/index.html", "/index.html"];
    let cases = [
        (None, &simple, &index[..]),
        (None, &rewriting, &clean[..]),
        (Some(UrlStyle::Plain), &rewriting, &plain[..]),
        (Some(UrlStyle::Index), &rewriting, &index[..]),
        (Some(UrlStyle::Clean), &simple, &clean[..]),
    ];
    for (urls, facts, expected) in cases {
        let remove_now = PathGlobs::new("", &[]).unwrap();
        let mut distributions = distribution(facts.clone());
        distributions.insert("E2".to_owned(), distributions["E1"].clone());
        let policy = Policy { urls, ..behind(&layout, &distributions, &remove_now) };
        let target = ["a.txt", "b.html", "d/index.html", "index.html"].map(|name| (name, mutable(name)));
        let plan = Plan::between(&live(&[]), files(&target), policy);
        assert_eq!(invalidated(&plan), expected, "{urls:?}");
        assert_eq!(plan.elsewhere["E2"], plan.invalidation, "what was said holds for all of them");
    }
}

#[test]
fn what_a_browser_does_not_encode_is_refreshed_in_its_spelling_too_and_fetched_in_one() {
    let live = live(&[("[slug]/index.html", mutable("old"))]);
    let plan = plan(&live, files(&[("[slug]/index.html", mutable("new"))]));
    let expected = ["/%5Bslug%5D/", "/%5Bslug%5D/index.html", "/[slug]/", "/[slug]/index.html"];
    assert_eq!(invalidated(&plan), expected);
    let fetched: BTreeSet<&str> = plan.answers.values().map(|answer| answer.below_site.as_str()).collect();
    assert_eq!(fetched, BTreeSet::from(["/%5Bslug%5D/", "/%5Bslug%5D/index.html"]));
}

/// Beyond `max_paths` a wildcard is used where it evicts least, for each distribution by its own paths: retired files stay in
/// the CDN too, and the bytes of one file with two addresses count once. One that may have cached anything evicts everything.
#[test]
fn what_stays_is_spared_by_its_bytes() {
    let names = ["a/1.html", "a/2.html", "b/1.html", "b/2.html"];
    let before: Vec<(String, Entry)> = names.iter().map(|name| ((*name).to_owned(), mutable("old"))).collect();
    let kept = [("a/leaves.txt", "0123456789"), ("b/index.html", "012345678")];
    let all = before.iter().map(|(name, entry)| (name.as_str(), entry.clone()));
    let live = live(&all.chain(kept.map(|(name, bytes)| (name, mutable(bytes)))).collect::<Vec<_>>());
    let after = names.map(|name| (name, mutable("new")));
    let target = files(&after.into_iter().chain([("b/index.html", mutable("012345678"))]).collect::<Vec<_>>());
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let facts = DistributionFacts { readable: true, origin_path: "/live".to_owned(), ..Default::default() };
    let mut distributions = distribution(facts.clone());
    let below = |origin_path: &str| DistributionFacts { origin_path: origin_path.to_owned(), ..facts.clone() };
    for (id, origin_path) in [("E2", ""), ("E3", "/live/b"), ("E4", "/other")] {
        distributions.insert(id.to_owned(), Distribution { facts: below(origin_path), ..Default::default() });
    }
    let (remove_now, urls) = (PathGlobs::new("", &[]).unwrap(), Some(UrlStyle::Clean));
    let policy = Policy { max_paths: 3, urls, ..behind(&layout, &distributions, &remove_now) };
    let plan = Plan::between(&live, target.clone(), policy);
    let covers =
        [Some(&plan.invalidation), plan.elsewhere.get("E2"), plan.elsewhere.get("E3"), plan.elsewhere.get("E4")];
    let paths = covers.map(|cover| cover.unwrap().paths.iter().map(UrlPath::as_str).collect::<Vec<_>>());
    assert_eq!(paths[0], ["/a/1*", "/a/2*", "/b/*"]);
    assert_eq!(paths[1], ["/live/a/1*", "/live/a/2*", "/live/b/*"]);
    assert_eq!(paths[2], ["/1*", "/2*"], "the others cannot be reached through it");
    assert!(paths[3].is_empty());
    let evicted = covers.map(|cover| cover.map(|cover| (cover.evicted_unchanged, cover.evicted_bytes)).unwrap());
    assert_eq!(evicted, [(1, 9), (1, 9), (0, 0), (0, 0)]);
    let unseen = Plan::between(&live, target, Policy { is_unseen: true, ..policy }).invalidation;
    assert_eq!(unseen.paths, [UrlPath::everything()]);
    assert_eq!((unseen.evicted_unchanged, unseen.evicted_bytes), (2, 19));
}

#[test]
fn other_headers_cost_a_copy_and_no_upload() {
    let live = live(&[("index.html", mutable("home"))]);
    let mut target = live.files.clone();
    target.get_mut(&path("index.html")).unwrap().headers.cache_control = "no-store".to_owned();
    let plan = plan(&live, target);
    assert_eq!(plan.uploads, []);
    assert_eq!(plan.preserves.len(), 0);
    assert_eq!(plan.waves, [vec![Action::Reheader { path: path("index.html") }]]);
    assert_eq!(plan.files[&path("index.html")].kept, Kept::Live);
    assert_eq!(invalidated(&plan), ["/", "/index.html"]);
}

#[test]
fn a_fingerprinted_name_that_lied_is_preserved_and_copied_like_a_page() {
    let live = live(&[("assets/app-1a2b3c4d.js", fingerprinted("app"))]);
    let plan = plan(&live, files(&[("assets/app-1a2b3c4d.js", entry("other", Kind::Mutable, Kept::Blob))]));
    assert_eq!(plan.preserves.len(), 1);
    assert_eq!(plan.uploads[0].to, Destination::Blob);
    assert_eq!(invalidated(&plan), ["/assets/app-1a2b3c4d.js"]);
}

#[test]
fn where_candidates_disagree_everything_is_written_again() {
    let active = files(&[("index.html", mutable("1")), ("same.html", mutable("same")), ("gone.html", mutable("gone"))]);
    let candidate = files(&[
        ("index.html", entry("2", Kind::Mutable, Kept::Blob)),
        ("same.html", mutable("same")),
        ("new.html", entry("new", Kind::Mutable, Kept::Blob)),
        ("assets/a-1a2b3c4d.js", fingerprinted("a")),
    ]);
    let candidate = candidate.into_iter().map(|(path, entry)| (path, Some(entry))).collect();
    let live = among(active.clone(), [candidate]);
    let uncertain: Vec<_> = live.uncertain.keys().map(SitePath::as_str).collect();
    assert_eq!(uncertain, ["gone.html", "index.html", "new.html"]);
    let plan = plan(&live, active);
    assert_eq!(plan.changes[&path("index.html")], Change::Replace);
    assert_eq!(plan.changes[&path("new.html")], Change::Remove);
    assert!(!plan.changes.contains_key(&path("same.html")));
    assert_eq!(invalidated(&plan), ["/", "/gone.html", "/index.html", "/new.html"]);
}

#[test]
fn equal_bytes_at_two_paths_are_one_blob() {
    let live = live(&[("a.html", mutable("a"))]);
    let plan = plan(&live, files(&[("a.html", mutable("x")), ("b.html", mutable("x")), ("c.html", mutable("x"))]));
    assert_eq!(plan.uploads.len(), 1);
    assert_eq!(plan.waves.iter().map(Vec::len).sum::<usize>(), 3);
}

#[test]
fn without_sight_of_the_distribution_every_alias_is_refreshed() {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let (unreadable, nothing) = (distribution(DistributionFacts::default()), PathGlobs::new("", &[]).unwrap());
    let policy = behind(&layout, &unreadable, &nothing);
    let plan = Plan::between(&live(&[]), files(&[("a/index.html", mutable("a")), ("b.html", mutable("b"))]), policy);
    let below_prefix = ["/live/a", "/live/a/", "/live/a/index.html", "/live/b", "/live/b.html"];
    let expected = [&["/a", "/a/", "/a/index.html", "/b", "/b.html"][..], &below_prefix].concat();
    assert_eq!(invalidated(&plan), expected);
}

#[test]
fn a_distribution_without_origin_path_serves_the_prefix_as_a_folder() {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let default_root_object = Some("live/start.html".to_owned());
    let facts = DistributionFacts { readable: true, default_root_object, ..Default::default() };
    let (distributions, nothing) = (distribution(facts), PathGlobs::new("", &[]).unwrap());
    let policy = behind(&layout, &distributions, &nothing);
    let plan = Plan::between(&live(&[]), files(&[("start.html", mutable("a"))]), policy);
    assert_eq!(invalidated(&plan), ["/", "/live/start.html"]);
}

/// Release 1 only changed a header in release 2, which was interrupted: `p` may be in either state, and has no blob.
#[test]
fn what_an_interrupted_header_change_left_is_preserved_before_it_is_replaced() {
    let first = mutable("p");
    let mut reheadered = first.clone();
    reheadered.headers.cache_control = "no-store".to_owned();
    let candidate = Candidate::from([(path("p.html"), Some(reheadered))]);
    let live = among(files(&[("p.html", first.clone())]), [candidate]);
    let plan = plan(&live, files(&[("p.html", mutable("other"))]));
    let preserved: Vec<_> = plan.preserves.iter().map(|preserve| preserve.entry.digest).collect();
    assert_eq!(preserved, [first.digest]);
}

/// An interrupted activation may have removed files that its release does not have.
#[test]
fn a_fingerprinted_file_that_a_candidate_lacks_is_not_taken_for_live() {
    let chunk = ("assets/app-1a2b3c4d.js", fingerprinted("app"));
    let active = files(std::slice::from_ref(&chunk));
    let live = among(active.clone(), [Candidate::new()]);
    let plan = plan(&live, active);
    assert_eq!(plan.uploads.iter().map(|upload| upload.to).collect::<Vec<_>>(), [Destination::LiveWhileStaging]);
    assert_eq!(plan.preserves, []);
}

fn some_files() -> impl Strategy<Value = Files> {
    let kinds = prop_oneof![Just(Kind::Mutable), Just(Kind::Fingerprinted)];
    let entries = ("[xyz]{1,2}", "[hk]", kinds).prop_map(|(bytes, cache_control, kind)| {
        let mut entry = entry(&bytes, kind, Kept::Live);
        entry.headers.cache_control = cache_control;
        entry
    });
    btree_map("[ab]{1,2}(/[ab])?\\.(html|js|json)".prop_map(|text| path(&text)), entries, 0..12)
}

/// The objects at the live keys after a plan, derived from the planner's own steps.
fn carried_out(live: &Live, plan: &Plan) -> BTreeMap<SitePath, (Digest, Headers)> {
    let look = |entry: &Entry| (entry.digest, entry.headers.clone());
    let mut objects: BTreeMap<_, _> = live.files.iter().map(|(path, entry)| (path.clone(), look(entry))).collect();
    for upload in plan.uploads.iter().filter(|upload| upload.to == Destination::LiveWhileStaging) {
        objects.insert(upload.path.clone(), look(&plan.files[&upload.path]));
    }
    for action in plan.waves.iter().flatten() {
        objects.insert(action.path().clone(), look(&plan.files[action.path()]));
    }
    for path in &plan.removals {
        objects.remove(path);
    }
    objects
}

proptest! {
    #[test]
    fn between_a_release_and_itself_there_is_nothing(target in some_files()) {
        let live = Live { release: Some(ReleaseNumber::new(1)), files: target.clone(), ..Live::default() };
        let plan = plan(&live, target);
        prop_assert!(plan.is_empty());
        prop_assert_eq!(&plan.invalidation, &Cover::default());
        prop_assert_eq!(plan.live_writes() + plan.uploads.len() + plan.preserves.len(), 0);
    }

    #[test]
    fn carrying_out_a_plan_makes_the_target_live_and_loses_no_bytes(from in some_files(), to in some_files()) {
        let live = Live { release: Some(ReleaseNumber::new(1)), files: from.clone(), ..Live::default() };
        let plan = plan(&live, to.clone());
        prop_assert_eq!(plan.counts, diff::Diff::between(&from, &to).counts);
        let after = carried_out(&live, &plan);
        for (path, entry) in &plan.files {
            let staged = staged_live(path, entry, &live);
            // Staging, not the planner, detects a fingerprinted file whose key has other bytes.
            if entry.kind == Kind::Fingerprinted && !staged { continue }
            prop_assert_eq!(&after[path].0, &entry.digest);
            if plan.changes.get(path) != Some(&Change::Replace) || !staged {
                prop_assert_eq!(&after[path].1, &entry.headers);
            }
        }
        for (path, entry) in &from {
            let still_there = after.get(path).is_some_and(|(digest, _)| *digest == entry.digest);
            prop_assert!(still_there || plan.preserves.iter().any(|preserve| preserve.path == *path), "{} is lost", path);
        }
        for (path, (digest, headers)) in &after {
            let before = from.get(path);
            let same = before.is_some_and(|entry| entry.digest == *digest && entry.headers == *headers);
            let new_fingerprint = before.is_none() && plan.files[path].kind == Kind::Fingerprinted;
            let url = UrlPath::encode(path.as_str());
            let refreshed = plan.invalidation.paths.iter().any(|path| path.covers(&url));
            prop_assert!(same || new_fingerprint || refreshed, "{} is stale", path);
        }
    }

    #[test]
    fn pages_follow_what_they_refer_to(from in some_files(), to in some_files()) {
        let live = Live { release: Some(ReleaseNumber::new(1)), files: from, ..Live::default() };
        let plan = plan(&live, to);
        let order: Vec<bool> = plan.waves.iter().flatten().map(|action| action.path().is_page()).collect();
        prop_assert!(order.is_sorted(), "a page is written before something that is not a page");
    }
}

/// Of many candidates none is kept twice, and the last one that names a file comes last.
#[test]
fn candidates_that_agree_with_each_other_are_held_once() {
    let (one, two, three) = (mutable("1"), mutable("2"), mutable("3"));
    let candidate = |entry: &Entry| Candidate::from([(path("p.html"), Some(entry.clone()))]);
    let candidates = [&two, &three, &two, &one, &two].map(candidate);
    let live = among(files(&[("p.html", one.clone()), ("q.html", one.clone())]), candidates);
    assert_eq!(live.uncertain[&path("p.html")], [three, one.clone(), two]);
    assert_eq!(live.uncertain[&path("q.html")], [one], "no candidate has it: it may be gone");
}

/// A site of two pages, a new one, a script and an error page; those in `changed` have other bytes.
fn with_tags(tagging: &Tagging, changed: &[&str], damaged: &[&str]) -> Plan {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let error_pages = [UrlPath::encode("/404.html")].into();
    let facts =
        DistributionFacts { readable: true, origin_path: "/live".to_owned(), error_pages, ..Default::default() };
    let (distributions, nothing) = (distribution(facts), PathGlobs::new("", &[]).unwrap());
    let policy = Policy { tagging, ..behind(&layout, &distributions, &nothing) };
    let names = ["404.html", "blog/a.html", "blog/b.html", "blog/c.html", "index.html"];
    let before: Vec<(&str, Entry)> = names.map(|name| (name, mutable("old"))).into();
    let after = names.map(|name| (name, mutable(if changed.contains(&name) { "new" } else { "old" })));
    let after: Vec<(&str, Entry)> = after.into_iter().chain([("new.html", mutable("new"))]).collect();
    let mut live = live(&before);
    live.damaged.extend(damaged.iter().map(|name| path(name)));
    Plan::between(&live, files(&after), policy)
}

fn counting() -> Tagging {
    Tagging { writes: true, begins: false, uses: BTreeMap::from([("E1".to_owned(), TagUse::Counts)]) }
}

#[test]
fn a_tag_stands_for_pages_that_were_live_with_it_and_are_again() {
    let site = Layout::new("shop", "bucket", "live", None, None);
    let blog = CacheTag::of_folder(site.identity(), "blog").to_string();
    let pages = ["blog/a.html", "blog/b.html", "blog/c.html"];
    let forgets = |changed: &[&str], damaged: &[&str]| {
        with_tags(&counting(), changed, damaged).invalidation.items().texts().collect::<Vec<_>>()
    };
    // A new file may have an error cached in its place.
    assert_eq!(forgets(&pages, &[]), [blog.as_str(), "/new.html"]);
    assert_eq!(forgets(&[pages[0], "404.html"], &[]), ["/404.html", "/blog/a.html", "/new.html"]);
    // A file whose cached copy may lack tags is invalidated by its path.
    assert_eq!(forgets(&pages, &pages[..1]), [blog.as_str(), "/blog/a.html", "/new.html"]);
    let answers = with_tags(&counting(), &pages, &[]).answers;
    assert!(answers.values().all(|answer| answer.tags == CacheTag::all_of(site.identity(), &answer.path)));
}

/// A file that is mutable from now on has cached copies without tags, as long as its headers allow: its path is refreshed.
#[test]
fn a_file_that_becomes_mutable_is_written_with_its_tags_and_refreshed_by_its_path() {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let distributions =
        distribution(DistributionFacts { readable: true, origin_path: "/live".to_owned(), ..Default::default() });
    let nothing = PathGlobs::new("", &[]).unwrap();
    let was = Entry { kind: Kind::Fingerprinted, kept: Kept::Live, ..mutable("same") };
    let between = |tagging: &Tagging| {
        let policy = Policy { tagging, ..behind(&layout, &distributions, &nothing) };
        Plan::between(&live(&[("app.js", was.clone())]), files(&[("app.js", mutable("same"))]), policy)
    };
    let plan = between(&counting());
    assert_eq!(plan.changes[&path("app.js")], Change::Reheader);
    assert_eq!(plan.invalidation.items().texts().collect::<Vec<_>>(), ["/app.js"]);
    assert!(between(Tagging::NONE).changes.is_empty());
}

#[test]
fn where_tags_begin_all_that_does_not_change_is_written_first_and_everything_is_forgotten() {
    let begins = Tagging { begins: true, uses: BTreeMap::from([("E1".to_owned(), TagUse::Begins)]), ..counting() };
    let plan = with_tags(&begins, &["blog/a.html"], &[]);
    assert_eq!(plan.invalidation.paths, [UrlPath::everything()]);
    let tag = |name: &str| Action::Tag { path: path(name) };
    assert_eq!(plan.waves[0], ["404.html", "blog/b.html", "blog/c.html", "index.html"].map(tag));
    assert_eq!(plan.changes.len(), 2);
    let counts = with_tags(&counting(), &["blog/a.html"], &[]);
    assert!(!counts.waves.iter().flatten().any(|action| matches!(action, Action::Tag { .. })));
    assert!(plan.tags && counts.tags && !with_tags(Tagging::NONE, &[], &[]).tags);
}

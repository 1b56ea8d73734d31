//! Which files a cache tag covers, and which paths are refreshed besides.

use super::*;

const BLOG: [&str; 3] = ["blog/a.html", "blog/b.html", "blog/c.html"];

/// The refresh after a change of all pages of the blog, with more files live `before` and in the release.
fn blog_changes(tagging: &Tagging, before: &[(&str, Entry)], after: &[(&str, Entry)], urls: Option<UrlStyle>) -> Plan {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let facts = DistributionFacts { readable: true, origin_path: "/live".to_owned(), ..Default::default() };
    let (distributions, nothing) = (distribution(facts), PathGlobs::new("", &[]).unwrap());
    let policy = Policy { tagging, urls, ..behind(&layout, &distributions, &nothing) };
    let with = |bytes: &str, more: &[(&str, Entry)]| {
        let pages = BLOG.map(|name| (name, mutable(bytes)));
        files(&pages.into_iter().chain(more.iter().cloned()).collect::<Vec<_>>())
    };
    let live = Live { release: Some(ReleaseNumber::new(1)), files: with("old", before), ..Live::default() };
    Plan::between(&live, with("new", after), policy)
}

fn forgotten(plan: &Plan) -> Vec<String> {
    plan.invalidation.items().texts().map(|text| text.to_owned()).collect()
}

fn blog_tag() -> String {
    let site = Layout::new("shop", "bucket", "live", None, None);
    CacheTag::of_folder(site.identity(), "blog").to_string()
}

/// `/blog/a` is the address of a page that was live with its tags, and of a new file.
#[test]
fn an_address_of_two_files_is_known_by_a_tag_if_both_are() {
    let plan = blog_changes(&counting(), &[], &[("blog/a", mutable("new"))], Some(UrlStyle::Clean));
    assert_eq!(forgotten(&plan), [blog_tag().as_str(), "/blog/a"]);
    let pages = blog_changes(&counting(), &[], &[], Some(UrlStyle::Clean));
    assert_eq!(forgotten(&pages), [blog_tag()]);
}

#[test]
fn a_file_is_known_by_a_tag_if_it_was_mutable_and_is() {
    let file = "blog/app.js";
    let changed = |was: Entry, is: Entry| blog_changes(&counting(), &[(file, was)], &[(file, is)], None);
    let with_path = vec![blog_tag(), format!("/{file}")];
    assert_eq!(forgotten(&changed(mutable("old"), mutable("new"))), [blog_tag()]);
    let becomes = changed(fingerprinted("old"), mutable("new"));
    assert_eq!((forgotten(&becomes), becomes.changes[&path(file)]), (with_path.clone(), Change::Replace));
    assert_eq!(forgotten(&changed(mutable("old"), fingerprinted("new"))), with_path);
    assert_eq!(forgotten(&changed(fingerprinted("old"), fingerprinted("new"))), with_path);
}

#[test]
fn a_fingerprinted_file_has_no_tag_to_be_written_evicted_or_waited_for() {
    let stays = [("blog/app-1a2b3c4d.js", fingerprinted("same"))];
    let plan = blog_changes(&counting(), &stays, &stays, None);
    assert_eq!((forgotten(&plan), plan.invalidation.evicted_unchanged), (vec![blog_tag()], 0));
    let tags_of = |tagging: &Tagging| -> BTreeSet<(String, usize)> {
        let (old, new) = (("app.js", fingerprinted("old")), ("app.js", fingerprinted("new")));
        let answers = blog_changes(tagging, &[old], &[new], None).answers;
        answers.values().map(|answer| (answer.path.to_string(), answer.tags.len())).collect()
    };
    let of_pages = |tags: usize| BLOG.map(|page| (page.to_owned(), tags));
    let expected = |tags: usize| BTreeSet::from_iter(of_pages(tags).into_iter().chain([("app.js".to_owned(), 0)]));
    assert_eq!(tags_of(&counting()), expected(2));
    assert_eq!(tags_of(Tagging::NONE), expected(0));
}

/// CloudFront accepts no path with `~`, and the error that a new file replaces has no tag.
#[test]
fn what_has_neither_a_path_nor_a_tag_is_named_by_the_narrowest_wildcard() {
    let plan = blog_changes(&counting(), &[], &[("blog/x~y.html", mutable("new"))], None);
    assert_eq!(forgotten(&plan), [blog_tag().as_str(), "/blog/x*"]);
}

/// `/docs/` and `/docs/index.html` may be chosen by different behaviors, of which only one leads to this site's files.
#[test]
fn an_alias_is_refreshed_if_its_own_behavior_leads_to_the_file() {
    let refreshed = |patterns: [(&str, Option<&str>); 2], root: Option<&str>, page: &str| {
        let layout = Layout::new("shop", "bucket", "live", None, None);
        let behaviors = patterns.map(|(pattern, origin_path)| Behavior {
            pattern: pattern.to_owned(),
            keeps: true,
            queries: false,
            origin_path: origin_path.map(str::to_owned),
        });
        let facts = DistributionFacts {
            readable: true,
            origin_path: "/live".to_owned(),
            default_root_object: root.map(str::to_owned),
            caching: Caching { behaviors: behaviors.into(), ..Caching::USUAL },
            ..Default::default()
        };
        let (distributions, nothing) = (distribution(facts), PathGlobs::new("", &[]).unwrap());
        let policy = Policy { urls: Some(UrlStyle::Clean), ..behind(&layout, &distributions, &nothing) };
        let plan = Plan::between(&live(&[(page, mutable("old"))]), files(&[(page, mutable("new"))]), policy);
        invalidated(&plan).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let elsewhere = [("*.html", Some("/other")), ("*", None)];
    assert_eq!(refreshed(elsewhere, None, "docs/index.html"), ["/docs", "/docs/"]);
    assert_eq!(refreshed(elsewhere, None, "about.html"), ["/about"]);
    let landing = [("/index.html", Some("/live/landing")), ("*", None)];
    assert_eq!(refreshed(landing, Some("index.html"), "index.html"), ["/"]);
    assert_eq!(
        refreshed(landing, Some("index.html"), "landing/index.html"),
        ["/", "/index.html", "/landing", "/landing/", "/landing/index.html"]
    );
}

/// The cache behavior of the bare address may be that of the default root object: it is not documented which is chosen first.
#[test]
fn the_bare_address_is_refreshed_if_it_or_the_default_root_object_is_kept() {
    let refreshed = |kept: &str| {
        let layout = Layout::new("shop", "bucket", "live", None, None);
        let behavior =
            |pattern: &str, keeps| Behavior { pattern: pattern.to_owned(), keeps, queries: false, origin_path: None };
        let behaviors = vec![behavior(kept, true), behavior("*", false)];
        let facts = DistributionFacts {
            readable: true,
            origin_path: "/live".to_owned(),
            default_root_object: Some("index.html".to_owned()),
            caching: Caching { behaviors, ..Caching::USUAL },
            ..Default::default()
        };
        let (distributions, nothing) = (distribution(facts), PathGlobs::new("", &[]).unwrap());
        let pages = ["about.html", "index.html"];
        let target = files(&pages.map(|name| (name, mutable("new"))));
        let plan = Plan::between(
            &live(&pages.map(|name| (name, mutable("old")))),
            target,
            behind(&layout, &distributions, &nothing),
        );
        invalidated(&plan).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refreshed("/index.html"), ["/", "/index.html"]);
    assert_eq!(refreshed("/about.html"), ["/about.html"]);
    assert!(refreshed("/images/*").is_empty());
}

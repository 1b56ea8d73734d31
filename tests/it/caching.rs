//! How a distribution keeps answers decides what it has to forget, and is known without asking twice.

use std::time::Duration;

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::release::retention::RetentionSettings;
use publish::report::{Outcome, Report};
use publish::sandbox::{Behavior, Caching, CustomError, Distribution, IndexPages};

use crate::world::{World, distribution, loads};

/// A cache policy of the account's own.
fn policy(min_ttl: u64, query_strings: bool) -> Caching {
    let policy = Some("of-this-account".to_owned());
    Caching { policy, min_ttl: Duration::from_secs(min_ttl), query_strings, ..Caching::default() }
}

fn keeping(caching: Caching) -> Distribution {
    Distribution { caching, ..distribution() }
}

/// A site of a few pages behind a distribution.
async fn live(distribution: Distribution) -> (World, Report) {
    let world = World::new().await;
    world.sandbox.set_distribution(distribution);
    for page in ["index.html", "page.html", "page2.html", "api/a.html", "docs/a.html"] {
        world.write(page, "one");
    }
    let report = world.published().await;
    (world, report)
}

async fn assert_unchanged_costs_one_request(world: &World) {
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((report.outcome, world.sandbox.requests().len()), (Outcome::Unchanged, 1), "{report:#?}");
}

/// What was asked for since the first `before` invalidations.
fn asked(world: &World, before: usize) -> Vec<String> {
    world.invalidations().split_off(before).into_iter().flat_map(|one| one.paths).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_query_strings_are_told_apart_all_that_begins_likewise_is_forgotten() {
    let (world, report) = live(keeping(policy(0, true))).await;
    assert_eq!(report.warnings, [""; 0]);
    assert_unchanged_costs_one_request(&world).await;
    let before = world.invalidations().len();
    world.write("page.html", "two");
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!(asked(&world, before), ["/page.html*"]);
    assert_eq!(report.requests["GetCachePolicy"], 1);
    world.write("page2.html", "two");
    world.write("docs/a.html", "two");
    let before = world.invalidations().len();
    world.published().await;
    assert_eq!(asked(&world, before), ["/docs/a.html*", "/page2.html*"]);
    // The bare address begins like every other one.
    world.write("index.html", "two");
    let before = world.invalidations().len();
    let report = world.published().await;
    assert_eq!(asked(&world, before), ["/*"]);
    assert_eq!(report.invalidation.unwrap().evicted_unchanged, 4);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_may_not_be_read_widens_the_refresh_and_changes_no_header() {
    let world = World::with_fixture("v1").await;
    world.sandbox.set_distribution(keeping(policy(0, false)));
    let report = world.published().await;
    assert!(!report.warnings.iter().any(|warning| warning.contains("GetCachePolicy")), "{report:#?}");
    let visible = world.visible();
    world.refuse("GetCachePolicy", "", 403, "AccessDenied");
    for told in [1, 0] {
        let before = world.invalidations().len();
        world.append("contact.html", "<!-- more -->");
        let report = world.published().await;
        assert_eq!((asked(&world, before), report.files.reheadered), (vec!["/contact.html*".to_owned()], 0));
        let warnings = report.warnings.iter().filter(|warning| warning.contains("cloudfront:GetCachePolicy"));
        assert_eq!(warnings.count(), told, "{report:#?}");
        assert_unchanged_costs_one_request(&world).await;
    }
    let others = |visible: std::collections::BTreeMap<String, String>| {
        visible.into_iter().filter(|(path, _)| path != "contact.html").collect::<Vec<_>>()
    };
    assert_eq!(others(world.visible()), others(visible));
    world.sandbox.clear_faults();
    let before = world.invalidations().len();
    world.append("contact.html", "<!-- more -->");
    world.published().await;
    assert_eq!(asked(&world, before), ["/contact.html"]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn behaviors_that_keep_nothing_of_the_site_need_no_path() {
    let mut world = World::new().await;
    // What lies behind another origin never reaches visitors, so nobody looks for it at the site.
    world.environment.url = None;
    // A function that changes addresses on the way would hide which behavior an answer is kept by.
    for functions in [false, true] {
        let index_pages = if functions { IndexPages::Function } else { IndexPages::None };
        let behavior = |pattern: &str, is_site, caching| Behavior {
            pattern: pattern.to_owned(),
            is_site,
            origin_path: None,
            caching,
        };
        let behaviors =
            vec![behavior("/api/*", false, Caching::default()), behavior("docs/*.html", true, Caching::disabled())];
        world.sandbox.set_distribution(Distribution { index_pages, behaviors, ..distribution() });
        let write = |text: &str| {
            for page in ["index.html", "api/a.html", "docs/a.html", "docs/a.txt"] {
                world.write(page, format!("{text} {functions}"));
            }
        };
        write("one");
        world.published().await;
        assert_unchanged_costs_one_request(&world).await;
        write("two");
        let before = world.invalidations().len();
        world.published().await;
        let all = ["/", "/api/a.html", "/docs/a.html", "/docs/a.txt", "/index.html"];
        let kept = ["/", "/docs/a.txt", "/index.html"];
        assert_eq!(asked(&world, before), if functions { &all[..] } else { &kept[..] });
    }
    let nothing = Caching { policy: policy(0, false).policy, ..Caching::disabled() };
    world.sandbox.set_distribution(keeping(nothing));
    world.write("index.html", "three");
    let before = world.invalidations().len();
    assert_eq!(world.published().await.invalidation, None);
    assert_eq!(asked(&world, before), [""; 0]);
    world.assert_settled();
}

/// Some addresses come from above the site: its files have a second name there.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_a_behavior_shows_under_another_name_are_forgotten_there_too() {
    for functions in [false, true] {
        let behavior = Behavior {
            pattern: "/live/docs/*".to_owned(),
            is_site: true,
            origin_path: Some(String::new()),
            caching: Caching::default(),
        };
        let index_pages = if functions { IndexPages::Function } else { IndexPages::None };
        let of = Distribution { index_pages, behaviors: vec![behavior], ..distribution() };
        let (world, _) = live(of).await;
        let visit = async |page: &str| crate::visitor::text(&format!("{}/{page}", world.sandbox.site_url())).await;
        assert_eq!(visit("live/docs/a.html").await, "one", "an edge keeps it");
        let before = world.invalidations().len();
        world.write("docs/a.html", "two");
        world.write("page.html", "two");
        world.published().await;
        let (other, all) = ("/live/page.html", ["/docs/a.html", "/live/docs/a.html", "/live/page.html", "/page.html"]);
        // Where a function changes addresses, any may be behind any behavior.
        let expected: Vec<&str> = all.into_iter().filter(|path| functions || *path != other).collect();
        assert_eq!(asked(&world, before), expected);
        assert_eq!((visit("live/docs/a.html").await, visit("docs/a.html").await), ("two".to_owned(), "two".to_owned()));
        world.assert_settled();
    }
}

/// A bucket's error document is a setting that is not read.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_website_endpoint_may_answer_errors_with_is_kept_by_no_edge_or_takes_everything_along() {
    let mut world = World::new().await;
    let website_error = Some("live/404.html".to_owned());
    world.sandbox.set_distribution(Distribution { website_error, index_pages: IndexPages::None, ..distribution() });
    for page in ["index.html", "404.html", "other.html"] {
        world.write(page, "one");
    }
    world.published().await;
    let kept = |world: &World, page: &str| world.live()[page].cache_control.clone().unwrap();
    assert!(!kept(&world, "404.html").contains("s-maxage"), "{}", kept(&world, "404.html"));
    assert!(kept(&world, "other.html").contains("s-maxage"), "{}", kept(&world, "other.html"));
    world.write("404.html", "two");
    let before = world.invalidations().len();
    world.published().await;
    assert_eq!(asked(&world, before), ["/404", "/404.html"], "a website endpoint may answer for both");

    let long = "public, max-age=3600".to_owned();
    let globs = OneOrMany(vec!["404.html".to_owned()]);
    world.environment.headers = vec![HeaderRule { globs, cache_control: Some(long), ..HeaderRule::default() }];
    world.published().await;
    let missed = format!("{}/none.html", world.sandbox.site_url());
    assert_eq!(crate::visitor::text(&missed).await, "two");
    world.write("404.html", "three");
    let before = world.invalidations().len();
    let report = world.published().await;
    assert_eq!(asked(&world, before), ["/*"]);
    let because = "404.html changed, and copies of it are kept under every address that missed";
    assert_eq!(report.invalidation.unwrap().because.as_deref(), Some(because));
    assert_eq!(crate::visitor::text(&missed).await, "three");
    world.assert_settled();
}

fn error(page: Option<&str>, seconds: u64) -> CustomError {
    CustomError {
        error_code: 404,
        response_page_path: page.map(str::to_owned),
        response_code: Some(404),
        error_caching_min_ttl: Duration::from_secs(seconds),
    }
}

/// Who asked for a fingerprinted name before it was there, or after a prune had removed it, got an error.
#[tokio::test(flavor = "multi_thread")]
async fn where_errors_are_kept_for_long_new_fingerprinted_names_are_forgotten_too() {
    for (seconds, expected) in
        [(10, &["/", "/index.html"][..]), (11, &["/", "/assets/index-D-_9G6Wi.js", "/index.html"])]
    {
        let world = World::new().await;
        world.sandbox.set_distribution(Distribution { custom_errors: vec![error(None, seconds)], ..distribution() });
        world.write("index.html", "none yet");
        world.published().await;
        world.write("assets/index-D-_9G6Wi.js", "const answer = 42;");
        world.write("index.html", loads("assets/index-D-_9G6Wi.js"));
        let before = world.invalidations().len();
        world.published().await;
        world.assert_fingerprinted(2, "assets/index-D-_9G6Wi.js");
        assert_eq!(asked(&world, before), expected, "{seconds} s");
        assert_unchanged_costs_one_request(&world).await;
    }
}

/// An open tab asks for a script that a prune removed and keeps its error; then the build that has the script is published again.
#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprinted_file_that_was_pruned_and_comes_back_is_forgotten_where_its_error_may_be_kept_for_long() {
    for (seconds, expected) in
        [(10, &["/", "/index.html"][..]), (300, &["/", "/assets/index-D-_9G6Wi.js", "/index.html"])]
    {
        let mut world = World::new().await;
        world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
        world.sandbox.set_distribution(Distribution { custom_errors: vec![error(None, seconds)], ..distribution() });
        let with_script = || {
            world.write("assets/index-D-_9G6Wi.js", "const answer = 42;");
            world.write("index.html", loads("assets/index-D-_9G6Wi.js"));
        };
        with_script();
        world.published().await;
        world.remove("assets/index-D-_9G6Wi.js");
        for text in ["no script", "none still"] {
            world.write("index.html", text);
            world.published().await;
        }
        world.sandbox.advance_clock(Duration::from_secs(24 * 3_600));
        assert_eq!(world.prune(&[]).await.outcome, Outcome::Pruned);
        assert!(!world.live().contains_key("assets/index-D-_9G6Wi.js"));
        with_script();
        let before = world.invalidations().len();
        world.published().await;
        world.assert_fingerprinted(4, "assets/index-D-_9G6Wi.js");
        assert_eq!(asked(&world, before), expected, "{seconds} s");
        assert_unchanged_costs_one_request(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_page_whose_copies_are_kept_for_long_takes_everything_along_when_it_changes() {
    let long = HeaderRule {
        globs: OneOrMany(vec!["404.html".to_owned()]),
        cache_control: Some("public, max-age=3600".to_owned()),
        ..HeaderRule::default()
    };
    for (seconds, is_long, expected) in [(10, false, &["/404.html"][..]), (300, false, &["/*"]), (10, true, &["/*"])] {
        let mut world = World::new().await;
        let custom_errors = vec![error(Some("/404.html"), seconds)];
        world.sandbox.set_distribution(Distribution { custom_errors, ..distribution() });
        if is_long {
            world.environment.headers = vec![long.clone()];
        }
        world.write("index.html", "home");
        world.write("404.html", "old");
        world.published().await;
        world.write("404.html", "new");
        let before = world.invalidations().len();
        let planned = world.plan().await.1.unwrap().view().because;
        let report = world.published().await;
        assert_eq!(asked(&world, before), expected, "{seconds} s, {is_long}");
        let because = "404.html changed, and copies of it are kept under every address that missed".to_owned();
        let because = (expected == ["/*"]).then_some(because);
        assert_eq!((&planned, &report.invalidation.unwrap().because), (&because, &because));
        // Other pages are refreshed as ever.
        world.write("index.html", "another home");
        let before = world.invalidations().len();
        world.published().await;
        assert_eq!(asked(&world, before), ["/", "/index.html"]);
        world.assert_settled();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_should_know_of_the_configuration_is_said_once() {
    let said = |report: &Report, word: &str| report.warnings.iter().filter(|warning| warning.contains(word)).count();
    let continuous_deployment = Some("8a7b".to_owned());
    let caching = policy(60, false);
    let (world, report) = live(Distribution { caching, continuous_deployment, ..distribution() }).await;
    assert_eq!((said(&report, "Minimum TTL"), said(&report, "staging")), (1, 1), "{report:#?}");
    world.write("page.html", "two");
    let report = world.published().await;
    assert_eq!(report.warnings, [""; 0]);
    world.sandbox.set_distribution(keeping(policy(90, false)));
    world.write("page.html", "three");
    let report = world.published().await;
    assert_eq!((said(&report, "90 s"), said(&report, "staging")), (1, 0), "{report:#?}");
}

/// It has a cache of its own, and is told of changes like any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_staging_distribution_that_is_named_is_no_warning() {
    let mut world = World::new().await;
    world.write("index.html", "one");
    let continuous_deployment = Some("8a7b".to_owned());
    world.sandbox.set_distribution(Distribution { continuous_deployment, ..distribution() });
    world.sandbox.set_distribution(Distribution { id: "ESTAGING".to_owned(), staging: true, ..distribution() });
    world.environment.further_distributions = vec!["ESTAGING".to_owned()];
    assert_eq!(world.published().await.warnings, [""; 0]);
    world.write("index.html", "two");
    world.published().await;
    assert_eq!(world.sandbox.invalidations("ESTAGING").pop().unwrap().paths, ["/", "/index.html"]);
}

/// As AWS advises: the address that a visitor asks for and the one that the function makes of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lambda_at_the_viewer_may_answer_for_short_addresses() {
    let (world, _) = live(Distribution { index_pages: IndexPages::LambdaAtViewer, ..distribution() }).await;
    world.write("page.html", "two");
    let before = world.invalidations().len();
    world.published().await;
    assert_eq!(asked(&world, before), ["/page", "/page.html"]);
}

//! What counts as proof that the CDN has forgotten, what is sent to it for that, and what the distribution says.

use std::time::Duration;

use publish::config::environment::Wait;
use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::release::head::DistributionFacts;
use publish::release::layout::Layout;
use publish::report::{ErrorReport, InvalidationStatus, Outcome, Report};
use publish::sandbox::{Behavior, Caching, CustomError, Distribution, Effect, Fault, LoggedRequest, Match, Service};
use publish::stages::policy;

use crate::world::{BUCKET, DISTRIBUTION, World, distribution};

/// How many looks of `GetInvalidation` find it unfinished.
const POLLS: u32 = 3;

async fn live_v1() -> World {
    let world = World::with_fixture("v1").await;
    world.published_and_completed().await;
    world.sandbox.clear_requests();
    world
}

fn rule(glob: &str, cache_control: &str) -> HeaderRule {
    HeaderRule {
        globs: OneOrMany(vec![glob.to_owned()]),
        cache_control: Some(cache_control.to_owned()),
        ..HeaderRule::default()
    }
}

/// CloudFront said of the last invalidation that it is completed, before the head forgot that it was owed.
fn assert_waited_for_cloudfront(world: &World, report: &Report) {
    assert_eq!(report.invalidation.as_ref().unwrap().status, InvalidationStatus::Effective, "the URL is known");
    assert_eq!(world.invalidations().last().unwrap().status, "Completed");
    let requests = world.sandbox.requests();
    let polls = requests.iter().filter(|request| request.operation == "GetInvalidation").count();
    assert!(polls > POLLS as usize, "{polls}");
    let last = |wanted: &str| requests.iter().rposition(|request| request.operation == wanted);
    assert!(last("GetInvalidation") < last("PutObject"), "the last write of all takes the refresh out of the head");
    world.assert_settled();
}

/// A copy with the old headers looks like one with the new ones wherever the CDN sets them itself.
#[tokio::test(flavor = "multi_thread")]
async fn other_headers_on_the_same_bytes_are_not_proven_by_fetching() {
    let mut world = live_v1().await;
    world.sandbox.complete_invalidations_after(POLLS);
    world.environment.headers.push(rule("robots.txt", "public, max-age=60"));
    let report = world.published().await;
    assert_eq!((report.files.reheadered, report.files.replaced), (1, 0), "{report:#?}");
    assert_eq!(world.last_invalidated(), ["/robots.txt"]);
    assert_waited_for_cloudfront(&world, &report);

    world.write("robots.txt", "other bytes");
    let report = world.published().await;
    assert_eq!(report.invalidation.unwrap().status, InvalidationStatus::Effective);
    assert_eq!(world.invalidations().last().unwrap().status, "InProgress", "other bytes are proof enough");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_an_earlier_run_owes_is_not_proven_by_fetching_the_pages_that_are_left() {
    let world = live_v1().await;
    world.use_fixture("v2");
    world.refuse("CreateInvalidation", "", 403, "AccessDenied");
    assert_eq!(world.publish().await.exit_code, 3);
    world.sandbox.clear_faults();
    world.sandbox.clear_requests();
    world.sandbox.complete_invalidations_after(POLLS);
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Repaired);
    let paths = world.last_invalidated();
    assert!(paths.contains(&"/contact.html".to_owned()) && paths.contains(&"/index.html".to_owned()), "{paths:?}");
    assert_waited_for_cloudfront(&world, &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprinted_file_that_comes_back_under_another_rule_gets_its_headers_and_is_refreshed() {
    const PATH: &str = "assets/notice-Cy2_ybK6.js";
    const RULE: &str = "public, max-age=600";
    let mut world = live_v1().await;
    let first = world.live()[PATH].clone();
    world.assert_fingerprinted(1, PATH);
    world.remove(PATH);
    world.published_broken().await;
    assert_eq!(world.live()[PATH], first, "it stays for tabs that are open");

    world.use_fixture("v1");
    world.environment.headers.push(rule(PATH, RULE));
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((report.files.reheadered, report.files.added, report.files.replaced), (1, 0, 0), "{report:#?}");
    assert_eq!((report.uploaded.objects, report.copied), (0, 1), "{report:#?}");
    assert_eq!(world.live()[PATH].cache_control.as_deref(), Some(RULE));
    assert_eq!(world.live()[PATH].bytes, first.bytes);
    assert_eq!(world.last_invalidated(), [format!("/{PATH}")]);
    assert_eq!(report.invalidation.unwrap().paths, [format!("/{PATH}")]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_that_does_not_serve_the_prefix_stops_the_run_before_anything_is_written() {
    for (origin_path, was_live) in
        [("/elsewhere", false), ("/elsewhere", true), ("/liv", false), ("/live/deeper", false)]
    {
        let world = World::with_fixture("v1").await;
        if was_live {
            world.published().await;
            world.use_fixture("v2");
        }
        world.sandbox.set_distribution(Distribution { origin_path: origin_path.to_owned(), ..distribution() });
        let error = refused(&world).await;
        for named in [DISTRIBUTION, origin_path, "s3://sandbox/live/"] {
            assert!(error.message.contains(named), "{named} is not in {error:#?}");
        }
        assert!(error.hint.contains("`prefix`") && error.hint.contains("`distribution`"), "{error:#?}");
    }
}

/// The error of a publish that must be refused as wrongly configured and write nothing.
async fn refused(world: &World) -> ErrorReport {
    let before = world.objects();
    world.sandbox.clear_requests();
    let report = world.publish().await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
    assert_eq!(world.s3_writes().len(), 0, "{:#?}", world.s3_writes());
    assert_eq!(world.objects(), before);
    let error = report.error.unwrap();
    assert_eq!(error.code, "configuration", "{error:#?}");
    error
}

/// What the head knows of the distribution.
fn facts(world: &World) -> DistributionFacts {
    world.head().distributions[DISTRIBUTION].facts.clone()
}

/// Who publishes does not decide what is published.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_read_of_the_distribution_holds_for_who_may_not_read_it() {
    let world = live_v1().await;
    let (before, known) = (world.visible(), facts(&world));
    assert!(known.readable);
    world.refuse("GetDistributionConfig", "", 403, "AccessDenied");
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);

    world.append("about/index.html", "<!-- changed -->");
    let report = world.published().await;
    assert_eq!((report.files.replaced, report.files.reheadered, report.files.added), (1, 0, 0), "{report:#?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("cloudfront:GetDistributionConfig")), "{report:#?}");
    assert_eq!(world.last_invalidated(), ["/about/", "/about/index.html"]);
    for (path, object) in world.visible() {
        assert_eq!(path == "about/index.html", object != before[&path], "{path}: {object}");
    }
    assert_eq!(facts(&world), known);
    world.assert_settled();

    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.sandbox.requests().len(), 1);
}

/// The first and the second publish of a site whose state lies within reach of visitors, who find it at `state_url` below the
/// distribution's root.
async fn state_is_exposed(prefix: &str, state_url: &str) {
    let mut world = World::new().await;
    let use_fixture = |world: &World, build: &str| {
        world.use_fixture(build);
        if !prefix.is_empty() {
            world.rebase(prefix);
        }
    };
    use_fixture(&world, "v1");
    world.environment.layout = Layout::new("shop", BUCKET, prefix, None, None);
    world.environment.url = Some(format!("{}/{prefix}", world.sandbox.site_url()).trim_end_matches('/').to_owned());
    world.sandbox.set_distribution(Distribution { origin_path: String::new(), ..distribution() });
    let statement = policy::hide_state(&world.environment.layout, "us-east-1");
    assert!(statement.contains(&format!("{BUCKET}/{}*", state_url.trim_end_matches("head.json"))), "{statement}");

    let (report, _) = world.plan().await;
    assert!(report.warnings.iter().any(|warning| warning.contains(&statement)), "{report:#?}");
    let claim_url = state_url.replace("head.json", "releases/1/claim.json");
    let report = world.publish().await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
    let error = report.error.unwrap();
    assert!(error.message.contains(&format!("{}/{claim_url}", world.sandbox.site_url())), "{error:#?}");
    assert_eq!(error.visitors_see, "Nothing is published here yet; visitors see no change.");
    assert!(world.live().is_empty(), "it stops before the first file is sent");
    world.environment.publish.public_state = true;
    assert_eq!(world.published().await.warnings, [""; 0]);
    world.environment.publish.public_state = false;

    use_fixture(&world, "v2");
    let (report, _) = world.plan().await;
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (2, "configuration"), "a plan says so too");
    let error = refused(&world).await;
    assert!(error.message.contains(&format!("{}/{state_url}", world.sandbox.site_url())), "{error:#?}");
    assert!(error.hint.contains(&statement) && error.hint.contains("`public_state = true`"), "{error:#?}");
    assert_eq!(error.visitors_see, "Visitors see release 2, as before.");

    world.environment.publish.public_state = true;
    let report = world.published().await;
    assert_eq!((report.release.unwrap().to_string().as_str(), report.warnings.len()), ("3", 0), "{report:#?}");
    world.assert_settled();

    world.environment.publish.public_state = false;
    let effect =
        Effect::Refuse { status: 403, code: "AccessDenied".to_owned(), message: "hidden by the policy".to_owned() };
    let matches = Match { service: Some(Service::Site), key_contains: Some(state_url.to_owned()), ..Match::default() };
    world.sandbox.inject(Fault { matches, skip: 0, times: usize::MAX, effect });
    use_fixture(&world, "v1");
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((report.release.unwrap().to_string().as_str(), report.warnings.len()), ("4", 0), "{report:#?}");
    let asked = world.sandbox.requests();
    assert!(asked.iter().any(|request| request.key == format!("/{state_url}") && request.status == Some(403)));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn state_that_visitors_can_read_beside_a_site_at_the_root_stops_every_publish() {
    state_is_exposed("", "_publish/head.json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_that_visitors_can_read_beside_a_site_in_a_folder_stops_every_publish() {
    state_is_exposed("docs", "_publish/docs/head.json").await;
}

/// The distribution's own origin path does not reach the state, but a behavior does.
#[tokio::test(flavor = "multi_thread")]
async fn state_that_visitors_can_read_through_a_behavior_stops_a_publish() {
    let world = World::with_fixture("v1").await;
    let behavior = Behavior {
        pattern: "/_publish/*".to_owned(),
        is_site: true,
        origin_path: Some(String::new()),
        caching: Caching::default(),
    };
    world.sandbox.set_distribution(Distribution { behaviors: vec![behavior], ..distribution() });
    let report = world.publish().await;
    let error = report.error.unwrap();
    assert_eq!((report.exit_code, error.code.as_str()), (2, "configuration"), "{error:#?}");
    assert!(error.message.contains("/_publish/live/releases/1/claim.json"), "{error:#?}");
    assert!(world.live().is_empty(), "it stops before the first file is sent");
}

/// Sites of one page answer any address with it: that is not the state.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_answers_for_hidden_state_is_not_taken_for_it() {
    let mut world = World::with_fixture("v1").await;
    world.environment.layout = Layout::new("shop", BUCKET, "docs", None, None);
    let fallback = CustomError {
        error_code: 403,
        response_page_path: Some("/index.html".to_owned()),
        response_code: Some(200),
        error_caching_min_ttl: Duration::ZERO,
    };
    // The stand-in has no bucket policies. So what the run knows of its distribution is that it reaches the state,
    // and visitors come by one that does not. That one is refreshed by nobody, so it keeps nothing.
    let reaching = Distribution { id: "EREACHING".to_owned(), origin_path: String::new(), ..distribution() };
    world.environment.distribution = Some(reaching.id.clone());
    world.sandbox.set_distribution(reaching);
    let serving = Distribution {
        origin_path: "/docs".to_owned(),
        custom_errors: vec![fallback],
        caching: Caching::disabled(),
        ..distribution()
    };
    world.sandbox.set_distribution(serving);
    world.published().await;
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    world.published().await;
    let asked = world.sandbox.requests();
    let state = |request: &&LoggedRequest| request.key == "/_publish/docs/head.json";
    assert_eq!(asked.iter().find(state).unwrap().status, Some(200), "the page answered");
    world.assert_settled();
}

/// v1 is live but for its robots.txt, whose refresh CloudFront did not take.
async fn refresh_owed() -> World {
    let world = live_v1().await;
    world.write("robots.txt", "changed");
    world.refuse("CreateInvalidation", "", 403, "AccessDenied");
    assert_eq!(world.publish().await.exit_code, 3);
    world.sandbox.clear_faults();
    assert_eq!(world.head().pending_refreshes.len(), 1);
    world
}

/// The paths of each invalidation that a publish leads to.
async fn invalidated_by_publish(world: &World) -> Vec<Vec<String>> {
    let before = world.invalidations().len();
    world.published().await;
    world.assert_settled();
    world.invalidations().split_off(before).into_iter().map(|invalidation| invalidation.paths).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_asked_for_once_where_the_next_refresh_covers_it() {
    let world = refresh_owed().await;
    world.write("robots.txt", "changed again");
    world.append("about/index.html", "changed too");
    assert_eq!(invalidated_by_publish(&world).await, [["/about/", "/about/index.html", "/robots.txt"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_asked_for_once_where_a_wildcard_covers_it() {
    let mut world = refresh_owed().await;
    world.append("about/index.html", "changed too");
    world.append("index.html", "changed too");
    world.environment.invalidation.max_paths = 1;
    assert_eq!(invalidated_by_publish(&world).await, [["/*"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_asked_for_where_the_next_refresh_does_not_cover_it() {
    let world = refresh_owed().await;
    world.append("about/index.html", "changed too");
    let made = invalidated_by_publish(&world).await;
    assert_eq!(made, [vec!["/robots.txt"], vec!["/about/", "/about/index.html"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_run_owes_is_requested_once_by_the_run_that_takes_over() {
    let world = live_v1().await;
    world.write("robots.txt", "changed");
    world.cut_short_at("CopyObject", "live/robots.txt");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    assert_eq!(world.head().pending_refreshes.len(), 1);
    world.write("robots.txt", "changed by another");
    world.write("config.json", "{}");
    assert_eq!(invalidated_by_publish(&world).await, [["/config.json", "/robots.txt"]]);
}

/// A key is not an address: a space or a plus in the name of the state must not hide it from this look.
#[tokio::test(flavor = "multi_thread")]
async fn exposed_state_is_found_whatever_its_name() {
    let mut world = World::with_fixture("v1").await;
    world.environment.layout = Layout::new("shop", BUCKET, "", None, Some("my + state/"));
    world.sandbox.set_distribution(Distribution { origin_path: String::new(), ..distribution() });
    world.environment.publish.public_state = true;
    world.published().await;
    world.environment.publish.public_state = false;
    world.use_fixture("v2");
    let error = refused(&world).await;
    assert!(error.message.contains("/my%20%2B%20state/head.json"), "{error:#?}");
}

/// A CDN that takes the headers of S3 away still hands out the bytes; and one that nobody reaches has hidden nothing.
#[tokio::test(flavor = "multi_thread")]
async fn exposed_state_is_known_by_its_bytes() {
    let mut world = World::with_fixture("v1").await;
    world.environment.layout = Layout::new("shop", BUCKET, "", None, None);
    world.sandbox.set_distribution(Distribution { origin_path: String::new(), ..distribution() });
    world.environment.publish.public_state = true;
    world.published().await;
    world.environment.publish.public_state = false;
    // Written back without our metadata: visitors get its bytes and nothing else of it.
    world.rewrite_head(|_| {});
    world.use_fixture("v2");
    let error = refused(&world).await;
    assert!(error.message.contains("/_publish/head.json"), "{error:#?}");

    world.environment.url = Some("http://127.0.0.1:1".to_owned());
    world.environment.invalidation.wait = Wait::Completed;
    let report = world.published().await;
    let told = "Cannot tell whether publish's own files are publicly readable: http://127.0.0.1:1/_publish/head.json \
        does not answer";
    assert!(report.warnings.iter().any(|warning| warning.contains(told)), "{report:#?}");
}

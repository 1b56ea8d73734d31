//! An environment that names several distributions: what each is asked, what that costs, and how long it is waited for.

use publish::config::environment::Wait;
use publish::report::InvalidationStatus;
use publish::sandbox::{Caching, CustomError, Distribution};

use crate::distributions::{WWW, last_invalidated, owed_elsewhere, row, seen, www};
use crate::world::{DISTRIBUTION, World, distribution};

/// What is planned for each, what it costs, and why it may be everything.
#[tokio::test(flavor = "multi_thread")]
async fn what_further_distributions_are_asked_is_in_the_plan_and_in_the_report() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    let seconds = std::time::Duration::from_secs(300);
    let error_page = CustomError {
        error_code: 403,
        response_page_path: Some("/live/404.html".to_owned()),
        response_code: Some(404),
        error_caching_min_ttl: seconds,
    };
    let custom_errors = vec![error_page];
    world.sandbox.set_distribution(Distribution { origin_path: String::new(), custom_errors, ..www() });
    world.environment.further_distributions = vec![WWW.to_owned()];
    world.write("404.html", "nothing here");
    world.published().await;
    world.append("about/index.html", "<!-- changed -->");
    let (report, plan) = world.plan().await;
    assert_eq!(report.other_distributions, [], "nothing is owed before it is live");
    let planned = plan.unwrap().view().other_distributions.remove(0);
    assert_eq!(planned.paths, ["/live/about/", "/live/about/index.html"]);
    let report = world.published().await;
    let [other] = &report.other_distributions[..] else { panic!("{report:#?}") };
    assert_eq!((&other.paths, &other.price_usd), (&planned.paths, &planned.price_usd));
    assert_eq!((other.paths_paid, other.price_usd.as_str(), &other.because), (2, "0.010", &None));

    world.write("404.html", "nothing here either");
    let planned = world.plan().await.1.unwrap().view();
    assert_eq!((planned.paths, planned.because), (vec!["/404.html".to_owned()], None));
    let report = world.published().await;
    let [other] = &report.other_distributions[..] else { panic!("{report:#?}") };
    let because = "404.html changed, and copies of it are kept under every address that missed";
    assert_eq!((&other.paths[..], other.because.as_deref()), (&["/*".to_owned()][..], Some(because)));
    assert_eq!(other.evicted_unchanged, report.files.unchanged);
    assert_eq!(planned.other_distributions[0].evicted_bytes, other.evicted_bytes);
}

/// Each of them keeps what it has until CloudFront has completed what it was asked.
#[tokio::test(flavor = "multi_thread")]
async fn where_completion_is_waited_for_it_is_that_of_all_that_the_environment_names() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.set_distribution(www());
    world.environment.further_distributions = vec![WWW.to_owned()];
    world.environment.invalidation.wait = Wait::Completed;
    let report = world.published().await;
    assert_eq!(owed_elsewhere(&report), [(WWW, InvalidationStatus::Completed)]);
    assert_eq!(world.head().pending_refreshes, []);
    assert_eq!(seen(&world).await, [row(DISTRIBUTION, 1, 0), row(WWW, 1, 0)]);
    let polled = world.sandbox.requests().into_iter().filter(|request| request.operation == "GetInvalidation");
    assert_eq!(polled.filter(|request| request.key.contains(WWW)).count(), 2, "in progress once");

    world.append("about/index.html", "<!-- changed -->");
    world.refuse("GetInvalidation", WWW, 403, "AccessDenied");
    let report = world.publish().await;
    assert_eq!(report.exit_code, 3, "{report:#?}");
    let [sent] = &world.head().pending_refreshes[..] else { panic!("{:#?}", world.head().pending_refreshes) };
    assert!(sent.distribution == WWW && sent.is_sent(), "{sent:#?}");
}

/// What several distributions have in common is read once.
#[tokio::test(flavor = "multi_thread")]
async fn a_cache_policy_of_several_distributions_is_read_once() {
    let mut world = World::with_fixture("v1").await;
    let caching = Caching { policy: Some("of-this-account".to_owned()), ..Caching::default() };
    for id in [DISTRIBUTION, WWW] {
        world.sandbox.set_distribution(Distribution { id: id.to_owned(), caching: caching.clone(), ..distribution() });
    }
    world.environment.further_distributions = vec![WWW.to_owned()];
    let report = world.published().await;
    assert_eq!((report.requests["GetDistributionConfig"], report.requests["GetCachePolicy"]), (2, 1));
}

/// A folder of the site has an address of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_further_distribution_may_be_in_front_of_a_folder_of_the_site() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(Distribution { origin_path: "/live/about".to_owned(), ..www() });
    world.environment.further_distributions = vec![WWW.to_owned()];
    world.published().await;
    world.append("about/index.html", "<!-- changed -->");
    world.append("contact.html", "<!-- changed -->");
    world.published().await;
    assert_eq!(last_invalidated(&world, WWW), ["/", "/index.html"]);
    assert_eq!(last_invalidated(&world, DISTRIBUTION), ["/about/", "/about/index.html", "/contact.html"]);
    // As the first one, it would not show the site at `url`.
    world.environment.distribution = Some(WWW.to_owned());
    world.environment.further_distributions.clear();
    world.append("contact.html", "<!-- changed again -->");
    let report = world.publish().await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
}

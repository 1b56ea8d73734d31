//! A site that is one page whose router makes all other addresses: what is said where the distribution answers them with errors.

use std::time::Duration;

use publish::sandbox::{CustomError, Distribution, IndexPages};

use crate::visitor::status;
use crate::world::{World, distribution, loads};

/// As React Router is left by minifiers, with its history in the address, and behind a `#`.
const BY_PATH: &str = r#"function h(e,t){return{usr:e.state,key:e.key,idx:t}}w.history.pushState(s,"",u);"#;
const BY_HASH: &str =
    r#"function h(e,t){return{usr:e.state,key:e.key,idx:t}}w.history.pushState(s,"",u);p(w.location.hash.substr(1));"#;

const WARNING: &str = "Let a viewer-request function send addresses without a file extension to /index.html";

/// What bundlers make of an application: a page that shows nothing by itself.
fn write_app(world: &World, script: &str) {
    world.write("assets/index-BYf2qJoX.js", script);
    world.write(
        "index.html",
        format!("<title>Shop</title>{}<body><div id=root></div></body>", loads("assets/index-BYf2qJoX.js")),
    );
}

/// A distribution without a function, that answers errors so: the status of the origin, the page, and the status for visitors.
fn serving(errors: &[(u16, &str, u16)]) -> Distribution {
    let custom_errors = errors.iter().map(|(error_code, page, status)| CustomError {
        error_code: *error_code,
        response_page_path: Some((*page).to_owned()),
        response_code: Some(*status),
        error_caching_min_ttl: Duration::from_secs(10),
    });
    Distribution { custom_errors: custom_errors.collect(), index_pages: IndexPages::None, ..distribution() }
}

async fn app(script: &str, serving: Distribution) -> World {
    let world = World::new().await;
    world.sandbox.set_distribution(serving);
    write_app(&world, script);
    world
}

fn warned(warnings: &[String]) -> usize {
    warnings.iter().filter(|warning| warning.contains(WARNING)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_whose_addresses_are_errors_is_told_what_it_needs() {
    let world = app(BY_PATH, serving(&[])).await;
    let (plan, _) = world.plan().await;
    assert_eq!(warned(&plan.warnings), 1, "{:#?}", plan.warnings);
    let report = world.published().await;
    assert_eq!(warned(&report.warnings), 1, "{:#?}", report.warnings);
    let said = report.warnings.iter().find(|warning| warning.contains(WARNING)).unwrap();
    assert!(said.contains("one page with React Router, but distribution ESANDBOX"), "{said}");
    // It is as it is said.
    assert_eq!(status(&format!("{}/about", world.sandbox.site_url())).await, 403);
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((warned(&report.warnings), world.sandbox.requests().len()), (0, 1), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_application_is_the_error_page_nothing_is_missing() {
    for errors in [
        &[(403, "/index.html", 200), (404, "/index.html", 200)][..],
        // A copy of the page, which is shown under the address of the error.
        &[(403, "/404.html", 404)],
    ] {
        let world = app(BY_PATH, serving(errors)).await;
        world.write("404.html", std::fs::read(world.folder.join("index.html")).unwrap());
        let report = world.published().await;
        assert_eq!(warned(&report.warnings), 0, "{errors:?}: {:#?}", report.warnings);
        assert_eq!(warned(&world.plan().await.0.warnings), 0);
    }
    // A page that says that nothing was found does not show the application.
    let world = app(BY_PATH, serving(&[(403, "/404.html", 404)])).await;
    world.write("404.html", "Not found");
    assert_eq!(warned(&world.published().await.warnings), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_needs_nothing_or_nobody_can_know_nothing_is_said() {
    let hashes = app(BY_HASH, serving(&[])).await;
    assert_eq!(warned(&hashes.published().await.warnings), 0);

    let function = app(BY_PATH, Distribution { index_pages: IndexPages::Function, ..serving(&[]) }).await;
    assert_eq!(warned(&function.published().await.warnings), 0);

    let lambda = app(BY_PATH, Distribution { index_pages: IndexPages::LambdaAtOrigin, ..serving(&[]) }).await;
    assert_eq!(warned(&lambda.published().await.warnings), 0);

    let unread = app(BY_PATH, serving(&[])).await;
    unread.refuse("GetDistributionConfig", "", 403, "AccessDenied");
    assert_eq!(warned(&unread.published().await.warnings), 0);

    let mut none = app(BY_PATH, serving(&[])).await;
    none.environment.distribution = None;
    assert_eq!(warned(&none.published().await.warnings), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_of_several_pages_is_no_such_application() {
    let world = app(BY_PATH, serving(&[])).await;
    world.write("about/index.html", format!("{}<body></body>", loads("assets/index-BYf2qJoX.js")));
    assert_eq!(warned(&world.published().await.warnings), 0);
    // Neither is one whose only page says all there is.
    let world = app(BY_PATH, serving(&[])).await;
    let text = "What we sell, where we are, and when we open. ".repeat(10);
    world.write("index.html", format!("{}<body><p>{text}</p></body>", loads("assets/index-BYf2qJoX.js")));
    assert_eq!(warned(&world.published().await.warnings), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redirects_say_is_not_said_again() {
    let world = app(BY_PATH, serving(&[])).await;
    world.write("_redirects", "/* /index.html 200\n");
    let report = world.published().await;
    let said = report.warnings.iter().filter(|warning| warning.contains("custom error response")).count();
    assert_eq!((said, warned(&report.warnings)), (1, 0), "{:#?}", report.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_named_as_the_distribution_serves_it() {
    let mut world = app(BY_PATH, Distribution { origin_path: String::new(), ..serving(&[]) }).await;
    world.environment.url = None;
    world.environment.invalidation.wait = publish::config::environment::Wait::None;
    let report = world.published().await;
    assert!(report.warnings.iter().any(|warning| warning.contains("extension to /live/index.html")), "{report:#?}");
}

/// Real builds with a router, every page of which is in the folder.
#[tokio::test(flavor = "multi_thread")]
async fn pages_that_were_all_built_need_nothing() {
    let world = World::with_fixture("v1").await;
    world.sandbox.set_distribution(serving(&[]));
    assert_eq!(warned(&world.published().await.warnings), 0);
}

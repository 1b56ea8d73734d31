//! A site behind a tenant of a multi-tenant distribution: the tenant is refreshed, and its distribution says how.

use publish::config::environment::Wait;
use publish::report::Outcome;
use publish::sandbox::{Distribution, LoggedRequest};

use crate::world::{World, distribution};

pub(crate) const TENANT: &str = "dt_2wjDZi3h";
pub(crate) const MULTI: &str = "EMULTI";

/// A world whose site a tenant serves: in the distribution's origin path stands a parameter of the tenant.
pub(crate) async fn behind_a_tenant() -> World {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    let of_all = Distribution { id: MULTI.to_owned(), origin_path: "/{{site}}".to_owned(), ..distribution() };
    world.sandbox.set_distribution(of_all);
    let parameters = vec![("site".to_owned(), "live".to_owned())];
    let tenant_of = Some((MULTI.to_owned(), parameters));
    world.sandbox.set_distribution(Distribution { id: TENANT.to_owned(), tenant_of, ..distribution() });
    (world.environment.distribution, world.environment.url) = (Some(TENANT.to_owned()), None);
    world
}

fn of_cloudfront(world: &World) -> Vec<(String, String)> {
    let requests: Vec<LoggedRequest> = world.sandbox.requests();
    let all = requests.into_iter().filter(|request| request.bucket.is_empty());
    all.map(|request| (request.operation, request.key)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_refreshed_by_its_own_id() {
    let world = behind_a_tenant().await;
    let report = world.published().await;
    assert_eq!(report.warnings, [""; 0]);
    let known = &world.head().distributions[TENANT];
    assert_eq!((known.facts.readable, known.facts.origin_path.as_str()), (true, "/live"));
    world.sandbox.clear_requests();
    world.append("about/index.html", "<!-- changed -->");
    world.published().await;
    let asked = world.sandbox.invalidations(TENANT).pop().unwrap();
    assert_eq!(asked.paths, ["/about/", "/about/index.html"]);
    assert_eq!(world.sandbox.invalidations(MULTI).len(), 0);
    let told = |operation: &str, id: &str| (operation.to_owned(), id.to_owned());
    assert_eq!(
        of_cloudfront(&world),
        [
            told("GetDistributionTenant", TENANT),
            told("GetDistributionConfig", MULTI),
            told("CreateInvalidationForDistributionTenant", TENANT),
            told("GetInvalidationForDistributionTenant", TENANT),
        ]
    );
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((report.outcome, world.sandbox.requests().len()), (Outcome::Unchanged, 1));
}

/// What the tenant does not say, its distribution says; and what nobody says may be anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_the_tenant_does_not_give_has_a_default_or_is_not_known() {
    let world = behind_a_tenant().await;
    let of_all = |default: Option<&str>| {
        let parameters = vec![("site".to_owned(), default.map(str::to_owned))];
        Distribution { id: MULTI.to_owned(), origin_path: "/{{site}}".to_owned(), parameters, ..distribution() }
    };
    world.sandbox.set_distribution(of_all(Some("live")));
    let tenant_of = Some((MULTI.to_owned(), Vec::new()));
    world.sandbox.set_distribution(Distribution { id: TENANT.to_owned(), tenant_of, ..distribution() });
    let report = world.published().await;
    assert_eq!(report.warnings, [""; 0]);
    assert_eq!(world.head().distributions[TENANT].facts.origin_path, "/live");

    world.sandbox.set_distribution(of_all(None));
    for told in [1, 0] {
        world.append("contact.html", "<!-- changed -->");
        let report = world.published().await;
        let warnings = report.warnings.iter().filter(|warning| warning.contains("{{site}}"));
        assert_eq!(warnings.count(), told, "{report:#?}");
        let asked = world.sandbox.invalidations(TENANT).pop().unwrap().paths;
        for path in ["/contact", "/contact.html", "/live/contact", "/live/contact.html"] {
            assert!(asked.iter().any(|asked| asked == path), "{asked:?}");
        }
    }
}

/// A tenant stands beside distributions, and what it does not take stays owed.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_may_be_one_of_several() {
    let mut world = behind_a_tenant().await;
    world.sandbox.set_distribution(Distribution { id: "EWWW".to_owned(), ..distribution() });
    world.environment.distribution = Some("EWWW".to_owned());
    world.environment.further_distributions = vec![TENANT.to_owned()];
    world.environment.invalidation.wait = Wait::None;
    world.published().await;
    world.append("about/index.html", "<!-- changed -->");
    world.refuse("CreateInvalidationForDistributionTenant", TENANT, 403, "AccessDenied");
    let report = world.publish().await;
    assert_eq!(report.exit_code, 3, "{report:#?}");
    let told = |text: &str| report.warnings.iter().any(|warning| warning.contains(text));
    assert!(told(TENANT), "{report:#?}");
    world.sandbox.clear_faults();
    world.published().await;
    let last = |id: &str| world.sandbox.invalidations(id).pop().unwrap().paths;
    assert_eq!(last(TENANT), last("EWWW"));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_not_there_is_said_so() {
    let mut world = behind_a_tenant().await;
    world.environment.distribution = Some("dt_none".to_owned());
    let report = world.publish().await;
    let error = report.error.unwrap();
    assert_eq!(error.code, "no_such_distribution", "{error:#?}");
    assert!(error.message.contains("dt_none"), "{error:#?}");
}

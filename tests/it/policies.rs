//! The policies in config/iam/ against what the request log shows: each allows what its holder does, and little else.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use publish::config::environment::Environment;
use publish::release::cache_tags::HEADER;
use publish::release::layout::Layout;
use publish::release::manifest::ReleaseNumber;
use publish::release::retention::RetentionSettings;
use publish::report::Outcome;
use publish::report::event::Events;
use publish::run::{self, DiffRequest, PromoteRequest, Reply, ShowRequest, Side};
use publish::sandbox::{Caching, Distribution, LoggedRequest, Service};
use publish::site::snapshot::MULTIPART_BYTES;
use publish::views::releases::ReleaseFilter;
use serde_json::Value;

use crate::tenants::{MULTI, TENANT, behind_a_tenant};
use crate::verify::verify;
use crate::world::{self, BUCKET, DISTRIBUTION, World};

/// An action on a resource; of a listing, with its prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    action: &'static str,
    resource: String,
    prefix: Option<String>,
}

/// A policy for the bucket, prefix and distribution of the tests.
struct Policy(Vec<Value>);

impl Policy {
    fn read(name: &str) -> Policy {
        Policy::filled_in(name, |text| text.replace("EXAMPLE-BUCKET", BUCKET).replace("EXAMPLE-PREFIX", "live"))
    }

    fn filled_in(name: &str, fill_in: impl Fn(&str) -> String) -> Policy {
        let path = format!("{}/config/iam/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = fill_in(&std::fs::read_to_string(path).unwrap());
        let text = text.replace("EXAMPLE-DISTRIBUTION", DISTRIBUTION);
        let policy: Value = serde_json::from_str(&text).unwrap();
        let statements = policy["Statement"].as_array().unwrap().clone();
        assert!(statements.iter().all(|statement| statement["Effect"] == "Allow"));
        Policy(statements)
    }

    fn actions(&self) -> BTreeSet<&str> {
        self.0.iter().flat_map(|statement| texts(&statement["Action"])).collect()
    }

    fn allows(&self, need: &Need) -> bool {
        self.0.iter().any(|statement| {
            let prefixes = &statement["Condition"]["StringLikeIfExists"]["s3:prefix"];
            let prefix_fits = match (&need.prefix, prefixes) {
                (Some(prefix), Value::Array(_) | Value::String(_)) => {
                    texts(prefixes).iter().any(|pattern| is_like(prefix, pattern))
                }
                _ => true,
            };
            texts(&statement["Action"]).contains(&need.action)
                && texts(&statement["Resource"]).iter().any(|pattern| is_like(&need.resource, pattern))
                && prefix_fits
        })
    }
}

/// A text or a list of texts.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Matches a pattern of which only the end may be a star, as in all of ours.
fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => text == pattern,
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// What a request needs, by the lists of actions of S3 and CloudFront in AWS's Service Authorization Reference.
fn needs(request: &LoggedRequest) -> Vec<Need> {
    let bucket = format!("arn:aws:s3:::{}", request.bucket);
    let need = |action, resource: String| Need { action, resource, prefix: None };
    let object = format!("{bucket}/{}", request.key);
    let distribution = format!("arn:aws:cloudfront::123456789012:distribution/{}", request.key);
    let tenant = format!("arn:aws:cloudfront::123456789012:distribution-tenant/{}", request.key);
    match request.operation.as_str() {
        // Without s3:ListBucket, what is missing cannot be told from what is forbidden (AWS.md 4.6).
        "GetObject" | "HeadObject" => vec![need("s3:GetObject", object), need("s3:ListBucket", bucket)],
        "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
            vec![need("s3:PutObject", object)]
        }
        "AbortMultipartUpload" => vec![need("s3:AbortMultipartUpload", object)],
        "CopyObject" => {
            let source = decoded(&request.headers["x-amz-copy-source"]);
            vec![need("s3:PutObject", object), need("s3:GetObject", format!("arn:aws:s3:::{source}"))]
        }
        "ListObjectsV2" => {
            let prefix = request.query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).unwrap();
            vec![Need { action: "s3:ListBucket", resource: bucket, prefix: Some(decoded(prefix)) }]
        }
        "DeleteObjects" => ["live/contact.html", "_publish/live/releases/1/manifest.json.gz"]
            .map(|key| need("s3:DeleteObject", format!("{bucket}/{key}")))
            .into(),
        "CreateInvalidation" => vec![need("cloudfront:CreateInvalidation", distribution)],
        "GetInvalidation" => vec![need("cloudfront:GetInvalidation", distribution)],
        "GetCachePolicy" => {
            let policy = format!("arn:aws:cloudfront::123456789012:cache-policy/{}", request.key);
            vec![need("cloudfront:GetCachePolicy", policy)]
        }
        "CreateInvalidationForDistributionTenant" => {
            vec![need("cloudfront:CreateInvalidationForDistributionTenant", tenant)]
        }
        "GetInvalidationForDistributionTenant" => vec![need("cloudfront:GetInvalidationForDistributionTenant", tenant)],
        "GetDistributionTenant" => vec![need("cloudfront:GetDistributionTenant", tenant)],
        "GetDistribution" => vec![need("cloudfront:GetDistribution", distribution)],
        "GetDistributionConfig" => vec![need("cloudfront:GetDistributionConfig", distribution)],
        other => panic!("{other} needs a right that this test does not know"),
    }
}

fn needed(world: &World) -> BTreeSet<Need> {
    let requests = world.sandbox.requests();
    requests.iter().filter(|request| request.service != Service::Site).flat_map(needs).collect()
}

/// Publishes all that there is to publish: from nothing, over a release, with a large file, and a refresh that is owed.
/// Then prunes.
async fn publish_everything() -> World {
    let mut world = World::with_fixture("v1").await;
    let caching = Caching { policy: Some("of-this-account".to_owned()), ..Caching::default() };
    let cache_tag_header = Some(HEADER.to_owned());
    world.sandbox.set_distribution(Distribution { caching, cache_tag_header, ..world::distribution() });
    world.published().await;
    world.use_fixture("v2");
    world.write("large.bin", vec![7; usize::try_from(MULTIPART_BYTES).unwrap()]);
    world.refuse("GetInvalidation", "", 403, "AccessDenied");
    let mut request = world.request();
    request.environment.invalidation.wait = publish::config::environment::Wait::Completed;
    assert_eq!(crate::world::publish(request).await.exit_code, 3);
    world.sandbox.clear_faults();
    world.published().await;
    world.published().await;
    world.sandbox.remove_object(BUCKET, "live/about/index.html");
    assert_eq!(verify(&world, (true, true)).await.0.exit_code, 0);
    world.use_fixture("v1");
    world.published().await;
    world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
    world.sandbox.advance_clock(std::time::Duration::from_secs(60));
    assert_eq!(world.prune(&[]).await.outcome, Outcome::Pruned);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_needs_no_right_to_delete_and_a_release_manager_has_it() {
    let world = publish_everything().await;
    let needed = needed(&world);
    let (publisher, manager) = (Policy::read("publisher"), Policy::read("release-manager"));
    assert!(needed.iter().any(|need| need.action == "s3:DeleteObject"));
    for need in &needed {
        assert!(manager.allows(need), "{need:?}");
        assert_eq!(publisher.allows(need), need.action != "s3:DeleteObject", "{need:?}");
    }

    // Nothing is allowed that nobody needs; parts are only given back when an upload fails.
    let used: BTreeSet<&str> = needed.iter().map(|need| need.action).chain(["s3:AbortMultipartUpload"]).collect();
    assert_eq!(manager.actions(), used);
    assert!(!publisher.actions().contains("s3:DeleteObject"));
    assert!(publisher.actions().is_subset(&used));

    // Neither reaches beyond its site.
    for key in ["other/index.html", "_publish/other/head.json", "index.html"] {
        for action in ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] {
            let need = Need { action, resource: format!("arn:aws:s3:::{BUCKET}/{key}"), prefix: None };
            assert!(!manager.allows(&need) && !publisher.allows(&need), "{need:?}");
        }
    }
}

/// Where several distributions are named, each stands in the lists of resources; a tenant has a policy of its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_policies_can_be_filled_in_for_several_distributions_and_for_a_tenant() {
    let mut world = behind_a_tenant().await;
    for id in ["E1", "E2"] {
        world.sandbox.set_distribution(Distribution { id: id.to_owned(), ..world::distribution() });
    }
    world.environment.distribution = Some("E1".to_owned());
    world.environment.further_distributions = vec!["E2".to_owned(), TENANT.to_owned()];
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    let arn = |id: &str| format!("\"arn:aws:cloudfront::123456789012:distribution/{id}\"");
    let several = |name: &str| {
        Policy::filled_in(name, |text| {
            let text = text.replace("EXAMPLE-BUCKET", BUCKET).replace("EXAMPLE-PREFIX", "live");
            text.replace(&arn("EXAMPLE-DISTRIBUTION"), &[arn("E1"), arn("E2")].join(", "))
        })
    };
    let of_tenant = Policy::filled_in("tenant", |text| {
        text.replace("EXAMPLE-TENANT", TENANT).replace("EXAMPLE-DISTRIBUTION", MULTI)
    });
    let needed: Vec<Need> = needed(&world).into_iter().filter(|need| need.action != "s3:DeleteObject").collect();
    for need in &needed {
        assert!(several("publisher").allows(need) || of_tenant.allows(need), "{need:?}");
    }
    let used: BTreeSet<&str> = needed.iter().map(|need| need.action).collect();
    assert!(of_tenant.actions().is_subset(&used), "{used:?}");
    let is_of_tenant = |need: &&Need| need.resource.contains(TENANT) || need.resource.contains(MULTI);
    assert!(needed.iter().filter(is_of_tenant).all(|need| !several("publisher").allows(need)));
}

/// Of the environment that a release comes from nothing is needed but to read it, by copies and through this machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_promoter_only_reads_where_the_release_comes_from() {
    let source = Policy::read("promotion-source");
    for copies_are_refused in [false, true] {
        let world = World::with_fixture("v1").await;
        world.published().await;
        let layout = Layout::new("shop", BUCKET, "elsewhere", None, None);
        let name = "production".to_owned();
        let environment = Environment { name, layout, distribution: None, url: None, ..world.environment.clone() };
        let from = world.environment.clone();
        if copies_are_refused {
            world.refuse("CopyObject", "_publish/elsewhere/blobs/", 403, "AccessDenied");
        }
        world.sandbox.clear_requests();
        let caller = crate::world::caller();
        let (release, reason, adopt, overwrite, force) = (None, None, false, false, false);
        let request = PromoteRequest { environment, caller, from, release, adopt, overwrite, force, reason };
        let report = run::promote(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
        let there = format!("arn:aws:s3:::{BUCKET}");
        let needed: Vec<Need> = needed(&world)
            .into_iter()
            .filter(|need| {
                !need.resource.contains("elsewhere")
                    && need.prefix.as_ref().is_none_or(|prefix| prefix.contains("live"))
            })
            .collect();
        assert!(needed.iter().any(|need| need.resource.starts_with(&format!("{there}/live/"))));
        for need in &needed {
            assert!(source.allows(need), "{need:?}");
        }
    }
    assert_eq!(source.actions(), BTreeSet::from(["s3:GetObject", "s3:ListBucket"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_may_see_status_and_releases_and_nothing_more() {
    let world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(u32::MAX);
    world.published().await;
    world.append("about/index.html", "<!-- changed -->");
    world.published().await;
    world.sandbox.clear_requests();
    assert_eq!(world.status().await.sent_refreshes[0].completed, Some(false));
    let (environment, events) = (|| world.environment.clone(), Events::new(&|_| {}));
    run::releases(environment(), world::caller(), &ReleaseFilter::default(), events).await;
    run::show(ShowRequest { environment: environment(), caller: world::caller(), release: None }, events).await;
    let (from, to) = (ReleaseNumber::new(1), Side::Folder(world.folder.clone()));
    run::diff(DiffRequest { environment: environment(), caller: world::caller(), from, to }, events).await;
    let viewer = Policy::read("viewer");
    for need in needed(&world) {
        assert!(viewer.allows(&need), "{need:?}");
    }
    assert_eq!(viewer.actions(), BTreeSet::from(["cloudfront:GetInvalidation", "s3:GetObject", "s3:ListBucket"]));
    let live = format!("arn:aws:s3:::{BUCKET}/live/index.html");
    assert!(!viewer.allows(&Need { action: "s3:GetObject", resource: live, prefix: None }));
}

/// What a pull request's run needs, also where nothing was ever published.
#[tokio::test(flavor = "multi_thread")]
async fn a_planner_may_plan_and_write_nothing() {
    let world = World::with_fixture("v1").await;
    let caching = Caching { policy: Some("of-this-account".to_owned()), ..Caching::default() };
    world.sandbox.set_distribution(Distribution { caching, ..world::distribution() });
    world.plan().await;
    let first = needed(&world);
    world.published().await;
    world.use_fixture("v2");
    world.sandbox.clear_requests();
    assert_eq!(world.plan().await.0.exit_code, 10);
    world.status().await;
    let planner = Policy::read("planner");
    for need in first.iter().chain(&needed(&world)) {
        assert!(planner.allows(need), "{need:?}");
    }
    let (viewer, publisher) = (Policy::read("viewer"), Policy::read("publisher"));
    assert!(viewer.actions().is_subset(&planner.actions()) && planner.actions().is_subset(&publisher.actions()));
    let writes =
        |action: &&str| !["Get", "List"].iter().any(|verb| action.split_once(':').unwrap().1.starts_with(verb));
    assert_eq!(planner.actions().iter().find(|action| writes(action)), None);
}

/// A policy as docs/permissions.md has it filled in: without a prefix its slash goes too, and what is the state's is in a bucket of
/// its own where there is one.
fn filled_in(name: &str, layout: &Layout) -> Policy {
    let prefix = &layout.identity().prefix;
    let mut policy = Policy::filled_in(name, |text| {
        text.replace("EXAMPLE-PREFIX/", prefix).replace("EXAMPLE-DISTRIBUTION", DISTRIBUTION)
    });
    for statement in &mut policy.0 {
        let is_of_state = statement["Sid"].as_str().unwrap().contains("State");
        let bucket = if is_of_state { &layout.state_prefix().bucket } else { &layout.identity().bucket };
        *statement = serde_json::from_str(&statement.to_string().replace("EXAMPLE-BUCKET", bucket)).unwrap();
    }
    policy
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policies_can_be_filled_in_without_a_prefix_and_for_a_bucket_of_the_state() {
    for (prefix, state_bucket) in [("", None), ("", Some("other")), ("live", Some("other"))] {
        let mut world = World::with_fixture("v1").await;
        world.environment.layout = Layout::new("shop", BUCKET, prefix, state_bucket, None);
        world.environment.url = None;
        world.environment.distribution = None;
        world.published().await;
        world.use_fixture("v2");
        world.published().await;
        assert_eq!(world.rollback(Some(1)).await.exit_code, 0);
        world.environment.retention = RetentionSettings { releases: 0, days: 0, prune: false };
        world.use_fixture("v2");
        world.published().await;
        world.sandbox.advance_clock(std::time::Duration::from_secs(60));
        assert_eq!(world.prune(&[]).await.outcome, Outcome::Pruned);
        let layout = &world.environment.layout;
        let (publisher, manager) = (filled_in("publisher", layout), filled_in("release-manager", layout));
        // The log does not hold which keys were removed.
        let needed: Vec<Need> = needed(&world).into_iter().filter(|need| need.action != "s3:DeleteObject").collect();
        assert!(needed.iter().any(|need| need.action == "s3:ListBucket" && need.prefix.is_some()));
        for need in &needed {
            assert!(publisher.allows(need) && manager.allows(need), "{prefix:?} {state_bucket:?}: {need:?}");
        }
        for key in world.objects().into_keys() {
            let need =
                Need { action: "s3:DeleteObject", resource: format!("arn:aws:s3:::{BUCKET}/{key}"), prefix: None };
            assert!(manager.allows(&need) && !publisher.allows(&need), "{need:?}");
        }

        world.sandbox.clear_requests();
        world.status().await;
        run::releases(world.environment.clone(), world::caller(), &ReleaseFilter::default(), Events::new(&|_| {}))
            .await;
        let viewer = filled_in("viewer", layout);
        for need in self::needed(&world) {
            assert!(viewer.allows(&need), "{prefix:?} {state_bucket:?}: {need:?}");
        }
    }
}

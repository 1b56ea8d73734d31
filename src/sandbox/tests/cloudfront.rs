//! The CloudFront API.

use std::time::Duration;

use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};

use super::{cloudfront, refusal, start};
use crate::sandbox::{Behavior, Caching, CustomError, Distribution, IndexPages, Service};

const ID: &str = "E1SANDBOX";

fn batch(reference: &str, paths: &[&str], quantity: usize) -> InvalidationBatch {
    let items: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let quantity = i32::try_from(quantity).expect("a small number");
    let paths = Paths::builder().quantity(quantity).set_items(Some(items)).build().expect("paths");
    InvalidationBatch::builder().paths(paths).caller_reference(reference).build().expect("a batch")
}

#[tokio::test]
async fn an_invalidation_completes_after_a_poll() {
    let sandbox = start().await;
    let client = cloudfront(&sandbox);
    let paths = ["/index.html", "/a%20b", "/x*"];
    let create = || client.create_invalidation().distribution_id(ID);
    let created = create().invalidation_batch(batch("r1", &paths, 3)).send().await.expect("created");
    assert!(created.location().is_some_and(|location| location.contains("/invalidation/I")));
    let id = created.invalidation.expect("an invalidation").id;
    let poll = || client.get_invalidation().distribution_id(ID).id(&id);
    let status = |polled: aws_sdk_cloudfront::operation::get_invalidation::GetInvalidationOutput| {
        polled.invalidation.expect("an invalidation").status
    };
    assert_eq!(status(poll().send().await.expect("polled")), "InProgress");
    assert_eq!(status(poll().send().await.expect("polled")), "Completed");

    let again = create().invalidation_batch(batch("r1", &["/x*", "/index.html", "/a%20b"], 3)).send().await;
    assert_eq!(again.expect("the same one").invalidation.expect("an invalidation").id, id);
    let other = create().invalidation_batch(batch("r1", &["/other"], 1)).send().await;
    assert_eq!(refusal(other), (400, "InvalidationBatchAlreadyExists".into()));

    let listed = client.list_invalidations().distribution_id(ID).send().await.expect("listed");
    assert_eq!(listed.invalidation_list.expect("a list").items().len(), 1);
    let stored = sandbox.invalidations(ID);
    assert_eq!(stored[0].paths, paths);
    assert_eq!((stored.len(), stored[0].status), (1, "Completed"));
    let log = sandbox.requests();
    assert_eq!(
        (log[0].service, log[0].operation.as_str(), log[0].key.as_str()),
        (Service::CloudFront, "CreateInvalidation", ID)
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn bad_batches_are_refused() {
    let sandbox = start().await;
    let client = cloudfront(&sandbox);
    let create = |batch| client.create_invalidation().distribution_id(ID).invalidation_batch(batch).send();
    assert_eq!(refusal(create(batch("r", &["/a"], 2)).await), (400, "InconsistentQuantities".into()));
    assert_eq!(refusal(create(batch("r", &["a"], 1)).await), (400, "InvalidArgument".into()));
    assert_eq!(refusal(create(batch("r", &["/é"], 1)).await), (400, "InvalidArgument".into()));
    let other = client.create_invalidation().distribution_id("E2").invalidation_batch(batch("r", &["/a"], 1));
    assert_eq!(refusal(other.send().await), (404, "NoSuchDistribution".into()));
    assert!(sandbox.invalidations(ID).is_empty());
    sandbox.stop().await;
}

#[tokio::test]
async fn too_many_in_progress_are_refused() {
    let sandbox = start().await;
    let client = cloudfront(&sandbox);
    let create = |reference: &str, paths: &[&str]| {
        let batch = batch(reference, paths, paths.len());
        client.create_invalidation().distribution_id(ID).invalidation_batch(batch).send()
    };
    create("wild", &["/a*"; 15]).await.expect("as many as allowed");
    let too_many = (400, "TooManyInvalidationsInProgress".to_owned());
    assert_eq!(refusal(create("more", &["/b*"]).await), too_many);
    create("files", &["/a"; 3_000]).await.expect("files are counted apart");
    assert_eq!(refusal(create("more", &["/b"]).await), too_many);
    sandbox.advance_clock(Duration::from_secs(60));
    create("more", &["/b*"]).await.expect("the others are complete by now");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_distribution_shows_its_configuration() {
    let sandbox = start().await;
    sandbox.set_distribution(Distribution {
        id: ID.to_owned(),
        bucket: "sandbox".to_owned(),
        origin_path: "/live".to_owned(),
        default_root_object: Some("index.html".to_owned()),
        custom_errors: vec![CustomError {
            error_code: 403,
            response_page_path: Some("/404.html".to_owned()),
            response_code: Some(404),
            error_caching_min_ttl: Duration::from_secs(10),
        }],
        ..Distribution::default()
    });
    let client = cloudfront(&sandbox);
    let shown = client.get_distribution_config().id(ID).send().await.expect("the configuration");
    assert!(shown.e_tag().is_some());
    let config = shown.distribution_config.expect("the configuration");
    assert_eq!(config.default_root_object(), Some("index.html"));
    let origin = &config.origins().expect("origins").items()[0];
    assert_eq!((origin.origin_path(), origin.domain_name()), (Some("/live"), "sandbox.s3.us-east-1.amazonaws.com"));
    let behavior = config.default_cache_behavior().expect("a behavior");
    assert_eq!(behavior.cache_policy_id(), Some("658327ea-f89d-4fab-a63d-7e88639e58f6"));
    assert_eq!(behavior.function_associations().map(|all| all.quantity()), Some(1));
    let error = &config.custom_error_responses().expect("errors").items()[0];
    assert_eq!(
        (error.error_code(), error.response_code(), error.response_page_path()),
        (403, Some("404"), Some("/404.html"))
    );
    let whole = client.get_distribution().id(ID).send().await.expect("the distribution");
    assert_eq!(whole.distribution().expect("the distribution").status(), "Deployed");
    sandbox.stop().await;
}

/// The legacy form of a distribution's settings, and a function at the origin.
#[tokio::test]
async fn an_older_distribution_shows_its_own_times() {
    let sandbox = start().await;
    let caching = Caching { policy: None, query_strings: true, min_ttl: Duration::from_secs(5), ..Caching::default() };
    let index_pages = IndexPages::LambdaAtOrigin;
    sandbox.set_distribution(Distribution { caching, index_pages, ..Distribution::default() });
    let shown = cloudfront(&sandbox).get_distribution_config().id(ID).send().await.expect("the configuration");
    let config = shown.distribution_config.expect("the configuration");
    let behavior = config.default_cache_behavior.expect("a behavior");
    assert_eq!(behavior.cache_policy_id(), None);
    #[expect(deprecated, reason = "the older form is meant")]
    let older = (behavior.forwarded_values.map(|values| values.query_string), behavior.min_ttl, behavior.default_ttl);
    assert_eq!(older, (Some(true), Some(5), Some(86_400)));
    assert_eq!(behavior.function_associations.map(|all| all.quantity), Some(0));
    let functions = behavior.lambda_function_associations.expect("functions").items.expect("one");
    assert_eq!(functions[0].event_type.as_str(), "origin-request");
    sandbox.stop().await;
}

/// The API returns what the edge follows: policies under their ids, and behaviors in their order.
#[tokio::test]
async fn a_distribution_shows_its_behaviors_and_their_policies() {
    let sandbox = start().await;
    let own = Caching {
        policy: Some("of-this-account".to_owned()),
        min_ttl: Duration::from_secs(5),
        query_strings: true,
        brotli: false,
        ..Caching::default()
    };
    let behavior =
        |pattern: &str, is_site, caching| Behavior { pattern: pattern.to_owned(), is_site, origin_path: None, caching };
    sandbox.set_distribution(Distribution {
        behaviors: vec![behavior("/blog/*", true, own), behavior("/api/*", false, Caching::disabled())],
        index_pages: IndexPages::LambdaAtViewer,
        ..Distribution::default()
    });
    let client = cloudfront(&sandbox);
    let shown = client.get_distribution_config().id(ID).send().await.expect("the configuration");
    let config = shown.distribution_config.expect("the configuration");
    let behaviors = config.cache_behaviors().expect("behaviors").items();
    let told: Vec<_> = behaviors
        .iter()
        .map(|one| (one.path_pattern(), one.target_origin_id(), one.cache_policy_id().expect("a policy")))
        .collect();
    let disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
    assert_eq!(told, [("/blog/*", "sandbox", "of-this-account"), ("/api/*", "elsewhere", disabled)]);
    let functions = config.default_cache_behavior().and_then(|behavior| behavior.lambda_function_associations());
    assert_eq!(functions.expect("functions").items()[0].event_type.as_str(), "viewer-request");

    let policy = client.get_cache_policy().id("of-this-account").send().await.expect("the policy");
    let policy = policy.cache_policy.and_then(|policy| policy.cache_policy_config).expect("the policy");
    assert_eq!((policy.min_ttl, policy.default_ttl, policy.max_ttl), (5, Some(86_400), Some(31_536_000)));
    let key = policy.parameters_in_cache_key_and_forwarded_to_origin.expect("a key");
    assert_eq!((key.enable_accept_encoding_gzip, key.enable_accept_encoding_brotli), (true, Some(false)));
    assert_eq!(key.query_strings_config.expect("queries").query_string_behavior.as_str(), "all");
    assert_eq!(refusal(client.get_cache_policy().id("none").send().await), (404, "NoSuchCachePolicy".into()));
    sandbox.stop().await;
}

#[tokio::test]
async fn signatures_are_verified() {
    let sandbox = start().await;
    let config = cloudfront(&sandbox).config().to_builder();
    let other = aws_sdk_s3::config::Credentials::new(&sandbox.keys().access_key_id, "wrong", None, None, "test");
    let client = aws_sdk_cloudfront::Client::from_conf(config.credentials_provider(other).build());
    let result = client.get_distribution().id(ID).send().await;
    assert_eq!(refusal(result), (403, "SignatureDoesNotMatch".into()));
    let unsigned = client.list_invalidations().distribution_id(ID).marker("a b/~*").max_items(3);
    assert_eq!(refusal(unsigned.send().await).0, 403);
    let sound = cloudfront(&sandbox).list_invalidations().distribution_id(ID).marker("a b/~*").max_items(3);
    sound.send().await.expect("odd characters in a query are signed alike");
    sandbox.stop().await;
}

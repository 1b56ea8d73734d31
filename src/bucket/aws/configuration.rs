//! What a distribution's configuration, and the cache policies that it names, mean for a site.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudfront::types::{
    CacheBehavior, CachePolicyConfig, CachePolicyQueryStringBehavior, DefaultCacheBehavior, DistributionConfig,
    EventType, ForwardedValues, FunctionAssociation, LambdaFunctionAssociations, Origin,
};

use crate::content::path::UrlPath;
use crate::release::cache_tags;
use crate::release::head::{Behavior, Caching, DistributionFacts, ERRORS_LAST_S};

/// CloudFront's own cache policies, by their ids (AWS.md 2.5): Minimum TTL, whether anything is kept, and whether query
/// strings are told apart.
const MANAGED: [(&str, Keeping); 5] = [
    // CachingOptimized, and the same for objects that are not compressed.
    ("658327ea-f89d-4fab-a63d-7e88639e58f6", Keeping { least_s: 1, keeps: true, queries: false }),
    ("b2884449-e4de-46a7-ac36-70bc7f1ddd6d", Keeping { least_s: 1, keeps: true, queries: false }),
    // CachingDisabled.
    ("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", Keeping { least_s: 0, keeps: false, queries: false }),
    // UseOriginCacheControlHeaders, and the same with query strings.
    ("83da9c7e-98b4-4e11-a168-04f0df8e2c65", Keeping { least_s: 0, keeps: true, queries: false }),
    ("4cc15a8a-d715-48a4-82b8-cc0b614638fe", Keeping { least_s: 0, keeps: true, queries: true }),
];

/// What is taken for granted of a policy that may not be read.
const UNREAD: Keeping = Keeping { least_s: 0, keeps: true, queries: true };

/// How one cache behavior keeps answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keeping {
    least_s: u64,
    keeps: bool,
    queries: bool,
}

impl Keeping {
    /// As a cache policy says it. Without a Maximum TTL it is a year.
    pub(super) fn of_policy(policy: &CachePolicyConfig) -> Keeping {
        let parameters = policy.parameters_in_cache_key_and_forwarded_to_origin();
        let queries = parameters.and_then(|parameters| parameters.query_strings_config());
        let queries = queries.map(|queries| queries.query_string_behavior());
        Keeping {
            least_s: seconds(policy.min_ttl()),
            keeps: policy.max_ttl().is_none_or(|most| most > 0),
            queries: queries.is_some_and(|behavior| *behavior != CachePolicyQueryStringBehavior::None),
        }
    }

    /// As settings say it that are older than policies.
    fn of_settings(least: Option<i64>, most: Option<i64>, forwarded: Option<&ForwardedValues>) -> Keeping {
        Keeping {
            least_s: seconds(least.unwrap_or(0)),
            keeps: most.is_none_or(|most| most > 0),
            queries: forwarded.is_some_and(|forwarded| forwarded.query_string()),
        }
    }
}

fn seconds(ttl: i64) -> u64 {
    u64::try_from(ttl).unwrap_or(0)
}

/// What the cache policies say that are not CloudFront's own, by their ids; `None` for one that may not be read.
pub(super) type Policies = BTreeMap<String, Option<Keeping>>;

/// The cache policies that a configuration names and that have to be read.
pub(super) fn policies_to_read(config: &DistributionConfig) -> BTreeSet<&str> {
    let named = behaviors(config).into_iter().filter_map(|behavior| behavior.policy);
    named.filter(|id| MANAGED.iter().all(|(managed, _)| managed != id)).collect()
}

/// A cache behavior, the default one or another.
struct Read<'c> {
    pattern: &'c str,
    target: &'c str,
    policy: Option<&'c str>,
    settings: Keeping,
    lambdas: Option<&'c LambdaFunctionAssociations>,
    functions: &'c [FunctionAssociation],
}

impl<'c> Read<'c> {
    #[expect(deprecated, reason = "distributions that have them go on with them")]
    fn default(behavior: &'c DefaultCacheBehavior) -> Read<'c> {
        Read {
            pattern: "*",
            target: behavior.target_origin_id(),
            policy: behavior.cache_policy_id(),
            settings: Keeping::of_settings(behavior.min_ttl(), behavior.max_ttl(), behavior.forwarded_values()),
            lambdas: behavior.lambda_function_associations(),
            functions: behavior.function_associations().map(|functions| functions.items()).unwrap_or_default(),
        }
    }

    #[expect(deprecated, reason = "distributions that have them go on with them")]
    fn other(behavior: &'c CacheBehavior) -> Read<'c> {
        Read {
            pattern: behavior.path_pattern(),
            target: behavior.target_origin_id(),
            policy: behavior.cache_policy_id(),
            settings: Keeping::of_settings(behavior.min_ttl(), behavior.max_ttl(), behavior.forwarded_values()),
            lambdas: behavior.lambda_function_associations(),
            functions: behavior.function_associations().map(|functions| functions.items()).unwrap_or_default(),
        }
    }

    fn has(&self, wanted: &[EventType]) -> bool {
        let associated = self.lambdas.map(LambdaFunctionAssociations::items).unwrap_or_default();
        associated.iter().any(|function| wanted.contains(function.event_type()))
    }

    fn keeping(&self, policies: &Policies) -> Keeping {
        let Some(id) = self.policy else { return self.settings };
        let managed = MANAGED.iter().find(|(managed, _)| *managed == id).map(|(_, keeping)| *keeping);
        managed.or_else(|| policies.get(id).copied().flatten()).unwrap_or(UNREAD)
    }
}

/// In the order in which CloudFront tries them.
fn behaviors(config: &DistributionConfig) -> Vec<Read<'_>> {
    let others = config.cache_behaviors().map(|behaviors| behaviors.items()).unwrap_or_default();
    others.iter().map(Read::other).chain(config.default_cache_behavior().map(Read::default)).collect()
}

/// What a configuration says of a site in `bucket`.
pub(super) fn facts(config: &DistributionConfig, bucket: &str, policies: &Policies) -> DistributionFacts {
    let behaviors = behaviors(config);
    let origins = config.origins().map(|origins| origins.items()).unwrap_or_default();
    let origin =
        site_origin(origins, config.default_cache_behavior().map(|default| default.target_origin_id()), bucket);
    let root = config.default_root_object().unwrap_or_default().trim_start_matches('/');
    let responses = config.custom_error_responses().map(|responses| responses.items()).unwrap_or_default();
    let pages = responses.iter().filter_map(|response| response.response_page_path()).filter(|page| !page.is_empty());
    let rewriting = [EventType::OriginRequest, EventType::OriginResponse, EventType::ViewerRequest];
    let is_website = origin.is_some_and(|origin| origin.domain_name().contains(".s3-website"));
    DistributionFacts {
        readable: true,
        origin_path: origin_path(origin).to_owned(),
        default_root_object: (!root.is_empty()).then(|| root.to_owned()),
        error_pages: pages
            .map(|page| UrlPath::try_from(page.to_owned()).unwrap_or_else(|_| UrlPath::encode(page)))
            .collect(),
        rewrites_at_origin: is_website || behaviors.iter().any(|behavior| behavior.has(&rewriting)),
        caching: caching(config, bucket, &behaviors, (origins, origin), policies),
    }
}

/// Whether something else than a custom error page may answer for an address of the site that has no file: a function, a website
/// endpoint, or another origin.
pub(super) fn may_answer_missing(config: &DistributionConfig, bucket: &str) -> bool {
    let origins = config.origins().map(|origins| origins.items()).unwrap_or_default();
    let Some(default) = config.default_cache_behavior().map(Read::default) else { return true };
    let origin = site_origin(origins, Some(default.target), bucket);
    let is_elsewhere =
        origin.is_none_or(|origin| origin.id() != default.target || !is_bucket(origin.domain_name(), bucket));
    let is_rewritten = default.functions.iter().any(|function| *function.event_type() == EventType::ViewerRequest);
    is_elsewhere || is_rewritten || facts(config, bucket, &Policies::new()).rewrites_at_origin
}

/// Where the site's pages come from: the default behaviour's origin where that is the bucket; else another one that is.
fn site_origin<'c>(origins: &'c [Origin], default: Option<&str>, bucket: &str) -> Option<&'c Origin> {
    let by_default = origins.iter().find(|origin| Some(origin.id()) == default);
    let is_ours = |origin: &&Origin| is_bucket(origin.domain_name(), bucket);
    by_default.filter(is_ours).or_else(|| origins.iter().find(is_ours)).or(by_default)
}

fn origin_path(origin: Option<&Origin>) -> &str {
    origin.and_then(|origin| origin.origin_path()).unwrap_or_default().trim_end_matches('/')
}

fn caching(
    config: &DistributionConfig,
    bucket: &str,
    behaviors: &[Read<'_>],
    (origins, site): (&[Origin], Option<&Origin>),
    policies: &Policies,
) -> Caching {
    // A bucket has several names. What is no origin is a group of them, of which one may be the site's.
    let serves = |behavior: &Read<'_>| {
        let target = origins.iter().find(|origin| origin.id() == behavior.target);
        target.is_none_or(|target| {
            let is_same = site.is_some_and(|site| target.domain_name() == site.domain_name());
            (is_same || is_bucket(target.domain_name(), bucket)) && origin_path(Some(target)) == origin_path(site)
        })
    };
    let ours: Vec<&Read<'_>> = behaviors.iter().filter(|behavior| serves(behavior)).collect();
    let kept: Vec<Behavior> = behaviors
        .iter()
        .map(|behavior| {
            let keeping = behavior.keeping(policies);
            let keeps = keeping.keeps && serves(behavior);
            Behavior { pattern: behavior.pattern.to_owned(), keeps, queries: keeps && keeping.queries }
        })
        .collect();
    let responses = config.custom_error_responses().map(|responses| responses.items()).unwrap_or_default();
    let errors_s = responses.iter().filter_map(|response| response.error_caching_min_ttl()).map(seconds).max();
    let least_s = ours.iter().map(|behavior| behavior.keeping(policies).least_s).max().unwrap_or(0);
    let is_staging = config.staging().unwrap_or(false);
    let header = config.cache_tag_config().map(|tags| tags.header_name());
    let policy = config.continuous_deployment_policy_id().unwrap_or_default();
    Caching {
        errors_s: errors_s.unwrap_or(0).max(ERRORS_LAST_S),
        least_s: if least_s > 1 { least_s } else { 0 },
        behaviors: simplified(kept, behaviors.iter().any(|behavior| changes_addresses(behavior))),
        is_guessed: ours.iter().any(|behavior| behavior.policy.is_some_and(|id| policies.get(id) == Some(&None))),
        has_staging: !is_staging && !policy.is_empty(),
        has_tags: header.is_some_and(|name| name.eq_ignore_ascii_case(cache_tags::HEADER)),
    }
}

/// Whether the address that an answer is kept under may be another than the one by which its behavior is chosen.
fn changes_addresses(behavior: &Read<'_>) -> bool {
    !behavior.functions.is_empty() || behavior.has(&[EventType::ViewerRequest])
}

/// Behaviors as far as they differ from "all is kept, without query strings". Where functions change addresses on the way, no
/// address tells its behavior, so that one stands for all.
fn simplified(behaviors: Vec<Behavior>, addresses_change: bool) -> Vec<Behavior> {
    let (keeps, queries) =
        (behaviors.iter().any(|behavior| behavior.keeps), behaviors.iter().any(|behavior| behavior.queries));
    let is_usual = |behavior: &Behavior| behavior.keeps && !behavior.queries;
    match addresses_change {
        _ if behaviors.iter().all(is_usual) => Vec::new(),
        true if keeps && !queries => Vec::new(),
        true => vec![Behavior { pattern: "*".to_owned(), keeps, queries }],
        false => behaviors,
    }
}

/// Whether an origin is the bucket: `<bucket>.s3.<region>.amazonaws.com`, or one of the older or website forms.
fn is_bucket(domain: &str, bucket: &str) -> bool {
    let rest = domain.strip_prefix(bucket).and_then(|rest| rest.strip_prefix(".s3"));
    rest.is_some_and(|rest| rest.starts_with(['.', '-']))
}

/// The first alias that is a whole name: `*.example.com` stands for many names, and is none.
pub(super) fn alias(config: &DistributionConfig) -> Option<&str> {
    let aliases = config.aliases().map(|aliases| aliases.items()).unwrap_or_default();
    aliases.iter().map(String::as_str).find(|alias| !alias.contains('*'))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::types::{
        Aliases, CacheBehaviors, CookiePreference, CustomErrorResponse, CustomErrorResponses, ItemSelection,
        LambdaFunctionAssociation, Origins, ViewerProtocolPolicy,
    };

    use super::*;

    #[test]
    fn the_buckets_own_origin_is_known_by_its_name() {
        for domain in
            ["site.s3.eu-west-1.amazonaws.com", "site.s3.amazonaws.com", "site.s3-website-us-east-1.amazonaws.com"]
        {
            assert!(is_bucket(domain, "site"), "{domain}");
        }
        for domain in ["www-site.s3.amazonaws.com", "site.example.com", "site.s3x.example.com"] {
            assert!(!is_bucket(domain, "site"), "{domain}");
        }
    }

    #[test]
    fn paths_of_the_configuration_are_taken_without_needless_slashes() {
        let origin = |id: &str, domain: &str, path: &str| {
            Origin::builder().id(id).domain_name(domain).origin_path(path).build().unwrap()
        };
        let origins = Origins::builder()
            .quantity(2)
            .items(origin("api", "api.example.com", "/v1"))
            .items(origin("site", "site.s3.amazonaws.com", "/live/"))
            .build()
            .unwrap();
        let config = DistributionConfig::builder().caller_reference("1").comment("").enabled(true).origins(origins);
        let facts = facts(&config.default_root_object("/index.html").build().unwrap(), "site", &Policies::new());
        assert_eq!(facts.origin_path, "/live");
        assert_eq!(facts.default_root_object.as_deref(), Some("index.html"));
        assert!(facts.error_pages.is_empty() && !facts.rewrites_at_origin);
    }

    #[test]
    fn the_first_alias_that_is_a_name_is_the_address() {
        let of = |names: &[&str]| {
            let items = names.iter().map(|name| (*name).to_owned()).collect();
            let aliases = Aliases::builder().quantity(1).set_items(Some(items)).build().unwrap();
            let config = DistributionConfig::builder().caller_reference("1").comment("").enabled(true).aliases(aliases);
            alias(&config.build().unwrap()).map(str::to_owned)
        };
        assert_eq!(of(&["*.example.com", "www.example.com", "example.com"]).as_deref(), Some("www.example.com"));
        assert_eq!(of(&["*.example.com"]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn of_two_origins_that_are_the_bucket_the_default_behaviours_decides() {
        let origin_path = |target: &str| {
            let origin = |id: &str, domain: &str, path: &str| {
                Origin::builder().id(id).domain_name(domain).origin_path(path).build().unwrap()
            };
            let origins = Origins::builder()
                .quantity(3)
                .items(origin("downloads", "site.s3.amazonaws.com", "/downloads"))
                .items(origin("pages", "site.s3.eu-west-1.amazonaws.com", "/live"))
                .items(origin("api", "api.example.com", "/v1"))
                .build()
                .unwrap();
            let behavior = DefaultCacheBehavior::builder()
                .target_origin_id(target)
                .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
                .build()
                .unwrap();
            let config = DistributionConfig::builder().caller_reference("1").comment("").enabled(true);
            let config = config.origins(origins).default_cache_behavior(behavior).build().unwrap();
            facts(&config, "site", &Policies::new()).origin_path
        };
        assert_eq!(origin_path("pages"), "/live");
        assert_eq!(origin_path("downloads"), "/downloads");
        assert_eq!(origin_path("api"), "/downloads", "the default behaviour's is not the bucket");
    }

    /// A bucket has several names, and a console offers more than one.
    #[test]
    fn a_behavior_whose_origin_is_the_bucket_by_another_name_keeps_the_site_too() {
        let keeps = |domain: &str, path: &str| {
            let origin = |id: &str, domain: &str, path: &str| {
                Origin::builder().id(id).domain_name(domain).origin_path(path).build().unwrap()
            };
            let origins = Origins::builder()
                .quantity(2)
                .items(origin("pages", "site.s3.eu-west-1.amazonaws.com", "/live"))
                .items(origin("assets", domain, path));
            let redirect = ViewerProtocolPolicy::RedirectToHttps;
            let default =
                DefaultCacheBehavior::builder().target_origin_id("pages").viewer_protocol_policy(redirect.clone());
            let assets = CacheBehavior::builder().path_pattern("/assets/*").target_origin_id("assets");
            let assets = assets.viewer_protocol_policy(redirect).build().unwrap();
            let behaviors = CacheBehaviors::builder().quantity(1).items(assets).build().unwrap();
            let config = DistributionConfig::builder().caller_reference("1").comment("").enabled(true);
            let config = config.origins(origins.build().unwrap()).cache_behaviors(behaviors);
            let config = config.default_cache_behavior(default.build().unwrap()).build().unwrap();
            facts(&config, "site", &Policies::new()).caching.behaviors.iter().all(|behavior| behavior.keeps)
        };
        assert!(keeps("site.s3.amazonaws.com", "/live") && keeps("site.s3-website-eu-west-1.amazonaws.com", "/live/"));
        assert!(!keeps("site.s3.amazonaws.com", "/other") && !keeps("api.example.com", "/live"));
    }

    /// As AWS advises for a function at the viewer, where a CloudFront Function changes what answers are kept under.
    #[test]
    fn lambda_functions_hide_what_a_url_is_made_of() {
        let rewrites = |event: EventType| {
            let function = LambdaFunctionAssociation::builder()
                .lambda_function_arn("arn:aws:lambda:us-east-1:000000000000:function:f:1")
                .event_type(event);
            let functions = LambdaFunctionAssociations::builder().quantity(1).items(function.build().unwrap());
            let behavior = DefaultCacheBehavior::builder()
                .target_origin_id("site")
                .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
                .lambda_function_associations(functions.build().unwrap());
            let config = DistributionConfig::builder().caller_reference("1").comment("").enabled(true);
            let config = config.default_cache_behavior(behavior.build().unwrap()).build().unwrap();
            facts(&config, "site", &Policies::new()).rewrites_at_origin
        };
        assert!(rewrites(EventType::OriginRequest) && rewrites(EventType::OriginResponse));
        assert!(rewrites(EventType::ViewerRequest) && !rewrites(EventType::ViewerResponse));
    }

    /// Settings older than policies, in front of a website endpoint, with errors that are kept for long.
    #[test]
    #[expect(deprecated, reason = "distributions that have them go on with them")]
    fn settings_older_than_policies_are_read_as_policies_are() {
        let facts_with = |queries: bool, most: i64| {
            let cookies = CookiePreference::builder().forward(ItemSelection::None).build().unwrap();
            let forwarded = ForwardedValues::builder().query_string(queries).cookies(cookies).build().unwrap();
            let behavior = DefaultCacheBehavior::builder()
                .target_origin_id("site")
                .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
                .min_ttl(60)
                .max_ttl(most)
                .forwarded_values(forwarded);
            let origin = Origin::builder().id("site").domain_name("site.s3-website-us-east-1.amazonaws.com");
            let origins = Origins::builder().quantity(1).items(origin.build().unwrap()).build().unwrap();
            let error = CustomErrorResponse::builder().error_code(404).error_caching_min_ttl(300).build().unwrap();
            let errors = CustomErrorResponses::builder().quantity(1).items(error).build().unwrap();
            let config = DistributionConfig::builder().caller_reference("1").comment("").enabled(true).origins(origins);
            let config = config.default_cache_behavior(behavior.build().unwrap()).custom_error_responses(errors);
            facts(&config.build().unwrap(), "site", &Policies::new())
        };
        let usual = facts_with(false, 86_400);
        assert!(usual.rewrites_at_origin, "a website endpoint answers for short addresses");
        assert_eq!(usual.caching, Caching { errors_s: 300, least_s: 60, ..Caching::USUAL });
        assert_eq!(facts_with(true, 86_400).caching.behaviors, [behavior("*", true, true)]);
        assert_eq!(facts_with(true, 0).caching.behaviors, [behavior("*", false, false)]);
    }

    fn behavior(pattern: &str, keeps: bool, queries: bool) -> Behavior {
        Behavior { pattern: pattern.to_owned(), keeps, queries }
    }

    #[test]
    fn only_what_differs_from_the_usual_is_said_of_behaviors() {
        let usual = vec![behavior("/a/*", true, false), behavior("*", true, false)];
        assert_eq!(simplified(usual, false), []);
        let some = vec![behavior("/api/*", false, false), behavior("*", true, false)];
        assert_eq!(simplified(some.clone(), false), some);
        assert_eq!(simplified(some, true), [], "a function may make any address of another");
        let queries = vec![behavior("/s", true, true), behavior("*", false, false)];
        assert_eq!(simplified(queries, true), [behavior("*", true, true)]);
        assert_eq!(simplified(vec![behavior("*", false, false)], true), [behavior("*", false, false)]);
    }
}

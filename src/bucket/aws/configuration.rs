//! What a distribution's configuration, and the cache policies in it, mean for a site.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudfront::types::{
    CacheBehavior, CachePolicyConfig, CachePolicyQueryStringBehavior, DefaultCacheBehavior, DistributionConfig,
    EventType, ForwardedValues, FunctionAssociation, LambdaFunctionAssociations, Origin,
};

use crate::content::path::UrlPath;
use crate::release::cache_tags;
use crate::release::head::{Behavior, Caching, DistributionFacts, ERRORS_LAST_S, Reach, below};
use crate::release::layout::Address;

/// CloudFront's managed cache policies, by their ids (AWS.md 2.5): Minimum TTL, whether anything is cached, and whether query
/// strings are part of the cache key.
const MANAGED: [(&str, Keeping); 5] = [
    // CachingOptimized, and the same for uncompressed objects.
    ("658327ea-f89d-4fab-a63d-7e88639e58f6", Keeping { least_s: 1, keeps: true, queries: false }),
    ("b2884449-e4de-46a7-ac36-70bc7f1ddd6d", Keeping { least_s: 1, keeps: true, queries: false }),
    // CachingDisabled.
    ("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", Keeping { least_s: 0, keeps: false, queries: false }),
    // UseOriginCacheControlHeaders, and the same with query strings.
    ("83da9c7e-98b4-4e11-a168-04f0df8e2c65", Keeping { least_s: 0, keeps: true, queries: false }),
    ("4cc15a8a-d715-48a4-82b8-cc0b614638fe", Keeping { least_s: 0, keeps: true, queries: true }),
];

/// The assumption about a policy that may not be read.
const UNREAD: Keeping = Keeping { least_s: 0, keeps: true, queries: true };

/// How one cache behavior caches answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keeping {
    least_s: u64,
    keeps: bool,
    queries: bool,
}

impl Keeping {
    /// From a cache policy. Without a Maximum TTL it is a year.
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

    /// From legacy cache settings, which are older than policies.
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

/// The custom cache policies, by their ids; `None` for one that may not be read.
pub(super) type Policies = BTreeMap<String, Option<Keeping>>;

/// The cache policies of a configuration that have to be read.
pub(super) fn policies_to_read(config: &DistributionConfig) -> BTreeSet<&str> {
    let named = behaviors(config).into_iter().filter_map(|behavior| behavior.policy);
    named.filter(|id| MANAGED.iter().all(|(managed, _)| managed != id)).collect()
}

/// A cache behavior: the default one or another.
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

/// The settings of a configuration for the site with live files at `live`. If an origin contains a parameter without a value,
/// the site's place is unknown, and there are none.
pub(super) fn facts(config: &DistributionConfig, live: &Address, policies: &Policies) -> DistributionFacts {
    let behaviors = behaviors(config);
    let origins = Origins::of(config, &behaviors, live);
    let root = config.default_root_object().unwrap_or_default().trim_start_matches('/');
    let responses = config.custom_error_responses().map(|responses| responses.items()).unwrap_or_default();
    let pages = responses.iter().filter_map(|response| response.response_page_path()).filter(|page| !page.is_empty());
    let pages = pages.map(|page| UrlPath::try_from(page.to_owned()).unwrap_or_else(|_| UrlPath::encode(page)));
    let rewriting = [EventType::OriginRequest, EventType::OriginResponse, EventType::ViewerRequest];
    let is_website = origins.websites().next().is_some();
    DistributionFacts {
        readable: unresolved(config).is_none(),
        origin_path: origin_path(origins.site).to_owned(),
        default_root_object: (!root.is_empty()).then(|| root.to_owned()),
        error_pages: pages.chain(origins.error_documents()).collect(),
        rewrites_at_origin: is_website || behaviors.iter().any(|behavior| behavior.has(&rewriting)),
        caching: caching(config, &behaviors, &origins, policies),
    }
}

/// A tenant's parameter, as `{{name}}`, that an origin contains because it has no value.
pub(super) fn unresolved(config: &DistributionConfig) -> Option<&str> {
    let origins = config.origins().map(|origins| origins.items()).unwrap_or_default();
    let texts = origins.iter().flat_map(|origin| [origin.domain_name(), origin_path(Some(origin))]);
    texts.into_iter().find_map(|text| {
        let start = text.find("{{")?;
        let end = text[start..].find("}}").map_or(text.len(), |end| start + end + 2);
        Some(&text[start..end])
    })
}

/// Whether something other than a custom error page may answer for an address of the site that has no file: a function, a website
/// endpoint, or another origin.
pub(super) fn may_answer_missing(config: &DistributionConfig, live: &Address) -> bool {
    let Some(default) = config.default_cache_behavior().map(Read::default) else { return true };
    let origin = Origins::of(config, &behaviors(config), live).site;
    let is_elsewhere =
        origin.is_none_or(|origin| origin.id() != default.target || !is_bucket(origin.domain_name(), &live.bucket));
    let is_rewritten = default.functions.iter().any(|function| *function.event_type() == EventType::ViewerRequest);
    is_elsewhere || is_rewritten || facts(config, live, &Policies::new()).rewrites_at_origin
}

/// The origins of a distribution that matter to a site.
struct Origins<'c> {
    live: &'c Address,
    all: &'c [Origin],
    /// Where the site's pages come from.
    site: Option<&'c Origin>,
    /// Those that behaviors name, the default one's first. An unknown name is an origin group, which may contain the site's.
    used: Vec<&'c Origin>,
}

impl<'c> Origins<'c> {
    /// Of the origins that are the bucket, the site's is one that has all of its files rather than some, and the default
    /// behavior's rather than another's. If none is the bucket, it is the default behavior's.
    fn of(config: &'c DistributionConfig, behaviors: &[Read<'_>], live: &'c Address) -> Origins<'c> {
        let all = config.origins().map(|origins| origins.items()).unwrap_or_default();
        let named = |behavior: &Read<'_>| all.iter().find(|origin| origin.id() == behavior.target);
        // The default behavior is the last one.
        let named: Vec<Option<&Origin>> = behaviors.iter().rev().map(named).collect();
        let by_default = config.default_cache_behavior().and(named.first().copied().flatten());
        let used: Vec<&Origin> = match named.iter().all(Option::is_some) && !named.is_empty() {
            true => named.into_iter().flatten().collect(),
            false => by_default.into_iter().chain(all).collect(),
        };
        let mut origins = Origins { live, all, site: None, used };
        let with = |reach: Option<Reach>| {
            let mut ours = origins.used.iter().copied().filter(|origin| is_bucket(origin.domain_name(), &live.bucket));
            ours.find(|origin| reach.is_none_or(|reach| origins.reach(origin) == reach))
        };
        let site = with(Some(Reach::All)).or_else(|| with(Some(Reach::Some))).or_else(|| with(None));
        origins.site = site.or(by_default);
        origins
    }

    fn reach(&self, origin: &Origin) -> Reach {
        Reach::of(origin_path(Some(origin)), &self.live.key)
    }

    /// Whether an origin serves files of the site. A bucket has several names.
    fn serves(&self, origin: &Origin) -> bool {
        let is_same = self.site.is_some_and(|site| origin.domain_name() == site.domain_name());
        (is_same || is_bucket(origin.domain_name(), &self.live.bucket)) && self.reach(origin) != Reach::Nothing
    }

    /// The origin of a behavior, if it names one.
    fn of_behavior(&self, behavior: &Read<'_>) -> Option<&'c Origin> {
        self.all.iter().find(|origin| origin.id() == behavior.target)
    }

    /// Those that serve the site and are website endpoints.
    fn websites(&self) -> impl Iterator<Item = &'c Origin> {
        let serving = self.used.iter().copied().filter(|origin| self.serves(origin));
        serving.filter(|origin| origin.domain_name().contains(".s3-website"))
    }

    /// The addresses that a website endpoint may answer with if there is no file: its error document is a setting of the
    /// bucket, which is not read.
    fn error_documents(&self) -> impl Iterator<Item = UrlPath> {
        self.websites().flat_map(|website| {
            let keys = ERROR_DOCUMENTS.map(|name| format!("{}{name}", self.live.key));
            keys.into_iter().filter_map(|key| below(origin_path(Some(website)), &key).map(UrlPath::encode))
        })
    }
}

/// The usual name of a website endpoint's error document.
const ERROR_DOCUMENTS: [&str; 2] = ["404.html", "error.html"];

fn origin_path(origin: Option<&Origin>) -> &str {
    origin.and_then(|origin| origin.origin_path()).unwrap_or_default().trim_end_matches('/')
}

fn caching(config: &DistributionConfig, behaviors: &[Read<'_>], origins: &Origins<'_>, policies: &Policies) -> Caching {
    let serves = |behavior: &Read<'_>| origins.of_behavior(behavior).is_none_or(|origin| origins.serves(origin));
    let ours: Vec<&Read<'_>> = behaviors.iter().filter(|behavior| serves(behavior)).collect();
    let kept: Vec<Behavior> = behaviors
        .iter()
        .map(|behavior| {
            let keeping = behavior.keeping(policies);
            let keeps = keeping.keeps && serves(behavior);
            let path = origins.of_behavior(behavior).filter(|_| keeps).map(|origin| origin_path(Some(origin)));
            let is_another = |path: &&str| path.trim_matches('/') != origin_path(origins.site).trim_matches('/');
            Behavior {
                pattern: behavior.pattern.to_owned(),
                keeps,
                queries: keeps && keeping.queries,
                origin_path: path.filter(is_another).map(str::to_owned),
            }
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

/// Whether the cache key of an answer may have another path than the one that selected its behavior.
fn changes_addresses(behavior: &Read<'_>) -> bool {
    !behavior.functions.is_empty() || behavior.has(&[EventType::ViewerRequest])
}

/// Behaviors that differ from "everything is cached, without query strings, from one origin". If functions change
/// URLs on the way, no URL determines its behavior, so that one stands for all, for each origin of files.
fn simplified(mut behaviors: Vec<Behavior>, addresses_change: bool) -> Vec<Behavior> {
    let (keeps, queries) =
        (behaviors.iter().any(|behavior| behavior.keeps), behaviors.iter().any(|behavior| behavior.queries));
    let is_usual = |behavior: &Behavior| behavior.keeps && !behavior.queries && behavior.origin_path.is_none();
    if behaviors.iter().all(is_usual) {
        return Vec::new();
    }
    if !addresses_change {
        // A behavior after a catch-all one never applies.
        let last = behaviors.iter().position(|behavior| behavior.pattern.trim_start_matches('/') == "*");
        behaviors.truncate(last.map_or(behaviors.len(), |last| last + 1));
        return behaviors;
    }
    let keeping = behaviors.into_iter().filter(|behavior| behavior.keeps == keeps);
    let places: BTreeSet<Option<String>> = keeping.map(|behavior| behavior.origin_path).collect();
    let of_all = |origin_path| Behavior { pattern: "*".to_owned(), keeps, queries, origin_path };
    let all: Vec<Behavior> = places.into_iter().map(of_all).collect();
    if all.iter().all(is_usual) { Vec::new() } else { all }
}

/// Whether an origin is the bucket: `<bucket>.s3.<region>.amazonaws.com`, or one of the older or website forms.
fn is_bucket(domain: &str, bucket: &str) -> bool {
    let rest = domain.strip_prefix(bucket).and_then(|rest| rest.strip_prefix(".s3"));
    rest.is_some_and(|rest| rest.starts_with(['.', '-']))
}

/// The first alias without a wildcard: `*.example.com` stands for many names.
pub(super) fn alias(config: &DistributionConfig) -> Option<&str> {
    let aliases = config.aliases().map(|aliases| aliases.items()).unwrap_or_default();
    aliases.iter().map(String::as_str).find(|alias| !alias.contains('*'))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::types::{
        Aliases, CacheBehaviors, CookiePreference, CustomErrorResponse, CustomErrorResponses, ItemSelection,
        LambdaFunctionAssociation, ViewerProtocolPolicy,
    };

    use aws_sdk_cloudfront::types::Origins;

    use super::*;
    use crate::release::layout::Layout;

    fn live(prefix: &str) -> Address {
        Layout::new("shop", "site", prefix, None, None).live_prefix()
    }

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
        let facts = facts(&config.default_root_object("/index.html").build().unwrap(), &live("live"), &Policies::new());
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
    fn of_origins_that_are_the_bucket_one_with_all_of_the_site_decides_and_the_default_behaviors_first() {
        let origin_path = |target: &str, prefix: &str| {
            let origin = |id: &str, domain: &str, path: &str| {
                Origin::builder().id(id).domain_name(domain).origin_path(path).build().unwrap()
            };
            let origins = Origins::builder()
                .quantity(4)
                .items(origin("downloads", "site.s3.amazonaws.com", "/downloads"))
                .items(origin("pages", "site.s3.eu-west-1.amazonaws.com", "/live"))
                .items(origin("all", "site.s3.eu-west-1.amazonaws.com", ""))
                .items(origin("api", "api.example.com", "/v1"))
                .build()
                .unwrap();
            let behavior = DefaultCacheBehavior::builder()
                .target_origin_id(target)
                .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
                .build()
                .unwrap();
            let config = DistributionConfig::builder().caller_reference("1").comment("").enabled(true);
            let also = CacheBehavior::builder().path_pattern("/pages/*").target_origin_id("pages");
            let also = also.viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps).build().unwrap();
            let behaviors = CacheBehaviors::builder().quantity(1).items(also).build().unwrap();
            let config = config.origins(origins).default_cache_behavior(behavior).cache_behaviors(behaviors);
            facts(&config.build().unwrap(), &live(prefix), &Policies::new()).origin_path
        };
        assert_eq!(origin_path("pages", "live"), "/live");
        assert_eq!(origin_path("all", "live"), "", "above the site is all of it too");
        assert_eq!(origin_path("downloads", "downloads"), "/downloads");
        assert_eq!(origin_path("downloads", "live"), "/live", "the default behavior's has nothing of it");
        assert_eq!(origin_path("api", "live"), "/live", "the default behavior's is not the bucket");
        assert_eq!(origin_path("downloads", "other"), "/downloads", "a sentence names the default behavior's");
    }

    /// A bucket has several names, and consoles offer more than one.
    #[test]
    fn a_behavior_whose_origin_is_the_bucket_by_another_name_or_path_keeps_the_site_too() {
        let assets = |domain: &str, path: &str| {
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
            facts(&config, &live("live"), &Policies::new())
        };
        let behaviors = |domain: &str, path: &str| assets(domain, path).caching.behaviors;
        assert_eq!(behaviors("site.s3.amazonaws.com", "/live"), []);
        assert_eq!(behaviors("site.s3-website-eu-west-1.amazonaws.com", "/live/"), []);
        for (domain, path) in [("site.s3.amazonaws.com", "/other"), ("api.example.com", "/live")] {
            assert_eq!(behaviors(domain, path)[0], behavior("/assets/*", false, false));
        }
        // An origin path above the site, and one in a folder of it.
        for path in ["", "/live/old"] {
            let facts = assets("site.s3.amazonaws.com", path);
            let expected = Behavior { origin_path: Some(path.to_owned()), ..behavior("/assets/*", true, false) };
            assert_eq!((facts.origin_path.as_str(), &facts.caching.behaviors[0]), ("/live", &expected));
        }
        let above = assets("site.s3.amazonaws.com", "");
        assert_eq!(above.places("live/assets/a.js"), [""; 0], "neither leads to the address below the other");
        assert_eq!(above.places("live/a.js"), ["a.js"]);
        let folder = assets("site.s3.amazonaws.com", "/live/old");
        assert_eq!(folder.places("live/old/assets/a.js"), ["old/assets/a.js", "assets/a.js"]);
        assert_eq!(folder.places("live/old/a.js"), ["old/a.js"], "the other behavior is not for /a.js");
    }

    /// Its error document is a setting of the bucket, which is not read here.
    #[test]
    fn what_a_website_endpoint_may_answer_errors_with_is_an_error_page() {
        let pages = |domain: &str, path: &str| {
            let origin = Origin::builder().id("site").domain_name(domain).origin_path(path).build().unwrap();
            let origins = Origins::builder().quantity(1).items(origin).build().unwrap();
            let config = DistributionConfig::builder().caller_reference("1").comment("").enabled(true).origins(origins);
            let facts = facts(&config.build().unwrap(), &live("live"), &Policies::new());
            facts.error_pages.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(pages("site.s3-website-us-east-1.amazonaws.com", "/live"), ["/404.html", "/error.html"]);
        assert_eq!(pages("site.s3-website.eu-central-1.amazonaws.com", ""), ["/live/404.html", "/live/error.html"]);
        assert_eq!(pages("site.s3.eu-central-1.amazonaws.com", "/live"), [""; 0]);
    }

    /// As AWS advises for a viewer-request function: a CloudFront Function changes the cache key.
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
            facts(&config, &live("live"), &Policies::new()).rewrites_at_origin
        };
        assert!(rewrites(EventType::OriginRequest) && rewrites(EventType::OriginResponse));
        assert!(rewrites(EventType::ViewerRequest) && !rewrites(EventType::ViewerResponse));
    }

    /// Legacy cache settings, in front of a website endpoint, with errors that are cached for a long time.
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
            facts(&config.build().unwrap(), &live(""), &Policies::new())
        };
        let usual = facts_with(false, 86_400);
        assert!(usual.rewrites_at_origin, "a website endpoint answers for short addresses");
        assert_eq!(usual.caching, Caching { errors_s: 300, least_s: 60, ..Caching::USUAL });
        assert_eq!(facts_with(true, 86_400).caching.behaviors, [behavior("*", true, true)]);
        assert_eq!(facts_with(true, 0).caching.behaviors, [behavior("*", false, false)]);
    }

    fn behavior(pattern: &str, keeps: bool, queries: bool) -> Behavior {
        Behavior { pattern: pattern.to_owned(), keeps, queries, origin_path: None }
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
        // One for each origin of files.
        let from = |pattern: &str, path: &str| Behavior {
            origin_path: Some(path.to_owned()),
            ..behavior(pattern, true, false)
        };
        let places = vec![from("/a/*", ""), behavior("*", true, false)];
        assert_eq!(simplified(places.clone(), false), places);
        assert_eq!(simplified(places, true), [behavior("*", true, false), from("*", "")]);
        let unreached = vec![from("/*", ""), behavior("*", true, true)];
        assert_eq!(simplified(unreached, false), [from("/*", "")]);
    }
}

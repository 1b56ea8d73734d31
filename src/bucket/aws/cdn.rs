//! The distribution: what it does, and what it is asked to forget.

use std::time::Duration;

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudfront::types::{
    DistributionConfig, EventType, InvalidationBatch, LambdaFunctionAssociations, Origin, Paths,
};

use super::answer::{CdnError, FailedRequest, Service};
use super::refusals::Class;
use crate::content::path::UrlPath;
use crate::release::head::DistributionFacts;

/// The first wait where too many invalidations are in progress; each next one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The longest single wait.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What a distribution's configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// What it does that decides headers and URLs.
    pub facts: DistributionFacts,
    /// The configuration's ETag, where the answer named it.
    pub etag: Option<String>,
}

/// One CloudFront distribution. Clones share one client.
#[derive(Clone, Debug)]
pub struct Cdn {
    client: Client,
    service: Service,
    distribution: String,
    patience: Duration,
}

impl Cdn {
    pub(super) fn new(client: Client, service: Service, distribution: &str, patience: Duration) -> Cdn {
        Cdn { client, service, distribution: distribution.to_owned(), patience }
    }

    /// Its id.
    pub fn distribution(&self) -> &str {
        &self.distribution
    }

    /// Another distribution, reached by the same client.
    #[must_use]
    pub fn other(&self, distribution: &str) -> Cdn {
        Cdn { distribution: distribution.to_owned(), ..self.clone() }
    }

    /// What the distribution's configuration says that decides headers and URLs: of its origins, the one that is `bucket`,
    /// else the one that most requests go to. Needs `cloudfront:GetDistributionConfig`.
    pub async fn configuration(&self, bucket: &str) -> Result<Configuration, CdnError> {
        let request = self.client.get_distribution_config().id(&self.distribution);
        let answer = request.send().await.map_err(|error| self.failed("GetDistributionConfig", &error))?;
        let Some(config) = answer.distribution_config() else {
            let answer = FailedRequest::new(Class::Other, vec!["the response contains no configuration".to_owned()]);
            return Err(CdnError::new("GetDistributionConfig", &self.distribution, &self.service, answer));
        };
        Ok(Configuration { facts: facts(config, bucket), etag: answer.e_tag().map(str::to_owned) })
    }

    /// The host by which visitors reach the distribution, with what [`Cdn::configuration`] tells of it: its first alias that is a
    /// whole name, else the name that CloudFront gave it. Needs `cloudfront:GetDistribution`.
    pub async fn host(&self, bucket: &str) -> Result<(String, DistributionFacts), CdnError> {
        let request = self.client.get_distribution().id(&self.distribution);
        let answer = request.send().await.map_err(|error| self.failed("GetDistribution", &error))?;
        let distribution = answer.distribution();
        let config = distribution.and_then(|distribution| distribution.distribution_config());
        let (Some(distribution), Some(config)) = (distribution, config) else {
            let answer = FailedRequest::new(Class::Other, vec!["the response contains no distribution".to_owned()]);
            return Err(CdnError::new("GetDistribution", &self.distribution, &self.service, answer));
        };
        let host = alias(config).unwrap_or(distribution.domain_name()).to_owned();
        Ok((host, facts(config, bucket)))
    }

    /// Asks for `paths` to be forgotten and gives the invalidation's id. The same `reference` with the same paths is
    /// the same invalidation, so that asking again costs nothing and gives the same id (AWS.md 1.5). Where too many are
    /// in progress it waits, for at most as long as a refresh may take. Needs `cloudfront:CreateInvalidation`.
    ///
    /// # Errors
    /// [`Class::Throttled`] when patience has ended; the code `InvalidationBatchAlreadyExists` for a reference that was
    /// used for other paths.
    pub async fn create_invalidation(&self, reference: &str, paths: &[UrlPath]) -> Result<String, CdnError> {
        let mut waited = Duration::ZERO;
        let mut wait = FIRST_WAIT;
        loop {
            match self.create_once(reference, paths).await {
                Err(error) if is_too_many(&error) => {
                    if waited + wait > self.patience {
                        return Err(error);
                    }
                    tokio::time::sleep(wait).await;
                    waited += wait;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                result => return result,
            }
        }
    }

    async fn create_once(&self, reference: &str, paths: &[UrlPath]) -> Result<String, CdnError> {
        let items: Vec<String> = paths.iter().map(|path| path.as_str().to_owned()).collect();
        let quantity = i32::try_from(items.len()).unwrap_or(i32::MAX);
        let batch = Paths::builder()
            .quantity(quantity)
            .set_items(Some(items))
            .build()
            .and_then(|paths| InvalidationBatch::builder().paths(paths).caller_reference(reference).build());
        let unsendable = |answer| CdnError::new("CreateInvalidation", &self.distribution, &self.service, answer);
        let batch = batch.map_err(|error| unsendable(FailedRequest::of_error(Class::Other, &error)))?;
        let request = self.client.create_invalidation().distribution_id(&self.distribution).invalidation_batch(batch);
        let answer = request.send().await.map_err(|error| self.failed("CreateInvalidation", &error))?;
        let id = answer.invalidation().map(|invalidation| invalidation.id().to_owned());
        id.ok_or_else(|| {
            unsendable(FailedRequest::new(Class::Other, vec!["the response contains no invalidation".to_owned()]))
        })
    }

    /// Whether CloudFront says that an invalidation is done everywhere. Needs `cloudfront:GetInvalidation`.
    pub async fn is_completed(&self, invalidation_id: &str) -> Result<bool, CdnError> {
        let request = self.client.get_invalidation().distribution_id(&self.distribution).id(invalidation_id);
        let answer = request.send().await.map_err(|error| self.failed("GetInvalidation", &error))?;
        let status = answer.invalidation().map(|invalidation| invalidation.status());
        Ok(status.is_some_and(|status| status.eq_ignore_ascii_case("completed")))
    }

    fn failed<E>(&self, operation: &'static str, error: &SdkError<E>) -> CdnError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        CdnError::new(operation, &self.distribution, &self.service, FailedRequest::of(&self.service, error))
    }
}

/// A 400 that the SDK does not take for throttling (AWS.md 1.2).
fn is_too_many(error: &CdnError) -> bool {
    error.code.as_deref() == Some("TooManyInvalidationsInProgress")
}

/// `*.example.com` stands for many names, and is none.
fn alias(config: &DistributionConfig) -> Option<&str> {
    let aliases = config.aliases().map(|aliases| aliases.items()).unwrap_or_default();
    aliases.iter().map(String::as_str).find(|alias| !alias.contains('*'))
}

fn facts(config: &DistributionConfig, bucket: &str) -> DistributionFacts {
    let origins = config.origins().map(|origins| origins.items()).unwrap_or_default();
    let default = config.default_cache_behavior();
    let target = default.map(|behavior| behavior.target_origin_id());
    // The site's pages come from the default behaviour's origin where that is the bucket; else from another one that is.
    let by_default = origins.iter().find(|origin| Some(origin.id()) == target);
    let is_ours = |origin: &&Origin| is_bucket(origin.domain_name(), bucket);
    let origin = by_default.filter(is_ours).or_else(|| origins.iter().find(is_ours)).or(by_default);
    let origin_path = origin.and_then(|origin| origin.origin_path()).unwrap_or_default();
    let root = config.default_root_object().unwrap_or_default().trim_start_matches('/');
    let responses = config.custom_error_responses().map(|responses| responses.items()).unwrap_or_default();
    let pages = responses.iter().filter_map(|response| response.response_page_path()).filter(|page| !page.is_empty());
    let behaviors = config.cache_behaviors().map(|behaviors| behaviors.items()).unwrap_or_default();
    let functions = behaviors.iter().map(|behavior| behavior.lambda_function_associations());
    let functions = functions.chain(default.map(|behavior| behavior.lambda_function_associations()));
    DistributionFacts {
        readable: true,
        origin_path: origin_path.trim_end_matches('/').to_owned(),
        default_root_object: (!root.is_empty()).then(|| root.to_owned()),
        error_pages: pages
            .map(|page| UrlPath::try_from(page.to_owned()).unwrap_or_else(|_| UrlPath::encode(page)))
            .collect(),
        rewrites_at_origin: functions.flatten().any(sees_origin_requests),
    }
}

/// Whether an origin is the bucket: `<bucket>.s3.<region>.amazonaws.com`, or one of the older or website forms.
fn is_bucket(domain: &str, bucket: &str) -> bool {
    let rest = domain.strip_prefix(bucket).and_then(|rest| rest.strip_prefix(".s3"));
    rest.is_some_and(|rest| rest.starts_with(['.', '-']))
}

fn sees_origin_requests(functions: &LambdaFunctionAssociations) -> bool {
    let events = functions.items().iter().map(|function| function.event_type());
    events.into_iter().any(|event| matches!(event, EventType::OriginRequest | EventType::OriginResponse))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudfront::types::{
        Aliases, DefaultCacheBehavior, LambdaFunctionAssociation, Origin, Origins, ViewerProtocolPolicy,
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
        let facts = facts(&config.default_root_object("/index.html").build().unwrap(), "site");
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
            facts(&config, "site").origin_path
        };
        assert_eq!(origin_path("pages"), "/live");
        assert_eq!(origin_path("downloads"), "/downloads");
        assert_eq!(origin_path("api"), "/downloads", "the default behaviour's is not the bucket");
    }

    #[test]
    fn only_functions_at_the_origin_hide_what_a_url_is_made_of() {
        let functions = |event: EventType| {
            let function = LambdaFunctionAssociation::builder()
                .lambda_function_arn("arn:aws:lambda:us-east-1:000000000000:function:f:1")
                .event_type(event);
            LambdaFunctionAssociations::builder().quantity(1).items(function.build().unwrap()).build().unwrap()
        };
        assert!(sees_origin_requests(&functions(EventType::OriginRequest)));
        assert!(sees_origin_requests(&functions(EventType::OriginResponse)));
        assert!(!sees_origin_requests(&functions(EventType::ViewerRequest)));
    }
}

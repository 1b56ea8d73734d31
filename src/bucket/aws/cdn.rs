//! The distribution: its configuration, and its invalidations.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudfront::types::{DistributionConfig, InvalidationBatch, Paths};

use super::answer::{CdnError, FailedRequest, Service};
use super::configuration::{Keeping, Policies, alias, facts, may_answer_missing, policies_to_read, unresolved};
use super::refusals::Class;
use super::tenant::Tenant;
use crate::config::values::TENANT_START;
use crate::release::head::{DistributionFacts, MAX_ID_BYTES};
use crate::release::layout::Address;
use crate::release::manifest::checked_id;

/// The first wait if too many invalidations are in progress; each next one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The longest single wait.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// What a distribution's configuration contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The settings that decide headers and URLs.
    pub facts: DistributionFacts,
    /// The configuration's ETag, if the answer contained it.
    pub etag: Option<String>,
    /// Whether it is the staging distribution of another one.
    pub is_staging: bool,
    /// Whether it was read just now.
    pub is_new: bool,
    /// Whether it is known to be deployed everywhere: see [`Cdn::is_deployed`].
    pub is_deployed: bool,
    /// Whether something other than an error page may answer for an address without a file, or whether that is unknown.
    pub may_answer_missing: bool,
    /// A parameter without a value, as `{{name}}`: an origin contains it, so that the site's place is unknown.
    pub unresolved: Option<String>,
}

/// One CloudFront distribution, or one tenant of a multi-tenant one. Clones share one client and the cached cache policies.
#[derive(Clone, Debug)]
pub struct Cdn {
    client: Client,
    service: Service,
    distribution: String,
    patience: Duration,
    /// Cache policies, which several behaviors and distributions may share: each is read once.
    policies: Arc<Mutex<Policies>>,
}

impl Cdn {
    pub(super) fn new(client: Client, service: Service, distribution: &str, patience: Duration) -> Cdn {
        let policies = Arc::default();
        Cdn { client, service, distribution: distribution.to_owned(), patience, policies }
    }

    /// Its id.
    pub fn distribution(&self) -> &str {
        &self.distribution
    }

    /// Another distribution, reached with the same client.
    #[must_use]
    pub fn other(&self, distribution: &str) -> Cdn {
        Cdn { distribution: distribution.to_owned(), ..self.clone() }
    }

    /// Whether it is a tenant of a distribution, by its id.
    fn is_tenant(&self) -> bool {
        self.distribution.starts_with(TENANT_START)
    }

    /// The tenant, if it is one. Needs `cloudfront:GetDistributionTenant`.
    async fn tenant(&self) -> Result<Option<Tenant>, CdnError> {
        if !self.is_tenant() {
            return Ok(None);
        }
        let request = self.client.get_distribution_tenant().identifier(&self.distribution);
        let answer = request.send().await.map_err(|error| self.failed("GetDistributionTenant", &error))?;
        let tenant = answer.distribution_tenant().and_then(Tenant::of);
        tenant.map(Some).ok_or_else(|| {
            let answer = FailedRequest::new(Class::Other, vec!["the response names no distribution".to_owned()]);
            CdnError::new("GetDistributionTenant", &self.distribution, &self.service, answer)
        })
    }

    /// The settings in the distribution's configuration that decide headers and URLs of the site with live files at `live`:
    /// those of the origin at that place, or else of the one that gets most requests. Needs `cloudfront:GetDistributionConfig`,
    /// and `cloudfront:GetCachePolicy` for custom cache policies; for a tenant, `cloudfront:GetDistributionTenant` too.
    pub async fn configuration(&self, live: &Address) -> Result<Configuration, CdnError> {
        let tenant = self.tenant().await?;
        let distribution = tenant.as_ref().map_or(self.clone(), |tenant| self.other(&tenant.distribution));
        let request = self.client.get_distribution_config().id(distribution.distribution());
        let answer = request.send().await.map_err(|error| distribution.failed("GetDistributionConfig", &error))?;
        let Some(config) = answer.distribution_config() else {
            let answer = FailedRequest::new(Class::Other, vec!["the response contains no configuration".to_owned()]);
            return Err(CdnError::new("GetDistributionConfig", &self.distribution, &self.service, answer));
        };
        let config = &*for_tenant(tenant.as_ref(), config);
        let policies = self.cache_policies(config).await?;
        Ok(Configuration {
            facts: facts(config, live, &policies),
            etag: answer.e_tag().map(str::to_owned),
            is_staging: config.staging().unwrap_or(false),
            is_new: true,
            is_deployed: false,
            may_answer_missing: may_answer_missing(config, live),
            unresolved: unresolved(config).map(str::to_owned),
        })
    }

    /// The cached cache policies, with those that a configuration names. A policy that may not be read, or does not exist, adds
    /// nothing.
    async fn cache_policies(&self, config: &DistributionConfig) -> Result<Policies, CdnError> {
        let known = || self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        for id in policies_to_read(config) {
            if known().contains_key(id) {
                continue;
            }
            let answer = self.client.get_cache_policy().id(id).send().await;
            let keeping = match answer.map_err(|error| self.failed("GetCachePolicy", &error)) {
                Ok(answer) => {
                    answer.cache_policy().and_then(|policy| policy.cache_policy_config()).map(Keeping::of_policy)
                }
                Err(error) if matches!(error.class, Class::Throttled | Class::Unavailable) => return Err(error),
                Err(_) => None,
            };
            known().insert(id.to_owned(), keeping);
        }
        Ok(known().clone())
    }

    /// Whether the configuration with this ETag is the distribution's, and deployed everywhere. Needs
    /// `cloudfront:GetDistribution`.
    pub async fn is_deployed(&self, etag: Option<&str>) -> Result<bool, CdnError> {
        let request = self.client.get_distribution().id(&self.distribution);
        let answer = request.send().await.map_err(|error| self.failed("GetDistribution", &error))?;
        let status = answer.distribution().map(|distribution| distribution.status());
        Ok(answer.e_tag() == etag && status.is_some_and(|status| status.eq_ignore_ascii_case("deployed")))
    }

    /// The host name by which visitors reach the distribution, with what [`Cdn::configuration`] returns: its first alias
    /// without wildcard, or else its CloudFront domain name; for a tenant, its first domain. Needs `cloudfront:GetDistribution`.
    pub async fn host(&self, live: &Address) -> Result<(String, DistributionFacts), CdnError> {
        let tenant = self.tenant().await?;
        let of_all = tenant.as_ref().map_or(self.clone(), |tenant| self.other(&tenant.distribution));
        let request = self.client.get_distribution().id(of_all.distribution());
        let answer = request.send().await.map_err(|error| of_all.failed("GetDistribution", &error))?;
        let distribution = answer.distribution();
        let config = distribution.and_then(|distribution| distribution.distribution_config());
        let (Some(distribution), Some(config)) = (distribution, config) else {
            let answer = FailedRequest::new(Class::Other, vec!["the response contains no distribution".to_owned()]);
            return Err(CdnError::new("GetDistribution", &self.distribution, &self.service, answer));
        };
        let config = &*for_tenant(tenant.as_ref(), config);
        let of_tenant = tenant.as_ref().and_then(|tenant| tenant.domain.as_deref());
        let host = of_tenant.or(alias(config)).unwrap_or(distribution.domain_name()).to_owned();
        Ok((host, facts(config, live, &Policies::new())))
    }

    /// Requests the invalidation of `items`, paths and `#tags`, and returns its id. The same `reference` with the same items
    /// is the same invalidation: a repeated request costs nothing and returns the same id (AWS.md 1.5). If CloudFront throttles
    /// requests, or too many are in progress, it waits, for at most as long as a refresh may take. Needs
    /// `cloudfront:CreateInvalidation`, and for a tenant `cloudfront:CreateInvalidationForDistributionTenant`.
    ///
    /// # Errors
    /// [`Class::Throttled`] after that time; the code `InvalidationBatchAlreadyExists` for a reference that was
    /// used for other paths.
    pub async fn create_invalidation(&self, reference: &str, items: &[String]) -> Result<String, CdnError> {
        let mut waited = Duration::ZERO;
        let mut wait = FIRST_WAIT;
        loop {
            match self.create_once(reference, items).await {
                // The SDK has retried after most kinds of throttling, but not for long.
                Err(error) if error.class == Class::Throttled => {
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

    async fn create_once(&self, reference: &str, items: &[String]) -> Result<String, CdnError> {
        let quantity = i32::try_from(items.len()).unwrap_or(i32::MAX);
        let batch = Paths::builder()
            .quantity(quantity)
            .set_items(Some(items.to_vec()))
            .build()
            .and_then(|paths| InvalidationBatch::builder().paths(paths).caller_reference(reference).build());
        let operation = if self.is_tenant() { "CreateInvalidationForDistributionTenant" } else { "CreateInvalidation" };
        let unsendable = |answer| CdnError::new(operation, &self.distribution, &self.service, answer);
        let batch = batch.map_err(|error| unsendable(FailedRequest::of_error(Class::Other, &error)))?;
        let invalidation = if self.is_tenant() {
            let request = self.client.create_invalidation_for_distribution_tenant().id(&self.distribution);
            let answer = request.invalidation_batch(batch).send().await;
            answer.map_err(|error| self.failed(operation, &error))?.invalidation
        } else {
            let request = self.client.create_invalidation().distribution_id(&self.distribution);
            let answer = request.invalidation_batch(batch).send().await;
            answer.map_err(|error| self.failed(operation, &error))?.invalidation
        };
        // The head records it, and a later run requests it from CloudFront.
        let id = invalidation.and_then(|it| checked_id(it.id, MAX_ID_BYTES).ok());
        id.ok_or_else(|| {
            let message = "the response contains no invalidation, or its id is not one of CloudFront's";
            unsendable(FailedRequest::new(Class::Other, vec![message.to_owned()]))
        })
    }

    /// Whether CloudFront reports that an invalidation is done everywhere. Needs `cloudfront:GetInvalidation`, and for a
    /// tenant `cloudfront:GetInvalidationForDistributionTenant`.
    pub async fn is_completed(&self, invalidation_id: &str) -> Result<bool, CdnError> {
        let invalidation = if self.is_tenant() {
            let request = self.client.get_invalidation_for_distribution_tenant().id(invalidation_id);
            let answer = request.distribution_tenant_id(&self.distribution).send().await;
            answer.map_err(|error| self.failed("GetInvalidationForDistributionTenant", &error))?.invalidation
        } else {
            let request = self.client.get_invalidation().distribution_id(&self.distribution).id(invalidation_id);
            let answer = request.send().await;
            answer.map_err(|error| self.failed("GetInvalidation", &error))?.invalidation
        };
        Ok(invalidation.is_some_and(|invalidation| invalidation.status().eq_ignore_ascii_case("completed")))
    }

    fn failed<E>(&self, operation: &'static str, error: &SdkError<E>) -> CdnError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        CdnError::new(operation, &self.distribution, &self.service, FailedRequest::of(&self.service, error))
    }
}

/// A distribution's configuration; for a tenant, as it applies to that tenant.
fn for_tenant<'c>(tenant: Option<&Tenant>, config: &'c DistributionConfig) -> Cow<'c, DistributionConfig> {
    tenant.map_or(Cow::Borrowed(config), |tenant| Cow::Owned(tenant.configuration(config)))
}

//! The distribution: its configuration, and its invalidations.

use std::time::Duration;

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudfront::types::{DistributionConfig, InvalidationBatch, Paths};

use super::answer::{CdnError, FailedRequest, Service};
use super::configuration::{Keeping, Policies, alias, facts, may_answer_missing, policies_to_read};
use super::refusals::Class;
use crate::content::path::UrlPath;
use crate::release::head::{DistributionFacts, MAX_ID_BYTES};
use crate::release::manifest::checked_id;

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
    /// Whether it is the staging distribution of another one.
    pub is_staging: bool,
    /// Whether something else than an error page may answer for an address without a file, or whether that is not known.
    pub may_answer_missing: bool,
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
    /// else the one that most requests go to. Needs `cloudfront:GetDistributionConfig`, and `cloudfront:GetCachePolicy` for
    /// what its own cache policies say.
    pub async fn configuration(&self, bucket: &str) -> Result<Configuration, CdnError> {
        let request = self.client.get_distribution_config().id(&self.distribution);
        let answer = request.send().await.map_err(|error| self.failed("GetDistributionConfig", &error))?;
        let Some(config) = answer.distribution_config() else {
            let answer = FailedRequest::new(Class::Other, vec!["the response contains no configuration".to_owned()]);
            return Err(CdnError::new("GetDistributionConfig", &self.distribution, &self.service, answer));
        };
        let policies = self.cache_policies(config).await?;
        Ok(Configuration {
            facts: facts(config, bucket, &policies),
            etag: answer.e_tag().map(str::to_owned),
            is_staging: config.staging().unwrap_or(false),
            may_answer_missing: may_answer_missing(config, bucket),
        })
    }

    /// The cache policies that a configuration names, each read once. What may not be read, or is not there, says nothing.
    async fn cache_policies(&self, config: &DistributionConfig) -> Result<Policies, CdnError> {
        let mut policies = Policies::new();
        for id in policies_to_read(config) {
            let answer = self.client.get_cache_policy().id(id).send().await;
            let keeping = match answer.map_err(|error| self.failed("GetCachePolicy", &error)) {
                Ok(answer) => {
                    answer.cache_policy().and_then(|policy| policy.cache_policy_config()).map(Keeping::of_policy)
                }
                Err(error) if matches!(error.class, Class::Throttled | Class::Unavailable) => return Err(error),
                Err(_) => None,
            };
            policies.insert(id.to_owned(), keeping);
        }
        Ok(policies)
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
        Ok((host, facts(config, bucket, &Policies::new())))
    }

    /// Asks for `paths` to be forgotten and gives the invalidation's id. The same `reference` with the same paths is
    /// the same invalidation, so that asking again costs nothing and gives the same id (AWS.md 1.5). Where CloudFront asks to
    /// slow down, or too many are in progress, it waits, for at most as long as a refresh may take. Needs
    /// `cloudfront:CreateInvalidation`.
    ///
    /// # Errors
    /// [`Class::Throttled`] when patience has ended; the code `InvalidationBatchAlreadyExists` for a reference that was
    /// used for other paths.
    pub async fn create_invalidation(&self, reference: &str, paths: &[UrlPath]) -> Result<String, CdnError> {
        let mut waited = Duration::ZERO;
        let mut wait = FIRST_WAIT;
        loop {
            match self.create_once(reference, paths).await {
                // The SDK has tried again after most kinds of throttling, and not for long.
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
        // The head keeps it, and CloudFront is asked for it by a later run.
        let id = answer.invalidation().and_then(|it| checked_id(it.id().to_owned(), MAX_ID_BYTES).ok());
        id.ok_or_else(|| {
            let message = "the response contains no invalidation, or its id is not one of CloudFront's";
            unsendable(FailedRequest::new(Class::Other, vec![message.to_owned()]))
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

//! The CloudFront API (REST-XML, 2020-05-31): invalidations, and distributions to read.

mod batch;
mod invalidations;
mod xml;

use std::sync::{Arc, Mutex, PoisonError};

use hyper::Request;
use hyper::header::{ETAG, HeaderValue};
use s3s::Body;

use super::answer::{self, Answer};
use super::clock::Clock;
use super::distribution::{Distribution, Distributions};
use super::keys::Keys;
use super::signature;

pub use invalidations::StoredInvalidation;
pub(super) use invalidations::{Invalidations, load};

/// The longest accepted request body, in bytes: 3,000 paths of 4,000 characters fit.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// An error of the API: HTTP status, code, message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: u16,
    code: &'static str,
    message: String,
}

impl ApiError {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError { status, code, message: message.into() }
    }
}

/// The CloudFront endpoint.
pub(super) struct CloudFrontServer {
    pub(super) distributions: Arc<Distributions>,
    pub(super) invalidations: Arc<Mutex<Invalidations>>,
    pub(super) keys: Keys,
    pub(super) clock: Clock,
    pub(super) owner: String,
    pub(super) region: String,
}

impl CloudFrontServer {
    pub(super) async fn answer(&self, operation: &str, request: Request<Body>) -> Answer {
        let (parts, mut body) = request.into_parts();
        let Ok(body) = body.store_all_limited(MAX_BODY).await else {
            return answer::cloudfront_error(413, "BatchTooLarge", "Invalidation batch specified is too large.");
        };
        if let Err((status, code, message)) = signature::verify_cloudfront(&parts, &body, &self.keys, &self.clock) {
            return answer::cloudfront_error(status, code, message);
        }
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        self.perform(operation, path, query, &body)
            .unwrap_or_else(|error| answer::cloudfront_error(error.status, error.code, &error.message))
    }

    fn perform(&self, operation: &str, path: &str, query: &str, body: &[u8]) -> Result<Answer, ApiError> {
        // `describe` has determined the operation from the same path: /2020-05-31/distribution/<id>/invalidation/<id>.
        let mut segments = path.split('/').skip(3);
        let id = segments.next().unwrap_or_default();
        let invalidation = segments.nth(1).unwrap_or_default();
        if operation == "Other" {
            return Err(ApiError::new(501, "NotImplemented", "The sandbox does not model this operation."));
        }
        if operation == "GetCachePolicy" {
            let missing = || ApiError::new(404, "NoSuchCachePolicy", "The cache policy does not exist.");
            let policy = self.distributions.policy(id).ok_or_else(missing)?;
            return Ok(answer::xml(200, xml::cache_policy(id, &policy)));
        }
        let distribution = self
            .distributions
            .get(id)
            .ok_or_else(|| ApiError::new(404, "NoSuchDistribution", "The specified distribution does not exist."))?;
        let is_of_tenant = operation.ends_with("DistributionTenant");
        if is_of_tenant != distribution.tenant_of.is_some() {
            return Err(ApiError::new(
                404,
                if is_of_tenant { "EntityNotFound" } else { "NoSuchDistribution" },
                "It does not exist.",
            ));
        }
        match operation {
            "GetDistributionTenant" => Ok(answer::xml(200, xml::tenant(&distribution))),
            "GetDistribution" => Ok(self.distribution(&distribution, true)),
            "GetDistributionConfig" => Ok(self.distribution(&distribution, false)),
            "CreateInvalidation" | "CreateInvalidationForDistributionTenant" => self.create(id, body),
            "ListInvalidations" => Ok(self.list(id, query)),
            _ => self.poll(id, invalidation),
        }
    }

    fn distribution(&self, distribution: &Distribution, whole: bool) -> Answer {
        let in_progress = self.lock().in_progress_batches(&distribution.id, self.clock.now());
        let shown = xml::Shown { distribution, owner: &self.owner, region: &self.region };
        let body = if whole { xml::distribution(&shown, in_progress) } else { xml::distribution_config(&shown) };
        let mut answered = answer::xml(200, body);
        if let Ok(etag) = HeaderValue::try_from(&distribution.config_etag) {
            answered.headers_mut().insert(ETAG, etag);
        }
        answered
    }

    fn create(&self, distribution: &str, body: &[u8]) -> Result<Answer, ApiError> {
        let batch = batch::parse(body)?;
        let mut invalidations = self.lock();
        let now = self.clock.now();
        let created = invalidations.create(distribution, batch, now)?;
        let location = format!("/2020-05-31/distribution/{distribution}/invalidation/{}", created.id);
        let mut answered = answer::xml(201, xml::invalidation(&created));
        if let Ok(location) = HeaderValue::try_from(location) {
            answered.headers_mut().insert(hyper::header::LOCATION, location);
        }
        Ok(answered)
    }

    fn poll(&self, distribution: &str, id: &str) -> Result<Answer, ApiError> {
        let polled = self.lock().poll(distribution, id, self.clock.now())?;
        Ok(answer::xml(200, xml::invalidation(&polled)))
    }

    fn list(&self, distribution: &str, query: &str) -> Answer {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let max_items = value("MaxItems").and_then(|text| text.parse().ok()).unwrap_or(100).clamp(1, 100);
        let mut newest_first = self.lock().all(distribution, self.clock.now());
        newest_first.reverse();
        answer::xml(200, xml::invalidation_list(&newest_first, value("Marker"), max_items))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Invalidations> {
        // No code panics while it holds this lock, and the list is consistent at every point.
        self.invalidations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

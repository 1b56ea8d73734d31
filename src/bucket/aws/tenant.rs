//! A tenant of a multi-tenant distribution: it is refreshed by its own id, and its configuration is that of its
//! distribution.

use aws_sdk_cloudfront::types::{DistributionTenant, Parameter};

use crate::release::head::DistributionFacts;

/// A tenant as CloudFront knows it.
pub(super) struct Tenant {
    /// Its distribution.
    pub(super) distribution: String,
    /// The first of its domains.
    pub(super) domain: Option<String>,
    parameters: Vec<Parameter>,
}

impl Tenant {
    /// What CloudFront says of one; `None`: it names no distribution.
    pub(super) fn of(tenant: &DistributionTenant) -> Option<Tenant> {
        Some(Tenant {
            distribution: tenant.distribution_id()?.to_owned(),
            domain: tenant.domains().first().map(|domain| domain.domain().to_owned()),
            parameters: tenant.parameters().to_vec(),
        })
    }

    /// What the distribution does for this tenant: in an origin path, `{{name}}` is the tenant's parameter of that name. Which
    /// tenant's copies a cache tag finds is not documented, so that none is used.
    pub(super) fn facts(&self, of_distribution: DistributionFacts) -> DistributionFacts {
        let mut facts = of_distribution;
        for parameter in &self.parameters {
            let placeholder = format!("{{{{{}}}}}", parameter.name());
            facts.origin_path = facts.origin_path.replace(&placeholder, parameter.value());
        }
        facts.caching.has_tags = false;
        facts
    }
}

//! A tenant of a multi-tenant distribution: it is refreshed by its own id, and it has the configuration of its
//! distribution.

use std::collections::BTreeMap;

use aws_sdk_cloudfront::types::{DistributionConfig, DistributionTenant, Parameter};

/// A tenant according to CloudFront.
pub(super) struct Tenant {
    /// Its distribution.
    pub(super) distribution: String,
    /// The first of its domains.
    pub(super) domain: Option<String>,
    parameters: Vec<Parameter>,
}

impl Tenant {
    /// Parses CloudFront's answer; `None`: it names no distribution.
    pub(super) fn of(tenant: &DistributionTenant) -> Option<Tenant> {
        Some(Tenant {
            distribution: tenant.distribution_id()?.to_owned(),
            domain: tenant.domains().first().map(|domain| domain.domain().to_owned()),
            parameters: tenant.parameters().to_vec(),
        })
    }

    /// The configuration of its distribution as it applies to this tenant: in origins, `{{name}}` is the tenant's parameter of
    /// that name, or else the distribution's default for it; without either it stays. It is not documented which tenants' copies
    /// a cache tag invalidates, so none is used.
    pub(super) fn configuration(&self, of_distribution: &DistributionConfig) -> DistributionConfig {
        let mut config = of_distribution.clone();
        let definitions = of_distribution.tenant_config().map(|tenants| tenants.parameter_definitions());
        let mut values: BTreeMap<String, &str> = BTreeMap::new();
        for parameter in definitions.unwrap_or_default() {
            let schema = parameter.definition().and_then(|definition| definition.string_schema());
            let default = schema.and_then(|schema| schema.default_value());
            values.extend(default.map(|value| (placeholder(parameter.name()), value)));
        }
        values.extend(self.parameters.iter().map(|own| (placeholder(own.name()), own.value())));
        let filled_in = |text: &str| {
            values.iter().fold(text.to_owned(), |text, (placeholder, value)| text.replace(placeholder.as_str(), value))
        };
        for origin in config.origins.iter_mut().flat_map(|origins| &mut origins.items) {
            origin.domain_name = filled_in(&origin.domain_name);
            origin.origin_path = origin.origin_path.as_deref().map(filled_in);
        }
        config.cache_tag_config = None;
        config
    }
}

fn placeholder(name: &str) -> String {
    format!("{{{{{name}}}}}")
}

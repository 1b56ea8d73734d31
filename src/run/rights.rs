//! All permissions that a command needs. If one is missing, the error names all of them, so that the next run does not
//! fail for the next one.

use serde::Deserialize;

use crate::config::environment::{Encryption, Environment};
use crate::config::values::TENANT_START;
use crate::report::error::Problem;
use crate::types::partition::partition;

/// A policy of config/iam, with its example names.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    action: OneOrMany,
    resource: OneOrMany,
    condition: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn joined(&self) -> String {
        match self {
            OneOrMany::One(one) => one.clone(),
            OneOrMany::Many(many) => many.join(", "),
        }
    }
}

/// The policy for the role that runs `command`: its file in config/iam, and its text.
fn policy(command: &str) -> (&'static str, &'static str) {
    match command {
        "status" | "open" | "releases" | "show" | "diff" => {
            ("viewer.json", include_str!("../../config/iam/viewer.json"))
        }
        "prune" => ("release-manager.json", include_str!("../../config/iam/release-manager.json")),
        _ => ("publisher.json", include_str!("../../config/iam/publisher.json")),
    }
}

/// `problem`; for a missing permission, with all permissions that `command` needs in `environment`, whose bucket is in `region`.
pub(super) fn named(problem: Problem, command: &str, environment: &Environment, region: &str) -> Problem {
    if !problem.lacks_right {
        return problem;
    }
    let (file, text) = policy(command);
    let Ok(policy) = serde_json::from_str::<Policy>(text) else { return problem };
    let rights: Vec<String> =
        policy.statement.iter().filter_map(|statement| in_words(statement, environment, region)).collect();
    let kms = match environment.access.encryption {
        Encryption::Kms { .. } => {
            " Objects are encrypted with KMS: kms:Decrypt and kms:GenerateDataKey on its key are needed, too."
        }
        Encryption::BucketDefault | Encryption::S3 => "",
    };
    let source = match command {
        "promote" => " Where the release comes from, config/iam/promotion-source.json is enough.",
        _ => "",
    };
    let command = if command == "publish" { "publish".to_owned() } else { format!("publish {command}") };
    let hint = format!(
        "{} All that `{command}` needs: {}. The policy config/iam/{file} in publish's repository allows it.{kms}{source}",
        problem.hint,
        rights.join("; "),
    );
    problem.hint(hint)
}

/// `s3:GetObject, s3:PutObject on arn:aws:s3:::example-site/live/*`; `None`: there is no distribution.
fn in_words(statement: &Statement, environment: &Environment, region: &str) -> Option<String> {
    let layout = &environment.layout;
    let of_state = |text: &str| text.contains("_publish/");
    let prefixes =
        statement.condition.as_ref().and_then(|condition| condition.pointer("/StringLikeIfExists/s3:prefix"));
    let prefix = prefixes.and_then(serde_json::Value::as_str);
    let (actions, resource) = (statement.action.joined(), statement.resource.joined());
    let place =
        if of_state(&resource) || prefix.is_some_and(of_state) { layout.state_prefix() } else { layout.live_prefix() };
    let fill_in = |text: &str| {
        let text = text.replace("_publish/EXAMPLE-PREFIX/", "EXAMPLE-PREFIX/");
        let text = text.replace("EXAMPLE-BUCKET", &place.bucket).replace("EXAMPLE-PREFIX/", &place.key);
        text.replace("arn:aws:", &format!("arn:{}:", partition(region))).replace("123456789012", "<account>")
    };
    if resource.contains(":cloudfront:") && environment.distribution.is_none() {
        return None;
    }
    if resource.contains("EXAMPLE-DISTRIBUTION") {
        return Some(on_distributions(&actions, &fill_in(&resource), environment));
    }
    let prefix = prefix.map(|prefix| format!(" (prefix {})", fill_in(prefix))).unwrap_or_default();
    Some(format!("{actions} on {}{prefix}", fill_in(&resource)))
}

/// The actions to allow on distributions and, if CloudFront has actions for them, on their tenants.
fn on_distributions(actions: &str, resource: &str, environment: &Environment) -> String {
    let (tenants, others): (Vec<&str>, Vec<&str>) =
        environment.distributions().partition(|id| id.starts_with(TENANT_START));
    let on = |ids: &[&str], actions: &str, resource: &str| {
        let named = ids.iter().map(|id| resource.replace("EXAMPLE-DISTRIBUTION", id)).collect::<Vec<_>>();
        (!named.is_empty()).then(|| format!("{actions} on {}", named.join(" and ")))
    };
    let of_tenants = actions
        .replace("Invalidation", "InvalidationForDistributionTenant")
        .replace("GetDistribution, cloudfront:GetDistributionConfig", "GetDistributionTenant");
    let of_tenants = on(&tenants, &of_tenants, &resource.replace(":distribution/", ":distribution-tenant/"));
    let its_own = (!tenants.is_empty() && actions.contains("GetDistributionConfig"))
        .then(|| "cloudfront:GetDistributionConfig on the tenant's distribution".to_owned());
    let all = on(&others, actions, resource).into_iter().chain(of_tenants).chain(its_own);
    all.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::{Access, InvalidationSettings, LeaseSettings, PublishSettings};
    use crate::release::layout::Layout;
    use crate::release::retention::RetentionSettings;
    use crate::report::error::Code;

    fn environment(prefix: &str, distribution: Option<&str>) -> Environment {
        Environment {
            name: "live".to_owned(),
            layout: Layout::new("shop", "example-site", prefix, None, None),
            access: Access::default(),
            distribution: distribution.map(str::to_owned),
            further_distributions: Vec::new(),
            url: None,
            headers: Vec::new(),
            publish: PublishSettings::default(),
            invalidation: InvalidationSettings::default(),
            retention: RetentionSettings::default(),
            lease: LeaseSettings::default(),
        }
    }

    fn hint(command: &str, environment: &Environment, region: &str) -> String {
        let mut problem = Problem::new(Code::AccessDenied, "denied").hint("Allow it.");
        problem.lacks_right = true;
        named(problem, command, environment, region).hint
    }

    #[test]
    fn all_rights_are_named_with_the_names_of_the_environment() {
        assert_eq!(
            hint("publish", &environment("live", Some("E123ABC")), "eu-central-1"),
            "Allow it. All that `publish` needs: s3:ListBucket on arn:aws:s3:::example-site (prefix live/*); \
             s3:GetObject, s3:PutObject, s3:AbortMultipartUpload on arn:aws:s3:::example-site/live/*; s3:ListBucket on \
             arn:aws:s3:::example-site (prefix _publish/live/*); s3:GetObject, s3:PutObject, s3:AbortMultipartUpload on \
             arn:aws:s3:::example-site/_publish/live/*; cloudfront:CreateInvalidation, cloudfront:GetInvalidation, \
             cloudfront:GetDistribution, cloudfront:GetDistributionConfig on arn:aws:cloudfront::<account>:distribution/E123ABC; \
             cloudfront:GetCachePolicy on arn:aws:cloudfront::<account>:cache-policy/*. The policy \
             config/iam/publisher.json in publish's repository allows it."
        );
        let in_china = hint("prune", &environment("", None), "cn-north-1");
        assert!(
            in_china.contains("s3:DeleteObject, s3:AbortMultipartUpload on arn:aws-cn:s3:::example-site/*"),
            "{in_china}"
        );
        assert!(in_china.contains("release-manager.json") && !in_china.contains("cloudfront"), "{in_china}");
        assert!(hint("status", &environment("live", None), "eu-central-1").contains("viewer.json"));
        let several =
            Environment { further_distributions: vec!["E456DEF".to_owned()], ..environment("live", Some("E123ABC")) };
        let of_both = "distribution/E123ABC and arn:aws:cloudfront::<account>:distribution/E456DEF";
        assert!(hint("publish", &several, "eu-central-1").contains(of_both));
        let of_a_tenant = "cloudfront:CreateInvalidationForDistributionTenant, cloudfront:GetInvalidationForDistributionTenant, \
             cloudfront:GetDistributionTenant on arn:aws:cloudfront::<account>:distribution-tenant/dt_1a; \
             cloudfront:GetDistributionConfig on the tenant's distribution;";
        let hint = hint("publish", &environment("live", Some("dt_1a")), "eu-central-1");
        assert!(hint.contains(of_a_tenant), "{hint}");
    }

    #[test]
    fn what_is_no_matter_of_rights_stays_as_it_is() {
        let problem = Problem::new(Code::AccessDenied, "denied").hint("Correct the keys.");
        assert_eq!(named(problem, "publish", &environment("", None), "eu-central-1").hint, "Correct the keys.");
    }
}

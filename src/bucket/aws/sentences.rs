//! The messages about a failed request.

use std::error::Error as StdError;
use std::fmt;

use super::answer::{CdnError, Details, Service, StoreError};
use super::refusals::{Class, change, change_first};
use super::roots::TRUST;
use super::store::MAX_LISTED;
use crate::report::error::{Code, Problem};
use crate::types::partition::partition;

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence().1)
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.details.cause.as_deref().map(|cause| cause as &dyn StdError)
    }
}

impl fmt::Display for CdnError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence().1)
    }
}

impl StdError for CdnError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.details.cause.as_deref().map(|cause| cause as &dyn StdError)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let (code, message, hint) = error.sentence();
        let lacks_right = lacks_right(error.class, error.code.as_deref());
        Problem { lacks_right, ..problem(code, message, hint, *error.details) }
    }
}

impl From<CdnError> for Problem {
    fn from(error: CdnError) -> Problem {
        let (code, message, hint) = error.sentence();
        let lacks_right = lacks_right(error.class, error.code.as_deref());
        Problem { lacks_right, ..problem(code, message, hint, *error.details) }
    }
}

/// Whether a policy can fix it: not if the keys themselves are wrong.
fn lacks_right(class: Class, code: Option<&str>) -> bool {
    class == Class::Denied && change(code).is_none()
}

fn problem(code: Code, message: String, hint: String, details: Details) -> Problem {
    let problem = Problem::new(code, message).hint(hint);
    match details.cause {
        Some(cause) => problem.source(*cause),
        None => problem,
    }
}

const AGAIN: &str = "Run the same command again.";

impl StoreError {
    /// The code, what failed, and what to do.
    fn sentence(&self) -> (Code, String, String) {
        let address = &*self.address;
        let bucket = &address.bucket;
        let verb = verb(self.operation);
        if let Some(sentence) = of_any_service(self.class, &self.details, self.status) {
            return sentence;
        }
        match self.class {
            Class::Missing => (Code::MissingBytes, format!("{address} does not exist"), String::new()),
            Class::Denied => {
                let message = format!("The credentials are not allowed to {verb} {address}");
                let mut hint = self.how_to_allow();
                if let Some(owner) = &self.details.service.owner {
                    hint.push_str(&format!(
                        " Or the bucket does not belong to account {owner}, which `expected_bucket_owner` requires."
                    ));
                }
                (Code::AccessDenied, message, hint)
            }
            Class::Precondition | Class::Conflict => {
                let message = format!("{address} was changed by someone else in the meantime");
                (Code::Superseded, message, "`publish status` shows what is live now.".to_owned())
            }
            Class::Checksum => match &self.details.file {
                Some(file) => {
                    let message = format!("{} changed while it was being published", file.display());
                    (Code::FileChanged, message, "Wait for the build to finish, then publish again.".to_owned())
                }
                None => (Code::Aws, format!("The bytes of {address} arrived damaged or incomplete"), AGAIN.to_owned()),
            },
            Class::LocalFile => {
                let file =
                    self.details.file.as_ref().map_or_else(|| address.to_string(), |file| file.display().to_string());
                let message = format!("{file} vanished or changed while it was being published");
                (Code::FileChanged, message, "Wait for the build to finish, then publish again.".to_owned())
            }
            Class::TooMany => {
                let message = format!("{address} contains more than {MAX_LISTED} objects, publish's limit");
                let hint = "Give the site its own `prefix` or bucket, or remove objects that do not belong to it.";
                (Code::TooLarge, message, hint.to_owned())
            }
            Class::Archived => {
                let message = format!("{address}, or the object copied to it, is archived and cannot be read");
                let hint = "Restore the archived objects (`aws s3api restore-object`), wait until that is done, and \
                    run the same command again. Make sure that no lifecycle rule archives objects of the site or of \
                    publish's own files.";
                (Code::Refused, message, hint.to_owned())
            }
            Class::NoSuchBucket => {
                let hint = "Create the bucket, or correct `bucket` in publish.toml or `--bucket`.".to_owned();
                (Code::NoSuchBucket, format!("The bucket {bucket} does not exist"), hint)
            }
            Class::WrongRegion => match &self.details.region {
                Some(region) => {
                    let message = format!("The bucket {bucket} is in {region}, not in {}", self.details.service.region);
                    let hint = format!("Set `region = \"{region}\"` in publish.toml, or give `--region {region}`.");
                    (Code::WrongRegion, message, hint)
                }
                None => {
                    let message = format!("The bucket {bucket} is not in {}", self.details.service.region);
                    let hint = "Set the bucket's own region as `region` in publish.toml or with `--region`.".to_owned();
                    (Code::WrongRegion, message, hint)
                }
            },
            Class::Refused => {
                let message = format!("{} refused to {verb} {address}", self.details.service);
                (Code::Refused, message, change_first(self.code.as_deref()).to_owned())
            }
            Class::Unsupported => {
                let message = format!("{} does not support this way to {verb} {address}", self.details.service);
                (Code::UnfitStore, message, self.details.service.what_can_hold_a_site().to_owned())
            }
            // S3 never answers this for an existing object: something else answers.
            _ if self.status == Some(404) => {
                let message = format!("{} could not {verb} {address}", self.details.service);
                (Code::Refused, message, "Check that the endpoint is an S3 API endpoint.".to_owned())
            }
            _ => (Code::Aws, format!("{} could not {verb} {address}", self.details.service), String::new()),
        }
    }

    /// The message for a conditional write that S3 keeps refusing although no other write explains it.
    pub(crate) fn repeated(self) -> Problem {
        if !matches!(self.class, Class::Precondition | Class::Conflict | Class::Missing) {
            return self.into();
        }
        let code = self.code.as_deref().unwrap_or_default();
        let said = self.status.map_or_else(|| code.to_owned(), |status| format!("{status} {code}"));
        let (service, address) = (&self.details.service, &self.address);
        let message = format!(
            "{service} keeps returning {} for a write of {address}, although nothing conflicts with it",
            said.trim()
        );
        let hint = "The store, or a proxy in front of it, must support `If-Match` and `If-None-Match` as S3 does, and \
            return the ETag that it then accepts.";
        problem(Code::Aws, message, hint.to_owned(), *self.details)
    }

    /// Names the action and the resource: in AWS's words if it sent them (also for a KMS key), or else those that the
    /// operation needs.
    fn how_to_allow(&self) -> String {
        if let Some(change) = change(self.code.as_deref()) {
            return change.to_owned();
        }
        if let Some((action, resource)) = self.details.message.as_deref().and_then(named_in) {
            return format!("Allow {action} on {resource}.");
        }
        let bucket = format!("arn:{}:s3:::{}", partition(&self.details.service.region), self.address.bucket);
        let object = format!("{bucket}/{}", self.address.key);
        match self.operation {
            "GetObject" | "HeadObject" => format!(
                "Allow s3:GetObject on {object}, and s3:ListBucket on {bucket}: without it, S3 gives the same answer \
                 for an object that does not exist."
            ),
            "CopyObject" => format!("Allow s3:PutObject on {object}, and s3:GetObject on the object that is copied."),
            "DeleteObjects" => format!("Allow s3:DeleteObject on {object}."),
            "ListObjectsV2" => format!("Allow s3:ListBucket on {bucket}."),
            _ => format!("Allow s3:PutObject on {object}."),
        }
    }
}

impl CdnError {
    /// The code, what failed, and what to do.
    fn sentence(&self) -> (Code, String, String) {
        let distribution = &self.distribution;
        let verb = verb(self.operation);
        if let Some(sentence) = of_any_service(self.class, &self.details, self.status) {
            return sentence;
        }
        match (self.class, self.code.as_deref()) {
            (Class::Missing, Some("NoSuchInvalidation")) => {
                let message = format!("The distribution {distribution} has no such invalidation");
                (Code::RefreshFailed, message, AGAIN.to_owned())
            }
            (Class::Missing, _) => {
                let hint = "Correct `distribution` in publish.toml or `--distribution`, or use credentials of the \
                    account that owns it.";
                (Code::NoSuchDistribution, format!("The distribution {distribution} does not exist"), hint.to_owned())
            }
            (Class::Denied, code) => {
                let message = format!("The credentials are not allowed to {verb} the distribution {distribution}");
                let partition = partition(&self.details.service.region);
                let kind = if self.operation.ends_with("Tenant") { "distribution-tenant" } else { "distribution" };
                let resource = format!("arn:{partition}:cloudfront::<account>:{kind}/{distribution}");
                let (action, resource) = self
                    .details
                    .message
                    .as_deref()
                    .and_then(named_in)
                    .unwrap_or_else(|| (format!("cloudfront:{}", self.operation), resource));
                let hint = change(code).map_or_else(|| format!("Allow {action} on {resource}."), str::to_owned);
                (Code::AccessDenied, message, hint)
            }
            (Class::Refused | Class::Unsupported, code) => {
                let message = format!("CloudFront refused to {verb} the distribution {distribution}");
                (Code::Refused, message, change_first(code).to_owned())
            }
            _ => {
                let message = format!("CloudFront could not {verb} the distribution {distribution}");
                (Code::RefreshFailed, message, AGAIN.to_owned())
            }
        }
    }
}

/// Failures that have nothing to do with the object or the distribution.
fn of_any_service(class: Class, details: &Details, status: Option<u16>) -> Option<(Code, String, String)> {
    let service = &details.service;
    Some(match class {
        Class::NoEndpoint => {
            let message = format!("The AWS settings give no endpoint for {}", service.name);
            (Code::Configuration, message, no_endpoint(details.message.as_deref().unwrap_or_default()).to_owned())
        }
        Class::Untrusted => {
            (Code::Unreachable, format!("The certificate of {service} cannot be trusted"), TRUST.to_owned())
        }
        Class::NoCredentials => {
            let hint = "Run `aws login`, `aws sso login` or `aws configure`, or set AWS_PROFILE; in a pipeline, \
                configure it to assume a role.";
            (Code::NoCredentials, "No AWS credentials were found".to_owned(), hint.to_owned())
        }
        Class::FailedCredentials => {
            let failure = details.provider.as_ref()?;
            (failure.code, failure.message.clone(), failure.hint.clone())
        }
        Class::ExpiredCredentials => {
            let hint =
                "Sign in again, for example with `aws login` or `aws sso login`, and run the same command again.";
            (Code::ExpiredCredentials, "The AWS credentials have expired".to_owned(), hint.to_owned())
        }
        Class::Throttled => {
            let hint = "Run the same command again in a minute; finished work is not repeated.";
            (Code::Throttled, format!("{service} keeps throttling requests"), hint.to_owned())
        }
        Class::Unavailable => match status {
            None => does_not_respond(service),
            Some(200..=299) => {
                (Code::Aws, format!("{service} keeps ending its responses with an error"), AGAIN.to_owned())
            }
            Some(status) => (Code::Aws, format!("{service} keeps responding with status {status}"), AGAIN.to_owned()),
        },
        _ => return None,
    })
}

/// No answer. AWS has an endpoint in each of its regions, so the configured region may not exist.
fn does_not_respond(service: &Service) -> (Code, String, String) {
    let region = &service.region;
    if service.endpoint.is_none() && !looks_like_a_region(region) {
        let hint = "Regions have names like `eu-central-1`. Set the bucket's region with --region or as `region` in publish.toml.";
        return (Code::Configuration, format!("`{region}` is not an AWS region"), hint.to_owned());
    }
    let hint = match service.endpoint {
        Some(_) => "Check the endpoint and the network, then run the same command again.".to_owned(),
        None => {
            format!("Check that `{region}` is the bucket's region, and the network; then run the same command again.")
        }
    };
    (Code::Unreachable, format!("{service} does not respond"), hint)
}

/// Words of small letters, then a number: `eu-central-1`, `us-gov-west-1`. The zone `eu-central-1a` is not a region.
fn looks_like_a_region(name: &str) -> bool {
    let words: Vec<&str> = name.split('-').collect();
    let is_made_of =
        |word: &str, is_right: fn(&u8) -> bool| !word.is_empty() && word.bytes().all(|byte| is_right(&byte));
    matches!(words.as_slice(), [names @ .., number] if names.len() > 1
        && is_made_of(number, u8::is_ascii_digit)
        && names.iter().all(|name| is_made_of(name, u8::is_ascii_lowercase)))
}

/// What to change if the SDK's endpoint rules end with `rule`.
fn no_endpoint(rule: &str) -> &'static str {
    let rule = rule.to_ascii_lowercase();
    match (rule.contains("fips"), rule.contains("dual")) {
        (true, false) => "Unset AWS_USE_FIPS_ENDPOINT, or remove `use_fips_endpoint` from the AWS profile.",
        (false, true) => "Unset AWS_USE_DUALSTACK_ENDPOINT, or remove `use_dualstack_endpoint` from the AWS profile.",
        (true, true) => {
            "Unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, or remove `use_fips_endpoint` and \
             `use_dualstack_endpoint` from the AWS profile."
        }
        (false, false) => "Correct the bucket's name, the region or the endpoint: the cause says which.",
    }
}

/// The action and the resource of "… is not authorized to perform: ACTION on resource: ARN because …".
fn named_in(message: &str) -> Option<(String, String)> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    let (action, rest) = rest.split_once(" on resource: ")?;
    let resource = rest.split_whitespace().next()?.trim_matches('"');
    Some((action.to_owned(), resource.to_owned()))
}

fn verb(operation: &str) -> &'static str {
    match operation {
        "GetObject" | "HeadObject" => "read",
        "CopyObject" => "copy to",
        "DeleteObjects" => "remove",
        "ListObjectsV2" => "list",
        "CreateInvalidation"
        | "CreateInvalidationForDistributionTenant"
        | "GetInvalidation"
        | "GetInvalidationForDistributionTenant" => "refresh",
        "GetDistribution" | "GetDistributionConfig" | "GetDistributionTenant" => "read the configuration of",
        _ => "store",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_region_is_told_from_one_that_does_not_answer() {
        let of = |region: &str, endpoint: Option<&str>| {
            let endpoint = endpoint.map(str::to_owned);
            does_not_respond(&Service { name: "S3", endpoint, region: region.to_owned(), owner: None })
        };
        for region in ["eu-central-1", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1", "eu-west-99"] {
            let (code, _, hint) = of(region, None);
            assert!(
                code == Code::Unreachable && hint.contains(&format!("`{region}` is the bucket's region")),
                "{hint}"
            );
        }
        for region in ["EU", "europe", "eu-central-1a", "eu-1", "EU-WEST-1", "-west-1", ""] {
            assert_eq!(of(region, None).0, Code::Configuration, "{region}");
            assert_eq!(
                of(region, Some("https://s3.example.com")).0,
                Code::Unreachable,
                "other stores call theirs as they like"
            );
        }
    }

    #[test]
    fn what_aws_says_is_not_allowed_is_what_to_allow() {
        let message = "User: arn:aws:iam::000000000000:user/ci is not authorized to perform: kms:GenerateDataKey on \
                       resource: arn:aws:kms:eu-west-1:000000000000:key/1 because no identity-based policy allows it";
        let (action, resource) = named_in(message).unwrap();
        assert_eq!(action, "kms:GenerateDataKey");
        assert_eq!(resource, "arn:aws:kms:eu-west-1:000000000000:key/1");
        assert_eq!(named_in("Access Denied"), None);
    }
}

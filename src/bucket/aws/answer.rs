//! A failed request, parsed in one place; refusals.rs says what its code and status mean.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http::endpoint::error::ResolveEndpointError;

use super::credentials::{Lacking, lacking};
use super::provider::ProviderFailure;
pub(super) use super::provider::chain;
use super::refusals::{Class, change, class_of};
use super::roots::is_of_certificate;
use crate::release::layout::Address;

/// How much of a code and of a message is shown, in characters. AWS's longest messages explain a policy in about 400.
const MOST_SAID: usize = 600;

/// The service, and what all requests to it have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// `S3` or `CloudFront`.
    pub(super) name: &'static str,
    /// A custom endpoint.
    pub(super) endpoint: Option<String>,
    /// The region requests are signed for.
    pub(super) region: String,
    /// The account that must own the buckets; sent with every request to S3.
    pub(super) owner: Option<String>,
}

impl Service {
    /// What to do if the service lacks something that a site needs.
    pub(super) fn what_can_hold_a_site(&self) -> &'static str {
        match self.endpoint {
            Some(_) => "Use another store: docs/stores.md lists what a site needs and which stores provide it.",
            None => "Use a general purpose bucket: other kinds of bucket lack features that a site needs.",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Some(endpoint) => write!(formatter, "{} at {endpoint}", self.name),
            // All regions of a partition share one API endpoint.
            None if self.name == "CloudFront" => formatter.write_str(self.name),
            None => write!(formatter, "{} in {}", self.name, self.region),
        }
    }
}

/// One line of the causes of a failure, and the next one.
#[derive(Debug)]
pub(super) struct Cause {
    text: String,
    beneath: Option<Box<Cause>>,
}

impl Cause {
    /// `texts` from the outermost on, without repetitions and the SDK's generic phrases.
    fn chain(texts: Vec<String>) -> Option<Box<Cause>> {
        let mut texts: Vec<String> = texts
            .into_iter()
            .filter(|text| !["", "other", "io error", "service error"].contains(&text.as_str()))
            .collect();
        texts.dedup();
        texts.into_iter().rev().fold(None, |beneath, text| Some(Box::new(Cause { text, beneath })))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.beneath.as_deref().map(|cause| cause as &dyn StdError)
    }
}

/// A failed request, parsed once.
#[derive(Debug)]
pub(super) struct FailedRequest {
    pub(super) class: Class,
    pub(super) code: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) request_id: Option<String>,
    /// The bucket's region, according to S3.
    pub(super) region: Option<String>,
    /// AWS's own message.
    pub(super) message: Option<String>,
    /// Why there are no credentials.
    pub(super) provider: Option<ProviderFailure>,
    pub(super) cause: Option<Box<Cause>>,
}

impl FailedRequest {
    /// Parses the SDK's error: an answer, or the lack of one.
    pub(super) fn of<E>(service: &Service, error: &SdkError<E>) -> FailedRequest
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        match error {
            SdkError::ServiceError(refusal) => FailedRequest::of_refusal(service, refusal.err(), refusal.raw()),
            SdkError::TimeoutError(_) => {
                FailedRequest::new(Class::Unavailable, vec!["timed out waiting for a response".to_owned()])
            }
            SdkError::ConstructionFailure(_) => FailedRequest::of_chain(Class::Other, error),
            SdkError::DispatchFailure(failure) if failure.is_user() => FailedRequest::of_chain(Class::Other, error),
            _ => FailedRequest::of_chain(Class::Unavailable, error),
        }
    }

    /// A failure without a request or with a complete answer.
    pub(super) fn new(class: Class, causes: Vec<String>) -> FailedRequest {
        let cause = Cause::chain(causes);
        FailedRequest {
            class,
            code: None,
            status: None,
            request_id: None,
            region: None,
            message: None,
            provider: None,
            cause,
        }
    }

    /// An answer that broke off, or a file that cannot be read.
    pub(super) fn of_error(class: Class, error: &(dyn StdError + 'static)) -> FailedRequest {
        FailedRequest::new(class, chain(error).map(ToString::to_string).collect())
    }

    /// The refusal of one of many keys, which has no status of its own.
    pub(super) fn of_key(service: &Service, code: Option<&str>, message: Option<&str>) -> FailedRequest {
        let class = class_of(None, code, None);
        let said = format!("{service} answered {}", said(None, code, message));
        FailedRequest {
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
            ..FailedRequest::new(class, vec![said])
        }
    }

    fn of_refusal<E: ProvideErrorMetadata>(
        service: &Service,
        error: &E,
        response: &aws_smithy_runtime_api::client::orchestrator::HttpResponse,
    ) -> FailedRequest {
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).map(str::to_owned);
        let body = response.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let region = header("x-amz-bucket-region").or_else(|| element(&body, "Region"));
        let region = region.filter(|region| *region != service.region);
        let request_id = header("x-amz-request-id").or_else(|| header("x-amzn-requestid"));
        let code = error.code();
        let mut causes = vec![format!("{service} answered {}", said(Some(status), code, error.message()))];
        causes.extend(request_id.as_ref().map(|id| format!("request id {id}")));
        FailedRequest {
            class: class_of(Some(status), code, region.as_deref()),
            code: code.map(str::to_owned),
            status: Some(status),
            request_id,
            region,
            message: error.message().map(str::to_owned),
            provider: None,
            cause: Cause::chain(causes),
        }
    }

    fn of_chain(class: Class, error: &(dyn StdError + 'static)) -> FailedRequest {
        let mut texts: Vec<String> = chain(error).skip(1).map(ToString::to_string).collect();
        let lacking = lacking(chain(error));
        if lacking.is_some() {
            texts = places(&texts);
        }
        let (class, provider) = match lacking {
            Some(Lacking::All) => (Class::NoCredentials, None),
            Some(Lacking::Expired) => (Class::ExpiredCredentials, None),
            Some(Lacking::Failed(failure)) => {
                texts.retain(|text| !failure.message.ends_with(text.as_str()));
                (Class::FailedCredentials, Some(failure))
            }
            None if chain(error).any(is_of_certificate) => (Class::Untrusted, None),
            None => match chain(error).find(|cause| cause.is::<ResolveEndpointError>()) {
                Some(rule) => {
                    return FailedRequest {
                        message: Some(rule.to_string()),
                        ..FailedRequest::new(Class::NoEndpoint, texts)
                    };
                }
                None => (class, None),
            },
        };
        FailedRequest { provider, ..FailedRequest::new(class, texts) }
    }
}

/// The SDK's long message about missing credentials.
const WORDS: [&str; 4] = [
    "an error occurred while loading credentials",
    "the credential provider was not enabled",
    "the credentials provider was not properly configured",
    "unexpected credentials error",
];

/// `texts` without that. What aws-config 1.13 (src/meta.rs) reports of each place where it looked for credentials, one line each,
/// becomes a text of its own.
fn places(texts: &[String]) -> Vec<String> {
    let without =
        |line: &str| WORDS.iter().fold(line.trim().to_owned(), |line, words| line.replace(&format!("{words}: "), ""));
    let lines = texts.iter().flat_map(|text| text.lines()).map(without);
    lines.filter(|line| !WORDS.contains(&line.as_str()) && !line.ends_with("Attempted:")).collect()
}

fn said(status: Option<u16>, code: Option<&str>, message: Option<&str>) -> String {
    let mut words: Vec<String> = status.iter().map(ToString::to_string).collect();
    words.extend(code.map(shortened));
    let answer = words.join(" ");
    match message {
        Some(message) if !message.is_empty() => format!("{answer}: {}", shortened(message)),
        _ => answer,
    }
}

/// Text from other programs may have any length.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SAID) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The text of the first `<name>` in an error document.
pub(super) fn element(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    Some(text.to_owned())
}

/// Why a request to S3 failed.
#[derive(Debug)]
pub struct StoreError {
    /// AWS's name of the operation, such as `PutObject`.
    pub operation: &'static str,
    /// The object; for a failed listing, the prefix.
    pub address: Box<Address>,
    /// Its meaning.
    pub class: Class,
    /// AWS's code, such as `AccessDenied`.
    pub code: Option<String>,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// S3's request id, for AWS support.
    pub request_id: Option<String>,
    pub(super) details: Box<Details>,
}

/// Details that only the messages need.
#[derive(Debug)]
pub(super) struct Details {
    pub(super) service: Service,
    pub(super) region: Option<String>,
    pub(super) message: Option<String>,
    /// Why there are no credentials.
    pub(super) provider: Option<ProviderFailure>,
    /// The file that was being sent.
    pub(super) file: Option<PathBuf>,
    pub(super) cause: Option<Box<Cause>>,
}

impl StoreError {
    pub(super) fn new(
        operation: &'static str,
        address: &Address,
        service: &Service,
        answer: FailedRequest,
    ) -> StoreError {
        let FailedRequest { class, code, status, request_id, region, message, provider, cause } = answer;
        let details = Details { service: service.clone(), region, message, provider, file: None, cause };
        let address = Box::new(address.clone());
        StoreError { operation, address, class, code, status, request_id, details: Box::new(details) }
    }

    /// Adds the file that was being sent.
    pub(super) fn of_file(mut self, file: &std::path::Path) -> StoreError {
        self.details.file = Some(file.to_owned());
        self
    }

    /// Whether the credentials lack the permission.
    pub fn is_denied(&self) -> bool {
        self.class == Class::Denied
    }

    /// Whether the same request is certain to be refused again until the cause is changed.
    pub fn is_refused_for_good(&self) -> bool {
        match self.class {
            Class::Denied | Class::Unsupported => true,
            Class::Refused => change(self.code.as_deref()).is_some(),
            _ => false,
        }
    }
}

/// Why a request to CloudFront failed.
#[derive(Debug)]
pub struct CdnError {
    /// AWS's name of the operation, such as `CreateInvalidation`.
    pub operation: &'static str,
    /// The distribution.
    pub distribution: String,
    /// Its meaning.
    pub class: Class,
    /// AWS's code, such as `AccessDenied`.
    pub code: Option<String>,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// CloudFront's request id, for AWS support.
    pub request_id: Option<String>,
    pub(super) details: Box<Details>,
}

impl CdnError {
    pub(super) fn new(
        operation: &'static str,
        distribution: &str,
        service: &Service,
        answer: FailedRequest,
    ) -> CdnError {
        let FailedRequest { class, code, status, request_id, region, message, provider, cause } = answer;
        let details = Details { service: service.clone(), region, message, provider, file: None, cause };
        let distribution = distribution.to_owned();
        CdnError { operation, distribution, class, code, status, request_id, details: Box::new(details) }
    }

    /// Whether the credentials lack the permission.
    pub fn is_denied(&self) -> bool {
        self.class == Class::Denied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_passed_on_up_to_a_length() {
        assert_eq!(said(Some(403), Some("AccessDenied"), Some("no")), "403 AccessDenied: no");
        assert_eq!(said(None, Some("AccessDenied"), None), "AccessDenied");
        let long = said(Some(400), Some("InvalidRequest"), Some(&"ä".repeat(10_000)));
        assert_eq!(long.chars().count(), "400 InvalidRequest: ".len() + MOST_SAID + 1);
        assert!(long.ends_with("ä…"));
    }

    #[test]
    fn causes_say_nothing_twice() {
        let chained = Cause::chain(vec!["a".to_owned(), "a".to_owned(), String::new(), "b".to_owned()]).unwrap();
        let texts: Vec<String> = chain(&*chained).map(ToString::to_string).collect();
        assert_eq!(texts, ["a", "b"]);
    }
}

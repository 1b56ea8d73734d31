//! AWS: the only module that uses its SDK. It returns this project's own types, and errors for people.

mod addresses;
mod adopt;
mod answer;
mod api;
mod attempts;
mod body;
mod cdn;
mod configuration;
mod connection;
mod credentials;
mod download;
mod fetch;
mod multipart;
mod object;
mod pace;
mod patience;
mod probe;
mod profile;
mod provider;
mod provider_failure;
mod refusals;
mod roots;
mod sentences;
mod sockets;
mod store;
mod tenant;
mod term;
#[cfg(test)]
mod tests;
mod thinking;
mod uplink;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_types::service_config::ServiceConfigKey;

use crate::config::environment::{Access, Environment, LinkSettings};
use crate::report::error::{Code, Problem};
use crate::types::digest::Digest;
use crate::types::partition::is_s3_of_aws;
use crate::types::text::without_user;

pub use answer::{CdnError, StoreError};
pub use api::Api;
pub use attempts::RequestCounter;
pub use cdn::{Cdn, Configuration};
pub use credentials::Lookups;
pub use download::Download;
pub use fetch::{Encoding, FetchError, Fetcher, NoAnswer, SiteAnswer};
pub use object::{AtRest, ObjectInfo};
pub use pace::MOST_AT_ONCE;
pub use refusals::Class;
pub use store::{Fetched, Listed, MAX_DELETED_AT_ONCE, Store};
pub use term::Term;
pub use upload::Condition;

use answer::Service;
use attempts::Watch;
use connection::Persistent;
use pace::Pace;
use patience::patient;
use profile::Profile;
use roots::Bundle;
use uplink::Uplink;

/// How long connecting may take, including TLS: on a slow link with many requests under way, several round trips.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Attempts of one request, including the first.
const MAX_ATTEMPTS: u32 = 8;

/// The region in signatures for services that have no regions.
const NO_REGION: &str = "us-east-1";

/// Everything a run needs of AWS, and a client for the site as visitors get it.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The objects.
    pub store: Store,
    /// The distribution in front of them, if the environment has one.
    pub cdn: Option<Cdn>,
    /// The requests that were sent to S3 and CloudFront.
    pub requests: RequestCounter,
    /// Fetches what visitors get.
    pub fetcher: Fetcher,
    /// Whether credentials are being looked up.
    pub lookups: Lookups,
}

impl Aws {
    /// Prepares access to `environment`. Sends no request: the first one shows whether access works.
    ///
    /// # Errors
    /// [`Code::Configuration`], if no region is set for the bucket, or an endpoint is not a URL.
    pub async fn connect(environment: &Environment) -> Result<Aws, Problem> {
        Aws::connect_counting(environment, RequestCounter::default(), Lookups::default()).await
    }

    /// As [`Aws::connect`], for another environment that this run uses too: its requests are counted together with
    /// those of this one.
    pub async fn connect_beside(&self, environment: &Environment) -> Result<Aws, Problem> {
        Aws::connect_counting(environment, self.requests.clone(), self.lookups.clone()).await
    }

    async fn connect_counting(
        environment: &Environment,
        requests: RequestCounter,
        lookups: Lookups,
    ) -> Result<Aws, Problem> {
        let access = &environment.access;
        let region = region(access).await?;
        check_region(&region)?;
        let bundle = bundle(access, &region).await?;
        let client = connection::client(&bundle);
        let config = load(access, region, &client, &lookups).await;
        let store = connect_store(environment, &config, &client, &bundle, &requests)?;
        let cdn = match &environment.distribution {
            Some(distribution) => Some(connect_cloudfront(environment, distribution, &config, &client, &requests)?),
            None => None,
        };
        Ok(Aws { store, cdn, requests, fetcher: Fetcher::new(bundle), lookups })
    }
}

/// The certificates to trust besides the machine's. The sandbox needs none: it uses no TLS and no AWS service.
async fn bundle(access: &Access, region: &Region) -> Result<Bundle, Problem> {
    if access.static_keys.is_some() {
        return Ok(Bundle::default());
    }
    // Retries are set explicitly: the SDK panics if variables name an unknown retry mode.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region.clone())
        .retry_config(RetryConfig::standard());
    if let Some(profile) = &access.profile {
        loader = loader.profile_name(profile);
    }
    let files = loader.http_client(connection::client(&Bundle::default())).load().await;
    Bundle::of(&files)
}

/// AWS's own environment variables and files, overridden by the environment's settings.
async fn load(access: &Access, region: Region, client: &SharedHttpClient, lookups: &Lookups) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(MAX_ATTEMPTS)
                .with_initial_backoff(Duration::from_millis(100))
                .with_max_backoff(Duration::from_secs(5)),
        )
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_WITHIN).build())
        .identity_cache(IdentityCache::lazy().load_timeout(credentials::SDK_WAITS).build())
        .stalled_stream_protection(standstill(&access.link));
    if let Some(profile) = &access.profile {
        // A profile that the user named takes precedence over keys in the environment, as with `aws --profile`.
        let config = ProviderConfig::without_region().with_region(Some(region.clone()));
        let provider = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(provider);
    }
    if let Some((id, secret)) = &access.static_keys {
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "sandbox"));
    }
    // If no certificates can be read, the SDK's own client panics in debug builds.
    loader = loader.http_client(Persistent::new(client.clone()));
    let profile = match access.static_keys {
        Some(_) => Profile::default(),
        None => Profile::selected(access.profile.as_deref()).await,
    };
    let config = with_patience(loader.region(region).load().await, &profile, lookups);
    let Some(role) = &access.role_arn else { return config };
    // The credentials that the role is assumed with are checked as well.
    let role = AssumeRoleProvider::builder(role).session_name("publish").configure(&config).build().await;
    let config = config.into_builder().credentials_provider(SharedCredentialsProvider::new(role)).build();
    with_patience(config, &profile, lookups)
}

/// Limits how long a provider of credentials may take, and checks what it returns.
fn with_patience(config: SdkConfig, profile: &Profile, lookups: &Lookups) -> SdkConfig {
    let patient = |provider| credentials::Patient::new(provider, profile.clone(), lookups.clone());
    let provider = config.credentials_provider().map(|provider| SharedCredentialsProvider::new(patient(provider)));
    let mut builder = config.into_builder();
    builder.set_credentials_provider(provider);
    builder.build()
}

/// A download may stall as long as an upload. For uploads, the SDK counts the bytes that it hands to the
/// connection in every second, and mistakes a slow link for a stalled one: [`patience`] limits those instead.
fn standstill(link: &LinkSettings) -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::enabled().upload_enabled(false).grace_period(link.stalled).build()
}

/// The bucket's region from the environment, AWS's variables or its files. Does not query the machine, as the
/// SDK would: that is a request, and a bucket need not be in the machine's region.
async fn region(access: &Access) -> Result<Region, Problem> {
    if let Some(region) = &access.region {
        return Ok(Region::new(region.clone()));
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &access.profile {
        profile = profile.profile_name(name);
    }
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build());
    match chain.region().await {
        Some(region) => Ok(region),
        // Other stores have no regions, but signatures contain one all the same.
        None if access.s3_endpoint.is_some() => Ok(Region::from_static(NO_REGION)),
        None => Err(Problem::new(Code::Configuration, "No region is set for the bucket")
            .hint("Set `region` in publish.toml, give `--region`, or set AWS_REGION.")),
    }
}

/// It becomes part of a host name, and the SDK panics if it cannot.
fn check_region(region: &Region) -> Result<(), Problem> {
    let name = region.as_ref();
    let is_label = name.len() <= 63 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_label {
        return Ok(());
    }
    Err(Problem::new(Code::Configuration, format!("{name:?} is not a valid region name")).hint(
        "Use AWS's name, such as `eu-central-1`: with --region, as `region` in publish.toml, or in the AWS \
         configuration files.",
    ))
}

/// The retry quota never runs out: with the SDK's shared token bucket, a burst of refusals takes the retries from all other
/// requests (AWS.md 5.8).
fn retry_partition(name: &'static str) -> RetryPartition {
    RetryPartition::custom(name).token_bucket(TokenBucket::unlimited()).build()
}

fn connect_store(
    environment: &Environment,
    config: &SdkConfig,
    client: &SharedHttpClient,
    bundle: &Bundle,
    requests: &RequestCounter,
) -> Result<Store, Problem> {
    let access = &environment.access;
    let at_once = access.link.concurrency.min(sockets::room());
    let uplink = Uplink::new(access.link);
    let watch = Watch::new(requests.clone(), Pace::new(at_once));
    let endpoint = endpoint(access.s3_endpoint.as_deref(), config, "S3")?;
    let mut builder = aws_sdk_s3::config::Builder::from(config)
        .http_client(patient(client, access.link, &uplink))
        .retry_partition(retry_partition("publish-s3"))
        .interceptor(watch.clone())
        .retry_classifier(watch.clone())
        // The checksums are our own: of the whole file, known before it is sent. A second one would be hashed for nothing,
        // and the parts of a multipart upload must have the same kind as the object (AWS.md 4.3, 5.3).
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    if let Some(endpoint) = &endpoint {
        builder = builder
            .endpoint_url(endpoint)
            .force_path_style(true)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    }
    let region = config.region().map_or_else(String::new, ToString::to_string);
    let service = Service {
        name: "S3",
        endpoint: endpoint.as_deref().map(without_user),
        region,
        owner: access.expected_bucket_owner.clone(),
    };
    let settings = store::Settings {
        site: environment.layout.identity().clone(),
        encryption: access.encryption.clone(),
        to_be_proven: to_be_proven(access, endpoint.as_deref()),
        service,
        link: access.link,
        bundle: bundle.clone(),
        max_listed: store::MAX_LISTED,
    };
    Ok(Store::new(aws_sdk_s3::Client::from_conf(builder.build()), Arc::new(settings), watch, uplink))
}

fn connect_cloudfront(
    environment: &Environment,
    distribution: &str,
    config: &SdkConfig,
    client: &SharedHttpClient,
    requests: &RequestCounter,
) -> Result<Cdn, Problem> {
    let link = environment.access.link;
    let watch = Watch::new(requests.clone(), Pace::new(link.concurrency));
    let endpoint = endpoint(environment.access.cloudfront_endpoint.as_deref(), config, "CloudFront")?;
    let mut builder = aws_sdk_cloudfront::config::Builder::from(config)
        .http_client(patient(client, link, &Uplink::new(link)))
        .retry_partition(retry_partition("publish-cloudfront"))
        .interceptor(watch.clone())
        .retry_classifier(watch);
    if let Some(endpoint) = &endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    // The SDK's rules give the API's endpoint for the bucket's partition, and the region that signs requests to it.
    let region = config.region().map_or_else(String::new, ToString::to_string);
    let service = Service { name: "CloudFront", endpoint: endpoint.as_deref().map(without_user), region, owner: None };
    let client = aws_sdk_cloudfront::Client::from_conf(builder.build());
    Ok(Cdn::new(client, service, distribution, environment.invalidation.timeout))
}

/// A custom endpoint: the one `given`, or else the one in AWS's variables (`AWS_ENDPOINT_URL_S3`,
/// `AWS_ENDPOINT_URL`) or files, found as the SDK finds it. Stores other than AWS get path-style requests.
fn endpoint(given: Option<&str>, config: &SdkConfig, service: &str) -> Result<Option<String>, Problem> {
    let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let configured = || config.service_config().zip(key.ok()).and_then(|(files, key)| files.load_config(key));
    let endpoint = given.map(str::to_owned).or_else(configured).or_else(|| config.endpoint_url().map(str::to_owned));
    match endpoint {
        Some(endpoint) if !is_url(&endpoint) => {
            let message = format!("The endpoint for {service}, {:?}, is not a URL", without_user(&endpoint));
            Err(Problem::new(Code::Configuration, message).hint("Write it as `https://host` or `http://host:port`."))
        }
        endpoint => Ok(endpoint),
    }
}

/// The store that must be tested, by the digest of its endpoint: scheme, host, port and path, without possible secrets.
/// AWS's endpoints need no test, nor does the sandbox, the only store that is used with keys of this program.
fn to_be_proven(access: &Access, endpoint: Option<&str>) -> Option<Digest> {
    let endpoint = endpoint.filter(|_| access.static_keys.is_none())?;
    let (scheme, rest) = endpoint.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let place = format!("{}://{host}/{}", scheme.to_ascii_lowercase(), path.trim_matches('/'));
    (!is_s3_of_aws(&host)).then(|| Digest::of(place.as_bytes()))
}

fn is_url(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty()) && HttpRequest::get(text).is_ok()
}

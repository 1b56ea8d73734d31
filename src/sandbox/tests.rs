//! The sandbox seen through the real SDK clients, over loopback HTTP.
#![expect(clippy::disallowed_methods, reason = "tests look at the disk, read the clock and start processes")]

mod cloudfront;
mod copies;
mod durability;
mod faults;
mod limits;
mod listing;
mod load;
mod multipart;
mod objects;
mod site;
mod strictness;
mod takeover;

use std::collections::BTreeMap;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;

use super::{Keys, Options, Sandbox};

const BUCKET: &str = "sandbox";

fn credentials(keys: &Keys) -> Credentials {
    Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "sandbox")
}

async fn start() -> Sandbox {
    Sandbox::start(Options::default()).await.expect("the sandbox starts")
}

fn s3_config(sandbox: &Sandbox) -> aws_sdk_s3::config::Builder {
    s3_config_at(sandbox.s3_endpoint(), sandbox.keys())
}

fn s3_config_at(endpoint: &str, keys: &Keys) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials(keys))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
}

fn s3(sandbox: &Sandbox) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(s3_config(sandbox).build())
}

fn cloudfront(sandbox: &Sandbox) -> aws_sdk_cloudfront::Client {
    let config = aws_sdk_cloudfront::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials(sandbox.keys()))
        .endpoint_url(sandbox.cloudfront_endpoint())
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .build();
    aws_sdk_cloudfront::Client::from_conf(config)
}

/// Puts a small object and returns its ETag with quotation marks.
async fn put(client: &aws_sdk_s3::Client, key: &str, body: &'static [u8]) -> String {
    let put = client.put_object().bucket(BUCKET).key(key).content_type("text/plain");
    let answer = put.body(ByteStream::from_static(body)).send().await.expect("the object is put");
    answer.e_tag.expect("an ETag")
}

/// The status and code of a refusal.
fn refusal<T, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E, aws_sdk_s3::config::http::HttpResponse>>,
) -> (u16, String) {
    match result {
        Ok(_) => panic!("the request was not refused"),
        Err(SdkError::ServiceError(error)) => {
            (error.raw().status().as_u16(), error.err().code().unwrap_or_default().to_owned())
        }
        Err(other) => panic!("no answer: {other:?}"),
    }
}

fn metadata(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

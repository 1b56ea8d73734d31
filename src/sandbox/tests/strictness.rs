//! What S3 refuses.

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Credentials, Intercept, Region, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{BUCKET, put, refusal, s3, s3_config, start};
use crate::sandbox::Sandbox;

fn body() -> ByteStream {
    ByteStream::from_static(b"hello")
}

#[tokio::test]
async fn wrong_credentials_and_regions_are_refused() {
    let sandbox = start().await;
    let list = |config: aws_sdk_s3::config::Builder| {
        aws_sdk_s3::Client::from_conf(config.build()).list_objects_v2().bucket(BUCKET).send()
    };
    let with = |id: &str, secret: &str| {
        s3_config(&sandbox).credentials_provider(Credentials::new(id, secret, None, None, "test"))
    };
    let wrong = list(with(&sandbox.keys().access_key_id, "wrong")).await;
    assert_eq!(refusal(wrong), (403, "SignatureDoesNotMatch".into()));
    assert_eq!(refusal(list(with("OTHER", "wrong")).await), (403, "InvalidAccessKeyId".into()));
    let elsewhere = list(s3_config(&sandbox).region(Region::new("eu-west-1"))).await;
    assert_eq!(refusal(elsewhere), (400, "AuthorizationHeaderMalformed".into()));
    let anonymous = list_unsigned(&sandbox).await;
    assert!(anonymous.starts_with("HTTP/1.1 403"), "{anonymous}");
    assert!(anonymous.contains("<Code>AccessDenied</Code>"), "{anonymous}");
    sandbox.stop().await;
}

async fn list_unsigned(sandbox: &Sandbox) -> String {
    let address = sandbox.s3_endpoint().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET /{BUCKET}?list-type=2 HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn another_owner_is_refused() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let put = || client.put_object().bucket(BUCKET).key("k").body(body());
    let other = put().expected_bucket_owner("111111111111").send().await;
    assert_eq!(refusal(other), (403, "AccessDenied".into()));
    put().expected_bucket_owner("000000000000").send().await.expect("the owner");
    let copy = client.copy_object().bucket(BUCKET).key("c").copy_source("sandbox/k");
    let other = copy.expected_source_bucket_owner("111111111111").send().await;
    assert_eq!(refusal(other), (403, "AccessDenied".into()));
    sandbox.stop().await;
}

#[tokio::test]
async fn bytes_must_be_what_was_announced() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let request = || client.put_object().bucket(BUCKET).key("k").body(body());
    let sha256 = "AAAAul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    assert_eq!(refusal(request().checksum_sha256(sha256).send().await), (400, "BadDigest".into()));
    let md5 = request().content_md5("AAAAKkuyp2jZ4mvmCQpwMA==").send().await;
    assert_eq!(refusal(md5), (400, "BadDigest".into()));
    assert_eq!(refusal(request().content_md5("nonsense").send().await), (400, "InvalidDigest".into()));
    let two = request().checksum_sha256(sha256).checksum_crc32("AAAAAA==").send().await;
    assert_eq!(refusal(two), (400, "InvalidRequest".into()));
    assert!(sandbox.objects(BUCKET).is_empty());
    request().content_md5("XUFAKrxLKna5cZ2REBfFkg==").send().await.expect("the right sum");
    sandbox.stop().await;
}

/// Changes a request after it was signed.
#[derive(Debug)]
struct Tamper(fn(&mut aws_sdk_s3::config::http::HttpRequest));

impl Intercept for Tamper {
    fn name(&self) -> &'static str {
        "Tamper"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        (self.0)(context.request_mut());
        Ok(())
    }
}

#[tokio::test]
async fn what_was_signed_cannot_be_changed() {
    let sandbox = start().await;
    let put = |tamper| {
        let client = aws_sdk_s3::Client::from_conf(s3_config(&sandbox).interceptor(Tamper(tamper)).build());
        client.put_object().bucket(BUCKET).key("k").body(body()).send()
    };
    let bytes = put(|request| *request.body_mut() = "jello".into()).await;
    assert_eq!(refusal(bytes), (400, "XAmzContentSHA256Mismatch".into()));
    let header = put(|request| {
        request.headers_mut().insert("content-type", "text/html");
    });
    assert_eq!(refusal(header.await), (403, "SignatureDoesNotMatch".into()));
    let late = put(|request| {
        request.headers_mut().insert("x-amz-date", "20200101T000000Z");
    });
    assert_eq!(refusal(late.await), (403, "RequestTimeTooSkewed".into()));
    assert!(sandbox.objects(BUCKET).is_empty());
    put(|_| ()).await.expect("untouched");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_bad_trailer_is_noticed() {
    let sandbox = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, vec![7; 100_000]).expect("a file");
    let stream = ByteStream::from_path(&path).await.expect("a stream");
    let sha256 = "AAAAul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let request = s3(&sandbox).put_object().bucket(BUCKET).key("k").checksum_sha256(sha256).body(stream);
    assert_eq!(refusal(request.send().await), (400, "BadDigest".into()));
    assert!(sandbox.objects(BUCKET).is_empty());
    sandbox.stop().await;
}

#[tokio::test]
async fn limits_hold() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let request = |key: String| client.put_object().bucket(BUCKET).key(key).body(body());
    request("k".repeat(1_024)).send().await.expect("as long as allowed");
    assert_eq!(refusal(request("k".repeat(1_025)).send().await), (400, "KeyTooLongError".into()));
    assert_eq!(refusal(request("é".repeat(513)).send().await), (400, "KeyTooLongError".into()));
    request("m".into()).metadata("a", "v".repeat(2_047)).send().await.expect("as much as allowed");
    let too_much = request("m".into()).metadata("a", "v".repeat(2_048)).send().await;
    assert_eq!(refusal(too_much), (400, "MetadataTooLarge".into()));
    let acl = request("m".into()).acl("public-read".into()).send().await;
    assert_eq!(refusal(acl), (400, "AccessControlListNotSupported".into()));
    let tagged = request("m".into()).tagging("a=b").send().await;
    assert_eq!(refusal(tagged), (501, "NotImplemented".into()));
    let policy = client.get_bucket_policy().bucket(BUCKET).send().await;
    assert_eq!(refusal(policy), (501, "NotImplemented".into()));
    sandbox.stop().await;
}

#[tokio::test]
async fn what_is_not_said_is_stored_as_s3_stores_it() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let config =
        s3_config(&sandbox).request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired);
    let silent = aws_sdk_s3::Client::from_conf(config.build());
    silent.put_object().bucket(BUCKET).key("k").content_type("").body(body()).send().await.expect("put");
    let stored = &sandbox.objects(BUCKET)["k"];
    assert_eq!(stored.content_type, "binary/octet-stream");
    assert_eq!(stored.checksums.keys().collect::<Vec<_>>(), ["crc64nvme"]);
    assert_eq!(stored.sse, "AES256");
    put(&client, "empty", b"").await;
    assert!(sandbox.objects(BUCKET)["empty"].bytes.is_empty());
    sandbox.stop().await;
}

#[tokio::test]
async fn buckets_know_their_region() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    let head = client.head_bucket().bucket(BUCKET).send().await.expect("head");
    assert_eq!(head.bucket_region(), Some("us-east-1"));
    assert_eq!(refusal(client.head_bucket().bucket("other").send().await).0, 404);
    client.create_bucket().bucket("other").send().await.expect("created");
    let again = client.create_bucket().bucket("other").send().await;
    assert_eq!(refusal(again), (409, "BucketAlreadyOwnedByYou".into()));
    let constraint = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1);
    let elsewhere = client.create_bucket().bucket("third").create_bucket_configuration(constraint.build());
    assert_eq!(refusal(elsewhere.send().await).1, "IllegalLocationConstraintException");
    let location = client.get_bucket_location().bucket(BUCKET).send().await.expect("location");
    assert!(location.location_constraint().is_none_or(|constraint| constraint.as_str().is_empty()));
    let error = client.get_object().bucket(BUCKET).key("none").send().await.expect_err("missing");
    assert!(error.into_service_error().meta().extra("aws_request_id").is_some());
    sandbox.stop().await;
}

#[tokio::test]
async fn a_bare_plus_in_a_path_is_a_space() {
    let sandbox = start().await;
    let client = s3(&sandbox);
    put(&client, "a b", b"space").await;
    put(&client, "a+b", b"plus").await;
    let get = |key: &str, tamper| {
        let client = aws_sdk_s3::Client::from_conf(s3_config(&sandbox).interceptor(Tamper(tamper)).build());
        client.get_object().bucket(BUCKET).key(key).send()
    };
    let plain = get("a+b", |_| ()).await.expect("the SDK writes %2B");
    assert_eq!(plain.body.collect().await.expect("bytes").into_bytes(), "plus");
    let bare = |request: &mut aws_sdk_s3::config::http::HttpRequest| {
        let uri = request.uri().replace("%20", "+").replace("%2B", "+");
        request.set_uri(uri).expect("a URI");
    };
    let space = get("a b", bare).await.expect("it is signed as S3 reads it");
    assert_eq!(space.body.collect().await.expect("bytes").into_bytes(), "space");
    assert_eq!(sandbox.requests().last().expect("a request").key, "a b");
    assert_eq!(refusal(get("a+b", bare).await), (403, "SignatureDoesNotMatch".into()));

    let copy = |source: &str| client.copy_object().bucket(BUCKET).key("copy").copy_source(source).send();
    for (source, bytes) in [("sandbox/a+b", "space"), ("sandbox/a%20b", "space"), ("sandbox/a%2Bb", "plus")] {
        copy(source).await.expect("a copy");
        assert_eq!(sandbox.objects(BUCKET)["copy"].bytes, bytes, "{source}");
    }
    sandbox.stop().await;
}

//! Which requests are refused, and how long the sandbox waits for a client.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{BUCKET, credentials, put, s3};
use crate::sandbox::{Options, Sandbox};

/// A sandbox with a very short time limit.
async fn impatient() -> Sandbox {
    let options = Options { patience: Duration::from_millis(100), ..Options::default() };
    Sandbox::start(options).await.expect("the sandbox starts")
}

fn address(endpoint: &str) -> &str {
    endpoint.trim_start_matches("http://")
}

/// Sends `text` and reads until the server closes the connection.
async fn answer_to(endpoint: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(address(endpoint)).await.expect("a connection");
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A connection that is reset is closed too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}

#[tokio::test]
async fn other_hosts_and_origins_are_refused_at_every_port() {
    let sandbox = Sandbox::start(Options::default()).await.expect("the sandbox starts");
    put(&s3(&sandbox), "index.html", b"hello").await;
    sandbox.clear_requests();
    for endpoint in [sandbox.s3_endpoint(), sandbox.cloudfront_endpoint(), sandbox.site_url()] {
        let own = address(endpoint);
        let request = |headers: &str| format!("GET / HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
        for headers in [
            "host: evil.example\r\n".to_owned(),
            format!("host: {own}\r\norigin: http://evil.example\r\n"),
            format!("host: {own}\r\norigin: null\r\n"),
            String::new(),
        ] {
            let answer = answer_to(endpoint, &request(&headers)).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{headers}{answer}");
            assert!(answer.contains("answers only what is asked of 127.0.0.1"), "{answer}");
        }
        assert!(sandbox.requests().is_empty(), "{:?}", sandbox.requests());
        let welcome = answer_to(endpoint, &request(&format!("host: {own}\r\norigin: http://{own}\r\n"))).await;
        assert!(!welcome.contains("answers only what"), "{welcome}");
        assert_eq!(sandbox.requests().len(), 1);
        sandbox.clear_requests();
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn keys_differ_and_are_not_printed() {
    let one = Sandbox::start(Options::default()).await.expect("the sandbox starts");
    let other = Sandbox::start(Options::default()).await.expect("the sandbox starts");
    assert_ne!(one.keys().access_key_id, other.keys().access_key_id);
    assert_ne!(one.keys().secret_access_key, other.keys().secret_access_key);
    assert_eq!(one.keys().secret_access_key.len(), 64);
    assert!(!format!("{one:?}").contains(&one.keys().secret_access_key));
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn connections_that_say_nothing_or_half_a_head_are_closed() {
    let sandbox = impatient().await;
    for endpoint in [sandbox.s3_endpoint(), sandbox.cloudfront_endpoint(), sandbox.site_url()] {
        for text in ["", "GET / HTTP/1.1\r\nhost: localhost\r\nx-half", "G"] {
            let answer = answer_to(endpoint, text).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_connection_that_is_kept_alive_for_nothing_is_closed() {
    let sandbox = impatient().await;
    let own = address(sandbox.site_url());
    let answer = answer_to(sandbox.site_url(), &format!("GET /none HTTP/1.1\r\nhost: {own}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let sandbox = impatient().await;
    let own = address(sandbox.cloudfront_endpoint());
    let head = format!("POST /2020-05-31/distribution/E1SANDBOX/invalidation HTTP/1.1\r\nhost: {own}\r\n");
    let half = format!("{head}content-length: 1000\r\n\r\nhalf");
    assert!(answer_to(sandbox.cloudfront_endpoint(), &half).await.starts_with("HTTP/1.1 4"));

    // A request that is valid except for the end of its body.
    let own = address(sandbox.s3_endpoint());
    let head = format!("PUT /{BUCKET}/k HTTP/1.1\r\nhost: {own}\r\ncontent-length: 5\r\n");
    let half = format!("{head}{}\r\nhe", signed_put(&sandbox, "k", b"hello"));
    let answer = answer_to(sandbox.s3_endpoint(), &half).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("<Code>RequestTimeout</Code>"), "{answer}");
    assert!(sandbox.objects(BUCKET).is_empty());
    sandbox.stop().await;
}

/// The header lines to put `body`.
fn signed_put(sandbox: &Sandbox, key: &str, body: &[u8]) -> String {
    let identity = credentials(sandbox.keys()).into();
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let signing = v4::SigningParams::builder().identity(&identity).region("us-east-1").name("s3");
    let signing = signing.time(SystemTime::now()).settings(settings).build().expect("parameters");
    let url = format!("{}/{BUCKET}/{key}", sandbox.s3_endpoint());
    let request = SignableRequest::new("PUT", url, std::iter::empty(), SignableBody::Bytes(body)).expect("a request");
    let (instructions, _) = sign(request, &signing.into()).expect("signed").into_parts();
    instructions.headers().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let sandbox = impatient().await;
    // More than the system's buffers can take.
    sandbox.put_foreign(BUCKET, "large.bin", vec![7; 64 << 20], "application/octet-stream");
    let own = address(sandbox.site_url());
    let mut stream = TcpStream::connect(own).await.expect("a connection");
    let request = format!("GET /large.bin HTTP/1.1\r\nhost: {own}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    sandbox.until(|requests| requests.iter().any(|request| request.status.is_some())).await;
    // A connection that is closed at the other end accepts nothing more.
    let closed = async { while stream.write_all(b"more").await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(60), closed).await.expect("it is closed");
    sandbox.stop().await;
}

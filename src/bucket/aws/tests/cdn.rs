//! The distribution, and the site as visitors get it.

use super::*;
use crate::content::path::UrlPath;
use crate::release::layout::Layout;
use crate::sandbox::{CustomError, Distribution, IndexPages};
use crate::types::digest::Digest;

fn paths(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| UrlPath::encode(path).to_string()).collect()
}

#[tokio::test]
async fn the_same_reference_is_the_same_invalidation() {
    let sandbox = sandbox().await;
    let cdn = connect(&sandbox).await.cdn.unwrap();
    assert_eq!(cdn.distribution(), DISTRIBUTION);
    sandbox.inject(fault("CreateInvalidation", 1, Effect::DropAnswer));
    let id = cdn.create_invalidation("publish-1", &paths(&["/", "/ä b.html"])).await.unwrap();
    assert_eq!(cdn.create_invalidation("publish-1", &paths(&["/", "/ä b.html"])).await.unwrap(), id);
    let known = sandbox.invalidations(DISTRIBUTION);
    assert_eq!((known.len(), known[0].id.as_str()), (1, id.as_str()));
    let other = cdn.create_invalidation("publish-1", &paths(&["/other"])).await.unwrap_err();
    assert_eq!(other.code.as_deref(), Some("InvalidationBatchAlreadyExists"));
    assert!(!cdn.is_completed(&id).await.unwrap());
    assert!(cdn.is_completed(&id).await.unwrap());
}

#[tokio::test]
async fn too_many_in_progress_means_to_wait() {
    let sandbox = sandbox().await;
    let cdn = connect(&sandbox).await.cdn.unwrap();
    sandbox.inject(fault("CreateInvalidation", 1, refusal(400, "TooManyInvalidationsInProgress")));
    cdn.create_invalidation("publish-1", &paths(&["/"])).await.unwrap();

    let mut environment = environment(&sandbox);
    environment.invalidation.timeout = Duration::ZERO;
    let cdn = Aws::connect(&environment).await.unwrap().cdn.unwrap();
    sandbox.inject(fault("CreateInvalidation", 1, refusal(400, "TooManyInvalidationsInProgress")));
    let error = cdn.create_invalidation("publish-2", &paths(&["/"])).await.unwrap_err();
    assert_eq!(Problem::from(error).code, Code::Throttled);
}

#[tokio::test]
async fn the_facts_are_those_of_the_buckets_own_origin() {
    let sandbox = sandbox().await;
    sandbox.set_distribution(Distribution {
        id: DISTRIBUTION.to_owned(),
        bucket: BUCKET.to_owned(),
        origin_path: "/live".to_owned(),
        default_root_object: Some("index.html".to_owned()),
        custom_errors: vec![CustomError {
            error_code: 403,
            response_page_path: Some("/404.html".to_owned()),
            response_code: Some(404),
            error_caching_min_ttl: Duration::from_secs(10),
        }],
        index_pages: IndexPages::None,
        ..Distribution::default()
    });
    let cdn = connect(&sandbox).await.cdn.unwrap();
    let facts = cdn.configuration(&Layout::new("shop", BUCKET, "live", None, None).live_prefix()).await.unwrap().facts;
    assert_eq!((cdn.distribution(), facts.origin_path.as_str()), (DISTRIBUTION, "/live"));
    assert_eq!(facts.default_root_object.as_deref(), Some("index.html"));
    assert_eq!(facts.error_pages.iter().map(ToString::to_string).collect::<Vec<_>>(), paths(&["/404.html"]));
    assert!(!facts.rewrites_at_origin);
}

#[tokio::test]
async fn a_distribution_that_is_missing_or_forbidden_is_said_so() {
    let sandbox = sandbox().await;
    let mut environment = environment(&sandbox);
    environment.distribution = Some("E0NOTHING".to_owned());
    let cdn = Aws::connect(&environment).await.unwrap().cdn.unwrap();
    let problem = Problem::from(cdn.create_invalidation("r", &paths(&["/"])).await.unwrap_err());
    assert_eq!(problem.code, Code::NoSuchDistribution);
    assert_eq!(problem.message, "The distribution E0NOTHING does not exist");

    // For a tenant, its own kind, and that of its distribution if the distribution may not be read.
    let all = Distribution { id: "E0ALL".to_owned(), ..Distribution::default() };
    sandbox.set_distribution(all.clone());
    let tenant_of = Some((all.id.clone(), Vec::new()));
    sandbox.set_distribution(Distribution { id: "dt_1".to_owned(), tenant_of, ..all });
    let tenant = connect(&sandbox).await.cdn.unwrap().other("dt_1");
    let site = Layout::new("shop", BUCKET, "", None, None).live_prefix();
    for (operation, resource) in [
        ("CreateInvalidationForDistributionTenant", "distribution-tenant/dt_1"),
        ("GetDistributionTenant", "distribution-tenant/dt_1"),
        ("GetDistributionConfig", "distribution/E0ALL"),
    ] {
        sandbox.inject(fault(operation, 1, refusal(403, "AccessDenied")));
        let denied = match operation {
            "CreateInvalidationForDistributionTenant" => tenant.create_invalidation("r", &paths(&["/"])).await.err(),
            _ => tenant.configuration(&site).await.err(),
        };
        let expected = format!("Allow cloudfront:{operation} on arn:aws:cloudfront::<account>:{resource}.");
        assert_eq!(Problem::from(denied.unwrap()).hint, expected);
    }

    let cdn = connect(&sandbox).await.cdn.unwrap();
    sandbox.inject(fault("CreateInvalidation", 1, refusal(403, "AccessDenied")));
    let error = cdn.create_invalidation("r", &paths(&["/"])).await.unwrap_err();
    assert!(error.is_denied());
    let problem = Problem::from(error);
    assert_eq!(problem.code, Code::AccessDenied);
    assert_eq!(
        problem.hint,
        "Allow cloudfront:CreateInvalidation on arn:aws:cloudfront::<account>:distribution/E1SANDBOX."
    );
}

#[tokio::test]
async fn what_cloudfront_refuses_for_good_is_asked_for_once_and_told() {
    let sandbox = sandbox().await;
    for (status, code) in [(400, "InvalidArgument"), (400, "SomethingNew"), (501, "NotImplemented")] {
        let aws = connect(&sandbox).await;
        sandbox.inject(fault("CreateInvalidation", 1, refusal(status, code)));
        let refused = aws.cdn.unwrap().create_invalidation("r", &paths(&["/"])).await.unwrap_err();
        let problem = Problem::from(refused);
        assert_eq!(problem.code, Code::Refused, "{code}");
        assert!(!problem.hint.is_empty() && !problem.hint.contains("again"), "{code}: {}", problem.hint);
        assert!(problem.in_one_line().contains(&format!("answered {status} {code}: said so")), "{problem:?}");
        assert_eq!(aws.requests.counts()["CreateInvalidation"], 1, "{code}");
    }
}

#[tokio::test]
async fn the_site_is_fetched_as_a_visitor_gets_it() {
    let sandbox = sandbox().await;
    let aws = connect(&sandbox).await;
    aws.store.put_bytes(&at("a b.html"), b"page".to_vec(), &html(), Condition::None).await.unwrap();
    let url = format!("{}/a%20b.html", sandbox.site_url());
    let answer = aws.fetcher.fetch(&url, Encoding::Identity, 100).await.unwrap();
    assert_eq!((answer.status, answer.content(), answer.carries(Digest::of(b"page"))), (200, &b"page"[..], true));
    assert_eq!(answer.headers["content-type"], html().content_type);
    assert_eq!(answer.headers["cache-control"], html().cache_control);
    let asked = sandbox.requests().pop().unwrap();
    assert_eq!((asked.query.as_str(), asked.headers["accept-encoding"].as_str()), ("", "identity"));
    assert!(answer.is_of_a_bucket());
    assert_eq!(aws.fetcher.fetch(&url, Encoding::Compressed, 100).await.unwrap().content(), b"page");
    assert_eq!(sandbox.requests().pop().unwrap().headers["accept-encoding"], "br, gzip");
    let too_long = aws.fetcher.fetch(&url, Encoding::Identity, 3).await.unwrap_err();
    assert_eq!(too_long.why, NoAnswer::TooLong);
    let missing = format!("{}/none", sandbox.site_url());
    assert_eq!(aws.fetcher.fetch(&missing, Encoding::Identity, 9_999).await.unwrap().status, 403);
}

#[tokio::test]
async fn an_answer_may_be_compressed_on_its_way() {
    let digest = Digest::of(b"page");
    let answer = |encoding: &str, body: &[u8]| {
        let headers = BTreeMap::from([("content-encoding".to_owned(), encoding.to_owned())]);
        SiteAnswer::new(200, headers, body.to_vec(), 100)
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, b"page").unwrap();
    let gzip = gzip.finish().unwrap();
    // RFC 7932 section 9.2: an uncompressed meta-block of four bytes, and an empty last one.
    let brotli = [&[0x30, 0x00, 0x10][..], b"page", &[0x03]].concat();
    for (encoding, body) in [("gzip", &gzip), ("GZIP", &gzip), ("br", &brotli)] {
        let answer = answer(encoding, body);
        assert_eq!(answer.content(), b"page", "{encoding}");
        assert!(answer.carries(digest) && answer.carries(Digest::of(body)), "a stored file may be compressed");
    }
    assert!(!answer("gzip", b"page").carries(Digest::of(b"")), "what cannot be undone is as it came");
    assert!(answer("zstd", b"page").carries(digest));
    let bomb = SiteAnswer::new(200, answer("gzip", &gzip).headers, gzip.clone(), 2);
    assert_eq!(bomb.content().len(), 3, "no more is decompressed than shows that it is too much");
}

#[tokio::test]
async fn why_nobody_answers_is_told_apart() {
    let sandbox = sandbox().await;
    let aws = connect(&sandbox).await;
    let tls = sandbox.site_url().replace("http://", "https://");
    for (url, why) in [
        ("http://127.0.0.1:1/", NoAnswer::Refused),
        ("http://no-such-host.invalid/", NoAnswer::UnknownHost),
        (tls.as_str(), NoAnswer::Certificate),
        ("no url", NoAnswer::NotAUrl),
    ] {
        let error = aws.fetcher.fetch(url, Encoding::Identity, 9).await.unwrap_err();
        assert_eq!(error.why, why, "{error:?}");
    }
}

/// The SDK's own rules derive the API's endpoint and the signing region from the bucket's region.
#[tokio::test]
async fn the_api_is_that_of_the_buckets_partition() {
    let sandbox = sandbox().await;
    for (region, partition) in [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("eusc-de-east-1", "aws-eusc")] {
        let mut environment = environment(&sandbox);
        environment.access.region = Some(region.to_owned());
        let (endpoint, asked) = refusing_once();
        environment.access.cloudfront_endpoint = Some(endpoint);
        let cdn = Aws::connect(&environment).await.unwrap().cdn.unwrap();
        let refused = cdn.create_invalidation("r", &paths(&["/"])).await.unwrap_err();
        let signed = asked.recv().unwrap();
        assert!(signed.contains(&format!("/{region}/cloudfront/")), "{signed}");
        let allow = format!("arn:{partition}:cloudfront::<account>:distribution/E1SANDBOX");
        assert!(Problem::from(refused).hint.contains(&allow), "{region}");
    }
}

/// A server that refuses one request and returns its head: the sandbox's log omits signatures.
fn refusing_once() -> (String, std::sync::mpsc::Receiver<String>) {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (told, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        told.send(lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")).unwrap();
        let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        write!(stream, "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            .unwrap();
    });
    (endpoint, asked)
}

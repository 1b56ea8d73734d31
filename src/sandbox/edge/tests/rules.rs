//! CloudFront's rules, one by one.

use super::*;

/// AWS.md 2.1. Each header with the seconds for which an edge caches the answer: `None`, not at all; 0, it revalidates each time.
async fn assert_kept(bench: &Bench, cases: &[(&str, Option<u64>)]) {
    for (number, (cache_control, kept)) in cases.iter().enumerate() {
        let (key, path) = (format!("{number}.txt"), format!("/{number}.txt"));
        bench.put(&key, "old", "text/plain", cache_control);
        assert_eq!(bench.get(&path).await.source(), "Miss", "{cache_control}");
        let Some(kept) = kept else {
            assert_eq!(bench.get(&path).await.source(), "Miss", "{cache_control} is not kept");
            continue;
        };
        if *kept > 2 {
            bench.later(kept - 2);
            assert_eq!(bench.get(&path).await.source(), "Hit", "{cache_control} is kept");
            bench.later(2);
        }
        assert_eq!(bench.get(&path).await.source(), "RefreshHit", "{cache_control} has gone stale");
    }
}

#[tokio::test]
async fn the_origin_says_how_long_where_the_policy_lets_it() {
    let cases = [
        ("", Some(3_600)),
        ("max-age=60", Some(60)),
        ("max-age=60, s-maxage=120", Some(120)),
        ("public, max-age=0, s-maxage=86400, must-revalidate", Some(86_400)),
        ("S-MaxAge=90", Some(90)),
        ("max-age=\"70\"", Some(70)),
        ("max-age=99999999999", Some(31_536_000)),
        ("max-age=0", Some(0)),
        ("no-cache", Some(0)),
        ("no-cache, max-age=60", Some(0)),
        ("no-store", None),
        ("private, max-age=60", None),
        ("max-age=nonsense", Some(3_600)),
    ];
    assert_kept(&Bench::exact(), &cases).await;
}

#[tokio::test]
async fn a_minimum_holds_against_all_that_the_origin_says() {
    let caching =
        Caching { min_ttl: Duration::from_secs(100), max_ttl: Duration::from_secs(500), ..Caching::default() };
    let bench = Bench::new(Distribution { caching, ..Distribution::default() });
    let cases = [
        ("max-age=5", Some(100)),
        ("max-age=200", Some(200)),
        ("max-age=900", Some(500)),
        ("no-store", Some(100)),
        ("private", Some(100)),
        ("no-cache", Some(100)),
        ("", Some(500)),
    ];
    assert_kept(&bench, &cases).await;
}

#[tokio::test]
async fn what_expires_at_a_date_is_kept_until_then() {
    let bench = Bench::exact();
    let date = |seconds: u64| crate::sandbox::clock::http_date(bench.clock.now() + Duration::from_secs(seconds));
    let put = |key: &str, expires: String, cache_control: Option<&str>| {
        let headers = Headers {
            content_type: "text/plain".to_owned(),
            cache_control: cache_control.map(str::to_owned),
            expires: Some(expires),
            ..Headers::default()
        };
        bench.put_with(key, Bytes::from_static(b"old"), headers);
    };
    put("date.txt", date(50), None);
    put("none.txt", "0".to_owned(), None);
    put("both.txt", date(5), Some("max-age=50"));
    for path in ["/date.txt", "/none.txt", "/both.txt"] {
        assert_eq!(bench.get(path).await.source(), "Miss", "{path}");
    }
    bench.later(40);
    for (path, source) in [("/date.txt", "Hit"), ("/none.txt", "RefreshHit"), ("/both.txt", "Hit")] {
        assert_eq!(bench.get(path).await.source(), source, "{path}");
    }
    bench.later(20);
    assert_eq!(bench.get("/date.txt").await.source(), "RefreshHit");
    assert_eq!(bench.get("/both.txt").await.source(), "RefreshHit");
}

#[tokio::test]
async fn nothing_is_kept_where_caching_is_disabled() {
    let caching = Caching::disabled();
    let bench = Bench::new(Distribution { caching, custom_errors: vec![custom(403, 300)], ..Distribution::default() });
    bench.put("a.txt", text(2_000), "text/plain", "max-age=60");
    assert_eq!(bench.sources("/a.txt", 2).await, ["Miss", "Miss"]);
    let answer = bench.ask("/a.txt", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(answer.header("content-encoding"), "", "the policy keeps no encodings apart");
    bench.get("/none.txt").await;
    bench.put("none.txt", "there", "text/plain", "");
    assert_eq!(bench.get("/none.txt").await.status, 200);
}

#[tokio::test]
async fn what_is_stale_is_asked_for_and_its_age_is_told() {
    let bench = Bench::exact();
    bench.put("a.txt", "old", "text/plain", "max-age=60");
    let first = bench.get("/a.txt").await;
    assert_eq!((first.source(), first.header("age"), first.header("x-amz-cf-pop")), ("Miss", "", LOCATIONS[0]));
    bench.later(30);
    let hit = bench.get("/a.txt").await;
    let age: u64 = hit.header("age").parse().unwrap();
    assert!(hit.source() == "Hit" && (30..40).contains(&age), "{hit:?}");
    bench.later(40);
    assert_eq!(bench.get("/a.txt").await.source(), "RefreshHit");
    assert_eq!(bench.get("/a.txt").await.source(), "Hit", "its time begins anew");
    bench.put("a.txt", "new", "text/plain", "max-age=60");
    assert_eq!(bench.get("/a.txt").await.body, "old", "nothing has invalidated it");
    bench.later(70);
    let new = bench.get("/a.txt").await;
    assert_eq!((new.source(), &new.body[..]), ("Miss", &b"new"[..]));
}

/// Other headers on the same bytes have the same ETag: it is not documented whether a 304 updates them.
#[tokio::test]
async fn other_headers_of_the_same_bytes_come_with_an_invalidation_only() {
    let bench = Bench::exact();
    bench.put("a.txt", "same", "text/plain", "max-age=60");
    bench.get("/a.txt").await;
    bench.put("a.txt", "same", "text/plain", "max-age=90");
    bench.later(70);
    let refreshed = bench.get("/a.txt").await;
    assert_eq!((refreshed.source(), refreshed.header("cache-control")), ("RefreshHit", "max-age=60"));
    bench.forget(&["/a.txt"]);
    assert_eq!(bench.get("/a.txt").await.header("cache-control"), "max-age=90");
}

/// AWS.md 2.2: S3's 403 is not cached, unless a custom error is configured for it.
#[tokio::test]
async fn errors_are_kept_for_their_own_time() {
    let bench = Bench::exact();
    assert_eq!(bench.sources("/none.txt", 2).await, ["Error", "Error"]);
    bench.put("none.txt", "there", "text/plain", "");
    assert_eq!(bench.get("/none.txt").await.status, 200, "a 403 is not kept");

    let missing = Distribution { bucket: "missing".to_owned(), ..bench.distribution.clone() };
    let elsewhere = Bench { distribution: missing, ..Bench::exact() };
    assert_eq!(elsewhere.get("/a.txt").await.status, 404);
    elsewhere.store.create_bucket("missing").unwrap();
    assert_eq!(elsewhere.get("/a.txt").await.status, 404, "a 404 is kept");
    elsewhere.later(11);
    assert_eq!(elsewhere.get("/a.txt").await.status, 403, "for ten seconds");
}

#[tokio::test]
async fn an_error_page_is_kept_under_the_address_that_failed() {
    for (cache_control, seconds) in [("public, max-age=0, must-revalidate", 300), ("s-maxage=900", 900), ("", 300)] {
        let bench = Bench::exact();
        let distribution = Distribution { custom_errors: vec![custom(403, 300)], ..bench.distribution.clone() };
        let bench = Bench { distribution, ..bench };
        bench.put("404.html", "old page", "text/html", cache_control);
        let failed = bench.get("/none.txt").await;
        assert_eq!((failed.status, failed.source(), &failed.body[..]), (404, "Error", &b"old page"[..]));
        bench.put("404.html", "new page", "text/html", cache_control);
        bench.put("none.txt", "there", "text/plain", "");
        bench.forget(&["/404.html"]);
        bench.later(seconds - 2);
        assert_eq!(bench.get("/none.txt").await.body, "old page", "{cache_control}: by its own address it goes");
        bench.later(2);
        assert_eq!(bench.get("/none.txt").await.body, "there", "{cache_control}");
    }
}

#[tokio::test]
async fn the_query_is_in_the_key_where_the_policy_says_so() {
    for (query_strings, second) in [(false, "Hit"), (true, "Miss")] {
        let bench = Bench::exact();
        let caching = Caching { query_strings, ..bench.distribution.caching.clone() };
        let bench = Bench { distribution: Distribution { caching, ..bench.distribution.clone() }, ..bench };
        bench.put("a.txt", "a", "text/plain", "");
        bench.get("/a.txt?v=1").await;
        assert_eq!(bench.get("/a.txt?v=2").await.source(), second);
        bench.forget(&["/a.txt"]);
        let forgotten = bench.get("/a.txt?v=1").await;
        assert_eq!(forgotten.source(), if query_strings { "Hit" } else { "Miss" }, "the exact path has no query");
        bench.forget(&["/a.txt*"]);
        assert_eq!(bench.get("/a.txt?v=1").await.source(), "Miss");
    }
}

/// AWS.md 2.7: the first matching pattern decides, before any function runs; the default behavior's function runs only
/// there.
#[tokio::test]
async fn each_behavior_keeps_answers_in_its_own_way() {
    let behavior =
        |pattern: &str, is_site, caching| Behavior { pattern: pattern.to_owned(), is_site, origin_path: None, caching };
    let queries = Caching { query_strings: true, ..Caching::default() };
    let behaviors = vec![
        behavior("/blog/1.*", true, Caching::disabled()),
        behavior("blog/*", true, queries),
        behavior("/api/*", false, Caching::default()),
    ];
    let bench = Bench::new(Distribution { behaviors, ..Distribution::default() });
    for key in ["blog/1.txt", "blog/2.txt", "blog/index.html", "api/a.txt", "a.txt"] {
        bench.put(key, key, "text/plain", "");
    }
    assert_eq!(bench.sources("/blog/1.txt", 2).await, ["Miss", "Miss"]);
    for (path, source) in [
        ("/blog/2.txt?a", "Miss"),
        ("/blog/2.txt?b", "Miss"),
        ("/blog/2.txt?a", "Hit"),
        ("/a.txt?a", "Miss"),
        ("/a.txt?b", "Hit"),
    ] {
        assert_eq!(bench.get(path).await.source(), source, "{path}");
    }
    assert_eq!((bench.get("/api/a.txt").await.status, bench.get("/blog/").await.status), (502, 403));
    // The function of the default behavior finds the page, which is cached separately from the other behavior's.
    assert_eq!((bench.get("/blog").await.status, bench.get("/blog/index.html").await.source()), (200, "Miss"));
    bench.forget(&["/blog/index.html"]);
    assert_eq!((bench.get("/blog").await.source(), bench.get("/blog/index.html").await.source()), ("Miss", "Miss"));
}

#[tokio::test]
async fn answers_are_compressed_for_who_takes_that() {
    let bench = Bench::exact();
    bench.put("a.html", text(5_000), "text/html; charset=utf-8", "");
    let plain = bench.get("/a.html").await;
    for (asked, encoding) in [
        ("gzip, deflate, br, zstd", "br"),
        ("br", "br"),
        ("GZIP", "gzip"),
        ("gzip;q=0.5, br;q=0", "gzip"),
        ("identity", ""),
        ("deflate", ""),
    ] {
        let got = bench.ask("/a.html", &[("accept-encoding", asked)]).await;
        assert_eq!(got.header("content-encoding"), encoding, "{asked}");
        assert_eq!(decoded(&got.headers, &got.body), text(5_000), "{asked}");
        assert_eq!(got.header("content-length"), got.body.len().to_string(), "{asked}");
        if encoding.is_empty() {
            assert_eq!((got.source(), got.header("etag")), ("Hit", plain.header("etag")), "{asked}");
            continue;
        }
        assert!(got.body.len() < 1_000, "{asked}");
        assert_eq!(got.header("etag"), format!("W/{}", plain.header("etag")), "{asked}");
        assert_eq!(got.header("vary"), "Accept-Encoding", "{asked}");
        let same = [("accept-encoding", asked), ("if-none-match", got.header("etag"))];
        let same = bench.ask("/a.html", &same).await;
        assert_eq!((same.status, same.source(), same.body.len()), (304, "Hit", 0), "{asked}");
    }
    let mut variants: Vec<String> =
        bench.edge.locations[0].lock().all().map(|(_, _, encodings, _)| encodings.to_string()).collect();
    variants.sort();
    assert_eq!(variants, ["br", "br,gzip", "gzip", "identity"]);
    bench.forget(&["/a.html"]);
    assert_eq!(bench.edge.locations[0].lock().all().count(), 0, "all variants go together");
}

#[tokio::test]
async fn only_what_is_worth_it_is_compressed() {
    let bench = Bench::exact();
    let asked = [("accept-encoding", "gzip, br")];
    for (key, bytes, content_type, encoding) in [
        ("least.css", 1_000, "text/css", "br"),
        ("small.css", 999, "text/css", ""),
        ("large.js", 10_000_001, "text/javascript", ""),
        ("font.woff2", 5_000, "font/woff2", ""),
        ("site.webmanifest", 5_000, "application/manifest+json", ""),
        ("image.svg", 5_000, "image/svg+xml", "br"),
    ] {
        bench.put(key, text(bytes), content_type, "");
        let got = bench.ask(&format!("/{key}"), &asked).await;
        assert_eq!(got.header("content-encoding"), encoding, "{key}");
    }
    let headers = Headers {
        content_type: "text/css".to_owned(),
        content_encoding: Some("gzip".to_owned()),
        ..Headers::default()
    };
    bench.put_with("made.css", Bytes::from(text(5_000)), headers);
    let got = bench.ask("/made.css", &asked).await;
    assert_eq!((got.header("content-encoding"), got.body.len()), ("gzip", 5_000), "it is left alone");

    let older = Caching { policy: None, ..Caching::default() };
    let bench = Bench::new(Distribution { caching: older, ..Distribution::default() });
    bench.put("a.css", text(5_000), "text/css", "");
    assert_eq!(bench.ask("/a.css", &asked).await.header("content-encoding"), "gzip", "the older form knows gzip only");
}

#[tokio::test]
async fn ranges_are_of_the_answer_that_is_kept() {
    let bench = Bench::exact();
    bench.put("a.txt", "0123456789", "text/plain", "");
    let part = bench.ask("/a.txt", &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status, part.source(), &part.body[..]), (206, "Miss", &b"234"[..]));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(bench.get("/a.txt").await.source(), "Hit", "all of it was fetched");
    assert_eq!(bench.ask("/a.txt", &[("range", "bytes=10-")]).await.status, 416);
    let etag = part.header("etag");
    for (if_range, status) in [(etag, 206), ("\"other\"", 200), (part.header("last-modified"), 206)] {
        let got = bench.ask("/a.txt", &[("range", "bytes=2-4"), ("if-range", if_range)]).await;
        assert_eq!(got.status, status, "{if_range}");
    }
}

#[tokio::test]
async fn the_root_and_its_object_are_two_addresses() {
    let bench = Bench::exact();
    bench.put("index.html", "old", "text/html", "");
    for path in ["/", "/index.html"] {
        assert_eq!(bench.get(path).await.source(), "Miss", "{path}");
    }
    bench.put("index.html", "new", "text/html", "");
    bench.forget(&["/index.html"]);
    assert_eq!((bench.get("/").await.body, bench.get("/index.html").await.body), ("old".into(), "new".into()));
    bench.forget(&["/"]);
    assert_eq!(bench.get("/").await.body, "new");
}

#[tokio::test]
async fn a_function_decides_under_which_address_an_answer_is_kept() {
    for (index_pages, forgotten) in
        [(IndexPages::Function, "new"), (IndexPages::LambdaAtViewer, "new"), (IndexPages::LambdaAtOrigin, "old")]
    {
        let bench = Bench::exact();
        let bench = Bench { distribution: Distribution { index_pages, ..bench.distribution.clone() }, ..bench };
        bench.put("about/index.html", "old", "text/html", "");
        for path in ["/about/index.html", "/about/", "/about"] {
            assert_eq!(bench.get(path).await.body, "old", "{path}");
        }
        bench.put("about/index.html", "new", "text/html", "");
        bench.forget(&["/about/index.html"]);
        assert_eq!(bench.get("/about/").await.body, forgotten);
        bench.forget(&["/about*"]);
        assert_eq!(bench.get("/about").await.body, "new");
    }
}

#[tokio::test]
async fn only_what_begins_as_a_wildcard_says_is_forgotten() {
    let bench = Bench::exact();
    let paths = ["/a/b.txt", "/a/c.txt", "/a.txt", "/b.txt"];
    let fill = async || {
        for path in paths {
            bench.put(&path[1..], path, "text/plain", "");
            bench.get(path).await;
        }
    };
    for (wildcard, gone) in [("/a/*", &paths[..2]), ("/a*", &paths[..3]), ("/*", &paths[..]), ("/b.txt", &paths[3..])] {
        fill().await;
        bench.forget(&[wildcard]);
        for path in paths {
            let expected = if gone.contains(&path) { "Miss" } else { "Hit" };
            assert_eq!(bench.get(path).await.source(), expected, "{wildcard} {path}");
        }
    }
    let other = "E1OTHER";
    bench.edge.forget(other, &["/*".to_owned()], bench.clock.now());
    assert_eq!(bench.get("/a.txt").await.source(), "Hit", "another distribution's invalidation");
}

#[tokio::test]
async fn each_location_keeps_and_forgets_for_itself() {
    let bench = Bench::exact();
    bench.put("a.txt", "old", "text/plain", "");
    let at = async |location: &str| bench.ask("/a.txt", &[(EDGE_HEADER, location)]).await;
    for location in LOCATIONS {
        let got = at(location).await;
        assert_eq!((got.source(), got.header("x-amz-cf-pop")), ("Miss", location));
    }
    assert_eq!(at("nowhere").await.status, 400);
    bench.edge.delay(LOCATIONS[1], Duration::from_secs(20));
    bench.put("a.txt", "new", "text/plain", "");
    bench.forget(&["/a.txt"]);
    assert_eq!((at(LOCATIONS[0]).await.body, at(LOCATIONS[1]).await.body), ("new".into(), "old".into()));
    bench.later(21);
    assert_eq!(at(LOCATIONS[1]).await.body, "new");
    assert_eq!(bench.edge.longest_delay(), 20);
}

#[tokio::test]
async fn a_bare_plus_is_a_space_and_an_address_of_its_own() {
    let bench = Bench::exact();
    bench.put("a b.txt", "space", "text/plain", "");
    bench.put("a+b.txt", "plus", "text/plain", "");
    for (path, body) in [("/a+b.txt", "space"), ("/a%20b.txt", "space"), ("/a%2Bb.txt", "plus"), ("/a%2bb.txt", "plus")]
    {
        assert_eq!(bench.get(path).await.body, body, "{path}");
    }
    let mut keys: Vec<String> = bench.edge.locations[0].lock().all().map(|(_, key, _, _)| key.to_owned()).collect();
    keys.sort();
    assert_eq!(keys, ["/a%20b.txt", "/a%2Bb.txt", "/a+b.txt"]);
}

#[tokio::test]
async fn what_was_removed_is_given_away_until_it_is_forgotten() {
    let bench = Bench::exact();
    bench.put("a.txt", "old", "text/plain", "max-age=60");
    bench.get("/a.txt").await;
    bench.remove("a.txt");
    assert_eq!(bench.get("/a.txt").await.body, "old");
    bench.forget(&["/a.txt"]);
    assert_eq!(bench.get("/a.txt").await.status, 403);
}

#[tokio::test]
async fn the_page_shows_what_is_kept_and_nothing_of_it_is_markup() {
    let bench = Bench::exact();
    bench.put("<b>&.txt", "bold", "text/plain", "max-age=60");
    bench.get("/%3Cb%3E&.txt").await;
    let answer = bench.edge.page();
    let headers = answer.headers().clone();
    assert_eq!(headers[CACHE_CONTROL], "no-store");
    let page = answer.into_body().collect().await.unwrap().to_bytes();
    let page = std::str::from_utf8(&page).unwrap();
    assert!(page.contains("<td>/%3Cb%3E&amp;.txt<td>identity<td>200<td>4<td>"), "{page}");
    assert!(
        LOCATIONS.iter().all(|location| page.contains(location)) && page.matches("Nothing.").count() == 2,
        "{page}"
    );
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
}

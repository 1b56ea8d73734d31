use super::*;

const URL: &str = "https://www.example.com/shop/index.html";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> SiteAnswer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    SiteAnswer::new(status, headers, body.as_bytes().to_vec(), 9_999)
}

/// The classification, and whether waiting can help.
fn found(status: u16, headers: &[(&str, &str)], body: &str) -> (String, Prospect) {
    let instead = Instead::of(URL, &answer(status, headers, body));
    assert!(!instead.next_step().is_empty());
    (instead.sentence(URL).strip_prefix(URL).unwrap().to_owned(), instead.prospect())
}

fn redirected(to: &str) -> (String, Prospect) {
    found(301, &[("location", to)], "")
}

#[test]
fn each_answer_has_its_own_sentence() {
    for (status, headers, body, sentence, prospect) in [
        (
            200,
            &[("x-cache", "Miss from cloudfront")][..],
            "x",
            " returns neither the new nor the old version",
            Prospect::Refresh,
        ),
        (
            200,
            &[("x-amz-meta-publish-site", "shop")],
            "x",
            " returns neither the new nor the old version",
            Prospect::Refresh,
        ),
        (
            200,
            &[("server", "nginx\u{1b}[2J")],
            "x",
            " is answered by another server, which calls itself `nginx\\u{1b}[2J`: nothing in the answer is from this site",
            Prospect::Forgotten,
        ),
        (
            200,
            &[("content-type", "text/html")],
            "<input TYPE='password'>",
            " asks visitors to sign in: a page that asks for a password",
            Prospect::Never,
        ),
        (401, &[], "", " asks visitors to sign in: 401 (authentication required)", Prospect::Never),
        (403, &[], "", " answers with 403: it is forbidden, or the file is not found", Prospect::Forgotten),
        (404, &[], "", " answers with 404: the file is not found", Prospect::Forgotten),
        (
            202,
            &[("x-amzn-waf-action", "challenge")],
            "",
            " answers with a challenge of AWS WAF (202): a bot check blocks publish",
            Prospect::Never,
        ),
        (
            405,
            &[("x-amzn-waf-action", "captcha")],
            "",
            " answers with a challenge of AWS WAF (405): a bot check blocks publish",
            Prospect::Never,
        ),
        (
            403,
            &[("cf-mitigated", "challenge")],
            "",
            " answers with a challenge of Cloudflare (403): a bot check blocks publish",
            Prospect::Never,
        ),
        (503, &[], "", " answers with 503: the CDN or its origin has failed", Prospect::Later),
        (429, &[], "", " answers with status 429", Prospect::Later),
    ] {
        let (said, what) = found(status, headers, body);
        assert_eq!(what, prospect, "{said}");
        assert_eq!(said, sentence);
    }
}

#[test]
fn redirects_say_where_they_lead() {
    for (to, sentence, prospect) in [
        (
            "https://example.com/shop/index.html",
            " redirects (301) to https://example.com/shop/index.html",
            Prospect::Never,
        ),
        ("http://www.example.com/", " redirects (301) to http://www.example.com/", Prospect::Never),
        ("/shop/", " redirects (301) to https://www.example.com/shop/", Prospect::Later),
        (
            "./login?next=%2Fshop&token=abc",
            " asks visitors to sign in: a redirect (301) to https://www.example.com/shop/login",
            Prospect::Never,
        ),
        (
            "https://shop.auth.eu-central-1.amazoncognito.com/oauth2/authorize?state=abc",
            " asks visitors to sign in: a redirect (301) to https://shop.auth.eu-central-1.amazoncognito.com/oauth2/authorize",
            Prospect::Never,
        ),
        ("", " redirects (301) to https://www.example.com/shop/index.html", Prospect::Later),
    ] {
        assert_eq!(redirected(to), (sentence.to_owned(), prospect), "{to}");
    }
    let elsewhere = Instead::of(URL, &answer(302, &[("location", "https://shop.example/a/b")], ""));
    assert!(elsewhere.next_step().contains("such as https://shop.example, or"), "{}", elsewhere.next_step());
}

#[test]
fn an_address_without_its_ending_is_no_sign_in() {
    let of = |from: &str, to: &str| redirect(from, 301, to);
    let clean = Instead::Redirect(301, "https://www.example.com/login".to_owned());
    assert_eq!(of("https://www.example.com/login.html", "/login"), clean);
    assert!(matches!(of("https://www.example.com/login.html", "https://id.example.com/login"), Instead::SignIn(_)));
    assert!(matches!(of("https://www.example.com/account.html", "/login"), Instead::SignIn(_)));
}

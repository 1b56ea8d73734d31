//! Which policies a file needs, and what they contain.

use serde_json::{Value, json};

use super::*;

fn of(text: &str) -> Vec<ResponsePolicy> {
    policies(&HeadersFile::parse(text, None).unwrap(), "shop.example", "production")
}

fn patterns_of(text: &str) -> Vec<String> {
    of(text).into_iter().map(|policy| policy.path_pattern).collect()
}

/// The one policy for a header.
fn only(line: &str) -> ResponsePolicy {
    let mut policies = of(&format!("/*\n  {line}\n"));
    assert_eq!(policies.len(), 1);
    policies.remove(0)
}

#[test]
fn security_headers_are_in_their_own_members() {
    for (line, name, expected) in [
        (
            "Content-Security-Policy: default-src 'self'; img-src *",
            "ContentSecurityPolicy",
            json!({"ContentSecurityPolicy": "default-src 'self'; img-src *", "Override": true}),
        ),
        (
            "Strict-Transport-Security: max-age=63072000; includeSubDomains; preload",
            "StrictTransportSecurity",
            json!({"AccessControlMaxAgeSec": 63_072_000, "IncludeSubdomains": true, "Preload": true, "Override": true}),
        ),
        (
            "strict-transport-security: max-age=0",
            "StrictTransportSecurity",
            json!({"AccessControlMaxAgeSec": 0, "IncludeSubdomains": false, "Preload": false, "Override": true}),
        ),
        ("X-Frame-Options: sameorigin", "FrameOptions", json!({"FrameOption": "SAMEORIGIN", "Override": true})),
        ("X-Content-Type-Options: nosniff", "ContentTypeOptions", json!({"Override": true})),
        (
            "Referrer-Policy: no-referrer, strict-origin-when-cross-origin",
            "ReferrerPolicy",
            json!({"ReferrerPolicy": "strict-origin-when-cross-origin", "Override": true}),
        ),
        (
            "X-XSS-Protection: 1; mode=block",
            "XSSProtection",
            json!({"Protection": true, "ModeBlock": true, "Override": true}),
        ),
        ("X-XSS-Protection: 0", "XSSProtection", json!({"Protection": false, "Override": true})),
    ] {
        let policy = only(line);
        let config = policy.config.unwrap();
        assert_eq!(config["SecurityHeadersConfig"], json!({name: expected}), "{line}");
        assert_eq!((&config["CustomHeadersConfig"], policy.notes), (&Value::Null, Vec::new()), "{line}");
        assert_eq!((&config["Name"], policy.name.as_str()), (&json!(policy.name), "shop-example-production-default"));
    }
}

#[test]
fn all_else_is_a_custom_header() {
    let policy = only("Link: </a.css>; rel=preload\n  Permissions-Policy: camera=()");
    let items = json!([
        {"Header": "Link", "Value": "</a.css>; rel=preload", "Override": true},
        {"Header": "Permissions-Policy", "Value": "camera=()", "Override": true},
    ]);
    assert_eq!(policy.config.unwrap()["CustomHeadersConfig"], json!({"Quantity": 2, "Items": items}));
    assert_eq!(policy.headers, ["Link: </a.css>; rel=preload", "Permissions-Policy: camera=()"]);
}

#[test]
fn cors_has_all_that_cloudfront_wants() {
    let cors = |line: &str| only(line).config.unwrap()["CorsConfig"].clone();
    let expected = json!({
        "AccessControlAllowOrigins": {"Quantity": 1, "Items": ["*"]},
        "AccessControlAllowHeaders": {"Quantity": 1, "Items": ["*"]},
        "AccessControlAllowMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
        "AccessControlAllowCredentials": false,
        "OriginOverride": true,
    });
    assert_eq!(cors("Access-Control-Allow-Origin: *"), expected);
    let full = "Access-Control-Allow-Origin: https://a.example, https://b.example\n  \
        Access-Control-Allow-Methods: get, POST\n  Access-Control-Allow-Headers: X-A, X-B\n  \
        Access-Control-Expose-Headers: ETag\n  Access-Control-Allow-Credentials: true\n  Access-Control-Max-Age: 600";
    let expected = json!({
        "AccessControlAllowOrigins": {"Quantity": 2, "Items": ["https://a.example", "https://b.example"]},
        "AccessControlAllowHeaders": {"Quantity": 2, "Items": ["X-A", "X-B"]},
        "AccessControlAllowMethods": {"Quantity": 2, "Items": ["GET", "POST"]},
        "AccessControlExposeHeaders": {"Quantity": 1, "Items": ["ETag"]},
        "AccessControlAllowCredentials": true,
        "AccessControlMaxAgeSec": 600,
        "OriginOverride": true,
    });
    assert_eq!(cors(full), expected);
    assert_eq!(
        cors("Access-Control-Allow-Origin: *\n  Access-Control-Allow-Methods: *")["AccessControlAllowMethods"]["Items"],
        json!(["ALL"])
    );
    let rejects = |lines: &str| only(lines).notes.iter().any(|note| note.contains("reject `*`"));
    assert!(rejects("Access-Control-Allow-Origin: *\n  Access-Control-Allow-Credentials: true"));
    assert!(!rejects("Access-Control-Allow-Origin: https://a.example\n  Access-Control-Allow-Credentials: true"));
    assert!(!rejects("Access-Control-Allow-Origin: *"), "only with credentials");
}

#[test]
fn what_cloudfront_does_not_take_is_said() {
    let long = format!("Content-Security-Policy: {}", "a".repeat(1_784));
    for (line, what) in [
        ("X-Frame-Options: ALLOW-FROM https://a.example", "DENY or SAMEORIGIN"),
        ("X-Content-Type-Options: sniff", "nosniff"),
        ("Referrer-Policy: mine", "no-referrer"),
        ("X-XSS-Protection: yes", "begin with 0 or 1"),
        ("X-XSS-Protection: 1; mode=block; report=/x", "accepts only one"),
        ("Strict-Transport-Security: includeSubDomains", "max-age"),
        ("Strict-Transport-Security: max-age=99999999999", "max-age"),
        ("Access-Control-Max-Age: 5", "Access-Control-Allow-Origin"),
        ("Access-Control-Allow-Methods: GET", "Access-Control-Allow-Origin"),
        ("Access-Control-Allow-Headers: X-A", "Access-Control-Allow-Origin"),
        ("Access-Control-Expose-Headers: ETag", "Access-Control-Allow-Origin"),
        ("Access-Control-Allow-Credentials: true", "Access-Control-Allow-Origin"),
        ("Access-Control-Allow-Methods: GET, LOCK", "LOCK"),
        ("Transfer-Encoding: chunked", "cannot be set by a policy"),
        ("X-Amz-Cf-Id: 1", "cannot be set by a policy"),
        (long.as_str(), "1784 characters"),
    ] {
        let policy = only(line);
        assert_eq!(policy.config, None, "{line}");
        assert!(policy.notes.iter().any(|note| note.contains(what)), "{line}: {:?}", policy.notes);
    }
    let notes = |count: u8| only(&(0..count).map(|number| format!("X-H{number}: a\n")).collect::<String>()).notes;
    assert!(notes(11)[0].contains("at most 10 custom headers"));
    assert_eq!(notes(10), [""; 0]);
    assert_eq!(only(&format!("Content-Security-Policy: {}", "a".repeat(1_783))).notes, [""; 0]);
}

#[test]
fn a_pattern_has_all_that_wider_ones_give_it_and_stands_before_them() {
    let text = "/*\n  X-Frame-Options: DENY\n  X-A: 1\n/embed/*\n  ! X-Frame-Options\n  X-A: 2\n\
        /embed/private/*\n  X-B: 3\n/bare/*\n  ! X-Frame-Options\n  ! X-A\n/assets/*\n  Cache-Control: no-store\n";
    let policies = of(text);
    let shown: Vec<(&str, Vec<&str>, bool)> = policies
        .iter()
        .map(|policy| {
            let headers = policy.headers.iter().map(String::as_str).collect();
            (policy.path_pattern.as_str(), headers, policy.config.is_some())
        })
        .collect();
    let expected = [
        ("/embed/private/*", vec!["X-A: 2", "X-B: 3"], true),
        ("/embed/*", vec!["X-A: 2"], true),
        ("/bare/*", vec![], false),
        ("*", vec!["X-A: 1", "X-Frame-Options: DENY"], true),
    ];
    // `/bare/*` and the others have no common address: any order among them is correct.
    for row in &expected {
        assert!(shown.contains(row), "{row:?}: {shown:?}");
    }
    let place = |pattern: &str| policies.iter().position(|policy| policy.path_pattern == pattern).unwrap();
    assert!(place("/embed/private/*") < place("/embed/*") && place("/embed/*") < place("*"));
    assert_eq!((place("*"), policies.len()), (3, 4));
}

#[test]
fn rules_for_one_pattern_are_one_policy_and_names_are_used_once() {
    assert_eq!(patterns_of("/*\n  X-A: 1\n/*\n  X-B: 2\n"), ["*"]);
    assert_eq!(of("/*\n  X-A: 1\n/*\n  X-B: 2\n")[0].headers, ["X-A: 1", "X-B: 2"]);
    let names: Vec<String> =
        of("/a/b\n  X-A: 1\n/a/b/\n  X-A: 1\n/\n  X-A: 1\n").into_iter().map(|policy| policy.name).collect();
    let expected = ["shop-example-production-root", "shop-example-production-a-b", "shop-example-production-a-b-2"];
    assert_eq!(names, expected);
    let names = |text: &str| of(text).into_iter().map(|policy| policy.name).collect::<Vec<_>>();
    let expected = ["shop-example-production-a", "shop-example-production-a-2", "shop-example-production-a-3"];
    assert_eq!(names("/a\n  X-A: 1\n/a/\n  X-A: 1\n/a//\n  X-A: 1\n"), expected);
    // A name has at most 128 characters, with room for a number.
    let long = "a".repeat(200);
    let lengths: Vec<usize> =
        names(&format!("/{long}\n  X-A: 1\n/{long}/\n  X-A: 1\n")).iter().map(String::len).collect();
    assert_eq!(lengths, [124, 126]);
    let wider = &of("/blog/:slug\n  X-A: 1\n")[0];
    assert!(wider.path_pattern == "/blog/*" && wider.notes[0].contains("more than `/blog/:slug`"), "{wider:?}");
}

#[test]
fn tens_of_thousands_of_rules_take_no_long() {
    let narrow: String = (0..26_000).map(|number| format!("/d{}/*{number}*\n  X-A: {number}\n", number % 7)).collect();
    let policies = of(&format!("/*\n  X-B: 1\n{narrow}/d3/*\n  X-C: 1\n"));
    assert_eq!(policies.len(), MAX_BEHAVIORS);
    let [.., narrow, folder, all] = &policies[..] else { panic!("{policies:?}") };
    assert_eq!((all.path_pattern.as_str(), &all.headers[..]), ("*", &["X-B: 1".to_owned()][..]));
    assert_eq!((folder.path_pattern.as_str(), &folder.headers[..]), ("/d3/*", &["X-B: 1".into(), "X-C: 1".into()][..]));
    assert_eq!(narrow.headers.len(), 2, "{narrow:?}");
    for policy in &policies {
        assert!(policy.notes.iter().any(|note| note.contains("26002 path patterns need")), "{policy:?}");
    }
}

#[test]
fn the_warning_names_headers_once() {
    let said = |text: &str| warning(&HeadersFile::parse(text, None).unwrap());
    assert_eq!(said("/*\n  Cache-Control: no-store\n  X-Amz-Meta-A: b\n"), None);
    let text = said("/*\n  A: 1\n  B: 2\n  C: 3\n  D: 4\n/b\n  a: 2\n  E: 5\n  F: 6\n").unwrap();
    assert!(text.contains("store a, B, C, D and 2 more;") && text.contains("--explain-headers"), "{text}");
    assert!(said("/*\n  A: 1\n").unwrap().contains("S3 cannot store A; a CloudFront"));
    assert!(said("/*\n  A: 1\n  B: 2\n  C: 3\n  D: 4\n").unwrap().contains("S3 cannot store A, B, C, D; a CloudFront"));
}

#[test]
fn more_policies_than_an_account_can_have_are_told() {
    let notes = |count: u8| {
        let text: String = (0..count).map(|number| format!("/p{number}/*\n  X-A: 1\n")).collect();
        of(&text).into_iter().flat_map(|policy| policy.notes).collect::<Vec<_>>()
    };
    assert_eq!(notes(20), [""; 0]);
    assert_eq!(notes(21), ["An account can have at most 20 policies, unless AWS has raised the limit."; 21]);
}

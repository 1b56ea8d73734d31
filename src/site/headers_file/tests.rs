//! The meaning of the lines of a `_headers` file.

use proptest::prelude::*;

use super::*;

fn file(text: &str) -> HeadersFile {
    HeadersFile::parse(text, Some("https://www.example.com/shop")).unwrap_or_else(|problem| panic!("{problem:?}"))
}

fn of(text: &str, path: &str) -> SetHeaders {
    file(text).of(&SitePath::new(path).unwrap())
}

#[test]
fn all_that_s3_stores_is_read() {
    let text = "\u{feff}# Everything\r\n/*\r\n  Cache-Control: public, max-age=60\r\n\tcontent-type: text/x-mine\n  \
        Content-Language:de\nContent-Disposition: attachment; filename=\"a:b.txt\"\n  Content-Encoding: br\n  \
        X-Amz-Meta-Team: docs\n  # no header\n\n  X-Frame-Options: DENY\n";
    let set = of(text, "a.txt");
    assert_eq!(set.cache_control.as_deref(), Some("public, max-age=60"));
    assert_eq!(set.content_type.as_deref(), Some("text/x-mine"));
    assert_eq!(set.content_language.as_deref(), Some("de"));
    assert_eq!(set.content_disposition.as_deref(), Some("attachment; filename=\"a:b.txt\""));
    assert_eq!(set.content_encoding.as_deref(), Some("br"));
    assert_eq!(set.metadata.into_iter().collect::<Vec<_>>(), [("team".to_owned(), "docs".to_owned())]);
    assert_eq!(file(text).warnings(), [""; 0]);
}

#[test]
fn within_a_rule_values_are_joined_and_of_several_rules_the_later_wins() {
    let text = "/*\n  Cache-Control: public\n  cache-control: max-age=60\n  Content-Language: de\n\
        /a/*\n  Cache-Control: no-store\n";
    assert_eq!(of(text, "b.txt").cache_control.as_deref(), Some("public, max-age=60"));
    assert_eq!(of(text, "a/b.txt").cache_control.as_deref(), Some("no-store"));
    assert_eq!(of(text, "a/b.txt").content_language.as_deref(), Some("de"));
}

#[test]
fn a_header_is_taken_away_and_may_be_given_anew() {
    let text = "/*\n  Cache-Control: public\n  X-Amz-Meta-Team: docs\n/a/*\n  ! Cache-Control\n  !x-amz-meta-team\n\
        /a/b/*\n  Cache-Control: no-store\n  ! Cache-Control\n";
    assert_eq!(of(text, "a/x"), SetHeaders::default());
    assert_eq!(of(text, "a/b/x").cache_control.as_deref(), Some("no-store"), "taken away first, then given");
    assert_eq!(of(text, "x").cache_control.as_deref(), Some("public"));
}

#[test]
fn a_rule_for_another_host_is_not_this_sites() {
    let text = "https://www.EXAMPLE.com/a\n  Cache-Control: no-store\n\
        https://shop.pages.dev/*\n  Cache-Control: max-age=1\n  ! Content-Type\n/b\n  Cache-Control: max-age=2\n";
    assert_eq!(of(text, "a.html").cache_control.as_deref(), Some("no-store"));
    assert_eq!(of(text, "b.html").cache_control.as_deref(), Some("max-age=2"));
    assert_eq!(of(text, "c.html"), SetHeaders::default());
    let warned = ["_headers, line 3: the rule is for shop.pages.dev, but this site is www.example.com"];
    assert_eq!(file(text).warnings(), warned);
    let unknown = HeadersFile::parse("https://www.example.com\n  A: b\n", None).unwrap();
    assert!(unknown.rules().is_empty() && unknown.warnings()[0].contains("`url` is not set"), "{unknown:?}");
}

#[test]
fn what_cannot_be_done_is_told_and_left_out() {
    let text = "/:lang/*\n  Content-Language: :lang\n  X-Path: a/:splat\n  Expires: 0\n  X-Plain: 12:30\n/empty\n";
    let file = file(text);
    assert_eq!(file.rules()[0].headers, [Header { name: "X-Plain".to_owned(), value: "12:30".to_owned() }]);
    let said = file.warnings().join("\n");
    for part in
        ["line 2: `Content-Language`", "line 3: `X-Path`", "line 4: `Expires`", "line 6: `/empty` has no headers"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(file.warnings().len(), 4);
}

#[test]
fn rules_that_match_nothing_are_told_with_their_lines() {
    let file = file("/a\n  A: b\n# c\n/b/*\n  A: b\n");
    let path = |path: &str| SitePath::new(path).unwrap();
    assert_eq!(file.unused(&[path("a.html")]), ["no file matches `/b/*` (_headers, line 4)"]);
    assert_eq!(file.unused(&[path("a.html"), path("b/c")]), [""; 0]);
}

#[test]
fn a_line_that_nobody_understands_stops_with_its_number() {
    for (text, line, what) in [
        ("Cache-Control: no-store\n", 1, "belongs to no path"),
        ("/a\n  A: b\n  no colon\n", 3, "neither a path"),
        ("assets/*\n", 1, "belongs to no path"),
        ("/a\n\n  : b\n", 3, "has a name"),
        ("/a\n  A b: c\n", 2, "has a name"),
        ("/a\n  ! A b\n", 2, "has a name"),
        ("/a\n  A:\n", 2, "has no value"),
        ("/a\n  A: ä\n", 2, "gives `A` an invalid value"),
        ("/a\n  A: b\u{1b}[2J\n", 2, "gives `A` an invalid value"),
        ("/a\n  Content-Type: html\n", 2, "gives `Content-Type` an invalid value"),
        ("/a\n  Content-Type: text/\n", 2, "gives `Content-Type` an invalid value"),
        ("/a\n  Content-Type: /html\n", 2, "gives `Content-Type` an invalid value"),
        ("/a\n  X-Amz-Meta-Publish-Site: other\n", 2, "reserved by publish"),
        (&format!("/a\n  Cache-Control: {0}\n  Cache-Control: {0}\n", "a".repeat(600)), 3, "longer than 1024 bytes"),
        ("http://www.example.com/\n", 1, "has an address"),
        ("https://www.example.com:8080/\n", 1, "has an address"),
        ("https:///a\n", 1, "has an address"),
    ] {
        let problem = HeadersFile::parse(text, None).unwrap_err();
        assert_eq!(problem.code, Code::Configuration);
        assert!(problem.message.starts_with(&format!("_headers, line {line}")), "{text:?}: {problem}");
        assert!(problem.message.contains(what), "{text:?}: {problem}");
        assert!(!problem.message.contains('\u{1b}'));
    }
}

#[test]
fn a_value_may_be_as_long_as_s3_takes_it() {
    let value = "a".repeat(MAX_VALUE_BYTES);
    assert_eq!(of(&format!("/*\n  Cache-Control: {value}\n"), "a").cache_control, Some(value.clone()));
    let problem = HeadersFile::parse(&format!("/*\n  Cache-Control: {value}a\n"), None).unwrap_err();
    assert!(problem.message.contains("longer than 1024 bytes"), "{problem}");
}

#[test]
fn of_a_long_line_the_beginning_is_shown() {
    let shown = |line: &str| HeadersFile::parse(line, None).unwrap_err().message;
    let line = "x".repeat(60);
    assert!(shown(&line).ends_with(&format!(": `{line}`")), "{}", shown(&line));
    for longer in [1, 100] {
        let message = shown(&"x".repeat(60 + longer));
        assert!(message.ends_with(&format!(": `{line}…`")), "{message}");
    }
}

/// However many rules a file has for the same addresses, only those that matter are evaluated.
#[test]
fn a_rule_of_which_nothing_remains_is_not_followed() {
    let text = "/*\n  Cache-Control: max-age=1\n  Content-Language: de\n/*\n  Cache-Control: max-age=2\n\
        /*\n  Cache-Control: max-age=3\n/a/*\n  Cache-Control: max-age=4\n/*\n  X-Frame-Options: DENY\n";
    assert_eq!(deciding(file(text).rules()), [0, 2, 3]);
}

#[test]
fn a_password_stops_the_publish_and_is_not_shown() {
    let problem = HeadersFile::parse("/private/*\n  Basic-Auth: someone:hunter2\n", None).unwrap_err();
    assert_eq!(problem.code, Code::Private);
    assert!(problem.message.contains("line 2") && !format!("{problem:?}").contains("hunter2"), "{problem:?}");
}

#[test]
fn a_password_is_not_shown_however_its_line_is_written() {
    for text in [
        "Basic-Auth: bob:hunter2",
        "/x\n  Basic-Auth bob:hunter2",
        "/x\n  ! basic-auth bob=hunter2",
        "authorization: hunter2",
    ] {
        let problem = HeadersFile::parse(text, None).unwrap_err();
        assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
    }
}

proptest! {
    /// Whatever a file contains, parsing ends, and the result can be sent as headers.
    #[test]
    fn any_text_is_read_or_refused(text in "(/[a-z*:]{0,4}|  ?!? ?[A-Z][a-z-]{0,6}:? ?.{0,6}|#.{0,4}|\n|.{0,8}){0,12}") {
        if let Ok(file) = HeadersFile::parse(&text, Some("https://a.example")) {
            for header in file.rules().iter().flat_map(|rule| &rule.headers) {
                prop_assert!(is_token(&header.name) && is_field_value(&header.value) && !header.value.is_empty());
            }
        } else {
            prop_assert!(!text.is_empty());
        }
    }
}

#[test]
fn of_rules_for_the_same_addresses_what_each_header_was_given_last_counts() {
    let text = "/*\n  Cache-Control: public\n  Content-Language: de\n/*\n  Cache-Control: no-store\n/a\n  X-Frame-Options: DENY\n\
        /*\n  ! Content-Language\n/*\n  X-Frame-Options: DENY\n/gone/*\n  A: b\n";
    let set = of(text, "a.html");
    assert_eq!((set.cache_control.as_deref(), set.content_language), (Some("no-store"), None));
    let paths = [SitePath::new("a.html").unwrap()];
    assert_eq!(file(text).unused(&paths), ["no file matches `/gone/*` (_headers, line 12)"]);
}

proptest! {
    /// A file's headers are the result of all rules that match it, one after the other.
    #[test]
    fn rules_apply_one_after_the_other(
        rules in prop::collection::vec((prop::sample::select(vec!["/*", "/**", "/a/*", "/:x/b", "/*b", "/a/b"]), 0..3_u8, 0..9_u8), 0..12),
        path in prop::sample::select(vec!["a/b", "a/c", "b", "c/b"]),
    ) {
        let line = |name: u8, value: u8| {
            let name = ["Cache-Control", "Content-Language", "X-Amz-Meta-A"][usize::from(name)];
            if value == 0 { format!("! {name}") } else { format!("{name}: v{value}") }
        };
        let text: String = rules.iter().map(|(pattern, name, value)| format!("{pattern}\n  {}\n", line(*name, *value))).collect();
        let path = SitePath::new(path).unwrap();
        let mut expected = SetHeaders::default();
        for (pattern, name, value) in &rules {
            if UrlPattern::new(pattern).matches_any(&Addresses::of(&path)) {
                let name = ["cache-control", "content-language", "x-amz-meta-a"][usize::from(*name)];
                put(&mut expected, name, (*value > 0).then(|| format!("v{value}")).as_ref());
            }
        }
        prop_assert_eq!(of(&text, path.as_str()), expected);
    }
}

/// One rule may have as many headers as a file has room for, and each name as often.
#[test]
fn many_headers_of_one_rule_are_each_looked_up_once() {
    const MANY: usize = 30_000;
    let text: String = (0..MANY).map(|number| format!("  X-{}: {number}\n", number % (MANY / 2))).collect();
    let file = file(&format!("/*\n{text}"));
    let headers = &file.rules()[0].headers;
    assert_eq!(headers.len(), MANY / 2);
    assert_eq!(headers[1], Header { name: "X-1".to_owned(), value: format!("1, {}", MANY / 2 + 1) });
}

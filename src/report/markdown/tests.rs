use std::sync::Arc;

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;
use crate::content::path::SitePath;
use crate::release::counts::FileCounts;
use crate::release::manifest::ReleaseNumber;
use crate::report::Uploaded;
use crate::report::changes::Changes;
use crate::report::error::{Code, Problem, VisitorsSee};
use crate::types::text::printable;

const LIMIT: usize = 64_000;

fn same(text: &str) -> String {
    text.to_owned()
}

/// What is shown of Markdown: its text, with nothing that only looks different; and where its links lead.
fn shown(markdown: &str) -> (String, Vec<String>) {
    let (mut text, mut links) = (String::new(), Vec::new());
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(part) | Event::Code(part) => text.push_str(&part),
            Event::InlineHtml(tag) => assert!(["<code>", "</code>"].contains(&&*tag), "{markdown:?}: {tag}"),
            Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.into_string()),
            Event::Start(Tag::Paragraph) | Event::End(_) => {}
            other => panic!("{markdown:?}: {other:?}"),
        }
    }
    (text, links)
}

/// Letters of markup in every order, beside any others.
fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-a1`*_<>&;#@:/|~!\\[\\]()\\\\.+=\" \t\n]{0,24}",
        "(</?code>|&lt;|<!--|www\\.a\\.de|@a|#1|``){1,6}"
    ]
}

proptest! {
    #[test]
    fn code_shows_what_it_says_and_nothing_else(text in odd()) {
        prop_assert_eq!(shown(&format!("x {} x", code(&text))), (format!("x {} x", printable(&text)), vec![]));
    }

    #[test]
    fn prose_shows_what_it_says_and_nothing_else(text in odd()) {
        prop_assert_eq!(shown(&format!("x {} x", prose(&text))), (format!("x {} x", printable(&text).trim()), vec![]));
        let escaped = prose(&text);
        let raw = escaped.replace("<code>", "").replace("</code>", "");
        prop_assert!(!raw.contains(['<', '>', '`', '*', '_', '[', '@', '|', '.', ':', '/']), "{raw}");
    }

    #[test]
    fn a_link_leads_where_it_says_and_no_further(path in odd().prop_filter_map("a path", |path| SitePath::new(path).ok())) {
        let address = format!("https://www.example.com{}", UrlPath::encode(path.as_str()).as_str());
        let link = format!("x [{}]({})", code(path.as_str()), destination(&address));
        let (text, links) = shown(&link);
        prop_assert_eq!(text, format!("x {}", printable(path.as_str())));
        prop_assert_eq!(links.len(), 1);
        let decoded = percent_encoding::percent_decode_str(&links[0]).decode_utf8().unwrap().into_owned();
        prop_assert_eq!(decoded, format!("https://www.example.com/{path}"));
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_summary_fits(letters in "[a`@<.]{1,40}", paths in proptest::collection::vec("[a-z`@]{1,400}(\\.html)?", 0..120), times in 1_usize..200) {
        let paths = paths.iter().filter_map(|path| SitePath::new(path.clone()).ok());
        let mut report = published(paths.map(|path| changed(path, Some(1), Some(2))).collect());
        let message = letters.repeat(times);
        report.warnings = vec![message.clone(); 20];
        let live = VisitorsSee::TheNewOne(ReleaseNumber::new(8));
        let text = summary(&report.failed(&Problem::new(Code::RefreshFailed, message).while_visitors_see(live)), &same, LIMIT);
        prop_assert!(text.len() <= LIMIT, "{}", text.len());
        prop_assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }
}

fn changed(path: SitePath, bytes_before: Option<u64>, bytes_after: Option<u64>) -> ChangedPath {
    let what = match (bytes_before, bytes_after) {
        (None, _) => Changed::Added,
        (_, None) => Changed::Removed,
        _ => Changed::Replaced,
    };
    ChangedPath { path, what, bytes_before, bytes_after }
}

fn published(paths: Vec<ChangedPath>) -> Report {
    let mut report = Report::new("publish", "production");
    report.outcome = Outcome::Published;
    (report.release, report.previous_release) = (Some(ReleaseNumber::new(8)), Some(ReleaseNumber::new(7)));
    report.files = FileCounts { added: 1, replaced: 2, unchanged: 38, ..FileCounts::default() };
    report.uploaded = Uploaded { objects: 3, bytes: 1_200_000 };
    report.url = Some("https://www.example.com".to_owned());
    report.invalidation = Some(InvalidationReport {
        ids: vec!["I1".to_owned()],
        paths: vec!["/".to_owned(), "/index.html".to_owned()],
        paths_paid: 2,
        price_usd: "0.010".to_owned(),
        status: InvalidationStatus::Effective,
        completed: true,
        edge: None,
        evicted_unchanged: 0,
        evicted_bytes: 0,
        because: None,
    });
    report.changes = Arc::new(Changes { paths, bytes_before: 5_000, bytes_after: 2_000_000 });
    report
}

fn path(path: &str) -> SitePath {
    SitePath::new(path).unwrap()
}

#[test]
fn a_publish_says_what_is_live_what_changed_and_how_to_go_back() {
    let paths = vec![
        changed(path("app.js"), Some(1_500), Some(1_600)),
        changed(path("index.html"), Some(900), Some(1_900)),
        changed(path("new page.html"), None, Some(10)),
        changed(path("old.html"), Some(10), None),
    ];
    let mut report = published(paths);
    report.warnings.push("Look at `this`.".to_owned());
    report.other_distributions.push(OtherDistribution {
        distribution: "E456DEF".to_owned(),
        release: ReleaseNumber::new(8),
        status: InvalidationStatus::Owed,
        ids: Vec::new(),
        paths: vec!["/".to_owned()],
        paths_paid: 0,
        price_usd: "0.000".to_owned(),
        evicted_unchanged: 0,
        evicted_bytes: 0,
        because: None,
    });
    let expected = "### Release 8 is live in `production`\n\n\
        - **Site:** [`https://www.example.com/`](https://www.example.com/)\n\
        - **Before:** release 7\n\
        - **Files:** 1 added, 2 replaced, 38 unchanged\n\
        - **Size:** 5.00 kB before, 2.00 MB after\n\
        - **Sent:** 3 objects (1.20 MB)\n\
        - **CDN:** 2 paths refreshed; 2 paths to pay: $0.010, or nothing within the account's free paths of the month\n\
        - **Also at:** distribution `E456DEF`: 1 path not refreshed yet\n\
        - **Go back:** `publish rollback`\n\
        \n**1 warning**\n\n- Look at &#96;this&#96;&#46;\n\
        \n**3 pages**\n\n\
        - changed [`index.html`](https://www.example.com/index.html) (900 B before, 1.90 kB after)\n\
        - added [`new page.html`](https://www.example.com/new%20page.html) (10 B)\n\
        - removed `old.html` (10 B)\n\
        \n**1 other file**\n\n- changed [`app.js`](https://www.example.com/app.js) (1.50 kB before, 1.60 kB after)\n\
        \n<details><summary>2 CDN paths</summary>\n\n- `/`\n- `/index.html`\n\n</details>\n";
    assert_eq!(summary(&report, &same, LIMIT), expected);
}

#[test]
fn a_plan_links_to_what_is_there_already() {
    let mut report = published(vec![changed(path("a.html"), Some(1), Some(1)), changed(path("b.html"), None, Some(1))]);
    (report.outcome, report.exit_code) = (Outcome::Verified, 10);
    report.command = "plan".to_owned();
    let text = summary(&report, &same, LIMIT);
    assert!(text.starts_with("### A publish would change the site in `production`\n"), "{text}");
    assert!(
        text.contains("- changed [`a.html`](https://www.example.com/a.html) (1 B)\n- added `b.html` (1 B)\n"),
        "{text}"
    );
    assert!(text.contains("**Sent:** up to 3 objects") && !text.contains("Go back"), "{text}");
}

#[test]
fn long_lists_are_folded_and_what_does_not_fit_is_counted() {
    let paths = (0..5_000).map(|number| changed(path(&format!("{number:05}.html")), None, Some(1))).collect();
    let text = summary(&published(paths), &same, LIMIT);
    assert!(text.contains("<details><summary>5000 pages</summary>\n\n- added [`00000.html`]"), "{text}");
    let shown = text.matches("- added ").count();
    assert!(shown > 500 && text.contains(&format!("\n- and {} more\n", 5_000 - shown)), "{shown}");
    assert!(text.len() > LIMIT - 2_000 && text.ends_with("- `/index.html`\n\n</details>\n"), "{}", text.len());
}

#[test]
fn a_failure_says_what_visitors_see_and_nothing_of_a_plan() {
    let problem = Problem::new(Code::Private, "`<b>` looks private").hint("Remove it.");
    let failure = problem.while_visitors_see(VisitorsSee::TheSame(Some(ReleaseNumber::new(7))));
    let text = summary(&published(vec![changed(path("a.html"), None, Some(1))]).failed(&failure), &same, LIMIT);
    assert!(text.starts_with("### `publish` to `production` ended with exit code 2\n"), "{text}");
    assert!(text.contains("> **&#96;&#60;b&#62;&#96; looks private**\n>\n> Visitors see release 7, as before&#46;\n>\n> Remove it&#46;\n"), "{text}");
    assert!(!text.contains("a.html") && !text.contains("Go back"), "{text}");
}

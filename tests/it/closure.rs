//! A site in which a page lacks what it needs is not published, and an untouched build is.

use std::path::Path;

use publish::report::{Outcome, Report};
use publish::run::PublishRequest;

use crate::world::{self, World};

/// What a publish of the second build says when one of its files is gone. Nothing was asked of S3 by then.
async fn without(path: &str) -> Report {
    let world = World::with_fixture("v2").await;
    world.remove(path);
    let report = world.publish().await;
    assert!(world.live().is_empty());
    if report.exit_code != 0 {
        assert_eq!(world.sandbox.requests().len(), 0, "{:?}", world.sandbox.requests());
    }
    report
}

/// The only file of the build whose name begins so.
fn asset(start: &str) -> String {
    let files = world::files_of(&world::fixture("v2"));
    let mut found = files.into_keys().filter(|path| path.starts_with(&format!("assets/{start}")));
    let path = found.next().unwrap();
    assert_eq!(found.next(), None, "{start}");
    path
}

fn refused(report: &Report, parts: &[&str]) {
    let error = report.error.as_ref().unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!((report.exit_code, error.code.as_str()), (2, "broken_reference"), "{report:#?}");
    for part in parts {
        assert!(error.message.contains(part), "{part} is not in: {}", error.message);
    }
    assert!(error.hint.contains("--allow-broken") && error.hint.contains("external"), "{}", error.hint);
}

#[tokio::test(flavor = "multi_thread")]
async fn untouched_builds_are_published_without_a_warning() {
    for build in ["v1", "v2"] {
        let report = World::with_fixture(build).await.published().await;
        assert_eq!(report.warnings, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_a_page_names_must_be_there() {
    let layout = asset("layout-t1");
    refused(&without(&layout).await, &[&layout, "module"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_is_imported_when_it_is_needed_must_be_there() {
    let care = asset("care-");
    refused(&without(&care).await, &[&care["assets/".len()..], "module"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_font_that_a_style_sheet_names_must_be_there() {
    let font = asset("bricolage-grotesque-vietnamese");
    refused(&without(&font).await, &[&font, "font", ".css`, line "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_image_is_a_warning() {
    let world = World::with_fixture("v2").await;
    world.write(
        "gallery.html",
        r#"<img src="/favicon.svg" srcset="/favicon.svg 1x, /large.png 2x"><a href="/gone">x</a>"#,
    );
    let report = world.published().await;
    let [warning] = report.warnings.as_slice() else { panic!("{report:#?}") };
    assert!(warning.starts_with("2 references lead nowhere: "), "{warning}");
    assert!(warning.contains("the page `/gone` (in `gallery.html`, line 1); the image `/large.png`"), "{warning}");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_pages_can_be_published_on_purpose() {
    let world = World::with_fixture("v2").await;
    world.remove(&asset("layout-t1"));
    let staged = world::publish(PublishRequest { stage_only: true, ..world.request() }).await;
    refused(&staged, &[]);
    let report = world::publish(PublishRequest { allow_broken: true, ..world.request() }).await;
    assert_eq!(report.outcome, Outcome::Published, "{report:#?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("layout-t1")), "{:?}", report.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_something_else_serves_need_not_be_there() {
    let mut world = World::with_fixture("v2").await;
    world.write("account.html", r#"<script src="/api/client.js"></script>"#);
    refused(&world.publish().await, &["`/api/client.js` (in `account.html`, line 1)"]);
    world.environment.publish.external = vec!["api/**".to_owned()];
    world.published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_release_left_behind_does_not_count() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let gone =
        world::files_of(&world::fixture("v1")).into_keys().find(|path| path.starts_with("assets/care-")).unwrap();
    world.remove(&gone);
    refused(&world.publish().await, &[&gone["assets/".len()..]]);
    assert!(world.live().contains_key(&gone));
}

/// A world whose pages look for all their files below `base`, and whose address is `url`.
async fn built_for(base: &str, url: &str) -> World {
    let mut world = World::with_fixture("v1").await;
    for (path, bytes) in world::files_of(&world::fixture("v1")) {
        if path.ends_with(".html") {
            world.write(&path, String::from_utf8(bytes).unwrap().replace("\"/", &format!("\"{base}")));
        }
    }
    world.environment.url = Some(url.to_owned());
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_would_be_blank_at_the_sites_address_are_not_sent() {
    for (base, url, built_for_url, other_url) in [
        (
            "/",
            "https://www.example.com/staging/shop",
            "base: '/staging/shop/'",
            "set `url` to https://www.example.com if",
        ),
        ("/docs/", "https://www.example.com/", "base: '/'", "set `url` to https://www.example.com/docs if"),
    ] {
        let world = built_for(base, url).await;
        let report = world.publish().await;
        let script = format!("module `{base}assets/");
        refused(&report, &["point outside the site at", url.trim_end_matches('/'), &script, "(in `about/index.html`"]);
        let error = report.error.unwrap();
        for part in [built_for_url, other_url] {
            assert!(error.hint.contains(part), "{part} is not in: {}", error.hint);
        }
        assert_eq!(world.sandbox.requests().len(), 0, "{:?}", world.sandbox.requests());
        let report = world::publish(PublishRequest { allow_broken: true, stage_only: true, ..world.request() }).await;
        assert_eq!(report.outcome, Outcome::Staged, "{report:#?}");
        assert!(report.warnings.iter().any(|warning| warning.contains("outside the site at")), "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_built_for_the_sites_address_are_sent() {
    for (base, url) in [
        ("/staging/shop/", "https://www.example.com/staging/shop"),
        ("/", "https://www.example.com"),
        ("", "https://www.example.com/docs/"),
    ] {
        let mut world = built_for(base, url).await;
        // Pages in folders look for their files beside themselves then.
        if base.is_empty() {
            world.environment.publish.exclude = vec!["*/**/*.html".to_owned(), "*/*.html".to_owned()];
        }
        let report = world::publish(PublishRequest { stage_only: true, ..world.request() }).await;
        assert_eq!(report.outcome, Outcome::Staged, "{base}: {report:#?}");
    }
}

/// What a publish of one of `fixtures/cases` says; its README says what is right.
async fn of_case(name: &str) -> (World, Report) {
    let world = World::new().await;
    for (path, bytes) in world::files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases").join(name)) {
        world.write(&path, bytes);
    }
    let report = world.published().await;
    (world, report)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_page_needs_stops_nothing() {
    for (case, warned) in [
        ("font-face-with-a-missing-first-source", Some("`./Icons-Round.otf` (in `icons.css`, line 1)")),
        ("identifier-like-an-npm-token", None),
        ("list-of-js-texts-beside-webpack", None),
        ("new-url-of-a-missing-module", Some("`engine.bundle.min.js` (in `app.js`, line 2)")),
        ("url-of-the-own-folder", None),
    ] {
        let (_, report) = of_case(case).await;
        match (warned, report.warnings.as_slice()) {
            (None, []) => {}
            (Some(text), [warning]) => assert!(warning.contains(text), "{case}: {warning}"),
            (_, warnings) => panic!("{case}: {warnings:#?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_of_programs_are_text_to_visitors() {
    let (world, _) = of_case("typescript-declarations").await;
    for (path, object) in world.live().iter().filter(|(path, _)| *path != "index.html") {
        assert_eq!(object.content_type, "text/plain; charset=utf-8", "{path}");
    }
    assert_eq!(world.live().len(), 4);
}

/// Hugo's page of the tag "C++", which S3 serves as `/tags/c%2B%2B/` alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_a_plus_is_published_refreshed_and_its_links_are_warned_of() {
    let world = World::new().await;
    world.write(
        "index.html",
        "<a href=\"/tags/c++/\">C++</a>\n<a href=\"/tags/c%2B%2B/\">C++</a><a href=\"/tags/go/?q=a+b\">Go</a>",
    );
    world.write("tags/c++/index.html", "<a href=\"../../tags/c++/#top\">C++</a><img src=\"a+b.png\">");
    world.write("tags/c++/a+b.png", "png");
    world.write("tags/go/index.html", "Go");
    let report = world.published().await;
    let pluses: Vec<&String> = report.warnings.iter().filter(|warning| warning.contains("%2B")).collect();
    assert_eq!(
        pluses,
        ["S3 reads a `+` in a URL as a space, so these links do not work: `../../tags/c++/#top` (in \
          `tags/c++/index.html`, line 1); `/tags/c++/` (in `index.html`, line 1); `a+b.png` (in `tags/c++/index.html`, \
          line 1). Write `%2B` instead of `+`."]
    );

    world.sandbox.clear_requests();
    world.write("tags/c++/index.html", "<a href=\"/tags/c%2B%2B/\">C++, again</a>");
    let report = world.published().await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    let refreshed = world.sandbox.invalidations(world::DISTRIBUTION).pop().unwrap();
    assert_eq!(refreshed.paths, ["/tags/c%2B%2B/", "/tags/c%2B%2B/index.html", "/tags/c++/", "/tags/c++/index.html"]);
}

/// On the disk where it was built, both names may lead to the same file.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_nearly_there_is_named() {
    let world = World::new().await;
    world.write("index.html", "<script src=/js/app.js></script><img src=/caf%C3%A9.png>");
    world.write("js/App.js", "1");
    world.write("cafe\u{301}.png", "2");
    let report = world.publish().await;
    refused(
        &report,
        &["`/js/app.js` (in `index.html`, line 1; there is `js/App.js`, which differs in upper and lower case)"],
    );
    assert!(report.warnings.iter().any(|said| said.contains("NFC and NFD")), "{:?}", report.warnings);
}

/// The page asks for what S3 does not have, and no other run of the same folder changes that.
#[tokio::test(flavor = "multi_thread")]
async fn a_script_with_a_bare_plus_is_a_warning_of_what_visitors_get_and_no_failure() {
    let world = World::new().await;
    world.write("index.html", "<script src=\"/js/a+b.js\"></script>");
    world.write("js/a+b.js", "1");
    for _ in 0..2 {
        let report = world.published().await;
        let said: Vec<&String> =
            report.warnings.iter().filter(|said| said.contains("a+b.js answers with an error")).collect();
        assert_eq!(said.len(), usize::from(report.outcome == Outcome::Published), "{report:#?}");
        world.assert_settled();
    }
}

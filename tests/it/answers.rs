//! What visitors get where they do not get what was published: each has its own sentence, what no waiting changes is not
//! waited for, and what is right must be right in every way in which browsers ask.

use std::sync::Mutex;
use std::time::Duration;

use publish::config::environment::Wait;
use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::report::event::Event;
use publish::report::{InvalidationStatus, Outcome, Report};
use publish::run::PublishRequest;
use publish::sandbox::{CustomError, Distribution};
use publish::stages::audit::FindingKind;

use crate::front::{Answer, Asked, Front};
use crate::verify::verify;
use crate::world::{self, World};

async fn live_v1() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world
}

/// What a publish of the second build says where the site's address is `url`.
async fn published_at(world: &mut World, url: &str) -> Report {
    let right = world.environment.url.replace(url.to_owned());
    let report = world.publish().await;
    world.environment.url = right;
    report
}

/// The release is live, one refresh was asked for and stays recorded, and the report says this.
fn assert_said(report: &Report, message: &str, hint: &str) {
    assert_eq!((report.exit_code, report.outcome), (3, Outcome::Failed), "{report:#?}");
    let error = report.error.as_ref().unwrap();
    assert_eq!(error.code, "verification_failed");
    assert!(error.message.contains(message), "{message} is not in: {}", error.message);
    assert!(error.hint.contains(hint), "{hint} is not in: {}", error.hint);
    assert_eq!(
        error.visitors_see,
        "Release 2 is live in the bucket and nothing is lost, but visitors do not get all of it at the site's address."
    );
    assert_eq!(report.invalidation.as_ref().unwrap().paths_paid, 8, "asked for once");
}

/// With two minutes of patience: the test would not end in time if it were made use of.
#[tokio::test(flavor = "multi_thread")]
async fn what_no_waiting_changes_is_told_at_once() {
    for (status, headers, message, hint) in [
        (
            "301 Moved",
            "location: https://shop.example/a",
            "redirects (301) to https://shop.example/a",
            "as https://shop.example",
        ),
        ("302 Found", "location: /login?next=/", "asks visitors to sign in", "wait = \"completed\""),
        ("401 Unauthorized", "www-authenticate: Basic", "asks visitors to sign in: 401", "wait = \"completed\""),
        ("202 Accepted", "x-amzn-waf-action: challenge", "a challenge of AWS WAF (202)", "Let this machine through"),
        ("403 Forbidden", "", "answers with 403", "origin path"),
        ("404 Not Found", "", "answers with 404", "origin path"),
        ("200 OK", "server: nginx", "is answered by another server, which calls itself `nginx`", "Set `url`"),
    ] {
        let mut world = live_v1().await;
        let before = world.invalidations().len();
        let front = Front::of(world.sandbox.site_url(), move |_, _| Answer::new(status, headers));
        let report = published_at(&mut world, &front.url).await;
        assert_said(&report, message, hint);
        assert!(!front.asked().is_empty(), "{status}");
        assert_eq!(world.invalidations().len(), before + 1, "{status}");
        assert_eq!(world.published().await.outcome, Outcome::Repaired, "{status}");
        world.assert_settled();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_a_name_and_one_without_a_certificate_are_told_at_once() {
    let mut world = live_v1().await;
    let no_tls = world.sandbox.site_url().replace("http://", "https://");
    for (url, message, hint) in [
        ("http://no-such-host.invalid", "no server of that name (DNS)", "DNS record"),
        (no_tls.as_str(), "its certificate is not valid", "certificate for this name"),
    ] {
        let report = published_at(&mut world, url).await;
        assert_said(&report, message, hint);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_waited_for() {
    let mut world = live_v1().await;
    world.environment.invalidation.timeout = Duration::from_millis(600);
    let front = Front::of(world.sandbox.site_url(), |_, _| Answer::new("503 Service Unavailable", ""));
    let report = published_at(&mut world, &front.url).await;
    assert_said(&report, "answers with 503", "functions");
    assert!(front.asked().iter().filter(|asked| asked.path == "/index.html").count() > 3, "looked at again");
}

/// A front that still has the old page in one variant for as many looks as `times`.
fn keeping(world: &World, times: usize, keeps: fn(&Asked) -> bool) -> Front {
    let old = std::fs::read(world::fixture("v1").join("index.html")).unwrap();
    let left = Mutex::new(times);
    Front::of(world.sandbox.site_url(), move |asked, answer| {
        let mut left = left.lock().unwrap();
        if asked.path != "/index.html" || !keeps(asked) || *left == 0 {
            return answer;
        }
        *left -= 1;
        Answer { body: old.clone(), ..answer }
    })
}

fn is_identity(asked: &Asked) -> bool {
    !asked.compressed && !asked.has_query
}

fn is_with_query(asked: &Asked) -> bool {
    asked.compressed && asked.has_query
}

fn is_identity_with_query(asked: &Asked) -> bool {
    !asked.compressed && asked.has_query
}

/// All four ways of asking.
const KINDS: [fn(&Asked) -> bool; 4] = [is_identity, is_with_query, is_identity_with_query, is_plain];

fn is_plain(asked: &Asked) -> bool {
    asked.compressed && !asked.has_query
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_way_of_asking_still_shows_is_waited_for() {
    for keeps in KINDS {
        let mut world = live_v1().await;
        let front = keeping(&world, 1, keeps);
        let report = published_at(&mut world, &front.url).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
        assert_eq!(report.invalidation.unwrap().status, InvalidationStatus::Effective);
        world.assert_settled();
        // Seven addresses in four variants (the alias of a new page has no old bytes), and again what was not right, or
        // all of them where the refresh was asked for anew because CloudFront had completed it; then the entry page as a
        // browser opens it.
        let asked = front.asked();
        let of_page = asked.iter().filter(|one| one.path.starts_with("/assets/")).count() + 1;
        assert!((29..=56).contains(&(asked.len() - of_page)), "{}: {asked:#?}", asked.len() - of_page);
        let looked = asked.iter().filter(|one| one.path == "/index.html" && keeps(one)).count();
        assert!(looked >= 2, "{looked}");
        for kind in KINDS {
            assert!(asked.iter().filter(|one| kind(one)).count() >= 7, "each address in each variant");
        }
    }
}

/// Of two hundred addresses at most: see `verify::chosen`.
#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_requests_is_bounded() {
    let mut world = World::new().await;
    for text in ["one", "two"] {
        for number in 0..250 {
            world.write(&format!("{number}.txt"), format!("{text} {number}"));
        }
        if text == "one" {
            world.published().await;
        }
    }
    let front = Front::of(world.sandbox.site_url(), |_, answer| answer);
    let report = published_at(&mut world, &front.url).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert_eq!(front.asked().len(), 4 * 200, "each in four variants");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_something_in_front_overrides_is_a_warning() {
    let mut world = World::with_fixture("v1").await;
    world.published().await;
    let rule = |cache_control: &str| HeaderRule {
        globs: OneOrMany(vec!["robots.txt".to_owned()]),
        cache_control: Some(cache_control.to_owned()),
        ..HeaderRule::default()
    };
    world.environment.headers = vec![rule("public, max-age=60")];
    let front = Front::of(world.sandbox.site_url(), |_, answer| answer.with("cache-control", "no-store"));
    let report = published_at(&mut world, &front.url).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let told = "/robots.txt returns `no-store` for cache-control instead of `public, max-age=60`";
    let warnings: Vec<_> = report.warnings.iter().filter(|warning| warning.contains(told)).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("response headers policy"), "{:#?}", report.warnings);
    world.assert_settled();
    // Where nothing overrides it, it is seen.
    world.environment.headers = vec![rule("public, max-age=90")];
    assert_eq!(world.published().await.warnings, [""; 0]);
}

/// A page that was built for the top of its host, in a folder of it: each byte of it is right, and a browser shows nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_page_that_a_browser_cannot_show_is_not_verified() {
    // Outside the site's folder there is nothing; or a page for everything, as for an app with routes of its own.
    let nothing: fn(&Asked, Answer) -> Answer = |_, answer| answer;
    let a_page: fn(&Asked, Answer) -> Answer = |asked, answer| match asked.path.starts_with("/staging/shop") {
        true => answer,
        false => Answer { body: b"<!doctype html>".to_vec(), ..Answer::new("200 OK", "content-type: text/html") },
    };
    for (outside, found) in [(nothing, "answers with 403"), (a_page, "returns a page instead of a script")] {
        let mut world = World::with_fixture("v1").await;
        world.environment.invalidation.timeout = Duration::from_millis(300);
        let site = world.sandbox.site_url().to_owned();
        let front = Front::of(&site, outside).below("/staging/shop");
        let url = format!("{}/staging/shop", front.url);
        world.environment.url = Some(url.clone());
        // As a release comes from another environment, whose address was another one.
        let staged = world::publish(PublishRequest { allow_broken: true, stage_only: true, ..world.request() }).await;
        assert_eq!(staged.outcome, Outcome::Staged, "{staged:#?}");
        let report = world.activate(1).await;
        assert_eq!(report.exit_code, 3, "{report:#?}");
        let error = report.error.unwrap();
        assert!(
            error.message.contains(&format!("{url}/index.html cannot be shown: it loads from outside")),
            "{error:#?}"
        );
        assert!(error.message.contains("/assets/") && error.message.contains(found), "{error:#?}");
        assert!(error.hint.contains("base: '/staging/shop/'"), "{error:#?}");
        assert!(error.visitors_see.contains("is live in the bucket and nothing is lost"), "{error:#?}");
        // The person who asked is told, and nothing more.
        let asked_for = PublishRequest { allow_broken: true, ..world.request() };
        let report = world::publish(asked_for).await;
        assert_eq!((report.exit_code, report.outcome), (0, Outcome::Repaired), "{report:#?}");
        assert!(report.warnings.iter().any(|warning| warning.contains("cannot be shown")), "{report:#?}");
        world.assert_settled();
    }
}

/// What asked for a script that no release has.
fn made_up(world: &World, front: &Front) -> Vec<String> {
    let is_there = |path: &str| world.live().contains_key(path.trim_start_matches('/'));
    let asked = front.asked().into_iter().map(|asked| asked.path);
    asked.filter(|path| path.starts_with("/assets/") && path.ends_with(".js") && !is_there(path)).collect()
}

/// As for single-page applications: what is not there is answered with the home page.
fn answer_with_the_home_page(world: &World, does: bool) {
    let fallback = CustomError {
        error_code: 403,
        response_page_path: Some("/index.html".to_owned()),
        response_code: Some(200),
        error_caching_min_ttl: Duration::ZERO,
    };
    let custom_errors = if does { vec![fallback] } else { Vec::new() };
    world.sandbox.set_distribution(Distribution { custom_errors, ..world::distribution() });
}

/// Tabs that are open since an older release ask for scripts that have left, and must not take a page for one.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_for_a_script_that_is_not_there_is_a_warning_and_a_failure_where_that_is_wanted() {
    let told = |report: &Report| {
        report.warnings.iter().filter(|warning| warning.contains("which is not a file of this site")).count()
    };
    for (falls_back, strict) in [(false, true), (true, false), (true, true)] {
        let mut world = live_v1().await;
        answer_with_the_home_page(&world, falls_back);
        world.environment.publish.strict = strict;
        let front = Front::of(world.sandbox.site_url(), |_, answer| answer);
        let report = published_at(&mut world, &front.url).await;
        let asked = made_up(&world, &front);
        assert_eq!(asked.len(), 1, "{asked:?}");
        let invalidated: Vec<String> = world.invalidations().into_iter().flat_map(|made| made.paths).collect();
        assert!(!invalidated.contains(&asked[0]), "it is never refreshed");
        assert_eq!(told(&report), usize::from(falls_back && !strict), "{:#?}", report.warnings);
        let (verified, findings) = verify(&world, (false, false)).await;
        assert_eq!(told(&verified), usize::from(falls_back && !strict), "{:#?}", verified.warnings);
        if !(falls_back && strict) {
            assert_eq!((report.exit_code, verified.exit_code, findings.len()), (0, 0, 0), "{report:#?}");
            continue;
        }
        let error = report.error.unwrap();
        assert_eq!((report.exit_code, error.code.as_str()), (3, "verification_failed"), "{error:#?}");
        assert!(error.message.contains(&asked[0]) && error.hint.contains("viewer-request function"), "{error:#?}");
        assert!(error.visitors_see.contains("is live in the bucket and nothing is lost"), "{error:#?}");
        assert_eq!((verified.exit_code, findings.len()), (6, 1), "{findings:#?}");
        assert_eq!(findings[0].what, FindingKind::Answer);
        // The same command looks again, and there is nothing else to do.
        assert_eq!(world.publish().await.exit_code, 3);
        answer_with_the_home_page(&world, false);
        // The home page is no error page any more, so that its headers change too.
        assert_eq!(told(&world.published().await), 0);
        world.assert_settled();
    }
}

/// Where the home page has the one address `/`, its file's name leads there.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_page_may_have_one_address_without_its_name() {
    let mut world = World::with_fixture("v1").await;
    world.published().await;
    let front = Front::of(world.sandbox.site_url(), |asked, answer| match asked.path.as_str() {
        "/index.html" => Answer::new("301 Moved Permanently", "location: /"),
        _ => answer,
    });
    world.append("about/index.html", "<!-- changed -->");
    world.environment.url = Some(front.url.clone());
    let report = world.publish().await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_comes_as_a_page_or_with_other_bytes_is_not_verified() {
    for (content_type, message) in [
        ("text/html", "returns a page instead of a"),
        ("text/javascript", "returns neither the new nor the old version"),
    ] {
        let mut world = live_v1().await;
        world.environment.invalidation.timeout = Duration::from_millis(300);
        let front = Front::of(world.sandbox.site_url(), move |asked, answer| {
            if !asked.path.ends_with(".js") {
                return answer;
            }
            Answer { status: "200 OK".to_owned(), body: b"<!doctype html>".to_vec(), ..answer }
                .with("content-type", content_type)
        });
        let report = published_at(&mut world, &front.url).await;
        assert_said(&report, "/index.html cannot be shown: ", "");
        assert!(report.error.unwrap().message.contains(message), "{message}");
    }
}

/// In time to do something about it.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_there_is_told_before_anything_is_written() {
    let mut world = live_v1().await;
    world.environment.url = Some("http://no-such-host.invalid".to_owned());
    let is_told =
        |message: &str| message.starts_with("The host no-such-host.invalid in `url` cannot be resolved at the moment");
    let (plan, _) = world.plan().await;
    assert_eq!(plan.warnings.iter().filter(|message| is_told(message)).count(), 1, "{plan:#?}");
    let heard = Mutex::new(Vec::new());
    let report = world::publish_heard(world.request(), |event| heard.lock().unwrap().push(event)).await;
    assert_eq!(report.exit_code, 3, "it stops nothing: {report:#?}");
    let heard = heard.into_inner().unwrap();
    let told = heard.iter().position(|event| matches!(event, Event::Warning { message } if is_told(message)));
    let staging = heard.iter().position(|event| matches!(event, Event::StagingStarted { .. }));
    assert!(told.is_some() && told < staging, "{heard:#?}");
    // Where the site is not looked at, its host need not be known here.
    world.environment.invalidation.wait = Wait::Completed;
    world.append("index.html", "<!-- changed -->");
    let report = world.published().await;
    assert!(!report.warnings.iter().any(|message| is_told(message)), "{report:#?}");
}

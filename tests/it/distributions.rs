//! Several distributions in front of one site: each hears of every change, whichever environment it goes through.

use publish::config::environment::Wait;
use publish::report::{InvalidationStatus, OtherDistribution, Outcome, Report};
use publish::run::{self, Caller, ForgetRequest, Reply};
use publish::sandbox::{CustomError, Distribution};
use publish::views::status::DistributionStatus;
use serde_json::Value;

use crate::world::{BUCKET, DISTRIBUTION, World, caller, distribution, key_variables};

/// The distribution of the other environment.
pub(crate) const WWW: &str = "EWWW";

const V2_PATHS: [&str; 8] =
    ["/", "/about/", "/about/index.html", "/config.json", "/contact.html", "/index.html", "/news/", "/news/index.html"];

pub(crate) fn www() -> Distribution {
    Distribution { id: WWW.to_owned(), ..distribution() }
}

/// The environment of the other distribution. Visitors are looked at through the first one only.
fn through_www(world: &mut World) {
    (world.environment.distribution, world.environment.url) = (Some(WWW.to_owned()), None);
}

fn through_apex(world: &mut World) {
    world.environment.distribution = Some(DISTRIBUTION.to_owned());
}

fn through_none(world: &mut World) {
    (world.environment.distribution, world.environment.url) = (None, None);
}

/// v1 is live behind both distributions, and each has seen it.
async fn live_behind_both() -> World {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(www());
    world.published().await;
    through_www(&mut world);
    world.published().await;
    world.assert_settled();
    world.sandbox.clear_requests();
    world
}

fn invalidated(world: &World, distribution: &str) -> Vec<Vec<String>> {
    world.sandbox.invalidations(distribution).into_iter().map(|invalidation| invalidation.paths).collect()
}

pub(crate) fn last_invalidated(world: &World, distribution: &str) -> Vec<String> {
    invalidated(world, distribution).pop().unwrap_or_default()
}

/// One environment publishes once and never again: what it was sent and nobody asked about does not stay for ever.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_for_an_environment_that_rests_is_settled_by_the_others() {
    let mut world = live_behind_both().await;
    let apex = world.environment.clone();
    world.environment.distribution = Some(DISTRIBUTION.to_owned());
    world.environment.url = Some(world.sandbox.site_url().to_owned());
    world.sandbox.complete_invalidations_after(u32::MAX);
    world.use_fixture("v2");
    world.published().await;
    let sent = |world: &World, id: &str| {
        world.head().pending_refreshes.iter().filter(|it| it.distribution == id && it.is_sent()).count()
    };
    assert_eq!(sent(&world, DISTRIBUTION), 1);
    world.environment = apex;
    world.write("robots.txt", "of the other environment");
    world.environment.invalidation.wait = Wait::None;
    world.published().await;
    assert_eq!(sent(&world, DISTRIBUTION), 0);
    let status = world.status().await;
    let row = status.distributions.iter().find(|known| known.distribution == DISTRIBUTION).unwrap();
    assert_eq!(row.seen.map(u64::from), Some(3), "{status:#?}");
}

/// What each distribution has seen, and how many paths it is owed.
pub(crate) async fn seen(world: &World) -> Vec<(String, Option<u64>, usize)> {
    let of = |known: DistributionStatus| (known.distribution, known.seen.map(u64::from), known.owed.len());
    world.status().await.distributions.into_iter().map(of).collect()
}

pub(crate) fn row(distribution: &str, seen: u64, owed: usize) -> (String, Option<u64>, usize) {
    (distribution.to_owned(), Some(seen), owed)
}

async fn assert_unchanged_costs_one_request(world: &World) -> Report {
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((report.outcome, world.sandbox.requests().len()), (Outcome::Unchanged, 1), "{report:#?}");
    report
}

pub(crate) fn owed_elsewhere(report: &Report) -> Vec<(&str, InvalidationStatus)> {
    report.other_distributions.iter().map(|other| (other.distribution.as_str(), other.status)).collect()
}

fn warns_of(report: &Report, text: &str) -> bool {
    report.warnings.iter().any(|warning| warning.contains(text))
}

/// The live objects that were copied onto.
fn copied_live(world: &World) -> Vec<String> {
    let copies = world.s3_requests().into_iter().filter(|request| request.operation == "CopyObject");
    copies.map(|request| request.key).filter(|key| key.starts_with("live/")).collect()
}

/// The head as stored.
fn stored(world: &World) -> Value {
    serde_json::from_slice(&world.objects()[&world.environment.layout.head().key].bytes).unwrap()
}

async fn forget(world: &World, distribution: &str, yes: bool, answer: Reply) -> Report {
    let caller = Caller { yes, ..caller() };
    let (environment, distribution) = (world.environment.clone(), distribution.to_owned());
    let request = ForgetRequest { environment, caller, distribution };
    run::forget_distribution(request, &|_| answer, publish::report::event::Events::new(&|_| {})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_that_comes_second_forgets_everything_once() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(www());
    world.published().await;
    let before = (world.visible(), world.invalidations());
    through_www(&mut world);
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Repaired, "{report:#?}");
    assert_eq!(invalidated(&world, WWW), [["/*"]]);
    assert_eq!(report.invalidation.unwrap().paths, ["/*"]);
    assert_eq!((world.visible(), world.invalidations()), before, "nothing else changes");
    assert_eq!(seen(&world).await, [row(DISTRIBUTION, 1, 0), row(WWW, 1, 0)]);
    assert_unchanged_costs_one_request(&world).await;
    through_apex(&mut world);
    assert_unchanged_costs_one_request(&world).await;
}

/// Each has its own facts and its own names, an unchanged publish is one request, and what one of them does not take is a failure.
#[tokio::test(flavor = "multi_thread")]
async fn one_environment_may_name_several() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(Distribution { origin_path: String::new(), default_root_object: None, ..www() });
    world.environment.further_distributions = vec![WWW.to_owned()];
    let report = world.published().await;
    assert_eq!(report.requests["GetDistributionConfig"], 2);
    let of_www = (WWW.to_owned(), None, 0);
    assert_eq!(seen(&world).await, [row(DISTRIBUTION, 1, 0), of_www], "its first refresh was not waited for");
    assert_unchanged_costs_one_request(&world).await;

    world.append("about/index.html", "<!-- changed -->");
    let report = world.published().await;
    assert_eq!(last_invalidated(&world, DISTRIBUTION), ["/about/", "/about/index.html"]);
    assert_eq!(last_invalidated(&world, WWW), ["/live/about/", "/live/about/index.html"]);
    assert_eq!(owed_elsewhere(&report), [(WWW, InvalidationStatus::Requested)]);
    let [sent] = &world.status().await.sent_refreshes[..] else { panic!("it was not waited for") };
    assert_eq!((sent.distribution.as_str(), sent.completed), (WWW, Some(true)));

    world.append("robots.txt", "# more");
    world.refuse("CreateInvalidation", WWW, 403, "AccessDenied");
    for _ in 0..2 {
        let report = world.publish().await;
        assert_eq!(report.exit_code, 3, "{report:#?}");
        assert!(report.error.unwrap().message.contains(WWW));
        assert_eq!(last_invalidated(&world, DISTRIBUTION), ["/robots.txt"]);
        assert_eq!(seen(&world).await, [row(DISTRIBUTION, 3, 0), row(WWW, 2, 1)]);
    }
    world.sandbox.clear_faults();
    assert_eq!(world.published().await.outcome, Outcome::Repaired);
    assert_eq!(last_invalidated(&world, WWW), ["/live/robots.txt"]);
    assert_unchanged_costs_one_request(&world).await;
    world.assert_settled();
}

/// What a rollback says of a distribution that did not take its refresh is true: the same command finishes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_without_a_number_finishes_the_refresh_of_a_further_distribution() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(www());
    world.environment.further_distributions = vec![WWW.to_owned()];
    world.published().await;
    world.append("about/index.html", "<!-- changed -->");
    world.published().await;
    world.refuse("CreateInvalidation", WWW, 403, "AccessDenied");
    assert_eq!(world.rollback(None).await.exit_code, 3);
    world.sandbox.clear_faults();
    let report = world.rollback(None).await;
    assert_eq!((report.exit_code, report.release.map(u64::from)), (0, Some(1)), "{report:#?}");
    assert_eq!(seen(&world).await, [row(DISTRIBUTION, 1, 0), row(WWW, 1, 0)]);
    assert_eq!(world.rollback(None).await.exit_code, 2, "nothing is left to finish, so that a number is needed");
}

/// One that is added to the list may keep anything.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_added_to_an_environment_forgets_everything_once() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(www());
    world.published().await;
    let before = invalidated(&world, DISTRIBUTION).len();
    world.environment.further_distributions = vec![WWW.to_owned()];
    assert_eq!(world.published().await.outcome, Outcome::Repaired);
    assert_eq!(invalidated(&world, WWW), [["/*"]]);
    assert_eq!(invalidated(&world, DISTRIBUTION).len(), before);
    assert_unchanged_costs_one_request(&world).await;
    let report = forget(&world, WWW, true, Reply::CannotAsk).await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
}

/// What it would do is said before, and a plan asks nobody to forget.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_that_a_new_distribution_forgets_everything() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.set_distribution(www());
    world.published().await;
    through_www(&mut world);
    let (report, plan) = run::plan(world.request(), publish::report::event::Events::new(&|_| {})).await;
    assert_eq!(report.exit_code, 10, "{report:#?}");
    assert_eq!(plan.unwrap().view().paths, ["/*"]);
    world.use_fixture("v2");
    let (report, _) = run::plan(world.request(), publish::report::event::Events::new(&|_| {})).await;
    assert_eq!(report.invalidation.unwrap().paths, ["/*"]);
    assert!(invalidated(&world, WWW).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_asks_for_its_own_paths_and_not_for_everything() {
    let world = World::with_fixture("v1").await;
    let report = world.published().await;
    assert!(report.invalidation.unwrap().paths.iter().all(|path| path != "/*"));
    assert!(invalidated(&world, DISTRIBUTION).iter().flatten().all(|path| path != "/*"));
    assert!(last_invalidated(&world, DISTRIBUTION).contains(&"/index.html".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_to_both_whichever_environment_it_goes_through() {
    let mut world = live_behind_both().await;
    world.use_fixture("v2");
    let report = world.published().await;
    for id in [DISTRIBUTION, WWW] {
        assert_eq!(last_invalidated(&world, id), V2_PATHS, "{id}");
    }
    assert_eq!(owed_elsewhere(&report), [(DISTRIBUTION, InvalidationStatus::Requested)]);
    assert_eq!(report.warnings, [""; 0]);
    world.assert_settled();
    assert_eq!(seen(&world).await, [row(DISTRIBUTION, 2, 0), row(WWW, 2, 0)]);

    through_apex(&mut world);
    assert_unchanged_costs_one_request(&world).await;
    assert_eq!(world.rollback(None).await.exit_code, 0);
    for id in [DISTRIBUTION, WWW] {
        assert_eq!(last_invalidated(&world, id), V2_PATHS, "{id}: back again");
        assert_eq!(invalidated(&world, id).len(), 3, "{id}");
    }

    through_www(&mut world);
    world.use_fixture("v2");
    assert_eq!(world.prune(&["contact.html"]).await.exit_code, 0);
    for id in [DISTRIBUTION, WWW] {
        assert_eq!(last_invalidated(&world, id), ["/contact.html"], "{id}: taken out");
    }
    world.assert_settled();
}

/// The same file is named otherwise below another origin path, and an unreadable distribution may name it in any way.
#[tokio::test(flavor = "multi_thread")]
async fn each_forgets_what_is_changed_by_its_own_names() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(Distribution { origin_path: String::new(), default_root_object: None, ..www() });
    world.published().await;
    through_www(&mut world);
    world.published().await;
    world.append("about/index.html", "<!-- changed -->");
    through_apex(&mut world);
    world.published().await;
    assert_eq!(last_invalidated(&world, DISTRIBUTION), ["/about/", "/about/index.html"]);
    assert_eq!(last_invalidated(&world, WWW), ["/live/about/", "/live/about/index.html"]);
    world.assert_settled();
}

/// Beyond the limit each has wildcards of its own, and spellings that CloudFront refuses keep none of them from its refresh.
#[tokio::test(flavor = "multi_thread")]
async fn each_has_the_cheapest_refresh_of_its_own_and_no_refused_spelling_stays_owed() {
    let mut world = World::new().await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(Distribution { origin_path: String::new(), default_root_object: None, ..www() });
    let pages = ["[slug]/1.txt", "[slug]/2.txt", "[slug]/3.txt"];
    pages.iter().for_each(|page| world.write(page, "old"));
    world.write("robots.txt", "same");
    world.published().await;
    through_www(&mut world);
    world.published().await;
    world.environment.invalidation.max_paths = 2;
    pages.iter().for_each(|page| world.write(page, "new"));
    let report = world.published().await;
    assert_eq!(last_invalidated(&world, DISTRIBUTION), ["/%5Bslug%5D/*"]);
    assert_eq!(last_invalidated(&world, WWW), ["/live/%5Bslug%5D/*"]);
    for (id, raw) in [(DISTRIBUTION, " /[slug]/*"), (WWW, " /live/[slug]/*")] {
        assert!(report.warnings.iter().any(|warning| warning.contains(id) && warning.contains(raw)), "{report:#?}");
    }
    assert_eq!(owed_elsewhere(&report), [(DISTRIBUTION, InvalidationStatus::Requested)]);
    assert_eq!(report.other_distributions[0].ids.len(), 1);
    let invalidation = report.invalidation.unwrap();
    assert_eq!((invalidation.paths_paid, invalidation.evicted_bytes), (1, 0));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_may_not_refresh_stays_owed_is_shown_and_is_done_by_who_may() {
    let mut world = live_behind_both().await;
    let before = invalidated(&world, DISTRIBUTION).len();
    world.use_fixture("v2");
    world.refuse("CreateInvalidation", DISTRIBUTION, 403, "AccessDenied");
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Published);
    assert_eq!(last_invalidated(&world, WWW), V2_PATHS);
    assert_eq!(report.invalidation.as_ref().unwrap().status, InvalidationStatus::Completed);
    let owed = OtherDistribution {
        distribution: DISTRIBUTION.to_owned(),
        release: report.release.unwrap(),
        status: InvalidationStatus::Owed,
        ids: Vec::new(),
        paths: V2_PATHS.map(str::to_owned).to_vec(),
        paths_paid: 0,
        price_usd: "0.000".to_owned(),
        evicted_unchanged: 0,
        evicted_bytes: 0,
        because: None,
    };
    assert_eq!(report.other_distributions, std::slice::from_ref(&owed));
    assert!(warns_of(&report, DISTRIBUTION) && warns_of(&report, "forget-distribution"), "{report:#?}");
    assert_eq!(seen(&world).await, [row(DISTRIBUTION, 1, 8), row(WWW, 2, 0)]);

    let report = assert_unchanged_costs_one_request(&world).await;
    assert_eq!(report.other_distributions, [owed]);
    assert!(warns_of(&report, DISTRIBUTION), "{report:#?}");

    // Another change, which the first refresh does not cover.
    world.append("robots.txt", "# more");
    assert_eq!(world.published().await.other_distributions.len(), 2);
    assert_eq!(seen(&world).await, [row(DISTRIBUTION, 1, 9), row(WWW, 3, 0)]);

    world.sandbox.clear_faults();
    through_apex(&mut world);
    let report = world.published().await;
    assert_eq!((report.outcome, report.other_distributions.len()), (Outcome::Repaired, 0), "{report:#?}");
    assert_eq!(invalidated(&world, DISTRIBUTION)[before..], [&V2_PATHS[..], &["/robots.txt"]]);
    assert_eq!(seen(&world).await, [row(DISTRIBUTION, 3, 0), row(WWW, 3, 0)]);
    assert_unchanged_costs_one_request(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_without_a_number_goes_on_although_another_distribution_is_owed_a_refresh() {
    let mut world = live_behind_both().await;
    world.refuse("CreateInvalidation", DISTRIBUTION, 403, "AccessDenied");
    world.use_fixture("v2");
    world.published().await;
    assert_eq!(world.rollback(None).await.release.map(u64::from), Some(1));
    assert_eq!(world.rollback(Some(2)).await.release.map(u64::from), Some(2));
    // Its own is finished first.
    world.refuse("CreateInvalidation", WWW, 403, "AccessDenied");
    assert_eq!(world.rollback(Some(1)).await.exit_code, 3);
    world.sandbox.clear_faults();
    through_www(&mut world);
    assert_eq!(world.rollback(None).await.release.map(u64::from), Some(1));
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distribution_that_is_not_there_any_more_is_forgotten_on_purpose() {
    let mut world = live_behind_both().await;
    world.use_fixture("v2");
    world.refuse("CreateInvalidation", DISTRIBUTION, 404, "NoSuchDistribution");
    let report = world.published().await;
    assert!(warns_of(&report, &format!("publish forget-distribution {DISTRIBUTION}")), "{report:#?}");

    for (distribution, named) in [(WWW, "`distribution`"), ("E0", DISTRIBUTION), ("E0", WWW)] {
        let report = forget(&world, distribution, true, Reply::CannotAsk).await;
        let error = report.error.unwrap();
        assert_eq!((report.exit_code, error.code.as_str()), (2, "usage"), "{error:#?}");
        assert!(error.hint.contains(named), "{error:#?}");
    }
    let before = world.objects();
    assert_eq!(forget(&world, DISTRIBUTION, false, Reply::CannotAsk).await.exit_code, 2);
    assert_eq!(forget(&world, DISTRIBUTION, false, Reply::No).await.exit_code, 130);
    assert_eq!(world.objects(), before);

    world.sandbox.clear_requests();
    let report = forget(&world, DISTRIBUTION, false, Reply::Yes).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Repaired), "{report:#?}");
    let asked = world.sandbox.requests();
    let asked: Vec<_> = asked.iter().map(|request| (request.operation.as_str(), request.key.as_str())).collect();
    assert_eq!(asked, [("GetObject", "_publish/live/head.json"), ("PutObject", "_publish/live/head.json")]);
    world.assert_settled();
    assert_eq!(seen(&world).await, [(WWW.to_owned(), Some(2), 0)]);
    assert_eq!(stored(&world)["format"], 1, "one distribution is what format 1 can say");
    let report = assert_unchanged_costs_one_request(&world).await;
    assert_eq!(report.warnings, [""; 0]);

    world.sandbox.clear_faults();
    through_apex(&mut world);
    assert_eq!(world.published().await.outcome, Outcome::Repaired);
    assert_eq!(last_invalidated(&world, DISTRIBUTION), ["/*"], "it is new again");
}

/// The setting was taken out of publish.toml: what is owed waits for who has it.
#[tokio::test(flavor = "multi_thread")]
async fn an_environment_without_a_distribution_keeps_and_shows_what_others_are_owed() {
    let mut world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.published().await;
    world.use_fixture("v2");
    world.refuse("CreateInvalidation", "", 403, "AccessDenied");
    assert_eq!(world.publish().await.exit_code, 3);
    world.sandbox.clear_faults();
    let before = world.visible();
    let url = world.environment.url.clone();
    through_none(&mut world);
    let report = assert_unchanged_costs_one_request(&world).await;
    assert_eq!(report.invalidation, None);
    assert_eq!(owed_elsewhere(&report), [(DISTRIBUTION, InvalidationStatus::Owed)]);
    assert!(warns_of(&report, DISTRIBUTION), "{report:#?}");
    assert_eq!(world.visible(), before, "headers follow what is known, and not who publishes");

    world.append("robots.txt", "# more");
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Published);
    assert_eq!(owed_elsewhere(&report), [(DISTRIBUTION, InvalidationStatus::Owed); 2]);
    assert_eq!(report.files.reheadered, 0);
    assert!(world.sandbox.requests().iter().all(|request| request.operation != "CreateInvalidation"));
    assert_eq!(seen(&world).await, [(DISTRIBUTION.to_owned(), None, 9)]);

    (world.environment.distribution, world.environment.url) = (Some(DISTRIBUTION.to_owned()), url);
    assert_eq!(world.published().await.outcome, Outcome::Repaired);
    assert_eq!(last_invalidated(&world, DISTRIBUTION), ["/robots.txt"]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_that_publish_by_turns_do_not_rewrite_each_others_headers() {
    let page = |page: &str| CustomError {
        error_code: 404,
        response_page_path: Some(page.to_owned()),
        response_code: Some(404),
        error_caching_min_ttl: std::time::Duration::from_secs(10),
    };
    for unreadable in [false, true] {
        let mut world = World::with_fixture("v1").await;
        world.sandbox.complete_invalidations_after(0);
        world.sandbox.set_distribution(Distribution { custom_errors: vec![page("/contact.html")], ..distribution() });
        world.sandbox.set_distribution(Distribution { custom_errors: vec![page("/about/index.html")], ..www() });
        if unreadable {
            world.refuse("GetDistributionConfig", WWW, 403, "AccessDenied");
        }
        world.published().await;
        through_www(&mut world);
        let report = world.published().await;
        assert!(report.files.reheadered > 0, "the second one is stricter: {report:#?}");
        for _ in 0..2 {
            for through in [through_none, through_apex, through_www] {
                through(&mut world);
                world.sandbox.clear_requests();
                assert_eq!(world.published().await.outcome, Outcome::Unchanged);
                // What nobody refreshes is for the next run to do.
                if world.environment.distribution.is_some() {
                    world.append("robots.txt", "# more");
                    assert_eq!(world.published().await.files.reheadered, 0);
                    assert_eq!(copied_live(&world), ["live/robots.txt"], "unreadable: {unreadable}");
                }
            }
        }
        for path in ["contact.html", "about/index.html"] {
            let cache_control = world.live()[path].cache_control.clone().unwrap();
            assert!(!cache_control.contains("s-maxage"), "{path} is an error page of one of them: {cache_control}");
        }
        let others = world.live()["index.html"].cache_control.clone().unwrap();
        assert_eq!(others.contains("s-maxage"), !unreadable, "{others}");
    }
}

/// The switch is done and nobody was asked yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cut_short_after_the_switch_is_finished_through_any_environment() {
    for finish in [through_apex, through_www] {
        let mut world = live_behind_both().await;
        world.use_fixture("v2");
        world.refuse("CreateInvalidation", "", 403, "AccessDenied");
        let report = world.publish().await;
        assert_eq!(report.exit_code, 3, "{report:#?}");
        assert_eq!(owed_elsewhere(&report), [(DISTRIBUTION, InvalidationStatus::Owed)]);
        assert_eq!(seen(&world).await, [row(DISTRIBUTION, 1, 8), row(WWW, 1, 8)]);
        world.sandbox.clear_faults();
        finish(&mut world);
        assert_eq!(world.published().await.outcome, Outcome::Repaired);
        for id in [DISTRIBUTION, WWW] {
            assert_eq!(last_invalidated(&world, id), V2_PATHS, "{id}");
        }
        world.assert_settled();
    }
}

/// The environment's own is refused, and the other one may be asked: that is done.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_the_own_distribution_keeps_no_other_from_its_refresh() {
    let mut world = live_behind_both().await;
    world.use_fixture("v2");
    world.refuse("CreateInvalidation", WWW, 403, "AccessDenied");
    assert_eq!(world.publish().await.exit_code, 3);
    assert_eq!(last_invalidated(&world, DISTRIBUTION), V2_PATHS);
    assert_eq!(seen(&world).await, [row(DISTRIBUTION, 2, 0), row(WWW, 1, 8)]);
    through_apex(&mut world);
    let report = assert_unchanged_costs_one_request(&world).await;
    assert_eq!(owed_elsewhere(&report), [(WWW, InvalidationStatus::Owed)]);
}

/// What it keeps may be older than what was found and adopted.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_adopted_is_forgotten_by_a_distribution_that_was_there_before() {
    let world = World::with_fixture("v1").await;
    world.sandbox.put_foreign(BUCKET, "live/index.html", b"older".to_vec(), "text/html");
    let report = crate::world::publish(publish::run::PublishRequest { adopt: true, ..world.request() }).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert_eq!(invalidated(&world, DISTRIBUTION), [["/*"]]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_keeps_facts_etag_and_release_of_each() {
    let world = live_behind_both().await;
    let head = stored(&world);
    assert_eq!((&head["format"], &head["minor"]["write"]), (&2.into(), &2.into()));
    let www = &head["distributions"][WWW];
    assert_eq!((&www["seen"], &www["facts"]["readable"]), (&1.into(), &true.into()));
    assert!(www["config_etag"].as_str().is_some_and(|etag| !etag.is_empty()), "{www}");
    assert_eq!(head["distributions"][DISTRIBUTION]["seen"], 1);
    assert!(head["distribution"].is_null());
}

/// The program itself: nobody can be asked, so that `--yes` says it.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_forgets_what_is_named() {
    let world = live_behind_both().await;
    let forget = async |words: &[&str]| {
        let program = tokio::process::Command::new(env!("CARGO_BIN_EXE_publish"))
            .arg("forget-distribution")
            .args(words)
            .args(["--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--distribution", WWW])
            .args(["--region", "us-east-1", "--endpoint-url", world.sandbox.s3_endpoint()])
            .env_clear()
            .envs(key_variables(&world.sandbox))
            .env("HOME", world.folder.parent().unwrap())
            .current_dir(world.folder.parent().unwrap())
            .output();
        let output = program.await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = forget(&["E0", "--yes"]).await;
    assert!(code == Some(2) && said.contains(DISTRIBUTION) && said.contains(WWW), "{said}");
    let (code, said) = forget(&[WWW, "--yes"]).await;
    assert!(code == Some(2) && said.contains(WWW), "{said}");
    let (code, said) = forget(&[DISTRIBUTION]).await;
    assert!(code == Some(2) && said.contains("--yes"), "{said}");
    let (code, said) = forget(&[DISTRIBUTION, "--yes"]).await;
    assert!(code == Some(0) && said.contains("forgotten"), "{said}");
    assert_eq!(seen(&world).await, [row(WWW, 1, 0)]);
}

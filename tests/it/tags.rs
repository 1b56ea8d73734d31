//! Cache tags: written where a live mutable object is, known to nothing that is part of a release, and in place of paths only
//! while all that a distribution keeps is known by them.

use std::collections::{BTreeMap, BTreeSet};

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::content::path::SitePath;
use publish::release::cache_tags::{self, CacheTag};
use publish::release::head::SIGNATURES_LAST;
use publish::report::{Outcome, Report};
use publish::sandbox::{Distribution, LoggedRequest, StoredObject};
use serde_json::{Value, json};

use crate::world::{DISTRIBUTION, World, distribution};

const PAGES: [&str; 4] = ["index.html", "blog/a.html", "blog/b.html", "docs/index.html"];

/// The addresses of all pages.
const ALL_PATHS: [&str; 6] = ["/", "/blog/a.html", "/blog/b.html", "/docs/", "/docs/index.html", "/index.html"];

fn with_tags() -> Distribution {
    Distribution { cache_tag_header: Some(cache_tags::HEADER.to_owned()), ..distribution() }
}

fn write_all(world: &World, text: &str) {
    PAGES.iter().for_each(|page| world.write(page, text));
}

/// A site of a few pages behind a distribution, published once.
async fn live(distribution: Distribution) -> (World, Report) {
    let world = World::new().await;
    world.sandbox.complete_invalidations_after(0);
    world.sandbox.set_distribution(distribution);
    write_all(&world, "one");
    let report = world.published().await;
    (world, report)
}

fn site_tag(world: &World) -> String {
    CacheTag::of_site(world.environment.layout.identity()).to_string()
}

fn folder_tag(world: &World, folder: &str) -> String {
    CacheTag::of_folder(world.environment.layout.identity(), folder).to_string()
}

/// The tags of each live object, as stored.
fn stored_tags(world: &World) -> BTreeMap<String, String> {
    let of = |object: StoredObject| object.metadata.get(cache_tags::METADATA).cloned().unwrap_or_default();
    world.live().into_iter().map(|(path, object)| (path, of(object))).collect()
}

fn assert_all_are_tagged(world: &World) {
    for (path, stored) in stored_tags(world) {
        let tags = CacheTag::all_of(world.environment.layout.identity(), &SitePath::new(path.as_str()).unwrap());
        let expected: Vec<&str> = tags.iter().map(CacheTag::as_str).collect();
        assert_eq!(stored, expected.join(","), "{path}");
    }
    assert!(world.head().tagged);
}

/// What was asked for by the last publish.
async fn asked_by_a_publish(world: &World) -> Vec<String> {
    let before = world.invalidations().len();
    world.published().await;
    world.invalidations().split_off(before).into_iter().flat_map(|one| one.paths).collect()
}

fn stored_head(world: &World) -> Value {
    serde_json::from_slice(&world.objects()[&world.environment.layout.head().key].bytes).unwrap()
}

async fn assert_unchanged_costs_one_request(world: &World) {
    world.sandbox.clear_requests();
    let report = world.published().await;
    assert_eq!((report.outcome, world.sandbox.requests().len()), (Outcome::Unchanged, 1), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tag_stands_for_all_pages_after_everything_was_forgotten_once() {
    let (world, report) = live(with_tags()).await;
    assert_eq!(report.warnings, [""; 0]);
    assert_eq!(report.requests["GetDistribution"], 1);
    assert_eq!(world.last_invalidated(), ["/*"]);
    assert_all_are_tagged(&world);
    let manifest = world.manifest(1);
    assert!(manifest.files.values().all(|entry| entry.headers.metadata.is_empty()), "no release knows of tags");
    assert_eq!(stored_head(&world)["minor"], json!({ "read": 0, "write": 3 }));
    assert_unchanged_costs_one_request(&world).await;

    write_all(&world, "two");
    let (_, plan) = world.plan().await;
    assert_eq!(plan.unwrap().view().paths, [site_tag(&world)]);
    world.sandbox.clear_requests();
    let report = world.published().await;
    let invalidation = report.invalidation.unwrap();
    assert_eq!(invalidation.paths, [site_tag(&world)]);
    assert_eq!((invalidation.paths_paid, invalidation.price_usd.as_str()), (1, "0.005"));
    assert_eq!((world.last_invalidated(), invalidation.evicted_unchanged), (vec![site_tag(&world)], 0));
    assert!(!report.requests.contains_key("GetDistribution"), "it is known to be deployed");
    assert_all_are_tagged(&world);

    // Those of one folder, and one that was not there.
    world.write("blog/a.html", "three");
    world.write("blog/b.html", "three");
    world.write("new.html", "three");
    assert_eq!(asked_by_a_publish(&world).await, [folder_tag(&world, "blog"), "/new.html".to_owned()]);
    // A page has two addresses and one tag; of one address, the path says more.
    world.write("docs/index.html", "four");
    world.write("blog/a.html", "four");
    assert_eq!(asked_by_a_publish(&world).await, [folder_tag(&world, "docs"), "/blog/a.html".to_owned()]);
}

/// A site that was there before: what does not change gets its tags too, and nothing else of it is another.
#[tokio::test(flavor = "multi_thread")]
async fn where_tags_begin_every_live_object_gets_them_and_stays_what_it_is() {
    let (world, _) = live(distribution()).await;
    assert_eq!(stored_head(&world)["format"], json!(1));
    let before = world.live();
    world.sandbox.set_distribution(with_tags());
    world.write("blog/a.html", "two");
    let report = world.published().await;
    assert_eq!((report.files.replaced, report.files.reheadered), (1, 0), "{report:#?}");
    assert_eq!(world.last_invalidated(), ["/blog/a.html"]);
    assert!(!report.requests.contains_key("GetDistribution"));
    assert_all_are_tagged(&world);
    for (path, object) in world.live().into_iter().filter(|(path, _)| path != "blog/a.html") {
        let mut metadata = object.metadata.clone();
        metadata.remove(cache_tags::METADATA);
        assert_eq!(metadata, before[&path].metadata, "{path}");
        assert_eq!((&object.bytes, &object.cache_control), (&before[&path].bytes, &before[&path].cache_control));
    }
    write_all(&world, "two");
    assert_eq!(asked_by_a_publish(&world).await, ["/*"]);
    write_all(&world, "three");
    assert_eq!(asked_by_a_publish(&world).await, [site_tag(&world)]);

    // Going back writes them as well, and may use them.
    let seen = world.visible();
    let report = world.rollback(Some(1)).await;
    assert_eq!((report.outcome, world.last_invalidated()), (Outcome::RolledBack, vec![site_tag(&world)]));
    assert_all_are_tagged(&world);
    assert_ne!(world.visible(), seen);
    assert!(world.live().values().all(|object| object.bytes == "one"));
    world.resume().await;

    // Without the setting, nobody has them any more, and older versions of publish may write again.
    world.sandbox.set_distribution(distribution());
    write_all(&world, "four");
    assert!(asked_by_a_publish(&world).await.iter().all(|path| path.starts_with('/')));
    assert!(stored_tags(&world).values().all(String::is_empty));
    assert_eq!(stored_head(&world)["format"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_configuration_means_paths_and_everything_once_when_it_is_deployed() {
    let (world, _) = live(with_tags()).await;
    let config_etag = "E3OTHER".to_owned();
    world.sandbox.set_distribution(Distribution { config_etag: config_etag.clone(), deployed: false, ..with_tags() });
    write_all(&world, "two");
    assert_eq!(asked_by_a_publish(&world).await, ALL_PATHS);
    write_all(&world, "three");
    assert_eq!(asked_by_a_publish(&world).await, ALL_PATHS, "still not deployed");
    world.sandbox.set_distribution(Distribution { config_etag: config_etag.clone(), ..with_tags() });
    write_all(&world, "four");
    assert_eq!(asked_by_a_publish(&world).await, ["/*"]);
    assert_eq!(world.head().distributions[DISTRIBUTION].tagged_under.as_deref(), Some(config_etag.as_str()));
    write_all(&world, "five");
    assert_eq!(asked_by_a_publish(&world).await, [site_tag(&world)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_whether_it_is_deployed_refreshes_paths() {
    let world = World::new().await;
    world.sandbox.set_distribution(with_tags());
    world.refuse("GetDistribution", "", 403, "AccessDenied");
    write_all(&world, "one");
    let report = world.published().await;
    assert!(report.warnings.iter().any(|warning| warning.contains("cloudfront:GetDistribution)")), "{report:#?}");
    write_all(&world, "two");
    assert!(asked_by_a_publish(&world).await.iter().all(|path| path.starts_with('/')));
    assert_all_are_tagged(&world);
}

/// Objects that have their tags already, although nobody knows it, are looked at and not written: that is no change.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_looked_at_for_its_tags_has_changed_nothing() {
    let (world, _) = live(with_tags()).await;
    world.rewrite_head(|head| head.tagged = false);
    world.write("index.html", "two");
    world.refuse("CopyObject", "live/index.html", 403, "AccessDenied");
    world.sandbox.clear_requests();
    let report = world.publish().await;
    let looked = |request: &LoggedRequest| request.operation == "HeadObject" && request.key == "live/blog/a.html";
    assert!(world.s3_requests().iter().any(looked));
    assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (1, "access_denied"));
    assert_eq!(world.head().activation, None);
}

/// A person's own tags stay beside ours, and are no change. Such a tag may look like one of ours, as of another site.
#[tokio::test(flavor = "multi_thread")]
async fn a_persons_own_tags_are_kept() {
    a_persons_own_tag_is_kept("team:docs, all").await;
    a_persons_own_tag_is_kept("publish-0123456789abcdef").await;
}

async fn a_persons_own_tag_is_kept(own_tag: &str) {
    let mut world = World::new().await;
    world.sandbox.set_distribution(with_tags());
    let metadata = BTreeMap::from([(cache_tags::METADATA.to_owned(), own_tag.to_owned())]);
    let on = OneOrMany(vec!["**/*.html".to_owned()]);
    world.environment.headers = vec![HeaderRule { globs: on, metadata, ..HeaderRule::default() }];
    write_all(&world, "one");
    world.published().await;
    assert!(
        stored_tags(&world).values().all(|tags| tags.starts_with("publish-") && tags.ends_with(&format!(",{own_tag}")))
    );
    let own = |world: &World| {
        let files = world.manifest(1).files.into_values();
        files.map(|entry| entry.headers.metadata[cache_tags::METADATA].clone()).collect::<BTreeSet<_>>()
    };
    assert_eq!(own(&world), BTreeSet::from([own_tag.to_owned()]));
    assert_unchanged_costs_one_request(&world).await;
    world.write("blog/a.html", "two");
    let report = world.published().await;
    assert_eq!((report.files.replaced, report.files.reheadered), (1, 0), "{report:#?}");
}

/// Cut short while tags begin: nobody takes them for complete, and the next change begins again.
#[tokio::test(flavor = "multi_thread")]
async fn tags_that_were_begun_and_not_finished_do_not_count() {
    let (world, _) = live(distribution()).await;
    world.sandbox.set_distribution(with_tags());
    world.write("blog/a.html", "two");
    world.refuse_after(2, "CopyObject", "live/", 403, "AccessDenied");
    assert_ne!(world.publish().await.exit_code, 0);
    world.sandbox.clear_faults();
    assert!(!world.head().tagged && world.head().activation.is_some());
    world.published().await;
    assert!(!world.head().tagged, "what another run had begun is finished without");
    write_all(&world, "three");
    assert_eq!(asked_by_a_publish(&world).await, ALL_PATHS);
    assert_all_are_tagged(&world);
    write_all(&world, "four");
    assert_eq!(asked_by_a_publish(&world).await, ["/*"]);
}

/// What something else has written has no tags, and says nothing of it: it is left alone, and tags do not count.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_something_else_keeps_tags_from_counting() {
    let (world, _) = live(distribution()).await;
    world.sandbox.remove_object(crate::world::BUCKET, "live/docs/index.html");
    world.sandbox.set_distribution(with_tags());
    world.write("blog/a.html", "two");
    let report = world.published().await;
    assert!(report.warnings.iter().any(|warning| warning.contains("live/docs/index.html is missing")), "{report:#?}");
    assert!(!world.head().tagged);
    assert_eq!(world.head().distributions[DISTRIBUTION].tagged_under, None);
    world.write("docs/index.html", "three");
    assert_eq!(asked_by_a_publish(&world).await, ["/docs/", "/docs/index.html"]);
    assert_all_are_tagged(&world);
    world.write("docs/index.html", "four");
    assert_eq!(asked_by_a_publish(&world).await, ["/*"]);
}

/// Tags that were owed and not sent say nothing to a distribution that reads them no more.
#[tokio::test(flavor = "multi_thread")]
async fn tags_that_are_owed_to_another_configuration_become_everything() {
    let (world, _) = live(with_tags()).await;
    write_all(&world, "two");
    world.refuse("CreateInvalidation", "", 403, "AccessDenied");
    assert_eq!(world.publish().await.exit_code, 3);
    world.sandbox.clear_faults();
    assert_eq!(world.head().pending_refreshes[0].tags.len(), 1);
    world.sandbox.set_distribution(Distribution { config_etag: "E3OTHER".to_owned(), ..distribution() });
    assert_eq!(asked_by_a_publish(&world).await, ["/*"]);
}

/// Wherever the publish that begins with tags is cut short: a head says that all have them only where they do.
#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_first_publish_with_tags_stops_nothing_is_said_that_is_not_so() {
    let (world, _) = live(distribution()).await;
    for requests in (1..28).step_by(3) {
        let world = world.branch().await;
        world.sandbox.complete_invalidations_after(0);
        world.sandbox.set_distribution(with_tags());
        write_all(&world, "one");
        world.write("blog/a.html", "two");
        world.stop_after(requests);
        world.publish().await;
        world.sandbox.clear_faults();
        world.let_leases_end();
        if world.head().tagged {
            assert_all_are_tagged(&world);
        }
        world.published().await;
        if !world.head().suspects.is_empty() {
            // Who was cut short may still write one without: nothing begins before that was looked at.
            write_all(&world, "soon");
            assert!(asked_by_a_publish(&world).await.iter().all(|path| path.starts_with('/')));
            assert!(!world.head().tagged);
            world.sandbox.advance_clock(SIGNATURES_LAST);
            write_all(&world, "later");
            world.published().await;
        }
        let mut asked = Vec::new();
        for text in ["three", "four", "five"] {
            write_all(&world, text);
            asked.push(asked_by_a_publish(&world).await);
            assert_all_are_tagged(&world);
        }
        let tag = vec![site_tag(&world)];
        let everything = asked.iter().position(|asked| *asked == ["/*"]);
        assert_eq!(asked.last(), Some(&tag), "after {requests}: {asked:?}");
        let by_tag = asked.iter().position(|asked| *asked == tag);
        assert!(everything.is_none() || everything < by_tag, "after {requests}: {asked:?}");
    }
}

/// Copies that the edge had before do not come back without their tags: after `/*`, what is kept has them, and goes by them.
#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_forgot_everything_keeps_no_copy_without_tags() {
    let (world, _) = live(distribution()).await;
    let page = format!("{}/blog/b.html", world.sandbox.site_url());
    assert_eq!(crate::visitor::text(&page).await, "one", "the edge keeps it without tags");
    world.sandbox.set_distribution(with_tags());
    // Its ETag stays what it was when it gets its tags.
    world.write("blog/a.html", "two");
    world.published().await;
    assert_eq!(crate::visitor::text(&page).await, "one");
    world.write("blog/a.html", "three");
    assert_eq!(asked_by_a_publish(&world).await, ["/*"]);
    assert_eq!(crate::visitor::text(&page).await, "one", "and keeps it again, with its tags");
    write_all(&world, "four");
    assert_eq!(asked_by_a_publish(&world).await, [site_tag(&world)]);
    assert_eq!(crate::visitor::text(&page).await, "four");
}

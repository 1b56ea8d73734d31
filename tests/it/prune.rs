//! Pruning: what has outlived its retention goes, and nothing that anybody may still need.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use publish::config::environment::Wait;
use publish::content::path::SitePath;
use publish::release::manifest::{Manifest, ReleaseNumber};
use publish::release::retention::RetentionSettings;
use publish::report::event::{Event, Events};
use publish::report::{Outcome, Report};
use publish::run::{self, PublishRequest, Reply};
use publish::types::digest::Digest;
use publish::types::headers::Kind;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::world::{self, BUCKET, World, loads};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Names as a bundler gives them: their bytes never change.
pub(crate) const CHUNKS: [&str; 5] = [
    "assets/app-D4wrgT9a.js",
    "assets/app-B4kX9_fQ.js",
    "assets/app-Cz7mPw2R.js",
    "assets/app-Dq8vLs1Y.js",
    "assets/app-BnT3hJ6x.js",
];

/// A build: a page, the chunk it names, and a mutable file that no page is.
pub(crate) fn build(world: &World, number: usize) {
    std::fs::remove_dir_all(&world.folder).unwrap();
    let chunk = CHUNKS[number - 1];
    world.write("index.html", loads(chunk));
    world.write(chunk, format!("chunk {number}"));
    world.write(&format!("data-{number}.json"), format!("{{\"number\": {number}}}"));
}

/// Five releases, of which the last is live. One superseded release is retained, whatever its age.
pub(crate) async fn five_releases() -> World {
    let mut world = World::new().await;
    for (number, chunk) in (1..).zip(CHUNKS) {
        build(&world, number);
        world.published().await;
        world.assert_fingerprinted(number as u64, chunk);
    }
    world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
    world.sandbox.advance_clock(DAY);
    world.sandbox.clear_requests();
    world
}

pub(crate) fn releases(world: &World) -> Vec<u64> {
    let manifests = world.objects().into_iter().filter(|(key, _)| key.ends_with("/manifest.json.gz"));
    let mut numbers: Vec<u64> =
        manifests.map(|(_, object)| Manifest::decode(&object.bytes).unwrap().release.into()).collect();
    numbers.sort_unstable();
    numbers
}

pub(crate) async fn pruned(world: &World) -> Report {
    let report = world.prune(&[]).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Pruned), "{report:#?}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_outlived_its_retention_goes_and_the_rest_comes_back_exactly() {
    let world = five_releases().await;
    let report = pruned(&world).await;
    assert_eq!(releases(&world), [4, 5]);
    let live: BTreeSet<String> = world.live().into_keys().collect();
    let expected = ["index.html", CHUNKS[3], CHUNKS[4], "data-4.json", "data-5.json"];
    assert_eq!(live, expected.map(str::to_owned).into());
    let blobs: BTreeSet<String> = world.objects().into_keys().filter(|key| key.contains("/blobs/")).collect();
    let page = |chunk: &str| Digest::of(loads(chunk).as_bytes());
    for (number, chunk) in CHUNKS.iter().enumerate() {
        let key = world.environment.layout.blob(&page(chunk)).key;
        assert_eq!(blobs.contains(&key), number >= 3, "{chunk}");
    }
    assert!(report.deleted >= 8, "{report:#?}");
    assert!(world.claims().iter().all(|claim| u64::from(claim.release) > 3));
    assert_eq!(world.head().superseded.keys().copied().collect::<Vec<_>>(), [ReleaseNumber::new(4)]);
    let forgotten = world.last_invalidated();
    assert!(
        ["/data-1.json", "/data-2.json", "/data-3.json"].iter().all(|path| forgotten.contains(&(*path).to_owned()))
    );
    assert!(!forgotten.iter().any(|path| path.contains("assets")), "nobody asks for those: {forgotten:?}");
    world.assert_settled();
    world.assert_all_releases_are_whole();
    for release in [4, 5] {
        assert_eq!(world.rollback(Some(release)).await.exit_code, 0);
        world.assert_settled();
    }
    assert_eq!(world.rollback(Some(2)).await.exit_code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_of_nothing_costs_few_requests_and_writes_nothing() {
    let world = five_releases().await;
    pruned(&world).await;
    let head = world.head();
    world.sandbox.clear_requests();
    let report = world.prune(&[]).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Unchanged), "{report:#?}");
    // The head, the two retained manifests, the lists of releases and blobs.
    assert_eq!(world.s3_requests().len(), 5, "{:?}", world.s3_operations());
    assert_eq!(world.head(), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_was_ever_published_nothing_is_pruned() {
    let world = World::new().await;
    let report = world.prune(&[]).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Unchanged), "{report:#?}");
    assert!(world.objects().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_an_abandoned_release_stay_until_its_retention_is_over() {
    let mut world = World::new().await;
    for number in 1..=2 {
        build(&world, number);
        world.published().await;
    }
    assert_eq!(world.rollback(None).await.exit_code, 0);
    build(&world, 3);
    world.published().await;
    build(&world, 4);
    world.published().await;
    world.environment.retention = RetentionSettings { releases: 1, days: 30, prune: false };
    world.sandbox.advance_clock(29 * DAY);
    assert_eq!(world.prune(&[]).await.outcome, Outcome::Unchanged);
    assert!(world.live().contains_key(CHUNKS[1]), "a tab may be open that shows release 2");
    world.sandbox.advance_clock(2 * DAY);
    pruned(&world).await;
    assert!(!world.live().contains_key(CHUNKS[1]));
    assert_eq!(releases(&world), [3, 4]);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_objects_stay() {
    let world = five_releases().await;
    world.sandbox.put_foreign(BUCKET, "live/data-1.json", "somebody else's", "application/json");
    world.sandbox.put_foreign(BUCKET, "live/other.html", "somebody else's", "text/html");
    world.sandbox.put_foreign(BUCKET, "_publish/live/blobs/notes.txt", "somebody else's", "text/plain");
    pruned(&world).await;
    let objects = world.objects();
    for key in ["live/data-1.json", "live/other.html", "_publish/live/blobs/notes.txt"] {
        assert_eq!(&objects[key].bytes[..], b"somebody else's", "{key}");
    }
    assert!(!objects.contains_key("live/data-2.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stage_that_was_cut_short_left_goes_after_a_day() {
    let world = World::new().await;
    build(&world, 1);
    world.published().await;
    build(&world, 2);
    world.refuse("PutObject", "manifest", 400, "Stopped");
    assert_eq!(world.publish().await.exit_code, 1);
    world.sandbox.clear_faults();
    assert!(world.live().contains_key(CHUNKS[1]));
    world.sandbox.advance_clock(DAY / 2);
    assert_eq!(world.prune(&[]).await.outcome, Outcome::Unchanged, "it may still be at it");
    assert!(world.live().contains_key(CHUNKS[1]));
    world.sandbox.advance_clock(DAY);
    pruned(&world).await;
    assert!(!world.live().contains_key(CHUNKS[1]));
    let page = Digest::of(loads(CHUNKS[1]).as_bytes());
    assert!(!world.objects().contains_key(&world.environment.layout.blob(&page).key));
    world.assert_all_releases_are_whole();

    // Its number is never given out again.
    build(&world, 3);
    assert_eq!(world.published().await.release, Some(ReleaseNumber::new(3)));
    pruned(&world).await;
    let numbers: Vec<u64> = world.claims().iter().map(|claim| claim.release.into()).collect();
    assert_eq!(numbers, [1, 3], "now that a higher one is there, nobody needs it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_goes_and_the_release_that_names_it_comes_back_whole() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    world.published().await;
    world.sandbox.clear_faults();
    assert_eq!(world.status().await.leftovers, ["contact.html"]);
    let report = pruned(&world).await;
    assert_eq!(report.deleted, 1);
    assert!(!world.live().contains_key("contact.html"));
    assert_eq!(world.status().await.leftovers, [""; 0]);
    assert!(world.last_invalidated().contains(&"/contact.html".to_owned()));
    world.assert_settled();
    assert_eq!(world.rollback(None).await.exit_code, 0);
    assert!(world.live().contains_key("contact.html"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_whose_bytes_are_nowhere_else_is_kept_before_it_goes() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    world.published().await;
    world.sandbox.clear_faults();
    let page = world.live().remove("contact.html").unwrap();
    let blob = world.environment.layout.blob(&Digest::of(&page.bytes)).key;
    world.sandbox.remove_object(BUCKET, &blob);
    pruned(&world).await;
    assert_eq!(world.objects()[&blob].bytes, page.bytes);
    world.assert_all_releases_are_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_remove_is_told_and_nothing_is_lost() {
    let world = five_releases().await;
    let before = world.visible();
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    let report = world.prune(&[]).await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    let error = report.error.unwrap();
    assert_eq!(error.code, "access_denied");
    assert!(error.message.contains("more objects"), "{error:#?}");
    assert_eq!(world.visible(), before);
    assert_eq!(releases(&world), [1, 2, 3, 4, 5]);
    assert!(world.head().pruning.is_none());
    world.sandbox.clear_faults();
    pruned(&world).await;
    assert_eq!(releases(&world), [4, 5]);
}

/// Runs a prune during which, once it knows what goes, `meanwhile` happens.
async fn pruned_while(world: &World, now: &[&str], meanwhile: impl Fn() + Sync) -> Report {
    let listener = |event| {
        if matches!(event, Event::PruneStarted { .. }) {
            meanwhile();
        }
    };
    let caller = run::Caller { yes: true, ..world::caller() };
    let now = now.iter().map(|path| SitePath::new(*path).unwrap()).collect();
    let request = run::PruneRequest { environment: world.environment.clone(), caller, now };
    run::prune(request, &|_| Reply::CannotAsk, Events::new(&listener)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_a_prune_looked_at_it_stays_and_is_told() {
    let world = five_releases().await;
    let blob = world.environment.layout.blob(&Digest::of(b"{\"number\": 1}")).key;
    let (file, chunk) = ("live/data-2.json", format!("live/{}", CHUNKS[0]));
    let report = pruned_while(&world, &[], || {
        for key in [file, chunk.as_str(), &blob] {
            world.sandbox.put_foreign(BUCKET, key, "somebody else's", "text/plain");
        }
    })
    .await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    let error = report.error.unwrap();
    assert!(error.message.contains("changed") && error.message.contains("2 more objects"), "{error:#?}");
    assert!(error.hint.contains("`publish prune`"), "{error:#?}");
    let objects = world.objects();
    for key in [file, chunk.as_str(), &blob] {
        assert_eq!(&objects[key].bytes[..], b"somebody else's", "{key}");
    }
    assert!(!objects.contains_key("live/data-3.json"), "everything else went");
    assert!(world.head().pruning.is_none());
    // The next one looks at them anew: at live keys they are not ours; in the state they are.
    pruned(&world).await;
    assert_eq!(releases(&world), [4, 5]);
    let objects = world.objects();
    assert!(objects.contains_key(file) && objects.contains_key(&chunk) && !objects.contains_key(&blob));
    world.assert_all_releases_are_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_changed_since_a_prune_looked_at_it_stays() {
    let world = five_releases().await;
    let key = world.environment.layout.manifest(ReleaseNumber::new(1)).key;
    let report =
        pruned_while(&world, &[], || world.sandbox.put_foreign(BUCKET, &key, "another", "application/gzip")).await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    assert!(report.error.unwrap().message.contains(&key));
    assert_eq!(&world.objects()[&key].bytes[..], b"another");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_file_that_is_another_by_now_stays_and_is_told() {
    let world = leaked().await;
    let replace = || world.sandbox.put_foreign(BUCKET, "live/plan.pdf", "for everybody", "application/pdf");
    let report = pruned_while(&world, &["plan.pdf"], replace).await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    assert!(report.error.unwrap().message.contains("live/plan.pdf"));
    assert_eq!(&world.live()["plan.pdf"].bytes[..], b"for everybody");
    assert_eq!(world.prune(&["plan.pdf"]).await.exit_code, 0, "what is another's is not taken out");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_knows_what_is_live_nothing_goes() {
    let world = five_releases().await;
    let manifest = world.environment.layout.manifest(ReleaseNumber::new(5)).key;
    world.sandbox.remove_object(BUCKET, &manifest);
    for now in [&[][..], &["data-5.json"]] {
        let report = world.prune(now).await;
        assert_eq!((report.exit_code, report.error.unwrap().code.as_str()), (1, "bad_state"));
    }
    assert!(world.s3_writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_asks_first() {
    let world = five_releases().await;
    for (answer, code) in [(Reply::No, 130), (Reply::CannotAsk, 2), (Reply::Yes, 0)] {
        world.sandbox.clear_requests();
        let question = Mutex::new(String::new());
        let ask = |text: &str| {
            *question.lock().unwrap() = text.to_owned();
            answer
        };
        let (report, _) = world.prune_as(world::caller(), &[], &ask).await;
        assert_eq!(report.exit_code, code, "{report:#?}");
        assert!(question.lock().unwrap().contains("3 releases"), "{question:?}");
        assert_eq!(world.s3_writes().is_empty(), answer != Reply::Yes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stager_was_told_is_there_stays_although_it_was_to_go() {
    let world = five_releases().await;
    // While a person thinks about the plan, somebody stages a release that names what is to go.
    let ask = |_: &str| {
        build(&world, 1);
        let request = PublishRequest { stage_only: true, ..world.request() };
        let staged = block_in_place(|| Handle::current().block_on(world::publish(request)));
        assert_eq!((staged.outcome, staged.uploaded.objects), (Outcome::Staged, 0), "all was there: {staged:#?}");
        Reply::Yes
    };
    let (report, _) = world.prune_as(world::caller(), &[], &ask).await;
    assert_eq!(report.outcome, Outcome::Pruned, "{report:#?}");
    assert!(world.live().contains_key(CHUNKS[0]) && !world.live().contains_key(CHUNKS[1]));
    world.assert_all_releases_are_whole();
    assert_eq!(world.activate(6).await.exit_code, 0);
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stager_that_a_prune_overtakes_begins_again_and_ends_whole() {
    let world = five_releases().await;
    build(&world, 1);
    let times = Mutex::new(0);
    let listener = |event| {
        if matches!(event, Event::Staged { .. }) {
            let mut times = times.lock().unwrap();
            *times += 1;
            if *times == 1 {
                // Another machine's prune, which thought the claim dead.
                block_in_place(|| Handle::current().block_on(pruned(&world)));
                world.sandbox.remove_object(BUCKET, &format!("live/{}", CHUNKS[0]));
            }
        }
    };
    let report = world::publish_heard(world.request(), listener).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    assert!(times.into_inner().unwrap() > 1, "it was proven anew");
    world.assert_settled();
    world.assert_all_releases_are_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_prunes_by_itself_where_that_is_configured() {
    let mut world = five_releases().await;
    world.environment.retention.prune = true;
    world.write("robots.txt", "changed");
    let report = world.published().await;
    assert_eq!(report.outcome, Outcome::Published);
    assert_eq!(report.warnings, [""; 0]);
    assert_eq!(releases(&world), [5, 6]);
    world.assert_settled();
    world.sandbox.clear_requests();
    world.write("robots.txt", "changed again");
    world.sandbox.advance_clock(DAY);
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    let report = world.published().await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published));
    assert_eq!(report.warnings.len(), 1, "{report:#?}");
    assert!(report.warnings[0].contains("DeleteObject"), "{report:#?}");
}

async fn leaked() -> World {
    let world = World::new().await;
    build(&world, 1);
    world.write("plan.pdf", "first");
    world.published().await;
    world.write("plan.pdf", "second");
    world.published().await;
    world.write("plan.pdf", "third");
    world.published().await;
    world.sandbox.clear_requests();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_file_is_out_of_every_release_at_once() {
    let mut world = leaked().await;
    world.environment.invalidation.wait = Wait::None;
    let report = world.prune(&["plan.pdf"]).await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Pruned), "{report:#?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("versioning")), "{report:#?}");
    let bytes: Vec<Vec<u8>> = world.objects().into_values().map(|object| object.bytes.to_vec()).collect();
    for leaked in ["first", "second", "third"] {
        assert!(!bytes.contains(&leaked.as_bytes().to_vec()), "{leaked}");
    }
    assert_eq!(world.last_invalidated(), ["/plan.pdf"]);
    assert_eq!(report.invalidation.unwrap().status, publish::report::InvalidationStatus::Completed);
    assert_eq!(releases(&world), [1, 2, 3]);
    world.assert_all_releases_are_whole();
    assert!(world.head().is_settled());

    let report = world.publish().await;
    assert_eq!(report.exit_code, 2, "{report:#?}");
    let error = report.error.unwrap();
    assert!(error.code == "private" && error.message.contains("plan.pdf"), "{error:#?}");
    world.remove("plan.pdf");
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    let report = world.rollback(Some(1)).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("plan.pdf")), "{report:#?}");
    assert!(!world.live().contains_key("plan.pdf"));
    world.write("plan.pdf", "for everybody");
    assert_eq!(world.published().await.exit_code, 0);
    assert_eq!(&world.live()["plan.pdf"].bytes[..], b"for everybody");
    world.assert_settled();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_taken_out_and_not_removed_goes_with_the_next_prune() {
    let world = leaked().await;
    world.refuse("DeleteObjects", "", 403, "AccessDenied");
    let report = world.prune(&["plan.pdf"]).await;
    assert_eq!(report.exit_code, 1, "{report:#?}");
    world.sandbox.clear_faults();
    assert!(world.live().contains_key("plan.pdf"));
    pruned(&world).await;
    assert!(!world.live().contains_key("plan.pdf"));
    assert!(world.last_invalidated().contains(&"/plan.pdf".to_owned()));
    let bytes: Vec<Vec<u8>> = world.objects().into_values().map(|object| object.bytes.to_vec()).collect();
    assert!(!bytes.contains(&b"first".to_vec()) && !bytes.contains(&b"third".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_at_another_path_are_named_and_stay_there() {
    let world = leaked().await;
    world.write("copy.pdf", "third");
    world.published().await;
    let report = world.prune(&["plan.pdf"]).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("copy.pdf")), "{report:#?}");
    assert_eq!(&world.live()["copy.pdf"].bytes[..], b"third");
    world.assert_all_releases_are_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_file_goes_although_an_activation_was_cut_short() {
    let world = leaked().await;
    build(&world, 2);
    world.write("plan.pdf", "fourth");
    world.refuse("CopyObject", "live/index.html", 400, "Stopped");
    assert_eq!(world.publish().await.exit_code, 5);
    world.sandbox.clear_faults();
    assert_eq!(world.prune(&["plan.pdf"]).await.exit_code, 0);
    assert!(!world.live().contains_key("plan.pdf"));
    assert_eq!(world.publish().await.exit_code, 2);
    world.remove("plan.pdf");
    world.published().await;
    assert!(!world.live().contains_key("plan.pdf"));
    world.assert_settled();
    world.assert_all_releases_are_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_no_release_holds_cannot_be_taken_out() {
    let world = leaked().await;
    world.sandbox.put_foreign(BUCKET, "live/other.pdf", "somebody else's", "application/pdf");
    for path in ["nothing.pdf", "other.pdf"] {
        let report = world.prune(&[path]).await;
        assert_eq!(report.exit_code, 2, "{report:#?}");
    }
    assert!(world.s3_writes().is_empty());
}

/// A small generator of repeatable numbers (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % 1_000_003).unwrap() % limit
    }
}

/// Whatever was published, gone back to and pruned in whatever order: each release that is there can be brought back.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_retained_release_names_ever_goes() {
    for seed in 1..=6_u64 {
        let mut numbers = Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut world = World::new().await;
        world.environment.retention = RetentionSettings { releases: 2, days: 3, prune: false };
        world.environment.url = None;
        world.environment.distribution = None;
        build(&world, 1);
        world.published().await;
        for step in 0..24 {
            let what = numbers.below(6);
            match what {
                0..=2 => {
                    build(&world, 1 + numbers.below(5));
                    for _ in 0..numbers.below(3) {
                        let page = format!("{}.html", numbers.below(4));
                        world.write(&page, format!("{}", numbers.below(3)));
                    }
                    let request = PublishRequest { stage_only: numbers.below(4) == 0, ..world.request() };
                    let request =
                        run::PublishRequest { caller: run::Caller { yes: true, ..world::caller() }, ..request };
                    let report = run::publish(request, &|_| Reply::Yes, Events::new(&|_| {})).await;
                    assert_eq!(report.exit_code, 0, "seed {seed}, step {step}: {report:#?}");
                }
                3 => {
                    let there = releases(&world);
                    let release = there[numbers.below(there.len())];
                    let report = world.rollback(Some(release)).await;
                    assert_eq!(report.exit_code, 0, "seed {seed}, step {step}: {report:#?}");
                }
                _ => {
                    world.sandbox.advance_clock(DAY * 2);
                    let report = world.prune(&[]).await;
                    assert_eq!(report.exit_code, 0, "seed {seed}, step {step}: {report:#?}");
                }
            }
            world.assert_all_releases_are_whole();
            assert!(world.head().is_settled(), "seed {seed}, step {step}");
        }
        // What is left in the end is needed: no orphan stays behind for good.
        world.sandbox.advance_clock(DAY * 40);
        world.prune(&[]).await;
        let mut named: BTreeSet<String> = BTreeSet::new();
        for release in releases(&world) {
            for (path, entry) in world.manifest(release).files {
                named.insert(world.environment.layout.live(&path).key);
                named.insert(world.environment.layout.blob(&entry.digest).key);
                assert!(entry.kind == Kind::Fingerprinted || !path.as_str().contains("app-"));
            }
        }
        for key in world.objects().into_keys().filter(|key| !world::is_record(key)) {
            assert!(named.contains(&key), "seed {seed}: {key} is nobody's");
        }
    }
}

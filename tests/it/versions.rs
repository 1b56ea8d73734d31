//! Old and new readers and writers, all four pairs: what the first program wrote and reads, what this one writes and reads,
//! and what a newer one would write. The golden files of format 2 were written by hand from those of format 1, with fields
//! that nobody knows wherever a field can stand; they never change.

mod first_reader;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use publish::bucket::aws::Aws;
use publish::bucket::state::{NotReplaced, State};
use publish::release::counts::FileCounts;
use publish::release::format::{FORMAT, FormatError, MINOR};
use publish::release::head::{ActivationEnds, Head};
use publish::release::manifest::{Claim, Manifest, Publisher, ReleaseNumber};
use publish::report::error::Code;
use publish::report::event::Events;
use publish::report::{Outcome, Report};
use publish::run::{self, DiffRequest, PublishRequest, ShowRequest, Side, VerifyRequest};
use publish::types::clock::Timestamp;
use publish::types::digest::Digest;
use publish::views::releases::ReleaseFilter;
use serde_json::{Value, json};

use self::first_reader::Says;
use crate::world::{self, BUCKET, World, run_id};

const HEAD: &str = "_publish/live/head.json";

/// A minor that no program will ever know.
const FAR: u32 = 1_000_000;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/manifests").join(name)).unwrap()
}

fn value(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap()
}

fn decompressed(bytes: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut found).unwrap();
    found
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_first_program_reads_what_it_wrote_and_tells_people_to_update_for_the_rest() {
    for name in ["head.json", "head-first.json", "head-withdrawn.json"] {
        assert_eq!(first_reader::of_head(&golden(&format!("v1/{name}"))), Says::Understood, "{name}");
    }
    assert_eq!(first_reader::of_claim(&golden("v1/claim.json")), Says::Understood);
    for name in ["manifest.json.gz", "manifest-md5.json.gz"] {
        assert_eq!(
            first_reader::of_manifest(&decompressed(&golden(&format!("v1/{name}")))),
            Says::Understood,
            "{name}"
        );
    }
    for name in ["head-newer", "head-only-to-read", "head-unreadable"] {
        assert_eq!(first_reader::of_head(&golden(&format!("v2/{name}.json"))), Says::UpdatePublish, "{name}");
    }
    for kind in ["newer", "only-to-show", "unreadable"] {
        assert_eq!(first_reader::of_claim(&golden(&format!("v2/claim-{kind}.json"))), Says::UpdatePublish, "{kind}");
        let manifest = decompressed(&golden(&format!("v2/manifest-{kind}.json.gz")));
        assert_eq!(first_reader::of_manifest(&manifest), Says::UpdatePublish, "{kind}");
    }
    // A field more in format 1 is damage: nobody who adds one may call it that.
    let mut head = value(&golden("v1/head.json"));
    head["probe"] = json!(1);
    assert_eq!(first_reader::of_head(&serde_json::to_vec(&head).unwrap()), Says::Damaged);
}

/// A fleet of old and new programs goes on for as long as nothing new is said.
#[test]
fn the_first_program_reads_what_this_one_writes_of_what_format_1_can_say() {
    for name in ["head.json", "head-first.json", "head-withdrawn.json"] {
        let written = Head::decode(&golden(&format!("v1/{name}"))).unwrap().encode().unwrap();
        assert_eq!(first_reader::of_head(&written), Says::Understood, "{name}");
    }
    let written = Claim::decode(&golden("v1/claim.json")).unwrap().encode().unwrap();
    assert_eq!(first_reader::of_claim(&written), Says::Understood);
    for name in ["manifest.json.gz", "manifest-md5.json.gz"] {
        let written = Manifest::decode(&golden(&format!("v1/{name}"))).unwrap().encode().unwrap();
        assert_eq!(first_reader::of_manifest(&decompressed(&written)), Says::Understood, "{name}");
    }
    // What a newer program may drop of its own accord is format 1 again.
    let newer = Manifest::decode(&golden("v2/manifest-newer.json.gz")).unwrap().encode().unwrap();
    assert_eq!(first_reader::of_manifest(&decompressed(&newer)), Says::Understood);
}

/// What was published by the first program is live in a bucket, and its own programs go on with it, for as long as no refresh
/// is sent that CloudFront has not completed.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_program_reads_all_that_a_whole_life_of_releases_writes() {
    let world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    assert_eq!(world.rollback(Some(1)).await.exit_code, 0);
    for (key, object) in world.objects().into_iter().filter(|(key, _)| world::is_record(key)) {
        let says = match key.rsplit('/').next().unwrap() {
            "head.json" => first_reader::of_head(&object.bytes),
            "claim.json" => first_reader::of_claim(&object.bytes),
            _ => first_reader::of_manifest(&decompressed(&object.bytes)),
        };
        assert_eq!(says, Says::Understood, "{key}");
    }
}

#[test]
fn a_newer_programs_head_is_understood_as_far_as_it_is_known_and_written_back_whole() {
    let bytes = golden("v2/head-newer.json");
    let head = Head::decode(&bytes).unwrap();
    let known = Head::decode(&golden("v1/head.json")).unwrap();
    assert_eq!((head.active.as_ref().unwrap().content, head.revision), (known.active.as_ref().unwrap().content, 41));
    assert_eq!(head.pending_refreshes[0].paths, known.pending_refreshes[0].paths);
    assert!(!head.is_only_to_read());
    assert_eq!(value(&head.encode().unwrap()), value(&bytes));
    assert_eq!(Head::decode(&head.encode().unwrap()).unwrap(), head);
}

#[test]
fn what_is_not_known_stays_with_what_it_belongs_to_for_as_long_as_that_is_there() {
    let head = Head::decode(&golden("v2/head-newer.json")).unwrap();
    let activation = head.activation.clone().unwrap();
    let ended = head
        .end_activation(ActivationEnds {
            release: activation.to,
            run: &activation.owner,
            content: Digest::of(b""),
            now: Timestamp::from_unix_seconds(0),
            looked_at: None,
            left: &BTreeMap::from([(head.leftovers.keys().next().unwrap().clone(), None)]),
            floor: None,
            publisher: &Publisher::default(),
            reason: None,
            files: FileCounts::default(),
            tagged: false,
        })
        .unwrap();
    let written = value(&ended.encode().unwrap());
    let before = value(&golden("v2/head-newer.json"));
    for place in ["/previews", "/identity/owner", "/pending_refreshes/0/sent", "/leftovers/contact.html/why", "/minor"]
    {
        assert_eq!(written.pointer(place), before.pointer(place), "{place}");
        assert!(written.pointer(place).is_some(), "{place}");
    }
    for place in ["/suspects/0/seen", "/distribution/etag", "/history/1/probe", "/hold/publisher/team"] {
        assert_eq!(written.pointer(place), before.pointer(place), "{place}");
    }
    assert_eq!(written.pointer("/active/probe"), None, "it was said of another release");
    assert_eq!(written.pointer("/activation"), None);
}

/// A head that needs nothing new any more is format 1 again, so that older programs go on.
#[test]
fn a_head_of_which_nothing_is_left_that_is_not_known_is_format_1_again() {
    let mut json = value(&golden("v1/head.json"));
    (json["format"], json["minor"]) = (json!(FORMAT), json!({ "read": 0, "write": 0 }));
    json["hold"]["until"] = json!("2026-01-03T03:04:05Z");
    let head = Head::decode(&serde_json::to_vec(&json).unwrap()).unwrap();
    let written = value(&head.encode().unwrap());
    assert_eq!(written, json);
    let resumed = head.resumed().unwrap().encode().unwrap();
    assert_eq!(value(&resumed)["format"], json!(1));
    assert_eq!(first_reader::of_head(&resumed), Says::Understood);
}

#[test]
fn what_needs_a_newer_program_says_so() {
    let head = Head::decode(&golden("v2/head-only-to-read.json")).unwrap();
    assert!(head.is_only_to_read());
    let unreadable = Head::decode(&golden("v2/head-unreadable.json")).unwrap_err();
    assert!(matches!(unreadable, FormatError::Unreadable { needed: FAR }), "{unreadable}");
    let only_to_show = golden("v2/manifest-only-to-show.json.gz");
    assert!(matches!(Manifest::decode(&only_to_show), Err(FormatError::OnlyToShow { needed: FAR })));
    assert_eq!(Manifest::decode_to_show(&only_to_show).unwrap().files, known_files());
    let only_to_show = golden("v2/claim-only-to-show.json");
    assert!(matches!(Claim::decode(&only_to_show), Err(FormatError::OnlyToShow { needed: FAR })));
    assert_eq!(Claim::decode_to_show(&only_to_show).unwrap(), Claim::decode(&golden("v1/claim.json")).unwrap());
    for error in [
        Manifest::decode_to_show(&golden("v2/manifest-unreadable.json.gz")).unwrap_err(),
        Claim::decode_to_show(&golden("v2/claim-unreadable.json")).unwrap_err(),
    ] {
        assert!(matches!(error, FormatError::Unreadable { needed: FAR }) && error.asks_for_update(), "{error}");
    }
    assert_eq!(Manifest::decode(&golden("v2/manifest-newer.json.gz")).unwrap().files, known_files());
    assert_eq!(
        Claim::decode(&golden("v2/claim-newer.json")).unwrap(),
        Claim::decode(&golden("v1/claim.json")).unwrap()
    );
}

/// Minor 1: a program that does not know which releases a prune closed would activate one of them.
#[test]
fn a_head_with_closed_releases_is_understood_and_written_back_byte_for_byte() {
    let bytes = golden("v2/head-closed.json");
    assert_eq!(first_reader::of_head(&bytes), Says::UpdatePublish);
    let head = Head::decode(&bytes).unwrap();
    assert!(!head.is_only_to_read());
    let [three, four, five] = [3, 4, 5].map(ReleaseNumber::new);
    assert_eq!([three, four, five].map(|release| head.is_closed(release)), [true, true, false]);
    assert_eq!(String::from_utf8(head.encode().unwrap()), String::from_utf8(bytes));
}

/// Minor 2: a program that does not know of several distributions would owe a change to one of them only.
#[test]
fn a_head_with_several_distributions_is_understood_and_written_back_byte_for_byte() {
    let bytes = golden("v2/head-distributions.json");
    assert_eq!(first_reader::of_head(&bytes), Says::UpdatePublish);
    let head = Head::decode(&bytes).unwrap();
    assert!(!head.is_only_to_read());
    let of = |id: &str| (head.distributions[id].seen, head.distributions[id].facts.readable);
    assert_eq!(of("E123ABC"), (Some(ReleaseNumber::new(9)), true));
    assert_eq!(of("E456DEF"), (Some(ReleaseNumber::new(8)), false));
    assert!(head.is_settled_for(Some("E123ABC")) && !head.is_settled_for(Some("E456DEF")));
    assert_eq!(String::from_utf8(head.encode().unwrap()), String::from_utf8(bytes));
    // One distribution that format 1 can say is format 1 again.
    let left = head.forget_distribution("E456DEF").unwrap().written_after(&head, &run_id()).encode().unwrap();
    assert_eq!(first_reader::of_head(&left), Says::Understood);
}

/// A program that knew of one distribution had replaced another one, which is still owed something: it is known again, and
/// no such program writes to the head any more, which would give that up.
#[test]
fn a_distribution_that_a_head_of_format_1_owes_something_is_known() {
    let mut json = value(&golden("v1/head.json"));
    json["pending_refreshes"][0]["distribution"] = json!("E456DEF");
    let bytes = serde_json::to_vec(&json).unwrap();
    assert_eq!(first_reader::of_head(&bytes), Says::Understood);
    let head = Head::decode(&bytes).unwrap();
    let of = |id: &str| (head.distributions[id].seen, head.distributions[id].facts.readable);
    assert_eq!(of("E123ABC"), (Some(ReleaseNumber::new(8)), true));
    assert_eq!(of("E456DEF"), (None, false));
    let written = head.encode().unwrap();
    assert_eq!(value(&written)["minor"], json!({ "read": 0, "write": 2 }));
    assert_eq!(Head::decode(&written).unwrap(), head);
}

/// What nobody knows stays with its distribution, also when a second one comes.
#[test]
fn what_is_not_known_of_a_distribution_stays_with_it() {
    for (name, place) in
        [("v2/head-newer.json", "/distribution"), ("v2/head-distributions.json", "/distributions/E123ABC")]
    {
        let mut json = value(&golden(name));
        json.pointer_mut(place).unwrap()["tags"] = json!({ "header": "cache-tag" });
        let head = Head::decode(&serde_json::to_vec(&json).unwrap()).unwrap();
        let written = value(&head.encode().unwrap());
        assert_eq!(written.pointer(&format!("{place}/tags/header")), Some(&json!("cache-tag")), "{name}");
    }
}

fn known_files() -> publish::release::manifest::Files {
    Manifest::decode(&golden("v1/manifest.json.gz")).unwrap().files
}

/// Neither minor: what a build was made from stays true of it, whatever a program that does not know it does.
#[test]
fn what_was_built_with_uncommitted_changes_is_understood_and_written_back() {
    let head = golden("v2/head-uncommitted.json");
    assert_eq!(first_reader::of_head(&head), Says::UpdatePublish);
    let read = Head::decode(&head).unwrap();
    assert!(!read.is_only_to_read() && read.history.last().unwrap().publisher.uncommitted_changes);
    assert_eq!(value(&read.encode().unwrap()), value(&head));
    let claim = golden("v2/claim-uncommitted.json");
    assert_eq!(first_reader::of_claim(&claim), Says::UpdatePublish);
    let read = Claim::decode(&claim).unwrap();
    assert!(read.publisher.uncommitted_changes);
    assert_eq!(value(&read.encode().unwrap()), value(&claim));
    let manifest = golden("v2/manifest-uncommitted.json.gz");
    assert_eq!(first_reader::of_manifest(&decompressed(&manifest)), Says::UpdatePublish);
    let read = Manifest::decode(&manifest).unwrap();
    assert!(read.publisher.uncommitted_changes);
    assert_eq!(value(&decompressed(&read.encode().unwrap())), value(&decompressed(&manifest)));
}

/// A pipeline that knows commit and date, and has changed nothing, shuts no older program out.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_program_reads_what_is_written_of_a_clean_commit() {
    let world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    let (commit, committed_at) = (Some("c0ffee".to_owned()), Some(Timestamp::from_unix_seconds(1)));
    let publisher = Publisher { commit, committed_at, ..Publisher::default() };
    let caller = publish::run::Caller { publisher, ..world::caller() };
    assert_eq!(world::publish(PublishRequest { caller, ..world.request() }).await.exit_code, 0);
    for (key, object) in world.objects().into_iter().filter(|(key, _)| world::is_record(key)) {
        let says = match key.rsplit('/').next().unwrap() {
            "head.json" => first_reader::of_head(&object.bytes),
            "claim.json" => first_reader::of_claim(&object.bytes),
            _ => first_reader::of_manifest(&decompressed(&object.bytes)),
        };
        assert_eq!(says, Says::Understood, "{key}");
    }
}

/// What would not be written back as it was read is refused, and so is what contradicts itself.
#[test]
fn format_2_is_as_strict_about_what_it_says_of_itself() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut head = value(&golden("v2/head-newer.json"));
        change(&mut head);
        Head::decode(&serde_json::to_vec(&head).unwrap()).unwrap_err()
    };
    for minor in [json!(null), json!({}), json!({ "read": 0 }), json!({ "read": 0, "write": -1 }), json!(1)] {
        let error = refused(&|head| head["minor"] = minor.clone());
        assert!(matches!(error, FormatError::Syntax(_)), "{minor}: {error}");
    }
    let error = refused(&|head| head["minor"] = json!({ "read": MINOR + 1, "write": MINOR }));
    assert!(error.asks_for_update(), "{error}");
    for number in [json!(0.1), json!(1e300), json!([{ "deep": -0.5 }])] {
        let error = refused(&|head| head["active"]["share"] = number.clone());
        assert!(matches!(error, FormatError::OutOfRange(_)), "{number}: {error}");
    }
    // Sets of headers are what visitors get: another field of them is another major.
    let error = refused(&|head| head["leftovers"]["contact.html"]["headers"]["vary"] = json!("cookie"));
    assert!(matches!(error, FormatError::Syntax(_)), "{error}");
}

/// Replaces a stored object by what `change` makes of its JSON.
fn edit(world: &World, key: &str, change: impl FnOnce(&mut Value)) {
    let bytes = world.objects()[key].bytes.to_vec();
    let zipped = key.ends_with(".gz");
    let mut json = value(&if zipped { decompressed(&bytes) } else { bytes });
    change(&mut json);
    let json = serde_json::to_vec(&json).unwrap();
    world.sandbox.put_foreign(BUCKET, key, if zipped { compressed(&json) } else { json }, "application/json");
}

/// As a newer program would write it, which needs `write` to go on from it.
fn make_newer(world: &World, key: &str, write: u32) {
    edit(world, key, |object| {
        object["format"] = json!(FORMAT);
        object["minor"] = json!({ "read": 0, "write": write });
        object["previews"] = json!({ "spring": 8 });
    });
}

/// v1 and v2 were published, and v1 is the folder.
async fn two_releases() -> World {
    let world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    world.use_fixture("v1");
    world.sandbox.clear_requests();
    world
}

fn assert_asks_for_update(report: &Report) {
    assert_eq!(report.exit_code, 1, "{report:#?}");
    let error = report.error.as_ref().unwrap();
    assert_eq!(error.code, Code::BadState.as_str(), "{error:#?}");
    assert!(error.hint.contains("update"), "{error:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_only_a_newer_program_may_write_is_shown_and_never_replaced() {
    let world = two_releases().await;
    make_newer(&world, HEAD, MINOR + 1);
    edit(&world, HEAD, |head| head["hold"] = json!({ "publisher": {}, "since": "2026-01-02T03:04:05Z" }));
    let before = world.objects();
    let request =
        VerifyRequest { environment: world.environment.clone(), caller: world::caller(), deep: false, repair: true };
    for report in [
        world.publish().await,
        world.rollback(Some(1)).await,
        world.activate(2).await,
        world.resume().await,
        world.prune(&[]).await,
        world.prune(&["robots.txt"]).await,
        world::publish(PublishRequest { stage_only: true, ..world.request() }).await,
        run::verify(request, &|_| run::Reply::Yes, Events::new(&|_| {})).await.0,
    ] {
        assert_asks_for_update(&report);
        assert_eq!(world.objects(), before);
    }
    assert!(world.s3_writes().is_empty());
    assert_eq!(world.status().await.release, Some(ReleaseNumber::new(2)));
    assert_shown(&world).await;
}

/// Releases, a release, and how two differ are shown.
async fn assert_shown(world: &World) {
    let (environment, caller) = (&world.environment, world::caller);
    let (report, releases) =
        run::releases(environment.clone(), caller(), &ReleaseFilter::default(), Events::new(&|_| {})).await;
    assert_eq!((report.exit_code, releases.len(), report.warnings.len()), (0, 2, 0), "{report:#?}");
    let release = Some(ReleaseNumber::new(1));
    let request = ShowRequest { environment: environment.clone(), caller: caller(), release };
    let (report, listing) = run::show(request, Events::new(&|_| {})).await;
    assert_eq!((report.exit_code, listing.is_some()), (0, true), "{report:#?}");
    let request = DiffRequest {
        environment: environment.clone(),
        caller: caller(),
        from: ReleaseNumber::new(1),
        to: Side::Active,
    };
    let (report, comparison) = run::diff(request, Events::new(&|_| {})).await;
    assert_eq!((report.exit_code, comparison.is_some()), (0, true), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_only_a_newer_program_obeys_is_shown_and_neither_activated_nor_pruned_on() {
    let world = two_releases().await;
    let manifest = world.environment.layout.manifest(ReleaseNumber::new(1)).key;
    make_newer(&world, &manifest, MINOR + 1);
    let before = world.objects();
    for report in [world.rollback(Some(1)).await, world.prune(&["robots.txt"]).await] {
        assert_asks_for_update(&report);
        assert_eq!(world.objects(), before);
    }
    assert_shown(&world).await;
    make_newer(&world, &manifest, MINOR);
    assert_eq!(world.rollback(Some(1)).await.exit_code, 0);
}

/// What a newer program wrote goes through a whole publish. Its refresh is left to it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_program_wrote_outlives_a_publish_of_this_one() {
    let world = two_releases().await;
    make_newer(&world, HEAD, MINOR);
    edit(&world, HEAD, |head| {
        head["pending_refreshes"] = json!([{
            "id": "newer-1", "distribution": world::DISTRIBUTION, "release": 2, "since": "2026-01-02T03:04:05Z",
            "paths": ["/*"], "groups": ["news"],
        }]);
        head["history"][0]["publisher"]["uncommitted"] = json!(true);
    });
    let before = value(&world.objects()[HEAD].bytes);
    let invalidations = world.invalidations().len();
    let report = world.publish().await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("newer version of publish")), "{report:#?}");
    let after = value(&world.objects()[HEAD].bytes);
    for place in ["/format", "/minor", "/previews", "/pending_refreshes", "/history/0/publisher/uncommitted"] {
        assert_eq!(after.pointer(place), before.pointer(place), "{place}");
    }
    assert!(
        world.invalidations().split_off(invalidations).iter().all(|made| !made.caller_reference.contains("newer-1"))
    );
    // It is nothing that this program could do: an unchanged publish still costs one request.
    world.sandbox.clear_requests();
    assert_eq!(world.published().await.outcome, Outcome::Unchanged);
    assert_eq!(world.s3_requests().len(), 1);
}

/// Whose a write was is told by every byte of it, also by those that this program does not know.
#[tokio::test(flavor = "multi_thread")]
async fn what_differs_from_what_was_sent_in_an_unknown_field_was_written_by_somebody_else() {
    let world = World::new().await;
    let aws = Aws::connect(&world.environment).await.unwrap();
    let layout = &world.environment.layout;
    let state = State::new(aws.store.clone(), layout.clone(), run_id());
    let claim = Claim { identity: layout.identity().clone(), ..Claim::decode(&golden("v1/claim.json")).unwrap() };
    let put = |key: &str, bytes: Vec<u8>| world.sandbox.put_foreign(BUCKET, key, bytes, "application/json");
    let with_more = |json: &[u8]| {
        let mut object = value(json);
        (object["format"], object["minor"]) = (json!(FORMAT), json!({ "read": 0, "write": 0 }));
        object["previews"] = json!(1);
        serde_json::to_vec(&object).unwrap()
    };

    put(&layout.claim(claim.release).key, with_more(&claim.encode().unwrap()));
    assert_eq!(state.claim(claim.clone()).await.unwrap().release, claim.release.next().unwrap());

    let manifest = Manifest::decode(&golden("v1/manifest.json.gz")).unwrap();
    let manifest = Manifest { identity: layout.identity().clone(), ..manifest };
    let key = layout.manifest(manifest.release).key;
    put(&key, compressed(&with_more(&decompressed(&manifest.encode().unwrap()))));
    assert!(state.write_manifest(&manifest).await.is_err());
    put(&key, manifest.encode().unwrap());
    assert!(state.write_manifest(&manifest).await.is_ok(), "the very bytes are a write of its own");

    let pointer = state.read_head().await.unwrap();
    let next = pointer.head.close_up_to(None);
    let written = next.clone().written_after(&pointer.head, state.run()).encode().unwrap();
    put(HEAD, with_more(&written));
    assert!(matches!(state.replace_head(&pointer, next.clone()).await, Err(NotReplaced::Lost(_))));
    put(HEAD, written);
    assert!(state.replace_head(&pointer, next).await.is_ok(), "the very bytes are a write of its own");
}

/// Fields wherever one can stand: the golden head has one in each object that may have some.
#[test]
fn the_golden_head_of_a_newer_program_has_an_unknown_field_in_every_object() {
    let (newer, known) = (value(&golden("v2/head-newer.json")), value(&golden("v1/head.json")));
    let objects = |head: &Value| {
        let mut places = BTreeSet::new();
        collect(head, String::new(), &mut places);
        places
    };
    for place in objects(&known).into_iter().filter(|place| !place.ends_with("/headers")) {
        let (Some(newer), Some(known)) = (newer.pointer(&place), known.pointer(&place)) else { continue };
        let (newer, known) = (newer.as_object().unwrap(), known.as_object().unwrap());
        let is_map = ["/leftovers", "/superseded"].contains(&place.as_str());
        let is_first = place.starts_with("/history/0") || place == "/active/previous";
        assert!(is_map || is_first || newer.keys().any(|name| !known.contains_key(name)), "{place}");
    }
}

fn collect(value: &Value, place: String, places: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(value, format!("{place}/{}", name.replace('/', "~1")), places);
            }
            places.insert(place);
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect(item, format!("{place}/{index}"), places));
        }
        _ => {}
    }
}

/// It is read for its keys alone: where those are not known either, whatever lies in the bucket may be its.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_a_newer_program_stops_no_publish() {
    for (read, write) in [(0, FAR), (FAR, FAR)] {
        let world = World::with_fixture("v1").await;
        world.published().await;
        let mut claim: Value = serde_json::from_slice(&world.claims()[0].encode().unwrap()).unwrap();
        claim["format"] = json!(2);
        claim["minor"] = json!({ "read": read, "write": write });
        claim["release"] = json!(2);
        let key = world.environment.layout.claim(ReleaseNumber::new(2)).key;
        world.sandbox.put_foreign(BUCKET, &key, claim.to_string(), "application/json");
        world.use_fixture("v2");
        let report = world.published().await;
        assert_eq!(report.release, Some(ReleaseNumber::new(3)), "{report:#?}");
        world.assert_settled();
    }
}

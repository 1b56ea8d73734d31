//! A crash at every request of every command, before and after its effect, and every fault that one request can meet:
//! visitors never notice, and the same command run again ends as if nothing had happened.

mod steps;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use publish::content::path::SitePath;
use publish::release::head::{DistributionFacts, Head, HeadFields, Hold};
use publish::release::manifest::Manifest;
use publish::release::retention::RetentionSettings;
use publish::sandbox::{Effect, Fault, LoggedRequest, Match, Service};
use publish::types::digest::Digest;
use publish::types::headers::Kind;

use crate::visitor::{Site, Visitor};
use crate::world::{self, World};
use steps::{Build, Step};

/// Worlds at once.
const AT_ONCE: usize = 8;

/// A row of the matrix: a command, what was done before it, and the builds of which visitors may see pages meanwhile.
#[derive(Clone, Copy, Debug)]
struct Command {
    before: &'static [Step],
    runs: Step,
    visible: &'static [Build],
}

impl Command {
    /// A world in which all is done that comes before: from there each case begins in one of its own.
    async fn prepared(&self) -> World {
        let mut world = World::new().await;
        world.sandbox.complete_invalidations_after(0);
        world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
        for step in self.before {
            let report = step.run(&world).await;
            assert_eq!(report.exit_code, step.exit_code(), "{step:?} {report:#?}");
        }
        world
    }

    fn sites(&self) -> Vec<Site> {
        self.visible.iter().map(|build| build.site()).collect()
    }
}

/// What one request, and all that follow it, may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// Everything is refused from then on.
    CrashBefore,
    /// It has its effect; its answer is lost, and everything else is refused.
    CrashAfter,
    /// No answer comes any more; the process is killed while it waits.
    KilledInSilence,
    /// An error of S3's own, once.
    ErrorOnce,
    /// The connection breaks once, before the effect.
    ResetOnce,
    /// The connection breaks once, after the effect.
    AnswerLostOnce,
    /// It is forbidden, however often it is tried.
    Forbidden,
}

impl Damage {
    const ALL: [Damage; 7] = [
        Damage::CrashBefore,
        Damage::CrashAfter,
        Damage::KilledInSilence,
        Damage::ErrorOnce,
        Damage::ResetOnce,
        Damage::AnswerLostOnce,
        Damage::Forbidden,
    ];

    /// Whether a run ends as if nothing had happened.
    fn is_survived(self) -> bool {
        matches!(self, Damage::ErrorOnce | Damage::ResetOnce | Damage::AnswerLostOnce)
    }

    fn inject(self, world: &World, at: &Request) {
        let any = |skip, times, effect| world.sandbox.inject(Fault { matches: Match::default(), skip, times, effect });
        match self {
            Damage::CrashBefore => world.stop_after(at.index),
            Damage::CrashAfter => {
                any(at.index, 1, Effect::DropAnswer);
                world.stop_after(at.index);
            }
            Damage::KilledInSilence => any(at.index, usize::MAX, Effect::Stall),
            Damage::ErrorOnce => any(at.index, 1, refusal(500, "InternalError")),
            Damage::ResetOnce => any(at.index, 1, Effect::ResetBefore),
            Damage::AnswerLostOnce => any(at.index, 1, Effect::DropAnswer),
            Damage::Forbidden => {
                let (operation, key) = (Some(at.operation.clone()), Some(at.key.clone()));
                let matches = Match { operation, key_contains: key, service: None };
                let (skip, effect) = (at.number, refusal(403, "AccessDenied"));
                world.sandbox.inject(Fault { matches, skip, times: usize::MAX, effect });
            }
        }
    }
}

fn refusal(status: u16, code: &str) -> Effect {
    Effect::Refuse { status, code: code.to_owned(), message: "refused by the test".to_owned() }
}

/// One request of an undisturbed run to S3 or CloudFront.
#[derive(Clone, Debug)]
struct Request {
    /// Which of all it is, from 0 on.
    index: usize,
    operation: String,
    key: String,
    /// Which it is of its operation on its key.
    number: usize,
}

fn of_aws(requests: &[LoggedRequest]) -> impl Iterator<Item = &LoggedRequest> {
    requests.iter().filter(|request| request.service != Service::Site)
}

fn numbered(requests: &[LoggedRequest]) -> Vec<Request> {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let numbered = of_aws(requests).enumerate().map(|(index, request)| {
        let (operation, key) = (request.operation.clone(), request.key.clone());
        let count = seen.entry((operation.clone(), key.clone())).or_default();
        *count += 1;
        Request { index, operation, key, number: *count - 1 }
    });
    numbered.collect()
}

/// How a world is in the end, but for numbers and times.
#[derive(Debug, PartialEq, Eq)]
struct End {
    visible: BTreeMap<String, String>,
    content: Option<Digest>,
    mutable_paths: BTreeSet<SitePath>,
    distributions: Vec<(String, DistributionFacts)>,
    hold: Option<Hold>,
    /// All keys, where the command is there to remove.
    kept: BTreeSet<String>,
}

impl End {
    fn of(world: &World, command: Command) -> End {
        let (mut visible, head) = (world.visible(), world.head());
        // What could not be removed is known, and goes with a run that may.
        visible.retain(|path, _| !head.leftovers.keys().any(|left| left.as_str() == path));
        let content = head.active.map(|active| active.content);
        let HeadFields { mutable_paths, distributions, hold, .. } = head;
        let distributions = distributions.into_iter().map(|(id, known)| (id, known.facts)).collect();
        let kept = if command.runs.removes() { world.objects().into_keys().collect() } else { BTreeSet::new() };
        End { visible, content, mutable_paths, distributions, hold, kept }
    }
}

/// What of the `retained` releases cannot be brought back.
fn lost(world: &World, retained: &BTreeSet<u64>) -> Vec<String> {
    retained.iter().flat_map(|release| world.lost(&world.manifest(*release))).collect()
}

/// Every object of the bucket is one that a record names: nothing is there that a prune could not know of.
fn nameless_objects(world: &World) -> Vec<String> {
    let (layout, objects) = (&world.environment.layout, world.objects());
    let (mut paths, mut blobs) = (BTreeSet::new(), BTreeSet::new());
    for claim in world.claims() {
        paths.extend(claim.live);
        blobs.extend(claim.blobs);
    }
    for (_, object) in objects.iter().filter(|(key, _)| key.ends_with("/manifest.json.gz")) {
        for (path, entry) in Manifest::decode(&object.bytes).unwrap().files {
            blobs.insert(entry.digest);
            paths.insert(path);
        }
    }
    if let Some(head) = objects.get(&layout.head().key) {
        paths.extend(Head::decode(&head.bytes).unwrap().into_fields().leftovers.into_keys());
    }
    let blobs: BTreeSet<String> = blobs.iter().map(|digest: &Digest| layout.blob(digest).key).collect();
    let is_named = |key: &String| match layout.path_of_live(key) {
        Some(path) => paths.contains(&path),
        None => world::is_record(key) || blobs.contains(key),
    };
    objects.into_keys().filter(|key| !is_named(key)).collect()
}

/// The releases that are complete.
fn complete(world: &World) -> BTreeSet<u64> {
    let manifests = world.objects().into_iter().filter(|(key, _)| key.ends_with("/manifest.json.gz"));
    manifests.map(|(_, object)| Manifest::decode(&object.bytes).unwrap().release.into()).collect()
}

/// How an undisturbed run leaves the world, once it has run in it.
struct Undisturbed {
    end: End,
    /// The releases that were complete before, and still are.
    retained: BTreeSet<u64>,
    /// The paths that CloudFront was asked to forget.
    refreshed: BTreeSet<String>,
}

/// All paths that CloudFront was asked to forget.
fn refreshed(world: &World) -> BTreeSet<String> {
    world.invalidations().into_iter().flat_map(|invalidation| invalidation.paths).collect()
}

/// Runs `command` once for each of its requests and each damage.
async fn every_damage_is_survived(command: Command) {
    let prepared = command.prepared().await;
    let undisturbed = prepared.branch().await;
    let before = complete(&undisturbed);
    let report = command.runs.run(&undisturbed).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let requests = numbered(&undisturbed.sandbox.requests());
    assert!(requests.len() > 8, "{requests:#?}");
    command.runs.assert_done(&undisturbed);
    let active = undisturbed.head().active.unwrap().release;
    for (path, entry) in undisturbed.manifest(active.into()).files {
        assert_eq!(entry.kind == Kind::Fingerprinted, path.as_str().starts_with("assets/"), "{path}");
    }
    let retained = complete(&undisturbed).intersection(&before).copied().collect();
    let (end, refreshed) = (End::of(&undisturbed, command), refreshed(&undisturbed));
    let undisturbed = Undisturbed { end, retained, refreshed };
    let (prepared, sites, undisturbed) = (&prepared, &command.sites(), &undisturbed);
    let cases = requests.iter().flat_map(|at| Damage::ALL.map(|damage| (damage, at)));
    stream::iter(cases)
        .for_each_concurrent(AT_ONCE, |(damage, at)| async move {
            let world = prepared.branch().await;
            Box::pin(one_damage(&world, command, damage, at, sites, undisturbed)).await;
        })
        .await;
}

async fn one_damage(
    world: &World,
    command: Command,
    damage: Damage,
    at: &Request,
    sites: &[Site],
    undisturbed: &Undisturbed,
) {
    let told = format!("{damage:?} at {at:?} of {command:?}");
    let Undisturbed { end, retained, refreshed } = undisturbed;
    let mut before = world.visible();
    if command.runs.removes() {
        // What is to go may be gone, and all else is as it was.
        before.retain(|path, _| end.visible.contains_key(path));
    }
    damage.inject(world, at);
    let report = if damage == Damage::KilledInSilence {
        tokio::select! {
            report = command.runs.run(world) => Some(report),
            () = world.sandbox.until(|requests| of_aws(requests).count() > at.index) => None,
        }
    } else {
        Some(command.runs.run(world).await)
    };
    let broken = Visitor::new(world, sites).read_all().await;
    assert_eq!(broken, Ok(()), "{told} {report:#?}");
    assert_eq!(nameless_objects(world), [""; 0], "{told} {report:#?}");
    assert_eq!(lost(world, retained), [""; 0], "{told} {report:#?}");
    if let Some(report) = &report {
        let expected: &[u8] = if damage.is_survived() { &[0] } else { &[0, 1, 3, 5] };
        assert!(expected.contains(&report.exit_code), "{told} {report:#?}");
        let visible = world.visible();
        let untouched = before.iter().all(|(path, object)| visible.get(path) == Some(object));
        assert!(report.exit_code != 1 || untouched, "visitors see something else: {told} {report:#?}");
    }
    world.sandbox.clear_faults();
    world.let_leases_end();
    let again = command.runs.run(world).await;
    assert_eq!(again.exit_code, 0, "{told} {again:#?}");
    world.assert_settled();
    assert_eq!(nameless_objects(world), [""; 0], "in the end: {told}");
    assert_eq!(lost(world, retained), [""; 0], "in the end: {told}");
    let asked = self::refreshed(world);
    assert!(asked.contains("/*") || asked.is_superset(refreshed), "{told}: {asked:?}");
    let found = End::of(world, command);
    if damage == Damage::Forbidden && at.operation == "GetDistributionConfig" {
        // Where nothing is known of the distribution headers are others, until something of the site changes.
        assert_eq!(found.visible.keys().collect::<Vec<_>>(), end.visible.keys().collect::<Vec<_>>(), "{told}");
    } else {
        assert_eq!(&found, end, "{told}");
    }
}

use Build::{Four, One, Three, Two};
use Step::{
    Activate, DieStaging, Promote, Prune, Publish, PublishElsewhere, PublishSeenAtOneEdge, PublishUnableToRemove,
    Repair, Rollback, Stage, TakeOut, Tamper,
};

#[tokio::test(flavor = "multi_thread")]
async fn of_a_first_publish() {
    every_damage_is_survived(Command { before: &[], runs: Publish(One), visible: &[One] }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_later_publish() {
    every_damage_is_survived(Command { before: &[Publish(One)], runs: Publish(Two), visible: &[One, Two] }).await;
}

/// CloudFront has completed neither the refresh of the release before nor, when it is first asked, the run's own.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_publish_that_leaves_refreshes_sent() {
    let before = &[Publish(One), PublishSeenAtOneEdge(Two)];
    every_damage_is_survived(Command { before, runs: Publish(Three), visible: &[Two, Three] }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_rollback() {
    let before = &[Publish(One), Publish(Two)];
    every_damage_is_survived(Command { before, runs: Rollback(1), visible: &[One, Two] }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_staging_alone() {
    every_damage_is_survived(Command { before: &[Publish(One)], runs: Stage(Two), visible: &[One, Two] }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_activating_what_is_staged() {
    let before = &[Publish(One), Stage(Two)];
    every_damage_is_survived(Command { before, runs: Activate(2), visible: &[One, Two] }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_later_promotion() {
    let before = &[PublishElsewhere(One), Promote, PublishElsewhere(Two)];
    every_damage_is_survived(Command { before, runs: Promote, visible: &[One, Two] }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_repair() {
    let before = &[Publish(One), Publish(Two), Tamper];
    every_damage_is_survived(Command { before, runs: Repair, visible: &[One, Two] }).await;
}

/// A release has outlived its retention, a page that left the site is still there, and so is what a run had staged
/// that died.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_prune() {
    let before = &[Publish(One), Publish(Two), PublishUnableToRemove(Three), DieStaging(Four)];
    every_damage_is_survived(Command { before, runs: Prune, visible: &[Two, Three] }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_taking_a_leaked_file_out() {
    let before = &[Publish(One), Publish(Two)];
    every_damage_is_survived(Command { before, runs: TakeOut, visible: &[One, Two] }).await;
}

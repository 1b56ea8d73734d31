//! Publishers, rollbacks and prunes at once over a network of many moods, by seeds: never a mix, one winner an
//! activation, numbers that go backwards only on purpose, and nothing gone that a retained release needs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{LocalBoxFuture, join_all};
use futures_util::{FutureExt, StreamExt, stream};
use publish::config::environment::{LeaseSettings, Wait};
use publish::release::head::{Head, HeadFields};
use publish::release::manifest::{Manifest, Publisher, ReleaseNumber};
use publish::release::retention::RetentionSettings;
use publish::report::event::Events;
use publish::report::{Outcome, Report};
use publish::run::{self, Caller, PublishRequest, Reply, RollbackRequest};
use publish::sandbox::{Effect, Service};
use publish::types::digest::Digest;
use publish::types::headers::Kind;

use crate::random::Random;
use crate::visitor::{Site, Visitor};
use crate::world::{self, World};

/// Worlds at once: most of their time goes by while somebody waits.
const AT_ONCE: usize = 16;

/// Builds: each has a page of its own and a script of its own, which its pages name.
const BUILDS: [(&str, &str); 7] = [
    ("first", "assets/app-Bk3xT9aQ.js"),
    ("second", "assets/app-Cq7Yh2Ub.js"),
    ("third", "assets/app-BnT3hJ6x.js"),
    ("a", "assets/app-Dk2Jw0sX.js"),
    ("b", "assets/app-CZ81qLmw.js"),
    ("c", "assets/app-Bx0Ra6Vn.js"),
    ("last", "assets/app-D4wrgT9a.js"),
];

/// Those that are published before anybody goes back: the first of them has outlived its retention.
const BEFORE: [usize; 3] = [0, 1, 2];

/// That which is published when all is over.
const LAST: usize = BUILDS.len() - 1;

fn site(build: usize) -> Site {
    let (name, script) = BUILDS[build];
    let page = world::loads(script);
    let files = [
        ("index.html".to_owned(), format!("{page}{name}")),
        (format!("{name}.html"), page.clone()),
        ("shared.html".to_owned(), page),
        (script.to_owned(), name.to_owned()),
        ("robots.txt".to_owned(), name.to_owned()),
        ("config.json".to_owned(), "{}".to_owned()),
    ];
    files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()
}

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// It takes its time.
    Slow,
    /// It also loses answers and requests, and S3 fails now and then.
    Bad,
    /// And some requests arrive when the lease of their sender is over.
    Stalling,
}

struct Schedule {
    seed: u64,
    mood: Mood,
    random: Random,
    world: World,
}

impl Schedule {
    async fn new(seed: u64, mood: Mood) -> Schedule {
        let mut random = Random::new(seed);
        let mut world = World::new().await;
        world.sandbox.complete_invalidations_after(0);
        world.environment.publish.max_removed_percent = 100;
        world.environment.retention = RetentionSettings { releases: 1, days: 0, prune: false };
        world.environment.invalidation.wait = [Wait::Effect, Wait::Completed][random.below(2)];
        if mood == Mood::Stalling {
            let [lasts, renew_every, margin] = [3_000, 1_000, 500].map(Duration::from_millis);
            world.environment.lease = LeaseSettings { lasts, renew_every, margin };
        }
        for build in 0..BUILDS.len() {
            let folder = folder(&world, build);
            for (path, bytes) in site(build) {
                let path = folder.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
        }
        Schedule { seed, mood, random, world }
    }

    /// Makes the network as the mood says. Whether anything but latency was dealt out is told by the answer.
    fn unleash(&self) -> Arc<AtomicBool> {
        let (mood, mut random) = (self.mood, self.random.clone());
        let trouble = Arc::new(AtomicBool::new(false));
        let dealt = Arc::clone(&trouble);
        self.world.sandbox.inject_by(move |request| {
            if request.service == Service::Site {
                return None;
            }
            let refused = || Effect::Refuse { status: 500, code: "InternalError".to_owned(), message: String::new() };
            let effect = match (mood, random.below(200)) {
                (Mood::Bad | Mood::Stalling, 0..4) => Effect::DropAnswer,
                (Mood::Bad | Mood::Stalling, 4..8) => Effect::ResetBefore,
                (Mood::Bad | Mood::Stalling, 8..12) => refused(),
                (Mood::Stalling, 12..14) => {
                    Effect::Latency(Duration::from_secs(2) + random.time(Duration::from_secs(4)))
                }
                _ => return Some(Effect::Latency(random.time(Duration::from_millis(20)))),
            };
            dealt.store(true, Ordering::Relaxed);
            Some(effect)
        });
        trouble
    }

    /// Two to five of them, from their beginning to their end.
    async fn actors(&self, going_back: bool) -> Vec<Report> {
        let mut random = self.random.clone();
        let mut actors: Vec<LocalBoxFuture<'_, Report>> = Vec::new();
        let number = 2 + random.below(4);
        for actor in 0..number {
            let first = random.time(Duration::from_millis(200));
            let kinds = if going_back { 6 } else { 4 };
            let kind = random.below(kinds);
            let world = &self.world;
            let act = async move {
                tokio::time::sleep(first).await;
                match kind {
                    3 => world.prune(&[]).await,
                    4 => rollback(world, actor, None).await,
                    5 => rollback(world, actor, Some(ReleaseNumber::new(1))).await,
                    build => world::publish(request(world, actor, build + BEFORE.len())).await,
                }
            };
            actors.push(act.boxed_local());
        }
        join_all(actors).await
    }

    /// Looks at the site again and again; never ends.
    async fn look(&self) {
        let sites: Vec<Site> = (0..BUILDS.len()).map(site).collect();
        let visitor = Visitor::new(&self.world, &sites);
        loop {
            let seen = self.world.sandbox.requests().len();
            let activations = self.activations();
            let broken = visitor.read_all().await;
            // A page that two releases have followed while it was read has outlived its retention.
            let outlived = self.activations() > activations + 1;
            assert!(broken.is_ok() || outlived, "{broken:?} {}", self.told());
            self.world.sandbox.until(|requests| requests.len() > seen + 25).await;
        }
    }

    /// How many there were so far.
    fn activations(&self) -> usize {
        self.head().history.len()
    }

    /// As a run sees it: empty where nobody has written one.
    fn head(&self) -> HeadFields {
        let head = self.world.objects().remove(&self.world.environment.layout.head().key);
        let empty = || Head::new(self.world.environment.layout.identity().clone(), world::run_id());
        head.map_or_else(empty, |head| Head::decode(&head.bytes).unwrap()).into_fields()
    }

    fn told(&self) -> String {
        format!("seed {} ({:?})", self.seed, self.mood)
    }

    /// Each activation began from the one before it, and went to a lower number only when somebody went back.
    fn assert_history_is_a_chain(&self) {
        let history = self.head().history;
        for pair in history.windows(2) {
            let [before, after] = pair else { unreachable!("windows of two") };
            assert_eq!(after.from, Some(before.release), "{} {history:#?}", self.told());
            let went_back = after.publisher.who.as_deref().is_some_and(|who| who.starts_with("rollback"));
            assert!(after.release > before.release || went_back, "{} {history:#?}", self.told());
        }
    }

    /// What is live is exactly what the active manifest says, and the fingerprinted files of earlier ones.
    fn assert_live_is_active(&self) {
        let told = self.told();
        let active = self.world.head().active.unwrap();
        let manifest = self.world.manifest(active.release.into());
        let live = self.world.live();
        for (path, entry) in &manifest.files {
            let found = live.get(path.as_str()).map(|object| Digest::of(&object.bytes));
            assert_eq!(found, Some(entry.digest), "{path} of release {} is not live: {told}", active.release);
            let is_script = path.as_str().starts_with("assets/");
            assert_eq!(entry.kind == Kind::Fingerprinted, is_script, "{path} {told}");
            let object = &live[path.as_str()];
            assert_eq!(object.cache_control.as_deref(), Some(entry.headers.cache_control.as_str()), "{path} {told}");
        }
        let pages = |paths: BTreeSet<&str>| -> Vec<String> {
            paths.into_iter().filter(|path| path.ends_with(".html")).map(str::to_owned).collect()
        };
        let meant = manifest.files.keys().map(|path| path.as_str()).collect();
        assert_eq!(pages(live.keys().map(String::as_str).collect()), pages(meant), "{told}");
    }

    fn assert_all_ended_well(&self, reports: &[Report], trouble: bool) {
        let pruned = reports.iter().any(|report| report.command == "prune" && report.deleted > 0);
        for report in reports {
            let told = || format!("{} {report:#?}", self.told());
            match report.exit_code {
                0 => {}
                2 if report.command == "rollback" && (pruned || trouble) => {
                    // The release is gone.
                    assert_eq!(report.error.as_ref().unwrap().code, "usage", "{}", told());
                }
                1 if pruned && report.command == "rollback" && !trouble => {
                    // The release is closed, or its bytes are going.
                    let code = &report.error.as_ref().unwrap().code;
                    assert!(["bad_state", "missing_bytes"].contains(&code.as_str()), "{}", told());
                }
                4 => {
                    assert_eq!(report.outcome, Outcome::Superseded, "{}", told());
                    let error = report.error.as_ref().unwrap();
                    // Of a prune whose lease was over, the head need not say who went on.
                    let names = ["publisher ", "rollback ", "took over from this prune"];
                    assert!(names.iter().any(|name| error.message.contains(name)), "{}", told());
                }
                1 | 3 | 5 => assert!(trouble, "{}", told()),
                _ => panic!("{}", told()),
            }
        }
    }

    /// `before`: where there is something to go back to.
    async fn play(mut self, before: &World) {
        let going_back = self.random.below(4) > 0;
        if going_back {
            self.world.sandbox.take_over(&before.sandbox);
        }
        let before = if going_back { BEFORE.len() } else { 0 };
        let trouble = self.unleash();
        let actors = self.actors(going_back);
        let reports = tokio::select! {
            reports = actors => reports,
            () = self.look() => unreachable!("it never ends"),
        };
        // A lease of seconds may also end because the machine is busy.
        let lost = |report: &Report| report.error.as_ref().is_some_and(|error| error.code == "lease_lost");
        let is_short = self.mood == Mood::Stalling;
        let trouble = trouble.load(Ordering::Relaxed) || is_short && reports.iter().any(lost);
        self.world.sandbox.clear_faults();
        // What follows is to mend all that is left, and not to be quick about it: a busy machine outlasts a short lease.
        self.world.environment.lease = LeaseSettings::default();
        self.assert_all_ended_well(&reports, trouble);
        self.assert_history_is_a_chain();
        let head = self.head();
        if !trouble {
            let activations =
                reports.iter().filter(|one| matches!(one.outcome, Outcome::Published | Outcome::RolledBack));
            assert_eq!(head.history.len(), before + activations.count(), "{} {reports:#?}", self.told());
            assert!(head.is_settled(), "{} {head:#?}", self.told());
        }
        if self.mood != Mood::Stalling && head.activation.is_none() && head.active.is_some() {
            self.assert_live_is_active();
        }
        // Who takes over does not know yet what is still under way: the run after it does.
        for _ in 0..=usize::from(head.activation.is_some() || head.pruning.is_some()) {
            // What is still under way is refused when it arrives: its signature has expired.
            self.world.sandbox.advance_clock(Duration::from_secs(17 * 60));
            let report = world::publish(request(&self.world, 10, LAST)).await;
            assert_eq!(report.exit_code, 0, "{} {report:#?}", self.told());
            self.world.assert_settled();
        }
        self.assert_history_is_a_chain();
        self.assert_live_is_active();
        let suspects = self.world.head().suspects;
        assert!(suspects.is_empty(), "{} {suspects:#?}", self.told());
        self.assert_retained_come_back().await;
    }

    /// What a last prune leaves is whole, and going back to the release before makes it live.
    async fn assert_retained_come_back(&self) {
        let report = Box::pin(self.world.prune(&[])).await;
        assert_eq!(report.exit_code, 0, "{} {report:#?}", self.told());
        for (_, object) in self.world.objects().iter().filter(|(key, _)| key.ends_with("/manifest.json.gz")) {
            let lost = self.world.lost(&Manifest::decode(&object.bytes).unwrap());
            assert_eq!(lost, [""; 0], "{}", self.told());
        }
        self.world.assert_settled();
        let Some(previous) = self.world.head().active.unwrap().previous else { return };
        let report = Box::pin(rollback(&self.world, 11, None)).await;
        assert_eq!((report.exit_code, report.release), (0, Some(previous)), "{} {report:#?}", self.told());
        self.world.assert_settled();
        self.assert_live_is_active();
    }
}

fn folder(world: &World, build: usize) -> PathBuf {
    world.folder.join(BUILDS[build].0)
}

fn caller(who: String) -> Caller {
    Caller { publisher: Publisher { who: Some(who), ..Publisher::default() }, yes: true, ..world::caller() }
}

fn request(world: &World, actor: usize, build: usize) -> PublishRequest {
    PublishRequest {
        folder: folder(world, build),
        caller: caller(format!("publisher {actor} of {}", BUILDS[build].0)),
        ..world.request()
    }
}

async fn rollback(world: &World, actor: usize, release: Option<ReleaseNumber>) -> Report {
    let request = RollbackRequest {
        commit: None,
        environment: world.environment.clone(),
        caller: caller(format!("rollback {actor}")),
        release,
        hold: false,
        reason: None,
    };
    run::rollback(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
}

/// A world in which all is published that comes before anybody goes back.
async fn before() -> World {
    let Schedule { world, .. } = Schedule::new(0, Mood::Slow).await;
    for build in BEFORE {
        let report = world::publish(request(&world, 9, build)).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
    }
    world
}

/// Plays as many schedules as there are seeds.
async fn play(mood: Mood, seeds: std::ops::Range<u64>) {
    let before = &before().await;
    stream::iter(seeds)
        .for_each_concurrent(AT_ONCE, |seed| {
            async move { Schedule::new(seed, mood).await.play(before).await }.boxed_local()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wins_over_a_slow_network() {
    play(Mood::Slow, 0..60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wins_over_a_bad_network() {
    play(Mood::Bad, 100..170).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wins_where_requests_arrive_when_their_lease_is_over() {
    play(Mood::Stalling, 200..270).await;
}

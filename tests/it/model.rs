//! The protocol as a state machine: what is live, stored and recorded after each command, whole or cut short. Its rules are
//! checked by themselves, and the same commands, run against the sandbox, must lead where the model says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use publish::sandbox::{Effect, LoggedRequest};

use crate::world::{self, World};

type Build = usize;
type Number = u64;

/// The bytes at a path: those that a build has there.
type Content = (&'static str, Build);

/// Every build has a page of its own, and other bytes at the other two paths. In the order of a switch.
const OWN_PAGES: [&str; 4] = ["own-0.html", "own-1.html", "own-2.html", "own-3.html"];

fn files(build: Build) -> [Content; 3] {
    [("robots.txt", build), (OWN_PAGES[build], build), ("index.html", build)]
}

/// Where a command that switches is cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// The head does not say that it begins.
    TheSwitch,
    /// Nothing is written yet.
    Writing,
    /// All but the entry page is written, and nothing is removed.
    TheEntryPage,
    /// All is written and removed; the head does not say so.
    TheEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Publish(Build, Option<Before>),
    Stage(Build),
    /// The last release that is complete.
    ActivateTheLast,
    Rollback(Option<Number>, Option<Before>),
}

fn cut() -> impl Strategy<Value = Option<Before>> {
    let cut =
        prop_oneof![Just(Before::TheSwitch), Just(Before::Writing), Just(Before::TheEntryPage), Just(Before::TheEnd)];
    proptest::option::of(cut)
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let build = 0..OWN_PAGES.len();
    let command = prop_oneof![
        4 => (build.clone(), cut()).prop_map(|(build, cut)| Command::Publish(build, cut)),
        1 => build.prop_map(Command::Stage),
        1 => Just(Command::ActivateTheLast),
        2 => (proptest::option::of(1..5_u64), cut()).prop_map(|(to, cut)| Command::Rollback(to, cut)),
    ];
    vec(command, 1..8)
}

/// What the bucket holds.
#[derive(Clone, Debug, Default)]
struct Model {
    live: BTreeMap<&'static str, Build>,
    blobs: BTreeSet<Content>,
    complete: BTreeMap<Number, Build>,
    claimed: Number,
    active: Number,
    previous: Option<Number>,
    /// Whether the active release was gone back to: then a rollback needs a number.
    is_back: bool,
    /// What is being activated, and what was before it.
    activation: Option<(Number, BTreeSet<Number>)>,
    highest: Number,
    floor: Number,
    superseded: BTreeSet<Number>,
}

impl Model {
    /// Build 0 is live, and its bytes are nowhere else.
    fn new() -> Model {
        Model {
            live: files(0).into(),
            complete: [(1, 0)].into(),
            claimed: 1,
            active: 1,
            highest: 1,
            ..Model::default()
        }
    }

    /// Does a command; says its exit code.
    fn run(&mut self, command: Command) -> u8 {
        match command {
            Command::Publish(build, _) | Command::Stage(build) if self.is_live(build) => 0,
            Command::Publish(build, Some(Before::TheSwitch)) => {
                self.stage(build);
                1
            }
            Command::Publish(build, cut) => {
                let number = self.stage(build);
                self.switch(number, cut, false)
            }
            Command::Stage(build) => {
                self.stage(build);
                0
            }
            Command::ActivateTheLast => {
                let last = *self.complete.keys().next_back().unwrap();
                match () {
                    () if self.active == last && self.activation.is_none() => 0,
                    // Undoes what another activation had begun.
                    () if self.active == last => self.switch(last, None, false),
                    () if last > self.highest && last > self.floor => self.switch(last, None, false),
                    () => 4,
                }
            }
            Command::Rollback(to, cut) => match to.or(self.earlier()) {
                None => 2,
                Some(to) if !self.complete.contains_key(&to) => 2,
                Some(to) if to == self.active && self.activation.is_none() => {
                    let records = self.floor < self.claimed;
                    if records && cut == Some(Before::TheSwitch) {
                        return 1;
                    }
                    self.floor = self.floor.max(self.claimed);
                    0
                }
                Some(_) if cut == Some(Before::TheSwitch) => 1,
                Some(to) => self.switch(to, cut, true),
            },
        }
    }

    fn is_live(&self, build: Build) -> bool {
        self.activation.is_none() && self.complete[&self.active] == build
    }

    fn earlier(&self) -> Option<Number> {
        match &self.activation {
            Some((to, _)) if *to <= self.floor && self.superseded.contains(to) => Some(*to),
            Some(_) => Some(self.active),
            None => self.previous.filter(|_| !self.is_back),
        }
    }

    /// Claims a number and stores all that is not live for certain.
    fn stage(&mut self, build: Build) -> Number {
        self.claimed = self.claimed.max(self.highest).max(self.floor) + 1;
        self.complete.insert(self.claimed, build);
        let certain = self.certain();
        self.blobs.extend(files(build).into_iter().filter(|content| !certain.contains(content)));
        self.claimed
    }

    /// The builds that live objects may be of.
    fn candidates(&self) -> BTreeSet<Build> {
        let unfinished = self.activation.iter().flat_map(|(to, candidates)| candidates.iter().chain([to]));
        unfinished.chain([&self.active]).map(|number| self.complete[number]).collect()
    }

    /// What is live for certain: that on which all candidates agree.
    fn certain(&self) -> BTreeSet<Content> {
        let mut candidates = self.candidates().into_iter().map(|build| BTreeSet::from(files(build)));
        let first = candidates.next().unwrap();
        candidates.fold(first, |agreed, files| &agreed & &files)
    }

    fn switch(&mut self, to: Number, cut: Option<Before>, goes_back: bool) -> u8 {
        let build = self.complete[&to];
        let possible: BTreeSet<Content> = self.candidates().into_iter().flat_map(files).collect();
        let certain = self.certain();
        let writes: Vec<Content> = files(build).into_iter().filter(|content| !certain.contains(content)).collect();
        let removals: Vec<&'static str> = possible
            .iter()
            .map(|(path, _)| *path)
            .filter(|path| files(build).iter().all(|(own, _)| own != path))
            .collect();
        // Preserve first.
        for path in writes.iter().map(|(path, _)| path).chain(&removals) {
            self.blobs.extend(self.live.get(path).map(|build| (*path, *build)));
        }
        let mut candidates = BTreeSet::new();
        if let Some((before, earlier)) = self.activation.take() {
            candidates.extend(earlier);
            candidates.insert(before);
        }
        candidates.remove(&to);
        if goes_back {
            self.floor = self.floor.max(self.claimed);
        }
        self.activation = Some((to, candidates));
        let (first, entry) = ("robots.txt", "index.html");
        for (path, build) in &writes {
            assert!(self.blobs.contains(&(*path, *build)), "{path} of build {build} is not stored: {self:#?}");
            let stops = match cut {
                Some(Before::Writing) => *path == first,
                Some(Before::TheEntryPage) => *path == entry,
                _ => false,
            };
            if stops {
                return 5;
            }
            self.live.insert(path, *build);
        }
        self.live.retain(|path, _| !removals.contains(path));
        if cut == Some(Before::TheEnd) {
            return 5;
        }
        // Visitors may have got pages of what was cut short.
        self.superseded.extend(self.activation.take().into_iter().flat_map(|(_, candidates)| candidates));
        // What only finishes or undoes leaves the release before within reach.
        if to != self.active {
            self.previous = Some(self.active);
            self.is_back = to <= self.highest;
            self.superseded.insert(self.active);
        }
        self.superseded.remove(&to);
        self.active = to;
        self.highest = self.highest.max(to);
        0
    }

    /// What must be true at every moment.
    fn assert_sound(&self) {
        let candidates = self.candidates();
        for (path, build) in &self.live {
            assert!(candidates.contains(build), "{path} is of no candidate: {self:#?}");
        }
        for content in self.complete.values().flat_map(|build| files(*build)) {
            let is_there = self.blobs.contains(&content) || self.live.get(content.0) == Some(&content.1);
            assert!(is_there, "{content:?} is lost: {self:#?}");
        }
        if self.activation.is_none() {
            let whole: BTreeMap<_, _> = files(self.complete[&self.active]).into();
            assert_eq!(self.live, whole, "{self:#?}");
        }
    }
}

fn text((path, build): Content) -> String {
    format!("{path} of {build}")
}

fn write_build(world: &World, build: Build) {
    std::fs::remove_dir_all(&world.folder).unwrap();
    for content in files(build) {
        world.write(content.0, text(content));
    }
}

fn writes(request: &LoggedRequest, path: &str) -> bool {
    request.method == "PUT" && request.key == format!("live/{path}")
}

/// Makes the sandbox refuse what would come after `cut`.
fn arm(world: &World, cut: Before) {
    let (mut heads, mut lives) = (0, 0);
    world.sandbox.inject_by(move |request| {
        let writes_head = request.operation == "PutObject" && request.key.ends_with("/head.json");
        heads += usize::from(writes_head);
        let stops = match cut {
            Before::TheSwitch => writes_head,
            Before::Writing => writes(request, "robots.txt"),
            Before::TheEntryPage => writes(request, "index.html"),
            Before::TheEnd => writes_head && heads > 1,
        };
        lives += usize::from(stops && !writes_head);
        // What was refused at once would have changed nothing, and the run would say so.
        let (status, code) = if stops && lives == 1 { (500, "InternalError") } else { (400, "Stopped") };
        let (code, message) = (code.to_owned(), "stopped by the test".to_owned());
        stops.then_some(Effect::Refuse { status, code, message })
    });
}

async fn run(world: &World, model: &Model, command: Command) -> u8 {
    if let Command::Publish(_, Some(cut)) | Command::Rollback(_, Some(cut)) = command {
        arm(world, cut);
    }
    let report = match command {
        Command::Publish(build, _) => {
            write_build(world, build);
            world.publish().await
        }
        Command::Stage(build) => {
            write_build(world, build);
            let mut request = world.request();
            request.stage_only = true;
            world::publish(request).await
        }
        Command::ActivateTheLast => world.activate(*model.complete.keys().next_back().unwrap()).await,
        Command::Rollback(to, _) => world.rollback(to).await,
    };
    world.sandbox.clear_faults();
    world.let_leases_end();
    report.exit_code
}

/// Runs the commands against a sandbox, and holds it against the model after each.
async fn follows_the_model(commands: Vec<Command>) {
    let mut world = World::new().await;
    world.environment.publish.max_removed_percent = 100;
    world.sandbox.complete_invalidations_after(0);
    write_build(&world, 0);
    world.published().await;
    let mut model = Model::new();
    for command in &commands {
        let found = run(&world, &model, *command).await;
        let expected = model.run(*command);
        let told = format!("{command:?} of {commands:?} {model:#?}");
        assert_eq!(found, expected, "{told}");
        let live = world.live().into_iter().map(|(path, object)| (path, object.bytes.to_vec()));
        let expected = model.live.iter().map(|(path, build)| ((*path).to_owned(), text((*path, *build)).into_bytes()));
        assert_eq!(live.collect::<BTreeMap<_, _>>(), expected.collect::<BTreeMap<_, _>>(), "{told}");
        let head = world.head();
        assert_eq!(u64::from(head.active.unwrap().release), model.active, "{told}");
        let activation = head.activation.map(|activation| {
            (activation.to.into(), activation.candidates.into_iter().map(Number::from).collect::<BTreeSet<_>>())
        });
        assert_eq!(activation, model.activation, "{told}");
        assert_eq!((u64::from(head.highest_activated), u64::from(head.floor)), (model.highest, model.floor), "{told}");
        let objects = world.objects();
        for content in model.complete.values().flat_map(|build| files(*build)) {
            let blob = world.environment.layout.blob(&publish::types::digest::Digest::of(text(content).as_bytes()));
            let is_there = objects.contains_key(&blob.key) || model.live.get(content.0) == Some(&content.1);
            assert!(is_there, "{content:?} is lost: {told}");
        }
    }
}

proptest! {
    #[test]
    fn no_byte_is_lost_and_what_is_done_is_whole(commands in commands()) {
        let mut model = Model::new();
        for command in commands {
            model.run(command);
            model.assert_sound();
        }
    }
}

#[test]
fn the_program_goes_where_the_model_goes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 60, max_shrink_iters: 40, failure_persistence: None, ..Config::default() });
    runner
        .run(&commands(), |commands| {
            runtime.block_on(follows_the_model(commands));
            Ok(())
        })
        .unwrap();
}

//! Wherever a publish stops, visitors get whole pages; whatever is published next ends as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use publish::report::Report;
use publish::sandbox::Service;

use crate::visitor::Names;
use crate::world::{World, files_of, fixture};

/// Worlds at once.
const AT_ONCE: usize = 4;

/// A site through several publishes, some of which stop half-way, and what visitors could get after each.
struct Story {
    world: World,
    names: Arc<Names>,
    /// What could be got, and how many invalidations there were, after each publish.
    moments: Vec<(BTreeMap<String, String>, usize)>,
    told: String,
}

impl Story {
    async fn begin() -> Story {
        let world = World::new().await;
        let names = Arc::new(Names::of(&["v1", "v2"].map(|build| files_of(&fixture(build)))));
        Story { world, names, moments: vec![(BTreeMap::new(), 0)], told: String::new() }
    }

    /// A story that goes on from here.
    async fn branch(&self) -> Story {
        let Story { world, names, moments, told } = self;
        Story { world: world.branch().await, names: Arc::clone(names), moments: moments.clone(), told: told.clone() }
    }

    /// Publishes a build when no lease lasts any more; with `stop`, only so many requests get through.
    async fn publish(&mut self, build: &str, stop: Option<usize>) -> Report {
        self.told += &format!(" {build} stops after {stop:?};");
        self.world.use_fixture(build);
        self.world.let_leases_end();
        self.world.sandbox.clear_faults();
        self.world.sandbox.clear_requests();
        if let Some(requests) = stop {
            self.world.stop_after(requests);
        }
        let report = self.world.publish().await;
        let (visible, before) = (self.world.visible(), &self.moments[self.moments.len() - 1].0);
        self.assert_pages_are_whole();
        for path in before.keys().filter(|path| path.starts_with("assets/")) {
            assert!(visible.contains_key(path), "{path} is needed by open tabs:{}", self.told);
        }
        let changed = before.iter().any(|(path, object)| visible.get(path) != Some(object));
        assert!(!changed || matches!(report.exit_code, 0 | 3 | 5), "{} {report:#?}", self.told);
        self.moments.push((visible, self.world.invalidations().len()));
        report
    }

    /// The pages that visitors can get find every fingerprinted file that they, or what they load, name.
    fn assert_pages_are_whole(&self) {
        let live = self.world.live();
        let mut to_read: Vec<String> = live.keys().filter(|path| path.ends_with(".html")).cloned().collect();
        let mut read = BTreeSet::new();
        while let Some(path) = to_read.pop() {
            if !read.insert(path.clone()) {
                continue;
            }
            let object = live.get(&path).unwrap_or_else(|| panic!("{path} is named and not there:{}", self.told));
            to_read.extend(self.names.named(&path, &object.bytes));
        }
    }

    /// Publishes a build to its end, after which it is live whole and alone, and the CDN has forgotten all else.
    async fn ends_with(mut self, build: &str) {
        let report = self.publish(build, None).await;
        assert_eq!(report.exit_code, 0, "{} {report:#?}", self.told);
        self.world.assert_settled();
        let (live, expected) = (self.world.live(), files_of(&fixture(build)));
        let pages = live.keys().filter(|path| path.ends_with(".html"));
        let expected_pages = expected.keys().filter(|path| path.ends_with(".html"));
        assert_eq!(pages.collect::<Vec<_>>(), expected_pages.collect::<Vec<_>>(), "{}", self.told);
        for (path, bytes) in &expected {
            assert_eq!(&live[path].bytes[..], &bytes[..], "{path}:{}", self.told);
        }
        self.assert_all_was_refreshed();
    }

    /// Whatever changed in one publish was refreshed by it or by a later one.
    fn assert_all_was_refreshed(&self) {
        let invalidations = self.world.invalidations();
        for moments in self.moments.windows(2) {
            let [(before, already), (after, _)] = moments else { unreachable!("windows of two") };
            let refreshed: BTreeSet<&String> = invalidations[*already..].iter().flat_map(|one| &one.paths).collect();
            for path in before.keys().chain(after.keys()).filter(|path| path.ends_with(".html")) {
                let url = format!("/{path}");
                let is_fresh = before.get(path) == after.get(path) || refreshed.contains(&url);
                assert!(is_fresh, "{url} was not refreshed:{}", self.told);
            }
        }
    }
}

/// With `before` live, how many requests to S3 and CloudFront a publish of `build` takes.
async fn requests_of(before: &Story, build: &str) -> usize {
    let mut story = before.branch().await;
    story.publish(build, None).await;
    let requests = story.world.sandbox.requests();
    requests.iter().filter(|request| request.service != Service::Site).count()
}

/// With `before` live, stops a publish of `build` at each of its requests, and then publishes `next`.
async fn every_stop(before: &[&str], build: &str, next: &str) {
    let mut prepared = Story::begin().await;
    for build in before {
        prepared.publish(build, None).await;
    }
    let prepared = &prepared;
    stream::iter(0..requests_of(prepared, build).await)
        .for_each_concurrent(AT_ONCE, |stop| async move {
            let mut story = prepared.branch().await;
            let report = story.publish(build, Some(stop)).await;
            assert_ne!(report.exit_code, 0, "{}", story.told);
            story.ends_with(next).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_is_finished_by_the_same_command() {
    every_stop(&[], "v1", "v1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_publish_gives_way_to_another_build() {
    every_stop(&[], "v1", "v2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_publish_is_finished_by_the_same_command() {
    every_stop(&["v1"], "v2", "v2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_publish_gives_way_to_the_build_before_it() {
    every_stop(&["v1"], "v2", "v1").await;
}

/// Two in a row that stop: what is live may be of any of three releases.
#[tokio::test(flavor = "multi_thread")]
async fn one_stop_after_another_is_survived() {
    let mut prepared = Story::begin().await;
    prepared.publish("v1", None).await;
    let prepared = &prepared;
    let requests = requests_of(prepared, "v2").await;
    let stops = || (4..requests).step_by(7);
    stream::iter(stops().flat_map(|first| stops().map(move |second| (first, second))))
        .for_each_concurrent(AT_ONCE, |(first, second)| async move {
            let mut story = prepared.branch().await;
            story.publish("v2", Some(first)).await;
            story.publish("v1", Some(second)).await;
            story.ends_with("v2").await;
        })
        .await;
}

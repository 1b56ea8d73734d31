//! The release that is to become live, and where its bytes come from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::references;
use crate::bucket::elsewhere::Elsewhere;
use crate::bucket::state::Pointer;
use crate::config::environment::Environment;
use crate::content::closure::{Closure, Surroundings};
use crate::content::path::SitePath;
use crate::release::counts::FileCounts;
use crate::release::head::Distributions;
use crate::release::layout::Layout;
use crate::release::manifest::{Files, Manifest, Publisher, ReleaseNumber, content_digest};
use crate::report::error::Problem;
use crate::report::event::Events;
use crate::site::fingerprint::{self, Verdict};
use crate::site::headers_file::HeadersFile;
use crate::site::redirects_file::RedirectsFile;
use crate::site::response_policy::{self, ResponsePolicy};
use crate::site::routes::Routes;
use crate::site::rules::{Decided, RuleContext, Rules};
use crate::site::snapshot::Snapshot;
use crate::site::unmatched;
use crate::stages::stage::Source;
use crate::types::globs::PathGlobs;
use crate::types::headers::Kind;
use crate::types::stop::Stop;

/// The release that is to become live.
pub(super) enum Goal {
    /// A new release with the files of a folder.
    Folder(Folder),
    /// A new release with the files of another environment's release.
    Elsewhere(Elsewhere),
    /// A release that is complete in the bucket.
    Release(Manifest),
}

/// A built site, and the headers of its files.
pub(super) struct Folder {
    pub(super) snapshot: Snapshot,
    rules: Rules,
    /// Which names are fingerprinted, as far as the folder shows.
    verdicts: BTreeMap<SitePath, Verdict>,
    closure: Closure,
    /// What a router needs from the distribution, unless another setting provides it.
    pub(super) routes: Option<Routes>,
}

impl Folder {
    /// Reads a folder, and warns of what the user should know. Sends no request: the folder must be fit to be published
    /// before the first one. Blocks, and ends soon after `stop` is requested.
    pub(super) fn read(
        folder: &Path,
        environment: &Environment,
        stop: &Stop,
        events: Events<'_>,
    ) -> Result<Folder, Problem> {
        let rules = Rules::new(&environment.headers)?;
        let snapshot = Snapshot::take(folder, &environment.publish, &environment.layout, stop, events)?;
        snapshot.warnings.iter().for_each(|warning| events.warn(warning));
        if let Some(sentence) = snapshot.left_out.sentence() {
            events.warn(sentence);
        }
        let file = headers_file(&snapshot, environment)?;
        file.warnings().iter().for_each(|sentence| events.warn(sentence));
        response_policy::warning(&file).into_iter().for_each(|sentence| events.warn(sentence));
        let redirects = snapshot.hosting.redirects.as_deref().map(RedirectsFile::parse);
        redirects.iter().filter_map(RedirectsFile::warning).for_each(|sentence| events.warn(sentence));
        let rules = rules.with_file(file);
        rules.check_metadata(snapshot.files.keys())?;
        let unused = rules.unused(snapshot.files.keys());
        unused.into_iter().for_each(|sentence| events.warn(sentence));
        rules.immutable_pages(snapshot.files.keys()).into_iter().for_each(|sentence| events.warn(sentence));
        let external = PathGlobs::new("publish.external", &environment.publish.external)?;
        let in_use = RefCell::new(BTreeSet::new());
        let is_external = |path: &SitePath| {
            let covering = external.covering(path);
            let covers = !covering.is_empty();
            in_use.borrow_mut().extend(covering);
            covers
        };
        let surroundings = Surroundings { url: environment.url.as_deref(), is_external: &is_external };
        let closure = Closure::of(snapshot.files.keys().cloned().collect(), &snapshot.references, surroundings);
        let missing = closure.broken.iter().map(|broken| broken.resolved.as_str()).collect();
        let settings = &environment.publish;
        let unused = unmatched::unused("external", &settings.external, &in_use.borrow(), &missing);
        let files = snapshot.files.keys().map(SitePath::as_str);
        let absent = unmatched::absent("publish.remove_now", &settings.remove_now, files)?;
        unused.into_iter().chain(absent).for_each(|sentence| events.warn(sentence));
        let files = snapshot.files.iter().map(|(path, file)| (path, &file.traces));
        let verdicts = fingerprint::judge(&fingerprint::facts(files, &closure), &snapshot.declared);
        let is_said = redirects.is_some_and(|file| file.answers_everything());
        let routes = Routes::of(&snapshot, &closure).filter(|_| !is_said);
        Ok(Folder { snapshot, rules, closure, verdicts, routes })
    }

    /// The folder, if it contains everything that its pages need, or if broken pages are allowed. Warns of other missing files.
    pub(super) fn checked(self, allow_broken: bool, url: Option<&str>, events: Events<'_>) -> Result<Folder, Problem> {
        references::check(&self.closure, url, allow_broken, events)?;
        Ok(self)
    }

    /// Whether `path` is fingerprinted, its headers, and the rules that decided both.
    pub(super) fn explained(&self, path: &SitePath, context: &RuleContext<'_>) -> (Verdict, Decided<'_>) {
        self.rules.explained(path, &self.snapshot.files, &self.verdicts, context)
    }

    /// The headers that CloudFront must add to answers because of the folder's `_headers` file.
    pub(super) fn response_policies(&self, environment: &Environment) -> Vec<ResponsePolicy> {
        response_policy::policies(self.rules.file(), &environment.layout.identity().site, &environment.name)
    }
}

/// The folder's `_headers` file; empty if it has none.
fn headers_file(snapshot: &Snapshot, environment: &Environment) -> Result<HeadersFile, Problem> {
    match &snapshot.hosting.headers {
        Some(text) => HeadersFile::parse(text, environment.url.as_deref()),
        None => Ok(HeadersFile::default()),
    }
}

impl Goal {
    /// Path, bytes and headers of every file, given the names known to be reused for other bytes, and the settings of the
    /// distributions.
    pub(super) fn content(
        &self,
        layout: &Layout,
        mutable_paths: &BTreeSet<SitePath>,
        distributions: &Distributions,
    ) -> Files {
        let context = RuleContext { mutable_paths, distributions, layout };
        match self {
            Goal::Folder(folder) => folder.rules.files(&folder.snapshot.files, &folder.verdicts, &context),
            Goal::Elsewhere(elsewhere) => Rules::with_known_mutable(elsewhere.files.clone(), &context),
            Goal::Release(manifest) => Rules::with_known_mutable(manifest.files.clone(), &context),
        }
    }

    /// How the files of a new release compare with the live ones, if the head alone shows that there is nothing to do.
    /// Not if anything is unfinished, or if a distribution has not seen the live release: the run must look into both.
    /// `mutable_paths` are those that this run found to be mutable.
    pub(super) fn unchanged(
        &self,
        environment: &Environment,
        mutable_paths: &BTreeSet<SitePath>,
        pointer: &Pointer,
    ) -> Option<FileCounts> {
        let head = &pointer.head;
        let active = head.active.as_ref().filter(|_| self.is_told_by_the_head(environment, pointer))?;
        let mutable_paths = head.mutable_paths.union(mutable_paths).cloned().collect();
        let files = self.content(&environment.layout, &mutable_paths, &head.distributions);
        let fingerprinted = files.values().filter(|entry| entry.kind == Kind::Fingerprinted).count();
        let total = files.len();
        (content_digest(&files) == active.content).then(|| FileCounts {
            total,
            fingerprinted,
            unchanged: total,
            ..FileCounts::default()
        })
    }

    /// Whether the head alone decides if a new release is needed: then one is, unless [`Goal::unchanged`] returns a result.
    pub(super) fn is_told_by_the_head(&self, environment: &Environment, pointer: &Pointer) -> bool {
        let head = &pointer.head;
        self.release().is_none()
            && head.is_settled_for(environment.distributions())
            && head.due_suspects(pointer.read_at).is_empty()
    }

    /// The release to be activated, if it is complete already.
    pub(super) fn manifest(&self) -> Option<&Manifest> {
        match self {
            Goal::Folder(_) | Goal::Elsewhere(_) => None,
            Goal::Release(manifest) => Some(manifest),
        }
    }

    /// Its number.
    pub(super) fn release(&self) -> Option<ReleaseNumber> {
        self.manifest().map(|manifest| manifest.release)
    }

    /// Where missing bytes come from.
    pub(super) fn source(&self) -> Source<'_> {
        match self {
            Goal::Folder(folder) => Source::Folder(&folder.snapshot.files),
            Goal::Elsewhere(elsewhere) => Source::Elsewhere(elsewhere),
            Goal::Release(_) => Source::Bucket,
        }
    }

    /// Who makes it live, and what it was built from; `caller`, unless another environment records more.
    pub(super) fn publisher<'p>(&'p self, caller: &'p Publisher) -> &'p Publisher {
        match self {
            Goal::Elsewhere(elsewhere) => &elsewhere.publisher,
            Goal::Folder(_) | Goal::Release(_) => caller,
        }
    }
}

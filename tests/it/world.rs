//! A sandbox, a site on the disk, and publishes between them: what most tests start from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use publish::config::environment::{Access, Environment, InvalidationSettings, LeaseSettings, PublishSettings};
use publish::content::path::SitePath;
use publish::plan::Plan;
use publish::plan::sweep::PruneView;
use publish::release::head::{Head, HeadFields};
use publish::release::layout::Layout;
use publish::release::manifest::{Claim, Manifest, Publisher, ReleaseNumber, RunId};
use publish::release::retention::RetentionSettings;
use publish::report::Report;
use publish::report::event::{Event, Events};
use publish::run::{self, ActivateRequest, Caller, Commits, PruneRequest, PublishRequest, Reply, RollbackRequest};
use publish::sandbox::{
    Distribution, Effect, Fault, LoggedRequest, Match, Options, Sandbox, Service, StoredInvalidation, StoredObject,
};
use publish::types::clock::Clock;
use publish::types::digest::Digest;
use publish::types::headers::Kind;
use publish::types::stop::Stop;
use publish::views::status::Status;

/// The bucket and the distribution of every world.
pub(crate) const BUCKET: &str = "sandbox";
pub(crate) const DISTRIBUTION: &str = "ESANDBOX";

static RUNS: AtomicUsize = AtomicUsize::new(1);

/// A stand-in for AWS, a site and an environment that publishes the one to the other.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) environment: Environment,
    pub(crate) folder: PathBuf,
    _temporary: tempfile::TempDir,
}

impl World {
    /// A world whose site is empty, with the live prefix `live` and a distribution in front of it.
    pub(crate) async fn new() -> World {
        let options = Options {
            buckets: vec![BUCKET.to_owned(), "other".to_owned()],
            distributions: vec![distribution()],
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("dist");
        std::fs::create_dir(&folder).unwrap();
        let environment = environment(&sandbox, Layout::new("shop", BUCKET, "live", None, None));
        World { sandbox, environment, folder, _temporary: temporary }
    }

    /// A world of its own that begins where this one is. Of the site's folder nothing comes along.
    pub(crate) async fn branch(&self) -> World {
        let mut world = World::new().await;
        world.sandbox.take_over(&self.sandbox);
        let Environment { access, url, .. } = world.environment;
        let url = self.environment.url.as_ref().and(url);
        world.environment = Environment { access, url, ..self.environment.clone() };
        world
    }

    /// A world with a copy of a build of the Vite fixture.
    pub(crate) async fn with_fixture(build: &str) -> World {
        let world = World::new().await;
        world.use_fixture(build);
        world
    }

    /// Replaces the site by a build of the Vite fixture.
    pub(crate) fn use_fixture(&self, build: &str) {
        std::fs::remove_dir_all(&self.folder).unwrap();
        copy_folder(&fixture(build), &self.folder);
    }

    /// Makes a build of the fixture one for a folder of its host: its pages name their files below `folder` (`docs`).
    pub(crate) fn rebase(&self, folder: &str) {
        for (path, bytes) in files_of(&self.folder).into_iter().filter(|(path, _)| path.ends_with(".html")) {
            let page = String::from_utf8(bytes).unwrap();
            self.write(&path, page.replace("\"/", &format!("\"/{folder}/")));
        }
    }

    /// Writes a file of the site.
    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Changes a file of the site in such a way that it still refers to what it did: what nothing refers to any more is
    /// not fingerprinted any more.
    pub(crate) fn append(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        let bytes = [&std::fs::read(&path).unwrap()[..], text.as_bytes()].concat();
        std::fs::write(path, bytes).unwrap();
    }

    /// Removes a file of the site.
    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.folder.join(path)).unwrap();
    }

    pub(crate) fn request(&self) -> PublishRequest {
        PublishRequest {
            environment: self.environment.clone(),
            caller: caller(),
            folder: self.folder.clone(),
            adopt: false,
            overwrite: false,
            force: false,
            allow_broken: false,
            stage_only: false,
        }
    }

    /// Publishes the site; nobody can be asked.
    pub(crate) async fn publish(&self) -> Report {
        publish(self.request()).await
    }

    /// Publishes the site, which must succeed.
    pub(crate) async fn published(&self) -> Report {
        let report = self.publish().await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
        report
    }

    /// Publishes the site, which must succeed, and whose refresh CloudFront completes at once: none stays sent.
    pub(crate) async fn published_and_completed(&self) -> Report {
        self.sandbox.complete_invalidations_after(0);
        let report = self.published().await;
        self.sandbox.complete_invalidations_after(1);
        assert_eq!(self.head().pending_refreshes, []);
        report
    }

    /// Publishes the site although its pages refer to what is not there, which must succeed.
    pub(crate) async fn published_broken(&self) -> Report {
        let report = publish(PublishRequest { allow_broken: true, ..self.request() }).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
        report
    }

    /// Goes back to a release, or to the one before; nobody can be asked, and all is answered with yes.
    pub(crate) async fn rollback(&self, release: Option<u64>) -> Report {
        let request = RollbackRequest {
            commit: None,
            environment: self.environment.clone(),
            caller: Caller { yes: true, ..caller() },
            release: release.map(ReleaseNumber::new),
            hold: false,
            reason: None,
        };
        run::rollback(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
    }

    /// Makes a complete release live.
    pub(crate) async fn activate(&self, release: u64) -> Report {
        let request = ActivateRequest {
            environment: self.environment.clone(),
            caller: caller(),
            release: ReleaseNumber::new(release),
            force: false,
            reason: None,
        };
        run::activate(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
    }

    /// Removes what no retained release needs, or `now` out of every release; nobody can be asked, and all is answered
    /// with yes.
    pub(crate) async fn prune(&self, now: &[&str]) -> Report {
        let caller = Caller { yes: true, ..caller() };
        self.prune_as(caller, now, &|_| Reply::CannotAsk).await.0
    }

    /// Prunes as somebody who may be asked.
    pub(crate) async fn prune_as(
        &self,
        caller: Caller,
        now: &[&str],
        ask: run::Ask<'_>,
    ) -> (Report, Option<PruneView>) {
        let now = now.iter().map(|path| SitePath::new(*path).unwrap()).collect();
        let request = PruneRequest { environment: self.environment.clone(), caller, now };
        run::prune(request, ask, Events::new(&|_| {})).await
    }

    /// Every release in the bucket can be brought back whole.
    pub(crate) fn assert_all_releases_are_whole(&self) {
        let manifests = self.objects().into_iter().filter(|(key, _)| key.ends_with("/manifest.json.gz"));
        for (_, object) in manifests {
            self.assert_is_whole(&Manifest::decode(&object.bytes).unwrap());
        }
    }

    /// All bytes are there that a release names.
    pub(crate) fn assert_is_whole(&self, manifest: &Manifest) {
        assert_eq!(self.lost(manifest), [""; 0]);
    }

    /// What a release names and is not there any more.
    pub(crate) fn lost(&self, manifest: &Manifest) -> Vec<String> {
        let (objects, live, head) = (self.objects(), self.live(), self.head());
        let mut lost = Vec::new();
        for (path, entry) in head.without_withdrawn(manifest.files.clone()) {
            let is_live = live.get(path.as_str()).is_some_and(|object| Digest::of(&object.bytes) == entry.digest);
            let blob = self.environment.layout.blob(&entry.digest).key;
            let is_stored = entry.kind == Kind::Mutable && objects.contains_key(&blob);
            if !is_live && !is_stored {
                lost.push(format!("{path} of release {}", manifest.release));
            }
        }
        lost
    }

    /// Ends a hold.
    pub(crate) async fn resume(&self) -> Report {
        run::resume(self.environment.clone(), caller(), Events::new(&|_| {})).await
    }

    pub(crate) async fn plan(&self) -> (Report, Option<Plan>) {
        run::plan(self.request(), Events::new(&|_| {})).await
    }

    pub(crate) async fn status(&self) -> Status {
        let (report, status) = run::status(self.environment.clone(), caller(), Events::new(&|_| {})).await;
        status.unwrap_or_else(|| panic!("{report:#?}"))
    }

    /// All objects of the bucket.
    pub(crate) fn objects(&self) -> BTreeMap<String, StoredObject> {
        self.sandbox.objects(BUCKET)
    }

    /// The live objects, by their paths.
    pub(crate) fn live(&self) -> BTreeMap<String, StoredObject> {
        let path = |key: &str| Some(self.environment.layout.path_of_live(key)?.to_string());
        self.objects().into_iter().filter_map(|(key, object)| Some((path(&key)?, object))).collect()
    }

    /// What visitors could get: the bytes and headers of every live object, by their paths.
    pub(crate) fn visible(&self) -> BTreeMap<String, String> {
        let show = |object: StoredObject| {
            let StoredObject { bytes, content_type, cache_control, content_encoding, content_disposition, .. } = object;
            let digest = Digest::of(&bytes);
            format!("{digest} {content_type:?} {cache_control:?} {content_encoding:?} {content_disposition:?}")
        };
        self.live().into_iter().map(|(path, object)| (path, show(object))).collect()
    }

    /// Lets the lease of an interrupted run expire.
    pub(crate) fn let_leases_end(&self) {
        self.sandbox.advance_clock(self.environment.lease.lasts + Duration::from_secs(10));
    }

    /// What the head says.
    pub(crate) fn head(&self) -> HeadFields {
        Head::decode(&self.objects()[&self.environment.layout.head().key].bytes).unwrap().into_fields()
    }

    /// Changes the head as another run would that writes to it now.
    pub(crate) fn rewrite_head(&self, change: impl FnOnce(&mut HeadFields)) {
        let mut head = self.head();
        change(&mut head);
        head.revision += 1;
        head.run = run_id();
        let key = self.environment.layout.head().key;
        self.sandbox.put_foreign(BUCKET, &key, head.encode().unwrap(), "application/json");
    }

    /// All claims, by their numbers.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        let objects = self.objects().into_iter().filter(|(key, _)| key.ends_with("/claim.json"));
        let mut claims: Vec<Claim> = objects.map(|(_, object)| Claim::decode(&object.bytes).unwrap()).collect();
        claims.sort_by_key(|claim| claim.release);
        claims
    }

    pub(crate) fn manifest(&self, release: u64) -> Manifest {
        let key = self.environment.layout.manifest(ReleaseNumber::new(release)).key;
        Manifest::decode(&self.objects()[&key].bytes).unwrap()
    }

    /// A release calls `path` fingerprinted.
    pub(crate) fn assert_fingerprinted(&self, release: u64, path: &str) {
        let kind = self.manifest(release).files[&SitePath::new(path).unwrap()].kind;
        assert_eq!(kind, Kind::Fingerprinted, "{path} of release {release}");
    }

    /// The requests that S3 saw since the log was cleared.
    pub(crate) fn s3_requests(&self) -> Vec<LoggedRequest> {
        self.sandbox.requests().into_iter().filter(|request| request.service == Service::S3).collect()
    }

    /// The requests to S3 that would change something, since the log was cleared.
    pub(crate) fn s3_writes(&self) -> Vec<LoggedRequest> {
        self.s3_requests().into_iter().filter(|request| !matches!(request.method.as_str(), "GET" | "HEAD")).collect()
    }

    /// The bytes of the site that were sent since the log was cleared: not those of the state's records.
    pub(crate) fn site_bytes_sent(&self) -> u64 {
        let sent = self.s3_writes().into_iter().filter(|request| {
            matches!(request.operation.as_str(), "PutObject" | "UploadPart") && !is_record(&request.key)
        });
        sent.map(|request| request.body_bytes).sum()
    }

    /// All invalidations of the distribution, the oldest first.
    pub(crate) fn invalidations(&self) -> Vec<StoredInvalidation> {
        self.sandbox.invalidations(DISTRIBUTION)
    }

    /// The paths of the last invalidation.
    pub(crate) fn last_invalidated(&self) -> Vec<String> {
        self.invalidations().pop().map(|invalidation| invalidation.paths).unwrap_or_default()
    }

    /// Refuses for ever every request to an operation whose key holds `key`.
    pub(crate) fn refuse(&self, operation: &str, key: &str, status: u16, code: &str) {
        self.refuse_after(0, operation, key, status, code);
    }

    /// As [`World::refuse`], after as many such requests were let through.
    pub(crate) fn refuse_after(&self, skip: usize, operation: &str, key: &str, status: u16, code: &str) {
        let effect = Effect::Refuse { status, code: code.to_owned(), message: "refused by the test".to_owned() };
        let matches =
            Match { operation: Some(operation.to_owned()), key_contains: Some(key.to_owned()), service: None };
        self.sandbox.inject(Fault { matches, skip, times: usize::MAX, effect });
    }

    /// As [`World::refuse`] with an error that nobody tries again, after an attempt of which nobody knows what it did: a switch
    /// that stops there is cut short.
    pub(crate) fn cut_short_at(&self, operation: &str, key: &str) {
        let matches =
            Match { operation: Some(operation.to_owned()), key_contains: Some(key.to_owned()), service: None };
        let (code, message) = ("InternalError".to_owned(), "failed by the test".to_owned());
        self.sandbox.inject(Fault {
            matches,
            skip: 0,
            times: 1,
            effect: Effect::Refuse { status: 500, code, message },
        });
        self.refuse(operation, key, 400, "Stopped");
    }

    /// Lets `requests` through and refuses all that follow, of S3 and CloudFront, in a way that nobody tries again:
    /// what a crash at that moment leaves behind.
    pub(crate) fn stop_after(&self, requests: usize) {
        let effect =
            Effect::Refuse { status: 400, code: "Stopped".to_owned(), message: "stopped by the test".to_owned() };
        self.sandbox.inject(Fault { matches: Match::default(), skip: requests, times: usize::MAX, effect });
    }

    /// How often each S3 operation was asked for since the log was cleared.
    pub(crate) fn s3_operations(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for request in self.s3_requests() {
            *counts.entry(request.operation).or_default() += 1;
        }
        counts
    }

    /// The live objects, the head and the active manifest agree with the folder and with each other, and nothing is
    /// unfinished or owed.
    pub(crate) fn assert_settled(&self) {
        let head = self.head();
        assert!(head.is_settled(), "{head:#?}");
        let active = head.active.as_ref().unwrap();
        let manifest = Manifest::decode(&self.objects()[&self.environment.layout.manifest(active.release).key].bytes);
        let mut manifest = manifest.unwrap();
        manifest.files = head.without_withdrawn(manifest.files);
        assert_eq!(manifest.content(), active.content);
        let live = self.live();
        for (path, entry) in &manifest.files {
            let object = live.get(path.as_str()).unwrap_or_else(|| panic!("{path} is not live"));
            assert_eq!(Digest::of(&object.bytes), entry.digest, "{path}");
            assert_eq!(object.content_type, entry.headers.content_type, "{path}");
            assert_eq!(object.cache_control.as_deref().unwrap_or_default(), entry.headers.cache_control, "{path}");
        }
    }
}

/// What a page holds that loads a script as bundlers have it: which shows that a hash in the name is theirs.
pub(crate) fn loads(script: &str) -> String {
    format!(r#"<script type="module" crossorigin src="/{script}"></script>"#)
}

/// Whether a key is one of the state's own records, and not bytes of the site.
pub(crate) fn is_record(key: &str) -> bool {
    key.starts_with("_publish/") && !key.contains("/blobs/")
}

/// The distribution of every world, as it is at first.
pub(crate) fn distribution() -> Distribution {
    Distribution {
        id: DISTRIBUTION.to_owned(),
        bucket: BUCKET.to_owned(),
        origin_path: "/live".to_owned(),
        ..Distribution::default()
    }
}

/// Publishes; nobody can be asked.
pub(crate) async fn publish(request: PublishRequest) -> Report {
    run::publish(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
}

/// Publishes with somebody who gives the same answer to every question.
pub(crate) async fn publish_answering(request: PublishRequest, answer: Reply) -> Report {
    run::publish(request, &|_| answer, Events::new(&|_| {})).await
}

/// Publishes while `listener` hears of everything that happens; nobody can be asked.
pub(crate) async fn publish_heard(request: PublishRequest, listener: impl Fn(Event) + Sync) -> Report {
    run::publish(request, &|_| Reply::CannotAsk, Events::new(&listener)).await
}

/// The caller in a test: a person who cannot be asked.
pub(crate) fn caller() -> Caller {
    Caller {
        run: run_id(),
        publisher: Publisher { who: Some("tester".to_owned()), ..Publisher::default() },
        commits: Commits::default(),
        clock: Clock::start(),
        yes: false,
        stop: Stop::default(),
    }
}

/// A run id unlike any other of this process.
pub(crate) fn run_id() -> RunId {
    RunId(format!("test-{}", RUNS.fetch_add(1, Ordering::Relaxed)))
}

/// The variables that give the program the sandbox's keys.
pub(crate) fn key_variables(sandbox: &Sandbox) -> [(&'static str, String); 2] {
    let keys = sandbox.keys();
    [("AWS_ACCESS_KEY_ID", keys.access_key_id.clone()), ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.clone())]
}

/// The environment that reaches `sandbox`.
pub(crate) fn environment(sandbox: &Sandbox, layout: Layout) -> Environment {
    let keys = sandbox.keys();
    Environment {
        name: "test".to_owned(),
        layout,
        access: Access {
            region: Some("us-east-1".to_owned()),
            s3_endpoint: Some(sandbox.s3_endpoint().to_owned()),
            cloudfront_endpoint: Some(sandbox.cloudfront_endpoint().to_owned()),
            static_keys: Some((keys.access_key_id.clone(), keys.secret_access_key.clone())),
            ..Access::default()
        },
        distribution: Some(DISTRIBUTION.to_owned()),
        further_distributions: Vec::new(),
        url: Some(sandbox.site_url().to_owned()),
        headers: Vec::new(),
        // Most sites of the tests need no home page; `right_folder` tests what is done about that.
        publish: PublishSettings { index: false, ..PublishSettings::default() },
        invalidation: InvalidationSettings::default(),
        retention: RetentionSettings::default(),
        lease: LeaseSettings::default(),
    }
}

/// The folder of a build of the Vite fixture.
pub(crate) fn fixture(build: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vite-app/builds").join(build)
}

/// The files of a folder, by their paths.
pub(crate) fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            (path, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

//! A bucket and a distribution at ministack, and the independent client's view of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use publish::config::environment::{Access, Environment, InvalidationSettings, LeaseSettings, PublishSettings};
use publish::content::path::SitePath;
use publish::release::layout::Layout;
use publish::release::retention::RetentionSettings;
use publish::report::Report;
use publish::report::event::Events;
use publish::run::{self, Caller, PruneRequest, PublishRequest, Reply};
use publish::views::status::Status;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::recorder::Recorder;
use super::server::{Server, python, script};
use crate::world;

static BUCKETS: AtomicUsize = AtomicUsize::new(1);

/// One bucket with the live prefix `live`, and the distribution in front of it, which shows `404.html` for what is
/// not there. No other test has the same.
pub struct Hosting {
    /// Where the program is told to publish.
    pub environment: Environment,
    /// What the program asks of S3 and CloudFront.
    pub recorder: Recorder,
    bucket: String,
    distribution: String,
    domain: String,
}

/// What the independent client finds.
#[derive(Debug, Deserialize)]
pub struct Inspection {
    /// All objects of the bucket, by their keys.
    pub objects: BTreeMap<String, Object>,
    /// The listings of all complete releases, by their numbers.
    pub releases: BTreeMap<String, Release>,
    /// The head, if there is one.
    pub head: Option<serde_json::Value>,
    /// Where objects are not what the manifests say, in words.
    pub differences: Vec<String>,
    /// All invalidations, oldest first.
    pub invalidations: Vec<Invalidation>,
}

/// An object as the independent client reads it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Object {
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Their number.
    pub size_bytes: u64,
    /// What it is served with.
    pub headers: BTreeMap<String, String>,
}

/// What a manifest lists.
#[derive(Debug, Deserialize)]
pub struct Release {
    /// Its entries.
    pub files: Vec<ReleaseFile>,
}

/// One entry of a manifest.
#[derive(Debug, Deserialize)]
pub struct ReleaseFile {
    /// The path below the live prefix.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// An invalidation as CloudFront tells of it.
#[derive(Debug, Deserialize)]
pub struct Invalidation {
    /// Its id.
    pub id: String,
    /// `InProgress` or `Completed`.
    pub status: String,
    /// Its paths, as sent.
    pub paths: Vec<String>,
}

/// What a visitor gets.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// SHA-256 of the body, in hexadecimal.
    pub sha256: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
}

impl Hosting {
    /// A new bucket, with nothing in it, and a new distribution.
    pub async fn new() -> Hosting {
        #[derive(Deserialize)]
        struct Prepared {
            distribution: String,
            domain: String,
        }
        let server = Server::get();
        let bucket = format!("site-{}", BUCKETS.fetch_add(1, Ordering::Relaxed));
        let Prepared { distribution, domain } = ask("prepare", &[&bucket]);
        let recorder = Recorder::start(&server.endpoint, None).await;
        let site = Recorder::start(&server.endpoint, Some(&domain)).await;
        let environment = Environment {
            name: "test".to_owned(),
            layout: Layout::new("shop", &bucket, "live", None, None),
            access: Access {
                region: Some("us-east-1".to_owned()),
                s3_endpoint: Some(recorder.endpoint()),
                cloudfront_endpoint: Some(recorder.endpoint()),
                static_keys: Some(("test".to_owned(), "test".to_owned())),
                ..Access::default()
            },
            distribution: Some(distribution.clone()),
            further_distributions: Vec::new(),
            url: Some(site.endpoint()),
            headers: Vec::new(),
            publish: PublishSettings::default(),
            invalidation: InvalidationSettings::default(),
            retention: RetentionSettings::default(),
            lease: LeaseSettings::default(),
        };
        Hosting { environment, recorder, bucket, distribution, domain }
    }

    /// The same bucket and distribution, for a site of another name.
    pub fn environment_of_site(&self, site: &str) -> Environment {
        let layout = Layout::new(site, &self.bucket, "live", None, None);
        Environment { layout, ..self.environment.clone() }
    }

    /// Publishes `folder`; nobody can be asked.
    pub async fn publish(&self, folder: &Path) -> Report {
        world::publish(request(self.environment.clone(), folder)).await
    }

    /// Publishes `folder`, which must succeed. What was recorded before counts as taken.
    pub async fn published(&self, folder: &Path) -> Report {
        self.recorder.take();
        let report = self.publish(folder).await;
        assert_eq!(report.exit_code, 0, "{report:#?}");
        report
    }

    /// Prunes, or takes `now` out of every release.
    pub async fn prune(&self, now: &[&str]) -> Report {
        let now = now.iter().map(|path| SitePath::new(*path).unwrap()).collect();
        let caller = Caller { yes: true, ..world::caller() };
        let request = PruneRequest { environment: self.environment.clone(), caller, now };
        run::prune(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await.0
    }

    /// Plans to publish `folder`.
    pub async fn plan(&self, folder: &Path) -> Report {
        run::plan(request(self.environment.clone(), folder), Events::new(&|_| {})).await.0
    }

    /// The status, which must be readable.
    pub async fn status(&self) -> Status {
        let (report, status) = run::status(self.environment.clone(), world::caller(), Events::new(&|_| {})).await;
        status.unwrap_or_else(|| panic!("{report:#?}"))
    }

    /// Looks at everything with the independent client.
    pub fn inspect(&self) -> Inspection {
        ask("inspect", &[&self.bucket, &self.distribution, "_publish/live/", "live/"])
    }

    /// Stores an object as somebody else would.
    pub fn put(&self, key: &str, text: &str) {
        ask("put", &[&self.bucket, key, text])
    }

    /// What CloudFront makes of a response headers policy's configuration.
    pub fn policy(&self, config: &serde_json::Value) -> serde_json::Value {
        ask("policy", &[&config.to_string()])
    }

    /// What visitors of the distribution get, by path.
    pub fn browse(&self, paths: &[&str]) -> BTreeMap<String, Page> {
        ask("browse", &[&[self.domain.as_str()], paths].concat())
    }
}

impl Drop for Hosting {
    /// A test that fails shows what was asked and what the server said.
    #[expect(clippy::print_stdout, reason = "the test harness shows it with the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let requests = self.recorder.all();
            let requests: Vec<String> =
                requests.iter().map(|request| format!("{} {}", request.operation, request.key)).collect();
            println!("requests to {}:\n{}", self.bucket, requests.join("\n"));
            println!("ministack said:\n{}", Server::get().output());
        }
    }
}

impl Inspection {
    /// The live objects, by their paths.
    pub fn live(&self) -> BTreeMap<&str, &Object> {
        self.objects.iter().filter_map(|(key, object)| Some((key.strip_prefix("live/")?, object))).collect()
    }
}

/// What a publish starts from.
pub fn request(environment: Environment, folder: &Path) -> PublishRequest {
    PublishRequest {
        environment,
        caller: world::caller(),
        folder: folder.to_owned(),
        adopt: false,
        overwrite: false,
        force: false,
        allow_broken: false,
        stage_only: false,
    }
}

/// Runs the independent client. It shares no setting of this machine: the answer depends on ministack alone.
fn ask<T: DeserializeOwned>(command: &str, arguments: &[&str]) -> T {
    let server = Server::get();
    let mut client = Command::new(python());
    client.arg(script("client.py")).arg(&server.endpoint).arg(command).args(arguments);
    client.env_clear().env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let output = client.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{client:?} failed:\n{said}\nministack said:\n{}", server.output());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{client:?} answered otherwise: {error}"))
}

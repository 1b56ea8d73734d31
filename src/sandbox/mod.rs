//! A local stand-in for S3 and CloudFront: real HTTP on 127.0.0.1, strict where AWS is strict.
//!
//! It verifies signatures and checksums, makes conditional writes atomic, and validates invalidation paths; it refuses
//! everything it does not model with `NotImplemented`. Every request is in its log, and faults can be injected. AWS's rules
//! are cited as `AWS.md <section>`.
//!
//! ```no_run
//! # async fn example() -> Result<(), publish::sandbox::SandboxError> {
//! use publish::sandbox::{Options, Sandbox};
//!
//! let sandbox = Sandbox::start(Options::default()).await?;
//! println!("S3 listens at {}", sandbox.s3_endpoint());
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```

mod answer;
mod caching;
mod checksum;
mod clock;
mod cloudfront;
mod conditions;
mod content;
mod disk;
mod distribution;
mod edge;
mod faults;
mod guard;
mod keys;
mod log;
mod object;
mod operation;
mod plus;
mod s3;
mod serve;
mod signature;
mod site;
mod spelling;
mod steady;
mod store;
#[cfg(test)]
mod tests;
mod traffic;
mod uploads;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use clock::Clock;
use cloudfront::{CloudFrontServer, Invalidations};
use conditions::Conditions;
use disk::Disk;
use distribution::Distributions;
use edge::Edge;
use faults::Choose;
use object::{Encryption, Headers, Object};
use s3::S3Server;
use serve::{Front, Server, bind, serve};
use site::SiteServer;
use store::Store;
use traffic::Traffic;

pub use caching::{Behavior, Caching};
pub use cloudfront::StoredInvalidation;
pub use distribution::{CustomError, Distribution, IndexPages};
pub use edge::{EDGE_HEADER, LOCATIONS};
pub use faults::{Effect, Fault, Match};
pub use keys::Keys;
pub use log::{LoggedRequest, Service, longest_chain};
pub use object::StoredObject;

/// How to set up a sandbox.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where buckets and invalidations are stored; `None` keeps them in memory. A killed process never leaves a
    /// visible half-written object there. One sandbox at a time can use a folder.
    pub root: Option<PathBuf>,
    /// The S3 API's port; 0: any free one.
    pub s3_port: u16,
    /// The CloudFront API's port; 0: any free one.
    pub cloudfront_port: u16,
    /// The site's port; 0: any free one.
    pub site_port: u16,
    /// Buckets that exist from the start, besides those in `root`.
    pub buckets: Vec<String>,
    /// The region of all buckets; requests signed for another are refused.
    pub region: String,
    /// The distributions; the first serves the site.
    pub distributions: Vec<Distribution>,
    /// The account that owns everything, compared with `x-amz-expected-bucket-owner`.
    pub owner: String,
    /// How long a client may delay a connection: with a request's headers, with the next piece of its body, or
    /// before it reads the next piece of an answer.
    pub patience: Duration,
}

impl Default for Options {
    /// In memory, on any ports, with the bucket `sandbox` in us-east-1 behind the distribution `E1SANDBOX`.
    fn default() -> Options {
        Options {
            root: None,
            s3_port: 0,
            cloudfront_port: 0,
            site_port: 0,
            buckets: vec!["sandbox".to_owned()],
            region: "us-east-1".to_owned(),
            distributions: vec![Distribution::default()],
            owner: "000000000000".to_owned(),
            patience: Duration::from_secs(30),
        }
    }
}

/// Where a sandbox listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// `http://127.0.0.1:<port>` of the S3 API; buckets are addressed by path.
    pub s3: String,
    /// `http://127.0.0.1:<port>` of the CloudFront API.
    pub cloudfront: String,
    /// `http://127.0.0.1:<port>` of the first distribution's site.
    pub site: String,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A port could not be opened.
    #[error("the sandbox could not listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The system returned no random numbers for the keys.
    #[error("the sandbox could not make keys")]
    Random(#[source] getrandom::Error),
    /// Another process uses the storage folder.
    #[error("another sandbox uses {}", path.display())]
    InUse {
        /// The storage folder.
        path: PathBuf,
        /// Where that sandbox listens; `None` while it is still starting.
        endpoints: Option<Endpoints>,
    },
    /// The storage folder could not be read or written.
    #[error("the sandbox could not use {}", path.display())]
    Storage {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file of the storage folder was not written by a sandbox.
    #[error("the sandbox could not understand {}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// A running sandbox. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Sandbox {
    endpoints: Endpoints,
    keys: Keys,
    store: Arc<Store>,
    traffic: Arc<Traffic>,
    clock: Clock,
    distributions: Arc<Distributions>,
    edge: Arc<Edge>,
    invalidations: Arc<Mutex<Invalidations>>,
    stop: watch::Sender<bool>,
    /// Counts the releases of held requests.
    release: watch::Sender<u64>,
    servers: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts the three servers as tasks of the current tokio runtime.
    ///
    /// # Errors
    /// If a port is taken, or the storage folder is in use or unusable.
    pub async fn start(options: Options) -> Result<Sandbox, SandboxError> {
        // Before anything locks the storage: the caller may try again at once with other ports.
        let s3_port = bind(options.s3_port).await?;
        let cloudfront_port = bind(options.cloudfront_port).await?;
        let site_port = bind(options.site_port).await?;
        let keys = Keys::random()?;
        let clock = Clock::default();
        let disk = options.root.as_deref().map(Disk::open).transpose()?;
        let store = Arc::new(Store::open(disk, clock.clone(), &options.buckets)?);
        let edge = Arc::new(Edge::new(Arc::clone(&store), clock.clone()));
        let invalidations = Arc::new(Mutex::new(cloudfront::load(Arc::clone(&store), Arc::clone(&edge))?));
        let distributions = Arc::new(Distributions::new(options.distributions));
        let traffic = Arc::new(Traffic::default());
        let (stop, stopping) = watch::channel(false);
        let (release, released) = watch::channel(0);

        let s3 = S3Server::new(Arc::clone(&store), keys.clone(), options.region.clone(), options.owner.clone());
        let cloudfront = CloudFrontServer {
            distributions: Arc::clone(&distributions),
            invalidations: Arc::clone(&invalidations),
            keys: keys.clone(),
            clock: clock.clone(),
            owner: options.owner,
            region: options.region,
        };
        let site = SiteServer::new(Arc::clone(&distributions), Arc::clone(&edge));
        let request_ids = Arc::new(AtomicU64::new(0));
        let (mut servers, mut addresses) = (Vec::new(), Vec::new());
        for (server, (listener, address)) in [
            (Server::S3(s3), s3_port),
            (Server::CloudFront(cloudfront), cloudfront_port),
            (Server::Site(site), site_port),
        ] {
            // A capacity of one is enough: nothing is sent.
            let (late, ended) = mpsc::channel(1);
            let front = Front {
                server,
                traffic: Arc::clone(&traffic),
                clock: clock.clone(),
                request_ids: Arc::clone(&request_ids),
                release: released.clone(),
                patience: options.patience,
                late,
            };
            servers.push(tokio::spawn(serve(listener, front, ended, stopping.clone())));
            addresses.push(format!("http://{address}"));
        }
        let mut addresses = addresses.into_iter();
        let mut next = || addresses.next().unwrap_or_default();
        let endpoints = Endpoints { s3: next(), cloudfront: next(), site: next() };
        if let Some(disk) = store.disk() {
            disk.announce(&endpoints)?;
        }
        Ok(Sandbox {
            endpoints,
            keys,
            store,
            traffic,
            clock,
            distributions,
            edge,
            invalidations,
            stop,
            release,
            servers,
        })
    }

    /// `http://127.0.0.1:<port>` of the S3 API; buckets are addressed by path.
    #[must_use]
    pub fn s3_endpoint(&self) -> &str {
        &self.endpoints.s3
    }

    /// `http://127.0.0.1:<port>` of the CloudFront API.
    #[must_use]
    pub fn cloudfront_endpoint(&self) -> &str {
        &self.endpoints.cloudfront
    }

    /// `http://127.0.0.1:<port>` of the first distribution's site.
    #[must_use]
    pub fn site_url(&self) -> &str {
        &self.endpoints.site
    }

    /// The key pair that it accepts.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// All requests in the order of their arrival, except those that it refused because they named another host
    /// or came from another site's page.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.traffic.requests()
    }

    /// Empties the request log.
    pub fn clear_requests(&self) {
        self.traffic.clear_requests();
    }

    /// Arms a fault.
    pub fn inject(&self, fault: Fault) {
        self.traffic.arm(fault);
    }

    /// `choose` decides the effect on each request that no armed fault affects: for a seeded test of an unreliable
    /// network. It replaces the previous one. `None`: the request is served.
    pub fn inject_by(&self, choose: impl FnMut(&LoggedRequest) -> Option<Effect> + Send + 'static) {
        self.traffic.choose(Choose::new(choose));
    }

    /// Waits until `found` returns true for the requests since the log was cleared: it is called now, and again after each
    /// arrival and each answer.
    pub async fn until(&self, found: impl Fn(&[LoggedRequest]) -> bool) {
        self.traffic.until(found).await;
    }

    /// Disarms all faults; requests that are already stalled stay stalled.
    pub fn clear_faults(&self) {
        self.traffic.clear_faults();
    }

    /// Releases the requests that [`Effect::Hold`] holds now.
    pub fn release_held(&self) {
        self.release.send_modify(|releases| *releases += 1);
    }

    /// Advances the sandbox's clock: `Date` and `Last-Modified` of all later answers are later by this much. A restart
    /// resets it.
    pub fn advance_clock(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Continues from the present state of `other`: with its objects, its invalidations and its time. So many tests can share
    /// a slow setup. Faults, the log, distributions, and unfinished multipart uploads are not copied.
    ///
    /// # Panics
    /// If one of the two stores its objects on disk, or if both are the same.
    pub fn take_over(&self, other: &Sandbox) {
        assert!(!Arc::ptr_eq(&self.store, &other.store), "a sandbox cannot go on from itself");
        self.store.take_over(&other.store);
        self.lock_invalidations().take_over(&other.lock_invalidations());
        self.clock.advance(other.clock.ahead().saturating_sub(self.clock.ahead()));
        // This sandbox's edge has cached another site. The other's cache is not copied: this edge fetches what it lacks.
        self.edge.clear();
    }

    /// How many `GetInvalidation` polls return `InProgress` before one returns `Completed`; 1 by default. Whatever this
    /// number, an invalidation is complete 60 seconds after its creation, by the sandbox's clock.
    pub fn complete_invalidations_after(&self, polls: u32) {
        self.lock_invalidations().complete_after_polls(polls);
    }

    /// How long after its creation an invalidation takes effect at `location`, by the sandbox's clock; 0 by default. It is
    /// completed when it has taken effect at all of them.
    ///
    /// # Panics
    /// If `location` is not one of [`LOCATIONS`].
    pub fn delay_invalidations(&self, location: &str, by: Duration) {
        self.edge.delay(location, by);
    }

    /// All objects of a bucket by key; none if the bucket does not exist.
    ///
    /// # Panics
    /// If the storage folder can no longer be read.
    #[must_use]
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, StoredObject> {
        let objects = self.store.objects(bucket);
        objects
            .into_iter()
            .map(|(key, object)| {
                let stored = object.to_stored();
                let stored = stored.unwrap_or_else(|error| panic!("the bytes of {key} cannot be read: {error}"));
                (key, stored)
            })
            .collect()
    }

    /// Stores an object as another program would: without the API, the log or any condition.
    ///
    /// # Panics
    /// If the bucket does not exist or the storage folder cannot be written.
    pub fn put_foreign(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>, content_type: &str) {
        let put = || -> Result<(), String> {
            let spool = self.store.spool(checksum::Algorithm::Crc64Nvme);
            let mut spool = spool.map_err(|error| error.to_string())?;
            spool.write(bytes.into()).map_err(|error| error.to_string())?;
            let received = spool.finish();
            let object = Object {
                content: received.content,
                headers: Headers { content_type: content_type.to_owned(), ..Headers::default() },
                encryption: Encryption::default(),
                storage_class: None,
                etag: received.md5.clone(),
                md5: Some(received.md5),
                checksum: received.checksum,
                last_modified: self.clock.now(),
            };
            let stored = self.store.put(bucket, key, &Conditions::default(), object);
            stored.map(|_| ()).map_err(|error| error.to_string())
        };
        put().unwrap_or_else(|error| panic!("{key} cannot be put into {bucket}: {error}"));
    }

    /// Removes an object without the API; does nothing if it does not exist.
    ///
    /// # Panics
    /// If the bucket does not exist or the storage folder cannot be written.
    pub fn remove_object(&self, bucket: &str, key: &str) {
        let removed = self.store.delete(bucket, key, &Conditions::default());
        removed.unwrap_or_else(|error| panic!("{key} cannot be removed from {bucket}: {error}"));
    }

    /// All invalidations of a distribution, the oldest first.
    #[must_use]
    pub fn invalidations(&self, distribution: &str) -> Vec<StoredInvalidation> {
        self.lock_invalidations().all(distribution, self.clock.now())
    }

    /// Replaces the distribution of the same id, or adds one.
    pub fn set_distribution(&self, distribution: Distribution) {
        self.distributions.set(distribution);
    }

    /// Closes the listeners and waits two seconds for open requests. Stalled ones end without an answer.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for server in self.servers {
            // A server that panicked needs no waiting.
            let _ = server.await;
        }
    }

    fn lock_invalidations(&self) -> std::sync::MutexGuard<'_, Invalidations> {
        // No code panics while it holds this lock, and the list is consistent at every point.
        self.invalidations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The built-in environment: the sandbox that a run publishes to, its own or one that is running already.

mod place;
mod running;
pub(crate) mod serve;

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use publish::config::environment::{Access, Environment, LeaseSettings};
use publish::config::{SANDBOX, SandboxTarget};
use publish::release::layout::Layout;
use publish::report::error::{Code, Problem};
use publish::sandbox::{CustomError, Distribution, Options, Sandbox, SandboxError};

pub(crate) use place::Lookup;
use running::{Ownership, Purpose, Running, SandboxFolder};

/// The site's port, unless it is taken: the same address every time.
const SITE_PORT: u16 = 4580;
/// How many ports after it are tried.
const SITE_PORTS: u16 = 20;
const BUCKET: &str = "sandbox";
const PREFIX: &str = "live";
const REGION: &str = "us-east-1";
const DISTRIBUTION: &str = "ESANDBOX";
/// How often files are checked while waiting for another process.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Where earlier versions of publish kept the sandbox.
const EARLIER: &str = ".publish/sandbox";

/// A sandbox that a run may publish to.
pub(crate) enum Opened {
    /// It runs in another process.
    Elsewhere(Running),
    /// It runs in this one, and must be closed.
    Here(Box<Embedded>),
}

/// A sandbox of this process.
pub(crate) struct Embedded {
    sandbox: Sandbox,
    ownership: Ownership,
    running: Running,
}

impl Opened {
    /// Where it listens.
    pub(crate) fn running(&self) -> &Running {
        match self {
            Opened::Elsewhere(running) => running,
            Opened::Here(embedded) => &embedded.running,
        }
    }
}

/// Opens the sandbox of the project in `folder` for `purpose`: the one that serves already, else one of this process.
/// While another run has it to itself, `say` says so once, and this waits.
async fn open(
    folder: &Path,
    lookup: Lookup<'_>,
    purpose: Purpose,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Opened, Problem> {
    let place = SandboxFolder::of(folder, lookup)?;
    if !place.exists() && folder.join(EARLIER).symlink_metadata().is_ok() {
        say(&format!("The sandbox is now stored outside the project, and starts empty; you can delete {EARLIER}."));
    }
    let mut said = false;
    loop {
        if let Some(ownership) = place.take()? {
            return start(ownership, purpose).await.map(|embedded| Opened::Here(Box::new(embedded)));
        }
        match place.running() {
            Some(running) if running.purpose == Purpose::Serve => return Ok(Opened::Elsewhere(running)),
            Some(_) if !said => {
                say("Another publish is using the sandbox; waiting for it to finish.");
                said = true;
            }
            _ => {}
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn start(ownership: Ownership, purpose: Purpose) -> Result<Embedded, Problem> {
    let mut sandbox = Sandbox::start(options(&ownership, free_site_port())).await;
    if matches!(sandbox, Err(SandboxError::Bind { .. })) {
        // Another process has taken the port since it was found to be free.
        sandbox = Sandbox::start(options(&ownership, 0)).await;
    }
    let sandbox = sandbox.map_err(|error| Problem::new(Code::Sandbox, "could not start the sandbox").source(error))?;
    // Invalidations complete at once: trying publish should not take as long as CloudFront does.
    sandbox.complete_invalidations_after(0);
    let running = Running {
        s3: sandbox.s3_endpoint().to_owned(),
        cloudfront: sandbox.cloudfront_endpoint().to_owned(),
        site: sandbox.site_url().to_owned(),
        keys: sandbox.keys().clone(),
        pid: std::process::id(),
        purpose,
    };
    ownership.announce(&running)?;
    Ok(Embedded { sandbox, ownership, running })
}

impl Embedded {
    /// Stops it; its state is then complete on disk, and the next process may have it.
    pub(crate) async fn close(self) {
        self.ownership.retract();
        self.sandbox.stop().await;
    }
}

/// The first free port from [`SITE_PORT`] on, or 0 for any.
fn free_site_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (SITE_PORT..SITE_PORT + SITE_PORTS).find(is_free).unwrap_or(0)
}

fn options(ownership: &Ownership, site_port: u16) -> Options {
    let not_found = |error_code| CustomError {
        error_code,
        response_page_path: Some("/404.html".to_owned()),
        response_code: Some(404),
        error_caching_min_ttl: Duration::from_secs(10),
    };
    Options {
        root: Some(ownership.storage()),
        site_port,
        buckets: vec![BUCKET.to_owned()],
        region: REGION.to_owned(),
        distributions: vec![Distribution {
            id: DISTRIBUTION.to_owned(),
            bucket: BUCKET.to_owned(),
            origin_path: format!("/{PREFIX}"),
            default_root_object: Some("index.html".to_owned()),
            // S3 returns 403 for a missing key to clients that may not list the bucket, such as CloudFront (AWS.md 4.6).
            custom_errors: vec![not_found(403), not_found(404)],
            ..Distribution::default()
        }],
        ..Options::default()
    }
}

/// The environment `sandbox`, once its addresses are known.
pub(crate) fn environment(target: SandboxTarget, running: &Running) -> Environment {
    let SandboxTarget { site, headers, publish, invalidation, retention, link } = target;
    Environment {
        name: SANDBOX.to_owned(),
        layout: Layout::new(&site, BUCKET, PREFIX, None, None),
        access: Access {
            region: Some(REGION.to_owned()),
            s3_endpoint: Some(running.s3.clone()),
            cloudfront_endpoint: Some(running.cloudfront.clone()),
            static_keys: Some((running.keys.access_key_id.clone(), running.keys.secret_access_key.clone())),
            link,
            ..Access::default()
        },
        distribution: Some(DISTRIBUTION.to_owned()),
        further_distributions: Vec::new(),
        url: Some(running.site.clone()),
        headers,
        publish,
        invalidation,
        retention,
        lease: LeaseSettings::default(),
    }
}

/// Opens the sandbox of the project in `folder` for one run.
pub(crate) async fn open_for_a_run(
    folder: &Path,
    lookup: Lookup<'_>,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Opened, Problem> {
    open(folder, lookup, Purpose::Publish, say).await
}

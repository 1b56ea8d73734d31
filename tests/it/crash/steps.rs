//! What a command of the matrix does, and what was done before it.

use std::collections::BTreeSet;
use std::time::Duration;

use publish::config::environment::Environment;
use publish::release::layout::Layout;
use publish::release::manifest::Manifest;
use publish::report::Report;
use publish::report::event::Events;
use publish::run::{self, PromoteRequest, PublishRequest, Reply};
use publish::types::digest::Digest;

use crate::verify::verify;
use crate::visitor::Site;
use crate::world::{self, BUCKET, World};

/// The file that [`Step::TakeOut`] takes out: every build has one of its own.
const LEAKED: &str = "robots.txt";

/// A picture.
const LAMP: &str = "<svg/>";

/// Its path, which its bytes prove: nothing else would make a picture fingerprinted.
fn lamp() -> String {
    let digest = Digest::of(LAMP.as_bytes()).to_string();
    format!("assets/lamp-{}.svg", &digest[..16])
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Publish(Build),
    Stage(Build),
    Activate(u64),
    Rollback(u64),
    /// What changed is seen at an edge; CloudFront completes it, and whatever is sent from then on, after being asked twice.
    PublishSeenAtOneEdge(Build),
    /// By somebody who may not remove anything: pages that left the site are left over.
    PublishUnableToRemove(Build),
    /// A run sends its files and dies; two days go by.
    DieStaging(Build),
    /// To another place of the same site.
    PublishElsewhere(Build),
    /// From there.
    Promote,
    /// One page is lost, and another one written over by an older one.
    Tamper,
    Repair,
    Prune,
    TakeOut,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Build {
    One,
    Two,
    Three,
    Four,
}

impl Build {
    pub(super) fn site(self) -> Site {
        let (name, app, part, page) = match self {
            Build::One => ("one", "app-Bk3xT9aQ", "part-CZ81qLmw", "contact.html"),
            Build::Two => ("two", "app-Cq7Yh2Ub", "part-Bx0Ra6Vn", "news/index.html"),
            Build::Three => ("three", "app-Dk2Jw0sX", "part-D4wrgT9a", "shop.html"),
            Build::Four => ("four", "app-BnT3hJ6x", "part-Cz7mPw2R", "team.html"),
        };
        let script = world::loads(&format!("assets/{app}.js"));
        let lamp = lamp();
        let index = format!(r#"<link rel="stylesheet" crossorigin href="/assets/look-D4wrgT9a.css">{script}{name}"#);
        let files = [
            ("index.html".to_owned(), index),
            ("about/index.html".to_owned(), script.clone()),
            (page.to_owned(), script),
            (format!("assets/{app}.js"), format!(r#"import("./{part}.js")"#)),
            (format!("assets/{part}.js"), format!("part of {name}")),
            ("assets/look-D4wrgT9a.css".to_owned(), format!("p{{background:url(/{lamp})}}")),
            (lamp, LAMP.to_owned()),
            ("config.json".to_owned(), "{}".to_owned()),
            (LEAKED.to_owned(), name.to_owned()),
        ];
        files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect()
    }

    fn is_built_in(self, world: &World) {
        std::fs::remove_dir_all(&world.folder).unwrap();
        self.site().iter().for_each(|(path, bytes)| world.write(path, bytes));
    }
}

impl Step {
    /// Boxed: what each of the commands holds would otherwise lie on the stack of all of them.
    pub(super) async fn run(self, world: &World) -> Report {
        match self {
            Step::Publish(build) => {
                build.is_built_in(world);
                Box::pin(world.publish()).await
            }
            Step::Stage(build) => {
                build.is_built_in(world);
                Box::pin(world::publish(PublishRequest { stage_only: true, ..world.request() })).await
            }
            Step::Activate(release) => Box::pin(world.activate(release)).await,
            Step::Rollback(release) => Box::pin(world.rollback(Some(release))).await,
            Step::PublishSeenAtOneEdge(build) => {
                build.is_built_in(world);
                world.sandbox.complete_invalidations_after(2);
                let report = Box::pin(world.publish()).await;
                assert!(world.head().pending_refreshes.iter().all(|refresh| refresh.is_sent()));
                assert!(!world.head().pending_refreshes.is_empty());
                report
            }
            Step::PublishUnableToRemove(build) => {
                build.is_built_in(world);
                world.refuse("DeleteObjects", "", 403, "AccessDenied");
                let report = Box::pin(world.publish()).await;
                world.sandbox.clear_faults();
                assert!(!world.head().leftovers.is_empty());
                report
            }
            Step::DieStaging(build) => {
                build.is_built_in(world);
                world.refuse("PutObject", "manifest", 400, "Stopped");
                let report = Box::pin(world.publish()).await;
                world.sandbox.clear_faults();
                world.sandbox.advance_clock(Duration::from_secs(48 * 3_600));
                report
            }
            Step::PublishElsewhere(build) => {
                build.is_built_in(world);
                let request = PublishRequest { environment: elsewhere(world), ..world.request() };
                Box::pin(world::publish(request)).await
            }
            Step::Promote => Box::pin(promote(world)).await,
            Step::Tamper => {
                world.sandbox.remove_object(BUCKET, "live/about/index.html");
                let older = Build::One.site().remove("index.html").unwrap();
                world.sandbox.put_foreign(BUCKET, "live/index.html", older, "text/html");
                Box::pin(verify(world, (false, false))).await.0
            }
            Step::Repair => Box::pin(verify(world, (false, true))).await.0,
            Step::Prune => Box::pin(world.prune(&[])).await,
            Step::TakeOut => Box::pin(world.prune(&[LEAKED])).await,
        }
    }

    /// How it ends where nothing disturbs it.
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Step::DieStaging(_) => 1,
            Step::Tamper => 6,
            _ => 0,
        }
    }

    /// Whether it is there to remove.
    pub(super) fn removes(self) -> bool {
        matches!(self, Step::Prune | Step::TakeOut)
    }

    /// What is there to remove has removed it.
    pub(super) fn assert_done(self, world: &World) {
        let objects = world.objects();
        match self {
            Step::Prune => {
                let mut named = BTreeSet::new();
                for (_, object) in objects.iter().filter(|(key, _)| key.ends_with("/manifest.json.gz")) {
                    for (path, entry) in Manifest::decode(&object.bytes).unwrap().files {
                        named.insert(world.environment.layout.blob(&entry.digest).key);
                        named.insert(world.environment.layout.live(&path).key);
                    }
                }
                let nobodys: Vec<&String> =
                    objects.keys().filter(|key| !world::is_record(key) && !named.contains(*key)).collect();
                assert_eq!(nobodys, [""; 0]);
                assert!(!named.contains("live/contact.html"), "release 1 is closed");
                assert_eq!(world.head().leftovers.len(), 0);
                assert!(!objects.contains_key("live/news/index.html"), "it was left over");
            }
            Step::TakeOut => {
                for build in [Build::One, Build::Two] {
                    let leaked = &build.site()[LEAKED];
                    let left = objects.iter().find(|(_, object)| object.bytes == *leaked);
                    assert!(left.is_none(), "{left:?}");
                }
            }
            _ => {}
        }
    }
}

async fn promote(world: &World) -> Report {
    let request = PromoteRequest {
        environment: world.environment.clone(),
        caller: world::caller(),
        from: elsewhere(world),
        release: None,
        adopt: false,
        overwrite: false,
        force: false,
        reason: None,
    };
    run::promote(request, &|_| Reply::CannotAsk, Events::new(&|_| {})).await
}

/// Another place of the same site, without a distribution.
fn elsewhere(world: &World) -> Environment {
    Environment {
        name: "staging".to_owned(),
        layout: Layout::new("shop", "other", "staging", None, None),
        distribution: None,
        url: None,
        ..world.environment.clone()
    }
}

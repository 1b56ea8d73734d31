//! Whose an object is: what another site put at a key that this one needs is left alone, also where its bytes and its
//! headers are the very ones that this site would write there.

use std::path::PathBuf;

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::release::layout::Layout;
use publish::report::Report;
use publish::report::event::Event;
use publish::run::PublishRequest;
use publish::sandbox::StoredObject;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::world::{self, BUCKET, World, loads};

/// A script in the other site's folder, as a bundler names it.
const SCRIPT: &str = "assets/app-D4wrgT9a.js";

/// A page in the other site's folder.
const PAGE: &str = "new.html";

/// A world without a CDN, so that both sites give the same headers to the same files.
async fn without_cdn() -> World {
    let mut world = World::new().await;
    (world.environment.distribution, world.environment.url) = (None, None);
    world
}

/// A publish of another site, whose live objects lie in the folder `docs` of the first one's.
fn of_the_other_site(world: &World, files: &[(&str, &str)]) -> PublishRequest {
    let folder: PathBuf = world.folder.with_file_name("other");
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut request = PublishRequest { folder, ..world.request() };
    request.environment.layout = Layout::new("docs", BUCKET, "live/docs", None, None);
    request
}

/// The live object in the other site's folder.
fn theirs(world: &World, path: &str) -> StoredObject {
    world.live().remove(&format!("docs/{path}")).unwrap()
}

fn owner(object: &StoredObject) -> Option<&str> {
    object.metadata.get("publish-site").map(String::as_str)
}

/// Publishes while the other site puts its page there, after its key was seen to be free.
async fn overtaken(world: &World, other: &PublishRequest) -> Report {
    let listener = |event| {
        if matches!(event, Event::StagingStarted { .. }) {
            let report = block_in_place(|| Handle::current().block_on(world::publish(other.clone())));
            assert_eq!(report.exit_code, 0, "{report:#?}");
        }
    };
    world::publish_heard(world.request(), listener).await
}

async fn the_same_page_of_another_site_is_left_alone(world: World) {
    let other = of_the_other_site(&world, &[(PAGE, "the same")]);
    world.write(&format!("docs/{PAGE}"), "the same");
    let report = overtaken(&world, &other).await;
    assert_eq!(report.exit_code, 5, "{report:#?}");
    let error = report.error.unwrap();
    assert_eq!(error.code, "foreign_objects");
    assert!(error.message.contains("live/docs/new.html"), "{error:#?}");
    let object = theirs(&world, PAGE);
    assert_eq!((owner(&object), &object.bytes[..]), (Some("docs"), &b"the same"[..]));
    assert_eq!(object.cache_control.as_deref(), Some("public, max-age=0, must-revalidate"), "the very headers of ours");

    // Ours goes on without it, and removes nothing of theirs.
    world.remove(&format!("docs/{PAGE}"));
    world.published().await;
    world.assert_settled();
    assert_eq!(theirs(&world, PAGE), object);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_page_that_another_site_puts_at_a_new_files_key_is_left_alone() {
    let world = without_cdn().await;
    world.write("index.html", "index");
    world.published().await;
    the_same_page_of_another_site_is_left_alone(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_page_that_another_site_puts_under_a_first_publish_is_left_alone() {
    let world = without_cdn().await;
    world.write("index.html", "index");
    the_same_page_of_another_site_is_left_alone(world).await;
}

/// Both sites have a script of the same name; the other one's is there first, with these bytes and this header.
async fn a_script_of_another_site(text: &str, cache_control: Option<&str>) {
    let world = without_cdn().await;
    world.write("index.html", "index");
    world.published().await;
    let page = loads(SCRIPT);
    let mut other = of_the_other_site(&world, &[(SCRIPT, text), (PAGE, &page)]);
    if let Some(cache_control) = cache_control {
        let globs = OneOrMany(vec![SCRIPT.to_owned()]);
        let cache_control = Some(cache_control.to_owned());
        other.environment.headers.push(HeaderRule { globs, cache_control, ..HeaderRule::default() });
    }
    let report = world::publish(other).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let object = theirs(&world, SCRIPT);
    let told = format!("{text} {cache_control:?}");

    let script = format!("docs/{SCRIPT}");
    world.write(&script, "a script");
    world.write("index.html", loads(&script));
    let head = world.head();
    let report = world.publish().await;
    assert_eq!(report.exit_code, 2, "{told} {report:#?}");
    let error = report.error.unwrap();
    assert_eq!(error.code, "foreign_objects", "{told}");
    assert!(error.message.contains(&script), "{told} {error:#?}");
    assert_eq!((owner(&object), &theirs(&world, SCRIPT)), (Some("docs"), &object), "{told}");
    assert_eq!(world.head(), head, "{told}");

    // Who may write over it gets an object of its own.
    let report = world::publish(PublishRequest { overwrite: true, ..world.request() }).await;
    assert_eq!(report.exit_code, 0, "{told} {report:#?}");
    world.assert_settled();
    world.assert_fingerprinted(report.release.unwrap().into(), &script);
    let object = theirs(&world, SCRIPT);
    assert_eq!((owner(&object), &object.bytes[..]), (Some("shop"), &b"a script"[..]), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fingerprinted_file_that_another_site_put_there_is_left_alone_unless_told_otherwise() {
    a_script_of_another_site("a script", None).await;
    a_script_of_another_site("a script", Some("public, max-age=60")).await;
    a_script_of_another_site("another script", None).await;
}

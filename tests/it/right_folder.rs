//! A folder that is not the built site: a project, a part of a build, or half of one.

use std::path::PathBuf;

use publish::report::event::Events;
use publish::report::{Outcome, Report};
use publish::run::{self, Caller, PublishRequest, Reply};

use crate::world::{self, World};

/// A world in which a home page matters.
async fn world() -> World {
    let mut world = World::new().await;
    world.environment.publish.index = true;
    world
}

fn folder(world: &World, below: &str) -> PathBuf {
    world.folder.join(below)
}

/// Publishes the folder `below` the site's with a yes to all questions that have an answer; nobody can be asked.
async fn publish(world: &World, below: &str) -> Report {
    let caller = Caller { yes: true, ..world::caller() };
    world::publish(PublishRequest { caller, folder: folder(world, below), ..world.request() }).await
}

async fn refused(world: &World, below: &str, code: &str) -> (String, String) {
    let before = world.objects();
    let report = publish(world, below).await;
    let error = report.error.clone().unwrap_or_else(|| panic!("{report:#?}"));
    assert_eq!((report.exit_code, error.code.as_str()), (2, code), "{report:#?}");
    assert_eq!(world.objects(), before);
    (error.message, error.hint)
}

/// A project with its sources, what was installed, and the built site in `built`.
fn project(world: &World, built: &str) {
    world.write("index.html", "<div id=app></div><script type=module src=/src/main.js></script>");
    world.write("src/main.js", "export {}");
    world.write("src/style.css", "p {}");
    world.write("package.json", "{}");
    world.write("package-lock.json", "{}");
    world.write("node_modules/a/index.js", "export {}");
    world.write(&format!("{built}/index.html"), "<p>built");
    world.write(&format!("{built}/assets/a.css"), "p {}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_no_site_and_the_built_one_is_named() {
    for built in ["dist", "build", "out", "_site"] {
        let world = world().await;
        project(&world, built);
        let (message, hint) = refused(&world, "", "project_folder").await;
        assert!(message.contains("package.json and node_modules"), "{message}");
        assert!(hint.contains(&format!("/{built}`: `publish ")), "{hint}");
        assert!(hint.contains("--project-folder") && hint.contains("project_folder = true"), "{hint}");
        assert_eq!(publish(&world, built).await.exit_code, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_known_by_a_frameworks_configuration_and_by_the_sources_that_its_page_loads() {
    let world = world().await;
    world.write("index.html", "<p>");
    world.write("yarn.lock", "");
    world.write("vite.config.ts", "");
    let (message, hint) = refused(&world, "", "project_folder").await;
    assert!(message.contains("yarn.lock and vite.config.ts"), "{message}");
    assert!(hint.contains("Build the site first"), "{hint}");
    world.remove("vite.config.ts");
    for source in ["main.ts", "main.tsx", "main.jsx?a", "App.vue", "App.svelte"] {
        world.write("index.html", format!("\n<script type=module src=\"/src/{source}\"></script>"));
        let (message, _) = refused(&world, "", "project_folder").await;
        assert!(message.contains(&format!("line 2, loads `/src/{source}`")), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_such_folder_the_one_beside_it_is_named() {
    let world = world().await;
    world.write("build/index.html", "<p>");
    let (_, hint) = refused(&world, "dist", "no_site").await;
    assert!(hint.contains("/build` contains a built site"), "{hint}");
}

/// Plain HTML in a repository with tools, a page that is loaded as it is, a documentation of code.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_plain_pages_can_be_published_without_what_its_tools_need() {
    let mut world = world().await;
    world.write("index.html", "<script type=module src=/src/main.js></script>");
    world.write("src/main.js", "export {}");
    world.write("package.json", "{}");
    world.write("types/a.d.ts", "export {}");
    assert_eq!(publish(&world, "").await.exit_code, 0, "nothing is installed, and the page works as it is");
    world.write("node_modules/a/index.js", "export {}");
    world.write("pnpm-lock.yaml", "");
    refused(&world, "", "project_folder").await;
    world.environment.publish.exclude = vec!["node_modules".to_owned(), "*.json".to_owned(), "*.yaml".to_owned()];
    assert_eq!(publish(&world, "").await.exit_code, 0, "what tools need is excluded");
    world.environment.publish.exclude = Vec::new();
    world.environment.publish.project_folder = true;
    let report = publish(&world, "").await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let said = report.warnings.join(" ");
    assert!(said.contains("package manager files: node_modules/, package.json, pnpm-lock.yaml"), "{said}");
    let live = world.manifest(u64::from(report.release.unwrap())).files;
    let live: Vec<&str> = live.keys().map(|path| path.as_str()).collect();
    assert_eq!(live, ["index.html", "src/main.js", "types/a.d.ts"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_page_does_not_leave_the_site_by_accident() {
    let mut world = world().await;
    world.write("dist/index.html", "<link rel=stylesheet href=/assets/a.css>");
    world.write("dist/assets/a.css", "p {}");
    world.write("half/robots.txt", "half of a build");
    assert_eq!(publish(&world, "dist").await.exit_code, 0);
    let (message, hint) = refused(&world, "dist/assets", "no_index").await;
    assert!(message.contains("home page (index.html) would leave"), "{message}");
    assert!(hint.contains("/dist` has one: `publish ") && hint.contains("--no-index"), "{hint}");
    refused(&world, "half", "no_index").await;
    let request = PublishRequest { folder: folder(&world, "half"), ..world.request() };
    let (plan, _) = run::plan(request, Events::new(&|_| {})).await;
    assert!(
        plan.exit_code == 10 && plan.warnings.iter().any(|said| said.contains("A publish stops here")),
        "{plan:#?}"
    );
    world.environment.publish.index = false;
    assert_eq!(publish(&world, "half").await.exit_code, 0);
    // Where the active release has none, there is nothing to lose; and going back never asks.
    world.environment.publish.index = true;
    world.write("half/robots.txt", "changed");
    assert_eq!(publish(&world, "half").await.exit_code, 0);
    assert_eq!(world.rollback(Some(1)).await.exit_code, 0);
    assert_eq!(world.rollback(Some(2)).await.exit_code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_there_is_a_home_page_is_asked_once() {
    let world = world().await;
    world.write("files/a.zip", "a");
    world.write("dist/index.html", "<p>");
    let (_, hint) = refused(&world, "files", "no_index").await;
    assert!(hint.contains("/dist` has one"), "{hint}");
    for (reply, code) in [(Reply::No, 130), (Reply::Yes, 0)] {
        let request = PublishRequest { folder: folder(&world, "files"), ..world.request() };
        let asked = std::sync::Mutex::new(Vec::new());
        let ask = |question: &str| {
            asked.lock().unwrap().push(question.to_owned());
            reply
        };
        let report = run::publish(request, &ask, Events::new(&|_| {})).await;
        assert_eq!(report.exit_code, code, "{report:#?}");
        let asked = asked.into_inner().unwrap();
        assert!(asked.len() == 1 && asked[0].contains("no home page (index.html)"), "{asked:?}");
    }
    world.write("files/b.zip", "b");
    let report = publish(&world, "files").await;
    assert_eq!((report.exit_code, report.outcome), (0, Outcome::Published), "{report:#?}");
}

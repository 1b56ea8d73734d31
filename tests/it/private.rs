//! What must never go out stops a publish before anything is sent; what nobody wants stays out and is told once.

use publish::config::environment::SourceMaps;
use publish::report::event::Event;
use std::sync::Mutex;

use crate::world::{self, World, key_variables};

/// A live key of Stripe by its shape, put together here so that nobody who searches repositories finds one.
fn token() -> String {
    ["sk_", "live_", "4eC39HqLyjWDar7tT1zdp7dc"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_bundle_is_refused_with_its_file_its_line_and_how_to_allow_it() {
    let world = World::with_fixture("v1").await;
    world.write("assets/app.js", format!("const a = 1;\nconst k={{key:\"{}\"}};\n", token()));
    let before = world.objects();
    let report = world.publish().await;
    assert_eq!((report.exit_code, world.objects()), (2, before), "{report:#?}");
    assert!(world.s3_writes().is_empty(), "{:#?}", world.s3_writes());
    let error = report.error.unwrap();
    assert_eq!(error.code, "private");
    assert_eq!(error.message, "`assets/app.js` contains a live Stripe key in line 2");
    assert!(error.hint.contains("allow_private = [\"assets/app.js\"]"), "{error:#?}");
    assert!(!format!("{error:?}").contains(&token()), "a secret must not be told: {error:#?}");

    let mut request = world.request();
    request.environment.publish.allow_private = vec!["assets/app.js".to_owned()];
    let report = world::publish(request).await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    assert!(world.live().contains_key("assets/app.js"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_out_is_told_in_one_sentence() {
    let world = World::with_fixture("v1").await;
    for path in [".env", "Thumbs.db", "index.html~", "assets/app.js.map"] {
        world.write(path, "x");
    }
    let mut request = world.request();
    request.environment.publish.source_maps = SourceMaps::Skip;
    let warnings = Mutex::new(Vec::new());
    let report = world::publish_heard(request, |event| {
        if let Event::Warning { message } = event {
            warnings.lock().unwrap().push(message);
        }
    })
    .await;
    assert_eq!(report.exit_code, 0, "{report:#?}");
    let told: Vec<String> =
        warnings.into_inner().unwrap().into_iter().filter(|text| text.contains("Not published: ")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["hidden: .env", "2 left behind by editors or operating systems: Thumbs.db, index.html~", "source map"]
    {
        assert!(told[0].contains(part), "{told:?}");
    }
    let live = world.live();
    assert!(
        live.keys().all(|key| !key.ends_with(".map") && !key.contains("Thumbs") && !key.ends_with('~')),
        "{live:#?}"
    );
}

/// What came with a repository names its reader's keys, and allows everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_decides_about_no_folder_out_of_its_project() {
    let world = World::with_fixture("v1").await;
    let home = world.folder.parent().unwrap();
    let project = home.join("clone");
    for folder in [".ssh", "clone/.git", "clone/dist"] {
        std::fs::create_dir_all(home.join(folder)).unwrap();
    }
    std::fs::write(home.join(".ssh/known_hosts"), "host").unwrap();
    std::fs::write(project.join("dist/index.html"), "<p>").unwrap();
    let plan = |dir: &str, arguments: &[&str]| {
        let target = "[env.live]\nbucket = \"sandbox\"\nregion = \"us-east-1\"\n";
        let allowed = "[publish]\ninclude_hidden = [\"**\"]\nallow_private = [\"**\"]\n";
        std::fs::write(project.join("publish.toml"), format!("site = \"shop\"\ndir = \"{dir}\"\n{target}{allowed}"))
            .unwrap();
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_publish"));
        program.args(["plan", "--yes", "--endpoint-url", world.sandbox.s3_endpoint()]).args(arguments);
        program.current_dir(&project).env_clear().env("HOME", home);
        program.envs(key_variables(&world.sandbox));
        let output = program.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    tokio::task::block_in_place(|| {
        let (code, said) = plan("dist", &[]);
        assert_eq!(code, Some(10), "{said}");
        let (code, said) = plan("../.ssh", &[]);
        assert!(code == Some(2) && said.contains("is outside the project"), "{said}");
        let (code, said) = plan("dist", &["../.ssh"]);
        assert!(code == Some(2) && said.contains("`known_hosts` is among the keys"), "{said}");
        assert_eq!(plan("../nowhere", &["../dist"]).0, Some(10), "a person names any folder");
    });
}

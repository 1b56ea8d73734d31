//! `publish plan --explain`: what decided about a file, for people and programs.

use std::process::Command;

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::report::Report;
use publish::report::event::Events;
use publish::run;
use publish::types::digest::Digest;
use publish::views::explanation::Explanation;
use serde_json::{Value, json};

use crate::world::{BUCKET, World};

const ENTRY: &str = "assets/index-BYf2qJoX.js";
const CHUNK: &str = "assets/Home-CmAoX-r_.js";
/// As VitePress writes a script without what is in its page.
const LEAN: &str = "assets/Home-CmAoX-r_.lean.js";
/// An entry that no page loads.
const PANEL: &str = "assets/panel-Dk3_x9Zq.js";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// A site as Vite builds it, with something that each kind of evidence speaks for.
async fn world() -> World {
    let mut world = World::new().await;
    world.write("index.html", format!("<!doctype html><script type=module src=/{ENTRY}></script>"));
    world.write(ENTRY, "import './Home-CmAoX-r_.js'; import './About-PLroEnow.js';");
    world.write(format!("{ENTRY}.br").as_str(), "compressed");
    world.write(CHUNK, "console.log(1)");
    world.write("assets/About-PLroEnow.js", "console.log(2)");
    world.write(LEAN, "console.log()");
    world.write(PANEL, "import './Home-CmAoX-r_.js';");
    world.write("assets/font-Cy2_ybK6.woff2", "font");
    world.write(".vite/manifest.json", r#"{"src/font.woff2":{"file":"assets/font-Cy2_ybK6.woff2"}}"#);
    world.write("assets/photo-a1b2c3d4.jpg", "photo");
    world.write(&proven(), "hero");
    world.write("vendor/library.js", "library");
    let globs = OneOrMany(vec!["vendor/**".to_owned()]);
    world.environment.headers.push(HeaderRule { globs, immutable: Some(true), ..HeaderRule::default() });
    world
}

/// The path of a picture that begins with a digest of its bytes, `hero`.
fn proven() -> String {
    format!("assets/hero.{}.png", &Digest::of(b"hero").to_string()[..16])
}

async fn explain(world: &World, asked: &[&str]) -> (Report, Vec<Explanation>) {
    let asked: Vec<String> = asked.iter().map(|&asked| asked.to_owned()).collect();
    let (report, explained) = run::plan_explained(world.request(), &asked, Events::new(&|_| {})).await;
    (report, explained.explanations)
}

/// The explanation of one file, as programs get it, without its headers.
async fn explanation(world: &World, path: &str) -> Value {
    let (report, explanations) = explain(world, &[path]).await;
    let [explanation] = &explanations[..] else { panic!("{path}: {report:#?}") };
    let mut value = serde_json::to_value(explanation).unwrap();
    value.as_object_mut().unwrap().remove("headers");
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_evidence_is_told() {
    let world = world().await;
    let proven = proven();
    let token = proven.split('.').nth(1).unwrap();
    let twin = format!("{ENTRY}.br");
    for (path, kind, evidence, part) in [
        (proven.as_str(), "fingerprinted", json!({"evidence": "proof", "token": token}), "the start of its SHA-256"),
        (
            "assets/font-Cy2_ybK6.woff2",
            "fingerprinted",
            json!({"evidence": "declaration", "token": "Cy2_ybK6", "by": ".vite/manifest.json"}),
            "`.vite/manifest.json` lists it",
        ),
        (
            CHUNK,
            "fingerprinted",
            json!({"evidence": "reference", "token": "CmAoX-r_", "by": ENTRY}),
            "`assets/index-BYf2qJoX.js` refers to it, and `CmAoX-r_` is written as",
        ),
        (LEAN, "fingerprinted", json!({"evidence": "sibling", "token": "CmAoX-r_", "of": CHUNK}), "it belongs to"),
        (
            PANEL,
            "fingerprinted",
            json!({"evidence": "referring", "token": "Dk3_x9Zq", "to": CHUNK}),
            "it refers to `assets/Home-CmAoX-r_.js`",
        ),
        (twin.as_str(), "fingerprinted", json!({"evidence": "twin", "of": ENTRY}), "the compressed form"),
        (
            "vendor/library.js",
            "fingerprinted",
            json!({"evidence": "rule", "globs": ["vendor/**"]}),
            "`vendor/**` says so",
        ),
        ("index.html", "mutable", json!({"evidence": "fixed_name"}), "visitors open pages by their URLs"),
        ("assets/photo-a1b2c3d4.jpg", "mutable", json!({"evidence": "none"}), "nothing shows"),
    ] {
        let told = explanation(&world, path).await;
        assert_eq!((&told["path"], &told["kind"]), (&json!(path), &json!(kind)), "{told:#}");
        for (name, value) in evidence.as_object().unwrap() {
            assert_eq!(&told[name], value, "{told:#}");
        }
        assert!(told["because"].as_str().unwrap().contains(part), "{told:#}");
        assert_eq!((&told["type"], &told["change"]), (&json!("explanation"), &json!("add")), "{told:#}");
    }
}

/// The head has the last word, also where it alone says that there is nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_lied_is_told_before_and_after_it_is_known() {
    let world = world().await;
    world.published().await;
    let told = explanation(&world, CHUNK).await;
    assert_eq!((&told["evidence"], &told["change"]), (&json!("reference"), &Value::Null), "{told:#}");

    world.write(CHUNK, "console.log('other')");
    for (exit_code, change) in [(10, json!("replace")), (0, Value::Null)] {
        let told = explanation(&world, CHUNK).await;
        assert_eq!((&told["kind"], &told["evidence"]), (&json!("mutable"), &json!("history")), "{told:#}");
        assert_eq!(told["change"], change, "{told:#}");
        let (report, explanations) = explain(&world, &[CHUNK]).await;
        assert_eq!(report.exit_code, exit_code);
        world.published().await;
        let header = &explanations[0].headers["Cache-Control"];
        assert_eq!(Some(header.value.as_str()), world.live()[CHUNK].cache_control.as_deref());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_told_as_they_are_stored_with_where_they_come_from() {
    let mut world = world().await;
    world.write("_headers", "/vendor/*\n  Content-Language: en\n");
    let globs = OneOrMany(vec!["**/*.jpg".to_owned()]);
    let cache_control = Some("public, max-age=60".to_owned());
    world.environment.headers.push(HeaderRule { globs, cache_control, ..HeaderRule::default() });
    world.published().await;
    let (report, explanations) = explain(&world, &["**"]).await;
    assert_eq!(report.exit_code, 0);
    let live = world.live();
    assert_eq!(explanations.len(), live.len());
    for Explanation { path, headers, .. } in &explanations {
        let value = |name: &str| headers.get(name).map(|header| header.value.as_str());
        let object = &live[path.as_str()];
        assert_eq!(value("Cache-Control"), object.cache_control.as_deref(), "{path}");
        assert_eq!(value("Content-Type"), Some(object.content_type.as_str()), "{path}");
        assert_eq!(value("Content-Encoding"), object.content_encoding.as_deref(), "{path}");
        assert_eq!(value("Content-Language"), object.content_language.as_deref(), "{path}");
    }
    let from = |path: &str, name: &str| {
        let explanation = explanations.iter().find(|explanation| explanation.path.as_str() == path).unwrap();
        explanation.headers[name].from.clone()
    };
    assert_eq!(from("vendor/library.js", "Content-Language"), "_headers");
    assert_eq!(from("vendor/library.js", "Cache-Control"), "default");
    assert_eq!(from("assets/photo-a1b2c3d4.jpg", "Cache-Control"), "[[headers]] for `**/*.jpg`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_names_no_file_stops_before_anything_is_asked() {
    let mut world = world().await;
    world.environment.publish.exclude = vec!["drafts".to_owned()];
    world.write("drafts/a.html", "draft");
    for (path, message, hint) in [
        ("assets/index-BYf2qJo.js", "the site has no file `assets/index-BYf2qJo.js`", ENTRY),
        (".vite/manifest.json", "`.vite/manifest.json` is not published: it is hidden", "`include_hidden`"),
        ("drafts/a.html", "`drafts/a.html` is not published: `exclude`", "`exclude`"),
        ("assets/a[", "\"assets/a[\" in `--explain` is not a valid glob", "globs"),
    ] {
        let (report, explanations) = explain(&world, &["index.html", path]).await;
        let error = report.error.unwrap();
        assert_eq!((report.exit_code, explanations.len()), (2, 0), "{error:#?}");
        assert!(error.message.starts_with(message) && error.hint.contains(hint), "{error:#?}");
    }
    assert_eq!(world.sandbox.requests().len(), 0);
}

/// What `publish plan` writes, and its exit code.
fn plan(world: &World, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_publish"))
        .args(["plan", "--site", "shop", "--bucket", BUCKET, "--prefix", "live"])
        .args(["--region", "us-east-1", "--endpoint-url", world.sandbox.s3_endpoint()])
        .args(arguments)
        .arg(&world.folder)
        .current_dir(world.folder.parent().unwrap())
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", &world.sandbox.keys().access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &world.sandbox.keys().secret_access_key)
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_explains_for_people() {
    let world = world().await;
    let below_folder = format!("{}/robots.txt", world.folder.file_name().unwrap().to_str().unwrap());
    world.write("robots.txt", "");
    let (code, text) = plan(&world, &["--explain", &format!("/{CHUNK}"), "--explain", &below_folder]);
    assert_eq!(code, 10, "{text}");
    let expected = format!(
        "{CHUNK}
  fingerprinted, because `{ENTRY}` refers to it, and `CmAoX-r_` is written as the
  bundler of this site writes hashes (rule bundler-reference).
  Cache-Control {IMMUTABLE} (default)
  Content-Type  text/javascript; charset=utf-8 (default)
  a publish     adds it

robots.txt
  mutable, because it is a text, named for people or after a script: only a digest of its own bytes
  would count (rule text).
  Cache-Control public, max-age=0, must-revalidate (default)
  Content-Type  text/plain; charset=utf-8 (default)
  a publish     adds it

Something to do at s3://sandbox/live/; files: 12 added
"
    );
    assert_eq!(text, expected);
    assert_eq!(plan(&world, &["--explain", "nothing-like-it"]), (2, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_glob_explains_what_it_matches_for_people_the_first_fifty() {
    let world = world().await;
    (0..60).for_each(|number| world.write(&format!("pages/{number}.html"), ""));
    let (code, text) = plan(&world, &["--explain", "pages/*.html"]);
    assert_eq!((code, text.matches("mutable, because").count()), (10, 50));
    assert!(text.contains("\nand 10 more files; -v shows all\n"), "{text}");
    let (_, text) = plan(&world, &["--explain", "pages/*.html", "--output", "json"]);
    assert_eq!(text.matches("\"type\":\"explanation\"").count(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_explains_for_programs_between_plan_and_report() {
    let world = world().await;
    let (code, text) = plan(&world, &["--explain", "assets", "--output", "json"]);
    assert_eq!(code, 10, "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
    let plan = types.iter().position(|name| *name == "plan").unwrap();
    assert_eq!(types[plan + 1..types.len() - 1], ["explanation"; 9]);
    assert_eq!(types.last(), Some(&"report"));
    let chunk = lines.iter().find(|line| line["path"] == CHUNK).unwrap();
    let expected = json!({
        "type": "explanation",
        "path": CHUNK,
        "kind": "fingerprinted",
        "rule": "bundler-reference",
        "evidence": "reference",
        "token": "CmAoX-r_",
        "by": ENTRY,
        "because": format!("`{ENTRY}` refers to it, and `CmAoX-r_` is written as the bundler of this site writes hashes"),
        "change": "add",
        "headers": {
            "Cache-Control": { "value": IMMUTABLE, "from": "default" },
            "Content-Type": { "value": "text/javascript; charset=utf-8", "from": "default" }
        }
    });
    assert_eq!(*chunk, expected);
}

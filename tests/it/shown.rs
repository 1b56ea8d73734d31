//! What others wrote, on its way to people: whatever it holds, it steers no terminal and fakes no line, and no password or
//! key is read in it. The program itself runs, with poison planted in every place that it prints.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output};

use publish::release::manifest::{Publisher, ReleaseNumber};
use publish::sandbox::{Effect, Fault, Match, Service};
use serde_json::{Value, json};

use crate::hostile::edit_manifest;
use crate::world::{BUCKET, DISTRIBUTION, World, key_variables};

const HEAD: &str = "_publish/live/head.json";

/// Clears the screen, turns the direction round, is not seen, and fakes a line.
const POISON: &str = "\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{61c}\u{200b}\u{feff}\u{7}\r\nhint: faked\u{fe0f}\u{2800}\u{1d173}\u{1bca0}\u{13430}\u{e000}\u{f0000}";

fn program(world: &World, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
    program.args(arguments).current_dir(world.folder.parent().unwrap()).env_clear();
    program.envs(key_variables(&world.sandbox));
    program.env("AWS_ENDPOINT_URL_CLOUDFRONT", world.sandbox.cloudfront_endpoint());
    program.env("HOME", world.folder.parent().unwrap());
    program
}

fn target(world: &World) -> Vec<&str> {
    let place = ["--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--distribution", DISTRIBUTION];
    [&place[..], &["--region", "us-east-1", "--endpoint-url", world.sandbox.s3_endpoint()]].concat()
}

/// Runs a command for people and for programs, and checks what it writes.
fn is_clean(world: &World, arguments: &[&str]) {
    let arguments = [arguments, &target(world)].concat();
    for output in ["human", "json"] {
        let all = [&arguments[..], &["--output", output]].concat();
        assert_clean(&program(world, &all).output().unwrap(), output == "json");
    }
}

fn assert_clean(output: &Output, is_json: bool) {
    let written = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (written(&output.stdout), written(&output.stderr));
    for text in [&stdout, &stderr] {
        let steers = |char: char| char.is_control() && char != '\n' || POISON.contains(char) && !char.is_ascii();
        assert!(!text.contains(steers), "{text:?}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("hint: faked")), "{text}");
    }
    assert!(output.status.code().is_some_and(|code| code != 101), "{stdout}{stderr}");
    if is_json {
        stdout.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
    }
}

/// Every text in `value`, by its JSON pointer.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| texts(item, &format!("{at}/{index}"), found));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, item)| {
            texts(item, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        _ => {}
    }
}

fn put_head(world: &World, head: &Value) {
    world.sandbox.put_foreign(BUCKET, HEAD, serde_json::to_vec(head).unwrap(), "application/json");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_the_head_steers_the_terminal() {
    let world = two_releases().await;
    let mut head: Value = serde_json::from_slice(&world.objects()[HEAD].bytes).unwrap();
    head["active"]["publisher"] = poisoned_publisher();
    head["hold"] = json!({ "publisher": poisoned_publisher(), "since": "2026-11-21T14:03:43Z", "reason": POISON });
    let mut fields = Vec::new();
    texts(&head, "", &mut fields);
    assert!(fields.len() > 20, "{fields:?}");
    tokio::task::block_in_place(|| {
        for field in &fields {
            let mut planted = head.clone();
            *planted.pointer_mut(field).unwrap() = POISON.into();
            put_head(&world, &planted);
            is_clean(&world, &["status"]);
        }
        put_head(&world, &head);
        let folder = world.folder.to_str().unwrap();
        for arguments in [
            &["releases"][..],
            &["releases", "--history"],
            &["show", "--files"],
            &["verify"],
            &["plan", folder],
            &[folder],
        ] {
            is_clean(&world, arguments);
        }
        let mut unknown = head.clone();
        unknown[POISON] = json!(1);
        put_head(&world, &unknown);
        is_clean(&world, &["status"]);
    });
}

/// v1 and v2 were published.
async fn two_releases() -> World {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    world.published().await;
    world
}

fn poisoned_publisher() -> Value {
    json!({ "who": POISON, "place": POISON, "commit": POISON, "branch": POISON, "message": POISON })
}

/// Where `value` has texts; of a list those of its first item, because the others are like it.
fn kinds_of_texts(value: &Value) -> Vec<String> {
    let mut fields = Vec::new();
    texts(value, "", &mut fields);
    fields.retain(|field| !field.split('/').any(|part| part.parse::<u64>().is_ok_and(|index| index > 0)));
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_manifest_steers_the_terminal() {
    let world = two_releases().await;
    let key = world.environment.layout.manifest(ReleaseNumber::new(2)).key;
    edit_manifest(&world, 2, |manifest| manifest["publisher"] = poisoned_publisher());
    let base = world.objects()[&key].bytes.to_vec();
    let mut fields = Vec::new();
    edit_manifest(&world, 2, |manifest| fields = kinds_of_texts(manifest));
    assert!(fields.len() > 15, "{fields:?}");
    tokio::task::block_in_place(|| {
        let shown = program(&world, &[&["show", "2"][..], &target(&world)].concat()).output().unwrap();
        assert!(shown.status.success() && String::from_utf8(shown.stdout).unwrap().contains("faked"), "it is shown");
        for field in fields.iter().map(String::as_str).chain([""]) {
            world.sandbox.put_foreign(BUCKET, &key, base.clone(), "application/gzip");
            edit_manifest(&world, 2, |manifest| match field {
                "" => manifest[POISON] = json!(1),
                field => *manifest.pointer_mut(field).unwrap() = POISON.into(),
            });
            for arguments in [&["releases"][..], &["show", "--files"], &["diff", "1", "2"]] {
                is_clean(&world, arguments);
            }
        }
    });
}

/// The claim is that of a release that is being staged.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_claim_steers_the_terminal() {
    let world = two_releases().await;
    let claim = |release| world.environment.layout.claim(ReleaseNumber::new(release)).key;
    let mut base: Value = serde_json::from_slice(&world.objects()[&claim(2)].bytes).unwrap();
    base["release"] = json!(3);
    base["publisher"] = poisoned_publisher();
    base["live"] = json!(["page.html"]);
    base["blobs"] = json!(["0".repeat(64)]);
    let fields = kinds_of_texts(&base);
    assert!(fields.len() > 10, "{fields:?}");
    let put = |value: &Value| {
        world.sandbox.put_foreign(BUCKET, &claim(3), serde_json::to_vec(value).unwrap(), "application/json");
    };
    tokio::task::block_in_place(|| {
        put(&base);
        let listed =
            program(&world, &[&["releases", "--output", "json"][..], &target(&world)].concat()).output().unwrap();
        assert!(String::from_utf8(listed.stdout).unwrap().contains("faked"), "it is shown");
        for field in fields.iter().map(String::as_str).chain([""]) {
            let mut planted = base.clone();
            match field {
                "" => planted[POISON] = json!(1),
                field => *planted.pointer_mut(field).unwrap() = POISON.into(),
            }
            put(&planted);
            for arguments in [&["releases"][..], &["show", "3"], &["diff", "2", "3"]] {
                is_clean(&world, arguments);
            }
        }
    });
}

/// Who starts a pipeline names the branch, and may be called anything.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_pipeline_says_of_itself_steers_the_terminal() {
    let world = World::with_fixture("v1").await;
    world.sandbox.complete_invalidations_after(0);
    tokio::task::block_in_place(|| {
        for (build, output) in [("v1", "human"), ("v2", "json")] {
            world.use_fixture(build);
            let arguments = [&[world.folder.to_str().unwrap(), "--output", output][..], &target(&world)].concat();
            let mut program = program(&world, &arguments);
            program.env("GITHUB_ACTIONS", "true").env("GITHUB_SERVER_URL", "https://github.com");
            let poisoned = ["GITHUB_ACTOR", "GITHUB_REF_NAME", "GITHUB_SHA", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"];
            let written = program.envs(poisoned.map(|name| (name, POISON))).output().unwrap();
            assert!(written.status.success(), "{written:?}");
            assert_clean(&written, output == "json");
        }
        for arguments in [&["status"][..], &["releases"], &["releases", "--history"], &["show"]] {
            is_clean(&world, arguments);
        }
    });
    let Publisher { who, branch, .. } = world.manifest(2).publisher;
    assert!([who, branch].iter().flatten().filter(|text| text.contains("faked")).count() == 2, "both were recorded");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_the_folder_steers_the_terminal() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let poison = POISON.replace('\r', "");
    world.write(&format!(".left-out{poison}"), "");
    world.write(&format!("litter{poison}~"), "");
    world.write(
        "page\u{202e}\u{200b}.html",
        format!("<img src='gone{poison}.png'><script src='gone{poison}.js'></script>"),
    );
    world.write("_headers", format!("/none{poison}\n  X-A: b\n"));
    let folder = world.folder.to_str().unwrap();
    tokio::task::block_in_place(|| {
        is_clean(&world, &["plan", folder]);
        is_clean(&world, &["plan", folder, "--allow-broken"]);
        is_clean(&world, &["plan", folder, "--allow-broken", "--explain", "page*"]);
        is_clean(&world, &["plan", folder, "--explain", &poison]);
        is_clean(&world, &["diff", "1", folder]);
        world.write(&format!("name{poison}.html"), "");
        is_clean(&world, &["plan", folder]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_publish_toml_or_on_the_command_line_steers_the_terminal() {
    let world = World::with_fixture("v1").await;
    let escaped: String = POISON.chars().map(|char| format!("\\U{:08X}", u32::from(char))).collect();
    let config = world.folder.parent().unwrap().join("publish.toml");
    for text in [
        format!("site = \"{escaped}\""),
        format!("site = \"shop\"\n\"{escaped}\" = 1"),
        format!("site = \"shop\"\ndir = \"{escaped}\"\n[env.a]\nbucket = \"example-site\"\nregion = \"us-east-1\""),
        format!("site = \"shop\"\n[env.a]\nbucket = \"{escaped}\""),
        format!("site = \"shop\"\n[env.a]\nbucket = \"example-site\"\nprefix = \"{escaped}\""),
        format!("site = \"shop\"\n[env.a]\nbucket = \"example-site\"\nurl = \"https://{escaped}\""),
        format!("site = \"shop\"\n[env.\"{escaped}\"]\nbucket = \"example-site\""),
        format!("site = \"shop\"\n[env.a]\nbucket = \"example-site\"\n[publish]\nexclude = [\"a[{escaped}\"]"),
        format!(
            "site = \"shop\"\n[env.a]\nbucket = \"example-site\"\nregion = \"us-east-1\"\n[[headers]]\nfor = \"{escaped}\""
        ),
    ] {
        std::fs::write(&config, text).unwrap();
        for output in ["human", "json"] {
            let written = program(&world, &["plan", "--output", output]).output().unwrap();
            assert_clean(&written, output == "json");
        }
    }
    std::fs::remove_file(config).unwrap();
    for arguments in
        [&["--env", POISON][..], &["status", "--bucket", POISON], &["show", POISON], &[POISON], &["--x", POISON]]
    {
        for output in ["human", "json"] {
            let all = [arguments, &["--output", output]].concat();
            assert_clean(&program(&world, &all).output().unwrap(), output == "json");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_s3_answers_steers_the_terminal() {
    let world = World::with_fixture("v1").await;
    world.refuse("GetObject", "head.json", 403, "Odd\u{202e}\u{200b}\nhint: faked");
    tokio::task::block_in_place(|| is_clean(&world, &["status"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_cloudfront_answers_steers_the_terminal() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    world.use_fixture("v2");
    let (code, message) = ("Odd\u{202e}\nhint: faked".to_owned(), "\u{200b}\nhint: faked".to_owned());
    let effect = Effect::Refuse { status: 400, code, message };
    let matches = Match { service: Some(Service::CloudFront), ..Match::default() };
    world.sandbox.inject(Fault { matches, skip: 0, times: usize::MAX, effect });
    let folder = world.folder.to_str().unwrap();
    tokio::task::block_in_place(|| {
        is_clean(&world, &["plan", folder]);
        is_clean(&world, &[folder]);
    });
}

/// Answers every request with headers that hold poison, until the test ends.
fn poisoned_site() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                match stream.read(&mut byte) {
                    Ok(1) => request.push(byte[0]),
                    _ => break,
                }
            }
            let poison = "a\u{202e}b\u{200b}c\u{feff}";
            let names = ["Content-Type", "Cache-Control", "Location", "Content-Encoding", "X-Amz-Meta-Publish"];
            let headers: String = names.iter().map(|name| format!("{name}: {poison}\r\n")).collect();
            let answer = format!("HTTP/1.1 200 {poison}\r\n{headers}Content-Length: 1\r\nConnection: close\r\n\r\na");
            // The client may have closed the connection by now.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_the_site_answers_steers_the_terminal() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let site = poisoned_site();
    tokio::task::block_in_place(|| is_clean(&world, &["verify", "--url", &site]));
}

/// All that a run writes, for people and for programs.
fn written(world: &World, arguments: &[&str], prepare: impl Fn(&mut Command)) -> String {
    let run = |output: &str| {
        let mut program = program(world, &[arguments, &["--output", output]].concat());
        prepare(&mut program);
        let output = program.output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    run("human") + &run("json")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_an_endpoint_is_never_shown() {
    let world = World::with_fixture("v1").await;
    let place = ["--site", "shop", "--bucket", BUCKET, "--region", "us-east-1"];
    let with = |variable: &str| {
        written(&world, &[&["status"], &place[..]].concat(), |program| {
            program.env(variable, "http://user:pa55word@127.0.0.1:1").env("AWS_MAX_ATTEMPTS", "1");
        })
    };
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        let text = with(variable);
        assert!(!text.contains("pa55word") && text.contains("127.0.0.1"), "{text}");
    }
    let flags = [&["status"], &place[..], &["--endpoint-url", "http://user:pa55word@127.0.0.1:1"]].concat();
    let text = written(&world, &flags, |_| {});
    assert!(!text.contains("pa55word"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_a_proxy_is_never_shown() {
    let world = World::with_fixture("v1").await;
    let place = ["status", "--site", "shop", "--bucket", BUCKET, "--region", "us-east-1"];
    for (variable, value, endpoint) in [
        ("HTTP_PROXY", "http://user:pa55word@127.0.0.1:1", "http://192.0.2.1"),
        ("http_proxy", "user:pa55word@127.0.0.1:1", "http://192.0.2.1"),
        ("HTTPS_PROXY", "http://user:pa55word@127.0.0.1:1", "https://192.0.2.1"),
        ("HTTPS_PROXY", "http://user:pa55word@[", "https://192.0.2.1"),
    ] {
        let arguments = [&place[..], &["--endpoint-url", endpoint]].concat();
        let text = written(&world, &arguments, |program| {
            // Not asking for the distribution, which is reached without a proxy.
            program.env_remove("AWS_ENDPOINT_URL_CLOUDFRONT").env(variable, value);
        });
        assert!(!text.contains("pa55word"), "{variable}={value}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_token_that_comes_back_is_not_shown() {
    let world = World::with_fixture("v1").await;
    let token = format!("IQoJb3JpZ2luX2VjE{}", "pa55word".repeat(40));
    let message = format!("the token {token} is malformed");
    let effect = Effect::Refuse { status: 400, code: "InvalidToken".to_owned(), message };
    world.sandbox.inject(Fault { matches: Match::default(), skip: 0, times: usize::MAX, effect });
    let arguments = [&["status"][..], &target(&world)].concat();
    let text = written(&world, &arguments, |program| {
        program.env("AWS_SESSION_TOKEN", &token);
    });
    assert!(!text.contains("pa55word") && text.contains("is malformed"), "{text}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_no_request_can_carry_get_a_sentence_of_their_own() {
    let world = World::with_fixture("v1").await;
    let home = world.folder.parent().unwrap();
    let (config, given) = (home.join("aws"), home.join("keys.json"));
    let arguments = [&["status"][..], &target(&world)].concat();
    let process = format!("[default]\ncredential_process = cat {}\n", given.display());
    let in_a_file = "[default]\naws_access_key_id = pa55word\u{1}\naws_secret_access_key = b\n";
    for (file, [id, secret, token], part) in [
        (&process[..], ["pa55word\n", "b", "c"], "the access key ID"),
        (&process, ["a", "pa55word\u{1}", "c"], "the secret access key"),
        (&process, ["a", "b", "pa55word\u{7f}"], "the session token"),
        (in_a_file, ["a", "b", "c"], "the access key ID"),
    ] {
        let keys = json!({ "Version": 1, "AccessKeyId": id, "SecretAccessKey": secret, "SessionToken": token });
        std::fs::write(&given, keys.to_string()).unwrap();
        std::fs::write(&config, file).unwrap();
        let text = written(&world, &arguments, |program| use_config(program, &config));
        assert!(!text.contains("pa55word") && !text.contains("\"internal\""), "{text}");
        for said in ["The AWS credentials cannot be used", part] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_credential_process_writes_is_not_passed_on() {
    let world = World::with_fixture("v1").await;
    let config = world.folder.parent().unwrap().join("aws");
    std::fs::write(&config, "[default]\ncredential_process = sh -c \"echo pa55word >&2; exit 1\"\n").unwrap();
    let arguments = [&["status"][..], &target(&world)].concat();
    let text = written(&world, &arguments, |program| use_config(program, &config));
    assert!(!text.contains("pa55word") && text.contains("is not shown"), "{text}");
}

#[cfg(unix)]
fn use_config(program: &mut Command, config: &Path) {
    program.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("AWS_CONFIG_FILE", config);
    program.env("PATH", std::env::var_os("PATH").unwrap());
}

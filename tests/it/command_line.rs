//! What a person may type, and what programs read of it: variables for flags, mistakes, and the commands that are made of
//! others.

use std::process::{Command, Output};

use publish::release::manifest::{Publisher, ReleaseNumber};
use publish::run::{Caller, PublishRequest};
use serde_json::Value;

use crate::world::{self, BUCKET, DISTRIBUTION, World, key_variables};

/// The program beside the site's folder, with nothing in its environment but what AWS's SDK needs.
fn program(world: &World, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
    let folder = world.folder.parent().unwrap();
    program.args(arguments).current_dir(folder).env_clear().envs(key_variables(&world.sandbox));
    program.env("AWS_ENDPOINT_URL_CLOUDFRONT", world.sandbox.cloudfront_endpoint());
    program.env("HOME", folder).env("XDG_STATE_HOME", folder.join("state"));
    program
}

/// Writes a publish.toml with these environments, each with a prefix of its own.
fn configure(world: &World, environments: &[&str]) {
    let defaults = format!("[defaults]\nregion = \"us-east-1\"\nendpoint_url = \"{}\"\n", world.sandbox.s3_endpoint());
    let mut text = format!("site = \"shop\"\n{defaults}");
    for name in environments {
        text.push_str(&format!("[env.{name}]\nbucket = \"{BUCKET}\"\nprefix = \"{name}\"\n"));
    }
    std::fs::write(world.folder.parent().unwrap().join("publish.toml"), text).unwrap();
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{text}"))).collect()
}

fn json(world: &World, arguments: &[&str]) -> Vec<Value> {
    lines(&program(world, &[arguments, &["--output", "json"]].concat()).output().unwrap())
}

fn report(world: &World, arguments: &[&str]) -> Value {
    json(world, arguments).pop().unwrap()
}

/// Exit code, what is on stdout and what on stderr.
fn told_by(program: &mut Command) -> (Option<i32>, String, String) {
    let output = program.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The same.
fn told(mut program: Command) -> (Option<i32>, String, String) {
    told_by(&mut program)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flag_about_target_and_output_has_a_variable() {
    let world = World::with_fixture("v1").await;
    tokio::task::block_in_place(|| {
        let mut publish = program(&world, &["dist"]);
        publish.env("PUBLISH_SITE", "shop").env("PUBLISH_BUCKET", BUCKET).env("PUBLISH_PREFIX", "live");
        publish.env("PUBLISH_REGION", "us-east-1").env("PUBLISH_ENDPOINT_URL", world.sandbox.s3_endpoint());
        publish.env("PUBLISH_DISTRIBUTION", DISTRIBUTION).env("PUBLISH_URL", world.sandbox.site_url());
        publish.env("PUBLISH_CONCURRENCY", "4").env("PUBLISH_OUTPUT", "json").env("PUBLISH_QUIET", "yes");
        let lines = lines(&publish.output().unwrap());
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert_eq!((&lines[0]["exit_code"], &lines[0]["environment"]), (&0.into(), &BUCKET.into()), "{lines:#?}");
        assert!(world.objects().contains_key("live/index.html"));
        configure(&world, &["live", "next"]);
        let status = |variables: &[(&str, &str)], arguments: &[&str]| {
            let mut status = program(&world, &[&["status"], arguments].concat());
            told_by(status.envs(variables.iter().copied()))
        };
        assert_eq!(status(&[], &[]).0, Some(2), "of two environments, none is meant");
        let (code, said, _) = status(&[("PUBLISH_ENV", "live")], &[]);
        assert!(code == Some(0) && said.contains("Release 1 has been live"), "{said}");
        assert!(status(&[("PUBLISH_ENV", "live")], &["--env", "next"]).1.contains("Nothing is published"));
        assert_eq!(status(&[("PUBLISH_ENV", " ")], &[]).0, Some(2), "an empty one is not set");
        let file = "publish.toml";
        assert_eq!(status(&[("PUBLISH_CONFIG", file), ("PUBLISH_ENV", "live")], &[]).0, Some(0));
        let (_, coloured, _) = status(&[("PUBLISH_ENV", "live"), ("PUBLISH_COLOR", "always")], &[]);
        assert!(coloured.contains('\u{1b}'), "{coloured}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_is_a_boolean_takes_the_usual_words() {
    let world = World::with_fixture("v1").await;
    configure(&world, &["live"]);
    tokio::task::block_in_place(|| {
        let publish = |name: &str, value: &str, arguments: &[&str]| {
            told_by(program(&world, &[&["dist"], arguments].concat()).env(name, value))
        };
        assert_eq!(publish("PUBLISH_QUIET", "0", &[]).0, Some(0));
        for word in ["1", "true", "yes", "TRUE"] {
            let (code, said, progress) = publish("PUBLISH_QUIET", word, &[]);
            assert_eq!((code, said.as_str()), (Some(0), ""), "{word}: {progress}");
        }
        for word in ["0", "false", "no"] {
            assert!(publish("PUBLISH_QUIET", word, &[]).1.contains("Nothing changed"), "{word}");
        }
        let (code, _, refused) = publish("PUBLISH_QUIET", "perhaps", &[]);
        assert!(code == Some(2) && refused.contains("PUBLISH_QUIET"), "{refused}");
        let (code, _, refused) = publish("PUBLISH_BUCKET", "UPPER", &[]);
        assert!(code == Some(2) && refused.contains("from the variable PUBLISH_BUCKET"), "{refused}");
        assert_eq!(publish("PUBLISH_QUIET", "1", &["--verbose"]).0, Some(0), "a flag wins over a variable");
        assert_eq!(publish("PUBLISH_VERBOSE", "0", &["--quiet"]).1, "");
        assert_eq!(publish("PUBLISH_X", "", &["--quiet", "--verbose"]).0, Some(2));
    });
}

#[test]
fn help_shows_names_of_variables_and_no_values_and_what_answers_for_a_person_has_none() {
    let mut help = Command::new(env!("CARGO_BIN_EXE_publish"));
    help.arg("--help").env("PUBLISH_BUCKET", "value-of-a-variable").env("PUBLISH_CONCURRENCY", "17");
    let (code, text, _) = told(help);
    assert_eq!(code, Some(0));
    for name in ["ENV", "CONFIG", "OUTPUT", "QUIET", "VERBOSE", "COLOR", "SITE", "BUCKET", "PREFIX", "DISTRIBUTION"] {
        assert!(text.contains(&format!("[env: PUBLISH_{name}]")), "{name}: {text}");
    }
    for name in ["URL", "REGION", "ENDPOINT_URL", "PROFILE", "CONCURRENCY"] {
        assert!(text.contains(&format!("[env: PUBLISH_{name}]")), "{name}: {text}");
    }
    assert!(!text.contains("value-of-a-variable") && !text.contains("17]"), "{text}");
    for command in ["", "rollback", "activate", "promote", "prune", "hold", "plan"] {
        let mut help = Command::new(env!("CARGO_BIN_EXE_publish"));
        let (_, text, _) = told_by(help.args([command, "--help"].iter().filter(|word| !word.is_empty())));
        for answer in ["YES", "FORCE", "OVERWRITE", "ADOPT", "HOLD", "REASON", "ALLOW_BROKEN", "DRY_RUN"] {
            assert!(!text.contains(&format!("PUBLISH_{answer}")), "{command}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn for_programs_quiet_means_the_report_alone_and_progress_is_bounded() {
    let world = World::new().await;
    for number in 0..400 {
        world.write(&format!("pages/{number}.html"), format!("<p>{number}"));
    }
    world.write("index.html", "<p>");
    configure(&world, &["live"]);
    tokio::task::block_in_place(|| {
        let lines = json(&world, &["dist"]);
        assert_eq!(lines.last().unwrap()["outcome"], "published");
        let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
        for kind in ["hashing_advanced", "staging_advanced", "activation_advanced"] {
            // A run of ten seconds would tell of it 40 times; each of 401 files would do so 401 times.
            assert!(of(kind) < 100, "{kind}: {}", of(kind));
        }
        assert!(of("hashing_advanced") > 0 && of("activation_advanced") > 0);
        assert_eq!((of("hashing_finished"), of("activated")), (1, 1));
        world.write("index.html", "<p>other");
        let lines = json(&world, &["dist", "--quiet"]);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert_eq!((&lines[0]["type"], &lines[0]["outcome"]), (&"report".into(), &"published".into()));
        assert_eq!(json(&world, &["status", "--quiet"]).len(), 2, "what was asked for is no event");
    });
}

/// Releases 1 to 3 of three commits by two people; 2 of them were live before.
async fn three_releases() -> World {
    let world = World::with_fixture("v1").await;
    configure(&world, &["live"]);
    for (number, (who, commit)) in [("Ada", "aaaa1111"), ("Ben", "bbbb2222"), ("ada", "aaaa3333")].iter().enumerate() {
        world.write("robots.txt", format!("{number}"));
        let (who, commit) = (Some((*who).to_owned()), Some((*commit).to_owned()));
        let publisher = Publisher { who, commit, ..Publisher::default() };
        let request = PublishRequest { caller: Caller { publisher, ..world::caller() }, ..world.request() };
        assert_eq!(world::publish(request).await.exit_code, 0);
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_and_their_history_are_filtered() {
    let world = three_releases().await;
    tokio::task::block_in_place(|| {
        let listed = |arguments: &[&str]| -> Vec<u64> {
            let lines = json(&world, &[&["releases"], arguments].concat());
            assert_eq!(lines.last().unwrap()["exit_code"], 0, "{lines:#?}");
            lines.iter().filter(|line| line["type"] != "report").map(|line| line["release"].as_u64().unwrap()).collect()
        };
        for history in [&[][..], &["--history"]] {
            let of = |arguments: &[&str]| listed(&[arguments, history].concat());
            assert_eq!(of(&[]), [3, 2, 1]);
            assert_eq!(of(&["--limit", "2"]), [3, 2]);
            assert_eq!(of(&["--by", "ADA"]), [3, 1]);
            assert_eq!(of(&["--by", "ada", "--limit", "1"]), [3]);
            assert_eq!(of(&["--commit", "bbbb"]), [2]);
            assert_eq!(of(&["--commit", "AAAA1111", "--by", "ada"]), [1]);
            assert_eq!(of(&["--since", "1h"]), [3, 2, 1]);
            assert_eq!(of(&["--since", "2199-01-01"]), [0; 0]);
        }
        world.sandbox.clear_requests();
        assert_eq!(listed(&["--limit", "1"]), [3]);
        assert_eq!(world.s3_operations()["GetObject"], 2, "the head, and one manifest");
        for wrong in [&["--limit", "0"][..], &["--since", "yesterday"], &["--commit", "xyz"]] {
            assert_eq!(report(&world, &[&["releases"], wrong].concat())["exit_code"], 2, "{wrong:?}");
        }
        let (_, text, _) = told(program(&world, &["releases", "--by", "nobody"]));
        assert_eq!(text, "No matching releases\n");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_finds_its_release_by_the_commit() {
    let world = three_releases().await;
    tokio::task::block_in_place(|| {
        let back = |commit: &str| report(&world, &["rollback", "--commit", commit, "--yes"]);
        let several = back("aaaa");
        assert_eq!((&several["exit_code"], &several["error"]["code"]), (&2.into(), &"usage".into()), "{several:#}");
        assert!(several["error"]["message"].as_str().unwrap().contains("aaaa1111, aaaa3333"), "{several:#}");
        let none = back("dddd");
        assert_eq!((&none["exit_code"], &none["release"]), (&2.into(), &3.into()), "{none:#}");
        let damaged = world.environment.layout.manifest(ReleaseNumber::new(1)).key;
        world.sandbox.put_foreign(BUCKET, &damaged, "no manifest", "application/gzip");
        let done = back("BBBB");
        let requests = &done["requests"]["GetObject"];
        assert!(requests.as_u64() > Some(3), "those of the search count: {done:#}");
        assert!(done["warnings"][0].as_str().unwrap().contains("Release 1 cannot be read"), "{done:#}");
        assert_eq!((&done["outcome"], &done["release"]), (&"rolled_back".into(), &2.into()), "{done:#}");
        assert_eq!(report(&world, &["rollback", "1", "--commit", "bbbb", "--yes"])["exit_code"], 2, "one of both");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_a_mistake_of_usage_everywhere() {
    let world = three_releases().await;
    let next = ["promote", "9", "--from", "live", "--env", "next"];
    tokio::task::block_in_place(|| {
        configure(&world, &["live", "next"]);
        world.sandbox.clear_requests();
        let live = ["--env", "live"];
        for arguments in [
            &["rollback", "9", "--yes"][..],
            &["rollback", "0", "--yes"],
            &["activate", "9"],
            &["activate", "0"],
            &["show", "9"],
            &["diff", "9"],
            &["diff", "1", "9"],
        ] {
            let report = report(&world, &[arguments, &live].concat());
            assert_eq!((&report["exit_code"], &report["error"]["code"]), (&2.into(), &"usage".into()), "{report:#}");
            assert!(report["error"]["message"].as_str().unwrap().contains("there is no release"), "{report:#}");
            assert!(report["error"]["hint"].as_str().unwrap().contains("There are releases 3, 2, 1"), "{report:#}");
        }
        let report = report(&world, &next);
        assert_eq!((&report["exit_code"], &report["error"]["code"]), (&2.into(), &"usage".into()), "{report:#}");
        assert!(world.s3_writes().is_empty());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn all_environments_are_shown_in_one_table() {
    let world = three_releases().await;
    configure(&world, &["live", "next"]);
    let file = world.folder.parent().unwrap().join("publish.toml");
    tokio::task::block_in_place(|| {
        assert_eq!(report(&world, &["hold", "--env", "live", "--reason", "the fair"])["exit_code"], 0);
        let (code, text, _) = told(program(&world, &["status", "--all"]));
        assert_eq!(code, Some(0), "{text}");
        let rows: Vec<&str> = text.lines().collect();
        assert!(rows[0].starts_with("environment  release"), "{text}");
        assert!(rows[1].starts_with("live") && rows[1].contains(" 3 ") && rows[1].ends_with("held"), "{text}");
        assert!(rows[2].starts_with("next") && rows[2].ends_with("nothing is published"), "{text}");
        let lines = json(&world, &["status", "--all"]);
        let named: Vec<&Value> = lines[..2].iter().map(|line| &line["environment"]).collect();
        assert_eq!(named, ["live", "next"]);
        assert_eq!((&lines[2]["type"], &lines[2]["requests"]["GetObject"]), (&"report".into(), &2.into()));

        let more = std::fs::read_to_string(&file).unwrap() + "[env.gone]\nbucket = \"not-there\"\n";
        std::fs::write(&file, more).unwrap();
        let (code, text, said) = told(program(&world, &["status", "--all"]));
        assert_eq!(code, Some(1), "{text}{said}");
        assert!(
            text.contains("cannot be read") && text.contains("held") && said.contains("environment gone"),
            "{said}"
        );
        assert_eq!(report(&world, &["status", "--all", "--env", "live"])["exit_code"], 2);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_can_be_held_without_moving_anything() {
    let world = three_releases().await;
    tokio::task::block_in_place(|| {
        let held = report(&world, &["hold", "--reason", "the fair"]);
        assert_eq!((&held["exit_code"], &held["outcome"], &held["release"]), (&0.into(), &"held".into(), &3.into()));
        assert_eq!(world.head().hold.unwrap().reason.as_deref(), Some("the fair"));
        assert_eq!(report(&world, &["hold"])["outcome"], "unchanged", "the reason stays");
        assert_eq!(world.head().hold.unwrap().reason.as_deref(), Some("the fair"));
        world.write("robots.txt", "other");
        let refused = report(&world, &["dist"]);
        assert_eq!((&refused["exit_code"], &refused["error"]["code"]), (&4.into(), &"held".into()), "{refused:#}");
        assert_eq!(report(&world, &["resume"])["exit_code"], 0);
        assert_eq!(report(&world, &["dist"])["outcome"], "published");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_a_plan() {
    let world = World::with_fixture("v1").await;
    configure(&world, &["live"]);
    tokio::task::block_in_place(|| {
        for flag in ["--dry-run", "-n"] {
            let lines = json(&world, &["dist", flag]);
            let report = lines.last().unwrap();
            assert_eq!((&report["command"], &report["exit_code"]), (&"plan".into(), &10.into()), "{report:#}");
            assert!(lines.iter().any(|line| line["type"] == "plan"));
        }
        assert!(world.s3_writes().is_empty());
        assert_eq!(report(&world, &["-n", "rollback"])["exit_code"], 2);
        assert_eq!(report(&world, &["rollback", "--dry-run"])["exit_code"], 2);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_a_command_and_mistakes_name_what_was_meant() {
    let world = World::with_fixture("v1").await;
    configure(&world, &["live"]);
    tokio::task::block_in_place(|| {
        let (code, text, _) = told(program(&world, &["help"]));
        assert!(code == Some(0) && text.contains("Usage: publish") && text.contains("Exit codes"), "{text}");
        let (code, text, _) = told(program(&world, &["help", "rollback"]));
        assert!(code == Some(0) && text.contains("Usage: publish rollback") && text.contains("--commit"), "{text}");
        for (line, meant) in [
            (&["deploy"][..], "publish DIR"),
            (&["deploy", "dist"], "publish DIR"),
            (&["undo"], "publish rollback"),
            (&["undo", "3"], "publish rollback"),
            (&["undo", "--env", "live", "--hold"], "publish rollback"),
            (&["preview"], "publish plan"),
            (&["rolback"], "publish rollback"),
            (&["statsu", "--all"], "publish status"),
            (&["--env", "live", "relases"], "publish releases"),
        ] {
            let report = report(&world, line);
            assert_eq!((&report["exit_code"], &report["error"]["code"]), (&2.into(), &"usage".into()), "{report:#}");
            let error = &report["error"];
            let hint = error["hint"].as_str().unwrap();
            assert!(hint.contains(&format!("Did you mean `{meant}`?")), "{line:?}: {error:#}");
            let (code, _, said) = told(program(&world, line));
            assert!(code == Some(2) && said.contains(meant), "{line:?}: {said}");
        }
        for line in [&["init"][..], &["doctor", "--env", "live"], &["setup", "dist"]] {
            let error = &report(&world, line)["error"];
            assert_eq!(error["message"], format!("`publish {}` does not exist yet", line[0]), "{error:#}");
            assert!(!error["hint"].as_str().unwrap().contains("Did you mean"), "{error:#}");
        }
        assert_eq!(report(&world, &["dits"])["error"]["code"], "no_site", "a folder that is not there");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_to_programs_as_whole_as_to_people() {
    let world = World::new().await;
    tokio::task::block_in_place(|| {
        let error = |arguments: &[&str]| {
            let report = report(&world, arguments);
            assert_eq!(report["exit_code"], 2);
            (report["command"].as_str().unwrap().to_owned(), report["error"].clone())
        };
        let (command, told) = error(&["status", "--evn", "live"]);
        assert_eq!((command.as_str(), &told["message"]), ("status", &"unexpected argument '--evn' found".into()));
        assert!(told["hint"].as_str().unwrap().contains("'--env'"), "{told:#}");
        let (command, told) = error(&["promote"]);
        assert_eq!(command, "promote");
        assert!(told["message"].as_str().unwrap().contains("--from <ENV>"), "{told:#}");
        let (_, told) = error(&["prune", "--now", "/"]);
        assert!(told["message"].as_str().unwrap().contains("the whole site cannot be removed"), "{told:#}");
        let (command, told) = error(&["--color", "pink"]);
        assert!(told["message"].as_str().unwrap().contains("auto, always, never"), "{told:#}");
        assert_eq!(command, "publish");
        // Help, version and scripts for shells are no runs.
        for text in [&["--help"][..], &["--version"], &["help"], &["completions", "bash"], &["man"]] {
            let (code, written, _) = told_by(program(&world, text).env("PUBLISH_OUTPUT", "json"));
            assert!(code == Some(0) && !written.starts_with('{'), "{written}");
        }
        let (_, written, _) = told_by(program(&world, &["--nonsense"]).env("PUBLISH_OUTPUT", "json"));
        assert!(written.starts_with("{\"type\":\"report\""), "{written}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_has_a_manual_page() {
    let world = World::new().await;
    tokio::task::block_in_place(|| {
        let page = |arguments: &[&str]| told(program(&world, &[&["man"], arguments].concat()));
        let (code, whole, _) = page(&[]);
        assert!(code == Some(0) && whole.contains(".TH publish 1"), "{whole}");
        // Each command is named with its own page: publish\\-rollback(1).
        let commands: Vec<&str> =
            whole.lines().filter_map(|line| line.strip_prefix("publish\\-")?.strip_suffix("(1)")).collect();
        assert!(commands.contains(&"rollback") && commands.contains(&"forget\\-distribution"), "{commands:?}");
        for command in commands {
            let command = command.replace('\\', "");
            let (code, text, said) = page(&[&command]);
            assert!(code == Some(0) && text.contains(&format!(".TH publish-{command} 1")), "{command}: {text}{said}");
            assert!(command == "help" || text.contains(".SH OPTIONS"), "{command}: {text}");
        }
        let (code, _, said) = page(&["rolback"]);
        assert!(code == Some(2) && said.contains("there is no command `rolback`"), "{said}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_the_site_is_that_of_the_configuration_or_of_the_distribution() {
    let world = World::new().await;
    configure(&world, &["live"]);
    let address = |arguments: &[&str]| told(program(&world, &[&["open"], arguments].concat()));
    tokio::task::block_in_place(|| {
        let (code, text, _) = address(&["--url", "https://www.example.com/shop"]);
        assert_eq!((code, text.as_str()), (Some(0), "https://www.example.com/shop/\n"));
        let (code, text, _) = address(&["--distribution", DISTRIBUTION]);
        assert_eq!((code, text.as_str()), (Some(0), "https://esandbox.cloudfront.net/\n"));
        let (_, text, _) = address(&["--distribution", DISTRIBUTION, "--prefix", "live/de"]);
        assert_eq!(text, "https://esandbox.cloudfront.net/de/\n");
        let (code, _, said) = address(&[]);
        assert!(code == Some(2) && said.contains("`url`"), "{said}");
        let report = report(&world, &["open", "--url", "https://www.example.com"]);
        assert_eq!(report["url"], "https://www.example.com/", "{report:#}");
    });
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_only_shows_fails_where_its_result_cannot_be_written() {
    let world = three_releases().await;
    tokio::task::block_in_place(|| {
        let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
        for arguments in [
            &["status"][..],
            &["status", "--all"],
            &["releases"],
            &["show"],
            &["diff", "1"],
            &["plan", "dist"],
            &["open", "--url", "https://www.example.com"],
            &["help"],
            &["--help"],
            &["--version"],
            &["completions", "bash"],
            &["man", "rollback"],
        ] {
            for output in ["human", "json"] {
                let mut program = program(&world, arguments);
                let (code, _, said) = told_by(program.env("PUBLISH_OUTPUT", output).stdout(full()));
                assert!(code == Some(1) && said.contains("could not write"), "{arguments:?} {output}: {said}");
            }
        }
        let publish = || told_by(program(&world, &["dist"]).stdout(full()));
        let (code, _, said) = publish();
        assert!(code == Some(1) && said.contains("could not write"), "nothing became of it: {said}");
        world.write("new.html", "new");
        let (code, _, said) = publish();
        assert_eq!(code, Some(0), "the code says what became of the site: {said}");
    });
}

/// A command that is pasted applies to the place that the text was about.
#[tokio::test(flavor = "multi_thread")]
async fn commands_that_are_named_reach_the_environment_of_the_run() {
    let world = World::with_fixture("v1").await;
    configure(&world, &["live", "next"]);
    let publish = |arguments: &[&str]| told(program(&world, arguments));
    tokio::task::block_in_place(|| {
        assert_eq!(publish(&["dist", "--env", "next"]).0, Some(0));
        world.use_fixture("v2");
        let (_, summary, _) = publish(&["dist", "--env", "next"]);
        assert!(summary.contains("  go back  publish rollback --env next\n"), "{summary}");
        let (code, summary, said) = publish(&["rollback", "--env", "next", "--yes", "--hold", "--reason", "bad"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(summary.contains("  undo     publish rollback 2 --env next\n"), "{summary}");
        assert!(summary.contains("`publish resume --env next`"), "{summary}");
        let (code, _, said) = publish(&["dist", "--env", "next"]);
        assert!(code == Some(4) && said.contains("`publish resume --env next` ends the hold"), "{said}");
        // A variable stays where it is.
        let (_, _, said) = told_by(program(&world, &["dist"]).env("PUBLISH_ENV", "next"));
        assert!(said.contains("`publish resume` ends the hold"), "{said}");
        configure(&world, &["next"]);
        let (_, _, said) = publish(&["dist"]);
        assert!(said.contains("`publish resume` ends the hold"), "only one can be meant: {said}");
        std::fs::remove_file(world.folder.parent().unwrap().join("publish.toml")).unwrap();
        let endpoint = world.sandbox.s3_endpoint();
        let flags = [
            "--site",
            "shop",
            "--bucket",
            BUCKET,
            "--prefix",
            "next",
            "--region",
            "us-east-1",
            "--endpoint-url",
            endpoint,
        ];
        let (_, _, said) = publish(&[&["dist"][..], &flags].concat());
        assert!(said.contains(&format!("`publish resume {}`", flags.join(" "))), "{said}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_visitors_see_is_said_by_what_could_change_it() {
    let world = World::with_fixture("v1").await;
    tokio::task::block_in_place(|| {
        let target = ["--site", "shop", "--bucket", "no-such-bucket", "--region", "us-east-1"];
        let endpoint = ["--endpoint-url", world.sandbox.s3_endpoint()];
        for (command, says) in [
            (&["dist"][..], true),
            (&["rollback", "1", "--yes"], true),
            (&["releases"], false),
            (&["status"], false),
            (&["plan", "dist"], false),
            (&["verify"], false),
            (&["show", "1"], false),
        ] {
            let (code, _, said) = told(program(&world, &[command, &target, &endpoint].concat()));
            assert!(code != Some(0) && said.contains("error: "), "{said}");
            assert_eq!(said.contains("Visitors"), says, "{command:?}: {said}");
        }
        std::fs::write(world.folder.parent().unwrap().join("publish.toml"), "sit = 1").unwrap();
        let (code, _, said) = told(program(&world, &["releases"]));
        assert!(code == Some(2) && !said.contains("isitors"), "{said}");
        let (code, _, said) = told(program(&world, &["man", "rolback"]));
        assert!(code == Some(2) && !said.contains("isitors"), "{said}");
    });
}

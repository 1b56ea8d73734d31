//! The documents are true: every sample in them is parsed, every table is held against the code, every link leads
//! somewhere.

mod pipelines;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use publish::config::Config;
use publish::config::environment::LeaseSettings;
use publish::content::path::SitePath;
use publish::plan::PlanView;
use publish::plan::diff::Difference;
use publish::plan::sweep::PruneView;
use publish::release::format::Minors;
use publish::release::head::{Head, MAX_HISTORY};
use publish::release::layout::Layout;
use publish::release::manifest::{Claim, MAX_MESSAGE_CHARS, Manifest, ReleaseNumber};
use publish::report::error::{Code, ExitCode, Problem, VisitorsSee};
use publish::report::event::Event;
use publish::report::{InvalidationStatus, Outcome, Report};
use publish::site::fingerprint::Basis;
use publish::site::response_policy::ResponsePolicy;
use publish::stages::audit::Finding;
use publish::types::digest::Digest;
use publish::views::explanation::Explanation;
use publish::views::releases::{ActivationView, FileView, ReleaseState, ReleaseView};
use publish::views::status::Status;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All documents of the project, by their paths in it.
fn documents() -> Vec<String> {
    let mut found: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "RELEASING.md", "CHANGELOG.md"].into_iter().map(str::to_owned).collect();
    for entry in walkdir::WalkDir::new(root().join("docs")).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|extension| extension == "md") {
            found.push(entry.path().strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
        }
    }
    found
}

/// A fenced block of a document.
struct Block {
    place: String,
    info: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    documents().iter().flat_map(|document| blocks_of(document)).collect()
}

fn blocks_of(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in read(document).lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => {
                let place = format!("{document}:{}", index + 1);
                open = Some(Block { place, info: info.to_owned(), text: String::new() });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{document} ends within a fence");
    blocks
}

/// The rows of the table whose header begins with `first`, as texts of the cells without code marks.
fn table(document: &str, first: &str) -> Vec<Vec<String>> {
    let text = read(document);
    let header = format!("| {first} |");
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&header));
    assert!(lines.next().is_some(), "{document} has no table that begins with {header}");
    let rows: Vec<Vec<String>> = lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            // A `|` within a cell is written `\|`, which no table here needs.
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().trim_matches('|').trim().to_owned()).collect()
        })
        .collect();
    assert!(!rows.is_empty(), "the table of {document} that begins with {header} is empty");
    rows
}

/// The first cells of a table, without code marks.
fn first_column(document: &str, first: &str) -> BTreeSet<String> {
    let rows = table(document, first);
    let cells: BTreeSet<String> = rows.iter().map(|row| plain(&row[0])).collect();
    assert_eq!(cells.len(), rows.len(), "{document}: the table {first:?} has a row twice");
    cells
}

fn plain(cell: &str) -> String {
    cell.trim_matches('`').to_owned()
}

/// The names of all variants of an enum, from what its parser says it expected.
fn variants<T: DeserializeOwned + std::fmt::Debug>(sample: &str) -> BTreeSet<String> {
    let refusal = serde_json::from_str::<T>(sample).unwrap_err().to_string();
    let expected = refusal.split_once("expected").unwrap_or_else(|| panic!("{refusal}")).1;
    let names: BTreeSet<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(names.len() > 1, "{refusal}");
    names
}

#[test]
fn every_block_has_a_language_that_is_checked() {
    const KNOWN: [&str; 21] = [
        "sh",
        "yaml",
        "toml",
        "text",
        "json report",
        "json event",
        "json plan",
        "json explanation",
        "json response_policy",
        "json status",
        "json finding",
        "json release",
        "json file",
        "json activation",
        "json difference",
        "json prune",
        "json head",
        "json claim",
        "json manifest",
        "json minor",
        "json trust",
    ];
    for block in blocks() {
        assert!(KNOWN.contains(&block.info.as_str()), "{}: ```{} is not checked by any test", block.place, block.info);
    }
}

#[test]
fn every_configuration_is_one() {
    let mut count = 0;
    for block in blocks().iter().filter(|block| block.info == "toml") {
        Config::parse(&block.text).unwrap_or_else(|problem| panic!("{}: {problem:?}", block.place));
        count += 1;
    }
    assert!(count > 2, "README.md and docs/configuration.md show them");
}

#[test]
fn every_json_sample_is_what_it_says() {
    for block in blocks() {
        let (place, text) = (&block.place, &block.text);
        match block.info.as_str() {
            "json event" => {
                let event: Event = serde_json::from_str(text).unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_same(place, text, &serde_json::to_vec(&event).unwrap());
            }
            "json report" => round_trip::<Report>(place, text),
            "json plan" => round_trip::<PlanView>(place, text),
            "json explanation" => round_trip::<Explanation>(place, text),
            "json response_policy" => round_trip::<ResponsePolicy>(place, text),
            "json status" => round_trip::<Status>(place, text),
            "json finding" => round_trip::<Finding>(place, text),
            "json release" => round_trip::<ReleaseView>(place, text),
            "json file" => round_trip::<FileView>(place, text),
            "json activation" => round_trip::<ActivationView>(place, text),
            "json difference" => round_trip::<Difference>(place, text),
            "json prune" => round_trip::<PruneView>(place, text),
            "json head" => {
                let head = Head::decode(text.as_bytes()).unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_same(place, text, &head.encode().unwrap());
            }
            "json claim" => {
                let claim = Claim::decode(text.as_bytes()).unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_same(place, text, &claim.encode().unwrap());
            }
            "json minor" => {
                let mut sample: Value = serde_json::from_str(text).unwrap();
                assert_eq!(sample["format"], publish::release::format::FORMAT, "{place}");
                serde_json::from_value::<Minors>(sample["minor"].take()).unwrap();
            }
            "json manifest" => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(text.as_bytes()).unwrap();
                let stored = encoder.finish().unwrap();
                Manifest::decode(&stored).unwrap_or_else(|error| panic!("{place}: {error}"));
            }
            _ => {}
        }
    }
}

/// serde writes the `type` of a struct and does not know it when it reads one.
fn round_trip<T: DeserializeOwned + serde::Serialize>(place: &str, text: &str) {
    let mut sample: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{place}: {error}"));
    sample.as_object_mut().unwrap().remove("type");
    let value: T = serde_json::from_value(sample).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_same(place, text, &serde_json::to_vec(&value).unwrap());
}

/// What was read is written back with nothing more and nothing less.
fn assert_same(place: &str, text: &str, written: &[u8]) {
    let read: Value = serde_json::from_str(text).unwrap();
    let written: Value = serde_json::from_slice(written).unwrap();
    assert_eq!(read, written, "{place}");
}

#[test]
fn every_shell_line_can_be_typed() {
    for block in blocks().iter().filter(|block| block.info == "sh") {
        for line in block.text.lines() {
            check_line(&block.place, line);
        }
    }
}

fn check_line(place: &str, line: &str) {
    let words: Vec<&str> = line.split(' ').filter(|word| !word.starts_with("UPDATE=")).collect();
    match words.as_slice() {
        ["cd", _]
        | ["cargo", "test" | "check"]
        | ["cargo", "install", "--path", "."]
        | ["cargo", "install", "cargo-fuzz"] => {}
        ["cargo", "run", "--example", name] => {
            assert!(root().join(format!("examples/{name}.rs")).is_file(), "{place}: there is no example {name}");
        }
        ["cargo", "+nightly", "fuzz", "run", target, corpus, seeds, "--", ..] => {
            let source = root().join(format!("fuzz/fuzz_targets/{target}.rs"));
            assert!(source.is_file(), "{place}: there is no fuzz target {target}");
            assert!(corpus.starts_with("fuzz/corpus/") && root().join(seeds).is_dir(), "{place}: {line}");
        }
        ["publish", arguments @ ..] | ["cargo", "run", "--", arguments @ ..] => {
            if let Some(folder) = arguments.first().filter(|word| words[0] == "cargo" && word.contains('/')) {
                assert!(root().join(folder).is_dir(), "{place}: there is no folder {folder}");
            }
            // With --help, arguments are parsed and nothing is done.
            let output =
                Command::new(env!("CARGO_BIN_EXE_publish")).args(arguments).arg("--help").env_clear().output().unwrap();
            let refusal = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !output.stdout.is_empty(), "{place}: {line}\n{refusal}");
        }
        ["cargo", "test", "--lib", module] => {
            assert!(root().join(format!("src/{module}.rs")).is_file(), "{place}: there is no src/{module}.rs");
        }
        ["cargo", "test", "-p", "sitepublish-content", module] => {
            let source = root().join(format!("crates/content/src/{module}.rs"));
            assert!(source.is_file(), "{place}: there is no crates/content/src/{module}.rs");
        }
        ["cargo", "test", "--test", "it", module] => {
            assert!(
                root().join(format!("tests/it/{module}.rs")).is_file(),
                "{place}: there is no tests/it/{module}.rs"
            );
        }
        // Tools of others.
        ["ip", "netns", ..] => {}
        ["python3", script, ..] if script.ends_with(".py") => {
            assert!(root().join(script).is_file(), "{place}: there is no {script}");
        }
        ["python3", "-m", "venv", folder] => assert!(folder.starts_with("target/"), "{place}: {line}"),
        ["target/venv-mutants/bin/pip", "install", ..] => {}
        ["target/venv-mutants/bin/python", script, ..] => {
            assert!(root().join(script).is_file(), "{place}: there is no {script}");
        }
        ["cargo", "run", "--example", example, "--", ..] => {
            assert!(
                root().join(format!("examples/{example}.rs")).is_file(),
                "{place}: there is no examples/{example}.rs"
            );
        }
        [script] if script.starts_with('.') => {
            assert!(root().join(script).is_file(), "{place}: there is no {script}");
        }
        _ => panic!("{place}: {line}: nothing here knows how to check this line"),
    }
}

#[test]
fn the_pipeline_runs_the_readmes_test_command_last() {
    let commands: Vec<String> = blocks_of("README.md").into_iter().map(|block| block.text).collect();
    assert!(commands.contains(&"cargo test\n".to_owned()));
    let script = read(".ci/run");
    assert_eq!(script.lines().last(), Some("step cargo test"));
    assert!(script.contains("\nstep cargo fmt --all --check\nstep cargo clippy --all-targets -- -D warnings\n"));
}

#[test]
fn the_tables_of_exit_codes_are_those_of_the_program() {
    let mut expected: BTreeSet<String> = every_code().iter().map(|code| exit_code(*code).to_string()).collect();
    for rest in [ExitCode::Done, ExitCode::NotRefreshed, ExitCode::CutShort, ExitCode::Differences, ExitCode::Changes] {
        expected.insert(rest.number().to_string());
    }
    assert_eq!(first_column("docs/exit-codes.md", "exit code"), expected);
    assert_eq!(first_column("README.md", "exit code"), expected);
    let help = Command::new(env!("CARGO_BIN_EXE_publish")).arg("--help").env_clear().output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    for number in &expected {
        let stated = help.lines().any(|line| line.trim_start().split(' ').next() == Some(number));
        assert!(stated, "`publish --help` does not say what exit code {number} means");
    }
}

#[test]
fn the_table_of_codes_is_that_of_the_program() {
    let expected: BTreeMap<String, String> =
        every_code().iter().map(|code| (code.as_str(), exit_code(*code).to_string())).collect();
    let rows = table("docs/exit-codes.md", "code");
    // What it is before the switch comes first.
    let written: BTreeMap<String, String> =
        rows.iter().map(|row| (plain(&row[0]), row[1].split(';').next().unwrap_or_default().to_owned())).collect();
    assert_eq!(written, expected);
    assert_eq!(written.len(), rows.len(), "a code stands twice");
}

fn every_code() -> Vec<Code> {
    let names = variants::<Code>("\"\"");
    names.iter().map(|name| serde_json::from_value(Value::String(name.clone())).unwrap()).collect()
}

/// The exit code of a failure before the switch.
fn exit_code(code: Code) -> u8 {
    Problem::new(code, "").while_visitors_see(VisitorsSee::Untouched).exit_code().number()
}

#[test]
fn the_tables_of_json_output_are_those_of_the_program() {
    let document = "docs/json-output.md";
    let written = first_column(document, "type");
    assert_eq!(written, variants::<Event>(r#"{"type":""}"#));
    assert_eq!(first_column(document, "outcome"), variants::<Outcome>("\"\""));
    assert_eq!(first_column(document, "invalidation status"), variants::<InvalidationStatus>("\"\""));
    assert_eq!(first_column(document, "evidence"), variants::<Basis>(r#"{"evidence":""}"#));
    assert_eq!(first_column(document, "state"), variants::<ReleaseState>("\"\""));
    let samples = blocks_of(document);
    let reports: Vec<Value> = samples
        .iter()
        .filter(|block| block.info == "json report")
        .map(|block| serde_json::from_str(&block.text).unwrap())
        .collect();
    let mut fields: BTreeSet<String> = reports.iter().flat_map(keys).collect();
    fields.remove("type");
    assert_eq!(first_column(document, "field"), fields);
    let of_errors =
        reports.iter().filter(|report| report["error"].is_object()).flat_map(|report| keys(&report["error"]));
    assert_eq!(first_column(document, "field of `error`"), of_errors.collect());
}

#[test]
fn the_fields_of_events_are_those_of_the_schema() {
    let schema: Value = serde_json::from_str(&read("docs/json-output.schema.json")).unwrap();
    let events = schema["$defs"]["Event"]["oneOf"].as_array().unwrap();
    let expected: BTreeMap<String, BTreeSet<String>> = events
        .iter()
        .map(|event| {
            let mut fields = keys(&event["properties"]);
            fields.remove("type");
            (event["properties"]["type"]["const"].as_str().unwrap().to_owned(), fields)
        })
        .collect();
    let written: BTreeMap<String, BTreeSet<String>> = table("docs/json-output.md", "type")
        .iter()
        .map(|row| (plain(&row[0]), row[1].split('`').skip(1).step_by(2).map(str::to_owned).collect()))
        .collect();
    assert_eq!(written, expected);
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// Each room and each public module of a room has its row, and each row its file.
#[test]
fn the_module_map_is_whole() {
    let written: BTreeSet<String> = table("docs/architecture.md", "module")
        .iter()
        .flat_map(|row| row[0].split(", ").map(plain).collect::<Vec<_>>())
        .collect();
    for path in &written {
        assert!(root().join(path).exists(), "there is no {path}");
    }
    let mut expected = BTreeSet::from(["src/bin/publish/".to_owned()]);
    for folder in ["src", "crates/content/src"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(room) = name.strip_suffix(".rs") else { continue };
            expected.insert(format!("{folder}/{name}"));
            let declared = read(&format!("{folder}/{name}"));
            let modules = declared.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
            let parts = modules.filter(|_| folder == "src" && room != "lib");
            expected.extend(parts.map(|module| format!("src/{room}/{module}.rs")));
        }
    }
    let missing: Vec<&String> = expected.difference(&written).collect();
    assert!(missing.is_empty(), "docs/architecture.md has no row for {missing:?}");
}

#[test]
fn the_keys_in_the_bucket_are_those_of_the_layout() {
    let layout = Layout::new("shop", "example-site", "live", None, None);
    let release = ReleaseNumber::new(8);
    let expected = BTreeMap::from([
        ("the live object of `about/index.html`", layout.live(&SitePath::new("about/index.html").unwrap()).key),
        ("head", layout.head().key),
        ("claim on release 8", layout.claim(release).key),
        ("manifest of release 8", layout.manifest(release).key),
        ("blob of the empty file", layout.blob(&Digest::of(b"")).key),
    ]);
    let rows = table("docs/bucket-layout.md", "object");
    let written: BTreeMap<&str, String> = rows.iter().map(|row| (row[0].as_str(), plain(&row[1]))).collect();
    assert_eq!(written, expected);
}

/// Every field of what is stored has its row: the golden head says everything that a head can say.
#[test]
fn every_stored_field_is_described() {
    let document = read("docs/bucket-layout.md");
    let described = |heading: &str| -> BTreeSet<String> {
        let section = document.split_once(&format!("\n### {heading}\n")).unwrap().1;
        let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
        let rows = section.lines().skip_while(|line| !line.starts_with("| field |")).skip(2);
        rows.take_while(|line| line.starts_with('|')).map(|line| line.split('`').nth(1).unwrap().to_owned()).collect()
    };
    let golden =
        |name: &str| -> Value { serde_json::from_str(&read(&format!("fixtures/manifests/v1/{name}"))).unwrap() };
    // What came after the first golden files has one of its own.
    let mut head = keys(&golden("head.json"));
    head.extend(keys(&golden("head-withdrawn.json")));
    head.extend(keys(&golden("head-tagged.json")));
    head.extend(keys(&golden("../v2/head-closed.json")));
    head.extend(keys(&golden("../v2/head-distributions.json")));
    head.extend(keys(&golden("../v2/head-proven-store.json")));
    // What a format needs is described with the versions.
    head.remove("minor");
    assert_eq!(described("Head"), head);
    assert_eq!(described("Claim"), keys(&golden("claim.json")));
    let sample = blocks_of("docs/bucket-layout.md").into_iter().find(|block| block.info == "json manifest").unwrap();
    let manifest: Value = serde_json::from_str(&sample.text).unwrap();
    assert_eq!(described("Manifest"), keys(&manifest));
    let mut file = keys(&manifest["files"][0]);
    file.extend(["crc64", "md5"].map(str::to_owned));
    assert_eq!(first_column("docs/bucket-layout.md", "field of `files`"), file);
}

#[test]
fn the_figures_are_those_of_the_program() {
    let failure_model = read("docs/failure-model.md");
    let lease = format!("the lease lasts {} s after the last write", LeaseSettings::default().lasts.as_secs());
    assert!(failure_model.contains(&lease), "{lease}");
    assert!(failure_model.contains(&format!("at most {}, until", publish::stages::verify::MAX_URLS)));
    let layout = read("docs/bucket-layout.md");
    assert!(layout.contains(&format!("at most {MAX_MESSAGE_CHARS} characters")));
    assert!(layout.contains(&format!("# What is in the bucket: format {}", publish::release::format::FORMAT)));
    assert!(layout.contains(&format!("the last {MAX_HISTORY} activations")));
    assert!(layout.contains(&format!("This program knows minor {}", publish::release::format::MINOR)));
    assert!(layout.contains(&format!("under {} MiB carry", publish::site::snapshot::MULTIPART_BYTES >> 20)));
    assert!(read("docs/limits.md").contains(&format!("at most {} GiB", publish::site::snapshot::MAX_FILE_BYTES >> 30)));
}

#[test]
fn every_decision_is_numbered_listed_and_has_its_three_parts() {
    let architecture = read("docs/architecture.md");
    let files: Vec<String> =
        documents().into_iter().filter(|document| document.starts_with("docs/decisions/")).collect();
    for (index, file) in files.iter().enumerate() {
        let name = file.strip_prefix("docs/").unwrap();
        let number = format!("{:04}", index + 1);
        assert!(name.starts_with(&format!("decisions/{number}-")), "{file} is not number {number}");
        assert!(architecture.contains(&format!("[{number}]({name})")), "docs/architecture.md does not list {file}");
        let text = read(file);
        assert!(text.starts_with(&format!("# {number}: ")), "{file}");
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## Context", "## Decision", "## Consequences"], "{file}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    for document in documents() {
        let folder: PathBuf = Path::new(&document).parent().unwrap().to_owned();
        for target in read(&document).split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if target.starts_with("https://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
            let path = if path.is_empty() { PathBuf::from(&document) } else { folder.join(path) };
            assert!(root().join(&path).exists(), "{document}: {target}");
            if let Some(anchor) = anchor {
                let anchors: Vec<String> = read(path.to_str().unwrap())
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .map(|line| anchor_of(line.trim_matches(['#', ' '])))
                    .collect();
                assert!(anchors.iter().any(|found| found == anchor), "{document}: {target}: {anchors:?}");
            }
        }
    }
}

/// How GitHub makes an anchor of a heading: letters and digits stay, a space is a hyphen, and all else goes.
fn anchor_of(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// What a document names of this project is there.
#[test]
fn every_file_that_is_named_is_there() {
    for document in documents() {
        let text: String = read(&document).split("```").step_by(2).collect();
        for name in text.split('`').skip(1).step_by(2) {
            let of_the_project = ["src/", "crates/", "tests/", "config/", "fixtures/", "docs/"];
            if of_the_project.iter().any(|folder| name.starts_with(folder)) {
                assert!(root().join(name).exists(), "{document} names {name}");
            }
        }
    }
}

/// Comments cite facts about AWS as `AWS.md <section>`.
#[test]
fn every_cited_section_about_aws_is_there() {
    let facts = read("docs/AWS.md");
    let sections: BTreeSet<&str> =
        facts.lines().filter_map(|line| line.strip_prefix("### ")?.split(' ').next()).collect();
    for folder in ["src", "crates", "tests", "docs"] {
        for entry in walkdir::WalkDir::new(root().join(folder)) {
            let entry = entry.unwrap();
            let is_picture = entry.path().extension().is_some_and(|extension| extension == "png");
            if !entry.file_type().is_file() || entry.path().ends_with("docs.rs") || is_picture {
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).unwrap();
            for rest in text.split("AWS.md ").skip(1) {
                let is_part = |char: char| char.is_ascii_digit() || char == '.';
                let cited: String = rest.chars().take_while(|char| is_part(*char)).collect();
                let cited = cited.trim_end_matches('.');
                let known = cited.is_empty() || sections.contains(cited);
                assert!(known, "{} cites AWS.md {cited}", entry.path().display());
            }
        }
    }
}

//! Fences: which rooms may name which, who may name AWS's SDK, that no files import each other in a circle, and how long
//! a file and a function may be.

mod circles;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::world::files_of;

/// The rooms of the library in the order of the street: a room names only rooms before it.
const STREET: [&str; 11] =
    ["content", "types", "release", "report", "config", "site", "plan", "bucket", "stages", "views", "run"];

/// Rooms beside the street, and what of it they may name. No room of the street names one of them.
const BESIDE: [(&str, &[&str]); 3] = [("sandbox", &[]), ("untrusted", &STREET), ("schema", &STREET)];

/// Most lines of a file.
const MAX_LINES: usize = 600;

/// Most lines of a function, from the first of its signature to its last brace.
const MAX_FUNCTION_LINES: usize = 80;

/// Crates that belong to one part of the program each, and the paths that may name them.
const CRATES: &[(&[&str], &[&str])] = &[
    (
        &["aws_sdk_", "aws_config", "aws_smithy_", "aws_types", "aws_credential_types"],
        &["bucket/aws.rs", "bucket/aws/", "sandbox/tests", "sandbox/signature.rs"],
    ),
    (&["aws_sigv4::"], &["sandbox/signature.rs", "sandbox/tests"]),
    (&["s3s::", "quick_xml::"], &["sandbox/"]),
    (&["hyper_util::"], &["sandbox/", "bucket/aws/"]),
    (&["clap::", "indicatif::"], &["bin/"]),
    (&["cap_std::", "cap_fs_ext::"], &["site/snapshot/"]),
];

/// The source files below `folder`, by their paths in it.
fn sources_of(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = files_of(&root).into_iter().filter(|(path, _)| path.ends_with(".rs") && path != "lib.rs");
    files.map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect()
}

/// The source files of both libraries and the binary.
fn sources() -> BTreeMap<String, String> {
    let mut sources = sources_of("src");
    sources.extend(sources_of("crates/content/src"));
    sources
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

/// The code of a file without comments and without the tests at its end.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

#[test]
fn no_import_runs_uphill() {
    let mut rooms = BTreeSet::from(["content".to_owned()]);
    let sources = sources_of("src");
    let modules: BTreeMap<circles::Module, &str> =
        sources.iter().map(|(path, source)| (circles::module_of(path), source.as_str())).collect();
    for (path, source) in &sources {
        if is_test(path) || path.starts_with("bin/") {
            continue;
        }
        let room = module(path);
        rooms.insert(room.to_owned());
        let below = match BESIDE.iter().find(|(beside, _)| *beside == room) {
            Some((_, below)) => *below,
            None => {
                let at = STREET.iter().position(|name| *name == room);
                &STREET[..at.unwrap_or_else(|| panic!("{path}: no room of the street"))]
            }
        };
        for named in circles::rooms_named(&circles::module_of(path), &code(source), &modules) {
            assert!(named == room || below.contains(&named.as_str()), "{path}: {room} may not name {named}");
        }
    }
    let known: BTreeSet<String> =
        STREET.iter().chain(BESIDE.iter().map(|(room, _)| room)).map(|room| (*room).to_owned()).collect();
    assert_eq!(rooms, known, "the rooms that there are");
}

/// What decides is pure: without network, and without waiting for anything.
#[test]
fn what_decides_waits_for_nothing() {
    for (path, source) in sources() {
        let pure = ["release", "plan", "closure", "path", "proof", "references", "secrets"].contains(&module(&path));
        let pure = pure || path.starts_with("site/rules") || path.starts_with("site/fingerprint");
        let pure = pure || path.starts_with("bucket/live/found");
        for impure in ["tokio::", "async fn", "async move"] {
            assert!(!pure || is_test(&path) || !code(&source).contains(impure), "{path} uses {impure}");
        }
    }
}

/// Where a live object lies is the business of two modules: whatever else means one names the file's path.
#[test]
fn one_place_knows_where_live_objects_lie() {
    let places = ["release/layout.rs", "bucket/live/objects.rs"];
    for (path, source) in sources() {
        let joined: String = code(&source).split_whitespace().collect();
        let asks = joined.contains("layout.live(") || joined.contains("Layout::live(");
        let lists = joined.contains("list(&layout.live_prefix") || joined.contains("list(&self.layout.live_prefix");
        assert!(places.contains(&path.as_str()) || !(asks || lists), "{path}: ask LiveObjects");
    }
}

/// A head is made and changed only where its invariants are kept: the compiler refuses anything else for as long as its
/// one field is private, and nothing gives it out to be written.
#[test]
fn heads_are_changed_only_by_their_transitions() {
    let head = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/release/head.rs")).unwrap();
    assert!(head.contains("pub struct Head {\n    fields: HeadFields,"), "the fields of a head are its own");
    for (path, source) in sources() {
        let (code, inside) = (code(&source), path == "release/head.rs" || path.starts_with("release/head/"));
        for opening in ["DerefMut for Head", "AsMut<HeadFields>", "BorrowMut<HeadFields>", "From<HeadFields>"] {
            assert!(!code.contains(opening), "{path}: {opening}");
        }
        if inside {
            let public = |line: &&str| line.trim_start().starts_with("pub") && line.contains("&mut HeadFields");
            let found = code.lines().find(public);
            assert!(found.is_none_or(|line| line.contains("pub(crate) fn with(")), "{path}: {found:?}");
        } else if !is_test(&path) {
            assert!(!code.contains("HeadFields {"), "{path} makes up what a head says");
            let decodes = code.contains("Head::decode(");
            assert!(!decodes || ["bucket/state.rs", "untrusted.rs"].contains(&path.as_str()), "{path} reads a head");
        }
    }
}

/// What a person is told of the site follows from what a run did, and only it knows.
#[test]
fn only_a_run_says_what_visitors_see() {
    for (path, source) in sources_of("src").iter().filter(|(path, _)| !is_test(path)) {
        let is_told = path.starts_with("run") || ["report.rs", "report/error.rs"].contains(&path.as_str());
        let is_picture = path.ends_with("summary/widths.rs");
        assert!(is_told || is_picture || !code(source).contains("VisitorsSee"), "{path}");
    }
}

#[test]
fn crates_are_named_only_where_they_belong() {
    for (path, source) in sources() {
        let code = code(&source);
        for (names, places) in CRATES {
            if places.iter().any(|place| path.starts_with(place)) {
                continue;
            }
            for name in *names {
                assert!(!code.contains(name), "{path} names {name}");
            }
        }
    }
}

#[test]
fn files_are_short() {
    for (path, source) in sources() {
        let lines = source.lines().count();
        assert!(lines <= MAX_LINES, "{path} has {lines} lines");
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for (root, without) in [("src", "bin/"), ("src/bin/publish", ""), ("crates/content/src", ""), ("tests/it", "")] {
        let mut files = sources_of(root);
        files.retain(|path, _| !is_test(path) && (without.is_empty() || !path.starts_with(without)));
        files.values_mut().for_each(|source| *source = code(source));
        let circles = circles::circles(&files);
        assert!(circles.is_empty(), "{root}: {circles:#?}");
    }
}

/// The functions of a file and how many lines each has.
fn functions(source: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let functions = lines.iter().enumerate().filter_map(|(at, line)| {
        let (before, rest) = line.trim_start().split_once("fn ")?;
        let name = rest.split(|char: char| !char.is_alphanumeric() && char != '_').next()?;
        let is_qualifier = |word: &str| word.starts_with("pub") || ["const", "async", "unsafe"].contains(&word);
        let is_function = before.split_whitespace().all(is_qualifier);
        is_function.then(|| (name, function_length(&lines[at..])))
    });
    functions.collect()
}

/// How many of `lines` the function has that begins with them. rustfmt puts its last brace under its first letter.
fn function_length(lines: &[&str]) -> usize {
    let indent = lines[0].len() - lines[0].trim_start().len();
    let last = format!("{}}}", &lines[0][..indent]);
    let mut has_body = false;
    for (length, line) in (1..).zip(lines) {
        has_body |= line.ends_with('{');
        let is_one_line_or_declared = !has_body && line.ends_with(['}', ';']);
        if is_one_line_or_declared || line.starts_with(&last) {
            return length;
        }
    }
    lines.len()
}

/// Also those of the tests: who reads a test that is longer than a screen?
#[test]
fn functions_are_short() {
    for root in ["src", "crates/content/src", "tests/it", "examples", "fuzz/fuzz_targets"] {
        for (path, source) in sources_of(root) {
            for (name, lines) in functions(&source) {
                assert!(lines <= MAX_FUNCTION_LINES, "{root}/{path}: {name} has {lines} lines");
            }
        }
    }
}

#[test]
fn functions_are_measured() {
    let source = "\
impl Some for Thing {
    /// fn of_a_comment()
    pub(crate) async fn first(
        &self,
    ) -> u8 {
        if true {
            1
        }
    }

    fn second(&self) {}
}

trait Other {
    fn third(
        &self,
    );
    fn fourth();
}

fn fifth() {
    let closure = |function: fn(u8)| {};
}
";
    let measured = functions(source);
    assert_eq!(measured, [("first", 7), ("second", 1), ("third", 3), ("fourth", 1), ("fifth", 3)]);
}

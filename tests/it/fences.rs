//! Fences between the modules: who may name whom, who may name AWS's SDK, and how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::world::files_of;

/// Every module of the library and the modules that its code names; tests inside it may name more. A module that is not
/// here, or a name that is not used any more, fails.
const MAY_NAME: &[(&str, &[&str])] = &[
    (
        "activate",
        &[
            "aws",
            "clock",
            "environment",
            "error",
            "event",
            "head",
            "layout",
            "lease",
            "live",
            "manifest",
            "path",
            "plan",
            "stage",
            "state",
            "stop",
        ],
    ),
    (
        "adopt",
        &[
            "aws", "clock", "digest", "download", "error", "event", "head", "headers", "layout", "live", "manifest",
            "path", "snapshot", "stage", "state",
        ],
    ),
    ("audit", &["aws", "digest", "error", "head", "headers", "layout", "live", "manifest", "path", "plan", "stage"]),
    ("aws", &["clock", "digest", "environment", "error", "head", "headers", "layout", "path", "snapshot"]),
    ("clock", &[]),
    ("closure", &["path", "references"]),
    ("config", &["environment", "error", "layout", "rules"]),
    ("diff", &["event", "headers", "manifest", "path"]),
    ("digest", &[]),
    ("download", &["aws", "digest", "error", "layout", "snapshot"]),
    ("elsewhere", &["aws", "download", "error", "event", "headers", "layout", "live", "manifest", "path"]),
    ("environment", &["layout", "rules"]),
    ("error", &["manifest"]),
    ("event", &["manifest"]),
    (
        "explanation",
        &[
            "environment",
            "error",
            "fingerprint",
            "globs",
            "headers",
            "headers_file",
            "path",
            "plan",
            "redirects_file",
            "rules",
            "snapshot",
        ],
    ),
    ("fingerprint", &["closure", "headers", "path", "proof", "references"]),
    ("globs", &["error", "path"]),
    ("head", &["clock", "digest", "event", "headers", "manifest", "path"]),
    ("headers", &[]),
    ("headers_file", &["error", "headers", "path"]),
    ("layout", &["digest", "manifest", "path"]),
    ("lease", &["clock", "environment", "error", "head", "state"]),
    ("live", &["aws", "error", "head", "headers", "layout", "manifest", "path", "plan", "rules", "state"]),
    ("manifest", &["clock", "digest", "headers", "path"]),
    ("path", &[]),
    ("plan", &["digest", "event", "globs", "head", "headers", "layout", "manifest", "path", "report"]),
    ("policy", &["layout"]),
    ("proof", &["path"]),
    (
        "prune",
        &[
            "aws",
            "clock",
            "digest",
            "environment",
            "error",
            "event",
            "head",
            "headers",
            "layout",
            "lease",
            "live",
            "manifest",
            "path",
            "retention",
            "stage",
            "state",
            "stop",
            "sweep",
        ],
    ),
    ("redirects_file", &[]),
    ("references", &["path"]),
    (
        "refresh",
        &[
            "aws",
            "clock",
            "environment",
            "error",
            "event",
            "head",
            "manifest",
            "path",
            "plan",
            "report",
            "state",
            "verify",
        ],
    ),
    ("releases", &["clock", "digest", "event", "head", "headers", "manifest", "path"]),
    ("report", &["error", "event", "manifest"]),
    ("response_policy", &["headers_file"]),
    ("retention", &["clock", "environment", "head", "manifest"]),
    (
        "rules",
        &["error", "fingerprint", "globs", "head", "headers", "headers_file", "layout", "manifest", "path", "snapshot"],
    ),
    (
        "run",
        &[
            "activate",
            "adopt",
            "audit",
            "aws",
            "clock",
            "closure",
            "diff",
            "digest",
            "elsewhere",
            "environment",
            "error",
            "event",
            "explanation",
            "fingerprint",
            "globs",
            "head",
            "headers",
            "headers_file",
            "layout",
            "live",
            "manifest",
            "path",
            "plan",
            "policy",
            "prune",
            "redirects_file",
            "refresh",
            "releases",
            "report",
            "response_policy",
            "rules",
            "snapshot",
            "stage",
            "state",
            "status",
            "stop",
            "sweep",
        ],
    ),
    ("sandbox", &[]),
    (
        "schema",
        &["audit", "diff", "event", "explanation", "plan", "releases", "report", "response_policy", "status", "sweep"],
    ),
    ("secrets", &["path"]),
    (
        "snapshot",
        &[
            "digest",
            "environment",
            "error",
            "event",
            "fingerprint",
            "globs",
            "headers_file",
            "layout",
            "path",
            "proof",
            "redirects_file",
            "references",
            "secrets",
        ],
    ),
    (
        "stage",
        &[
            "aws",
            "elsewhere",
            "error",
            "event",
            "headers",
            "layout",
            "live",
            "manifest",
            "path",
            "plan",
            "report",
            "snapshot",
            "state",
        ],
    ),
    ("state", &["aws", "clock", "error", "head", "headers", "layout", "manifest", "path"]),
    ("status", &["clock", "event", "manifest", "state"]),
    ("stop", &[]),
    ("sweep", &["digest", "headers", "layout", "manifest", "path"]),
    ("untrusted", &["config", "head", "headers", "manifest", "path", "rules"]),
    ("verify", &["aws", "path", "plan"]),
];

/// Most lines of a file.
const MAX_LINES: usize = 600;

/// Crates that belong to one part of the program each, and the paths that may name them.
const CRATES: &[(&[&str], &[&str])] = &[
    (
        &["aws_sdk_", "aws_config", "aws_smithy_", "aws_types", "aws_credential_types"],
        &["aws.rs", "aws/", "sandbox/tests"],
    ),
    (&["s3s::", "hyper_util::", "quick_xml::"], &["sandbox/"]),
    (&["clap::", "indicatif::"], &["bin/"]),
    (&["walkdir::"], &["snapshot/"]),
];

/// The source files of both libraries and the binary, by their paths in src/ or crates/content/src/.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "crates/content/src"].into_iter().flat_map(|folder| files_of(&root.join(folder)));
    let sources = files.filter(|(path, _)| path.ends_with(".rs") && path != "lib.rs");
    sources.map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect()
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
fn modules_name_only_those_they_may() {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, source) in sources() {
        if is_test(&path) || path.starts_with("bin/") {
            continue;
        }
        let code = code(&source);
        assert!(!code.contains("crate::{"), "{path}: one module a line, so that this test can read it");
        let names = named.entry(module(&path).to_owned()).or_default();
        for (at, found) in code.match_indices("crate::") {
            let name: String =
                code[at + found.len()..].chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
            if name != module(&path) {
                names.insert(name);
            }
        }
    }
    let may: BTreeMap<String, BTreeSet<String>> = MAY_NAME
        .iter()
        .map(|(module, names)| ((*module).to_owned(), names.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    for (module, names) in &named {
        let may = may.get(module).unwrap_or_else(|| panic!("{module} is not on the map"));
        assert_eq!(names, may, "what {module} names");
    }
    assert_eq!(named.len(), may.len(), "the map has modules that are not there");
}

#[test]
fn the_sandbox_is_named_by_no_stage() {
    for (path, source) in sources() {
        let own = path.starts_with("sandbox/") || path.starts_with("bin/") || is_test(&path);
        assert!(own || !code(&source).contains("crate::sandbox"), "{path}");
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

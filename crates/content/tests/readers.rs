//! The readers over pages, scripts and style sheets of real builds (corpus/readers): they find what others' parsers find.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test reads its samples and fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sitepublish_content::path::SitePath;
use sitepublish_content::references::{Form, Reference, Role, read};

/// A file, how the reference is written, what it is needed for, and the reference.
type Line = (String, String, String, String);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/readers")
}

/// What truth.mjs found.
fn truth() -> BTreeSet<Line> {
    let text = std::fs::read_to_string(folder().join("truth.tsv")).unwrap();
    let line = |line: &str| {
        let [file, form, role, written] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        (file.to_owned(), form.to_owned(), role.to_owned(), written.to_owned())
    };
    text.lines().map(line).collect()
}

/// The files of all builds, by their paths in the folder.
fn files() -> Vec<(String, Vec<u8>)> {
    let (mut files, mut folders) = (Vec::new(), vec![folder()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if next != folder() {
                let name = path.strip_prefix(folder()).unwrap().to_str().unwrap().replace('\\', "/");
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    files
}

/// `None`: it only looks like one.
fn line(file: &str, reference: &Reference) -> Option<Line> {
    let form = match reference.form {
        Form::Text => return None,
        Form::Tag(_) => "tag".to_owned(),
        form => serde_json::to_value(form).unwrap().as_str().unwrap().to_owned(),
    };
    let role = serde_json::to_value(reference.role).unwrap().as_str().unwrap().to_owned();
    Some((file.to_owned(), form, role, reference.written.to_string()))
}

#[test]
fn the_readers_find_what_is_in_real_builds() {
    let mut found = BTreeSet::new();
    for (file, bytes) in files() {
        let references = read(&SitePath::new(file.as_str()).unwrap(), &bytes);
        found.extend(references.list.iter().filter_map(|reference| line(&file, reference)));
    }
    let truth = truth();
    let missing: Vec<_> = truth.difference(&found).collect();
    let invented: Vec<_> = found.difference(&truth).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not found: {missing:#?}\nfound, and not there: {invented:#?}");
}

/// The samples have all that the readers know of: a reader that is given up is noticed.
#[test]
fn the_samples_hold_every_form_and_every_role_that_a_page_needs() {
    let truth = truth();
    let forms: BTreeSet<&str> = truth.iter().map(|(_, form, ..)| form.as_str()).collect();
    let expected = [
        "attribute",
        "chunk_name",
        "dynamic_import",
        "import",
        "list",
        "script_url",
        "style",
        "tag",
        "web_manifest",
        "worker",
    ];
    assert_eq!(forms, expected.into());
    let roles: BTreeSet<&str> = truth.iter().map(|(_, _, role, _)| role.as_str()).collect();
    for role in [Role::Script, Role::Module, Role::Style, Role::Font, Role::WebManifest, Role::Image, Role::Page] {
        assert!(roles.contains(serde_json::to_value(role).unwrap().as_str().unwrap()), "{role:?}");
    }
}

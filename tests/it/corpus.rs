//! Real builds of many frameworks, twice each: what is recorded of them in corpus/projects, judged again.
//!
//! `corpus/build.py OUT` makes the builds, and `cargo run --example record -- OUT` reads them as a publish would and writes the
//! records: what the files refer to, which names are proven, what manifests say. The tests here then need no build.
//! `cargo test --test it corpus -- --nocapture` prints the tables.

mod reading;
mod record;

mod cases;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use publish::content::closure::{Closure, Surroundings, Use};
use publish::content::path::SitePath;
use publish::content::references::{ANY, Form, Manner, Reference, References, Role};
use publish::site::fingerprint::{self, Declared, Traces, Verdict};
use publish::types::digest::Digest;
use publish::types::headers::Kind;

use self::record::{Build, File, Record, folder, secret_rules};

/// How much of what is fingerprinted must be recognised, in percent, overall and in each project.
const LEAST_RECALL_PERCENT: usize = 95;

/// Projects that fall below, with how much of each is recognised in percent, and why.
const BELOW: [(&str, usize, &str); 2] = [
    ("sprockets", 75, "the time is in the compressed copies"),
    ("vite-2", 80, "entries name style sheets, and change with them under their names, though not in this pair"),
];

/// A project with the truth about it.
struct Project {
    name: String,
    record: Record,
    fingerprinted: BTreeSet<String>,
}

impl Build {
    fn references(&self) -> BTreeMap<SitePath, References> {
        let read = |(path, file): (&SitePath, &File)| {
            let list = file.references.iter().map(|(written, role, form, line)| Reference {
                written: Arc::from(written.as_str()),
                role: *role,
                form: *form,
                line: *line,
            });
            let imports = file.imports.iter().map(|(name, to)| (Arc::from(name.as_str()), Arc::from(to.as_str())));
            let base = file.base.as_deref().map(Arc::from);
            let choices = file.choices.iter().map(|list| list.iter().map(|one| Arc::from(one.as_str())).collect());
            let (imports, list, choices) = (imports.collect(), list.collect(), choices.collect());
            (path.clone(), References { base, imports, list, choices })
        };
        self.files.iter().map(read).filter(|(_, references)| !references.is_empty()).collect()
    }

    fn verdicts(&self) -> BTreeMap<SitePath, Verdict> {
        let closure = closure(&self.files, &self.references());
        let files = self.files.iter().map(|(path, file)| (path, &file.traces));
        let facts = fingerprint::facts(files, &closure);
        let mut declared = Declared::default();
        self.manifests.iter().for_each(|(path, text)| declared.read(path, text.as_bytes()));
        fingerprint::judge(&facts, &declared)
    }
}

fn closure<F>(files: &BTreeMap<SitePath, F>, references: &BTreeMap<SitePath, References>) -> Closure {
    let surroundings = Surroundings { url: None, is_external: &|_| false };
    Closure::of(files.keys().cloned().collect(), references, surroundings)
}

fn projects() -> Vec<Project> {
    let mut projects: Vec<Project> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| {
            let folder = entry.unwrap().path();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let packed =
                std::fs::File::open(folder.join("record.json.gz")).unwrap_or_else(|error| panic!("{name}: {error}"));
            let record = serde_json::from_reader(flate2::read::GzDecoder::new(packed)).unwrap();
            let truth = std::fs::read_to_string(folder.join("truth.tsv")).unwrap();
            let lines = truth.lines().map(|line| line.split('\t').collect::<Vec<_>>());
            let fingerprinted = lines.filter(|fields| fields[0] == "fingerprinted").map(|fields| fields[3].to_owned());
            Project { name, record, fingerprinted: fingerprinted.collect() }
        })
        .collect();
    projects.sort_by(|one, other| one.name.cmp(&other.name));
    projects
}

#[test]
fn nothing_mutable_is_called_immutable_and_most_of_the_rest_is_recognised() {
    let (mut all, mut recognised, mut wrong, mut below) = (0, 0, Vec::new(), Vec::new());
    println!("{:<24} {:>13} {:>10} {:>9} {:>7}", "project", "fingerprinted", "recognised", "precision", "recall");
    for Project { name, record, fingerprinted } in projects() {
        let (mut of_project, mut found, mut mistaken) = (0, 0, 0);
        for build in [&record.a, &record.b] {
            for (path, verdict) in build.verdicts() {
                let (is, called) = (fingerprinted.contains(path.as_str()), verdict.kind == Kind::Fingerprinted);
                of_project += usize::from(is);
                found += usize::from(is && called);
                if is && !called {
                    println!("not recognised: {name}: {path}, because {} (rule {})", verdict.because(), verdict.rule);
                }
                if called && !is {
                    mistaken += 1;
                    wrong.push(format!("{name}: {path}, because {} (rule {})", verdict.because(), verdict.rule));
                }
            }
        }
        println!(
            "{name:<24} {of_project:>13} {found:>10} {:>8}% {:>6}%",
            percent(found, found + mistaken),
            percent(found, of_project)
        );
        let exception = BELOW.iter().find(|(below, ..)| *below == name);
        let least = exception.map_or(LEAST_RECALL_PERCENT, |(_, least, _)| *least);
        if percent(found, of_project) < least {
            below.push(format!("{name}: {found} of {of_project}"));
        }
        assert!(
            exception.is_none() || percent(found, of_project) < LEAST_RECALL_PERCENT,
            "{name} is not below any more"
        );
        (all, recognised) = (all + of_project, recognised + found);
    }
    println!(
        "{:<24} {all:>13} {recognised:>10} {:>8}% {:>6}%",
        "all",
        percent(recognised, recognised + wrong.len()),
        percent(recognised, all)
    );
    assert_eq!(wrong, [""; 0], "mutable files are called immutable");
    assert_eq!(below, [""; 0], "too few are recognised");
    assert!(percent(recognised, all) >= LEAST_RECALL_PERCENT, "{recognised} of {all}");
}

/// Projects in which what people copy so is recognised: their tools write tags as people do, or leave them to people
/// (and so do those that Next has its own folder for, to which nobody copies by hand).
const COPIES_RECOGNISED: [&str; 27] = [
    "angular",
    "astro",
    "astro-starlight",
    "coverage-py",
    "django",
    "django-whitenoise",
    "eleventy",
    "ember",
    "esbuild",
    "expo",
    "farm",
    "flask-static-digest",
    "gulp-rev",
    "hugo",
    "laravel-vite",
    "mkdocs-material",
    "next-pages",
    "next-pinned",
    "next-turbopack",
    "next-webpack",
    "nuxt-2",
    "parcel",
    "react-router",
    "rollup",
    "rustdoc",
    "sprockets",
    "vuepress-1",
];

/// Somebody puts scripts and styles beside what a bundler wrote, under names that are made as its names are, and loads them
/// as people load theirs.
#[test]
fn what_people_copy_beside_what_a_bundler_wrote_is_not_recognised() {
    let mut recognised = Vec::new();
    for Project { name, record, fingerprinted } in projects() {
        let (mut changed, mut copies) = (record.a.clone(), BTreeSet::new());
        for (page, file) in record.a.files.iter().filter(|(path, _)| path.is_page()) {
            for (written, role, form, line) in &file.references {
                let loaded =
                    |path: &&SitePath| written.ends_with(path.file_name()) && fingerprinted.contains(path.as_str());
                let Some(path) = record.a.files.keys().find(loaded).filter(|_| matches!(form, Form::Tag(_))) else {
                    continue;
                };
                let Some(copy) = copy_of(path) else { continue };
                let manner = match role {
                    Role::Style => Manner::of(["rel", "href"]),
                    Role::Module => Manner::of(["type", "src"]),
                    _ => Manner::of(["src"]),
                };
                let written = written.replace(path.file_name(), copy.file_name());
                changed.files.get_mut(page).unwrap().references.push((written, *role, Form::Tag(manner), *line));
                changed.files.insert(copy.clone(), copied());
                copies.insert(copy);
            }
        }
        let verdicts = changed.verdicts();
        let wrong = copies.iter().filter(|copy| verdicts[*copy].kind == Kind::Fingerprinted).count();
        println!("{name:<24} {:>4} copies, {wrong:>4} recognised", copies.len());
        if wrong > 0 {
            recognised.push(name);
        }
    }
    assert_eq!(recognised, COPIES_RECOGNISED);
}

fn copied() -> File {
    let references = Vec::new();
    let (imports, choices) = (Vec::new(), Vec::new());
    File { sha256: Digest::of(b"copied"), traces: Traces::default(), base: None, imports, references, choices }
}

/// A file of another name beside `path`, with a hash of the same kinds of characters.
fn copy_of(path: &SitePath) -> Option<SitePath> {
    let name = path.file_name();
    let mut parts: Vec<&str> = name.split(['.', '-', '_']).collect();
    parts.pop();
    let token = parts
        .iter()
        .filter(|part| part.len() >= 5)
        .filter(|part| part.bytes().any(|byte| byte.is_ascii_digit()))
        .max_by_key(|part| part.len())?;
    let other: String = token.chars().rev().collect();
    let at = name.rfind(token)?;
    let before = &name[..at];
    let copied = if before.is_empty() { String::new() } else { format!("copied{}", &before[before.len() - 1..]) };
    SitePath::new(format!("{}{copied}{other}{}", path.as_str().strip_suffix(name)?, &name[at + token.len()..])).ok()
}

fn percent(part: usize, of: usize) -> usize {
    (part * 100).checked_div(of).unwrap_or(100)
}

#[test]
fn nothing_that_is_called_immutable_changes_in_the_next_build() {
    let mut kept = 0;
    for Project { name, record, .. } in projects() {
        let (before, after) = (record.a.verdicts(), record.b.verdicts());
        for (path, file) in &record.a.files {
            let Some(next) = record.b.files.get(path) else { continue };
            let immutable = |verdicts: &BTreeMap<SitePath, Verdict>| verdicts[path].kind == Kind::Fingerprinted;
            if immutable(&before) || immutable(&after) {
                assert_eq!(file.sha256, next.sha256, "{name}: {path} has other bytes under the same name");
                kept += 1;
            }
        }
    }
    assert!(kept > 500, "{kept}");
}

/// What untouched builds name and do not have, which is a warning: how much of it, and what.
const LACKING: [(&str, usize, &str); 9] = [
    ("astro", 1, "an image of a style sheet, which the tool made smaller under another name"),
    ("ember", 1, "a web manifest names an icon by the name that it had before the build"),
    ("jupyterlite", 2, "a script that nothing loads imports one that was never there; a page that was not asked for"),
    ("modern-js", 2, "a web manifest that was copied to another folder"),
    ("observable-framework", 29, "libraries that the runtime would import if a page used them"),
    ("pelican", 1, "a web manifest that was copied to another folder"),
    ("rustdoc", 3, "there is no page at the top"),
    ("storybook", 2, "parts of the manager that it has twice, of which one lacks a chunk"),
    ("waku", 1, "an address of its server while developing"),
];

#[test]
fn untouched_builds_lack_nothing_that_their_pages_need() {
    let mut lacking = BTreeMap::new();
    for Project { name, record, .. } in projects() {
        for build in [&record.a, &record.b] {
            let closure = closure(&build.files, &build.references());
            let broken: Vec<_> = closure.broken.iter().filter(|broken| broken.essential).collect();
            assert!(broken.is_empty(), "{name}: {broken:#?}");
            if !closure.broken.is_empty() {
                lacking.insert(name.clone(), closure.broken.len());
            }
        }
    }
    let expected = LACKING.map(|(name, count, _)| (name.to_owned(), count));
    assert_eq!(lacking, expected.into());
}

/// What a page needs, and each framework names in its own way.
const KINDS: [&str; 5] = ["chunk", "imported when needed", "style sheet", "font in CSS", "image in srcset"];

/// What nobody misses, by the end of its path, and why that cannot be known.
const UNMISSED: [(&str, &str); 4] = [
    ("assets/banner-Summer24.jpg", "named by an absolute address alone, and nothing says that the host is the site's"),
    ("assets/javascripts/workers/search.2c215733.min.js", "named by a text in JSON alone"),
    ("assets/javascripts/workers/search.c47bb847.min.js", "named by a text in JSON alone"),
    ("search/lunr.js", "named by a list of one, which could be anything"),
];

/// Projects that need nothing of a kind, as [`KINDS`], and why.
const NOTHING_OF_A_KIND: [&[(&str, &[&str])]; KINDS.len()] = [
    &[],
    &[
        (
            "no module is imported when it is needed",
            &[
                "coverage-py",
                "django",
                "django-whitenoise",
                "doxygen",
                "eleventy",
                "expo",
                "flask-static-digest",
                "gulp-rev",
                "hexo",
                "hugo",
                "jekyll",
                "mkdocs-material",
                "mkdocs-plain",
                "pelican",
                "rustdoc",
                "sphinx",
                "sprockets",
                "zensical",
            ],
        ),
        ("the lists of the runtime name it, as other chunks", &["farm", "next-turbopack"]),
    ],
    &[
        ("styles are in the page or in a script", &["gatsby", "jupyterlite", "qwik", "stencil"]),
        ("a runtime names them, as chunks", &["rspack-federation"]),
    ],
    &[
        ("the font is in the style sheet or the page", &["bun", "expo", "gatsby", "modern-js", "vuepress-1"]),
        ("there is none", &["coverage-py", "doxygen", "observable-framework"]),
        ("scripts name the fonts", &["jupyterlite"]),
    ],
    &[("the images of the set are in a script", &["bun", "modern-js", "umi"]), ("there is none", &["jupyterlite"])],
];

fn kind_of(used: &Use<'_>) -> Option<usize> {
    match (used.role, used.form) {
        (_, Form::DynamicImport | Form::ChunkName) => Some(1),
        (Role::Module | Role::Script, _) => Some(0),
        (Role::Style, _) => Some(2),
        (Role::Font, Form::Style) => Some(3),
        (Role::Image, Form::Attribute) => Some(4),
        _ => None,
    }
}

/// Whether what is missing is that file. Where a runtime has only one chunk of a kind, the name has no table and a hole.
fn names(resolved: &str, path: &str) -> bool {
    resolved == path
        || resolved.split_once(ANY).is_some_and(|(start, end)| path.starts_with(start) && path.ends_with(end))
}

#[test]
fn whatever_is_taken_out_of_a_build_is_missed() {
    println!("{:<24} {}", "project", KINDS.map(|kind| format!("{kind:>22}")).concat());
    let (mut unmissed, mut nothing) = (Vec::new(), [const { BTreeSet::new() }; KINDS.len()]);
    for Project { name, record, .. } in projects() {
        let mut build = record.a;
        let references = build.references();
        let whole = closure(&build.files, &references);
        let mut needed: BTreeMap<SitePath, BTreeSet<usize>> = BTreeMap::new();
        for path in build.files.keys() {
            for used in whole.uses(path).filter(|used| used.file != path && used.form != Form::Text) {
                needed.entry(used.file.clone()).or_default().extend(kind_of(&used));
            }
        }
        let mut found = [0; KINDS.len()];
        for (path, kinds) in needed.iter().filter(|(_, kinds)| !kinds.is_empty()) {
            let file = build.files.remove(path).unwrap();
            let broken = closure(&build.files, &references).broken;
            let missed = broken.iter().any(|broken| names(&broken.resolved, path.as_str()));
            if !missed && !UNMISSED.iter().any(|(known, _)| *known == path.as_str()) {
                unmissed.push(format!("{name}: {path}"));
            }
            build.files.insert(path.clone(), file);
            kinds.iter().for_each(|kind| found[*kind] += 1);
        }
        println!("{name:<24} {}", found.map(|count| format!("{count:>22}")).concat());
        for (nothing, _) in nothing.iter_mut().zip(found).filter(|(_, found)| *found == 0) {
            nothing.insert(name.clone());
        }
    }
    assert_eq!(unmissed, [""; 0], "nobody misses these");
    for ((kind, nothing), expected) in KINDS.iter().zip(nothing).zip(NOTHING_OF_A_KIND) {
        let expected = expected.iter().flat_map(|(_, names)| *names).map(|name| (*name).to_owned());
        assert_eq!(nothing, expected.collect(), "{kind}");
    }
}

/// Of how many of the bundlers' own scripts and style sheets nothing is found that refers to them, so that nobody would miss
/// them, and why.
const UNREFERRED: [(&str, usize, &str); 13] = [
    ("bun", 1, "nothing names the style sheet of a part that is loaded when it is needed"),
    ("django", 97, "copies of the admin's and of whole libraries, which no page uses"),
    ("ember", 5, "copies, and a chunk, whose names stand nowhere"),
    ("esbuild", 2, "an entry that no page loads, and a style sheet that nothing names"),
    ("mkdocs-material", 1, "for a palette that the site does not choose"),
    ("next-pinned", 6, "parts that the framework loads by names of its own, or never"),
    ("next-turbopack", 3, "as next-pinned"),
    ("next-webpack", 12, "as next-pinned"),
    ("qwik", 1, "a style sheet that is in the pages too"),
    ("remix-spa", 1, "a style sheet of what runs on a server"),
    ("rustdoc", 16, "the search's script puts the names together"),
    ("stencil", 1, "a style sheet that is in the pages too"),
    ("zensical", 3, "for a palette or a look that the site does not choose"),
];

#[test]
fn what_bundlers_write_is_referred_to() {
    let mut unreferred: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut of_all = 0;
    for Project { name, record, fingerprinted } in projects() {
        let references = record.a.references();
        let whole = closure(&record.a.files, &references);
        let uses = record.a.files.keys().flat_map(|path| whole.uses(path)).filter(|used| used.form != Form::Text);
        let used: BTreeSet<&SitePath> = uses.map(|used| used.file).collect();
        let is_code = |path: &&SitePath| [".js", ".mjs", ".css"].iter().any(|end| path.as_str().ends_with(end));
        for path in record.a.files.keys().filter(is_code).filter(|path| fingerprinted.contains(path.as_str())) {
            of_all += 1;
            if !used.contains(path) {
                unreferred.entry(name.clone()).or_default().push(path.to_string());
            }
        }
    }
    println!("of {of_all} scripts and style sheets, nothing is found that refers to {unreferred:#?}");
    let counts: Vec<(&str, usize)> = unreferred.iter().map(|(name, paths)| (name.as_str(), paths.len())).collect();
    assert_eq!(counts, UNREFERRED.map(|(name, count, _)| (name, count)));
}

/// Changes of the rules that only let more texts pass, so that what held no secret before holds none after: the digest of the
/// rules before, the one after, and why it is so.
const NARROWED: [(&str, &str, &str); 1] = [(
    "6ff63cbffdae0a1824c35896e12f9658dfff89421e2ff060d5f5e1de5cada94e",
    "81a9820e571603592cdda44b1c07f1729842d0cd74cc9610114418beeec75535",
    "each condition came beside those before it: that the value is set to that very name, that the word ends, that it is not of words",
)];

#[test]
fn no_build_is_taken_for_a_secret_by_the_rules_of_today() {
    let rules = secret_rules().unwrap();
    for Project { name, record, .. } in projects() {
        let mut passed = record.secrets.as_str();
        while let Some((_, after, _)) = NARROWED.iter().find(|(before, ..)| *before == passed) {
            passed = after;
        }
        assert_eq!(passed, rules, "{name} was read with other rules: record the corpus anew (corpus/README.md)");
    }
}

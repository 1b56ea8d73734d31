//! References between files, and the forms of names.

use super::*;

const ENTRY: &str = "assets/index-BYf2qJoX.js";
const HOME: &str = "assets/Home-CmAoX-r_.js";

fn is_known(site: &Site, file: &str) -> bool {
    site.fingerprinted().contains(&file.to_owned())
}

/// Modules `lib/m0.js`, `lib/m1.js` and so on, as they were written, which `from` imports.
fn library(site: Site, from: &str, count: usize) -> Site {
    (0..count).fold(site, |site, number| site.import(from, &format!("lib/m{number}.js")))
}

#[test]
fn a_file_that_refers_to_many_without_a_hash_was_written_by_hand() {
    let hashed = "assets/shared-C7TeAxY1.js";
    for (others, expected) in [(2, true), (3, true), (4, false)] {
        let site = library(Site::default(), "lib/all.js", others).import("lib/all.js", hashed);
        assert_eq!(is_known(&site, hashed), expected, "one hash of {}", others + 1);
    }
    // A reference that anyone may write is no evidence.
    let scripts = ["js/a.js", "js/b.js", "js/c.js", "js/d.js", "js/e.js"];
    let site = scripts.iter().fold(vite(), |site, script| site.script("index.html", script));
    assert_eq!(site.fingerprinted(), vite().fingerprinted());
    let alone =
        scripts.iter().fold(Site::default().module("index.html", ENTRY), |site, one| site.script("index.html", one));
    assert_eq!(alone.fingerprinted(), [ENTRY]);
}

#[test]
fn what_a_page_imports_or_lists_people_may_have_written() {
    for form in [Form::Import, Form::DynamicImport, Form::List, Form::ChunkName, Form::Worker] {
        let by = |from: &str| Site::default().tie(from, "js/lib-C7TeAxY1.js", Role::Module, form);
        assert_eq!(by("index.html").fingerprinted(), [""; 0], "{form:?}");
        assert_eq!(by("js/app.js").fingerprinted(), ["js/lib-C7TeAxY1.js"], "{form:?}");
    }
}

#[test]
fn a_hash_may_be_the_whole_name_or_begin_it() {
    // The names of the others are the evidence for `DI90Dtcq`.
    for (entry, chunk) in [
        ("_nuxt/BYf2qJoX.js", "_nuxt/DI90Dtcq.js"),
        ("js/BYf2qJoX.main.js", "js/DI90Dtcq.lazy.js"),
        ("js/main_BYf2qJoX.js", "js/lazy_DI90Dtcq.js"),
    ] {
        let site = Site::default().module("index.html", entry).import(entry, chunk);
        assert_eq!(site.fingerprinted(), BTreeSet::from([entry, chunk]).into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn few_digits_are_a_hash_where_several_chunks_have_them() {
    // Nuxt 2.
    let site = Site::default().script("index.html", "_nuxt/1bb638f.js").chunk("_nuxt/1bb638f.js", "_nuxt/5ca14d4.js");
    assert_eq!(site.fingerprinted(), [""; 0]);
    let site = site.chunk("_nuxt/1bb638f.js", "_nuxt/9d27e50.js");
    assert_eq!(site.fingerprinted(), ["_nuxt/1bb638f.js", "_nuxt/5ca14d4.js", "_nuxt/9d27e50.js"]);
    let loaded = ["_nuxt/1bb638f.js", "_nuxt/5ca14d4.js", "_nuxt/9d27e50.js"];
    let loaded = loaded.iter().fold(Site::default(), |site, script| site.script("index.html", script));
    assert_eq!(loaded.fingerprinted(), [""; 0], "anybody loads scripts so");
}

#[test]
fn a_module_elsewhere_may_be_a_copy_unless_a_script_imports_it() {
    let (copy, own) = ("lib/worker-DI90Dtcq.js", "assets/widgets/clock-DI90Dtcq.js");
    assert!(!is_known(&vite().module("index.html", copy), copy));
    assert_eq!(vite().import(ENTRY, copy).rule(copy), "bundler-reference", "a script imports it");
    assert!(is_known(&vite().module("index.html", copy).import(copy, HOME), copy), "it imports a bundler's file");
    assert_eq!(vite().module("index.html", own).rule(own), "bundler-reference", "it lies below the bundler's files");
    // Where the bundler writes to the top of the site, all lies below.
    let top =
        || Site::default().module("index.html", "index-BYf2qJoX.js").import("index-BYf2qJoX.js", "lazy-Dx92_kLm.js");
    assert_eq!(top().fingerprinted(), ["index-BYf2qJoX.js", "lazy-Dx92_kLm.js"]);
    assert_eq!(top().module("index.html", copy).fingerprinted(), top().fingerprinted());
}

#[test]
fn a_long_hash_speaks_for_itself() {
    let digest = "lib/jquery-de9fa43a30a82af97895ddd83fd7b35e.js";
    assert_eq!(Site::default().script("index.html", digest).rule(digest), "long-hash");
    let short = "lib/tracker-8d7f6a5b4c3e2f1a9b80.js";
    assert_eq!(vite().module("index.html", short).rule(short), "long-hash", "a page loads it as a module");
    assert_eq!(vite().script("index.html", short).rule(short), "no-evidence", "anybody loads a script so");
}

#[test]
fn what_reads_as_words_is_known_by_its_kin() {
    let words = "assets/Card-DumwnNQE.js";
    let with = |site: Site| is_known(&site, words);
    assert!(with(vite().import(ENTRY, words)), "a file of the bundler's imports it");
    assert!(with(vite().import("assets/app.js", words).import("assets/app.js", HOME)), "it is imported with one");
    assert!(with(vite().module("index.html", words).import(words, HOME)), "it imports one");
    assert!(!with(vite().import("assets/app.js", words)), "it is not known what imports it");
    assert!(!with(vite().import("assets/app.js", words).text("assets/app.js", HOME)), "anybody may name a file");
    assert!(!with(vite().module("index.html", words).text(words, HOME)));
    let by_hand = library(vite().import("assets/all.js", HOME), "assets/all.js", 8).import("assets/all.js", words);
    assert!(!with(by_hand), "what imports both was written by hand");
}

#[test]
fn what_a_person_made_up_is_no_hash_whatever_imports_it() {
    for file in ["assets/report-20240115.js", "assets/lib-a1b2c3d4.js", "assets/lib-deadbeef.js"] {
        assert_eq!(vite().import(ENTRY, file).fingerprinted(), vite().fingerprinted(), "{file}");
    }
}

#[test]
fn a_script_without_what_is_in_its_page_has_the_hash_of_the_whole() {
    // VitePress.
    let (page, lean) = ("assets/guide.md.C7TeAxY1.js", "assets/guide.md.C7TeAxY1.lean.js");
    let mut site = vite().lazy(ENTRY, page);
    site.files.insert(path(lean), Facts::default());
    assert_eq!(site.rule(lean), "same-hash");
    assert_eq!(site.basis(lean), Basis::Sibling { token: "C7TeAxY1".to_owned(), of: page.to_owned() });
    let mut alone = vite();
    alone.files.insert(path(lean), Facts::default());
    assert_eq!(alone.basis(lean), Basis::None);
}

#[test]
fn only_a_file_of_the_other_kind_is_named_after_one_of_the_bundlers() {
    let style = "assets/print-Dk3Xa92b.css";
    let site = || vite().style("index.html", style);
    let with = |site: Site, file: &str| {
        let mut site = site;
        site.files.entry(path(file)).or_default();
        site.rule(file)
    };
    assert_eq!(site().rule(style), "bundler-tag");
    let module = "assets/print-CWp8jf3R.js";
    assert_eq!(with(site(), module), "no-evidence", "no page loads it");
    assert_eq!(with(site().script("index.html", module), module), "no-evidence", "a classic script beside modules");
    assert_eq!(with(site(), "assets/print-C7TeAxY1.css"), "no-evidence", "it is of the same kind");
    let (script, own) = ("assets/Home-Dx92_kLm.css", "assets/Home-DOWNLOAD.css");
    assert_eq!(with(vite(), script), "style-of-script");
    assert_eq!(with(vite(), own), "no-evidence", "that is a word");
}

/// The position of a hash in the name of a proven picture applies to the names beside it, if the bundler names both alike.
#[test]
fn pictures_of_another_tool_tell_nothing_of_scripts() {
    let entry = "assets/index-DI90Dtcq.js";
    let beside = |picture: Site| is_known(&picture.module("index.html", entry), entry);
    assert!(beside(Site::default().rollups("assets/hero-PLroEnow.png", "PLroEnow")));
    assert!(!beside(Site::default().proven("assets/hero-3f2a1b9c.png", "3f2a1b9c")), "in hexadecimal digits");
    assert!(!beside(Site::default().webpacks("assets/hero-3f2a1b9c.png", "3f2a1b9c")));
    // A word is no hash for that, and so tells nothing of others.
    let site = Site::default()
        .rollups("assets/hero-PLroEnow.png", "PLroEnow")
        .module("index.html", "assets/index-Download.js")
        .style("index.html", "assets/theme-Dk3Xa92b.css");
    assert_eq!(site.fingerprinted(), ["assets/hero-PLroEnow.png"]);
}

#[test]
fn only_style_sheets_beside_pictures_of_rollup_3_should_be_proven() {
    let site = |picture: fn(Site) -> Site| {
        let site = Site::default()
            .script("index.html", "_astro/main.76ab81ca.js")
            .script("index.html", "_astro/page.8d7f6a5b.js")
            .style("index.html", "_astro/theme.3f9c2e1b.css")
            .import("_astro/main.76ab81ca.js", "_astro/lazy.a3a16eda.js");
        let site = picture(site);
        (site.rule("_astro/theme.3f9c2e1b.css"), site.rule("_astro/page.8d7f6a5b.js"))
    };
    assert_eq!(site(|site| site.proven("_astro/hero.552f1967.png", "552f1967")), ("no-evidence", "bundler-tag"));
    assert_eq!(site(|site| site.webpacks("_astro/hero.552f1967.png", "552f1967")), ("bundler-tag", "bundler-tag"));
    assert_eq!(site(|site| site.rollups("_astro/hero.DlIEWTLw.png", "DlIEWTLw")), ("bundler-tag", "bundler-tag"));
}

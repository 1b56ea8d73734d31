//! A hash that a chunk may have from a library's file, after which the bundler named it.

use super::*;

const ENTRY: &str = "assets/index.js";
const LIB: &str = "assets/lib-CBtriEt5.js";
/// As Vite writes its tags.
const VITES: &[&str] = &["type", "crossorigin", "src"];
const PLAIN: &[&str] = &["type", "src"];

/// A script without a hash that a page loads, and a chunk that it imports.
fn site() -> Site {
    Site::default().tag("index.html", ENTRY, PLAIN).import(ENTRY, LIB)
}

#[test]
fn where_another_chunk_has_no_hash_that_of_a_chunk_may_be_a_librarys() {
    assert_eq!(site().rule(LIB), "bundler-reference");
    let proven = |site: Site| site.proven("assets/vendor.js", "vendor");
    for (inherited, why) in [
        (site().import(ENTRY, "assets/vendor.js"), "imported"),
        (site().lazy(ENTRY, "assets/vendor.js"), "imported late"),
        (Site::default().tag("index.html", ENTRY, VITES).import(ENTRY, LIB), "the entry as Vite loads it"),
    ] {
        assert_eq!(inherited.rule(LIB), "inherited-hash", "{why}");
    }
    let library = ["a", "b", "c", "d"]
        .iter()
        .fold(Site::default(), |site, name| site.import("demo/app.js", &format!("demo/{name}.js")));
    let copied = library.import("demo/app.js", "assets/copy.3f2a1b9c8d7e.js");
    let copied = copied.tag("index.html", ENTRY, PLAIN).import(ENTRY, LIB);
    for (own, why) in [
        (site().import(ENTRY, "assets/vendor-Dx92_kLm.js"), "all have hashes"),
        (site().import(ENTRY, "assets/vendor-DOWNLOAD.js"), "it has a hash, though one that reads as a word"),
        (site().import(ENTRY, "lib/vendor.js"), "it lies elsewhere"),
        (site().import(ENTRY, "assets/theme.css"), "a style sheet is no chunk"),
        (site().text(ENTRY, "assets/worker.js"), "it is named and not imported"),
        (site().import("assets/embed.js", "assets/embed.js"), "it imports itself"),
        (site().import("index.html", "assets/own.js"), "a page imports what people wrote"),
        (site().tag("index.html", "assets/theme.js", VITES), "it loads no other"),
        (proven(site().import(ENTRY, "assets/vendor.js")), "its name is a digest"),
        (copied, "a copy that people import, with a hash of another kind"),
    ] {
        assert_eq!(own.rule(LIB), "bundler-reference", "{why}");
    }
}

#[test]
fn what_the_site_itself_names_inherits_no_hash() {
    let with = |site: Site| site.import(ENTRY, "assets/vendor.js");
    assert_eq!(with(site()).rule(LIB), "inherited-hash");
    assert_eq!(with(site().tag("index.html", LIB, PLAIN)).rule(LIB), "bundler-reference", "a page loads it");
    assert_eq!(with(site().import("index.html", LIB)).rule(LIB), "bundler-reference", "a page imports it");
    assert_eq!(with(site().module("index.html", LIB)).rule(LIB), "inherited-hash", "a page has it fetched ahead");
    assert_eq!(with(site().chunk(ENTRY, LIB)).rule(LIB), "bundler-reference", "its name is put together of a table");
}

#[test]
fn the_style_sheet_of_a_script_without_a_hash_has_its_own() {
    let style = "assets/Home-Dx92_kLm.css";
    let with = |script: &str| site().lazy(ENTRY, script).list(ENTRY, style).rule(style);
    assert_eq!(with("assets/Home.js"), "bundler-reference");
    assert_eq!(with("assets/Other.js"), "inherited-hash");
}

//! Scripts into which something is written after their hash was computed.

use super::*;
use crate::content::stamp::Stamp;

const OLD: &str = "assets/index.76ab81ca.js";

/// A script of Vite 2, or of a name as one, that a page loads.
fn named(entry: &str) -> Site {
    Site::default().tag("index.html", entry, &["type", "crossorigin", "src"])
}

#[test]
fn old_vite_changes_what_imports_late_and_lists_styles() {
    let (lazy, style) = ("assets/lazy.a3a16eda.js", "assets/lazy.61813076.css");
    let late = named(OLD).lazy(OLD, lazy).list(OLD, style);
    assert_eq!(late.rule(OLD), "old-vite-styles");
    for (site, why) in [
        (named(OLD).import(OLD, lazy).list(OLD, style), "it imports nothing late"),
        (named(OLD).lazy(OLD, lazy).list(OLD, lazy), "it lists scripts alone, whose names were known"),
    ] {
        assert_eq!(site.rule(OLD), "bundler-reference", "{why}");
    }
    for entry in ["assets/index.BYf2qJoX.js", "assets/index.76ab81cad0f2.js"] {
        let site = named(entry).lazy(entry, "assets/lazy.Dx92_kLm.js").list(entry, "assets/lazy.C7TeAxY1.css");
        assert_eq!(site.rule(entry), "bundler-reference", "no Vite of then wrote {entry}");
    }
}

#[test]
fn a_list_for_an_import_without_a_hash_changes_what_holds_it() {
    const ENTRY: &str = "assets/index-BYf2qJoX.js";
    let site = || named(ENTRY).import(ENTRY, "assets/Home-CmAoX-r_.js");
    for unhashed in ["assets/editor.js", "assets/user-settings.js", "assets/Button.vue.js", "assets/a-12345678.js"] {
        let listing = site().lazy(ENTRY, unhashed).list(ENTRY, unhashed);
        assert_eq!(listing.rule(ENTRY), "vite-unhashed-import", "{unhashed}");
    }
    for hashed in ["assets/Editor-Dx92_kLm.js", "assets/Editor-DumwnNQE.js"] {
        let listing = site().lazy(ENTRY, hashed).list(ENTRY, hashed);
        assert_eq!(listing.rule(ENTRY), "bundler-reference", "{hashed}");
    }
    // Hashes of 10 characters, as a site may ask for.
    let (entry, lazy) = ("assets/index-BYf2qJoXz1.js", "assets/Editor-BYf2-JoXq1.js");
    let long = named(entry).lazy(entry, lazy).list(entry, lazy);
    assert_eq!(long.rule(entry), "bundler-reference");
    for (other, why) in [
        (site().import(ENTRY, "assets/app.js").list(ENTRY, "assets/app.js"), "it imports it at once"),
        (
            site().lazy(ENTRY, "assets/Home-CmAoX-r_.js").list(ENTRY, "assets/app.js"),
            "it is no list for an import: those hold what is imported too",
        ),
        (site().lazy(ENTRY, "assets/editor.js").list(ENTRY, "assets/Home-CmAoX-r_.js"), "it is not in the list"),
        (
            site()
                .lazy(ENTRY, "assets/Home-CmAoX-r_.js")
                .list(ENTRY, "assets/Home-CmAoX-r_.js")
                .list(ENTRY, "assets/a.css"),
            "a style sheet imports nothing",
        ),
    ] {
        assert_eq!(other.rule(ENTRY), "bundler-reference", "{why}");
    }
}

#[test]
fn nuxt_lists_files_in_what_imports_its_entry_by_name() {
    const PAGE: &str = "_nuxt/about-Dx92_kLm.js";
    let site = |by_name: bool, lists: bool| {
        let mut site = Site::default()
            .module("index.html", "_nuxt/index-BYf2qJoX.js")
            .lazy("_nuxt/index-BYf2qJoX.js", PAGE)
            .import(PAGE, "_nuxt/index-BYf2qJoX.js");
        site.files.get_mut(&path(PAGE)).unwrap().ties[0].by_name = by_name;
        if lists { site.list(PAGE, "_nuxt/about-C7TeAxY1.css") } else { site }
    };
    assert_eq!(site(true, true).rule(PAGE), "import-map-entry");
    assert_eq!(site(true, false).rule(PAGE), "bundler-reference", "its hash was taken of all that it holds");
    assert_eq!(site(false, true).rule(PAGE), "bundler-reference", "it holds the names of all that it imports");
}

#[test]
fn an_id_that_another_tool_wrote_changes_a_script_under_its_name() {
    const ENTRY: &str = "assets/index-BYf2qJoX.js";
    let mut site = vite();
    assert_eq!(site.rule(ENTRY), "bundler-reference");
    site.files.get_mut(&path(ENTRY)).unwrap().traces.stamp = Some(Stamp::Posthog);
    assert_eq!(site.rule(ENTRY), "stamped");
}

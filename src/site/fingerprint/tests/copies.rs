//! How files that people copied beside a bundler's files differ from those: how pages load them, and what they belong to.

use super::*;

/// A site of Vite's as its pages load it, or as an older version does, whose links to styles have no special form.
fn tagged(style: &[&'static str]) -> Site {
    Site::default()
        .tag("index.html", "assets/index-BYf2qJoX.js", &["type", "crossorigin", "src"])
        .tag("index.html", "assets/index-Dx92_kLm.css", style)
        .tag("about.html", "assets/shared-C7TeAxY1.css", style)
        .import("assets/index-BYf2qJoX.js", "assets/lazy-DQMVvEEZ.js")
        .import("assets/lazy-DQMVvEEZ.js", "assets/index-BYf2qJoX.js")
}

#[test]
fn what_pages_load_in_another_manner_than_the_bundlers_files_is_not_recognised() {
    let with_copies = |site: Site| {
        site.tag("index.html", "assets/widget-CkQ2x9Lp.js", &["type", "src"]).tag(
            "index.html",
            "assets/theme-Dk3Xa92b.css",
            &["rel", "href"],
        )
    };
    let of = |names: &[&str]| names.iter().map(|name| format!("assets/{name}")).collect::<Vec<_>>();
    let scripts_and = |styles: &[&str]| {
        let mut all = of(&["index-BYf2qJoX.js", "lazy-DQMVvEEZ.js"]);
        all.extend(of(styles));
        all.sort();
        all
    };
    let vite = || tagged(&["rel", "crossorigin", "href"]);
    assert_eq!(vite().fingerprinted(), scripts_and(&["index-Dx92_kLm.css", "shared-C7TeAxY1.css"]));
    assert_eq!(with_copies(vite()).fingerprinted(), vite().fingerprinted());
    // A file with the name of a bundler's script is its style, whatever the tag.
    let older = || tagged(&["rel", "href"]);
    assert_eq!(older().fingerprinted(), scripts_and(&["index-Dx92_kLm.css"]));
    assert_eq!(with_copies(older()).fingerprinted(), older().fingerprinted());
}

#[test]
fn links_that_begin_with_their_address_are_webpacks() {
    let webpack = |style: &[&'static str]| {
        Site::default()
            .tag("index.html", "main.2c9d4f1b.js", &["defer", "src"])
            .tag("index.html", "main.7e1a93c4.css", style)
            .tag("index.html", "theme.3f9c2e1b.css", &["rel", "href"])
            .tag("index.html", "tracker.5b9c2e1a.js", &["src"])
            .chunk("main.2c9d4f1b.js", "883.9a7c3e5d.js")
    };
    let own = ["883.9a7c3e5d.js", "main.2c9d4f1b.js", "main.7e1a93c4.css"];
    assert_eq!(webpack(&["href", "rel"]).fingerprinted(), own);
    // If one file is linked in both ways, a tool writes both.
    let both = webpack(&["href", "rel"]).tag("200.html", "main.7e1a93c4.css", &["rel", "href"]);
    assert!(both.fingerprinted().contains(&"theme.3f9c2e1b.css".to_owned()));
}

#[test]
fn vite_2_and_3_fill_names_of_styles_in_after_the_hash_was_taken() {
    let site = |separator: char| {
        let entry = format!("assets/index{separator}76ab81ca.js");
        let lazy = format!("assets/lazy{separator}a3a16eda.js");
        let style = format!("assets/lazy{separator}61813076.css");
        Site::default()
            .tag("index.html", &entry, &["type", "crossorigin", "src"])
            .tie(&entry, &lazy, Role::Module, Form::DynamicImport)
            .tie(&entry, &lazy, Role::Module, Form::List)
            .tie(&entry, &style, Role::Style, Form::List)
    };
    assert_eq!(site('.').fingerprinted(), ["assets/lazy.61813076.css", "assets/lazy.a3a16eda.js"]);
    assert_eq!(site('-').fingerprinted().len(), 3);
}

#[test]
fn copies_teach_nothing_where_a_bundlers_own_hashes_look_like_words() {
    let copies = |site: Site| site.script("index.html", "gtm-Bx7Kq2Lm.js").style("index.html", "theme-Dk3Xa92b.css");
    assert_eq!(copies(Site::default()).fingerprinted(), ["gtm-Bx7Kq2Lm.js", "theme-Dk3Xa92b.css"]);
    let site = copies(Site::default())
        .module("index.html", "main-BEA3RUHM.js")
        .import("main-BEA3RUHM.js", "chunk-HHDH75WY.js");
    let recognised = site.fingerprinted();
    assert!(!recognised.iter().any(|path| path.contains("gtm") || path.contains("theme")), "{recognised:?}");
}

#[test]
fn a_style_sheet_beside_what_rollup_3_proves_should_be_proven_too() {
    let mut site = Site::default()
        .tag("index.html", "_astro/hoisted.76ab81ca.js", &["type", "src"])
        .tag("index.html", "_astro/theme.3f9c2e1b.css", &["rel", "href"])
        .import("_astro/hoisted.76ab81ca.js", "_astro/lazy.a3a16eda.js");
    assert!(site.fingerprinted().contains(&"_astro/theme.3f9c2e1b.css".to_owned()));
    site = site.picture("index.html", "_astro/hero.552f1967.png").proven("_astro/hero.552f1967.png", "552f1967");
    assert_eq!(
        site.fingerprinted(),
        ["_astro/hero.552f1967.png", "_astro/hoisted.76ab81ca.js", "_astro/lazy.a3a16eda.js"]
    );
}

#[test]
fn scripts_that_do_not_belong_to_webpacks_are_not_recognised() {
    let of_webpack = |mut site: Site, file: &str, array: &str| {
        site.files.get_mut(&path(file)).unwrap().traces.chunk_array = Some(array.to_owned());
        site
    };
    let tag = |site: Site, file: &str| site.tag("index.html", file, &["src"]);
    let mut site = ["runtime.08d6eaaa.js", "main.37e4df94.js", "tracker.3f9c2e1b.js", "widget.5b9c2e1a.js"]
        .into_iter()
        .fold(Site::default(), tag)
        .chunk("runtime.08d6eaaa.js", "883.9a7c3e5d.js")
        // The settings of a site, as its tool writes them into a script.
        .tie("main.37e4df94.js", "tracker.3f9c2e1b.js", Role::Module, Form::List)
        .tie("runtime.08d6eaaa.js", "counting.worker.9f153282.js", Role::Module, Form::List);
    let all = ["883.9a7c3e5d.js", "counting.worker.9f153282.js", "main.37e4df94.js", "runtime.08d6eaaa.js"];
    let copies = ["tracker.3f9c2e1b.js", "widget.5b9c2e1a.js"];
    assert_eq!(site.fingerprinted().len(), all.len() + copies.len());
    for own in ["883.9a7c3e5d.js", "main.37e4df94.js", "runtime.08d6eaaa.js"] {
        site = of_webpack(site, own, "webpackChunksite");
    }
    assert_eq!(of_webpack(site, "widget.5b9c2e1a.js", "webpackChunkwidget").fingerprinted(), all);
}

#[test]
fn modules_tell_nothing_of_how_a_bundlers_classic_script_is_loaded() {
    let site = Site::default()
        .tag("index.html", "main-7ZCX3GO7.js", &["src", "type"])
        .tag("index.html", "global-OF54FGFC.js", &["src", "defer"])
        .import("main-7ZCX3GO7.js", "chunk-A2BC3DE4.js");
    assert!(site.fingerprinted().contains(&"global-OF54FGFC.js".to_owned()), "{:?}", site.fingerprinted());
}

#[test]
fn a_bundler_is_known_among_its_own_although_few_of_its_hashes_read_as_such() {
    let site = ["HHDH75WY", "PPDUMW2G", "CAUGEM4I", "TQESGM5K"]
        .iter()
        .fold(Site::default().tag("index.html", "main-BEA3RUHM.js", &["src", "type"]), |site, token| {
            site.import("main-BEA3RUHM.js", &format!("chunk-{token}.js"))
        });
    let site = site.tag("index.html", "widget-CkQ2x9Lp.js", &["type", "src"]);
    assert_eq!(site.basis("widget-CkQ2x9Lp.js"), Basis::None);
}

#[test]
fn the_tag_of_a_cdn_tells_nothing_of_a_bundler() {
    let site = Site::default()
        .tag("index.html", "main.2c9d4f1b.js", &["src"])
        .tag("index.html", "vendor.5b9c2e1a.js", &["src"])
        .tag("index.html", "chart.min.js", &["src", "integrity", "crossorigin"]);
    assert_eq!(site.fingerprinted(), ["main.2c9d4f1b.js", "vendor.5b9c2e1a.js"]);
}

#[test]
fn an_entry_of_webpack_that_loads_no_other_is_known_by_a_tag_that_says_more() {
    let site = |attributes: &[&'static str]| {
        let mut site = Site::default()
            .tag("index.html", "index.08d6eaaa.js", attributes)
            .tag("about.html", "about.37e4df94.js", attributes)
            .chunk("index.08d6eaaa.js", "883.9a7c3e5d.js");
        let index = site.files.get_mut(&path("index.08d6eaaa.js")).unwrap();
        index.traces.chunk_array = Some("webpackChunksite".to_owned());
        site.basis("about.37e4df94.js")
    };
    assert!(matches!(site(&["defer", "src"]), Basis::Reference { .. }));
    assert_eq!(site(&["src"]), Basis::Doubt);
}

#[test]
fn a_style_sheet_that_is_proven_seals_the_others_whatever_its_hash_looks_like() {
    let site = Site::default()
        .tag("index.html", "assets/index.76ab81ca.js", &["type", "src"])
        .tag("index.html", "assets/main.5381338a.css", &["rel", "href"])
        .tag("index.html", "assets/theme.3f9c2e1b.css", &["rel", "href"])
        .proven("assets/main.5381338a.css", "5381338a")
        .import("assets/index.76ab81ca.js", "assets/lazy.a3a16eda.js");
    assert_eq!(site.basis("assets/theme.3f9c2e1b.css"), Basis::None);
}

#[test]
fn what_a_service_worker_lists_tells_nothing() {
    let list = r#"const files = ["/assets/gtm-Bx7Kq2Lm.js", "/assets/theme-Dk3Xa92b.css"];"#;
    let names = ["app.js", "assets/gtm-Bx7Kq2Lm.js", "assets/theme-Dk3Xa92b.css", "service-worker.js"].map(path);
    let text = |path: &SitePath| if path.as_str().starts_with("assets/") { "" } else { list };
    let references =
        names.iter().map(|path| (path.clone(), crate::content::references::read(path, text(path).as_bytes())));
    let surroundings = crate::content::closure::Surroundings { url: None, is_external: &|_| false };
    let closure = Closure::of(names.to_vec(), &references.collect(), surroundings);
    let none = Traces::default();
    let facts = facts(names.iter().map(|path| (path, &none)), &closure);
    assert_eq!(facts[&path("app.js")].ties.len(), 2);
    assert_eq!(facts[&path("service-worker.js")].ties, []);
}

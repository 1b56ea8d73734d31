//! What each contract of a framework finds in a path, and the traces by which the framework is recognised.

use super::*;

/// What the contract of this rule finds in a path.
fn token(id: &str, name: &str) -> Option<String> {
    let rule = RULES.iter().find(|rule| rule.id == id).unwrap();
    let rule::Evidence::Contract(token, _) = rule.evidence else { panic!("{id} is no contract") };
    token(&path(name)).map(str::to_owned)
}

#[test]
fn each_framework_writes_its_hash_in_one_place() {
    for (id, name, expected) in [
        ("astro-picture", "_astro/team.B0o66Rpf_Z1LKAFX.avif", "B0o66Rpf_Z1LKAFX"),
        ("astro-picture", "docs/_astro/hero.552f1967_1PmN0k.webp", "552f1967_1PmN0k"),
        (
            "gatsby-picture",
            "static/b7c8f0b0b0a5c1d2e3f4a5b6c7d8e9f0/a1b2c/team.png",
            "b7c8f0b0b0a5c1d2e3f4a5b6c7d8e9f0",
        ),
        ("eleventy-picture", "img/7bnnsz-Wbp-60.webp", "7bnnsz-Wbp"),
        ("hugo-picture", "team_hu_b4cc5ff75f9fd258.webp", "b4cc5ff75f9fd258"),
        (
            "hugo-picture",
            "team_hu3d31e6441bef95b4cc5ff75f9fd25820_12268_80x0_resize_q75.webp",
            "3d31e6441bef95b4cc5ff75f9fd25820",
        ),
        ("next-build", "_next/static/gX5NAZBKAIzAO1Gx7u2td/_buildManifest.js", "gX5NAZBKAIzAO1Gx7u2td"),
        ("next-chunk", "_next/static/chunks/app/layout-45402375685b1204.js", "45402375685b1204"),
        ("expressive-code", "_astro/ec.8zarh.js", "8zarh"),
        ("expressive-code", "docs/_astro/ec.v4551.css", "v4551"),
        ("expo-picture", "assets/images/logo.9d1c6f0b2a3e4d5c8b7a6f5e4d3c2b1a.png", "9d1c6f0b2a3e4d5c8b7a6f5e4d3c2b1a"),
        ("expo-picture", "assets/logo.9d1c6f0b2a3e4d5c8b7a6f5e4d3c2b1a@2x.png", "9d1c6f0b2a3e4d5c8b7a6f5e4d3c2b1a"),
        ("pagefind-part", "pagefind/fragment/en_2c8e2a4.pf_fragment", "2c8e2a4"),
        ("pagefind-part", "pagefind/index/en_3f2a1b9c.pf_index", "3f2a1b9c"),
        ("angular-bundle", "styles-DOWNLOAD.css", "DOWNLOAD"),
        ("angular-bundle", "polyfills-QTMLZCOV.js", "QTMLZCOV"),
        ("angular-bundle", "chunk-2L4SBGX4.js", "2L4SBGX4"),
        ("angular-scripts", "scripts.3f9c2e1b7a6d5c4b.js", "3f9c2e1b7a6d5c4b"),
        ("material-extra", "assets/javascripts/extra/bundle.5f09fbc3.min.js", "5f09fbc3"),
        ("material-file", "assets/javascripts/bundle.5f09fbc3.min.js", "5f09fbc3"),
        ("material-file", "docs/assets/stylesheets/palette.9c3e1f7a.min.css", "9c3e1f7a"),
        ("stencil-entry", "build/p-6c712035.entry.js", "6c712035"),
        ("rustdoc-index", "search.index/desc/3f2a1b9c8d7e.js", "3f2a1b9c8d7e"),
        ("rustdoc-script", "static.files/search-63369b7b.js", "63369b7b"),
        ("rustdoc-style", "static.files/rustdoc-b7b9f40b.css", "b7b9f40b"),
        ("coverage-file", "htmlcov/style_cb_6fb7b396.css", "6fb7b396"),
        ("ember-script", "assets/vendor-de9fa43a30a82af97895ddd83fd7b35e.js", "de9fa43a30a82af97895ddd83fd7b35e"),
    ] {
        assert_eq!(token(id, name).as_deref(), Some(expected), "{id}: {name}");
    }
}

/// For each rule, files that people put beside a framework's files, or that match its form except for one thing.
const DIFFERENT: &[(&str, &[&str])] = &[
    ("astro-picture", &["_astro/team.B0o66Rpf_Z1LKAFX.js", "img/team.B0o66Rpf_Z1LKAFX.avif"]),
    (
        "gatsby-picture",
        &[
            "static/b7c8f0b0b0a5c1d2/a1b2c/team.png",
            "static/b7c8f0b0b0a5c1d2e3f4a5b6c7d8e9f0/a1b2c3/team.png",
            "static/b7c8f0b0b0a5c1d2e3f4a5b6c7d8e9f0/hello/team.png",
            "static/photographs-of-the-old-town-hall/a1b2c/team.png",
            "img/b7c8f0b0b0a5c1d2e3f4a5b6c7d8e9f0/a1b2c/team.png",
        ],
    ),
    (
        "eleventy-picture",
        &[
            "img/7bnnsz-Wbp-600000.webp",
            "img/7bnnsz-Wbp-large.webp",
            "img/7bnnsz-Wb-60.webp",
            "img/photograph-60.webp",
            "img/7bnnsz-Wbp-60.js",
        ],
    ),
    (
        "hugo-picture",
        &[
            "team_hu_b4cc5ff75f9fd2.webp",
            "team_hu_greatmountainpic.webp",
            "team_hu_b4cc5ff75f9fd258.css",
            "team_hu_deadbeef5f9fd258.webp",
        ],
    ),
    (
        "next-build",
        &[
            "_next/static/gX5NAZBKAIzAO1Gx7u2td/_app.js",
            "_next/static/gX5NAZBKAIzAO1Gx7u2td/webManifest.js",
            "static/gX5NAZBKAIzAO1Gx7u2td/_buildManifest.js",
            "_next/static/2024-01-15-a1b9c2d7e5/_buildManifest.js",
        ],
    ),
    (
        "next-chunk",
        &[
            "chunks/main-5b5071cba8ffa68f.js",
            "_next/static/chunks/main-5b5071cba8ffa68f.png",
            "_next/static/chunks/main-5b5071cba8ff.js",
            "_next/static/chunks/main-greatmountainpic.js",
            "_next/static/chunks/main-2024011520240115.js",
        ],
    ),
    (
        "expressive-code",
        &["code/ec.8zarh.js", "_astro/ec.8zarh.png", "_astro/ec.8zarhq.js", "_astro/ec.Build.js", "_astro/ed.8zarh.js"],
    ),
    (
        "expo-picture",
        &[
            "images/logo.9d1c6f0b2a3e4d5c8b7a6f5e4d3c2b1a.png",
            "assets/logo.9d1c6f0b2a3e4d5c8b7a6f5e4d3c2b1a.js",
            "assets/logo.9d1c6f0b2a3e4d5c.png",
            "assets/logo.photographs-of-the-old-town-hall.png",
        ],
    ),
    (
        "pagefind-part",
        &["pagefind/en_2c8e.pf_fragment", "pagefind/en_settings.pf_fragment", "pagefind/en_2c8e2a4.json"],
    ),
    (
        "angular-bundle",
        &["chunk-DOWNLOAD.js", "styles-LATEST.css", "styles-original.css", "styles-DEADBEEF.css", "theme-IWGZERNG.css"],
    ),
    ("angular-scripts", &["scripts.3f9c2e1b.js", "polyfills.3f9c2e1b7a6d5c4b.js"]),
    (
        "material-extra",
        &[
            "assets/javascripts/extra/bundle.5f09fbc.min.js",
            "assets/javascripts/extra/bundle.settings.min.js",
            "assets/javascripts/extra/bundle.deadbeef.min.js",
        ],
    ),
    (
        "material-file",
        &[
            "assets/javascripts/theme.5f09fbc3.min.js",
            "assets/javascripts/bundle.5f09fbc.min.js",
            "assets/javascripts/bundle.settings.min.js",
            "assets/javascripts/bundle.deadbeef.min.js",
        ],
    ),
    ("stencil-entry", &["build/p-6c7120.entry.js", "build/p-settings.entry.js", "build/p-6c712035.js"]),
    (
        "rustdoc-index",
        &[
            "search.index/root.js",
            "search.index/desc/3f2a1b9c8d.js",
            "search.index/desc/descriptions.js",
            "search.index/desc/3f2a1b9c8d7e.json",
            "index/3f2a1b9c8d7e.js",
        ],
    ),
    (
        "rustdoc-script",
        &["static.files/logo-63369b7b.js", "static.files/search-deadbeef.js", "docs/search-63369b7b.js"],
    ),
    (
        "coverage-file",
        &["style_cb_6fb7b39.css", "style_cb_deadbeef.css", "logo_cb_6fb7b396.png", "style_cb_6fb7b396.png"],
    ),
    (
        "ember-script",
        &[
            "assets/vendor-de9fa43a30a82af97895ddd83fd7b35e.css",
            "assets/vendor-de9fa43a30a87af9.js",
            "assets/vendor.de9fa43a30a82af97895ddd83fd7b35e.js",
        ],
    ),
];

#[test]
fn what_differs_in_one_thing_meets_no_contract() {
    for (id, names) in DIFFERENT {
        for name in *names {
            assert_eq!(token(id, name), None, "{id}: {name}");
        }
    }
}

/// Nothing refers to these files, or a page shows one of them: another file is the trace that identifies them.
#[test]
fn a_framework_is_known_by_another_file_of_its_own() {
    let ember = "assets/app-de9fa43a30a82af97895ddd83fd7b35e.js";
    let picture = "assets/images/logo.9d1c6f0b2a3e4d5c8b7a6f5e4d3c2b1a.png";
    for (own, mark, others) in [
        (
            ember,
            "assets/vendor-d41d8cd98f00b204e9800998ecf8427e.css",
            &[
                "css/vendor-d41d8cd98f00b204e9800998ecf8427e.css",
                "assets/vendor-d41d8cd98f00b204e9800998ecf8427e.json",
                "assets/theme-d41d8cd98f00b204e9800998ecf8427e.css",
            ][..],
        ),
        ("static.files/search-63369b7b.js", "static.files/rustdoc-b7b9f40b.css", &["static.files/theme-b7b9f40b.css"]),
        ("static.files/rustdoc-b7b9f40b.css", "static.files/search-63369b7b.js", &["static.files/logo-63369b7b.js"]),
        (picture, "_expo/static/js/web/index.js", &["my_expo/static/js/web/index.js"]),
        (
            "pagefind/fragment/en_2c8e2a4.pf_fragment",
            "pagefind/pagefind-entry.json",
            &["pagefind/my-pagefind-entry.json"],
        ),
        ("search.index/desc/3f2a1b9c8d7e.js", "search.index/root.js", &["root.js"]),
    ] {
        let is_known =
            |others: &[&str]| Site::of(&[&[own][..], others].concat()).fingerprinted().contains(&own.to_owned());
        assert!(is_known(&[mark]), "{own} beside {mark}");
        assert!(!is_known(others), "{own} beside {others:?}");
    }
}

#[test]
fn files_of_a_report_are_known_where_a_page_shows_them_beside_its_script() {
    let shown = |script: &str| {
        let site = Site::of(&[script]).picture("htmlcov/index.html", "htmlcov/favicon_32_cb_58284776.png");
        site.fingerprinted().contains(&"htmlcov/favicon_32_cb_58284776.png".to_owned())
    };
    assert!(shown("htmlcov/coverage_html_cb_6fb7b396.js"));
    assert!(!shown("coverage_html_cb_6fb7b396.js"), "it lies elsewhere");
    assert!(!shown("htmlcov/style_cb_6fb7b396.css"), "it is not the report's script");
    assert!(!shown("htmlcov/app.js"));
}

#[test]
fn contracts_that_want_no_mark_hold_by_the_path_alone() {
    let own = ["_astro/ec.8zarh.js", "build/p-6c712035.entry.js", "team_hu_b4cc5ff75f9fd258.webp"];
    assert_eq!(Site::of(&own).fingerprinted(), own);
}

/// Its files are recognised if pages load them: themes are copied too.
#[test]
fn the_files_of_material_are_known_where_a_page_loads_them() {
    let own = "assets/javascripts/bundle.5f09fbc3.min.js";
    assert_eq!(Site::of(&[own]).fingerprinted(), [""; 0]);
    assert_eq!(Site::default().script("index.html", own).fingerprinted(), [own]);
}

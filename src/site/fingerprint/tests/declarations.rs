//! The declarations of builds, and the contracts of frameworks.

use super::*;

#[test]
fn a_part_of_material_that_no_page_loads_is_known_by_its_contract() {
    let site =
        Site::of(&["assets/javascripts/extra/bundle.5f09fbc3.min.js", "assets/javascripts/lunr/min/lunr.de.min.js"]);
    assert_eq!(site.fingerprinted(), ["assets/javascripts/extra/bundle.5f09fbc3.min.js"]);
    let alone = Site::of(&["assets/javascripts/extra/bundle.5f09fbc3.min.js"]);
    assert_eq!(alone.fingerprinted(), [""; 0]);
}

#[test]
fn manifests_that_people_write_declare_nothing() {
    let files = [
        "logo-v2b01.png",
        "background-v2beta1.js",
        "bg/page-ab12cd.js",
        "img/hero-summer24.jpg",
        "img/icon-iphone15.png",
        "assets/page-iphone15.js",
        "app-release2b.js",
    ];
    let site = Site::of(&files)
        .manifest(
            "manifest.json",
            r#"{"logo":"logo-v2b01.png","background":{"service_worker":"background-v2beta1.js","page":"bg/page-ab12cd.js"},
                "files":{"hero":"img/hero-summer24.jpg"},"icon":{"file":"img/icon-iphone15.png"}}"#,
        )
        .manifest(".vite/manifest.json", r#"{"src/page-iphone15.js":{"file":"assets/page-iphone15.js"}}"#)
        .manifest("asset-manifest.json", r#"{"files":{"main.js":"/app-release2b.js"}}"#);
    assert_eq!(site.fingerprinted(), [""; 0]);
}

#[test]
fn pictures_that_people_name_meet_no_contract() {
    let site = Site::default()
        .picture("index.html", "img/HeroBanner-1600.webp")
        .picture("index.html", "img/JohnSmith1-640.jpg")
        .picture("index.html", "img/iPhone12XR-800.png")
        .picture("index.html", "img/MacBookPro-16.png")
        .picture("index.html", "_astro/photo.Portrait_2024.jpg")
        .picture("index.html", "avatar_hu_0123456789abcdef.webp");
    assert_eq!(site.fingerprinted(), [""; 0]);
}

#[test]
fn chunks_of_next_need_no_page_that_loads_them() {
    let chunks = ["_next/static/chunks/app/layout-45402375685b1204.js", "_next/static/chunks/main-5b5071cba8ffa68f.js"];
    assert_eq!(Site::of(&chunks).fingerprinted(), [""; 0]);
    let site =
        Site::of(&[chunks[0], chunks[1], "_next/static/v1/_buildManifest.js", "_next/static/chunks/app/my-page.js"]);
    assert_eq!(site.fingerprinted(), chunks);
}

#[test]
fn manifests_declare_what_a_build_wrote_and_not_what_it_copied() {
    let site =
        Site::of(&["index.html", "assets/a-BJsxdCdh.js", "assets/a-Cy2_ybK6.css", "assets/p-deadbeef.png", "a.css"])
            .manifest(
                ".vite/manifest.json",
                r#"{"src/a.ts":{"file":"assets/a-BJsxdCdh.js","css":["assets/a-Cy2_ybK6.css"],"isEntry":true}}"#,
            )
            .manifest(
                "asset-manifest.json",
                r#"{"files":{"assets/p-deadbeef.png":"/assets/p-deadbeef.png","a.css":"/a.css"}}"#,
            );
    assert_eq!(site.fingerprinted(), ["assets/a-BJsxdCdh.js", "assets/a-Cy2_ybK6.css"]);
    assert_eq!(
        site.basis("assets/a-Cy2_ybK6.css"),
        Basis::Declaration { token: "Cy2_ybK6".to_owned(), by: ".vite/manifest.json".to_owned() }
    );
    let site = Site::of(&["static/base.27e20196a850.js"])
        .manifest("static/staticfiles.json", r#"{"paths":{"base.js":"base.27e20196a850.js"},"version":"1.1"}"#);
    assert_eq!(site.fingerprinted(), ["static/base.27e20196a850.js"]);
}

#[test]
fn pictures_that_frameworks_make_are_known_by_their_contracts() {
    let site = Site::default()
        .picture("index.html", "_astro/team.B0o66Rpf_Z1LKAFX.avif")
        .picture("index.html", "_astro/badge.a1B2c3D4.png")
        .picture("index.html", "img/7bnnsz-Wbp-60.webp")
        .picture("index.html", "img/photograph-60.webp")
        .picture("index.html", "team_hu3d31e6441bef95b4cc5ff75f9fd25820_12268_80x0_resize_q75_h2_box.webp")
        .picture("index.html", "static/b7c8f0b0b0a5c1d2e3f4a5b6c7d8e9f0/a1b2c/team.png");
    let without_gatsby = [
        "_astro/team.B0o66Rpf_Z1LKAFX.avif",
        "img/7bnnsz-Wbp-60.webp",
        "team_hu3d31e6441bef95b4cc5ff75f9fd25820_12268_80x0_resize_q75_h2_box.webp",
    ];
    assert_eq!(site.fingerprinted(), without_gatsby);
    let gatsby = site.picture("page-data/app-data.json", "a.png");
    assert_eq!(gatsby.fingerprinted().len(), 4);
}

#[test]
fn a_frameworks_own_files_want_its_mark() {
    let rustdoc = ["static.files/search-63369b7b.js", "static.files/stringdex-b897f86f.js"];
    let coverage = ["favicon_32_cb_58284776.png", "keybd_closed_cb_ce680311.png"];
    let ember =
        ["assets/vendor-a1b2c3d4-de9fa43a30a82af97895ddd83fd7b35e.js", "jquery-a1d8212b17fd9f623649e7cd6eb5e392.js"];
    for (own, mark) in [
        (rustdoc, "static.files/rustdoc-b7b9f40b.css"),
        (coverage, "coverage_html_cb_6fb7b396.js"),
        (ember, "assets/vendor-d41d8cd98f00b204e9800998ecf8427e.css"),
    ] {
        assert_eq!(Site::of(&own).fingerprinted(), [""; 0]);
        let site = own.iter().fold(Site::of(&[mark]), |site, own| site.picture("index.html", own));
        let fingerprinted = site.fingerprinted();
        assert!(own.iter().all(|own| fingerprinted.contains(&(*own).to_owned())), "{own:?} {fingerprinted:?}");
        assert!(own.iter().all(|own| may_be_fingerprinted(&path(own))), "{own:?}");
    }
    let marks = [
        "static.files/rustdoc-b7b9f40b.css",
        "coverage_html_cb_6fb7b396.js",
        "assets/vendor-d41d8cd98f00b204e9800998ecf8427e.css",
    ];
    let copies = [
        "static.files/logo-63369b7b.js",
        "static.files/search-deadbeef.js",
        "docs/search-63369b7b.js",
        "style_cb_0a1b2c3d.css",
        "favicon_32_cb_58284776.png",
        "logo_cb_ce680311.png",
        "app-de9fa43a30a82af98895ddd83fd7b35e.js",
        "app-de9fa43a30a87af9.js",
        "data-a1d8212b17fd9f623649e7cd6eb5e392.json",
    ];
    assert_eq!(Site::of(&[&marks[..], &copies[..]].concat()).fingerprinted(), [""; 0]);
}

#[test]
fn build_ids_are_recognised_unless_they_read_as_chosen() {
    let site = Site::of(&[
        "_next/static/gX5NAZBKAIzAO1Gx7u2td/_buildManifest.js",
        "_next/static/my-release-2024-01-15/_buildManifest.js",
        "_next/static/da39a3ee5e6b4b0d3255bfef95601890afd80709/_ssgManifest.js",
        "_next/static/AutumnReleaseOfTheApp/_ssgManifest.js",
    ]);
    assert_eq!(site.fingerprinted(), ["_next/static/gX5NAZBKAIzAO1Gx7u2td/_buildManifest.js"]);
}

#[test]
fn what_angular_loads_as_ever_is_recognised_too() {
    let site = Site::default()
        .module("index.html", "main-HMQKKYFH.js")
        .import("main-HMQKKYFH.js", "chunk-2L4SBGX4.js")
        .import("main-HMQKKYFH.js", "chunk-I6ALTOI6.js")
        .script("index.html", "global-OF54FGFC.js")
        .script("index.html", "vendor-LEGACY22.js")
        .style("index.html", "styles-IWGZERNG.css")
        .style("index.html", "print-DOWNLOAD.css");
    let expected =
        ["chunk-2L4SBGX4.js", "chunk-I6ALTOI6.js", "global-OF54FGFC.js", "main-HMQKKYFH.js", "styles-IWGZERNG.css"];
    assert_eq!(site.fingerprinted(), expected);
    assert_eq!(Site::default().style("index.html", "styles-IWGZERNG.css").fingerprinted(), [""; 0]);
    // Each of these hashes could also be something else.
    let small = Site::default()
        .module("index.html", "main-HMQKKYFH.js")
        .module("index.html", "polyfills-QTMLZCOV.js")
        .import("main-HMQKKYFH.js", "chunk-MY7HURMZ.js")
        .import("main-HMQKKYFH.js", "chunk-DOWNLOAD.js")
        .style("index.html", "styles-IWGZERNG.css");
    let expected = ["chunk-MY7HURMZ.js", "main-HMQKKYFH.js", "polyfills-QTMLZCOV.js", "styles-IWGZERNG.css"];
    assert_eq!(small.fingerprinted(), expected);
    assert_eq!(Site::default().module("index.html", "main-DOWNLOAD.js").fingerprinted(), [""; 0]);
}

#[test]
fn pictures_of_astro_3_are_known_by_their_contract() {
    let picture = "_astro/hero.552f1967_1PmN0k.webp";
    assert_eq!(Site::default().picture("index.html", picture).fingerprinted(), [picture]);
    assert_eq!(Site::default().picture("index.html", "_astro/hero.deadbeef_1PmN0k.webp").fingerprinted(), [""; 0]);
}

#[test]
fn scripts_of_angulars_older_builder_are_known_beside_its_polyfills() {
    let own = "scripts.3f9c2e1b7a6d5c4b.js";
    let with = |other: &str| Site::of(&[other]).script("index.html", own).fingerprinted().contains(&own.to_owned());
    assert!(with("polyfills.9a7c3e5d2f1b4c6a.js"));
    assert!(!with("app/polyfills.9a7c3e5d2f1b4c6a.js"));
    assert!(!with("main-7ZCX3GO7.js"), "that is another builder's");
}

#[test]
fn a_manifest_is_known_by_its_name() {
    for manifest in ["manifest.json", ".vite/manifest.json", "static/staticfiles.json", "q-manifest.json"] {
        assert!(is_manifest(manifest), "{manifest}");
    }
    for other in ["my-manifest.json", "manifest.json.gz", "manifest.json/a", "Astro", ""] {
        assert!(!is_manifest(other), "{other}");
    }
}

#[test]
fn each_tool_lists_in_its_own_way() {
    for (manifest, json, expected) in [
        // gulp-rev.
        (
            "rev-manifest.json",
            r#"{"css/app.css":"css/app-d41d8cd98f.css","a.css":"a.css"}"#,
            &["css/app-d41d8cd98f.css"][..],
        ),
        // Qwik: its bundles, and its assets by their names.
        (
            "q-manifest.json",
            r#"{"bundles":{"q-BYf2qJoX.js":{"size":9}},"assets":{"assets/Dx92kLmQ-global.css":{"name":"global.css"}}}"#,
            &["assets/Dx92kLmQ-global.css", "build/q-BYf2qJoX.js"],
        ),
        // `bundles` elsewhere is not special.
        ("manifest.json", r#"{"bundles":{"main.js":"js/main.3f2a1b9c.js"}}"#, &["js/main.3f2a1b9c.js"]),
        ("manifest.json", r#"{"src/main.ts":{"file":"assets/app-BYf2qJoX.js"}}"#, &["assets/app-BYf2qJoX.js"]),
        // The source has that name already.
        ("manifest.json", r#"{"src/lib-BYf2qJoX.js":{"file":"assets/lib-BYf2qJoX.js"}}"#, &[]),
    ] {
        let files = [
            "a.css",
            "assets/Dx92kLmQ-global.css",
            "assets/app-BYf2qJoX.js",
            "assets/lib-BYf2qJoX.js",
            "build/assets/Dx92kLmQ-global.css",
            "build/q-BYf2qJoX.js",
            "css/app-d41d8cd98f.css",
            "js/main.3f2a1b9c.js",
        ];
        assert_eq!(Site::of(&files).manifest(manifest, json).fingerprinted(), expected, "{json}");
    }
}

#[test]
fn a_manifest_may_be_as_large_as_any_build_writes_and_no_larger() {
    let declares = |size: usize| {
        let mut text = br#"{"app.css":"app-d41d8cd98f.css"}"#.to_vec();
        text.resize(size, b' ');
        let mut declared = Declared::default();
        declared.read("manifest.json", &text);
        declared != Declared::default()
    };
    assert!(declares(declared::MAX_MANIFEST_BYTES));
    assert!(!declares(declared::MAX_MANIFEST_BYTES + 1));
}

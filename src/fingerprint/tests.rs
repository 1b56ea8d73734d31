//! What evidence decides, on sites made up for one question each. Real builds: `tests/it/corpus.rs`.

use proptest::prelude::*;

use super::*;
use crate::proof::{Algorithm, Encoding, Part};

fn path(path: &str) -> SitePath {
    SitePath::new(path).unwrap()
}

/// A site of files and references: `page -> module assets/a.js`.
#[derive(Default)]
struct Site {
    files: BTreeMap<SitePath, Facts>,
    declared: Declared,
}

impl Site {
    fn of(files: &[&str]) -> Site {
        let files = files.iter().map(|file| (path(file), Facts::default())).collect();
        Site { files, declared: Declared::default() }
    }

    fn tie(mut self, from: &str, to: &str, role: Role, form: Form) -> Site {
        self.files.entry(path(to)).or_default();
        self.files.entry(path(from)).or_default().ties.push(Tie { to: path(to), role, form, by_name: false });
        self
    }

    fn module(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Module, Form::Attribute)
    }

    fn script(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Script, Form::Attribute)
    }

    fn style(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Style, Form::Attribute)
    }

    fn picture(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Image, Form::Attribute)
    }

    fn import(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Module, Form::Import)
    }

    fn chunk(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Module, Form::ChunkName)
    }

    fn proven(mut self, file: &str, token: &str) -> Site {
        let proof = Proof {
            token: token.to_owned(),
            algorithm: Algorithm::Sha256,
            encoding: Encoding::Hex,
            part: Part::Start,
            without_token: false,
        };
        self.files.entry(path(file)).or_default().proof = Some(proof);
        self
    }

    /// Proven as Rollup and Vite name files.
    fn rollups(mut self, file: &str, token: &str) -> Site {
        self = self.proven(file, token);
        let proof = self.files.get_mut(&path(file)).and_then(|facts| facts.proof.as_mut()).unwrap();
        (proof.algorithm, proof.encoding) = (Algorithm::XxHash3Of128, Encoding::Base64Url);
        self
    }

    /// Proven as webpack proves with `realContentHash`.
    fn webpacks(mut self, file: &str, token: &str) -> Site {
        self = self.proven(file, token);
        let proof = self.files.get_mut(&path(file)).and_then(|facts| facts.proof.as_mut()).unwrap();
        (proof.algorithm, proof.without_token) = (Algorithm::Md4, true);
        self
    }

    fn manifest(mut self, manifest: &str, json: &str) -> Site {
        self.declared.read(manifest, json.as_bytes());
        self
    }

    fn basis(&self, file: &str) -> Basis {
        judge(&self.files, &self.declared).remove(&path(file)).unwrap().basis
    }

    fn fingerprinted(&self) -> Vec<String> {
        let verdicts = judge(&self.files, &self.declared);
        let fingerprinted = verdicts.into_iter().filter(|(_, verdict)| verdict.kind == Kind::Fingerprinted);
        fingerprinted.map(|(path, _)| path.to_string()).collect()
    }
}

/// What Vite makes of a page with a script that imports two others.
fn vite() -> Site {
    Site::default()
        .module("index.html", "assets/index-BYf2qJoX.js")
        .style("index.html", "assets/index-tEV-d4Vc.css")
        .import("assets/index-BYf2qJoX.js", "assets/Home-CmAoX-r_.js")
        .import("assets/index-BYf2qJoX.js", "assets/About-PLroEnow.js")
}

#[test]
fn a_name_alone_is_no_evidence() {
    let site = Site::of(&["index.html", "assets/index-BYf2qJoX.js", "app.3f2a1b9c8d7e6f50.js", "photo-a1b2c3d4.png"]);
    assert_eq!(site.fingerprinted(), [""; 0]);
    assert_eq!(site.basis("assets/index-BYf2qJoX.js"), Basis::None);
}

#[test]
fn what_a_bundler_refers_to_is_believed_also_when_it_could_be_a_word() {
    let site = vite();
    assert_eq!(
        site.fingerprinted(),
        [
            "assets/About-PLroEnow.js",
            "assets/Home-CmAoX-r_.js",
            "assets/index-BYf2qJoX.js",
            "assets/index-tEV-d4Vc.css"
        ]
    );
    assert_eq!(
        site.basis("assets/About-PLroEnow.js"),
        Basis::Reference { token: "PLroEnow".to_owned(), by: "assets/index-BYf2qJoX.js".to_owned() }
    );
}

#[test]
fn copies_beside_a_bundlers_files_are_not_believed() {
    let site = vite()
        .script("index.html", "assets/vendor-a1b2c3d4.js")
        .script("index.html", "assets/legacy-BADC0FFE.js")
        .style("index.html", "assets/style.0a1b2c3d.css")
        .style("index.html", "assets/print-DOWNLOAD.css")
        .picture("index.html", "assets/photo-a1b2c3d4.jpg")
        .picture("index.html", "logo-deadbeef.png")
        .picture("index.html", "assets/hero-BYf2qJoY.png")
        .module("index.html", "assets/report-20240115.js");
    assert_eq!(site.fingerprinted(), vite().fingerprinted());
}

#[test]
fn a_module_that_was_built_elsewhere_teaches_nothing() {
    let copied = |site: Site| {
        site.module("index.html", "vendor/widget-CkQ2x9Lp.js").style("index.html", "vendor/theme-Dk3Xa92b.css")
    };
    assert_eq!(copied(vite()).fingerprinted(), vite().fingerprinted());
    let vite_4 = || {
        Site::default()
            .module("index.html", "assets/index-948ec40d.js")
            .style("index.html", "assets/index-4e107662.css")
            .import("assets/index-948ec40d.js", "assets/lazy-408f0611.js")
            .import("assets/index-948ec40d.js", "assets/other-fbeeae74.js")
    };
    assert_eq!(vite_4().fingerprinted().len(), 4);
    assert_eq!(copied(vite_4()).fingerprinted(), vite_4().fingerprinted());
    assert_eq!(vite_4().module("index.html", "assets/widget-CkQ2x9Lp.js").fingerprinted().len(), 4);
}

#[test]
fn where_all_scripts_of_webpack_are_proven_a_copy_is_not_believed() {
    let site = || {
        Site::default()
            .script("index.html", "js/runtime.2c7af9b1.js")
            .chunk("js/runtime.2c7af9b1.js", "js/lazy.ce5a988c.js")
            .webpacks("js/runtime.2c7af9b1.js", "2c7af9b1")
            .webpacks("js/lazy.ce5a988c.js", "ce5a988c")
            .tie("js/runtime.2c7af9b1.js", "css/lazy.d440fea6.css", Role::Style, Form::ChunkName)
            .webpacks("css/lazy.d440fea6.css", "d440fea6")
            // One digest of both.
            .style("index.html", "css/index.e98d8412.css")
            .style("about.html", "css/about.e98d8412.css")
    };
    assert_eq!(site().fingerprinted().len(), 5);
    let copied = site().script("index.html", "js/tracker.3f9c2e1b.js").style("index.html", "css/theme.3f9c2e1b.css");
    assert_eq!(copied.fingerprinted(), site().fingerprinted());
    let unproven = copied.chunk("js/runtime.2c7af9b1.js", "js/other.4be02fd7.js");
    assert!(unproven.fingerprinted().contains(&"js/tracker.3f9c2e1b.js".to_owned()));
}

#[test]
fn what_angular_loads_as_ever_is_believed_too() {
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
    // None of these hashes is one that could be nothing else.
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
fn a_style_sheet_in_a_folder_beside_its_script_belongs_to_it() {
    let site = Site::default()
        .module("index.html", "_app/immutable/bundle.C6P3n0Ks.js")
        .style("index.html", "_app/immutable/assets/bundle.CGzQ62dh.css")
        .style("index.html", "_app/immutable/assets/theme.Dk3Xa92b.css");
    let expected = ["_app/immutable/assets/bundle.CGzQ62dh.css", "_app/immutable/bundle.C6P3n0Ks.js"];
    assert_eq!(site.fingerprinted(), expected);
}

#[test]
fn a_part_of_material_that_no_page_loads_is_known_by_its_contract() {
    let site =
        Site::of(&["assets/javascripts/extra/bundle.5f09fbc3.min.js", "assets/javascripts/lunr/min/lunr.de.min.js"]);
    assert_eq!(site.fingerprinted(), ["assets/javascripts/extra/bundle.5f09fbc3.min.js"]);
    let alone = Site::of(&["assets/javascripts/extra/bundle.5f09fbc3.min.js"]);
    assert_eq!(alone.fingerprinted(), [""; 0]);
}

#[test]
fn an_entry_alone_is_known_by_the_pictures_or_the_style_sheet_beside_it() {
    // `DI90Dtcq` and `BLT3SIJI` could be read as words and numbers.
    let entry = || Site::default().module("index.html", "assets/index-DI90Dtcq.js");
    assert_eq!(entry().fingerprinted(), [""; 0]);
    let style =
        entry().style("index.html", "assets/index-tEV-d4Vc.css").style("index.html", "assets/print-DOWNLOAD.css");
    assert_eq!(style.fingerprinted(), ["assets/index-DI90Dtcq.js", "assets/index-tEV-d4Vc.css"]);
    // The style sheet has no capitals by chance, and the script's hash falls apart into two words.
    let chance = Site::default()
        .module("index.html", "assets/index-DWVZEEKq.js")
        .style("index.html", "assets/index-gg5rv94q.css")
        .style("index.html", "assets/print-tEV-d4Vc.css");
    assert_eq!(chance.fingerprinted().len(), 3);
    let words = Site::default()
        .module("index.html", "assets/index-CWp8jf3R.js")
        .style("index.html", "assets/index-DumwnNQE.css")
        .style("index.html", "assets/theme-DumwnNQE.css")
        .style("index.html", "assets/index-DOWNLOAD.css");
    assert_eq!(words.fingerprinted(), ["assets/index-CWp8jf3R.js", "assets/index-DumwnNQE.css"]);
    let hyphen = Site::default().module("index.html", "assets/index-CWp8jf3R.js");
    let hyphen = hyphen.style("index.html", "assets/index-DEwmMN-s.css");
    assert_eq!(hyphen.fingerprinted().len(), 2);
    let pictured =
        || entry().style("index.html", "assets/index-BLT3SIJI.css").script("index.html", "assets/vendor-legacy12.js");
    assert_eq!(pictured().fingerprinted(), [""; 0]);
    let rollups = pictured().rollups("assets/hero-PLroEnow.png", "PLroEnow");
    let expected = ["assets/hero-PLroEnow.png", "assets/index-BLT3SIJI.css", "assets/index-DI90Dtcq.js"];
    assert_eq!(rollups.fingerprinted(), expected);
    let elsewhere = pictured().rollups("pictures/hero-PLroEnow.png", "PLroEnow");
    assert_eq!(elsewhere.fingerprinted(), ["pictures/hero-PLroEnow.png"]);
}

#[test]
fn modules_that_people_write_are_not_believed() {
    let site = vite()
        .module("demo.html", "theme-switcher.js")
        .import("theme-switcher.js", "lib-settings.js")
        .import("theme-switcher.js", "assets/app-elements.js")
        .import("theme-switcher.js", "vendor/lit-html/lit-html.js")
        .module("demo.html", "demo/carousel-v2Beta1x.js")
        .import("demo/carousel-v2Beta1x.js", "demo/x-UserCard.js")
        .import("demo/carousel-v2Beta1x.js", "demo/x-iPhone15.js");
    assert_eq!(site.fingerprinted(), vite().fingerprinted());
}

#[test]
fn libraries_of_modules_are_not_believed() {
    let modules = ["misc/MorphBlendMesh", "utils/UVsDebug", "data/PointLightDataNode", "shaders/HorizontalBlurShader"];
    let more = ["math/Lut", "lines/Line2", "loaders/LWO3Parser", "curves/x-BxYz12Ab", "misc/Volume", "misc/Timer"];
    let library = |site: Site| {
        modules.iter().chain(&more).fold(site, |site, module| site.import("jsm/Addons.js", &format!("jsm/{module}.js")))
    };
    assert_eq!(library(Site::default()).fingerprinted(), [""; 0]);
    assert_eq!(library(vite()).fingerprinted(), vite().fingerprinted());
}

#[test]
fn scripts_and_styles_that_lie_elsewhere_are_not_believed() {
    let webpack = || {
        Site::default()
            .script("index.html", "static/js/main.8d7f6a5b.js")
            .chunk("static/js/main.8d7f6a5b.js", "static/js/795.4e512d40.chunk.js")
            .style("index.html", "static/css/main.34d775fe.css")
    };
    let site = webpack()
        .style("index.html", "themes/skin.8f2e1c9a.css")
        .style("index.html", "css/print.9c3e1f7a.css")
        .script("index.html", "lib/plugin.7d8f6b5a.js")
        .script("index.html", "lib/tracker.8d7f6a5b4c3e2f1a9b80.js");
    assert_eq!(webpack().fingerprinted().len(), 3);
    assert_eq!(site.fingerprinted(), webpack().fingerprinted());
    let site = Site::default()
        .style("index.html", "themes/skin.8f2e1c9a.css")
        .script("index.html", "lib/plugin.7d8f6b5a.js")
        .script("index.html", "lib/tracker.8d7f6a5b4c3e2f1a9b80.js");
    assert_eq!(site.fingerprinted(), [""; 0]);
}

#[test]
fn one_hash_of_the_whole_build_is_a_hash() {
    let site = Site::default()
        .script("index.html", "runtime.630514ce3fd3788fa523.js")
        .script("index.html", "index.630514ce3fd3788fa523.js");
    assert_eq!(site.fingerprinted().len(), 2);
    let site = Site::default().script("index.html", "a.8d7f6a5b.js").script("index.html", "b.8d7f6a5b.js");
    assert_eq!(site.fingerprinted(), [""; 0]);
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
fn pictures_fonts_and_data_want_proof() {
    let site = vite().picture("index.html", "assets/hero-DlIEWTLw.PNG").proven("assets/hero-DlIEWTLw.PNG", "DlIEWTLw");
    assert!(matches!(site.basis("assets/hero-DlIEWTLw.PNG"), Basis::Proof { .. }));
    let site = vite().picture("index.html", "assets/hero-DlIEWTLw.PNG");
    assert_eq!(site.basis("assets/hero-DlIEWTLw.PNG"), Basis::None);
}

#[test]
fn a_site_without_a_bundlers_references_goes_by_shape() {
    let site = Site::default()
        .script("index.html", "js/main.8d7f6a5b.js")
        .style("index.html", "css/main.0a7c3e52.css")
        .script("index.html", "js/jquery-3.7.1.min.js")
        .script("index.html", "js/app-version2.js");
    assert_eq!(site.fingerprinted(), ["css/main.0a7c3e52.css", "js/main.8d7f6a5b.js"]);
}

#[test]
fn one_name_of_a_kind_is_not_how_a_bundler_writes() {
    let site = Site::default().script("index.html", "js/main.8d7f6a5b.js").style("index.html", "css/style.css");
    assert_eq!(site.fingerprinted(), [""; 0]);
}

#[test]
fn an_unhashed_twin_speaks_against_a_name() {
    let site = Site::default().script("index.html", "js/main.8d7f6a5b.js").style("index.html", "css/main.0a7c3e52.css");
    assert_eq!(site.fingerprinted(), ["css/main.0a7c3e52.css", "js/main.8d7f6a5b.js"]);
    let site = site.script("old.html", "js/main.js");
    assert_eq!(site.fingerprinted(), ["css/main.0a7c3e52.css"]);
}

#[test]
fn chunks_of_a_runtime_teach_how_names_are_written() {
    let site = Site::default()
        .script("index.html", "static/js/main.8d7f6a5b.js")
        .chunk("static/js/main.8d7f6a5b.js", "static/js/795.4e512d40.chunk.js")
        .chunk("static/js/main.8d7f6a5b.js", "static/js/12.abcdefab.chunk.js")
        .style("index.html", "static/css/main.34d775fe.css")
        .script("index.html", "assets/vendor-a1b2c3d4.js");
    assert_eq!(
        site.fingerprinted(),
        [
            "static/css/main.34d775fe.css",
            "static/js/12.abcdefab.chunk.js",
            "static/js/795.4e512d40.chunk.js",
            "static/js/main.8d7f6a5b.js"
        ]
    );
}

#[test]
fn compressed_copies_follow_their_originals() {
    let mut site = vite();
    for file in ["assets/index-BYf2qJoX.js.br", "index.html.gz", "data-BYf2qJoX.json.gz"] {
        site.files.insert(path(file), Facts::default());
    }
    assert!(site.fingerprinted().contains(&"assets/index-BYf2qJoX.js.br".to_owned()));
    assert_eq!(site.basis("assets/index-BYf2qJoX.js.br"), Basis::Twin { of: "assets/index-BYf2qJoX.js".to_owned() });
    assert!(!site.fingerprinted().contains(&"index.html.gz".to_owned()));
    assert_eq!(site.basis("data-BYf2qJoX.json.gz"), Basis::None);
}

#[test]
fn fixed_names_are_never_believed_and_some_want_proof() {
    let site = vite()
        .module("index.html", "sw-BYf2qJoX.js")
        .import("assets/index-BYf2qJoX.js", "assets/remoteEntry-BYf2qJoX.js")
        .import("sw.js", "workbox-1d305bb8.js")
        .proven("sw.3f2a1b9c8d7e6f50.js", "3f2a1b9c8d7e6f50")
        .proven("assets/a-BYf2qJoX.js.map", "BYf2qJoX");
    assert_eq!(site.basis("sw-BYf2qJoX.js"), Basis::FixedName);
    assert_eq!(site.basis("sw.3f2a1b9c8d7e6f50.js"), Basis::FixedName);
    assert_eq!(site.basis("assets/remoteEntry-BYf2qJoX.js"), Basis::FixedName);
    assert_eq!(site.basis("workbox-1d305bb8.js"), Basis::None);
    assert!(matches!(site.basis("assets/a-BYf2qJoX.js.map"), Basis::Proof { .. }));
    let proven = site.proven("workbox-1d305bb8.js", "1d305bb8");
    assert!(matches!(proven.basis("workbox-1d305bb8.js"), Basis::Proof { .. }));
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
fn build_ids_are_believed_unless_they_read_as_chosen() {
    let site = Site::of(&[
        "_next/static/gX5NAZBKAIzAO1Gx7u2td/_buildManifest.js",
        "_next/static/my-release-2024-01-15/_buildManifest.js",
        "_next/static/da39a3ee5e6b4b0d3255bfef95601890afd80709/_ssgManifest.js",
        "_next/static/AutumnReleaseOfTheApp/_ssgManifest.js",
    ]);
    assert_eq!(site.fingerprinted(), ["_next/static/gX5NAZBKAIzAO1Gx7u2td/_buildManifest.js"]);
}

#[test]
fn only_names_that_could_ever_be_believed_need_a_history() {
    for may in ["assets/index-BJsxdCdh.js", "logo-deadbeef.png", "searcher-1f2e3d4c.js", "3f2a1b9c8d7e6f50.woff2"] {
        assert!(may_vouch(&path(may)), "{may}");
    }
    for never in
        ["index.html", "about/company.png", "report-20240115.pdf", "sw.js", "feed.xml", "img/hero-picture.webp"]
    {
        assert!(!may_vouch(&path(never)), "{never}");
    }
}

proptest! {
    /// Neither the order in which a disk lists files nor that of references in a file makes a difference.
    #[test]
    fn order_makes_no_difference(shuffled in Just(vite_steps()).prop_shuffle()) {
        let build = |steps: &[(&str, &str, Role, Form)]| {
            steps.iter().fold(Site::default(), |site, (from, to, role, form)| site.tie(from, to, *role, *form))
        };
        let (one, other) = (build(&vite_steps()), build(&shuffled));
        prop_assert_eq!(judge(&one.files, &one.declared), judge(&other.files, &other.declared));
    }

    /// Whatever is made of words, years and short numbers is mutable, whoever refers to it from a page.
    #[test]
    fn words_and_numbers_are_never_a_hash(
        folder in proptest::sample::select(vec!["", "assets/", "static/js/", "_astro/", "build/"]),
        words in proptest::collection::vec("(team|Photo|menu|facade|v[0-9]{1,2}|[0-9]{1,3}|20[0-9]{2}|20[0-9]{6}|Berlin|LOGO|final)", 1..6),
        separator in proptest::sample::select(vec!["-", ".", "_", ""]),
        extension in proptest::sample::select(vec!["js", "css", "png", "jpg", "pdf", "woff2", "js.map"]),
    ) {
        // Without anything between them, words of any kind make something that reads as a hash.
        let most = if separator.is_empty() { 2 } else { words.len() };
        let file = format!("{folder}{}.{extension}", words[..words.len().min(most)].join(separator));
        for site in [Site::default(), vite()] {
            let site = site.script("index.html", &file).style("index.html", &file).picture("index.html", &file);
            prop_assert!(!site.fingerprinted().contains(&file), "{}", file);
        }
    }

    /// Any manifest is taken in without a panic.
    #[test]
    fn any_bytes_are_a_manifest_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200), json in "\\{\"[a-z./]{0,9}\":(\"[a-z./-]{0,20}\"|\\{\"file\":\"[^\"\\\\]{0,20}\"\\}|\\[\\])\\}") {
        let mut declared = Declared::default();
        declared.read("manifest.json", &bytes);
        declared.read(".vite/manifest.json", json.as_bytes());
    }
}

fn vite_steps() -> Vec<(&'static str, &'static str, Role, Form)> {
    vec![
        ("index.html", "assets/index-BYf2qJoX.js", Role::Module, Form::Attribute),
        ("about.html", "assets/index-BYf2qJoX.js", Role::Module, Form::Attribute),
        ("index.html", "assets/vendor-a1b2c3d4.js", Role::Script, Form::Attribute),
        ("about.html", "assets/vendor-a1b2c3d4.js", Role::Script, Form::Attribute),
        ("index.html", "assets/index-tEV-d4Vc.css", Role::Style, Form::Attribute),
        ("assets/index-BYf2qJoX.js", "assets/About-PLroEnow.js", Role::Module, Form::Import),
        ("assets/index-BYf2qJoX.js", "assets/DOWNLOAD.js", Role::Module, Form::Import),
        ("assets/index-tEV-d4Vc.css", "assets/text-DPZIyaJL.woff2", Role::Font, Form::Style),
    ]
}

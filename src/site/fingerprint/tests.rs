//! The verdicts of the evidence, on small sites made for one question each. Real builds: `tests/it/corpus.rs`.

mod contracts;
mod copies;
mod declarations;
mod fixed_names;
mod hashes;
mod inherited;
mod known;
mod late;
mod properties;
mod references;
mod table;

use super::*;
use crate::content::proof::{Algorithm, Encoding, LeftOut, Portion, Proof};
use crate::content::references::Manner;
use crate::types::headers::Kind;

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

    /// A tag with these attributes, in this order.
    fn tag(self, from: &str, to: &str, attributes: &[&'static str]) -> Site {
        let role = match to.rsplit_once('.') {
            Some((_, "css")) => Role::Style,
            _ if attributes.contains(&"type") => Role::Module,
            _ => Role::Script,
        };
        self.tie(from, to, role, Form::Tag(Manner::of(attributes.iter().copied())))
    }

    fn picture(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Image, Form::Attribute)
    }

    fn import(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Module, Form::Import)
    }

    /// A dynamic import.
    fn lazy(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Module, Form::DynamicImport)
    }

    /// An entry in an import's dependency list.
    fn list(self, from: &str, to: &str) -> Site {
        let role = if to.ends_with(".css") { Role::Style } else { Role::Module };
        self.tie(from, to, role, Form::List)
    }

    /// A string in a script.
    fn text(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Other, Form::Text)
    }

    fn chunk(self, from: &str, to: &str) -> Site {
        self.tie(from, to, Role::Module, Form::ChunkName)
    }

    fn proven(mut self, file: &str, token: &str) -> Site {
        let proof = Proof {
            token: token.to_owned(),
            algorithm: Algorithm::Sha256,
            encoding: Encoding::Hex,
            part: Portion::Start,
            left_out: LeftOut::Nothing,
        };
        self.files.entry(path(file)).or_default().traces.proof = Some(proof);
        self
    }

    /// By a digest of the bytes; the name contains 7 of its hexadecimal digits.
    fn half_proven(self, file: &str) -> Site {
        let token = file.split('.').nth(1).unwrap();
        self.proven(file, token)
    }

    /// Proven as Rollup and Vite name files.
    fn rollups(mut self, file: &str, token: &str) -> Site {
        self = self.proven(file, token);
        let proof = self.files.get_mut(&path(file)).and_then(|facts| facts.traces.proof.as_mut()).unwrap();
        (proof.algorithm, proof.encoding) = (Algorithm::XxHash3Of128, Encoding::Base64Url);
        self
    }

    /// Proven by webpack with `realContentHash`.
    fn webpacks(mut self, file: &str, token: &str) -> Site {
        self = self.proven(file, token);
        let proof = self.files.get_mut(&path(file)).and_then(|facts| facts.traces.proof.as_mut()).unwrap();
        (proof.algorithm, proof.left_out) = (Algorithm::Md4, LeftOut::Token);
        self
    }

    fn manifest(mut self, manifest: &str, json: &str) -> Site {
        self.declared.read(manifest, json.as_bytes());
        self
    }

    fn basis(&self, file: &str) -> Basis {
        judge(&self.files, &self.declared).remove(&path(file)).unwrap().basis
    }

    /// The rule that decides about a file.
    fn rule(&self, file: &str) -> &'static str {
        judge(&self.files, &self.declared).remove(&path(file)).unwrap().rule
    }

    fn fingerprinted(&self) -> Vec<String> {
        let verdicts = judge(&self.files, &self.declared);
        let fingerprinted = verdicts.into_iter().filter(|(_, verdict)| verdict.kind == Kind::Fingerprinted);
        fingerprinted.map(|(path, _)| path.to_string()).collect()
    }
}

/// Vite's output for a page with a script that imports two others.
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
fn what_a_bundler_refers_to_is_recognised_also_when_it_could_be_a_word() {
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
fn copies_beside_a_bundlers_files_are_not_recognised() {
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
fn a_classic_script_beside_a_bundlers_modules_is_not_recognised() {
    let site = vite().script("index.html", "assets/analytics-B1cd3Fgh.js");
    assert_eq!(site.basis("assets/analytics-B1cd3Fgh.js"), Basis::None);
    let site = vite().module("index.html", "assets/analytics-B1cd3Fgh.js");
    assert!(matches!(site.basis("assets/analytics-B1cd3Fgh.js"), Basis::Reference { .. }));
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
fn where_all_scripts_of_webpack_are_proven_a_copy_is_not_recognised() {
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
fn a_style_sheet_in_a_folder_beside_its_script_belongs_to_it() {
    let site = Site::default()
        .module("index.html", "_app/immutable/bundle.C6P3n0Ks.js")
        .style("index.html", "_app/immutable/assets/bundle.CGzQ62dh.css")
        .style("index.html", "_app/immutable/assets/theme.Dk3Xa92b.css");
    let expected = ["_app/immutable/assets/bundle.CGzQ62dh.css", "_app/immutable/bundle.C6P3n0Ks.js"];
    assert_eq!(site.fingerprinted(), expected);
}

#[test]
fn an_entry_alone_is_known_by_the_pictures_or_the_style_sheet_beside_it() {
    // `DI90Dtcq` and `BLT3SIJI` could be read as words and numbers.
    let entry = || Site::default().module("index.html", "assets/index-DI90Dtcq.js");
    assert_eq!(entry().fingerprinted(), [""; 0]);
    let style =
        entry().style("index.html", "assets/index-tEV-d4Vc.css").style("index.html", "assets/print-DOWNLOAD.css");
    assert_eq!(style.fingerprinted(), ["assets/index-DI90Dtcq.js", "assets/index-tEV-d4Vc.css"]);
    // The style sheet's hash has no capitals by chance, and the script's hash splits into two words.
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
fn modules_that_people_write_are_not_recognised() {
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
fn libraries_of_modules_are_not_recognised() {
    let modules = ["misc/MorphBlendMesh", "utils/UVsDebug", "data/PointLightDataNode", "shaders/HorizontalBlurShader"];
    let more = ["math/Lut", "lines/Line2", "loaders/LWO3Parser", "curves/x-BxYz12Ab", "misc/Volume", "misc/Timer"];
    let library = |site: Site| {
        modules.iter().chain(&more).fold(site, |site, module| site.import("jsm/Addons.js", &format!("jsm/{module}.js")))
    };
    assert_eq!(library(Site::default()).fingerprinted(), [""; 0]);
    assert_eq!(library(vite()).fingerprinted(), vite().fingerprinted());
}

#[test]
fn scripts_and_styles_that_lie_elsewhere_are_not_recognised() {
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
fn pictures_fonts_and_data_want_proof() {
    let site = vite().picture("index.html", "assets/hero-DlIEWTLw.PNG").proven("assets/hero-DlIEWTLw.PNG", "DlIEWTLw");
    assert!(matches!(site.basis("assets/hero-DlIEWTLw.PNG"), Basis::Proof { .. }));
    let site = vite().picture("index.html", "assets/hero-DlIEWTLw.PNG");
    assert_eq!(site.basis("assets/hero-DlIEWTLw.PNG"), Basis::None);
}

#[test]
fn eight_digits_alone_are_a_date_unless_another_file_is_proven_by_them() {
    let site = Site::default().proven("a.20240115.png", "20240115");
    assert_eq!(site.basis("a.20240115.png"), Basis::None);
    let site = site.proven("b.3f2a1b9c.png", "3f2a1b9c");
    assert!(matches!(site.basis("a.20240115.png"), Basis::Proof { .. }));
}

#[test]
fn seven_digits_are_recognised_where_two_files_are_proven_by_them() {
    let (one, other) = ("img/large.5ca14d4.png", "img/small.1bb638f.png");
    assert_eq!(Site::default().half_proven(one).fingerprinted(), [""; 0]);
    assert_eq!(Site::default().half_proven(one).half_proven("copy/large.5ca14d4.png").fingerprinted(), [""; 0]);
    assert_eq!(
        Site::default().half_proven(one).proven("a.5ca14d4a.png", "5ca14d4a").fingerprinted(),
        ["a.5ca14d4a.png"]
    );
    assert_eq!(Site::default().half_proven(one).half_proven(other).fingerprinted(), [one, other]);
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
fn a_copy_that_is_not_minified_is_none_of_those_that_are() {
    let site = || {
        Site::default()
            .script("index.html", "js/bundle.5a2dcb6a.min.js")
            .chunk("js/bundle.5a2dcb6a.min.js", "js/search.973d3a69.min.js")
            .script("about.html", "js/other.4be02fd7.min.js")
    };
    let copied = site().script("index.html", "js/tracker.3f9c2e1b.js");
    assert_eq!(copied.fingerprinted(), site().fingerprinted());
    assert_eq!(site().fingerprinted().len(), 3);
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
fn an_entry_that_nothing_loads_is_recognised_where_it_imports_what_is() {
    let entry = "assets/admin-Dk3_x9Zq.js";
    let site = vite().import(entry, "assets/Home-CmAoX-r_.js");
    assert_eq!(
        site.basis(entry),
        Basis::Referring { token: "Dk3_x9Zq".to_owned(), to: "assets/Home-CmAoX-r_.js".to_owned() }
    );
    let site = vite().proven("assets/hero-DlIEWTLw.png", "DlIEWTLw").tie(
        entry,
        "assets/hero-DlIEWTLw.png",
        Role::Image,
        Form::Text,
    );
    assert!(site.fingerprinted().contains(&entry.to_owned()));
}

#[test]
fn what_imports_a_bundlers_files_is_not_recognised_for_that_alone() {
    let home = "assets/Home-CmAoX-r_.js";
    for file in [
        "worker.js",
        "assets/worker.js",
        "assets/worker-v2Final.js",
        "assets/worker-DOWNLOAD.js",
        "assets/worker-deadbeef.js",
        "assets/remoteEntry-Dk3_x9Zq.js",
        "legacy/admin-Dk3_x9Zq.js",
        "admin-Dk3_x9Zq.js",
        "assets/admin.Dk3_x9Zq.js",
        "assets/admin-Dk3_x9Zq1.js",
    ] {
        assert_eq!(vite().import(file, home).fingerprinted(), vite().fingerprinted(), "{file}");
    }
    let entry = "assets/admin-Dk3_x9Zq.js";
    for site in [
        vite().tie(entry, home, Role::Script, Form::Text),
        vite().import(entry, "lib/worker.js"),
        vite().import(entry, home).tie("list.html", "assets/admin.js", Role::Page, Form::Attribute),
        vite().tie(entry, "assets/hero-DlIEWTLw.png", Role::Image, Form::Text),
    ] {
        assert!(!site.fingerprinted().contains(&entry.to_owned()));
    }
    let alone = Site::default().import("lib/worker-Dk3_x9Zq.js", "lib/shared-CmAoX-r_.js");
    assert_eq!(alone.fingerprinted(), ["lib/shared-CmAoX-r_.js"]);
    let hero = "assets/hero-DlIEWTLw.png";
    let loaded = vite().proven(hero, "DlIEWTLw").script("index.html", entry).tie(entry, hero, Role::Image, Form::Text);
    assert!(!loaded.fingerprinted().contains(&entry.to_owned()), "a page loads it like any other");
    let library = ["assets/a.js", "assets/b.js", "assets/c.js", "assets/d.js"];
    let library = library.iter().fold(vite().import(entry, home), |site, module| site.import(entry, module));
    assert!(!library.fingerprinted().contains(&entry.to_owned()), "it imports modules as they were written");
    let last = ["js/book-0a7c3e52.js", "js/toc-9c3e1f7a.js", "js/old-8d7f6a5b.js"];
    let sealed = Site::default()
        .script("index.html", last[0])
        .proven(last[0], "0a7c3e52")
        .import(last[0], last[1])
        .proven(last[1], "9c3e1f7a")
        .import(last[2], last[1]);
    assert_eq!(sealed.fingerprinted(), last[..2], "others of its kind are proven");
    // A commit in the name, and a list of files.
    let webpack = || {
        Site::default()
            .script("index.html", "static/js/main.8d7f6a5b.js")
            .chunk("static/js/main.8d7f6a5b.js", "static/js/795.4e512d40.chunk.js")
            .proven("static/media/logo.3f2a1b9c8d7e6f50.png", "3f2a1b9c8d7e6f50")
    };
    let listed =
        webpack().tie("static/js/files.9c3e1f7a.js", "static/media/logo.3f2a1b9c8d7e6f50.png", Role::Image, Form::Text);
    assert_eq!(listed.fingerprinted(), webpack().fingerprinted());
    let elsewhere = webpack()
        .style("index.html", "static/css/main.34d775fe.css")
        .import("static/css/worker.9c3e1f7a.js", "static/js/795.4e512d40.chunk.js");
    assert!(!elsewhere.fingerprinted().contains(&"static/css/worker.9c3e1f7a.js".to_owned()));
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
fn fixed_names_are_never_recognised_and_some_want_proof() {
    let site = vite()
        .module("index.html", "sw-BYf2qJoX.js")
        .import("assets/index-BYf2qJoX.js", "assets/remoteEntry-BYf2qJoX.js")
        .import("sw.js", "workbox-1d305bb8.js")
        .proven("sw.3f2a1b9c8d7e6f50.js", "3f2a1b9c8d7e6f50")
        .proven("assets/a-BYf2qJoX.js.map", "BYf2qJoX");
    assert_eq!(site.basis("sw-BYf2qJoX.js"), Basis::FixedName);
    assert_eq!(site.basis("sw.3f2a1b9c8d7e6f50.js"), Basis::FixedName);
    assert_eq!(site.basis("assets/remoteEntry-BYf2qJoX.js"), Basis::FixedName);
    assert_eq!(site.basis("workbox-1d305bb8.js"), Basis::Doubt);
    assert!(matches!(site.basis("assets/a-BYf2qJoX.js.map"), Basis::Proof { .. }));
    let listed = site.manifest("asset-manifest.json", r#"{"files":{"c.js.map":"/assets/c-BYf2qJoX.js.map"}}"#);
    let listed = listed.tie("assets/c-BYf2qJoX.js", "assets/c-BYf2qJoX.js.map", Role::Other, Form::Text);
    assert_eq!(listed.basis("assets/c-BYf2qJoX.js.map"), Basis::Doubt);
    let proven = listed.proven("workbox-1d305bb8.js", "1d305bb8");
    assert!(matches!(proven.basis("workbox-1d305bb8.js"), Basis::Proof { .. }));
}

#[test]
fn only_names_that_could_ever_be_fingerprinted_need_a_history() {
    for may in ["assets/index-BJsxdCdh.js", "logo-deadbeef.png", "searcher-1f2e3d4c.js", "3f2a1b9c8d7e6f50.woff2"] {
        assert!(may_be_fingerprinted(&path(may)), "{may}");
    }
    for never in
        ["index.html", "about/company.png", "report-20240115.pdf", "sw.js", "feed.xml", "img/hero-picture.webp"]
    {
        assert!(!may_be_fingerprinted(&path(never)), "{never}");
    }
}

//! The facts about a site before anything is decided, and how decisions are explained.

use super::*;
use crate::content::closure::Surroundings;
use crate::content::references::read as references_of;

/// The references of files with these texts.
fn read(texts: &[(&str, &str)]) -> BTreeMap<SitePath, Facts> {
    let paths: BTreeSet<SitePath> = texts.iter().map(|(name, _)| path(name)).collect();
    let references =
        texts.iter().map(|(name, text)| (path(name), references_of(&path(name), text.as_bytes()))).collect();
    let surroundings = Surroundings { url: None, is_external: &|_| false };
    let closure = Closure::of(paths.iter().cloned().collect(), &references, surroundings);
    let none = Traces::default();
    facts(paths.iter().map(|path| (path, &none)), &closure)
}

/// On a large site thousands of pages refer to the same files.
#[test]
fn what_tells_nothing_is_not_kept() {
    let page = r#"<a href="/index.html"></a><img src="/logo.png"><img src="/hero-3f2a1b9c.png">
        <script src="/app-3f2a1b9c.js"></script><link rel="stylesheet" href="/look.css">"#;
    let files = read(&[
        ("about.html", page),
        ("app-3f2a1b9c.js", r#"f("/logo.png"); import "/plain.js"; import("/lazy-8d7f6a5b.js")"#),
        ("hero-3f2a1b9c.png", ""),
        ("index.html", page),
        ("lazy-8d7f6a5b.js", ""),
        ("logo.png", ""),
        ("look.css", "a { background: url(/logo.png) } b { background: url(/hero-3f2a1b9c.png) }"),
        ("plain.js", ""),
    ]);
    let ties = |file: &str| files[&path(file)].ties.iter().map(|tie| tie.to.as_str()).collect::<BTreeSet<_>>();
    assert_eq!(ties("about.html"), BTreeSet::from(["app-3f2a1b9c.js", "hero-3f2a1b9c.png", "look.css"]));
    assert_eq!(ties("index.html"), BTreeSet::new(), "another page uses the same in the same way");
    assert_eq!(ties("look.css"), BTreeSet::from(["hero-3f2a1b9c.png"]));
    // A script's imports show how the bundler writes names, and where it writes none.
    assert_eq!(ties("app-3f2a1b9c.js"), BTreeSet::from(["lazy-8d7f6a5b.js", "plain.js"]));
}

/// Modules without a hash show that people wrote the modules of a page, whatever other pages load.
#[test]
fn all_modules_of_a_page_are_kept() {
    const OWN: &str = "js/lib-C7TeAxY1.js";
    const OTHERS: [&str; 4] = ["js/menu.js", "js/search.js", "js/tabs.js", "js/theme.js"];
    let page_with = |modules: &[&str]| {
        modules.iter().map(|name| format!("<script type=module src=/{name}></script>")).collect::<String>()
    };
    let kind = |page: &str| {
        let scripts = OTHERS.iter().chain([&OWN]).map(|name| (*name, ""));
        let other = page_with(&OTHERS);
        let all = [("index.html", other.as_str()), ("list.html", page)];
        judge(&read(&scripts.chain(all).collect::<Vec<_>>()), &Declared::default()).remove(&path(OWN)).unwrap().kind
    };
    assert_eq!(kind(&page_with(&[OWN])), Kind::Fingerprinted);
    assert_eq!(kind(&page_with(&[&OTHERS[..], &[OWN]].concat())), Kind::Mutable);
}

/// The tags of the bundler's entry show the form of its tags, although the entry has no hash.
#[test]
fn how_an_entry_without_a_hash_is_loaded_is_kept() {
    let verdict = |entry: &str, other: &str| {
        let page =
            format!("<script {entry} src='/js/main.js'></script><script {other} src='/js/one.3f9c2e1b.js'></script>");
        let files = read(&[
            ("index.html", page.as_str()),
            ("js/lazy.8d7f6a5b.js", ""),
            ("js/main.js", "import('./lazy.8d7f6a5b.js')"),
            ("js/one.3f9c2e1b.js", ""),
        ]);
        judge(&files, &Declared::default()).remove(&path("js/one.3f9c2e1b.js")).unwrap().rule
    };
    assert_eq!(verdict("defer", "defer"), "bundler-tag");
    assert_eq!(verdict("defer", ""), "other-tag", "people copied it");
}

#[test]
fn a_name_reads_as_fingerprinted_where_it_has_a_clear_hash_and_is_open() {
    for name in ["assets/index-BYf2qJoX.js", "img/hero.3f2a1b9c.png", "data-3f2a1b9c8d7e6f50.json"] {
        assert!(reads_as_fingerprinted(&path(name)), "{name}");
    }
    for name in ["assets/index-DOWNLOAD.js", "photo.png", "sw-BYf2qJoX.js", "assets/index-BYf2qJoX.js.map", "CNAME"] {
        assert!(!reads_as_fingerprinted(&path(name)), "{name}");
    }
}

#[test]
fn a_verdict_says_why() {
    let mut site = vite()
        .manifest("asset-manifest.json", r#"{"files":{"extra.css":"/assets/extra-Dx92_kLm.css"}}"#)
        .tie("index.html", "sw.js", Role::Other, Form::Text)
        .text("index.html", "assets/app.js.map")
        .picture("index.html", "_astro/team.B0o66Rpf_Z1LKAFX.avif");
    for file in ["assets/extra-Dx92_kLm.css", "assets/index-BYf2qJoX.js.br", "index.html.gz", "photo.png"] {
        site.files.insert(path(file), Facts::default());
    }
    let verdicts = judge(&site.files, &site.declared);
    for (file, because) in [
        ("sw.js", "browsers look for a newer service worker under the name of the old one"),
        ("assets/app.js.map", "it is a source map, named after a script: only a digest of its own bytes would count"),
        (
            "assets/extra-Dx92_kLm.css",
            "`asset-manifest.json` lists it, and the build derived `Dx92_kLm` in its name from its content",
        ),
        (
            "_astro/team.B0o66Rpf_Z1LKAFX.avif",
            "`B0o66Rpf_Z1LKAFX` in its path is written by Astro, which changes it with the content",
        ),
        (
            "assets/index-BYf2qJoX.js.br",
            "it is the compressed form of `assets/index-BYf2qJoX.js`, whose name changes with its content",
        ),
        (
            "index.html.gz",
            "it is the compressed form of `index.html`, whose name may stay the same when its content changes",
        ),
        ("photo.png", "nothing shows that its name changes with its content"),
    ] {
        assert_eq!(verdicts[&path(file)].because(), because, "{file}");
    }
}

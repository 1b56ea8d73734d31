//! How often each rule of the table decides in the corpus, and made-up sites for those that no project there needs.

use std::collections::{BTreeMap, BTreeSet};

use publish::config::header_rule::{HeaderRule, OneOrMany};
use publish::content::path::SitePath;
use publish::release::head::Distributions;
use publish::release::layout::Layout;
use publish::site::fingerprint::RULES;
use publish::site::rules::{RuleContext, Rules};

use super::reading::read;
use super::{Project, projects};

/// A site in which the rule of this name decides about the first file.
type MadeUp = (&'static str, &'static [(&'static str, &'static str)]);

/// For each rule that decides nothing in the corpus, or about one file alone, a site in which it does.
const MADE_UP: [MadeUp; 10] = [
    (
        "angular-scripts",
        &[
            ("scripts.3f9c2e1b7a6d5c4b.js", ""),
            ("polyfills.9a7c3e5d2f1b4c6a.js", ""),
            ("index.html", "<script src=scripts.3f9c2e1b7a6d5c4b.js></script>"),
        ],
    ),
    (
        "inherited-hash",
        &[
            ("assets/lib-CBtriEt5.js", ""),
            ("assets/dist.js", "import('./lib-CBtriEt5.js')"),
            ("assets/index.js", "import './dist.js'"),
            ("index.html", "<script type=module crossorigin src=/assets/index.js></script>"),
        ],
    ),
    (
        "long-hash",
        &[
            ("app-de9fa43a30a82af97895ddd83fd7b35e.js", ""),
            ("index.html", "<script src=app-de9fa43a30a82af97895ddd83fd7b35e.js></script>"),
        ],
    ),
    (
        "material-extra",
        &[("assets/javascripts/extra/bundle.5f09fbc3.min.js", ""), ("assets/javascripts/lunr/min/lunr.de.min.js", "")],
    ),
    (
        "next-chunk",
        &[
            ("_next/static/chunks/app/layout-45402375685b1204.js", ""),
            ("_next/static/my-release/_buildManifest.js", ""),
        ],
    ),
    (
        "other-tag",
        &[
            ("assets/widget-CkQ2x9Lp.js", ""),
            ("assets/app-BYf2qJoX.js", "import './lib-Dx92_kLm.js'"),
            ("assets/lib-Dx92_kLm.js", ""),
            (
                "index.html",
                "<script type=module crossorigin src=/assets/app-BYf2qJoX.js></script>
                 <script type=module src=/assets/widget-CkQ2x9Lp.js></script>",
            ),
        ],
    ),
    (
        "same-hash",
        &[
            ("assets/page.BYf2qJoX.lean.js", ""),
            ("assets/page.BYf2qJoX.js", ""),
            ("assets/app.Dx92_kLm.js", "import './page.BYf2qJoX.js'"),
            ("index.html", "<script type=module src=/assets/app.Dx92_kLm.js></script>"),
        ],
    ),
    (
        "stamped",
        &[
            ("assets/app-BYf2qJoX.js", "import './lib-Dx92_kLm.js'\n//# debugId=019a8f3c-1d2e-7b4a-9c5d-6e7f8091a2b3"),
            ("assets/lib-Dx92_kLm.js", ""),
            ("index.html", "<script type=module src=/assets/app-BYf2qJoX.js></script>"),
        ],
    ),
    (
        "unhashed-twin",
        &[
            ("assets/lib-Dx92_kLm.js", ""),
            ("assets/lib.js", ""),
            ("assets/app-BYf2qJoX.js", "import './lib-Dx92_kLm.js'"),
            ("index.html", "<script type=module src=/assets/app-BYf2qJoX.js></script>"),
        ],
    ),
    (
        "vite-unhashed-import",
        &[
            ("assets/app-BYf2qJoX.js", "f(['assets/w.js','assets/w-Dx92_kLm.css']);import('./w.js')"),
            ("assets/w.js", ""),
            ("assets/w-Dx92_kLm.css", ""),
            ("index.html", "<script type=module crossorigin src=/assets/app-BYf2qJoX.js></script>"),
        ],
    ),
];

/// The rule that decides about the first file of a made-up site.
fn decides((_, files): &MadeUp) -> &'static str {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in *files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    read(folder.path()).unwrap().verdicts()[&SitePath::new(files[0].0).unwrap()].rule
}

/// The two rules that look beyond the folder.
fn decide_beyond_the_folder() -> [&'static str; 2] {
    let path = SitePath::new("app.js").unwrap();
    let globs = OneOrMany(vec!["app.js".to_owned()]);
    let rules = Rules::new(&[HeaderRule { globs, immutable: Some(true), ..HeaderRule::default() }]).unwrap();
    let layout = Layout::new("corpus", "bucket", "", None, None);
    [BTreeSet::new(), BTreeSet::from([path.clone()])].map(|mutable_paths| {
        let context =
            RuleContext { mutable_paths: &mutable_paths, distributions: &Distributions::new(), layout: &layout };
        rules.verdict(&path, &BTreeMap::new(), &context).rule
    })
}

#[test]
fn each_rule_decides_somewhere() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for Project { record, .. } in projects() {
        for verdict in record.a.verdicts().into_values().chain(record.b.verdicts().into_values()) {
            *counts.entry(verdict.rule).or_default() += 1;
        }
    }
    println!("{:<28} decided in the corpus", "rule");
    RULES.iter().for_each(|rule| println!("{:<28} {:>8}", rule.id, counts.get(rule.id).unwrap_or(&0)));
    for made_up in &MADE_UP {
        assert_eq!(decides(made_up), made_up.0);
    }
    let elsewhere = decide_beyond_the_folder();
    assert_eq!(elsewhere, ["header-rule", "history"]);
    let decided: BTreeSet<&str> = counts.into_keys().chain(MADE_UP.map(|(rule, _)| rule)).chain(elsewhere).collect();
    let idle: Vec<&str> = RULES.iter().map(|rule| rule.id).filter(|id| !decided.contains(id)).collect();
    assert_eq!(idle, [""; 0], "these rules decide nothing anywhere");
}

//! Small sites that show one thing each (fixtures/fingerprints), read as a publish reads them.

use std::collections::BTreeMap;
use std::path::Path;

use publish::types::headers::Kind;

use super::reading::read;

/// Each case, and the files whose names change with their content.
const CASES: &[(&str, &[&str])] = &[
    (
        "chunks-named-like-workers",
        &[
            "assets/en-GB-DQMVvEEZ.js",
            "assets/index-BYf2qJoX.js",
            "assets/sw-KE-Dx92_kLm.js",
            "assets/sw-TZ-C7TeAxY1.js",
            "assets/workbox-window.prod.es5-BqEJf4Xk.js",
        ],
    ),
    ("esbuild-entry-without-a-hash", &["about-NV44I4VS.js", "chunk-353BL4L5.js"]),
    ("hashes-inherited-beside-a-hashed-entry", &["assets/index-BYf2qJoX.js"]),
    ("hashes-inherited-by-all-chunks", &[]),
    ("hashes-inherited-from-a-dependency", &[]),
    ("ids-stamped-after-the-build", &["assets/plain-C7TeAxY1.js"]),
    // `0d1e2f3` counts up, as what people make up does.
    (
        "styles-with-a-prefix-in-the-table",
        &["1f0c9ab.js", "aa19bb2.js", "css/5f3c9a1b7d2e4c6088aa.css", "css/9b1d7e55c0a2f4638c17.css"],
    ),
    (
        "styles-without-a-prefix-in-the-table",
        &["1f0c9ab.js", "5f3c9a1b7d2e4c6088aa.css", "9b1d7e55c0a2f4638c17.css", "aa19bb2.js"],
    ),
    ("tags-with-a-nonce", &["assets/index-BYf2qJoX.js", "assets/index-Dx92_kLm.css"]),
    // What the fixed chunk imports may have its hash from a library: nothing tells it from such a file.
    ("vite-fixed-chunk-name/dist1", &["assets/widget-CPDqp85V.css"]),
    ("vite-fixed-chunk-name/dist2", &["assets/widget-Cfm4_diO.css"]),
    ("vite-fixed-chunk-behind-a-hashed-one", &[]),
    (
        "worker-of-worker-loader",
        &["3c1e8b70d94f25a6e7b1.worker.js", "9f153282a7c04d1be365.worker.js", "main.8d7f6a5b4c3e2f1a9b80.js"],
    ),
];

#[test]
fn each_case_is_judged_as_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fingerprints");
    let mut wrong = Vec::new();
    for (case, expected) in CASES {
        let verdicts = read(&folder.join(case)).unwrap().verdicts();
        let fingerprinted: BTreeMap<&str, &str> = verdicts
            .iter()
            .filter(|(_, verdict)| verdict.kind == Kind::Fingerprinted)
            .map(|(path, verdict)| (path.as_str(), verdict.rule))
            .collect();
        if !fingerprinted.keys().eq(*expected) {
            let others = verdicts.iter().map(|(path, verdict)| format!("\n  {path}: {}", verdict.rule));
            wrong.push(format!("{case}: {fingerprinted:?} of{}", others.collect::<String>()));
        }
    }
    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
}

#[test]
fn every_case_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fingerprints");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(CASES.iter().any(|(case, _)| case.split('/').next() == Some(&name)), "{name}");
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}

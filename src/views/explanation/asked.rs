//! Which files of a site a person asks about, and why one that is asked for is not among them.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::environment::{PublishSettings, SourceMaps};
use crate::content::path::SitePath;
use crate::report::error::{Code, Problem};
use crate::site::headers_file;
use crate::site::redirects_file;
use crate::site::snapshot::{LeftOut, Snapshot, is_source_map};
use crate::types::globs::{PathGlobs, plain};

/// Most names that are suggested for one that is not there.
const MAX_NEAR: usize = 3;

/// How similar two paths must be, from 0 to 1, for one to be suggested for the other (Jaro-Winkler).
const NEAR: f64 = 0.8;

/// The files of `snapshot` that `texts` name: each is a path of the site, also as a URL or the disk writes it (`/app.js`,
/// `./app.js`, `dist/app.js`), a folder of it, or a glob. A path comes first: names may hold `[` and `*`.
///
/// # Errors
/// [`Code::Usage`] for a text that names no file, with the reason where the file was left out, else with names that are
/// near; [`Code::Configuration`] for one that is no glob.
pub fn asked(texts: &[String], snapshot: &Snapshot, settings: &PublishSettings) -> Result<BTreeSet<SitePath>, Problem> {
    let mut found = BTreeSet::new();
    for text in texts {
        let spellings = spellings(text, &snapshot.root);
        let mut named = BTreeSet::new();
        for spelling in &spellings {
            named = named_by(spelling, snapshot)?;
            if !named.is_empty() {
                break;
            }
        }
        if named.is_empty() {
            return Err(not_there(text, &spellings, snapshot, settings));
        }
        found.append(&mut named);
    }
    Ok(found)
}

/// What `text` may be as a path of the site, the likeliest first: as it is, and without the folder in front.
fn spellings(text: &str, root: &Path) -> Vec<String> {
    let path = plain(text);
    let root_text = root.to_string_lossy();
    let root_name = root.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let below = |folder: &str| Some(path.strip_prefix(plain(folder))?.strip_prefix('/')?.to_owned());
    let mut spellings = vec![path.to_owned()];
    spellings.extend([below(&root_text), below(&root_name)].into_iter().flatten().filter(|path| !path.is_empty()));
    spellings
}

/// The files that one spelling names.
fn named_by(spelling: &str, snapshot: &Snapshot) -> Result<BTreeSet<SitePath>, Problem> {
    if let Some((path, _)) = SitePath::new(spelling).ok().and_then(|path| snapshot.files.get_key_value(&path)) {
        return Ok(BTreeSet::from([path.clone()]));
    }
    let globs = PathGlobs::new("--explain", &[spelling.to_owned()])?;
    Ok(snapshot.files.keys().filter(|path| globs.cover(path)).cloned().collect())
}

fn not_there(text: &str, spellings: &[String], snapshot: &Snapshot, settings: &PublishSettings) -> Problem {
    let reasons = spellings.iter().find_map(|path| Some((path, left_out(path, &snapshot.left_out, settings)?)));
    if let Some((path, (what, hint))) = reasons {
        return Problem::new(Code::Usage, format!("`{path}` {what}")).hint(hint);
    }
    let mut near: Vec<(f64, &SitePath)> = snapshot.files.keys().map(|path| (likeness(spellings, path), path)).collect();
    near.retain(|(likeness, _)| *likeness > NEAR);
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let names: Vec<String> = near.iter().take(MAX_NEAR).map(|(_, path)| format!("`{path}`")).collect();
    let hint = match names.as_slice() {
        [] => "Give its path in the folder (`assets/app.js`) or a glob (`--explain 'assets/**'`).".to_owned(),
        names => format!("Did you mean {}?", names.join(" or ")),
    };
    Problem::new(Code::Usage, format!("the site has no file `{text}`")).hint(hint)
}

/// How similar a path of the site and the typed text are, with or without the folders of the path.
fn likeness(spellings: &[String], path: &SitePath) -> f64 {
    let whole = spellings.iter().map(|spelling| strsim::jaro_winkler(spelling, path.as_str()));
    let names = spellings.iter().filter(|spelling| !spelling.contains('/'));
    let by_name = names.map(|spelling| strsim::jaro_winkler(spelling, path.file_name()));
    whole.chain(by_name).fold(0.0, f64::max)
}

/// Why a file is left out of the site, as it follows its name, and what would change that; `None`: it is not left out.
fn left_out(path: &str, left_out: &LeftOut, settings: &PublishSettings) -> Option<(&'static str, &'static str)> {
    // A folder stands for all that it holds.
    let among = |names: &[String]| {
        names.iter().any(|name| match name.strip_suffix('/') {
            Some(folder) => path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            None => name == path,
        })
    };
    let excluded = PathGlobs::new("publish.exclude", &settings.exclude).is_ok_and(|globs| globs.cover_text(path));
    if excluded {
        Some(("is not published: `exclude` in publish.toml matches it", "Remove it from `exclude` to publish it."))
    } else if among(&left_out.hidden) {
        Some(("is not published: it is hidden", "List it under `include_hidden` in publish.toml to publish it."))
    } else if among(&left_out.litter) {
        let what = "is not published: its name is one that editors or operating systems leave behind";
        Some((what, "List it under `include_hidden` in publish.toml to publish it."))
    } else if among(&left_out.of_tools) {
        let what = "is not published: package managers need it, and the folder is that of a project";
        Some((what, "List it under `include_hidden` in publish.toml to publish it."))
    } else if left_out.source_maps > 0 && settings.source_maps == SourceMaps::Skip && is_source_map(path) {
        let what = "is not published: `source_maps` in publish.toml excludes source maps";
        Some((what, "`source_maps = \"publish\"` publishes them."))
    } else if matches!(path, headers_file::FILE_NAME | redirects_file::FILE_NAME) {
        Some((
            "is read but not published: it contains settings for the host of the site",
            "`publish plan` shows its effect.",
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::site::fingerprint::Declared;
    use crate::site::snapshot::{SeenFile, SourceFile};
    use crate::types::digest::Digest;

    fn site(files: &[&str]) -> Snapshot {
        let source = |path: &&str| {
            let file = SourceFile {
                // Any file will do: none is opened.
                place: SeenFile::of(Path::new("Cargo.toml")).unwrap(),
                size_bytes: 1,
                digest: Digest::of(b"a"),
                crc64: None,
                md5: None,
                traces: Default::default(),
            };
            (SitePath::new(*path).unwrap(), file)
        };
        Snapshot {
            root: PathBuf::from("./shop/dist/"),
            files: files.iter().map(source).collect(),
            references: BTreeMap::new(),
            routing: Default::default(),
            declared: Declared::default(),
            left_out: LeftOut::default(),
            warnings: Vec::new(),
            hosting: Default::default(),
        }
    }

    fn found(snapshot: &Snapshot, text: &str) -> Vec<String> {
        let found = asked(&[text.to_owned()], snapshot, &PublishSettings::default()).unwrap();
        found.into_iter().map(String::from).collect()
    }

    fn refused(snapshot: &Snapshot, settings: &PublishSettings, text: &str) -> (String, String) {
        let problem = asked(&[text.to_owned()], snapshot, settings).unwrap_err();
        (problem.message, problem.hint)
    }

    #[test]
    fn a_path_is_understood_as_sites_urls_and_disks_write_it() {
        let snapshot = site(&["assets/app.js", "index.html"]);
        for text in [
            "assets/app.js",
            "/assets/app.js",
            "./assets/app.js",
            ".//assets/app.js",
            "dist/assets/app.js",
            "./dist/assets/app.js",
            "shop/dist/assets/app.js",
            "./shop/dist/assets/app.js",
            "assets",
            "assets/",
            "**/*.js",
            "dist/*/*.js",
        ] {
            assert_eq!(found(&snapshot, text), ["assets/app.js"], "{text}");
        }
        assert_eq!(found(&snapshot, "dist/**"), ["assets/app.js", "index.html"]);
    }

    #[test]
    fn what_is_there_comes_before_what_may_be_meant() {
        let snapshot = site(&["a.js", "dist/a.js", "posts/[id].js", "posts/i.js"]);
        assert_eq!(found(&snapshot, "dist/a.js"), ["dist/a.js"]);
        assert_eq!(found(&snapshot, "posts/[id].js"), ["posts/[id].js"]);
        assert_eq!(found(&snapshot, "posts/[ix].js"), ["posts/i.js"]);
    }

    #[test]
    fn names_that_are_near_are_put_forward() {
        let snapshot = site(&["assets/index-BYf2qJoX.js", "assets/index-tEV-d4Vc.css", "robots.txt"]);
        let hint = |text: &str| refused(&snapshot, &PublishSettings::default(), text).1;
        for text in ["assets/index-BYf2qJoY.js", "index-BYf2qJoX.js", "dist/assets/index-BYf2.js"] {
            assert!(hint(text).starts_with("Did you mean `assets/index-BYf2qJoX.js`"), "{text}: {}", hint(text));
        }
        assert!(hint("zzz").contains("--explain 'assets/**'"));
    }

    #[test]
    fn what_was_left_out_is_told_with_the_reason() {
        let mut snapshot = site(&["index.html"]);
        snapshot.left_out = LeftOut {
            hidden: vec![".env".to_owned(), ".vite/".to_owned()],
            litter: vec!["Thumbs.db".to_owned()],
            of_tools: vec!["node_modules/".to_owned()],
            source_maps: 1,
        };
        let settings = PublishSettings {
            exclude: vec!["drafts".to_owned()],
            source_maps: SourceMaps::Skip,
            ..PublishSettings::default()
        };
        for (text, path, part) in [
            (".env", ".env", "it is hidden"),
            ("dist/.vite/manifest.json", ".vite/manifest.json", "it is hidden"),
            ("Thumbs.db", "Thumbs.db", "leave behind"),
            ("/drafts/a.html", "drafts/a.html", "`exclude`"),
            ("app.js.map", "app.js.map", "`source_maps`"),
            ("node_modules/a.js", "node_modules/a.js", "package managers"),
            ("_headers", "_headers", "not published"),
        ] {
            let (message, hint) = refused(&snapshot, &settings, text);
            assert!(message.starts_with(&format!("`{path}` is")) && message.contains(part), "{message}");
            assert!(!hint.is_empty(), "{text}");
        }
    }
}

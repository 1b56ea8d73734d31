//! The files that a build lists in manifests for servers and later builds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::name::Name;
use crate::content::path::SitePath;

/// File names of manifests: Vite and webpack (`manifest.json`), create-react-app, gulp-rev, Django, Ember, Phoenix, Qwik.
const MANIFESTS: [&str; 9] = [
    "manifest.json",
    "asset-manifest.json",
    "assets-manifest.json",
    "rev-manifest.json",
    "staticfiles.json",
    "assetMap.json",
    "cache_manifest.json",
    "hashmap.json",
    "q-manifest.json",
];

/// Where Qwik writes the `bundles` of its manifest.
const BUNDLES_OF_QWIK: &str = "build";

/// Largest manifest that is read, in bytes.
pub(super) const MAX_MANIFEST_BYTES: usize = 16 << 20;

/// Whether a file, published or not, may be a manifest of a build.
pub fn is_manifest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    MANIFESTS.contains(&name)
}

/// The contents of a build's manifests: each file with the manifest and the token in its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared(BTreeMap<SitePath, (String, String)>);

impl Declared {
    /// Adds the manifest at `path`. A file that is no manifest, or lists only what could be copies, changes nothing.
    pub fn read(&mut self, path: &str, bytes: &[u8]) {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return;
        }
        let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(bytes) else { return };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        // Vite writes `.vite/manifest.json` into the folder that its paths are relative to.
        let root = folder.strip_suffix(".vite").map_or(folder, |root| root.trim_end_matches('/'));
        for (name, value) in &object {
            self.entry(path, root, name, value);
        }
    }

    fn entry(&mut self, manifest: &str, root: &str, name: &str, value: &Value) {
        match value {
            Value::String(file) => self.renamed(manifest, root, name, file),
            Value::Object(object) if object.contains_key("file") => {
                let lists = ["css", "assets"].iter().filter_map(|list| object.get(*list)?.as_array());
                let files = object.get("file").into_iter().chain(lists.flatten()).filter_map(Value::as_str);
                let source = object.get("src").and_then(Value::as_str).unwrap_or(name);
                files.for_each(|file| self.insert(manifest, root, source, file));
            }
            Value::Object(object) if name == "bundles" && manifest.ends_with("q-manifest.json") => {
                // `q-<hash>.js`
                object
                    .keys()
                    .for_each(|file| self.insert(manifest, root, "q.js", &format!("{BUNDLES_OF_QWIK}/{file}")));
            }
            // `files` of create-react-app, `paths` of Django, `assets` of Ember; and `assets` of Qwik, the other way round.
            Value::Object(object) => {
                for (name, value) in object {
                    match (value.as_str(), value.get("name").and_then(Value::as_str)) {
                        (Some(file), _) => self.renamed(manifest, root, name, file),
                        (None, Some(source)) => self.renamed(manifest, root, source, name),
                        (None, None) => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// A file with another name than its source: a copy is listed too, under its old name.
    fn renamed(&mut self, manifest: &str, root: &str, name: &str, file: &str) {
        if last(name) != last(file) {
            self.insert(manifest, root, name, file);
        }
    }

    /// A file made of `source`. People write files with these names too, with any text in them: the rest of the
    /// name besides the source's must be the hash, or read as one.
    fn insert(&mut self, manifest: &str, root: &str, source: &str, file: &str) {
        let file = file.trim_start_matches('/');
        let path = if root.is_empty() { SitePath::new(file) } else { SitePath::new(format!("{root}/{file}")) };
        let Ok(path) = path else { return };
        let Some(token) = Name::of(&path).and_then(|name| token(&name, last(source)).map(str::to_owned)) else {
            return;
        };
        self.0.entry(path).or_insert((token, manifest.to_owned()));
    }

    /// The token of a file in a manifest, and the manifest.
    pub(super) fn token(&self, path: &SitePath) -> Option<(String, String)> {
        self.0.get(path).cloned()
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The hash in the name of a file made of `source`.
fn token<'p>(name: &Name<'p>, source: &str) -> Option<&'p str> {
    let (source, _) = source.rsplit_once('.').unwrap_or_default();
    let token = name.last_possible_hash()?;
    let is_rest = |rest: &str| !source.is_empty() && rest.trim_matches(['-', '.', '_', '~']) == source;
    let added = name.stem.strip_suffix(token).or_else(|| name.stem.strip_prefix(token)).is_some_and(is_rest);
    let strict = || name.clear_hash().map(|(_, strict)| strict).filter(|strict| !source.contains(strict));
    added.then_some(token).or_else(strict)
}

//! What a build lists of its own files, published or not: read for the judgement of names, and for nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::MAX_READ_BYTES;
use super::walk::Found;
use crate::content::path::SitePath;
use crate::site::fingerprint::{Declared, is_manifest};

/// Where Vite writes its manifest, below its output folder. Hidden, and so not published.
const OF_VITE: &str = ".vite/";

/// Takes in all manifests. What cannot be read declares nothing: then less is known, and nothing wrong.
pub(super) fn read(root: &Path, files: &BTreeMap<SitePath, Found>, hidden: &[String]) -> Declared {
    let published = files.iter().map(|(path, found)| (path.to_string(), found.path.clone()));
    let of_vite = hidden.iter().filter(|folder| ends_with_segment(folder, OF_VITE)).map(|folder| {
        let path = format!("{folder}manifest.json");
        let real: PathBuf = root.join(&path);
        (path, real)
    });
    let mut declared = Declared::default();
    for (path, real) in published.chain(of_vite).filter(|(path, _)| is_manifest(path)) {
        let is_small = |file: std::fs::Metadata| file.is_file() && file.len() <= MAX_READ_BYTES;
        if std::fs::metadata(&real).is_ok_and(is_small)
            && let Ok(bytes) = std::fs::read(real)
        {
            declared.read(&path, &bytes);
        }
    }
    declared
}

fn ends_with_segment(folder: &str, segment: &str) -> bool {
    folder.strip_suffix(segment).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

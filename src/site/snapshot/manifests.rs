//! A build's lists of its own files, published or not: read only to judge names.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::MAX_READ_BYTES;
use super::place::{FileType, Root, SeenFile};
use super::walk::Found;
use crate::content::path::SitePath;
use crate::site::fingerprint::{Declared, is_manifest};

/// Where Vite writes its manifest, below its output folder. Hidden, and so not published.
const OF_VITE: &str = ".vite/";

/// Adds all manifests. An unreadable one declares nothing: then there is less evidence, but no false evidence.
pub(super) fn read(root: &Root, files: &BTreeMap<SitePath, Found>, hidden: &[String]) -> Declared {
    let published = files.iter().map(|(path, found)| (path.to_string(), found.place.clone()));
    let of_vite = hidden.iter().filter(|folder| ends_with_segment(folder, OF_VITE)).filter_map(|folder| {
        let path = format!("{folder}manifest.json");
        match root.look(Path::new(&path)) {
            Ok(FileType::File { identity, .. }) => Some((path.clone(), root.place(Path::new(&path), identity))),
            _ => None,
        }
    });
    let mut declared = Declared::default();
    for (path, place) in published.chain(of_vite).filter(|(path, _)| is_manifest(path)) {
        if let Some(bytes) = small(&place) {
            declared.read(&path, &bytes);
        }
    }
    declared
}

/// The bytes of the file, if it can be read and is not too large.
fn small(place: &SeenFile) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = place.open().ok()?.take(MAX_READ_BYTES + 1).read_to_end(&mut bytes).ok()?;
    (read as u64 <= MAX_READ_BYTES).then_some(bytes)
}

fn ends_with_segment(folder: &str, segment: &str) -> bool {
    folder.strip_suffix(segment).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

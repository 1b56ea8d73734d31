//! Reading a build as a publish does.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use publish::config::environment::PublishSettings;
use publish::content::path::SitePath;
use publish::content::references::References;
use publish::release::layout::Layout;
use publish::report::event::Events;
use publish::site::fingerprint;
use publish::site::snapshot::{Snapshot, SourceFile};
use publish::types::stop::Stop;

use super::record::{Build, File};

/// Reads the build in a folder as a publish does.
pub(crate) fn read(build: &Path) -> Result<Build, Box<dyn Error>> {
    let layout = Layout::new("corpus", "bucket", "", None, None);
    let settings = PublishSettings::default();
    let snapshot = Snapshot::take(build, &settings, &layout, &Stop::default(), Events::new(&|_| {}))
        .map_err(|problem| problem.message)?;
    let manifests = manifests(build, &snapshot)?;
    let mut references = snapshot.references;
    let file = |(path, file): (SitePath, SourceFile)| {
        let references = references.remove(&path).unwrap_or_default();
        (path, recorded(file, references))
    };
    Ok(Build { files: snapshot.files.into_iter().map(file).collect(), manifests })
}

fn recorded(file: SourceFile, references: References) -> File {
    let References { base, imports, list, choices } = references;
    File {
        sha256: file.digest,
        traces: file.traces,
        base: base.map(|base| base.to_string()),
        imports: imports.into_iter().map(|(name, to)| (name.to_string(), to.to_string())).collect(),
        references: list.into_iter().map(|one| (one.written.to_string(), one.role, one.form, one.line)).collect(),
        choices: choices.iter().map(|list| list.iter().map(|one| one.to_string()).collect()).collect(),
    }
}

/// The texts of the manifests that the build left behind: those that are published, and Vite's, which need not be.
fn manifests(build: &Path, snapshot: &Snapshot) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut manifests = BTreeMap::new();
    for entry in walkdir::WalkDir::new(build) {
        let entry = entry?;
        let path = entry.path().strip_prefix(build)?.to_string_lossy().replace('\\', "/");
        let published = SitePath::new(path.as_str()).is_ok_and(|path| snapshot.files.contains_key(&path));
        let counts = fingerprint::is_manifest(&path) && (published || path.ends_with(".vite/manifest.json"));
        if counts
            && entry.file_type().is_file()
            && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
        {
            manifests.insert(path, text);
        }
    }
    Ok(manifests)
}

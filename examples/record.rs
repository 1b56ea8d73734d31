//! Reads the builds that `corpus/build.py OUT` made, as a publish would, and writes what is kept of them to corpus/projects
//! (corpus/README.md). Ends with an error where a file would be refused, as for a secret in it.
//!
//! ```sh
//! cargo run --example record -- OUT            # every project that has a build in OUT
//! cargo run --example record -- OUT hugo astro # some
//! ```
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it reads folders and speaks")]

#[path = "../tests/it/corpus/record.rs"]
mod record;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use publish::config::environment::PublishSettings;
use publish::content::path::SitePath;
use publish::content::references::References;
use publish::release::layout::Layout;
use publish::report::event::Events;
use publish::site::fingerprint;
use publish::site::snapshot::{Snapshot, SourceFile};
use publish::types::stop::Stop;

use record::{Build, File, Record, folder, secret_rules};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let builds =
        arguments.next().ok_or("the folder of the builds is missing: cargo run --example record -- OUT [NAME…]")?;
    let names: Vec<String> = arguments.collect();
    let mut recorded = 0;
    for entry in fs::read_dir(folder())? {
        let project = entry?.path();
        let name = project.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let built = Path::new(&builds).join(&name);
        let is_meant = names.is_empty() && built.join("truth.tsv").is_file() || names.contains(&name);
        if is_meant {
            let read = |half| read(&built.join(half)).map_err(|error| format!("{name}/{half}: {error}"));
            let record = Record { a: read("a")?, b: read("b")?, secrets: secret_rules()? };
            fs::copy(built.join("truth.tsv"), project.join("truth.tsv"))?;
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packer.write_all(&serde_json::to_vec(&record)?)?;
            fs::write(project.join("record.json.gz"), packer.finish()?)?;
            println!("{name}");
            recorded += 1;
        }
    }
    println!("{recorded} recorded");
    Ok(())
}

/// Reads a build as a publish does.
fn read(build: &Path) -> Result<Build, Box<dyn Error>> {
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

//! What is kept of the builds of a project: `examples/record.rs` writes it, and the tests read it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use publish::content::path::SitePath;
use publish::content::references::{Form, Role};
use publish::site::fingerprint::Traces;
use publish::types::digest::Digest;
use serde::{Deserialize, Serialize};

/// What is recorded of the two builds of a project.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) a: Build,
    pub(crate) b: Build,
    /// The digest of the sources of the rules by which both were found to hold no secret.
    pub(crate) secrets: String,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Build {
    pub(crate) files: BTreeMap<SitePath, File>,
    /// The texts of manifests that the build left behind, published or not.
    pub(crate) manifests: BTreeMap<String, String>,
}

/// A file of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) sha256: Digest,
    #[serde(flatten)]
    pub(crate) traces: Traces,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) imports: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) references: Vec<(String, Role, Form, u32)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) choices: Vec<Vec<String>>,
}

/// Where the records lie.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/projects")
}

/// SHA-256 of the sources of the rules for secrets, in the order of their paths.
pub(crate) fn secret_rules() -> io::Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/content/src");
    let mut paths = vec![folder.join("secrets.rs")];
    for entry in std::fs::read_dir(folder.join("secrets"))? {
        paths.push(entry?.path());
    }
    paths.retain(|path| !path.ends_with("tests.rs"));
    paths.sort_by_key(|path| path.to_string_lossy().into_owned());
    let mut rules = Vec::new();
    for path in paths {
        rules.extend(std::fs::read(path)?);
    }
    Ok(Digest::of(&rules).to_string())
}

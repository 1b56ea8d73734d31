//! The site on disk: which files belong to it, and the digest of each.
//!
//! A folder is walked first and judged by names, kinds and sizes; only then are files read, each exactly once, on all
//! cores and in pieces. All reasons against publishing are collected and reported in one sentence, sorted
//! by path, so that neither the result nor the message depends on the order in which the disk or the cores answer.
#![expect(clippy::disallowed_methods, reason = "this stage reads the site from the disk; no other does")]

mod hash;
mod home;
mod hosting;
mod left_out;
mod links;
mod litter;
mod manifests;
mod place;
mod private;
mod project;
mod refusal;
mod selection;
mod source_map;
mod tools;
mod walk;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::config::environment::PublishSettings;
use crate::content::path::SitePath;
use crate::content::references::References;
use crate::content::routing::Routing;
use crate::release::layout::Layout;
use crate::release::manifest::MAX_FILES;
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::site::fingerprint::{Declared, Traces};
use crate::site::unmatched;
use crate::types::digest::{Crc64, Digest, Md5};
use crate::types::stop::Stop;

use self::home::Home;
use self::hosting::HostingFiles;
pub use self::left_out::LeftOut;
use self::place::Root;
pub use self::place::SeenFile;
pub(crate) use self::project::{built_site, is_project};
use self::refusal::{name_some, refuse};
use self::selection::Selection;
pub(crate) use self::source_map::is_source_map;
use self::walk::Found;

/// Files of at least this many bytes are uploaded in parts and need a CRC-64/NVME: S3 computes no SHA-256 of the whole for
/// them (AWS.md 4.3).
pub const MULTIPART_BYTES: u64 = 64 << 20;

/// The largest file, in bytes: S3 copies no larger object with one request, and activating is copying (AWS.md 4.4).
pub const MAX_FILE_BYTES: u64 = 5 << 30;

/// The largest file, in bytes, whose references are read: it is in memory meanwhile.
pub const MAX_READ_BYTES: u64 = 32 << 20;

/// The hashed files of a site, and their references.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The folder, as the user named it.
    pub root: PathBuf,
    /// The published files.
    pub files: BTreeMap<SitePath, SourceFile>,
    /// The references of each, if it has any.
    pub references: BTreeMap<SitePath, References>,
    /// The signs of a router in them.
    pub routing: Routing,
    /// The content of the build's own manifests, published or not.
    pub declared: Declared,
    /// The files that were left out, without those in `exclude`.
    pub left_out: LeftOut,
    /// Warnings, one sentence each. They have not been shown yet.
    pub warnings: Vec<String>,
    /// Instructions for the host in the folder. Not published.
    pub hosting: HostingFiles,
}

/// One hashed file of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its place on disk, with symbolic links resolved.
    pub place: SeenFile,
    /// Its size when it was hashed.
    pub size_bytes: u64,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// CRC-64/NVME of its bytes, from [`MULTIPART_BYTES`] on.
    pub crc64: Option<Crc64>,
    /// MD5 of its bytes, below [`MULTIPART_BYTES`].
    pub md5: Option<Md5>,
    /// What its bytes show about its name.
    pub traces: Traces,
}

impl Snapshot {
    /// Walks and hashes `root`, and reads the references of its files. Blocks, and uses all cores. Memory use does not depend
    /// on the size of the files: those that are read whole have at most [`MAX_READ_BYTES`].
    ///
    /// Hidden files (with a segment that begins with a dot, except `.well-known`) are left out unless `include_hidden` covers
    /// them, and so are leftovers of editors and systems. A private file that is left out anyway is only listed; one that
    /// would be published is refused unless `allow_private` covers it. Keys and credentials of the user's home folder are
    /// refused even then, and that folder itself before it is walked. Source maps are treated as `source_maps` says.
    ///
    /// # Errors
    /// [`Code::ProjectFolder`] before the folder is walked; [`Code::NoSite`], [`Code::BadName`], [`Code::BadLink`],
    /// [`Code::TooLarge`] and private names ([`Code::Private`]) before any file is read; then private contents, [`Code::Unreadable`] and
    /// [`Code::FileChanged`]. [`Code::Configuration`] for a setting that is not a glob, and for a `_headers` or
    /// `_redirects` file that is no text. [`Code::Interrupted`] soon after `stop` is requested.
    pub fn take(
        root: &Path,
        settings: &PublishSettings,
        layout: &Layout,
        stop: &Stop,
        events: Events<'_>,
    ) -> Result<Snapshot, Problem> {
        let selection = Selection::new(settings)?;
        let folder = open_root(root)?;
        let home = settings.home.as_deref().and_then(Home::new);
        refuse_all_of_a_machine(root, folder.path(), home.as_ref())?;
        if !settings.project_folder {
            project::refuse(root, &folder, &selection, stop)?;
        }
        let walk::Walk { mut files, left_out, refusals, names, empty_because } =
            walk::walk(&folder, &selection, home.as_ref(), layout, walk::LIMITS, stop)?;
        if let Some(problem) = refuse(refusals) {
            return Err(problem);
        }
        let hosting = HostingFiles::take(&mut files)?;
        if files.len() > MAX_FILES {
            let message = format!(
                "the folder `{}` has {} files, but a release can have at most {MAX_FILES}",
                root.display(),
                files.len()
            );
            return Err(Problem::new(Code::TooLarge, message)
                .hint("Publish it as several sites, each with its own `prefix`, or leave files out with `exclude`."));
        }
        if files.is_empty() {
            return Err(nothing_to_publish(root, empty_because));
        }
        let mut warnings = warnings(&files, &left_out.hidden);
        warnings.extend(naming_nothing(settings, &names)?);
        let declared = manifests::read(&folder, &files, &left_out.hidden);
        let bytes = files.values().map(|file| file.size_bytes).sum();
        events.send(Event::HashingStarted { files: files.len(), bytes });
        let hash::Hashed { files, references, routing, refusals } = hash::hash(files, stop, events)?;
        if let Some(problem) = refuse(refusals) {
            return Err(problem);
        }
        events.send(Event::HashingFinished { files: files.len(), bytes });
        Ok(Snapshot { root: root.to_owned(), files, references, routing, declared, left_out, warnings, hosting })
    }

    /// The size of all files together, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.files.values().map(|file| file.size_bytes).sum()
    }
}

/// The folder with all links resolved, or why it cannot be a site.
fn open_root(root: &Path) -> Result<Root, Problem> {
    let shown = root.display();
    let problem = |code, message: String| {
        Problem::new(code, message)
            .hint("Build the site first, or give its folder: `publish DIR`, or `dir` in publish.toml.")
    };
    let cannot_be_opened = |cause| {
        Problem::new(Code::Unreadable, format!("cannot open the folder `{shown}`"))
            .hint("Check its permissions.")
            .source(cause)
    };
    let resolved = std::fs::canonicalize(root).and_then(|folder| Ok((std::fs::metadata(&folder)?, folder)));
    match resolved {
        Ok((metadata, folder)) if metadata.is_dir() => Root::open(folder).map_err(cannot_be_opened),
        Ok(_) => Err(problem(Code::NoSite, format!("`{shown}` is a file, not a folder"))),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            let problem = problem(Code::NoSite, format!("there is no folder `{shown}`"));
            Err(match built_site(root) {
                Some(built) => problem.hint(format!("`{}` contains a built site: did you mean that?", built.display())),
                None => problem,
            })
        }
        Err(cause) if cause.kind() == ErrorKind::NotADirectory => {
            Err(problem(Code::NoSite, format!("`{shown}` leads through a file, not a folder")))
        }
        Err(cause) => Err(cannot_be_opened(cause)),
    }
}

/// Publishing all files of a machine or a person is always a mistake, and walking them takes minutes.
fn refuse_all_of_a_machine(named: &Path, root: &Path, home: Option<&Home>) -> Result<(), Problem> {
    let what = if root.parent().is_none() {
        "contains all files of this machine"
    } else if home.is_some_and(|home| home.is_in(root)) {
        "is or contains your home folder"
    } else {
        return Ok(());
    };
    Err(Problem::new(Code::Private, format!("`{}` {what}", named.display()))
        .hint("Give the folder of the built site: `publish DIR`, or `dir` in publish.toml."))
}

fn stopped() -> Problem {
    Problem::new(Code::Interrupted, "stopped on request")
}

fn nothing_to_publish(root: &Path, because: walk::Empty) -> Problem {
    let shown = root.display();
    match because {
        walk::Empty::NoFiles => Problem::new(Code::NoSite, format!("the folder `{shown}` has no files"))
            .hint("Did the build succeed? Publishing an empty folder would remove the whole site."),
        walk::Empty::AllLeftOut => {
            Problem::new(Code::NoSite, format!("every file in the folder `{shown}` is hidden or excluded"))
                .hint("Is this the right folder? Check `exclude`, `include_hidden` and `source_maps` in publish.toml.")
        }
    }
}

/// Settings that match nothing in the folder.
fn naming_nothing(settings: &PublishSettings, names: &walk::Names) -> Result<Vec<String>, Problem> {
    let met = names.met.iter().map(String::as_str).collect();
    let unseen = names.unseen.iter().map(String::as_str).collect();
    let mut warnings = Vec::new();
    for (setting, globs) in [
        ("publish.exclude", &settings.exclude),
        ("publish.include_hidden", &settings.include_hidden),
        ("publish.allow_private", &settings.allow_private),
    ] {
        warnings.extend(unmatched::warnings(setting, globs, &met, &unseen)?);
    }
    Ok(warnings)
}

/// Warnings about the names, sorted by subject.
fn warnings(files: &BTreeMap<SitePath, Found>, hidden: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(git) = hidden.iter().find(|path| matches!(path.as_str(), ".git" | ".git/")) {
        warnings.push(format!(
            "the folder contains `{git}`, which is not published; is this the built site, or the project that it is \
             built from?"
        ));
    }
    let mut same: BTreeMap<String, Vec<&SitePath>> = BTreeMap::new();
    for path in files.keys() {
        same.entry(path.as_str().to_lowercase()).or_default().push(path);
    }
    for paths in same.values().filter(|paths| paths.len() > 1) {
        warnings.push(format!(
            "{} differ only in case: visitors see separate files, but a disk that ignores case has only one",
            name_some(paths)
        ));
    }
    let tilde: Vec<&SitePath> = files.keys().filter(|path| path.as_str().contains('~')).collect();
    if !tilde.is_empty() {
        warnings.push(format!(
            "CloudFront cannot refresh {} by name, because of the `~`: when one changes, all files whose names begin \
             the same up to the `~` are fetched again",
            name_some(&tilde)
        ));
    }
    warnings
}

#[cfg(test)]
mod tests;

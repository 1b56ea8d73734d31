//! Which files belong to the site: judged by name, kind and size, before any of them is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::litter::is_litter;
use super::private;
use super::refusal::{Reason, Refusal};
use super::source_map::is_source_map;
use super::{LeftOut, MAX_FILE_BYTES};
use crate::config::environment::{PublishSettings, SourceMaps};
use crate::content::path::{InvalidPath, MAX_KEY_BYTES, SitePath};
use crate::release::layout::Layout;
use crate::report::error::Problem;
use crate::types::globs::PathGlobs;

/// The one hidden folder that visitors are meant to see (RFC 8615).
const WELL_KNOWN: &str = ".well-known";

/// Which names are published.
pub(super) struct Selection {
    exclude: PathGlobs,
    include_hidden: PathGlobs,
    allow_private: PathGlobs,
    source_maps: SourceMaps,
}

impl Selection {
    pub(super) fn new(settings: &PublishSettings) -> Result<Selection, Problem> {
        Ok(Selection {
            exclude: PathGlobs::new("publish.exclude", &settings.exclude)?,
            include_hidden: PathGlobs::new("publish.include_hidden", &settings.include_hidden)?,
            allow_private: PathGlobs::new("publish.allow_private", &settings.allow_private)?,
            source_maps: settings.source_maps,
        })
    }

    fn fate(&self, path: &str, is_folder: bool) -> Fate {
        if self.exclude.cover_text(path) {
            Fate::Excluded
        } else if self.include_hidden.cover_text(path) {
            Fate::Published
        } else if is_litter(path, is_folder) {
            Fate::Litter
        } else if hidden_part(path).is_some() {
            Fate::Hidden
        } else {
            Fate::Published
        }
    }
}

#[derive(PartialEq, Eq)]
enum Fate {
    Published,
    Excluded,
    Hidden,
    Litter,
}

/// A file that belongs to the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it lies, with all links resolved.
    pub(super) path: PathBuf,
    /// Its length.
    pub(super) size_bytes: u64,
    /// Whether it may hold a secret.
    pub(super) may_be_private: bool,
}

/// What a walk found.
pub(super) struct Walk {
    pub(super) files: BTreeMap<SitePath, Found>,
    pub(super) left_out: LeftOut,
    pub(super) refusals: Vec<Refusal>,
    /// Why there are no files, if there are none.
    pub(super) empty_because: Empty,
}

/// Why a folder has nothing to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    NoFiles,
    AllLeftOut,
}

/// Walks `root`, whose links are resolved already.
pub(super) fn walk(root: &Path, selection: &Selection, layout: &Layout) -> Walk {
    let mut walker = Walker {
        root,
        selection,
        layout,
        files: BTreeMap::new(),
        hidden: BTreeSet::new(),
        litter: BTreeSet::new(),
        source_maps: 0,
        refusals: Vec::new(),
        any_excluded: false,
    };
    walker.folder(root, "", &[]);
    let left_out = walker.left_out();
    let empty_because = if walker.any_excluded || !left_out.is_empty() { Empty::AllLeftOut } else { Empty::NoFiles };
    Walk { files: walker.files, left_out, refusals: walker.refusals, empty_because }
}

struct Walker<'a> {
    root: &'a Path,
    selection: &'a Selection,
    layout: &'a Layout,
    files: BTreeMap<SitePath, Found>,
    hidden: BTreeSet<String>,
    litter: BTreeSet<String>,
    source_maps: usize,
    refusals: Vec<Refusal>,
    any_excluded: bool,
}

impl Walker<'_> {
    /// Walks the folder at `real`, whose files appear in the site below `name`. `links` are the real folders of the
    /// symbolic links that led here.
    fn folder(&mut self, real: &Path, name: &str, links: &[PathBuf]) {
        let mut entries = WalkDir::new(real).min_depth(1).into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                Ok(entry) => {
                    let path = site_text(name, real, entry.path());
                    let is_folder = entry.file_type().is_dir();
                    let enter = match self.selection.fate(&path, is_folder) {
                        Fate::Published => {
                            self.published(&path, &entry, links);
                            true
                        }
                        Fate::Excluded => {
                            self.any_excluded = true;
                            false
                        }
                        // Below such a folder there may be something that `include_hidden` names.
                        Fate::Hidden | Fate::Litter if is_folder && !self.selection.include_hidden.is_empty() => true,
                        fate @ (Fate::Hidden | Fate::Litter) => {
                            let left_out = if fate == Fate::Hidden { &mut self.hidden } else { &mut self.litter };
                            left_out.insert(if is_folder { format!("{path}/") } else { path });
                            false
                        }
                    };
                    if is_folder && !enter {
                        entries.skip_current_dir();
                    }
                }
                Err(error) => {
                    let path = site_text(name, real, error.path().unwrap_or(real));
                    if self.selection.fate(&path, false) == Fate::Published {
                        self.unreadable(&path, &error);
                    }
                }
            }
        }
    }

    fn published(&mut self, path: &str, entry: &DirEntry, links: &[PathBuf]) {
        let kind = entry.file_type();
        if kind.is_symlink() {
            self.link(path, entry.path(), links);
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(metadata) => self.file(path, entry.path(), metadata.len()),
                Err(error) => self.unreadable(path, &error),
            }
        } else if !kind.is_dir() {
            self.special(path);
        }
    }

    /// Follows a symbolic link, as long as it stays in the folder and does not lead back to where it lies.
    fn link(&mut self, path: &str, link: &Path, links: &[PathBuf]) {
        let resolved = std::fs::canonicalize(link).and_then(|target| Ok((std::fs::metadata(&target)?, target)));
        let (metadata, target) = match resolved {
            Ok(resolved) => resolved,
            Err(error) => {
                let (reason, what) = match error.kind() {
                    ErrorKind::NotFound | ErrorKind::NotADirectory => {
                        (Reason::Link, "is a symbolic link to something that is not there")
                    }
                    ErrorKind::PermissionDenied => (Reason::Unreadable, "is a symbolic link that cannot be read"),
                    _ => (Reason::Link, "is a symbolic link that leads in a circle"),
                };
                return self.refuse(path, reason, what, Some(error.to_string()));
            }
        };
        if !target.starts_with(self.root) {
            let what = format!("is a symbolic link out of the folder, to `{}`", shown(&target.to_string_lossy()));
            return self.refuse(path, Reason::Link, what, None);
        }
        if metadata.is_file() {
            return self.file(path, &target, metadata.len());
        }
        if !metadata.is_dir() {
            return self.special(path);
        }
        let here = link.parent().unwrap_or(self.root);
        if links.iter().map(PathBuf::as_path).chain([here]).any(|folder| folder.starts_with(&target)) {
            let what = "is a symbolic link to a folder that it lies in itself: following it leads in a circle";
            return self.refuse(path, Reason::Link, what, None);
        }
        let links: Vec<PathBuf> = links.iter().cloned().chain([here.to_owned()]).collect();
        self.folder(&target, path, &links);
    }

    /// Takes a file, unless its name, its size or what its name promises speaks against it.
    fn file(&mut self, text: &str, real: &Path, size_bytes: u64) {
        // What counts for a link is also the name of what it leads to.
        let real_name = site_text("", self.root, real);
        let is_source_map = is_source_map(text) || is_source_map(&real_name);
        if is_source_map && self.selection.source_maps == SourceMaps::Skip {
            self.source_maps += 1;
            return;
        }
        let path = match SitePath::new(text) {
            Ok(path) if !text.contains(char::REPLACEMENT_CHARACTER) || is_utf8(real) => path,
            Ok(_) => return self.refuse(text, Reason::Name, "has a name that is not UTF-8", None),
            Err(invalid) => return self.refuse(text, Reason::Name, what_is_wrong(&invalid), None),
        };
        if let Some(bytes) = self.layout.key_too_long(&path) {
            return self.refuse(text, Reason::Name, key_too_long(bytes), None);
        }
        if self.layout.path_of_live(&self.layout.live(&path).key).as_ref() != Some(&path) {
            let state = self.layout.state_prefix().key;
            let what = format!("would lie among the records that publish keeps in the bucket under `{state}`");
            return self.refuse(text, Reason::Name, what, None);
        }
        if size_bytes > MAX_FILE_BYTES {
            let what = format!("has {size_bytes} bytes, and S3 copies at most {MAX_FILE_BYTES} (5 GiB) at once");
            return self.refuse(text, Reason::TooLarge, what, None);
        }
        let may_be_private = self.selection.allow_private.cover(&path);
        if !may_be_private {
            if is_source_map && self.selection.source_maps == SourceMaps::Refuse {
                let what = "is a source map, which shows what the site was built from";
                return self.refuse(text, Reason::SourceMap, what, None);
            }
            if let Some(what) = private::name(text).or_else(|| private::name(&real_name)) {
                return self.refuse(text, Reason::Private, what, None);
            }
        }
        self.files.insert(path, Found { path: real.to_owned(), size_bytes, may_be_private });
    }

    fn unreadable(&mut self, path: &str, error: &walkdir::Error) {
        let path = if path.is_empty() { "." } else { path };
        match error.io_error() {
            Some(cause) if cause.kind() == ErrorKind::NotFound => {
                self.refuse(path, Reason::Changed, "vanished while it was read", None);
            }
            cause => self.refuse(path, Reason::Unreadable, "cannot be read", cause.map(ToString::to_string)),
        }
    }

    fn special(&mut self, path: &str) {
        self.refuse(path, Reason::Special, "is not a file but a pipe, a socket or a device", None);
    }

    fn refuse(&mut self, path: &str, reason: Reason, what: impl Into<String>, cause: Option<String>) {
        self.refusals.push(Refusal { path: shown(path), what: what.into(), reason, cause });
    }

    fn left_out(&self) -> LeftOut {
        LeftOut { hidden: self.hidden(), litter: self.litter.iter().cloned().collect(), source_maps: self.source_maps }
    }

    /// A hidden folder stands for all that it holds, unless some of that is published.
    fn hidden(&self) -> Vec<String> {
        let published: BTreeSet<&str> = self.files.keys().filter_map(|path| hidden_part(path.as_str())).collect();
        let whole = |path: &String| match hidden_part(path) {
            Some(folder) if folder.len() < path.len() && !published.contains(folder) => format!("{folder}/"),
            _ => path.clone(),
        };
        self.hidden.iter().map(whole).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The path up to and with its first hidden segment.
fn hidden_part(path: &str) -> Option<&str> {
    let mut end = 0;
    for segment in path.split('/') {
        end += segment.len();
        if segment.starts_with('.') && segment != WELL_KNOWN {
            return Some(&path[..end]);
        }
        end += 1;
    }
    None
}

/// `path`, which lies below `folder`, as a path of the site below `name`. What is not UTF-8 becomes U+FFFD.
fn site_text(name: &str, folder: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let segments = relative.components().filter_map(|component| match component {
        Component::Normal(segment) => Some(segment.to_string_lossy().into_owned()),
        _ => None,
    });
    let named = (!name.is_empty()).then(|| name.to_owned());
    named.into_iter().chain(segments).collect::<Vec<_>>().join("/")
}

fn is_utf8(path: &Path) -> bool {
    path.to_str().is_some()
}

/// A name that can be printed.
fn shown(path: &str) -> String {
    let printable =
        |char: char| -> String { if char.is_control() { char.escape_default().to_string() } else { char.to_string() } };
    path.chars().map(printable).collect()
}

fn what_is_wrong(invalid: &InvalidPath) -> String {
    match invalid {
        InvalidPath::ControlCharacter(_) => {
            "has a control character in its name, which no listing carries faithfully".to_owned()
        }
        InvalidPath::Backslash(_) => "has a backslash in its name, which browsers take for a slash".to_owned(),
        InvalidPath::TooLong { bytes, .. } => key_too_long(*bytes),
        InvalidPath::EmptySegment(_) | InvalidPath::DotSegment(_) => {
            "has a name that browsers take for another one".to_owned()
        }
    }
}

fn key_too_long(bytes: usize) -> String {
    format!("makes a key of {bytes} bytes, and S3 takes {MAX_KEY_BYTES}")
}

//! Which files belong to the site: judged by name, kind and size, before any of them is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::home::Home;
use super::links::{Chain, Followed, Links, NotFollowed};
use super::place::{Entry, FileType, Identity, Root, SeenFile};
use super::private;
use super::refusal::{Reason, Refusal};
use super::selection::{Fate, Selection, hidden_part};
use super::source_map::is_source_map;
use super::{LeftOut, MAX_FILE_BYTES, stopped};
use crate::config::environment::SourceMaps;
use crate::content::path::{InvalidPath, MAX_KEY_BYTES, SitePath};
use crate::release::layout::Layout;
use crate::report::error::Problem;
use crate::types::stop::Stop;
use crate::types::text::printable;

/// A file that belongs to the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its place, with all links resolved.
    pub(super) place: SeenFile,
    /// Its length.
    pub(super) size_bytes: u64,
    /// Whether it may hold a secret.
    pub(super) may_be_private: bool,
}

/// The result of a walk.
pub(super) struct Walk {
    pub(super) files: BTreeMap<SitePath, Found>,
    pub(super) left_out: LeftOut,
    pub(super) refusals: Vec<Refusal>,
    /// All names: of files and folders, published or not.
    pub(super) names: Names,
    /// Why there are no files, if so.
    pub(super) empty_because: Empty,
}

/// Names of files and folders, published or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) met: BTreeSet<String>,
    /// Folders that were not read.
    pub(super) unseen: BTreeSet<String>,
}

/// Why a folder has nothing to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    NoFiles,
    AllLeftOut,
}

/// The limits of a walk. A few links can give a small folder more names than a machine can hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many names a site may have, including folders and files that are left out.
    pub(super) names: usize,
    /// How many links may lead to a folder, one behind the other.
    pub(super) links: usize,
}

/// The limits of a run.
pub(super) const LIMITS: Limits = Limits { names: 1_000_000, links: 8 };

/// Walks `root`. Each folder is read once, under however many names it is published.
///
/// # Errors
/// If it is stopped.
pub(super) fn walk(
    root: &Root,
    selection: &Selection,
    home: Option<&Home>,
    layout: &Layout,
    limits: Limits,
    stop: &Stop,
) -> Result<Walk, Problem> {
    let mut walker = Walker {
        root,
        selection,
        home,
        layout,
        limits,
        links: Links::default(),
        listings: BTreeMap::new(),
        waiting: Vec::new(),
        names: 0,
        files: BTreeMap::new(),
        hidden: BTreeSet::new(),
        litter: BTreeSet::new(),
        of_tools: BTreeSet::new(),
        source_maps: 0,
        refusals: Vec::new(),
        any_excluded: false,
        met: selection.names_any().then(Names::default),
    };
    walker.all(stop)?;
    let left_out = walker.left_out();
    let empty_because = if walker.any_excluded || !left_out.is_empty() { Empty::AllLeftOut } else { Empty::NoFiles };
    let names = walker.met.unwrap_or_default();
    Ok(Walk { files: walker.files, left_out, refusals: walker.refusals, names, empty_because })
}

type Listing = io::Result<Vec<Entry>>;

struct Walker<'a> {
    root: &'a Root,
    selection: &'a Selection,
    home: Option<&'a Home>,
    layout: &'a Layout,
    limits: Limits,
    links: Links,
    /// The entries of the folders that were read. A folder that links lead to is visited once for each of its names.
    listings: BTreeMap<Identity, Rc<Listing>>,
    waiting: Vec<Visit>,
    names: usize,
    files: BTreeMap<SitePath, Found>,
    hidden: BTreeSet<String>,
    litter: BTreeSet<String>,
    of_tools: BTreeSet<String>,
    source_maps: usize,
    refusals: Vec<Refusal>,
    any_excluded: bool,
    /// Kept only if settings name any: settings that match nothing are reported.
    met: Option<Names>,
}

/// A folder to read.
struct Visit {
    /// Its place below the root, with all links resolved.
    real: PathBuf,
    identity: Identity,
    /// Its path in the site.
    name: Name,
    /// The links that led here.
    chain: Option<Rc<Chain>>,
}

/// A path in the site.
#[derive(Clone)]
struct Name {
    /// Anything that is not UTF-8 becomes U+FFFD.
    text: String,
    is_utf8: bool,
}

impl Name {
    fn root() -> Name {
        Name { text: String::new(), is_utf8: true }
    }

    fn join(&self, segment: &OsStr) -> Name {
        let separator = if self.text.is_empty() { "" } else { "/" };
        let text = format!("{}{separator}{}", self.text, segment.to_string_lossy());
        Name { text, is_utf8: self.is_utf8 && segment.to_str().is_some() }
    }
}

impl Walker<'_> {
    /// Reads all folders, in the order of their names.
    fn all(&mut self, stop: &Stop) -> Result<(), Problem> {
        match self.root.identity() {
            Ok(identity) => {
                self.waiting.push(Visit { real: PathBuf::new(), identity, name: Name::root(), chain: None });
            }
            Err(error) => self.unreadable("", &error),
        }
        while let Some(visit) = self.waiting.pop() {
            let listing = self.listing(&visit, stop);
            // A listing that was stopped must not count as complete.
            if stop.is_requested() {
                return Err(stopped());
            }
            match &*listing {
                Ok(entries) => {
                    self.names += entries.len();
                    self.links.count(visit.chain.as_deref(), entries.len());
                    if self.names > self.limits.names {
                        self.too_many();
                        return Ok(());
                    }
                    for (name, looked) in entries {
                        if stop.is_requested() {
                            return Err(stopped());
                        }
                        self.entry(&visit, name, looked);
                    }
                }
                Err(error) if self.selection.fate(&visit.name.text, true) == Fate::Published => {
                    self.unreadable(&visit.name.text, error);
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// The entries of a folder, read at its first visit. If they exceed the remaining limit, the walk ends.
    fn listing(&mut self, visit: &Visit, stop: &Stop) -> Rc<Listing> {
        let left = self.limits.names - self.names;
        let read = || Rc::new(self.root.list(&visit.real, visit.identity, left, stop).map(sorted));
        Rc::clone(self.listings.entry(visit.identity).or_insert_with(read))
    }

    fn entry(&mut self, folder: &Visit, name: &OsStr, looked: &io::Result<FileType>) {
        let path = folder.name.join(name);
        let is_folder = matches!(looked, Ok(FileType::Folder(_)));
        if let Some(names) = &mut self.met {
            names.met.insert(path.text.clone());
        }
        let fate = self.selection.fate(&path.text, is_folder);
        let enter = match fate {
            Fate::Published => true,
            Fate::Excluded => {
                self.any_excluded = true;
                false
            }
            // `include_hidden` may match something below such a folder.
            Fate::Hidden | Fate::Litter | Fate::OfTools if is_folder && !self.selection.include_hidden.is_empty() => {
                true
            }
            Fate::Hidden | Fate::Litter | Fate::OfTools => {
                let left_out = match fate {
                    Fate::Hidden => &mut self.hidden,
                    Fate::Litter => &mut self.litter,
                    _ => &mut self.of_tools,
                };
                left_out.insert(if is_folder { format!("{}/", path.text) } else { path.text.clone() });
                false
            }
        };
        if !enter {
            if let (Some(names), true) = (&mut self.met, is_folder) {
                names.unseen.insert(path.text);
            }
            return;
        }
        let real = folder.real.join(name);
        match looked {
            Ok(FileType::Folder(identity)) => {
                let (identity, chain) = (*identity, folder.chain.clone());
                self.waiting.push(Visit { real, identity, name: path, chain });
            }
            Ok(FileType::File { identity, size_bytes }) => self.file(&path, &real, *identity, *size_bytes),
            Ok(FileType::Link) => self.link(path, &real, folder),
            Ok(FileType::Special) => self.special(&path.text),
            Err(error) => self.unreadable(&path.text, error),
        }
    }

    /// Follows a symbolic link, as long as it stays in the folder and does not lead back to where it lies.
    fn link(&mut self, path: Name, link: &Path, folder: &Visit) {
        let followed = match self.links.follow(self.root, link) {
            Ok(followed) => followed,
            Err(NotFollowed { reason, what, cause }) => return self.refuse(&path.text, reason, what, cause),
        };
        let Followed { real, kind } = followed;
        let identity = match kind {
            FileType::File { identity, size_bytes } => return self.file(&path, &real, identity, size_bytes),
            FileType::Special => return self.special(&path.text),
            FileType::Folder(identity) => identity,
            FileType::Link => {
                return self.refuse(&path.text, Reason::Changed, "was replaced while it was being read", None);
            }
        };
        let chain = Chain::longer(folder.chain.as_ref(), link, &path.text);
        if chain.is_inside(&real) {
            let what = "is a symbolic link to a folder that contains it: following it leads in a circle";
            return self.refuse(&path.text, Reason::Link, what, None);
        }
        if chain.length > self.limits.links {
            let what = format!(
                "is a symbolic link behind {} others, one after the other, and no more are followed",
                self.limits.links
            );
            return self.refuse(&path.text, Reason::Tangle, what, None);
        }
        self.waiting.push(Visit { real, identity, name: path, chain: Some(Rc::new(chain)) });
    }

    /// Gives up, and drops everything found so far.
    fn too_many(&mut self) {
        self.refusals.clear();
        let limit = self.limits.names;
        match self.links.busiest() {
            Some(link) => {
                let what = format!(
                    "is a symbolic link that gives much of the folder additional names, more than {limit} in all"
                );
                self.refuse(&link, Reason::Tangle, what, None);
            }
            None => self.refuse(".", Reason::TooMany, format!("contains more than {limit} files and folders"), None),
        }
    }

    /// Adds a file, unless its names or its size rule it out.
    fn file(&mut self, name: &Name, real: &Path, identity: Identity, size_bytes: u64) {
        let text = name.text.as_str();
        // For a link, the name of its target counts too.
        let real_name = site_text(real);
        let is_source_map = is_source_map(text) || is_source_map(&real_name);
        if is_source_map && self.selection.source_maps == SourceMaps::Skip {
            self.source_maps += 1;
            return;
        }
        let path = match SitePath::new(text) {
            Ok(path) if name.is_utf8 => path,
            Ok(_) => return self.refuse(text, Reason::Name, "has a name that is not UTF-8", None),
            Err(invalid) => return self.refuse(text, Reason::Name, what_is_wrong(&invalid), None),
        };
        if let Some(bytes) = self.layout.key_too_long(&path) {
            return self.refuse(text, Reason::Name, key_too_long(bytes), None);
        }
        if !self.layout.can_be_live(&path) {
            let state = self.layout.state_prefix().key;
            let what = format!("would be among publish's own files in the bucket, under `{state}`");
            return self.refuse(text, Reason::Name, what, None);
        }
        if size_bytes > MAX_FILE_BYTES {
            let what = format!("has {size_bytes} bytes, but S3 can copy at most {MAX_FILE_BYTES} (5 GiB) at once");
            return self.refuse(text, Reason::TooLarge, what, None);
        }
        if let Some(what) = self.home.and_then(|home| home.secret(&self.root.path().join(real))) {
            return self.refuse(text, Reason::OfHome, what, None);
        }
        let may_be_private = self.selection.allow_private.cover(&path);
        if !may_be_private {
            if is_source_map && self.selection.source_maps == SourceMaps::Refuse {
                let what = "is a source map, which reveals the site's source code";
                return self.refuse(text, Reason::SourceMap, what, None);
            }
            if let Some(what) = private::name(text).or_else(|| private::name(&real_name)) {
                return self.refuse(text, Reason::Private, what, None);
            }
        }
        let place = self.root.place(real, identity);
        self.files.insert(path, Found { place, size_bytes, may_be_private });
    }

    fn unreadable(&mut self, path: &str, error: &io::Error) {
        let path = if path.is_empty() { "." } else { path };
        match SeenFile::is_gone(error) {
            Some(what) => self.refuse(path, Reason::Changed, what, None),
            None => self.refuse(path, Reason::Unreadable, "cannot be read", Some(error.to_string())),
        }
    }

    fn special(&mut self, path: &str) {
        self.refuse(path, Reason::Special, "is not a file but a pipe, a socket or a device", None);
    }

    fn refuse(&mut self, path: &str, reason: Reason, what: impl Into<String>, cause: Option<String>) {
        self.refusals.push(Refusal { path: printable(path), what: what.into(), reason, cause });
    }

    fn left_out(&self) -> LeftOut {
        LeftOut {
            hidden: self.hidden(),
            litter: self.litter.iter().cloned().collect(),
            of_tools: self.of_tools.iter().cloned().collect(),
            source_maps: self.source_maps,
        }
    }

    /// A hidden folder stands for everything in it, unless some of that is published.
    fn hidden(&self) -> Vec<String> {
        let published: BTreeSet<&str> = self.files.keys().filter_map(|path| hidden_part(path.as_str())).collect();
        let whole = |path: &String| match hidden_part(path) {
            Some(folder) if folder.len() < path.len() && !published.contains(folder) => format!("{folder}/"),
            _ => path.clone(),
        };
        self.hidden.iter().map(whole).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Sorted by name: messages must not depend on the order of the disk. The last one is visited first.
fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    entries
}

/// `path`, below the root, as a path of the site. Anything that is not UTF-8 becomes U+FFFD.
fn site_text(path: &Path) -> String {
    let segments = path.components().filter_map(|component| match component {
        Component::Normal(segment) => Some(segment.to_string_lossy()),
        _ => None,
    });
    segments.collect::<Vec<_>>().join("/")
}

fn what_is_wrong(invalid: &InvalidPath) -> String {
    match invalid {
        InvalidPath::ControlCharacter(_) => {
            "has a control character in its name, which S3 listings do not reproduce reliably".to_owned()
        }
        InvalidPath::Backslash(_) => "has a backslash in its name, which browsers treat as a slash".to_owned(),
        InvalidPath::TooLong { bytes, .. } => key_too_long(*bytes),
        InvalidPath::EmptySegment(_) | InvalidPath::DotSegment(_) => {
            "has a name that browsers read as another path".to_owned()
        }
    }
}

fn key_too_long(bytes: usize) -> String {
    format!("needs a key of {bytes} bytes, but S3 allows at most {MAX_KEY_BYTES}")
}

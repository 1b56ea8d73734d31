//! Files and folders below the root of the site, reached without ever leaving it.
//!
//! While a site is read, something else may write to its folder. So nothing is opened by an absolute path: every
//! opening begins at the root, which is opened once, follows no link in the last segment, and cannot leave the root by
//! one in any other. It does not wait for the other end of a pipe. The result is compared with what the walk saw: the
//! device, the inode and the kind. macOS runs the same code as Linux. On Windows the same library calls ensure that no
//! reparse point leads out. No test of ours runs on either.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::{DirExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};

use crate::types::stop::Stop;

/// The root of a site, open.
#[derive(Clone, Debug)]
pub(super) struct Root(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    folder: Dir,
    path: PathBuf,
}

/// A file as it was when it was read first. The root stays open for as long as this lives.
#[derive(Clone, Debug)]
pub struct SeenFile {
    root: Root,
    below: PathBuf,
    identity: Identity,
}

/// The identity of a file or folder on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

/// The kind of an object below the root, with links not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileType {
    Folder(Identity),
    File {
        identity: Identity,
        size_bytes: u64,
    },
    Link,
    /// A pipe, a socket or a device.
    Special,
}

/// A name in a folder, and its object.
pub(super) type Entry = (OsString, Result<FileType>);

/// There is another file, or something other than a file, at this place.
#[derive(Debug, thiserror::Error)]
#[error("it was replaced while it was being read")]
struct Replaced;

impl Root {
    /// Opens the folder at `path`, whose links are already resolved.
    pub(super) fn open(path: PathBuf) -> Result<Root> {
        let folder = Dir::open_ambient_dir(&path, ambient_authority())?;
        Ok(Root(Arc::new(Opened { folder, path })))
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Its identity.
    pub(super) fn identity(&self) -> Result<Identity> {
        Ok(identity(&self.0.folder.dir_metadata()?))
    }

    /// The object at `below`. A path that leads out of the root by now gives something else.
    pub(super) fn look(&self, below: &Path) -> Result<FileType> {
        let looked = if below.as_os_str().is_empty() {
            self.0.folder.dir_metadata()
        } else {
            self.0.folder.symlink_metadata(below)
        };
        Ok(kind(&looked?))
    }

    /// The entries of the folder at `below`, which must still be the one that was seen, in the disk's order. Of
    /// more than `most` names it reads one more, which shows that there are too many; it stops when asked to.
    pub(super) fn list(&self, below: &Path, seen: Identity, most: usize, stop: &Stop) -> Result<Vec<Entry>> {
        let opened;
        let folder = if below.as_os_str().is_empty() {
            &self.0.folder
        } else {
            opened = self.0.folder.open_dir_nofollow(below)?;
            &opened
        };
        if identity(&folder.dir_metadata()?) != seen {
            return Err(replaced());
        }
        let mut entries = Vec::new();
        for entry in folder.entries()?.take(most.saturating_add(1)).take_while(|_| !stop.is_requested()) {
            let name = entry?.file_name();
            let looked = folder.symlink_metadata(&name).map(|metadata| kind(&metadata));
            entries.push((name, looked));
        }
        Ok(entries)
    }

    /// The file at `below`, as it was seen.
    pub(super) fn place(&self, below: &Path, identity: Identity) -> SeenFile {
        SeenFile { root: self.clone(), below: below.to_owned(), identity }
    }
}

impl SeenFile {
    /// The file at `path`, as it is now.
    ///
    /// # Errors
    /// If it is not a file, or cannot be read.
    pub fn of(path: &Path) -> Result<SeenFile> {
        let not_a_file = || Error::new(ErrorKind::InvalidInput, "it is not a file");
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err(not_a_file()) };
        let root = Root::open(if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() })?;
        match root.look(Path::new(name))? {
            FileType::File { identity, .. } => Ok(root.place(Path::new(name), identity)),
            FileType::Folder(_) | FileType::Link | FileType::Special => Err(not_a_file()),
        }
    }

    /// Its path.
    pub fn path(&self) -> PathBuf {
        self.root.path().join(&self.below)
    }

    /// Its path below the root.
    pub(super) fn below(&self) -> &Path {
        &self.below
    }

    /// Opens the file to read it.
    ///
    /// # Errors
    /// If it does not exist, was replaced, or cannot be read. [`SeenFile::is_gone`] distinguishes them.
    pub fn open(&self) -> Result<File> {
        let folder = &self.root.0.folder;
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No).nonblock(true);
        let opened = folder.open_with(&self.below, &options).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((metadata, file)) if self.is(&metadata) => Ok(file.into_std()),
            Ok(_) => Err(replaced()),
            // Opening a link, a socket or a path out of the root fails with errors of many kinds: what is there now
            // distinguishes them from a file that may not be read.
            Err(error) => match folder.symlink_metadata(&self.below) {
                Ok(metadata) if self.is(&metadata) => Err(error),
                Err(gone) if is_not_there(&gone) => Err(gone),
                _ => Err(replaced()),
            },
        }
    }

    /// Whether `error` of [`SeenFile::open`] means that the file no longer exists, or was replaced.
    pub(super) fn is_gone(error: &Error) -> Option<&'static str> {
        if error.get_ref().is_some_and(|inner| inner.is::<Replaced>()) {
            Some("was replaced while it was being read")
        } else if is_not_there(error) {
            Some("vanished while it was being read")
        } else {
            None
        }
    }

    fn is(&self, metadata: &Metadata) -> bool {
        metadata.is_file() && identity(metadata) == self.identity
    }
}

/// Two places are the same if they have the same file under the same name.
impl PartialEq for SeenFile {
    fn eq(&self, other: &SeenFile) -> bool {
        self.identity == other.identity && self.path() == other.path()
    }
}

impl Eq for SeenFile {}

fn replaced() -> Error {
    Error::other(Replaced)
}

fn is_not_there(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn identity(metadata: &Metadata) -> Identity {
    Identity { device: metadata.dev(), inode: metadata.ino() }
}

fn kind(metadata: &Metadata) -> FileType {
    if metadata.is_symlink() {
        FileType::Link
    } else if metadata.is_dir() {
        FileType::Folder(identity(metadata))
    } else if metadata.is_file() {
        FileType::File { identity: identity(metadata), size_bytes: metadata.len() }
    } else {
        FileType::Special
    }
}

//! The durable form of the sandbox's state.
//!
//! ```text
//! lock                                    held by the one process that uses this folder
//! endpoints.json                          where that process listens
//! session                                 how often this folder was opened
//! data/<name>                             bytes of objects and parts, never changed once a record names them
//! temporary/<n>                           records being written
//! buckets/<bucket>/objects/<hash>.json    one record an object, named by the SHA-256 of its key
//! buckets/<bucket>/uploads/<hash>.json    one record an unfinished multipart upload, by that of its id
//! invalidations/<hash>.json               one record an invalidation, by that of its id
//! ```
//!
//! No path is made from a record's content, and no folder or file of this one is a link: everything that is written, replaced
//! or removed is here, whoever made the folder.
//!
//! A record is written to a temporary file and renamed after its data files are complete, so that a killed process
//! leaves the old state or the new one. Data files that no record names are deleted at the next start. The
//! folder survives the death of the process, not of the machine: nothing is synced.
#![expect(clippy::disallowed_methods, reason = "the sandbox keeps its state on the disk")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::content::{Content, DataFile, DataName, Piece};
use super::{Endpoints, SandboxError};

const ENDPOINTS: &str = "endpoints.json";

/// A storage folder that this process alone uses.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    /// Makes the names of this process's files distinct from those of earlier ones.
    session: u64,
    next: AtomicU64,
    /// Held until the sandbox stops.
    _lock: File,
}

/// The bytes in a record: names and lengths of its data files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DataNames(Vec<(DataName, u64)>);

impl Disk {
    pub(super) fn open(root: &Path) -> Result<Disk, SandboxError> {
        let storage = |source| SandboxError::Storage { path: root.to_owned(), source };
        create_folder(root).map_err(storage)?;
        for folder in ["data", "temporary", "buckets", "invalidations"] {
            create_folder(&root.join(folder)).map_err(storage)?;
        }
        let lock = open_lock(&root.join("lock")).map_err(storage)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SandboxError::InUse { path: root.to_owned(), endpoints: read_endpoints(root) });
            }
            Err(TryLockError::Error(source)) => return Err(storage(source)),
        }
        // Temporary files belong to an earlier process.
        match fs::remove_file(root.join(ENDPOINTS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(storage(error)),
            _ => {}
        }
        clear(&root.join("temporary")).map_err(storage)?;
        Ok(Disk {
            root: root.to_owned(),
            session: next_session(root).map_err(storage)?,
            next: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// Records where this folder's sandbox listens, for other processes that want the folder.
    pub(super) fn announce(&self, endpoints: &Endpoints) -> Result<(), SandboxError> {
        let path = self.root.join(ENDPOINTS);
        self.write(&path, endpoints).map_err(|source| SandboxError::Storage { path, source })
    }

    fn new_name(&self) -> DataName {
        DataName(self.session, self.next.fetch_add(1, Ordering::SeqCst))
    }

    /// A number that grows from one start to the next.
    pub(super) fn session(&self) -> u64 {
        self.session
    }

    /// A name for a data file that does not exist yet.
    pub(super) fn new_data_file(&self) -> DataFile {
        let name = self.new_name();
        DataFile::new(self.data_path(name), name, 0)
    }

    fn data_path(&self, name: DataName) -> PathBuf {
        self.root.join("data").join(name.to_string())
    }

    pub(super) fn bucket(&self, bucket: &str) -> PathBuf {
        self.root.join("buckets").join(bucket)
    }

    pub(super) fn create_bucket(&self, bucket: &str) -> io::Result<()> {
        create_folder(&self.bucket(bucket))?;
        create_folder(&self.bucket(bucket).join("objects"))?;
        create_folder(&self.bucket(bucket).join("uploads"))
    }

    pub(super) fn buckets(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join("buckets"))? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            self.create_bucket(&name)?;
            names.push(name);
        }
        Ok(names)
    }

    pub(super) fn object_record(&self, bucket: &str, key: &str) -> PathBuf {
        record(&self.bucket(bucket).join("objects"), key)
    }

    pub(super) fn upload_record(&self, bucket: &str, id: &str) -> PathBuf {
        record(&self.bucket(bucket).join("uploads"), id)
    }

    pub(super) fn invalidations(&self) -> PathBuf {
        self.root.join("invalidations")
    }

    pub(super) fn invalidation_record(&self, id: &str) -> PathBuf {
        record(&self.invalidations(), id)
    }

    /// Replaces a record as a whole.
    pub(super) fn write(&self, path: &Path, record: &impl Serialize) -> io::Result<()> {
        let temporary = self.root.join("temporary").join(self.new_name().to_string());
        write_new(&temporary, &serde_json::to_vec(record)?)?;
        fs::rename(&temporary, path)
    }

    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Reads all records of a folder.
    pub(super) fn read_all<T: DeserializeOwned>(&self, folder: &Path) -> Result<Vec<T>, SandboxError> {
        let storage = |source| SandboxError::Storage { path: folder.to_owned(), source };
        let mut records = Vec::new();
        for entry in fs::read_dir(folder).map_err(storage)? {
            let path = entry.map_err(storage)?.path();
            let bytes = fs::read(&path).map_err(storage)?;
            let record = serde_json::from_slice(&bytes).map_err(|source| SandboxError::Record { path, source })?;
            records.push(record);
        }
        Ok(records)
    }

    /// The data files for a record. Every piece must be on this disk.
    pub(super) fn names(content: &Content) -> DataNames {
        let file = |piece: &Piece| match piece {
            Piece::File(data) => Some((data.name, data.len)),
            Piece::Memory(_) => None,
        };
        DataNames(content.pieces.iter().filter_map(file).collect())
    }

    /// Removes the data files that no record names: `known` contains the named ones.
    pub(super) fn sweep(&self, known: &KnownData) -> io::Result<()> {
        let named: BTreeSet<String> = known.0.keys().map(DataName::to_string).collect();
        for entry in fs::read_dir(self.root.join("data"))? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(|name| named.contains(name)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// The path of the record called `name` in a folder. Keys may be longer than file names, and contain characters that those
/// must not have.
fn record(folder: &Path, name: &str) -> PathBuf {
    folder.join(hex::encode(Sha256::digest(name))).with_extension("json")
}

/// The data files found while loading, so that records which share one keep sharing it.
#[derive(Default)]
pub(super) struct KnownData(BTreeMap<DataName, Arc<DataFile>>);

impl KnownData {
    /// The content that a record names, counted as stored.
    pub(super) fn content(&mut self, disk: &Disk, DataNames(names): DataNames) -> Content {
        let mut content = Content::default();
        for (name, len) in names {
            let path = disk.data_path(name);
            let data = self.0.entry(name).or_insert_with(|| Arc::new(DataFile::new(path, name, len)));
            content.len += len;
            content.pieces.push(Piece::File(Arc::clone(data)));
        }
        content.retain();
        content
    }
}

fn read_endpoints(root: &Path) -> Option<Endpoints> {
    let bytes = fs::read(root.join(ENDPOINTS)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Counts the starts with this folder.
fn next_session(root: &Path) -> io::Result<u64> {
    let path = root.join("session");
    let last = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse::<u64>().map_err(io::Error::other)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let temporary = root.join("temporary").join("session");
    write_new(&temporary, (last + 1).to_string().as_bytes())?;
    fs::rename(&temporary, &path)?;
    Ok(last + 1)
}

/// Creates a folder that only its owner may read, unless it exists. Refuses a link in its place, of any kind that
/// the system has (symbolic links, junctions).
fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    refuse_link(path)
}

/// Opens the lock file, and creates it if it is missing. It is never written to.
fn open_lock(path: &Path) -> io::Result<File> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            refuse_link(path)?;
            OpenOptions::new().write(true).open(path)
        }
        opened => opened,
    }
}

fn refuse_link(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.file_type().is_symlink() {
        return Err(io::Error::other(format!("{} is a link; the sandbox follows none", path.display())));
    }
    Ok(())
}

/// Writes a new file: an existing one, or a link, is not written to.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
}

/// Removes the files of a folder.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

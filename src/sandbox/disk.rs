//! The durable form of the sandbox's state.
//!
//! ```text
//! lock                                    held by the one process that uses this folder
//! endpoints.json                          where that process listens
//! session                                 how often this folder was opened
//! data/<name>                             bytes of objects and parts, never changed once a record names them
//! temporary/<n>                           records being written
//! buckets/<bucket>/objects/<hash>.json    one record an object, named by the SHA-256 of its key
//! buckets/<bucket>/uploads/<id>.json      one record an unfinished multipart upload
//! invalidations/<id>.json                 one record an invalidation
//! ```
//!
//! A record is written aside and renamed into place after its data files are complete, so that a killed process
//! leaves the old state or the new one. Data files that no record names are swept away at the next start. The
//! folder survives the death of the process, not of the machine: nothing is synced.
#![expect(clippy::disallowed_methods, reason = "the sandbox keeps its state on the disk")]

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::content::{Content, DataFile, Piece};
use super::{Endpoints, SandboxError};

const ENDPOINTS: &str = "endpoints.json";

/// A storage folder that this process alone uses.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    /// Makes the names of this process's files unlike those of earlier ones.
    session: u64,
    next: AtomicU64,
    /// Held until the sandbox stops.
    _lock: File,
}

/// The bytes of a record: names and lengths of its data files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DataNames(Vec<(String, u64)>);

impl Disk {
    pub(super) fn open(root: &Path) -> Result<Disk, SandboxError> {
        let storage = |source| SandboxError::Storage { path: root.to_owned(), source };
        for folder in ["data", "temporary", "buckets", "invalidations"] {
            fs::create_dir_all(root.join(folder)).map_err(storage)?;
        }
        let lock = File::create(root.join("lock")).map_err(storage)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SandboxError::InUse { path: root.to_owned(), endpoints: read_endpoints(root) });
            }
            Err(TryLockError::Error(source)) => return Err(storage(source)),
        }
        // What is there is of an earlier process.
        match fs::remove_file(root.join(ENDPOINTS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(storage(error)),
            _ => {}
        }
        Ok(Disk {
            root: root.to_owned(),
            session: next_session(root).map_err(storage)?,
            next: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// Tells others who want this folder where its sandbox listens.
    pub(super) fn announce(&self, endpoints: &Endpoints) -> Result<(), SandboxError> {
        let path = self.root.join(ENDPOINTS);
        self.write(&path, endpoints).map_err(|source| SandboxError::Storage { path, source })
    }

    fn new_name(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        format!("{:06}-{number:09}", self.session)
    }

    /// A number that grows from one start to the next.
    pub(super) fn session(&self) -> u64 {
        self.session
    }

    /// A name for a data file that does not exist yet.
    pub(super) fn new_data_file(&self) -> DataFile {
        let name = self.new_name();
        DataFile::new(self.data_path(&name), name, 0)
    }

    fn data_path(&self, name: &str) -> PathBuf {
        self.root.join("data").join(name)
    }

    pub(super) fn bucket(&self, bucket: &str) -> PathBuf {
        self.root.join("buckets").join(bucket)
    }

    pub(super) fn create_bucket(&self, bucket: &str) -> io::Result<()> {
        fs::create_dir_all(self.bucket(bucket).join("objects"))?;
        fs::create_dir_all(self.bucket(bucket).join("uploads"))
    }

    pub(super) fn buckets(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join("buckets"))? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    /// Where the record of an object lies. Keys may be longer than file names, and hold what those may not.
    pub(super) fn object_record(&self, bucket: &str, key: &str) -> PathBuf {
        let name = hex::encode(Sha256::digest(key));
        self.bucket(bucket).join("objects").join(name).with_extension("json")
    }

    pub(super) fn upload_record(&self, bucket: &str, id: &str) -> PathBuf {
        self.bucket(bucket).join("uploads").join(format!("{id}.json"))
    }

    pub(super) fn invalidations(&self) -> PathBuf {
        self.root.join("invalidations")
    }

    /// Replaces a record as a whole.
    pub(super) fn write(&self, path: &Path, record: &impl Serialize) -> io::Result<()> {
        let temporary = self.root.join("temporary").join(self.new_name());
        fs::write(&temporary, serde_json::to_vec(record)?)?;
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

    /// The data files a record is to name. Every piece must lie on this disk.
    pub(super) fn names(content: &Content) -> DataNames {
        let file = |piece: &Piece| match piece {
            Piece::File(data) => Some((data.name.clone(), data.len)),
            Piece::Memory(_) => None,
        };
        DataNames(content.pieces.iter().filter_map(file).collect())
    }

    /// Removes what no record names: `known` holds the data files that are named.
    pub(super) fn sweep(&self, known: &KnownData) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join("data"))? {
            let entry = entry?;
            let named = entry.file_name().to_str().is_some_and(|name| known.0.contains_key(name));
            if !named {
                fs::remove_file(entry.path())?;
            }
        }
        for entry in fs::read_dir(self.root.join("temporary"))? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }
}

/// The data files met while loading, so that records which share one keep sharing it.
#[derive(Default)]
pub(super) struct KnownData(BTreeMap<String, Arc<DataFile>>);

impl KnownData {
    /// The content a record names, counted as stored.
    pub(super) fn content(&mut self, disk: &Disk, DataNames(names): DataNames) -> Content {
        let mut content = Content::default();
        for (name, len) in names {
            let path = disk.data_path(&name);
            let data = self.0.entry(name.clone()).or_insert_with(|| Arc::new(DataFile::new(path, name, len)));
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
    fs::write(&temporary, (last + 1).to_string())?;
    fs::rename(&temporary, &path)?;
    Ok(last + 1)
}

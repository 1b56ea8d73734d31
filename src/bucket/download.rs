//! An object as a temporary file on this machine, while it is stored elsewhere.

use sha2::{Digest as _, Sha256};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

use crate::bucket::aws::{Class, Store, StoreError};
use crate::bucket::tries::Tries;
use crate::release::layout::Address;
use crate::report::error::{Code, Problem};
use crate::site::snapshot::{SeenFile, SourceFile};
use crate::types::digest::{Crc64, Digest};

/// How often to retry after an answer that broke off.
const MAX_ROUNDS: u32 = 4;

/// A file that is removed when this value is dropped.
pub struct Downloaded {
    place: SeenFile,
    _removed_with_this: TempPath,
    /// SHA-256 of its bytes, computed while they were written.
    pub digest: Digest,
    /// Their number.
    pub size_bytes: u64,
}

impl Downloaded {
    /// The file in a form that can be stored. `crc64` is that of its bytes, if known.
    pub fn source_file(&self, crc64: Option<Crc64>) -> SourceFile {
        SourceFile {
            place: self.place.clone(),
            size_bytes: self.size_bytes,
            digest: self.digest,
            crc64,
            md5: None,
            traces: Default::default(),
        }
    }
}

enum Broken {
    Store(StoreError),
    Disk(std::io::Error),
}

/// Downloads the object at `address`; `None` if it no longer has this `etag`. Memory use does not depend on its size.
///
/// # Errors
/// [`Code::Unreadable`] if this machine cannot store it; all errors of S3.
pub async fn download(store: &Store, address: &Address, etag: &str) -> Result<Option<Downloaded>, Problem> {
    let mut tries = Tries::new(MAX_ROUNDS);
    loop {
        match fetch(store, address, etag).await {
            Ok(downloaded) => return Ok(Some(downloaded)),
            Err(Broken::Store(error)) if matches!(error.class, Class::Missing | Class::Precondition) => {
                return Ok(None);
            }
            Err(Broken::Store(error)) if error.class == Class::Unavailable && tries.again().await => {}
            Err(Broken::Store(error)) => return Err(error.into()),
            Err(Broken::Disk(error)) => {
                return Err(Problem::new(Code::Unreadable, format!("could not save {address} to a temporary file"))
                    .hint("Free up space in the folder for temporary files, or set TMPDIR to another folder.")
                    .source(error));
            }
        }
    }
}

async fn fetch(store: &Store, address: &Address, etag: &str) -> Result<Downloaded, Broken> {
    let (file, path) = tempfile::NamedTempFile::new().map_err(Broken::Disk)?.into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let mut body = store.download(address, etag).await.map_err(Broken::Store)?;
    let (mut sha256, mut size_bytes) = (Sha256::new(), 0);
    while let Some(bytes) = body.next().await.map_err(Broken::Store)? {
        sha256.update(&bytes);
        size_bytes += bytes.len() as u64;
        file.write_all(&bytes).await.map_err(Broken::Disk)?;
    }
    file.flush().await.map_err(Broken::Disk)?;
    let place = SeenFile::of(&path).map_err(Broken::Disk)?;
    Ok(Downloaded { place, _removed_with_this: path, digest: Digest::from_bytes(sha256.finalize().into()), size_bytes })
}

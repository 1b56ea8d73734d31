//! The state of all buckets behind one lock, and its durable form.
//!
//! Every change is written to disk (if there is one) and made visible under the same lock, so that conditional
//! writes are atomic and the order on disk is the order clients see.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::crypto::{Checksum as _, Md5};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::SandboxError;
use super::checksum::{Algorithm, Checksum};
use super::clock::{Clock, from_unix_seconds};
use super::conditions::{Conditions, no_such_key};
use super::content::Spool;
use super::disk::{DataNames, Disk, KnownData};
use super::object::{Encryption, Headers, Object};
use super::uploads::{Upload, UploadRecord};

#[derive(Debug)]
pub(super) struct Store {
    buckets: Mutex<BTreeMap<String, Bucket>>,
    disk: Option<Disk>,
    pub(super) clock: Clock,
    next: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Arc<Object>>,
    pub(super) uploads: BTreeMap<String, Upload>,
}

#[derive(Serialize, Deserialize)]
struct ObjectRecord {
    key: String,
    data: DataNames,
    headers: Headers,
    encryption: Encryption,
    #[serde(default)]
    storage_class: Option<String>,
    etag: String,
    md5: Option<String>,
    checksum: Checksum,
    last_modified: u64,
}

impl Store {
    pub(super) fn open(disk: Option<Disk>, clock: Clock, buckets: &[String]) -> Result<Store, SandboxError> {
        let mut known = KnownData::default();
        let mut loaded = BTreeMap::new();
        if let Some(disk) = &disk {
            let storage = |source| SandboxError::Storage { path: disk.bucket(""), source };
            for bucket in buckets {
                disk.create_bucket(bucket).map_err(storage)?;
            }
            for name in disk.buckets().map_err(storage)? {
                let bucket = load(disk, &mut known, &name)?;
                loaded.insert(name, bucket);
            }
            disk.sweep(&known).map_err(storage)?;
        }
        for bucket in buckets {
            loaded.entry(bucket.clone()).or_default();
        }
        Ok(Store { buckets: Mutex::new(loaded), disk, clock, next: AtomicU64::new(0) })
    }

    /// Copies the present objects of `other`, without its unfinished multipart uploads.
    pub(super) fn take_over(&self, other: &Store) {
        assert!(self.disk.is_none() && other.disk.is_none(), "only what is in memory can be taken over");
        let copy = |bucket: &Bucket| Bucket { objects: bucket.objects.clone(), ..Bucket::default() };
        let buckets = other.lock().iter().map(|(name, bucket)| (name.clone(), copy(bucket))).collect();
        *self.lock() = buckets;
        self.next.store(other.next.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    pub(super) fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// Receives bytes that are to be stored here.
    pub(super) fn spool(&self, algorithm: Algorithm) -> io::Result<Spool> {
        Spool::new(self.disk.as_ref().map(Disk::new_data_file), algorithm)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        // No code panics while it holds this lock, and the state is consistent at every point.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 32 hex digits that no other call returns, even after a restart.
    pub(super) fn unique(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let session = self.disk.as_ref().map_or(0, Disk::session);
        hex::encode(Md5::checksum(format!("{session}/{number}").as_bytes()))
    }

    /// The ETag of a single-part object.
    pub(super) fn single_part_etag(&self, md5: &str, encryption: &Encryption) -> String {
        if encryption.etag_is_md5() { md5.to_owned() } else { self.unique() }
    }

    pub(super) fn create_bucket(&self, name: &str) -> S3Result<()> {
        let mut buckets = self.lock();
        if buckets.contains_key(name) {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        if let Some(disk) = &self.disk {
            disk.create_bucket(name).map_err(S3Error::internal_error)?;
        }
        buckets.insert(name.to_owned(), Bucket::default());
        Ok(())
    }

    pub(super) fn require_bucket(&self, name: &str) -> S3Result<()> {
        find(&mut self.lock(), name).map(|_| ())
    }

    /// The object, or `NoSuchKey`.
    pub(super) fn object(&self, bucket: &str, key: &str) -> S3Result<Arc<Object>> {
        find(&mut self.lock(), bucket)?.objects.get(key).cloned().ok_or_else(no_such_key)
    }

    /// Stores an object if the conditions hold at that moment, with the clock's present time.
    pub(super) fn put(
        &self,
        bucket: &str,
        key: &str,
        conditions: &Conditions,
        mut object: Object,
    ) -> S3Result<Arc<Object>> {
        let mut buckets = self.lock();
        object.last_modified = self.clock.now();
        self.put_locked(find(&mut buckets, bucket)?, bucket, key, conditions, object)
    }

    /// [`Store::put`] for a caller that holds the lock already; the object keeps its time.
    pub(super) fn put_locked(
        &self,
        state: &mut Bucket,
        bucket: &str,
        key: &str,
        conditions: &Conditions,
        object: Object,
    ) -> S3Result<Arc<Object>> {
        conditions.check(state.objects.get(key).map(Arc::as_ref))?;
        if let Some(disk) = &self.disk {
            disk.write(&disk.object_record(bucket, key), &ObjectRecord::new(key, &object))
                .map_err(S3Error::internal_error)?;
        }
        object.content.retain();
        let object = Arc::new(object);
        if let Some(replaced) = state.objects.insert(key.to_owned(), Arc::clone(&object)) {
            replaced.content.release();
        }
        Ok(object)
    }

    /// Removes an object if the conditions hold; a missing one counts as removed.
    pub(super) fn delete(&self, bucket: &str, key: &str, conditions: &Conditions) -> S3Result<()> {
        let mut buckets = self.lock();
        let state = find(&mut buckets, bucket)?;
        conditions.check(state.objects.get(key).map(Arc::as_ref))?;
        if !state.objects.contains_key(key) {
            return Ok(());
        }
        if let Some(disk) = &self.disk {
            disk.remove(&disk.object_record(bucket, key)).map_err(S3Error::internal_error)?;
        }
        if let Some(removed) = state.objects.remove(key) {
            removed.content.release();
        }
        Ok(())
    }

    /// The first object from a bound on.
    pub(super) fn next_object(state: &Bucket, from: Bound<&str>) -> Option<(String, Arc<Object>)> {
        state
            .objects
            .range::<str, _>((from, Bound::Unbounded))
            .next()
            .map(|(key, object)| (key.clone(), Arc::clone(object)))
    }

    /// All objects of a bucket; none if the bucket does not exist.
    pub(super) fn objects(&self, bucket: &str) -> BTreeMap<String, Arc<Object>> {
        let buckets = self.lock();
        buckets.get(bucket).map(|state| state.objects.clone()).unwrap_or_default()
    }
}

/// The bucket, or `NoSuchBucket`.
pub(super) fn find<'a>(buckets: &'a mut BTreeMap<String, Bucket>, name: &str) -> S3Result<&'a mut Bucket> {
    buckets
        .get_mut(name)
        .ok_or_else(|| S3Error::with_message(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist"))
}

fn load(disk: &Disk, known: &mut KnownData, name: &str) -> Result<Bucket, SandboxError> {
    let mut bucket = Bucket::default();
    for record in disk.read_all::<ObjectRecord>(&disk.bucket(name).join("objects"))? {
        let (key, object) = record.into_object(disk, known);
        bucket.objects.insert(key, Arc::new(object));
    }
    for record in disk.read_all::<UploadRecord>(&disk.bucket(name).join("uploads"))? {
        let upload = record.into_upload(disk, known);
        bucket.uploads.insert(upload.id.clone(), upload);
    }
    Ok(bucket)
}

impl ObjectRecord {
    fn new(key: &str, object: &Object) -> ObjectRecord {
        ObjectRecord {
            key: key.to_owned(),
            data: Disk::names(&object.content),
            headers: object.headers.clone(),
            encryption: object.encryption.clone(),
            storage_class: object.storage_class.clone(),
            etag: object.etag.clone(),
            md5: object.md5.clone(),
            checksum: object.checksum.clone(),
            last_modified: u64::try_from(object.last_modified.as_second()).unwrap_or(0),
        }
    }

    fn into_object(self, disk: &Disk, known: &mut KnownData) -> (String, Object) {
        let object = Object {
            content: known.content(disk, self.data),
            headers: self.headers,
            encryption: self.encryption,
            storage_class: self.storage_class,
            etag: self.etag,
            md5: self.md5,
            checksum: self.checksum,
            last_modified: from_unix_seconds(self.last_modified),
        };
        (self.key, object)
    }
}

/// The answer to an unexpected failure of the storage folder.
pub(super) fn storage_failed(error: io::Error) -> S3Error {
    S3Error::internal_error(error)
}

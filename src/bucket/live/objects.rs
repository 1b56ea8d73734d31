//! The live objects of a site, by the paths of its files: the only module that knows their keys.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::bucket::aws::{Condition, Listed, MOST_AT_ONCE, ObjectInfo, Store, StoreError};
use crate::bucket::state::blob_headers;
use crate::content::path::SitePath;
use crate::release::cache_tags::{self, CacheTag};
use crate::release::layout::{Address, Layout, SeenObject};
use crate::release::manifest::Entry;
use crate::report::error::Problem;
use crate::site::snapshot::SourceFile;
use crate::types::digest::Digest;
use crate::types::headers::{Headers, Kind};

/// The live objects of a site that is served in place: each file has one live object, whichever release is active.
#[derive(Clone, Copy)]
pub struct LiveObjects<'a> {
    store: &'a Store,
    layout: &'a Layout,
    /// Whether mutable ones are written with their cache tags.
    with_tags: bool,
}

impl<'a> LiveObjects<'a> {
    /// The live objects of `layout` in `store`.
    pub fn new(store: &'a Store, layout: &'a Layout) -> LiveObjects<'a> {
        LiveObjects { store, layout, with_tags: false }
    }

    /// The same; `true`: mutable ones are written with their cache tags.
    pub fn tagged(self, with_tags: bool) -> LiveObjects<'a> {
        LiveObjects { with_tags, ..self }
    }

    /// Whether the object at `path`, of this kind, should have cache tags and lacks any.
    pub fn lacks_tags(&self, path: &SitePath, kind: Kind, info: &ObjectInfo) -> bool {
        !self.tags(path, kind).iter().all(|tag| info.tags.contains(tag))
    }

    fn tags(&self, path: &SitePath, kind: Kind) -> Vec<CacheTag> {
        let has_any = self.with_tags && kind == Kind::Mutable;
        if has_any { CacheTag::all_of(self.layout.identity(), path) } else { Vec::new() }
    }

    /// The headers of `entry`, with the tags of its live path.
    fn headers<'e>(&self, path: &SitePath, entry: &'e Entry) -> Cow<'e, Headers> {
        let mut headers = Cow::Borrowed(&entry.headers);
        let tags = self.tags(path, entry.kind);
        if !tags.is_empty() {
            cache_tags::add(&mut headers.to_mut().metadata, &tags);
        }
        headers
    }

    /// See [`Store::attempts_in_doubt`].
    pub fn attempts_in_doubt(&self) -> usize {
        self.store.attempts_in_doubt()
    }

    /// The address of the live object of `path`: for messages, and for staging, which writes there as it does to blobs.
    pub fn address(&self, path: &SitePath) -> Address {
        self.layout.live(path)
    }

    /// Every live object, including those that publish did not write.
    pub async fn list(&self) -> Result<Vec<Listed>, Problem> {
        self.store.list(&self.layout.live_prefix()).await.map_err(Problem::from)
    }

    /// The files whose live objects are in a listing.
    pub fn paths_in(&self, listed: &[Listed]) -> BTreeSet<SitePath> {
        listed.iter().filter_map(|listed| self.layout.path_of_live(&listed.address.key)).collect()
    }

    /// Reads one live key.
    pub async fn head(&self, path: &SitePath) -> Result<Option<ObjectInfo>, StoreError> {
        self.store.head(&self.address(path)).await
    }

    /// Reads many. Costs a HEAD for each.
    pub async fn heads(&self, paths: BTreeSet<SitePath>) -> Result<BTreeMap<SitePath, ObjectInfo>, Problem> {
        stream::iter(paths)
            .map(|path| async move {
                let info = self.head(&path).await?;
                Ok(info.map(|info| (path, info)))
            })
            .buffer_unordered(MOST_AT_ONCE)
            .try_filter_map(|found| async move { Ok(found) })
            .try_collect()
            .await
    }

    /// Copies the live object with `etag` to the blob store, if `condition` holds.
    pub async fn keep(
        &self,
        path: &SitePath,
        etag: &str,
        digest: &Digest,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        self.store.copy(&self.address(path), Some(etag), &self.layout.blob(digest), &blob_headers(), condition).await
    }

    /// Copies the blob of `entry` to the live object of `path`.
    pub async fn copy_blob(
        &self,
        path: &SitePath,
        entry: &Entry,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        let headers = self.headers(path, entry);
        self.store.copy(&self.layout.blob(&entry.digest), None, &self.address(path), &headers, condition).await
    }

    /// Gives a live object the headers of `entry`; with an `etag`, only if the object still has it.
    pub async fn reheader(&self, path: &SitePath, entry: &Entry, etag: Option<&str>) -> Result<String, StoreError> {
        let live = self.address(path);
        self.store.copy(&live, etag, &live, &self.headers(path, entry), Condition::None).await
    }

    /// Uploads a file with the headers of `entry` to its live key.
    pub async fn send(
        &self,
        path: &SitePath,
        file: &SourceFile,
        entry: &Entry,
        condition: Condition<'_>,
    ) -> Result<String, StoreError> {
        self.store.put_file(&self.address(path), file, &self.headers(path, entry), condition).await
    }

    /// Removes live objects - those with a `seen` ETag only if they still have it - and returns those that could not be
    /// removed, and why.
    pub async fn remove(
        &self,
        paths: &[SitePath],
        seen: &BTreeMap<SitePath, String>,
    ) -> Result<Vec<(SitePath, StoreError)>, StoreError> {
        let object = |path| SeenObject::new(self.address(path), seen.get(path).map_or("", String::as_str));
        let objects: Vec<SeenObject> = paths.iter().map(object).collect();
        let mut kept = Vec::new();
        for (address, error) in self.store.delete(&objects).await? {
            match self.layout.path_of_live(&address.key) {
                Some(path) => kept.push((path, error)),
                None => return Err(error),
            }
        }
        Ok(kept)
    }
}

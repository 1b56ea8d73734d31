//! A release of another environment, and how its bytes get here: by a copy inside S3, or through this machine.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use crate::bucket::aws::{Class, Condition, ObjectInfo, Store, StoreError};
use crate::bucket::download::download;
use crate::bucket::live::has_bytes;
use crate::content::path::SitePath;
use crate::release::layout::{Address, Layout};
use crate::release::manifest::{Entry, Files, Kept, Publisher, ReleaseNumber};
use crate::report::error::{Code, Problem};
use crate::report::event::Events;
use crate::types::headers::Headers;

/// Files that go through this machine at once: each is on its disk meanwhile.
const STREAMS_AT_ONCE: usize = 4;

/// A release of another environment.
pub struct Elsewhere {
    /// The environment's name.
    pub name: String,
    /// The release's number there.
    pub release: ReleaseNumber,
    /// Its files, each with the place of its bytes in the other environment.
    pub files: Files,
    /// Who publishes it here, and what it was built from.
    pub publisher: Publisher,
    store: Store,
    layout: Layout,
    /// Whether S3 can copy between the two. The first refusal decides for the whole run.
    copies: AtomicBool,
    streams: Semaphore,
}

/// How a file's bytes were brought here.
pub enum Brought {
    /// S3 copied them.
    Copied,
    /// They went through this machine.
    Sent,
    /// Not at all: the condition on the destination does not hold.
    Taken(StoreError),
}

/// The destination of bytes, with headers and condition.
#[derive(Clone, Copy)]
pub struct CopyTarget<'a> {
    /// The objects of this environment.
    pub store: &'a Store,
    /// The key.
    pub address: &'a Address,
    /// What the object is stored with.
    pub headers: &'a Headers,
    /// The condition on the key.
    pub condition: Condition<'a>,
}

impl Elsewhere {
    /// `files` of release `release` in the environment `name`, whose objects `store` reaches at `layout`.
    pub fn new(
        name: &str,
        release: ReleaseNumber,
        files: Files,
        publisher: Publisher,
        store: Store,
        layout: Layout,
    ) -> Elsewhere {
        let (copies, streams) = (AtomicBool::new(true), Semaphore::new(STREAMS_AT_ONCE));
        Elsewhere { name: name.to_owned(), release, files, publisher, store, layout, copies, streams }
    }

    /// Brings the bytes of `path` to `place`. First looks at the place that the other environment's manifest names,
    /// then at the other of the two: a publish there may be moving them from their live key to a blob.
    ///
    /// # Errors
    /// [`Code::MissingBytes`] if they are in neither; [`Code::BadState`] if an object does not have the bytes that S3
    /// reports; all errors of S3.
    pub async fn bring(&self, path: &SitePath, place: CopyTarget<'_>, events: Events<'_>) -> Result<Brought, Problem> {
        let missing = || {
            let message = format!("the bytes of {path} are no longer in environment {}", self.name);
            Problem::new(Code::MissingBytes, message).hint("Publish the folder that contains the file there again.")
        };
        let entry = self.files.get(path).ok_or_else(missing)?;
        let other = if entry.kept == Kept::Live { Kept::Blob } else { Kept::Live };
        for kept in [entry.kept, other] {
            let from = self.layout.kept(path, &entry.digest, kept);
            if let Some(info) = self.find(&from, entry).await?
                && let Some(brought) = self.bring_from(&from, &info, entry, place, events).await?
            {
                return Ok(brought);
            }
        }
        Err(missing())
    }

    /// The object at `from`, if it has the bytes of `entry`.
    async fn find(&self, from: &Address, entry: &Entry) -> Result<Option<ObjectInfo>, Problem> {
        let info = self.store.head(from).await.map_err(Problem::from)?;
        Ok(info.filter(|info| has_bytes(info, entry)))
    }

    /// `None`: `from` has other bytes by now.
    async fn bring_from(
        &self,
        from: &Address,
        info: &ObjectInfo,
        entry: &Entry,
        place: CopyTarget<'_>,
        events: Events<'_>,
    ) -> Result<Option<Brought>, Problem> {
        if !place.store.is_beside(&self.store) {
            self.stream_from_now_on(events, "it uses another endpoint");
        }
        if !self.copies.load(Ordering::Relaxed) {
            return self.stream(from, info, entry, place).await;
        }
        let CopyTarget { store, address, headers, condition } = place;
        let copied = store.copy_from(&self.store, from, Some(&info.etag), address, headers, condition).await;
        let Err(error) = copied else { return Ok(Some(Brought::Copied)) };
        match error.class {
            Class::Missing => Ok(None),
            // Either of the two conditions: on the source, or on the destination.
            Class::Precondition | Class::Conflict => {
                let found = self.find(from, entry).await?;
                let is_still_there = found.is_some_and(|found| found.etag == info.etag);
                Ok(is_still_there.then_some(Brought::Taken(error)))
            }
            Class::Denied
            | Class::NoSuchBucket
            | Class::WrongRegion
            | Class::Refused
            | Class::Unsupported
            | Class::Other => {
                let code = error.code.as_deref().unwrap_or("no reason was given");
                self.stream_from_now_on(events, &format!("S3 refused to copy from it: {code}"));
                self.stream(from, info, entry, place).await
            }
            _ => Err(error.into()),
        }
    }

    fn stream_from_now_on(&self, events: Events<'_>, why: &str) {
        if self.copies.swap(false, Ordering::Relaxed) {
            let name = &self.name;
            events.warn(format!(
                "The files of environment {name} are downloaded and uploaded instead of copied inside S3: {why}."
            ));
        }
    }

    async fn stream(
        &self,
        from: &Address,
        info: &ObjectInfo,
        entry: &Entry,
        place: CopyTarget<'_>,
    ) -> Result<Option<Brought>, Problem> {
        // Never closed; if it were, more files at once would do no harm.
        let _permit = self.streams.acquire().await.ok();
        let Some(file) = download(&self.store, from, &info.etag).await? else { return Ok(None) };
        if (file.digest, file.size_bytes) != (entry.digest, entry.size_bytes) {
            let message = format!("{from} does not have the content that its release lists");
            return Err(
                Problem::new(Code::BadState, message).hint("Publish the folder that contains the file there again.")
            );
        }
        let CopyTarget { store, address, headers, condition } = place;
        match store.put_file(address, &file.source_file(entry.crc64.clone()), headers, condition).await {
            Ok(_) => Ok(Some(Brought::Sent)),
            Err(error) if matches!(error.class, Class::Precondition | Class::Conflict) => {
                Ok(Some(Brought::Taken(error)))
            }
            Err(error) => Err(error.into()),
        }
    }
}

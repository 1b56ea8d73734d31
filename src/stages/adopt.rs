//! Adoption: the objects that are in the live prefix before the first publish become release 0. Their bytes do not change,
//! and visitors notice nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::bucket::aws::{Class, Condition, Listed, MOST_AT_ONCE, ObjectInfo, Store, StoreError};
use crate::bucket::download::download;
use crate::bucket::live::{LiveObjects, has_bytes};
use crate::bucket::state::{NotReplaced, Pointer, State, blob_headers};
use crate::content::path::SitePath;
use crate::release::head::Adoption;
use crate::release::layout::{Address, Layout};
use crate::release::manifest::{Claim, Entry, Files, Kept, MAX_FILES, Manifest, Publisher, ReleaseNumber, RunId};
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::report::tally::Tally;
use crate::site::snapshot::MAX_FILE_BYTES;
use crate::types::clock::Clock;
use crate::types::digest::Digest;
use crate::types::headers::Kind;

/// How often to read an object that something else keeps changing.
const MAX_ROUNDS: usize = 4;

/// The inputs of an adoption.
pub struct Adopting<'a> {
    /// Reads and writes the objects.
    pub store: &'a Store,
    /// Writes claim, manifest and head.
    pub state: &'a State,
    /// Their keys.
    pub layout: &'a Layout,
    /// The run that adopts.
    pub run: &'a RunId,
    /// The person or pipeline that runs it.
    pub publisher: &'a Publisher,
    /// The time for records that people read.
    pub clock: Clock,
    /// Counts copies, and bytes that go to the blob store.
    pub tally: &'a Tally,
    /// Receives events.
    pub events: Events<'a>,
}

/// The objects in the live prefix, by their keys and sizes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Objects that can become part of release 0, and their total size in bytes.
    files: BTreeMap<SitePath, u64>,
    /// Objects that stay as they are, and why.
    left: Vec<(Address, &'static str)>,
}

/// The state of one key, by a HEAD.
enum Sight {
    /// This object.
    Object(Box<ObjectInfo>),
    /// The object was removed meanwhile.
    Nothing,
    /// An object that cannot be read without its owner's key.
    Locked,
}

/// The outcome for one object.
enum Adopted {
    /// It is part of release 0.
    Entry(Box<Entry>),
    /// It stays as it is.
    Left(&'static str),
    /// It was removed meanwhile, or a claim of this site names it: it does not belong to another site.
    Nothing,
}

impl Adopting<'_> {
    /// Makes release 0 active, if nothing was ever activated and the live prefix has foreign objects. Does not repeat the
    /// work of an interrupted adoption.
    pub async fn adopt(&self, pointer: Pointer) -> Result<Pointer, Problem> {
        let staged = match self.state.read_manifest(ReleaseNumber::ADOPTED).await? {
            Some(manifest) => Some(manifest),
            None => self.stage(pointer.head.prune_epoch).await?,
        };
        match staged {
            Some(manifest) => self.activate(pointer, &manifest).await,
            None => Ok(pointer),
        }
    }

    /// Marks every object and writes the manifest of release 0; `None` if there are no foreign objects.
    async fn stage(&self, epoch: u64) -> Result<Option<Manifest>, Problem> {
        let listed = self.objects().list().await?;
        let Found { files, mut left } = sort(self.layout, &listed);
        if files.len() > MAX_FILES {
            let message = format!(
                "{} contains {} objects, but a release can have at most {MAX_FILES} files",
                self.layout.live_prefix(),
                files.len()
            );
            return Err(Problem::new(Code::TooLarge, message)
                .hint("Adopt it in parts, as several sites, each with its own `prefix`."));
        }
        let own = self.claimed_by_others().await?;
        if left.is_empty() && files.keys().all(|path| own.contains(path)) {
            return Ok(None);
        }
        let claim = self.state.claim_or_find(self.claim(epoch, &files)).await?;
        let bytes = files.values().sum();
        self.events.send(Event::StagingStarted { release: claim.release, objects: files.len(), bytes });
        let seen = self.look_at(&files).await?;
        self.say_what_copies_lose(&seen);
        let adopted = self.adopt_all(&files, seen, &own).await?;
        let mut entries = Files::new();
        for (path, adopted) in adopted {
            match adopted {
                Adopted::Entry(entry) => drop(entries.insert(path, *entry)),
                Adopted::Left(why) => left.push((self.objects().address(&path), why)),
                Adopted::Nothing => {}
            }
        }
        if !left.is_empty() {
            let mut reasons: BTreeMap<&str, (&Address, usize)> = BTreeMap::new();
            left.iter().for_each(|(address, why)| reasons.entry(why).or_insert((address, 0)).1 += 1);
            let reasons: Vec<String> =
                reasons.iter().map(|(why, (first, number))| format!("{number}, such as {first}: {why}")).collect();
            self.events.warn(format!(
                "Objects that were not adopted and stay as they are: {}. {}.",
                left.len(),
                reasons.join("; ")
            ));
        }
        // All of it follows from the claim and the objects, so that two runs that adopt at once write the same bytes.
        let manifest = Manifest {
            identity: claim.identity,
            release: claim.release,
            epoch: claim.epoch,
            run: claim.run,
            created_at: claim.since,
            publisher: claim.publisher,
            files: entries,
        };
        self.state.write_manifest(&manifest).await?;
        self.events.send(Event::Staged { release: manifest.release });
        Ok(Some(manifest))
    }

    /// The objects of releases that were staged and never activated.
    async fn claimed_by_others(&self) -> Result<BTreeSet<SitePath>, Problem> {
        let mut claimed = BTreeSet::new();
        for release in self.state.releases().await?.above(ReleaseNumber::ADOPTED) {
            claimed.extend(self.state.show_claim(release).await?.into_iter().flat_map(|claim| claim.live));
        }
        Ok(claimed)
    }

    fn objects(&self) -> LiveObjects<'_> {
        LiveObjects::new(self.store, self.layout)
    }

    fn claim(&self, epoch: u64, files: &BTreeMap<SitePath, u64>) -> Claim {
        Claim {
            identity: self.layout.identity().clone(),
            release: ReleaseNumber::ADOPTED,
            run: self.run.clone(),
            epoch,
            since: self.clock.now(),
            publisher: self.publisher.clone(),
            live: files.keys().cloned().collect(),
            blobs: Vec::new(),
        }
    }

    /// Sends a HEAD for each object, before any is copied.
    async fn look_at(&self, files: &BTreeMap<SitePath, u64>) -> Result<Vec<(SitePath, Sight)>, Problem> {
        stream::iter(files.keys())
            .map(|path| async {
                let sight = match self.objects().head(path).await {
                    Ok(Some(info)) => Sight::Object(Box::new(info)),
                    Ok(None) => Sight::Nothing,
                    Err(error) if is_locked(&error) => Sight::Locked,
                    Err(error) => return Err(error.into()),
                };
                Ok((path.clone(), sight))
            })
            .buffer_unordered(MOST_AT_ONCE)
            .try_collect()
            .await
    }

    /// The copies of an adoption keep storage class and encryption. Those of a later publish do not.
    fn say_what_copies_lose(&self, seen: &[(SitePath, Sight)]) {
        let lost = |sight: &Sight| match sight {
            Sight::Object(info) if info.not_copied.is_none() => info.at_rest.lost_by_a_plain_copy(),
            _ => None,
        };
        let mut losing = seen.iter().filter_map(|(path, sight)| Some((path, lost(sight)?)));
        let Some((first, what)) = losing.next() else { return };
        let number = 1 + losing.count();
        self.events.warn(format!(
            "Objects with their own storage class or encryption: {number}, such as {} ({what}). They keep it for now. \
             When a publish replaces or removes one, its copy is stored as STANDARD with the encryption of `sse` or of \
             the bucket, and `publish rollback 0` restores it that way.",
            self.objects().address(first)
        ));
    }

    async fn adopt_all(
        &self,
        files: &BTreeMap<SitePath, u64>,
        seen: Vec<(SitePath, Sight)>,
        own: &BTreeSet<SitePath>,
    ) -> Result<Vec<(SitePath, Adopted)>, Problem> {
        let (objects, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
        stream::iter(seen)
            .map(|(path, sight)| {
                let (objects, bytes) = (&objects, &bytes);
                async move {
                    let adopted = self.adopt_one(&path, sight, own.contains(&path)).await?;
                    let size_bytes = files.get(&path).copied().unwrap_or(0);
                    let objects = objects.fetch_add(1, Ordering::Relaxed) + 1;
                    let bytes = bytes.fetch_add(size_bytes, Ordering::Relaxed) + size_bytes;
                    self.events.send(Event::StagingAdvanced { objects, bytes });
                    Ok((path, adopted))
                }
            })
            .buffer_unordered(MOST_AT_ONCE)
            .try_collect()
            .await
    }

    /// Marks one object, unless it is marked and a claim of this site names it: then a staged release has put it there.
    async fn adopt_one(&self, path: &SitePath, seen: Sight, claimed: bool) -> Result<Adopted, Problem> {
        let live = self.objects().address(path);
        let mut seen = match seen {
            Sight::Object(info) => Some(*info),
            Sight::Nothing => return Ok(Adopted::Nothing),
            Sight::Locked => return Ok(Adopted::Left("it is encrypted with a customer-provided key (SSE-C)")),
        };
        for _ in 0..MAX_ROUNDS {
            let info = match seen.take() {
                Some(info) => Some(info),
                None => self.store.head(&live).await.map_err(Problem::from)?,
            };
            let Some(info) = info else { return Ok(Adopted::Nothing) };
            let marked = info.is_of(self.layout.identity());
            if marked && claimed {
                return Ok(Adopted::Nothing);
            }
            if let Some(why) = info.not_copied {
                return Ok(Adopted::Left(why));
            }
            if info.site.is_some() && !marked {
                return Ok(Adopted::Left("it belongs to another site"));
            }
            // Marked by an interrupted adoption, or by a copy of ours whose answer was lost.
            if let (true, Some(digest)) = (marked, info.digest) {
                return Ok(Adopted::Entry(Box::new(entry(digest, &info, Kept::Live))));
            }
            let copied = self.store.adopt(&live, &info).await.inspect(|_| self.tally.copied());
            match copied {
                Ok(Some(digest)) => return Ok(Adopted::Entry(Box::new(entry(digest, &info, Kept::Live)))),
                Ok(None) => {
                    if let Some(entry) = self.identify(&live).await? {
                        return Ok(Adopted::Entry(Box::new(entry)));
                    }
                }
                Err(error) if matches!(error.class, Class::Precondition | Class::Conflict | Class::Missing) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let message = format!("{live} keeps changing while it is being adopted");
        Err(Problem::new(Code::ForeignObjects, message)
            .hint("Stop whatever writes to it, then run the same command again."))
    }

    /// The digest of an object whose copy did not return one. A storage that keeps no SHA-256 with an object cannot show later
    /// that the bytes are still there: they go to the blob store at once. `None`: the object has changed meanwhile.
    async fn identify(&self, live: &Address) -> Result<Option<Entry>, Problem> {
        let Some(info) = self.store.head(live).await.map_err(Problem::from)? else { return Ok(None) };
        if let Some(digest) = info.digest {
            return Ok(Some(entry(digest, &info, Kept::Live)));
        }
        let Some(file) = download(self.store, live, &info.etag).await? else { return Ok(None) };
        let found = entry(file.digest, &info, Kept::Blob);
        let blob = self.layout.blob(&file.digest);
        match self.store.put_file(&blob, &file.source_file(None), &blob_headers(), Condition::Absent).await {
            Ok(_) => {
                self.tally.sent(file.size_bytes);
                Ok(Some(found))
            }
            Err(error) if matches!(error.class, Class::Precondition | Class::Conflict) => {
                let stored = self.store.head(&blob).await.map_err(Problem::from)?;
                if stored.is_some_and(|stored| has_bytes(&stored, &found)) {
                    Ok(Some(found))
                } else {
                    Err(error.into())
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Records in the head that release 0 is active, unless another run has activated a release meanwhile.
    async fn activate(&self, mut pointer: Pointer, manifest: &Manifest) -> Result<Pointer, Problem> {
        let (release, content, now) = (manifest.release, manifest.content(), self.clock.now());
        let adopted = |pointer: &Pointer| {
            let by = pointer.seen_by(self.run, now);
            pointer.head.adopt(Adoption { release, content, by, publisher: self.publisher })
        };
        while let Ok(head) = adopted(&pointer) {
            match self.state.replace_head(&pointer, head).await {
                Ok(replaced) => {
                    let number = manifest.files.len();
                    self.events.warn(format!(
                        "Objects that are now release 0: {number}. `publish rollback 0` goes back to them."
                    ));
                    return Ok(replaced);
                }
                Err(NotReplaced::Lost(found)) => pointer = *found,
                Err(NotReplaced::Failed(problem)) => return Err(problem),
            }
        }
        Ok(pointer)
    }
}

/// An object as an entry: mutable, whatever its name, because its history is unknown.
fn entry(digest: Digest, info: &ObjectInfo, kept: Kept) -> Entry {
    let (size_bytes, headers) = (info.size_bytes, info.headers.clone());
    Entry { digest, size_bytes, headers, kind: Kind::Mutable, kept, crc64: None, md5: None }
}

/// Whether an object can be read only with a key that its owner sends with each request (SSE-C).
fn is_locked(error: &StoreError) -> bool {
    error.status == Some(400) && error.code.as_deref() == Some("InvalidRequest")
}

fn sort(layout: &Layout, listed: &[Listed]) -> Found {
    let mut found = Found::default();
    for Listed { address, size_bytes, .. } in listed.iter().filter(|listed| !layout.is_state(&listed.address.key)) {
        match layout.path_of_live(&address.key) {
            None => found.left.push((address.clone(), "its key cannot be the path of a file")),
            Some(_) if *size_bytes > MAX_FILE_BYTES => {
                found.left.push((address.clone(), "it is too large for S3 to copy"));
            }
            Some(path) => drop(found.files.insert(path, *size_bytes)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::clock::Timestamp;

    #[test]
    fn keys_that_no_file_can_have_and_objects_that_are_too_large_stay_and_state_is_not_looked_at() {
        let layout = Layout::new("shop", "b", "", None, None);
        let listed = |key: &str, size_bytes: u64| Listed {
            address: Address { bucket: "b".to_owned(), key: key.to_owned() },
            size_bytes,
            etag: String::new(),
            last_modified: Timestamp::from_unix_seconds(0),
        };
        let found = sort(
            &layout,
            &[
                listed("_publish/head.json", 1),
                listed("a//b", 1),
                listed("folder/", 0),
                listed("index.html", MAX_FILE_BYTES),
                listed("video.bin", MAX_FILE_BYTES + 1),
            ],
        );
        assert_eq!(found.files.into_keys().map(String::from).collect::<Vec<_>>(), ["index.html"]);
        let left: Vec<&str> = found.left.iter().map(|(address, _)| address.key.as_str()).collect();
        assert_eq!(left, ["a//b", "folder/", "video.bin"]);
    }
}

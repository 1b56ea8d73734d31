//! Staging: puts a release's bytes and manifest into the bucket, without changing what visitors see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::bucket::aws::{Class, Condition, MOST_AT_ONCE, ObjectInfo, Store, StoreError};
use crate::bucket::elsewhere::{Brought, CopyTarget, Elsewhere};
use crate::bucket::live::{Foreign, LiveObjects, foreign_object, has_bytes};
use crate::bucket::state::{Claimed, MAX_VANISHED, State, blob_headers};
use crate::bucket::tries::Tries;
use crate::content::path::SitePath;
use crate::plan::{Destination, Plan, Upload};
use crate::release::layout::{Address, Layout};
use crate::release::manifest::{Claim, Entry, Manifest, ReleaseNumber};
use crate::report::error::{Code, Problem};
use crate::report::event::{Event, Events};
use crate::report::tally::Tally;
use crate::site::snapshot::SourceFile;
use crate::types::headers::Headers;

/// From this size on, a HEAD first checks whether the bytes are there already, in bytes.
const ASK_FIRST_BYTES: u64 = 1 << 20;

/// Where missing bytes come from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// The built site on disk.
    Folder(&'a BTreeMap<SitePath, SourceFile>),
    /// Another environment.
    Elsewhere(&'a Elsewhere),
    /// Nowhere: a complete release has all its bytes in the bucket.
    Bucket,
}

impl<'a> Source<'a> {
    /// The file on disk.
    pub(crate) fn file(&self, path: &SitePath) -> Result<&'a SourceFile, Problem> {
        let file = match self {
            Source::Folder(files) => files.get(path),
            Source::Elsewhere(_) | Source::Bucket => None,
        };
        file.ok_or_else(|| {
            Problem::new(Code::MissingBytes, format!("the bytes of {path} are missing from the bucket"))
                .hint("Publish the folder that contains the file.")
        })
    }
}

/// A release whose bytes are stored. If nothing is active yet, its mutable files are not: the activation writes them
/// straight to their live keys, and its manifest after them.
#[derive(Debug)]
pub struct Staged {
    /// The release.
    pub manifest: Manifest,
    /// Whether the manifest is written.
    pub complete: bool,
    /// Fingerprinted files whose objects had other headers, with those headers: the activation corrects them.
    pub other_headers: BTreeMap<SitePath, Headers>,
    /// Fingerprinted files of an earlier live release whose objects were missing and were restored.
    pub returned: BTreeSet<SitePath>,
}

/// Why a release is not staged.
#[derive(Debug)]
pub enum NotStaged {
    /// Names that look fingerprinted, but whose keys have other bytes of this site: they are mutable from now on.
    Reused {
        /// The names.
        paths: BTreeSet<SitePath>,
        /// What is stored so far.
        stored: BTreeSet<Address>,
    },
    /// A failure.
    Failed(Problem),
}

/// The inputs of staging.
pub struct Staging<'a> {
    /// Writes bytes.
    pub store: &'a Store,
    /// Writes claim and manifest.
    pub state: &'a State,
    /// Their keys.
    pub layout: &'a Layout,
    /// Where missing bytes come from.
    pub source: Source<'a>,
    /// How to treat foreign objects at the keys of fingerprinted files.
    pub foreign: Foreign,
    /// What this run stored before it planned again.
    pub stored: &'a BTreeSet<Address>,
    /// The keys that this run has read, and their objects.
    pub seen: &'a BTreeMap<Address, Option<ObjectInfo>>,
    /// Counts what is uploaded and copied.
    pub tally: &'a Tally,
    /// Receives events.
    pub events: Events<'a>,
}

impl Staging<'_> {
    /// Uploads what `plan` needs and is not stored yet, and writes the manifest. `claim` is written already; `not_activated`
    /// are claimed numbers above the highest one that was ever activated.
    pub async fn stage(
        &self,
        plan: &Plan,
        claim: &Claim,
        not_activated: Vec<ReleaseNumber>,
    ) -> Result<Staged, NotStaged> {
        let now = plan.uploads.iter().filter(|upload| upload.to != Destination::LiveWhileActivating);
        let uploads: Vec<&Upload> = now.collect();
        let bytes = uploads.iter().map(|upload| upload.size_bytes).sum();
        self.events.send(Event::StagingStarted { release: claim.release, objects: uploads.len(), bytes });
        let likely = self.stored_by_others(claim, not_activated).await.map_err(NotStaged::Failed)?;
        let sent = self.send_all(plan, &uploads, &likely).await.map_err(NotStaged::Failed)?;
        if !sent.reused.is_empty() {
            return Err(NotStaged::Reused { paths: sent.reused, stored: sent.stored });
        }
        let manifest = manifest(plan, claim);
        let complete = uploads.len() == plan.uploads.len();
        if complete {
            self.state.write_manifest(&manifest).await.map_err(NotStaged::Failed)?;
        }
        Ok(sent.staged(manifest, complete))
    }

    /// Checks the places that [`Staging::prove`] would, except those `not_yet` to be checked. Costs a HEAD for each.
    pub async fn look(
        &self,
        plan: &Plan,
        not_yet: &BTreeSet<Address>,
    ) -> Result<BTreeMap<Address, Option<ObjectInfo>>, Problem> {
        let places: BTreeSet<Address> = plan
            .uploads
            .iter()
            .filter(|upload| upload.to != Destination::LiveWhileActivating)
            .filter_map(|upload| Some(self.destination(upload, plan.files.get(&upload.path)?)))
            .filter(|address| !not_yet.contains(address))
            .collect();
        stream::iter(places)
            .map(|address| async move {
                let info = self.store.head(&address).await.map_err(Problem::from)?;
                Ok((address, info))
            })
            .buffer_unordered(MOST_AT_ONCE)
            .try_collect()
            .await
    }

    /// Proves that the bucket has all bytes that `plan` needs to activate a complete release, and restores those that
    /// are missing.
    pub async fn prove(&self, plan: &Plan, manifest: &Manifest) -> Result<Staged, NotStaged> {
        let now = plan.uploads.iter().filter(|upload| upload.to != Destination::LiveWhileActivating);
        let uploads: Vec<&Upload> = now.collect();
        // All of it was there once: publish checks first, and uploads only what is missing.
        let likely = uploads.iter().filter_map(|upload| {
            let entry = plan.files.get(&upload.path)?;
            Some(self.destination(upload, entry))
        });
        let sent = self.send_all(plan, &uploads, &likely.collect()).await.map_err(NotStaged::Failed)?;
        if !sent.reused.is_empty() {
            return Err(NotStaged::Reused { paths: sent.reused, stored: sent.stored });
        }
        let manifest = Manifest { files: plan.files.clone(), ..manifest.clone() };
        Ok(sent.staged(manifest, true))
    }

    /// Objects that are already there because an earlier claim names the same ones: an interrupted run has uploaded them while
    /// staging or activating. Looked up before anything is uploaded.
    async fn stored_by_others(
        &self,
        claim: &Claim,
        not_activated: Vec<ReleaseNumber>,
    ) -> Result<BTreeSet<Address>, Problem> {
        let (mut live, mut blobs) = (false, false);
        for release in not_activated.into_iter().filter(|release| *release != claim.release) {
            let other = match self.state.claimed_by_another(release).await? {
                Claimed::Nothing => continue,
                Claimed::These(claim) => claim,
                Claimed::Unknown => {
                    (live, blobs) = (true, true);
                    continue;
                }
            };
            let paths: BTreeSet<&SitePath> = other.live.iter().collect();
            let digests: BTreeSet<_> = other.blobs.iter().collect();
            live |= claim.live.iter().any(|path| paths.contains(path));
            blobs |= claim.blobs.iter().any(|digest| digests.contains(digest));
        }
        let mut found = BTreeSet::new();
        if live {
            found.extend(self.objects().list().await?.into_iter().map(|listed| listed.address));
        }
        if blobs {
            let listed = self.store.list(&self.layout.blobs()).await.map_err(Problem::from)?;
            found.extend(listed.into_iter().map(|listed| listed.address));
        }
        Ok(found)
    }

    async fn send_all(&self, plan: &Plan, uploads: &[&Upload], likely: &BTreeSet<Address>) -> Result<Sent, Problem> {
        let (objects, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
        let outcomes: Vec<(SitePath, Address, Delivery)> = stream::iter(uploads.iter().copied())
            .map(|upload| {
                let (objects, bytes) = (&objects, &bytes);
                async move {
                    let entry = entry_of(plan, &upload.path)?;
                    let address = self.destination(upload, entry);
                    let delivery = self.deliver(upload, entry, &address, likely).await?;
                    let objects = objects.fetch_add(1, Ordering::Relaxed) + 1;
                    let bytes = bytes.fetch_add(upload.size_bytes, Ordering::Relaxed) + upload.size_bytes;
                    self.events.send(Event::StagingAdvanced { objects, bytes });
                    Ok::<_, Problem>((upload.path.clone(), address, delivery))
                }
            })
            .buffer_unordered(MOST_AT_ONCE)
            .try_collect()
            .await?;
        let mut sent = Sent::default();
        for (path, address, delivery) in outcomes {
            if !matches!(delivery, Delivery::OtherBytes) {
                sent.stored.insert(address);
            }
            match delivery {
                Delivery::There => {}
                Delivery::Returned => {
                    sent.returned.insert(path);
                }
                Delivery::OtherHeaders(headers) => {
                    sent.other_headers.insert(path, headers);
                }
                Delivery::OtherBytes => {
                    sent.reused.insert(path);
                }
            }
        }
        Ok(sent)
    }

    fn destination(&self, upload: &Upload, entry: &Entry) -> Address {
        match upload.to {
            Destination::Blob => self.layout.blob(&entry.digest),
            Destination::LiveWhileStaging | Destination::LiveWhileActivating => self.objects().address(&upload.path),
        }
    }

    /// Puts one file's bytes where they belong, without uploading those that are there.
    async fn deliver(
        &self,
        upload: &Upload,
        entry: &Entry,
        address: &Address,
        likely: &BTreeSet<Address>,
    ) -> Result<Delivery, Problem> {
        if self.stored.contains(address) {
            return Ok(Delivery::There);
        }
        let blob = upload.to == Destination::Blob;
        let headers = if blob { blob_headers() } else { entry.headers.clone() };
        let must_be_there = matches!(self.source, Source::Bucket);
        let from_disk = matches!(self.source, Source::Folder(_));
        let ask_first = !from_disk || upload.size_bytes >= ASK_FIRST_BYTES || likely.contains(address);
        if ask_first && let Some(info) = self.what_lies_at(address).await? {
            return self.settle(upload, entry, address, &headers, info).await;
        }
        if must_be_there && !blob {
            self.copy_back(&upload.path, entry).await?;
            if let Some(info) = self.store.head(address).await.map_err(Problem::from)? {
                let settled = self.settle(upload, entry, address, &headers, info).await?;
                return Ok(if matches!(settled, Delivery::There) { Delivery::Returned } else { settled });
            }
        }
        let mut gone = Tries::new(MAX_VANISHED);
        loop {
            let place = CopyTarget { store: self.store, address, headers: &headers, condition: Condition::Absent };
            match self.bring(upload, place).await? {
                Brought::Sent | Brought::Copied => return Ok(Delivery::There),
                // The object exists: written by this request, whose answer was lost, by an earlier run, or by something else.
                Brought::Taken(error) => match self.store.head(address).await.map_err(Problem::from)? {
                    Some(info) => return self.settle(upload, entry, address, &headers, info).await,
                    // It existed when ours was refused or was being written; something, such as a prune, has removed it since.
                    None if gone.again().await => {}
                    None => return Err(error.repeated()),
                },
            }
        }
    }

    /// The object at a place, now or when this run read it. If there was none, one may have appeared: this run preserves
    /// what it replaces.
    async fn what_lies_at(&self, address: &Address) -> Result<Option<ObjectInfo>, Problem> {
        match self.seen.get(address) {
            Some(Some(seen)) => Ok(Some(seen.clone())),
            Some(None) | None => self.store.head(address).await.map_err(Problem::from),
        }
    }

    /// Brings one file's bytes to `place`, from wherever they are, and counts the cost.
    async fn bring(&self, upload: &Upload, place: CopyTarget<'_>) -> Result<Brought, Problem> {
        let brought = match self.source {
            Source::Elsewhere(elsewhere) => elsewhere.bring(&upload.path, place, self.events).await?,
            Source::Folder(_) | Source::Bucket => self.send(upload, place).await?,
        };
        match brought {
            Brought::Sent => self.tally.sent(upload.size_bytes),
            Brought::Copied => self.tally.copied(),
            Brought::Taken(_) => {}
        }
        Ok(brought)
    }

    /// Uploads one file of the folder to `place`.
    async fn send(&self, upload: &Upload, place: CopyTarget<'_>) -> Result<Brought, Problem> {
        let source = self.source.file(&upload.path)?;
        match self.store.put_file(place.address, source, place.headers, place.condition).await {
            Ok(_) => Ok(Brought::Sent),
            Err(error) if matches!(error.class, Class::Precondition | Class::Conflict) => Ok(Brought::Taken(error)),
            Err(error) => Err(not_sent(&upload.path, error)),
        }
    }

    fn objects(&self) -> LiveObjects<'_> {
        LiveObjects::new(self.store, self.layout)
    }

    /// A fingerprinted file that was removed at once was stored as a blob first: it goes back to its live key, where
    /// nothing refers to it yet.
    async fn copy_back(&self, path: &SitePath, entry: &Entry) -> Result<(), Problem> {
        match self.objects().copy_blob(path, entry, Condition::Absent).await {
            Ok(_) => {
                self.tally.copied();
                Ok(())
            }
            Err(error) if matches!(error.class, Class::Missing | Class::Precondition | Class::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Decides by checksum, headers and marker how to treat an object that is already there.
    async fn settle(
        &self,
        upload: &Upload,
        entry: &Entry,
        address: &Address,
        headers: &Headers,
        info: ObjectInfo,
    ) -> Result<Delivery, Problem> {
        let ours = info.is_of(self.layout.identity());
        let blob = upload.to == Destination::Blob;
        match (has_bytes(&info, entry), blob) {
            (true, true) => Ok(Delivery::There),
            (true, false) if info.headers == *headers && ours => Ok(Delivery::There),
            (true, false) if ours => Ok(Delivery::OtherHeaders(info.headers)),
            (false, true) => {
                Err(Problem::new(Code::BadState, format!("{address} does not have the content that its name promises"))
                    .hint("Something else wrote to publish's blob store: delete that object and publish again."))
            }
            (false, false) if ours => Ok(Delivery::OtherBytes),
            // Even if bytes and headers match ours: an object with another site's marker is not ours.
            (_, false) if self.foreign == Foreign::Overwrite => {
                let place =
                    CopyTarget { store: self.store, address, headers, condition: Condition::Matches(&info.etag) };
                match self.bring(upload, place).await? {
                    Brought::Sent | Brought::Copied => Ok(Delivery::There),
                    Brought::Taken(error) => Err(error.into()),
                }
            }
            (_, false) => Err(foreign_object(address)),
        }
    }
}

/// The object at the place where a file's bytes belong.
enum Delivery {
    There,
    Returned,
    OtherHeaders(Headers),
    OtherBytes,
}

#[derive(Default)]
struct Sent {
    other_headers: BTreeMap<SitePath, Headers>,
    returned: BTreeSet<SitePath>,
    reused: BTreeSet<SitePath>,
    stored: BTreeSet<Address>,
}

impl Sent {
    fn staged(self, manifest: Manifest, complete: bool) -> Staged {
        Staged { manifest, complete, other_headers: self.other_headers, returned: self.returned }
    }
}

/// The manifest of `plan` under the number of `claim`.
pub(crate) fn manifest(plan: &Plan, claim: &Claim) -> Manifest {
    Manifest {
        identity: claim.identity.clone(),
        release: claim.release,
        epoch: claim.epoch,
        run: claim.run.clone(),
        created_at: claim.since,
        publisher: claim.publisher.clone(),
        files: plan.files.clone(),
    }
}

pub(crate) fn entry_of<'a>(plan: &'a Plan, path: &SitePath) -> Result<&'a Entry, Problem> {
    plan.files.get(path).ok_or_else(|| Problem::new(Code::Internal, format!("the plan has no entry for {path}")))
}

/// The error for a file that was refused. S3 compares what it received with the checksum that was computed while reading the
/// folder: it refuses a file that changed since.
pub(crate) fn not_sent(path: &SitePath, error: StoreError) -> Problem {
    match error.class {
        Class::Checksum | Class::LocalFile => {
            Problem::new(Code::FileChanged, format!("{path} changed or vanished while it was being published"))
                .hint("Wait for the build to finish, then publish again.")
                .source(error)
        }
        _ => error.into(),
    }
}

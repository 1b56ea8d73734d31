//! Finds what is no longer needed.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Found, Prune};
use crate::bucket::aws::{Listed, ObjectInfo};
use crate::bucket::live::has_bytes;
use crate::bucket::state::Releases;
use crate::content::path::SitePath;
use crate::plan::sweep::{Blob, Needed, Remain, Remains, Sweep, Victim, unneeded};
use crate::release::head::Head;
use crate::release::layout::{Address, SeenObject};
use crate::release::manifest::{Claim, Files, Manifest, ReleaseNumber};
use crate::release::retention;
use crate::release::retention::RetentionSettings;
use crate::report::error::{Code, Problem};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;
use crate::types::headers::Kind;

/// How many manifests are in memory at once while reading.
const READ_AT_ONCE: usize = 4;

/// What was read of all releases.
#[derive(Default)]
struct Read {
    needed: Needed,
    remains: Remains,
    active: Files,
}

/// The meaning of one number.
pub(super) enum Record {
    Release(Manifest),
    Claim(Claim),
    Gone,
}

impl Prune<'_> {
    /// Finds what is not needed. Reads all manifests; with `only_if_closing` it reads none if no release has outlived
    /// its retention. `now` is the time by S3's clock.
    pub async fn find(
        &self,
        head: &Head,
        retention: RetentionSettings,
        now: Timestamp,
        only_if_closing: bool,
    ) -> Result<Found, Problem> {
        let releases = self.releases(head).await?;
        let mut sweep = Sweep::default();
        let closing = closing(head, &releases, retention, now);
        sweep.records = self.records(head, &releases, &closing);
        sweep.closes = closing.iter().copied().filter(|release| self.has_record(&sweep, *release)).collect();
        // Also if not even a record of them is left: then this prune is the one that finishes.
        sweep.closes.extend(head.closed_releases());
        if only_if_closing && sweep.closes.is_empty() {
            return Ok(Found { sweep, releases, ..Found::default() });
        }
        let mut read = self.read(head, &releases, &closing).await?;
        if head.activation.is_none() {
            for (path, leftover) in head.leftovers.iter().filter(|(path, _)| !read.active.contains_key(*path)) {
                read.remains.overdue(path, leftover.entry());
            }
        }
        let stored = self.blobs().await?;
        let remains = read.remains.without(&read.needed);
        let infos = self.look(&read.needed, remains.keys().cloned().collect()).await?;
        for (path, remain) in remains {
            let mutable = head.mutable_paths.contains(&path);
            match infos.get(&path) {
                None if head.leftovers.contains_key(&path) => drop(sweep.gone.insert(path)),
                None => {}
                Some(info) if !info.is_of(self.layout.identity()) => {}
                Some(info) => {
                    let Some(victim) = victim(&remain, info, mutable) else { continue };
                    let is_lost =
                        |digest: &Digest| read.needed.digests.contains(digest) && !stored.contains_key(digest);
                    if victim.overdue && victim.digest.as_ref().is_some_and(is_lost) {
                        sweep.preserves.insert(path.clone());
                    }
                    sweep.live.insert(path, victim);
                }
            }
        }
        sweep.blobs = unneeded(stored, &read.needed);
        Ok(Found { sweep, active: read.active, releases, ..Found::default() })
    }

    /// Finds the given files in all releases and at their live keys.
    pub async fn find_files(&self, head: &Head, paths: &BTreeSet<SitePath>) -> Result<Found, Problem> {
        let releases = self.releases(head).await?;
        let mut sweep = Sweep::default();
        // As if they were withdrawn already, whatever their bytes.
        let (mut read, mut others) = (Read::default(), BTreeMap::new());
        let mut records = stream::iter(&releases.complete)
            .map(|(release, complete)| self.record(*release, *complete))
            .buffer_unordered(READ_AT_ONCE);
        while let Some(record) = records.next().await {
            match record? {
                Record::Release(manifest) => {
                    let release = manifest.release;
                    let mut files = head.without_withdrawn(manifest.files);
                    for path in paths {
                        if let Some(entry) = files.remove(path) {
                            sweep.withdraws.entry(path.clone()).or_default().insert(entry.digest);
                        }
                    }
                    read.needed.by_release(&files);
                    others.extend(files.iter().map(|(path, entry)| (entry.digest, path.clone())));
                    if head.active.as_ref().is_some_and(|active| active.release == release) {
                        read.active = files;
                    }
                }
                // A run that stages reads the head at its end, and starts over.
                Record::Claim(_) => {}
                Record::Gone => return Err(unknown("a release")),
            }
        }
        drop(records);
        for (path, info) in self.live_objects().heads(paths.clone()).await? {
            if info.is_of(self.layout.identity()) {
                sweep.withdraws.entry(path.clone()).or_default().extend(info.digest);
                sweep.live.insert(path, Victim::of(&info, info.digest, Kind::Mutable, true));
            }
        }
        let withdrawn = head.withdrawn.iter().filter(|(path, _)| paths.contains(*path));
        let earlier = withdrawn.flat_map(|(_, withdrawn)| &withdrawn.sha256);
        let digests: BTreeSet<Digest> = sweep.withdraws.values().flatten().chain(earlier).copied().collect();
        let stored = self.blobs().await?.into_iter().filter(|(digest, _)| digests.contains(digest)).collect();
        sweep.blobs = unneeded(stored, &read.needed);
        let also_at = digests.iter().filter_map(|digest| others.remove(digest)).collect();
        Ok(Found { sweep, active: read.active, also_at, releases })
    }

    /// All claims and manifests. Nothing counts as unneeded while it is unknown what visitors get now.
    async fn releases(&self, head: &Head) -> Result<Releases, Problem> {
        let releases = self.state.releases().await?;
        let active = head.active.as_ref().map(|active| active.release);
        if let Some(active) = active.filter(|active| releases.complete.get(active) != Some(&true)) {
            return Err(unknown(&format!("release {active}, which is live,")));
        }
        let mut unfinished = head.activation.iter().flat_map(|one| one.candidates.iter().chain([&one.to]));
        match unfinished.find(|release| !releases.complete.contains_key(release)) {
            Some(release) => Err(unknown(&format!("release {release}, whose activation was cut short,"))),
            None => Ok(releases),
        }
    }

    pub(super) async fn record(&self, release: ReleaseNumber, complete: bool) -> Result<Record, Problem> {
        if complete {
            return Ok(self.state.read_manifest(release).await?.map_or(Record::Gone, Record::Release));
        }
        Ok(self.state.read_claim(release).await?.map_or(Record::Gone, Record::Claim))
    }

    /// The manifests and claims of closed numbers. The claim on the highest number stays if nothing else records
    /// it: no run may ever get that number again.
    fn records(&self, head: &Head, releases: &Releases, closing: &BTreeSet<ReleaseNumber>) -> Vec<SeenObject> {
        let remembered = head.highest_activated.max(head.floor);
        let stays = releases.highest().filter(|highest| *highest > remembered);
        let seen = |address: Address| {
            let etag = releases.etags.get(&address).map_or("", String::as_str);
            SeenObject::new(address, etag)
        };
        let mut records = Vec::new();
        for release in closing {
            if releases.complete.get(release) == Some(&true) {
                records.push(seen(self.layout.manifest(*release)));
            }
            if Some(*release) != stays {
                records.push(seen(self.layout.claim(*release)));
            }
        }
        records
    }

    fn has_record(&self, sweep: &Sweep, release: ReleaseNumber) -> bool {
        let (manifest, claim) = (self.layout.manifest(release), self.layout.claim(release));
        sweep.records.iter().any(|record| record.address == manifest || record.address == claim)
    }

    /// Reads every manifest and claim. Keeps in memory only what they need or leave behind.
    async fn read(&self, head: &Head, releases: &Releases, closing: &BTreeSet<ReleaseNumber>) -> Result<Read, Problem> {
        let active = head.active.as_ref().map(|active| active.release);
        let records = stream::iter(&releases.complete).map(|(release, complete)| async move {
            Ok::<_, Problem>((*release, self.record(*release, *complete).await?))
        });
        let mut records = records.buffer_unordered(READ_AT_ONCE);
        let mut read = Read::default();
        while let Some((release, record)) = records.try_next().await? {
            match (record, closing.contains(&release)) {
                (Record::Release(manifest), closed) => {
                    for (path, entry) in &manifest.files {
                        if head.is_withdrawn(path, &entry.digest) {
                            read.remains.overdue(path, entry.clone());
                        }
                    }
                    let files = head.without_withdrawn(manifest.files);
                    if closed {
                        read.remains.of_release(files);
                    } else {
                        read.needed.by_release(&files);
                        if active == Some(release) {
                            read.active = files;
                        }
                    }
                }
                (Record::Claim(claim), true) => read.remains.of_claim(claim),
                (Record::Claim(claim), false) => read.needed.by_claim(&claim),
                (Record::Gone, true) => {}
                (Record::Gone, false) => return Err(unknown(&format!("release {release}"))),
            }
        }
        Ok(read)
    }

    /// The objects at live keys: by a HEAD for each, after a listing if that saves many.
    async fn look(
        &self,
        needed: &Needed,
        mut paths: BTreeSet<SitePath>,
    ) -> Result<BTreeMap<SitePath, ObjectInfo>, Problem> {
        if paths.len() > 2 + needed.paths.len() / 1_000 {
            let found = self.live_objects().paths_in(&self.live_objects().list().await?);
            paths.retain(|path| found.contains(path));
        }
        self.live_objects().heads(paths).await
    }

    /// All blobs. An object whose name is not a digest is not ours.
    async fn blobs(&self) -> Result<BTreeMap<Digest, Blob>, Problem> {
        let listed = self.store.list(&self.layout.blobs()).await.map_err(Problem::from)?;
        let blob = |listed: Listed| {
            let digest = self.layout.digest_of_blob(&listed.address.key)?;
            Some((digest, Blob { size_bytes: listed.size_bytes, etag: listed.etag }))
        };
        Ok(listed.into_iter().filter_map(blob).collect())
    }
}

impl Victim {
    fn of(info: &ObjectInfo, digest: Option<Digest>, kind: Kind, overdue: bool) -> Victim {
        let (headers, etag) = (info.headers.clone(), info.etag.clone());
        Victim { size_bytes: info.size_bytes, digest, kind, headers, etag, overdue }
    }
}

fn unknown(release: &str) -> Problem {
    Problem::new(Code::BadState, format!("the manifest of {release} is missing from the bucket"))
        .hint("Something removed it. Restore it, for example from an older version if the bucket has versioning.")
}

/// The closed numbers: releases that have outlived their retention, and claims whose runs are dead.
fn closing(head: &Head, releases: &Releases, retention: RetentionSettings, now: Timestamp) -> BTreeSet<ReleaseNumber> {
    let written = |release: &ReleaseNumber| releases.written.get(release).copied().unwrap_or(now);
    // A release that an earlier prune closed may lack bytes: it is removed, whatever the retention is by now.
    let complete = releases.complete.iter().filter(|(release, complete)| **complete && !head.is_closed(**release));
    let complete = complete.map(|(release, _)| (*release, written(release))).collect();
    let retained = retention::retained(head, &complete, retention, now);
    let closed = releases.complete.iter().filter(|(release, complete)| {
        // The objects that an abandoned adoption claimed do not belong to this site.
        let is_adoption = **release == ReleaseNumber::ADOPTED && !**complete;
        let over = **complete || retention::is_dead(written(release), now);
        head.is_closed(**release) || !retained.contains(release) && over && !is_adoption
    });
    closed.map(|(release, _)| *release).collect()
}

/// What an object of this site means to a prune; `None`: it stays, since only other contents were to be removed. `mutable`:
/// the path's name is known to be reused.
fn victim(remain: &Remain, info: &ObjectInfo, mutable: bool) -> Option<Victim> {
    if let Some(entry) = remain.overdue.iter().find(|entry| has_bytes(info, entry)) {
        // It must not be visible any longer, whatever its name.
        return Some(Victim::of(info, Some(entry.digest), Kind::Mutable, true));
    }
    // A claim does not record whether its files are fingerprinted; their stored headers do.
    let immutable = info.headers.cache_control.contains("immutable");
    let claimed = remain.claimed.then_some(if immutable { Kind::Fingerprinted } else { Kind::Mutable });
    let kind = remain.named.or(claimed)?;
    Some(Victim::of(info, info.digest, if mutable { Kind::Mutable } else { kind }, false))
}

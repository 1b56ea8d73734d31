//! Pruning: finds what nobody needs any more, and removes it under a lease.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::aws::{Class, Condition, ObjectInfo, Store};
use crate::clock::{Clock, Timestamp};
use crate::digest::Digest;
use crate::environment::{LeaseSettings, RetentionSettings};
use crate::error::{Code, Problem};
use crate::event::{Event, Events};
use crate::head::{Head, Pruning, Refresh, Withdrawn};
use crate::headers::Kind;
use crate::layout::{Address, Layout};
use crate::lease::{Ended, Lease};
use crate::live::{has_bytes, heads};
use crate::manifest::{Claim, Files, Manifest, Publisher, ReleaseNumber, RunId};
use crate::path::{SitePath, UrlPath};
use crate::retention;
use crate::stage::blob_headers;
use crate::state::{NotReplaced, Pointer, Releases, State};
use crate::stop::Stop;
use crate::sweep::{Needed, Remain, Remains, Sweep, Victim, unneeded};

/// How many manifests are held at once while reading.
const READ_AT_ONCE: usize = 4;

/// How many objects go in one request (AWS.md 4.4); between two, the wish to stop is heard.
const REMOVED_AT_ONCE: usize = 1_000;

/// What a prune works with.
pub struct Prune<'a> {
    /// Where objects are removed.
    pub store: &'a Store,
    /// Where the head is.
    pub state: &'a State,
    /// Where everything lies.
    pub layout: &'a Layout,
    /// In whose name.
    pub run: &'a RunId,
    /// Who runs it.
    pub publisher: &'a Publisher,
    /// For records that people read.
    pub clock: Clock,
    /// The distribution that must forget.
    pub distribution: Option<&'a str>,
    /// How long the prune is this run's.
    pub lease: LeaseSettings,
    /// Who may want it to stop.
    pub stop: &'a Stop,
    /// Who listens.
    pub events: Events<'a>,
}

/// What is to go, and from where.
#[derive(Debug, Default)]
pub struct Found {
    /// What goes.
    pub sweep: Sweep,
    /// The files of the active release.
    pub active: Files,
    /// Where a release holds the same bytes as a file that is taken out.
    pub also_at: BTreeSet<SitePath>,
    /// The releases there were, and which of them were complete.
    pub releases: Releases,
}

/// What a prune came to.
#[derive(Debug)]
pub struct Removed {
    /// The head that says so, with the refresh it owes.
    pub pointer: Pointer,
    /// Objects that went, without the state's records.
    pub deleted: usize,
    /// The files whose live objects went.
    pub gone: BTreeSet<SitePath>,
    /// What may not be removed, and why not: the first of them, and how many there are.
    pub refused: Option<(Problem, usize)>,
}

/// Why nothing, or not all, was removed.
#[derive(Debug)]
pub enum NotRemoved {
    /// The head changed before anything was removed: plan again from this one.
    Outdated(Box<Pointer>),
    /// It failed before anything was removed, or while.
    Failed(Problem),
}

impl From<Ended> for NotRemoved {
    fn from(ended: Ended) -> NotRemoved {
        match ended {
            Ended::TakenOver(_) => {
                NotRemoved::Failed(Problem::new(Code::LeaseLost, "another run went on in place of this one"))
            }
            Ended::Failed(problem) => NotRemoved::Failed(problem),
        }
    }
}

/// What was read of all releases.
#[derive(Default)]
struct Read {
    needed: Needed,
    remains: Remains,
    active: Files,
}

/// What one number stands for.
enum Record {
    Release(Manifest),
    Claim(Claim),
    Gone,
}

impl Prune<'_> {
    /// Finds what nobody needs. Reads all manifests; with `only_if_closing` it reads none where no release has outlived
    /// its retention. `now` is the time by S3's clock.
    pub async fn find(
        &self,
        head: &Head,
        retention: RetentionSettings,
        now: Timestamp,
        only_if_closing: bool,
    ) -> Result<Found, Problem> {
        let releases = self.state.releases().await?;
        let mut sweep = Sweep::default();
        let closing = closing(head, &releases, retention, now);
        sweep.records = self.records(head, &releases, &closing);
        sweep.closes = closing.iter().copied().filter(|release| self.has_record(&sweep, *release)).collect();
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
                Some(info) if info.site.as_deref() != Some(self.layout.identity().site.as_str()) => {}
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
        let releases = self.state.releases().await?;
        let mut sweep = Sweep::default();
        // As if they were withdrawn already, whatever bytes they have.
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
                // A run that stages looks at the head when it is done, and begins again.
                Record::Claim(_) | Record::Gone => {}
            }
        }
        drop(records);
        for (path, info) in heads(self.store, self.layout, paths.clone()).await? {
            if info.site.as_deref() == Some(self.layout.identity().site.as_str()) {
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

    /// Removes what `found` holds. `paths` are what the CDN must forget, `content` is what the active release comes to
    /// where files are taken out of it.
    pub async fn remove(
        &self,
        pointer: Pointer,
        found: Found,
        paths: &[UrlPath],
        content: Option<Digest>,
    ) -> Result<Removed, NotRemoved> {
        let Found { mut sweep, releases, .. } = found;
        let is_ours = |head: &Head| head.pruning.as_ref().is_some_and(|pruning| pruning.owner == *self.run);
        let deadline = Lease::deadline(&self.lease);
        let begun = self.state.replace_head(&pointer, self.beginning(&pointer.head, &sweep, paths, content)).await;
        let pointer = match begun {
            Ok(pointer) => pointer,
            Err(NotReplaced::Lost(found)) => return Err(NotRemoved::Outdated(found)),
            Err(NotReplaced::Failed(problem)) => return Err(NotRemoved::Failed(problem)),
        };
        let mut lease = Lease::begun(self.state, self.lease, pointer, deadline, &is_ours);
        self.events.send(Event::PruneStarted { objects: sweep.objects() });
        match self.remove_all(&mut lease, &mut sweep, &releases).await {
            Ok((deleted, gone, refused)) => {
                self.events.send(Event::Pruned { objects: deleted });
                Ok(Removed { pointer: lease.pointer, deleted, gone, refused })
            }
            Err(Ended::Failed(problem)) => {
                if problem.code != Code::LeaseLost {
                    // It has failed already; that this may too changes nothing of what is said.
                    let _ = lease.release(given_up).await;
                }
                Err(NotRemoved::Failed(problem))
            }
            Err(ended) => Err(ended.into()),
        }
    }

    async fn remove_all(
        &self,
        lease: &mut Lease<'_>,
        sweep: &mut Sweep,
        before: &Releases,
    ) -> Result<(usize, BTreeSet<SitePath>, Option<(Problem, usize)>), Ended> {
        // Who stages looks at the head when it is done. It sees this prune, or its claim was there by now.
        if sweep.withdraws.is_empty() {
            let head = lease.pointer.head.clone();
            let needed = lease.during(self.claimed_since(&head, before)).await?;
            sweep.spare(&needed);
        }
        lease.during(self.preserve(sweep)).await?;
        let live = sweep.live.keys().map(|path| self.layout.live(path));
        let blobs = sweep.blobs.keys().map(|digest| self.layout.blob(digest));
        let objects: Vec<Address> = live.chain(blobs).collect();
        let mut refused: BTreeMap<Address, Problem> = BTreeMap::new();
        let mut deleted = 0;
        for batch in objects.chunks(REMOVED_AT_ONCE) {
            let kept = lease.during(self.remove_batch(batch)).await?;
            deleted += batch.len() - kept.len();
            self.events.send(Event::PruneAdvanced { objects: deleted });
            let all = kept.len() == batch.len();
            refused.extend(kept);
            if all {
                break;
            }
        }
        if refused.is_empty() {
            for batch in sweep.records.chunks(REMOVED_AT_ONCE) {
                refused.extend(lease.during(self.remove_batch(batch)).await?);
            }
        }
        let gone: BTreeSet<SitePath> = match refused.is_empty() {
            true => sweep.live.keys().chain(&sweep.gone).cloned().collect(),
            false => self.gone(sweep, deleted, &refused),
        };
        let closed = if refused.is_empty() { sweep.closes.clone() } else { BTreeSet::new() };
        lease.replace(|head| ending(head, &gone, &closed)).await?;
        let number = refused.len();
        Ok((deleted, gone, refused.into_values().next().map(|problem| (problem, number))))
    }

    /// Which live objects went although others may not go.
    fn gone(&self, sweep: &Sweep, deleted: usize, refused: &BTreeMap<Address, Problem>) -> BTreeSet<SitePath> {
        let tried = deleted + refused.len();
        let live = sweep.live.keys().take(tried).filter(|path| !refused.contains_key(&self.layout.live(path)));
        live.chain(&sweep.gone).cloned().collect()
    }

    /// Removes one batch, and says what may not be removed.
    async fn remove_batch(&self, batch: &[Address]) -> Result<Vec<(Address, Problem)>, Problem> {
        if self.stop.is_requested() {
            return Err(Problem::new(Code::Interrupted, "stopped on request"));
        }
        let kept = self.store.delete(batch).await.map_err(Problem::from)?;
        if let Some(other) = kept.iter().position(|(_, error)| error.class != Class::Denied) {
            let mut kept = kept;
            return Err(kept.swap_remove(other).1.into());
        }
        Ok(kept.into_iter().map(|(address, error)| (address, error.into())).collect())
    }

    /// What releases name that were claimed, or became complete, since this prune was planned.
    async fn claimed_since(&self, head: &Head, before: &Releases) -> Result<Needed, Problem> {
        let mut needed = Needed::default();
        for (release, complete) in self.state.releases().await?.complete {
            if before.complete.get(&release) == Some(&complete) {
                continue;
            }
            match self.record(release, complete).await? {
                Record::Release(manifest) => needed.by_release(&head.without_withdrawn(manifest.files)),
                Record::Claim(claim) => needed.by_claim(&claim),
                Record::Gone => {}
            }
        }
        Ok(needed)
    }

    /// Copies live bytes that are about to go and that a retained release needs to the blob store.
    async fn preserve(&self, sweep: &Sweep) -> Result<(), Problem> {
        for path in &sweep.preserves {
            let Some(Victim { digest: Some(digest), etag, .. }) = sweep.live.get(path) else { continue };
            let (live, blob) = (self.layout.live(path), self.layout.blob(digest));
            match self.store.copy(&live, Some(etag), &blob, &blob_headers(), Condition::Absent).await {
                Ok(_) => {}
                // It was looked at a moment ago: another run has put the same bytes there since.
                Err(error) if matches!(error.class, Class::Precondition | Class::Conflict) => {
                    if self.store.head(&blob).await.map_err(Problem::from)?.is_none() {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The manifests and claims of what is closed. The claim on the highest number stays where nothing else remembers
    /// it: no run may ever get that number again.
    fn records(&self, head: &Head, releases: &Releases, closing: &BTreeSet<ReleaseNumber>) -> Vec<Address> {
        let remembered = head.highest_activated.max(head.floor);
        let stays = releases.highest().filter(|highest| *highest > remembered);
        let mut records = Vec::new();
        for release in closing {
            if releases.complete.get(release) == Some(&true) {
                records.push(self.layout.manifest(*release));
            }
            if Some(*release) != stays {
                records.push(self.layout.claim(*release));
            }
        }
        records
    }

    fn has_record(&self, sweep: &Sweep, release: ReleaseNumber) -> bool {
        let (manifest, claim) = (self.layout.manifest(release), self.layout.claim(release));
        sweep.records.iter().any(|record| *record == manifest || *record == claim)
    }

    /// Reads every manifest and claim, of which only what they need or leave behind is held.
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
                (Record::Gone, _) => {}
            }
        }
        Ok(read)
    }

    async fn record(&self, release: ReleaseNumber, complete: bool) -> Result<Record, Problem> {
        if complete {
            return Ok(self.state.read_manifest(release).await?.map_or(Record::Gone, Record::Release));
        }
        Ok(self.state.read_claim(release).await?.map_or(Record::Gone, Record::Claim))
    }

    /// What lies at live keys: by a HEAD for each, after a listing where that saves many.
    async fn look(
        &self,
        needed: &Needed,
        mut paths: BTreeSet<SitePath>,
    ) -> Result<BTreeMap<SitePath, ObjectInfo>, Problem> {
        if paths.len() > 2 + needed.paths.len() / 1_000 {
            let listed = self.store.list(&self.layout.live_prefix()).await.map_err(Problem::from)?;
            let found: BTreeSet<SitePath> =
                listed.iter().filter_map(|listed| self.layout.path_of_live(&listed.address.key)).collect();
            paths.retain(|path| found.contains(path));
        }
        heads(self.store, self.layout, paths).await
    }

    /// All blobs, with the number of their bytes. What is not named by a digest is not ours.
    async fn blobs(&self) -> Result<BTreeMap<Digest, u64>, Problem> {
        let listed = self.store.list(&self.layout.blobs()).await.map_err(Problem::from)?;
        let blob = |key: &str| self.layout.digest_of_blob(key);
        Ok(listed.iter().filter_map(|listed| Some((blob(&listed.address.key)?, listed.size_bytes))).collect())
    }

    /// The head that says "pruning", and already what the CDN will have to forget.
    fn beginning(&self, before: &Head, sweep: &Sweep, paths: &[UrlPath], content: Option<Digest>) -> Head {
        let mut head = before.clone();
        let since = self.clock.now();
        let (owner, lease_s, closes) = (self.run.clone(), self.lease.lasts.as_secs(), sweep.closes.clone());
        head.pruning = Some(Pruning { owner, since, lease_s, closes });
        head.prune_epoch = head.prune_epoch.saturating_add(1);
        for (path, digests) in &sweep.withdraws {
            let publisher = self.publisher.clone();
            let new = || Withdrawn { sha256: BTreeSet::new(), since, publisher };
            head.withdrawn.entry(path.clone()).or_insert_with(new).sha256.extend(digests);
        }
        if let (Some(active), Some(content)) = (&mut head.active, content) {
            active.content = content;
        }
        if let Some(distribution) = self.distribution.filter(|_| !paths.is_empty()) {
            head.pending_refreshes.push(Refresh {
                id: format!("{}-{}", self.run, before.revision.saturating_add(1)),
                distribution: distribution.to_owned(),
                release: before.active.as_ref().map_or(before.highest_activated, |active| active.release),
                since,
                paths: paths.to_vec(),
            });
        }
        head
    }
}

impl Victim {
    fn of(info: &ObjectInfo, digest: Option<Digest>, kind: Kind, overdue: bool) -> Victim {
        let (headers, etag) = (info.headers.clone(), info.etag.clone());
        Victim { size_bytes: info.size_bytes, digest, kind, headers, etag, overdue }
    }
}

/// Which numbers are closed: releases that have outlived their retention, and claims whose runs are dead.
fn closing(head: &Head, releases: &Releases, retention: RetentionSettings, now: Timestamp) -> BTreeSet<ReleaseNumber> {
    let written = |release: &ReleaseNumber| releases.written.get(release).copied().unwrap_or(now);
    let complete = releases.complete.iter().filter(|(_, complete)| **complete);
    let complete = complete.map(|(release, _)| (*release, written(release))).collect();
    let retained = retention::retained(head, &complete, retention, now);
    let closed = releases.complete.iter().filter(|(release, complete)| {
        !retained.contains(release) && (**complete || retention::is_dead(written(release), now))
    });
    closed.map(|(release, _)| *release).collect()
}

/// What an object of this site is to a prune; `None`: it stays, since only other contents were to go. `mutable`: the
/// path's name is known to have lied.
fn victim(remain: &Remain, info: &ObjectInfo, mutable: bool) -> Option<Victim> {
    if let Some(entry) = remain.overdue.iter().find(|entry| has_bytes(info, entry)) {
        // It is to be seen by nobody any more, whatever its name.
        return Some(Victim::of(info, Some(entry.digest), Kind::Mutable, true));
    }
    // A claim does not say what its files are; what they are stored with does.
    let immutable = info.headers.cache_control.contains("immutable");
    let claimed = remain.claimed.then_some(if immutable { Kind::Fingerprinted } else { Kind::Mutable });
    let kind = remain.named.or(claimed)?;
    Some(Victim::of(info, info.digest, if mutable { Kind::Mutable } else { kind }, false))
}

/// The head that says that nobody prunes any more.
fn ending(head: &Head, gone: &BTreeSet<SitePath>, closed: &BTreeSet<ReleaseNumber>) -> Head {
    let mut head = head.clone();
    head.pruning = None;
    head.leftovers.retain(|path, _| !gone.contains(path));
    head.superseded.retain(|release, _| !closed.contains(release));
    head
}

/// The head of a prune whose owner stopped: the next run need not wait.
fn given_up(head: &Head) -> Head {
    let mut head = head.clone();
    if let Some(pruning) = &mut head.pruning {
        pruning.lease_s = 0;
    }
    head
}

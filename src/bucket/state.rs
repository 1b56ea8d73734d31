//! Reads and writes the state: the head with compare-and-swap, claims and manifests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use crate::bucket::aws::{Class, Condition, Store, StoreError, Term};
use crate::bucket::proof::Proof;
use crate::bucket::tries::{Tries, pause};
use crate::content::path::SitePath;
use crate::release::format::{FormatError, MAX_JSON_BYTES};
use crate::release::head::{Head, Lookout};
use crate::release::layout::{Address, Layout, ReleaseObject};
use crate::release::manifest::{Claim, Identity, Manifest, ReleaseNumber, RunId};
use crate::report::error::{Code, Problem};
use crate::types::clock::Timestamp;
use crate::types::headers::Headers;

/// Largest manifest that is read, in bytes as stored (compressed).
const MAX_MANIFEST_BYTES: u64 = 256 << 20;

/// The user metadata of a manifest with the date of the commit that its release was built from (decision 0023).
const COMMITTED_AT: &str = "publish-committed-at";

/// How often to ask S3 to replace a head that it refuses to replace although no other run has: a request under
/// way may conflict, but not for long.
const MAX_REFUSALS: u32 = 6;

/// How often in a row others may replace the head first, before a run gives up.
const MAX_LOST: u32 = 100;

/// How many numbers in a row may have been claimed by others since they were listed.
const MAX_TAKEN: u32 = 100;

/// The head as last read or written, and what is needed to replace it.
#[derive(Clone, Debug)]
pub struct Pointer {
    /// Its content.
    pub head: Head,
    /// The ETag for the condition of the next write; `None`: there is no head yet.
    etag: Option<String>,
    /// Time since its last write when it was read, by S3's clock; zero after a write of our own.
    pub age: Duration,
    /// S3's clock when it was read.
    pub read_at: Option<Timestamp>,
}

impl Pointer {
    /// The next writer, at `now` by the clock of its machine.
    pub(crate) fn seen_by<'a>(&self, run: &'a RunId, now: Timestamp) -> Lookout<'a> {
        Lookout { run, now, read_at: self.read_at, age: self.age }
    }
}

/// Why the head was not replaced.
#[derive(Debug)]
pub enum NotReplaced {
    /// Another run replaced it first; this is its present content.
    Lost(Box<Pointer>),
    /// It could not be written, or the result is unknown.
    Failed(Problem),
}

/// The releases in the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Releases {
    /// Every number that was ever claimed and not pruned, and whether its manifest exists.
    pub complete: BTreeMap<ReleaseNumber, bool>,
    /// When the manifest of each was written, or, if there is none, the claim; by S3's clock.
    pub written: BTreeMap<ReleaseNumber, Timestamp>,
    /// The ETag of each manifest and claim.
    pub etags: BTreeMap<Address, String>,
}

/// The keys in another run's claim.
#[derive(Debug)]
pub enum Claimed {
    /// There is no claim.
    Nothing,
    /// These.
    These(Box<Claim>),
    /// A newer program wrote it, in a minor version of this format that this one cannot read: it may include any key.
    Unknown,
}

impl Releases {
    /// The highest number claimed.
    pub fn highest(&self) -> Option<ReleaseNumber> {
        self.complete.keys().next_back().copied()
    }

    /// Numbers above `release`, complete or not.
    pub fn above(&self, release: ReleaseNumber) -> impl Iterator<Item = ReleaseNumber> + '_ {
        self.complete.keys().copied().filter(move |number| *number > release)
    }
}

/// The state of one environment, as used by one run.
#[derive(Clone)]
pub struct State {
    store: Store,
    layout: Layout,
    run: RunId,
    proof: Proof,
    /// How often in a row others have replaced the head first.
    lost: Arc<AtomicU32>,
}

impl State {
    /// The state at `layout`, written in the name of `run`.
    pub fn new(store: Store, layout: Layout, run: RunId) -> State {
        let proof = Proof::of(&store);
        State { store, layout, run, proof, lost: Arc::default() }
    }

    /// The same state over new connections.
    pub fn afresh(&self) -> State {
        State { store: self.store.afresh(), ..self.clone() }
    }

    /// The same state, read and written under a lease; see [`Store::in_time_for`].
    pub fn in_time_for(&self, term: &Term, least: Duration) -> State {
        State { store: self.store.in_time_for(term, least), ..self.clone() }
    }

    /// The run that writes.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Reads the head: one request. A head that may not be read, or that belongs to another site, is an error; only
    /// an answer that it is missing leads to a new one.
    pub async fn read_head(&self) -> Result<Pointer, Problem> {
        self.read_head_and_bytes().await.map(|(pointer, _)| pointer)
    }

    /// Whether `bytes` are this site's head, now or earlier. Only the bytes show it, not headers: a CDN may remove
    /// S3's headers, and one that answers all addresses with one page sends S3's headers with that page.
    pub fn is_head(&self, bytes: &[u8]) -> bool {
        Head::decode(bytes).is_ok_and(|head| head.identity == *self.layout.identity())
    }

    /// As [`State::read_head`], together with its bytes.
    async fn read_head_and_bytes(&self) -> Result<(Pointer, Vec<u8>), Problem> {
        let address = self.layout.head();
        let Some(fetched) = self.store.get(&address, MAX_JSON_BYTES).await.map_err(Problem::from)? else {
            let head = Head::new(self.layout.identity().clone(), self.run.clone());
            return Ok((Pointer { head, etag: None, age: Duration::ZERO, read_at: None }, Vec::new()));
        };
        let head = Head::decode(&fetched.bytes).map_err(|error| unreadable(&address, error))?;
        self.check_identity(&head.identity, &address)?;
        let suspects = head.suspects.iter().flat_map(|suspects| &suspects.paths);
        self.check_paths(head.leftovers.keys().chain(suspects), &address)?;
        self.proof.learn(&head, fetched.served_at);
        let age = fetched.served_at.since(fetched.last_modified);
        let pointer = Pointer { head, etag: Some(fetched.etag), age, read_at: Some(fetched.served_at) };
        Ok((pointer, fetched.bytes))
    }

    /// Replaces the head with `next`, on the condition that it is still the one in `pointer`. Sets revision and run.
    /// A lost answer is settled by reading back: the write was ours if the head has exactly the bytes that were sent.
    ///
    /// Every write of a head uses this function, and so the limit on retries applies: S3 may refuse [`MAX_REFUSALS`] times
    /// to replace an unchanged head, and others may be first [`MAX_LOST`] times in a row.
    pub async fn replace_head(&self, pointer: &Pointer, next: Head) -> Result<Pointer, NotReplaced> {
        self.may_write(pointer).map_err(NotReplaced::Failed)?;
        self.prove().await.map_err(NotReplaced::Failed)?;
        let address = self.layout.head();
        let head = next.written_after(&pointer.head, &self.run).on_store(self.proof.proven());
        let bytes = head.encode().map_err(|error| NotReplaced::Failed(unwritable(&address, error)))?;
        let mut etag = pointer.etag.clone();
        let mut tries = Tries::new(MAX_REFUSALS);
        loop {
            let condition = etag.as_deref().map_or(Condition::Absent, Condition::Matches);
            let error = match self.store.put_bytes(&address, bytes.clone(), &json_headers(), condition).await {
                Ok(etag) => {
                    self.lost.store(0, Ordering::Relaxed);
                    return Ok(Pointer { head, etag: Some(etag), age: Duration::ZERO, read_at: pointer.read_at });
                }
                Err(error) => error,
            };
            let unsure = may_be_ours(&error) || error.class == Class::Missing;
            if !unsure {
                return Err(NotReplaced::Failed(error.into()));
            }
            let lost = self.lost.load(Ordering::Relaxed);
            if lost > 0 {
                sleep(pause(lost)).await;
            }
            let (found, there) = self.read_head_and_bytes().await.map_err(NotReplaced::Failed)?;
            if there == bytes {
                self.lost.store(0, Ordering::Relaxed);
                return Ok(Pointer { age: Duration::ZERO, ..found });
            }
            if found.head != pointer.head {
                return Err(self.lost_to(found));
            }
            // No other run replaced it, nor did this one: the storage fails.
            if !matches!(error.class, Class::Precondition | Class::Conflict | Class::Missing) {
                return Err(NotReplaced::Failed(error.into()));
            }
            if !tries.again().await {
                return Err(NotReplaced::Failed(error.repeated()));
            }
            etag = found.etag;
        }
    }

    /// Tests whether a store other than AWS enforces conditions, unless the head records it or this run has seen
    /// it: on the claim of the release that is live or about to be, which nothing changes. Call it before any other write
    /// of a run; writes through this type, such as the head and claims, need no call.
    ///
    /// # Errors
    /// [`Code::UnfitStore`] if it does not.
    pub async fn prove(&self) -> Result<(), Problem> {
        self.prove_by(self.proof.release(), None).await
    }

    /// As [`State::prove`], if `release` is about to be live and the head may name none yet. `now` is used if there
    /// is no head that gives the time.
    pub async fn prove_for(&self, release: ReleaseNumber, now: Timestamp) -> Result<(), Problem> {
        self.prove_by(self.proof.release().or(Some(release)), Some(now)).await
    }

    async fn prove_by(&self, release: Option<ReleaseNumber>, now: Option<Timestamp>) -> Result<(), Problem> {
        if !self.proof.is_missing() {
            return Ok(());
        }
        let Some(release) = release else {
            return Err(Problem::new(Code::Usage, "nothing has been published here yet")
                .hint("Publish first; that also tests what the store does."));
        };
        let address = self.layout.claim(release);
        match self.bytes_at(&address, MAX_JSON_BYTES).await? {
            Some(bytes) => self.prove_on(&address, &bytes, now).await,
            None => {
                Err(Problem::new(Code::BadState, format!("{address} is missing, which is needed to test the store"))
                    .hint("Publish the folder: that tests the store with a new file."))
            }
        }
    }

    /// As [`State::prove`], on a claim with these `bytes`. `now` is used if no head gives the time.
    async fn prove_on(&self, address: &Address, bytes: &[u8], now: Option<Timestamp>) -> Result<(), Problem> {
        if self.proof.is_missing() {
            self.store.probe(address, bytes, &json_headers()).await?;
            self.proof.passed(now);
        }
        Ok(())
    }

    /// Whether this program may write anything, given the head in `pointer`: a newer program may have written something
    /// that would become false.
    pub fn may_write(&self, pointer: &Pointer) -> Result<(), Problem> {
        if !pointer.head.is_only_to_read() {
            return Ok(());
        }
        let error = FormatError::OnlyToShow { needed: pointer.head.needs.write };
        Err(Problem::new(Code::BadState, format!("this version of publish cannot write {}", self.layout.head()))
            .hint(UPDATE)
            .source(error))
    }

    /// Other runs replaced the head first. The caller starts over, the first time at once.
    fn lost_to(&self, found: Pointer) -> NotReplaced {
        let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
        if lost < MAX_LOST {
            return NotReplaced::Lost(Box::new(found));
        }
        let message = format!("other runs replaced {} {lost} times in a row before this one could", self.layout.head());
        NotReplaced::Failed(
            Problem::new(Code::Aws, message).hint("Find out what else writes to it, then run the same command again."),
        )
    }

    /// Lists all claims and manifests: one request for each thousand objects.
    pub async fn releases(&self) -> Result<Releases, Problem> {
        let mut releases = Releases::default();
        for listed in self.store.list(&self.layout.releases()).await.map_err(Problem::from)? {
            if let Some((release, object)) = self.layout.release_of(&listed.address.key) {
                let complete = releases.complete.entry(release).or_default();
                *complete |= object == ReleaseObject::Manifest;
                // The claim is listed before the manifest.
                releases.written.insert(release, listed.last_modified);
                releases.etags.insert(listed.address, listed.etag);
            }
        }
        Ok(releases)
    }

    /// Writes `claim` under the first unused number from its own on, and returns it. This is the first write
    /// of its run.
    pub async fn claim(&self, claim: Claim) -> Result<Claim, Problem> {
        let (claim, bytes) = self.claim_a_number(claim).await?;
        self.prove_on(&self.layout.claim(claim.release), &bytes, Some(claim.since)).await?;
        Ok(claim)
    }

    async fn claim_a_number(&self, mut claim: Claim) -> Result<(Claim, Vec<u8>), Problem> {
        let (mut gone, mut taken) = (Tries::new(MAX_VANISHED), 0);
        loop {
            let address = self.layout.claim(claim.release);
            let bytes = claim.encode().map_err(|error| unwritable(&address, error))?;
            match self.store.put_bytes(&address, bytes.clone(), &json_headers(), Condition::Absent).await {
                Ok(_) => return Ok((claim, bytes)),
                Err(error) if may_be_ours(&error) => match self.bytes_at(&address, MAX_JSON_BYTES).await? {
                    Some(found) if found == bytes => return Ok((claim, bytes)),
                    // Each of these numbers belongs to another run that claims at the same time.
                    Some(_) if taken < MAX_TAKEN => taken += 1,
                    // It existed when ours was refused, or was being written: its number may be used up.
                    None if is_refused(&error) && gone.again().await => {}
                    _ => return Err(error.repeated()),
                },
                Err(error) => return Err(error.into()),
            }
            claim.release = following(claim.release)?;
        }
    }

    /// Writes `claim` under its own number, or returns the existing one: an adoption continues an earlier one.
    /// No other claim is taken over. Two runs that adopt at once write the same objects, which follow from the one claim.
    pub async fn claim_or_find(&self, claim: Claim) -> Result<Claim, Problem> {
        let address = self.layout.claim(claim.release);
        let bytes = claim.encode().map_err(|error| unwritable(&address, error))?;
        let (release, now) = (claim.release, claim.since);
        let (claim, bytes) =
            match self.store.put_bytes(&address, bytes.clone(), &json_headers(), Condition::Absent).await {
                Ok(_) => (claim, bytes),
                Err(error) if may_be_ours(&error) => match self.bytes_at(&address, MAX_JSON_BYTES).await? {
                    Some(found) => (self.checked_claim(release, &found, Claim::decode)?, found),
                    None => return Err(error.repeated()),
                },
                Err(error) => return Err(error.into()),
            };
        self.prove_on(&address, &bytes, Some(now)).await?;
        Ok(claim)
    }

    /// Reads a claim that a run will act on; `None` if there is none.
    pub async fn read_claim(&self, release: ReleaseNumber) -> Result<Option<Claim>, Problem> {
        self.claim_by(release, Claim::decode).await
    }

    /// Reads a claim that is only shown; `None` if there is none.
    pub async fn show_claim(&self, release: ReleaseNumber) -> Result<Option<Claim>, Problem> {
        self.claim_by(release, Claim::decode_to_show).await
    }

    /// Reads another run's claim for its keys, whatever a newer minor version may have added.
    pub async fn claimed_by_another(&self, release: ReleaseNumber) -> Result<Claimed, Problem> {
        let is_newer = |problem: &Problem| {
            let format = problem.source.as_ref().and_then(|source| source.downcast_ref::<FormatError>());
            matches!(format, Some(FormatError::Unreadable { .. }))
        };
        match self.show_claim(release).await {
            Ok(None) => Ok(Claimed::Nothing),
            Ok(Some(claim)) => Ok(Claimed::These(Box::new(claim))),
            Err(problem) if is_newer(&problem) => Ok(Claimed::Unknown),
            Err(problem) => Err(problem),
        }
    }

    async fn claim_by(
        &self,
        release: ReleaseNumber,
        decode: fn(&[u8]) -> Result<Claim, FormatError>,
    ) -> Result<Option<Claim>, Problem> {
        let address = self.layout.claim(release);
        let Some(bytes) = self.bytes_at(&address, MAX_JSON_BYTES).await? else { return Ok(None) };
        self.checked_claim(release, &bytes, decode).map(Some)
    }

    fn checked_claim(
        &self,
        release: ReleaseNumber,
        bytes: &[u8],
        decode: fn(&[u8]) -> Result<Claim, FormatError>,
    ) -> Result<Claim, Problem> {
        let address = self.layout.claim(release);
        let claim = decode(bytes).map_err(|error| unreadable(&address, error))?;
        self.check_identity(&claim.identity, &address)?;
        self.check_paths(claim.live.iter(), &address)?;
        Ok(claim)
    }

    /// Writes a manifest, which completes its release. This run has claimed the number.
    pub async fn write_manifest(&self, manifest: &Manifest) -> Result<(), Problem> {
        let address = self.layout.manifest(manifest.release);
        let bytes = manifest.encode().map_err(|error| unwritable(&address, error))?;
        let mut headers = gzip_headers();
        headers.metadata.extend(manifest.publisher.committed_at.map(|at| (COMMITTED_AT.to_owned(), at.to_string())));
        match self.store.put_bytes(&address, bytes.clone(), &headers, Condition::Absent).await {
            Ok(_) => Ok(()),
            Err(error) if may_be_ours(&error) => match self.bytes_at(&address, MAX_MANIFEST_BYTES).await? {
                Some(found) if found == bytes => Ok(()),
                _ => Err(error.repeated()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The date of the commit that `release` was built from, if recorded.
    pub async fn committed_at(&self, release: ReleaseNumber) -> Result<Option<Timestamp>, Problem> {
        let found = self.store.head(&self.layout.manifest(release)).await.map_err(Problem::from)?;
        Ok(found.and_then(|info| info.headers.metadata.get(COMMITTED_AT)?.parse().ok()))
    }

    /// Reads a manifest that a run will act on; `None` if the release is not complete.
    pub async fn read_manifest(&self, release: ReleaseNumber) -> Result<Option<Manifest>, Problem> {
        self.manifest_by(release, Manifest::decode).await
    }

    /// Reads a manifest that is only shown; `None` if the release is not complete.
    pub async fn show_manifest(&self, release: ReleaseNumber) -> Result<Option<Manifest>, Problem> {
        self.manifest_by(release, Manifest::decode_to_show).await
    }

    async fn manifest_by(
        &self,
        release: ReleaseNumber,
        decode: fn(&[u8]) -> Result<Manifest, FormatError>,
    ) -> Result<Option<Manifest>, Problem> {
        let address = self.layout.manifest(release);
        let Some(bytes) = self.bytes_at(&address, MAX_MANIFEST_BYTES).await? else { return Ok(None) };
        let manifest = decode(&bytes).map_err(|error| unreadable(&address, error))?;
        self.check_identity(&manifest.identity, &address)?;
        self.check_paths(manifest.files.keys(), &address)?;
        if manifest.release != release {
            let message = format!("{address} contains release {}", manifest.release);
            return Err(Problem::new(Code::BadState, message).hint(DAMAGED));
        }
        Ok(Some(manifest))
    }

    /// The object at a key of the state; `None` if there is none.
    async fn bytes_at(&self, address: &Address, max_bytes: u64) -> Result<Option<Vec<u8>>, Problem> {
        let fetched = self.store.get(address, max_bytes).await.map_err(Problem::from)?;
        Ok(fetched.map(|fetched| fetched.bytes))
    }

    /// The content must not make this program write to its own state, or send keys that S3 refuses in the middle of a
    /// switch.
    fn check_paths<'a>(&self, mut paths: impl Iterator<Item = &'a SitePath>, address: &Address) -> Result<(), Problem> {
        match paths.find(|path| !self.layout.can_be_live(path)) {
            None => Ok(()),
            Some(path) => {
                let message = format!("{address} lists {path}, which cannot be a file of this site");
                Err(Problem::new(Code::BadState, message).hint(DAMAGED))
            }
        }
    }

    fn check_identity(&self, found: &Identity, address: &Address) -> Result<(), Problem> {
        let expected = self.layout.identity();
        if found == expected {
            return Ok(());
        }
        Err(Problem::new(Code::WrongSite, format!("{address} belongs to {found}, not to {expected}"))
            .hint("Check `site`, `bucket` and `prefix` in publish.toml; each site needs its own prefix or bucket."))
    }
}

const DAMAGED: &str = "Something else changed publish's own files, or they are damaged: see docs/bucket-layout.md.";

const UPDATE: &str = "A newer version of publish wrote it: update publish.";

/// How often an object may refuse a conditional write of one run and be gone when it is read: because of a prune. More
/// often than that, the storage refuses writes to free keys.
pub(crate) const MAX_VANISHED: u32 = 8;

/// The number after `release`. If there is none, something else wrote to the state: no site is published that often.
pub(crate) fn following(release: ReleaseNumber) -> Result<ReleaseNumber, Problem> {
    release.next().map_err(|error| {
        let message = format!("no number is left for another release after {release}");
        Problem::new(Code::BadState, message).hint(DAMAGED).source(error)
    })
}

/// Whether a conditional write was refused because of its condition.
fn is_refused(error: &StoreError) -> bool {
    matches!(error.class, Class::Precondition | Class::Conflict)
}

/// Whether an error of a conditional write may hide our own success whose answer was lost.
fn may_be_ours(error: &StoreError) -> bool {
    is_refused(error) || matches!(error.class, Class::Unavailable | Class::Throttled)
}

fn unreadable(address: &Address, error: FormatError) -> Problem {
    let hint = match &error {
        error if error.asks_for_update() => UPDATE,
        error if error.is_beyond_a_limit() => BEYOND_A_LIMIT,
        _ => DAMAGED,
    };
    Problem::new(Code::BadState, format!("{address} cannot be used")).hint(hint).source(error)
}

/// What to do if an object of the state has reached its limit (docs/bucket-layout.md).
const BEYOND_A_LIMIT: &str = "docs/bucket-layout.md lists the limits. Publish a larger site as several sites, each \
    with its own `prefix`. If activations were cut short again and again, finish one of their releases with `publish \
    activate N`. `publish prune` removes leftovers.";

/// Why an object of this program cannot be written: it would exceed a limit, or its own reader refuses it, which is a
/// bug in this program.
pub(crate) fn unwritable(address: &Address, error: FormatError) -> Problem {
    if error.is_beyond_a_limit() {
        let message = format!("{address} would exceed the limits of publish: {error}");
        return Problem::new(Code::TooLarge, message).hint(BEYOND_A_LIMIT);
    }
    Problem::new(Code::Internal, format!("{address} could not be written")).source(error)
}

/// State is never for visitors, and caches must never store it.
fn state_headers(content_type: &str) -> Headers {
    Headers {
        cache_control: "private, no-store".to_owned(),
        content_type: content_type.to_owned(),
        content_encoding: None,
        content_disposition: None,
        content_language: None,
        metadata: BTreeMap::new(),
    }
}

/// Blobs are never served: their headers are given to the copies.
pub(crate) fn blob_headers() -> Headers {
    state_headers("application/octet-stream")
}

fn json_headers() -> Headers {
    state_headers("application/json")
}

fn gzip_headers() -> Headers {
    state_headers("application/gzip")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_a_limit_is_no_mistake_of_this_program() {
        let address = Address { bucket: "b".to_owned(), key: "_publish/head.json".to_owned() };
        for error in [FormatError::TooLarge(64 << 20), FormatError::TooMany { what: "files", most: 400_000 }] {
            let limit = error.to_string();
            let problem = unwritable(&address, error);
            assert_eq!(problem.code, Code::TooLarge);
            assert!(problem.message.contains(&limit) && problem.hint.contains("limits"), "{problem}");
        }
        assert_eq!(unwritable(&address, FormatError::OutOfRange("two heads")).code, Code::Internal);
    }
}

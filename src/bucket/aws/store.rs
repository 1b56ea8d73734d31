//! Reads, describes, copies, lists and removes objects. Uploads are in upload.rs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::delete_objects::{DeleteObjectsError, DeleteObjectsOutput};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::builders::ObjectIdentifierBuilder;
use aws_sdk_s3::types::{ChecksumMode, Delete, EncodingType, ObjectIdentifier};
use percent_encoding::percent_decode_str;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use super::answer::{FailedRequest, Service, StoreError};
use super::attempts::Watch;
use super::connection;
use super::object::{ObjectInfo, info, moment, size};
use super::pace::Permit;
use super::patience::{AnswerWithin, patient};
use super::refusals::Class;
use super::roots::Bundle;
use super::term::{Bounded, Term};
use super::uplink::{Share, Uplink};
use crate::bucket::tries::{Tries, pause};
use crate::config::environment::{Encryption, LinkSettings};
use crate::release::cache_tags::CacheTag;
use crate::release::layout::{Address, SeenObject};
use crate::release::manifest::Identity;
use crate::types::clock::Timestamp;
use crate::types::digest::{Digest, Md5};

/// Most keys in one DeleteObjects (AWS.md 4.4).
pub const MAX_DELETED_AT_ONCE: usize = 1_000;

/// How often to retry after an answer that broke off, or for a key that S3 could not remove just now. The SDK's own
/// retries end when the answer begins.
const MAX_ROUNDS: u32 = 4;

/// How many pages of a listing in a row may contain nothing new: S3 may return a page without keys.
const MAX_BARREN_PAGES: u32 = 10;

/// Most objects of one listing, which is held in memory: some 300 bytes each.
pub(super) const MAX_LISTED: usize = 2_000_000;

/// The objects of an environment's buckets. Clones share one client and one limit of requests at once.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) client: Client,
    pub(super) settings: Arc<Settings>,
    watch: Watch,
    pub(super) uplink: Uplink,
    /// The time limit for answers about the state.
    lease: Option<(Term, Duration)>,
}

/// What every request has in common.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) site: Identity,
    pub(super) encryption: Encryption,
    pub(super) service: Service,
    /// See [`Store::to_be_proven`].
    pub(super) to_be_proven: Option<Digest>,
    pub(super) link: LinkSettings,
    /// The certificates to trust.
    pub(super) bundle: Bundle,
    /// [`MAX_LISTED`].
    pub(super) max_listed: usize,
}

/// The bytes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// All of them.
    pub bytes: Vec<u8>,
    /// The ETag for conditions on this object; opaque, with its quotes.
    pub etag: String,
    /// When it was written, by S3's clock.
    pub last_modified: Timestamp,
    /// When S3 answered, by its own clock.
    pub served_at: Timestamp,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The object.
    pub address: Address,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The ETag for conditions on this object; opaque, with its quotes.
    pub etag: String,
    /// When it was written, by S3's clock.
    pub last_modified: Timestamp,
}

/// What follows if S3 did not remove a key.
enum Refused<'a> {
    /// Nothing: the object does not exist.
    IsGone,
    /// Try once more, with this ETag.
    AskAgain(Option<&'a str>),
    /// It stays, and the caller gets the reason.
    Stays,
}

impl Store {
    pub(super) fn new(client: Client, settings: Arc<Settings>, watch: Watch, uplink: Uplink) -> Store {
        Store { client, settings, watch, uplink, lease: None }
    }

    /// The same objects over new connections: the existing ones may be dead without notice.
    pub fn afresh(&self) -> Store {
        let Settings { link, bundle, .. } = &*self.settings;
        let http = patient(&connection::client(bundle), *link, &self.uplink);
        let config = self.client.config().to_builder().http_client(http).build();
        Store { client: Client::from_conf(config), ..self.clone() }
    }

    /// The same objects; no request changes anything after `term` has ended.
    pub fn until(&self, term: &Term) -> Store {
        let config = self.client.config();
        let Some(inner) = config.http_client() else { return self.clone() };
        let http = Bounded { inner, term: term.clone() };
        Store { client: Client::from_conf(config.to_builder().http_client(http).build()), ..self.clone() }
    }

    /// The same objects, with the state read and written under a lease that lasts until `term` ends: the wait for an answer is
    /// two thirds of the remaining time, so that a lost answer leaves time for another attempt; but never less
    /// than `least`.
    pub fn in_time_for(&self, term: &Term, least: Duration) -> Store {
        Store { lease: Some((term.clone(), least)), ..self.clone() }
    }

    /// How long an answer about the state may take now.
    pub(super) fn state_answer(&self) -> AnswerWithin {
        let answer = self.settings.link.answer;
        let within = |(term, least): &(Term, Duration)| (term.deadline().remaining() * 2 / 3).max(*least);
        AnswerWithin(self.lease.as_ref().map_or(answer, |lease| answer.min(within(lease))))
    }

    /// The region in the signatures: the bucket's.
    pub fn region(&self) -> &str {
        &self.settings.service.region
    }

    /// Requests at once at the moment: fewer while S3 asks to slow down. Each call waits for its turn, so that callers need
    /// only keep [`MOST_AT_ONCE`] of them waiting.
    pub fn concurrency(&self) -> usize {
        self.watch.pace().limit()
    }

    /// How many attempts so far may have had their effect, or may still have it, although no answer confirms it:
    /// a refused retry does not prove that the first attempt had no effect.
    pub fn attempts_in_doubt(&self) -> usize {
        self.watch.in_doubt()
    }

    /// The object of the state at `address`, with all its bytes. Sent at once, whatever else is under way. `None` only
    /// if S3 answers `NoSuchKey`. Needs `s3:GetObject`, and `s3:ListBucket`, without which S3 answers 403 for a missing
    /// object (AWS.md 4.6).
    ///
    /// # Errors
    /// Also if it has more than `max_bytes`; a larger object is never held in memory.
    pub async fn get(&self, address: &Address, max_bytes: u64) -> Result<Option<Fetched>, StoreError> {
        let mut tries = Tries::new(MAX_ROUNDS);
        loop {
            let (date, store) = (ServedAt::default(), self.clone());
            let Some(answer) = self.ask(address, &date, move || Some(store.state_answer())).await? else {
                return Ok(None);
            };
            match self.read(address, answer, &date, max_bytes).await {
                Err(error) if error.class == Class::Unavailable && tries.again().await => {}
                read => return read.map(Some),
            }
        }
    }

    /// SHA-256 of the object at `address`, for one that was stored without: read in pieces, at any size. `None`
    /// as with [`Store::get`].
    pub async fn hash(&self, address: &Address) -> Result<Option<Digest>, StoreError> {
        let _permit = self.permit().await;
        let mut tries = Tries::new(MAX_ROUNDS);
        loop {
            let Some(answer) = self.ask(address, &ServedAt::default(), || None).await? else { return Ok(None) };
            match self.hash_body(address, answer.body).await {
                Err(error) if error.class == Class::Unavailable && tries.again().await => {}
                hashed => return hashed.map(Some),
            }
        }
    }

    async fn hash_body(&self, address: &Address, mut body: ByteStream) -> Result<Digest, StoreError> {
        let mut hash = Sha256::new();
        while let Some(chunk) = body.next().await {
            let broken = |error| FailedRequest::of_error(Class::Unavailable, &error);
            hash.update(
                &chunk.map_err(|error| StoreError::new("GetObject", address, &self.settings.service, broken(error)))?,
            );
        }
        Ok(Digest::from_bytes(hash.finalize().into()))
    }

    /// Requests an object; its body is still to come. `date` keeps the `Date` of the answer; `within` limits for each attempt
    /// how long its answer may take.
    async fn ask(
        &self,
        address: &Address,
        date: &ServedAt,
        within: impl Fn() -> Option<AnswerWithin> + Send + Sync + 'static,
    ) -> Result<Option<GetObjectOutput>, StoreError> {
        let request = self.client.get_object().bucket(&address.bucket).key(&address.key);
        let request = request.set_expected_bucket_owner(self.settings.service.owner.clone());
        let request = request.customize().interceptor(date.clone());
        let request = request.mutate_request(move |request| AnswerWithin::ask_of(request, within()));
        match request.send().await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => {
                let mut error = self.failed("GetObject", address, &error);
                if error.class == Class::Missing && error.code.as_deref() == Some("NoSuchKey") {
                    return Ok(None);
                }
                // Any other 404 is not about this object: something other than S3 answers.
                if error.class == Class::Missing {
                    error.class = Class::Other;
                }
                Err(error)
            }
        }
    }

    async fn read(
        &self,
        address: &Address,
        answer: GetObjectOutput,
        date: &ServedAt,
        max_bytes: u64,
    ) -> Result<Fetched, StoreError> {
        let failed = |answer: FailedRequest| StoreError::new("GetObject", address, &self.settings.service, answer);
        let other = |text: String| failed(FailedRequest::new(Class::Other, vec![text]));
        let served_at = date.get().ok_or_else(|| other("the response has no Date header".to_owned()))?;
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        let last_modified = moment(answer.last_modified());
        let mut body = answer.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| failed(FailedRequest::of_error(Class::Unavailable, &error)))?;
            if (bytes.len() + chunk.len()) as u64 > max_bytes {
                return Err(other(format!("it is larger than {max_bytes} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Fetched { bytes, etag, last_modified, served_at })
    }

    /// What S3 knows of the object at `address`; `None` if there is none. The answer to a HEAD has no error document: a missing
    /// bucket cannot be told from a missing object, nor a missing object from a forbidden one if `s3:ListBucket` is not
    /// allowed (AWS.md 4.6).
    pub async fn head(&self, address: &Address) -> Result<Option<ObjectInfo>, StoreError> {
        let _permit = self.permit().await;
        let request = self
            .client
            .head_object()
            .bucket(&address.bucket)
            .key(&address.key)
            .checksum_mode(ChecksumMode::Enabled)
            .set_expected_bucket_owner(self.settings.service.owner.clone());
        match request.send().await {
            Ok(answer) => {
                let tags = CacheTag::of_object(&self.settings.site, &address.bucket, &address.key);
                Ok(Some(info(answer, &tags)))
            }
            Err(error) => {
                let error = self.failed("HeadObject", address, &error);
                match error.class {
                    Class::Missing => Ok(None),
                    Class::Refused if error.status == Some(400) && error.code.is_none() => {
                        Err(self.why_not_described(address, error).await)
                    }
                    _ => Err(error),
                }
            }
        }
    }

    /// A refused HEAD has no document with the reason. A GET has one: for an expired token, or an object
    /// that cannot be read without its own encryption key. `refusal` may be due to a token that has been renewed since.
    async fn why_not_described(&self, address: &Address, refusal: StoreError) -> StoreError {
        let request = self.client.get_object().bucket(&address.bucket).key(&address.key).range("bytes=0-0");
        let request = request.set_expected_bucket_owner(self.settings.service.owner.clone());
        match request.send().await.map_err(|error| self.failed("HeadObject", address, &error)) {
            Err(explained) if explained.class != Class::Missing && explained.code.is_some() => explained,
            _ => StoreError { class: Class::ExpiredCredentials, ..refusal },
        }
    }

    /// Every object below `prefix`, in the order of their keys' bytes. One request for each 1,000.
    ///
    /// # Errors
    /// [`Class::TooMany`] beyond [`MAX_LISTED`].
    pub async fn list(&self, prefix: &Address) -> Result<Vec<Listed>, StoreError> {
        let _permit = self.permit().await;
        let mut listed: Vec<Listed> = Vec::new();
        let mut token = None;
        let mut barren = 0;
        loop {
            let request = self
                .client
                .list_objects_v2()
                .bucket(&prefix.bucket)
                .prefix(&prefix.key)
                .encoding_type(EncodingType::Url)
                .set_continuation_token(token.clone())
                .set_expected_bucket_owner(self.settings.service.owner.clone());
            let page = request.send().await.map_err(|error| self.failed("ListObjectsV2", prefix, &error))?;
            let last = listed.last().map(|last| last.address.key.clone());
            let before = listed.len();
            listed.extend(page.contents().iter().map(|object| Listed {
                address: Address { bucket: prefix.bucket.clone(), key: decoded(object.key().unwrap_or_default()) },
                size_bytes: size(object.size()),
                etag: object.e_tag().unwrap_or_default().to_owned(),
                last_modified: moment(object.last_modified()),
            }));
            if listed.len() > self.settings.max_listed {
                let answer = FailedRequest::new(Class::TooMany, Vec::new());
                return Err(StoreError::new("ListObjectsV2", prefix, &self.settings.service, answer));
            }
            let next = page.next_continuation_token().filter(|_| page.is_truncated() == Some(true)).map(str::to_owned);
            // Each page continues where the previous one ended.
            let is_new = |found: &Listed| last.as_ref().is_none_or(|last| found.address.key > *last);
            barren = if listed[before..].iter().any(is_new) { 0 } else { barren + 1 };
            match &next {
                None => return Ok(listed),
                Some(_) if next == token || barren >= MAX_BARREN_PAGES => {
                    let said = "its pages repeat and never end".to_owned();
                    let answer = FailedRequest::new(Class::Other, vec![said]);
                    return Err(StoreError::new("ListObjectsV2", prefix, &self.settings.service, answer));
                }
                Some(_) => token = next,
            }
        }
    }

    /// Removes objects, 1,000 a request; a missing one counts as removed. An object with a given ETag is removed only if it
    /// still has it, and otherwise stays as [`Class::Precondition`]: S3 enforces that (docs/decisions/0025). Returns what could
    /// not be removed, each with its reason, even if the credentials may not remove anything.
    ///
    /// # Errors
    /// If a request as a whole fails for any reason but a refusal: earlier ones may have had their effect.
    pub async fn delete(&self, objects: &[SeenObject]) -> Result<Vec<(Address, StoreError)>, StoreError> {
        let mut buckets: BTreeMap<&str, BTreeMap<&str, Option<&str>>> = BTreeMap::new();
        for SeenObject { address, etag } in objects {
            buckets.entry(&address.bucket).or_default().insert(&address.key, etag.as_deref());
        }
        let mut kept = Vec::new();
        for (bucket, keys) in buckets {
            let keys: Vec<(&str, Option<&str>)> = keys.into_iter().collect();
            for chunk in keys.chunks(MAX_DELETED_AT_ONCE) {
                self.delete_chunk(bucket, chunk, &mut kept).await?;
            }
        }
        Ok(kept)
    }

    async fn delete_chunk(
        &self,
        bucket: &str,
        keys: &[(&str, Option<&str>)],
        kept: &mut Vec<(Address, StoreError)>,
    ) -> Result<(), StoreError> {
        let at = |key: &str| Address { bucket: bucket.to_owned(), key: key.to_owned() };
        let mut etags: BTreeMap<&str, Option<&str>> = keys.iter().copied().collect();
        let mut round = 1;
        while let Some(first) = etags.keys().next() {
            let answer = match self.delete_once(bucket, &etags).await {
                Ok(answer) => answer,
                // A store that does not know the condition, as its refusal shows: an object is checked only before
                // its removal, as was done everywhere before S3 had the condition.
                Err(error) if etags.values().any(Option::is_some) && self.knows_no_condition(&error) => {
                    etags.values_mut().for_each(|etag| *etag = None);
                    continue;
                }
                Err(error) => {
                    let whole = self.failed("DeleteObjects", &at(first), &error);
                    // The removals of earlier rounds must be reported.
                    if !whole.is_refused_for_good() && round == 1 {
                        return Err(whole);
                    }
                    kept.extend(etags.keys().map(|key| (at(key), self.failed("DeleteObjects", &at(key), &error))));
                    return Ok(());
                }
            };
            let mut again = BTreeMap::new();
            for error in answer.errors() {
                let address = at(error.key().unwrap_or_default());
                let answer = FailedRequest::of_key(&self.settings.service, error.code(), error.message());
                let reason = StoreError::new("DeleteObjects", &address, &self.settings.service, answer);
                let asked = etags.get_key_value(address.key.as_str()).map(|(key, etag)| (*key, *etag));
                let follows = match self.after_a_refusal(&reason, asked).await {
                    Ok(follows) => follows,
                    // The other removals of this request must be reported.
                    Err(unseen) => {
                        kept.push((address, unseen));
                        continue;
                    }
                };
                match (follows, asked) {
                    (Refused::IsGone, _) => {}
                    (Refused::AskAgain(etag), Some((key, _))) if round < MAX_ROUNDS => drop(again.insert(key, etag)),
                    (Refused::AskAgain(_) | Refused::Stays, _) => kept.push((address, reason)),
                }
            }
            if !again.is_empty() {
                sleep(pause(round)).await;
            }
            etags = again;
            round += 1;
        }
        Ok(())
    }

    /// One request, for at most [`MAX_DELETED_AT_ONCE`] keys.
    async fn delete_once(
        &self,
        bucket: &str,
        etags: &BTreeMap<&str, Option<&str>>,
    ) -> Result<DeleteObjectsOutput, SdkError<DeleteObjectsError>> {
        let _permit = self.permit().await;
        let objects =
            etags.iter().map(|(key, etag)| ObjectIdentifier::builder().key(*key).set_e_tag(etag.map(str::to_owned)));
        let objects = objects.map(ObjectIdentifierBuilder::build).collect::<Result<Vec<_>, _>>();
        let delete = objects.and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build());
        let delete = delete.map_err(SdkError::construction_failure)?;
        let request = self.client.delete_objects().bucket(bucket).delete(delete);
        let request = request.set_expected_bucket_owner(self.settings.service.owner.clone());
        let md5_too = self.settings.service.endpoint.is_some();
        request.customize().mutate_request(move |request| with_md5(request, md5_too)).send().await
    }

    /// Whether a store other than AWS refused a request because of its condition.
    fn knows_no_condition(&self, error: &SdkError<DeleteObjectsError>) -> bool {
        let FailedRequest { class, code, .. } = FailedRequest::of(&self.settings.service, error);
        let is_unheard_of = class == Class::Unsupported || code.as_deref() == Some("MalformedXML");
        self.settings.service.endpoint.is_some() && is_unheard_of
    }

    /// What follows if one key of the request `asked` was refused. If the object was replaced or is gone, our own
    /// earlier attempt, whose answer was lost, may be the cause: settled by reading.
    async fn after_a_refusal<'a>(
        &self,
        reason: &StoreError,
        asked: Option<(&str, Option<&'a str>)>,
    ) -> Result<Refused<'a>, StoreError> {
        let etag = asked.and_then(|(_, etag)| etag);
        match (reason.class, etag) {
            (Class::Unavailable | Class::Throttled | Class::Conflict, _) => return Ok(Refused::AskAgain(etag)),
            (Class::Missing, _) => return Ok(Refused::IsGone),
            (Class::Precondition, Some(_)) => {}
            _ => return Ok(Refused::Stays),
        }
        Ok(match self.head(&reason.address).await? {
            None => Refused::IsGone,
            Some(found) if Some(found.etag.as_str()) != etag => Refused::Stays,
            // Stores other than AWS may return other ETags than they accept.
            Some(_) => Refused::AskAgain(etag.filter(|_| self.settings.service.endpoint.is_none())),
        })
    }

    /// The right to send one request. Requests for the state need none: they are few, one follows the other, and a lease
    /// must not wait until others are done.
    pub(super) async fn permit(&self) -> Permit {
        self.watch.pace().permit().await
    }

    /// The right to upload `bytes` in one request.
    pub(super) async fn upload_permit(&self, bytes: u64) -> (Share, Permit) {
        let share = self.uplink.share(bytes).await;
        (share, self.watch.pace().permit().await)
    }

    pub(super) fn failed<E>(&self, operation: &'static str, address: &Address, error: &SdkError<E>) -> StoreError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let answer = FailedRequest::of(&self.settings.service, error);
        StoreError::new(operation, address, &self.settings.service, answer)
    }
}

/// Adds a Content-MD5 to a request with its body in memory if it is `wanted`: before S3 accepted other checksums, DeleteObjects
/// had to have one, and stores of that age refuse a request without.
fn with_md5(request: &mut HttpRequest, wanted: bool) {
    let md5 = request.body().bytes().filter(|_| wanted).map(|body| Md5::of(body).to_base64());
    if let Some(md5) = md5 {
        request.headers_mut().insert("content-md5", md5);
    }
}

/// A key as listings with `encoding-type=url` encode it: as in a form, so a plus is a space.
fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Keeps the `Date` of an answer, which the SDK does not expose.
#[derive(Clone, Debug, Default)]
struct ServedAt(Arc<Mutex<Option<Timestamp>>>);

impl ServedAt {
    fn get(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for ServedAt {
    fn name(&self) -> &'static str {
        "ServedAt"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| moment(Some(&date)));
        Ok(())
    }
}

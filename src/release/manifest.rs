//! A release: the complete listing of a site, whose bytes are all in the bucket.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::content::path::SitePath;
use crate::types::clock::Timestamp;
use crate::types::digest::{Crc64, Digest, Md5};
use crate::types::headers::{Headers, Kind};

/// The version of everything stored in the bucket. Readers and writers refuse any other: a program that does not know
/// a field must not drop it by writing the object back (docs/bucket-layout.md).
pub const FORMAT: u32 = 1;

/// Largest head and claim that are read and written, in bytes. A head of this program stays far below: it holds paths of
/// leftovers, pending refreshes and mutable names, never the site's listing.
pub const MAX_JSON_BYTES: u64 = 64 << 20;

/// Largest manifest that is read and written, in bytes once decompressed: about a million files. What comes out of a
/// bucket may have been put there by anybody who can write to it.
const MAX_MANIFEST_BYTES: u64 = 256 << 20;

/// Most bytes that the files of a release have in all: exact in every JSON reader, and no sum of sizes overflows.
pub(crate) const MAX_SITE_BYTES: u64 = 1 << 53;

/// Most bytes of names and values of one set of headers: S3 takes no more (AWS.md 4.4).
const MAX_HEADERS_BYTES: usize = 8 << 10;

/// Longest id of a run, in bytes.
const MAX_RUN_ID_BYTES: usize = 64;

/// The number of a release. Numbers order publishers by when they began; 0 is the site as it was before this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct ReleaseNumber(u64);

/// Highest number that is read, and believed: far above any that publishing reaches, and exact in every JSON reader.
const MAX_RELEASE: u64 = 1 << 52;

/// A number no release can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the number of a release")]
pub struct InvalidRelease(String);

impl TryFrom<u64> for ReleaseNumber {
    type Error = InvalidRelease;
    fn try_from(number: u64) -> Result<ReleaseNumber, InvalidRelease> {
        if number <= MAX_RELEASE { Ok(ReleaseNumber(number)) } else { Err(InvalidRelease(number.to_string())) }
    }
}

impl From<ReleaseNumber> for u64 {
    fn from(ReleaseNumber(number): ReleaseNumber) -> u64 {
        number
    }
}

impl ReleaseNumber {
    /// The site as it was before this program: no run that publishes a folder claims it.
    pub const ADOPTED: ReleaseNumber = ReleaseNumber(0);

    /// The release with that number.
    pub fn new(number: u64) -> ReleaseNumber {
        ReleaseNumber(number)
    }

    /// The number after this one.
    ///
    /// # Errors
    /// After the highest one: no run would read what is written under that number.
    pub fn next(self) -> Result<ReleaseNumber, InvalidRelease> {
        self.0.saturating_add(1).try_into()
    }
}

impl fmt::Display for ReleaseNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for ReleaseNumber {
    type Err = InvalidRelease;
    fn from_str(text: &str) -> Result<ReleaseNumber, InvalidRelease> {
        let number = text.parse::<u64>().map_err(|_| InvalidRelease(text.to_owned()))?;
        number.try_into()
    }
}

/// Which site something belongs to. Head, manifests and claims all name it; a mismatch stops a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The site's name, from publish.toml.
    pub site: String,
    /// The live bucket.
    pub bucket: String,
    /// The live prefix, empty or with a final slash.
    pub prefix: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "site {:?} at s3://{}/{}", self.site, self.bucket, self.prefix)
    }
}

/// One run of this program, unlike any other. Read from the state: up to 64 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RunId(pub String);

/// A text that is no name of this program's making.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an id of letters, digits, `-` and `_`")]
pub struct InvalidId(String);

impl TryFrom<String> for RunId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<RunId, InvalidId> {
        checked_id(text, MAX_RUN_ID_BYTES).map(RunId)
    }
}

/// Ids become part of what CloudFront is asked with, and are shown to people.
pub(crate) fn checked_id(text: String, max_bytes: usize) -> Result<String, InvalidId> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= max_bytes && text.bytes().all(known) { Ok(text) } else { Err(InvalidId(text)) }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Most characters of a commit's message that are recorded.
pub const MAX_MESSAGE_CHARS: usize = 200;

/// Who published, from where and what, as far as the environment told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// The person or the pipeline's actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The machine's name, or the address of the pipeline's job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The commit that was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The first line of the commit's message, at most [`MAX_MESSAGE_CHARS`] characters of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Publisher {
    /// This one with what `stager` built: whoever makes a release live need not be who built it.
    #[must_use]
    pub fn of_build(&self, stager: &Publisher) -> Publisher {
        Publisher { who: self.who.clone(), place: self.place.clone(), ..stager.clone() }
    }
}

/// Where an entry's bytes are kept while they are live and untouched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Only at the live key. Before anything else is written there, they are copied to the blob store: when the live
    /// key has other bytes, the blob has these.
    Live,
    /// In the blob store.
    Blob,
}

/// One file of a release. Equality of digest, size and headers is "unchanged".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// Their number.
    pub size_bytes: u64,
    /// What the object is stored with.
    pub headers: Headers,
    /// Whether its name vouches for its bytes.
    pub kind: Kind,
    /// Where the bytes are.
    pub kept: Kept,
    /// CRC-64/NVME of the bytes, for files that go up in parts: such objects have no SHA-256 of the whole.
    pub crc64: Option<Crc64>,
    /// MD5 of the bytes, for files that go up in one part, so that a listing tells whether they are untouched. Releases
    /// of the first days, and objects that were found in the bucket, have none.
    pub md5: Option<Md5>,
}

impl Entry {
    /// Whether visitors cannot tell the two apart.
    pub fn looks_like(&self, other: &Entry) -> bool {
        self.same_bytes(other) && self.headers == other.headers
    }

    /// Whether the two have the same bytes.
    pub fn same_bytes(&self, other: &Entry) -> bool {
        self.digest == other.digest && self.size_bytes == other.size_bytes
    }
}

impl Publisher {
    /// Who it was, in a few words: `octocat on laptop`.
    pub fn name(&self) -> String {
        match (&self.who, &self.place) {
            (Some(who), Some(place)) => format!("{who} on {place}"),
            (Some(who), None) => who.clone(),
            (None, Some(place)) => format!("someone on {place}"),
            (None, None) => "someone".to_owned(),
        }
    }
}

/// All files of a release.
pub type Files = BTreeMap<SitePath, Entry>;

/// The digest of what visitors get: path, SHA-256, size and headers of every file. Two releases with the same content
/// digest cannot be told apart from outside.
pub fn content_digest(files: &Files) -> Digest {
    let mut hasher = Sha256::new();
    for (path, entry) in files {
        // Each part is preceded by its length, so that no two listings feed the same bytes.
        for part in [
            path.as_str(),
            &entry.digest.to_string(),
            &entry.size_bytes.to_string(),
            &entry.headers.cache_control,
            &entry.headers.content_type,
            entry.headers.content_encoding.as_deref().unwrap_or(""),
            entry.headers.content_disposition.as_deref().unwrap_or(""),
            entry.headers.content_language.as_deref().unwrap_or(""),
            &entry.headers.metadata.len().to_string(),
        ] {
            hash_part(&mut hasher, part);
        }
        for (name, value) in &entry.headers.metadata {
            hash_part(&mut hasher, name);
            hash_part(&mut hasher, value);
        }
    }
    Digest::from_bytes(hasher.finalize().into())
}

fn hash_part(hasher: &mut Sha256, part: &str) {
    hasher.update((part.len() as u64).to_be_bytes());
    hasher.update(part.as_bytes());
}

/// The listing of a release, written last, when every byte it names is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Whose release it is.
    pub identity: Identity,
    /// Its number.
    pub release: ReleaseNumber,
    /// The prune epoch it was staged in.
    pub epoch: u64,
    /// The run that staged it.
    pub run: RunId,
    /// When that run began.
    pub created_at: Timestamp,
    /// Who ran it.
    pub publisher: Publisher,
    /// What it consists of.
    pub files: Files,
}

/// Why an object of the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Written by a newer (or no) version of this program.
    #[error("it has format {found}, and this program reads format {FORMAT}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// Not what the format says.
    #[error("it is not in the format of this program: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Not gzip, or cut off.
    #[error("it cannot be decompressed")]
    Compression(#[from] std::io::Error),
    /// Larger than anything this program writes.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// Names a header set that is not there, or one path twice.
    #[error("its entry for {0} is inconsistent")]
    Inconsistent(SitePath),
    /// Says what no bucket holds and no run owes.
    #[error("it has {0}")]
    Unbelievable(&'static str),
    /// The digest that the object states is not that of its content.
    #[error("its content has the digest {actual}, and it states {stated}")]
    Digest {
        /// What it says.
        stated: Digest,
        /// What it is.
        actual: Digest,
    },
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// Refuses a head or a claim that is larger than any of this program.
pub(crate) fn check_size(json: &[u8]) -> Result<(), FormatError> {
    if json.len() as u64 > MAX_JSON_BYTES { Err(FormatError::TooLarge(MAX_JSON_BYTES)) } else { Ok(()) }
}

/// Refuses `json` unless its `format` is the one this program knows. Before anything else of it is believed.
pub(crate) fn check_format(json: &[u8]) -> Result<(), FormatError> {
    let Version { format } = serde_json::from_slice(json)?;
    if format == FORMAT { Ok(()) } else { Err(FormatError::Version { found: format }) }
}

/// The manifest as stored: header sets once, entries pointing at them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    identity: Identity,
    release: ReleaseNumber,
    epoch: u64,
    run: RunId,
    created_at: Timestamp,
    publisher: Publisher,
    content: Digest,
    headers: Vec<Headers>,
    files: Vec<StoredEntry>,
}

/// One entry as stored; also used for the leftovers of the head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEntry {
    path: SitePath,
    sha256: Digest,
    size_bytes: u64,
    headers: usize,
    kind: Kind,
    kept: Kept,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc64: Option<Crc64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    md5: Option<Md5>,
}

impl Manifest {
    /// The digest of what visitors get.
    pub fn content(&self) -> Digest {
        content_digest(&self.files)
    }

    /// The manifest as it is stored: JSON, compressed with gzip. What no reader would take is not written.
    pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
        let mut headers = Vec::new();
        let mut numbers = BTreeMap::new();
        let files = self
            .files
            .iter()
            .map(|(path, entry)| StoredEntry {
                path: path.clone(),
                sha256: entry.digest,
                size_bytes: entry.size_bytes,
                headers: *numbers.entry(&entry.headers).or_insert_with(|| {
                    headers.push(entry.headers.clone());
                    headers.len() - 1
                }),
                kind: entry.kind,
                kept: entry.kept,
                crc64: entry.crc64.clone(),
                md5: entry.md5,
            })
            .collect();
        let stored = Stored {
            format: FORMAT,
            identity: self.identity.clone(),
            release: self.release,
            epoch: self.epoch,
            run: self.run.clone(),
            created_at: self.created_at,
            publisher: self.publisher.clone(),
            content: self.content(),
            headers,
            files,
        };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&serde_json::to_vec(&stored)?)?;
        let bytes = encoder.finish()?;
        Manifest::decode(&bytes)?;
        Ok(bytes)
    }

    /// Reads a stored manifest, trusting nothing in it.
    pub fn decode(bytes: &[u8]) -> Result<Manifest, FormatError> {
        let json = decompressed(bytes)?;
        check_format(&json)?;
        let stored: Stored = serde_json::from_slice(&json)?;
        if stored.headers.iter().any(|headers| headers.size_bytes() > MAX_HEADERS_BYTES) {
            return Err(FormatError::Unbelievable("headers that are longer than S3 takes"));
        }
        let mut files = Files::new();
        let (mut held_bytes, mut site_bytes) = (0, 0_u64);
        for file in stored.files {
            let Some(headers) = stored.headers.get(file.headers) else {
                return Err(FormatError::Inconsistent(file.path));
            };
            // Each file holds its own: many files that point at one large set are a bomb too.
            held_bytes += headers.size_bytes() as u64;
            if held_bytes > MAX_MANIFEST_BYTES {
                return Err(FormatError::TooLarge(MAX_MANIFEST_BYTES));
            }
            site_bytes = site_bytes.saturating_add(file.size_bytes);
            let entry = Entry {
                digest: file.sha256,
                size_bytes: file.size_bytes,
                headers: headers.clone(),
                kind: file.kind,
                kept: file.kept,
                crc64: file.crc64,
                md5: file.md5,
            };
            if files.insert(file.path.clone(), entry).is_some() {
                return Err(FormatError::Inconsistent(file.path));
            }
        }
        if site_bytes > MAX_SITE_BYTES {
            return Err(FormatError::Unbelievable("files of more bytes than any bucket holds"));
        }
        let actual = content_digest(&files);
        if actual != stored.content {
            return Err(FormatError::Digest { stated: stored.content, actual });
        }
        Ok(Manifest {
            identity: stored.identity,
            release: stored.release,
            epoch: stored.epoch,
            run: stored.run,
            created_at: stored.created_at,
            publisher: stored.publisher,
            files,
        })
    }
}

/// What gzip has in it. It is measured before it is held: of a bomb, there is never more than a buffer.
fn decompressed(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
    let size = io::copy(&mut GzDecoder::new(bytes).take(MAX_MANIFEST_BYTES + 1), &mut io::sink())?;
    if size > MAX_MANIFEST_BYTES {
        return Err(FormatError::TooLarge(MAX_MANIFEST_BYTES));
    }
    let mut json = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    GzDecoder::new(bytes).read_to_end(&mut json)?;
    Ok(json)
}

/// "This run is staging that number": written before anything else of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// [`FORMAT`].
    pub format: u32,
    /// Whose release it will be.
    pub identity: Identity,
    /// The number claimed.
    pub release: ReleaseNumber,
    /// The run that claims it.
    pub run: RunId,
    /// The prune epoch in which the run began.
    pub epoch: u64,
    /// When it began.
    pub since: Timestamp,
    /// Who runs it.
    pub publisher: Publisher,
    /// The live paths it means to write before its manifest exists.
    pub live: Vec<SitePath>,
    /// The blobs it means to write.
    pub blobs: Vec<Digest>,
}

impl Claim {
    /// The claim as stored. What no reader would take is not written.
    pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
        let bytes = serde_json::to_vec(self)?;
        Claim::decode(&bytes)?;
        Ok(bytes)
    }

    /// Reads a stored claim, trusting nothing in it.
    pub fn decode(bytes: &[u8]) -> Result<Claim, FormatError> {
        check_size(bytes)?;
        check_format(bytes)?;
        Ok(serde_json::from_slice(bytes)?)
    }
}

//! A release: the complete listing of a site, whose bytes are all in the bucket.

pub(crate) mod stored;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::content::path::SitePath;
use crate::release::format::{Format, FormatError};
use crate::types::clock::Timestamp;
use crate::types::digest::{Crc64, Digest, Md5};
use crate::types::headers::{Headers, Kind};

/// Most files of a release. docs/performance.md has the memory and time that they take.
pub const MAX_FILES: usize = 400_000;

/// Largest manifest that is read and written, in bytes once decompressed. What comes out of a
/// bucket may have been put there by anyone who can write to it.
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

/// Highest number that is read: far above any that publishing reaches, and exact in every JSON reader.
const MAX_RELEASE: u64 = 1 << 52;

/// A number no release can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a release number")]
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
    /// Only the canonical notation: in a bucket, `08` and `+8` are other keys than `8`.
    fn from_str(text: &str) -> Result<ReleaseNumber, InvalidRelease> {
        let number = text.parse::<u64>().ok().filter(|number| number.to_string() == text);
        number.ok_or_else(|| InvalidRelease(text.to_owned()))?.try_into()
    }
}

/// Which site something belongs to. Head, manifests and claims all name it; a mismatch stops a run.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A text that is not an id of this program.
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
    /// Whether the working tree had changes that are in no commit, outside of the built folder.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncommitted_changes: bool,
    /// When the commit was made, by its committer. It is stored beside the manifest and in no record (decision 0023), so that
    /// reading a record does not give it.
    #[serde(skip)]
    pub committed_at: Option<Timestamp>,
}

impl Publisher {
    /// This one with what `stager` built: a release need not be made live by the one who built it.
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
    /// Whether it is fingerprinted: its name changes whenever its bytes do.
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
    /// The publisher in a few words: `octocat on laptop`.
    pub fn name(&self) -> String {
        match (&self.who, &self.place) {
            (Some(who), Some(place)) => format!("{who} on {place}"),
            (Some(who), None) => who.clone(),
            (None, Some(place)) => place.clone(),
            (None, None) => "someone".to_owned(),
        }
    }

    /// What was built: `c0ffee0123 main: Raise the prices`, or `c0ffee0123 main, with uncommitted changes: Raise the prices`;
    /// `None` where nothing is known of it.
    pub fn build(&self) -> Option<String> {
        const SHORT: usize = 10;
        let commit = self.commit.as_deref().map(|commit| commit.chars().take(SHORT).collect::<String>());
        let names: Vec<&str> = commit.as_deref().into_iter().chain(self.branch.as_deref()).collect();
        let uncommitted = if self.uncommitted_changes { UNCOMMITTED } else { "" };
        let names = names.join(" ") + uncommitted;
        let parts: Vec<String> =
            [names, self.message.clone().unwrap_or_default()].into_iter().filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join(": "))
    }
}

/// What follows a commit if the build had uncommitted changes.
pub const UNCOMMITTED: &str = ", with uncommitted changes";

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
    /// The site that the release belongs to.
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

impl Manifest {
    /// The digest of what visitors get.
    pub fn content(&self) -> Digest {
        content_digest(&self.files)
    }

    /// Whether its size allows storing it and reading it again. The size is counted without keeping the bytes.
    ///
    /// # Errors
    /// [`FormatError::TooMany`] and [`FormatError::TooLarge`].
    pub fn check_size(&self) -> Result<(), FormatError> {
        stored::check_size_of(self, stored::MOST)
    }

    /// The manifest as stored: JSON, compressed with gzip. What no reader would accept is not written.
    ///
    /// # Errors
    /// It contains something that no reader would accept.
    pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
        stored::encode_manifest(self)
    }

    /// Reads a stored manifest that a run is to act on, trusting nothing in it.
    ///
    /// # Errors
    /// It is not valid in its format, or a newer program wrote something that this one cannot honour.
    pub fn decode(bytes: &[u8]) -> Result<Manifest, FormatError> {
        stored::decode_manifest(bytes, Format::to_act_on, stored::MOST)
    }

    /// Reads a stored manifest that is only to be shown.
    ///
    /// # Errors
    /// It is not valid in its format, or a newer program wrote something that this one must not ignore.
    pub fn decode_to_show(bytes: &[u8]) -> Result<Manifest, FormatError> {
        stored::decode_manifest(bytes, Format::of, stored::MOST)
    }
}

/// "This run is staging that number": written before anything else of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The site that the release will belong to.
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
    /// The claim as stored. What no reader would accept is not written.
    ///
    /// # Errors
    /// It contains something that no reader would accept.
    pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
        stored::encode_claim(self)
    }

    /// Reads a stored claim that a run is to act on, trusting nothing in it.
    ///
    /// # Errors
    /// It is not valid in its format, or a newer program wrote something that this one cannot honour.
    pub fn decode(bytes: &[u8]) -> Result<Claim, FormatError> {
        stored::decode_claim(bytes, Format::to_act_on)
    }

    /// Reads a stored claim that is only to be shown.
    ///
    /// # Errors
    /// It is not valid in its format, or a newer program wrote something that this one must not ignore.
    pub fn decode_to_show(bytes: &[u8]) -> Result<Claim, FormatError> {
        stored::decode_claim(bytes, Format::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher(who: Option<&str>, place: Option<&str>) -> Publisher {
        Publisher { who: who.map(str::to_owned), place: place.map(str::to_owned), ..Publisher::default() }
    }

    #[test]
    fn a_publisher_is_named_by_what_is_known() {
        for (who, place, name) in [
            (Some("octocat"), Some("laptop"), "octocat on laptop"),
            (Some("octocat"), None, "octocat"),
            (None, Some("laptop"), "laptop"),
            (None, None, "someone"),
        ] {
            assert_eq!(publisher(who, place).name(), name);
        }
    }

    #[test]
    fn a_build_is_told_by_its_commit_its_branch_and_its_message() {
        let message = "Raise the prices";
        for (commit, branch, message, uncommitted_changes, expected) in [
            (Some("c0ffee0123456789"), Some("main"), Some(message), false, Some("c0ffee0123 main: Raise the prices")),
            (
                Some("c0ffee0123456789"),
                Some("main"),
                Some(message),
                true,
                Some("c0ffee0123 main, with uncommitted changes: Raise the prices"),
            ),
            (Some("c0ffee"), None, None, false, Some("c0ffee")),
            (None, Some("main"), None, false, Some("main")),
            (None, None, Some(message), false, Some(message)),
            (None, None, None, false, None),
        ] {
            let [commit, branch, message] = [commit, branch, message].map(|text| text.map(str::to_owned));
            let build = Publisher { commit, branch, message, uncommitted_changes, ..Publisher::default() }.build();
            assert_eq!(build.as_deref(), expected);
        }
    }

    /// The one who makes a release live, with the build of the one who staged it.
    #[test]
    fn who_makes_a_release_live_need_not_be_who_built_it() {
        let stager = Publisher {
            commit: Some("c0ffee".to_owned()),
            branch: Some("main".to_owned()),
            message: Some("Raise the prices".to_owned()),
            uncommitted_changes: true,
            committed_at: Some(Timestamp::from_unix_seconds(1)),
            ..publisher(Some("pipeline"), Some("runner"))
        };
        let activator = Publisher { commit: Some("beef".to_owned()), ..publisher(Some("octocat"), None) };
        let expected = Publisher { who: Some("octocat".to_owned()), place: None, ..stager.clone() };
        assert_eq!(activator.of_build(&stager), expected);
    }

    /// Ids become part of requests to CloudFront, and are shown in a terminal.
    #[test]
    fn an_id_has_letters_digits_hyphens_and_underscores_and_not_too_many() {
        let is_id = |text: &&str| checked_id((*text).to_owned(), 4).is_ok();
        assert!(["a", "Z9-_", "_", "-"].iter().all(is_id));
        assert!(!["", "12345", "a b", "a\n", "é", "a/b", "a.b"].iter().any(is_id));
    }
}

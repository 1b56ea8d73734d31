//! Manifests and claims as stored: one module for each format, and the way from bytes to what they say and back. They are
//! never written over, so unknown fields need not be kept: a run that acts on one refuses what needs a newer version.

pub(crate) mod v1;
pub(crate) mod v2;

use std::fmt;
use std::io::{self, BufReader, Read, Write};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use self::v2::ClaimFields;
use super::{
    Claim, Entry, Files, MAX_FILES, MAX_HEADERS_BYTES, MAX_MANIFEST_BYTES, MAX_SITE_BYTES, Manifest, content_digest,
};
use crate::release::format::{Addition, Document, Format, FormatError, Minors, check_size, needed};

/// What a manifest can say that format 1 cannot. A new field has its line here.
const IN_MANIFESTS: &[Addition<Manifest>] = &[
    // Readers that do not know what a build was made from may ignore it.
    Addition { needs: Minors { read: 0, write: 0 }, is_said: |manifest| manifest.publisher.uncommitted_changes },
];

/// What a claim can say that format 1 cannot. A new field has its line here.
const IN_CLAIMS: &[Addition<Claim>] =
    &[Addition { needs: Minors { read: 0, write: 0 }, is_said: |claim| claim.publisher.uncommitted_changes }];

/// A file takes at least this much in a listing: names of fields and the digest alone.
const LEAST_ENTRY_BYTES: u64 = 130;

/// The most that is taken of a manifest: its files, and its bytes once decompressed.
#[derive(Clone, Copy)]
pub(super) struct Most {
    files: usize,
    bytes: u64,
}

/// What every reader and writer takes.
pub(super) const MOST: Most = Most { files: MAX_FILES, bytes: MAX_MANIFEST_BYTES };

impl Most {
    fn check_files(self, files: usize) -> Result<(), FormatError> {
        if files > self.files { Err(FormatError::TooMany { what: "files", most: self.files }) } else { Ok(()) }
    }

    fn check_bytes(self, bytes: u64) -> Result<(), FormatError> {
        if bytes > self.bytes { Err(FormatError::TooLarge(self.bytes)) } else { Ok(()) }
    }
}

/// How the format of an object is determined, with what may be done with it.
pub(super) type Judge = fn(&[u8]) -> Result<Format, FormatError>;

/// JSON, compressed with gzip.
pub(super) fn encode_manifest(manifest: &Manifest) -> Result<Vec<u8>, FormatError> {
    check_size_of(manifest, MOST)?;
    let document = Document::of(v2::Listing::of(manifest), needed(manifest, IN_MANIFESTS));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(&document)?)?;
    let bytes = encoder.finish()?;
    Manifest::decode(&bytes)?;
    Ok(bytes)
}

/// Counts what a manifest has, and what it would have as JSON.
pub(super) fn check_size_of(manifest: &Manifest, most: Most) -> Result<(), FormatError> {
    struct Counter(u64);
    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    most.check_files(manifest.files.len())?;
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, &Document::of(v2::Listing::of(manifest), needed(manifest, IN_MANIFESTS)))?;
    most.check_bytes(counter.0)
}

/// Reads a stored manifest, trusting nothing in it.
pub(super) fn decode_manifest(bytes: &[u8], judge: Judge, most: Most) -> Result<Manifest, FormatError> {
    let json = decompressed(bytes, most)?;
    let listing: v2::Listing = match judge(&json)? {
        Format::First => serde_json::from_slice::<v1::Listing>(&json)?.into(),
        Format::Second(_) => serde_json::from_slice(&json)?,
    };
    if listing.headers.iter().any(|headers| headers.size_bytes() > MAX_HEADERS_BYTES) {
        return Err(FormatError::OutOfRange("headers that are longer than S3 takes"));
    }
    let mut files = Files::new();
    let (mut held_bytes, mut site_bytes) = (0, 0_u64);
    for file in listing.files {
        let Some(headers) = listing.headers.get(file.headers) else {
            return Err(FormatError::Inconsistent(file.path));
        };
        // Each file has its own copy: many files that refer to one large set are a decompression bomb too.
        held_bytes += headers.size_bytes() as u64;
        most.check_bytes(held_bytes)?;
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
        return Err(FormatError::OutOfRange("files of more bytes than any bucket holds"));
    }
    let actual = content_digest(&files);
    if actual != listing.content {
        return Err(FormatError::Digest { stated: listing.content, actual });
    }
    Ok(Manifest {
        identity: listing.identity,
        release: listing.release,
        epoch: listing.epoch,
        run: listing.run,
        created_at: listing.created_at,
        publisher: listing.publisher,
        files,
    })
}

/// Decompresses gzip. The size is measured before the bytes are kept: a decompression bomb never takes more than a buffer.
fn decompressed(bytes: &[u8], most: Most) -> Result<Vec<u8>, FormatError> {
    let size = io::copy(&mut GzDecoder::new(bytes).take(most.bytes.saturating_add(1)), &mut io::sink())?;
    most.check_bytes(size)?;
    refuse_many_files(bytes, size, most)?;
    let mut json = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    GzDecoder::new(bytes).read_to_end(&mut json)?;
    Ok(json)
}

/// Counts the files of a listing that is large enough to have too many: `bytes` is compressed, `size` what is in it.
fn refuse_many_files(bytes: &[u8], size: u64, most: Most) -> Result<(), FormatError> {
    if size / LEAST_ENTRY_BYTES <= most.files as u64 {
        return Ok(());
    }
    let counted: Counted = serde_json::from_reader(BufReader::new(GzDecoder::new(bytes)))?;
    most.check_files(counted.files.0)
}

/// How many files a listing has, without keeping them.
#[derive(Deserialize)]
struct Counted {
    files: Count,
}

struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
        struct Counting;
        impl<'de> Visitor<'de> for Counting {
            type Value = Count;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
                let mut count = 0;
                while items.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Count(count))
            }
        }
        deserializer.deserialize_seq(Counting)
    }
}

pub(super) fn encode_claim(claim: &Claim) -> Result<Vec<u8>, FormatError> {
    let bytes = serde_json::to_vec(&Document::of(v2::Body(claim), needed(claim, IN_CLAIMS)))?;
    Claim::decode(&bytes)?;
    Ok(bytes)
}

/// Reads a stored claim, trusting nothing in it.
pub(super) fn decode_claim(bytes: &[u8], judge: Judge) -> Result<Claim, FormatError> {
    check_size(bytes)?;
    if judge(bytes)? == Format::First {
        v1::check_claim(bytes)?;
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let claim = ClaimFields::deserialize(&mut json)?;
    json.end()?;
    Ok(claim)
}

#[cfg(test)]
mod tests;

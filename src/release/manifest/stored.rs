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

const TOO_MANY_FILES: FormatError = FormatError::TooMany { what: "files", most: MAX_FILES };

/// How the format of an object is found out, with what may be done about it.
pub(super) type Judge = fn(&[u8]) -> Result<Format, FormatError>;

/// JSON, compressed with gzip.
pub(super) fn encode_manifest(manifest: &Manifest) -> Result<Vec<u8>, FormatError> {
    check_size_of(manifest)?;
    let document = Document::of(v2::Listing::of(manifest), needed(manifest, IN_MANIFESTS));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(&document)?)?;
    let bytes = encoder.finish()?;
    Manifest::decode(&bytes)?;
    Ok(bytes)
}

/// Counts what a manifest has, and what it would have as JSON.
pub(super) fn check_size_of(manifest: &Manifest) -> Result<(), FormatError> {
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
    if manifest.files.len() > MAX_FILES {
        return Err(TOO_MANY_FILES);
    }
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, &Document::of(v2::Listing::of(manifest), needed(manifest, IN_MANIFESTS)))?;
    if counter.0 > MAX_MANIFEST_BYTES { Err(FormatError::TooLarge(MAX_MANIFEST_BYTES)) } else { Ok(()) }
}

/// Reads a stored manifest, trusting nothing in it.
pub(super) fn decode_manifest(bytes: &[u8], judge: Judge) -> Result<Manifest, FormatError> {
    let json = decompressed(bytes)?;
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

/// What gzip has in it. It is measured before it is held: of a bomb, there is never more than a buffer.
fn decompressed(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
    let size = io::copy(&mut GzDecoder::new(bytes).take(MAX_MANIFEST_BYTES + 1), &mut io::sink())?;
    if size > MAX_MANIFEST_BYTES {
        return Err(FormatError::TooLarge(MAX_MANIFEST_BYTES));
    }
    refuse_many_files(bytes, size, MAX_FILES)?;
    let mut json = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    GzDecoder::new(bytes).read_to_end(&mut json)?;
    Ok(json)
}

/// Counts the files of a listing that is large enough to have more than `most`: `bytes` is compressed, `size` what is in it.
fn refuse_many_files(bytes: &[u8], size: u64, most: usize) -> Result<(), FormatError> {
    if size <= most as u64 * LEAST_ENTRY_BYTES {
        return Ok(());
    }
    let counted: Counted = serde_json::from_reader(BufReader::new(GzDecoder::new(bytes)))?;
    if counted.files.0 > most { Err(TOO_MANY_FILES) } else { Ok(()) }
}

/// How many files a listing has, of which none is held.
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
mod tests {
    use super::*;

    fn compressed(files: usize) -> (Vec<u8>, u64) {
        let file =
            format!(r#"{{"path":"a","sha256":"{}","size_bytes":0,"kind":"mutable","kept":"blob"}}"#, "0".repeat(64));
        let json = format!(r#"{{"format":2,"files":[{}]}}"#, vec![file; files].join(","));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(json.as_bytes()).unwrap();
        (encoder.finish().unwrap(), json.len() as u64)
    }

    #[test]
    fn a_listing_of_too_many_files_is_refused_before_any_of_it_is_held() {
        let refused = |files: usize| {
            let (bytes, size) = compressed(files);
            refuse_many_files(&bytes, size, 3).err().map(|error| error.to_string())
        };
        assert_eq!((refused(1), refused(3)), (None, None));
        assert_eq!(refused(4).as_deref(), Some("it has more than 400000 files"));
    }

    /// What is read is what the least that an entry takes rests on.
    #[test]
    fn no_entry_is_shorter_than_the_least() {
        let (_, one) = compressed(1);
        let (_, two) = compressed(2);
        assert!(two - one > LEAST_ENTRY_BYTES);
    }
}

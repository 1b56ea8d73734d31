//! Manifests and claims as stored: one module for each format, and the way from bytes to what they say and back. They are
//! never written over, so that what is not known need not be kept: whoever acts on one refuses what needs more.

pub(crate) mod v1;
pub(crate) mod v2;

use std::io::{self, Read, Write};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use self::v2::ClaimFields;
use super::{Claim, Entry, Files, MAX_HEADERS_BYTES, MAX_MANIFEST_BYTES, MAX_SITE_BYTES, Manifest, content_digest};
use crate::release::format::{Addition, Document, Format, FormatError, Minors, check_size, needed};

/// What a manifest can say that format 1 cannot. A new field has its line here.
const IN_MANIFESTS: &[Addition<Manifest>] = &[
    // What a build was made from stays true of it, whoever passes it over.
    Addition { needs: Minors { read: 0, write: 0 }, is_said: |manifest| manifest.publisher.uncommitted_changes },
];

/// What a claim can say that format 1 cannot. A new field has its line here.
const IN_CLAIMS: &[Addition<Claim>] =
    &[Addition { needs: Minors { read: 0, write: 0 }, is_said: |claim| claim.publisher.uncommitted_changes }];

/// How the format of an object is found out, with what may be done about it.
pub(super) type Judge = fn(&[u8]) -> Result<Format, FormatError>;

/// JSON, compressed with gzip.
pub(super) fn encode_manifest(manifest: &Manifest) -> Result<Vec<u8>, FormatError> {
    let document = Document::of(v2::Listing::of(manifest), needed(manifest, IN_MANIFESTS));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(&document)?)?;
    let bytes = encoder.finish()?;
    Manifest::decode(&bytes)?;
    Ok(bytes)
}

/// Reads a stored manifest, trusting nothing in it.
pub(super) fn decode_manifest(bytes: &[u8], judge: Judge) -> Result<Manifest, FormatError> {
    let json = decompressed(bytes)?;
    let listing: v2::Listing = match judge(&json)? {
        Format::First => serde_json::from_slice::<v1::Listing>(&json)?.into(),
        Format::Second(_) => serde_json::from_slice(&json)?,
    };
    if listing.headers.iter().any(|headers| headers.size_bytes() > MAX_HEADERS_BYTES) {
        return Err(FormatError::Unbelievable("headers that are longer than S3 takes"));
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
        return Err(FormatError::Unbelievable("files of more bytes than any bucket holds"));
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
    let mut json = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    GzDecoder::new(bytes).read_to_end(&mut json)?;
    Ok(json)
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

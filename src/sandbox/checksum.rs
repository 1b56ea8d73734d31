//! S3's additional checksums: the algorithms, and how checksums are computed, combined and compared.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Checksum as _;
use s3s::dto;
use serde::{Deserialize, Serialize};

/// A checksum algorithm of S3 (AWS.md 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(super) const ALL: [Algorithm; 5] =
        [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

    /// As in `x-amz-checksum-algorithm`, such as `CRC64NVME`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32c => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Algorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// `x-amz-checksum-crc64nvme` and the like.
    pub(super) fn header(self) -> String {
        format!("x-amz-checksum-{}", self.name().to_ascii_lowercase())
    }

    /// Whether a multipart object can have a checksum of all its bytes (AWS.md 4.3).
    pub(super) fn combines(self) -> bool {
        matches!(self, Algorithm::Crc32 | Algorithm::Crc32c | Algorithm::Crc64Nvme)
    }

    /// A hasher for only this algorithm.
    pub(super) fn hasher(self) -> ChecksumHasher {
        let mut hasher = ChecksumHasher::default();
        match self {
            Algorithm::Crc32 => hasher.crc32 = Some(s3s::crypto::Crc32::new()),
            Algorithm::Crc32c => hasher.crc32c = Some(s3s::crypto::Crc32c::new()),
            Algorithm::Crc64Nvme => hasher.crc64nvme = Some(s3s::crypto::Crc64Nvme::new()),
            Algorithm::Sha1 => hasher.sha1 = Some(s3s::crypto::Sha1::new()),
            Algorithm::Sha256 => hasher.sha256 = Some(s3s::crypto::Sha256::new()),
        }
        hasher
    }
}

/// Whether a checksum is of all bytes, or of the checksums of the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ChecksumScope {
    FullObject,
    Composite,
}

impl ChecksumScope {
    pub(super) fn name(self) -> &'static str {
        match self {
            ChecksumScope::FullObject => "FULL_OBJECT",
            ChecksumScope::Composite => "COMPOSITE",
        }
    }
}

/// The one checksum an object or part has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    pub(super) kind: ChecksumScope,
    /// Base64; a composite one ends in `-<parts>`.
    pub(super) value: String,
}

impl Checksum {
    /// The form of the S3 API, with only this checksum's field set.
    pub(super) fn to_dto(&self) -> dto::Checksum {
        let mut all = dto::Checksum::default();
        *field(&mut all, self.algorithm) = Some(self.value.clone());
        all.checksum_type = Some(dto::ChecksumType::from(self.kind.name().to_owned()));
        all
    }

    /// The result of a hasher for one algorithm.
    pub(super) fn from_hasher(algorithm: Algorithm, hasher: ChecksumHasher) -> Checksum {
        let mut all = hasher.finalize();
        Checksum {
            algorithm,
            kind: ChecksumScope::FullObject,
            value: field(&mut all, algorithm).take().unwrap_or_default(),
        }
    }

    /// The checksum of a multipart object from those of its parts and their lengths in bytes.
    pub(super) fn of_parts(algorithm: Algorithm, kind: ChecksumScope, parts: &[(&Checksum, u64)]) -> Checksum {
        let value = match kind {
            ChecksumScope::Composite => {
                let mut hasher = algorithm.hasher();
                for (part, _) in parts {
                    hasher.update(&decode(&part.value));
                }
                let whole = Checksum::from_hasher(algorithm, hasher).value;
                format!("{whole}-{}", parts.len())
            }
            ChecksumScope::FullObject => combine(algorithm, parts),
        };
        Checksum { algorithm, kind, value }
    }
}

/// Combines the CRCs of adjacent parts without reading their bytes again.
fn combine(algorithm: Algorithm, parts: &[(&Checksum, u64)]) -> String {
    let (crc, width) = match algorithm {
        Algorithm::Crc32 => (CrcAlgorithm::Crc32IsoHdlc, 4),
        Algorithm::Crc32c => (CrcAlgorithm::Crc32Iscsi, 4),
        // SHA digests cannot be combined; uploads that would need it are refused when they are created.
        Algorithm::Crc64Nvme | Algorithm::Sha1 | Algorithm::Sha256 => (CrcAlgorithm::Crc64Nvme, 8),
    };
    let mut parts = parts.iter().map(|(part, bytes)| (number(&decode(&part.value)), *bytes));
    let first = parts.next().map_or(0, |(crc, _)| crc);
    let whole = parts.fold(first, |before, (after, bytes)| checksum_combine(crc, before, after, bytes));
    STANDARD.encode(&whole.to_be_bytes()[8 - width..])
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn decode(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap_or_default()
}

/// The field of the API's checksum set that belongs to an algorithm.
pub(super) fn field(all: &mut dto::Checksum, algorithm: Algorithm) -> &mut Option<String> {
    match algorithm {
        Algorithm::Crc32 => &mut all.checksum_crc32,
        Algorithm::Crc32c => &mut all.checksum_crc32c,
        Algorithm::Crc64Nvme => &mut all.checksum_crc64nvme,
        Algorithm::Sha1 => &mut all.checksum_sha1,
        Algorithm::Sha256 => &mut all.checksum_sha256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
        let mut hasher = algorithm.hasher();
        hasher.update(bytes);
        Checksum::from_hasher(algorithm, hasher)
    }

    #[test]
    fn combined_crcs_equal_those_of_all_bytes() {
        for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| algorithm.combines()) {
            let (first, second, third) = (of(algorithm, b"one "), of(algorithm, b"two and "), of(algorithm, b"three"));
            let parts = [(&first, 4), (&second, 8), (&third, 5)];
            let whole = Checksum::of_parts(algorithm, ChecksumScope::FullObject, &parts);
            assert_eq!(whole, of(algorithm, b"one two and three"), "{}", algorithm.name());
        }
    }
}

//! Digests of bytes, as this program compares them and as S3 wants them.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256. Its [`Display`](fmt::Display) is the full 64 hexadecimal digits; [`Digest::short`] is for people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256 in 64 lower-case hexadecimal digits")]
pub struct InvalidDigest(String);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// A digest that was computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// Reads the base64 of `x-amz-checksum-sha256`. `None` for anything but 32 bytes, so also for the composite
    /// checksum of a multipart object (`…-3`).
    pub fn from_base64(text: &str) -> Option<Digest> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        Some(Digest(bytes.try_into().ok()?))
    }

    /// The base64 that `x-amz-checksum-sha256` carries.
    pub fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    /// The first twelve digits, for people; never for a key.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Digest, InvalidDigest> {
        fn nibble(digit: u8) -> Option<u8> {
            match digit {
                b'0'..=b'9' => Some(digit - b'0'),
                b'a'..=b'f' => Some(digit - b'a' + 10),
                _ => None,
            }
        }
        let mut bytes = [0; 32];
        let parsed = text.len() == 64
            && text.as_bytes().chunks_exact(2).zip(&mut bytes).all(|(pair, byte)| {
                nibble(pair[0]).zip(nibble(pair[1])).map(|(high, low)| *byte = high << 4 | low).is_some()
            });
        if parsed { Ok(Digest(bytes)) } else { Err(InvalidDigest(text)) }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

/// A CRC-64/NVME, the one checksum S3 computes over a whole multipart object (AWS.md 4.3). Kept as the base64 of
/// `x-amz-checksum-crc64nvme`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Crc64(String);

impl Crc64 {
    /// From the checksum as a number.
    pub fn new(value: u64) -> Crc64 {
        Crc64(BASE64_STANDARD.encode(value.to_be_bytes()))
    }

    /// As S3 sent it.
    pub fn from_base64(text: &str) -> Crc64 {
        Crc64(text.to_owned())
    }

    /// As S3 wants it.
    pub fn as_base64(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The digest of the empty input, from FIPS 180-4's test vectors.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn text_forms_round_trip() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(Digest::try_from(EMPTY.to_owned()), Ok(digest));
        assert_eq!(Digest::from_base64(&digest.to_base64()), Some(digest));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "e3b0", &EMPTY.to_uppercase(), &format!("{EMPTY}0"), &"é".repeat(32)] {
            assert!(Digest::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert_eq!(Digest::from_base64("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=-3"), None);
    }

    #[test]
    fn crc64_is_big_endian() {
        assert_eq!(Crc64::new(1).as_base64(), "AAAAAAAAAAE=");
    }
}

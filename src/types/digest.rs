//! Digests of bytes, as this program compares them and as S3 wants them and shows them.

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
#[error("{0:?} is not a SHA-256 digest of 64 lower-case hexadecimal digits")]
pub struct InvalidDigest(String);

/// The bytes that hexadecimal digits stand for; `None` unless `text` is twice `N` of them, in lower case.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let is_lower_case = !text.bytes().any(|digit| digit.is_ascii_uppercase());
    (is_lower_case && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

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
        formatter.write_str(&hex::encode(self.0))
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
        from_hex(&text).map(Digest).ok_or(InvalidDigest(text))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

/// An MD5, good for one thing: a listing shows no checksum but the ETag, and that of an object which went up in one part
/// and is not encrypted with KMS is the MD5 of its bytes (AWS.md 4.3). 32 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Md5([u8; 16]);

/// A text that is not 32 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an MD5 digest of 32 lower-case hexadecimal digits")]
pub struct InvalidMd5(String);

impl Md5 {
    /// An MD5 that was computed elsewhere.
    pub fn from_bytes(bytes: [u8; 16]) -> Md5 {
        Md5(bytes)
    }

    /// The MD5 of `bytes`.
    pub fn of(bytes: &[u8]) -> Md5 {
        Md5(md5::Md5::digest(bytes).into())
    }

    /// The base64 that `Content-MD5` carries.
    pub fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    /// Whether `etag`, with its quotes, says that an object has the bytes of this MD5. Another ETag says nothing: the
    /// object may have gone up in parts or be encrypted with KMS.
    pub fn is_etag(&self, etag: &str) -> bool {
        from_hex(etag.trim_matches('"')) == Some(self.0)
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Md5({self})")
    }
}

impl TryFrom<String> for Md5 {
    type Error = InvalidMd5;
    fn try_from(text: String) -> Result<Md5, InvalidMd5> {
        from_hex(&text).map(Md5).ok_or(InvalidMd5(text))
    }
}

impl From<Md5> for String {
    fn from(md5: Md5) -> String {
        md5.to_string()
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
        assert_eq!(digest.short(), &EMPTY[..12]);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "e3b0", &EMPTY.to_uppercase(), &format!("{EMPTY}0"), &"é".repeat(32)] {
            assert!(Digest::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert_eq!(Digest::from_base64("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=-3"), None);
    }

    // The MD5 of "abc", from RFC 1321's test suite.
    const ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

    #[test]
    fn only_an_etag_of_the_same_bytes_counts() {
        let md5 = Md5::try_from(ABC.to_owned()).unwrap();
        assert_eq!((md5.to_string(), String::from(md5)), (ABC.to_owned(), ABC.to_owned()));
        assert!(md5.is_etag(&format!("\"{ABC}\"")));
        for other in ["", "\"\"", &format!("\"{ABC}-2\""), &format!("\"0{}\"", &ABC[1..])] {
            assert!(!md5.is_etag(other), "{other}");
        }
        assert!(Md5::try_from(ABC.to_uppercase()).is_err());
    }

    #[test]
    fn crc64_is_big_endian() {
        assert_eq!(Crc64::new(1).as_base64(), "AAAAAAAAAAE=");
    }
}

//! The digests of a file's bytes, and of the same bytes without a token, in one pass.

use std::collections::BTreeSet;
use std::hash::Hasher as _;

use aho_corasick::AhoCorasick;
use md4::Md4;
use seahash::SeaHasher;
use sha1::Sha1;
use sha2::{Digest as _, Sha384, Sha512};
use xxhash_rust::xxh3::Xxh3;
use xxhash_rust::xxh64::Xxh64;

use super::Algorithm;

/// What webpack and Rspack compute also without a file's own name.
const BY_WEBPACK: [Algorithm; 2] = [Algorithm::XxHash64, Algorithm::Md4];

/// What is computed piece by piece.
#[derive(Debug)]
pub(super) struct Digests {
    hashers: Vec<Hasher>,
    own_name: Option<OwnName>,
}

/// A digest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Computed {
    algorithm: Algorithm,
    pub(super) bytes: Vec<u8>,
    /// The token that was left out of the bytes.
    pub(super) without: Option<String>,
}

/// All that was computed.
#[derive(Debug)]
pub(super) struct AllComputed(Vec<Computed>);

impl AllComputed {
    /// The digests by `algorithm`.
    pub(super) fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &Computed> {
        self.0.iter().filter(move |computed| computed.algorithm == algorithm)
    }
}

impl Digests {
    /// Computes `algorithms`, as far as they need more than the SHA-256 and the MD5 that [`finish`](Digests::finish)
    /// is given; those of webpack also without `own_name`, wherever the bytes hold it.
    pub(super) fn new(algorithms: &BTreeSet<Algorithm>, own_name: Option<&str>, size_bytes: u64) -> Digests {
        let (by_webpack, others): (BTreeSet<Algorithm>, BTreeSet<Algorithm>) =
            algorithms.iter().partition(|algorithm| own_name.is_some() && BY_WEBPACK.contains(algorithm));
        let finder = own_name.and_then(|token| Some((token, finder(token)?)));
        let own_name = finder.map(|(token, finder)| OwnName::new(token, finder, Hasher::all(&by_webpack, size_bytes)));
        Digests { hashers: Hasher::all(&others, size_bytes), own_name }
    }

    pub(super) fn update(&mut self, piece: &[u8]) {
        self.hashers.iter_mut().for_each(|hasher| hasher.update(piece));
        if let Some(own_name) = &mut self.own_name {
            own_name.update(piece);
        }
    }

    pub(super) fn finish(self, sha256: &[u8; 32], md5: Option<&[u8; 16]>) -> AllComputed {
        let mut computed = vec![Computed { algorithm: Algorithm::Sha256, bytes: sha256.to_vec(), without: None }];
        if let Some(md5) = md5 {
            computed.push(Computed { algorithm: Algorithm::Md5, bytes: md5.to_vec(), without: None });
        }
        let plain = self.hashers.into_iter().flat_map(Hasher::finish);
        computed.extend(plain.map(|(algorithm, bytes)| Computed { algorithm, bytes, without: None }));
        computed.extend(self.own_name.map(OwnName::finish).unwrap_or_default());
        AllComputed(computed)
    }
}

/// Hashes a file, and the same as if it did not hold the token.
///
/// Nothing is hashed twice until the token is found: most files do not contain it.
#[derive(Debug)]
struct OwnName {
    token: String,
    finder: AhoCorasick,
    /// Of all bytes before `tail`.
    hashers: Vec<Hasher>,
    /// Of the same without the token, once that was met.
    without: Option<Vec<Hasher>>,
    /// The last bytes, no more than the token has: it may begin in them.
    tail: Vec<u8>,
}

impl OwnName {
    fn new(token: &str, finder: AhoCorasick, hashers: Vec<Hasher>) -> OwnName {
        OwnName { token: token.to_owned(), finder, hashers, without: None, tail: Vec::new() }
    }

    fn update(&mut self, piece: &[u8]) {
        let mut bytes = std::mem::take(&mut self.tail);
        bytes.extend_from_slice(piece);
        let mut from = 0;
        let spans: Vec<_> = self.finder.find_iter(&bytes).map(|found| found.range()).collect();
        for span in spans {
            self.hash(&bytes[from..span.start]);
            self.without.get_or_insert_with(|| self.hashers.clone());
            from = span.end;
            self.hashers.iter_mut().for_each(|hasher| hasher.update(&bytes[span.clone()]));
        }
        let tail_from = bytes.len().saturating_sub(self.token.len()).max(from);
        self.hash(&bytes[from..tail_from]);
        self.tail = bytes.split_off(tail_from);
    }

    fn hash(&mut self, bytes: &[u8]) {
        self.hashers.iter_mut().chain(self.without.iter_mut().flatten()).for_each(|hasher| hasher.update(bytes));
    }

    fn finish(mut self) -> Vec<Computed> {
        let tail = std::mem::take(&mut self.tail);
        self.hash(&tail);
        let plain = self.hashers.into_iter().flat_map(Hasher::finish);
        let plain = plain.map(|(algorithm, bytes)| Computed { algorithm, bytes, without: None });
        let without = self.without.into_iter().flatten().flat_map(Hasher::finish);
        let token = self.token;
        let without = without.map(|(algorithm, bytes)| Computed { algorithm, bytes, without: Some(token.clone()) });
        plain.chain(without).collect()
    }
}

/// An automaton cannot grow too large for a token of the length of a name, which is all that could go wrong.
fn finder(token: &str) -> Option<AhoCorasick> {
    AhoCorasick::new([token]).ok()
}

/// A running algorithm; xxHash3 gives all its lengths at once.
#[derive(Clone)]
enum Hasher {
    Md4(Md4),
    Sha1(Sha1),
    Sha384(Sha384),
    Sha512(Sha512),
    SeaHash(SeaHasher),
    XxHash64(Algorithm, Xxh64),
    XxHash3(Box<Xxh3>),
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Hasher")
    }
}

impl Hasher {
    fn all(algorithms: &BTreeSet<Algorithm>, size_bytes: u64) -> Vec<Hasher> {
        let wants = |algorithm| algorithms.contains(&algorithm);
        let xxhash3 = wants(Algorithm::XxHash3Of64) || wants(Algorithm::XxHash3Of128);
        [
            wants(Algorithm::Md4).then(|| Hasher::Md4(Md4::new())),
            wants(Algorithm::Sha1).then(|| Hasher::Sha1(Sha1::new())),
            wants(Algorithm::Sha384).then(|| Hasher::Sha384(Sha384::new())),
            wants(Algorithm::Sha512).then(|| Hasher::Sha512(Sha512::new())),
            wants(Algorithm::SeaHash).then(|| Hasher::SeaHash(SeaHasher::new())),
            wants(Algorithm::XxHash64).then(|| Hasher::XxHash64(Algorithm::XxHash64, Xxh64::new(0))),
            wants(Algorithm::XxHash64OfLengthAndBytes).then(|| Hasher::of_length_and_bytes(size_bytes)),
            xxhash3.then(|| Hasher::XxHash3(Box::new(Xxh3::new()))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn of_length_and_bytes(size_bytes: u64) -> Hasher {
        let mut hasher = Xxh64::new(0);
        hasher.update(&size_bytes.to_le_bytes());
        Hasher::XxHash64(Algorithm::XxHash64OfLengthAndBytes, hasher)
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Md4(hasher) => hasher.update(bytes),
            Hasher::Sha1(hasher) => hasher.update(bytes),
            Hasher::Sha384(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
            Hasher::SeaHash(hasher) => hasher.write(bytes),
            Hasher::XxHash64(_, hasher) => hasher.update(bytes),
            Hasher::XxHash3(hasher) => hasher.update(bytes),
        }
    }

    /// The digests, the highest byte of a number first.
    fn finish(self) -> Vec<(Algorithm, Vec<u8>)> {
        match self {
            Hasher::Md4(hasher) => vec![(Algorithm::Md4, hasher.finalize().to_vec())],
            Hasher::Sha1(hasher) => vec![(Algorithm::Sha1, hasher.finalize().to_vec())],
            Hasher::Sha384(hasher) => vec![(Algorithm::Sha384, hasher.finalize().to_vec())],
            Hasher::Sha512(hasher) => vec![(Algorithm::Sha512, hasher.finalize().to_vec())],
            Hasher::SeaHash(hasher) => vec![(Algorithm::SeaHash, hasher.finish().to_be_bytes().to_vec())],
            Hasher::XxHash64(algorithm, hasher) => vec![(algorithm, hasher.digest().to_be_bytes().to_vec())],
            Hasher::XxHash3(hasher) => vec![
                (Algorithm::XxHash3Of64, hasher.digest().to_be_bytes().to_vec()),
                (Algorithm::XxHash3Of128, hasher.digest128().to_be_bytes().to_vec()),
            ],
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use md5::Md5;
    use proptest::prelude::*;
    use sha2::Sha256;

    const ALL: [Algorithm; 11] = [
        Algorithm::Md4,
        Algorithm::Md5,
        Algorithm::Sha1,
        Algorithm::Sha256,
        Algorithm::Sha384,
        Algorithm::Sha512,
        Algorithm::SeaHash,
        Algorithm::XxHash64,
        Algorithm::XxHash64OfLengthAndBytes,
        Algorithm::XxHash3Of64,
        Algorithm::XxHash3Of128,
    ];

    fn in_pieces(bytes: &[u8], size: usize, own_name: Option<&str>) -> Vec<Computed> {
        let mut digests = Digests::new(&ALL.into_iter().collect(), own_name, bytes.len() as u64);
        bytes.chunks(size).for_each(|piece| digests.update(piece));
        digests.finish(&Sha256::digest(bytes).into(), Some(&Md5::digest(bytes).into())).0
    }

    pub(in crate::proof) fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Vec<u8> {
        let computed = in_pieces(bytes, 1 << 20, None);
        computed.into_iter().find(|computed| computed.algorithm == algorithm).unwrap().bytes
    }

    fn hex(algorithm: Algorithm, bytes: &[u8]) -> String {
        hex::encode(digest_of(algorithm, bytes))
    }

    #[test]
    fn digests_are_those_of_the_specifications() {
        // RFC 1320, RFC 1321 and FIPS 180-4's examples for "abc"; the XXH64 and XXH3 of nothing from the xxHash
        // specification's reference implementation; SeaHash's from its documentation.
        for (algorithm, start) in [
            (Algorithm::Md4, "a448017aaf21d8525fc10ae87aa6729d"),
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Algorithm::Sha384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"),
            (Algorithm::Sha512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"),
        ] {
            assert!(hex(algorithm, b"abc").starts_with(start), "{algorithm:?}");
        }
        assert_eq!(hex(Algorithm::XxHash64, b""), "ef46db3751d8e999");
        assert_eq!(
            hex(Algorithm::XxHash64OfLengthAndBytes, b"abc"),
            hex(Algorithm::XxHash64, b"\x03\0\0\0\0\0\0\0abc")
        );
        assert_eq!(hex(Algorithm::XxHash3Of64, b""), "2d06800538d394c2");
        assert_eq!(hex(Algorithm::XxHash3Of128, b""), "99aa06d3014798d86001c324468d497f");
        assert_eq!(hex(Algorithm::SeaHash, b"to be or not to be"), format!("{:016x}", 1988685042348123509_u64));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            bytes in proptest::collection::vec(prop::sample::select(&b"abc123xy"[..]), 0..600),
            size in 1..100_usize,
            token in "[abc123xy]{1,4}",
        ) {
            prop_assert_eq!(in_pieces(&bytes, size, Some(&token)), in_pieces(&bytes, 1 << 20, Some(&token)));
        }

        #[test]
        fn a_token_is_left_out_wherever_it_stands(
            bytes in "[abc]{0,200}",
            token in "[abc]{2,5}",
            size in 1..50_usize,
        ) {
            let computed = in_pieces(bytes.as_bytes(), size, Some(&token));
            let without = computed.into_iter().find(|computed| computed.without.is_some() && computed.algorithm == Algorithm::Md4);
            let expected = bytes.contains(&token).then(|| digest_of(Algorithm::Md4, bytes.replace(&token, "").as_bytes()));
            prop_assert_eq!(without.map(|computed| computed.bytes), expected);
        }
    }
}

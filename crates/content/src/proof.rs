//! Whether a name is proven by the bytes it names: some token of the path is a digest of the file's own bytes.
//!
//! It is the strongest evidence in a name, because it needs no trust in folders, tools or shapes: with other bytes the
//! same name would not be proven. Computed in the pass that hashes the site anyway, and only for files whose path has a
//! token that one of the [`schemes`] could have written.
//!
//! # How unlikely a chance hit is
//! A proof that needs no other has a token of 32 bits or more: 8 hexadecimal digits, and no fewer characters of larger
//! alphabets. Such a token of 8 digits is compared with at most 21 ways to write a digest, and of a path at most two tokens
//! so short are looked at: 42 comparisons, each of which hits by chance once in 2^32. In a site of 100,000 files that all
//! carry two such tokens of another meaning, the chance that a single one is called proven is 100,000 x 42 / 2^32 = 0.001.
//! A test computes it from the table. Of digits alone, those that read as a date are never a token.
//!
//! 7 hexadecimal digits, as Nuxt 2 and the older Vue CLI write, count where two files with different ones are proven by the
//! same scheme ([`schemes_in_use`]). One of a path is looked at, in at most 4 schemes, two of which have two chances. In a
//! site of 100,000 such files, the chance that any two hit by the same scheme is 10 x 100,000^2 / 2 / 2^56 = 0.0000007.

mod digests;
mod schemes;
mod tokens;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::path::SitePath;

use self::digests::Digests;
use self::schemes::{SCHEMES, Scheme};

/// The proof that a token of a path is a digest of the file's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Proof {
    /// The part of the path, as it stands there.
    pub token: String,
    /// What computes the digest.
    pub algorithm: Algorithm,
    /// How it is written.
    pub encoding: Encoding,
    /// How much of it is written.
    pub part: Portion,
    /// Which bytes the digest leaves out.
    #[serde(default, skip_serializing_if = "LeftOut::is_nothing")]
    pub left_out: LeftOut,
}

/// Which of a file's bytes a digest leaves out: only those that follow from the name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// The digest is that of all bytes.
    #[default]
    Nothing,
    /// The token, wherever the bytes contain it, as webpack and Rspack do for files that name themselves.
    Token,
    /// The comment at the end that names the file's own source map, as Farm does.
    MapComment,
}

/// How a digest became a name: algorithm, encoding, part and number of characters.
pub type SchemeKey = (Algorithm, Encoding, Portion, usize);

/// A digest algorithm from which build tools make names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// RFC 1320; webpack's until version 5.
    Md4,
    /// RFC 1321.
    Md5,
    /// FIPS 180-4.
    Sha1,
    /// FIPS 180-4.
    Sha256,
    /// FIPS 180-4.
    Sha384,
    /// FIPS 180-4.
    Sha512,
    /// SeaHash with its default seed; Trunk's.
    SeaHash,
    /// xxHash64 with seed 0; esbuild's, webpack's and Rspack's.
    #[serde(rename = "xxhash64")]
    XxHash64,
    /// xxHash64 with seed 0 of the number of bytes (64 bits, the lowest byte first) and then of the bytes; Bun's.
    #[serde(rename = "xxhash64_of_length_and_bytes")]
    XxHash64OfLengthAndBytes,
    /// xxHash3 of 64 bits with seed 0; Parcel's and Turbopack's.
    #[serde(rename = "xxhash3_64")]
    XxHash3Of64,
    /// xxHash3 of 128 bits with seed 0; Rollup's, Rolldown's and so Vite's.
    #[serde(rename = "xxhash3_128")]
    XxHash3Of128,
}

/// The characters a digest is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal digits, all in lower or all in upper case.
    Hex,
    /// RFC 4648 section 6, all in upper or all in lower case.
    Base32,
    /// Digits and lower-case letters without `i`, `l`, `o` and `u` (Crockford's base32).
    Base32Crockford,
    /// Digits and lower-case letters.
    Base36,
    /// Digits, lower-case letters, `_` and `-`.
    Base38,
    /// Digits, lower-case letters, `_`, `-`, `~` and `.`.
    Base40,
    /// Digits and letters without `0`, `O`, `I` and `l`.
    Base58,
    /// Digits, lower-case and upper-case letters.
    Base62,
    /// RFC 4648 section 5, without padding.
    Base64Url,
    /// RFC 4648 section 4 with `+`, `/` and `=` dropped.
    Base64Alphanumeric,
}

/// How much of a digest a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Portion {
    /// All of it.
    Whole,
    /// Its first characters.
    Start,
    /// Its last characters.
    End,
}

/// Computes, along with the pass over a file's bytes, what the tokens of its path could be.
#[derive(Debug)]
pub struct Prover {
    candidates: Vec<Candidate>,
    digests: Digests,
}

/// A token, and a scheme that could have written it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    token: String,
    scheme: &'static Scheme,
}

impl Prover {
    /// `None` where no token of the path is a candidate: then there is nothing to compute. Of a file that turns out to have
    /// another size, the proof is not used.
    pub fn for_path(path: &SitePath, size_bytes: u64) -> Option<Prover> {
        let candidates = candidates(path);
        if candidates.is_empty() {
            return None;
        }
        let algorithms = candidates.iter().map(|candidate| candidate.scheme.algorithm).collect();
        let own_name = names_itself(path)
            .then(|| candidates.iter().find(|candidate| candidate.scheme.leaves_own_name_out()))
            .flatten()
            .map(|candidate| candidate.token.as_str());
        let digests = Digests::new(&algorithms, own_name, size_bytes);
        Some(Prover { candidates, digests })
    }

    /// Whether [`finish`](Prover::finish) can make use of an MD5.
    pub fn wants_md5(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.scheme.algorithm == Algorithm::Md5)
    }

    /// Takes the next piece of the file.
    pub fn update(&mut self, piece: &[u8]) {
        self.digests.update(piece);
    }

    /// What was proven, with the digests that the pass computes for other reasons.
    pub fn finish(self, sha256: &[u8; 32], md5: Option<&[u8; 16]>) -> Option<Proof> {
        let Prover { candidates, digests } = self;
        let digests = digests.finish(sha256, md5);
        candidates.into_iter().find_map(|Candidate { token, scheme }| {
            let (part, left_out) = digests.of(scheme.algorithm).find_map(|computed| {
                let without_token = computed.without.as_ref();
                if without_token.is_some_and(|without| *without != token || !scheme.leaves_own_name_out()) {
                    return None;
                }
                let left_out = if without_token.is_some() { LeftOut::Token } else { LeftOut::Nothing };
                Some((scheme.wrote(&token, &computed.bytes)?, left_out))
            })?;
            let Scheme { algorithm, encoding, .. } = *scheme;
            Some(Proof { token, algorithm, encoding, part, left_out })
        })
    }
}

/// Proves a script or style sheet by what comes before a comment at its end that names its own source map. Farm takes its
/// digest (SHA-256) before it adds that (seen in what Farm 1.7 writes); no other tool is known to, so that no other digest
/// is tried. The comment must name the map after the file: then the bytes follow from the name
/// and what was hashed.
pub fn without_map_comment(path: &SitePath, bytes: &[u8]) -> Option<Proof> {
    let rest = before_map_comment(path, bytes)?;
    let mut candidates = candidates(path);
    candidates.retain(|candidate| candidate.scheme.is_farms() && candidate.token.len() >= tokens::ENOUGH);
    // No digest where there is no token to compare it with.
    candidates.first()?;
    let digest = Sha256::digest(rest);
    candidates.into_iter().find_map(|Candidate { token, scheme }| {
        let part = scheme.wrote(&token, &digest)?;
        let Scheme { algorithm, encoding, .. } = *scheme;
        Some(Proof { token, algorithm, encoding, part, left_out: LeftOut::MapComment })
    })
}

/// What comes before the line of the comment.
fn before_map_comment<'b>(path: &SitePath, bytes: &'b [u8]) -> Option<&'b [u8]> {
    let name = path.file_name();
    let comment = match path.extension()?.as_str() {
        "js" | "mjs" | "cjs" => format!("\n//# sourceMappingURL={name}.map"),
        "css" => format!("\n/*# sourceMappingURL={name}.map */"),
        _ => return None,
    };
    bytes.strip_suffix(comment.as_bytes())
}

/// The schemes by which a site's names are certainly written: those of a proof that needs no other, and those of two short
/// ones with different tokens. Two names for the same bytes are only one hit.
pub fn schemes_in_use<'p>(proofs: impl Iterator<Item = &'p Proof>) -> BTreeSet<SchemeKey> {
    let mut in_use = BTreeSet::new();
    let mut short: BTreeMap<SchemeKey, &str> = BTreeMap::new();
    for proof in proofs {
        let is_second = proof.is_short() && *short.entry(proof.scheme()).or_insert(proof.token.as_str()) != proof.token;
        if is_second || proof.is_unlikely_by_chance() {
            in_use.insert(proof.scheme());
        }
    }
    in_use
}

/// The tokens of `path` with the schemes that could have written them, longest token first.
fn candidates(path: &SitePath) -> Vec<Candidate> {
    tokens::of(path)
        .into_iter()
        .flat_map(|token| {
            let admitting = SCHEMES.iter().filter(move |scheme| scheme.admits(token));
            admitting.map(move |scheme| Candidate { token: token.to_owned(), scheme })
        })
        .collect()
}

/// Whether the file is of a kind that may hold its own name: a script or style sheet, which names its source map.
fn names_itself(path: &SitePath) -> bool {
    matches!(path.extension().as_deref(), Some("js" | "mjs" | "cjs" | "css"))
}

impl Proof {
    /// What computed the digest and wrote it, and how many characters: tools treat all files alike.
    pub fn scheme(&self) -> SchemeKey {
        (self.algorithm, self.encoding, self.part, self.token.len())
    }

    /// Whether it needs no other file to support it. A few digits alone are too often a date or a number.
    pub fn is_unlikely_by_chance(&self) -> bool {
        let digits_alone = self.token.bytes().all(|byte| byte.is_ascii_digit());
        !self.is_short() && (self.token.len() >= 10 || !digits_alone)
    }

    /// Whether the token is so short that a single hit may be one by chance.
    fn is_short(&self) -> bool {
        self.token.len() < tokens::ENOUGH
    }

    /// Whether the tool takes such digests last of all, of the bytes as they are: bundlers take their own earlier, and use
    /// faster ones.
    pub fn is_taken_last(&self) -> bool {
        use Algorithm::{Md5, Sha1, Sha256, Sha384, Sha512};
        matches!(self.algorithm, Md5 | Sha1 | Sha256 | Sha384 | Sha512) && self.left_out == LeftOut::Nothing
    }

    /// Whether webpack or Rspack took the digest of the bytes as they are in the end (`optimization.realContentHash`), which
    /// they do for all files or for none.
    pub fn is_of_real_content(&self) -> bool {
        self.left_out == LeftOut::Token
            || self.encoding == Encoding::Hex && matches!(self.algorithm, Algorithm::Md4 | Algorithm::XxHash64)
    }
}

impl LeftOut {
    fn is_nothing(&self) -> bool {
        *self == LeftOut::Nothing
    }
}

impl fmt::Display for Proof {
    /// As in "`B4xS9k2a` is the start of its SHA-256 in base64url".
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proof { token, algorithm, encoding, part, left_out } = self;
        let part = match part {
            Portion::Whole => "",
            Portion::Start => "the start of ",
            Portion::End => "the end of ",
        };
        write!(formatter, "`{token}` is {part}its {algorithm} in {encoding}")?;
        match left_out {
            LeftOut::Nothing => Ok(()),
            LeftOut::Token => write!(formatter, ", `{token}` itself left out"),
            LeftOut::MapComment => formatter.write_str(", the comment that names its source map left out"),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Algorithm::Md4 => "MD4",
            Algorithm::Md5 => "MD5",
            Algorithm::Sha1 => "SHA-1",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha384 => "SHA-384",
            Algorithm::Sha512 => "SHA-512",
            Algorithm::SeaHash => "SeaHash",
            Algorithm::XxHash64 => "xxHash64",
            Algorithm::XxHash64OfLengthAndBytes => "xxHash64 of length and bytes",
            Algorithm::XxHash3Of64 => "xxHash3-64",
            Algorithm::XxHash3Of128 => "xxHash3-128",
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Encoding::Hex => "hexadecimal",
            Encoding::Base32 => "base32",
            Encoding::Base32Crockford => "Crockford's base32",
            Encoding::Base36 => "base36",
            Encoding::Base38 => "base38",
            Encoding::Base40 => "base40",
            Encoding::Base58 => "base58",
            Encoding::Base62 => "base62",
            Encoding::Base64Url => "base64url",
            Encoding::Base64Alphanumeric => "base64 without its signs",
        })
    }
}

#[cfg(test)]
mod tests;

//! Which tools build names from which digests, and how.

use std::ops::RangeInclusive;

use super::writing::Writing;
use super::{Algorithm, Encoding, Portion};

pub(super) const HEX: &[u8] = b"0123456789abcdef";
pub(super) const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(super) const BASE32_CROCKFORD: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
pub(super) const BASE36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Rollup's: a part of the alphabet of base64url.
pub(super) const BASE36_LETTERS_FIRST: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
pub(super) const BASE38: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz_-";
pub(super) const BASE40: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz_-~.";
pub(super) const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
pub(super) const BASE62: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub(super) const BASE64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A way to make a name of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scheme {
    pub(super) algorithm: Algorithm,
    pub(super) encoding: Encoding,
    alphabet: &'static [u8],
    writing: Writing,
    /// The lengths of a token, in characters; none of less than 32 bits but 7 hexadecimal digits, and less than a whole
    /// digest only where tools cut it: a slow algorithm is not computed for a token in a form that no tool writes.
    lengths: RangeInclusive<usize>,
    /// From which end a shorter token is cut.
    end: bool,
    /// Whether webpack and Rspack write so: they leave the name of a file out of its bytes (RealContentHashPlugin).
    is_webpack: bool,
}

const fn scheme(algorithm: Algorithm, encoding: Encoding, writing: Writing, lengths: RangeInclusive<usize>) -> Scheme {
    let alphabet = match encoding {
        Encoding::Hex => HEX,
        Encoding::Base32 => BASE32,
        Encoding::Base32Crockford => BASE32_CROCKFORD,
        Encoding::Base36 => BASE36,
        Encoding::Base38 => BASE38,
        Encoding::Base40 => BASE40,
        Encoding::Base58 => BASE58,
        Encoding::Base62 => BASE62,
        Encoding::Base64Url | Encoding::Base64Alphanumeric => BASE64_URL,
    };
    Scheme { algorithm, encoding, alphabet, writing, lengths, end: false, is_webpack: false }
}

const fn webpack(algorithm: Algorithm, encoding: Encoding, writing: Writing, lengths: RangeInclusive<usize>) -> Scheme {
    Scheme { is_webpack: true, ..scheme(algorithm, encoding, writing, lengths) }
}

/// All that is tried, likeliest first. A token of one length fits few of them.
pub(super) static SCHEMES: &[Scheme] = {
    use Algorithm::*;
    use Encoding::*;
    use Writing::*;
    &[
        // Rollup, Rolldown and Vite: `hashCharacters` of base64, base36 and hex (rollup: rust/xxhash/src/lib.rs).
        scheme(XxHash3Of128, Base64Url, NumberReversed, 8..=22),
        Scheme { alphabet: BASE36_LETTERS_FIRST, ..scheme(XxHash3Of128, Base36, NumberReversed, 8..=25) },
        scheme(XxHash3Of128, Hex, NumberReversed, 8..=32),
        // esbuild, and Angular by it (esbuild: internal/bundler/bundler.go, HashForFileName).
        scheme(XxHash64, Base32, Bits, 8..=13),
        // webpack and Rspack; next to them Next.js, Docusaurus, Gatsby, create-react-app, Vue CLI: `hashDigest` and
        // `hashFunction` as people set them (webpack: lib/util/hash/hash-digest.js).
        webpack(XxHash64, Hex, Bits, 7..=16),
        webpack(XxHash64, Base36, Number, 8..=13),
        webpack(XxHash64, Base58, Number, 8..=11),
        webpack(XxHash64, Base62, Number, 8..=11),
        webpack(XxHash64, Base64Url, Bits, 8..=11),
        webpack(Md4, Hex, Bits, 7..=32),
        webpack(Md4, Base64Url, Bits, 20..=22),
        webpack(Md4, Base62, Number, 20..=22),
        // Gatsby, Django, Phoenix, Ember, Expo, gulp-rev and others.
        scheme(Md5, Hex, Bits, 7..=32),
        scheme(Md5, Base32, Bits, 8..=26),
        scheme(Md5, Base36, Number, 8..=25),
        scheme(Md5, Base58, Number, 8..=22),
        scheme(Md5, Base62, Number, 8..=22),
        scheme(Md5, Base64Url, Bits, 8..=22),
        scheme(Md5, Base64Alphanumeric, BitsAlphanumeric, 8..=22),
        // Hugo, mdBook, Eleventy, Jekyll and others.
        scheme(Sha256, Hex, Bits, 7..=64),
        scheme(Sha256, Base32, Bits, 8..=52),
        scheme(Sha256, Base36, Number, 8..=50),
        scheme(Sha256, Base58, Number, 8..=44),
        scheme(Sha256, Base62, Number, 8..=43),
        scheme(Sha256, Base64Url, Bits, 8..=43),
        scheme(Sha256, Base64Alphanumeric, BitsAlphanumeric, 8..=43),
        // .NET: Blazor and everything with `MapStaticAssets`.
        scheme(Sha256, Base36, DotNet, 10..=10),
        // Middleman, Stencil, Meteor.
        scheme(Sha1, Hex, Bits, 8..=20),
        scheme(Sha1, Hex, Bits, 40..=40),
        scheme(Sha1, Base32, Bits, 32..=32),
        scheme(Sha1, Base64Url, Bits, 27..=27),
        // Hugo; webpack's `hashFunction` where MD4 is forbidden.
        scheme(Sha384, Hex, Bits, 96..=96),
        scheme(Sha384, Base64Url, Bits, 64..=64),
        scheme(Sha512, Hex, Bits, 20..=20),
        scheme(Sha512, Hex, Bits, 128..=128),
        scheme(Sha512, Base64Url, Bits, 86..=86),
        // Turbopack (turbo-tasks-hash).
        scheme(XxHash3Of64, Hex, Bits, 8..=16),
        scheme(XxHash3Of128, Hex, Bits, 8..=32),
        scheme(XxHash3Of64, Base38, Fixed(13), 13..=13),
        scheme(XxHash3Of128, Base38, Fixed(25), 13..=25),
        scheme(XxHash3Of64, Base40, Fixed(13), 13..=13),
        scheme(XxHash3Of128, Base40, Fixed(25), 13..=25),
        // Parcel, for what names no other file (packages/core/core/src/requests/WriteBundlesRequest.js).
        Scheme { end: true, ..scheme(XxHash3Of64, Hex, Bits, 8..=15) },
        // Bun's pictures and fonts (oven-sh/bun: ContentHasher and truncatedHash32).
        scheme(XxHash64OfLengthAndBytes, Base32Crockford, LowBits, 8..=8),
        // Trunk.
        scheme(SeaHash, Hex, Number, 9..=16),
        // The last characters of the most usual ones.
        Scheme { end: true, ..scheme(Md5, Hex, Bits, 8..=31) },
        Scheme { end: true, ..scheme(Sha256, Hex, Bits, 8..=63) },
    ]
};

impl Scheme {
    /// Whether the scheme could have written `token`.
    pub(super) fn admits(&self, token: &str) -> bool {
        self.lengths.contains(&token.len())
            && self.in_own_case(token).is_some_and(|token| token.bytes().all(|byte| self.alphabet.contains(&byte)))
            // A word or a number is too often no digest to be worth the slow algorithms; but of all that webpack 4 names,
            // by MD4, one in 40 is a number.
            && (!self.algorithm.is_slow() || has_digit_and_letter(token) || self.is_webpack && is_number(token))
    }

    /// Whether the token is looked for in the file, to leave it out. Only hexadecimal ones, which are webpack's default:
    /// the search costs more than the digest, and tokens like base62's are in most scripts' names.
    pub(super) fn leaves_own_name_out(&self) -> bool {
        self.is_webpack && self.encoding == Encoding::Hex
    }

    /// Whether Farm writes so: the start of SHA-256.
    pub(super) fn is_farms(&self) -> bool {
        self.algorithm == Algorithm::Sha256 && self.encoding == Encoding::Hex && !self.end
    }

    /// How much of `digest` the token is; `None`: the token is no part of it.
    pub(super) fn wrote(&self, token: &str, digest: &[u8]) -> Option<Portion> {
        let token = self.in_own_case(token)?;
        let written = self.writing.write(digest, self.alphabet);
        if written == token {
            return Some(Portion::Whole);
        }
        if self.end {
            return written.ends_with(&token).then_some(Portion::End);
        }
        let start = written.get(..token.len())?;
        (start == token || (self.encoding == Encoding::Hex && not_numeric(start).as_deref() == Some(token.as_str())))
            .then_some(Portion::Start)
    }

    /// `token` in the case of the alphabet, where both cases mean the same; `None` for mixed case.
    fn in_own_case(&self, token: &str) -> Option<String> {
        let upper = token.bytes().any(|byte| byte.is_ascii_uppercase());
        let lower = token.bytes().any(|byte| byte.is_ascii_lowercase());
        match self.encoding {
            Encoding::Hex | Encoding::Base32 if upper && lower => None,
            Encoding::Hex => Some(token.to_ascii_lowercase()),
            Encoding::Base32 => Some(token.to_ascii_uppercase()),
            _ => Some(token.to_owned()),
        }
    }
}

impl Algorithm {
    /// Whether it takes a noticeable part of the time that the pass over a file takes anyway.
    fn is_slow(self) -> bool {
        matches!(self, Algorithm::Md4 | Algorithm::Sha1 | Algorithm::Sha384 | Algorithm::Sha512)
    }
}

/// What webpack writes instead of digits alone: the first one becomes a letter (webpack: lib/util/nonNumericOnlyHash.js).
fn not_numeric(start: &str) -> Option<String> {
    let first = start.bytes().next()?;
    let letter = char::from(b'a' + first.wrapping_sub(b'0') % 6);
    start.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{letter}{}", &start[1..]))
}

fn is_number(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_digit_and_letter(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_digit()) && token.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::digests::tests::digest_of;
    use proptest::prelude::*;

    /// Bits of information in `length` characters; of a number, the first digit says little.
    fn bits_of(scheme: &Scheme, length: usize) -> f64 {
        let full = match scheme.writing {
            Writing::Bits | Writing::DotNet | Writing::LowBits => length,
            // The first digit is one of 15.
            _ if scheme.encoding == Encoding::Hex => length,
            Writing::BitsAlphanumeric => return 62_f64.log2() * length as f64,
            Writing::Number | Writing::NumberReversed | Writing::Fixed(_) => length - 1,
        };
        (scheme.alphabet.len() as f64).log2() * full as f64
    }

    #[test]
    fn no_scheme_takes_less_than_32_bits_but_hexadecimal_ones() {
        for scheme in SCHEMES {
            let least = if scheme.encoding == Encoding::Hex { 28.0 } else { 32.0 };
            assert!(bits_of(scheme, *scheme.lengths.start()) >= least, "{scheme:?}");
        }
    }

    #[test]
    fn a_chance_hit_in_a_large_site_is_rarer_than_one_in_a_thousand() {
        for token in ["3f2a1b9c", "3f2a1b9c8", "3f2a1b9c8d", "AB3CD5EF", "a1b2c3dz", "CmAoX1r2"] {
            let admitting = SCHEMES.iter().filter(|scheme| scheme.admits(token));
            // Each once, webpack's once more without the token, and Farm's without the comment.
            let times = |scheme: &Scheme| 1 + u8::from(scheme.leaves_own_name_out()) + u8::from(scheme.is_farms());
            let chance: f64 =
                admitting.map(|scheme| f64::from(times(scheme)) * (-bits_of(scheme, token.len())).exp2()).sum();
            assert!(2.0 * chance * 100_000.0 < 1e-3, "{token}: {chance}");
        }
    }

    proptest! {
        #[test]
        fn what_a_scheme_writes_it_admits_and_knows_again(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            other in proptest::collection::vec(any::<u8>(), 0..300),
            index in 0..SCHEMES.len(),
            cut in any::<prop::sample::Index>(),
            upper in any::<bool>(),
        ) {
            prop_assume!(bytes != other);
            let scheme = &SCHEMES[index];
            let written = scheme.writing.write(&digest_of(scheme.algorithm, &bytes), scheme.alphabet);
            let lengths: Vec<usize> = scheme.lengths.clone().filter(|length| *length <= written.len()).collect();
            prop_assume!(!lengths.is_empty());
            let length = *cut.get(&lengths);
            let token = if scheme.end { &written[written.len() - length..] } else { &written[..length] };
            let cased = matches!(scheme.encoding, Encoding::Hex | Encoding::Base32) && upper;
            let token = if cased { token.to_ascii_uppercase() } else { token.to_owned() };
            prop_assume!(has_digit_and_letter(&token));
            prop_assert!(scheme.admits(&token), "{scheme:?} {token}");
            prop_assert!(scheme.wrote(&token, &digest_of(scheme.algorithm, &bytes)).is_some());
            prop_assert_eq!(scheme.wrote(&token, &digest_of(scheme.algorithm, &other)), None);
        }
    }

    #[test]
    fn two_chance_hits_of_seven_digits_by_one_scheme_are_rarer_than_one_in_a_million() {
        let admitting = SCHEMES.iter().filter(|scheme| scheme.admits("3f2a1b9"));
        // Of 16^7 tokens, 99.9% have a digit.
        let single = |scheme: &Scheme| {
            f64::from(1 + u8::from(scheme.leaves_own_name_out())) * (-bits_of(scheme, 7)).exp2() / 0.999
        };
        let pairs = 100_000.0 * 100_000.0 / 2.0;
        let chance: f64 = admitting.clone().map(|scheme| pairs * single(scheme) * single(scheme)).sum();
        assert!(chance < 1e-6, "{chance}");
        // Where two others tell that a scheme is in use.
        assert!(admitting.map(single).fold(0.0, f64::max) * 100_000.0 < 1e-3);
    }

    #[test]
    fn webpack_writes_no_digits_alone() {
        assert_eq!(not_numeric("91112345"), Some("d1112345".to_owned()));
        assert_eq!(not_numeric("9111234a"), None);
        let by_xxhash64 = |encoding| {
            SCHEMES.iter().find(|one| one.algorithm == Algorithm::XxHash64 && one.encoding == encoding).unwrap()
        };
        let digest = [0x91, 0x11, 0x23, 0x45, 0, 0, 0, 0];
        assert_eq!(by_xxhash64(Encoding::Hex).wrote("d1112345", &digest), Some(Portion::Start));
        assert_eq!(by_xxhash64(Encoding::Hex).wrote("91112345", &digest), Some(Portion::Start));
        // In other encodings digits alone stay.
        let base36 = by_xxhash64(Encoding::Base36);
        let zeros = base36.writing.write(&[0; 8], base36.alphabet);
        assert!(base36.wrote(&zeros[..8], &[0; 8]).is_some());
        assert_eq!(base36.wrote(&format!("a{}", &zeros[1..8]), &[0; 8]), None);
    }

    #[test]
    fn letters_are_all_large_or_all_small_where_both_mean_the_same() {
        let admitting = |token: &str, encoding: Encoding| {
            SCHEMES.iter().any(|scheme| scheme.encoding == encoding && scheme.admits(token))
        };
        for (token, encoding, admitted) in [
            ("3f2a1b9c", Encoding::Hex, true),
            ("3F2A1B9C", Encoding::Hex, true),
            ("3F2a1b9c", Encoding::Hex, false),
            ("BN4I3OKY", Encoding::Base32, true),
            ("bn4i3oky", Encoding::Base32, true),
            ("Bn4i3oky", Encoding::Base32, false),
            ("Bn4i3oky", Encoding::Base62, true),
        ] {
            assert_eq!(admitting(token, encoding), admitted, "{token} {encoding}");
        }
    }
}

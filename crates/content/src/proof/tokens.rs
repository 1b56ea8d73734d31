//! Which parts of a path could be a digest.

use std::ops::RangeInclusive;

use crate::path::SitePath;

/// The lengths of a token, in characters: no tool cuts a digest of the bytes to fewer unless it is told to, and ordinary
/// words would cost more than the few names are worth.
const LENGTHS: RangeInclusive<usize> = 8..=128;

/// Characters of a token that needs no other file to support it.
pub(super) const ENOUGH: usize = *LENGTHS.start();

/// The length of tokens of hexadecimal digits, in lower case, that need another file.
const LENGTH_WITH_SUPPORT: usize = 7;

/// The lengths of tokens that hold a separator themselves, as `CmAoX-r_`: whole digests of 64 and 128 bits in base38,
/// base40 and base64, of 256 bits in base64, and what tools cut off.
const LENGTHS_WITH_SEPARATOR: [usize; 12] = [8, 9, 10, 11, 12, 13, 16, 20, 21, 22, 25, 43];

/// The lengths of tokens that hold `.` or `~`, of which only Turbopack's are made.
const LENGTHS_WITH_DOT: [usize; 2] = [13, 25];

/// Most tokens of a path; paths are no longer than a key.
const MOST_TOKENS: usize = 64;

/// Most tokens of a path that are shorter than [`SHORT`]: the count on which the chance of a hit is computed.
const MOST_SHORT_TOKENS: usize = 2;

/// Hexadecimal digits that are more than 40 bits.
const SHORT: usize = 11;

/// The tokens of `path`: what begins at the beginning of a segment or after a separator, and ends at the end of one or
/// before a separator. The last segments and the longest tokens come first.
pub(super) fn of(path: &SitePath) -> Vec<&str> {
    let mut tokens: Vec<&str> = Vec::new();
    for segment in path.as_str().rsplit('/') {
        let mut of_segment = of_segment(segment);
        of_segment.sort_by_key(|token| std::cmp::Reverse(token.len()));
        of_segment.dedup();
        tokens.extend(of_segment);
    }
    let (mut short, mut supported) = (0, 0);
    tokens.retain(|token| {
        if token.len() < ENOUGH {
            supported += 1;
            return supported == 1;
        }
        let is_short = token.len() < SHORT && token.bytes().all(|byte| byte.is_ascii_hexdigit());
        short += usize::from(is_short);
        !is_short || short <= MOST_SHORT_TOKENS
    });
    tokens.truncate(MOST_TOKENS);
    tokens
}

fn of_segment(segment: &str) -> Vec<&str> {
    let is_separator = |byte: u8| !byte.is_ascii_alphanumeric();
    let bytes = segment.as_bytes();
    let separators = || (0..bytes.len()).filter(|at| is_separator(bytes[*at]));
    let mut tokens = Vec::new();
    // From the end, where tools put digests.
    for end in std::iter::once(bytes.len()).chain(separators().collect::<Vec<_>>().into_iter().rev()) {
        for start in std::iter::once(0).chain(separators().map(|at| at + 1)) {
            // None where it would end before it starts, and inside of a separator that is not ASCII.
            let Some(token) = segment.get(start..end) else { continue };
            if is_token(token) {
                tokens.push(token);
            }
        }
    }
    tokens
}

fn is_token(token: &str) -> bool {
    let has_separator = token.bytes().any(|byte| !byte.is_ascii_alphanumeric());
    if token.len() == LENGTH_WITH_SUPPORT {
        return is_short_hex(token) && !is_date(token);
    }
    LENGTHS.contains(&token.len())
        && (!has_separator || LENGTHS_WITH_SEPARATOR.contains(&token.len()))
        && (!token.contains(['.', '~']) || LENGTHS_WITH_DOT.contains(&token.len()))
        && (token.bytes().any(|byte| byte.is_ascii_alphabetic()) || (!has_separator && !is_date(token)))
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte))
}

fn is_short_hex(token: &str) -> bool {
    token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && token.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether digits alone begin with a year and go on with a month: a date, or a time of a day.
fn is_date(digits: &str) -> bool {
    let century = digits.starts_with("19") || digits.starts_with("20");
    century && digits.get(4..6).is_some_and(|month| ("01"..="12").contains(&month))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(path: &str) -> Vec<String> {
        of(&SitePath::new(path).unwrap()).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_digest_is_found_wherever_it_stands() {
        for path in [
            "CmAoX1r2.js",
            "CmAoX1r2",
            "assets/index-CmAoX1r2.js",
            "assets/index_CmAoX1r2.js",
            "assets/index.CmAoX1r2.min.js",
            "assets/index.CmAoX1r2.chunk.css.map",
            "assets/page.md.CmAoX1r2.lean.js.br",
            "assets/CmAoX1r2-index.js",
            "assets/CmAoX1r2/index.js",
            "assets/logo@2x~CmAoX1r2+a.png",
            "assets/[slug](CmAoX1r2)$.js",
            "ä/é-CmAoX1r2é.js",
        ] {
            assert!(tokens(path).contains(&"CmAoX1r2".to_owned()), "{path}: {:?}", tokens(path));
        }
    }

    #[test]
    fn a_digest_may_hold_separators_itself() {
        for (path, token) in [
            ("assets/Home-CmAoX-r_.css", "CmAoX-r_"),
            ("assets/q--EYkR15G.js", "-EYkR15G"),
            ("assets/a-_-EYk_15.js", "_-EYk_15"),
            ("_next/static/chunks/0_a-.b~12-_xy.js", "0_a-.b~12-_xy"),
        ] {
            assert!(tokens(path).contains(&token.to_owned()), "{path}: {:?}", tokens(path));
        }
    }

    #[test]
    fn digits_and_short_words_are_none() {
        for path in ["2024/01/15.js", "20240115.pdf", "jquery.js", "20240115-123000.mp4", "a/b.css"] {
            assert_eq!(tokens(path), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn of_seven_hexadecimal_digits_the_last_is_looked_at() {
        assert_eq!(tokens("4904105a/1bb638f/card.5ca14d4.png"), ["5ca14d4", "4904105a"]);
        assert_eq!(tokens("card.4904105.png"), ["4904105"]);
        for path in ["card.2024051.png", "defaced.png", "card.5CA14D4.png", "card.5ca14d.png", "card.5ca14dg.png"] {
            assert_eq!(tokens(path), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn only_two_short_ones_are_looked_at() {
        let path = "deadbee1/deadbee2/deadbee3-deadbee4.js";
        assert_eq!(tokens(path).iter().filter(|token| token.len() == 8).count(), 2, "{:?}", tokens(path));
        // No others are few bits: longer ones, and those of more letters.
        for path in ["deadbeef001/deadbeef002/deadbeef003.js", "CmAoX1r2/CmAoX1r3/CmAoX1r4.js"] {
            assert_eq!(tokens(path).len(), 3, "{path}");
        }
    }
}

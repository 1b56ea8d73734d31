//! Which texts read as a hash and as nothing else: not as a word, a date, a version or an identifier.

use super::alphabet::Alphabet;

/// Whether a tool could mean `token` as a hash.
pub(super) fn may_be_a_hash(token: &str) -> bool {
    token.len() >= 5 && (is_mixed(token) || Alphabet::Hex.has_all_of(token)) && !is_digits(token)
}

/// Whether a tool whose hashes use `alphabet` is likely to have made `token`. Of 8 characters of base64, one in
/// 60,000 consists of hexadecimal digits alone, and one in 700 each of letters of upper or of lower case alone.
pub(super) fn is_likely(alphabet: Alphabet, token: &str) -> bool {
    let other_tools = alphabet >= Alphabet::Base36 && Alphabet::Hex.has_all_of(token);
    let words = alphabet == Alphabet::Base64Url && reads_as_words(token)
        || alphabet == Alphabet::Base32 && reads_as_a_numbered_word(token);
    // With the letters up to `f`, there are few words of more than seven.
    let word = !(alphabet == Alphabet::Hex && token.len() >= 8) && reads_as_a_word(token);
    !other_tools && !is_digits(token) && !words && !word && !is_patterned(token)
}

/// Whether a token is neither a number nor a word, though it may be several words.
pub(super) fn may_be_random(token: &str) -> bool {
    !is_digits(token) && !reads_as_a_word(token) && !is_patterned(token)
}

/// Whether `token` can hardly be anything but a hash.
pub(super) fn reads_as_a_hash(token: &str) -> bool {
    if is_patterned(token) {
        return false;
    }
    if is_long_hex(token) {
        return !is_identifier(token);
    }
    is_short_hex(token) || is_base64_hash(token)
}

/// 8 hexadecimal digits or more, as webpack writes them, in at least three runs of digits and letters.
fn is_short_hex(token: &str) -> bool {
    token.len() >= 8
        && Alphabet::Hex.has_all_of(token)
        && has_digit_and_letter(token)
        && count_runs(token) >= 3
        && !has_date(token)
}

/// 5 to 7 hexadecimal digits, which say nothing alone.
pub(super) fn is_very_short_hex(token: &str) -> bool {
    (5..=7).contains(&token.len()) && Alphabet::Hex.has_all_of(token) && has_digit_and_letter(token)
}

/// Whether a person made it up: letters and digits that each count up, such as `a1b2c3d4`, or a word of hexadecimal digits.
pub(super) fn is_patterned(token: &str) -> bool {
    const WORDS: [&str; 18] = [
        "deadbeef", "cafebabe", "badc0ffe", "c0ffee", "feedface", "baadf00d", "deadc0de", "facade", "defaced", "alpha",
        "beta", "final", "version", "release", "iphone", "summer", "winter", "test",
    ];
    let lower = token.to_ascii_lowercase();
    let counts_up = |class: fn(&u8) -> bool| {
        let characters: Vec<u8> = lower.bytes().filter(class).collect();
        characters.len() >= 3 && characters.windows(2).all(|pair| pair[1] == pair[0] + 1)
    };
    counts_up(u8::is_ascii_digit) && counts_up(u8::is_ascii_alphabetic) || WORDS.iter().any(|word| lower.contains(word))
}

/// 16 hexadecimal digits or more.
pub(super) fn is_long_hex(token: &str) -> bool {
    token.len() >= 16 && Alphabet::Hex.has_all_of(token) && has_digit_and_letter(token) && count_runs(token) >= 5
}

/// Whether hexadecimal digits have the length of an identifier rather than a hash of bytes: a MongoDB document
/// (24), a git commit (40), or a UUID without its hyphens (32, with version and variant in their places).
pub(super) fn is_identifier(token: &str) -> bool {
    let digit = |at: usize| token.as_bytes().get(at).copied().unwrap_or_default();
    matches!(token.len(), 24 | 40)
        || (token.len() == 32 && (b'1'..=b'8').contains(&digit(12)) && b"89ab".contains(&digit(16)))
}

/// The 8 characters of URL-safe base64 that Rollup and Vite write (also more, as Astro does for pictures), which may
/// contain `-` and `_`, or the 8 of base32 that esbuild writes. Read as words and numbers it must split into half as
/// many of them as it has characters, or contain something that no word contains.
fn is_base64_hash(token: &str) -> bool {
    let length_fits = token.len() == 8 || ((9..=22).contains(&token.len()) && !token.contains('-'));
    length_fits && falls_apart(token)
}

/// Whether URL-safe base64 splits in this way, at any length.
pub(super) fn falls_apart(token: &str) -> bool {
    if !Alphabet::Base64Url.has_all_of(token) || !is_mixed(token) || has_date(token) || is_patterned(token) {
        return false;
    }
    // A longer one splits into more: `iPhone15Pro` has four runs too.
    let runs = token.len().div_ceil(2).min(7);
    let parts: Vec<usize> = token.split(['-', '_']).map(count_runs).collect();
    let falls_apart = parts.iter().sum::<usize>() >= runs && parts.iter().any(|&part| part >= 3);
    falls_apart || consonants_in_a_row(token) >= 5 || (token.contains('-') && token.contains('_'))
}

/// Whether a token may be 8 characters of base32, although it could be a word with a number.
pub(super) fn may_be_base32(token: &str) -> bool {
    token.len() == 8 && Alphabet::Base32.has_all_of(token) && has_digit_and_letter(token)
}

/// Whether a token of 6 to 12 characters may be a hash, although a strange name could be one too.
pub(super) fn may_be_a_short_hash(token: &str) -> bool {
    (6..=12).contains(&token.len()) && has_digit_and_letter(token) && !is_patterned(token) && !reads_as_words(token)
}

/// Whether a token can be pronounced: letters of one case, not too many consonants in a row, and vowels between them; or
/// letters of one case with hyphens, such as `lit-html`.
pub(super) fn reads_as_a_word(token: &str) -> bool {
    let words: Vec<&str> = token.split(['-', '_']).collect();
    if words.len() > 1 && words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())) {
        return true;
    }
    let all = |class: fn(&u8) -> bool| token.as_bytes().iter().all(class);
    let vowels = token.bytes().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
    let one_case = all(u8::is_ascii_lowercase) || all(u8::is_ascii_uppercase);
    one_case && consonants_in_a_row(token) <= 3 && vowels * 4 >= token.len()
}

/// Whether a token splits into as few words and numbers as texts do: two, such as `UserCard`, `Summer24` and `dataGrid`, or
/// one for four characters, if it can be pronounced. So do 2% of the hashes of 8 characters of base64.
pub(super) fn reads_as_words(token: &str) -> bool {
    token.split(['-', '_']).map(count_runs).sum::<usize>() <= usize::max(2, token.len() / 4)
        && consonants_in_a_row(token) < 5
}

/// Whether a token is a word and a number of more than one digit, such as `LEGACY22`. So are 2% of the hashes of 8
/// characters of base32.
pub(super) fn reads_as_a_numbered_word(token: &str) -> bool {
    let word = token.trim_end_matches(|char: char| char.is_ascii_digit());
    word.len() + 2 <= token.len() && word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Whether a token of 21 characters of base64 is random: words and dates have fewer runs, and one case.
pub(super) fn is_random(token: &str) -> bool {
    token.len() == 21 && has_both_cases(token) && token.split(['-', '_']).map(count_runs).sum::<usize>() >= 8
}

pub(super) fn has_both_cases(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_uppercase()) && token.bytes().any(|byte| byte.is_ascii_lowercase())
}

pub(super) fn is_digits(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_digit_and_letter(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_digit()) && token.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Lower case, together with upper case or digits.
fn is_mixed(token: &str) -> bool {
    let has = |class: fn(&u8) -> bool| token.as_bytes().iter().any(class);
    has(u8::is_ascii_uppercase) && (has(u8::is_ascii_lowercase) || has(u8::is_ascii_digit))
        || has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// How many words and numbers a text splits into: `iPhone15` into three, `BxYz12Ab` into four.
pub(super) fn count_runs(text: &str) -> usize {
    let mut runs = 0;
    let mut before = None;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let class = Class::of(*byte);
        let next = bytes.get(at + 1).map(|byte| Class::of(*byte));
        let continues = match (before, class) {
            // A capital continues a run of capitals, unless it begins a word.
            (Some(Class::Upper), Class::Upper) => next != Some(Class::Lower),
            (Some(Class::Upper), Class::Lower) => true,
            (Some(before), class) => before == class,
            (None, _) => false,
        };
        runs += usize::from(!continues);
        before = Some(class);
    }
    runs
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    Digit,
    Other,
}

impl Class {
    fn of(byte: u8) -> Class {
        match byte {
            b'A'..=b'Z' => Class::Upper,
            b'a'..=b'z' => Class::Lower,
            b'0'..=b'9' => Class::Digit,
            _ => Class::Other,
        }
    }
}

/// A year, or more digits in a row than a short hash is likely to have.
fn has_date(token: &str) -> bool {
    token.split(|char: char| !char.is_ascii_digit()).any(|digits| {
        digits.len() >= 5 || (digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20")))
    })
}

/// Most consonants in a row, within a word: `MorphBlendMesh` has three.
fn consonants_in_a_row(token: &str) -> usize {
    let mut most = 0;
    let mut row = 0;
    let mut before = Class::Other;
    let bytes = token.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let class = Class::of(byte);
        let is_capital = class == Class::Upper && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        let begins_word = is_capital || before == Class::Lower && class == Class::Upper;
        let is_consonant = byte.is_ascii_alphabetic() && !b"aeiouyAEIOUY".contains(&byte);
        row = if !is_consonant {
            0
        } else if begins_word {
            1
        } else {
            row + 1
        };
        most = most.max(row);
        before = class;
    }
    most
}

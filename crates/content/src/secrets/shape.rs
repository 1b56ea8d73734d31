//! What a token looks like: its parts, and whether its letters were drawn by chance.

/// The letters of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// `0-9`.
    Digits,
    /// `0-9 a-f A-F`.
    Hex,
    /// `A-Z 2-7` (RFC 4648, section 6).
    Base32,
    /// The letters of Bech32, upper case.
    Bech32,
    /// `0-9 a-z A-Z`.
    Alnum,
    /// `0-9 a-z A-Z _`.
    Word,
    /// `0-9 a-z A-Z + /`.
    Base64,
    /// `0-9 a-z A-Z - _`.
    Base64Url,
    /// `0-9 a-z A-Z - _ . ~`: what needs no escape in an address (RFC 3986, section 2.3).
    Unreserved,
    /// `0-9 a-z A-Z - _ . ~ = + /`: what a bearer's token may hold (RFC 6750, section 2.1).
    Bearer,
}

impl Alphabet {
    pub(super) fn holds(self, byte: u8) -> bool {
        match self {
            Alphabet::Digits => byte.is_ascii_digit(),
            Alphabet::Hex => byte.is_ascii_hexdigit(),
            Alphabet::Base32 => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            Alphabet::Bech32 => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".contains(&byte),
            Alphabet::Alnum => byte.is_ascii_alphanumeric(),
            Alphabet::Word => byte.is_ascii_alphanumeric() || byte == b'_',
            Alphabet::Base64 => byte.is_ascii_alphanumeric() || b"+/".contains(&byte),
            Alphabet::Base64Url => byte.is_ascii_alphanumeric() || b"-_".contains(&byte),
            Alphabet::Unreserved => byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte),
            Alphabet::Bearer => byte.is_ascii_alphanumeric() || b"-_.~=+/".contains(&byte),
        }
    }

    /// How many bytes `text` begins with that are of this alphabet.
    pub(super) fn run(self, text: &[u8]) -> usize {
        text.iter().take_while(|&&byte| self.holds(byte)).count()
    }

    /// How many bytes `text` ends with that are of this alphabet.
    pub(super) fn run_back(self, text: &[u8]) -> usize {
        text.iter().rev().take_while(|&&byte| self.holds(byte)).count()
    }
}

/// A part of a token.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// That many letters of an alphabet, and none more after them.
    Run(Alphabet, usize, usize),
    /// This very text.
    Text(&'static str),
}

/// `count` letters.
pub(super) const fn exactly(count: usize, alphabet: Alphabet) -> Part {
    Part::Run(alphabet, count, count)
}

/// From `least` to `most` letters.
pub(super) const fn between(least: usize, most: usize, alphabet: Alphabet) -> Part {
    Part::Run(alphabet, least, most)
}

/// `least` letters or more.
pub(super) const fn at_least(least: usize, alphabet: Alphabet) -> Part {
    Part::Run(alphabet, least, usize::MAX)
}

/// How much of `text`, from its beginning, `parts` are, if it begins with them.
pub(super) fn matched(parts: &[Part], text: &[u8]) -> Option<usize> {
    let mut end = 0;
    for part in parts {
        let rest = &text[end..];
        end += match part {
            Part::Run(alphabet, least, most) => {
                Some(alphabet.run(rest)).filter(|count| (*least..=*most).contains(count))?
            }
            Part::Text(expected) => rest.starts_with(expected.as_bytes()).then_some(expected.len())?,
        };
    }
    Some(end)
}

/// Whether a name, or a token, in code goes on with this letter.
pub(super) fn goes_on(letter: &u8) -> bool {
    letter.is_ascii_alphanumeric() || b"_$".contains(letter)
}

/// Words of texts that stand for a token. The last ones are parts of tokens that are the same everywhere: of the key of
/// Azure's storage emulator (learn.microsoft.com, "Connect to the emulator account"), of Supabase's on one's own machine
/// (supabase.com/docs, "Local development") and of the one that Slack's documents show (docs.slack.dev, "Tokens").
const PLACEHOLDERS: [&str; 12] = [
    "example",
    "placeholder",
    "your",
    "redacted",
    "dummy",
    "fake",
    "sample",
    "insert",
    "xxxx",
    "eby8vdm02x",
    "n7und0ugjktvk",
    "17653672481-19874698323",
];

/// Whether chance has drawn `token`, and not a person who wanted to show what a token looks like: `ghp_xxxxxxxx`,
/// `sk_live_1234567890abcdef`, `a1b2c3d4e5f6`, `wJalr…EXAMPLEKEY`; nor one who named something in a program:
/// `_authTokenStorageKey`.
///
/// Of the tokens that chance draws, fewer than one in a thousand are taken for a person's.
pub(super) fn is_random(token: &[u8]) -> bool {
    let classes: [fn(&u8) -> bool; 3] = [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase];
    let kinds = classes.into_iter().filter(|class| token.iter().any(class)).count();
    let lower = token.to_ascii_lowercase();
    let placeholder = PLACEHOLDERS.iter().any(|word| lower.windows(word.len()).any(|window| window == word.as_bytes()));
    kinds >= 2
        && distinct(token) >= 8
        && !placeholder
        && !is_of_words(token)
        && !counts(token, 1, 0)
        && !counts(token, 1, 1)
        && !counts(token, 2, 1)
}

/// Whether nearly all of it is words, as in `storageKeyOfSession2` or `session.token.value`: at least two small letters in a
/// row, behind a capital or not, and hardly a digit.
fn is_of_words(token: &[u8]) -> bool {
    let digits = token.iter().filter(|byte| byte.is_ascii_digit()).count();
    let of_words: usize = token
        .chunk_by(|one, next| next.is_ascii_lowercase() && one.is_ascii_alphabetic())
        .filter(|part| part.iter().filter(|byte| byte.is_ascii_lowercase()).count() >= 2)
        .map(<[u8]>::len)
        .sum();
    let separators = token.iter().filter(|byte| b"_-.~".contains(byte)).count();
    let is_one_word = separators == 0 && !token.iter().any(u8::is_ascii_uppercase);
    !is_one_word && digits * 10 <= token.len() && (of_words + separators + digits) * 100 >= token.len() * 85
}

fn distinct(token: &[u8]) -> usize {
    (0..=u8::MAX).filter(|byte| token.contains(byte)).count()
}

/// Whether six bytes that are `stride` apart each are greater by `step` than the one before.
fn counts(token: &[u8], stride: usize, step: u8) -> bool {
    let mut counted = vec![0; token.len()];
    for at in stride..token.len() {
        if token[at] == token[at - stride].wrapping_add(step) {
            counted[at] = counted[at - stride] + 1;
        }
    }
    counted.into_iter().any(|count: usize| count >= 5)
}

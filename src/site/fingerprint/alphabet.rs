//! The alphabets of hashes.

/// The characters of a tool's hashes, each equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alphabet {
    /// Hexadecimal digits in lower case.
    Hex,
    /// Digits and letters in lower case.
    Base36,
    /// Digits, letters in lower case, `-` and `_`, as Turbopack writes it.
    Base38,
    /// Upper case and the digits 2 to 7, as esbuild writes it.
    Base32,
    /// URL-safe base64.
    Base64Url,
}

impl Alphabet {
    /// The smallest one that has all characters of `tokens`.
    pub(super) fn of<'t>(tokens: impl Iterator<Item = &'t str> + Clone) -> Option<Alphabet> {
        [Alphabet::Hex, Alphabet::Base36, Alphabet::Base38, Alphabet::Base32, Alphabet::Base64Url]
            .into_iter()
            .find(|alphabet| tokens.clone().all(|token| alphabet.has_all_of(token)))
    }

    pub(super) fn has_all_of(self, token: &str) -> bool {
        token.bytes().all(|byte| match self {
            Alphabet::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Alphabet::Base36 => byte.is_ascii_digit() || byte.is_ascii_lowercase(),
            Alphabet::Base38 => byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'-' || byte == b'_',
            Alphabet::Base32 => byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte),
            Alphabet::Base64Url => byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_',
        })
    }
}

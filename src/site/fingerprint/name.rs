//! The parts of a file name, and how build tools put a hash among them.

use super::shape;
use crate::content::path::SitePath;

/// What Next writes there in the names of fonts, which in others could be the end of a hash.
const AFTER_THE_HASH_OF_A_FONT: &str = "-s";

/// What tools write between the hash and the extension. Next marks fonts that it preloads with `.p`.
const AFTER_THE_HASH: [&str; 12] = [
    ".min",
    ".entry",
    ".system",
    ".chunk",
    ".lean",
    ".bundle",
    ".iframe",
    ".module",
    ".worker",
    ".esm",
    ".p",
    ".nomodule",
];

/// The parts of a file name.
#[derive(Clone, Debug)]
pub(super) struct Name<'p> {
    /// What lies before the file name, with its final slash.
    pub(super) folder: &'p str,
    /// Without extension, and without `.min` and the like before it.
    pub(super) stem: &'p str,
    /// That: `.min`, or nothing.
    pub(super) ending: &'p str,
    /// In lower case; of a source map: `map`.
    pub(super) extension: String,
}

impl<'p> Name<'p> {
    /// `None` for a name without an extension.
    pub(super) fn of(path: &'p SitePath) -> Option<Name<'p>> {
        let extension = path.extension()?;
        let name = path.file_name();
        let folder = path.as_str().strip_suffix(name)?;
        let mut stem = name.get(..name.len() - extension.len() - 1)?;
        if extension == "map" {
            stem = [".js", ".mjs", ".css"].iter().find_map(|inner| stem.strip_suffix(inner))?;
        }
        let with_ending = stem;
        while let Some(shorter) = AFTER_THE_HASH.iter().find_map(|after| stem.strip_suffix(after)) {
            stem = shorter;
        }
        let ending = &with_ending[stem.len()..];
        if matches!(extension.as_str(), "woff2" | "woff" | "ttf" | "otf") {
            stem = stem.strip_suffix(AFTER_THE_HASH_OF_A_FONT).unwrap_or(stem);
        }
        Some(Name { folder, stem, ending, extension })
    }

    /// Scripts and styles: what bundlers put together from other files, so that their hash is not a digest of the bytes.
    pub(super) fn is_code(&self) -> bool {
        matches!(self.extension.as_str(), "js" | "mjs" | "cjs" | "css")
    }

    /// What comes before each `-` and `.`, what follows each `-`, `.`, `_` and `~`, and the whole: where a hash may be.
    pub(super) fn places(&self) -> impl Iterator<Item = (Place, &'p str)> {
        let stem = self.stem;
        let at =
            |separators: &'static [u8]| stem.bytes().enumerate().filter(move |(_, byte)| separators.contains(byte));
        let after = at(b"-._~").map(move |(at, byte)| (Place::After(byte), &stem[at + 1..]));
        let before = at(b"-.").map(move |(at, byte)| (Place::Before(byte), &stem[..at]));
        before.chain([(Place::Bare, stem)]).chain(after)
    }
}

/// Where in a name the hash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// At the end, after this separator.
    After(u8),
    /// At the beginning, before this separator.
    Before(u8),
    /// It is the whole name.
    Bare,
}

impl Place {
    /// The `length` characters of `name` at this place.
    pub(super) fn token<'p>(self, name: &Name<'p>, length: usize) -> Option<&'p str> {
        let stem = name.stem;
        match self {
            Place::Bare => (stem.len() == length).then_some(stem),
            Place::After(separator) => {
                let start = stem.len().checked_sub(length).filter(|&start| start > 0)?;
                (stem.as_bytes()[start - 1] == separator).then(|| stem.get(start..))?
            }
            Place::Before(separator) => {
                (stem.as_bytes().get(length) == Some(&separator)).then(|| stem.get(..length))?
            }
        }
    }
}

/// The characters that a tool draws a hash from, each as likely as any other.
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

    /// Whether a tool that draws from this alphabet is likely to have made `token`. Of 8 characters of base64, one in
    /// 60,000 has hexadecimal digits alone, and one in 700 each letters of upper or of lower case alone.
    pub(super) fn is_likely(self, token: &str) -> bool {
        let other_tools = self >= Alphabet::Base36 && Alphabet::Hex.has_all_of(token);
        let digits_alone = token.bytes().all(|byte| byte.is_ascii_digit());
        let words = self == Alphabet::Base64Url && shape::reads_as_words(token)
            || self == Alphabet::Base32 && shape::reads_as_a_numbered_word(token);
        // Of the letters up to `f`, there are few words of more than seven.
        let word = !(self == Alphabet::Hex && token.len() >= 8) && shape::reads_as_a_word(token);
        !other_tools && !digits_alone && !words && !word && !shape::is_patterned(token)
    }
}

//! The parts of a file name, and where build tools put a hash.

use super::tokens;
use crate::content::path::SitePath;

/// Suffixes that Next writes there in the names of fonts; in other names they could be the end of a hash.
const AFTER_THE_HASH_OF_A_FONT: &str = "-s";

/// Suffixes between the hash and the extension. Next marks preloaded fonts with `.p`.
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
    /// The folder, with its final slash.
    pub(super) folder: &'p str,
    /// Without extension, and without `.min` and the like before it.
    pub(super) stem: &'p str,
    /// That suffix: `.min`, or nothing.
    pub(super) ending: &'p str,
    /// In lower case; for a source map: `map`.
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

    /// Whether it is a script or style: bundlers combine these from other files, so their hash is not a digest of the bytes.
    pub(super) fn is_code(&self) -> bool {
        matches!(self.extension.as_str(), "js" | "mjs" | "cjs" | "css")
    }

    /// The hash that can hardly be read in another way; of several, the last one.
    pub(super) fn clear_hash(&self) -> Option<(Position, &'p str)> {
        self.positions().filter(|(_, token)| tokens::reads_as_a_hash(token)).last()
    }

    /// Whether it contains anything that could be a tool's hash. Base64 may contain a separator itself.
    pub(super) fn may_hold_a_hash(&self) -> bool {
        let of_eight = |token: &&str| token.len() == 8 && tokens::has_both_cases(token);
        let eight = self.positions().map(|(_, token)| token).filter(of_eight);
        self.stem.split(['-', '.', '_', '~']).chain(eight).any(tokens::may_be_a_hash)
    }

    /// The last part that could be a tool's hash.
    pub(super) fn last_possible_hash(&self) -> Option<&'p str> {
        let endings = self.positions().map(|(_, token)| token).filter(|token| !token.contains('.'));
        let first = self.stem.split(['-', '.']).next();
        endings.chain(first).filter(|token| tokens::may_be_a_hash(token)).last()
    }

    /// The parts before each `-` and `.`, after each `-`, `.`, `_` and `~`, and the whole: possible positions of a hash.
    pub(super) fn positions(&self) -> impl Iterator<Item = (Position, &'p str)> {
        let stem = self.stem;
        let at =
            |separators: &'static [u8]| stem.bytes().enumerate().filter(move |(_, byte)| separators.contains(byte));
        let after = at(b"-._~").map(move |(at, byte)| (Position::After(byte), &stem[at + 1..]));
        let before = at(b"-.").map(move |(at, byte)| (Position::Before(byte), &stem[..at]));
        before.chain([(Position::Bare, stem)]).chain(after)
    }
}

/// The position of the hash in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Position {
    /// At the end, after this separator.
    After(u8),
    /// At the beginning, before this separator.
    Before(u8),
    /// It is the whole name.
    Bare,
}

impl Position {
    /// The `length` characters of `name` at this position.
    pub(super) fn token<'p>(self, name: &Name<'p>, length: usize) -> Option<&'p str> {
        let stem = name.stem;
        match self {
            Position::Bare => (stem.len() == length).then_some(stem),
            Position::After(separator) => {
                let start = stem.len().checked_sub(length).filter(|&start| start > 0)?;
                (stem.as_bytes()[start - 1] == separator).then(|| stem.get(start..))?
            }
            Position::Before(separator) => {
                (stem.as_bytes().get(length) == Some(&separator)).then(|| stem.get(..length))?
            }
        }
    }
}

/// The path without the hash and the separator before or after it.
pub(super) fn without(path: &SitePath, token: &str) -> Option<SitePath> {
    let name = path.file_name();
    let at = name.rfind(token)?;
    let (before, after) = (&name[..at], &name[at + token.len()..]);
    let before = before.strip_suffix(['-', '.', '_', '~'])?;
    let folder = path.as_str().strip_suffix(name)?;
    SitePath::new(format!("{folder}{before}{after}")).ok()
}

//! A referenced script or style, with a part of its name read as a hash: the evidence for that reading.

use super::super::alphabet::Alphabet;
use super::super::tokens;
use super::candidates::{Candidate, Strength};
use super::naming::Naming;
use crate::content::path::SitePath;

/// A part of the name of a script or style, read as a hash.
#[derive(Clone, Copy)]
pub(in super::super) struct Reading<'r, 's> {
    pub(super) candidate: &'r Candidate<'s>,
    /// The most certain reference to it.
    strength: Strength,
    /// The file that contains the reference.
    pub(in super::super) by: &'s SitePath,
    /// The part.
    pub(in super::super) token: &'s str,
    /// How the site's bundler names files, if the name matches.
    naming: Option<&'r Naming<'s>>,
}

impl<'r, 's> Reading<'r, 's> {
    /// With the bundler's naming; `None`: the name does not match it, or nothing refers to the file.
    pub(super) fn by_naming(
        candidate: &'r Candidate<'s>,
        token: &'s str,
        naming: &'r Naming<'s>,
    ) -> Option<Reading<'r, 's>> {
        let (strength, by) = candidate.referred?;
        let is_made_up = tokens::is_digits(token) && naming.alphabet != Alphabet::Hex || tokens::is_patterned(token);
        let fits = naming.alphabet.has_all_of(token) && !is_made_up;
        fits.then_some(Reading { candidate, strength, by, token, naming: Some(naming) })
    }

    /// By itself, whatever the bundler's naming.
    pub(super) fn by_itself(candidate: &'r Candidate<'s>) -> Option<Reading<'r, 's>> {
        let (strength, by) = candidate.referred?;
        let (_, token) = candidate.clear_hash?;
        Some(Reading { candidate, strength, by, token, naming: None })
    }

    fn is_likely(&self, naming: &Naming<'_>) -> bool {
        tokens::is_likely(naming.alphabet, self.token)
    }

    fn is_by_bundler(&self) -> bool {
        self.strength > Strength::Loose || self.candidate.bundles
    }

    /// As [`Reading::is_by_bundler`], but for a module that may be a copy of what was built elsewhere.
    fn is_by_bundler_beside(&self, naming: &Naming<'_>) -> bool {
        let Candidate { name, bundles, .. } = self.candidate;
        let is_below = || naming.folders.iter().any(|home| !home.is_empty() && name.folder.starts_with(home));
        let may_be_foreign = self.strength == Strength::Module && !bundles && !naming.is_home_of(name) && !is_below();
        self.is_by_bundler() && !may_be_foreign
    }
}

/// Whether only a bundler refers in this way to a file with such a name.
pub(in super::super) fn is_referred_to_by_bundler(reading: &Reading<'_, '_>) -> bool {
    reading.naming.is_some_and(|naming| reading.is_likely(naming) && reading.is_by_bundler_beside(naming))
}

/// Whether a page loads it from the bundler's folder, and nothing distinguishes it from the bundler's files.
pub(in super::super) fn is_loaded_as_bundlers(reading: &Reading<'_, '_>) -> bool {
    reading.naming.is_some_and(|naming| {
        let candidate = reading.candidate;
        let reads_as_base32 = naming.alphabet == Alphabet::Base32 && tokens::count_runs(reading.token) >= 3;
        let stands_alone = candidate.is_classic && naming.has_modules && !naming.has_classics && !reads_as_base32;
        let lacks_proof = naming.proven.contains(&candidate.name.extension) || candidate.should_be_proven;
        let has_ending = naming.endings.contains(candidate.name.ending);
        reading.is_likely(naming)
            && has_ending
            && !stands_alone
            && (!lacks_proof || candidate.shares_its_hash)
            && naming.is_home_of(&candidate.name)
    })
}

/// Whether only a bundler refers in this way to a file, though the hash reads as words: people write such names too, and
/// import such files.
pub(in super::super) fn reads_as_words(reading: &Reading<'_, '_>) -> bool {
    reading.naming.is_some_and(|naming| {
        let is_among_bundlers = naming.folders.contains(reading.candidate.name.folder);
        !reading.is_likely(naming) && reading.is_by_bundler_beside(naming) && is_among_bundlers
    })
}

/// Whether the hash is long enough to be evidence by itself; if anyone may have written the reference, one of 128 bits
/// or more.
pub(in super::super) fn is_long(reading: &Reading<'_, '_>) -> bool {
    reading.naming.is_none()
        && tokens::is_long_hex(reading.token)
        && (reading.is_by_bundler() || reading.token.len() >= 32)
}

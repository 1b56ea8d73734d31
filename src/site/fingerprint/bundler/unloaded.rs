//! The entry of a bundler that no page of this site loads.

use super::super::alphabet::Alphabet;
use super::super::facts::Tie;
use super::super::name::{Name, without};
use super::super::tokens;
use super::candidates::{Candidate, Strength, is_by_hand};
use super::naming::Naming;
use super::{Bundler, By, Hit, Hits};
use crate::content::path::SitePath;
use crate::content::proof::Proof;

/// A file that refers to the bundler's files, and is named like them.
///
/// People do not write hashes of other files into their own, since these change with every build. A tool that runs
/// after the bundler does, to list its output. So the name must match as closely as possible: the same folder, a hash that
/// reads as no kind of word, and no file without it.
pub(in super::super) fn entries<'s>(bundler: &Bundler<'s>, known: &Hits<'s>) -> Vec<Hit<'s>> {
    let is_unreferred = |candidate: &&Candidate<'s>| {
        candidate.referred.is_none() && candidate.proof.is_none() && !known.contains_key(candidate.path)
    };
    let entry = |candidate: &Candidate<'s>| {
        let facts = bundler.files.get(candidate.path).filter(|facts| !is_by_hand(candidate.path, facts))?;
        bundler.namings.iter().find_map(|((position, length, _), naming)| {
            let token =
                position.token(&candidate.name, *length).filter(|token| naming.is_of(&candidate.name, token))?;
            without(candidate.path, token).is_none_or(|twin| !bundler.files.contains_key(&twin)).then_some(())?;
            // A git commit looks like a hexadecimal hash, and tools put one into names.
            let is_proven = |path: &SitePath| {
                let proof = bundler.files.get(path).and_then(|facts| facts.traces.proof.as_ref());
                naming.alphabet != Alphabet::Hex && proof.is_some_and(Proof::is_unlikely_by_chance)
            };
            let tells = |tie: &&'s Tie| {
                let is_sure = Strength::of(tie, candidate.path) > Strength::Loose && known.contains_key(&tie.to);
                tie.to != *candidate.path && (is_sure || is_proven(&tie.to))
            };
            // It must not be the only example of the naming.
            let is_taught = |other: &Candidate<'s>| {
                let is_by_another = other.referred.is_some_and(|(_, by)| by != candidate.path);
                let token = position.token(&other.name, *length);
                is_by_another
                    && other.name.folder == candidate.name.folder
                    && token.is_some_and(|token| naming.alphabet.has_all_of(token))
                    && known.contains_key(other.path)
            };
            bundler.candidates.iter().find(|other| is_taught(other))?;
            let to = facts.ties.iter().filter(tells).map(|tie| &tie.to).min()?;
            Some(Hit { path: candidate.path, token, by: By::Referred(to) })
        })
    };
    bundler.candidates.iter().filter(is_unreferred).filter_map(entry).collect()
}

impl Naming<'_> {
    /// Whether a file is where the bundler writes others, and `token` is likely to be from the alphabet of their hashes.
    fn is_of(&self, name: &Name<'_>, token: &str) -> bool {
        self.folders.contains(name.folder)
            && !self.proven.contains(&name.extension)
            && self.alphabet.has_all_of(token)
            && tokens::is_likely(self.alphabet, token)
    }
}

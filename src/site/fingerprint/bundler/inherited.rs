//! Whether the bundler of a site writes the names of its chunks without a hash.
//!
//! A chunk is named after a module. If the module is a file of a library, built elsewhere and named with a hash by that
//! build (`lib-CBtriEt5.js`), the chunk's name has that hash too, and its bytes change under that name: with another version
//! of the minifier, another import, another used line of the library. If the bundler adds a hash of its own,
//! that does no harm. So if some of its chunks have none, another chunk's hash may not be the bundler's.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::{Facts, Tie};
use super::super::name::Name;
use super::candidates::Candidate;
use super::naming::Namings;
use crate::content::path::SitePath;
use crate::content::references::Form;

/// The folders in which there are chunks without a hash.
pub(super) fn folders_with_unhashed_chunks<'s>(
    files: &'s BTreeMap<SitePath, Facts>,
    candidates: &[Candidate<'s>],
    namings: &Namings<'s>,
) -> BTreeSet<&'s str> {
    let imported: BTreeSet<&SitePath> = files
        .iter()
        .filter(|(from, _)| !from.is_page())
        .flat_map(|(from, facts)| facts.ties.iter().filter(move |tie| tie.to != *from && is_import(tie)))
        .map(|tie| &tie.to)
        .collect();
    let is_chunk = |candidate: &&Candidate<'s>| {
        !candidate.is_style() && (imported.contains(candidate.path) || candidate.is_vites_entry())
    };
    let unhashed = candidates.iter().filter(is_chunk).filter(|candidate| is_unhashed(candidate, namings));
    unhashed.map(|candidate| candidate.name.folder).collect()
}

fn is_import(tie: &Tie) -> bool {
    matches!(tie.form, Form::Import | Form::DynamicImport)
}

/// Whether no part of the name can be a hash, neither of this site's bundler nor of any other.
fn is_unhashed(candidate: &Candidate<'_>, namings: &Namings<'_>) -> bool {
    let fits = |name: &Name<'_>| {
        namings.iter().any(|((position, length, _), naming)| {
            position.token(name, *length).is_some_and(|token| naming.alphabet.has_all_of(token))
        })
    };
    candidate.proof.is_none() && candidate.clear_hash.is_none() && !fits(&candidate.name)
}

impl Candidate<'_> {
    /// Whether a page loads it as Vite's entries are loaded, and it loads other files as they do.
    fn is_vites_entry(&self) -> bool {
        self.bundles && self.is_module && self.manners.iter().any(|manner| manner.is_vites())
    }
}

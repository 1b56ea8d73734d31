//! What a bundler wrote, although nothing refers to it.

use std::collections::BTreeMap;

use super::super::Facts;
use super::super::name::{Alphabet, Name};
use super::candidates::{Candidate, Strength, is_by_hand};
use super::templates::{Template, Templates, may_be_drawn};
use super::{By, Emitted};
use crate::content::path::SitePath;
use crate::content::proof::Proof;

/// What nothing refers to, but is named after a file that is believed: a page's script without the parts that are in its
/// HTML (VitePress's `.lean.js`) by the same hash, and the style of a script (esbuild, Bun) by one of its own, beside it or
/// in a folder beside it (SvelteKit).
pub(super) fn siblings<'s>(
    candidates: &[Candidate<'s>],
    templates: &Templates<'s>,
    emitted: &BTreeMap<&'s SitePath, Emitted<'s>>,
) -> Vec<(&'s SitePath, Emitted<'s>)> {
    let mut by_stem: BTreeMap<(&str, &str), (&SitePath, &str)> = BTreeMap::new();
    let mut by_name: BTreeMap<(&str, &str), &SitePath> = BTreeMap::new();
    for candidate in candidates {
        let Some(Emitted { token, .. }) = emitted.get(candidate.path) else { continue };
        let Name { folder, stem, .. } = candidate.name;
        by_stem.entry((folder, stem)).or_insert((candidate.path, token));
        by_name.entry((folder, stem.strip_suffix(token.as_str()).unwrap_or_default())).or_insert(candidate.path);
    }
    let sibling = |candidate: &Candidate<'s>| {
        let Name { folder, stem, .. } = candidate.name;
        if let Some((sibling, token)) = by_stem.get(&(folder, stem)) {
            return Some((candidate.path, Emitted { token: (*token).to_owned(), by: By::Sibling(sibling) }));
        }
        templates.iter().find_map(|((place, length, _), template)| {
            let token = place.token(&candidate.name, *length)?;
            let name = stem.strip_suffix(token)?;
            let sibling = by_name.get(&(folder, name)).or_else(|| by_name.get(&(around(folder)?, name)))?;
            // What a page loads beside its like of the other kind needs no more than a hash that nobody speaks.
            let is_style = candidate.name.extension == "css";
            let is_loaded = candidate.referred.is_some() && (is_style || candidate.is_module);
            let fits = (is_style || is_loaded)
                && is_style != has_extension(sibling, "css")
                && template.alphabet.has_all_of(token)
                && (template.alphabet.is_likely(token) || is_loaded && may_be_drawn(token));
            fits.then(|| (candidate.path, Emitted { token: token.to_owned(), by: By::Sibling(sibling) }))
        })
    };
    let others =
        candidates.iter().filter(|candidate| !emitted.contains_key(candidate.path) && candidate.proof.is_none());
    others.filter_map(sibling).collect()
}

/// The folder around a folder that is not at the top of the site.
fn around(folder: &str) -> Option<&str> {
    let end = folder.strip_suffix('/')?.rfind('/')?;
    Some(&folder[..=end])
}

/// What refers to that which is believed, and is named as it: the entry of a bundler that no page of this site loads.
///
/// People do not write the hashes of others into their files, since these change with every build. A tool that comes
/// after the bundler does, to list what it wrote. So the name must fit as closely as can be: the same folder, a hash that
/// reads as none of a word, and no file without it.
pub(super) fn referring<'s>(
    files: &'s BTreeMap<SitePath, Facts>,
    candidates: &[Candidate<'s>],
    templates: &Templates<'s>,
    emitted: &BTreeMap<&'s SitePath, Emitted<'s>>,
) -> Vec<(&'s SitePath, Emitted<'s>)> {
    let is_unreferred = |candidate: &&Candidate<'s>| {
        candidate.referred.is_none() && candidate.proof.is_none() && !emitted.contains_key(candidate.path)
    };
    let referring = |candidate: &Candidate<'s>| {
        let facts = files.get(candidate.path).filter(|facts| !is_by_hand(candidate.path, facts))?;
        templates.iter().find_map(|((place, length, _), template)| {
            let token = place.token(&candidate.name, *length).filter(|token| template.is_of(&candidate.name, token))?;
            super::without(candidate.path, token).is_none_or(|twin| !files.contains_key(&twin)).then_some(())?;
            // A commit of git looks as a hexadecimal hash does, and tools put one into names.
            let is_proven = |path: &SitePath| {
                let proof = files.get(path).and_then(|facts| facts.traces.proof.as_ref());
                template.alphabet != Alphabet::Hex && proof.is_some_and(Proof::is_unlikely_by_chance)
            };
            let tells = |tie: &&'s super::super::Tie| {
                let is_sure = tie.strength(candidate.path) > Strength::Loose && emitted.contains_key(&tie.to);
                tie.to != *candidate.path && (is_sure || is_proven(&tie.to))
            };
            // It must not be the only one to teach how names are written.
            let is_taught = |other: &&Candidate<'s>| {
                let is_by_another = other.referred.is_some_and(|(_, by)| by != candidate.path);
                let token = place.token(&other.name, *length);
                is_by_another
                    && other.name.folder == candidate.name.folder
                    && token.is_some_and(|token| template.alphabet.has_all_of(token))
                    && emitted.contains_key(other.path)
            };
            candidates.iter().find(is_taught)?;
            let to = facts.ties.iter().filter(tells).map(|tie| &tie.to).min()?;
            Some((candidate.path, Emitted { token: token.to_owned(), by: By::Referred(to) }))
        })
    };
    candidates.iter().filter(is_unreferred).filter_map(referring).collect()
}

impl Template<'_> {
    /// Whether a file lies where the bundler writes others, and `token` is likely to be drawn as their hashes are.
    fn is_of(&self, name: &Name<'_>, token: &str) -> bool {
        self.folders.contains(name.folder)
            && !self.sealed.contains(&name.extension)
            && self.alphabet.has_all_of(token)
            && self.alphabet.is_likely(token)
    }
}

fn has_extension(path: &SitePath, extension: &str) -> bool {
    path.extension().as_deref() == Some(extension)
}

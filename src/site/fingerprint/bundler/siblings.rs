//! Files that need no reference, because they are named after one of the bundler's files.

use std::collections::BTreeMap;

use super::super::name::Name;
use super::super::tokens;
use super::candidates::Candidate;
use super::{Bundler, By, Hit, Hits};
use crate::content::path::SitePath;

/// A file with the same hash and the same name except for its suffix: a page's script without the parts that are in its
/// HTML (VitePress's `.lean.js`).
pub(in super::super) fn with_the_same_hash<'s>(bundler: &Bundler<'s>, known: &Hits<'s>) -> Vec<Hit<'s>> {
    let mut by_stem: BTreeMap<(&str, &str), Hit<'s>> = BTreeMap::new();
    for (candidate, hit) in among(bundler, known) {
        by_stem.entry((candidate.name.folder, candidate.name.stem)).or_insert(hit);
    }
    let sibling = |candidate: &Candidate<'s>| {
        let hit = by_stem.get(&(candidate.name.folder, candidate.name.stem))?;
        Some(Hit { path: candidate.path, token: hit.token, by: By::Sibling(hit.path) })
    };
    unknown(bundler, known).filter_map(sibling).collect()
}

/// The style of a script (esbuild, Bun) with a hash of its own, beside it or in a folder beside it (SvelteKit); and the
/// script of a style, if a page loads it.
pub(in super::super) fn of_the_same_name<'s>(bundler: &Bundler<'s>, known: &Hits<'s>) -> Vec<Hit<'s>> {
    let mut by_name: BTreeMap<(&str, &str), &SitePath> = BTreeMap::new();
    for (candidate, hit) in among(bundler, known) {
        let name = candidate.name.stem.strip_suffix(hit.token).unwrap_or_default();
        by_name.entry((candidate.name.folder, name)).or_insert(hit.path);
    }
    let sibling = |candidate: &Candidate<'s>| {
        let Name { folder, stem, .. } = candidate.name;
        bundler.namings.iter().find_map(|((position, length, _), naming)| {
            let token = position.token(&candidate.name, *length)?;
            let name = stem.strip_suffix(token)?;
            let sibling = by_name.get(&(folder, name)).or_else(|| by_name.get(&(around(folder)?, name)))?;
            // If a page loads it beside a file of the same name and the other kind, its hash need only look random.
            let is_style = candidate.is_style();
            let is_loaded = candidate.referred.is_some() && (is_style || candidate.is_module);
            let fits = (is_style || is_loaded)
                && is_style != (sibling.extension().as_deref() == Some("css"))
                && naming.alphabet.has_all_of(token)
                && (tokens::is_likely(naming.alphabet, token) || is_loaded && tokens::may_be_random(token));
            fits.then_some(Hit { path: candidate.path, token, by: By::Sibling(sibling) })
        })
    };
    unknown(bundler, known).filter_map(sibling).collect()
}

fn among<'b, 's>(bundler: &'b Bundler<'s>, known: &Hits<'s>) -> impl Iterator<Item = (&'b Candidate<'s>, Hit<'s>)> {
    bundler.candidates.iter().filter_map(|candidate| Some((candidate, *known.get(candidate.path)?)))
}

fn unknown<'b, 's>(bundler: &'b Bundler<'s>, known: &Hits<'s>) -> impl Iterator<Item = &'b Candidate<'s>> {
    bundler.candidates.iter().filter(|candidate| !known.contains_key(candidate.path) && candidate.proof.is_none())
}

/// The parent of a folder, if the folder is not at the top of the site.
fn around(folder: &str) -> Option<&str> {
    let end = folder.strip_suffix('/')?.rfind('/')?;
    Some(&folder[..=end])
}

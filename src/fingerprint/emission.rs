//! What a bundler wrote, told by who refers to whom.
//!
//! Bundlers give their scripts and styles names of one kind, and refer to them in ways that nobody writes by hand: a
//! relative import of `./shared-BYf2qJoX.js`, a list of chunks, the table of a runtime. Where such names are found, all
//! that fit them and are referred to are believed, also those that could be read as words. Pictures, fonts and data are
//! not judged here: bundlers name them by a digest of their bytes, which is proven.

use std::collections::{BTreeMap, BTreeSet};

use super::name::{Alphabet, Name, Place};
use super::{Facts, Standing, shape};
use crate::path::SitePath;
use crate::references::{Form, Role};

/// How a site's bundler names what it writes: the place and length of the hash, and what is known of it.
type Templates = BTreeMap<(Place, usize), Template>;

struct Template {
    alphabet: Alphabet,
    /// Whether pages load what has such names with a classic `<script>`.
    is_classic: bool,
}

/// A script or style that might be fingerprinted.
struct Candidate<'s> {
    path: &'s SitePath,
    name: Name<'s>,
    /// The hash that can hardly be read in another way.
    strict: Option<(Place, &'s str)>,
    is_proven: bool,
    /// Who refers to it as only a bundler does.
    bundled_by: Option<&'s SitePath>,
    /// Which page loads it.
    loaded_by: Option<&'s SitePath>,
    /// Whether pages load it only with a classic `<script>`.
    is_classic: bool,
    /// Whether it refers to other files as only a bundler does.
    bundles: bool,
}

/// A script or style that is believed.
pub(super) struct Emitted<'s> {
    pub(super) token: String,
    /// A file that refers to it, or one that it is named after.
    pub(super) by: By<'s>,
}

#[derive(Clone, Copy)]
pub(super) enum By<'s> {
    Reference(&'s SitePath),
    Sibling(&'s SitePath),
}

/// What is believed.
pub(super) fn emitted<'s>(files: &'s BTreeMap<SitePath, Facts>) -> BTreeMap<&'s SitePath, Emitted<'s>> {
    let candidates = candidates(files);
    let templates = templates(&candidates);
    let mut emitted: BTreeMap<&SitePath, Emitted<'s>> = BTreeMap::new();
    for candidate in &candidates {
        let believed = templates.iter().find_map(|((place, length), template)| {
            let token = place.token(&candidate.name, *length)?;
            is_believed(candidate, token, template).then_some(token)
        });
        let Some((token, by)) = believed.zip(candidate.bundled_by.or(candidate.loaded_by)) else { continue };
        if !without(candidate.path, token).is_some_and(|twin| files.contains_key(&twin)) {
            emitted.insert(candidate.path, Emitted { token: token.to_owned(), by: By::Reference(by) });
        }
    }
    let siblings = siblings(&candidates, &templates, &emitted);
    emitted.extend(siblings);
    emitted
}

/// What nothing refers to, but is named after a file that is believed: a page's script without the parts that are in its
/// HTML (VitePress's `.lean.js`) by the same hash, and the style of a script (esbuild, Bun) by one of its own.
fn siblings<'s>(
    candidates: &[Candidate<'s>],
    templates: &Templates,
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
        templates.iter().find_map(|((place, length), template)| {
            let token = place.token(&candidate.name, *length)?;
            let sibling = by_name.get(&(folder, stem.strip_suffix(token)?))?;
            let fits = candidate.name.extension == "css"
                && template.alphabet.has_all_of(token)
                && template.alphabet.is_likely(token);
            fits.then(|| (candidate.path, Emitted { token: token.to_owned(), by: By::Sibling(sibling) }))
        })
    };
    let others = candidates.iter().filter(|candidate| !emitted.contains_key(candidate.path) && !candidate.is_proven);
    others.filter_map(sibling).collect()
}

fn candidates<'s>(files: &'s BTreeMap<SitePath, Facts>) -> Vec<Candidate<'s>> {
    let mut bundled_by: BTreeMap<&SitePath, &SitePath> = BTreeMap::new();
    let mut loaded_by: BTreeMap<&SitePath, (&SitePath, bool)> = BTreeMap::new();
    let mut bundles: BTreeSet<&SitePath> = BTreeSet::new();
    for (from, facts) in files {
        for tie in facts.ties.iter().filter(|tie| tie.to != *from) {
            if tie.is_a_bundlers() {
                let by = bundled_by.entry(&tie.to).or_insert(from);
                if !from.is_page() {
                    bundles.insert(from);
                    if by.is_page() {
                        *by = from;
                    }
                }
            } else if from.is_page() && matches!(tie.role, Role::Script | Role::Style) {
                let (_, classic) = loaded_by.entry(&tie.to).or_insert((from, true));
                *classic &= tie.role == Role::Script;
            }
        }
    }
    let candidate = |(path, facts): (&'s SitePath, &Facts)| {
        let name = Name::of(path).filter(|name| name.is_code() && Standing::of(path) == Standing::Open)?;
        let loaded = loaded_by.get(path);
        Some(Candidate {
            path,
            strict: shape::strict(&name),
            name,
            is_proven: facts.proof.is_some(),
            bundled_by: bundled_by.get(path).copied(),
            loaded_by: loaded.map(|(from, _)| *from),
            is_classic: loaded.is_some_and(|(_, classic)| *classic) && !bundled_by.contains_key(path),
            bundles: bundles.contains(path),
        })
    };
    files.iter().filter_map(candidate).collect()
}

/// How the bundler names its files. Names that only pages use count where there are no others.
fn templates(candidates: &[Candidate<'_>]) -> Templates {
    let referred = || candidates.iter().filter(|candidate| candidate.bundled_by.or(candidate.loaded_by).is_some());
    let sure: Vec<&Candidate<'_>> = referred()
        .filter(|candidate| candidate.bundled_by.is_some() || candidate.bundles || candidate.is_proven)
        .collect();
    let templates = gather(&sure);
    if templates.is_empty() { gather(&referred().collect::<Vec<_>>()) } else { templates }
}

fn gather(candidates: &[&Candidate<'_>]) -> Templates {
    let mut tokens: BTreeMap<(Place, usize), (Vec<&str>, bool)> = BTreeMap::new();
    for candidate in candidates {
        if let Some((place, token)) = candidate.strict {
            let (tokens, is_classic) = tokens.entry((place, token.len())).or_default();
            tokens.push(token);
            *is_classic |= candidate.is_classic;
        }
    }
    let template = |(at, (tokens, is_classic)): ((Place, usize), (Vec<&str>, bool))| {
        Some((at, Template { alphabet: Alphabet::of(tokens.iter().copied())?, is_classic }))
    };
    tokens.into_iter().filter_map(template).collect()
}

fn is_believed(candidate: &Candidate<'_>, token: &str, template: &Template) -> bool {
    if candidate.bundled_by.is_some_and(|by| !by.is_page()) {
        // The script that refers to it had its own name written by the same tool: also what looks like a word is a hash.
        let digits_alone = token.bytes().all(|byte| byte.is_ascii_digit());
        return Alphabet::Base64Url.has_all_of(token) && (!digits_alone || template.alphabet == Alphabet::Hex);
    }
    let fits = template.alphabet.has_all_of(token) && (candidate.bundles || template.alphabet.is_likely(token));
    fits && (!candidate.is_classic || template.is_classic || candidate.bundles)
}

/// The path without the hash and the separator before or after it.
fn without(path: &SitePath, token: &str) -> Option<SitePath> {
    let name = path.file_name();
    let at = name.rfind(token)?;
    let (before, after) = (&name[..at], &name[at + token.len()..]);
    let before = before.strip_suffix(['-', '.', '_', '~'])?;
    let folder = path.as_str().strip_suffix(name)?;
    SitePath::new(format!("{folder}{before}{after}")).ok()
}

impl super::Tie {
    /// Whether nobody but a bundler writes such a reference to a file with a hash in its name.
    fn is_a_bundlers(&self) -> bool {
        match self.form {
            Form::Import | Form::ScriptUrl | Form::List | Form::ChunkName => true,
            Form::Attribute => self.role == Role::Module,
            Form::Style | Form::WebManifest | Form::Text => false,
        }
    }
}

//! What a bundler wrote, told by who refers to whom.
//!
//! Bundlers give their scripts and styles names of one kind, and refer to them in ways that nobody writes by hand: a
//! relative import of `./shared-BYf2qJoX.js`, a list of chunks, the table of a runtime. Where such names are found, all
//! that fit them and are referred to are believed, also those that could be read as words. Pictures, fonts and data are
//! not judged here: bundlers name them by a digest of their bytes, which is proven.

mod candidates;
mod manners;
mod templates;
mod unreferred;

use std::collections::{BTreeMap, BTreeSet};

use super::name::Alphabet;
use super::{Facts, shape};
use crate::content::path::SitePath;
use crate::content::references::Form;

use self::candidates::{Candidate, Strength, candidates};
use self::manners::Manners;
use self::templates::{Template, Templates, templates};

/// A script or style that is believed.
pub(super) struct Emitted<'s> {
    pub(super) token: String,
    /// A file that refers to it, one that it is named after, or one that it refers to.
    pub(super) by: By<'s>,
}

#[derive(Clone, Copy)]
pub(super) enum By<'s> {
    Reference(&'s SitePath),
    Sibling(&'s SitePath),
    Referred(&'s SitePath),
}

/// What is believed.
pub(super) fn emitted<'s>(files: &'s BTreeMap<SitePath, Facts>) -> BTreeMap<&'s SitePath, Emitted<'s>> {
    let candidates = candidates(files);
    let manners = Manners::of(&candidates);
    let vouched: Vec<&Candidate<'s>> = candidates.iter().filter(|candidate| manners.vouch_for(candidate)).collect();
    let templates = templates(&vouched);
    let mut emitted: BTreeMap<&SitePath, Emitted<'s>> = BTreeMap::new();
    let mut unsure = Vec::new();
    for candidate in candidates.iter().filter(|candidate| manners.admit(candidate)) {
        let Some((token, by, belief)) = token_of(candidate, &templates) else { continue };
        if without(candidate.path, token).is_some_and(|twin| files.contains_key(&twin)) {
            continue;
        }
        match belief {
            Belief::Believed => {
                emitted.insert(candidate.path, Emitted { token: token.to_owned(), by: By::Reference(by) });
            }
            Belief::IfKin => unsure.push((candidate, token, by)),
        }
    }
    for (candidate, token, by) in kin(files, unsure, &emitted) {
        emitted.insert(candidate.path, Emitted { token: token.to_owned(), by: By::Reference(by) });
    }
    let siblings = unreferred::siblings(&candidates, &templates, &emitted);
    emitted.extend(siblings);
    let referring = unreferred::referring(files, &candidates, &templates, &emitted);
    emitted.extend(referring);
    emitted
}

/// The hash in a name, who refers to it, and whether that is enough.
fn token_of<'s>(candidate: &Candidate<'s>, templates: &Templates<'s>) -> Option<(&'s str, &'s SitePath, Belief)> {
    let (strength, by) = candidate.referred?;
    let fitting = templates.iter().filter_map(|((place, length, _), template)| {
        let token = place.token(&candidate.name, *length)?;
        Some((token, by, belief(candidate, strength, token, template)?))
    });
    // A long digest speaks for itself, however the bundler of the rest writes its own; where anybody may have written the
    // reference, only one of 128 bits or more.
    let long = || {
        let (_, token) = candidate.strict.filter(|(_, token)| shape::is_long_hex(token))?;
        let is_enough = is_by_bundler(candidate, strength) || token.len() >= 32;
        is_enough.then_some((token, by, Belief::Believed))
    };
    fitting.min_by_key(|(_, _, belief)| *belief).or_else(long)
}

/// How far a name is believed that is written as the bundler writes its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Belief {
    Believed,
    /// It reads as words: people write such names too, and import such files. It must belong to what is believed.
    IfKin,
}

fn is_by_bundler(candidate: &Candidate<'_>, strength: Strength) -> bool {
    strength > Strength::Loose || candidate.bundles
}

fn belief(candidate: &Candidate<'_>, strength: Strength, token: &str, template: &Template<'_>) -> Option<Belief> {
    let digits_alone = token.bytes().all(|byte| byte.is_ascii_digit());
    let is_made_up = digits_alone && template.alphabet != Alphabet::Hex || shape::is_patterned(token);
    if !template.alphabet.has_all_of(token) || is_made_up {
        return None;
    }
    let is_at_home = template.is_home_of(&candidate.name);
    // A module may be a copy of what was built elsewhere.
    let is_below = || template.folders.iter().any(|home| !home.is_empty() && candidate.name.folder.starts_with(home));
    let may_be_foreign = strength == Strength::Module && !candidate.bundles && !is_at_home && !is_below();
    let by_bundler = is_by_bundler(candidate, strength) && !may_be_foreign;
    if !template.alphabet.is_likely(token) {
        return (by_bundler && template.folders.contains(candidate.name.folder)).then_some(Belief::IfKin);
    }
    let reads_as_base32 = template.alphabet == Alphabet::Base32 && shape::count_runs(token) >= 3;
    let stands_alone = candidate.is_classic && template.has_modules && !template.has_classics && !reads_as_base32;
    let is_sealed = template.sealed.contains(&candidate.name.extension) || candidate.should_be_proven;
    let is_unproven = is_sealed && !candidate.shares_its_hash;
    let has_ending = template.endings.contains(candidate.name.ending);
    (by_bundler || has_ending && !stands_alone && !is_unproven && is_at_home).then_some(Belief::Believed)
}

/// Those of `unsure` that refer to what is believed as a bundler does, or that a script refers to so which also refers so to
/// what is believed, or is believed itself; and so on.
fn kin<'c, 's>(
    files: &'s BTreeMap<SitePath, Facts>,
    unsure: Vec<(&'c Candidate<'s>, &'s str, &'s SitePath)>,
    emitted: &BTreeMap<&'s SitePath, Emitted<'s>>,
) -> Vec<(&'c Candidate<'s>, &'s str, &'s SitePath)> {
    let mut unsure: BTreeMap<&SitePath, _> = unsure.into_iter().map(|unsure| (unsure.0.path, unsure)).collect();
    let mut found = Vec::new();
    let mut known: BTreeSet<&SitePath> = emitted.keys().copied().collect();
    while !unsure.is_empty() {
        let strong = |from: &'s SitePath, facts: &'s Facts| {
            facts.ties.iter().filter(move |tie| tie.strength(from) > Strength::Loose).map(|tie| &tie.to)
        };
        let bundled = files.iter().filter(|(from, facts)| {
            !from.is_page() && (known.contains(from) || strong(from, facts).any(|to| known.contains(to)))
        });
        let next: BTreeSet<&SitePath> = bundled
            .flat_map(|(from, facts)| strong(from, facts).chain([from]))
            .filter(|path| unsure.contains_key(path))
            .collect();
        if next.is_empty() {
            break;
        }
        found.extend(next.iter().filter_map(|path| unsure.remove(path)));
        known.extend(next);
    }
    found
}

/// Whether the names of others are filled into a script after its own hash was taken, so that its bytes change under its
/// name: where it lists files by the hashes in their names, but imports them by names that stay (`#entry` in an import map,
/// as Nuxt 4 does so that a change of the entry does not rename all); and in the scripts of Vite 2 and 3, which name the
/// style sheets that a dynamic import needs.
pub(super) fn is_loosely_tied(path: &SitePath, facts: &Facts) -> bool {
    let listed = || facts.ties.iter().filter(|tie| tie.form == Form::List);
    let imports_by_name = facts.ties.iter().any(|tie| tie.by_name);
    let imports_late = facts.ties.iter().any(|tie| tie.form == Form::DynamicImport);
    let names_styles = || imports_late && listed().any(|tie| tie.to.extension().as_deref() == Some("css"));
    imports_by_name && listed().next().is_some() || is_named_by_old_vite(path, facts) && names_styles()
}

/// `name.<8 hexadecimal digits>.js`, where it is not webpack's.
fn is_named_by_old_vite(path: &SitePath, facts: &Facts) -> bool {
    let token = path.file_name().strip_suffix(".js").and_then(|stem| stem.rsplit_once('.')).map(|(_, token)| token);
    facts.traces.chunk_array.is_none() && token.is_some_and(|token| token.len() == 8 && Alphabet::Hex.has_all_of(token))
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

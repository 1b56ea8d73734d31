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
use crate::proof::Proof;
use crate::references::{Form, Role};

/// How a site's bundler names what it writes: the place and length of the hash, and what is known of it.
type Templates = BTreeMap<(Place, usize), Template>;

struct Template {
    alphabet: Alphabet,
    /// Whether pages load scripts of such names as modules, and whether with a classic `<script>`.
    has_modules: bool,
    has_classics: bool,
    /// Extensions of files that such a name proves, by a digest that is taken last of all.
    sealed: BTreeSet<String>,
}

/// A file that shows how hashes are written: where the hash is in its name.
type Example<'c, 's> = (&'c Candidate<'s>, (Place, &'s str));

/// How surely a reference to a script or style is a bundler's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// A page loads the file, or a script holds its name: anybody writes that.
    Loose,
    /// A page loads it as a module, or it is in a list of a script.
    Likely,
    /// A script imports it, or puts its name together out of a table.
    Sure,
}

/// A script or style that might be fingerprinted.
struct Candidate<'s> {
    path: &'s SitePath,
    name: Name<'s>,
    /// The hash that can hardly be read in another way.
    strict: Option<(Place, &'s str)>,
    proof: Option<&'s Proof>,
    /// The surest reference to it, and whose that is.
    referred: Option<(Strength, &'s SitePath)>,
    /// How pages load it, if they do.
    is_module: bool,
    is_classic: bool,
    /// Whether it refers to other scripts and styles as a bundler does.
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
        let Some((token, by)) = believed_token(candidate, &templates) else { continue };
        if !without(candidate.path, token).is_some_and(|twin| files.contains_key(&twin)) {
            emitted.insert(candidate.path, Emitted { token: token.to_owned(), by: By::Reference(by) });
        }
    }
    let siblings = siblings(&candidates, &templates, &emitted);
    emitted.extend(siblings);
    emitted
}

/// The hash in a name, and who refers to it.
fn believed_token<'s>(candidate: &Candidate<'s>, templates: &Templates) -> Option<(&'s str, &'s SitePath)> {
    let (_, by) = candidate.referred?;
    let fitting = templates.iter().find_map(|((place, length), template)| {
        let token = place.token(&candidate.name, *length)?;
        is_believed(candidate, token, template).then_some(token)
    });
    // A long digest speaks for itself, however the bundler of the rest writes its own.
    let long = || candidate.strict.map(|(_, token)| token).filter(|token| shape::is_long_hex(token));
    Some((fitting.or_else(long)?, by))
}

fn is_believed(candidate: &Candidate<'_>, token: &str, template: &Template) -> bool {
    let Some((strength, _)) = candidate.referred else { return false };
    if strength == Strength::Sure {
        // The script that refers to it had its own name written by the same tool: also what looks like a word is a hash.
        let digits_alone = token.bytes().all(|byte| byte.is_ascii_digit());
        let is_made_up = digits_alone && template.alphabet != Alphabet::Hex || shape::is_patterned(token);
        return Alphabet::Base64Url.has_all_of(token) && !is_made_up;
    }
    let may_be_a_word = candidate.bundles && !shape::is_patterned(token);
    if !template.alphabet.has_all_of(token) || !(may_be_a_word || template.alphabet.is_likely(token)) {
        return false;
    }
    if strength == Strength::Likely || candidate.bundles {
        return true;
    }
    let stands_alone = candidate.is_classic && template.has_modules && !template.has_classics;
    !stands_alone && !template.sealed.contains(&candidate.name.extension)
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
                && !has_extension(sibling, "css")
                && template.alphabet.has_all_of(token)
                && template.alphabet.is_likely(token);
            fits.then(|| (candidate.path, Emitted { token: token.to_owned(), by: By::Sibling(sibling) }))
        })
    };
    let others =
        candidates.iter().filter(|candidate| !emitted.contains_key(candidate.path) && candidate.proof.is_none());
    others.filter_map(sibling).collect()
}

fn candidates<'s>(files: &'s BTreeMap<SitePath, Facts>) -> Vec<Candidate<'s>> {
    let mut referred: BTreeMap<&SitePath, (Strength, &SitePath)> = BTreeMap::new();
    let mut loaded: BTreeMap<&SitePath, (bool, bool)> = BTreeMap::new();
    let mut bundles: BTreeSet<&SitePath> = BTreeSet::new();
    for (from, facts) in files {
        for tie in facts.ties.iter().filter(|tie| tie.to != *from) {
            let strength = tie.strength(from);
            let surest = referred.entry(&tie.to).or_insert((strength, from));
            *surest = if strength > surest.0 { (strength, from) } else { *surest };
            if strength > Strength::Loose && !from.is_page() {
                bundles.insert(from);
            }
            if from.is_page() && tie.form == Form::Attribute {
                let (is_module, is_classic) = loaded.entry(&tie.to).or_default();
                *is_module |= tie.role == Role::Module;
                *is_classic |= tie.role == Role::Script;
            }
        }
    }
    let candidate = |(path, facts): (&'s SitePath, &'s Facts)| {
        let name = Name::of(path).filter(|name| name.is_code() && Standing::of(path) == Standing::Open)?;
        let (is_module, is_classic) = loaded.get(path).copied().unwrap_or_default();
        Some(Candidate {
            path,
            strict: shape::strict(&name),
            name,
            proof: facts.proof.as_ref(),
            referred: referred.get(path).copied(),
            is_module,
            is_classic: is_classic && !is_module,
            bundles: bundles.contains(path),
        })
    };
    files.iter().filter_map(candidate).collect()
}

/// Whether a script lists other files by the hashes in their names, but imports them by names that stay (`#entry` in an
/// import map, as Nuxt 4 does so that a change of the entry does not rename all): the list is filled in after its own hash
/// was taken, so that its bytes change under its name.
pub(super) fn is_loosely_tied(facts: &Facts) -> bool {
    facts.ties.iter().any(|tie| tie.by_name) && facts.ties.iter().any(|tie| tie.form == Form::List)
}

/// How the bundler names its files: as those that only a bundler refers to, and those that are proven. Names that pages use
/// like anybody's count where there are no others, and where there are two at least.
fn templates(candidates: &[Candidate<'_>]) -> Templates {
    let strict = |candidate: &&Candidate<'_>| candidate.strict.is_some();
    let referred: Vec<&Candidate<'_>> = candidates.iter().filter(|candidate| candidate.referred.is_some()).collect();
    let is_sure = |candidate: &&&Candidate<'_>| {
        let by_bundler = candidate.referred.is_some_and(|(strength, _)| strength > Strength::Loose);
        by_bundler || candidate.bundles || candidate.proof.is_some()
    };
    let sure: Vec<Example<'_, '_>> = referred
        .iter()
        .filter(is_sure)
        .filter_map(|candidate| Some((*candidate, candidate.strict?)))
        .chain(short_hashes(&referred))
        .collect();
    if !sure.is_empty() {
        return gather(&sure);
    }
    let all = referred.into_iter().filter(strict).filter_map(|candidate| Some((candidate, candidate.strict?)));
    let templates = gather(&all.clone().collect::<Vec<_>>());
    let at_least_two = |at: &(Place, usize)| {
        let tokens: BTreeSet<&str> =
            all.clone().map(|(_, (_, token))| token).filter(|token| token.len() == at.1).collect();
        tokens.len() >= 2
    };
    templates.into_iter().filter(|(at, _)| at_least_two(at)).collect()
}

/// Hashes of 5 to 7 hexadecimal digits (Nuxt 2, JupyterLite), which alone could be anything: of scripts that others import,
/// where several have one of the same length at the same place.
fn short_hashes<'c, 's>(referred: &[&'c Candidate<'s>]) -> Vec<Example<'c, 's>> {
    let mut by_template: BTreeMap<(Place, usize), Vec<Example<'c, 's>>> = BTreeMap::new();
    for candidate in
        referred.iter().filter(|candidate| candidate.referred.is_some_and(|(sure, _)| sure == Strength::Sure))
    {
        for (place, token) in candidate.name.places().filter(|(_, token)| shape::is_very_short_hex(token)) {
            by_template.entry((place, token.len())).or_default().push((candidate, (place, token)));
        }
    }
    by_template.into_values().filter(|members| members.len() >= 2).flatten().collect()
}

fn gather(members: &[Example<'_, '_>]) -> Templates {
    let mut by_template: BTreeMap<(Place, usize), Vec<&Example<'_, '_>>> = BTreeMap::new();
    for member in members {
        let (_, (place, token)) = member;
        by_template.entry((*place, token.len())).or_default().push(member);
    }
    let template = |(at, members): ((Place, usize), Vec<&Example<'_, '_>>)| {
        let proven = members.iter().filter(|(candidate, _)| candidate.proof.is_some_and(Proof::is_taken_last));
        let template = Template {
            alphabet: Alphabet::of(members.iter().map(|(_, (_, token))| *token))?,
            has_modules: members.iter().any(|(candidate, _)| candidate.is_module),
            has_classics: members.iter().any(|(candidate, _)| candidate.is_classic),
            sealed: proven.map(|(candidate, _)| candidate.name.extension.clone()).collect(),
        };
        Some((at, template))
    };
    by_template.into_iter().filter_map(template).collect()
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

fn has_extension(path: &SitePath, extension: &str) -> bool {
    path.extension().as_deref() == Some(extension)
}

impl super::Tie {
    /// How surely nobody but a bundler refers in such a way to a script or style with a hash in its name.
    fn strength(&self, from: &SitePath) -> Strength {
        match self.form {
            Form::Import | Form::DynamicImport | Form::ChunkName | Form::ScriptUrl if !from.is_page() => Strength::Sure,
            Form::List if !from.is_page() => Strength::Likely,
            Form::Attribute if self.role == Role::Module => Strength::Likely,
            _ => Strength::Loose,
        }
    }
}

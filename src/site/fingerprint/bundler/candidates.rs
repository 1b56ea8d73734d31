//! The scripts and styles that might be fingerprinted, and the references to them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::alphabet::Alphabet;
use super::super::facts::{Facts, Tie};
use super::super::name::{Name, Position};
use super::super::tokens;
use crate::content::path::SitePath;
use crate::content::proof::{Algorithm, Encoding, Proof};
use crate::content::references::{Form, Manner, Role};

/// How certain it is that a bundler wrote a reference to a script or style.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// A page loads the file, or a script contains its name: people write that too.
    Loose,
    /// A page loads it as a module. Bundlers write that, and so do people who copy a module that was built elsewhere.
    Module,
    /// It is in a list of a script.
    Listed,
    /// A script imports it, or builds its name from a table.
    Sure,
}

/// A script or style that might be fingerprinted.
pub(super) struct Candidate<'s> {
    pub(super) path: &'s SitePath,
    pub(super) name: Name<'s>,
    /// The hash that can hardly be read in another way, if the name has the form of the site's pictures.
    pub(super) clear_hash: Option<(Position, &'s str)>,
    pub(super) proof: Option<&'s Proof>,
    /// The array through which webpack finds it.
    pub(super) chunk_array: Option<&'s str>,
    /// The most certain reference to it, and the file that contains it.
    pub(super) referred: Option<(Strength, &'s SitePath)>,
    /// How pages load it, if they do.
    pub(super) is_module: bool,
    pub(super) is_classic: bool,
    /// Whether a page loads it, rather than only preloading it.
    pub(super) is_loaded_by_page: bool,
    /// Whether a webpack runtime builds its name from a table.
    pub(super) is_in_chunk_table: bool,
    /// The form of the tags by which pages load it.
    pub(super) manners: BTreeSet<Manner>,
    /// Whether it refers to other scripts and styles as a bundler does.
    pub(super) bundles: bool,
    /// Whether it is a style sheet beside pictures whose hashes are the start of their SHA-256, as in Rollup before version 4:
    /// then the hashes of its style sheets are too.
    pub(super) should_be_proven: bool,
    /// Whether another file has the same hash: webpack then computes it from all of them, so it is proof for none.
    pub(super) shares_its_hash: bool,
}

/// The scripts and styles of a site whose names are `is_open` to evidence.
pub(super) fn candidates<'s>(
    files: &'s BTreeMap<SitePath, Facts>,
    is_open: fn(&SitePath) -> bool,
) -> Vec<Candidate<'s>> {
    let mut referred: BTreeMap<&SitePath, (Strength, &SitePath)> = BTreeMap::new();
    let mut loaded: BTreeMap<&SitePath, BTreeSet<(Role, Option<Manner>)>> = BTreeMap::new();
    let mut bundles: BTreeSet<&SitePath> = BTreeSet::new();
    let (mut loaded_by_page, mut in_chunk_table) = (BTreeSet::new(), BTreeSet::new());
    for (from, facts) in files {
        let is_by_hand = is_by_hand(from, facts);
        for tie in facts.ties.iter().filter(|tie| tie.to != *from) {
            let strength = if is_by_hand { Strength::Loose } else { Strength::of(tie, from) };
            let surest = referred.entry(&tie.to).or_insert((strength, from));
            *surest = if strength > surest.0 { (strength, from) } else { *surest };
            if strength > Strength::Loose && !from.is_page() {
                bundles.insert(from);
            }
            match tie.form {
                Form::Tag(_) | Form::Import | Form::DynamicImport if from.is_page() => loaded_by_page.insert(&tie.to),
                Form::ChunkName => in_chunk_table.insert(&tie.to),
                _ => false,
            };
            let manner = match tie.form {
                Form::Tag(manner) => Some(manner),
                Form::Attribute => None,
                _ => continue,
            };
            if from.is_page() {
                loaded.entry(&tie.to).or_default().insert((tie.role, manner));
            }
        }
    }
    let pictures = proven_pictures(files, is_bundlers_base64);
    let pictures_of_old = proven_pictures(files, is_old_rollups);
    let mut candidate = |(path, facts): (&'s SitePath, &'s Facts)| {
        let name = Name::of(path).filter(|name| name.is_code() && is_open(path))?;
        let loaded = loaded.remove(path).unwrap_or_default();
        let is_style = name.extension == "css" && facts.traces.proof.is_none();
        let should_be_proven =
            is_style && beside(&name, &pictures_of_old).any(|(_, token)| Alphabet::Hex.has_all_of(token));
        let (is_module, is_classic) = (is_loaded_as(&loaded, Role::Module), is_loaded_as(&loaded, Role::Script));
        Some(Candidate {
            path,
            clear_hash: name.clear_hash().or_else(|| as_pictures(&name, &pictures)),
            name,
            proof: facts.traces.proof.as_ref(),
            chunk_array: facts.traces.chunk_array.as_deref(),
            referred: referred.get(path).copied(),
            is_module,
            is_loaded_by_page: loaded_by_page.contains(path),
            is_in_chunk_table: in_chunk_table.contains(path),
            is_classic: is_classic && !is_module,
            manners: loaded.into_iter().filter_map(|(_, manner)| manner).collect(),
            bundles: bundles.contains(path),
            should_be_proven,
            shares_its_hash: false,
        })
    };
    let mut candidates: Vec<Candidate<'s>> = files.iter().filter_map(&mut candidate).collect();
    let kind = |candidate: &Candidate<'s>| {
        Some((candidate.clear_hash?, candidate.name.folder, candidate.name.extension.clone()))
    };
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for kind in candidates.iter().filter_map(kind) {
        *counts.entry(kind).or_default() += 1;
    }
    for candidate in &mut candidates {
        candidate.shares_its_hash = kind(candidate).is_some_and(|kind| counts.get(&kind) > Some(&1));
    }
    candidates
}

fn is_loaded_as(loaded: &BTreeSet<(Role, Option<Manner>)>, wanted: Role) -> bool {
    loaded.iter().any(|(role, _)| *role == wanted)
}

/// The position and length of the hashes in the names of pictures, and their folder.
type Places<'s> = BTreeSet<(Position, usize, &'s str)>;

/// The hashes of pictures and similar files that have this kind of proof.
fn proven_pictures(files: &BTreeMap<SitePath, Facts>, is_wanted: fn(&Proof) -> bool) -> Places<'_> {
    let proven = files.iter().filter_map(|(path, facts)| Some((path, facts.traces.proof.as_ref()?)));
    proven.filter(|(_, proof)| is_wanted(proof)).filter_map(|(path, proof)| proven_picture(path, proof)).collect()
}

fn proven_picture<'s>(path: &'s SitePath, proof: &Proof) -> Option<(Position, usize, &'s str)> {
    let name = Name::of(path).filter(|name| !name.is_code())?;
    let (place, token) = name.positions().find(|(_, token)| *token == proof.token)?;
    Some((place, token.len(), name.folder))
}

/// Of 8 characters of base64, one in five could be something else without this.
fn is_bundlers_base64(proof: &Proof) -> bool {
    proof.encoding == Encoding::Base64Url && !proof.is_taken_last()
}

/// Rollup's before version 4, and thus that of Vite 2 to 4.
fn is_old_rollups(proof: &Proof) -> bool {
    proof.algorithm == Algorithm::Sha256 && proof.encoding == Encoding::Hex && proof.token.len() == 8
}

/// The tokens of a name at the positions of the hashes of pictures beside it.
fn beside<'s>(name: &Name<'s>, pictures: &Places<'s>) -> impl Iterator<Item = (Position, &'s str)> {
    let beside = pictures.iter().filter(|(.., folder)| *folder == name.folder);
    beside.filter_map(|(place, length, _)| Some((*place, place.token(name, *length)?)))
}

/// The hash in the name of a script or style that has the form of the pictures' names beside it.
fn as_pictures<'s>(name: &Name<'s>, pictures: &Places<'s>) -> Option<(Position, &'s str)> {
    let mut tokens = beside(name, pictures);
    tokens.find(|(_, token)| Alphabet::Base64Url.has_all_of(token) && tokens::is_likely(Alphabet::Base64Url, token))
}

/// Whether a file refers to several scripts and styles as bundlers do, but hardly any of their names contains a hash: a
/// library of unbundled modules, or a page that loads such modules.
pub(super) fn is_by_hand(from: &SitePath, facts: &Facts) -> bool {
    let strong = facts.ties.iter().filter(|tie| Strength::of(tie, from) > Strength::Loose);
    let names: Vec<Name<'_>> = strong.filter_map(|tie| Name::of(&tie.to).filter(Name::is_code)).collect();
    let is_hashed = |name: &&Name<'_>| {
        name.clear_hash().is_some()
            || name.positions().any(|(_, token)| tokens::is_very_short_hex(token) || tokens::may_be_base32(token))
    };
    names.len() >= 4 && names.iter().filter(is_hashed).count() * 4 < names.len()
}

impl Strength {
    /// How certain it is that a bundler wrote such a reference to a script or style with a hash in its name.
    pub(super) fn of(tie: &Tie, from: &SitePath) -> Strength {
        match tie.form {
            Form::Import | Form::DynamicImport | Form::ChunkName | Form::ScriptUrl | Form::Worker
                if !from.is_page() =>
            {
                Strength::Sure
            }
            Form::List if !from.is_page() => Strength::Listed,
            Form::Attribute | Form::Tag(_) if tie.role == Role::Module => Strength::Module,
            _ => Strength::Loose,
        }
    }
}

impl Candidate<'_> {
    /// Whether there is more evidence than a page's tag.
    pub(super) fn is_sure(&self) -> bool {
        self.bundles || self.proof.is_some() || self.referred.is_some_and(|(strength, _)| strength >= Strength::Listed)
    }

    pub(super) fn is_style(&self) -> bool {
        self.name.extension == "css"
    }
}

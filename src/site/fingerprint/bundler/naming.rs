//! How a site's bundler names its output, learned from the files that it certainly wrote.

use std::collections::{BTreeMap, BTreeSet};

use super::super::alphabet::Alphabet;
use super::super::name::{Name, Position};
use super::super::tokens;
use super::candidates::{Candidate, Strength};
use crate::content::proof::Proof;

/// How a site's bundler names its output: the position and length of the hash, and other properties. Hashes of
/// hexadecimal digits are separate: a short base64 hash can look hexadecimal by chance, but never the reverse.
pub(super) type Namings<'s> = BTreeMap<(Position, usize, IsHex), Naming<'s>>;

/// Whether all characters of a hash are hexadecimal digits.
type IsHex = bool;

pub(super) struct Naming<'s> {
    pub(super) alphabet: Alphabet,
    /// The folders of these files.
    pub(super) folders: BTreeSet<&'s str>,
    /// The part between hash and extension in their names: `.min`, or nothing.
    pub(super) endings: BTreeSet<&'s str>,
    /// Whether pages load scripts with such names as modules, and whether with a classic `<script>`.
    pub(super) has_modules: bool,
    pub(super) has_classics: bool,
    /// Extensions of files that such a name proves: by a digest that is computed last, or every file that a bundler refers to.
    pub(super) proven: BTreeSet<String>,
}

/// A candidate, and the hash in its name.
type Member<'c, 's> = (&'c Candidate<'s>, (Position, &'s str));

/// How the bundler names its files: as those that scripts refer to in a bundler's way, and those that are proven. Modules
/// that pages load count if there are none of these, and names that pages use in the ordinary way if there are no modules
/// either, and at least two are in one folder.
pub(super) fn namings<'s>(candidates: &[&Candidate<'s>]) -> Namings<'s> {
    let referred: Vec<&Candidate<'s>> =
        candidates.iter().copied().filter(|candidate| candidate.referred.is_some()).collect();
    let is_at_least =
        |candidate: &Candidate<'s>, least| candidate.referred.is_some_and(|(strength, _)| strength >= least);
    let sure = referred.iter().copied().filter(|candidate| candidate.is_sure());
    let sure: Vec<Member<'_, 's>> = sure.filter_map(member).chain(short_hashes(&referred)).collect();
    if !sure.is_empty() {
        return gather(&sure);
    }
    let modules: Vec<&Candidate<'s>> =
        referred.iter().copied().filter(|candidate| is_at_least(candidate, Strength::Module)).collect();
    let styles = referred.iter().copied().filter(|candidate| modules.iter().any(|module| are_alike(module, candidate)));
    let modules: Vec<Member<'_, 's>> = modules.iter().copied().chain(styles).filter_map(member).collect();
    if !modules.is_empty() {
        return gather(&modules);
    }
    // For a bundler whose hashes all happen to look like words, a name that looks more like a hash is not one of its files.
    let may_be_hashed = |name: &Name<'_>| name.positions().any(|(_, token)| tokens::may_be_a_short_hash(token));
    if referred.iter().any(|candidate| candidate.is_sure() && may_be_hashed(&candidate.name)) {
        return Namings::new();
    }
    let mut by_home: BTreeMap<(Position, usize, &str), Vec<Member<'_, 's>>> = BTreeMap::new();
    for (candidate, (place, token)) in referred.iter().copied().filter_map(member) {
        let home = home(candidate.name.folder);
        by_home.entry((place, token.len(), home)).or_default().push((candidate, (place, token)));
    }
    // webpack can give all files one hash, of the whole build: that must be a long one.
    let are_two = |members: &Vec<Member<'_, '_>>| {
        let tokens: BTreeSet<&str> = members.iter().map(|(_, (_, token))| *token).collect();
        tokens.len() >= 2 || members.len() >= 2 && tokens.iter().all(|token| tokens::is_long_hex(token))
    };
    gather(&by_home.into_values().filter(are_two).flatten().collect::<Vec<_>>())
}

/// Hashes of 5 to 7 hexadecimal digits (Nuxt 2, JupyterLite), which alone could be anything: of scripts that others import,
/// if several have one of the same length at the same position.
fn short_hashes<'c, 's>(referred: &[&'c Candidate<'s>]) -> Vec<Member<'c, 's>> {
    let mut by_position: BTreeMap<(Position, usize), Vec<Member<'c, 's>>> = BTreeMap::new();
    for candidate in
        referred.iter().filter(|candidate| candidate.referred.is_some_and(|(sure, _)| sure == Strength::Sure))
    {
        for (place, token) in candidate.name.positions().filter(|(_, token)| tokens::is_very_short_hex(token)) {
            by_position.entry((place, token.len())).or_default().push((candidate, (place, token)));
        }
    }
    by_position.into_values().filter(|members| members.len() >= 2).flatten().collect()
}

/// Whether a style has the name of a module beside it, with another hash at the same position: for an entry that stands
/// alone, either hash may be one that could be read in another way.
fn are_alike(module: &Candidate<'_>, style: &Candidate<'_>) -> bool {
    let has_own_hash = |(place, token): (Position, &str)| {
        let own = place.token(&module.name, token.len())?;
        let is_same_name = module.name.stem.strip_suffix(own)? == style.name.stem.strip_suffix(token)?;
        Some(is_same_name && own != token && Alphabet::Base64Url.has_all_of(own) && tokens::may_be_random(own))
    };
    style.name.extension == "css"
        && style.name.folder == module.name.folder
        && style.clear_hash.and_then(has_own_hash).unwrap_or_default()
}

/// A candidate with proof, or with a hash that can hardly be read in another way.
fn member<'c, 's>(candidate: &'c Candidate<'s>) -> Option<Member<'c, 's>> {
    let proven = || {
        let token = &candidate.proof?.token;
        candidate.name.positions().find(|(_, one)| one == token)
    };
    Some((candidate, candidate.clear_hash.or_else(proven)?))
}

fn gather<'s>(members: &[Member<'_, 's>]) -> Namings<'s> {
    let mut by_position: BTreeMap<(Position, usize, IsHex), Vec<&Member<'_, 's>>> = BTreeMap::new();
    for member in members {
        let (_, (place, token)) = member;
        by_position.entry((*place, token.len(), Alphabet::Hex.has_all_of(token))).or_default().push(member);
    }
    let naming = |(at, members): ((Position, usize, IsHex), Vec<&Member<'_, 's>>)| {
        let extensions: BTreeSet<&String> = members.iter().map(|(candidate, _)| &candidate.name.extension).collect();
        let is_proven = |extension: &&&String| {
            let mut proofs =
                members.iter().filter(|(one, _)| one.name.extension == ***extension).map(|(one, _)| one.proof);
            proofs.clone().flatten().any(Proof::is_taken_last)
                || proofs.all(|proof| proof.is_some_and(Proof::is_of_real_content))
        };
        let naming = Naming {
            alphabet: alphabet(members.iter().map(|(_, (_, token))| *token))?,
            folders: members.iter().map(|(candidate, _)| candidate.name.folder).collect(),
            endings: members.iter().map(|(candidate, _)| candidate.name.ending).collect(),
            has_modules: members.iter().any(|(candidate, _)| candidate.is_module),
            has_classics: members.iter().any(|(candidate, _)| candidate.is_classic),
            proven: extensions.iter().filter(is_proven).map(|extension| (*extension).clone()).collect(),
        };
        Some((at, naming))
    };
    by_position.into_iter().filter_map(naming).collect()
}

/// The alphabet of a bundler's hashes. A single one of base64 may lack capitals by chance.
fn alphabet<'t>(tokens: impl Iterator<Item = &'t str> + Clone) -> Option<Alphabet> {
    let alphabet = Alphabet::of(tokens.clone())?;
    let lacks_capitals = matches!(alphabet, Alphabet::Base36 | Alphabet::Base38);
    let is_one = tokens.collect::<BTreeSet<_>>().len() == 1;
    Some(if lacks_capitals && is_one { Alphabet::Base64Url } else { alphabet })
}

impl Naming<'_> {
    /// Whether a file is where the bundler writes others: in the same folder, or in one for scripts or styles beside or
    /// below it.
    pub(super) fn is_home_of(&self, name: &Name<'_>) -> bool {
        if self.folders.contains(name.folder) {
            return true;
        }
        let parent = home(name.folder);
        // At the top of a site such a folder is too common.
        let depths = if parent.is_empty() { 1..=1 } else { 0..=2 };
        let depth = |home: &str| home.strip_prefix(parent).map(|inner| inner.matches('/').count());
        let is_near = |home: &str| depth(home).is_some_and(|depth| depths.contains(&depth));
        parent != name.folder && self.folders.iter().any(|home| is_near(home))
    }
}

/// The folder that a bundler writes to: for one of scripts, workers or styles, its parent.
fn home(folder: &str) -> &str {
    const KINDS: [&str; 9] =
        ["css", "style", "styles", "stylesheets", "js", "script", "scripts", "javascripts", "workers"];
    let mut home = folder;
    loop {
        let inner = home.trim_end_matches('/');
        let start = inner.rfind('/').map_or(0, |end| end + 1);
        if !KINDS.contains(&&inner[start..]) {
            return home;
        }
        home = &home[..start];
    }
}

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
use crate::proof::{Encoding, Proof};
use crate::references::{Form, Role};

/// How a site's bundler names what it writes: the place and length of the hash, and what is known of it. Those of
/// hexadecimal digits are apart: whoever writes base64 too often writes one such by chance, and the other way round never.
type Templates<'s> = BTreeMap<(Place, usize, IsHex), Template<'s>>;

/// Whether all characters of a hash are hexadecimal digits.
type IsHex = bool;

struct Template<'s> {
    alphabet: Alphabet,
    /// The folders that they lie in.
    folders: BTreeSet<&'s str>,
    /// Whether pages load scripts of such names as modules, and whether with a classic `<script>`.
    has_modules: bool,
    has_classics: bool,
    /// Extensions of files that such a name proves: by a digest that is taken last of all, or all that a bundler refers to.
    sealed: BTreeSet<String>,
}

/// How surely a reference to a script or style is a bundler's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// A page loads the file, or a script holds its name: anybody writes that.
    Loose,
    /// A page loads it as a module. Bundlers write so, and whoever copies a module that was built elsewhere.
    Module,
    /// It is in a list of a script.
    Listed,
    /// A script imports it, or puts its name together out of a table.
    Sure,
}

/// A script or style that might be fingerprinted.
struct Candidate<'s> {
    path: &'s SitePath,
    name: Name<'s>,
    /// The hash that can hardly be read in another way, where the site's pictures are named as they are.
    strict: Option<(Place, &'s str)>,
    proof: Option<&'s Proof>,
    /// The surest reference to it, and whose that is.
    referred: Option<(Strength, &'s SitePath)>,
    /// How pages load it, if they do.
    is_module: bool,
    is_classic: bool,
    /// Whether it refers to other scripts and styles as a bundler does.
    bundles: bool,
    /// Whether another file has the same hash: webpack then takes it of all of them, so that it proves none.
    shares_its_hash: bool,
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

/// A candidate, and the hash in its name.
type Member<'c, 's> = (&'c Candidate<'s>, (Place, &'s str));

/// What is believed.
pub(super) fn emitted<'s>(files: &'s BTreeMap<SitePath, Facts>) -> BTreeMap<&'s SitePath, Emitted<'s>> {
    let candidates = candidates(files);
    let templates = templates(&candidates);
    let mut emitted: BTreeMap<&SitePath, Emitted<'s>> = BTreeMap::new();
    let mut unsure = Vec::new();
    for candidate in &candidates {
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
    let siblings = siblings(&candidates, &templates, &emitted);
    emitted.extend(siblings);
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
    let is_unproven = template.sealed.contains(&candidate.name.extension) && !candidate.shares_its_hash;
    (by_bundler || !stands_alone && !is_unproven && is_at_home).then_some(Belief::Believed)
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

impl Template<'_> {
    /// Whether a file lies where the bundler writes others: in the same folder, or in one for scripts or styles beside or
    /// below it.
    fn is_home_of(&self, name: &Name<'_>) -> bool {
        if self.folders.contains(name.folder) {
            return true;
        }
        let parent = home(name.folder);
        // At the top of a site everybody has such a folder.
        let depths = if parent.is_empty() { 1..=1 } else { 0..=2 };
        let depth = |home: &str| home.strip_prefix(parent).map(|inner| inner.matches('/').count());
        let is_near = |home: &str| depth(home).is_some_and(|depth| depths.contains(&depth));
        parent != name.folder && self.folders.iter().any(|home| is_near(home))
    }
}

/// The folder that a bundler writes to: of one for scripts, workers or styles, the one around it.
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

/// What nothing refers to, but is named after a file that is believed: a page's script without the parts that are in its
/// HTML (VitePress's `.lean.js`) by the same hash, and the style of a script (esbuild, Bun) by one of its own, beside it or
/// in a folder beside it (SvelteKit).
fn siblings<'s>(
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

fn candidates<'s>(files: &'s BTreeMap<SitePath, Facts>) -> Vec<Candidate<'s>> {
    let mut referred: BTreeMap<&SitePath, (Strength, &SitePath)> = BTreeMap::new();
    let mut loaded: BTreeMap<&SitePath, (bool, bool)> = BTreeMap::new();
    let mut bundles: BTreeSet<&SitePath> = BTreeSet::new();
    for (from, facts) in files {
        let is_by_hand = is_by_hand(from, facts);
        for tie in facts.ties.iter().filter(|tie| tie.to != *from) {
            let strength = if is_by_hand { Strength::Loose } else { tie.strength(from) };
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
    let pictures = proven_pictures(files);
    let candidate = |(path, facts): (&'s SitePath, &'s Facts)| {
        let name = Name::of(path).filter(|name| name.is_code() && Standing::of(path) == Standing::Open)?;
        let (is_module, is_classic) = loaded.get(path).copied().unwrap_or_default();
        Some(Candidate {
            path,
            strict: shape::strict(&name).or_else(|| as_pictures(&name, &pictures)),
            name,
            proof: facts.proof.as_ref(),
            referred: referred.get(path).copied(),
            is_module,
            is_classic: is_classic && !is_module,
            bundles: bundles.contains(path),
            shares_its_hash: false,
        })
    };
    let mut candidates: Vec<Candidate<'s>> = files.iter().filter_map(candidate).collect();
    let kind =
        |candidate: &Candidate<'s>| Some((candidate.strict?, candidate.name.folder, candidate.name.extension.clone()));
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for kind in candidates.iter().filter_map(kind) {
        *counts.entry(kind).or_default() += 1;
    }
    for candidate in &mut candidates {
        candidate.shares_its_hash = kind(candidate).is_some_and(|kind| counts.get(&kind) > Some(&1));
    }
    candidates
}

/// Where, and how long, the hashes in the names of pictures and the like are that a bundler's base64 proves: the place, the
/// length and the folder. Of 8 characters of base64, one in five could be something else, but for that.
fn proven_pictures(files: &BTreeMap<SitePath, Facts>) -> BTreeSet<(Place, usize, &str)> {
    files.iter().filter_map(|(path, facts)| proven_picture(path, facts.proof.as_ref()?)).collect()
}

fn proven_picture<'s>(path: &'s SitePath, proof: &Proof) -> Option<(Place, usize, &'s str)> {
    let name = Name::of(path).filter(|name| !name.is_code())?;
    let (place, token) = name.places().find(|(_, token)| *token == proof.token)?;
    let is_bundlers = proof.encoding == Encoding::Base64Url && !proof.is_taken_last();
    is_bundlers.then_some((place, token.len(), name.folder))
}

/// The hash in the name of a script or style that is named as the pictures beside it.
fn as_pictures<'s>(name: &Name<'s>, pictures: &BTreeSet<(Place, usize, &str)>) -> Option<(Place, &'s str)> {
    let beside = pictures.iter().filter(|(.., folder)| *folder == name.folder);
    let mut tokens = beside.filter_map(|(place, length, _)| Some((*place, place.token(name, *length)?)));
    tokens.find(|(_, token)| Alphabet::Base64Url.has_all_of(token) && Alphabet::Base64Url.is_likely(token))
}

/// Whether a file refers to several scripts and styles as bundlers do, but hardly any of their names holds a hash: a library
/// of modules as it was written, or a page that loads such.
fn is_by_hand(from: &SitePath, facts: &Facts) -> bool {
    let strong = facts.ties.iter().filter(|tie| tie.strength(from) > Strength::Loose);
    let names: Vec<Name<'_>> = strong.filter_map(|tie| Name::of(&tie.to).filter(Name::is_code)).collect();
    let is_hashed = |name: &&Name<'_>| {
        shape::strict(name).is_some() || name.places().any(|(_, token)| shape::is_very_short_hex(token))
    };
    names.len() >= 4 && names.iter().filter(is_hashed).count() * 4 < names.len()
}

/// Whether a script lists other files by the hashes in their names, but imports them by names that stay (`#entry` in an
/// import map, as Nuxt 4 does so that a change of the entry does not rename all): the list is filled in after its own hash
/// was taken, so that its bytes change under its name.
pub(super) fn is_loosely_tied(facts: &Facts) -> bool {
    facts.ties.iter().any(|tie| tie.by_name) && facts.ties.iter().any(|tie| tie.form == Form::List)
}

/// How the bundler names its files: as those that scripts refer to as only a bundler does, and those that are proven. Modules
/// that pages load count where there are no such, and names that pages use like anybody's where there are no modules
/// either, and two at least lie together.
fn templates<'s>(candidates: &[Candidate<'s>]) -> Templates<'s> {
    let referred: Vec<&Candidate<'s>> = candidates.iter().filter(|candidate| candidate.referred.is_some()).collect();
    let is_at_least =
        |candidate: &Candidate<'s>, least| candidate.referred.is_some_and(|(strength, _)| strength >= least);
    let is_sure = |candidate: &&Candidate<'s>| {
        is_at_least(candidate, Strength::Listed) || candidate.bundles || candidate.proof.is_some()
    };
    let sure = referred.iter().copied().filter(is_sure);
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
    let mut by_home: BTreeMap<(Place, usize, &str), Vec<Member<'_, 's>>> = BTreeMap::new();
    for (candidate, (place, token)) in referred.iter().copied().filter_map(member) {
        let home = home(candidate.name.folder);
        by_home.entry((place, token.len(), home)).or_default().push((candidate, (place, token)));
    }
    // webpack can give all files one hash, of the whole build: that must be a long one.
    let are_two = |members: &Vec<Member<'_, '_>>| {
        let tokens: BTreeSet<&str> = members.iter().map(|(_, (_, token))| *token).collect();
        tokens.len() >= 2 || members.len() >= 2 && tokens.iter().all(|token| shape::is_long_hex(token))
    };
    gather(&by_home.into_values().filter(are_two).flatten().collect::<Vec<_>>())
}

/// Hashes of 5 to 7 hexadecimal digits (Nuxt 2, JupyterLite), which alone could be anything: of scripts that others import,
/// where several have one of the same length at the same place.
fn short_hashes<'c, 's>(referred: &[&'c Candidate<'s>]) -> Vec<Member<'c, 's>> {
    let mut by_template: BTreeMap<(Place, usize), Vec<Member<'c, 's>>> = BTreeMap::new();
    for candidate in
        referred.iter().filter(|candidate| candidate.referred.is_some_and(|(sure, _)| sure == Strength::Sure))
    {
        for (place, token) in candidate.name.places().filter(|(_, token)| shape::is_very_short_hex(token)) {
            by_template.entry((place, token.len())).or_default().push((candidate, (place, token)));
        }
    }
    by_template.into_values().filter(|members| members.len() >= 2).flatten().collect()
}

/// Whether a style has the name of a module and lies beside it, with another hash at the same place: of an entry that stands
/// alone, either hash may be one that could be read in another way.
fn are_alike(module: &Candidate<'_>, style: &Candidate<'_>) -> bool {
    let has_own_hash = |(place, token): (Place, &str)| {
        let own = place.token(&module.name, token.len())?;
        let is_same_name = module.name.stem.strip_suffix(own)? == style.name.stem.strip_suffix(token)?;
        Some(is_same_name && own != token && Alphabet::Base64Url.has_all_of(own) && may_be_drawn(own))
    };
    style.name.extension == "css"
        && style.name.folder == module.name.folder
        && style.strict.and_then(has_own_hash).unwrap_or_default()
}

/// Whether a token is neither a number nor a word, though it may be several words.
fn may_be_drawn(token: &str) -> bool {
    !token.bytes().all(|byte| byte.is_ascii_digit()) && !shape::reads_as_a_word(token) && !shape::is_patterned(token)
}

/// A candidate with a hash that can hardly be read in another way.
fn member<'c, 's>(candidate: &'c Candidate<'s>) -> Option<Member<'c, 's>> {
    Some((candidate, candidate.strict?))
}

fn gather<'s>(members: &[Member<'_, 's>]) -> Templates<'s> {
    let mut by_template: BTreeMap<(Place, usize, IsHex), Vec<&Member<'_, 's>>> = BTreeMap::new();
    for member in members {
        let (_, (place, token)) = member;
        by_template.entry((*place, token.len(), Alphabet::Hex.has_all_of(token))).or_default().push(member);
    }
    let template = |(at, members): ((Place, usize, IsHex), Vec<&Member<'_, 's>>)| {
        let extensions: BTreeSet<&String> = members.iter().map(|(candidate, _)| &candidate.name.extension).collect();
        let is_sealed = |extension: &&&String| {
            let mut proofs =
                members.iter().filter(|(one, _)| one.name.extension == ***extension).map(|(one, _)| one.proof);
            proofs.clone().flatten().any(Proof::is_taken_last)
                || proofs.all(|proof| proof.is_some_and(Proof::is_of_real_content))
        };
        let template = Template {
            alphabet: alphabet(members.iter().map(|(_, (_, token))| *token))?,
            folders: members.iter().map(|(candidate, _)| candidate.name.folder).collect(),
            has_modules: members.iter().any(|(candidate, _)| candidate.is_module),
            has_classics: members.iter().any(|(candidate, _)| candidate.is_classic),
            sealed: extensions.iter().filter(is_sealed).map(|extension| (*extension).clone()).collect(),
        };
        Some((at, template))
    };
    by_template.into_iter().filter_map(template).collect()
}

/// The characters of which a bundler makes hashes. One of base64 alone may lack capitals by chance.
fn alphabet<'t>(tokens: impl Iterator<Item = &'t str> + Clone) -> Option<Alphabet> {
    let alphabet = Alphabet::of(tokens.clone())?;
    let lacks_capitals = matches!(alphabet, Alphabet::Base36 | Alphabet::Base38);
    let is_one = tokens.collect::<BTreeSet<_>>().len() == 1;
    Some(if lacks_capitals && is_one { Alphabet::Base64Url } else { alphabet })
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
            Form::List if !from.is_page() => Strength::Listed,
            Form::Attribute if self.role == Role::Module => Strength::Module,
            _ => Strength::Loose,
        }
    }
}

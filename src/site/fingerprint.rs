//! Decides by evidence which names change with the bytes of their files.
//!
//! A fingerprinted name changes whenever the bytes do, so that browsers may keep such a file for a year and never ask.
//! To call a mutable file fingerprinted is the one mistake that cannot be undone; the reverse only costs a refresh at the CDN.
//! So a name counts as fingerprinted only if there is evidence for it:
//!
//! 1. *History*: a path that once had other bytes is mutable from then on. Kept in the head, and decided in
//!    [`rules`](crate::site::rules), like the users' own rules: both overrule the evidence here.
//! 2. *Proof*: a token of the path is a digest of the file's own bytes ([`proof`](crate::content::proof)).
//! 3. *Declaration*: the build says so, in a manifest that it wrote or by a contract of its framework.
//! 4. *Reference and shape*: a script or style named as the site's bundler names its files, and referenced by a page or
//!    another script of this build in the bundler's way.
//!
//! Without evidence, and for names that people and browsers request as they are, a file is mutable. The rules are in
//! [`RULES`], in the order in which they are tried.

mod alphabet;
mod bundler;
mod contract;
mod declared;
mod facts;
mod fixed;
mod judge;
mod late;
mod name;
mod rule;
mod table;
mod tokens;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use crate::content::closure::{Closure, Use};
use crate::content::path::SitePath;
use crate::content::references::{Form, Role};

use self::name::Name;

pub use self::declared::{Declared, is_manifest};
pub use self::facts::{Facts, Tie, Traces};
pub use self::judge::judge;
pub use self::rule::{Rule, Says};
pub use self::table::RULES;
pub use self::verdict::{Basis, Verdict};

/// The facts about each file: its bytes, and those of its references that can be evidence. On a
/// large site these are few: links to pages are no evidence, nor are pictures whose names could never be fingerprinted, nor
/// references that another page has too, nor a service worker's precache list, which may be a whole folder.
pub fn facts<'a>(
    files: impl Iterator<Item = (&'a SitePath, &'a Traces)>,
    closure: &Closure,
) -> BTreeMap<SitePath, Facts> {
    let may_be_fingerprinted: Vec<bool> = closure.files().iter().map(may_be_fingerprinted).collect();
    // Anyone may write these, not only a bundler.
    let is_loose = |form| matches!(form, Form::Attribute | Form::Tag(_) | Form::Style | Form::WebManifest | Form::Text);
    let mut known = BTreeSet::new();
    let mut tells = |used: &Use<'_>, from: &SitePath| {
        let Use { place, role, form, .. } = *used;
        match role {
            Role::Page => false,
            Role::Module => true,
            // How a page loads files without hashes distinguishes the bundler's tags from handwritten ones.
            _ if from.is_page() => {
                (may_be_fingerprinted[place] || matches!(form, Form::Tag(_))) && known.insert((place, role, form))
            }
            _ => may_be_fingerprinted[place] || !is_loose(form),
        }
    };
    let mut of = |(path, traces): (&SitePath, &Traces)| {
        let uses = closure.uses(path).filter(|used| !fixed::is_service_worker(path) && tells(used, path));
        let ties = uses.map(|Use { file, role, form, by_name, .. }| Tie { to: file.clone(), role, form, by_name });
        (path.clone(), Facts { traces: traces.clone(), ties: ties.collect() })
    };
    files.map(&mut of).collect()
}

/// Whether there could ever be evidence for the path: if not, the history need not contain it.
pub fn may_be_fingerprinted(path: &SitePath) -> bool {
    let may_hold_a_hash = || Name::of(path).is_some_and(|name| name.may_hold_a_hash());
    !judge::is_fixed(path) && (may_hold_a_hash() || judge::is_of_a_contract(path))
}

/// Whether the name alone reads as a hash and as nothing else: for a release known only by its manifest.
pub fn reads_as_fingerprinted(path: &SitePath) -> bool {
    judge::is_open(path) && Name::of(path).is_some_and(|name| name.clear_hash().is_some())
}

#[cfg(test)]
mod tests;

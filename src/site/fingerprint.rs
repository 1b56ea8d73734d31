//! Which names change with the bytes of their files, decided by evidence.
//!
//! A fingerprinted name changes whenever the bytes do, so that browsers may keep such a file for a year and never ask.
//! To call a mutable file fingerprinted is the one mistake that cannot be undone; the reverse only costs a refresh at the CDN.
//! So a name counts as fingerprinted only where something shows that it is:
//!
//! 1. *History*: a path that had other bytes once is mutable for good. Kept in the head, and decided in
//!    [`rules`](crate::site::rules), as are the rules that people write: both overrule what is said here.
//! 2. *Proof*: a token of the path is a digest of the file's own bytes ([`proof`](crate::content::proof)).
//! 3. *Declaration*: the build says so, in a manifest that it left behind or by a contract of its framework.
//! 4. *Reference and shape*: a script or style named as the site's bundler names its files, which a page or another
//!    script of this build refers to in its way.
//!
//! Without evidence, and for names that people and browsers ask for as they are, a file is mutable. The rules stand in
//! [`RULES`], in the order in which they are asked.

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

/// What is known of each file: what its bytes tell, and of what it refers to all that can tell anything. On a
/// large site that is little: links to pages tell nothing, nor do pictures whose names could never be fingerprinted, nor what
/// another page uses in the same way, nor what a service worker keeps, which may be all that lies in a folder.
pub fn facts<'a>(
    files: impl Iterator<Item = (&'a SitePath, &'a Traces)>,
    closure: &Closure,
) -> BTreeMap<SitePath, Facts> {
    let may_be_fingerprinted: Vec<bool> = closure.files().iter().map(may_be_fingerprinted).collect();
    // What anybody writes, and no bundler alone.
    let is_loose = |form| matches!(form, Form::Attribute | Form::Tag(_) | Form::Style | Form::WebManifest | Form::Text);
    let mut known = BTreeSet::new();
    let mut tells = |used: &Use<'_>, from: &SitePath| {
        let Use { place, role, form, .. } = *used;
        match role {
            Role::Page => false,
            Role::Module => true,
            // How a page loads what has no hash tells the bundler's tags from those of people.
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

/// Whether there could ever be evidence for the path: if not, it needs no place in the history.
pub fn may_be_fingerprinted(path: &SitePath) -> bool {
    let may_hold_a_hash = || Name::of(path).is_some_and(|name| name.may_hold_a_hash());
    !judge::is_fixed(path) && (may_hold_a_hash() || judge::is_of_a_contract(path))
}

/// Whether the name alone reads as a hash and as nothing else: for a release of which no more is known than its manifest.
pub fn reads_as_fingerprinted(path: &SitePath) -> bool {
    judge::is_open(path) && Name::of(path).is_some_and(|name| name.clear_hash().is_some())
}

#[cfg(test)]
mod tests;

//! Which names vouch for their bytes, decided by evidence.
//!
//! A fingerprinted name changes whenever the bytes do, so that browsers may keep such a file for a year and never ask.
//! Calling a mutable file that is the one mistake that nobody can take back; the other mistake costs a question to the CDN.
//! So a name is believed only where something speaks for it, the strongest first:
//!
//! 1. *History*: a path that had other bytes once is mutable for good. Kept in the head, and decided in
//!    [`rules`](crate::site::rules), as are the rules that people write: both overrule what is said here.
//! 2. *Proof*: a token of the path is a digest of the file's own bytes ([`proof`](crate::content::proof)).
//! 3. *Declaration*: the build says so, in a manifest that it left behind or by a contract of its framework.
//! 4. *Reference and shape*: a script or style named as the site's bundler names its files, which a page or another
//!    script of this build refers to in its way.
//!
//! Without evidence, and for names that people and browsers ask for as they are, a file is mutable.

mod contract;
mod declared;
mod emission;
mod fixed;
mod name;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::content::closure::{Closure, Use};
use crate::content::path::SitePath;
use crate::content::proof::{self, Proof};
use crate::content::references::{Form, Role};
use crate::types::headers::Kind;

use self::emission::{By, Emitted};
use self::fixed::Standing;
use self::name::Name;

pub use self::declared::{Declared, is_manifest};

/// What the bytes of a file tell about its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traces {
    /// That a token of its path is a digest of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// That it is compressed with gzip, which wrote down when (RFC 1952, MTIME): the same content has other bytes the next
    /// time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_dated: bool,
    /// The array by which webpack or Rspack load what it belongs to, of a script of theirs
    /// ([`references::chunk_array`](crate::content::references::chunk_array)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_array: Option<String>,
}

/// What is known of one file of a site, besides its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What its bytes tell.
    pub traces: Traces,
    /// The files of this site that it refers to, besides links, which say nothing of who named a file.
    pub ties: Vec<Tie>,
}

/// A file of the site that another one refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    /// The file that is referred to.
    pub to: SitePath,
    /// What it is needed for.
    pub role: Role,
    /// How the reference is written.
    pub form: Form,
    /// Whether it is written as a bare name that an import map leads to the file.
    pub by_name: bool,
}

/// What is known of each file: what its bytes tell, and of what it refers to all that can tell anything. On a
/// large site that is little: links to pages tell nothing, nor do pictures whose names could never be believed, nor what
/// another page uses in the same way, nor what a service worker keeps, which may be all that lies in a folder.
pub fn facts<'a>(
    files: impl Iterator<Item = (&'a SitePath, &'a Traces)>,
    closure: &Closure,
) -> BTreeMap<SitePath, Facts> {
    let may_vouch: Vec<bool> = closure.files().iter().map(may_vouch).collect();
    let is_of_a_tag = |form| matches!(form, Form::Attribute | Form::Tag(_));
    let mut known = BTreeSet::new();
    let mut tells = |used: &Use<'_>, from: &SitePath| {
        let Use { place, role, form, .. } = *used;
        match role {
            Role::Page => false,
            Role::Module => true,
            _ if is_of_a_tag(form) && from.is_page() => may_vouch[place] && known.insert((place, role, form)),
            Role::Script | Role::Style => true,
            _ => {
                may_vouch[place] || !(is_of_a_tag(form) || matches!(form, Form::Style | Form::WebManifest | Form::Text))
            }
        }
    };
    let mut of = |(path, traces): (&SitePath, &Traces)| {
        let uses = closure.uses(path).filter(|used| !fixed::is_service_worker(path) && tells(used, path));
        let ties = uses.map(|Use { file, role, form, by_name, .. }| Tie { to: file.clone(), role, form, by_name });
        (path.clone(), Facts { traces: traces.clone(), ties: ties.collect() })
    };
    files.map(&mut of).collect()
}

/// Whether a name vouches for its bytes, and what decided that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Fingerprinted or mutable.
    pub kind: Kind,
    /// What decided.
    pub basis: Basis,
}

/// What decided whether a name vouches for its bytes. Reads as what follows "because".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "evidence", rename_all = "snake_case")]
pub enum Basis {
    /// The path had other bytes once.
    History,
    /// A header rule of publish.toml says it.
    Rule {
        /// The rule's globs.
        globs: Vec<String>,
    },
    /// It is asked for by this name, whatever it holds.
    FixedName,
    /// A token of the path is a digest of the bytes.
    Proof {
        /// The token.
        token: String,
        /// Which digest, for people.
        digest: String,
    },
    /// The build says so.
    Declaration {
        /// The token that the build put into the path.
        token: String,
        /// The path of the manifest that lists the file, or the framework whose contract it is.
        by: String,
    },
    /// It is named as the bundler names its files, and referred to.
    Reference {
        /// The token that looks like a hash.
        token: String,
        /// A file that refers to it.
        by: String,
    },
    /// It is named after a file that is named as the bundler names its files, and referred to.
    Sibling {
        /// The token that looks like a hash.
        token: String,
        /// The other file.
        of: String,
    },
    /// It is named as the bundler names its files, and refers to another one, though nothing refers to it.
    Referring {
        /// The token that looks like a hash.
        token: String,
        /// The other file.
        to: String,
    },
    /// It is the compressed form of another file, and what that is.
    Twin {
        /// The other file.
        of: String,
    },
    /// Nothing speaks for it.
    None,
}

/// Judges every file of a site by the site alone. `declared` is what the build's own manifests list.
///
/// Pure, and independent of any order.
pub fn judge(files: &BTreeMap<SitePath, Facts>, declared: &Declared) -> BTreeMap<SitePath, Verdict> {
    let proofs = files.values().filter_map(|facts| facts.traces.proof.as_ref());
    let schemes = proof::schemes_in_use(proofs);
    let emitted = emission::emitted(files);
    let contracts = contract::Contracts::of(files);
    let alone = |path: &SitePath, facts: &Facts| -> Basis {
        let standing = Standing::of(path);
        if standing == Standing::Fixed {
            return Basis::FixedName;
        }
        if let Some(proof) = facts.traces.proof.as_ref().filter(|proof| schemes.contains(&proof.scheme())) {
            return Basis::Proof { token: proof.token.clone(), digest: proof.to_string() };
        }
        if standing == Standing::OnlyIfProven || emission::is_loosely_tied(path, facts) {
            return Basis::None;
        }
        if let Some((token, by)) = declared.token(path).or_else(|| contracts.token(path)) {
            return Basis::Declaration { token, by };
        }
        match emitted.get(path) {
            Some(Emitted { token, by: By::Reference(by) }) => {
                Basis::Reference { token: token.clone(), by: by.to_string() }
            }
            Some(Emitted { token, by: By::Sibling(of) }) => Basis::Sibling { token: token.clone(), of: of.to_string() },
            Some(Emitted { token, by: By::Referred(to) }) => {
                Basis::Referring { token: token.clone(), to: to.to_string() }
            }
            None => Basis::None,
        }
    };
    let verdict = |(path, facts): (&SitePath, &Facts)| {
        let original = original(path).filter(|original| files.contains_key(original) && !facts.traces.is_dated);
        let verdict = match original.and_then(|original| Some((alone(&original, files.get(&original)?), original))) {
            Some((basis, original)) => Verdict { kind: basis.kind(), basis: Basis::Twin { of: original.to_string() } },
            None => {
                let basis = alone(path, facts);
                Verdict { kind: basis.kind(), basis }
            }
        };
        (path.clone(), verdict)
    };
    files.iter().map(verdict).collect()
}

/// Whether anything could ever speak for the path: if not, it needs no place in the history.
pub fn may_vouch(path: &SitePath) -> bool {
    let is_loose = || Name::of(path).is_some_and(|name| shape::loose(&name));
    Standing::of(path) != Standing::Fixed && (is_loose() || contract::is_of_a_form(path))
}

/// Whether the name alone reads as a hash and as nothing else: for a release of which no more is known than its manifest.
pub fn reads_as_fingerprinted(path: &SitePath) -> bool {
    Standing::of(path) == Standing::Open && Name::of(path).is_some_and(|name| shape::strict(&name).is_some())
}

/// The file whose compressed form this one is by its name.
fn original(path: &SitePath) -> Option<SitePath> {
    let original = [".br", ".gz", ".zst"].iter().find_map(|ending| path.as_str().strip_suffix(ending))?;
    SitePath::new(original).ok()
}

impl Basis {
    /// What the evidence comes to. Rules and history are decided elsewhere.
    fn kind(&self) -> Kind {
        match self {
            Basis::Proof { .. }
            | Basis::Declaration { .. }
            | Basis::Reference { .. }
            | Basis::Sibling { .. }
            | Basis::Referring { .. } => Kind::Fingerprinted,
            Basis::History | Basis::Rule { .. } | Basis::FixedName | Basis::Twin { .. } | Basis::None => Kind::Mutable,
        }
    }
}

impl Verdict {
    /// What decided, as a sentence for people that follows "because".
    pub fn because(&self) -> String {
        match (&self.basis, self.kind) {
            (Basis::Twin { .. }, Kind::Fingerprinted) => format!("{}, whose name changes with its content", self.basis),
            (Basis::Twin { .. }, Kind::Mutable) => {
                format!("{}, whose name need not change with its content", self.basis)
            }
            (basis, _) => basis.to_string(),
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Basis::History => {
                formatter.write_str("it had other content under this name before, which weighs more than any rule")
            }
            Basis::Rule { globs } => {
                let globs: Vec<String> = globs.iter().map(|glob| format!("`{glob}`")).collect();
                write!(formatter, "the [[headers]] rule for {} says so", globs.join(", "))
            }
            Basis::FixedName => formatter.write_str("it is asked for by this name, whatever it holds"),
            Basis::Proof { digest, .. } => formatter.write_str(digest),
            Basis::Declaration { token, by } if is_manifest(by) => {
                write!(formatter, "`{by}` lists it, and the build put `{token}` into its name for its content")
            }
            Basis::Declaration { token, by } => {
                write!(formatter, "`{token}` in its path is written by {by}, which changes it with the content")
            }
            Basis::Reference { token, by } => {
                write!(
                    formatter,
                    "`{by}` refers to it, and `{token}` is written as the bundler of this site writes hashes"
                )
            }
            Basis::Sibling { token, of } => {
                write!(
                    formatter,
                    "it belongs to `{of}`, and `{token}` is written as the bundler of this site writes hashes"
                )
            }
            Basis::Referring { token, to } => {
                write!(
                    formatter,
                    "it refers to `{to}`, which the build named for its content, and `{token}` is written as the bundler of \
                     this site writes hashes"
                )
            }
            Basis::Twin { of } => write!(formatter, "it is the compressed form of `{of}`"),
            Basis::None => formatter.write_str("nothing shows that its name changes with its content"),
        }
    }
}

#[cfg(test)]
mod tests;

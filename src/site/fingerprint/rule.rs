//! What a rule for names consists of.

use super::bundler::objections::Objection;
use super::bundler::reading::Reading;
use super::bundler::{Bundler, Hit, Hits};
use super::contract::{Mark, Token};
use super::facts::Facts;
use crate::content::path::SitePath;

/// One rule. The first one of the table that applies to a file decides.
pub struct Rule {
    /// Its name, which `publish plan --explain` shows. It stays when the rule is moved.
    pub id: &'static str,
    /// The tool whose files it is about; `any`: those of every tool.
    pub tool: &'static str,
    /// What it says of the file.
    pub says: Says,
    /// Why, as what follows "because".
    pub why: &'static str,
    /// What it looks at.
    pub(super) evidence: Evidence,
}

/// What a rule says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Its name changes with its bytes.
    Fingerprinted,
    /// Its bytes may change under its name.
    Mutable,
    /// What is written there.
    AsWritten,
    /// What is said of the file whose compressed form it is.
    AsTheOriginal,
}

/// What a rule looks at.
pub(super) enum Evidence {
    /// What the head knows of the path ([`site::rules`](crate::site::rules)).
    History,
    /// The `[[headers]]` of publish.toml (there, too).
    Configuration,
    /// The file whose compressed form this one is by its name.
    Original,
    /// The path alone. Before [`Evidence::Digest`] it overrules a digest, behind it not.
    Path(fn(&SitePath) -> bool),
    /// A digest of the bytes in the path.
    Digest,
    /// What is in the file.
    Content(fn(&SitePath, &Facts) -> bool),
    /// A manifest that the build left behind.
    Manifest,
    /// The form of a path that a framework makes, and another trace of that framework.
    Contract(Token, Mark),
    /// A reference to a script or style, and how its name is written.
    Reference(fn(&Reading<'_, '_>) -> bool),
    /// The same, and that it belongs with others that were recognised.
    ReferenceOfKin(fn(&Reading<'_, '_>) -> bool),
    /// The scripts and styles that were recognised before.
    Recognised(for<'s> fn(&Bundler<'s>, &Hits<'s>) -> Vec<Hit<'s>>),
    /// What speaks against a reference that would have been enough.
    Objection(Objection),
    /// None.
    Nothing,
}

impl Rule {
    /// Whether it looks at the path alone and applies to this one.
    pub(super) fn applies_to_path(&self, path: &SitePath) -> bool {
        matches!(self.evidence, Evidence::Path(applies) if applies(path))
    }
}

//! The parts of a rule for names.

use super::bundler::objections::Objection;
use super::bundler::reading::Reading;
use super::bundler::{Bundler, Hit, Hits};
use super::contract::{Mark, Token};
use super::facts::Facts;
use crate::content::path::SitePath;

/// One rule. The first one of the table that applies to a file decides.
pub struct Rule {
    /// Its name, which `publish plan --explain` shows. It does not change when the rule is moved.
    pub id: &'static str,
    /// The tool whose files it applies to; `any`: those of every tool.
    pub tool: &'static str,
    /// Its verdict.
    pub says: Says,
    /// The reason, as a clause that follows "because".
    pub why: &'static str,
    /// The evidence that it examines.
    pub(super) evidence: Evidence,
}

/// A rule's verdict on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Its name changes with its bytes.
    Fingerprinted,
    /// Its bytes may change under its name.
    Mutable,
    /// The verdict of the user's own setting.
    AsWritten,
    /// The verdict on the file whose compressed form it is.
    AsTheOriginal,
}

/// The evidence that a rule examines.
pub(super) enum Evidence {
    /// The head's record of the path ([`site::rules`](crate::site::rules)).
    History,
    /// The `[[headers]]` of publish.toml (also there).
    Configuration,
    /// The file whose compressed form this one is, by its name.
    Original,
    /// The path alone. Before [`Evidence::Digest`] it overrules a digest, after it not.
    Path(fn(&SitePath) -> bool),
    /// A digest of the bytes in the path.
    Digest,
    /// The file's content.
    Content(fn(&SitePath, &Facts) -> bool),
    /// A manifest that the build wrote.
    Manifest,
    /// The form of a framework's path, and another trace of that framework.
    Contract(Token, Mark),
    /// A reference to a script or style, and the form of its name.
    Reference(fn(&Reading<'_, '_>) -> bool),
    /// The same, and its relation to other recognised files.
    ReferenceOfKin(fn(&Reading<'_, '_>) -> bool),
    /// The scripts and styles that were recognised before.
    Recognised(for<'s> fn(&Bundler<'s>, &Hits<'s>) -> Vec<Hit<'s>>),
    /// Evidence against a reference that would otherwise be enough.
    Objection(Objection),
    /// None.
    Nothing,
}

impl Rule {
    /// Whether it examines the path alone and applies to this one.
    pub(super) fn applies_to_path(&self, path: &SitePath) -> bool {
        matches!(self.evidence, Evidence::Path(applies) if applies(path))
    }
}

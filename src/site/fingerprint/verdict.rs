//! The decision about a name, and its explanation.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::declared::is_manifest;
use super::table::rule;
use crate::types::headers::Kind;

/// Whether a name is fingerprinted, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Fingerprinted or mutable.
    pub kind: Kind,
    /// The id of the deciding rule in [`rules`](super::rules).
    pub rule: &'static str,
    /// Its result.
    pub basis: Basis,
}

/// What decided whether a name is fingerprinted. Reads as what follows "because".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "evidence", rename_all = "snake_case")]
pub enum Basis {
    /// The path had different bytes before.
    History,
    /// A header rule of publish.toml says so.
    Rule {
        /// The rule's globs.
        globs: Vec<String>,
    },
    /// It is requested by this name, whatever it contains.
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
    /// Something in it or around it says that its bytes may change under this name; the sentence of the rule says what.
    Doubt,
    /// There is no evidence.
    None,
}

impl Verdict {
    /// The verdict on a file without evidence.
    pub(crate) const NONE: Verdict = Verdict { kind: Kind::Mutable, rule: "no-evidence", basis: Basis::None };

    /// The verdict on a path that once had other bytes.
    pub(crate) const HISTORY: Verdict = Verdict { kind: Kind::Mutable, rule: "history", basis: Basis::History };

    /// The verdict of a header rule with these globs.
    pub(crate) fn of_header_rule(is_immutable: bool, globs: Vec<String>) -> Verdict {
        let kind = if is_immutable { Kind::Fingerprinted } else { Kind::Mutable };
        Verdict { kind, rule: "header-rule", basis: Basis::Rule { globs } }
    }

    /// The reason, as a clause for people that follows "because".
    pub fn because(&self) -> String {
        let why = || rule(self.rule).map(|rule| rule.why.to_owned());
        match (&self.basis, self.kind) {
            (Basis::FixedName | Basis::Doubt, _) => why().unwrap_or_else(|| self.basis.to_string()),
            (Basis::Twin { .. }, Kind::Fingerprinted) => format!("{}, whose name changes with its content", self.basis),
            (Basis::Twin { .. }, Kind::Mutable) => {
                format!("{}, whose name may stay the same when its content changes", self.basis)
            }
            (basis, _) => basis.to_string(),
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Basis::History => {
                formatter.write_str("it had different content under this name before, which overrides every rule")
            }
            Basis::Rule { globs } => {
                let globs: Vec<String> = globs.iter().map(|glob| format!("`{glob}`")).collect();
                write!(formatter, "the [[headers]] rule for {} says so", globs.join(", "))
            }
            Basis::FixedName => formatter.write_str("it is requested by this name, whatever it contains"),
            Basis::Proof { digest, .. } => formatter.write_str(digest),
            Basis::Declaration { token, by } if is_manifest(by) => {
                write!(formatter, "`{by}` lists it, and the build derived `{token}` in its name from its content")
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
            Basis::Doubt => formatter.write_str("its content may change under this name"),
            Basis::None => formatter.write_str("nothing shows that its name changes with its content"),
        }
    }
}

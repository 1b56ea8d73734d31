//! Why a file is kept for a year, or is not: one file of a site, and what decided about it.

mod asked;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content::path::SitePath;
use crate::plan::Change;
use crate::site::fingerprint::{Basis, Verdict};
use crate::site::rules::{Decided, Said};
use crate::types::headers::Kind;

pub use self::asked::asked;

/// What is decided about one file, and by what. In JSON a line of its own with `"type":"explanation"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "explanation")]
pub struct Explanation {
    /// The path in the site.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: SitePath,
    /// Whether it is fingerprinted: its name changes whenever its bytes do.
    pub kind: Kind,
    /// The name of the rule that decided that.
    pub rule: String,
    /// What the rule found: `evidence`, and what there is to say of it.
    #[serde(flatten)]
    pub basis: Basis,
    /// The same as a sentence for people that follows "because".
    pub because: String,
    /// What a publish would do to it; `null`: nothing.
    pub change: Option<Change>,
    /// The headers it is stored with by their names, without metadata.
    pub headers: BTreeMap<String, ExplainedHeader>,
}

/// The value of a header, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ExplainedHeader {
    /// The value.
    pub value: String,
    /// Where it comes from, for people: a rule with its globs, `_headers`, or `default`.
    pub from: String,
}

impl Explanation {
    /// Puts together what is known of `path`.
    pub fn new(path: SitePath, verdict: Verdict, decided: &Decided<'_>, change: Option<Change>) -> Explanation {
        let header = |(name, said): (&str, &Said<'_>)| {
            (name.to_owned(), ExplainedHeader { value: said.value.clone(), from: said.by.to_string() })
        };
        Explanation {
            path,
            because: verdict.because(),
            kind: verdict.kind,
            rule: verdict.rule.to_owned(),
            basis: verdict.basis,
            change,
            headers: decided.named().map(header).collect(),
        }
    }
}

//! Facts about the files of a site, before anything is decided.

use serde::{Deserialize, Serialize};

use crate::content::path::SitePath;
use crate::content::proof::Proof;
use crate::content::references::{Form, Role};
use crate::content::stamp::Stamp;

/// What a file's bytes show about its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traces {
    /// A token of its path is a digest of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// It is compressed with gzip, which stored the time (RFC 1952, MTIME): the same content has other bytes the next
    /// time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_dated: bool,
    /// The array through which webpack or Rspack load its chunks, of one of their scripts
    /// ([`references::chunk_array`](crate::content::references::chunk_array)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_array: Option<String>,
    /// The tool that wrote an id into it after it was built ([`stamp`](crate::content::stamp)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
}

/// The facts about one file of a site, besides its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// From its bytes.
    pub traces: Traces,
    /// The files of this site that it refers to, except by links, which are no evidence of who named a file.
    pub ties: Vec<Tie>,
}

/// A file of the site that another one refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    /// The file that is referred to.
    pub to: SitePath,
    /// The purpose of the reference.
    pub role: Role,
    /// The form of the reference.
    pub form: Form,
    /// Whether it is a bare name that an import map maps to the file.
    pub by_name: bool,
}

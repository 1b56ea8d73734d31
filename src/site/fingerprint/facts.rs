//! What is known of the files of a site before anything is decided.

use serde::{Deserialize, Serialize};

use crate::content::path::SitePath;
use crate::content::proof::Proof;
use crate::content::references::{Form, Role};
use crate::content::stamp::Stamp;

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
    /// The tool that wrote an id into it after it was built ([`stamp`](crate::content::stamp)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
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

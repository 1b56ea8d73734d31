//! The built site on the disk, and how each of its files is published: its bytes, its headers, its kind.

pub mod fingerprint;
pub mod headers_file;
pub mod redirects_file;
pub mod response_policy;
pub mod routes;
pub mod rules;
pub mod snapshot;
pub(crate) mod unmatched;

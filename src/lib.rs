//! `publish` puts a built site on S3 behind CloudFront so that no visitor ever meets a broken or stale page, and any
//! earlier release can be back in seconds.
//!
//! The pipeline is a one-way street; each stage takes the value of the one before it:
//!
//! ```text
//! folder -> Snapshot -> Manifest -> Plan -> Staged -> Activated -> Refreshed -> Verified
//! ```

pub mod activate;
pub mod adopt;
pub mod audit;
pub mod aws;
pub mod clock;
pub mod config;
pub mod diff;
pub mod digest;
pub mod download;
pub mod elsewhere;
pub mod environment;
pub mod error;
pub mod event;
pub mod explanation;
pub mod fingerprint;
pub mod globs;
pub mod head;
pub mod headers;
pub mod headers_file;
pub mod layout;
pub mod lease;
pub mod live;
pub mod manifest;
pub mod plan;
pub mod policy;
pub mod prune;
pub mod redirects_file;
pub mod refresh;
pub mod releases;
pub mod report;
pub mod response_policy;
pub mod retention;
pub mod rules;
pub mod run;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(test)]
mod schema;
pub mod snapshot;
pub mod stage;
pub mod state;
pub mod status;
pub mod stop;
pub mod sweep;
pub mod untrusted;
pub mod verify;

pub use publish_content::{closure, path, proof, references, secrets};

//! `publish` puts a built site on S3 behind CloudFront so that no visitor ever meets a broken or stale page, and any
//! earlier release can be back in seconds.
//!
//! The pipeline is a one-way street; each stage takes the value of the one before it:
//!
//! ```text
//! folder -> Snapshot -> Manifest -> Plan -> Staged -> Activated -> Refreshed -> Verified
//! ```
//!
//! The rooms below follow it, and a room knows only those before it ([`types`], [`release`], [`report`], [`config`],
//! [`site`], [`plan`], [`bucket`], [`stages`], [`views`], [`run`]):
//!
//! [`site`] reads a folder into a snapshot and decides the headers of each file by [`config`]. [`plan`] compares that with
//! what is live and makes the plan: pure, without clock, disk or network. [`bucket`] speaks to S3 and CloudFront.
//! [`stages`] carry the plan out: stage the bytes, activate the release, refresh the CDN, verify the site. [`run`] is the
//! only room that knows their order; its functions are the commands, and each ends with a [`report`]. [`views`] show what
//! is there. [`content`] is a crate of its own, below all rooms: what reads every byte of a site.
//!
//! The [`sandbox`] stands in for S3 and CloudFront, over real HTTP, in tests and where nothing is configured.

// The futures of a run lie in each other: where large ones are not boxed, unoptimised builds overflow a thread's stack.
#![warn(clippy::large_futures)]

pub mod bucket;
pub mod config;
pub mod plan;
pub mod release;
pub mod report;
pub mod run;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(test)]
mod schema;
pub mod site;
pub mod stages;
pub mod types;
pub mod untrusted;
pub mod views;

pub use sitepublish_content as content;

//! The bucket and the CDN over HTTP: requests, the head by compare-and-swap, leases, and what is live. The only room
//! that names AWS's SDK.

pub mod aws;
pub mod download;
pub mod elsewhere;
pub mod lease;
pub mod live;
mod proof;
pub mod state;
pub(crate) mod tries;

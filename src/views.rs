//! What publish shows on request: the status, releases, and why a file is cached as it is. Views change nothing.

pub mod explanation;
pub mod releases;
pub mod status;

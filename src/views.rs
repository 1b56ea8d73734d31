//! What is shown to those who ask: the status, releases, and why a file is cached as it is. Views change nothing.

pub mod explanation;
pub mod releases;
pub mod status;

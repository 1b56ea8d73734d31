//! The stages of a run. Each takes what the one before it made, and none depends on what comes next.

pub mod activate;
pub mod adopt;
pub mod audit;
pub mod policy;
pub mod prune;
pub mod refresh;
pub mod stage;
pub mod verify;

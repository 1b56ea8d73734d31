//! The stages of the one-way street, each of which takes what the one before it made. None knows what comes next.

pub mod activate;
pub mod adopt;
pub mod audit;
pub mod policy;
pub mod prune;
pub mod refresh;
pub mod stage;
pub mod verify;

//! A run's id: unlike any other, on any machine.

use std::hash::{BuildHasher, RandomState};

use publish::release::manifest::RunId;

/// 128 random bits as hexadecimal digits. The standard library keys its hash maps from the system's randomness: the
/// hash of nothing under two fresh keys is as random as they are.
pub(crate) fn run_id() -> RunId {
    let random = || RandomState::new().hash_one(std::process::id());
    RunId(format!("{:016x}{:016x}", random(), random()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        assert_ne!(run_id(), run_id());
        assert_eq!(run_id().0.len(), 32);
    }
}

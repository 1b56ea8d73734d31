//! A run's id: unlike any other, on any machine.

use publish::release::manifest::RunId;
use publish::report::error::{Code, Problem};

/// 128 random bits as hexadecimal digits.
pub(crate) fn run_id() -> Result<RunId, Problem> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| {
        Problem::new(Code::Internal, "the system's random number generator is not available").source(error)
    })?;
    Ok(RunId(hex::encode(bits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        let (one, other) = (run_id().unwrap(), run_id().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.0.len(), 32);
    }
}

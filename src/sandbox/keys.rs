//! The one key pair of a sandbox.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SandboxError;

/// The key pair that a sandbox accepts. Each start creates a random one: a program without it cannot write.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The access key id.
    pub access_key_id: String,
    /// The secret that belongs to it.
    pub secret_access_key: String,
}

impl Keys {
    pub(super) fn random() -> Result<Keys, SandboxError> {
        let (mut id, mut secret) = ([0; 7], [0; 32]);
        getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut secret)).map_err(SandboxError::Random)?;
        Ok(Keys { access_key_id: format!("SANDBOX{}", hex::encode_upper(id)), secret_access_key: hex::encode(secret) })
    }
}

impl fmt::Debug for Keys {
    /// Without the secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keys").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

//! Resolving references to secrets.

use crate::domain::secret::{Secret, SecretRef};

/// Why a secret cannot be had. Never contains the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("variable {0} is not set in the environment or any .env file")]
    Unset(String),
    /// The file cannot be read.
    #[error("secret file {path}: {cause}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        cause: String,
    },
}

/// Resolves references.
pub trait Secrets {
    /// Fetches one value afresh.
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError>;
}

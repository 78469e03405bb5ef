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
    /// The reference is right, and nothing in this build can ask for it.
    #[error("{0} cannot be fetched: this build does not speak to Vault yet")]
    NotYet(SecretRef),
}

impl SecretError {
    /// Tells whether the reference is right and only nobody can ask for it yet: that stops no plan.
    #[must_use]
    pub const fn is_for_later(&self) -> bool {
        matches!(self, Self::NotYet(_))
    }

    /// Returns the command that shows whether it helped; a variable is set for it.
    #[must_use]
    pub fn next(&self) -> String {
        match self {
            Self::Unset(name) => format!("{name}=VALUE nkapp plan"),
            Self::File { .. } => "nkapp plan".to_owned(),
            // What this build cannot ask for, the file's own check shows with its place.
            Self::NotYet(_) => "nkapp validate".to_owned(),
        }
    }

    /// Says what helps.
    #[must_use]
    pub const fn way_out(&self) -> &'static str {
        match self {
            Self::Unset(_) => "set the variable, or write it into `.env`",
            Self::File { .. } => "make it a plain file that can be read, or name another one",
            Self::NotYet(_) => {
                "give the value as `env://NAME` or `file://PATH` until then: `vault kv get` writes it there"
            }
        }
    }
}

/// Resolves references.
pub trait Secrets {
    /// Fetches one value afresh.
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError>;
}

//! References to secrets, and the short life of a resolved one.
//!
//! A reference may be printed, stored and compared; a value may not: it has no `Display`, no useful
//! `Debug`, is wiped when dropped, and leaves this type only through [`Secret::expose`], whose few call
//! sites are the providers' create, exec and hook calls.

use std::fmt;

use zeroize::Zeroizing;

/// Where a secret's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretRef {
    /// A variable of the environment (`env://NAME`, or `from: env`), after the `.env` hierarchy.
    Env(String),
    /// A file's content without its last line break (`file://PATH`, relative to the project).
    File(String),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env://{name}"),
            Self::File(path) => write!(f, "file://{path}"),
        }
    }
}

/// A resolved secret value; wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value that must not be shown.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
    /// Hands the value out; the caller must neither store nor print it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

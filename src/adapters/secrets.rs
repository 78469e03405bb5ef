//! Secrets of the environment and of files.
//!
//! A value is read afresh for each use and held in no field of this adapter but the variables the project was
//! loaded with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::adapters::folder;
use crate::domain::secret::{Secret, SecretRef};
use crate::ports::secrets::{SecretError, Secrets};

/// Longest secret, in bytes: Linux takes no variable of more than 128 KiB, its name included.
const LIMIT: usize = 127 << 10;

/// Resolves `env://` from the loaded variables and `file://` relative to the project.
#[derive(Clone)]
pub struct ProjectSecrets {
    root: PathBuf,
    variables: BTreeMap<String, String>,
}

impl std::fmt::Debug for ProjectSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProjectSecrets")
            .field("root", &self.root)
            .field("variables", &self.variables.len())
            .finish()
    }
}

impl ProjectSecrets {
    /// Takes the project's folder and all variables after the `.env` hierarchy.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, variables: BTreeMap<String, String>) -> Self {
        Self {
            root: root.into(),
            variables,
        }
    }

    fn file(&self, path: &str) -> Result<Secret, SecretError> {
        let failed = |cause: String| SecretError::File {
            path: path.to_owned(),
            cause,
        };
        let full = self.root.join(path);
        let bytes =
            folder::read_plain(&full, LIMIT as u64).map_err(|error| failed(error.to_string()))?;
        let mut text =
            String::from_utf8(bytes).map_err(|_| failed("its content is not UTF-8".to_owned()))?;
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        match unfit(&text) {
            Some(why) => Err(failed(why.to_owned())),
            None => Ok(Secret::new(text)),
        }
    }
}

/// Says why no variable can hold a value.
fn unfit(value: &str) -> Option<&'static str> {
    if value.contains('\0') {
        Some("it has a NUL character, which no variable can hold")
    } else if value.len() > LIMIT {
        Some("it is longer than 127 KiB, which no variable can hold")
    } else {
        None
    }
}

impl Secrets for ProjectSecrets {
    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        match reference {
            SecretRef::Env(name) => self
                .variables
                .get(name)
                .map(|value| Secret::new(value.clone()))
                .ok_or_else(|| SecretError::Unset(name.clone())),
            SecretRef::File(path) => self.file(path),
            SecretRef::Vault { .. } => Err(SecretError::NotYet(reference.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn values_come_from_variables_and_files_without_their_last_line_break() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
        write("one", "s3cret\n");
        write("two", "a\n\n");
        write("dos", "b\r\n");
        write("bare", "c");
        write("zero", "a\0b");
        write("long", &"d".repeat(LIMIT + 1));
        let secrets = ProjectSecrets::new(
            home.path(),
            BTreeMap::from([("TOKEN".to_owned(), "t\n".to_owned())]),
        );
        let cases = [
            (SecretRef::Env("TOKEN".to_owned()), Some("t\n")),
            (SecretRef::Env("OTHER".to_owned()), None),
            (SecretRef::File("one".to_owned()), Some("s3cret")),
            (SecretRef::File("two".to_owned()), Some("a\n")),
            (SecretRef::File("dos".to_owned()), Some("b")),
            (SecretRef::File("bare".to_owned()), Some("c")),
            (SecretRef::File("zero".to_owned()), None),
            (SecretRef::File("long".to_owned()), None),
            (SecretRef::File("missing".to_owned()), None),
            (SecretRef::File(".".to_owned()), None),
            (
                SecretRef::Vault {
                    path: "secret/shop".to_owned(),
                    field: "token".to_owned(),
                },
                None,
            ),
        ];
        for (reference, expected) in cases {
            let found = secrets.resolve(&reference).await.ok();
            assert_eq!(found.as_ref().map(Secret::expose), expected, "{reference}");
        }
        assert!(!format!("{secrets:?}").contains('t') || !format!("{secrets:?}").contains("TOKEN"));
    }
}

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
    /// A field of a secret in Vault (`vault://PATH#FIELD`); this build reads and shows it, and cannot resolve it yet.
    Vault {
        /// Where the secret is, mount first.
        path: String,
        /// Which of its fields.
        field: String,
    },
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env://{name}"),
            Self::File(path) => write!(f, "file://{path}"),
            Self::Vault { path, field } => write!(f, "vault://{path}#{field}"),
        }
    }
}

/// Words that, as a part of a variable's name, say that its value is a secret.
const TELLING: [&str; 7] = [
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PWD",
    "CREDENTIAL",
];

/// Tells whether a variable's name says that its value is a secret: `API_KEY` does, `KEYBOARD` does not.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    name.split('_')
        .any(|part| TELLING.iter().any(|word| part.eq_ignore_ascii_case(word)))
}

/// A resolved secret value; wiped from memory when dropped.
///
/// What prints, prints no value:
///
/// ```
/// let secret = nanokit::domain::secret::Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "[redacted] Some(\n    [redacted],\n)");
/// ```
///
/// What would show one does not compile:
///
/// ```compile_fail,E0277
/// let secret = nanokit::domain::secret::Secret::new("hunter2".to_owned());
/// println!("{secret}");
/// ```
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

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use super::*;

    /// Says of a type whether it can be shown: what is inherent and applies wins over what comes by a trait.
    struct Shown<T>(PhantomData<T>);
    trait Hidden {
        const DISPLAY: bool = false;
        const SERIALIZE: bool = false;
    }
    impl<T> Hidden for Shown<T> {}
    impl<T: fmt::Display> Shown<T> {
        const DISPLAY: bool = true;
    }
    impl<T: serde::Serialize> Shown<T> {
        const SERIALIZE: bool = true;
    }

    #[test]
    fn s08_a_secret_is_neither_displayed_nor_stored_and_its_debug_shows_nothing() {
        let told = |display: bool, serialize: bool| (display, serialize);
        // The question can be answered with yes, too.
        assert_eq!(
            told(Shown::<String>::DISPLAY, Shown::<String>::SERIALIZE),
            (true, true)
        );
        assert_eq!(
            told(Shown::<Secret>::DISPLAY, Shown::<Secret>::SERIALIZE),
            (false, false)
        );
        let secret = Secret::new("hunter2".to_owned());
        for text in [
            format!("{secret:?}"),
            format!("{secret:#?}"),
            format!("{:?}", Some((&secret, 1))),
            format!("{:?}", vec![secret.clone(); 2]),
        ] {
            assert!(text.contains("[redacted]"), "{text}");
            assert!(!text.contains("hunter"), "{text}");
            // Not even how long it is.
            assert!(!text.contains('7'), "{text}");
        }
    }

    #[test]
    fn a_name_says_secret_by_one_of_its_parts() {
        for (name, expected) in [
            ("API_KEY", true),
            ("TOKEN", true),
            ("db_password", true),
            ("AWS_SECRET_ACCESS", true),
            ("MY_CREDENTIAL", true),
            ("OLD_PWD_FILE", true),
            ("KEYBOARD", false),
            ("MONKEY_COUNT", false),
            ("TOKENIZER", false),
            ("", false),
        ] {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
    }
}

//! Where a room is: a project file and an environment.

use std::path::PathBuf;

/// How a place came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Found {
    /// It was named when the panel was started.
    Given,
    /// The project's own file names it, or there is a state of it.
    Environment,
    /// It was open before.
    Before,
    /// Its file is in a folder nearby.
    Nearby,
}

impl Found {
    /// Returns it in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "named at the start",
            Self::Environment => "environment of this project",
            Self::Before => "open before",
            Self::Nearby => "found nearby",
        }
    }
}

/// A place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The project file, absolute.
    pub file: PathBuf,
    /// The environment; `None`: the one the branch or the default gives.
    pub env: Option<String>,
    /// Name of the project, as far as it is known.
    pub name: String,
    /// The project file as people would type it.
    pub shown: String,
    /// How it came to be known.
    pub found: Found,
}

impl Place {
    /// Tells whether both are the same room.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.file == other.file && self.env == other.env
    }

    /// Returns project and environment in words.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.env {
            Some(env) => format!("{} ({env})", self.name),
            None => self.name.clone(),
        }
    }
}

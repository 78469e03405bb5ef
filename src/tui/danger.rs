//! How much an act can break, and the ritual that comes before it: the worse the act and the dearer the
//! environment, the more has to be done to agree.
//!
//! The key that confirms is never the key that asked, and never Enter.

use crate::domain::plan::model::{ActionKind, Plan, Purpose, Strategy};

/// What an act can do to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Danger {
    /// Nothing: it looks.
    #[default]
    Read,
    /// Something that can be taken back without anybody noticing.
    Reversible,
    /// Something others notice: services stop or are made anew.
    Disruptive,
    /// Something that cannot be taken back: data goes.
    DataLosing,
}

impl Danger {
    /// Returns the word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Reversible => "reversible",
            Self::Disruptive => "disruptive",
            Self::DataLosing => "data-losing",
        }
    }
    /// Returns the symbol beside the word.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Read => " ",
            Self::Reversible => "·",
            Self::Disruptive => "!",
            Self::DataLosing => "✗",
        }
    }
}

/// How dear an environment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Standing {
    /// Nobody else looks at it.
    #[default]
    Own,
    /// Others look at it.
    Shared,
    /// It earns the money.
    Production,
}

impl Standing {
    /// Judges an environment by its name.
    #[must_use]
    pub fn of(env: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| env.contains(word));
        if has(&["prod"]) || env == "live" {
            Self::Production
        } else if has(&["stag", "test", "qa", "preview", "shared"]) {
            Self::Shared
        } else {
            Self::Own
        }
    }
}

/// What has to be done to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ritual {
    /// Nothing.
    None,
    /// One key that is not the one that asked.
    Key,
    /// The name, typed.
    Typed,
    /// The name, typed, and a wait before it counts.
    TypedAndWait,
}

impl Ritual {
    /// How long the wait is, in milliseconds.
    pub const WAIT: i64 = 5_000;

    /// Looks up what an act needs in an environment.
    #[must_use]
    pub fn of(danger: Danger, standing: Standing) -> Self {
        match (danger, standing) {
            (Danger::Read, _) | (Danger::Reversible, Standing::Own) => Self::None,
            (Danger::Reversible, Standing::Shared | Standing::Production)
            | (Danger::Disruptive, Standing::Own | Standing::Shared) => Self::Key,
            (Danger::Disruptive, Standing::Production)
            | (Danger::DataLosing, Standing::Own | Standing::Shared) => Self::Typed,
            (Danger::DataLosing, Standing::Production) => Self::TypedAndWait,
        }
    }

    /// Says it in a few words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "at once",
            Self::Key => "after one key",
            Self::Typed => "after typing the name",
            Self::TypedAndWait => "after typing the name and a wait",
        }
    }
}

/// Judges what carrying a plan out can break.
#[must_use]
pub fn of_plan(plan: &Plan) -> Danger {
    if plan.is_empty() {
        return Danger::Read;
    }
    if !plan.destructive().is_empty() {
        return Danger::DataLosing;
    }
    let disrupts = plan.actions.iter().any(|action| match action.kind {
        ActionKind::Delete => true,
        ActionKind::Update => action.strategy == Strategy::Recreate,
        // What steps of a procedure break nobody can tell.
        ActionKind::Run => true,
        ActionKind::Create | ActionKind::Noop => false,
    });
    if disrupts || matches!(plan.purpose, Purpose::Destroy | Purpose::Clean) {
        Danger::Disruptive
    } else {
        Danger::Reversible
    }
}

/// Returns the ritual before a plan is carried out: never less than one key, and the name before a destroy.
#[must_use]
pub fn before(plan: &Plan, standing: Standing) -> Ritual {
    let ritual = Ritual::of(of_plan(plan), standing).max(Ritual::Key);
    match plan.purpose {
        Purpose::Destroy if !plan.is_empty() => ritual.max(Ritual::Typed),
        Purpose::Destroy | Purpose::Clean | Purpose::Deploy | Purpose::Restore | Purpose::Act => {
            ritual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_judged_by_its_name() {
        for (name, standing) in [
            ("local", Standing::Own),
            ("dev", Standing::Own),
            ("staging", Standing::Shared),
            ("preview-12", Standing::Shared),
            ("production", Standing::Production),
            ("live", Standing::Production),
            ("delivery", Standing::Own),
        ] {
            assert_eq!(Standing::of(name), standing, "{name}");
        }
    }

    #[test]
    fn the_ritual_grows_with_danger_and_with_the_environment() {
        let dangers = [
            Danger::Read,
            Danger::Reversible,
            Danger::Disruptive,
            Danger::DataLosing,
        ];
        let standings = [Standing::Own, Standing::Shared, Standing::Production];
        for pair in dangers.windows(2) {
            for standing in standings {
                assert!(Ritual::of(pair[0], standing) <= Ritual::of(pair[1], standing));
            }
        }
        for danger in dangers {
            for pair in standings.windows(2) {
                assert!(Ritual::of(danger, pair[0]) <= Ritual::of(danger, pair[1]));
            }
        }
        assert_eq!(
            Ritual::of(Danger::DataLosing, Standing::Production),
            Ritual::TypedAndWait
        );
    }
}

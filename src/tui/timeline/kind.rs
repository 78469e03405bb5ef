//! What a step spends its time on: six kinds, each with a letter, a word and a tone.

use crate::domain::ids::StepId;
use crate::tui::theme::Tone;

/// What a step spends its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Getting an image.
    Fetch,
    /// Ending what is there.
    Stop,
    /// A command of the project: hooks and installations.
    Hook,
    /// Making and starting.
    Start,
    /// Waiting until it is healthy, or until a job has ended.
    Health,
    /// Anything else.
    Other,
}

impl Kind {
    /// All kinds, in the order of the legend.
    pub const ALL: [Self; 6] = [
        Self::Fetch,
        Self::Stop,
        Self::Hook,
        Self::Start,
        Self::Health,
        Self::Other,
    ];

    /// Returns the letter a bar of it begins with.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Fetch => 'p',
            Self::Stop => 'x',
            Self::Hook => 'h',
            Self::Start => 's',
            Self::Health => 'c',
            Self::Other => 'o',
        }
    }

    /// Returns the word of the legend.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fetch => "pull, build",
            Self::Stop => "stop",
            Self::Hook => "hook",
            Self::Start => "start",
            Self::Health => "health check",
            Self::Other => "other",
        }
    }

    /// Returns its tone; the letter says the same without colour.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Fetch => Tone::Busy,
            Self::Stop => Tone::Warn,
            Self::Hook => Tone::Drift,
            Self::Start => Tone::Ok,
            Self::Health => Tone::Key,
            Self::Other => Tone::Text,
        }
    }

    /// Finds the kind of a step by its id, which names what it does; so a run needs no plan to be read.
    #[must_use]
    pub fn of_id(step: &StepId) -> Self {
        let name = step.as_str().rsplit('/').next().unwrap_or_default();
        match name.split('.').next().unwrap_or_default() {
            "pull" | "build" => Self::Fetch,
            "stop" | "remove" => Self::Stop,
            "prestart" | "poststart" | "prestop" | "poststop" | "install" => Self::Hook,
            "create" | "start" | "open_gate" | "unpause" => Self::Start,
            "health" | "complete" => Self::Health,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_letter_of_its_own() {
        let letters: std::collections::BTreeSet<char> =
            Kind::ALL.into_iter().map(Kind::letter).collect();
        assert_eq!(letters.len(), Kind::ALL.len());
    }

    #[test]
    fn an_id_says_what_its_step_does() {
        for (id, kind) in [
            ("service.api/pull", Kind::Fetch),
            ("service.api/pull.install", Kind::Fetch),
            ("service.api[0]/prestart.host.1", Kind::Hook),
            ("service.api[0]/health", Kind::Health),
            ("network.default/create", Kind::Start),
            ("service.api[0]/connect.back", Kind::Other),
        ] {
            assert_eq!(Kind::of_id(&StepId::new(id)), kind, "{id}");
        }
    }
}

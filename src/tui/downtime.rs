//! What a planned action means for whoever uses the service: is it down, and for how long.

use std::time::Duration;

use crate::domain::ids::ResourceKind;
use crate::domain::plan::model::{Action, ActionKind, StepKind, Strategy};
use crate::domain::report::Usual;
use crate::present::human::duration;

/// How an action shows from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downtime {
    /// Not at all.
    None,
    /// It was not up before.
    New,
    /// It is down while it is made anew; how long that usually takes, where that is known.
    While(Option<Duration>),
    /// It goes for good.
    Gone,
}

impl Downtime {
    /// Says it in a few words; `None` where there is nothing to say.
    #[must_use]
    pub fn words(self) -> Option<String> {
        match self {
            Self::None | Self::New => None,
            Self::While(None) => Some("down while it is made anew".into()),
            Self::While(Some(time)) => Some(format!("down for about {}", duration(time))),
            Self::Gone => Some("down for good".into()),
        }
    }
}

/// Judges one action.
#[must_use]
pub fn of(action: &Action, usual: Option<&Usual>) -> Downtime {
    if action.address.kind != ResourceKind::Service {
        return Downtime::None;
    }
    match (action.kind, action.strategy) {
        (ActionKind::Noop | ActionKind::Run, _) => Downtime::None,
        (ActionKind::Create, _) => Downtime::New,
        (ActionKind::Delete, _) => Downtime::Gone,
        (ActionKind::Update, Strategy::Recreate) => Downtime::While(time(action, usual)),
        (
            ActionKind::Update,
            Strategy::Rolling | Strategy::InPlace | Strategy::Start | Strategy::None,
        ) => Downtime::None,
    }
}

/// Adds up what the steps usually take that happen while nothing serves; of the slowest instance. `None` as soon
/// as one of them is unknown.
fn time(action: &Action, usual: Option<&Usual>) -> Option<Duration> {
    let usual = usual?;
    let mut instances = std::collections::BTreeMap::new();
    let down = action
        .steps
        .iter()
        .filter(|step| !matches!(step.kind, StepKind::Pull { .. } | StepKind::Build));
    for step in down {
        let took = *usual.steps.get(&step.id)?;
        *instances.entry(step.instance).or_insert(Duration::ZERO) += took;
    }
    instances.into_values().max()
}

//! What the plan does to a resource, as one would say it of a box or a row.

use crate::domain::ids::{Address, ResourceKind};
use crate::domain::plan::model::{Action, ActionKind, Strategy};
use crate::tui::rows::row::Cell;
use crate::tui::theme::Tone;

/// What becomes of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Fate {
    /// It stays as it is.
    #[default]
    Keep,
    /// It comes.
    Create,
    /// It changes while it runs.
    Update,
    /// It is started, or finished, as it is.
    Start,
    /// It is only noted in the state.
    Note,
    /// It is made anew because of its own changes.
    Replace {
        /// Whether one instance after the other, without a pause.
        rolling: bool,
    },
    /// It is made anew because of what it stands on.
    Restart {
        /// What it stands on, `network.front`.
        because: String,
    },
    /// It goes.
    Delete,
}

impl Fate {
    /// Reads an action; `planned` finds the other actions of its plan.
    #[must_use]
    pub fn of<'a>(action: &Action, planned: impl Fn(&Address) -> Option<&'a Action>) -> Self {
        match (action.kind, action.strategy) {
            (ActionKind::Noop, _) => Self::Keep,
            (ActionKind::Create, _) => Self::Create,
            (ActionKind::Run, _) => Self::Start,
            (ActionKind::Delete, _) => Self::Delete,
            (ActionKind::Update, Strategy::InPlace) => Self::Update,
            (ActionKind::Update, Strategy::Start) => Self::Start,
            (ActionKind::Update, Strategy::None)
                if action.address.kind == ResourceKind::Service =>
            {
                Self::Note
            }
            (ActionKind::Update, Strategy::None) => Self::Update,
            (ActionKind::Update, Strategy::Recreate | Strategy::Rolling) => {
                let rolling = action.strategy == Strategy::Rolling;
                match because(action, planned) {
                    Some(because) => Self::Restart { because },
                    None => Self::Replace { rolling },
                }
            }
        }
    }
    /// Reads what is known without a plan.
    #[must_use]
    pub fn guess(pending: ActionKind) -> Self {
        match pending {
            ActionKind::Noop => Self::Keep,
            ActionKind::Create => Self::Create,
            ActionKind::Update | ActionKind::Run => Self::Update,
            ActionKind::Delete => Self::Delete,
        }
    }
    /// Returns its symbol; empty when nothing happens.
    #[must_use]
    pub fn symbol(&self) -> &'static str {
        match self {
            Self::Keep => "",
            Self::Create => "+",
            Self::Update | Self::Start | Self::Note => "~",
            Self::Replace { .. } => "!",
            Self::Restart { .. } => "↻",
            Self::Delete => "-",
        }
    }
    /// Returns its meaning.
    #[must_use]
    pub fn tone(&self) -> Tone {
        match self {
            Self::Keep => Tone::Dim,
            Self::Create => Tone::Added,
            Self::Update | Self::Start | Self::Note => Tone::Changed,
            Self::Replace { .. } | Self::Restart { .. } => Tone::Warn,
            Self::Delete => Tone::Removed,
        }
    }
    /// Says what would happen: `! replace`; empty when nothing does.
    #[must_use]
    pub fn pending(&self) -> Cell {
        let word = match self {
            Self::Keep => return Cell::default(),
            Self::Create => "create",
            Self::Update => "update",
            Self::Start => "start",
            Self::Note => "note",
            Self::Replace { rolling: true } => "roll",
            Self::Replace { rolling: false } => "replace",
            Self::Restart { .. } => "restart",
            Self::Delete => "delete",
        };
        Cell::new(format!("{} {word}", self.symbol()), self.tone())
    }
    /// Says why, where it is not the resource's own doing.
    #[must_use]
    pub fn because(&self) -> Option<String> {
        match self {
            Self::Restart { because } => Some(format!("because of {because}")),
            Self::Keep
            | Self::Create
            | Self::Update
            | Self::Start
            | Self::Note
            | Self::Replace { .. }
            | Self::Delete => None,
        }
    }
    /// Says how the plan leaves it: `made anew`.
    #[must_use]
    pub fn outcome(&self) -> Cell {
        let text = match self {
            Self::Keep => "stays as it is",
            Self::Create => "new",
            Self::Update => "changed in place",
            Self::Start => "started",
            Self::Note => "noted in the state",
            Self::Replace { rolling: true } => "made anew one by one",
            Self::Replace { rolling: false } | Self::Restart { .. } => "made anew",
            Self::Delete => "gone",
        };
        Cell::new(text, self.tone())
    }
}

/// What an action without changes of its own stands on that is made anew in the same plan.
fn because<'a>(
    action: &Action,
    planned: impl Fn(&Address) -> Option<&'a Action>,
) -> Option<String> {
    // Networks made anew are named in the reason; a volume made anew shows as a mount that was not there.
    let fresh = |change: &crate::domain::plan::model::Change| {
        let volume = change.after.as_deref()?.strip_prefix("volume:")?;
        let volume = Address::volume(volume);
        let made = planned(&volume).is_some_and(|action| action.kind == ActionKind::Create);
        (change.before.is_none() && made).then(|| volume.to_string())
    };
    let mut names: Vec<String> = Vec::new();
    for change in &action.changes {
        names.push(fresh(change)?);
    }
    if action.changes.is_empty() {
        let ground = action.depends_on.iter().filter(|on| {
            let moved = || planned(on).is_some_and(|action| !action.is_noop());
            on.kind != ResourceKind::Service && moved()
        });
        names.extend(ground.map(ToString::to_string));
    }
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

//! Asking for agreement: a typed word, never a single key, never without a terminal.

use crate::app::failure::{Failure, FailureKind};
use crate::app::policy::{Question, Ruling};
use crate::cli::errand::Errand;
use crate::present::role::{Role, Row};

/// Carries out what the policy says: goes on, asks, or refuses.
pub fn settle(errand: &mut Errand<'_>, ruling: Ruling) -> Result<(), Failure> {
    match ruling {
        Ruling::Allow => Ok(()),
        Ruling::Refuse(failure) => Err(failure),
        Ruling::Ask(question) => ask(errand, &question),
    }
}

fn ask(errand: &mut Errand<'_>, question: &Question) -> Result<(), Failure> {
    errand.printer.say(&[
        Row::default(),
        Row::at(0).with(Role::Strong, capital(&question.text)),
    ]);
    let prompt = format!("Type `{}` to go on: ", question.typed);
    let answer = errand.ground.ask(&prompt);
    if answer.as_deref().map(str::trim) == Some(question.typed.as_str()) {
        Ok(())
    } else {
        Err(Failure::new(
            FailureKind::Refused,
            "not agreed; nothing was changed",
        ))
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

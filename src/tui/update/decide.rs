//! Deciding about drift: keeping it in the record, setting it aside, letting it count again.

use crate::app::command::{Amendment, Command};
use crate::domain::ids::Address;
use crate::domain::report::ignored::span;
use crate::domain::time::Wall;
use crate::present::shell;
use crate::tui::effect::{Effect, Wish};
use crate::tui::model::{Model, Overlay};
use crate::tui::overlay::Typed;
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::update::allowed;

/// Word for no end.
const ALWAYS: &str = "always";

/// Asks before what is live is recorded.
pub(super) fn accept(model: &mut Model) -> Vec<Effect> {
    let Some((address, path)) = chosen(model) else {
        return Vec::new();
    };
    let typed = Typed::accept(address, path, model.now);
    model.overlays.push(Overlay::Typed(Box::new(typed)));
    Vec::new()
}

/// Asks why and for how long, or lets what is ignored count again.
pub(super) fn ignore(model: &mut Model) -> Vec<Effect> {
    if let Some((address, path)) = chosen(model) {
        let typed = Typed::ignore(address, path, model.now);
        model.overlays.push(Overlay::Typed(Box::new(typed)));
        return Vec::new();
    }
    let Some(address) = allowed::ignored(model) else {
        return Vec::new();
    };
    let echo = format!("drift unignore {address}");
    let amendment = Amendment::Unignore {
        address,
        path: None,
    };
    send(model, "let ignored drift count again", &echo, amendment)
}

/// Carries out what was typed: nothing but the name to accept, reason and time to ignore.
pub(super) fn typed(
    model: &mut Model,
    (address, path): (Address, Option<String>),
    fields: &[String],
) -> Vec<Effect> {
    let [reason, time] = fields else {
        let field = path
            .as_deref()
            .map_or(String::new(), |path| format!(" {path}"));
        let echo = format!("drift accept {address}{field}");
        let amendment = Amendment::Accept { address, path };
        return send(model, "record what is live", &echo, amendment);
    };
    let until = match (time.trim(), span(time.trim())) {
        (ALWAYS, _) => None,
        (_, Some(span)) => {
            let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            Some(Wall(model.now.0.saturating_add_unsigned(millis)))
        }
        (_, None) => {
            model.toast("for how long is said as 30m, 12h, 2d or always", Tone::Warn);
            return Vec::new();
        }
    };
    let field = path
        .as_deref()
        .map_or(String::new(), |path| format!(":{path}"));
    let mut echo = format!(
        "drift ignore {address}{field} --reason {}",
        shell::quote(reason.trim())
    );
    if until.is_some() {
        echo.push_str(&format!(" --until {}", time.trim()));
    }
    let amendment = Amendment::Ignore {
        address,
        path,
        reason: reason.trim().to_owned(),
        until,
    };
    send(model, "set drift aside", &echo, amendment)
}

/// Returns the drift the cursor is on: a resource, or one field of it.
fn chosen(model: &Model) -> Option<(Address, Option<String>)> {
    let address = allowed::drifted(model)?;
    let row = model.pane()?.current()?;
    let path = match &row.row.subject {
        Subject::Change(_, index) => {
            let changes = model.snapshot.drift.as_ref()?.drifted.get(&address)?;
            changes.get(*index).map(|change| change.path.clone())
        }
        Subject::Heading
        | Subject::Resource(_)
        | Subject::Step(..)
        | Subject::Run(_)
        | Subject::Remark => None,
    };
    Some((address, path))
}

fn send(model: &mut Model, what: &str, echo: &str, amendment: Amendment) -> Vec<Effect> {
    let echo = format!("{} {echo}", model.options.command);
    model.did(what, Some(echo));
    vec![Effect::Send {
        command: Command::Amend { amendment },
        wish: Wish::Quiet,
    }]
}

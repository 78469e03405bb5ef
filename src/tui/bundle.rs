//! What goes into a bundle for a report, as far as the panel knows it: headings and texts.
//!
//! The composition root adds version, platform, configuration and log, and masks secrets in all of it.

use crate::app::notice::Link;
use crate::present::role::Row;
use crate::present::rows::{drift, lock, plan, status};
use crate::present::{clean, human};
use crate::tui::model::{Model, Overlay};
use crate::tui::recorder::Recorder;

/// Returns the parts, each with its heading.
#[must_use]
pub fn parts(model: &Model, recorder: &Recorder) -> Vec<(String, String)> {
    let snapshot = &model.snapshot;
    let none = || "none\n".to_owned();
    let mut parts = vec![("panel", panel(model)), ("platform", link(&snapshot.link))];
    parts.push((
        "status",
        snapshot
            .status
            .as_ref()
            .map_or_else(none, |report| text(&status::status(report, model.now))),
    ));
    parts.push((
        "plan",
        snapshot.plan.as_ref().map_or_else(none, |shown| {
            let stale = snapshot.plan_stale.as_ref();
            let stale = stale.map_or_else(String::new, |why| format!("stale: {why}\n"));
            stale + &text(&plan::plan(shown, plan::Detail::default()))
        }),
    ));
    parts.push((
        "drift",
        snapshot
            .drift
            .as_ref()
            .map_or_else(none, |report| text(&drift::drift(report, true, model.now))),
    ));
    parts.push((
        "lock",
        snapshot
            .lock
            .as_ref()
            .map_or_else(none, |report| text(&lock::lock(report, model.now))),
    ));
    parts.push(("run", run(model).unwrap_or_else(none)));
    parts.push(("remarks", remarks(model)));
    parts.push(("what the panel did", deeds(model)));
    parts.push(("figures", recorder.figures().line() + "\n"));
    parts.push(("recorder", recorder.text()));
    parts
        .into_iter()
        .map(|(heading, text)| (heading.to_owned(), text))
        .collect()
}

fn text(rows: &[Row]) -> String {
    rows.iter()
        .map(|row| clean::line(&row.text()) + "\n")
        .collect()
}

fn panel(model: &Model) -> String {
    let above: Vec<&str> = model
        .overlays
        .iter()
        .map(|overlay| match overlay {
            Overlay::Help { .. } => "help",
            Overlay::Palette(_) => "list",
            Overlay::Filter => "filter",
            Overlay::Dialog(_) => "dialog",
            Overlay::Typed(_) => "typed confirmation",
            Overlay::Logs(_) => "logs",
            Overlay::Deeds { .. } => "log of the panel",
        })
        .collect();
    let rooms: Vec<String> = model
        .around
        .tabs
        .iter()
        .map(|tab| {
            let shown = if tab.shown { ", on show" } else { "" };
            format!("room: {}, {}{shown}\n", tab.place.title(), tab.mark.word())
        })
        .collect();
    let (columns, lines) = model.size;
    let options = &model.options;
    format!(
        "size: {columns}x{lines}\narea: {}\nabove: {}\ncolours: {:?}\nascii: {}\nread-only: {}\ncommand: {}\n{}",
        model.area.title(),
        above.join(", "),
        options.colors,
        options.ascii,
        options.read_only,
        options.command,
        rooms.concat(),
    )
}

fn link(link: &Link) -> String {
    match link {
        Link::Connecting => "not asked yet\n".to_owned(),
        Link::Up(what) => format!("{}\n", clean::line(what)),
        Link::Down(why) => format!("down: {}\n", clean::line(why)),
    }
}

fn run(model: &Model) -> Option<String> {
    let run = model.snapshot.run.as_ref()?;
    let mut text = format!("{} {}, stage {}\n", run.command, run.run_id, run.stage);
    if let Some((_, outcome, code, message)) = &run.finished {
        let message = message.as_deref().unwrap_or("no message");
        text.push_str(&format!(
            "{outcome}, exit {code}: {}\n",
            clean::line(message)
        ));
    }
    for (step, view) in &run.steps {
        let end = view
            .outcome
            .as_ref()
            .map_or_else(|| "not ended".to_owned(), |outcome| format!("{outcome:?}"));
        let message = view.message.as_deref().unwrap_or_default();
        text.push_str(&format!("  {step}: {end} {}\n", clean::line(message)));
    }
    Some(text)
}

fn remarks(model: &Model) -> String {
    let toasts = model.toasts.iter().map(|toast| (toast.until, &toast.text));
    let remarks = model.snapshot.remarks.iter().map(|(at, text)| (*at, text));
    remarks
        .chain(toasts)
        .map(|(at, text)| format!("{} {}\n", human::clock(at), clean::line(text)))
        .collect()
}

fn deeds(model: &Model) -> String {
    model
        .deeds
        .iter()
        .map(|deed| {
            let command = deed.command.as_deref().unwrap_or("no command line");
            format!(
                "{} {}: {}\n",
                human::clock(deed.at),
                clean::line(&deed.text),
                clean::line(command)
            )
        })
        .collect()
}

//! Other projects and environments, other programs, and what the panel says about itself.

use crate::domain::ids::ResourceKind;
use crate::domain::place::Span;
use crate::domain::project::project::Origin;
use crate::present::shell;
use crate::tui::effect::Effect;
use crate::tui::fuzzy::Query;
use crate::tui::keymap::action::Action;
use crate::tui::model::{Model, Overlay};
use crate::tui::overlay::{Choices, Palette};
use crate::tui::recorder::Figures;
use crate::tui::rooms::doors::{Errand, Keepsake};
use crate::tui::rooms::place::Place;
use crate::tui::rooms::tab::Mark;
use crate::tui::theme::Tone;
use crate::tui::update::{allowed, deeds};

/// Tells why an action of this part does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::NextRoom | Action::PreviousRoom if model.around.tabs.len() < 2 => {
            Err("no other project is open".into())
        }
        Action::Shell => {
            allowed::changing(model)?;
            let service = allowed::service(model).ok_or("choose a service")?;
            match running(model, &service) {
                Some(false) => Err(format!("{service} does not run")),
                Some(true) | None => Ok(()),
            }
        }
        Action::Edit => {
            allowed::changing(model)?;
            let read = file(model).is_some();
            read.then_some(())
                .ok_or_else(|| "the project file was not read yet".into())
        }
        Action::SaveScript if !model.deeds.iter().any(|deed| deed.command.is_some()) => {
            Err("nothing was done yet that could be saved".into())
        }
        Action::Deeds if model.deeds.is_empty() => Err("nothing was done yet".into()),
        _ => Ok(()),
    }
}

/// Tells whether a service has an instance that runs; `None` while that is not known.
fn running(model: &Model, service: &str) -> Option<bool> {
    let report = model.snapshot.status.as_ref()?;
    let status = report.resources.values().find(|status| {
        status.address.kind == ResourceKind::Service && status.address.name == service
    })?;
    Some(
        status
            .instances
            .iter()
            .any(|instance| matches!(instance.status, crate::domain::live::Status::Running)),
    )
}

/// Does an action of this part.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Places => open_list(model, Choices::Places),
        Action::Environments => open_list(model, Choices::Environments),
        Action::NextRoom => vec![Effect::Beside(1)],
        Action::PreviousRoom => vec![Effect::Beside(-1)],
        Action::Edit => edit(model),
        Action::Shell => open_shell(model),
        Action::Deeds => {
            model.overlays.push(Overlay::Deeds { back: 0 });
            Vec::new()
        }
        Action::SaveScript => vec![Effect::Keep(Keepsake::Script(deeds::script(model)))],
        Action::Bundle => vec![Effect::Bundle],
        Action::Figures => {
            model.figures = match model.figures {
                None => Some(Figures::default()),
                Some(_) => None,
            };
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn open_list(model: &mut Model, kind: Choices) -> Vec<Effect> {
    model.overlays.push(Overlay::Palette(Palette {
        kind,
        ..Palette::default()
    }));
    model.around.looking = true;
    vec![Effect::LookAround]
}

/// One line of the list of places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where it leads.
    pub place: Place,
    /// How it stands, when it is open.
    pub mark: Option<Mark>,
    /// Whether it is this room.
    pub here: bool,
}

impl Choice {
    /// Returns what is said about it.
    #[must_use]
    pub fn remark(&self) -> String {
        match self.mark {
            _ if self.here => "this room".to_owned(),
            Some(mark) => format!("{} open, {}", mark.symbol(), mark.word()),
            None => self.place.found.as_str().to_owned(),
        }
    }
}

/// Returns the places of a list that fit what was typed, the best first.
#[must_use]
pub fn places(model: &Model, list: &Palette) -> Vec<Choice> {
    let here = model.around.here();
    let ours = |place: &Place| {
        list.kind != Choices::Environments || here.is_some_and(|here| here.file == place.file)
    };
    let choice = |(place, mark): (Place, Option<Mark>)| Choice {
        here: here.is_some_and(|here| here.is(&place)),
        place,
        mark,
    };
    let all = model.around.choices().into_iter();
    let all = all.filter(|(place, _)| ours(place)).map(choice);
    if list.typed.trim().is_empty() {
        return all.collect();
    }
    let mut query = Query::new(&list.typed);
    let mut scored: Vec<(u32, Choice)> = all
        .filter_map(|choice| {
            let by_name = query.score(&choice.place.title()).map(|score| score * 2);
            let score = by_name.max(query.score(&choice.place.shown))?;
            Some((score, choice))
        })
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, choice)| choice).collect()
}

/// Goes to the chosen place.
#[must_use]
pub fn choose(model: &Model, list: &Palette) -> Vec<Effect> {
    let choice = places(model, list).into_iter().nth(list.cursor);
    match choice {
        Some(choice) if !choice.here => vec![Effect::Enter(choice.place)],
        Some(_) | None => Vec::new(),
    }
}

/// Returns the project file as it is shown.
fn file(model: &Model) -> Option<std::path::PathBuf> {
    let config = model.snapshot.config.as_ref()?;
    let read = config.sources.files().first().map(|file| file.name.clone());
    read.or_else(|| config.project.as_ref().map(|project| project.file.clone()))
}

/// Opens the editor where the chosen service stands, or where the first fault is.
fn edit(model: &mut Model) -> Vec<Effect> {
    let Some((file, line)) = spot(model) else {
        return Vec::new();
    };
    let name = file.display().to_string();
    model.did(
        format!("edit {name}"),
        Some(format!("\"${{VISUAL:-$EDITOR}}\" {}", shell::quote(&name))),
    );
    vec![Effect::Errand(Errand::Edit { file, line })]
}

/// Returns file and line to open.
#[must_use]
pub fn spot(model: &Model) -> Option<(std::path::PathBuf, u32)> {
    let config = model.snapshot.config.as_ref()?;
    let place = |span: Span| config.sources.place(span);
    let at = match (&config.project, allowed::named(model)) {
        (Some(project), Some((group, name))) => {
            let within = format!("{group}.{name}.");
            let itself = format!("{group}.{name}");
            project
                .origins
                .iter()
                .filter(|(path, _)| **path == itself || path.starts_with(&within))
                .filter_map(|(_, origin)| match origin {
                    Origin::File(span) => place(*span),
                    Origin::Runtime(_) | Origin::Default => None,
                })
                .min()
                .map(|at| {
                    let line = heading(model, &at, &name).unwrap_or(at.line);
                    (at.file, line)
                })
        }
        (None, _) => config
            .diagnostics
            .iter()
            .filter(|finding| finding.is_error())
            .find_map(|finding| finding.primary.as_ref().and_then(|label| place(label.span)))
            .map(|at| (at.file, at.line)),
        (Some(_), None) => None,
    };
    at.or_else(|| Some((file(model)?, 1)))
}

/// Finds the line with the name itself, at or above the first of its values.
fn heading(model: &Model, at: &crate::domain::place::Place, name: &str) -> Option<u32> {
    let config = model.snapshot.config.as_ref()?;
    let source = config.sources.files().iter().find(|f| f.name == at.file)?;
    let above = usize::try_from(at.line).ok()?;
    let lines: Vec<&str> = source.text.lines().take(above).collect();
    let index = lines.iter().rposition(|line| {
        let line = line.trim_start().trim_start_matches(['"', '\'']);
        line.strip_prefix(name)
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).starts_with(':'))
    })?;
    u32::try_from(index + 1).ok()
}

fn open_shell(model: &mut Model) -> Vec<Effect> {
    let Some(service) = allowed::service(model) else {
        return Vec::new();
    };
    model.did(
        format!("shell in {service}"),
        Some(format!(
            "{} exec {} -- sh",
            model.options.command,
            shell::quote(&service)
        )),
    );
    vec![Effect::Errand(Errand::Shell { service })]
}

/// Takes places that were found.
pub fn found(model: &mut Model, places: Vec<Place>) {
    model.around.places = places;
    model.around.looking = false;
    model.dirty = true;
}

/// Says how a program ended that had the terminal.
pub fn returned(model: &mut Model, errand: &Errand, end: Result<(), String>) {
    model.dirty = true;
    if let Err(why) = end {
        model.toast(format!("{} failed: {why}", errand.title()), Tone::Fail);
    }
}

/// Says where something was kept.
pub fn kept(model: &mut Model, what: &str, end: Result<String, String>) {
    match end {
        Ok(path) => {
            model.toast(format!("{what} written: {path}"), Tone::Ok);
            model.did(format!("{what} written: {path}"), None);
        }
        Err(why) => model.toast(format!("{what} not written: {why}"), Tone::Fail),
    }
}

//! The drawn graph: moving along its edges, its shape, and its turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::graph::build::Graph;
use crate::domain::history::view::RunView;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::project::project::Project;
use crate::tui::blocked::{Blocked, Blocks};
use crate::tui::effect::Effect;
use crate::tui::fuzzy::Query;
use crate::tui::graph::drawing::Flow;
use crate::tui::graph::walk::{Way, beside};
use crate::tui::keymap::action::Action;
use crate::tui::model::{Area, Focus, Model, ServicesAs};
use crate::tui::rows::row::Subject;
use crate::tui::theme::Tone;
use crate::tui::tree::Pane;
use crate::tui::view::graph::{NARROWEST, on_show, viewport};
use crate::tui::words::between;

/// Tells why an action of this part does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::Shape | Action::After if model.size.0 < NARROWEST => Err(format!(
            "a graph needs {NARROWEST} columns, this terminal has {}",
            model.size.0
        )),
        Action::Shape if model.area == Area::Services => Ok(()),
        Action::Shape => Err("only services and runs can be shown in another way".into()),
        Action::After if model.snapshot.plan.is_none() => Err(format!(
            "there is no plan yet; {} makes one",
            model.key(Action::MakePlan)
        )),
        Action::After => Ok(()),
        Action::FlipGraph if on_show(model) => Ok(()),
        Action::FlipGraph => Err(format!(
            "only a graph can be turned; {} draws it",
            model.key(Action::Shape)
        )),
        Action::ToDependency | Action::ToDependent => {
            let up = action == Action::ToDependent;
            let (address, others) = around(model, up).ok_or("choose a service")?;
            match (others.is_empty(), up) {
                (false, _) => Ok(()),
                (true, true) => Err(format!("nothing depends on {}", address.name)),
                (true, false) => Err(format!("{} depends on nothing", address.name)),
            }
        }
        Action::ToCritical => {
            let mut services = project(model).into_iter().flat_map(|p| p.services.values());
            match services.any(|service| !service.depends_on.is_empty()) {
                true => Ok(()),
                false => Err("no service depends on another one".into()),
            }
        }
        Action::ToBlocker => {
            let blocked = blocked(model).ok_or("the chosen one does not wait for anything")?;
            match blocked.address() {
                Some(_) => Ok(()),
                None => Err(format!("it {}", blocked.sentence(model.now))),
            }
        }
        _ => Ok(()),
    }
}

/// Does an action of this part.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Shape => {
            model.services_as = match model.services_as {
                ServicesAs::Tree => ServicesAs::Graph,
                ServicesAs::Graph => ServicesAs::Tree,
            };
        }
        Action::After => {
            model.after = !model.after || model.services_as == ServicesAs::Tree;
            model.services_as = ServicesAs::Graph;
        }
        Action::FlipGraph => {
            let flow = model.stage.drawn().map(|(_, drawing)| drawing.flow);
            model.stage.wish = Some(match flow {
                Some(Flow::Right) => Flow::Down,
                Some(Flow::Down) | None => Flow::Right,
            });
        }
        Action::ToDependency => to_neighbour(model, false),
        Action::ToDependent => to_neighbour(model, true),
        Action::ToCritical => to_critical(model),
        Action::ToBlocker => {
            if let Some(blocked) = blocked(model) {
                to_blocker(model, &blocked);
            }
        }
        _ => {}
    }
    settle(model);
    Vec::new()
}

/// Brings the drawing up to date with the model; cheap when nothing of its shape has changed.
pub fn settle(model: &mut Model) {
    let Some(area) = viewport(model) else {
        return;
    };
    let snapshot = Arc::clone(&model.snapshot);
    let screen = (i32::from(area.width), i32::from(area.height));
    let mut moved = model.stage.refresh(&snapshot, screen);
    let filter = model.pane().map_or("", Pane::filter).to_owned();
    if filter != model.stage.filter {
        model.stage.filter = filter;
        if let Some(first) = in_flow(model).into_iter().next() {
            choose(model, &first);
        }
    }
    let known = |model: &Model, address: &Address| {
        let drawn = model.stage.drawn();
        drawn.is_some_and(|(shape, _)| shape.number(address).is_some())
    };
    let at = cursor(model).filter(|address| known(model, address));
    if at.is_some() && at != model.stage.chosen {
        model.stage.chosen = at;
        moved = true;
    } else if model.stage.node().is_none()
        && let Some(first) = in_flow(model).into_iter().next()
    {
        choose(model, &first);
    }
    if moved {
        model.stage.follow();
    }
}

/// Moves in the graph; returns whether there is one to move in.
pub fn go(model: &mut Model, action: Action) -> bool {
    if !on_show(model) || model.focus != Focus::List {
        return false;
    }
    settle(model);
    let half = |cells: i32| (cells / 2).max(1);
    let window = model.stage.window();
    match action {
        Action::Up => step(model, Way::Up),
        Action::Down => step(model, Way::Down),
        Action::Fold => step(model, Way::Left),
        Action::Unfold => step(model, Way::Right),
        Action::PageUp | Action::PageDown => {
            let sign = if action == Action::PageUp { -1 } else { 1 };
            let tall = model
                .stage
                .drawn()
                .is_some_and(|(_, d)| d.height > window.h);
            let (dx, dy) = match tall {
                true => (0, half(window.h)),
                false => (half(window.w), 0),
            };
            model.stage.pan(sign * dx, sign * dy);
        }
        Action::Top | Action::Bottom => {
            let mut nodes = in_flow(model);
            let end = match action {
                Action::Top => nodes.drain(..).next(),
                _ => nodes.pop(),
            };
            if let Some(end) = end {
                choose(model, &end);
            }
        }
        Action::Toggle | Action::UnfoldAll | Action::FoldAll => {
            model.stage.infra = match action {
                Action::UnfoldAll => true,
                Action::FoldAll => false,
                _ => !model.stage.infra,
            };
            settle(model);
        }
        _ => return false,
    }
    model.dirty = true;
    true
}

/// Returns the resource drawn at a cell of the screen.
#[must_use]
pub fn hit(model: &Model, x: u16, y: u16) -> Option<Address> {
    let area = viewport(model)?;
    let inside = area.contains(ratatui::layout::Position::new(x, y));
    let (x, y) = (
        i32::from(x) - i32::from(area.x),
        i32::from(y) - i32::from(area.y),
    );
    model.stage.hit(x, y).filter(|_| inside).cloned()
}

/// Moves the graph under the screen: positive is towards what lies right and below.
pub fn pan(model: &mut Model, dx: i32, dy: i32) {
    if on_show(model) {
        model.stage.pan(dx, dy);
        model.dirty = true;
    }
}

/// Chooses a resource, in the graph and in the tree.
pub fn choose(model: &mut Model, address: &Address) {
    let found = model.pane_mut().is_some_and(|pane| {
        pane.reveal(|row| matches!(&row.subject, Subject::Resource(own) if own == address))
    });
    if !found && !on_show(model) {
        return;
    }
    model.stage.chosen = Some(address.clone());
    model.stage.follow();
    // Somebody moved the cursor of the run: it does not go with what happens any more.
    model.follow_run &= model.area != Area::Run;
    model.details_at = 0;
    model.output.reader.follow();
    model.output.reader.across = 0;
    model.dirty = true;
}

fn cursor(model: &Model) -> Option<Address> {
    let row = model.pane()?.current()?;
    row.row.subject.address().cloned()
}

/// Returns what the filter leaves over, in the order of the flow.
fn in_flow(model: &Model) -> Vec<Address> {
    let Some((shape, drawing)) = model.stage.drawn() else {
        return Vec::new();
    };
    let mut matches = matcher(model);
    let mut nodes: Vec<((i32, i32), &Address)> = shape
        .nodes
        .iter()
        .zip(&drawing.boxes)
        .filter(|(address, _)| matches(address))
        .map(|(address, spot)| match drawing.flow {
            Flow::Right => ((spot.x, spot.y), address),
            Flow::Down => ((spot.y, spot.x), address),
        })
        .collect();
    nodes.sort_unstable();
    nodes
        .into_iter()
        .map(|(_, address)| address.clone())
        .collect()
}

fn matcher(model: &Model) -> impl FnMut(&Address) -> bool + use<> {
    let filter = model.pane().map_or("", Pane::filter);
    let mut query = (!filter.is_empty()).then(|| Query::new(filter));
    move |address| {
        query
            .as_mut()
            .is_none_or(|query| query.score(&address.name).is_some())
    }
}

fn step(model: &mut Model, way: Way) {
    let mut matches = matcher(model);
    let next = model.stage.drawn().and_then(|(shape, drawing)| {
        let allowed: Vec<bool> = shape.nodes.iter().map(&mut matches).collect();
        let from = model.stage.node()?;
        let may = |node: usize| allowed.get(node).copied().unwrap_or(false);
        shape.nodes.get(beside(shape, drawing, from, way, &may)?)
    });
    if let Some(next) = next.cloned() {
        choose(model, &next);
    }
}

fn project(model: &Model) -> Option<&Project> {
    model.snapshot.config.as_ref()?.project.as_deref()
}

/// Returns the chosen service and what depends on it, or what it depends on; what is not ready comes first.
fn around(model: &Model, up: bool) -> Option<(Address, Vec<Address>)> {
    let address = cursor(model).filter(|a| a.kind == ResourceKind::Service)?;
    let project = project(model)?;
    let needs = |from: &str, on: &str| {
        let service = project.services.get(from);
        service.is_some_and(|service| service.depends_on.contains_key(on))
    };
    let names = project.services.keys().filter(|name| match up {
        true => needs(name, &address.name),
        false => needs(&address.name, name),
    });
    let mut others: Vec<Address> = names.map(|name| Address::service(name)).collect();
    let ready = |address: &Address| {
        let status = model.snapshot.status.as_deref();
        status.is_some_and(|status| status.resources.get(address).is_some_and(|s| s.ready))
    };
    others.sort_by_key(ready);
    Some((address, others))
}

fn to_neighbour(model: &mut Model, up: bool) {
    let Some((address, others)) = around(model, up) else {
        return;
    };
    let Some(first) = others.first() else {
        return;
    };
    choose(model, first);
    if others.len() > 1 {
        let text = match up {
            true => format!("1 of {} that depend on {}", others.len(), address.name),
            false => format!("1 of {} that {} depends on", others.len(), address.name),
        };
        model.toast(text, Tone::Text);
    }
}

/// Returns the services of the chain that decides how long a deploy takes.
fn critical(model: &Model) -> Vec<Address> {
    let Some(project) = project(model) else {
        return Vec::new();
    };
    let mut weights: BTreeMap<Address, Duration> = BTreeMap::new();
    if let Some(usual) = &model.snapshot.usual {
        for (step, time) in &usual.steps {
            let owner = step.as_str().split(['[', '/']).next().unwrap_or_default();
            if let Some(name) = owner.strip_prefix("service.") {
                *weights.entry(Address::service(name)).or_default() += *time;
            }
        }
    }
    if let Some(run) = &model.snapshot.run {
        weights.extend(live(run, model));
    }
    let path = Graph::of(project).critical_path(&weights).path;
    let services = path.into_iter().filter(|a| a.kind == ResourceKind::Service);
    // In a run only what it does can be gone to.
    let run = model
        .snapshot
        .run
        .as_ref()
        .and_then(|run| run.plan.as_deref());
    let done = |address: &Address| run.and_then(|plan| plan.action(address));
    services
        .filter(|a| model.area != Area::Run || done(a).is_some_and(|action| !action.is_noop()))
        .collect()
}

/// What the services of the run on show took, or have taken so far.
fn live<'a>(run: &'a RunView, model: &'a Model) -> impl Iterator<Item = (Address, Duration)> + 'a {
    run.actions.iter().map(|(address, view)| {
        let end = view.finished.unwrap_or(model.now);
        (address.clone(), between(view.started, end))
    })
}

fn to_critical(model: &mut Model) {
    let path = critical(model);
    let at = cursor(model);
    let here = path.iter().position(|address| Some(address) == at.as_ref());
    let next = here.map_or(0, |index| (index + 1) % path.len().max(1));
    if let Some(address) = path.get(next) {
        choose(model, address);
        let names: Vec<&str> = path.iter().map(|address| address.name.as_str()).collect();
        let text = format!(
            "{} of {} on the critical path: {}",
            next + 1,
            path.len(),
            names.join(" → ")
        );
        model.toast(text, Tone::Text);
    }
}

fn blocked(model: &Model) -> Option<Blocked> {
    let row = model.pane()?.current()?;
    let blocks = Blocks::of(&model.snapshot)?;
    match &row.row.subject {
        Subject::Step(address, step) => blocks.step(address, step),
        Subject::Resource(address) | Subject::Change(address, _) => blocks.by(address),
        Subject::Heading | Subject::Run(_) | Subject::Remark => None,
    }
}

fn to_blocker(model: &mut Model, blocked: &Blocked) {
    let on_step = blocked.step().is_some_and(|step| {
        model.area == Area::Run
            && model.pane_mut().is_some_and(|pane| {
                pane.reveal(|row| matches!(&row.subject, Subject::Step(_, id) if id == step))
            })
    });
    if let Some(address) = blocked.address().filter(|_| !on_step) {
        choose(model, address);
    }
    if model.area == Area::Run {
        model.follow_run = false;
    }
}

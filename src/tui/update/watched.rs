//! Which services' use is asked for: those on the screen, and none when nobody looks.

use std::collections::BTreeSet;

use crate::app::command::Command;
use crate::domain::ids::{Address, ResourceKind};
use crate::tui::effect::{Effect, Wish};
use crate::tui::model::{Area, Model, Overlay};
use crate::tui::update::allowed;
use crate::tui::usage::Asked;

/// Most services that are asked for at once.
const MOST: usize = 30;

/// Asks for something else when the screen shows something else.
pub fn follow(model: &mut Model) -> Option<Effect> {
    let wanted = wanted(model);
    if wanted == model.usage.asked {
        return None;
    }
    model.usage.asked = wanted.clone();
    Some(Effect::Send {
        command: Command::Watch {
            services: wanted.services,
            closely: wanted.closely,
        },
        wish: Wish::Quiet,
    })
}

/// Shows the columns of use beside the services, or takes them away.
pub fn toggle(model: &mut Model) {
    model.usage.columns = !model.usage.columns;
    model.refresh_pane();
}

/// Returns what the screen shows now.
#[must_use]
pub fn wanted(model: &Model) -> Asked {
    let hidden = model
        .overlays
        .iter()
        .any(|overlay| matches!(overlay, Overlay::Logs(_)));
    if model.usage.unseen || hidden || model.area != Area::Services {
        return Asked::default();
    }
    let chosen = allowed::service(model);
    let mut services: BTreeSet<String> = chosen.iter().cloned().collect();
    if model.usage.columns {
        services.extend(in_sight(model));
    }
    Asked {
        services,
        closely: chosen,
    }
}

/// Returns the services in the rows around the cursor.
fn in_sight(model: &Model) -> impl Iterator<Item = String> {
    let rows = model.pane().map_or(&[][..], |pane| pane.rows());
    let height = usize::from(model.size.1).min(MOST);
    let selected = model.pane().map_or(&[][..], |pane| pane.selected());
    let cursor = rows.iter().position(|row| row.path == selected);
    let first = cursor.unwrap_or(0).saturating_sub(height / 2);
    let first = first.min(rows.len().saturating_sub(height));
    let is_service = |address: &&Address| address.kind == ResourceKind::Service;
    let near = rows.iter().skip(first).take(height);
    let addresses = near.filter_map(|row| row.row.subject.address());
    addresses
        .filter(is_service)
        .map(|address| address.name.clone())
        .take(MOST - 1)
        .collect::<Vec<_>>()
        .into_iter()
}

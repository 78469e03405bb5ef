//! The drawing on show, and what the panel remembers about it: chosen box, camera, direction.
//!
//! It is drawn anew only when something of its shape or the size of the screen changes; otherwise looking at a new
//! snapshot costs a comparison of a few pointers.

use std::sync::Arc;

use crate::app::notice::Hydrated;
use crate::app::snapshot::Snapshot;
use crate::domain::ids::Address;
use crate::domain::plan::model::Plan;
use crate::domain::report::StatusReport;
use crate::tui::graph::drawing::{Drawing, Flow, Spot};
use crate::tui::graph::fit::fit;
use crate::tui::graph::scene;
use crate::tui::graph::shape::{Needs, Shape};
use crate::tui::graph::woven::Woven;

/// Free cells kept around the chosen box while the camera follows it.
const MARGIN: (i32, i32) = (6, 2);

/// The parts of a snapshot a drawing was made of.
#[derive(Clone, Debug, Default)]
struct Made {
    config: Option<Arc<Hydrated>>,
    plan: Option<Arc<Plan>>,
    status: Option<Arc<StatusReport>>,
    infra: bool,
}

impl Made {
    fn of(snapshot: &Snapshot, infra: bool) -> Self {
        Self {
            config: snapshot.config.clone(),
            plan: snapshot.plan.clone(),
            status: snapshot.status.clone(),
            infra,
        }
    }
    fn is(&self, other: &Self) -> bool {
        self.infra == other.infra
            && same(self.config.as_ref(), other.config.as_ref())
            && same(self.plan.as_ref(), other.plan.as_ref())
            && same(self.status.as_ref(), other.status.as_ref())
    }
}

fn same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// The drawing on show.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// Whether networks and volumes are drawn.
    pub infra: bool,
    /// The direction somebody asked for.
    pub wish: Option<Flow>,
    /// The chosen box.
    pub chosen: Option<Address>,
    /// The filter the cursor last jumped for.
    pub filter: String,
    camera: (i32, i32),
    screen: (i32, i32),
    made: Option<Made>,
    needs: Needs,
    woven: Option<Arc<Woven>>,
    drawing: Option<Arc<Drawing>>,
    /// Screen and wish the drawing was made for.
    suits: Option<((i32, i32), Option<Flow>)>,
}

impl Stage {
    /// Returns the drawing with its shape.
    #[must_use]
    pub fn drawn(&self) -> Option<(&Shape, &Drawing)> {
        Some((self.woven.as_ref()?.shape(), self.drawing.as_ref()?))
    }

    /// Draws anew what has changed; returns whether anything did.
    pub fn refresh(&mut self, snapshot: &Snapshot, screen: (i32, i32)) -> bool {
        self.screen = screen;
        let made = Made::of(snapshot, self.infra);
        let mut changed = false;
        if !self.made.as_ref().is_some_and(|known| known.is(&made)) {
            self.made = Some(made);
            let needs = scene::needs(snapshot, self.infra);
            if self.woven.is_none() || needs != self.needs {
                self.woven = Some(Arc::new(Woven::of(Shape::of(&needs))));
                self.needs = needs;
                self.suits = None;
            }
        }
        let suits = Some((screen, self.wish));
        if let Some(woven) = self.woven.as_ref().filter(|_| self.suits != suits) {
            self.drawing = Some(Arc::new(fit(woven, screen, self.wish)));
            self.suits = suits;
            changed = true;
        }
        changed
    }

    /// Returns the number of the chosen box.
    #[must_use]
    pub fn node(&self) -> Option<usize> {
        self.woven.as_ref()?.shape().number(self.chosen.as_ref()?)
    }

    /// Returns the part of the drawing on the screen; of a small drawing, with the room around it.
    #[must_use]
    pub fn window(&self) -> Spot {
        let (w, h) = self.screen;
        let whole = self
            .drawing
            .as_ref()
            .map_or((0, 0), |d| (d.width, d.height));
        let first = |whole: i32, part: i32, at: i32| match whole <= part {
            true => (whole - part) / 2,
            false => at.clamp(0, whole - part),
        };
        Spot {
            x: first(whole.0, w, self.camera.0),
            y: first(whole.1, h, self.camera.1),
            w,
            h,
        }
    }

    /// Moves the camera.
    pub fn pan(&mut self, dx: i32, dy: i32) {
        let window = self.window();
        self.camera = (window.x + dx, window.y + dy);
        let window = self.window();
        self.camera = (window.x, window.y);
    }

    /// Moves the camera as little as shows the chosen box.
    pub fn follow(&mut self) {
        let spot = self
            .node()
            .and_then(|node| self.drawing.as_ref()?.boxes.get(node).copied());
        let Some(spot) = spot else {
            return;
        };
        let window = self.window();
        let near = |at: i32, wide: i32, first: i32, room: i32, margin: i32| {
            let margin = margin.min((room - wide) / 2).max(0);
            let (least, most) = (at + wide + margin - room, at - margin);
            if first < least {
                least.min(most.max(least))
            } else {
                first.min(most)
            }
        };
        self.camera = (
            near(spot.x, spot.w, window.x, window.w, MARGIN.0),
            near(spot.y, spot.h, window.y, window.h, MARGIN.1),
        );
    }

    /// Returns the box at a cell of the screen.
    #[must_use]
    pub fn hit(&self, x: i32, y: i32) -> Option<&Address> {
        let (shape, drawing) = self.drawn()?;
        let window = self.window();
        let node = drawing.at(window.x + x, window.y + y)?;
        shape.nodes.get(node)
    }
}

//! Tests of the whole planner: a small laboratory carries plans out on values, so that "plan, apply, plan again"
//! and every hand-made change can be told in a few lines.

mod aside;
mod drift;
mod images;
pub(in crate::domain) mod lab;
mod obstacle;
mod ordering;
mod procedures;
mod properties;
mod restore;
mod stale;
mod surplus;
mod update;

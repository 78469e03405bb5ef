//! When what happened in a run: bars on a time axis.
//!
//! All of it is pure and works on a run as its events tell it, live or replayed: [`axis`] and [`window`] place time on
//! columns, [`bars`] paints the steps of one row. What is told of a run besides (critical path, prediction,
//! comparison) is computed in `domain::history`.

pub mod axis;
pub mod bars;
pub mod kind;
pub mod window;

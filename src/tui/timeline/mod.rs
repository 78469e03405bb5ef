//! When what happened in a run: bars on a time axis, the critical path, what a plan will take, two runs compared.
//!
//! All of it is pure and works on a run as the session folds it, live or replayed: [`path`] finds the chain of
//! steps that made the run as long as it was, [`axis`] and [`window`] place time on columns, [`bars`] paints the
//! steps of one row, [`predict`] says how long a plan will take, [`compare`] sets two runs side by side.

pub mod axis;
pub mod bars;
pub mod compare;
pub mod kind;
pub mod path;
pub mod predict;
pub mod window;

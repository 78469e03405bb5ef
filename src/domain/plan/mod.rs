//! The plan: what a run will do, field by field, step by step, as one value.
//!
//! `model` has the types; `build` makes a [`Plan`](model::Plan) from desired, live and recorded. It is a pure
//! function: the same three values give the same plan to the byte. Nothing in here may ask the world.

pub mod build;
pub mod model;

//! The course of a run: a plan becomes orders, facts come back, the next orders follow.
//!
//! [`Machine`](machine::Machine) is sans-I/O: it decides everything (layers, gates, failure policy, drain and
//! cancel) and does nothing; the engine's driver does everything and decides nothing. [`HealthGate`](gate::HealthGate)
//! is the same for one instance's health: events, probe results and time in, a verdict out.
//!
//! How to add a kind of step: its variant in `plan::model`, whether it waits rather than works in
//! [`StepKind`](crate::domain::plan::model::StepKind)'s test in `course`, its call in the engine's driver.

pub mod course;
pub mod fact;
pub mod gate;
pub mod machine;
pub mod options;
pub mod order;
pub mod retry;
mod schedule;
mod telling;

//! The course of a run: a plan becomes orders, facts come back, the next orders follow.
//!
//! [`Machine`](machine::Machine) is sans-I/O: it decides everything (layers, gates, failure policy, drain and
//! cancel) and does nothing; the engine's driver does everything and decides nothing.

pub mod options;

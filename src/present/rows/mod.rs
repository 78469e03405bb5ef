//! Rows for everything that is shown: plan, run, status, lock, drift, state, history, failures. Pure.
//!
//! Rows carry roles, not colours; both front ends draw the same ones.

pub mod actions;
pub mod compare;
pub mod drift;
pub mod failure;
pub mod forecast;
pub mod lock;
pub mod lock_history;
pub mod past;
pub mod plan;
pub mod record;
pub mod run;
pub mod runs;
pub mod status;
pub mod table;
pub mod worker;

//! The pure core: values in, values out. No I/O, no clock, no async, no tracing, no hash maps.
//!
//! Reading order: `ids`, `place`, `diagnostic`, `refusal`, `secret`, `time`, `model` (what everything is said with), then
//! `usage`, `project`, `live`, `flow`, `record` (used, desired, observed, in progress, recorded), `config` and `graph` (how
//! the file becomes a project and an order), `plan` and `lease` (what to do, and who may), `event`, `report`, `hint`, `run`,
//! and `history`: what a run tells afterwards.
//!
//! How to add a resource kind: a variant of [`ids::ResourceKind`], its desired type in `project`, its live
//! type in `live`, its steps in `plan::model`, its difference in `plan`.

pub mod config;
pub mod diagnostic;
pub mod effect;
pub mod event;
pub mod flow;
pub mod graph;
pub mod hint;
pub mod history;
pub mod ids;
pub mod lease;
pub mod live;
pub mod model;
pub mod place;
pub mod plan;
pub mod project;
pub mod record;
pub mod refusal;
pub mod report;
pub mod run;
pub mod secret;
pub mod time;
pub mod trace;
pub mod usage;

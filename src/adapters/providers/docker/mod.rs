//! The Docker engine, spoken to through its HTTP API (1.41 and newer).
//!
//! Start at [`provider`], which implements the port; each call has a file of its own. `connect` finds the
//! engine as the `docker` command would, `fault` sorts what can go wrong into *answered*, *not sent* and
//! *lost*, `observe` and `model` turn lists and inspections into canonical models, `create` turns a desired
//! service into a container.
//!
//! Rules: every call has a deadline; secrets travel in variables, never in arguments (the engine's event stream
//! shows those); objects are addressed by id; what a lost reply left behind is found by its `nk-op` label.

mod apply;
mod build;
mod connect;
mod context;
mod create;
mod events;
mod exec;
mod fault;
mod gate;
mod health;
pub mod ignore;
mod instance;
mod labels;
mod limits;
mod logs;
mod model;
mod networks;
mod observe;
pub mod provider;
mod pull;
mod rename;
mod seen;
mod settle;
mod sweep;
mod terminal;
mod usage;

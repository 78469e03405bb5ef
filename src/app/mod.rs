//! The session between front ends and engine: [`command::Command`] in, [`notice::Notice`] out.
//!
//! Front ends hold a [`handle::Handle`]; the session is an actor on the engine's thread with one mailbox and
//! at most one mutating run. [`snapshot::Snapshot`] is the fold of all notices and the only state a front end
//! may show. Nothing else crosses this line.
//!
//! How to add a command: a variant in `command.rs` with its class, a row in `policy.rs`, its doing in
//! `session.rs`, its verb in `cli/verbs`, its key in `tui/keymap`.

pub mod command;
mod desk;
pub mod failure;
mod fold;
mod gauge;
pub mod handle;
mod keeping;
mod kept;
mod look;
pub mod notice;
mod outlet;
pub mod policy;
#[cfg(test)]
mod sample;
pub mod session;
pub mod snapshot;
pub mod triggers;
mod work;
pub mod worker;
pub mod workshop;

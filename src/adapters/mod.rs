//! The world behind the ports: platforms, stores, disk, clock, host commands, secrets, file watching.
//!
//! How to add a provider: a folder in `providers/`, an arm in `providers/any.rs`, its line in the contract suite.
#![expect(
    clippy::disallowed_methods,
    reason = "this layer is the one that touches the world"
)]

pub mod beacon;
pub mod clock;
pub mod demo;
pub mod disk;
pub(crate) mod folder;
pub mod hooks;
mod ignore;
pub mod keyboard;
pub mod otlp;
pub mod private;
pub mod processes;
pub mod providers;
pub mod random;
pub mod secrets;
pub mod source_tree;
pub mod stores;
pub mod telemetry;
pub mod terminal;
pub mod watch;

//! A whole world in memory: platform, store, disk, clock, hooks, processes, randomness, secrets.
//!
//! Time is tokio's paused time, so nothing waits and nothing is left to chance. Every crossing of a port is one
//! numbered step; at any of them the process can be killed: from then on it hears nothing and changes nothing,
//! while what it had already sent to the platform still lands.

pub mod disk;
pub mod install;
pub mod ledger;
pub mod life;
pub mod platform;
pub mod project;
pub mod provider;
pub mod store;
pub mod world;

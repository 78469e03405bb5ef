//! The engine in a simulated world: what it does, in which order, at what cost, and after being killed anywhere.
//!
//! `swarm` carries random schedules out over the real engine on paused time, each drawn whole from a seed: operators
//! that race, admins, drift, kills, frozen and suspended holders, partitions, lost and late replies, power loss,
//! clocks that are wrong. Then the faults are off and everything has to come right. The invariants are
//! `support::sim::ledger::Invariant`, most of them checked wherever something lands.
//!
//! `swarm::profile` bends schedules towards one row of the fault matrix each; `swarm::rows` counts that its fault met
//! somebody.
//!
//! How many: `NANOKIT_SIM`, 1,000 where nothing is said; the rows take a fiftieth each, and from 20,000 on the generated
//! graphs are killed at every step. `tests/sim.sh` does that with this crate optimised.
//! More of them: `tests/sim.sh 2000000`.
//! One of them, told in full: `NANOKIT_SEED=227 cargo test --test sim one_seed -- --nocapture`; of a profile:
//! `NANOKIT_SEED=17@Frozen`.
//! What each planted bug breaks: `cargo test --test sim planted -- --nocapture`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::similar_names,
    clippy::single_match_else,
    clippy::format_push_string,
    clippy::match_same_arms,
    clippy::semicolon_if_nothing_returned,
    clippy::format_collect,
    clippy::default_trait_access,
    unreachable_pub,
    reason = "tests fail loudly; what they share is public among them"
)]

#[path = "../support/mod.rs"]
mod support;

mod abort;
mod accept;
mod actions;
mod deploy;
mod faults;
mod harness;
mod hooks;
mod install;
mod kill;
mod kill_graphs;
mod script;
mod seeds;
mod survey;
mod swarm;
mod worker;

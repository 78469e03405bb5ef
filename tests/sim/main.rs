//! The engine in a simulated world: what it does, in which order, at what cost, and after being killed anywhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "tests fail loudly; what they share is public among them"
)]

#[path = "../support/mod.rs"]
mod support;

mod deploy;
mod faults;
mod harness;
mod hooks;
mod install;
mod kill;
mod seeds;

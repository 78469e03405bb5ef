//! The engine in a simulated world: what it does, in which order, at what cost, and after being killed anywhere.
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

mod deploy;
mod faults;
mod harness;
mod hooks;
mod install;
mod kill;
mod script;
mod seeds;
mod survey;

//! Traces as somebody else sees them: the real binary against receivers that keep what they got, or do worse.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "tests touch the world and fail loudly"
)]

mod actions;
#[path = "../it/cli_env.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod cli_env;
mod context;
mod deploy;
mod docker;
mod hostile;
#[path = "../it/docker/project.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod project;
#[path = "../it/ran.rs"]
mod ran;
mod receiver;
mod tree;
mod worker;

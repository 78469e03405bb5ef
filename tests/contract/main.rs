//! What every platform must do, and what each does besides.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests touch the world and fail loudly"
)]

#[path = "../support/counting_proxy.rs"]
mod counting_proxy;
mod demo;
mod docker;
mod process;
mod suite;

//! What every platform must do, and what each does besides.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests touch the world and fail loudly"
)]

mod demo;
mod docker;
#[expect(
    dead_code,
    unused_imports,
    reason = "the contract counts calls and leaves them whole"
)]
#[path = "../support/fault_proxy/mod.rs"]
mod fault_proxy;
mod process;
mod suite;

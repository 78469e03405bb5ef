//! The engine's only windows to the world: traits, and the values that pass through them.
//!
//! `world` bundles them into one type parameter, so that the engine that deploys to Docker is the very same
//! code that runs in the simulation. Futures are not `Send`: the engine lives on one thread.
//!
//! How to add a port: a trait here with values of its own, an associated type in `world`, an adapter, a fake
//! in `tests/support`.
#![expect(
    async_fn_in_trait,
    reason = "the engine runs on one thread with a LocalSet; no Send bound is wanted"
)]

pub mod cas_store;
pub mod clock;
pub mod disk;
pub mod hooks;
pub mod process;
pub mod provider;
pub mod random;
pub mod secrets;
pub mod sink;
pub mod world;

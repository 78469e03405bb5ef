//! The engine: discovers, plans, asks for approval, executes and settles, through ports only.
//!
//! Start at [`reconcile`]: the trait the application layer sees, with everything it can ask for. The engine
//! is generic over [`World`](crate::ports::world::World), runs on one thread, and spawns nothing outside its driver.

pub mod journal;
pub mod keeper;
pub mod lease;
pub mod lock_report;
pub mod reconcile;

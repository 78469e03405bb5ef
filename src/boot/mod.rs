//! The composition root: hydrates offline, activates connections, tears down in every case.
//!
//! Nothing but `main` names it, and it alone names everything. `hydrate` finds and loads the file without opening a
//! socket; what activates lives beside it.

mod doctor;
pub mod ground;
pub mod hydrate;
mod line;
pub mod supervise;
pub mod thread;
pub mod workshop;
pub mod world;

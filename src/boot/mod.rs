//! The composition root: hydrates offline, activates connections, tears down in every case.
//!
//! Nothing but `main` names it, and it alone names everything. Start at `start`; `hydrate` finds and loads the
//! file without opening a socket; `line` starts the engine's thread and ends it; `workshop` hands the session its
//! engine over the real `world`, on the `platform` that was chosen; `outside` is what the verbs stand on.

mod bundle;
mod checks;
mod doors;
pub mod hydrate;
mod image;
mod keep;
pub mod line;
mod looks;
mod outside;
mod places;
mod platform;
mod programs;
pub mod start;
pub mod supervise;
mod traces;
mod workers;
pub mod workshop;
pub mod world;

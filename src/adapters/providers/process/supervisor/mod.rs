//! The process that stands behind one instance: `nkapp __supervise FOLDER`.
//!
//! It is the same binary, started by the provider with a listening socket as its standard input and the
//! instance's environment as its own (so that secrets are in memory only). It leads a session of its own, takes
//! in orphans, keeps the log, asks for health, restarts, and ends the instance on request so that nothing of
//! it is left. It outlives the command that started it. It must never read the project file, the state or the
//! lock: all it knows is its folder.
//!
//! Start reading at `life`.

mod checker;
mod control;
mod ending;
mod launch;
mod life;
mod upkeep;

pub use life::supervise;

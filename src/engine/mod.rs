//! The engine: discovers, plans, asks for approval, executes and settles, through ports only.
//!
//! Start at [`reconcile`]: the trait the application layer sees, with everything it can ask for; then
//! `engine` (who answers), `execute` (one run from lock to release), `driver` (orders become calls, calls become
//! facts). The engine is generic over [`World`](crate::ports::world::World), runs on one thread, and spawns nothing.
//!
//! How to add a question: a method of [`reconcile::Reconcile`], its answer in a file of its own, its line in `engine`.

mod acts;
mod amend;
mod begin;
mod boxes;
pub mod claims;
pub mod cutter;
mod cx;
mod damage;
mod discover;
mod driver;
mod ears;
mod effects;
mod emit;
mod encodings;
mod ending;
#[expect(clippy::module_inception, reason = "the type gives the file its name")]
pub mod engine;
mod execute;
mod forms;
mod gates;
mod given;
mod half_done;
mod held;
mod installs;
pub mod journal;
pub mod keeper;
#[cfg(test)]
mod lab;
mod leader;
pub mod lease;
mod lock_history;
pub mod lock_report;
mod ops;
mod origin;
mod output;
mod perform;
mod provision;
mod push;
mod rebuild;
pub mod reconcile;
pub mod redact;
mod runs;
mod script;
mod site;
mod snapshot;
mod status;
mod stored;
mod strip;
mod tail;
mod tap;
mod unfinished;
mod usage;
mod verdict;
mod waiting;

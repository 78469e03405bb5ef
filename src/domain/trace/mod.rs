//! A run as a trace: run → stage → layer → action → step → attempt, folded from its events.
//!
//! Nothing here is made up or drawn by lot: the id of a span follows from the trace's id, the run and what the span
//! stands for. So whoever starts a hook can name its parent without asking, and a recorded run folds into the very
//! same tree. Start at [`fold`]; [`id`] says how spans are named, [`span`] what one is, [`meter`] what is counted.
//!
//! How to add a kind of span: a variant of [`id::Subject`], and where it opens and closes in [`fold`].

mod course;
pub mod fold;
pub mod id;
pub mod meter;
mod naming;
pub mod settings;
pub mod span;
mod steps;

#[cfg(test)]
mod tests;

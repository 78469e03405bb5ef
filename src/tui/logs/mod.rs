//! Reading output: of a service, and of every step of a run.
//!
//! * [`store`] holds the lines: [`chunk`]s in memory up to a budget, older ones on disk; [`slot`] is what stays known of them.
//! * [`reader`] is where somebody is in it; [`window`] the rows on the screen and scrolling; [`settle`] the work that
//!   needs many lines, in steps; [`sift`] which lines of a chunk are shown.
//! * [`query`] is what is looked for, [`shape`] what lines have in common, [`text`] how one line is laid out.
//! * [`feed`] takes lines in, [`save`] writes them to a file, [`open`] is the view of a service or a step.

mod alike;
pub mod chunk;
pub mod feed;
pub mod open;
pub mod query;
pub mod reader;
pub mod save;
pub mod settle;
pub mod shape;
pub mod sift;
pub mod slot;
pub mod spill;
pub mod store;
pub mod text;
pub mod window;

#[cfg(test)]
mod tests;

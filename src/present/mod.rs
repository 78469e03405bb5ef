//! How things are said and shown, shared by both front ends: words, symbols, roles, rows. Pure.
//!
//! How to add an event, notice or failure: its row in `rows`, its words in `words`; a walking test fails until
//! both are there.

pub mod clean;
pub mod human;
pub mod role;
pub mod rows;
pub mod shell;
pub mod words;

pub mod report;

//! The worker's mind: it hears what its session tells and wishes for restores, never touching the world itself.
//!
//! Start at [`mind::Worker`]. It is a front end without a face: the same detector, the same commands and the same
//! policy as the panel. `cases` remembers what drifted and when it may be tried, `account` says what it does, `news`
//! keeps drift back that somebody at work makes.

pub mod account;
mod cases;
mod hearing;
pub mod mind;
pub mod news;
#[cfg(test)]
mod tests;

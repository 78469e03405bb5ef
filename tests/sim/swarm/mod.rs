//! Thousands of random schedules over the real engine: see `draw`, `act`, `check`.

mod act;
mod check;
pub mod draw;
mod flock;
pub mod gates;
mod mutants;
mod profile;
mod rows;

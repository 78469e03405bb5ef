//! Thousands of random schedules over the real engine: see `draw`, `act`, `check`.

mod act;
mod check;
mod draw;
mod flock;
mod gates;
mod mutants;

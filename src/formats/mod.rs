//! Versioned wire types of everything we write, and their conversions to the domain.
//!
//! Only this layer derives serde for our own files; the domain may be renamed freely, formats are frozen by
//! golden files per version under `tests/fixtures/formats/`. Unknown fields survive a round trip.
//!
//! Start at `plan` and `event` for what leaves the program, at `state`, `journal` and `lock` for what it
//! reads back. `text` has the shared parts: strict parsing, words, times, checksums.
//!
//! How to change a format: add optional fields with defaults; for more, a new version with a reader for the old.

pub mod audit;
pub mod error;
pub mod event;
mod forecast;
pub mod ignored;
pub mod journal;
pub mod lock;
pub mod otlp;
pub mod past;
pub mod plan;
pub mod report;
pub mod secret_parts;
pub mod state;
pub mod text;
pub mod worker;

#[cfg(test)]
mod tests;

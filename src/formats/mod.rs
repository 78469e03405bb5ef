//! Versioned wire types of everything we write, and their conversions to the domain.
//!
//! Only this layer derives serde for our own files; the domain may be renamed freely, formats are frozen by
//! golden files per version under `tests/fixtures/formats/`. Unknown fields survive a round trip.
//!
//! How to change a format: add optional fields with defaults; for more, a new version with a reader for the old.

//! Platforms, one folder each.

pub mod process;

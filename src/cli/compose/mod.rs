//! From a Compose file to a project file: what means the same is carried over, everything else is named.
//!
//! `convert` does the whole file, `service` one service key by key, `value` reads single values.

pub mod convert;
mod service;
mod value;

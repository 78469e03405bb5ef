//! From text to desired state: parse, merge, expand, infer, lower, check; every fault found in one pass.
//!
//! Start at [`load`](load::load). Files and variables come in as values (through [`load::SourceTree`]), so the
//! whole of it runs in a test without a disk.

pub mod load;

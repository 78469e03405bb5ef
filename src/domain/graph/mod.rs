//! The dependency graph: order of starting, reverse order of stopping, cycles, critical path, drawings.
//!
//! petgraph stays inside; everything handed out is addresses in a deterministic order.

pub mod build;

//! The dependency graph: order of starting, reverse order of stopping, cycles, critical path, drawings.
//!
//! petgraph stays inside; everything handed out is addresses in a deterministic order. Nothing in here recurses,
//! so that a chain of ten thousand services is as safe as a flat list. Start at [`Graph`](build::Graph).
//!
//! How to add a drawing: a function in `draw.rs` that folds over [`Graph::edges`](build::Graph::edges).

pub mod build;
pub mod cycle;
pub mod draw;
pub mod path;

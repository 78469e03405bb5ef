//! From the snapshot to rows of trees: pure, shared by `update` (which moves over them) and `view` (which draws them).

pub mod course;
pub mod drift;
pub mod plan;
pub mod row;
pub mod run;
pub mod services;
pub mod standing;

//! From the snapshot to rows of trees: pure, shared by `update` (which moves over them) and `view` (which draws them).

pub mod course;
pub mod drift;
pub mod facts;
pub mod flows;
pub mod history;
pub mod locks;
pub mod plan;
pub mod row;
pub mod run;
pub mod services;
pub mod standing;
pub mod steps;
pub mod uses;
pub mod workers;

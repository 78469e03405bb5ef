//! Times the planner at several sizes.

fn main() {}

//! What tests share: a simulated world behind the public ports.

pub mod sim;

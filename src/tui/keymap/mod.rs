//! One table makes bindings, help, hint line and the README's key table.
//!
//! How to add a key: an action in `action.rs` and one row in `default.rs`; everything else follows.

pub mod action;
pub mod chord;
pub mod default;
pub mod map;
pub mod names;
pub mod overlay;
pub mod spelling;
pub mod trie;

//! The panel: model, message, update, view. `update` is pure, `view` only reads, `runtime` is the only impure file.
//!
//! * [`model`]: everything the panel is; a fold over [`msg`], done by [`update`], which answers with [`effect`]s.
//! * [`rows`] and [`tree`]: the snapshot as foldable rows; [`logs`]: reading output.
//! * [`pages`]: the details of a row as entries that can be chosen; [`usage`]: what instances use.
//! * [`keymap`]: one table of keys for bindings, help, hint line and README.
//! * [`setup`] and [`theme`]: the user's keys and colours, laid over the built-in ones.
//! * [`view`]: draws a model and remembers nothing between two frames.
//! * [`terminal`] and [`runtime`]: the terminal's guard, and the loop that feeds and draws.
//!
//! How to add a key: an action in `keymap/action.rs`, a row in `keymap/default.rs`, its doing in `update/`.
//! How to add an area: a variant in `model::Area`, its rows in `rows/`, its drawing in `view/`.

pub mod blocked;
pub mod bundle;
pub mod danger;
pub mod downtime;
pub mod effect;
pub mod farewell;
pub mod fate;
pub mod fuzzy;
pub mod graph;
pub mod hand;
pub mod history;
pub mod keymap;
pub mod logs;
pub mod memory;
pub mod model;
pub mod msg;
pub mod others;
pub mod overlay;
pub mod pages;
pub mod recorder;
pub mod replay;
pub mod rooms;
pub mod rows;
pub mod runtime;
pub mod setup;
pub mod spool;
pub mod terminal;
pub mod theme;
pub mod timeline;
pub mod tree;
pub mod update;
pub mod usage;
pub mod view;
pub mod words;

#[cfg(test)]
mod tests;

//! The panel: model, message, update, view. `update` is pure, `view` only reads, `runtime` is the only impure file.
//!
//! * [`model`]: everything the panel is; a fold over [`msg`], done by [`update`], which answers with [`effect`]s.
//! * [`rows`] and [`tree`]: the snapshot as foldable rows; [`tail`]: reading a growing text.
//! * [`keymap`]: one table of keys for bindings, help, hint line and README.
//! * [`view`]: draws a model; its `scratch` holds caches whose loss costs nothing but a scroll offset.
//! * [`terminal`] and [`runtime`]: the terminal's guard, and the loop that feeds and draws.
//!
//! How to add a key: an action in `keymap/action.rs`, a row in `keymap/default.rs`, its doing in `update/`.
//! How to add an area: a variant in `model::Area`, its rows in `rows/`, its drawing in `view/`.

pub mod effect;
pub mod farewell;
pub mod fuzzy;
pub mod keymap;
pub mod logs;
pub mod model;
pub mod msg;
pub mod overlay;
pub mod rows;
pub mod runtime;
pub mod tail;
pub mod terminal;
pub mod theme;
pub mod tree;
pub mod update;
pub mod view;
pub mod words;

#[cfg(test)]
mod tests;

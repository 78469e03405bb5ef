//! The panel: model, message, update, view. `update` is pure, `view` only reads, `runtime` is the only impure file.
//!
//! How to add a key: an action in `keymap/action.rs`, a row in `keymap/default.rs`, its doing in `update/`.

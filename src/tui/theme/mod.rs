//! How the panel looks: what a text means becomes a style, in the colours the terminal has.
//!
//! * [`tone`]: what a text can mean; [`color`]: colours, and the nearest one a terminal has;
//! * [`look`]: a theme, ready for use; [`mod@file`]: a theme read from its file; [`shelf`]: all themes there are.
//!
//! Built-in themes are files too (`assets/themes/`), so that they can be copied and changed.

pub mod color;
pub mod file;
pub mod look;
pub mod shelf;
pub mod tone;

pub use color::Colors;
pub use look::Theme;
pub use tone::Tone;

#[cfg(test)]
mod tests;

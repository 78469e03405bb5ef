//! Tests of the panel as a whole: keys in, effects and screens out.

mod fixtures;
mod parts;
mod screens;
mod talk;
mod updates;

//! Tests of the panel as a whole: keys in, effects and screens out.

mod blocked;
mod first_look;
mod fixtures;
mod flows;
mod graph;
mod hand;
mod locks;
mod matrix;
mod monkey;
mod parts;
mod past;
mod questions;
mod reading;
mod replays;
mod rituals;
mod rooms;
mod screens;
mod talk;
mod time;
mod updates;
mod usage;
mod warned;
mod workers;

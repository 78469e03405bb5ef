//! Whole parts against the real world around them: files on disk, the program at a terminal.

mod config;
mod panel;
mod panel_terminal;

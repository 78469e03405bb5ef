//! Pages of facts: what the details of a row say, entry by entry, before anything is drawn.
//!
//! `update` needs them for the cursor and for copying, `view` for drawing; both ask [`page::shown`].

pub mod config;
pub mod gauges;
pub mod guide;
pub mod locks;
pub mod page;
pub mod service;

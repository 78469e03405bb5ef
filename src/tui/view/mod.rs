//! Draws a model. Only reads, and remembers nothing between two frames.
//!
//! ```text
//! ┌ header ───────────────────────────────────────────────┐  project · environment · run · plan · lock · platform
//! │ tabs                                                  │  1 Services  2 Plan  3 Run  4 Locks  5 Drift
//! │ ┌ list ───────────────┐ ┌ details ──────────────────┐ │  side by side from 100 columns on,
//! │ │                     │ │                           │ │  else one above the other,
//! │ └─────────────────────┘ └───────────────────────────┘ │  else only the one with the cursor
//! │ line                                                  │  last message · command line of the last act · filter
//! └ hints ────────────────────────────────────────────────┘  the keys that do something now
//! ```

pub mod ascii;
pub mod boxes;
pub mod course;
pub mod deeds;
pub mod details;
pub mod diagnostics;
pub mod dialog;
pub mod drift;
pub mod flows;
pub mod footer;
pub mod graph;
pub mod header;
pub mod help;
pub mod history;
pub mod hits;
pub mod layout;
pub mod logs;
pub mod nothing;
pub mod page;
pub mod paint;
pub mod palette;
pub mod pen;
pub mod places;
pub mod plan;
pub mod popup;
pub mod run;
pub mod screen;
pub mod sheet;
pub mod spark;
pub mod timeline;
pub mod tree;
pub mod which;

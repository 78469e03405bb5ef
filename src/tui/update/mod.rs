//! Message in, changed model and effects out. Pure: no clock, no channel, no I/O.

pub mod acts;
pub mod allowed;
pub mod answers;
pub mod copied;
mod decide;
pub mod deeds;
pub mod flows;
pub mod fresh;
pub mod graph;
pub mod history;
pub mod jump;
pub mod locks;
pub mod looks;
pub mod marks;
pub mod mouse;
pub mod moves;
pub mod news;
pub mod opening;
pub mod palette;
pub mod part;
pub mod reading;
pub mod rooms;
pub mod route;
pub mod timeline;
pub mod watched;
pub mod workers;

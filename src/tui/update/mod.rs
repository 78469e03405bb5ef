//! Message in, changed model and effects out. Pure: no clock, no channel, no I/O.

pub mod acts;
pub mod allowed;
pub mod answers;
pub mod copied;
pub mod moves;
pub mod news;
pub mod palette;
pub mod route;

//! Rooms: one project in one environment each, with a session and a model of its own. Many are open, one is
//! on show, and what happens in the others is folded into their own models meanwhile.
//!
//! * [`place`]: where a room is; [`tab`]: how it stands, at a glance.
//! * [`doors`]: what the composition root does for the panel: opens rooms, finds places, keeps files, names programs.
//! * [`room`] and [`house`]: an open room, and all of them; used by the runtime only.

pub mod doors;
pub mod house;
pub mod place;
pub mod room;
pub mod tab;

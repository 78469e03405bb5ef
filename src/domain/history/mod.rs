//! What a run tells, while it is under way and afterwards. Pure folds over its events; one of each for all front ends.
//!
//! [`view`] is the run as it stands, made by `fold`; [`details`] what is read of a past one; [`path`] finds the
//! chain of steps that made it as long as it was; [`predict`] says how long a plan will take and how good such
//! predictions were; [`compare`] sets two runs side by side; [`keep`] says which runs are old enough to go.

pub mod compare;
pub mod details;
mod fold;
pub mod keep;
pub mod path;
pub mod predict;
pub mod view;

//! Host processes: what only they promise. A supervisor is the real binary, the processes are real.

mod contract;
mod demo;
mod life;
mod things;
pub(crate) mod world;

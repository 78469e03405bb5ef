//! Host processes: what only they promise. A supervisor is the real binary, the processes are real.

mod contract;
mod damage;
mod demo;
mod life;
mod things;
pub(crate) mod world;

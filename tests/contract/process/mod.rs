//! Host processes: what only they promise. A supervisor is the real binary, the processes are real.

mod demo;
mod deploy;
mod life;
mod things;
mod world;

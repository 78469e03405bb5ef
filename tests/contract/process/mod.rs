//! Host processes: what only they promise. A supervisor is the real binary, the processes are real.

mod life;
mod world;

//! The kernel's random bytes.

use crate::ports::random::Random;

/// Random bytes of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::panic,
        reason = "without random bytes a lock id or a digest key could be guessed; no caller could go on"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system has no random bytes: {error}");
        }
    }
}

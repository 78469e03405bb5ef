//! Randomness for ids and keys.

/// Source of random bytes.
pub trait Random {
    /// Fills with bytes nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

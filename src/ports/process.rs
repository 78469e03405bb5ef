//! Facts about processes of this machine: who we are, whether a recorded holder can still be alive.

use crate::domain::lease::{Holder, ProcessProof};

/// Process identity and proof.
pub trait Processes {
    /// Describes this very process as a lock holder.
    fn me(&self) -> Holder;
    /// Tells whether the described process still lives, without ever signalling it.
    fn proof(&self, holder: &Holder) -> ProcessProof;
}

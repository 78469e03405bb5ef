//! The composition root: hydrates offline, activates connections, tears down in every case.

//! From desired resources to canonical models and hashes.

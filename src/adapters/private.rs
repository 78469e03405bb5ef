//! Keeping what this process holds in memory to itself.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// No core file, no debugger of the same user, nobody else reads our memory or environment through `/proc`.
///
/// The limit is the soft one: what we start may raise it again.
pub fn withhold() {
    let core = getrlimit(Resource::Core);
    let none = Rlimit {
        current: Some(0),
        maximum: core.maximum,
    };
    // Neither can fail for a limit that only falls; if it does, nothing else is worse for it.
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Returns how many files this process may have open at once; `None`: as many as it likes.
#[must_use]
pub fn descriptors() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::dumpable_behavior;

    #[test]
    fn s13_neither_a_core_file_nor_a_debugger_of_the_same_user_gets_at_the_memory() {
        withhold();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    }
}

//! One primitive for state and lock on every backend: compare-and-put.

use crate::domain::report::store::Backup;

/// Version of a stored value: an etag, a generation, a digest. Only equality means anything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub String);

/// A stored value with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Their version.
    pub version: Version,
}

/// What came of a compare-and-put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// Stored; this is the new version.
    Done(Version),
    /// Somebody else stored meanwhile; the current value comes along, so no second read can race.
    Conflict(Option<Stored>),
    /// The reply was lost: read back and compare with what was to be stored.
    Unknown(String),
}

/// Why a store cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed, and nothing was changed.
    #[error("{action} {location}")]
    Io {
        /// What was tried ("read", "write").
        action: &'static str,
        /// Where.
        location: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The value is larger than any of ours can be; it was not read.
    #[error("{location} is larger than {limit} bytes, which no value of ours is")]
    TooLarge {
        /// Where.
        location: String,
        /// Most bytes that are read.
        limit: u64,
    },
    /// The place is not what it should be (a symbolic link, a folder, a FIFO).
    #[error("{location} is {found}, not a regular file")]
    Hostile {
        /// Where.
        location: String,
        /// What it is.
        found: String,
    },
}

/// A cell that holds one value. Lock and state are two such cells; nothing is ever deleted.
pub trait CasStore {
    /// Reads the current value; `None` when nothing was ever stored.
    async fn get(&self) -> Result<Option<Stored>, StoreError>;
    /// Stores `bytes` if the current version still is `expected` (`None`: nothing stored yet), durably.
    async fn compare_and_put(
        &self,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Put, StoreError>;
    /// Lists earlier values that are kept, the newest first; a backend may keep none.
    async fn backups(&self) -> Result<Vec<Backup>, StoreError> {
        Ok(Vec::new())
    }
    /// Names the place for people and messages.
    fn location(&self) -> String;
}

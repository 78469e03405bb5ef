//! Where traces go, as far as the project file says it.

use std::collections::BTreeMap;

use crate::domain::project::service::EnvValue;

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Protobuf over HTTP, which the specification wants as the default.
    #[default]
    Http,
    /// gRPC.
    Grpc,
}

impl Protocol {
    /// The words of the specification.
    pub const WORDS: [&str; 2] = ["http/protobuf", "grpc"];

    /// Returns the word of the specification.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }

    /// Reads the word of the specification.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Http, Self::Grpc]
            .into_iter()
            .find(|protocol| protocol.as_str() == word)
    }
}

/// The `telemetry` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// Address of the receiver, without the path of a signal.
    pub endpoint: String,
    /// How it is spoken to; `None`: the default.
    pub protocol: Option<Protocol>,
    /// Headers of every request, names in small letters.
    pub headers: BTreeMap<String, EnvValue>,
}

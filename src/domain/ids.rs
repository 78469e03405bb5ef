//! Newtypes for every identity that crosses a layer.
//!
//! A name that was checked once stays checked: the only way to a [`ProjectName`] is [`ProjectName::parse`].
//! Addresses print exactly as the plan, the events and the command line spell them (`service.api[0]`).
//! Nothing here may know where an id comes from: random and clock live behind ports.

use std::fmt;

/// Why a text is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name must not be empty")]
    Empty,
    /// The text is longer than 63 characters.
    #[error("a name has at most 63 characters, this one has {0}")]
    TooLong(usize),
    /// A character is not allowed.
    #[error(
        "a name consists of a-z, 0-9, `-`, `_` and `.`, and starts with a letter or digit; `{0}` does not fit"
    )]
    BadCharacter(char),
}

/// Checks the one rule for names: `[a-z0-9][a-z0-9._-]{0,62}`, upper-case letters are refused.
pub fn check_name(text: &str) -> Result<(), NameError> {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return Err(NameError::Empty);
    };
    if !(first.is_ascii_lowercase() || first.is_ascii_digit()) {
        return Err(NameError::BadCharacter(first));
    }
    if let Some(bad) = chars
        .find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-')))
    {
        return Err(NameError::BadCharacter(bad));
    }
    let length = text.chars().count();
    if length > 63 {
        Err(NameError::TooLong(length))
    } else {
        Ok(())
    }
}

macro_rules! checked_name {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);
        impl $name {
            /// Checks `text` against the rule for names.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check_name(text).map(|()| Self(text.to_owned()))
            }
            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )*};
}
checked_name! {
    /// Name of a project (`name:` in the file).
    ProjectName,
    /// Name of an environment (`local`, `production`, …).
    EnvName,
    /// Name of one repository's part of a project (`component:`).
    ComponentName,
}

macro_rules! opaque_text {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub String);
        impl $name {
            /// Wraps a text that is already known to be such an id.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self { Self(text.into()) }
            /// Returns the id as text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )*};
}
opaque_text! {
    /// One run of a command that executes a plan: sortable by start time, unique per project.
    RunId,
    /// One acquisition of a lock: 128 random bits in hex.
    LockId,
    /// Identity of a state for its whole life, minted at the first deploy.
    Lineage,
    /// Digest of everything in a plan but itself.
    PlanId,
    /// A SHA-256 (or HMAC-SHA-256) in lower-case hex.
    Digest,
    /// One provider operation, stamped as the label `nk-op` so that an unknown outcome is settled by looking.
    OpId,
    /// The provider's own identifier of an object (a Docker id, a supervisor's id).
    ProviderId,
    /// The platform's identifier of an image (`sha256:…`).
    ImageId,
    /// Id of a step: `ADDRESS[INSTANCE]/STEP`, with `.N` only where a hook has several commands.
    StepId,
    /// A W3C trace id of 32 hex digits.
    TraceId,
    /// A W3C span id of 16 hex digits.
    SpanId,
}

impl Digest {
    /// Returns the first twelve digits, enough for a screen.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// The highest number a counter of ours is believed to have: one above it was forged, and could not be counted on.
pub const HIGHEST_COUNT: u64 = u64::MAX >> 1;

/// Number of a state snapshot; grows by one with each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Serial(pub u64);

/// Fencing token of a lock: never reused, never smaller than one seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// Number of an instance of a service, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instance(pub u32);

macro_rules! number {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}", self.0) }
        }
    )*};
}
number!(Serial, Epoch, Instance);

/// What kind of thing an address names. The order is the order of creation inside a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// A virtual network.
    Network,
    /// A named volume.
    Volume,
    /// A service or job.
    Service,
    /// A procedure of `actions`: nothing that exists, only something to be done.
    Procedure,
}

impl ResourceKind {
    /// Returns the word used in addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Service => "service",
            Self::Procedure => "action",
        }
    }
}

/// Address of a resource: `service.NAME`, `network.NAME`, `volume.NAME`, or `action.NAME` of a procedure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// What the name stands for.
    pub kind: ResourceKind,
    /// The name in the file.
    pub name: String,
}

impl Address {
    /// Makes the address of a service.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self {
            kind: ResourceKind::Service,
            name: name.to_owned(),
        }
    }
    /// Makes the address of a network.
    #[must_use]
    pub fn network(name: &str) -> Self {
        Self {
            kind: ResourceKind::Network,
            name: name.to_owned(),
        }
    }
    /// Makes the address of a volume.
    #[must_use]
    pub fn volume(name: &str) -> Self {
        Self {
            kind: ResourceKind::Volume,
            name: name.to_owned(),
        }
    }
    /// Makes the address of a procedure: `action.NAME`, as the file calls them.
    #[must_use]
    pub fn procedure(name: &str) -> Self {
        Self {
            kind: ResourceKind::Procedure,
            name: name.to_owned(),
        }
    }
    /// Reads `service.api`; a text without a known kind in front is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('.')?;
        let kind = match kind {
            "service" => ResourceKind::Service,
            "network" => ResourceKind::Network,
            "volume" => ResourceKind::Volume,
            "action" => ResourceKind::Procedure,
            _ => return None,
        };
        check_name(name).ok()?;
        Some(Self {
            kind,
            name: name.to_owned(),
        })
    }
    /// Returns the name by which a plan request knows it: a service by its name alone.
    #[must_use]
    pub fn target(&self) -> String {
        match self.kind {
            ResourceKind::Service => self.name.clone(),
            ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure => {
                self.to_string()
            }
        }
    }
    /// Returns the address of one instance, as text (`service.api[0]`).
    #[must_use]
    pub fn instance(&self, instance: Instance) -> String {
        format!("{self}[{instance}]")
    }
    /// Makes the id of a step of this resource, or of one of its instances.
    #[must_use]
    pub fn step(&self, instance: Option<Instance>, step: &str) -> StepId {
        match instance {
            Some(instance) => StepId(format!("{self}[{instance}]/{step}")),
            None => StepId(format!("{self}/{step}")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.as_str(), self.name)
    }
}

/// Whose objects a command may see and touch: everything carrying this project, environment and component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub env: EnvName,
    /// The component, when the project is spread over repositories.
    pub component: Option<ComponentName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let cases = [
            ("shop", Ok(())),
            ("0a._-", Ok(())),
            ("", Err(NameError::Empty)),
            ("Shop", Err(NameError::BadCharacter('S'))),
            ("-a", Err(NameError::BadCharacter('-'))),
            ("a b", Err(NameError::BadCharacter(' '))),
            ("a$(x)", Err(NameError::BadCharacter('$'))),
        ];
        for (text, expected) in cases {
            assert_eq!(check_name(text), expected, "{text:?}");
        }
        assert_eq!(check_name(&"a".repeat(64)), Err(NameError::TooLong(64)));
    }

    #[test]
    fn addresses_print_as_they_are_read() {
        let api = Address::service("api");
        assert_eq!(Address::parse("service.api"), Some(api.clone()));
        assert_eq!(api.instance(Instance(0)), "service.api[0]");
        assert_eq!(
            api.step(Some(Instance(1)), "prestart.host").as_str(),
            "service.api[1]/prestart.host"
        );
        assert_eq!(Address::parse("api"), None);
        assert_eq!(Address::parse("pod.api"), None);
    }
}

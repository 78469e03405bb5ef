//! One thing to do, and what it does.

use crate::domain::ids::{Instance, StepId};
use crate::domain::project::hook::{HookPhase, HookPlace};
use crate::domain::project::procedure::Verb;

/// Where a step happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepPlace {
    /// At the provider.
    Provider,
    /// On the machine `nkapp` runs on.
    Host,
    /// Inside an instance.
    Container,
}

impl StepPlace {
    /// Returns the word in JSON (`where`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Host => "host",
            Self::Container => "container",
        }
    }
}

impl From<HookPlace> for StepPlace {
    fn from(place: HookPlace) -> Self {
        match place {
            HookPlace::Host => Self::Host,
            HookPlace::Container => Self::Container,
        }
    }
}

/// What a step does. Together with project, record and live state it says the whole operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// Fetch an image that is missing.
    Pull {
        /// Its reference, in full.
        image: String,
    },
    /// Build the image.
    Build,
    /// Make a network.
    CreateNetwork,
    /// Remove a network. Instances still on it are disconnected first; those that stay join the new one by a
    /// `Connect` of their own action.
    RemoveNetwork,
    /// Make a volume.
    CreateVolume,
    /// Remove a volume and its data.
    RemoveVolume,
    /// Make an instance, gated when something has to run inside before its main command.
    Create,
    /// Start an instance.
    Start,
    /// Run one hook command.
    Hook {
        /// Phase it belongs to.
        phase: HookPhase,
        /// Position in the phase's list of that place.
        index: usize,
    },
    /// Run the one-time installation under the provisioning lock.
    Install,
    /// Let the main command begin.
    OpenGate,
    /// Wait until the instance is healthy.
    Health,
    /// Wait until the job has ended with exit code 0.
    Complete,
    /// Stop an instance.
    Stop,
    /// Remove an instance.
    Remove,
    /// Give an instance its proper name back.
    Rename,
    /// Change limits and restart policy of a running instance.
    Limits,
    /// Join a network with all aliases.
    Connect {
        /// Name of the network in the file.
        network: String,
    },
    /// Take one instance off a network that is about to be made anew; its service joins the new one.
    Detach {
        /// Service of the instance.
        service: String,
        /// Its number.
        instance: Instance,
    },
    /// Leave a network.
    Disconnect {
        /// Provider's name or id of the network.
        network: String,
    },
    /// Let a frozen instance go on.
    Unpause,
    /// Take what exists, and matches, into the record: ids of the live objects, the wanted model. Touches nothing.
    /// A service's installation counts as done, its running instances (and jobs that ended with 0) as ready.
    Adopt,
    /// Carry out a step of a procedure.
    Perform {
        /// What kind of step.
        verb: Verb,
        /// Its position in the procedure.
        index: usize,
    },
    /// Pass over a step of a procedure, because an operator said so.
    Skip {
        /// Why.
        reason: String,
        /// Its position in the procedure.
        index: usize,
    },
    /// Let a service run again as the file wants it, after procedures that stopped or scaled it.
    PutBack {
        /// Service.
        service: String,
    },
}

impl StepKind {
    /// Returns the word in JSON and events.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pull { .. } => "pull",
            Self::Build => "build",
            Self::CreateNetwork | Self::CreateVolume | Self::Create => "create",
            Self::RemoveNetwork | Self::RemoveVolume | Self::Remove => "remove",
            Self::Start => "start",
            Self::Hook { .. } => "hook",
            Self::Install => "install",
            Self::OpenGate => "open_gate",
            Self::Health => "health",
            Self::Complete => "complete",
            Self::Stop => "stop",
            Self::Rename => "rename",
            Self::Limits => "limits",
            Self::Connect { .. } => "connect",
            Self::Disconnect { .. } | Self::Detach { .. } => "disconnect",
            Self::Unpause => "unpause",
            Self::Adopt => "adopt",
            Self::Perform { verb, .. } => verb.as_str(),
            Self::Skip { .. } => "skip",
            Self::PutBack { .. } => "put_back",
        }
    }
}

/// One step of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Unique in the plan: `service.api[0]/prestart.host`.
    pub id: StepId,
    /// What it does.
    pub kind: StepKind,
    /// Where.
    pub place: StepPlace,
    /// Instance it acts on, for services.
    pub instance: Option<Instance>,
    /// Whether it acts on the instance that is being replaced or removed rather than on the wanted one.
    pub old: bool,
    /// Steps of the same action that must be done before.
    pub needs: Vec<StepId>,
    /// One line for people: the image, the command, the network. Never a secret.
    pub detail: String,
}

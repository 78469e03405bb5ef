//! The platform: what carries instances, networks and volumes.
//!
//! Effects have three outcomes, not two: a lost reply is [`Outcome::Unknown`], and `settle` finds out later by
//! looking for the operation's label, never by doing it again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::ids::{Address, Epoch, ImageId, Instance, Lineage, OpId, ProviderId, Scope};
use crate::domain::live::{Capabilities, Live, LiveEvent};
use crate::domain::project::health::Probe;
use crate::domain::project::project::{Network, Volume};
use crate::domain::project::service::{Build, RestartPolicy, Service};
use crate::domain::secret::Secret;
use crate::domain::usage::{Counters, Probed};
use crate::ports::hooks::{CallEnd, Value};
use crate::ports::sink::Sink;

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The platform did not answer.
    #[error("{platform} does not answer at {endpoint}: {cause}")]
    Unreachable {
        /// `docker`, `process`.
        platform: String,
        /// Socket or address.
        endpoint: String,
        /// Why.
        cause: String,
        /// What to do now.
        hint: String,
    },
    /// The call was answered with an error.
    #[error("{call} {subject}: {cause}")]
    Call {
        /// What was asked (`inspect container`).
        call: String,
        /// About what.
        subject: String,
        /// The platform's words, sanitised by whoever shows them.
        cause: String,
    },
    /// The thing is not there.
    #[error("{subject} is not there")]
    Missing {
        /// What.
        subject: String,
    },
}

/// What came of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It happened.
    Done(T),
    /// It did not happen.
    Failed(ProviderError),
    /// Nobody knows: the reply was lost.
    Unknown(ProviderError),
}

/// One instance by identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceRef {
    /// The provider's identifier.
    pub id: ProviderId,
    /// The provider's name of it.
    pub name: String,
    /// Service address.
    pub address: Address,
    /// Its number.
    pub instance: Instance,
}

/// Everything needed to make one instance.
#[derive(Clone, Debug)]
pub struct InstanceSpec {
    /// Service address.
    pub address: Address,
    /// Its number.
    pub instance: Instance,
    /// The desired service.
    pub service: Service,
    /// Image reference to use, where the platform has images.
    pub image: Option<String>,
    /// All variables, nanokit's own (`NANOKIT_PROJECT`, …) and resolved secrets included. The provider adds
    /// those only it can know: `PORT`, `NANOKIT_URL_*`, and for every mounted volume
    /// [`volume_variable`]`(name)` with the folder where its content is found inside the instance (the mount
    /// target, or for a host process the folder that stands for the volume). Commands run through
    /// [`Provider::exec`] see the same variables; the install script finds its volume by them.
    pub env: Vec<(String, Value)>,
    /// The other services, for `NANOKIT_URL_*`.
    pub siblings: Vec<Sibling>,
    /// Configuration hash for the label.
    pub hash: String,
    /// Whether the main command has to wait behind a gate.
    pub gated: bool,
    /// Replaces the main command and makes it a one-off (the heavy install image): labelled as such, no ports, no health check.
    pub one_off: Option<Vec<String>>,
}

/// Another service of the project, as far as an instance may be told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sibling {
    /// Its name.
    pub name: String,
    /// Port inside, where it has one.
    pub inner: Option<u16>,
    /// Port published on the host, where it has one.
    pub published: Option<u16>,
}

/// Name of the variable that tells an instance where a volume is: `NANOKIT_VOLUME_` and the volume's name in
/// upper case, everything but letters and digits written as `_`.
#[must_use]
pub fn volume_variable(volume: &str) -> String {
    let name: String = volume
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("NANOKIT_VOLUME_{name}")
}

/// Limits that can be changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Thousandths of a core, `None`: unlimited.
    pub cpu_millis: Option<u64>,
    /// Bytes, `None`: unlimited.
    pub memory_bytes: Option<u64>,
    /// Restart policy.
    pub restart: RestartPolicy,
}

/// What an operation does.
#[derive(Clone, Debug)]
pub enum OpKind {
    /// Fetches an image.
    PullImage {
        /// Reference.
        image: String,
    },
    /// Builds an image.
    BuildImage {
        /// Recipe.
        build: Build,
        /// Tag it gets.
        tag: String,
    },
    /// Makes a network.
    CreateNetwork {
        /// Desired network.
        network: Network,
        /// Configuration hash for the label.
        hash: String,
    },
    /// Removes a network.
    RemoveNetwork {
        /// Which.
        id: ProviderId,
    },
    /// Makes a volume.
    CreateVolume {
        /// Desired volume.
        volume: Volume,
    },
    /// Removes a volume with its data.
    RemoveVolume {
        /// Which.
        id: ProviderId,
    },
    /// Makes an instance without starting it.
    CreateInstance(Box<InstanceSpec>),
    /// Starts an instance. Running already counts as done.
    StartInstance(InstanceRef),
    /// Lets the gated main command begin.
    OpenGate(InstanceRef),
    /// Stops an instance. Stopped already, or gone, counts as done.
    StopInstance {
        /// Which.
        target: InstanceRef,
        /// Time before the kill.
        grace: Duration,
        /// Signal, if not the instance's own.
        signal: Option<String>,
    },
    /// Removes a stopped instance, anonymous volumes included. Gone already counts as done.
    RemoveInstance(InstanceRef),
    /// Gives an instance the name its address asks for. Whoever of `holders` has that name now gets the name of its own
    /// address, or where that is taken the target's old one; in between a name of ours.
    RenameInstance {
        /// Which.
        target: InstanceRef,
        /// Instances of ours that bear names they should not have.
        holders: Vec<InstanceRef>,
    },
    /// Changes limits and restart policy.
    SetLimits {
        /// Which.
        target: InstanceRef,
        /// To what.
        limits: Limits,
    },
    /// Joins a network.
    Connect {
        /// Which.
        target: InstanceRef,
        /// Name of the network in the file.
        network: String,
        /// All aliases it shall have there.
        aliases: BTreeSet<String>,
    },
    /// Leaves a network.
    Disconnect {
        /// Which.
        target: InstanceRef,
        /// Provider's name or id of the network.
        network: String,
    },
    /// Lets a frozen instance go on.
    Unpause(InstanceRef),
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Op {
    /// Stamped as a label on what it makes.
    pub id: OpId,
    /// Fencing token of the lock under which it is issued.
    pub fence: Epoch,
    /// Whose object it is.
    pub scope: Scope,
    /// State it belongs to, also a label.
    pub lineage: Lineage,
    /// What it does.
    pub kind: OpKind,
}

/// What an operation left behind.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Applied {
    /// Identifier of what was made or changed.
    pub id: Option<ProviderId>,
    /// The provider's name of it.
    pub name: Option<String>,
    /// Image it was made of, or that was pulled or built.
    pub image_id: Option<ImageId>,
    /// After making an instance: whether the platform itself runs a health check on it (the file's, else the
    /// image's own, learned once per image) and will report verdicts; `None`: it cannot tell.
    pub health_check: Option<bool>,
    /// Remarks of the platform.
    pub warnings: Vec<String>,
}

/// What became of an operation nobody knew about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It happened: this is what it left.
    Done(Applied),
    /// It did not happen and cannot happen any more.
    NotDone,
}

/// A command inside an instance.
#[derive(Clone, Debug)]
pub struct ExecCall {
    /// Arguments, the program first.
    pub argv: Vec<String>,
    /// Variables on top of the instance's own.
    pub env: Vec<(String, Value)>,
    /// User; `None`: the instance's own.
    pub user: Option<String>,
    /// Working folder; `None`: the instance's own.
    pub folder: Option<String>,
    /// Longest time; then it is killed with everything it started.
    pub timeout: Duration,
    /// Whether our standard input and terminal are handed through (`nkapp exec` on a terminal).
    pub interactive: bool,
    /// Whether what it leaves running when it ends is ended with it. Past its time it is in any case.
    pub ends_orphans: bool,
}

/// Which part of a log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Only so many last lines; `None`: all.
    pub tail: Option<u32>,
    /// Whether to go on with what is written later, until dropped.
    pub follow: bool,
    /// Whether each line starts with its time.
    pub timestamps: bool,
}

/// What is known of an instance's health from the platform's memory.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HealthDetail {
    /// Output of the last probe.
    pub last_output: String,
    /// Exit code of the last probe.
    pub last_exit: Option<i64>,
    /// Exit code of the instance, if it ended.
    pub exit_code: Option<i64>,
    /// Whether it was killed for want of memory.
    pub out_of_memory: bool,
    /// The command that lets it go on, where it is frozen.
    pub unpause: Option<String>,
    /// The last probes, the newest last.
    pub probes: Vec<Probed>,
    /// Variables it was given, as [`LiveInstance::given`](crate::domain::live::LiveInstance::given).
    pub given: BTreeMap<String, Secret>,
}

/// A platform.
pub trait Provider {
    /// Says what it can do; makes no call.
    fn capabilities(&self) -> Capabilities;
    /// Names platform and endpoint for people; makes no call.
    fn describe(&self) -> String;
    /// Looks at everything of a project, and resolves `images` (normalised references) to local ids: a few
    /// lists, and one concurrent inspection for each live instance; never more.
    async fn observe(
        &self,
        scope: &Scope,
        images: &BTreeSet<String>,
    ) -> Result<Live, ProviderError>;
    /// Carries an operation out; dropping the future leaves its outcome unknown.
    async fn apply(&self, op: &Op, sink: &dyn Sink) -> Outcome<Applied>;
    /// Finds out what became of an operation: by its label, or by the object it acted on.
    async fn settle(
        &self,
        op: &OpId,
        verb: &str,
        target: Option<&ProviderId>,
        scope: &Scope,
    ) -> Result<Settled, ProviderError>;
    /// Runs a command inside a running instance, to its end.
    async fn exec(&self, target: &InstanceRef, call: &ExecCall, sink: &dyn Sink) -> CallEnd;
    /// Asks once, from here, whether the instance answers. For checks the platform does not run itself.
    async fn probe(
        &self,
        target: &InstanceRef,
        probe: &Probe,
        timeout: Duration,
    ) -> Result<(), String>;
    /// Hands out an instance's output.
    async fn logs(
        &self,
        target: &InstanceRef,
        query: LogQuery,
        sink: &dyn Sink,
    ) -> Result<(), ProviderError>;
    /// Fetches what the platform remembers of an instance's health and end, for messages.
    async fn health_detail(&self, target: &InstanceRef) -> Result<HealthDetail, ProviderError>;
    /// Reads the counters of running instances, one cheap call each; those that do not run, or are gone, are
    /// left out.
    async fn sample(
        &self,
        targets: &[InstanceRef],
    ) -> Result<BTreeMap<ProviderId, Counters>, ProviderError>;
    /// Waits until a one-off or job instance ends and returns its exit code.
    async fn wait(&self, target: &InstanceRef) -> Result<i64, ProviderError>;
    /// Sends what happens to the project's objects until dropped, `Connected` first. Reconnects by itself.
    async fn watch(&self, scope: &Scope, events: mpsc::Sender<LiveEvent>);
}

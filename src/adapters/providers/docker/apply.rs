//! One operation, carried out: which call each kind is.

use crate::adapters::providers::docker::fault::Fault;
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::ports::provider::{Applied, Op, OpKind};
use crate::ports::sink::Sink;

impl DockerProvider {
    /// Carries an operation out.
    pub(super) async fn carry_out(&self, op: &Op, sink: &dyn Sink) -> Result<Applied, Fault> {
        match &op.kind {
            OpKind::PullImage { image } => self.pull(image, sink).await,
            OpKind::BuildImage { build, tag } => self.build(build, tag, sink).await,
            OpKind::CreateNetwork { network, hash } => self.create_network(op, network, hash).await,
            OpKind::RemoveNetwork { id } => self.remove_network(id).await,
            OpKind::CreateVolume { volume } => self.create_volume(op, volume).await,
            OpKind::RemoveVolume { id } => self.remove_volume(id).await,
            OpKind::CreateInstance(spec) => self.create_instance(op, spec).await,
            OpKind::StartInstance(target) => self.start(target).await,
            OpKind::OpenGate(target) => self.open_gate(target).await,
            OpKind::StopInstance {
                target,
                grace,
                signal,
            } => self.stop(target, *grace, signal.as_deref()).await,
            OpKind::RemoveInstance(target) => self.remove(target).await,
            OpKind::RenameInstance { target, holders } => self.rename(op, target, holders).await,
            OpKind::SetLimits { target, limits } => self.set_limits(target, limits).await,
            OpKind::Connect {
                target,
                network,
                aliases,
            } => self.connect(op, target, network, aliases).await,
            OpKind::Disconnect { target, network } => self.disconnect(op, target, network).await,
            OpKind::Unpause(target) => self.unpause(target).await,
        }
    }
}

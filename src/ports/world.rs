//! All ports as one type parameter.

use crate::ports::cas_store::CasStore;
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::hooks::HostHooks;
use crate::ports::process::Processes;
use crate::ports::provider::Provider;
use crate::ports::random::Random;
use crate::ports::secrets::Secrets;

/// The world the engine lives in. The real one is wired in `boot`, the simulated one in the tests.
pub trait World {
    /// Platform.
    type Provider: Provider;
    /// State and lock cells.
    type Store: CasStore;
    /// Clock.
    type Clock: Clock;
    /// Own folder.
    type Disk: Disk;
    /// Commands on the host.
    type Hooks: HostHooks;
    /// Process identity.
    type Processes: Processes;
    /// Randomness.
    type Random: Random;
    /// Secrets.
    type Secrets: Secrets;

    /// Returns the platform.
    fn provider(&self) -> &Self::Provider;
    /// Returns the cell of the state document.
    fn state(&self) -> &Self::Store;
    /// Returns the cell of the lock record.
    fn lock(&self) -> &Self::Store;
    /// Returns the cell of the record that says which worker leads.
    fn leader(&self) -> &Self::Store;
    /// Returns the clock.
    fn clock(&self) -> &Self::Clock;
    /// Returns the project's own folder.
    fn disk(&self) -> &Self::Disk;
    /// Returns the runner of host commands.
    fn hooks(&self) -> &Self::Hooks;
    /// Returns process identity and proof.
    fn processes(&self) -> &Self::Processes;
    /// Returns randomness.
    fn random(&self) -> &Self::Random;
    /// Returns the resolver of secrets.
    fn secrets(&self) -> &Self::Secrets;
}

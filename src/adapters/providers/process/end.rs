//! Stopping and removing, with or without a supervisor, until nothing is left.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::adapters::providers::process::cgroup;
use crate::adapters::providers::process::files::{Request, State, millis};
use crate::adapters::providers::process::folder::{STATUS, put_json, remove_folder};
use crate::adapters::providers::process::identity::signal_named;
use crate::adapters::providers::process::instances::Found;
use crate::adapters::providers::process::link::{self, AskError};
use crate::adapters::providers::process::operate::{
    Applying, Failure, PATIENCE, applied, look, plain,
};
use crate::adapters::providers::process::provider::ProcessProvider;
use crate::domain::live::Status;
use crate::ports::provider::{Applied, InstanceRef};

/// Stops an instance; one that is stopped or gone counts as done.
pub(super) async fn stop(
    provider: &ProcessProvider,
    target: &InstanceRef,
    grace: Duration,
    signal: Option<&str>,
) -> Applying {
    let Some(mut found) = look(provider, target, "stop")? else {
        return Ok(Applied::default());
    };
    let request = Request::Stop {
        signal: signal.map(str::to_owned),
        grace_ms: millis(grace),
    };
    let patience = grace.saturating_add(PATIENCE);
    match link::ask(&found, &request, patience).await {
        Ok(_) => Ok(applied(&found)),
        Err(AskError::NotThere) => {
            stop_unsupervised(&mut found, grace, signal).await;
            Ok(applied(&found))
        }
        Err(cause @ AskError::Lost(_)) => {
            if !retired(&found).await {
                return Err(Failure::of("stop", &found, &cause));
            }
            found.refresh();
            stop_unsupervised(&mut found, grace, signal).await;
            Ok(applied(&found))
        }
        Err(cause @ AskError::Refused(_)) => Err(Failure::of("stop", &found, &cause)),
    }
}

/// Tells whether a supervisor that did not answer is gone, giving it a moment to be.
pub(super) async fn retired(found: &Found) -> bool {
    let mut found = found.clone();
    let end = Instant::now() + Duration::from_secs(1);
    loop {
        found.refresh();
        if !found.supervisor_lives() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Ends what a killed supervisor left running, by its mark.
async fn stop_unsupervised(found: &mut Found, grace: Duration, signal: Option<&str>) {
    let wish = signal.or(found.spec.stop_signal.as_deref());
    let polite = wish.and_then(signal_named).unwrap_or(Signal::TERM);
    let end = Instant::now() + grace;
    if found.nets().signal(polite) > 0 {
        found.nets().signal(Signal::CONT);
        while Instant::now() < end && !found.nets().members().is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
    }
    for _ in 0..200 {
        if found.nets().signal(Signal::KILL) == 0 {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    if let Some(group) = found.status.cgroup.take() {
        cgroup::remove(&group);
    }
    if found.status.state != State::Created && found.status.state != State::Exited {
        found.status.state = State::Exited;
        found.status.main = None;
        found.status.exit_code = Some(143);
        if let Err(error) = put_json(&found.folder.join(STATUS), &found.status, false) {
            tracing::warn!(name = %found.name, %error, "end not written down");
        }
    }
}

/// Removes a stopped instance; one that is gone counts as done.
pub(super) async fn remove(provider: &ProcessProvider, target: &InstanceRef) -> Applying {
    let Some(mut found) = look(provider, target, "remove")? else {
        return Ok(Applied::default());
    };
    if matches!(
        found.standing(),
        Status::Running | Status::Paused | Status::Restarting
    ) {
        return Err(Failure::refused("remove", &found.name, "it still runs"));
    }
    match link::ask(&found, &Request::Quit, PATIENCE).await {
        Ok(_) | Err(AskError::NotThere | AskError::Lost(_)) => {}
        Err(cause @ AskError::Refused(_)) => return Err(Failure::of("remove", &found, &cause)),
    }
    stop_unsupervised(&mut found, Duration::ZERO, Some("KILL")).await;
    plain(remove_folder(&found.folder), "remove", &found.name)
}

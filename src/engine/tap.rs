//! Output of services outside of runs: their logs, and commands run in them.
//!
//! Lines are stripped before they leave; only their colours stay. The reader sets the pace: while it is slow, nothing more is read from
//! the platform, so that no line is lost and memory stays bounded.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use crate::domain::event::Stream;
use crate::domain::hint::Hint;
use crate::domain::ids::Address;
use crate::domain::live::{LiveEventKind, LiveInstance, Status};
use crate::domain::project::project::Project;
use crate::engine::cutter::Cutter;
use crate::engine::discover::resolve;
use crate::engine::given::secrets_given;
use crate::engine::keeper::Keeper;
use crate::engine::reconcile::{EngineError, ExecRequest, LogRequest, OutputLine};
use crate::engine::redact::Redactor;
use crate::engine::strip::{strip, strip_output};
use crate::ports::hooks::CallEnd;
use crate::ports::provider::{ExecCall, InstanceRef, LogQuery, Provider};
use crate::ports::sink::Sink;
use crate::ports::world::World;

/// Longest time a command in a service may take: a day.
const EXEC: Duration = Duration::from_secs(24 * 3600);

/// Sends a service's output.
pub(super) async fn logs<W: World>(
    world: &W,
    project: &Project,
    request: &LogRequest,
    lines: mpsc::Sender<OutputLine>,
) -> Result<(), EngineError> {
    let (instances, redactor) =
        instances(world, project, &request.service, request.instance).await?;
    let query = LogQuery {
        tail: request.tail,
        follow: request.follow,
        timestamps: request.timestamps,
    };
    let targets: Vec<InstanceRef> = instances.iter().map(target).collect();
    let taps: Vec<Tap<'_>> = targets.iter().map(|t| Tap::new(t, &redactor)).collect();
    let mut reads: FuturesUnordered<_> = targets
        .iter()
        .zip(&taps)
        .map(|(target, tap)| async move { world.provider().logs(target, query, tap).await })
        .collect();
    let mut result = Ok(());
    loop {
        for tap in &taps {
            tap.pour(&lines).await?;
        }
        if lines.is_closed() {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = lines.closed() => return Ok(()),
            read = reads.next() => match read {
                Some(Ok(())) => {}
                Some(Err(error)) => result = Err(EngineError::Provider(error)),
                None => break,
            },
            () = waiting(&taps) => {}
        }
    }
    for tap in &taps {
        tap.end();
        tap.pour(&lines).await?;
    }
    result
}

/// Runs a command in a service and returns its exit code.
pub(super) async fn exec<W: World>(
    world: &W,
    project: &Project,
    request: &ExecRequest,
    lines: mpsc::Sender<OutputLine>,
) -> Result<i64, EngineError> {
    let (instances, redactor) =
        instances(world, project, &request.service, request.instance).await?;
    let running = instances
        .iter()
        .find(|live| live.status == Status::Running)
        .ok_or_else(|| {
            EngineError::Invalid(format!(
                "no instance of {} is running; `nkapp status` shows why",
                request.service
            ))
        })?;
    let target = target(running);
    let tap = Tap::new(&target, &redactor);
    let call = ExecCall {
        argv: request.argv.clone(),
        env: Vec::new(),
        user: None,
        folder: None,
        timeout: EXEC,
        interactive: request.interactive,
        ends_orphans: false,
    };
    let taps = std::slice::from_ref(&tap);
    let end = {
        let run = world.provider().exec(&target, &call, &tap);
        tokio::pin!(run);
        loop {
            tap.pour(&lines).await?;
            tokio::select! {
                biased;
                end = &mut run => break end,
                () = waiting(taps) => {}
            }
        }
    };
    tap.end();
    tap.pour(&lines).await?;
    match end {
        CallEnd::Exited(code) => Ok(code),
        CallEnd::TimedOut => Err(EngineError::Invalid("the command ran for a day".to_owned())),
        CallEnd::InstanceGone(why) => Err(EngineError::Invalid(format!(
            "{} ended meanwhile: {why}",
            target.name
        ))),
        CallEnd::NotStarted(why) => Err(EngineError::Invalid(format!(
            "the command could not be started in {}: {why}",
            target.name
        ))),
        CallEnd::Unknown(why) => Err(EngineError::Invalid(format!(
            "the connection to the command broke, it may still run: {why}"
        ))),
    }
}

/// Sends a hint whenever the platform reports a change.
pub(super) async fn watch<W: World>(world: &W, project: &Project, hints: mpsc::Sender<Hint>) {
    let scope = project.scope();
    let (sender, mut stream) = mpsc::channel(256);
    let listening = world.provider().watch(&scope, sender);
    tokio::pin!(listening);
    loop {
        let heard = tokio::select! {
            biased;
            next = stream.recv() => next,
            () = &mut listening => return,
        };
        let Some(event) = heard else { return };
        let what_happened = match &event.kind {
            // After a gap anything may have changed.
            LiveEventKind::Connected => "connected".to_owned(),
            // A look finds out whether the platform is gone, and says so.
            LiveEventKind::Lost(_) => "connection lost".to_owned(),
            LiveEventKind::Created => "created".to_owned(),
            LiveEventKind::Started => "started".to_owned(),
            LiveEventKind::Died(code) => format!("ended with {code}"),
            LiveEventKind::Removed => "removed".to_owned(),
            LiveEventKind::Health(health) => health.as_str().to_owned(),
            LiveEventKind::VolumeRemoved(id) => format!("volume {} removed", strip(id.as_str())),
            LiveEventKind::Paused => "paused".to_owned(),
            LiveEventKind::Unpaused => "unpaused".to_owned(),
            LiveEventKind::Changed(what) => strip(what),
        };
        let now = match event.kind {
            LiveEventKind::Removed => Some(None),
            LiveEventKind::Died(code) => Some(Some(Status::Exited(code))),
            LiveEventKind::Connected
            | LiveEventKind::Lost(_)
            | LiveEventKind::Created
            | LiveEventKind::Started
            | LiveEventKind::Health(_)
            | LiveEventKind::VolumeRemoved(_)
            | LiveEventKind::Paused
            | LiveEventKind::Unpaused
            | LiveEventKind::Changed(_) => None,
        };
        let hint = match (event.subject, now) {
            (None, _) => Hint::Live(what_happened),
            (Some(subject), now) => {
                let who = subject.address.instance(subject.instance);
                let text = format!("{who} {what_happened}");
                match now {
                    None => Hint::About { text, subject },
                    Some(status) => Hint::Instance {
                        text,
                        subject,
                        status,
                    },
                }
            }
        };
        if hints.send(hint).await.is_err() {
            return;
        }
    }
}

/// Finds the live instances of a service of ours, by number, and what takes secrets out of their output.
async fn instances<W: World>(
    world: &W,
    project: &Project,
    service: &str,
    only: Option<u32>,
) -> Result<(Vec<LiveInstance>, Redactor), EngineError> {
    let scope = project.scope();
    let none = std::collections::BTreeSet::new();
    let keeper = Keeper::open(world, &scope).await?;
    let live = world
        .provider()
        .observe(&scope, &none)
        .await
        .map_err(EngineError::Provider)?;
    let lineage = keeper.record().map(|record| record.lineage.clone());
    let mut found: Vec<LiveInstance> = live
        .of_service(service)
        .filter(|one| lineage.is_none() || one.lineage == lineage)
        .filter(|one| only.is_none_or(|number| one.instance.0 == number))
        .cloned()
        .collect();
    found.sort_by_key(|one| one.instance);
    if found.is_empty() {
        let subject = match only {
            Some(number) => format!("instance {number} of service {service}"),
            None => format!("service {service}"),
        };
        let address = Address::service(service);
        let recorded = keeper.record();
        return Err(EngineError::Absent {
            subject,
            deployed: recorded.is_some_and(|record| record.resources.contains_key(&address)),
        });
    }
    let mut redactor = redactor(world, project).await;
    for one in &found {
        let given = secrets_given(project, keeper.record(), service, &one.given);
        given.for_each(|secret| redactor.register(secret));
    }
    Ok((found, redactor))
}

/// Makes what takes the secrets that can be had now out of a text; those an instance was given come on top.
pub(super) async fn redactor<W: World>(world: &W, project: &Project) -> Redactor {
    let mut redactor = Redactor::default();
    if let Ok(secrets) = resolve(world, project, true).await {
        for secret in secrets.values() {
            redactor.register(secret);
        }
    }
    redactor
}

fn target(live: &LiveInstance) -> InstanceRef {
    InstanceRef {
        id: live.id.clone(),
        name: live.name.clone(),
        address: Address::service(&live.service),
        instance: live.instance,
    }
}

/// Waits until there are lines to hand on. Looks again whenever it is polled: what fills the queues is polled beside
/// it and wakes nobody.
async fn waiting(taps: &[Tap<'_>]) {
    std::future::poll_fn(|_| {
        if taps.iter().all(|tap| tap.queue.borrow().is_empty()) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// Collects the lines of one instance until the reader takes them.
struct Tap<'a> {
    source: String,
    redactor: &'a Redactor,
    cutters: RefCell<[Cutter; 2]>,
    queue: RefCell<VecDeque<OutputLine>>,
}

impl<'a> Tap<'a> {
    fn new(target: &InstanceRef, redactor: &'a Redactor) -> Self {
        Self {
            source: target.address.instance(target.instance),
            redactor,
            cutters: RefCell::default(),
            queue: RefCell::default(),
        }
    }

    fn clean(&self, text: &str) -> String {
        strip_output(text, self.redactor)
    }

    fn queue_lines(&self, stream: Stream, lines: Vec<String>) {
        let mut queue = self.queue.borrow_mut();
        queue.extend(lines.into_iter().map(|text| OutputLine {
            source: self.source.clone(),
            stream,
            text,
        }));
    }

    /// Hands everything collected to the reader, at its pace.
    async fn pour(&self, lines: &mpsc::Sender<OutputLine>) -> Result<(), EngineError> {
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some(line) = next else { return Ok(()) };
            if lines.send(line).await.is_err() {
                self.queue.borrow_mut().clear();
                return Ok(());
            }
        }
    }

    fn end(&self) {
        for (i, stream) in [(0, Stream::Stdout), (1, Stream::Stderr)] {
            let left = self.cutters.borrow_mut()[i].finish(&|text: &str| self.clean(text));
            self.queue_lines(stream, left.into_iter().collect());
        }
    }
}

impl Sink for Tap<'_> {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        let i = usize::from(stream == Stream::Stderr);
        let lines = self.cutters.borrow_mut()[i]
            .push(bytes, self.redactor.longest(), &|text| self.clean(text));
        self.queue_lines(stream, lines);
    }
    fn progress(&self, _done: u64, _total: Option<u64>, _unit: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Instance, ProviderId};
    use std::future::Future;
    use std::task::{Context, Waker};

    #[test]
    fn lines_that_come_late_are_seen_too() {
        let redactor = Redactor::default();
        let target = InstanceRef {
            id: ProviderId("x".into()),
            name: "x".into(),
            address: Address::service("api"),
            instance: Instance(0),
        };
        let taps = [Tap::new(&target, &redactor)];
        let mut waits = std::pin::pin!(waiting(&taps));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        taps[0].output(Stream::Stdout, b"half a li");
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        taps[0].output(Stream::Stdout, b"ne\n");
        assert!(waits.as_mut().poll(&mut cx).is_ready());
    }
}

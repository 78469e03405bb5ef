//! A platform with a scope of its own, short ways to ask it for things, and a clean floor afterwards.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use nanokit::domain::event::Stream;
use nanokit::domain::ids::{
    Address, EnvName, Epoch, Instance, Lineage, OpId, ProjectName, ProviderId, Scope,
};
use nanokit::domain::live::{Live, LiveEvent, LiveInstance};
use nanokit::domain::project::service::Service;
use nanokit::ports::hooks::{CallEnd, Value};
use nanokit::ports::provider::{
    Applied, ExecCall, InstanceRef, InstanceSpec, LogQuery, Op, OpKind, Outcome, Provider, Sibling,
};
use nanokit::ports::sink::{NoSink, Sink};
use tokio::sync::mpsc;

/// Longest time anything may take to come true on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One platform, one scope.
pub(crate) struct Stage<P> {
    pub(crate) provider: P,
    pub(crate) scope: Scope,
    /// Image of every instance, where the platform has images.
    pub(crate) image: Option<String>,
    /// Whatever has to live as long.
    pub(crate) _ground: Option<tempfile::TempDir>,
    next_op: Cell<u32>,
}

/// Makes a scope nobody else has.
pub(crate) fn own_scope() -> Scope {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let project = format!("ct{}x{number}", std::process::id());
    Scope {
        project: ProjectName::parse(&project).expect("a valid name"),
        env: EnvName::parse("local").expect("a valid name"),
        component: None,
    }
}

/// Plays a case and cleans up behind it, also when it failed.
pub(crate) async fn play<P: Provider>(stage: &Stage<P>, case: impl Future<Output = ()>) {
    let ended = AssertUnwindSafe(Box::pin(case)).catch_unwind().await;
    stage.clean().await;
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// Keeps what a call printed.
#[derive(Default)]
pub(crate) struct Kept(RefCell<Vec<(Stream, Vec<u8>)>>);

impl Kept {
    /// Returns what came on one stream.
    pub(crate) fn of(&self, wanted: Stream) -> String {
        let pieces = self.0.borrow();
        let bytes: Vec<u8> = pieces
            .iter()
            .filter(|(stream, _)| *stream == wanted)
            .flat_map(|(_, bytes)| bytes.clone())
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
    /// Returns everything.
    pub(crate) fn text(&self) -> String {
        let pieces = self.0.borrow();
        let bytes: Vec<u8> = pieces.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Sink for Kept {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        self.0.borrow_mut().push((stream, bytes.to_vec()));
    }
    fn progress(&self, _: u64, _: Option<u64>, _: &str) {}
}

/// A service that runs a shell line.
pub(crate) fn service(name: &str, line: &str) -> Service {
    Service {
        command: Some(vec!["/bin/sh".into(), "-c".into(), line.into()]),
        stop_grace: Duration::from_secs(2),
        ..Service::named(name)
    }
}

/// A service that does nothing for a long time.
pub(crate) fn idle(name: &str) -> Service {
    service(name, "exec sleep 100000")
}

/// A call of a shell line with that much time.
pub(crate) fn line(line: &str, timeout: Duration) -> ExecCall {
    ExecCall {
        argv: vec!["/bin/sh".into(), "-c".into(), line.into()],
        env: Vec::new(),
        user: None,
        folder: None,
        timeout,
        interactive: false,
        ends_orphans: false,
    }
}

impl<P: Provider> Stage<P> {
    pub(crate) fn new(provider: P, image: Option<&str>, ground: Option<tempfile::TempDir>) -> Self {
        Self {
            provider,
            scope: own_scope(),
            image: image.map(str::to_owned),
            _ground: ground,
            next_op: Cell::new(0),
        }
    }

    /// A number no other stage has, nor any that begins with another's: platforms of one machine see each other's
    /// processes.
    pub(crate) fn mark(&self) -> String {
        let (_, number) = self
            .scope
            .project
            .as_str()
            .rsplit_once('x')
            .expect("a number");
        format!("7{:07}{number:0>3}", std::process::id())
    }

    /// Makes an operation with an id of its own.
    pub(crate) fn op(&self, kind: OpKind) -> Op {
        let number = self.next_op.get();
        self.next_op.set(number + 1);
        Op {
            id: OpId(format!("{}-op{number}", self.scope.project)),
            fence: Epoch(1),
            scope: self.scope.clone(),
            lineage: Lineage::new("the-lineage"),
            kind,
        }
    }

    pub(crate) fn spec(&self, service: Service) -> InstanceSpec {
        InstanceSpec {
            address: service.address(),
            instance: Instance(0),
            service,
            image: self.image.clone(),
            env: Vec::new(),
            siblings: Vec::new(),
            hash: "1:abc".into(),
            gated: false,
            one_off: None,
        }
    }

    pub(crate) async fn apply(&self, op: &Op) -> Outcome<Applied> {
        self.provider.apply(op, &NoSink).await
    }

    pub(crate) async fn done(&self, kind: OpKind) -> Applied {
        let op = self.op(kind);
        match self.apply(&op).await {
            Outcome::Done(applied) => applied,
            other => panic!("{:?}: {other:?}", op.kind),
        }
    }

    pub(crate) async fn failed(&self, kind: OpKind) -> String {
        let op = self.op(kind);
        match self.apply(&op).await {
            Outcome::Failed(error) => error.to_string(),
            other => panic!("{:?}: {other:?}", op.kind),
        }
    }

    pub(crate) async fn create(&self, spec: InstanceSpec) -> InstanceRef {
        let (address, instance) = (spec.address.clone(), spec.instance);
        let made = self.done(OpKind::CreateInstance(Box::new(spec))).await;
        InstanceRef {
            id: made.id.expect("an id"),
            name: made.name.expect("a name"),
            address,
            instance,
        }
    }

    pub(crate) async fn start(&self, service: Service) -> InstanceRef {
        let target = self.create(self.spec(service)).await;
        self.done(OpKind::StartInstance(target.clone())).await;
        target
    }

    pub(crate) async fn stop(&self, target: &InstanceRef) {
        self.done(OpKind::StopInstance {
            target: target.clone(),
            grace: Duration::from_secs(2),
            signal: None,
        })
        .await;
    }

    pub(crate) async fn live(&self) -> Live {
        let images: BTreeSet<String> = self.image.iter().cloned().collect();
        self.provider
            .observe(&self.scope, &images)
            .await
            .expect("the platform answers")
    }

    pub(crate) async fn instance(&self, id: &ProviderId) -> LiveInstance {
        let live = self.live().await;
        let found = live.instances.into_iter().find(|one| &one.id == id);
        found.expect("the instance is there")
    }

    /// Looks again and again until `wanted` holds.
    pub(crate) async fn until(
        &self,
        id: &ProviderId,
        wanted: impl Fn(&LiveInstance) -> bool,
    ) -> LiveInstance {
        let last = RefCell::new(None);
        let looked = tokio::time::timeout(PATIENCE, async {
            loop {
                let found = self.instance(id).await;
                if wanted(&found) {
                    return found;
                }
                last.replace(Some(found));
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        });
        match looked.await {
            Ok(found) => found,
            Err(late) => panic!("{late}: {last:?}"),
        }
    }

    /// Runs a shell line inside.
    pub(crate) async fn run(&self, target: &InstanceRef, text: &str) -> (CallEnd, String) {
        let kept = Kept::default();
        let call = line(text, PATIENCE);
        let end = self.provider.exec(target, &call, &kept).await;
        (end, kept.of(Stream::Stdout))
    }

    /// Runs a shell line inside until it succeeds.
    pub(crate) async fn run_until(&self, target: &InstanceRef, text: &str) -> String {
        let tried = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.run(target, text).await {
                    (CallEnd::Exited(0), output) => return output,
                    _ => tokio::time::sleep(LOOK_AGAIN).await,
                }
            }
        });
        match tried.await {
            Ok(output) => output,
            Err(late) => panic!("`{text}`: {late}"),
        }
    }

    pub(crate) async fn log(&self, target: &InstanceRef, tail: Option<u32>) -> String {
        let kept = Kept::default();
        let query = LogQuery {
            tail,
            follow: false,
            timestamps: false,
        };
        let read = self.provider.logs(target, query, &kept).await;
        read.expect("the log is there");
        kept.text()
    }

    /// Runs a story while the watch is on; the story gets the events.
    pub(crate) async fn watching<T>(
        &self,
        story: impl AsyncFnOnce(&mut mpsc::Receiver<LiveEvent>) -> T,
    ) -> T {
        let (sender, mut events) = mpsc::channel(256);
        tokio::select! {
            told = story(&mut events) => told,
            () = self.provider.watch(&self.scope, sender) => panic!("the watch ended"),
        }
    }

    /// Removes everything of the scope.
    async fn clean(&self) {
        let Ok(live) = self.provider.observe(&self.scope, &BTreeSet::new()).await else {
            return;
        };
        for found in live.instances {
            let target = InstanceRef {
                id: found.id,
                name: found.name,
                address: Address::service(&found.service),
                instance: found.instance,
            };
            let stop = OpKind::StopInstance {
                target: target.clone(),
                grace: Duration::ZERO,
                signal: None,
            };
            for kind in [stop, OpKind::RemoveInstance(target)] {
                self.apply(&self.op(kind)).await;
            }
        }
        for network in live.networks {
            self.apply(&self.op(OpKind::RemoveNetwork { id: network.id }))
                .await;
        }
        for volume in live.volumes {
            self.apply(&self.op(OpKind::RemoveVolume { id: volume.id }))
                .await;
        }
    }
}

/// Returns the next event that `wanted` knows, or fails after a while.
pub(crate) async fn next<T>(
    events: &mut mpsc::Receiver<LiveEvent>,
    mut wanted: impl FnMut(LiveEvent) -> Option<T>,
) -> T {
    let mut seen = Vec::new();
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let event = events.recv().await.expect("the watch goes on");
            seen.push(event.clone());
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    })
    .await;
    match found {
        Ok(found) => found,
        Err(late) => panic!("{late}, but {seen:?}"),
    }
}

/// Aliases on networks, as a service joins them.
pub(crate) fn joined(networks: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
    networks
        .iter()
        .map(|(network, aliases)| {
            let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
            ((*network).to_owned(), aliases)
        })
        .collect()
}

/// Another service with its port inside.
pub(crate) fn sibling(name: &str, inner: Option<u16>) -> Sibling {
    Sibling {
        name: name.to_owned(),
        inner,
        published: None,
    }
}

/// A plain variable.
pub(crate) fn plain(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), Value::Plain(value.to_owned()))
}

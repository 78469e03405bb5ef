//! A project folder with the process provider on it, and short ways to ask it for things.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use nanokit::adapters::providers::process::provider::ProcessProvider;
use nanokit::domain::event::Stream;
use nanokit::domain::ids::{
    EnvName, Epoch, Instance, Lineage, OpId, ProjectName, ProviderId, Scope,
};
use nanokit::domain::live::{Live, LiveInstance};
use nanokit::domain::project::naming::instance_name;
use nanokit::domain::project::service::Service;
use nanokit::ports::hooks::{CallEnd, Value};
use nanokit::ports::provider::{
    Applied, ExecCall, InstanceRef, InstanceSpec, LogQuery, Op, OpKind, Outcome, Provider,
};
use nanokit::ports::sink::{NoSink, Sink};

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) provider: ProcessProvider,
}

#[derive(Default)]
pub(crate) struct Kept(pub(crate) RefCell<Vec<(Stream, Vec<u8>)>>);

impl Kept {
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

pub(crate) fn scope() -> Scope {
    Scope {
        project: ProjectName::parse("shop").unwrap(),
        env: EnvName::parse("local").unwrap(),
        component: None,
    }
}

/// A service with a shell line as its command.
pub(crate) fn service(name: &str, line: &str) -> Service {
    Service {
        command: Some(vec!["/bin/sh".into(), "-c".into(), line.into()]),
        ..Service::named(name)
    }
}

pub(crate) fn spec(service: Service) -> InstanceSpec {
    InstanceSpec {
        address: service.address(),
        instance: Instance(0),
        service,
        image: None,
        env: Vec::new(),
        siblings: Vec::new(),
        hash: "1:00".into(),
        gated: false,
        one_off: None,
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = provider(folder.path());
        Self { folder, provider }
    }

    /// The world of a folder somebody else made and will remove.
    pub(crate) fn at(folder: &str) -> Self {
        let inside = Path::new(folder);
        let mut spare = tempfile::tempdir_in(inside).unwrap();
        spare.disable_cleanup(true);
        Self {
            folder: spare,
            provider: provider(inside),
        }
    }

    pub(crate) async fn outcome(&self, kind: OpKind) -> Outcome<Applied> {
        let op = Op {
            id: OpId::new("op-1"),
            fence: Epoch(1),
            scope: scope(),
            lineage: Lineage::new("lineage"),
            kind,
        };
        self.provider.apply(&op, &NoSink).await
    }

    pub(crate) async fn done(&self, kind: OpKind) -> Applied {
        let what = format!("{kind:?}");
        match self.outcome(kind).await {
            Outcome::Done(applied) => applied,
            other => panic!("{what}: {other:?}"),
        }
    }

    pub(crate) async fn failed(&self, kind: OpKind) -> String {
        let what = format!("{kind:?}");
        match self.outcome(kind).await {
            Outcome::Failed(error) => error.to_string(),
            other => panic!("{what}: {other:?}"),
        }
    }

    pub(crate) async fn create(&self, spec: InstanceSpec) -> InstanceRef {
        let (address, instance) = (spec.address.clone(), spec.instance);
        let name = instance_name(&scope(), &address.name, instance);
        let made = self.done(OpKind::CreateInstance(Box::new(spec))).await;
        InstanceRef {
            id: made.id.unwrap(),
            name: made.name.unwrap_or(name),
            address,
            instance,
        }
    }

    pub(crate) async fn start(&self, service: Service) -> InstanceRef {
        let target = self.create(spec(service)).await;
        self.done(OpKind::StartInstance(target.clone())).await;
        target
    }

    pub(crate) async fn stop(&self, target: &InstanceRef, grace: Duration) {
        self.done(OpKind::StopInstance {
            target: target.clone(),
            grace,
            signal: None,
        })
        .await;
    }

    pub(crate) async fn live(&self) -> Live {
        self.provider
            .observe(&scope(), &BTreeSet::new())
            .await
            .unwrap()
    }

    pub(crate) async fn instance(&self, id: &ProviderId) -> LiveInstance {
        let live = self.live().await;
        live.instances
            .into_iter()
            .find(|instance| &instance.id == id)
            .expect("the instance is there")
    }

    pub(crate) async fn exec(&self, target: &InstanceRef, line: &str) -> (CallEnd, String) {
        let call = ExecCall {
            argv: vec!["/bin/sh".into(), "-c".into(), line.into()],
            env: vec![("EXTRA".into(), Value::Plain("extra".into()))],
            user: None,
            folder: None,
            timeout: Duration::from_secs(30),
            interactive: false,
            ends_orphans: false,
        };
        let kept = Kept::default();
        let end = self.provider.exec(target, &call, &kept).await;
        (end, kept.text())
    }

    pub(crate) async fn logs(&self, target: &InstanceRef) -> String {
        let kept = Kept::default();
        let query = LogQuery {
            tail: None,
            follow: false,
            timestamps: false,
        };
        self.provider.logs(target, query, &kept).await.unwrap();
        kept.text()
    }

    /// Waits until the log has a piece of text.
    pub(crate) async fn logs_with(&self, target: &InstanceRef, piece: &str) -> String {
        for _ in 0..1500 {
            let log = self.logs(target).await;
            if log.contains(piece) {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{piece:?} never came: {:?}", self.logs(target).await);
    }

    /// Looks again and again until `wanted` holds; fails loudly after half a minute.
    pub(crate) async fn until(
        &self,
        id: &ProviderId,
        wanted: impl Fn(&LiveInstance) -> bool,
    ) -> LiveInstance {
        let mut last = None;
        for _ in 0..1500 {
            let instance = self.instance(id).await;
            if wanted(&instance) {
                return instance;
            }
            last = Some(instance);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never came: {last:?}");
    }

    /// The status file's field, for what only the supervisor knows.
    pub(crate) fn status(&self, target: &InstanceRef) -> serde_json::Value {
        let path = self
            .folder
            .path()
            .join(".nanokit/process")
            .join(&target.name);
        let bytes = std::fs::read(path.join("status.json")).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    pub(crate) fn main_pid(&self, target: &InstanceRef) -> i32 {
        let pid = self.status(target)["main"]["pid"].as_i64().unwrap();
        i32::try_from(pid).unwrap()
    }

    pub(crate) fn supervisor_pid(&self, target: &InstanceRef) -> i32 {
        let pid = self.status(target)["supervisor"]["pid"].as_i64().unwrap();
        i32::try_from(pid).unwrap()
    }

    /// Waits for a file a process of the instance writes.
    pub(crate) async fn file(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        for _ in 0..1500 {
            match std::fs::read_to_string(&path) {
                Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        panic!("{} never came", path.display());
    }
}

/// Nothing a test started may outlive it.
impl Drop for World {
    fn drop(&mut self) {
        let provider = provider(self.folder.path());
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let Ok(live) = provider.observe(&scope(), &BTreeSet::new()).await else {
                        return;
                    };
                    for found in live.instances {
                        let target = InstanceRef {
                            id: found.id,
                            name: found.name,
                            address: nanokit::domain::ids::Address::service(&found.service),
                            instance: found.instance,
                        };
                        for kind in [
                            OpKind::StopInstance {
                                target: target.clone(),
                                grace: Duration::ZERO,
                                signal: None,
                            },
                            OpKind::RemoveInstance(target),
                        ] {
                            let op = Op {
                                id: OpId::new("op-end"),
                                fence: Epoch(1),
                                scope: scope(),
                                lineage: Lineage::new("lineage"),
                                kind,
                            };
                            provider.apply(&op, &NoSink).await;
                        }
                    }
                });
            });
        });
    }
}

pub(crate) fn provider(root: &Path) -> ProcessProvider {
    ProcessProvider::new(root, Path::new(env!("CARGO_BIN_EXE_nkapp")))
}

pub(crate) fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim();
    !(state.is_empty() || state.starts_with('Z') || state.starts_with('X'))
}

pub(crate) fn kill(pid: i32, signal: &str) {
    let sent = std::process::Command::new("kill")
        .args([&format!("-{signal}"), &pid.to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

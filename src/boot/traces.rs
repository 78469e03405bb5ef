//! From what environment and file say about traces to an exporter that hears a session's events.

use std::collections::BTreeMap;

use crate::adapters::otlp::exporter::{Exporter, Report, unusable};
use crate::adapters::secrets::ProjectSecrets;
use crate::app::handle::Notices;
use crate::app::notice::Notice;
use crate::domain::config::load::Loaded;
use crate::domain::project::project::Project;
use crate::domain::project::service::EnvValue;
use crate::domain::secret::Secret;
use crate::domain::trace::fold::Fold;
use crate::domain::trace::id::Tracing;
use crate::domain::trace::settings::{ExportSettings, settings, started_in};
use crate::formats::otlp::request::Sender;
use crate::ports::secrets::Secrets as _;

/// What a session needs to know about its traces.
pub(super) struct Traces {
    /// For the engine: whose child a run is, and whether what it starts has a parent that is exported.
    pub(super) tracing: Tracing,
    /// What was asked for and cannot be done.
    pub(super) remarks: Vec<String>,
    settings: ExportSettings,
}

impl Traces {
    /// Looks at the variables of this process and the loaded file. Resolves the headers' secrets, opens no connection.
    pub(super) async fn of(variables: &BTreeMap<String, String>, loaded: &Loaded) -> Self {
        let project = loaded.project.as_ref();
        let telemetry = project.and_then(|project| project.telemetry.as_ref());
        let mut remarks = Vec::new();
        let headers = match project {
            Some(project) => headers(project, &loaded.variables, &mut remarks).await,
            None => Vec::new(),
        };
        let settings = settings(variables, telemetry, &headers);
        remarks.extend(settings.remarks.iter().cloned());
        let unusable = unusable(&settings);
        let exported = settings.traces.is_some() && unusable.is_empty();
        remarks.extend(unusable);
        Self {
            tracing: Tracing {
                parent: started_in(variables),
                exported,
            },
            remarks,
            settings,
        }
    }

    /// Tells whether anything is to be sent.
    pub(super) fn asked(&self) -> bool {
        self.settings.asks()
    }

    /// Hears a session to its end, and sends. The thread that sends is started by the first event of a run or of a session
    /// that goes on: a question answered at once opens no connection for a remark it made.
    pub(super) async fn follow(self, mut notices: Notices, stays: bool) -> Option<Report> {
        let mut fold = Fold::default();
        let mut exporter = None;
        while let Some(notice) = notices.recv().await {
            let Notice::Event(event) = notice else {
                continue;
            };
            if !stays && exporter.is_none() && event.run_id.is_none() {
                continue;
            }
            for signal in fold.take(&event) {
                if exporter.is_none() {
                    match Exporter::start(&self.settings, sender(&self.settings)) {
                        Ok(started) => exporter = Some(started),
                        Err(error) => {
                            tracing::warn!(%error, "traces cannot be sent");
                            return None;
                        }
                    }
                }
                if let Some(exporter) = &exporter {
                    exporter.offer(signal);
                }
            }
        }
        exporter.map(Exporter::finish)
    }
}

/// Resolves the headers of the file. What cannot be resolved leaves its header out, which the receiver may refuse.
async fn headers(
    project: &Project,
    variables: &BTreeMap<String, String>,
    remarks: &mut Vec<String>,
) -> Vec<(String, Secret)> {
    let Some(telemetry) = &project.telemetry else {
        return Vec::new();
    };
    let secrets = ProjectSecrets::new(&project.root, variables.clone());
    let mut headers = Vec::new();
    for (name, value) in &telemetry.headers {
        match value {
            EnvValue::Plain(text) => headers.push((name.clone(), Secret::new(text.clone()))),
            EnvValue::Secret(reference) => match secrets.resolve(reference).await {
                Ok(secret) => headers.push((name.clone(), secret)),
                Err(error) => remarks.push(format!(
                    "traces are sent without the header `{name}`: {error}"
                )),
            },
        }
    }
    headers
}

/// Says who sends.
fn sender(settings: &ExportSettings) -> Sender {
    let version = env!("CARGO_PKG_VERSION");
    let mut resource = settings.resource.clone();
    for (name, value) in [
        ("service.version", version.to_owned()),
        ("telemetry.sdk.name", "nanokit".to_owned()),
        ("telemetry.sdk.language", "rust".to_owned()),
        ("telemetry.sdk.version", version.to_owned()),
        ("os.type", std::env::consts::OS.to_owned()),
        ("process.pid", std::process::id().to_string()),
    ] {
        if !resource.iter().any(|(known, _)| known == name) {
            resource.push((name.to_owned(), value));
        }
    }
    Sender {
        resource,
        version: version.to_owned(),
    }
}

/// Says what was not sent, in one line; `None` when everything arrived.
pub(super) fn said(report: &Report) -> Option<String> {
    let missing = report.lost + report.refused;
    if missing == 0 {
        return None;
    }
    let all = missing + report.sent;
    let why = report.trouble.as_deref().unwrap_or("the queue was full");
    Some(format!(
        "{missing} of {all} spans, records and measures were not sent: {why}"
    ))
}

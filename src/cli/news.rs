//! What changed while a command was awaited, in sentences for whoever hears the screen.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::notice::{Hydrated, Link, Notice};
use crate::domain::lease::{LockRecord, LockReport, LockStatus, Verdict};
use crate::domain::project::project::Project;
use crate::domain::report::DriftReport;
use crate::present::report;
use crate::present::words::count;

/// What was said last, so that nothing is said twice.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    file: Option<(Option<Arc<Project>>, usize)>,
    up: Option<bool>,
    drift: BTreeMap<String, Vec<String>>,
    holder: Option<String>,
    own: u32,
}

impl News {
    /// Begins; runs of this process are its user's own and no news.
    pub(super) fn new(own: u32) -> Self {
        Self {
            own,
            ..Self::default()
        }
    }

    /// Says what the file says now; only what differs from that is news.
    pub(super) fn knows(&mut self, hydrated: &Hydrated) {
        self.file = Some(seen(hydrated));
    }

    /// Takes a notice and returns what there is to say, one line each.
    pub(super) fn hear(&mut self, notice: &Notice) -> Vec<String> {
        match notice {
            Notice::Config(hydrated) => self.file(hydrated),
            Notice::Link(link) => self.link(link),
            Notice::Drift { report, .. } => self.drifted(report),
            Notice::Lock { report, .. } => self.lock(report),
            _ => Vec::new(),
        }
    }

    fn file(&mut self, hydrated: &Hydrated) -> Vec<String> {
        let now = seen(hydrated);
        let before = self.file.replace(now.clone());
        if before.is_none_or(|before| before == now) {
            return Vec::new();
        }
        vec![match &hydrated.project {
            Some(_) => "The project file changed. Type plan to see what that means.".to_owned(),
            None => format!(
                "The project file changed and has {}. Type validate to see where.",
                report::summary(&hydrated.diagnostics)
            ),
        }]
    }

    fn link(&mut self, link: &Link) -> Vec<String> {
        let (up, text) = match link {
            Link::Connecting => return Vec::new(),
            Link::Up(_) => (true, "The platform answers again.".to_owned()),
            Link::Down(why) => (false, format!("The platform does not answer: {why:?}.")),
        };
        let before = self.up.replace(up);
        let news = before.map_or(!up, |before| before != up);
        if news { vec![text] } else { Vec::new() }
    }

    fn drifted(&mut self, report: &DriftReport) -> Vec<String> {
        let now: BTreeMap<String, Vec<String>> = report
            .drifted
            .iter()
            .map(|(address, changes)| {
                let paths = changes.iter().map(|change| change.path.clone());
                (address.to_string(), paths.collect())
            })
            .collect();
        let before = std::mem::replace(&mut self.drift, now);
        let mut lines = Vec::new();
        for (address, paths) in &self.drift {
            if before.get(address) != Some(paths) {
                let fields = count(paths.len(), "field");
                lines.push(format!(
                    "Drift found: {fields} of {address} ({}). Type drift to see it.",
                    paths.join(", ")
                ));
            }
        }
        for address in before.keys() {
            if !self.drift.contains_key(address) {
                lines.push(format!("Drift cleared: {address} is as it was deployed."));
            }
        }
        lines
    }

    fn lock(&mut self, report: &LockReport) -> Vec<String> {
        let held = report.record.as_ref().filter(|record| {
            let gone = matches!(report.verdict, Verdict::Free | Verdict::Dead);
            record.status == LockStatus::Held && !gone && record.holder.pid != self.own
        });
        let now = held.map(|record| record.lock_id.to_string());
        if self.holder == now {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.holder, now);
        match held {
            Some(record) => vec![taken(record)],
            None if before.is_some() => vec!["The lock is free again.".to_owned()],
            None => Vec::new(),
        }
    }
}

fn seen(hydrated: &Hydrated) -> (Option<Arc<Project>>, usize) {
    (hydrated.project.clone(), hydrated.diagnostics.len())
}

fn taken(record: &LockRecord) -> String {
    let who = format!("{}@{}", record.holder.user, record.holder.host);
    match record.occupation.command.as_str() {
        "" => format!("{who} took the lock. Type lock for the evidence."),
        command => {
            format!("{who} began a {command} and holds the lock. Type lock for the evidence.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::diagnostic::Diagnostic;
    use crate::domain::ids::{Address, Digest};
    use crate::domain::plan::model::{Cause, Change};

    fn drift(paths: &[&str]) -> Notice {
        let changes: Vec<Change> = paths
            .iter()
            .map(|path| Change {
                path: (*path).into(),
                instance: None,
                before: None,
                after: None,
                cause: Cause::Drift,
                sensitive: false,
            })
            .collect();
        let drifted = if changes.is_empty() {
            BTreeMap::new()
        } else {
            [(Address::service("api"), changes)].into()
        };
        Notice::Drift {
            ticket: None,
            report: Arc::new(DriftReport {
                drifted,
                changed: Vec::new(),
                strays: Vec::new(),
                digest: Digest::default(),
                ..DriftReport::default()
            }),
        }
    }

    #[test]
    fn each_thing_is_said_once_when_it_comes_and_when_it_goes() {
        let mut news = News::new(1);
        assert_eq!(news.hear(&drift(&[])), Vec::<String>::new());
        assert_eq!(
            news.hear(&drift(&["image"])),
            ["Drift found: 1 field of service.api (image). Type drift to see it."]
        );
        assert_eq!(news.hear(&drift(&["image"])), Vec::<String>::new());
        assert_eq!(
            news.hear(&drift(&[])),
            ["Drift cleared: service.api is as it was deployed."]
        );
    }

    #[test]
    fn the_platform_and_the_file_are_news_when_they_change() {
        let mut news = News::new(1);
        let up = || Notice::Link(Link::Up("docker".into()));
        assert!(news.hear(&up()).is_empty());
        assert!(news.hear(&Notice::Link(Link::Connecting)).is_empty());
        let file = |faults: usize| {
            let fault = Diagnostic::error("unknown-key", "what is this");
            Hydrated {
                project: None,
                layers: Vec::new(),
                diagnostics: vec![fault; faults],
                sources: Arc::default(),
            }
        };
        news.knows(&file(1));
        let heard = |faults| Notice::Config(Arc::new(file(faults)));
        assert!(news.hear(&heard(1)).is_empty(), "as it was");
        assert_eq!(
            news.hear(&heard(2)),
            ["The project file changed and has 2 errors. Type validate to see where."]
        );
        assert!(news.hear(&heard(2)).is_empty());
    }
}

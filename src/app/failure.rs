//! What a front end shows when something did not work: what, where, why, and what to do now.

use std::collections::BTreeMap;

use crate::domain::ids::{Address, ResourceKind};
use crate::domain::lease::{LockReport, Verdict};
use crate::domain::plan::typed::{resume, skip, with_inputs};
use crate::domain::project::procedure::Procedure;
use crate::domain::report::lock::way_out;
use crate::engine::reconcile::EngineError;

/// Kinds of failure; each has one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// Something failed (exit 1).
    Failed,
    /// The configuration is invalid (exit 3).
    InvalidConfig,
    /// The lock is held, or the state conflicts (exit 4).
    Locked,
    /// Refused: destructive without force, no terminal without `-y`, stale plan, unlock not proven (exit 5).
    Refused,
    /// Interrupted (exit 130).
    Interrupted,
}

/// A failure as a front end shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Kind, and so the exit code.
    pub kind: FailureKind,
    /// What it is about (`service.api`, a file), if one thing.
    pub subject: Option<String>,
    /// What failed: a lowercase fragment without a period.
    pub message: String,
    /// Why: the chain of causes, outermost first.
    pub sources: Vec<String>,
    /// Remarks that help.
    pub hints: Vec<String>,
    /// Command to run now.
    pub next: Option<String>,
}

impl Failure {
    /// Starts a failure of that kind.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            subject: None,
            message: message.into(),
            sources: Vec::new(),
            hints: Vec::new(),
            next: None,
        }
    }
    /// Names the next command.
    #[must_use]
    pub fn next(mut self, command: impl Into<String>) -> Self {
        self.next = Some(command.into());
        self
    }
    /// Adds a remark.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }
    /// Adds a cause.
    #[must_use]
    pub fn source(mut self, text: impl Into<String>) -> Self {
        self.sources.push(text.into());
        self
    }
}

impl Failure {
    /// Returns what failed with all its causes, in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let sources = self.sources.iter().map(|source| format!(": {source}"));
        format!("{}{}", self.message, sources.collect::<String>())
    }
    /// Names what it is about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let advice: Vec<String> = error
            .advice()
            .into_iter()
            .flat_map(str::lines)
            .map(str::to_owned)
            .collect();
        let message = error.to_string();
        let sources = causes(&error);
        let mut failure = match error {
            EngineError::Provider(_) => {
                Self::new(FailureKind::Failed, message).next("nkapp doctor")
            }
            EngineError::Absent { deployed: true, .. } => Self::new(FailureKind::Failed, message)
                .hint("it was deployed, and is gone or was never so many")
                .next("nkapp status"),
            EngineError::Absent { .. } => Self::new(FailureKind::Failed, message)
                .hint("it was not deployed yet")
                .next("nkapp deploy"),
            EngineError::Store(_) => Self::new(FailureKind::Failed, message)
                .hint("nothing was changed that is not in the journal")
                .next("nkapp doctor"),
            EngineError::Unsaved {
                kept, also, source, ..
            } => unsaved(message, kept, also.as_deref(), &source),
            EngineError::BadState { location, next, .. } => Self::new(FailureKind::Locked, message)
                .about(location)
                .next(next.unwrap_or_else(|| "nkapp doctor".to_owned())),
            EngineError::Locked(report) => locked(message, &report),
            EngineError::LockLost(_) => Self::new(FailureKind::Locked, message)
                .hint("nothing was started after that; another session may be at work")
                .next("nkapp infra lock"),
            EngineError::StalePlan(_) => Self::new(FailureKind::Refused, message)
                .hint("the world or the file moved since the plan was made")
                .next("nkapp plan"),
            EngineError::NeedsForce(addresses) => {
                let mut failure = Self::new(FailureKind::Refused, message)
                    .hint("with `--force` the data is deleted for good");
                if let [only] = addresses.as_slice() {
                    failure = failure.about(only.to_string());
                }
                failure
            }
            EngineError::Refused(refusal) => {
                let mut failure = Self::new(FailureKind::Refused, message);
                failure.hints = refusal.hints;
                failure.next = refusal.next;
                failure
            }
            EngineError::Invalid(_) => Self::new(FailureKind::Refused, message),
            EngineError::Secret {
                address, source, ..
            } => Self::new(FailureKind::InvalidConfig, message)
                .about(address.to_string())
                .next(source.next()),
            EngineError::StepsFailed { causes, owed, .. } => steps_failed(message, &causes, &owed),
            EngineError::Interrupted => Self::new(FailureKind::Interrupted, message)
                .hint("what was done is recorded; the next deploy goes on from there")
                .next("nkapp deploy"),
        };
        failure.sources.extend(sources);
        failure.hints.extend(advice);
        failure
    }
}

fn unsaved(
    message: String,
    kept: Option<std::path::PathBuf>,
    also: Option<&EngineError>,
    source: &EngineError,
) -> Failure {
    let fenced = matches!(source, EngineError::LockLost(_));
    let kind = if fenced {
        FailureKind::Locked
    } else {
        FailureKind::Failed
    };
    let mut failure = Failure::new(kind, message);
    if let Some(also) = also {
        failure = failure.hint(format!("besides, the run ended badly: {also}"));
        for cause in causes(also) {
            failure = failure.hint(format!("  {cause}"));
        }
    }
    match kept {
        Some(kept) if fenced => failure
            .hint(format!("what this run did is kept in {}", kept.display()))
            .next("nkapp infra lock"),
        Some(kept) => failure
            .hint(format!(
                "what this run did is kept in {}: make room or mend the disk, then bring it back",
                kept.display()
            ))
            .next(format!("nkapp state push {}", kept.display())),
        None => failure
            .hint("no other place took it either; the journal tells the next run what to look for")
            .next("nkapp doctor"),
    }
}

fn causes(error: &EngineError) -> Vec<String> {
    let mut sources = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        sources.push(source.to_string());
        next = source.source();
    }
    sources
}

fn locked(message: String, report: &LockReport) -> Failure {
    let mut failure = Failure::new(FailureKind::Locked, message).about(report.location.clone());
    if let Some(record) = &report.record {
        let doing = match record.occupation.command.as_str() {
            "" => String::new(),
            command => format!(", doing `{command}`"),
        };
        failure = failure.source(format!(
            "held by {}@{} (pid {}){doing}",
            record.holder.user, record.holder.host, record.holder.pid
        ));
    }
    for evidence in &report.evidence {
        failure = failure.hint(format!("{}: {}", evidence.check, evidence.finding));
    }
    if let Some((why, command)) = way_out(report) {
        return failure.hint(why).next(command);
    }
    match report.verdict {
        Verdict::Dead => failure
            .hint("its holder is proven dead, so it can be cleared")
            .next("nkapp infra unlock -y"),
        Verdict::Free | Verdict::Expired | Verdict::Alive | Verdict::Unknown => {
            failure.next("nkapp infra lock")
        }
    }
}

fn steps_failed(
    message: String,
    causes: &[(Address, String)],
    owed: &BTreeMap<Address, Vec<String>>,
) -> Failure {
    let mut failure = Failure::new(FailureKind::Failed, message);
    if let Some((address, cause)) = causes.first() {
        failure = failure.about(address.to_string());
        let name = &address.name;
        let put_back = [Procedure::PUT_BACK, Procedure::PUT_BACK_POST];
        failure = match address.kind {
            ResourceKind::Service => failure.next(format!("nkapp logs {name}")),
            ResourceKind::Procedure if !put_back.contains(&name.as_str()) => {
                let step = cause.split(':').next().unwrap_or("STEP");
                let owed = owed.get(address).map_or(&[][..], Vec::as_slice);
                let goes_past = with_inputs(skip(name, step), owed);
                failure
                    .next(resume(name, owed))
                    .hint(format!("the step is passed over by: {goes_past}"))
                    .hint(format!(
                        "it is given up by: nkapp action run {name} --abort"
                    ))
            }
            ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure => {
                failure.next("nkapp status")
            }
        };
    }
    for (address, cause) in causes {
        failure = failure.source(format!("{address}: {cause}"));
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lease::Evidence;
    use crate::domain::refusal::Refusal;
    use crate::ports::secrets::SecretError;

    fn report(verdict: Verdict) -> Box<LockReport> {
        Box::new(LockReport {
            location: ".nanokit/lock/state.json".into(),
            verdict,
            record: None,
            version: None,
            evidence: vec![Evidence {
                check: "process".into(),
                finding: "pid 7 does not exist".into(),
                alive: Some(false),
            }],
        })
    }

    #[test]
    fn every_error_has_its_kind_and_most_a_next_command() {
        use FailureKind as K;
        let db = Address::volume("db");
        let failed = |address, why: &str| EngineError::StepsFailed {
            failed: 1,
            skipped: 0,
            total: 3,
            causes: vec![(address, why.into())],
            owed: BTreeMap::from([(Address::procedure("turn"), vec!["PIN".to_owned()])]),
        };
        let io = Box::new(std::io::Error::other("disk is full"));
        let bad = EngineError::BadState {
            location: "state.json".into(),
            problem: "not JSON".into(),
            hint: "run `nkapp state rebuild`".into(),
            next: Some("nkapp state rebuild".into()),
        };
        let cases = [
            (EngineError::Store(io), K::Failed, Some("nkapp doctor")),
            (bad, K::Locked, Some("nkapp state rebuild")),
            (
                EngineError::Locked(report(Verdict::Dead)),
                K::Locked,
                Some("nkapp infra unlock -y"),
            ),
            (
                EngineError::Locked(report(Verdict::Alive)),
                K::Locked,
                Some("nkapp infra lock"),
            ),
            (
                EngineError::LockLost("epoch moved".into()),
                K::Locked,
                Some("nkapp infra lock"),
            ),
            (
                EngineError::StalePlan("image moved".into()),
                K::Refused,
                Some("nkapp plan"),
            ),
            (EngineError::NeedsForce(vec![db]), K::Refused, None),
            (
                EngineError::Refused(Refusal::new("there is no action `x`").next("nkapp graph")),
                K::Refused,
                Some("nkapp graph"),
            ),
            (
                EngineError::Invalid("no service `x`".into()),
                K::Refused,
                None,
            ),
            (
                failed(Address::service("api"), "health check failed"),
                K::Failed,
                Some("nkapp logs api"),
            ),
            (
                failed(Address::network("one"), "create: pool overlaps"),
                K::Failed,
                Some("nkapp status"),
            ),
            (
                failed(
                    Address::procedure("move"),
                    "copy: it ended with exit code 1",
                ),
                K::Failed,
                Some("nkapp action run move --resume"),
            ),
            (
                failed(Address::procedure("turn"), "lock: it timed out"),
                K::Failed,
                Some("nkapp action run turn --resume --input PIN=VALUE"),
            ),
            (
                failed(Address::procedure(Procedure::PUT_BACK), "api: gone"),
                K::Failed,
                Some("nkapp status"),
            ),
            (
                EngineError::Interrupted,
                K::Interrupted,
                Some("nkapp deploy"),
            ),
        ];
        for (error, kind, next) in cases {
            let text = error.to_string();
            let failure = Failure::from(error);
            assert_eq!(failure.kind, kind, "{text}");
            assert_eq!(failure.next.as_deref(), next, "{text}");
            assert_eq!(failure.message, text);
        }
    }

    #[test]
    fn a_lock_record_nobody_can_read_is_no_lock_that_is_held() {
        let mut unreadable = report(Verdict::Unknown);
        unreadable.version = Some("0123456789".into());
        let failure = Failure::from(EngineError::Locked(unreadable));
        assert_eq!(failure.message, "the lock record cannot be read");
        let next = failure.next.expect("a command");
        assert!(
            next.starts_with("nkapp infra unlock 0123456789 --force"),
            "{next}"
        );
        let failure = Failure::from(EngineError::Locked(report(Verdict::Unknown)));
        assert!(failure.next.is_some_and(|next| next.starts_with("mv ")));
    }

    #[test]
    fn what_is_missing_names_what_brings_it() {
        let absent = |deployed| EngineError::Absent {
            subject: "service api".into(),
            deployed,
        };
        let secret = EngineError::Secret {
            address: Address::service("api"),
            name: "TOKEN".into(),
            source: SecretError::Unset("SHOP_TOKEN".into()),
        };
        let cases = [
            (absent(true), "nkapp status"),
            (absent(false), "nkapp deploy"),
            (secret, "SHOP_TOKEN=VALUE nkapp plan"),
        ];
        for (error, next) in cases {
            let failure = Failure::from(error);
            assert_eq!(failure.next.as_deref(), Some(next));
        }
    }

    #[test]
    fn causes_and_advice_survive() {
        let failure = Failure::from(EngineError::Store(Box::new(std::io::Error::other(
            "disk is full",
        ))));
        assert_eq!(failure.sources, ["disk is full"]);
        let failure = Failure::from(EngineError::BadState {
            location: "state.json".into(),
            problem: "not JSON".into(),
            hint: "run `nkapp state rebuild`".into(),
            next: Some("nkapp state rebuild".into()),
        });
        assert_eq!(failure.hints, ["run `nkapp state rebuild`"]);
        let failure = Failure::from(EngineError::Locked(report(Verdict::Dead)));
        assert!(failure.hints.iter().any(|h| h.contains("pid 7")));
    }
}

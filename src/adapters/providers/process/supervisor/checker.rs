//! Asking for health at the check's own interval, and judging.

use std::time::Duration;

use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::adapters::providers::process::files::{Ask, Check, Verdict};
use crate::adapters::providers::process::supervisor::life::News;
use crate::adapters::providers::process::{call, probe};
use crate::ports::hooks::CallEnd;

/// Until the first verdict probes come at least this often, so that a quick start is seen at once; a failed one
/// still counts only once per interval.
const EAGER: Duration = Duration::from_millis(250);
/// Most of a probe's output that is kept.
const KEPT: usize = 4 << 10;

/// One probe's result.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) output: String,
    pub(super) exit: Option<i64>,
}

/// The arithmetic of verdicts, apart from the asking.
#[derive(Clone, Debug)]
struct Judge {
    verdict: Verdict,
    failures: u32,
    /// Time since the start of the last failure that counted.
    counted: Duration,
}

impl Judge {
    fn new() -> Self {
        Self {
            verdict: Verdict::Starting,
            failures: 0,
            counted: Duration::ZERO,
        }
    }

    /// Takes one result, `age` after the start.
    fn take(&mut self, check: &Check, healthy: bool, age: Duration) -> Verdict {
        if healthy {
            self.failures = 0;
            self.verdict = Verdict::Healthy;
            return self.verdict;
        }
        let starting = self.verdict == Verdict::Starting;
        let interval = Duration::from_millis(check.interval_ms);
        let spared = age < Duration::from_millis(check.start_period_ms)
            || age.saturating_sub(self.counted) < interval;
        if !(starting && spared) {
            self.counted = age;
            self.failures = self.failures.saturating_add(1);
            if self.failures >= check.retries.max(1) {
                self.verdict = Verdict::Unhealthy;
            }
        }
        self.verdict
    }
}

/// Probes until dropped; every finding that differs from the one before is told.
pub(super) async fn check(
    check: Check,
    id: String,
    folder: std::path::PathBuf,
    news: mpsc::Sender<News>,
) {
    let started = Instant::now();
    let interval = Duration::from_millis(check.interval_ms).max(Duration::from_millis(10));
    let mut judge = Judge::new();
    let mut told = Finding::default();
    for round in 0_u64.. {
        let pause = match judge.verdict {
            Verdict::Starting if round == 0 => interval.min(EAGER / 3),
            Verdict::Starting => interval.min(EAGER),
            Verdict::Healthy | Verdict::Unhealthy => interval,
        };
        sleep(pause).await;
        let (answer, exit) = ask(&check, &format!("{id}-probe-{round}"), &folder).await;
        let verdict = judge.take(&check, answer.is_ok(), started.elapsed());
        let output = match answer {
            Ok(text) | Err(text) => text,
        };
        let finding = Finding {
            verdict,
            output,
            exit,
        };
        if finding != told {
            told = finding.clone();
            if news.send(News::Probed(finding)).await.is_err() {
                return;
            }
        }
    }
}

async fn ask(
    check: &Check,
    mark: &str,
    folder: &std::path::Path,
) -> (Result<String, String>, Option<i64>) {
    let limit = Duration::from_millis(check.timeout_ms).max(Duration::from_millis(10));
    match &check.ask {
        Ask::Tcp { port } => (probe::tcp(*port, limit).await.map(|()| String::new()), None),
        Ask::Http { port, path } => {
            let answer = probe::http(*port, path, limit).await;
            (answer.map(|()| String::new()), None)
        }
        Ask::Command(argv) => command(argv, mark, folder, limit).await,
    }
}

async fn command(
    argv: &[String],
    mark: &str,
    folder: &std::path::Path,
    limit: Duration,
) -> (Result<String, String>, Option<i64>) {
    let Some((program, arguments)) = argv.split_first() else {
        return (Err("the health check has no command".into()), None);
    };
    let mut command = Command::new(program);
    let id = mark.split("-probe-").next().unwrap_or(mark);
    command
        .args(arguments)
        .current_dir(folder)
        .env(crate::adapters::providers::process::tree::MARKER, id);
    let mut output = Vec::new();
    let end = call::run(command, mark, limit, |_, bytes| {
        let room = KEPT.saturating_sub(output.len());
        output.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    })
    .await;
    let text = String::from_utf8_lossy(&output).trim_end().to_owned();
    match end {
        CallEnd::Exited(0) => (Ok(text), Some(0)),
        CallEnd::Exited(code) => (Err(text), Some(code)),
        CallEnd::TimedOut => {
            let millis = limit.as_millis();
            (
                Err(format!("{text}\n(no answer within {millis} ms)")
                    .trim_start()
                    .to_owned()),
                None,
            )
        }
        CallEnd::NotStarted(why) | CallEnd::InstanceGone(why) | CallEnd::Unknown(why) => {
            (Err(why), None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(retries: u32, start_period_ms: u64, results: &[(u64, bool)]) -> Vec<Verdict> {
        let check = Check {
            ask: Ask::Tcp { port: 1 },
            interval_ms: 1000,
            timeout_ms: 1000,
            retries,
            start_period_ms,
        };
        let mut judge = Judge::new();
        results
            .iter()
            .map(|(age, healthy)| judge.take(&check, *healthy, Duration::from_millis(*age)))
            .collect()
    }

    #[test]
    fn failures_count_once_per_interval_until_the_first_verdict() {
        use Verdict::{Healthy, Starting, Unhealthy};
        let eager = [(100, false), (400, false), (900, false), (1000, false)];
        assert_eq!(
            verdicts(2, 0, &eager),
            [Starting, Starting, Starting, Starting]
        );
        let slow = [(1000, false), (1300, false), (2000, false)];
        assert_eq!(verdicts(2, 0, &slow), [Starting, Starting, Unhealthy]);
        assert_eq!(verdicts(1, 5000, &slow), [Starting, Starting, Starting]);
        let late = [(100, true), (1100, false), (2100, false), (3100, true)];
        assert_eq!(
            verdicts(2, 5000, &late),
            [Healthy, Healthy, Unhealthy, Healthy]
        );
        assert_eq!(verdicts(0, 0, &slow)[0], Unhealthy);
    }
}

//! The fold, told by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::event::{Event, EventKind, RunOutcome, Stage, StepOutcome, Stream};
use crate::domain::ids::{
    Address, Digest, EnvName, PlanId, ProjectName, RunId, Scope, SpanId, StepId, TraceId,
};
use crate::domain::plan::model::{ActionKind, Plan, Purpose};
use crate::domain::time::Wall;
use crate::domain::trace::fold::Fold;
use crate::domain::trace::id::{RunTrace, Subject, TraceOfRun, TraceParent, Tracing};
use crate::domain::trace::meter::{Amount, Measure, Metric};
use crate::domain::trace::settings::{settings, started_in};
use crate::domain::trace::span::{Link, LogRecord, Signal, Span, SpanStatus};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A run told line by line; the clock goes on by 10 ms with each.
struct Told {
    fold: Fold,
    now: i64,
    spans: Vec<Span>,
    logs: Vec<LogRecord>,
    measures: Vec<Measure>,
}

fn empty_plan() -> Plan {
    Plan {
        id: PlanId::new("p1"),
        purpose: Purpose::Act,
        scope: Scope {
            project: ProjectName::parse("shop").unwrap(),
            env: EnvName::parse("local").unwrap(),
            component: None,
        },
        targets: std::collections::BTreeSet::new(),
        lineage: None,
        serial: None,
        config_hash: Digest::default(),
        engine: "e".into(),
        layers: Vec::new(),
        actions: Vec::new(),
        warnings: Vec::new(),
    }
}

fn of(run: &str) -> TraceOfRun {
    TraceOfRun {
        trace: TraceId::new(TRACE),
        run: RunId::new(run),
    }
}

impl Told {
    fn begun() -> Self {
        let mut told = Self {
            fold: Fold::default(),
            now: 0,
            spans: Vec::new(),
            logs: Vec::new(),
            measures: Vec::new(),
        };
        told.say(
            None,
            EventKind::RunStarted {
                command: "deploy".into(),
                who: "u@h".into(),
                trace_id: TraceId::new(TRACE),
                parent: None,
                plan_id: None,
                origin: crate::domain::event::Origin::default(),
            },
        );
        for stage in [Stage::Lock, Stage::Execute] {
            told.say(None, EventKind::StageStarted { stage });
        }
        told
    }

    fn say(&mut self, about: Option<(&str, &str, Option<u32>)>, kind: EventKind) {
        self.now += 10;
        let event = Event {
            at: Wall(self.now),
            run_id: Some(RunId::new("r1")),
            seq: 0,
            address: about.map(|(service, ..)| Address::service(service)),
            step: about
                .filter(|(_, step, _)| !step.is_empty())
                .map(|(service, step, _)| StepId::new(format!("service.{service}[0]/{step}"))),
            attempt: about.and_then(|(.., attempt)| attempt),
            kind,
        };
        for signal in self.fold.take(&event) {
            match signal {
                Signal::Span(span) => self.spans.push(*span),
                Signal::Log(record) => self.logs.push(*record),
                Signal::Measures(measures) => self.measures.extend(measures),
            }
        }
    }

    fn layer(&mut self, layer: usize, services: &[&str]) {
        let addresses = services.iter().map(|name| Address::service(name)).collect();
        self.say(None, EventKind::LayerStarted { layer, addresses });
    }

    fn starts(&mut self, service: &str) {
        let started = EventKind::ActionStarted {
            kind: ActionKind::Create,
            reason: "not deployed yet".into(),
        };
        self.say(Some((service, "", None)), started);
    }

    fn attempt(&mut self, service: &str, step: &str, attempt: u32, outcome: StepOutcome) {
        let about = Some((service, step, Some(attempt)));
        self.say(about, EventKind::StepQueued { waits_for: vec![] });
        self.say(about, EventKind::StepStarted);
        self.say(
            about,
            EventKind::StepFinished {
                outcome,
                exit_code: (outcome == StepOutcome::Failed).then_some(3),
                duration: Duration::from_millis(10),
                log: None,
                message: (outcome == StepOutcome::Failed).then(|| "it broke\nits tail".to_owned()),
            },
        );
    }

    fn ends(&mut self, service: &str, outcome: StepOutcome, blame: Option<&str>) {
        let finished = EventKind::ActionFinished {
            outcome,
            duration: Duration::from_millis(20),
            blame: blame.map(Address::service),
            message: None,
        };
        self.say(Some((service, "", None)), finished);
    }

    fn finishes(&mut self, outcome: RunOutcome) {
        let finished = EventKind::RunFinished {
            outcome,
            exit_code: 0,
            duration: Duration::from_secs(1),
            message: None,
            warnings: 0,
            forecast: None,
        };
        self.say(None, finished);
    }

    /// Draws the tree: two spaces a level, siblings by their beginning.
    fn tree(&self) -> String {
        let mut below: BTreeMap<Option<&SpanId>, Vec<&Span>> = BTreeMap::new();
        for span in &self.spans {
            below.entry(span.parent.as_ref()).or_default().push(span);
        }
        let mut text = String::new();
        draw(&below, None, 0, &mut text);
        text
    }

    fn span(&self, name: &str) -> &Span {
        self.spans
            .iter()
            .find(|span| span.name == name)
            .expect(name)
    }
}

fn draw(
    below: &BTreeMap<Option<&SpanId>, Vec<&Span>>,
    above: Option<&SpanId>,
    depth: usize,
    text: &mut String,
) {
    let mut here = below.get(&above).cloned().unwrap_or_default();
    here.sort_by_key(|span| (span.start, span.end, span.name.clone()));
    for span in here {
        let status = match &span.status {
            SpanStatus::Unset => "-".to_owned(),
            SpanStatus::Ok => "ok".to_owned(),
            SpanStatus::Error(why) => format!("error {why}").trim_end().to_owned(),
        };
        text.push_str(&format!(
            "{:indent$}{} {}..{} {status}\n",
            "",
            span.name,
            span.start.0,
            span.end.0,
            indent = depth * 2
        ));
        draw(below, Some(&span.id), depth + 1, text);
    }
}

fn whole() -> Told {
    let mut told = Told::begun();
    told.layer(0, &["db"]);
    told.starts("db");
    told.attempt("db", "start", 1, StepOutcome::Failed);
    told.attempt("db", "start", 2, StepOutcome::Done);
    told.ends("db", StepOutcome::Done, None);
    told.layer(1, &["api", "web"]);
    told.starts("api");
    told.attempt("api", "create", 1, StepOutcome::Failed);
    told.ends("api", StepOutcome::Failed, None);
    told.ends("web", StepOutcome::Skipped, Some("api"));
    told.finishes(RunOutcome::Failed);
    told
}

#[test]
fn a_run_is_a_tree_of_stages_layers_actions_steps_and_attempts() {
    insta::assert_snapshot!(whole().tree(), @r"
    nkapp deploy 10..200 error
      stage lock 20..30 -
      stage execute 30..200 -
        layer 0 40..120 -
          service.db 50..120 ok
            service.db[0]/start 70..110 ok
              attempt 1 70..80 error it broke
              attempt 2 100..110 ok
        layer 1 130..190 -
          service.api 140..180 error
            service.api[0]/create 160..170 error it broke
              attempt 1 160..170 error it broke
          service.web 170..190 -
    ");
}

#[test]
fn a_skip_is_linked_to_what_it_is_blamed_on() {
    let told = whole();
    assert_eq!(
        told.span("service.web").links,
        [Link {
            trace: TraceId::new(TRACE),
            span: told.span("service.api").id.clone(),
        }]
    );
}

#[test]
fn a_run_that_goes_on_with_a_procedure_is_linked_to_the_run_before() {
    let mut told = Told::begun();
    let before = TraceOfRun {
        trace: TraceId::new("0af7651916cd43dd8448eb211c80319c"),
        run: RunId::new("r0"),
    };
    let plan = EventKind::PlanMade {
        plan: std::sync::Arc::new(empty_plan()),
        prediction: None,
        resumes: vec![crate::domain::flow::FlowRun {
            run: before.run.clone(),
            trace: before.trace.clone(),
        }],
    };
    told.say(None, plan);
    told.finishes(RunOutcome::Ok);
    let link = Link {
        span: before.span(Subject::Run),
        trace: before.trace,
    };
    assert_eq!(told.span("nkapp deploy").links, [link]);
}

#[test]
fn a_run_that_was_cut_off_is_told_as_far_as_it_came() {
    let mut told = Told::begun();
    told.layer(0, &["db"]);
    told.starts("db");
    told.say(Some(("db", "start", Some(1))), EventKind::StepStarted);
    told.finishes(RunOutcome::Cancelled);
    insta::assert_snapshot!(told.tree(), @r"
    nkapp deploy 10..70 -
      stage lock 20..30 -
      stage execute 30..70 -
        layer 0 40..70 -
          service.db 50..70 error its end was never told
            service.db[0]/start 60..70 error
              attempt 1 60..70 error
    ");
}

#[test]
fn what_was_counted_is_told_at_the_end() {
    let told = whole();
    let count = |metric: Metric| -> u64 {
        let of = told.measures.iter().filter(|m| m.metric == metric);
        of.map(|measure| match &measure.amount {
            Amount::Sum(sum) => *sum,
            Amount::Spread(spread) => {
                assert_eq!(spread.buckets.iter().sum::<u64>(), spread.count);
                spread.count
            }
        })
        .sum()
    };
    assert_eq!(count(Metric::StepDuration), 3);
    assert_eq!(count(Metric::Retries), 1);
    assert_eq!(count(Metric::LockWait), 1);
    assert_eq!(count(Metric::Runs), 1);
}

#[test]
fn a_line_of_output_belongs_to_the_attempt_that_said_it() {
    let mut told = Told::begun();
    let line = EventKind::Log {
        stream: Stream::Stdout,
        text: "\u{1b}[31mhello\u{1b}[0m".into(),
    };
    told.say(Some(("db", "start", Some(2))), line);
    let step = StepId::new("service.db[0]/start");
    let record = told.logs.first().expect("a record");
    assert_eq!(record.text, "hello");
    let span = of("r1").span(Subject::Attempt(&step, 2));
    assert_eq!(record.span, Some((TraceId::new(TRACE), span)));
}

#[test]
fn ids_follow_from_the_run_alone() {
    let step = StepId::new("service.db[0]/start");
    let id = of("r1").span(Subject::Attempt(&step, 1));
    assert_eq!(id, of("r1").span(Subject::Attempt(&step, 1)));
    assert_ne!(id, of("r2").span(Subject::Attempt(&step, 1)));
    assert_ne!(id, of("r1").span(Subject::Attempt(&step, 2)));
    assert_eq!(id.as_str().len(), 16);
}

#[test]
fn a_context_is_read_as_the_standard_says() {
    let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let read = TraceParent::parse(&good).expect("good");
    assert!(read.sampled);
    assert_eq!(read.to_string(), good);
    // A later version may say more behind it.
    assert!(TraceParent::parse(&format!("01-{TRACE}-00f067aa0ba902b7-01-more")).is_some());
    for bad in [
        String::new(),
        format!("ff-{TRACE}-00f067aa0ba902b7-01"),
        format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
        format!("00-{TRACE}-0000000000000000-01"),
        format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
        format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-00f067aa0ba902b7"),
        "00-ä-00f067aa0ba902b7-01".to_owned(),
    ] {
        assert_eq!(TraceParent::parse(&bad), None, "{bad}");
    }
}

#[test]
fn what_is_started_hears_of_a_parent_that_arrives() {
    let step = StepId::new("service.db[0]/start");
    let above = TraceParent::parse(&format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let context = |exported: bool, parent: Option<TraceParent>| {
        let tracing = Tracing { parent, exported };
        RunTrace {
            of: of("r1"),
            tracing,
        }
        .context(&step, 1)
    };
    let own = of("r1").span(Subject::Attempt(&step, 1));
    assert_eq!(context(true, above.clone()).map(|c| c.span), Some(own));
    assert_eq!(context(false, above.clone()), above);
    assert_eq!(context(false, None), None);
}

#[test]
fn the_variables_of_the_specification_are_read() {
    let read = |pairs: &[(&str, &str)]| {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        settings(&pairs.iter().map(pair).collect(), None, &[])
    };
    let all = "OTEL_EXPORTER_OTLP_ENDPOINT";
    assert!(!read(&[]).asks());
    assert!(!read(&[(all, "")]).asks());
    let plain = read(&[(all, "http://c:4318/base/")]);
    let url = |endpoint: &Option<crate::domain::trace::settings::Endpoint>| {
        endpoint.as_ref().map(|endpoint| endpoint.url.clone())
    };
    assert_eq!(
        url(&plain.traces).as_deref(),
        Some("http://c:4318/base/v1/traces")
    );
    assert_eq!(
        url(&plain.logs).as_deref(),
        Some("http://c:4318/base/v1/logs")
    );
    let own = read(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/x")]);
    assert_eq!(url(&own.traces).as_deref(), Some("http://c/x"));
    assert_eq!(own.logs, None);
    let grpc = read(&[
        (all, "http://c:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    assert_eq!(url(&grpc.metrics).as_deref(), Some("http://c:4317"));
    let headers = read(&[
        (all, "http://c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Api-Key=a%20b%2, team=x"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,service.name=given"),
    ]);
    let traces = headers.traces.expect("an endpoint");
    let texts: Vec<(&str, &str)> = traces
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect();
    assert_eq!(texts, [("api-key", "a b%2"), ("team", "x")]);
    assert_eq!(traces.timeout, Duration::from_millis(250));
    assert_eq!(headers.resource[0], ("service.name".into(), "given".into()));
    assert!(!read(&[(all, "http://c"), ("OTEL_SDK_DISABLED", "TRUE")]).asks());
    assert_eq!(
        read(&[(all, "http://c"), ("OTEL_TRACES_EXPORTER", "none")]).traces,
        None
    );
    let strange = read(&[
        (all, "http://c"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
    ]);
    assert!(!strange.asks());
    assert_eq!(strange.remarks.len(), 1);
}

#[test]
fn who_started_us_unsampled_is_followed() {
    let above = format!("00-{TRACE}-00f067aa0ba902b7-00");
    let variables = BTreeMap::from([
        ("TRACEPARENT".to_owned(), above),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
            "http://c".to_owned(),
        ),
    ]);
    assert!(started_in(&variables).is_some());
    let settings = settings(&variables, None, &[]);
    assert_eq!(settings.traces, None);
    assert!(settings.logs.is_some());
}

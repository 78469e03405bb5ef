//! Where traces go: the variables of the OpenTelemetry specification over what the project file says.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::project::telemetry::{Protocol, Telemetry};
use crate::domain::secret::Secret;
use crate::domain::trace::id::TraceParent;

/// How long one request may take when nothing is said.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time one request may be given.
const LONGEST: Duration = Duration::from_secs(60);

/// Where one kind of signal goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The whole address for HTTP; scheme, host and port for gRPC.
    pub url: String,
    /// How.
    pub protocol: Protocol,
    /// Headers of every request; their values are nobody's business.
    pub headers: Vec<(String, Secret)>,
    /// Longest time one request may take.
    pub timeout: Duration,
}

/// Where everything goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportSettings {
    /// Spans.
    pub traces: Option<Endpoint>,
    /// Log records.
    pub logs: Option<Endpoint>,
    /// Measures.
    pub metrics: Option<Endpoint>,
    /// Attributes of whoever sends, `service.name` first.
    pub resource: Vec<(String, String)>,
    /// What was asked for and cannot be done, in words for people.
    pub remarks: Vec<String>,
}

impl ExportSettings {
    /// Tells whether anything goes anywhere.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.traces.is_some() || self.logs.is_some() || self.metrics.is_some()
    }
}

/// Variables of this process; an empty one counts as absent.
struct Variables<'a>(&'a BTreeMap<String, String>);

impl<'a> Variables<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// Returns the variable for one signal, else the one for all.
    fn of(&self, signal: &str, what: &str) -> Option<&'a str> {
        self.get(&format!("OTEL_EXPORTER_OTLP_{signal}_{what}"))
            .or_else(|| self.get(&format!("OTEL_EXPORTER_OTLP_{what}")))
    }
}

/// Returns the span this process was started in, if whoever started us says so.
#[must_use]
pub fn started_in(variables: &BTreeMap<String, String>) -> Option<TraceParent> {
    TraceParent::parse(Variables(variables).get("TRACEPARENT")?)
}

/// Reads the settings; `headers` are those of the file, resolved.
#[must_use]
pub fn settings(
    variables: &BTreeMap<String, String>,
    file: Option<&Telemetry>,
    headers: &[(String, Secret)],
) -> ExportSettings {
    let env = Variables(variables);
    let mut found = ExportSettings::default();
    let off = |name: &str| {
        env.get(name)
            .is_some_and(|v| v.eq_ignore_ascii_case("true"))
    };
    // Who started us decides whether this trace is recorded.
    let unsampled = started_in(variables).is_some_and(|parent| !parent.sampled);
    if off("OTEL_SDK_DISABLED") {
        return found;
    }
    let mut read = |signal, path| {
        let exporter = env.get(&format!("OTEL_{signal}_EXPORTER"));
        if !exporter.is_none_or(|names| names.split(',').any(|name| name.trim() == "otlp")) {
            return None;
        }
        endpoint(&env, (signal, path), file, headers, &mut found.remarks)
    };
    let traces = read("TRACES", "/v1/traces");
    let logs = read("LOGS", "/v1/logs");
    let metrics = read("METRICS", "/v1/metrics");
    found.traces = traces.filter(|_| !unsampled);
    found.logs = logs;
    found.metrics = metrics;
    found.resource = resource(&env);
    found.remarks.dedup();
    found
}

fn endpoint(
    env: &Variables<'_>,
    (signal, path): (&str, &str),
    file: Option<&Telemetry>,
    headers: &[(String, Secret)],
    remarks: &mut Vec<String>,
) -> Option<Endpoint> {
    let protocol = match env.of(signal, "PROTOCOL") {
        None => file.and_then(|file| file.protocol).unwrap_or_default(),
        Some(word) => match Protocol::read(word) {
            Some(protocol) => protocol,
            None => {
                remarks.push(format!(
                    "traces are not sent: the protocol `{word}` is not spoken, only `grpc` and `http/protobuf`"
                ));
                return None;
            }
        },
    };
    let own = env.get(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"));
    let all = env.get("OTEL_EXPORTER_OTLP_ENDPOINT");
    let all = all.or(file.map(|file| file.endpoint.as_str()));
    let url = match (own, all, protocol) {
        (Some(own), _, _) => own.to_owned(),
        (None, Some(all), Protocol::Grpc) => all.to_owned(),
        (None, Some(all), Protocol::Http) => format!("{}{path}", all.trim_end_matches('/')),
        (None, None, _) => return None,
    };
    let mut given: Vec<(String, Secret)> = headers.to_vec();
    for (name, value) in pairs(env.of(signal, "HEADERS").unwrap_or_default()) {
        given.retain(|(other, _)| *other != name.to_lowercase());
        given.push((name.to_lowercase(), Secret::new(value)));
    }
    let timeout = env.of(signal, "TIMEOUT").and_then(|text| text.parse().ok());
    let timeout = timeout.map_or(TIMEOUT, Duration::from_millis).min(LONGEST);
    Some(Endpoint {
        url,
        protocol,
        headers: given,
        timeout,
    })
}

/// Says who sends: `service.name` is `OTEL_SERVICE_NAME`, else the one among the attributes, else `nanokit`.
fn resource(env: &Variables<'_>) -> Vec<(String, String)> {
    let mut given = pairs(env.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
    let among = given.iter().position(|(name, _)| name == "service.name");
    let among = among.map(|at| given.remove(at).1);
    let name = env.get("OTEL_SERVICE_NAME").map(str::to_owned);
    let name = name.or(among).unwrap_or_else(|| "nanokit".to_owned());
    given.insert(0, ("service.name".to_owned(), name));
    given
}

/// Reads `a=1,b=two%20words`.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let name = name.trim();
        (!name.is_empty()).then(|| (name.to_owned(), unescaped(value.trim())))
    };
    text.split(',').filter_map(pair).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let two = after.get(..2);
        if let Some(byte) = two.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(b'%');
            rest = after;
        }
    }
    bytes.extend(rest.bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

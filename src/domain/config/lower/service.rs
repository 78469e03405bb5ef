//! One service: what is not the concern of a file of its own.

use crate::domain::config::infer::built_in;
use crate::domain::config::lower::pairs::{check_twice, pairs};
use crate::domain::config::lower::runtime::Written;
use crate::domain::config::lower::{Lower, build, env, health, hooks, links, mounts, provisioning};
use crate::domain::config::scalar;
use crate::domain::config::table::{RUNTIME, SERVICE};
use crate::domain::config::tree::{Kind, Node};
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::project::project::{Origin, ProviderKind};
use crate::domain::project::service::{Scale, Service, ServiceKind, UpdateStrategy};

/// Lowers one service.
pub(crate) fn service(lower: &mut Lower<'_>, written: &Written<'_>) -> Service {
    let mut service = Service::named(written.name);
    service.runtime.clone_from(&written.runtime);
    service.kind = match written.text("kind") {
        Some("job") => ServiceKind::Job,
        _ => ServiceKind::Service,
    };
    origins(lower, written);
    commands(lower, written, &mut service);
    ports(written, &mut service);
    replicas(lower, written, &mut service);
    limits(written, &mut service);
    texts(lower, written, &mut service);
    mounts::mounts(lower, written, &mut service);
    service.build = build::build(lower, written);
    image(lower, written, &mut service);
    service.env = env::variables(lower, written);
    service.networks = links::networks(lower, written);
    service.depends_on = links::dependencies(lower, written);
    service.healthcheck = health::health(lower, written, &service);
    service.hooks = hooks::hooks(lower, written);
    service.provisioning = provisioning::provisioning(lower, written, &service);
    runnable(lower, written, &service);
    service
}

/// Remembers where the effective values come from.
fn origins(lower: &mut Lower<'_>, written: &Written<'_>) {
    for key in SERVICE.names() {
        let origin = match (written.get(key), written.inherited(key)) {
            (Some(node), _) => Origin::File(node.span),
            (None, Some(node)) => Origin::Runtime(node.span),
            (None, None) => Origin::Default,
        };
        // A default is worth a line only where it has a value.
        let told = matches!(
            key,
            "instances" | "updateStrategy" | "restart" | "kind" | "networks" | "stop_grace_period"
        );
        if origin != Origin::Default || told {
            lower.origins.insert(written.path(key), origin);
        }
    }
    debug_assert!(RUNTIME.names().all(|key| SERVICE.key(key).is_some()));
}

fn commands(lower: &mut Lower<'_>, written: &Written<'_>, service: &mut Service) {
    service.command = command(lower, written, "start");
    service.entrypoint = command(lower, written, "entrypoint");
}

fn command(lower: &mut Lower<'_>, written: &Written<'_>, key: &str) -> Option<Vec<String>> {
    let node = written.get(key)?;
    let argv = match &node.kind {
        Kind::Scalar(scalar) => vec!["/bin/sh".to_owned(), "-c".to_owned(), scalar.text.clone()],
        Kind::List(_) => texts_of(node),
        Kind::Map(_) => return None,
    };
    let empty = argv.is_empty() || node.text().is_some_and(|text| text.trim().is_empty());
    if empty || argv.first().is_some_and(String::is_empty) {
        lower.error(
            "NK0204",
            format!("`{}` is an empty command", written.path(key)),
            node.span,
            "nothing to run",
        );
        return None;
    }
    Some(argv)
}

/// Returns the texts of a list, or the one text.
pub(crate) fn texts_of(node: &Node) -> Vec<String> {
    match node.list() {
        Some(list) => list
            .iter()
            .filter_map(Node::text)
            .map(str::to_owned)
            .collect(),
        None => node.text().map(str::to_owned).into_iter().collect(),
    }
}

fn ports(written: &Written<'_>, service: &mut Service) {
    service.port = written.text("port").and_then(scalar::port);
    service.expose = written
        .text("expose")
        .and_then(scalar::port)
        .or(service.port);
}

fn replicas(lower: &mut Lower<'_>, written: &Written<'_>, service: &mut Service) {
    let scale = written.get("scale");
    let bound = |key| {
        scale
            .and_then(|scale| scale.text_of(key))
            .and_then(scalar::small)
    };
    service.scale = Scale {
        min: bound("min"),
        max: bound("max"),
        cpu_threshold: scale
            .and_then(|s| s.text_of("cpu_threshold"))
            .and_then(scalar::percent),
    };
    let (min, max) = (service.scale.min, service.scale.max);
    if let (Some(least), Some(most), Some(node)) = (min, max, scale)
        && least > most
    {
        let text = format!(
            "`{}`: `min` {least} is more than `max` {most}",
            written.path("scale")
        );
        lower.error("NK0204", text, node.span, "no number of replicas fits");
    }
    let wanted = written.text("instances").and_then(scalar::small);
    service.instances = match wanted {
        Some(0) => 0,
        wanted => {
            let wanted = wanted.unwrap_or(1).max(min.unwrap_or(0));
            max.map_or(wanted, |max| wanted.min(max))
        }
    };
    if service.instances > 1000 {
        let span = written
            .get("instances")
            .or(scale)
            .map_or(written.key, |node| node.span);
        let text = format!("`{}` asks for {} replicas", written.name, service.instances);
        lower.error("NK0204", text, span, "at most 1000");
        service.instances = 1;
    }
    service.update_strategy = match written.text("updateStrategy") {
        Some("rolling") => UpdateStrategy::Rolling,
        _ => UpdateStrategy::Recreate,
    };
}

fn limits(written: &Written<'_>, service: &mut Service) {
    service.cpu_millis = written.text("cpu").and_then(scalar::cpu_millis);
    service.memory_bytes = written.text("memory").and_then(scalar::memory_bytes);
    service.restart = written
        .text("restart")
        .and_then(scalar::restart)
        .unwrap_or_default();
    let grace = written.text("stop_grace_period").and_then(scalar::duration);
    service.stop_grace = grace.unwrap_or(Service::STOP_GRACE);
}

fn texts(lower: &mut Lower<'_>, written: &Written<'_>, service: &mut Service) {
    service.user = written.text("user").map(str::to_owned);
    service.stop_signal = written.text("stop_signal").map(str::to_owned);
    if let (Some(signal), Some(node)) = (&service.stop_signal, written.get("stop_signal"))
        && !is_signal(signal)
    {
        let text = format!(
            "`{}` must be a signal such as `SIGTERM`",
            written.path("stop_signal")
        );
        lower.error("NK0204", text, node.span, "not a signal");
    }
    service.hosts = written.get("host").map(texts_of).unwrap_or_default();
    let parts = service
        .hosts
        .iter()
        .flat_map(|text| text.split(','))
        .map(str::trim);
    service.hosts = parts
        .filter(|host| !host.is_empty())
        .map(str::to_owned)
        .collect();
    if let (Some(bad), Some(node)) = (
        service.hosts.iter().find(|host| !is_host(host)),
        written.get("host"),
    ) {
        let text = format!("`{}` is not a domain", brief(bad));
        lower.error(
            "NK0204",
            text,
            node.span,
            "domains, comma-separated, without scheme or path",
        );
    }
    if let Some(node) = written.get("labels") {
        let path = written.path("labels");
        let labels = pairs(lower, node, &path);
        check_twice(lower, &labels, &path);
        for label in labels {
            if label.name.starts_with("nk-") {
                let text = format!("the label `{}` is nanokit's own", brief(&label.name));
                lower.error(
                    "NK0425",
                    text,
                    label.span,
                    "labels starting with `nk-` are reserved",
                );
            }
            service
                .labels
                .insert(label.name, label.value.unwrap_or_default());
        }
    }
}

fn is_signal(text: &str) -> bool {
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let named = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || "+-".contains(c));
    named
        && (name.starts_with(|c: char| c.is_ascii_uppercase())
            || scalar::small(name).is_some_and(|n| (1..=64).contains(&n)))
}

fn is_host(text: &str) -> bool {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// Settles the image: the service's, else what `build` makes, else the runtime's, else the built-in one.
fn image(lower: &mut Lower<'_>, written: &Written<'_>, service: &mut Service) {
    let inherited = || {
        let declared = written.inherited("image").and_then(Node::text);
        let fallback = || {
            written
                .runtime
                .as_deref()
                .and_then(built_in)
                .map(|runtime| runtime.image)
        };
        declared.or_else(fallback).map(str::to_owned)
    };
    service.image = match (written.text("image"), &service.build) {
        (Some(image), _) => Some(image.to_owned()),
        (None, Some(_)) => None,
        // Host processes have no use for an image nobody wrote down.
        (None, None) if lower.provider == Some(ProviderKind::Process) => None,
        (None, None) if written.get("build").is_some() => None,
        (None, None) => inherited(),
    };
    let span = written
        .get("image")
        .or(written.inherited("image"))
        .map(|node| node.span);
    if let (Some(image), Some(span)) = (&service.image, span)
        && (image.is_empty() || image.chars().any(|c| c.is_whitespace() || c.is_control()))
    {
        lower.error(
            "NK0204",
            format!("`{}` must be the name of an image", written.path("image")),
            span,
            "not a name",
        );
    }
}

/// Checks that there is something to run.
fn runnable(lower: &mut Lower<'_>, written: &Written<'_>, service: &Service) {
    let has_image = service.image.is_some() || service.build.is_some();
    let has_command = service.command.is_some() || service.entrypoint.is_some();
    // What is misspelt or of a wrong type was told already, and may be just what is missing here.
    let refused = written.get("image").is_some()
        || (written.get("build").is_some() && written.text("build") != Some("false"))
        || (written.get("runtime").is_some() && written.runtime.is_none());
    let finding = match lower.provider {
        Some(ProviderKind::Process) if !has_command && written.get("start").is_none() => {
            let text = format!(
                "`{}` has no `start`, which a host process needs",
                written.name
            );
            Diagnostic::error("NK0413", text)
                .at(written.key, "nothing to run")
                .help("add `start: COMMAND`")
        }
        Some(ProviderKind::Docker) if !has_image && !refused => no_image(written),
        None if !has_image && !has_command && !refused => no_image(written),
        Some(ProviderKind::Docker | ProviderKind::Process) | None => return,
    };
    if !written.is_odd() {
        lower.findings.push(finding);
    }
}

fn no_image(written: &Written<'_>) -> Diagnostic {
    let finding = Diagnostic::error(
        "NK0413",
        format!(
            "`{}` has neither `image` nor `build`, and no runtime gives one",
            written.name
        ),
    )
    .at(written.key, "nothing to run");
    match (&written.runtime, written.text("path")) {
        (Some(runtime), _) => finding.help(format!(
            "add `image` to the service or to `runtimes.{runtime}`"
        )),
        (None, Some(path)) => finding.help(format!(
            "no runtime was recognised in `{}`; add `image: NAME`",
            brief(path)
        )),
        (None, None) => finding.help("add `image: NAME`"),
    }
}

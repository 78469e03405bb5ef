//! Hooks: a shell line, a list of arguments, a mapping, or a list of mappings.

use crate::domain::config::lower::Lower;
use crate::domain::config::lower::runtime::Written;
use crate::domain::config::lower::service::texts_of;
use crate::domain::config::scalar;
use crate::domain::config::tree::{Kind, Node};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::project::hook::{Hook, HookCommand, HookPhase, HookPlace, Hooks, OnFailure};

/// What a phase means when the file does not say.
#[derive(Clone, Copy)]
struct Defaults {
    place: HookPlace,
    on_failure: OnFailure,
    /// The place is given by the key (`prestart: { host: … }`), so `where` may not differ.
    fixed: bool,
}

fn defaults(phase: HookPhase) -> Defaults {
    let (place, on_failure) = match phase {
        HookPhase::Prestart => (HookPlace::Container, OnFailure::Fail),
        HookPhase::Poststart | HookPhase::Poststop => (HookPlace::Host, OnFailure::Warn),
        HookPhase::Prestop => (HookPlace::Container, OnFailure::Warn),
    };
    Defaults {
        place,
        on_failure,
        fixed: false,
    }
}

/// Reads the hooks of a service.
pub(crate) fn hooks(lower: &mut Lower<'_>, written: &Written<'_>) -> Hooks {
    let mut hooks = Hooks::default();
    let Some(node) = written.get("hooks") else {
        return hooks;
    };
    for hook in prestart(lower, written, node) {
        match hook.place {
            HookPlace::Host => hooks.prestart_host.push(hook),
            HookPlace::Container => hooks.prestart_container.push(hook),
        }
    }
    hooks.poststart = phase(lower, written, (node, HookPhase::Poststart));
    hooks.prestop = phase(lower, written, (node, HookPhase::Prestop));
    hooks.poststop = phase(lower, written, (node, HookPhase::Poststop));
    if let Some(hook) = hooks
        .poststop
        .iter()
        .find(|hook| hook.place == HookPlace::Container)
    {
        let span = node.get("poststop").map_or(node.span, |node| node.span);
        let text = format!(
            "`{}` runs `{}` in a container that is gone",
            written.path("hooks.poststop"),
            hook.command.line()
        );
        lower.error("NK0204", text, span, "use `prestop`, or run it on the host");
    }
    hooks
}

fn phase(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    (hooks, phase): (&Node, HookPhase),
) -> Vec<Hook> {
    let path = written.path(&format!("hooks.{}", phase.as_str()));
    match hooks.get(phase.as_str()) {
        Some(node) => read(lower, &path, (node, defaults(phase))),
        None => Vec::new(),
    }
}

fn prestart(lower: &mut Lower<'_>, written: &Written<'_>, hooks: &Node) -> Vec<Hook> {
    let Some(node) = hooks.get("prestart") else {
        return Vec::new();
    };
    let path = written.path("hooks.prestart");
    let defaults = defaults(HookPhase::Prestart);
    let sides = [
        ("host", HookPlace::Host),
        ("container", HookPlace::Container),
    ];
    if !sides
        .iter()
        .any(|(side, _)| node.map().is_some_and(|map| map.contains_key(*side)))
    {
        return read(lower, &path, (node, defaults));
    }
    let mut all = Vec::new();
    for (side, place) in sides {
        if let Some(node) = node.get(side) {
            let defaults = Defaults {
                place,
                fixed: true,
                ..defaults
            };
            all.extend(read(lower, &format!("{path}.{side}"), (node, defaults)));
        }
    }
    all
}

fn read(lower: &mut Lower<'_>, path: &str, (node, defaults): (&Node, Defaults)) -> Vec<Hook> {
    match &node.kind {
        Kind::Scalar(_) => plain(lower, path, (node, defaults)).into_iter().collect(),
        Kind::Map(_) => full(lower, path, (node, defaults)).into_iter().collect(),
        Kind::List(items) => {
            let mappings = items.iter().filter(|item| item.map().is_some()).count();
            if mappings == 0 {
                return plain(lower, path, (node, defaults)).into_iter().collect();
            }
            if mappings < items.len() {
                let odd = items.iter().find(|item| item.map().is_none());
                let finding =
                    Diagnostic::error("NK0202", format!("`{path}` mixes arguments and hooks"))
                        .at(
                            odd.map_or(node.span, |item| item.span),
                            "text among mappings",
                        )
                        .help("write each as `- run: COMMAND`");
                lower.findings.push(finding);
                return Vec::new();
            }
            items
                .iter()
                .filter_map(|item| full(lower, path, (item, defaults)))
                .collect()
        }
    }
}

fn plain(lower: &mut Lower<'_>, path: &str, (node, defaults): (&Node, Defaults)) -> Option<Hook> {
    let command = command(lower, path, node)?;
    Some(Hook {
        command,
        place: defaults.place,
        timeout: Hook::TIMEOUT,
        retries: 0,
        on_failure: defaults.on_failure,
    })
}

fn full(lower: &mut Lower<'_>, path: &str, (node, defaults): (&Node, Defaults)) -> Option<Hook> {
    let Some(run) = node.get("run") else {
        let finding = Diagnostic::error("NK0206", format!("`{path}` has no command"))
            .at(node.span, "`run` is missing")
            .help("add `run: COMMAND`");
        lower.findings.push(finding);
        return None;
    };
    let mut hook = plain(lower, path, (run, defaults))?;
    if let Some(place) = node.get("where") {
        let wanted = if place.text() == Some("host") {
            HookPlace::Host
        } else {
            HookPlace::Container
        };
        if defaults.fixed && wanted != defaults.place {
            lower.error(
                "NK0203",
                format!("`{path}` stands for one side and names the other"),
                place.span,
                "drop `where`",
            );
        }
        hook.place = wanted;
    }
    settle(&mut hook, node);
    Some(hook)
}

/// Takes over `timeout`, `retries` and `on_failure`.
pub(crate) fn settle(hook: &mut Hook, node: &Node) {
    if let Some(timeout) = node.text_of("timeout").and_then(scalar::duration) {
        hook.timeout = timeout;
    }
    if let Some(retries) = node.text_of("retries").and_then(scalar::small) {
        hook.retries = retries;
    }
    match node.text_of("on_failure") {
        Some("warn") => hook.on_failure = OnFailure::Warn,
        Some("fail") => hook.on_failure = OnFailure::Fail,
        _ => {}
    }
}

/// Reads a command: a text is a shell line, a list is arguments.
pub(crate) fn command(lower: &mut Lower<'_>, path: &str, node: &Node) -> Option<HookCommand> {
    let (command, empty) = if let Some(line) = node.text() {
        (HookCommand::Shell(line.to_owned()), line.trim().is_empty())
    } else {
        let argv = texts_of(node);
        let empty = argv.first().is_none_or(|program| program.trim().is_empty());
        (HookCommand::Argv(argv), empty)
    };
    if empty {
        lower.error(
            "NK0204",
            format!("`{path}` is an empty command"),
            node.span,
            "nothing to run",
        );
        return None;
    }
    Some(command)
}

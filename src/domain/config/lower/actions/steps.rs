//! One step of an action: exactly one primitive, and what it names has to be there.

mod asks;
mod scripts;

use std::time::Duration;

use crate::domain::config::lower::Lower;
use crate::domain::config::lower::actions::Known;
use crate::domain::config::lower::hooks::command;
use crate::domain::config::scalar;
use crate::domain::config::tree::Node;
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;
use crate::domain::project::hook::HookCommand;
use crate::domain::project::procedure::{
    Claim, Expected, Occasion, Primitive, ProcedureStep, Verb,
};
use crate::domain::project::service::MountSource;

/// Reads a step; its label is its name or the word of its primitive.
pub(super) fn step(
    lower: &mut Lower<'_>,
    path: &str,
    (node, occasion): (&Node, Option<Occasion>),
    known: &Known<'_>,
) -> Option<ProcedureStep> {
    node.map()?;
    let verbs: Vec<(Verb, &Node)> = Verb::ALL
        .into_iter()
        .filter_map(|verb| node.get(verb.as_str()).map(|value| (verb, value)))
        .collect();
    let (verb, value) = match verbs.as_slice() {
        [one] => *one,
        [] => {
            let words: Vec<&str> = Verb::ALL.iter().map(|verb| verb.as_str()).collect();
            let finding = Diagnostic::error("NK0206", format!("`{path}` does nothing"))
                .at(node.span, "what it does is missing")
                .help(format!("a step has one of {}", words.join(", ")));
            lower.findings.push(finding);
            return None;
        }
        [(_, first), .., (_, last)] => {
            let finding = Diagnostic::error("NK0203", format!("`{path}` does two things"))
                .at(last.span, "make it a step of its own")
                .see(first.span, "the first");
            lower.findings.push(finding);
            return None;
        }
    };
    let path = format!("{path}.{}", verb.as_str());
    let mut reader = Reader { lower, known, path };
    let primitive = reader.primitive(verb, value)?;
    let cleanup = node.get("cleanup");
    let wanted = cleanup.and_then(Node::text).and_then(scalar::boolean) == Some(true);
    if let Some(cleanup) = cleanup.filter(|_| wanted && occasion != Some(Occasion::Manual)) {
        let text = format!(
            "`{}`: a step is a clean-up only in a manual action",
            reader.path
        );
        let label = "mark the `post` action instead";
        reader.lower.error("NK0203", text, cleanup.span, label);
    }
    let scripts = scripts::of(reader.lower, &primitive);
    let time = |key| node.text_of(key).and_then(scalar::duration);
    let label = node.text_of("name").unwrap_or(verb.as_str()).to_owned();
    let given = time("timeout").filter(|timeout: &Duration| !timeout.is_zero());
    Some(ProcedureStep {
        label,
        primitive,
        retries: node.text_of("retries").and_then(scalar::small).unwrap_or(0),
        backoff: time("backoff"),
        timeout: given.unwrap_or(ProcedureStep::TIMEOUT),
        cleanup: wanted,
        scripts,
    })
}

struct Reader<'l, 'a, 'k> {
    lower: &'l mut Lower<'a>,
    known: &'k Known<'k>,
    path: String,
}

impl Reader<'_, '_, '_> {
    fn primitive(&mut self, verb: Verb, node: &Node) -> Option<Primitive> {
        match verb {
            Verb::Stop => {
                let list = node.get("services").unwrap_or(node);
                Some(Primitive::Stop {
                    services: self.services(list)?,
                    keep: flag(node, "keep"),
                })
            }
            Verb::Start => Some(Primitive::Start {
                services: self.services(node)?,
            }),
            Verb::Restart => Some(Primitive::Restart {
                services: self.services(node)?,
            }),
            Verb::Scale => self.scale(node),
            Verb::Exec => self.exec(node),
            Verb::Run => Some(Primitive::Run {
                command: self.host_command(node)?,
            }),
            Verb::Job => Some(Primitive::Job {
                service: self.service_of(node)?,
                command: self.command_of(node, "run")?,
                image: node.text_of("image").map(str::to_owned),
            }),
            Verb::Wait => self.wait(node).map(Primitive::Wait),
            Verb::Backup | Verb::Restore => self.copy(verb, node),
            Verb::Assert => self.assert(node),
        }
    }

    fn missing(&mut self, node: &Node, key: &str) {
        let finding = Diagnostic::error("NK0206", format!("`{}` has no `{key}`", self.path))
            .at(node.span, format!("`{key}` is missing"));
        self.lower.findings.push(finding);
    }

    fn service(&mut self, name: &str, span: Span) -> Option<String> {
        if self.known.services.contains_key(name) {
            return Some(name.to_owned());
        }
        let text = format!(
            "`{}` names `{}`, which is not a service",
            self.path,
            brief(name)
        );
        let mut finding = Diagnostic::error("NK0428", text).at(span, "no such service");
        let all = || self.known.services.keys().map(String::as_str);
        if let Some(help) = self.lower.findings.suggest(name, all) {
            finding = finding.help(help);
        }
        self.lower.findings.push(finding);
        None
    }

    fn service_of(&mut self, node: &Node) -> Option<String> {
        self.service_at(node, "service")
    }

    fn service_at(&mut self, node: &Node, key: &str) -> Option<String> {
        let Some(value) = node.get(key) else {
            self.missing(node, key);
            return None;
        };
        self.service(value.text()?, value.span)
    }

    fn services(&mut self, node: &Node) -> Option<Vec<String>> {
        let items = match node.list() {
            Some(list) => list.iter().collect(),
            None => vec![node],
        };
        if items.is_empty() {
            let text = format!("`{}` names no service", self.path);
            self.lower.error("NK0204", text, node.span, "an empty list");
            return None;
        }
        let all: Vec<Option<String>> = items
            .into_iter()
            .map(|item| self.service(item.text()?, item.span))
            .collect();
        all.into_iter().collect()
    }

    fn scale(&mut self, node: &Node) -> Option<Primitive> {
        let service = self.service_of(node)?;
        let Some(value) = node.get("to") else {
            self.missing(node, "to");
            return None;
        };
        let to = value.text().and_then(scalar::small)?;
        let most = self.known.services.get(&service).map_or(0, |s| s.instances);
        if to > most {
            let text = format!("`{}` asks for {to} instances of `{service}`", self.path);
            let label = format!("it has at most {most}, its `instances`");
            self.lower.error("NK0204", text, value.span, &label);
        }
        Some(Primitive::Scale {
            service,
            to,
            keep: flag(node, "keep"),
        })
    }

    fn exec(&mut self, node: &Node) -> Option<Primitive> {
        let service = self.service_of(node)?;
        let commands = match (node.get("run"), node.get("commands")) {
            (Some(run), None) => vec![self.command(run)?],
            (None, Some(list)) => {
                let list = list.list().unwrap_or_default();
                let all: Vec<Option<HookCommand>> =
                    list.iter().map(|item| self.command(item)).collect();
                all.into_iter().collect::<Option<Vec<_>>>()?
            }
            (Some(_), Some(both)) => {
                let text = format!("`{}` has both `run` and `commands`", self.path);
                self.lower
                    .error("NK0203", text, both.span, "one of them is enough");
                return None;
            }
            (None, None) => Vec::new(),
        };
        if commands.is_empty() {
            self.missing(node, "run");
            return None;
        }
        Some(Primitive::Exec { service, commands })
    }

    fn command(&mut self, node: &Node) -> Option<HookCommand> {
        command(self.lower, &self.path, node)
    }

    fn command_of(&mut self, node: &Node, key: &str) -> Option<HookCommand> {
        match node.get(key) {
            Some(value) => self.command(value),
            None => {
                self.missing(node, key);
                None
            }
        }
    }

    /// A command on the host; where its first word is a path of the project, that file has to be there.
    fn host_command(&mut self, node: &Node) -> Option<HookCommand> {
        let command = self.command(node)?;
        let program = match &command {
            HookCommand::Shell(line) => line.split_whitespace().next().unwrap_or_default(),
            HookCommand::Argv(argv) => argv.first().map_or("", String::as_str),
        };
        if program.starts_with("./") && !program.contains('$') {
            let path = self.lower.path(program);
            self.lower.watch(&path);
            if self.lower.input.tree.is_file(&path) != Some(true) {
                let text = format!(
                    "`{}` runs `{}`, which is not there",
                    self.path,
                    brief(program)
                );
                self.lower.error("NK0410", text, node.span, "no such file");
            }
        }
        Some(command)
    }

    fn copy(&mut self, verb: Verb, node: &Node) -> Option<Primitive> {
        let Some(value) = node.get("volume") else {
            self.missing(node, "volume");
            return None;
        };
        let volume = value.text()?.to_owned();
        if !self.known.volumes.contains_key(&volume) {
            let text = format!(
                "`{}` names `{}`, which is not a volume",
                self.path,
                brief(&volume)
            );
            let mut finding = Diagnostic::error("NK0428", text).at(value.span, "no such volume");
            let all = || self.known.volumes.keys().map(String::as_str);
            if let Some(help) = self.lower.findings.suggest(&volume, all) {
                finding = finding.help(help);
            }
            self.lower.findings.push(finding);
            return None;
        }
        let mounts = |name: &str| {
            self.known.services.get(name).is_some_and(|service| {
                service.mounts.iter().any(
                    |mount| matches!(&mount.source, MountSource::Volume(name) if *name == volume),
                )
            })
        };
        let service = self
            .known
            .services
            .keys()
            .find(|name| mounts(name))
            .cloned();
        let Some(service) = service else {
            let text = format!("no service mounts `{volume}`, which `{}` names", self.path);
            self.lower
                .error("NK0428", text, value.span, "mounted nowhere");
            return None;
        };
        let key = if verb == Verb::Backup { "to" } else { "from" };
        let Some(file) = node.get(key) else {
            self.missing(node, key);
            return None;
        };
        let text = file.text()?;
        let path = self.lower.path(text);
        if !path.starts_with(&self.lower.folder) || path == self.lower.folder {
            let text = format!("`{}.{key}` is outside of the project", self.path);
            self.lower
                .error("NK0410", text, file.span, "a path below this file's folder");
            return None;
        }
        let image = node.text_of("image").map(str::to_owned);
        Some(if verb == Verb::Backup {
            Primitive::Backup {
                volume,
                file: path,
                service,
                image,
            }
        } else {
            Primitive::Restore {
                volume,
                file: path,
                service,
                image,
            }
        })
    }

    fn assert(&mut self, node: &Node) -> Option<Primitive> {
        let ways = ["exec", "run", "http"];
        let given: Vec<&str> = ways
            .into_iter()
            .filter(|key| node.get(key).is_some())
            .collect();
        let claim = match given.as_slice() {
            ["exec"] => Claim::Exec {
                service: self.service_of(node)?,
                command: self.command_of(node, "exec")?,
            },
            ["run"] => Claim::Run(self.host_command(node.get("run")?)?),
            ["http"] => {
                let service = self.service_of(node)?;
                let ask = self.ask(node, &service)?;
                Claim::Answer { service, ask }
            }
            _ => {
                let text = format!("`{}` says nothing, or two things", self.path);
                let finding = Diagnostic::error("NK0206", text)
                    .at(node.span, "one of `exec`, `run` and `http`");
                self.lower.findings.push(finding);
                return None;
            }
        };
        let text = |key| node.text_of(key).map(str::to_owned);
        Some(Primitive::Assert {
            claim,
            expected: Expected {
                exit: node
                    .text_of("exit")
                    .and_then(scalar::small)
                    .map_or(0, i64::from),
                contains: text("contains"),
                equals: text("equals"),
            },
        })
    }
}

fn flag(node: &Node, key: &str) -> bool {
    node.map().is_some() && node.text_of(key).and_then(scalar::boolean) == Some(true)
}

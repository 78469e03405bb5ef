//! What is waited for, and how a service is asked whether it answers.

use crate::domain::config::lower::actions::steps::Reader;
use crate::domain::config::scalar;
use crate::domain::config::tree::Node;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::project::health::Probe;
use crate::domain::project::procedure::Wait;

impl Reader<'_, '_, '_> {
    pub(super) fn wait(&mut self, node: &Node) -> Option<Wait> {
        if let Some(time) = node.text_of("time").and_then(scalar::duration) {
            return Some(Wait::Time(time));
        }
        if node.get("healthy").is_some() {
            let service = self.service_at(node, "healthy")?;
            return Some(Wait::Health {
                service,
                instances: None,
            });
        }
        if node.get("http").is_none() && node.get("tcp").is_none() {
            let text = format!("`{}` does not say for what", self.path);
            let finding = Diagnostic::error("NK0206", text)
                .at(node.span, "no `time`, `healthy`, `http` or `tcp`");
            self.lower.findings.push(finding);
            return None;
        }
        let service = self.service_of(node)?;
        let ask = self.ask(node, &service)?;
        Some(Wait::Answer { service, ask })
    }

    pub(super) fn ask(&mut self, node: &Node, service: &str) -> Option<Probe> {
        if let Some(port) = node.text_of("tcp").and_then(scalar::port) {
            return Some(Probe::Tcp { port });
        }
        let http = node.get("http")?;
        let path = http.text()?;
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        let own = self.known.services.get(service);
        let own = own.and_then(|service| service.expose.or(service.port));
        let given = node.text_of("port").and_then(scalar::port);
        let Some(port) = given.or(own) else {
            let text = format!("`{}` asks `{service}`, which exposes no port", self.path);
            let finding = Diagnostic::error("NK0417", text)
                .at(http.span, "which port?")
                .help("add `port: PORT`");
            self.lower.findings.push(finding);
            return None;
        };
        Some(Probe::Http { port, path })
    }
}

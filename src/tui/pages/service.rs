//! Everything about one resource: how it stands, what it uses, what its probes said, what the file asks for.

use crate::domain::ids::{Address, ResourceKind};
use crate::domain::live::{Health, Status};
use crate::domain::project::project::Project;
use crate::domain::project::service::{MountSource, Service};
use crate::domain::report::{InstanceStatus, ResourceStatus};
use crate::domain::time::Wall;
use crate::domain::usage::Probed;
use crate::present::human::clock;
use crate::present::words::{count, outcome};
use crate::tui::blocked::Blocks;
use crate::tui::model::Model;
use crate::tui::pages::page::Page;
use crate::tui::pages::{config, gauges};
use crate::tui::rows::course::belongs;
use crate::tui::rows::plan::{difference, path};
use crate::tui::rows::standing::instance_health;
use crate::tui::theme::Tone;
use crate::tui::words::between;

/// How many probes and events are told.
const LAST: usize = 5;

/// Writes the page of a service.
pub fn write(page: &mut Page, model: &Model, address: &Address) {
    let config = model.snapshot.config.as_deref();
    let project = config.and_then(|config| config.project.as_deref());
    let status = status_of(model, address);
    if let Some(blocked) = Blocks::of(&model.snapshot).and_then(|blocks| blocks.by(address)) {
        page.pair("blocked", blocked.sentence(model.now), Tone::Warn);
    }
    if let Some(status) = status {
        drift(page, status);
        if status.instances.is_empty() {
            page.pair("instances", format!("none of {}", status.wanted), Tone::Dim);
        }
        for instance in &status.instances {
            one_instance(page, model, status, instance);
        }
        for instance in &status.instances {
            probes(page, model, instance);
        }
    } else {
        page.text("not seen yet", Tone::Dim);
    }
    let service = project.and_then(|project| project.services.get(&address.name));
    match (service, project, config) {
        (Some(service), Some(_), Some(loaded)) => {
            config::wanted(page, model, loaded, service);
        }
        (None, Some(_), _) => page.text("not in the file: a deploy removes it", Tone::Warn),
        (_, None, _) | (_, _, None) => {}
    }
    events(page, model, address);
}

/// Writes the page of a network or volume.
pub fn write_other(page: &mut Page, model: &Model, address: &Address) {
    if let Some(status) = status_of(model, address) {
        drift(page, status);
        let text = if status.ready { "exists" } else { "absent" };
        page.pair("state", text, Tone::Text);
    }
    let Some(project) = model.snapshot.known() else {
        return;
    };
    match address.kind {
        ResourceKind::Network => {
            if let Some(network) = project.networks.get(&address.name) {
                page.pair("cidr", network.cidr.as_deref().unwrap_or("any"), Tone::Text);
                let outside = if network.internal { "no" } else { "yes" };
                page.pair("outside", outside, Tone::Text);
            }
            users(page, project, |service| {
                service.networks.contains_key(&address.name)
            });
        }
        ResourceKind::Volume => users(page, project, |service| {
            let source = MountSource::Volume(address.name.clone());
            service.mounts.iter().any(|mount| mount.source == source)
        }),
        ResourceKind::Service | ResourceKind::Procedure => {}
    }
}

fn status_of<'a>(model: &'a Model, address: &Address) -> Option<&'a ResourceStatus> {
    let report = model.snapshot.status.as_ref()?;
    report.resources.get(address)
}

fn users(page: &mut Page, project: &Project, uses: impl Fn(&Service) -> bool) {
    let services = project.services.values().filter(|service| uses(service));
    let names: Vec<&str> = services.map(|service| service.name.as_str()).collect();
    page.pair("used by", names.join(", "), Tone::Text);
}

fn drift(page: &mut Page, status: &ResourceStatus) {
    for change in &status.drift {
        let text = format!("{}: {}", path(change), difference(change));
        page.pair("drift", text, Tone::Drift);
    }
    for one in &status.ignored {
        let (change, why) = (&one.change, &one.ignored.reason);
        let text = format!("{}: {} ({why})", path(change), difference(change));
        page.pair("ignored", text, Tone::Dim);
    }
}

/// Says since when an instance is up, in a way that stays true while nothing is drawn.
fn up(started: Wall, now: Wall) -> String {
    const DAY: u64 = 24 * 3600;
    let age = between(started, now);
    match age.as_secs() / DAY {
        0 => format!("up since {}", clock(started)),
        days => format!("up {}", count(usize::try_from(days).unwrap_or(0), "day")),
    }
}

fn one_instance(
    page: &mut Page,
    model: &Model,
    status: &ResourceStatus,
    instance: &InstanceStatus,
) {
    let health = instance_health(&model.snapshot, &status.address, instance);
    let (word, tone) = match instance.status {
        Status::Exited(code) => (
            format!("exited {code}"),
            if code == 0 { Tone::Text } else { Tone::Fail },
        ),
        Status::Dead => ("dead".into(), Tone::Fail),
        Status::Running if instance.health == Health::Unhealthy => ("running".into(), Tone::Fail),
        Status::Running => ("running".into(), Tone::Ok),
        other @ (Status::Created | Status::Paused | Status::Restarting) => {
            (other.as_str().to_owned(), Tone::Warn)
        }
    };
    let mut words = vec![word];
    if !health.is_empty() {
        words.push(health);
    }
    if let Some(started) = instance
        .started_at
        .filter(|_| instance.status == Status::Running)
    {
        words.push(up(started, model.now));
    }
    if instance.restarts > 0 {
        let times = count(usize::try_from(instance.restarts).unwrap_or(0), "time");
        words.push(format!("restarted {times}"));
    }
    page.pair(&format!("[{}]", instance.instance), words.join(", "), tone);
    gauges::write(page, model, &status.address, instance);
    if !instance.ports.is_empty() {
        page.pair("bound", instance.ports.join(", "), Tone::Text);
    }
    page.pair("name", &*instance.name, Tone::Dim);
    let id: String = instance.id.as_str().chars().take(12).collect();
    page.pair("id", id, Tone::Dim);
}

fn probes(page: &mut Page, model: &Model, instance: &InstanceStatus) {
    if instance.health == Health::Unchecked {
        return;
    }
    page.heading(format!("last probes of [{}]", instance.instance));
    match model.usage.probes(&instance.id) {
        None => page.text("not asked yet", Tone::Dim),
        Some([]) => page.text("the platform remembers none", Tone::Dim),
        Some(probes) => {
            for probe in probes.iter().rev().take(LAST) {
                one_probe(page, probe);
            }
        }
    }
}

fn one_probe(page: &mut Page, probe: &Probed) {
    let (symbol, word, tone) = match probe.exit {
        Some(0) => ("✓", "passed".to_owned(), Tone::Ok),
        Some(-1) => ("✗", "took too long".to_owned(), Tone::Fail),
        Some(code) => ("✗", format!("exit code {code}"), Tone::Fail),
        None => ("·", "answered".to_owned(), Tone::Text),
    };
    let at = probe
        .at
        .map_or_else(String::new, |at| format!("{} ", clock(at)));
    let mut lines = probe.output.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().map_or_else(
        || " (no output)".to_owned(),
        |line| format!(": {}", line.trim_end()),
    );
    page.item(symbol, format!("{at}{word}{first}"), tone);
    for line in lines {
        page.item(" ", line.trim_end(), Tone::Dim);
    }
}

/// The last things that happened to it: in the run on show, and outside of runs.
fn events(page: &mut Page, model: &Model, address: &Address) {
    let mut found: Vec<(crate::domain::time::Wall, String, Tone)> = Vec::new();
    let about = format!("{address}: ");
    for (at, text) in &model.snapshot.remarks {
        if let Some(rest) = text.strip_prefix(&about) {
            found.push((*at, rest.to_owned(), Tone::Text));
        }
    }
    if let Some(run) = &model.snapshot.run {
        for (id, step) in &run.steps {
            let (Some(at), true) = (step.finished.or(step.started), belongs(id, address)) else {
                continue;
            };
            let (_, word, role) = outcome(step.outcome);
            let name = id.as_str().rsplit('/').next().unwrap_or(id.as_str());
            let why = step.message.as_deref().and_then(|text| text.lines().next());
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            found.push((
                at,
                format!("{} {name} {word}{why}", run.command),
                role.into(),
            ));
        }
        for text in &run.warnings {
            if let Some(rest) = text.strip_prefix(&about) {
                found.push((run.started, rest.to_owned(), Tone::Warn));
            }
        }
    }
    if found.is_empty() {
        return;
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.0));
    page.heading("last events");
    for (at, text, tone) in found.into_iter().take(LAST * 2) {
        page.pair(&clock(at), text, tone);
    }
}

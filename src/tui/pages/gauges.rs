//! What an instance uses, as small bars with their scale in words.

use crate::domain::ids::Address;
use crate::domain::live::Status;
use crate::domain::report::InstanceStatus;
use crate::domain::usage::Usage;
use crate::present::human::{duration, size};
use crate::tui::model::Model;
use crate::tui::pages::page::{Entry, Page};
use crate::tui::theme::Tone;
use crate::tui::usage::{Ring, bytes, share};
use crate::tui::words::between;

/// Writes processor, memory and the rest of an instance.
pub fn write(page: &mut Page, model: &Model, address: &Address, instance: &InstanceStatus) {
    if !matches!(instance.status, Status::Running | Status::Paused) {
        return;
    }
    let Some(ring) = model.usage.ring(&instance.id) else {
        page.pair("cpu", "-", Tone::Dim);
        page.pair("memory", "-", Tone::Dim);
        return;
    };
    let service = model
        .snapshot
        .known()
        .and_then(|project| project.services.get(&address.name));
    let now = model.usage.now(&instance.id, model.now);
    cpu(
        page,
        ring,
        now,
        service.and_then(|service| service.cpu_millis),
    );
    let own = service.is_some_and(|service| service.memory_bytes.is_some());
    memory(page, ring, now, own);
    if let Some(now) = now {
        rest(page, now);
    }
}

fn cpu(page: &mut Page, ring: &Ring, now: Option<&Usage>, limit: Option<u64>) {
    let values: Vec<Option<u64>> = ring.iter().map(|usage| usage.cpu_millis).collect();
    let peak = values.iter().flatten().max().copied();
    let top = round_up(peak.unwrap_or(0), 10);
    let limit = limit.map_or_else(
        || "no limit".to_owned(),
        |limit| format!("limit {}", share(Some(limit))),
    );
    page.entries.push(Entry::Chart {
        label: "cpu".into(),
        top,
        now: share(now.and_then(|usage| usage.cpu_millis)),
        words: format!(
            "peak {}, {limit}; of one core, {}",
            share(peak),
            match is_still(&values) {
                true => "steady".to_owned(),
                false => format!("bars to {}, {}", share(Some(top)), span(ring)),
            }
        ),
        values: bars_of(values),
    });
}

fn memory(page: &mut Page, ring: &Ring, now: Option<&Usage>, own_limit: bool) {
    let values: Vec<Option<u64>> = ring.iter().map(|usage| usage.counters.memory).collect();
    let peak = values.iter().flatten().max().copied();
    let limit = ring.back().and_then(|usage| usage.counters.memory_limit);
    // Against a limit that is far away every bar would be the lowest.
    let near = limit.filter(|limit| own_limit && peak.unwrap_or(0) > limit / 8);
    let top = near.unwrap_or_else(|| round_bytes(peak.unwrap_or(0)));
    let limit = match (limit, own_limit) {
        (Some(limit), true) => format!("limit {}", size(limit)),
        (Some(machine), false) => format!("no limit, the machine has {}", size(machine)),
        (None, _) => "no limit".to_owned(),
    };
    page.entries.push(Entry::Chart {
        label: "memory".into(),
        top,
        now: bytes(now.and_then(|usage| usage.counters.memory)),
        words: match is_still(&values) {
            true => format!("peak {}, {limit}; steady", bytes(peak)),
            false => format!("peak {}, {limit}; bars to {}", bytes(peak), size(top)),
        },
        values: bars_of(values),
    });
}

fn rest(page: &mut Page, now: &Usage) {
    let counters = &now.counters;
    if counters.received.is_some() || counters.sent.is_some() {
        let text = format!(
            "in {}, out {}",
            bytes(counters.received),
            bytes(counters.sent)
        );
        page.pair("network", text, Tone::Text);
    }
    if counters.read.is_some() || counters.written.is_some() {
        let text = format!(
            "read {}, written {}",
            bytes(counters.read),
            bytes(counters.written)
        );
        page.pair("disk", text, Tone::Text);
    }
    if let Some(tasks) = counters.tasks {
        page.pair("tasks", tasks.to_string(), Tone::Text);
    }
}

/// Tells whether a figure never moved while it was looked at; a line of equal bars would say no more.
fn is_still(values: &[Option<u64>]) -> bool {
    let mut known = values.iter().flatten();
    let first = known.next();
    known.clone().next().is_some() && known.all(|value| Some(value) == first)
}

/// Returns what is drawn as bars: nothing where nothing moved.
fn bars_of(values: Vec<Option<u64>>) -> Vec<Option<u64>> {
    if is_still(&values) {
        Vec::new()
    } else {
        values
    }
}

fn span(ring: &Ring) -> String {
    match (ring.front(), ring.back()) {
        (Some(first), Some(last)) if last.at > first.at => {
            format!("last {}", duration(between(first.at, last.at)))
        }
        _ => "first look".to_owned(),
    }
}

/// Returns the next round number: 1, 2 or 5 with zeros, at least `least`.
#[must_use]
pub fn round_up(value: u64, least: u64) -> u64 {
    let mut unit = least.max(1);
    loop {
        for factor in [1, 2, 5] {
            let round = unit.saturating_mul(factor);
            if round >= value {
                return round;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// Returns the next power of two, at least a mebibyte.
#[must_use]
pub fn round_bytes(value: u64) -> u64 {
    let round = value.checked_next_power_of_two();
    round.unwrap_or(u64::MAX).max(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_numbers() {
        for (value, expected) in [
            (0, 10),
            (10, 10),
            (11, 20),
            (37, 50),
            (51, 100),
            (1_200, 2_000),
        ] {
            assert_eq!(round_up(value, 10), expected, "{value}");
        }
        assert_eq!(round_up(u64::MAX, 1), u64::MAX);
        assert_eq!(round_bytes(3 << 20), 4 << 20);
        assert_eq!(round_bytes(1), 1 << 20);
        assert_eq!(round_bytes(u64::MAX), u64::MAX);
    }
}

//! Draws a whole schedule from a seed: who does what when, and which faults meet whom. Printed in full on failure.

use std::cell::Cell;
use std::time::Duration;

use nanokit::domain::plan::model::Purpose;
use nanokit::domain::project::hook::HookPlace;
use nanokit::domain::project::project::Project;
use nanokit::domain::project::service::UpdateStrategy;
use nanokit::domain::run::options::Schedule as Order;
use nanokit::engine::reconcile::Stop;

use super::profile::Profile;
use crate::support::sim::life::{Cell1, ClockFate, Cut, Fate, Lost, Span};
use crate::support::sim::project::{checked, hook, job, mounted, project, provisioned, service};
use crate::support::sim::world::next;

/// Seeds from here on lose replies of the lock too; those before were drawn when that fault did not exist yet.
const FIRST_WITH_LOST_REPLIES: u64 = 5_000;

/// Numbers from a seed.
pub struct Dice(Cell<u64>);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }
    pub fn below(&self, n: u64) -> u64 {
        next(&self.0) % n
    }
    pub fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }
    pub fn ms(&self, n: u64) -> Duration {
        Duration::from_millis(self.below(n))
    }
    pub fn span(&self, within_ms: u64, seconds: (u64, u64)) -> Span {
        let length = seconds.0 * 1000 + self.below((seconds.1 - seconds.0) * 1000);
        Span::new(self.ms(within_ms), Duration::from_millis(length))
    }
}

/// One mutating run by an operator.
#[derive(Clone, Debug)]
pub struct Operator {
    pub at: Duration,
    pub purpose: Purpose,
    /// Which version of the project it has in its hands.
    pub version: usize,
    pub fate: Fate,
    pub lock_wait: Duration,
    /// Whether it shows a plan first, and carries exactly that out so much later.
    pub approves_after: Option<Duration>,
    pub stops: Vec<(Duration, Stop)>,
    pub order: Order,
    pub parallelism: usize,
}

/// What somebody does who does not go through us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    Removes,
    Stops,
    Relabels,
    Disconnects,
    /// Puts something else under its name.
    Squats,
    /// Makes something that carries our labels, though we never made it.
    Strays,
    /// Removes a volume that nothing mounts at that moment.
    LosesVolume,
}

impl Drift {
    /// Those that a seed draws from; another would change what every seed draws.
    pub const ALL: [Self; 6] = [
        Self::Removes,
        Self::Stops,
        Self::Relabels,
        Self::Disconnects,
        Self::Squats,
        Self::Strays,
    ];
}

/// What an admin does about the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlock {
    /// Clears it if its holder is proven dead.
    Proven,
    /// Looks, thinks so long, then forces exactly what was seen.
    Forced(Duration),
}

/// Everything that will happen in a world.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub seed: u64,
    pub versions: Vec<Project>,
    pub operators: Vec<Operator>,
    pub drifts: Vec<(Duration, Drift, String)>,
    pub unlocks: Vec<(Duration, Unlock, u32)>,
    /// What becomes of those who unlock, wherever they sit.
    pub admin: Fate,
    /// Out of a thousand calls to the platform, how many meet trouble.
    pub weather: u64,
    /// When the power fails, and how much of what was not durable stays.
    pub power: Option<(Duration, usize)>,
    pub failing_hook: bool,
    pub hanging_hook: bool,
    /// Whether `slow` takes longer than two renewals of the lock.
    pub slow_hook: bool,
    /// Whether it ends with everything taken down.
    pub ends_clean: bool,
    /// On which machine the one sits who brings everything in order in the end.
    pub machine: u32,
}

impl Schedule {
    /// Draws everything, and bends it to a profile.
    pub fn draw(seed: u64, profile: Profile) -> Self {
        let dice = Dice::new(seed.wrapping_mul(0x9e37_79b9).wrapping_add(seed));
        let first = graph(&dice);
        let second = changed(&dice, &first);
        let names: Vec<String> = first.services.keys().cloned().collect();
        let count = 2 + dice.below(2);
        let operators = (0..count).map(|_| operator(&dice)).collect();
        let mut drifts = Vec::new();
        while dice.one_in(3) && drifts.len() < 3 {
            let drift = Drift::ALL[usize::try_from(dice.below(6)).unwrap()];
            let name = &names[usize::try_from(dice.below(names.len() as u64)).unwrap()];
            drifts.push((dice.ms(6_000), drift, name.clone()));
        }
        let mut unlocks = Vec::new();
        while dice.one_in(3) && unlocks.len() < 2 {
            let unlock = if dice.one_in(3) {
                Unlock::Proven
            } else {
                Unlock::Forced(dice.ms(4_000))
            };
            let at = if dice.one_in(2) {
                dice.ms(3_000)
            } else {
                dice.ms(60_000)
            };
            unlocks.push((at, unlock, u32::try_from(dice.below(2)).unwrap()));
        }
        let mut schedule = Self {
            seed,
            versions: vec![first, second],
            operators,
            drifts,
            unlocks,
            admin: Fate::default(),
            weather: if dice.one_in(3) {
                40 + 2 * dice.below(150)
            } else {
                0
            },
            power: dice
                .one_in(8)
                .then(|| (dice.ms(4_000), usize::try_from(dice.below(1001)).unwrap())),
            failing_hook: dice.one_in(5),
            hanging_hook: dice.one_in(6),
            slow_hook: false,
            ends_clean: dice.one_in(3),
            machine: u32::try_from(dice.below(2)).unwrap(),
        };
        // Drawn apart, and only here, so that what earlier seeds drew stays as it was.
        if seed >= FIRST_WITH_LOST_REPLIES {
            let dice = Dice::new(seed ^ 0x10c6);
            for operator in &mut schedule.operators {
                if dice.one_in(4) {
                    operator.fate.lock_replies_lost = 100 + dice.below(500);
                }
            }
        }
        profile.bend(&mut schedule);
        schedule
    }

    /// What is wanted in the end.
    pub fn last(&self) -> &Project {
        &self.versions[1]
    }
}

/// A small graph of services, each with something of its own.
pub fn graph(dice: &Dice) -> Project {
    let count = 1 + dice.below(3);
    let mut services = Vec::new();
    for i in 0..count {
        let needs: Vec<String> = (0..i)
            .filter(|_| dice.one_in(2))
            .map(|d| format!("s{d}"))
            .collect();
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        let mut one = service(&format!("s{i}"), &needs);
        if dice.one_in(3) {
            one = checked(one);
        }
        match dice.below(12) {
            0 => one = job(one),
            1 | 2 => one = mounted(one, "data"),
            3 => one = provisioned(one, "modules", None),
            4 => one = provisioned(one, "modules", Some("tools:1")),
            _ => {}
        }
        if dice.one_in(3) {
            one.hooks.prestart_host = vec![hook("check", HookPlace::Host)];
        }
        if dice.one_in(5) {
            one.hooks.prestop = vec![hook("flush", HookPlace::Container)];
        }
        if dice.one_in(5) {
            one.instances = 2;
        }
        if dice.one_in(5) {
            one.update_strategy = UpdateStrategy::Rolling;
        }
        services.push(one);
    }
    project(services)
}

fn changed(dice: &Dice, before: &Project) -> Project {
    let mut after = before.clone();
    for service in after.services.values_mut() {
        match dice.below(6) {
            0 | 1 => service.image = Some("app:2".to_owned()),
            2 => service.memory_bytes = Some(1 << 27),
            3 => service.instances = 1 + u32::try_from(dice.below(2)).unwrap(),
            _ => {}
        }
    }
    after
}

fn operator(dice: &Dice) -> Operator {
    let purpose = match dice.below(10) {
        0 | 1 => Purpose::Destroy,
        2 => Purpose::Restore,
        _ => Purpose::Deploy,
    };
    let lock_wait = match dice.below(3) {
        0 => Duration::ZERO,
        1 => Duration::from_secs(20),
        _ => Duration::from_secs(90),
    };
    let stops = match dice.below(10) {
        0 => vec![(dice.ms(1500), Stop::Drain)],
        1 => vec![(dice.ms(1500), Stop::Cancel)],
        _ => Vec::new(),
    };
    Operator {
        at: dice.ms(2_500),
        version: usize::try_from(dice.below(2)).unwrap(),
        fate: fate(dice, purpose == Purpose::Destroy),
        purpose,
        lock_wait,
        approves_after: dice.one_in(8).then(|| dice.ms(3_000)),
        stops,
        order: if dice.one_in(2) {
            Order::Eager
        } else {
            Order::Layered
        },
        parallelism: 1 + usize::try_from(dice.below(4)).unwrap(),
    }
}

fn fate(dice: &Dice, takes_down: bool) -> Fate {
    let mut fate = Fate {
        takes_down,
        machine: u32::try_from(dice.below(2)).unwrap(),
        latency: if dice.one_in(2) {
            1 + dice.below(60)
        } else {
            0
        },
        ..Fate::default()
    };
    match dice.below(9) {
        0 | 1 => fate.kill_at = Some(1 + dice.below(90)),
        2 => fate.frozen = vec![dice.span(3_000, (1, 90))],
        3 => fate.suspended = vec![dice.span(3_000, (1, 90))],
        4 => fate.cuts = cuts(dice, Cell1::Lock),
        5 => fate.cuts = cuts(dice, Cell1::State),
        6 => {
            fate.cuts = cuts(dice, Cell1::Lock);
            fate.cuts.extend(cuts(dice, Cell1::State));
        }
        _ => {}
    }
    if dice.one_in(2) {
        fate.clock = ClockFate {
            rate: u32::try_from(850 + dice.below(300)).unwrap(),
            ahead: i64::try_from(dice.below(1_200_000)).unwrap() - 600_000,
            jump: dice.one_in(2).then(|| {
                let by = i64::try_from(dice.below(7_200_000)).unwrap() - 3_600_000;
                (dice.ms(3_000), by)
            }),
        };
    }
    fate
}

pub fn cuts(dice: &Dice, cell: Cell1) -> Vec<Cut> {
    let lost = match dice.below(3) {
        0 => Lost::Before,
        1 => Lost::Reply,
        _ => Lost::Flapping,
    };
    let span = dice.span(2_000, (1, 60));
    vec![Cut { span, cell, lost }]
}

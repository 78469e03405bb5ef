//! What a schedule is bent towards: everything mixed, nothing at all, or one row of the fault matrix.

use std::time::Duration;

use nanokit::domain::plan::model::Purpose;
use nanokit::domain::project::hook::HookPlace;

use super::draw::{Dice, Drift, Schedule, Unlock, cuts};
use crate::support::sim::life::{Cell1, ClockFate, Fate};
use crate::support::sim::project::hook;

/// What a schedule concentrates on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// As drawn.
    Mixed,
    /// Nothing goes wrong.
    Calm,
    /// F01: every process is killed at some step, admins too.
    Killed,
    /// F03: the power fails while something is written.
    PowerLost,
    /// F06: many calls, or their replies, are lost.
    RepliesLost,
    /// F09: clocks are off by up to a day, and jump.
    WrongClocks,
    /// F11: everybody at once: deployments, takedowns, restores, plans, unlocks.
    Crowd,
    /// F12: the lock's cell is cut off.
    CutOff,
    /// F13: a holder stands still past its lease, and wakes up.
    Frozen,
    /// F14: the lock of a living holder is forced.
    Forced,
    /// F40: things change by hand while runs go on.
    Drifting,
    /// F41: lists are old.
    OldLists,
    /// F47: the machine of a holder sleeps.
    Suspended,
    /// F12: replies to taking, renewing and releasing the lock are lost.
    LockReplies,
}

/// Without any fault, but who does what when.
fn calm(schedule: &mut Schedule) {
    schedule.drifts.clear();
    schedule.unlocks.clear();
    schedule.weather = 0;
    schedule.power = None;
    schedule.failing_hook = false;
    schedule.hanging_hook = false;
    for operator in &mut schedule.operators {
        operator.fate = Fate {
            machine: operator.fate.machine,
            takes_down: operator.fate.takes_down,
            ..Fate::default()
        };
        operator.stops.clear();
    }
}

/// Somebody on the other machine forces the lock at these moments.
fn forced(schedule: &mut Schedule, dice: &Dice, within: (u64, u64)) {
    let at = Duration::from_millis(within.0 + dice.below(within.1 - within.0));
    let thinks = dice.ms(200);
    schedule.unlocks.push((at, Unlock::Forced(thinks), 1));
}

impl Profile {
    pub const ALL: [Self; 14] = [
        Self::Mixed,
        Self::Calm,
        Self::Killed,
        Self::PowerLost,
        Self::RepliesLost,
        Self::WrongClocks,
        Self::Crowd,
        Self::CutOff,
        Self::Frozen,
        Self::Forced,
        Self::Drifting,
        Self::OldLists,
        Self::Suspended,
        Self::LockReplies,
    ];

    /// Bends a schedule.
    pub fn bend(self, schedule: &mut Schedule) {
        if self == Self::Mixed {
            return;
        }
        let dice = &Dice::new(schedule.seed.wrapping_mul(31).wrapping_add(self as u64));
        calm(schedule);
        match self {
            Self::Mixed | Self::Calm => {}
            Self::Killed => {
                for operator in &mut schedule.operators {
                    operator.fate.kill_at = Some(1 + dice.below(70));
                }
                for _ in 0..2 {
                    schedule.unlocks.push((dice.ms(3_000), Unlock::Proven, 0));
                }
                schedule.admin.kill_at = Some(1 + dice.below(6));
            }
            Self::PowerLost => {
                let torn = usize::try_from(dice.below(1001)).unwrap();
                schedule.power = Some((dice.ms(2_500), torn));
            }
            Self::RepliesLost => schedule.weather = 250 + dice.below(250),
            Self::WrongClocks => {
                const DAY: u64 = 86_400_000;
                let days = |dice: &Dice| {
                    i64::try_from(dice.below(2 * DAY)).unwrap() - i64::try_from(DAY).unwrap()
                };
                for operator in &mut schedule.operators {
                    operator.fate.clock = ClockFate {
                        rate: u32::try_from(850 + dice.below(300)).unwrap(),
                        ahead: days(dice),
                        jump: Some((dice.ms(2_000), days(dice))),
                    };
                }
            }
            Self::Crowd => {
                let again = schedule.operators.clone();
                schedule.operators.extend(again);
                for (number, operator) in schedule.operators.iter_mut().enumerate() {
                    operator.at = dice.ms(400);
                    operator.lock_wait = Duration::from_secs(300);
                    operator.purpose = match number % 4 {
                        0 | 2 => Purpose::Deploy,
                        1 => Purpose::Destroy,
                        _ => Purpose::Restore,
                    };
                    operator.fate.takes_down = !operator.purpose.builds();
                    operator.fate.latency = 1 + dice.below(60);
                    operator.approves_after = dice.one_in(3).then(|| dice.ms(500));
                }
                schedule.unlocks.push((dice.ms(1_000), Unlock::Proven, 1));
            }
            Self::CutOff => {
                for operator in &mut schedule.operators {
                    operator.fate.cuts = cuts(dice, Cell1::Lock);
                }
                // Long enough for the lease to run out meanwhile.
                schedule.hanging_hook = true;
                for project in &mut schedule.versions {
                    for service in project.services.values_mut() {
                        service.hooks.prestart_host = vec![hook("check", HookPlace::Host)];
                    }
                }
                forced(schedule, dice, (30_000, 90_000));
            }
            Self::Frozen => {
                for operator in &mut schedule.operators {
                    operator.fate.frozen = vec![dice.span(1_500, (30, 90))];
                    operator.lock_wait = Duration::from_secs(120);
                }
                forced(schedule, dice, (3_000, 40_000));
            }
            Self::Forced => {
                for operator in &mut schedule.operators {
                    operator.lock_wait = Duration::from_secs(120);
                    operator.fate.latency = 1 + dice.below(400);
                }
                for _ in 0..3 {
                    forced(schedule, dice, (0, 3_000));
                }
                schedule.admin.latency = 1 + dice.below(400);
                schedule.hanging_hook = true;
            }
            Self::Drifting => {
                let names: Vec<String> = schedule.last().services.keys().cloned().collect();
                for number in 0..4 {
                    let drift = Drift::ALL[usize::try_from(dice.below(6)).unwrap()];
                    let name = names[number % names.len()].clone();
                    schedule.drifts.push((dice.ms(3_000), drift, name));
                }
                // Between the removal of one instance and the making of the next there is little time: often, then.
                if schedule.seed % 4 == 3 {
                    for _ in 0..20 {
                        let lost = (dice.ms(3_000), Drift::LosesVolume, String::new());
                        schedule.drifts.push(lost);
                    }
                }
            }
            Self::OldLists => {
                for operator in &mut schedule.operators {
                    operator.fate.old_lists = 1 + dice.below(3);
                }
            }
            Self::Suspended => {
                for operator in &mut schedule.operators {
                    operator.fate.suspended = vec![dice.span(1_500, (15, 90))];
                    operator.lock_wait = Duration::from_secs(120);
                }
                forced(schedule, dice, (3_000, 40_000));
            }
            Self::LockReplies => {
                for operator in &mut schedule.operators {
                    operator.fate.lock_replies_lost = 200 + dice.below(400);
                    operator.lock_wait = Duration::from_secs(300);
                }
                schedule.admin.lock_replies_lost = 500;
                schedule.unlocks.push((dice.ms(3_000), Unlock::Proven, 0));
                // Long enough for the lock to be renewed meanwhile.
                schedule.slow_hook = true;
                for project in &mut schedule.versions {
                    for service in project.services.values_mut() {
                        service.hooks.prestart_host = vec![hook("slow", HookPlace::Host)];
                    }
                }
            }
        }
    }
}

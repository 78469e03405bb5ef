//! What instances use, as far as somebody looked: the last samples of each, and which ones to ask for.
//!
//! Asked for is what is on the screen and nothing else: the chosen service whose details are shown, and the rows
//! in sight while the columns of use are on. Nobody looking, nothing asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::domain::ids::ProviderId;
use crate::domain::live::LiveSubject;
use crate::domain::report::StatusReport;
use crate::domain::time::Wall;
use crate::domain::usage::{Probed, Usage};

/// The last samples of one instance, the newest last.
pub type Ring = VecDeque<Usage>;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Services on the screen.
    pub services: BTreeSet<String>,
    /// The service whose probes are shown.
    pub closely: Option<String>,
}

/// Samples and probes of everything that was looked at.
#[derive(Clone, Debug, Default)]
pub struct Usages {
    rings: BTreeMap<ProviderId, Ring>,
    probes: BTreeMap<ProviderId, Vec<Probed>>,
    /// What is asked for now.
    pub asked: Asked,
    /// Whether the services have columns of use.
    pub columns: bool,
    /// Whether nobody can see the screen: the terminal is gone or lent to another program.
    pub unseen: bool,
}

impl Usages {
    /// How many samples of an instance are kept: four minutes.
    pub const KEPT: usize = 120;
    /// How many instances are remembered.
    const INSTANCES: usize = 96;
    /// A sample older than this says nothing about now, in milliseconds.
    const FRESH: i64 = 30_000;

    /// Takes samples; tells whether a figure changed that is on the screen.
    pub fn take(&mut self, samples: &[(LiveSubject, Usage)]) -> bool {
        let mut news = false;
        for (subject, usage) in samples {
            let ring = self.rings.entry(subject.id.clone()).or_default();
            // Figures that never moved are drawn without bars: one sample more of them changes nothing. The first sample
            // knows no share of the processor yet.
            let same = |other: &Usage| {
                let share = other.cpu_millis.is_none() || other.cpu_millis == usage.cpu_millis;
                share && other.counters == still(other, usage)
            };
            news |= ring.len() < 2 || !ring.iter().all(same);
            ring.push_back(*usage);
            let excess = ring.len().saturating_sub(Self::KEPT);
            ring.drain(..excess);
        }
        while self.rings.len() > Self::INSTANCES {
            let last = |ring: &Ring| ring.back().map_or(Wall(0), |usage| usage.at);
            let oldest = self.rings.iter().min_by_key(|(_, ring)| last(ring));
            let Some(id) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            self.rings.remove(&id);
        }
        news
    }

    /// Takes the last probes; tells whether they differ from those before.
    pub fn take_probes(&mut self, probes: &BTreeMap<ProviderId, Vec<Probed>>) -> bool {
        if self.probes == *probes {
            return false;
        }
        self.probes.clone_from(probes);
        true
    }

    /// Returns the samples of an instance.
    #[must_use]
    pub fn ring(&self, id: &ProviderId) -> Option<&Ring> {
        self.rings.get(id).filter(|ring| !ring.is_empty())
    }

    /// Returns the last sample of an instance, unless it is too old to say anything about now.
    #[must_use]
    pub fn now(&self, id: &ProviderId, now: Wall) -> Option<&Usage> {
        let last = self.rings.get(id)?.back()?;
        (now.0.saturating_sub(last.at.0) <= Self::FRESH).then_some(last)
    }

    /// Returns the last probes of an instance, the newest last; `None` when nobody asked yet.
    #[must_use]
    pub fn probes(&self, id: &ProviderId) -> Option<&[Probed]> {
        self.probes.get(id).map(Vec::as_slice)
    }

    /// Adds up what the instances of a service use; unknown when it is of any of them that run.
    #[must_use]
    pub fn of_service(
        &self,
        status: &StatusReport,
        address: &crate::domain::ids::Address,
        now: Wall,
    ) -> (Option<u64>, Option<u64>) {
        let instances = status.resources.get(address).map(|found| &found.instances);
        let (mut cpu, mut memory) = (Vec::new(), Vec::new());
        for one in instances.into_iter().flatten() {
            if one.status != crate::domain::live::Status::Running {
                continue;
            }
            let last = self.now(&one.id, now);
            cpu.push(last.and_then(|usage| usage.cpu_millis));
            memory.push(last.and_then(|usage| usage.counters.memory));
        }
        (sum(&cpu), sum(&memory))
    }
}

/// Adds figures up; unknown when there are none or one of them is.
fn sum(figures: &[Option<u64>]) -> Option<u64> {
    let known: Option<Vec<u64>> = figures.iter().copied().collect();
    known
        .filter(|all| !all.is_empty())
        .map(|all| all.iter().sum())
}

/// Returns new counters with the figures that are not drawn taken from the old.
fn still(old: &Usage, new: &Usage) -> crate::domain::usage::Counters {
    crate::domain::usage::Counters {
        cpu_ns: old.counters.cpu_ns,
        clock_ns: old.counters.clock_ns,
        ..new.counters
    }
}

/// Writes a share of one core: `12.3 %`, `-` when it is not known.
#[must_use]
pub fn share(millis: Option<u64>) -> String {
    match millis {
        None => "-".to_owned(),
        Some(millis) => format!("{}.{} %", millis / 10, millis % 10),
    }
}

/// Writes a size, `-` when it is not known.
#[must_use]
pub fn bytes(size: Option<u64>) -> String {
    size.map_or_else(|| "-".to_owned(), crate::present::human::size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Address, Instance};
    use crate::domain::usage::Counters;

    fn sample(id: &str, at: i64, cpu: Option<u64>) -> (LiveSubject, Usage) {
        let subject = LiveSubject {
            id: ProviderId::new(id),
            address: Address::service("api"),
            instance: Instance(0),
        };
        let counters = Counters {
            cpu_ns: Some(u64::try_from(at).unwrap_or(0)),
            memory: Some(1 << 20),
            ..Counters::default()
        };
        let usage = Usage {
            at: Wall(at),
            cpu_millis: cpu,
            counters,
        };
        (subject, usage)
    }

    #[test]
    fn four_minutes_are_kept_and_an_old_sample_is_no_news_of_now() {
        let mut usages = Usages::default();
        for at in 0..200 {
            usages.take(&[sample("a", at * 2_000, Some(7))]);
        }
        let id = ProviderId::new("a");
        assert_eq!(usages.ring(&id).map(VecDeque::len), Some(Usages::KEPT));
        assert!(usages.now(&id, Wall(199 * 2_000 + 30_000)).is_some());
        assert!(usages.now(&id, Wall(199 * 2_000 + 30_001)).is_none());
        assert_eq!(usages.ring(&ProviderId::new("b")), None);
    }

    #[test]
    fn a_steady_figure_draws_nothing_new_and_one_that_moved_does_until_it_is_forgotten() {
        let mut usages = Usages::default();
        assert!(usages.take(&[sample("a", 0, None)]));
        assert!(usages.take(&[sample("a", 1, Some(0))]), "the first share");
        for at in 2..200 {
            assert!(!usages.take(&[sample("a", at, Some(0))]), "{at}");
        }
        assert!(usages.take(&[sample("a", 200, Some(3))]));
        for at in 201..321 {
            assert!(usages.take(&[sample("a", at, Some(0))]), "{at}");
        }
        assert!(!usages.take(&[sample("a", 400, Some(0))]));
    }

    #[test]
    fn memory_of_old_instances_is_bounded() {
        let mut usages = Usages::default();
        for at in 0..300 {
            usages.take(&[sample(&format!("i{at}"), at, None)]);
        }
        assert!(usages.rings.len() <= Usages::INSTANCES);
        assert!(usages.ring(&ProviderId::new("i299")).is_some());
        assert!(usages.ring(&ProviderId::new("i0")).is_none());
    }

    #[test]
    fn unknown_is_a_dash_and_never_zero() {
        assert_eq!(share(None), "-");
        assert_eq!(share(Some(0)), "0.0 %");
        assert_eq!(share(Some(1_234)), "123.4 %");
        assert_eq!(bytes(None), "-");
        assert_eq!(bytes(Some(0)), "0 B");
    }
}

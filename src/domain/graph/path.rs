//! The critical path: the chain that decides how long a whole deployment takes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::graph::build::Graph;
use crate::domain::ids::Address;

/// The longest chain with its length.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CriticalPath {
    /// Its resources, the first to start in front.
    pub path: Vec<Address>,
    /// Sum of their weights.
    pub total: Duration,
}

impl Graph {
    /// Finds the chain of dependencies with the greatest sum of weights; a resource without a weight counts zero.
    ///
    /// With no weights at all it is the chain with the most resources. Of several equal ones the alphabetically
    /// first is taken. Empty for an empty graph.
    #[must_use]
    pub fn critical_path(&self, weights: &BTreeMap<Address, Duration>) -> CriticalPath {
        // Best chain ending in a resource: its weight, its number of resources, the resource before.
        let mut best: BTreeMap<Address, (Duration, usize, Option<Address>)> = BTreeMap::new();
        for address in self.layers().into_iter().flatten() {
            let own = weights.get(&address).copied().unwrap_or_default();
            let mut ahead: (Duration, usize, Option<Address>) = (Duration::ZERO, 0, None);
            for need in self.dependencies(&address) {
                if let Some((total, count, _)) = best.get(&need)
                    && (*total, *count) > (ahead.0, ahead.1)
                {
                    ahead = (*total, *count, Some(need));
                }
            }
            let ending = (ahead.0.saturating_add(own), ahead.1 + 1, ahead.2);
            best.insert(address, ending);
        }
        let mut last: Option<(&Address, Duration, usize)> = None;
        for (address, (total, count, _)) in &best {
            if last.is_none_or(|(_, t, c)| (*total, *count) > (t, c)) {
                last = Some((address, *total, *count));
            }
        }
        let Some((address, total, _)) = last else {
            return CriticalPath::default();
        };
        let mut path = vec![address.clone()];
        let mut at = address;
        while let Some((_, _, Some(before))) = best.get(at) {
            path.push(before.clone());
            at = before;
        }
        path.reverse();
        CriticalPath { path, total }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_longest_chain_by_weight_then_by_length() {
        let s = Address::service;
        let edges = BTreeMap::from([
            (s("db"), BTreeSet::new()),
            (s("slow"), BTreeSet::new()),
            (s("api"), BTreeSet::from([s("db")])),
            (s("web"), BTreeSet::from([s("api"), s("slow")])),
        ]);
        let graph = Graph::from_edges(&edges);
        let names = |path: CriticalPath| {
            let text: Vec<String> = path.path.iter().map(|a| a.name.clone()).collect();
            format!("{} {:?}", text.join(">"), path.total)
        };
        assert_eq!(
            names(graph.critical_path(&BTreeMap::new())),
            "db>api>web 0ns"
        );
        let weights = BTreeMap::from([
            (s("slow"), Duration::from_secs(9)),
            (s("db"), Duration::from_secs(1)),
            (s("web"), Duration::from_secs(2)),
        ]);
        assert_eq!(names(graph.critical_path(&weights)), "slow>web 11s");
        assert_eq!(
            Graph::default().critical_path(&weights),
            CriticalPath::default()
        );
    }
}

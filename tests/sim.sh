#!/usr/bin/env bash
# Runs the long simulation with optimisation: random schedules, each row of the fault table, kills at every step of forty
# graphs. Only the layers it drives are compiled (tests/sim/core), with the versions of the one Cargo.lock, and an allocator
# that is a third quicker at it.
# usage: tests/sim.sh [SCHEDULES]     (20,000 where nothing is said)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export NANOKIT_SIM="${1:-20000}"
cp Cargo.lock tests/sim/core/Cargo.lock
cargo=(cargo test --manifest-path tests/sim/core/Cargo.toml --target-dir target/sim --test sim)
"${cargo[@]}" --no-run
exec "${cargo[@]}" -- swarm kill_graphs --nocapture

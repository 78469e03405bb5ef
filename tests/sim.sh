#!/usr/bin/env bash
# Runs the long simulation: random schedules, each row of the fault table, kills at every step of forty graphs.
# Only this crate is compiled with optimisation; its dependencies are those of every other test.
# usage: tests/sim.sh [SCHEDULES]     (20,000 where nothing is said)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export NANOKIT_SIM="${1:-20000}"
cargo=(cargo --config profile.dev.package.nanokit.opt-level=2)
"${cargo[@]}" test --locked --test sim --no-run
exec "${cargo[@]}" test --locked --test sim -- swarm kill_graphs --nocapture

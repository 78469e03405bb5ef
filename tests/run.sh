#!/usr/bin/env bash
# Runs every test, after preparing the machine; then, unless arguments are given, the long simulation, optimised.
# The one command of the README.
# usage: [SCHEDULES=20000] tests/run.sh [arguments for `cargo test`]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tests/prepare.sh
cargo test --locked "$@"
if [ $# -eq 0 ]; then
  NANOKIT_SIM="${SCHEDULES:-20000}" cargo test --locked --profile sim --test sim -- swarm kill_graphs
fi

#!/usr/bin/env bash
# Runs every test, after preparing the machine. The one command of the README.
# usage: tests/run.sh [arguments for `cargo test`]
# Without arguments the long simulation runs last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tests/prepare.sh
cargo test --locked "$@"
[ $# -gt 0 ] || tests/sim.sh

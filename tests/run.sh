#!/usr/bin/env bash
# Runs every test, after preparing the machine. The one command of the README.
# usage: tests/run.sh [arguments for `cargo test`]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tests/prepare.sh
exec cargo test --locked "$@"

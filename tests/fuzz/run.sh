#!/bin/sh
# Runs every fuzz target for some seconds each: tests/fuzz/run.sh [SECONDS] [TARGET…]
#
# It needs `cargo install cargo-fuzz`. With a stable compiler RUSTC_BOOTSTRAP=1 stands in for a nightly one. What is found
# goes to artifacts/TARGET; mend it and keep the input under corpus/TARGET, where the tests replay it on every commit.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- manifest dotenv state journal plan lock event output clean redact settings
export RUSTC_BOOTSTRAP=1
cargo fuzz build --fuzz-dir .
failed=
for target in "$@"; do
	mkdir -p "work/$target"
	echo "== $target, $seconds s"
	cargo fuzz run --fuzz-dir . "$target" "work/$target" "corpus/$target" -- \
		-max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 -max_len=65536 -print_final_stats=1 || failed="$failed $target"
done
[ -z "$failed" ] || { echo "found something in:$failed" >&2; exit 1; }

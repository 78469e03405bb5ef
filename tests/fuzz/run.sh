#!/bin/sh
# Runs every fuzz target for some seconds each: tests/fuzz/run.sh [SECONDS] [TARGET…]
#
# cargo-fuzz is installed where it is missing. With a stable compiler RUSTC_BOOTSTRAP=1 stands in for a nightly one. This
# crate has no unsafe code, so no sanitizer is built in (FUZZ_SANITIZER=address for one): twice the speed, half the build.
# What is found goes to artifacts/TARGET; mend it and keep the input under corpus/TARGET, where the tests replay it on every
# commit. What is merely new stays in work/TARGET and is where the next run begins.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- manifest dotenv state journal plan lock event output clean redact settings ignored worker memory compose dockerignore
sanitizer=${FUZZ_SANITIZER:-none}
export RUSTC_BOOTSTRAP=1
cargo fuzz --version >/dev/null 2>&1 || cargo install --locked --version 0.13.2 cargo-fuzz
cargo fuzz build --fuzz-dir . --sanitizer "$sanitizer"
failed=
for target in "$@"; do
	mkdir -p "work/$target"
	echo "== $target, $seconds s"
	cargo fuzz run --fuzz-dir . --sanitizer "$sanitizer" "$target" "work/$target" "corpus/$target" -- \
		-max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 -report_slow_units=2 -max_len=65536 \
		-print_final_stats=1 || failed="$failed $target"
done
[ -z "$failed" ] || { echo "found something in:$failed" >&2; exit 1; }

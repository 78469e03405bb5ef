#!/bin/sh
# Leaves a worker for MINUTES (10 if not given) with a Docker engine of its own that keeps being killed and restarted,
# while things are changed by hand. Fails when a change is not mended or the worker grows. Needs root and dockerd.
set -eu
cd "$(dirname "$0")/.."
NANOKIT_SOAK="${1:-10}" exec cargo test --test it -- --ignored --nocapture --exact docker::worker_soak::docker_worker_soak

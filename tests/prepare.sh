#!/usr/bin/env bash
# Prepares a fresh Debian machine for the tests: the packages they use, a running Docker engine, and the test
# images, which are made from Debian's own files without any registry. Does nothing twice; run it as often as you like.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1mprepare:\033[0m %s\n' "$*" >&2; }
die() { printf 'prepare: %s\n' "$*" >&2; exit 1; }

command -v cargo >/dev/null || die "cargo is missing: install Rust 1.94 or newer first (https://rustup.rs)"

# --- packages -------------------------------------------------------------------------------------------
missing=()
need() { dpkg -s "$1" >/dev/null 2>&1 || missing+=("$1"); }
need busybox-static
need e2fsprogs  # the tests of power cuts make filesystems of their own
need xfsprogs
need strace     # kills and disk faults at a chosen system call
command -v git >/dev/null || missing+=(git)
command -v python3 >/dev/null || missing+=(python3)
command -v dockerd >/dev/null || command -v docker >/dev/null || missing+=(docker.io)
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || die "these packages are missing and need root: apt-get install ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# --- engine ---------------------------------------------------------------------------------------------
answers() { python3 - <<'PY'
import os, socket, sys
host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
if not host.startswith("unix://"):
    sys.exit(0)  # a remote engine: the tests will say if it does not answer
s = socket.socket(socket.AF_UNIX); s.settimeout(5)
try:
    s.connect(host[7:]); s.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
    sys.exit(0 if b"200 OK" in s.recv(64) else 1)
except OSError:
    sys.exit(1)
PY
}
if ! answers; then
  command -v dockerd >/dev/null || die "no Docker engine answers, and none is installed"
  [ "$(id -u)" = 0 ] || die "no Docker engine answers; starting one needs root"
  say "starting the Docker engine"
  setsid dockerd >/tmp/nanokit-dockerd.log 2>&1 </dev/null &
  for _ in $(seq 1 60); do answers && break; sleep 1; done
  answers || { tail -5 /tmp/nanokit-dockerd.log >&2; die "the Docker engine did not come up"; }
fi

# --- images ---------------------------------------------------------------------------------------------
say "making the test images"
assets/test-images/make.sh

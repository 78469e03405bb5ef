#!/usr/bin/env bash
# Makes the images the tests and the demo run, without any registry: every file comes from Debian's static busybox.
# The same busybox gives the same image ids, so running it twice changes nothing.
#
#   nk-test/busybox:1          a shell and its applets
#   nk-test/web:1, :2, :bad    an HTTP server on $PORT with a health check; `bad` never gets healthy
#   nk-test/crash:1            ends with $CODE (3) after $AFTER (1) seconds
#   nk-test/slow:1             is healthy only after $WAIT (4) seconds
#   nk-test/stubborn:1         does not stop for SIGTERM
#   nk-test/noshell:1          one static program and no /bin/sh
#   busybox:stable             stands in for the image of that name where no registry answers
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

missing=()
command -v python3 >/dev/null || missing+=(python3)
command -v docker >/dev/null || missing+=(docker.io)
[ -x /bin/busybox ] || [ -x /usr/bin/busybox ] || missing+=(busybox-static)
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || { echo "make.sh: needs root to install: ${missing[*]}" >&2; exit 1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# An image of that name that came from a registry is better than ours: it stays.
keep_stable=$(docker image inspect --format '{{if .RepoDigests}}keep{{end}}' busybox:stable 2>/dev/null || true)
python3 "$here/images.py" ${keep_stable:+--without-stable} | docker load --quiet >/dev/null
docker image inspect --format '{{.Id}}' nk-test/busybox:1 >/dev/null

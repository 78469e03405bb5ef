#!/usr/bin/env bash
# Fetches Docker Compose 2.40 from Debian's newer suite into a file, as the peer that `compare.py` measures beside
# nkapp. Nothing is installed into the system: apt works in folders of its own.
# usage: tests/bench/get-compose.sh DESTINATION
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 DESTINATION" >&2; exit 2; }
target=$(realpath -m "$1")
if [ -x "$target" ]; then exec "$target" version --short; fi
sources=/etc/apt/sources.list.d/debian.sources
[ -r "$sources" ] || { echo "no $sources to take the mirror's address from" >&2; exit 1; }
mirror=$(awk '/^URIs:/ { print $2; exit }' "$sources")
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir -p "$box/parts" "$box/lists/partial" "$box/cache/archives/partial"
cat >"$box/parts/newer.sources" <<END
Types: deb
URIs: $mirror
Suites: sid
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
apt() {
  apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$box/parts" \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null -o Dir::State::Lists="$box/lists" \
    -o Dir::Cache="$box/cache" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}
apt update
(cd "$box" && apt download docker-compose && dpkg-deb -x docker-compose_*.deb files)
mkdir -p "$(dirname "$target")"
install -m 755 "$box/files/usr/libexec/docker/cli-plugins/docker-compose" "$target"
exec "$target" version --short

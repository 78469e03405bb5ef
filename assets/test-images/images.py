#!/usr/bin/env python3
"""Writes the test images as one archive for `docker load`; see make.sh.

Times are 0 and order is fixed, so the same busybox gives the same image ids.
"""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

SECOND = 10**9
BUSYBOX = next(p for p in ("/bin/busybox", "/usr/bin/busybox") if os.access(p, os.X_OK))

SERVE = """#!/bin/sh
echo "web starting on ${PORT:-8080}"
env | sort > /www/env
hostname > /www/host
httpd -f -v -p "${PORT:-8080}" -h /www & server=$!
trap 'kill $server; echo stopped; exit 0' TERM INT
wait $server
"""
CRASH = """#!/bin/sh
echo 'about to fail' >&2
sleep "${AFTER:-1}"
exit "${CODE:-3}"
"""
SLOW = """#!/bin/sh
trap 'exit 0' TERM
echo starting
sleep "${WAIT:-4}" & wait
touch /tmp/ready
echo ready
while :; do sleep 1 & wait; done
"""
STUBBORN = """#!/bin/sh
trap 'echo got TERM, staying' TERM
line=0
while :; do line=$((line + 1)); echo "line $line"; sleep 1; done
"""


def layer(folders, files, links):
    """One layer: folders {path: mode}, files {path: (mode, bytes)}, links {path: target}."""
    parents = {os.path.dirname(p) for p in [*files, *links]} - {"/"}
    while new := {os.path.dirname(p) for p in parents} - parents - {"/"}:
        parents |= new
    entries = {p: (tarfile.DIRTYPE, 0o755, None) for p in parents}
    entries |= {p: (tarfile.DIRTYPE, mode, None) for p, mode in folders.items()}
    entries |= {p: (tarfile.REGTYPE, mode, data) for p, (mode, data) in files.items()}
    entries |= {p: (tarfile.SYMTYPE, 0o777, target) for p, target in links.items()}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(entries):
            kind, mode, data = entries[path]
            item = tarfile.TarInfo(path.lstrip("/"))
            item.type, item.mode, item.mtime = kind, mode, 0
            if kind == tarfile.SYMTYPE:
                item.linkname = data
            elif kind == tarfile.REGTYPE:
                item.size = len(data)
            tar.addfile(item, io.BytesIO(data) if kind == tarfile.REGTYPE else None)
    return out.getvalue()


def script(text):
    return 0o755, text.encode()


def page(text):
    return 0o644, text.encode()


def base():
    with open(BUSYBOX, "rb") as f:
        program = f.read()
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return layer(
        {"/tmp": 0o1777, "/root": 0o700, "/run": 0o755, "/var": 0o755, "/var/tmp": 0o1777},
        {
            "/bin/busybox": (0o755, program),
            "/etc/passwd": page("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"),
            "/etc/group": page("root:x:0:\nnogroup:x:65534:\n"),
            "/etc/nsswitch.conf": page("passwd: files\ngroup: files\nhosts: files dns\n"),
        },
        {f"/bin/{name}": "busybox" for name in applets if name != "busybox"},
    )


def check(line, start=0):
    return {"Test": ["CMD-SHELL", line], "Interval": SECOND, "Timeout": 2 * SECOND,
            "StartPeriod": start * SECOND, "Retries": 3}


def web(version):
    return layer({}, {"/entry": script(SERVE), "/www/index.html": page(f"web {version}\n"),
                      "/www/health": page("ok\n")}, {})


def images(with_stable):
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    shell = base()
    entry = {"Env": [path], "Cmd": ["/entry"]}
    served = entry | {"ExposedPorts": {"8080/tcp": {}}}
    healthy = check("wget -q -O /dev/null http://127.0.0.1:${PORT:-8080}/health")
    names = ["nk-test/busybox:1"] + (["busybox:stable"] if with_stable else [])
    yield names, [shell], {"Env": [path], "Cmd": ["sh"]}
    yield ["nk-test/web:1"], [shell, web("1")], served | {"Healthcheck": healthy}
    yield ["nk-test/web:2"], [shell, web("2")], served | {"Healthcheck": healthy}
    never = check("wget -q -O /dev/null http://127.0.0.1:${PORT:-8080}/nope")
    yield ["nk-test/web:bad"], [shell, web("bad")], served | {"Healthcheck": never}
    yield ["nk-test/crash:1"], [shell, layer({}, {"/entry": script(CRASH)}, {})], entry
    yield (["nk-test/slow:1"], [shell, layer({}, {"/entry": script(SLOW)}, {})],
           entry | {"Healthcheck": check("test -e /tmp/ready", start=60)})
    yield ["nk-test/stubborn:1"], [shell, layer({}, {"/entry": script(STUBBORN)}, {})], entry
    with open(BUSYBOX, "rb") as f:
        alone = layer({}, {"/busybox": (0o755, f.read())}, {})
    yield ["nk-test/noshell:1"], [alone], {"Env": [path], "Cmd": ["/busybox", "sleep", "100000"]}


def main():
    files, manifest = {}, []
    for names, layers, config in images("--without-stable" not in sys.argv):
        digests = [hashlib.sha256(data).hexdigest() for data in layers]
        files |= {f"{digest}.tar": data for digest, data in zip(digests, layers)}
        epoch = "1970-01-01T00:00:00Z"
        text = json.dumps({
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
            "os": "linux", "created": epoch, "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{d}" for d in digests]},
            "history": [{"created": epoch, "created_by": "nanokit test images"} for _ in digests],
        }, sort_keys=True).encode()
        name = hashlib.sha256(text).hexdigest() + ".json"
        files[name] = text
        manifest.append({"Config": name, "RepoTags": names, "Layers": [f"{d}.tar" for d in digests]})
    files["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(files):
            item = tarfile.TarInfo(name)
            item.size, item.mtime = len(files[name]), 0
            tar.addfile(item, io.BytesIO(files[name]))


main()

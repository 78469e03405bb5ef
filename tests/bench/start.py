#!/usr/bin/env python3
"""How long a command takes that needs only the project file, from start to exit, with 200 services.

usage: tests/bench/start.py [STARTS]       (needs target/release/nkapp, or NKAPP=path)

Writes a project of 200 services (health checks, hooks, variables, dependencies, volumes, a few actions) with a state and
two runs behind it, and starts every command of the first phase again and again, all of them in turn, so that a busy machine
is busy for all. Prints for each the median and the 95th percentile of the wall clock and the median of the processor time,
and ends with 1 when a median is over the aim.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

NKAPP = os.path.abspath(os.environ.get("NKAPP", "target/release/nkapp"))
STARTS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
SERVICES = 200
AIM = 20.0

COMMANDS = [
    "validate",
    "config",
    "graph",
    "graph --format json",
    "action list",
    "action show mend",
    "action list --json",
    "run list",
    "run show",
    "run show --critical-path",
    "run show --json",
    "run replay --speed 0",
    "run diff",
    "state show",
    "infra lock",
    "schema",
    "completions bash",
    "man",
    "changelog",
    "import compose.yaml --output -",
    "--help",
    "--version",
]


def project(services):
    lines = ["name: start", "infra: { provider: process }", "volumes: { data: {} }", "services:"]
    for n in range(services):
        lines += [
            f"  s{n:03}:",
            "    start: [sh, -c, 'exec sleep 600']",
            "    env: { LEVEL: info, NAME: '$USER', NUMBER: '" + str(n) + "' }",
            "    healthcheck: { test: [CMD, 'true'], interval: 1s }",
            "    hooks: { poststart: 'echo started', prestop: { run: 'echo stops', timeout: 5s } }",
            "    volumes: ['data:/data']",
        ]
        if n >= 10:
            lines.append(f"    depends_on: [s{n - 10:03}]")
    lines += [
        "actions:",
        "  - name: mend",
        "    hook: manual",
        "    description: stops one, looks, starts it",
        "    steps: [{ stop: s000 }, { run: 'true' }, { start: s000 }, { wait: { healthy: s000 } }]",
    ]
    return "\n".join(lines) + "\n"


def environment(folder):
    return {
        "HOME": folder,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "USER": "bench",
        "LANG": "C.UTF-8",
        "DOCKER_HOST": "unix:///nowhere",
    }


def prepare(folder):
    """Two deploys of a few services leave a state and runs; then the file has all of them."""
    file = os.path.join(folder, "nanokit.yml")
    with open(os.path.join(folder, "compose.yaml"), "w") as out:
        out.write("services:\n  web:\n    image: nginx:1\n")
    for services in (5, 10):
        with open(file, "w") as out:
            out.write(project(services))
        done = subprocess.run([NKAPP, "deploy", "-y", "-q"], cwd=folder, env=environment(folder), capture_output=True)
        if done.returncode != 0:
            sys.exit(f"the deploy before the measurement failed: {done.stderr.decode()}")
    with open(file, "w") as out:
        out.write(project(SERVICES))


def start(folder, words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run([NKAPP, *words.split()], cwd=folder, env=environment(folder), capture_output=True)
    took = (time.monotonic() - began) * 1000
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"nkapp {words} ended with {done.returncode}: {done.stderr.decode()}")
    used = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000
    return took, used


def main():
    folder = tempfile.mkdtemp(prefix="nk-start-")
    figures = {words: [] for words in COMMANDS}
    try:
        prepare(folder)
        for words in COMMANDS:
            start(folder, words)
        for _ in range(STARTS):
            for words in COMMANDS:
                figures[words].append(start(folder, words))
    finally:
        subprocess.run([NKAPP, "clean", "-y", "--force", "-q"], cwd=folder, env=environment(folder), capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{SERVICES} services, {STARTS} starts each, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| command | median | p95 | processor |\n|---|---|---|---|")
    slow = []
    for words, all_of in figures.items():
        walls = sorted(wall for wall, _ in all_of)
        median = statistics.median(walls)
        p95 = walls[int(len(walls) * 0.95) - 1] if len(walls) > 1 else walls[0]
        used = statistics.median(used for _, used in all_of)
        print(f"| `{words}` | {median:.1f} ms | {p95:.1f} ms | {used:.1f} ms |")
        if median > AIM:
            slow.append(words)
    if slow:
        sys.exit(f"over {AIM:.0f} ms: {', '.join(slow)}")


if __name__ == "__main__":
    main()
